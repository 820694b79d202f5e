"""The floor of DPoP: what is read out of a proof, how targets are compared, and the nonces."""

import json
from pathlib import Path
from typing import Any

import pytest

from mock_sts.protocol.dpop import DPoPProof, NonceMint, normal_target, read_dpop_proof, split_proofs
from mock_sts.protocol.jose import JoseError
from mock_sts.protocol.signed_jwt import Signature
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, b64, merge, raw_jws

PROOFS = json.loads((Path(__file__).parent / "vectors" / "dpop_proofs.json").read_text(encoding="utf-8"))

SIGNER = private_jwk("ES256")


def read(
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
    *,
    alg: str = "ES256",
    signer: Jwk = SIGNER,
) -> DPoPProof:
    head = merge({"typ": "dpop+jwt", "alg": alg, "jwk": public_jwk(signer)}, header or {})
    base = {"jti": "j", "htm": "POST", "htu": "https://a.test/", "iat": 1, "nonce": "n"}
    body = merge(base, claims or {})
    return read_dpop_proof(raw_jws(json.dumps(head).encode(), json.dumps(body).encode(), signer, alg))


@pytest.mark.parametrize("vector", PROOFS, ids=[vector["source"] for vector in PROOFS])
def test_the_proofs_of_rfc_9449(vector: dict[str, Any]) -> None:
    proof = read_dpop_proof(vector["proof"])
    assert proof.signature is Signature.VERIFIED
    assert (proof.typ, proof.algorithm) == ("dpop+jwt", "ES256")
    assert (proof.jti, proof.method, proof.target) == (vector["jti"], vector["htm"], vector["htu"])
    assert proof.issued_at == vector["iat"]
    assert proof.thumbprint == vector["jkt"]
    assert (proof.nonce, proof.nonce_is_text, proof.key_is_private) == (None, True, False)


@pytest.mark.parametrize("vector", PROOFS, ids=[vector["source"] for vector in PROOFS])
def test_a_changed_proof_of_rfc_9449_does_not_verify(vector: dict[str, Any]) -> None:
    header, payload, signature = vector["proof"].split(".")
    other = PROOFS[1 - PROOFS.index(vector)]["proof"].split(".")[1]
    assert read_dpop_proof(f"{header}.{other}.{signature}").signature is Signature.FAILED
    assert read_dpop_proof(f"{header}.{payload}.").signature is Signature.FAILED


def test_all_facts_of_a_proof() -> None:
    proof = read()
    assert (proof.typ, proof.algorithm, proof.signature) == ("dpop+jwt", "ES256", Signature.VERIFIED)
    assert (proof.jti, proof.method, proof.target) == ("j", "POST", "https://a.test/")
    assert (proof.issued_at, proof.nonce, proof.nonce_is_text) == (1, "n", True)
    assert proof.key is not None
    assert (proof.key_fault, proof.key_is_private) == ("", False)
    assert proof.thumbprint == proof.key.thumbprint == SIGNER["kid"]


@pytest.mark.parametrize("value", [ABSENT, None, 1, True, [], ["x"], {}], ids=repr)
def test_what_should_be_a_text_and_is_none_counts_as_absent(value: object) -> None:
    proof = read({"typ": value}, {"jti": value, "htm": value, "htu": value, "nonce": value})
    assert (proof.typ, proof.jti, proof.method, proof.target, proof.nonce) == (None,) * 5
    assert proof.signature is Signature.VERIFIED


@pytest.mark.parametrize(
    ("value", "nonce", "is_text"),
    [(ABSENT, None, True), (None, None, True), ("", None, True), ("n", "n", True), (1, None, False), ([], None, False)],
    ids=repr,
)
def test_nonces_that_are_absent_empty_or_no_text(value: object, nonce: str | None, is_text: bool) -> None:
    proof = read(claims={"nonce": value})
    assert (proof.nonce, proof.nonce_is_text) == (nonce, is_text)


@pytest.mark.parametrize(
    ("value", "issued_at"),
    [(ABSENT, None), (None, None), ("1800000000", None), (True, None), ([], None), (5, 5), (5.5, 5.5), (-5, -5)],
    ids=repr,
)
def test_iat_is_a_number_or_nothing(value: object, issued_at: float | None) -> None:
    assert read(claims={"iat": value}).issued_at == issued_at


