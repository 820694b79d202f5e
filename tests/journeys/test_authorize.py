"""The authorize endpoint, row by row."""

import base64
import hashlib
import html
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import pytest
from joserfc.jwk import ECKey

from tests.support.emulator import Emulator, LiveServer, OverHttp, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.logins import web
from tests.support.machine import ABSENT, Answer, decode
from tests.support.relying_party import (
    PERSON,
    REDIRECT_URI,
    SCOPES,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
)

OTHER_KEY = private_jwk("ES256", 9)
NOWHERE = "urn:ietf:params:oauth:request_uri:" + "0" * 64
STATES = [
    "a b",
    "a+b",
    "a%20b&c=d",
    "x=1&code=stolen#fragment",
    "æøå ÆØÅ",
    "😀",
    "\"'<>\\`{}|^~[]",
    "</form><script>alert(1)</script>",
    "&amp;&lt;&#39;",
    "%",
    "%00",
    "~._-",
    "a" * 8000,
    "'\"&+%" * 1000,
]


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


@pytest.fixture
def plain(sts: Emulator) -> RelyingParty:
    """A client that need not push its requests."""
    return web(sts, "plain", require_pushed_authorization_requests=False)


def pushed(rp: RelyingParty, login: Login, changes: dict[str, Any] | None = None) -> str:
    answer = rp.push(login, changes)
    assert answer.status == 201, answer.content
    return rp.authorize_path(answer.json["request_uri"])


def plain_path(rp: RelyingParty, login: Login, changes: dict[str, Any] | None = None) -> str:
    return "/connect/authorize?" + urlencode(rp.parameters(login, changes), doseq=True)


def thumbprint() -> str:
    members: Any = {name: OTHER_KEY[name] for name in ("kty", "crv", "x", "y")}
    return ECKey.import_key(members).thumbprint()


def pairs(answer: Answer) -> list[tuple[str, str]]:
    """Name and value of each parameter as they stand in the Location, decoded as percent-encoding only."""
    query = urlsplit(answer.headers["location"]).query
    return [(name, unquote(value)) for name, _, value in (pair.partition("=") for pair in query.split("&"))]


def ends_on_page(browser: Browser, answer: Answer, error: str, description: str, rule: str | None = None) -> None:
    """The client hears nothing: an address of ours, and a page with status 400 behind it."""
    assert answer.status == 303, answer.content
    assert re.fullmatch(r"/home/error\?errorId=[A-Za-z0-9_-]+", answer.headers["location"])
    if rule is not None:
        assert answer.rule == rule
    page = browser.follow(answer)
    assert page.status == 400
    assert page.headers["content-type"].lower() == "text/html; charset=utf-8"
    assert f'<p data-testid="error">{html.escape(f"{error}: {description}")}</p>' in page.content.decode()


def asks_for_login(answer: Answer) -> None:
    assert answer.status in (302, 303), answer.content
    assert answer.headers["location"].startswith("/Account/Login?ReturnUrl=")


def codes(sts: Emulator) -> int:
    return sts.row_counts()["authorization_code"]


# The answer


@pytest.mark.covers("contract.59")
@pytest.mark.covers("authorize.pushed")
def test_client_id_and_request_uri_are_all_it_takes(rp: RelyingParty) -> None:
    login = Login()
    path = pushed(rp, login, {"test_pid": PERSON})
    assert set(parse_qs(urlsplit(path).query)) == {"client_id", "request_uri"}
    answer = rp.browser().send("GET", path)
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200


@pytest.mark.covers("contract.67")
@pytest.mark.covers("authorize.response.query")
def test_the_answer_is_a_303_that_nobody_keeps(rp: RelyingParty) -> None:
    answer = rp.browser().send("GET", pushed(rp, Login(), {"test_pid": PERSON}))
    assert answer.status == 303
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["location"].startswith(REDIRECT_URI + "?code=")
    assert "#" not in answer.headers["location"]
    assert answer.content == b""


@pytest.mark.covers("authorize.response.parameters")
def test_code_state_iss_and_session_state_come_in_this_order(rp: RelyingParty) -> None:
    login = Login()
    found = pairs(rp.browser().send("GET", pushed(rp, login, {"test_pid": PERSON})))
    assert [name for name, _ in found] == ["code", "state", "iss", "session_state"]
    assert dict(found)["state"] == login.state


@pytest.mark.covers("authorize.response.code")
def test_a_code_is_64_capital_hex_digits_and_minus_one(rp: RelyingParty) -> None:
    seen = {rp.log_in(Login())["code"] for _ in range(3)}
    assert len(seen) == 3
    assert all(re.fullmatch(r"[0-9A-F]{64}-1", code) for code in seen)


@pytest.mark.covers("authorize.response.session-state")
def test_session_state_is_a_hash_and_a_salt(rp: RelyingParty) -> None:
    browser = rp.browser()
    seen = {rp.log_in(Login(), browser=browser)["session_state"] for _ in range(2)}
    assert len(seen) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}\.[0-9A-F]{32}", text) for text in seen)


