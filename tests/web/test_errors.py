"""Refusals of the token endpoint in HelseID's form, and the errors that HelseID has no form for."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Response

from mock_sts.helseid.endpoints import Endpoint
from tests.helseid.login_cases import WEB
from tests.support.emulator import Emulator, Worlds
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, ASSERTION_TYPE, Answer, Machine

Breach = Callable[[Machine], Answer]


@dataclass(frozen=True)
class Refusal:
    """A breach, and the body that it earns. ``members`` change the registration."""

    error: str
    description: str | None
    breach: Breach
    members: dict[str, Any] = field(default_factory=dict)


def form(**changes: Any) -> Breach:
    return lambda machine: machine.token(form=changes)


def _get(machine: Machine) -> Answer:
    return machine.transport.send("GET", "/connect/token")


def _json_body(machine: Machine) -> Answer:
    return machine.post(b"{}", headers={"Content-Type": "application/json"})


def _replayed(machine: Machine) -> Answer:
    machine.learn_nonce()
    body = machine.form(machine.assertion())
    assert machine.post(body, proof=machine.proof()).status == 200
    return machine.post(body, proof=machine.proof())


def _basic(machine: Machine) -> Answer:
    credentials = base64.b64encode(f"{machine.client_id}:secret".encode()).decode()
    nothing = {"client_assertion": ABSENT, "client_assertion_type": ABSENT}
    return machine.token(form=nothing, headers={"Authorization": f"Basic {credentials}"})


#: One for each error code that the grants of today can earn.
REFUSALS = {
    "invalid_request": Refusal(
        "invalid_request",
        "Client requires DPoP and a DPoP header value was not provided.",
        lambda machine: machine.post(machine.form(machine.assertion())),
    ),
    "invalid_request without words": Refusal("invalid_request", None, _get),
    "invalid_client": Refusal("invalid_client", None, form(client_assertion="a.b.c")),
    "unauthorized_client": Refusal("unauthorized_client", None, form(), {"grant_types": ["authorization_code"]}),
    "unsupported_grant_type": Refusal("unsupported_grant_type", None, form(grant_type="password")),
    "invalid_scope": Refusal("invalid_scope", None, form(scope="test:api/not-allowed")),
    "invalid_target": Refusal("invalid_target", "Invalid resource indicator.", form(resource="test:unheard-of")),
    "invalid_dpop_proof": Refusal(
        "invalid_dpop_proof",
        "Malformed DPoP token.",
        lambda machine: machine.post(machine.form(machine.assertion()), proof="nonsense"),
    ),
    "use_dpop_nonce": Refusal("use_dpop_nonce", "Missing 'nonce' value.", lambda machine: machine.meet_challenge()),
}


@pytest.fixture(params=REFUSALS, name="refused")
def _refused(request: pytest.FixtureRequest, sts: Emulator) -> tuple[Refusal, Answer]:
    refusal = REFUSALS[request.param]
    return refusal, refusal.breach(sts.client(**refusal.members))


@pytest.mark.covers("contract.56")
@pytest.mark.covers("errors.status-and-content-type")
def test_a_refusal_has_status_400_and_a_json_body(refused: tuple[Refusal, Answer]) -> None:
    refusal, answer = refused
    assert answer.status == 400
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.error == refusal.error


@pytest.mark.covers("contract.56", "contract.57")
@pytest.mark.covers("errors.body")
def test_a_refusal_is_an_error_and_perhaps_a_description(refused: tuple[Refusal, Answer]) -> None:
    refusal, answer = refused
    members = json.loads(answer.content, object_pairs_hook=list)
    expected = [("error", refusal.error)]
    if refusal.description is not None:
        expected.append(("error_description", refusal.description))
    assert members == expected


@pytest.mark.covers("contract.56")
@pytest.mark.covers("errors.cache-headers")
def test_nobody_keeps_a_refusal(refused: tuple[Refusal, Answer]) -> None:
    headers = refused[1].headers
    assert headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert headers["pragma"] == "no-cache"


@pytest.mark.covers("contract.27")
@pytest.mark.covers("errors.invalid-client.body", "errors.invalid-client.no-www-authenticate")
@pytest.mark.parametrize(
    ("breach", "members"),
    [
        pytest.param(form(client_assertion=ABSENT, client_assertion_type=ABSENT), {}, id="no assertion"),
        pytest.param(form(client_assertion="a.b.c"), {}, id="unreadable"),
        pytest.param(lambda m: m.token(assertion={"claims": {"sub": "stranger"}}), {}, id="unknown client"),
        pytest.param(lambda m: m.token(assertion={"jwk": private_jwk("ES256", 8)}), {}, id="wrong key"),
        pytest.param(lambda m: m.token(assertion={"alg": "none"}), {}, id="unsigned"),
        pytest.param(lambda m: m.token(assertion={"claims": {"aud": "https://x.test"}}), {}, id="wrong audience"),
        pytest.param(lambda m: m.token(assertion={"lifetime": -400}), {}, id="expired"),
        pytest.param(_replayed, {"enforcement": "strict"}, id="replayed"),
        pytest.param(_basic, {}, id="secret in a Basic header"),
        pytest.param(form(client_secret="secret"), {}, id="secret beside the assertion"),
        pytest.param(form(), {"keys": []}, id="no key registered"),
        pytest.param(
            form(),
            {"keys": [private_jwk("PS256", 0, 1024)], "jwk": private_jwk("PS256", 0, 1024)},
            id="key too short",
        ),
    ],
)
def test_invalid_client_never_says_why(sts: Emulator, breach: Breach, members: dict[str, Any]) -> None:
    answer = breach(sts.client(**members))
    assert (answer.status, answer.content) == (400, b'{"error":"invalid_client"}')
    assert "www-authenticate" not in answer.headers


@pytest.mark.covers("errors.invalid-request.no-description")
@pytest.mark.parametrize(
    "breach",
    [
        pytest.param(_get, id="method"),
        pytest.param(_json_body, id="content type"),
        pytest.param(
            form(client_id=ABSENT, client_assertion=ABSENT, client_assertion_type=ABSENT), id="no credentials"
        ),
    ],
)
def test_invalid_request_may_be_without_description(machine: Machine, breach: Breach) -> None:
    answer = breach(machine)
    assert (answer.status, answer.content) == (400, b'{"error":"invalid_request"}')


@pytest.mark.covers("errors.grant-and-scope.no-description")
@pytest.mark.parametrize(
    ("error", "breach", "members"),
    [
        ("unauthorized_client", form(), {"grant_types": ["authorization_code"]}),
        ("unsupported_grant_type", form(grant_type=ABSENT), {}),
        ("unsupported_grant_type", form(grant_type="password"), {}),
        ("invalid_scope", form(scope="test:api/not-allowed"), {}),
        ("invalid_scope", form(scope="openid"), {"scope": ["openid"]}),
        ("invalid_scope", form(scope=ABSENT), {"scope": []}),
    ],
)
def test_errors_of_grant_and_scope_have_no_description(
    sts: Emulator, error: str, breach: Breach, members: dict[str, Any]
) -> None:
    answer = breach(sts.client(**members))
    assert (answer.status, answer.content) == (400, f'{{"error":"{error}"}}'.encode())


# What HelseID has no form for


def assert_plain_error(answer: Answer, status: int, error: str) -> None:
    """An OAuth-shaped error with something to read for the developer."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert list(answer.json) == ["error", "error_description"]
    assert answer.error == error
    assert answer.description


