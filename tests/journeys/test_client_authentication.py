"""How a client proves who it is at the token endpoint, row by row."""

import base64
import datetime
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mock_sts.helseid.profile import client as registration
from mock_sts.helseid.registry.client import Client
from tests.support.emulator import START, Emulator, Worlds
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Machine, b64
from tests.support.relying_party import REDIRECT_URI, Login, web_client

ISSUER = "http://localhost:8080"
TOKEN_ENDPOINT = "http://localhost:8080/connect/token"
OLDER_TYPS = pytest.mark.parametrize("typ", ["JWT", ABSENT], ids=["JWT", "no typ"])

RSA_2048 = private_jwk("PS256", 0, 2048)
UNREGISTERED = private_jwk("ES256", 7)


def refused(answer: Answer, rule: str, error: str = "invalid_client") -> None:
    """None of these refusals has a description."""
    assert (answer.status, answer.json, answer.rule) == (400, {"error": error}, rule)


def granted(answer: Answer) -> None:
    assert answer.status == 200, answer.content
    assert answer.claims["client_id"] == "machine"


def broken(sts: Emulator) -> dict[str, str]:
    """The requirements that the newest exchange broke, with their levels."""
    return {finding["rule"]: finding["level"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]}


def signed_by_hand(machine: Machine, header: dict[str, Any], sign: Any) -> str:
    """The machine's assertion with another header, signed by ``sign``."""
    payload = machine.assertion().split(".")[1]
    signing_input = f"{b64(json.dumps(header).encode())}.{payload}"
    return f"{signing_input}.{b64(sign(signing_input.encode()))}"


def send(machine: Machine, assertion: str) -> Answer:
    if machine.nonce is None:
        machine.learn_nonce()
    return machine.post(machine.form(assertion), proof=machine.proof())


@pytest.fixture
def strict(worlds: Worlds) -> Emulator:
    return worlds.make(enforcement="strict")


# What the form carries


@pytest.mark.covers("client-authentication.private-key-jwt")
def test_a_client_authenticates_with_three_parameters_in_the_form(machine: Machine) -> None:
    machine.learn_nonce()
    body = urlencode(
        {
            "grant_type": "client_credentials",
            "scope": "test:api/read",
            "client_id": "machine",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": machine.assertion(),
        }
    )
    granted(machine.post(body.encode(), proof=machine.proof()))


@pytest.mark.covers("contract.25")
@pytest.mark.covers("client-authentication.client-id.absent")
def test_without_client_id_the_client_is_the_assertions_sub(sts: Emulator, machine: Machine) -> None:
    sts.client("another", private_jwk("ES256", 3))
    granted(machine.token(form={"client_id": ABSENT}))


@pytest.mark.covers("client-authentication.client-id.absent")
def test_an_empty_client_id_is_an_absent_one(machine: Machine) -> None:
    granted(machine.token(form={"client_id": ""}))


@pytest.mark.covers("contract.25")
@pytest.mark.covers("client-authentication.client-id.different")
@pytest.mark.parametrize("client_id", ["somebody-else", "another", "Machine", "machine ", "machine\n"])
def test_another_client_id_in_the_form_is_refused(sts: Emulator, machine: Machine, client_id: str) -> None:
    sts.client("another", private_jwk("ES256", 3))
    refused(machine.token(form={"client_id": client_id}), "client-assertion.client-id")


@pytest.mark.covers("contract.28")
@pytest.mark.covers("client-authentication.missing.with-client-id")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion": ABSENT, "client_assertion_type": ABSENT},
        {"client_assertion": ABSENT},
        {"client_assertion": ""},
    ],
    ids=["neither parameter", "the type alone", "an empty assertion"],
)
def test_a_client_id_without_assertion_is_invalid_client(machine: Machine, changes: dict[str, Any]) -> None:
    refused(machine.token(form=changes), "client-assertion.type")


@pytest.mark.covers("contract.28")
@pytest.mark.covers("client-authentication.missing.without-client-id")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": ABSENT, "client_assertion": ABSENT, "client_assertion_type": ABSENT},
        {"client_id": ABSENT, "client_assertion": ABSENT},
        {"client_id": "", "client_assertion": ""},
    ],
    ids=["nothing", "the type alone", "empty values"],
)
def test_neither_client_id_nor_assertion_is_invalid_request(machine: Machine, changes: dict[str, Any]) -> None:
    refused(machine.token(form=changes), "client-assertion.credentials", "invalid_request")


WRONG_TYPES = ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer", ABSENT]


@pytest.mark.covers("client-authentication.assertion.unreadable")
@pytest.mark.parametrize("assertion_type", WRONG_TYPES, ids=["SAML", "jwt-bearer", "absent"])
def test_a_wrong_assertion_type_counts_as_no_assertion(machine: Machine, assertion_type: object) -> None:
    changes = {"client_assertion_type": assertion_type}
    refused(machine.token(form=changes), "client-assertion.type")
    without_client_id = {**changes, "client_id": ABSENT}
    refused(machine.token(form=without_client_id), "client-assertion.credentials", "invalid_request")


UNREADABLE = {
    "a word": "assertion",
    "two parts": "e30.e30",
    "not base64url": "{}.{}.{}",
    "header is no JSON": f"{b64(b'x')}.{b64(b'{}')}.AAAA",
    "payload is a list": f"{b64(b'{}')}.{b64(b'[]')}.AAAA",
    "five parts": "e30.e30.e30.e30.e30",
}


