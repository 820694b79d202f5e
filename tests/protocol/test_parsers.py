"""Every parser under any input: a value, or the one exception it promises, and nothing else.

Each property also says what a value that came back is like, so that a parser that took everything would fail too.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_sts.helseid.identifiers import (
    birth_date,
    is_d_number,
    is_hpr_number,
    is_organization_number,
    is_pid,
    is_synthetic_organization_number,
    is_synthetic_pid,
    organization_check_digit_ok,
    pid_check_digits_ok,
)
from mock_sts.helseid.registry.client import CLIENT_FORMAT, Client
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.registry.records import members_of
from mock_sts.protocol.addresses import Addresses, EffectiveUrls, UnknownHostError, UrlMode
from mock_sts.protocol.client_assertion import read_client_assertion
from mock_sts.protocol.dpop import NonceMint, normal_target, read_dpop_proof, split_proofs
from mock_sts.protocol.jose import JoseError, Jws, import_public_key, read_jws
from mock_sts.protocol.json_text import JsonTextError, read_json, read_json_object, write_json
from mock_sts.protocol.params import Params
from mock_sts.protocol.signed_jwt import Signature, numeric_date
from mock_sts.settings.settings import SETTINGS, SettingError, Settings, from_environ
from tests.support.examples import examples
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import b64, raw_jws

usual = examples(200)

SIGNER = private_jwk("ES256")
RSA = private_jwk("PS256", bits=2048)

#: Any text, halves of surrogate pairs included.
ANY_TEXT = st.text(st.characters())

JSON_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(-1e18, 1e18, allow_nan=False, allow_infinity=False)
    | JSON_TEXT
)
JSON_VALUES = st.recursive(
    JSON_LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(JSON_TEXT, inner, max_size=4),
    max_leaves=12,
)


# JSON

MAX_INTEGER = 2**63 - 1


def is_harmless(value: Any, depth: int = 0) -> bool:
    """What the module promises of every value that it reads."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return not math.isnan(value) and abs(value) <= MAX_INTEGER
    if isinstance(value, list):
        return depth < 32 and all(is_harmless(item, depth + 1) for item in value)
    if isinstance(value, dict):
        names = all(is_harmless(name) for name in value)
        return depth < 32 and names and all(is_harmless(item, depth + 1) for item in value.values())
    return False


def reads(data: bytes) -> bool:
    """Whether ``data`` was read; what came back is harmless, and as Python's own reader sees it."""
    try:
        value = read_json(data)
    except JsonTextError as error:
        assert str(error)
        return False
    assert is_harmless(value)
    assert value == json.loads(data)
    return True


@usual
@given(st.binary())
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(b"\xff")
@example(b'"\\ud83d\\ude00"')
@example(b"[1e400]")
@example(b"-0")
@example(b"[1,]")
def test_read_json_takes_any_bytes(data: bytes) -> None:
    reads(data)


JSON_PIECES = st.lists(
    st.sampled_from(
        [
            *[b"{", b"}", b"[", b"]", b",", b":", b'"', b'"a"', b'"\\u0000"', b'"\\ud800"', b'"\\udc00"', b"1", b"-"],
            *[b"1e999", b"9" * 25, b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b" ", b"\\", b"\xc3", b"\xa5"],
        ]
    )
).map(b"".join)


@usual
@given(JSON_PIECES)
def test_read_json_takes_anything_that_resembles_json(data: bytes) -> None:
    reads(data)


@usual
@given(JSON_VALUES)
def test_every_harmless_value_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@usual
@given(JSON_VALUES)
@example(1e18)
@example({"exp": 1e17})
@example("a+b")
@example(["MIIC7e+Zm"])
@example({"+": "+\\u002B"})
def test_what_write_json_writes_is_json_and_the_same_value(value: object) -> None:
    written = write_json(value)
    assert json.loads(written) == value
    assert written.isascii()
    # Numbers may need their plus sign, texts never show one.
    assert not any(b"+" in text for text in re.findall(rb'"(?:[^"\\]|\\.)*"', written))


