"""The doors to a file of SQLite: a reader that never waits and a writer that never has to turn back.

Measured: transactions that begin as readers and then write fail with "database is locked" whatever the timeout, for a
read lock cannot be upgraded by waiting. So the writer's transactions begin with BEGIN IMMEDIATE.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from mock_sts.store.database import BusyError, Reader, StoreError, Transaction
from mock_sts.store.sqlite.faults import MEANINGS, OTHERS_FILE, meaning_of, unusable

#: Milliseconds that a connection waits for another process' write: less than the patience of most clients. A write that
#: waits keeps a thread from others, and those that want to write wait one after the other. So once that was too short
#: it is ``BUSY_AGAIN``, until a write succeeds or none was tried for ``BUSY_TIMEOUT``.
BUSY_TIMEOUT, BUSY_AGAIN = 5_000, 100

#: Milliseconds that a write in haste waits, and seconds after a wait in vain for which none is tried in haste.
_HASTE, _CROWDED = 25, 1.0

#: Errors after which the next write will probably fail too, whichever it is.
_LASTING = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)

#: Pages of the log (WAL) after which a write moves them into the file, which takes some milliseconds. SQLite's own
#: number of 1,000 is reached once in a hundred tokens.
_LOG_PAGES = 4_000

_READER, _WRITER = "reader", "writer"


@lru_cache(maxsize=256)
def say(statement: str) -> str:
    """``statement`` in SQLite's words: with one writer at a time it locks no rows."""
    return statement.replace("{for_update}", "").replace("{skip_locked}", "")


class _SqliteTransaction(Transaction):
    __slots__ = ()

    def insert(self, statement: str, parameters: tuple[Any, ...]) -> int:
        return int(self._cursor.execute(say(statement), parameters).lastrowid)

    def lock(self, name: str) -> None:
        """Nothing to do: the transaction has the whole file."""


class _Kept:
    """A connection that a thread keeps; it is closed when the thread ends and with it this object.

    ``file`` tells which file it is connected to, whatever has become of the path since.
    """

    __slots__ = ("__weakref__", "connection", "cursor", "file", "patience")

    def __init__(self, connection: sqlite3.Connection, file: tuple[int, int]) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self.file = file
        self.patience = 0

    def wait_at_most(self, patience: int) -> None:
        """Have it wait for others' locks for ``patience`` milliseconds from now on; once said costs nothing again."""
        if self.patience != patience:
            self.connection.execute(f"PRAGMA busy_timeout = {patience}").close()
            self.patience = patience

    def close(self) -> None:
        """End it; more than once does no harm."""
        with suppress(Exception):  # the interpreter may be half gone
            self.connection.close()

    __del__ = close


class _Writing:
    """A write transaction, as ``with`` takes it. A class: a generator for this costs as much as two statements."""

    __slots__ = ("_database", "_kept")

    def __init__(self, database: "SqliteDatabase") -> None:
        self._database = database

    def __enter__(self) -> Transaction:
        self._kept = self._database._begin()
        return _SqliteTransaction(self._kept.cursor, say)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database._end(self._kept, error)


class _Haste:
    """Says of this thread that it is in haste, for as long as it lasts."""

    __slots__ = ("_local",)

    def __init__(self, local: threading.local) -> None:
        self._local = local

    def __enter__(self) -> None:
        self._local.hasty = True

    def __exit__(self, *_: object) -> None:
        self._local.hasty = False


