"""Tokens, decoded and kept: ``tests/goldens/tokens/<case>.json``, each with its evidence and source.

The clock stands still; what is random or a key's is written as its kind, ``<jti>``, after its form was checked. To make
the files again, after looking at why they differ: ``REMAKE_GOLDENS=1 pytest tests/journeys/test_token_goldens.py``.
What HelseID's documentation and recordings fix is held against the files here, so that remaking cannot change it.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helseid import details_cases as make
from tests.helseid.details_cases import Element
from tests.support.claims import OF_ID_TOKEN, OF_LOGIN
from tests.support.emulator import START, Emulator, register_api
from tests.support.keys import private_jwk
from tests.support.machine import Answer, decode
from tests.support.relying_party import Login, RelyingParty, web_client

FOLDER = Path(__file__).resolve().parent.parent / "goldens" / "tokens"

REMAKE = "REMAKE_GOLDENS" in os.environ

ORGNR = "helseid://claims/client/claims/orgnr_"
PARENT, CHILD, SUPPLIER = f"{ORGNR}parent", f"{ORGNR}child", f"{ORGNR}supplier"
PID = "helseid://claims/identity/pid"
PSEUDONYM = "helseid://claims/identity/pid_pseudonym"
SECURITY_LEVEL = "helseid://claims/identity/security_level"
ASSURANCE_LEVEL = "helseid://claims/identity/assurance_level"
NETWORK = "helseid://claims/identity/network"
HPR_NUMBER = "helseid://claims/hpr/hpr_number"
CLIENT_NAME, TENANCY = "helseid://claims/client/client_name", "helseid://claims/client/client_tenancy"
JOURNAL, TRUST = "nhn:sfm:journal-id", "nhn:tillitsrammeverk:parameters"
NAMES = ["name", "given_name", "middle_name", "family_name"]

#: The claims of an access token in the order of the reference's table (STS section 16), and whether a machine has it.
TABLE: dict[str, bool] = {
    "iss": True,
    "nbf": True,
    "iat": True,
    "exp": True,
    "aud": True,
    "cnf": True,
    "scope": True,
    "amr": False,
    "client_id": True,
    "client_amr": True,
    PARENT: True,
    CHILD: True,
    JOURNAL: True,
    "sub": False,
    "auth_time": False,
    "idp": False,
    PID: False,
    # Not in the table; its place is ours.
    PSEUDONYM: False,
    SECURITY_LEVEL: False,
    ASSURANCE_LEVEL: False,
    HPR_NUMBER: False,
    **dict.fromkeys(NAMES, False),
    NETWORK: False,
    SUPPLIER: True,
    CLIENT_NAME: True,
    TENANCY: True,
    TRUST: True,
    "sid": False,
    "jti": True,
}

#: The claims of the recorded ID token (FHIW, STS section 17) in order.
RECORDED_ID_TOKEN = [
    *OF_ID_TOKEN,
    *(PID, SECURITY_LEVEL, PSEUDONYM, *NAMES),
]

#: The scopes of the recorded access token (LIB, January 2025, token A of STS section 16) in order.
SCOPES_OF_A = [
    "openid",
    "profile",
    "nhn:test-public-samplecode/authorization-code",
    "helseid://scopes/identity/pid",
    "helseid://scopes/identity/pid_pseudonym",
    "helseid://scopes/identity/assurance_level",
    "helseid://scopes/hpr/hpr_number",
    "helseid://scopes/identity/network",
    "helseid://scopes/identity/security_level",
    "offline_access",
]

DOCTOR, NOBODY_IN_HPR = "15849197352", "44849624072"

TWO = (
    "openid offline_access nhn:test-public-sample-api-1/some-scope nhn:test-public-sample-api-2/some-scope "
    "helseid://scopes/identity/pid"
)

#: What differs from run to run, and its form.
FORMS: dict[str, str] = {
    "jti": r"[0-9A-F]{32}",
    "sid": r"[0-9A-F]{32}",
    "kid": r"[0-9A-F]{40}",
    "x5t": r"[A-Za-z0-9_-]{27}",
    "at_hash": r"[A-Za-z0-9_-]{22}",
    "jkt": r"[A-Za-z0-9_-]{43}",
}

Produce = Callable[[Emulator], Answer]


def machine(value: object, scope: str, **members: Any) -> Produce:
    """A machine that asks for a token with details in its assertion."""

    def produce(sts: Emulator) -> Answer:
        client = sts.client("golden-machine", scope=scope, **members)
        return client.token(form={"scope": scope}, assertion={"claims": {"assertion_details": value}})

    return produce


def log_in(rp: RelyingParty, pid: str, form: dict[str, Any], *details: Element) -> Answer:
    """A login whose code is redeemed a second later, with details in that request's assertion."""
    login = Login(state="state-of-the-golden", nonce="nonce-of-the-golden")
    code = rp.log_in(login, {"test_pid": pid})["code"]
    if rp.machine.advance is not None:
        rp.machine.advance(1)
    claims = {"assertion_details": list(details)} if details else {}
    return rp.redeem(login, code, form, assertion={"claims": claims})


