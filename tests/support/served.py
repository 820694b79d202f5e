"""A small WSGI application behind our own server, in a thread of the test's process; spoken to by raw sockets."""

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any
from wsgiref.types import WSGIApplication

from mock_sts.server.bridge import Bridge
from mock_sts.server.front import Front
from mock_sts.server.limits import Limits
from mock_sts.server.ports import bound_sockets
from mock_sts.server.worker import Listener, Worker
from mock_sts.web.http import BODY_FAULT


class Echo:
    """Answers with what it got, and keeps the environments of all requests."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        fault = environ.get(BODY_FAULT)
        body = environ["wsgi.input"].read()
        self.seen.append({**environ, "body": body})
        status = "200 OK" if fault is None else f"{fault.status} {fault.title}"
        said = body if fault is None else fault.why.encode()
        start_response(status, [("Content-Type", "text/plain"), ("DPoP-Nonce", "n"), ("WWW-Authenticate", "DPoP")])
        return [environ["PATH_INFO"].encode("latin-1"), b" ", said]


class Served:
    """``app`` on a free port, until closed."""

    def __init__(
        self,
        app: WSGIApplication,
        *,
        threads: int = 2,
        max_body: int = 1_000,
        callers: Mapping[str, int] | None = None,
        tls: ssl.SSLContext | None = None,
        front: Front | None = None,
        **limits: Any,
    ) -> None:
        self.bridge = Bridge(
            front or Front(app, [], str),
            threads=threads,
            max_body=max_body,
            callers=callers or {},
            limits=Limits(**limits),
        )
        (bound,) = bound_sockets("127.0.0.1", 0, 1)
        self.port: int = bound.getsockname()[1]
        self.worker = Worker(self.bridge, [Listener(bound, tls)])
        ready = threading.Event()
        self.thread = threading.Thread(target=self.worker.run, args=(ready.set,))
        self.thread.start()
        assert ready.wait(20)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def say(self, *pieces: bytes, end: bool = False) -> bytes:
        """All that comes back on a connection of its own for these bytes; with ``end`` no more are announced."""
        with closing(self.connect()) as connection:
            for piece in pieces:
                connection.sendall(piece)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return everything(connection)

    def close(self) -> None:
        self.worker.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.bridge.close()


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            found += piece
    return found


def answer(connection: socket.socket) -> bytes:
    """One answer with a Content-Length, or without a body."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(65_536)
        assert piece, found
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0)
    while len(body) < length:
        piece = connection.recv(65_536)
        assert piece, found
        body += piece
    return head + b"\r\n\r\n" + body


def request(path: str = "/x", *lines: str, method: str = "GET", body: bytes = b"", version: str = "1.1") -> bytes:
    """The bytes of a request; its length is written where it has a body."""
    length = [f"Content-Length: {len(body)}"] if body else []
    head: Sequence[str] = (f"{method} {path} HTTP/{version}", "Host: localhost", *length, *lines, "", "")
    return "\r\n".join(head).encode("latin-1") + body


def silence_uvicorn() -> None:
    """Nothing of uvicorn's own log is part of a test."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