@pytest.mark.covers("contract.01")
@pytest.mark.covers("authorize.response.iss")
@pytest.mark.parametrize("issuer", ["", "https://sts.example.test", "http://sts.example.test:8443/path"])
def test_iss_is_the_issuer(worlds: Worlds, issuer: str) -> None:
    sts = worlds.make(host=urlsplit(issuer).netloc or "localhost:8080", public_url=issuer)
    rp = web(sts)
    expected = issuer or "http://localhost:8080"
    assert sts.get("/.well-known/openid-configuration").json["issuer"] == expected
    assert rp.log_in(Login())["iss"] == expected
    browser = rp.browser()
    refused = browser.send("GET", pushed(rp, Login(), {"prompt": "none"}))
    assert answer_parameters(refused)["iss"] == expected


@pytest.mark.covers("authorize.response.redirect-uri-query")
def test_the_query_of_the_redirect_uri_stays(sts: Emulator) -> None:
    rp = web(sts, redirect_uris=["https://app.example/cb?tenant=a%20b&x="])
    rp.redirect_uri = "https://app.example/cb?tenant=a%20b&x="
    answer = rp.browser().send("GET", pushed(rp, Login(), {"test_pid": PERSON}))
    assert answer.headers["location"].startswith("https://app.example/cb?tenant=a%20b&x=&code=")


@pytest.mark.covers("contract.67")
@pytest.mark.covers("authorize.response.form-post")
def test_form_post_is_a_page_with_a_form_in_single_quotes(rp: RelyingParty) -> None:
    login = Login()
    answer = rp.browser().send("GET", pushed(rp, login, {"test_pid": PERSON, "response_mode": "form_post"}))
    page = answer.content.decode()
    assert answer.status == 200
    assert answer.headers["content-type"].lower() == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert "location" not in answer.headers
    assert "<form method='post' action='http://localhost:8089/callback'>" in page
    code = re.search(r"<input type='hidden' name='code' value='([0-9A-F]{64}-1)' />", page)
    assert code is not None
    assert re.findall(r"<input type='hidden' name='(\w+)'", page) == ["code", "state", "iss", "session_state"]
    assert rp.redeem(login, code[1]).status == 200


@pytest.mark.covers("contract.67")
@pytest.mark.covers("authorize.response.form-post.submits-itself")
def test_form_post_sends_itself_and_has_a_button_without_script(rp: RelyingParty) -> None:
    answer = rp.browser().send("GET", pushed(rp, Login(), {"test_pid": PERSON, "response_mode": "form_post"}))
    page = answer.content.decode()
    script = re.search(r"<script>(.*?)</script>", page, re.S)
    assert script is not None and "submit()" in script[1]
    hashed = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'sha256-{hashed}'" in policy
    assert "form-action" not in policy  # the client may redirect on, and browsers would check that too
    assert "unsafe-inline" not in policy
    assert re.search(r"<noscript><button[^>]*>[^<]+</button></noscript>", page)


# state and nonce


@pytest.mark.covers("contract.68")
@pytest.mark.covers("authorize.state.bytes")
@pytest.mark.parametrize("state", [*STATES, "a\r\nSet-Cookie: x=1", "\t\x01\x7f"], ids=lambda text: repr(text[:20]))
def test_state_comes_back_byte_for_byte_in_the_query(rp: RelyingParty, state: str) -> None:
    answer = rp.browser().send("GET", pushed(rp, Login(), {"test_pid": PERSON, "state": state}))
    assert answer.headers["location"].isascii()
    assert dict(pairs(answer))["state"] == state
    assert parse_qs(urlsplit(answer.headers["location"]).query)["state"] == [state]


@pytest.mark.covers("contract.68")
@pytest.mark.covers("authorize.state.bytes")
@pytest.mark.parametrize("state", STATES, ids=lambda text: repr(text[:20]))
def test_state_comes_back_byte_for_byte_in_a_form(rp: RelyingParty, state: str) -> None:
    changes = {"test_pid": PERSON, "state": state, "response_mode": "form_post"}
    answer = rp.browser().send("GET", pushed(rp, Login(), changes))
    assert first_form(answer.content.decode())[1]["state"] == state


@pytest.mark.covers("contract.68")
@pytest.mark.covers("authorize.state.bytes")
@pytest.mark.parametrize("state", STATES, ids=lambda text: repr(text[:20]))
def test_state_comes_back_byte_for_byte_with_an_error_and_without_par(plain: RelyingParty, state: str) -> None:
    answer = plain.browser().send("GET", plain_path(plain, Login(), {"prompt": "none", "state": state}))
    assert dict(pairs(answer))["state"] == state


