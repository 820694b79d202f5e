"""The pages between authorize and the answer, driven as test drivers of the real TestIDP do it.

The drivers here know what those know, and nothing of the emulator: the anchor's id, decoded addresses, the first form
and the names of its fields.
"""

import base64
import hashlib
import html
import re
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from mock_sts.setup import prepare_store
from tests.support.databases import make_empty
from tests.support.emulator import START, Emulator, Worlds, settings_for
from tests.support.logins import web
from tests.support.machine import Answer, decode
from tests.support.relying_party import (
    PERSON,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
)

OTHER_PERSON = "15849197352"
FORM = "application/x-www-form-urlencoded"
TOKEN_FIELD = "__RequestVerificationToken"


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


def start(rp: RelyingParty, login: Login, browser: Browser, changes: dict[str, Any] | None = None) -> Answer:
    """PAR, and the answer to the first step of the browser."""
    pushed = rp.push(login, changes)
    assert pushed.status == 201, pushed.content
    return browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))


def text(answer: Answer) -> str:
    assert answer.status == 200, (answer.status, answer.content)
    return answer.content.decode()


def open_form(browser: Browser, first: Answer) -> tuple[Answer, str, dict[str, str]]:
    """Through the list of providers to the TestIDP: its page, the form's action, its hidden fields."""
    page = browser.follow(browser.send("GET", anchor(text(browser.follow(first)), "Test IDP")))
    return page, *first_form(text(page))


def fill_in(fields: dict[str, str], pid: str = PERSON, level: str = "4", hpr_number: str = "") -> dict[str, str]:
    return {**fields, "Pid": pid, "SecurityLevel": level, "HprNumber": hpr_number}


def log_in(rp: RelyingParty, login: Login, browser: Browser, **typed: str) -> dict[str, str]:
    _, action, fields = open_form(browser, start(rp, login, browser))
    return answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields, **typed))))


def value_of(page: Answer, name: str) -> str:
    """What an input of a page holds."""
    for tag in re.findall(r"<input\b[^>]*>", page.content.decode()):
        if f'name="{name}"' in tag:
            found = re.search(r'value="([^"]*)"', tag)
            return html.unescape(found[1]) if found else ""
    raise AssertionError(f"no input {name}")


def ends_on_page(browser: Browser, answer: Answer, error: str) -> None:
    assert answer.status == 303, (answer.status, answer.content)
    assert answer.headers["location"].startswith("/home/error?errorId=")
    page = browser.follow(answer)
    assert page.status == 400
    assert f'<p data-testid="error">{error}</p>' in page.content.decode()


GONE = "invalid_request_uri: invalid or reused PAR request uri"


def codes(sts: Emulator) -> int:
    return sts.row_counts()["authorization_code"]


def sessions(sts: Emulator) -> int:
    return sts.row_counts()["login_session"]


def policy(answer: Answer) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["content-security-policy"].split(";")]
    return {words[0]: words[1:] for words in parts if words}


# The way through


@pytest.mark.covers("contract.72")
@pytest.mark.covers("login.headless")
def test_a_headless_driver_logs_in(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    found = log_in(rp, login, browser)
    assert found["state"] == login.state
    answer = rp.redeem(login, found["code"])
    assert answer.status == 200
    claims = decode(answer.json["id_token"])[1]
    assert claims["helseid://claims/identity/pid"] == PERSON
    assert claims["helseid://claims/identity/security_level"] == "4"
    assert claims["idp"] == "testidp-oidc"
    assert claims["amr"] == ["pwd"]
    assert claims["nonce"] == login.nonce


@pytest.mark.covers("login.providers.page")
def test_authorize_leads_to_the_list_of_providers(rp: RelyingParty) -> None:
    browser = rp.browser()
    first = start(rp, Login(), browser)
    assert first.status == 303
    location = urlsplit(first.headers["location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "/Account/Login")
    assert "%2Fconnect%2Fauthorize%2Fcallback%3Frequest_uri%3D" in location.query
    back = urlsplit(parse_qs(location.query)["ReturnUrl"][0])
    assert back.path == "/connect/authorize/callback"
    assert parse_qs(back.query)["client_id"] == ["web"]
    assert parse_qs(back.query)["request_uri"][0].startswith("urn:ietf:params:oauth:request_uri:")
    page = browser.follow(first)
    assert page.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert page.headers["content-type"].lower() == "text/html; charset=utf-8"


@pytest.mark.covers("login.providers.anchor")
def test_the_anchor_has_the_display_name_as_id(rp: RelyingParty) -> None:
    browser = rp.browser()
    page = text(browser.follow(start(rp, Login(), browser)))
    href = anchor(page, "Test IDP")
    assert href.startswith(
        "/Account/ExternalLogin?provider=testidp-oidc&returnUrl=%2Fconnect%2Fauthorize%2Fcallback%3F"
    )
    assert html.escape(href) in page
    assert re.search(r'<a\b[^>]*id="Test IDP"[^>]*>\s*Test IDP\s*</a>', page)
    answer = browser.send("GET", href)
    assert answer.status == 302


@pytest.mark.covers("login.providers.two-schemes")
def test_both_schemes_of_the_testidp_work(rp: RelyingParty) -> None:
    for element_id, scheme in (("Test IDP", "testidp-oidc"), ("Test IDP (new)", "testidpnew-oidc")):
        browser, login = rp.browser(), Login()
        href = anchor(text(browser.follow(start(rp, login, browser))), element_id)
        assert f"provider={scheme}&" in href
        action, fields = first_form(text(browser.follow(browser.send("GET", href))))
        found = answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields))))
        claims = decode(rp.redeem(login, found["code"]).json["id_token"])[1]
        assert claims["idp"] == scheme


