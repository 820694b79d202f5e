"""Behind reverse proxies: whose headers are believed, everything below a path that a proxy puts in front, and a public
URL that is told while the server runs.
"""

import itertools
import json
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mock_sts.settings.settings import SettingError
from tests.support.emulator import Emulator, LiveServer, OverHttp, Worlds, register_api, settings_for
from tests.support.machine import Answer, Headers, decode
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
from tests.support.tls import until

DISCOVERY = "/.well-known/openid-configuration"
PUBLIC_URL = "/mock/api/v1/public-url"

#: A server inside, as its last proxy asks for it.
INSIDE = "mock-sts:8080"


@dataclass
class Behind:
    """A transport through proxies. The last one, ``peer``, adds ``headers``; where ``cuts`` it takes ``below`` off the
    path. What does not lie below that never reaches the server.
    """

    sts: Emulator
    headers: Mapping[str, str]
    host: str = INSIDE
    peer: str = "10.0.0.7"
    below: str = ""
    cuts: bool = True

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        if not path.startswith(f"{self.below}/"):
            return Answer(404, {}, b'{"error": "another server of the proxy"}')
        inner = path.removeprefix(self.below) if self.cuts else path
        own = headers.items() if isinstance(headers, Mapping) else headers
        with self.sts.app.test_client(use_cookies=False) as client:
            response = client.open(
                inner,
                method=method,
                headers=[("Host", self.host), *self.headers.items(), *own],
                data=body,
                environ_overrides={"REMOTE_ADDR": self.peer},
            )
            found = {name.lower(): value for name, value in response.headers.items()}
            cookies = tuple(response.headers.getlist("Set-Cookie"))
            return Answer(response.status_code, found, response.get_data(), cookies)


@dataclass
class Below:
    """What a client's back channel has: paths are joined to the issuer."""

    transport: Behind

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        return self.transport.send(method, self.transport.below + path, headers, body)


#: Makes a server on all interfaces, as in a container; settings are written as in the environment.
Make = Callable[..., Emulator]


@pytest.fixture
def make(worlds: Worlds) -> Make:
    return lambda **settings: worlds.configure(INSIDE, **{"host": "0.0.0.0", **settings})


def issuer(sts: Emulator, headers: Mapping[str, str], peer: str = "10.0.0.7") -> str:
    answer = Behind(sts, headers, peer=peer).send("GET", DISCOVERY)
    assert answer.status == 200, answer.content
    return str(answer.json["issuer"])


def forwarded(host: str = "", proto: str = "", port: str = "", prefix: str = "", client: str = "") -> dict[str, str]:
    told = {"Host": host, "Proto": proto, "Port": port, "Prefix": prefix, "For": client}
    return {f"X-Forwarded-{name}": value for name, value in told.items() if value}


# Whose word counts


@pytest.mark.covers("proxies.untrusted")
@pytest.mark.parametrize(
    "headers",
    [
        forwarded(host="evil.test"),
        forwarded(proto="https"),
        forwarded(port="8443"),
        forwarded(prefix="/evil"),
        forwarded(client="10.0.0.8"),
        {"Forwarded": "host=evil.test;proto=https"},
        forwarded("evil.test", "https", "8443", "/evil", "10.0.0.8"),
    ],
)
def test_without_the_setting_nobody_is_believed(make: Make, headers: dict[str, str]) -> None:
    assert issuer(make(), headers) == "http://mock-sts:8080"


@pytest.mark.covers("proxies.untrusted")
def test_a_peer_outside_the_networks_is_not_believed(make: Make) -> None:
    sts = make(trusted_proxies="10.0.0.0/24 fd00::/8")
    told = forwarded("evil.test", "https", "8443", "/evil", "10.0.0.7")
    for peer in ("10.0.1.7", "192.0.2.1", "2001:db8::7", "::ffff:10.0.1.7", "", "not an address"):
        assert issuer(sts, told, peer) == "http://mock-sts:8080", peer


@pytest.mark.covers("proxies.trusted")
@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        ("1", "10.0.0.7"),
        ("1", "2001:db8::7"),
        ("10.0.0.7", "10.0.0.7"),
        ("192.168.0.0/16, 10.0.0.0/8", "10.0.0.7"),
        ("10.0.0.0/8", "::ffff:10.0.0.7"),
        ("fd00::/8", "fd00::7"),
        ("::1", "::1"),
    ],
)
def test_a_trusted_proxy_is_believed(make: Make, trusted: str, peer: str) -> None:
    sts = make(trusted_proxies=trusted)
    assert issuer(sts, forwarded("sts.test", "https", "8443", "/helseid"), peer) == "https://sts.test:8443/helseid"


