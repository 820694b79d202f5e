"""A case for every requirement on details and on what APIs ask: how to break it, and what each enforcement does."""

import json
from collections.abc import Callable
from typing import Any

from tests.helseid.cases import HELSEID, NEVER, STRICT, Case, assertion_claims
from tests.helseid.login_cases import WEB, pushed, web
from tests.support.emulator import API_SCOPE, Emulator, register_api
from tests.support.machine import Answer, Machine
from tests.support.relying_party import Login, RelyingParty

Element = dict[str, Any]

PARENT, CHILD, OTHER_CHILD = "213000012", "213000020", "213000039"
SUPPLIER, CUSTOMER, OTHER_CUSTOMER = "318000107", "213100106", "214100118"

CHILD_SYSTEM, OLD_CHILD_SYSTEM = "urn:oid:2.16.578.1.12.4.1.4.101", "urn:oid:2.16.578.1.12.4.1.2.101"
PARENT_SYSTEM = "urn:oid:1.0.6523"

JOURNAL_ID = "9c1f0a5e-6e0f-4c1b-9f66-0d6f2a1c7b11"

SINGLE: dict[str, Any] = {"tenancy": "single-tenant", "organization": PARENT, "children": [CHILD, OTHER_CHILD]}
MULTI: dict[str, Any] = {
    "tenancy": "multi-tenant",
    "organization": SUPPLIER,
    "delegations": [CUSTOMER, OTHER_CUSTOMER],
}


def organization(value: Any, system: Any = PARENT_SYSTEM, kind: Any = "ENH") -> Element:
    """``helseid_authorization`` for an organization number in one of its systems."""
    identifier = {"system": system, "type": kind, "value": value}
    return {"type": "helseid_authorization", "practitioner_role": {"organization": {"identifier": identifier}}}


def child(number: Any, system: Any = CHILD_SYSTEM) -> Element:
    return organization(number, system)


def parent(number: str, of_child: str | None = None) -> Element:
    return organization(f"NO:ORGNR:{number}" if of_child is None else f"NO:ORGNR:{number}:{of_child}")


def journal(journal_id: Any = JOURNAL_ID) -> Element:
    return {"type": "nhn:sfm:journal-id", "value": {"journal_id": journal_id}}


def trust_framework(authorization: str | None = "LE") -> Element:
    """Complete, as documented."""
    legal_entity = {"id": PARENT, "system": CHILD_SYSTEM}
    unit = {"id": CHILD, "system": CHILD_SYSTEM}
    department = {"id": "705592", "system": "urn:oid:2.16.578.1.12.4.1.4.102"}
    practitioner: Element = {"legal_entity": legal_entity, "point_of_care": unit, "department": department}
    if authorization is not None:
        code = {"code": authorization, "system": "urn:oid:2.16.578.1.12.4.1.1.9060"}
        practitioner = {"authorization": code, **practitioner}
    return {
        "type": "nhn:tillitsrammeverk:parameters",
        "practitioner": practitioner,
        "care_relationship": {
            "healthcare_service": {"code": "S03", "system": "urn:oid:2.16.578.1.12.4.1.1.8655"},
            "purpose_of_use": {"code": "TREAT", "system": "urn:oid:2.16.840.1.113883.1.11.20448"},
            "purpose_of_use_details": {"code": "15", "system": "urn:oid:2.16.578.1.12.4.1.1.9151"},
            "decision_ref": {"id": "5a1b0f36-6e0e-4d6e-9a34-6b0a7f0a2f10", "user_selected": True},
        },
        "patients": [{"point_of_care": unit, "department": department}],
    }


def sending(*elements: Element) -> Callable[[Machine], Answer]:
    """A machine that asks for a token with these details."""
    return assertion_claims(assertion_details=list(elements))


def redeeming(*elements: Element, asked: dict[str, Any] | None = None, scope: str = "") -> Callable[[Machine], Answer]:
    """A login whose code is redeemed with these details."""

    def step(rp: RelyingParty, login: Login) -> Answer:
        changes = {"scope": f"{rp.scopes} {scope}".strip(), **(asked or {})}
        claims = {"assertion_details": list(elements)} if elements else {}
        return rp.redeem(login, rp.log_in(login, changes)["code"], assertion={"claims": claims})

    return web(step)


def pushing(*elements: Element, asked: dict[str, Any] | None = None) -> Callable[[RelyingParty, Login], Answer]:
    """A pushed request, with ``asked`` as further parameters, whose assertion has these details."""

    def step(rp: RelyingParty, login: Login) -> Answer:
        assertion = rp.machine.assertion(claims={"assertion_details": list(elements)})
        return rp.push(login, {"client_assertion": assertion, **(asked or {})})

    return step


