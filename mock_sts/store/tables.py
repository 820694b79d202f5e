"""Every table. Registry rows are a key and one JSON document; everything else has real columns."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

METADATA = MetaData()

_Number = BigInteger().with_variant(Integer(), "sqlite")

META = Table(
    "meta",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)

#: One row, whose number moves with every change of a registry table (by triggers, so that no writer can forget).
REVISION = Table(
    "revision",
    METADATA,
    Column("id", _Number, primary_key=True, autoincrement=False),
    Column("number", _Number, nullable=False),
    sqlite_strict=True,
)


def _registry_table(name: str, key: str, *columns: "Column[object]") -> Table:
    return Table(
        name,
        METADATA,
        Column(key, Text, primary_key=True),
        *columns,
        Column("origin", Text, nullable=False),
        Column("document", Text, nullable=False),
        sqlite_strict=True,
    )


CLIENT = _registry_table("client", "client_id")
API = _registry_table("api", "audience")
ORGANIZATION = _registry_table("organization", "number")
PERSONA = _registry_table("persona", "pid", Column("persona", Text), Column("hpr_number", Text))

#: The registry in the order in which it is loaded: later tables refer to earlier ones.
REGISTRY = (ORGANIZATION, PERSONA, API, CLIENT)

SIGNING_KEY = Table(
    "signing_key",
    METADATA,
    Column("kid", Text, primary_key=True),
    Column("jwk", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", _Number, nullable=False),
    sqlite_strict=True,
)

SERVER_SECRET = Table(
    "server_secret",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_strict=True,
)

#: What has been used once. ``digest`` is SHA-256 over purpose and key, so that its length is nobody's choice.
REPLAY = Table(
    "replay",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", _Number, nullable=False),
    Index("replay_expires_at", "expires_at"),
    sqlite_strict=True,
)


def _ledger_table(name: str, *columns: "Column[object]") -> Table:
    """What is pending or spent: found by the SHA-256 of a handle that only its holder knows, over at ``expires_at``."""
    return Table(
        name,
        METADATA,
        Column("digest", LargeBinary, primary_key=True),
        Column("client_id", Text, nullable=False),
        Column("document", Text, nullable=False),
        Column("expires_at", _Number, nullable=False),
        Column("consumed_at", _Number),
        *columns,
        Index(f"{name}_expires_at", "expires_at"),
        sqlite_strict=True,
    )


#: Authorization requests on their way to an answer: pushed ones, and those of the front channel. ``login`` marks the
#: login that was made for this very request.
AUTHORIZATION_REQUEST = _ledger_table("authorization_request", Column("login", Text))
AUTHORIZATION_CODE = _ledger_table("authorization_code")
REFRESH_TOKEN = _ledger_table("refresh_token")

#: Logins of browsers: found by the SHA-256 of a cookie.
LOGIN_SESSION = Table(
    "login_session",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("sid", Text, nullable=False),
    Column("auth_time", _Number, nullable=False),
    Column("document", Text, nullable=False),
    # Until then the browser need not log in again; the row stays longer, for tokens that come from this login.
    Column("good_until", _Number, nullable=False),
    Column("ended_at", _Number),
    Column("expires_at", _Number, nullable=False),
    Index("login_session_sid", "sid", "auth_time"),
    Index("login_session_expires_at", "expires_at"),
    sqlite_strict=True,
)

#: Which clients have taken part in a session, to tell them of its end; as the issuer that their ID tokens name.
SESSION_CLIENT = Table(
    "session_client",
    METADATA,
    Column("sid", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("expires_at", _Number, nullable=False),
    Index("session_client_expires_at", "expires_at"),
    sqlite_strict=True,
)

#: Logins that a test has ordered; nothing that is NULL matters.
LOGIN_ORDER = Table(
    "login_order",
    METADATA,
    Column("id", _Number, primary_key=True),
    Column("client_id", Text),
    Column("redirect_uri", Text),
    Column("pid", Text),
    Column("outcome", Text, nullable=False),
    Column("times", _Number, nullable=False),
    sqlite_strict=True,
)

JOURNAL = Table(
    "journal",
    METADATA,
    Column("id", _Number, primary_key=True),
    Column("at", _Number, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("client_id", Text),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
    Column("rule", Text),
    Column("findings", Text, nullable=False),
    Column("detail", Text, nullable=False),
    # Digest of the assertion that met a nonce challenge: a fact for the judgement of the next request.
    Column("challenged", LargeBinary),
    # Digest of the client's key whose proof was challenged or has shown a nonce: the same.
    Column("proof_key", LargeBinary),
    Index("journal_client_id", "client_id", "id"),
    Index("journal_challenged", "challenged", sqlite_where=text("challenged IS NOT NULL")),
    Index("journal_proof_key", "proof_key", sqlite_where=text("proof_key IS NOT NULL")),
    sqlite_strict=True,
)


def trigger_statements() -> list[str]:
    """The statements that make the revision move with every change of the registry."""
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table.name}_{event.lower()} AFTER {event} ON {table.name} "  # noqa: S608
        "BEGIN UPDATE revision SET number = number + 1 WHERE id = 1; END"
        for table in REGISTRY
        for event in ("INSERT", "UPDATE", "DELETE")
    ]
