"""Running the server: the parent process stays small, workers do the work.

The parent imports neither Flask nor SQLAlchemy: it validates settings, has the store prepared by a child process when
needed, prints where it listens, and starts granian.
"""

import ctypes
import errno
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from mock_sts import __version__
from mock_sts.helseid.hosts import impersonated_by
from mock_sts.protocol.addresses import LOOPBACK_NAMES, UnknownHostError, host_name
from mock_sts.protocol.urls import port_of
from mock_sts.services.certificates import are_current
from mock_sts.settings import SETTINGS, Settings
from mock_sts.store.faults import meaning_of, unusable
from mock_sts.store.fixture_files import is_prepared, unread_files, world_folders
from mock_sts.store.told_addresses import end_told_url

#: Bytes of request line and headers together that are read; ASP.NET's chunked cookies and signed requests are long.
MAX_HEAD = 128 * 1024

#: Threads in which each process can wait for slow bodies while others are worked on. A body that never comes to its end
#: has its thread for as long as its connection lasts, for nothing can end granian's reading; so they are many. They are
#: made when needed, and cost some 60 KB each.
WAITING_ROOM = 254

#: Of prctl(2).
_PR_SET_PDEATHSIG = 1

#: What makes or mends everything that workers need.
_PREPARE = [sys.executable, "-m", "mock_sts", "prepare", "--for-serving"]

#: People and a client of the shipped world, for whoever tries the server for the first time.
READY_PEOPLE = (
    ("06828399789", "kvart-grevling", "a doctor"),
    ("05898597468", "gronn-vits", "in NHN's samples"),
    ("16858399649", "oppdiktet-spurv", "in NHN's test token tool"),
)
READY_CLIENT = "demo-machine"

_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"threads": {"()": "mock_sts.serving.not_about_threads"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "mock_sts": {"level": "INFO"},
        "_granian": {"level": "WARNING", "filters": ["threads"]},
        "granian.access": {"level": "INFO"},
    },
}


def not_about_threads() -> Callable[[logging.LogRecord], bool]:
    """A filter for granian's log: its warning about many threads does not know that most only read (web.intake)."""
    return lambda record: "blocking_threads" not in str(record.msg) and "Python threads" not in str(record.msg)