@pytest.mark.covers("authorize.nonce.bytes")
@pytest.mark.parametrize("nonce", STATES, ids=lambda text: repr(text[:20]))
def test_nonce_is_in_the_id_token_byte_for_byte(rp: RelyingParty, nonce: str) -> None:
    login = Login()
    answer = rp.redeem(login, rp.log_in(login, {"nonce": nonce})["code"])
    assert decode(answer.json["id_token"])[1]["nonce"] == nonce


@pytest.mark.covers("contract.68")
@pytest.mark.covers("authorize.state.absent")
def test_without_state_there_is_none_in_the_answer(rp: RelyingParty) -> None:
    login = Login()
    found = rp.log_in(login, {"state": ABSENT, "nonce": ABSENT})
    assert set(found) == {"code", "iss", "session_state"}
    assert "nonce" not in decode(rp.redeem(login, found["code"]).json["id_token"])[1]
    refused = rp.browser().send("GET", pushed(rp, Login(), {"prompt": "none", "state": ABSENT}))
    assert "state" not in dict(pairs(refused))


# Errors


@pytest.mark.covers("authorize.error.travels")
def test_an_error_that_travels_comes_by_query_with_state_iss_and_an_end(rp: RelyingParty) -> None:
    login = Login()
    answer = rp.browser().send("GET", pushed(rp, login, {"prompt": "none"}))
    assert answer.status == 303
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    location = answer.headers["location"]
    assert location.startswith(REDIRECT_URI + "?error=login_required&")
    assert location.endswith("#_")
    found = dict(pairs(answer))
    assert {name: value for name, value in found.items() if name != "error_description"} == {
        "error": "login_required",
        "state": login.state,
        "iss": "http://localhost:8080",
    }


@pytest.mark.covers("authorize.error.reason")
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"prompt": "none"}, "this browser has no login that will do"),
        ({"prompt": "none", "acr_values": "Level4"}, "this browser has no login that will do"),
        ({"test_pid": "abc"}, "test_pid must be eleven digits"),
    ],
)
def test_a_login_that_fails_is_logged_with_a_reason(
    rp: RelyingParty, caplog: pytest.LogCaptureFixture, asked: dict[str, str], reason: str
) -> None:
    """A failure of no rule has no other explanation."""
    assert rp.browser().send("GET", pushed(rp, Login(), asked)).status == 303
    lines = [record.message for record in caplog.records if "refused /connect/authorize" in record.message]
    for line in lines:
        assert not line.endswith(": ''") and reason in line
    assert lines


@pytest.mark.covers("authorize.error.form-post")
def test_an_error_that_travels_by_form(rp: RelyingParty) -> None:
    login = Login()
    answer = rp.browser().send("GET", pushed(rp, login, {"prompt": "none", "response_mode": "form_post"}))
    assert answer.status == 200
    action, fields = first_form(answer.content.decode())
    assert action == REDIRECT_URI
    assert (fields["error"], fields["state"], fields["iss"]) == (
        "login_required",
        login.state,
        "http://localhost:8080",
    )
    assert "code" not in fields


PAGE_ERRORS: list[Any] = [
    ({"redirect_uri": ABSENT}, "invalid_request", "Invalid redirect_uri"),
    ({"redirect_uri": "https://evil.example/cb"}, "invalid_request", "Invalid redirect_uri"),
    ({"redirect_uri": "javascript:alert(1)"}, "invalid_request", "Invalid redirect_uri"),
    ({"response_type": ABSENT}, "invalid_request", "Missing response_type"),
    ({"response_type": "token"}, "unsupported_response_type", "Response type not supported"),
    ({"response_mode": "jwt"}, "unsupported_response_type", "Invalid response_mode"),
    ({"response_mode": "fragment"}, "invalid_request", "Invalid response_mode for response_type"),
    ({"code_challenge": ABSENT}, "invalid_request", "code challenge required"),
    ({"code_challenge": "short"}, "invalid_request", "Invalid code_challenge"),
    ({"code_challenge_method": "plain"}, "invalid_request", "Transform algorithm not supported"),
    ({"scope": ABSENT}, "invalid_request", "Invalid scope"),
    ({"scope": "openid nonsense"}, "invalid_scope", "Invalid scope"),
    ({"scope": "profile"}, "invalid_scope", "Identity scopes requested, but openid scope is missing"),
    ({"resource": "nonsense"}, "invalid_target", "Invalid resource indicator format"),
    ({"resource": "test:other"}, "invalid_target", "Invalid resource indicator"),
    ({"prompt": "create"}, "invalid_request", "Unsupported prompt mode"),
    ({"prompt": "none login"}, "invalid_request", "Invalid prompt"),
    ({"max_age": "-1"}, "invalid_request", "Invalid max_age"),
    ({"client_id": "stranger"}, "unauthorized_client", "Unknown client or client not enabled"),
]


