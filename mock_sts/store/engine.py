"""The doors to the database: a reader that never waits and a writer that never has to turn back.

Measured: transactions that begin as readers and then write fail with "database is locked" whatever the timeout, for a
read lock cannot be upgraded by waiting. So the writer's transactions begin with BEGIN IMMEDIATE.
"""

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

#: Milliseconds that a connection waits for another process' write.
BUSY_TIMEOUT = 10_000


#: One write transaction, as services hand it on to the functions of this floor.
Transaction: TypeAlias = Connection


class StoreError(Exception):
    """The database cannot be used; the message says which file, why, and what to do."""


class _Kept:
    """A connection that a thread keeps; it goes back to its pool when the thread ends and with it this object."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def close(self) -> None:
        """Give it back; more than once does no harm."""
        with suppress(Exception):  # the interpreter may be half gone
            self.connection.close()

    __del__ = close


class Store:
    """One database file, opened by one process."""

    def __init__(self, path: Path, *, synchronous: str = "normal") -> None:
        """Opens nothing yet. ``synchronous`` is SQLite's pragma, ``normal`` or ``off``."""
        self.path = path
        self._synchronous = synchronous
        self._reader = self._engine("")
        self._writer = self._engine("BEGIN IMMEDIATE")
        # SQLite's own waiting between threads of one process is a sleep of growing length; a lock is fairer.
        self._write_lock = threading.Lock()
        # What threads keep for themselves, because taking it from the pool costs more than what is done with it.
        self._local = threading.local()
        self._kept: weakref.WeakSet[_Kept] = weakref.WeakSet()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reads. Each statement sees the newest committed state."""
        with self._translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A connection inside one write transaction, committed at the end, rolled back by an exception."""
        with self._write_lock, self._translated():
            kept = getattr(self._local, "writer", None)
            if kept is None:
                kept = self._local.writer = self._keep(self._writer.connect())
            with kept.connection.begin():
                yield kept.connection

    def read_one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of a driver-level ``statement`` or None, by a cursor that each thread keeps (2 µs)."""
        try:
            return self._thread_cursor().execute(statement, parameters).fetchone()
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Give up all connections, those that threads keep included; nobody uses the store any more."""
        for kept in list(self._kept):
            kept.close()
        self._reader.dispose()
        self._writer.dispose()
        self._local = threading.local()

    def _thread_cursor(self) -> Any:
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            kept = self._local.reader = self._keep(self._reader.raw_connection())
            cursor = self._local.cursor = kept.connection.cursor()
        return cursor

    def _keep(self, connection: Any) -> "_Kept":
        kept = _Kept(connection)
        self._kept.add(kept)
        return kept

    def _engine(self, begin: str) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            connect_args={"timeout": BUSY_TIMEOUT / 1000, "check_same_thread": False},
            pool_size=8,
            max_overflow=-1,  # as many as there are threads, which the server bounds
        )

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA synchronous = {self._synchronous}")
            cursor.close()

        if begin:

            @event.listens_for(engine, "begin")
            def on_begin(connection: Connection) -> None:
                connection.exec_driver_sql(begin)

        return engine

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if isinstance(error.orig, sqlite3.OperationalError | sqlite3.DatabaseError):
                raise self._explained(error.orig) from error
            raise

    def _explained(self, error: BaseException) -> StoreError:
        return StoreError(
            f"the database {str(self.path)!r} cannot be used: {error}; "
            "check MOCK_STS_DATABASE_URL, the folder's rights and the free space"
        )
