"""Emulators for tests: in the process with a clock that stands still, and live as a user starts it."""

import atexit
import os
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from flask import Flask

from mock_sts.app import create_app
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.services.clock import Times
from mock_sts.services.login.logout import wait_until_sent
from mock_sts.services.server import Server
from mock_sts.settings.settings import SettingError, Settings, from_environ
from mock_sts.setup import prepare_certificates, prepare_store, prepare_to_serve
from mock_sts.store.catalog import MADE, Catalog, load_catalog, put_entry
from mock_sts.store.database import Database, StoreError
from mock_sts.store.location import file_of
from mock_sts.store.opening import open_database
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from tests.support import processes
from tests.support.databases import (
    ON_POSTGRESQL,
    Rows,
    copy_database,
    make_empty,
    remove_database,
    row_counts,
    url_of,
)
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import Answer, Headers, Machine
from tests.support.state import Snapshot

#: A moment in January 2027.
START = 1_800_000_000

API_SCOPE = "test:api/read"


@dataclass
class FixedClock:
    """Stands still until a test moves it."""

    wall: int = START
    now: int = START

    def times(self) -> Times:
        return Times(self.wall, self.now)

    def advance(self, seconds: int) -> None:
        self.wall += seconds
        self.now += seconds


class InProcess:
    """Sends requests to the application without a socket."""

    def __init__(self, app: Flask, host: str) -> None:
        self._app = app
        self._host = host

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs.append(("Host", self._host))
        with self._app.test_client(use_cookies=False) as client:
            response = client.open(path, method=method, headers=pairs, data=body)
            found = {name.lower(): value for name, value in response.headers.items()}
            cookies = tuple(response.headers.getlist("Set-Cookie"))
            return Answer(response.status_code, found, response.get_data(), cookies)


