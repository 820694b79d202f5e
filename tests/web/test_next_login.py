"""The queue of ordered logins over HTTP: its bodies, its answers, its guards."""

import json
from typing import Any

import pytest

from tests.support.emulator import Emulator, Worlds
from tests.support.logins import begin, identity, shows_a_page, web
from tests.support.machine import Answer
from tests.support.relying_party import Login
from tests.web.test_control import assert_problem

PATH = "/mock/api/v1/next-login"
JSON = {"Content-Type": "application/json"}
BEVER = "livstrett-bever"


def post(sts: Emulator, body: object, headers: dict[str, str] | None = None) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return sts.transport.send("POST", PATH, {**JSON, **(headers or {})}, content)


def orders(sts: Emulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sts.get(PATH).json["orders"]
    return found


@pytest.mark.covers("text.byte-order-mark")
def test_a_body_may_begin_with_a_byte_order_mark(sts: Emulator) -> None:
    assert post(sts, json.dumps({"persona": BEVER}).encode("utf-8-sig")).status == 201
    assert post(sts, json.dumps({"persona": BEVER}).encode("utf-16")).status == 400


@pytest.mark.covers("automation.queue.api")
def test_an_order_has_an_id_and_stands_in_the_queue(sts: Emulator) -> None:
    web(sts)
    assert sts.get(PATH).json == {"orders": []}
    first = post(sts, {"persona": BEVER})
    assert (first.status, first.headers["content-type"].lower()) == (201, "application/json; charset=utf-8")
    match = {"client_id": "web", "redirect_uri": "http://localhost:8089/callback"}
    second = post(sts, {"persona": "06828399789", "match": match, "times": 7})
    third = post(sts, {"outcome": "timeout", "match": {}})
    ids = [answer.json["id"] for answer in (first, second, third)]
    assert ids == sorted(set(ids))
    assert orders(sts) == [
        {
            "id": ids[0],
            "client_id": None,
            "redirect_uri": None,
            "pid": "15849197352",
            "outcome": "success",
            "times": 1,
        },
        {"id": ids[1], **match, "pid": "06828399789", "outcome": "success", "times": 7},
        {"id": ids[2], "client_id": None, "redirect_uri": None, "pid": None, "outcome": "timeout", "times": 1},
    ]


@pytest.mark.covers("automation.queue.api")
def test_the_queue_can_be_forgotten(sts: Emulator) -> None:
    for _ in range(3):
        assert post(sts, {"persona": BEVER, "times": 2}).status == 201
    answer = sts.transport.send("DELETE", PATH, JSON)
    assert (answer.status, answer.json) == (200, {"forgotten": 3})
    assert orders(sts) == []
    assert sts.transport.send("DELETE", PATH, JSON).json == {"forgotten": 0}


@pytest.mark.covers("automation.queue.api")
def test_an_outcome_needs_no_persona_and_may_have_one(sts: Emulator) -> None:
    assert post(sts, {"outcome": "access_denied"}).status == 201
    assert post(sts, {"outcome": "access_denied", "persona": BEVER}).status == 201
    assert post(sts, {"outcome": "success", "persona": BEVER}).status == 201


BAD: list[tuple[object, str]] = [
    (b"", "the body cannot be read: it "),
    (b"{", "the body cannot be read: it "),
    (b"\xff", "the body cannot be read: it "),
    (b'{"persona": "gronn-vits"', "the body cannot be read: it "),
    (b"[" * 100_000, "the body cannot be read: it "),
    (None, "must be a JSON object"),
    ([], "must be a JSON object"),
    ("gronn-vits", "must be a JSON object"),
    (1, "must be a JSON object"),
    ({}, "persona is missing"),
    ({"outcome": "success"}, "persona is missing"),
    ({"persona": None}, "persona is missing"),
    ({"persona": ""}, "no persona is called ''"),
    ({"persona": 1}, "persona must be a text"),
    ({"persona": 15849197352}, "persona must be a text"),
    ({"persona": ["gronn-vits"]}, "persona must be a text"),
    ({"persona": "gron-vits"}, "did you mean gronn-vits"),
    ({"persona": "1584919735"}, "no persona is called '1584919735'"),
    ({"persona": "x" * 100_000}, "no persona is called"),
    ({"persona": "\0"}, "the body cannot be read: it holds a NUL"),
    ({"persona": "\ud800"}, "the body cannot be read: it holds a NUL character or half of a"),
    ({"persona": "<script>alert(1)</script>"}, "no persona is called"),
    ({"person": BEVER}, "no member 'person'; known are persona, match, times, outcome"),
    ({"persona": BEVER, "pid": "1"}, "no member 'pid'"),
    ({"persona": BEVER, "times": 0}, "times must be a whole number from 1 to 100000"),
    ({"persona": BEVER, "times": -1}, "times must be"),
    ({"persona": BEVER, "times": 100_001}, "times must be"),
    ({"persona": BEVER, "times": 10**30}, "the body cannot be read: it holds an integer beyond 63 bits"),
    (
        b'{"persona": "gronn-vits", "persona": "livstrett-bever"}',
        "the body cannot be read: it has the same member twice",
    ),
    ({"persona": BEVER, "times": 1.0}, "times must be"),
    ({"persona": BEVER, "times": "1"}, "times must be"),
    ({"persona": BEVER, "times": True}, "times must be"),
    ({"persona": BEVER, "times": None}, "times must be"),
    (b'{"persona": "livstrett-bever", "times": NaN}', "the body cannot be read: it "),
    ({"persona": BEVER, "outcome": "explode"}, "'explode' is no outcome; these are success, access_denied"),
    ({"persona": BEVER, "outcome": ""}, "is no outcome"),
    ({"persona": BEVER, "outcome": None}, "is no outcome"),
    ({"persona": BEVER, "outcome": ["timeout"]}, "is no outcome"),
    ({"persona": BEVER, "match": None}, "match must be a JSON object"),
    ({"persona": BEVER, "match": "web"}, "match must be a JSON object"),
    ({"persona": BEVER, "match": {"client": "web"}}, "match has no member 'client'"),
    ({"persona": BEVER, "match": {"client_id": 1}}, "match.client_id must be a text"),
    ({"persona": BEVER, "match": {"client_id": None}}, "match.client_id must be a text"),
    ({"persona": BEVER, "match": {"redirect_uri": ["x"]}}, "match.redirect_uri must be a text"),
    ({"persona": BEVER, "match": {"redirect_uri": "http://\ud800"}}, "the body cannot be read"),
    ({"persona": BEVER, "match": {"client_id": "nobody"}}, "no client has the id 'nobody'"),
    ({"persona": BEVER, "match": {"client_id": ""}}, "no client has the id ''"),
    ({"persona": BEVER, "match": {"client_id": "\ud800"}}, "the body cannot be read"),
]


@pytest.mark.covers("automation.queue.bad-body")
@pytest.mark.parametrize(("body", "told"), BAD, ids=lambda value: repr(value)[:50])
def test_a_bad_body_is_explained_and_orders_nothing(sts: Emulator, body: object, told: str) -> None:
    answer = post(sts, body)
    detail = assert_problem(answer, 400)
    assert told in detail
    assert len(answer.content) < 2000
    assert orders(sts) == []


@pytest.mark.covers("automation.queue.guards")
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
    ids=str,
)
def test_other_sites_order_nothing(sts: Emulator, method: str, headers: dict[str, str]) -> None:
    kept = post(sts, {"persona": BEVER}).json["id"]
    answer = sts.transport.send(method, PATH, {**JSON, **headers}, json.dumps({"persona": BEVER}).encode())
    assert_problem(answer, 403)
    assert [order["id"] for order in orders(sts)] == [kept]