def _without_proof(machine: Machine) -> Answer:
    return machine.post(machine.form(machine.assertion()))


def _api(**members: Any) -> Callable[[Emulator], object]:
    return lambda sts: register_api(sts.store, "test:api", scopes=[API_SCOPE], **members)


_INCOMPLETE = {name: part for name, part in trust_framework().items() if name != "patients"}

DETAILS_CASES: dict[str, Case] = {
    "details.readable": Case(
        HELSEID,
        sending(organization(PARENT, kind="X")),
        "invalid_request",
        says="HID-1007: practitioner_role.organization.identifier.type is 'X', expected 'ENH'",
    ),
    "details.known-type": Case(
        STRICT,
        sending({"type": "test:unknown"}),
        "invalid_request",
        fapi2="refused",
        says="HID-1007: type is 'test:unknown', expected one of helseid_authorization, nhn:sfm:journal-id, "
        "nhn:tillitsrammeverk:parameters",
    ),
    "details.double-structure": Case(
        HELSEID,
        redeeming(journal(), asked={"authorization_details": json.dumps(journal())}),
        "access_denied",
        WEB,
    ),
    "details.shared-secret": Case(
        HELSEID, sending(child(CHILD)), "access_denied", {**SINGLE, "has_shared_secret": True}
    ),
    "details.tenancy": Case(HELSEID, sending(child(CHILD)), "access_denied"),
    "details.number-form": Case(
        HELSEID,
        sending(child("21300002")),
        "invalid_request",
        SINGLE,
        says="HID-1004: orgnr_child must have nine digits",
    ),
    "details.parent-allowed": Case(HELSEID, sending(parent(PARENT)), "access_denied", SINGLE),
    "details.child-allowed": Case(HELSEID, sending(child(CHILD)), "access_denied", {**SINGLE, "children": []}),
    "details.parent-delegated": Case(HELSEID, sending(parent("213200100")), "access_denied", MULTI),
    "details.child-listed": Case(HELSEID, sending(child("213000047")), "access_denied", SINGLE),
    "details.child-of-parent": Case(
        HELSEID,
        sending(parent(CUSTOMER, "213100203")),
        "access_denied",
        {**MULTI, "delegated_children": {CUSTOMER: ["213100300"]}},
    ),
    "details.not-with-code": Case(STRICT, redeeming(parent(CUSTOMER)), "access_denied", {**WEB, **MULTI}),
    "details.child-registered": Case(NEVER, sending(parent(CUSTOMER, CHILD)), members=MULTI),
    "details.member": Case(
        STRICT,
        assertion_claims(authorization_details=[journal()]),
        "invalid_request",
        says="the client assertion must have the details under assertion_details",
    ),
    "details.pushed-assertion": Case(NEVER, web(pushing(journal())), "", WEB),
    "details.carrier": Case(NEVER, pushed(authorization_details=json.dumps([journal()])), "", WEB),
    "details.journal-id": Case(STRICT, sending(journal("no UUID")), "invalid_request"),
    "details.trust-framework": Case(
        STRICT,
        sending(_INCOMPLETE),
        "invalid_request",
        says="HID-1007: patients is missing or not an array",
    ),
    "details.trust-framework-profession": Case(
        STRICT,
        redeeming(trust_framework("TL")),
        "access_denied",
        WEB,
        says="HID-1007: practitioner.authorization.code is 'TL', expected one of LE",
    ),
    "details.trust-framework-level": Case(
        STRICT, redeeming(trust_framework(), asked={"test_security_level": "3"}), "access_denied", WEB
    ),
    "details.trust-framework-legal-entity": Case(
        STRICT, sending(trust_framework()), "access_denied", {**SINGLE, "organization": "213000055"}
    ),
    "details.trust-framework-used": Case(NEVER, sending(trust_framework())),
    "api.dpop": Case(
        HELSEID,
        _without_proof,
        "invalid_request",
        {"dpop_bound_access_tokens": False},
        others=_api(require_dpop=True),
        strict_rule="client.dpop",
        strict_error="invalid_client",
        fapi2_rule="token-request.sender-constrained",
    ),
    "api.organization": Case(HELSEID, assertion_claims(), "invalid_request", others=_api(require_organization=True)),
    "api.child-organization": Case(
        STRICT,
        assertion_claims(),
        "invalid_request",
        members=SINGLE,
        others=_api(require_child_organization=True),
    ),
    "api.security-level": Case(
        STRICT,
        redeeming(asked={"test_security_level": "3"}),
        "invalid_grant",
        WEB,
        others=_api(security_level="4"),
    ),
}
