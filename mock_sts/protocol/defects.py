"""Defects that a token or a DPoP proof can be ordered with, each with what a resource server does about it.

Every defect is declared once. From the declaration come the tokens, the matrix that a test suite runs, and the tables
of the documentation. What must be refused follows from RFC 6750, RFC 7519, RFC 9068 and RFC 9449; what some servers let
pass was measured at those that are named.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mock_sts.protocol.drafts import Draft, SignedBy, Spoiled
from mock_sts.protocol.near_names import did_you_mean

#: Seconds by which a time lies beyond every tolerance that is usual.
_HOUR = 3_600

#: Seconds within the tolerance that ASP.NET Core has for clocks.
_MINUTE = 60

#: Characters of the claim that makes a token oversized: more than a header of 16 kB holds.
_OVERSIZE = 24_000

#: A kid that no key set has, in the form of HelseID's.
UNKNOWN_KID = "0" * 40

#: Issuer and audience that no server has.
OTHER_ISSUER, OTHER_AUDIENCE = "https://another-issuer.example", "another:api"

#: Who accepts, in words that a report repeats.
_ASP_NET = "ASP.NET Core JwtBearer 10"
_MOST = "most libraries"


@dataclass(frozen=True, slots=True)
class Facts:
    """What defects are made from: the time in seconds, and the private JWK of the key that signs the proof, for the
    defect that shows it; None in a token.
    """

    now: int
    proof_key: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a resource server does: the HTTP status and the error of RFC 6750 section 3.1 or RFC 9449 section 7.1.

    ``accepted_by`` names servers that let it pass, each with the reason; where there are some, it may be accepted.
    """

    status: int
    error: str
    accepted_by: tuple[tuple[str, str], ...] = ()

    @property
    def must_refuse(self) -> bool:
        """Whether every resource server has to refuse it."""
        return not self.accepted_by


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect. ``says`` is what is wrong, for a person; ``in_proof`` says that the proof has it, not the token.

    ``needs_proof`` says that a token without a proof cannot have it. ``presented`` names what is wrong with how the
    token is sent, for defects that are neither in the token nor in the proof: ``as_bearer``, ``without_proof``,
    ``twice``.
    """

    name: str
    says: str
    expected: Expected
    spoil: Callable[[Spoiled, Facts], Spoiled]
    in_proof: bool = False
    needs_proof: bool = False
    presented: str = ""


class UnknownDefectError(ValueError):
    """There is no such defect; the message names those that are near."""


def spoiled(draft: Draft, defects: Iterable[Defect], facts: Facts) -> Spoiled:
    """``draft`` with all of ``defects``, in their order."""
    result = Spoiled.of(draft)
    for defect in defects:
        result = defect.spoil(result, facts)
    return result


def find_defects(names: Iterable[str]) -> tuple[Defect, ...]:
    """The defects called ``names``. Raises UnknownDefectError."""
    found = []
    for name in names:
        defect = BY_NAME.get(name)
        if defect is None:
            meant = did_you_mean(name, BY_NAME)
            raise UnknownDefectError(f"no defect is called {name[:60]!r}{meant and '; '}{meant}")
        found.append(defect)
    return tuple(found)


_BAD_TOKEN = Expected(401, "invalid_token")
_BAD_PROOF = Expected(401, "invalid_dpop_proof")


def _may(error: str, *accepted_by: tuple[str, str], status: int = 401) -> Expected:
    return Expected(status, error, accepted_by)


def _expired(token: Spoiled, facts: Facts) -> Spoiled:
    began = facts.now - 2 * _HOUR
    return token.with_claims(nbf=began, iat=began, exp=facts.now - _HOUR)


def _just_expired(token: Spoiled, facts: Facts) -> Spoiled:
    began = facts.now - _HOUR
    return token.with_claims(nbf=began, iat=began, exp=facts.now - _MINUTE)


def _not_yet(token: Spoiled, facts: Facts) -> Spoiled:
    return token.with_claims(nbf=facts.now + _HOUR, iat=facts.now + _HOUR, exp=facts.now + 2 * _HOUR)


def _issued_in_future(token: Spoiled, facts: Facts) -> Spoiled:
    return token.with_claims(iat=facts.now + _HOUR, exp=facts.now + 2 * _HOUR)


def _audiences(token: Spoiled) -> list[Any]:
    audience = token.claims.get("aud", [])
    return list(audience) if isinstance(audience, list | tuple) else [audience]


def _tampered(token: Spoiled, facts: Facts) -> Spoiled:
    return replace(token, tampered_claims={**token.claims, "client_id": "tampered-client"})


def _embedded_key(token: Spoiled, facts: Facts) -> Spoiled:
    return replace(token.with_header(kid=None), signed_by=SignedBy.OTHER_KEY, shows_key=True)


def _other_algorithm(token: Spoiled, facts: Facts) -> Spoiled:
    other = _RELATED.get(token.algorithm, token.algorithm)
    return replace(token.with_header(alg=other), algorithm=other)


#: An algorithm for the same key that the published one does not name (RFC 7518 section 3.1).
_RELATED = {
    **{f"RS{bits}": f"PS{bits}" for bits in ("256", "384", "512")},
    **{f"PS{bits}": f"RS{bits}" for bits in ("256", "384", "512")},
}

TOKEN_DEFECTS: tuple[Defect, ...] = (
    Defect(
        "unknown_key",
        "A key signed it that the issuer does not publish, and kid names that key",
        _BAD_TOKEN,
        lambda token, facts: replace(token.with_header(kid=UNKNOWN_KID), signed_by=SignedBy.OTHER_KEY),
    ),
    Defect(
        "wrong_key",
        "A key signed it that the issuer does not publish, under the kid of one that it does",
        _BAD_TOKEN,
        lambda token, facts: replace(token, signed_by=SignedBy.OTHER_KEY),
    ),
    Defect("tampered", "Its claims were changed after it was signed", _BAD_TOKEN, _tampered),
    Defect(
        "alg_none",
        "It has no signature: alg is none",
        _BAD_TOKEN,
        lambda token, facts: replace(token.with_header(alg="none"), signed_by=SignedBy.NONE),
    ),
    Defect(
        "public_key_as_secret",
        "It has a MAC with the public key as its secret: alg is HS256",
        _BAD_TOKEN,
        lambda token, facts: replace(token.with_header(alg="HS256"), signed_by=SignedBy.PUBLIC_KEY_AS_SECRET),
    ),
    Defect(
        "embedded_key",
        "A key signed it that its own header brings along (jwk)",
        _BAD_TOKEN,
        _embedded_key,
    ),
    Defect(
        "critical_header",
        "Its header has a member that must be understood (crit), and that does not exist",
        _BAD_TOKEN,
        lambda token, facts: token.with_header(crit=["unknown-extension"], **{"unknown-extension": True}),
    ),
    Defect(
        "unknown_kid",
        "kid names no key that the issuer publishes; the right one signed it",
        _may("invalid_token", (_ASP_NET, "it tries all keys of the issuer (TryAllIssuerSigningKeys)")),
        lambda token, facts: token.with_header(kid=UNKNOWN_KID),
    ),
    Defect(
        "missing_kid",
        "It does not say which key signed it",
        _may("invalid_token", (_ASP_NET, "it tries all keys of the issuer"), (_MOST, "kid is optional in RFC 7515")),
        lambda token, facts: token.with_header(kid=None),
    ),
    Defect(
        "other_algorithm",
        "The right key signed it, with an algorithm that the published key does not name",
        _may("invalid_token", (_ASP_NET, "ValidAlgorithms is empty unless set")),
        _other_algorithm,
    ),
    Defect(
        "wrong_typ",
        "Its typ is JWT, as that of an ID token, and not at+jwt",
        _may("invalid_token", (_ASP_NET, "ValidTypes is empty unless set")),
        lambda token, facts: token.with_header(typ="JWT"),
    ),
    Defect(
        "missing_typ",
        "It does not say of which type it is",
        _may("invalid_token", ("servers that do not look at typ", "RFC 9068 section 4 asks for it, older APIs do not")),
        lambda token, facts: token.with_header(typ=None),
    ),
    Defect(
        "wrong_issuer",
        "Another issuer made it",
        _BAD_TOKEN,
        lambda token, facts: token.with_claims(iss=OTHER_ISSUER),
    ),
    Defect(
        "missing_issuer", "It does not name its issuer", _BAD_TOKEN, lambda token, facts: token.with_claims(iss=None)
    ),
    Defect(
        "wrong_audience",
        "It is for another API",
        _BAD_TOKEN,
        lambda token, facts: token.with_claims(aud=OTHER_AUDIENCE),
    ),
    Defect(
        "missing_audience",
        "It does not say for which API it is",
        _BAD_TOKEN,
        lambda token, facts: token.with_claims(aud=None),
    ),
    Defect(
        "audience_list",
        "Its audience is a list with the API alone",
        _may("invalid_token", (_MOST, "a list of one means the same (RFC 7519 section 4.1.3)")),
        lambda token, facts: token.with_claims(aud=_audiences(token)),
    ),
    Defect(
        "audience_with_stranger",
        "It is for this API and for another one",
        _may("invalid_token", (_MOST, "the API is named among them (RFC 7519 section 4.1.3)")),
        lambda token, facts: token.with_claims(aud=[*_audiences(token), OTHER_AUDIENCE]),
    ),
    Defect("expired", "It ended an hour ago", _BAD_TOKEN, _expired),
    Defect(
        "just_expired",
        "It ended a minute ago",
        _may("invalid_token", (_ASP_NET, "ClockSkew is five minutes unless set")),
        _just_expired,
    ),
    Defect(
        "missing_exp", "It never ends: there is no exp", _BAD_TOKEN, lambda token, facts: token.with_claims(exp=None)
    ),
    Defect("not_yet_valid", "It begins in an hour (nbf)", _BAD_TOKEN, _not_yet),
    Defect(
        "issued_in_future",
        "It says that it will be issued in an hour (iat)",
        _may("invalid_token", (_MOST, "iat tells the age of a token, and RFC 7519 gives no rule to refuse by it")),
        _issued_in_future,
    ),
    Defect(
        "missing_scope",
        "No scope was granted",
        Expected(403, "insufficient_scope"),
        lambda token, facts: token.with_claims(scope=None),
    ),
    Defect(
        "other_scope",
        "Another scope was granted than the API asks for",
        Expected(403, "insufficient_scope"),
        lambda token, facts: token.with_claims(scope=["another:api/scope"]),
    ),
    Defect(
        "oversized",
        f"It is larger than {_OVERSIZE // 1000} kB",
        _may("", ("servers that take large headers", "nothing is wrong with the token"), status=431),
        lambda token, facts: token.with_claims(**{"mock:padding": "x" * _OVERSIZE}),
    ),
    Defect(
        "missing_confirmation",
        "It is bound to no key, and comes with a proof",
        _BAD_TOKEN,
        lambda token, facts: token.with_claims(cnf=None),
        needs_proof=True,
    ),
    Defect(
        "other_confirmation",
        "It is bound to another key than that of the proof",
        _BAD_TOKEN,
        lambda token, facts: token.with_claims(cnf={"jkt": "A" * 43}),
        needs_proof=True,
    ),
)


def _as_it_is(token: Spoiled, facts: Facts) -> Spoiled:
    return token


def _proof(name: str, says: str, spoil: Callable[[Spoiled, Facts], Spoiled], expected: Expected = _BAD_PROOF) -> Defect:
    return Defect(name, says, expected, spoil, in_proof=True, needs_proof=True)


PROOF_DEFECTS: tuple[Defect, ...] = (
    _proof("proof_without_htu", "The proof names no address", lambda proof, facts: proof.with_claims(htu=None)),
    _proof("proof_without_htm", "The proof names no method", lambda proof, facts: proof.with_claims(htm=None)),
    _proof(
        "proof_from_the_past",
        "The proof was made an hour ago",
        lambda proof, facts: proof.with_claims(iat=facts.now - _HOUR),
    ),
    _proof(
        "proof_from_the_future",
        "The proof will be made in an hour",
        lambda proof, facts: proof.with_claims(iat=facts.now + _HOUR),
    ),
    _proof(
        "proof_without_ath",
        "The proof does not say for which token it is",
        lambda proof, facts: proof.with_claims(ath=None),
    ),
    _proof("proof_without_alg", "The proof's header has no alg", lambda proof, facts: proof.with_header(alg=None)),
    _proof("proof_without_jwk", "The proof's header has no key", lambda proof, facts: proof.with_header(jwk=None)),
    _proof("proof_without_jti", "The proof has no jti", lambda proof, facts: proof.with_claims(jti=None)),
    _proof(
        "proof_with_symmetric_alg",
        "The proof has a MAC: its alg is HS256",
        lambda proof, facts: replace(proof.with_header(alg="HS256"), signed_by=SignedBy.PUBLIC_KEY_AS_SECRET),
    ),
    _proof(
        "proof_with_private_key",
        "The proof's header shows the private key",
        lambda proof, facts: proof.with_header(jwk=dict(facts.proof_key or {})),
    ),
    _proof("proof_with_wrong_typ", "The proof's typ is JWT", lambda proof, facts: proof.with_header(typ="JWT")),
    _proof(
        "proof_with_wrong_signature",
        "Another key signed the proof than the one in its header",
        lambda proof, facts: replace(proof, signed_by=SignedBy.OTHER_KEY),
    ),
    _proof(
        "proof_for_other_htu",
        "The proof is for another address",
        lambda proof, facts: proof.with_claims(htu="https://another-api.example/path"),
    ),
    _proof(
        "proof_for_other_htm",
        "The proof is for another method",
        lambda proof, facts: proof.with_claims(htm="DELETE" if proof.claims.get("htm") != "DELETE" else "GET"),
    ),
    _proof(
        "proof_for_other_token",
        "The proof is for another token",
        lambda proof, facts: proof.with_claims(ath="B" * 43),
    ),
    _proof(
        "proof_without_iat", "The proof does not say when it was made", lambda proof, facts: proof.with_claims(iat=None)
    ),
)

#: Wrong ways to send a good token.
PRESENTED_DEFECTS: tuple[Defect, ...] = (
    Defect(
        "as_bearer",
        "It is bound to a key, and comes as a Bearer token without a proof",
        _BAD_TOKEN,
        _as_it_is,
        needs_proof=True,
        presented="as_bearer",
    ),
    Defect("without_proof", "There is no proof", _BAD_PROOF, _as_it_is, needs_proof=True, presented="without_proof"),
    Defect(
        "proof_used_twice",
        "The proof was used before",
        _BAD_PROOF,
        _as_it_is,
        needs_proof=True,
        presented="twice",
    ),
)

#: What a client does that gets a bad ID token: it stops, and no server answers anything.
_STOPS = Expected(0, "")


def _id_token(name: str, says: str, spoil: Callable[[Spoiled, Facts], Spoiled]) -> Defect:
    return Defect(name, says, _STOPS, spoil)


#: Defects that an ID token alone can have (OpenID Connect Core sections 3.1.3.6 and 3.1.3.7).
ID_TOKEN_DEFECTS: tuple[Defect, ...] = (
    _id_token(
        "wrong_nonce",
        "Its nonce is another than that of the request",
        lambda token, facts: token.with_claims(nonce="C" * 43),
    ),
    _id_token("missing_nonce", "It has no nonce", lambda token, facts: token.with_claims(nonce=None)),
    _id_token(
        "wrong_at_hash",
        "Its at_hash is that of another access token",
        lambda token, facts: token.with_claims(at_hash="D" * 22),
    ),
    _id_token("missing_at_hash", "It has no at_hash", lambda token, facts: token.with_claims(at_hash=None)),
)

#: The names of those defects of tokens that mean the same in an ID token.
SHARED_WITH_ID_TOKENS = (
    "unknown_key",
    "wrong_key",
    "tampered",
    "alg_none",
    "public_key_as_secret",
    "embedded_key",
    "critical_header",
    "unknown_kid",
    "missing_kid",
    "other_algorithm",
    "wrong_issuer",
    "missing_issuer",
    "wrong_audience",
    "missing_audience",
    "audience_list",
    "audience_with_stranger",
    "expired",
    "just_expired",
    "missing_exp",
    "not_yet_valid",
    "issued_in_future",
)


def missing_claim(claim: str) -> Defect:
    """The defect that a token has no ``claim``."""
    return _id_token("missing_claim", f"It has no {claim}", lambda token, facts: token.with_claims(**{claim: None}))


DEFECTS: tuple[Defect, ...] = (*TOKEN_DEFECTS, *PROOF_DEFECTS, *PRESENTED_DEFECTS)

BY_NAME: Mapping[str, Defect] = {defect.name: defect for defect in DEFECTS}
