"""Bodies of every length and speed: read to the end before anybody works on them."""

import http.client
import random
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mock_sts.app import create_app
from tests.support.emulator import LiveServer, Worlds, settings_for

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def chunked(live: LiveServer, body: bytes, proof: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("localhost", live.port, timeout=60)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 7_000):
            yield body[start : start + 7_000]

    with closing(connection):
        connection.request("POST", "/connect/token", pieces(), {**FORM, "DPoP": proof}, encode_chunked=True)
        response = connection.getresponse()
        return response.status, response.read()


def test_a_chunked_body_is_read(live: LiveServer) -> None:
    machine = live.client(f"chunked-{secrets.token_hex(4)}")
    machine.learn_nonce()
    status, content = chunked(live, urlencode(machine.form(machine.assertion())).encode(), machine.proof())
    assert status == 200, content


@pytest.mark.parametrize("where", ["behind", "before"])
def test_a_chunked_body_over_the_limit_is_refused_whole(live: LiveServer, where: str) -> None:
    machine = live.client(f"chunked-{secrets.token_hex(4)}")
    machine.learn_nonce()
    form, pad = urlencode(machine.form(machine.assertion())), "pad=" + "x" * 300_000
    body = f"{form}&{pad}" if where == "behind" else f"{pad}&{form}"
    status, content = chunked(live, body.encode(), machine.proof())
    assert status == 413, content
    assert b"262144 bytes" in content


@pytest.mark.parametrize("size", [300_000, 5_000_000])
def test_who_sends_too_much_hears_so(live: LiveServer, size: int) -> None:
    for _ in range(20):
        connection = http.client.HTTPConnection("localhost", live.port, timeout=60)
        with closing(connection):
            connection.request("POST", "/connect/token", b"x" * size, FORM)
            assert connection.getresponse().status == 413


def head_of(live: LiveServer, proof: str, *more: str) -> bytes:
    """The head of a token request, with the lines ``more``."""
    lines = (f"Host: localhost:{live.port}", f"Content-Type: {FORM['Content-Type']}", f"DPoP: {proof}", *more)
    return "\r\n".join(("POST /connect/token HTTP/1.1", *lines, "", "")).encode()


