"""The demo on a live server: a browser without script, the client behind the page, and the API that it calls.

The server has one worker thread and refuses every broken must: the demo calls it from inside, and must be correct.
"""

import base64
import hashlib
import json
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import requests
import yaml

from mock_sts.demo.api import Call, DemoApi, SeenProofs
from mock_sts.demo.sessions import Shelf
from mock_sts.demo.wire import Wire, WireError
from mock_sts.helseid.profile.authorization_request import is_registered_redirect
from mock_sts.helseid.registry.client import Client
from mock_sts.server.loopback_calls import loopback_call_headers
from mock_sts.services.seal import Seal
from mock_sts.settings.settings import from_environ
from mock_sts.store.catalog import MADE, put_entry
from tests.support.control import Control
from tests.support.emulator import LiveServer, Worlds
from tests.support.environments import neighbour
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine, decode, raw_jws
from tests.support.relying_party import RelyingParty
from tests.support.tls import TlsServer

HOME, API = "/mock/demo", "/mock/demo/api"
ROOT = Path(__file__).resolve().parents[2]
PERSON, NAME = "06828399789", "KVART GREVLING"
PROOF_CHECKS = ["jkt", "htm", "htu", "ath", "iat", "jti"]
TOKEN_CHECKS = ["scheme", "typ", "signature", "iss", "aud", "exp", "proof"]
RIGHTS = ["scope", "organization", "level"]
CHECKS = [*TOKEN_CHECKS, *PROOF_CHECKS, *RIGHTS]
#: Those of the API that takes Bearer tokens.
BEARER_CHECKS = [*TOKEN_CHECKS[:-1], "unbound", *RIGHTS]


# A browser without script


class Forms(HTMLParser):
    """The buttons of a page by ``data-testid``, each with what pressing it sends; and what the page says where."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.buttons: dict[str, tuple[str, str, dict[str, str]]] = {}
        self.inputs: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._form: tuple[str, str] = ("get", "")
        self._hidden: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag == "form":
            self._form, self._hidden = (found.get("method", "get"), found.get("action", "")), {}
        elif tag == "input" and found.get("name"):
            self._hidden[found["name"]] = found.get("value", "")
        elif tag == "button" and "data-testid" in found:
            pressed = {found["name"]: found["value"]} if found.get("name") else {}
            self.buttons[found["data-testid"]] = (*self._form, {**self._hidden, **pressed})


class Visitor:
    """A person with a browser that runs no script. ``base`` is where the server is known, ``reached`` where it is; a
    proxy between them adds or changes ``headers``.
    """

    def __init__(self, base: str, reached: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self.base, self._reached, self._headers = base, reached or base, headers or {}
        self.url, self.page, self.visited = base, requests.Response(), [base]

    @property
    def cookies(self) -> dict[str, str]:
        return {str(cookie.name): str(cookie.value) for cookie in self._session.cookies}

    def open(self, path: str) -> str:
        return self._go("GET", self.base + path, {})

    def press(self, testid: str, **typed: str) -> str:
        method, action, fields = Forms(self.page.text).buttons[testid]
        return self._go(method.upper(), urljoin(self.url, action), {**fields, **typed})

    def follow_anchor(self, element_id: str) -> str:
        anchor = next(a for tag, a in Forms(self.page.text).tags if tag == "a" and a.get("id") == element_id)
        return self._go("GET", urljoin(self.url, anchor["href"]), {})

    def _go(self, method: str, url: str, form: dict[str, str]) -> str:
        for _ in range(12):
            assert url.startswith(self.base), f"the browser was sent away, to {url}"
            self.visited.append(url)
            # Cookies are those of the address that the browser knows.
            headers = {"Host": urlsplit(url).netloc, **self._headers}
            request = requests.Request(method, url, headers, data=form if method == "POST" else None)
            prepared = self._session.prepare_request(request)
            prepared.url = url.replace(self.base, self._reached, 1)
            self.page = self._session.send(prepared, allow_redirects=False, timeout=60)
            self.url = url
            if self.page.status_code not in (302, 303):
                return self.page.text
            url, method = urljoin(url, self.page.headers["location"]), "GET"
        raise AssertionError("too many redirects")

    def log_in(self, pid: str = PERSON, level: str = "4", button: str = "demo-log-in") -> str:
        self.open(HOME)
        self.press(button)
        # Where there is one provider there is nothing to choose.
        if 'id="login-form"' not in self.page.text:
            self.follow_anchor("Test IDP")
        return self.press("login", Pid=pid, SecurityLevel=level)

    def outcomes(self) -> dict[str, str]:
        """What the page says of the API's checks."""
        found = [a for tag, a in Forms(self.page.text).tags if tag == "li" and "data-outcome" in a]
        return {a["data-testid"].removeprefix("check-"): a["data-outcome"] for a in found}

    def said(self, testid: str) -> str:
        found = re.search(rf'data-testid="{testid}"[^>]*>([^<]*)<', self.page.text)
        assert found is not None, f"no {testid} in {self.page.text}"
        return found[1]

    def claims(self, heading: str) -> list[str]:
        """The names of the claims and header members in one of the tables."""
        section = self.page.text.split(f'<section aria-labelledby="{heading}"')[1].split("</section>")[0]
        return re.findall(r'data-testid="claim-([^"]+)"', section)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("demo"), threads="1", enforcement="strict")
    yield server
    server.stop()


@pytest.fixture
def visitor(server: LiveServer) -> Visitor:
    return Visitor(server.issuer)


# The way through


