"""A private key that somebody sends by mistake, wherever it stands: in no journal, no log, no answer and no page."""

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.emulator import Emulator, LiveServer
from tests.support.keys import public_jwk
from tests.support.logins import web
from tests.support.machine import Answer, Machine
from tests.support.relying_party import Login
from tests.support.secret_keys import EC, KEYS, PEM_WITHOUT_SLASH, PLAIN, RSA, WRAPPED, seen_in

#: Forms of a key as one value of JSON.
VALUES: dict[str, Any] = {
    "JWK": EC,
    "JWK, RSA": RSA,
    "JWK set": {"keys": [EC]},
    "in a list": [{"a": [EC]}],
    "without kty": {name: value for name, value in EC.items() if name != "kty"},
    "JSON in a string": json.dumps(EC),
    "JSON in JSON in a string": json.dumps({"key": json.dumps(EC)}),
    "PEM": PLAIN["PKCS #8, EC"],
    "PEM, one segment of a path": PEM_WITHOUT_SLASH,
    "PEM in base64": WRAPPED["in base64"](PLAIN["PKCS #8, EC"]),
}

Send = Callable[[Emulator, Any], Answer]


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def by_machine(send: Callable[[Machine, Any], Answer]) -> Send:
    def with_machine(sts: Emulator, value: Any) -> Answer:
        machine = sts.client()
        machine.learn_nonce()
        return send(machine, value)

    return with_machine


def raw(method: str, path: str, **headers: str) -> Send:
    """A request with the text in path or headers, where {} stands, written for a URL there."""

    def send(sts: Emulator, value: Any) -> Answer:
        text = quote(text_of(value), safe="")
        sent = {name.replace("_", "-"): content.replace("{}", text) for name, content in headers.items()}
        return sts.transport.send(method, path.replace("{}", text), sent)

    return send


def field(path: str, name: str, method: str = "POST") -> Send:
    """A field of a form or a query, beside a client that there is."""

    def send(sts: Emulator, value: Any) -> Answer:
        rp = web(sts, require_pushed_authorization_requests=False)
        form = urlencode({**rp.parameters(Login()), name: text_of(value)})
        if method == "GET":
            return sts.get(f"{path}?{form}")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return sts.transport.send("POST", path, headers, form.encode())

    return send


def in_request_object(sts: Emulator, value: Any) -> Answer:
    rp = web(sts)
    claims = {**rp.parameters(Login()), "sub": rp.machine.client_id, "note": value}
    request = rp.machine.assertion(header={"typ": "oauth-authz-req+jwt", "note": value}, claims=claims)
    form = rp.machine.form(rp.machine.assertion())
    names = ("client_id", "client_assertion_type", "client_assertion")
    return rp.machine.post({**{name: form[name] for name in names}, "request": request}, path="/connect/par")


def by_control(path: str, name: str) -> Send:
    def send(sts: Emulator, value: Any) -> Answer:
        body = json.dumps({name: value}).encode()
        return sts.transport.send("PUT" if "url" in path else "POST", path, {"Content-Type": "application/json"}, body)

    return send


