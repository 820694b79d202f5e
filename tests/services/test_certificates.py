"""The certificates of a local CA: what stands in them, and when they are made anew."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from mock_sts.services.certificates import CertificateFiles, are_current, describe, make_certificates, names_of
from tests.support.emulator import START

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


def test_a_ca_that_cannot_be_read_is_replaced(files: CertificateFiles) -> None:
    files.ca_key.write_text("no key")
    make_certificates(files, (*NAMES, "another.test"), START)
    leaf_of(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))


def test_a_certificate_without_alternative_names_is_described(files: CertificateFiles) -> None:
    authority = x509.load_pem_x509_certificate(files.ca.read_bytes())
    assert describe(authority.public_bytes(Encoding.DER)) == ((), int(authority.not_valid_after_utc.timestamp()))
    with pytest.raises(ValueError, match="parsing"):
        describe(b"no certificate")