@pytest.mark.parametrize(
    ("jwk", "fault"),
    [
        (ABSENT, "the header has no jwk"),
        (None, "the header has no jwk"),
        ("text", "the header has no jwk"),
        ([public_jwk(SIGNER)], "the header has no jwk"),
        ({}, "its kty is none of RSA, EC, OKP"),
        ({"kty": "oct", "k": "AAAA"}, "its kty is none of RSA, EC, OKP"),
        ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "its EC members do not make a key"),
    ],
    ids=["absent", "null", "text", "list", "empty", "symmetric", "no point"],
)
def test_a_proof_without_key_says_why(jwk: object, fault: str) -> None:
    proof = read({"jwk": jwk})
    assert (proof.key, proof.key_fault, proof.signature) == (None, fault, Signature.NO_KEY)
    assert proof.thumbprint == ""


@pytest.mark.parametrize("signer", [SIGNER, private_jwk("PS256", bits=2048)], ids=["EC", "RSA"])
def test_a_private_key_in_the_header_is_noted_and_still_read(signer: Jwk) -> None:
    proof = read({"jwk": signer}, alg=signer["alg"], signer=signer)
    assert (proof.key_is_private, proof.signature) == (True, Signature.VERIFIED)
    assert proof.thumbprint == read(alg=signer["alg"], signer=signer).thumbprint != ""


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_every_private_member_is_noted(name: str) -> None:
    assert read({"jwk": {**public_jwk(SIGNER), name: "AQ"}}).key_is_private
    assert read({"jwk": {**public_jwk(SIGNER), name: "AQ"}}).private_members == (name,)
    nothing: tuple[object, ...] = (None, "", [], {})
    for empty in nothing:
        assert not read({"jwk": {**public_jwk(SIGNER), name: empty}}).key_is_private


def test_a_symmetric_key_is_private_and_no_key() -> None:
    proof = read({"jwk": {"kty": "oct", "k": "AAAA"}})
    assert (proof.key_is_private, proof.key) == (True, None)


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_what_is_not_signed_with_a_private_key_is_not_verified(alg: str) -> None:
    proof = read(alg=alg)
    assert (proof.algorithm, proof.signature) == ("", Signature.NO_KEY)


def test_a_key_that_did_not_sign_fails() -> None:
    assert read({"jwk": public_jwk(private_jwk("ES256", 1))}).signature is Signature.FAILED


def test_a_key_of_another_type_than_the_algorithm_fails() -> None:
    assert read({"jwk": public_jwk(private_jwk("PS256", bits=2048))}).signature is Signature.FAILED


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", f"{b64(b'[]')}.{b64(b'{}')}.", f"{b64(b'{}')}.{b64(b'1')}."])
def test_what_is_no_jwt_is_refused(text: str) -> None:
    with pytest.raises(JoseError):
        read_dpop_proof(text)


@pytest.mark.parametrize(
    ("header", "proofs"),
    [
        ("", []),
        ("a.b.c", ["a.b.c"]),
        ("  a.b.c ", ["a.b.c"]),
        ("a,b", ["a", "b"]),
        ("a, b", ["a", "b"]),
        ("a , b,c", ["a", "b", "c"]),
        ("a,a", ["a", "a"]),
        ("a,", ["a"]),
        (",a", ["a"]),
        (",", []),
        (" , ,", []),
        ("a b", ["a b"]),
    ],
    ids=repr,
)
def test_proofs_in_a_header(header: str, proofs: list[str]) -> None:
    assert split_proofs(header) == proofs


# Targets

SAME_TARGETS = [
    ("https://sts.test/connect/token", "https://sts.test/connect/token"),
    ("HTTPS://STS.Test/connect/token", "https://sts.test/connect/token"),
    ("https://sts.test:443/connect/token", "https://sts.test/connect/token"),
    ("http://sts.test:80/connect/token", "http://sts.test/connect/token"),
    ("http://sts.test:0080/connect/token", "http://sts.test/connect/token"),
    ("http://sts.test:/connect/token", "http://sts.test/connect/token"),
    ("https://sts.test:80/x", "https://sts.test:80/x"),
    ("http://sts.test:443/x", "http://sts.test:443/x"),
    ("http://localhost:8080/x", "http://localhost:8080/x"),
    ("https://sts.test/x?a=b", "https://sts.test/x"),
    ("https://sts.test/x?", "https://sts.test/x"),
    ("https://sts.test/x#y", "https://sts.test/x"),
    ("https://sts.test/x?a=b#y", "https://sts.test/x"),
    ("https://sts.test?a=b", "https://sts.test"),
    ("https://sts.test", "https://sts.test"),
    ("https://sts.test/", "https://sts.test/"),
    ("https://sts.test/X", "https://sts.test/X"),
    ("https://sts.test/x/", "https://sts.test/x/"),
    ("https://sts.test//x", "https://sts.test//x"),
    ("https://sts.test/a/../x", "https://sts.test/a/../x"),
    ("https://sts.test/%78", "https://sts.test/%78"),
    ("https://sts.test/x;a=b", "https://sts.test/x;a=b"),
    ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ("http://[::1]:80/x", "http://[::1]/x"),
    ("https://[2001:DB8::A]/x", "https://[2001:db8::a]/x"),
    ("http://127.0.0.1/x", "http://127.0.0.1/x"),
]


