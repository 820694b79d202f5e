"""The doors to a database of PostgreSQL: two connections for each thread, one that reads and one that writes.

Its writers work side by side: rows decide races (a key that is there, a row that is locked), and the few decisions that
read first take a lock by name.
"""

import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg

from mock_sts.store.database import Reader, StoreError, Transaction
from mock_sts.store.location import shown
from mock_sts.store.postgresql.faults import explained

#: Milliseconds that a write waits for another one, and seconds that connecting may take.
_LOCK_TIMEOUT, _CONNECT_TIMEOUT = 5_000, 5

_READER, _WRITER = "reader", "writer"

#: A connection is given up and made anew for these; others are the statement's.
_LOST = (psycopg.OperationalError, psycopg.InterfaceError)


@lru_cache(maxsize=256)
def say(statement: str) -> str:
    """``statement`` in PostgreSQL's words, and psycopg's for parameters."""
    statement = statement.replace("%", "%%").replace("?", "%s")
    return statement.replace("{for_update}", " FOR UPDATE").replace("{skip_locked}", " FOR UPDATE SKIP LOCKED")


class _Cursor:
    """psycopg's cursor, for texts that PostgreSQL cannot hold."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: "psycopg.Cursor[Any]") -> None:
        self._cursor = cursor

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> "psycopg.Cursor[Any]":
        try:
            return self._cursor.execute(statement, parameters, prepare=True)
        except psycopg.DataError as error:
            if error.sqlstate is not None:
                raise
        # NUL is in no text of PostgreSQL's: it is kept as the sign for what cannot be shown, and found as nothing.
        return self._cursor.execute(statement, [_storable(one) for one in parameters], prepare=True)

    def executemany(self, statement: str, rows: Any) -> None:
        self._cursor.executemany(statement, rows)


def _storable(parameter: Any) -> Any:
    return parameter.replace("\0", "\ufffd") if isinstance(parameter, str) else parameter


class _PostgresqlTransaction(Transaction):
    __slots__ = ()

    def insert(self, statement: str, parameters: tuple[Any, ...]) -> int:
        row = self._cursor.execute(say(f"{statement} RETURNING id"), parameters).fetchone()
        return int(row[0])

    def lock(self, name: str) -> None:
        self._cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))


class _Kept:
    """A connection that a thread keeps; it is closed when the thread ends and with it this object."""

    __slots__ = ("__weakref__", "connection", "cursor")

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        self.cursor = _Cursor(connection.cursor())

    def close(self) -> None:
        """End it; more than once does no harm."""
        with suppress(Exception):  # the interpreter may be half gone
            self.connection.close()

    __del__ = close


class PostgresqlDatabase:
    """One database of a PostgreSQL server, opened by one process.

    A connection that is lost is made anew, so that the database works again when its server does.
    """

    def __init__(self, url: str) -> None:
        """Connects nothing yet."""
        self._url = url
        self._local = threading.local()
        self._kept: weakref.WeakSet[_Kept] = weakref.WeakSet()

    @property
    def name(self) -> str:
        """The address, without a password."""
        return shown(self._url)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader that sees one moment of what is committed."""
        with self._translated(_READER):
            kept = self._begun(_READER, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield Reader(_Cursor(kept.connection.cursor()), say)
            finally:
                with suppress(psycopg.Error):
                    kept.cursor.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A write transaction, committed at the end, rolled back by an exception."""
        with self._translated(_WRITER):
            kept = self._begun(_WRITER, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            try:
                yield _PostgresqlTransaction(kept.cursor, say)
                kept.cursor.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):
                    kept.cursor.execute("ROLLBACK")
                raise

    def in_haste(self) -> AbstractContextManager[None] | None:
        """None: each statement waits for the server's answer."""
        return None

    def read_one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of what is committed now, or None."""
        with self._translated(_READER):
            return self._read(statement, parameters).fetchone()

    def read_all(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """All rows, in the same way."""
        with self._translated(_READER):
            return self._read(statement, parameters).fetchall()

    def make(self) -> None:
        """Make tables and triggers where they are missing, and bring older ones up to date. Raises StoreError."""
        from mock_sts.store.postgresql.making import make_tables  # noqa: PLC0415  only preparation makes tables

        make_tables(self)

    def version(self) -> int:
        """That of the server, as ``150004`` for 15.4. Raises StoreError where it cannot be reached."""
        with self._translated(_READER):
            return self._mine(_READER).connection.info.server_version

    def check(self) -> None:
        """Raises StoreError where it cannot be reached or cannot be written to."""
        if self.read_one("SHOW transaction_read_only")[0] != "off":
            raise explained(self._url, psycopg.errors.ReadOnlySqlTransaction("it is a standby"))

    def close(self) -> None:
        """Give up all connections, those that threads keep included."""
        for kept in list(self._kept):
            kept.close()
        self._local = threading.local()

    def _read(self, statement: str, parameters: tuple[Any, ...]) -> "psycopg.Cursor[Any]":
        kept, was_there = self._mine(_READER), self._has(_READER)
        try:
            return kept.cursor.execute(say(statement), parameters)
        except _LOST:
            if not was_there or not kept.connection.closed:
                raise
        self._forget(_READER)  # its server has been away since
        return self._mine(_READER).cursor.execute(say(statement), parameters)

    def _begun(self, name: str, begin: str) -> _Kept:
        kept = self._mine(name)
        try:
            kept.cursor.execute(begin)
        except _LOST:
            if not kept.connection.closed:
                raise
            self._forget(name)
            kept = self._mine(name)
            kept.cursor.execute(begin)
        return kept

    def _has(self, name: str) -> bool:
        return hasattr(self._local, name)

    def _mine(self, name: str) -> _Kept:
        kept: _Kept | None = getattr(self._local, name, None)
        if kept is None or kept.connection.closed:
            kept = _Kept(
                psycopg.connect(
                    self._url,
                    autocommit=True,
                    connect_timeout=_CONNECT_TIMEOUT,
                    application_name="mock-sts",
                    options=f"-c lock_timeout={_LOCK_TIMEOUT} -c client_min_messages=warning",
                )
            )
            self._kept.add(kept)
            setattr(self._local, name, kept)
        return kept

    def _forget(self, name: str) -> None:
        kept: _Kept | None = getattr(self._local, name, None)
        if kept is not None:
            delattr(self._local, name)
            kept.close()

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """psycopg's errors become a StoreError, and what this thread keeps as ``name`` is given up."""
        try:
            yield
        except psycopg.Error as error:
            self._forget(name)
            raise self.explained(error) from error

    def explained(self, error: psycopg.Error) -> StoreError:
        """What an error of PostgreSQL means here, for a person."""
        return explained(self._url, error)