@usual
@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_read_json_object_gives_an_object(data: bytes) -> None:
    try:
        value = read_json_object(data)
    except JsonTextError:
        return
    assert isinstance(value, dict)


REFUSED_JSON = {
    "NUL as an escape": (b'"\\u0000"', "it holds a NUL character or half of a surrogate pair"),
    "NUL in a name": (b'{"a\\u0000":1}', "it holds a NUL character or half of a surrogate pair"),
    "NUL deep inside": (b'[{"a":[["x\\u0000y"]]}]', "it holds a NUL character or half of a surrogate pair"),
    "NUL as a byte": (b'"\0"', "it is not JSON"),
    "high half alone": (b'"\\ud800"', "it holds a NUL character or half of a surrogate pair"),
    "high half in capitals": (b'"\\uDBFF"', "it holds a NUL character or half of a surrogate pair"),
    "low half alone": (b'{"a":"\\udc00"}', "it holds a NUL character or half of a surrogate pair"),
    "halves in the wrong order": (b'"\\ude00\\ud83d"', "it holds a NUL character or half of a surrogate pair"),
    "half as bytes": (b'"\xed\xa0\x80"', "it is not UTF-8"),
    "overlong NUL": (b'"\xc0\x80"', "it is not UTF-8"),
    "Latin-1": ('"å"'.encode("latin-1"), "it is not UTF-8"),
    "UTF-16": ('"a"'.encode("utf-16"), "it is not UTF-8"),
    "integer of 64 bits": (b"9223372036854775808", "it holds an integer beyond 63 bits"),
    "negative integer of 64 bits": (b"-9223372036854775808", "it holds an integer beyond 63 bits"),
    "integer of 30 digits": (b"1" * 30, "it holds an integer beyond 63 bits"),
    "integer of 5000 digits": (b'{"exp":' + b"9" * 5000 + b"}", "it holds an integer beyond 63 bits"),
    "great float": (b"1e19", "it holds a number beyond 63 bits"),
    "float beyond floats": (b"-1e999", "it holds a number beyond 63 bits"),
    "NaN": (b"NaN", "it holds NaN, which JSON does not have"),
    "Infinity": (b'{"exp":Infinity}', "it holds Infinity, which JSON does not have"),
    "-Infinity": (b"[-Infinity]", "it holds -Infinity, which JSON does not have"),
    "a member twice": (b'{"a":1,"a":1}', "it has the same member twice"),
    "a member twice, deep inside": (b'[{"b":{"a":1,"\\u0061":2}}]', "it has the same member twice"),
    "33 lists": (b"[" * 33 + b"]" * 33, "it is nested deeper than 32 levels"),
    "33 objects": (b'{"a":' * 33 + b"1" + b"}" * 33, "it is nested deeper than 32 levels"),
    "33 of both": (b'[{"a":' * 16 + b"[1]" + b"}]" * 16, "it is nested deeper than 32 levels"),
    "100,000 lists": (b"[" * 100_000 + b"]" * 100_000, "it is nested deeper than 32 levels"),
    "100,000 lists, not closed": (b"[" * 100_000, "it is nested deeper than 32 levels"),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "it is nested deeper than 32 levels"),
    "nothing": (b"", "it is not JSON"),
    "two values": (b"1 2", "it is not JSON"),
    "comment": (b"{} // x", "it is not JSON"),
    "single quotes": (b"{'a':1}", "it is not JSON"),
    "byte order mark": (b"\xef\xbb\xbf{}", "it is not JSON"),
    "line break in a text": (b'"a\nb"', "it is not JSON"),
}


@pytest.mark.parametrize("case", REFUSED_JSON)
def test_json_that_is_refused(case: str) -> None:
    data, sentence = REFUSED_JSON[case]
    with pytest.raises(JsonTextError) as refused:
        read_json(data)
    assert str(refused.value) == sentence