@pytest.mark.covers("client-authentication.assertion.unreadable")
@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_assertion_counts_as_no_assertion(machine: Machine, kind: str) -> None:
    changes = {"client_assertion": UNREADABLE[kind]}
    refused(machine.token(form=changes), "client-assertion.readable")
    without_client_id = {**changes, "client_id": ABSENT}
    refused(machine.token(form=without_client_id), "client-assertion.credentials", "invalid_request")


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.covers("contract.26")
@pytest.mark.covers("client-authentication.basic.empty-password")
@pytest.mark.parametrize("credentials", ["machine:", "machine"])
def test_a_basic_header_with_an_empty_password_is_no_second_credential(
    sts: Emulator, machine: Machine, credentials: str
) -> None:
    granted(machine.token(headers=basic(credentials)))
    assert broken(sts) == {}


@pytest.mark.covers("contract.26")
@pytest.mark.covers("client-authentication.basic.empty-password")
def test_beside_an_empty_password_the_assertion_decides(machine: Machine) -> None:
    answer = machine.token(headers=basic("machine:"), assertion={"jwk": UNREGISTERED})
    refused(answer, "client-assertion.signature")


NO_ASSERTION = {"client_assertion": ABSENT, "client_assertion_type": ABSENT}


@pytest.mark.covers("client-authentication.secret")
def test_a_client_secret_is_refused_wherever_it_stands(sts: Emulator, machine: Machine) -> None:
    listed = sts.get("/.well-known/openid-configuration").json["token_endpoint_auth_methods_supported"]
    assert {"client_secret_basic", "client_secret_post"} <= set(listed)
    in_body = machine.token(form={**NO_ASSERTION, "client_secret": "secret"})
    refused(in_body, "client-assertion.sole")
    in_header = machine.token(form=NO_ASSERTION, headers=basic("machine:secret"))
    refused(in_header, "client-assertion.sole")
    in_header_alone = machine.token(form={**NO_ASSERTION, "client_id": ABSENT}, headers=basic("machine:secret"))
    refused(in_header_alone, "client-assertion.sole")


@pytest.mark.covers("client-authentication.secret")
@pytest.mark.parametrize("mode", ["observe", "helseid", "strict"])
def test_a_client_secret_alone_is_refused_in_every_enforcement(worlds: Worlds, mode: str) -> None:
    machine = worlds.make(enforcement=mode).client()
    answer = machine.token(form={**NO_ASSERTION, "client_secret": "secret"})
    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-authentication.unknown-client")
@pytest.mark.parametrize("client_id", ["stranger", "MACHINE", "machine "])
def test_a_client_that_is_not_registered_is_refused(sts: Emulator, machine: Machine, client_id: str) -> None:
    refused(sts.machine(client_id, machine.jwk).token(), "client-assertion.registered")


# Algorithms


def key_for(algorithm: str) -> Jwk:
    return private_jwk(algorithm) if algorithm.startswith("ES") else {**RSA_2048, "alg": algorithm, "kid": "rsa"}


@pytest.mark.covers("contract.14")
@pytest.mark.covers("client-assertion.alg.accepted")
@pytest.mark.parametrize("mode", ["helseid", "strict"])
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_nine_algorithms_are_accepted(worlds: Worlds, algorithm: str, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    granted(sts.client(jwk=key_for(algorithm)).token())
    advice = {} if algorithm.startswith("ES") else {"client.key-size-advice": "should"}
    assert broken(sts) == advice


@pytest.mark.covers("contract.14")
@pytest.mark.covers("client-assertion.alg.jwk-alg-ignored")
@pytest.mark.parametrize("algorithm", ["PS512", "RS256", "RS512", "PS256"])
def test_the_alg_of_the_registered_key_limits_nothing(sts: Emulator, algorithm: str) -> None:
    granted(sts.client(jwk={**RSA_2048, "alg": "RS512"}).token(assertion={"alg": algorithm}))


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-assertion.alg.none")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, ABSENT, ["none"]], ids=str)
def test_an_assertion_without_signature_is_refused(machine: Machine, alg: object) -> None:
    refused(machine.token(assertion={"alg": "none", "header": {"alg": alg}}), "client-assertion.algorithm")


@pytest.mark.covers("client-assertion.alg.none")
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_an_ed25519_signature_is_refused_even_with_a_registered_key(worlds: Worlds, alg: str) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    okp = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), "kid": "ed", "alg": alg}
    header = {"alg": alg, "kid": "ed", "typ": "client-authentication+jwt"}
    for enforcement in ("helseid", "strict"):
        machine = worlds.make(enforcement=enforcement).client(keys=[private_jwk("ES256", 1), okp])
        refused(send(machine, signed_by_hand(machine, header, key.sign)), "client-assertion.algorithm-allowed")
        granted(machine.token())
    # It is good cryptography all the same: a wrong signature is refused as such, and FAPI 2.0 takes a right one.
    for enforcement in ("observe", "fapi2"):
        machine = worlds.make(enforcement=enforcement).client(keys=[private_jwk("ES256", 1), okp])
        granted(send(machine, signed_by_hand(machine, header, key.sign)))
        forged = signed_by_hand(machine, header, ed25519.Ed25519PrivateKey.generate().sign)
        refused(send(machine, forged), "client-assertion.signature")


