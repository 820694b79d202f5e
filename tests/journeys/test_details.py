"""Details: organizations, the SFM journal and the trust framework, from the request to the token."""

import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.helseid import details_cases as make
from tests.helseid.details_cases import (
    CHILD,
    CUSTOMER,
    JOURNAL_ID,
    MULTI,
    OLD_CHILD_SYSTEM,
    OTHER_CHILD,
    OTHER_CUSTOMER,
    PARENT,
    SINGLE,
    SUPPLIER,
    Element,
)
from tests.support.claims import OF_LOGIN, OF_MACHINE, OF_PERSON
from tests.support.emulator import API_SCOPE, Emulator, LiveServer, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine
from tests.support.relying_party import PERSON, REDIRECT_URI, Login, RelyingParty, answer_parameters, web_client

ORGNR_PARENT = "helseid://claims/client/claims/orgnr_parent"
ORGNR_CHILD = "helseid://claims/client/claims/orgnr_child"
ORGNR_SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
TENANCY = "helseid://claims/client/client_tenancy"
JOURNAL = "nhn:sfm:journal-id"
TRUST = "nhn:tillitsrammeverk:parameters"

#: A child of CUSTOMER.
CUSTOMERS_CHILD = "213100203"

DOCTOR_WITH_D_NUMBER, NOBODY_IN_HPR = "52887931623", "44849624072"

SCOPES = f"openid offline_access {API_SCOPE}"

FORMS: dict[str, Callable[[list[Element]], object]] = {
    "object": lambda elements: elements[0],
    "array": lambda elements: elements,
    "object in a text": lambda elements: json.dumps(elements[0]),
    "array in a text": json.dumps,
}


def ask(machine: Machine, value: object, member: str = "assertion_details") -> Answer:
    """A machine asks for a token with details in its assertion."""
    return machine.token(assertion={"claims": {member: value}})


def organizations(answer: Answer) -> tuple[str | None, str | None, str | None]:
    """Parent, child and supplier in an access token."""
    assert answer.status == 200, answer.content
    parent, child, supplier = (answer.claims.get(name) for name in (ORGNR_PARENT, ORGNR_CHILD, ORGNR_SUPPLIER))
    return parent, child, supplier


def refused(answer: Answer, error: str, begins: str, rule: str) -> None:
    assert (answer.status, answer.error, answer.rule) == (400, error, rule), answer.content
    assert answer.description is not None
    assert answer.description.startswith(begins)
    assert list(answer.json) == ["error", "error_description"]


def broken(sts: Emulator) -> list[str]:
    """The requirements that the last request broke."""
    return [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]


def web(sts: Emulator, **members: Any) -> RelyingParty:
    rp = web_client(sts, **{"scope": SCOPES, **members})
    rp.scopes = SCOPES
    return rp


def request_object(rp: RelyingParty, claims: dict[str, Any]) -> str:
    """A request object with ``claims`` beside what each must have."""
    inside = {"client_id": rp.machine.client_id, "sub": ABSENT, **claims}
    return rp.machine.assertion(header={"typ": "oauth-authz-req+jwt"}, claims=inside)


def log_in_with(rp: RelyingParty, value: object, changes: dict[str, Any] | None = None) -> Answer:
    """A whole login with details in a request object; the answer of the token endpoint."""
    return rp.tokens({"request": request_object(rp, {"authorization_details": value}), **(changes or {})})


def refresh_with(rp: RelyingParty, tokens: Answer, *elements: Element) -> Answer:
    claims = {"assertion_details": list(elements)} if elements else {}
    return rp.refresh(tokens.json["refresh_token"], assertion={"claims": claims})


@pytest.fixture
def single(sts: Emulator) -> Machine:
    return sts.client(**SINGLE)


@pytest.fixture
def multi(sts: Emulator) -> Machine:
    return sts.client(**MULTI)


# Forms and members


@pytest.mark.covers("contract.30", "contract.31")
@pytest.mark.covers("details.assertion.forms", "details.assertion.older-member")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("member", ["assertion_details", "authorization_details"])
def test_details_in_the_assertion_are_read_in_every_form(
    sts: Emulator, single: Machine, form: str, member: str
) -> None:
    answer = ask(single, FORMS[form]([make.child(CHILD)]), member)
    assert organizations(answer) == (PARENT, CHILD, None)
    assert broken(sts) == (["details.member"] if member == "authorization_details" else [])


DOUBLE = "details.double-structure"

#: What may not stand in one assertion, or one request: both members, whatever they hold, or a type twice.
TWICE: dict[str, dict[str, Any]] = {
    "both, different types": {"assertion_details": [make.child(CHILD)], "authorization_details": make.journal()},
    "both, the same type": {"assertion_details": [make.child(CHILD)], "authorization_details": make.child(CHILD)},
    "both, equal texts": {name: json.dumps(make.journal()) for name in ("assertion_details", "authorization_details")},
    "both, one empty": {"assertion_details": [make.child(CHILD)], "authorization_details": []},
    "both, one unreadable": {"assertion_details": [make.child(CHILD)], "authorization_details": "{"},
    "both, one unknown": {"assertion_details": {"type": "test:a"}, "authorization_details": make.journal()},
    "a type twice": {"assertion_details": [make.journal(), make.journal()]},
    "a type twice, different values": {
        "assertion_details": [make.child(CHILD), make.journal(), make.child(OTHER_CHILD)]
    },
    "a type twice in a text": {"assertion_details": json.dumps([make.journal(), make.journal()])},
    "a type twice, the older member": {"authorization_details": [make.trust_framework()] * 2},
}