@pytest.mark.covers("authorize.error.page")
@pytest.mark.parametrize(("changes", "error", "description"), PAGE_ERRORS, ids=str)
def test_every_other_error_ends_on_a_page(
    sts: Emulator, plain: RelyingParty, changes: dict[str, Any], error: str, description: str
) -> None:
    browser = plain.browser()
    before = sts.row_counts()
    answer = browser.send("GET", plain_path(plain, Login(), {"test_pid": PERSON, **changes}))
    ends_on_page(browser, answer, error, description)
    assert sts.row_counts() == before
    assert browser.cookies == {}


@pytest.mark.covers("contract.70")
@pytest.mark.covers("authorize.error.page")
def test_not_even_an_error_is_sent_to_a_stranger(plain: RelyingParty) -> None:
    browser = plain.browser()
    changes = {"prompt": "none", "redirect_uri": "https://evil.example/cb", "response_mode": "form_post"}
    answer = browser.send("GET", plain_path(plain, Login(), changes))
    ends_on_page(browser, answer, "invalid_request", "Invalid redirect_uri", "authorization-request.redirect-uri")


@pytest.mark.covers("contract.70")
@pytest.mark.covers("authorize.error.page")
@pytest.mark.parametrize("enforcement", ["observe", "helseid", "strict"])
@pytest.mark.parametrize("must_push", [True, False])
def test_no_enforcement_lets_an_unregistered_redirect_uri_pass(
    worlds: Worlds, enforcement: str, must_push: bool
) -> None:
    sts = worlds.make(enforcement=enforcement)
    rp = web(sts, require_pushed_authorization_requests=must_push)
    browser = rp.browser()
    for prompt in (ABSENT, "none"):
        changes = {"redirect_uri": "https://evil.example/cb", "test_pid": PERSON, "prompt": prompt}
        answer = browser.send("GET", plain_path(rp, Login(), changes))
        assert answer.status == 303
        assert answer.headers["location"].startswith("/home/error?errorId=")
        assert rp.push(Login(), changes).status == 400
    assert codes(sts) == 0


@pytest.mark.covers("authorize.error.page.names-the-rule")
def test_the_page_names_the_rule_and_the_remedy(rp: RelyingParty) -> None:
    browser = rp.browser()
    page = browser.follow(browser.send("GET", rp.authorize_path(NOWHERE))).content.decode()
    assert '<code data-testid="rule">request-uri.fresh</code>' in page
    assert "push a new request for each login" in page


@pytest.mark.covers("authorize.error.page.names-the-rule")
@pytest.mark.parametrize("error_id", ["", "x", "A" * 5000, "%00", "%ff", "<script>", "é"])
def test_a_forged_error_page_says_nothing(sts: Emulator, error_id: str) -> None:
    answer = sts.get("/home/error?errorId=" + quote(error_id, safe="%"))
    assert answer.status == 400
    assert '<p data-testid="error">unknown_error</p>' in answer.content.decode()
    assert b"<script>" not in answer.content


# The request_uri


REUSED = ("invalid_request_uri", "invalid or reused PAR request uri", "request-uri.fresh")


@pytest.mark.covers("contract.61")
@pytest.mark.covers("authorize.request-uri.once")
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a_request_uri_is_answered_once(sts: Emulator, rp: RelyingParty, mode: str) -> None:
    path = pushed(rp, Login(), {"test_pid": PERSON, "response_mode": mode})
    browser = rp.browser()
    assert "code" in answer_parameters(browser.send("GET", path))
    assert codes(sts) == 1
    for visitor in (browser, rp.browser()):
        ends_on_page(visitor, visitor.send("GET", path), *REUSED)
    assert codes(sts) == 1


@pytest.mark.covers("authorize.request-uri.once")
def test_of_many_at_the_same_moment_one_gets_the_code(live: LiveServer) -> None:
    register_api(live.store, "test:api", scopes=["test:api/read"])
    name = f"web-{secrets.token_hex(4)}"
    settings: dict[str, Any] = {"grant_types": ["authorization_code"], "scope": SCOPES, "redirect_uris": [REDIRECT_URI]}
    rp = RelyingParty(live.client(name, **settings))
    path = pushed(rp, Login(), {"test_pid": PERSON})

    def visit(_: int) -> str:
        transport = OverHttp(live.issuer)
        try:
            answer = transport.send("GET", path)
        finally:
            transport.close()
        assert answer.status == 303
        return answer.headers["location"].partition("?")[0]

    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(visit, range(16)))
    assert sorted(places) == ["/home/error"] * 15 + [REDIRECT_URI]


@pytest.mark.covers("authorize.request-uri.error-uses-it-up")
@pytest.mark.parametrize(
    ("changes", "error"),
    [({"prompt": "none"}, "login_required"), ({"test_pid": "abc"}, "access_denied")],
    ids=["login_required", "access_denied"],
)
def test_an_error_is_an_answer_too(rp: RelyingParty, changes: dict[str, Any], error: str) -> None:
    path = pushed(rp, Login(), changes)
    browser = rp.browser()
    assert answer_parameters(browser.send("GET", path))["error"] == error
    ends_on_page(browser, browser.send("GET", path), *REUSED)