HMACS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-assertion.alg.symmetric")
@pytest.mark.parametrize("secret", ["JSON", "PEM", "DER", "empty"])
@pytest.mark.parametrize("alg", HMACS)
def test_a_shared_secret_is_refused_also_when_it_is_the_public_key(machine: Machine, alg: str, secret: str) -> None:
    point = ec.derive_private_key(
        int.from_bytes(base64.urlsafe_b64decode(machine.jwk["d"] + "=")), ec.SECP256R1()
    ).public_key()
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    secrets = {
        "JSON": json.dumps(public_jwk(machine.jwk)).encode(),
        "PEM": point.public_bytes(serialization.Encoding.PEM, info),
        "DER": point.public_bytes(serialization.Encoding.DER, info),
        "empty": b"",
    }
    header = {"alg": alg, "kid": machine.jwk["kid"], "typ": "client-authentication+jwt"}
    assertion = signed_by_hand(machine, header, lambda data: hmac.digest(secrets[secret], data, HMACS[alg]))
    refused(send(machine, assertion), "client-assertion.algorithm")


# typ


@pytest.mark.covers("contract.15")
@pytest.mark.covers("client-assertion.typ.client-authentication-jwt")
@pytest.mark.parametrize(
    "typ",
    [
        "client-authentication+jwt",
        "client-authentication+JWT",
        "CLIENT-AUTHENTICATION+JWT",
        "Client-Authentication+jwt",
    ],
)
def test_the_new_typ_is_accepted_in_any_case(strict: Emulator, sts: Emulator, typ: str) -> None:
    for emulator in (sts, strict):
        granted(emulator.client().token(assertion={"header": {"typ": typ}}))
        assert broken(emulator) == {}


@pytest.mark.covers("contract.15")
@pytest.mark.covers("client-assertion.typ.jwt")
@pytest.mark.parametrize("typ", ["JWT", "jwt"])
def test_the_older_typ_is_accepted(sts: Emulator, machine: Machine, typ: str) -> None:
    granted(machine.token(assertion={"header": {"typ": typ}}))
    assert broken(sts) == {"client-assertion.typ": "must"}


@pytest.mark.covers("contract.15")
@pytest.mark.covers("client-assertion.typ.absent")
def test_no_typ_is_accepted(sts: Emulator, machine: Machine) -> None:
    granted(machine.token(assertion={"header": {"typ": ABSENT}}))
    assert broken(sts) == {"client-assertion.typ": "must"}


@pytest.mark.covers("client-assertion.typ.strict")
@pytest.mark.parametrize("typ", ["JWT", ABSENT, "", None, "at+jwt", "dpop+jwt", "client-authentication"], ids=str)
def test_strict_refuses_every_other_typ(strict: Emulator, typ: object) -> None:
    refused(strict.client().token(assertion={"header": {"typ": typ}}), "client-assertion.typ")


# Keys


@pytest.mark.covers("contract.16")
@pytest.mark.covers("client-assertion.kid.matching")
@pytest.mark.parametrize("number", [1, 3])
def test_a_kid_that_names_the_key_is_accepted(sts: Emulator, number: int) -> None:
    keys = [private_jwk("ES256", 1), private_jwk("ES256", 3)]
    granted(sts.client(jwk=private_jwk("ES256", number), keys=keys).token())
    assert broken(sts) == {}


@pytest.mark.covers("contract.16")
@pytest.mark.covers("client-assertion.kid.absent")
@pytest.mark.parametrize("number", [1, 3])
def test_without_kid_any_registered_key_may_verify(sts: Emulator, number: int) -> None:
    keys = [private_jwk("ES256", 1), private_jwk("ES256", 3)]
    machine = sts.client(jwk=private_jwk("ES256", number), keys=keys)
    granted(machine.token(assertion={"header": {"kid": ABSENT}}))
    refused(
        machine.token(assertion={"header": {"kid": ABSENT}, "jwk": UNREGISTERED}),
        "client-assertion.signature",
    )


@pytest.mark.covers("contract.16")
@pytest.mark.covers("client-assertion.kid.unknown")
@pytest.mark.parametrize("kid", ["3f0c7a52-unknown", "", 5])
def test_an_unknown_kid_does_no_harm(sts: Emulator, kid: object) -> None:
    machine = sts.client(keys=[private_jwk("ES256", 3), private_jwk("ES256", 1)])
    granted(machine.token(assertion={"header": {"kid": kid}}))
    assert broken(sts) == {"client-assertion.kid": "should"}


@pytest.mark.covers("client-assertion.kid.unknown")
def test_the_kid_of_another_registered_key_does_no_harm(sts: Emulator) -> None:
    other = private_jwk("ES256", 3)
    machine = sts.client(keys=[other, private_jwk("ES256", 1)])
    granted(machine.token(assertion={"header": {"kid": other["kid"]}}))


def certificate_of(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "machine")])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + datetime.timedelta(days=9_999))
    made = builder.sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def brought_along() -> dict[str, Any]:
    number = int.from_bytes(base64.urlsafe_b64decode(UNREGISTERED["d"] + "="))
    certificate = certificate_of(ec.derive_private_key(number, ec.SECP256R1()))
    return {
        "jwk": {"jwk": public_jwk(UNREGISTERED)},
        "x5c": {"x5c": [certificate]},
        "jku": {"jku": "https://client.test/jwks.json"},
        "x5u": {"x5u": "https://client.test/certificate.pem"},
        "all": {"jwk": public_jwk(UNREGISTERED), "x5c": [certificate], "kid": UNREGISTERED["kid"]},
    }


