"""Logins of browsers, refresh tokens, and what is pending."""

from mock_sts.services.control.sessions import (
    CODE,
    LOGIN,
    REQUEST,
    UnknownSessionError,
    end_session,
    expire_refresh_token,
    key_of_pending,
    open_refresh_tokens,
    open_sessions,
    pending,
    revoke_tokens,
    the_session,
)
from mock_sts.services.environment import Environment
from mock_sts.store.records import LoginSession
from mock_sts.web.mock.api.operations import Call, Page, Resource, bad_parameter
from mock_sts.web.mock.api.problems import BAD_MEMBER, NOT_FOUND, Problem
from mock_sts.web.mock.api.shapes import member, shape

SESSIONS = Resource("sessions", "Logins of browsers, and the refresh tokens that they have left with clients.")
PENDING = Resource("pending", "What is on its way: codes, authorization requests, scripted logins.")

_ID = "[0-9a-f]{64}"
_NEXT = "Give it as `after` to get the page after this one; null: there is none"
_TIMES = "in seconds, by the environment's clock"


@shape("the answer")
class Session:
    """A login of a browser."""

    sid: str = member("The session's id, as in ID tokens")
    pid: str = member("Who is logged in")
    idp: str = member("The identity provider")
    eid: str = member("The eID")
    security_level: str = member("The level of the login")
    hpr_number: str | None = member("The HPR number that the login chose, if it did")
    auth_time: int = member("When, in seconds of the real clock, as in ID tokens")
    began_at: int = member(f"The same, {_TIMES}")
    good_until: int = member(f"Until when it saves another login, {_TIMES}")
    expires_at: int = member(f"Until when it is remembered, {_TIMES}")
    clients: tuple[str, ...] = member("The clients that take part in it")


@shape("the answer")
class Sessions:
    """A page of sessions."""

    items: tuple[Session, ...] = member("The sessions that are not ended, by sid")
    next: str | None = member(_NEXT)


@shape("the answer")
class Ended:
    """A session that has ended."""

    front_channel: tuple[str, ...] = member("Addresses of clients that a browser would load to notify them; none does")


@shape("the answer")
class RefreshTokenShown:
    """A refresh token, without itself."""

    id: str = member("Its id here, which is worth nothing to a client")
    client_id: str = member("Whose it is")
    pid: str = member("Who logged in")
    sid: str = member("The session")
    scopes: tuple[str, ...] = member("What it is for")
    expires_at: int = member(f"When it is over, {_TIMES}")


@shape("the answer")
class RefreshTokens:
    """A page of refresh tokens."""

    items: tuple[RefreshTokenShown, ...] = member("The refresh tokens that are neither used nor over")
    next: str | None = member(_NEXT)


@shape("the body")
class WhichToken:
    """One refresh token: by itself, or by its id."""

    refresh_token: str | None = member("The token, as a client has it", default=None)
    id: str | None = member("its id, as the list has it: 64 hexadecimal digits", default=None, pattern=_ID)


@shape("the answer")
class ExpiredToken:
    """A refresh token that is over now."""

    id: str = member("Its id")


@shape("the body")
class WhichClient:
    """Whose tokens are meant."""

    client_id: str = member("The client's id")


@shape("the answer")
class Revoked:
    """What was taken back."""

    logins: int = member("The tokens of so many logins were taken back")


@shape("the answer")
class PendingOne:
    """Something on its way."""

    kind: str = member("What it is", choices=(CODE, REQUEST, LOGIN))
    id: str = member("Its id here, which is worth nothing to a client")
    client_id: str | None = member("Whose it is; null: any client's")
    pid: str | None = member("Who logs in or has; null: not decided")
    redirect_uri: str | None = member("Where it returns to; null: anywhere")
    expires_at: int | None = member(f"When it is over, {_TIMES}; null: never")


@shape("the answer")
class PendingPage:
    """A page of what is on its way."""

    items: tuple[PendingOne, ...] = member("What is pending, by kind")
    next: str | None = member(_NEXT)


_SID = {"sid": "The session's id"}


@SESSIONS.operation("GET", "/sessions", "Who is logged in, and where", query=Page, answer=Sessions)
def list_sessions(call: Call[None, Page]) -> Sessions:
    """Read them."""
    limit = call.query.limit
    found = open_sessions(call.environment, call.query.after or "", limit + 1)
    items = tuple(_shown(call.environment, one) for one in found[:limit])
    return Sessions(items=items, next=items[-1].sid if len(found) > limit else None)


