"""APIs that want the unit of an organization (``orgnr_child``), and units that are registered under another parent."""

from pathlib import Path
from typing import Any

import pytest

from mock_sts.cli.main import main
from mock_sts.helseid.registry.organization import Organization
from mock_sts.store.catalog import MADE, put_entry
from tests.helseid import details_cases as make
from tests.helseid.details_cases import CHILD, CUSTOMER, MULTI, OTHER_CUSTOMER, PARENT, SINGLE
from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine
from tests.support.relying_party import Login, RelyingParty, web_client

ORGNR_PARENT = "helseid://claims/client/claims/orgnr_parent"
ORGNR_CHILD = "helseid://claims/client/claims/orgnr_child"

#: The API of the shipped world that wants a unit, and one that does not.
CAREPLAN, DIRECTORY = "nhn:careplan/api", "mock:directory/read"

CUSTOMERS_CHILD = "213100203"


def ask(machine: Machine, *details: Any, scope: str = CAREPLAN, **form: str) -> Answer:
    claims = {"assertion_details": list(details)} if details else {}
    return machine.token(form={"scope": scope, **form}, assertion={"claims": claims})


def broken(sts: Emulator) -> dict[str, dict[str, Any]]:
    """What the last request broke, by rule."""
    return {finding["rule"]: finding for finding in sts.journal(limit="1")[0]["findings"]["broken"]}


# The API


@pytest.mark.covers("api.require-child-organization")
@pytest.mark.parametrize("audience", ["nhn:careplan", "nhn:critical-information"])
@pytest.mark.parametrize("mode", ["observe", "helseid"])
def test_a_token_without_the_unit_is_given_and_recorded(worlds: Worlds, mode: str, audience: str) -> None:
    sts = worlds.make(enforcement=mode)
    scope = f"{audience}/api"
    machine = sts.client(scope=[scope], **SINGLE)
    answer = ask(machine, scope=scope)
    assert (answer.status, answer.rule) == (200, None)
    assert answer.claims[ORGNR_PARENT] == PARENT and ORGNR_CHILD not in answer.claims
    told = broken(sts)["api.child-organization"]
    assert told["expected"] == f"a child organization for {audience}"
    assert told["observed"] == "no child organization (orgnr_child)"
    assert told["remedy"].startswith("send the child in assertion_details")
    named = ask(machine, make.child(CHILD), scope=scope)
    assert named.claims[ORGNR_CHILD] == CHILD
    assert "api.child-organization" not in broken(sts)
    assert "api.child-organization" in sts.journal(limit="1")[0]["findings"]["met"]