@pytest.mark.covers("login.providers.only-one")
def test_the_list_is_skipped_where_one_provider_is_allowed(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["testidp-oidc"])
    browser, login = rp.browser(), Login()
    first = start(rp, login, browser)
    assert first.headers["location"].startswith("/Account/ExternalLogin?provider=testidp-oidc&returnUrl=%2Fconnect%2F")
    action, fields = first_form(text(browser.follow(first)))
    found = answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields))))
    assert rp.redeem(login, found["code"]).status == 200
    assert not any(path.startswith("/Account/Login") for path in browser.visited)


@pytest.mark.covers("contract.69")
@pytest.mark.covers("login.acr-values.idp")
@pytest.mark.parametrize("scheme", ["testidp-oidc", "testidpnew-oidc"])
def test_acr_values_lead_straight_to_a_provider(rp: RelyingParty, scheme: str) -> None:
    browser, login = rp.browser(), Login()
    first = start(rp, login, browser, {"acr_values": f"Level4 idp:{scheme} amr:bankid"})
    assert first.headers["location"].startswith(f"/Account/ExternalLogin?provider={scheme}&returnUrl=")
    action, fields = first_form(text(browser.follow(first)))
    found = answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields))))
    assert decode(rp.redeem(login, found["code"]).json["id_token"])[1]["idp"] == scheme


@pytest.mark.covers("contract.69")
@pytest.mark.covers("login.acr-values.others")
@pytest.mark.parametrize(
    "acr_values",
    [
        "idp:nonsense",
        "idp:",
        "Level4",
        "High",
        "Level3 Level4",
        "amr:minid",
        "bp:amr:sc",
        "testidp-oidc",
        "IDP:testidp-oidc",
    ],
)
def test_other_acr_values_show_the_list(rp: RelyingParty, acr_values: str) -> None:
    browser = rp.browser()
    first = start(rp, Login(), browser, {"acr_values": acr_values})
    assert first.headers["location"].startswith("/Account/Login?ReturnUrl=")
    assert anchor(text(browser.follow(first)), "Test IDP")


@pytest.mark.covers("login.acr-values.others")
def test_a_provider_that_the_client_may_not_use_is_not_entered(sts: Emulator) -> None:
    rp = web(sts, identity_providers=["testidp-oidc"])
    browser = rp.browser()
    first = start(rp, Login(), browser, {"acr_values": "idp:testidpnew-oidc"})
    assert "provider=testidpnew-oidc" not in first.headers["location"]
    page = browser.follow(first)
    assert page.status == 200
    assert "testidpnew-oidc" not in page.content.decode()
    forged = first.headers["location"].replace("provider=testidp-oidc", "provider=testidpnew-oidc")
    assert "provider=testidpnew-oidc" in forged
    ends_on_page(browser, browser.send("GET", forged), GONE)


# The form


@pytest.mark.covers("login.testidp.form")
def test_the_form_has_the_names_that_drivers_know(rp: RelyingParty) -> None:
    browser = rp.browser()
    page, action, fields = open_form(browser, start(rp, Login(), browser))
    source = text(page)
    assert "HPR-testregistry" in source
    assert set(fields) == {TOKEN_FIELD}
    assert re.search(r'<input name="__RequestVerificationToken" type="hidden" value="[A-Za-z0-9_-]{40,}" />', source)
    for name in ("Pid", "SecurityLevel", "HprNumber"):
        assert re.search(rf'<(input|select)\b[^>]*\bname="{name}"', source), name
    assert re.findall(r'<option value="(\d)"', source) == ["4", "3"]
    assert re.findall(r'<option value="(\d)" selected', source) == ["4"]
    assert re.search(r'<form\b[^>]*method="post"', source)
    parts = urlsplit(action)
    assert (parts.scheme, parts.netloc) == ("", "")
    assert parts.path.endswith("/Account/Login")
    assert "returnurl=" in parts.query
    assert html.escape(action) in source


