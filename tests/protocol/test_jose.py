"""The JOSE floor: reading compact JWS, keys, and the nine algorithms against joserfc and the RFCs' own vectors."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from mock_sts.protocol.jose import (
    JoseError,
    Jws,
    PrivateKey,
    PublicKey,
    from_base64url,
    generate_private_jwk,
    import_public_key,
    read_jws,
    sha256_base64url,
    to_base64url,
    to_pem,
    without_private_members,
)
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import b64, raw_jws

VECTORS = Path(__file__).parent / "vectors"
NINE = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")

SIGNATURES = json.loads((VECTORS / "signatures.json").read_text(encoding="utf-8"))
THUMBPRINTS = json.loads((VECTORS / "thumbprints.json").read_text(encoding="utf-8"))

P256 = public_jwk(private_jwk("ES256"))


def key_for(algorithm: str) -> Jwk:
    return private_jwk("RS256", bits=2048) if algorithm[:2] in ("RS", "PS") else private_jwk(algorithm)


def token(header: bytes = b'{"alg":"ES256"}', payload: bytes = b"{}", signature: bytes = b"x") -> str:
    return f"{b64(header)}.{b64(payload)}.{b64(signature)}"


def joserfc_key(jwk: Jwk) -> Any:
    members: Any = {name: value for name, value in jwk.items() if name not in ("alg", "use", "kid")}
    return JWKRegistry.import_key(members)


def rsa_jwk(modulus: int, exponent: int = 65_537) -> dict[str, str]:
    def octets(number: int) -> str:
        return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))

    return {"kty": "RSA", "n": octets(modulus), "e": octets(exponent)}


# base64url


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff\xfe", "-__-")],
    ids=["nothing", "one", "two", "three", "url letters"],
)
def test_base64url_has_no_padding(data: bytes, text: str) -> None:
    assert to_base64url(data) == text
    assert from_base64url(text) == data


@pytest.mark.parametrize(
    "text",
    ["Zg==", "Zm8=", "Zm9v=", "Zm9vY", "A", "+_", "-/", "Zg Zg", " Zg", "Zg\n", "\n", "Zg\0", "é", "\uff21\uff21"],
    ids=repr,
)
def test_what_is_no_base64url_is_refused(text: str) -> None:
    with pytest.raises(JoseError, match=r"^it is not base64url$"):
        from_base64url(text)


def test_sha256_in_base64url_gives_the_ath_of_rfc_9449() -> None:
    # The access token and its ath in RFC 9449 section 7.1.
    token_text = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert sha256_base64url(token_text) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


# Reading


def test_a_jws_is_read_into_its_parts() -> None:
    text = token(b'{"alg":"ES256","kid":"1"}', b'{"iss":"a","n":[1,2.5]}', b"\x01\x02")
    found = read_jws(text)
    assert found.header == {"alg": "ES256", "kid": "1"}
    assert found.claims == {"iss": "a", "n": [1, 2.5]}
    assert found.signature == b"\x01\x02"
    assert found.signing_input == text.rpartition(".")[0].encode()
    assert found.algorithm == "ES256"


def test_an_empty_signature_is_read_and_left_to_judgement() -> None:
    found = read_jws(f"{b64(b'{}')}.{b64(b'{}')}.")
    assert (found.signature, found.algorithm) == (b"", "")


HEADER, PAYLOAD, SIGNATURE = b64(b'{"alg":"ES256"}'), b64(b'{"a":1}'), b64(b"xy")

UNREADABLE = {
    "empty": ("", "it has 1 parts"),
    "one part": (HEADER, "it has 1 parts"),
    "two parts": (f"{HEADER}.{PAYLOAD}", "it has 2 parts"),
    "four parts": (f"{HEADER}.{PAYLOAD}.{SIGNATURE}.{SIGNATURE}", "it has 4 parts"),
    "five parts, as a JWE": (f"{HEADER}....", "it has 5 parts"),
    "dots alone": ("..", "its header cannot be read"),
    "padding in the header": (
        f"{HEADER}=.{PAYLOAD}.{SIGNATURE}",
        "its header cannot be read: it is not base64url: there is '='",
    ),
    "padding in the payload": (
        f"{HEADER}.{PAYLOAD}=.{SIGNATURE}",
        "its payload cannot be read: it is not base64url: there is '='",
    ),
    "padding in the signature": (
        f"{HEADER}.{PAYLOAD}.{SIGNATURE}=",
        "its signature cannot be read: it is not base64url: there is '=' in it (standard base64;",
    ),
    "base64 that is not base64url": (
        f"{HEADER}.{PAYLOAD}.ab+/",
        "its signature cannot be read: it is not base64url: there is '+' and '/' in it (standard base64;",
    ),
    "impossible length": (
        f"{HEADER}.{PAYLOAD}.abcde",
        "its signature cannot be read: it is not base64url: a part is missing",
    ),
    "space around": (f" {HEADER}.{PAYLOAD}.{SIGNATURE}", "its header cannot be read"),
    "line break at the end": (f"{HEADER}.{PAYLOAD}.{SIGNATURE}\n", "its signature cannot be read"),
    "letters that are not ASCII": (f"é{HEADER}.{PAYLOAD}.{SIGNATURE}", "its header cannot be read"),
    "header is a list": (token(header=b'["ES256"]'), "its header cannot be read: it is JSON, but not an object"),
    "header is a text": (token(header=b'"ES256"'), "its header cannot be read: it is JSON, but not an object"),
    "header is no JSON": (token(header=b"ES256"), "its header cannot be read: it is not JSON"),
    "header is not UTF-8": (token(header=b'{"a":"\xff"}'), "its header cannot be read: it is not UTF-8"),
    "header has a member twice": (
        token(header=b'{"alg":"none","alg":"ES256"}'),
        "its header cannot be read: it has the same member twice",
    ),
    "payload is a list": (token(payload=b"[1]"), "its payload cannot be read: it is JSON, but not an object"),
    "payload is a number": (token(payload=b"1"), "its payload cannot be read: it is JSON, but not an object"),
    "payload is null": (token(payload=b"null"), "its payload cannot be read: it is JSON, but not an object"),
    "payload is empty": (f"{HEADER}..{SIGNATURE}", "its payload cannot be read: it is not JSON"),
    "payload is no JSON": (token(payload=b"{a:1}"), "its payload cannot be read: it is not JSON"),
    "payload has a member twice": (
        token(payload=b'{"sub":"a","sub":"b"}'),
        "its payload cannot be read: it has the same member twice",
    ),
    "payload has a member twice, once as an escape": (
        token(payload=b'{"sub":"a","s\\u0075b":"b"}'),
        "its payload cannot be read: it has the same member twice",
    ),
    "payload has NaN": (token(payload=b'{"exp":NaN}'), "its payload cannot be read: it holds NaN"),
    "crit": (token(header=b'{"alg":"ES256","crit":["exp"]}'), "its header asks for an extension"),
    "empty crit": (token(header=b'{"alg":"ES256","crit":[]}'), "its header asks for an extension"),
    "b64 is false": (token(header=b'{"alg":"ES256","b64":false}'), "its header asks for an extension"),
    "too long": ("a" * 65_537, "it is longer than 65536 characters"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_jws_is_refused_with_a_sentence(case: str) -> None:
    text, sentence = UNREADABLE[case]
    with pytest.raises(JoseError) as refused:
        read_jws(text)
    assert str(refused.value).startswith(sentence)


def test_the_longest_jws_that_is_read() -> None:
    start = f"{HEADER}.{PAYLOAD}."
    assert len(read_jws(start + "A" * (65_536 - len(start) - 1)).signature) > 48_000


@pytest.mark.parametrize("algorithm", NINE)
def test_the_nine_algorithms_have_names(algorithm: str) -> None:
    assert read_jws(token(json.dumps({"alg": algorithm}).encode())).algorithm == algorithm


@pytest.mark.parametrize(
    "alg",
    [
        "none",
        "None",
        "",
        "HS256",
        "HS384",
        "HS512",
        "ed25519",
        "Ed448",
        "ES256K",
        "es256",
        "RS1",
        None,
        1,
        [],
        {},
        ["ES256"],
    ],
    ids=repr,
)
def test_other_algorithms_have_no_name(alg: object) -> None:
    assert read_jws(token(json.dumps({"alg": alg}).encode())).algorithm == ""


# Signatures


@pytest.mark.parametrize("vector", SIGNATURES, ids=[vector["source"] for vector in SIGNATURES])
def test_signatures_of_the_rfcs_verify(vector: dict[str, Any]) -> None:
    key = import_public_key(vector["jwk"])
    signing_input = f"{vector['header']}.{vector['payload']}".encode()
    signature = from_base64url(vector["signature"])
    assert json.loads(from_base64url(vector["header"]))["alg"] == vector["alg"]
    assert key.verify(Jws({"alg": vector["alg"]}, {}, signing_input, signature))
    assert not key.verify(Jws({"alg": vector["alg"]}, {}, signing_input + b"A", signature))
    flipped = bytes([signature[0] ^ 1, *signature[1:]])
    assert not key.verify(Jws({"alg": vector["alg"]}, {}, signing_input, flipped))


@pytest.mark.parametrize("vector", SIGNATURES[:2], ids=["A.2", "A.3"])
def test_the_jwts_of_rfc_7515_are_read(vector: dict[str, Any]) -> None:
    found = read_jws(f"{vector['header']}.{vector['payload']}.{vector['signature']}")
    assert found.claims == {"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": True}
    assert import_public_key(vector["jwk"]).verify(found)


@pytest.mark.parametrize("algorithm", [*NINE, "Ed25519"])
def test_joserfc_verifies_what_we_sign(algorithm: str) -> None:
    jwk = key_for(algorithm)
    signed = PrivateKey(jwk, algorithm).sign({"alg": algorithm, "typ": "JWT"}, {"sub": "a", "n": 1})
    found = joserfc_jws.deserialize_compact(signed, joserfc_key(public_jwk(jwk)), algorithms=[algorithm])
    assert found.headers() == {"alg": algorithm, "typ": "JWT"}
    assert found.payload == b'{"sub":"a","n":1}'


@pytest.mark.parametrize("algorithm", NINE)
def test_we_verify_what_joserfc_signs(algorithm: str) -> None:
    jwk = key_for(algorithm)
    signed = joserfc_jws.serialize_compact({"alg": algorithm}, b'{"a":1}', joserfc_key(jwk), algorithms=[algorithm])
    key = import_public_key(public_jwk(jwk))
    assert key.verify(read_jws(signed))
    header, _, signature = signed.split(".")
    assert not key.verify(read_jws(f"{header}.{b64(b'{}')}.{signature}"))


@pytest.mark.parametrize("algorithm", NINE)
def test_another_key_does_not_verify(algorithm: str) -> None:
    signed = read_jws(raw_jws(json.dumps({"alg": algorithm}).encode(), b"{}", key_for(algorithm), algorithm))
    other = private_jwk(algorithm, 1) if algorithm.startswith("ES") else private_jwk("RS256", 1, 2048)
    assert import_public_key(public_jwk(key_for(algorithm))).verify(signed)
    assert not import_public_key(public_jwk(other)).verify(signed)


@pytest.mark.parametrize("said", NINE)
@pytest.mark.parametrize("used", NINE)
def test_a_signature_verifies_only_with_the_algorithm_that_made_it(used: str, said: str) -> None:
    signed = raw_jws(json.dumps({"alg": said}).encode(), b"{}", key_for(used), used)
    assert import_public_key(public_jwk(key_for(used))).verify(read_jws(signed)) == (used == said)


@pytest.mark.parametrize("alg", ["none", "HS256", "HS384", "HS512"])
@pytest.mark.parametrize("kind", ["ES256", "RS256"])
def test_no_key_verifies_what_is_not_signed_with_a_private_key(kind: str, alg: str) -> None:
    jwk = key_for(kind)
    # The confusion attack: the text of the public key as an HMAC secret.
    signed = read_jws(raw_jws(json.dumps({"alg": alg}).encode(), b"{}", jwk, alg))
    assert not import_public_key(public_jwk(jwk)).verify(signed)


@pytest.mark.parametrize("length", [0, 1, 63, 65, 96, 132, 256])
def test_an_ec_signature_of_another_length_does_not_verify(length: int) -> None:
    assert not import_public_key(P256).verify(Jws({"alg": "ES256"}, {}, b"a.b", b"\x01" * length))


@pytest.mark.parametrize("place", [0, 32, 64])
def test_an_ec_signature_with_a_nought_too_many_does_not_verify(place: int) -> None:
    signed = read_jws(raw_jws(b'{"alg":"ES256"}', b"{}", private_jwk("ES256"), "ES256"))
    assert import_public_key(P256).verify(signed)
    longer = signed.signature[:place] + b"\0" + signed.signature[place:]
    assert not import_public_key(P256).verify(Jws(signed.header, {}, signed.signing_input, longer))


@pytest.mark.parametrize("signature", [b"\0" * 64, b"\xff" * 64, b"\0" * 32 + b"\x01" * 32], ids=["0", "max", "r is 0"])
def test_ec_signatures_out_of_range_do_not_verify(signature: bytes) -> None:
    assert not import_public_key(P256).verify(Jws({"alg": "ES256"}, {}, b"a.b", signature))


@pytest.mark.parametrize(
    ("kind", "algorithm", "fits"),
    [
        ("ES256", "ES256", True),
        ("ES384", "ES384", True),
        ("ES512", "ES512", True),
        ("ES512", "ES256", False),
        ("ES512", "ES384", False),
        ("ES384", "ES256", False),
        ("ES384", "ES512", False),
        ("ES256", "ES384", False),
        ("ES256", "ES512", False),
    ],
)
def test_any_curve_verifies_and_curve_fits_tells_whether_it_is_the_right_one(
    kind: str, algorithm: str, fits: bool
) -> None:
    jwk = private_jwk(kind)
    signed = read_jws(raw_jws(json.dumps({"alg": algorithm}).encode(), b"{}", jwk, algorithm))
    key = import_public_key(public_jwk(jwk))
    assert key.verify(signed)
    assert key.curve_fits(algorithm) is fits


def test_every_algorithm_fits_an_rsa_key() -> None:
    key = import_public_key(public_jwk(key_for("RS256")))
    assert [key.curve_fits(algorithm) for algorithm in NINE[:6]] == [True] * 6


# Public keys


@pytest.mark.parametrize("vector", THUMBPRINTS, ids=[vector["source"] for vector in THUMBPRINTS])
def test_thumbprints_of_the_rfcs(vector: dict[str, Any]) -> None:
    assert import_public_key(vector["jwk"]).thumbprint == vector["thumbprint"]
    changed = {**vector["jwk"], "kid": "other", "alg": "PS512", "use": "enc", "key_ops": [], "x5t": "x"}
    assert import_public_key(changed).thumbprint == vector["thumbprint"]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [("ES256", ("EC", "P-256", 256)), ("ES384", ("EC", "P-384", 384)), ("ES512", ("EC", "P-521", 521))],
)
def test_the_facts_of_an_ec_key(kind: str, facts: tuple[str, str, int]) -> None:
    jwk = public_jwk(private_jwk(kind))
    key = import_public_key(jwk)
    assert (key.kty, key.crv, key.bits) == facts
    # RFC 7638 section 3, done by hand.
    canonical = json.dumps({n: jwk[n] for n in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
    assert key.thumbprint == b64(hashlib.sha256(canonical.encode()).digest())


@pytest.mark.parametrize("bits", [1024, 2048])
def test_the_facts_of_an_rsa_key(bits: int) -> None:
    jwk = public_jwk(private_jwk("PS256", bits=bits))
    key = import_public_key(jwk)
    assert (key.kty, key.crv, key.bits) == ("RSA", "", bits)
    canonical = json.dumps({n: jwk[n] for n in ("e", "kty", "n")}, separators=(",", ":"), sort_keys=True)
    assert key.thumbprint == b64(hashlib.sha256(canonical.encode()).digest())


@pytest.mark.parametrize("kind", ["ES256", "RS256"])
def test_private_members_are_left_behind_when_a_key_is_imported(kind: str) -> None:
    jwk = key_for(kind)
    key = import_public_key(jwk)
    assert key.thumbprint == import_public_key(public_jwk(jwk)).thumbprint
    assert jwk["d"] not in repr(key)
    assert key.verify(read_jws(raw_jws(json.dumps({"alg": kind}).encode(), b"{}", jwk, kind)))


@pytest.mark.parametrize(
    "change",
    [{"alg": "PS512"}, {"alg": 1}, {"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": 1}, {"kid": []}, {"d": 5}],
    ids=repr,
)
def test_members_beside_the_key_do_not_matter(change: dict[str, Any]) -> None:
    signed = read_jws(raw_jws(b'{"alg":"ES256"}', b"{}", private_jwk("ES256"), "ES256"))
    assert import_public_key({**P256, **change}).verify(signed)


#: RFC 8037 appendix A.
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def test_an_ed25519_key_is_read() -> None:
    key = import_public_key(ED25519)
    assert (key.kty, key.crv, key.bits) == ("OKP", "Ed25519", 256)
    # RFC 8037 appendix A.3
    assert key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_ed25519_verifies_under_both_names(alg: str) -> None:
    jwk = private_jwk("Ed25519")
    text = raw_jws(json.dumps({"alg": alg}).encode(), b"{}", jwk, alg)
    jws = read_jws(text)
    key = import_public_key(jwk)
    assert jws.algorithm == alg
    assert key.verify(jws) and key.fits(alg) and key.curve_fits(alg)
    other = import_public_key(private_jwk("Ed25519", 1))
    assert not other.verify(jws)
    # A key of another kind never fits, nor does this one another algorithm.
    for kind in ("ES256", "PS256"):
        assert not import_public_key(private_jwk(kind)).verify(jws)
        assert not key.fits(kind)
        assert not key.verify(read_jws(raw_jws(json.dumps({"alg": kind}).encode(), b"{}", private_jwk(kind), kind)))
    header, payload, signature = text.split(".")
    for forged in ("", signature[:-4], signature + "AAAA", b64(bytes(64)), b64(b"\xff" * 64)):
        assert not key.verify(read_jws(f"{header}.{payload}.{forged}"))


def test_the_example_of_rfc_8037_verifies() -> None:
    # Appendix A.4; its payload is a plain text.
    signing_input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = from_base64url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
    key = import_public_key(ED25519)
    assert key.verify(Jws({"alg": "EdDSA"}, {}, signing_input, signature))
    assert not key.verify(Jws({"alg": "EdDSA"}, {}, signing_input + b"A", signature))


NO_KEYS: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({}, "its kty is none of RSA, EC, OKP"),
    "oct": ({"kty": "oct", "k": "AAAA"}, "its kty is none of RSA, EC, OKP"),
    "Ed448": ({**ED25519, "crv": "Ed448"}, "its crv is not Ed25519"),
    "X25519": ({**ED25519, "crv": "X25519"}, "its crv is not Ed25519"),
    "curve of EC in OKP": ({**ED25519, "crv": "P-256"}, "its crv is not Ed25519"),
    "OKP in small letters": ({**ED25519, "crv": "ed25519"}, "its crv is not Ed25519"),
    "OKP without x": ({"kty": "OKP", "crv": "Ed25519"}, "its member x is missing or not a string"),
    "OKP without crv": ({"kty": "OKP", "x": ED25519["x"]}, "its member crv is missing or not a string"),
    "OKP whose x is too short": ({**ED25519, "x": ED25519["x"][:-3]}, "its OKP members do not make a key"),
    "OKP whose x is too long": ({**ED25519, "x": ED25519["x"] + "AAAA"}, "its OKP members do not make a key"),
    "OKP whose x is no base64url": ({**ED25519, "x": "*" * 43}, "its member x is not base64url: there is '*' in it"),
    "kty in small letters": ({**P256, "kty": "ec"}, "its kty is none of RSA, EC, OKP"),
    "kty is a list": ({**P256, "kty": ["EC"]}, "its kty is none of RSA, EC, OKP"),
    "kty is null": ({**P256, "kty": None}, "its kty is none of RSA, EC, OKP"),
    "off the curve": ({**P256, "y": P256["x"]}, "its EC members do not make a key"),
    "point of another curve": ({**P256, "crv": "P-384"}, "its EC members do not make a key"),
    "point at infinity": ({**P256, "x": "AA", "y": "AA"}, "its EC members do not make a key"),
    "coordinates beyond the field": ({**P256, "x": "_" * 86, "y": "_" * 86}, "its EC members do not make a key"),
    "unknown curve": ({**P256, "crv": "P-1"}, "its crv is none of P-256, P-384, P-521"),
    "curve in small letters": ({**P256, "crv": "p-256"}, "its crv is none of P-256, P-384, P-521"),
    "curve of bitcoin": (
        {
            "kty": "EC",
            "crv": "secp256k1",
            "x": "eb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5g",
            "y": "SDradyajxGVdpPv8DhEIqP0XtEimhVQZnEfQj_sQ1Lg",
        },
        "its crv is none of P-256, P-384, P-521",
    ),
    "no curve": ({n: v for n, v in P256.items() if n != "crv"}, "its member crv is missing or not a string"),
    "no x": ({n: v for n, v in P256.items() if n != "x"}, "its member x is missing or not a string"),
    "no y": ({n: v for n, v in P256.items() if n != "y"}, "its member y is missing or not a string"),
    "empty x": ({**P256, "x": ""}, "its member x is missing or not a string"),
    "x is a number": ({**P256, "x": 1}, "its member x is missing or not a string"),
    "x is a list": ({**P256, "x": [P256["x"]]}, "its member x is missing or not a string"),
    "x with a space": ({**P256, "x": P256["x"] + " "}, "its member x is not base64url: there is ' ' in it"),
    "x with a line break": ({**P256, "x": P256["x"] + "\n"}, "its member x is not base64url: there is '\\n' in it"),
    "x with a part missing": ({**P256, "x": P256["x"][:-2]}, "its member x is not base64url"),
    "padding in the middle": ({**P256, "x": "=" + P256["x"]}, "its member x is not base64url"),
    "huge x": ({**P256, "x": "A" * 100_000}, "its member x is too long"),
    "huge crv": ({**P256, "crv": "P" * 100_000}, "its member crv is too long"),
    "no n": ({"kty": "RSA", "e": "AQAB"}, "its member n is missing or not a string"),
    "no e": ({"kty": "RSA", "n": "AQAB"}, "its member e is missing or not a string"),
    "n is null": ({"kty": "RSA", "n": None, "e": "AQAB"}, "its member n is missing or not a string"),
    "huge n": ({"kty": "RSA", "n": "A" * 100_000, "e": "AQAB"}, "its member n is too long"),
    "huge e": ({"kty": "RSA", "n": "AQAB", "e": "A" * 100_000}, "its member e is too long"),
    "n is nought": ({"kty": "RSA", "n": "AA", "e": "AQAB"}, "its RSA members do not make a key"),
    "n is one": ({"kty": "RSA", "n": "AQ", "e": "AQAB"}, "its RSA members do not make a key"),
    "e is one": (rsa_jwk(2**2047 + 1, 1), "its RSA members do not make a key"),
    "e is even": (rsa_jwk(2**2047 + 1, 65_536), "its RSA members do not make a key"),
    "e is greater than n": (rsa_jwk(2**1023 + 1, 2**1500 + 1), "its RSA members do not make a key"),
}


@pytest.mark.parametrize("case", NO_KEYS)
def test_what_is_no_key_is_refused_with_a_sentence(case: str) -> None:
    jwk, sentence = NO_KEYS[case]
    with pytest.raises(JoseError) as refused:
        import_public_key(jwk)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(("bits", "taken"), [(4096, True), (8192, True), (8193, False), (12_288, False)])
def test_rsa_keys_that_cost_a_verifier_seconds_are_no_keys(bits: int, taken: bool) -> None:
    jwk = rsa_jwk(2 ** (bits - 1) + 2**64 + 1)
    if taken:
        assert import_public_key(jwk).bits == bits
        return
    with pytest.raises(JoseError):
        import_public_key(jwk)


@pytest.mark.parametrize("algorithm", NINE[:6])
@pytest.mark.parametrize("bits", [17, 512, 1024])
def test_an_rsa_key_too_small_for_the_digest_verifies_nothing(bits: int, algorithm: str) -> None:
    key = import_public_key(rsa_jwk(2 ** (bits - 1) + 2 ** (bits // 2) + 1, 3))
    assert key.bits == bits
    assert not key.verify(Jws({"alg": algorithm}, {}, b"a.b", b"\x01" * ((bits + 7) // 8)))


def test_showing_a_jwk_leaves_out_what_is_private() -> None:
    jwk = dict.fromkeys(PRIVATE, "secret") | {"kty": "RSA", "kid": "1", "n": "AQ"}
    assert without_private_members(jwk) == {"kty": "RSA", "kid": "1", "n": "AQ"}


# Private keys


@pytest.mark.parametrize("kind", ["ES256", "ES384", "ES512", "RS256", "PS512", "EdDSA"])
def test_a_private_key_shows_only_its_public_part(kind: str) -> None:
    jwk = {**key_for(kind), "kid": "mine"}
    key = PrivateKey(jwk, kind)
    assert key.algorithm == kind
    assert key.public_jwk == {**public_jwk(jwk), "alg": kind}
    for name in ("d", "p", "q", "dp", "dq", "qi"):
        assert name not in key.public_jwk
        assert jwk.get(name, "\0") not in repr(key)
        assert jwk.get(name, "\0") not in repr(key.public_jwk)


def test_the_header_is_written_in_the_order_given() -> None:
    signed = PrivateKey(private_jwk("ES256")).sign({"kid": "a", "alg": "ES256", "typ": "at+jwt"}, {"z": 1, "a": "+ø"})
    header, payload, _ = signed.split(".")
    assert from_base64url(header) == b'{"kid":"a","alg":"ES256","typ":"at+jwt"}'
    assert from_base64url(payload) == b'{"z":1,"a":"\\u002B\\u00f8"}'


RSA = private_jwk("RS256", bits=2048)
EC = private_jwk("ES256")
EDWARDS = private_jwk("EdDSA")

NO_PRIVATE_KEYS: dict[str, tuple[dict[str, str], str, str]] = {
    "public EC key": (public_jwk(EC), "ES256", "it is not a usable private JWK"),
    "public RSA key": (public_jwk(RSA), "RS256", "it is not a usable private JWK"),
    "RSA key without its primes": (
        {n: v for n, v in RSA.items() if n not in ("p", "q")},
        "RS256",
        "it is not a usable private JWK",
    ),
    "EC key with an RSA algorithm": (EC, "RS256", "a key of type EC cannot sign RS256"),
    "RSA key with an EC algorithm": (RSA, "ES256", "a key of type RSA cannot sign ES256"),
    "Edwards key with an EC algorithm": (EDWARDS, "ES256", "a key of type OKP cannot sign ES256"),
    "EC key with an Edwards algorithm": (EC, "EdDSA", "a key of type EC cannot sign EdDSA"),
    "key of another Edwards curve": ({**EDWARDS, "crv": "X25519"}, "EdDSA", "it is not a usable private JWK"),
    "public Edwards key": (public_jwk(EDWARDS), "EdDSA", "it is not a usable private JWK"),
    "no algorithm": ({n: v for n, v in EC.items() if n != "alg"}, "", "its alg '' is not one of"),
    "HMAC": (EC, "HS256", "its alg 'HS256' is not one of"),
    "none": (EC, "none", "its alg 'none' is not one of"),
    "secret": ({"kty": "oct", "k": "c2VjcmV0LXNlY3JldA", "alg": "ES256"}, "", "it is not a usable private JWK"),
    "empty": ({"alg": "ES256"}, "", "it is not a usable private JWK"),
}


@pytest.mark.parametrize("case", NO_PRIVATE_KEYS)
def test_what_cannot_sign_is_refused_without_quoting_the_key(case: str) -> None:
    jwk, algorithm, sentence = NO_PRIVATE_KEYS[case]
    with pytest.raises(JoseError) as refused:
        PrivateKey(jwk, algorithm)
    assert str(refused.value).startswith(sentence)
    for name in PRIVATE:
        assert jwk.get(name, "\0") not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "kty", "bits"),
    [
        ("ES256", "EC", 256),
        ("ES384", "EC", 384),
        ("ES512", "EC", 521),
        ("Ed25519", "OKP", 256),
        ("EdDSA", "OKP", 256),
    ],
)
def test_a_generated_key_is_named_by_its_thumbprint(kind: str, kty: str, bits: int) -> None:
    jwk = generate_private_jwk(kind)
    key = import_public_key(jwk)
    assert (key.kty, key.bits) == (kty, bits)
    assert jwk["kid"] == key.thumbprint
    assert (jwk["alg"], jwk["use"]) == (kind, "sig")
    assert "d" in jwk
    assert generate_private_jwk(kind)["d"] != jwk["d"]


def test_a_generated_rsa_key_has_3072_bits() -> None:
    jwk = generate_private_jwk("PS256")
    key = import_public_key(jwk)
    assert (key.kty, key.bits, jwk["kid"], jwk["alg"]) == ("RSA", 3072, key.thumbprint, "PS256")
    assert key.verify(read_jws(PrivateKey(jwk).sign({"alg": "PS256"}, {})))


@pytest.mark.parametrize("kind", ["HS256", "none", "EDDSA", "", "RSA", "Ed448"])
def test_no_other_key_is_generated(kind: str) -> None:
    with pytest.raises(JoseError):
        generate_private_jwk(kind)


@pytest.mark.parametrize("jwk", [EC, RSA], ids=["EC", "RSA"])
def test_a_key_as_pem_is_the_same_key(jwk: Jwk) -> None:
    pem = to_pem(jwk)
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    found = ECKey.import_key(pem) if jwk["kty"] == "EC" else RSAKey.import_key(pem)
    assert found.as_dict(private=True)["d"] == jwk["d"]


def test_a_public_key_has_no_pem() -> None:
    with pytest.raises(JoseError):
        to_pem(public_jwk(EC))


def test_a_key_is_not_a_value_that_can_be_changed() -> None:
    key: PublicKey = import_public_key(P256)
    with pytest.raises(AttributeError):
        key.bits = 1  # type: ignore[misc]
