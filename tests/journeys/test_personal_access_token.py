"""Access tokens of people: which claims, by whose wish, in which order."""

import re
from typing import Any

import pytest

from tests.support.claims import OF_LOGIN, OF_PERSON
from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT
from tests.support.relying_party import Login, RelyingParty, web_client

PID = "helseid://claims/identity/pid"
PSEUDONYM = "helseid://claims/identity/pid_pseudonym"
SECURITY_LEVEL = "helseid://claims/identity/security_level"
ASSURANCE_LEVEL = "helseid://claims/identity/assurance_level"
NETWORK = "helseid://claims/identity/network"
HPR_NUMBER = "helseid://claims/hpr/hpr_number"
ORGNR_PARENT = "helseid://claims/client/claims/orgnr_parent"
ORGNR_SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
CLIENT_NAME = "helseid://claims/client/client_name"
CLIENT_TENANCY = "helseid://claims/client/client_tenancy"
SFM_ID = "e-helse:sfm.api/client/claims/sfm-id"

SUB = "VKgcaf6KyHduD/Qg60WTChZlbptSU2UpPyr2Pgsskto="

#: What an API may ask for, and what it gets for 06828399789.
CLAIMS = {
    PID: "06828399789",
    PSEUDONYM: SUB,
    SECURITY_LEVEL: "4",
    ASSURANCE_LEVEL: "high",
    HPR_NUMBER: "565505933",
    "name": "KVART GREVLING",
    "given_name": "KVART",
    "middle_name": "",
    "family_name": "GREVLING",
    NETWORK: "internett",
}

IDENTITY_SCOPES = (
    "openid profile helseid://scopes/identity/pid helseid://scopes/identity/pid_pseudonym "
    "helseid://scopes/identity/security_level helseid://scopes/identity/assurance_level "
    "helseid://scopes/identity/network helseid://scopes/hpr/hpr_number"
)
ALL = f"{IDENTITY_SCOPES} offline_access test:api/read second:api/read e-helse:sfm.api/sfm.api"

#: Claims of every person's token at a client without tenancy.
ALWAYS = [
    *OF_PERSON,
    *OF_LOGIN,
    "sid",
    "jti",
]


def register_web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    rp = web_client(sts, client_id, **{"scope": ALL, **members})
    rp.scopes = "openid test:api/read"
    return rp


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return register_web(sts)


def wanting(sts: Emulator, *claims: str, audience: str = "test:api", **members: Any) -> None:
    """Register an API that wants ``claims``."""
    register_api(sts.store, audience, scopes=[f"{audience}/read"], claims=list(claims), **members)


def personal(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in ALWAYS}


@pytest.mark.covers("access-token.person.claim-order")
@pytest.mark.parametrize(
    ("tenancy", "before", "after"),
    [
        ("single-tenant", [ORGNR_PARENT], [SFM_ID, CLIENT_NAME, CLIENT_TENANCY]),
        ("multi-tenant", [], [ORGNR_SUPPLIER, SFM_ID, CLIENT_NAME, CLIENT_TENANCY]),
    ],
)
def test_the_claims_stand_in_the_recorded_order(
    sts: Emulator, tenancy: str, before: list[str], after: list[str]
) -> None:
    wanted = [NETWORK, "family_name", "middle_name", "given_name", "name", HPR_NUMBER]
    wanted += [ASSURANCE_LEVEL, SECURITY_LEVEL, PID, SFM_ID, CLIENT_NAME]
    register_api(sts.store, "e-helse:sfm.api", scopes=["e-helse:sfm.api/sfm.api"], claims=wanted)
    rp = register_web(
        sts, tenancy=tenancy, organization="999977774", client_name="Journal", client_claims={SFM_ID: "sfm-1"}
    )
    claims = rp.tokens({"scope": "openid e-helse:sfm.api/sfm.api"}).claims
    assert list(claims) == [
        *OF_PERSON,
        *before,
        *OF_LOGIN,
        "helseid://claims/identity/pid",
        "helseid://claims/identity/security_level",
        "helseid://claims/identity/assurance_level",
        "helseid://claims/hpr/hpr_number",
        "name",
        "given_name",
        "middle_name",
        "family_name",
        "helseid://claims/identity/network",
        *after,
        "sid",
        "jti",
    ]