def person(pid: str, scope: str, *details: Element, resource: str | None = None, **members: Any) -> Produce:
    """A person who logs in at a web application."""

    def produce(sts: Emulator) -> Answer:
        rp = web_client(sts, "golden-web", scope=scope, **members)
        rp.scopes = scope
        return log_in(rp, pid, {} if resource is None else {"resource": resource}, *details)

    return produce


def second_api(sts: Emulator) -> Answer:
    """The refresh for the second API, after a code was redeemed for the first."""
    first = person(DOCTOR, TWO, resource="nhn:test-public-sample-api-1")(sts)
    rp = RelyingParty(sts.machine("golden-web", private_jwk("ES256", 1)))
    form = {"resource": "nhn:test-public-sample-api-2"}
    return rp.refresh(first.json["refresh_token"], form)


def sfm(sts: Emulator) -> Answer:
    register_api(
        sts.store,
        "e-helse:sfm.api",
        scopes=["e-helse:sfm.api/sfm.api"],
        claims=[PID, SECURITY_LEVEL, ASSURANCE_LEVEL, HPR_NUMBER, *NAMES, CLIENT_NAME],
        access_token_lifetime=3600,
    )
    sent = [make.parent("917897468"), make.journal()]
    members: dict[str, Any] = {"tenancy": "multi-tenant", "organization": "994598759", "delegations": ["917897468"]}
    return person(DOCTOR, "openid offline_access e-helse:sfm.api/sfm.api", *sent, **members)(sts)


