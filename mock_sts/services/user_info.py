"""Userinfo: what a person's access token lets its client know (OpenID Connect Core section 5.3)."""

from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.claims import Subject, user_info_claims
from mock_sts.helseid.profile import dpop as chapter
from mock_sts.helseid.profile.dpop import TokenProofEvidence
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.jose import JoseError, read_jws, sha256_base64url
from mock_sts.protocol.terms import OPENID, Endpoint
from mock_sts.services.dpop import gather
from mock_sts.services.exchange import Exchange
from mock_sts.services.issuing import ACCESS_TOKEN_TYP
from mock_sts.services.login import subject_of
from mock_sts.services.people import UnknownPersonError
from mock_sts.store import ledger


@dataclass(frozen=True, slots=True)
class Presented:
    """An access token as it came: by which scheme (``Bearer`` or ``DPoP``), with which proofs, in which method."""

    token: str | None
    scheme: str
    proofs: tuple[str, ...]
    method: str


def user_info(exchange: Exchange, presented: Presented) -> dict[str, Any]:
    """The members of the answer. Raises OAuthError ``invalid_token`` (401) or ``insufficient_scope`` (403).

    A DPoP-bound token is taken as Bearer too: every client seen sends it so, and HelseID lets it pass. With the DPoP
    scheme the proof is checked.
    """
    claims = _claims(exchange, presented)
    if presented.scheme == "DPoP":
        _check_proof(exchange, presented, claims)
    scopes = claims.get("scope")
    if not isinstance(scopes, list) or OPENID not in scopes:
        raise OAuthError(
            ErrorCode.INSUFFICIENT_SCOPE, detail="the token has no openid: it was narrowed to an API", status=403
        )
    subject = _subject(exchange, claims)
    exchange.finish()
    return user_info_claims(scopes, subject, exchange.times.wall)


def _claims(exchange: Exchange, presented: Presented) -> dict[str, Any]:
    if presented.token is None:
        raise _invalid("no access token in the Authorization header")
    try:
        jws = read_jws(presented.token)
    except JoseError as error:
        raise _invalid(f"the access token cannot be read: {error}") from None
    claims = jws.claims
    client_id = claims.get("client_id")
    exchange.client_id = client_id if isinstance(client_id, str) else None
    if jws.header.get("typ") != ACCESS_TOKEN_TYP or not exchange.sts.keyring.verify(jws):
        raise _invalid("it is no access token of this server")
    known = {exchange.urls.issuer.base, exchange.urls.back_channel.base, *(u.base for u in exchange.urls.others)}
    if claims["iss"] not in known:
        raise _invalid(f"its issuer is {claims['iss']!r}, which this server is not known as here")
    if claims["exp"] <= exchange.times.wall:
        raise _invalid("the access token has expired", "The access token expired")
    if "sub" not in claims:
        raise _invalid("a machine's token has no person to tell of")
    return claims


def _check_proof(exchange: Exchange, presented: Presented, claims: dict[str, Any]) -> None:
    """RFC 9449 section 7.1, by the rules of the token endpoint and those for proofs beside a token; without a nonce."""
    if len(presented.proofs) != 1:
        raise _invalid(f"{len(presented.proofs)} proofs beside a token of the DPoP scheme, where there must be one")
    evidence, use = gather(exchange, presented.proofs[0], Endpoint.USERINFO, presented.method)
    bound_to = claims.get("cnf", {}).get("jkt")
    try:
        exchange.judge(chapter.RESOURCE_CHAPTER, evidence)
        exchange.judge(
            chapter.TOKEN_CHAPTER,
            TokenProofEvidence(
                proof=evidence.read,
                token_hash=sha256_base64url((presented.token or "").encode()),
                bound_to=bound_to,
                now=exchange.times.wall,
                skew=exchange.sts.policy.skew,
            ),
        )
    except OAuthError as error:
        raise OAuthError(ErrorCode.INVALID_TOKEN, detail=error.detail, rule=error.rule, status=401) from None
    exchange.use_up(use)


def _subject(exchange: Exchange, claims: dict[str, Any]) -> Subject:
    """The person behind the token. The token itself may not tell the pid, so the login that it comes from does."""
    login = ledger.find_login(exchange.sts.store, claims["sid"], claims["auth_time"])
    if login is None:
        raise _invalid("the login behind the token is no longer known")
    try:
        return subject_of(exchange.sts, claims["sid"], login)
    except UnknownPersonError as error:
        raise _invalid(str(error)) from None


def _invalid(detail: str, description: str = "") -> OAuthError:
    return OAuthError(ErrorCode.INVALID_TOKEN, description, detail=detail, status=401)
