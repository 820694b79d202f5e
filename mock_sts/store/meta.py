"""Facts of a database as a whole: rows of the table ``meta``."""

from mock_sts.store.database import MADE_ROW, Database

_FIND = "SELECT value FROM meta WHERE name = ?"
_KEEP = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"


def made_at(database: Database, now: int) -> int:
    """When the database was first used (seconds): ``now`` at the first call, and the same ever after."""
    found = database.read_one(_FIND, (MADE_ROW,))
    if found is None:
        with database.writing() as transaction:
            transaction.execute(_KEEP, (MADE_ROW, str(now)))
        found = database.read_one(_FIND, (MADE_ROW,))
    return int(found[0])
