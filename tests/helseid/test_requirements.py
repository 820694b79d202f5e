"""Every requirement, met and broken, in every enforcement, through the real token endpoint."""

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from mock_sts.helseid.profile import CHAPTERS, find
from mock_sts.helseid.requirement import FAPI2_ONLY, Enforcement, explain, holds
from mock_sts.protocol.near_names import nearest_first
from mock_sts.web.helseid.authorize import LONGEST_DETAIL
from tests.helseid.cases import CASES as MACHINE_CASES
from tests.helseid.cases import STRICT, Case
from tests.helseid.details_cases import (
    CHILD,
    CUSTOMER,
    DETAILS_CASES,
    MULTI,
    SINGLE,
    child,
    journal,
    parent,
    trust_framework,
)
from tests.helseid.flow_cases import (
    ACCESS_TOKEN,
    ACTOR,
    FLOW_CASES,
    NEXT_API,
    exchange,
    request_object,
    subject_token,
    two_apis,
)
from tests.helseid.login_cases import FRONT, LOGIN_CASES, OUT, SCOPES, WEB, thumbprint
from tests.helseid.token_cases import INTROSPECTION, REVOCATION, TOKEN_CASES, ask, call_resource
from tests.support.emulator import API_SCOPE, Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine
from tests.support.relying_party import AUTHORIZE, PAR, PERSON, REDIRECT_URI, Login, RelyingParty, answer_parameters

CASES = {**MACHINE_CASES, **LOGIN_CASES, **TOKEN_CASES, **DETAILS_CASES, **FLOW_CASES}

MODES = tuple(mode.word for mode in Enforcement)


def unjudged(mode: str) -> set[str]:
    """What nobody looks at in ``mode``."""
    return {requirement_id for requirement_id, case in CASES.items() if case.outcome(mode) == "unjudged"}


def machine_for(sts: Emulator, case: Case) -> Machine:
    case.others(sts)
    members: dict[str, Any] = dict(case.members)
    return sts.client(jwk=members.pop("jwk", None), **members)


