"""Environments: what is kept of each, how one is made, and how one ends with all its rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_sts.store.database import Database, Transaction
from mock_sts.store.scope import DEFAULT_ENVIRONMENT, SHARED
from mock_sts.store.version import first_revision

#: Seconds between two notes of one process that an environment is in use.
_NOTE_EVERY = 60

_COLUMNS = "name, created_at, used_at, document, clock_offset, clock_frozen_at"
_INSERT = f"INSERT INTO environment ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM environment WHERE name = ?"  # noqa: S608
_LIST = f"SELECT {_COLUMNS} FROM environment ORDER BY name"  # noqa: S608
_USED = "UPDATE environment SET used_at = ? WHERE name = ?"
_DELETE = "DELETE FROM environment WHERE name = ?"
_INSERT_REVISION = "INSERT INTO revision (environment, number) VALUES (?, ?)"
_COPY_KEYS = (
    "INSERT INTO signing_key (environment, kid, jwk, certificate, state, created_at) "
    "SELECT ?, kid, jwk, certificate, state, created_at FROM signing_key WHERE environment = ?"
)

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
    """The environments of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, int] = {}

    def make(self, transaction: Transaction, record: EnvironmentRecord) -> bool:
        """Make an environment, with the signing keys of the default one; False when there is one of that name."""
        if record.name == SHARED:
            raise ValueError("an environment needs a name")
        settings = json.dumps(dict(record.settings))
        row = (record.name, record.created_at, record.used_at, settings, record.clock_offset, record.clock_frozen_at)
        if transaction.execute(_INSERT, row).rowcount != 1:
            return False
        transaction.execute(_INSERT_REVISION, (record.name, first_revision()))
        transaction.execute(_COPY_KEYS, (record.name, DEFAULT_ENVIRONMENT))
        return True

    def find(self, name: str) -> EnvironmentRecord | None:
        """What is kept of the environment ``name``; None for an unknown one."""
        row = self._database.read_one(_FIND, (name,))
        return None if row is None else _record(row)

    def list(self) -> list[EnvironmentRecord]:
        """All environments, by name; the default one among them."""
        return [_record(row) for row in self._database.read_all(_LIST)]

    def note_use(self, transaction: Transaction, name: str, wall: int) -> None:
        """Remember that ``name`` is used at ``wall`` (seconds, real time); written at most once a minute."""
        noted = self._noted.get(name)
        if noted is None or not 0 <= wall - noted < _NOTE_EVERY:
            self._noted[name] = wall
            transaction.execute(_USED, (wall, name))

    def delete(self, transaction: Transaction, name: str) -> bool:
        """End the environment ``name`` with all its rows, so that the name is new again; False when there is none.

        The default environment cannot be ended: ValueError.
        """
        if name in (DEFAULT_ENVIRONMENT, SHARED):
            raise ValueError("the default environment cannot be deleted")
        there = bool(transaction.execute(_DELETE, (name,)).rowcount == 1)
        for table in OWNING:
            transaction.execute(f"DELETE FROM {table} WHERE environment = ?", (name,))  # noqa: S608
        self._noted.pop(name, None)
        return there


def _record(row: Any) -> EnvironmentRecord:
    return EnvironmentRecord(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5])
