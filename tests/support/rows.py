"""Looking at what a database holds, whichever it is."""

from mock_sts.store.database import Database
from mock_sts.store.tables import METADATA


def row_counts(database: Database, *, without: tuple[str, ...] = ("journal",)) -> dict[str, int]:
    """Rows per table, the journal left out: it is there to grow."""
    with database.reading() as reader:
        return {name: reader.one(f"SELECT count(*) FROM {name}")[0] for name in METADATA.tables if name not in without}
