"""Snapshots: the rows of environments as they were, copied inside the database and put back there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mock_sts.store.database import Database, Transaction
from mock_sts.store.environments import Environments
from mock_sts.store.owning import KEPT_BY_SNAPSHOTS
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.version import first_revision

#: The columns of each table, which its shadow has behind the id of the snapshot.
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "environment": "name, created_at, used_at, document, clock_offset, clock_frozen_at, declared, tag, draws",
        "client": "environment, client_id, origin, position, document, tag",
        "api": "environment, audience, origin, position, document, tag",
        "organization": "environment, number, origin, position, document, tag",
        "persona": "environment, pid, persona, hpr_number, origin, position, document, tag",
        "signing_key": "environment, kid, jwk, certificate, state, created_at, algorithm, withheld",
        "replay": "digest, environment, expires_at",
        "authorization_request": "digest, environment, client_id, document, expires_at, consumed_at, login",
        "authorization_code": "digest, environment, client_id, document, expires_at, consumed_at",
        "refresh_token": "digest, environment, client_id, document, expires_at, consumed_at",
        "login_session": "digest, environment, sid, auth_time, document, good_until, ended_at, expires_at",
        "session_client": "environment, sid, client_id, issuer, expires_at",
        "scripted_login": "id, environment, client_id, redirect_uri, pid, outcome, times, tag, expires_at",
        "token_service_key": "environment, digest, owner",
        "fault": "id, environment, position, document, remaining, drawn, happened, tag",
        "journal": "id, environment, at, endpoint, client_id, outcome, error, rule, findings, detail, challenged, "
        "proof_key, faults, flow, sid, pid, micros",
    }
)

#: Tables whose rows the database numbers.
_NUMBERED = ("scripted_login", "journal")

_INSERT = "INSERT INTO snapshot (id, environment, created_at, name, tag) VALUES (?, ?, ?, ?, ?)"
_LIST = "SELECT id, environment, created_at, name, tag FROM snapshot ORDER BY created_at, id"
_FIND = "SELECT id, environment, created_at, name, tag FROM snapshot WHERE id = ?"
_OF_SNAPSHOT = "SELECT name FROM snapshot_environment WHERE snapshot = ?"
_ALL = "SELECT name FROM environment"
_NAMES = f"{_OF_SNAPSHOT} ORDER BY name"
_REVIVE = (
    "INSERT INTO environment (name, created_at, used_at, document, clock_offset) "
    "SELECT name, created_at, ?, document, clock_offset FROM snapshot_environment WHERE snapshot = ? AND name = ? "
    "ON CONFLICT (name) DO NOTHING"
)
_OF = "SELECT id FROM snapshot WHERE environment = ?"
_TAGGED = "SELECT id FROM snapshot WHERE environment = ? AND tag = ?"
_PUT_REVISION = "INSERT INTO revision (environment, number) VALUES (?, ?) ON CONFLICT (environment) DO NOTHING"

#: The columns of an environment that go back to what they were. It was in use a moment ago, and stays declared or not.
_PUT_BACK = (
    "UPDATE environment SET document = old.document, clock_offset = old.clock_offset, "
    "clock_frozen_at = old.clock_frozen_at, draws = old.draws, tag = old.tag FROM snapshot_environment AS old "
    "WHERE old.snapshot = ? AND old.name = ? AND environment.name = old.name"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of a snapshot: of one environment, or of the server where that name is empty; ``created_at`` in
    seconds of real time; the name and the tag that its maker gave it, or None.
    """

    id: str
    environment: str
    created_at: int
    name: str | None = None
    tag: str | None = None


class Snapshots:
    """The snapshots of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, transaction: Transaction, snapshot: Snapshot) -> None:
        """Keep the rows of an environment, or of all, as they are."""
        transaction.lock("snapshots")
        row = (snapshot.id, snapshot.environment, snapshot.created_at, snapshot.name, snapshot.tag)
        transaction.execute(_INSERT, row)
        for table in ("environment", *KEPT_BY_SNAPSHOTS):
            columns, key = COLUMNS[table], "name" if table == "environment" else "environment"
            # Without the shared rows, which belong to files and to no environment.
            of = f"{key} = ?" if snapshot.environment else f"{key} IN ({_ALL})"
            transaction.execute(
                f"INSERT INTO snapshot_{table} (snapshot, {columns}) SELECT ?, {columns} FROM {table} WHERE {of}",  # noqa: S608
                (snapshot.id, snapshot.environment) if snapshot.environment else (snapshot.id,),
            )

    def restore(self, transaction: Transaction, snapshot: Snapshot, wall: int) -> Sequence[str]:
        """Put the rows back that ``snapshot`` has kept, in the place of those that are there; the environments that are
        as they were. One that ended meanwhile lives again, last used at ``wall`` (seconds, real time). Where it is of
        the server, those that were made since end, but for such as a fixture file declares.
        """
        transaction.lock("snapshots")
        names = [row[0] for row in transaction.all(_NAMES, (snapshot.id,))]
        if not snapshot.environment:
            environments = Environments(self._database)
            for record in environments.list():
                if record.name not in names and not record.declared:
                    environments.delete(transaction, record.name)
        for name in names:
            self._revive(transaction, snapshot.id, name, wall)
        for table in KEPT_BY_SNAPSHOTS:
            # What the database numbers gets new numbers: others may have taken the old ones. In the same order.
            numbered = table in _NUMBERED
            columns = COLUMNS[table].removeprefix("id, ") if numbered else COLUMNS[table]
            order = " ORDER BY id" if numbered else ""
            # For all environments at once: the tables of snapshots are read once, and others wait for this to end.
            transaction.execute(f"DELETE FROM {table} WHERE environment IN ({_OF_SNAPSHOT})", (snapshot.id,))  # noqa: S608
            transaction.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM snapshot_{table} "  # noqa: S608
                f"WHERE snapshot = ?{order}",
                (snapshot.id,),
            )
        for name in names:
            Environments.move_revision(transaction, name)
        return names

    @staticmethod
    def _revive(transaction: Transaction, snapshot_id: str, name: str, wall: int) -> None:
        transaction.lock(f"environment:{name}")
        transaction.execute(_REVIVE, (wall, snapshot_id, name))
        if name != DEFAULT_ENVIRONMENT:
            Environments.ensure_secret(transaction, name)
        transaction.execute(_PUT_REVISION, (name, first_revision()))
        transaction.execute(_PUT_BACK, (snapshot_id, name))

    def find(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot with this id."""
        row = self._database.read_one(_FIND, (snapshot_id,))
        return None if row is None else Snapshot(*row)

    def list(self) -> list[Snapshot]:
        """All of them, the oldest first."""
        return [Snapshot(*row) for row in self._database.read_all(_LIST)]


def forget(transaction: Transaction, snapshot_id: str) -> bool:
    """Forget a snapshot with its rows; False when there is none with this id."""
    for table in ("environment", *KEPT_BY_SNAPSHOTS):
        transaction.execute(f"DELETE FROM snapshot_{table} WHERE snapshot = ?", (snapshot_id,))  # noqa: S608
    return bool(transaction.execute("DELETE FROM snapshot WHERE id = ?", (snapshot_id,)).rowcount == 1)


def forget_of(transaction: Transaction, environment: str, tag: str | None = None) -> None:
    """Forget the snapshots of one environment, or those alone that the test run with ``tag`` has made."""
    found: Sequence[tuple[str]]
    found = transaction.all(_OF, (environment,)) if tag is None else transaction.all(_TAGGED, (environment, tag))
    for (snapshot_id,) in list(found):
        forget(transaction, snapshot_id)
