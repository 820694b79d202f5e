"""Databases for tests: of SQLite, or of PostgreSQL where TEST_DATABASE says so.

Tests name a database by a path. With PostgreSQL no file is there: the path stands for a database on the server of the
test process.
"""

import hashlib
import os
import shutil
from pathlib import Path

from mock_sts.settings.settings import Settings
from mock_sts.store.database import Database, StoreError
from mock_sts.store.location import file_of
from mock_sts.store.tables import METADATA
from tests.support.postgresql import server


def row_counts(database: Database, *, without: tuple[str, ...] = ("journal",)) -> dict[str, int]:
    """Rows per table, the journal left out: it is there to grow."""
    with database.reading() as reader:
        return {name: reader.one(f"SELECT count(*) FROM {name}")[0] for name in METADATA.tables if name not in without}


def database_file(settings: Settings) -> Path:
    """The file of an emulator whose database is one."""
    file = file_of(settings.database_url)
    assert file is not None, settings.database_name
    return file


#: Whether emulators and live servers of this test run keep everything in PostgreSQL.
ON_POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"


def url_of(path: Path) -> str:
    """The URL of the database that ``path`` stands for."""
    return server().url(_name_of(path)) if ON_POSTGRESQL else f"sqlite:///{path}"


def make_empty(path: Path) -> None:
    """Let there be a database without tables, where that takes more than a start."""
    if ON_POSTGRESQL:
        server().drop(url_of(path))
        server().make(_name_of(path))


def copy_database(source: Path, target: Path) -> None:
    """Make ``target`` a copy of ``source``, which no connection is open to, in the place of what was there."""
    if ON_POSTGRESQL:
        server().drop(url_of(target))
        server().make(_name_of(target), _name_of(source))
    else:
        shutil.copy(source, target)


def remove_database(path: Path) -> None:
    """The test process needs it no longer; files go with their folder."""
    if ON_POSTGRESQL:
        server().drop(url_of(path))


def _name_of(path: Path) -> str:
    return f"p{hashlib.sha256(str(path).encode()).hexdigest()[:24]}"


class Rows:
    """The rows of a database of PostgreSQL, kept and put back: making a database takes a second.

    The shared world is large and hardly ever changes; where it has, they are not put back.
    """

    _WORLD = ("client", "api", "organization", "persona")

    def __init__(self, database: Database) -> None:
        self._kept = {
            name: database.read_all(f"SELECT {', '.join(column.name for column in table.c)} FROM {name}")
            for name, table in METADATA.tables.items()
            if name not in self._WORLD
        }
        self._world = self._shared_revision(database)

    def put_back(self, database: Database) -> bool:
        """Bring them back; False where that cannot be."""
        try:
            if self._shared_revision(database) != self._world:
                return False
            with database.writing() as transaction:
                for name in self._WORLD:
                    transaction.execute(f"DELETE FROM {name} WHERE environment <> ''")
                for name, rows in self._kept.items():
                    columns = [column.name for column in METADATA.tables[name].c]
                    transaction.execute(f"DELETE FROM {name}")
                    marks = ", ".join("?" * len(columns))
                    for row in rows:
                        transaction.execute(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", row)
                for name in ("journal", "scripted_login"):
                    transaction.execute(f"ALTER TABLE {name} ALTER COLUMN id RESTART")
        except StoreError:
            return False
        return True

    @staticmethod
    def _shared_revision(database: Database) -> object:
        return database.read_one("SELECT number FROM revision WHERE environment = ''")
