"""Private keys are found by what they look like, in whatever they are wrapped; what is public stays."""

import json
import time
from typing import Any

import pytest

from mock_sts.protocol.private_keys import NOT_KEPT, may_hold_a_private_key, without_private_keys, without_private_text
from tests.support.keys import private_jwk, public_jwk
from tests.support.secret_keys import EC, KEYS, OCT, PEM, PRIVATE, RSA, TEXTS, seen_in

encode = json.JSONEncoder(separators=(",", ":")).encode

CERTIFICATE = "MIIDazCCAlOgAwIBAgIUE" + "A" * 800
PUBLIC_PEM = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n"
TOKEN = (
    "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2hlbHNlaWQuZXhhbXBsZS50ZXN0IiwiYXVkIjoiYXBpIn0."
    + "A" * 300
)


@pytest.mark.covers("server.private-keys")
@pytest.mark.parametrize("name", TEXTS)
def test_a_key_in_a_text_is_not_kept(name: str) -> None:
    text = TEXTS[name]
    kept = without_private_text(text)
    assert seen_in(kept) == [], kept
    assert NOT_KEPT in kept or "cut off" in name


@pytest.mark.covers("server.private-keys")
@pytest.mark.parametrize("member", ["jwk", "jwks", "key", "my key", "cnf", "x", "Kéy", "config", "d"])
@pytest.mark.parametrize("kind", KEYS)
def test_a_key_in_json_is_not_kept_whatever_it_is_called(kind: str, member: str) -> None:
    for value in (
        {member: KEYS[kind]},
        {"a": [{"b": {member: [KEYS[kind]]}}]},
        {member: {"keys": [KEYS[kind], RSA]}},
        {"a": {f"{member}!": {n.upper(): v for n, v in KEYS[kind].items()}}},
        {"a": {n: v for n, v in KEYS[kind].items() if n != "kty"}},
        {member: json.dumps({"a": KEYS[kind]})},
        {json.dumps(KEYS[kind]): member},
        {member: (json.dumps(KEYS[kind]),)},
        [[KEYS[kind]]],
        {member: json.dumps(KEYS[kind]).split(" ")} if kind == "EC" else KEYS[kind],
        KEYS[kind],
    ):
        assert seen_in(encode(value)), "else this shows nothing"
        assert may_hold_a_private_key(encode(value)), value
        assert seen_in(encode(without_private_keys(value))) == []


@pytest.mark.parametrize("between", ["\n", " "], ids=["lines", "words"])
@pytest.mark.parametrize("name", PEM)
def test_pem_in_pieces_is_not_kept(name: str, between: str) -> None:
    pieces = PEM[name].split(between)
    for value in ({"a": pieces}, {"a": tuple(pieces)}, {"a": repr(pieces)}, {"a": json.dumps(pieces)}):
        assert may_hold_a_private_key(encode(value))
        assert seen_in(encode(without_private_keys(value))) == []


@pytest.mark.parametrize("name", TEXTS)
def test_the_quick_look_misses_no_key(name: str) -> None:
    if seen_in(TEXTS[name]):
        assert may_hold_a_private_key(encode({"a": [TEXTS[name]]}))
        assert may_hold_a_private_key(encode({TEXTS[name]: 1}))


PUBLIC: list[Any] = [
    None,
    True,
    12,
    "",
    "d",
    {"a": [1, "b", None]},
    public_jwk(RSA),
    {"jwk": public_jwk(EC), "x5c": [CERTIFICATE]},
    {"jwks": {"keys": [public_jwk(RSA), public_jwk(private_jwk("ES512", 3))]}},
    PUBLIC_PEM,
    CERTIFICATE,
    TOKEN,
    {"d": "short", "p": 1, "k": ["v"], "q": "free text of a search"},
    {"scope": "openid profile helseid://scopes/identity/pid", "redirect_uri": "http://localhost:8089/cb?d=1&k=2"},
    {"nonce": "a" * 43, "jti": "f" * 64, "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM"},
    "expected: one of PS256, ES256; observed: 'RS256'. Remedy: sign with the key",
    {"kty": "RSA"},
]


@pytest.mark.parametrize("value", PUBLIC, ids=range(len(PUBLIC)))
def test_what_is_public_stays_as_it_is(value: Any) -> None:
    assert without_private_keys(value) == value


def test_what_calls_itself_a_key_is_treated_as_one() -> None:
    assert without_private_keys({"jwk": "a text"}) == {"jwk": NOT_KEPT}
    assert without_private_keys({"jwk": dict.fromkeys(PRIVATE, "x") | {"n": "y"}}) == {"jwk": {"n": "y"}}
    assert without_private_keys({**dict.fromkeys(PRIVATE, "x"), "kty": "RSA"}) == {"kty": "RSA"}
    assert without_private_keys({"KTY": "oct", "K": OCT["k"]}) == {"KTY": "oct"}


def test_what_stands_around_a_key_stays() -> None:
    pem = PEM["PKCS #8, RSA"]
    assert without_private_text(f"before {pem}after") == f"before -----BEGIN PRIVATE KEY{NOT_KEPT}\nafter"
    kept = without_private_text(f'before {{"kty":"EC","d":"{EC["d"]}","x":"{EC["x"]}"}} after')
    assert kept == f'before {{"kty":"EC","d":"{NOT_KEPT}","x":"{EC["x"]}"}} after'


#: Texts that would take long to look through if something in a pattern were repeated without a bound.
SLOW = [
    "a",
    "M",
    "MII",
    "MII ",
    "eyJ",
    '"d":',
    "d=+",
    "\\",
    "\\\\\\n",
    "%25",
    "%22",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY----- ",
    "PRIVATE KEY",
    " ",
    "&#3",
    "MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    "'d' : '",
    "<d>",
    "d:d:",
]


@pytest.mark.parametrize("piece", SLOW)
def test_the_work_grows_with_the_length_alone(piece: str) -> None:
    """By the processor's time of this thread, four times as long takes about four times as long, not sixteen times."""

    def taken(length: int) -> float:
        text = piece * (length // len(piece))
        best = 9.0
        for _ in range(3):
            begun = time.thread_time()
            without_private_text(text)
            best = min(best, time.thread_time() - begun)
        return best

    assert taken(200_000) < 10 * taken(50_000) + 0.05
