"""From the event loop to the WSGI application: bodies are read by the loop, work is done by a few threads.

A request reaches a thread when it has come whole, so that a slow client holds none. What only waits is answered by the
loop. Threads are made once and never end before their process, for what they keep (database connections) must not be
closed while a thread ends.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

from mock_sts.server.answers import Answer, error_answer, json_answer
from mock_sts.server.connections import CLOSE, CONNECTION, TURN, Connection, Connections, Fault
from mock_sts.server.front import Front
from mock_sts.server.intake import too_long, too_short
from mock_sts.server.limits import Limits
from mock_sts.store.database import BusyError
from mock_sts.web.disturbance import DISTURBANCE, IN_HASTE, Disturbance
from mock_sts.web.http import BODY_FAULT, HttpError

LOG = logging.getLogger("mock_sts")
ACCESS = logging.getLogger("mock_sts.access")

#: Answered by the loop itself: it shall tell that the process lives when all threads are busy.
LIVE = "/health/live"

#: Bytes of a body over the limit that are read only to be thrown away.
_MAX_DISCARDED = 16 * 1024 * 1024

#: Where the scope of a request says that it was tried in haste, in vain.
_TRIED = "mock_sts.tried"

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]


class TooMuchAtOnceError(Exception):
    """The process has more to do than it takes; the text says of what."""


class Bridge:
    """ASGI application in front of the WSGI application ``front``, whose steps it takes by itself.

    ``threads`` work at once. ``callers`` are paths whose requests call the server themselves, each with how many may be
    at work at once: they would wait for a thread while they hold one, so they have threads of their own.
    """

    def __init__(
        self,
        front: Front,
        *,
        threads: int,
        max_body: int,
        callers: Mapping[str, int],
        limits: Limits,
        log_requests: bool = False,
    ) -> None:
        self.limits = limits
        self._front = front
        self._max_body = max_body
        self._log_requests = log_requests
        self._workers = _Threads("worker", threads, limits.waiting)
        # A request that waits for a place might wait for one that needs that place to go on: so there is no queue.
        self._callers = [(path, _Threads(f"caller{path}", places, 0)) for path, places in callers.items()]
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._held = 0
        self.connections: Connections | None = None
        #: Has the process take no connections for so many seconds.
        self.close_port: Callable[[float], None] = lambda _seconds: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        begun = time.perf_counter() if self._log_requests else 0.0
        connection: Connection = scope[CONNECTION]
        reading = _Reading(self, scope, receive, self._max_body)
        try:
            status, headers, body = await self._answer(scope, connection, reading)
        except _GoneError:
            return
        except TooMuchAtOnceError as error:
            status = 503
            _, headers, body = error_answer(status, f"{error}; try again in a moment")
        finally:
            self._held -= reading.held
        if not reading.is_complete:
            headers = [*headers, CLOSE]
        answer = self._logged(scope, begun, (status, headers, body))
        if DISTURBANCE in scope:
            await connection.answer_badly(scope[TURN], answer, scope[DISTURBANCE])
        else:
            await connection.answer(scope[TURN], answer)

    def at_once(self, scope: Scope, body: bytes) -> Answer | None:
        """The answer to a request that has come whole with ``body``, where it is short work and waits for no other;
        else None, and then nothing has come of it.
        """
        begun = time.perf_counter() if self._log_requests else 0.0
        if len(body) > self._max_body:
            return None
        front, environ = self._front, _environ(scope)
        path = front.take_steps(environ)
        if path == LIVE and scope["method"] == "GET":
            answer: Answer | None = json_answer(200, {"status": "live"})
        elif front.is_short(scope["method"], path):
            answer = _in_haste(front, environ, body)
            scope[_TRIED] = answer is None
        else:
            return None
        return None if answer is None else self._logged(scope, begun, answer)

    def _logged(self, scope: Scope, begun: float, answer: Answer) -> Answer:
        """``answer``, with a line in the log where requests have one; a process that is leaving asks clients to go."""
        status, headers, body = answer
        if self.connections is not None and self.connections.leaving and CLOSE not in headers:
            headers = [*headers, CLOSE]
        if self._log_requests:
            taken = (time.perf_counter() - begun) * 1000
            ACCESS.info("%s %r %d %.1f ms", scope["method"], scope["path"], status, taken)
        return status, headers, body

    async def _answer(self, scope: Scope, connection: Connection, reading: "_Reading") -> Answer:
        environ = _environ(scope)
        front = self._front
        path = front.take_steps(environ)
        if path == LIVE and scope["method"] == "GET":
            reading.is_complete = True  # what it may have for a body is passed over
            return json_answer(200, {"status": "live"})
        try:
            body = await reading.body()
        except HttpError as fault:
            environ[BODY_FAULT] = fault
            body = b""
        if connection.turned_away:
            raise TooMuchAtOnceError("too many connections are open")
        if front.is_short(scope["method"], path) and not scope.get(_TRIED):
            # The application changes what it is given, and what was tried in vain is tried again by a thread.
            answer = _in_haste(front, environ.copy(), body)
            if answer is not None:
                return answer
        threads = next((t for at, t in self._callers if path == at or path.startswith(f"{at}/")), self._workers)
        disturbance = environ[DISTURBANCE] = Disturbance()
        answer = await threads.run(lambda: _called_with(front.app, environ.copy(), body))
        while disturbance.wait:
            seconds, disturbance.wait = disturbance.wait, 0.0
            await asyncio.sleep(seconds)
            answer = await threads.run(lambda: _called_with(front.app, environ.copy(), body))
        if disturbance.breaks:
            scope[DISTURBANCE] = disturbance
        if disturbance.close_port:
            self.close_port(disturbance.close_port)
        return answer

    @property
    def busy(self) -> int:
        """Requests that are at work or wait for a thread."""
        return sum(threads.taken for threads in (self._workers, *(threads for _, threads in self._callers)))

    def renew(self, front: Front) -> None:
        """Have requests that come from now on answered by ``front``."""
        self._front = front

    def do_aside(self, work: Callable[[], None]) -> None:
        """Have ``work`` done beside the requests, by a thread that does not end with it."""
        self._aside.submit(work)

    def close(self) -> None:
        """End the threads, once no request is under way; for a program that goes on."""
        self._aside.shutdown()
        for threads in (self._workers, *(threads for _, threads in self._callers)):
            threads.close()

    def hold(self, size: int) -> bool:
        """Count bytes of a body that is being read; False when the process holds too many already."""
        if self._held + size > self.limits.held:
            return False
        self._held += size
        return True


class _GoneError(Exception):
    """The client has gone."""


class _Threads:
    """A few threads, and how many requests may wait for one of them."""

    def __init__(self, name: str, count: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._most = count + waiting
        self.taken = 0

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """What ``work`` returns, called in one of the threads. Raises TooMuchAtOnceError."""
        if self.taken >= self._most:
            raise TooMuchAtOnceError("too many requests at once")
        self.taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self.taken -= 1

    def close(self) -> None:
        """End them."""
        self._pool.shutdown()


class _Reading:
    """The reading of one body. ``held`` are its bytes that count as held; ``is_complete`` says that it has ended."""

    def __init__(self, bridge: Bridge, scope: Scope, receive: Receive, most: int) -> None:
        self._bridge = bridge
        self._scope = scope
        self._receive = receive
        self._most = most
        self.held = 0
        self.is_complete = False

    async def body(self) -> bytes:
        """The whole body. One that is refused for its length is read all the same, within reason: a client that is
        still sending would find the connection closed, not the answer that says why.

        Raises HttpError for one that is too long, ends too early or does not come in time, TooMuchAtOnceError when
        the process holds too much already, _GoneError when the client has gone.
        """
        body, thrown_away, more = b"", 0, True
        refusal: Exception | None = None
        while more and thrown_away <= _MAX_DISCARDED:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            more = message["more_body"]
            piece = message["body"]
            if refusal is None:
                if len(body) + len(piece) > self._most:
                    refusal = too_long(self._most)
                elif not self._bridge.hold(len(piece)):
                    refusal = TooMuchAtOnceError("too many long bodies are on their way")
                else:
                    self.held += len(piece)
                    body = body + piece if body else piece
                    continue
            thrown_away += len(piece)
            body = b""
        fault = self._scope[CONNECTION].fault
        if refusal is None and fault is Fault.LATE:
            refusal = HttpError(408, "Request Timeout", "the body did not come in time")
        if refusal is None and fault is Fault.CUT:
            declared = dict(self._scope["headers"]).get(b"content-length")
            of = f" of {declared.decode('latin-1')}" if declared else " and before its end"
            refusal = too_short(len(body), of)
        self.is_complete = not more and fault is None
        if refusal is not None:
            raise refusal
        return body


def _in_haste(front: Front, environ: dict[str, Any], body: bytes) -> Answer | None:
    """The answer to short work, done in this thread: the change to another and back costs as much as much of it. None
    where it would have to wait; then nothing has come of it.
    """
    haste = front.in_haste()
    if haste is None:
        return None
    _give_body(environ, body)
    environ[IN_HASTE] = True
    try:
        with haste:
            return _called(front.app, environ)
    except BusyError:
        return None


def _called_with(app: WSGIApplication, environ: dict[str, Any], body: bytes) -> Answer:
    """What ``app`` answers to a request with ``body``."""
    _give_body(environ, body)
    return _called(app, environ)


def _give_body(environ: dict[str, Any], body: bytes) -> None:
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


def _called(app: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """What ``app`` answers."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], Any]:
        started[:] = [int(status.split(" ", 1)[0]), headers]
        return _no_write

    pieces: Iterable[bytes] = app(environ, start_response)
    try:
        body = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    status, headers = started
    if status in (204, 304):
        return status, headers, body
    for name, _ in headers:
        if name.lower() == "content-length":
            return status, headers, body
    return status, [*headers, ("Content-Length", str(len(body)))], body


def _no_write(_: bytes) -> None:
    raise RuntimeError("the application answers with what it returns")


def _environ(scope: Scope) -> dict[str, Any]:
    """The WSGI environment of a request, without its body (PEP 3333: bytes travel as ISO-8859-1)."""
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = _environ_name(name)
        if not key:
            continue
        text = value.decode("latin-1")
        if key in environ:
            # RFC 9110 section 5.3, and RFC 6265 section 5.4 for cookies.
            environ[key] += f"{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        else:
            environ[key] = text
    return environ


@lru_cache(maxsize=512)
def _environ_name(name: bytes) -> str:
    """How WSGI calls a header; empty for one with ``_``, which would be taken for another with ``-``."""
    text = name.decode("latin-1")
    if "_" in text:
        return ""
    key = text.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