@pytest.mark.covers("proxies.trusted")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (forwarded(host="sts.test"), "http://sts.test"),
        (forwarded(proto="https"), "https://mock-sts:8080"),
        (forwarded(proto="HTTPS", host="sts.test"), "https://sts.test"),
        (forwarded(proto="gopher", host="sts.test"), "http://sts.test"),
        (forwarded(host="sts.test:9000"), "http://sts.test:9000"),
        (forwarded(host="sts.test", proto="https", port="443"), "https://sts.test"),
        (forwarded(host="sts.test", proto="http", port="80"), "http://sts.test"),
        (forwarded(host="sts.test:80", proto="https", port="8443"), "https://sts.test:8443"),
        (forwarded(host="sts.test", proto="https", port="80"), "https://sts.test:80"),
        (forwarded(host="sts.test:443", proto="https"), "https://sts.test"),
        (forwarded(host="sts.test:443", proto="https", port="443"), "https://sts.test"),
        (forwarded(host="sts.test:80", proto="http"), "http://sts.test"),
        (forwarded(host="sts.test:443"), "http://sts.test:443"),
        (forwarded(host="sts.test:443", proto="https", prefix="/a"), "https://sts.test/a"),
        (forwarded(host="sts.test:443", proto="https, https"), "https://sts.test"),
        (forwarded(host="[2001:db8::1]:443", proto="https"), "https://[2001:db8::1]"),
        (forwarded(host="sts.test", proto="https", port="0443"), "https://sts.test"),
        (forwarded(host="[2001:db8::1]", proto="https"), "https://[2001:db8::1]"),
        (forwarded(host="[2001:db8::1]", proto="https", port="8443"), "https://[2001:db8::1]:8443"),
        (forwarded(host="[2001:db8::1]:80", proto="https", port="8443"), "https://[2001:db8::1]:8443"),
        (forwarded(prefix="/a"), "http://mock-sts:8080/a"),
        (forwarded(prefix="/a/"), "http://mock-sts:8080/a"),
        (forwarded(prefix="a/b"), "http://mock-sts:8080/a/b"),
        (forwarded(prefix="/"), "http://mock-sts:8080"),
        (forwarded(host=" , ", proto=","), "http://mock-sts:8080"),
    ],
)
def test_what_a_trusted_proxy_says_becomes_the_issuer(make: Make, headers: dict[str, str], expected: str) -> None:
    assert issuer(make(trusted_proxies="1"), headers) == expected


@pytest.mark.covers("proxies.spoofed")
@pytest.mark.parametrize(
    ("trusted", "client", "expected"),
    [
        # One proxy: what stands before its own word came from the client.
        ("1", "6.6.6.6, 203.0.113.9", "http://last.test/last"),
        # Two: the outer one's word, wherever the client put some of its own.
        ("2", "6.6.6.6, 203.0.113.9, 10.0.0.8", "https://middle.test/middle"),
        ("3", "203.0.113.9, 10.0.0.9, 10.0.0.8", "http://first.test/first"),
        # The same by networks: the chain is followed as long as its links are trusted.
        ("10.0.0.0/8", "6.6.6.6, 203.0.113.9", "http://last.test/last"),
        ("10.0.0.0/8", "203.0.113.9, 10.0.0.8", "https://middle.test/middle"),
        ("10.0.0.7 fd00::/8", "203.0.113.9, fd00::8", "https://middle.test/middle"),
        ("10.0.0.7 10.0.0.8", "10.0.0.8, 203.0.113.9, 10.0.0.8", "https://middle.test/middle"),
        ("10.0.0.7", "203.0.113.9, 10.0.0.8", "http://last.test/last"),
    ],
)
def test_of_several_words_the_outermost_trusted_proxys_counts(
    make: Make, trusted: str, client: str, expected: str
) -> None:
    told = forwarded(
        "first.test, middle.test, last.test", "http, https, http", "80,443,80", "/first, /middle, /last", client
    )
    assert issuer(make(trusted_proxies=trusted), told) == expected


