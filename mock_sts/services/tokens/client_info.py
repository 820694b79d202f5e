"""Clientinfo: what HelseID knows of the client that asks (HelseID documentation, Client Info)."""

from typing import Any

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.scopes import CLIENT_INFO
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.terms import GrantType
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import Presented, check_access_token, check_use

#: HelseID's own name for a grant whose registered name is a URN.
_GRANT_NAMES = {GrantType.TOKEN_EXCHANGE.value: "token_exchange"}

#: Grants that HelseID does not list: this one follows from the scope offline_access.
_IMPLIED = (GrantType.REFRESH_TOKEN.value,)


def client_info(context: RequestContext, presented: Presented) -> dict[str, Any]:
    """The registration of the token's client. Raises OAuthError invalid_token (401) or insufficient_scope (403).

    Names are documented; how they are spelled in JSON is not verified.
    """
    token = check_access_token(context, presented, Endpoint.CLIENT_INFO, personal=False)
    check_use(context, token, scope=CLIENT_INFO)
    client = context.catalog.client(token.client_id)
    if client is None:
        raise OAuthError(ErrorCode.INVALID_TOKEN, detail="the token's client is no longer registered", status=401)
    context.finish()
    policy = context.environment.policy

    def own(registered: int | None, usual: int) -> int:
        return usual if registered is None else registered

    # A registration without a time of its own came with the database, and nothing changes it but a reload.
    issued_at = own(client.client_id_issued_at, context.environment.made_at)
    return {
        "ClientId": client.client_id,
        "ClientName": client.client_name,
        "Created": issued_at,
        "Updated": issued_at,
        "RequirePkce": True,
        "AllowedGrantTypes": [_GRANT_NAMES.get(name, name) for name in client.grant_types if name not in _IMPLIED],
        "AllowedScopes": list(client.scope),
        "AllowedIdentityProviders": [provider.scheme for provider in context.environment.providers_for(client)],
        "RedirectUris": list(client.redirect_uris),
        "PostLogoutRedirectUris": list(client.post_logout_redirect_uris),
        "AccessTokenLifetime": own(client.access_token_lifetime, policy.access_token_lifetime),
        "RefreshTokenLifetime": own(client.refresh_token_lifetime, policy.refresh_token_lifetime),
        "RefreshTokenUsageType": policy.refresh_token_usage or client.refresh_token_usage,
        "SingleSignOnLifetime": own(client.single_sign_on_lifetime, policy.single_sign_on_lifetime),
    }
