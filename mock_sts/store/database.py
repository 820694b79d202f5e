"""The doors to a database: what both makings, SQLite's and PostgreSQL's, have in common.

Statements are SQL that both understand, as text, with ``?`` for each parameter; ``{for_update}`` and ``{skip_locked}``
stand where PostgreSQL has to lock rows and SQLite, which has one writer at a time, need not. Each making puts them into
its own words once, and its driver keeps them prepared. Nothing on the way of a request needs SQLAlchemy: that makes
tables, and importing it takes longer than a hundred tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

#: Rows of the table ``meta``.
VERSION_ROW, DIGEST_ROW, FOLDERS_ROW = "schema_version", "fixtures_digest", "fixtures_folders"
MADE_ROW, EXPORTED_ROW = "made_at", "fixtures_exported"


class StoreError(Exception):
    """The database cannot be used; the message says which one, why, and what to do. ``reason`` is the why, for callers
    that have no business with its place; it may be empty.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class BusyError(StoreError):
    """A write in haste has met others. It has changed nothing: the same may be tried again by who can wait."""


class Reader:
    """Runs statements by one cursor of the driver."""

    __slots__ = ("_cursor", "_say")

    def __init__(self, cursor: Any, say: Callable[[str], str]) -> None:
        """``say`` puts a statement into the words of the database."""
        self._cursor = cursor
        self._say = say

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The driver's cursor, with its rows or its ``rowcount``; good until the next statement."""
        return self._cursor.execute(self._say(statement), parameters)

    def one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row, or None. What is left of the statement is done with."""
        rows = self._cursor.execute(self._say(statement), parameters).fetchall()
        return rows[0] if rows else None

    def all(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """All rows."""
        rows: list[Any] = self._cursor.execute(self._say(statement), parameters).fetchall()
        return rows


class Transaction(Reader, ABC):
    """One write transaction, as services hand it on to the repositories."""

    __slots__ = ()

    def many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run ``statement`` once for each of ``rows``."""
        self._cursor.executemany(self._say(statement), rows)

    @abstractmethod
    def insert(self, statement: str, parameters: tuple[Any, ...]) -> int:
        """Insert one row into a table that numbers its rows; its ``id``."""

    @abstractmethod
    def lock(self, name: str) -> None:
        """Have others that lock ``name`` wait until this transaction ends. For the few decisions that read first."""


class Database(Protocol):
    """One database, opened by one process. Opening it anew is for each process itself, after a fork."""

    @property
    def name(self) -> str:
        """What a person knows it by: its file, or its address without a password."""
        ...

    def reading(self) -> AbstractContextManager[Reader]:
        """A reader that sees one moment of what is committed."""
        ...

    def writing(self) -> AbstractContextManager[Transaction]:
        """A write transaction, committed at the end, rolled back by an exception. Raises StoreError."""
        ...

    def in_haste(self) -> AbstractContextManager[None] | None:
        """While it lasts, a write of this thread that has to wait for more than a moment raises BusyError. None where
        that cannot be had, or where others were in the way just now.
        """
        ...

    def read_one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of what is committed now, or None, by a cursor that each thread keeps."""
        ...

    def read_all(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """All rows, in the same way."""
        ...

    def make(self) -> None:
        """Make tables and triggers where they are missing, and bring older ones up to date. Raises StoreError."""
        ...

    def check(self) -> None:
        """Raises StoreError where it is gone or cannot be written to; a lock of another process will pass."""
        ...

    def close(self) -> None:
        """Give up all connections, those that threads keep included."""
        ...