@pytest.mark.covers("demo.flow", "demo.api.good", "demo.tokens", "end-session.loopback-port")
def test_the_demo_from_start_to_end(visitor: Visitor) -> None:
    visitor.log_in()
    assert visitor.said("demo-logged-in")
    assert {"iss", "aud", "cnf", "scope", "sid", "jti", "helseid://claims/identity/pid"} <= set(
        visitor.claims("access-token")
    )
    assert {"nonce", "at_hash", "amr", "idp", "kid"} <= set(visitor.claims("id-token"))
    assert "<td>at+jwt</td>" in visitor.page.text
    assert "the person&#39;s pseudonym: a keyed digest of the pid" in visitor.page.text, (
        "the words of the claims' table"
    )
    assert not re.search(r'<td class="word"></td>', visitor.page.text), "a claim without a word on it"
    visitor.press("demo-call")
    assert visitor.outcomes() == dict.fromkeys(CHECKS, "passed")
    assert visitor.said("demo-hello") == f"Hello, {NAME}."
    before = visitor.page.text
    visitor.press("demo-refresh")
    assert visitor.outcomes() == {}
    assert visitor.page.text.split('data-testid="demo-id-token"')[0] != before.split('data-testid="demo-id-token"')[0]
    visitor.press("demo-call")
    assert set(visitor.outcomes().values()) == {"passed"}
    visitor.press("demo-log-out")
    assert visitor.url == f"{visitor.base}{HOME}", "back at the client, for the hint was good"
    assert any(url.startswith(f"{visitor.base}/connect/endsession?id_token_hint=") for url in visitor.visited)
    assert "demo-log-in" in Forms(visitor.page.text).buttons
    visitor.press("demo-log-in")
    assert "/Account/Login" in visitor.url, "the session at the server is over too"


@pytest.mark.covers("demo.strict")
def test_the_client_breaks_no_rule(server: LiveServer) -> None:
    control = Control(server.transport)
    before = max((entry["id"] for entry in control.ask("GET", "/journal?limit=1")["entries"]), default=0)
    visitor = Visitor(server.issuer)
    visitor.log_in()
    visitor.press("demo-refresh")
    expect = [
        {"called": "par"},
        {"called": "authorize", "outcome": "granted"},
        {"called": "token", "grant_type": "refresh_token", "times": 1},
        {"pushed": True},
        {"newest_refresh_token": True},
        {"same_proof_key": ["token"]},
        {"none_broken": "should"},
    ]
    answer = control.ask("POST", "/verify", {"client_id": "demo-page", "after": before, "expect": expect})
    assert answer["met"], answer


@pytest.mark.covers("demo.concurrent")
@pytest.mark.slow
def test_ten_people_at_once_on_a_server_with_one_thread(server: LiveServer) -> None:
    """Each request of a visitor makes the server call itself, up to three times in a row and one inside the other."""
    everybody = yaml.safe_load((ROOT / "fixtures" / "personas.yaml").read_text(encoding="utf-8"))
    people = [person for person in everybody if person.get("security_level", "4") == "4"][:10]
    assert len(people) == 10
    start = threading.Barrier(len(people))

    def visit(person: dict[str, Any]) -> tuple[str, set[str]]:
        visitor = Visitor(server.issuer)
        visitor.open(HOME)
        start.wait(60)
        visitor.log_in(person["pid"])
        start.wait(60)
        visitor.press("demo-call")
        return visitor.said("demo-hello"), set(visitor.outcomes().values())

    begun = time.monotonic()
    with ThreadPoolExecutor(len(people)) as pool:
        found = list(pool.map(visit, people))
    names = [" ".join(filter(None, (p["given_name"], p.get("middle_name"), p["family_name"]))) for p in people]
    assert [hello.replace("&#39;", "'") for hello, _ in found] == [f"Hello, {name}." for name in names]
    assert all(outcomes == {"passed"} for _, outcomes in found)
    assert time.monotonic() - begun < 60


@pytest.mark.covers("demo.processes")
@pytest.mark.slow
def test_requests_of_one_login_may_come_to_different_processes(live: LiveServer) -> None:
    for _ in range(3):
        visitor = Visitor(live.issuer)
        visitor.log_in()
        for _ in range(3):
            visitor.press("demo-refresh")
            assert visitor.said("demo-logged-in")


@pytest.mark.covers("demo.level")
def test_the_api_refuses_a_login_at_level_3_and_says_why(visitor: Visitor) -> None:
    visitor.log_in(level="3", button="demo-log-in-any")
    visitor.press("demo-call")
    assert visitor.said("demo-error") == "insufficient_user_authentication"
    assert {name for name, outcome in visitor.outcomes().items() if outcome == "failed"} == {"level"}
    assert "acr_values=&#34;Level4&#34;" in visitor.page.text


@pytest.mark.covers("demo.level")
@pytest.mark.parametrize(("button", "asked"), [("demo-log-in", ["Level4"]), ("demo-log-in-any", None)])
def test_each_button_asks_for_the_level_that_it_names(server: LiveServer, button: str, asked: list[str] | None) -> None:
    visitor = Visitor(server.issuer)
    visitor.open(HOME)
    visitor.press(button)
    row = server.transport.send("GET", "/mock/api/v1/journal?client_id=demo-page&limit=20").json["entries"]
    pushed = next(entry for entry in row if entry["endpoint"] == "/connect/par")
    assert pushed["detail"]["parameters"].get("acr_values") == asked


@pytest.mark.covers("demo.single-sign-on")
def test_the_browser_that_is_logged_in_at_the_server_is_not_asked_again(visitor: Visitor) -> None:
    visitor.log_in()
    visitor.open(HOME)
    visitor._session.cookies.clear(domain="localhost.local", path=HOME)
    visitor.open(HOME)
    visitor.press("demo-log-in")
    assert visitor.said("demo-logged-in")


# Step by step


@pytest.mark.covers("demo.steps")
def test_every_step_is_shown_with_what_really_travelled(server: LiveServer) -> None:
    visitor = Visitor(server.issuer)
    visitor.open(f"{HOME}/steps")
    assert visitor.said("demo-no-steps")
    visitor.log_in()
    visitor.press("demo-call")
    text = visitor.open(f"{HOME}/steps")
    titles = re.findall(r'<h2 id="step-\d+">\d+\. ([^<]*)<', text)
    assert titles == [
        "Find the server&#39;s addresses",
        "Push the authorization request",
        "Send the browser to log in",
        "The browser comes back",
        "Redeem the code",
        "Redeem the code, now with the nonce",
        "Fetch the keys of the server",
        "Call the API",
    ]
    for travelled in (
        f"POST {server.issuer}/connect/par",
        "code_challenge_method=S256",
        "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "&#34;error&#34;: &#34;use_dpop_nonce&#34;",
        "&#34;htu&#34;: ",
        "&#34;typ&#34;: &#34;client-authentication+jwt&#34;",
        "&#34;token_type&#34;: &#34;DPoP&#34;",
    ):
        assert travelled in text, travelled
    assertions = re.findall(r"client_assertion=(\S+)", text)
    proofs = re.findall(r"DPoP: (\S+)", text)
    assert len(set(assertions)) == 3 and len(set(proofs)) == 3, "each is made anew, also after the challenge"


