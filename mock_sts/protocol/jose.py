"""JOSE (RFC 7515, 7517, 7518, 7638): read, verify, sign, by the primitives of ``cryptography``.

Everything that a stranger can put into a JWS or JWK ends here in a value or in a sentence that says what is wrong
with it, never in a foreign exception.
"""

import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePrivateKey,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicKey,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from mock_sts.late import late
from mock_sts.protocol.alphabets import BASE64URL, strangers
from mock_sts.protocol.json_text import JsonTextError, read_json_object, write_json, write_plain_json
from mock_sts.values import value_type

#: The nine asymmetric algorithms (RFC 7518 section 3.1), RSA before EC.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")

#: Ed25519 under both its names (RFC 9864 and RFC 8037). HelseID does not know it, FAPI 2.0 does.
EDWARDS = ("Ed25519", "EdDSA")

#: The algorithms that FAPI 2.0 allows (section 5.4.1).
FAPI_ALGORITHMS = ("PS256", "ES256", *EDWARDS)

#: Longest compact JWS that is read, in characters. An RSA-4096 proof has 2,300, a detailed assertion under 8,000.
MAX_JWS_LENGTH = 65_536

#: JWK members that hold private or symmetric key material (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")

#: Values of JWK members that say nothing: Microsoft's JsonWebKey is written with ``"d": null`` and ``"oth": []``.
_NOTHING: tuple[object, ...] = (None, "", [], {})

#: The members that make a public key.
_KEY_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

#: The members that are numbers in base64url; and those that a private key must have.
_NUMBERS = ("n", "e", "x", "y", *PRIVATE_MEMBERS[:6])
_PRIVATE_KEY_MEMBERS = {"RSA": ("n", "e", *PRIVATE_MEMBERS[:6]), "EC": ("crv", "x", "y", "d"), "OKP": ("crv", "x", "d")}

_NO_PRIVATE_KEY = "it is not a usable private JWK (RSA with its primes, EC, or Ed25519)"

_CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

#: Everything that a signature may be made with.
_SIGNERS = (*ALGORITHMS, *EDWARDS)

_KEY_TYPE_OF = {
    **{name: "EC" if name.startswith("ES") else "RSA" for name in ALGORITHMS},
    **dict.fromkeys(EDWARDS, "OKP"),
}

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*\Z")

#: From standard base64 to that of URLs, which needs no padding.
_TO_URL = bytes.maketrans(b"+/", b"-_")

_CURVES = {"P-256": SECP256R1(), "P-384": SECP384R1(), "P-521": SECP521R1()}

#: Longest JWK member that is read, in characters: a modulus of 8192 bits has 1366. Larger RSA keys cost a verifier too
#: much time; NHN's own samples go up to 4096 bits.
_MAX_MEMBER_LENGTH = 1366

_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}

#: RFC 7518 sections 3.3 to 3.5: the hash of each algorithm, and the padding of those of RSA. The salt is as long as
#: the hash.
_HASH_OF = {name: _HASHES[name[2:]] for name in ALGORITHMS}
_PADDING_OF: Mapping[str, AsymmetricPadding] = {
    name: PKCS1v15() if name.startswith("RS") else PSS(MGF1(_HASH_OF[name]), _HASH_OF[name].digest_size)
    for name in ALGORITHMS
    if not name.startswith("ES")
}

_ECDSA_OF = {name: ECDSA(_HASH_OF[name]) for name in ALGORITHMS if name.startswith("ES")}

_PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


class JoseError(ValueError):
    """A JWS or JWK cannot be used; the message says why, in words for a developer."""


def to_base64url(data: bytes) -> str:
    """``data`` in base64url without padding (RFC 7515 section 2)."""
    return _base64url_bytes(data).decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes of unpadded base64url ``text``. Raises JoseError for any other character or length."""
    if not _BASE64URL.match(text) or len(text) % 4 == 1:
        raise JoseError("it is not base64url")
    # By ``binascii`` itself: ``base64`` puts five functions around it, for each of the eight texts of a token request.
    try:
        return binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise JoseError("it is not base64url") from None


@value_type
class Jws:
    """A compact JWS that could be read; nothing is verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signing_input: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """The ``alg`` header if it is one of ALGORITHMS or EDWARDS, else an empty string."""
        alg = self.header.get("alg")
        return alg if isinstance(alg, str) and alg in _SIGNERS else ""


