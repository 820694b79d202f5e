"""Certificates for https: a local certificate authority, and a leaf for the names that this server has.

Both are made at the first start and kept with the data; the leaf is made anew when the names change, it is about to
expire, or the files are not the ones that were made together. The CA's key never leaves its folder. ``cryptography`` is
loaded only when something is made or judged, for the process that starts the server asks here too.
"""

import datetime
import hashlib
import ipaddress
import json
import os
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_sts.late import late
from mock_sts.settings.certificate_files import CertificateFiles
from mock_sts.store.private_files import ALL_KEYS, make_private_folder, shut_all
from mock_sts.system import locked, put_in_place, take_away

#: Days: the CA lives as long as the data are kept, the leaf as long as Apple's and Chromium's limit allows.
_CA_DAYS, _LEAF_DAYS = 3650, 397

#: A leaf with fewer days left is made anew.
_TOO_SHORT = 30

_DAY = 86_400

#: What the server's TLS (rustls with ring) takes of RSA; tried.
_RSA_BITS = (2048, 3072, 4096)

#: The first certificate and the first key that OpenSSL sees; ``line`` is there if the server's TLS sees the same.
_ANY_CERTIFICATE = re.compile(rb"(?P<line>^-----BEGIN CERTIFICATE-----)|-----BEGIN [^-]*CERTIFICATE-----", re.MULTILINE)
_ANY_KEY = re.compile(
    rb"(?P<line>^-----BEGIN (RSA |EC )?PRIVATE KEY-----)|-----BEGIN [^-]*PRIVATE KEY-----", re.MULTILINE
)


class OwnCertificateError(ValueError):
    """A certificate of one's own that cannot be served; the message says why and what to do."""


def are_current(files: CertificateFiles, names: Sequence[str], now: int) -> bool:
    """Whether the leaf is there, for all of ``names``, good at ``now`` (seconds) and for a while, and CA, leaf and key
    are the ones that were made together.
    """
    try:
        state = json.loads(files.state.read_text(encoding="utf-8"))
        fits = state["names"] == list(names) and state["ends"] > now + _TOO_SHORT * _DAY
        # One that a clock made which was ahead is not good yet.
        begun = state["ends"] - _LEAF_DAYS * _DAY <= now
        return bool(fits and begun) and state["digests"] == _digests(files)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _digests(files: CertificateFiles) -> dict[str, str]:
    served = (files.ca, files.leaf, files.leaf_key)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in served}


def make_certificates(files: CertificateFiles, names: Sequence[str], now: int) -> str:
    """Make what is missing or no longer fits.

    A sentence for a person when an authority that was there had to be replaced, else an empty one. Raises OSError when
    the folder cannot be read or written to.
    """
    shut_all(files.folder, ALL_KEYS)
    if are_current(files, names, now):
        return ""
    with _alone(files):
        if are_current(files, names, now):  # another start has made them meanwhile
            return ""
        authority, warning = _authority(files, now)
        _make_leaf(files, authority, names, now)
        return warning


def make_authority(files: CertificateFiles, now: int) -> str:
    """Make the authority where there is none, and change nothing else: a server may be running with the leaf.

    What is returned and raised is as for ``make_certificates``.
    """
    shut_all(files.folder, ALL_KEYS)
    if _is_there(files.ca):
        return ""
    with _alone(files):
        return "" if _is_there(files.ca) else _authority(files, now)[1]


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate for an application of the developer's: in PEM with that of the authority behind it, its key in PEM,
    both in PKCS#12, the day on which it ends, and a sentence where the authority had to be replaced, else none.
    """

    chain: bytes
    key: bytes
    pkcs12: bytes
    ends: str
    warning: str


def issue(files: CertificateFiles, names: Sequence[str], password: str, now: int) -> Issued:
    """A certificate of the authority for ``names``; nothing of it is kept here. ``password`` locks the PKCS#12 form.

    Raises OSError when the folder cannot be read or written to.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    with _alone(files):
        authority, warning = _authority(files, now)
    certificate, key = _signed_leaf(authority, names, now)
    locked_with = serialization.BestAvailableEncryption(password.encode())
    bundle = pkcs12.serialize_key_and_certificates(names[0].encode(), key, certificate, [authority[0]], locked_with)
    chain = _pem(certificate) + _pem(authority[0])
    return Issued(chain, _key_pem(key), bundle, f"{certificate.not_valid_after_utc:%Y-%m-%d}", warning)


def _is_there(file: Path) -> bool:
    """Whether ``file`` exists. Raises OSError where that cannot be found out: what one may not read is not absent."""
    try:
        file.stat()
    except FileNotFoundError:
        return False
    return True


