"""Running the server: the parent process stays small, workers do the work.

The parent imports neither Flask nor SQLAlchemy nor uvicorn: it validates settings, has the store prepared by a child
process when needed, forks workers, and prints where it listens. Where there is no fork (Windows), it is the one worker.
"""

import logging
import logging.config
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_sts.demo import CALLERS
from mock_sts.late import load_all
from mock_sts.server.answers import raw_answer
from mock_sts.server.banner import banner, ready_line
from mock_sts.server.certificates import are_current
from mock_sts.server.holder import Holder
from mock_sts.server.ports import PortError, Ports, claim_ports
from mock_sts.server.reloading import GOES_ON, OneAtATime, Reload
from mock_sts.settings.settings import Settings
from mock_sts.store.database import StoreError
from mock_sts.store.fixtures.files import unread_files, world_folders
from mock_sts.store.opening import declared_hosts, end_override, is_prepared

if TYPE_CHECKING:  # workers import them in their own processes
    from mock_sts.app import Application
    from mock_sts.server.worker import Worker

if sys.platform != "win32":
    from mock_sts.server.children import outcome_of

#: Makes or mends what workers need, at the start (True) or later, and reports warnings; why that cannot be, or an empty
#: string.
Prepare = Callable[[Settings, bool], str]

_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"mock_sts": {"level": "INFO"}},
}

LOG = logging.getLogger("mock_sts")

#: Workers where no setting says how many. One answers as soon as it can; what a second one adds was measured for two
#: cores, and costs memory (docs/performance.md).
_BY_ITSELF = 2

#: Seconds for which a worker tries to open a database that cannot be used, which may pass.
_PATIENCE = 6


