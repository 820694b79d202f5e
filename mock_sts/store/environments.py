"""Environments: what is kept of each, how one is made, and how one ends with all its rows."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_sts.store.database import BusyError, Database, Transaction
from mock_sts.store.keys import SigningKey, put_key
from mock_sts.store.scope import DEFAULT_ENVIRONMENT, SHARED
from mock_sts.store.version import first_revision

#: Seconds between two notes that an environment is in use.
_NOTE_EVERY = 60

_COLUMNS = "name, created_at, used_at, document, clock_offset, clock_frozen_at"
_INSERT = f"INSERT INTO environment ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM environment WHERE name = ?"  # noqa: S608
_LIST = f"SELECT {_COLUMNS} FROM environment ORDER BY name"  # noqa: S608
_CHANGE = "UPDATE environment SET document = ?, clock_offset = ?, clock_frozen_at = ? WHERE name = ?"
# A clock that was ahead for a moment must not put the next note off.
_USED = "UPDATE environment SET used_at = ? WHERE name = ? AND (used_at <= ? OR used_at > ?)"
_DELETE = "DELETE FROM environment WHERE name = ?"
_INSERT_REVISION = "INSERT INTO revision (environment, number) VALUES (?, ?)"
_MOVE_REVISION = "UPDATE revision SET number = number + 1 WHERE environment = ?"
_COPY_KEYS = (
    "INSERT INTO signing_key (environment, kid, jwk, certificate, state, created_at) "
    "SELECT ?, kid, jwk, certificate, state, created_at FROM signing_key WHERE environment = ?"
)
_SECRET = "SELECT value FROM server_secret WHERE name = ?"
_PUT_SECRET = "INSERT INTO server_secret (name, value) VALUES (?, ?)"
_FORGET_SECRET = "DELETE FROM server_secret WHERE name = ?"

#: Every table with rows of environments. ``revision`` is the last: triggers of the others count it up.
OWNING = (
    "client",
    "api",
    "organization",
    "persona",
    "signing_key",
    "replay",
    "authorization_request",
    "authorization_code",
    "refresh_token",
    "login_session",
    "session_client",
    "scripted_login",
    "token_service_key",
    "journal",
    "revision",
)


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """What is kept of an environment. Times are in seconds of the real clock; ``settings`` are its own, JSON-ready.

    ``clock_offset`` is how many seconds its clock is ahead of the real one; ``clock_frozen_at`` the moment at which it
    stands still, or None.
    """

    name: str
    created_at: int
    used_at: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    clock_offset: int = 0
    clock_frozen_at: int | None = None


class Environments:
    """The environments of a database.

    Whatever changes one moves its revision, so that all processes notice.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, int] = {}

    def make(self, transaction: Transaction, record: EnvironmentRecord, keys: Sequence[SigningKey] = ()) -> bool:
        """Make an environment, with the signing keys of the default one unless it gets ``keys``; False when there is
        one of that name.
        """
        name = record.name
        if name == SHARED:
            raise ValueError("an environment needs a name")
        row = (name, record.created_at, record.used_at, *_changeable(record))
        if transaction.execute(_INSERT, row).rowcount != 1:
            return False
        # A request that was under way when one of that name ended may have left something.
        self._forget_rows(transaction, name)
        transaction.execute(_INSERT_REVISION, (name, first_revision()))
        transaction.execute(_PUT_SECRET, (_secret_of(name), secrets.token_bytes(32)))
        for key in keys:
            put_key(transaction, name, key, record.created_at)
        if not keys:
            transaction.execute(_COPY_KEYS, (name, DEFAULT_ENVIRONMENT))
        return True

    def change(self, transaction: Transaction, record: EnvironmentRecord) -> bool:
        """Keep settings and clock of ``record``; False when there is no environment of its name."""
        transaction.execute(_MOVE_REVISION, (record.name,))
        return bool(transaction.execute(_CHANGE, (*_changeable(record), record.name)).rowcount == 1)

    def find(self, name: str) -> EnvironmentRecord | None:
        """What is kept of the environment ``name``; None for an unknown one."""
        row = self._database.read_one(_FIND, (name,))
        return None if row is None else _record(row)

    def list(self) -> list[EnvironmentRecord]:
        """All environments, by name; the default one among them."""
        return [_record(row) for row in self._database.read_all(_LIST)]

    def secret(self, name: str) -> bytes | None:
        """What only the environment ``name``, which is not the default one, has had since it was made; None for an
        unknown one.
        """
        row = self._database.read_one(_SECRET, (_secret_of(name),))
        return None if row is None else bytes(row[0])

    def note_use(self, name: str, wall: int) -> None:
        """Remember that ``name`` is used at ``wall`` (seconds, real time); written at most once a minute. Raises
        StoreError.
        """
        noted = self._noted.get(name)
        if noted is None or not 0 <= wall - noted < _NOTE_EVERY:
            self._noted[name] = wall
            try:
                with self._database.writing() as transaction:
                    transaction.execute(_USED, (wall, name, wall - _NOTE_EVERY, wall))
            except BusyError:
                self._noted.pop(name, None)  # the next request does
                raise

    def delete(self, transaction: Transaction, name: str) -> bool:
        """End the environment ``name`` with all its rows, so that the name is new again; False when there is none.

        The default environment cannot be ended: ValueError.
        """
        if name in (DEFAULT_ENVIRONMENT, SHARED):
            raise ValueError("the default environment cannot be deleted")
        there = bool(transaction.execute(_DELETE, (name,)).rowcount == 1)
        self._forget_rows(transaction, name)
        self._noted.pop(name, None)
        return there

    @staticmethod
    def _forget_rows(transaction: Transaction, name: str) -> None:
        for table in OWNING:
            transaction.execute(f"DELETE FROM {table} WHERE environment = ?", (name,))  # noqa: S608
        transaction.execute(_FORGET_SECRET, (_secret_of(name),))


def _secret_of(name: str) -> str:
    """How the secrets of the server call that of an environment; none of the others has a space."""
    return f"environment {name}"


def _changeable(record: EnvironmentRecord) -> tuple[str, int, int | None]:
    return json.dumps(dict(record.settings)), record.clock_offset, record.clock_frozen_at


def _record(row: Any) -> EnvironmentRecord:
    return EnvironmentRecord(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5])
