"""What PostgreSQL's errors mean here, for a person. No text that is made here has the password in it."""

import re

import psycopg

from mock_sts.store.database import StoreError
from mock_sts.store.location import passwords_in, without_password

_SETTING = "MOCK_STS_DATABASE_URL"
_ACCOUNT = f"mend user and password in {_SETTING}"

#: By the beginning of the SQLSTATE: why the database cannot be used, and what to do.
_BY_STATE = (
    ("28", "user or password is refused", _ACCOUNT),
    ("3D000", "there is no database of that name", f"make it (createdb), or mend the name in {_SETTING}"),
    ("3F", "there is no schema to make tables in", "give its user a schema"),
    ("42501", "its user may not do that", "make the user owner of the database, or of a schema in its search_path"),
    ("42P01", "its tables are gone, or another program's", "restart the server, which makes them"),
    ("42703", "its tables are another program's", f"point {_SETTING} to another"),
    ("25006", "it may not be written to", "name the primary, not a standby"),
    ("53100", "the disk is full", "make room there; the server goes on by itself"),
    ("53300", "it has too many connections", "raise max_connections, or lower MOCK_STS_WORKERS and MOCK_STS_THREADS"),
    ("55P03", "another transaction keeps it locked", "end that one, or wait for it"),
    ("57P03", "it is starting or stopping", "wait for it"),
    ("57P", "it was stopped", "start it; a server that is running goes on by itself"),
)

#: The same for errors of connecting, which have no SQLSTATE: by what libpq says.
_BY_TEXT = (
    (
        r"password authentication failed|no password supplied|role .* does not exist",
        _BY_STATE[0][1],
        _ACCOUNT,
    ),
    (r"no pg_hba\.conf entry|Peer authentication failed|authentication failed", "it lets this user not in", _ACCOUNT),
    (r"database .* does not exist", _BY_STATE[1][1], _BY_STATE[1][2]),
    (r"too many clients|remaining connection slots", _BY_STATE[8][1], _BY_STATE[8][2]),
    (r"starting up|shutting down", "it is starting or stopping", "wait for it"),
    (r"invalid (URI|connection option|integer|port)|missing \"=\"", "its address cannot be read", f"mend {_SETTING}"),
)

_UNREACHABLE = ("it cannot be reached", f"start the PostgreSQL server, or mend host and port in {_SETTING}")
_UNKNOWN = f"see the log of the PostgreSQL server, and check {_SETTING}"


def explained(url: str, error: psycopg.Error) -> StoreError:
    """The StoreError for ``error``, met with the database at ``url``."""
    state = error.sqlstate or ""
    begins = f"the database {without_password(url)!r} ({_SETTING}) cannot be used:"
    said = scrubbed(url, " ".join(str(error).split()))
    found = next(((why, remedy) for start, why, remedy in _BY_STATE if state.startswith(start)), None)
    if found is None and not state:
        found = next(((why, remedy) for text, why, remedy in _BY_TEXT if re.search(text, said)), None)
        if found is None and isinstance(error, psycopg.OperationalError):
            found = _UNREACHABLE
    if found is None:
        return StoreError(f"{begins} {said}; {_UNKNOWN}")
    why, remedy = found
    return StoreError(f"{begins} {why} ({said}); {remedy}", why)


def scrubbed(url: str, text: str) -> str:
    """``text`` without the password in ``url``."""
    for password in passwords_in(url):
        text = text.replace(password, "***")
    return without_password(text)
