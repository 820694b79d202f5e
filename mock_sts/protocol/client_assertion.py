"""Client assertions: a JWT that a client signs to authenticate itself (RFC 7523 section 3, OpenID Connect Core 9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mock_sts.protocol.jose import Jws, PublicKey, read_jws
from mock_sts.protocol.json_text import text_or_none

#: The parameters by which a client says who it is (RFC 6749 section 2.3, RFC 7521 section 4.2).
PARAMETERS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")


class Signature(Enum):
    """What became of a signature."""

    VERIFIED = "verified"
    FAILED = "failed"
    NO_KEY = "no key"


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """The facts of an assertion, each as it was found. ``None`` means absent or of a type that cannot be used.

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


@dataclass(frozen=True, slots=True)
class VerifiedBy:
    """The outcome of trying registered keys on an assertion: which key verified it, by position, and how."""

    signature: Signature
    index: int = -1
    kid_known: bool = False


def read_client_assertion(text: str) -> ClientAssertion:
    """The assertion in ``text``. Raises JoseError when it is no JWT at all: then there is nothing to judge."""
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
    return ClientAssertion(
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


def verify(assertion: ClientAssertion, keys: Iterable[tuple[str | None, PublicKey]]) -> VerifiedBy:
    """Try registered ``keys`` (their ``kid`` and the key) until one verifies the signature.

    The key whose ``kid`` the header names is tried first, then the others: some clients send a random ``kid``.
    """
    candidates = list(enumerate(keys))
    kid_known = assertion.kid is not None and any(kid == assertion.kid for _, (kid, _) in candidates)
    if kid_known:
        candidates.sort(key=lambda candidate: candidate[1][0] != assertion.kid)
    for index, (_, key) in candidates:
        if key.verify(assertion.jws):
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