@pytest.mark.covers("demo.secrets")
def test_no_private_key_and_no_refresh_token_is_shown(server: LiveServer) -> None:
    visitor = Visitor(server.issuer)
    visitor.log_in()
    visitor.press("demo-refresh")
    home = visitor.page.text
    text = home + visitor.open(f"{HOME}/steps")
    folder = from_environ(server.environment).places.demo
    kept = json.loads(
        (folder / f"{hashlib.sha256(visitor.cookies[cookie_name(server)].encode()).hexdigest()}.json").read_text()
    )
    own = json.loads((ROOT / "fixtures/keys/clients/demo-page.json").read_text())
    assert kept["tokens"]["proof_key"]["d"] not in text
    assert own["d"] not in text and own["x"] not in text
    assert kept["tokens"]["proof_key"]["x"] in text, "the public half travels in each proof"
    assert kept["tokens"]["refresh_token"] not in text
    assert "refresh_token=" in text and "… (shortened)" in text


def cookie_name(server: LiveServer) -> str:
    return f"mock-sts-demo-{server.port}"


@pytest.mark.covers("demo.pages")
def test_the_pages_are_strict(visitor: Visitor) -> None:
    visitor.log_in()
    visitor.press("demo-call")
    for path in (HOME, f"{HOME}/steps", f"{HOME}/callback"):
        visitor.open(path)
        policy = visitor.page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "form-action 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert visitor.page.headers["cache-control"] == "no-store, no-cache, max-age=0"
        tags = Forms(visitor.page.text).tags
        assert not [tag for tag, _ in tags if tag in ("script", "img", "iframe", "style")]
        assert not [a for _, a in tags if any(name.startswith("on") or name == "style" for name in a)]
        links = [a.get("href") or a.get("action") or "" for tag, a in tags if tag in ("link", "a", "form")]
        assert links and all(link == "/" or link.startswith("/mock/") for link in links)
    cookie = next(c for c in visitor._session.cookies if c.name.startswith("mock-sts-demo-"))
    assert cookie.path == HOME and cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_values_are_escaped(visitor: Visitor) -> None:
    visitor.open(f"{HOME}/callback?{urlencode({'state': '<script>alert(1)</script>', 'error': '<b>'})}")
    assert visitor.page.status_code == 400
    assert "<b>" not in visitor.page.text and "<script>" not in visitor.page.text


# Answers that are not good


def begin(visitor: Visitor) -> str:
    """Begin a login; the state of it."""
    visitor.open(HOME)
    visitor.press("demo-log-in")
    authorize = next(url for url in visitor.visited if "/connect/authorize?" in url)
    assert set(parse_qs(urlsplit(authorize).query)) == {"client_id", "request_uri"}
    visitor.follow_anchor("Test IDP")
    return authorize


def answer_of(visitor: Visitor, **typed: str) -> dict[str, str]:
    """Log in, but stop where the browser would go back to the client; the parameters of the answer."""
    method, action, fields = Forms(visitor.page.text).buttons["login"]
    url, form = urljoin(visitor.url, action), {**fields, "Pid": PERSON, "SecurityLevel": "4", **typed}
    for _ in range(10):
        answer = visitor._session.request(
            method, url, data=form if method.upper() == "POST" else None, allow_redirects=False, timeout=60
        )
        assert answer.status_code in (302, 303), answer.text
        url, method = urljoin(url, answer.headers["location"]), "GET"
        if urlsplit(url).path == f"{HOME}/callback":
            return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    raise AssertionError("too many redirects")


def come_back(visitor: Visitor, parameters: dict[str, str]) -> str:
    visitor.open(f"{HOME}/callback?{urlencode(parameters)}")
    if visitor.page.status_code == 200:
        return ""
    assert visitor.page.status_code == 400
    return visitor.said("demo-failure")


@pytest.mark.covers("demo.answer")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ""),
        ({"iss": "https://another.example"}, "iss does not name the server that was asked"),
        ({"iss": None}, "iss does not name the server that was asked"),
        ({"code": None}, "the answer has neither a code nor an error"),
        ({"code": "F" * 64 + "-1"}, "invalid_grant"),
        ({"state": "x" * 32}, "This browser has not begun the login"),
        ({"state": None}, "This browser has not begun the login"),
        ({"error": "access_denied", "error_description": "No <b>way"}, "access_denied: No &lt;b&gt;way"),
    ],
)
def test_an_answer_is_looked_at_before_it_is_used(visitor: Visitor, changes: dict[str, str | None], told: str) -> None:
    begin(visitor)
    merged = {**answer_of(visitor), **changes}
    said = come_back(visitor, {name: value for name, value in merged.items() if value is not None})
    assert told in said if told else said == ""


@pytest.mark.covers("demo.answer.once")
def test_an_answer_is_good_once_and_in_its_own_browser_only(visitor: Visitor, server: LiveServer) -> None:
    begin(visitor)
    answer = answer_of(visitor)
    stranger = Visitor(server.issuer)
    assert "has not begun" in come_back(stranger, answer), "no cookie at all"
    stranger.open(HOME)
    assert "has not begun" in come_back(stranger, answer), "another browser's"
    assert come_back(visitor, answer) == "", "which has not used it up"
    assert "has not begun" in come_back(visitor, answer)


def test_a_cancelled_login_is_told_with_its_steps(visitor: Visitor) -> None:
    begin(visitor)
    visitor.press("cancel")
    assert visitor.said("demo-failure").startswith("access_denied")
    visitor.open(f"{HOME}/steps")
    assert "The browser comes back" in visitor.page.text


@pytest.mark.covers("demo.session")
def test_a_login_changes_the_name_of_the_session(visitor: Visitor, server: LiveServer) -> None:
    visitor.open(HOME)
    before = visitor.cookies[cookie_name(server)]
    visitor.log_in()
    assert visitor.cookies[cookie_name(server)] != before


