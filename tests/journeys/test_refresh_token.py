"""Refresh tokens, row by row."""

import re
from typing import Any

import pytest

from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, decode
from tests.support.relying_party import REDIRECT_URI, SCOPES, Login, RelyingParty, web_client

TWO_APIS = "openid profile offline_access test:api/read test:api/write second:api/read"
PROOF_LOST = (
    "Proof of possession was used to obtain the initial refresh token and is required for subsequent token requests."
)
PROOF_NEW = (
    "Proof of possession can't be used on subsequent token requests unless used when requesting the initial "
    "refresh token."
)
DOES_NOT_MATCH = "Resource indicator does not match any resource indicator in the original authorize request."


def register_web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    return web_client(sts, client_id, **members)


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return register_web(sts)


@pytest.fixture
def two_apis(sts: Emulator) -> RelyingParty:
    """A client of two APIs."""
    register_api(sts.store, "test:api", scopes=["test:api/read", "test:api/write"])
    register_api(sts.store, "second:api", scopes=["second:api/read"])
    rp = register_web(sts, scope=TWO_APIS)
    rp.scopes = TWO_APIS
    return rp


def refused(answer: Answer, rule: str, error: str = "invalid_grant", description: str | None = None) -> None:
    expected = {"error": error} if description is None else {"error": error, "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, expected, rule)
    assert "dpop-nonce" not in answer.headers


def bare(rp: RelyingParty, form: dict[str, Any]) -> Answer:
    """A token request without a proof."""
    return rp.machine.post(rp.machine.form(rp.machine.assertion(), {"scope": ABSENT, **form}))


def bare_refresh(rp: RelyingParty, refresh_token: str) -> Answer:
    return bare(rp, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def bare_tokens(rp: RelyingParty) -> Answer:
    """A login of a client that does without DPoP."""
    login = Login()
    form = {"code": rp.log_in(login)["code"], "redirect_uri": REDIRECT_URI, "code_verifier": login.verifier}
    answer = bare(rp, {"grant_type": "authorization_code", **form})
    assert answer.status == 200, answer.content
    return answer


# What a refresh gives


@pytest.mark.covers("contract.49", "contract.54")
@pytest.mark.covers("refresh.answer", "token-response.user-grant-members")
def test_a_refresh_answers_like_the_login(rp: RelyingParty) -> None:
    answer = rp.refresh(rp.tokens().json["refresh_token"])
    assert answer.status == 200
    assert list(answer.json) == [
        "id_token",
        "access_token",
        "expires_in",
        "token_type",
        "refresh_token",
        "scope",
        "rt_expires_in",
    ]
    assert answer.json["scope"] == SCOPES
    assert answer.json["token_type"] == "DPoP"
    assert type(answer.json["rt_expires_in"]) is int


@pytest.mark.covers("refresh.handle-form")
def test_refresh_tokens_are_64_hexadecimal_digits_and_a_suffix(rp: RelyingParty) -> None:
    first = rp.tokens().json["refresh_token"]
    second = rp.refresh(first).json["refresh_token"]
    assert re.fullmatch(r"[0-9A-F]{64}-1", first)
    assert re.fullmatch(r"[0-9A-F]{64}-1", second)


@pytest.mark.covers("refresh.id-token")
def test_the_new_id_token_repeats_the_login_but_neither_nonce_nor_state(sts: Emulator, rp: RelyingParty) -> None:
    tokens = rp.tokens()
    first = decode(tokens.json["id_token"])[1]
    sts.clock.advance(100)
    rp.machine.learn_nonce()
    answer = rp.refresh(tokens.json["refresh_token"])
    second = decode(answer.json["id_token"])[1]
    assert {name: second[name] for name in ("auth_time", "sid", "sub")} == {
        "auth_time": 1_800_000_000,
        "sid": first["sid"],
        "sub": first["sub"],
    }
    assert (second["iat"], second["nbf"], second["exp"]) == (1_800_000_100, 1_800_000_100, 1_800_000_400)
    assert {"nonce", "s_hash"} <= set(first)
    assert [name for name in first if name not in ("nonce", "s_hash")] == list(second)
    assert second["at_hash"] != first["at_hash"]


@pytest.mark.covers("refresh.access-token")
def test_the_new_access_token_is_of_the_same_login(sts: Emulator, rp: RelyingParty) -> None:
    tokens = rp.tokens()
    sts.clock.advance(100)
    rp.machine.learn_nonce()
    claims = rp.refresh(tokens.json["refresh_token"]).claims
    assert (claims["auth_time"], claims["iat"], claims["exp"]) == (1_800_000_000, 1_800_000_100, 1_800_000_700)
    first = tokens.claims
    assert [claims[name] for name in ("sub", "sid", "idp", "amr", "scope", "aud", "client_id", "cnf")] == [
        first[name] for name in ("sub", "sid", "idp", "amr", "scope", "aud", "client_id", "cnf")
    ]
    assert claims["jti"] != first["jti"]


@pytest.mark.covers("contract.51")
@pytest.mark.covers("refresh.scope-ignored", "token-endpoint.scope-with-code-or-refresh")
@pytest.mark.parametrize(
    ("scope", "given", "broken"),
    [
        (SCOPES, SCOPES, []),
        ("openid test:api/read", "openid test:api/read", []),
        ("openid test:api/write", SCOPES, ["refresh.scope"]),
    ],
    ids=["all", "some", "others"],
)
def test_scope_narrows_within_the_login_and_changes_nothing_else(
    sts: Emulator, rp: RelyingParty, scope: str, given: str, broken: list[str]
) -> None:
    answer = rp.refresh(rp.tokens().json["refresh_token"], {"scope": scope})
    assert answer.status == 200
    assert answer.json["scope"] == given
    assert [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]] == broken


@pytest.mark.covers("refresh.no-openid")
def test_without_openid_a_refresh_has_no_id_token(rp: RelyingParty) -> None:
    tokens = rp.tokens({"scope": "test:api/read offline_access"})
    assert "id_token" not in tokens.json
    answer = rp.refresh(tokens.json["refresh_token"])
    assert answer.status == 200
    assert "id_token" not in answer.json


# Once, or many times


@pytest.mark.covers("contract.54")
@pytest.mark.covers("refresh.rotation")
def test_by_default_each_refresh_replaces_the_token(rp: RelyingParty) -> None:
    old = rp.tokens().json["refresh_token"]
    new = rp.refresh(old).json["refresh_token"]
    assert new != old
    refused(rp.refresh(old), "refresh.single-use")
    assert rp.refresh(new).status == 200


@pytest.mark.covers("refresh.rotation")
def test_the_usage_can_be_registered_by_name(sts: Emulator) -> None:
    rp = register_web(sts, refresh_token_usage="OneTimeUseOnly")
    old = rp.tokens().json["refresh_token"]
    assert rp.refresh(old).json["refresh_token"] != old
    refused(rp.refresh(old), "refresh.single-use")


@pytest.mark.covers("contract.54")
@pytest.mark.covers("refresh.reusable")
def test_a_reusable_token_comes_back_each_time(sts: Emulator) -> None:
    rp = register_web(sts, refresh_token_usage="Reusable")
    token = rp.tokens().json["refresh_token"]
    answers = [rp.refresh(token) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [answer.json["refresh_token"] for answer in answers] == [token] * 3
    assert len({answer.json["access_token"] for answer in answers}) == 3


# How long


@pytest.mark.covers("contract.54")
@pytest.mark.covers("refresh.rt-expires-in")
@pytest.mark.parametrize("usage", ["OneTimeUseOnly", "Reusable"])
def test_the_time_left_is_counted_from_the_login(sts: Emulator, usage: str) -> None:
    rp = register_web(sts, refresh_token_usage=usage)
    answer = rp.tokens()
    assert answer.json["rt_expires_in"] == 28_800
    for left in (18_800, 8_800):
        sts.clock.advance(10_000)
        rp.machine.learn_nonce()
        answer = rp.refresh(answer.json["refresh_token"])
        assert answer.json["rt_expires_in"] == left


@pytest.mark.covers("refresh.expired")
@pytest.mark.parametrize("usage", ["OneTimeUseOnly", "Reusable"])
def test_an_expired_token_is_refused_even_if_it_was_renewed(sts: Emulator, usage: str) -> None:
    rp = register_web(sts, refresh_token_usage=usage)
    answer = rp.tokens()
    sts.clock.advance(28_799)
    rp.machine.learn_nonce()
    answer = rp.refresh(answer.json["refresh_token"])
    assert answer.json["rt_expires_in"] == 1
    sts.clock.advance(1)
    refused(rp.refresh(answer.json["refresh_token"]), "refresh.alive")


@pytest.mark.covers("refresh.lifetime")
@pytest.mark.parametrize(("own", "lifetime"), [(None, 1_000), (50, 50), (5_000, 5_000)])
def test_the_lifetime_is_the_clients_or_the_servers(worlds: Worlds, own: int | None, lifetime: int) -> None:
    sts = worlds.make(refresh_token_lifetime=1_000)
    members: dict[str, Any] = {} if own is None else {"refresh_token_lifetime": own}
    rp = register_web(sts, **members)
    first, second = rp.tokens().json, rp.tokens().json
    assert first["rt_expires_in"] == lifetime
    sts.clock.advance(lifetime - 1)
    rp.machine.learn_nonce()
    assert rp.refresh(first["refresh_token"]).status == 200
    sts.clock.advance(1)
    refused(rp.refresh(second["refresh_token"]), "refresh.alive")


# What is refused


@pytest.mark.covers("refresh.missing")
@pytest.mark.parametrize("value", [ABSENT, ""], ids=["absent", "empty"])
def test_a_missing_refresh_token_has_its_own_error(rp: RelyingParty, value: Any) -> None:
    refused(rp.refresh(value), "refresh.present", "invalid_request")


@pytest.mark.covers("refresh.unknown")
@pytest.mark.parametrize("token", [f"{'B' * 64}-1", "nonsense", "å"])
def test_an_unknown_refresh_token_is_refused(rp: RelyingParty, token: str) -> None:
    refused(rp.refresh(token), "refresh.known")


@pytest.mark.covers("refresh.unknown")
def test_neither_a_code_nor_an_access_token_is_a_refresh_token(rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    refused(rp.refresh(code), "refresh.known")
    refused(rp.refresh(rp.redeem(login, code).json["access_token"]), "refresh.known")


@pytest.mark.covers("refresh.foreign")
def test_a_foreign_client_gets_nothing_and_uses_nothing_up(sts: Emulator, rp: RelyingParty) -> None:
    thief = register_web(sts, "thief", jwk=private_jwk("ES256", 5))
    token = rp.tokens().json["refresh_token"]
    refused(thief.refresh(token), "refresh.known")
    assert rp.refresh(token).status == 200


@pytest.mark.covers("refresh.grant-follows-offline-access")
def test_offline_access_is_leave_enough_to_refresh(sts: Emulator) -> None:
    rp = register_web(sts, grant_types=["authorization_code"])
    answer = rp.refresh(rp.tokens().json["refresh_token"])
    assert answer.status == 200, answer.content


@pytest.mark.covers("refresh.grant-not-allowed")
def test_a_machine_may_not_refresh(sts: Emulator) -> None:
    refused(RelyingParty(sts.client()).refresh(f"{'B' * 64}-1"), "grant.allowed", "unauthorized_client")


@pytest.mark.covers("refresh.offline-access-needed")
def test_a_client_without_offline_access_cannot_ask_for_it(sts: Emulator) -> None:
    rp = register_web(sts, scope="openid test:api/read")
    answer = rp.push(Login(), {"scope": "openid offline_access"})
    assert (answer.status, answer.json["error"]) == (400, "invalid_scope")
    assert "refresh_token" not in rp.tokens({"scope": "openid"}).json


REFUSALS: dict[str, dict[str, Any]] = {
    "resource": {"changes": {"resource": "third:api"}},
    "resource form": {"changes": {"resource": "no uri"}},
    "proof": {"proof": {"claims": {"htm": "GET"}}},
    "client": {"assertion": {"claims": {"aud": "https://elsewhere.example"}}},
    "grant": {"changes": {"grant_type": "authorization_code"}},
}


@pytest.mark.covers("contract.55")
@pytest.mark.covers("refresh.refusal-keeps")
@pytest.mark.parametrize("wrong", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_uses_nothing_up(rp: RelyingParty, wrong: dict[str, Any]) -> None:
    token = rp.tokens().json["refresh_token"]
    assert rp.refresh(token, **wrong).status == 400
    assert rp.refresh(token).status == 200


@pytest.mark.covers("contract.55")
@pytest.mark.covers("refresh.refusal-keeps")
def test_a_request_without_proof_uses_nothing_up(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    token = rp.tokens().json["refresh_token"]
    assert bare_refresh(rp, token).status == 400
    assert rp.refresh(token).status == 200


@pytest.mark.covers("contract.40")
@pytest.mark.covers("dpop.challenge.keeps-code-and-refresh-token", "refresh.challenge-keeps")
def test_a_challenge_uses_nothing_up(rp: RelyingParty) -> None:
    token = rp.tokens().json["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": ABSENT}
    challenge = rp.machine.meet_challenge(form)
    assert (challenge.status, challenge.error) == (400, "use_dpop_nonce")
    assert rp.refresh(token).status == 200


# Proofs


@pytest.mark.covers("refresh.proof.lost")
def test_what_began_with_a_proof_needs_one(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    token = rp.tokens().json["refresh_token"]
    refused(bare_refresh(rp, token), "refresh.proof-kept", "invalid_request", PROOF_LOST)


@pytest.mark.covers("refresh.proof.lost")
def test_it_still_needs_one_after_a_refresh(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    token = rp.refresh(rp.tokens().json["refresh_token"]).json["refresh_token"]
    refused(bare_refresh(rp, token), "refresh.proof-kept", "invalid_request", PROOF_LOST)


@pytest.mark.covers("contract.46")
@pytest.mark.covers("refresh.proof.new")
def test_what_began_without_a_proof_takes_none(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    token = bare_tokens(rp).json["refresh_token"]
    refused(rp.refresh(token), "refresh.proof-not-new", "invalid_request", PROOF_NEW)
    again = bare_refresh(rp, token)
    assert (again.status, again.json["token_type"]) == (200, "Bearer")
    refused(rp.refresh(again.json["refresh_token"]), "refresh.proof-not-new", "invalid_request", PROOF_NEW)


@pytest.mark.covers("refresh.proof.other-key")
def test_the_key_may_change(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    answer = rp.refresh(tokens.json["refresh_token"], proof={"jwk": private_jwk("ES256", 8)})
    assert answer.status == 200
    assert answer.json["token_type"] == "DPoP"
    bound = answer.claims["cnf"]["jkt"]
    assert bound != tokens.claims["cnf"]["jkt"]
    back = rp.refresh(answer.json["refresh_token"])
    assert back.claims["cnf"] == tokens.claims["cnf"]


# One API of several


@pytest.mark.covers("refresh.resource.one-api")
@pytest.mark.parametrize("named", [ABSENT, ["test:api", "second:api"]], ids=["none at login", "both at login"])
def test_each_refresh_may_ask_for_another_api(two_apis: RelyingParty, named: object) -> None:
    login = Login()
    code = two_apis.log_in(login, {"resource": named})["code"]
    first = two_apis.redeem(login, code, {"resource": "test:api"})
    assert first.claims["aud"] == "test:api"
    second = two_apis.refresh(first.json["refresh_token"], {"resource": "second:api"})
    assert second.claims["aud"] == "second:api"
    assert second.claims["scope"] == ["second:api/read", "offline_access"]
    assert sorted(second.json["scope"].split(" ")) == ["offline_access", "second:api/read"]
    third = two_apis.refresh(second.json["refresh_token"])
    assert third.claims["aud"] == ["test:api", "second:api"]
    assert third.json["scope"] == TWO_APIS


@pytest.mark.covers("refresh.resource.not-asked-for")
def test_a_resource_that_the_login_did_not_name_is_refused(two_apis: RelyingParty) -> None:
    token = two_apis.tokens({"resource": ["test:api"]}).json["refresh_token"]
    answer = two_apis.refresh(token, {"resource": "second:api"})
    refused(answer, "refresh.resource", "invalid_target", DOES_NOT_MATCH)


@pytest.mark.covers("refresh.resource.unknown")
def test_a_resource_of_no_scope_is_refused(two_apis: RelyingParty) -> None:
    answer = two_apis.refresh(two_apis.tokens().json["refresh_token"], {"resource": "third:api"})
    assert (answer.status, answer.json) == (
        400,
        {"error": "invalid_target", "error_description": "Invalid resource indicator."},
    )


@pytest.mark.covers("refresh.resource.several")
def test_two_resources_at_once_are_refused_and_use_nothing_up(two_apis: RelyingParty) -> None:
    token = two_apis.tokens().json["refresh_token"]
    machine = two_apis.machine
    form = machine.form(machine.assertion(), {"grant_type": "refresh_token", "refresh_token": token, "scope": ABSENT})
    pairs = [*form.items(), ("resource", "test:api"), ("resource", "second:api")]
    says = "Multiple resource indicators not supported on token endpoint."
    refused(machine.post(pairs, proof=machine.proof()), "token-request.one-resource", "invalid_target", says)
    assert two_apis.refresh(token).status == 200
