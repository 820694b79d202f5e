"""NHN's test-token service: what its real callers send, and what each of them reads of the answer."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.token_orders.members import REQUEST, ProofDefect, word_of
from mock_sts.protocol.dpop import read_dpop_proof
from mock_sts.protocol.jose import import_public_key, read_jws, sha256_base64url
from mock_sts.protocol.signed_jwt import Signature
from mock_sts.services.registry.people import sub_of
from mock_sts.setup import prepare_store
from tests.support.databases import copy_database, remove_database
from tests.support.emulator import START, Emulator, LiveServer, Worlds, settings_for, shipped_database
from tests.support.environments import neighbour
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer

PATH = "/v2/create-test-token-with-key"
V1 = "/create-test-token-with-key"
KEY = {"X-Auth-Key": "any-key"}
CALLERS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "support" / "data" / "token_service_requests.json").read_text()
)
PROOF = {"htuClaimValue": "https://api.example/x", "htmClaimValue": "GET"}

PARENT = "helseid://claims/client/claims/orgnr_parent"
PID = "helseid://claims/identity/pid"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One with the shipped world; no test leaves anything that another would see."""
    path = tmp_path_factory.mktemp("shipped") / "world.sqlite"
    copy_database(shipped_database(), path)
    made = Emulator(settings_for(path))
    yield made
    made.close()
    remove_database(path)


@dataclass
class Reply:
    """The answer as the strictest caller reads it: each member is there, and of its type."""

    answer: Answer

    @property
    def token(self) -> str:
        assert self.answer.status == 200, self.answer.content
        body = self.answer.json
        assert body["isError"] is False and body["errorResponse"] is None
        success = body["successResponse"]
        # One that is missing, or an empty text, makes NHN's demo program end.
        assert set(success) == {"accessTokenJwt", "dPoPProof"} and success["dPoPProof"] != ""
        token: str = success["accessTokenJwt"]
        return token

    @property
    def proof(self) -> str | None:
        proof: str | None = self.answer.json["successResponse"]["dPoPProof"]
        return proof

    @property
    def header(self) -> dict[str, Any]:
        return decoded(self.token, 0)

    @property
    def claims(self) -> dict[str, Any]:
        return decoded(self.token, 1)

    def refused(self, status: int, *members: str) -> None:
        body = self.answer.json
        assert self.answer.status == status == body["status"]
        assert body["isError"] is True and body["successResponse"] is None
        assert {"type", "title", "detail", "instance"} <= set(body)
        assert set(body["errors"]) == set(members), body
        for member in members:
            assert member in body["detail"] and member in body["errorResponse"]["errorMessage"]


def decoded(token: str, part: int) -> dict[str, Any]:
    text = token.split(".")[part]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def order(
    emulator: Emulator, body: object, headers: Mapping[str, str] = KEY, path: str = PATH, raw: bytes | None = None
) -> Reply:
    sent = json.dumps(body).encode() if raw is None else raw
    return Reply(emulator.transport.send("POST", path, {"Content-Type": "application/json", **headers}, sent))


def ordered(emulator: Emulator, **members: Any) -> Reply:
    return order(emulator, {"audience": "nhn:some:api", **members})


# The callers.


@pytest.mark.covers("token-service.callers")
@pytest.mark.parametrize("caller", CALLERS, ids=[caller["caller"] for caller in CALLERS])
def test_each_real_caller_gets_what_it_reads(emulator: Emulator, caller: dict[str, Any]) -> None:
    reply = order(emulator, caller["body"], caller["headers"], caller["path"])
    body = {name.lower(): value for name, value in caller["body"].items()}
    assert read_jws(reply.token).signing_input.isascii()
    assert reply.token.isascii() and base64.urlsafe_b64decode(reply.token.split(".")[1] + "==").isascii()
    assert reply.claims["aud"] == body.get("audience", caller["headers"].get("Audience"))
    assert reply.claims["iss"] == emulator.issuer
    assert emulator.sts.keyring.verify(read_jws(reply.token))
    if body.get("createdpoptokenwithdpopproof"):
        assert reply.proof is not None
        proof = read_dpop_proof(reply.proof)
        wanted = {name.lower(): value for name, value in body["dpopproofparameters"].items()}
        assert (proof.target, proof.method) == (wanted["htuclaimvalue"], wanted["htmclaimvalue"])
        assert proof.signature is Signature.VERIFIED and reply.claims["cnf"] == {"jkt": proof.thumbprint}
        assert proof.jws.claims["ath"] == sha256_base64url(reply.token.encode())
        assert "nonce" not in proof.jws.claims
    else:
        assert reply.proof is None and "cnf" not in reply.claims


