"""HelseID's paths, and the header that this server adds to its answers."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


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


#: The short words by which people name endpoints where a path may stand, each with the paths that it means.
SHORT_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "discovery": (Endpoint.DISCOVERY.value, Endpoint.OAUTH_METADATA.value),
        "jwks": (Endpoint.JWKS.value,),
        "expiredjwks": (Endpoint.EXPIRED_JWKS.value,),
        "par": (Endpoint.PAR.value,),
        "authorize": (Endpoint.AUTHORIZE.value, f"{Endpoint.AUTHORIZE}/callback"),
        "token": (Endpoint.TOKEN.value,),
        "userinfo": (Endpoint.USERINFO.value,),
        "clientinfo": (Endpoint.CLIENT_INFO.value,),
        "endsession": (Endpoint.END_SESSION.value,),
        "checksession": (Endpoint.CHECK_SESSION.value,),
        "revocation": (Endpoint.REVOCATION.value,),
        "introspection": (Endpoint.INTROSPECTION.value,),
        "deviceauthorization": (Endpoint.DEVICE_AUTHORIZATION.value,),
        "ciba": (Endpoint.CIBA.value,),
        "availableidps": (Endpoint.AVAILABLE_IDPS.value,),
        "client-secret": ("/v1/client-secret",),
    }
)


def paths_of(endpoint: str) -> tuple[str, ...]:
    """The paths that ``endpoint``, a short word or a path, means; none for a word that is not known."""
    return (endpoint,) if endpoint.startswith("/") else SHORT_WORDS.get(endpoint.lower(), ())


#: Names the rule that a refused request broke; the emulator's own header.
RULE_HEADER = "Mock-Sts-Rule"

#: Leads to the page that explains a refusal: the journal's entry; the emulator's own header too.
EXPLAIN_HEADER = "Mock-Sts-Explain"

#: Names the fault rules that were at work on an answer, each with its effect; the emulator's own header too.
FAULT_HEADER = "Mock-Sts-Fault"
