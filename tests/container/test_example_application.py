"""The application and the API of compose.yaml, against a live server: they work, and the API lets nobody else in."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from examples.compose import api, app
from mock_sts.protocol.jose import import_public_key
from tests.support.emulator import LiveServer, free_port
from tests.support.keys import Jwk, private_jwk
from tests.support.machine import ABSENT, Machine
from tests.support.relying_party import PERSON, REDIRECT_URI

AUDIENCE, SCOPE = "mock:demo-api", "mock:demo-api/read"


@pytest.fixture(scope="module")
def guard(live: LiveServer) -> api.Guard:
    return api.Guard(live.issuer, AUDIENCE, SCOPE)


@pytest.fixture(scope="module")
def api_url(guard: api.Guard) -> Iterator[str]:
    port = free_port()
    server = make_server("127.0.0.1", port, api.web(guard), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{port}/greeting"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def configuration(live: LiveServer, api_url: str, tmp_path: Path) -> app.Configuration:
    scope = f"openid profile helseid://scopes/identity/pid {SCOPE}"
    client = live.client(
        f"example-{secrets.token_hex(4)}",
        jwk={**private_jwk("PS256", bits=2048), "kid": "example"},
        grant_types=["authorization_code"],
        scope=scope,
        redirect_uris=[REDIRECT_URI],
    )
    key = tmp_path / "key.json"
    key.write_text(json.dumps(client.jwk))
    return app.Configuration(live.issuer, client.client_id, str(key), REDIRECT_URI, scope, PERSON, api_url)


def test_it_logs_a_person_in_and_calls_the_api(configuration: app.Configuration) -> None:
    outcome = app.log_in_and_call(configuration)
    assert (outcome.ok, outcome.error) == (True, "")
    assert outcome.id_token["helseid://claims/identity/pid"] == PERSON
    assert outcome.access_token["aud"] == AUDIENCE
    assert outcome.api_answer["client"] == configuration.client_id
    assert outcome.steps[-1] == f"called {configuration.api_url}"


def test_its_page_and_its_health_show_what_happened(configuration: app.Configuration) -> None:
    failed = app.log_in_and_call(replace(configuration, redirect_uri="http://localhost:8089/elsewhere"))
    assert not failed.ok
    assert "rule" in failed.error
    browser = app.web(configuration, failed).test_client()
    assert browser.get("/health/ready").status_code == 503
    assert "it did not work" in browser.get("/").text
    assert "invalid_request" in browser.get("/").text
    assert browser.post("/login").status_code == 303
    assert browser.get("/health/ready").status_code == 200
    assert "it worked" in browser.get("/").text
    assert browser.get("/outcome.json").json["steps"]  # type: ignore[index]


@pytest.mark.parametrize(("test_pid", "status"), [(PERSON, 0), ("not a pid", 1)])
def test_once_ends_with_a_status(
    configuration: app.Configuration,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    test_pid: str,
    status: int,
) -> None:
    for name in app.Configuration.__dataclass_fields__:
        monkeypatch.setenv(name.upper(), getattr(replace(configuration, test_pid=test_pid), name))
    assert app.main(["once"]) == status
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is (status == 0)
    assert bool(printed["error"]) is (status == 1)


def test_an_answer_for_another_login_is_refused(
    configuration: app.Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = app._redirect_parameters
    monkeypatch.setattr(app, "_redirect_parameters", lambda *given: {**genuine(*given), "state": "another"})
    assert "belongs to another login" in app.log_in_and_call(configuration).error


class Caller:
    """A correct caller of the API, whose every property can be turned."""

    def __init__(self, guard: api.Guard, machine: Machine) -> None:
        self.guard, self.machine = guard, machine
        self.token = str(machine.token().json["access_token"])

    def call(self, claims: Any = None, header: Any = None, jwk: Jwk | None = None, **turned: Any) -> dict[str, Any]:
        token = turned.get("token", self.token)
        ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        usual = {"htm": "GET", "htu": "http://api/greeting", "ath": ath, "nonce": ABSENT}
        proof = turned.get("proof") or self.machine.proof(claims={**usual, **(claims or {})}, header=header, jwk=jwk)
        guard = turned.get("guard", self.guard)
        found: dict[str, Any] = guard.let_in(f"{turned.get('scheme', 'DPoP')} {token}", proof, "GET", usual["htu"])
        return found


@pytest.fixture(scope="module")
def caller(live: LiveServer, guard: api.Guard) -> Caller:
    machine = live.client(f"caller-{secrets.token_hex(4)}", scope=SCOPE)
    machine.scope = SCOPE
    return Caller(guard, machine)


def test_the_api_lets_a_correct_caller_in(caller: Caller) -> None:
    assert caller.call()["client_id"] == caller.machine.client_id


#: Keys that prove, as private_jwk makes them: all nine algorithms, short and long.
PROOF_KEYS = [
    *((alg, 4, 0) for alg in ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    ("PS256", 1, 2048),
    ("RS256", 0, 4096),
]


@pytest.mark.parametrize("key", PROOF_KEYS, ids=lambda key: f"{key[0]} {key[2] or ''}")
def test_the_api_takes_every_key_that_helseid_takes(
    live: LiveServer, guard: api.Guard, key: tuple[str, int, int]
) -> None:
    """A proof with an RSA key has a header of 800 characters and more, for it holds the key."""
    machine = live.client(f"caller-{secrets.token_hex(4)}", scope=SCOPE)
    machine.scope, machine.proof_jwk = SCOPE, private_jwk(*key)
    assert Caller(guard, machine).call()["cnf"]["jkt"] == import_public_key(machine.proof_jwk).thumbprint


@pytest.mark.filterwarnings("ignore:Key size")
def test_the_api_takes_no_short_rsa_key(caller: Caller) -> None:
    with pytest.raises(api.UnauthorizedError, match="fewer than 2048 bits"):
        caller.call(jwk=private_jwk("PS256", 0, bits=1024))


def altered(token: str) -> str:
    """``token`` with another claim under the same signature."""
    header, _, signature = token.split(".")
    payload = base64.urlsafe_b64encode(b'{"iss":"x"}').rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


@pytest.mark.parametrize(
    ("turn", "says"),
    [
        (lambda c: {"scheme": "Bearer"}, "an access token is needed"),
        (lambda c: {"token": ""}, "an access token is needed"),
        (lambda c: {"token": "rubbish"}, "Error"),
        (lambda c: {"token": altered(c.token)}, "BadSignature"),
        (lambda c: {"token": c.machine.assertion()}, "InvalidKeyId"),
        (lambda c: {"guard": replace(c.guard, audience="another:api")}, "aud"),
        (lambda c: {"guard": replace(c.guard, authority=c.guard.authority.replace("localhost", "127.0.0.1"))}, "iss"),
        (lambda c: {"guard": replace(c.guard, scope="mock:demo-api/write")}, "mock:demo-api/write is needed"),
        (lambda c: {"proof": "rubbish"}, "Error"),
        (lambda c: {"proof": c.token}, "a DPoP proof is needed"),
        (lambda c: {"claims": {"htm": "POST"}}, "the proof is for POST"),
        (lambda c: {"claims": {"htu": "http://api/other"}}, "the proof is for GET http://api/other"),
        (lambda c: {"claims": {"iat": 1}}, "too old"),
        (lambda c: {"claims": {"iat": ABSENT}}, "iat"),
        (lambda c: {"claims": {"ath": "x"}}, "another token"),
        (lambda c: {"jwk": private_jwk("ES256", 9)}, "bound to another key"),
        (lambda c: {"jwk": private_jwk("PS256", 9, bits=2048)}, "bound to another key"),
        (lambda c: {"header": {"jwk": private_jwk("ES256", 2)}}, "no public EC or RSA key"),
        (lambda c: {"header": {"jwk": ABSENT}}, "jwk"),
    ],
)
def test_the_api_lets_nobody_else_in(caller: Caller, turn: Callable[[Caller], dict[str, Any]], says: str) -> None:
    with pytest.raises(api.UnauthorizedError) as refused:
        caller.call(**turn(caller))
    assert says in str(refused.value)


def test_the_api_takes_a_proof_once(caller: Caller) -> None:
    caller.call(claims={"jti": "the same"})
    with pytest.raises(api.UnauthorizedError, match="used before"):
        caller.call(claims={"jti": "the same"})


# The path that takes Bearer


@pytest.fixture(scope="module")
def bearer(live: LiveServer) -> Machine:
    machine = live.client(f"bearer-{secrets.token_hex(4)}", scope=SCOPE, dpop_bound_access_tokens=False)
    machine.scope = SCOPE
    return machine


def bearer_token(machine: Machine) -> str:
    answer = machine.post(machine.form(machine.assertion()))
    assert answer.json["token_type"] == "Bearer"
    return str(answer.json["access_token"])


@pytest.mark.covers("example.api.bearer")
def test_each_sort_of_token_is_let_in_at_its_own_path_alone(guard: api.Guard, caller: Caller, bearer: Machine) -> None:
    web = api.web(guard).test_client()
    unbound = bearer_token(bearer)
    good = web.get("/bearer-greeting", headers={"Authorization": f"Bearer {unbound}"})
    assert (good.status_code, good.get_json()["client"]) == (200, bearer.client_id)
    assert web.get("/bearer-greeting", headers={"Authorization": f"bearer {unbound}"}).status_code == 200

    def refused(path: str, authorization: str, says: str, proof: str = "") -> None:
        answer = web.get(path, headers={"Authorization": authorization, "DPoP": proof}, base_url="http://api")
        assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_token")
        assert says in answer.get_json()["error_description"]
        begins = "DPoP" if path == "/greeting" else "Bearer"
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith(f'{begins} error="invalid_token"')
        assert ("algs=" in challenge) is (begins == "DPoP")

    # A bound token is no Bearer token, whatever scheme it comes by.
    refused("/bearer-greeting", f"Bearer {caller.token}", "the token is bound to a key")
    refused("/bearer-greeting", f"DPoP {caller.token}", "Authorization: Bearer", proof_for(caller, "/bearer-greeting"))
    # And the other way round.
    refused("/greeting", f"Bearer {unbound}", "Authorization: DPoP")
    refused("/greeting", f"DPoP {unbound}", "cnf", proof_for(caller, "/greeting", unbound))
    refused("/greeting", f"Bearer {caller.token}", "Authorization: DPoP", proof_for(caller, "/greeting"))
    # Nothing at all.
    refused("/bearer-greeting", "", "an access token is needed")
    refused("/bearer-greeting", "Bearer", "an access token is needed")
    refused("/bearer-greeting", f"Bearer {altered(unbound)}", "BadSignature")


def proof_for(caller: Caller, path: str, token: str = "") -> str:
    ath = base64.urlsafe_b64encode(hashlib.sha256((token or caller.token).encode()).digest()).rstrip(b"=").decode()
    return caller.machine.proof(claims={"htm": "GET", "htu": f"http://api{path}", "ath": ath, "nonce": ABSENT})


@pytest.mark.covers("example.api.bearer")
def test_the_bearer_path_wants_the_scope_too(guard: api.Guard, bearer: Machine) -> None:
    web = api.web(replace(guard, scope="mock:demo-api/write")).test_client()
    answer = web.get("/bearer-greeting", headers={"Authorization": f"Bearer {bearer_token(bearer)}"})
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'


def test_the_api_says_why(guard: api.Guard) -> None:
    answer = api.web(guard).test_client().get("/greeting")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('DPoP error="invalid_token"')
    assert api.web(guard).test_client().get("/health/ready").status_code == 200