TAKEN_JSON: list[tuple[bytes, object]] = [
    (b"9223372036854775807", 2**63 - 1),
    (b"-9223372036854775807", -(2**63) + 1),
    (b"9.2e18", 9.2e18),
    (b"1e-400", 0.0),
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    (b'"\\\\ud800"', "\\ud800"),
    (b'"\\\\u0000"', "\\u0000"),
    (b'"\\u0001"', "\x01"),
    ('"æøå"'.encode(), "æøå"),
    (b'"' + b"[" * 100 + b'"', "[" * 100),
    (b'"\\"' + b"{" * 100 + b'"', '"' + "{" * 100),
    (b"[" * 32 + b"]" * 32, json.loads("[" * 32 + "]" * 32)),
    (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
    (b' {"a" : 1}\n', {"a": 1}),
]


@pytest.mark.parametrize(("data", "value"), TAKEN_JSON, ids=[repr(data)[:30] for data, _ in TAKEN_JSON])
def test_json_that_is_taken(data: bytes, value: object) -> None:
    assert read_json(data) == value


# JWS


def jws_of(text: str) -> Jws | None:
    try:
        found = read_jws(text)
    except JoseError as error:
        assert str(error)
        return None
    assert is_harmless(found.header) and is_harmless(found.claims)
    assert text.startswith(found.signing_input.decode() + ".")
    return found


@usual
@given(ANY_TEXT | st.lists(st.text("ABCDeyJ0_-=+/ .é")).map(".".join))
def test_read_jws_takes_any_text(text: str) -> None:
    jws_of(text)


@usual
@given(JSON_VALUES, JSON_VALUES, st.binary(max_size=80))
def test_a_jws_of_any_two_values_is_read_when_both_are_objects(
    header: object, claims: object, signature: bytes
) -> None:
    text = ".".join(map(b64, (json.dumps(header).encode(), json.dumps(claims).encode(), signature)))
    found = jws_of(text)
    asks_for_more = isinstance(header, dict) and ("crit" in header or header.get("b64") is False)
    if isinstance(header, dict) and isinstance(claims, dict) and not asks_for_more:
        assert found is not None
        assert (found.header, found.claims, found.signature) == (header, claims, signature)
    else:
        assert found is None


def changed(text: str, place: int, kind: str, character: str) -> str:
    place %= len(text)
    if kind == "replace":
        return text[:place] + character + text[place + 1 :]
    if kind == "insert":
        return text[:place] + character + text[place:]
    if kind == "delete":
        return text[:place] + text[place + 1 :]
    return text[:place]


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from(["replace", "insert", "delete", "cut"]),
        st.sampled_from("AZaz09-_.=+/ \n\0é"),
    ),
    min_size=1,
    max_size=4,
)

VALID_PROOF = raw_jws(
    json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(SIGNER)}).encode(),
    json.dumps({"jti": "j", "htm": "POST", "htu": "http://localhost/connect/token", "iat": 1, "nonce": "n"}).encode(),
    SIGNER,
    "ES256",
)
VALID_ASSERTION = raw_jws(
    json.dumps({"typ": "client-authentication+jwt", "alg": "PS256", "kid": "k"}).encode(),
    json.dumps({"iss": "c", "sub": "c", "aud": "a", "exp": 2, "nbf": 1, "iat": 1, "jti": "j"}).encode(),
    RSA,
    "PS256",
)


@usual
@given(MUTATIONS)
def test_a_mutated_proof_is_read_or_refused_and_never_verified(mutations: list[tuple[int, str, str]]) -> None:
    text = VALID_PROOF
    for place, kind, character in mutations:
        text = changed(text or ".", place, kind, character)
    found = jws_of(text)
    if found is None:
        with pytest.raises(JoseError):
            read_dpop_proof(text)
        return
    valid = read_jws(VALID_PROOF)
    same = found.signing_input == valid.signing_input and found.signature == valid.signature
    # Mutations may undo each other, or touch bits of the last character that stand for nothing.
    assert (read_dpop_proof(text).signature is Signature.VERIFIED) == same


