"""Claims: what HelseID puts into tokens and userinfo, by whose wish, and in which order.

Two tables say it all: which scope brings which claims of a person into ID token and userinfo, and in which order an
access token lists what its API wants. Everything else is assembly.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mock_sts.helseid.details import JOURNAL_ID, NO_DETAILS, TRUST_FRAMEWORK, Details
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.persona import Code, Persona
from mock_sts.helseid.scopes import CLIENT_NAME
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.helseid.testidp import ASSURANCE_OF
from mock_sts.protocol.half_hash import half_hash
from mock_sts.protocol.terms import OFFLINE_ACCESS, PROFILE, AuthMethod
from mock_sts.values import value_type

CLIENT_AMR = "client_amr"
ORGNR_PARENT = "helseid://claims/client/claims/orgnr_parent"
ORGNR_CHILD = "helseid://claims/client/claims/orgnr_child"
ORGNR_SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
CLIENT_NAME_CLAIM = "helseid://claims/client/client_name"
CLIENT_TENANCY = "helseid://claims/client/client_tenancy"
ON_BEHALF_OF = "helseid://claims/client/on_behalf_of"
ORIGINAL_CLIENT_ID = "helseid://claims/client/original_client_id"

PID = "helseid://claims/identity/pid"
PID_PSEUDONYM = "helseid://claims/identity/pid_pseudonym"
SECURITY_LEVEL = "helseid://claims/identity/security_level"
ASSURANCE_LEVEL = "helseid://claims/identity/assurance_level"
NETWORK = "helseid://claims/identity/network"
HPR_NUMBER = "helseid://claims/hpr/hpr_number"
HPR_DETAILS = "helseid://claims/hpr/hpr_details"

_NAMES = ("name", "given_name", "middle_name", "family_name")
_HPR_SCOPES = ("helseid://scopes/hpr/hpr_number", "helseid://scopes/hpr")

#: Scope to the claims that it brings into ID token and userinfo, in HelseID's order.
CLAIMS_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "helseid://scopes/identity/pid": (PID,),
    "helseid://scopes/identity/security_level": (SECURITY_LEVEL,),
    "helseid://scopes/identity/assurance_level": (ASSURANCE_LEVEL,),
    "helseid://scopes/identity/pid_pseudonym": (PID_PSEUDONYM,),
    "helseid://scopes/hpr/hpr_number": (HPR_NUMBER,),
    "helseid://scopes/hpr": (HPR_NUMBER,),
    PROFILE: _NAMES,
    "helseid://scopes/identity/network": (NETWORK,),
    "helseid://scopes/identity/all": (
        PID,
        SECURITY_LEVEL,
        ASSURANCE_LEVEL,
        PID_PSEUDONYM,
        *_NAMES,
        NETWORK,
    ),
}

#: The claims of a person that an API may want in its access tokens, in HelseID's order.
ACCESS_TOKEN_CLAIMS = (PID, PID_PSEUDONYM, SECURITY_LEVEL, ASSURANCE_LEVEL, HPR_NUMBER, *_NAMES, NETWORK)

#: Between an API's audience and the name of a claim that belongs to that API alone.
_API_CLAIM = "/client/claims/"

#: What stands there in HelseID's own claims, which belong to no API alone.
_HELSEID_CLAIMS = "helseid://claims"


@value_type
class Login:
    """How a person logged in: session id, time (seconds), provider, methods, level, and the HPR number that counts."""

    sid: str
    auth_time: int
    idp: str
    amr: tuple[str, ...]
    security_level: str
    hpr_number: str | None


@value_type
class Subject:
    """A person who has logged in. ``sub`` is the pseudonym of the pid; ``network`` the net they came by."""

    persona: Persona
    login: Login
    sub: str
    network: str


@value_type
class AccessTokenFacts:
    """What an access token says. Times in seconds; ``confirmation`` is a ``jkt`` or None for a Bearer token;
    ``subject`` is None for a machine. ``trust_framework`` is that claim, ready.
    """

    issuer: str
    issued_at: int
    lifetime: int
    client: Client
    scopes: tuple[str, ...]
    apis: tuple[ApiResource, ...]
    confirmation: str | None
    jti: str
    subject: Subject | None = None
    details: Details = NO_DETAILS
    trust_framework: Mapping[str, Any] | None = None
    on_behalf_of: str | None = None


@value_type
class IdTokenFacts:
    """What an ID token says beside its subject. Times in seconds; None where the request had no such thing.

    ``user_claims`` says whether it tells what ``scopes`` bring of the person.
    ``empty_claims`` says whether the person's claims are there where they are empty; see ``_pick``.
    """

    issuer: str
    issued_at: int
    lifetime: int
    client_id: str
    scopes: tuple[str, ...]
    nonce: str | None
    access_token: str
    state: str | None
    user_claims: bool = True
    empty_claims: bool = True


def pseudonym(pid: str, key: bytes) -> str:
    """The ``sub`` of a person: 32 bytes in padded base64, as HelseID's are; the real algorithm is a secret."""
    return base64.b64encode(hmac.digest(key, pid.encode(), hashlib.sha256)).decode("ascii")


