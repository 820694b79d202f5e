"""What JWTs that a client signs share (RFC 7515, RFC 7519), whether they are assertions, request objects or proofs."""

from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar

from mock_sts.protocol.jose import Jws, PublicKey, read_jws
from mock_sts.protocol.json_text import text_or_none
from mock_sts.values import value_type


class Signature(Enum):
    """What became of a signature."""

    VERIFIED = "verified"
    FAILED = "failed"
    NO_KEY = "no key"


@value_type
class SignedJwt:
    """The facts of a signed JWT, each as it was found. ``None`` means absent or of a type that cannot be used.

    Times are seconds since 1970. ``not_numbers`` names the time claims that were JSON strings of digits, as several
    official samples send ``iat``; they are read as the number. ``audiences`` is empty when ``aud`` is missing or
    neither a string nor a list of strings.
    """

    jws: Jws
    algorithm: str
    typ: str | None
    kid: str | None
    issuer: str | None
    subject: str | None
    audiences: tuple[str, ...]
    audience_is_list: bool
    expires_at: float | None
    not_before: float | None
    issued_at: float | None
    jti: str | None
    not_numbers: tuple[str, ...]


Jwt = TypeVar("Jwt", bound=SignedJwt)


@value_type
class VerifiedBy:
    """The outcome of trying registered keys on a JWT: which key verified it, by position, and how."""

    signature: Signature
    index: int = -1
    kid_known: bool = False


def read_signed_jwt(text: str, kind: type[Jwt]) -> Jwt:
    """The JWT in ``text``, as the ``kind`` that it was sent for. Raises JoseError when it is none at all."""
    jws = read_jws(text)
    header, claims = jws.header, jws.claims
    aud = claims.get("aud")
    if isinstance(aud, str):
        audiences: tuple[str, ...] = (aud,)
    elif isinstance(aud, list) and all(isinstance(item, str) for item in aud):
        audiences = tuple(aud)
    else:
        audiences = ()
    not_numbers = tuple(name for name in ("iat", "nbf", "exp") if isinstance(claims.get(name), str))
    return kind(
        jws=jws,
        algorithm=jws.algorithm,
        typ=text_or_none(header.get("typ")),
        kid=text_or_none(header.get("kid")),
        issuer=text_or_none(claims.get("iss")),
        subject=text_or_none(claims.get("sub")),
        audiences=audiences,
        audience_is_list=isinstance(aud, list),
        expires_at=numeric_date(claims.get("exp")),
        not_before=numeric_date(claims.get("nbf")),
        issued_at=numeric_date(claims.get("iat")),
        jti=text_or_none(claims.get("jti")),
        not_numbers=not_numbers,
    )


def verify(jwt: SignedJwt, keys: Iterable[tuple[str | None, PublicKey]]) -> VerifiedBy:
    """Try registered ``keys`` (their ``kid`` and the key) until one verifies the signature.

    The key whose ``kid`` the header names is tried first, then the others: some clients send a random ``kid``.
    """
    candidates = list(enumerate(keys))
    kid_known = jwt.kid is not None and any(kid == jwt.kid for _, (kid, _) in candidates)
    if kid_known:
        candidates.sort(key=lambda candidate: candidate[1][0] != jwt.kid)
    for index, (_, key) in candidates:
        if key.verify(jwt.jws):
            return VerifiedBy(Signature.VERIFIED, index, kid_known)
    return VerifiedBy(Signature.FAILED if candidates else Signature.NO_KEY, -1, kid_known)


def numeric_date(value: Any) -> float | None:
    """A NumericDate (RFC 7519 section 2) in seconds; a string of ASCII digits is read as the number it shows."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return int(value)
    return None
