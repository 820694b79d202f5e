"""DPoP proofs and server nonces (RFC 9449)."""

import hashlib
import hmac
from functools import lru_cache
from urllib.parse import urlsplit

from mock_sts.protocol.jose import (
    JoseError,
    Jws,
    PublicKey,
    import_public_key,
    private_members,
    read_jws,
    to_base64url,
)
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.signed_jwt import Signature, numeric_date
from mock_sts.protocol.urls import DEFAULT_PORTS
from mock_sts.values import value_type


@value_type
class DPoPProof:
    """The facts of a proof, each as it was found; ``None`` means absent or of a type that cannot be used.

    ``key_fault`` says why ``key`` is missing. An empty ``nonce`` is an absent one: the documented example of a first
    proof has it so.
    """

    jws: Jws
    algorithm: str
    typ: str | None
    key: PublicKey | None
    key_fault: str
    private_members: tuple[str, ...]
    signature: Signature
    jti: str | None
    method: str | None
    target: str | None
    issued_at: float | None
    not_before: float | None
    expires_at: float | None
    nonce: str | None
    nonce_is_text: bool

    @property
    def key_is_private(self) -> bool:
        """Whether the header shows a private key."""
        return bool(self.private_members)

    @property
    def thumbprint(self) -> str:
        """The ``jkt`` (RFC 7638) of the proof's key, or an empty string without one."""
        return self.key.thumbprint if self.key else ""


def split_proofs(header: str) -> list[str]:
    """The proofs in a ``DPoP`` header; servers join repeated headers with commas, which a JWS never holds."""
    return [proof.strip() for proof in header.split(",") if proof.strip()]


def read_dpop_proof(text: str) -> DPoPProof:
    """The proof in ``text``, its signature tried with the key it carries.

    Raises JoseError when it is no JWT at all: then there is nothing to judge.
    """
    return dpop_proof_in(read_jws(text))


def dpop_proof_in(jws: Jws) -> DPoPProof:
    """The same for what is read already."""
    jwk = jws.header.get("jwk")
    key, key_fault = None, "the header has no jwk"
    if isinstance(jwk, dict):
        try:
            key, key_fault = import_public_key(jwk), ""
        except JoseError as error:
            key_fault = str(error)
    if key is None or not jws.algorithm:
        signature = Signature.NO_KEY
    else:
        signature = Signature.VERIFIED if key.verify(jws) else Signature.FAILED
    claims = jws.claims
    nonce = claims.get("nonce")
    return DPoPProof(
        jws=jws,
        algorithm=jws.algorithm,
        typ=text_or_none(jws.header.get("typ")),
        key=key,
        key_fault=key_fault,
        private_members=private_members(jwk) if isinstance(jwk, dict) else (),
        signature=signature,
        jti=text_or_none(claims.get("jti")),
        method=text_or_none(claims.get("htm")),
        target=text_or_none(claims.get("htu")),
        issued_at=None if isinstance(claims.get("iat"), str) else numeric_date(claims.get("iat")),
        not_before=numeric_date(claims.get("nbf")),
        expires_at=numeric_date(claims.get("exp")),
        nonce=text_or_none(nonce) or None,
        nonce_is_text=nonce is None or isinstance(nonce, str),
    )


@lru_cache(maxsize=256)
def normal_target(url: str) -> str:
    """``url`` as targets are compared (RFC 9449 section 4.3): scheme and host in lower case, the default port and
    query and fragment left out, the path exact. Something that is no http(s) URL comes back as an empty string.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in DEFAULT_PORTS or not host or parts.username is not None:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}{'' if port in (None, DEFAULT_PORTS[scheme]) else f':{port}'}{parts.path}"


class NonceMint:
    """Nonces that every worker makes and checks alike, without storing any: HMAC over a time step.

    A nonce is good for the step it was made in and the next one, so it lives between one and two times ``step``
    (seconds).
    """

    __slots__ = ("_cache", "_environment", "_prefix", "_secret", "step")

    def __init__(self, secret: bytes, environment: str, step: int, prefix: str = "") -> None:
        """``prefix`` begins every nonce and means nothing."""
        self._prefix = prefix
        self._secret = secret
        self._environment = environment.encode()
        self.step = step
        self._cache: tuple[int, str, str] = (-1, "", "")

    def mint(self, now: int) -> str:
        """The nonce of the step that ``now`` (seconds) lies in."""
        return self._pair(now)[0]

    def is_good(self, nonce: str | None, now: int) -> bool:
        """Whether ``nonce`` is there, ours and not too old at ``now``."""
        return nonce is not None and any(hmac.compare_digest(nonce.encode(), good.encode()) for good in self._pair(now))

    def _pair(self, now: int) -> tuple[str, str]:
        step = now // self.step
        cached = self._cache
        if cached[0] != step:
            cached = self._cache = (step, self._nonce(step), self._nonce(step - 1))
        return cached[1], cached[2]

    def _nonce(self, step: int) -> str:
        message = self._environment + step.to_bytes(8, "big", signed=True)
        return self._prefix + to_base64url(hmac.digest(self._secret, message, hashlib.sha256))
