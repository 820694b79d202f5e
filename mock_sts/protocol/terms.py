"""The vocabulary of OAuth 2.0 and OpenID Connect: names that stand in requests and answers."""

from enum import StrEnum


class GrantType(StrEnum):
    """Values of ``grant_type`` (RFC 6749 and RFC 8693 section 2.1)."""

    AUTHORIZATION_CODE = "authorization_code"
    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class TokenType(StrEnum):
    """Values of ``token_type`` (RFC 6750 and RFC 9449 section 5)."""

    BEARER = "Bearer"
    DPOP = "DPoP"


class AuthMethod(StrEnum):
    """Values of ``token_endpoint_auth_method`` (OpenID Connect Core section 9)."""

    PRIVATE_KEY_JWT = "private_key_jwt"


#: The response header that carries a nonce (RFC 9449 section 8.1)
NONCE_HEADER = "DPoP-Nonce"

#: RFC 7523 section 2.2
CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

OPENID = "openid"
PROFILE = "profile"
OFFLINE_ACCESS = "offline_access"