@pytest.mark.covers("client-assertion.certificate-header")
@pytest.mark.parametrize("kind", ["jwk", "x5c", "jku", "x5u", "all"])
def test_a_key_brought_along_in_the_header_is_not_trusted(machine: Machine, kind: str) -> None:
    header = brought_along()[kind]
    refused(machine.token(assertion={"header": header, "jwk": UNREGISTERED}), "client-assertion.signature")
    granted(machine.token(assertion={"header": header}))


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-assertion.signature.unregistered-key")
def test_a_key_that_is_not_registered_is_refused(sts: Emulator, machine: Machine) -> None:
    refused(machine.token(assertion={"jwk": UNREGISTERED}), "client-assertion.signature")
    refused(sts.client("keyless", keys=[]).token(), "client-assertion.signature")


@pytest.mark.covers("client-assertion.signature.unregistered-key")
def test_a_key_of_another_client_is_refused(sts: Emulator, machine: Machine) -> None:
    other = sts.client("another", private_jwk("ES256", 3))
    refused(machine.token(assertion={"jwk": other.jwk}), "client-assertion.signature")
    assert other.token().status == 200


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-assertion.signature.tampered")
@pytest.mark.parametrize(
    "change",
    [{"exp": START + 50}, {"jti": "another"}, {"more": 1}, {"aud": [ISSUER]}],
    ids=lambda change: next(iter(change)),
)
def test_a_payload_changed_after_signing_is_refused(machine: Machine, change: dict[str, Any]) -> None:
    header, payload, signature = machine.assertion().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    tampered = b64(json.dumps({**claims, **change}).encode())
    refused(send(machine, f"{header}.{tampered}.{signature}"), "client-assertion.signature")
    granted(send(machine, f"{header}.{payload}.{signature}"))


@pytest.mark.covers("client-assertion.signature.tampered")
@pytest.mark.parametrize("signature", ["", "AAAA", b64(b"\0" * 64)], ids=["none", "short", "noughts"])
def test_an_assertion_with_another_signature_is_refused(machine: Machine, signature: str) -> None:
    signing_input = machine.assertion().rpartition(".")[0]
    refused(send(machine, f"{signing_input}.{signature}"), "client-assertion.signature")


@pytest.mark.covers("client-assertion.key.rsa-below-2048")
@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_rsa_key_is_refused(sts: Emulator, bits: int) -> None:
    refused(sts.client(jwk=private_jwk("PS256", 0, bits)).token(), "client.key-size")


@pytest.mark.covers("client-assertion.key.rsa-2048")
@pytest.mark.parametrize(("bits", "advised_against"), [(2048, True), (3071, True), (3072, False)])
def test_rsa_keys_from_2048_bits_are_accepted_and_from_3072_recommended(
    sts: Emulator, bits: int, advised_against: bool
) -> None:
    jwk = {**private_jwk("PS256", 0, bits), "kid": "rsa"}
    granted(sts.client(jwk=jwk).token())
    client = Client.from_document({"client_id": "machine", "jwks": {"keys": [public_jwk(jwk)]}}, "test")
    findings = registration.CHAPTER.judge(registration.Registration(client))
    broken_rules = [finding.requirement.id for finding in findings if not finding.verdict.met]
    assert broken_rules == (["client.key-size-advice"] if advised_against else [])


@pytest.mark.covers("client-assertion.key.ec-curves")
@pytest.mark.parametrize(("algorithm", "curve"), [("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521")])
def test_each_curve_is_accepted_with_its_algorithm(strict: Emulator, algorithm: str, curve: str) -> None:
    jwk = private_jwk(algorithm)
    assert jwk["crv"] == curve
    granted(strict.client(jwk=jwk).token(assertion={"alg": algorithm}))
    assert broken(strict) == {}


OTHER_CURVES = pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("ES256", "ES384"),
        ("ES256", "ES512"),
        ("ES384", "ES256"),
        ("ES384", "ES512"),
        ("ES512", "ES256"),
        ("ES512", "ES384"),
    ],
)


@pytest.mark.covers("client-assertion.key.ec-other-curve")
@OTHER_CURVES
def test_another_curve_is_accepted_and_recorded(sts: Emulator, algorithm: str, kind: str) -> None:
    granted(sts.client(jwk=private_jwk(kind)).token(assertion={"alg": algorithm}))
    assert broken(sts)["client-assertion.curve"] == "must"


@pytest.mark.covers("client-assertion.key.ec-other-curve.strict")
@OTHER_CURVES
def test_strict_refuses_another_curve(strict: Emulator, algorithm: str, kind: str) -> None:
    answer = strict.client(jwk=private_jwk(kind)).token(assertion={"alg": algorithm})
    refused(answer, "client-assertion.curve")


# iss and sub


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-assertion.iss-differs-from-sub")
@pytest.mark.parametrize("iss", [ABSENT, None, "", "another", "MACHINE", ["machine"], 1], ids=str)
def test_iss_must_be_sub(sts: Emulator, machine: Machine, iss: object) -> None:
    sts.client("another", private_jwk("ES256", 3))
    refused(machine.token(assertion={"claims": {"iss": iss}}), "client-assertion.issuer")


@pytest.mark.covers("client-assertion.sub.missing")
@pytest.mark.parametrize("sub", [ABSENT, None, "", ["machine"]], ids=str)
def test_without_sub_the_client_id_does_not_help(machine: Machine, sub: object) -> None:
    answer = machine.token(assertion={"claims": {"sub": sub}}, form={"client_id": "machine"})
    refused(answer, "client-assertion.registered")


# aud


@pytest.mark.covers("contract.17", "contract.18", "contract.20")
@pytest.mark.covers("client-assertion.audience.new-typ")
@pytest.mark.parametrize("aud", [ISSUER, [ISSUER], ISSUER + "/", [ISSUER + "/"]], ids=str)
def test_the_issuer_is_the_audience(machine: Machine, aud: object) -> None:
    granted(machine.token(assertion={"claims": {"aud": aud}}))


