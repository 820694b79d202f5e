"""APIs decide: which claims their tokens hold, how long these live, and what they demand of who asks."""

import base64
import hashlib
from typing import Any

import pytest

from tests.helseid import details_cases as make
from tests.helseid.details_cases import CUSTOMER, MULTI, PARENT, SINGLE, SUPPLIER
from tests.support.claims import OF_PERSON
from tests.support.emulator import API_SCOPE, START, Emulator, Worlds, register_api
from tests.support.machine import ABSENT, Answer, Machine, decode
from tests.support.relying_party import PERSON, Login, RelyingParty, web_client

PID = "helseid://claims/identity/pid"
PSEUDONYM = "helseid://claims/identity/pid_pseudonym"
SECURITY_LEVEL = "helseid://claims/identity/security_level"
ASSURANCE_LEVEL = "helseid://claims/identity/assurance_level"
NETWORK = "helseid://claims/identity/network"
HPR_NUMBER = "helseid://claims/hpr/hpr_number"
CLIENT_NAME = "helseid://claims/client/client_name"
ORGNR_PARENT = "helseid://claims/client/claims/orgnr_parent"
TENANCY = "helseid://claims/client/client_tenancy"

#: What every token of a login has, in order.
ALWAYS = [*OF_PERSON, "sub", "auth_time"]
ALWAYS += ["idp", "sid", "jti"]

IDENTITY_SCOPES = (
    "openid profile helseid://scopes/identity/pid helseid://scopes/identity/pid_pseudonym "
    "helseid://scopes/identity/security_level helseid://scopes/identity/assurance_level "
    "helseid://scopes/identity/network helseid://scopes/hpr/hpr_number"
)

#: Two APIs with different wishes; names, not URLs.
FIRST, SECOND = "nhn:first", "e-helse:second.api"
FIRST_SCOPES, SECOND_SCOPE = ["nhn:first/read", "nhn:first/write"], "e-helse:second.api/second.api"
BOTH = f"openid {' '.join(FIRST_SCOPES)} {SECOND_SCOPE} offline_access"


def one_api(sts: Emulator, *claims: str, **members: Any) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE], claims=list(claims), **members)


def web(sts: Emulator, scopes: str, **members: Any) -> RelyingParty:
    rp = web_client(sts, **{"scope": scopes, **members})
    rp.scopes = scopes
    return rp


def two_apis(sts: Emulator, first: dict[str, Any] | None = None, second: dict[str, Any] | None = None) -> None:
    register_api(sts.store, FIRST, **{"scopes": FIRST_SCOPES, "claims": [PID, "name"], **(first or {})})
    register_api(sts.store, SECOND, **{"scopes": [SECOND_SCOPE], "claims": ["name", HPR_NUMBER], **(second or {})})


def redeem(rp: RelyingParty, changes: dict[str, Any] | None = None, asked: dict[str, Any] | None = None) -> Answer:
    login = Login()
    return rp.redeem(login, rp.log_in(login, asked)["code"], changes)


def broken(sts: Emulator) -> list[str]:
    return [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]


def of_person(answer: Answer) -> set[str]:
    """The claims about the person in an access token."""
    assert answer.status == 200, answer.content
    return set(answer.claims) - set(ALWAYS)


# Which claims


@pytest.mark.covers("contract.75")
@pytest.mark.covers("api.claims.each")
@pytest.mark.parametrize(
    ("claim", "value"),
    [
        (PID, PERSON),
        (SECURITY_LEVEL, "4"),
        (ASSURANCE_LEVEL, "high"),
        (NETWORK, "internett"),
        (HPR_NUMBER, "565505933"),
        ("name", "KVART GREVLING"),
        ("given_name", "KVART"),
        ("middle_name", ""),
        ("family_name", "GREVLING"),
        (CLIENT_NAME, "Name of web"),
    ],
)
@pytest.mark.parametrize("scopes", [f"openid {API_SCOPE}", f"{IDENTITY_SCOPES} {API_SCOPE}"], ids=["few", "all"])
def test_a_claim_is_there_because_the_api_wants_it_and_alone(
    sts: Emulator, claim: str, value: str, scopes: str
) -> None:
    one_api(sts, claim)
    claims = web(sts, scopes).tokens().claims
    assert claims[claim] == value
    assert set(claims) - {claim} == set(ALWAYS)


