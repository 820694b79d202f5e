"""Snapshots of an environment or of the server, and the way back: to one of them, or to the start."""

import secrets
from collections.abc import Sequence

from mock_sts.store.database import Database, Transaction
from mock_sts.store.environments import Environments
from mock_sts.store.reset import reset_all, reset_tagged
from mock_sts.store.snapshots import Snapshot, Snapshots, forget, forget_of

#: Snapshots that a database may hold.
MOST_SNAPSHOTS = 100


class SnapshotFaultError(ValueError):
    """A snapshot that cannot be taken; the message says why."""


class NoSuchSnapshotError(SnapshotFaultError):
    """No snapshot has this id here."""

    def __init__(self, snapshot_id: str) -> None:
        super().__init__(f"no snapshot here has the id {snapshot_id[:100]!r}")


def take_snapshot(
    store: Database, environment: str, wall: int, name: str | None = None, tag: str | None = None
) -> Snapshot:
    """Keep what ``environment`` holds now, or the whole server where that is an empty name. ``wall`` is real time in
    seconds. Raises SnapshotFaultError.
    """
    snapshots = Snapshots(store)
    if len(snapshots.list()) >= MOST_SNAPSHOTS:
        raise SnapshotFaultError(f"there are {MOST_SNAPSHOTS} snapshots, which is the most; delete some")
    snapshot = Snapshot(secrets.token_hex(8), environment, wall, name, tag)
    with store.writing() as transaction:
        snapshots.take(transaction, snapshot)
    return snapshot


def list_snapshots(store: Database, environment: str) -> list[Snapshot]:
    """The snapshots of ``environment``, or those of the server for an empty name, the oldest first."""
    return [one for one in Snapshots(store).list() if one.environment == environment]


def find_snapshot(store: Database, environment: str, snapshot_id: str) -> Snapshot:
    """The snapshot with this id, of ``environment`` or of the server for an empty name. Raises NoSuchSnapshotError."""
    found = Snapshots(store).find(snapshot_id)
    if found is None or found.environment != environment:
        raise NoSuchSnapshotError(snapshot_id)
    return found


def restore_snapshot(store: Database, environment: str, snapshot_id: str, wall: int) -> Sequence[str]:
    """Make everything as it was when the snapshot was taken; the environments that are. What was used since can be used
    again. ``wall`` is real time in seconds. Raises NoSuchSnapshotError.
    """
    snapshot = find_snapshot(store, environment, snapshot_id)
    with store.writing() as transaction:
        return Snapshots(store).restore(transaction, snapshot, wall)


def delete_snapshot(store: Database, environment: str, snapshot_id: str) -> None:
    """Forget a snapshot. Raises NoSuchSnapshotError."""
    find_snapshot(store, environment, snapshot_id)
    with store.writing() as transaction:
        forget(transaction, snapshot_id)


def reset(store: Database, names: Sequence[str]) -> dict[str, int]:
    """Take the environments called ``names`` back to their start: what was made at run time, all that is pending, used
    or logged in, the journal and the clock's offset go; keys, settings and host names stay. How many rows went, by
    table.
    """
    removed: dict[str, int] = {}
    for name in names:
        with store.writing() as transaction:
            _add(removed, reset_all(transaction, name))
    return removed


def reset_run(store: Database, names: Sequence[str], tag: str) -> dict[str, int]:
    """Forget what the test run with ``tag`` has made in the environments called ``names``, and what is pending of the
    clients among it; nothing else. How many rows went, by table.
    """
    removed: dict[str, int] = {}
    for name in names:
        with store.writing() as transaction:
            _add(removed, reset_tagged(transaction, name, tag))
            forget_of(transaction, name, tag)
    return removed


def end_tagged(store: Database, tag: str) -> list[str]:
    """End the environments that the test run with ``tag`` has made; their names."""
    environments = Environments(store)
    names = list(environments.tagged(tag))
    for name in names:
        with store.writing() as transaction:
            _end(environments, transaction, name)
    return names


def _end(environments: Environments, transaction: Transaction, name: str) -> None:
    environments.delete(transaction, name)
    forget_of(transaction, name)


def _add(removed: dict[str, int], more: dict[str, int]) -> None:
    for table, count in more.items():
        removed[table] = removed.get(table, 0) + count