@pytest.mark.covers("details.assertion.both-members")
@pytest.mark.parametrize("mode", ["helseid", "strict", "fapi2"])
@pytest.mark.parametrize("case", TWICE)
@pytest.mark.parametrize("carrier", ["token request", "pushed request", "request object"])
def test_a_double_structure_is_refused_wherever_it_stands(worlds: Worlds, carrier: str, case: str, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    if carrier == "token request":
        answer = sts.client(**SINGLE).token(assertion={"claims": TWICE[case]})
    else:
        rp = web(sts, **SINGLE)
        beside = {"client_assertion": rp.machine.assertion(claims=TWICE[case])}
        answer = rp.push(
            Login(), beside if carrier == "pushed request" else {"request": request_object(rp, TWICE[case])}
        )
    refused(answer, "access_denied", "HID-DOUBLE-STRUCTURE: ", DOUBLE)


@pytest.mark.covers("details.assertion.both-members")
def test_observing_takes_both_members_and_records_it(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="observe")
    answer = sts.client(**SINGLE).token(assertion={"claims": TWICE["both, different types"]})
    assert organizations(answer) == (PARENT, CHILD, None)
    assert answer.claims[JOURNAL] == JOURNAL_ID
    assert broken(sts) == [DOUBLE, "details.member"]


#: Details of a type that HelseID does not have, and what is understood beside it.
UNKNOWN: dict[str, tuple[Any, str | None]] = {
    "alone": ([{"type": "test:unknown"}], None),
    "one object": ({"type": "test:unknown"}, None),
    "before another": ([{"type": "test:unknown"}, make.child(CHILD)], CHILD),
    "after another": ([make.child(CHILD), {"type": "test:unknown", "value": [1]}], CHILD),
    "twice": ([{"type": "test:unknown"}, make.child(CHILD), {"type": "test:unknown"}], CHILD),
    "letter case": ([{"type": "HelseID_Authorization"}], None),
}


@pytest.mark.covers("details.unknown-type")
@pytest.mark.parametrize("case", UNKNOWN)
@pytest.mark.parametrize("mode", ["helseid", "strict", "fapi2"])
@pytest.mark.parametrize("carrier", ["assertion", "request object", "parameter"])
def test_an_unknown_type_is_left_aside_and_recorded(worlds: Worlds, carrier: str, mode: str, case: str) -> None:
    sts = worlds.make(enforcement=mode)
    value, child = UNKNOWN[case]
    login = Login()
    if carrier == "assertion":
        answer = ask(sts.client(**SINGLE), value)
    else:
        rp = web(sts, **SINGLE)
        inside = {"authorization_details": value}
        beside = {"authorization_details": json.dumps(value)}
        signed = carrier == "request object"
        answer = rp.push(login, {"test_pid": PERSON, **({"request": request_object(rp, inside)} if signed else beside)})
    assert "details.known-type" in broken(sts)
    if mode != "helseid":
        refused(answer, "invalid_request", "HID-1007: type is '", "details.known-type")
        return
    if carrier != "assertion":
        assert answer.status == 201, answer.content
        code = answer_parameters(rp.browser().send("GET", rp.authorize_path(answer.json["request_uri"])))["code"]
        answer = rp.redeem(login, code)
    assert organizations(answer) == (PARENT, child, None)


def test_an_empty_array_says_nothing(sts: Emulator, single: Machine) -> None:
    assert organizations(ask(single, [])) == (PARENT, None, None)
    assert broken(sts) == []


@pytest.mark.covers("details.form-parameter")
def test_a_form_parameter_of_the_token_request_is_no_carrier(single: Machine) -> None:
    parameters = {name: json.dumps([make.child(CHILD)]) for name in ("assertion_details", "authorization_details")}
    assert organizations(single.token(form=parameters)) == (PARENT, None, None)


@pytest.mark.covers("details.client-assertion-at-par")
def test_what_the_assertion_of_a_pushed_request_holds_is_not_kept(sts: Emulator) -> None:
    rp = web(sts, **SINGLE)
    login = Login()
    asked = rp.parameters(login, {"test_pid": PERSON})
    form = rp.machine.form(rp.machine.assertion(claims={"assertion_details": [make.child(CHILD)]}), asked)
    del form["grant_type"]
    pushed = rp.machine.post(form, path="/connect/par")
    assert pushed.status == 201
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    assert organizations(rp.redeem(login, code)) == (PARENT, None, None)


# Organizations


@pytest.mark.covers("contract.33", "contract.35")
@pytest.mark.covers("access-token.orgnr-child")
@pytest.mark.covers("details.child.systems")
@pytest.mark.parametrize("system", [make.CHILD_SYSTEM, OLD_CHILD_SYSTEM])
@pytest.mark.parametrize("number", [CHILD, OTHER_CHILD])
def test_a_single_tenant_client_names_its_child_in_either_system(single: Machine, system: str, number: str) -> None:
    answer = ask(single, make.child(number, system))
    assert organizations(answer) == (PARENT, number, None)
    assert answer.claims[TENANCY] == "single-tenant"


@pytest.mark.covers("details.single-tenant.parent-always", "access-token.orgnr-parent")
def test_a_single_tenant_client_has_its_parent_without_details_too(single: Machine) -> None:
    assert organizations(single.token()) == (PARENT, None, None)


@pytest.mark.covers("contract.32", "contract.35")
@pytest.mark.covers("details.parent.forms")
@pytest.mark.parametrize(
    ("value", "child"),
    [
        (f"NO:ORGNR:{CUSTOMER}", None),
        (f"NO:ORGNR:{CUSTOMER}:", None),
        (f"NO:ORGNR:{CUSTOMER}:{CUSTOMERS_CHILD}", CUSTOMERS_CHILD),
    ],
)
def test_a_multi_tenant_client_names_its_parent_in_three_forms(multi: Machine, value: str, child: str | None) -> None:
    answer = ask(multi, [make.organization(value)])
    assert organizations(answer) == (CUSTOMER, child, SUPPLIER)
    assert answer.claims[TENANCY] == "multi-tenant"


@pytest.mark.covers("details.multi-tenant.child-unchecked")
def test_the_child_of_a_customer_is_in_no_list(multi: Machine) -> None:
    assert organizations(ask(multi, make.parent(CUSTOMER, "999999999"))) == (CUSTOMER, "999999999", SUPPLIER)


@pytest.mark.covers("details.multi-tenant.children-listed")
def test_where_the_registration_lists_a_parents_children_only_these_may_be_named(sts: Emulator) -> None:
    listed = {CUSTOMER: [CUSTOMERS_CHILD]}
    machine = sts.client(**{**MULTI, "delegated_children": listed})
    assert organizations(ask(machine, make.parent(CUSTOMER, CUSTOMERS_CHILD)))[1] == CUSTOMERS_CHILD
    refused(ask(machine, make.parent(CUSTOMER, "213100300")), "access_denied", "HID-1003: ", "details.child-of-parent")
    # Of another parent nothing is listed, so all may be named.
    assert organizations(ask(machine, make.parent(OTHER_CUSTOMER, "213100300")))[1] == "213100300"
    assert organizations(ask(machine, make.parent(CUSTOMER))) == (CUSTOMER, None, SUPPLIER)


def test_an_empty_list_of_children_allows_none(sts: Emulator) -> None:
    machine = sts.client(**{**MULTI, "delegated_children": {CUSTOMER: []}})
    refused(
        ask(machine, make.parent(CUSTOMER, CUSTOMERS_CHILD)),
        "access_denied",
        "HID-1003: ",
        "details.child-of-parent",
    )


@pytest.mark.covers("details.multi-tenant.none-named")
def test_a_multi_tenant_client_that_names_nobody_gets_a_token_without_parent(multi: Machine) -> None:
    assert organizations(multi.token()) == (None, None, SUPPLIER)


@pytest.mark.covers("contract.35")
@pytest.mark.covers("details.claims.order")
def test_the_claims_of_a_machine_stand_in_the_order_of_the_recordings(multi: Machine) -> None:
    answer = ask(multi, [make.parent(CUSTOMER, CUSTOMERS_CHILD), make.journal()])
    assert list(answer.claims) == [
        *OF_MACHINE,
        ORGNR_PARENT,
        ORGNR_CHILD,
        JOURNAL,
        ORGNR_SUPPLIER,
        TENANCY,
        "jti",
    ]


@pytest.mark.covers("contract.35")
@pytest.mark.covers("details.claims.order")
def test_so_do_those_of_a_person(sts: Emulator) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE], claims=["helseid://claims/identity/pid"])
    answer = log_in_with(web(sts, **MULTI), [make.parent(CUSTOMER, CUSTOMERS_CHILD), make.journal()])
    assert list(answer.claims) == [
        *OF_PERSON,
        ORGNR_PARENT,
        ORGNR_CHILD,
        JOURNAL,
        *OF_LOGIN,
        "helseid://claims/identity/pid",
        ORGNR_SUPPLIER,
        TENANCY,
        "sid",
        "jti",
    ]


