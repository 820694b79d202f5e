"""Keys for tests, made once per run: RSA keys are slow to make."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc._rfc7518.rsa_key import RSABinding

from mock_sts.protocol.jose import generate_private_jwk

Jwk = dict[str, str]


@cache
def _key(kind: str, number: int, bits: int) -> tuple[tuple[str, str], ...]:
    if bits:
        # Not RSAKey: it warns of short keys, which is just what these are for.
        members = RSABinding.export_private_key(rsa.generate_private_key(65537, bits))
        made = {"kty": "RSA", "alg": kind, **{name: str(value) for name, value in members.items()}}
        return tuple(made.items())
    return tuple(generate_private_jwk(kind).items())


def private_jwk(kind: str = "ES256", number: int = 0, bits: int = 0) -> Jwk:
    """A private JWK with ``alg`` = ``kind``; another ``number`` is another key. ``bits`` for RSA of a given size."""
    return dict(_key(kind, number, bits))


def public_jwk(jwk: Jwk) -> Jwk:
    """Its public part."""
    return {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
