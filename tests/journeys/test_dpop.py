"""DPoP at the token endpoint, row by row."""

import hashlib
import http.client
import json
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey, RSAKey

from mock_sts.helseid.registry.client import Client
from mock_sts.store.catalog import MADE, put_entry
from tests.support.emulator import START, Emulator, LiveServer, Worlds
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Machine, b64
from tests.support.relying_party import Login, web_client

TARGET = "http://localhost:8080/connect/token"
RSA_3072 = private_jwk("PS256", 0, 3072)
OTHER_KEY = private_jwk("ES256", 9)


def refused(answer: Answer, rule: str, description: str, error: str = "invalid_dpop_proof") -> None:
    expected = {"error": error, "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, expected, rule)
    assert "dpop-nonce" not in answer.headers


def challenged(answer: Answer, rule: str, description: str) -> str:
    """The nonce of the challenge."""
    expected = {"error": "use_dpop_nonce", "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, expected, rule)
    return answer.headers["dpop-nonce"]


def bound(answer: Answer, jwk: Jwk | None = None) -> None:
    """A token bound to ``jwk``; its thumbprint is joserfc's."""
    assert answer.status == 200, answer.content
    assert answer.json["token_type"] == "DPoP"
    assert answer.claims["cnf"] == {"jkt": thumbprint(jwk or private_jwk("ES256", 2))}


def thumbprint(jwk: Jwk) -> str:
    members: Any = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    return (ECKey.import_key(members) if jwk["kty"] == "EC" else RSAKey.import_key(members)).thumbprint()


def post(machine: Machine, proof: str) -> Answer:
    """A request with ``proof`` as it is, and everything else right."""
    return machine.post(machine.form(machine.assertion()), proof=proof)


def broken(sts: Emulator) -> list[str]:
    return [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]


@pytest.fixture
def optional(sts: Emulator) -> Machine:
    """A client that may do without DPoP."""
    return sts.client(dpop_bound_access_tokens=False)


# What is accepted


@pytest.mark.covers("contract.48")
@pytest.mark.covers("dpop.proof.alg.accepted")
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_nine_algorithms_are_accepted(sts: Emulator, machine: Machine, algorithm: str) -> None:
    jwk = private_jwk(algorithm, 2) if algorithm.startswith("ES") else RSA_3072
    bound(machine.token(proof={"jwk": jwk, "alg": algorithm}), jwk)
    assert broken(sts) == []


@pytest.mark.covers("contract.42")
@pytest.mark.covers("dpop.proof.extra-members")
def test_kid_in_the_header_and_more_in_the_jwk_are_tolerated(sts: Emulator, machine: Machine) -> None:
    jwk = {**public_jwk(machine.proof_jwk), "alg": "ES256", "kid": "mine", "use": "sig"}
    bound(machine.token(proof={"header": {"kid": "mine", "jwk": jwk}}))
    assert broken(sts) == []


@pytest.mark.covers("contract.42")
@pytest.mark.covers("dpop.proof.extra-members")
def test_not_even_a_strange_alg_in_the_jwk_matters(machine: Machine) -> None:
    jwk = {**public_jwk(machine.proof_jwk), "alg": "RS512", "kid": "", "use": "enc"}
    bound(machine.token(proof={"header": {"kid": "other", "jwk": jwk}}))


@pytest.mark.covers("dpop.proof.nbf-and-exp")
@pytest.mark.parametrize(
    "claims",
    [{"nbf": START, "exp": START + 10}, {"nbf": START + 10, "exp": START - 9}, {"nbf": "x", "exp": None}],
    ids=["sensible", "almost", "no times"],
)
def test_nbf_and_exp_in_a_proof_are_tolerated(sts: Emulator, machine: Machine, claims: dict[str, Any]) -> None:
    bound(machine.token(proof={"claims": claims}))
    assert broken(sts) == []


@pytest.mark.covers("dpop.proof.nbf-and-exp")
@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"nbf": START + 11}, "Invalid 'nbf' value."),
        ({"nbf": START + 999}, "Invalid 'nbf' value."),
        ({"exp": START - 10}, "Invalid 'exp' value."),
        ({"exp": START - 999}, "Invalid 'exp' value."),
    ],
    ids=str,
)
def test_impossible_ones_are_recorded_and_refused_in_strict_and_fapi2(
    worlds: Worlds, claims: dict[str, Any], description: str
) -> None:
    sts = worlds.make()
    bound(sts.client().token(proof={"claims": claims}))
    assert broken(sts) == ["dpop.clock"]
    for enforcement in ("strict", "fapi2"):
        answer = worlds.make(enforcement=enforcement).client().token(proof={"claims": claims})
        refused(answer, "dpop.clock", description)


@pytest.mark.covers("dpop.proof.same-key-as-client")
def test_the_clients_own_key_may_sign_the_proof(sts: Emulator, machine: Machine) -> None:
    bound(machine.token(proof={"jwk": machine.jwk}), machine.jwk)
    assert broken(sts) == []


