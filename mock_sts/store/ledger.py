"""What is pending or spent: authorization requests, codes, refresh tokens.

Handles are kept as their SHA-256 only, so that a reader of the database can use none. What may happen once is one
statement whose row count decides.
"""

import json
from typing import Any, Generic, TypeVar

from mock_sts.store.database import Database, Transaction
from mock_sts.store.records import AuthorizationCode, PushedRequest, Record, RefreshToken
from mock_sts.store.scope import Scope

RecordT = TypeVar("RecordT", bound=Record)

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Shelf(Generic[RecordT]):
    """One kind of handle in one environment."""

    def __init__(self, database: Database, scope: Scope, table: str, kind: type[RecordT]) -> None:
        self._database = database
        self._scope = scope
        self._kind = kind
        self._insert = (
            f"INSERT INTO {table} (digest, environment, client_id, document, expires_at) "  # noqa: S608
            "VALUES (?, ?, ?, ?, ?)"
        )
        self._find = f"SELECT document, client_id, expires_at, consumed_at FROM {table} WHERE digest = ?"  # noqa: S608
        found = (
            f"SELECT digest, document, client_id, expires_at, consumed_at FROM {table} "  # noqa: S608
            "WHERE environment = ? AND "
        )
        self._page = f"{found}consumed_at IS NULL AND expires_at > ? AND digest > ? ORDER BY digest LIMIT ?"
        self._of_client = f"{found}client_id = ?"
        self._end = f"UPDATE {table} SET expires_at = ? WHERE digest = ? AND environment = ?"  # noqa: S608
        self._consume = f"UPDATE {table} SET consumed_at = ? WHERE digest = ? AND consumed_at IS NULL"  # noqa: S608

    def keep(self, transaction: Transaction, handle: str, record: RecordT) -> None:
        """Insert ``record`` under ``handle``."""
        row = (
            self._scope.digest(handle),
            self._scope.name,
            record.client_id,
            _encode(record.document()),
            record.expires_at,
        )
        transaction.execute(self._insert, row)

    def find(self, handle: str) -> RecordT | None:
        """The record of ``handle``, also one that is over or used; None for an unknown handle."""
        row = self._database.read_one(self._find, (self._scope.digest(handle),))
        return None if row is None else self._kind.read(json.loads(row[0]), row[1], row[2], row[3])

    def consume(self, transaction: Transaction, handle: str, now: int) -> bool:
        """Use ``handle`` up; False when another was faster. The database decides every race."""
        return bool(transaction.execute(self._consume, (now, self._scope.digest(handle))).rowcount == 1)

    def page(self, now: int, *, after: str, limit: int) -> list[tuple[str, RecordT]]:
        """What is neither used nor over, at most so many, each with an id; those that come after an id. An id is no
        handle: it is worth nothing to a client.
        """
        rows = self._database.read_all(self._page, (self._scope.name, now, bytes.fromhex(after), limit))
        return [self._identified(row) for row in rows]

    def of_client(self, client_id: str) -> list[tuple[str, RecordT]]:
        """All that ``client_id`` has, also what is used or over."""
        return [
            self._identified(row) for row in self._database.read_all(self._of_client, (self._scope.name, client_id))
        ]

    def id_of(self, handle: str) -> str:
        """The id of ``handle``."""
        return self._scope.digest(handle).hex()

    def end(self, transaction: Transaction, identity: str, now: int) -> bool:
        """Have the one with this id be over at ``now``; False where there is none."""
        row = (now, bytes.fromhex(identity), self._scope.name)
        return bool(transaction.execute(self._end, row).rowcount == 1)

    def _identified(self, row: tuple[Any, ...]) -> tuple[str, RecordT]:
        return bytes(row[0]).hex(), self._kind.read(json.loads(row[1]), row[2], row[3], row[4])


class RequestShelf(Shelf[PushedRequest]):
    """Authorization requests, and the login that was made for each of them."""

    def note_login(self, transaction: Transaction, handle: str, mark: str) -> None:
        """Remember that a login for the request ``handle`` has made the login ``mark``."""
        transaction.execute(
            "UPDATE authorization_request SET login = ? WHERE digest = ?", (mark, self._scope.digest(handle))
        )

    def noted_login(self, handle: str) -> str | None:
        """The mark of the login that was made for the request ``handle``, or None."""
        row = self._database.read_one(
            "SELECT login FROM authorization_request WHERE digest = ?", (self._scope.digest(handle),)
        )
        return None if row is None else row[0]


class Ledger:
    """The shelves of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        scope = Scope(environment)
        self.requests = RequestShelf(database, scope, "authorization_request", PushedRequest)
        self.codes = Shelf(database, scope, "authorization_code", AuthorizationCode)
        self.refresh_tokens = Shelf(database, scope, "refresh_token", RefreshToken)
