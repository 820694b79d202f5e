"""Every requirement, met and broken, in every enforcement, through the real token endpoint."""

import html
import re
from typing import Any

import pytest

from mock_sts.helseid.profile import CHAPTERS, find
from mock_sts.helseid.requirement import Enforcement
from tests.helseid.cases import CASES as MACHINE_CASES
from tests.helseid.cases import Case
from tests.helseid.login_cases import LOGIN_CASES, SCOPES, WEB, thumbprint
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import Answer, Machine
from tests.support.relying_party import PERSON, Login, RelyingParty, answer_parameters

CASES = {**MACHINE_CASES, **LOGIN_CASES}

MODES = ("observe", "helseid", "strict")


def machine_for(sts: Emulator, case: Case) -> Machine:
    case.others(sts)
    members: dict[str, Any] = dict(case.members)
    return sts.client(jwk=members.pop("jwk", None), **members)


def told_to_whom_it_concerns(sts: Emulator, answer: Answer) -> tuple[str | None, str]:
    """Error and description: in JSON on the back channel, on the error page at the authorize endpoint."""
    if answer.status == 401:
        found = re.search(r'error="(\w+)"', answer.headers["www-authenticate"])
        return (found[1] if found else None), ""
    if answer.status == 400:
        return answer.error, answer.description or ""
    assert answer.status == 303
    page = sts.get(answer.headers["location"])
    assert page.status == 400
    found = re.search(r'data-testid="error">(\w+): ([^<]*)<', page.content.decode())
    assert found is not None, page.content
    return found[1], html.unescape(found[2])


def test_every_requirement_has_a_case() -> None:
    ids = [requirement.id for chapter in CHAPTERS for requirement in chapter.requirements]
    assert sorted(ids) == sorted(CASES)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("mode", MODES)
def test_a_correct_machine_keeps_every_requirement(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode, public_url="http://localhost:8080", aliases=("http://other.test:8080",))
    machine = sts.client()
    assert machine.token(form={"resource": "test:api"}).status == 200
    entry = sts.journal(limit="1")[0]
    assert entry["findings"]["broken"] == []
    silent = {
        # Only about RSA keys in proofs, about logins, and about suppliers.
        "dpop.key-size",
        "dpop.key-size-advice",
        "client.par",
        "client.redirect-uris",
        "client.organization",
    }
    assert set(MACHINE_CASES) - set(entry["findings"]["met"]) == silent


@pytest.mark.parametrize("mode", MODES)
def test_a_correct_login_keeps_every_requirement(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    rp = RelyingParty(sts.client(**WEB), scopes=SCOPES)
    rp.machine.learn_nonce()
    login = Login()
    asked = {
        "test_pid": PERSON,
        "resource": "test:api",
        "response_mode": "query",
        "prompt": "login",
        "max_age": "60",
        "login_hint": "someone",
        "acr_values": "idp:testidp-oidc",
        "ui_locales": "nb-no",
        "dpop_jkt": thumbprint(rp.machine),
    }
    proof = rp.machine.proof(claims={"htu": f"{sts.issuer}/connect/par"})
    pushed = rp.push(login, asked, proof=proof)
    assert pushed.status == 201, pushed.content
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    tokens = rp.redeem(login, code)
    assert rp.refresh(tokens.json["refresh_token"], {"resource": "test:api"}).status == 200
    other = Login()
    again = rp.redeem(other, rp.log_in(other)["code"], {"resource": "test:api"})
    assert rp.refresh(again.json["refresh_token"], {"resource": "test:api"}).status == 200
    assert rp.user_info(tokens.json["access_token"], scheme="DPoP", proof={}).status in (200, 403)
    entries = sts.journal()
    assert [finding for entry in entries for finding in entry["findings"]["broken"]] == []
    met = {requirement_id for entry in entries for requirement_id in entry["findings"]["met"]}
    assert set(LOGIN_CASES) - met == set()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("requirement_id", CASES)
def test_a_breach_has_the_outcome_of_its_mode(worlds: Worlds, requirement_id: str, mode: str) -> None:
    case = CASES[requirement_id]
    sts = worlds.make(enforcement=mode, **case.settings)
    answer = case.breach(machine_for(sts, case))
    outcome = case.outcomes[MODES.index(mode)]
    entry = sts.journal(limit="1")[0]
    if outcome == "recorded":
        assert answer.status in (200, 201, 303) and answer.rule is None, answer.content
        assert entry["outcome"] == "granted"
        assert requirement_id in [finding["rule"] for finding in entry["findings"]["broken"]]
        return
    error, description = told_to_whom_it_concerns(sts, answer)
    assert error == ((case.strict_error if mode == "strict" else "") or case.error)
    assert entry["outcome"] == outcome
    assert entry["rule"] == answer.rule
    rule = (case.strict_rule if mode == "strict" else "") or requirement_id
    assert answer.rule == rule
    requirement = find(rule)
    assert requirement is not None
    assert description == (requirement.says if answer.status != 401 else "")
    told = [finding for finding in entry["findings"]["broken"] if finding["rule"] == answer.rule]
    assert told and told[-1]["remedy"] and told[-1]["source"] and told[-1]["title"]


@pytest.mark.parametrize("requirement_id", CASES)
def test_the_declaration_agrees_with_the_case(requirement_id: str) -> None:
    requirement = find(requirement_id)
    assert requirement is not None
    refuses = [requirement.refused_by is not None and mode >= requirement.refused_by for mode in Enforcement]
    assert refuses == [outcome != "recorded" for outcome in CASES[requirement_id].outcomes]
    assert requirement.is_challenge == ("challenged" in CASES[requirement_id].outcomes)


def test_a_client_may_have_its_own_enforcement(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="helseid")
    lax, strict = sts.client("lax", enforcement="observe"), sts.client("strict", enforcement="strict")
    assert lax.token(assertion={"lifetime": 400}).status == 200
    assert sts.client("usual").token(assertion={"lifetime": 400}).rule == "client-assertion.lifetime-limit"
    assert strict.token(assertion={"header": {"typ": "JWT"}}).rule == "client-assertion.typ"