@pytest.mark.covers("access-token.person.login")
def test_every_persons_token_tells_of_the_login(rp: RelyingParty) -> None:
    claims = rp.tokens().claims
    assert list(claims) == ALWAYS
    expected = {"amr": ["pwd"], "sub": SUB, "auth_time": 1_800_000_000, "idp": "testidp-oidc", "client_id": "web"}
    assert {name: claims[name] for name in expected} == expected
    assert re.fullmatch(r"[0-9A-F]{32}", claims["sid"])
    assert re.fullmatch(r"[0-9A-F]{32}", claims["jti"])


@pytest.mark.covers("access-token.person.api-decides")
@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_is_there_when_the_api_wants_it(sts: Emulator, rp: RelyingParty, claim: str) -> None:
    wanting(sts, claim)
    assert personal(rp.tokens().claims) == {claim: CLAIMS[claim]}


@pytest.mark.covers("access-token.person.api-decides")
def test_all_claims_at_once(sts: Emulator, rp: RelyingParty) -> None:
    wanting(sts, *CLAIMS)
    assert personal(rp.tokens().claims) == CLAIMS


@pytest.mark.covers("access-token.person.scopes-do-not-decide")
@pytest.mark.parametrize("wanted", [(), ("name",)])
def test_identity_scopes_bring_nothing_into_the_access_token(
    sts: Emulator, rp: RelyingParty, wanted: tuple[str, ...]
) -> None:
    wanting(sts, *wanted)
    claims = rp.tokens({"scope": f"{IDENTITY_SCOPES} test:api/read"}).claims
    assert set(personal(claims)) == set(wanted)


@pytest.mark.covers("access-token.person.scopes-do-not-decide")
def test_an_api_that_nobody_registered_wants_nothing(rp: RelyingParty) -> None:
    claims = rp.tokens({"scope": f"{IDENTITY_SCOPES} test:api/read"}).claims
    assert claims["aud"] == "test:api"
    assert personal(claims) == {}


@pytest.mark.covers("access-token.person.unknown-claim")
def test_a_claim_that_helseid_does_not_have_is_left_out(sts: Emulator, rp: RelyingParty) -> None:
    wanting(sts, "shoe_size", "helseid://claims/hpr/hpr_details", "name")
    assert personal(rp.tokens().claims) == {"name": "KVART GREVLING"}


@pytest.mark.covers("access-token.person.no-hpr-number")
def test_a_person_without_hpr_number_has_no_such_claim(sts: Emulator, rp: RelyingParty) -> None:
    wanting(sts, *CLAIMS)
    claims = personal(rp.tokens({"test_pid": "01818038204"}).claims)
    assert HPR_NUMBER not in claims
    assert claims[PID] == "01818038204"


@pytest.mark.covers("access-token.person.levels")
@pytest.mark.parametrize(("level", "assurance"), [("3", "substantial"), ("4", "high")])
def test_the_levels_are_those_of_the_login(sts: Emulator, rp: RelyingParty, level: str, assurance: str) -> None:
    wanting(sts, SECURITY_LEVEL, ASSURANCE_LEVEL)
    claims = personal(rp.tokens({"test_security_level": level}).claims)
    assert claims == {SECURITY_LEVEL: level, ASSURANCE_LEVEL: assurance}


@pytest.mark.covers("access-token.person.several-apis")
def test_a_token_for_two_apis_has_the_claims_that_either_wants(sts: Emulator, rp: RelyingParty) -> None:
    wanting(sts, "name")
    wanting(sts, PID, audience="second:api")
    rp.scopes = "openid test:api/read second:api/read"
    claims = rp.tokens().claims
    assert claims["aud"] == ["test:api", "second:api"]
    assert personal(claims) == {PID: "06828399789", "name": "KVART GREVLING"}


