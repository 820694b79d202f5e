"""Keys for tests: RSA keys are slow to make, so those that tests name lie in a file beside this one.

A key that is not there is made once per run; ``python -m tests.support.keys`` makes the file anew, with the keys that
its KEPT lists.
"""

import json
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc._rfc7518.rsa_key import RSABinding

from mock_sts.protocol.jose import generate_private_jwk

Jwk = dict[str, str]

_FILE = Path(__file__).with_name("rsa_keys.json")

#: Kind, number and bits of the keys in the file.
KEPT = [
    *((f"{family}{size}", number, 0) for family in ("RS", "PS") for size in (256, 384, 512) for number in (4, 5)),
    *(("RS256", number, 0) for number in (0, 2, 3)),
    *(("PS256", number, 0) for number in (0, 2)),
    *(("RS256", number, 2048) for number in (0, 1, 3)),
    *(("PS256", number, 2048) for number in (0, 1, 2, 9, 77)),
    *(("PS256", 0, bits) for bits in (1024, 2047, 3071, 3072)),
    ("RS256", 0, 3072),
    ("PS512", 0, 3072),
]


@cache
def _kept() -> dict[str, Jwk]:
    found: dict[str, Jwk] = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() else {}
    return found


@cache
def _key(kind: str, number: int, bits: int) -> tuple[tuple[str, str], ...]:
    return tuple((_kept().get(f"{kind} {number} {bits}") or _make(kind, bits)).items())


def _make(kind: str, bits: int) -> Jwk:
    if bits:
        # Not RSAKey: it warns of short keys, which is just what these are for.
        members = RSABinding.export_private_key(rsa.generate_private_key(65537, bits))
        return {"kty": "RSA", "alg": kind, **{name: str(value) for name, value in members.items()}}
    return generate_private_jwk(kind)


def private_jwk(kind: str = "ES256", number: int = 0, bits: int = 0) -> Jwk:
    """A private JWK with ``alg`` = ``kind``; another ``number`` is another key. ``bits`` for RSA of a given size."""
    return dict(_key(kind, number, bits))


def public_jwk(jwk: Jwk) -> Jwk:
    """Its public part."""
    return {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}


if __name__ == "__main__":
    made = {f"{kind} {number} {bits}": _make(kind, bits) for kind, number, bits in KEPT}
    _FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