def test_a_body_in_chunks_is_read(live: LiveServer) -> None:
    chunks = (part for part in (b'{"audience":', b'"nhn:some:api"}'))
    headers = {**KEY, "Content-Type": "application/json"}
    answer = requests.post(live.issuer + PATH, data=chunks, headers=headers, timeout=60)
    assert answer.status_code == 200 and answer.json()["isError"] is False


# Claims.


@pytest.mark.covers("token-service.defaults")
def test_only_an_audience_gives_the_documented_token(emulator: Emulator) -> None:
    reply = ordered(emulator)
    claims = reply.claims
    assert {name: claims.pop(name) for name in ("jti", "sid")}.keys() == {"jti", "sid"}
    sub = sub_of("03678826129")
    assert claims == {
        "iss": emulator.issuer,
        "nbf": START,
        "iat": START,
        "exp": START + 600,
        "aud": "nhn:some:api",
        "scope": ["nhn:test-token-tjeneste/scope"],
        "amr": ["pwd"],
        "client_id": "88373475-cfb9-41d6-98c3-a88f092b794b",
        "client_amr": "private_key_jwt",
        PARENT: "994598759",
        "sub": sub,
        "idp": "testidp-oidc",
        PID: "03678826129",
        "helseid://claims/identity/pid_pseudonym": sub,
        "helseid://claims/identity/security_level": "4",
        "helseid://claims/identity/assurance_level": "high",
        "helseid://claims/hpr/hpr_number": "12345678",
        "name": "GRANULERT NILFISK",
        "helseid://claims/identity/network": "internett",
        "helseid://claims/client/client_name": "ACME Client",
        "helseid://claims/client/amr": "rsa_private_key",
    }
    assert list(reply.header) == ["alg", "kid", "x5t", "typ"] and reply.header["typ"] == "JWT"


@pytest.mark.covers("token-service.defaults")
@pytest.mark.parametrize(
    ("mode", "without", "client", "name"),
    [
        (None, False, "superman", "GRANULERT NILFISK"),
        (None, True, "superman", None),
        (0, False, None, None),
        (0, True, None, None),
        (1, False, "88373475-cfb9-41d6-98c3-a88f092b794b", "GRANULERT NILFISK"),
        (1, True, None, None),
        (2, False, "superman", None),
        ("2", True, "superman", None),
        (3, False, "superman", "GRANULERT NILFISK"),
        ("3", True, "superman", None),
        ("generatedefaultwithclaimsfromnonemptyparametervalues", False, "superman", "GRANULERT NILFISK"),
        ("GenerateOnlyDefault", False, "88373475-cfb9-41d6-98c3-a88f092b794b", "GRANULERT NILFISK"),
    ],
)
def test_how_claims_are_made(
    emulator: Emulator, mode: object, without: bool, client: str | None, name: str | None
) -> None:
    claims = ordered(
        emulator,
        clientClaimsParametersGeneration=mode,
        userClaimsParametersGeneration=mode,
        withoutDefaultClientClaims=without,
        withoutDefaultUserClaims=without,
        clientClaimsParameters={"clientId": "superman"},
        userClaimsParameters={"network": "helsenett"},
    ).claims
    assert claims.get("client_id") == client and claims.get("name") == name
    takes = client == "superman"
    assert claims.get("helseid://claims/identity/network") == ("helsenett" if takes else "internett" if name else None)


@pytest.mark.parametrize("empty", [None, "", []])
def test_what_is_empty_counts_as_absent(emulator: Emulator, empty: object) -> None:
    claims = ordered(emulator, clientClaimsParameters={"scope": empty, "clientName": empty}, apiSpecificClaims=empty)
    assert claims.claims["scope"] == ["nhn:test-token-tjeneste/scope"]
    assert claims.claims["helseid://claims/client/client_name"] == "ACME Client"


