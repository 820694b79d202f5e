"""What the server demands of clients and promises them, seen at the socket: it outlives the choice of a server."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from mock_sts.server.bridge import LIVE
from mock_sts.server.connections import MAX_HEAD
from mock_sts.server.front import Front
from mock_sts.store.database import BusyError
from tests.support.served import Echo, Served, answer, everything, request
from tests.support.tls import until

CLOSE = "Connection: close"


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def served(echo: Echo) -> Iterator[Served]:
    server = Served(echo)
    yield server
    server.close()


def with_limits(**limits: Any) -> Iterator[Served]:
    server = Served(Echo(), **limits)
    yield server
    server.close()


# Bytes


@pytest.mark.covers("server.header-names")
@pytest.mark.parametrize("name", [b"DPoP-Nonce", b"WWW-Authenticate", b"Content-Type", b"Content-Length", b"Date"])
def test_header_names_leave_as_they_are_written(served: Served, name: bytes) -> None:
    assert b"\r\n" + name + b": " in served.say(request("/x", CLOSE))


@pytest.mark.covers("server.header-bytes")
@pytest.mark.parametrize("value", ["navn=Kåre".encode(), "navn=Kåre".encode("latin-1"), b"\x80\xff", b"a\tb"])
def test_header_bytes_above_127_arrive_as_they_came(served: Served, echo: Echo, value: bytes) -> None:
    served.say(b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: " + value + b"\r\n\r\n")
    assert echo.seen[-1]["HTTP_COOKIE"].encode("latin-1") == value


def test_headers_that_come_twice_are_joined_and_ambiguous_names_dropped(served: Served, echo: Echo) -> None:
    lines = ("DPoP: a", "DPoP: b", "Cookie: c=1", "Cookie: d=2", "X_Forwarded_Host: evil.test", CLOSE)
    served.say(request("/x", *lines))
    seen = echo.seen[-1]
    assert seen["HTTP_DPOP"] == "a,b"
    assert seen["HTTP_COOKIE"] == "c=1; d=2"
    assert "HTTP_X_FORWARDED_HOST" not in seen


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/a%20b", "/a b"),
        ("/m%C3%A5ne", "/måne"),
        ("/%ff", "/\xff"),
        ("//double", "//double"),
        ("/x?y=%C3%A5&z", "/x"),
        ("http://elsewhere.test/x", "/x"),
    ],
)
def test_a_path_arrives_as_its_bytes(served: Served, echo: Echo, path: str, seen: str) -> None:
    served.say(request(path, CLOSE))
    assert echo.seen[-1]["PATH_INFO"].encode("latin-1") == seen.encode("latin-1" if "\xff" in seen else "utf-8")


# HTTP/1.1


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    said = served.say(b"".join(request(f"/{number}") for number in range(9)) + request("/9", CLOSE))
    assert said.count(b"HTTP/1.1 200 ") == 10
    assert [said.index(b"/%d " % number) for number in range(10)] == sorted(said.index(b"/%d " % n) for n in range(10))


def test_head_and_body_of_an_answer_do_not_wait_for_each_other(served: Served) -> None:
    """Two writes without TCP_NODELAY take 40 ms, each time; the best of many tells what a busy machine does not."""
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=60)) as connection:
        taken = []
        for _ in range(100):
            begun = time.monotonic()
            connection.request("GET", "/x")
            connection.getresponse().read()
            taken.append(time.monotonic() - begun)
    assert min(taken[1:]) < 0.03


def test_a_head_and_a_body_may_come_byte_by_byte(served: Served) -> None:
    sent = request("/x", CLOSE, method="POST", body=b"hello")
    with closing(served.connect()) as connection:
        for start in range(len(sent)):
            connection.sendall(sent[start : start + 1])
        assert everything(connection).endswith(b"/x hello")


def test_http_1_0_is_answered_and_closed(served: Served) -> None:
    assert served.say(request("/x", version="1.0")).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_asks_whether_to_go_on_is_told_to(served: Served) -> None:
    with closing(served.connect()) as connection:
        connection.sendall(request("/x", "Expect: 100-continue", CLOSE, "Content-Length: 5", method="POST"))
        assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        assert everything(connection).endswith(b"/x hello")


def test_a_head_has_no_body(served: Served) -> None:
    said = served.say(request("/x", CLOSE, method="HEAD"))
    assert said.startswith(b"HTTP/1.1 200 ") and said.endswith(b"\r\n\r\n")


def test_a_client_that_half_closes_still_gets_its_answer(served: Served) -> None:
    assert served.say(request("/x"), end=True).startswith(b"HTTP/1.1 200 ")


# What is wrong with a request


@pytest.mark.covers("server.body.cut")
@pytest.mark.parametrize(
    "sent",
    [
        request("/x", "Content-Length: 9", method="POST") + b"abc",
        request("/x", "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n",
        request("/x", "Transfer-Encoding: chunked", method="POST") + b"9\r\nabc",
        request("/x", "Content-Length: 9", method="POST"),
    ],
    ids=["length", "chunks", "chunk", "nothing"],
)
def test_a_body_that_ends_too_early_is_refused(served: Served, echo: Echo, sent: bytes) -> None:
    said = served.say(sent, end=True)
    assert said.startswith(b"HTTP/1.1 400 "), said
    assert b"the body ended after" in said
    assert echo.seen[-1]["body"] == b""


@pytest.mark.parametrize("size", [1_001, 50_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long_is_read_and_refused(served: Served, echo: Echo, size: int, chunked: bool) -> None:
    body = b"x" * size
    line = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if chunked else body
    said = served.say(request("/x", line, CLOSE, method="POST"), framed)
    assert said.startswith(b"HTTP/1.1 413 "), said
    assert echo.seen[-1]["body"] == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/3.0\r\n\r\n",
        b"GET /x HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /x HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        request("/x", "Content-Length: -1", method="POST"),
        request("/x", "Content-Length: 1", "Content-Length: 2", method="POST") + b"ab",
        request("/x", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n",
        b"\x00" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_our_own_words(served: Served, sent: bytes) -> None:
    said = served.say(sent)
    assert said.startswith(b"HTTP/1.1 400 "), said
    assert b"Mock-Sts: " in said and b"X-Content-Type-Options: nosniff" in said
    assert b'"error":"invalid_request"' in said


def test_a_head_that_is_too_long_is_refused(served: Served) -> None:
    with closing(served.connect()) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\n")
        line = b"X-Long: " + b"a" * 8_000 + b"\r\n"
        for _ in range(MAX_HEAD // len(line) + 2):
            connection.sendall(line)
        assert everything(connection).startswith(b"HTTP/1.1 431 ")


@pytest.mark.covers("server.tls-on-http")
def test_https_on_the_port_for_http_is_closed_and_logged(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    context = ssl.create_default_context()
    with (
        caplog.at_level(logging.WARNING, "mock_sts"),
        closing(served.connect()) as connection,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        context.wrap_socket(connection, server_hostname="localhost")
    until(lambda: "https was spoken to the port for http" in caplog.text, "no line in the log")
    assert "MOCK_STS_TLS_PORT" in caplog.text


# Time


@pytest.fixture(scope="module")
def hurried() -> Iterator[Served]:
    yield from with_limits(timeout=0.5)


@pytest.mark.covers("server.request-timeout")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"GET /x HTT", b"408"),
        (b"GET /x HTTP/1.1\r\nHost: loc", b"408"),
        (request("/x", "Content-Length: 5", method="POST") + b"ab", b"408"),
        (request("/x", "Transfer-Encoding: chunked", method="POST") + b"2\r\nab\r\n", b"408"),
        (request("/x") + b"GET /y HTTP/1.1\r\n", b"408"),
    ],
)
@pytest.mark.slow
def test_what_does_not_come_in_time_is_refused(hurried: Served, sent: bytes, status: bytes) -> None:
    said = hurried.say(sent)
    assert said.rpartition(b"HTTP/1.1 ")[2].startswith(status), said
    assert (said == b"") is (status == b"")


@pytest.mark.slow
def test_a_client_in_time_is_not_disturbed(hurried: Served) -> None:
    """Between two requests a connection may wait longer than a request may take."""
    with closing(hurried.connect()) as connection:
        for wait in (0, 2.5):
            time.sleep(wait)
            connection.sendall(request("/x"))
            assert answer(connection).startswith(b"HTTP/1.1 200 ")


# Too much at once


@pytest.fixture
def few() -> Iterator[Served]:
    yield from with_limits(connections=5)


@pytest.mark.covers("server.too-much")
def test_too_many_connections_cost_the_idle_ones_their_place(few: Served) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(closing(few.connect())) for _ in range(5)]
        time.sleep(0.2)
        assert few.say(request("/x", CLOSE)).startswith(b"HTTP/1.1 200 ")
        assert idle[0].recv(10) == b"", "the one that idles longest"


@pytest.mark.covers("server.too-much")
def test_connections_above_the_limit_are_told_to_come_again_and_health_is_answered(few: Served) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            busy = stack.enter_context(closing(few.connect()))
            busy.sendall(request("/x", "Content-Length: 5", method="POST"))
        time.sleep(0.2)
        said = few.say(request("/x", CLOSE))
        assert said.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in said
        assert few.say(request(LIVE, CLOSE)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.covers("server.too-much")
def test_too_many_long_bodies_are_told_to_come_again() -> None:
    server = Served(Echo(), held=1_500)
    try:
        with closing(server.connect()) as slow:
            slow.sendall(request("/x", "Content-Length: 1000", method="POST") + b"x" * 900)
            time.sleep(0.2)
            said = server.say(request("/x", CLOSE, method="POST", body=b"x" * 700))
            assert said.startswith(b"HTTP/1.1 503 "), said
            assert server.say(request("/x", CLOSE, method="POST", body=b"x" * 500)).startswith(b"HTTP/1.1 200 ")
            slow.sendall(b"x" * 100)
            assert answer(slow).startswith(b"HTTP/1.1 200 ")
        assert server.say(request("/x", CLOSE, method="POST", body=b"x" * 700)).startswith(b"HTTP/1.1 200 ")
    finally:
        server.close()


class Held:
    """An application whose requests wait until they are let go; ``waits`` are how many do."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.waits = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"].endswith("wait"):
            self.waits += 1
            assert self.go_on.wait(20)
        start_response("200 OK", [])
        return [threading.current_thread().name.encode()]