@pytest.mark.covers("details.fixed-claims")
def test_an_older_client_has_its_organization_as_a_fixed_claim(sts: Emulator) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE], require_organization=True)
    fixed = {ORGNR_PARENT: PARENT, ORGNR_CHILD: CHILD, "test:other/client/claims/x": "1"}
    answer = sts.client(client_claims=fixed).token()
    assert organizations(answer) == (PARENT, CHILD, None)
    assert {TENANCY, "test:other/client/claims/x"} & set(answer.claims) == set()
    names = list(answer.claims)
    assert names.index("client_amr") + 1 == names.index(ORGNR_PARENT) < names.index(ORGNR_CHILD)


# The SFM journal


@pytest.mark.covers("contract.34")
@pytest.mark.covers("access-token.structured-details")
@pytest.mark.covers("details.journal-id")
@pytest.mark.parametrize("beside", [None, make.parent(CUSTOMER)])
def test_the_sfm_journal_id_becomes_a_claim(multi: Machine, beside: Element | None) -> None:
    answer = ask(multi, [*([] if beside is None else [beside]), make.journal()])
    assert answer.claims[JOURNAL] == JOURNAL_ID
    assert organizations(answer)[0] == (None if beside is None else CUSTOMER)


@pytest.mark.covers("details.journal-id.form")
def test_a_journal_id_that_is_no_uuid_is_taken_and_recorded(sts: Emulator, machine: Machine) -> None:
    assert ask(machine, make.journal("4711")).claims[JOURNAL] == "4711"
    assert broken(sts) == ["details.journal-id"]
    strict = sts.client("strict", jwk=private_jwk("ES256", 3), enforcement="strict")
    says = "HID-1007: value.journal_id of nhn:sfm:journal-id must be a UUID"
    refused(ask(strict, make.journal("4711")), "invalid_request", says, "details.journal-id")


@pytest.mark.covers("details.journal-id")
def test_a_client_without_tenancy_may_send_a_journal_id(machine: Machine) -> None:
    assert ask(machine, make.journal()).claims[JOURNAL] == JOURNAL_ID


# Per request: refresh


@pytest.mark.covers("contract.36")
@pytest.mark.covers("details.refresh", "details.assertion.one-token")
def test_the_details_of_a_refresh_are_those_of_its_own_assertion(sts: Emulator) -> None:
    rp = web(sts, **SINGLE)
    tokens = rp.tokens()
    assert organizations(tokens) == (PARENT, None, None)
    for number in (CHILD, OTHER_CHILD):
        tokens = refresh_with(rp, tokens, make.child(number))
        assert organizations(tokens) == (PARENT, number, None)
    assert organizations(refresh_with(rp, tokens)) == (PARENT, None, None)


@pytest.mark.covers("contract.36")
@pytest.mark.covers("details.multi-tenant.log-in-first", "details.refresh")
def test_a_multi_tenant_client_logs_in_without_organization_and_refreshes_once_for_each(sts: Emulator) -> None:
    rp = web(sts, **MULTI)
    tokens = rp.tokens()
    assert organizations(tokens) == (None, None, SUPPLIER)
    for customer in (CUSTOMER, OTHER_CUSTOMER, CUSTOMER):
        tokens = refresh_with(rp, tokens, make.parent(customer))
        assert organizations(tokens) == (customer, None, SUPPLIER)
    assert organizations(refresh_with(rp, tokens)) == (None, None, SUPPLIER)


def test_a_refresh_with_details_that_are_refused_uses_nothing_up(sts: Emulator) -> None:
    rp = web(sts, **MULTI)
    tokens = rp.tokens()
    answer = refresh_with(rp, tokens, make.parent("213200100"))
    refused(answer, "access_denied", "HID-1001: ", "details.parent-delegated")
    assert organizations(refresh_with(rp, tokens, make.parent(CUSTOMER)))[0] == CUSTOMER


def test_a_code_with_details_that_are_refused_is_used_up(sts: Emulator) -> None:
    rp = web(sts, **MULTI)
    login = Login()
    code = rp.log_in(login)["code"]
    wrong = {"claims": {"assertion_details": [make.parent("213200100")]}}
    refused(rp.redeem(login, code, assertion=wrong), "access_denied", "HID-1001: ", "details.parent-delegated")
    assert rp.redeem(login, code).error == "invalid_grant"


@pytest.mark.covers("details.hid-1009")
def test_organization_numbers_with_a_code_are_taken_and_recorded(sts: Emulator) -> None:
    rp = web(sts, **MULTI)
    login = Login()
    code = rp.log_in(login)["code"]
    answer = rp.redeem(login, code, assertion={"claims": {"assertion_details": [make.parent(CUSTOMER)]}})
    assert organizations(answer) == (CUSTOMER, None, SUPPLIER)
    assert broken(sts) == ["details.not-with-code"]


# For a whole login


@pytest.mark.covers("contract.37")
@pytest.mark.covers("details.request-object")
@pytest.mark.parametrize("form", FORMS)
def test_details_in_a_request_object_are_for_the_whole_login(sts: Emulator, form: str) -> None:
    rp = web(sts, **MULTI)
    tokens = log_in_with(rp, FORMS[form]([make.parent(CUSTOMER, CUSTOMERS_CHILD)]))
    assert organizations(tokens) == (CUSTOMER, CUSTOMERS_CHILD, SUPPLIER)
    for _ in range(2):
        tokens = refresh_with(rp, tokens)
        assert organizations(tokens) == (CUSTOMER, CUSTOMERS_CHILD, SUPPLIER)
    assert [entry["findings"]["broken"] for entry in sts.journal()] == [[]] * len(sts.journal())