@pytest.mark.parametrize("path", ["/nothing", "/connect/nothing", "/connect/token/", "/connect//token", "/mock/x"])
def test_an_unknown_path_is_a_404_in_json(sts: Emulator, path: str) -> None:
    assert_plain_error(sts.get(path), 404, "invalid_request")


@pytest.mark.covers("errors.unknown-path")
@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/conect/token", ["did you mean /connect/token?"]),
        ("/connect/token/", ["did you mean /connect/token?"]),
        (
            "/auth/realms/x/protocol",
            [f"{Endpoint.DISCOVERY}, ", "/connect/par, ", "/connect/userinfo"],
        ),
        ("/v9/nothing-of-the-kind", ["/connect/token, "]),
        ("/mock/api/v1/quite-otherwise", ["/mock/api/v1/journal, ", "/mock/api/v1/next-login, "]),
        ("/mock/api/v1/jurnal", ["did you mean /mock/api/v1/journal?"]),
    ],
)
def test_an_unknown_path_answers_with_what_is_there(sts: Emulator, path: str, there: list[str]) -> None:
    answer = sts.get(path)
    text = answer.json["detail"] if path.startswith("/mock/api/") else (answer.description or "")
    assert answer.status == 404 and text.startswith("no such path; ")
    assert all(name in text for name in there)
    assert ("/mock/" in text) is path.startswith("/mock/")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/.well-known/openid-configuration/jwks", "/connect/expiredjwks"]
)
def test_documents_can_only_be_read(sts: Emulator, method: str, path: str) -> None:
    answer = sts.transport.send(method, path)
    assert (answer.status, answer.content) == (405, b"")
    assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", ")) <= {"GET", "HEAD", "OPTIONS"}