@usual
@given(MUTATIONS)
def test_a_mutated_assertion_is_read_or_refused_and_never_verified(mutations: list[tuple[int, str, str]]) -> None:
    text = VALID_ASSERTION
    for place, kind, character in mutations:
        text = changed(text or ".", place, kind, character)
    found = jws_of(text)
    if found is None:
        with pytest.raises(JoseError):
            read_client_assertion(text)
        return
    valid = read_jws(VALID_ASSERTION)
    same = found.signing_input == valid.signing_input and found.signature == valid.signature
    assert import_public_key(public_jwk(RSA)).verify(read_client_assertion(text).jws) == same


def unsigned(header: object, claims: object) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}.AAAA"


ASSERTION_HEADERS = st.dictionaries(st.sampled_from(["alg", "typ", "kid", "jwk", "x5c"]), JSON_VALUES)
ASSERTION_CLAIMS = st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]), JSON_VALUES)


@usual
@given(ANY_TEXT)
def test_read_client_assertion_takes_any_text(text: str) -> None:
    try:
        found = read_client_assertion(text)
    except JoseError:
        return
    assert found.jws.header is not None


@usual
@given(ASSERTION_HEADERS, ASSERTION_CLAIMS)
def test_an_assertion_of_any_values_has_only_usable_facts(header: dict[str, Any], claims: dict[str, Any]) -> None:
    found = read_client_assertion(unsigned(header, claims))
    assert all(text is None or isinstance(text, str) for text in (found.typ, found.kid, found.issuer, found.jti))
    assert found.subject == (claims.get("sub") if isinstance(claims.get("sub"), str) else None)
    assert all(isinstance(audience, str) for audience in found.audiences)
    for time in (found.expires_at, found.not_before, found.issued_at):
        assert time is None or (isinstance(time, int | float) and not isinstance(time, bool))
    assert found.algorithm == "" or found.algorithm == header["alg"]


JWKS = st.fixed_dictionaries(
    {},
    optional={
        "kty": st.sampled_from(["RSA", "EC", "oct", "OKP", "ec", ""]) | JSON_VALUES,
        "crv": st.sampled_from(["P-256", "P-384", "P-521", "secp256k1", "Ed25519", "P-1"]) | JSON_VALUES,
        "x": st.sampled_from([SIGNER["x"], SIGNER["y"], "AA", "AQ", "A" * 4000]) | JSON_VALUES,
        "y": st.sampled_from([SIGNER["y"], SIGNER["x"], "AA", "AQ"]) | JSON_VALUES,
        "n": st.sampled_from([RSA["n"], "AQ", "AA", "A" * 4000]) | st.binary(max_size=300).map(b64) | JSON_VALUES,
        "e": st.sampled_from(["AQAB", "AQ", "Aw", "AA", RSA["n"]]) | st.binary(max_size=40).map(b64) | JSON_VALUES,
        "d": JSON_VALUES,
        "alg": JSON_VALUES,
        "use": JSON_VALUES,
        "key_ops": JSON_VALUES,
        "kid": JSON_VALUES,
    },
)


@examples(600)
@given(JWKS | st.dictionaries(st.text(max_size=4), JSON_VALUES, max_size=4), st.binary(max_size=300))
@example({"kty": "EC", "crv": "P-256", "x": SIGNER["x"], "y": SIGNER["y"]}, b"\0" * 64)
@example({"kty": "RSA", "n": RSA["n"], "e": "AQAB"}, b"\0" * 256)
@example({"kty": "RSA", "n": RSA["n"], "e": "Aw"}, b"")
@pytest.mark.slow
def test_import_public_key_takes_any_mapping(jwk: dict[str, Any], signature: bytes) -> None:
    try:
        key = import_public_key(jwk)
    except JoseError as error:
        assert str(error)
        return
    assert key.kty == jwk["kty"] in ("RSA", "EC", "OKP")
    assert key.bits > 0 and len(key.thumbprint) == 43
    # And whatever key that is, it takes any signature.
    for algorithm in ("RS256", "PS512", "ES256", "ES512"):
        assert not key.verify(Jws({"alg": algorithm}, {}, b"e30.e30", signature))