class OverHttp:
    """Sends requests over a socket."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._session = requests.Session()
        self._session.trust_env = False
        # Nor does it keep cookies, for tests share servers: what a client sends, it says.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        response = self._session.request(
            method, self.base + path, headers=dict(headers), data=body, timeout=60, allow_redirects=False
        )
        found = {name.lower(): value for name, value in response.headers.items()}
        cookies = tuple(response.raw.headers.getlist("Set-Cookie"))
        return Answer(response.status_code, found, response.content, cookies)

    def close(self) -> None:
        self._session.close()


def register(
    store: Database,
    client_id: str,
    jwks: Iterable[Jwk],
    *,
    environment: str = DEFAULT_ENVIRONMENT,
    **members: Any,
) -> Client:
    """Register a client; what is left out is what a modern machine has."""
    document = {
        "client_id": client_id,
        "client_name": f"Name of {client_id}",
        "grant_types": ["client_credentials"],
        "scope": [API_SCOPE],
        "jwks": {"keys": [public_jwk(jwk) for jwk in jwks]},
        **members,
    }
    client = Client.from_document(document, "test")
    with store.writing() as transaction:
        put_entry(transaction, client, document, MADE, environment)
    return client


def register_api(store: Database, audience: str, **members: Any) -> ApiResource:
    document = {"audience": audience, **members}
    api = ApiResource.from_document(document, "test")
    with store.writing() as transaction:
        put_entry(transaction, api, document, MADE)
    return api


class Emulator:
    """An emulator in the process, reached as http://localhost:8080."""

    def __init__(self, settings: Settings, host: str = "localhost:8080") -> None:
        self.settings = settings
        self.clock = FixedClock()
        self.app = create_app(settings, self.clock)
        self.server: Server = self.app.extensions["mock_sts"]
        self.sts = self.server.default
        self.store = self.sts.store
        self.transport = InProcess(self.app, host)
        self.issuer = settings.public_url or f"http://{host}"
        self.closed = False

    def client(self, client_id: str = "machine", jwk: Jwk | None = None, **members: Any) -> Machine:
        """Register a client and get the machine that acts as it."""
        key = jwk or private_jwk("ES256", 1)
        jwks = members.pop("keys", [key])
        register(self.store, client_id, jwks, **members)
        return self.machine(client_id, key)

    def machine(self, client_id: str, jwk: Jwk) -> Machine:
        return Machine(
            self.transport,
            self.issuer,
            client_id,
            jwk,
            private_jwk("ES256", 2),
            lambda: self.clock.wall,
            scope=API_SCOPE,
            advance=self.clock.advance,
        )

    def close(self) -> None:
        """Give back threads and files; a test run makes thousands of emulators."""
        self.closed = True
        self.store.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.transport.send("GET", path, headers or {})

    def journal(self, **query: str) -> list[dict[str, Any]]:
        """The newest rows first."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        entries: list[dict[str, Any]] = self.get(f"/mock/api/v1/journal?{text}").json["entries"]
        return entries

    def row_counts(self) -> dict[str, int]:
        """Rows per table, the journal left out: it is there to grow."""
        return row_counts(self.store)


class _Reusable:
    """An emulator that is used again and again: what it keeps, in its file and in memory, is put back before each use.

    Making one costs fifty times as much as putting it back: routes, statements and templates are compiled for each.
    """

    def __init__(self, wanted: tuple[str, Settings], settings: Settings, catalog: Catalog, path: Path) -> None:
        self.wanted = wanted
        self.emulator = Emulator(settings, wanted[0])
        # Read once for all: every database begins as a copy of the same one.
        self.emulator.sts.catalog._catalog = catalog
        self._state = Snapshot(self.emulator.app)
        self._path = path
        self._rows = Rows(self.emulator.store) if ON_POSTGRESQL else None
        self._file = _inode_of(path)
        self._image = sqlite3.connect(":memory:", check_same_thread=False)
        if not ON_POSTGRESQL:
            with closing(sqlite3.connect(path)) as database:
                database.backup(self._image)

    def put_back(self) -> bool:
        """Make it as new; False where that cannot be: a test has closed it, replaced its file or made it wait."""
        path = self._path
        if self.emulator.closed or not wait_until_sent(0) or _inode_of(path) != self._file:
            return False
        if ON_POSTGRESQL:
            if self._rows is None or not self._rows.put_back(self.emulator.store):
                return False
            self._state.put_back()
            self.emulator.clock.__init__()  # type: ignore[misc]
            return True
        try:
            with closing(sqlite3.connect(path, timeout=0.2)) as database:
                database.execute("PRAGMA synchronous = off")
                self._image.backup(database)
                database.execute("PRAGMA wal_checkpoint")  # else the log would grow by the whole file each time
        except sqlite3.Error:
            return False
        self._state.put_back()
        self.emulator.clock.__init__()  # type: ignore[misc]
        return True

    def close(self) -> None:
        self._image.close()
        self.emulator.close()
        remove_database(self._path)


def _inode_of(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


class Template:
    """A prepared database, and emulators that began with a copy of it: those that are in use by no test are kept for
    the next one that wants the same settings.
    """

    #: Emulators that wait for their next use.
    MOST_IDLE = 24

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.database = folder / "template.sqlite"
        make_empty(self.database)
        prepare_store(settings_for(self.database), FixedClock())
        with closing(open_database(url_of(self.database))) as store:
            self._catalog = load_catalog(store)
        self._catalog.clients(), self._catalog.apis()  # made from documents once for all
        self._idle: list[_Reusable] = []

    def take(self, host: str, change: Callable[[Path], Settings]) -> _Reusable:
        """One with the settings that ``change`` gives for a database file."""
        wanted = (host, change(self.database))
        for found in reversed(self._idle):
            if found.wanted == wanted:
                self._idle.remove(found)
                if found.put_back():
                    return found
                found.close()
                break
        self._count += 1
        path = self._folder / f"{self._count}.sqlite"
        copy_database(self.database, path)
        return _Reusable(wanted, change(path), self._catalog, path)

    def give_back(self, used: _Reusable) -> None:
        """No test uses it any more."""
        self._idle.append(used)
        while len(self._idle) > self.MOST_IDLE:
            self._idle.pop(0).close()

    def close(self) -> None:
        """End all that wait."""
        while self._idle:
            self._idle.pop().close()


class Worlds:
    """Makes emulators, each with its own database, for one test or, by ``with``, for a module of them."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._taken: list[_Reusable] = []

    def make(self, host: str = "localhost:8080", *, bound_to: str = "127.0.0.1", **changes: Any) -> Emulator:
        """One with these settings, others as by default; ``host`` is how it is asked, ``bound_to`` its own setting."""
        return self._take(host, lambda path: replace(settings_for(path), host=bound_to, **changes))

    def configure(self, asked: str = "localhost:8080", /, **texts: str) -> Emulator:
        """The same with settings as text, as an environment has them."""
        return self._take(asked, lambda path: settings_for(path, **texts))

    def _take(self, host: str, change: Callable[[Path], Settings]) -> Emulator:
        self._taken.append(self._template.take(host, change))
        return self._taken[-1].emulator

    def close(self) -> None:
        """Give back what was made."""
        while self._taken:
            self._template.give_back(self._taken.pop())

    def __enter__(self) -> "Worlds":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def settings_for(path: Path, **overrides: str) -> Settings:
    """Settings for tests: as by default, and nothing waits for a disk."""
    data = {"data_folder": f"{path}-data"} if ON_POSTGRESQL else {}
    return from_environ({}, {"database_url": url_of(path), "sqlite_synchronous": "off", **data, **overrides})


