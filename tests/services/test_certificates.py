"""The certificates of a local CA: what stands in them, and when they are made anew."""

import json
import os
import ssl
import stat
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from mock_sts.server.certificates import are_current, describe, make_authority, make_certificates
from mock_sts.settings.certificate_files import CertificateFiles, names_of
from tests.support.emulator import START
from tests.support.lanes import at_once

NAMES = names_of(("https://helseid.example.test/base", "http://mock-sts:8080", "https://[fd00::7]:8443"), "0.0.0.0")
DAY = 86_400


@pytest.fixture
def files(tmp_path: Path) -> Iterator[CertificateFiles]:
    """Certificates made under a umask that takes nothing away."""
    before = os.umask(0)
    made = CertificateFiles(tmp_path / "tls")
    make_certificates(made, NAMES, START)
    yield made
    os.umask(before)


def leaf_of(files: CertificateFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificates(files.leaf.read_bytes())[0]


def belong_together(files: CertificateFiles) -> None:
    """Fail unless the leaf is the authority's and has its key, and the authority has its own."""
    leaf_of(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))
    for certificate, key in ((files.leaf, files.leaf_key), (files.ca, files.ca_key)):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def content(files: CertificateFiles) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in files.folder.iterdir()}


def test_names_are_those_of_loopback_and_of_all_urls() -> None:
    assert NAMES == ("localhost", "127.0.0.1", "::1", "helseid.example.test", "mock-sts", "fd00::7")
    assert names_of((), "192.0.2.7")[-1] == "192.0.2.7"


@pytest.mark.covers("tls.names")
def test_the_leaf_has_all_names_and_is_the_authoritys(files: CertificateFiles) -> None:
    leaf = leaf_of(files)
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    leaf.verify_directly_issued_by(authority)
    assert x509.load_pem_x509_certificates(files.leaf.read_bytes())[1] == authority
    assert describe(leaf.public_bytes(Encoding.DER)) == (NAMES, int(leaf.not_valid_after_utc.timestamp()))
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert authority.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


@pytest.mark.covers("tls.keys.private")
def test_only_the_owner_reads_the_keys(files: CertificateFiles) -> None:
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files.folder.iterdir()}
    assert modes == {
        "ca.pem": 0o644,
        "ca-key.pem": 0o600,
        "server.pem": 0o644,
        "server-key.pem": 0o600,
        "server.json": 0o644,
        "lock": 0o600,
    }


@pytest.mark.covers("tls.reissued")
def test_nothing_is_made_anew_without_need(files: CertificateFiles) -> None:
    before = content(files)
    make_certificates(files, NAMES, START + 100 * DAY)
    assert content(files) == before
    assert are_current(files, NAMES, START + 100 * DAY)


@pytest.mark.covers("tls.reissued")
@pytest.mark.parametrize("names", [(*NAMES, "another.test"), NAMES[:-1], tuple(reversed(NAMES))])
def test_other_names_make_another_leaf_of_the_same_authority(files: CertificateFiles, names: tuple[str, ...]) -> None:
    before = content(files)
    assert not are_current(files, names, START)
    make_certificates(files, names, START)
    after = content(files)
    assert after["ca.pem"] == before["ca.pem"]
    assert after["ca-key.pem"] == before["ca-key.pem"]
    assert after["server.pem"] != before["server.pem"]
    assert after["server-key.pem"] != before["server-key.pem"]
    assert describe(leaf_of(files).public_bytes(Encoding.DER))[0] == names


@pytest.mark.covers("tls.reissued")
@pytest.mark.parametrize(("days", "anew"), [(366, False), (368, True), (500, True)])
def test_a_leaf_that_is_over_soon_is_made_anew(files: CertificateFiles, days: int, anew: bool) -> None:
    before = content(files)
    make_certificates(files, NAMES, START + days * DAY)
    after = content(files)
    assert (after["server.pem"] != before["server.pem"]) is anew
    assert after["ca.pem"] == before["ca.pem"]
    assert leaf_of(files).not_valid_after_utc.timestamp() > START + (days + 29) * DAY


