"""Userinfo, row by row."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from mock_sts.helseid.registry.persona import Persona
from mock_sts.store.catalog import MADE, put_entry
from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Headers, Machine, b64, decode
from tests.support.relying_party import REDIRECT_URI, USERINFO, Login, RelyingParty, web_client

SUB = "VKgcaf6KyHduD/Qg60WTChZlbptSU2UpPyr2Pgsskto="
HPR_NUMBER = "helseid://claims/hpr/hpr_number"
HPR_DETAILS = "helseid://claims/hpr/hpr_details"
SECURITY_LEVEL = "helseid://claims/identity/security_level"
ALL = (
    "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/pid_pseudonym "
    "helseid://scopes/identity/security_level helseid://scopes/identity/assurance_level "
    "helseid://scopes/identity/network helseid://scopes/hpr/hpr_number test:api/read"
)
DOCTOR = {
    "approvals": [
        {
            "profession": "LE",
            "authorization": {"value": "1", "description": "Autorisasjon"},
            "requisition_rights": [{"value": "1", "description": "Full rekvisisjonsrett"}],
            "specialities": [],
        }
    ],
    "hpr_number": 565505933,
    "no_hpr_number": False,
}


def register_web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    defaults = {
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": ALL,
        "redirect_uris": [REDIRECT_URI],
    }
    return RelyingParty(sts.client(client_id, **{**defaults, **members}), scopes=ALL)


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return register_web(sts)


def access_token(rp: RelyingParty, **changes: Any) -> str:
    token: str = rp.tokens(changes).json["access_token"]
    return token


def call(rp: RelyingParty, headers: Headers, method: str = "GET", body: bytes = b"") -> Answer:
    return rp.machine.transport.send(method, USERINFO, headers, body)


def refused(answer: Answer, challenge: str, status: int = 401) -> None:
    assert (answer.status, answer.content) == (status, b"")
    assert answer.headers["www-authenticate"] == challenge


INVALID = 'Bearer realm="IdentityServer",error="invalid_token"'


# What it tells


@pytest.mark.covers("user-info.bearer", "user-info.member-order")
def test_the_members_stand_in_the_documented_order(sts: Emulator, rp: RelyingParty) -> None:
    token = access_token(rp)
    sts.clock.advance(60)
    answer = rp.user_info(token)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert list(answer.json.items()) == [
        ("helseid://claims/identity/pid", "06828399789"),
        ("helseid://claims/identity/security_level", "4"),
        ("helseid://claims/identity/assurance_level", "high"),
        ("helseid://claims/identity/pid_pseudonym", SUB),
        ("helseid://claims/hpr/hpr_number", "565505933"),
        ("name", "KVART GREVLING"),
        ("given_name", "KVART"),
        ("middle_name", ""),
        ("family_name", "GREVLING"),
        ("helseid://claims/identity/network", "internett"),
        ("userinfo_issued_at", 1_800_000_060),
        ("helseid://claims/hpr/hpr_details", DOCTOR),
        ("sub", SUB),
    ]


@pytest.mark.covers("contract.76")
@pytest.mark.covers("user-info.sub")
def test_sub_is_that_of_the_tokens(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "openid"})
    sub = rp.user_info(answer.json["access_token"]).json["sub"]
    assert sub == answer.claims["sub"] == decode(answer.json["id_token"])[1]["sub"]


@pytest.mark.covers("user-info.after-refresh")
def test_the_token_of_a_refresh_works_too(rp: RelyingParty) -> None:
    tokens = rp.tokens().json
    refreshed = rp.refresh(tokens["refresh_token"]).json
    assert rp.user_info(refreshed["access_token"]).json == rp.user_info(tokens["access_token"]).json


@pytest.mark.covers("contract.77")
@pytest.mark.covers("user-info.hpr-details")
def test_the_details_are_an_object_whose_number_is_a_number(rp: RelyingParty) -> None:
    told = rp.user_info(access_token(rp, scope="openid helseid://scopes/hpr/hpr_number")).json
    assert list(told) == [HPR_NUMBER, "userinfo_issued_at", HPR_DETAILS, "sub"]
    assert told[HPR_DETAILS] == DOCTOR
    assert list(told[HPR_DETAILS]) == ["approvals", "hpr_number", "no_hpr_number"]
    assert list(told[HPR_DETAILS]["approvals"][0]) == [
        "profession",
        "authorization",
        "requisition_rights",
        "specialities",
    ]
    assert type(told[HPR_DETAILS]["hpr_number"]) is int
    assert told[HPR_NUMBER] == "565505933"


@pytest.mark.covers("contract.77")
@pytest.mark.covers("user-info.hpr-details.specialities")
def test_specialities_are_told_with_value_and_description(sts: Emulator, rp: RelyingParty) -> None:
    approval = {
        "profession": "LE",
        "authorization": {"value": "1", "description": "Autorisasjon"},
        "requisition_rights": [],
        "specialities": [{"value": "1", "description": "Allmennmedisin"}, {"value": "40", "description": "Psykiatri"}],
    }
    nurse = {**approval, "profession": "SP", "specialities": []}
    document = {
        "pid": "01815012345",
        "given_name": "DOBBEL",
        "family_name": "LEGE",
        "hpr_number": "1234567",
        "authorizations": [approval, nurse],
    }
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)
    told = rp.user_info(access_token(rp, test_pid="01815012345")).json
    assert told[HPR_DETAILS] == {"approvals": [approval, nurse], "hpr_number": 1_234_567, "no_hpr_number": False}


@pytest.mark.covers("user-info.hpr-details.none")
def test_a_person_without_hpr_number_has_empty_details(rp: RelyingParty) -> None:
    told = rp.user_info(access_token(rp, test_pid="01818038204")).json
    assert told[HPR_DETAILS] == {"approvals": [], "no_hpr_number": True}
    assert HPR_NUMBER not in told


@pytest.mark.covers("user-info.hpr-details.scope")
def test_no_details_without_the_scope(rp: RelyingParty) -> None:
    assert HPR_DETAILS not in rp.user_info(access_token(rp, scope="openid profile")).json


@pytest.mark.covers("user-info.hpr-details.fresh")
def test_the_register_is_asked_anew_at_each_call(sts: Emulator, rp: RelyingParty) -> None:
    token = access_token(rp)
    document = {"pid": "06828399789", "given_name": "KVART", "family_name": "GREVLING", "hpr_number": "7654321"}
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)
    told = rp.user_info(token).json
    assert told[HPR_DETAILS] == {"approvals": [], "hpr_number": 7_654_321, "no_hpr_number": False}


@pytest.mark.covers("user-info.of-its-login")
def test_two_logins_of_one_second_are_told_apart(rp: RelyingParty) -> None:
    browser = rp.browser()
    tokens = []
    for level in ("4", "3"):
        login = Login()
        code = rp.log_in(login, {"test_security_level": level}, browser)["code"]
        tokens.append(rp.redeem(login, code).json)
    for level, each in zip(("4", "3"), tokens, strict=True):
        assert decode(each["id_token"])[1][SECURITY_LEVEL] == level
        assert rp.user_info(each["access_token"]).json[SECURITY_LEVEL] == level


# How the token is shown


@pytest.mark.covers("contract.76")
@pytest.mark.covers("user-info.bearer")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bound_token_is_taken_as_bearer(rp: RelyingParty, scheme: str) -> None:
    answer = rp.tokens()
    assert "cnf" in answer.claims
    assert rp.user_info(answer.json["access_token"], scheme=scheme).json["sub"] == SUB


@pytest.mark.covers("contract.76")
@pytest.mark.covers("user-info.bearer.proof-ignored")
def test_a_proof_beside_bearer_is_not_judged(rp: RelyingParty) -> None:
    token = access_token(rp)
    assert rp.user_info(token, proof={"ath": ABSENT}).status == 200
    headers = {"Authorization": f"Bearer {token}", "DPoP": "nonsense"}
    assert call(rp, headers).status == 200


@pytest.mark.covers("user-info.bearer")
def test_a_bearer_token_is_taken_as_bearer(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    assert rp.user_info(bare_token(rp)).json["sub"] == SUB


def bare_token(rp: RelyingParty) -> str:
    """A token that is bound to no key."""
    login = Login()
    form = {
        "grant_type": "authorization_code",
        "code": rp.log_in(login)["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    answer = rp.machine.post(rp.machine.form(rp.machine.assertion(), form))
    assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
    token: str = answer.json["access_token"]
    return token


@pytest.mark.covers("user-info.form")
def test_the_token_may_stand_in_a_form(rp: RelyingParty) -> None:
    token = access_token(rp)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = call(rp, headers, "POST", urlencode({"access_token": token}).encode())
    assert (answer.status, answer.json["sub"]) == (200, SUB)


@pytest.mark.covers("user-info.form")
def test_a_post_may_carry_the_token_in_its_header(rp: RelyingParty) -> None:
    answer = call(rp, {"Authorization": f"Bearer {access_token(rp)}"}, "POST")
    assert (answer.status, answer.json["sub"]) == (200, SUB)


@pytest.mark.covers("user-info.query")
def test_the_token_may_not_stand_in_the_address(rp: RelyingParty) -> None:
    answer = rp.machine.transport.send("GET", f"{USERINFO}?access_token={access_token(rp)}")
    refused(answer, INVALID)


@pytest.mark.covers("contract.76")
@pytest.mark.covers("user-info.dpop")
def test_a_bound_token_is_taken_with_its_proof(rp: RelyingParty) -> None:
    token = access_token(rp)
    answer = rp.user_info(token, scheme="DPoP", proof={})
    assert answer.status == 200
    assert answer.json == rp.user_info(token).json
    assert "dpop-nonce" not in answer.headers


@pytest.mark.covers("user-info.dpop")
def test_the_htm_of_a_post_is_post(rp: RelyingParty) -> None:
    token = access_token(rp)
    statuses = []
    for htm in ("POST", "GET"):
        claims = {"htm": htm, "htu": "http://localhost:8080/connect/userinfo", "ath": ath_of(token), "nonce": ABSENT}
        headers = {"Authorization": f"DPoP {token}", "DPoP": rp.machine.proof(claims=claims)}
        statuses.append(call(rp, headers, "POST").status)
    assert statuses == [200, 401]


def ath_of(token: str) -> str:
    """The ``ath`` of a token."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "htm": {"htm": "POST"},
    "no htm": {"htm": ABSENT},
    "htu of the token endpoint": {"htu": "http://localhost:8080/connect/token"},
    "htu elsewhere": {"htu": "https://elsewhere.example/connect/userinfo"},
    "no htu": {"htu": ABSENT},
    "ath of another token": {"ath": ath_of("another")},
    "no ath": {"ath": ABSENT},
    "ath is no text": {"ath": 7},
    "no jti": {"jti": ABSENT},
    "no iat": {"iat": ABSENT},
}