@pytest.mark.covers("automation.queue.guards")
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_can_send_orders_nothing(sts: Emulator, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    for method in ("POST", "DELETE"):
        answer = sts.transport.send(method, PATH, headers, json.dumps({"persona": BEVER}).encode())
        assert_problem(answer, 415)
    assert orders(sts) == []


@pytest.mark.covers("automation.queue.guards")
def test_the_token_is_asked_for_where_one_is_set(worlds: Worlds) -> None:
    sts = worlds.make(admin_token="s3cret")
    for method in ("GET", "POST", "DELETE"):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = sts.transport.send(method, PATH, {**JSON, **headers}, json.dumps({"persona": BEVER}).encode())
            assert_problem(answer, 401)
    right = {"Authorization": "Bearer s3cret"}
    assert sts.get(PATH, right).json == {"orders": []}
    assert post(sts, {"persona": BEVER}, right).status == 201
    assert sts.transport.send("DELETE", PATH, {**JSON, **right}).json == {"forgotten": 1}


@pytest.mark.covers("automation.queue.guards")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_other_methods_are_refused(sts: Emulator, method: str) -> None:
    assert_problem(sts.transport.send(method, PATH, JSON, b"{}"), 405)


@pytest.mark.covers("automation.queue.expiry")
@pytest.mark.parametrize(("settings", "lasts"), [({}, 3_600), ({"scripted_login_lifetime": 60}, 60)])
def test_an_order_waits_for_its_time_only(worlds: Worlds, settings: dict[str, Any], lasts: int) -> None:
    """One that a test has left behind decides no login of the next day."""
    sts = worlds.make(**settings)
    rp = web(sts)
    assert post(sts, {"persona": BEVER, "times": 2}).status == 201
    sts.clock.now += lasts - 1
    assert len(orders(sts)) == 1
    login, browser = Login(), rp.browser()
    assert identity(rp, login, begin(rp, login, browser))["sub"]
    sts.clock.now += 1
    assert orders(sts) == []
    shows_a_page(begin(rp, Login(), rp.browser()))
    # The next one that is ordered takes those away whose time is over.
    assert post(sts, {"persona": BEVER}).status == 201
    assert [row[0] for row in sts.store.read_all("SELECT times FROM scripted_login")] == [1]


@pytest.mark.covers("automation.queue.expiry")
def test_an_order_may_wait_for_ever(worlds: Worlds) -> None:
    sts = worlds.make(scripted_login_lifetime=0)
    rp = web(sts)
    assert post(sts, {"persona": BEVER}).status == 201
    sts.clock.now += 10 * 365 * 86_400
    login = Login()
    assert identity(rp, login, begin(rp, login, rp.browser()))["sub"]
