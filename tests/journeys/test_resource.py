"""The protected resource of our own, where a client tries its proofs as at an API, by the rules of the enforcement."""

import hashlib
import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.emulator import API_SCOPE, START, Emulator, Worlds
from tests.support.keys import Jwk, private_jwk
from tests.support.machine import ABSENT, Answer, Machine, b64
from tests.support.relying_party import Login, web_client

PATH = "/mock/resource"

OTHER = private_jwk("ES256", 9)


def prove(
    machine: Machine,
    token: str,
    path: str = PATH,
    *,
    method: str = "GET",
    jwk: Jwk | None = None,
    header: dict[str, Any] | None = None,
    alg: str | None = None,
    **claims: Any,
) -> str:
    """A proof for a call with ``token``."""
    usual = {
        "htm": method,
        "htu": machine.issuer + path,
        "ath": b64(hashlib.sha256(token.encode()).digest()),
        "nonce": ABSENT,
    }
    return machine.proof(claims={**usual, **claims}, jwk=jwk, header=header, alg=alg)


def call(
    machine: Machine, token: str, *, scheme: str = "DPoP", proof: str | None = None, method: str = "GET"
) -> Answer:
    headers = {"Authorization": f"{scheme} {token}", **({} if proof is None else {"DPoP": proof})}
    return machine.transport.send(method, PATH, headers)


def granted(machine: Machine) -> str:
    answer = machine.token()
    assert answer.status == 200, answer.content
    token: str = answer.json["access_token"]
    return token


def refused(answer: Answer, rule: str | None, *, fapi: bool = False, asks: tuple[str, ...] = ("DPoP",)) -> None:
    """``asks`` are the schemes that the challenges name."""
    assert (answer.status, answer.content) == (401, b"")
    of_proof = rule is not None and rule.startswith("dpop") and rule != "dpop-token.key"
    algorithms = "PS256 ES256 Ed25519 EdDSA" if fapi else "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512"
    challenges = re.split(", (?=DPoP |Bearer )", answer.headers["www-authenticate"])
    assert tuple(challenge.partition(" ")[0] for challenge in challenges) == asks
    for challenge in challenges:
        assert f'error="{"invalid_dpop_proof" if of_proof else "invalid_token"}"' in challenge
        assert challenge.endswith(f',algs="{algorithms}"') is challenge.startswith("DPoP ")
    assert answer.rule == rule


@pytest.mark.covers("resource.answer")
@pytest.mark.parametrize("enforcement", ["observe", "helseid", "strict", "fapi2"])
def test_a_bound_token_with_its_proof(worlds: Worlds, enforcement: str) -> None:
    sts = worlds.make(enforcement=enforcement)
    machine = sts.client()
    token = granted(machine)
    answer = call(machine, token, proof=prove(machine, token))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json; charset=UTF-8")
    assert answer.json == {
        "client_id": "machine",
        "aud": "test:api",
        "scope": [API_SCOPE],
        "exp": sts.clock.wall + 600,
    }
    posted = call(machine, token, proof=prove(machine, token, method="POST"), method="POST")
    assert posted.status == 200


def test_a_persons_token_tells_whose_it_is(sts: Emulator) -> None:
    rp = web_client(sts)
    answer = rp.tokens()
    token = answer.json["access_token"]
    told = call(rp.machine, token, proof=prove(rp.machine, token)).json
    assert told["sub"] == answer.claims["sub"]
    assert set(told) == {"client_id", "sub", "aud", "scope", "exp"}