@pytest.mark.covers("contract.76")
@pytest.mark.covers("user-info.dpop.wrong-proof")
@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS.keys())
def test_each_wrong_claim_of_a_proof_is_refused(rp: RelyingParty, claims: dict[str, Any]) -> None:
    refused_dpop(rp.user_info(access_token(rp), scheme="DPoP", proof=claims))


def refused_dpop(answer: Answer, error: str = "invalid_dpop_proof") -> None:
    assert (answer.status, answer.content) == (401, b"")
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("DPoP ")
    assert f'error="{error}"' in challenge
    assert 'algs="RS256 ' in challenge


@pytest.mark.covers("user-info.dpop.wrong-proof")
def test_another_key_is_refused(rp: RelyingParty) -> None:
    answer = rp.user_info(access_token(rp), scheme="DPoP", proof={}, jwk=private_jwk("ES256", 9))
    refused_dpop(answer, "invalid_token")


def proof_for(machine: Machine, token: str, **changes: Any) -> str:
    claims = {"htm": "GET", "htu": machine.issuer + USERINFO, "ath": ath_of(token), "nonce": ABSENT}
    return machine.proof(claims=claims, **changes)


def headers_wrong(machine: Machine) -> dict[str, dict[str, Any]]:
    other: Jwk = private_jwk("ES256", 9)
    return {
        "typ": {"header": {"typ": "JWT"}},
        "no typ": {"header": {"typ": ABSENT}},
        "alg none": {"alg": "none"},
        "signed by another key": {"jwk": other, "header": {"jwk": public_jwk(machine.proof_jwk)}},
        "private key": {"header": {"jwk": machine.proof_jwk}},
        "no key": {"header": {"jwk": ABSENT}},
    }


