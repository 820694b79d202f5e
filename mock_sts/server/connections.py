"""Connections: uvicorn's HTTP/1.1 protocol, with limits of size and time for what clients send.

uvicorn parses, and takes requests in their order. Added here: a request must be there in time, its head has a longest
length, a body that ends too early is not taken for a whole one, a connection too many gets an answer, and TLS on the
port for http is recognised. Idle connections cost no thread.

Two things are done otherwise than by uvicorn, for they take a fifth of the time of a token. A request that comes whole
in one piece and is short work is answered as soon as it is parsed, without a task of asyncio. And an answer leaves in
one piece, head and body together.
"""

import asyncio
import logging
import re
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from enum import Enum
from typing import Any, cast
from weakref import WeakSet

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mock_sts.server.answers import Answer, raw_answer
from mock_sts.web.disturbance import Disturbance

LOG = logging.getLogger("mock_sts")

#: Where the scope of a request names its connection, and there its turn.
CONNECTION, TURN = "mock_sts.connection", "mock_sts.turn"

#: Answers a request that has come whole, by scope and body, or gives None where that takes a while.
AtOnce = Callable[[dict[str, Any], bytes], Answer | None]

#: Asks the client for a new connection; this one ends.
CLOSE = ("Connection", "close")

#: What must not stand in a line of a header; an answer that has it would be taken for two.
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

#: The name of a header that asks for another protocol.
_UPGRADE = re.compile(rb"\r\nupgrade(?=:)", re.IGNORECASE)

#: Bytes of request line and headers together that are read; ASP.NET's chunked cookies and signed requests are long.
MAX_HEAD = 128 * 1024

#: Seconds for which a connection may wait for its next request: longer than the pools of common clients keep theirs
#: (.NET 60, Go 90), so that it is they who close first and no request meets a connection that is being closed.
KEEP_ALIVE = 120

#: Connections above the limit that still get that answer, and health answered, before more are closed without a word.
_TURNED_AWAY = 256

#: Seconds for which a client may still send after an answer that ends its connection.
_FAREWELL = 1.0


class Fault(Enum):
    """What is wrong with how a body came."""

    CUT = "cut"
    LATE = "late"


class Connections:
    """All connections of one process, and what limits them.

    ``most`` is how many may be open, ``timeout`` the seconds within which a request must have come, ``at_once`` answers
    what need not wait for a task.
    """

    def __init__(self, config: Config, *, most: int, timeout: float, at_once: AtOnce) -> None:
        self.most = most
        self.timeout = timeout
        self.at_once = at_once
        self.leaving = False
        #: The line of an answer that tells the time.
        self.date = b""
        self._config = config
        self._state = ServerState()
        # Those whose TLS handshake is under way; where one fails, asyncio drops the object without a word.
        self._arriving: WeakSet[Connection] = WeakSet()
        self.tick()

    def __len__(self) -> int:
        return len(self._state.connections)

    def factory(self, *, tls: bool) -> Callable[[], "Connection"]:
        """Makes the protocol of each new connection to a port, which speaks TLS or does not."""

        def make() -> Connection:
            made = Connection(self, self._config, self._state, tls=tls)
            self._arriving.add(made)
            return made

        return make

    def has_arrived(self, connection: "Connection") -> None:
        """To be called when the handshake of ``connection`` is done."""
        self._arriving.discard(connection)

    def tick(self) -> None:
        """To be called about once a second: gives answers their date, and ends what has waited too long."""
        self.date = f"Date: {formatdate(usegmt=True)}\r\n".encode()
        now = time.monotonic()
        for connection in self._all():
            if connection.deadline <= now:
                connection.expire()

    def make_room(self, newest: "Connection") -> bool:
        """Whether ``newest`` has a place; where there is none, one that idles gives up its own."""
        if len(self) <= self.most:
            return True
        idle = min(
            (one for one in self._all() if one.is_idle and one is not newest), key=lambda one: one.since, default=None
        )
        if idle is not None:
            idle.transport.close()
        return idle is not None

    @property
    def is_overfull(self) -> bool:
        """Whether so many are open that new ones are closed without a word."""
        return len(self) > self.most + _TURNED_AWAY

    def close_idle(self) -> None:
        """End those that wait for a request, but those that have just come: their first one is on its way."""
        for connection in self._all():
            if connection.is_idle and not connection.has_just_come:
                connection.transport.close()

    def abort(self) -> None:
        """End all, whatever is under way."""
        for connection in self._all():
            connection.transport.abort()

    def ages(self) -> list[float]:
        """For how many seconds each request that is not answered has been here."""
        now = time.monotonic()
        under_way = [one for one in self._all() if not one.is_idle or one.has_just_come]
        return [now - connection.since for connection in (*under_way, *self._arriving)]

    def _all(self) -> list["Connection"]:
        return cast("list[Connection]", list(self._state.connections))


