"""The answer for the client: a code, or an error that may travel. Either uses the request up."""

from dataclasses import replace

from mock_sts.helseid.eids import ID_PORTEN
from mock_sts.helseid.profile import request_uri
from mock_sts.helseid.requirement import Verdict, refuse
from mock_sts.protocol.authorization_request import AuthorizationRequest
from mock_sts.protocol.authorization_response import AuthorizationResponse, session_state
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.urls import origin_of
from mock_sts.services.chance import capitals
from mock_sts.services.handles import flow_of, new_grant_handle
from mock_sts.services.login.authorization_request import Pending, use_up_request
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import MadeSession
from mock_sts.store.database import Transaction
from mock_sts.store.records import AuthorizationCode, LoginSession
from mock_sts.values import value_type


class TravellingError(OAuthError):
    """An error that travels to the client; ``response`` brings it there."""

    travels = True

    def __init__(self, error: OAuthError, response: AuthorizationResponse) -> None:
        super().__init__(error.code, error.description, detail=error.detail, rule=error.rule)
        self.response = response


@value_type
class Answered:
    """The answer for the client, the id of the session that gave it, and the cookie of a session that was made on the
    way (or None).
    """

    response: AuthorizationResponse
    sid: str
    cookie: str | None


def answer(context: RequestContext, pending: Pending, session: LoginSession, made: MadeSession | None) -> Answered:
    """A code for the person of ``session``; ``made`` is that session where it still has to be kept."""
    request, code = pending.request, new_grant_handle(context.chance, pending.handle)
    sid = session.sid
    context.flow, context.sid, context.pid = flow_of(code), sid, session.login.pid
    client_id, issuer = pending.client.client_id, pending.kept.issuer
    decided = AuthorizationCode(
        client_id=client_id,
        issuer=issuer,
        redirect_uri=request.redirect_uri,
        scopes=request.scopes,
        resources=request.resources,
        details=pending.kept.details,
        nonce=request.nonce,
        state=request.state,
        code_challenge=request.code_challenge,
        dpop_jkt=request.dpop_jkt,
        on_behalf_of=_on_behalf_of(context, pending, session),
        sid=sid,
        login=session.login,
        expires_at=context.times.now + context.environment.policy.code_lifetime,
    )

    def commit(transaction: Transaction) -> OAuthError | None:
        kept = session
        if not use_up_request(context, transaction, pending):
            return refuse(request_uri.fresh, Verdict(False, "another tab was faster", "an unused request_uri"))
        if made is not None:
            kept = made.keep(transaction)
        context.environment.sessions.note_client(transaction, sid, client_id, issuer, session.expires_at)
        context.environment.ledger.codes.keep(transaction, code, replace(decided, login=kept.login))
        return None

    context.finish(commit)
    # As browsers write it, for that is what the frame of the check session endpoint hears.
    origin = origin_of(request.redirect_uri or "")
    salt = capitals(context.chance, 16)
    parameters = [("code", code)]
    if request.state is not None:
        parameters.append(("state", request.state))
    parameters.append(("iss", pending.kept.issuer))
    parameters.append(("session_state", session_state(pending.client.client_id, origin, sid, salt)))
    return Answered(_response(request, parameters), sid, made.cookie if made else None)


def _on_behalf_of(context: RequestContext, pending: Pending, session: LoginSession) -> str | None:
    """The organization that the person acts for by ID-porten, if the client is registered for it."""
    asked = pending.request.on_behalf_of
    if asked is None:
        return None
    if session.login.idp == ID_PORTEN and asked in pending.client.on_behalf_of:
        return asked
    context.warn(
        f"on_behalf_of is {asked[:40]!r}, but only ID-porten knows it, for organizations that the client registers"
    )
    return None


def travelling(context: RequestContext, pending: Pending, error: OAuthError) -> TravellingError:
    """``error`` on its way to the client, which uses the request up."""
    if pending.handle:
        context.burn_on_refusal(lambda transaction: use_up_request(context, transaction, pending))
    context.explain(error)
    parameters = list(error.body().items())
    if pending.request.state is not None:
        parameters.append(("state", pending.request.state))
    parameters.append(("iss", pending.kept.issuer))
    return TravellingError(error, _response(pending.request, parameters))


def _response(request: AuthorizationRequest, parameters: list[tuple[str, str]]) -> AuthorizationResponse:
    return AuthorizationResponse(request.redirect_uri or "", request.response_mode or "query", tuple(parameters))