# What is refused


@pytest.mark.covers("dpop.error.malformed")
@pytest.mark.parametrize(
    "proof",
    [
        "nonsense",
        "a.b.c",
        "e30.e30",
        f"{b64(b'{}')}.{b64(b'[]')}.AAAA",
        f"{b64(b'[]')}.{b64(b'{}')}.AAAA",
        f"{b64(b'{}')}.{b64(b'{}')}.AAAA=",
        "e30.e30.e30.e30.e30",
        "...",
    ],
)
def test_what_is_no_jwt_is_malformed(machine: Machine, proof: str) -> None:
    refused(post(machine, proof), "dpop.readable", "Malformed DPoP token.")


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.error.typ")
@pytest.mark.parametrize("typ", [ABSENT, None, "", "JWT", "DPoP+JWT", "dpop", "client-authentication+jwt"], ids=str)
def test_another_typ(machine: Machine, typ: object) -> None:
    refused(machine.token(proof={"header": {"typ": typ}}), "dpop.typ", "Invalid 'typ' value.")


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.error.alg")
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "none"])
def test_a_proof_that_no_private_key_signed(machine: Machine, alg: str) -> None:
    refused(machine.token(proof={"alg": alg}), "dpop.algorithm", "Invalid 'alg' value.")


@pytest.mark.covers("dpop.error.alg")
@pytest.mark.parametrize("alg", ["ES256K", "es256", "None", "", None, ABSENT, ["ES256"], 256], ids=str)
def test_an_alg_outside_the_nine(machine: Machine, alg: object) -> None:
    refused(machine.token(proof={"header": {"alg": alg}}), "dpop.algorithm", "Invalid 'alg' value.")


@pytest.mark.covers("dpop.error.alg")
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_a_good_ed25519_signature_is_outside_the_nine_too(worlds: Worlds, alg: str) -> None:
    key = private_jwk(alg)
    for enforcement in ("helseid", "strict"):
        machine = worlds.make(enforcement=enforcement).client()
        refused(machine.token(proof={"jwk": key}), "dpop.algorithm-allowed", "Invalid 'alg' value.")
    for enforcement in ("observe", "fapi2"):
        machine = worlds.make(enforcement=enforcement).client()
        granted = machine.token(proof={"jwk": key})
        assert granted.status == 200
        members = {"crv": "Ed25519", "kty": "OKP", "x": key["x"]}
        expected = b64(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())
        assert granted.claims["cnf"] == {"jkt": expected}
        # The key of another proof does not verify this one.
        forged = machine.token(proof={"jwk": key, "header": {"jwk": public_jwk(private_jwk(alg, 1))}})
        refused(forged, "dpop.signature", "Invalid signature on DPoP token.")


NO_KEYS: dict[str, object] = {
    "absent": ABSENT,
    "null": None,
    "text": json.dumps(public_jwk(private_jwk("ES256", 2))),
    "list": [public_jwk(private_jwk("ES256", 2))],
    "empty": {},
    "symmetric": {"kty": "oct", "k": "AAAA"},
    "OKP beside ES256": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    "Ed448": {"kty": "OKP", "crv": "Ed448", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    "off the curve": {**public_jwk(private_jwk("ES256", 2)), "y": "AAAA"},
    "unknown curve": {**public_jwk(private_jwk("ES256", 2)), "crv": "P-1"},
    "no x": {**public_jwk(private_jwk("ES256", 2)), "x": None},
    "RSA without n": {"kty": "RSA", "e": "AQAB"},
}


@pytest.mark.covers("dpop.error.jwk")
@pytest.mark.parametrize("kind", NO_KEYS)
def test_no_key_in_the_header(machine: Machine, kind: str) -> None:
    refused(machine.token(proof={"header": {"jwk": NO_KEYS[kind]}}), "dpop.key", "Invalid 'jwk' value.")


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.error.jwk.private")
@pytest.mark.parametrize("jwk", [private_jwk("ES256", 2), RSA_3072], ids=["EC", "RSA"])
def test_a_private_key_in_the_header(sts: Emulator, machine: Machine, jwk: Jwk) -> None:
    answer = machine.token(proof={"jwk": jwk, "header": {"jwk": jwk}})
    refused(answer, "dpop.key-public", "'jwk' value contains a private key.")
    # What was sent by mistake is at least not kept.
    assert jwk["d"] not in json.dumps(sts.journal(limit="1"))


@pytest.mark.covers("dpop.error.jwk.private")
@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "k"])
def test_one_private_member_is_enough(machine: Machine, member: str) -> None:
    jwk = {**public_jwk(machine.proof_jwk), member: "AQAB"}
    refused(machine.token(proof={"header": {"jwk": jwk}}), "dpop.key-public", "'jwk' value contains a private key.")


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.error.signature")
def test_a_key_that_did_not_sign(machine: Machine) -> None:
    answer = machine.token(proof={"header": {"jwk": public_jwk(OTHER_KEY)}})
    refused(answer, "dpop.signature", "Invalid signature on DPoP token.")


