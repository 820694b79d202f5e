"""Tokens on order: claims are made, faults applied, then it is signed, for good tokens and bad ones alike."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mock_sts.protocol.defects import Defect, Facts, spoiled
from mock_sts.protocol.drafts import Draft, Keys, Spoiled, sign
from mock_sts.protocol.jose import (
    JoseError,
    PrivateKey,
    generate_private_jwk,
    import_public_key,
    sha256_base64url,
    without_private_members,
)
from mock_sts.protocol.json_text import JsonTextError, read_json_object
from mock_sts.services.keyring import KeyRing
from mock_sts.store.fixtures.files import shipped_unpublished_key_file

DPOP_TYP = "dpop+jwt"

#: The algorithm of a proof whose key does not say: one that FAPI 2.0 allows, by key type and curve.
_PROOF_ALGORITHMS = {"RSA": "PS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "Ed25519"}


class ProofKeyError(ValueError):
    """A key that cannot sign a proof; the message says why, without the key."""


@dataclass(frozen=True, slots=True)
class ProofPlan:
    """A DPoP proof to make (RFC 9449 section 4.2): for which method and URL, by which private JWK; with the nonce of a
    resource server where it has given one. ``jti`` and ``issued_at`` (seconds) are its own.
    """

    method: str
    target: str
    key: Mapping[str, str]
    jti: str
    issued_at: int
    nonce: str | None = None

    @property
    def thumbprint(self) -> str:
        """What a token that is bound to the key has as ``jkt``."""
        return import_public_key(self.key).thumbprint


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """A token to make: its claims as they should be, its ``typ``, what shall be wrong with it and its proof, and the
    proof. ``now`` in seconds.
    """

    claims: Mapping[str, Any]
    typ: str
    now: int
    defects: tuple[Defect, ...] = ()
    proof: ProofPlan | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a plan, and as what it was signed. ``proof`` and its parts are None where there is none."""

    access_token: str
    token: Spoiled
    proof: str | None
    proof_parts: Spoiled | None


def carry_out(plan: TokenPlan, keyring: KeyRing) -> Made:
    """Make what ``plan`` says, with the keys of ``keyring``."""
    draft = Draft(keyring.header(plan.typ), plan.claims, keyring.algorithm)
    wrong = [defect for defect in plan.defects if not defect.in_proof]
    token = spoiled(draft, wrong, Facts(plan.now))
    text = sign(token, Keys(keyring.private_key, other_key))
    if plan.proof is None:
        return Made(text, token, None, None)
    proof, parts = make_proof(plan.proof, text, plan.now, tuple(defect for defect in plan.defects if defect.in_proof))
    return Made(text, token, proof, parts)


def make_proof(plan: ProofPlan, access_token: str, now: int, defects: tuple[Defect, ...] = ()) -> tuple[str, Spoiled]:
    """The proof that ``plan`` says for ``access_token``, with ``defects``."""
    key = PrivateKey(plan.key, plan.key.get("alg", "") or proof_algorithm(plan.key))
    shown = {name: value for name, value in key.public_jwk.items() if name in ("kty", "crv", "x", "y", "n", "e")}
    claims: dict[str, Any] = {
        "jti": plan.jti,
        "htm": plan.method,
        "htu": plan.target,
        "iat": plan.issued_at,
        "ath": sha256_base64url(access_token.encode("ascii")),
    }
    if plan.nonce is not None:
        claims["nonce"] = plan.nonce
    draft = Draft({"typ": DPOP_TYP, "alg": key.algorithm, "jwk": shown}, claims, key.algorithm)
    whole = spoiled(draft, defects, Facts(now, plan.key))
    return sign(whole, Keys(lambda algorithm: PrivateKey(plan.key, algorithm), other_key)), whole


def proof_algorithm(jwk: Mapping[str, str]) -> str:
    """The algorithm with which a private JWK that names none signs a proof. Raises ProofKeyError."""
    kind = jwk.get("crv", "") if jwk.get("kty") in ("EC", "OKP") else jwk.get("kty", "")
    if kind not in _PROOF_ALGORITHMS:
        raise ProofKeyError("is a key of a sort that signs no proof; write RSA, EC (P-256, P-384, P-521) or Ed25519")
    return _PROOF_ALGORITHMS[kind]


def read_proof_key(text: str) -> dict[str, str]:
    """The private JWK in ``text``, checked by signing with it. Raises ProofKeyError."""
    try:
        jwk = read_json_object(text.encode())
        algorithm = jwk["alg"] if isinstance(jwk.get("alg"), str) and jwk["alg"] else proof_algorithm(jwk)
        PrivateKey(jwk, algorithm).sign({"alg": algorithm}, {})
    except (JsonTextError, JoseError) as error:
        raise ProofKeyError(f"is no private JWK in a JSON text: {error}") from None
    return {**jwk, "alg": algorithm}


def new_proof_key() -> dict[str, str]:
    """A new private JWK for proofs."""
    return generate_private_jwk("ES256")


def public_part(jwk: Mapping[str, str]) -> dict[str, Any]:
    """What others may know of a key."""
    return without_private_members(jwk)


def other_key(algorithm: str) -> PrivateKey:
    """A key that no key set has, for ``algorithm``."""
    return _other_keys()(algorithm)


@cache
def _other_keys() -> Callable[[str], PrivateKey]:
    rsa = json.loads(shipped_unpublished_key_file().read_bytes())

    @cache
    def key(algorithm: str) -> PrivateKey:
        is_rsa = algorithm.startswith(("RS", "PS"))
        return PrivateKey(rsa if is_rsa else generate_private_jwk(algorithm), algorithm)

    return key