CARRIERS: dict[str, Send] = {
    "assertion, claim": by_machine(lambda m, value: m.token(assertion={"claims": {"my_key": value}})),
    "assertion, header": by_machine(lambda m, value: m.token(assertion={"header": {"my_key": value}})),
    "assertion, kid": by_machine(lambda m, value: m.token(assertion={"header": {"kid": text_of(value)}})),
    "assertion, aud": by_machine(lambda m, value: m.token(assertion={"claims": {"aud": text_of(value)}})),
    "assertion, jti": by_machine(lambda m, value: m.token(assertion={"claims": {"jti": text_of(value)}})),
    "assertion, iss": by_machine(lambda m, value: m.token(assertion={"claims": {"iss": text_of(value)}})),
    "assertion, details": by_machine(lambda m, value: m.token(assertion={"claims": {"assertion_details": value}})),
    "assertion, name": by_machine(lambda m, value: m.token(assertion={"claims": {text_of(value): 1}})),
    "proof, claim": by_machine(lambda m, value: m.token(proof={"claims": {"my_key": value}})),
    "proof, htu": by_machine(lambda m, value: m.token(proof={"claims": {"htu": text_of(value)}})),
    "proof, nonce": by_machine(lambda m, value: m.token(proof={"claims": {"nonce": text_of(value)}})),
    "proof, jwk": by_machine(lambda m, value: m.token(proof={"header": {"jwk": value}})),
    "proof, other header": by_machine(lambda m, value: m.token(proof={"header": {"my_jwk": value}})),
    "form, client_id": by_machine(lambda m, value: m.token(form={"client_id": text_of(value)})),
    "form, scope": by_machine(lambda m, value: m.token(form={"scope": text_of(value)})),
    "form, grant_type": by_machine(lambda m, value: m.token(form={"grant_type": text_of(value)})),
    "form, resource": by_machine(lambda m, value: m.token(form={"resource": text_of(value)})),
    "form, assertion": by_machine(lambda m, value: m.token(form={"client_assertion": text_of(value)})),
    "form, name": by_machine(lambda m, value: m.token(form={text_of(value): "x"})),
    "form, unknown": by_machine(lambda m, value: m.token(form={"private_key": text_of(value)})),
    "DPoP header": by_machine(lambda m, value: m.post(m.form(m.assertion()), proof=quote(text_of(value)))),
    "Basic": raw("POST", "/connect/token", Authorization="Basic {}"),
    "Bearer": raw("GET", "/connect/userinfo", Authorization="Bearer {}"),
    "Host": raw("GET", "/.well-known/openid-configuration", Host="{}"),
    "Origin": raw("OPTIONS", "/connect/token", Origin="{}", Access_Control_Request_Method="POST"),
    "content type": raw("POST", "/connect/token", Content_Type="{}"),
    "cookie": raw("GET", "/Account/Login", Cookie="a={}; b={}"),
    "path": raw("GET", "/connect/{}"),
    "our path": raw("GET", "/mock/as/{}"),
    "query": raw("GET", "/nothing?key={}"),
    "journal": raw("GET", "/mock/api/v1/journal?rule={}"),
    "journal, name": raw("GET", "/mock/api/v1/journal?{}=1"),
    "public URL": by_control("/mock/api/v1/public-url", "url"),
    "next login": by_control("/mock/api/v1/next-login", "persona"),
    "request object": in_request_object,
    **{
        f"authorize, {name}": field("/connect/authorize", name)
        for name in ("client_id", "redirect_uri", "scope", "acr_values", "login_hint", "prompt", "ui_locales", "claims")
    },
    "authorize, query": field("/connect/authorize", "redirect_uri", "GET"),
    "authorize, request_uri": field("/connect/authorize", "request_uri"),
    "end session, hint": field("/connect/endsession", "id_token_hint"),
    "end session, URI": field("/connect/endsession", "post_logout_redirect_uri"),
    "revocation": field("/connect/revocation", "token"),
}


@pytest.mark.covers("server.private-keys")
@pytest.mark.parametrize("carrier", CARRIERS)
def test_it_is_in_no_journal_log_or_answer(sts: Emulator, caplog: pytest.LogCaptureFixture, carrier: str) -> None:
    caplog.set_level(logging.DEBUG, "mock_sts")
    for name, value in VALUES.items():
        answer = CARRIERS[carrier](sts, value)
        assert answer.status < 500
        assert seen_in(answer.content.decode("utf-8", "replace")) == [], name
        location = answer.headers.get("location", "")
        if location.startswith("/home/error"):
            assert seen_in(sts.get(location).content.decode()) == [], name
        assert seen_in(sts.get("/mock/api/v1/journal").content.decode()) == [], name
        with sts.store.reading() as connection:
            rows = connection.all("SELECT * FROM journal")
        assert seen_in(repr(rows)) == [], name
        assert seen_in(caplog.text) == [], name


@pytest.mark.parametrize("kind", [kind for kind in KEYS if kind != "oct"])
def test_the_public_part_stays(sts: Emulator, machine: Machine, kind: str) -> None:
    machine.learn_nonce()
    machine.token(assertion={"claims": {"my_key": KEYS[kind], "note": "kept"}})
    shown = sts.journal()[0]["detail"]["client_assertion"]["claims"]
    assert shown["my_key"] == public_jwk(KEYS[kind])
    assert shown["note"] == "kept"


def test_a_traceback_shows_none(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    text = PLAIN["PKCS #8, RSA"]
    try:
        raise ValueError(f"cannot use {text}")
    except ValueError:
        logging.getLogger("mock_sts").exception("failed with %s", text)
    assert "Traceback" in caplog.text and "failed with -----BEGIN" in caplog.text
    assert seen_in(caplog.text) == []


def test_the_log_of_a_server_that_runs_shows_none(tmp_path: Any) -> None:
    server = LiveServer(tmp_path, log_requests="true")
    try:
        for name in ("PKCS #8, EC", "JWK, EC", "YAML"):
            for way in ("for a URL", "in base64"):
                text = quote(WRAPPED[way](PLAIN[name]), safe="")
                server.transport.send("GET", f"/nothing/{text}?a={text}")
                server.transport.send("GET", f"/connect/authorize?client_id={text}&redirect_uri={text}")
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                server.transport.send("POST", "/connect/token", form, f"client_id={text}&scope={text}".encode())
    finally:
        server.stop()
    log = server.log.read_text(encoding="utf-8")
    assert log.count("/nothing/") >= 6 and log.count("/connect/token") >= 6
    assert seen_in(log) == []