def settings_of(url: str, **overrides: str) -> Settings:
    """The same for the database at ``url``, with a data folder of its own."""
    return from_environ({}, {"database_url": url, "sqlite_synchronous": "off", **overrides})


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class LiveServer:
    """``mock-sts serve`` as a user starts it, on a free port, with its own database; ``prefix`` are words before it.

    By default a process is forked that has everything imported, and database and certificates are there already. The
    ``start`` may be ``first``, which makes them, or ``cold``, which also starts an interpreter: each takes seconds.
    """

    def __init__(self, folder: Path, *, prefix: Sequence[str] = (), start: str = "warm", **settings: str) -> None:
        assert start in ("warm", "first", "cold"), start
        self.port = free_port()
        self.issuer = f"http://localhost:{self.port}"
        self.database = folder / "live.sqlite"
        self.log = folder / "live.log"
        # A second worker would cost the machine of the tests more than it gives; tests that want more say so.
        values = {"port": str(self.port), "database_url": url_of(self.database), "workers": "1", **settings}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}
        environment.pop("COLUMNS", None)  # pytest-xdist sets it, and tables would be cut there
        environment |= {f"MOCK_STS_{name.upper()}": value for name, value in values.items()}
        self.environment = environment
        if ON_POSTGRESQL and values["database_url"] == url_of(self.database):
            environment.setdefault("MOCK_STS_DATA_FOLDER", str(folder))
            make_empty(self.database) if start != "warm" else copy_database(shipped_database(), self.database)
        if start == "warm":
            prepare_live(environment)
        with self.log.open("wb") as log:
            self.process = processes.start("serve", env=environment, output=log, prefix=prefix, cold=start == "cold")
        self.transport = OverHttp(self.issuer)
        self._wait()
        self.store = open_database(environment["MOCK_STS_DATABASE_URL"])

    def _wait(self) -> None:
        ends = time.monotonic() + processes.PATIENCE
        while self.process.poll() is None and time.monotonic() < ends:
            try:
                if self.transport.send("GET", "/health/ready").status == 200 and self._has_said_so():
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.02)
        self.process.kill()
        self.process.wait(10)
        raise RuntimeError(f"the server did not start: {self.log.read_text()}")

    def _has_said_so(self) -> bool:
        """Whether the start screen is there: it comes when all workers are ready, and one answers earlier."""
        return "\n  try  " in self.log.read_text(encoding="utf-8").rpartition("Mock HelseID STS")[2]

    def client(self, client_id: str, jwk: Jwk | None = None, **members: Any) -> Machine:
        key = jwk or private_jwk("ES256", 1)
        register(self.store, client_id, [key], **members)
        return Machine(
            self.transport, self.issuer, client_id, key, private_jwk("ES256", 2), lambda: int(time.time()), API_SCOPE
        )

    def workers(self) -> list[int]:
        """The ids of the processes that answer."""
        return sorted(processes.children_of(self.process.pid))

    def stop(self) -> float:
        """Stop it as a container engine does; the seconds it took."""
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(processes.PATIENCE)
        self.transport.close()
        self.store.close()
        return time.monotonic() - begun


class KilledServer(LiveServer):
    """A live server that can be killed with everything it has started, and started again."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = processes.start("serve", env=self.environment, output=log)
        self.transport = OverHttp(self.issuer)
        self._wait()

    def kill(self) -> None:
        """End all of its processes at once, as a machine that runs out of memory does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.transport.close()
            # The last of them gives the port back.
            processes.until(lambda: not takes_connections(self.port), "it is not dead")


def takes_connections(port: int) -> bool:
    """Whether something listens on this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def prepare_live(environment: Mapping[str, str]) -> None:
    """Make database and certificates as a start with this environment would; what is wrong is left for that to say."""
    try:
        settings = from_environ(environment)
        file = file_of(settings.database_url)
        if file is not None and not file.exists() and settings.signing_keys != "fresh":
            copy_database(shipped_database(), file)
        prepare_to_serve(settings)
        prepare_certificates(settings)
    except (SettingError, StoreError, DocumentError, OSError):
        pass


@cache
def shipped_database() -> Path:
    """A database with the shipped world, as a first start makes it."""
    folder = Path(tempfile.mkdtemp(prefix="mock-sts-shipped-"))
    make_empty(folder / "shipped.sqlite")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    prepare_store(settings_for(folder / "shipped.sqlite"))
    return folder / "shipped.sqlite"
