"""A look at a file of SQLite without opening it as a database: by the standard library only, for the server's parent
process, which does without everything else.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.store.database import DIGEST_ROW, VERSION_ROW, StoreError
from mock_sts.store.fixtures.files import digest_of, shipped_signing_key_file
from mock_sts.store.public_url import read_override, write_override
from mock_sts.store.sqlite.faults import meaning_of, unusable
from mock_sts.store.version import SCHEMA_VERSION


def is_prepared(file: Path, folders: Sequence[Path], person: str | None = None, *, fresh_keys: bool = False) -> bool:
    """Whether ``file`` has this program's tables, holds the world of ``folders``, and in it ``person`` (short name or
    pid) unless that is None; any doubt is a no. So is a published signing key where ``fresh_keys`` are
    asked for, of which preparation tells.
    """
    try:
        if not file.is_file():
            return False
        with closing(sqlite3.connect(file, timeout=1)) as connection:
            rows = dict(connection.execute("SELECT name, value FROM meta").fetchall())
            known = "SELECT 1 FROM persona WHERE persona = ? OR pid = ?"
            if person is not None and connection.execute(known, (person, person)).fetchone() is None:
                return False
            kid = connection.execute(
                "SELECT kid FROM signing_key WHERE environment = 'default' AND state = 'active'"
            ).fetchone()
            if fresh_keys and kid == (json.loads(shipped_signing_key_file().read_bytes())["kid"],):
                return False
        return rows.get(VERSION_ROW) == str(SCHEMA_VERSION) and rows.get(DIGEST_ROW) == digest_of(folders)
    except (sqlite3.Error, OSError, DocumentError, ValueError, KeyError):
        return False


#: The host names of all environments.
HOSTS = "SELECT host FROM environment_host ORDER BY host"


def declared_hosts(file: Path) -> tuple[str, ...]:
    """The host names of all environments in ``file``, sorted; none where it is missing or of an older version."""
    try:
        if not file.is_file():
            return ()
        with closing(sqlite3.connect(file, timeout=5)) as connection:
            return tuple(row[0] for row in connection.execute(HOSTS).fetchall())
    except sqlite3.Error:
        return ()


def end_override(file: Path) -> str | None:
    """Let the settings of the server that starts on ``file`` decide again.

    Returns the override that the server before had, if any; it is remembered as an address. Raises StoreError.
    """
    try:
        with closing(sqlite3.connect(file, timeout=5, isolation_level=None)) as connection:
            url = read_override(connection.execute).public_url
            if url is not None:
                connection.execute("BEGIN IMMEDIATE")
                write_override(connection.execute, None)
                connection.execute("COMMIT")
            return url
    except sqlite3.Error as error:
        _, said, remedy = meaning_of(error)
        raise StoreError(unusable(file, said, remedy)) from error
