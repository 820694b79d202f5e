"""The processes that answer requests: granian's server, with workers that are replaced without anybody noticing.

What is different from granian's own: the queue of connections from which a worker takes outlives it, and the next one
takes from it, where granian loses what waits in it when a worker ends. A worker is stopped when the one that takes its
place is ready, not after a fixed time, and stays when that one fails. Signals to stop are heard while workers are being
replaced.
"""

import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server import Server

LOG = logging.getLogger("mock_sts")

#: Seconds that new workers may take until they are ready, and old ones to end after that.
_READY_WITHIN, _ENDED_WITHIN = 30, 12

#: Seconds for which a worker tries to begin. One that ends within 5.5 s makes granian give up.
_PATIENCE = 6

#: Seconds in which an old worker still takes connections, but asks clients to make a new one for the next request; in
#: which it only answers what has reached it; and after which a request is a slow one, which is waited for before that.
_LEAVING, _CLOSING, _SLOW = 1.0, 0.3, 0.2

#: Seconds after which an old worker takes no connections any more although slow requests are left, and the age from
#: which on they are not waited for any more. Who waits for a client that dawdles is killed in the end, with whatever it
#: has just taken from others.
_PATIENT, _DAWDLES = 8.0, 2.0

#: Seconds of silence after which a client is asked whether it is still there, seconds between asking again, and how
#: often in all. One that has vanished would hold the thread that waits for its request, and the file of its connection.
_SILENT, _ASK_AGAIN, _ASKED = 30, 10, 3


class Leaving:
    """WSGI middleware for a worker that will be replaced. From SIGHUP on every answer asks the client not to use its
    connection again, and a little later the process ends, as soon as it has nothing to answer.

    granian's own way to stop a worker drops connections that it has just taken, and nothing tells it not to take any.
    But without a file descriptor for it a connection stays in the queue, where a new worker takes it.
    """

    def __init__(self, app: WSGIApplication) -> None:
        """``app`` is what stands behind. To be made in the main thread."""
        self._app = app
        self._leaves = False
        self._since: dict[object, float] = {}
        signal.signal(signal.SIGHUP, self._hear)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request = object()
        self._since[request] = time.monotonic()
        try:
            return self._app(environ, self._last(start_response) if self._leaves else start_response)
        finally:
            del self._since[request]

    @staticmethod
    def _last(start_response: StartResponse) -> StartResponse:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *rest)

        return start

    def _hear(self, *_: object) -> None:
        if not self._leaves:
            self._leaves = True
            threading.Thread(target=self._leave, daemon=True).start()

    def _ages(self) -> list[float]:
        """For how many seconds each request has been here."""
        now = time.monotonic()
        return [now - since for since in list(self._since.values())]

    def _leave(self) -> None:
        time.sleep(_LEAVING)
        patient_until = time.monotonic() + _PATIENT
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        while True:
            while any(age > _SLOW for age in self._ages()) and time.monotonic() < patient_until:
                time.sleep(0.02)
            resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
            time.sleep(_CLOSING)
            if not self._since:
                break
            if time.monotonic() >= patient_until:
                while any(age < _DAWDLES for age in self._ages()):
                    time.sleep(0.02)
                break
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        time.sleep(0.05)  # what has been answered still has to be sent
        os._exit(0)


def load_worker(ready: Connection) -> WSGIApplication:
    """Make one worker's application, and say by ``ready`` that it is there.

    Where the database cannot be used now, that may pass; granian starts a worker that has ended after a while again.
    """
    from mock_sts.app import worker  # noqa: PLC0415  in the worker's own process
    from mock_sts.store.engine import StoreError  # noqa: PLC0415

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            app = Leaving(worker())
        except StoreError as error:
            if time.monotonic() > deadline:
                LOG.error("no worker can begin: %s", error)
                raise SystemExit(1) from None
            time.sleep(0.2)
        else:
            ready.send_bytes(b"ready")
            return app


def _ask_whether_clients_are_there(queue: socket.socket) -> None:
    """Have the kernel end connections of clients that have vanished; those from ``queue`` inherit it from there."""
    queue.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        queue.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT)
        queue.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_AGAIN)
        queue.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASKED)


class _Wake:
    """What wakes the main loop, in place of granian's threading.Event: that waits for itself when a signal's handler
    sets it while the main thread is just looking at it, and forgets what comes between a look and ``clear``.
    """

    def __init__(self) -> None:
        self._hears, self._says = os.pipe()
        os.set_blocking(self._says, False)

    def set(self) -> None:
        """Wake the main loop, now or when it waits next; from a handler or a thread."""
        with suppress(BlockingIOError):  # it has plenty to hear
            os.write(self._says, b".")

    def wait(self) -> None:
        """Wait until there is something to look at."""
        os.read(self._hears, 4096)

    def clear(self) -> None:
        """Nothing: what has been heard is gone, and what has not must be."""