@pytest.mark.parametrize(
    "body",
    [
        {"AUDIENCE": "a", "CLIENTCLAIMSPARAMETERS": {"CLIENTID": "x"}},
        {"audience": "a", "generalClaimsParameters": {"clientId": "x"}},
        {"audience": "a", "GeneralClaimsParameters": {"clientid": "x"}, "clientClaimsParameters": {"jti": "j"}},
    ],
)
def test_letters_and_older_names_do_not_count(emulator: Emulator, body: dict[str, Any]) -> None:
    assert order(emulator, body).claims["client_id"] == "x"


def test_version_1_takes_the_audience_from_a_header_and_makes_no_person(emulator: Emulator) -> None:
    body = {"generalClaimsParametersGeneration": 3}
    reply = order(emulator, body, {**KEY, "Audience": "nhn:x"}, V1)
    assert reply.claims["aud"] == "nhn:x" and PID not in reply.claims
    order(emulator, {"audience": "nhn:x"}, KEY, V1).refused(400, "Audience")


def test_values_are_not_checked(emulator: Emulator) -> None:
    claims = ordered(
        emulator,
        clientClaimsParameters={"clientId": "superman", "orgnrParent": "no number"},
        userClaimsParameters={"pid": "20080012345", "securityLevel": "1337"},
        setSubject=True,
        setPidPseudonym=True,
    ).claims
    assert claims["helseid://claims/identity/security_level"] == "1337"
    assert claims["sub"] == claims["helseid://claims/identity/pid_pseudonym"] == sub_of("20080012345")


def test_every_client_claim(emulator: Emulator) -> None:
    claims = ordered(
        emulator,
        withoutDefaultClientClaims=True,
        withoutDefaultUserClaims=True,
        clientClaimsParameters={
            "scope": ["a", "b"],
            "sfmJournalId": "9c1f",
            "orgnrChild": "2",
            "orgnrSupplier": "3",
            "clientTenancy": True,
            "clientTenancyType": "SingleTenant",
            "authenticationMethodsReferences": ["private_key_jwt", "other"],
            "jti": "own",
        },
        apiSpecificClaims=[{"type": "x/client/claims/y", "value": "1"}],
    ).claims
    for name, value in {
        "scope": ["a", "b"],
        "nhn:sfm:journal-id": "9c1f",
        "nhn:sfm:journal_id": "9c1f",
        "helseid://claims/client/claims/orgnr_child": "2",
        "helseid://claims/client/claims/orgnr_supplier": "3",
        "helseid://claims/client/client_tenancy": "single-tenant",
        "helseid://claims/client/claims/client_tenancy": "single-tenant",
        "client_amr": ["private_key_jwt", "other"],
        "jti": "own",
        "x/client/claims/y": "1",
    }.items():
        assert claims[name] == value
    assert PARENT not in claims and "client_id" not in claims


@pytest.mark.covers("token-service.registers")
def test_registers_know_people_of_the_world_and_invent_others(emulator: Emulator) -> None:
    looked_up = {"getPersonFromPersontjenesten": True, "getHprNumberFromHprregisteret": True}
    known = ordered(emulator, **looked_up, userClaimsParameters={"pid": "05898597468"}).claims
    persona = emulator.sts.people.find("05898597468", invent=False)
    assert known["given_name"] == persona.given_name
    assert known["helseid://claims/hpr/hpr_number"] == persona.hpr_number
    invented = [ordered(emulator, **looked_up, userClaimsParameters={"pid": "20080012345"}).claims for _ in "12"]
    numbers = {claims["helseid://claims/hpr/hpr_number"] for claims in invented}
    assert len(numbers) == 1 and len(numbers.pop()) == 9
    assert invented[0]["name"] == invented[1]["name"] != "GRANULERT NILFISK"
    alone = {"getPersonFromPersontjenesten": True, "onlySetNameForPerson": True}
    only_name = ordered(emulator, **alone, userClaimsParameters={"pid": "05898597468"}).claims
    assert only_name["name"] == known["name"] and "given_name" not in only_name
    ordered(emulator, **looked_up, userClaimsParameters={"pid": "x"}).refused(404, "userClaimsParameters.pid")


WHOLE: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "goldens" / "token_service.json").read_text())


