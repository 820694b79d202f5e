"""A small protected resource, for clients to call: it takes tokens that are bound to a key with a proof (DPoP), and
others as Bearer, by the rules of the enforcement.

An API that lets everything pass tells nothing, so OBSERVE is judged here as HELSEID.
"""

from typing import Any

from mock_sts.helseid.profile.access_token import scheme_of
from mock_sts.protocol.jose import JoseError, read_jws
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import Presented, check_access_token, check_use

PATH = "/mock/resource"

#: The schemes in the order in which the answer to a call without a token names them.
SCHEMES = ("DPoP", "Bearer")

#: What of the token the answer repeats.
_SHOWN = ("client_id", "sub", "aud", "scope", "exp")


def schemes_for(presented: Presented, *, dpop_only: bool) -> tuple[str, ...]:
    """The schemes by which a token like the one that was ``presented`` and refused may come; ``dpop_only`` where
    nothing else is taken.
    """
    if dpop_only:
        return ("DPoP",)
    if presented.token is None:
        return SCHEMES
    try:
        bound = "cnf" in read_jws(presented.token).claims
    except JoseError:  # no token of any sort
        return (presented.scheme,)
    return (scheme_of(bound=bound),)


def answer(context: RequestContext, presented: Presented) -> dict[str, Any]:
    """What the token says. Raises OAuthError (401) for one that is not good, or does not come as its sort does."""
    token = check_access_token(context, presented, PATH, personal=False, may_observe=False)
    check_use(context, token, shown_by=presented.scheme)
    context.finish()
    return {name: token.claims[name] for name in _SHOWN if name in token.claims}
