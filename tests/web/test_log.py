"""Every refusal leaves a line in the log: also those that come before anything of the request is read."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from tests.journeys.test_resource import prove
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import ABSENT, Answer
from tests.support.relying_party import USERINFO, RelyingParty, web_client

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
PREFLIGHT = {"Origin": "http://spa.test:5173", "Access-Control-Request-Method": "POST"}

#: What is asked, and the words of the line.
REFUSED: dict[str, tuple[str, str, Mapping[str, str], bytes, tuple[str, ...]]] = {
    "unknown host": (
        "GET",
        "/connect/token",
        {"Host": "sts.test"},
        b"",
        ("'sts.test'", "MOCK_STS_ALIASES", "MOCK_STS_PUBLIC_URL"),
    ),
    "unknown host of a page": ("GET", "/", {"Host": "sts.test:8080"}, b"", ("'sts.test:8080'", "It is known as")),
    "malformed host": ("GET", "/mock/demo", {"Host": "a b"}, b"", ("with 400: ", "is no address")),
    "real host": ("GET", "/", {"Host": "helseid-sts.nhn.no"}, b"", ("belongs to the real HelseID",)),
    "unknown path": ("GET", "/conect/token", {}, b"", ("'/conect/token' with 404: ", "did you mean /connect/token?")),
    "slash too many": ("POST", "/connect/token/", FORM, b"a=b", ("with 404: ", "did you mean /connect/token?")),
    "path before ours": ("GET", "/helseid/connect/par", {}, b"", ("did you mean /connect/par?",)),
    "discovery below a path": (
        "GET",
        "/auth/.well-known/openid-configuration",
        {},
        b"",
        ("did you mean /.well-known/openid-configuration?",),
    ),
    "path of another product": ("GET", "/auth/realms/x", {}, b"", ("no such path; there are /", "/connect/token, ")),
    "path with a line break": ("GET", "/x%0Arefused", {}, b"", ("'/x\\nrefused' with 404: ",)),
    "no local CA": ("GET", "/mock/ca.pem", {}, b"", ("with 404: ", "MOCK_STS_TLS_PORT")),
    "wrong method": ("DELETE", "/connect/userinfo", {}, b"", ("refused DELETE '/connect/userinfo' with 405: ",)),
    "wrong method of a document": ("POST", "/.well-known/openid-configuration", FORM, b"a=b", ("with 405: ",)),
    "HEAD": ("HEAD", "/connect/endsession", {}, b"", ("refused HEAD '/connect/endsession' with 405: ",)),
    "no form": ("POST", "/connect/revocation", JSON, b"{}", ("with 415: ",)),
    "too long": ("POST", "/connect/token", FORM, b"x" * 300_000, ("refused POST '/connect/token' with 413: ",)),
    "control API": ("GET", "/mock/api/v1/journal?x=1", {}, b"", ("with 400: ", "unknown parameter 'x'")),
    "control API of another site": ("GET", "/mock/api/v1/journal", {"Origin": "http://x.test"}, b"", ("with 403: ",)),
    "control API, no path": ("GET", "/mock/api/v1/jurnal", {}, b"", ("did you mean /mock/api/v1/journal?",)),
}


@pytest.mark.covers("server.log.refusals")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_has_a_line_in_the_log(sts: Emulator, caplog: pytest.LogCaptureFixture, name: str) -> None:
    method, path, headers, body, words = REFUSED[name]
    answer = sts.transport.send(method, path, headers, body)
    assert answer.status >= 400
    (line,) = caplog.messages
    assert line.startswith("refused ") and all(word in line for word in words), line
    assert "\n" not in line


def test_what_browsers_ask_for_by_themselves_is_no_news(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/favicon.ico", "/robots.txt", "/.well-known/appspecific/com.chrome.devtools.json"):
        assert sts.get(path).status == 404
    assert not [record for record in caplog.records if record.levelno >= logging.INFO]


def test_what_is_answered_has_none(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/", "/health/live", "/mock/style.css", "/.well-known/openid-configuration"):
        assert sts.get(path).status == 200
    assert not caplog.records


# Pages of other origins

EMULATED = (
    "/connect/token",
    "/connect/par",
    "/connect/authorize",
    "/connect/userinfo",
    "/connect/clientinfo",
    "/connect/revocation",
    "/connect/introspect",
    "/connect/endsession",
    "/Account/Login",
)


@pytest.mark.covers("server.log.preflights")
@pytest.mark.parametrize("path", EMULATED)
def test_a_preflight_is_told_as_what_it_is(sts: Emulator, caplog: pytest.LogCaptureFixture, path: str) -> None:
    answer = sts.transport.send("OPTIONS", path, PREFLIGHT)
    assert "access-control-allow-origin" not in answer.headers, "HelseID wants no tokens in browsers"
    (line,) = caplog.messages
    assert f"refused OPTIONS '{path}'" in line or f"refused {path}, " in line
    assert "rule form.preflight" in line and "http://spa.test:5173" in line
    assert "a page needs a backend" in line


@pytest.mark.covers("server.log.preflights")
def test_the_journal_tells_a_preflight_at_the_token_endpoint(sts: Emulator) -> None:
    assert sts.transport.send("OPTIONS", "/connect/token", PREFLIGHT).rule == "form.preflight"
    (finding,) = sts.journal(limit="1")[0]["findings"]["broken"]
    assert finding["observed"] == "OPTIONS for a page of 'http://spa.test:5173'"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/openid-configuration/jwks"])
def test_what_pages_may_read_is_no_refusal(sts: Emulator, caplog: pytest.LogCaptureFixture, path: str) -> None:
    assert sts.transport.send("OPTIONS", path, {**PREFLIGHT, "Access-Control-Request-Method": "GET"}).status == 200
    assert not caplog.records


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://x.test"}, {"Access-Control-Request-Method": "POST"}])
def test_options_without_a_page_is_no_preflight(sts: Emulator, headers: dict[str, str]) -> None:
    assert sts.transport.send("OPTIONS", "/connect/token", headers).rule == "form.method"


# One server by two names


def _user_info(rp: RelyingParty, token: str, host: str) -> Answer:
    return rp.machine.transport.send("GET", USERINFO, {"Authorization": f"Bearer {token}", "Host": host})


def _resource(rp: RelyingParty, token: str, host: str) -> Answer:
    sent = {"Authorization": f"DPoP {token}", "DPoP": prove(rp.machine, token), "Host": host}
    return rp.machine.transport.send("GET", "/mock/resource", sent)


NAMES = {"userinfo": _user_info, "resource": _resource}


@pytest.mark.covers("addresses.issuer.told")
@pytest.mark.parametrize("where", NAMES)
@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:8080", "localhost:8081"])
def test_a_token_by_another_name_is_told_with_both_names_and_the_settings(
    sts: Emulator, caplog: pytest.LogCaptureFixture, where: str, host: str
) -> None:
    rp = web_client(sts)
    answer = NAMES[where](rp, rp.tokens().json["access_token"], host)
    assert (answer.status, answer.rule) == (401, "access-token.issuer")
    for word in ("http://localhost:8080", f"http://{host}", "MOCK_STS_PUBLIC_URL", "MOCK_STS_ALIASES"):
        assert word in caplog.messages[-1]
    assert "newest token" not in caplog.messages[-1]


def test_what_the_remedy_says_helps(worlds: Worlds) -> None:
    sts = worlds.make(public_url="http://localhost:8080", aliases=("http://127.0.0.1:8080",))
    rp = web_client(sts)
    assert _user_info(rp, rp.tokens().json["access_token"], "127.0.0.1:8080").status == 200


@pytest.mark.covers("addresses.issuer.told")
def test_introspection_by_another_name_is_told(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    machine = sts.client()
    token = machine.token().json["access_token"]
    sent: dict[str, Any] = {"grant_type": ABSENT, "scope": ABSENT, "token": token}
    form = machine.form(machine.assertion(claims={"aud": "http://127.0.0.1:8080"}), sent)
    answer = machine.post(form, headers={"Host": "127.0.0.1:8080"}, path="/connect/introspect")
    assert answer.json == {"active": False}
    assert "the issuer of the token is 'http://localhost:8080'" in caplog.text
    assert "MOCK_STS_ALIASES" in caplog.text