@pytest.mark.covers("demo.forged")
@pytest.mark.parametrize("path", ["login", "call", "refresh", "logout"])
@pytest.mark.parametrize("given", ["nothing", "wrong", "another browser's"])
def test_a_forged_form_does_nothing(server: LiveServer, path: str, given: str) -> None:
    visitor, other = Visitor(server.issuer), Visitor(server.issuer)
    other.open(HOME)
    visitor.log_in()
    field = next(iter(Forms(other.page.text).buttons["demo-log-in"][2].items()))
    form = {"nothing": {}, "wrong": {field[0]: "0" * 64}, "another browser's": dict([field])}[given]
    answer = visitor._session.post(f"{server.issuer}{HOME}/{path}", data=form, allow_redirects=False, timeout=60)
    assert answer.status_code == 403
    assert "Location" not in answer.headers
    visitor.open(HOME)
    assert visitor.said("demo-logged-in")


def test_actions_want_a_post(server: LiveServer) -> None:
    for path in ("login", "call", "refresh", "logout"):
        assert server.transport.send("GET", f"{HOME}/{path}").status == 405


# Behind another address


def own_demo_client(folder: Path, base: str) -> Path:
    """Fixtures that register the demo's client for ``base``, as docs/demo.md tells."""
    (folder / "clients").mkdir(parents=True)
    (folder / "clients" / "demo-page.yaml").write_text(yaml.safe_dump(demo_client(base)), encoding="utf-8")
    return folder


def demo_client(base: str) -> dict[str, Any]:
    client: dict[str, Any] = yaml.safe_load((ROOT / "fixtures/clients/demo-page.yaml").read_text(encoding="utf-8"))
    client["redirect_uris"] = [f"{base}{HOME}/callback"]
    client["post_logout_redirect_uris"] = [f"{base}{HOME}"]
    return client


@pytest.mark.covers("demo.public-url")
@pytest.mark.slow
def test_the_demo_works_behind_a_public_url_that_it_cannot_reach_itself(tmp_path: Path) -> None:
    public = "http://sts.example.test:1234"
    server = LiveServer(tmp_path, public_url=public, fixtures=str(own_demo_client(tmp_path / "own", public)))
    try:
        visitor = Visitor(public, server.issuer)
        visitor.log_in()
        visitor.press("demo-call")
        assert set(visitor.outcomes().values()) == {"passed"}
        visitor.press("demo-log-out")
        assert visitor.url == f"{public}{HOME}"
    finally:
        server.stop()


@pytest.mark.covers("demo.public-url", "demo.concurrent")
@pytest.mark.slow
def test_below_a_path_that_no_proxy_cuts_off_the_demo_does_not_wait_for_itself(tmp_path: Path) -> None:
    public = "http://sts.example.test:1234/helseid"
    own = own_demo_client(tmp_path / "own", public)
    server = LiveServer(tmp_path, threads="1", public_url=public, fixtures=str(own))

    def visit(_: int) -> set[str]:
        visitor = Visitor(public, f"{server.issuer}/helseid")
        visitor.log_in()
        visitor.press("demo-call")
        return set(visitor.outcomes().values())

    try:
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(visit, range(8))) == [{"passed"}] * 8
        assert time.monotonic() - begun < 60
    finally:
        server.stop()


@pytest.mark.covers("demo.environments", "demo.concurrent")
@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "/helseid"])
def test_the_demo_works_in_an_environment_and_shows_nothing_of_it_at_the_root(tmp_path: Path, prefix: str) -> None:
    public = {"public_url": f"http://sts.example.test:1234{prefix}"} if prefix else {}
    server = LiveServer(tmp_path, threads="1", **public)
    issuer = public.get("public_url", server.issuer)
    try:
        side = neighbour(server, "w1", fresh_keys=True)
        base = f"{issuer}{side.path}"
        document = demo_client(base)
        with server.store.writing() as transaction:
            put_entry(transaction, Client.from_document(document, "test"), document, MADE, side.name)
        visitor = Visitor(base, f"{server.issuer}{prefix}{side.path}")
        visitor.log_in()
        visitor.press("demo-call")
        assert set(visitor.outcomes().values()) == {"passed"}
        assert {cookie.path for cookie in visitor._session.cookies} == {
            f"{prefix}{side.path}{path}" for path in ("", HOME)
        }
        other = Visitor(issuer, f"{server.issuer}{prefix}")
        value = next(value for name, value in visitor.cookies.items() if name.startswith("mock-sts-demo-"))
        for name in visitor.cookies:
            other._session.cookies.set(name.removesuffix("-w1-"), value)
        assert 'data-testid="demo-logged-in"' not in other.open(HOME)
        visitor.press("demo-log-out")
        assert visitor.url == f"{base}{HOME}"
    finally:
        server.stop()


@pytest.mark.covers("demo.proxies")
@pytest.mark.parametrize("asked_as", ["sts.example.test", "localhost:8080", "mock-sts:8080"])
@pytest.mark.slow
def test_the_demo_works_behind_a_proxy_that_cuts_its_path_off(tmp_path: Path, asked_as: str) -> None:
    public = "https://sts.example.test/helseid"
    own = own_demo_client(tmp_path / "own", public)
    server = LiveServer(tmp_path, public_url=public, aliases="http://mock-sts:8080", fixtures=str(own))
    try:
        visitor = Visitor(public, server.issuer, {"Host": asked_as})
        walk_through(visitor)
    finally:
        server.stop()


def walk_through(visitor: Visitor) -> None:
    """The whole way through the demo, and every page of it below the base of the visitor's address."""
    visitor.log_in()
    assert visitor.said("demo-logged-in")
    visitor.press("demo-refresh")
    visitor.press("demo-call")
    assert set(visitor.outcomes().values()) == {"passed"}
    for page in (visitor.page.text, visitor.open(f"{HOME}/steps"), visitor.open(f"{HOME}/callback")):
        below = urlsplit(visitor.base).path
        links = [a.get("href") or a.get("action") or "" for tag, a in Forms(page).tags if tag in ("link", "a", "form")]
        assert links and all(link == f"{below}/" or link.startswith(f"{below}/mock/") for link in links)
    visitor.open("/mock/style.css")
    assert (visitor.page.status_code, visitor.page.headers["content-type"]) == (200, "text/css; charset=UTF-8")
    visitor.open(HOME)
    assert {urlsplit(visitor.base).path + HOME} == {
        cookie.path for cookie in visitor._session.cookies if cookie.name.startswith("mock-sts-demo-")
    }
    visitor.press("demo-log-out")
    assert "demo-log-in" in Forms(visitor.page.text).buttons


