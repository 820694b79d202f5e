"""Logins without a page: the TestIDP's parameters say who it is."""

from typing import Any
from urllib.parse import urlencode

import pytest

from mock_sts.helseid.registry.persona import Persona
from mock_sts.store.catalog import MADE, put_entry
from tests.support.emulator import START, Emulator, Worlds
from tests.support.logins import web
from tests.support.machine import ABSENT, Answer, decode
from tests.support.relying_party import (
    PERSON,
    REDIRECT_URI,
    Browser,
    Login,
    RelyingParty,
    answer_parameters,
    first_form,
)

OTHER_PERSON = "15849197352"
#: Has no HPR number.
CITIZEN = "01818038204"
LEVEL = "helseid://claims/identity/security_level"
PID = "helseid://claims/identity/pid"
HPR = "helseid://claims/hpr/hpr_number"


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


@pytest.fixture
def plain(sts: Emulator) -> RelyingParty:
    return web(sts, "plain", require_pushed_authorization_requests=False)


def asked(
    rp: RelyingParty,
    login: Login,
    browser: Browser,
    changes: dict[str, Any] | None = None,
    query: dict[str, str] | None = None,
) -> Answer:
    """PAR with ``changes``, authorize with ``query`` beside the request_uri."""
    pushed = rp.push(login, changes)
    assert pushed.status == 201, pushed.content
    return browser.send("GET", rp.authorize_path(pushed.json["request_uri"], **(query or {})))


def identity(rp: RelyingParty, login: Login, answer: Answer) -> dict[str, Any]:
    """The ID token behind an answer that came at once."""
    assert answer.status == 303, answer.content
    assert answer.headers["location"].startswith(REDIRECT_URI + "?code="), answer.headers["location"]
    tokens = rp.redeem(login, answer_parameters(answer)["code"])
    assert tokens.status == 200, tokens.content
    return decode(tokens.json["id_token"])[1]


def denied(answer: Answer, login: Login, description: str) -> None:
    """The refusal travels to the client, and says why."""
    assert answer.status == 303
    location = answer.headers["location"]
    assert location.startswith(REDIRECT_URI + "?error=access_denied&error_description=")
    assert location.endswith("#_")
    assert answer_parameters(answer) == {
        "error": "access_denied",
        "error_description": description,
        "state": login.state,
        "iss": "http://localhost:8080",
    }
    assert "set-cookie" not in answer.headers


def shows_a_page(answer: Answer) -> None:
    assert answer.status in (302, 303)
    assert answer.headers["location"].startswith(("/Account/Login?", "/Account/ExternalLogin?"))


# In PAR, in the authorize query, without PAR


@pytest.mark.covers("automatic-login.par")
@pytest.mark.parametrize("acr_values", [ABSENT, "idp:testidp-oidc", "idp:testidpnew-oidc Level4"])
def test_test_pid_in_par_logs_in_at_once(rp: RelyingParty, acr_values: object) -> None:
    login, browser = Login(), rp.browser()
    claims = identity(rp, login, asked(rp, login, browser, {"test_pid": PERSON, "acr_values": acr_values}))
    assert (claims[PID], claims[LEVEL], claims[HPR]) == (PERSON, "4", "565505933")
    assert (claims["name"], claims["amr"], claims["auth_time"]) == ("KVART GREVLING", ["pwd"], START)
    assert claims["idp"] == ("testidpnew-oidc" if "new" in str(acr_values) else "testidp-oidc")
    assert len(browser.visited) == 1


@pytest.mark.covers("automatic-login.authorize-query")
def test_test_pid_beside_the_request_uri_logs_in_at_once(rp: RelyingParty) -> None:
    login, browser = Login(), rp.browser()
    query = {"test_pid": PERSON, "test_security_level": "3", "test_hpr_number": "9144900"}
    claims = identity(rp, login, asked(rp, login, browser, query=query))
    assert (claims[PID], claims[LEVEL], claims[HPR]) == (PERSON, "3", "9144900")
    assert len(browser.visited) == 1


@pytest.mark.covers("automatic-login.authorize-query")
def test_par_and_query_may_share_the_work(rp: RelyingParty) -> None:
    login = Login()
    answer = asked(rp, login, rp.browser(), {"test_pid": PERSON}, {"test_security_level": "3"})
    claims = identity(rp, login, answer)
    assert (claims[PID], claims[LEVEL]) == (PERSON, "3")