@pytest.mark.covers("server.body.cut")
def test_a_body_that_ends_too_early_is_refused_and_nothing_of_it_is_used(live: LiveServer) -> None:
    """RFC 9112 section 8. What has come is a complete form by itself, and one more byte was announced."""
    machine = live.client(f"cut-{secrets.token_hex(4)}")
    machine.learn_nonce()
    form, proof = machine.form(machine.assertion()), machine.proof()
    body = urlencode(form).encode()
    with closing(socket.create_connection(("127.0.0.1", live.port), timeout=60)) as connection:
        connection.sendall(head_of(live, proof, f"Content-Length: {len(body) + 1}") + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert f"ended after {len(body)} bytes of {len(body) + 1}".encode() in answer
    assert machine.post(form, proof=proof).status == 200, "neither assertion nor proof is spent"


def test_a_length_beside_chunks_says_nothing(live: LiveServer) -> None:
    """RFC 9112 section 6.3: the chunks tell where the body ends."""
    machine = live.client(f"both-{secrets.token_hex(4)}")
    machine.learn_nonce()
    body = urlencode(machine.form(machine.assertion())).encode()
    head = head_of(live, machine.proof(), "Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close")
    with closing(socket.create_connection(("127.0.0.1", live.port), timeout=60)) as connection:
        connection.sendall(head + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.covers("server.body.upgrade")
@pytest.mark.parametrize("at_once", [True, False], ids=["in one piece", "head before body"])
def test_a_wish_for_http_2_is_passed_over(live: LiveServer, *, at_once: bool) -> None:
    """As Java's HttpClient sends its first request to an http URL, for a POST too."""
    body = b'{"set": "upgrade:"}'
    head = (
        "POST /mock/api/v1/clock HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        f"Content-Length: {len(body)}\r\nHost: localhost:{live.port}\r\nHTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n"
        "Content-Type: application/json\r\n\r\n"
    ).encode()
    with closing(socket.create_connection(("127.0.0.1", live.port), timeout=60)) as connection:
        for _ in range(2):  # the connection goes on
            connection.sendall(head + body if at_once else head)
            if not at_once:
                connection.sendall(body)
            answer = connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 400") and b'"member":"/set"' in answer, answer


@pytest.mark.covers("server.body.slow", "server.too-much")
@pytest.mark.parametrize("path", ["", "/op"])
@pytest.mark.slow
def test_slow_bodies_and_idle_connections_do_not_stop_the_server(tmp_path: Path, path: str) -> None:
    """Nor does the path of a public URL let each of those who wait open the database."""
    public = {"public_url": f"http://sts.test{path}", "url_mode": "request"} if path else {}
    live = LiveServer(tmp_path, request_timeout="3600", **public)
    machine = live.client("quick")
    try:
        with ExitStack() as stack:
            for _ in range(1_200):
                stack.enter_context(socket.create_connection(("127.0.0.1", live.port)))
            for _ in range(800):
                slow = stack.enter_context(socket.create_connection(("127.0.0.1", live.port)))
                head = f"POST {path}/connect/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                slow.sendall(f"{head}Content-Type: {FORM['Content-Type']}\r\n\r\ngrant_type".encode())
            for _ in range(5):
                assert live.transport.send("GET", "/health/live").status == 200
                assert machine.token().status == 200
            held = [str(entry.readlink()) for pid in live.workers() for entry in Path(f"/proc/{pid}/fd").iterdir()]
            assert sum(".sqlite" in name for name in held) < 40
            assert sum("socket" in name for name in held) >= 2_000, "all of them are held"
    finally:
        live.stop()


@pytest.mark.covers("server.threads")
@pytest.mark.slow
def test_a_burst_on_every_route_and_a_long_rest_end_no_worker(tmp_path: Path) -> None:
    """Two first requests at once, too: what is imported late is imported by one thread."""
    live = LiveServer(tmp_path, workers="2")
    rules = create_app(settings_for(live.database)).url_map.iter_rules()
    paths = sorted({re.sub("<[^>]*>", "x", rule.rule) for rule in rules if "GET" in (rule.methods or ())})
    try:
        workers = live.workers()
        burst = [path for path in paths for _ in range(12)]
        random.Random(1).shuffle(burst)
        with ThreadPoolExecutor(24) as pool:
            statuses = Counter(pool.map(lambda path: asked(live, path), burst))
        # No thread of ours ends before its process does, so there is no length of rest that matters. More may begin.
        named = [set(thread_names(pid)) for pid in workers]
        time.sleep(2)
        gone = [before - set(thread_names(pid)) for pid, before in zip(workers, named, strict=True)]
        assert gone == [set(), set()], "no thread has ended"
        assert asked(live, "/health/ready") == 200
        assert live.workers() == workers
        assert not [status for status in statuses if status >= 500 and status != 503], statuses
        log = live.log.read_text(encoding="utf-8")
        assert "Traceback" not in log and "another one starts" not in log, log
    finally:
        live.stop()


def asked(live: LiveServer, path: str) -> int:
    connection = http.client.HTTPConnection("localhost", live.port, timeout=60)
    with closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status


def thread_names(pid: int) -> list[str]:
    return sorted(entry.name for entry in Path(f"/proc/{pid}/task").iterdir())


@pytest.mark.slow
def test_the_journal_keeps_its_length(worlds: Worlds) -> None:
    sts = worlds.make(journal_size=100)
    for _ in range(300):
        assert sts.transport.send("GET", "/connect/token").status == 400
    with sts.store.reading() as connection:
        rows = connection.one("SELECT count(*), max(id) FROM journal")
    assert rows[1] == 300
    assert 100 <= rows[0] < 100 + 64
