"""Signing keys of environments, and secrets of the server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mock_sts.store.database import Database, Transaction

#: What a key does: it will sign, it signs, it has signed.
NEXT, ACTIVE, RETIRED = "next", "active", "retired"

_COLUMNS = "kid, jwk, certificate, state, created_at, algorithm, withheld"
_LOAD = f"SELECT {_COLUMNS} FROM signing_key WHERE environment = ? ORDER BY created_at DESC, kid"  # noqa: S608
_ACTIVE = "SELECT kid FROM signing_key WHERE environment = ? AND state = ?"
_INSERT = (
    f"INSERT INTO signing_key (environment, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
    "ON CONFLICT (environment, kid) DO NOTHING"
)
_CHANGE = "UPDATE signing_key SET state = ?, withheld = ? WHERE environment = ? AND kid = ?"
_DELETE = "DELETE FROM signing_key WHERE environment = ? AND kid = ?"
_MOVE_REVISION = "UPDATE revision SET number = number + 1 WHERE environment = ?"
_SECRET = "SELECT value FROM server_secret WHERE name = ?"
_KEEP_SECRET = "INSERT INTO server_secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of our own: private JWK and certificate (DER, standard base64).

    ``state`` is next, active or retired; ``created_at`` in seconds. ``algorithm`` is what it signs with, None for what
    the setting says. A ``withheld`` key is not in the key set.
    """

    kid: str
    jwk: Mapping[str, str]
    certificate: str
    state: str = ACTIVE
    created_at: int = 0
    algorithm: str | None = None
    withheld: bool = False


class Keys:
    """The signing keys of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    def load(self) -> list[SigningKey]:
        """All signing keys, newest first."""
        return [_key(row) for row in self._database.read_all(_LOAD, (self._environment,))]

    def load_in(self, transaction: Transaction) -> list[SigningKey]:
        """The same, as ``transaction`` sees them; no other changes them before its end."""
        transaction.lock(f"keys:{self._environment}")
        return [_key(row) for row in transaction.all(_LOAD, (self._environment,))]

    def keep_first(self, key: SigningKey, now: int) -> None:
        """Insert ``key`` unless there is an active one already: the first worker wins. ``now`` is in seconds."""
        with self._database.writing() as transaction:
            transaction.lock(f"keys:{self._environment}")
            if transaction.one(_ACTIVE, (self._environment, ACTIVE)) is None:
                put_key(transaction, self._environment, key, now)

    def put(self, transaction: Transaction, key: SigningKey) -> bool:
        """Insert ``key``; False where there is one with its id. All processes read the keys anew."""
        made = put_key(transaction, self._environment, key, key.created_at)
        transaction.execute(_MOVE_REVISION, (self._environment,))
        return made

    def change(self, transaction: Transaction, key: SigningKey) -> None:
        """Keep state of ``key``, and whether it is withheld. All processes read the keys anew."""
        transaction.execute(_CHANGE, (key.state, 1 if key.withheld else None, self._environment, key.kid))
        transaction.execute(_MOVE_REVISION, (self._environment,))

    def delete(self, transaction: Transaction, kid: str) -> None:
        """Forget the key ``kid``. All processes read the keys anew."""
        transaction.execute(_DELETE, (self._environment, kid))
        transaction.execute(_MOVE_REVISION, (self._environment,))


def put_key(transaction: Transaction, environment: str, key: SigningKey, now: int) -> bool:
    """Insert ``key`` for ``environment``, made at ``now`` (seconds); False where there is one with its id."""
    withheld = 1 if key.withheld else None
    row = (environment, key.kid, json.dumps(dict(key.jwk)), key.certificate, key.state, now, key.algorithm, withheld)
    return bool(transaction.execute(_INSERT, row).rowcount == 1)


def _key(row: tuple[str, str, str, str, int, str | None, int | None]) -> SigningKey:
    kid, jwk, certificate, state, created_at, algorithm, withheld = row
    return SigningKey(kid, json.loads(jwk), certificate, state, created_at, algorithm, bool(withheld))


def server_secret(database: Database, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret called ``name``, made at the first call; the first worker wins."""
    found = database.read_one(_SECRET, (name,))
    if found is None:
        with database.writing() as transaction:
            transaction.execute(_KEEP_SECRET, (name, make()))
        found = database.read_one(_SECRET, (name,))
    return bytes(found[0])