def _content(file: Path) -> bytes:
    """The content of ``file``, nothing when it is absent. Raises OSError when it cannot be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


@contextmanager
def _alone(files: CertificateFiles) -> Iterator[None]:
    """Make the folder, and wait until no other process makes something in it."""
    if not files.folder.parent.exists():
        make_private_folder(files.folder.parent)
    files.folder.mkdir(exist_ok=True)
    with locked(files.lock):
        yield


def check_own(certificate: Path, key: Path, now: int) -> str:
    """Look whether a certificate and key of one's own can be served; ``now`` in seconds.

    The server's TLS takes less than Python's, and what it does not take ends it without a word. A sentence for a person
    when clients will refuse the certificate for its dates, else an empty one. Raises OwnCertificateError.
    """
    from cryptography import x509  # noqa: PLC0415

    pems = certificate.read_bytes(), key.read_bytes()
    try:
        first = x509.load_pem_x509_certificates(pems[0])[0]
    except ValueError:
        first = None  # OpenSSL, or the first line, says below what is wrong
    if first is not None and (unfit := _unfit_key(first)):
        raise OwnCertificateError(
            f"cannot be used: the certificate's key is {unfit}; take RSA of 2048, 3072 or 4096 bits, P-256, P-384 or "
            "Ed25519"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (OSError, ValueError) as error:
        raise OwnCertificateError(
            f"cannot be used together ({getattr(error, 'reason', None) or error}); both must be PEM, the key without "
            "a password and the one of the first certificate"
        ) from None
    for pem, pattern, kind in zip(pems, (_ANY_CERTIFICATE, _ANY_KEY), ("CERTIFICATE", "PRIVATE KEY"), strict=True):
        found = pattern.search(pem)
        if found is None or found["line"] is None:
            raise OwnCertificateError(
                f"cannot be used: one of its lines must be -----BEGIN {kind}----- and nothing else, without a byte "
                "order mark, X509 or TRUSTED; write the file anew as plain PEM"
            )
    if first is None:
        raise OwnCertificateError("cannot be used: the certificate breaks RFC 5280; have another one issued")
    start, end = first.not_valid_before_utc, first.not_valid_after_utc
    if start.timestamp() <= now <= end.timestamp():
        return ""
    return f"is good from {start:%Y-%m-%d} until {end:%Y-%m-%d}, not now, so clients will refuse it; renew it"


def _unfit_key(certificate: Any) -> str:
    """What the key of ``certificate`` is when it is none that the server's TLS takes, else an empty string."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415

    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "of an unknown kind"
    usual = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if usual not in certificate.tbs_certificate_bytes:
        return "written in an unusual way (RSA for PSS only, or a curve by its parameters)"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size not in _RSA_BITS:
            return f"RSA of {key.key_size} bits"
        return "RSA with a public exponent below 65537" if key.public_numbers().e < 65_537 else ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.name in ("secp256r1", "secp384r1") else f"of the curve {key.curve.name}"
    return "" if isinstance(key, ed25519.Ed25519PublicKey) else f"{type(key).__name__.removesuffix('PublicKey')}"


def describe(der: bytes) -> tuple[tuple[str, ...], int]:
    """The names and addresses in any certificate, and until when it is good (seconds). Raises ValueError."""
    x509 = _x509()
    certificate = x509.load_der_x509_certificate(der)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), int(certificate.not_valid_after_utc.timestamp())
    return tuple(str(name.value) for name in found), int(certificate.not_valid_after_utc.timestamp())


@late
def _x509() -> Any:
    from cryptography import x509  # noqa: PLC0415  for the page of the doctor; the rest of this is for commands

    return x509


def _authority(files: CertificateFiles, now: int) -> tuple[tuple[Any, Any], str]:
    """The authority that is there, else a new one; and a sentence when that one replaces another."""
    if found := _read_authority(files, now):
        return found, ""
    aside = [old for file in (files.ca, files.ca_key) if (old := _put_aside(file, now))]
    made = _make_authority(files, now)
    if not aside:
        return made, ""
    return made, (
        f"the local CA in {str(files.folder)!r} could not be used any longer and was replaced, so clients have to "
        f"trust the new one (mock-sts ca); what was there is kept as {' and '.join(aside)}"
    )


def _put_aside(file: Path, now: int) -> str:
    """Give ``file`` another name, and tell it; an empty string when there is no such file."""
    aside = file.with_name(f"{file.name}.until-{now}")
    try:
        file.replace(aside)
    except FileNotFoundError:
        return ""
    return aside.name


def _read_authority(files: CertificateFiles, now: int) -> tuple[Any, Any] | None:
    """The authority's certificate and key if they belong together and last; its certificate follows the leaf's too."""
    from cryptography import x509  # noqa: PLC0415  only where something is made
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(_content(files.ca_key), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a password
        return None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return None
    for file in (files.ca, files.leaf):
        try:
            for certificate in x509.load_pem_x509_certificates(_content(file)):
                begins = certificate.not_valid_before_utc.timestamp()
                ends = certificate.not_valid_after_utc.timestamp()
                lasts = begins <= now and ends > now + _LEAF_DAYS * _DAY
                if certificate.public_key() == key.public_key() and lasts:
                    if file != files.ca:
                        _put_aside(files.ca, now)
                        _write(files.ca, _pem(certificate), 0o644)
                    return certificate, key
        except (ValueError, UnsupportedAlgorithm):
            continue
    return None


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
    certificate, key = _signed_leaf(authority, names, now)
    _write(files.leaf_key, _key_pem(key), 0o600)
    _write(files.leaf, _pem(certificate) + _pem(authority[0]), 0o644)
    ends = int(certificate.not_valid_after_utc.timestamp())
    # Last: what it says is there then.
    state = {"names": list(names), "ends": ends, "digests": _digests(files)}
    _write(files.state, json.dumps(state).encode(), 0o644)


def _signed_leaf(authority: tuple[Any, Any], names: Sequence[str], now: int) -> tuple[Any, Any]:
    """A certificate for ``names`` by ``authority``, and its key."""
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
    return certificate, key


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
    """Write ``path`` so that no reader sees it half done, nor a key with wider permissions."""
    beside = path.with_suffix(".new")
    take_away(beside)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    put_in_place(beside, path)
