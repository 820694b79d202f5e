"""Access tokens that our own key has signed, but with claims that we never make: the key is published."""

from typing import Any

import pytest

from tests.helseid.flow_cases import ACTOR, exchange, two_apis
from tests.helseid.token_cases import INTROSPECTION, ask, call_resource
from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Machine, merge
from tests.support.relying_party import USERINFO, RelyingParty, web_client

INVALID = 'Bearer realm="IdentityServer",error="invalid_token"'

_ODD_VALUES: dict[str, list[Any]] = {
    "exp": [ABSENT, "x", "1800000600", None, [], True],
    "iss": [ABSENT, ["a"], None, 7, ""],
    "jti": [ABSENT, 5, {}, ""],
    "cnf": ["x", None, [], {}, {"jkt": 5}, {"jkt": ""}],
    "scope": [ABSENT, "openid", [5], {}, None],
    "client_id": [ABSENT, 5, ["web"], ""],
    "aud": [[5], 5, {}, None, [["test:api"]]],
    "sid": [5, None, "", []],
    # Absent it is in a token of the test-token service.
    "auth_time": ["x", 1.5, True, None],
}
ODD: list[dict[str, Any]] = [{name: value} for name, values in _ODD_VALUES.items() for value in values]


def name_of(claims: dict[str, Any]) -> str:
    ((name, value),) = claims.items()
    return f"{name} {'absent' if value is ABSENT else value!r}"


def signed(rp: RelyingParty, sts: Emulator, changes: dict[str, Any], typ: str = "at+jwt") -> str:
    """A person's access token with ``changes``, signed as this server signs."""
    claims = merge(rp.tokens().claims, changes)
    token: str = sts.sts.keyring.sign(claims, typ)
    return token


def world_of(worlds: Worlds) -> tuple[Emulator, RelyingParty, Machine]:
    sts = worlds.make(revoke_on_code_reuse=True)
    two_apis()(sts)
    return sts, web_client(sts), sts.client("actor", jwk=private_jwk("ES256", 5), **ACTOR)


@pytest.mark.covers("access-token.odd-claims")
@pytest.mark.parametrize("changes", ODD, ids=name_of)
def test_odd_claims_under_our_own_signature_are_no_token_anywhere(worlds: Worlds, changes: dict[str, Any]) -> None:
    sts, rp, actor = world_of(worlds)
    token = signed(rp, sts, changes)
    bearer = {"Authorization": f"Bearer {token}"}
    for method, path in (("GET", USERINFO), ("POST", "/connect/clientinfo")):
        answer = rp.machine.transport.send(method, path, bearer)
        assert (answer.status, answer.rule) == (401, "access-token.good"), path
        assert answer.headers["www-authenticate"] == INVALID
    resource = call_resource(rp.machine, token)
    assert (resource.status, resource.rule) == (401, "access-token.good")
    told = ask(rp.machine, INTROSPECTION, {"token": token})
    assert (told.status, told.json) == (200, {"active": False})
    exchanged = exchange(actor, token)
    assert (exchanged.status, exchanged.error) == (400, "invalid_request")
    assert exchanged.description == "invalid subject_token - it is no access token"
    assert exchanged.rule == "token-exchange.access-token"


@pytest.mark.covers("access-token.odd-claims")
def test_the_same_token_with_nothing_odd_is_good_everywhere(worlds: Worlds) -> None:
    sts, rp, actor = world_of(worlds)
    token = signed(rp, sts, {})
    assert rp.user_info(token).status == 200
    assert ask(rp.machine, INTROSPECTION, {"token": token}).json["active"] is True
    assert call_resource(rp.machine, token).status == 200
    assert exchange(actor, token).status == 200


@pytest.mark.covers("access-token.odd-claims")
@pytest.mark.parametrize(
    "changes",
    [
        {"helseid://claims/identity/security_level": 4},
        {"helseid://claims/client/claims/orgnr_parent": ["213000012"]},
        {"act": "x"},
        {"act": {"act": 5}},
    ],
    ids=name_of,
)
def test_odd_claims_beside_those_are_no_server_error(worlds: Worlds, changes: dict[str, Any]) -> None:
    sts = worlds.make()
    two_apis()(sts)
    rp = web_client(sts)
    register_api(sts.store, "test:next", scopes=["test:next/read"], security_level="4", require_organization=True)
    actor = sts.client("actor", jwk=private_jwk("ES256", 5), **ACTOR)
    answer = exchange(actor, signed(rp, sts, changes))
    assert (answer.status, answer.rule) == (400, "api.organization")


def test_a_token_of_another_kind_is_told_apart(worlds: Worlds) -> None:
    sts, rp, actor = world_of(worlds)
    for typ in ("JWT", "logout+jwt"):
        token = signed(rp, sts, {}, typ)
        assert rp.user_info(token).rule == "access-token.good"
        assert ask(rp.machine, INTROSPECTION, {"token": token}).json == {"active": False}
        assert exchange(actor, token).rule == "token-exchange.access-token"
