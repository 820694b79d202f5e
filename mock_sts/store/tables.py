"""Every table. Registry rows are a key and one JSON document; everything else has real columns.

Rows that are listed, counted, trimmed or swept name their ``environment``. Those that are found by a digest alone need
no condition for it: the environment is in the digest.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Identity, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.schema import CreateIndex, CreateTable

from mock_sts.store.owning import KEPT_BY_SNAPSHOTS

METADATA = MetaData()

_Number = BigInteger().with_variant(Integer(), "sqlite")

#: Texts are sorted by their bytes, as SQLite does.
_Text = Text().with_variant(Text(collation="C"), "postgresql")


def _numbered() -> "Column[int]":
    """An ``id`` that the database counts up."""
    return Column("id", _Number, Identity(), primary_key=True)


def _partial_index(name: str, column: str) -> Index:
    """An index of the rows that have ``column`` alone."""
    there = text(f"{column} IS NOT NULL")
    return Index(name, column, sqlite_where=there, postgresql_where=there)


META = Table(
    "meta",
    METADATA,
    Column("name", _Text, primary_key=True),
    Column("value", _Text, nullable=False),
    sqlite_strict=True,
)

#: A number for the shared world (by an empty name) and for each environment, which moves with every change of its
#: registry rows (by triggers, so that no writer can forget).
REVISION = Table(
    "revision",
    METADATA,
    Column("environment", _Text, primary_key=True),
    Column("number", _Number, nullable=False),
    sqlite_strict=True,
)

#: Environments: their own settings as a document, their clock (seconds that it is ahead of the real one, or the moment
#: at which it stands still), and when one was last used, roughly.
ENVIRONMENT = Table(
    "environment",
    METADATA,
    Column("name", _Text, primary_key=True),
    Column("created_at", _Number, nullable=False),
    Column("used_at", _Number, nullable=False),
    Column("document", _Text, nullable=False),
    Column("clock_offset", _Number, nullable=False),
    Column("clock_frozen_at", _Number),
    # 1 where a fixture file declares it: such a one is not ended when it is idle.
    Column("declared", _Number),
    Column("tag", _Text),
    # How many requests have drawn from its seed.
    Column("draws", _Number),
    sqlite_strict=True,
)

#: Host names under which an environment answers without the path before its own. Each is of one environment.
ENVIRONMENT_HOST = Table(
    "environment_host",
    METADATA,
    Column("host", _Text, primary_key=True),
    Column("environment", _Text, nullable=False),
    Column("position", _Number, nullable=False),
    sqlite_strict=True,
)


def _registry_table(name: str, key: str, *columns: "Column[object]") -> Table:
    """Rows of the shared world have an empty ``environment``; those of an environment stand before them there, or hide
    them. ``position`` is the order of the files; ``tag`` is that of the test run which made the row, if it said so.
    """
    return Table(
        name,
        METADATA,
        Column("environment", _Text, primary_key=True),
        Column(key, _Text, primary_key=True),
        *columns,
        Column("origin", _Text, nullable=False),
        Column("position", _Number, nullable=False),
        Column("document", _Text, nullable=False),
        Column("tag", _Text),
        sqlite_strict=True,
    )


CLIENT = _registry_table("client", "client_id")
API = _registry_table("api", "audience")
ORGANIZATION = _registry_table("organization", "number")
PERSONA = _registry_table("persona", "pid", Column("persona", _Text), Column("hpr_number", _Text))

#: The registry in the order in which it is loaded: later tables refer to earlier ones.
REGISTRY = (ORGANIZATION, PERSONA, API, CLIENT)

SIGNING_KEY = Table(
    "signing_key",
    METADATA,
    Column("environment", _Text, primary_key=True),
    Column("kid", _Text, primary_key=True),
    Column("jwk", _Text, nullable=False),
    Column("certificate", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("created_at", _Number, nullable=False),
    # What it signs with; NULL: what the setting says.
    Column("algorithm", _Text),
    # 1 where the key set does not show it.
    Column("withheld", _Number),
    sqlite_strict=True,
)

SERVER_SECRET = Table(
    "server_secret",
    METADATA,
    Column("name", _Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_strict=True,
)

#: What has been used once. ``digest`` is SHA-256 over purpose and key, so that its length is fixed.
REPLAY = Table(
    "replay",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("environment", _Text, nullable=False),
    Column("expires_at", _Number, nullable=False),
    Index("replay_expires_at", "environment", "expires_at"),
    sqlite_strict=True,
)


def _ledger_table(name: str, *columns: "Column[object]") -> Table:
    """What is pending or spent: found by the SHA-256 of a handle that only its holder knows, over at ``expires_at``."""
    return Table(
        name,
        METADATA,
        Column("digest", LargeBinary, primary_key=True),
        Column("environment", _Text, nullable=False),
        Column("client_id", _Text, nullable=False),
        Column("document", _Text, nullable=False),
        Column("expires_at", _Number, nullable=False),
        Column("consumed_at", _Number),
        *columns,
        Index(f"{name}_expires_at", "environment", "expires_at"),
        sqlite_strict=True,
    )


#: Authorization requests on their way to an answer: pushed ones, and those of the front channel. ``login`` marks the
#: login that was made for this very request.
AUTHORIZATION_REQUEST = _ledger_table("authorization_request", Column("login", _Text))
AUTHORIZATION_CODE = _ledger_table("authorization_code")
REFRESH_TOKEN = _ledger_table("refresh_token")

#: Logins of browsers: found by the SHA-256 of a cookie.
LOGIN_SESSION = Table(
    "login_session",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("environment", _Text, nullable=False),
    Column("sid", _Text, nullable=False),
    Column("auth_time", _Number, nullable=False),
    Column("document", _Text, nullable=False),
    # Until then the browser need not log in again; the row stays longer, for tokens that come from this login.
    Column("good_until", _Number, nullable=False),
    Column("ended_at", _Number),
    Column("expires_at", _Number, nullable=False),
    Index("login_session_sid", "sid", "auth_time"),
    Index("login_session_expires_at", "environment", "expires_at"),
    sqlite_strict=True,
)

#: Which clients have taken part in a session, to tell them of its end; as the issuer that their ID tokens name.
SESSION_CLIENT = Table(
    "session_client",
    METADATA,
    Column("environment", _Text, primary_key=True),
    Column("sid", _Text, primary_key=True),
    Column("client_id", _Text, primary_key=True),
    Column("issuer", _Text, nullable=False),
    Column("expires_at", _Number, nullable=False),
    Index("session_client_expires_at", "environment", "expires_at"),
    sqlite_strict=True,
)

#: Logins that a test has ordered; nothing that is NULL matters.
SCRIPTED_LOGIN = Table(
    "scripted_login",
    METADATA,
    _numbered(),
    Column("environment", _Text, nullable=False),
    Column("client_id", _Text),
    Column("redirect_uri", _Text),
    Column("pid", _Text),
    Column("outcome", _Text, nullable=False),
    Column("times", _Number, nullable=False),
    Column("tag", _Text),
    Column("expires_at", _Number),
    Index("scripted_login_environment", "environment", "id"),
    sqlite_strict=True,
)

#: Keys that the test-token service takes, by their SHA-256, and whose they are.
TOKEN_SERVICE_KEY = Table(
    "token_service_key",
    METADATA,
    Column("environment", _Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("owner", _Text, nullable=False),
    sqlite_strict=True,
)

#: Fault rules: what goes wrong on order, and how often still (NULL: until the rule is removed). ``drawn`` counts the
#: requests for which a rule with a probability has drawn, ``happened`` those at which its effect has happened.
FAULT = Table(
    "fault",
    METADATA,
    Column("id", _Text, primary_key=True),
    Column("environment", _Text, nullable=False),
    Column("position", _Number, nullable=False),
    Column("document", _Text, nullable=False),
    Column("remaining", _Number),
    Column("drawn", _Number, nullable=False),
    Column("happened", _Number, nullable=False),
    Column("tag", _Text),
    Index("fault_environment", "environment", "position"),
    sqlite_strict=True,
)

JOURNAL = Table(
    "journal",
    METADATA,
    _numbered(),
    Column("environment", _Text, nullable=False),
    Column("at", _Number, nullable=False),
    Column("endpoint", _Text, nullable=False),
    Column("client_id", _Text),
    Column("outcome", _Text, nullable=False),
    Column("error", _Text),
    Column("rule", _Text),
    Column("findings", _Text, nullable=False),
    Column("detail", _Text, nullable=False),
    # Digest of the assertion that met a nonce challenge: a fact for the judgement of the next request.
    Column("challenged", LargeBinary),
    # Digest of the client's key whose proof was challenged or has shown a nonce: the same.
    Column("proof_key", LargeBinary),
    # The effects of fault rules on the request, as a JSON list; NULL for none.
    Column("faults", _Text),
    # The login, or token without one, that the request belongs to; the session; who logged in. No index: the journal
    # is bounded, and each index is one page more to write for a token.
    Column("flow", _Text),
    Column("sid", _Text),
    Column("pid", _Text),
    # Microseconds until it was decided.
    Column("micros", _Number),
    Index("journal_environment", "environment", "id"),
    Index("journal_client_id", "environment", "client_id", "id"),
    _partial_index("journal_challenged", "challenged"),
    _partial_index("journal_proof_key", "proof_key"),
    sqlite_strict=True,
)


#: Snapshots: of one environment, or of the server, by an empty name.
SNAPSHOT = Table(
    "snapshot",
    METADATA,
    Column("id", _Text, primary_key=True),
    Column("environment", _Text, nullable=False),
    Column("created_at", _Number, nullable=False),
    Column("name", _Text),
    Column("tag", _Text),
    sqlite_strict=True,
)


def _shadow(table: Table) -> Table:
    """A table with the rows of ``table`` as they were, each under the id of its snapshot."""
    return Table(
        f"snapshot_{table.name}",
        METADATA,
        Column("snapshot", _Text, nullable=False),
        *(Column(column.name, column.type, nullable=column.nullable) for column in table.columns),
        sqlite_strict=True,
    )


SHADOWS = tuple(_shadow(METADATA.tables[name]) for name in ("environment", *KEPT_BY_SNAPSHOTS))


def create_statements(dialect: Dialect, *names: str) -> list[str]:
    """The statements that make the tables called ``names``, all without any, and their indexes."""
    tables = [table for table in METADATA.sorted_tables if not names or table.name in names]
    made: list[Any] = [CreateTable(table) for table in tables]
    made += [CreateIndex(index) for table in tables for index in sorted(table.indexes, key=lambda one: str(one.name))]
    return [str(one.compile(dialect=dialect)).strip() for one in made]