@pytest.mark.covers("client-assertion.audience.new-typ.several")
@pytest.mark.parametrize(
    "aud",
    [[ISSUER, TOKEN_ENDPOINT], [TOKEN_ENDPOINT, ISSUER], [ISSUER, "https://elsewhere.test"], [ISSUER, ISSUER + "/"]],
    ids=["issuer first", "issuer last", "somebody else", "issuer twice"],
)
def test_several_audiences_are_refused(machine: Machine, aud: list[str]) -> None:
    refused(machine.token(assertion={"claims": {"aud": aud}}), "client-assertion.audience")


@pytest.mark.covers("contract.19")
@pytest.mark.covers("client-assertion.audience.new-typ.token-endpoint")
@pytest.mark.parametrize("aud", [TOKEN_ENDPOINT, [TOKEN_ENDPOINT]], ids=["text", "list"])
def test_the_token_endpoint_is_refused_as_audience(machine: Machine, aud: object) -> None:
    refused(machine.token(assertion={"claims": {"aud": aud}}), "client-assertion.audience")


@pytest.mark.covers("contract.17", "contract.18")
@pytest.mark.covers("client-assertion.audience.older-typ.issuer")
@OLDER_TYPS
@pytest.mark.parametrize("aud", [ISSUER, ISSUER + "/"])
def test_with_an_older_typ_the_issuer_is_an_audience(machine: Machine, aud: str, typ: object) -> None:
    granted(machine.token(assertion={"header": {"typ": typ}, "claims": {"aud": aud}}))


@pytest.mark.covers("contract.19")
@pytest.mark.covers("client-assertion.audience.older-typ.token-endpoint")
@OLDER_TYPS
def test_with_an_older_typ_the_token_endpoint_is_an_audience(machine: Machine, typ: object) -> None:
    granted(machine.token(assertion={"header": {"typ": typ}, "claims": {"aud": TOKEN_ENDPOINT}}))


@pytest.mark.parametrize(
    "written", ["http://localhost:8080/connect/token", ["http://localhost:8080/connect/token"]], ids=str
)
def test_the_journal_shows_an_audience_as_it_was_written(sts: Emulator, machine: Machine, written: object) -> None:
    granted(machine.token(assertion={"header": {"typ": "JWT"}, "claims": {"aud": written}}))
    (found,) = (
        finding["observed"]
        for finding in sts.journal()[0]["findings"]["broken"]
        if finding["rule"] == "client-assertion.audience-issuer"
    )
    assert found == str(written)


@pytest.mark.covers("client-assertion.audience.older-typ.other-endpoints")
@OLDER_TYPS
@pytest.mark.parametrize("path", ["/connect/par", "/connect/ciba"])
def test_with_an_older_typ_par_and_ciba_are_audiences(machine: Machine, path: str, typ: object) -> None:
    granted(machine.token(assertion={"header": {"typ": typ}, "claims": {"aud": ISSUER + path}}))


@pytest.mark.covers("contract.20")
@pytest.mark.covers("client-assertion.audience.older-typ.list")
@OLDER_TYPS
@pytest.mark.parametrize(
    "aud",
    [
        [ISSUER],
        [TOKEN_ENDPOINT],
        [ISSUER, TOKEN_ENDPOINT],
        [TOKEN_ENDPOINT, ISSUER],
        ["https://elsewhere.test", TOKEN_ENDPOINT],
    ],
    ids=["issuer", "endpoint", "both", "both, turned", "one of two"],
)
def test_with_an_older_typ_one_acceptable_audience_is_enough(machine: Machine, aud: list[str], typ: object) -> None:
    granted(machine.token(assertion={"header": {"typ": typ}, "claims": {"aud": aud}}))


NO_AUDIENCES = {
    "absent": ABSENT,
    "null": None,
    "empty": "",
    "empty list": [],
    "number": 1,
    "somebody else": "https://elsewhere.test",
    "somebody else in a list": ["https://elsewhere.test"],
    "the real HelseID": "https://helseid-sts.test.nhn.no",
    "https": "https://localhost:8080",
    "another port": "http://localhost:8081",
    "no port": "http://localhost",
    "another host": "http://127.0.0.1:8080",
    "longer host": "http://localhost:8080.evil.test",
    "upper case": "HTTP://LOCALHOST:8080",
    "another endpoint": "http://localhost:8080/connect/userinfo",
    "endpoint in capitals": "http://localhost:8080/CONNECT/TOKEN",
    "with a query": "http://localhost:8080/connect/token?x=1",
    "two slashes": "http://localhost:8080//",
    "the client itself": "machine",
}


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-assertion.audience.wrong-or-missing")
@pytest.mark.parametrize("typ", ["client-authentication+jwt", "JWT", ABSENT], ids=["new", "JWT", "no typ"])
@pytest.mark.parametrize("kind", NO_AUDIENCES)
def test_any_other_audience_is_refused(machine: Machine, kind: str, typ: object) -> None:
    answer = machine.token(assertion={"header": {"typ": typ}, "claims": {"aud": NO_AUDIENCES[kind]}})
    refused(answer, "client-assertion.audience")


