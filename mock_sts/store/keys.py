"""Signing keys of environments, and secrets of the server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mock_sts.store.database import Database, Transaction

ACTIVE = "active"

_LOAD = "SELECT kid, jwk, certificate, state FROM signing_key WHERE environment = ? ORDER BY created_at DESC, kid"
_ACTIVE = "SELECT kid FROM signing_key WHERE environment = ? AND state = ?"
_INSERT = (
    "INSERT INTO signing_key (environment, kid, jwk, certificate, state, created_at) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (environment, kid) DO NOTHING"
)
_SECRET = "SELECT value FROM server_secret WHERE name = ?"
_KEEP_SECRET = "INSERT INTO server_secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of our own: private JWK and certificate (DER, standard base64). ``state`` is active, next or retired."""

    kid: str
    jwk: Mapping[str, str]
    certificate: str
    state: str = ACTIVE


class Keys:
    """The signing keys of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    def load(self) -> list[SigningKey]:
        """All signing keys, newest first."""
        rows = self._database.read_all(_LOAD, (self._environment,))
        return [SigningKey(row[0], json.loads(row[1]), row[2], row[3]) for row in rows]

    def keep_first(self, key: SigningKey, now: int) -> None:
        """Insert ``key`` unless there is an active one already: the first worker wins. ``now`` is in seconds."""
        with self._database.writing() as transaction:
            transaction.lock(f"keys:{self._environment}")
            if transaction.one(_ACTIVE, (self._environment, ACTIVE)) is None:
                put_key(transaction, self._environment, key, now)


def put_key(transaction: Transaction, environment: str, key: SigningKey, now: int) -> None:
    """Insert ``key`` for ``environment``, made at ``now`` (seconds)."""
    row = (environment, key.kid, json.dumps(dict(key.jwk)), key.certificate, key.state, now)
    transaction.execute(_INSERT, row)


def server_secret(database: Database, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret called ``name``, made at the first call; the first worker wins."""
    found = database.read_one(_SECRET, (name,))
    if found is None:
        with database.writing() as transaction:
            transaction.execute(_KEEP_SECRET, (name, make()))
        found = database.read_one(_SECRET, (name,))
    return bytes(found[0])