def test_an_authority_that_would_end_before_its_leaf_is_made_anew(files: CertificateFiles) -> None:
    before = content(files)
    make_certificates(files, NAMES, START + 3300 * DAY)
    assert content(files)["ca.pem"] != before["ca.pem"]
    leaf_of(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server-key.pem", "server.json"])
def test_what_is_missing_is_made(files: CertificateFiles, name: str) -> None:
    (files.folder / name).unlink()
    assert not are_current(files, NAMES, START)
    make_certificates(files, NAMES, START)
    assert are_current(files, NAMES, START)
    leaf_of(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"names": 1, "ends": "x"}', json.dumps({"names": NAMES})])
def test_a_state_that_cannot_be_read_is_no_state(files: CertificateFiles, text: str) -> None:
    files.state.write_text(text)
    assert not are_current(files, NAMES, START)
    make_certificates(files, NAMES, START)
    assert are_current(files, NAMES, START)


def pem_of(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def locked(pem: bytes) -> bytes:
    """The same key with a password."""
    key = load_pem_private_key(pem, None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    """Those of another server for the same names."""
    made = CertificateFiles(tmp_path_factory.mktemp("foreign"))
    make_certificates(made, NAMES, START)
    return made


@pytest.mark.covers("tls.damaged")
@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server-key.pem"])
@pytest.mark.parametrize("how", ["empty", "garbage", "cut", "foreign"])
def test_a_damaged_file_is_mended_and_the_authority_stays(
    files: CertificateFiles, foreign: CertificateFiles, name: str, how: str
) -> None:
    before = content(files)
    damaged = {
        "empty": b"",
        "garbage": b"\x00\xff no PEM",
        "cut": before[name][:300],
        "foreign": (foreign.folder / name).read_bytes(),
    }[how]
    (files.folder / name).write_bytes(damaged)
    assert not are_current(files, NAMES, START)
    assert make_certificates(files, NAMES, START) == ""
    assert are_current(files, NAMES, START)
    belong_together(files)
    assert (content(files)["ca.pem"], content(files)["ca-key.pem"]) == (before["ca.pem"], before["ca-key.pem"])


@pytest.mark.covers("tls.damaged")
@pytest.mark.parametrize("how", ["garbage", "foreign", "with a password", "of another kind"])
def test_an_authority_that_cannot_be_used_is_replaced_and_kept(
    files: CertificateFiles, foreign: CertificateFiles, how: str
) -> None:
    before = content(files)
    files.ca_key.write_bytes(
        {
            "garbage": b"no key",
            "foreign": foreign.ca_key.read_bytes(),
            "with a password": locked(before["ca-key.pem"]),
            "of another kind": pem_of(Ed25519PrivateKey.generate()),
        }[how]
    )
    unusable = files.ca_key.read_bytes()
    # A running server does not need it.
    assert make_certificates(files, NAMES, START) == ""
    files.state.unlink()
    warning = make_certificates(files, NAMES, START)
    belong_together(files)
    after = content(files)
    assert after["ca.pem"] != before["ca.pem"]
    assert (after[f"ca.pem.until-{START}"], after[f"ca-key.pem.until-{START}"]) == (before["ca.pem"], unusable)
    for word in ("clients have to trust the new one", "mock-sts ca", f"ca-key.pem.until-{START}"):
        assert word in warning


def start_at_once(files: CertificateFiles, barrier: Barrier) -> None:
    barrier.wait()
    make_certificates(files, NAMES, START)


@pytest.mark.covers("tls.damaged")
@pytest.mark.slow
def test_starts_at_the_same_time_make_one_authority(tmp_path: Path) -> None:
    for attempt in range(5):
        files = CertificateFiles(tmp_path / str(attempt))
        at_once(start_at_once, [(files,)] * 3)
        belong_together(files)
        assert are_current(files, NAMES, START)
        assert sorted(content(files)) == ["ca-key.pem", "ca.pem", "lock", "server-key.pem", "server.json", "server.pem"]


def test_an_authority_alone_is_made_where_there_is_none(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "tls")
    make_authority(files, START)
    before = content(files)
    assert sorted(before) == ["ca-key.pem", "ca.pem", "lock"]
    make_authority(files, START + 9000 * DAY)
    assert content(files) == before
    make_certificates(files, NAMES, START)
    belong_together(files)
    assert content(files)["ca.pem"] == before["ca.pem"]


def test_what_may_not_be_read_is_not_taken_for_absent(files: CertificateFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(files)
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path == files.ca_key:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PermissionError):
        make_certificates(files, (*NAMES, "another.test"), START)
    monkeypatch.undo()
    assert content(files) == before


def test_a_certificate_without_alternative_names_is_described(files: CertificateFiles) -> None:
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    assert describe(authority.public_bytes(Encoding.DER)) == ((), int(authority.not_valid_after_utc.timestamp()))
    with pytest.raises(ValueError, match="parsing"):
        describe(b"no certificate")
