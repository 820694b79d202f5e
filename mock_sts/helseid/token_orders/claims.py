"""From a request to the test-token service to the claims of a token: given ones, invented ones, derived ones.

The invented values are those of the one whole token that NHN has printed in public; who does not want them says so in
the request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mock_sts.helseid.claims import (
    ACCESS_TOKEN_CLAIMS,
    ASSURANCE_LEVEL,
    CLIENT_AMR,
    CLIENT_NAME_CLAIM,
    CLIENT_TENANCY,
    HPR_NUMBER,
    NETWORK,
    ORGNR_CHILD,
    ORGNR_PARENT,
    ORGNR_SUPPLIER,
    PID,
    PID_PSEUDONYM,
    SECURITY_LEVEL,
    full_name,
)
from mock_sts.helseid.details import JOURNAL_ID, TRUST_FRAMEWORK
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.helseid.token_orders.members import (
    CLIENT_AUTHENTICATION,
    CLIENT_CLAIMS,
    SAMPLES_NAMES,
    USER_CLAIMS,
    Generation,
    Tenancy,
)
from mock_sts.helseid.token_orders.request import OrderError, TokenRequest
from mock_sts.helseid.token_orders.trust_framework import ordered_claim
from mock_sts.protocol.terms import AuthMethod

#: Seconds that a token lives when the order does not say.
USUAL_LIFETIME = 600

#: Seconds of a day, and the longest life that can be ordered (a hundred years).
_DAY = 86_400
_LONGEST_LIFETIME = 36_525 * _DAY

#: The person of NHN's printed token; the ready world has them.
_PID, _HPR_NUMBER = "03678826129", "12345678"

_DEFAULT_CLIENT: Mapping[str, Any] = {
    "scope": ["nhn:test-token-tjeneste/scope"],
    "client_id": "88373475-cfb9-41d6-98c3-a88f092b794b",
    CLIENT_AMR: AuthMethod.PRIVATE_KEY_JWT.value,
    ORGNR_PARENT: "994598759",
    CLIENT_NAME_CLAIM: "ACME Client",
    CLIENT_AUTHENTICATION: "rsa_private_key",
}
_DEFAULT_USER: Mapping[str, Any] = {
    "amr": ["pwd"],
    "idp": "testidp-oidc",
    PID: _PID,
    SECURITY_LEVEL: "4",
    ASSURANCE_LEVEL: "high",
    HPR_NUMBER: _HPR_NUMBER,
    "name": "GRANULERT NILFISK",
    NETWORK: "internett",
}

_TENANCIES = {Tenancy.MultiTenant: MULTI_TENANT, Tenancy.SingleTenant: SINGLE_TENANT, Tenancy.None_: "none"}

#: The order in which HelseID writes claims; others come before ``sid`` and ``jti``.
_FIRST = ("iss", "nbf", "iat", "exp", "aud", "cnf", "scope", "amr", "client_id", CLIENT_AMR, ORGNR_PARENT, ORGNR_CHILD)
_SECOND = (JOURNAL_ID, SAMPLES_NAMES[JOURNAL_ID], "sub", "auth_time", "idp", *ACCESS_TOKEN_CLAIMS, ORGNR_SUPPLIER)
_THIRD = (CLIENT_NAME_CLAIM, CLIENT_TENANCY, SAMPLES_NAMES[CLIENT_TENANCY], TRUST_FRAMEWORK, CLIENT_AUTHENTICATION)
_LAST = ("act", "sid", "jti")
_PLACES = {name: place for place, name in enumerate((*_FIRST, *_SECOND, *_THIRD))}
_LAST_PLACES = {name: len(_PLACES) + 1 + place for place, name in enumerate(_LAST)}


class Registers(Protocol):
    """Who is asked for what an order does not bring: the registers behind HelseID.

    ``person`` gives the person with a pid, ``hpr_number`` their number; each raises LookupError with a sentence where
    there is none. ``sub`` is the pseudonym of a pid, ``organization_name`` the name of an organization or None.
    """

    def person(self, pid: str) -> Persona:
        """The person with ``pid``."""

    def hpr_number(self, pid: str) -> str:
        """The HPR number of the person with ``pid``."""

    def sub(self, pid: str) -> str:
        """The pseudonym of ``pid``."""

    def organization_name(self, number: str) -> str | None:
        """The name of the organization ``number``."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around an order: issuer, audience, the time in seconds, and ids to use where none are ordered."""

    issuer: str
    audience: str
    now: int
    new_id: Callable[[], str]
    of_version_1: bool = False


