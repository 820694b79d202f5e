"""Making a file of SQLite and its tables, and bringing older ones up to date. For preparation only."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mock_sts.store.catalog import KEYS
from mock_sts.store.database import StoreError
from mock_sts.store.private_files import Places, make_private
from mock_sts.store.schema import bring_up_to_date
from mock_sts.store.sqlite.migrations import MIGRATIONS
from mock_sts.system import whose

if TYPE_CHECKING:
    from mock_sts.store.sqlite.database import SqliteDatabase

#: What ``store.tables`` says, in SQLite's words: importing SQLAlchemy takes longer than all else that a start does.
#: Generated, as the pages of the documentation are.
TABLES = Path(__file__).with_name("tables.sql")

#: As in ``database``, which imports this only when tables are made.
_BUSY_TIMEOUT = 5_000

#: How long another process may hold up the change to WAL, and the pause between two tries, in seconds.
_MODE_PATIENCE, _MODE_PAUSE = 1.0, 0.02


def make_file(database: "SqliteDatabase") -> None:
    """Make folder, file, tables and triggers where they are missing, and bring older ones up to date.

    Raises StoreError, also for a newer version.
    """
    try:
        make_private(Places(database.path))
    except OSError as error:
        raise StoreError(
            f"the database {str(database.path)!r} cannot be made: {error}; "
            "set MOCK_STS_DATABASE_URL to sqlite:///PATH with a PATH that can be written"
            f"{whose(database.path) if isinstance(error, PermissionError) else ''}"
        ) from error
    try:
        # WAL belongs to the file, not to a connection; waiting must be set before.
        with closing(sqlite3.connect(database.path, timeout=_BUSY_TIMEOUT / 1000, isolation_level=None)) as raw:
            raw.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT}")
            use_wal(database, raw)
    except sqlite3.Error as error:
        raise _why_not(database, error) from error
    with database.writing() as transaction:
        there = transaction.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'") is not None
        bring_up_to_date(
            transaction,
            database,
            tables=_table_statements,
            there=there,
            renew="remove the file (fixtures are loaded anew)",
            triggers=trigger_statements(),
            migrations=MIGRATIONS,
        )


def _table_statements() -> list[str]:
    """The statements that make tables and indexes."""
    return [one for one in TABLES.read_text(encoding="ascii").split(";\n") if one.strip()]


def trigger_statements() -> list[str]:
    """The statements that make the revision of an environment move with every change of its registry rows."""
    bump = "UPDATE revision SET number = number + 1 WHERE environment"
    which = {
        "INSERT": "= NEW.environment",
        "UPDATE": "IN (OLD.environment, NEW.environment)",
        "DELETE": "= OLD.environment",
    }
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_{event.lower()} AFTER {event} ON {table} BEGIN {bump} {condition}; END"
        for table in KEYS
        for event, condition in which.items()
    ]


def use_wal(database: "SqliteDatabase", raw: sqlite3.Connection) -> None:
    """Have the database keep a log of its own beside it, so that readers and writers need not wait for each other."""
    mode = _changed_mode(raw)
    if mode != "wal":
        raise _no_wal(database, f"its journal mode stays {mode}")
    raw.execute("BEGIN IMMEDIATE")  # needs the shared memory
    raw.execute("ROLLBACK")


def _changed_mode(raw: sqlite3.Connection) -> str:
    """The journal mode after it was to become WAL. Several processes may want that of a new file at once: SQLite does
    not wait then, whatever the timeout, for each of two holds what the other needs.
    """
    ends = time.monotonic() + _MODE_PATIENCE
    while True:
        try:
            mode: str = raw.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(_MODE_PAUSE)
        else:
            return mode


def _why_not(database: "SqliteDatabase", error: sqlite3.Error) -> StoreError:
    """What ``error`` means, which came before there was anything to read or write."""
    if _is_about_wal(error):
        return _no_wal(database, error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_BUSY and database.path.stat().st_size == 0:
        return StoreError(
            f"the database {str(database.path)!r} cannot be used: it is empty, and a server has it open ({error}); "
            "remove the file, and it is made anew"
        )
    return database.explained(error)


def _is_about_wal(error: sqlite3.Error) -> bool:
    """Whether a file that can be opened and written has failed where WAL needs more: shared memory and locks."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    wrong = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_READONLY)
    return code in wrong


def _no_wal(database: "SqliteDatabase", why: object) -> StoreError:
    return StoreError(
        f"the database {str(database.path)!r} cannot be used: SQLite's WAL mode does not work there ({why}); network "
        "folders and some bind mounts are so: keep it in a volume, on a tmpfs or in a local folder, and say where with "
        "MOCK_STS_DATABASE_URL"
    )