def read_jws(text: str) -> Jws:
    """A compact JWS whose payload is a JSON object (a JWT). Raises JoseError."""
    if len(text) > MAX_JWS_LENGTH:
        raise JoseError(f"it is longer than {MAX_JWS_LENGTH} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise JoseError(f"it has {len(parts)} parts where a JWS has three, separated by dots")
    try:
        header = read_json_object(_part(parts[0]))
    except (JoseError, JsonTextError) as error:
        raise JoseError(f"its header cannot be read: {error}") from None
    try:
        claims = read_json_object(_part(parts[1]))
    except (JoseError, JsonTextError) as error:
        raise JoseError(f"its payload cannot be read: {error}") from None
    if "crit" in header or header.get("b64") is False:
        raise JoseError("its header asks for an extension (crit, b64) that is not understood")
    try:
        signature = _part(parts[2])
    except JoseError as error:
        raise JoseError(f"its signature cannot be read: {error}") from None
    return Jws(header, claims, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def _part(text: str) -> bytes:
    try:
        return from_base64url(text)
    except JoseError as error:
        strange = strangers(text, BASE64URL)
        raise JoseError(f"{error}: there is {strange}" if strange else f"{error}: a part is missing") from None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as a verifier uses it. ``bits`` is the modulus size for RSA, the field size for EC; ``thumbprint``
    is that of RFC 7638 with SHA-256.
    """

    kty: str
    crv: str
    bits: int
    thumbprint: str
    _key: RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
    #: Members that were written in standard base64, or with padding.
    loose: tuple[str, ...] = ()

    def verify(self, jws: Jws) -> bool:
        """Whether this key made the signature of ``jws`` with the algorithm that its header names.

        An EC key verifies with every ES algorithm, also one that belongs to another curve: some clients sign ES256
        with a P-521 key. ``curve_fits`` tells that apart.
        """
        algorithm = jws.algorithm
        key: Any = self._key  # its type goes with ``kty``; to ask for it again costs as much as much of the rest
        if not self.fits(algorithm):
            return False
        try:
            if self.kty == "OKP":
                key.verify(jws.signature, jws.signing_input)
            elif self.kty == "RSA":
                key.verify(jws.signature, jws.signing_input, _PADDING_OF[algorithm], _HASH_OF[algorithm])
            else:
                half = (self.bits + 7) // 8
                if len(jws.signature) != 2 * half:
                    return False
                r, s = int.from_bytes(jws.signature[:half], "big"), int.from_bytes(jws.signature[half:], "big")
                key.verify(encode_dss_signature(r, s), jws.signing_input, _ECDSA_OF[algorithm])
        except (InvalidSignature, ValueError):
            return False
        return True

    def to_pem(self) -> bytes:
        """The key as PEM (SubjectPublicKeyInfo), byte for byte as OpenSSL writes it."""
        return _public_pem()(self._key)

    def fits(self, algorithm: str) -> bool:
        """Whether a key of this type signs with ``algorithm``."""
        return _KEY_TYPE_OF.get(algorithm) == self.kty

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that this key may sign with (RFC 7518 section 3): those of its type, and of its curve."""
        return _algorithms_for(self.kty, self.crv)

    def curve_fits(self, algorithm: str) -> bool:
        """Whether the key's curve is the one that RFC 7518 section 3.4 ties ``algorithm`` to; True for RSA."""
        return self.kty != "EC" or _CURVE_OF.get(algorithm) == self.crv


@lru_cache(maxsize=32)
def _algorithms_for(kty: str, crv: str) -> tuple[str, ...]:
    fit = (name for name, wanted in _KEY_TYPE_OF.items() if wanted == kty)
    return tuple(name for name in fit if _CURVE_OF.get(name, crv) == crv)


def wrong_algorithm(jwk: Mapping[str, Any]) -> str:
    """What is wrong with the ``alg`` of ``jwk``, and the remedy; an empty text where nothing is."""
    alg, signs = jwk.get("alg"), _signs(jwk)
    right = alg in (None, "") or alg in signs.fit or not signs.fit
    return "" if right else f"its alg is {alg!r}, but {signs.described}"


@value_type
class _Signs:
    fit: tuple[str, ...]
    described: str


def _signs(jwk: Mapping[str, Any]) -> _Signs:
    """The algorithms that fit a JWK (none where its type and curve name none), and a remedy that names them."""
    kty, crv = (value if isinstance(value := jwk.get(name), str) else "" for name in ("kty", "crv"))
    fit = _algorithms_for(kty, crv)
    of = f"a key on {crv}" if crv and kty != "RSA" else "an RSA key"
    return _Signs(fit, f"{of} signs {' or '.join(fit)}; mend alg" if fit else "")


def import_public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """The public part of ``jwk`` (RFC 7517), whatever its ``alg``, ``use``, ``key_ops`` and private members say.

    Short keys are taken: the profile judges them. Raises JoseError for other key types, missing or malformed members, a
    point off its curve and RSA keys that are too small or too large to be used at all.
    """
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _KEY_MEMBERS:
        raise JoseError("its kty is none of RSA, EC, OKP")
    members, loose = {}, []
    for name in _KEY_MEMBERS[kty]:
        value = jwk.get(name)
        if not isinstance(value, str) or not value:
            raise JoseError(f"its member {name} is missing or not a string")
        if len(value.rstrip("=")) > _MAX_MEMBER_LENGTH:
            raise JoseError(f"its member {name} is too long")
        members[name] = value if name == "crv" else _strict_base64url(name, value)
        if members[name] != value:
            loose.append(name)
    crv = members.get("crv", "")
    key: RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
    try:
        if kty == "RSA":
            key = RSAPublicNumbers(_integer(members["e"]), _integer(members["n"])).public_key()
        elif kty == "OKP":
            if crv != "Ed25519":
                raise JoseError("its crv is not Ed25519")
            key = Ed25519PublicKey.from_public_bytes(from_base64url(members["x"]))
        elif crv in _CURVES:
            key = EllipticCurvePublicNumbers(_integer(members["x"]), _integer(members["y"]), _CURVES[crv]).public_key()
        else:
            raise JoseError("its crv is none of P-256, P-384, P-521")
    except JoseError:
        raise
    except Exception:  # OpenSSL's complaints about bad key material come as several unrelated types
        raise JoseError(f"its {kty} members do not make a key") from None
    bits = 256 if kty == "OKP" else key.key_size  # type: ignore[union-attr]
    return PublicKey(kty, crv, bits, _thumbprint(kty, members), key, tuple(loose))


def _thumbprint(kty: str, members: Mapping[str, str]) -> str:
    """RFC 7638 section 3: the required members in alphabetical order; they hold nothing that JSON would escape."""
    every = {"kty": kty, **members}
    ordered = ",".join([f'"{name}":"{every[name]}"' for name in sorted(every)])
    return sha256_base64url(f"{{{ordered}}}".encode("ascii"))


def _strict_base64url(name: str, value: str) -> str:
    """``value`` of the JWK member ``name`` as base64url without padding: .NET's Convert writes ``+``, ``/`` and ``=``.

    Raises JoseError for what is no base64 at all.
    """
    written = value.rstrip("=").replace("+", "-").replace("/", "_")
    if not _BASE64URL.match(written) or len(written) % 4 == 1:
        # Of a private member nothing may be quoted.
        strange = "" if name in PRIVATE_MEMBERS else strangers(value, BASE64URL | frozenset("+/="))
        raise JoseError(f"its member {name} is not base64url" + (f": there is {strange}" if strange else ""))
    return written


def _strict_numbers(jwk: Mapping[str, Any]) -> dict[str, str]:
    return {name: _strict_base64url(name, jwk[name]) for name in _NUMBERS if isinstance(jwk.get(name), str)}


def loose_members(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of members that are in standard base64 or padded. Raises JoseError for what is no base64 at all."""
    return tuple(name for name, value in _strict_numbers(jwk).items() if jwk[name] != value)


def present_members(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The members of ``jwk`` that say something: null and empty ones are absent."""
    return {name: value for name, value in jwk.items() if value not in _NOTHING}


def private_members(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of private and symmetric members that say something: with one of them ``jwk`` is no public key."""
    return tuple(name for name in PRIVATE_MEMBERS if jwk.get(name) not in _NOTHING)


def without_private_members(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``jwk`` that is safe to show: private and symmetric members are gone."""
    return {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}


def encode_header(members: Mapping[str, Any]) -> bytes:
    """A header as it stands in a compact JWS; HelseID writes ``at+jwt`` there without an escape."""
    return _base64url_bytes(write_plain_json(members))


class PrivateKey:
    """A private key of our own (or of a demo client), ready to sign."""

    __slots__ = ("_key", "algorithm", "public_jwk")

    def __init__(self, jwk: Mapping[str, Any], algorithm: str = "") -> None:
        """``jwk`` with its private members; ``algorithm`` when it shall differ from the JWK's ``alg``.

        ``public_jwk`` becomes what others may know of the key, in base64url whatever form came.

        RSA numbers are taken as they are: checking them costs 40 ms (2048 bits) to 130 ms (3072), and they are ours.
        Raises JoseError when the JWK is no private key or the algorithm does not fit it.
        """
        jwk = present_members(jwk)
        self.algorithm = algorithm or jwk.get("alg", "")
        if not isinstance(self.algorithm, str) or self.algorithm not in _SIGNERS:
            described = ": ".join(filter(None, (", ".join(_SIGNERS), _signs(jwk).described)))
            raise JoseError(f"its alg {self.algorithm!r} is not one of {described}")
        jwk |= _strict_numbers(jwk)
        self._key = _import_private(jwk)
        self.public_jwk = {**without_private_members(jwk), "alg": self.algorithm}
        if jwk["kty"] != _KEY_TYPE_OF[self.algorithm]:
            raise JoseError(f"a key of type {jwk['kty']} cannot sign {self.algorithm}: {_signs(jwk).described}")

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """A compact JWS. ``header`` is written as given, so the caller puts ``alg`` where it shall stand."""
        return self.sign_encoded(encode_header(header), claims)

    def sign_encoded(self, header: bytes, claims: Mapping[str, Any]) -> str:
        """The same with a header that ``encode_header`` has encoded before."""
        signing_input = header + b"." + _base64url_bytes(write_json(claims))
        return (signing_input + b"." + _base64url_bytes(self._signature_of(signing_input))).decode("ascii")

    def _signature_of(self, signing_input: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(signing_input, _PADDING_OF[self.algorithm], _HASH_OF[self.algorithm])
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(signing_input)
        size = (self._key.key_size + 7) // 8
        r, s = decode_dss_signature(self._key.sign(signing_input, ECDSA(_HASH_OF[self.algorithm])))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def generate_private_jwk(kind: str, bits: int = 3072) -> dict[str, str]:
    """A new private JWK with ``alg`` and ``kid`` (its RFC 7638 thumbprint).

    ``kind`` is one of ``RS256``, ``PS256`` (RSA of ``bits``; others of their family likewise), ``ES256``, ``ES384``,
    ``ES512``, ``Ed25519``, ``EdDSA``. Raises JoseError for any other.
    """
    if kind in _CURVE_OF:
        members = _members_of_ec(ec.generate_private_key(_CURVES[_CURVE_OF[kind]]), _CURVE_OF[kind])
    elif kind in EDWARDS:
        members = _members_of_edwards(Ed25519PrivateKey.generate())
    elif kind in _HASH_OF:
        members = _members_of_rsa(rsa.generate_private_key(65_537, bits))
    else:
        raise JoseError(f"{kind!r} is not one of {', '.join(_SIGNERS)}")
    kty = _KEY_TYPE_OF[kind]
    kid = _thumbprint(kty, {name: members[name] for name in _KEY_MEMBERS[kty]})
    return {"kty": kty, "kid": kid, "use": "sig", "alg": kind, **members}


def _members_of_ec(key: EllipticCurvePrivateKey, crv: str) -> dict[str, str]:
    numbers = key.private_numbers()
    size = (key.key_size + 7) // 8
    point = numbers.public_numbers
    return {
        "crv": crv,
        "x": to_base64url(point.x.to_bytes(size, "big")),
        "y": to_base64url(point.y.to_bytes(size, "big")),
        "d": to_base64url(numbers.private_value.to_bytes(size, "big")),
    }


def _members_of_edwards(key: Ed25519PrivateKey) -> dict[str, str]:
    return {
        "crv": "Ed25519",
        "x": to_base64url(key.public_key().public_bytes_raw()),
        "d": to_base64url(key.private_bytes_raw()),
    }


def _members_of_rsa(key: RSAPrivateKey) -> dict[str, str]:
    raw = key.private_numbers()
    public = raw.public_numbers
    numbers = (public.n, public.e, raw.d, raw.p, raw.q, raw.dmp1, raw.dmq1, raw.iqmp)
    written = (to_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in numbers)
    return dict(zip(_PRIVATE_KEY_MEMBERS["RSA"], written, strict=True))


def to_pem(jwk: Mapping[str, str]) -> bytes:
    """A private JWK as unencrypted PKCS#8 PEM, for client libraries that take no JWK."""
    return _pem()(_import_private(jwk))


@late
def _public_pem() -> Callable[[RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey], bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    return lambda key: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@late
def _pem() -> Callable[[_PrivateKey], bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    return lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_jwk_of_pem(text: str) -> dict[str, str]:
    """The public key in ``text`` (PEM: a public key, or a certificate) as a JWK with its thumbprint as ``kid``.

    Raises JoseError, also for a private key.
    """
    if "PRIVATE KEY-----" in text:
        raise JoseError("it is a private key; send the public part alone (openssl pkey -pubout)")
    try:
        key = _public_of_pem()(text.encode())
    except Exception:  # as above
        raise JoseError("it is no public key and no certificate in PEM") from None
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        values = {"n": numbers.n, "e": numbers.e}
        members = {"kty": "RSA", **{name: _written(value, value.bit_length()) for name, value in values.items()}}
    elif isinstance(key, EllipticCurvePublicKey):
        crv = next((name for name, curve in _CURVES.items() if curve.name == key.curve.name), "")
        point = key.public_numbers()
        members = {"kty": "EC", "crv": crv, **{n: _written(getattr(point, n), key.key_size) for n in ("x", "y")}}
    elif isinstance(key, Ed25519PublicKey):
        members = {"kty": "OKP", "crv": "Ed25519", "x": to_base64url(key.public_bytes_raw())}
    else:
        raise JoseError("it is a key of another kind than RSA, EC and Ed25519")
    return {**members, "kid": import_public_key(members).thumbprint}


def _written(number: int, bits: int) -> str:
    return to_base64url(number.to_bytes((bits + 7) // 8, "big"))


@late
def _public_of_pem() -> Callable[[bytes], object]:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    def load(data: bytes) -> object:
        if b"-----BEGIN CERTIFICATE-----" in data:
            return load_pem_x509_certificate(data).public_key()
        return load_pem_public_key(data)

    return load


def sha256_base64url(data: bytes) -> str:
    """SHA-256 of ``data`` as base64url: ``ath`` (RFC 9449 section 4.2), S256 challenges and the like."""
    return to_base64url(hashlib.sha256(data).digest())


def _import_private(jwk: Mapping[str, Any]) -> _PrivateKey:
    # What else a program writes into its keys is nothing to the library, which would refuse some of it.
    members = {name: jwk[name] for name in ("kty", "crv", *_NUMBERS) if isinstance(jwk.get(name), str)}
    wanted = _PRIVATE_KEY_MEMBERS.get(members.get("kty", ""), ())
    if missing := [name for name in wanted if name not in members]:
        raise JoseError(f"{_NO_PRIVATE_KEY}: {', '.join(missing)} missing or not a string")
    try:
        if jwk["kty"] == "EC":
            point = EllipticCurvePublicNumbers(_integer(jwk["x"]), _integer(jwk["y"]), _CURVES[jwk["crv"]])
            return EllipticCurvePrivateNumbers(_integer(jwk["d"]), point).private_key()
        if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
            return Ed25519PrivateKey.from_private_bytes(from_base64url(jwk["d"]))
        numbers = {name: _integer(jwk[name]) for name in ("n", "e", *PRIVATE_MEMBERS[:6])}
        return RSAPrivateNumbers(
            p=numbers["p"],
            q=numbers["q"],
            d=numbers["d"],
            dmp1=numbers["dp"],
            dmq1=numbers["dq"],
            iqmp=numbers["qi"],
            public_numbers=RSAPublicNumbers(numbers["e"], numbers["n"]),
        ).private_key(unsafe_skip_rsa_key_validation=True)
    except Exception:  # as above; the message must not quote key material
        raise JoseError(_NO_PRIVATE_KEY) from None


def _integer(text: str) -> int:
    return int.from_bytes(from_base64url(text), "big")


def _base64url_bytes(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL)
