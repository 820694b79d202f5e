"""Telling clients that a session has ended: by frames in the browser, and by signed tokens behind it.

OpenID Connect Front-Channel Logout 1.0 and Back-Channel Logout 1.0. Tokens go to registered addresses only, redirects
are not followed, nobody waits for long, and the journal has the outcome.
"""

import secrets
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mock_sts.helseid.registry import Client
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.services.exchange import LOG, Exchange

LOGOUT_TOKEN_TYP = "logout+jwt"

#: Under this name the journal tells of notices to clients.
BACK_CHANNEL_LOGOUT = "backchannel-logout"

_EVENT = "http://schemas.openid.net/event/backchannel-logout"

#: Seconds that a logout token is good for, and that a client may take to answer.
_LIFETIME, _PATIENCE = 300, 3

#: Notices that are on their way at the same time; further ones wait.
_AT_ONCE = 4
_SENDERS = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="backchannel-logout")


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice for the back channel: whose, where to, and the signed token."""

    client_id: str
    uri: str
    token: str


def front_channel_urls(clients: Iterable[Client], issuer: str, sid: str) -> tuple[str, ...]:
    """What the browser loads in frames, one for each of the ``clients`` that has registered an address."""
    query = urlencode({"iss": issuer, "sid": sid})
    uris = [client.members["frontchannel_logout_uri"] for client in clients]
    return tuple(f"{uri}{'&' if '?' in uri else '?'}{query}" for uri in uris if uri)


def notices(exchange: Exchange, clients: Iterable[Client], sub: str, sid: str) -> list[Notice]:
    """A signed token for each of the ``clients`` that has registered an address."""
    now = exchange.times.wall
    made = []
    for client in clients:
        uri = client.members["backchannel_logout_uri"]
        if uri:
            claims = {
                "iss": exchange.urls.issuer.base,
                "iat": now,
                "exp": now + _LIFETIME,
                "aud": client.client_id,
                "jti": secrets.token_hex(16).upper(),
                "events": {_EVENT: {}},
                "sub": sub,
                "sid": sid,
            }
            made.append(Notice(client.client_id, uri, exchange.sts.keyring.sign(claims, LOGOUT_TOKEN_TYP)))
    return made


def send(exchange: Exchange, to_send: Iterable[Notice]) -> None:
    """Deliver in the background; nobody's logout waits for somebody else's server."""
    for notice in to_send:
        _SENDERS.submit(_deliver, exchange, notice)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would lead to an address that nobody has registered."""

    def redirect_request(self, *_args: Any) -> None:
        return None


def _deliver(former: Exchange, notice: Notice) -> None:
    try:
        with Exchange(former.sts, BACK_CHANNEL_LOGOUT, former.urls) as exchange:
            exchange.client_id = notice.client_id
            exchange.detail.update(_post(notice))
            if not exchange.detail["delivered"]:
                raise OAuthError(ErrorCode.SERVER_ERROR, detail=f"logout token not taken: {exchange.detail['answer']}")
            exchange.finish()
    except OAuthError:
        pass  # the journal and the log have it
    except Exception:
        LOG.exception("a logout token could not be delivered")


def _post(notice: Notice) -> Mapping[str, Any]:
    if not notice.uri.startswith(("http://", "https://")):
        return {"uri": notice.uri, "delivered": False, "answer": "the address is no http or https URL"}
    body = urlencode({"logout_token": notice.token}).encode()
    asked = urllib.request.Request(  # noqa: S310  looked at above
        notice.uri, body, {"Content-Type": "application/x-www-form-urlencoded"}
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(asked, timeout=_PATIENCE) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    except (OSError, ValueError) as error:
        return {"uri": notice.uri, "delivered": False, "answer": str(error)[:200]}
    return {"uri": notice.uri, "delivered": status in (200, 204), "answer": status}