def told_to_whom_it_concerns(sts: Emulator, answer: Answer) -> tuple[str | None, str]:
    """Error and description: in JSON on the back channel, on the error page at the authorize endpoint."""
    if answer.status in (401, 403):
        found = re.search(r'error="(\w+)"', answer.headers["www-authenticate"])
        return (found[1] if found else None), ""
    if answer.status == 400:
        return answer.error, answer.description or ""
    assert answer.status == 303
    if answer.headers["location"].startswith(REDIRECT_URI):
        told = answer_parameters(answer)
        return told.get("error"), told.get("error_description", "")
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
    assert set(MACHINE_CASES) - set(entry["findings"]["met"]) == silent | (unjudged(mode) & set(MACHINE_CASES))


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
        "acr_values": "idp:testidp-oidc Level4",
        "ui_locales": "nb-no",
        "dpop_jkt": thumbprint(rp.machine),
    }
    proof = rp.machine.proof(claims={"htu": f"{sts.issuer}/connect/par"})
    pushed = rp.push(login, asked, proof=proof)
    assert pushed.status == 201, pushed.content
    browser = rp.browser()
    code = answer_parameters(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    tokens = rp.redeem(login, code)
    assert rp.refresh(tokens.json["refresh_token"], {"resource": "test:api"}).status == 200
    other = Login()
    again = rp.redeem(other, rp.log_in(other)["code"], {"resource": "test:api"})
    assert rp.refresh(again.json["refresh_token"], {"resource": "test:api"}).status == 200
    access_token = tokens.json["access_token"]
    assert rp.user_info(access_token, scheme="DPoP", proof={}).status == 200
    assert call_resource(rp.machine, access_token).status == 200
    assert ask(rp.machine, INTROSPECTION, {"token": access_token}).json["active"] is True
    hint = {"token": again.json["refresh_token"], "token_type_hint": "refresh_token"}
    assert ask(rp.machine, REVOCATION, hint).status == 200
    out = {"id_token_hint": tokens.json["id_token"], "post_logout_redirect_uri": OUT, "client_id": "machine"}
    assert browser.send("GET", f"/connect/endsession?{urlencode(out)}").headers["location"] == OUT
    entries = sts.journal()
    assert [finding for entry in entries for finding in entry["findings"]["broken"]] == []
    met = {requirement_id for entry in entries for requirement_id in entry["findings"]["met"]}
    assert (set(LOGIN_CASES) | set(TOKEN_CASES)) - met == unjudged(mode) & set(TOKEN_CASES)


@pytest.mark.parametrize("mode", MODES)
def test_correct_details_request_objects_and_exchanges_keep_every_requirement(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    two_apis({"require_dpop": True, "require_organization": True, "security_level": "4"}, **SINGLE)(sts)
    framework = "nhn:tillitsrammeverk:parameters"
    scopes = [*WEB["scope"], framework]
    # A login by a request object, and details with the code and with the refresh.
    rp = RelyingParty(sts.client(**{**WEB, **SINGLE, "scope": scopes}), scopes=f"{SCOPES} {framework}")
    login = Login()
    inside = rp.parameters(login, {"test_pid": PERSON})
    form = rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
    pushed = rp.machine.post({**form, "request": request_object(rp.machine, inside)}, path=PAR)
    assert pushed.status == 201, pushed.content
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    details = [journal(), trust_framework()]
    tokens = rp.redeem(login, code, assertion={"claims": {"assertion_details": details}})
    assert tokens.status == 200, tokens.content
    of_a_child = {"claims": {"assertion_details": [child(CHILD), *details]}}
    again = rp.refresh(tokens.json["refresh_token"], {"scope": f"openid {API_SCOPE} {framework}"}, assertion=of_a_child)
    assert again.status == 200, again.content
    # A supplier for a customer.
    register_api(sts.store, "test:unit", scopes=["test:unit/read"], require_child_organization=True)
    supplier = sts.client(
        "supplier",
        jwk=private_jwk("ES256", 4),
        **MULTI,
        delegated_children={CUSTOMER: ["213100203"]},
        scope=["test:unit/read"],
    )
    for_customer = supplier.token(
        form={"scope": "test:unit/read"},
        assertion={"claims": {"assertion_details": [parent(CUSTOMER, "213100203")]}},
    )
    assert for_customer.status == 200, for_customer.content
    # An API that calls the next one.
    actor = sts.client("actor", jwk=private_jwk("ES256", 5), **ACTOR)
    asked = {"requested_token_type": ACCESS_TOKEN, "resource": NEXT_API}
    assert exchange(actor, subject_token(actor), asked).status == 200
    only_in_front = {"request-object.form-post", "request-object.no-contradiction"}
    if mode in ("observe", "helseid"):
        front = RelyingParty(sts.client("front", jwk=private_jwk("ES256", 6), **FRONT), scopes=SCOPES)
        outside = front.parameters(Login(), {"test_pid": PERSON, "response_mode": "form_post"})
        outside["request"] = request_object(front.machine, {"response_mode": "form_post"})
        answer = front.browser().send("POST", AUTHORIZE, outside)
        assert "code" in answer_parameters(answer)
        only_in_front = set()
    entries = sts.journal()
    broken = [finding["rule"] for entry in entries for finding in entry["findings"]["broken"]]
    # The front channel is for clients from before PAR.
    assert broken == ([] if only_in_front else ["authorization-request.pushed-always"])
    met = {requirement_id for entry in entries for requirement_id in entry["findings"]["met"]}
    wanted = set(DETAILS_CASES) | set(FLOW_CASES)
    # It has nothing to say of a request that keeps it.
    silent = {"details.not-with-code"}
    assert wanted - met == silent | only_in_front | (unjudged(mode) & wanted)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("requirement_id", CASES)
def test_a_breach_has_the_outcome_of_its_mode(worlds: Worlds, requirement_id: str, mode: str) -> None:
    case = CASES[requirement_id]
    sts = worlds.make(enforcement=mode, **case.settings)
    answer = case.breach(machine_for(sts, case))
    outcome = case.outcome(mode)
    entry = sts.journal(limit="1")[0]
    broken = [finding["rule"] for finding in entry["findings"]["broken"]]
    if outcome in ("recorded", "unjudged"):
        assert answer.status in (200, 201, 303) and answer.rule is None, answer.content
        assert entry["outcome"] == "granted"
        assert (requirement_id in broken) == (outcome == "recorded")
        assert outcome == "recorded" or requirement_id not in entry["findings"]["met"]
        return
    error, description = told_to_whom_it_concerns(sts, answer)
    assert error == case.error_in(mode)
    assert entry["outcome"] == outcome
    assert entry["rule"] == answer.rule
    rule = case.rule(mode) or requirement_id
    assert answer.rule == rule
    requirement = find(rule)
    assert requirement is not None
    says = requirement.says if case.rule(mode) else case.says or requirement.says
    assert description == (says if answer.status not in (401, 403) else "")
    told = [finding for finding in entry["findings"]["broken"] if finding["rule"] == answer.rule]
    assert told and told[-1]["remedy"] and told[-1]["source"] and told[-1]["title"]


@pytest.mark.parametrize("requirement_id", CASES)
def test_the_declaration_agrees_with_the_case(requirement_id: str) -> None:
    requirement = find(requirement_id)
    assert requirement is not None
    case = CASES[requirement_id]
    outcomes = [case.outcome(mode) for mode in MODES]
    for mode, outcome in zip(Enforcement, outcomes, strict=True):
        if not case.rule(mode.word):  # else the case shows another requirement
            assert (mode in requirement.refused_in) == (outcome in ("refused", "challenged")), mode
    assert requirement.is_challenge == ("challenged" in outcomes)
    assert (requirement.refused_in == FAPI2_ONLY) == ("unjudged" in outcomes)


def test_of_the_profile_beyond_helseid_fapi_refuses_what_its_own_text_asks() -> None:
    """What strict alone refuses, told apart: FAPI 2.0 has its own ``typ``, ``nbf`` and lifetimes, and none of these."""
    shared = {name for name, case in CASES.items() if case.outcomes == STRICT and case.outcome("fapi2") == "refused"}
    helseids_own = {
        "client-assertion.typ",
        "client-assertion.lifetime",
        "client-assertion.times-present",
        "client-assertion.fresh-after-challenge",
    }
    assert helseids_own & shared == set()
    assert {"client-assertion.audience-issuer", "client-assertion.clock", "dpop.clock"} <= shared


def test_a_client_may_have_its_own_enforcement(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="helseid")
    lax, strict = sts.client("lax", enforcement="observe"), sts.client("strict", enforcement="strict")
    assert lax.token(assertion={"lifetime": 400}).status == 200
    assert sts.client("usual").token(assertion={"lifetime": 400}).rule == "client-assertion.lifetime-limit"
    assert strict.token(assertion={"header": {"typ": "JWT"}}).rule == "client-assertion.typ"


@pytest.mark.parametrize("own", ["observe", "helseid", "strict"])
def test_but_not_beside_fapi2(worlds: Worlds, own: str) -> None:
    sts = worlds.make(enforcement="fapi2")
    lax = sts.client("lax", enforcement=own)
    assert lax.token(assertion={"claims": {"aud": [sts.issuer]}}).rule == "client-assertion.audience-text"
    assert lax.token(assertion={"header": {"typ": "JWT"}}).status == 200


def test_what_is_expected_is_shortened_and_nothing_that_comes_after_it() -> None:
    verdict = holds(False, "x" * 5_000, lambda: ["y" * 40] * 50)
    assert len(verdict.observed) == 201 and verdict.observed.endswith("x…")
    assert len(verdict.expected) == 301 and verdict.expected.endswith("…")
    for chapter in CHAPTERS:
        for requirement in chapter.requirements:
            told = explain(requirement, verdict)
            assert verdict.observed in told and requirement.remedy.rstrip(".") in told
            assert told.endswith(f"Source: {requirement.source.rstrip('.')}.")
            # The error page has room for all of it, and for where the request came in.
            assert len(told) + 100 <= LONGEST_DETAIL, requirement.id


def test_what_comes_near_is_named_first() -> None:
    known = ["https://a.test/", "http://localhost:5000/callback", "http://localhost:8089/callback"]
    assert nearest_first(known, ["http://localhost:8089/callbck"])[0] == known[2]
    assert nearest_first(known, []) == known
    assert nearest_first(["b", "a"], ["x" * 100_000, *("y" * 1000 for _ in range(1000))]) == ["b", "a"]


@pytest.mark.covers("authorize.error.page.names-the-rule")
def test_the_error_page_tells_all_of_a_client_with_many_addresses(sts: Emulator) -> None:
    sent = "http://localhost:8089/callbck"
    query = f"client_id=demo-legacy&response_type=code&scope=openid&redirect_uri={sent}"
    page = html.unescape(sts.get(sts.get(f"{AUTHORIZE}?{query}").headers["location"]).content.decode())
    told = re.search(r'data-testid="detail">([^<]*)<', page)
    assert told is not None
    assert "Expected: ['http://localhost:8089/callback'," in told[1]
    assert f"\nObserved: redirect_uri is '{sent}'." in told[1]
    assert "\nRemedy: send a registered redirect_uri byte for byte" in told[1]
    assert "\nSource: " in told[1] and "RFC 8252" in told[1]


@pytest.mark.covers("errors.scope.names-the-registered")
def test_who_asks_for_a_wrong_scope_is_told_the_registered_ones(sts: Emulator) -> None:
    machine = sts.client(scope=["test:api/write", "test:api/read", "test:api/admin"])
    assert machine.token(form={"scope": "test:api/raed"}).error == "invalid_scope"
    broken = sts.journal(limit="1", rule="scope.allowed")[0]["findings"]["broken"]
    expected = next(finding["expected"] for finding in broken if finding["rule"] == "scope.allowed")
    assert expected.startswith("registered scopes: test:api/read, ")
    assert sorted(expected.removeprefix("registered scopes: ").split(", ")) == sorted(
        ["test:api/write", "test:api/read", "test:api/admin"]
    )
    rp = RelyingParty(sts.client("web", **{**WEB, "scope": ["openid", "profile"]}), scopes="openid profil")
    assert rp.push(Login()).error == "invalid_scope"
    found = sts.journal(limit="1", rule="authorization-request.scope-allowed")[0]["findings"]["broken"]
    assert "registered scopes: profile, openid" in [finding["expected"] for finding in found]