@pytest.mark.covers("proxies.trusted")
@pytest.mark.parametrize("trusted", ["2", "10.0.0.0/8"])
def test_a_chain_whose_inner_proxy_passes_headers_on_is_believed(make: Make, trusted: str) -> None:
    """Or replaces them; only the list of addresses grows."""
    told = forwarded("sts.test", "https", "443", "/helseid", "203.0.113.9, 10.0.0.8")
    assert issuer(make(trusted_proxies=trusted), told) == "https://sts.test/helseid"


@pytest.mark.covers("proxies.malformed")
@pytest.mark.parametrize(
    "headers",
    [
        forwarded(host="a b"),
        forwarded(host="sts.test/path"),
        forwarded(host="user@sts.test"),
        forwarded(host="[::"),
        forwarded(host="[1:2]"),
        forwarded(port="x"),
        forwarded(port="99999"),
        forwarded(prefix="/a b"),
        forwarded(prefix="/a?b"),
        forwarded(prefix="/a//evil.test"),
        forwarded(prefix="/a;b"),
        forwarded(prefix='/"'),
        forwarded(prefix="/" + "a" * 101),
        forwarded(prefix="/a" * 11),
    ],
)
@pytest.mark.parametrize("path", [DISCOVERY, "/home/error", "/Account/Login?ReturnUrl=x"])
def test_what_makes_no_address_is_refused(make: Make, headers: dict[str, str], path: str) -> None:
    answer = Behind(make(trusted_proxies="1"), headers).send("GET", path)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert "is no address that a server can have" in (answer.description or "")
    assert "location" not in answer.headers


@pytest.mark.covers("proxies.untrusted")
def test_a_proxy_changes_nothing_about_which_hosts_are_known(make: Make) -> None:
    sts = make(trusted_proxies="1", public_url="https://sts.test")
    assert issuer(sts, forwarded(host="sts.test", proto="https")) == "https://sts.test"
    answer = Behind(sts, forwarded(host="evil.test", proto="https")).send("GET", DISCOVERY)
    assert answer.status == 400
    assert "'evil.test'" in (answer.description or "")


@pytest.mark.covers("addresses.production", "proxies.trusted")
def test_nobody_makes_it_answer_to_a_name_of_production(make: Make) -> None:
    told = forwarded(host="helseid-sts.nhn.no", proto="https")
    answer = Behind(make(trusted_proxies="1"), told).send("GET", DISCOVERY)
    assert answer.status == 400
    assert "belongs to the real HelseID in production" in (answer.description or "")


@pytest.mark.covers("proxies.spoofed")
@pytest.mark.parametrize("inner", ["10.0.0.2:443", "[::ffff:10.0.0.2]:443", "[::ffff:10.0.0.2]", "::ffff:10.0.0.2"])
def test_an_address_may_have_the_port_of_its_connection(make: Make, inner: str) -> None:
    told = forwarded(host="evil.test, outer.test, inner.test", client=f"203.0.113.9:5123, {inner}")
    assert issuer(make(trusted_proxies="10.0.0.0/8"), told) == "http://outer.test"


@pytest.mark.parametrize(
    "text", [" ", ",", "0", "11", "-1", "1.5", "10.0.0.0/33", "proxy", "10.0.0.1:80", "1 2", "fd00::/200"]
)
def test_a_setting_that_names_no_proxies_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingError, match=r"^MOCK_STS_TRUSTED_PROXIES is .*, but must be a number from 1 to 10, or"):
        settings_for(tmp_path / "x.sqlite", trusted_proxies=text)


# Below a path


@dataclass(frozen=True)
class Way:
    """How requests come to a server below /helseid: its settings, and what the proxy does."""

    settings: Mapping[str, str]
    headers: Mapping[str, str]
    host: str = "sts.test"
    cuts: bool = True


