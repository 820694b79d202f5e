"""The floor of client assertions: what is read out of one, and which key verifies it."""

import json
from typing import Any

import pytest

from mock_sts.protocol.client_assertion import ClientAssertion, read_client_assertion
from mock_sts.protocol.jose import JoseError, PublicKey, import_public_key
from mock_sts.protocol.signed_jwt import Signature, VerifiedBy, numeric_date, verify
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import b64, raw_jws


def read(header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None) -> ClientAssertion:
    head = {"alg": "ES256", **(header or {})}
    return read_client_assertion(f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims or {}).encode())}.")


def test_all_facts_of_an_assertion() -> None:
    found = read(
        {"typ": "client-authentication+jwt", "kid": "k"},
        {"iss": "i", "sub": "s", "aud": "a", "exp": 3, "nbf": 2, "iat": 1.5, "jti": "j"},
    )
    assert (found.algorithm, found.typ, found.kid) == ("ES256", "client-authentication+jwt", "k")
    assert (found.issuer, found.subject, found.jti) == ("i", "s", "j")
    assert (found.audiences, found.audience_is_list) == (("a",), False)
    assert (found.expires_at, found.not_before, found.issued_at) == (3, 2, 1.5)
    assert found.not_numbers == ()


def test_an_assertion_without_anything_has_no_facts() -> None:
    found = read()
    assert (found.typ, found.kid, found.issuer, found.subject, found.jti) == (None,) * 5
    assert (found.expires_at, found.not_before, found.issued_at) == (None,) * 3
    assert (found.audiences, found.audience_is_list, found.not_numbers) == ((), False, ())


@pytest.mark.parametrize("value", [None, 1, True, [], ["x"], {}, 1.5], ids=repr)
def test_what_should_be_a_text_and_is_none_counts_as_absent(value: object) -> None:
    found = read({"typ": value, "kid": value}, {"iss": value, "sub": value, "jti": value})
    assert (found.typ, found.kid, found.issuer, found.subject, found.jti) == (None,) * 5


@pytest.mark.parametrize(
    ("aud", "audiences", "is_list"),
    [
        ("a", ("a",), False),
        ("", ("",), False),
        (["a"], ("a",), True),
        (["a", "b"], ("a", "b"), True),
        ([], (), True),
        (["a", 1], (), True),
        ([["a"]], (), True),
        (None, (), False),
        (1, (), False),
        ({"a": 1}, (), False),
        (True, (), False),
    ],
    ids=repr,
)
def test_audiences(aud: object, audiences: tuple[str, ...], is_list: bool) -> None:
    found = read(claims={"aud": aud})
    assert (found.audiences, found.audience_is_list) == (audiences, is_list)


NUMERIC_DATES: list[tuple[object, float | None]] = [
    (0, 0),
    (1_800_000_000, 1_800_000_000),
    (-1, -1),
    (1.5, 1.5),
    (-0.5, -0.5),
    (2**63 - 1, 2**63 - 1),
    ("1800000000", 1_800_000_000),
    ("0", 0),
    ("007", 7),
    ("999999999999", 999_999_999_999),
    ("1000000000000", None),
    ("9" * 5000, None),
    ("", None),
    ("-1", None),
    ("+1", None),
    ("1.5", None),
    ("1e9", None),
    (" 1", None),
    ("1 ", None),
    ("1\n", None),
    ("1_000", None),
    ("0x10", None),
    ("\u0661\u0662", None),
    ("\uff11", None),
    ("\u00b2", None),
    ("now", None),
    (True, None),
    (False, None),
    (None, None),
    ([], None),
    ([1], None),
    ({}, None),
]


@pytest.mark.parametrize(("value", "expected"), NUMERIC_DATES, ids=[repr(value)[:20] for value, _ in NUMERIC_DATES])
def test_numeric_dates(value: object, expected: float | None) -> None:
    found = numeric_date(value)
    assert found == expected
    assert not isinstance(found, bool)


def test_times_that_are_texts_are_read_and_named() -> None:
    found = read(claims={"exp": "30", "nbf": "x", "iat": "10"})
    assert (found.expires_at, found.not_before, found.issued_at) == (30, None, 10)
    assert sorted(found.not_numbers) == ["exp", "iat", "nbf"]
    assert read(claims={"exp": 30, "iat": "10"}).not_numbers == ("iat",)


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "{}", "eyJhbGciOiJub25lIn0.e30"], ids=repr)
def test_what_is_no_jwt_is_refused(text: str) -> None:
    with pytest.raises(JoseError):
        read_client_assertion(text)


# Which key verifies

KEYS = [public_jwk(private_jwk("ES256", number)) for number in range(3)]


def key(number: int) -> PublicKey:
    return import_public_key(KEYS[number])


def signed_by(number: int, header: dict[str, Any] | None = None) -> ClientAssertion:
    head = json.dumps({"alg": "ES256", **(header or {})}).encode()
    return read_client_assertion(raw_jws(head, b"{}", private_jwk("ES256", number), "ES256"))


def test_without_keys_nothing_is_verified() -> None:
    assert verify(signed_by(0), []) == VerifiedBy(Signature.NO_KEY, -1, False)


def test_without_the_right_key_it_fails() -> None:
    assert verify(signed_by(0, {"kid": "a"}), [("a", key(1)), ("b", key(2))]) == VerifiedBy(Signature.FAILED, -1, True)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    ("kid", "known"), [("a", True), ("b", True), ("c", True), ("x", False), ("", False), (None, False)], ids=repr
)
def test_the_key_that_made_the_signature_is_found_whatever_kid_says(kid: str | None, known: bool, number: int) -> None:
    keys = [("a", key(0)), ("b", key(1)), ("c", key(2))]
    assertion = signed_by(number, {} if kid is None else {"kid": kid})
    assert verify(assertion, keys) == VerifiedBy(Signature.VERIFIED, number, known)


def test_a_key_without_kid_is_not_the_one_that_an_absent_kid_names() -> None:
    assert verify(signed_by(1), [(None, key(0)), (None, key(1))]) == VerifiedBy(Signature.VERIFIED, 1, False)


def test_the_key_that_kid_names_is_tried_first() -> None:
    tried: list[str] = []

    class Noting:
        def __init__(self, name: str) -> None:
            self.name = name

        def verify(self, jws: object) -> bool:
            tried.append(self.name)
            return False

    keys: Any = [(name, Noting(name)) for name in ("a", "b", "c")]
    assert verify(signed_by(0, {"kid": "c"}), keys).signature is Signature.FAILED
    assert tried == ["c", "a", "b"]


def test_the_same_kid_twice_does_no_harm() -> None:
    assert verify(signed_by(2, {"kid": "a"}), [("b", key(0)), ("a", key(1)), ("a", key(2))]) == VerifiedBy(
        Signature.VERIFIED, 2, True
    )