@pytest.mark.covers("automatic-login.plain")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_test_pid_without_par(plain: RelyingParty, method: str) -> None:
    login, browser = Login(), plain.browser()
    parameters = plain.parameters(login, {"test_pid": PERSON, "test_security_level": "3"})
    if method == "GET":
        answer = browser.send("GET", "/connect/authorize?" + urlencode(parameters))
    else:
        answer = browser.send("POST", "/connect/authorize", parameters)
    claims = identity(plain, login, answer)
    assert (claims[PID], claims[LEVEL]) == (PERSON, "3")


@pytest.mark.covers("automatic-login.form-post")
def test_an_automatic_login_answers_by_form_too(rp: RelyingParty) -> None:
    login = Login()
    answer = asked(rp, login, rp.browser(), {"test_pid": PERSON, "response_mode": "form_post"})
    action, fields = first_form(answer.content.decode())
    assert action == REDIRECT_URI
    assert rp.redeem(login, fields["code"]).status == 200


# Whom, and how


@pytest.mark.covers("automatic-login.hpr-number")
@pytest.mark.parametrize(
    ("pid", "number", "expected"),
    [
        (PERSON, ABSENT, "565505933"),
        (PERSON, "", "565505933"),
        (PERSON, "9144900", "9144900"),
        (OTHER_PERSON, ABSENT, "565550846"),
        (CITIZEN, ABSENT, None),
        (CITIZEN, "9144900", "9144900"),
    ],
)
def test_the_hpr_number_is_the_one_given_or_the_registers(
    rp: RelyingParty, pid: str, number: object, expected: str | None
) -> None:
    login = Login()
    answer = asked(rp, login, rp.browser(), {"test_pid": pid, "test_hpr_number": number})
    assert identity(rp, login, answer).get(HPR) == expected


@pytest.mark.covers("automatic-login.security-level")
@pytest.mark.parametrize(("level", "expected"), [(ABSENT, "4"), ("", "4"), ("4", "4"), ("3", "3")])
def test_the_security_level_is_four_unless_given(rp: RelyingParty, level: object, expected: str) -> None:
    login = Login()
    answer = asked(rp, login, rp.browser(), {"test_pid": PERSON, "test_security_level": level})
    assert identity(rp, login, answer)[LEVEL] == expected


@pytest.mark.covers("automatic-login.invented-person")
def test_a_pid_of_no_persona_is_a_person_invented_for_it(rp: RelyingParty) -> None:
    names = []
    for _ in range(2):
        login = Login()
        claims = identity(rp, login, asked(rp, login, rp.browser(), {"test_pid": "01819012345"}))
        assert claims[PID] == "01819012345"
        names.append((claims["sub"], claims["name"]))
    assert names[0] == names[1]
    assert names[0][1]


@pytest.mark.covers("automatic-login.needs-pid")
@pytest.mark.parametrize("changes", [{"test_security_level": "3"}, {"test_hpr_number": "9144900"}, {"test_pid": ""}])
def test_without_test_pid_there_is_a_page(rp: RelyingParty, changes: dict[str, Any]) -> None:
    shows_a_page(asked(rp, Login(), rp.browser(), changes))
    shows_a_page(asked(rp, Login(), rp.browser(), query=changes))


@pytest.mark.covers("automatic-login.testidp-only")
def test_where_the_testidp_is_not_allowed_its_parameters_mean_nothing(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["idporten-oidc"])
    for changes in ({"test_pid": PERSON}, {"test_pid": PERSON, "acr_values": "idp:testidp-oidc"}, {"test_pid": "x"}):
        browser = rp.browser()
        page = browser.follow(asked(rp, Login(), browser, changes))
        assert page.status == 200
        assert "<h1>ID-porten</h1>" in page.content.decode()


@pytest.mark.covers("automatic-login.testidp-only")
def test_a_client_without_any_provider_is_told_why_nobody_can_log_in(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["nonsense-oidc"])
    browser = rp.browser()
    page = browser.follow(asked(rp, Login(), browser, {"test_pid": PERSON}))
    assert page.status == 400
    assert "its identity_providers are nonsense-oidc; none of these is on offer here" in page.content.decode()


@pytest.mark.covers("automatic-login.testidp-only")
def test_the_only_scheme_allowed_is_the_one_used(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["testidpnew-oidc"])
    login = Login()
    claims = identity(rp, login, asked(rp, login, rp.browser(), {"test_pid": PERSON}))
    assert claims["idp"] == "testidpnew-oidc"


# Nobody