@pytest.mark.covers("access-token.person.narrowed")
@pytest.mark.parametrize(("resource", "claims"), [("test:api", {"name"}), ("second:api", {PID})])
def test_a_narrowed_token_has_only_the_claims_that_its_api_wants(
    sts: Emulator, rp: RelyingParty, resource: str, claims: set[str]
) -> None:
    wanting(sts, "name")
    wanting(sts, PID, audience="second:api")
    rp.scopes = "openid test:api/read second:api/read"
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"], {"resource": resource})
    assert set(personal(answer.claims)) == claims


@pytest.mark.covers("access-token.person.sub")
def test_sub_is_the_same_at_all_clients_and_in_all_environments(worlds: Worlds) -> None:
    first, second = worlds.make(), worlds.make(public_url="https://sts.example")
    other = register_web(first, "other", jwk=private_jwk("ES256", 5))
    subs = [rp.tokens().claims["sub"] for rp in (register_web(first), other, register_web(second))]
    assert subs == [SUB, SUB, SUB]


@pytest.mark.covers("access-token.person.sub")
def test_sub_equals_the_pseudonym_and_differs_from_person_to_person(sts: Emulator, rp: RelyingParty) -> None:
    wanting(sts, PSEUDONYM)
    claims = [rp.tokens({"test_pid": pid}).claims for pid in ("06828399789", "15849197352", "01818038204")]
    assert len({each["sub"] for each in claims}) == 3
    assert [each[PSEUDONYM] for each in claims] == [each["sub"] for each in claims]


@pytest.mark.covers("access-token.person.no-audience")
def test_a_token_without_api_scopes_has_no_audience(rp: RelyingParty) -> None:
    claims = rp.tokens({"scope": "openid profile"}).claims
    assert "aud" not in claims
    assert claims["scope"] == ["openid", "profile"]


@pytest.mark.covers("access-token.person.scope-order")
def test_offline_access_stands_last_in_the_token(rp: RelyingParty) -> None:
    claims = rp.tokens({"scope": "openid offline_access profile test:api/read"}).claims
    assert claims["scope"] == ["openid", "profile", "test:api/read", "offline_access"]


@pytest.mark.covers("access-token.person.lifetime")
@pytest.mark.parametrize(
    ("apis", "own", "lifetime"),
    [
        ({}, {}, 600),
        ({"test:api": 900}, {}, 900),
        ({"test:api": 900}, {"access_token_lifetime": 60}, 60),
        ({"test:api": 900, "second:api": 400}, {}, 400),
    ],
)
def test_the_lifetime_is_the_clients_or_the_apis_or_the_servers(
    sts: Emulator, apis: dict[str, int], own: dict[str, Any], lifetime: int
) -> None:
    for audience, seconds in apis.items():
        wanting(sts, audience=audience, access_token_lifetime=seconds)
    answer = register_web(sts, **own).tokens({"scope": " ".join(["openid", *(f"{api}/read" for api in apis)])})
    assert (answer.json["expires_in"], answer.claims["exp"] - answer.claims["iat"]) == (lifetime, lifetime)


@pytest.mark.covers("access-token.person.sid")
def test_clients_in_one_browser_share_the_session(sts: Emulator, rp: RelyingParty) -> None:
    other = register_web(sts, "other", jwk=private_jwk("ES256", 5))
    browser = rp.browser()
    claims = []
    for party, changes in ((rp, {}), (other, {"test_pid": ABSENT})):
        login = Login()
        claims.append(party.redeem(login, party.log_in(login, changes, browser)["code"]).claims)
    assert claims[0]["sid"] == claims[1]["sid"]
    assert [each["client_id"] for each in claims] == ["web", "other"]
