"""What a request costs in the process, for one change after the other: ``make bench-inside``.

The served way but for the sockets: bytes go into the connection as from asyncio, and come out of a transport that keeps
them. A machine with other work does not change the result much: what counts is CPU time, the least of many repeats, and
counts that are always the same: calls of Python, statements of SQLite. Signing and its noise are taken out where
``--unsigned`` says so. Requests are signed before the clock runs, each is used once.
"""

import argparse
import asyncio
import cProfile
import logging
import pstats
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from uvicorn.config import Config

from bench.floor import floor_seconds
from bench.peers.client import AUTHORIZE, REDIRECT_URI, TOKEN, WEB, Answer, Client, PreparedLogin, http
from mock_sts.app import Application
from mock_sts.protocol import jose
from mock_sts.server.bridge import Bridge
from mock_sts.server.connections import KEEP_ALIVE, Connections
from mock_sts.server.limits import Limits
from mock_sts.settings.settings import from_environ
from mock_sts.setup import prepare_store
from tests.support.emulator import register

PORT = 8080


class _Socket:
    def setsockopt(self, *_: object) -> None: ...

    def getpeername(self) -> tuple[str, int]:
        return ("127.0.0.1", 40_000)

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", PORT)


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"socket": _Socket(), "peername": ("127.0.0.1", 40_000), "sockname": ("127.0.0.1", PORT)})
        self.written: list[bytes] = []
        self.wrote = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))
        self.wrote.set()

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...


