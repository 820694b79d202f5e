"""The parsers that logins brought: any input gives a value or a refusal of their own, never another exception."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_sts.helseid.profile.authorization_request import is_registered_redirect, seconds_in
from mock_sts.helseid.testidp import LoginIntent, LoginIntentError, read_login_intent
from mock_sts.protocol.authorization_request import read_authorization_request
from mock_sts.protocol.authorization_response import AuthorizationResponse, session_state
from mock_sts.protocol.end_session import read_end_session
from mock_sts.protocol.params import Params
from mock_sts.protocol.pkce import is_code, matches
from mock_sts.services.login.return_url import CALLBACK, handle_in
from mock_sts.services.seal import Seal
from tests.support.examples import examples

usual = examples(300)

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
SEAL = Seal(b"s" * 32)


@usual
@given(st.binary(max_size=300))
def test_requests_are_read_from_any_form(body: bytes) -> None:
    params = Params.from_form(body)
    request, logout = read_authorization_request(params), read_end_session(params)
    for value in (request.client_id, request.state, request.max_age, logout.state, logout.id_token_hint):
        assert value is None or value


@usual
@given(st.dictionaries(st.sampled_from(["test_pid", "test_hpr_number", "test_security_level", "x"]), TEXT))
def test_a_login_intent_is_one_or_is_refused(values: dict[str, str]) -> None:
    try:
        intent = read_login_intent(values)
    except LoginIntentError as error:
        assert str(error).startswith("test_")
        return
    assert intent is None or (len(intent.pid) == 11 and intent.pid.isdecimal())
    assert intent is None or intent.security_level in (None, "3", "4")


@pytest.mark.parametrize(
    ("values", "intent"),
    [
        ({}, None),
        ({"test_security_level": "9"}, None),
        ({"test_pid": "06828399789"}, LoginIntent("06828399789", None, None)),
        (
            {"test_pid": "06828399789", "test_hpr_number": "565505933", "test_security_level": "3"},
            LoginIntent("06828399789", "565505933", "3"),
        ),
    ],
)
def test_login_intents(values: dict[str, str], intent: LoginIntent | None) -> None:
    assert read_login_intent(values) == intent


@pytest.mark.parametrize(
    ("asked", "highest", "level"),
    [(None, "4", "4"), (None, "3", "3"), ("3", "4", "3"), ("4", "4", "4"), ("4", "3", "4")],
)
def test_the_level_of_a_login_is_the_one_asked_for_or_the_highest_within_reach(
    asked: str | None, highest: str, level: str
) -> None:
    assert LoginIntent("06828399789", None, asked).level_for(highest) == level


@usual
@given(TEXT, st.lists(st.sampled_from(["http://localhost/cb", "https://app.test/cb", "app://cb"]), max_size=3))
def test_only_registered_redirects_pass(uri: str, registered: list[str]) -> None:
    assert is_registered_redirect(uri, tuple(registered)) is (uri in registered)


@pytest.mark.parametrize(
    ("uri", "passes"),
    [
        ("http://localhost:1/cb", True),
        ("http://localhost:65535/cb", True),
        ("http://localhost:65536/cb", False),
        ("http://localhost:80x/cb", False),
        ("http://localhost:/cb", False),
        ("http://user@localhost:80/cb", False),
        ("http://LOCALHOST:80/cb", False),
        ("https://localhost:80/cb", False),
        ("http://localhost:80/cb/", False),
        ("http://localhost:80@evil.test/cb", False),
        ("http://[::1", False),
    ],
)
def test_any_port_on_a_loopback_address(uri: str, passes: bool) -> None:
    assert is_registered_redirect(uri, ("http://localhost/cb",)) is passes
    swapped = uri.replace("http", "https", 1) if uri.startswith("http:") else uri.replace("https", "http", 1)
    assert is_registered_redirect(swapped, ("https://localhost/cb",)) is passes


@usual
@given(TEXT)
def test_seconds(text: str) -> None:
    found = seconds_in(text)
    assert found is None or (found >= 0 and text.isascii())


@usual
@given(TEXT, TEXT)
def test_verifiers_of_any_form_are_judged(verifier: str, challenge: str) -> None:
    assert not matches(verifier, challenge) or is_code(verifier)


def test_the_example_of_rfc_7636() -> None:
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert matches(verifier, challenge)
    assert not matches(verifier[:-1] + "j", challenge)
    assert not is_code("x" * 42) and is_code("x" * 43) and is_code("x" * 128) and not is_code("x" * 129)


@usual
@given(TEXT.filter(bool))
def test_state_comes_back_byte_for_byte(state: str) -> None:
    location = AuthorizationResponse("https://app.test/cb?a=b", "query", (("code", "x"), ("state", state))).location
    assert location.isascii()
    assert dict(parse_qsl(urlsplit(location).query, strict_parsing=True)) == {"a": "b", "code": "x", "state": state}


@usual
@given(TEXT)
def test_a_return_url_leads_back_or_nowhere(text: str) -> None:
    assert handle_in(text) == ""
    handle = handle_in(f"{CALLBACK}?authzId={text}")
    assert not set(handle) & set("\r\n\0")


@usual
@given(st.dictionaries(TEXT, TEXT, max_size=3), TEXT)
def test_what_is_sealed_opens_for_its_purpose_only(value: dict[str, str], purpose: str) -> None:
    sealed = SEAL.close(purpose, dict(value))
    plain = json.dumps(value)
    if "\\u0000" not in plain and "\\ud" not in plain:
        assert SEAL.open(purpose, sealed) == value
    assert SEAL.open(purpose + "x", sealed) is None
    assert Seal(b"t" * 32).open(purpose, sealed) is None
    assert SEAL.open(purpose, sealed[:-2]) is None


@usual
@given(TEXT)
def test_nothing_else_opens(text: str) -> None:
    assert SEAL.open("p", text) is None


def test_session_state_has_hash_and_salt() -> None:
    state = session_state("c", "https://app.test", "SID", "SALT")
    digest, _, salt = state.partition(".")
    assert salt == "SALT" and len(digest) == 43
    assert state != session_state("c", "https://other.test", "SID", "SALT")