def serve(settings: Settings, prepare: Prepare, *, says_json: bool = False, holder: Holder | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or until ``holder`` is gone; the exit status.

    ``prepare`` makes or mends everything that workers need, and returns why that cannot be, or an empty string. With
    ``says_json`` standard output gets one line for a program when the server is ready, and people read standard error.
    """
    # The first process of a container ignores SIGTERM unless it sets a handler, and preparing takes a second.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if sys.platform == "win32":  # Ctrl-Break, and what a program sends to a group of processes that shall end
        signal.signal(signal.SIGBREAK, lambda *_: sys.exit(0))
    else:  # a signal to reload before there is anything to reload
        signal.signal(signal.SIGHUP, lambda *_: None)
    workers = _workers_of(settings)
    if settings.workers not in (None, workers):
        print(
            f"MOCK_STS_WORKERS is {settings.workers}, but Windows cannot fork processes: one answers, with its "
            f"{settings.threads} threads (MOCK_STS_THREADS)",
            file=sys.stderr,
        )
    with ExitStack() as kept:
        try:
            settings, ports = claim_ports(settings, workers, kept)
        except PortError as error:
            print(error, file=sys.stderr)
            return 2
        return _Serving(settings, ports, prepare, says_json, holder or Holder()).run()


def _workers_of(settings: Settings) -> int:
    """How many workers there are in the end."""
    can_fork = hasattr(os, "fork")
    return (settings.workers or min(_BY_ITSELF, _cores())) if can_fork else 1


def _cores() -> int:
    """How many cores this process may use."""
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine is not None else os.cpu_count() or 1


class _Serving:
    """One server, whose ports are claimed."""

    def __init__(self, settings: Settings, ports: Ports, prepare: Prepare, says_json: bool, holder: Holder) -> None:
        self._settings = settings
        self._ports = ports
        self._prepare = prepare
        self._says_json = says_json
        self._holder = holder

    def run(self) -> int:
        """Make ready what is missing, and serve; the exit status."""
        settings = self._settings
        if not _is_prepared(settings):
            fault = self._prepare_apart(lambda: bool(self._holder.is_gone()), at_start=True)
            if fault and not self._holder.is_gone():
                # One line of the log: in a container that is where people look.
                logging.config.dictConfig(_LOGGING)
                LOG.error("not started: %s", "; ".join(fault.splitlines()))
                return 2
        else:
            for folder in settings.fixtures:
                for warning in unread_files(folder):
                    print(f"warning: {warning}", file=sys.stderr)
        if why := self._holder.is_gone():
            print(f"the server ends, for {why}", file=sys.stderr)
            return 0
        try:
            print_override(end_override(settings.database_url))
        except StoreError as error:
            print(error, file=sys.stderr)
            return 2
        logging.config.dictConfig(_LOGGING)
        try:
            return self._serve()
        except OSError as error:
            print(f"{settings.host} cannot be listened on: {error}; choose another MOCK_STS_HOST", file=sys.stderr)
            return 2

    def _say_ready(self) -> None:
        """Every port answers."""
        with suppress(OSError):  # the reader has gone
            print(banner(self._settings), file=sys.stderr if self._says_json else sys.stdout, flush=True)
            if self._says_json:
                print(ready_line(self._settings), flush=True)

    # With processes for the workers

    if sys.platform != "win32":

        def _serve(self) -> int:
            from mock_sts.server.supervisor import Parent, Supervisor  # noqa: PLC0415  it can fork

            settings, ports = self._settings, self._ports

            def work(index: int, parent: Parent) -> int:
                made = _make_worker(settings, ports.queues[index], parent.reload)
                if made is None:
                    return 1
                worker, app = made
                worker.run(parent.ready, partial(_load_all, app))
                return 0

            turned_away = raw_answer(HTTPStatus.SERVICE_UNAVAILABLE, "no worker can answer now; try again in a moment")
            return Supervisor(
                ports.queues,
                work,
                self._prepare_again,
                turned_away,
                ports.plain,
                self._say_ready,
                self._holder,
                at_first=settings.workers or 1,
            ).run()

        def _prepare_apart(self, must_stop: Callable[[], bool], *, at_start: bool = False) -> str:
            """Prepare in a child, so that the memory of that work goes away with it; why that cannot be, or an empty
            string.
            """
            prepare = partial(self._prepare, self._settings, at_start)
            if not at_start:
                return outcome_of(prepare, must_stop)
            # What is loaded before a fork is loaded once for all: first what both need, then what workers need, while
            # the child is at work. A parent that has nothing to prepare stays small.

            return outcome_of(prepare, must_stop, _load_worker)

    # In one process

    else:

        def _serve(self) -> int:
            alone = _Alone(self._settings, self._ports, self._prepare_again)
            if alone.made is None:
                return 1
            self._holder.watch(alone.end)
            worker, app = alone.made
            worker.run(self._say_ready, partial(_load_all, app))
            # Not by the interpreter's own way out: what waits in threads shall not hold it up.
            logging.shutdown()
            with suppress(OSError):
                sys.stdout.flush()
            os._exit(0)

        def _prepare_apart(self, must_stop: Callable[[], bool], *, at_start: bool = False) -> str:
            return self._prepare(self._settings, at_start)

    def _prepare_again(self, must_stop: Callable[[], bool]) -> str:
        """Bring database, world and certificates up to date; why that cannot be, or an empty string."""
        try:
            fault = "" if _is_prepared(self._settings) else self._prepare_apart(must_stop)
        except OSError as error:
            fault = str(error)
        if fault and not must_stop():
            LOG.error("not reloaded: %s; %s", fault, GOES_ON)
        return fault


def print_override(url: str | None) -> None:
    """Say that the public URL that was set at run time before, if any, counts no longer."""
    if url is not None:
        print(
            f"the public URL {url}, which the control API set before this start, has become an alias: the "
            "settings decide again; tell it once more, or set MOCK_STS_PUBLIC_URL",
            file=sys.stderr,
        )


def _is_prepared(settings: Settings) -> bool:
    world = world_folders(settings.fixtures)
    fresh = settings.signing_keys == "fresh"
    is_there = is_prepared(settings.database_url, world, settings.required_persona, fresh_keys=fresh)
    return is_there and _has_certificates(settings)


def _has_certificates(settings: Settings) -> bool:
    """Whether the certificate for https can be served as it is; one's own is looked at anew each time."""
    if settings.tls_port is None:
        return True
    if settings.tls_certificate is not None:
        return False
    names = settings.certificate_names_with(declared_hosts(settings.database_url))
    return are_current(settings.certificates, names, int(time.time()))


def _make_app(settings: Settings, reload: Reload) -> "Application | str":
    """The application, or why it cannot be. Where the database cannot be used now, that may pass."""
    from mock_sts.app import Application  # noqa: PLC0415  in the worker's own process

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return Application(settings, reload=reload)
        except StoreError as error:
            if time.monotonic() > deadline:
                return str(error)
            time.sleep(0.2)


def _load_worker() -> None:
    """Import what a worker imports."""
    from uvicorn.protocols.http import httptools_impl  # noqa: F401, PLC0415

    from mock_sts.server import bridge, worker  # noqa: F401, PLC0415


def _load_all(app: "Application") -> None:
    """Load what the first requests had not to wait for."""
    app.flask()
    load_all()


def _make_worker(
    settings: Settings, sockets: Sequence[socket.socket], reload: Reload
) -> "tuple[Worker, Application] | None":
    """What answers in one process, at a socket for http and perhaps one for https; None where that cannot be."""
    from mock_sts.server.bridge import Bridge  # noqa: PLC0415  in the worker's own process
    from mock_sts.server.limits import Limits  # noqa: PLC0415
    from mock_sts.server.worker import Listener, Worker, tls_context  # noqa: PLC0415

    app = _make_app(settings, reload)
    if isinstance(app, str):
        LOG.error("no worker can begin: %s", app)
        return None
    plain, *tls = sockets
    secured = [Listener(one, tls_context(*_served_pair(settings), settings.tls_minimum)) for one in tls]
    bridge = Bridge(
        app.front,
        threads=settings.threads,
        max_body=settings.max_body,
        callers=CALLERS,
        limits=Limits(timeout=settings.request_timeout),
        log_requests=settings.log_requests,
    )
    return Worker(bridge, [Listener(plain), *secured]), app


def _served_pair(settings: Settings) -> tuple[Path, Path]:
    """The files of the certificate and the key for https."""
    own = settings.certificates
    return settings.tls_certificate or own.leaf, settings.tls_key or own.leaf_key


class _Alone:
    """A server of one process. It reloads by taking another application and the certificate of today."""

    def __init__(self, settings: Settings, ports: Ports, prepare_again: Callable[[Callable[[], bool]], str]) -> None:
        self._settings = settings
        self._prepare_again = prepare_again
        self._reload = OneAtATime(self._take_anew)
        self.made = _make_worker(settings, ports.queues[0], self._reload)

    def end(self, why: str) -> None:
        """End, for a reason that the log tells."""
        LOG.info("the server ends, for %s", why)
        if self.made is not None:
            self.made[0].stop()

    def _take_anew(self) -> str:
        if fault := self._prepare_again(lambda: False):
            return fault
        app = _make_app(self._settings, self._reload)
        if isinstance(app, str):
            LOG.error("not reloaded: %s; %s", app, GOES_ON)
            return app
        if self.made is not None:
            try:
                self.made[0].renew(app.front, *_served_pair(self._settings))
            except OSError as error:  # files that were changed after they had been looked at
                LOG.error("not reloaded: the certificate cannot be served: %s; %s", error, GOES_ON)
                return f"the certificate cannot be served: {error}"
        LOG.info("reloaded")
        return ""