@pytest.mark.covers("dpop.error.signature")
def test_a_proof_changed_after_signing(machine: Machine) -> None:
    machine.learn_nonce()
    header, payload, signature = machine.proof().split(".")
    other = machine.proof().split(".")[1]
    refused(post(machine, f"{header}.{other}.{signature}"), "dpop.signature", "Invalid signature on DPoP token.")
    refused(post(machine, f"{header}.{payload}."), "dpop.signature", "Invalid signature on DPoP token.")
    bound(post(machine, f"{header}.{payload}.{signature}"))


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.error.jti")
@pytest.mark.parametrize("jti", [ABSENT, None, "", 7, ["x"]], ids=str)
def test_no_jti(machine: Machine, jti: object) -> None:
    refused(machine.token(proof={"claims": {"jti": jti}}), "dpop.jti", "Invalid 'jti' value.")


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.error.htm")
@pytest.mark.parametrize("htm", [ABSENT, None, "", "GET", "post", "Post", "POST ", ["POST"]], ids=str)
def test_another_method(machine: Machine, htm: object) -> None:
    refused(machine.token(proof={"claims": {"htm": htm}}), "dpop.htm", "Invalid 'htm' value.")


OTHER_TARGETS = {
    "absent": ABSENT,
    "null": None,
    "empty": "",
    "list": [TARGET],
    "issuer": "http://localhost:8080",
    "PAR": "http://localhost:8080/connect/par",
    "slash": "http://localhost:8080/connect/token/",
    "longer": "http://localhost:8080/connect/tokens",
    "shorter": "http://localhost:8080/connect",
    "case of the path": "http://localhost:8080/Connect/Token",
    "escaped path": "http://localhost:8080/connect/%74oken",
    "two slashes": "http://localhost:8080//connect/token",
    "https": "https://localhost:8080/connect/token",
    "port": "http://localhost:8081/connect/token",
    "no port": "http://localhost/connect/token",
    "host": "http://127.0.0.1:8080/connect/token",
    "elsewhere": "https://helseid-sts.test.nhn.no/connect/token",
    "path alone": "/connect/token",
    "user": "http://user@localhost:8080/connect/token",
    "no URL": "token",
    "impossible port": "http://localhost:99999/connect/token",
}


@pytest.mark.covers("contract.43", "contract.44")
@pytest.mark.covers("dpop.error.htu")
@pytest.mark.parametrize("kind", OTHER_TARGETS)
def test_another_target(machine: Machine, kind: str) -> None:
    refused(machine.token(proof={"claims": {"htu": OTHER_TARGETS[kind]}}), "dpop.htu", "Invalid 'htu' value.")


@pytest.mark.covers("dpop.error.iat.missing")
@pytest.mark.parametrize("iat", [ABSENT, None], ids=["absent", "null"])
def test_no_iat(machine: Machine, iat: object) -> None:
    refused(machine.token(proof={"claims": {"iat": iat}}), "dpop.issued-at", "Missing 'iat' value.")


REPLAY = "Detected replay of DPoP proof token."


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.error.replay")
def test_a_proof_works_once(sts: Emulator, machine: Machine) -> None:
    machine.learn_nonce()
    proof = machine.proof()
    bound(post(machine, proof))
    refused(post(machine, proof), "dpop.single-use", REPLAY)
    # For as long as its nonce is good, and whoever sends it.
    sts.clock.advance(119)
    refused(post(machine, proof), "dpop.single-use", REPLAY)
    other = sts.client("another", private_jwk("ES256", 3))
    refused(post(other, proof), "dpop.single-use", REPLAY)
    sts.clock.advance(1)
    challenged(post(machine, proof), "dpop.nonce-current", "Invalid 'nonce' value.")


@pytest.mark.covers("dpop.error.replay")
def test_a_proof_is_used_up_by_a_request_that_is_refused_later(machine: Machine) -> None:
    machine.learn_nonce()
    proof = machine.proof()
    answer = machine.post(machine.form(machine.assertion(), {"scope": "test:api/write"}), proof=proof)
    assert (answer.status, answer.json) == (400, {"error": "invalid_scope"})
    refused(post(machine, proof), "dpop.single-use", REPLAY)


