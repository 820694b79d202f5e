"""Texts of a limited alphabet: what is wrong with one is named by its characters."""

import base64
import hashlib

import pytest

from mock_sts.protocol.alphabets import BASE64URL, UNRESERVED, form_of, strangers
from mock_sts.protocol.pkce import is_code, why_no_code, why_no_match

STANDARD = " (standard base64; base64url writes - and _ for + and /, and no =)"


@pytest.mark.parametrize(
    ("text", "alphabet", "told"),
    [
        ("abc-_09", BASE64URL, ""),
        ("abc.~", UNRESERVED, ""),
        ("a+b/c=", BASE64URL, f"'+', '/' and '=' in it{STANDARD}"),
        ("a==", BASE64URL, f"'=' in it{STANDARD}"),
        ("a b", BASE64URL, "' ' in it"),
        ("a.b", BASE64URL, "'.' in it"),
        ("é\n\0", UNRESERVED, "'é', '\\n' and '\\x00' in it"),
        ("!\"#$%&'()", UNRESERVED, "'!', '\"', '#', '$', '%', '&' and others in it"),
    ],
)
def test_characters_that_do_not_belong_are_named(text: str, alphabet: frozenset[str], told: str) -> None:
    assert strangers(text, alphabet) == told


DIGEST = hashlib.sha256(b"secret 3").digest()
RIGHT = base64.urlsafe_b64encode(DIGEST).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (RIGHT, ""),
        (f"{RIGHT}=", "standard base64 or padded"),
        (base64.b64encode(DIGEST).decode(), "standard base64 or padded"),
        (DIGEST.hex(), "hexadecimal digits"),
        (DIGEST.hex().upper(), "hexadecimal digits"),
        (base64.urlsafe_b64encode(DIGEST.hex().encode()).rstrip(b"=").decode(), "base64 of its hexadecimal digits"),
        (base64.b64encode(DIGEST.hex().encode()).decode(), "base64 of its hexadecimal digits"),
        ("", ""),
        ("x", ""),
        ("é", ""),
        (RIGHT.lower(), ""),
    ],
)
def test_the_right_bytes_are_known_in_other_forms(text: str, form: str) -> None:
    assert form_of(text, RIGHT) == form


@pytest.mark.parametrize("expected", ["", "A", "no base64url!", "key 1"])
def test_what_is_expected_may_be_any_text(expected: str) -> None:
    assert form_of("", expected) == form_of("abc", expected) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * 43, ""),
        ("x" * 42, "42 characters"),
        ("x" * 129, "129 characters"),
        (base64.b64encode(b"\xfb\xff" * 16).decode(), f"44 characters, '+', '/' and '=' in it{STANDARD}"),
        ("x" * 40 + " å ", "43 characters, ' ' and 'å' in it"),
    ],
)
def test_a_code_that_is_none_is_told_by_length_and_characters(text: str, why: str) -> None:
    assert why_no_code(text) == why
    assert is_code(text) == (why == "")


VERIFIER = "v" * 43
HASH = hashlib.sha256(VERIFIER.encode())


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        (VERIFIER, "the code_challenge itself: it was made without SHA-256 (plain)"),
        (HASH.hexdigest(), "another verifier, or the code_challenge was made wrong: it is hexadecimal digits"),
        ("y" * 43, "another verifier"),
    ],
)
def test_a_challenge_that_was_made_wrong_is_told(challenge: str, told: str) -> None:
    assert why_no_match(VERIFIER, challenge) == told
