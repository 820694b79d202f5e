"""Telling clients that a session has ended: by frames in the browser, and by signed tokens behind it.

OpenID Connect Front-Channel Logout 1.0 and Back-Channel Logout 1.0. Tokens go to registered addresses only and by no
proxy, redirects are not followed, no wait is long, and the journal has the outcome.
"""

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.redirect_uri import is_web_address
from mock_sts.services.chance import capitals
from mock_sts.services.request_context import LOG, RequestContext

LOGOUT_TOKEN_TYP = "logout+jwt"

#: Under this name the journal tells of notices to clients.
BACK_CHANNEL_LOGOUT = "backchannel-logout"

_EVENT = "http://schemas.openid.net/event/backchannel-logout"

#: Seconds that a logout token is good for, and that a client may take for its whole answer.
_LIFETIME, _PATIENCE = 300, 3

#: Notices that are on their way at the same time, to one address and in all; further ones wait.
_AT_ONE_ADDRESS, _AT_ONCE = 4, 64

#: Bytes of a client's answer that are read; only the first line is shown, but servers like to be heard.
_MAX_ANSWER = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice for the back channel: whose, where to, what it says, the same as a signed token, and until when (by the
    machine's own steady clock) there is any use in sending it. ``fault`` names the
    fault rule that has made the token wrong, and its effect.
    """

    client_id: str
    uri: str
    claims: Mapping[str, Any]
    token: str
    good_until: float
    fault: str = ""


class _Senders:
    """Threads that carry out work, some for each address: a slow address delays only what goes to it.

    They are made when needed, and do not keep the process from ending.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        self._busy: Counter[str] = Counter()
        self._threads = 0

    def submit(self, address: str, work: Callable[[], None]) -> None:
        """Have ``work`` done soon."""
        with self._changed:
            self._waiting.setdefault(address, deque()).append(work)
            if self._threads >= _AT_ONCE or self._free_address() is None:
                return  # those at work go on with it
            self._threads += 1
        threading.Thread(target=self._run, name=BACK_CHANNEL_LOGOUT, daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to do; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, seconds)

    def _run(self) -> None:
        address = None
        while (taken := self._take(address)) is not None:
            address, work = taken
            work()

    def _take(self, done: str | None) -> tuple[str, Callable[[], None]] | None:
        """The next work, after that at the address ``done``; None when there is none that may begin."""
        with self._changed:
            if done is not None:
                self._busy[done] -= 1
            self._busy += Counter()  # forgets those that are at zero
            address = self._free_address()
            if address is None:
                self._threads -= 1
                self._changed.notify_all()
                return None
            works = self._waiting.pop(address)
            work = works.popleft()
            if works:
                self._waiting[address] = works  # as the last one: everybody has a turn
            self._busy[address] += 1
            return address, work

    def _free_address(self) -> str | None:
        return next((address for address in self._waiting if self._busy[address] < _AT_ONE_ADDRESS), None)


_SENDERS = _Senders()


def front_channel_urls(clients: Iterable[tuple[Client, str]], sid: str) -> dict[str, str]:
    """What the browser loads in frames, by client id, for each of the ``clients`` that has registered an address.

    They come with the issuer that they logged in under: an address may have changed since, but not their ID tokens.
    """
    urls = {}
    for client, issuer in clients:
        query = urlencode({"iss": issuer, "sid": sid})
        uri = client.frontchannel_logout_uri
        if uri and is_web_address(uri):
            address, mark, fragment = uri.partition("#")
            urls[client.client_id] = f"{address}{'&' if '?' in address else '?'}{query}{mark}{fragment}"
    return urls


def notices(context: RequestContext, clients: Iterable[tuple[Client, str]], sub: str, sid: str) -> list[Notice]:
    """A signed token for each of the ``clients`` that has registered an address; with issuers as for the frames."""
    now, good_until = context.times.wall, time.monotonic() + _LIFETIME
    made = []
    for client, issuer in clients:
        uri = client.backchannel_logout_uri
        if uri:
            claims = {
                "iss": issuer,
                "iat": now,
                "exp": now + _LIFETIME,
                "aud": client.client_id,
                "jti": capitals(context.chance, 16),
                "events": {_EVENT: {}},
                "sub": sub,
                "sid": sid,
            }
            token = context.environment.keyring.sign(claims, LOGOUT_TOKEN_TYP)
            made.append(Notice(client.client_id, uri, claims, token, good_until))
    return made


def send(context: RequestContext, to_send: Iterable[Notice]) -> None:
    """Deliver in the background; no logout waits for another's server."""
    faults = context.reached.faults
    for made in to_send:
        notice = made
        if faults is not None:
            token, fault = faults.logout_token(made.client_id, made.token)
            notice = replace(made, token=token, fault=fault)
            if not token:
                continue
        _SENDERS.submit(notice.uri, partial(_deliver, context, notice))


def wait_until_sent(seconds: float) -> bool:
    """Wait until no notice of this process is on its way; False when that takes longer. For tests."""
    return _SENDERS.wait(seconds)


def _deliver(former: RequestContext, notice: Notice) -> None:
    try:
        delivered, answer = _post(notice)
        # What the rules do to the request is in its own entry.
        reached = former.reached if former.reached.faults is None else replace(former.reached, faults=None)
        with RequestContext(reached, BACK_CHANNEL_LOGOUT) as context:
            context.client_id = notice.client_id
            context.sid = text_or_none(notice.claims.get("sid"))
            context.detail |= {"uri": notice.uri, "delivered": delivered, "answer": answer, "claims": notice.claims}
            if notice.fault:
                context.detail["fault"] = notice.fault
            if delivered:
                context.finish()
            else:
                context.refuse(OAuthError(ErrorCode.SERVER_ERROR, detail=f"logout token not taken: {answer}"))
    except Exception:
        LOG.exception("the journal cannot tell of a logout token")


def _post(notice: Notice) -> tuple[bool, int | str]:
    """Whether the client has taken the token, and the status it answered or why there is none."""
    if not is_web_address(notice.uri):
        return False, "not sent: the address is no http or https URL"
    if time.monotonic() > notice.good_until:
        return False, f"not sent: earlier ones to the address took so long that it is older than {_LIFETIME} s"
    try:
        status = _status(notice.uri, urlencode({"logout_token": notice.token}))
    except TimeoutError:
        return False, f"no answer within {_PATIENCE} s"
    except (OSError, ValueError, HTTPException) as error:
        return False, (str(error) or type(error).__name__)[:200]
    return status in (200, 204), status


def _status(uri: str, body: str) -> int:
    """Post ``body`` to ``uri``; the status of the answer. Raises OSError, ValueError or HTTPException without one."""
    ends = time.monotonic() + _PATIENCE
    parts = urlsplit(uri)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
        connection.request("POST", target, body, headers)
        # The socket's own time limit begins anew with each byte; this one is for all of them.
        answer = b""
        try:
            while len(answer) < _MAX_ANSWER:
                connection.sock.settimeout(max(ends - time.monotonic(), 0.001))
                piece = connection.sock.recv(4096)
                if not piece:
                    break
                answer += piece
        except OSError:
            if b"\n" not in answer:
                raise
    finally:
        connection.close()
    found = _STATUS_LINE.match(answer)
    if found is None:
        raise HTTPException("the answer is no HTTP" if answer else "the connection was closed without an answer")
    return int(found[1])