@pytest.mark.covers("login.testidp.post-then-redirect")
def test_the_form_leads_back_by_302(rp: RelyingParty) -> None:
    browser = rp.browser()
    _, action, fields = open_form(browser, start(rp, Login(), browser))
    answer = browser.send("POST", action, fill_in(fields))
    assert answer.status == 302
    assert answer.headers["location"].startswith("/connect/authorize/callback?request_uri=")
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"


@pytest.mark.covers("login.testidp.level")
@pytest.mark.parametrize("level", ["3", "4"])
def test_the_level_typed_is_the_level_of_the_login(rp: RelyingParty, level: str) -> None:
    login = Login()
    answer = rp.redeem(login, log_in(rp, login, rp.browser(), level=level)["code"])
    assert decode(answer.json["id_token"])[1]["helseid://claims/identity/security_level"] == level


@pytest.mark.covers("login.testidp.hpr-number")
@pytest.mark.parametrize(("typed", "expected"), [("", "565505933"), ("9144900", "9144900"), (" 9144900 ", "9144900")])
def test_a_blank_hpr_number_is_looked_up_and_another_is_used(rp: RelyingParty, typed: str, expected: str) -> None:
    login = Login()
    answer = rp.redeem(login, log_in(rp, login, rp.browser(), hpr_number=typed)["code"])
    assert decode(answer.json["id_token"])[1]["helseid://claims/hpr/hpr_number"] == expected


@pytest.mark.covers("login.testidp.invented-person")
def test_an_unknown_pid_is_a_person_invented_for_it(rp: RelyingParty) -> None:
    login = Login()
    claims = decode(rp.redeem(login, log_in(rp, login, rp.browser(), pid="01819012345")["code"]).json["id_token"])[1]
    assert claims["helseid://claims/identity/pid"] == "01819012345"
    assert claims["name"]
    assert "helseid://claims/hpr/hpr_number" not in claims


@pytest.mark.covers("login.testidp.wrong-input")
@pytest.mark.parametrize(
    ("pid", "level", "hpr_number"),
    [
        ("", "4", ""),
        ("1234", "3", "9144900"),
        ("0682839978x", "3", ""),
        ("068283997890", "4", ""),
        ("٠٦٨٢٨٣٩٩٧٨٩", "4", ""),
        ('"><script>alert(1)</script>', "3", "'&<"),
        (PERSON, "3", "123"),
        (PERSON, "3", "abc"),
        (PERSON, "5", ""),
        (PERSON, "Level4", ""),
    ],
)
def test_wrong_input_is_told_and_what_was_typed_stays(
    sts: Emulator, rp: RelyingParty, pid: str, level: str, hpr_number: str
) -> None:
    browser, login = rp.browser(), Login()
    _, action, fields = open_form(browser, start(rp, login, browser))
    before = sessions(sts), codes(sts)
    page = browser.send("POST", action, fill_in(fields, pid, level, hpr_number))
    assert page.status == 400
    assert "location" not in page.headers
    message = re.search(r'role="alert"[^>]*>([^<]+)<', page.content.decode())
    assert message is not None and (" må " in message[1] or message[1].startswith("Velg en person"))
    assert value_of(page, "Pid") == pid
    assert value_of(page, "HprNumber") == hpr_number
    if level == "3":
        assert '<option value="3" selected>' in page.content.decode()
    assert b"<script>alert" not in page.content
    assert (sessions(sts), codes(sts)) == before
    # Mended in the same form, the login goes on.
    action, fields = first_form(page.content.decode())
    found = answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields))))
    assert rp.redeem(login, found["code"]).status == 200


@pytest.mark.covers("login.testidp.unknown-person")
@pytest.mark.slow
def test_a_person_who_must_not_be_invented_is_told_and_stays_typed(worlds: Worlds) -> None:
    sts = worlds.make(invent_people=False)
    rp = web(sts)
    browser, login = rp.browser(), Login()
    _, action, fields = open_form(browser, start(rp, login, browser))
    page = browser.send("POST", action, fill_in(fields, "01819012345", "3", "9144900"))
    assert page.status == 400
    assert "Ingen testperson har dette nummeret" in page.content.decode()
    assert value_of(page, "Pid") == "01819012345"
    assert value_of(page, "HprNumber") == "9144900"
    assert sessions(sts) == 0
    action, fields = first_form(page.content.decode())
    assert "code" in answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields))))