@pytest.mark.covers("contract.75")
@pytest.mark.covers("api.claims.each")
def test_the_pseudonym_is_the_subject(sts: Emulator) -> None:
    one_api(sts, PSEUDONYM)
    claims = web(sts, f"openid {API_SCOPE}").tokens().claims
    assert claims[PSEUDONYM] == claims["sub"]


@pytest.mark.covers("api.claims.none-wanted")
def test_an_api_that_wants_nothing_gets_nothing_of_the_person_whatever_scopes_are_asked_for(sts: Emulator) -> None:
    one_api(sts)
    assert list(web(sts, f"{IDENTITY_SCOPES} {API_SCOPE}").tokens().claims) == ALWAYS


@pytest.mark.covers("contract.73")
@pytest.mark.covers("api.claims.unregistered")
def test_an_api_that_nobody_registered_wants_nothing_and_is_called_as_its_scope_begins(sts: Emulator) -> None:
    claims = web(sts, f"{IDENTITY_SCOPES} nhn:nobody/some/scope").tokens().claims
    assert claims["aud"] == "nhn:nobody"
    assert list(claims) == ALWAYS


@pytest.mark.covers("contract.73")
@pytest.mark.covers("api.claims.owner-of-scope")
def test_the_registered_owner_of_a_scope_is_the_audience_whatever_the_scope_is_called(sts: Emulator) -> None:
    register_api(sts.store, "nhn:owner", scopes=["nhn:other/read", "plain"], claims=[CLIENT_NAME])
    machine = sts.client(scope=["nhn:other/read", "plain"])
    for scope in ("nhn:other/read", "plain", "plain nhn:other/read"):
        claims = machine.token(form={"scope": scope}).claims
        assert (claims["aud"], CLIENT_NAME in claims) == ("nhn:owner", True)


@pytest.mark.covers("api.claims.client-name")
@pytest.mark.parametrize(
    ("wanted", "scope", "there"),
    [
        ([], "", False),
        ([CLIENT_NAME], "", True),
        ([], "helseid://scopes/client/client_name", True),
        ([CLIENT_NAME], "helseid://scopes/client/client_name", True),
    ],
)
def test_the_name_of_the_client_comes_by_api_or_by_scope(
    sts: Emulator, wanted: list[str], scope: str, there: bool
) -> None:
    one_api(sts, *wanted)
    machine = sts.client(scope=f"{API_SCOPE} {scope}".strip())
    claims = machine.token(form={"scope": f"{API_SCOPE} {scope}".strip()}).claims
    assert claims.get(CLIENT_NAME) == ("Name of machine" if there else None)


@pytest.mark.covers("api.claims.of-one-api")
def test_a_client_claim_that_belongs_to_one_api_is_told_to_that_api_only(sts: Emulator) -> None:
    two_apis(sts)
    members = {
        f"{FIRST}/client/claims/herid": "8094",
        f"{SECOND}/client/claims/sfm-id": "7",
        f"{FIRST}.api/client/claims/x": "no prefix counts",
        "herid": "0",
    }
    machine = sts.client(scope=[*FIRST_SCOPES, SECOND_SCOPE], client_claims=members)

    def told(**form: Any) -> dict[str, str]:
        claims = machine.token(form={"scope": ABSENT, **form}).claims
        return {name: value for name, value in claims.items() if name in members}

    assert told(resource=FIRST) == {f"{FIRST}/client/claims/herid": "8094", "herid": "0"}
    assert told(resource=SECOND) == {f"{SECOND}/client/claims/sfm-id": "7", "herid": "0"}
    assert told(scope=SECOND_SCOPE) == {f"{SECOND}/client/claims/sfm-id": "7", "herid": "0"}
    assert set(told()) == set(members) - {f"{FIRST}.api/client/claims/x"}


# Several APIs, and one of them


def expected(audience: str | list[str]) -> tuple[Any, list[str], set[str]]:
    """Audience, scopes and claims of the person in a token for FIRST, SECOND or both."""
    if audience == FIRST:
        return FIRST, [*FIRST_SCOPES, "offline_access"], {PID, "name"}
    if audience == SECOND:
        return SECOND, [SECOND_SCOPE, "offline_access"], {"name", HPR_NUMBER}
    return [FIRST, SECOND], ["openid", *FIRST_SCOPES, SECOND_SCOPE, "offline_access"], {PID, "name", HPR_NUMBER}


