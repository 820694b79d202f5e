"""``mock-sts doctor`` and its page: what each observation finds, and what it passes. The rules of client libraries have
their cases in tests/helseid/test_client_libraries.py.
"""

import json
import math
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mock_sts.client.doctor import Report, State, Surroundings, Trust, as_text, clock, examine
from mock_sts.protocol.addresses import TrustedProxies
from mock_sts.server.certificates import make_certificates
from mock_sts.settings.certificate_files import CertificateFiles
from tests.support import processes
from tests.support.emulator import Emulator, LiveServer, Worlds, free_port, register
from tests.support.keys import private_jwk
from tests.support.relying_party import Browser
from tests.support.timing import least, seconds_of
from tests.support.tls import OverTls, TlsServer, run_command

DISCOVERY = "/.well-known/openid-configuration"
DAY = 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """On all interfaces, so that 127.0.0.2 leads to it too, which its certificate does not name."""
    started = TlsServer(tmp_path_factory.mktemp("doctor"), host="0.0.0.0")
    yield started
    started.stop()


def observed(report: Report | dict[str, Any], check: str) -> dict[str, Any]:
    document = report.document() if isinstance(report, Report) else report
    found = [one for one in document["observations"] if one["check"] == check]
    assert len(found) == 1, (check, document)
    return dict(found[0])


def doctor(
    environment: Mapping[str, str], *words: str, **more: str
) -> tuple[int, dict[str, Any], subprocess.CompletedProcess[str]]:
    """Exit status and JSON of the command, and what it printed for a person."""
    done = run_command({**environment, **more}, "doctor", "--json", *words)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout), run_command({**environment, **more}, "doctor", *words)


# A tiny server that says what a test wants


@dataclass
class Tiny:
    """Answers with JSON; ``told`` is its metadata, ``ahead`` how far its clock is."""

    told: Any = field(default_factory=dict)
    ahead: int | None = 0
    status: int = 200
    base: str = ""
    #: Written instead of an answer to the request for metadata, a piece every tenth of a second.
    raw: tuple[bytes, ...] = ()
    location: str = ""
    keys: Any = field(default_factory=lambda: {"keys": [{"kid": "k", "alg": "RS256"}]})
    seen: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        names = ("authorization", "token", "userinfo", "end_session")
        endpoints = {f"{name}_endpoint": f"{self.base}/{name}" for name in names}
        return {
            "issuer": self.base,
            "jwks_uri": f"{self.base}/jwks",
            "pushed_authorization_request_endpoint": f"{self.base}/par",
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            **endpoints,
        }


@pytest.fixture
def tiny() -> Iterator[Tiny]:
    yield from _serve(Tiny(), None)


