"""What a client may ask about tokens, and undo: revocation (RFC 7009) and introspection (RFC 7662).

And the grants that HelseID advertises only because its product does, and gives to no client.
"""

from typing import Any, Never

from mock_sts.helseid.profile import token_management as chapter
from mock_sts.helseid.profile import token_request
from mock_sts.helseid.profile.issuers import ONE_ISSUER
from mock_sts.helseid.profile.token_management import TokenManagementEvidence
from mock_sts.helseid.requirement import Verdict, refuse
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient, authenticate_client
from mock_sts.services.back_channel.form import BackChannelCall, read_form
from mock_sts.services.handles import flow_of
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import receive
from mock_sts.services.tokens.revocation import is_revoked, note_withdrawal
from mock_sts.store.database import Transaction
from mock_sts.store.records import RefreshToken, status_of

_INACTIVE: dict[str, Any] = {"active": False}


def revoke_token(context: RequestContext, call: BackChannelCall) -> None:
    """Take back a refresh token of the asking client. Tokens that are unknown, another's, or signed are let be.

    Raises OAuthError; ``context`` is open and journals it.
    """
    caller = _asking_client(context, call)
    token = _token(context, call, call.params.one("token_type_hint"))
    record = context.environment.ledger.refresh_tokens.find(token)
    own = record is not None and record.client_id == caller.client.client_id
    context.detail["revoked"] = own
    if not own:
        context.warn(f"nothing was revoked: {_why_not_revoked(context, record, token)}")

    def commit(transaction: Transaction) -> None:
        if own and context.environment.ledger.refresh_tokens.consume(transaction, token, context.times.now):
            note_withdrawal(context, transaction, token)

    context.finish(commit)


def introspect_token(context: RequestContext, call: BackChannelCall) -> dict[str, Any]:
    """What is known of a token: ``active`` alone, or with its claims. Raises OAuthError."""
    caller = _asking_client(context, call)
    token = _token(context, call)
    answer = _access_token(context, token) or _refresh_token(context, caller, token) or _INACTIVE
    context.detail["active"] = answer["active"]
    context.finish()
    return answer


def refuse_grant(context: RequestContext, call: BackChannelCall, grant: str) -> Never:
    """Refuse ``grant`` to the asking client, once it has authenticated. Raises OAuthError."""
    _asking_client(context, call)
    raise refuse(token_request.allowed, Verdict(False, grant, "a grant that HelseID gives"))


def _asking_client(context: RequestContext, call: BackChannelCall) -> AuthenticatedClient:
    read_form(context, call)
    caller = authenticate_client(context, call.params, call.authorization)
    context.use_up(caller.use)
    return caller


def _token(context: RequestContext, call: BackChannelCall, hint: str | None = None) -> str:
    token = call.params.one("token")
    if token and "." not in token:
        context.flow = flow_of(token)
    context.judge(chapter.CHAPTER, TokenManagementEvidence(token, hint))
    return token or ""


def _why_not_revoked(context: RequestContext, record: RefreshToken | None, token: str) -> str:
    if record is not None:
        return "the refresh token is another client's"
    if receive(context, token).token is not None:
        return "an access token lives until it expires; send the refresh token"
    return "the token is unknown here; send the refresh_token of the newest token answer"


def _access_token(context: RequestContext, token: str) -> dict[str, Any] | None:
    received = receive(context, token)
    if received.token is not None and not received.issuer_known:
        context.warn(f"active is false: the issuer of the token is {received.token.issuer!r}; {ONE_ISSUER}")
    if received.token is None or not received.issuer_known or received.expired or received.revoked:
        return None
    return {**received.token.claims, "active": True, "scope": " ".join(received.token.scopes)}


def _refresh_token(context: RequestContext, caller: AuthenticatedClient, token: str) -> dict[str, Any] | None:
    record = context.environment.ledger.refresh_tokens.find(token)
    status = status_of(record, caller.client.client_id, context.times.now)
    if record is None or not status.own or status.used or status.expired:
        return None
    if is_revoked(context, record.family):
        return None
    return {
        "iss": record.issuer,
        "client_id": record.client_id,
        "exp": record.expires_at,
        "active": True,
        "scope": " ".join(record.scopes),
    }
