"""A proof that came and is read, but not looked into yet: enough to know what its single use would be."""

import secrets
from collections.abc import Sequence

from mock_sts.helseid.profile import dpop as chapter
from mock_sts.protocol.jose import JoseError, Jws, read_jws
from mock_sts.protocol.json_text import text_or_none
from mock_sts.services.request_context import RequestContext, Use
from mock_sts.store.replay import Once
from mock_sts.values import value_type


@value_type
class ReceivedProof:
    """A proof as it came: the JWS, or why there is none, and what using it up would be."""

    jws: Jws | None
    fault: str
    use: Use


def receive_proof(context: RequestContext, proofs: Sequence[str]) -> ReceivedProof | None:
    """The first of ``proofs``; that there is no second one is a rule for later. None without any."""
    if not proofs:
        return None
    try:
        jws: Jws | None = read_jws(proofs[0])
        fault = ""
    except JoseError as error:
        jws, fault = None, str(error)
    return ReceivedProof(jws, fault, _single_use(context, jws))


def _single_use(context: RequestContext, jws: Jws | None) -> Use:
    # A proof is worthless when its nonce, or without one its time, is too old; a minute more is for another clock.
    lives = max(2 * context.environment.nonces.step, 2 * context.environment.policy.skew.usual)
    ends = context.times.wall + lives + 60
    # Without an id nothing can be recognised again; a rule says so, and nothing must look like a second use.
    jti = (text_or_none(jws.claims.get("jti")) if jws is not None else None) or secrets.token_hex(16)
    return Use(Once("dpop-proof", (jti,), ends), chapter.single_use, "a proof with this jti has been used before")