class WorkerServer(Server):  # type: ignore[misc, valid-type]
    """granian's server, as above. ``before_reload`` is called on SIGHUP and says whether to go on; it is given a
    function that tells whether the server has to stop in the meantime.
    """

    interrupt_children: list[int]

    def __init__(self, before_reload: Callable[[Callable[[], bool]], bool], **options: Any) -> None:
        super().__init__("mock_sts.app:worker", **options)
        self._before_reload = before_reload
        self.main_loop_interrupt = _Wake()
        self._hears_ready, self._says_ready = multiprocessing.Pipe(duplex=False)

    def run(self) -> None:
        """Serve until a signal says to stop."""
        self.serve(target_loader=partial(load_worker, self._says_ready), wrap_loader=False)

    def _init_shared_socket(self) -> None:
        # The kernel deals connections out among queues; from one for all, the first worker to look takes most.
        holders = [SocketSpec(self.bind_addr, self.bind_port, self.backlog).build() for _ in range(self.workers)]
        self._queues = [(holder, socket.socket(fileno=holder.get_fd())) for holder in holders]
        for _, queue in self._queues:
            queue.set_inheritable(True)
            _ask_whether_clients_are_there(queue)

    def _drop_shared_socket(self) -> None:
        for _, queue in self._queues:
            queue.close()

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        self._ssp, (self._shd, self._sso) = None, self._queues[idx]
        return super()._spawn_worker(idx, target, callback_loader)

    def _reload(self, spawn_target: Any, target_loader: Any) -> None:
        self.reload_signal = False
        self.respawned_wrks.clear()
        if self._before_reload(lambda: self.interrupt_signal):
            done = self._replace(list(range(self.workers)), spawn_target, target_loader)
            # These have not been put in place of any that failed: one that ends now is the first, not a crash loop.
            self.respawned_wrks.clear()
            if done:
                LOG.info("reloaded")

    def _respawn_workers(self, workers: Sequence[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        self._replace(workers, spawn_target, target_loader)

    def _replace(self, workers: Sequence[int], spawn_target: Any, target_loader: Any) -> bool:
        """Have new processes in place of ``workers``; False when they did not get ready."""
        while self._hears_ready.poll():
            self._hears_ready.recv_bytes()
        old = {index: self.wrks[index] for index in workers}
        for index in workers:
            self.respawned_wrks[index] = time.monotonic()
            self.wrks[index] = self._spawn_worker(idx=index, target=spawn_target, callback_loader=target_loader)
            self.wrks[index].start()
        if not self._are_ready([self.wrks[index] for index in workers]) and not self.interrupt_signal:
            self._keep_those_who_live(old)
            return False
        self._relieve(list(old.values()))
        self._forgive(workers)
        return True

    def _forgive(self, workers: Sequence[int]) -> None:
        """That one of ``workers`` has ended by itself no longer matters: another one has its place."""
        self.interrupt_children = [child for child in self.interrupt_children if child not in workers]

    def _are_ready(self, workers: Sequence[Any]) -> bool:
        deadline = time.monotonic() + _READY_WITHIN
        ready = 0
        while ready < len(workers) and not self.interrupt_signal and time.monotonic() < deadline:
            if self._hears_ready.poll(0.05):
                self._hears_ready.recv_bytes()
                ready += 1
            elif not all(worker.is_alive() for worker in workers):
                break
        return ready == len(workers)

    def _keep_those_who_live(self, old: dict[int, Any]) -> None:
        """Go on with the old workers where they live; the new ones have failed."""
        for index, worker in old.items():
            if worker.is_alive():
                LOG.error("a new worker did not get ready; the old one goes on")
                self.wrks[index].terminate()
                self._end([self.wrks[index]])
                self.wrks[index] = worker
                self._forgive([index])

    def _relieve(self, workers: Sequence[Any]) -> None:
        """Stop old workers so that nobody notices; without ado when the server has to stop."""
        for worker in workers:
            worker.interrupt_by_parent = True
            with suppress(ProcessLookupError):
                os.kill(worker.inner.pid, signal.SIGHUP)
        self._end(workers)

    def _end(self, workers: Any) -> None:
        deadline = time.monotonic() + _ENDED_WITHIN
        for worker in workers:
            while worker.is_alive() and not self.interrupt_signal and time.monotonic() < deadline:
                worker.join(0.05)
            if worker.is_alive():
                worker.kill()
                worker.join()
