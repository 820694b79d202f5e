"""https beside http, with certificates of a local CA or of one's own, on a server as a user starts it."""

import datetime
import json
import os
import shutil
import signal
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from mock_sts.server.certificates import make_certificates
from mock_sts.settings.certificate_files import CertificateFiles
from tests.support.emulator import OverHttp, register_api
from tests.support.machine import Answer, decode
from tests.support.relying_party import (
    PERSON,
    REDIRECT_URI,
    SCOPES,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
)
from tests.support.tls import OverTls, TlsServer, run_command, settings_in, takes_connections, until

DISCOVERY = "/.well-known/openid-configuration"
NAMES = ["localhost", "127.0.0.1", "::1", "helseid.example.test", "mock-sts", "192.0.2.7"]
PROBE_ROUTES = (
    "/mock/ca.pem",
    "/mock/ca-key.pem",
    "/mock/server-key.pem",
    "/tls/ca-key.pem",
    "/mock/../tls/ca-key.pem",
)


def shake_hands(port: int, context: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
    """A connection whose handshake is done. Raises ssl.SSLError, or OSError where the other side hangs up."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except OSError:
        plain.close()
        raise


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    started = TlsServer(
        tmp_path_factory.mktemp("tls"),
        aliases="https://helseid.example.test http://mock-sts:8080 https://192.0.2.7",
        url_mode="request",
    )
    yield started
    started.stop()


@pytest.fixture
def https(server: TlsServer) -> Iterator[OverTls]:
    transport = OverTls(server.base, server.files.ca)
    yield transport
    transport.close()


# Both at once


@pytest.mark.covers("addresses.https.own-certificate")
def test_http_and_https_are_served_at_once(server: TlsServer, https: OverTls) -> None:
    assert server.transport.send("GET", DISCOVERY).json["issuer"] == server.issuer
    document = https.send("GET", DISCOVERY).json
    assert document["issuer"] == server.base
    assert document["token_endpoint"] == f"{server.base}/connect/token"
    assert document["authorization_endpoint"] == f"{server.base}/connect/authorize"
    keys = [transport.send("GET", f"{DISCOVERY}/jwks").content for transport in (server.transport, https)]
    assert keys[0] == keys[1]


def test_both_are_one_server(server: TlsServer, https: OverTls) -> None:
    """A client that is registered, and a nonce that is given, count at the other address too."""
    machine = server.client("both")
    over_tls = replace(machine, transport=https, issuer=server.base, nonce=machine.learn_nonce())
    answer = over_tls.token()
    assert answer.status == 200, answer.content
    assert answer.claims["iss"] == server.base
    assert machine.token().claims["iss"] == server.issuer


def test_plain_http_is_not_answered_on_the_port_for_https(server: TlsServer) -> None:
    with pytest.raises(requests.RequestException):
        requests.get(f"http://127.0.0.1:{server.tls_port}{DISCOVERY}", timeout=60)


# Versions and suites


def client_of(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks one version, and any suite of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the old versions
        context.minimum_version = context.maximum_version = version
    return context


def shake_in_memory(client: ssl.SSLContext, files: CertificateFiles) -> str | None:
    """The version that ``client`` and a server that takes everything agree on."""
    lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lenient.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        lenient.minimum_version = ssl.TLSVersion.TLSv1
    lenient.load_cert_chain(files.leaf, files.leaf_key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(to_client, to_server), lenient.wrap_bio(to_server, to_client, server_side=True)]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0].version()


@pytest.mark.covers("tls.versions")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_these_versions_are_spoken(server: TlsServer, version: ssl.TLSVersion) -> None:
    with shake_hands(server.tls_port, client_of(version)) as connection:
        assert connection.version() == version.name.replace("_", ".")


@pytest.mark.covers("tls.versions")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(server: TlsServer, version: ssl.TLSVersion) -> None:
    old = client_of(version)
    assert shake_in_memory(old, server.files) == version.name.replace("_", ".")  # this client can speak it
    with pytest.raises(OSError):
        shake_hands(server.tls_port, old)


@pytest.mark.covers("tls.minimum")
@pytest.mark.slow
def test_the_lowest_version_can_be_raised(tmp_path: Path) -> None:
    server = TlsServer(tmp_path, tls_minimum="1.3")
    try:
        with shake_hands(server.tls_port, server.trusting()) as connection:
            assert connection.version() == "TLSv1.3"
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            shake_hands(server.tls_port, client_of(ssl.TLSVersion.TLSv1_2))
    finally:
        server.stop()


@pytest.mark.covers("tls.minimum")
@pytest.mark.parametrize("value", ["1.1", "1.4", "TLSv1.3", "tls1.2", ""])
def test_a_lowest_version_that_there_is_not_stops_the_start(tmp_path: Path, value: str) -> None:
    done = run_command(settings_in(tmp_path, tls_minimum=value), "serve")
    assert done.returncode == 2
    assert f"MOCK_STS_TLS_MINIMUM is {value!r}, but must be one of 1.2, 1.3" in done.stderr


#: All that is taken with TLS 1.2; FAPI 2.0 names the first two.
SUITES = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305")


def offering(suite: str) -> ssl.SSLContext:
    """A client of TLS 1.2 with one suite."""
    context = client_of(ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{suite}:@SECLEVEL=0")
    return context


@pytest.mark.covers("tls.suites")
def test_just_these_suites_are_taken(server: TlsServer) -> None:
    """Of all that this machine's OpenSSL can speak with a certificate like the server's."""
    known = [str(cipher["name"]) for cipher in client_of(ssl.TLSVersion.TLSv1_2).get_ciphers()]
    possible, taken = [], []
    for suite in (name for name in known if not name.startswith("TLS_")):
        try:
            shake_in_memory(offering(suite), server.files)
        except ssl.SSLError:
            continue  # of another kind of key, or none
        possible.append(suite)
        try:
            connection = shake_hands(server.tls_port, offering(suite))
        except OSError:
            continue
        with connection:
            cipher = connection.cipher()
            assert cipher is not None
            taken.append(cipher[0])
    assert sorted(taken) == sorted(SUITES)
    # What FAPI 2.0 leaves out could have been spoken.
    for suite in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384"):
        assert suite in possible


# Trust and names


@pytest.mark.covers("tls.ca.told")
def test_the_ca_is_printed_and_downloaded(server: TlsServer, https: OverTls) -> None:
    pem = server.files.ca.read_text(encoding="ascii")
    printed = server.run("ca")
    assert (printed.returncode, printed.stdout) == (0, pem)
    assert server.run("ca", "--path").stdout.strip() == str(server.files.ca)
    for transport in (server.transport, https):
        answer = transport.send("GET", "/mock/ca.pem")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/x-pem-file")
        assert answer.content.decode() == pem
    assert str(server.files.ca) in server.log.read_text()


@pytest.mark.covers("tls.names")
@pytest.mark.parametrize("name", NAMES)
def test_the_chain_verifies_for_every_name(server: TlsServer, name: str) -> None:
    with shake_hands(server.tls_port, server.trusting(), name) as connection:
        assert connection.version() == "TLSv1.3"


@pytest.mark.covers("tls.names")
@pytest.mark.parametrize("name", ["evil.example.test", "example.test", "192.0.2.8", "a.localhost"])
def test_no_other_name_verifies(server: TlsServer, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(server.tls_port, server.trusting(), name)


def test_nobody_trusts_it_without_the_ca(server: TlsServer) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate in certificate chain"):
        shake_hands(server.tls_port, ssl.create_default_context())


@pytest.mark.covers("tls.keys.private")
@pytest.mark.parametrize("path", PROBE_ROUTES)
def test_no_private_key_is_served(server: TlsServer, https: OverTls, path: str) -> None:
    for transport in (server.transport, https):
        answer = transport.send("GET", path)
        assert b"PRIVATE" not in answer.content
        assert answer.status == (200 if path == "/mock/ca.pem" else 404)
    assert "PRIVATE" not in server.run("ca").stdout
    assert "PRIVATE" not in server.log.read_text()


@pytest.mark.covers("tls.keys.private")
def test_only_the_owner_reads_the_keys_that_serve_makes(server: TlsServer) -> None:
    assert {oct(file.stat().st_mode & 0o777) for file in (server.files.ca_key, server.files.leaf_key)} == {"0o600"}


# When certificates are made anew


@pytest.mark.covers("tls.reissued")
@pytest.mark.slow
def test_a_start_makes_what_no_longer_fits_and_nothing_else(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "tls")

    def prepared(**settings: str) -> tuple[bytes, bytes]:
        done = run_command(settings_in(tmp_path, **settings), "prepare", "--for-serving")
        assert done.returncode == 0, done.stderr
        return files.ca.read_bytes(), files.leaf.read_bytes()

    first = prepared()
    assert prepared() == first
    ca, leaf = prepared(aliases="http://mock-sts:8080")
    assert ca == first[0]
    assert leaf != first[1]
    assert prepared(aliases="https://mock-sts:9999") == (ca, leaf)  # the same name
    assert prepared(public_url="https://helseid.example.test")[1] != leaf


@pytest.mark.covers("tls.commands")
@pytest.mark.slow
def test_commands_with_other_settings_leave_the_certificate_of_a_server_alone(tmp_path: Path) -> None:
    server = TlsServer(tmp_path, aliases="https://mock-sts")
    try:
        before = {file.name: file.read_bytes() for file in server.files.folder.iterdir()}
        others = {**server.environment, "MOCK_STS_ALIASES": "https://another.example.test"}
        for words in (["ca"], ["ca", "--path"], ["prepare"]):
            done = run_command(others, *words)
            assert (done.returncode, done.stderr) == (0, "")
        assert {file.name: file.read_bytes() for file in server.files.folder.iterdir()} == before
    finally:
        server.stop()


@pytest.mark.covers("tls.commands")
@pytest.mark.slow
def test_the_ca_alone_is_made_before_the_first_start(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "tls")
    printed = run_command(settings_in(tmp_path), "ca")
    assert printed.stdout == files.ca.read_text()
    assert not files.leaf.exists()
    # Whoever may read no key, and has no right to the folder, can print it.
    files.ca_key.chmod(0)
    files.folder.chmod(0o555)
    try:
        again = run_command(settings_in(tmp_path), "ca")
        assert (again.returncode, again.stdout) == (0, printed.stdout)
    finally:
        files.folder.chmod(0o755)
        files.ca_key.chmod(0o600)
    assert run_command(settings_in(tmp_path), "prepare", "--for-serving").returncode == 0
    assert run_command(settings_in(tmp_path), "ca").stdout == printed.stdout


@pytest.mark.covers("tls.commands")
@pytest.mark.parametrize("content", [b"", b"\xff\x00"])
def test_a_ca_that_is_none_is_not_printed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_bytes(content)
    done = run_command(settings_in(tmp_path), "ca")
    assert (done.returncode, done.stdout) == (2, "")
    assert "start the server anew" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.covers("tls.damaged")
@pytest.mark.slow
def test_a_start_mends_damaged_certificates_and_serves(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "tls")
    assert run_command(settings_in(tmp_path), "prepare", "--for-serving").returncode == 0
    ca = files.ca.read_bytes()
    files.leaf_key.write_bytes(files.leaf_key.read_bytes()[:200])
    server = TlsServer(tmp_path)
    try:
        shake_hands(server.tls_port, server.trusting()).close()
    finally:
        server.stop()
    assert files.ca.read_bytes() == ca


@pytest.mark.covers("tls.reissued")
@pytest.mark.slow
def test_a_leaf_that_is_over_is_replaced_at_the_start(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "tls")
    make_certificates(files, ("localhost", "127.0.0.1", "::1"), int(time.time()) - 398 * 86_400)
    before = files.ca.read_bytes(), files.leaf.read_bytes()
    server = TlsServer(tmp_path)
    try:
        with shake_hands(server.tls_port, server.trusting()) as connection:
            served = connection.getpeercert(binary_form=True)
            # The file holds the leaf and its CA; the standard library's reader takes one only.
            old_leaf = x509.load_pem_x509_certificates(before[1])[0]
            assert served != old_leaf.public_bytes(Encoding.DER)
    finally:
        server.stop()
    assert files.ca.read_bytes() == before[0]
    assert files.leaf.read_bytes() != before[1]


@pytest.mark.sqlite  # another file of SQLite has another folder beside it
@pytest.mark.covers("tls.token")
@pytest.mark.parametrize("words", [(), ("--url",)], ids=["issuer", "url"])
def test_our_own_client_trusts_the_ca_beside_it(server: TlsServer, tmp_path: Path, words: tuple[str, ...]) -> None:
    """As the start screen says, where the issuer is https."""
    asked = ["token", "demo-machine", "--decode", *(f"{word}={server.base}" for word in words)]
    environment = server.environment | {"MOCK_STS_PUBLIC_URL": server.base}
    done = run_command(environment, *asked)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["iss"] == server.base
    stranger = run_command(environment | settings_in(tmp_path, public_url=server.base), *asked)
    assert stranger.returncode == 2
    assert "name whom to trust" in stranger.stderr


# Certificates of one's own


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    """Somebody else's CA and certificate."""
    files = CertificateFiles(tmp_path_factory.mktemp("own"))
    make_certificates(files, ("localhost", "127.0.0.1"), int(time.time()))
    return files


@pytest.mark.covers("tls.own-certificate")
@pytest.mark.slow
def test_a_certificate_of_ones_own_is_served(tmp_path: Path, own: CertificateFiles) -> None:
    server = TlsServer(tmp_path, tls_certificate=str(own.leaf), tls_key=str(own.leaf_key))
    transport = OverTls(server.base, own.ca)
    try:
        assert transport.send("GET", DISCOVERY).json["issuer"] == server.base
        assert transport.send("GET", "/mock/ca.pem").status == 404
        told = server.run("ca")
        assert (told.returncode, told.stdout) == (2, "")
        assert "there is no local CA" in told.stderr
        assert not server.files.folder.exists()
    finally:
        transport.close()
        server.stop()


#: Keys that a certificate may have.
KEYS: dict[str, Callable[[], Any]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
    "rsa2560": lambda: rsa.generate_private_key(65537, 2560),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa3": lambda: rsa.generate_private_key(3, 2048),
}


def issue(folder: Path, name: str, key: Any, begins: float | None = None) -> None:
    """A certificate for localhost that signs itself, good for 30 days; ``begins`` in seconds."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime.fromtimestamp(time.time() - 3600 if begins is None else begins, datetime.UTC)
    plain = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, None if plain else hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(secret)


@pytest.mark.covers("tls.own-certificate")
@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa3072"])
@pytest.mark.slow
def test_these_kinds_of_keys_are_served(tmp_path: Path, kind: str) -> None:
    issue(tmp_path, kind, KEYS[kind]())
    server = TlsServer(tmp_path, tls_certificate=str(tmp_path / f"{kind}.pem"), tls_key=str(tmp_path / f"{kind}.key"))
    try:
        trusting = ssl.create_default_context(cafile=str(tmp_path / f"{kind}.pem"))
        shake_hands(server.tls_port, trusting).close()
        assert "warning" not in server.log.read_text()
    finally:
        server.stop()


@pytest.mark.covers("tls.own-certificate")
@pytest.mark.parametrize("days", [-40, 40])
@pytest.mark.slow
def test_a_certificate_that_is_not_good_now_is_served_with_a_warning(tmp_path: Path, days: int) -> None:
    issue(tmp_path, "old", KEYS["p256"](), time.time() + days * 86_400)
    server = TlsServer(tmp_path, tls_certificate=str(tmp_path / "old.pem"), tls_key=str(tmp_path / "old.key"))
    try:
        told = server.log.read_text()
        assert "warning: MOCK_STS_TLS_CERTIFICATE is " in told
        assert "not now, so clients will refuse it; renew it" in told
    finally:
        server.stop()


@pytest.mark.covers("tls.own-certificate")
@pytest.mark.slow
def test_a_renewed_certificate_that_cannot_be_served_does_not_replace_the_one_that_is(tmp_path: Path) -> None:
    issue(tmp_path, "one", KEYS["p256"]())
    server = TlsServer(tmp_path, tls_certificate=str(tmp_path / "one.pem"), tls_key=str(tmp_path / "one.key"))
    trusting = ssl.create_default_context(cafile=str(tmp_path / "one.pem"))
    try:
        issue(tmp_path, "one", KEYS["p521"]())
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "not reloaded" in server.log.read_text(), "nothing is said of the reload")
        assert "key is of the curve secp521r1" in server.log.read_text()
        shake_hands(server.tls_port, trusting).close()
    finally:
        server.stop()


@pytest.mark.covers("tls.own-certificate")
@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        ("server.pem", None, "MOCK_STS_TLS_KEY is empty; set both"),
        (None, "server-key.pem", "MOCK_STS_TLS_CERTIFICATE is empty; set both"),
        ("missing.pem", "server-key.pem", "must be a file that this user may read"),
        ("server.pem", "missing.pem", "must be a file that this user may read"),
        ("server.pem", "ca-key.pem", "cannot be used together"),
        ("rsa1024.pem", "rsa1024.key", "key is RSA of 1024 bits; take RSA of 2048, 3072 or 4096 bits, P-256"),
        ("rsa2560.pem", "rsa2560.key", "key is RSA of 2560 bits"),
        ("rsa3.pem", "rsa3.key", "key is RSA with a public exponent below 65537"),
        ("p521.pem", "p521.key", "key is of the curve secp521r1"),
        ("secp256k1.pem", "secp256k1.key", "key is of the curve secp256k1"),
        ("ed448.pem", "ed448.key", "key is Ed448"),
        ("bom.pem", "server-key.pem", "one of its lines must be -----BEGIN CERTIFICATE-----"),
        ("x509.pem", "server-key.pem", "one of its lines must be -----BEGIN CERTIFICATE-----"),
        ("server.pem", "bom.key", "one of its lines must be -----BEGIN PRIVATE KEY-----"),
        ("server-key.pem", "server-key.pem", "cannot be used together"),
        ("server.pem", "server.json", "cannot be used together"),
        ("server.pem", "encrypted.pem", "the key without a password"),
        (".", "server-key.pem", "must be a file that this user may read"),
    ],
)
@pytest.mark.slow
def test_files_that_do_not_fit_stop_the_start_with_a_sentence(
    tmp_path: Path, own: CertificateFiles, certificate: str | None, key: str | None, told: str
) -> None:
    folder = tmp_path / "files"
    shutil.copytree(own.folder, folder)
    secret = load_pem_private_key((folder / "server-key.pem").read_bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    (folder / "encrypted.pem").write_bytes(secret)
    for file, name in ((own.leaf, "bom.pem"), (own.leaf_key, "bom.key")):
        (folder / name).write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    (folder / "x509.pem").write_bytes(own.leaf.read_bytes().replace(b" CERTIFICATE", b" X509 CERTIFICATE"))
    kind = (certificate or "").removesuffix(".pem")
    if kind in KEYS:
        issue(folder, kind, KEYS[kind]())
    given = {"tls_certificate": certificate, "tls_key": key}
    settings = {name: str(folder / value) for name, value in given.items() if value is not None}
    done = run_command(settings_in(tmp_path, **settings), "serve")
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert "MOCK_STS_TLS_" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "live.sqlite").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_to_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("in the way")
    done = run_command(settings_in(tmp_path), "serve")
    assert done.returncode == 2
    assert "the certificates for https cannot be kept in" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "values", [{"port": "18999", "tls_port": "18999"}, {"tls_port": "65536"}, {"tls_port": "https"}]
)
def test_a_port_that_cannot_be_is_told(tmp_path: Path, values: dict[str, str]) -> None:
    done = run_command(settings_in(tmp_path, **values), "serve")
    assert done.returncode == 2
    assert "MOCK_STS_TLS_PORT is" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_told(tmp_path: Path, server: TlsServer) -> None:
    done = run_command(settings_in(tmp_path, tls_port=str(server.tls_port)), "serve")
    assert done.returncode == 2
    assert f"MOCK_STS_TLS_PORT is {server.tls_port}, but something listens" in done.stderr


# The end


@pytest.mark.covers("tls.processes")
def test_a_signal_to_stop_ends_both_ports_within_two_seconds(tmp_path: Path) -> None:
    server = TlsServer(tmp_path)
    workers = server.workers()
    assert len(workers) == 1, "one process answers on both"
    assert server.stop() < 2
    assert server.process.returncode == 0
    assert not Path(f"/proc/{workers[0]}").exists()
    assert not takes_connections(server.tls_port)
    assert not takes_connections(server.port)


@pytest.mark.covers("tls.processes")
@pytest.mark.slow
def test_a_worker_that_ends_is_replaced_on_both_ports(
    tmp_path: Path,
) -> None:
    server = TlsServer(tmp_path)
    try:
        os.kill(server.workers()[0], signal.SIGKILL)
        https = OverTls(server.base, server.files.ca)
        for transport in (server.transport, https):
            until(partial(answers, transport), "it does not answer", 20)
        https.close()
    finally:
        server.stop()


def answers(transport: OverHttp) -> bool:
    """Whether there is a good answer now."""
    try:
        return transport.send("GET", "/health/ready").status == 200
    except requests.RequestException:
        return False


@pytest.mark.covers("tls.processes")
def test_nothing_lives_on_when_the_server_is_killed(tmp_path: Path) -> None:
    server = TlsServer(tmp_path)
    server.process.kill()
    until(lambda: not takes_connections(server.tls_port), "https lives on")
    until(lambda: not takes_connections(server.port), "http lives on")
    server.stop()


# Logins over https


@pytest.fixture
def rp(server: TlsServer, https: OverTls) -> RelyingParty:
    register_api(server.store, "test:api", scopes=["test:api/read"])
    machine = server.client(
        "web-over-tls",
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
    )
    return RelyingParty(replace(machine, transport=https, issuer=server.base))


def log_in_by_the_page(
    rp: RelyingParty, login: Login, changes: dict[str, str] | None = None
) -> tuple[Answer, list[str]]:
    """The last answer of a login by the forms, and all cookies that were set on the way."""
    browser = rp.browser()
    cookies: list[str] = []
    send = browser.send

    def watching(*args: object, **kwargs: str) -> Answer:
        answer = send(*args, **kwargs)  # type: ignore[arg-type]
        cookies.extend(answer.cookies)
        return answer

    browser.send = watching  # type: ignore[method-assign,assignment]
    pushed = rp.push(login, changes)
    assert pushed.status == 201, pushed.content
    page = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    page = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    action, fields = first_form(page.content.decode())
    return browser.follow(browser.send("POST", action, {**fields, "Pid": PERSON, "SecurityLevel": "4"})), cookies


@pytest.mark.covers("tls.cookies")
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a_login_by_the_page_over_https(rp: RelyingParty, mode: str) -> None:
    login = Login()
    answer, cookies = log_in_by_the_page(rp, login, {"response_mode": mode})
    assert answer.status == (200 if mode == "form_post" else 303)
    assert len(cookies) == 3  # antiforgery, session, and the session's id, which scripts may read
    for cookie in cookies:
        attributes = {part.strip() for part in cookie.split(";")[1:]}
        hidden = {"HttpOnly"} if "-sid-" not in cookie else set()
        assert attributes == {"Secure", "SameSite=None", "Path=/"} | hidden
    if mode == "form_post":
        assert first_form(answer.content.decode())[0] == REDIRECT_URI
    found = answer_parameters(answer)
    assert found["iss"] == rp.machine.issuer
    tokens = rp.redeem(login, found["code"])
    assert tokens.status == 200, tokens.content
    assert decode(tokens.json["id_token"])[1]["iss"] == rp.machine.issuer
    assert rp.user_info(tokens.json["access_token"]).json["sub"] == decode(tokens.json["id_token"])[1]["sub"]


@pytest.mark.covers("tls.cookies")
def test_over_http_the_same_cookies_are_not_secure(server: TlsServer, rp: RelyingParty) -> None:
    plain = RelyingParty(replace(rp.machine, transport=server.transport, issuer=server.issuer))
    _, cookies = log_in_by_the_page(plain, Login())
    assert len(cookies) == 3
    for cookie in cookies:
        assert "Secure" not in cookie
        assert "SameSite=Lax" in cookie
