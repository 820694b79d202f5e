"""Requests to the token endpoint: what they have in common, and one type per grant (RFC 6749 section 4)."""

import re

from mock_sts.protocol.params import Params
from mock_sts.values import value_type

#: Longest resource indicator that is read, in characters.
MAX_RESOURCE = 512

#: RFC 8693 section 3
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"

#: The parameters of a token request, of whichever grant, apart from those that say who asks.
PARAMETERS = (
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "requested_token_type",
    "resource",
    "scope",
    "subject_token",
    "subject_token_type",
)

_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+\Z")


@value_type
class ClientCredentialsRequest:
    """RFC 6749 section 4.4. ``scopes`` is empty when the request names none."""

    scopes: tuple[str, ...]
    resource: str | None


@value_type
class AuthorizationCodeRequest:
    """RFC 6749 section 4.1.3 with RFC 7636. None where absent."""

    code: str | None
    redirect_uri: str | None
    code_verifier: str | None
    resource: str | None


@value_type
class RefreshTokenRequest:
    """RFC 6749 section 6. None where absent; ``scopes`` is empty when the request names none."""

    refresh_token: str | None
    scopes: tuple[str, ...]
    resource: str | None


@value_type
class TokenExchangeRequest:
    """RFC 8693 section 2.1. None where absent; ``scopes`` is empty when the request names none."""

    subject_token: str | None
    subject_token_type: str | None
    requested_token_type: str | None
    scopes: tuple[str, ...]
    resource: str | None


def read_authorization_code(params: Params) -> AuthorizationCodeRequest:
    """The request in ``params``; a scope beside it changes nothing, the code has its own."""
    return AuthorizationCodeRequest(
        params.one("code"), params.one("redirect_uri"), params.one("code_verifier"), params.one("resource")
    )


def read_refresh_token(params: Params) -> RefreshTokenRequest:
    """The request in ``params``."""
    return RefreshTokenRequest(params.one("refresh_token"), params.words("scope"), params.one("resource"))


def read_token_exchange(params: Params) -> TokenExchangeRequest:
    """The request in ``params``."""
    return TokenExchangeRequest(
        subject_token=params.one("subject_token"),
        subject_token_type=params.one("subject_token_type"),
        requested_token_type=params.one("requested_token_type"),
        scopes=params.words("scope"),
        resource=params.one("resource"),
    )


def read_client_credentials(params: Params) -> ClientCredentialsRequest:
    """The request in ``params``; the shared phases have seen to it that there is at most one resource."""
    return ClientCredentialsRequest(params.words("scope"), params.one("resource"))


def is_resource_indicator(text: str) -> bool:
    """Whether ``text`` is an absolute URI without fragment (RFC 8707 section 2), not too long; ``nhn:x`` is one."""
    return len(text) <= MAX_RESOURCE and _ABSOLUTE_URI.match(text) is not None
