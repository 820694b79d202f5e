"""Bodies of every length and speed: read to the end before anybody works on them."""

import http.client
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.emulator import LiveServer, Worlds

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def chunked(live: LiveServer, body: bytes, proof: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("localhost", live.port, timeout=20)

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
        connection = http.client.HTTPConnection("localhost", live.port, timeout=20)
        with closing(connection):
            connection.request("POST", "/connect/token", b"x" * size, FORM)
            assert connection.getresponse().status == 413


def test_slow_bodies_do_not_stop_the_server(tmp_path: Path) -> None:
    live = LiveServer(tmp_path)
    machine = live.client("quick")
    try:
        with ExitStack() as stack:
            for _ in range(20):
                slow = stack.enter_context(socket.create_connection(("127.0.0.1", live.port)))
                head = "POST /connect/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                slow.sendall(f"{head}Content-Type: {FORM['Content-Type']}\r\n\r\ngrant_type".encode())
            time.sleep(0.2)
            assert live.transport.send("GET", "/health/live").status == 200
            for _ in range(5):
                assert machine.token().status == 200
    finally:
        live.stop()


def test_the_journal_keeps_its_length(worlds: Worlds) -> None:
    sts = worlds.make(journal_size=100)
    for _ in range(300):
        assert sts.transport.send("GET", "/connect/token").status == 400
    with sts.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT count(*), max(id) FROM journal").one()
    assert rows[1] == 300
    assert 100 <= rows[0] < 100 + 64
