"""The parent of the worker processes: it starts, replaces and stops them, and answers itself where none can.

Sockets are bound here and outlive every worker: a connection that waits in one is taken by the next worker. Imports the
standard library only, so that the parent stays small; workers are forked from it and import what they need.
"""

import json
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mock_sts.server.holder import LOOK_AGAIN, Holder
from mock_sts.server.ports import BACKLOG
from mock_sts.server.reloading import BUSY, OneAtATime

if sys.platform != "win32":
    from mock_sts.server.children import Lifeline, start_child

assert sys.platform != "win32", "there is no fork"  # noqa: S101  said to what checks types

LOG = logging.getLogger("mock_sts")

#: Seconds that new workers may take until they are ready, and old ones to end after that.
_READY_WITHIN, _ENDED_WITHIN = 30.0, 12.0

#: Seconds that workers may take to end when the server stops.
_STOPPED_WITHIN = 1.5

#: Seconds of a worker's life after which its end is the first again; seconds of the first pause before another one is
#: started in its place (the first two ends cost none), and of the longest.
_LONG_LIFE, _FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 0.25, 10.0

#: Seconds after which the workers start that need not be there at first: the first token is not to wait for them.
_OTHERS_AFTER = 0.5

#: Seconds for which connections wait for a worker that is being started, before the answer is to come again.
_UNANSWERED = 1.0

#: What a worker says to the parent: that it is ready, and that it was asked to have the server reload.
_READY, _RELOAD = b"r", b"l"


class Parent:
    """What a worker has of its parent: the other end of a connection between them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers = connection.makefile("r", encoding="ascii")
        self.reload = OneAtATime(self._ask, lambda: os.kill(os.getppid(), signal.SIGHUP))

    def ready(self) -> None:
        """Let it know that this worker takes connections."""
        self._connection.sendall(_READY)

    def _ask(self) -> str:
        """Have the server reload, and wait until it has; why that cannot be, or an empty string."""
        self._connection.sendall(_RELOAD)
        line = self._answers.readline()
        return str(json.loads(line)) if line else "the server is ending"


@dataclass(slots=True)
class _Child:
    """One worker process, and the connection to it, which it closes when it ends."""

    pid: int
    line: socket.socket
    started: float
    is_ready: bool = False
    asks: bool = False
    #: Its exit status once that is known, negative for a signal.
    status: int | None = None

    @property
    def ended(self) -> bool:
        return self.status is not None

    def look(self) -> None:
        """Learn whether it is ready by now, and whether it asks for a reload."""
        if not self.ended:
            with suppress(BlockingIOError, ConnectionError):
                received = self.line.recv(16)
                self.is_ready = self.is_ready or _READY in received
                self.asks = self.asks or _RELOAD in received

    def answer(self, fault: str) -> None:
        """Tell it how the reload ended that it has asked for, if it has."""
        if self.asks:
            self.asks = False
            with suppress(OSError):
                self.line.sendall(json.dumps(fault).encode() + b"\n")

    def signal(self, number: signal.Signals) -> None:
        if not self.ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def has_ended(self) -> int | None:
        """Its exit status, negative for a signal, or None while it lives."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.status = os.waitstatus_to_exitcode(status)
                self.line.close()
        return self.status


@dataclass(slots=True)
class _Slot:
    """A place for one worker, and the sockets that it takes connections from."""

    index: int
    sockets: Sequence[socket.socket]
    child: _Child | None = None
    #: Whether its sockets take connections, be it that a worker has died meanwhile.
    listens: bool = False
    ends: int = 0
    restart_at: float = 0.0
    empty_since: float = field(default_factory=time.monotonic)

    @property
    def is_served(self) -> bool:
        return self.child is not None and self.child.is_ready