@pytest.mark.covers("client-assertion.audience.strict")
@pytest.mark.parametrize(
    ("typ", "aud", "rule"),
    [
        ("client-authentication+jwt", TOKEN_ENDPOINT, "client-assertion.audience"),
        ("JWT", TOKEN_ENDPOINT, "client-assertion.audience-issuer"),
        (ABSENT, TOKEN_ENDPOINT, "client-assertion.audience-issuer"),
        ("JWT", [TOKEN_ENDPOINT], "client-assertion.audience-issuer"),
        ("JWT", [ISSUER, TOKEN_ENDPOINT], "client-assertion.audience-issuer"),
        ("JWT", ISSUER + "/connect/par", "client-assertion.audience-issuer"),
        ("client-authentication+jwt", ISSUER + "/", "client-assertion.audience-issuer"),
    ],
    ids=["new typ", "JWT", "no typ", "list", "both", "PAR", "slash"],
)
def test_strict_takes_the_issuer_alone(strict: Emulator, typ: object, aud: object, rule: str) -> None:
    machine = strict.client()
    refused(machine.token(assertion={"header": {"typ": typ}, "claims": {"aud": aud}}), rule)
    granted(machine.token(assertion={"claims": {"aud": ISSUER}}))


# Times


def exp(seconds: float) -> dict[str, Any]:
    return {"claims": {"exp": START + seconds}}


@pytest.mark.covers("client-assertion.exp.missing")
@pytest.mark.parametrize("value", [ABSENT, None, "", "soon", True, [START + 10]], ids=str)
def test_without_exp_an_assertion_is_refused(machine: Machine, value: object) -> None:
    refused(machine.token(assertion={"claims": {"exp": value}}), "client-assertion.expires")


@pytest.mark.covers("contract.27")
@pytest.mark.covers("client-assertion.exp.passed")
@pytest.mark.parametrize("seconds", [-300, -301, -3600, -START])
def test_an_assertion_that_expired_300_seconds_ago_or_more_is_refused(machine: Machine, seconds: int) -> None:
    refused(machine.token(assertion=exp(seconds)), "client-assertion.not-expired")


@pytest.mark.covers("contract.23")
@pytest.mark.covers("client-assertion.exp.passed")
@pytest.mark.parametrize("seconds", [0, -1, -299])
def test_an_assertion_that_expired_less_long_ago_is_clock_skew(machine: Machine, seconds: int) -> None:
    granted(machine.token(assertion=exp(seconds)))


@pytest.mark.covers("client-assertion.exp.passed")
def test_an_assertion_grows_old_while_it_waits(sts: Emulator, machine: Machine) -> None:
    early, late = machine.assertion(), machine.assertion()
    sts.clock.advance(309)
    granted(send(machine, early))
    sts.clock.advance(2)
    refused(send(machine, late), "client-assertion.not-expired")


@pytest.mark.covers("client-assertion.exp.passed.strict")
def test_strict_allows_a_skew_of_ten_seconds(strict: Emulator) -> None:
    machine = strict.client()
    granted(machine.token(assertion=exp(-9)))
    refused(machine.token(assertion=exp(-11)), "client-assertion.clock")
    refused(machine.token(assertion=exp(-299)), "client-assertion.clock")


LIFETIME_RULES = {
    "client-assertion.lifetime",
    "client-assertion.lifetime-limit",
    "client-assertion.lifetime-target",
}


@pytest.mark.covers("contract.23")
@pytest.mark.covers("client-assertion.lifetime.up-to-60")
@pytest.mark.parametrize("seconds", [5, 10, 11, 12, 30, 59, 60, 61])
def test_lifetimes_up_to_60_seconds_break_no_must(sts: Emulator, machine: Machine, seconds: int) -> None:
    granted(machine.token(assertion=exp(seconds)))
    found = broken(sts)
    assert "must" not in found.values()
    assert LIFETIME_RULES & set(found) == (set() if seconds <= 11 else {"client-assertion.lifetime-target"})


@pytest.mark.covers("contract.23")
@pytest.mark.covers("client-assertion.lifetime.over-60-recorded")
@pytest.mark.parametrize("seconds", [62, 120, 300, 301])
def test_lifetimes_up_to_300_seconds_are_accepted_and_recorded(sts: Emulator, machine: Machine, seconds: int) -> None:
    granted(machine.token(assertion=exp(seconds)))
    found = broken(sts)
    assert found["client-assertion.lifetime"] == "must"
    assert "client-assertion.lifetime-limit" not in found


@pytest.mark.covers("client-assertion.lifetime.over-300-refused")
@pytest.mark.parametrize("seconds", [302, 3600, 1e12, 2**63 - 1 - START])
def test_lifetimes_over_300_seconds_are_refused(machine: Machine, seconds: float) -> None:
    refused(machine.token(assertion=exp(seconds)), "client-assertion.lifetime-limit")


@pytest.mark.covers("client-assertion.lifetime.strict")
@pytest.mark.parametrize("seconds", [62, 120, 301])
def test_strict_refuses_lifetimes_over_60_seconds(strict: Emulator, seconds: int) -> None:
    refused(strict.client().token(assertion=exp(seconds)), "client-assertion.lifetime")


@pytest.mark.covers("client-assertion.lifetime.strict-over-10-recorded")
@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        (10, {}),
        (11, {}),
        (12, {"client-assertion.lifetime-target": "should"}),
        (60, {"client-assertion.lifetime-target": "should"}),
    ],
)
def test_strict_records_lifetimes_over_10_seconds(strict: Emulator, seconds: int, found: dict[str, str]) -> None:
    granted(strict.client().token(assertion=exp(seconds)))
    assert broken(strict) == found