NAMED = {"public_url": "https://sts.test/helseid"}
WAYS = {
    "the proxy tells its prefix": Way(
        {"trusted_proxies": "1"}, forwarded("sts.test", "https", "443", "/helseid"), INSIDE
    ),
    "of two proxies the outer one tells it": Way(
        {"trusted_proxies": "2"}, forwarded("sts.test, x", "https, http", "", "/helseid", "203.0.113.9, 10.0.0.8"), "x"
    ),
    "told, and the public URL names it": Way(
        {"trusted_proxies": "1", **NAMED}, forwarded("sts.test", "https", "", "/helseid"), INSIDE
    ),
    "the proxy cuts it off without a word": Way(NAMED, {}),
    "and asks by another name": Way({**NAMED, "aliases": "http://mock-sts:8080"}, {}, INSIDE),
    "and asks by a loopback name": Way(NAMED, {}, "localhost:8080"),
    "the proxy leaves it": Way(NAMED, {}, cuts=False),
    "the proxy leaves it and tells it": Way(
        {"trusted_proxies": "1", **NAMED}, forwarded("sts.test", "https", "", "/helseid"), INSIDE, cuts=False
    ),
    "fixed": Way({**NAMED, "url_mode": "fixed"}, {}, cuts=False),
    "request": Way({**NAMED, "url_mode": "request"}, {}, cuts=False),
    "request, cut off": Way({**NAMED, "url_mode": "request"}, {}),
}
BASE = "https://sts.test/helseid"


@dataclass
class Outside:
    """A client and a browser outside the proxies."""

    rp: RelyingParty
    browser: Browser
    sts: Emulator


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def outside(request: pytest.FixtureRequest, make: Make) -> Outside:
    way: Way = request.param
    return outside_of(make, way)


def outside_of(make: Make, way: Way, **members: Any) -> Outside:
    sts = make(**way.settings)
    register_api(sts.store, "test:api", scopes=["test:api/read"])
    machine = web_client(sts, **members).machine
    transport = Behind(sts, way.headers, way.host, below="/helseid", cuts=way.cuts)
    rp = RelyingParty(replace(machine, issuer=BASE, transport=Below(transport)))
    return Outside(rp, Browser(replace(machine, issuer=BASE, transport=transport)), sts)


def start(outside: Outside, login: Login, changes: Mapping[str, Any] | None = None) -> Answer:
    pushed = outside.rp.push(login, changes)
    assert pushed.status == 201, pushed.content
    return outside.browser.send("GET", "/helseid" + outside.rp.authorize_path(pushed.json["request_uri"]))


def own_paths(page: Answer) -> list[str]:
    """Everything that a page links to, loads or posts to, on its own server."""
    found = re.findall(r"(?:href|action|src|url)=['\"]?([^'\" >]+)", page.content.decode())
    return [path for path in found if path.startswith("/")]


@pytest.mark.covers("proxies.prefix")
def test_discovery_and_tokens_name_the_prefix(outside: Outside) -> None:
    machine = outside.rp.machine
    document = machine.transport.send("GET", DISCOVERY).json
    assert document["issuer"] == BASE
    for name in ("authorization_endpoint", "end_session_endpoint"):
        assert document[name].startswith(f"{BASE}/connect/"), name
    answer = machine.transport.send("GET", f"{DISCOVERY}/jwks")
    assert answer.status == 200
    tokens = outside.rp.tokens()
    assert tokens.claims["iss"] == decode(tokens.json["id_token"])[1]["iss"] == BASE
    refreshed = outside.rp.refresh(tokens.json["refresh_token"])
    assert refreshed.status == 200
    assert refreshed.claims["iss"] == BASE
    info = outside.rp.user_info(refreshed.json["access_token"], scheme="DPoP", proof={})
    assert info.status == 200, info.content
    assert info.json["sub"] == decode(tokens.json["id_token"])[1]["sub"]


@pytest.mark.covers("proxies.prefix")
def test_a_whole_login_by_the_pages_stays_below_the_prefix(outside: Outside) -> None:
    browser, login = outside.browser, Login()
    first = start(outside, login)
    assert first.headers["location"].startswith("/helseid/Account/Login?")
    back = parse_qs(urlsplit(first.headers["location"]).query)["ReturnUrl"][0]
    assert back.startswith("/helseid/connect/authorize/callback?")
    providers = browser.follow(first)
    form = browser.follow(browser.send("GET", anchor(providers.content.decode(), "Test IDP")))
    for page in (providers, form):
        assert page.status == 200, page.content
        assert own_paths(page)
        assert all(path.startswith("/helseid/") for path in own_paths(page)), own_paths(page)
        sheet = browser.send("GET", own_paths(page)[0])
        assert (sheet.status, sheet.headers["content-type"]) == (200, "text/css; charset=UTF-8")
    action, fields = first_form(form.content.decode())
    posted = browser.send("POST", action, {**fields, "Pid": PERSON, "SecurityLevel": "4"})
    assert posted.headers["location"] == back
    assert all("Path=/helseid" in one.headers["set-cookie"] for one in (form, posted))
    found = answer_parameters(browser.follow(posted))
    assert found["iss"] == BASE
    assert outside.rp.redeem(login, found["code"]).status == 200
    # Single sign-on: the cookie comes back to the same path.
    again = start(outside, Login())
    assert answer_parameters(again)["iss"] == BASE
    assert all(path.startswith("/helseid/") for path in browser.visited)


