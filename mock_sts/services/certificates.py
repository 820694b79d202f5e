"""Certificates for https: a local certificate authority, and a leaf for the names that this server has.

Both are made at the first start and kept with the data; the leaf is made anew when the names change or it is about to
expire. The CA's key never leaves its folder. ``cryptography`` is loaded only when something is made, for the process
that starts the server asks here too.
"""

import datetime
import ipaddress
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

#: Days: the CA lives as long as anybody keeps the data, the leaf as long as Apple's and Chromium's limit allows.
_CA_DAYS, _LEAF_DAYS = 3650, 397

#: A leaf with fewer days left is made anew.
_TOO_SHORT = 30

_DAY = 86_400

#: Names by which every server is reached on its own machine.
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The files in the folder of a server's own certificates, PEM each; ``state`` tells what the leaf is for."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The certificate of the authority: what clients have to trust."""
        return self.folder / "ca.pem"

    @property
    def ca_key(self) -> Path:
        """Its private key."""
        return self.folder / "ca-key.pem"

    @property
    def leaf(self) -> Path:
        """The server's certificate, the authority's after it."""
        return self.folder / "server.pem"

    @property
    def leaf_key(self) -> Path:
        """Its private key."""
        return self.folder / "server-key.pem"

    @property
    def state(self) -> Path:
        """The names in the leaf, and until when it is good."""
        return self.folder / "server.json"


def names_of(urls: Iterable[str], host: str) -> tuple[str, ...]:
    """The names and addresses that a certificate must have for ``urls`` and a server that listens on ``host``."""
    hosts = [*_LOOPBACK, *(urlsplit(url).hostname or "" for url in urls), host.strip("[]")]
    return tuple(dict.fromkeys(name for name in hosts if name and name not in ("0.0.0.0", "::")))  # noqa: S104


def are_current(files: CertificateFiles, names: Sequence[str], now: int) -> bool:
    """Whether the leaf is there, for all of ``names``, and good for a while after ``now`` (seconds)."""
    try:
        state = json.loads(files.state.read_text(encoding="utf-8"))
        there = files.leaf.is_file() and files.leaf_key.is_file() and files.ca.is_file()
        return there and state["names"] == list(names) and state["ends"] > now + _TOO_SHORT * _DAY
    except (OSError, ValueError, KeyError, TypeError):
        return False


def make_certificates(files: CertificateFiles, names: Sequence[str], now: int) -> None:
    """Make what is missing or no longer fits. Raises OSError when the folder cannot be written to."""
    if are_current(files, names, now):
        return
    files.folder.mkdir(parents=True, exist_ok=True)
    authority = _read_authority(files, now) or _make_authority(files, now)
    _make_leaf(files, authority, names, now)


def describe(der: bytes) -> tuple[tuple[str, ...], int]:
    """The names and addresses in a certificate of anybody, and until when it is good (seconds). Raises ValueError."""
    from cryptography import x509  # noqa: PLC0415

    certificate = x509.load_der_x509_certificate(der)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), int(certificate.not_valid_after_utc.timestamp())
    return tuple(str(name.value) for name in found), int(certificate.not_valid_after_utc.timestamp())


def _read_authority(files: CertificateFiles, now: int) -> tuple[Any, Any] | None:
    from cryptography import x509  # noqa: PLC0415  only where something is made
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    try:
        certificate = x509.load_pem_x509_certificate(files.ca.read_bytes())
        key = serialization.load_pem_private_key(files.ca_key.read_bytes(), password=None)
    except (OSError, ValueError):
        return None
    return (certificate, key) if certificate.not_valid_after_utc.timestamp() > now + _LEAF_DAYS * _DAY else None


def _make_authority(files: CertificateFiles, now: int) -> tuple[Any, Any]:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _name(f"Mock HelseID STS local CA {now}, for tests only")
    certificate = (
        _builder(name, name, key.public_key(), now, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(files.ca_key, _key_pem(key), 0o600)
    _write(files.ca, _pem(certificate), 0o644)
    return certificate, key


def _make_leaf(files: CertificateFiles, authority: tuple[Any, Any], names: Sequence[str], now: int) -> None:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415

    issuer, issuer_key = authority
    # RSA, because the suites that FAPI 2.0 names for TLS 1.2 are RSA's.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    certificate = (
        _builder(_name(names[0]), issuer.subject, key.public_key(), now, _LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    _write(files.leaf_key, _key_pem(key), 0o600)
    _write(files.leaf, _pem(certificate) + _pem(issuer), 0o644)
    ends = int(certificate.not_valid_after_utc.timestamp())
    # Last: what it says is there then.
    _write(files.state, json.dumps({"names": list(names), "ends": ends}).encode(), 0o644)


def _builder(subject: Any, issuer: Any, public_key: Any, now: int, days: int) -> Any:
    from cryptography import x509  # noqa: PLC0415

    # A little in the past, for the clocks of others.
    start = datetime.datetime.fromtimestamp(now - 3600, datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> Any:
    from cryptography import x509  # noqa: PLC0415

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> Any:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _general_name(name: str) -> Any:
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    encoded: bytes = certificate.public_bytes(serialization.Encoding.PEM)
    return encoded


def _key_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write ``path`` so that nobody sees it half done, and a key never with wider permissions."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    beside.replace(path)
