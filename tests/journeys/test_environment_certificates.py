"""The hosts of environments in the certificate for https: they join it while the server runs, and by fixture files."""

import json
import socket
import ssl
from pathlib import Path

import pytest

from tests.support.control import Control
from tests.support.processes import until
from tests.support.tls import TlsServer

pytestmark = pytest.mark.slow

HOST = "sts.qa.example"


def issuer_by(server: TlsServer, host: str) -> str:
    """The issuer in the discovery document of ``host``, by a client that trusts the CA and looks at the name."""
    plain = socket.create_connection(("127.0.0.1", server.tls_port), timeout=60)
    with server.trusting().wrap_socket(plain, server_hostname=host) as secured:
        asked = f"GET /.well-known/openid-configuration HTTP/1.1\r\nHost: {host}:{server.tls_port}\r\n"
        secured.sendall(f"{asked}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: secured.recv(65_536), b""))
    document = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert "issuer" in document, document
    return str(document["issuer"])


@pytest.mark.covers("control.environments.certificate")
def test_a_host_joins_the_certificate_without_a_restart_and_leaves_it(tmp_path: Path) -> None:
    server = TlsServer(tmp_path, workers="2")
    control = Control(server.transport)
    with pytest.raises(ssl.SSLCertVerificationError):
        issuer_by(server, HOST)
    control.ask("POST", "/environments", {"name": "qa", "hosts": [HOST]})
    for _ in range(6):
        assert issuer_by(server, HOST) == f"https://{HOST}:{server.tls_port}"
        assert issuer_by(server, "localhost") == f"https://localhost:{server.tls_port}"
    control.ask("DELETE", "/environments/qa")
    until(lambda: not is_in_certificate(server, HOST), "the host is in the certificate still")
    server.stop()


def is_in_certificate(server: TlsServer, host: str) -> bool:
    plain = socket.create_connection(("127.0.0.1", server.tls_port), timeout=60)
    try:
        server.trusting().wrap_socket(plain, server_hostname=host).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        plain.close()
    return True


@pytest.mark.covers("control.environments.certificate")
def test_a_host_of_a_fixture_file_is_in_it_from_the_start_and_after_another(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "environments.yaml").write_text(f"- name: qa\n  hosts: [{HOST}]\n", encoding="utf-8")
    made = b""
    for _ in range(2):
        server = TlsServer(tmp_path, fixtures=str(folder))
        assert issuer_by(server, HOST) == f"https://{HOST}:{server.tls_port}"
        assert made in (b"", server.files.leaf.read_bytes()), "one that fits is kept"
        made = server.files.leaf.read_bytes()
        server.stop()
