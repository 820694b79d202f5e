"""How keys must be: one answer for registered keys and for those in proofs."""

from collections.abc import Iterable

from mock_sts.protocol.jose import PublicKey

#: Bits. RSA keys below the first are refused, below the second advised against; EC keys are long by their curves.
MIN_RSA_BITS, GOOD_RSA_BITS = 2048, 3072

#: How the members of keys are to be written, where that says it, and what to do about those that are not.
BASE64URL, BASE64URL_SOURCE = "base64url without padding", "RFC 7518 sections 6.2.1 and 6.3.1; RFC 7515 section 2"
BASE64URL_REMEDY = "write base64url: - and _ in place of + and /, and no = at the end"


def shorter_than(bits: int, keys: Iterable[PublicKey]) -> list[int]:
    """The lengths of those RSA keys that have fewer than ``bits``."""
    return [key.bits for key in keys if key.kty == "RSA" and key.bits < bits]
