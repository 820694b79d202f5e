"""The token-exchange grant (RFC 8693): an API gets a token for the next API, for whoever called it."""

from typing import Any

from mock_sts.helseid.profile import token_exchange as chapter
from mock_sts.helseid.profile.token_exchange import ExchangeEvidence
from mock_sts.protocol.jose import JoseError, Jws, read_jws
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.params import Params
from mock_sts.protocol.token_request import read_token_exchange
from mock_sts.services.access_token import known_issuers
from mock_sts.services.client_authentication import AuthenticatedClient
from mock_sts.services.exchange import Exchange
from mock_sts.services.issuing import ACCESS_TOKEN_TYP, FAMILY_LENGTH, Authorization, new_jti
from mock_sts.services.revocation import is_revoked


def authorize(
    exchange: Exchange, client: AuthenticatedClient, params: Params, confirmation: str | None
) -> Authorization:
    """The requested scopes, for the person or machine behind the subject token."""
    request = read_token_exchange(params)
    actor = client.client
    jws, fault = _read(request.subject_token)
    if jws is not None:
        exchange.show("subject_token", jws)
    signed = jws is not None and exchange.sts.keyring.verify(jws)
    # What is not ours may hold anything.
    claims: dict[str, Any] = jws.claims if jws is not None and signed else {}
    catalog = exchange.catalog
    subject_client_id = text_or_none(claims.get("client_id"))
    subject_client = catalog.client(subject_client_id) if subject_client_id else None
    audience = claims.get("aud")
    audiences = (audience,) if isinstance(audience, str) else tuple(audience) if isinstance(audience, list) else ()
    apis = {api.audience: api for api in catalog.apis()}
    owners = {scope: catalog.api_of(scope) for scope in request.scopes}
    targets = {api.audience: api for api in owners.values() if api is not None}
    exchange.judge(
        chapter.CHAPTER,
        ExchangeEvidence(
            actor=actor,
            subject_token=request.subject_token,
            subject_token_type=request.subject_token_type,
            requested_token_type=request.requested_token_type,
            fault=fault,
            signed=signed,
            is_access_token=jws is not None and jws.header.get("typ") == ACCESS_TOKEN_TYP,
            issuer_known=claims.get("iss") in known_issuers(exchange.urls),
            expired=signed and claims["exp"] <= exchange.times.wall,
            revoked="jti" in claims and is_revoked(exchange, claims["jti"][:FAMILY_LENGTH]),
            audiences=audiences,
            apis=tuple(apis[name] for name in audiences if name in apis),
            subject_client=subject_client,
            exchanges=_depth(claims.get("act")),
            scopes=request.scopes,
            targets=tuple(targets),
            resource=request.resource,
        ),
    )
    return Authorization(
        client=actor,
        issuer=exchange.urls.issuer.base,
        scopes=request.scopes,
        apis=tuple(targets.values()),
        confirmation=confirmation,
        exchanged=claims,
        # What is taken back with a code goes on to what was made of it.
        jti=new_jti(claims["jti"][:FAMILY_LENGTH]),
    )


def _read(text: str | None) -> tuple[Jws | None, str]:
    if text is None:
        return None, "no subject_token"
    try:
        return read_jws(text), ""
    except JoseError as error:
        return None, f"it cannot be read: {error}"


def _depth(act: object) -> int:
    """How many actors an ``act`` claim names, one in the other."""
    depth = 0
    while isinstance(act, dict):
        depth, act = depth + 1, act.get("act")
    return depth