class Inside:
    """The server in this process, with one connection."""

    def __init__(self, folder: Path) -> None:
        settings = from_environ({}, {"database_url": f"sqlite:///{folder / 'store.sqlite'}", "port": str(PORT)})
        prepare_store(settings)
        self.client = Client()
        self.application = Application(settings)
        self.store = self.application.server.store
        for registration in self.client.registrations:
            members = {name: value for name, value in registration.items() if value and name != "jwks"}
            organization = {"tenancy": "single-tenant", "organization": "213000012"}
            register(self.store, members.pop("client_id"), registration["jwks"]["keys"], **members, **organization)
        bridge = Bridge(self.application.front, threads=4, max_body=settings.max_body, callers={}, limits=Limits())
        config = Config(
            bridge,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        config.load()
        bridge.connections = connections = Connections(config, most=100, timeout=30, at_once=bridge.at_once)
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self._transport = _Transport()
        self._connection = self.loop.run_until_complete(_made(connections.factory(tls=False)))
        self._connection.connection_made(self._transport)

    async def _sent(self, request: bytes) -> bytes:
        written = self._transport.written
        written.clear()
        self._connection.data_received(request)
        while not written or not self._connection.is_idle:
            self._transport.wrote.clear()
            await self._transport.wrote.wait()
        return b"".join(written)

    async def _all_sent(self, requests: list[bytes]) -> list[bytes]:
        return [await self._sent(request) for request in requests]

    def send(self, request: bytes) -> Answer:
        return Answer.parse(self.loop.run_until_complete(self._sent(request)))

    def seconds(self, requests: list[bytes], expected: int) -> float:
        """CPU seconds of each of ``requests``, the answers looked at."""
        begun = time.process_time()
        answers = self.loop.run_until_complete(self._all_sent(requests))
        taken = time.process_time() - begun
        for answer in answers:
            assert Answer.parse(answer).status == expected, answer
        return taken / len(requests)

    def calls(self, request: bytes) -> tuple[int, int]:
        """How many functions a request calls: those in Python, those in C."""
        counts = {"call": 0, "c_call": 0}

        def seen(_frame: object, event: str, _of: object) -> None:
            if event in counts:
                counts[event] += 1

        threading.setprofile(seen)
        sys.setprofile(seen)
        try:
            self.send(request)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        return counts["call"], counts["c_call"]

    def statements(self, request: bytes) -> list[str]:
        """What the database gets for a request, where no thread takes it over."""
        told: list[str] = []
        connections = [kept.connection for kept in self.store._kept]  # type: ignore[attr-defined]
        for connection in connections:
            connection.set_trace_callback(told.append)
        self.send(request)
        for connection in connections:
            connection.set_trace_callback(None)
        return told


async def _made(make: Callable[[], Any]) -> Any:
    return make()


class Requests:
    """The requests of each kind, made so that each is good once."""

    def __init__(self, inside: Inside) -> None:
        self._inside, self._client = inside, inside.client
        found = inside.send(self._client.token_request(PORT, None)).headers("dpop-nonce")
        self._nonce = found[0]
        self.expected = {"token": 200, "challenge": 400, "push": 201, "authorize": 303, "code": 200}

    def of(self, kind: str, count: int) -> list[bytes]:
        if kind == "token":
            return [self._client.token_request(PORT, self._nonce) for _ in range(count)]
        if kind == "challenge":
            return [self._client.token_request(PORT, None) for _ in range(count)]
        logins = [self._client._login(PORT, self._nonce) for _ in range(count)]
        if kind == "push":
            return [login.pushed for login in logins]
        authorize = [self._authorize(login) for login in logins]
        if kind == "authorize":
            return authorize
        return [self._code(login, request) for login, request in zip(logins, authorize, strict=True)]

    def _authorize(self, login: PreparedLogin) -> bytes:
        pushed = self._inside.send(login.pushed)
        return http(PORT, "GET", f"{AUTHORIZE}?client_id={WEB}&request_uri={pushed.member('request_uri')}")

    def _code(self, login: PreparedLogin, authorize: bytes) -> bytes:
        location = self._inside.send(authorize).headers("location")[0]
        assert location.startswith(REDIRECT_URI), location
        code = unquote(location.partition("code=")[2].partition("&")[0])
        return http(PORT, "POST", TOKEN, {**login.form, "code": code}, {"DPoP": login.proof})


@contextmanager
def unsigned() -> Iterator[None]:
    """Without the one signature that costs more than all else, and its noise."""
    original = jose.PrivateKey._signature_of
    jose.PrivateKey._signature_of = lambda _key, _text: b"s" * 384  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        jose.PrivateKey._signature_of = original  # type: ignore[method-assign]


def least(inside: Inside, requests: Requests, kind: str, repeats: int, each: int) -> tuple[float, float]:
    """The least CPU seconds of a request among ``repeats``, and their median."""
    batches = [requests.of(kind, each) for _ in range(repeats)]
    taken = [inside.seconds(batch, requests.expected[kind]) for batch in batches]
    return min(taken), statistics.median(taken)


def report(inside: Inside, kinds: list[str], repeats: int, each: int, *, signed: bool) -> None:
    requests = Requests(inside)
    for kind in kinds:
        inside.seconds(requests.of(kind, 20), requests.expected[kind])  # what is kept is there from here on
    floor = floor_seconds(100) if signed else 0.0
    if signed:
        print(f"floor: {floor * 1e6:.0f} µs")
    print("request       µs CPU, least  median  x floor   calls in Python + in C  statements")
    for kind in kinds:
        best, middle = least(inside, requests, kind, repeats, each)
        python, c = inside.calls(requests.of(kind, 1)[0])
        statements = inside.statements(requests.of(kind, 1)[0])
        times = f"{best / floor:7.2f}" if signed and kind == "token" else " " * 7
        print(f"{kind:12} {best * 1e6:14,.0f} {middle * 1e6:7,.0f}  {times} {python:13,} + {c:5,} {len(statements):11}")


def profile(inside: Inside, kind: str, count: int, order: str) -> None:
    requests = Requests(inside)
    inside.seconds(requests.of(kind, 20), requests.expected[kind])
    batch = requests.of(kind, count)
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    inside.seconds(batch, requests.expected[kind])
    profiler.disable()
    pstats.Stats(profiler).sort_stats(order).print_stats(70)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description=__doc__)
    parser.add_argument("--kinds", default="token,challenge,push,authorize,code", help="which requests")
    parser.add_argument("--repeats", type=int, default=600)
    parser.add_argument("--each", type=int, default=1, help="requests in each repeat")
    parser.add_argument("--unsigned", action="store_true", help="without our own signature")
    parser.add_argument("--profile", metavar="KIND", help="print where the time of one kind goes instead")
    parser.add_argument("--sort", default="tottime", help="how the profile is sorted")
    parser.add_argument("--statements", metavar="KIND", help="print the statements of one kind instead")
    of = parser.parse_args()
    logging.getLogger("mock_sts").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        inside = Inside(Path(folder))
        inside.application.flask()
        if of.statements:
            requests = Requests(inside)
            inside.seconds(requests.of(of.statements, 3), requests.expected[of.statements])
            print("\n".join(inside.statements(requests.of(of.statements, 1)[0])))
        elif of.profile:
            with unsigned():
                profile(inside, of.profile, 500, of.sort)
        elif of.unsigned:
            with unsigned():
                report(inside, of.kinds.split(","), of.repeats, of.each, signed=False)
        else:
            report(inside, of.kinds.split(","), of.repeats, of.each, signed=True)


if __name__ == "__main__":
    main()