class SqliteDatabase:
    """One file, opened by one process.

    A connection that has met an error is not used again, and neither is one to a file that is no longer at the path. So
    whatever was the matter, the database works again when it is over.
    """

    def __init__(self, path: Path, *, synchronous: str = "normal") -> None:
        """Opens nothing yet. ``synchronous`` is SQLite's pragma, ``normal`` or ``off``."""
        self.path = path
        self._path = os.fspath(path)
        self._address = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
        self._synchronous = synchronous
        # SQLite's own waiting between threads of one process is a sleep of growing length; a lock is fairer.
        self._write_lock = threading.Lock()
        # When a write last waited in vain for another process, and whether the last one met an error that stays.
        self._locked_out = -float("inf")
        self._fails = False
        self._crowded_until = -float("inf")
        # A reader and a writer for each thread: a connection that goes from hand to hand costs more than most of what
        # is done with it.
        self._local = threading.local()
        self._kept: weakref.WeakSet[_Kept] = weakref.WeakSet()

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self.path)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader that sees one moment of what is committed."""
        with self._translated(_READER):
            kept = self._mine(_READER)
            reader = Reader(kept.connection.cursor(), say)
            if kept.connection.in_transaction:  # inside another one, whose moment it shares
                yield reader
                return
            kept.cursor.execute("BEGIN")
            try:
                yield reader
            finally:
                with suppress(sqlite3.Error):
                    kept.connection.rollback()

    def writing(self) -> AbstractContextManager[Transaction]:
        """A write transaction, committed at the end, rolled back by an exception."""
        return _Writing(self)

    def _begin(self) -> _Kept:
        """This thread's writer, in a transaction; it has the lock of the process."""
        if not self._write_lock.acquire(timeout=self._patience() / 1000):
            raise self._crowded() if self._is_hasty else self._unusable(*MEANINGS[sqlite3.SQLITE_BUSY])
        try:
            kept = self._mine(_WRITER)
            # Asked anew: the write before may have waited in vain while this one waited for it.
            kept.wait_at_most(self._patience())
            kept.cursor.execute("BEGIN IMMEDIATE")
        except BaseException as error:
            try:  # what the error means for those that wait is known before they go on
                if isinstance(error, sqlite3.Error):
                    raise self._given_up(_WRITER, error) from error
                raise
            finally:
                self._write_lock.release()
        return kept

    def _end(self, kept: _Kept, error: BaseException | None) -> None:
        """Commit, or roll back what ended in ``error``. SQLite's errors become a StoreError."""
        try:
            if error is None:
                kept.cursor.execute("COMMIT")
                self._locked_out, self._fails = -float("inf"), False
                # What has written once is not tried again from its beginning, so its next write has to wait.
                self._local.hasty = False
            else:
                self._roll_back(kept)
                if isinstance(error, sqlite3.Error):
                    raise self._given_up(_WRITER, error) from error
        except BaseException as refused:
            self._roll_back(kept)
            if isinstance(refused, sqlite3.Error):
                raise self._given_up(_WRITER, refused) from refused
            raise
        finally:
            self._write_lock.release()

    @staticmethod
    def _roll_back(kept: _Kept) -> None:
        with suppress(sqlite3.Error):
            kept.connection.rollback()

    def _patience(self) -> int:
        """Milliseconds that a write may wait now."""
        if self._is_hasty:
            return _HASTE
        was_locked = (time.monotonic() - self._locked_out) * 1000 < BUSY_TIMEOUT
        return BUSY_AGAIN if was_locked else BUSY_TIMEOUT

    def in_haste(self) -> AbstractContextManager[None] | None:
        """While it lasts, a write of this thread waits a moment only, and raises BusyError."""
        return None if time.monotonic() < self._crowded_until else _Haste(self._local)

    @property
    def _is_hasty(self) -> bool:
        return getattr(self._local, "hasty", False)

    def _crowded(self) -> BusyError:
        self._crowded_until = time.monotonic() + _CROWDED
        said, remedy = MEANINGS[sqlite3.SQLITE_BUSY]
        return BusyError(unusable(self.path, said, remedy), said)

    def read_one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of what is committed now, or None (3 µs).

        By the writer of this thread, where that is between two transactions: it has in memory what it wrote last.
        """
        kept: _Kept | None = getattr(self._local, _WRITER, None)
        name = _READER if kept is None or kept.connection.in_transaction else _WRITER
        try:
            return self._mine(name).cursor.execute(statement, parameters).fetchone()
        except sqlite3.Error as error:
            raise self._given_up(name, error) from error

    def read_all(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """All rows, in the same way."""
        try:
            return self._mine(_READER).cursor.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._given_up(_READER, error) from error

    def make(self) -> None:
        """Make folder, file, tables and triggers where they are missing, the files for their owner alone, and bring
        older tables up to date. Raises StoreError, also for a newer version.
        """
        from mock_sts.store.sqlite.making import make_file  # noqa: PLC0415  only preparation makes tables

        make_file(self)

    def check(self) -> None:
        """Raises StoreError where the file is gone or cannot be written to; a lock of another process will pass."""
        self._file()
        if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
            raise self._unusable(*MEANINGS[sqlite3.SQLITE_READONLY])
        if self._fails:
            with self.writing() as transaction:
                # Changes nothing, and is written all the same: SQLite would see it of a row that stays as it is.
                transaction.execute("PRAGMA user_version = 0")

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
        """Give up all connections, those that threads keep included; the database is not used any more."""
        for kept in list(self._kept):
            kept.close()
        self._local = threading.local()

    def _file(self) -> tuple[int, int]:
        """Which file is at the path now."""
        try:
            found = os.stat(self._path)  # noqa: PTH116  half as fast by pathlib
        except OSError as error:
            raise self._unusable(
                f"the file is gone ({error.strerror})",
                "put it back, or send the server SIGHUP to have it made anew",
                "the file is gone",
            ) from error
        if not found.st_size:  # SQLite may not look, for its log and its cache hold what was there
            raise self._unusable(OTHERS_FILE[0], OTHERS_FILE[1], OTHERS_FILE[0])
        return found.st_dev, found.st_ino

    def _mine(self, name: str) -> _Kept:
        """What this thread keeps under ``name``, made where there is none for the file at the path."""
        file = self._file()
        kept: _Kept | None = getattr(self._local, name, None)
        if kept is None or kept.file != file:
            self._forget(name)
            kept = _Kept(self._connect(), file)
            self._kept.add(kept)
            setattr(self._local, name, kept)
        return kept

    def _forget(self, name: str) -> None:
        kept: _Kept | None = getattr(self._local, name, None)
        if kept is not None:
            delattr(self._local, name)
            kept.close()

    def _connect(self) -> sqlite3.Connection:
        # Not to be made here: where the file is missing, an empty one would hide that.
        connection = sqlite3.connect(
            self._address, uri=True, timeout=BUSY_TIMEOUT / 1000, check_same_thread=False, isolation_level=None
        )
        connection.execute(f"PRAGMA synchronous = {self._synchronous}").close()
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}").close()
        return connection

    @contextmanager
    def _translated(self, kept: str) -> Iterator[None]:
        """SQLite's errors become a StoreError, and what this thread keeps as ``kept`` is given up."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._given_up(kept, error) from error

    def _given_up(self, kept: str, error: sqlite3.Error) -> BaseException:
        """What to raise for ``error``, which this thread has met with its ``kept``."""
        self._forget(kept)
        if not isinstance(error, sqlite3.DatabaseError):
            return error
        if kept == _WRITER and self._is_hasty and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            return self._crowded()
        if kept == _WRITER:
            self._remember(error)
        return self.explained(error)