@pytest.mark.parametrize("value", [2**63 - 1, 1e18, -(2**63) + 1, 0.5])
def test_observe_takes_every_exp_that_is_a_number(worlds: Worlds, value: float) -> None:
    sts = worlds.make(enforcement="observe")
    machine = sts.client()
    assertion = machine.assertion(claims={"exp": value})
    granted(send(machine, assertion))
    granted(send(machine, assertion))
    assert broken(sts)["client-assertion.single-use"] == "must"


@pytest.mark.covers("contract.22")
@pytest.mark.covers("client-assertion.nbf.absent")
def test_nbf_may_be_absent_although_that_is_recorded(sts: Emulator, machine: Machine) -> None:
    granted(machine.token(assertion={"claims": {"nbf": ABSENT}}))
    assert broken(sts) == {"client-assertion.times-present": "must"}


@pytest.mark.covers("client-assertion.nbf.future")
@pytest.mark.parametrize("seconds", [301, 86_400])
def test_nbf_beyond_the_skew_is_refused(machine: Machine, seconds: int) -> None:
    refused(machine.token(assertion={"claims": {"nbf": START + seconds}}), "client-assertion.not-before")


@pytest.mark.covers("contract.23")
@pytest.mark.covers("client-assertion.nbf.future")
@pytest.mark.parametrize("seconds", [1, 299, 300])
def test_nbf_within_the_skew_is_accepted(machine: Machine, seconds: int) -> None:
    granted(machine.token(assertion={"claims": {"nbf": START + seconds}}))


@pytest.mark.covers("client-assertion.nbf.future")
def test_the_skew_of_nbf_is_ten_seconds_in_strict(strict: Emulator) -> None:
    machine = strict.client()
    granted(machine.token(assertion={"claims": {"nbf": START + 9}}))
    refused(machine.token(assertion={"claims": {"nbf": START + 11}}), "client-assertion.clock")


@pytest.mark.covers("contract.21")
@pytest.mark.covers("client-assertion.iat.string")
def test_iat_may_be_a_text_of_digits(sts: Emulator, machine: Machine) -> None:
    granted(machine.token(assertion={"claims": {"iat": "1800000000"}}))
    assert broken(sts) == {"client-assertion.times-numbers": "must"}


@pytest.mark.covers("client-assertion.iat.not-judged")
@pytest.mark.parametrize("iat", [ABSENT, 0, START - 86_400 * 365, START - 301], ids=str)
def test_iat_is_not_judged(machine: Machine, iat: object) -> None:
    granted(machine.token(assertion={"claims": {"iat": iat}}))


# jti


@pytest.mark.covers("client-assertion.jti.missing")
@pytest.mark.parametrize("jti", [ABSENT, None, "", 7, ["x"]], ids=str)
def test_without_jti_an_assertion_is_refused(machine: Machine, jti: object) -> None:
    refused(machine.token(assertion={"claims": {"jti": jti}}), "client-assertion.jti")


ONCE = "client-assertion.single-use"


def noticed(sts: Emulator, answer: Answer, mode: str) -> None:
    """A second use: refused where HelseID's announcement counts already, else answered and recorded, once."""
    if mode in ("strict", "fapi2"):
        refused(answer, ONCE)
    else:
        granted(answer)
    findings = sts.journal(limit="1")[0]["findings"]
    assert [finding["rule"] for finding in findings["broken"]].count(ONCE) == 1
    assert ONCE not in findings["met"]


EACH_MODE = pytest.mark.parametrize("mode", ["observe", "helseid", "strict", "fapi2"])


@pytest.mark.covers("client-assertion.jti.replayed")
@EACH_MODE
def test_an_assertion_that_comes_again_is_recorded_or_refused(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    machine = sts.client()
    assertion = machine.assertion()
    granted(send(machine, assertion))
    assert ONCE in sts.journal(limit="1")[0]["findings"]["met"]
    noticed(sts, send(machine, assertion), mode)
    noticed(sts, send(machine, assertion), mode)


@pytest.mark.covers("client-assertion.jti.replayed")
@EACH_MODE
def test_an_assertion_that_comes_again_with_another_grant(worlds: Worlds, mode: str) -> None:
    """NHN's sample of a native application redeems its code and refreshes with one assertion."""
    sts = worlds.make(enforcement=mode)
    rp = web_client(sts, "machine")
    machine, login, assertion = rp.machine, Login(), rp.machine.assertion()
    machine.learn_nonce()
    code = {"grant_type": "authorization_code", "code": rp.log_in(login)["code"], "redirect_uri": REDIRECT_URI}
    form = machine.form(assertion, {**code, "code_verifier": login.verifier, "scope": ABSENT})
    tokens = machine.post(form, proof=machine.proof())
    assert tokens.status == 200, tokens.content
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.json["refresh_token"], "scope": ABSENT}
    noticed(sts, machine.post(machine.form(assertion, refresh), proof=machine.proof()), mode)


@pytest.mark.covers("client-assertion.jti.replayed")
def test_without_dpop_a_second_use_is_noticed_too(sts: Emulator) -> None:
    machine = sts.client(dpop_bound_access_tokens=False)
    assertion = machine.assertion()
    granted(machine.post(machine.form(assertion)))
    noticed(sts, machine.post(machine.form(assertion)), "helseid")
    noticed(sts, send(machine, assertion), "helseid")