def told(answer: Answer) -> tuple[Any, list[str], set[str]]:
    people = of_person(answer)
    assert answer.json["scope"].split() == answer.claims["scope"]
    return answer.claims["aud"], answer.claims["scope"], people


@pytest.mark.covers("api.several.union")
def test_a_token_for_several_apis_has_them_all_as_audience_and_what_any_of_them_wants(sts: Emulator) -> None:
    two_apis(sts)
    assert told(web(sts, BOTH).tokens()) == expected([FIRST, SECOND])


@pytest.mark.covers("api.several.union")
def test_the_audiences_stand_in_the_order_of_the_scopes(sts: Emulator) -> None:
    two_apis(sts)
    machine = sts.client(scope=[*FIRST_SCOPES, SECOND_SCOPE])
    asked = f"{SECOND_SCOPE} {' '.join(FIRST_SCOPES)}"
    assert machine.token(form={"scope": asked}).claims["aud"] == [SECOND, FIRST]


@pytest.mark.covers("contract.66")
@pytest.mark.covers("api.downscaled.code")
@pytest.mark.parametrize("audience", [FIRST, SECOND])
@pytest.mark.parametrize("asked", [{}, {"resource": [FIRST, SECOND]}], ids=["not asked", "asked"])
def test_resource_with_a_code_gives_the_token_of_one_api(sts: Emulator, audience: str, asked: dict[str, Any]) -> None:
    two_apis(sts)
    assert told(redeem(web(sts, BOTH), {"resource": audience}, asked)) == expected(audience)


@pytest.mark.covers("contract.66")
@pytest.mark.covers("api.downscaled.refresh")
def test_each_refresh_may_be_for_another_api_or_for_all(sts: Emulator) -> None:
    two_apis(sts)
    rp = web(sts, BOTH)
    tokens = redeem(rp, {"resource": FIRST})
    for audience in (SECOND, FIRST, SECOND):
        tokens = rp.refresh(tokens.json["refresh_token"], {"resource": audience})
        assert told(tokens) == expected(audience)
    assert told(rp.refresh(tokens.json["refresh_token"])) == expected([FIRST, SECOND])


@pytest.mark.covers("api.downscaled.client-credentials")
@pytest.mark.parametrize("scope", [ABSENT, f"{' '.join(FIRST_SCOPES)} {SECOND_SCOPE}"], ids=["all", "named"])
def test_resource_gives_a_machine_the_token_of_one_api(sts: Emulator, scope: object) -> None:
    two_apis(sts, {"claims": [CLIENT_NAME]})
    machine = sts.client(scope=[*FIRST_SCOPES, SECOND_SCOPE])
    first = machine.token(form={"scope": scope, "resource": FIRST}).claims
    assert (first["aud"], first["scope"], CLIENT_NAME in first) == (FIRST, FIRST_SCOPES, True)
    second = machine.token(form={"scope": scope, "resource": SECOND}).claims
    assert (second["aud"], second["scope"], CLIENT_NAME in second) == (SECOND, [SECOND_SCOPE], False)


@pytest.mark.covers("api.resource.names")
@pytest.mark.parametrize("name", ["nhn:x", "e-helse:sfm.api", "https://api.example.test/x", "urn:x:y"])
def test_a_resource_is_the_name_of_an_api_url_or_not(sts: Emulator, name: str) -> None:
    register_api(sts.store, name, scopes=["the:scope/x"])
    rp = web(sts, f"openid the:scope/x {API_SCOPE} offline_access")
    tokens = redeem(rp, {"resource": name}, {"resource": [name, "test:api"]})
    assert tokens.claims["aud"] == name
    assert rp.refresh(tokens.json["refresh_token"], {"resource": name}).claims["aud"] == name
    machine = sts.client("m", scope=["the:scope/x", API_SCOPE])
    assert machine.token(form={"scope": ABSENT, "resource": name}).claims["aud"] == name