@pytest.mark.parametrize(("url", "expected"), SAME_TARGETS, ids=[url for url, _ in SAME_TARGETS])
def test_targets_as_they_are_compared(url: str, expected: str) -> None:
    assert normal_target(url) == expected
    assert normal_target(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sts.test/connect/token",
        "/connect/token",
        "//sts.test/x",
        "https:/connect/token",
        "https:sts.test",
        "https://",
        "https:///x",
        "https://:443/x",
        "ftp://sts.test/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user@sts.test/x",
        "https://user:secret@sts.test/x",
        "https://@sts.test/x",
        "https://sts.test:x/x",
        "https://sts.test:-1/x",
        "https://sts.test:65536/x",
        "https://sts.test:\u0668\u0660/x",
        "https://sts.test:" + "9" * 5000 + "/x",
        "https://[::1/x",
        "https://::1]/x",
        "https://[::::]/x",
        "https://[sts.test]/x",
        "https://a\u2100b/x",
    ],
    ids=lambda url: repr(url)[:30],
)
def test_what_is_no_target_is_equal_to_none(url: str) -> None:
    assert normal_target(url) == ""


# Nonces


def mint(secret: bytes = b"s" * 32, environment: str = "default", step: int = 60) -> NonceMint:
    return NonceMint(secret, environment, step)


@pytest.mark.parametrize("made_at", [600, 601, 659])
@pytest.mark.parametrize(
    ("now", "good"), [(600, True), (659, True), (660, True), (719, True), (720, False), (780, False), (10**9, False)]
)
def test_a_nonce_is_good_in_its_step_and_in_the_next(made_at: int, now: int, good: bool) -> None:
    assert mint().is_good(mint().mint(made_at), now) is good


def test_a_nonce_from_the_future_is_not_good() -> None:
    assert not mint().is_good(mint().mint(720), 719)


def test_the_step_is_a_setting() -> None:
    nonce = mint(step=5).mint(10)
    assert [mint(step=5).is_good(nonce, now) for now in (10, 14, 15, 19, 20)] == [True, True, True, True, False]


def test_a_nonce_changes_with_the_step_and_only_then() -> None:
    one = mint()
    assert one.mint(600) == one.mint(659)
    assert len({one.mint(540), one.mint(600), one.mint(660)}) == 3
    assert one.mint(600) == mint().mint(600)


def test_two_mints_with_one_secret_are_one() -> None:
    one, other = mint(), mint()
    assert one.mint(600) == other.mint(600)
    assert other.is_good(one.mint(600), 660)
    assert one.is_good(other.mint(600), 660)


@pytest.mark.parametrize(
    "other",
    [mint(b"t" * 32), mint(environment="other"), mint(environment=""), mint(b"s" * 31)],
    ids=["secret", "environment", "no environment", "shorter secret"],
)
def test_a_nonce_of_another_mint_is_not_good(other: NonceMint) -> None:
    assert not mint().is_good(other.mint(600), 600)


GOOD = mint().mint(600)


@pytest.mark.parametrize(
    "nonce",
    [None, "", " ", "CfDJ8", "x", GOOD[:-1], GOOD + "A", " " + GOOD, GOOD.lower(), GOOD[5:], "\0", "æøå", "\U0001f511"],
    ids=repr,
)
def test_garbage_is_not_good(nonce: str | None) -> None:
    assert mint().is_good(GOOD, 600)
    assert mint().is_good(nonce, 600) is False


def test_a_nonce_can_stand_in_a_header() -> None:
    # RFC 9449 section 8.1: a nonce is made of NQCHAR; here even of base64url alone.
    assert GOOD.replace("-", "").replace("_", "").isalnum() and GOOD.isascii()
    assert len(GOOD) >= 43
