"""Logins that a test orders: by parameters, hints, a queue, a cookie or a default person, and how they end."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mock_sts.services.login.automation import Outcome
from tests.support.emulator import START, Emulator, Worlds
from tests.support.logins import (
    HPR,
    LEVEL,
    PID,
    begin,
    begin_plain,
    begin_signed,
    fill_in,
    identity,
    message_of,
    page_of,
    refused,
    shows_a_page,
    web,
)
from tests.support.machine import Answer
from tests.support.relying_party import (
    PERSON,
    REDIRECT_URI,
    Browser,
    Login,
    RelyingParty,
    answer_parameters,
    first_form,
)

#: Somebody else for each layer, by short name.
BEVER, VITS, SPURV, GP, GREVLING = (
    "livstrett-bever",
    "gronn-vits",
    "oppdiktet-spurv",
    "gp-two-offices",
    "kvart-grevling",
)
PID_OF = {
    BEVER: "15849197352",
    VITS: "05898597468",
    SPURV: "16858399649",
    GP: "14837512280",
    GREVLING: PERSON,
}

Begin = Callable[[RelyingParty, Login, Browser, dict[str, Any]], Answer]


def signed_form(rp: RelyingParty, login: Login, browser: Browser, changes: dict[str, Any]) -> Answer:
    return begin_signed(rp, login, browser, changes, pushed=False)


#: The ways in which an authorization request reaches the server.
WAYS: dict[str, Begin] = {
    "PAR": begin,
    "request object": begin_signed,
    "signed form": signed_form,
    "query": begin_plain,
}

ERRORS = {
    "access_denied": ("access_denied", "The login was cancelled"),
    "level_too_low": ("access_denied", "The security level of the login is too low"),
    "provider_error": ("temporarily_unavailable", "The identity provider reported an error"),
    "timeout": ("temporarily_unavailable", "The identity provider did not answer in time"),
    "login_required": ("login_required", ""),
    "interaction_required": ("interaction_required", ""),
}


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts, require_pushed_authorization_requests=False)


def order(sts: Emulator, persona: str | None = None, **members: Any) -> int:
    """Order a login; its id."""
    body = json.dumps({**({"persona": persona} if persona else {}), **members}).encode()
    answer = sts.transport.send("POST", "/mock/api/v1/next-login", {"Content-Type": "application/json"}, body)
    assert answer.status == 201, answer.content
    made: int = answer.json["id"]
    return made


def ordered(sts: Emulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sts.get("/mock/api/v1/next-login").json["orders"]
    return found


def become(browser: Browser, persona: str) -> None:
    answer = browser.send("GET", f"/mock/as/{persona}")
    assert answer.status == 200, answer.content


# Each layer, in each way


@pytest.mark.covers("automation.hint.pid", "automation.hint.persona", "automation.ways", "automation.prompt-none")
@pytest.mark.parametrize("prompt", [{}, {"prompt": "none"}, {"prompt": "login"}], ids=["", "none", "login"])
@pytest.mark.parametrize("told", ["test_pid", "testid:", "persona:", "persona:<pid>"])
@pytest.mark.parametrize("way", WAYS)
def test_a_request_names_who_logs_in(rp: RelyingParty, way: str, told: str, prompt: dict[str, str]) -> None:
    changes = {
        "test_pid": {"test_pid": PID_OF[BEVER]},
        "testid:": {"login_hint": f"testid:{PID_OF[BEVER]}"},
        "persona:": {"login_hint": f"persona:{BEVER}"},
        "persona:<pid>": {"login_hint": f"persona:{PID_OF[BEVER]}"},
    }[told]
    login, browser = Login(), rp.browser()
    claims = identity(rp, login, WAYS[way](rp, login, browser, {**changes, **prompt}))
    assert (claims[PID], claims[LEVEL], claims[HPR]) == (PID_OF[BEVER], "4", "565550846")
    assert (claims["idp"], claims["amr"]) == ("testidp-oidc", ["pwd"])
    assert len(browser.visited) == 1


@pytest.mark.covers("automation.queue", "automation.cookie", "automation.auto", "automation.prompt-none")
@pytest.mark.parametrize("prompt", [{}, {"prompt": "none"}, {"prompt": "login"}], ids=["", "none", "login"])
@pytest.mark.parametrize("told", ["queue", "cookie", "default"])
@pytest.mark.parametrize("way", WAYS)
def test_what_stands_beside_a_request_names_who_logs_in(
    sts: Emulator, rp: RelyingParty, way: str, told: str, prompt: dict[str, str]
) -> None:
    if told == "default":
        rp = web(sts, "auto", require_pushed_authorization_requests=False, login_mode="auto", default_persona=BEVER)
    login, browser = Login(), rp.browser()
    if told == "queue":
        order(sts, BEVER)
    if told == "cookie":
        become(browser, BEVER)
    claims = identity(rp, login, WAYS[way](rp, login, browser, prompt))
    assert (claims[PID], claims[LEVEL]) == (PID_OF[BEVER], "4")


# Their order


LAYERS = ["test_pid", "login_hint", "queue", "cookie", "default"]


@pytest.mark.covers("automation.order")
@pytest.mark.parametrize("first", LAYERS)
def test_the_first_layer_that_says_something_counts(sts: Emulator, first: str) -> None:
    rp = web(sts, login_mode="auto", default_persona=GREVLING)
    there = LAYERS[LAYERS.index(first) :]
    login, browser, changes = Login(), rp.browser(), dict[str, Any]()
    if "test_pid" in there:
        # A login_hint must not contradict it, so one that we do not understand stands beside it.
        changes["test_pid"] = PID_OF[BEVER]
        changes["login_hint"] = "somebody@example.no"
    elif "login_hint" in there:
        changes["login_hint"] = f"persona:{VITS}"
    if "queue" in there:
        order(sts, SPURV)
    if "cookie" in there:
        become(browser, GP)
    expected = dict(zip(LAYERS, (BEVER, VITS, SPURV, GP, GREVLING), strict=True))[first]
    assert identity(rp, login, begin(rp, login, browser, changes))[PID] == PID_OF[expected]
    # An order is used up by a login that it decides, and by no other.
    assert len(ordered(sts)) == (1 if first in ("test_pid", "login_hint") else 0)


@pytest.mark.covers("automation.order")
def test_a_hint_that_agrees_with_the_parameters_changes_nothing(rp: RelyingParty) -> None:
    for hint in (f"testid:{PID_OF[BEVER]}", f"persona:{BEVER}"):
        login = Login()
        changes = {"test_pid": PID_OF[BEVER], "test_security_level": "3", "login_hint": hint}
        claims = identity(rp, login, begin(rp, login, rp.browser(), changes))
        assert (claims[PID], claims[LEVEL]) == (PID_OF[BEVER], "3")


@pytest.mark.covers("login.hint", "automation.hint.others")
@pytest.mark.parametrize(
    "hint", ["somebody@example.no", "06828399789", "", "Persona:gronn-vits", "personagronn-vits", "x" * 300]
)
def test_other_hints_tell_nothing(rp: RelyingParty, hint: str) -> None:
    shows_a_page(begin(rp, Login(), rp.browser(), {"login_hint": hint}))


@pytest.mark.covers("automation.hint.other-provider")
@pytest.mark.parametrize("told", ["testid:", "persona:", "queue", "cookie"])
def test_a_login_without_a_page_takes_place_at_the_provider_that_is_asked_for(
    sts: Emulator, rp: RelyingParty, told: str
) -> None:
    login, browser, changes = Login(), rp.browser(), {"acr_values": "idp:buypass-oidc"}
    if told == "queue":
        order(sts, BEVER)
    elif told == "cookie":
        become(browser, BEVER)
    else:
        changes["login_hint"] = told + (PID_OF[BEVER] if told == "testid:" else BEVER)
    claims = identity(rp, login, begin(rp, login, browser, changes))
    assert (claims[PID], claims["idp"], claims["amr"]) == (PID_OF[BEVER], "buypass-oidc", ["sc"])


@pytest.mark.covers("automation.hint.other-provider")
def test_a_client_without_the_testidp_logs_in_at_its_first_provider(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["idporten-oidc", "helseplattformen-oidc"])
    login = Login()
    claims = identity(rp, login, begin(rp, login, rp.browser(), {"login_hint": f"persona:{BEVER}"}))
    assert (claims["idp"], claims[PID]) == ("idporten-oidc", PID_OF[BEVER])


@pytest.mark.covers("automation.ways")
def test_beside_a_request_uri_only_the_parameters_of_the_testidp_count(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    request_uri = rp.push(login).json["request_uri"]
    shows_a_page(browser.send("GET", rp.authorize_path(request_uri, login_hint=f"persona:{BEVER}")))
    answer = browser.send("GET", rp.authorize_path(request_uri, test_pid=PID_OF[BEVER]))
    assert identity(rp, login, answer)[PID] == PID_OF[BEVER]


# The names in the documentation


@pytest.mark.covers("automation.names")
def test_the_names_that_drivers_may_hold_fast_are_there(rp: RelyingParty) -> None:
    shown = documented_names()
    browser = rp.browser()
    pages = [browser.follow(begin(rp, Login(), browser))]
    for provider in ("Test IDP", "ID-porten"):
        page = page_of(browser, begin(rp, Login(), browser), provider)
        pages += [page, fill_in(browser, page, Pid="1"), fill_in(browser, page, Pid=PERSON, outcome="slow")]
        browser = rp.browser()
    searched = browser.follow(begin(rp, Login(), browser, {"acr_values": "idp:testidp-oidc"}))
    path = browser.visited[-1]
    other = browser.follow(begin(rp, Login(), browser, {"acr_values": "idp:testidp-oidc Level4"}))
    pages += [other, browser.send("GET", f"{browser.visited[-1]}&q=nurse-level-3")]
    pages += [browser.follow(begin(rp, Login(), browser, {"acr_values": "Level4"}))]
    pages += [browser.send("GET", f"{path}&{more}") for more in ("q=nobody-is-called-this", f"q=doctor&pid={PERSON}")]
    pages += [searched, browser.follow(browser.send("GET", "/home/error"))]
    fresh = rp.authorize_path("urn:ietf:params:oauth:request_uri:" + "0" * 64)
    pages += [browser.follow(browser.send("GET", fresh))]
    identity(rp, login := Login(), begin(rp, login, browser, {"test_pid": PERSON}))
    late, login = rp.browser(), Login()
    page = page_of(late, begin(rp, login, late), "Test IDP")
    identity(rp, login, fill_in(late, page, Pid=PERSON))
    pages += [late.send("GET", next(path for path in late.visited if path.startswith("/testidp/")))]
    pages += [browser.follow(browser.send("GET", "/connect/endsession"))]
    pages += [fill_in(browser, pages[-1])]
    text = "\n".join(page.content.decode() for page in pages)
    there = set(re.findall(r'(?:data-testid|id)="([^"]*)"', text)) | set(re.findall(r'id="[^"]*"', text))
    missing = {name for name in shown if not any(re.fullmatch(name, one) for one in there)}
    assert missing == set()


def documented_names() -> set[str]:
    """Names of the table in docs/log-in.md, as patterns."""
    page = (Path(__file__).parents[2] / "docs" / "log-in.md").read_text(encoding="utf-8")
    table = page.partition("### What test drivers may hold fast")[2].partition("\n\nBeside")[0].splitlines()
    rows = [line for line in table if line.startswith("|")][2:]
    names = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    names -= {"action", "__RequestVerificationToken", "Pid", "HprNumber", "Eid", "alert", "data-testid", "id"}
    assert len(names) > 20
    return {re.sub(r"<\w+>", r"[\\w-]+", name) for name in names}


# Modes


@pytest.mark.covers("automation.mode.page")
@pytest.mark.parametrize("whose", ["client", "server"])
def test_in_the_mode_page_there_is_always_a_page(worlds: Worlds, whose: str) -> None:
    sts = worlds.make(login_mode="page") if whose == "server" else worlds.make(login_mode="auto")
    rp = web(sts) if whose == "server" else web(sts, login_mode="page")
    order(sts, BEVER)
    for changes in ({}, {"test_pid": PERSON}, {"login_hint": f"persona:{BEVER}"}, {"login_hint": "outcome:timeout"}):
        browser = rp.browser()
        become(browser, BEVER)
        shows_a_page(begin(rp, Login(), browser, changes))
        login = Login()
        assert refused(begin(rp, login, browser, {**changes, "prompt": "none"}), login) == ("login_required", "")
    assert len(ordered(sts)) == 1
    # What was named is filled in, and a session answers as ever.
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser, {"test_pid": PID_OF[BEVER]}), "Test IDP")
    assert f'value="{PID_OF[BEVER]}"' in page.content.decode()
    identity(rp, login, fill_in(browser, page, Pid=PID_OF[BEVER]))
    login = Login()
    assert identity(rp, login, begin(rp, login, browser))[PID] == PID_OF[BEVER]


@pytest.mark.covers("automation.auto", "automation.mode.client-over-server")
def test_in_the_mode_auto_somebody_logs_in_by_themselves(worlds: Worlds) -> None:
    sts = worlds.make(login_mode="auto", default_persona=VITS)
    by_server, own = web(sts), web(sts, "own", default_persona=PID_OF[GP])
    hinted = web(sts, "hinted", login_mode="auto-if-hinted")
    for rp, expected in ((by_server, VITS), (own, GP)):
        login = Login()
        assert identity(rp, login, begin(rp, login, rp.browser()))[PID] == PID_OF[expected]
    shows_a_page(begin(hinted, Login(), hinted.browser()))


@pytest.mark.covers("automation.auto.session")
def test_the_default_person_does_not_displace_who_is_logged_in(sts: Emulator) -> None:
    rp = web(sts, login_mode="auto", default_persona=VITS)
    browser, login = rp.browser(), Login()
    identity(rp, login, begin(rp, login, browser, {"test_pid": PID_OF[BEVER]}))
    login = Login()
    assert identity(rp, login, begin(rp, login, browser))[PID] == PID_OF[BEVER]
    # Somebody has to log in anew: by themselves that is the default person.
    login = Login()
    assert identity(rp, login, begin(rp, login, browser, {"prompt": "login"}))[PID] == PID_OF[VITS]


@pytest.mark.covers("automation.unknown")
def test_a_default_person_whom_nobody_knows_is_told_to_the_client(sts: Emulator) -> None:
    rp = web(sts, login_mode="auto", default_persona="livstret-bever")
    login = Login()
    error, description = refused(begin(rp, login, rp.browser()), login)
    assert error == "access_denied"
    assert "no persona is called 'livstret-bever'; did you mean livstrett-bever" in description


# Nobody, and contradictions


@pytest.mark.covers("automation.unknown")
@pytest.mark.parametrize("response_mode", ["query", "form_post"])
@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_persona_is_told_to_the_client_with_what_comes_near(
    sts: Emulator, rp: RelyingParty, way: str, response_mode: str
) -> None:
    login, browser = Login(), rp.browser()
    answer = WAYS[way](rp, login, browser, {"login_hint": "persona:gron-vits", "response_mode": response_mode})
    if response_mode == "form_post":
        assert first_form(answer.content.decode())[0] == REDIRECT_URI
    else:
        assert answer.headers["location"].startswith(f"{REDIRECT_URI}?error=access_denied&")
    error, description = refused(answer, login)
    assert (error, description) == ("access_denied", "no persona is called 'gron-vits'; did you mean gronn-vits?")
    counts = sts.row_counts()
    assert (counts["login_session"], counts["authorization_code"]) == (0, 0)
    assert browser.cookies == {}


NOBODY: list[tuple[dict[str, str], str]] = [
    ({"login_hint": "persona:"}, "no persona is called ''"),
    ({"login_hint": "persona:zzzzzzzz"}, "no persona is called 'zzzzzzzz'"),
    ({"login_hint": "persona:GRONN-VITS"}, "no persona is called 'GRONN-VITS'"),
    ({"login_hint": "testid:"}, "login_hint=testid: must be followed by eleven digits"),
    ({"login_hint": "testid:123"}, "eleven digits"),
    ({"login_hint": f"testid:{PERSON} "}, "eleven digits"),
    ({"login_hint": "outcome:explode"}, "'explode' is no outcome; these are success, access_denied, level_too_low"),
    ({"login_hint": "outcome:"}, "'' is no outcome"),
    ({"test_pid": PERSON, "login_hint": "persona:gron-vits"}, "did you mean gronn-vits"),
    ({"test_pid": PERSON, "login_hint": f"testid:{PID_OF[BEVER]}"}, "test_pid and login_hint name different people"),
    ({"test_pid": PERSON, "login_hint": f"persona:{BEVER}"}, "test_pid and login_hint name different people"),
    ({"test_pid": "1", "login_hint": f"persona:{BEVER}"}, "test_pid must be eleven digits"),
    ({"login_hint": "persona:d-number-replaced"}, "the pid was replaced by"),
    ({"login_hint": f"persona:{'x' * 5000}"}, "no persona is called 'xxxx"),
    ({"login_hint": 'persona:<script>"&#\\\n'}, "no persona is called"),
    ({"login_hint": "persona:blåbær-😀"}, "no persona is called"),
    ({"login_hint": "persona:nurse-level-3", "acr_values": "Level4"}, "too low: 3, where 4 is asked for"),
]


@pytest.mark.covers("automation.unknown", "automation.contradiction")
@pytest.mark.parametrize(("changes", "told"), NOBODY, ids=lambda value: repr(value)[:60])
def test_nobody_and_contradictions_travel_to_the_client(
    sts: Emulator, rp: RelyingParty, changes: dict[str, str], told: str
) -> None:
    for more in ({}, {"prompt": "none"}, {"response_mode": "form_post"}):
        login = Login()
        answer = begin(rp, login, rp.browser(), {**changes, **more})
        assert b"<script>alert" not in answer.content
        error, description = refused(answer, login)
        assert error == "access_denied"
        assert told in description
        assert re.fullmatch(r"[ !#-\[\]-~]*", description), "RFC 6749 forbids other characters"
        assert len(answer.headers.get("location", "")) < 2000
    assert sts.row_counts()["login_session"] == 0


@pytest.mark.covers("automation.unknown")
def test_a_persona_who_went_away_is_told_too(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    become(browser, BEVER)
    name = next(name for name in browser.cookies if "persona" in name)
    browser.cookies[name] = "livstret-bever"
    login = Login()
    error, description = refused(begin(rp, login, browser), login)
    assert error == "access_denied"
    assert description.startswith("no persona is called 'livstret-bever'; did you mean livstrett-bever")


@pytest.mark.covers("automation.contradiction")
def test_a_refusal_uses_the_request_up(sts: Emulator, rp: RelyingParty) -> None:
    login, browser = Login(), rp.browser()
    path = rp.authorize_path(rp.push(login, {"login_hint": "persona:nobody"}).json["request_uri"])
    assert refused(browser.send("GET", path), login)[0] == "access_denied"
    assert browser.send("GET", path).headers["location"].startswith("/home/error?errorId=")


# Outcomes


@pytest.mark.covers("automation.outcomes")
@pytest.mark.parametrize("outcome", ERRORS)
@pytest.mark.parametrize("told", ["hint", "queue"])
@pytest.mark.parametrize("way", WAYS)
def test_a_login_ends_as_it_is_told_to(sts: Emulator, rp: RelyingParty, way: str, told: str, outcome: str) -> None:
    changes = {"login_hint": f"outcome:{outcome}"} if told == "hint" else {}
    for more in ({}, {"prompt": "none"}, {"response_mode": "form_post"}):
        if told == "queue":
            order(sts, outcome=outcome)
        login, browser = Login(), rp.browser()
        answer = WAYS[way](rp, login, browser, {**changes, **more})
        assert refused(answer, login) == ERRORS[outcome]
        assert browser.cookies == {}
    assert ordered(sts) == []
    assert sts.row_counts()["authorization_code"] == 0


@pytest.mark.covers("automation.outcomes")
def test_these_are_all_outcomes() -> None:
    assert {outcome.value for outcome in Outcome} == {"success", *ERRORS}


@pytest.mark.covers("automation.outcomes")
def test_an_outcome_comes_before_a_session_and_leaves_it_alone(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    identity(rp, login, begin(rp, login, browser, {"test_pid": PERSON}))
    login = Login()
    assert refused(begin(rp, login, browser, {"login_hint": "outcome:login_required"}), login)[0] == "login_required"
    login = Login()
    assert identity(rp, login, begin(rp, login, browser))[PID] == PERSON


@pytest.mark.covers("automation.outcomes")
def test_the_outcome_success_is_a_login_of_whoever_else_is_told(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    changes = {"test_pid": PERSON, "login_hint": "outcome:success"}
    assert identity(rp, login, begin(rp, login, rp.browser(), changes))[PID] == PERSON
    login = Login()
    changes["login_hint"] = "outcome:timeout"
    assert refused(begin(rp, login, rp.browser(), changes), login) == ERRORS["timeout"]
    shows_a_page(begin(rp, Login(), rp.browser(), {"login_hint": "outcome:success"}))


@pytest.mark.covers("automation.outcomes.journal")
def test_the_journal_tells_that_the_outcome_was_ordered(sts: Emulator, rp: RelyingParty) -> None:
    made = order(sts, outcome="timeout")
    login = Login()
    refused(begin(rp, login, rp.browser()), login)
    entry = sts.journal(limit="1")[0]
    assert (entry["outcome"], entry["error"]) == ("refused", "temporarily_unavailable")
    assert entry["detail"]["login_order"] == made


BUTTONS = ["access_denied", "level_too_low", "provider_error", "timeout", "login_required", "interaction_required"]


@pytest.mark.covers("login.cancel", "automation.outcomes.buttons")
@pytest.mark.parametrize("outcome", BUTTONS)
@pytest.mark.parametrize("provider", ["Test IDP", "BankID"])
@pytest.mark.parametrize("response_mode", ["query", "form_post"])
def test_the_page_has_buttons_for_the_outcomes(
    sts: Emulator, rp: RelyingParty, response_mode: str, provider: str, outcome: str
) -> None:
    browser, login = rp.browser(), Login()
    path = rp.authorize_path(rp.push(login, {"response_mode": response_mode}).json["request_uri"])
    page = page_of(browser, browser.send("GET", path), provider)
    # Two outcomes have no button: they are those of a login without a page. A driver may post them all the same.
    shown = f'name="outcome" value="{outcome}"' in page.content.decode()
    assert shown is (outcome not in ("login_required", "interaction_required"))
    answer = fill_in(browser, page, outcome=outcome)
    assert refused(answer, login) == ERRORS[outcome]
    # The request is used up, and nobody is logged in.
    assert browser.send("GET", path).headers["location"].startswith("/home/error?errorId=")
    assert sts.row_counts()["login_session"] == 0


@pytest.mark.covers("automation.outcomes.buttons")
def test_the_outcome_success_on_the_page_is_a_login(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser), "Test IDP")
    assert identity(rp, login, fill_in(browser, page, Pid=PERSON, outcome="success"))[PID] == PERSON


@pytest.mark.covers("automation.outcomes.buttons")
@pytest.mark.parametrize("outcome", ["nonsense", "<script>alert(1)</script>", "x" * 10_000])
def test_an_outcome_that_is_none_shows_the_form_again(sts: Emulator, rp: RelyingParty, outcome: str) -> None:
    browser = rp.browser()
    page = page_of(browser, begin(rp, Login(), browser), "Test IDP")
    again = fill_in(browser, page, Pid=PERSON, outcome=outcome)
    assert "is no outcome" in message_of(again)
    assert b"<script" not in again.content
    assert sts.row_counts()["login_session"] == 0


@pytest.mark.covers("automation.outcomes.buttons")
def test_cancelling_needs_the_form_too(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser), "Test IDP")
    action, _ = first_form(page.content.decode())
    answer = browser.send("POST", action, {"outcome": "access_denied"})
    assert answer.status == 400
    assert identity(rp, login, fill_in(browser, page, Pid=PERSON))[PID] == PERSON


@pytest.mark.covers("automation.outcomes.slow")
@pytest.mark.parametrize("provider", ["Test IDP", "BankID"])
def test_a_slow_provider_logs_in_and_takes_its_time(rp: RelyingParty, provider: str) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser), provider)
    waiting = fill_in(browser, page, Pid=PERSON, outcome="slow")
    assert waiting.status == 200
    found = re.search(r'<meta http-equiv="refresh" content="(\d+);url=([^"]+)">', waiting.content.decode())
    assert found is not None, waiting.content
    assert found[1] == "5"
    back = html.unescape(found[2])
    assert back.startswith("/connect/authorize/callback?request_uri=")
    assert identity(rp, login, browser.send("GET", back))[PID] == PERSON


# The queue


@pytest.mark.covers("automation.queue.order")
def test_orders_are_used_in_their_order_and_up(sts: Emulator, rp: RelyingParty) -> None:
    for persona in (BEVER, VITS, SPURV):
        order(sts, persona)
    for persona in (BEVER, VITS, SPURV):
        login = Login()
        assert identity(rp, login, begin(rp, login, rp.browser()))[PID] == PID_OF[persona]
    shows_a_page(begin(rp, Login(), rp.browser()))


@pytest.mark.covers("automation.queue.times")
def test_an_order_may_be_for_several_logins(sts: Emulator, rp: RelyingParty) -> None:
    order(sts, BEVER, times=3)
    order(sts, VITS)
    seen = []
    for _ in range(4):
        login = Login()
        seen.append(identity(rp, login, begin(rp, login, rp.browser()))[PID])
    assert seen == [PID_OF[BEVER]] * 3 + [PID_OF[VITS]]
    assert ordered(sts) == []


@pytest.mark.covers("automation.queue.match")
def test_an_order_is_for_a_client_or_a_redirect_uri(sts: Emulator, rp: RelyingParty) -> None:
    elsewhere = "http://localhost:8090/callback"
    other = web(sts, "other", redirect_uris=[REDIRECT_URI, elsewhere])
    order(sts, BEVER, match={"client_id": "other", "redirect_uri": elsewhere})
    order(sts, VITS, match={"redirect_uri": elsewhere})
    order(sts, SPURV, match={"client_id": "other"})
    order(sts, GP)

    def log_in(party: RelyingParty, redirect_uri: str) -> str:
        login, party.redirect_uri = Login(), redirect_uri
        return str(identity(party, login, begin(party, login, party.browser()))[PID])

    assert log_in(other, REDIRECT_URI) == PID_OF[SPURV]
    assert log_in(rp, REDIRECT_URI) == PID_OF[GP]
    shows_a_page(begin(rp, Login(), rp.browser()))
    assert log_in(other, elsewhere) == PID_OF[BEVER]
    assert log_in(other, elsewhere) == PID_OF[VITS]
    assert ordered(sts) == []


@pytest.mark.covers("automation.queue.session")
def test_an_order_of_another_person_displaces_the_session(sts: Emulator, rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    first = identity(rp, login, begin(rp, login, browser, {"test_pid": PERSON}))
    sts.clock.advance(20)
    order(sts, GREVLING)
    login = Login()
    same = identity(rp, login, begin(rp, login, browser))
    assert (same["sid"], same["auth_time"]) == (first["sid"], START)
    assert ordered(sts) == []
    order(sts, BEVER)
    login = Login()
    other = identity(rp, login, begin(rp, login, browser))
    assert (other[PID], other["auth_time"]) == (PID_OF[BEVER], START + 20)
    assert other["sid"] != first["sid"]


@pytest.mark.covers("automation.queue.session")
def test_a_login_that_is_under_way_on_a_page_uses_no_order(sts: Emulator, rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    page = page_of(browser, begin(rp, login, browser), "Test IDP")
    order(sts, BEVER)
    assert identity(rp, login, fill_in(browser, page, Pid=PERSON))[PID] == PERSON
    assert len(ordered(sts)) == 1


# The cookie


@pytest.mark.covers("automation.cookie")
def test_each_browser_has_its_own_person(sts: Emulator, rp: RelyingParty) -> None:
    other = web(sts, "other")
    people = (BEVER, VITS, SPURV, PID_OF[GP])
    browsers = [rp.browser() for _ in people]
    for browser, persona in zip(browsers, people, strict=True):
        become(browser, persona)
    for party in (rp, other):
        for browser, persona in zip(browsers, people, strict=True):
            login = Login()
            claims = identity(party, login, begin(party, login, browser))
            assert claims[PID] == PID_OF.get(persona, persona)
    shows_a_page(begin(rp, Login(), rp.browser()))


@pytest.mark.covers("automation.cookie")
def test_the_person_of_a_browser_may_be_changed(rp: RelyingParty) -> None:
    browser = rp.browser()
    for persona in (BEVER, VITS, BEVER):
        become(browser, persona)
        login = Login()
        assert identity(rp, login, begin(rp, login, browser))[PID] == PID_OF[persona]


@pytest.mark.covers("automation.cookie.nothing-else")
def test_the_address_sets_the_cookie_and_nothing_else(sts: Emulator) -> None:
    before = sts.row_counts()
    answer = sts.get(f"/mock/as/{BEVER}")
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(
        r"mock-sts-persona-[0-9a-f]{8}-default=livstrett-bever; HttpOnly; Path=/; SameSite=Lax", cookie
    ), cookie
    assert "location" not in answer.headers
    assert BEVER in answer.content.decode()
    assert sts.row_counts() == before


@pytest.mark.covers("automation.cookie.nothing-else")
def test_the_cookie_over_https(worlds: Worlds) -> None:
    sts = worlds.make(host="sts.example.test", public_url="https://sts.example.test")
    cookie = sts.get(f"/mock/as/{BEVER}").headers["set-cookie"]
    assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "Path=/", "SameSite=None", "Secure"}


@pytest.mark.covers("automation.cookie.unknown")
@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("livstret-bever", "did you mean livstrett-bever"),
        ("zzzz", ""),
        ("123", ""),
        ("<script>alert(1)<script>", ""),
        ('"onload=alert(1) x="', ""),
        ("'; DROP TABLE persona; --", ""),
        ("a\r\nSet-Cookie: b=c", ""),
        ("\0", ""),
        ("😀" * 200, ""),
        ("x" * 5000, ""),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_an_unknown_persona_sets_no_cookie(sts: Emulator, name: str, near: str) -> None:
    before = sts.row_counts()
    answer = sts.get(f"/mock/as/{quote(name, safe='')}")
    assert answer.status == 404
    assert "set-cookie" not in answer.headers
    text = answer.content.decode()
    assert "no persona is called" in html.unescape(text)
    assert near in html.unescape(text)
    assert not re.search(r"<script|<[^>]*\son\w+=", text)
    assert sts.row_counts() == before


@pytest.mark.covers("automation.cookie.unknown")
@pytest.mark.parametrize("path", ["%ff", "%ed%a0%80", "a/b", "%3c/script%3e", "..%2f..", "%2e%2e", ""])
def test_strange_addresses_set_no_cookie(sts: Emulator, path: str) -> None:
    answer = sts.get(f"/mock/as/{path}")
    assert answer.status == 404
    assert "set-cookie" not in answer.headers


@pytest.mark.covers("automation.cookie.unknown")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_the_address_is_only_read(sts: Emulator, method: str) -> None:
    answer = sts.transport.send(method, f"/mock/as/{BEVER}")
    assert answer.status == 405
    assert "set-cookie" not in answer.headers


@pytest.mark.covers("automation.cookie.unknown")
@pytest.mark.parametrize("value", ["\\303", "a" * 4000, "%00", "<script>", "🙂", '"a"'])
def test_a_strange_cookie_names_nobody(sts: Emulator, rp: RelyingParty, value: str) -> None:
    browser = rp.browser()
    become(browser, BEVER)
    name = next(name for name in browser.cookies if "persona" in name)
    browser.cookies[name] = value.encode().decode("latin-1")
    login = Login()
    answer = begin(rp, login, browser)
    assert refused(answer, login)[0] == "access_denied"


@pytest.mark.covers("automation.cookie.survives-logout")
def test_the_person_stays_after_logging_out(sts: Emulator, rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    become(browser, BEVER)
    found = answer_parameters(begin(rp, login, browser))
    tokens = rp.redeem(login, found["code"])
    sid = tokens.claims["sid"]
    browser.follow(browser.send("GET", f"/connect/endsession?id_token_hint={tokens.json['id_token']}"))
    login = Login()
    claims = identity(rp, login, begin(rp, login, browser))
    assert claims[PID] == PID_OF[BEVER]
    assert claims["sid"] != sid


# What it costs


@pytest.mark.covers("automation.server-timing")
def test_the_answer_tells_what_it_cost(rp: RelyingParty) -> None:
    answers = [
        begin(rp, Login(), rp.browser(), {"test_pid": PERSON}),
        begin(rp, Login(), rp.browser()),
        begin(rp, Login(), rp.browser(), {"login_hint": "persona:nobody"}),
    ]
    for answer in answers:
        found = re.fullmatch(r"total;dur=(\d+\.\d)", answer.headers["server-timing"])
        assert found is not None, answer.headers["server-timing"]
        assert 0 <= float(found[1]) < 10_000
