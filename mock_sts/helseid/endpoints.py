"""HelseID's paths, and the header that this server adds to its answers."""

from enum import StrEnum


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


#: Names the rule that a refused request broke; the emulator's own header.
RULE_HEADER = "Mock-Sts-Rule"
