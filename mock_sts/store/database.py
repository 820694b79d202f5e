"""The doors to the database: a reader that never waits and a writer that never has to turn back.

Measured: transactions that begin as readers and then write fail with "database is locked" whatever the timeout, for a
read lock cannot be upgraded by waiting. So the writer's transactions begin with BEGIN IMMEDIATE.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

from mock_sts.store.faults import MEANINGS, meaning_of, unusable

#: Milliseconds that a connection waits for another process' write: less than the patience of most clients. Whoever
#: waits keeps a thread from others, and those who want to write wait one after the other. So once that was too short it
#: is ``BUSY_AGAIN``, until a write succeeds or nobody has tried for ``BUSY_TIMEOUT``.
BUSY_TIMEOUT, BUSY_AGAIN = 5_000, 100


#: One write transaction, as services hand it on to the functions of this floor.
Transaction: TypeAlias = Connection


#: Errors after which the next write will probably fail too, whoever asks for it.
_LASTING = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)


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

    __slots__ = ("__weakref__", "connection", "file", "patience")

    def __init__(self, connection: Any, file: tuple[int, int]) -> None:
        self.connection = connection
        self.file = file
        self.patience = 0

    def wait_at_most(self, patience: int) -> None:
        """Have it wait for others' locks for ``patience`` milliseconds from now on; once told costs nothing again."""
        if self.patience != patience:
            self.connection.connection.execute(f"PRAGMA busy_timeout = {patience}").close()
            self.patience = patience

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
        # When a write last waited in vain for another process, and whether the last one met an error that stays.
        self._locked_out = -float("inf")
        self._fails = False
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
        patience = self._patience()
        if not self._write_lock.acquire(timeout=patience / 1000):
            raise self._unusable(*MEANINGS[sqlite3.SQLITE_BUSY])
        try:
            with self._translated("writer"):
                kept = self._mine("writer", self._writer.connect)
                kept.wait_at_most(self._patience())
                with kept.connection.begin():
                    yield kept.connection
            self._locked_out, self._fails = -float("inf"), False
        finally:
            self._write_lock.release()

    def _patience(self) -> int:
        """Milliseconds that a write may wait now."""
        was_locked = (time.monotonic() - self._locked_out) * 1000 < BUSY_TIMEOUT
        return BUSY_AGAIN if was_locked else BUSY_TIMEOUT

    def read_one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of a driver-level ``statement`` or None, by a cursor that each thread keeps (3 µs)."""
        with self._translated("reader"):
            return self._thread_cursor().execute(statement, parameters).fetchone()

    def check(self) -> None:
        """Raises StoreError where the file is gone or cannot be written to; somebody else's lock will pass."""
        self._file()
        if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
            raise self._unusable(*MEANINGS[sqlite3.SQLITE_READONLY])
        if self._fails:
            with self.writing() as transaction:
                # Changes nothing, and is written all the same: SQLite would see it of a row that stays as it is.
                transaction.exec_driver_sql("PRAGMA user_version = 0")

    def explained(self, error: BaseException) -> StoreError:
        """What an error of SQLite means here, for a person."""
        reason, said, remedy = meaning_of(error)
        return self._unusable(said, remedy, reason)

    def _remember(self, error: sqlite3.Error) -> None:
        """Keep in mind what an error of a write means for those to come."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            self._locked_out = time.monotonic()
        self._fails = self._fails or code in _LASTING

    def _unusable(self, why: str, remedy: str, reason: str | None = None) -> StoreError:
        return StoreError(unusable(self.path, why, remedy), why if reason is None else reason)

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
            f"file:{quote(os.fsencode(self.path.absolute()))}?mode=rw",
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
                if kept == "writer":
                    self._remember(cause)
                raise self.explained(cause) from error
            raise
