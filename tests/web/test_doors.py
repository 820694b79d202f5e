"""A request gets the same bytes by the direct door and by that of the framework, faults included."""

import re
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import pytest

from mock_sts.web import direct
from tests.support.emulator import Emulator
from tests.support.logins import web
from tests.support.machine import ABSENT, Answer, Machine
from tests.support.relying_party import PERSON, Login

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN, PAR, USERINFO, AUTHORIZE = "/connect/token", "/connect/par", "/connect/userinfo", "/connect/authorize"
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/.well-known/openid-configuration/jwks"

Send = Callable[[Emulator], Answer]


def sent(method: str, path: str, headers: Mapping[str, str] = FORM, body: bytes = b"") -> Send:
    return lambda sts: sts.transport.send(method, path, headers, body)


def machine_of(sts: Emulator) -> Machine:
    machine = sts.client("doors")
    machine.learn_nonce()
    return machine


def pushed(sts: Emulator) -> Answer:
    rp = web(sts, client_id="doors-web")
    form = rp.machine.form(rp.machine.assertion())
    names = ("client_id", "client_assertion_type", "client_assertion")
    return rp.machine.post({**rp.parameters(Login()), **{name: form[name] for name in names}}, path=PAR)


def authorized(method: str = "GET", **more: str) -> Send:
    def send(sts: Emulator) -> Answer:
        rp = web(sts, client_id="doors-web", require_pushed_authorization_requests=False)
        query = urlencode({**rp.parameters(Login(state="s", nonce="n", verifier="v" * 43)), **more})
        if method == "POST":
            return sts.transport.send("POST", AUTHORIZE, FORM, query.encode())
        return sts.transport.send(method, f"{AUTHORIZE}?{query}")

    return send


#: What is sent, by what is the matter with it.
REQUESTS: dict[str, Send] = {
    "a token": lambda sts: machine_of(sts).token(),
    "a challenge": lambda sts: machine_of(sts).post(
        (m := sts.client("challenged")).form(m.assertion()), proof=m.proof(claims={"nonce": ABSENT})
    ),
    "a wrong signature": lambda sts: machine_of(sts).token(assertion={"claims": {"aud": "https://elsewhere.test"}}),
    "a wrong proof": lambda sts: machine_of(sts).token(proof={"claims": {"htm": "GET"}}),
    "two proofs": lambda sts: sts.transport.send("POST", TOKEN, [*FORM.items(), ("DPoP", "a"), ("DPoP", "b")], b"a=b"),
    "no form": sent("POST", TOKEN, {"Content-Type": "application/json"}, b"{}"),
    "no type": sent("POST", TOKEN, {}, b"grant_type=client_credentials"),
    "odd bytes": sent("POST", TOKEN, FORM, b"a=%ff&b=\xff"),
    "a name twice": sent("POST", TOKEN, FORM, b"scope=a&scope=b"),
    "parameters in the URL": sent("POST", f"{TOKEN}?grant_type=client_credentials", FORM, b""),
    "a long body": sent("POST", TOKEN, FORM, b"a" * 300_000),
    "a pushed request": pushed,
    "a pushed request of nobody": sent("POST", PAR, FORM, urlencode({"client_id": "nobody-here"}).encode()),
    "userinfo without a token": sent("GET", USERINFO, {}),
    "userinfo by a form": sent("POST", USERINFO, FORM, b"access_token=abc"),
    "userinfo with a bad token": sent("GET", USERINFO, {"Authorization": "DPoP abc", "DPoP": "abc"}),
    "discovery": sent("GET", DISCOVERY, {}),
    "keys": sent("GET", KEYS, {"Origin": "https://app.test"}),
    "a nonce": sent("GET", "/mock/dpop-nonce", {}),
    "health": sent("GET", "/health/live", {}),
    "readiness of an unknown host": sent("GET", "/health/ready", {"Host": "helseid-sts.nhn.no"}),
    "health of an unknown environment": sent("GET", "/env/nobodys/health/ready", {}),
    "an unknown host": sent("GET", DISCOVERY, {"Host": "helseid-sts.nhn.no"}),
    "a host that is none": sent("POST", TOKEN, {**FORM, "Host": "a b"}, b"a=b"),
    "an unknown environment": sent("POST", f"/env/nobodys{TOKEN}", FORM, b"a=b"),
    "a login": authorized(),
    "a login that is scripted": authorized(test_pid=PERSON),
    "the same by a form": authorized("POST", test_pid=PERSON, response_mode="form_post"),
    "a login of a stranger": authorized(test_pid="nobody"),
    "a login that fails": authorized(login_hint="outcome:access_denied"),
    "a login without a redirect address": authorized(redirect_uri="https://elsewhere.test/"),
    "a login by JSON": sent("POST", AUTHORIZE, {"Content-Type": "application/json"}, b"{}"),
    "a login by HEAD": authorized("HEAD"),
    "a login with a broken escape": sent("GET", f"{AUTHORIZE}?client_id=%ff", {}),
    "a login that is over": sent("GET", "/connect/authorize/callback?request_uri=urn:x", {"Cookie": "a=\xff; b"}),
    "other letters": sent("POST", "/Connect/Token", FORM, b"grant_type=x"),
    "a page that asks": sent("POST", TOKEN, {**FORM, "Origin": "https://app.test"}, b"grant_type=x"),
}

