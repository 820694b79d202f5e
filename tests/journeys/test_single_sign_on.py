"""When a browser's session answers a request, and when somebody has to log in again."""

from typing import Any

import pytest

from tests.support.emulator import START, Emulator, Worlds
from tests.support.keys import private_jwk
from tests.support.logins import web
from tests.support.machine import Answer, decode
from tests.support.relying_party import (
    PERSON,
    REDIRECT_URI,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
)

OTHER_PERSON = "15849197352"
PID = "helseid://claims/identity/pid"


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


def asked(rp: RelyingParty, login: Login, browser: Browser, **changes: str) -> Answer:
    pushed = rp.push(login, changes)
    assert pushed.status == 201, pushed.content
    return browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))


def identity(rp: RelyingParty, login: Login, answer: Answer) -> dict[str, Any]:
    """The ID token behind an answer that came at once."""
    assert answer.status == 303, answer.content
    assert answer.headers["location"].startswith(REDIRECT_URI + "?code="), answer.headers["location"]
    rp.machine.nonce = None
    tokens = rp.redeem(login, answer_parameters(answer)["code"])
    assert tokens.status == 200, tokens.content
    return decode(tokens.json["id_token"])[1]


def log_in(rp: RelyingParty, browser: Browser, pid: str = PERSON) -> dict[str, Any]:
    """Through the pages; the ID token."""
    login = Login()
    return finish(rp, login, browser, asked(rp, login, browser), pid)


def finish(rp: RelyingParty, login: Login, browser: Browser, first: Answer, pid: str = PERSON) -> dict[str, Any]:
    """From the first redirect through the pages to the ID token."""
    page = browser.follow(first)
    assert page.status == 200, page.content
    if b'id="Test IDP"' in page.content:
        page = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    action, fields = first_form(page.content.decode())
    typed = {**fields, "Pid": pid, "SecurityLevel": "4", "HprNumber": ""}
    return identity(rp, login, browser.follow(browser.send("POST", action, typed)))


def silent(rp: RelyingParty, browser: Browser, **changes: str) -> dict[str, Any]:
    """The ID token of a request that the session answers."""
    login = Login()
    return identity(rp, login, asked(rp, login, browser, **changes))


def shows_a_page(answer: Answer) -> None:
    assert answer.status in (302, 303)
    assert answer.headers["location"].startswith(("/Account/Login?", "/Account/ExternalLogin?")), answer.headers


def login_required(answer: Answer) -> None:
    assert answer.status == 303
    assert answer.headers["location"].startswith(REDIRECT_URI + "?error=login_required&")
    assert answer.headers["location"].endswith("#_")


# The session


