"""The cryptographic floor: what a token costs whoever makes it."""

import statistics
import time
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


def floor_seconds(rounds: int = 300, bits: int = 3072) -> float:
    """CPU seconds of RSA-2048 verify, P-256 import and verify, RSA sign with a key of ``bits``."""
    message = b"x" * 400
    client = _rsa_key(2048)
    own = _rsa_key(bits)
    proof = ec.generate_private_key(ec.SECP256R1())
    signed = client.sign(message, padding.PKCS1v15(), hashes.SHA256())
    proved = proof.sign(message, ec.ECDSA(hashes.SHA256()))
    numbers = proof.public_key().public_numbers()
    verifier = client.public_key()

    def once() -> None:
        verifier.verify(signed, message, padding.PKCS1v15(), hashes.SHA256())
        key = ec.EllipticCurvePublicNumbers(numbers.x, numbers.y, ec.SECP256R1()).public_key()
        key.verify(proved, message, ec.ECDSA(hashes.SHA256()))
        own.sign(message, padding.PKCS1v15(), hashes.SHA256())

    return _cpu_per_call(once, rounds)


@cache
def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def _cpu_per_call(call: Callable[[], None], rounds: int) -> float:
    samples = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(rounds):
            call()
        samples.append((time.process_time() - begun) / rounds)
    return statistics.median(samples)