@pytest.mark.covers("proxies.prefix")
def test_the_first_page_leads_on_below_the_prefix(outside: Outside) -> None:
    page = outside.browser.send("GET", "/helseid/")
    assert page.status == 200, page.content
    assert len(own_paths(page)) > 3
    assert all(path.startswith("/helseid/") for path in own_paths(page)), own_paths(page)
    assert f'data-testid="issuer">{BASE}<' in page.content.decode()


@pytest.mark.covers("proxies.prefix")
def test_a_return_url_may_be_visited_as_it_is(outside: Outside) -> None:
    """Some drivers read it from the address, and go there by themselves."""
    first = start(outside, Login())
    back = parse_qs(urlsplit(first.headers["location"]).query)["ReturnUrl"][0]
    again = outside.browser.send("GET", back)
    assert again.headers["location"] == first.headers["location"]


@pytest.mark.covers("proxies.prefix")
def test_drivers_of_the_real_testidp_stay_below_the_prefix(outside: Outside) -> None:
    browser, login = outside.browser, Login()
    form = browser.follow(start(outside, login, {"acr_values": "idp:testidp-oidc"}))
    action, fields = first_form(form.content.decode())
    typed = {**fields, "Pid": PERSON, "SecurityLevel": "4"}
    token = fields["__RequestVerificationToken"]
    hop = browser.send("POST", action, typed, RequestVerificationToken=token)
    assert hop.status == 200
    target, hidden = first_form(hop.content.decode())
    assert target == "/helseid/signin-testidp-oidc"
    found = answer_parameters(browser.follow(browser.send("POST", target, hidden)))
    assert outside.rp.redeem(login, found["code"]).status == 200


@pytest.mark.covers("proxies.prefix")
def test_a_slow_login_a_forged_form_and_an_error_stay_below_the_prefix(outside: Outside) -> None:
    browser, login = outside.browser, Login()
    form = browser.follow(start(outside, login, {"acr_values": "idp:testidp-oidc"}))
    action, fields = first_form(form.content.decode())
    forged = browser.send("POST", action, {"Pid": PERSON})
    assert forged.status == 400
    assert all(path.startswith("/helseid/") for path in own_paths(forged))
    slow = browser.send("POST", action, {**fields, "Pid": PERSON, "SecurityLevel": "4", "outcome": "slow"})
    waiting = [path for path in own_paths(slow) if "callback" in path]
    assert len(waiting) == 2
    assert all(path.startswith("/helseid/connect/authorize/callback?") for path in waiting)
    assert answer_parameters(browser.send("GET", waiting[0].replace("&amp;", "&")))["state"] == login.state
    gone = browser.send("GET", "/helseid/Account/Login?ReturnUrl=x")
    assert gone.headers["location"].startswith("/helseid/home/error?errorId=")
    page = browser.follow(gone)
    assert page.status == 400
    assert b'data-testid="error"' in page.content


@pytest.mark.covers("proxies.prefix")
@pytest.mark.slow
def test_logout_stays_below_the_prefix(make: Make) -> None:
    for way in WAYS.values():
        outside = outside_of(make, way, frontchannel_logout_uri="https://app.test/out")
        browser = outside.browser
        login = Login()
        code = answer_parameters(start(outside, login, {"test_pid": PERSON}))["code"]
        assert outside.rp.redeem(login, code).status == 200
        question = browser.send("GET", "/helseid/connect/endsession")
        action, fields = first_form(question.content.decode())
        assert action == "/helseid/Account/Logout"
        done = browser.send("POST", action, fields)
        frames = re.search(r'<iframe [^>]*src="([^"]+)"', done.content.decode())
        assert frames is not None, done.content
        assert frames[1].startswith("/helseid/connect/endsession/callback?")
        assert b"https://app.test/out" in browser.send("GET", frames[1]).content