PROOF_HEADERS = st.fixed_dictionaries(
    {}, optional={"alg": st.sampled_from(["ES256", "PS256", "none"]) | JSON_VALUES, "typ": JSON_VALUES, "jwk": JWKS}
)
PROOF_CLAIMS = st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "nonce", "ath"]), JSON_VALUES)


@usual
@given(ANY_TEXT)
def test_read_dpop_proof_takes_any_text(text: str) -> None:
    try:
        found = read_dpop_proof(text)
    except JoseError:
        return
    assert found.signature is not Signature.VERIFIED


@usual
@given(PROOF_HEADERS | ASSERTION_HEADERS, PROOF_CLAIMS)
@pytest.mark.slow
def test_a_proof_of_any_values_has_only_usable_facts(header: dict[str, Any], claims: dict[str, Any]) -> None:
    found = read_dpop_proof(unsigned(header, claims))
    for text in (found.typ, found.jti, found.method, found.target):
        assert text is None or isinstance(text, str)
    assert found.nonce is None or (isinstance(found.nonce, str) and found.nonce == claims["nonce"] != "")
    assert found.signature is not Signature.VERIFIED
    assert (found.key is None) == bool(found.key_fault)
    assert NonceMint(b"secret", "default", 60).is_good(found.nonce, 0) is False


@usual
@given(JSON_VALUES | ANY_TEXT)
def test_numeric_date_takes_any_value(value: object) -> None:
    found = numeric_date(value)
    if found is None:
        return
    assert not isinstance(value, bool)
    assert found == (int(value) if isinstance(value, str) else value)


# Forms, headers, targets, hosts


@usual
@given(
    st.binary()
    | st.lists(st.sampled_from([b"a", b"=", b"&", b"%", b"%00", b"%ff", b"+", b";", b"%C3%A5"])).map(b"".join)
)
@example(b"a=1&" * 201)
@example(b"a=1&a=2")
@example(b"resource=1&resource=2")
@example(b"\xc3\xa5=1")
@example(b"a=%ed%a0%80")
def test_from_form_takes_any_bytes(body: bytes) -> None:
    params = Params.from_form(body)
    if params.fault:
        assert list(params) == []
        return
    for name in params:
        values = params.many(name)
        assert values and all(value and "\0" not in value for value in values)
        assert params.one(name) == values[0]
        assert len(values) == 1 or name == "resource"
        assert all(words and " " not in words for words in params.words(name))


@usual
@given(st.dictionaries(st.text(min_size=1).filter(lambda name: "\0" not in name), st.text(), max_size=20))
def test_a_form_that_was_encoded_is_read_back(fields: dict[str, str]) -> None:
    params = Params.from_form(urlencode(fields).encode())
    if any("\0" in value for value in fields.values()):
        assert params.fault == "a form field holds a NUL character"
        return
    assert params.fault == ""
    assert {name: params.one(name) for name in fields} == {name: value or None for name, value in fields.items()}