@pytest.mark.covers("sso.same-browser")
def test_a_session_answers_without_a_page(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    before = log_in(rp, browser)
    sts.clock.advance(100)
    cookies = dict(browser.cookies)
    login = Login()
    answer = asked(rp, login, browser)
    assert "set-cookie" not in answer.headers
    after = identity(rp, login, answer)
    assert {name: after[name] for name in ("sid", "sub", "auth_time", "idp", PID)} == {
        name: before[name] for name in ("sid", "sub", "auth_time", "idp", PID)
    }
    assert after["iat"] == START + 100
    assert after["nonce"] == login.nonce
    assert browser.cookies == cookies


@pytest.mark.covers("sso.same-browser")
def test_another_browser_has_no_session(rp: RelyingParty) -> None:
    log_in(rp, rp.browser())
    shows_a_page(asked(rp, Login(), rp.browser()))


@pytest.mark.covers("sso.second-client")
def test_a_second_client_is_answered_from_the_same_session(sts: Emulator, rp: RelyingParty) -> None:
    second = web(sts, "second", jwk=private_jwk("ES256", 5), redirect_uris=[REDIRECT_URI])
    browser = rp.browser()
    before = log_in(rp, browser)
    after = silent(second, browser)
    assert (after["aud"], before["aud"]) == ("second", "web")
    assert after["sid"] == before["sid"]
    assert after["sub"] == before["sub"]
    assert silent(second, browser, prompt="none")["sid"] == before["sid"]


@pytest.mark.covers("sso.lifetime")
def test_a_session_lives_eight_hours_from_the_login(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    sts.clock.advance(28_799)
    assert silent(rp, browser)["auth_time"] == START
    sts.clock.advance(1)
    shows_a_page(asked(rp, Login(), browser))
    login_required(asked(rp, Login(), browser, prompt="none"))


@pytest.mark.covers("sso.lifetime")
def test_the_lifetime_is_a_setting(worlds: Worlds) -> None:
    sts = worlds.make(single_sign_on_lifetime=60)
    rp = web(sts)
    browser = rp.browser()
    log_in(rp, browser)
    sts.clock.advance(59)
    silent(rp, browser)
    sts.clock.advance(1)
    shows_a_page(asked(rp, Login(), browser))


@pytest.mark.covers("sso.lifetime.client")
def test_a_client_may_have_a_shorter_lifetime_of_its_own(sts: Emulator, rp: RelyingParty) -> None:
    careful = web(sts, "careful", jwk=private_jwk("ES256", 5), single_sign_on_lifetime=300)
    browser = rp.browser()
    log_in(rp, browser)
    sts.clock.advance(300)
    assert silent(careful, browser)["auth_time"] == START
    sts.clock.advance(1)
    shows_a_page(asked(careful, Login(), browser))
    login_required(asked(careful, Login(), browser, prompt="none"))
    # For others the session is still good.
    assert silent(rp, browser)["auth_time"] == START
    # And a new login serves the careful one again.
    login = Login()
    assert finish(careful, login, browser, asked(careful, login, browser))["auth_time"] == START + 301
    assert silent(careful, browser)["auth_time"] == START + 301


@pytest.mark.covers("sso.allowed-providers")
def test_a_client_that_may_not_use_the_sessions_provider_asks_anew(sts: Emulator, rp: RelyingParty) -> None:
    strict = web(sts, "strict", jwk=private_jwk("ES256", 5), identity_providers=["testidpnew-oidc"])
    browser = rp.browser()
    assert log_in(rp, browser)["idp"] == "testidp-oidc"
    first = asked(strict, Login(), browser)
    assert first.headers["location"].startswith("/Account/ExternalLogin?provider=testidpnew-oidc&")
    login_required(asked(strict, Login(), browser, prompt="none"))


# prompt


@pytest.mark.covers("contract.69")
@pytest.mark.covers("sso.prompt.none")
def test_prompt_none_without_session_is_login_required(rp: RelyingParty) -> None:
    browser = rp.browser()
    login_required(asked(rp, Login(), browser, prompt="none"))
    log_in(rp, browser)
    assert silent(rp, browser, prompt="none")[PID] == PERSON


@pytest.mark.covers("contract.69")
@pytest.mark.covers("sso.prompt.login")
@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_a_forcing_prompt_shows_the_pages_although_there_is_a_session(
    sts: Emulator, rp: RelyingParty, prompt: str
) -> None:
    browser = rp.browser()
    before = log_in(rp, browser)
    sts.clock.advance(100)
    login = Login()
    first = asked(rp, login, browser, prompt=prompt)
    shows_a_page(first)
    after = finish(rp, login, browser, first)
    assert after["auth_time"] == START + 100
    assert after["sid"] == before["sid"]


@pytest.mark.covers("sso.prompt.login")
def test_a_forced_login_is_not_saved_by_another_one(sts: Emulator, rp: RelyingParty) -> None:
    """A login for one request does not count as the login that another request forces."""
    browser = rp.browser()
    pending = rp.authorize_path(rp.push(Login(), {"prompt": "login"}).json["request_uri"])
    shows_a_page(browser.send("GET", pending))
    log_in(rp, browser)
    shows_a_page(browser.send("GET", pending))


@pytest.mark.covers("sso.prompt.login")
def test_a_forced_login_that_nobody_finishes_leaves_the_session(rp: RelyingParty) -> None:
    browser = rp.browser()
    before = log_in(rp, browser)
    shows_a_page(asked(rp, Login(), browser, prompt="login"))
    assert silent(rp, browser)["sid"] == before["sid"]


@pytest.mark.covers("sso.prompt.consent")
def test_prompt_consent_changes_nothing(rp: RelyingParty) -> None:
    browser = rp.browser()
    shows_a_page(asked(rp, Login(), browser, prompt="consent"))
    before = log_in(rp, browser)
    assert silent(rp, browser, prompt="consent")["sid"] == before["sid"]


# max_age


@pytest.mark.covers("sso.max-age")
def test_an_older_login_than_max_age_is_not_good_enough(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    before = log_in(rp, browser)
    sts.clock.advance(100)
    assert silent(rp, browser, max_age="100")["auth_time"] == START
    sts.clock.advance(1)
    login_required(asked(rp, Login(), browser, max_age="100", prompt="none"))
    login = Login()
    first = asked(rp, login, browser, max_age="100")
    shows_a_page(first)
    after = finish(rp, login, browser, first)
    assert after["auth_time"] == START + 101
    assert after["sid"] == before["sid"]


@pytest.mark.covers("sso.max-age.zero")
def test_max_age_zero_forces_a_login_and_ends(rp: RelyingParty) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    login = Login()
    first = asked(rp, login, browser, max_age="0")
    shows_a_page(first)
    assert finish(rp, login, browser, first)[PID] == PERSON
    login_required(asked(rp, Login(), browser, max_age="0", prompt="none"))


@pytest.mark.covers("sso.max-age")
def test_a_slow_login_is_young_enough_for_its_own_request(sts: Emulator, rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    first = asked(rp, login, browser, max_age="1")
    sts.clock.advance(300)
    assert finish(rp, login, browser, first)["auth_time"] == START + 300


# acr_values


@pytest.mark.covers("sso.idp-switch")
def test_another_provider_than_the_sessions_means_a_new_login(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    before = log_in(rp, browser)
    assert silent(rp, browser, acr_values="idp:testidp-oidc")["idp"] == "testidp-oidc"
    sts.clock.advance(10)
    login_required(asked(rp, Login(), browser, acr_values="idp:testidpnew-oidc", prompt="none"))
    login = Login()
    first = asked(rp, login, browser, acr_values="idp:testidpnew-oidc")
    assert first.headers["location"].startswith("/Account/ExternalLogin?provider=testidpnew-oidc&")
    after = finish(rp, login, browser, first)
    assert (after["idp"], after["auth_time"]) == ("testidpnew-oidc", START + 10)
    assert after["sid"] == before["sid"]


@pytest.mark.covers("sso.idp-switch")
@pytest.mark.parametrize("acr_values", ["Level4", "Level3 Level4", "High", "idp:nonsense", "amr:bankid"])
def test_other_acr_values_are_answered_from_the_session(rp: RelyingParty, acr_values: str) -> None:
    browser = rp.browser()
    before = log_in(rp, browser)
    assert silent(rp, browser, acr_values=acr_values)["sid"] == before["sid"]


# sid


@pytest.mark.covers("sso.sid")
def test_the_sid_is_32_capital_hex_digits_in_both_tokens(rp: RelyingParty) -> None:
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login)["code"])
    sid = decode(tokens.json["id_token"])[1]["sid"]
    assert len(sid) == 32 and set(sid) <= set("0123456789ABCDEF")
    assert tokens.claims["sid"] == sid


@pytest.mark.covers("sso.sid")
def test_another_person_in_the_same_browser_is_another_session(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    before = log_in(rp, browser)
    login = Login()
    other = finish(rp, login, browser, asked(rp, login, browser, prompt="login"), OTHER_PERSON)
    assert other[PID] == OTHER_PERSON
    assert other["sid"] != before["sid"]
    assert silent(rp, browser)[PID] == OTHER_PERSON
    login = Login()
    back = finish(rp, login, browser, asked(rp, login, browser, prompt="login"))
    assert back["sid"] not in (before["sid"], other["sid"])


@pytest.mark.covers("sso.sid")
def test_the_same_person_in_two_browsers_has_two_sessions(rp: RelyingParty) -> None:
    one, two = log_in(rp, rp.browser()), log_in(rp, rp.browser())
    assert one["sub"] == two["sub"]
    assert one["sid"] != two["sid"]