# Where a proof has every fault, the first one is told; each step mends one.
ORDER: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("dpop.typ", "invalid_dpop_proof", "Invalid 'typ' value.", {"typ": "JWT"}, {}),
    ("dpop.algorithm", "invalid_dpop_proof", "Invalid 'alg' value.", {"alg": "HS256"}, {}),
    ("dpop.key", "invalid_dpop_proof", "Invalid 'jwk' value.", {"jwk": ABSENT}, {}),
    (
        "dpop.key-public",
        "invalid_dpop_proof",
        "'jwk' value contains a private key.",
        {"jwk": {**public_jwk(OTHER_KEY), "d": OTHER_KEY["d"]}},
        {},
    ),
    (
        "dpop.signature",
        "invalid_dpop_proof",
        "Invalid signature on DPoP token.",
        {"jwk": public_jwk(OTHER_KEY)},
        {},
    ),
    ("dpop.jti", "invalid_dpop_proof", "Invalid 'jti' value.", {}, {"jti": ABSENT}),
    ("dpop.htm", "invalid_dpop_proof", "Invalid 'htm' value.", {}, {"htm": "GET"}),
    ("dpop.htu", "invalid_dpop_proof", "Invalid 'htu' value.", {}, {"htu": "http://localhost:8080/"}),
    ("dpop.issued-at", "invalid_dpop_proof", "Missing 'iat' value.", {}, {"iat": ABSENT}),
    ("dpop.nonce", "use_dpop_nonce", "Missing 'nonce' value.", {}, {"nonce": ABSENT}),
    ("dpop.nonce-current", "use_dpop_nonce", "Invalid 'nonce' value.", {}, {"nonce": "old"}),
    ("dpop.single-use", "invalid_dpop_proof", REPLAY, {}, {}),
]


@pytest.mark.covers("dpop.error.order")
@pytest.mark.parametrize("step", range(len(ORDER)), ids=[rule for rule, *_ in ORDER])
def test_of_several_faults_the_first_is_told(machine: Machine, step: int) -> None:
    machine.learn_nonce()
    bound(post(machine, machine.proof(claims={"jti": "used"})))
    rule, error, description, _, _ = ORDER[step]
    header: dict[str, Any] = {}
    claims: dict[str, Any] = {"jti": "used"}
    # Later faults first, so that where two concern one member the earlier one stands.
    for *_, header_fault, claims_fault in reversed(ORDER[step:]):
        header |= header_fault
        claims |= claims_fault
    answer = machine.token(proof={"header": header, "claims": claims})
    assert (answer.status, answer.rule) == (400, rule)
    assert answer.json == {"error": error, "error_description": description}


@pytest.mark.covers("dpop.error.order")
def test_the_form_of_a_proof_comes_before_everything_in_it(machine: Machine) -> None:
    header = b64(json.dumps({"typ": "JWT", "alg": "none"}).encode())
    refused(post(machine, f"{header}.{b64(b'[]')}."), "dpop.readable", "Malformed DPoP token.")


@pytest.mark.covers("dpop.iat.age-not-judged")
@pytest.mark.parametrize("iat", [0, START - 86_400 * 365, START - 61, START + 86_400, -1, 1.5])
def test_the_age_of_a_proof_does_not_matter(machine: Machine, iat: float) -> None:
    bound(machine.token(proof={"claims": {"iat": iat}}))


# htu


@pytest.mark.covers("contract.01", "contract.43")
@pytest.mark.covers("dpop.htu.issuer-based")
def test_htu_is_compared_with_the_issuer_not_with_the_address_asked(worlds: Worlds) -> None:
    sts = worlds.make(host="localhost:8080", public_url="https://sts.example.test")
    machine = sts.client()
    asked = machine.token(proof={"claims": {"htu": "http://localhost:8080/connect/token"}})
    refused(asked, "dpop.htu", "Invalid 'htu' value.")
    bound(machine.token(proof={"claims": {"htu": "https://sts.example.test/connect/token"}}))


@pytest.mark.covers("dpop.htu.normalized")
@pytest.mark.parametrize(
    ("host", "htu"),
    [
        ("localhost:8080", "HTTP://LOCALHOST:8080/connect/token"),
        ("localhost:8080", "http://LocalHost:8080/connect/token"),
        ("localhost", "http://localhost:80/connect/token"),
        ("localhost:80", "http://localhost/connect/token"),
        ("LOCALHOST:8080", "http://localhost:8080/connect/token"),
    ],
)
def test_case_and_default_port_make_no_difference(worlds: Worlds, host: str, htu: str) -> None:
    sts = worlds.make(host=host)
    sts.issuer = sts.get("/.well-known/openid-configuration").json["issuer"]
    bound(sts.client().token(proof={"claims": {"htu": htu}}))
    assert broken(sts) == []


@pytest.mark.covers("contract.43")
@pytest.mark.covers("dpop.htu.query-and-fragment")
@pytest.mark.parametrize("tail", ["?", "?a=b", "#", "#a", "?a=b#c", "?a=http://x/y"])
def test_query_and_fragment_are_left_out(machine: Machine, tail: str) -> None:
    bound(machine.token(proof={"claims": {"htu": TARGET + tail}}))
    wrong = machine.token(proof={"claims": {"htu": "http://localhost:8080/connect/par" + tail}})
    refused(wrong, "dpop.htu", "Invalid 'htu' value.")


# Headers