def _serve(tiny: Tiny, context: ssl.SSLContext | None) -> Iterator[Tiny]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tiny.seen.append(self.path)
            if tiny.raw and self.path != "/jwks":
                for piece in tiny.raw:
                    self.wfile.write(piece)
                    time.sleep(0.1 if len(tiny.raw) > 1 else 0)
                return
            told = tiny.keys if self.path == "/jwks" else tiny.told or tiny.document()
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            moved = bool(tiny.location) and self.path == DISCOVERY
            self.send_response_only(302 if moved else tiny.status)
            if moved:
                self.send_header("Location", tiny.location)
            if tiny.ahead is not None:
                self.send_header("Date", self.date_time_string(time.time() + tiny.ahead))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients hang up on purpose."""

    http = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        http.socket = context.wrap_socket(http.socket, server_side=True)
    tiny.base = f"http{'s' if context else ''}://localhost:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield tiny
    http.shutdown()
    thread.join()
    http.server_close()


# All is well, or not, for a whole server


@pytest.mark.covers("doctor.command")
def test_all_is_well_over_https_on_one_name(server: TlsServer) -> None:
    status, document, shown = doctor(server.environment, "--from", server.base)
    assert status == shown.returncode == document["status"] == 0
    assert document["issuer"] == document["authority"] == server.base
    assert observed(document, "issuer")["state"] == State.FINE
    assert observed(document, "name")["says"].startswith("localhost is ")
    assert observed(document, "clock")["state"] == State.FINE
    assert observed(document, "endpoints")["says"] == f"all on {server.base}"
    assert observed(document, "client libraries")["says"] == "none that we know refuses this address"
    certificate = observed(document, "certificate")
    assert certificate["says"].startswith("for localhost, 127.0.0.1, ::1; until 20")
    assert certificate["says"].endswith(f"; trusted by {server.files.ca}")
    assert "mock-sts ca" in certificate["remedy"]


@pytest.mark.covers("doctor.command")
def test_over_http_it_says_who_refuses_and_what_to_do(server: TlsServer) -> None:
    status, document, shown = doctor(server.environment)  # the address of the settings
    assert document["authority"] == server.issuer
    assert status == shown.returncode == document["status"] == 1
    refused = [one for one in document["observations"] if one["state"] == State.REFUSED]
    who = [library for one in refused for library in one["who"]]
    assert who == ["ASP.NET Core (OpenIdConnect, JwtBearer)", "requests-oauth2client", "openid-client"]
    assert all("MOCK_STS_TLS_PORT" in one["remedy"] for one in refused)
    for library in who:
        assert f"refuses  {library}: " in shown.stdout
    assert "-> set MOCK_STS_TLS_PORT" in shown.stdout


@pytest.mark.covers("doctor.command")
@pytest.mark.slow
def test_the_worst_report_fits_on_one_screen(tmp_path: Path) -> None:
    server = LiveServer(tmp_path, public_url="http://sts.example.test:8080/base")
    try:
        own = f"http://127.0.0.1:{server.port}"
        _, document, shown = doctor(server.environment, "--from", own)
    finally:
        server.stop()
    lines = shown.stdout.splitlines()
    assert document["status"] == 1
    assert len(document["observations"]) >= 12
    assert sum(math.ceil(len(line) / 120) for line in lines) <= 30, shown.stdout
    assert lines[0] == f"mock-sts doctor: {own} as seen from here"


def test_it_looks_at_a_server_from_where_there_is_no_registry(server: TlsServer, tmp_path: Path) -> None:
    elsewhere = {**server.environment, "MOCK_STS_DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite'}"}
    status, document, _ = doctor(elsewhere, "--from", server.issuer)
    assert status == 1
    assert "redirect URIs" not in [one["check"] for one in document["observations"]]
    assert list(tmp_path.iterdir()) == []


# Each observation


@pytest.mark.covers("doctor.observations")
@pytest.mark.parametrize(
    "address",
    ["nohost.example.test", "ftp://localhost", "http://", "localhost:8080", "http://localhost:port", "http://[::1"],
)
def test_an_address_that_is_none_is_a_fault(server: TlsServer, address: str) -> None:
    status, document, shown = doctor(server.environment, "--from", address)
    assert status == shown.returncode == 2
    assert observed(document, "name")["state"] == State.FAULT
    assert "is no http or https URL" in shown.stdout


@pytest.mark.covers("doctor.observations")
def test_a_name_that_nobody_knows_is_a_fault(server: TlsServer) -> None:
    status, document, shown = doctor(server.environment, "--from", "http://nohost.example.test:8080")
    assert status == 2
    assert observed(document, "name")["says"] == "nohost.example.test has no address on this machine"
    assert "network alias" in shown.stdout


@pytest.mark.covers("doctor.observations")
def test_an_address_where_nobody_listens_is_a_fault(server: TlsServer) -> None:
    for scheme, check in (("http", "discovery"), ("https", "certificate")):
        status, document, _ = doctor(server.environment, "--from", f"{scheme}://localhost:{free_port()}")
        assert status == 2
        assert "Connection refused" in observed(document, check)["says"]


@pytest.mark.covers("doctor.observations")
@pytest.mark.parametrize(
    ("told", "status", "says"),
    [
        (b"<html>", 200, "is no JSON object"),
        (["a"], 200, "is no JSON object"),
        ({"token_endpoint": "x"}, 200, "names no issuer"),
        ({"issuer": 7}, 200, "names no issuer"),
        ({"error_description": "not here"}, 404, "status 404"),
        (b"gone", 503, "no reason given"),
    ],
)
def test_what_is_no_discovery_document_is_a_fault(tiny: Tiny, told: Any, status: int, says: str) -> None:
    tiny.told, tiny.status = told, status
    report = examine(tiny.base, Surroundings())
    assert report.status == 2
    assert says in observed(report, "discovery")["says"]


@pytest.mark.covers("doctor.observations")
def test_a_host_that_the_server_does_not_know_is_told_the_known_ones_and_the_setting(tmp_path: Path) -> None:
    server = LiveServer(tmp_path, host="0.0.0.0", public_url="http://sts.example.test")
    try:
        status, document, _ = doctor(server.environment, "--from", f"http://127.0.0.2:{server.port}")
    finally:
        server.stop()
    says = observed(document, "discovery")["says"]
    assert status == 2
    for word in (f"'127.0.0.2:{server.port}'", "http://sts.example.test", "MOCK_STS_ALIASES"):
        assert word in says


@pytest.mark.covers("doctor.observations")
def test_a_split_server_is_seen_as_split(tmp_path: Path) -> None:
    server = LiveServer(tmp_path, public_url="https://sts.example.test")
    try:
        own = f"http://127.0.0.1:{server.port}"
        told = run_command(server.environment, "doctor", "--json", "--from", own)
    finally:
        server.stop()
    document = json.loads(told.stdout)
    assert told.returncode == 1
    assert observed(document, "issuer")["says"] == f"https://sts.example.test, another than {own}"
    assert observed(document, "endpoints")["state"] == State.NOTE
    assert "on https://sts.example.test: jwks_uri" in observed(document, "endpoints")["says"]
    names = [one for one in document["observations"] if one["check"] == "name"]
    assert [one["state"] for one in names] == [State.FINE, State.NOTE]
    assert "sts.example.test in the metadata has no address" in names[1]["says"]


@pytest.mark.covers("doctor.observations")
@pytest.mark.parametrize(
    ("ahead", "state"),
    [(0, State.FINE), (-3, State.FINE), (60, State.REFUSED), (-60, State.REFUSED), (None, State.NOTE)],
)
def test_a_clock_that_differs_is_found(tiny: Tiny, ahead: int | None, state: State) -> None:
    tiny.ahead = ahead
    report = examine(tiny.base, Surroundings())
    found = observed(report, "clock")
    assert found["state"] == state
    if state is State.REFUSED:
        assert ("ahead of" if ahead == 60 else "behind") in found["says"]
        assert "same time server" in found["remedy"]


def test_how_a_clock_is_judged() -> None:
    assert [clock(ahead).state for ahead in (5, -5, 5.5, -6)] == [State.FINE, State.FINE, State.REFUSED, State.REFUSED]
    assert "7 s ahead of" in clock(7).says


@pytest.mark.covers("doctor.observations")
def test_keys_that_do_not_load_are_found(tiny: Tiny) -> None:
    tiny.told = {**tiny.document(), "jwks_uri": f"http://localhost:{free_port()}/jwks"}
    refused = [one for one in examine(tiny.base, Surroundings()).observations if one.state is State.REFUSED]
    assert "no key could be loaded" in " ".join(one.says for one in refused)


@pytest.mark.covers("doctor.observations")
def test_redirect_uris_are_looked_at_without_a_request(server: TlsServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        uris = [f"http://127.0.0.1:{port}/callback", f"http://127.0.0.1:{port}/other", "com.example.app://callback"]
        register(server.store, "listens", [private_jwk("ES256")], redirect_uris=uris)
        silent = f"http://127.0.0.1:{free_port()}"
        registered = {"a-listens": tuple(uris), "b-silent": (f"{silent}/callback",)}
        listener.settimeout(60)
        report = examine(server.base, Surroundings((Trust("ours", server.files.ca),), registered))
        assert (
            observed(report, "redirect URIs")["says"] == f"1 of 2 hosts answer from here; silent: {silent} (b-silent)"
        )
        assert report.status == 0  # a client that does not run now is no fault of the server
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(60)
            assert connection.recv(100) == b""
        _, document, _ = doctor(server.environment, "--from", server.base)
    assert observed(document, "redirect URIs")["says"].startswith("1 of ")


def test_redirect_uris_that_all_answer_are_fine(tiny: Tiny) -> None:
    around = Surroundings(redirect_uris={"one": (f"{tiny.base}/callback",), "machine": ()})
    found = observed(examine(tiny.base, around), "redirect URIs")
    assert (found["state"], found["says"]) == (State.FINE, "1 of 1 hosts answer from here")
    none = observed(examine(tiny.base, Surroundings(redirect_uris={"machine": ()})), "redirect URIs")
    assert none["state"] == State.FINE


@pytest.mark.covers("doctor.observations")
@pytest.mark.slow
def test_many_silent_redirect_uris_take_no_longer_than_one(tiny: Tiny) -> None:
    """Addresses of a network where nothing is: TEST-NET-1 is nobody's, and the search for a name may hang."""
    around = Surroundings(redirect_uris={f"c{n}": (f"http://client-{n}.example.test/callback",) for n in range(60)})
    reports = []
    assert least(lambda: seconds_of(lambda: reports.append(examine(tiny.base, around))), 4) < 4
    found = observed(reports[-1], "redirect URIs")
    assert found["says"].startswith("0 of 40 hosts answer from here; silent: ")
    assert found["says"].endswith("38 more")