@pytest.mark.covers("api.resource.names")
@pytest.mark.parametrize("resource", [f"{FIRST}/", FIRST.upper(), "nhn:second", "nhn:third"])
def test_a_name_is_compared_exactly(sts: Emulator, resource: str) -> None:
    two_apis(sts)
    machine = sts.client(scope=[*FIRST_SCOPES, SECOND_SCOPE])
    answer = machine.token(form={"scope": ABSENT, "resource": resource})
    assert (answer.status, answer.error) == (400, "invalid_target")
    rp = web(sts, BOTH)
    assert redeem(rp, {"resource": resource}).error == "invalid_target"


@pytest.mark.covers("api.downscaled.id-token")
def test_the_id_token_of_a_narrowed_request_still_tells_who_logged_in(sts: Emulator) -> None:
    two_apis(sts)
    rp = web(sts, f"{BOTH} helseid://scopes/identity/pid")
    answer = redeem(rp, {"resource": SECOND})
    assert decode(answer.json["id_token"])[1][PID] == PERSON
    assert PID not in answer.claims


# How long


@pytest.mark.covers("api.lifetime")
@pytest.mark.parametrize(
    ("first", "second", "of_client", "both", "of_second"),
    [
        (None, None, None, 600, 600),
        (60, None, None, 60, 600),
        (3600, None, None, 600, 600),
        (60, 1800, None, 60, 1800),
        (3600, 1800, None, 1800, 1800),
        (60, 1800, 90, 90, 90),
    ],
)
def test_a_token_lives_as_long_as_the_shortest_of_its_apis(
    sts: Emulator, first: int | None, second: int | None, of_client: int | None, both: int, of_second: int
) -> None:
    two_apis(sts, {"access_token_lifetime": first}, {"access_token_lifetime": second})
    rp = web(sts, BOTH, access_token_lifetime=of_client)
    tokens = rp.tokens()
    assert (tokens.json["expires_in"], tokens.claims["exp"] - tokens.claims["iat"]) == (both, both)
    narrowed = rp.refresh(tokens.json["refresh_token"], {"resource": SECOND})
    assert (narrowed.json["expires_in"], narrowed.claims["exp"] - narrowed.claims["iat"]) == (of_second, of_second)
    machine = sts.client("m", scope=[*FIRST_SCOPES, SECOND_SCOPE], access_token_lifetime=of_client)
    assert machine.token(form={"scope": ABSENT}).json["expires_in"] == both
    assert machine.token(form={"scope": ABSENT, "resource": SECOND}).json["expires_in"] == of_second


# What APIs demand


def bearer(machine: Machine, **form: Any) -> Answer:
    return machine.post(machine.form(machine.assertion(), {"scope": ABSENT, **form}))


@pytest.mark.covers("api.require-dpop")
def test_an_api_that_takes_dpop_only_is_not_given_a_bearer_token(sts: Emulator) -> None:
    two_apis(sts, {"require_dpop": True})
    machine = sts.client(scope=[*FIRST_SCOPES, SECOND_SCOPE], dpop_bound_access_tokens=False)
    answer = bearer(machine, resource=FIRST)
    assert (answer.status, answer.json, answer.rule) == (
        400,
        {
            "error": "invalid_request",
            "error_description": "Client requires DPoP and a DPoP header value was not provided.",
        },
        "api.dpop",
    )
    assert bearer(machine).rule == "api.dpop"
    assert bearer(machine, resource=SECOND).json["token_type"] == "Bearer"
    assert machine.token(form={"scope": ABSENT, "resource": FIRST}).json["token_type"] == "DPoP"


@pytest.mark.covers("api.require-dpop")
def test_observing_gives_it_and_records_it(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="observe")
    one_api(sts, require_dpop=True)
    answer = bearer(sts.client(dpop_bound_access_tokens=False))
    assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
    assert "api.dpop" in broken(sts)


@pytest.mark.covers("api.require-organization")
def test_an_api_that_wants_an_organization_is_not_given_a_token_without(sts: Emulator) -> None:
    two_apis(sts, {"require_organization": True})
    machine = sts.client(scope=[*FIRST_SCOPES, SECOND_SCOPE], **MULTI)
    answer = machine.token(form={"scope": ABSENT})
    assert (answer.status, answer.error, answer.rule) == (400, "invalid_request", "api.organization")
    assert (answer.description or "").startswith("HID-1007: ")
    assert machine.token(form={"scope": ABSENT, "resource": SECOND}).status == 200
    named = machine.token(
        form={"scope": ABSENT}, assertion={"claims": {"assertion_details": make.parent(CUSTOMER)}}
    ).claims
    assert named[ORGNR_PARENT] == CUSTOMER


