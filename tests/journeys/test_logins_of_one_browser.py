"""Logins that follow one another: what one leaves behind for the next, and for the tokens of the one before."""

from typing import Any

import pytest

from tests.support.emulator import Emulator, Worlds
from tests.support.machine import decode
from tests.support.relying_party import (
    PERSON,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
    web_client,
)

LEVEL = "helseid://claims/identity/security_level"
HPR = "helseid://claims/hpr/hpr_number"


def web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    return web_client(sts, client_id, **{"grant_types": ["authorization_code"], **members})


def identity(rp: RelyingParty, browser: Browser, asked: dict[str, Any]) -> dict[str, Any]:
    login = Login()
    answer = rp.redeem(login, rp.log_in(login, asked, browser)["code"])
    return decode(answer.json["id_token"])[1]


def test_level_and_number_of_an_earlier_login_do_not_stay(sts: Emulator) -> None:
    rp = web(sts)
    browser = rp.browser()
    odd = identity(rp, browser, {"test_security_level": "3", "test_hpr_number": "123456789"})
    assert (odd[LEVEL], odd[HPR]) == ("3", "123456789")
    usual = identity(rp, browser, {})
    assert (usual[LEVEL], usual[HPR]) == ("4", "565505933")


@pytest.mark.parametrize("order", [("3", "4"), ("4", "3")])
def test_two_logins_from_one_session_in_one_second_are_told_apart(sts: Emulator, order: tuple[str, str]) -> None:
    rp = web(sts)
    first = rp.browser()
    identity(rp, first, {})
    sts.clock.advance(5)
    former = dict(first.cookies)
    tokens = []
    for level in order:
        browser = rp.browser()
        browser.cookies = dict(former)
        login = Login()
        answer = rp.redeem(login, rp.log_in(login, {"prompt": "login", "test_security_level": level}, browser)["code"])
        tokens.append(answer.json["access_token"])
    told = [rp.user_info(token).json[LEVEL] for token in tokens]
    assert told == list(order)


#: How the same person logs in again, and after how many seconds: many tests do it within one.
AGAIN: dict[str, dict[str, str]] = {
    "the same": {},
    "forced": {"prompt": "login"},
    "because of its age": {"max_age": "0"},
    "at another level": {"test_security_level": "3"},
    "with another number": {"test_hpr_number": "123456789"},
    "at another provider": {"acr_values": "idp:testidpnew-oidc"},
}


@pytest.mark.covers("sso.sid")
@pytest.mark.parametrize("seconds", [0, 1, 100])
@pytest.mark.parametrize("again", AGAIN)
def test_the_same_person_keeps_session_and_clients(sts: Emulator, again: str, seconds: int) -> None:
    first, second, third = (web(sts, name) for name in ("first", "second", "third"))
    browser = first.browser()
    sessions: list[dict[str, Any]] = []
    for rp in (first, second, third, first):
        asked = {} if rp is first and not sessions else AGAIN[again]
        login = Login()
        rp.machine.learn_nonce()
        tokens = rp.redeem(login, rp.log_in(login, asked, browser)["code"]).json
        sessions.append(decode(tokens["id_token"])[1])
        info = rp.user_info(tokens["access_token"]).json
        assert (info[LEVEL], info[HPR]) == (sessions[-1][LEVEL], sessions[-1][HPR])
        sts.clock.advance(seconds)
    assert {claims["sid"] for claims in sessions} == {sessions[0]["sid"]}
    assert sts.sts.sessions.clients_of(sessions[0]["sid"]) == [
        (name, "http://localhost:8080") for name in ("first", "second", "third")
    ]
    # And another person gets a session without them, at once.
    for rp in (first, second):
        rp.machine.learn_nonce()
    other = identity(second, browser, {"test_pid": "15849197352"})
    assert other["sid"] != sessions[0]["sid"]
    assert sts.sts.sessions.clients_of(other["sid"]) == [("second", "http://localhost:8080")]
    assert identity(first, browser, {})["sid"] not in (other["sid"], sessions[0]["sid"])