FAULTY_FORMS = {
    "not ASCII": (b"scope=\xc3\xa5", "the form is not URL-encoded UTF-8 text, or has too many fields"),
    "escape that is not UTF-8": (b"scope=%ff", "the form is not URL-encoded UTF-8 text, or has too many fields"),
    "half of a surrogate pair": (b"a=%ed%a0%80", "the form is not URL-encoded UTF-8 text, or has too many fields"),
    "201 fields": (
        b"&".join(b"f%d=1" % number for number in range(201)),
        "the form is not URL-encoded UTF-8 text, or has too many fields",
    ),
    "NUL in a value": (b"scope=a%00b", "a form field holds a NUL character"),
    "NUL in a name": (b"sco%00pe=a", "a form field holds a NUL character"),
    "twice": (b"scope=a&scope=a", "the parameter 'scope' is sent more than once"),
    "twice, once empty": (b"scope=a&scope=", "the parameter 'scope' is sent more than once"),
    "twice, once escaped": (b"scope=a&%73cope=b", "the parameter 'scope' is sent more than once"),
}


@pytest.mark.parametrize("case", FAULTY_FORMS)
def test_forms_with_a_fault_hold_nothing(case: str) -> None:
    body, fault = FAULTY_FORMS[case]
    params = Params.from_form(body)
    assert (params.fault, list(params)) == (fault, [])


@usual
@given(ANY_TEXT | st.text("a., \t"))
def test_split_proofs_takes_any_text(header: str) -> None:
    proofs = split_proofs(header)
    assert all(proof and proof == proof.strip() and "," not in proof for proof in proofs)
    assert len(proofs) <= header.count(",") + 1
    assert bool(proofs) == bool(header.replace(",", " ").strip())
    assert split_proofs(",".join(proofs)) == proofs


URL_PIECES = st.lists(
    st.sampled_from(
        [
            *["http", "HTTPS", "ftp", "://", ":", "/", "//", "a", "B.test", "localhost", "[::1]", "[", "]", "@"],
            *["80", "443", "65536", "-1", "?", "#", "%41", "%", " ", "\t", "\n", "\0", "é", "\u2100", "\u0661", "\\"],
        ]
    ),
    max_size=12,
).map("".join)


@usual
@given(ANY_TEXT | URL_PIECES | URL_PIECES.map(lambda tail: f"http://{tail}"))
def test_normal_target_takes_any_text(url: str) -> None:
    found = normal_target(url)
    if not found:
        return
    assert found.startswith(("http://", "https://"))
    assert "?" not in found and "#" not in found and "@" not in found.split("/")[2]
    assert normal_target(found) == found