@SESSIONS.operation(
    "GET", "/sessions/{sid}", "One session", answer=Session, names=_SID, raises={UnknownSessionError: NOT_FOUND}
)
def get_session(call: Call[None, None]) -> Session:
    """Read it."""
    return _shown(call.environment, the_session(call.environment, call.names["sid"]))


@SESSIONS.operation(
    "DELETE",
    "/sessions/{sid}",
    "End a session, as a logout does; its clients are notified by the back channel",
    answer=Ended,
    names=_SID,
    raises={UnknownSessionError: NOT_FOUND},
)
def delete_session(call: Call[None, None]) -> Ended:
    """End it."""
    return Ended(front_channel=end_session(call.reached, call.names["sid"]))


@SESSIONS.operation("GET", "/refresh-tokens", "The refresh tokens that are good", query=Page, answer=RefreshTokens)
def list_refresh_tokens(call: Call[None, Page]) -> RefreshTokens:
    """Read them."""
    limit = call.query.limit
    found = open_refresh_tokens(call.environment, _hexadecimal(call.query.after or ""), limit + 1)
    items = tuple(
        RefreshTokenShown(
            id=identity,
            client_id=one.client_id,
            pid=one.login.pid,
            sid=one.sid,
            scopes=one.scopes,
            expires_at=one.expires_at,
        )
        for identity, one in found[:limit]
    )
    return RefreshTokens(items=items, next=items[-1].id if len(found) > limit else None)


@SESSIONS.operation(
    "POST",
    "/refresh-tokens/expire",
    "Have one refresh token expire now",
    body=WhichToken,
    answer=ExpiredToken,
    raises={UnknownSessionError: NOT_FOUND},
)
def expire_token(call: Call[WhichToken, None]) -> ExpiredToken:
    """End it."""
    body = call.body
    if (body.refresh_token is None) is (body.id is None):
        raise Problem(BAD_MEMBER, "the body must have refresh_token or id, and not both", member=())
    return ExpiredToken(id=expire_refresh_token(call.environment, token=body.refresh_token, identity=body.id))


@SESSIONS.operation(
    "POST",
    "/tokens/revoke",
    "Take back a client's tokens",
    description=(
        "Its refresh tokens are refused from now on, and access tokens of the same logins where the server is asked "
        "about them: at introspection and userinfo. An API that looks at an access token by itself takes it until it "
        "expires. A machine's tokens have no refresh token, and stay."
    ),
    body=WhichClient,
    answer=Revoked,
    raises={UnknownSessionError: NOT_FOUND},
)
def revoke_client_tokens(call: Call[WhichClient, None]) -> Revoked:
    """Take them back."""
    return Revoked(logins=revoke_tokens(call.environment, call.body.client_id))


@PENDING.operation("GET", "/pending", "What is pending", query=Page, answer=PendingPage)
def list_pending(call: Call[None, Page]) -> PendingPage:
    """Read it."""
    limit, after = call.query.limit, call.query.after or ""
    kind, _, identity = after.partition(":")
    if kind in (CODE, REQUEST):
        _hexadecimal(identity)
    elif after and (kind != LOGIN or not identity.isdigit()):
        raise bad_parameter("after", "after must be what next of the page before says")
    found = pending(call.environment, after, limit + 1)
    items = tuple(
        PendingOne(
            kind=one.kind,
            id=one.id,
            client_id=one.client_id,
            pid=one.pid,
            redirect_uri=one.redirect_uri,
            expires_at=one.expires_at,
        )
        for one in found[:limit]
    )
    return PendingPage(items=items, next=key_of_pending(found[limit - 1]) if len(found) > limit else None)


def _hexadecimal(text: str) -> str:
    if len(text) % 2 or not set(text) <= set("0123456789abcdef"):
        raise bad_parameter("after", "after must be what next of the page before says")
    return text


def _shown(environment: Environment, session: LoginSession) -> Session:
    login = session.login
    return Session(
        sid=session.sid,
        pid=login.pid,
        idp=login.idp,
        eid=login.eid,
        security_level=login.security_level,
        hpr_number=login.hpr_number,
        auth_time=login.auth_time,
        began_at=login.began_at,
        good_until=session.good_until,
        expires_at=session.expires_at,
        clients=tuple(name for name, _ in environment.sessions.clients_of(session.sid)),
    )
