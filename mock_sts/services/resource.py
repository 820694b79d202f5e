"""A small protected resource: it takes DPoP-bound tokens and checks proofs as FAPI 2.0 says, for clients to call."""

from typing import Any

from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.services.access_token import Presented, check_access_token
from mock_sts.services.exchange import Exchange

PATH = "/mock/resource"

#: What of the token the answer repeats.
_TOLD = ("client_id", "sub", "aud", "scope", "exp")


def answer(exchange: Exchange, presented: Presented) -> dict[str, Any]:
    """What the token says. Raises OAuthError invalid_token (401) for any token that is not bound and proved."""
    exchange.enforcement = Enforcement.FAPI2
    claims = check_access_token(exchange, presented, PATH, personal=False, strictly=True)
    if "cnf" not in claims:
        raise OAuthError(ErrorCode.INVALID_TOKEN, detail="the token is bound to no key: use DPoP", status=401)
    exchange.finish()
    return {name: claims[name] for name in _TOLD if name in claims}