TOO_MANY = "Too many DPoP headers provided."
FORM = "application/x-www-form-urlencoded"


@pytest.mark.covers("contract.44")
@pytest.mark.covers("dpop.several-headers")
def test_two_headers_are_too_many(machine: Machine) -> None:
    machine.learn_nonce()
    body = urlencode(machine.form(machine.assertion())).encode()
    headers = [("Content-Type", FORM), ("DPoP", machine.proof()), ("DPoP", machine.proof())]
    answer = machine.transport.send("POST", "/connect/token", headers, body)
    refused(answer, "dpop-header.one-proof", TOO_MANY, "invalid_request")


@pytest.mark.covers("dpop.several-headers")
def test_the_same_proof_in_two_headers_is_too_many(optional: Machine) -> None:
    optional.learn_nonce()
    body = urlencode(optional.form(optional.assertion())).encode()
    proof = optional.proof()
    headers = [("Content-Type", FORM), ("DPoP", proof), ("DPoP", proof)]
    answer = optional.transport.send("POST", "/connect/token", headers, body)
    refused(answer, "dpop-header.one-proof", TOO_MANY, "invalid_request")


@pytest.mark.covers("dpop.several-headers")
def test_two_headers_over_a_socket_are_too_many(live: LiveServer) -> None:
    machine = live.client(f"two-headers-{secrets.token_hex(4)}")
    machine.learn_nonce()
    body = urlencode(machine.form(machine.assertion())).encode()
    connection = http.client.HTTPConnection("localhost", live.port, timeout=60)
    connection.putrequest("POST", "/connect/token")
    for name, value in (
        ("Content-Type", FORM),
        ("Content-Length", str(len(body))),
        ("DPoP", machine.proof()),
        ("DPoP", machine.proof()),
    ):
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    assert response.status == 400
    assert json.loads(response.read()) == {"error": "invalid_request", "error_description": TOO_MANY}
    assert response.getheader("Mock-Sts-Rule") == "dpop-header.one-proof"
    connection.close()


REQUIRED = "Client requires DPoP and a DPoP header value was not provided."


@pytest.mark.covers("contract.06")
@pytest.mark.covers("dpop.required.missing")
def test_a_client_that_must_use_dpop_needs_a_proof(sts: Emulator) -> None:
    machine = sts.client(dpop_bound_access_tokens=True)
    answer = machine.post(machine.form(machine.assertion()))
    refused(answer, "token-request.proof", REQUIRED, "invalid_request")


@pytest.mark.covers("dpop.required.missing")
@pytest.mark.parametrize("header", ["", " ", ","], ids=repr)
def test_an_empty_header_is_no_proof(machine: Machine, header: str) -> None:
    refused(post(machine, header), "token-request.proof", REQUIRED, "invalid_request")


@pytest.mark.covers("dpop.required.default")
def test_a_registration_that_is_silent_about_dpop_makes_it_mandatory(sts: Emulator) -> None:
    document = {
        "client_id": "silent",
        "grant_types": ["client_credentials"],
        "scope": "test:api/read",
        "jwks": {"keys": [public_jwk(private_jwk("ES256", 3))]},
    }
    with sts.store.writing() as transaction:
        put_entry(transaction, Client.from_document(document, "test"), document, MADE)
    machine = sts.machine("silent", private_jwk("ES256", 3))
    answer = machine.post(machine.form(machine.assertion()))
    refused(answer, "token-request.proof", REQUIRED, "invalid_request")
    bound(machine.token())


@pytest.mark.covers("contract.46")
@pytest.mark.covers("dpop.optional.bearer")
def test_a_client_that_may_do_without_gets_a_bearer_token(optional: Machine) -> None:
    answer = optional.post(optional.form(optional.assertion()))
    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"
    assert "cnf" not in answer.claims
    assert "dpop-nonce" not in answer.headers


@pytest.mark.covers("dpop.optional.with-proof")
def test_a_client_that_may_do_without_is_challenged_when_it_sends_a_proof(optional: Machine) -> None:
    nonce = challenged(post(optional, optional.proof()), "dpop.nonce", "Missing 'nonce' value.")
    bound(post(optional, optional.proof(claims={"nonce": nonce})))


@pytest.mark.covers("dpop.optional.with-proof")
def test_a_bad_proof_does_not_become_a_bearer_token(optional: Machine) -> None:
    refused(post(optional, "nonsense"), "dpop.readable", "Malformed DPoP token.")


# Nonces


