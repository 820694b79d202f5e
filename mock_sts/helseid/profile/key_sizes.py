"""How long keys must be: one answer for registered keys and for those in proofs."""

from collections.abc import Iterable

from mock_sts.protocol.jose import PublicKey

#: Bits. RSA keys below the first are refused, below the second advised against; EC keys are long by their curves.
MIN_RSA_BITS, GOOD_RSA_BITS = 2048, 3072


def shorter_than(bits: int, keys: Iterable[PublicKey]) -> list[int]:
    """The lengths of those RSA keys that have fewer than ``bits``."""
    return [key.bits for key in keys if key.kty == "RSA" and key.bits < bits]
