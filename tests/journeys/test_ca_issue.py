"""``mock-sts ca issue``: a certificate of the local CA for an application of the developer's: one root is trusted."""

import os
import ssl
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from mock_sts.cli.main import main
from mock_sts.settings.certificate_files import CertificateFiles

_PEM = Encoding.PEM


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CertificateFiles:
    """Where the CA of the settings lies; commands run in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{tmp_path}/data/x.sqlite")
    return CertificateFiles(tmp_path / "data" / "tls")


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[object]:
    """Starts an application with a certificate; its port."""
    running = []

    def start(chain: Path, key: Path) -> int:
        server = HTTPServer(("127.0.0.1", 0), _Hello)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return int(server.server_port)

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.covers("tls.issue")
def test_who_trusts_the_ca_trusts_the_application(files: CertificateFiles, tmp_path: Path, serve: object) -> None:
    assert main(["ca", "issue", "localhost", "127.0.0.1", "app.example.test"]) == 0
    assert callable(serve)
    port = serve(tmp_path / "localhost.pem", tmp_path / "localhost-key.pem")
    for host in ("localhost", "127.0.0.1"):
        answer = requests.get(f"https://{host}:{port}/", verify=str(files.ca), timeout=60, proxies={"https": ""})
        assert answer.text == "hello"
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"https://{host}:{port}/", timeout=60, proxies={"https": ""})


@pytest.mark.covers("tls.issue")
@pytest.mark.parametrize("password", [None, "hemmelig å"])
def test_it_is_written_in_pem_and_in_pkcs12(
    files: CertificateFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str], password: str | None
) -> None:
    given = ["--password", password] if password else []
    assert main(["ca", "issue", "App.Localhost", "::1", "--folder", "certificates", *given]) == 0
    out = capsys.readouterr().out
    chain, key, bundle = (tmp_path / "certificates" / f"app.localhost{end}" for end in (".pem", "-key.pem", ".p12"))
    assert "written for app.localhost, ::1, good until " in out and f"who trusts {files.ca} trusts it" in out
    pem = chain.read_bytes()
    assert pem.endswith(b"-----END CERTIFICATE-----\n") and pem.endswith(files.ca.read_bytes())
    found = pkcs12.load_pkcs12(bundle.read_bytes(), (password or "changeit").encode())
    assert found.cert is not None and found.key is not None
    assert found.cert.certificate.public_bytes(_PEM) + files.ca.read_bytes() == pem
    assert [extra.certificate.public_bytes(_PEM) for extra in found.additional_certs] == [files.ca.read_bytes()]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
    if os.name == "posix":
        assert {oct(stat.S_IMODE(file.stat().st_mode)) for file in (key, bundle)} == {"0o600"}
    assert not files.leaf.exists(), "what a server has is left alone"


@pytest.mark.covers("tls.issue")
def test_what_is_there_is_replaced_when_told_so(
    files: CertificateFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "localhost.pem").write_text("mine")
    assert main(["ca", "issue", "localhost"]) == 2
    assert "localhost.pem: there already; --force replaces" in capsys.readouterr().err
    assert (tmp_path / "localhost.pem").read_text() == "mine" and not files.ca.exists()
    assert main(["ca", "issue", "localhost", "--force"]) == 0
    authority = files.ca.read_bytes()
    assert main(["ca", "issue", "localhost", "--force"]) == 0
    assert files.ca.read_bytes() == authority


@pytest.mark.covers("tls.issue.refused")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("helseid-sts.nhn.no", "is a host of NHN's login or self-service in production; name one of your own"),
        ("API.Selvbetjening.NHN.no.", "is a host of NHN's login or self-service in production"),
        ("https://localhost:5001", "is a URL; name its host alone, such as localhost"),
        ("localhost:5001", "is no host name and no IP address; write one such as localhost, without a port"),
        ("*.example.test", "is no host name and no IP address"),
        ("blå.test", "is no host name and no IP address"),
        ("../x", "is no host name and no IP address"),
        ("", "is no host name and no IP address"),
        ("[::g]", "is no host name and no IP address"),
    ],
)
def test_what_no_certificate_may_name_is_told(
    files: CertificateFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    """One sentence with the remedy, also behind a good name, and nothing is made."""
    for names in ([name], ["localhost", name]):
        assert main(["ca", "issue", *names]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert repr(name) in line and says in line
    assert list(tmp_path.iterdir()) == [] or not list(tmp_path.rglob("*.pem"))


@pytest.mark.covers("tls.issue.refused")
def test_without_a_local_ca_there_is_nothing_to_issue_by(
    files: CertificateFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ca", "issue", "own.test"]) == 0
    monkeypatch.setenv("MOCK_STS_TLS_CERTIFICATE", str(tmp_path / "own.test.pem"))
    monkeypatch.setenv("MOCK_STS_TLS_KEY", str(tmp_path / "own.test-key.pem"))
    assert main(["ca", "issue", "localhost"]) == 2
    assert "there is no local CA" in capsys.readouterr().err
    monkeypatch.delenv("MOCK_STS_TLS_CERTIFICATE")
    monkeypatch.delenv("MOCK_STS_TLS_KEY")
    assert main(["ca", "issue", "localhost", "--password", ""]) == 2
    assert "--password is empty" in capsys.readouterr().err