@pytest.mark.covers("errors.bodiless")
@pytest.mark.parametrize("path", sorted(set(Endpoint) - {Endpoint.TOKEN}))
def test_a_wrong_method_at_an_endpoint_of_helseid_has_no_body(sts: Emulator, path: str) -> None:
    """The token endpoint alone answers one as an OAuth error."""
    answer = sts.transport.send("DELETE", path)
    assert (answer.status, answer.content) == (405, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["allow"]
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"


@pytest.mark.parametrize("path", ["/mock/dpop-nonce", "/mock/style.css", "/health/live"])
def test_a_wrong_method_at_an_address_of_ours_says_so(sts: Emulator, path: str) -> None:
    assert_plain_error(sts.transport.send("DELETE", path), 405, "invalid_request")


@pytest.mark.parametrize(("settings", "limit"), [({}, 262_144), ({"max_body": 4096}, 4096)], ids=["usual", "set"])
def test_a_body_over_the_limit_is_a_413_in_json(worlds: Worlds, settings: dict[str, Any], limit: int) -> None:
    machine = worlds.make(**settings).client()
    assert machine.post(b"x=" + b"y" * (limit - 2)).rule == "client-assertion.credentials"
    assert_plain_error(machine.post(b"x=" + b"y" * (limit - 1)), 413, "invalid_request")


def test_an_unexpected_error_tells_nothing_but_where_to_look(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Response:
        raise RuntimeError("the secret is a walrus")

    sts.app.view_functions["login.available_idps"] = broken
    answer = sts.get("/connect/availableidps")
    assert_plain_error(answer, 500, "server_error")
    assert b"walrus" not in answer.content
    assert answer.description is not None
    mark = answer.description.split()[2].rstrip(";")
    assert f"unexpected error {mark} at '/connect/availableidps'" in caplog.text
    assert "the secret is a walrus" in caplog.text


def test_a_database_that_cannot_be_used_is_a_503_in_json(sts: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    with sts.store.writing() as transaction:
        transaction.execute("DROP TABLE revision")
    answer = sts.get("/health/ready")
    assert_plain_error(answer, 503, "server_error")
    told = "the file is empty, of another version, or another program's"
    assert answer.description == f"The database cannot be used: {told}; see the log."
    assert f"{told} (no such table: revision); put back the one that was there, or remove it" in caplog.text


# The sign on every response

RESPONSES: dict[str, tuple[int, Callable[[Emulator], Answer]]] = {
    "document": (200, lambda sts: sts.get("/.well-known/openid-configuration")),
    "keys": (200, lambda sts: sts.get("/.well-known/openid-configuration/jwks")),
    "token": (200, lambda sts: sts.client().token()),
    "challenge": (400, lambda sts: sts.client().meet_challenge()),
    "refusal": (400, lambda sts: sts.client().token(form={"scope": "x"})),
    "nonce": (204, lambda sts: sts.get("/mock/dpop-nonce")),
    "health": (200, lambda sts: sts.get("/health/live")),
    "journal": (200, lambda sts: sts.get("/mock/api/v1/journal")),
    "problem": (403, lambda sts: sts.get("/mock/api/v1/journal", {"Origin": "https://x.test"})),
    "unknown host": (400, lambda sts: sts.get("/connect/expiredjwks", {"Host": "x.test"})),
    "unknown path": (404, lambda sts: sts.get("/nothing")),
    "wrong method": (405, lambda sts: sts.transport.send("POST", "/.well-known/openid-configuration")),
    "too long": (413, lambda sts: sts.machine("machine", private_jwk()).post(b"x" * 300_000)),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_every_response_says_that_this_is_not_helseid(sts: Emulator, name: str) -> None:
    status, ask = RESPONSES[name]
    answer = ask(sts)
    assert answer.status == status
    assert answer.headers["mock-sts"].startswith("emulator ")
    assert answer.headers["mock-sts"].endswith("not HelseID")


@pytest.mark.parametrize(("name", "rule"), [("refusal", "scope.allowed"), ("challenge", "dpop.nonce"), ("token", None)])
def test_the_rule_that_was_broken_rides_in_a_header(sts: Emulator, name: str, rule: str | None) -> None:
    assert RESPONSES[name][1](sts).rule == rule


#: A wrong key, by what it is signed with and the kid that came; and what the explanation says of it.
WRONG_KEYS: dict[str, tuple[dict[str, Any], str]] = {
    "another client's": ({"jwk": {**private_jwk("ES256", 8), "kid": "of-other"}}, "the kid 'of-other', a key of other"),
    "another client's kid": ({"jwk": private_jwk("ES256", 6), "header": {"kid": "of-other"}}, "a key of other"),
    "nobody's": ({"jwk": {**private_jwk("ES256", 8)}, "header": {"kid": "odd"}}, "it came with the kid 'odd'"),
    "one without a kid": ({"jwk": private_jwk("ES256", 6), "header": {"kid": ABSENT}}, "it came without a kid"),
    "its own kid": ({"jwk": private_jwk("ES256", 6), "header": {"kid": "mine"}}, "it came with the kid 'mine'"),
    "a long kid": ({"jwk": private_jwk("ES256", 6), "header": {"kid": "k" * 200}}, f"the kid '{'k' * 60}…'"),
}


@pytest.mark.covers("errors.wrong-key")
@pytest.mark.parametrize("case", WRONG_KEYS)
@pytest.mark.parametrize("carrier", ["assertion", "request object"])
def test_a_wrong_key_is_told_by_its_kid_and_by_whose_it_is(sts: Emulator, carrier: str, case: str) -> None:
    turned, says = WRONG_KEYS[case]
    sts.client("other", jwk={**private_jwk("ES256", 8), "kid": "of-other"})
    machine = sts.client("mine", jwk={**private_jwk("ES256", 1), "kid": "mine"}, **WEB)
    header = {"kid": turned["jwk"].get("kid", "mine"), **turned.get("header", {})}
    signed = machine.assertion(jwk=turned["jwk"], header=header)
    if carrier == "assertion":
        answer = machine.post(machine.form(signed))
        assert answer.error == "invalid_client" and answer.description is None
    else:
        form = {"client_id": "mine", "request": signed, "client_assertion": machine.assertion()}
        answer = machine.post({**form, "client_assertion_type": ASSERTION_TYPE}, path="/connect/par", proof=None)
        assert answer.error == "invalid_request_object"
    (told,) = [f for f in sts.journal(limit="1")[0]["findings"]["broken"] if f["rule"].endswith(".signature")]
    assert told["observed"].endswith(says) and ("a key of" in told["observed"]) is ("a key of" in says)
