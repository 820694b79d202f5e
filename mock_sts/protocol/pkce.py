"""Proof Key for Code Exchange (RFC 7636)."""

import hmac
import re
from collections.abc import Callable

from mock_sts.late import late
from mock_sts.protocol.alphabets import UNRESERVED, form_of, strangers

#: Code verifiers and challenges have 43 to 128 unreserved characters (RFC 7636 sections 4.1 and 4.2).
_CODE = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")

S256 = "S256"


def why_no_code(text: str) -> str:
    """Why ``text`` has not the form of a code verifier or code challenge, for a person; empty where it has."""
    if is_code(text):
        return ""
    strange = strangers(text, UNRESERVED)
    return f"{len(text)} characters, {strange}" if strange else f"{len(text)} characters"


def is_code(text: str) -> bool:
    """Whether ``text`` has the form of a code verifier or code challenge."""
    return _CODE.match(text) is not None


def matches(verifier: str, challenge: str) -> bool:
    """Whether ``verifier`` is the one that ``challenge`` (S256) was made from."""
    return is_code(verifier) and hmac.compare_digest(_challenge_maker()(verifier), challenge)


@late
def _challenge_maker() -> Callable[[str], str]:
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415  only logins need Authlib

    made: Callable[[str], str] = create_s256_code_challenge
    return made


def why_no_match(verifier: str, challenge: str) -> str:
    """What ``verifier``, which does not fit ``challenge``, may be instead, for a person."""
    fault = why_no_code(verifier)
    if fault:
        return f"a verifier of {fault}"
    if verifier == challenge:
        return "the code_challenge itself: it was made without SHA-256 (plain)"
    form = form_of(challenge, _challenge_maker()(verifier))
    return f"another verifier, or the code_challenge was made wrong: it is {form}" if form else "another verifier"