def test_health_and_ca_are_there_with_and_without_the_path(make: Make) -> None:
    sts = make(**NAMED)
    for path in ("/health/ready", "/helseid/health/ready"):
        assert sts.get(path).status == 200


def test_a_path_that_only_begins_alike_is_another(make: Make) -> None:
    sts = make(**NAMED)
    for path in ("/helseid2/health/live", "/helse/health/live", "/helsei", "/helseid2"):
        assert Behind(sts, {}, "sts.test").send("GET", path).status == 404, path


def test_a_public_url_whose_path_is_one_of_ours_works_behind_a_proxy_that_cuts(make: Make) -> None:
    sts = make(public_url="https://sts.test/mock")
    proxy = Behind(sts, {}, "sts.test", below="/mock")
    assert proxy.send("GET", f"/mock{DISCOVERY}").json["issuer"] == "https://sts.test/mock"
    assert proxy.send("GET", "/mock/mock/style.css").status == 200


# A public URL that is told while the server runs


def tell(sts: Emulator, url: object, host: str = INSIDE) -> Answer:
    body = json.dumps({"url": url}).encode()
    return Behind(sts, {}, host).send("PUT", PUBLIC_URL, {"Content-Type": "application/json"}, body)


@pytest.mark.covers("addresses.public-url.told")
@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"public_url": "https://first.test"}, "first.test"),
        ({}, INSIDE),
        ({"host": "127.0.0.1"}, "localhost:8080"),
        ({"host": "127.0.0.1", "aliases": "http://mock-sts:8080"}, "localhost:8080"),
    ],
)
@pytest.mark.parametrize("moment", ["before PAR", "before authorize", "before the code is redeemed", "before refresh"])
def test_a_flow_keeps_the_address_under_which_it_began(
    make: Make, settings: dict[str, str], host: str, moment: str
) -> None:
    sts = make(**settings)
    register_api(sts.store, "test:api", scopes=["test:api/read"])
    first = settings.get("public_url", f"http://{host}")
    second = "http://localhost:32768"
    machine = replace(web_client(sts).machine, issuer=first, transport=Behind(sts, {}, host))
    rp, login = RelyingParty(machine), Login()

    def now(this: str) -> None:
        if moment == this:
            assert tell(sts, second, host).json == {"issuer": second}

    now("before PAR")
    pushed = rp.push(login, {"test_pid": PERSON})
    assert pushed.status == 201, pushed.content
    now("before authorize")
    found = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))
    began_as = second if moment == "before PAR" else first
    assert found["iss"] == began_as
    now("before the code is redeemed")
    tokens = rp.redeem(login, found["code"])
    assert tokens.status == 200, tokens.content
    assert decode(tokens.json["id_token"])[1]["iss"] == began_as
    now("before refresh")
    refreshed = rp.refresh(tokens.json["refresh_token"])
    assert refreshed.status == 200, refreshed.content
    assert rp.user_info(tokens.json["access_token"]).status == 200
    # What begins now begins under the new address.
    later = replace(machine, issuer=second, transport=Behind(sts, {}, "localhost:32768"))
    assert RelyingParty(later).tokens().claims["iss"] == second


@pytest.mark.covers("addresses.public-url.told")
def test_a_server_without_an_address_is_still_known_by_the_name_that_containers_use(make: Make) -> None:
    sts = make()
    tell(sts, "http://localhost:32768")
    document = Behind(sts, {}).send("GET", DISCOVERY).json
    assert document["issuer"] == "http://localhost:32768"
    assert document["authorization_endpoint"] == "http://localhost:32768/connect/authorize"
    assert document["token_endpoint"] == "http://mock-sts:8080/connect/token"
    machine = replace(sts.client(), issuer="http://localhost:32768")
    answer = machine.token(proof={"claims": {"htu": "http://mock-sts:8080/connect/token"}})
    assert answer.status == 200, answer.content


@pytest.mark.covers("addresses.public-url.told")
@pytest.mark.slow
def test_null_gives_the_address_of_the_settings_back(make: Make) -> None:
    sts = make(public_url="https://first.test", aliases="http://mock-sts:8080")
    assert tell(sts, "http://localhost:32768").json == {"issuer": "http://localhost:32768"}
    assert tell(sts, None).json == {"issuer": "https://first.test"}
    document = Behind(sts, {}, "localhost:32768").send("GET", DISCOVERY).json
    assert document["issuer"] == "https://first.test"
    assert document["token_endpoint"] == "http://localhost:32768/connect/token"
    # Without address in the settings every host names itself again.
    sts = make()
    assert tell(sts, "https://mock-sts:8080/base").json == {"issuer": "https://mock-sts:8080/base"}
    assert tell(sts, None).json == {"issuer": "http://mock-sts:8080"}
    assert issuer(sts, {}) == "http://mock-sts:8080"


