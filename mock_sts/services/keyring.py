"""The key ring: the key that signs, its certificate, and what is published of it and of those before and after it.

As at HelseID: RSA with 3072 bits, RS256 (a setting may ask for PS256), ``kid`` the SHA-1 thumbprint of the
certificate in capitals, ``x5t`` the same twenty bytes in base64url. A test may have other keys and algorithms.
"""

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from mock_sts.helseid.discovery import jwks_document
from mock_sts.helseid.terms import SIGNING_ALGORITHMS
from mock_sts.late import late
from mock_sts.protocol.jose import (
    JoseError,
    Jws,
    PrivateKey,
    PublicKey,
    encode_header,
    generate_private_jwk,
    import_public_key,
    to_base64url,
    to_pem,
)
from mock_sts.store.keys import ACTIVE, RETIRED, SigningKey

_LIFETIME = datetime.timedelta(days=3650)

#: The members of a public key that stand before the certificate and after it, in HelseID's order.
_BEFORE = {"RSA": ("e", "n"), "EC": ("crv", "x", "y")}


class KeyRing:
    """The signing keys of one environment, imported once."""

    def __init__(self, keys: list[SigningKey], algorithm: str) -> None:
        """``keys`` as the store holds them; one of them is active. ``algorithm`` is that of keys which have none of
        their own, one of SIGNING_ALGORITHMS.

        Raises LookupError without an active one.
        """
        active = next((key for key in keys if key.state == ACTIVE), None)
        if active is None:
            raise LookupError("the store holds no active signing key; start with an empty database")
        #: All of them, newest first.
        self.keys = tuple(keys)
        self._usual = algorithm
        self.kid = active.kid
        self.algorithm = active.algorithm or algorithm
        self._jwk = active.jwk
        self._key, self._public_key = _imported(json.dumps(dict(active.jwk)), self.algorithm)
        self._x5t = _x5t_of(active)
        self._headers: dict[str, bytes] = {}

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
        """Whether we signed ``jws`` by a key that still counts: the one that signs, or one before or after it that the
        key set shows. Its claims are another question.
        """
        if jws.algorithm == self.algorithm and self._public_key.verify(jws):
            return True
        others = [key for key in self._others if jws.header.get("kid") == key.kid]
        return any(jws.algorithm == self._algorithm_of(key) and self._public(key).verify(jws) for key in others)

    @cached_property
    def published(self) -> bytes:
        """The document with the published keys."""
        return jwks_document(self.public_jwks())

    @cached_property
    def expired(self) -> bytes:
        """The document with the keys that have signed and are no longer published."""
        return jwks_document([self._described(key) for key in self.keys if key.state == RETIRED and key.withheld])

    def public_jwks(self) -> list[dict[str, Any]]:
        """The published keys, the one that signs first, members in HelseID's order."""
        shown = [key for key in self.keys if not key.withheld]
        return [self._described(key) for key in sorted(shown, key=lambda key: key.state != ACTIVE)]

    def _described(self, key: SigningKey) -> dict[str, Any]:
        jwk = key.jwk
        return {
            "kty": jwk["kty"],
            "use": "sig",
            "kid": key.kid,
            "x5t": _x5t_of(key),
            **{name: jwk[name] for name in _BEFORE[jwk["kty"]]},
            "x5c": [key.certificate],
            "alg": self._algorithm_of(key),
        }

    def _algorithm_of(self, key: SigningKey) -> str:
        return key.algorithm or self._usual

    def _public(self, key: SigningKey) -> PublicKey:
        return _imported(json.dumps(dict(key.jwk)), self._algorithm_of(key))[1]

    @cached_property
    def _others(self) -> tuple[SigningKey, ...]:
        return tuple(key for key in self.keys if key.kid != self.kid and not key.withheld)


@lru_cache(maxsize=64)
def _imported(jwk: str, algorithm: str) -> tuple[PrivateKey, PublicKey]:
    """The key of a JWK in JSON; environments that begin with the same key share it."""
    members = json.loads(jwk)
    return PrivateKey(members, algorithm), import_public_key(members)


def _x5t_of(key: SigningKey) -> str:
    return to_base64url(hashlib.sha1(base64.b64decode(key.certificate), usedforsecurity=False).digest())


def make_signing_key(now: int, algorithm: str | None = None, bits: int = 3072) -> SigningKey:
    """A new signing key with a self-signed certificate, valid for ten years from ``now`` (seconds).

    It signs with ``algorithm``, None for what the setting says; ``bits`` are those of an RSA key. Takes up to seconds:
    to be called while no transaction is open. Raises JoseError for an unknown algorithm.
    """
    return certified(generate_private_jwk(algorithm or SIGNING_ALGORITHMS[0], bits), now, algorithm)


def certified(
    jwk: Mapping[str, str], now: int, algorithm: str | None, kid: str = "", certificate: str = ""
) -> SigningKey:
    """The private ``jwk`` as a signing key, with a certificate of its own unless it has ``certificate`` (DER, standard
    base64). Its id is ``kid``, or else follows from the certificate as at HelseID. Raises JoseError.
    """
    PrivateKey(jwk, algorithm or SIGNING_ALGORITHMS[0])  # it can sign with that
    der = base64.b64decode(certificate) if certificate else _self_signed(jwk, now)
    kid = kid or hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    encoded = base64.b64encode(der).decode("ascii")
    return SigningKey(kid, {**jwk, "kid": kid}, encoded, created_at=now, algorithm=algorithm)


def _self_signed(jwk: Mapping[str, str], now: int) -> bytes:
    hashes, serialization, x509 = _certificate_parts()
    private_key: Any = serialization.load_pem_private_key(to_pem(jwk), password=None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Mock HelseID STS, for tests only")])
    start = datetime.datetime.fromtimestamp(now, datetime.UTC)
    try:
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + _LIFETIME)
            .sign(private_key, hashes.SHA256())
        )
    except ValueError as error:
        raise JoseError(f"no certificate can be made for it: {error}") from None
    encoded: bytes = made.public_bytes(serialization.Encoding.DER)
    return encoded


@late
def _certificate_parts() -> tuple[Any, Any, Any]:
    from cryptography import x509  # noqa: PLC0415  only who makes a key makes a certificate
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415

    return hashes, serialization, x509