def exchange(sts: Emulator) -> Answer:
    """An API that got a person's token exchanges it for the next API."""
    own, scope = "nhn:test-public-samplecode-for-token-exchange", "nhn:test-public-samplecode/authorization-code"
    members = {"tenancy": "single-tenant", "organization": "999977774"}
    received = person(DOCTOR, f"openid {own}/token-exhange-endpoint", **members)(sts)
    token_exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    actor = sts.client(
        "golden-actor",
        private_jwk("ES256", 3),
        grant_types=[token_exchange],
        scope=scope,
        tenancy="single-tenant",
        organization="994598759",
    )
    form = {
        "grant_type": token_exchange,
        "subject_token": received.json["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": scope,
    }
    return actor.token(form=form)


SINGLE = {"tenancy": "single-tenant", "organization": "999977774", "children": ["999977775"]}
MULTI = {"tenancy": "multi-tenant", "organization": "313745392", "delegations": ["999977774"]}
MACHINE_SCOPE = "nhn:test-public-samplecode/client-credentials"

#: Name to evidence, source, and how the token comes about.
CASES: dict[str, tuple[list[str], str, Produce]] = {
    "machine-single-tenant-child": (
        ["documented", "inferred"],
        "STS 16 (table) and 21.1; no recording of a machine's token is known",
        machine(make.child("999977775"), MACHINE_SCOPE, **SINGLE),
    ),
    "machine-multi-tenant": (
        ["documented", "inferred"],
        "STS 16 (table) and 21.2; no recording of a machine's token is known",
        machine([make.parent("999977774", "999977776")], MACHINE_SCOPE, **MULTI),
    ),
    "sfm": (
        ["documented", "seen"],
        "STS 16 (table; tokens C to E: numbers and lifetime of C, names in their order) and 21.3",
        sfm,
    ),
    "person-with-hpr": (
        ["seen"],
        "STS 16: token A, recorded in LIB in January 2025; STS 17: ID token recorded in FHIW in February 2025",
        person(DOCTOR, " ".join(SCOPES_OF_A)),
    ),
    "person-without-hpr": (
        ["documented", "inferred"],
        "STS 16 (table) and 24: hpr_number is absent where the person has none",
        person(NOBODY_IN_HPR, " ".join(SCOPES_OF_A)),
    ),
    "two-resources": (["documented", "seen"], "STS 20: an aud array where no resource is named", person(DOCTOR, TWO)),
    "two-resources-first": (
        ["documented", "inferred"],
        "STS 20: one API by resource, with the code; the scopes as the product keeps them (Q10)",
        person(DOCTOR, TWO, resource="nhn:test-public-sample-api-1"),
    ),
    "two-resources-second": (
        ["documented", "inferred"],
        "STS 20: the other API by resource, with the refresh token; the scopes as the product keeps them (Q10)",
        second_api,
    ),
    "trust-framework": (
        ["documented", "seen", "inferred"],
        "STS 21.4: members of NHN's parser (XCA), values of TIL's examples, further texts inferred (Q16)",
        person(
            "06828399789",
            "openid offline_access nhn:kjernejournal/tillitsrammeverk",
            make.trust_framework(),
            tenancy="single-tenant",
            organization="213000012",
        ),
    ),
    "exchange": (["documented", "inferred"], "STS 22; the order of the members is inferred", exchange),
}


def normalised(value: Any, name: str = "") -> Any:
    """``value`` with what is random or a key's written as its kind. Its form is checked on the way."""
    if isinstance(value, dict):
        return {member: normalised(inner, member) for member, inner in value.items()}
    if name in FORMS:
        assert isinstance(value, str)
        assert re.fullmatch(FORMS[name], value), (name, value)
        return f"<{name}>"
    return value


def decoded(token: str) -> dict[str, Any]:
    header, claims = decode(token)
    return {"header": normalised(header), "claims": normalised(claims)}


def made(sts: Emulator, case: str) -> str:
    evidence, source, produce = CASES[case]
    answer = produce(sts)
    assert answer.status == 200, answer.content
    document: dict[str, Any] = {"evidence": evidence, "source": source}
    document["access_token"] = decoded(answer.json["access_token"])
    if "id_token" in answer.json:
        document["id_token"] = decoded(answer.json["id_token"])
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def golden(case: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{case}.json").read_text(encoding="utf-8"))
    return document


def access_token(case: str) -> dict[str, Any]:
    claims: dict[str, Any] = golden(case)["access_token"]["claims"]
    return claims


def id_token(case: str) -> dict[str, Any]:
    claims: dict[str, Any] = golden(case)["id_token"]["claims"]
    return claims


PEOPLE = [case for case in CASES if not case.startswith("machine-") and case != "exchange"]


@pytest.mark.covers("goldens.tokens")
@pytest.mark.parametrize("case", CASES)
def test_the_tokens_are_the_kept_ones_member_by_member_and_in_order(sts: Emulator, case: str) -> None:
    text = made(sts, case)
    file = FOLDER / f"{case}.json"
    if REMAKE:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_there_is_a_golden_for_each_case_and_no_other() -> None:
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(CASES)


@pytest.mark.covers("goldens.order")
@pytest.mark.parametrize("case", [case for case in CASES if case != "exchange"])
def test_an_access_token_has_the_claims_of_the_table_in_its_order(case: str) -> None:
    claims = access_token(case)
    assert list(claims) == [name for name in TABLE if name in claims]
    if case.startswith("machine-"):
        assert [name for name in claims if not TABLE[name]] == []
    else:
        assert {"amr", *OF_LOGIN, "sid"} <= set(claims)


@pytest.mark.covers("goldens.order")
@pytest.mark.parametrize("case", CASES)
def test_the_members_have_the_types_of_the_table(case: str) -> None:
    claims = access_token(case)
    assert list(golden(case)["access_token"]["header"]) == ["alg", "kid", "x5t", "typ"]
    assert golden(case)["access_token"]["header"]["typ"] == "at+jwt"
    kinds: dict[str, type] = {"nbf": int, "iat": int, "exp": int, "auth_time": int, "cnf": dict, "scope": list}
    kinds |= {"amr": list, TRUST: dict, "act": dict}
    for name, value in claims.items():
        if name == "aud":
            assert isinstance(value, list if case == "two-resources" else str)
        else:
            assert type(value) is kinds.get(name, str), name
    assert claims["nbf"] == claims["iat"]
    assert claims["exp"] - claims["iat"] == (3600 if case == "sfm" else 600)


@pytest.mark.covers("goldens.recorded-access-token")
def test_the_token_of_a_person_with_hpr_number_is_the_recorded_one_field_by_field() -> None:
    """Token A, but for what the emulator cannot know: times, ids and the pseudonym, whose secret is HelseID's."""
    claims = access_token("person-with-hpr")
    recorded = {
        "iss": "http://localhost:8080",
        "nbf": START + 1,
        "iat": START + 1,
        "exp": START + 601,
        "aud": "nhn:test-public-samplecode",
        "cnf": {"jkt": "<jkt>"},
        "scope": SCOPES_OF_A,
        "amr": ["pwd"],
        "client_amr": "private_key_jwt",
        "auth_time": START,
        "idp": "testidp-oidc",
        PID: "15849197352",
        SECURITY_LEVEL: "4",
        ASSURANCE_LEVEL: "high",
        HPR_NUMBER: "565550846",
        "name": "LIVSTRETT BEVER",
        "given_name": "LIVSTRETT",
        "middle_name": "",
        "family_name": "BEVER",
        NETWORK: "internett",
        "sid": "<sid>",
        "jti": "<jti>",
    }
    assert {name: claims[name] for name in recorded} == recorded
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", claims["sub"])
    assert set(claims) - set(recorded) == {"client_id", "sub", CLIENT_NAME}


@pytest.mark.covers("goldens.recorded-id-token")
def test_the_id_token_is_the_recorded_one_field_by_field() -> None:
    document = golden("person-with-hpr")["id_token"]
    assert list(document["header"]) == ["alg", "kid", "x5t", "typ"]
    assert document["header"]["typ"] == "JWT"
    claims = document["claims"]
    # The recording's client had not asked for the other three.
    assert [name for name in claims if name not in (ASSURANCE_LEVEL, HPR_NUMBER, NETWORK)] == RECORDED_ID_TOKEN
    assert (claims["aud"], claims["amr"], claims["idp"]) == ("golden-web", ["pwd"], "testidp-oidc")
    assert claims["exp"] - claims["iat"] == 300
    assert claims["auth_time"] == START
    assert claims[PSEUDONYM] == claims["sub"] == access_token("person-with-hpr")["sub"]
    assert re.fullmatch(FORMS["at_hash"], claims["s_hash"])


@pytest.mark.covers("goldens.order")
@pytest.mark.parametrize("case", PEOPLE)
def test_an_id_token_begins_as_recorded_and_has_nothing_of_the_api(case: str) -> None:
    claims = id_token(case)
    first = RECORDED_ID_TOKEN[:13]
    if case == "two-resources-second":
        # A refresh has neither.
        first = [name for name in first if name not in ("nonce", "s_hash")]
    assert list(claims)[: len(first)] == first
    assert {"jti", "client_id", "cnf", "scope", PARENT, SUPPLIER, TENANCY, TRUST, JOURNAL} & set(claims) == set()


@pytest.mark.covers("goldens.organizations")
def test_the_organizations_are_those_of_the_documentation() -> None:
    single, multi = access_token("machine-single-tenant-child"), access_token("machine-multi-tenant")
    assert (single[PARENT], single[CHILD], single[TENANCY]) == ("999977774", "999977775", "single-tenant")
    assert SUPPLIER not in single
    assert (multi[PARENT], multi[CHILD], multi[SUPPLIER]) == ("999977774", "999977776", "313745392")
    assert multi[TENANCY] == "multi-tenant"
    token_c = access_token("sfm")
    assert (token_c[PARENT], token_c[SUPPLIER], token_c[TENANCY]) == ("917897468", "994598759", "multi-tenant")
    assert token_c[JOURNAL] == make.JOURNAL_ID
    assert CHILD not in token_c


@pytest.mark.covers("goldens.people")
def test_a_person_without_hpr_number_differs_in_that() -> None:
    without, with_one = access_token("person-without-hpr"), access_token("person-with-hpr")
    assert [name for name in with_one if name not in without] == [HPR_NUMBER]
    assert HPR_NUMBER not in id_token("person-without-hpr")
    assert id_token("person-with-hpr")[HPR_NUMBER] == "565550846"


@pytest.mark.covers("goldens.resources")
def test_each_narrowed_token_is_for_its_api_alone() -> None:
    names = [f"nhn:test-public-sample-api-{number}" for number in (1, 2)]
    both = access_token("two-resources")
    assert both["aud"] == names
    assert both["scope"] == [scope for scope in TWO.split() if scope != "offline_access"] + ["offline_access"]
    for case, name in zip(("two-resources-first", "two-resources-second"), names, strict=True):
        claims = access_token(case)
        assert (claims["aud"], claims["scope"]) == (name, [f"{name}/some-scope", "offline_access"])
        assert [member for member in claims if member not in both] == []
        assert id_token(case)[PID] == DOCTOR


@pytest.mark.covers("goldens.trust-framework")
def test_the_trust_framework_has_the_members_of_the_published_parser() -> None:
    claim = access_token("trust-framework")[TRUST]
    organization, code = ["id", "name", "system", "authority"], ["code", "text", "system", "assigner"]
    assert {name: list(part) for name, part in claim["practitioner"].items()} == {
        "identifier": organization,
        "hpr_nr": ["id", "system", "authority"],
        "authorization": code,
        "legal_entity": organization,
        "point_of_care": organization,
        "department": organization,
    }
    assert {name: list(part) for name, part in claim["care_relationship"].items()} == {
        "healthcare_service": code,
        "purpose_of_use": code,
        "purpose_of_use_details": code,
        "decision_ref": ["id", "user_selected"],
    }
    (patient,) = claim["patients"]
    assert {name: list(part) for name, part in patient.items()} == {
        "point_of_care": organization,
        "department": organization,
    }


@pytest.mark.covers("goldens.exchange")
def test_an_exchanged_token_names_the_actor_and_keeps_the_person() -> None:
    claims = access_token("exchange")
    assert claims["client_id"] == "golden-actor"
    assert claims["helseid://claims/client/original_client_id"] == "golden-web"
    assert claims["act"] == {"iss": "http://localhost:8080", "client_id": "golden-actor", PARENT: "994598759"}
    assert (claims[PID], claims["idp"], claims["amr"]) == (DOCTOR, "testidp-oidc", ["pwd"])
    assert claims["auth_time"] == START
    assert claims["aud"] == "nhn:test-public-samplecode"
    assert claims[PARENT] == "999977774"
    assert list(claims)[-1] == "jti"
    assert "id_token" not in golden("exchange")


def test_every_golden_tells_its_evidence_and_source() -> None:
    for case in CASES:
        document = golden(case)
        assert set(document["evidence"]) <= {"documented", "seen", "inferred", "choice"}
        assert document["evidence"]
        assert document["source"].startswith("STS ")
