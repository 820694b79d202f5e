"""A small protected resource, for clients to call: it takes DPoP-bound tokens with a proof, by the rules of the
enforcement.

An API that lets everything pass tells nothing, so OBSERVE is judged here as HELSEID.
"""

from typing import Any

from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.access_token import Presented, check_access_token, check_use

PATH = "/mock/resource"

#: What of the token the answer repeats.
_SHOWN = ("client_id", "sub", "aud", "scope", "exp")


def answer(context: RequestContext, presented: Presented) -> dict[str, Any]:
    """What the token says. Raises OAuthError invalid_token (401) for any token that is not bound and proved."""
    token = check_access_token(context, presented, PATH, personal=False, may_observe=False)
    check_use(context, token, shown_by=presented.scheme)
    context.finish()
    return {name: token.claims[name] for name in _SHOWN if name in token.claims}
