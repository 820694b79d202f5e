"""Logins of browsers, found by the SHA-256 of a cookie, and the clients that take part in them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mock_sts.store.database import Database, Transaction
from mock_sts.store.records import LoginFacts, LoginSession
from mock_sts.store.scope import Scope

_INSERT = (
    "INSERT INTO login_session (digest, environment, sid, auth_time, document, good_until, expires_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_FIND = (
    "SELECT sid, document, good_until, expires_at FROM login_session "
    "WHERE digest = ? AND good_until > ? AND ended_at IS NULL"
)
_LOGIN = "SELECT document FROM login_session WHERE environment = ? AND sid = ? AND auth_time = ?"
_OPEN = (
    "SELECT sid, document, good_until, expires_at FROM login_session "
    "WHERE environment = ? AND ended_at IS NULL AND expires_at > ? AND sid {} ? ORDER BY sid LIMIT ?"
)
_END = "UPDATE login_session SET ended_at = ? WHERE environment = ? AND sid = ? AND ended_at IS NULL"
_REMEMBER = "UPDATE login_session SET expires_at = ? WHERE environment = ? AND sid = ? AND expires_at < ?"
_NOTE_CLIENT = (
    "INSERT INTO session_client (environment, sid, client_id, issuer, expires_at) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (environment, sid, client_id) "
    "DO UPDATE SET issuer = excluded.issuer, expires_at = excluded.expires_at"
)
_REMEMBER_CLIENTS = "UPDATE session_client SET expires_at = ? WHERE environment = ? AND sid = ? AND expires_at < ?"
_CLIENTS = "SELECT client_id, issuer FROM session_client WHERE environment = ? AND sid = ? ORDER BY client_id"
_FORGET_CLIENTS = "DELETE FROM session_client WHERE environment = ? AND sid = ?"


class Sessions:
    """The login sessions of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._scope = Scope(environment)

    def keep(self, transaction: Transaction, cookie: str, session: LoginSession) -> LoginSession:
        """Insert a login session for the browser that holds ``cookie``; it takes the place of older ones with its id,
        and the clients of these stay for as long as it does.

        Tokens find their login by session id and time. So a login that differs from another one of that id and second,
        in level or provider say, gets the next second that is free. Returns what was kept.
        """
        environment, sid = self._scope.name, session.sid
        transaction.lock(f"session:{environment}:{sid}")  # two logins of one second must not both find it free
        auth_time = session.login.auth_time
        while self._is_taken(transaction, sid, auth_time, session.login):
            auth_time += 1
        session = replace(session, login=replace(session.login, auth_time=auth_time))
        transaction.execute(_END, (auth_time, environment, sid))
        transaction.execute(_REMEMBER_CLIENTS, (session.expires_at, environment, sid, session.expires_at))
        document = json.dumps(session.login.document())
        row = (self._scope.digest(cookie), environment, sid, auth_time, document, session.good_until)
        transaction.execute(_INSERT, (*row, session.expires_at))
        return session

    def _is_taken(self, transaction: Transaction, sid: str, auth_time: int, login: LoginFacts) -> bool:
        """Whether session ``sid`` has a login at ``auth_time`` with other facts than ``login``."""
        own = _facts(login.document())
        rows = transaction.all(_LOGIN, (self._scope.name, sid, auth_time))
        return any(_facts(json.loads(row[0])) != own for row in rows)

    def remember(self, transaction: Transaction, sid: str, until: int) -> None:
        """Keep the logins of session ``sid`` until then (seconds) at least, for tokens that come from them."""
        transaction.execute(_REMEMBER, (until, self._scope.name, sid, until))

    def find(self, cookie: str, now: int) -> LoginSession | None:
        """The session of the browser that holds ``cookie``, if it is good and not ended."""
        row = self._database.read_one(_FIND, (self._scope.digest(cookie), now))
        return None if row is None else LoginSession(row[0], LoginFacts.read(json.loads(row[1])), row[2], row[3])

    def page(self, now: int, *, after: str, limit: int) -> list[LoginSession]:
        """Sessions that are not ended, by id, at most so many: those that come after an id. Some may no longer save
        another login.
        """
        rows = self._database.read_all(_OPEN.format(">"), (self._scope.name, now, after, limit))
        return [LoginSession(row[0], LoginFacts.read(json.loads(row[1])), row[2], row[3]) for row in rows]

    def open_session(self, sid: str, now: int) -> LoginSession | None:
        """The session with this id, if it is not ended."""
        row = self._database.read_one(_OPEN.format("="), (self._scope.name, now, sid, 1))
        return None if row is None else LoginSession(row[0], LoginFacts.read(json.loads(row[1])), row[2], row[3])

    def find_login(self, sid: str, auth_time: int) -> LoginFacts | None:
        """The login of session ``sid`` at ``auth_time``, ended or not; None when it is forgotten."""
        row = self._database.read_one(_LOGIN, (self._scope.name, sid, auth_time))
        return None if row is None else LoginFacts.read(json.loads(row[0]))

    def end(self, transaction: Transaction, sid: str, now: int) -> bool:
        """End the session ``sid``, whichever cookie it is found by; False when another was faster."""
        return bool(transaction.execute(_END, (now, self._scope.name, sid)).rowcount > 0)

    def note_client(self, transaction: Transaction, sid: str, client_id: str, issuer: str, expires_at: int) -> None:
        """Remember until ``expires_at`` (seconds) that ``client_id`` takes part in the session ``sid``, which it knows
        as one of ``issuer``.
        """
        transaction.execute(_NOTE_CLIENT, (self._scope.name, sid, client_id, issuer, expires_at))

    def clients_of(self, sid: str) -> list[tuple[str, str]]:
        """The clients that take part in the session ``sid``, by id: each with the issuer that it last logged in
        under.
        """
        return [(row[0], row[1]) for row in self._database.read_all(_CLIENTS, (self._scope.name, sid))]

    def forget_clients(self, transaction: Transaction, sid: str) -> None:
        """The session ``sid`` has ended, and its clients have been notified."""
        transaction.execute(_FORGET_CLIENTS, (self._scope.name, sid))


def _facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """What tokens say of a login beside its time."""
    return {name: value for name, value in document.items() if name not in ("auth_time", "began_at")}