WORLDS = [
    Addresses("", (), UrlMode.REQUEST, True),
    Addresses("", (), UrlMode.REQUEST, False),
    Addresses("http://localhost:8080", (), UrlMode.SPLIT, True),
    Addresses("https://sts.test", ("http://sts:8080", "http://[::1]:9000"), UrlMode.SPLIT, False),
    Addresses("https://sts.test", ("http://sts:8080",), UrlMode.FIXED, False),
    Addresses("https://sts.test", (), UrlMode.REQUEST, False),
]
HOSTS = st.lists(
    st.sampled_from(
        [
            *["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "sts.test", "sts", "[", "]", ":", "::", ".", "-", "_"],
            *["8080", "80", "0", "65535", "65536", "a", "F", "/", "@", " ", "\n", "é", "\u0668", "%", "\0"],
        ]
    ),
    max_size=6,
).map("".join)


@examples(500)
@given(ANY_TEXT | HOSTS | st.text("0123456789abcdefF:.").map(lambda inner: f"[{inner}]"), st.sampled_from(WORLDS))
@example("[::::]", WORLDS[2])
@example("[....]", WORLDS[2])
@example("[1:2]:80", WORLDS[3])
@example("[::1]", WORLDS[3])
@example("", WORLDS[0])
def test_addresses_take_any_host(host: str, addresses: Addresses) -> None:
    for scheme in ("http", "https"):
        try:
            urls = addresses.of(scheme, host)
        except UnknownHostError as error:
            assert len(error.seen) <= 100
            continue
        assert isinstance(urls, EffectiveUrls)
        # A URL of ours, or one made of a host that is harmless.
        for issuer in (urls.issuer, urls.back_channel, *urls.others):
            assert issuer.base.startswith(("http://", "https://")) and not issuer.base.endswith("/")
            assert not set(issuer.base) & set(" \n\0@?#\\%")
        if addresses.public_url and addresses.mode is not UrlMode.REQUEST:
            assert urls.issuer.base == addresses.public_url


# Documents

MEMBER_NAMES = st.sampled_from([member.name for member in CLIENT_FORMAT.members])
DOCUMENT_LEAVES = JSON_LEAVES | ANY_TEXT | st.dates() | st.binary(max_size=4) | st.just(float("nan"))
DOCUMENT_VALUES = st.recursive(
    DOCUMENT_LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@examples(600)
@given(
    st.dictionaries(MEMBER_NAMES, DOCUMENT_VALUES, max_size=5)
    | st.dictionaries(st.text(max_size=8) | st.integers() | st.none() | st.tuples(), DOCUMENT_VALUES, max_size=3)
    | DOCUMENT_VALUES,
    st.booleans(),
)
@example({"client_id": "x", "jwks": {"keys": [{"kty": []}, {}]}}, False)
@example({"client_id": "\ud800"}, False)
@example({"client_id": date(2026, 1, 1)}, False)
@pytest.mark.slow
def test_a_client_document_takes_any_value(document: object, named: bool) -> None:
    if named and isinstance(document, dict):
        document = {"client_id": "x", **document}
    try:
        client = Client.from_document(document, "file.yaml")
    except DocumentError as error:
        assert str(error).startswith("file.yaml")
        return
    assert isinstance(document, Mapping)
    assert list(members_of(client)) == [member.name for member in CLIENT_FORMAT.members]
    assert client.client_id == document["client_id"]
    assert is_harmless(client.client_id)
    # Keys are looked at when first used, and must not fail then.
    assert len(client.keys) + len(client.key_faults) == len(client.public_jwks)


# More digits than Python writes; YAML can hold such a number in hexadecimal.
HUGE = 10**5000


@pytest.mark.parametrize(
    "document",
    [{"client_id": HUGE}, {"client_id": "x", "client_name": HUGE}, {"client_id": "x", HUGE: 1}, HUGE],
    ids=["client_id", "client_name", "member", "document"],
)
def test_a_client_document_takes_a_huge_number(document: object) -> None:
    with pytest.raises(DocumentError):
        CLIENT_FORMAT.read(document, "file.yaml")


# Settings

ENVIRONMENT_TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        *["0", "1", "-1", "60", "8080", "65535", "65536", "000000008080800", "1" * 13, "0" * 5000 + "1", "9" * 5000],
        *["true", "false", "True", "strict", "observe", "split", "fixed", "request", "off", "\u0663", "1.5", "1e3"],
        *["http://localhost:8080", "http://localhost:8080/", "http://[::::]", "http://[::1]:1", "http://a:99999"],
        *["https://helseid-sts.nhn.no", "http://a?b", "http://a#b", "http://u@a", "http://a\u2100b", "http:///x"],
        *["sqlite:///", "sqlite:///:memory:", "sqlite:////tmp/x.sqlite", "postgresql://x/y", "/", "/etc/passwd"],
        *[
            "a" * 300,
            "a" * 5000,
            f"/{os.pathsep}/nowhere",
            os.pathsep,
            "a\0b",
            "http://a http://b",
            "http://a,http://b",
        ],
    ]
)


def is_sound(read: Settings) -> bool:
    """The numbers lie in the ranges that the documentation of the settings gives."""
    return (
        1 <= read.port <= 65_535
        and (read.workers is None or 1 <= read.workers <= 64)
        and 1 <= read.threads <= 64
        and 1 <= read.access_token_lifetime <= 86_400
        and 1 <= read.dpop_nonce_step <= 3_600
        and (read.clock_skew is None or 0 <= read.clock_skew <= 3_600)
        and 1_024 <= read.max_body <= 16_777_216
        and 100 <= read.journal_size <= 1_000_000
        and read.enforcement in ("observe", "helseid", "strict")
        and not any(url.endswith("/") or "?" in url or "#" in url for url in (read.public_url, *read.aliases))
    )