@pytest.mark.covers("contract.38")
@pytest.mark.covers("dpop.nonce.missing")
@pytest.mark.parametrize("mode", ["observe", "helseid", "strict"])
def test_every_proof_without_nonce_is_challenged(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    machine = sts.client()
    for _ in range(2):
        for nonce in (ABSENT, None):
            answer = post(machine, machine.proof(claims={"nonce": nonce}))
            challenged(answer, "dpop.nonce", "Missing 'nonce' value.")
            assert sts.journal(limit="1")[0]["outcome"] == "challenged"
        # The second time round it has got a token before.
        bound(machine.token())


@pytest.mark.covers("dpop.nonce.empty")
def test_an_empty_nonce_is_a_missing_one(machine: Machine) -> None:
    challenged(machine.token(proof={"claims": {"nonce": ""}}), "dpop.nonce", "Missing 'nonce' value.")


@pytest.mark.covers("contract.38")
@pytest.mark.covers("dpop.nonce.header")
@pytest.mark.parametrize("nonce", [ABSENT, "unknown"], ids=["missing", "invalid"])
def test_a_challenge_has_exactly_one_nonce(sts: Emulator, machine: Machine, nonce: object) -> None:
    with sts.app.test_client() as client:
        response = client.post(
            "/connect/token",
            data=urlencode(machine.form(machine.assertion())),
            headers=[
                ("Host", "localhost:8080"),
                ("Content-Type", FORM),
                ("DPoP", machine.proof(claims={"nonce": nonce})),
            ],
        )
        found = response.headers.getlist("DPoP-Nonce")
    assert response.status_code == 400
    assert len(found) == 1
    # RFC 9449 section 8.1: nonce = 1*NQCHAR. Nothing of the client or the time can be read out of it.
    assert re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", found[0])
    assert "machine" not in found[0] and str(START) not in found[0]


@pytest.mark.covers("contract.38")
@pytest.mark.covers("dpop.nonce.header")
def test_a_challenge_over_a_socket_has_exactly_one_nonce(live: LiveServer) -> None:
    machine = live.client(f"one-nonce-{secrets.token_hex(4)}")
    connection = http.client.HTTPConnection("localhost", live.port, timeout=60)
    connection.request(
        "POST",
        "/connect/token",
        urlencode(machine.form(machine.assertion())),
        {"Content-Type": FORM, "DPoP": machine.proof()},
    )
    response = connection.getresponse()
    assert json.loads(response.read())["error"] == "use_dpop_nonce"
    found = [value for name, value in response.getheaders() if name.lower() == "dpop-nonce"]
    assert len(found) == 1 and found[0]
    connection.close()
    machine.nonce = found[0]
    # Whichever worker answers.
    for _ in range(6):
        assert post(machine, machine.proof()).status == 200


@pytest.mark.covers("dpop.nonce.retry")
def test_the_request_with_the_nonce_of_the_challenge_succeeds(machine: Machine) -> None:
    form = machine.form(machine.assertion())
    answer = machine.post(form, proof=machine.proof())
    nonce = challenged(answer, "dpop.nonce", "Missing 'nonce' value.")
    public = {name: machine.proof_jwk[name] for name in ("kty", "crv", "x", "y")}
    second = machine.proof(
        header={"typ": "dpop+jwt", "alg": "ES256", "jwk": public},
        claims={"jti": "new", "htm": "POST", "htu": TARGET, "iat": START, "nonce": nonce},
    )
    bound(machine.post(form, proof=second))


@pytest.mark.covers("dpop.nonce.invalid")
@pytest.mark.parametrize("nonce", ["unknown", "CfDJ8" + "A" * 43, " ", "æøå", 5, ["x"], True], ids=str)
def test_a_nonce_that_the_server_did_not_make(machine: Machine, nonce: object) -> None:
    answer = machine.token(proof={"claims": {"nonce": nonce}})
    fresh = challenged(answer, "dpop.nonce-current", "Invalid 'nonce' value.")
    bound(post(machine, machine.proof(claims={"nonce": fresh})))


@pytest.mark.covers("dpop.nonce.invalid")
def test_the_nonce_of_another_server(worlds: Worlds, machine: Machine) -> None:
    foreign = worlds.make().client().learn_nonce()
    assert foreign != machine.learn_nonce()
    answer = machine.token(proof={"claims": {"nonce": foreign}})
    fresh = challenged(answer, "dpop.nonce-current", "Invalid 'nonce' value.")
    bound(post(machine, machine.proof(claims={"nonce": fresh})))


@pytest.mark.covers("contract.41")
@pytest.mark.covers("dpop.nonce.outdated")
@pytest.mark.parametrize(("made_at", "seconds"), [(0, 120), (59, 61), (0, 3_600)])
def test_an_outdated_nonce_is_answered_with_a_fresh_one(
    sts: Emulator, machine: Machine, made_at: int, seconds: int
) -> None:
    sts.clock.advance(made_at)
    old = machine.learn_nonce()
    sts.clock.advance(seconds)
    fresh = challenged(machine.token(), "dpop.nonce-current", "Invalid 'nonce' value.")
    assert fresh != old
    bound(post(machine, machine.proof(claims={"nonce": fresh})))


@pytest.mark.covers("contract.41")
@pytest.mark.covers("dpop.nonce.previous-step")
@pytest.mark.parametrize(("made_at", "seconds"), [(0, 60), (0, 119), (59, 1), (59, 60), (30, 89)])
def test_a_nonce_of_the_previous_step_is_accepted(sts: Emulator, machine: Machine, made_at: int, seconds: int) -> None:
    sts.clock.advance(made_at)
    old = machine.learn_nonce()
    sts.clock.advance(seconds)
    assert machine.learn_nonce() != old
    bound(post(machine, machine.proof(claims={"nonce": old})))


@pytest.mark.covers("contract.41")
@pytest.mark.covers("dpop.nonce.reusable")
def test_one_nonce_works_for_several_requests(sts: Emulator, machine: Machine) -> None:
    nonce = machine.learn_nonce()
    other = sts.client("another", private_jwk("ES256", 3))
    other.nonce = nonce
    for _ in range(3):
        bound(machine.token())
        bound(other.token())
    assert (machine.nonce, other.nonce) == (nonce, nonce)


@pytest.mark.covers("dpop.nonce.none-on-success")
@pytest.mark.parametrize("seconds", [0, 60], ids=["current", "previous step"])
def test_a_success_has_no_nonce(sts: Emulator, machine: Machine, seconds: int) -> None:
    machine.learn_nonce()
    sts.clock.advance(seconds)
    answer = machine.token()
    bound(answer)
    assert "dpop-nonce" not in answer.headers


OTHER_ERRORS: dict[str, tuple[str, Callable[[Machine], Answer]]] = {
    "method": ("invalid_request", lambda m: m.transport.send("GET", "/connect/token")),
    "no proof": ("invalid_request", lambda m: m.post(m.form(m.assertion()))),
    "signature": ("invalid_client", lambda m: m.token(assertion={"jwk": OTHER_KEY})),
    "signature, without nonce": (
        "invalid_client",
        lambda m: m.post(m.form(m.assertion(jwk=OTHER_KEY)), proof=m.proof(claims={"nonce": ABSENT})),
    ),
    "no grant": ("unsupported_grant_type", lambda m: m.token(form={"grant_type": ABSENT})),
    "grant": ("unsupported_grant_type", lambda m: m.token(form={"grant_type": "password"})),
    "scope": ("invalid_scope", lambda m: m.token(form={"scope": "test:api/write"})),
    "resource": ("invalid_target", lambda m: m.token(form={"resource": "test:unknown"})),
    "malformed proof": ("invalid_dpop_proof", lambda m: post(m, "nonsense")),
    "proof": ("invalid_dpop_proof", lambda m: m.token(proof={"claims": {"htm": "GET"}})),
    "proof without nonce": ("invalid_dpop_proof", lambda m: m.token(proof={"claims": {"htm": "GET", "nonce": ABSENT}})),
}


@pytest.mark.covers("contract.39")
@pytest.mark.covers("dpop.nonce.none-on-other-errors")
@pytest.mark.parametrize("kind", OTHER_ERRORS)
def test_no_other_error_has_a_nonce(machine: Machine, kind: str) -> None:
    error, breach = OTHER_ERRORS[kind]
    answer = breach(machine)
    assert (answer.status, answer.error) == (400, error)
    assert "dpop-nonce" not in answer.headers


@pytest.mark.covers("contract.39")
@pytest.mark.covers("dpop.nonce.none-on-other-errors")
def test_a_replay_has_no_nonce(machine: Machine) -> None:
    machine.learn_nonce()
    proof = machine.proof()
    bound(post(machine, proof))
    # refused() looks for the header too.
    refused(post(machine, proof), "dpop.single-use", REPLAY)


@pytest.mark.covers("dpop.challenge.keeps-proof-jti")
@pytest.mark.parametrize("nonce", [ABSENT, "unknown"], ids=["missing", "invalid"])
def test_a_challenged_proof_keeps_its_jti(machine: Machine, nonce: object) -> None:
    answer = post(machine, machine.proof(claims={"jti": "kept", "nonce": nonce}))
    machine.nonce = answer.headers["dpop-nonce"]
    bound(post(machine, machine.proof(claims={"jti": "kept"})))
    refused(post(machine, machine.proof(claims={"jti": "kept"})), "dpop.single-use", REPLAY)


def test_a_challenge_stores_nothing_but_its_journal_row(sts: Emulator, machine: Machine) -> None:
    before = sts.row_counts()
    challenged(post(machine, machine.proof()), "dpop.nonce", "Missing 'nonce' value.")
    assert sts.row_counts() == before


# A challenge is an exchange; who does not take it is a finding


def after(sts: Emulator) -> tuple[str, set[str]]:
    """Outcome of the newest exchange, and the rules about nonces that it broke."""
    entry = sts.journal(limit="1")[0]
    broken = {finding["rule"] for finding in entry["findings"]["broken"]}
    assert not broken & {"dpop.nonce", "dpop.nonce-current"} & set(entry["findings"]["met"])
    return entry["outcome"], broken


#: What a client sends in a row, and what each is: a nonce that is missing, foreign or outdated, or good; of another
#: key; of another client; in a request that is refused for something else.
NO_FINDING: set[str] = set()
ROWS: dict[str, list[tuple[str, set[str]]]] = {
    "once": [("missing", NO_FINDING)],
    "as every client does": [("missing", NO_FINDING), ("good", NO_FINDING)],
    "always anew, without keeping the nonce": [("missing", NO_FINDING), ("good", NO_FINDING)] * 3,
    "an outdated nonce": [("good", NO_FINDING), ("outdated", NO_FINDING), ("good", NO_FINDING)],
    "twice": [("missing", NO_FINDING), ("missing", {"dpop.nonce"})],
    "three times": [("missing", NO_FINDING), ("missing", {"dpop.nonce"}), ("missing", {"dpop.nonce"})],
    "a foreign nonce twice": [("foreign", NO_FINDING), ("foreign", {"dpop.nonce-current"})],
    "a foreign nonce after a challenge": [("missing", NO_FINDING), ("foreign", {"dpop.nonce-current"})],
    "none after a foreign nonce": [("foreign", NO_FINDING), ("missing", {"dpop.nonce"})],
    "too late with the right one": [("missing", NO_FINDING), ("outdated", NO_FINDING), ("good", NO_FINDING)],
    "two keys": [("missing", NO_FINDING), ("other key", NO_FINDING), ("missing", {"dpop.nonce"}), ("good", NO_FINDING)],
    "two clients with one key": [("missing", NO_FINDING), ("other client", NO_FINDING), ("good", NO_FINDING)],
    "refused in between": [("missing", NO_FINDING), ("refused", NO_FINDING), ("missing", NO_FINDING)],
    "the lesson is learnt": [
        ("missing", NO_FINDING),
        ("missing", {"dpop.nonce"}),
        ("good", NO_FINDING),
        ("missing", NO_FINDING),
    ],
}


@pytest.mark.covers("dpop.challenge.no-finding")
@pytest.mark.parametrize("mode", ["helseid", "strict", "fapi2"])
@pytest.mark.parametrize("row", ROWS)
def test_a_challenge_is_no_finding_and_a_second_in_a_row_is(worlds: Worlds, row: str, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    machine = sts.client()
    other = sts.client("other", private_jwk("ES256", 5))
    for number, (sent, expected) in enumerate(ROWS[row]):
        asking = machine
        changes: dict[str, Any] = {}
        if sent == "good":
            machine.learn_nonce()
        elif sent == "outdated":
            machine.learn_nonce()
            sts.clock.advance(121)
        elif sent == "foreign":
            changes = {"claims": {"nonce": "CfDJ8nonsense"}}
        elif sent == "refused":
            machine.learn_nonce()
            answer = machine.token(form={"scope": "test:api/not-allowed"})
            assert answer.error == "invalid_scope"
            assert not after(sts)[1] & {"dpop.nonce", "dpop.nonce-current"}
            continue
        else:
            asking = other if sent == "other client" else machine
            changes = {"claims": {"nonce": ABSENT}, "jwk": OTHER_KEY if sent == "other key" else None}
        answer = post(asking, asking.proof(**changes))
        assert (answer.status, after(sts)) == (
            (200, ("granted", expected)) if sent == "good" else (400, ("challenged", expected))
        ), number


@pytest.mark.covers("dpop.challenge.no-finding")
def test_the_row_of_a_challenge_still_says_what_to_do(sts: Emulator, machine: Machine) -> None:
    post(machine, machine.proof())
    entry = sts.journal(limit="1")[0]
    assert (entry["rule"], entry["error"]) == ("dpop.nonce", "use_dpop_nonce")
    assert "carries the nonce of the DPoP-Nonce header" in entry["detail"]["reason"]


@pytest.mark.covers("dpop.challenge.no-finding")
def test_a_proof_that_is_refused_for_something_else_is_not_blamed_for_its_first_nonce_either(
    sts: Emulator, machine: Machine
) -> None:
    proof = machine.proof(claims={"htm": "GET", "nonce": ABSENT})
    assert post(machine, proof).rule == "dpop.htm"
    assert after(sts) == ("refused", {"dpop.htm"})


@pytest.mark.covers("dpop.challenge.no-finding")
def test_pushed_requests_and_token_requests_are_one_row(sts: Emulator) -> None:
    rp = web_client(sts)
    target = {"htu": f"{sts.issuer}/connect/par", "nonce": ABSENT}
    assert rp.push(Login(), proof=rp.machine.proof(claims=target)).error == "use_dpop_nonce"
    assert after(sts) == ("challenged", NO_FINDING)
    assert rp.machine.post(rp.machine.form(rp.machine.assertion()), proof=rp.machine.proof()).error == "use_dpop_nonce"
    assert after(sts)[1] >= {"dpop.nonce"}
