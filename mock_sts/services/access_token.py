"""Access tokens that come back: to userinfo and clientinfo, for introspection, and as the subject of an exchange."""

from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.profile import access_token as chapter
from mock_sts.helseid.profile import dpop
from mock_sts.helseid.profile.access_token import PresentedEvidence
from mock_sts.helseid.profile.dpop import TokenProofEvidence
from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.jose import JoseError, Jws, read_jws, sha256_base64url
from mock_sts.protocol.json_text import text_or_none
from mock_sts.services.dpop import gather
from mock_sts.services.exchange import Exchange
from mock_sts.services.issuing import ACCESS_TOKEN_TYP, FAMILY_LENGTH
from mock_sts.services.revocation import is_revoked


@dataclass(frozen=True, slots=True)
class Presented:
    """An access token as it came: by which scheme (``Bearer`` or ``DPoP``), in the Authorization header or in the
    body, with which proofs, in which method.
    """

    token: str | None
    scheme: str
    in_header: bool
    proofs: tuple[str, ...]
    method: str


def known_issuers(urls: EffectiveUrls) -> frozenset[str]:
    """The issuers that this server is known as, for a request that came by ``urls``."""
    return frozenset({urls.issuer.base, urls.back_channel.base, *(other.base for other in urls.others)})


def check_access_token(
    exchange: Exchange, presented: Presented, path: str, *, personal: bool, strictly: bool = False
) -> dict[str, Any]:
    """The claims of the token that is ``presented`` at the endpoint ``path``, its proof judged where it has one.

    ``personal`` says that the token must be a person's, ``strictly`` that the enforcement of its client does not count.
    Raises OAuthError invalid_token (401).
    """
    jws, fault = _read(presented.token)
    claims = jws.claims if jws is not None else {}
    exchange.client_id = text_or_none(claims.get("client_id"))
    if jws is not None:
        fault = _fault(exchange, jws, personal=personal)
    own = exchange.catalog.client(exchange.client_id) if exchange.client_id and not fault else None
    if own is not None and not strictly:
        exchange.follow(own)
    bound_to = claims.get("cnf", {}).get("jkt") if not fault else None
    try:
        exchange.judge(
            chapter.CHAPTER,
            PresentedEvidence(
                fault=fault,
                expired=not fault and claims["exp"] <= exchange.times.wall,
                revoked=not fault and is_revoked(exchange, claims["jti"][:FAMILY_LENGTH]),
                scheme=presented.scheme,
                in_header=presented.in_header,
                proofs=len(presented.proofs),
                bound=bound_to is not None,
            ),
        )
        if presented.scheme == "DPoP":
            _check_proof(exchange, presented, path, bound_to)
    except OAuthError as error:
        raise OAuthError(
            ErrorCode.INVALID_TOKEN,
            error.description if error.rule == chapter.alive.id else "",
            detail=error.detail,
            rule=error.rule,
            status=401,
        ) from None
    return claims


def _read(token: str | None) -> tuple[Jws | None, str]:
    if token is None:
        return None, "no access token in the Authorization header"
    try:
        return read_jws(token), ""
    except JoseError as error:
        return None, f"the access token cannot be read: {error}"


def _fault(exchange: Exchange, jws: Jws, *, personal: bool) -> str:
    if jws.header.get("typ") != ACCESS_TOKEN_TYP or not exchange.sts.keyring.verify(jws):
        return "it is no access token of this server"
    if jws.claims["iss"] not in known_issuers(exchange.urls):
        return f"its issuer is {jws.claims['iss']!r}, which this server is not known as here"
    if personal and "sid" not in jws.claims:
        return "a machine's token, and one from an exchange, have no login to tell of"
    return ""


def _check_proof(exchange: Exchange, presented: Presented, path: str, bound_to: str | None) -> None:
    """RFC 9449 section 7.1, by the rules of the token endpoint and those for proofs beside a token; without a nonce."""
    evidence, use = gather(exchange, presented.proofs[0], path, presented.method)
    exchange.judge(dpop.RESOURCE_CHAPTER, evidence)
    exchange.judge(
        dpop.TOKEN_CHAPTER,
        TokenProofEvidence(
            proof=evidence.read,
            token_hash=sha256_base64url((presented.token or "").encode()),
            bound_to=bound_to,
            now=exchange.times.wall,
            skew=exchange.sts.policy.skew,
        ),
    )
    exchange.use_up(use)