@pytest.mark.covers("api.require-organization")
@pytest.mark.parametrize(
    ("members", "status"),
    [
        (SINGLE, 200),
        ({"client_claims": {ORGNR_PARENT: PARENT}}, 200),
        ({**SINGLE, "organization": None}, 400),
        ({"organization": PARENT}, 400),
        ({}, 400),
    ],
    ids=["single-tenant", "fixed claim", "no number", "no tenancy", "nothing"],
)
def test_whose_organization_is_known_by_registration(sts: Emulator, members: dict[str, Any], status: int) -> None:
    one_api(sts, require_organization=True)
    answer = sts.client(**members).token()
    assert answer.status == status
    if status == 200:
        assert answer.claims[ORGNR_PARENT] == PARENT
    else:
        assert answer.rule == "api.organization"


@pytest.mark.covers("api.require-organization.login")
def test_a_supplier_logs_in_first_and_names_the_organization_when_it_refreshes_at_the_latest(sts: Emulator) -> None:
    two_apis(sts, {"require_organization": True})
    rp = web(sts, BOTH, **MULTI)
    first = redeem(rp)
    assert ORGNR_PARENT not in first.claims
    assert rp.refresh(first.json["refresh_token"]).rule == "api.organization"
    inside = {"client_id": rp.machine.client_id, "sub": ABSENT, "authorization_details": [make.parent(CUSTOMER)]}
    signed = rp.machine.assertion(header={"typ": "oauth-authz-req+jwt"}, claims=inside)
    assert redeem(rp, asked={"request": signed}).claims[ORGNR_PARENT] == CUSTOMER
    tokens = redeem(rp, {"resource": SECOND})
    assert ORGNR_PARENT not in tokens.claims
    details = {"claims": {"assertion_details": make.parent(CUSTOMER)}}
    refreshed = rp.refresh(tokens.json["refresh_token"], {"resource": FIRST}, assertion=details)
    assert (refreshed.claims["aud"], refreshed.claims[ORGNR_PARENT]) == (FIRST, CUSTOMER)


LEVEL_3 = {"test_security_level": "3"}


@pytest.mark.covers("api.security-level")
def test_a_login_of_a_lower_level_gets_the_token_and_the_api_sees_the_level(sts: Emulator) -> None:
    one_api(sts, SECURITY_LEVEL, ASSURANCE_LEVEL, security_level="4")
    rp = web(sts, f"openid {API_SCOPE}")
    claims = redeem(rp, asked=LEVEL_3).claims
    assert (claims[SECURITY_LEVEL], claims[ASSURANCE_LEVEL]) == ("3", "substantial")
    assert broken(sts) == ["api.security-level"]
    assert redeem(rp).claims[SECURITY_LEVEL] == "4"
    assert broken(sts) == []


