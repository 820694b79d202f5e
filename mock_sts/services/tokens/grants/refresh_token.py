"""The refresh_token grant (RFC 6749 section 6): new tokens for a login of before."""

from mock_sts.helseid.profile import code_exchange as chapter
from mock_sts.helseid.profile.code_exchange import RefreshEvidence
from mock_sts.protocol.params import Params
from mock_sts.protocol.token_request import read_refresh_token
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.back_channel.form import digest_of
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.grants.personal import is_known_resource, personal_authorization, scoped
from mock_sts.services.tokens.issuing import Authorization
from mock_sts.services.tokens.revocation import is_revoked, is_withdrawn
from mock_sts.store.records import status_of


def authorize(
    context: RequestContext, caller: AuthenticatedClient, params: Params, confirmation: str | None
) -> Authorization:
    """The person and scopes of the login. A refusal uses nothing up; success replaces the token, or keeps it."""
    request = read_refresh_token(params)
    handle = request.refresh_token or ""
    context.detail["refresh_token"] = {"used": digest_of(handle)}
    record = context.environment.ledger.refresh_tokens.find(handle)
    status = status_of(record, caller.client.client_id, context.times.now)
    own = record if status.own else None
    granted = own.scopes if own is not None else ()
    resource_known = own is None or is_known_resource(context, own, request.resource)
    within = all(scope in granted for scope in request.scopes)
    if within and request.scopes and request.resource is not None and resource_known:
        # Scopes that leave nothing of the resource would make a token for no API.
        within = bool(scoped(context, request.scopes, request.resource).apis)
    withdrawn = status.used and is_withdrawn(context, handle)
    taken_back = own is not None and is_revoked(context, own.family)
    context.judge(
        chapter.REFRESH_CHAPTER,
        RefreshEvidence(
            present=request.refresh_token is not None,
            known=status.known,
            own=status.own,
            used=status.used and not withdrawn,
            revoked=withdrawn or taken_back,
            expired=status.expired,
            began_with_proof=own is not None and own.has_proof,
            has_proof=confirmation is not None,
            resource_known=resource_known,
            resources_named=own is not None and bool(own.resources),
            scopes=request.scopes,
            scopes_granted=within,
        ),
    )
    if own is None:
        raise AssertionError("the chapter let a refresh token pass that is not the client's own")
    return personal_authorization(
        context,
        caller.client,
        own,
        resource=request.resource,
        narrowed=request.scopes if within else (),
        confirmation=confirmation,
        handle=handle,
        lost=chapter.refresh_single_use,
    )
