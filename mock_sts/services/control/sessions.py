"""Who is logged in, what the logins have left with clients, and what is pending: to look at, and to end."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from mock_sts.services.environment import Environment, Reached
from mock_sts.services.login.end_session import end_everywhere
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.revocation import take_back
from mock_sts.store.records import LoginSession, RefreshToken

#: Under this name the journal has the sessions that a test ends.
_ENDPOINT = "/mock/api/v1/sessions"

#: The kinds of what may be pending, in order.
CODE, REQUEST, LOGIN = "code", "request", "scripted login"


class UnknownSessionError(LookupError):
    """No such session, client or token; the message says so."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Something on its way: its kind and id, whose client it is (None: any), who logs in (None: not decided), where it
    returns to, and when it is over (None: never).
    """

    kind: str
    id: str
    client_id: str | None
    pid: str | None
    redirect_uri: str | None
    expires_at: int | None


def open_sessions(environment: Environment, after: str, limit: int) -> list[LoginSession]:
    """The sessions that are not ended, by id, after an id."""
    return environment.sessions.page(environment.clock.times().now, after=after, limit=limit)


def the_session(environment: Environment, sid: str) -> LoginSession:
    """The session with this id. Raises UnknownSessionError."""
    session = environment.sessions.open_session(sid, environment.clock.times().now)
    if session is None:
        raise UnknownSessionError(f"no session that is not ended has the sid {sid[:100]!r}")
    return session


def end_session(reached: Reached, sid: str) -> tuple[str, ...]:
    """End a session, and notify its clients by the back channel; the front-channel addresses that no browser loads.

    Raises UnknownSessionError.
    """
    session = the_session(reached.environment, sid)
    with RequestContext(reached, _ENDPOINT) as context:
        return end_everywhere(context, session)


def open_refresh_tokens(environment: Environment, after: str, limit: int) -> list[tuple[str, RefreshToken]]:
    """The refresh tokens that are neither used nor over nor taken back, each with its id, after an id."""
    return environment.ledger.refresh_tokens.page(environment.clock.times().now, after=after, limit=limit)


def expire_refresh_token(environment: Environment, *, token: str | None, identity: str | None) -> str:
    """Have one refresh token be over, named by itself or by its id; the id. Raises UnknownSessionError."""
    shelf = environment.ledger.refresh_tokens
    identity = identity if token is None else shelf.id_of(token)
    with environment.store.writing() as transaction:
        if not shelf.end(transaction, identity or "", environment.clock.times().now):
            raise UnknownSessionError("no refresh token here is this one; one that is forgotten is over already")
    return identity or ""


def revoke_tokens(environment: Environment, client_id: str) -> int:
    """Take back the refresh tokens of a client, and with them the access tokens of the same logins where the server is
    asked about them; of how many logins. Raises UnknownSessionError.
    """
    if environment.catalog.current().client(client_id) is None:
        raise UnknownSessionError(f"no client has the id {client_id[:100]!r}")
    with environment.store.writing() as transaction:
        families = {record.family for _, record in environment.ledger.refresh_tokens.of_client(client_id)}
        for family in families:
            take_back(environment, transaction, family)
    return len(families)


def pending(environment: Environment, after: str, limit: int) -> list[Pending]:
    """Codes that are not redeemed, authorization requests that are not answered, and logins that are ordered; after
    what ``key_of_pending`` says of one.
    """
    # Each of the three is sorted, and so is the whole.
    return list(islice(merge(*_pending(environment, after, limit), key=key_of_pending), limit))


def key_of_pending(one: Pending) -> str:
    """What comes before and after what."""
    return f"{one.kind}:{one.id}"


def _pending(environment: Environment, after: str, limit: int) -> Iterator[list[Pending]]:
    now, (kind, _, identity) = environment.clock.times().now, after.partition(":")
    if kind <= CODE:
        codes = environment.ledger.codes.page(now, after=identity if kind == CODE else "", limit=limit)
        yield [Pending(CODE, id_, one.client_id, one.login.pid, one.redirect_uri, one.expires_at) for id_, one in codes]
    if kind <= REQUEST:
        requests = environment.ledger.requests.page(now, after=identity if kind == REQUEST else "", limit=limit)
        yield [
            Pending(REQUEST, id_, one.client_id, None, one.request.redirect_uri, one.expires_at)
            for id_, one in requests
        ]
    orders = [
        Pending(LOGIN, f"{one.id:020}", one.client_id, one.pid, one.redirect_uri, None)
        for one in environment.login_queue.read(environment.clock.times().now)
    ]
    yield [one for one in orders if kind < LOGIN or one.id > identity][:limit]