@pytest.mark.covers("details.request-object")
def test_another_structure_may_come_with_each_refresh(sts: Emulator) -> None:
    rp = web(sts, **MULTI)
    tokens = log_in_with(rp, make.parent(CUSTOMER))
    first = refresh_with(rp, tokens, make.journal())
    assert (organizations(first)[0], first.claims[JOURNAL]) == (CUSTOMER, JOURNAL_ID)
    assert JOURNAL not in refresh_with(rp, first).claims


@pytest.mark.covers("details.par-parameter")
@pytest.mark.parametrize("form", ["object in a text", "array in a text"])
def test_details_as_a_parameter_of_a_pushed_request_work_and_are_recorded(sts: Emulator, form: str) -> None:
    rp = web(sts, **SINGLE)
    login = Login()
    value = FORMS[form]([make.child(CHILD)])
    pushed = rp.push(login, {"test_pid": PERSON, "authorization_details": value})
    assert pushed.status == 201
    assert broken(sts) == ["details.carrier"]
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    tokens = rp.redeem(login, code)
    assert organizations(tokens) == (PARENT, CHILD, None)
    assert organizations(refresh_with(rp, tokens)) == (PARENT, CHILD, None)


@pytest.mark.covers("details.request-object")
def test_a_later_login_in_the_same_browser_has_details_of_its_own(sts: Emulator) -> None:
    rp = web(sts, **MULTI)
    browser = rp.browser()
    found: list[tuple[str | None, bool, str]] = []
    for elements in ([make.parent(CUSTOMER)], [], [make.parent(OTHER_CUSTOMER), make.journal()]):
        login = Login()
        inside = {"request": request_object(rp, {"authorization_details": elements})} if elements else {}
        # Only the first one logs in; single sign-on answers the others.
        who = {} if found else {"test_pid": PERSON}
        pushed = rp.push(login, {**inside, **who})
        answer = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
        tokens = rp.redeem(login, answer_parameters(answer)["code"])
        found.append((organizations(tokens)[0], JOURNAL in tokens.claims, tokens.claims["sid"]))
    sid = found[0][2]
    assert found == [(CUSTOMER, False, sid), (None, False, sid), (OTHER_CUSTOMER, True, sid)]


