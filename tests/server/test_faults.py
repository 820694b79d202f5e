"""What fault rules do to connections of the real server, and that its workers count them together."""

import http.client
import json
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.control import Control
from tests.support.emulator import Emulator, LiveServer, OverHttp
from tests.support.processes import PATIENCE
from tests.support.statements import statements_of

DISCOVERY, JWKS = "/.well-known/openid-configuration", "/.well-known/openid-configuration/jwks"


@pytest.fixture
def control(live: LiveServer) -> Iterator[Control]:
    """That of an environment of this test alone, for the server is shared."""
    root = Control(OverHttp(live.issuer))
    name = root.ask("POST", "/environments", {})["name"]
    yield Control(OverHttp(f"{live.issuer}/env/{name}"))
    root.ask("DELETE", f"/environments/{name}")


def base_of(control: Control) -> str:
    return str(control._transport.base)  # type: ignore[attr-defined]


def fault(control: Control, effect: dict[str, Any], times: int | None = 1, **match: Any) -> str:
    made = control.ask("POST", "/faults", {"match": match, "effect": effect, **({"times": times} if times else {})})
    return str(made["id"])


def ask(control: Control, path: str = DISCOVERY) -> requests.Response:
    return requests.get(f"{base_of(control)}{path}", timeout=20)


def raw(control: Control, path: str = DISCOVERY) -> bytes:
    """All bytes that come until the server closes the connection."""
    parts = urlsplit(base_of(control))
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20) as connection:
        connection.sendall(f"GET {parts.path}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        found = b""
        try:
            while piece := connection.recv(65_536):
                found += piece
        except ConnectionError:
            pass
        return found


@pytest.mark.covers("faults.answers")
def test_a_dropped_connection_brings_nothing(control: Control) -> None:
    rule = fault(control, {"drop": True})
    assert raw(control) == b""
    assert ask(control).status_code == 200, "it was for one request"
    (entry,) = control.ask("GET", "/journal")["entries"]
    assert entry["faults"] == [{"id": rule, "effect": "drop"}]


@pytest.mark.covers("faults.answers")
def test_a_pause_ends_when_its_rule_is_removed(control: Control) -> None:
    rule = fault(control, {"pause": True}, times=None)
    for path in (DISCOVERY, JWKS, "/connect/token", "/Account/Login"):
        with pytest.raises(requests.ConnectionError):
            ask(control, path)
    assert ask(control, "/health/live").status_code == 200 and ask(control, "/mock/journal").status_code == 200
    control.ask("DELETE", f"/faults/{rule}")
    assert ask(control).status_code == 200


@pytest.mark.covers("faults.answers")
def test_half_an_answer_comes(control: Control) -> None:
    whole = ask(control).content
    fault(control, {"answer": "cut"})
    head, _, body = raw(control).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(whole)}".encode() in head and body == whole[: len(whole) // 2]
    assert b"Mock-Sts-Fault: " in head


@pytest.mark.covers("faults.answers")
def test_a_slow_answer_comes_later(control: Control) -> None:
    fault(control, {"delay_ms": 200}, endpoint="discovery")
    fault(control, {"delay_ms": 200, "where": "middle"}, endpoint="jwks")
    for path in (DISCOVERY, JWKS):
        begun = time.monotonic()
        assert ask(control, path).json() and time.monotonic() - begun >= 0.2
    assert sum(len(entry["faults"]) for entry in control.ask("GET", "/journal")["entries"]) == 2


@pytest.mark.covers("faults.answers")
def test_slow_answers_leave_the_others_be(control: Control) -> None:
    """More requests wait than the server has threads; they wait a minute, and are given up before."""
    rule = fault(control, {"delay_ms": 60_000}, times=8)
    parts = urlsplit(base_of(control))
    head = f"GET {parts.path}{DISCOVERY} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 80))) for _ in "12345678"
        ]
        for connection in waiting:
            connection.sendall(head)
        ends = time.monotonic() + PATIENCE
        while control.ask("GET", f"/faults/{rule}")["happened"] < 8 and time.monotonic() < ends:
            time.sleep(0.01)
        assert ask(control).status_code == 200, "one that does not wait is answered"
        assert select.select(waiting, [], [], 0)[0] == []


@pytest.mark.covers("faults.answers")
def test_an_answer_is_lost_after_its_effect_was_stored(control: Control, live: LiveServer) -> None:
    fault(control, {"answer": "lost"}, endpoint="par")
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{base_of(control)}/connect/par", data={"client_id": "demo-web"}, timeout=20)
    (entry,) = control.ask("GET", "/journal")["entries"]
    assert (entry["endpoint"], entry["outcome"], entry["faults"][0]["effect"]) == (
        "/connect/par",
        "refused",
        "answer=lost",
    )


@pytest.mark.covers("faults.port")
@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_closed_port_takes_no_connections_for_its_time(tmp_path: Path, workers: str) -> None:
    server = LiveServer(tmp_path, workers=workers)
    try:
        control = Control(server.transport)
        rule = fault(control, {"closed_port": "PT4S"}, times=None)
        found = []
        ends = time.monotonic() + 60
        while time.monotonic() < ends and "answered" not in found:
            found.append(outcome_at(server.port))
        assert "refused" in found and found[-1] == "answered", set(found)
        assert control.ask("GET", f"/faults/{rule}")["effect"] == {"closed_port": "PT4S"}
        for _ in range(8):  # every worker takes connections again
            assert outcome_at(server.port) == "answered"
        assert control.ask("GET", f"/faults/{rule}")["remaining"] == 0
    finally:
        server.stop()


def outcome_at(port: int) -> str:
    """What becomes of one request on a connection of its own."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(f"GET /health/ready HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            return "answered" if connection.recv(1_000) else "dropped"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionError:
        return "dropped"


@pytest.mark.covers("faults.count")
def test_workers_count_together(control: Control) -> None:
    fault(control, {"status": 503}, times=25)

    def lane(_: int) -> int:
        parts = urlsplit(base_of(control))
        failed = 0
        for _ in range(20):
            connection = http.client.HTTPConnection(parts.netloc, timeout=20)
            connection.request("GET", f"{parts.path}{JWKS}", headers={"Connection": "close"})
            failed += connection.getresponse().status == 503
            connection.close()
        return failed

    with ThreadPoolExecutor(4) as lanes:
        assert sum(lanes.map(lane, range(4))) == 25
    (rule,) = control.ask("GET", "/faults")["items"]
    assert (rule["remaining"], rule["happened"]) == (0, 25)


@pytest.mark.covers("faults.cost")
@pytest.mark.sqlite
def test_without_rules_a_request_costs_what_it_did(sts: Emulator) -> None:
    machine, control = sts.client("frugal"), Control(sts.transport)
    machine.learn_nonce()
    assert machine.token().status == 200
    before = len(statements_of(sts, machine.token))
    rule = control.ask("POST", "/faults", {"effect": {"status": 500}, "match": {"endpoint": "jwks"}})
    assert machine.token().status == 200  # reads the rules
    assert len(statements_of(sts, machine.token)) == before, "a rule for another endpoint costs nothing either"
    control.ask("DELETE", f"/faults/{rule['id']}")
    assert machine.token().status == 200
    assert len(statements_of(sts, machine.token)) == before
    assert json.dumps(control.ask("GET", "/faults")["items"]) == "[]"
