"""Chance: what ids, codes and handles are made from. The system's, or drawn from a seed, so that it comes again."""

import hashlib
import hmac
import secrets
from typing import Protocol

from mock_sts.protocol.jose import to_base64url


class Chance(Protocol):
    """Where random bytes come from."""

    def token(self, size: int) -> bytes:
        """``size`` bytes that none has had before."""
        ...


class SystemChance:
    """What the operating system gives: nothing about it can be foreseen."""

    def token(self, size: int) -> bytes:
        """``size`` bytes."""
        return secrets.token_bytes(size)


class Drawn:
    """What follows from a seed, an environment and the number of a request: the same three give the same bytes."""

    __slots__ = ("_key", "_taken")

    def __init__(self, seed: str, environment: str, number: int) -> None:
        self._key = hashlib.sha256(f"{len(seed)}:{seed}:{environment}:{number}".encode()).digest()
        self._taken = 0

    def token(self, size: int) -> bytes:
        """The next ``size`` bytes, 64 at most."""
        self._taken += 1
        return hmac.digest(self._key, str(self._taken).encode(), hashlib.sha512)[:size]


SYSTEM = SystemChance()


def capitals(chance: Chance, size: int) -> str:
    """``size`` bytes as hexadecimal digits in capitals, as HelseID writes its handles."""
    return chance.token(size).hex().upper()


def urlsafe(chance: Chance, size: int) -> str:
    """``size`` bytes in base64url."""
    return to_base64url(chance.token(size))