@pytest.mark.covers("token-service.defaults")
@pytest.mark.parametrize("whole", WHOLE, ids=[one["case"] for one in WHOLE])
def test_whole_tokens_are_as_the_documentation_has_them(emulator: Emulator, whole: dict[str, Any]) -> None:
    """The file was typed from NHN's printed token, its samples and its parsers; in the order of recorded tokens."""
    reply = order(emulator, whole["body"])
    known = {
        "<issuer>": emulator.issuer,
        "<now>": START,
        "<now+600>": START + 600,
        "<now+172800>": START + 172_800,
        "<sub>": sub_of("03678826129"),
        "<sub of 20080012345>": sub_of("20080012345"),
    }
    claims = reply.claims
    expected = {
        name: known.get(value, value) if isinstance(value, str) else value for name, value in whole["claims"].items()
    }
    for name in [name for name, value in whole["claims"].items() if value == "<id>"]:
        assert re.fullmatch("[0-9A-F]{32}", claims[name])
        expected[name] = claims[name]
    assert claims == expected and reply.header["typ"] == whole["typ"]
    assert list(claims) == list(expected)


# Times, headers, defects.


@pytest.mark.parametrize(
    ("times", "life"),
    [
        ({}, 600),
        ({"expirationTimeInSeconds": 5}, 5),
        ({"expirationTimeInSeconds": "5"}, 5),
        ({"expirationTimeInDays": 2}, 172_800),
        ({"expirationTimeInSeconds": 600, "expirationTimeInDays": 2}, 172_800),
        ({"expirationTimeInSeconds": 600, "expirationTimeInDays": -2147483648}, 600),
        ({"expirationTimeInSeconds": -2147483648, "expirationTimeInDays": 0}, 600),
    ],
)
def test_how_long_a_token_lives(emulator: Emulator, times: dict[str, Any], life: int) -> None:
    assert ordered(emulator, expirationParameters=times).claims["exp"] == START + life


@pytest.mark.covers("token-service.defects")
def test_an_expired_token_lies_in_the_past_as_a_whole(emulator: Emulator) -> None:
    claims = ordered(
        emulator, expirationParameters={"setExpirationTimeAsExpired": True, "expirationTimeInDays": 2}
    ).claims
    assert claims["nbf"] == claims["iat"] < claims["exp"] < START - 300


@pytest.mark.parametrize(("typ", "written"), [("jwt", "JWT"), ("JWT", "JWT"), ("at+jwt", "at+jwt"), ("", "JWT")])
def test_the_typ_can_be_chosen(emulator: Emulator, typ: str, written: str) -> None:
    assert ordered(emulator, headerParameters={"typ": typ}).header["typ"] == written


@pytest.mark.covers("token-service.defects")
def test_each_switch_spoils_one_thing(emulator: Emulator) -> None:
    good = ordered(emulator)
    wrong_key = ordered(emulator, signJwtWithInvalidSigningKey=True)
    assert not emulator.sts.keyring.verify(read_jws(wrong_key.token))
    assert wrong_key.header["kid"] not in {key["kid"] for key in emulator.sts.keyring.public_jwks()}
    for switch, claim in (("setInvalidIssuer", "iss"), ("setInvalidAudience", "aud")):
        spoiled = ordered(emulator, **{switch: True})
        assert emulator.sts.keyring.verify(read_jws(spoiled.token))
        assert spoiled.claims[claim] != good.claims[claim]


