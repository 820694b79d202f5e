"""Signing keys and server secrets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from mock_sts.store.database import Store
from mock_sts.store.tables import SERVER_SECRET, SIGNING_KEY

ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of our own: private JWK and certificate (DER, standard base64). ``state`` is active, next or retired."""

    kid: str
    jwk: Mapping[str, str]
    certificate: str
    state: str = ACTIVE


def load_signing_keys(store: Store) -> list[SigningKey]:
    """All signing keys, newest first."""
    with store.reading() as connection:
        rows = connection.execute(select(SIGNING_KEY).order_by(SIGNING_KEY.c.created_at.desc())).all()
    return [SigningKey(row.kid, json.loads(row.jwk), row.certificate, row.state) for row in rows]


def keep_first_signing_key(store: Store, key: SigningKey, now: int) -> None:
    """Insert ``key`` unless there is an active one already: the first worker wins."""
    with store.writing() as connection:
        there = connection.scalar(select(SIGNING_KEY.c.kid).where(SIGNING_KEY.c.state == ACTIVE))
        if there is None:
            connection.execute(
                insert(SIGNING_KEY).values(
                    kid=key.kid,
                    jwk=json.dumps(dict(key.jwk)),
                    certificate=key.certificate,
                    state=ACTIVE,
                    created_at=now,
                )
            )


def server_secret(store: Store, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret called ``name``, made at the first call; the first worker wins."""
    wanted = select(SERVER_SECRET.c.value).where(SERVER_SECRET.c.name == name)
    with store.reading() as connection:
        found: Any = connection.scalar(wanted)
    if found is None:
        with store.writing() as connection:
            connection.execute(insert_or_ignore(SERVER_SECRET).values(name=name, value=make()).on_conflict_do_nothing())
            found = connection.scalar(wanted)
    return bytes(found)