def access_token_claims(facts: AccessTokenFacts) -> dict[str, Any]:
    """The payload of an access token in HelseID's order.

    ``aud`` is a text for one API and a list for several; ``scope`` is always a list, offline_access last.
    """
    claims = _common_claims(facts)
    subject = facts.subject
    if subject is not None:
        claims["amr"] = list(subject.login.amr)
    claims["client_id"] = facts.client.client_id
    first, last = _client_claims(facts)
    claims.update(first)
    if subject is not None:
        claims["sub"] = subject.sub
        claims["auth_time"] = subject.login.auth_time
        claims["idp"] = subject.login.idp
        wanted = wanted_by(facts.apis)
        claims.update(_pick(subject, [claim for claim in ACCESS_TOKEN_CLAIMS if claim in wanted]))
    claims.update(last)
    if facts.trust_framework is not None:
        claims[TRUST_FRAMEWORK] = facts.trust_framework
    if subject is not None:
        claims["sid"] = subject.login.sid
    claims["jti"] = facts.jti
    return claims


def exchanged_token_claims(facts: AccessTokenFacts, subject: Mapping[str, Any], parent: str | None) -> dict[str, Any]:
    """The payload of an access token that an actor (``facts.client``) got for the token with the claims ``subject``.

    HelseID's claims and those of the person are the subject token's; ``act`` names the actor, with ``parent``, the
    organization that it acts for, and inside it those who came before (RFC 8693 section 4.1).
    """
    actor: dict[str, Any] = {"iss": facts.issuer, "client_id": facts.client.client_id}
    if parent:
        actor[ORGNR_PARENT] = parent
    if isinstance(subject.get("act"), Mapping):
        actor["act"] = subject["act"]
    claims = _common_claims(facts)
    if "amr" in subject:
        claims["amr"] = subject["amr"]
    claims["client_id"] = facts.client.client_id
    claims[CLIENT_AMR] = AuthMethod.PRIVATE_KEY_JWT.value
    for name in ("sub", "auth_time", "idp"):
        if name in subject:
            claims[name] = subject[name]
    claims.update({name: value for name, value in subject.items() if name.startswith("helseid://")})
    claims.setdefault(ORIGINAL_CLIENT_ID, subject["client_id"])
    claims["act"] = actor
    claims["jti"] = facts.jti
    return claims


def _common_claims(facts: AccessTokenFacts) -> dict[str, Any]:
    """What every access token begins with."""
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
    claims["scope"] = in_token_order(facts.scopes)
    return claims


def id_token_claims(facts: IdTokenFacts, subject: Subject) -> dict[str, Any]:
    """The payload of an ID token in HelseID's order."""
    claims: dict[str, Any] = {
        "iss": facts.issuer,
        "nbf": facts.issued_at,
        "iat": facts.issued_at,
        "exp": facts.issued_at + facts.lifetime,
        "aud": facts.client_id,
        "amr": list(subject.login.amr),
    }
    if facts.nonce is not None:
        claims["nonce"] = facts.nonce
    claims["at_hash"] = half_hash(facts.access_token)
    if facts.state is not None:
        claims["s_hash"] = half_hash(facts.state)
    claims["sid"] = subject.login.sid
    claims["sub"] = subject.sub
    claims["auth_time"] = subject.login.auth_time
    claims["idp"] = subject.login.idp
    if facts.user_claims:
        claims.update(_pick(subject, claims_of(facts.scopes), empty_claims=facts.empty_claims))
    return claims


def user_info_claims(scopes: Sequence[str], subject: Subject, now: int, *, empty_claims: bool = True) -> dict[str, Any]:
    """The members of a userinfo answer; ``sub`` comes last. ``empty_claims`` as in IdTokenFacts."""
    claims = _pick(subject, claims_of(scopes), empty_claims=empty_claims)
    claims["userinfo_issued_at"] = now
    if any(scope in scopes for scope in _HPR_SCOPES):
        claims[HPR_DETAILS] = _hpr_details(subject)
    claims["sub"] = subject.sub
    return claims


def claims_of(scopes: Iterable[str]) -> list[str]:
    """The claims of a person that ``scopes`` bring, each once, in HelseID's order."""
    asked = set(scopes)
    return list(dict.fromkeys(claim for scope, names in CLAIMS_OF_SCOPE.items() if scope in asked for claim in names))


def in_token_order(scopes: Iterable[str]) -> list[str]:
    """``scopes`` as an access token lists them: as asked for, offline_access last."""
    return sorted(scopes, key=lambda scope: scope == OFFLINE_ACCESS)


