"""Opening the database that a URL names, and looking at it before that: the one place that knows which there are."""

from collections.abc import Sequence
from pathlib import Path

from mock_sts.store.database import Database, StoreError
from mock_sts.store.location import file_of, shown
from mock_sts.store.sqlite import peek
from mock_sts.store.sqlite.database import SqliteDatabase


def open_database(url: str, *, synchronous: str = "normal") -> Database:
    """The database at ``url``; nothing is connected yet. ``synchronous`` is SQLite's pragma.

    Raises StoreError where what it takes is not installed.
    """
    file = file_of(url)
    if file is not None:
        return SqliteDatabase(file, synchronous=synchronous)
    try:
        from mock_sts.store.postgresql.database import PostgresqlDatabase  # noqa: PLC0415  an extra
    except ImportError as error:
        raise StoreError(
            f"MOCK_STS_DATABASE_URL is {shown(url)!r}, but what PostgreSQL takes is not installed ({error}); install "
            "mock-sts[postgresql], or name a file by sqlite:///PATH",
            "what PostgreSQL takes is not installed",
        ) from error
    return PostgresqlDatabase(url)


def is_missing(url: str) -> bool:
    """Whether there is certainly no database at ``url``."""
    file = file_of(url)
    return file is not None and not file.exists()


def is_prepared(url: str, folders: Sequence[Path], person: str | None = None, *, fresh_keys: bool = False) -> bool:
    """Whether a server can start on the database at ``url`` as it is; where that is unknown without connecting, the
    answer is no, and preparation decides. See ``sqlite.peek``.
    """
    file = file_of(url)
    return file is not None and peek.is_prepared(file, folders, person, fresh_keys=fresh_keys)


def declared_hosts(url: str) -> tuple[str, ...]:
    """The host names of all environments in the database at ``url``, sorted. Raises StoreError."""
    file = file_of(url)
    if file is not None:
        return peek.declared_hosts(file)
    database = open_database(url)
    try:
        return tuple(row[0] for row in database.read_all(peek.HOSTS))
    finally:
        database.close()


def end_override(url: str) -> str | None:
    """Let the settings of the server that starts decide its public URL again, where that takes no connection; the one
    that was set at run time before, if any. Otherwise None, and preparation does it. Raises StoreError.
    """
    file = file_of(url)
    return peek.end_override(file) if file is not None else None
