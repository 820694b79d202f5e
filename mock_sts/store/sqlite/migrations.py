"""From each older schema to the next: statements, by the number that they lead from.

They are written out, and never made from the tables of today, which will have changed again.
"""

from collections.abc import Mapping, Sequence

from mock_sts.store.steps import to_eight, to_nine, to_seven, to_ten


def _moved(table: str, columns: str, made: str, select: str) -> list[str]:
    """A table made anew under its name: SQLite cannot change a primary key."""
    return [
        f"CREATE TABLE {table}_new ({made}) STRICT",
        f"INSERT INTO {table}_new ({columns}) {select}",
        f"DROP TABLE {table}",
        f"ALTER TABLE {table}_new RENAME TO {table}",
    ]


def _registry(table: str, key: str, *more: str) -> list[str]:
    """Rows of files are of the shared world from now on, those of run time of the default environment."""
    own = "".join(f", {name}" for name in more)
    return _moved(
        table,
        f"environment, {key}{own}, origin, position, document",
        f"environment TEXT NOT NULL, {key} TEXT NOT NULL, {''.join(f'{name} TEXT, ' for name in more)}"
        f"origin TEXT NOT NULL, position INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY (environment, {key})",
        f"SELECT CASE origin WHEN 'made' THEN 'default' ELSE '' END, {key}{own}, origin, rowid, document "  # noqa: S608
        f"FROM {table}",
    )


def _ledger(table: str) -> list[str]:
    return [
        f"ALTER TABLE {table} ADD COLUMN environment TEXT NOT NULL DEFAULT 'default'",
        f"DROP INDEX {table}_expires_at",
        f"CREATE INDEX {table}_expires_at ON {table} (environment, expires_at)",
    ]


MIGRATIONS: Mapping[int, Sequence[str]] = {
    # The journal remembers which client's key a proof has shown.
    3: [
        "ALTER TABLE journal ADD COLUMN proof_key BLOB",
        "CREATE INDEX journal_proof_key ON journal (proof_key) WHERE proof_key IS NOT NULL",
    ],
    # Environments. What was there is the default one's, but for the world of the files, which all share.
    4: [
        "CREATE TABLE environment (name TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL, "
        "document TEXT NOT NULL, clock_offset INTEGER NOT NULL, clock_frozen_at INTEGER, PRIMARY KEY (name)) STRICT",
        "INSERT INTO environment (name, created_at, used_at, document, clock_offset) VALUES ('default', 0, 0, '{}', 0)",
        *_registry("client", "client_id"),
        *_registry("api", "audience"),
        *_registry("organization", "number"),
        *_registry("persona", "pid", "persona", "hpr_number"),
        # After the tables whose triggers count it up.
        *_moved(
            "revision",
            "environment, number",
            "environment TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (environment)",
            "SELECT '', number + 1 FROM revision UNION ALL SELECT 'default', number + 1 FROM revision",
        ),
        *_moved(
            "signing_key",
            "environment, kid, jwk, certificate, state, created_at",
            "environment TEXT NOT NULL, kid TEXT NOT NULL, jwk TEXT NOT NULL, certificate TEXT NOT NULL, "
            "state TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (environment, kid)",
            "SELECT 'default', kid, jwk, certificate, state, created_at FROM signing_key",
        ),
        *_ledger("replay"),
        *_ledger("authorization_request"),
        *_ledger("authorization_code"),
        *_ledger("refresh_token"),
        "DROP INDEX login_session_expires_at",
        "CREATE INDEX login_session_expires_at ON login_session (environment, expires_at)",
        "DROP INDEX session_client_expires_at",
        *_moved(
            "session_client",
            "environment, sid, client_id, issuer, expires_at",
            "environment TEXT NOT NULL, sid TEXT NOT NULL, client_id TEXT NOT NULL, issuer TEXT NOT NULL, "
            "expires_at INTEGER NOT NULL, PRIMARY KEY (environment, sid, client_id)",
            "SELECT 'default', sid, client_id, issuer, expires_at FROM session_client",
        ),
        "CREATE INDEX session_client_expires_at ON session_client (environment, expires_at)",
        "ALTER TABLE login_order RENAME TO scripted_login",
        "ALTER TABLE scripted_login ADD COLUMN environment TEXT NOT NULL DEFAULT 'default'",
        "CREATE INDEX scripted_login_environment ON scripted_login (environment, id)",
        "ALTER TABLE journal ADD COLUMN environment TEXT NOT NULL DEFAULT 'default'",
        "CREATE INDEX journal_environment ON journal (environment, id)",
        "DROP INDEX journal_client_id",
        "CREATE INDEX journal_client_id ON journal (environment, client_id, id)",
        # A row of run time has stood in the place of a file's; the next start reads the files again.
        "DELETE FROM meta WHERE name = 'fixtures_digest'",
    ],
    # Keys of the test-token service.
    5: [
        "CREATE TABLE token_service_key (environment TEXT NOT NULL, digest BLOB NOT NULL, owner TEXT NOT NULL, "
        "PRIMARY KEY (environment, digest)) STRICT",
    ],
    # Environments by their own host names, several signing keys, tags, snapshots.
    6: to_seven({"text": "TEXT", "number": "INTEGER", "bytes": "BLOB"}, " STRICT"),
    # Scripted logins that expire.
    7: to_eight({"number": "INTEGER"}),
    # Fault rules.
    8: to_nine({"text": "TEXT", "number": "INTEGER", "bytes": "BLOB"}, " STRICT"),
    # Flows in the journal.
    9: to_ten({"text": "TEXT", "number": "INTEGER"}),
}