@pytest.mark.covers("demo.proxies", "demo.own-calls")
@pytest.mark.parametrize(
    ("trusted", "headers", "base"),
    [
        ("1", {"Proto": "https"}, "https://localhost:9443"),
        ("127.0.0.0/8", {"Proto": "https", "Host": "sts.example.test"}, "https://sts.example.test"),
        ("1", {"Proto": "https", "Prefix": "/helseid"}, "https://localhost:9443/helseid"),
    ],
)
@pytest.mark.slow
def test_the_demo_works_behind_a_trusted_proxy(
    tmp_path: Path, trusted: str, headers: dict[str, str], base: str
) -> None:
    own = own_demo_client(tmp_path / "own", base)
    # To a server on all interfaces any site can lead a browser, also through a proxy: its pages want a known name.
    known = {"aliases": f"https://{headers['Host']}"} if "Host" in headers else {}
    server = LiveServer(tmp_path, host="0.0.0.0", threads="1", trusted_proxies=trusted, fixtures=str(own), **known)
    try:
        walk_through(Visitor(base, server.issuer, {f"X-Forwarded-{name}": text for name, text in headers.items()}))
    finally:
        server.stop()


@pytest.mark.covers("demo.https", "demo.own-calls")
@pytest.mark.slow
def test_the_demo_works_over_https_and_http_at_once_in_several_processes(tmp_path: Path) -> None:
    server = TlsServer(tmp_path, workers="2")
    try:
        document = demo_client(server.base)
        document["redirect_uris"].append(f"{server.issuer}{HOME}/callback")
        document["post_logout_redirect_uris"].append(f"{server.issuer}{HOME}")
        with server.store.writing() as transaction:
            put_entry(transaction, Client.from_document(document, "test"), document, MADE)
        secure = Visitor(server.base)
        secure._session.verify = str(server.files.ca)
        for visitor in (secure, Visitor(server.issuer)):
            walk_through(visitor)
        walk_through(secure)
        secure.log_in()
        steps = secure.open(f"{HOME}/steps")
        assert f"POST {server.base}/connect/token" in steps
        assert "Own-Call" not in steps + server.log.read_text(), "the proof of who asks is shown to nobody"
    finally:
        server.stop()


@pytest.mark.covers("demo.https")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_the_demo_is_registered_for_https_at_every_port(host: str) -> None:
    client = yaml.safe_load((ROOT / "fixtures/clients/demo-page.yaml").read_text(encoding="utf-8"))
    assert is_registered_redirect(f"https://{host}:8443{HOME}/callback", tuple(client["redirect_uris"]))
    assert is_registered_redirect(f"https://{host}:8443{HOME}", tuple(client["post_logout_redirect_uris"]))


@pytest.mark.covers("demo.own-calls", "proxies.untrusted")
def test_only_the_server_itself_can_say_how_it_was_called(worlds: Worlds) -> None:
    """Its own word is believed without a setting for proxies, so nobody else's may be."""
    sts = worlds.make()
    url = "https://localhost:8080/below/.well-known/openid-configuration"
    seal = sts.server.seal

    def issuer(headers: Mapping[str, str], path: str = urlsplit(url).path) -> object:
        answer = sts.get(path, headers)
        return answer.json["issuer"] if answer.status == 200 else answer.status

    good = loopback_call_headers(seal, url, "/below")
    assert issuer(good) == "https://localhost:8080/below"
    (name, sealed), plain = next(iter(good.items())), "/.well-known/openid-configuration"
    assert issuer(loopback_call_headers(seal, url, "/other"), plain) == "https://localhost:8080", "not below that path"
    forged = [
        loopback_call_headers(Seal(secrets.token_bytes(32)), url, "/below")[name],
        seal.close("antiforgery", {"scheme": "https", "host": "localhost:8080", "prefix": "/below"}),
        sealed[:-2],
        f"{sealed}, {sealed}",
        ("B" if sealed[0] == "A" else "A") + sealed[1:],
        "https",
        "",
        "\xe5",
        "{}",
    ]
    for text in forged:
        assert issuer({name: text}) == 404
        assert issuer({name: text}, plain) == "http://localhost:8080", text
    assert issuer({**good, "Host": "localhost:9999"}, plain) == "http://localhost:9999", "made for another host"


@pytest.mark.covers("addresses.public-url.told", "demo.public-url")
@pytest.mark.slow
def test_the_demo_knows_a_public_url_that_is_told_while_it_runs(tmp_path: Path) -> None:
    server, told = LiveServer(tmp_path, workers="2"), "http://localhost:32768"

    def tell(url: str | None) -> None:
        body = json.dumps({"url": url}).encode()
        headers = {"Content-Type": "application/json"}
        assert server.transport.send("PUT", "/mock/api/v1/public-url", headers, body).status == 200

    try:
        walk_through(Visitor(server.issuer))
        tell(told)
        walk_through(Visitor(told, server.issuer))
        before = server.transport.send("GET", HOME)
        assert (before.status, before.headers["location"].partition("?")[0]) == (303, f"{told}{HOME}")
        tell(None)
        walk_through(Visitor(server.issuer))
    finally:
        server.stop()


@pytest.mark.covers("demo.settings")
@pytest.mark.parametrize(
    "settings",
    [{"signing_algorithm": "PS256"}, {"host": "0.0.0.0"}, {"preset": "fapi2"}],
    ids=lambda settings: "-".join(f"{name}={value}" for name, value in settings.items()),
)
@pytest.mark.slow
def test_the_demo_works_with_other_settings(tmp_path: Path, settings: dict[str, str]) -> None:
    server = LiveServer(tmp_path, **settings)
    try:
        visitor = Visitor(server.issuer)
        visitor.log_in()
        visitor.press("demo-refresh")
        visitor.press("demo-call")
        assert set(visitor.outcomes().values()) == {"passed"}
        assert "Warning" not in server.log.read_text()
    finally:
        server.stop()