# What odd servers, and other programs, answer


ODD = [
    b"SSH-2.0-OpenSSH_9\r\n",
    b"",
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    b"HTTP/1.1 500 Oh\r\nContent-Length: 1000\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
    b"HTTP/1.1 200 OK\r\n\r\n" + b'{"a":' * 100_000,
    b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe{\0",
]


@pytest.mark.covers("doctor.odd-servers")
@pytest.mark.parametrize("raw", ODD, ids=range(len(ODD)))
def test_what_is_no_answer_is_a_fault_and_never_a_traceback(tiny: Tiny, raw: bytes) -> None:
    tiny.raw = (raw,)
    report = examine(tiny.base, Surroundings())
    assert report.status == 2
    assert observed(report, "discovery")["remedy"]
    assert all(line.isprintable() for line in as_text(report).splitlines())


@pytest.mark.covers("doctor.odd-servers")
@pytest.mark.slow
def test_http_to_the_port_for_https_is_told(server: TlsServer) -> None:
    wrong = f"http://localhost:{server.tls_port}"
    status, document, _ = doctor(server.environment, "--from", wrong)
    assert status == 2
    assert "that port may speak https" in observed(document, "discovery")["remedy"]
    plain = f"https://localhost:{server.port}"
    for url, remedy in ((wrong, "that port may speak https"), (plain, "that port may speak http:")):
        for words, code in ((["health"], 1), (["token", "demo-machine"], 2)):
            done = run_command(server.environment, *words, "--url", url)
            assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
            assert remedy in done.stderr


@pytest.mark.covers("doctor.odd-servers")
@pytest.mark.parametrize(
    "changes",
    [
        {"id_token_signing_alg_values_supported": 5},
        {"id_token_signing_alg_values_supported": [["x"]]},
        {"token_endpoint": "http://[::1"},
        {"token_endpoint": "http://h:99999999/x", "issuer": "http://h:port"},
        {"issuer": "http://[::1"},
        {"jwks_uri": 7},
        {"jwks_uri": "http://[::1/x"},
        {"jwks_uri": "http://localhost/a b"},
    ],
)
def test_odd_metadata_is_judged(tiny: Tiny, changes: dict[str, Any]) -> None:
    tiny.told = {**tiny.document(), **changes}
    report = examine(tiny.base, Surroundings(patience=2))
    assert report.status == 1
    assert json.loads(json.dumps(report.document()))["observations"]


@pytest.mark.covers("doctor.odd-servers")
@pytest.mark.parametrize("keys", [{"keys": ["a", "b"]}, {"keys": {"a": 1}}, {"keys": [[]]}])
def test_odd_keys_are_no_keys(tiny: Tiny, keys: Any) -> None:
    tiny.keys = keys
    assert "no key could be loaded" in as_text(examine(tiny.base, Surroundings()))


@pytest.mark.covers("doctor.odd-servers")
@pytest.mark.slow
def test_a_server_that_drips_does_not_hold_the_doctor(tiny: Tiny) -> None:
    tiny.raw = (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 60)
    reports = []
    around = Surroundings(patience=0.5)
    assert least(lambda: seconds_of(lambda: reports.append(examine(tiny.base, around))), 3) < 3
    assert "not within 0.5 s" in observed(reports[-1], "discovery")["says"]


@pytest.mark.covers("doctor.odd-servers")
def test_what_a_server_says_cannot_forge_a_line(tiny: Tiny) -> None:
    tiny.status, tiny.told = 400, {"error_description": "\x1b[31mred\nok       fake: line\u202e\x9b"}
    lines = as_text(examine(tiny.base, Surroundings())).splitlines()
    assert len(lines) == 4
    assert "\\x1b[31mred\\nok       fake: line\\u202e\\x9b" in lines[2]
    assert all(line.isprintable() for line in lines)
    told = run_command(settings_of_no_server(), "token", "demo-machine", "--url", tiny.base)
    assert (told.returncode, len(told.stderr.splitlines())) == (2, 1)


def settings_of_no_server() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}


