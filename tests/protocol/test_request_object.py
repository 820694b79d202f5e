"""Reading request objects: any claims give a request object or a JoseError, and what is read is what was written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_sts.protocol.authorization_request import PARAMETERS, read_authorization_request
from mock_sts.protocol.client_assertion import ClientAssertion, read_client_assertion
from mock_sts.protocol.jose import MAX_JWS_LENGTH, JoseError
from mock_sts.protocol.params import REPEATABLE
from mock_sts.protocol.request_object import NESTED, RequestObject, read_request_object
from mock_sts.protocol.signed_jwt import SignedJwt
from tests.support.examples import examples
from tests.support.machine import b64

usual = examples(300)

OTHERS = ("test_pid", "test_hpr_number", "test_security_level")
NAMES = (*PARAMETERS, *OTHERS, *NESTED, "iss", "aud", "exp", "nbf", "iat", "jti", "authorization_details", "sub", "x")

TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
CLAIMS = st.dictionaries(st.sampled_from(NAMES) | TEXT, JSON, max_size=8)
HEADERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]) | TEXT, JSON, max_size=4)


def jwt(claims: Any, header: Any = None, signature: bytes = b"signature") -> str:
    parts = ({"alg": "ES256"} if header is None else header, claims)
    return ".".join([*(b64(json.dumps(part).encode("utf-8", "surrogatepass")) for part in parts), b64(signature)])


def read(claims: dict[str, Any]) -> RequestObject:
    return read_request_object(jwt(claims), OTHERS)


# What it is


def test_a_request_object_proves_nobody_to_be_a_client() -> None:
    """With the claims of an assertion it is none all the same, and a type checker tells them apart."""
    text = jwt({"iss": "c", "sub": "c", "aud": "https://issuer.test", "exp": 60, "jti": "j"})
    inside, assertion = read_request_object(text).jwt, read_client_assertion(text)
    assert type(inside) is SignedJwt and not isinstance(inside, ClientAssertion)
    assert isinstance(assertion, ClientAssertion) and assertion.subject == inside.subject == "c"


# Anything


@pytest.mark.covers("request-object.garbage")
@usual
@given(CLAIMS, HEADERS, st.binary(max_size=20))
@pytest.mark.slow
def test_any_claims_are_read_or_are_no_jwt(claims: dict[str, Any], header: dict[str, Any], signature: bytes) -> None:
    try:
        found = read_request_object(jwt(claims, header, signature), OTHERS)
    except JoseError as error:
        assert str(error)
        return
    assert set(found.parameters) <= {*PARAMETERS, *OTHERS} & set(claims)
    for name in found.parameters:
        assert all(value and isinstance(value, str) for value in found.parameters.many(name))
        assert name in REPEATABLE or len(found.parameters.many(name)) == 1
    assert found.nested == tuple(name for name in NESTED if name in claims)
    assert found.claimed_client is None or isinstance(found.claimed_client, str)
    assert read_authorization_request(found.parameters).client_id == found.parameters.one("client_id")


@pytest.mark.covers("request-object.garbage")
@usual
@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_.-]{0,200}"))
def test_any_text_is_read_or_is_no_jwt(text: str) -> None:
    with pytest.raises(JoseError):
        read_request_object(text)


@pytest.mark.covers("request-object.garbage")
@usual
@given(JSON.filter(lambda value: not isinstance(value, dict)))
def test_a_payload_that_is_no_object_is_no_request_object(payload: Any) -> None:
    with pytest.raises(JoseError):
        read_request_object(jwt(payload))


@pytest.mark.covers("request-object.garbage")
@pytest.mark.parametrize(
    "payload",
    [
        b'{"state":"a","state":"b"}',
        b'{"state":"\\u0000"}',
        b'{"state":"\\ud800"}',
        b'{"max_age":1e400}',
        b'{"exp":NaN}',
        b'{"exp":9223372036854775808}',
        b'{"x":' + b"[" * 33 + b"]" * 33 + b"}",
        b'{"x":' + b"[" * 20_000,
        b"",
        b"{}{}",
        b"\xff",
    ],
    ids=["twice", "nul", "surrogate", "float", "nan", "integer", "deep", "deeper", "empty", "two", "no utf-8"],
)
def test_json_that_could_do_harm_is_refused(payload: bytes) -> None:
    with pytest.raises(JoseError):
        read_request_object(f"{b64(b'{}')}.{b64(payload)}.{b64(b'signature')}")


@pytest.mark.covers("request-object.length")
def test_the_longest_that_is_read() -> None:
    empty = len(jwt({"state": ""}))
    fits = "a" * ((MAX_JWS_LENGTH - empty) * 3 // 4 - 3)
    assert read({"state": fits}).parameters.one("state") == fits
    with pytest.raises(JoseError, match="longer"):
        read({"state": "a" * MAX_JWS_LENGTH})


# What is read


@pytest.mark.covers("request-object.parameters")
@usual
@given(st.dictionaries(st.sampled_from((*PARAMETERS, *OTHERS)), st.from_regex(r"\A[ -~æøå😀]{1,60}\Z")))
@pytest.mark.slow
def test_texts_are_taken_as_they_are(claims: dict[str, str]) -> None:
    found = read(claims)
    assert {name: found.parameters.one(name) for name in found.parameters} == claims
    assert found.client_id == claims.get("client_id")


@pytest.mark.covers("request-object.parameters")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("max_age", 60, ("60",)),
        ("max_age", 0, ("0",)),
        ("max_age", -1, ("-1",)),
        ("max_age", "60", ("60",)),
        ("max_age", True, ()),
        ("max_age", 60.5, ()),
        ("max_age", None, ()),
        ("scope", "openid profile", ("openid profile",)),
        ("scope", ["openid", "profile"], ("openid profile",)),
        ("scope", ["openid", 1], ()),
        ("scope", [], ()),
        ("scope", {"openid": True}, ()),
        ("acr_values", ["Level4", "idp:testidp-oidc"], ("Level4 idp:testidp-oidc",)),
        ("prompt", ["login", "consent"], ("login consent",)),
        ("ui_locales", ["nb", "en"], ("nb en",)),
        ("resource", "nhn:x", ("nhn:x",)),
        ("resource", ["nhn:x", "nhn:y"], ("nhn:x", "nhn:y")),
        ("resource", [["nhn:x"]], ()),
        ("resource", [""], ()),
        ("state", ["a", "b"], ()),
        ("redirect_uri", ["http://localhost/a", "http://localhost/b"], ()),
        ("response_type", ["code"], ()),
        ("state", "", ()),
        ("state", {}, ()),
        ("test_pid", 6828399789, ("6828399789",)),
    ],
    ids=str,
)
def test_numbers_and_lists_become_parameters(name: str, value: Any, expected: tuple[str, ...]) -> None:
    assert read({name: value}).parameters.many(name) == expected


@pytest.mark.covers("request-object.parameters")
def test_what_is_no_parameter_stays_where_it_is() -> None:
    found = read({"iss": "web", "aud": "https://sts.test", "claims": "x", "test_pid": "1", "client_assertion": "x"})
    assert list(found.parameters) == ["test_pid"]
    assert list(read_request_object(jwt({"test_pid": "1"})).parameters) == []


@pytest.mark.covers("request-object.nested")
@pytest.mark.parametrize("value", ["x", "", None, {}])
@pytest.mark.parametrize("name", NESTED)
def test_a_nested_request_is_seen_whatever_it_is(name: str, value: Any) -> None:
    assert read({name: value}).nested == (name,)
    assert name not in read({name: value}).parameters


@pytest.mark.covers("request-object.client-id.inside-only")
@pytest.mark.parametrize(
    ("claims", "client"),
    [
        ({"client_id": "a", "iss": "b"}, "a"),
        ({"iss": "b"}, "b"),
        ({"client_id": 1, "iss": "b"}, "b"),
        ({"client_id": ["a"]}, None),
        ({}, None),
    ],
    ids=str,
)
def test_whose_it_claims_to_be(claims: dict[str, Any], client: str | None) -> None:
    assert read(claims).claimed_client == client