def ordered_claims(request: TokenRequest, frame: Frame, registers: Registers, jkt: str | None) -> dict[str, Any]:
    """The claims of the access token that ``request`` asks for, bound to ``jkt`` where there is one.

    Raises OrderError: a switch needs a member that is missing, or two members exclude each other, or a register does
    not know the person.
    """
    _check_switches(request)
    claims: dict[str, Any] = {
        "iss": frame.issuer,
        "nbf": frame.now,
        "iat": frame.now,
        "exp": frame.now + lifetime_of(request),
        "aud": frame.audience,
    }
    if jkt is not None:
        claims["cnf"] = {"jkt": jkt}
    claims |= _client(request, frame)
    claims |= _user(request, frame, registers)
    if request.says("createTillitsrammeverkClaims"):
        claims[TRUST_FRAMEWORK] = ordered_claim(
            request.group("tillitsrammeverkClaimsParameters"),
            pid=claims.get(PID, _PID),
            name=claims.get("name") or _DEFAULT_USER["name"],
            hpr_number=claims.get(HPR_NUMBER, _HPR_NUMBER),
            legal_entity=claims.get(ORGNR_PARENT, _DEFAULT_CLIENT[ORGNR_PARENT]),
            point_of_care=claims.get(ORGNR_CHILD),
            organization_name=registers.organization_name,
        )
    if request.says("createTokenExchangeClaims"):
        claims["act"] = _actor(request)
    for own in request.members.get("apiSpecificClaims", ()):
        claims[own["type"]] = own["value"]
    return in_token_order(claims)


def in_token_order(claims: Mapping[str, Any]) -> dict[str, Any]:
    """``claims`` in the order in which HelseID writes them."""
    places = {**_PLACES, **_LAST_PLACES}
    return dict(sorted(claims.items(), key=lambda claim: places.get(claim[0], len(_PLACES))))


def lifetime_of(request: TokenRequest) -> int:
    """Seconds that the ordered token lives; days go before seconds, because one program always sends those. Raises
    OrderError.
    """
    times = request.group("expirationParameters")
    days, seconds = times.get("expirationTimeInDays"), times.get("expirationTimeInSeconds")
    name, life = ("expirationTimeInDays", days * _DAY) if days is not None else ("expirationTimeInSeconds", seconds)
    if life is None:
        return USUAL_LIFETIME
    if not 0 < life <= _LONGEST_LIFETIME:
        remedy = "setExpirationTimeAsExpired makes a token that is over" if life < 0 else "a hundred years are the most"
        raise OrderError(400, {f"expirationParameters.{name}": f"makes a life of {life} seconds; {remedy}"})
    return int(life)


def _client(request: TokenRequest, frame: Frame) -> dict[str, Any]:
    mode = request.generation("Client", of_version_1=frame.of_version_1)
    claims: dict[str, Any] = {}
    if _invents(mode):
        claims = {**_DEFAULT_CLIENT, "jti": frame.new_id()}
    given = request.group("clientClaimsParameters")
    if _takes(mode):
        claims |= _given(given, CLIENT_CLAIMS)
        methods = given.get("authenticationMethodsReferences")
        if methods:
            claims[CLIENT_AMR] = methods[0] if len(methods) == 1 else list(methods)
        if given.get("clientTenancy"):
            claims[CLIENT_TENANCY] = _TENANCIES[given.get("clientTenancyType", Tenancy.MultiTenant)]
        for name, also in SAMPLES_NAMES.items():
            if name in claims:
                claims[also] = claims[name]
    return claims


