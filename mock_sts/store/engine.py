"""The doors to the database: a reader that never waits and a writer that never has to turn back.

Measured: transactions that begin as readers and then write fail with "database is locked" whatever the timeout, for a
read lock cannot be upgraded by waiting. So the writer's transactions begin with BEGIN IMMEDIATE.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

#: Milliseconds that a connection waits for another process' write: less than the patience of most clients.
BUSY_TIMEOUT = 5_000


#: One write transaction, as services hand it on to the functions of this floor.
Transaction: TypeAlias = Connection


#: What SQLite's commonest errors mean here: why the database cannot be used, and what to do.
_MEANINGS = {
    sqlite3.SQLITE_BUSY: ("another process keeps it locked", "stop that one, or wait for it"),
    sqlite3.SQLITE_FULL: ("the disk is full", "make room; nothing is lost, and the server goes on by itself"),
    sqlite3.SQLITE_READONLY: ("it may not be written to", "change the rights of file and folder, or how it is mounted"),
    sqlite3.SQLITE_IOERR: (
        "the disk refuses to read or write",
        "see whether it is full or broken; the server goes on by itself when it is mended",
    ),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "remove it, and it is made anew"),
    sqlite3.SQLITE_NOTADB: ("the file is no database", "remove it, or point MOCK_STS_DATABASE_URL to another"),
}


class StoreError(Exception):
    """The database cannot be used; the message says which file, why, and what to do. ``reason`` is the why, for whoever
    has no business with files; it may be empty.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class _Kept:
    """A connection that a thread keeps; it goes back to its pool when the thread ends and with it this object.

    ``file`` tells which file it is connected to, whatever has become of the path since.
    """

    __slots__ = ("__weakref__", "connection", "file")

    def __init__(self, connection: Any, file: tuple[int, int]) -> None:
        self.connection = connection
        self.file = file

    def close(self) -> None:
        """Give it back; more than once does no harm."""
        with suppress(Exception):  # the interpreter may be half gone
            self.connection.close()

    def discard(self) -> None:
        """End it: nobody shall use it again."""
        with suppress(Exception):
            self.connection.invalidate()
        self.close()

    __del__ = close


class Store:
    """One database file, opened by one process.

    A connection that has met an error is not used again, and neither is one to a file that is no longer at the path. So
    whatever was the matter, the store works again when it is over.
    """

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
        if not self._write_lock.acquire(timeout=BUSY_TIMEOUT / 1000):
            raise self._unusable(*_MEANINGS[sqlite3.SQLITE_BUSY])
        try:
            with self._translated("writer"):
                kept = self._mine("writer", self._writer.connect)
                with kept.connection.begin():
                    yield kept.connection
        finally:
            self._write_lock.release()

    def read_one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of a driver-level ``statement`` or None, by a cursor that each thread keeps (3 µs)."""
        with self._translated("reader"):
            return self._thread_cursor().execute(statement, parameters).fetchone()

    def check(self) -> None:
        """Raises StoreError where the file is gone or may not be written to."""
        self._file()
        if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
            raise self._unusable(*_MEANINGS[sqlite3.SQLITE_READONLY])

    def explained(self, error: BaseException) -> StoreError:
        """What an error of SQLite means here, for a person."""
        reason, remedy = _MEANINGS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, ("", ""))
        if not reason:
            return self._unusable(str(error), "check MOCK_STS_DATABASE_URL, the folder's rights and the free space", "")
        return self._unusable(f"{reason} ({error})", remedy, reason)

    def _unusable(self, why: str, remedy: str, reason: str | None = None) -> StoreError:
        return StoreError(
            f"the database {str(self.path)!r} cannot be used: {why}; {remedy}", why if reason is None else reason
        )

    def close(self) -> None:
        """Give up all connections, those that threads keep included; nobody uses the store any more."""
        for kept in list(self._kept):
            kept.close()
        self._reader.dispose()
        self._writer.dispose()
        self._local = threading.local()

    def _file(self) -> tuple[int, int]:
        """Which file is at the path now."""
        try:
            found = os.stat(self.path)  # noqa: PTH116  half as fast by pathlib
        except OSError as error:
            raise self._unusable(
                f"the file is gone ({error.strerror})",
                "put it back, or send the server SIGHUP to have it made anew",
                "the file is gone",
            ) from error
        return found.st_dev, found.st_ino

    def _mine(self, name: str, connect: Callable[[], Any]) -> _Kept:
        """What this thread keeps under ``name``, made by ``connect`` where there is none for the file at the path."""
        file = self._file()
        kept: _Kept | None = getattr(self._local, name, None)
        if kept is None or kept.file != file:
            self._forget(name)
            kept = _Kept(connect(), file)
            self._kept.add(kept)
            setattr(self._local, name, kept)
        return kept

    def _forget(self, name: str) -> None:
        kept: _Kept | None = getattr(self._local, name, None)
        if kept is not None:
            delattr(self._local, name)
            kept.discard()

    def _thread_cursor(self) -> Any:
        kept = self._mine("reader", self._reader.raw_connection)
        if getattr(self._local, "cursor_of", None) is not kept:
            self._local.cursor = kept.connection.cursor()
            self._local.cursor_of = kept
        return self._local.cursor

    def _connect(self) -> sqlite3.Connection:
        self._file()
        # Not to be made here: where the file is missing, an empty one would hide that.
        connection = sqlite3.connect(
            f"file:{quote(str(self.path.absolute()))}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT / 1000,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.execute(f"PRAGMA synchronous = {self._synchronous}").close()
        return connection

    def _engine(self, begin: str) -> Engine:
        engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=-1,  # as many as there are threads, which the server bounds
        )

        @event.listens_for(engine, "checkout")
        def on_checkout(_connection: Any, record: Any, _proxy: Any) -> None:
            file = self._file()
            if record.info.setdefault("file", file) != file:
                raise DisconnectionError  # the pool takes another one

        if begin:

            @event.listens_for(engine, "begin")
            def on_begin(connection: Connection) -> None:
                connection.exec_driver_sql(begin)

        return engine

    @contextmanager
    def _translated(self, kept: str = "") -> Iterator[None]:
        """SQLite's errors become a StoreError, and what this thread keeps as ``kept`` is given up."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            if kept:
                self._forget(kept)
            cause = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(cause, sqlite3.OperationalError | sqlite3.DatabaseError):
                raise self.explained(cause) from error
            raise