@pytest.mark.covers("client-assertion.jti.replayed")
@EACH_MODE
def test_a_new_assertion_with_a_used_jti_is_the_same(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    machine = sts.client()
    granted(machine.token(assertion={"claims": {"jti": "once"}}))
    noticed(sts, machine.token(assertion={"claims": {"jti": "once"}, "lifetime": 60}), mode)
    granted(machine.token(assertion={"claims": {"jti": "Once"}}))
    assert ONCE not in broken(sts)


@pytest.mark.covers("client-assertion.jti.replayed")
def test_two_clients_may_choose_the_same_jti(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    machine, other = sts.client(), sts.client("another", private_jwk("ES256", 3))
    granted(machine.token(assertion={"claims": {"jti": "once"}}))
    assert other.token(assertion={"claims": {"jti": "once"}}).status == 200


@pytest.mark.covers("client-assertion.jti.used-by-refused-request")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "test:api/write"}, {"error": "invalid_scope"}),
        ({"grant_type": "password"}, {"error": "unsupported_grant_type"}),
        (
            {"resource": "test:unknown"},
            {"error": "invalid_target", "error_description": "Invalid resource indicator."},
        ),
    ],
    ids=["scope", "grant", "resource"],
)
def test_a_request_refused_after_the_proof_has_used_up_its_assertion(
    strict: Emulator, form: dict[str, str], error: dict[str, str]
) -> None:
    machine = strict.client()
    machine.learn_nonce()
    assertion = machine.assertion()
    answer = machine.post(machine.form(assertion, form), proof=machine.proof())
    assert (answer.status, answer.json) == (400, error)
    refused(send(machine, assertion), "client-assertion.single-use")


@pytest.mark.covers("client-assertion.jti.remembered-past-exp")
def test_a_used_jti_is_remembered_while_skew_would_let_it_pass(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict", clock_skew=300)
    machine = sts.client()
    assertion, unused = machine.assertion(lifetime=10), machine.assertion(lifetime=10)
    granted(send(machine, assertion))
    for _ in range(3):
        # Other requests go on meanwhile; one of them sweeps what has ended.
        sts.clock.advance(103)
        machine.learn_nonce()
        granted(machine.token())
        refused(send(machine, assertion), "client-assertion.single-use")
    # 309 seconds after it was made: an assertion that nobody used still passes.
    granted(send(machine, unused))
    sts.clock.advance(2)
    refused(send(machine, assertion), "client-assertion.not-expired")


# Around the nonce challenge


def challenge(machine: Machine, assertion: str) -> None:
    answer = machine.post(machine.form(assertion), proof=machine.proof(claims={"nonce": ABSENT}))
    assert (answer.status, answer.json["error"]) == (400, "use_dpop_nonce")
    machine.nonce = answer.headers["dpop-nonce"]


@pytest.mark.covers("contract.24", "contract.40")
@pytest.mark.covers("client-assertion.jti.free-after-challenge")
def test_the_same_assertion_is_accepted_after_a_challenge(sts: Emulator, machine: Machine) -> None:
    assertion = machine.assertion()
    challenge(machine, assertion)
    challenge(machine, assertion)
    granted(send(machine, assertion))
    assert broken(sts) == {"client-assertion.fresh-after-challenge": "should"}
    noticed(sts, send(machine, assertion), "helseid")


@pytest.mark.covers("contract.24")
@pytest.mark.covers("client-assertion.jti.free-after-challenge.strict")
def test_strict_refuses_the_same_assertion_after_a_challenge(strict: Emulator) -> None:
    machine = strict.client()
    assertion = machine.assertion()
    challenge(machine, assertion)
    refused(send(machine, assertion), "client-assertion.fresh-after-challenge")
    granted(machine.token())


@pytest.mark.covers("client-assertion.new-after-challenge")
@pytest.mark.parametrize("mode", ["observe", "helseid", "strict"])
def test_a_new_assertion_after_a_challenge_is_accepted(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    machine = sts.client()
    challenge(machine, machine.assertion())
    granted(send(machine, machine.assertion()))
    assert broken(sts) == {}


def test_a_request_refused_for_its_proof_has_used_up_nothing(machine: Machine) -> None:
    machine.learn_nonce()
    assertion = machine.assertion()
    answer = machine.post(machine.form(assertion), proof="nonsense")
    assert (answer.status, answer.json["error"]) == (400, "invalid_dpop_proof")
    granted(send(machine, assertion))


def test_a_request_refused_for_its_client_has_used_up_nothing(sts: Emulator, machine: Machine) -> None:
    assertion = machine.assertion()
    before = sts.row_counts()
    machine.learn_nonce()
    refused(
        machine.post(machine.form(assertion, {"client_id": "other"}), proof=machine.proof()),
        "client-assertion.client-id",
    )
    assert sts.row_counts() == before
    granted(send(machine, assertion))


# Keys that clients share


@pytest.mark.covers("client.key.shared")
@pytest.mark.parametrize(
    ("own", "other", "may_share"),
    [
        (None, None, False),
        ("213000012", None, False),
        (None, "213000012", False),
        ("213000012", "318000107", False),
        ("213000012", "213000012", True),
    ],
)
def test_components_of_one_system_may_share_a_key(
    strict: Emulator, own: str | None, other: str | None, may_share: bool
) -> None:
    machine = strict.client(organization=own)
    strict.client("component", organization=other)
    if may_share:
        granted(machine.token())
    else:
        refused(machine.token(), "client.key-own")
    # One stranger among them is enough.
    strict.client("stranger", organization="214100118")
    refused(machine.token(), "client.key-own")
    observed = [f for f in strict.journal(limit="1")[0]["findings"]["broken"] if f["rule"] == "client.key-own"]
    assert ("component" in observed[0]["observed"]) is not may_share
