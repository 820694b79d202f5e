"""The token-exchange grant (RFC 8693): an API gets a token for the next API, on behalf of its caller."""

from mock_sts.helseid.profile import token_exchange as chapter
from mock_sts.helseid.profile.token_exchange import ExchangeEvidence
from mock_sts.protocol.params import Params
from mock_sts.protocol.token_request import read_token_exchange
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import receive
from mock_sts.services.tokens.issuing import FAMILY_LENGTH, Authorization, new_jti


def authorize(
    context: RequestContext, caller: AuthenticatedClient, params: Params, confirmation: str | None
) -> Authorization:
    """The requested scopes, for the person or machine behind the subject token."""
    request = read_token_exchange(params)
    actor = caller.client
    received = receive(context, request.subject_token)
    if received.jws is not None:
        context.show("subject_token", received.jws)
    token, catalog = received.token, context.catalog
    audiences = token.audiences if token is not None else ()
    owners = {scope: catalog.api_of(scope) for scope in request.scopes}
    targets = {api.audience: api for api in owners.values() if api is not None}
    context.judge(
        chapter.CHAPTER,
        ExchangeEvidence(
            actor=actor,
            subject_token=request.subject_token,
            subject_token_type=request.subject_token_type,
            requested_token_type=request.requested_token_type,
            fault=received.fault,
            signed=received.signed,
            is_access_token=token is not None,
            issuer=token.issuer if token is not None else "",
            issuers=context.urls.issuers,
            expired=received.expired,
            revoked=received.revoked,
            audiences=audiences,
            apis=tuple(api for name in audiences if (api := catalog.api(name)) is not None),
            subject_client=catalog.client(token.client_id) if token is not None else None,
            exchanges=_depth(token.claims.get("act")) if token is not None else 0,
            scopes=request.scopes,
            targets=tuple(targets),
            resource=request.resource,
        ),
    )
    if token is None:
        raise AssertionError("the chapter let something pass that is no access token")
    context.keep_apart(chapter.issuer, (token.issuer,))
    return Authorization(
        client=actor,
        issuer=context.urls.issuer.base,
        scopes=request.scopes,
        apis=tuple(targets.values()),
        confirmation=confirmation,
        exchanged=token.claims,
        # What is taken back with a code goes on to what was made of it.
        jti=new_jti(token.jti[:FAMILY_LENGTH], context.chance),
    )


def _depth(act: object) -> int:
    """How many actors an ``act`` claim names, one in the other."""
    depth = 0
    while isinstance(act, dict):
        depth, act = depth + 1, act.get("act")
    return depth