@pytest.mark.covers("addresses.public-url.former")
@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({"public_url": "http://first.test"}, "http://first.test"),
        ({"public_url": "http://first.test", "url_mode": "fixed"}, "http://first.test"),
        ({"public_url": "http://first.test", "url_mode": "request"}, "http://first.test"),
        ({"aliases": "http://first.test"}, "http://first.test"),
        ({}, "http://mock-sts:8080"),
        ({"host": "127.0.0.1"}, "http://localhost:8080"),
    ],
)
def test_every_address_that_it_had_still_counts(make: Make, settings: dict[str, str], first: str) -> None:
    sts = make(**settings)
    register_api(sts.store, "test:api", scopes=["test:api/read"])
    machine = web_client(sts).machine
    urls = [first, "http://second.test", "http://localhost:32768", "http://fourth.test/base"]

    def party(base: str, asked: str) -> RelyingParty:
        parts = urlsplit(asked)
        transport = Behind(sts, {}, parts.netloc, below=parts.path, cuts=False)
        return RelyingParty(replace(machine, issuer=base, transport=Below(transport)))

    tokens = [party(first, first).tokens()]
    for before, url in itertools.pairwise(urls):
        assert tell(sts, url, urlsplit(before).netloc).status == 200
        tokens.append(party(url, url).tokens())
    assert [one.claims["iss"] for one in tokens] == urls
    now = urls[-1]
    for url, one in zip(urls, tokens, strict=True):
        refresh_token = one.json["refresh_token"]
        # At the address of today, and at its own.
        for asked in (now, url):
            info = party(asked, asked).user_info(one.json["access_token"], scheme="DPoP", proof={})
            assert info.status == 200, (url, asked, info.content)
            named = party(url, asked).refresh(refresh_token)
            assert named.status == 200, (url, asked, named.content)
            refresh_token = named.json["refresh_token"]
            assert named.claims["iss"] == url
    assert tell(sts, None, "localhost:8080").status == 200
    for url, one in zip(urls, tokens, strict=True):
        info = party(first, first).user_info(one.json["access_token"], scheme="DPoP", proof={})
        assert info.status == 200, (url, info.content)


@pytest.mark.covers("addresses.public-url.former")
def test_the_ten_newest_of_its_former_addresses_are_kept(make: Make) -> None:
    sts = make(public_url="http://first.test")
    for number in range(13):
        assert tell(sts, f"http://sts-{number}.test", "localhost:8080").status == 200
    known = [Behind(sts, {}, f"sts-{number}.test").send("GET", DISCOVERY).status for number in range(13)]
    assert known == [400] * 2 + [200] * 11
    assert Behind(sts, {}, "first.test").send("GET", DISCOVERY).status == 200


@pytest.mark.covers("addresses.public-url.told")
def test_telling_a_name_of_a_real_helseid_is_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    sts = make()
    assert tell(sts, "https://sts.test").status == 200
    assert "helseid" not in caplog.text.lower()
    assert tell(sts, "https://helseid-sts.test.nhn.no").status == 200
    (record,) = [record for record in caplog.records if "helseid-sts.test.nhn.no" in record.getMessage()]
    assert record.levelname == "WARNING"
    assert "is not HelseID" in record.getMessage()


@pytest.mark.covers("addresses.public-url.told")
def test_an_unknown_host_is_told_the_new_address_too(make: Make) -> None:
    sts = make(public_url="https://first.test", aliases="http://mock-sts:8080")
    tell(sts, "https://second.test/base")
    answer = Behind(sts, {}, "third.test:1").send("GET", DISCOVERY)
    assert answer.status == 400
    for word in ("'third.test:1'", "https://second.test/base", "https://first.test", "MOCK_STS_ALIASES"):
        assert word in (answer.description or "")
    assert Behind(sts, {}, "second.test", below="/base", cuts=False).send("GET", f"/base{DISCOVERY}").status == 200