@pytest.mark.covers("token-service.proofs")
@pytest.mark.parametrize("defect", ProofDefect, ids=word_of)
@pytest.mark.parametrize("form", ["number", "word", "text"])
def test_each_defect_of_a_proof(emulator: Emulator, defect: ProofDefect, form: str) -> None:
    said = {"number": defect.value, "word": word_of(defect), "text": str(defect.value)}[form]
    reply = ordered(
        emulator,
        createDPoPTokenWithDPoPProof=True,
        dPoPProofParameters={**PROOF, "invalidDPoPProofParameters": said},
    )
    assert reply.proof is not None
    header, claims = decoded(reply.proof, 0), decoded(reply.proof, 1)
    bound = reply.claims["cnf"]["jkt"]
    proof = read_dpop_proof(reply.proof)
    wrong = {
        name
        for name, is_so in {
            "htu": claims.get("htu") != PROOF["htuClaimValue"],
            "htm": claims.get("htm") != "GET",
            "past": claims["iat"] < START - 60,
            "future": claims["iat"] > START + 60,
            "ath": claims.get("ath") != sha256_base64url(reply.token.encode()),
            "alg": header.get("alg") != "ES256",
            "jwk": "jwk" not in header,
            "jti": not claims.get("jti"),
            "private": "d" in header.get("jwk", {}),
            "typ": header.get("typ") != "dpop+jwt",
            "signature": proof.signature is Signature.FAILED and header.get("alg") == "ES256",
            "bound": proof.key is not None and bound != proof.thumbprint,
        }.items()
        if is_so
    }
    expected = {
        0: set(), 1: {"htu"}, 2: {"htm"}, 3: {"past"}, 4: {"future"}, 5: {"ath"}, 6: {"alg"}, 7: {"jwk"},
        8: {"jti"}, 9: {"alg"}, 10: {"private"}, 11: {"typ"}, 12: {"signature"}, 13: {"bound"},
    }  # fmt: skip
    assert wrong == expected[defect.value]


@pytest.mark.covers("token-service.proofs")
@pytest.mark.parametrize("kind", ["RS256", "PS384", "ES256", "ES512"])
def test_a_key_of_the_callers_own_signs_the_proof(emulator: Emulator, kind: str) -> None:
    key = private_jwk(kind, 4)
    for own in (key, {name: value for name, value in key.items() if name != "alg"}):
        parameters = {**PROOF, "privateKeyForProofCreation": json.dumps(own)}
        reply = ordered(emulator, createDPoPTokenWithDPoPProof=True, dPoPProofParameters=parameters)
        assert reply.proof is not None
        proof = read_dpop_proof(reply.proof)
        assert proof.signature is Signature.VERIFIED and not proof.key_is_private
        assert reply.claims["cnf"]["jkt"] == proof.thumbprint == import_public_key(public_jwk(key)).thumbprint
        assert proof.algorithm == own.get("alg", "PS256" if kind[:2] in ("RS", "PS") else kind)


@pytest.mark.parametrize("unless", [1, 2])
def test_a_member_may_be_missing_that_the_defect_takes_away(emulator: Emulator, unless: int) -> None:
    name = {1: "htuClaimValue", 2: "htmClaimValue"}[unless]
    parameters = {**PROOF, name: "", "invalidDPoPProofParameters": unless}
    assert ordered(emulator, createDPoPTokenWithDPoPProof=True, dPoPProofParameters=parameters).proof


def test_a_token_can_be_bound_to_a_key_that_only_the_caller_has(emulator: Emulator) -> None:
    key = public_jwk(private_jwk("ES256", 7))
    by_key = ordered(emulator, clientClaimsParameters={"cnfPublicKey": json.dumps(key)})
    jkt = import_public_key(key).thumbprint
    assert by_key.claims["cnf"] == {"jkt": jkt} and by_key.proof is None
    assert ordered(emulator, clientClaimsParameters={"cnfJkt": "as given"}).claims["cnf"] == {"jkt": "as given"}


def test_a_token_of_an_exchange_names_the_actor(emulator: Emulator) -> None:
    said = {"issuer": "https://i", "clientId": "actor", "orgnrParent": "1"}
    act = ordered(emulator, createTokenExchangeClaims=True, tokenExchangeParameters=said).claims["act"]
    assert act == {"iss": "https://i", "client_id": "actor", PARENT: "1"}