#: A proof that is wrong in one way, as changes of a good one, and the rule that it is refused for: by HelseID, and by
#: FAPI 2.0 and ``strict``, which look at more.
BAD_PROOFS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another key": ({"jwk": OTHER}, "dpop-token.key", "dpop-token.key"),
    "no ath": ({"ath": ABSENT}, "dpop-token.ath", "dpop-token.ath"),
    "ath of another": ({"ath": b64(hashlib.sha256(b"another").digest())}, "dpop-token.ath", "dpop-token.ath"),
    "method": ({"htm": "POST"}, "dpop.htm", "dpop.htm"),
    "method in small letters": ({"htm": "get"}, "dpop.htm", "dpop.htm"),
    "another endpoint": ({"htu": "http://localhost:8080/connect/userinfo"}, "dpop.htu", "dpop.htu"),
    "another host": ({"htu": "https://elsewhere.test/mock/resource"}, "dpop.htu", "dpop.htu"),
    "no htu": ({"htu": ABSENT}, "dpop.htu", "dpop.htu"),
    "no jti": ({"jti": ABSENT}, "dpop.jti", "dpop.jti"),
    "no iat": ({"iat": ABSENT}, "dpop.issued-at", "dpop.issued-at"),
    "of yesterday": ({"iat": START - 86_400}, "dpop-token.fresh", "dpop.clock"),
    "of tomorrow": ({"iat": START + 86_400}, "dpop-token.fresh", "dpop.clock"),
    "of five minutes ago": ({"iat": START - 301}, "dpop-token.fresh", "dpop.clock"),
    "typ": ({"header": {"typ": "JWT"}}, "dpop.typ", "dpop.typ"),
    "unsigned": ({"alg": "none"}, "dpop.algorithm", "dpop.algorithm"),
    "symmetric": ({"alg": "HS256"}, "dpop.algorithm", "dpop.algorithm"),
    "no key": ({"header": {"jwk": ABSENT}}, "dpop.key", "dpop.key"),
    "private key": ({"header": {"jwk": private_jwk("ES256", 2)}}, "dpop.key-public", "dpop.key-public"),
    "key of another signature": (
        {"header": {"jwk": {name: OTHER[name] for name in ("kty", "crv", "x", "y")}}},
        "dpop.signature",
        "dpop.signature",
    ),
}


@pytest.mark.covers("resource.refuses")
@pytest.mark.parametrize("enforcement", ["observe", "helseid", "strict", "fapi2"])
def test_what_is_not_bound_and_proved_is_refused_in_every_enforcement(worlds: Worlds, enforcement: str) -> None:
    """Where server or client are judged laxer than HelseID judges, an API judges as HelseID does."""
    fapi = enforcement == "fapi2"
    machine = worlds.make(enforcement=enforcement).client()
    token = granted(machine)
    two = f"{prove(machine, token)}, {prove(machine, token)}"
    scheme = "access-token.scheme" if fapi else "token-use.scheme"
    dpop_only = enforcement in ("strict", "fapi2")
    both = ("DPoP",) if dpop_only else ("DPoP", "Bearer")
    refused(machine.transport.send("GET", PATH), "access-token.good", fapi=fapi, asks=both)
    refused(call(machine, "nonsense", proof=prove(machine, "nonsense")), "access-token.good", fapi=fapi)
    refused(call(machine, token, scheme="Bearer"), scheme, fapi=fapi)
    refused(call(machine, token, scheme="Bearer", proof=prove(machine, token)), scheme, fapi=fapi)
    refused(call(machine, token), "access-token.one-proof", fapi=fapi)
    refused(call(machine, token, proof=two), "access-token.one-proof", fapi=fapi)
    refused(call(machine, token, proof="nonsense"), "dpop.readable", fapi=fapi)
    for changes, by_helseid, by_profile in BAD_PROOFS.values():
        rule = by_profile if enforcement in ("strict", "fapi2") else by_helseid
        refused(call(machine, token, proof=prove(machine, token, **changes)), rule, fapi=fapi)
    # After all that the token and its key are still good.
    assert call(machine, token, proof=prove(machine, token)).status == 200


@pytest.mark.covers("resource.refuses")
def test_a_client_that_is_only_observed_is_judged_as_helseid_judges(sts: Emulator) -> None:
    machine = sts.client(enforcement="observe")
    token = granted(machine)
    refused(call(machine, token, proof=prove(machine, token, jwk=OTHER)), "dpop-token.key")
    assert call(machine, token, proof=prove(machine, token)).status == 200


@pytest.mark.covers("resource.enforcement")
@pytest.mark.parametrize(("kind", "bits"), [("RS256", 3072), ("PS512", 3072), ("ES384", 0), ("ES512", 0)])
@pytest.mark.parametrize("enforcement", ["observe", "helseid", "strict", "fapi2"])
def test_the_algorithms_of_proofs_are_those_of_the_enforcement(
    worlds: Worlds, enforcement: str, kind: str, bits: int
) -> None:
    """KS and NAV sign their proofs with these, as HelseID lets them."""
    machine = worlds.make(enforcement=enforcement).client()
    token, other = (
        granted(machine),
        replace(machine, proof_jwk=private_jwk(kind, 0, bits) if bits else private_jwk(kind)),
    )
    if enforcement == "fapi2":
        refused(call(machine, token, proof=prove(other, token)), "dpop.algorithm-fapi", fapi=True)
        return
    bound = granted(other)
    assert call(other, bound, proof=prove(other, bound)).status == 200


