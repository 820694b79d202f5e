"""Drives a server over connections that are kept, and costs little itself: one thread, epoll, plain sockets.

A lane is one connection and what goes over it: a generator that gives requests and is sent the answers. All lanes run
at the same time, each with one request on its way.
"""

import gc
import select
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field

#: Gives a request, is sent the whole answer; an answer that did not come whole is ``b""``.
Lane = Generator[bytes, bytes, None]

PATIENCE = 30.0
_HEAD_END = b"\r\n\r\n"


@dataclass
class Tally:
    """What lanes found good and wrong."""

    good: int = 0
    failed: int = 0
    #: The first answer that was not the expected one.
    example: bytes = b""

    def fail(self, answer: bytes, count: int = 1) -> None:
        if not self.failed:
            self.example = answer or b"(the connection ended, or no answer came)"
        self.failed += count


@dataclass
class Driven:
    """One drive: seconds of each request, seconds of it all, CPU seconds of the driver."""

    latencies: list[float] = field(default_factory=list)
    wall: float = 0.0
    cpu: float = 0.0


def send_all(requests: Iterator[bytes], tally: Tally, expected: bytes = b"200") -> Lane:
    """A lane that takes the next of ``requests`` each time; several lanes share one iterator."""
    good = b"HTTP/1.1 " + expected
    for request in requests:
        answer = yield request
        if answer.startswith(good):
            tally.good += 1
        else:
            tally.fail(answer)


def is_whole(answer: bytes | bytearray) -> bool:
    """Whether an HTTP answer has come to its end."""
    end = answer.find(_HEAD_END)
    if end < 0:
        return False
    head = bytes(answer[:end]).lower()
    found = head.find(b"\r\ncontent-length:")
    if found >= 0:
        return len(answer) >= end + 4 + int(head[found + 17 :].partition(b"\r\n")[0])
    if b"\r\ntransfer-encoding: chunked" in head:
        return answer.endswith(b"0\r\n\r\n")
    return True  # 204, or a redirect without a body


class _Connection:
    """A lane, and the socket that it has now."""

    def __init__(self, port: int, lane: Lane, poll: select.epoll) -> None:
        self._port, self._lane, self._poll = port, lane, poll
        self._socket: socket.socket | None = None
        self.received = bytearray()
        self.begun = 0.0

    def step(self, move: Callable[[], bytes]) -> int | None:
        """Send the lane's next request; the socket's number, or None when the lane has ended."""
        try:
            request = move()
        except StopIteration:
            self.close()
            return None
        self.received.clear()
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._poll.register(self._socket.fileno(), select.EPOLLIN)
        self.begun = time.perf_counter()
        try:
            self._socket.sendall(request)
        except OSError:
            self.close()
            return self.step(lambda: self._lane.send(b""))
        return self._socket.fileno()

    def first(self) -> int | None:
        return self.step(lambda: next(self._lane))

    def read(self) -> bytes | None:
        """The whole answer, ``b""`` at the end of the connection, None when there is more to come."""
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.close()
            return b""
        self.received += data
        return bytes(self.received) if is_whole(self.received) else None

    def answer(self, answer: bytes) -> int | None:
        return self.step(lambda: self._lane.send(answer))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()  # epoll forgets it
            self._socket = None


def drive(port: int, lanes: Sequence[Lane]) -> Driven:
    """Run ``lanes`` to their ends. What a server does not answer within PATIENCE seconds is given up.

    Raises OSError when it takes no connection.
    """
    driven = Driven()
    poll = select.epoll()
    open_lanes: dict[int, _Connection] = {}
    gc.disable()
    begun, cpu = time.perf_counter(), time.process_time()

    def keep(connection: _Connection, number: int | None) -> None:
        if number is not None:
            open_lanes[number] = connection

    try:
        for lane in lanes:
            connection = _Connection(port, lane, poll)
            keep(connection, connection.first())
        while open_lanes:
            ready = [number for number, _ in poll.poll(PATIENCE)]
            for number in ready or list(open_lanes):
                connection = open_lanes[number]
                answer = connection.read() if ready else b""
                if answer is None:
                    continue
                if answer:
                    driven.latencies.append(time.perf_counter() - connection.begun)
                else:
                    connection.close()
                del open_lanes[number]
                keep(connection, connection.answer(answer))
    finally:
        gc.enable()
        poll.close()
        for connection in open_lanes.values():
            connection.close()
    driven.wall = time.perf_counter() - begun
    driven.cpu = time.process_time() - cpu
    return driven