@pytest.mark.covers("addresses.public-url.told")
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"url": ""}, "url must be a URL such as"),
        ({"url": "localhost:8080"}, "url must be a URL such as"),
        ({"url": "ftp://sts.test"}, "url must be a URL such as"),
        ({"url": "http://sts.test:0"}, "url must be a URL such as"),
        ({"url": "http://user@sts.test"}, "url must be a URL such as"),
        ({"url": "http://[::1"}, "url must be a URL such as"),
        ({"url": "http://sts.test/"}, "without the trailing slash: http://sts.test"),
        ({"url": "http://sts.test?x"}, "without query"),
        ({"url": "http://sts.test/a b"}, "without escapes"),
        ({"url": "HTTP://sts.test"}, "in lower case: http://sts.test"),
        ({"url": "https://helseid-sts\u3002nhn.no"}, "belongs to the real HelseID"),
        ({"url": "http://a!b"}, "a host name of letters"),
        ({"url": "https://helseid-sts.nhn.no"}, "belongs to the real HelseID"),
        ({"url": 7}, "url must be a text: an address"),
        ({"url": ["http://sts.test"]}, "url must be a text: an address"),
        ({}, "url is missing"),
        ({"public_url": "http://sts.test"}, "has no member 'public_url'; known are url"),
        ([], "must be a JSON object"),
        (None, "must be a JSON object"),
    ],
)
def test_what_is_no_address_is_refused_and_changes_nothing(make: Make, body: object, told: str) -> None:
    sts = make()
    sent = json.dumps(body).encode()
    answer = Behind(sts, {}).send("PUT", PUBLIC_URL, {"Content-Type": "application/json"}, sent)
    assert answer.status == 400, answer.content
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert told in answer.json["detail"]
    assert issuer(sts, {}) == "http://mock-sts:8080"


@pytest.mark.covers("addresses.public-url.told")
@pytest.mark.slow
def test_all_workers_know_a_new_address_at_once(tmp_path: Path) -> None:
    server = LiveServer(tmp_path, workers="2")
    try:
        for number in range(5):
            url = f"http://localhost:{40_000 + number}"
            body = json.dumps({"url": url}).encode()
            told = server.transport.send("PUT", PUBLIC_URL, {"Content-Type": "application/json"}, body)
            assert told.json == {"issuer": url}
            seen = set()
            for _ in range(20):
                fresh = OverHttp(server.issuer)  # a connection of its own, to either worker
                seen.add(fresh.send("GET", DISCOVERY).json["issuer"])
                fresh.close()
            assert seen == {url}
    finally:
        server.stop()


@pytest.mark.covers("addresses.public-url.restart")
@pytest.mark.parametrize("later", ["", "http://localhost:22251"])
@pytest.mark.slow
def test_a_start_ends_what_was_told_and_a_reload_does_not(tmp_path: Path, later: str) -> None:
    def seen(server: LiveServer) -> dict[str, str]:
        document: dict[str, str] = server.transport.send("GET", DISCOVERY).json
        return document

    told = "http://sts.test:32768"
    server = LiveServer(tmp_path, public_url="http://localhost:22250")
    try:
        body = json.dumps({"url": told}).encode()
        assert server.transport.send("PUT", PUBLIC_URL, {"Content-Type": "application/json"}, body).status == 200
        server.process.send_signal(signal.SIGHUP)
        until(lambda: b"INFO reloaded" in server.log.read_bytes(), "it does not reload")
        assert seen(server)["issuer"] == told
    finally:
        server.stop()
    server = LiveServer(tmp_path, **({"public_url": later} if later else {"host": "0.0.0.0"}))
    try:
        says = server.log.read_text()
        assert f"the public URL {told}, which" in says
        assert seen(server)["issuer"] == (later or server.issuer)
        assert re.findall(r"^  issuer +(\S+)$", says, re.MULTILINE) == [seen(server)["issuer"]]
        former = server.transport.send("GET", DISCOVERY, {"Host": "sts.test:32768"})
        assert former.json["issuer"] == (later or told)
        machine = replace(server.client("probe"), issuer=later or server.issuer)
        assert machine.token(assertion={"claims": {"aud": told}}).status == 200
    finally:
        server.stop()
    # What has ended is told of once.
    server = LiveServer(tmp_path)
    server.stop()
    assert told not in server.log.read_text()