@pytest.mark.covers("api.security-level")
def test_strict_refuses_it_and_asks_the_highest_of_several(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    two_apis(sts, {"security_level": "4"}, {"security_level": "3"})
    rp = web(sts, BOTH)
    answer = redeem(rp, asked=LEVEL_3)
    description = "The security_level of the login is lower than the API demands"
    said = {"error": "invalid_grant", "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, said, "api.security-level")
    tokens = redeem(rp, {"resource": SECOND}, LEVEL_3)
    assert tokens.claims["aud"] == SECOND
    refused = rp.refresh(tokens.json["refresh_token"], {"resource": FIRST})
    assert refused.rule == "api.security-level"
    # That refusal used nothing up.
    assert rp.refresh(tokens.json["refresh_token"], {"resource": SECOND}).status == 200
    assert redeem(rp).claims["aud"] == [FIRST, SECOND]


@pytest.mark.covers("api.security-level")
def test_a_machine_has_no_level_to_ask_for(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="strict")
    one_api(sts, security_level="4")
    assert sts.client().token().status == 200


# What clients read


@pytest.mark.covers("contract.73")
@pytest.mark.covers("api.token.read-by-clients")
@pytest.mark.parametrize("scope", [API_SCOPE, "nhn:nobody/x"], ids=["registered", "not registered"])
def test_an_access_token_has_what_every_api_reads(sts: Emulator, scope: str) -> None:
    one_api(sts)
    machine = sts.client(scope=scope)
    header, claims = decode(machine.token(form={"scope": scope}).json["access_token"])
    assert (header["typ"], type(header["kid"])) == ("at+jwt", str)
    assert claims["iss"] == sts.issuer
    assert claims["aud"] == scope.partition("/")[0]
    assert (claims["nbf"], claims["iat"], claims["exp"]) == (START, START, START + 600)
    assert claims["client_id"] == "machine"
    assert claims["scope"] == [scope]
    assert len(claims["jti"]) == 32


@pytest.mark.covers("contract.74")
@pytest.mark.covers("api.id-token.read-by-clients")
@pytest.mark.parametrize("nonce", ["n-1", ABSENT])
def test_an_id_token_has_what_every_client_checks(sts: Emulator, nonce: object) -> None:
    tokens = web(sts, f"openid {API_SCOPE}").tokens({"nonce": nonce})
    claims = decode(tokens.json["id_token"])[1]
    digest = hashlib.sha256(tokens.json["access_token"].encode()).digest()
    assert claims["aud"] == "web"
    assert claims.get("nonce", ABSENT) == nonce
    assert claims["sub"] == tokens.claims["sub"]
    assert claims["sid"] == tokens.claims["sid"]
    assert (claims["auth_time"], type(claims["auth_time"])) == (START, int)
    assert (claims["idp"], claims["amr"]) == ("testidp-oidc", ["pwd"])
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


@pytest.mark.covers("contract.75")
@pytest.mark.covers("api.person.read-by-clients")
def test_scopes_bring_the_claims_of_a_person_as_texts_and_the_api_gets_the_same(sts: Emulator) -> None:
    told = {
        PID: PERSON,
        SECURITY_LEVEL: "4",
        ASSURANCE_LEVEL: "high",
        HPR_NUMBER: "565505933",
        "name": "KVART GREVLING",
        "given_name": "KVART",
        "middle_name": "",
        "family_name": "GREVLING",
        NETWORK: "internett",
    }
    one_api(sts, *told)
    tokens = web(sts, f"{IDENTITY_SCOPES} {API_SCOPE}").tokens()
    of_id_token = decode(tokens.json["id_token"])[1]
    for claims in (tokens.claims, of_id_token):
        assert {name: claims[name] for name in told} == told
    assert of_id_token[PSEUDONYM] == of_id_token["sub"]


@pytest.mark.covers("contract.75")
@pytest.mark.covers("api.person.read-by-clients")
def test_without_the_scope_a_claim_is_not_in_the_id_token(sts: Emulator) -> None:
    one_api(sts, PID, HPR_NUMBER, "name")
    tokens = web(sts, f"openid {API_SCOPE}").tokens()
    assert {PID, HPR_NUMBER, "name"} <= set(tokens.claims)
    assert {PID, HPR_NUMBER, "name", PSEUDONYM, SECURITY_LEVEL} & set(decode(tokens.json["id_token"])[1]) == set()


@pytest.mark.covers("api.claims.tenancy")
@pytest.mark.parametrize(
    ("members", "claims"),
    [
        ({"tenancy": "none", "organization": PARENT}, {}),
        (SINGLE, {ORGNR_PARENT: PARENT, TENANCY: "single-tenant"}),
        (MULTI, {"helseid://claims/client/claims/orgnr_supplier": SUPPLIER, TENANCY: "multi-tenant"}),
        ({"tenancy": "single-tenant"}, {TENANCY: "single-tenant"}),
        ({"tenancy": "multi-tenant"}, {TENANCY: "multi-tenant"}),
    ],
    ids=["none", "single", "multi", "single without number", "multi without number"],
)
def test_what_a_token_says_of_the_client_follows_from_its_tenancy(
    sts: Emulator, members: dict[str, Any], claims: dict[str, str]
) -> None:
    found = sts.client(**members).token().claims
    assert {name: value for name, value in found.items() if name.startswith("helseid://")} == claims
