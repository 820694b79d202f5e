"""SIGHUP: the world is read anew and the workers are replaced, and no client notices; and what else a busy server must
stand: long requests and slow clients.
"""

import http.client
import json
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
import requests

from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.persona import Persona
from mock_sts.server.banner import banner
from mock_sts.store.fixtures.files import shipped_world
from mock_sts.store.fixtures.rows import read_world
from tests.support import processes
from tests.support.emulator import LiveServer, OverHttp, settings_for
from tests.support.processes import PATIENCE, children_of, until
from tests.support.timing import least
from tests.support.tls import TlsServer, settings_in

REQUESTS = 2_000
LANES = 8


def said(live: LiveServer, text: str) -> int:
    """How often the server has said ``text``."""
    return live.log.read_text(encoding="utf-8").count(text)


def reload(live: LiveServer) -> None:
    """Have the server reload, and wait until it has."""
    before = said(live, "INFO reloaded")
    live.process.send_signal(signal.SIGHUP)
    until(lambda: said(live, "INFO reloaded") > before, "it does not reload")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """A server of two workers, each for http and https."""
    started = TlsServer(tmp_path_factory.mktemp("reload"), workers="2")
    yield started
    started.stop()


class Lane:
    """One client: a connection each time anew, or one that it keeps as long as the server lets it."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, *, keeps: bool = False) -> None:
        self._port, self._tls, self._keeps = port, tls, keeps
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, path: str = "/.well-known/openid-configuration", headers: dict[str, str] | None = None) -> int:
        """The status of one answer."""
        connection = self._connection or self._new()
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        response.read()
        stays = self._keeps and response.getheader("Connection") != "close"
        self._connection = connection if stays else None
        if not stays:
            connection.close()
        return response.status

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _new(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection("localhost", self._port, timeout=PATIENCE, context=self._tls)
        return http.client.HTTPConnection("localhost", self._port, timeout=PATIENCE)


@pytest.mark.covers("server.reload")
def test_no_request_fails_while_workers_are_replaced(server: TlsServer) -> None:
    context, done, reloads = server.trusting(), threading.Event(), 0

    def go_on(number: int) -> Counter[int]:
        tls = number % 2 == 1
        lane = Lane(server.tls_port if tls else server.port, context if tls else None, keeps=number % 4 >= 2)
        statuses: Counter[int] = Counter()
        # At least so many, and for as long as it takes to reload twice.
        with closing(lane):
            while statuses.total() < REQUESTS / LANES or not done.is_set():
                statuses[lane.ask()] += 1
        return statuses

    with ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(go_on, number) for number in range(LANES)]
        try:
            workers = children_of(server.process.pid)
            for _ in range(2):
                reload(server)
                reloads += 1
            assert children_of(server.process.pid) & workers == set(), "all of them are new"
        finally:
            done.set()
    answers = sum((lane.result() for lane in lanes), Counter[int]())
    assert answers.keys() == {200} and answers[200] >= REQUESTS, answers
    assert reloads == 2


@pytest.mark.covers("server.reload")
@pytest.mark.slow
def test_no_request_of_thirty_two_at_once_fails_through_several_reloads(server: TlsServer) -> None:
    """As it was met once: requests, with connections kept and anew, lost one answer in some hundred."""
    done = threading.Event()

    def go_on(number: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        with requests.Session() as session:
            session.trust_env = False
            if number % 2:
                session.headers["Connection"] = "close"
            while not done.is_set():
                statuses[
                    session.get(f"{server.issuer}/.well-known/openid-configuration", timeout=PATIENCE).status_code
                ] += 1
        return statuses

    with ThreadPoolExecutor(32) as pool:
        lanes = [pool.submit(go_on, number) for number in range(32)]
        try:
            for _ in range(3):
                reload(server)
        finally:
            done.set()
    answers = sum((lane.result() for lane in lanes), Counter[int]())
    assert answers.keys() == {200}, answers


@pytest.mark.covers("server.start-screen")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.slow
def test_the_start_screen_appears_when_every_port_answers(tmp_path: Path, workers: str) -> None:
    """The first request after its last line is answered, on http and on https, without a second try."""
    environment = settings_in(tmp_path, workers=workers)
    ports = [int(environment[name]) for name in ("MOCK_STS_PORT", "MOCK_STS_TLS_PORT")]
    started = processes.popen(
        [sys.executable, "-m", "mock_sts", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert started.stdout is not None
        while not (line := started.stdout.readline()).startswith(b"  try "):
            assert line, "it ended"
        tls = ssl.create_default_context(cafile=str(tmp_path / "tls" / "ca.pem"))
        assert [Lane(port, context).ask("/health/ready") for port, context in zip(ports, (None, tls), strict=True)] == [
            200,
            200,
        ]
    finally:
        started.terminate()
        started.communicate()


@pytest.mark.covers("server.workers-by-itself")
@pytest.mark.slow
def test_a_second_worker_joins_where_there_are_two_cores(tmp_path: Path) -> None:
    live = LiveServer(tmp_path, workers="")
    try:
        there = min(2, len(os.sched_getaffinity(0)))
        until(lambda: len(live.workers()) == there, "no second worker starts")
        machine = live.client("two")
        for _ in range(20):  # a connection each, so that both are met
            with closing(OverHttp(live.issuer)) as transport:
                machine.transport = transport
                assert machine.token().status == 200
        os.kill(live.process.pid, signal.SIGHUP)
        before = live.workers()
        until(lambda: not set(live.workers()) & set(before), "it does not reload")
        assert len(live.workers()) == there
    finally:
        live.stop()


@pytest.mark.covers("server.reload")
@pytest.mark.slow
def test_a_request_that_has_begun_is_answered_by_the_old_worker(server: TlsServer) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port))) as slow:
        head = (
            "POST /connect/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nContent-Type: text/plain\r\n\r\n"
        )
        slow.sendall(f"{head}01234".encode())
        old, before = children_of(server.process.pid), said(server, "INFO reloaded")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: old < children_of(server.process.pid), "no new worker beside the old ones")
        for _ in range(20):
            Lane(server.port).ask("/health/live")
        slow.sendall(b"56789")
        assert slow.recv(1000).startswith(b"HTTP/1.1 400"), "refused, but heard to the end"
    until(lambda: said(server, "INFO reloaded") > before, "it does not reload")


@pytest.mark.covers("server.reload")
@pytest.mark.slow
def test_slow_bodies_do_not_end_with_the_requests_of_others(tmp_path: Path) -> None:
    """An old worker that waited for them to the end would be killed in the middle of what it has just taken."""
    live = LiveServer(tmp_path)
    done = threading.Event()
    paces = [number % 4 for number in range(24)]

    def drip(slow: list[socket.socket]) -> None:
        while not done.wait(0.5):
            for connection in slow:
                with suppress(OSError):  # the old worker is gone
                    connection.sendall(b"a")

    def go_on(number: int) -> Counter[int]:
        lane, statuses = Lane(live.port, keeps=number % 2 == 0), Counter[int]()
        with closing(lane):
            while not done.wait(0.02):
                statuses[lane.ask() if number else leisurely()] += 1
        return statuses

    def leisurely() -> int:
        """Slow, but not too slow."""
        head = b"POST /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"
        with closing(socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE)) as connection:
            connection.sendall(head)
            done.wait(0.8)
            connection.sendall(b"a")
            status = connection.makefile("rb").read().split()[1]
        return 200 if status == b"405" else int(status)

    try:
        with ThreadPoolExecutor(len(paces) + 1) as pool, ExitStack() as stack:
            stack.callback(done.set)
            slow = [stack.enter_context(socket.create_connection(("127.0.0.1", live.port))) for _ in range(6)]
            for connection in slow:
                connection.sendall(b"POST /connect/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
            pool.submit(drip, slow)
            lanes = [pool.submit(go_on, pace) for pace in paces]
            begun = time.monotonic()
            reload(live)
            taken = time.monotonic() - begun
            done.set()
            answers = sum((lane.result() for lane in lanes), Counter[int]())
        assert answers.keys() == {200} and answers.total() > 100, answers
        assert taken > 8, "they were waited for"
    finally:
        done.set()
        live.stop()


@pytest.mark.covers("server.worker-ends")
@pytest.mark.slow
def test_a_server_whose_workers_are_killed_again_and_again_goes_on_and_answers_meanwhile(tmp_path: Path) -> None:
    live = LiveServer(tmp_path, workers="2")
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(0.02):
            begun = time.monotonic()
            with suppress(OSError, http.client.HTTPException):  # what a killed worker was about to answer
                statuses[Lane(live.port).ask()] += 1
            seconds.append(time.monotonic() - begun)

    lanes = [threading.Thread(target=go_on) for _ in range(4)]
    try:
        for lane in lanes:
            lane.start()
        for _ in range(8):
            before = children_of(live.process.pid)
            for worker in before:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            until(lambda before=before: bool(children_of(live.process.pid) - before), "no new worker")  # type: ignore[misc]
        until(lambda: Lane(live.port).ask() == 200, "it does not answer any more")
        assert live.process.poll() is None
        assert "SIGKILL; another one starts in" in live.log.read_text(encoding="utf-8"), "it takes its time"
    finally:
        done.set()
        for lane in lanes:
            lane.join()
        live.stop()
    assert statuses.keys() <= {200, 503} and statuses[200] > 0 and statuses[503] > 0, statuses
    assert max(seconds) < PATIENCE, "no request hangs"


@pytest.mark.covers("server.worker-ends")
@pytest.mark.slow
def test_a_worker_that_ends_soon_after_a_reload_is_replaced(tmp_path: Path) -> None:
    live = LiveServer(tmp_path, workers="2")
    try:
        reload(live)
        workers = children_of(live.process.pid)
        os.kill(min(workers), signal.SIGKILL)
        until(lambda: len(children_of(live.process.pid) - workers) == 1, "there is no new worker")
        until(lambda: Lane(live.port).ask("/health/live") == 200, "it does not answer")
        assert live.process.poll() is None
    finally:
        live.stop()


@pytest.mark.covers("server.reload")
def test_only_http_1_is_spoken(server: TlsServer) -> None:
    """A client of HTTP/2 keeps its one connection for everything: it would notice every reload."""
    context = server.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        closing(socket.create_connection(("localhost", server.tls_port), timeout=PATIENCE)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.selected_alpn_protocol() == "http/1.1"
    # With prior knowledge (RFC 9113 section 3.3): the preface and an empty SETTINGS frame.
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        assert connection.makefile("rb").read()[3:4] != b"\x04", "a SETTINGS frame comes back"


@pytest.mark.covers("server.body.slow")
def test_clients_are_asked_whether_they_are_still_there(server: TlsServer) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as client:
        client.sendall(b"POST /connect/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
        ends = tuple(f"0100007F:{port:04X}" for port in (server.port, client.getsockname()[1]))

        def asks() -> bool:
            rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
            # Timer 2 is that of keepalive; what is left of it is in hundredths of a second.
            timers = [row[5].split(":") for row in rows if (row[1], row[2]) == ends]
            return bool(timers) and timers[0][0] == "02" and int(timers[0][1], 16) <= 30_00

        until(asks, "nobody will miss this client")


@pytest.mark.slow
def test_the_world_is_read_anew_and_a_fault_in_it_changes_nothing(tmp_path: Path) -> None:
    world = tmp_path / "world"
    (world / "clients").mkdir(parents=True)
    live = LiveServer(tmp_path, fixtures=str(world), workers="2")
    try:
        machine = live.client("probe")
        public = {name: machine.jwk[name] for name in ("kty", "crv", "x", "y", "kid", "alg")}
        file = world / "clients" / "new.yaml"
        entry = "client_id: from-a-file\ngrant_types: [client_credentials]\nscope: test:api/read\n"
        file.write_text(f"{entry}jwks: {{keys: [{json.dumps(public)}]}}\n", encoding="utf-8")
        machine.client_id = "from-a-file"
        assert machine.token().rule == "client-assertion.registered"
        reload(live)
        assert machine.token().status == 200

        workers = children_of(live.process.pid)
        right = file.read_text(encoding="utf-8")
        file.write_text(right.replace("scope:", "scoop:"), encoding="utf-8")
        live.process.send_signal(signal.SIGHUP)
        until(lambda: said(live, "the server goes on as it was") == 1, "it does not say that it goes on")
        assert said(live, "'scope'"), "the sentence that names the fault"
        assert machine.token().status == 200
        assert workers <= children_of(live.process.pid)

        file.unlink()
        reload(live)
        assert machine.token().rule == "client-assertion.registered"
        machine.client_id = "probe"
        assert machine.token().status == 200, "a client made at run time survives"
    finally:
        live.stop()


@pytest.mark.covers("server.worker-ends")
@pytest.mark.slow
def test_a_worker_that_cannot_begin_does_not_take_the_place_of_one_that_works(tmp_path: Path) -> None:
    live = LiveServer(tmp_path)
    try:
        # What preparing does not look at, but no worker can do without.
        with live.store.writing() as transaction:
            transaction.execute("ALTER TABLE server_secret RENAME TO elsewhere")
        live.process.send_signal(signal.SIGHUP)
        until(lambda: said(live, "the old one goes on") == 1, "the old worker is not kept")
        assert Lane(live.port).ask() == 200
        with live.store.writing() as transaction:
            transaction.execute("ALTER TABLE elsewhere RENAME TO server_secret")
        reload(live)
        assert Lane(live.port).ask() == 200
    finally:
        live.stop()


@pytest.mark.parametrize("wait", [0.0, 0.3, 1.5])
@pytest.mark.slow
def test_it_stops_in_two_seconds_also_while_it_reloads(tmp_path: Path, wait: float) -> None:
    def measure() -> float:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        live = LiveServer(folder, workers="2")
        with closing(socket.create_connection(("127.0.0.1", live.port))) as slow:
            slow.sendall(b"GET /health/live HTTP/1.1\r\n")
            live.process.send_signal(signal.SIGHUP)
            time.sleep(wait)
            seconds = live.stop()
        assert live.process.returncode == 0
        return seconds

    assert least(measure, 2) < 2


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_long_request_passes(server: TlsServer, tls: bool) -> None:
    lane = Lane(server.tls_port, server.trusting()) if tls else Lane(server.port)
    line = "/health/ready?x=" + "a" * 16_384
    headers = {f"X-Long-{number}": "b" * 8_150 for number in range(8)}
    assert lane.ask(line, headers) == 200


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


@pytest.mark.covers("server.body.slow")
@pytest.mark.slow
def test_slow_clients_harm_nobody(tmp_path: Path) -> None:
    """Twenty connections of which each sends one byte a second, for longer than a busy machine takes to measure."""
    live = LiveServer(tmp_path, request_timeout="3600")

    def p99() -> float:
        lane, seconds = Lane(live.port, keeps=True), []
        with closing(lane):
            for _ in range(400):
                begun = time.perf_counter()
                assert lane.ask() == 200
                seconds.append(time.perf_counter() - begun)
        return percentile(seconds, 0.99)

    done = threading.Event()

    def drip(slow: list[socket.socket]) -> None:
        while not done.wait(1):
            for connection in slow:
                connection.sendall(b"a")

    try:
        p99()
        with ExitStack() as stack:
            alone = statistics.median(p99() for _ in range(5))
            slow = [stack.enter_context(socket.create_connection(("127.0.0.1", live.port))) for _ in range(20)]
            for number, connection in enumerate(slow):
                head = "POST /connect/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
                # Half of them are slow with the head, the others with the body.
                connection.sendall(f"{head}X-Slow: ".encode() if number % 2 else f"{head}\r\n".encode())
            dripping = threading.Thread(target=drip, args=(slow,))
            dripping.start()
            stack.callback(dripping.join)
            stack.callback(done.set)
            # Below this the difference is the machine's; whoever waits for a slow client waits for a second.
            noise = 0.010
            together = least(lambda: statistics.median(p99() for _ in range(3)), 2 * max(alone, noise))
        assert together < 2 * max(alone, noise), (
            f"p99 {alone * 1e3:.1f} ms alone, {together * 1e3:.1f} ms beside slow clients"
        )
    finally:
        live.stop()


def test_the_start_screen_names_people_and_a_client_that_exist(tmp_path: Path) -> None:
    world = read_world([shipped_world()])
    for pid, name, _ in READY_PEOPLE:
        assert world.of(Persona)[pid].item.persona == name
    assert READY_CLIENT in world.of(Client)
    shown = banner(settings_for(tmp_path / "x.sqlite", tls_port="8443"))
    assert len(shown.splitlines()) <= 24, "one screen"
    assert len(READY_PEOPLE) == 3
    for word in (*(person[0] for person in READY_PEOPLE), READY_CLIENT, "https://127.0.0.1:8443", "ca.pem"):
        assert word in shown
    assert "NOT HELSEID" not in shown


@pytest.mark.parametrize("name", ["test", "utvikling", "qa"])
@pytest.mark.parametrize("setting", ["public_url", "aliases"])
def test_whoever_goes_by_the_name_of_helseid_says_so_loudly(tmp_path: Path, name: str, setting: str) -> None:
    host = f"helseid-sts.{name}.nhn.no"
    first = banner(settings_for(tmp_path / "x.sqlite", **{setting: f"https://{host}"})).splitlines()[:3]
    # The names of NHN's other services in test come with that of its login.
    said, _, end = first[1].strip().partition(host)
    assert said == "THIS SERVER ANSWERS AS " and end.endswith(" AND IS NOT HELSEID.")
    assert (end.count(".nhn.no") == 0) is (name != "test")


def offered(**settings: str) -> str:
    """What the start screen says to try."""
    shown = banner(settings_for(Path("x.sqlite"), **settings))
    return next(line.removeprefix("  try").strip() for line in shown.splitlines() if line.startswith("  try"))


HERE = "http://localhost:8080"
IMPERSONATED = "https://helseid-sts.test.nhn.no"


@pytest.mark.covers("server.first-command")
@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, HERE),
        ({"host": "0.0.0.0"}, HERE),
        ({"host": "10.0.0.5"}, "http://10.0.0.5:8080"),
        ({"public_url": "http://localhost:8080/base"}, HERE),
        ({"public_url": "https://localhost:8443", "tls_port": "8443"}, HERE),
        ({"public_url": "http://sts.test:9999", "aliases": HERE}, HERE),
        ({"public_url": "http://sts.test:9999"}, "http://sts.test:9999"),
        ({"public_url": "http://sts.test:9999", "aliases": HERE, "url_mode": "fixed"}, "http://sts.test:9999"),
        ({"public_url": "http://localhost:9090"}, "http://localhost:9090"),
        ({"public_url": IMPERSONATED, "aliases": HERE}, HERE),
    ],
)
def test_the_start_screen_offers_an_address_that_leads_here(settings: dict[str, str], url: str) -> None:
    """Where none is known to, that of the public URL, which is the user's own."""
    assert offered(**settings) == f"mock-sts token {READY_CLIENT} --url {url}"