MALFORMED: list[Any] = [
    ({"test_pid": "abc"}, "test_pid must be eleven digits"),
    ({"test_pid": "0682839978"}, "test_pid must be eleven digits"),
    ({"test_pid": "068283997899"}, "test_pid must be eleven digits"),
    ({"test_pid": " 06828399789"}, "test_pid must be eleven digits"),
    ({"test_pid": "٠٦٨٢٨٣٩٩٧٨٩"}, "test_pid must be eleven digits"),
    ({"test_pid": "9" * 50_000}, "test_pid must be eleven digits"),
    ({"test_pid": PERSON, "test_hpr_number": "123"}, "test_hpr_number must be seven to nine digits"),
    ({"test_pid": PERSON, "test_hpr_number": "abc"}, "test_hpr_number must be seven to nine digits"),
    ({"test_pid": PERSON, "test_security_level": "2"}, "test_security_level must be one of 3, 4"),
    ({"test_pid": PERSON, "test_security_level": "high"}, "test_security_level must be one of 3, 4"),
]


@pytest.mark.covers("automatic-login.malformed")
@pytest.mark.parametrize(("changes", "description"), MALFORMED, ids=lambda value: str(value)[:50])
def test_a_malformed_value_is_told_to_the_client(
    sts: Emulator, rp: RelyingParty, changes: dict[str, Any], description: str
) -> None:
    login = Login()
    denied(asked(rp, login, rp.browser(), changes), login, description)
    login = Login()
    denied(asked(rp, login, rp.browser(), query=changes), login, description)
    counts = sts.row_counts()
    assert (counts["login_session"], counts["authorization_code"]) == (0, 0)


@pytest.mark.covers("automatic-login.malformed")
def test_a_refusal_by_form(rp: RelyingParty) -> None:
    login = Login()
    answer = asked(rp, login, rp.browser(), {"test_pid": "abc", "response_mode": "form_post"})
    assert answer.status == 200
    assert first_form(answer.content.decode()) == (
        REDIRECT_URI,
        {
            "error": "access_denied",
            "error_description": "test_pid must be eleven digits",
            "state": login.state,
            "iss": "http://localhost:8080",
        },
    )


@pytest.mark.covers("automatic-login.unknown-person")
def test_a_person_who_must_not_be_invented_is_denied(worlds: Worlds) -> None:
    sts = worlds.make(invent_people=False)
    rp = web(sts)
    login, browser = Login(), rp.browser()
    answer = asked(rp, login, browser, {"test_pid": "01819012345"})
    denied(answer, login, "no persona has this pid, and MOCK_STS_INVENT_PEOPLE is false")
    assert browser.cookies == {}
    login = Login()
    assert identity(rp, login, asked(rp, login, browser, {"test_pid": PERSON}))[PID] == PERSON


@pytest.mark.covers("automatic-login.unknown-person")
def test_a_pid_that_was_replaced_is_denied(sts: Emulator, rp: RelyingParty) -> None:
    document = {"pid": "01819012345", "given_name": "GAMMEL", "family_name": "SPURV", "superseded_by": PERSON}
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)
    login = Login()
    answer = asked(rp, login, rp.browser(), {"test_pid": "01819012345"})
    denied(answer, login, "the pid was replaced by 06828399789, which is the one to log in with")


# With a session


@pytest.mark.covers("automatic-login.other-person")
@pytest.mark.parametrize("where", ["PAR", "query"])
def test_another_person_than_the_sessions_logs_in_anew(sts: Emulator, rp: RelyingParty, where: str) -> None:
    browser, first = rp.browser(), Login()
    before = identity(rp, first, asked(rp, first, browser, {"test_pid": PERSON}))
    sts.clock.advance(20)
    login = Login()
    hint = {"test_pid": OTHER_PERSON}
    answer = asked(rp, login, browser, hint) if where == "PAR" else asked(rp, login, browser, query=hint)
    after = identity(rp, login, answer)
    assert (before[PID], after[PID]) == (PERSON, OTHER_PERSON)
    assert after["sid"] != before["sid"]
    assert after["sub"] != before["sub"]
    assert after["auth_time"] == START + 20
    # And the browser is that person's from now on.
    third = Login()
    assert identity(rp, third, asked(rp, third, browser))[PID] == OTHER_PERSON


@pytest.mark.covers("automatic-login.same-person")
def test_the_sessions_own_person_is_answered_from_the_session(sts: Emulator, rp: RelyingParty) -> None:
    browser, first = rp.browser(), Login()
    before = identity(rp, first, asked(rp, first, browser, {"test_pid": PERSON}))
    sts.clock.advance(20)
    login = Login()
    after = identity(rp, login, asked(rp, login, browser, {"test_pid": PERSON}))
    assert (after["sid"], after["auth_time"]) == (before["sid"], START)


