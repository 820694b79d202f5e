"""Bringing the tables of either database to the schema of this program: made anew, or step by step from an older one.

For preparation only.
"""

from collections.abc import Callable, Mapping, Sequence

from mock_sts.store.database import VERSION_ROW, Database, StoreError, Transaction
from mock_sts.store.scope import DEFAULT_ENVIRONMENT, SHARED
from mock_sts.store.version import SCHEMA_VERSION, first_revision

_VERSION = "SELECT value FROM meta WHERE name = ?"
_KEEP = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
_CHANGE_VERSION = "UPDATE meta SET value = ? WHERE name = ?"


def bring_up_to_date(
    transaction: Transaction,
    database: Database,
    *,
    tables: Callable[[], Sequence[str]],
    there: bool,
    renew: str,
    triggers: list[str],
    migrations: Mapping[int, Sequence[str]],
) -> None:
    """Make what is missing.

    ``there`` says whether there are tables at all, and ``renew`` how a person gets an empty database. ``tables`` gives
    the statements that make them, ``triggers`` are those that make the revisions move; ``migrations`` those that lead
    from each older schema number to the next.
    To be called by one process at a time. Raises StoreError for a schema that is newer than the program, or too old.
    """
    if not there:
        for statement in tables():
            transaction.execute(statement)
        transaction.execute(_KEEP, (VERSION_ROW, str(SCHEMA_VERSION)))
        for name in (SHARED, DEFAULT_ENVIRONMENT):
            transaction.execute("INSERT INTO revision (environment, number) VALUES (?, ?)", (name, first_revision()))
        transaction.execute(
            "INSERT INTO environment (name, created_at, used_at, document, clock_offset) VALUES (?, 0, 0, ?, 0)",
            (DEFAULT_ENVIRONMENT, "{}"),
        )
    else:
        found = _found(transaction, database, min(migrations, default=SCHEMA_VERSION), renew)
        if found == SCHEMA_VERSION:
            return
        for number in range(found, SCHEMA_VERSION):
            for statement in migrations[number]:
                transaction.execute(statement)
        transaction.execute(_CHANGE_VERSION, (str(SCHEMA_VERSION), VERSION_ROW))
    for statement in triggers:
        transaction.execute(statement)


def _found(transaction: Transaction, database: Database, oldest: int, renew: str) -> int:
    """The schema number of the tables. Raises StoreError for one that nothing leads from."""
    row = transaction.one(_VERSION, (VERSION_ROW,))
    text = row[0] if row is not None else "none"
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number > SCHEMA_VERSION:
        raise StoreError(
            f"the database {database.name!r} has schema version {text}, and this program knows {SCHEMA_VERSION} at "
            f"most: a newer program has used it; run that one, {renew}, or point MOCK_STS_DATABASE_URL to another"
        )
    if number < oldest:
        raise StoreError(
            f"the database {database.name!r} has schema version {text}, and this program can bring {oldest} and newer "
            f"up to date; {renew}, or point MOCK_STS_DATABASE_URL to another"
        )
    return number