@pytest.mark.covers("demo.public-url.unregistered")
def test_an_address_that_is_not_registered_is_explained(tmp_path: Path) -> None:
    public = "http://sts.example.test:1234"
    server = LiveServer(tmp_path, public_url=public, aliases="http://alias.example.test:1234")
    try:
        visitor = Visitor(public, server.issuer)
        visitor.open(HOME)
        visitor.press("demo-log-in")
        assert "Invalid redirect_uri" in visitor.said("demo-failure")
        assert "authorization-request.redirect-uri" in visitor.said("demo-failure")
        alias = server.transport.send("GET", HOME, {"Host": "alias.example.test:1234"})
        found = (alias.status, alias.headers["location"].partition("?")[0])
        assert found == (303, f"{public}{HOME}"), "cookies are the issuer's"
        assert server.transport.send("GET", HOME, {"Host": "evil.example"}).status == 400
    finally:
        server.stop()


# The API, called by other clients


@pytest.fixture
def caller(server: LiveServer) -> tuple[Machine, str]:
    """A client of the demo API, and a good access token that it has."""
    return make_caller(server, "mock:demo-api/read")


def make_caller(server: LiveServer, scope: str, **members: Any) -> tuple[Machine, str]:
    usual = {
        "grant_types": ["authorization_code"],
        "scope": ["openid", "mock:demo-api/read", "mock:demo-api/write", "mock:appointments/read"],
        "redirect_uris": ["http://localhost:8089/callback"],
        "tenancy": "single-tenant",
        "organization": "213000012",
        "dpop_bound_access_tokens": True,
        "enforcement": "helseid",
    }
    machine = server.client(f"caller-{secrets.token_hex(4)}", **{**usual, **members})
    party = RelyingParty(machine, scopes=f"openid {scope}")
    return machine, str(party.tokens().json["access_token"])