@pytest.mark.covers("user-info.dpop.wrong-proof")
@pytest.mark.parametrize("fault", ["typ", "no typ", "alg none", "signed by another key", "private key", "no key"])
def test_each_wrong_header_of_a_proof_is_refused(rp: RelyingParty, fault: str) -> None:
    token = access_token(rp)
    proof = proof_for(rp.machine, token, **headers_wrong(rp.machine)[fault])
    refused_dpop(call(rp, {"Authorization": f"DPoP {token}", "DPoP": proof}))


@pytest.mark.covers("user-info.dpop.wrong-proof")
@pytest.mark.parametrize("age", [0, 181, 300])
def test_a_proof_works_once_for_as_long_as_it_would_be_taken(sts: Emulator, rp: RelyingParty, age: int) -> None:
    token = access_token(rp)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof_for(rp.machine, token)}
    assert call(rp, headers).status == 200
    sts.clock.advance(age)
    # Another call writes, and what is over is swept with it.
    assert rp.user_info(token, scheme="DPoP", proof={}).status == 200
    answer = call(rp, headers)
    refused_dpop(answer)
    assert answer.rule == "dpop.single-use"


@pytest.mark.covers("user-info.dpop.one-proof")
@pytest.mark.parametrize("proofs", [0, 2])
def test_there_must_be_one_proof(rp: RelyingParty, proofs: int) -> None:
    token = access_token(rp)
    headers = [("Authorization", f"DPoP {token}")]
    headers += [("DPoP", proof_for(rp.machine, token)) for _ in range(proofs)]
    refused_dpop(call(rp, headers), "invalid_token")