@pytest.mark.covers("server.too-much")
def test_requests_beyond_those_that_may_wait_are_told_to_come_again() -> None:
    app = Held()
    server = Served(app, threads=1, waiting=1)
    try:
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(server.say, request("/wait", CLOSE)) for _ in range(2)]
            until(lambda: server.bridge.busy == 2, "they do not come")
            said = server.say(request("/x", CLOSE))
            assert said.startswith(b"HTTP/1.1 503 ") and b"Retry-After" in said
            assert server.say(request(LIVE, CLOSE)).startswith(b"HTTP/1.1 200 ")
            app.go_on.set()
            assert all(one.result().startswith(b"HTTP/1.1 200 ") for one in both)
        assert server.say(request("/x", CLOSE)).startswith(b"HTTP/1.1 200 ")
    finally:
        app.go_on.set()
        server.close()


@pytest.mark.covers("demo.intake")
def test_requests_that_call_the_server_have_threads_of_their_own_and_too_many_are_refused() -> None:
    app = Held()
    server = Served(app, threads=1, callers={"/outer": 2})
    try:
        assert server.say(request("/outermost", CLOSE)).endswith(b"worker_0")
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(server.say, request("/outer/wait", CLOSE)) for _ in range(2)]
            until(lambda: app.waits == 2, "they do not come")
            said = server.say(request("/outer/page", CLOSE))
            assert said.startswith(b"HTTP/1.1 503 ") and b"try again" in said
            assert server.say(request("/inner", CLOSE)).endswith(b"worker_0"), "others are served meanwhile"
            app.go_on.set()
            assert all(b"caller/outer" in one.result() for one in both)
        assert server.say(request("/outer", CLOSE)).startswith(b"HTTP/1.1 200 "), "the places are free again"
    finally:
        app.go_on.set()
        server.close()