@pytest.mark.covers("server.first-command")
@pytest.mark.parametrize("settings", [{}, {"url_mode": "fixed", "aliases": HERE}, {"tls_port": "443"}])
def test_the_start_screen_sends_nobody_to_the_real_helseid(tmp_path: Path, settings: dict[str, str]) -> None:
    assert "mock-sts token" not in offered(public_url=IMPERSONATED, **settings)
    shown = banner(settings_for(tmp_path / "x.sqlite", public_url=IMPERSONATED, **settings))
    assert f"journal      {HERE}/mock/api/v1/journal" in shown


@pytest.mark.covers("server.first-command")
@pytest.mark.parametrize("settings", [{}, {"public_url": IMPERSONATED, "url_mode": "request"}], ids=str)
def test_what_the_start_screen_offers_works(tmp_path: Path, settings: dict[str, str]) -> None:
    live = LiveServer(tmp_path, **settings)
    try:
        line = next(line for line in live.log.read_text(encoding="utf-8").splitlines() if line.startswith("  try"))
        words = line.split()[2:]
        done = processes.run(*words, env=live.environment)
        assert done.returncode == 0, done.stderr
    finally:
        live.stop()


def test_a_signal_to_reload_before_there_is_anything_does_no_harm(tmp_path: Path) -> None:
    live = LiveServer.__new__(LiveServer)
    begun = threading.Thread(target=live.__init__, args=(tmp_path,))  # type: ignore[misc]
    begun.start()
    until(lambda: getattr(live, "process", None) is not None, "it does not start")
    children = Path(f"/proc/{live.process.pid}/status")
    until(lambda: caught(children, signal.SIGHUP), "it does not listen to signals")
    os.kill(live.process.pid, signal.SIGHUP)
    begun.join()
    live.stop()
    assert live.process.returncode == 0


def caught(status: Path, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal, by its status in /proc."""
    mask = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)