class Supervisor:
    """Keeps one worker in each of the places that ``queues`` are for.

    ``work(index, parent)`` is a worker's whole life, in its own process: it tells its parent when it is ready, and
    returns the exit status. ``before_reload`` is called on SIGHUP, or when a worker asks for it, and returns why the
    workers cannot be replaced, or an empty string; it is given a function that tells whether the server has to stop in
    the meantime. ``turned_away`` are the bytes of the answer to a request that no worker can take, for the sockets in
    ``plain``. ``on_ready`` is called once, when the workers of the first ``at_first`` places are ready (None: of all);
    the others start half a second later, and get no connection before they are ready. When ``holder`` is gone, the
    server stops.
    """

    def __init__(
        self,
        queues: Sequence[Sequence[socket.socket]],
        work: Callable[[int, Parent], int],
        before_reload: Callable[[Callable[[], bool]], str],
        turned_away: bytes,
        plain: Sequence[socket.socket],
        on_ready: Callable[[], None] = lambda: None,
        holder: Holder | None = None,
        at_first: int | None = None,
    ) -> None:
        self._slots = [_Slot(index, sockets) for index, sockets in enumerate(queues)]
        self._at_first = self._slots[:at_first]
        self._work = work
        self._before_reload = before_reload
        self._turned_away = turned_away
        self._plain = {one.fileno() for one in plain}
        self._on_ready = on_ready
        self._holder = holder or Holder()
        self._lifeline = Lifeline()
        self._lines: list[socket.socket] = []
        self._told_to_stop = self._must_reload = False
        self._hears, self._says = os.pipe()
        for end in (self._hears, self._says):
            os.set_blocking(end, False)

    def run(self) -> int:
        """Serve until a signal says to stop, or the holder is gone; the exit status. Raises OSError."""
        # A socket that listens gets its share of all connections, whether or not a worker takes them yet.
        for slot in self._at_first:
            slot.listens = True
        for queue in {queue for slot in self._at_first for queue in slot.sockets}:
            queue.listen(BACKLOG)
        signal.set_wakeup_fd(self._says, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear_stop)
        signal.signal(signal.SIGHUP, self._hear_reload)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for slot in self._at_first:
            slot.child = self._start(slot)
        if not self._has_begun() and not self._must_stop:
            self._stop_all()
            return 1
        if not self._must_stop:
            self._on_ready()
        for slot in self._slots[len(self._at_first) :]:
            slot.restart_at = time.monotonic() + _OTHERS_AFTER
        while not self._must_stop:
            self._mind()
            if self._must_reload and not self._must_stop:
                self._must_reload = False
                self._reload()
        self._stop_all()
        return 0

    @property
    def _must_stop(self) -> bool:
        if not self._told_to_stop and (why := self._holder.is_gone()):
            LOG.info("the server ends, for %s", why)
            self._told_to_stop = True
        return self._told_to_stop

    def _hear_stop(self, *_: object) -> None:
        self._told_to_stop = True

    def _hear_reload(self, *_: object) -> None:
        self._must_reload = True

    def _start(self, slot: _Slot) -> _Child:
        mine, its = socket.socketpair()
        mine.setblocking(False)
        self._lines = [mine, *(line for line in self._lines if line.fileno() >= 0)]
        own = set(slot.sockets)
        closes: list[socket.socket | int] = [
            *(queue for queue in {queue for place in self._slots for queue in place.sockets} if queue not in own),
            *self._lines,
            self._hears,
            self._says,
        ]
        pid = start_child(lambda: self._work(slot.index, Parent(its)), self._lifeline, closes)
        its.close()
        return _Child(pid, mine, time.monotonic())

    def _has_begun(self) -> bool:
        """Wait until the workers are ready; False when one finds that it cannot work, or they are not in time.

        A worker that was killed meanwhile says nothing about the others: it is replaced like one that is killed later.
        """
        children = [slot.child for slot in self._slots if slot.child is not None]
        deadline = time.monotonic() + _READY_WITHIN
        while not self._must_stop and time.monotonic() < deadline:
            for child in children:
                if (child.has_ended() or 0) > 0:
                    return False
                child.look()
            waiting = [child.line for child in children if not child.is_ready and not child.ended]
            if not waiting:
                return True
            self._wait_for(waiting, 0.05)
        return False

    # While it runs

    def _mind(self) -> None:
        """Wait for something to happen, and do what it asks for."""
        now = time.monotonic()
        unserved = [slot for slot in self._slots if not slot.is_served]
        served = {queue for slot in self._slots if slot.is_served for queue in slot.sockets}
        queues = {
            queue.fileno(): queue
            for slot in unserved
            if slot.child is None or now - slot.empty_since > _UNANSWERED
            for queue in slot.sockets
            if slot.listens and queue not in served
        }
        lines = [slot.child.line for slot in self._slots if slot.child is not None and not slot.child.ended]
        waits = 0.25 if unserved else LOOK_AGAIN if self._holder.is_watched else None
        numbers: list[int] = [self._hears, *(line.fileno() for line in lines), *queues]
        found, _, _ = select.select(numbers, [], [], waits)
        if self._hears in found:
            with suppress(BlockingIOError):
                os.read(self._hears, 4096)
        for number in found:
            if number in queues:
                self._turn_away(queues[number])
        for slot in self._slots:
            self._look_after(slot)
        if any(slot.child is not None and slot.child.asks for slot in self._slots):
            self._must_reload = True

    def _look_after(self, slot: _Slot) -> None:
        now = time.monotonic()
        child = slot.child
        if child is not None:
            child.look()
            slot.listens = slot.listens or child.is_ready
            status = child.has_ended()
            if status is None:
                return
            slot.ends = 1 if now - child.started > _LONG_LIFE else slot.ends + 1
            slot.child, slot.empty_since = None, now
            pause = 0.0 if slot.ends <= 2 else min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (slot.ends - 3))
            slot.restart_at = now + pause
            why = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            LOG.error("worker %d %s; another one starts %s", child.pid, why, f"in {pause:g} s" if pause else "now")
        if now >= slot.restart_at:
            slot.child = self._start(slot)

    def _wait_for(self, lines: Sequence[socket.socket], seconds: float) -> None:
        """Wait until a worker says something, or a signal comes."""
        numbers: list[int] = [self._hears, *(line.fileno() for line in lines)]
        with suppress(OSError, ValueError):
            select.select(numbers, [], [], seconds)

    def _turn_away(self, queue: socket.socket) -> None:
        """Answer one connection that no worker can take now; where TLS is spoken, close it."""
        try:
            client, _ = queue.accept()
        except OSError:
            return
        with client, suppress(OSError):
            client.settimeout(0.2)
            if queue.fileno() in self._plain:
                client.recv(65_536)
                client.sendall(self._turned_away)
                client.shutdown(socket.SHUT_WR)

    def _are_ready(self, children: Sequence[_Child]) -> bool:
        deadline = time.monotonic() + _READY_WITHIN
        while not self._must_stop and time.monotonic() < deadline:
            for child in children:
                child.look()
            if all(child.is_ready for child in children):
                return True
            if any(child.has_ended() is not None for child in children if not child.ended):
                return False
            waiting = [child.line for child in children if not child.is_ready]
            self._wait_for(waiting, 0.05)
        return False

    # Reload

    def _reload(self) -> None:
        asking = [slot.child for slot in self._slots if slot.child is not None and slot.child.asks]
        fault = self._replace(asking)
        for child in asking:
            child.answer(fault)

    def _replace(self, asking: Sequence[_Child]) -> str:
        """Replace all workers; why that cannot be, or an empty string. Those that are ``asking`` are answered before
        the parent asks them to leave.
        """
        if fault := self._before_reload(lambda: self._must_stop):
            return fault
        old = [(slot, slot.child) for slot in self._slots]
        new = [(slot, self._start(slot)) for slot in self._slots]
        if not self._are_ready([child for _, child in new]):
            stops = self._must_stop
            if not stops:
                LOG.error("a new worker did not get ready; the old one goes on")
            self._end([child for _, child in new], signal.SIGKILL, _STOPPED_WITHIN)
            return "the server is ending" if stops else "a new worker did not get ready, for the reason in the log"
        for slot, child in new:
            slot.child, slot.ends, slot.listens = child, 0, True
        for asker in asking:
            asker.answer("")
        self._end([child for _, child in old if child is not None], signal.SIGHUP, _ENDED_WITHIN)
        if not self._must_stop:
            LOG.info("reloaded")
        return ""

    def _end(self, children: Sequence[_Child], number: signal.Signals, within: float) -> None:
        """Have ``children`` end; by force after ``within`` seconds, or when the server has to stop."""
        for child in children:
            child.signal(number)
        deadline = time.monotonic() + within
        left = [child for child in children if not child.ended]
        hurried = number is not signal.SIGHUP
        while left:
            if self._must_stop and not hurried:
                hurried, deadline = True, min(deadline, time.monotonic() + _STOPPED_WITHIN)
                for child in left:
                    child.signal(signal.SIGTERM)
            if time.monotonic() > deadline:
                for child in left:
                    child.signal(signal.SIGKILL)
            for child in left:
                child.look()
                child.answer(BUSY)  # it leaves, and would wait for an answer until its end
            left = [child for child in left if child.has_ended() is None]
            if left:
                time.sleep(0.01)

    def _stop_all(self) -> None:
        children = [slot.child for slot in self._slots if slot.child is not None]
        self._end(children, signal.SIGTERM, _STOPPED_WITHIN)
        for slot in self._slots:
            for queue in slot.sockets:
                queue.close()