@pytest.mark.covers("token-service.trust-framework")
def test_the_trust_framework_has_defaults_and_can_be_cut(emulator: Emulator) -> None:
    claim = "nhn:tillitsrammeverk:parameters"
    whole = ordered(emulator, createTillitsrammeverkClaims=True).claims[claim]
    assert set(whole["practitioner"]) == {
        "identifier", "hpr_nr", "authorization", "legal_entity", "point_of_care", "department"
    }  # fmt: skip
    assert whole["practitioner"]["identifier"]["id"] == "03678826129"
    assert whole["care_relationship"]["decision_ref"]["user_selected"] is True
    cut = {
        f"dontSet{part}": True
        for part in (
            "PractitionerHprNr", "PractitionerAuthorization", "PractitionerDepartment",
            "CareRelationshipHealthcareService", "CareRelationshipPurposeOfUseDetails",
            "PatientsPointOfCare", "PatientsDepartment",
        )
    }  # fmt: skip
    said = {
        "practitionerLegalEntityId": "958935420",
        "practitionerLegalEntityName": "Fake entity",
        "careRelationshipPurposeOfUseCode": "BTG",
        "careRelationshipTracingRefId": "older name",
    }
    small = ordered(
        emulator, createTillitsrammeverkClaims=True, tillitsrammeverkClaimsParameters={**cut, **said}
    ).claims[claim]
    assert set(small["practitioner"]) == {"identifier", "legal_entity", "point_of_care"}
    assert small["practitioner"]["legal_entity"]["name"] == "Fake entity"
    assert set(small["care_relationship"]) == {"purpose_of_use", "decision_ref"}
    assert small["care_relationship"]["purpose_of_use"]["text"] == "Nødrett"
    assert small["care_relationship"]["decision_ref"]["id"] == "older name"
    assert small["patients"] == [{}]


# What is refused.


@pytest.mark.covers("token-service.refusals")
@pytest.mark.parametrize(
    ("members", "faulty"),
    [
        ({"audience": ""}, ["audience"]),
        ({"audience": 5}, ["audience"]),
        ({"setInvalidIssuer": "yes"}, ["setInvalidIssuer"]),
        ({"userClaimsParametersGeneration": "nope"}, ["userClaimsParametersGeneration"]),
        ({"userClaimsParametersGeneration": 4}, ["userClaimsParametersGeneration"]),
        ({"clientClaimsParameters": {"scope": "a b"}}, ["clientClaimsParameters.scope"]),
        ({"clientClaimsParameters": []}, None),
        ({"clientClaimsParameters": [1]}, ["clientClaimsParameters"]),
        ({"userClaimsParameters": {"pid": 5}}, ["userClaimsParameters.pid"]),
        ({"expirationParameters": {"expirationTimeInDays": 1.5}}, ["expirationParameters.expirationTimeInDays"]),
        ({"expirationParameters": {"expirationTimeInDays": 99_999}}, ["expirationParameters.expirationTimeInDays"]),
        ({"expirationParameters": {"expirationTimeInSeconds": -5}}, ["expirationParameters.expirationTimeInSeconds"]),
        ({"headerParameters": {"typ": "x"}}, ["headerParameters.typ"]),
        ({"setPidPseudonym": True}, ["userClaimsParameters.pid"]),
        ({"setSubject": True}, ["userClaimsParameters.pid", "clientClaimsParameters.clientId"]),
        ({"getPersonFromPersontjenesten": True}, ["userClaimsParameters.pid"]),
        (
            {"getPersonFromPersontjenesten": True, "userClaimsParameters": {"pid": "05898597468", "name": "x"}},
            ["userClaimsParameters.name"],
        ),
        (
            {"getHprNumberFromHprregisteret": True, "userClaimsParameters": {"pid": "05898597468", "hprNumber": "1"}},
            ["userClaimsParameters.hprNumber"],
        ),
        ({"createTokenExchangeClaims": True}, ["tokenExchangeParameters"]),
        ({"apiSpecificClaims": [{"type": "x"}]}, ["apiSpecificClaims[0].value"]),
        (
            {"createDPoPTokenWithDPoPProof": True},
            ["dPoPProofParameters.htuClaimValue", "dPoPProofParameters.htmClaimValue"],
        ),
        (
            {"createDPoPTokenWithDPoPProof": True, "dPoPProofParameters": {**PROOF, "privateKeyForProofCreation": "x"}},
            ["dPoPProofParameters.privateKeyForProofCreation"],
        ),
        ({"clientClaimsParameters": {"cnfPublicKey": "{}"}}, ["clientClaimsParameters.cnfPublicKey"]),
        ({"clientClaimsParameters": {"cnfJkt": "x", "cnfPublicKey": "{}"}}, ["clientClaimsParameters.cnfJkt"]),
        (
            {
                "createDPoPTokenWithDPoPProof": True,
                "dPoPProofParameters": PROOF,
                "clientClaimsParameters": {"cnfJkt": "x"},
            },
            ["clientClaimsParameters"],
        ),
    ],
)
def test_what_cannot_be_made_names_the_member(
    emulator: Emulator, members: dict[str, Any], faulty: list[str] | None
) -> None:
    reply = ordered(emulator, **members)
    if faulty is None:
        assert reply.token
    else:
        reply.refused(400, *faulty)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"{" * 5000])