class Connection(HttpToolsProtocol):
    """One connection. ``since`` is when its request began, or when it began to wait for one."""

    def __init__(self, connections: Connections, config: Config, state: ServerState, *, tls: bool) -> None:
        super().__init__(config, state, {})
        # RFC 9112 section 6.3: where a length stands beside chunks, the chunks tell where the body ends.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True, lenient_chunked_length=True)
        self._connections = connections
        self._tls = tls
        self._head = 0
        self._in_head = False
        self._is_deaf = False
        self._is_new = True
        # While a piece is parsed: the turn that begins with it.
        self._is_parsing = False
        self._begun: RequestResponseCycle | None = None
        self.turned_away = False
        self.fault: Fault | None = None
        self.since = time.monotonic()
        self.deadline = self.since + connections.timeout

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way, save one whose head has not come yet."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    @property
    def has_just_come(self) -> bool:
        """Whether the client has connected a moment ago and sent nothing yet."""
        return self._is_new and time.monotonic() - self.since < _FAREWELL

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        self._connections.has_arrived(self)
        super().connection_made(transport)
        # asyncio does this only for sockets that name their protocol. Without it head and body of an answer, which are
        # two writes, wait for each other: 40 ms for each request but the first of a connection.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._connections.make_room(self):
            self.turned_away = True
            if self._connections.is_overfull:
                transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self.deadline = float("inf")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        if self._is_deaf:
            return
        if not self._tls and self._is_new and data[:2] == b"\x16\x03":
            self._refuse_tls()
            return
        self._is_new = False
        if b"pgrade:" in data:
            data = self._without_upgrade(data)
        self._head += len(data)
        self._is_parsing = True
        try:
            super().data_received(data)
        finally:
            self._is_parsing = False
            begun, self._begun = self._begun, None
        if begun is not None and not self._is_answered(begun):
            self._start_asgi_task(begun, self.app)
        if self._in_head and self._head > MAX_HEAD and not self._is_deaf:
            self._say_farewell(431, f"request line and headers together are longer than {MAX_HEAD} bytes")

    def _without_upgrade(self, data: bytes) -> bytes:
        """``data`` with no wish in a request's head for another protocol (RFC 9110 section 7.8: it may be passed over).

        The parser would take what comes after the head for that protocol, and the body would be lost: Java's HttpClient
        asks for HTTP/2 with every first request.
        """
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body and not self._in_head:
            return data
        head, end, rest = data.partition(b"\r\n\r\n")
        return _UPGRADE.sub(b"\r\nX-Upgrade", head) + end + rest

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. What it has asked for whole is still answered."""
        if self.is_idle or self._tls:  # TLS knows no connection that is half closed
            return None
        self.cycle.keep_alive = False
        self._give_up(Fault.CUT)
        return True

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[CONNECTION] = self
        self._in_head = True
        if self.is_idle:
            self._begin_waiting()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head = False
        self._head = 0
        self.fault = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is there as a whole."""
        self._head = 0
        self.deadline = float("inf")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It has been answered; the next one may be on its way already, or here."""
        if self._in_head or self.cycle.more_body:
            self._begin_waiting()
        elif self.is_idle:
            # In place of uvicorn's timer, of which each request makes one and ends one.
            self.deadline = time.monotonic() + self.timeout_keep_alive
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to answer; not before what has come is parsed, for that may be all of it."""
        if self._is_parsing:
            self._begun = cycle
            return
        scope: dict[str, Any] = cycle.scope  # type: ignore[assignment]
        scope[TURN] = cycle
        super()._start_asgi_task(cycle, app)

    def _is_answered(self, turn: RequestResponseCycle) -> bool:
        """Whether ``turn`` could be answered at once. What is odd about it, or has to wait, is a matter for a task."""
        if (
            turn.more_body
            or turn.disconnected
            or turn.waiting_for_100_continue
            or self.pipeline
            or self.turned_away
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            return False
        scope: dict[str, Any] = turn.scope  # type: ignore[assignment]
        answer = self._connections.at_once(scope, bytes(turn.body))
        if answer is None:
            return False
        self._write(turn, *answer)
        return True

    async def answer(self, turn: RequestResponseCycle, answer: Answer) -> None:
        """Answer ``turn``, once the client has taken enough of earlier answers."""
        if self.flow.write_paused and not turn.disconnected:
            await self.flow.drain()
        if not turn.disconnected:
            self._write(turn, *answer)

    async def answer_badly(self, turn: RequestResponseCycle, answer: Answer, how: Disturbance) -> None:
        """Answer ``turn`` as a fault rule asks: not at all, not wholly, or with a pause in the middle of the body."""
        status, headers, body = answer
        half = len(body) // 2
        if how.drop:
            turn.keep_alive = False
            turn.response_started = turn.response_complete = True
            turn.message_event.set()
            self.transport.abort()
            return
        if how.cut:
            headers = [*headers, CLOSE]
        if not how.middle:
            await self.answer(turn, (status, headers, body[:half]))
            return
        # To the end of the pause the turn is under way: the next request of the connection waits for it.
        lines = [f"{name}: {value}".encode("latin-1") for name, value in headers]
        turn.response_started = True
        self.transport.write(
            b"".join((STATUS_LINE[status], self._connections.date, b"\r\n".join(lines), b"\r\n\r\n", body[:half]))
        )
        await asyncio.sleep(how.middle)
        turn.response_complete = True
        turn.message_event.set()
        if self.transport.is_closing():
            return
        self.transport.write(b"" if how.cut else body[half:])
        if how.cut or not turn.keep_alive:
            self.transport.close()
        turn.on_response()

    def _write(self, turn: RequestResponseCycle, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Write an answer in one piece; headers leave in the letters in which they are written.

        Their names mean the same in any (RFC 9110 section 5.1), but FHI's Fhi.HelseId.Web compares ``DPoP-Nonce``
        letter by letter.
        """
        if CLOSE in headers:
            turn.keep_alive = False
        elif not turn.keep_alive:
            headers = [*headers, CLOSE]
        lines = [f"{name}: {value}".encode("latin-1") for name, value in headers]
        turn.response_started = turn.response_complete = True
        turn.message_event.set()
        if _CONTROL.search(b"".join(lines)):
            LOG.error("an answer is not given, for a header of it holds control characters: %r", headers)
            self.transport.close()
            return
        if turn.scope["method"] == "HEAD":
            body = b""
        self.transport.write(
            b"".join((STATUS_LINE[status], self._connections.date, b"\r\n".join(lines), b"\r\n\r\n", body))
        )
        if not turn.keep_alive:
            self.transport.close()
        turn.on_response()

    def expire(self) -> None:
        """What was to come has not come in time."""
        self.deadline = float("inf")
        if not self.is_idle:
            self._give_up(Fault.LATE)
        elif self._in_head:
            self._say_farewell(408, f"the request did not come within {self._connections.timeout:g} seconds")
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP/1.1."""
        self._say_farewell(400, "this is not a request of HTTP/1.1")

    def _begin_waiting(self) -> None:
        self.since = time.monotonic()
        self.deadline = self.since + self._connections.timeout

    def _give_up(self, fault: Fault) -> None:
        """Let those who read the body know that no more of it comes."""
        if self.cycle.more_body:
            self.fault = fault
            self.cycle.more_body = False
            self.cycle.keep_alive = False
            self.cycle.message_event.set()

    def _refuse_tls(self) -> None:
        LOG.warning(
            "https was spoken to the port for http, from %s: use http:// for this port, or the port that "
            "MOCK_STS_TLS_PORT names",
            self.client[0] if self.client else "an unknown address",
        )
        self._is_deaf = True
        self.transport.close()

    def _say_farewell(self, status: int, description: str) -> None:
        """Answer, and close; not at once, for a client that is still sending would miss the answer."""
        self._is_deaf = True
        self.deadline = float("inf")
        if not self.is_idle:
            had_begun = self.cycle.response_started or bool(self.pipeline)
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if had_begun:
                self.transport.close()
                return
        self.transport.write(raw_answer(status, description))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_FAREWELL, self.transport.close)
