"""A page elsewhere whose name leads here (DNS rebinding) steers nothing; clients may have any name for the server."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from mock_sts.protocol.addresses import TrustedProxies
from mock_sts.web.own_side import OPEN
from tests.support.emulator import Emulator, Worlds
from tests.support.logins import begin_plain, fill_in, identity, page_of, web
from tests.support.machine import Answer
from tests.support.relying_party import PERSON, Login

#: Names that any site can have.
STRANGE = (
    "evil.example",
    "evil.example:8080",
    "EVIL.Example",
    "evil.example.",
    "a.b",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "host.docker.internal.evil.example",
    "127.0.0.1.",
    "127.1",
    "127.0.0.256",
    "1.2.3.4.5",
    "xn--e1afmkfd.xn--p1ai",
)

#: Names and addresses that a stranger's DNS cannot have a browser take for their own.
SAFE = (
    "localhost:8080",
    "LOCALHOST",
    "127.0.0.1:8080",
    "127.0.0.2",
    "10.0.0.7:8080",
    "192.168.1.20",
    "203.0.113.9",
    "[::1]:8080",
    "[fd00::7]",
    "[::ffff:10.0.0.7]:8080",
    "mock-sts:8080",
    "mock_sts",
    "Mock-STS",
    "mock-sts.",
    "host.docker.internal:8080",
    "HOST.docker.internal",
)

#: Of our side, beside every route that there is.
PATHS = ("/", "/mock", "/mock/", "/mock/nothing", "/mock/api", "/mock/api/v1/nothing", "/MOCK/api/v1/journal")

OTHER_SIDE = (
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/jwks",
    "/connect/availableidps",
    "/connect/expiredjwks",
    "/health/live",
    "/health/ready",
    *OPEN,
)


@pytest.fixture
def everywhere(worlds: Worlds) -> Iterator[Emulator]:
    """As the image is: on all interfaces, and no address set."""
    made = Emulator(replace(worlds.make().settings, host="0.0.0.0"))
    yield made
    made.close()


def own_routes(app: Flask) -> list[tuple[str, str]]:
    """Method and path of every route of our side."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule == "/" or rule.rule.startswith("/mock")]
    return [
        (method, rule.rule.replace("<persona>", "kvart-grevling"))
        for rule in rules
        if rule.rule not in OPEN
        for method in rule.methods or ()
    ]


def ask(sts: Emulator, host: str, method: str, path: str) -> Answer:
    """As a page at ``host`` asks for what it takes for its own."""
    headers = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
    return sts.transport.send(method, path, headers, b'{"outcome": "access_denied"}' if method == "POST" else b"")


def assert_shut(answer: Answer, method: str, host: str) -> None:
    assert answer.status == 400, answer.content
    if method != "HEAD":
        text = answer.json.get("detail") or answer.json["error_description"]
        for word in (repr(host), "DNS rebinding", "MOCK_STS_ALIASES", "MOCK_STS_PUBLIC_URL"):
            assert word in text
    assert "set-cookie" not in answer.headers


@pytest.mark.covers("addresses.host.rebinding")
@pytest.mark.parametrize("host", STRANGE)
def test_our_side_is_shut_for_names_that_any_site_can_have(everywhere: Emulator, host: str) -> None:
    before = everywhere.row_counts()
    for method, path in [*own_routes(everywhere.app), *(("GET", path) for path in PATHS)]:
        assert_shut(ask(everywhere, host, method, path), method, host)
    assert everywhere.row_counts() == before


@pytest.mark.parametrize("host", SAFE)
def test_our_side_answers_to_this_machine_and_its_network(everywhere: Emulator, host: str) -> None:
    for path in ("/", "/mock/demo", "/mock/doctor", "/mock/api/v1/journal", "/mock/style.css", "/mock/dpop-nonce"):
        assert ask(everywhere, host, "GET", path).status in (200, 204), path
    assert ask(everywhere, host, "POST", "/mock/api/v1/next-login").status == 201


@pytest.mark.parametrize("host", ["evil.example:8080", "sts.internal"])
@pytest.mark.parametrize("path", OTHER_SIDE)
def test_helseids_side_answers_to_every_name(everywhere: Emulator, host: str, path: str) -> None:
    assert ask(everywhere, host, "GET", path).status in (200, 204)


@pytest.mark.parametrize("provider", ["Test IDP", "BankID", "ID-porten"])
@pytest.mark.parametrize("host", ["sts.internal:8080", "mock-sts:8080"])
@pytest.mark.slow
def test_people_log_in_at_every_name(everywhere: Emulator, host: str, provider: str) -> None:
    """Also at providers whose page is ours, and the pages have their looks."""
    named = Emulator(everywhere.settings, host)
    try:
        rp = web(named, require_pushed_authorization_requests=False)
        login, browser = Login(), rp.browser()
        page = page_of(browser, begin_plain(rp, login, browser), provider)
        styles = page.content.decode().partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert named.get(styles).headers["content-type"].startswith("text/css")
        field = {"Pid": PERSON}
        claims = identity(rp, login, fill_in(browser, page, **field))
        assert claims["helseid://claims/identity/pid"] == PERSON
    finally:
        named.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"public_url": "http://sts.example:8080"},
        {"aliases": ("http://sts.example:8080",)},
        {"public_url": "https://another.example", "aliases": ("http://sts.example:8080",)},
    ],
)
def test_a_host_that_is_set_is_answered_and_others_are_none(worlds: Worlds, settings: dict[str, Any]) -> None:
    sts = Emulator(replace(worlds.make().settings, host="0.0.0.0", **settings))
    try:
        assert ask(sts, "sts.example:8080", "GET", "/mock/api/v1/journal").status == 200
        assert ask(sts, "evil.example:8080", "GET", "/mock/api/v1/journal").status == 400
        assert ask(sts, "evil.example:8080", "GET", OTHER_SIDE[0]).status == 400
    finally:
        sts.close()


def test_a_host_that_the_server_was_told_is_answered_and_others_are_not(everywhere: Emulator) -> None:
    body = b'{"url": "http://sts.example:8080"}'
    told = everywhere.transport.send("PUT", "/mock/api/v1/public-url", {"Content-Type": "application/json"}, body)
    assert told.status == 200
    assert ask(everywhere, "sts.example:8080", "GET", "/mock/api/v1/journal").status == 200
    assert_shut(ask(everywhere, "evil.example", "GET", "/mock/api/v1/journal"), "GET", "evil.example")
    assert ask(everywhere, "evil.example", "GET", OTHER_SIDE[0]).status == 200


@pytest.mark.parametrize(
    ("host", "forwarded", "status"),
    [
        ("mock-sts:8080", {"X-Forwarded-Host": "sts.example"}, 200),
        ("evil.example", {}, 400),
        ("evil.example", {"X-Forwarded-Host": "localhost:8080"}, 400),
        ("evil.example", {"X-Forwarded-Host": "evil.example"}, 400),
        ("evil.example", {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}, 400),
        ("mock-sts", {"X-Forwarded-Host": "a b"}, 400),
    ],
)
def test_behind_a_proxy_the_host_counts_that_the_server_was_asked_by(
    worlds: Worlds, host: str, forwarded: dict[str, str], status: int
) -> None:
    """A page that was led here can write what a proxy writes."""
    trusted = TrustedProxies(1, ())
    sts = Emulator(replace(worlds.make().settings, host="0.0.0.0", trusted_proxies=trusted))
    try:
        for path in ("/", "/mock/doctor", "/mock/api/v1/journal"):
            assert sts.get(path, {"Host": host, **forwarded}).status == status
    finally:
        sts.close()
