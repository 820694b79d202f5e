"""What SQLite's errors mean here, for a person. Uses the standard library only, as the server's parent process does."""

import errno
import re
import sqlite3
from pathlib import Path

#: What SQLite's commonest errors mean here: why the database cannot be used, and what to do.
MEANINGS = {
    sqlite3.SQLITE_BUSY: ("another process keeps it locked", "stop that one, or wait for it"),
    sqlite3.SQLITE_FULL: (
        "the disk is full",
        "make room; nothing is lost, and a server that is running goes on by itself",
    ),
    sqlite3.SQLITE_READONLY: ("it may not be written to", "change the rights of file and folder, or how it is mounted"),
    sqlite3.SQLITE_IOERR: (
        "the disk refuses to read or write",
        "see whether it is full or broken; a server that is running goes on by itself when it is mended",
    ),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "remove it, and it is made anew"),
    sqlite3.SQLITE_NOTADB: ("the file is no database", "remove it, or point MOCK_STS_DATABASE_URL to another"),
}

#: The same for a file that has come into the place of ours: SQLite's messages then, and what they mean.
_OTHER_TABLES = re.compile("no such (table|column): |table .* has ")
_OTHERS_FILE = (
    "the file is empty, of another version, or another program's",
    "put back the one that was there, or remove it and send the server SIGHUP to have it made anew",
)


def meaning_of(error: BaseException) -> tuple[str, str, str]:
    """Why the database cannot be used (empty where that is unknown), the same with what SQLite said, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason, remedy = MEANINGS.get(code, ("", ""))
    if code == sqlite3.SQLITE_ERROR and _OTHER_TABLES.match(str(error)):
        reason, remedy = _OTHERS_FILE
    if not reason:
        return "", str(error), "check MOCK_STS_DATABASE_URL, the folder's rights and the free space"
    return reason, f"{reason} ({error})", remedy


#: Errors of files beside the database that mean the same as one of SQLite's.
_OF_FILES = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EFBIG: sqlite3.SQLITE_FULL,
    errno.EACCES: sqlite3.SQLITE_READONLY,
    errno.EPERM: sqlite3.SQLITE_READONLY,
    errno.EROFS: sqlite3.SQLITE_READONLY,
}

#: There are too many files open, here or in the whole machine: no fault of this one.
_TOO_MANY = {errno.EMFILE, errno.ENFILE}


def meaning_of_file_error(error: OSError) -> tuple[str, str]:
    """Why a file beside the database cannot be used, and what to do."""
    if error.errno in _TOO_MANY:
        return "too many files are open", "raise the limit on open files (ulimit -n)"
    return MEANINGS[_OF_FILES.get(error.errno or 0, sqlite3.SQLITE_IOERR)]


def unusable(path: Path, why: str, remedy: str) -> str:
    """The sentence."""
    return f"the database {str(path)!r} cannot be used: {why}; {remedy}"
