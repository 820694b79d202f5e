"""The parent of the worker processes: it starts, replaces and stops them, and answers itself where none can.

Sockets are bound here and outlive every worker: a connection that waits in one is taken by the next worker. Imports the
standard library only, so that the parent stays small; workers are forked from it and import what they need.
"""

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
from typing import NoReturn

LOG = logging.getLogger("mock_sts")

#: Seconds that new workers may take until they are ready, and old ones to end after that.
_READY_WITHIN, _ENDED_WITHIN = 30.0, 12.0

#: Seconds that workers may take to end when the server stops.
_STOPPED_WITHIN = 1.5

#: Seconds of a worker's life after which its end is the first again; seconds of the first pause before another one is
#: started in its place (the first two ends cost none), and of the longest.
_LONG_LIFE, _FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 0.25, 10.0

#: Seconds for which connections wait for a worker that is being started, before they are told to come again.
_UNANSWERED = 1.0

#: Seconds of silence after which a client is asked whether it is still there, seconds between asking again, and how
#: often in all. One that has vanished would hold its connection.
_SILENT, _ASK_AGAIN, _ASKED = 30, 10, 3


def bound_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """``count`` sockets that listen at one address. Raises OSError.

    The kernel deals connections out among them; from one socket for all, the first worker to look would take most.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets = []
    for _ in range(count):
        one = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":  # there it would let another program take the port
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if count > 1:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_AGAIN)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASKED)
        one.bind((host, port))
        one.listen(2_048)
        one.setblocking(False)
        sockets.append(one)
    return sockets


@dataclass(slots=True)
class _Child:
    """One worker process. It writes to ``ready`` when it is, and closes it when it ends."""

    pid: int
    ready: int
    started: float
    is_ready: bool = False
    #: Its exit status once that is known, negative for a signal.
    status: int | None = None

    @property
    def ended(self) -> bool:
        return self.status is not None

    def look(self) -> None:
        """Learn whether it is ready by now."""
        if not self.is_ready and not self.ended and select.select([self.ready], [], [], 0)[0]:
            self.is_ready = os.read(self.ready, 1) != b""

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
                os.close(self.ready)
        return self.status


@dataclass(slots=True)
class _Slot:
    """A place for one worker, and the sockets that it takes connections from."""

    index: int
    sockets: Sequence[socket.socket]
    child: _Child | None = None
    ends: int = 0
    restart_at: float = 0.0
    empty_since: float = field(default_factory=time.monotonic)

    @property
    def is_served(self) -> bool:
        return self.child is not None and self.child.is_ready


class Supervisor:
    """Keeps one worker in each of the places that ``queues`` are for.

    ``work(index, ready)`` is a worker's whole life, in its own process: it calls ``ready`` when it is, and returns the
    exit status. ``before_reload`` is called on SIGHUP and says whether to replace the workers; it is given a function
    that tells whether the server has to stop in the meantime. ``turned_away`` are the bytes of the answer to a request
    that no worker can take, for the sockets in ``plain``.
    """

    def __init__(
        self,
        queues: Sequence[Sequence[socket.socket]],
        work: Callable[[int, Callable[[], None]], int],
        before_reload: Callable[[Callable[[], bool]], bool],
        turned_away: bytes,
        plain: Sequence[socket.socket],
    ) -> None:
        self._slots = [_Slot(index, sockets) for index, sockets in enumerate(queues)]
        self._work = work
        self._before_reload = before_reload
        self._turned_away = turned_away
        self._plain = {one.fileno() for one in plain}
        self._must_stop = self._must_reload = False
        self._hears, self._says = os.pipe()
        for end in (self._hears, self._says):
            os.set_blocking(end, False)

    def run(self) -> int:
        """Serve until a signal says to stop; the exit status."""
        signal.set_wakeup_fd(self._says, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear_stop)
        signal.signal(signal.SIGHUP, self._hear_reload)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for slot in self._slots:
            slot.child = self._start(slot)
        if not self._has_begun() and not self._must_stop:
            self._stop_all()
            return 1
        while not self._must_stop:
            self._mind()
            if self._must_reload and not self._must_stop:
                self._must_reload = False
                self._reload()
        self._stop_all()
        return 0

    def _hear_stop(self, *_: object) -> None:
        self._must_stop = True

    def _hear_reload(self, *_: object) -> None:
        self._must_reload = True

    def _start(self, slot: _Slot) -> _Child:
        hears, says = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._live(slot, hears, says, parent)
        os.close(says)
        return _Child(pid, hears, time.monotonic())

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
            waiting = [child.ready for child in children if not child.is_ready and not child.ended]
            if not waiting:
                return True
            with suppress(OSError):
                select.select([self._hears, *waiting], [], [], 0.05)
        return False

    def _live(self, slot: _Slot, hears: int, says: int, parent: int) -> NoReturn:
        """What a forked process does from here to its end."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            others = [one.ready for place in self._slots if (one := place.child) is not None and not one.ended]
            for end in (hears, self._hears, self._says, *others):
                os.close(end)
            for place in self._slots:
                if place is not slot:
                    for queue in place.sockets:
                        queue.close()
            end_with_parent(signal.SIGKILL, parent)
            status = self._work(slot.index, lambda: _say(says))
        except BaseException:
            LOG.exception("a worker failed")
        finally:
            # Not by the interpreter's own way out: what waits in threads shall not hold it up.
            logging.shutdown()
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    # While it runs

    def _mind(self) -> None:
        """Wait for something to happen, and do what it asks for."""
        now = time.monotonic()
        unserved = [slot for slot in self._slots if not slot.is_served]
        queues = {
            queue.fileno(): queue
            for slot in unserved
            if slot.child is None or now - slot.empty_since > _UNANSWERED
            for queue in slot.sockets
        }
        starting = [slot.child.ready for slot in unserved if slot.child is not None and not slot.child.ended]
        found, _, _ = select.select([self._hears, *starting, *queues], [], [], 0.25 if unserved else None)
        if self._hears in found:
            with suppress(BlockingIOError):
                os.read(self._hears, 4096)
        for number in found:
            if number in queues:
                self._turn_away(queues[number])
        for slot in self._slots:
            self._look_after(slot)

    def _look_after(self, slot: _Slot) -> None:
        now = time.monotonic()
        child = slot.child
        if child is not None:
            child.look()
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
            waiting = [child.ready for child in children if not child.is_ready]
            with suppress(OSError):
                select.select([self._hears, *waiting], [], [], 0.05)
        return False

    # Reload

    def _reload(self) -> None:
        if not self._before_reload(lambda: self._must_stop):
            return
        old = [(slot, slot.child) for slot in self._slots]
        new = [(slot, self._start(slot)) for slot in self._slots]
        if not self._are_ready([child for _, child in new]):
            if not self._must_stop:
                LOG.error("a new worker did not get ready; the old one goes on")
            self._end([child for _, child in new], signal.SIGKILL, _STOPPED_WITHIN)
            return
        for slot, child in new:
            slot.child, slot.ends = child, 0
        self._end([child for _, child in old if child is not None], signal.SIGHUP, _ENDED_WITHIN)
        if not self._must_stop:
            LOG.info("reloaded")

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
            left = [child for child in left if child.has_ended() is None]
            if left:
                time.sleep(0.01)

    def _stop_all(self) -> None:
        children = [slot.child for slot in self._slots if slot.child is not None]
        self._end(children, signal.SIGTERM, _STOPPED_WITHIN)
        for slot in self._slots:
            for queue in slot.sockets:
                queue.close()


def _say(end: int) -> None:
    """Let the parent know that a worker is ready."""
    os.write(end, b"r")


#: Of prctl(2).
_PR_SET_PDEATHSIG = 1


def end_with_parent(by: signal.Signals, parent: int) -> None:
    """Let the kernel send ``by`` to this process when its ``parent`` is gone: it would go on to hold port and data."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  slow to load, and of use here only

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(by))
        if os.getppid() != parent:  # it has ended just before
            os._exit(0)
