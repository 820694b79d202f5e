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


class Endpoint(StrEnum):
    """The path of each endpoint below the issuer."""

    DISCOVERY = "/.well-known/openid-configuration"
    OAUTH_METADATA = "/.well-known/oauth-authorization-server"
    JWKS = "/.well-known/openid-configuration/jwks"
    AUTHORIZE = "/connect/authorize"
    TOKEN = "/connect/token"
    USERINFO = "/connect/userinfo"
    END_SESSION = "/connect/endsession"
    CHECK_SESSION = "/connect/checksession"
    REVOCATION = "/connect/revocation"
    INTROSPECTION = "/connect/introspect"
    DEVICE_AUTHORIZATION = "/connect/deviceauthorization"
    CIBA = "/connect/ciba"
    PAR = "/connect/par"
    CLIENT_INFO = "/connect/clientinfo"
    EXPIRED_JWKS = "/connect/expiredjwks"
    AVAILABLE_IDPS = "/connect/availableidps"


#: The response header that carries a nonce (RFC 9449 section 8.1)
NONCE_HEADER = "DPoP-Nonce"

#: RFC 7523 section 2.2
CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

OPENID = "openid"
PROFILE = "profile"
OFFLINE_ACCESS = "offline_access"