def test_a_body_that_is_no_object_is_refused(emulator: Emulator, raw: bytes) -> None:
    order(emulator, None, raw=raw).refused(400, "")


@pytest.mark.covers("token-service.keys")
def test_a_key_must_be_shown(emulator: Emulator) -> None:
    order(emulator, {"audience": "a"}, {}).refused(401, "X-Auth-Key")
    order(emulator, {"audience": "a"}, {"X-Auth-Key": " "}).refused(401, "X-Auth-Key")
    assert order(emulator, {"audience": "a"}, {"x-auth-key": "anything"}).token


@pytest.mark.covers("token-service.keys")
def test_only_kept_keys_may_be_taken(worlds: Worlds) -> None:
    emulator = worlds.configure(test_token_keys="kept")
    send = emulator.transport.send
    json_type = {"Content-Type": "application/json"}
    order(emulator, {"audience": "a"}).refused(401, "X-Auth-Key")
    assert send("POST", "/api-key", json_type, b'{"key": "any-key", "ownerId": "1"}').status == 200
    assert order(emulator, {"audience": "a"}).token
    assert send("DELETE", "/api-key?apiKey=any-key").status == 200
    order(emulator, {"audience": "a"}).refused(401, "X-Auth-Key")
    assert send("DELETE", "/api-key?apiKey=any-key").status == 404
    for body in (b"{}", b"[]", b'{"key": 5}', b'{"key": "x", "ownerId": 5}'):
        assert send("POST", "/api-key", json_type, body).status == 400


@pytest.mark.covers("token-service.description")
def test_the_service_describes_itself(emulator: Emulator) -> None:
    described = emulator.get("/swagger/v1/swagger.json").json
    assert set(described["paths"]) == {PATH, V1, V1.removesuffix("-with-key"), "/api-key", "/ping"}
    members = described["components"]["schemas"]["TokenRequest"]["properties"]
    assert set(members) == set(REQUEST.members)
    for path in ("/swagger", "/swagger/index.html"):
        page = emulator.get(path)
        assert page.status == 200 and b"createDPoPTokenWithDPoPProof" in page.content
        assert b"Test-token service" in page.content


@pytest.mark.covers("token-service.access-token")
def test_version_1_takes_an_access_token(worlds: Worlds) -> None:
    emulator = worlds.make()
    scope = "nhn:helseid-test-token-tjeneste/tokengenerering-med-clientid"
    machine = emulator.client("ttt", scope=[scope, "my:api/read"])
    token = machine.token(form={"scope": scope}).json["access_token"]
    path = "/create-test-token"

    def shown(access_token: str) -> dict[str, str]:
        claims = {"htm": "POST", "htu": emulator.issuer + path, "ath": sha256_base64url(access_token.encode())}
        proof = machine.proof(claims={**claims, "nonce": ABSENT})
        return {"Authorization": f"DPoP {access_token}", "DPoP": proof}

    assert order(emulator, {}, shown(token), path).claims["aud"] == "my:api"
    assert order(emulator, {}, {**shown(token), "Audience": "other:api"}, path).claims["aud"] == "other:api"
    order(emulator, {}, {}, path).refused(401, "Authorization")
    wrong = machine.token(form={"scope": "my:api/read"}).json["access_token"]
    order(emulator, {}, shown(wrong), path).refused(401, "Authorization")
    emulator.client("two", scope=[scope, "my:api/read", "your:api/read"])
    two = emulator.machine("two", machine.jwk)
    order(emulator, {}, shown(two.token(form={"scope": scope}).json["access_token"]), path).refused(
        400, "Authorization"
    )