# Forged posts


@pytest.mark.covers("login.antiforgery")
@pytest.mark.parametrize("case", ["no field", "empty field", "changed field", "other browser's field", "no cookie"])
def test_a_post_that_is_not_from_our_form_logs_nobody_in(sts: Emulator, rp: RelyingParty, case: str) -> None:
    browser, login = rp.browser(), Login()
    _, action, fields = open_form(browser, start(rp, login, browser))
    good, cookies = fields[TOKEN_FIELD], dict(browser.cookies)
    stranger = rp.browser()
    sent = {
        "no field": {},
        "empty field": {TOKEN_FIELD: ""},
        "changed field": {TOKEN_FIELD: ("A" if good[0] != "A" else "B") + good[1:]},
        "other browser's field": open_form(stranger, start(rp, Login(), stranger))[2],
        "no cookie": fields,
    }[case]
    if case == "no cookie":
        browser.cookies.clear()
    page = browser.send("POST", action, fill_in(sent, level="3", hpr_number="9144900"))
    assert page.status == 400
    assert "location" not in page.headers
    assert sessions(sts) == 0
    assert not any("session" in name for name in browser.cookies)
    assert value_of(page, "Pid") == PERSON
    assert value_of(page, "HprNumber") == "9144900"
    browser.cookies.update(cookies)
    answer = browser.follow(browser.send("POST", action, fill_in({TOKEN_FIELD: good})))
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200


@pytest.mark.covers("login.antiforgery")
def test_one_browser_may_have_several_forms_open(rp: RelyingParty) -> None:
    browser = rp.browser()
    logins = [Login() for _ in range(3)]
    forms = [open_form(browser, start(rp, login, browser))[1:] for login in logins]
    for login, (action, fields), pid in zip(logins, forms, (PERSON, OTHER_PERSON, PERSON), strict=True):
        found = answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields, pid))))
        assert found["state"] == login.state
        claims = decode(rp.redeem(login, found["code"]).json["id_token"])[1]
        assert claims["helseid://claims/identity/pid"] == pid


# The hop of the drivers of the real TestIDP


