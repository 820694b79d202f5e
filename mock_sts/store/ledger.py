"""What is pending or spent: authorization requests, codes, refresh tokens, login sessions.

Handles are kept as their SHA-256 only, so that nobody who reads the database can use one. What may happen once is one
statement whose row count decides.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mock_sts.store.database import Store, Transaction
from mock_sts.store.records import PushedRequest


class Shelf(StrEnum):
    """The tables of the ledger, one for each kind of handle."""

    AUTHORIZATION_REQUEST = "authorization_request"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"


@dataclass(frozen=True, slots=True)
class Record:
    """One row: whose it is, what it holds (JSON-ready), when it is over and when it was used (seconds)."""

    client_id: str
    document: dict[str, Any]
    expires_at: int
    consumed_at: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a rule may ask about a handle: is it known at all, the asking client's own, used, over?"""

    known: bool
    own: bool
    used: bool
    expired: bool


def standing(record: Record | PushedRequest | None, client_id: str | None, now: int) -> Standing:
    """How ``record`` stands at ``now`` (seconds) for the client ``client_id``."""
    if record is None:
        return Standing(known=False, own=False, used=False, expired=False)
    return Standing(
        known=True,
        own=record.client_id == client_id,
        used=record.consumed_at is not None,
        expired=record.expires_at <= now,
    )


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A browser's login: session id, JSON-ready facts (``auth_time`` among them), until when it saves another login,
    and until when it is remembered for tokens that come from it (seconds).
    """

    sid: str
    document: dict[str, Any]
    good_until: int
    expires_at: int

    @property
    def mark(self) -> str:
        """Tells one login of a session from another that differs."""
        return f"{self.sid}:{self.document['auth_time']}"


def keep(
    transaction: Transaction, shelf: Shelf, handle: str, client_id: str, document: dict[str, Any], expires_at: int
) -> None:
    """Insert a row for ``handle``."""
    transaction.exec_driver_sql(
        f"INSERT INTO {shelf} (digest, client_id, document, expires_at) VALUES (?, ?, ?, ?)",  # noqa: S608
        (_digest(handle), client_id, json.dumps(document), expires_at),
    )


def find(store: Store, shelf: Shelf, handle: str) -> Record | None:
    """The row of ``handle``, also one that is over or used; None for an unknown handle."""
    row = store.read_one(
        f"SELECT client_id, document, expires_at, consumed_at FROM {shelf} WHERE digest = ?",  # noqa: S608
        (_digest(handle),),
    )
    return None if row is None else Record(row[0], json.loads(row[1]), row[2], row[3])


def consume(transaction: Transaction, shelf: Shelf, handle: str, now: int) -> bool:
    """Use ``handle`` up; False when somebody was faster. The database decides every race."""
    result = transaction.exec_driver_sql(
        f"UPDATE {shelf} SET consumed_at = ? WHERE digest = ? AND consumed_at IS NULL",  # noqa: S608
        (now, _digest(handle)),
    )
    return result.rowcount == 1


def note_login(transaction: Transaction, handle: str, mark: str) -> None:
    """Remember that a login for the authorization request ``handle`` has made the login ``mark``."""
    transaction.exec_driver_sql("UPDATE authorization_request SET login = ? WHERE digest = ?", (mark, _digest(handle)))


def noted_login(store: Store, handle: str) -> str | None:
    """The mark of the login that was made for this authorization request, or None."""
    row = store.read_one("SELECT login FROM authorization_request WHERE digest = ?", (_digest(handle),))
    return None if row is None else row[0]


def keep_session(transaction: Transaction, cookie: str, environment: str, session: LoginSession) -> LoginSession:
    """Insert a login session for the browser that holds ``cookie``; it takes the place of older ones with its id, and
    the clients of these stay for as long as it does.

    Tokens find their login by session id and time. So a login that differs from another one of that id and second, in
    level or provider say, gets the next second that is free. Returns what was kept.
    """
    auth_time = session.document["auth_time"]
    while _is_taken(transaction, session.sid, auth_time, session.document):
        auth_time += 1
    session = replace(session, document={**session.document, "auth_time": auth_time})
    transaction.exec_driver_sql(
        "UPDATE login_session SET ended_at = ? WHERE sid = ? AND ended_at IS NULL", (auth_time, session.sid)
    )
    transaction.exec_driver_sql(
        "UPDATE session_client SET expires_at = ? WHERE sid = ? AND expires_at < ?",
        (session.expires_at, session.sid, session.expires_at),
    )
    transaction.exec_driver_sql(
        "INSERT INTO login_session (digest, environment, sid, auth_time, document, good_until, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            _digest(cookie),
            environment,
            session.sid,
            auth_time,
            json.dumps(session.document),
            session.good_until,
            session.expires_at,
        ),
    )
    return session


def _is_taken(transaction: Transaction, sid: str, auth_time: int, document: dict[str, Any]) -> bool:
    """Whether session ``sid`` has a login at ``auth_time`` with other facts than ``document``."""
    rows = transaction.exec_driver_sql(
        "SELECT document FROM login_session WHERE sid = ? AND auth_time = ?", (sid, auth_time)
    )
    own = _facts(document)
    return any(_facts(json.loads(row[0])) != own for row in rows)


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    """What tokens tell of a login beside its time."""
    return {name: value for name, value in document.items() if name not in ("auth_time", "began_at")}


def remember_login(transaction: Transaction, sid: str, until: int) -> None:
    """Keep the logins of session ``sid`` until then (seconds) at least, for tokens that come from them."""
    transaction.exec_driver_sql(
        "UPDATE login_session SET expires_at = ? WHERE sid = ? AND expires_at < ?", (until, sid, until)
    )


def find_session(store: Store, cookie: str, environment: str, now: int) -> LoginSession | None:
    """The session of the browser that holds ``cookie``, if it is of this environment, good and not ended."""
    row = store.read_one(
        "SELECT sid, document, good_until, expires_at FROM login_session "
        "WHERE digest = ? AND environment = ? AND good_until > ? AND ended_at IS NULL",
        (_digest(cookie), environment, now),
    )
    return None if row is None else LoginSession(row[0], json.loads(row[1]), row[2], row[3])


def find_login(store: Store, sid: str, auth_time: int) -> dict[str, Any] | None:
    """The facts of the login of session ``sid`` at ``auth_time``, ended or not; None when they are forgotten."""
    row = store.read_one("SELECT document FROM login_session WHERE sid = ? AND auth_time = ? LIMIT 1", (sid, auth_time))
    return None if row is None else json.loads(row[0])


def end_session(transaction: Transaction, sid: str, now: int) -> bool:
    """End the session ``sid``, whichever cookie it is found by; False when somebody was faster."""
    ended = transaction.exec_driver_sql(
        "UPDATE login_session SET ended_at = ? WHERE sid = ? AND ended_at IS NULL", (now, sid)
    )
    return ended.rowcount > 0


def note_client(transaction: Transaction, sid: str, client_id: str, issuer: str, expires_at: int) -> None:
    """Remember until ``expires_at`` (seconds) that ``client_id`` takes part in the session ``sid``, which it knows as
    one of ``issuer``.
    """
    transaction.exec_driver_sql(
        "INSERT INTO session_client (sid, client_id, issuer, expires_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (sid, client_id) DO UPDATE SET issuer = excluded.issuer, expires_at = excluded.expires_at",
        (sid, client_id, issuer, expires_at),
    )


def clients_of(store: Store, sid: str) -> list[tuple[str, str]]:
    """The clients that take part in the session ``sid``, by id: each with the issuer that it last logged in under."""
    with store.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT client_id, issuer FROM session_client WHERE sid = ? ORDER BY client_id", (sid,)
        )
        return [(row[0], row[1]) for row in rows]


def forget_clients(transaction: Transaction, sid: str) -> None:
    """The session ``sid`` has ended, and its clients have been told."""
    transaction.exec_driver_sql("DELETE FROM session_client WHERE sid = ?", (sid,))


def find_persona_named(store: Store, name: str) -> str | None:
    """The pid of the persona with this short name, or None."""
    row = store.read_one("SELECT pid FROM persona WHERE persona = ? LIMIT 1", (name,))
    return None if row is None else str(row[0])


def persona_names(store: Store) -> list[str]:
    """The short names of all personas."""
    with store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT persona FROM persona WHERE persona IS NOT NULL ORDER BY persona")
        return [row[0] for row in rows]


def find_persona(store: Store, pid: str) -> dict[str, Any] | None:
    """The document of the persona with this pid, or None."""
    row = store.read_one("SELECT document FROM persona WHERE pid = ?", (pid,))
    return None if row is None else json.loads(row[0])


def _digest(handle: str) -> bytes:
    return hashlib.sha256(handle.encode("utf-8", "surrogatepass")).digest()