@pytest.mark.covers("automatic-login.other-level-or-number")
@pytest.mark.parametrize(
    ("changes", "claim", "value"),
    [({"test_security_level": "3"}, LEVEL, "3"), ({"test_hpr_number": "9144900"}, HPR, "9144900")],
    ids=["level", "number"],
)
def test_another_level_or_number_of_the_same_person_logs_in_anew(
    sts: Emulator, rp: RelyingParty, changes: dict[str, str], claim: str, value: str
) -> None:
    browser, first = rp.browser(), Login()
    before = identity(rp, first, asked(rp, first, browser, {"test_pid": PERSON}))
    sts.clock.advance(20)
    login = Login()
    after = identity(rp, login, asked(rp, login, browser, {"test_pid": PERSON, **changes}))
    assert before[claim] != value
    assert after[claim] == value
    assert after["auth_time"] == START + 20
    assert after["sid"] == before["sid"]


@pytest.mark.covers("automatic-login.prompt-none")
def test_prompt_none_with_test_pid_needs_no_page(rp: RelyingParty) -> None:
    login = Login()
    claims = identity(rp, login, asked(rp, login, rp.browser(), {"test_pid": PERSON, "prompt": "none"}))
    assert claims[PID] == PERSON


@pytest.mark.covers("automatic-login.prompt-login")
@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
def test_a_forced_login_is_automatic_too(sts: Emulator, rp: RelyingParty, changes: dict[str, str]) -> None:
    browser, first = rp.browser(), Login()
    before = identity(rp, first, asked(rp, first, browser, {"test_pid": PERSON}))
    sts.clock.advance(20)
    login = Login()
    after = identity(rp, login, asked(rp, login, browser, {"test_pid": PERSON, **changes}))
    assert after["auth_time"] == START + 20
    assert after["sid"] == before["sid"]


@pytest.mark.covers("login.refused.rule")
@pytest.mark.parametrize(
    ("hints", "reason"),
    [
        ({"test_pid": "123"}, "test_pid must be eleven digits"),
        (
            {"login_hint": "persona:KVART-GREVLING"},
            "no persona is called 'KVART-GREVLING'; did you mean kvart-grevling",
        ),
        ({"login_hint": "persona:kvart-grevlin"}, "no persona is called 'kvart-grevlin'; did you mean kvart-grevling"),
        ({"login_hint": "outcome:no-such"}, "'no-such' is no outcome; these are success, access_denied"),
    ],
)
def test_log_and_journal_say_what_is_wrong_with_the_order_of_a_login(
    sts: Emulator, rp: RelyingParty, caplog: pytest.LogCaptureFixture, hints: dict[str, str], reason: str
) -> None:
    answer = asked(rp, Login(), rp.browser(), hints)
    told = answer_parameters(answer)
    assert told["error"] == "access_denied" and told["error_description"].startswith(reason)
    assert answer.rule == "login-order.readable"
    line = next(text for text in caplog.messages if "/connect/authorize" in text)
    assert "access_denied, rule login-order.readable: " in line
    assert f"Observed: {reason}" in line.replace("\\'", "'") and "Remedy: send test_pid=<eleven digits>" in line
    entry = sts.journal(limit="1")[0]
    broken = entry["findings"]["broken"][-1]
    assert (entry["rule"], broken["rule"]) == ("login-order.readable", "login-order.readable")
    assert broken["observed"].startswith(reason) and broken["remedy"].startswith("send test_pid=")


@pytest.mark.covers("authorize.refused.reason")
@pytest.mark.parametrize(
    ("hints", "reason"),
    [
        ({"login_hint": "outcome:access_denied"}, "the login was scripted to end with access_denied"),
    ],
)
def test_log_and_journal_say_why_a_login_without_a_rule_was_refused(
    sts: Emulator, rp: RelyingParty, caplog: pytest.LogCaptureFixture, hints: dict[str, str], reason: str
) -> None:
    answer = asked(rp, Login(), rp.browser(), hints)
    assert answer_parameters(answer)["error"] == "access_denied"
    assert "mock-sts-rule" not in answer.headers
    line = next(text for text in caplog.messages if "/connect/authorize" in text)
    assert "access_denied, rule -: " in line and reason.replace("'", "") in line.replace("'", "").replace('"', "")
    assert sts.journal(limit="1")[0]["detail"]["reason"].startswith(reason)
