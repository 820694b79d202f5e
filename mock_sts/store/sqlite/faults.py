"""What SQLite's errors mean here, for a person. Uses the standard library only, as the server's parent process does."""

import re
import sqlite3
from pathlib import Path

from mock_sts.store.file_errors import BROKEN, FULL, READ_ONLY

#: What SQLite's commonest errors mean here: why the database cannot be used, and what to do.
MEANINGS = {
    sqlite3.SQLITE_BUSY: ("another process keeps it locked", "stop that one, or wait for it"),
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_IOERR: BROKEN,
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "remove it, and it is made anew"),
    sqlite3.SQLITE_NOTADB: ("the file is no database", "remove it, or point MOCK_STS_DATABASE_URL to another"),
}

#: The same for a file that has come into the place of ours: SQLite's messages then, and what they mean.
_OTHER_TABLES = re.compile("no such (table|column): |table .* has ")
OTHERS_FILE = (
    "the file is empty, of another version, or another program's",
    "put back the one that was there, or remove it and send the server SIGHUP to have it made anew",
)


def meaning_of(error: BaseException) -> tuple[str, str, str]:
    """Why the database cannot be used (empty where that is unknown), the same with what SQLite said, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason, remedy = MEANINGS.get(code, ("", ""))
    if code == sqlite3.SQLITE_ERROR and _OTHER_TABLES.match(str(error)):
        reason, remedy = OTHERS_FILE
    if not reason:
        return "", str(error), "check MOCK_STS_DATABASE_URL, the folder's rights and the free space"
    return reason, f"{reason} ({error})", remedy


def unusable(path: Path, why: str, remedy: str) -> str:
    """The sentence."""
    return f"the database {str(path)!r} cannot be used: {why}; {remedy}"
