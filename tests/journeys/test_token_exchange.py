"""Token exchange, row by row: an API that calls another API on behalf of its caller."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from joserfc._rfc7518.rsa_key import RSABinding

from mock_sts.helseid.requirement import Enforcement
from tests.helseid.cases import EXCHANGE
from tests.helseid.flow_cases import (
    ACCESS_TOKEN,
    ACTOR,
    CALLER_KEY,
    FLOW_CASES,
    NEXT_API,
    NEXT_SCOPE,
    ByHost,
    caller_of,
    exchange,
    subject_token,
    tampered,
    two_apis,
)
from tests.support.claims import OF_LOGIN, OF_MACHINE, OF_PERSON
from tests.support.emulator import API_SCOPE, Emulator, Worlds, register_api
from tests.support.examples import examples
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Machine, b64, decode, raw_jws
from tests.support.relying_party import PERSON, REDIRECT_URI, Login, RelyingParty

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
ISSUER = "http://localhost:8080"

PARENT = "helseid://claims/client/claims/orgnr_parent"
CHILD = "helseid://claims/client/claims/orgnr_child"
SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
ORIGINAL = "helseid://claims/client/original_client_id"
PID = "helseid://claims/identity/pid"
LEVEL = "helseid://claims/identity/security_level"
HPR_NUMBER = "helseid://claims/hpr/hpr_number"
ORGANIZATION, OTHER_ORGANIZATION = "999977774", "999977776"

NOT_SIGNED = "invalid subject_token - the signature cannot be verified"
LOGIN_SCOPES = f"openid profile offline_access helseid://scopes/identity/pid {API_SCOPE}"


def actor_in(sts: Emulator, client_id: str = "first-api", jwk: Jwk | None = None, **members: Any) -> Machine:
    return sts.client(client_id, jwk=jwk, **{**ACTOR, **members})


@pytest.fixture
def actor(sts: Emulator) -> Machine:
    """An API that may exchange the tokens of the client ``caller`` for tokens of the next API."""
    wanted = [PID, LEVEL, HPR_NUMBER, "name", "given_name"]
    caller = {"scope": [*LOGIN_SCOPES.split(), NEXT_SCOPE], "tenancy": "single-tenant", "organization": ORGANIZATION}
    two_apis({"claims": wanted}, **caller)(sts)
    return actor_in(sts, tenancy="single-tenant", organization=OTHER_ORGANIZATION)


def person(actor: Machine, scopes: str = LOGIN_SCOPES) -> RelyingParty:
    """The caller as the application of a person."""
    return RelyingParty(caller_of(actor), scopes=scopes)


def granted(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.content
    return answer.claims


def refused(answer: Answer, rule: str, description: str | None, error: str = "invalid_request") -> None:
    body = {"error": error} if description is None else {"error": error, "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, body, rule), answer.content
    assert "dpop-nonce" not in answer.headers


# The answer


@pytest.mark.covers("contract.58")
@pytest.mark.covers("token-exchange.answer", "cli.58")
def test_the_answer_has_what_rfc_8693_asks_and_no_refresh_token(sts: Emulator, actor: Machine) -> None:
    tokens = person(actor).tokens().json
    assert "refresh_token" in tokens
    answer = exchange(actor, tokens["access_token"])
    assert answer.status == 200
    assert list(answer.json) == ["access_token", "issued_token_type", "expires_in", "token_type", "scope"]
    assert {name: value for name, value in answer.json.items() if name != "access_token"} == {
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "DPoP",
        "expires_in": 600,
        "scope": NEXT_SCOPE,
    }
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert answer.headers["pragma"] == "no-cache"
    assert sts.row_counts()["refresh_token"] == 1


@pytest.mark.covers("contract.58")
@pytest.mark.covers("token-exchange.answer")
@pytest.mark.parametrize("changes", [{"requested_token_type": ACCESS_TOKEN}, {"resource": NEXT_API}], ids=str)
def test_what_is_given_anyway_may_be_asked_for(actor: Machine, changes: dict[str, str]) -> None:
    assert granted(exchange(actor, subject_token(actor), changes))["aud"] == NEXT_API


@pytest.mark.covers("token-exchange.answer")
def test_the_new_token_is_signed_as_all_are(actor: Machine) -> None:
    token = subject_token(actor)
    answer = exchange(actor, token)
    assert decode(answer.json["access_token"])[0] == decode(token)[0]
    assert decode(token)[0]["typ"] == "at+jwt"
    form = actor.form(actor.assertion(), {"token": answer.json["access_token"], "scope": ABSENT})
    told = actor.post(form, path="/connect/introspect").json
    assert (told["active"], told["client_id"]) == (True, "first-api")


@pytest.mark.covers("contract.58")
@pytest.mark.covers("token-exchange.bound")
def test_the_new_token_is_bound_to_the_actors_key(actor: Machine) -> None:
    token = subject_token(actor)
    first = granted(exchange(actor, token))
    other = granted(exchange(actor, token, proof={"jwk": private_jwk("ES256", 8)}))
    bound = [claims["cnf"]["jkt"] for claims in (decode(token)[1], first, other)]
    assert len(set(bound)) == 3


@pytest.mark.covers("contract.58")
@pytest.mark.covers("token-exchange.bearer", "cli.58")
def test_a_client_registered_without_dpop_gets_a_bearer_token(sts: Emulator, actor: Machine) -> None:
    bearer = actor_in(sts, "bearer-api", private_jwk("ES256", 4), dpop_bound_access_tokens=False)
    token = subject_token(actor)
    answer = exchange(bearer, token, dpop=False)
    assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
    assert "cnf" not in answer.claims
    assert "cnf" in decode(token)[1]
    assert exchange(bearer, token).json["token_type"] == "DPoP"


@pytest.mark.covers("token-exchange.bearer")
def test_others_must_send_a_proof(actor: Machine) -> None:
    refused(
        exchange(actor, subject_token(actor), dpop=False),
        "token-request.proof",
        "Client requires DPoP and a DPoP header value was not provided.",
    )


@pytest.mark.covers("token-exchange.bearer")
def test_a_bearer_token_may_be_exchanged_for_a_bound_one(sts: Emulator, actor: Machine) -> None:
    key = private_jwk("ES256", 4)
    bearer = sts.client("bearer-caller", jwk=key, dpop_bound_access_tokens=False)
    token = bearer.post(bearer.form(bearer.assertion())).json["access_token"]
    claims = granted(exchange(actor, token))
    assert claims[ORIGINAL] == "bearer-caller"
    assert "cnf" in claims


@pytest.mark.covers("token-exchange.answer")
def test_a_nonce_challenge_comes_first(actor: Machine) -> None:
    form = {"grant_type": EXCHANGE, "subject_token": "x", "subject_token_type": ACCESS_TOKEN, "scope": NEXT_SCOPE}
    challenge = actor.meet_challenge(form)
    assert (challenge.status, challenge.error) == (400, "use_dpop_nonce")
    assert exchange(actor, subject_token(actor)).status == 200


# The new token


@pytest.mark.covers("token-exchange.claims.person", "token-exchange.act", "token-exchange.original-client-id")
def test_a_persons_token_keeps_the_person_and_names_the_actor(sts: Emulator, actor: Machine) -> None:
    tokens = person(actor).tokens()
    old = tokens.claims
    sts.clock.advance(100)
    actor.learn_nonce()
    new = granted(exchange(actor, tokens.json["access_token"]))
    assert list(new) == [
        *OF_PERSON,
        *OF_LOGIN,
        PARENT,
        PID,
        LEVEL,
        HPR_NUMBER,
        "helseid://claims/client/client_tenancy",
        ORIGINAL,
        "act",
        "jti",
    ]
    copied = [name for name in old if name.startswith("helseid://") or name in ("sub", "idp", "amr", "auth_time")]
    assert {PID, LEVEL, HPR_NUMBER, PARENT, "sub", "idp", "amr", "auth_time"} <= set(copied)
    assert {name: new[name] for name in copied} == {name: old[name] for name in copied}
    assert (new["iat"], new["nbf"], new["exp"]) == (1_800_000_100, 1_800_000_100, 1_800_000_700)
    assert (new["iss"], new["aud"], new["scope"], new["client_id"]) == (ISSUER, NEXT_API, [NEXT_SCOPE], "first-api")
    assert new["jti"] != old["jti"]
    assert new[ORIGINAL] == "caller"
    assert new["act"] == {"iss": ISSUER, "client_id": "first-api", PARENT: OTHER_ORGANIZATION}
    assert new[PARENT] == ORGANIZATION
    assert {"name", "given_name", "sid"} <= set(old)
    assert not {"name", "given_name", "sid"} & set(new)


@pytest.mark.covers("token-exchange.claims.machine", "token-exchange.original-client-id")
def test_a_machines_token_tells_of_no_person(actor: Machine) -> None:
    new = granted(exchange(actor, subject_token(actor)))
    assert list(new) == [
        *OF_MACHINE,
        PARENT,
        "helseid://claims/client/client_tenancy",
        ORIGINAL,
        "act",
        "jti",
    ]
    assert (new["client_id"], new[ORIGINAL], new[PARENT]) == ("first-api", "caller", ORGANIZATION)


@pytest.mark.covers("token-exchange.act")
def test_an_actor_without_organization_is_named_by_its_id_alone(sts: Emulator, actor: Machine) -> None:
    plain = actor_in(sts, "plain-api", private_jwk("ES256", 4))
    claims = granted(exchange(plain, subject_token(actor)))
    assert claims["act"] == {"iss": ISSUER, "client_id": "plain-api"}


@pytest.mark.covers("token-exchange.act")
def test_a_multi_tenant_actor_names_the_organization_that_it_acts_for(sts: Emulator, actor: Machine) -> None:
    supplier = actor_in(
        sts,
        "supplier-api",
        private_jwk("ES256", 4),
        tenancy="multi-tenant",
        organization=OTHER_ORGANIZATION,
        delegations=["999977777"],
    )
    details = {
        "type": "helseid_authorization",
        "practitioner_role": {
            "organization": {
                "identifier": {"system": "urn:oid:1.0.6523", "type": "ENH", "value": "NO:ORGNR:999977777:"}
            }
        },
    }
    claims = granted(exchange(supplier, subject_token(actor), assertion={"claims": {"assertion_details": details}}))
    assert claims["act"] == {"iss": ISSUER, "client_id": "supplier-api", PARENT: "999977777"}
    assert claims[PARENT] == ORGANIZATION
    assert SUPPLIER not in claims


@pytest.mark.covers("token-exchange.claims.person")
def test_the_callers_child_and_supplier_stay(sts: Emulator, actor: Machine) -> None:
    key = private_jwk("ES256", 4)
    supplier = sts.client(
        "supplier", jwk=key, tenancy="multi-tenant", organization=OTHER_ORGANIZATION, delegations=[ORGANIZATION]
    )
    identifier = {"system": "urn:oid:1.0.6523", "type": "ENH", "value": f"NO:ORGNR:{ORGANIZATION}:999977775"}
    details = {
        "type": "helseid_authorization",
        "practitioner_role": {"organization": {"identifier": identifier}},
    }
    token = supplier.token(assertion={"claims": {"assertion_details": details}}).json["access_token"]
    claims = granted(exchange(actor, token))
    assert [claims[name] for name in (PARENT, CHILD, SUPPLIER)] == [ORGANIZATION, "999977775", OTHER_ORGANIZATION]


def chain(sts: Emulator, actor: Machine) -> list[Machine]:
    """Three APIs, each calling the next."""
    register_api(sts.store, "test:third", scopes=["test:third/read"])
    register_api(sts.store, "test:last", scopes=["test:last/read"])
    second = actor_in(sts, "second-api", private_jwk("ES256", 4), scope=["test:third/read"])
    third = actor_in(
        sts,
        "third-api",
        private_jwk("ES256", 5),
        scope=["test:last/read"],
        tenancy="single-tenant",
        organization=ORGANIZATION,
    )
    return [actor, second, third]


@pytest.mark.covers("token-exchange.act.nested", "token-exchange.original-client-id")
@pytest.mark.parametrize("personal", [True, False], ids=["person", "machine"])
def test_who_came_before_stands_inside_the_oldest_innermost(sts: Emulator, actor: Machine, personal: bool) -> None:
    first, second, third = chain(sts, actor)
    token = person(actor).tokens().json["access_token"] if personal else subject_token(actor)
    one = exchange(first, token)
    two = exchange(second, one.json["access_token"], {"scope": "test:third/read"})
    three = exchange(third, two.json["access_token"], {"scope": "test:last/read"})
    innermost = {"iss": ISSUER, "client_id": "first-api", PARENT: OTHER_ORGANIZATION}
    assert granted(one)["act"] == innermost
    assert granted(two)["act"] == {"iss": ISSUER, "client_id": "second-api", "act": innermost}
    claims = granted(three)
    assert claims["act"] == {
        "iss": ISSUER,
        "client_id": "third-api",
        PARENT: ORGANIZATION,
        "act": {"iss": ISSUER, "client_id": "second-api", "act": innermost},
    }
    assert (claims["client_id"], claims[ORIGINAL], claims["aud"]) == ("third-api", "caller", "test:last")
    assert claims.get("sub") == decode(token)[1].get("sub")
    assert claims.get(PID) == (PERSON if personal else None)


@pytest.mark.covers("token-exchange.depth")
def test_five_times_in_a_row_and_no_more(actor: Machine) -> None:
    token = subject_token(actor)
    for _ in range(5):
        answer = exchange(actor, token)
        assert answer.status == 200, answer.content
        token = answer.json["access_token"]
    refused(exchange(actor, token), "token-exchange.depth", "subject_token exchanged too many times (5)")
    assert exchange(actor, subject_token(actor)).status == 200


@pytest.mark.covers("token-exchange.again")
def test_a_token_may_be_exchanged_many_times_while_it_lives(actor: Machine) -> None:
    token = subject_token(actor)
    found = [granted(exchange(actor, token)) for _ in range(3)]
    assert len({claims["jti"] for claims in found}) == 3
    assert [claims["act"] for claims in found] == [found[0]["act"]] * 3


@pytest.mark.covers("token-exchange.lifetime")
@pytest.mark.parametrize(("api", "own", "lifetime"), [(60, None, 60), (60, 90, 90), (None, None, 600)])
def test_the_lifetime_is_that_of_the_next_api_or_the_actor(
    sts: Emulator, actor: Machine, api: int | None, own: int | None, lifetime: int
) -> None:
    members = {} if api is None else {"access_token_lifetime": api}
    register_api(sts.store, NEXT_API, scopes=[NEXT_SCOPE], **members)
    changes = {} if own is None else {"access_token_lifetime": own}
    mine = actor_in(sts, "timed-api", private_jwk("ES256", 4), **changes)
    answer = exchange(mine, subject_token(actor))
    claims = granted(answer)
    assert (answer.json["expires_in"], claims["exp"] - claims["iat"]) == (lifetime, lifetime)


@pytest.mark.covers("token-exchange.no-login")
def test_userinfo_tells_nothing_for_it(actor: Machine) -> None:
    rp = person(actor)
    token = rp.tokens().json["access_token"]
    new = exchange(actor, token).json["access_token"]
    assert rp.user_info(token).status == 200
    assert rp.user_info(new).status == 401


# What the next API asks


@pytest.mark.covers("token-exchange.next-api")
@pytest.mark.parametrize("caller_acts", [True, False], ids=["caller", "actor"])
def test_an_api_that_wants_an_organization_wants_the_callers(sts: Emulator, actor: Machine, caller_acts: bool) -> None:
    register_api(sts.store, NEXT_API, scopes=[NEXT_SCOPE], require_organization=True)
    nobody = actor_in(sts, "plain-api", private_jwk("ES256", 4))
    if caller_acts:
        assert granted(exchange(nobody, subject_token(actor)))[PARENT] == ORGANIZATION
    else:
        token = sts.client("plain", jwk=private_jwk("ES256", 5)).token().json["access_token"]
        assert PARENT not in decode(token)[1]
        refused(exchange(actor, token), "api.organization", "HID-1007: The API requires an organization number")


@pytest.mark.covers("token-exchange.next-api")
def test_an_api_that_takes_dpop_only_gets_no_bearer_token(sts: Emulator, actor: Machine) -> None:
    register_api(sts.store, NEXT_API, scopes=[NEXT_SCOPE], require_dpop=True)
    bearer = actor_in(sts, "bearer-api", private_jwk("ES256", 4), dpop_bound_access_tokens=False)
    token = subject_token(actor)
    assert exchange(bearer, token, dpop=False).rule == "api.dpop"
    assert exchange(bearer, token).status == 200


@pytest.mark.covers("token-exchange.next-api")
@pytest.mark.parametrize("enforcement", ["helseid", "strict"])
@pytest.mark.parametrize("level", ["3", "4"])
def test_an_api_that_wants_a_level_wants_it_of_the_person(worlds: Worlds, level: str, enforcement: str) -> None:
    sts = worlds.make(enforcement=enforcement)
    two_apis({"claims": [LEVEL]})(sts)
    register_api(sts.store, NEXT_API, scopes=[NEXT_SCOPE], security_level="4")
    actor = actor_in(sts)
    token = person(actor, f"openid {API_SCOPE}").tokens({"test_security_level": level}).json["access_token"]
    answer = exchange(actor, token)
    if level == "3" and enforcement == "strict":
        assert (answer.status, answer.rule) == (400, "api.security-level")
    else:
        assert granted(answer)[LEVEL] == level
        broken = [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]
        assert broken == (["api.security-level"] if level == "3" else [])


@pytest.mark.covers("token-exchange.answer")
@pytest.mark.parametrize("mode", [mode.word for mode in Enforcement])
@pytest.mark.parametrize("personal", [True, False], ids=["person", "machine"])
def test_a_correct_exchange_keeps_every_requirement(worlds: Worlds, mode: str, personal: bool) -> None:
    sts = worlds.make(enforcement=mode)
    two_apis()(sts)
    actor = actor_in(sts)
    rp = person(actor, f"openid {API_SCOPE}")
    token = rp.tokens().json["access_token"] if personal else subject_token(actor)
    granted(exchange(actor, token, {"resource": NEXT_API, "requested_token_type": ACCESS_TOKEN}))
    findings = sts.journal(limit="1")[0]["findings"]
    assert findings["broken"] == []
    assert {name for name in FLOW_CASES if name.startswith("token-exchange.")} - set(findings["met"]) == set()


# Subject tokens that are none


@pytest.mark.covers("token-exchange.error.missing")
@pytest.mark.parametrize("value", [ABSENT, ""], ids=["absent", "empty"])
def test_a_missing_subject_token(actor: Machine, value: object) -> None:
    refused(exchange(actor, value), "token-exchange.subject-token", "invalid subject_token - missing")


@pytest.mark.covers("token-exchange.error.type")
@pytest.mark.parametrize(
    "kind",
    [
        ABSENT,
        "",
        "access_token",
        "urn:ietf:params:oauth:token-type:id_token",
        "urn:ietf:params:oauth:token-type:jwt",
        "urn:ietf:params:oauth:token-type:refresh_token",
        ACCESS_TOKEN.upper(),
    ],
)
def test_another_subject_token_type(actor: Machine, kind: object) -> None:
    refused(
        exchange(actor, subject_token(actor), {"subject_token_type": kind}),
        "token-exchange.subject-token-type",
        "invalid subject_token - wrong subject_token_type",
    )


@pytest.mark.covers("token-exchange.error.requested-type")
@pytest.mark.parametrize("kind", ["refresh_token", "id_token", "jwt", "saml2"])
def test_another_requested_token_type(actor: Machine, kind: str) -> None:
    refused(
        exchange(actor, subject_token(actor), {"requested_token_type": f"urn:ietf:params:oauth:token-type:{kind}"}),
        "token-exchange.requested-token-type",
        f"requested_token_type must be {ACCESS_TOKEN}",
    )


def foreign_rsa() -> Jwk:
    members = RSABinding.export_private_key(rsa.generate_private_key(65537, 2048))
    return {"kty": "RSA", "alg": "RS256", **{name: str(value) for name, value in members.items()}}


def resigned(token: str, key: Jwk, alg: str, **header: Any) -> str:
    old_header, claims = decode(token)
    return raw_jws(json.dumps({**old_header, "alg": alg, **header}).encode(), json.dumps(claims).encode(), key, alg)


@pytest.mark.covers("token-exchange.error.signature")
@pytest.mark.parametrize("enforcement", ["observe", "helseid", "strict"])
def test_a_token_that_this_server_has_not_signed(worlds: Worlds, enforcement: str) -> None:
    sts = worlds.make(enforcement=enforcement)
    two_apis()(sts)
    actor = actor_in(sts)
    token = subject_token(actor)
    published: Jwk = sts.get("/.well-known/openid-configuration/jwks").json["keys"][0]
    foreign = foreign_rsa()
    forgeries = [
        tampered(token, client_id="another"),
        tampered(token, exp=1_900_000_000),
        tampered(token, act={"client_id": "another"}),
        resigned(token, foreign, "RS256"),
        resigned(token, foreign, "RS256", jwk=public_jwk(foreign)),
        resigned(token, foreign, "PS256"),
        resigned(token, private_jwk("ES256", 4), "ES256"),
        resigned(token, published, "none"),
        resigned(token, published, "HS256"),
        token.rsplit(".", 1)[0] + ".",
        token[:-8] + "AAAAAAAA",
    ]
    for forgery in forgeries:
        assert forgery != token
        refused(exchange(actor, forgery), "token-exchange.signed", NOT_SIGNED)
    assert exchange(actor, token).status == 200


def unsigned(**claims: Any) -> str:
    return ".".join([b64(b'{"alg":"RS256","typ":"at+jwt"}'), b64(json.dumps(claims).encode()), b64(b"signature")])


STRANGE: dict[str, str] = {
    "text": "nonsense",
    "dots": "..",
    "two parts": "e30.e30",
    "not ascii": "å.å.å",
    "long": "a" * 70_000,
    "array": f"e30.{b64(b'[]')}.AAAA",
    "empty": unsigned(),
    "iss list": unsigned(iss=[ISSUER], exp=1_900_000_000),
    "iss object": unsigned(iss={"a": 1}),
    "aud object": unsigned(iss=ISSUER, aud={"a": 1}, exp="x"),
    "aud list": unsigned(iss=ISSUER, aud=[["test:api"], 1]),
    "client list": unsigned(iss=ISSUER, client_id=["caller"]),
    "act text": unsigned(act="x"),
    "act deep": unsigned(act={"act": {"act": {"act": {"act": {"act": {"act": {}}}}}}}),
    "deeper": ".".join(["e30", b64(b'{"act":' * 5_000 + b"{}" + b"}" * 5_000), "AAAA"]),
}


@pytest.mark.covers("token-exchange.error.not-an-access-token")
@pytest.mark.parametrize("token", STRANGE.values(), ids=STRANGE.keys())
def test_something_that_is_no_token_of_ours(actor: Machine, token: str) -> None:
    refused(exchange(actor, token), "token-exchange.signed", NOT_SIGNED)


@pytest.mark.covers("token-exchange.error.not-an-access-token")
def test_an_id_token_is_no_access_token(actor: Machine) -> None:
    tokens = person(actor).tokens().json
    refused(
        exchange(actor, tokens["id_token"]),
        "token-exchange.access-token",
        "invalid subject_token - it is no access token",
    )


@pytest.mark.covers("token-exchange.error.not-an-access-token")
def test_neither_a_refresh_token_nor_an_assertion_nor_a_proof_is_an_access_token(actor: Machine) -> None:
    tokens = person(actor).tokens().json
    for other in (tokens["refresh_token"], actor.assertion(), actor.proof()):
        refused(exchange(actor, other), "token-exchange.signed", NOT_SIGNED)


@pytest.mark.covers("token-exchange.error.not-an-access-token")
@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt"])
@pytest.mark.parametrize("personal", [True, False], ids=["person", "machine"])
def test_a_token_of_the_test_token_service_is_taken_when_its_typ_is_that_of_access_tokens(
    actor: Machine, personal: bool, typ: str | None
) -> None:
    """The service writes ``JWT`` unless it is asked for another; RFC 9068 section 2.1 wants ``at+jwt``."""
    body = {
        "audience": "test:api",
        "withoutDefaultUserClaims": not personal,
        "clientClaimsParameters": {"scope": [API_SCOPE], "clientId": "caller"},
        **({} if typ is None else {"headerParameters": {"typ": typ}}),
    }
    headers = {"Content-Type": "application/json", "X-Auth-Key": "any"}
    made = actor.transport.send("POST", "/v2/create-test-token-with-key", headers, json.dumps(body).encode())
    answer = exchange(actor, made.json["successResponse"]["accessTokenJwt"])
    if typ == "at+jwt":
        assert answer.status == 200, answer.content
        assert decode(answer.json["access_token"])[1]["aud"] == NEXT_API
        return
    refused(answer, "token-exchange.access-token", "invalid subject_token - it is no access token")


@pytest.mark.covers("token-exchange.error.issuer")
def test_a_token_of_another_issuer(actor: Machine) -> None:
    host = "127.0.0.1:8080"
    caller = replace(caller_of(actor), transport=ByHost(actor.transport, host), issuer=f"http://{host}")
    token = caller.token().json["access_token"]
    assert decode(token)[1]["iss"] == f"http://{host}"
    refused(exchange(actor, token), "token-exchange.issuer", "invalid subject_token - wrong issuer")


@pytest.mark.covers("token-exchange.error.issuer")
def test_a_token_of_the_same_server_under_another_of_its_names(worlds: Worlds) -> None:
    sts = worlds.make(public_url=ISSUER, aliases=("http://other.test:8080",))
    two_apis()(sts)
    actor = actor_in(sts)
    caller = replace(caller_of(actor), transport=ByHost(actor.transport, "other.test:8080"))
    answer = caller.token(proof={"claims": {"htu": "http://other.test:8080/connect/token"}})
    assert exchange(actor, answer.json["access_token"]).status == 200


@pytest.mark.covers("token-exchange.error.expired")
def test_an_expired_token(sts: Emulator, actor: Machine) -> None:
    token = subject_token(actor)
    sts.clock.advance(599)
    actor.learn_nonce()
    assert exchange(actor, token).status == 200
    sts.clock.advance(1)
    refused(exchange(actor, token), "token-exchange.alive", "invalid subject_token - expired")


@pytest.mark.covers("token-exchange.error.expired")
def test_an_exchanged_token_expires_as_well(sts: Emulator, actor: Machine) -> None:
    token = exchange(actor, subject_token(actor)).json["access_token"]
    sts.clock.advance(600)
    actor.learn_nonce()
    refused(exchange(actor, token), "token-exchange.alive", "invalid subject_token - expired")


@pytest.mark.covers("token-exchange.error.revoked")
@pytest.mark.parametrize("revoke", [True, False], ids=["setting", "default"])
def test_a_token_that_was_taken_back(worlds: Worlds, revoke: bool) -> None:
    sts = worlds.make(revoke_on_code_reuse=revoke)
    two_apis()(sts)
    actor = actor_in(sts)
    rp = person(actor, f"openid {API_SCOPE}")
    login = Login()
    code = rp.log_in(login)["code"]
    token = rp.redeem(login, code).json["access_token"]
    assert exchange(actor, token).status == 200
    assert rp.redeem(login, code).error == "invalid_grant"
    answer = exchange(actor, token)
    if revoke:
        refused(answer, "token-exchange.not-revoked", "invalid subject_token - revoked")
    else:
        assert answer.status == 200
    assert exchange(actor, subject_token(actor)).status == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(st.characters(codec="utf-8"), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["act", "iss", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
CLAIMS = st.dictionaries(st.sampled_from(["iss", "aud", "exp", "client_id", "act", "jti", "sub", "cnf", "scope"]), JSON)


@pytest.mark.covers("token-exchange.error.not-an-access-token")
@pytest.mark.parametrize("enforcement", ["observe", "strict"])
@examples(100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(claims=CLAIMS, text=st.text(max_size=40), as_text=st.booleans())
def test_whatever_comes_as_a_subject_token_is_refused(
    sts: Emulator, actor: Machine, enforcement: str, claims: dict[str, Any], text: str, as_text: bool
) -> None:
    mine = actor_in(sts, "hostile-api", private_jwk("ES256", 4), enforcement=enforcement)
    clean = text.replace("\0", "").encode("utf-8", "ignore").decode()
    answer = exchange(mine, clean if as_text else unsigned(**claims), {"scope": clean})
    assert (answer.status, answer.error) == (400, "invalid_request"), answer.content
    assert answer.rule in ("token-exchange.signed", "token-exchange.subject-token")


# Who may


def no_audience(client_id: str) -> str:
    return f"no audience matching configuration owner of client_id {client_id} was found in subject token"


@pytest.mark.covers("token-exchange.error.audience")
@pytest.mark.parametrize(
    ("owner", "organization", "good"),
    [
        (None, None, True),
        (None, ORGANIZATION, True),
        (ORGANIZATION, ORGANIZATION, True),
        (ORGANIZATION, OTHER_ORGANIZATION, False),
        (ORGANIZATION, None, False),
    ],
)
def test_the_actors_owner_owns_the_api(sts: Emulator, owner: str | None, organization: str | None, good: bool) -> None:
    two_apis({} if owner is None else {"owner": owner})(sts)
    members: dict[str, Any] = {}
    if organization is not None:
        members = {"organization": organization, "tenancy": "single-tenant"}
    actor = actor_in(sts, **members)
    answer = exchange(actor, subject_token(actor))
    if good:
        assert answer.status == 200, answer.content
    else:
        refused(answer, "token-exchange.audience", no_audience("first-api"))


@pytest.mark.covers("token-exchange.error.audience")
def test_one_of_several_audiences_is_enough(sts: Emulator, actor: Machine) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE], owner=OTHER_ORGANIZATION)
    register_api(sts.store, NEXT_API, scopes=[NEXT_SCOPE], owner="999977777")
    both = caller_of(actor).token(form={"scope": f"{API_SCOPE} {NEXT_SCOPE}"})
    assert both.claims["aud"] == ["test:api", NEXT_API]
    assert exchange(actor, both.json["access_token"]).status == 200
    other = caller_of(actor).token(form={"scope": NEXT_SCOPE})
    refused(exchange(actor, other.json["access_token"]), "token-exchange.audience", no_audience("first-api"))


@pytest.mark.covers("token-exchange.error.audience")
def test_a_token_for_no_api(actor: Machine) -> None:
    token = person(actor, "openid profile").tokens().json["access_token"]
    assert "aud" not in decode(token)[1]
    refused(exchange(actor, token), "token-exchange.audience", no_audience("first-api"))


@pytest.mark.covers("token-exchange.error.actor")
@pytest.mark.parametrize(
    ("by_client", "by_api", "good"),
    [
        ([], [], True),
        (["first-api"], [], True),
        ([], ["first-api"], True),
        (["another", "first-api"], ["first-api", "another"], True),
        (["another"], [], False),
        ([], ["another"], False),
        (["first-api"], ["another"], False),
        (["another"], ["first-api"], False),
        (["FIRST-API"], [], False),
    ],
    ids=str,
)
def test_client_and_api_may_name_their_actors(
    sts: Emulator, by_client: list[str], by_api: list[str], good: bool
) -> None:
    two_apis({"token_exchange_actors": by_api}, token_exchange_actors=by_client)(sts)
    actor = actor_in(sts)
    answer = exchange(actor, subject_token(actor))
    if good:
        assert answer.status == 200, answer.content
    else:
        refused(answer, "token-exchange.permitted", "not permitted")


@pytest.mark.covers("token-exchange.error.actor")
@pytest.mark.parametrize("closed", ["test:api", NEXT_API])
def test_every_api_of_the_token_must_allow_the_actor(sts: Emulator, actor: Machine, closed: str) -> None:
    both = caller_of(actor).token(form={"scope": f"{API_SCOPE} {NEXT_SCOPE}"}).json["access_token"]
    assert exchange(actor, both).status == 200
    scopes = {"test:api": API_SCOPE, NEXT_API: NEXT_SCOPE}
    register_api(sts.store, closed, scopes=[scopes[closed]], token_exchange_actors=["another"])
    refused(exchange(actor, both), "token-exchange.permitted", "not permitted")


@pytest.mark.covers("token-exchange.error.actor")
def test_in_a_chain_the_last_actor_is_the_client_that_permits(sts: Emulator, actor: Machine) -> None:
    _, second, _ = chain(sts, actor)
    closed = actor_in(sts, "closed-api", private_jwk("ES256", 6), token_exchange_actors=["third-api"])
    token = exchange(closed, subject_token(actor)).json["access_token"]
    refused(exchange(second, token, {"scope": "test:third/read"}), "token-exchange.permitted", "not permitted")
    third = replace(second, client_id="third-api", jwk=private_jwk("ES256", 5))
    assert exchange(third, token, {"scope": "test:last/read"}).status == 200


@pytest.mark.covers("token-exchange.error.grant")
@pytest.mark.parametrize("grants", [["client_credentials"], ["authorization_code", "refresh_token"]])
def test_a_client_without_the_grant(sts: Emulator, actor: Machine, grants: list[str]) -> None:
    plain = sts.client(
        "plain", jwk=private_jwk("ES256", 4), grant_types=grants, scope=[NEXT_SCOPE], redirect_uris=[REDIRECT_URI]
    )
    answer = exchange(plain, subject_token(actor))
    assert (answer.status, answer.error, answer.rule) == (400, "unauthorized_client", "grant.allowed")


@pytest.mark.covers("token-exchange.error.grant")
def test_the_grant_alone_gives_no_machine_token(actor: Machine) -> None:
    answer = actor.token(form={"scope": NEXT_SCOPE})
    assert (answer.status, answer.error, answer.rule) == (400, "unauthorized_client", "grant.allowed")


# For what


@pytest.mark.covers("token-exchange.error.scopes")
@pytest.mark.parametrize(
    "scope",
    [
        ABSENT,
        "",
        " ",
        "test:next/write",
        f"{NEXT_SCOPE} test:next/write",
        "test:next",
        "nonsense",
        f"{NEXT_SCOPE} test:third/read",
        "openid",
        f"openid {NEXT_SCOPE}",
        f"{NEXT_SCOPE} offline_access",
        f"profile {NEXT_SCOPE}",
        f"{NEXT_SCOPE} helseid://scopes/identity/pid",
        "helseid://scopes/client/client_name",
        API_SCOPE,
    ],
    ids=str,
)
def test_scopes_that_are_not_of_one_registered_api(sts: Emulator, actor: Machine, scope: object) -> None:
    register_api(sts.store, "test:third", scopes=["test:third/read"])
    registered = [
        NEXT_SCOPE,
        "test:third/read",
        "openid",
        "offline_access",
        "helseid://scopes/identity/pid",
        "helseid://scopes/client/client_name",
    ]
    greedy = actor_in(sts, "greedy-api", private_jwk("ES256", 4), scope=registered)
    refused(
        exchange(greedy, subject_token(actor), {"scope": scope}),
        "token-exchange.scopes",
        "invalid scopes requested",
        "invalid_target",
    )


@pytest.mark.covers("token-exchange.scopes")
def test_several_scopes_of_one_api(sts: Emulator, actor: Machine) -> None:
    both = ["test:next/write", NEXT_SCOPE]
    mine = actor_in(sts, "writing-api", private_jwk("ES256", 4), scope=both)
    answer = exchange(mine, subject_token(actor), {"scope": f"{' '.join(both)} {NEXT_SCOPE}"})
    assert granted(answer)["scope"] == both
    assert answer.json["scope"] == " ".join(both)


@pytest.mark.covers("token-exchange.scopes")
def test_an_api_that_nobody_registered_is_named_by_its_scope(sts: Emulator, actor: Machine) -> None:
    mine = actor_in(sts, "wild-api", private_jwk("ES256", 4), scope=["wild:api/read"])
    assert granted(exchange(mine, subject_token(actor), {"scope": "wild:api/read"}))["aud"] == "wild:api"


@pytest.mark.covers("token-exchange.error.resource")
@pytest.mark.parametrize("resource", ["test:api", "test:unknown", "https://next.test"])
def test_a_resource_that_is_another_api(actor: Machine, resource: str) -> None:
    refused(
        exchange(actor, subject_token(actor), {"resource": resource}),
        "token-exchange.resource",
        "Invalid resource indicator.",
        "invalid_target",
    )


@pytest.mark.covers("token-exchange.error.resource")
def test_a_resource_that_is_no_uri(actor: Machine) -> None:
    answer = exchange(actor, subject_token(actor), {"resource": "next"})
    assert (answer.status, answer.error, answer.rule) == (400, "invalid_target", "token-request.resource-form")


@pytest.mark.covers("token-exchange.refusal-keeps")
def test_a_refusal_uses_nothing_up(actor: Machine) -> None:
    token = subject_token(actor)
    assert exchange(actor, token, {"scope": "nonsense"}).status == 400
    assert exchange(actor, token).status == 200


@pytest.mark.covers("token-exchange.journal")
def test_the_journal_shows_both_tokens_decoded(sts: Emulator, actor: Machine) -> None:
    token = subject_token(actor)
    new = granted(exchange(actor, token))
    detail = sts.journal(limit="1")[0]["detail"]
    assert detail["subject_token"]["claims"] == decode(token)[1]
    assert detail["access_token"] == new
    assert token not in json.dumps(sts.journal())


# Published registrations


def registration(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FIXTURES / "clients" / path).read_text(encoding="utf-8"))
    return found


def as_published(sts: Emulator, name: str, key: Jwk) -> Machine:
    """A sample's registration with a key of ours: the samples' keys are theirs."""
    document = registration(f"samples/{name}.yaml")
    members = {name: value for name, value in document.items() if name not in ("client_id", "jwks")}
    return replace(sts.client(document["client_id"], jwk=key, **members), scope=" ".join(document["scope"]))


@pytest.mark.covers("token-exchange.samples", "token-exchange.bearer")
def test_the_machine_sample_exchanges_without_dpop(sts: Emulator) -> None:
    caller = as_published(sts, "token_exchange_subject_client", CALLER_KEY)
    api = as_published(sts, "token_exchange_actor_client", private_jwk("ES256", 4))
    token = caller.post(caller.form(caller.assertion())).json["access_token"]
    answer = exchange(api, token, {"scope": "nhn:test-public-sample-api-1/some-scope"}, dpop=False)
    claims = granted(answer)
    assert answer.json["token_type"] == "Bearer"
    assert (claims["aud"], claims["client_id"], claims[ORIGINAL]) == (
        "nhn:test-public-sample-api-1",
        "token_exchange_actor_client",
        "token_exchange_subject_client",
    )


@pytest.mark.covers("token-exchange.samples")
@pytest.mark.parametrize("age", ["nhn:test-public-samplecode", "nhn:helseid-public-samplecode"], ids=["new", "old"])
def test_the_web_sample_exchanges_a_persons_token_with_dpop(sts: Emulator, age: str) -> None:
    caller = as_published(sts, "helseid-sample-token-exchange-subject-client", CALLER_KEY)
    api = as_published(sts, "helseid-sample-token-exchange-actor-client", private_jwk("ES256", 4))
    scopes = f"openid profile offline_access helseid://scopes/identity/pid {age}-for-token-exchange"
    redirect_uri = "https://localhost:5151/signin-oidc"
    rp = RelyingParty(caller, scopes=f"{scopes}/token-exhange-endpoint", redirect_uri=redirect_uri)
    tokens = rp.tokens()
    assert api.meet_challenge({"grant_type": EXCHANGE}).error == "use_dpop_nonce"
    answer = exchange(api, tokens.json["access_token"], {"scope": f"{age}/client-credentials"})
    claims = granted(answer)
    assert answer.json["token_type"] == "DPoP"
    assert (claims["aud"], claims[PID], claims["sub"]) == (age, PERSON, tokens.claims["sub"])


@pytest.mark.covers("token-exchange.samples")
def test_the_demo_clients_exchange_as_they_are(sts: Emulator) -> None:
    def demo(name: str) -> Machine:
        jwk = json.loads((FIXTURES / "keys" / "clients" / f"{name}.json").read_text(encoding="utf-8"))
        return replace(sts.machine(name, jwk), scope=None)

    token = demo("demo-machine").token().json["access_token"]
    claims = granted(exchange(demo("demo-exchange"), token, {"scope": "mock:downstream-api/read"}))
    assert (claims["aud"], claims[ORIGINAL]) == ("mock:downstream-api", "demo-machine")
    assert claims["act"] == {"iss": ISSUER, "client_id": "demo-exchange", PARENT: "213000012"}
