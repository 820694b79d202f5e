"""Environments: what is kept of each, how one is made, and how one ends with all its rows."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_sts.store.database import BusyError, Database, Transaction
from mock_sts.store.keys import SigningKey, put_key
from mock_sts.store.owning import OWNING
from mock_sts.store.scope import DEFAULT_ENVIRONMENT, SHARED
from mock_sts.store.version import first_revision

#: Seconds between two notes that an environment is in use.
_NOTE_EVERY = 60

_COLUMNS = "name, created_at, used_at, document, clock_offset, clock_frozen_at, declared, tag"
_INSERT = f"INSERT INTO environment ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM environment WHERE name = ?"  # noqa: S608
_LIST = f"SELECT {_COLUMNS} FROM environment ORDER BY name"  # noqa: S608
_CHANGE = "UPDATE environment SET document = ?, clock_offset = ?, clock_frozen_at = ?, declared = ? WHERE name = ?"
# A clock that was ahead for a moment must not put the next note off.
_USED = "UPDATE environment SET used_at = ? WHERE name = ? AND (used_at <= ? OR used_at > ?)"
_IDLE = "SELECT name FROM environment WHERE used_at < ? AND name <> ? AND declared IS NULL ORDER BY name"
_TAGGED = "SELECT name FROM environment WHERE tag = ? AND name <> ? ORDER BY name"
_DELETE = "DELETE FROM environment WHERE name = ?"
_DRAW = "UPDATE environment SET draws = coalesce(draws, 0) + 1 WHERE name = ? RETURNING draws"
_DRAW_ANEW = "UPDATE environment SET draws = NULL WHERE name = ?"
_INSERT_REVISION = "INSERT INTO revision (environment, number) VALUES (?, ?)"
_MOVE_REVISION = "UPDATE revision SET number = number + 1 WHERE environment = ?"
_COPY_KEYS = (
    "INSERT INTO signing_key (environment, kid, jwk, certificate, state, created_at, algorithm, withheld) "
    "SELECT ?, kid, jwk, certificate, state, created_at, algorithm, withheld FROM signing_key WHERE environment = ?"
)
_SECRET = "SELECT value FROM server_secret WHERE name = ?"
_PUT_SECRET = "INSERT INTO server_secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
_FORGET_SECRET = "DELETE FROM server_secret WHERE name = ?"
_HOSTS = "SELECT host FROM environment_host WHERE environment = ? ORDER BY position"
_OWNER = "SELECT environment FROM environment_host WHERE host = ?"
_PUT_HOST = "INSERT INTO environment_host (host, environment, position) VALUES (?, ?, ?)"
_FORGET_HOSTS = "DELETE FROM environment_host WHERE environment = ?"


#: Where the document of an environment has its conformance session, beside its settings; no setting has a space.
_SESSION = "conformance session"


@dataclass(frozen=True, slots=True)
class ConformanceSession:
    """That an environment is for one client. Times are in seconds of the real clock; ``ended_at`` is None while it
    runs. ``departures`` are breaches that are accepted, ``provocation`` is where a provocation stands, None without
    one; both JSON-ready.
    """

    id: str
    client_id: str
    started_at: int
    ended_at: int | None = None
    departures: Sequence[Mapping[str, str]] = ()
    provocation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """What is kept of an environment. Times are in seconds of the real clock; ``settings`` are its own, JSON-ready.

    ``clock_offset`` is how many seconds its clock is ahead of the real one; ``clock_frozen_at`` the moment at which it
    stands still, or None. ``declared`` says that a fixture file asks for it; ``tag`` is that of the test run which made
    it, or None. ``session`` is its conformance session, where it has one.
    """

    name: str
    created_at: int
    used_at: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    clock_offset: int = 0
    clock_frozen_at: int | None = None
    declared: bool = False
    tag: str | None = None
    session: ConformanceSession | None = None


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
        row = (name, record.created_at, record.used_at, *_changeable(record), record.tag)
        if transaction.execute(_INSERT, row).rowcount != 1:
            return False
        # A request that was under way when one of that name ended may have left something.
        self._forget_rows(transaction, name)
        transaction.execute(_INSERT_REVISION, (name, first_revision()))
        self.ensure_secret(transaction, name)
        for key in keys:
            put_key(transaction, name, key, record.created_at)
        if not keys:
            transaction.execute(_COPY_KEYS, (name, DEFAULT_ENVIRONMENT))
        return True

    def change(self, transaction: Transaction, record: EnvironmentRecord) -> bool:
        """Keep settings and clock of ``record``; False when there is no environment of its name."""
        self.move_revision(transaction, record.name)
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

    @staticmethod
    def ensure_secret(transaction: Transaction, name: str) -> None:
        """Give the environment ``name`` a secret unless it has one."""
        transaction.execute(_PUT_SECRET, (_secret_of(name), secrets.token_bytes(32)))

    @staticmethod
    def move_revision(transaction: Transaction, name: str) -> None:
        """Let all processes read anew what the environment ``name`` is made from."""
        transaction.execute(_MOVE_REVISION, (name,))

    def hosts(self, name: str) -> tuple[str, ...]:
        """The host names of the environment ``name``."""
        return tuple(row[0] for row in self._database.read_all(_HOSTS, (name,)))

    def set_hosts(self, transaction: Transaction, name: str, hosts: Sequence[str]) -> str | None:
        """Give the environment ``name`` these host names and no others. The first that is another's, with which nothing
        has changed; else None.
        """
        transaction.lock("environment-hosts")
        if tuple(row[0] for row in transaction.all(_HOSTS, (name,))) == tuple(hosts):
            return None
        for host in hosts:
            owner = transaction.one(_OWNER, (host,))
            if owner is not None and owner[0] != name:
                return host
        transaction.execute(_FORGET_HOSTS, (name,))
        for position, host in enumerate(hosts):
            transaction.execute(_PUT_HOST, (host, name, position))
        self.move_revision(transaction, SHARED)  # all environments know them
        return None

    def idle(self, before: int) -> Sequence[str]:
        """Those that were last used before then (seconds, real time), and which no file declares."""
        return [row[0] for row in self._database.read_all(_IDLE, (before, DEFAULT_ENVIRONMENT))]

    def tagged(self, tag: str) -> Sequence[str]:
        """Those that the test run with this tag has made."""
        return [row[0] for row in self._database.read_all(_TAGGED, (tag, DEFAULT_ENVIRONMENT))]

    @staticmethod
    def draw(transaction: Transaction, name: str) -> int:
        """The number of the next request that draws from the seed of ``name``, from 1."""
        row = transaction.one(_DRAW, (name,))
        return 0 if row is None else int(row[0])

    @staticmethod
    def draw_anew(transaction: Transaction, name: str) -> None:
        """Let the numbers of ``draw`` begin anew."""
        transaction.execute(_DRAW_ANEW, (name,))

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

    def _forget_rows(self, transaction: Transaction, name: str) -> None:
        if transaction.one(_HOSTS, (name,)) is not None:
            self.move_revision(transaction, SHARED)
        for table in OWNING:
            transaction.execute(f"DELETE FROM {table} WHERE environment = ?", (name,))  # noqa: S608
        transaction.execute(_FORGET_SECRET, (_secret_of(name),))


def _secret_of(name: str) -> str:
    """How the secrets of the server call that of an environment; none of the others has a space."""
    return f"environment {name}"


def _changeable(record: EnvironmentRecord) -> tuple[str, int, int | None, int | None]:
    declared = 1 if record.declared else None
    document: dict[str, Any] = dict(record.settings)
    if record.session is not None:
        document[_SESSION] = {
            **{
                name: getattr(record.session, name)
                for name in ("id", "client_id", "started_at", "ended_at", "provocation")
            },
            "departures": [dict(one) for one in record.session.departures],
        }
    return json.dumps(document), record.clock_offset, record.clock_frozen_at, declared


def _record(row: Any) -> EnvironmentRecord:
    settings = json.loads(row[3])
    kept = settings.pop(_SESSION, None)
    session = None if kept is None else ConformanceSession(**kept)
    return EnvironmentRecord(row[0], row[1], row[2], settings, row[4], row[5], bool(row[6]), row[7], session)