@examples(800)
@given(st.sampled_from([setting.name for setting in SETTINGS]), ENVIRONMENT_TEXT)
@example("port", "000000008080800")
@example("workers", "0000000000010000")
@example("fixtures", "a" * 300)
@example("fixtures", "a\0b")
@example("public_url", "http://localhost:8080?")
@example("public_url", "http://localhost:8080#")
@example("public_url", "http://[::::]")
@example("url_mode", "split")
def test_settings_take_any_value(name: str, text: str) -> None:
    variable = "MOCK_STS_" + name.upper()
    try:
        read = from_environ({variable: text})
    except SettingError as error:
        assert "MOCK_STS_" in str(error)
        return
    assert is_sound(read)
    assert read.addresses.named == tuple(url for url in (read.public_url, *read.aliases) if url)


@usual
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text(max_size=8))
def test_a_variable_that_is_no_setting_is_refused(name: str, text: str) -> None:
    variable = "MOCK_STS_" + name
    if variable in {setting.variable for setting in SETTINGS}:
        return
    with pytest.raises(SettingError):
        from_environ({variable: text})
    assert isinstance(
        from_environ({name + "_": text}) if not name.startswith("MOCK_STS_") else from_environ({}), Settings
    )


# Identifiers


@usual
@given(st.text("0123456789", min_size=11, max_size=11))
@example("00000000000")
@example("99999999999")
@example("41010150050")
def test_any_eleven_digits_are_judged(pid: str) -> None:
    assert is_pid(pid)
    for judge in (pid_check_digits_ok, is_synthetic_pid, is_d_number):
        assert judge(pid) in (True, False)
    born = birth_date(pid)
    assert born is None or (1854 <= born.year <= 2039 and born.year % 100 == int(pid[4:6]))
    assert not is_synthetic_pid(pid) or born is not None


@usual
@given(st.text("0123456789", min_size=9, max_size=9))
def test_at_most_one_pair_of_check_digits_is_right(start: str) -> None:
    right = [f"{start}{last:02}" for last in range(100) if pid_check_digits_ok(f"{start}{last:02}")]
    assert len(right) <= 1


@usual
@given(st.text("0123456789", min_size=9, max_size=9))
def test_any_nine_digits_are_judged(number: str) -> None:
    assert is_organization_number(number)
    assert organization_check_digit_ok(number) in (True, False)
    assert is_synthetic_organization_number(number) == (number[0] in "23")
    right = [last for last in range(10) if organization_check_digit_ok(f"{number[:8]}{last}")]
    assert len(right) <= 1


@usual
@given(ANY_TEXT | st.text("0123456789\u0661\uff11\u00b2 \n+-", max_size=13))
@example("\u0661" * 11)
@example("\uff11" * 9)
@example("12345678901\n")
@example("123456789\n")
@example("1234567\n")
def test_only_ascii_digits_make_an_identifier(text: str) -> None:
    digits = len(text) if text and all(c in "0123456789" for c in text) else 0
    assert is_pid(text) == (digits == 11)
    assert is_organization_number(text) == (digits == 9)
    assert is_hpr_number(text) == (7 <= digits <= 9 and text[0] != "0")
    assert not is_synthetic_pid(text) or digits == 11
    assert not is_synthetic_organization_number(text) or digits == 9
    assert not is_d_number(text) or digits == 11


@pytest.mark.parametrize(
    ("number", "right"),
    [
        # DIFI's published example, Brønnøysundregistrene, NHN; then each with its last digit changed.
        ("991825827", True),
        ("974760673", True),
        ("994598759", True),
        ("991825828", False),
        ("974760674", False),
        ("994598758", False),
    ],
)
def test_check_digits_of_organizations(number: str, right: bool) -> None:
    assert organization_check_digit_ok(number) is right
