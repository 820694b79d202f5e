"""The client_credentials grant (RFC 6749 section 4.4): a machine on its own behalf."""

from mock_sts.helseid.profile.token_request import SCOPE_CHAPTER, ScopeEvidence
from mock_sts.helseid.scopes import is_api_scope
from mock_sts.protocol.params import Params
from mock_sts.protocol.terms import GrantType
from mock_sts.protocol.token_request import read_client_credentials
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.issuing import Authorization, new_jti


def authorize(
    context: RequestContext, caller: AuthenticatedClient, params: Params, confirmation: str | None
) -> Authorization:
    """All requested scopes, or without any all that the client has for APIs; one API's where resource names it."""
    request = read_client_credentials(params)
    registered = caller.client
    granted = request.scopes or tuple(scope for scope in registered.scope if is_api_scope(scope))
    catalog = context.catalog
    owners = {scope: catalog.api_of(scope) for scope in granted}
    apis = {api.audience: api for api in owners.values() if api is not None}
    context.judge(
        SCOPE_CHAPTER,
        ScopeEvidence(
            grant_type=GrantType.CLIENT_CREDENTIALS,
            client=registered,
            requested=request.scopes,
            granted=granted,
            audiences=tuple(apis),
            resource=request.resource,
        ),
    )
    if request.resource is not None:
        apis = {request.resource: apis[request.resource]}
        granted = tuple(
            scope for scope in granted if (api := owners[scope]) is not None and api.audience == request.resource
        )
    return Authorization(
        registered,
        context.urls.issuer.base,
        granted,
        tuple(apis.values()),
        confirmation,
        jti=new_jti(chance=context.chance),
    )
