"""Making and checking the tables."""

import secrets
import sqlite3
from contextlib import closing

from sqlalchemy import insert, inspect, select
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from mock_sts.store.database import BUSY_TIMEOUT, Store, StoreError
from mock_sts.store.fixtures.files import MADE_ROW, SCHEMA_VERSION, VERSION_ROW
from mock_sts.store.private_files import Places, make_private
from mock_sts.store.tables import META, METADATA, REVISION, trigger_statements


def make_tables(store: Store) -> None:
    """Make folder, file, tables and triggers where they are missing, the files for their owner alone.

    Raises StoreError, also for another version.
    """
    try:
        make_private(Places(store.path))
    except OSError as error:
        raise StoreError(
            f"the database {str(store.path)!r} cannot be made: {error}; "
            "set MOCK_STS_DATABASE_URL to sqlite:///PATH with a PATH that can be written"
        ) from error
    try:
        # WAL belongs to the file, not to a connection; waiting must be set before.
        with closing(sqlite3.connect(store.path, timeout=BUSY_TIMEOUT / 1000, isolation_level=None)) as raw:
            raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
            use_wal(store, raw)
    except sqlite3.Error as error:
        raise _why_not(store, error) from error
    with store.writing() as connection:
        if inspect(connection).has_table(META.name):
            found = connection.scalar(select(META.c.value).where(META.c.name == VERSION_ROW))
            if found != str(SCHEMA_VERSION):
                raise StoreError(
                    f"the database {str(store.path)!r} has schema version {found}, this program needs "
                    f"{SCHEMA_VERSION}; remove the file (fixtures are loaded anew) or point "
                    "MOCK_STS_DATABASE_URL to another"
                )
            return
        METADATA.create_all(connection)
        for statement in trigger_statements():
            connection.exec_driver_sql(statement)
        connection.execute(insert(META).values(name=VERSION_ROW, value=str(SCHEMA_VERSION)))
        connection.execute(insert(REVISION).values(id=1, number=_first_revision()))


def made_at(store: Store, now: int) -> int:
    """When the database was first used (seconds): ``now`` at the first call, and the same ever after."""
    wanted = select(META.c.value).where(META.c.name == MADE_ROW)
    with store.reading() as connection:
        found = connection.scalar(wanted)
    if found is None:
        with store.writing() as connection:
            connection.execute(insert_or_ignore(META).values(name=MADE_ROW, value=str(now)).on_conflict_do_nothing())
            found = connection.scalar(wanted)
    return int(found or now)


def use_wal(store: Store, raw: sqlite3.Connection) -> None:
    """Have the database keep a log of its own beside it, so that readers and writers need not wait for each other."""
    mode = raw.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise _no_wal(store, f"its journal mode stays {mode}")
    raw.execute("BEGIN IMMEDIATE")  # needs the shared memory
    raw.execute("ROLLBACK")


def _why_not(store: Store, error: sqlite3.Error) -> StoreError:
    """What ``error`` means, which came before there was anything to read or write."""
    if _is_about_wal(error):
        return _no_wal(store, error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_BUSY and store.path.stat().st_size == 0:
        return StoreError(
            f"the database {str(store.path)!r} cannot be used: it is empty, and a server has it open ({error}); "
            "remove the file, and it is made anew"
        )
    return store.explained(error)


def _is_about_wal(error: sqlite3.Error) -> bool:
    """Whether a file that can be opened and written has failed where WAL needs more: shared memory and locks."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    wrong = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_READONLY)
    return code in wrong


def _no_wal(store: Store, why: object) -> StoreError:
    return StoreError(
        f"the database {str(store.path)!r} cannot be used: SQLite's WAL mode does not work there ({why}); network "
        "folders and some bind mounts are so: keep it in a volume, on a tmpfs or in a local folder, and say where with "
        "MOCK_STS_DATABASE_URL"
    )


def _first_revision() -> int:
    """Another one for each database: a worker must notice when the file is another."""
    return secrets.randbelow(2**31)