# The end


def test_a_server_in_a_thread_ends_when_told_to_and_answers_what_is_under_way() -> None:
    app = Held()
    server = Served(app)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.say, request("/wait"))
        until(lambda: app.waits == 1, "it does not come")
        threading.Timer(0.2, app.go_on.set).start()
        server.close()
        said = waiting.result()
    assert said.startswith(b"HTTP/1.1 200 ") and b"connection: close" in said.lower()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def connects(server: Served) -> bool:
    server.connect().close()
    return True


@pytest.mark.covers("server.reload")
@pytest.mark.slow
def test_a_worker_that_leaves_asks_clients_to_connect_anew() -> None:
    server = Served(Echo())
    with closing(server.connect()) as kept, closing(server.connect()) as idle:
        for connection in (kept, idle):
            connection.sendall(request("/x"))
            assert b"close" not in answer(connection)
        server.worker.leave()
        with pytest.raises(ConnectionRefusedError):
            until(lambda: not connects(server), "it still takes connections")
        kept.sendall(request("/x"))
        assert b"\r\nConnection: close" in everything(kept)
        assert idle.recv(10) == b"", "closed after a while"
    server.thread.join(60)
    server.close()


class _Hasty:
    """Answers, and says by which thread; while ``busy`` only to those that can wait."""

    def __init__(self) -> None:
        self.busy = False
        self.hasty = False
        self.threads: list[str] = []

    @contextmanager
    def in_haste(self) -> Iterator[None]:
        self.hasty = True
        try:
            yield
        finally:
            self.hasty = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        environ["PATH_INFO"] = "/changed"
        self.threads.append(threading.current_thread().name)
        if self.busy and self.hasty:
            raise BusyError("others write")
        start_response("200 OK", [])
        return [body]


