"""Making and checking the tables."""

import sqlite3
from contextlib import closing

from sqlalchemy import insert, inspect, select

from mock_sts.store.engine import BUSY_TIMEOUT, Store, StoreError
from mock_sts.store.fixture_files import SCHEMA_VERSION, VERSION_ROW
from mock_sts.store.tables import META, METADATA, REVISION, trigger_statements


def make_tables(store: Store) -> None:
    """Make folder, file, tables and triggers where they are missing. Raises StoreError, also for another version."""
    try:
        store.path.parent.mkdir(parents=True, exist_ok=True)
        # WAL belongs to the file, not to a connection; waiting must be set before.
        with closing(sqlite3.connect(store.path, timeout=BUSY_TIMEOUT / 1000, isolation_level=None)) as raw:
            raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
            raw.execute("PRAGMA journal_mode = WAL")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the database {str(store.path)!r} cannot be made: {error}; "
            "set MOCK_STS_DATABASE_URL to sqlite:///PATH with a PATH that can be written"
        ) from error
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
        connection.execute(insert(REVISION).values(id=1, number=1))