def serve(settings: Settings, values: dict[str, str], *, only_tls: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. ``values`` are the settings as text, for the workers.

    ``only_tls`` serves https alone: a process beside the one for http, for a server listens on one address.
    """
    # The first process of a container ignores SIGTERM unless told otherwise, and preparing takes a second.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # A signal to reload before there is anything to reload.
    signal.signal(signal.SIGHUP, lambda *_: None)
    with ExitStack() as claims:
        return _serve(settings, values, claims, only_tls=only_tls)


def _serve(settings: Settings, values: dict[str, str], claims: ExitStack, *, only_tls: bool) -> int:
    ports = [port for port in (None if only_tls else settings.port, settings.tls_port) if port is not None]
    # The process that starts the one for https has claimed its port too.
    fault = "" if only_tls else _first(_claim(settings, port, claims) for port in ports)
    fault = fault or _first(_address_fault(settings, port) for port in ports)
    if fault:
        print(fault, file=sys.stderr)
        return 2
    for setting in SETTINGS:
        os.environ[setting.variable] = values[setting.name]
    if only_tls:
        end_with_parent(signal.SIGTERM)
        return _run_workers(settings, only_tls=True)
    if not _is_prepared(settings):
        # A child prepares, so that the memory of that work goes away with it.
        prepared = subprocess.run(_PREPARE, check=False)  # noqa: S603  our own words
        if prepared.returncode < 0:
            killed = signal.strsignal(-prepared.returncode) or f"signal {-prepared.returncode}"
            print(f"the database could not be prepared: the process that did it was ended ({killed})", file=sys.stderr)
            return 2
        if prepared.returncode != 0:
            return prepared.returncode
    else:
        for folder in settings.fixtures:
            for warning in unread_files(folder):
                print(f"warning: {warning}", file=sys.stderr)
    try:
        told = end_told_url(settings.database_path)
    except sqlite3.Error as error:
        _, said, remedy = meaning_of(error)
        print(unusable(settings.database_path, said, remedy), file=sys.stderr)
        return 2
    if told is not None:
        print(
            f"the public URL {told}, which the control API was told before this start, has become an alias: the "
            "settings decide again; tell it once more, or set MOCK_STS_PUBLIC_URL",
            file=sys.stderr,
        )
    print(banner(settings), flush=True)
    if settings.tls_port is None:
        return _run_workers(settings)
    with _tls_process() as tls:
        status = _run_workers(settings, tls=tls)
        # Nobody has told it to end yet, so it has ended by itself, and that is why this process ends.
        return status if tls.poll() is None else 1


def end_with_parent(by: signal.Signals) -> None:
    """Let the kernel send ``by`` to this process when its parent is gone: it would go on to hold port and database."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(by))


def banner(settings: Settings) -> str:
    """What the server says when it starts."""
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    answers, issuer = _address_here(settings), settings.issuer
    attempt = f"mock-sts token {READY_CLIENT} --url {answers or issuer}"
    if not answers and impersonated_by(issuer):
        attempt = "a client for whom that issuer is this server; from here the name may lead to HelseID's own"
    people = [f"{pid} {name}, {what}" for pid, name, what in READY_PEOPLE]
    lines = [
        *_warning(settings),
        f"Mock HelseID STS {__version__}: an emulator for tests, not HelseID and not affiliated with NHN",
        f"  issuer       {issuer}",
        f"  listens on   http://{name}:{settings.port}"
        + (f", https://{name}:{settings.tls_port}" if settings.tls_port else ""),
        *([f"  CA           {settings.certificates.ca}"] if settings.tls_port and not settings.tls_certificate else []),
        f"  aliases      {', '.join(settings.aliases) or '(none)'}",
        f"  URL mode     {settings.addresses.mode}",
        f"  enforcement  {settings.enforcement}",
        f"  database     {settings.database_path}",
        f"  journal      {settings.here if impersonated_by(issuer) else issuer}/mock/api/v1/journal",
        f"  log in as    {people[0]}",
        *(f"               {person}" for person in people[1:]),
        f"  try          {attempt}",
    ]
    return "\n".join(lines)


def _address_here(settings: Settings) -> str:
    """The URL by which ``mock-sts token`` gets a token from this server, asked on this machine; empty without one.

    The command asks discovery there, and then the endpoint that discovery names: that must lead here too. Whither the
    public URL leads nobody knows from here; another program's machine may have the name. http first: it asks no trust.
    """
    shown = settings.host_here
    own = [(scheme, port) for scheme, port in (("http", settings.port), ("https", settings.tls_port)) if port]
    for scheme, port in own:
        try:
            endpoint = urlsplit(settings.addresses.of(scheme, f"{shown}:{port}").back_channel.base)
        except UnknownHostError:
            continue
        names = LOOPBACK_NAMES if shown in LOOPBACK_NAMES else {shown}
        leads_to = (endpoint.scheme, port_of(endpoint))
        if host_name(endpoint.netloc) in names and leads_to in own:
            return f"{scheme}://{shown}:{port}"
    return ""


def _warning(settings: Settings) -> list[str]:
    """What is said before everything else where the server goes by the name of a real HelseID."""
    taken = list(dict.fromkeys(filter(None, map(impersonated_by, (settings.public_url, *settings.aliases)))))
    if not taken:
        return []
    bar = "*" * 78
    return [
        bar,
        f"  THIS SERVER ANSWERS AS {', '.join(taken)} AND IS NOT HELSEID.",
        "  Keep the name inside a network of your own: whoever trusts this server's CA",
        "  and resolves the name to it takes anybody's word for who people are.",
        bar,
    ]


def _first(faults: Iterator[str]) -> str:
    """The first fault, or an empty string."""
    return next(filter(None, faults), "")


def _port_setting(settings: Settings, port: int) -> str:
    return "MOCK_STS_PORT" if port == settings.port else "MOCK_STS_TLS_PORT"


def _is_taken(settings: Settings, port: int) -> str:
    return (
        f"{_port_setting(settings, port)} is {port}, but something listens on {settings.host}:{port} already; stop it "
        "or choose another port"
    )


def _claim(settings: Settings, port: int, claims: ExitStack) -> str:
    """Claim ``port`` for as long as ``claims`` are kept; why that cannot be, or an empty string.

    Workers share a port, so the kernel would let two servers share it too of which neither listens yet when the other
    looks. The name of an abstract socket belongs to one process of a network namespace, and ends with it.
    """
    if sys.platform == "linux":
        claim = claims.enter_context(socket.socket(socket.AF_UNIX))
        try:
            claim.bind(f"\0mock-sts:{settings.host}:{port}")
        except OSError:
            return _is_taken(settings, port)
    return ""


def _address_fault(settings: Settings, port: int) -> str:
    """Why ``port`` cannot be listened on, or an empty string."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return _is_taken(settings, port)
            return (
                f"MOCK_STS_HOST is {settings.host!r} and {_port_setting(settings, port)} {port}, but this machine "
                f"cannot listen there ({error.strerror}); choose an address of this machine and a port above 1023"
            )
    return ""


def _is_prepared(settings: Settings) -> bool:
    world = world_folders(settings.fixtures)
    is_there = is_prepared(settings.database_path, world, settings.required_persona)
    return is_there and _has_certificates(settings)


def _prepare_again(settings: Settings, must_stop: Callable[[], bool]) -> bool:
    """Bring database, world and certificates up to date; whether that went well."""
    try:
        if _is_prepared(settings):
            return True
    except OSError as error:
        print(f"not reloaded: {error}; the server goes on as it was", file=sys.stderr, flush=True)
        return False
    with subprocess.Popen(_PREPARE) as child:  # noqa: S603  our own words
        while child.poll() is None:
            if must_stop():
                child.kill()
                return False
            time.sleep(0.02)
    if child.returncode != 0:
        print("not reloaded, for the reason above; the server goes on as it was", file=sys.stderr, flush=True)
    return child.returncode == 0


def _has_certificates(settings: Settings) -> bool:
    """Whether the certificate for https can be served as it is; one's own is looked at anew each time."""
    if settings.tls_port is None:
        return True
    if settings.tls_certificate is not None:
        return False
    return are_current(settings.certificates, settings.certificate_names, int(time.time()))


@contextmanager
def _tls_process() -> Iterator[subprocess.Popen[bytes]]:
    """The process that serves https; when it ends by itself, so does this one."""
    child = subprocess.Popen([sys.executable, "-m", "mock_sts", "serve", "--only-tls"])
    ending = threading.Event()

    def watch() -> None:
        child.wait()
        if not ending.is_set():
            print("the process for https has ended; stopping", file=sys.stderr)
            os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield child
    finally:
        ending.set()
        child.terminate()
        try:
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.kill()


def _tls_options(settings: Settings) -> dict[str, Any]:
    from granian.constants import SSLProtocols  # noqa: PLC0415

    own = settings.certificates
    return {
        "port": settings.tls_port,
        "ssl_cert": settings.tls_certificate or own.leaf,
        "ssl_key": settings.tls_key or own.leaf_key,
        "ssl_protocol_min": SSLProtocols(f"tls{settings.tls_minimum}"),
    }


def _run_workers(settings: Settings, *, tls: subprocess.Popen[bytes] | None = None, only_tls: bool = False) -> int:
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415  only this command needs it
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    from mock_sts.workers import WorkerServer  # noqa: PLC0415

    def before_reload(must_stop: Callable[[], bool]) -> bool:
        """Bring the registry up to date; whoever started the process for https tells it when that is done."""
        if not only_tls and not _prepare_again(settings, must_stop):
            return False
        if tls is not None:
            tls.send_signal(signal.SIGHUP)
        return True

    WorkerServer(
        before_reload,
        address=settings.host,
        **(_tls_options(settings) if only_tls else {"port": settings.port}),
        interface=Interfaces.WSGI,
        # HTTP/2 keeps one connection for everything, and granian tells nobody to leave it before a worker goes.
        http=HTTPModes.http1,
        workers=settings.workers,
        blocking_threads=settings.threads + WAITING_ROOM,
        blocking_threads_idle_timeout=600,
        respawn_failed_workers=True,
        websockets=False,
        http1_settings=HTTP1Settings(max_buffer_size=MAX_HEAD),
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGING,
        log_access=settings.log_requests,
        workers_kill_timeout=1,
    ).run()
    return 0