@pytest.mark.covers("contract.61")
@pytest.mark.covers("authorize.request-uri.own-client")
@pytest.mark.parametrize("client_id", ["other", ""])
def test_a_request_uri_belongs_to_its_client(sts: Emulator, rp: RelyingParty, client_id: str) -> None:
    web(sts, "other")
    path = pushed(rp, Login(), {"test_pid": PERSON})
    browser = rp.browser()
    answer = browser.send("GET", path.replace("client_id=web", f"client_id={client_id}"))
    ends_on_page(
        browser,
        answer,
        "invalid_request_uri",
        "invalid client for pushed authorization request",
        "request-uri.own",
    )
    # The one whose it is can still use it.
    assert "code" in answer_parameters(browser.send("GET", path))


@pytest.mark.covers("authorize.error.page")
@pytest.mark.parametrize(
    "kind", ["another client's", "used", "unknown", "no reference of ours", "of the front channel"]
)
def test_the_client_is_looked_up_before_what_it_asks_for(sts: Emulator, rp: RelyingParty, kind: str) -> None:
    browser = rp.browser()
    path = pushed(rp, Login(), {"test_pid": PERSON})
    if kind == "used":
        assert "code" in answer_parameters(browser.send("GET", path))
    references = {"unknown": NOWHERE, "not our reference": "https://app.example/request.jwt"}
    asked = rp.authorize_path(references[kind]) if kind in references else path
    if kind == "of the front channel":
        plain = web(sts, "plain", require_pushed_authorization_requests=False)
        back = browser.send("GET", plain_path(plain, Login())).headers["location"]
        asked = parse_qs(urlsplit(back).query)["ReturnUrl"][0] + "&client_id=web"
    answer = browser.send("GET", asked.replace("client_id=web", "client_id=stranger"))
    ends_on_page(browser, answer, "unauthorized_client", "Unknown client or client not enabled")
    row = sts.journal(limit="1")[0]
    assert (row["client_id"], row["error"], row["rule"]) == ("stranger", "unauthorized_client", None)
    if kind == "another client's":  # and the one whose it is can still use it
        assert "code" in answer_parameters(browser.send("GET", path))


@pytest.mark.covers("authorize.request-uri.own-client")
def test_a_request_uri_without_client_id_is_nobodys(rp: RelyingParty) -> None:
    path = pushed(rp, Login(), {"test_pid": PERSON})
    browser = rp.browser()
    answer = browser.send("GET", path.replace("client_id=web&", ""))
    assert answer.headers["location"].startswith("/home/error?errorId=")
    assert "code" in answer_parameters(browser.send("GET", path))


@pytest.mark.covers("authorize.request-uri.unknown")
@pytest.mark.parametrize(
    "request_uri",
    [
        NOWHERE,
        "https://app.example/request.jwt",
        "urn:ietf:params:oauth:request_uri:",
        "x",
        "A" * 100_000,
        "' OR 1=1 --",
        "æ",
    ],
    ids=lambda text: text[:40],
)
def test_an_unknown_request_uri_ends_on_a_page(rp: RelyingParty, request_uri: str) -> None:
    browser = rp.browser()
    ends_on_page(browser, browser.send("GET", rp.authorize_path(request_uri)), *REUSED)


@pytest.mark.covers("authorize.request-uri.unknown")
def test_the_handle_alone_is_no_request_uri(rp: RelyingParty) -> None:
    browser = rp.browser()
    path = pushed(rp, Login(), {"test_pid": PERSON})
    answer = browser.send("GET", path.replace(quote("urn:ietf:params:oauth:request_uri:", safe=""), ""))
    ends_on_page(browser, answer, *REUSED)


@pytest.mark.covers("authorize.request-uri.unknown")
def test_a_pushed_request_is_not_found_by_authz_id(sts: Emulator, rp: RelyingParty) -> None:
    handle = parse_qs(urlsplit(pushed(rp, Login(), {"test_pid": PERSON})).query)["request_uri"][0].rpartition(":")[2]
    browser = rp.browser()
    answer = browser.send("GET", f"/connect/authorize?client_id=other&authzId={handle}")
    assert answer.headers["location"].startswith("/home/error?errorId=")
    assert codes(sts) == 0