def access_token_lifetime(client: Client, apis: Iterable[ApiResource], usual: int) -> int:
    """Seconds that an access token lives: the client's own, else the shortest of the APIs', else ``usual``."""
    if client.access_token_lifetime is not None:
        return client.access_token_lifetime
    return min((api.access_token_lifetime or usual for api in apis), default=usual)


def _pick(subject: Subject, names: Iterable[str], *, empty_claims: bool = True) -> dict[str, Any]:
    """The claims called ``names`` as far as the person has them; levels and numbers are texts, as at HelseID.

    HelseID tells of some in an empty text that the person has none; OpenID Connect Core section 5.3.2 leaves such
    claims out, as without ``empty_claims``.
    """
    persona, login = subject.persona, subject.login
    values: dict[str, str | None] = {
        PID: persona.pid,
        PID_PSEUDONYM: subject.sub,
        SECURITY_LEVEL: login.security_level,
        ASSURANCE_LEVEL: ASSURANCE_OF[login.security_level],
        NETWORK: subject.network,
        HPR_NUMBER: login.hpr_number,
        "name": full_name(persona),
        "given_name": persona.given_name,
        "middle_name": persona.middle_name,
        "family_name": persona.family_name,
    }
    unsaid = (None,) if empty_claims else (None, "")
    return {name: values[name] for name in names if values.get(name) not in unsaid}


def full_name(persona: Persona) -> str:
    """Given, middle and family name, as far as there are any."""
    return " ".join(filter(None, (persona.given_name, persona.middle_name, persona.family_name)))


def _hpr_details(subject: Subject) -> dict[str, Any]:
    """The register's answer; its number is a number here, and a text in the claim.

    Without one there is no such member: clients of FHI read a number that cannot be null.
    """
    number = subject.login.hpr_number
    approvals = [
        {
            "profession": entry.profession,
            "authorization": {} if entry.authorization is None else _code(entry.authorization),
            "requisition_rights": [_code(right) for right in entry.requisition_rights],
            "specialities": [_code(speciality) for speciality in entry.specialities],
        }
        for entry in subject.persona.authorizations
    ]
    if not number:
        return {"approvals": [], "no_hpr_number": True}
    return {"approvals": approvals, "hpr_number": int(number), "no_hpr_number": False}


def _code(code: Code) -> dict[str, str]:
    return {"value": code.value, "description": code.description}


def parent_of(client: Client, details: Details) -> str | None:
    """The organization number of the legal entity that ``client`` acts for, None where there is none.

    An older client has it as a fixed claim.
    """
    named = details.organization.parent if details.organization is not None else None
    fixed = client.client_claims.get(ORGNR_PARENT)
    if client.tenancy == SINGLE_TENANT:
        return client.organization or fixed
    return named or fixed


def child_of(client: Client, details: Details) -> str | None:
    """The organization number of the unit that ``client`` acts for, None where there is none; as ``parent_of``."""
    named = details.organization.child if details.organization is not None else None
    return named or client.client_claims.get(ORGNR_CHILD)


def wanted_by(apis: Iterable[ApiResource]) -> frozenset[str]:
    """The claims that ``apis`` want in their access tokens."""
    return frozenset(claim for api in apis for claim in api.claims)


def _client_claims(facts: AccessTokenFacts) -> tuple[dict[str, str], dict[str, str]]:
    """What a token says of its client, from the registration and the details that it sent: what stands before the
    person, and what after.
    """
    client, details = facts.client, facts.details
    tenancy = client.tenancy
    first = {CLIENT_AMR: AuthMethod.PRIVATE_KEY_JWT.value}
    parent = parent_of(client, details)
    if parent:
        first[ORGNR_PARENT] = parent
    if details.organization is not None and details.organization.child:
        first[ORGNR_CHILD] = details.organization.child
    if details.journal_id is not None:
        first[JOURNAL_ID] = details.journal_id
    last = {}
    if client.organization and tenancy == MULTI_TENANT:
        last[ORGNR_SUPPLIER] = client.organization
    audiences = {api.audience for api in facts.apis}
    for name, value in client.client_claims.items():
        owner, of_an_api, _ = name.partition(_API_CLAIM)
        if name not in first and (not of_an_api or owner in audiences or owner == _HELSEID_CLAIMS):
            last[name] = value
    if client.client_name and (CLIENT_NAME in facts.scopes or CLIENT_NAME_CLAIM in wanted_by(facts.apis)):
        last[CLIENT_NAME_CLAIM] = client.client_name
    if tenancy in (SINGLE_TENANT, MULTI_TENANT):
        last[CLIENT_TENANCY] = tenancy
    if facts.on_behalf_of is not None:
        last[ON_BEHALF_OF] = facts.on_behalf_of
    return first, last