#: What is different each time: tokens, their ids, nonces, request_uris, the ids of unexpected errors, codes, sessions,
#: what is sealed for the error page, and the time that an answer took.
_EACH_TIME = re.compile(
    rb"eyJ[\w.-]+|urn:ietf:params:oauth:request_uri:[\w:.-]+|CfDJ8[\w-]+|error [0-9a-f]{8};|dur=[\d.]+|"
    rb"(?<=/mock/journal/)\d+|errorId=[\w-]+|[\w-]{43}\.[0-9A-F]{32}|(?:%3D)?[0-9A-F]{32,64}(?:-1)?|(?<=-default=)[\w-]{43}"
)


def seen(sts: Emulator, send: Send) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers in their order, and body, without what is different each time."""
    answer = send(sts)
    headers = [(name, _EACH_TIME.sub(b"...", value.encode()).decode()) for name, value in answer.headers.items()]
    lengths = [(n, "..." if n == "content-length" and _EACH_TIME.search(answer.content) else v) for n, v in headers]
    return answer.status, lengths, _EACH_TIME.sub(b"...", answer.content)


@pytest.mark.covers("server.doors")
@pytest.mark.parametrize("name", REQUESTS)
def test_both_doors_answer_alike(sts: Emulator, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    by_direct = seen(sts, REQUESTS[name])
    monkeypatch.setattr(direct, "DIRECT", {})
    assert seen(sts, REQUESTS[name]) == by_direct


@pytest.mark.covers("server.doors")
def test_what_is_unexpected_is_answered_alike(
    sts: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"broken {secrets.token_hex(2)}")

    monkeypatch.setattr("mock_sts.services.metadata._discovery", fail)
    by_direct = seen(sts, REQUESTS["discovery"])
    monkeypatch.setattr(direct, "DIRECT", {})
    assert by_direct[0] == 500
    assert seen(sts, REQUESTS["discovery"]) == by_direct
    assert caplog.text.count("RuntimeError: broken") == 2, "each has its traceback in the log"


@pytest.mark.parametrize("path", list(direct.DIRECT))
def test_the_direct_door_is_taken(sts: Emulator, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only for the methods that the endpoint has."""

    def fail(*_: object) -> None:
        raise AssertionError("the framework was asked")

    methods, _ = direct.DIRECT[path]
    expected = {method: sts.transport.send(method, path, FORM).status for method in (*methods, "DELETE")}
    monkeypatch.setattr(sts.app, "full_dispatch_request", fail)
    for method in methods:
        assert sts.transport.send(method, path, FORM).status == expected[method]
    assert sts.transport.send("DELETE", path, FORM).status == 500