@pytest.mark.covers("contract.61")
@pytest.mark.covers("authorize.request-uri.expiry")
def test_a_request_uri_expires(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    early, late = (pushed(rp, Login(), {"test_pid": PERSON}) for _ in range(2))
    sts.clock.advance(599)
    assert "code" in answer_parameters(browser.send("GET", early))
    sts.clock.advance(2)
    ends_on_page(
        browser,
        browser.send("GET", late),
        "invalid_request_uri",
        "expired pushed authorization request",
        "request-uri.alive",
    )


@pytest.mark.covers("authorize.request-uri.reload")
def test_opening_and_reloading_before_the_answer_uses_nothing_up(rp: RelyingParty) -> None:
    login = Login()
    path = pushed(rp, login)
    browser = rp.browser()
    for _ in range(3):
        asks_for_login(browser.send("GET", path))
    page = browser.follow(browser.send("GET", path))
    for _ in range(2):
        assert browser.send("GET", browser.visited[-1]).status == 200
    form = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    action, fields = first_form(form.content.decode())
    answer = browser.follow(browser.send("POST", action, {**fields, "Pid": PERSON, "SecurityLevel": "4"}))
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200


@pytest.mark.covers("contract.59")
@pytest.mark.covers("authorize.pushed.others-ignored")
def test_what_else_stands_beside_the_request_uri_changes_nothing(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    path = pushed(rp, login, {"test_pid": PERSON})
    beside = {
        "state": "forged",
        "nonce": "forged",
        "redirect_uri": "https://evil.example/cb",
        "scope": "openid",
        "response_mode": "form_post",
        "prompt": "none",
        "code_challenge": "A" * 43,
    }
    answer = rp.browser().send("GET", f"{path}&{urlencode(beside)}")
    assert answer.headers["location"].startswith(REDIRECT_URI + "?code=")
    found = answer_parameters(answer)
    assert found["state"] == login.state
    tokens = rp.redeem(login, found["code"])
    assert set(tokens.json["scope"].split()) == set(SCOPES.split())
    assert decode(tokens.json["id_token"])[1]["nonce"] == login.nonce
    broken = [
        finding["rule"]
        for entry in sts.journal()
        if entry["endpoint"] == "/connect/authorize"
        for finding in entry["findings"]["broken"]
    ]
    assert broken == ["request-uri.alone"]


# Methods


@pytest.mark.covers("authorize.methods")
def test_post_does_what_get_does(rp: RelyingParty, plain: RelyingParty) -> None:
    for party in (rp, plain):
        login = Login()
        path = pushed(party, login, {"test_pid": PERSON})
        form = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        answer = party.browser().send("POST", "/connect/authorize", form)
        assert answer.status == 303
        assert party.redeem(login, answer_parameters(answer)["code"]).status == 200
    login = Login()
    answer = plain.browser().send("POST", "/connect/authorize", plain.parameters(login, {"test_pid": PERSON}))
    assert plain.redeem(login, answer_parameters(answer)["code"]).status == 200


@pytest.mark.covers("authorize.methods")
def test_a_post_is_read_from_its_form_only(plain: RelyingParty) -> None:
    browser = plain.browser()
    path = plain_path(plain, Login(), {"test_pid": PERSON})
    assert browser.send("POST", path, {}).headers["location"].startswith("/home/error?errorId=")
    answer = browser.send("POST", path, Content_Type="application/json")
    assert answer.status == 303
    page = browser.follow(answer)
    assert page.status == 400
    assert '<p data-testid="error">invalid_request' in page.content.decode()


@pytest.mark.covers("authorize.methods.head")
def test_head_uses_nothing_up(sts: Emulator, rp: RelyingParty) -> None:
    path = pushed(rp, Login(), {"test_pid": PERSON})
    browser = rp.browser()
    before = sts.row_counts()
    answer = browser.send("HEAD", path)
    assert answer.status == 405
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert sts.row_counts() == before
    assert "code" in answer_parameters(browser.send("GET", path))


@pytest.mark.covers("authorize.methods.head")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_and_use_nothing_up(sts: Emulator, rp: RelyingParty, method: str) -> None:
    path = pushed(rp, Login(), {"test_pid": PERSON})
    before = sts.row_counts()
    browser = rp.browser()
    assert browser.send(method, path).status == 405
    assert sts.row_counts() == before
    assert "code" in answer_parameters(browser.send("GET", path))


# Without PAR


@pytest.mark.covers("contract.62")
@pytest.mark.covers("authorize.plain.accepted")
def test_a_client_registered_so_asks_on_the_front_channel(plain: RelyingParty) -> None:
    login = Login()
    answer = plain.browser().send("GET", plain_path(plain, login, {"test_pid": PERSON}))
    found = pairs(answer)
    assert [name for name, _ in found] == ["code", "state", "iss", "session_state"]
    tokens = plain.redeem(login, dict(found)["code"])
    assert tokens.status == 200
    assert decode(tokens.json["id_token"])[1]["nonce"] == login.nonce


@pytest.mark.covers("authorize.plain.accepted")
def test_a_front_channel_request_survives_the_login_pages(plain: RelyingParty) -> None:
    login = Login(state="æ&+ " * 500)
    browser = plain.browser()
    start = browser.send("GET", plain_path(plain, login, {"response_mode": "form_post", "dpop_jkt": ABSENT}))
    back = parse_qs(urlsplit(start.headers["location"]).query)["ReturnUrl"][0]
    assert re.fullmatch(r"/connect/authorize/callback\?authzId=([0-9A-F]{64}|[A-Za-z0-9_-]{43})", back)
    form = browser.follow(browser.send("GET", anchor(browser.follow(start).content.decode(), "Test IDP")))
    action, fields = first_form(form.content.decode())
    answer = browser.follow(browser.send("POST", action, {**fields, "Pid": PERSON, "SecurityLevel": "4"}))
    found = first_form(answer.content.decode())[1]
    assert found["state"] == login.state
    tokens = plain.redeem(login, found["code"])
    assert tokens.status == 200
    assert decode(tokens.json["id_token"])[1]["nonce"] == login.nonce
    ends_on_page(browser, browser.send("GET", back), *REUSED)


@pytest.mark.covers("contract.65")
@pytest.mark.covers("authorize.plain.accepted")
def test_several_resources_on_the_front_channel(sts: Emulator) -> None:
    for audience in ("nhn:x", "e-helse:sfm.api"):
        register_api(sts.store, audience, scopes=[f"{audience}/a"])
    scopes = "openid nhn:x/a e-helse:sfm.api/a"
    plain = web(sts, "plain", require_pushed_authorization_requests=False, scope=scopes)
    login = Login()
    changes = {"test_pid": PERSON, "scope": scopes, "resource": ["nhn:x", "e-helse:sfm.api"]}
    code = answer_parameters(plain.browser().send("GET", plain_path(plain, login, changes)))["code"]
    assert plain.redeem(login, code).claims["aud"] == ["nhn:x", "e-helse:sfm.api"]


@pytest.mark.covers("authorize.plain.dpop-jkt")
def test_dpop_jkt_on_the_front_channel_binds_the_code(plain: RelyingParty) -> None:
    for key, status in ((OTHER_KEY, 200), (plain.machine.proof_jwk, 400)):
        login = Login()
        path = plain_path(plain, login, {"test_pid": PERSON, "dpop_jkt": thumbprint()})
        code = answer_parameters(plain.browser().send("GET", path))["code"]
        answer = plain.redeem(login, code, proof={"jwk": key})
        assert answer.status == status
        if status == 400:
            assert answer.json["error"] == "invalid_dpop_proof"


@pytest.mark.covers("contract.62")
@pytest.mark.covers("authorize.plain.refused")
@pytest.mark.parametrize("changes", [{}, {"test_pid": PERSON}, {"prompt": "none"}, {"response_mode": "form_post"}])
def test_the_others_must_push(sts: Emulator, rp: RelyingParty, changes: dict[str, Any]) -> None:
    browser = rp.browser()
    before = sts.row_counts()
    answer = browser.send("GET", plain_path(rp, Login(), changes))
    ends_on_page(
        browser,
        answer,
        "invalid_request",
        "Pushed authorization is required.",
        "authorization-request.pushed",
    )
    assert sts.row_counts() == before


@pytest.mark.covers("authorize.plain.refused")
def test_the_others_must_push_even_with_a_session(rp: RelyingParty) -> None:
    browser = rp.browser()
    rp.log_in(Login(), browser=browser)
    answer = browser.send("GET", plain_path(rp, Login()))
    ends_on_page(browser, answer, "invalid_request", "Pushed authorization is required.")


@pytest.mark.covers("authorize.plain.strict")
def test_in_strict_enforcement_everybody_must_push(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    plain = web(sts, "plain", require_pushed_authorization_requests=False)
    browser = plain.browser()
    answer = browser.send("GET", plain_path(plain, Login(), {"test_pid": PERSON}))
    ends_on_page(
        browser,
        answer,
        "invalid_request",
        "Pushed authorization is required.",
        "authorization-request.pushed-always",
    )


@pytest.mark.covers("authorize.plain.loopback-port")
def test_loopback_without_port_fits_every_port_here_too(sts: Emulator) -> None:
    plain = web(sts, "plain", require_pushed_authorization_requests=False, redirect_uris=["http://127.0.0.1/callback"])
    browser = plain.browser()
    changes = {"test_pid": PERSON, "redirect_uri": "http://127.0.0.1:51234/callback"}
    answer = browser.send("GET", plain_path(plain, Login(), changes))
    assert answer.headers["location"].startswith("http://127.0.0.1:51234/callback?code=")
    changes["redirect_uri"] = "http://127.0.0.1.evil.example:51234/callback"
    ends_on_page(
        browser,
        browser.send("GET", plain_path(plain, Login(), changes)),
        "invalid_request",
        "Invalid redirect_uri",
    )


# The code


INVALID_GRANT = {"error": "invalid_grant"}


@pytest.mark.covers("authorize.code.once")
def test_a_code_is_redeemed_once(rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    assert rp.redeem(login, code).status == 200
    answer = rp.redeem(login, code)
    assert (answer.status, answer.json, answer.rule) == (400, INVALID_GRANT, "code.known")


@pytest.mark.covers("authorize.code.bound")
@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://localhost:8089/other"},
        {"redirect_uri": "http://localhost:8089/callback/"},
        {"code_verifier": "a" * 43},
        {"code_verifier": ABSENT},
        {"code_verifier": "short"},
        {"code": "0" * 64 + "-1"},
    ],
    ids=str,
)
def test_a_code_is_bound_to_redirect_uri_and_verifier(rp: RelyingParty, changes: dict[str, Any]) -> None:
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"], changes)
    assert (answer.status, answer.json) == (400, INVALID_GRANT)


@pytest.mark.covers("authorize.code.bound")
def test_a_code_is_bound_to_its_client(sts: Emulator, rp: RelyingParty) -> None:
    other = web(sts, "other")
    login = Login()
    code = rp.log_in(login)["code"]
    answer = other.redeem(login, code)
    assert (answer.status, answer.json) == (400, INVALID_GRANT)
    assert rp.redeem(login, code).status == 200


@pytest.mark.covers("authorize.code.lifetime")
def test_a_code_waits_five_minutes(sts: Emulator, rp: RelyingParty) -> None:
    logins = [Login(), Login()]
    early, late = (rp.log_in(login)["code"] for login in logins)
    sts.clock.advance(299)
    rp.machine.nonce = None
    assert rp.redeem(logins[0], early).status == 200
    sts.clock.advance(2)
    answer = rp.redeem(logins[1], late)
    assert (answer.status, answer.json, answer.rule) == (400, INVALID_GRANT, "code.alive")


# Hostile


@pytest.mark.covers("authorize.hostile")
@pytest.mark.parametrize("tail", ["x=%00", "%00=x", "x=%ff%fe", "x=%ed%a0%80", "x=%80", "x=1&x=2", "client_id=plain"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_good_text_is_refused_and_stores_nothing(
    sts: Emulator, plain: RelyingParty, tail: str, method: str
) -> None:
    text = f"{urlencode(plain.parameters(Login(), {'test_pid': PERSON}))}&{tail}"
    before = sts.row_counts()
    browser = plain.browser()
    if method == "GET":
        answer = browser.send("GET", f"/connect/authorize?{text}")
    else:
        answer = plain.machine.post(text.encode(), path="/connect/authorize")
    assert answer.status == 303
    page = browser.follow(answer)
    assert page.status == 400
    assert '<p data-testid="error">invalid_request' in page.content.decode()
    assert sts.row_counts() == before


@pytest.mark.covers("authorize.hostile")
@pytest.mark.parametrize(
    "name",
    ["client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "prompt", "acr_values", "resource"],
)
@pytest.mark.parametrize("value", ["a" * 60_000, "http://[" * 5_000, "<script>" * 5_000, "\r\n" * 9_000, "😀" * 20_000])
def test_huge_values_end_on_a_page_and_store_nothing(sts: Emulator, plain: RelyingParty, name: str, value: str) -> None:
    before = sts.row_counts()
    browser = plain.browser()
    form = plain.parameters(Login(), {"test_pid": PERSON, name: value})
    answer = browser.send("POST", "/connect/authorize", form)
    assert answer.status == 303
    assert len(answer.headers["location"]) < 16_384
    page = browser.follow(answer)
    assert page.status == 400
    assert b"<script>" not in page.content
    assert sts.row_counts() == before


@pytest.mark.covers("authorize.hostile")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "client_id=plain",
        "request_uri=x",
        "authzId=x",
        "authzId=%00",
        "authzId=" + "A" * 64,
        "request_uri=a&request_uri=b",
        "client_id=plain&client_id=web",
        "&&&===",
        "client_id=%F0%9F%98%80",
        "\u00e6".encode().decode("latin-1"),
    ],
)
@pytest.mark.parametrize("path", ["/connect/authorize", "/connect/authorize/callback"])
def test_next_to_nothing_ends_on_a_page(sts: Emulator, plain: RelyingParty, path: str, query: str) -> None:
    before = sts.row_counts()
    browser = plain.browser()
    answer = browser.send("GET", f"{path}?{query}")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/home/error?errorId=")
    assert browser.follow(answer).status == 400
    assert sts.row_counts() == before


@pytest.mark.covers("authorize.hostile")
@pytest.mark.parametrize("cookie", ["x", "", "%00", "é", "a" * 6000, "' OR 1=1"])
def test_a_strange_session_cookie_is_no_session(rp: RelyingParty, cookie: str) -> None:
    browser = rp.browser()
    rp.log_in(Login(), browser=browser)
    (name,) = [name for name in browser.cookies if "session" in name]
    browser.cookies[name] = cookie
    answer = browser.send("GET", pushed(rp, Login(), {"prompt": "none"}))
    assert answer_parameters(answer)["error"] == "login_required"