def test_details_twice_in_a_pushed_request_are_refused(sts: Emulator) -> None:
    answer = web(sts, **SINGLE).push(Login(), {"authorization_details": [json.dumps(make.child(CHILD))] * 2})
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.covers("details.exchange")
def test_an_actor_names_the_organization_that_it_acts_for(sts: Emulator) -> None:
    received = sts.client("caller", **SINGLE).token(assertion={"claims": {"assertion_details": make.child(CHILD)}})
    grant = "urn:ietf:params:oauth:grant-type:token-exchange"
    actor = sts.client("actor", private_jwk("ES256", 3), grant_types=[grant], scope="next:api/read", **MULTI)
    form = {
        "grant_type": grant,
        "subject_token": received.json["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "next:api/read",
    }
    answer = actor.token(form=form, assertion={"claims": {"assertion_details": make.parent(CUSTOMER, CHILD)}})
    # The caller's organization stays; the actor's stands in act.
    assert organizations(answer) == (PARENT, CHILD, None)
    assert answer.claims["act"][ORGNR_PARENT] == CUSTOMER
    wrong = actor.token(form=form, assertion={"claims": {"assertion_details": make.parent("213200100")}})
    refused(wrong, "access_denied", "HID-1001: ", "details.parent-delegated")
    assert ORGNR_PARENT not in actor.token(form=form).claims["act"]


@pytest.mark.covers("details.double-structure")
@pytest.mark.parametrize("grant", ["code", "refresh"])
@pytest.mark.parametrize(
    ("inside", "beside"),
    [
        (make.journal(), make.journal()),
        (make.parent(CUSTOMER), make.parent(OTHER_CUSTOMER)),
        (make.trust_framework(), make.trust_framework()),
    ],
    ids=["journal", "organization", "trust framework"],
)
def test_the_same_structure_from_the_login_and_in_the_assertion_is_refused(
    sts: Emulator, grant: str, inside: Element, beside: Element
) -> None:
    rp = web(sts, **MULTI)
    login = Login()
    code = rp.log_in(login, {"request": request_object(rp, {"authorization_details": [inside]})})["code"]
    if grant == "code":
        answer = rp.redeem(login, code, assertion={"claims": {"assertion_details": [beside]}})
    else:
        answer = refresh_with(rp, rp.redeem(login, code), beside)
    refused(answer, "access_denied", "HID-DOUBLE-STRUCTURE", "details.double-structure")


@pytest.mark.covers("details.double-structure")
def test_observing_takes_the_one_in_the_assertion(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="observe")
    rp = web(sts, **MULTI)
    tokens = log_in_with(rp, make.parent(CUSTOMER))
    assert organizations(refresh_with(rp, tokens, make.parent(OTHER_CUSTOMER)))[0] == OTHER_CUSTOMER
    assert broken(sts) == ["details.double-structure"]


# Every code, and every broken form


def nested(depth: int) -> Element:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return {"type": "helseid_authorization", "more": value}


REFUSALS: dict[str, tuple[dict[str, Any], object, str, str, str]] = {
    "HID-1001": (MULTI, make.parent("213200100"), "access_denied", "HID-1001: ", "details.parent-delegated"),
    "HID-1002": (SINGLE, make.child("213000047"), "access_denied", "HID-1002: ", "details.child-listed"),
    "HID-1003": (
        {**MULTI, "delegated_children": {CUSTOMER: [CUSTOMERS_CHILD]}},
        make.parent(CUSTOMER, "213100300"),
        "access_denied",
        "HID-1003: ",
        "details.child-of-parent",
    ),
    "HID-1004": (SINGLE, make.child("21300002 "), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1004 letters": (SINGLE, make.child("21300002O"), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1004 empty": (SINGLE, make.child(""), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1004 other digits": (SINGLE, make.child("٢١٣٠٠٠٠٢٠"), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1004 line": (SINGLE, make.child(f"{CHILD}\n"), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1004 parent": (MULTI, make.parent("1234567890"), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1004 no parent": (MULTI, make.parent(""), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1004 child": (MULTI, make.parent(CUSTOMER, "1"), "invalid_request", "HID-1004: ", "details.number-form"),
    "HID-1005": (SINGLE, make.parent(PARENT), "access_denied", "HID-1005: ", "details.parent-allowed"),
    "HID-1005 with child": (
        SINGLE,
        make.parent(PARENT, CHILD),
        "access_denied",
        "HID-1005: ",
        "details.parent-allowed",
    ),
    "HID-1006": (
        {**SINGLE, "children": []},
        make.child(CHILD),
        "access_denied",
        "HID-1006: ",
        "details.child-allowed",
    ),
    "HID-1006 supplier": (MULTI, make.child(CUSTOMERS_CHILD), "access_denied", "HID-1006: ", "details.child-allowed"),
    "HID-1007": (
        SINGLE,
        {"type": "helseid_authorization", "practitioner_role": {}},
        "invalid_request",
        "HID-1007: ",
        "details.readable",
    ),
    "HID-1007 system": (
        SINGLE,
        make.child(CHILD, "urn:oid:2.16.578.1.12.4.1.4.102"),
        "invalid_request",
        "HID-1007: ",
        "details.readable",
    ),
    "HID-1007 prefix": (MULTI, make.organization(CUSTOMER), "invalid_request", "HID-1007: ", "details.readable"),
    "HID-1007 kind": (
        SINGLE,
        make.organization(CHILD, make.CHILD_SYSTEM, "ORG"),
        "invalid_request",
        "HID-1007: ",
        "details.readable",
    ),
    "HID-1007 no type": (SINGLE, {"value": 1}, "invalid_request", "HID-1007: ", "details.readable"),
    "HID-1007 broken JSON": (SINGLE, '[{"type":', "invalid_request", "HID-1007: ", "details.readable"),
    "HID-1007 number": (SINGLE, "17", "invalid_request", "HID-1007: ", "details.readable"),
    "HID-1007 texts": (SINGLE, ["helseid_authorization"], "invalid_request", "HID-1007: ", "details.readable"),
    "HID-1007 many": (SINGLE, [{"type": "x"}] * 30, "invalid_request", "HID-1007: ", "details.readable"),
    "HID-1007 deep": (
        SINGLE,
        f'{{"type":"a","more":{"[" * 5000}{"]" * 5000}}}',
        "invalid_request",
        "HID-1007: ",
        "details.readable",
    ),
    "HID-1008": (
        {**SINGLE, "has_shared_secret": True},
        make.child(CHILD),
        "access_denied",
        "HID-1008: ",
        "details.shared-secret",
    ),
    "HID-1010": ({}, make.child(CHILD), "access_denied", "HID-1010: ", "details.tenancy"),
    "HID-1010 parent": ({"tenancy": "none"}, make.parent(PARENT), "access_denied", "HID-1010: ", "details.tenancy"),
    "HID-1010 fixed": (
        {**SINGLE, "client_claims": {ORGNR_CHILD: OTHER_CHILD}},
        make.child(CHILD),
        "access_denied",
        "HID-1010: ",
        "details.tenancy",
    ),
}


@pytest.mark.covers(
    "details.hid-1001",
    "details.hid-1002",
    "details.hid-1003",
    "details.hid-1004",
    "details.hid-1005",
    "details.hid-1006",
    "details.hid-1007",
    "details.hid-1008",
    "details.hid-1010",
)
@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("carrier", ["assertion", "request object", "parameter"])
def test_what_may_not_be_said_is_refused_with_its_code_wherever_it_stands(
    sts: Emulator, carrier: str, case: str
) -> None:
    members, value, error, begins, rule = REFUSALS[case]
    if carrier == "assertion":
        answer = ask(sts.client(**members), value)
    else:
        rp = web(sts, **members)
        as_text = value if isinstance(value, str) else json.dumps(value)
        changes: dict[str, Any] = (
            {"request": request_object(rp, {"authorization_details": value})}
            if carrier == "request object"
            else {"authorization_details": as_text}
        )
        answer = rp.push(Login(), changes)
    refused(answer, error, begins, rule)
    entry = sts.journal(limit="1")[0]
    told = next(finding for finding in entry["findings"]["broken"] if finding["rule"] == rule)
    assert told["observed"]
    assert told["expected"]
    assert "access_token" not in entry["detail"]


@pytest.mark.parametrize("value", [None, True, 17, 1.5, ""])
@pytest.mark.parametrize("member", ["assertion_details", "authorization_details"])
def test_a_member_of_another_type_is_refused(single: Machine, value: object, member: str) -> None:
    refused(ask(single, value, member), "invalid_request", "HID-1007: ", "details.readable")


def test_an_assertion_that_is_nested_too_deep_is_no_assertion(single: Machine) -> None:
    assert ask(single, nested(40)).error == "invalid_client"
    assert organizations(ask(single, make.child(CHILD))) == (PARENT, CHILD, None)


def test_no_number_that_is_not_asked_for_is_told_to_a_stranger(single: Machine) -> None:
    """The list of what would be right is for the journal."""
    answer = ask(single, make.child("213000047"))
    assert CHILD not in answer.content.decode()


@pytest.mark.covers("details.hid-1009", "details.strict")
def test_strict_refuses_an_organization_with_a_code(worlds: Worlds) -> None:
    rp = web(worlds.make(enforcement="strict"), **MULTI)
    login = Login()
    code = rp.log_in(login)["code"]
    answer = rp.redeem(login, code, assertion={"claims": {"assertion_details": [make.parent(CUSTOMER)]}})
    refused(answer, "access_denied", "HID-1009: ", "details.not-with-code")


@pytest.mark.covers("details.strict")
def test_strict_takes_other_structures_with_a_code_and_organizations_with_a_refresh(worlds: Worlds) -> None:
    rp = web(worlds.make(enforcement="strict"), **MULTI)
    login = Login()
    code = rp.log_in(login)["code"]
    tokens = rp.redeem(login, code, assertion={"claims": {"assertion_details": [make.journal()]}})
    assert tokens.claims[JOURNAL] == JOURNAL_ID
    assert organizations(refresh_with(rp, tokens, make.parent(CUSTOMER)))[0] == CUSTOMER


@pytest.mark.covers("details.strict")
def test_strict_refuses_the_older_member(worlds: Worlds) -> None:
    machine = worlds.make(enforcement="strict").client(**SINGLE)
    answer = ask(machine, [make.child(CHILD)], "authorization_details")
    description = "the client assertion must have the details under assertion_details"
    said = {"error": "invalid_request", "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, said, "details.member")
    assert organizations(ask(machine, [make.child(CHILD)])) == (PARENT, CHILD, None)


@pytest.mark.covers("details.observe")
@pytest.mark.parametrize("case", REFUSALS)
def test_observing_lets_everything_through_and_records_it(worlds: Worlds, case: str) -> None:
    members, value, _, _, rule = REFUSALS[case]
    sts = worlds.make(enforcement="observe")
    assert ask(sts.client(**members), value).status == 200
    assert rule in broken(sts)


@pytest.mark.covers("details.observe")
def test_what_is_observed_and_cannot_be_read_is_left_out(worlds: Worlds) -> None:
    machine = worlds.make(enforcement="observe").client(**SINGLE)
    assert organizations(ask(machine, "17")) == (PARENT, None, None)
    mixed = ask(machine, [make.child(CHILD), {"type": "test:unknown", "value": 1}])
    assert organizations(mixed) == (PARENT, CHILD, None)
    assert "test:unknown" not in mixed.claims


def test_a_client_may_have_an_enforcement_of_its_own(sts: Emulator) -> None:
    lax = sts.client(**SINGLE, enforcement="observe")
    assert organizations(ask(lax, make.child("213000047"))) == (PARENT, "213000047", None)


@pytest.mark.covers("details.hid-1008")
def test_a_shared_secret_forbids_organizations_alone(sts: Emulator) -> None:
    machine = sts.client(**SINGLE, has_shared_secret=True)
    assert organizations(machine.token()) == (PARENT, None, None)
    assert ask(machine, make.journal()).claims[JOURNAL] == JOURNAL_ID


def test_of_two_faults_the_first_is_told(sts: Emulator) -> None:
    """Single comes before readable, readable before known, known before allowed."""
    machine = sts.client(**MULTI, enforcement="strict")
    double = [make.journal(), {"type": "nhn:sfm:journal-id"}]
    assert ask(machine, double).rule == "details.double-structure"
    unreadable = [{"type": "test:unknown"}, {"type": "nhn:sfm:journal-id"}]
    assert ask(machine, unreadable).rule == "details.readable"
    assert ask(machine, [{"type": "test:unknown"}, make.parent("213200100")]).rule == "details.known-type"
    assert ask(machine, make.parent("1")).rule == "details.number-form"


def test_the_grant_is_judged_before_the_details(sts: Emulator) -> None:
    machine = sts.client(**SINGLE)
    answer = machine.token(form={"scope": "other:api/x"}, assertion={"claims": {"assertion_details": "17"}})
    assert answer.error == "invalid_scope"


def test_an_unpushed_request_with_wrong_details_ends_on_the_error_page(sts: Emulator) -> None:
    rp = web(sts, **SINGLE, require_pushed_authorization_requests=False)
    wrong = rp.parameters(Login(), {"authorization_details": json.dumps(make.child("213000047"))})
    answer = rp.browser().send("GET", f"/connect/authorize?{urlencode(wrong)}")
    assert answer.status == 303
    page = sts.get(answer.headers["location"])
    assert page.status == 400
    assert "HID-1002: " in page.content.decode()


def test_an_unpushed_request_with_right_details_keeps_them(sts: Emulator) -> None:
    rp = web(sts, **SINGLE, require_pushed_authorization_requests=False)
    login = Login()
    asked = rp.parameters(login, {"test_pid": PERSON, "authorization_details": json.dumps(make.child(CHILD))})
    code = answer_parameters(rp.browser().send("GET", f"/connect/authorize?{urlencode(asked)}"))["code"]
    assert organizations(rp.redeem(login, code)) == (PARENT, CHILD, None)


@pytest.mark.covers("details.errors.over-http")
def test_every_code_comes_over_a_socket_as_it_does_in_the_process(live: LiveServer) -> None:
    said: dict[str, str] = {}
    for case, (members, value, error, begins, _) in REFUSALS.items():
        machine = live.client(f"details-{case}", **members)
        answer = ask(machine, value)
        assert (answer.status, answer.error) == (400, error), case
        assert answer.description is not None
        assert answer.description.startswith(begins)
        assert answer.headers["content-type"] == "application/json; charset=UTF-8"
        said[begins] = answer.description
    assert len(set(said.values())) == len(said) == 9
    double = live.client(
        "details-double", grant_types=["authorization_code"], scope=SCOPES, redirect_uris=[REDIRECT_URI]
    )
    rp = RelyingParty(double, scopes=SCOPES)
    login = Login()
    code = rp.log_in(login, {"authorization_details": json.dumps(make.journal())})["code"]
    answer = rp.redeem(login, code, assertion={"claims": {"assertion_details": make.journal()}})
    assert answer.error == "access_denied"
    assert (answer.description or "").startswith("HID-DOUBLE-STRUCTURE")


# In the assertion of a pushed request


def push_with(
    rp: RelyingParty, value: object, asked: dict[str, Any] | None = None, login: Login | None = None
) -> Answer:
    """A pushed request with details in its assertion, and further parameters."""
    assertion = rp.machine.assertion(claims={"assertion_details": value})
    return rp.push(login or Login(), {"client_assertion": assertion, "test_pid": PERSON, **(asked or {})})


@pytest.mark.covers("details.par-assertion")
def test_details_in_the_assertion_of_a_pushed_request_have_no_effect(sts: Emulator) -> None:
    rp, login = web(sts, **SINGLE), Login()
    pushed = push_with(rp, [make.child(CHILD), make.journal()], login=login)
    assert pushed.status == 201, pushed.content
    assert broken(sts) == ["details.pushed-assertion"]
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    answer = rp.redeem(login, code)
    assert organizations(answer) == (PARENT, None, None)
    assert JOURNAL not in answer.claims


@pytest.mark.covers("details.par-assertion")
def test_the_same_structure_in_it_and_in_the_request_is_refused(sts: Emulator) -> None:
    rp = web(sts)
    inside = rp.parameters(Login(), {"authorization_details": [make.journal()], "sub": ABSENT})
    signed = {**dict.fromkeys(inside, ABSENT), "client_id": rp.machine.client_id, "test_pid": ABSENT}
    for asked in (
        {"authorization_details": json.dumps(make.journal())},
        {"request": request_object(rp, {"authorization_details": make.journal()})},
        {**signed, "request": request_object(rp, inside)},
    ):
        answer = push_with(rp, [make.journal("another")], asked)
        refused(answer, "access_denied", "HID-DOUBLE-STRUCTURE", "details.double-structure")
        assert push_with(rp, [make.trust_framework()], asked).status == 201


@pytest.mark.covers("details.par-assertion")
def test_broken_ones_in_it_are_refused(sts: Emulator) -> None:
    rp = web(sts, **SINGLE)
    refused(push_with(rp, "{"), "invalid_request", "HID-1007: the details cannot be read: ", "details.readable")
    assert push_with(rp, {"type": "test:unknown"}).status == 201
    assert broken(sts) == ["details.known-type", "details.pushed-assertion"]


# Under the other name


@pytest.mark.covers("details.other-name")
@pytest.mark.parametrize("signed", [True, False], ids=["request object", "parameter"])
def test_the_name_of_an_assertion_works_in_the_request_too(worlds: Worlds, signed: bool) -> None:
    def asked(rp: RelyingParty) -> dict[str, Any]:
        if signed:
            return {"request": request_object(rp, {"assertion_details": [make.child(CHILD)]})}
        return {"assertion_details": json.dumps([make.child(CHILD)])}

    sts = worlds.make()
    rp, login = web(sts, **SINGLE), Login()
    pushed = rp.push(login, {"test_pid": PERSON, **asked(rp)})
    assert pushed.status == 201, pushed.content
    assert broken(sts) == (["details.member"] if signed else ["details.member", "details.carrier"])
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    assert organizations(rp.redeem(login, code)) == (PARENT, CHILD, None)
    strict = web(worlds.make(enforcement="strict"), **SINGLE)
    answer = strict.push(Login(), asked(strict))
    carrier = "request object" if signed else "parameter"
    says = f"the {carrier} must have the details under authorization_details"
    refused(answer, "invalid_request", says, "details.member")


@pytest.mark.covers("details.other-name")
def test_nothing_stands_under_both_names_in_a_request(sts: Emulator) -> None:
    rp = web(sts, **SINGLE)
    both = {"assertion_details": make.journal(), "authorization_details": make.journal()}
    answer = rp.push(Login(), {"request": request_object(rp, both)})
    refused(answer, "access_denied", "HID-DOUBLE-STRUCTURE: The request object has both ", "details.double-structure")
    inside = {"request": request_object(rp, {"assertion_details": make.journal()})}
    again = rp.push(Login(), {**inside, "authorization_details": json.dumps(make.journal())})
    refused(again, "invalid_request", "Invalid request", "request-object.not-repeated")


# The trust framework


def trusting(sts: Emulator, scope: str = "nhn:kjernejournal/tillitsrammeverk", **members: Any) -> RelyingParty:
    """A client whose logins ask for the scope that brings the claim."""
    scopes = f"openid offline_access {scope}"
    rp = web_client(sts, **{**SINGLE, "scope": scopes, **members})
    rp.scopes = scopes
    return rp


def redeem_with(rp: RelyingParty, *elements: Element, pid: str = PERSON) -> Answer:
    login = Login()
    code = rp.log_in(login, {"test_pid": pid})["code"]
    return rp.redeem(login, code, assertion={"claims": {"assertion_details": list(elements)}})


@pytest.mark.covers("access-token.structured-details")
@pytest.mark.covers("details.trust-framework", "details.trust-framework.order")
@pytest.mark.parametrize(
    "scope", ["nhn:kjernejournal/tillitsrammeverk", f"nhn:tillitsrammeverk:parameters {API_SCOPE}"]
)
def test_the_trust_framework_becomes_a_claim_with_the_person_in_it(sts: Emulator, scope: str) -> None:
    answer = redeem_with(trusting(sts, scope), make.trust_framework())
    made = answer.claims[TRUST]
    assert list(made) == ["practitioner", "care_relationship", "patients"]
    assert list(made["practitioner"]) == [
        "identifier",
        "hpr_nr",
        "authorization",
        "legal_entity",
        "point_of_care",
        "department",
    ]
    assert made["practitioner"]["identifier"]["id"] == PERSON
    assert made["practitioner"]["hpr_nr"]["id"] == "565505933"
    assert made["practitioner"]["legal_entity"]["name"] == "Prøvehavn kommune (oppdiktet)"
    assert made["practitioner"]["point_of_care"]["name"] == "Prøvehavn legevakt"
    assert list(answer.claims)[-4:] == [TENANCY, TRUST, "sid", "jti"]
    assert broken(sts) == []


@pytest.mark.covers("details.trust-framework.person")
def test_a_doctor_with_a_d_number_has_its_system(sts: Emulator) -> None:
    made = redeem_with(trusting(sts), make.trust_framework(), pid=DOCTOR_WITH_D_NUMBER).claims[TRUST]
    assert made["practitioner"]["identifier"]["id"] == DOCTOR_WITH_D_NUMBER
    assert made["practitioner"]["identifier"]["system"] == "urn:oid:2.16.578.1.12.4.1.4.2"
    assert made["practitioner"]["hpr_nr"]["id"] == "569000236"


@pytest.mark.covers("details.trust-framework.person")
def test_a_person_without_hpr_number_has_none_there(sts: Emulator) -> None:
    made = redeem_with(trusting(sts), make.trust_framework(None), pid=NOBODY_IN_HPR).claims[TRUST]
    assert "hpr_nr" not in made["practitioner"]
    assert broken(sts) == []


@pytest.mark.covers("details.trust-framework.request-object")
def test_in_a_request_object_it_is_in_every_token_of_the_login(sts: Emulator) -> None:
    rp = trusting(sts)
    tokens = log_in_with(rp, [make.trust_framework()])
    first = tokens.claims[TRUST]
    assert refresh_with(rp, tokens).claims[TRUST] == first
    assert first["practitioner"]["identifier"]["id"] == PERSON


@pytest.mark.covers("details.trust-framework.refresh")
def test_each_refresh_may_have_another_one(sts: Emulator) -> None:
    rp = trusting(sts)
    tokens = redeem_with(rp, make.trust_framework())
    other = {**make.trust_framework(), "patients": []}
    second = refresh_with(rp, tokens, other)
    assert second.claims[TRUST]["patients"] == []
    assert TRUST not in refresh_with(rp, second).claims


@pytest.mark.covers("details.trust-framework.scope")
def test_without_a_scope_for_it_it_is_left_out_and_recorded(sts: Emulator) -> None:
    answer = redeem_with(trusting(sts, API_SCOPE), make.trust_framework())
    assert TRUST not in answer.claims
    assert broken(sts) == ["details.trust-framework-used"]


@pytest.mark.covers("details.trust-framework.scope")
def test_an_api_that_wants_the_claim_gets_it_whatever_its_scope_is_called(sts: Emulator) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE], claims=[TRUST])
    assert TRUST in redeem_with(trusting(sts, API_SCOPE), make.trust_framework()).claims


@pytest.mark.covers("details.trust-framework.scope")
def test_a_token_for_another_api_does_not_have_it(sts: Emulator) -> None:
    rp = trusting(sts, f"nhn:kjernejournal/tillitsrammeverk {API_SCOPE}")
    tokens = log_in_with(rp, [make.trust_framework()])
    assert TRUST in tokens.claims
    narrowed = rp.refresh(tokens.json["refresh_token"], {"resource": "test:api"})
    assert (narrowed.claims["aud"], TRUST in narrowed.claims) == ("test:api", False)
    back = rp.refresh(narrowed.json["refresh_token"], {"resource": "nhn:kjernejournal"})
    assert (back.claims["aud"], TRUST in back.claims) == ("nhn:kjernejournal", True)


@pytest.mark.covers("details.trust-framework.scope")
def test_narrowing_to_an_api_drops_helseids_own_scope_for_it_too(sts: Emulator) -> None:
    """As it drops identity scopes; the API's own wish is not dropped."""
    rp = trusting(sts, f"nhn:tillitsrammeverk:parameters {API_SCOPE}")
    tokens = log_in_with(rp, [make.trust_framework()])
    assert TRUST in tokens.claims
    narrowed = rp.refresh(tokens.json["refresh_token"], {"resource": "test:api"})
    assert TRUST not in narrowed.claims
    register_api(sts.store, "test:api", scopes=[API_SCOPE], claims=[TRUST])
    assert TRUST in rp.refresh(narrowed.json["refresh_token"], {"resource": "test:api"}).claims


@pytest.mark.covers("details.trust-framework.machine")
def test_a_machine_has_no_practitioner_so_it_is_left_out_and_recorded(sts: Emulator) -> None:
    machine = sts.client(scope=["nhn:kjernejournal/tillitsrammeverk"])
    machine.scope = "nhn:kjernejournal/tillitsrammeverk"
    assert TRUST not in ask(machine, make.trust_framework()).claims
    assert broken(sts) == ["details.trust-framework-used"]


@pytest.mark.covers("details.trust-framework.strict")
def test_an_incomplete_one_passes_and_is_recorded_where_strict_refuses(worlds: Worlds) -> None:
    incomplete = {**make.trust_framework(), "care_relationship": {"decision_ref": {"id": "x"}}}
    sts = worlds.make()
    made = redeem_with(trusting(sts), incomplete).claims[TRUST]
    assert made["care_relationship"] == {"decision_ref": {"id": "x"}}
    assert broken(sts) == ["details.trust-framework"]
    strict = redeem_with(trusting(worlds.make(enforcement="strict")), incomplete)
    refused(strict, "invalid_request", "HID-1007: ", "details.trust-framework")


@pytest.mark.covers("details.trust-framework.strict")
def test_strict_takes_a_complete_one(worlds: Worlds) -> None:
    answer = redeem_with(trusting(worlds.make(enforcement="strict")), make.trust_framework())
    assert TRUST in answer.claims


@pytest.mark.covers("details.trust-framework.profession")
def test_strict_refuses_an_authorization_that_the_person_does_not_have(worlds: Worlds) -> None:
    sts = worlds.make()
    assert redeem_with(trusting(sts), make.trust_framework("TL")).status == 200
    assert broken(sts) == ["details.trust-framework-profession"]
    strict = redeem_with(trusting(worlds.make(enforcement="strict")), make.trust_framework("TL"))
    refused(strict, "access_denied", "HID-1007: ", "details.trust-framework-profession")


@pytest.mark.covers("details.trust-framework.profession")
def test_that_is_so_for_one_in_a_request_object_too(worlds: Worlds) -> None:
    sts = worlds.make()
    assert log_in_with(trusting(sts), [make.trust_framework("TL")]).status == 200
    assert "details.trust-framework-profession" in broken(sts)
    rp = trusting(worlds.make(enforcement="strict"))
    login = Login()
    inside = request_object(rp, {"authorization_details": [make.trust_framework("TL")]})
    answer = rp.redeem(login, rp.log_in(login, {"request": inside})["code"])
    refused(answer, "access_denied", "HID-1007: ", "details.trust-framework-profession")


@pytest.mark.parametrize("part", [None, "x", 17, [], [[]], {"code": []}, {"id": {}, "system": []}, {"id": None}])
def test_parts_of_any_shape_make_a_token_or_nothing_worse(sts: Emulator, part: object) -> None:
    sections = ("authorization", "legal_entity", "point_of_care", "department", "purpose_of_use", "decision_ref")
    section = dict.fromkeys(sections, part)
    odd = {"type": TRUST, "practitioner": section, "care_relationship": section, "patients": [part, section]}
    answer = redeem_with(trusting(sts), odd)
    assert answer.status == 200
    assert answer.claims[TRUST]["practitioner"]["identifier"]["id"] == PERSON
    whole = {"type": TRUST, "practitioner": part, "care_relationship": part, "patients": part}
    assert redeem_with(trusting(sts), whole).claims[TRUST]["patients"] == ([{}] if part == [[]] else [])


@pytest.mark.covers("trust-framework.with-login")
def test_of_one_that_came_with_the_login_each_token_tells_whether_it_has_room(sts: Emulator) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE])
    rp = trusting(sts, f"nhn:tillitsrammeverk:parameters {API_SCOPE}")
    asked = {"request": request_object(rp, {"authorization_details": make.trust_framework()})}
    login = Login()
    code = rp.log_in(login, asked)["code"]
    tokens = rp.redeem(login, code)
    assert TRUST in tokens.claims
    assert broken(sts) == []
    narrowed = rp.refresh(tokens.json["refresh_token"], {"resource": "test:api"})
    assert TRUST not in narrowed.claims
    assert broken(sts) == ["details.trust-framework-used"]


@pytest.mark.covers("trust-framework.strict-login")
@pytest.mark.parametrize("where", ["request object", "assertion"])
@pytest.mark.parametrize(
    ("level", "organization", "rule"),
    [
        ("4", PARENT, None),
        ("3", PARENT, "details.trust-framework-level"),
        ("4", OTHER_CUSTOMER, "details.trust-framework-legal-entity"),
    ],
)
def test_strict_asks_for_level_4_and_the_legal_entity_of_the_client(
    worlds: Worlds, where: str, level: str, organization: str, rule: str | None
) -> None:
    for enforcement in ("helseid", "strict"):
        sts = worlds.make(enforcement=enforcement)
        rp = trusting(sts, "nhn:tillitsrammeverk:parameters", organization=organization)
        asked: dict[str, Any] = {"test_security_level": level}
        claims: dict[str, Any] = {}
        if where == "assertion":
            claims = {"assertion_details": make.trust_framework()}
        else:
            asked["request"] = request_object(
                rp, {"authorization_details": make.trust_framework(), "jti": secrets.token_hex(8)}
            )
        login = Login()
        answer = rp.redeem(login, rp.log_in(login, asked)["code"], assertion={"claims": claims})
        if rule is None or enforcement == "helseid":
            assert TRUST in answer.claims
            assert broken(sts) == ([rule] if rule else [])
        else:
            refused(answer, "access_denied", "HID-1007: practitioner.", rule)


def test_the_legal_entity_is_that_of_the_customer_whom_the_assertion_names(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    members = {"tenancy": "multi-tenant", "organization": SUPPLIER, "delegations": [PARENT, CUSTOMER], "children": []}
    rp = trusting(sts, "nhn:tillitsrammeverk:parameters", **members)
    asked = {"request": request_object(rp, {"authorization_details": make.trust_framework()})}
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login, asked)["code"])
    assert tokens.status == 200, tokens.content
    other = refresh_with(rp, tokens, make.parent(CUSTOMER))
    refused(other, "access_denied", "HID-1007: practitioner.legal_entity.id", "details.trust-framework-legal-entity")
    assert TRUST in refresh_with(rp, tokens, make.parent(PARENT)).claims


def test_odd_parts_make_no_odd_claim(sts: Emulator) -> None:
    rp = trusting(sts)
    sent = make.trust_framework()
    sent["practitioner"]["department"] = {"foo": 1}
    sent["practitioner"]["authorization"] = {"code": 5, "system": ["x"]}
    practitioner = redeem_with(rp, sent).claims[TRUST]["practitioner"]
    assert list(practitioner) == ["identifier", "hpr_nr", "legal_entity", "point_of_care"]