@pytest.mark.covers("api.require-child-organization")
def test_strict_refuses_it_and_another_api_is_not_asked(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    machine = sts.client(scope=[CAREPLAN, DIRECTORY], **SINGLE)
    answer = ask(machine)
    assert (answer.status, answer.error, answer.rule) == (400, "invalid_request", "api.child-organization")
    assert answer.description == "HID-1007: The API requires a child organization number"
    # One of two APIs is enough to be asked.
    both = ask(machine, scope=f"{CAREPLAN} {DIRECTORY}")
    assert both.rule == "api.child-organization"
    assert ask(machine, scope=f"{CAREPLAN} {DIRECTORY}", resource="mock:directory").status == 200
    assert ask(machine, make.child(CHILD)).claims[ORGNR_CHILD] == CHILD


@pytest.mark.covers("api.require-child-organization")
def test_a_fixed_claim_will_do_and_a_parent_alone_will_not(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    fixed = sts.client(scope=[CAREPLAN], client_claims={ORGNR_PARENT: PARENT, ORGNR_CHILD: CHILD})
    assert ask(fixed).claims[ORGNR_CHILD] == CHILD
    supplier = sts.client("supplier", jwk=private_jwk("ES256", 4), scope=[CAREPLAN], **MULTI)
    assert ask(supplier, make.parent(CUSTOMER)).rule == "api.child-organization"
    assert ask(supplier, make.parent(CUSTOMER, CUSTOMERS_CHILD)).claims[ORGNR_CHILD] == CUSTOMERS_CHILD
    # Without any organization the parent is what is missed first.
    assert ask(supplier).rule == "api.organization"


def party(sts: Emulator, scopes: str, **members: Any) -> RelyingParty:
    rp = web_client(sts, **{"scope": scopes, **members})
    rp.scopes = scopes
    return rp


@pytest.mark.covers("api.require-child-organization.login")
def test_a_login_may_name_the_unit_when_it_refreshes(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    rp = party(sts, f"openid offline_access {CAREPLAN}", **SINGLE)
    login = Login()
    first = rp.redeem(login, rp.log_in(login)["code"])
    assert first.status == 200, first.content
    assert ORGNR_CHILD not in first.claims
    assert rp.refresh(first.json["refresh_token"]).rule == "api.child-organization"
    again = Login()
    second = rp.redeem(again, rp.log_in(again)["code"])
    of_child = {"claims": {"assertion_details": [make.child(CHILD)]}}
    assert rp.refresh(second.json["refresh_token"], assertion=of_child).claims[ORGNR_CHILD] == CHILD


@pytest.mark.covers("api.require-child-organization.login")
def test_a_login_that_cannot_be_refreshed_is_asked_at_once(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    rp = party(sts, f"openid {CAREPLAN}", **SINGLE)
    login = Login()
    refused = rp.redeem(login, rp.log_in(login)["code"])
    assert (refused.status, refused.rule) == (400, "api.child-organization")
    # The request object names it for the whole login.
    inside = {"client_id": rp.machine.client_id, "sub": ABSENT, "authorization_details": [make.child(CHILD)]}
    signed = rp.machine.assertion(header={"typ": "oauth-authz-req+jwt"}, claims=inside)
    asked = Login()
    assert rp.redeem(asked, rp.log_in(asked, {"request": signed})["code"]).claims[ORGNR_CHILD] == CHILD


def test_a_file_that_says_it_wrongly_is_told_where_and_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(text: str) -> str:
        (tmp_path / "apis.yaml").write_text(text)
        monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path))
        assert main(["fixtures", "check"]) == 2
        return capsys.readouterr().err

    head = "- audience: our:api\n  scopes: [our:api/read]\n  require_dpop: true\n"
    misspelt = told(f"{head}  require_child_organisation: true\n")
    assert "unknown member 'require_child_organisation'; did you mean 'require_child_organization'?" in misspelt
    assert "(line 4)" in misspelt and "apis.yaml, API 'our:api'" in misspelt
    wrong = told(f'{head}  require_child_organization: "yes"\n')
    assert "'require_child_organization' is 'yes', but must be true or false" in wrong and "(line 4)" in wrong


# A unit under another parent


@pytest.mark.covers("details.child-registered")
@pytest.mark.parametrize("mode", ["observe", "helseid", "strict", "fapi2"])
def test_a_unit_of_another_parent_is_recorded_and_granted(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    machine = sts.client(scope=[DIRECTORY], **MULTI)
    answer = ask(machine, make.parent(OTHER_CUSTOMER, CUSTOMERS_CHILD), scope=DIRECTORY)
    assert answer.status == 200, answer.content
    assert (answer.claims[ORGNR_PARENT], answer.claims[ORGNR_CHILD]) == (OTHER_CUSTOMER, CUSTOMERS_CHILD)
    told = broken(sts)["details.child-registered"]
    assert told["observed"] == f"{CUSTOMERS_CHILD} as a unit of {OTHER_CUSTOMER}"
    assert told["expected"] == f"{CUSTOMERS_CHILD} as a unit of {CUSTOMER}"
    assert "orgnr_child" in told["remedy"]


@pytest.mark.covers("details.child-registered")
def test_a_unit_of_a_unit_is_the_parents_too_and_what_is_unknown_is_no_matter(sts: Emulator) -> None:
    ward = {"number": "213999998", "name": "Posten", "parent": CUSTOMERS_CHILD}
    with sts.store.writing() as transaction:
        put_entry(transaction, Organization.from_document(ward, "test"), ward, MADE)
    machine = sts.client(scope=[DIRECTORY], **MULTI)
    for child, rule in (
        (ward["number"], None),  # a unit of a unit
        (CUSTOMERS_CHILD, None),
        ("213999999", None),  # in no register
        (PARENT, None),  # a legal entity is registered under none
        (CHILD, "details.child-registered"),
    ):
        answer = ask(machine, make.parent(CUSTOMER, child), scope=DIRECTORY)
        assert answer.claims[ORGNR_CHILD] == child
        assert set(broken(sts)) == ({rule} if rule else set()), child


@pytest.mark.covers("details.child-registered")
def test_organizations_that_are_units_of_each_other_end_the_search(sts: Emulator) -> None:
    for number, parent in (("213999998", "213999999"), ("213999999", "213999998")):
        document = {"number": number, "name": "Ring", "parent": parent}
        with sts.store.writing() as transaction:
            put_entry(transaction, Organization.from_document(document, "test"), document, MADE)
    machine = sts.client(scope=[DIRECTORY], **MULTI)
    assert ask(machine, make.parent(CUSTOMER, "213999998"), scope=DIRECTORY).status == 200
    assert set(broken(sts)) == {"details.child-registered"}


@pytest.mark.covers("details.child-registered")
def test_the_request_of_a_login_is_looked_at_too(sts: Emulator) -> None:
    register_api(sts.store, "test:api", scopes=["test:api/read"])
    rp = party(sts, "openid test:api/read", **MULTI)
    wrong = make.parent(OTHER_CUSTOMER, CUSTOMERS_CHILD)
    inside = {"client_id": rp.machine.client_id, "sub": ABSENT, "authorization_details": [wrong]}
    signed = rp.machine.assertion(header={"typ": "oauth-authz-req+jwt"}, claims=inside)
    assert rp.push(Login(), {"request": signed}).status == 201
    assert "details.child-registered" in broken(sts)
