"""Claims: what HelseID puts into a token, by whose wish, and in which order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.registry import MULTI_TENANT, SINGLE_TENANT, ApiResource, Client
from mock_sts.helseid.scopes import CLIENT_NAME
from mock_sts.protocol.terms import AuthMethod

CLIENT_AMR = "client_amr"
ORGNR_PARENT = "helseid://claims/client/claims/orgnr_parent"
ORGNR_SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
CLIENT_NAME_CLAIM = "helseid://claims/client/client_name"
CLIENT_TENANCY = "helseid://claims/client/client_tenancy"

#: Between an API's audience and the name of a claim that belongs to that API alone.
_API_CLAIM = "/client/claims/"


@dataclass(frozen=True, slots=True)
class AccessTokenFacts:
    """What an access token says. Times in seconds; ``confirmation`` is a ``jkt`` or None for a Bearer token."""

    issuer: str
    issued_at: int
    lifetime: int
    client: Client
    scopes: tuple[str, ...]
    apis: tuple[ApiResource, ...]
    confirmation: str | None
    jti: str


def access_token_claims(facts: AccessTokenFacts) -> dict[str, Any]:
    """The payload of an access token in HelseID's order.

    ``aud`` is a text for one API and a list for several; ``scope`` is always a list.
    """
    audiences = [api.audience for api in facts.apis]
    claims: dict[str, Any] = {
        "iss": facts.issuer,
        "nbf": facts.issued_at,
        "iat": facts.issued_at,
        "exp": facts.issued_at + facts.lifetime,
    }
    if audiences:
        claims["aud"] = audiences[0] if len(audiences) == 1 else audiences
    if facts.confirmation is not None:
        claims["cnf"] = {"jkt": facts.confirmation}
    claims["scope"] = list(facts.scopes)
    claims["client_id"] = facts.client.client_id
    claims.update(client_claims(facts.client, facts.scopes, facts.apis))
    claims["jti"] = facts.jti
    return claims


def client_claims(client: Client, scopes: Sequence[str], apis: Iterable[ApiResource]) -> dict[str, str]:
    """What a token says of its client beside the client_id, from the registration."""
    members = client.members
    tenancy, organization = members["tenancy"], members["organization"]
    claims = {CLIENT_AMR: AuthMethod.PRIVATE_KEY_JWT.value}
    if organization and tenancy == SINGLE_TENANT:
        claims[ORGNR_PARENT] = organization
    if organization and tenancy == MULTI_TENANT:
        claims[ORGNR_SUPPLIER] = organization
    audiences = {api.audience for api in apis}
    for name, value in members["client_claims"].items():
        owner, of_an_api, _ = name.partition(_API_CLAIM)
        if not of_an_api or owner in audiences:
            claims[name] = value
    wanted = {claim for api in apis for claim in api.members["claims"]}
    if members["client_name"] and (CLIENT_NAME in scopes or CLIENT_NAME_CLAIM in wanted):
        claims[CLIENT_NAME_CLAIM] = members["client_name"]
    if tenancy in (SINGLE_TENANT, MULTI_TENANT):
        claims[CLIENT_TENANCY] = tenancy
    return claims


def access_token_lifetime(client: Client, apis: Iterable[ApiResource], usual: int) -> int:
    """Seconds that an access token lives: the client's own, else the shortest of the APIs', else ``usual``."""
    own: int | None = client.members["access_token_lifetime"]
    if own is not None:
        return own
    return min((api.members["access_token_lifetime"] or usual for api in apis), default=usual)
