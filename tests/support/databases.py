"""Looking at what a database holds, whichever it is."""

from pathlib import Path

from mock_sts.settings.settings import Settings
from mock_sts.store.database import Database
from mock_sts.store.location import file_of
from mock_sts.store.tables import METADATA


def row_counts(database: Database, *, without: tuple[str, ...] = ("journal",)) -> dict[str, int]:
    """Rows per table, the journal left out: it is there to grow."""
    with database.reading() as reader:
        return {name: reader.one(f"SELECT count(*) FROM {name}")[0] for name in METADATA.tables if name not in without}


def database_file(settings: Settings) -> Path:
    """The file of an emulator whose database is one."""
    file = file_of(settings.database_url)
    assert file is not None, settings.database_name
    return file
