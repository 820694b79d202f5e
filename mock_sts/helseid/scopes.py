"""HelseID's scopes: which are whose, and which API a scope belongs to."""

from collections.abc import Iterable

from mock_sts.protocol.terms import OFFLINE_ACCESS, OPENID, PROFILE

#: Scopes that speak of the person who logs in; a machine has none of it.
IDENTITY_SCOPES = frozenset(
    {
        OPENID,
        PROFILE,
        OFFLINE_ACCESS,
        "helseid://scopes/identity/all",
        "helseid://scopes/identity/assurance_level",
        "helseid://scopes/identity/network",
        "helseid://scopes/identity/pid",
        "helseid://scopes/identity/pid_pseudonym",
        "helseid://scopes/identity/security_level",
        "helseid://scopes/hpr",
        "helseid://scopes/hpr/hpr_number",
    }
)

#: HelseID's own scopes, older ones included.
_OWN = "helseid://scopes/"

CLIENT_INFO = "helseid://scopes/client/info"
CLIENT_NAME = "helseid://scopes/client/client_name"

#: Scopes that belong to HelseID itself, not to an API, and that a machine may ask for too.
TECHNICAL_SCOPES = frozenset({CLIENT_INFO, CLIENT_NAME, "nhn:tillitsrammeverk:parameters", "nhn:sfm:journal-id"})


def is_api_scope(scope: str) -> bool:
    """Whether ``scope`` belongs to an API."""
    return scope not in IDENTITY_SCOPES and scope not in TECHNICAL_SCOPES and not scope.startswith(_OWN)


def comma_hint(scopes: Iterable[str]) -> str:
    """What is to be said where one of ``scopes`` shows that a comma was meant to separate them; else an empty text."""
    return "scopes are separated by spaces, not by commas" if any(set(scope) & set(",;") for scope in scopes) else ""


def implied_audience(scope: str) -> str:
    """The audience of an API scope that no registered API owns: the part before the first slash."""
    return scope.split("/", 1)[0]
