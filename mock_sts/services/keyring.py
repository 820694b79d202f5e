"""The key ring: the key that signs, its certificate, and what is published of it.

As at HelseID: RSA with 3072 bits, RS256 (a setting may ask for PS256), ``kid`` the SHA-1 thumbprint of the
certificate in capitals, ``x5t`` the same twenty bytes in base64url.
"""

import base64
import datetime
import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from mock_sts.helseid.discovery import jwks_document
from mock_sts.helseid.terms import SIGNING_ALGORITHMS
from mock_sts.late import late
from mock_sts.protocol.jose import (
    Jws,
    PrivateKey,
    encode_header,
    generate_private_jwk,
    import_public_key,
    to_base64url,
    to_pem,
)
from mock_sts.store.keys import ACTIVE, SigningKey

_LIFETIME = datetime.timedelta(days=3650)


class KeyRing:
    """The signing keys of one server, imported once."""

    def __init__(self, keys: list[SigningKey], algorithm: str) -> None:
        """``keys`` as the store holds them; one of them is active. ``algorithm`` is one of SIGNING_ALGORITHMS.

        Raises LookupError without an active one.
        """
        active = next((key for key in keys if key.state == ACTIVE), None)
        if active is None:
            raise LookupError("the store holds no active signing key; start with an empty database")
        self.kid = active.kid
        self.algorithm = algorithm
        self._jwk = active.jwk
        self._key = PrivateKey(active.jwk, algorithm)
        certificate = base64.b64decode(active.certificate)
        self._x5t = to_base64url(hashlib.sha1(certificate, usedforsecurity=False).digest())
        self._certificate = active.certificate
        self._headers: dict[str, bytes] = {}
        self._public_key = import_public_key(active.jwk)

    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        """A compact JWS over ``claims``, with the header members in HelseID's order."""
        header = self._headers.get(typ)
        if header is None:
            header = encode_header(self.header(typ))
            self._headers[typ] = header
        return self._key.sign_encoded(header, claims)

    def header(self, typ: str) -> dict[str, str]:
        """The header of what this key signs as ``typ``, its members in HelseID's order."""
        return {"alg": self.algorithm, "kid": self.kid, "x5t": self._x5t, "typ": typ}

    def private_key(self, algorithm: str) -> PrivateKey:
        """The key that signs, to sign with ``algorithm``: for tokens that are ordered with a defect. Raises JoseError
        where it does not fit.
        """
        return self._key if algorithm == self.algorithm else PrivateKey(self._jwk, algorithm)

    def sign_as_testidp(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS as the TestIDP signs: with a key of 22 characters' name and no certificate. The key is ours."""
        kid = to_base64url(hashlib.sha256(self.kid.encode()).digest()[:16])
        return self._key.sign_encoded(encode_header({"alg": self.algorithm, "kid": kid, "typ": "JWT"}), claims)

    def verify(self, jws: Jws) -> bool:
        """Whether we signed ``jws``; its claims are another question."""
        return jws.algorithm == self.algorithm and self._public_key.verify(jws)

    @cached_property
    def published(self) -> bytes:
        """The document with the published keys."""
        return jwks_document(self.public_jwks())

    def public_jwks(self) -> list[dict[str, Any]]:
        """The published keys, members in HelseID's order."""
        jwk = self._key.public_jwk
        return [
            {
                "kty": "RSA",
                "use": "sig",
                "kid": self.kid,
                "x5t": self._x5t,
                "e": jwk["e"],
                "n": jwk["n"],
                "x5c": [self._certificate],
                "alg": self.algorithm,
            }
        ]


def make_signing_key(now: int) -> SigningKey:
    """A new signing key with a self-signed certificate, valid for ten years from ``now`` (seconds)."""
    hashes, serialization, x509 = _certificate_parts()
    jwk = generate_private_jwk(SIGNING_ALGORITHMS[0])
    private_key: Any = serialization.load_pem_private_key(to_pem(jwk), password=None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Mock HelseID STS, for tests only")])
    start = datetime.datetime.fromtimestamp(now, datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LIFETIME)
        .sign(private_key, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    kid = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    return SigningKey(kid, {**jwk, "kid": kid}, base64.b64encode(der).decode("ascii"))


@late
def _certificate_parts() -> tuple[Any, Any, Any]:
    from cryptography import x509  # noqa: PLC0415  only who makes a key makes a certificate
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415

    return hashes, serialization, x509
