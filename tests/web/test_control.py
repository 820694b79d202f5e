"""The control API: its guards, the journal's filters, and what the journal never holds."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.support.emulator import API_SCOPE, START, Emulator, Worlds
from tests.support.keys import Jwk, private_jwk
from tests.support.machine import ABSENT, Answer, Machine, raw_jws

JOURNAL = "/mock/api/v1/journal"
NOWHERE = "/mock/api/v1/nothing"

#: A key that no client is registered with.
STRANGER = private_jwk("ES256", 7)


def assert_problem(answer: Answer, status: int) -> str:
    """A problem document (RFC 9457); its detail."""
    assert answer.status == status, answer.content
    assert answer.headers["content-type"] == "application/problem+json; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert list(answer.json)[:5] == ["type", "title", "status", "detail", "instance"]
    assert set(answer.json) - {"type", "title", "status", "detail", "instance"} <= {"member", "parameter"}
    assert answer.json["status"] == status
    assert answer.json["title"]
    detail: str = answer.json["detail"]
    return detail


# Guards


@pytest.mark.parametrize("path", [JOURNAL, NOWHERE])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_requests_from_other_sites_are_refused(sts: Emulator, site: str, path: str) -> None:
    assert "Sec-Fetch-Site" in assert_problem(sts.get(path, {"Sec-Fetch-Site": site}), 403)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.test",
        "http://localhost:8081",
        "https://localhost:8080",
        "http://localhost:8080.evil.test",
        "null",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_from_other_origins_are_refused(sts: Emulator, method: str, origin: str) -> None:
    headers = {"Origin": origin, "Content-Type": "application/json"}
    assert "Origin" in assert_problem(sts.transport.send(method, JOURNAL, headers, b"{}"), 403)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=["program", "typed address", "own page", "own page's script"],
)
def test_programs_and_the_servers_own_pages_are_let_in(sts: Emulator, headers: dict[str, str]) -> None:
    assert sts.get(JOURNAL, headers).status == 200


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://sts.test:443", "https://sts.test"),
        ("https://STS.test", "https://sts.test"),
        ("http://sts.test:80/base", "http://sts.test"),
        ("https://sts.test:8443", "https://sts.test:8443"),
        ("http://[FD00::7]:80", "http://[fd00::7]"),
    ],
)
def test_an_origin_is_compared_as_browsers_write_it(worlds: Worlds, public_url: str, origin: str) -> None:
    sts = worlds.make(public_url=public_url)
    assert sts.get(JOURNAL, {"Origin": origin}).status == 200
    assert_problem(sts.get(JOURNAL, {"Origin": f"{origin}0" if origin[-1].isdigit() else f"{origin}:81"}), 403)
    assert_problem(sts.get(JOURNAL, {"Origin": "http://[::"}), 403)


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://xn--x"}])
def test_a_host_in_broken_punycode_is_a_host(worlds: Worlds, headers: dict[str, str]) -> None:
    """The framework fails when it decodes one; so does its test client."""
    sts = worlds.make(bound_to="0.0.0.0")
    environ = EnvironBuilder(JOURNAL, headers=list(headers.items())).get_environ() | {"HTTP_HOST": "xn--x"}
    body, status, _ = run_wsgi_app(sts.app.wsgi_app, environ, buffered=True)
    assert (status, b"".join(body)) == ("200 OK", b'{"entries":[],"next_before":null}')


@pytest.mark.parametrize("path", [JOURNAL, NOWHERE])
@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer s3cret-",
        "Bearer s3cre",
        "Basic s3cret",
        "s3cret",
        "DPoP s3cret",
    ],
)
def test_the_token_is_asked_for_where_one_is_set(worlds: Worlds, authorization: str, path: str) -> None:
    sts = worlds.make(admin_token="s3cret")
    answer = sts.get(path, {"Authorization": authorization} if authorization else {})
    assert "MOCK_STS_ADMIN_TOKEN" in assert_problem(answer, 401)
    assert b"s3cret" not in answer.content


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_right_token_is_accepted(worlds: Worlds, scheme: str) -> None:
    sts = worlds.make(admin_token="s3cret")
    assert sts.get(JOURNAL, {"Authorization": f"{scheme} s3cret"}).status == 200


def test_the_token_guards_the_control_api_alone(worlds: Worlds) -> None:
    sts = worlds.make(admin_token="s3cret")
    assert sts.client().token().status == 200
    assert sts.get("/.well-known/openid-configuration").status == 200
    assert sts.get("/health/ready").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_what_changes_something_must_be_json(sts: Emulator, method: str, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert "application/json" in assert_problem(sts.transport.send(method, JOURNAL, headers, b"{}"), 415)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_comes_past_the_guard(sts: Emulator, content_type: str) -> None:
    answer = sts.transport.send("POST", JOURNAL, {"Content-Type": content_type}, b"{}")
    assert_problem(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_an_unknown_path_is_a_problem(sts: Emulator) -> None:
    assert_problem(sts.get(NOWHERE), 404)


# The journal


@pytest.fixture
def busy(sts: Emulator) -> Emulator:
    """An emulator with five exchanges behind it, half a minute apart: ALL, oldest last."""
    good, bad = sts.client("good"), sts.client("bad", jwk=private_jwk("ES384", 1))
    good.meet_challenge()
    sts.clock.advance(30)
    good.token()
    sts.clock.advance(30)
    bad.token(form={"scope": "test:api/not-allowed"})
    sts.clock.advance(30)
    good.token(assertion={"lifetime": 302})
    sts.clock.advance(30)
    bad.token()
    return sts


def told(entries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(entry["client_id"], entry["outcome"], entry["rule"]) for entry in entries]


ALL = [
    ("bad", "granted", None),
    ("good", "refused", "client-assertion.lifetime-limit"),
    ("bad", "refused", "scope.allowed"),
    ("good", "granted", None),
    ("good", "challenged", "dpop.nonce"),
]


def test_the_journal_tells_the_newest_exchange_first(busy: Emulator) -> None:
    entries = busy.journal()
    assert told(entries) == ALL
    assert [entry["at"] for entry in entries] == [START + 120, START + 90, START + 60, START + 30, START]
    assert [entry["error"] for entry in entries] == [None, "invalid_client", "invalid_scope", None, "use_dpop_nonce"]
    assert {entry["endpoint"] for entry in entries} == {"/connect/token"}


def test_an_entry_explains_itself(busy: Emulator) -> None:
    entry = busy.journal(rule="scope.allowed")[0]
    (broken,) = [finding for finding in entry["findings"]["broken"] if finding["rule"] == "scope.allowed"]
    assert set(broken) == {"rule", "level", "title", "expected", "observed", "remedy", "source"}
    assert "test:api/not-allowed" in broken["observed"]
    assert entry["detail"]["parameters"]["scope"] == ["test:api/not-allowed"]
    assert entry["detail"]["client_assertion"]["claims"]["iss"] == "bad"
    assert entry["detail"]["dpop_proof"]["claims"]["htm"] == "POST"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"limit": "2"}, ALL[:2]),
        ({"client_id": "good"}, [ALL[1], ALL[3], ALL[4]]),
        ({"client_id": "nobody"}, []),
        ({"outcome": "granted"}, [ALL[0], ALL[3]]),
        ({"outcome": "refused"}, [ALL[1], ALL[2]]),
        ({"outcome": "challenged"}, [ALL[4]]),
        ({"rule": "scope.allowed"}, [ALL[2]]),
        ({"rule": "scope.machine"}, []),
        ({"client_id": "good", "outcome": "refused"}, [ALL[1]]),
        ({"client_id": "good", "limit": "1"}, [ALL[1]]),
    ],
    ids=str,
)
def test_the_journal_can_be_filtered(busy: Emulator, query: dict[str, str], expected: list[tuple[Any, ...]]) -> None:
    assert told(busy.journal(**query)) == expected


@pytest.mark.parametrize(("query", "expected"), [("", ALL), ("&client_id=good", [ALL[1], ALL[3], ALL[4]])])
def test_the_journal_can_be_read_page_by_page(busy: Emulator, query: str, expected: list[tuple[Any, ...]]) -> None:
    found: list[dict[str, Any]] = []
    before = ""
    for _ in range(10):
        page = busy.get(f"{JOURNAL}?limit=2{query}{before}").json
        assert len(page["entries"]) <= 2
        found += page["entries"]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert told(found) == expected
    assert page["next_before"] is None


def test_the_journal_tells_a_hundred_exchanges_unless_asked_for_more(sts: Emulator) -> None:
    for _ in range(101):
        sts.get("/connect/token")
    assert len(sts.journal()) == 100
    assert len(sts.journal(limit="1000")) == 101


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1.5",
        "limit=%C2%B2",
        "limit=99999999999999999999999999",
        "before=0",
        "before=x",
        "before=9999999999999999999999999",
        "outcome=maybe",
        "outcome=",
        "rule=",
        "rule=scope",
        "client=good",
        "Limit=1",
    ],
)
def test_a_parameter_that_cannot_be_used_is_a_problem(busy: Emulator, query: str) -> None:
    name, _, _ = query.partition("=")
    assert name in assert_problem(busy.get(f"{JOURNAL}?{query}"), 400)


def test_a_rule_that_is_not_known_names_those_that_are_near(busy: Emulator) -> None:
    told = assert_problem(busy.get(f"{JOURNAL}?rule=scope.alowed"), 400)
    assert "'scope.alowed'" in told and "scope.allowed" in told.partition("near")[2]


# What the journal, and the log beside it, never hold


def everything_kept(sts: Emulator, caplog: pytest.LogCaptureFixture) -> str:
    answer = sts.get(f"{JOURNAL}?limit=1000")
    assert len(answer.json["entries"]) > 0
    return answer.content.decode() + caplog.text


def test_no_assertion_proof_or_token_is_kept(sts: Emulator, machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    nonce = machine.learn_nonce()
    assertion, proof = machine.assertion(), machine.proof()
    answer = machine.post(machine.form(assertion), proof=proof)
    assert answer.status == 200
    kept = everything_kept(sts, caplog)
    assert nonce in kept  # what is decoded stands there
    for compact in (assertion, proof, answer.json["access_token"]):
        for part in compact.split(".")[1:]:
            assert part not in kept


@pytest.mark.parametrize(
    "broken",
    [
        lambda assertion: assertion[:-8],
        lambda assertion: assertion + ".more",
        lambda assertion: assertion.replace(".", "!"),
        lambda assertion: assertion.partition(".")[2],
    ],
    ids=["cut", "too many parts", "no parts", "no header"],
)
def test_no_refused_assertion_is_kept(
    sts: Emulator, machine: Machine, broken: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    assertion = machine.assertion()
    answer = machine.token(form={"client_assertion": broken(assertion)})
    assert answer.error == "invalid_client"
    _, claims, signature = assertion.split(".")
    kept = everything_kept(sts, caplog)
    assert claims not in kept
    assert signature[:40] not in kept


@pytest.mark.parametrize(
    ("length", "jwk", "is_kept"),
    [(4_000, None, True), (7_000, None, True), (4_000, STRANGER, True), (7_000, STRANGER, False)],
    ids=["client", "client, long", "stranger", "stranger, long"],
)
def test_less_is_kept_of_those_who_have_not_shown_who_they_are(
    sts: Emulator, machine: Machine, length: int, jwk: Jwk | None, is_kept: bool
) -> None:
    answer = machine.token(assertion={"claims": {"more": "x" * length}, "jwk": jwk})
    assert answer.status == (200 if jwk is None else 400), answer.content
    detail = sts.journal(limit="1")[0]["detail"]
    if is_kept:
        assert detail["client_assertion"]["claims"]["more"] == "x" * length
    else:
        assert list(detail) == ["too_long"] and detail["too_long"] > length


PRIVATE_KEYS: dict[str, Jwk] = {
    "EC": private_jwk("ES256", 2),
    "RSA": private_jwk("PS256", 0, 2048),
    "symmetric": {"kty": "oct", "alg": "HS256", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0"},
}
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "k")


@pytest.mark.parametrize("enforcement", ["observe", "helseid"])
@pytest.mark.parametrize("kind", PRIVATE_KEYS)
def test_no_private_key_in_a_proof_is_kept(
    worlds: Worlds, kind: str, enforcement: str, caplog: pytest.LogCaptureFixture
) -> None:
    sts = worlds.make(enforcement=enforcement)
    jwk = PRIVATE_KEYS[kind]
    signer = private_jwk("ES256", 2) if kind == "symmetric" else jwk
    answer = sts.client().token(proof={"jwk": signer, "header": {"jwk": jwk}})
    assert answer.status == (200 if enforcement == "observe" and kind != "symmetric" else 400)
    kept = everything_kept(sts, caplog)
    assert ("dpop.key" if kind == "symmetric" else "dpop.key-public") in kept
    secrets = [value for name, value in jwk.items() if name in PRIVATE_MEMBERS]
    assert len(secrets) == {"EC": 1, "RSA": 6, "symmetric": 1}[kind]
    assert [secret for secret in secrets if secret in kept] == []


@pytest.mark.parametrize(
    "request_with",
    [
        pytest.param(lambda m, jwk: m.token(proof={"header": {"jwk": [jwk]}}), id="a list in the proof's header"),
        pytest.param(
            lambda m, jwk: m.token(proof={"header": {"jwks": {"keys": [jwk]}}}), id="a set in the proof's header"
        ),
        pytest.param(lambda m, jwk: m.token(proof={"claims": {"cnf": {"jwk": jwk}}}), id="the proof's claims"),
        pytest.param(lambda m, jwk: m.token(assertion={"header": {"jwk": jwk}}), id="the assertion's header"),
        pytest.param(lambda m, jwk: m.token(assertion={"claims": {"jwk": jwk}}), id="the assertion's claims"),
    ],
)
def test_no_private_key_in_a_wrong_place_is_kept(
    sts: Emulator, machine: Machine, request_with: Callable[[Machine, Jwk], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    jwk = private_jwk("ES256", 3)
    request_with(machine, jwk)
    kept = everything_kept(sts, caplog)
    assert API_SCOPE in kept  # the exchange is there
    assert jwk["d"] not in kept


SECRET = "a-password-of-somebody"


def _basic(machine: Machine) -> Answer:
    credentials = base64.b64encode(f"{machine.client_id}:{SECRET}".encode()).decode()
    return machine.token(headers={"Authorization": f"Basic {credentials}"})


@pytest.mark.parametrize("enforcement", ["observe", "helseid"])
@pytest.mark.parametrize(
    "request_with",
    [
        pytest.param(lambda m: m.token(form={"client_secret": SECRET}), id="beside the assertion"),
        pytest.param(
            lambda m: m.token(
                form={"client_secret": SECRET, "client_assertion": ABSENT, "client_assertion_type": ABSENT}
            ),
            id="in place of the assertion",
        ),
        pytest.param(_basic, id="in a Basic header"),
        pytest.param(lambda m: m.token(form={"password": SECRET, "refresh_token": SECRET}), id="in other parameters"),
        pytest.param(lambda m: m.token(form={"client_assertion": SECRET}), id="in the assertion's place"),
        pytest.param(
            lambda m: m.post(m.form(SECRET), proof=raw_jws(b"{}", SECRET.encode(), m.proof_jwk, "ES256")),
            id="in an unreadable proof",
        ),
    ],
)
def test_no_secret_is_kept(
    worlds: Worlds,
    request_with: Callable[[Machine], Answer],
    enforcement: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sts = worlds.make(enforcement=enforcement)
    request_with(sts.client())
    kept = everything_kept(sts, caplog)
    assert API_SCOPE in kept  # the exchange is there, with the parameters that may be shown
    assert SECRET not in kept
    assert base64.b64encode(SECRET.encode()).decode().rstrip("=") not in kept
