"""The frame by which pages learn whether a session is still the same, and the cookie that it reads."""

import base64
import hashlib
import re

import pytest

from mock_sts.helseid.endpoints import Endpoint
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import decode
from tests.support.relying_party import PERSON, Browser, Login, RelyingParty, answer_parameters, web_client

CHECK = "/connect/checksession"
OTHER = "16858399649"


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web_client(sts)


def log_in(rp: RelyingParty, browser: Browser, pid: str = PERSON) -> str:
    """A login; its sid."""
    login = Login()
    answer = rp.redeem(login, rp.log_in(login, {"test_pid": pid}, browser)["code"])
    assert answer.status == 200, answer.content
    return str(decode(answer.json["id_token"])[1]["sid"])


def shown(browser: Browser) -> str | None:
    """The session id that scripts can read."""
    return next((value for name, value in browser.cookies.items() if "-sid-" in name), None)


@pytest.mark.covers("check-session.frame")
@pytest.mark.parametrize("public_url", ["", "https://sts.example.test/helseid"])
def test_the_frame_stands_where_discovery_says_and_runs_its_own_script_alone(worlds: Worlds, public_url: str) -> None:
    sts = worlds.make(**({"host": "sts.example.test", "public_url": public_url} if public_url else {}))
    assert sts.get(Endpoint.DISCOVERY).json["check_session_iframe"] == sts.issuer + CHECK
    answer = sts.get(CHECK)
    assert (answer.status, answer.headers["content-type"].lower()) == (200, "text/html; charset=utf-8")
    text = answer.content.decode()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy and "frame-ancestors" not in policy
    assert "x-frame-options" not in answer.headers
    assert "src=" not in text and "href=" not in text
    assert answer.cookies == ()


@pytest.mark.covers("check-session.cookie")
def test_the_cookie_holds_the_session_id_for_scripts(rp: RelyingParty) -> None:
    browser = rp.browser()
    pushed = rp.push(Login(), {"test_pid": PERSON})
    answer = browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))
    found = [cookie for cookie in answer.cookies if "-sid-" in cookie]
    assert len(found) == 1
    name, _, rest = found[0].partition("=")
    assert re.fullmatch(r"mock-sts-sid-[0-9a-f]{8}-default", name)
    assert re.fullmatch(r"[0-9A-F]{32}; Path=/; SameSite=Lax", rest)
    assert f'data-cookie="{name}"' in browser.send("GET", CHECK).content.decode()


@pytest.mark.covers("check-session.cookie")
def test_over_https_every_site_may_frame_it(worlds: Worlds) -> None:
    sts = worlds.make(host="sts.example.test", public_url="https://sts.example.test/helseid")
    rp = web_client(sts)
    pushed = rp.push(Login(), {"test_pid": PERSON})
    answer = rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))
    found = next(cookie for cookie in answer.cookies if "-sid-" in cookie)
    assert {part.strip() for part in found.split(";")[1:]} == {"Path=/helseid", "SameSite=None", "Secure"}


@pytest.mark.covers("check-session.cookie")
def test_it_follows_the_session(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    assert shown(browser) is None
    first = log_in(rp, browser)
    assert shown(browser) == first
    assert log_in(rp, browser) == shown(browser) == first
    second = log_in(rp, browser, OTHER)
    assert shown(browser) == second != first
    # A browser that lost it, or has another one, gets it with the next answer.
    for odd in (None, "0" * 32):
        browser.cookies = {n: v for n, v in browser.cookies.items() if "-sid-" not in n} | (
            {next(n for n in browser.cookies if "-sid-" in n): odd} if odd else {}
        )
        pushed = rp.push(Login(), {"prompt": "none"})
        assert "code" in answer_parameters(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
        assert shown(browser) == second


@pytest.mark.covers("check-session.cookie")
@pytest.mark.parametrize("path", ["/connect/endsession", "/Account/Logout"])
def test_a_logout_takes_it_away_and_a_question_does_not(rp: RelyingParty, path: str) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)
    assert browser.send("GET", path).cookies and shown(browser) == hint
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login, {}, browser)["code"]).json
    answer = browser.send("GET", f"/connect/endsession?id_token_hint={tokens['id_token']}")
    gone = [cookie for cookie in answer.cookies if "-sid-" in cookie]
    assert len(gone) == 1 and "Max-Age=0" in gone[0] and "Path=/" in gone[0]
    assert shown(browser) == ""


@pytest.mark.covers("authorize.response.session-state")
@pytest.mark.parametrize(
    ("redirect_uri", "origin"),
    [
        ("https://app.test/cb", "https://app.test"),
        ("https://app.test:443/cb", "https://app.test"),
        ("http://app.test:80/cb", "http://app.test"),
        ("https://app.test:8443/cb?x=1", "https://app.test:8443"),
        ("https://App.Test/cb", "https://app.test"),
        ("http://[::1]:8089/cb", "http://[::1]:8089"),
        ("myapp://callback", ""),
    ],
)
def test_session_state_is_over_the_origin_as_browsers_write_it(sts: Emulator, redirect_uri: str, origin: str) -> None:
    rp = web_client(sts, redirect_uris=[redirect_uri])
    rp.redirect_uri = redirect_uri
    browser = rp.browser()
    digest, _, salt = rp.log_in(Login(), {}, browser)["session_state"].partition(".")
    text = f"web{origin}{shown(browser)}{salt}"
    assert base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=") == digest
