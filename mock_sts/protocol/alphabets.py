"""Texts of a limited alphabet: which characters do not belong, and whether a text is the right one in another form."""

import base64
import binascii
import string

_LETTERS = string.ascii_letters + string.digits

#: Of base64url (RFC 4648 section 5, without padding), and of what RFC 3986 calls unreserved.
BASE64URL = frozenset(_LETTERS + "-_")
UNRESERVED = BASE64URL | frozenset(".~")

#: How the second is named to a person.
UNRESERVED_WORDS = "A-Z a-z 0-9 - . _ ~"

#: How many different characters are named.
_MOST_NAMED = 6


def strangers(text: str, alphabet: frozenset[str]) -> str:
    """The characters of ``text`` that are not in ``alphabet``, for a person; an empty text when there are none."""
    found = list(dict.fromkeys(character for character in text if character not in alphabet))
    named = [repr(character) for character in found[:_MOST_NAMED]]
    if len(found) > _MOST_NAMED:
        named.append("others")
    if not named:
        return ""
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    standard = " (standard base64; base64url writes - and _ for + and /, and no =)" if set(found) <= set("+/=") else ""
    return f"{listed} in it{standard}"


def form_of(text: str, expected: str) -> str:
    """In which other form ``text`` says the bytes of ``expected``, which is base64url; an empty text for none."""
    if text == expected:
        return ""
    if text.rstrip("=").replace("+", "-").replace("/", "_") == expected:
        return "standard base64 or padded"
    digits = _bytes(expected).hex()
    if not digits:
        return ""
    if text.lower() == digits:
        return "hexadecimal digits"
    if _bytes(text.rstrip("=").replace("+", "-").replace("/", "_")).decode("ascii", "replace").lower() == digits:
        return "base64 of its hexadecimal digits"
    return ""


def _bytes(text: str) -> bytes:
    """The bytes of base64url ``text``, none where it is not that."""
    if set(text) - BASE64URL:
        return b""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