@pytest.mark.covers("doctor.observations")
def test_a_redirect_is_noted(tiny: Tiny) -> None:
    tiny.location = f"{tiny.base}/elsewhere"
    found = observed(examine(tiny.base, Surroundings()), "discovery")
    assert (found["state"], found["says"]) == (State.NOTE, f"{tiny.base}{DISCOVERY} leads to {tiny.base}/elsewhere")


@pytest.mark.covers("doctor.odd-servers")
@pytest.mark.parametrize("location", ["ftp://localhost:1/x", "file:///etc/passwd", "http://[::1/", DISCOVERY])
def test_a_redirect_to_nowhere_is_a_fault(tiny: Tiny, location: str) -> None:
    tiny.location = location
    report = examine(tiny.base, Surroundings())
    assert report.status == 2
    assert (
        "redirects more than" in as_text(report) or "is no http or https URL" in as_text(report) or "[::1" in location
    )


@pytest.mark.covers("doctor.observations")
def test_the_scheme_may_be_in_capitals(tiny: Tiny) -> None:
    report = examine(tiny.base.replace("http:", "HTTP:"), Surroundings())
    assert observed(report, "clock")["state"] == State.FINE


# Proxies of the environment


@pytest.mark.covers("doctor.proxies")
def test_no_proxy_stands_before_this_machine(server: TlsServer) -> None:
    """As in a container that was given the proxy of its network: nothing answers there."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    through = {**server.environment, "http_proxy": nowhere, "https_proxy": nowhere, "no_proxy": ""}
    assert run_command(through, "health").returncode == 0
    assert run_command(through, "token", "demo-machine").returncode == 0
    status, document, _ = doctor(through)
    assert status == 1
    assert "proxy" not in [one["check"] for one in document["observations"]]


@pytest.mark.covers("doctor.proxies")
def test_a_proxy_that_is_gone_through_is_noted(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", tiny.base.replace("://", "://user:secret@"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    around = Surroundings(resolve=lambda _: ("192.0.2.1",))
    report = examine("http://sts.example.test", around)
    assert f"http://sts.example.test{DISCOVERY}" in tiny.seen
    found = observed(report, "proxy")
    assert (found["state"], found["says"]) == (
        State.NOTE,
        f"asked through {tiny.base}, as http_proxy of the environment says",
    )
    assert "secret" not in json.dumps(report.document())
    monkeypatch.setenv("no_proxy", "example.test")
    around = Surroundings(resolve=lambda _: ("192.0.2.1",), patience=0.2)
    assert "proxy" not in [one.check for one in examine("http://sts.example.test", around).observations]


@pytest.mark.covers("doctor.proxies")
def test_health_never_asks_a_proxy(server: TlsServer) -> None:
    through = {**server.environment, "http_proxy": server.issuer, "no_proxy": ""}
    done = run_command(through, "health", "--url", "http://nohost.example.test")
    assert done.returncode == 1  # the proxy would have answered: it is the server


# Certificates


def tls_tiny(folder: Path, names: tuple[str, ...], made: float) -> Iterator[tuple[Tiny, CertificateFiles]]:
    files = CertificateFiles(folder / "tiny-tls")
    make_certificates(files, names, int(made))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.leaf, files.leaf_key)
    for tiny in _serve(Tiny(), context):
        yield tiny, files


@pytest.mark.covers("doctor.certificate")
@pytest.mark.parametrize(
    ("age", "state", "says"),
    [
        (0, State.NOTE, "trusted by ours"),
        (390, State.NOTE, "trusted by ours"),
        (400, State.FAULT, "over: for localhost"),
    ],
)
def test_a_certificate_that_is_over_is_a_fault(tmp_path: Path, age: int, state: State, says: str) -> None:
    for tiny, files in tls_tiny(tmp_path, ("localhost",), time.time() - age * DAY):
        report = examine(tiny.base, Surroundings((Trust("ours", files.ca),)))
        found = observed(report, "certificate")
        assert (found["state"], says in found["says"]) == (state, True), found
        assert report.status == (2 if state is State.FAULT else 0), as_text(report)
        assert ("renew it" in found["remedy"]) is (age > 0)


@pytest.mark.covers("doctor.certificate")
def test_a_certificate_that_the_system_trusts_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tiny, files in tls_tiny(tmp_path, ("localhost",), time.time()):
        monkeypatch.setenv("SSL_CERT_FILE", str(files.ca))
        found = observed(examine(tiny.base, Surroundings()), "certificate")
        assert found["state"] == State.FINE
        assert found["says"].endswith("trusted by the system's store")
        assert found["remedy"] == ""


@pytest.mark.covers("doctor.certificate")
def test_a_certificate_for_other_names_is_a_fault(server: TlsServer) -> None:
    status, document, _ = doctor(server.environment, "--from", f"https://127.0.0.2:{server.tls_port}")
    found = observed(document, "certificate")
    assert [one["check"] for one in document["observations"] if one["state"] == State.FAULT] == ["certificate"]
    assert (status, found["state"]) == (2, State.FAULT)
    assert found["says"].startswith("none for 127.0.0.2, but for localhost, 127.0.0.1, ::1; until ")
    assert "MOCK_STS_ALIASES" in found["remedy"]


@pytest.mark.covers("doctor.certificate")
@pytest.mark.slow
def test_a_certificate_is_trusted_by_whom_the_environment_names(server: TlsServer, tmp_path: Path) -> None:
    elsewhere = {**server.environment, "MOCK_STS_DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite'}"}
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        elsewhere.pop(name, None)
    status, document, _ = doctor(elsewhere, "--from", server.base)
    assert status == 2
    assert observed(document, "certificate")["says"].startswith("trusted by no store here: for localhost")
    for name in ("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        status, document, _ = doctor(elsewhere, "--from", server.base, **{name: str(server.files.ca)})
        assert status == 0
        assert observed(document, "certificate")["says"].endswith(f"trusted by {server.files.ca} ({name})")


@pytest.mark.covers("doctor.certificate")
def test_a_port_that_speaks_no_tls_is_a_fault(server: TlsServer) -> None:
    status, document, _ = doctor(server.environment, "--from", f"https://localhost:{server.port}")
    found = observed(document, "certificate")
    assert (status, found["state"]) == (2, State.FAULT)
    assert found["says"].startswith(f"no TLS with localhost:{server.port}")


# The page


def test_the_page_shows_the_address_that_the_browser_came_by(worlds: Worlds) -> None:
    sts = worlds.make(public_url="https://sts.example.test", aliases=("http://mock-sts:8080",))
    for host in ("sts.example.test", "mock-sts:8080", "localhost:8080"):
        answer = sts.get("/mock/doctor", {"Host": host})
        text = answer.content.decode()
        assert answer.status == 200
        assert f"<h1>How clients see http://{host}</h1>" in text
        assert '<code data-testid="issuer">https://sts.example.test</code>' in text
        assert "mock-sts doctor --from http://" in text
        assert "Known as: https://sts.example.test, http://mock-sts:8080, 127.0.0.1, [::1], localhost" in text
        assert 'data-status="1"' in text
        assert "Refused by Duende IdentityModel" in text


@pytest.mark.covers("doctor.page")
def test_the_page_is_strict_html_without_script(sts: Emulator) -> None:
    answer = sts.get("/mock/doctor")
    assert answer.headers["content-type"].lower() == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert "no-store" in answer.headers["cache-control"]
    assert b"<script" not in answer.content
    assert sts.get("/mock/doctor", {"Host": "evil.example.test"}).status == 400


@pytest.mark.covers("doctor.page")
def test_the_page_over_https_shows_the_certificate(server: TlsServer) -> None:
    transport = OverTls(server.base, server.files.ca)
    try:
        text = transport.send("GET", "/mock/doctor").content.decode()
    finally:
        transport.close()
    assert 'data-status="0"' in text
    assert "for localhost, 127.0.0.1, ::1; until 20" in text
    assert "trusted by the local CA" in text
    assert "none that we know refuses this address" in text
    assert str(server.files.ca) not in text
    plain = server.transport.send("GET", "/mock/doctor").content.decode()
    assert 'data-status="1"' in plain
    assert "Refused by ASP.NET Core" in plain
    assert "certificate" not in plain


@pytest.mark.covers("doctor.page")
def test_the_page_of_a_server_that_cannot_reach_itself_is_no_fault(worlds: Worlds) -> None:
    sts = worlds.make(public_url="https://localhost:1")
    text = sts.get("/mock/doctor", {"Host": "localhost:1", "X-Forwarded-Proto": "https"}).content.decode()
    assert 'data-status="1"' in text  # http as far as the server knows: nobody trusts the header
    trusting = worlds.make(public_url="https://localhost:1", trusted_proxies=TrustedProxies(1, ()))
    text = trusting.get("/mock/doctor", {"Host": "localhost:1", "X-Forwarded-Proto": "https"}).content.decode()
    assert "as seen from the server: no TLS with localhost:1" in text
    assert 'data-status="0"' in text


@pytest.mark.covers("doctor.page.own")
@pytest.mark.slow
def test_the_page_connects_to_no_address_that_a_visitor_names(worlds: Worlds) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(0.3)
        anywhere = worlds.make(host="localhost", tls_port=1, trusted_proxies=TrustedProxies(1, ()))
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": f"127.0.0.1:{port}"}
        for sts, headers in (
            (anywhere, forwarded),
            (anywhere, {"Host": f"localhost:{port}", "X-Forwarded-Proto": "https"}),
            (worlds.make(public_url="https://sts.test", trusted_proxies=TrustedProxies(1, ())), forwarded),
        ):
            answer = sts.get("/mock/doctor", headers)
            assert answer.status == 200
            assert b"not looked at from the server: no setting names this address" in answer.content
            with pytest.raises(TimeoutError):
                listener.accept()
        named = worlds.make(public_url=f"https://127.0.0.1:{port}", trusted_proxies=TrustedProxies(1, ()))
        answers = []
        listener.settimeout(processes.PATIENCE)
        seconds = least(lambda: seconds_of(lambda: answers.append(named.get("/mock/doctor", forwarded))), 4)
        listener.accept()[0].close()
    assert seconds < 4  # nobody has answered
    assert b"not within 1 s" in answers[-1].content or b"timed out" in answers[-1].content


@pytest.mark.covers("doctor.page")
@pytest.mark.slow
def test_the_page_below_a_prefix(worlds: Worlds) -> None:
    sts = worlds.make(public_url="https://sts.example.test/base")
    answer = Browser(sts.client()).send("GET", "/base/mock/doctor")
    text = answer.content.decode()
    assert "<h1>How clients see http://localhost:8080/base</h1>" in text
    assert 'href="/base/mock/style.css"' in text
