"""Steps from an older schema to the next that both databases take in the same words, but for the names of types.

They are written out, and never made from the tables of today, which will have changed again.
"""

from collections.abc import Mapping

#: The tables in which snapshots keep rows, as of schema 7: columns and their types, ``!`` for one that is never NULL.
_SNAPSHOT_TABLES = {
    "environment": "name text!, created_at number!, used_at number!, document text!, clock_offset number!, "
    "clock_frozen_at number, declared number, tag text, draws number",
    "client": "environment text!, client_id text!, origin text!, position number!, document text!, tag text",
    "api": "environment text!, audience text!, origin text!, position number!, document text!, tag text",
    "organization": "environment text!, number text!, origin text!, position number!, document text!, tag text",
    "persona": "environment text!, pid text!, persona text, hpr_number text, origin text!, position number!, "
    "document text!, tag text",
    "signing_key": "environment text!, kid text!, jwk text!, certificate text!, state text!, created_at number!, "
    "algorithm text, withheld number",
    "replay": "digest bytes!, environment text!, expires_at number!",
    "authorization_request": "digest bytes!, environment text!, client_id text!, document text!, expires_at number!, "
    "consumed_at number, login text",
    "authorization_code": "digest bytes!, environment text!, client_id text!, document text!, expires_at number!, "
    "consumed_at number",
    "refresh_token": "digest bytes!, environment text!, client_id text!, document text!, expires_at number!, "
    "consumed_at number",
    "login_session": "digest bytes!, environment text!, sid text!, auth_time number!, document text!, "
    "good_until number!, ended_at number, expires_at number!",
    "session_client": "environment text!, sid text!, client_id text!, issuer text!, expires_at number!",
    "scripted_login": "id number!, environment text!, client_id text, redirect_uri text, pid text, outcome text!, "
    "times number!, tag text",
    "token_service_key": "environment text!, digest bytes!, owner text!",
    "journal": "id number!, environment text!, at number!, endpoint text!, client_id text, outcome text!, error text, "
    "rule text, findings text!, detail text!, challenged bytes, proof_key bytes",
}


def to_seven(words: Mapping[str, str], ending: str) -> list[str]:
    """The statements that lead from schema 6 to 7: tags, host names of environments, several signing keys, snapshots.

    ``words`` are the types by ``text``, ``number`` and ``bytes``; ``ending`` comes after the columns of a table.
    """
    text, number = words["text"], words["number"]
    added = {
        "environment": (f"declared {number}", f"tag {text}", f"draws {number}"),
        "signing_key": (f"algorithm {text}", f"withheld {number}"),
        **dict.fromkeys(("client", "api", "organization", "persona", "scripted_login"), (f"tag {text}",)),
    }
    made = {
        "environment_host": "host text!, environment text!, position number!, PRIMARY KEY (host)",
        "snapshot": "id text!, environment text!, created_at number!, name text, tag text, PRIMARY KEY (id)",
        **{f"snapshot_{name}": f"snapshot text!, {columns}" for name, columns in _SNAPSHOT_TABLES.items()},
    }
    return [
        *(f"ALTER TABLE {table} ADD COLUMN {column}" for table, columns in added.items() for column in columns),
        *(f"CREATE TABLE {table} ({_said(columns, words)}){ending}" for table, columns in made.items()),
    ]


def to_eight(words: Mapping[str, str]) -> list[str]:
    """The statements that lead from schema 7 to 8: scripted logins that expire; those that wait already never do."""
    number = words["number"]
    return [
        f"ALTER TABLE {table} ADD COLUMN expires_at {number}" for table in ("scripted_login", "snapshot_scripted_login")
    ]


#: The columns of the table of fault rules, as of schema 9.
_FAULT = (
    "id text!, environment text!, position number!, document text!, remaining number, drawn number!, happened number!, "
    "tag text"
)


def to_nine(words: Mapping[str, str], ending: str) -> list[str]:
    """The statements that lead from schema 8 to 9: fault rules, and journal entries that name those that were at work.

    ``words`` and ``ending`` as for schema 7.
    """
    text = words["text"]
    return [
        f"CREATE TABLE fault ({_said(_FAULT + ', PRIMARY KEY (id)', words)}){ending}",
        "CREATE INDEX fault_environment ON fault (environment, position)",
        f"CREATE TABLE snapshot_fault ({_said('snapshot text!, ' + _FAULT, words)}){ending}",
        *(f"ALTER TABLE {table} ADD COLUMN faults {text}" for table in ("journal", "snapshot_journal")),
    ]


def to_ten(words: Mapping[str, str]) -> list[str]:
    """The statements that lead from schema 9 to 10: journal entries that say which login they belong to."""
    text, number = words["text"], words["number"]
    columns = (f"flow {text}", f"sid {text}", f"pid {text}", f"micros {number}")
    return [
        f"ALTER TABLE {table} ADD COLUMN {column}" for table in ("journal", "snapshot_journal") for column in columns
    ]


def _said(columns: str, words: Mapping[str, str]) -> str:
    """``columns`` in the words of a database."""
    for kind, word in words.items():
        columns = columns.replace(f" {kind}!", f" {word} NOT NULL").replace(f" {kind},", f" {word},")
        columns = columns.removesuffix(f" {kind}") + (f" {word}" if columns.endswith(f" {kind}") else "")
    return columns