def _user(request: TokenRequest, frame: Frame, registers: Registers) -> dict[str, Any]:
    mode = request.generation("User", of_version_1=frame.of_version_1)
    given = request.group("userClaimsParameters")
    pid = given.get("pid", "")
    claims: dict[str, Any] = {}
    if _invents(mode):
        counts = pid if pid and _takes(mode) else _PID
        sub = registers.sub(counts)
        claims = {**_DEFAULT_USER, PID_PSEUDONYM: sub, "sub": sub, "sid": frame.new_id()}
    if _takes(mode):
        claims |= _given(given, USER_CLAIMS)
        if "amr" in given:
            claims["amr"] = [given["amr"]]
    try:
        if request.says("getPersonFromPersontjenesten"):
            person = registers.person(pid)
            claims["name"] = full_name(person)
            if not request.says("onlySetNameForPerson"):
                claims["given_name"] = person.given_name
                claims["middle_name"] = person.middle_name
                claims["family_name"] = person.family_name
        if request.says("getHprNumberFromHprregisteret"):
            claims[HPR_NUMBER] = registers.hpr_number(pid)
    except LookupError as error:
        raise OrderError(404, {"userClaimsParameters.pid": str(error)}) from None
    if request.says("setPidPseudonym"):
        claims[PID_PSEUDONYM] = registers.sub(pid)
    if request.says("setSubject"):
        claims["sub"] = registers.sub(pid)
    return claims


def _actor(request: TokenRequest) -> dict[str, Any]:
    said = request.group("tokenExchangeParameters")
    names = {"issuer": "iss", "clientId": "client_id", "orgnrParent": ORGNR_PARENT}
    return {claim: said[name] for name, claim in names.items() if said.get(name)}


def _given(given: Mapping[str, Any], claims: Mapping[str, str]) -> dict[str, Any]:
    return {claim: given[name] for name, claim in claims.items() if name in given}


def _invents(mode: Generation) -> bool:
    return mode in (
        Generation.GenerateOnlyDefault,
        Generation.GenerateDefaultWithClaimsFromNonEmptyParameterValues,
    )


def _takes(mode: Generation) -> bool:
    return mode >= Generation.GenerateOnlyFromNonEmptyParameterValues


#: Switches to the members that each needs.
_NEEDS: Mapping[str, Sequence[tuple[str, str]]] = {
    "getPersonFromPersontjenesten": (("userClaimsParameters", "pid"),),
    "getHprNumberFromHprregisteret": (("userClaimsParameters", "pid"),),
    "setPidPseudonym": (("userClaimsParameters", "pid"),),
    "setSubject": (("userClaimsParameters", "pid"), ("clientClaimsParameters", "clientId")),
}

#: Switches to the members that they exclude: both would say the same claim.
_EXCLUDES: Mapping[str, Sequence[str]] = {
    "getPersonFromPersontjenesten": ("name", "givenName", "middleName", "familyName"),
    "getHprNumberFromHprregisteret": ("hprNumber",),
}


def _check_switches(request: TokenRequest) -> None:
    faults: dict[str, str] = {}
    for switch, needed in _NEEDS.items():
        for path in needed:
            if request.says(switch) and not request.text(*path):
                faults[".".join(path)] = f"is missing; {switch} needs it"
    for switch, excluded in _EXCLUDES.items():
        for name in excluded:
            if request.says(switch) and request.text("userClaimsParameters", name):
                faults[f"userClaimsParameters.{name}"] = f"is given, and {switch} looks it up; leave one of the two out"
    if request.says("createTokenExchangeClaims") and not _actor(request):
        faults["tokenExchangeParameters"] = (
            "needs one of issuer, clientId and orgnrParent for createTokenExchangeClaims"
        )
    for number, own in enumerate(request.members.get("apiSpecificClaims", ())):
        for name in ("type", "value"):
            if name not in own:
                faults[f"apiSpecificClaims[{number}].{name}"] = "is missing; a claim needs type and value"
    if faults:
        raise OrderError(400, faults)