def headers_for(machine: Machine, token: str, scheme: str = "DPoP", **proof: Any) -> dict[str, str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    claims = {"htm": "GET", "htu": machine.issuer + API, "ath": digest, "nonce": ABSENT}
    claims |= proof.pop("claims", {})
    return {"Authorization": f"{scheme} {token}", "DPoP": machine.proof(claims=claims, **proof)}


def failed(body: dict[str, Any]) -> set[str]:
    assert [check["id"] for check in body["checks"]] == CHECKS
    return {check["id"] for check in body["checks"] if check["passed"] is False}


def test_a_good_call(server: LiveServer, caller: tuple[Machine, str]) -> None:
    answer = server.transport.send("GET", API, headers_for(*caller))
    assert answer.status == 200, answer.content
    assert failed(answer.json) == set()
    assert answer.json["hello"] == NAME
    assert answer.json["you"]["helseid://claims/client/claims/orgnr_parent"] == "213000012"


@pytest.mark.covers("demo.api.proof")
@pytest.mark.parametrize(
    ("proof", "broken", "error"),
    [
        ({"claims": {"htm": "POST"}}, "htm", "invalid_dpop_proof"),
        ({"claims": {"htu": "http://localhost:1/mock/demo/api"}}, "htu", "invalid_dpop_proof"),
        ({"claims": {"htu": ABSENT}}, "htu", "invalid_dpop_proof"),
        ({"claims": {"ath": "A" * 43}}, "ath", "invalid_dpop_proof"),
        ({"claims": {"ath": ABSENT}}, "ath", "invalid_dpop_proof"),
        ({"claims": {"iat": 1}}, "iat", "invalid_dpop_proof"),
        ({"claims": {"iat": 4_000_000_000}}, "iat", "invalid_dpop_proof"),
        ({"claims": {"jti": ABSENT}}, "jti", "invalid_dpop_proof"),
        ({"header": {"typ": "JWT"}}, "proof", "invalid_dpop_proof"),
        ({"jwk": private_jwk("ES256", 7)}, "jkt", "invalid_token"),
    ],
)
def test_one_fault_in_a_proof_fails_one_check(
    server: LiveServer, caller: tuple[Machine, str], proof: dict[str, Any], broken: str, error: str
) -> None:
    answer = server.transport.send("GET", API, headers_for(*caller, **proof))
    assert answer.status == 401
    assert failed(answer.json) == {broken}
    assert answer.json["error"] == error
    assert answer.headers["www-authenticate"].startswith(f'DPoP error="{error}", error_description="{broken}"')


@pytest.mark.covers("demo.api.replay")
def test_a_proof_is_good_once(server: LiveServer, caller: tuple[Machine, str]) -> None:
    headers = headers_for(*caller)
    assert server.transport.send("GET", API, headers).status == 200
    again = server.transport.send("GET", API, headers)
    assert (again.status, failed(again.json)) == (401, {"jti"})


@pytest.mark.parametrize("proofs", ["none", "two", "no JWT"])
def test_one_proof_must_be_there(server: LiveServer, caller: tuple[Machine, str], proofs: str) -> None:
    headers = headers_for(*caller)
    sent = {"none": "", "two": f"{headers['DPoP']}, {headers['DPoP']}", "no JWT": "a.b.c"}[proofs]
    answer = server.transport.send("GET", API, {**headers, "DPoP": sent})
    assert answer.status == 401
    assert failed(answer.json) == {"proof"}
    assert {check["id"] for check in answer.json["checks"] if check["passed"] is None} == set(PROOF_CHECKS)


@pytest.mark.covers("demo.api.token")
def test_no_token_at_all_is_told_how_to_come(server: LiveServer) -> None:
    answer = server.transport.send("GET", API)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'DPoP error="invalid_token", error_description="scheme"'
    assert failed(answer.json) == {"scheme", "typ", "proof"}


def test_a_bearer_scheme_is_refused(server: LiveServer, caller: tuple[Machine, str]) -> None:
    answer = server.transport.send("GET", API, headers_for(*caller, scheme="Bearer"))
    assert (answer.status, failed(answer.json)) == (401, {"scheme"})


# The same API for Bearer tokens

BEARER_API = "/mock/demo/bearer-api"


@pytest.fixture
def bearer_caller(server: LiveServer) -> tuple[Machine, str]:
    """A machine without DPoP, and a token of it that is bound to no key."""
    machine = server.client(
        f"bearer-{secrets.token_hex(4)}",
        scope=["mock:demo-api/read", "mock:demo-api/write", "mock:directory/read"],
        tenancy="single-tenant",
        organization="213000012",
        dpop_bound_access_tokens=False,
        enforcement="helseid",
    )
    return machine, unbound(machine)


def unbound(machine: Machine, scope: str = "mock:demo-api/read") -> str:
    answer = machine.post(machine.form(machine.assertion(), {"scope": scope}))
    assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
    return str(answer.json["access_token"])


def call_bearer(server: LiveServer, headers: dict[str, str]) -> tuple[Answer, set[str]]:
    """The answer, and the checks that failed."""
    answer = server.transport.send("GET", BEARER_API, headers)
    assert [check["id"] for check in answer.json["checks"]] == BEARER_CHECKS
    return answer, {check["id"] for check in answer.json["checks"] if check["passed"] is False}


@pytest.mark.covers("demo.bearer-api")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_bearer_api_takes_a_token_that_is_bound_to_no_key(
    server: LiveServer, bearer_caller: tuple[Machine, str], scheme: str
) -> None:
    machine, token = bearer_caller
    answer, broken = call_bearer(server, {"Authorization": f"{scheme} {token}"})
    assert (answer.status, broken) == (200, set())
    assert answer.json["hello"] == machine.client_id
    assert "www-authenticate" not in answer.headers


@pytest.mark.covers("demo.bearer-api")
def test_the_bearer_api_refuses_a_token_with_cnf_however_it_comes(
    server: LiveServer, caller: tuple[Machine, str]
) -> None:
    machine, token = caller
    answer, broken = call_bearer(server, {"Authorization": f"Bearer {token}"})
    assert (answer.status, broken) == (401, {"unbound"})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token", error_description="unbound"'
    proved = headers_for(machine, token, claims={"htu": machine.issuer + BEARER_API})
    answer, broken = call_bearer(server, proved)
    assert (answer.status, broken) == (401, {"scheme", "unbound"})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token", error_description="scheme"'


@pytest.mark.covers("demo.bearer-api")
def test_each_api_refuses_the_scheme_and_the_token_of_the_other(
    server: LiveServer, bearer_caller: tuple[Machine, str]
) -> None:
    machine, token = bearer_caller
    for scheme, expected in (("Bearer", {"scheme", "jkt"}), ("DPoP", {"jkt"})):
        answer = server.transport.send("GET", API, headers_for(machine, token, scheme=scheme))
        assert (answer.status, failed(answer.json)) == (401, expected)
        assert answer.headers["www-authenticate"].startswith('DPoP error="invalid_token"')
    answer, broken = call_bearer(server, {"Authorization": f"DPoP {token}"})
    assert (answer.status, broken) == (401, {"scheme"})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token", error_description="scheme"'


@pytest.mark.covers("demo.bearer-api")
def test_the_bearer_api_checks_the_rest_as_the_other_does(
    server: LiveServer, bearer_caller: tuple[Machine, str]
) -> None:
    machine, token = bearer_caller
    answer, broken = call_bearer(server, {})
    assert (answer.status, broken) == (401, {"scheme", "typ"})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token", error_description="scheme"'
    answer, broken = call_bearer(server, {"Authorization": f"Bearer {unbound(machine, 'mock:demo-api/write')}"})
    assert (answer.status, answer.json["error"], broken) == (403, "insufficient_scope", {"scope"})
    challenge = 'Bearer error="insufficient_scope", error_description="scope", scope="mock:demo-api/read"'
    assert answer.headers["www-authenticate"] == challenge
    _, broken = call_bearer(server, {"Authorization": f"Bearer {unbound(machine, 'mock:directory/read')}"})
    assert broken == {"aud", "scope"}
    header, payload, signature = token.split(".")
    answer, broken = call_bearer(server, {"Authorization": f"Bearer {header}.{payload}.{signature[:-8]}AAAAAAAA"})
    assert (answer.status, broken) == (401, {"signature"})
    late = Call("GET", machine.issuer + BEARER_API, f"Bearer {token}", "")
    judgement = DemoApi("Bearer").judge(
        late, Wire(("localhost", server.port)), server.issuer, decode(token)[1]["exp"] + 31
    )
    assert {check.id for check in judgement.checks if check.passed is False} == {"exp"}


@pytest.mark.parametrize(
    ("scope", "members", "broken", "status", "error"),
    [
        ("mock:demo-api/write", {}, {"scope"}, 403, "insufficient_scope"),
        ("mock:demo-api/read", {"tenancy": "none", "organization": None}, {"organization"}, 403, "insufficient_scope"),
        ("mock:appointments/read", {}, {"aud", "scope"}, 401, "invalid_token"),
    ],
)
def test_a_token_without_the_right(
    server: LiveServer, scope: str, members: dict[str, Any], broken: set[str], status: int, error: str
) -> None:
    answer = server.transport.send("GET", API, headers_for(*make_caller(server, scope, **members)))
    assert failed(answer.json) - {"level"} == broken, "which of the claims an API gets is its own matter"
    assert (answer.status, answer.json["error"]) == (status, error)


@pytest.mark.covers("demo.machine")
def test_a_machine_is_asked_for_no_level(server: LiveServer) -> None:
    machine = server.client(
        f"machine-{secrets.token_hex(4)}",
        scope=["mock:demo-api/read"],
        tenancy="single-tenant",
        organization="213000012",
        enforcement="helseid",
    )
    token = machine.token(form={"scope": "mock:demo-api/read"}).json["access_token"]
    answer = server.transport.send("GET", API, headers_for(machine, token))
    assert (answer.status, failed(answer.json)) == (200, set())
    assert answer.json["hello"] == machine.client_id
    level = next(check for check in answer.json["checks"] if check["id"] == "level")
    assert (level["passed"], level["found"]) == (True, "a machine")


@pytest.mark.parametrize(
    ("header", "claims", "broken"),
    [
        ({}, {}, {"signature"}),
        ({"kid": "unknown"}, {}, {"signature"}),
        ({"kid": ABSENT}, {}, {"signature"}),
        ({"typ": "JWT"}, {}, {"signature"}),  # as of NHN's test-token service
        ({"typ": "logout+jwt"}, {}, {"typ", "signature"}),
        ({"typ": ABSENT}, {}, {"typ", "signature"}),
        ({}, {"iss": "https://another.example"}, {"iss", "signature"}),
        ({}, {"aud": ["mock:appointments"]}, {"aud", "signature"}),
        ({}, {"aud": {"mock:demo-api": 1}}, {"aud", "signature"}),
        ({}, {"exp": 1}, {"exp", "signature"}),
        ({}, {"exp": "soon"}, {"exp", "signature"}),
        ({}, {"nbf": 4_000_000_000}, {"exp", "signature"}),
        ({}, {"cnf": "x"}, {"jkt", "signature"}),
        ({}, {"scope": {}}, {"scope", "signature"}),
    ],
)
def test_a_token_that_somebody_else_has_signed(
    server: LiveServer, caller: tuple[Machine, str], header: dict[str, Any], claims: dict[str, Any], broken: set[str]
) -> None:
    machine, good = caller
    first, second = (
        json.dumps({name: value for name, value in {**part, **new}.items() if value is not ABSENT}).encode()
        for part, new in zip(decode(good), (header, claims), strict=True)
    )
    forged = raw_jws(first, second, private_jwk("RS256", 3, 2048), "RS256")
    answer = server.transport.send("GET", API, headers_for(machine, forged))
    assert (answer.status, failed(answer.json)) == (401, broken)


def test_an_id_token_is_no_access_token(server: LiveServer, caller: tuple[Machine, str]) -> None:
    machine, _ = caller
    token = RelyingParty(machine, scopes="openid").tokens().json["id_token"]
    answer = server.transport.send("GET", API, headers_for(machine, token))
    assert answer.status == 401
    assert {"aud", "jkt"} <= failed(answer.json)


@pytest.mark.covers("demo.api.time")
@pytest.mark.parametrize(("later", "broken"), [(0, set()), (625, set()), (635, {"exp"}), (-25, set()), (-40, {"exp"})])
def test_a_token_lives_from_nbf_to_exp(
    server: LiveServer, caller: tuple[Machine, str], later: int, broken: set[str]
) -> None:
    machine, token = caller
    made = decode(token)[1]["nbf"]
    headers = headers_for(machine, token, claims={"iat": made + later})
    call = Call("GET", machine.issuer + API, headers["Authorization"], headers["DPoP"])
    judgement = DemoApi().judge(call, Wire(("localhost", server.port)), server.issuer, made + later)
    assert {check.id for check in judgement.checks if check.passed is False} == broken


def test_an_issuer_that_does_not_answer_fails_the_signature(caller: tuple[Machine, str], server: LiveServer) -> None:
    machine, token = caller
    headers = headers_for(machine, token)
    call = Call("GET", machine.issuer + API, headers["Authorization"], headers["DPoP"])
    with_nobody = DemoApi().judge(call, Wire(("localhost", 1)), server.issuer, time.time())
    assert {check.id: check.found for check in with_nobody.checks if check.passed is False}.keys() == {"signature"}


@pytest.mark.covers("demo.api.keys")
def test_keys_are_fetched_once(server: LiveServer, caller: tuple[Machine, str]) -> None:
    machine, token = caller
    api, wire = DemoApi(), Wire(("localhost", server.port))
    header, claims = decode(token)
    unknown = raw_jws(
        json.dumps({**header, "kid": "unknown"}).encode(),
        json.dumps(claims).encode(),
        private_jwk("RS256", 3, 2048),
        "RS256",
    )
    for sent, good in ((token, True), (token, True), (unknown, False), (token, True)):
        headers = headers_for(machine, sent)
        call = Call("GET", machine.issuer + API, headers["Authorization"], headers["DPoP"])
        judgement = api.judge(call, wire, server.issuer, time.time())
        assert (judgement.status == 200) is good
    assert [urlsplit(step.url).path for step in wire.steps] == [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/jwks",
    ], "an unknown kid does not make the API fetch at every call"


# Parts


@pytest.mark.covers("demo.kept")
def test_what_is_kept_is_private_and_bounded(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", most=5)
    assert shelf.get("a") is None and shelf.take("a") is None
    shelf.remove("a")
    for number in range(12):
        shelf.put(f"name {number}", {"number": number})
        newest = next(p for p in (tmp_path / "shelf").iterdir() if json.loads(p.read_text()) == {"number": number})
        os.utime(newest, (time.time() - 1000 + number,) * 2)
    files = list((tmp_path / "shelf").iterdir())
    assert len(files) == 5
    assert stat.S_IMODE((tmp_path / "shelf").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not [file for file in files if "name" in file.name]
    assert shelf.get("name 11") == {"number": 11} and shelf.get("name 1") is None
    old = time.time() - 100_000
    for file in files:
        os.utime(file, (old, old))
    assert shelf.get("name 11") is None, "too old"
    shelf.put("new", {})
    assert len(list((tmp_path / "shelf").iterdir())) == 1


def test_what_is_taken_is_taken_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for number in range(20):
        shelf.put("state", {"number": number})
        start = threading.Barrier(4)

        def take(start: threading.Barrier = start) -> dict[str, Any] | None:
            start.wait(60)
            return shelf.take("state")

        with ThreadPoolExecutor(4) as pool:
            found = [future.result(10) for future in [pool.submit(take) for _ in range(4)]]
        assert [value for value in found if value is not None] == [{"number": number}]


def test_proofs_are_remembered_as_long_as_they_are_good() -> None:
    seen = SeenProofs()
    assert seen.is_new("key", "jti", 1000.0)
    assert not seen.is_new("key", "jti", 1149.0)
    assert seen.is_new("another key", "jti", 1149.0)
    assert seen.is_new("key", "jti", 1200.0), "too old to be good by now, so forgotten"


def test_the_wire_says_what_went_wrong(server: LiveServer) -> None:
    with pytest.raises(WireError, match="no answer from http://localhost/"):
        Wire(("localhost", 1)).get("t", "w", "http://localhost/")
    reply = Wire(("localhost", server.port)).get("t", "w", f"{server.issuer}/mock/style.css")
    assert reply.status == 200
    with pytest.raises(WireError, match="no JSON object"):
        reply.json()