@pytest.mark.covers("sso.sid")
def test_tokens_of_logins_within_one_second_tell_of_their_own(sts: Emulator) -> None:
    rp = web(sts)
    browser = rp.browser()
    tokens = []
    for level, number in (("4", ""), ("3", "123456789"), ("4", "7654321"), ("3", "123456789"), ("4", "")):
        login = Login()
        asked = {"test_security_level": level, **({"test_hpr_number": number} if number else {})}
        answer = rp.redeem(login, rp.log_in(login, asked, browser)["code"]).json
        tokens.append((answer["access_token"], level, number or "565505933", decode(answer["id_token"])[1]))
    assert len({claims["sid"] for *_, claims in tokens}) == 1
    for token, level, number, claims in tokens:
        told = rp.user_info(token).json
        assert (told[LEVEL], told[HPR]) == (claims[LEVEL], claims[HPR]) == (level, number)
        assert decode(token)[1]["auth_time"] == claims["auth_time"]


@pytest.mark.covers("sso.sid")
def test_clients_stay_for_as_long_as_logins_prolong_their_session(sts: Emulator) -> None:
    early, late = web(sts, "early"), web(sts, "late")
    browser = early.browser()
    sid = identity(early, browser, {})["sid"]
    for _ in range(12):
        sts.clock.advance(7 * 3_600)
        late.machine.nonce = None
        assert identity(late, browser, {"prompt": "login"})["sid"] == sid
    assert [name for name, _ in sts.sts.sessions.clients_of(sid)] == ["early", "late"]


def test_userinfo_knows_a_login_as_long_as_its_refresh_tokens_live(sts: Emulator) -> None:
    month = 30 * 86_400
    one, other = web(sts, "one"), web(sts, "other", refresh_token_lifetime=month)
    browser = one.browser()
    identity(one, browser, {})
    login = Login()
    tokens = other.redeem(login, other.log_in(login, {}, browser)["code"])
    sts.clock.advance(3 * 86_400)
    other.machine.nonce = None
    # Somebody else's login makes the sweeper come by.
    one.machine.nonce = None
    identity(one, one.browser(), {"test_pid": "15849197352"})
    fresh = other.refresh(tokens.json["refresh_token"])
    assert fresh.status == 200, fresh.content
    assert other.user_info(fresh.json["access_token"]).status == 200


def test_logout_ends_the_session_under_every_cookie_it_had(sts: Emulator) -> None:
    rp = web(sts)
    browser = rp.browser()
    identity(rp, browser, {})
    older = dict(browser.cookies)
    sts.clock.advance(5)
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login, {"prompt": "login"}, browser)["code"])
    browser.send("GET", f"/connect/endsession?id_token_hint={tokens.json['id_token']}")
    assert sts.journal(limit="1")[0]["client_id"] == "web"
    for cookies in (older, browser.cookies):
        again = rp.browser()
        again.cookies = dict(cookies)
        pushed = rp.push(Login(), {"prompt": "none"})
        answer = again.send("GET", rp.authorize_path(pushed.json["request_uri"]))
        assert answer_parameters(answer)["error"] == "login_required"


@pytest.mark.parametrize("path", ["/connect/endsession", "/connect/userinfo"])
def test_a_look_changes_nothing(sts: Emulator, path: str) -> None:
    rp = web(sts)
    browser = rp.browser()
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login, {}, browser)["code"])
    answer = browser.send("HEAD", f"{path}?id_token_hint={tokens.json['id_token']}")
    assert answer.status == 405
    pushed = rp.push(Login(), {"prompt": "none"})
    assert "code" in answer_parameters(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))


def test_the_form_works_over_an_alias_in_http_beside_a_public_url_in_https(worlds: Worlds) -> None:
    sts = worlds.make("mock-sts:8080", public_url="https://sts.example.test", aliases=("http://mock-sts:8080",))
    rp = web(sts)
    rp.machine.issuer = "http://mock-sts:8080"
    browser = rp.browser()
    pushed = rp.push(Login())
    assert pushed.status == 201, pushed.content
    page = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    form = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    assert "Secure" not in form.headers["set-cookie"]
    assert "SameSite=Lax" in form.headers["set-cookie"]
    action, fields = first_form(form.content.decode())
    answer = browser.follow(browser.send("POST", action, {**fields, "Pid": PERSON, "SecurityLevel": "4"}))
    assert answer_parameters(answer)["iss"] == "https://sts.example.test"