@pytest.mark.covers("login.testidp.form-post-hop")
def test_a_driver_that_sends_the_token_as_header_gets_the_form_of_the_real_testidp(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    _, action, fields = open_form(browser, start(rp, login, browser))
    hop = browser.send("POST", action, fill_in(fields), RequestVerificationToken=fields[TOKEN_FIELD])
    target, posted = first_form(text(hop))
    assert set(posted) == {"code", "id_token", "scope", "state", "session_state"}
    assert all(posted.values())
    url = urlsplit(urljoin("http://localhost:8080/", target))
    assert (url.netloc, url.path) == ("localhost:8080", "/signin-testidp-oidc")
    back = browser.send("POST", "/signin-testidp-oidc", posted)
    assert back.status == 302
    answer = browser.follow(back)
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200


def half_hash(value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).decode().rstrip("=")


@pytest.mark.covers("login.testidp.id-token")
@pytest.mark.parametrize("level", ["3", "4"])
def test_the_hop_carries_an_id_token_as_it_was_recorded(sts: Emulator, rp: RelyingParty, level: str) -> None:
    def hop(pid: str = PERSON) -> dict[str, str]:
        browser = rp.browser()
        _, action, fields = open_form(browser, start(rp, Login(), browser))
        filled = fill_in(fields, pid, level)
        page = browser.send("POST", action, filled, RequestVerificationToken=fields[TOKEN_FIELD])
        return first_form(text(page))[1]

    posted = hop()
    header, claims = decode(posted["id_token"])
    assert list(header) == ["alg", "kid", "typ"]
    assert (header["alg"], header["typ"]) == ("RS256", "JWT")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", header["kid"]) and re.fullmatch(r"[A-Za-z0-9_-]{22}", claims["sid"])
    assert str(uuid.UUID(claims["sub"])) == claims["sub"]
    assert claims == {
        "iss": f"{sts.issuer}/testidp",
        "aud": "sts",
        "nbf": START,
        "iat": START,
        "exp": START + 600,
        "auth_time": START,
        "idp": "local",
        "amr": ["pwd"],
        "c_hash": half_hash(posted["code"]),
        "s_hash": half_hash(posted["state"]),
        "sid": claims["sid"],
        "sub": claims["sub"],
        "pid": PERSON,
        "helseid://claims/identity/security_level": level,
    }
    assert re.fullmatch(r"[0-9A-F]{64}", posted["code"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\.[0-9A-F]{32}", posted["session_state"])
    assert posted["scope"] == "openid profile identity/pid"
    keys = sts.get("/.well-known/openid-configuration/jwks").json["keys"]
    jwt.decode(posted["id_token"], RSAKey.import_key(keys[0]))
    # The same person has the same sub, everything else is new.
    again = decode(hop()["id_token"])[1]
    assert (again["sub"], again["sid"] != claims["sid"]) == (claims["sub"], True)
    assert decode(hop(OTHER_PERSON)["id_token"])[1]["sub"] != claims["sub"]


@pytest.mark.covers("login.testidp.id-token")
def test_the_testidps_id_token_is_none_of_ours(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    _, action, fields = open_form(browser, start(rp, Login(), browser))
    hop = browser.send("POST", action, fill_in(fields), RequestVerificationToken=fields[TOKEN_FIELD])
    token = first_form(text(hop))[1]["id_token"]
    assert rp.user_info(token).status == 401
    out = browser.send("GET", f"/connect/endsession?{urlencode({'id_token_hint': token})}")
    assert "logout-submit" in text(out)  # the person is asked


@pytest.mark.covers("login.testidp.form-post-hop")
def test_the_hop_has_the_scheme_of_the_provider(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    first = start(rp, login, browser, {"acr_values": "idp:testidpnew-oidc"})
    action, fields = first_form(text(browser.follow(first)))
    hop = browser.send("POST", action, fill_in(fields), RequestVerificationToken=fields[TOKEN_FIELD])
    target, posted = first_form(text(hop))
    assert urlsplit(target).path == "/signin-testidpnew-oidc"
    ends_on_page(browser, browser.send("POST", "/signin-testidp-oidc", posted), GONE)
    answer = browser.follow(browser.send("POST", "/signin-testidpnew-oidc", posted))
    assert "code" in answer_parameters(answer)


@pytest.mark.covers("login.testidp.form-post-hop")
@pytest.mark.parametrize(
    "posted",
    [{}, {"state": "x"}, {"state": "/connect/authorize/callback?authzId=x"}, {"state": "https://evil.example"}],
    ids=str,
)
def test_the_hop_takes_nothing_that_is_not_ours(sts: Emulator, rp: RelyingParty, posted: dict[str, str]) -> None:
    browser = rp.browser()
    before = sts.row_counts()
    ends_on_page(browser, browser.send("POST", "/signin-testidp-oidc", posted), GONE)
    assert sts.row_counts() == before


@pytest.mark.covers("login.testidp.form-post-hop")
def test_the_header_does_not_stand_for_the_field(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    _, action, fields = open_form(browser, start(rp, Login(), browser))
    page = browser.send("POST", action, fill_in({}), RequestVerificationToken=fields[TOKEN_FIELD])
    assert page.status == 400
    assert sessions(sts) == 0


# Double clicks, tabs, time


@pytest.mark.covers("login.double-click")
@pytest.mark.parametrize("keep_first_cookie", [True, False])
def test_a_form_that_is_clicked_twice_still_logs_in(rp: RelyingParty, keep_first_cookie: bool) -> None:
    browser, login = rp.browser(), Login()
    _, action, fields = open_form(browser, start(rp, login, browser))
    cookies = dict(browser.cookies)
    first = browser.send("POST", action, fill_in(fields))
    if not keep_first_cookie:
        browser.cookies = cookies
    second = browser.send("POST", action, fill_in(fields))
    assert (first.status, second.status) == (302, 302)
    answer = browser.follow(second)
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200
    ends_on_page(browser, browser.send("GET", first.headers["location"]), GONE)


@pytest.mark.covers("login.double-click")
def test_a_click_after_the_answer_ends_on_a_page(sts: Emulator, rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    _, action, fields = open_form(browser, start(rp, login, browser))
    code = answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields))))["code"]
    made = sessions(sts), codes(sts)
    ends_on_page(browser, browser.send("POST", action, fill_in(fields)), GONE)
    assert (sessions(sts), codes(sts)) == made
    assert rp.redeem(login, code).status == 200


@pytest.mark.covers("login.two-tabs")
@pytest.mark.parametrize("same_browser", [True, False])
def test_of_two_tabs_with_one_request_uri_the_first_gets_the_code(
    sts: Emulator, rp: RelyingParty, same_browser: bool
) -> None:
    login = Login()
    path = rp.authorize_path(rp.push(login).json["request_uri"])
    one = rp.browser()
    two = one if same_browser else rp.browser()
    forms = [open_form(browser, browser.send("GET", path)) for browser in (one, two)]
    answer = one.follow(one.send("POST", forms[0][1], fill_in(forms[0][2])))
    ends_on_page(two, two.send("POST", forms[1][1], fill_in(forms[1][2], OTHER_PERSON)), GONE)
    assert codes(sts) == 1
    tokens = rp.redeem(login, answer_parameters(answer)["code"])
    assert decode(tokens.json["id_token"])[1]["helseid://claims/identity/pid"] == PERSON


@pytest.mark.covers("login.two-tabs")
def test_a_login_in_one_browser_is_none_in_another(sts: Emulator, rp: RelyingParty) -> None:
    """Who gets somebody to log in at his request_uri does not get the code in his own browser."""
    path = rp.authorize_path(rp.push(Login()).json["request_uri"])
    victim, attacker = rp.browser(), rp.browser()
    _, action, fields = open_form(victim, victim.send("GET", path))
    assert victim.send("POST", action, fill_in(fields)).status == 302
    assert attacker.send("GET", path).headers["location"].startswith("/Account/Login?ReturnUrl=")
    assert codes(sts) == 0


@pytest.mark.covers("login.expiry")
def test_the_request_must_live_until_the_login_ends(sts: Emulator, rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    _, action, fields = open_form(browser, start(rp, login, browser))
    sts.clock.advance(590)
    found = answer_parameters(browser.follow(browser.send("POST", action, fill_in(fields))))
    assert rp.redeem(login, found["code"]).status == 200


@pytest.mark.covers("login.expiry")
def test_a_login_that_takes_too_long_ends_on_a_page(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    _, action, fields = open_form(browser, start(rp, Login(), browser))
    sts.clock.advance(601)
    before = codes(sts)
    ends_on_page(
        browser,
        until_error(browser, browser.send("POST", action, fill_in(fields))),
        "invalid_request_uri: expired pushed authorization request",
    )
    assert codes(sts) == before


def until_error(browser: Browser, answer: Answer) -> Answer:
    """Follow redirects up to the one that leads to the error page."""
    for _ in range(5):
        target = answer.headers.get("location", "")
        if answer.status not in (302, 303) or target.startswith("/home/error"):
            return answer
        answer = browser.send("GET", target)
    raise AssertionError("too many redirects")


# Cookies


def set_cookies(rp: RelyingParty) -> list[str]:
    """The Set-Cookie headers of a whole login: of the form, and of its answer."""
    browser = rp.browser()
    page, action, fields = open_form(browser, start(rp, Login(), browser))
    answer = browser.send("POST", action, fill_in(fields))
    return [page.headers["set-cookie"], answer.headers["set-cookie"]]


def attributes(cookie: str) -> set[str]:
    return {part.strip() for part in cookie.split(";")[1:]}


@pytest.mark.covers("login.cookies.http")
def test_cookies_over_http(rp: RelyingParty) -> None:
    antiforgery, session = set_cookies(rp)
    assert re.match(r"mock-sts-antiforgery-[0-9a-f]{8}-default=[A-Za-z0-9_-]{43};", antiforgery)
    assert re.match(r"mock-sts-session-[0-9a-f]{8}-default=[A-Za-z0-9_-]{43};", session)
    assert attributes(antiforgery) == attributes(session) == {"HttpOnly", "Path=/", "SameSite=Lax"}


@pytest.mark.covers("login.cookies.https")
def test_cookies_over_https(worlds: Worlds) -> None:
    sts = worlds.make(host="sts.example.test", public_url="https://sts.example.test")
    antiforgery, session = set_cookies(web(sts))
    assert attributes(antiforgery) == attributes(session) == {"HttpOnly", "Path=/", "SameSite=None", "Secure"}


@pytest.mark.covers("login.cookies.https")
def test_the_cookie_of_an_automatic_login_over_https(worlds: Worlds) -> None:
    sts = worlds.make(host="sts.example.test", public_url="https://sts.example.test")
    rp = web(sts)
    answer = start(rp, Login(), rp.browser(), {"test_pid": PERSON})
    assert attributes(answer.headers["set-cookie"]) == {"HttpOnly", "Path=/", "SameSite=None", "Secure"}


@pytest.mark.covers("login.cookies.new-value")
def test_each_login_gives_the_session_a_new_cookie(rp: RelyingParty) -> None:
    browser = rp.browser()
    seen = set()
    for _ in range(2):
        start(rp, Login(), browser, {"test_pid": PERSON, "prompt": "login"})
        seen |= {value for name, value in browser.cookies.items() if "session" in name}
    assert len(seen) == 2


@pytest.mark.covers("login.cookies.two-servers")
def test_two_servers_on_one_host_do_not_share_sessions(tmp_path: Path) -> None:
    parties = []
    for name in ("one", "two"):
        make_empty(tmp_path / f"{name}.sqlite")
        settings = settings_for(tmp_path / f"{name}.sqlite")
        prepare_store(settings)
        sts = Emulator(settings)
        parties.append((sts, web(sts)))
    (first_sts, first), (second_sts, second) = parties
    try:
        browser = first.browser()
        first.log_in(Login(), browser=browser)
        # A browser sends cookies to every port of a host.
        other = second.browser()
        other.cookies = dict(browser.cookies)
        asked = start(second, Login(), other, {"prompt": "none"})
        assert answer_parameters(asked)["error"] == "login_required"
        second.log_in(Login(), {"test_pid": OTHER_PERSON}, browser=other)
        assert len([name for name in other.cookies if "session" in name]) == 2
        # And the first session is still there.
        browser.cookies = dict(other.cookies)
        login = Login()
        code = answer_parameters(start(first, login, browser, {"prompt": "none"}))["code"]
        claims = decode(first.redeem(login, code).json["id_token"])[1]
        assert claims["helseid://claims/identity/pid"] == PERSON
    finally:
        first_sts.close()
        second_sts.close()


@pytest.mark.covers("login.cookies.two-servers")
def test_even_under_the_same_name_a_cookie_of_another_server_is_no_session(worlds: Worlds) -> None:
    first, second = web(worlds.make()), web(worlds.make())
    browser, other = first.browser(), second.browser()
    first.log_in(Login(), browser=browser)
    other.cookies = dict(browser.cookies)
    assert answer_parameters(start(second, Login(), other, {"prompt": "none"}))["error"] == "login_required"


# The content policy


@pytest.mark.covers("login.content-policy")
@pytest.mark.parametrize("redirect_uri", ["http://localhost:8089/callback", "app://callback", "http://[::1]:5000/cb"])
def test_the_form_may_end_wherever_the_client_leads(sts: Emulator, redirect_uri: str) -> None:
    rp = web(sts, redirect_uris=[redirect_uri])
    rp.redirect_uri = redirect_uri
    browser = rp.browser()
    page, action, fields = open_form(browser, start(rp, Login(), browser))
    # Browsers check form-action for the client's own redirects too: tests/browser shows it.
    assert "form-action" not in policy(page)
    assert policy(page)["default-src"] == ["'none'"]
    # Also when it is shown once more.
    again = browser.send("POST", action, fill_in(fields, pid="1"))
    assert again.status == 400
    assert "form-action" not in policy(again)


@pytest.mark.covers("login.content-policy")
def test_other_pages_post_to_the_server_only(rp: RelyingParty) -> None:
    browser = rp.browser()
    providers = browser.follow(start(rp, Login(), browser))
    error = browser.follow(browser.send("GET", "/connect/authorize?client_id=web"))
    for page in (providers, error):
        assert policy(page)["form-action"] == ["'self'"]


@pytest.mark.covers("login.content-policy")
def test_pages_are_not_framed_sniffed_or_run_script(rp: RelyingParty) -> None:
    browser = rp.browser()
    first = browser.follow(start(rp, Login(), browser))
    form = open_form(browser, start(rp, Login(), browser))[0]
    error = browser.follow(browser.send("GET", "/connect/authorize?client_id=web"))
    for page in (first, form, error):
        found = policy(page)
        assert found["frame-ancestors"] == ["'none'"]
        assert found["base-uri"] == ["'none'"]
        assert found["style-src"] == ["'self'"]
        assert "'unsafe-inline'" not in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert b"<script" not in page.content
        assert not re.search(rb"\sstyle=|\son\w+=", page.content)


@pytest.mark.covers("login.content-policy")
def test_pages_need_nothing_from_elsewhere(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    page = text(open_form(browser, start(rp, Login(), browser))[0])
    links = re.findall(r'<link\b[^>]*href="([^"]*)"', page)
    assert links
    for link in links:
        answer = sts.get(link)
        assert (answer.status, answer.headers["content-type"].lower()) == (200, "text/css; charset=utf-8")
    assert "http://" not in page and "https://" not in page


# Hostile


RETURN_URLS = [
    "",
    "/",
    "/connect/authorize",
    "/connect/authorize/callback",
    "/connect/authorize/callback?authzId=x",
    "/connect/authorize/callback?request_uri=urn:ietf:params:oauth:request_uri:0",
    "https://evil.example/connect/authorize/callback?authzId=x",
    "//evil.example/connect/authorize/callback?authzId=x",
    "\\\\evil.example/connect/authorize/callback?authzId=x",
    "/\\evil.example",
    "javascript:alert(1)",
    "http://[::1",
    "//[",
    "\0",
    "/connect/authorize/callback?authzId=\0",
    "æøå",
    "a" * 50_000,
    "/connect/authorize/callback?authzId=" + "A" * 50_000,
    "/connect/authorize/callback?authzId=x\r\nSet-Cookie: a=b",
]


@pytest.mark.covers("login.hostile")
@pytest.mark.parametrize("return_url", RETURN_URLS, ids=lambda text: repr(text[:50]))
@pytest.mark.parametrize(
    "path",
    [
        "/Account/Login?ReturnUrl=",
        "/Account/ExternalLogin?provider=testidp-oidc&returnUrl=",
        "/testidp/Account/Login?provider=testidp-oidc&returnurl=",
    ],
)
def test_a_page_without_a_login_behind_it_leads_nowhere(
    sts: Emulator, rp: RelyingParty, path: str, return_url: str
) -> None:
    browser = rp.browser()
    before = sts.row_counts()
    address = path + quote(return_url, safe="")
    ends_on_page(browser, browser.send("GET", address), GONE)
    if path.startswith("/testidp"):
        ends_on_page(browser, browser.send("POST", address, {"Pid": PERSON, "SecurityLevel": "4"}), GONE)
    assert sts.row_counts() == before


@pytest.mark.covers("login.hostile")
@pytest.mark.parametrize("query", ["", "x", "%00", "ReturnUrl=%ff", "returnUrl=%ed%a0%80", "provider=%00", "a=1&a=2"])
@pytest.mark.parametrize("path", ["/Account/Login", "/Account/ExternalLogin", "/testidp/Account/Login"])
def test_a_strange_query_leads_nowhere(sts: Emulator, rp: RelyingParty, path: str, query: str) -> None:
    browser = rp.browser()
    before = sts.row_counts()
    ends_on_page(browser, browser.send("GET", f"{path}?{query}"), GONE)
    assert sts.row_counts() == before


@pytest.mark.covers("login.hostile")
@pytest.mark.parametrize("provider", ["", "nonsense", "buypass", "%00", "%ff", "a" * 20_000, "testidp-oidc%20"])
def test_an_unknown_provider_leads_nowhere(sts: Emulator, rp: RelyingParty, provider: str) -> None:
    browser = rp.browser()
    _, action, fields = open_form(browser, start(rp, Login(), browser))
    good = f"/Account/ExternalLogin?{urlsplit(action).query.replace('returnurl=', 'returnUrl=')}"
    assert browser.send("GET", good).status == 302
    before = sts.row_counts()
    ends_on_page(browser, browser.send("GET", good.replace("provider=testidp-oidc", f"provider={provider}")), GONE)
    forged = action.replace("provider=testidp-oidc", f"provider={provider}")
    ends_on_page(browser, browser.send("POST", forged, fill_in(fields)), GONE)
    assert sts.row_counts() == before


@pytest.mark.covers("login.hostile")
@pytest.mark.parametrize(
    "tail",
    ["&Pid=%00", "&x=%00", "&x=%ff", "&x=%ed%a0%80", "&Pid=06828399789", "&" + "&".join(f"p{n}=1" for n in range(300))],
    ids=lambda text: text[:20],
)
def test_a_broken_form_logs_nobody_in(sts: Emulator, rp: RelyingParty, tail: str) -> None:
    browser = rp.browser()
    _, action, fields = open_form(browser, start(rp, Login(), browser))
    before = sts.row_counts()
    headers = {
        "Content-Type": FORM,
        "Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
    }
    body = (urlencode(fill_in(fields)) + tail).encode()
    answer = sts.transport.send("POST", action, headers, body)
    assert answer.status == 400
    assert "location" not in answer.headers
    assert sts.row_counts() == before


@pytest.mark.covers("login.hostile")
@pytest.mark.parametrize("name", ["Pid", "SecurityLevel", "HprNumber", TOKEN_FIELD])
@pytest.mark.parametrize("value", ["9" * 100_000, "<script>" * 5_000, "😀" * 5_000, "'; DROP TABLE persona; --", "é"])
def test_huge_and_strange_values_log_nobody_in(sts: Emulator, rp: RelyingParty, name: str, value: str) -> None:
    browser = rp.browser()
    _, action, fields = open_form(browser, start(rp, Login(), browser))
    before = sts.row_counts()
    answer = browser.send("POST", action, {**fill_in(fields), name: value})
    assert answer.status == 400
    assert b"<script>" not in answer.content
    assert sts.row_counts() == before


@pytest.mark.covers("login.hostile")
@pytest.mark.parametrize(
    "path", ["/Account/Login", "/Account/ExternalLogin", "/home/error", "/connect/authorize/callback"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_pages_take_no_other_methods(sts: Emulator, path: str, method: str) -> None:
    assert sts.transport.send(method, path).status == 405
