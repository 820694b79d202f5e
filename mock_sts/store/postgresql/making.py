"""Making the tables of PostgreSQL. For preparation only."""

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql

from mock_sts.store.database import StoreError
from mock_sts.store.postgresql.migrations import MIGRATIONS
from mock_sts.store.schema import bring_up_to_date
from mock_sts.store.tables import REGISTRY, create_statements

if TYPE_CHECKING:
    from mock_sts.store.postgresql.database import PostgresqlDatabase

#: The oldest server, as PostgreSQL tells its version.
_OLDEST = 15_00_00


def make_tables(database: "PostgresqlDatabase") -> None:
    """Make tables and triggers where they are missing, and bring older ones up to date: one process at a time."""
    version = database.version()
    if version < _OLDEST:
        raise StoreError(
            f"the database {database.name!r} cannot be used: its server is PostgreSQL {version // 10_000}, and 15 is "
            "the oldest that will do; point MOCK_STS_DATABASE_URL to a newer one"
        )
    with database.writing() as transaction:
        # The others wait for as long as it takes.
        transaction.execute("SET LOCAL lock_timeout = 0")
        transaction.lock("mock-sts:tables")
        there = transaction.one("SELECT to_regclass('meta') IS NOT NULL")[0]
        bring_up_to_date(
            transaction,
            database,
            tables=lambda: create_statements(postgresql.dialect()),  # type: ignore[no-untyped-call]
            there=there,
            renew="drop and create the database anew (fixtures are loaded anew)",
            triggers=trigger_statements(),
            migrations=MIGRATIONS,
        )


def trigger_statements() -> list[str]:
    """The statements that make the revision of an environment move with every change of its registry rows."""
    made = [
        "CREATE OR REPLACE FUNCTION count_revision_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE revision SET number = number + 1 WHERE environment IN (SELECT environment FROM changed); "
        "RETURN NULL; END $$"
    ]
    rows = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}
    made += [
        f"CREATE OR REPLACE TRIGGER {table.name}_{event.lower()} AFTER {event} ON {table.name} "
        f"REFERENCING {which} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_revision_up()"
        for table in REGISTRY
        for event, which in rows.items()
    ]
    return made