@pytest.mark.covers("server.doors")
def test_short_work_is_done_at_once_and_by_a_thread_where_it_would_wait() -> None:
    """What was tried in vain is tried again with the request as it came."""
    app = _Hasty()
    served = Served(app, front=Front(app, [], str, lambda _method, path: path == "/short", app.in_haste))
    try:
        for busy, path in ((False, "/short"), (True, "/short"), (False, "/long")):
            app.busy = busy
            assert served.say(request(path, CLOSE, method="POST", body=b"all of it")).endswith(b"\r\n\r\nall of it")
    finally:
        served.close()
    at_once, tried, again, long = app.threads
    assert at_once == tried == served.thread.name
    assert again.startswith("worker") and long.startswith("worker")


@pytest.mark.covers("server.windows")
def test_a_listener_that_is_closed_under_the_loop_is_made_anew(served: Served) -> None:
    """As asyncio does it on Windows, when a client has gone again before it was taken."""
    (listener,) = served.worker._listeners
    loop = served.worker._loop
    assert loop is not None

    def close() -> None:
        loop.remove_reader(listener.socket.fileno())
        listener.socket.close()

    loop.call_soon_threadsafe(close)
    until(lambda: listener.socket.fileno() < 0, "it is not closed")

    def answers() -> bool:
        try:
            return served.say(request("/x", CLOSE)).startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False

    until(answers, "it takes no connections any more")