@pytest.mark.covers("resource.enforcement")
@pytest.mark.parametrize(("own", "rule"), [("helseid", None), ("strict", "dpop.clock")], ids=["helseid", "strict"])
def test_a_clients_own_enforcement_counts(sts: Emulator, own: str, rule: str | None) -> None:
    machine = sts.client(enforcement=own)
    token = granted(machine)
    answer = call(machine, token, proof=prove(machine, token, iat=machine.now() - 100))
    assert (answer.status, answer.rule) == ((200, None) if rule is None else (401, rule))


def bearer(sts: Emulator, **members: Any) -> tuple[Machine, str]:
    """A client that may do without DPoP, and a token of it that is bound to no key."""
    machine = sts.client("bearer", jwk=private_jwk("ES256", 5), dpop_bound_access_tokens=False, **members)
    answer = machine.post(machine.form(machine.assertion()))
    assert answer.json["token_type"] == "Bearer"
    return machine, answer.json["access_token"]


@pytest.mark.covers("resource.bearer")
@pytest.mark.parametrize("enforcement", ["observe", "helseid"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_that_is_bound_to_no_key_is_taken_as_bearer(worlds: Worlds, enforcement: str, scheme: str) -> None:
    sts = worlds.make(enforcement=enforcement)
    machine, token = bearer(sts)
    for proof in (None, prove(machine, token)):  # a proof beside it is no matter
        answer = call(machine, token, scheme=scheme, proof=proof)
        assert (answer.status, answer.json["client_id"]) == (200, "bearer")
    told = {one["rule"]: one["remedy"] for one in sts.journal(limit="1")[0]["findings"]["broken"]}
    assert told == {"token-use.bound": "fetch the token with a DPoP proof"}


@pytest.mark.covers("resource.bearer")
def test_it_is_not_taken_with_the_scheme_dpop(sts: Emulator) -> None:
    machine, token = bearer(sts)
    refused(call(machine, token, proof=prove(machine, token)), "dpop-token.key", asks=("Bearer",))
    refused(call(machine, token), "access-token.one-proof", asks=("Bearer",))
    assert call(machine, token, scheme="Bearer").status == 200


@pytest.mark.covers("resource.bearer")
def test_a_bound_token_is_not_taken_as_bearer(sts: Emulator) -> None:
    machine = sts.client()
    token = granted(machine)
    for proof in (None, prove(machine, token)):
        refused(call(machine, token, scheme="Bearer", proof=proof), "token-use.scheme", asks=("DPoP",))
    told = sts.journal(limit="1")[0]["findings"]["broken"][-1]
    assert (told["expected"], told["observed"]) == ("DPoP", "Bearer")
    assert "Authorization: DPoP <token>" in told["remedy"]


@pytest.mark.covers("resource.bearer")
def test_what_is_no_token_is_asked_for_by_the_scheme_that_it_came_by(sts: Emulator) -> None:
    machine, token = bearer(sts)
    refused(call(machine, "nonsense", scheme="Bearer"), "access-token.good", asks=("Bearer",))
    header, payload, signature = token.split(".")
    forged = f"{header}.{payload}.{signature[:-4]}AAAA"
    refused(call(machine, forged, scheme="Bearer"), "access-token.good", asks=("Bearer",))
    sts.clock.advance(600)
    late = call(machine, token, scheme="Bearer")
    assert late.status == 401 and 'error_description="The access token expired"' in late.headers["www-authenticate"]


@pytest.mark.covers("resource.bearer")
@pytest.mark.parametrize("enforcement", ["strict", "fapi2"])
def test_a_bearer_token_of_before_is_refused_where_dpop_is_a_must(worlds: Worlds, enforcement: str) -> None:
    """No such token is given there; one may be left from before the setting was changed."""
    sts = worlds.make(enforcement="helseid")
    machine, token = bearer(sts)
    policy = sts.sts.policy.changed({"enforcement": enforcement})
    object.__setattr__(sts.sts, "policy", policy)
    refused(call(machine, token, scheme="Bearer"), "token-use.bound", fapi=enforcement == "fapi2")


@pytest.mark.covers("resource.refuses")
@pytest.mark.parametrize(
    ("enforcement", "rule"),
    [
        ("observe", "token-use.scheme"),
        ("helseid", "token-use.scheme"),
        ("strict", "access-token.header"),
        ("fapi2", "access-token.header"),
    ],
)
def test_the_form_and_the_address_are_no_place_for_a_token(worlds: Worlds, enforcement: str, rule: str) -> None:
    fapi = enforcement == "fapi2"
    machine = worlds.make(enforcement=enforcement).client()
    token = granted(machine)
    body = urlencode({"access_token": token})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": prove(machine, token, method="POST")}
    refused(machine.transport.send("POST", PATH, headers, body.encode()), rule, fapi=fapi)
    proof = {"DPoP": prove(machine, token)}
    both = ("DPoP",) if enforcement in ("strict", "fapi2") else ("DPoP", "Bearer")
    refused(machine.transport.send("GET", f"{PATH}?{body}", proof), "access-token.good", fapi=fapi, asks=both)


@pytest.mark.covers("resource.proof-once")
def test_a_proof_serves_one_call(machine: Machine) -> None:
    token = granted(machine)
    proof = prove(machine, token)
    assert call(machine, token, proof=proof).status == 200
    refused(call(machine, token, proof=proof), "dpop.single-use")


@pytest.mark.covers("resource.clock")
@pytest.mark.parametrize("seconds", [-60, -8, 0, 8, 10])
def test_a_clock_may_differ_a_little(machine: Machine, seconds: int) -> None:
    token = granted(machine)
    assert call(machine, token, proof=prove(machine, token, iat=machine.now() + seconds)).status == 200


@pytest.mark.covers("resource.scheme-case")
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "dPoP"])
def test_the_scheme_is_written_in_any_case(machine: Machine, scheme: str) -> None:
    token = granted(machine)
    assert call(machine, token, scheme=scheme, proof=prove(machine, token)).status == 200