@pytest.mark.covers("token-service.keys")
def test_keys_stand_in_fixture_files_and_are_kept_by_the_control_api(tmp_path: Path, worlds: Worlds) -> None:
    own = tmp_path / "own"
    own.mkdir()
    file = own / "test-token-keys.yaml"
    file.write_text('- key: "of a file"\n  owner: "213000012"\n')
    settings = settings_for(tmp_path / "x.sqlite", fixtures=str(own), test_token_keys="kept")
    copy_database(shipped_database(), tmp_path / "x.sqlite")
    prepare_store(settings)
    emulator = Emulator(settings)
    assert order(emulator, {"audience": "a"}, {"X-Auth-Key": "of a file"}).token
    order(emulator, {"audience": "a"}, {"X-Auth-Key": "a/b"}).refused(401, "X-Auth-Key")
    path = "/mock/api/v1/test-token-keys/a%2Fb"
    assert emulator.transport.send("PUT", path).status == 204
    assert order(emulator, {"audience": "a"}, {"X-Auth-Key": "a/b"}).token
    assert [emulator.transport.send("DELETE", path).status for _ in "12"] == [204, 404]
    order(emulator, {"audience": "a"}, {"X-Auth-Key": "a/b"}).refused(401, "X-Auth-Key")
    file.write_text("- key: other\n")
    prepare_store(settings)
    order(emulator, {"audience": "a"}, {"X-Auth-Key": "of a file"}).refused(401, "X-Auth-Key")
    emulator.close()
    for wrong, why in [
        ("key: x\n", "holds a list of keys"),
        ("- x\n", "is a mapping"),
        ("- keys: x\n", "unknown member 'keys'; did you mean 'key'?"),
        ("- owner: x\n", "'key' must be a text"),
        ("- key: x\n  owner: 5\n", "'owner' must be a text"),
    ]:
        file.write_text(wrong)
        with pytest.raises(DocumentError, match=re.escape(why)):
            prepare_store(settings)


def test_ping(emulator: Emulator) -> None:
    answer = emulator.get("/ping")
    assert answer.status == 200 and isinstance(answer.json, str)


@pytest.mark.covers("token-service.journal")
def test_no_private_key_is_kept(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    key = private_jwk("RS256", 4)
    for text in (json.dumps(key), json.dumps(key).replace('"', "'"), json.dumps({**key, "kty": "x"})):
        parameters = {**PROOF, "privateKeyForProofCreation": text}
        for defect in (0, 10):
            ordered(
                emulator,
                createDPoPTokenWithDPoPProof=True,
                dPoPProofParameters={**parameters, "invalidDPoPProofParameters": defect},
            )
    kept = json.dumps(emulator.journal())
    for name in ("d", "p", "q"):
        assert key[name] not in kept and key[name] not in caplog.text


@pytest.mark.covers("token-service.journal")
def test_what_was_ignored_and_what_is_wrong_is_told(emulator: Emulator) -> None:
    ordered(
        emulator, client_id="x", clientClaimsParameters={"nope": 1}, issuerEnvironment="IntTest", setInvalidIssuer=True
    )
    entry = emulator.journal()[0]
    assert entry["endpoint"] == PATH and entry["outcome"] == "granted"
    assert entry["detail"]["ignored_members"] == ["client_id", "clientClaimsParameters.nope"]
    assert entry["detail"]["defects"] == ["wrong_issuer"] and entry["detail"]["order"]["issuerEnvironment"] == 1
    ordered(emulator, audience="")
    assert emulator.journal()[0]["outcome"] == "refused"


# The access token of version 1, settings.


def test_the_issuer_and_typ_are_settings(worlds: Worlds) -> None:
    emulator = worlds.configure(test_token_issuer="https://localhost:8443", tls_port="8443", test_token_typ="at+jwt")
    reply = ordered(emulator)
    assert reply.claims["iss"] == "https://localhost:8443" and reply.header["typ"] == "at+jwt"


@pytest.mark.covers("token-service.environment")
def test_below_an_environment_tokens_are_of_its_issuer_and_key(sts: Emulator) -> None:
    side = neighbour(sts, "w1", fresh_keys=True)
    headers = {"Content-Type": "application/json", **KEY}
    token = Reply(side.transport.send("POST", PATH, headers, b'{"audience": "nhn:some:api"}')).token
    assert decoded(token, 1)["iss"] == f"{sts.issuer}/env/w1"
    jwks = side.get("/.well-known/openid-configuration/jwks").json["keys"]
    assert decoded(token, 0)["kid"] in [key["kid"] for key in jwks]
    assert not sts.sts.keyring.verify(read_jws(token))
    described = side.get("/swagger/v1/swagger.json").json
    assert described["servers"] == [{"url": f"{sts.issuer}/env/w1"}]
