"""Logout that a client asks for (OpenID Connect RP-Initiated Logout)."""

from dataclasses import dataclass
from urllib.parse import quote

from mock_sts.helseid.profile import end_session as chapter
from mock_sts.helseid.profile.authorization_request import is_registered_redirect
from mock_sts.helseid.profile.end_session import EndSessionEvidence
from mock_sts.protocol.end_session import EndSessionRequest
from mock_sts.protocol.errors import quoted
from mock_sts.protocol.jose import JoseError, read_jws
from mock_sts.protocol.json_text import text_or_none
from mock_sts.services.login import logout
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import find_session
from mock_sts.services.tokens.issuing import ID_TOKEN_TYP
from mock_sts.store.database import Transaction
from mock_sts.store.records import LoginSession


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The browser's session is over; ``location`` is where the client wants it to go next, or None for our page.

    ``front_channel`` are addresses of clients that the browser has to load, to tell them. ``breach`` is the id of the
    rule that keeps the browser from going back, or an empty text.
    """

    location: str | None
    front_channel: tuple[str, ...]
    breach: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmLogout:
    """Nothing shows that the request comes from a client of this person: the person must confirm.

    ``breach`` as in LoggedOut.
    """

    breach: str = ""


def end_session(
    context: RequestContext, request: EndSessionRequest, cookie: str | None, *, confirmed: bool
) -> LoggedOut | ConfirmLogout:
    """End the browser's session, at once with a valid hint, else when the person has ``confirmed``.

    The browser goes back to the client only with a valid hint of it and a registered address.
    """
    session = find_session(context, cookie)
    if session is not None:
        context.sid, context.pid = session.sid, session.login.pid
    hint, fault = _hint(context, request.id_token_hint)
    if session is None and hint is not None:
        context.sid = text_or_none(hint.get("sid"))
    of_session = hint.get("sid") == session.sid if hint is not None and session is not None else None
    _judge(context, request, hint, fault, of_session=of_session)
    if of_session is False:
        hint = None
    if hint is None and not confirmed and session is not None:
        context.finish()
        return ConfirmLogout(_breach(context))
    location = _location(context, request, hint)
    if session is None:
        context.finish()
        return LoggedOut(location, (), _breach(context))
    frames = end_everywhere(context, session)
    return LoggedOut(location, frames, _breach(context))


def end_everywhere(context: RequestContext, session: LoginSession) -> tuple[str, ...]:
    """End ``session``, notify its clients behind the browser, and finish the request; the addresses that the browser
    has to load to notify the others.
    """
    sessions = context.environment.sessions
    found = ((context.catalog.client(name), issuer) for name, issuer in sessions.clients_of(session.sid))
    clients = [(client, issuer) for client, issuer in found if client is not None]
    sub = context.environment.people.sub(session.login.pid)
    to_send = logout.notices(context, clients, sub, session.sid)
    frames = logout.front_channel_urls(clients, session.sid)
    context.detail |= {
        "sid": session.sid,
        "front_channel": list(frames),
        "back_channel": [notice.client_id for notice in to_send],
    }

    def commit(transaction: Transaction) -> None:
        if sessions.end(transaction, session.sid, context.times.now):
            sessions.forget_clients(transaction, session.sid)
        else:
            # Who was faster tells them. Frames are for whichever page the browser shows in the end.
            to_send.clear()
            context.detail["back_channel"] = []

    context.finish(commit)
    logout.send(context, to_send)
    return tuple(frames.values())


def _breach(context: RequestContext) -> str:
    """The first rule because of which the logout does not end as the client asked."""
    broken = (finding.requirement for finding in context.findings if not finding.verdict.met)
    return next((rule.id for rule in broken if rule.not_as_asked), "")


def _hint(context: RequestContext, token: str | None) -> tuple[dict[str, object] | None, str]:
    """The claims of an ID token of ours, and why ``token`` is none; one that has expired will do."""
    if token is None:
        return None, ""
    try:
        jws = read_jws(token)
    except JoseError as error:
        return None, f"it cannot be read: {error}"
    if not context.environment.keyring.verify(jws):
        return None, f"no key of this server verifies it; its issuer is {quoted(jws.claims.get('iss'))}"
    if jws.header.get("typ") != ID_TOKEN_TYP:
        return None, f"its typ is {quoted(jws.header.get('typ'))}, that of an ID token is {ID_TOKEN_TYP}"
    if context.reached.is_anothers_issuer(str(jws.claims.get("iss"))):
        return None, f"its issuer is {quoted(jws.claims.get('iss'))}, which is another environment's"
    context.client_id = str(jws.claims.get("aud"))
    return jws.claims, ""


def _judge(
    context: RequestContext,
    request: EndSessionRequest,
    hint: dict[str, object] | None,
    fault: str,
    *,
    of_session: bool | None,
) -> None:
    """Record what keeps the browser from going back to the client. Refuses nothing."""
    uri = request.post_logout_redirect_uri
    audience = hint.get("aud") if hint is not None else None
    owner = audience if isinstance(audience, str) else None
    context.client_id = context.client_id or request.client_id
    client = context.catalog.client(owner) if owner is not None else None
    registered = client.post_logout_redirect_uris if client is not None else ()
    holders: tuple[str, ...] = ()
    if uri is not None and not is_registered_redirect(uri, registered):
        holders = tuple(
            other.client_id
            for other in context.catalog.clients()
            if is_registered_redirect(uri, other.post_logout_redirect_uris)
        )
    context.judge(
        chapter.CHAPTER,
        EndSessionEvidence(
            hint_sent=request.id_token_hint is not None,
            hint_fault=fault,
            of_session=of_session,
            hint_client=owner,
            client_id=request.client_id,
            uri=uri,
            registered=registered,
            registered_by=holders,
        ),
    )


def _location(context: RequestContext, request: EndSessionRequest, hint: dict[str, object] | None) -> str | None:
    audience = hint.get("aud") if hint is not None else None
    if not isinstance(audience, str):
        return None
    client = context.catalog.client(audience)
    uri = request.post_logout_redirect_uri
    # A loopback address without port fits every port, as for logins: programs that get a port at random log out too.
    if client is None or uri is None or not is_registered_redirect(uri, client.post_logout_redirect_uris):
        return None
    if request.state is None:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}state={quote(request.state, safe='')}"