@pytest.mark.parametrize("kind", ["PS256", "ES256", "Ed25519", "EdDSA"])
def test_every_algorithm_of_fapi_proves(worlds: Worlds, kind: str) -> None:
    machine = worlds.make(enforcement="fapi2").client()
    machine.proof_jwk = private_jwk(kind)
    token = granted(machine)
    assert call(machine, token, proof=prove(machine, token)).status == 200


def test_expired_and_revoked_tokens(worlds: Worlds) -> None:
    sts = worlds.make(revoke_on_code_reuse=True)
    rp = web_client(sts)
    login = Login()
    code = rp.log_in(login)["code"]
    token = rp.redeem(login, code).json["access_token"]
    assert call(rp.machine, token, proof=prove(rp.machine, token)).status == 200
    assert rp.redeem(login, code).status == 400
    refused(call(rp.machine, token, proof=prove(rp.machine, token)), "access-token.not-revoked")
    machine = sts.client("other", jwk=private_jwk("ES256", 5))
    fresh = granted(machine)
    sts.clock.advance(600)
    answer = call(machine, fresh, proof=prove(machine, fresh))
    refused(answer, "access-token.alive")
    assert 'error_description="The access token expired"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(machine: Machine, method: str) -> None:
    token = granted(machine)
    assert call(machine, token, proof=prove(machine, token, method=method), method=method).status == 405


@pytest.mark.covers("resource.refuses")
@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        ("93bac548-d2de-4546-b106-880a5018460d", True),
        ("x", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("two words", False),
        ("", False),
    ],
    ids=str,
)
def test_the_callers_name_for_the_call_is_repeated(machine: Machine, sent: str, repeated: bool) -> None:
    token = granted(machine)
    name = "x-fapi-interaction-id"
    headers = {"Authorization": f"DPoP {token}", "DPoP": prove(machine, token), name: sent}
    for status in (200, 401):  # the proof is used up by the first call
        answer = machine.transport.send("GET", PATH, headers)
        assert answer.status == status
        assert answer.headers.get(name) == (sent if repeated else None)
    assert name not in call(machine, token, proof=prove(machine, token)).headers