@pytest.mark.covers("user-info.dpop.wrong-proof")
@pytest.mark.parametrize("proof", ["nonsense", "a.b.c"])
def test_an_unreadable_proof_is_refused(rp: RelyingParty, proof: str) -> None:
    refused_dpop(call(rp, {"Authorization": f"DPoP {access_token(rp)}", "DPoP": proof}))


@pytest.mark.covers("user-info.dpop.unbound-token")
def test_a_token_without_key_is_refused_in_the_dpop_scheme(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    refused_dpop(rp.user_info(bare_token(rp), scheme="DPoP", proof={}), "invalid_token")


# Refusals


@pytest.mark.covers("contract.76")
@pytest.mark.covers("user-info.no-token")
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"Authorization": "Basic d2ViOg=="}]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_token(rp: RelyingParty, headers: dict[str, str], method: str) -> None:
    refused(call(rp, headers, method), INVALID)


@pytest.mark.covers("contract.76")
@pytest.mark.covers("user-info.bad-token")
@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "e30.e30.", "æ"])
def test_what_is_no_token(rp: RelyingParty, token: str) -> None:
    refused(call(rp, {"Authorization": f"Bearer {token}"}), INVALID)


@pytest.mark.covers("user-info.bad-token")
def test_an_id_token_or_refresh_token_is_no_access_token(rp: RelyingParty) -> None:
    tokens = rp.tokens().json
    refused(rp.user_info(tokens["id_token"]), INVALID)
    refused(rp.user_info(tokens["refresh_token"]), INVALID)


@pytest.mark.covers("user-info.bad-token")
def test_a_changed_token_is_refused(rp: RelyingParty) -> None:
    header, body, signature = access_token(rp).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = b64(json.dumps({**claims, "exp": claims["exp"] + 1}).encode())
    refused(rp.user_info(f"{header}.{changed}.{signature}"), INVALID)
    unsigned = b64(json.dumps({"alg": "none", "typ": "at+jwt"}).encode())
    refused(rp.user_info(f"{unsigned}.{body}."), INVALID)


@pytest.mark.covers("user-info.expired")
@pytest.mark.parametrize(("age", "status"), [(599, 200), (600, 401)])
def test_an_expired_token_is_told_so(sts: Emulator, rp: RelyingParty, age: int, status: int) -> None:
    token = access_token(rp)
    sts.clock.advance(age)
    answer = rp.user_info(token)
    assert answer.status == status
    if status == 401:
        refused(answer, INVALID + ',error_description="The access token expired"')


@pytest.mark.covers("user-info.machine")
def test_a_machines_token_tells_of_nobody(sts: Emulator) -> None:
    machine = sts.client("machine")
    token = machine.token().json["access_token"]
    refused(RelyingParty(machine).user_info(token), INVALID)


@pytest.mark.covers("user-info.openid")
def test_a_token_without_openid_is_not_enough(rp: RelyingParty) -> None:
    answer = rp.user_info(access_token(rp, scope="test:api/read offline_access"))
    refused(answer, 'Bearer realm="IdentityServer",error="insufficient_scope"', 403)


@pytest.mark.covers("user-info.narrowed")
def test_a_narrowed_token_is_not_enough(rp: RelyingParty) -> None:
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login)["code"], {"resource": "test:api"}).json
    refused(rp.user_info(tokens["access_token"]), 'Bearer realm="IdentityServer",error="insufficient_scope"', 403)
    whole = rp.refresh(tokens["refresh_token"]).json["access_token"]
    assert rp.user_info(whole).status == 200


@pytest.mark.covers("resource.keep-identity-scopes")
def test_unless_the_settings_keep_identity_scopes(worlds: Worlds) -> None:
    sts = worlds.make(keep_identity_scopes=True)
    register_api(sts.store, "test:api", scopes=["test:api/read"])
    rp = web_client(
        sts, scope="openid profile offline_access test:api/read other:api/read helseid://scopes/client/info"
    )
    rp.scopes = "openid profile offline_access test:api/read other:api/read helseid://scopes/client/info"
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"], {"resource": "test:api"})
    assert answer.claims["aud"] == "test:api"
    assert answer.json["scope"] == "openid profile offline_access test:api/read"
    assert rp.user_info(answer.json["access_token"]).json["name"]
    again = rp.refresh(answer.json["refresh_token"], {"resource": "test:api", "scope": "openid test:api/read"})
    assert again.claims["scope"] == ["openid", "test:api/read"]


@pytest.mark.covers("user-info.methods")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(rp: RelyingParty, method: str) -> None:
    assert call(rp, {"Authorization": f"Bearer {access_token(rp)}"}, method).status == 405
