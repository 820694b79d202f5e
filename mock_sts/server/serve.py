"""Running the server: the parent process stays small, workers do the work.

The parent imports neither Flask nor SQLAlchemy nor uvicorn: it validates settings, has the store prepared by a child
process when needed, prints where it listens, and forks workers. Where there is no fork (Windows), it is the one worker.
"""

import errno
import logging
import logging.config
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from mock_sts import __version__
from mock_sts.demo import CALLERS
from mock_sts.helseid.hosts import impersonated_by
from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.late import load_all
from mock_sts.protocol.addresses import UnknownHostError, host_name, is_loopback_name
from mock_sts.protocol.urls import port_of
from mock_sts.server.answers import raw_answer
from mock_sts.server.certificates import are_current
from mock_sts.server.supervisor import Supervisor, bound_sockets
from mock_sts.settings.settings import SETTINGS, Settings
from mock_sts.store.faults import meaning_of, unusable
from mock_sts.store.fixtures.files import is_prepared, unread_files, world_folders
from mock_sts.store.public_url import end_told_url

#: What makes or mends everything that workers need.
_PREPARE = [sys.executable, "-m", "mock_sts", "prepare", "--for-serving"]

_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"mock_sts": {"level": "INFO"}},
}

LOG = logging.getLogger("mock_sts")

#: Seconds for which a worker tries to open a database that cannot be used, which may pass.
_PATIENCE = 6


def serve(settings: Settings, values: dict[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. ``values`` are the settings as text, for the workers."""
    # The first process of a container ignores SIGTERM unless told otherwise, and preparing takes a second.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if hasattr(signal, "SIGHUP"):  # a signal to reload before there is anything to reload
        signal.signal(signal.SIGHUP, lambda *_: None)
    with ExitStack() as claims:
        return _serve(settings, values, claims)


def _serve(settings: Settings, values: dict[str, str], claims: ExitStack) -> int:
    ports = [port for port in (settings.port, settings.tls_port) if port is not None]
    fault = _first(_claim(settings, port, claims) for port in ports)
    fault = fault or _first(_address_fault(settings, port) for port in ports)
    if fault:
        print(fault, file=sys.stderr)
        return 2
    for setting in SETTINGS:
        os.environ[setting.variable] = values[setting.name]
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
    logging.config.dictConfig(_LOGGING)
    return _run_workers(settings)


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
        name = host_name(endpoint.netloc)
        leads_here = is_loopback_name(name) if is_loopback_name(shown) else name == shown
        if leads_here and (endpoint.scheme, port_of(endpoint)) in own:
            return f"{scheme}://{shown}:{port}"
    return ""


def _warning(settings: Settings) -> list[str]:
    """What is said before everything else where the server goes by the name of a real HelseID."""
    taken = list(dict.fromkeys(filter(None, map(impersonated_by, settings.addresses.named))))
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
    fresh = settings.signing_keys == "fresh"
    is_there = is_prepared(settings.database_path, world, settings.required_persona, fresh_keys=fresh)
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


def _run_workers(settings: Settings) -> int:
    try:
        plain = bound_sockets(settings.host, settings.port, settings.workers)
        tls = bound_sockets(settings.host, settings.tls_port, settings.workers) if settings.tls_port else []
    except OSError as error:
        print(f"{settings.host} cannot be listened on: {error}; choose another MOCK_STS_HOST", file=sys.stderr)
        return 2
    if not hasattr(os, "fork"):
        return _work(settings, plain[0], tls[0] if tls else None, lambda: None)

    def work(index: int, ready: Callable[[], None]) -> int:
        return _work(settings, plain[index], tls[index] if tls else None, ready)

    queues = list(zip(plain, tls, strict=True)) if tls else [(one,) for one in plain]
    turned_away = raw_answer(HTTPStatus.SERVICE_UNAVAILABLE, "no worker can answer now; try again in a moment")
    supervisor = Supervisor(queues, work, lambda must_stop: _prepare_again(settings, must_stop), turned_away, plain)
    return supervisor.run()


def _work(settings: Settings, plain: socket.socket, tls: socket.socket | None, ready: Callable[[], None]) -> int:
    """One worker's life; its exit status. Where the database cannot be used now, that may pass."""
    from mock_sts.app import create_app  # noqa: PLC0415  in the worker's own process
    from mock_sts.server.bridge import Bridge  # noqa: PLC0415
    from mock_sts.server.limits import Limits  # noqa: PLC0415
    from mock_sts.server.worker import Listener, Worker, tls_context  # noqa: PLC0415
    from mock_sts.store.database import StoreError  # noqa: PLC0415

    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            app = create_app(settings)
            break
        except StoreError as error:
            if time.monotonic() > deadline:
                LOG.error("no worker can begin: %s", error)
                return 1
            time.sleep(0.2)
    listeners = [Listener(plain)]
    if tls is not None:
        own = settings.certificates
        certificate, key = settings.tls_certificate or own.leaf, settings.tls_key or own.leaf_key
        listeners.append(Listener(tls, tls_context(certificate, key, settings.tls_minimum)))
    bridge = Bridge(
        app.extensions["mock_sts_front"],
        threads=settings.threads,
        max_body=settings.max_body,
        callers=CALLERS,
        limits=Limits(timeout=settings.request_timeout),
        log_requests=settings.log_requests,
    )
    Worker(bridge, listeners).run(ready, load_all)
    return 0
