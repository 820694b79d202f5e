"""The client_credentials grant: which scopes and which API a machine gets."""

from typing import Any

import pytest

from tests.support.emulator import API_SCOPE, Emulator, register_api
from tests.support.machine import ABSENT, Answer

READ, WRITE, OTHER = "test:api/read", "test:api/write", "test:other/read"


def assert_refused(answer: Answer, error: str) -> None:
    assert (answer.status, answer.error) == (400, error)
    assert "access_token" not in answer.json


def granted(answer: Answer) -> tuple[Any, list[str]]:
    """Audience and scopes of the token; the response must tell the same scopes."""
    assert answer.status == 200, answer.content
    assert answer.json["scope"].split(" ") == answer.claims["scope"]
    return answer.claims["aud"], answer.claims["scope"]


# Scopes


@pytest.mark.covers("client-credentials.scope.requested")
def test_one_scope_gets_exactly_that_scope(sts: Emulator) -> None:
    machine = sts.client(scope=[READ, WRITE, OTHER])
    assert granted(machine.token(form={"scope": WRITE})) == ("test:api", [WRITE])


@pytest.mark.covers("contract.50")
@pytest.mark.covers("client-credentials.scope.absent")
@pytest.mark.parametrize("scope", [ABSENT, ""], ids=["absent", "empty"])
def test_without_scope_all_scopes_of_apis_are_granted(sts: Emulator, scope: object) -> None:
    machine = sts.client(
        scope=[
            "openid",
            "profile",
            "helseid://scopes/identity/pid",
            READ,
            "helseid://scopes/hpr/hpr_number",
            OTHER,
            "offline_access",
        ]
    )
    assert granted(machine.token(form={"scope": scope})) == (["test:api", "test:other"], [READ, OTHER])


@pytest.mark.covers("client-credentials.scope.several")
def test_several_scopes_are_granted_together(sts: Emulator) -> None:
    machine = sts.client(scope=[READ, WRITE, OTHER])
    assert granted(machine.token(form={"scope": f"{WRITE} {READ}"})) == ("test:api", [WRITE, READ])


@pytest.mark.covers("contract.06", "contract.57")
@pytest.mark.covers("client-credentials.scope.not-allowed")
@pytest.mark.parametrize("scope", ["test:api/write", "test:api/unheard-of", "test:api/READ", "nonsense"])
def test_a_scope_that_is_not_registered_is_refused(sts: Emulator, scope: str) -> None:
    register_api(sts.store, "test:api", scopes=["test:api/read", "test:api/write"])
    machine = sts.client(scope=["test:api/read"])
    assert_refused(machine.token(form={"scope": scope}), "invalid_scope")
    assert machine.token(form={"scope": "test:api/read"}).status == 200


@pytest.mark.covers("client-credentials.scope.partly-not-allowed", "token-response.no-rejected-scope")
@pytest.mark.parametrize("scope", [f"{READ} {WRITE}", f"{WRITE} {READ}"], ids=["last", "first"])
def test_one_scope_too_many_makes_the_whole_request_fail(sts: Emulator, scope: str) -> None:
    answer = sts.client(scope=[READ]).token(form={"scope": scope})
    assert_refused(answer, "invalid_scope")
    assert list(answer.json) == ["error"]


@pytest.mark.covers("client-credentials.scope.identity")
@pytest.mark.parametrize("beside", ["", f"{READ} "], ids=["alone", "beside a good one"])
@pytest.mark.parametrize(
    "scope",
    [
        "openid",
        "profile",
        "helseid://scopes/identity/pid",
        "helseid://scopes/identity/pid_pseudonym",
        "helseid://scopes/identity/assurance_level",
        "helseid://scopes/identity/security_level",
        "helseid://scopes/identity/network",
    ],
)
def test_a_scope_of_persons_is_refused_even_when_registered(sts: Emulator, scope: str, beside: str) -> None:
    machine = sts.client(scope=[READ, scope])
    assert_refused(machine.token(form={"scope": beside + scope}), "invalid_scope")


@pytest.mark.covers("client-credentials.scope.offline-access")
@pytest.mark.parametrize("asked", ["offline_access", f"{READ} offline_access"])
def test_offline_access_is_refused_even_when_registered(sts: Emulator, asked: str) -> None:
    machine = sts.client(scope=[READ, "offline_access"])
    assert_refused(machine.token(form={"scope": asked}), "invalid_scope")


@pytest.mark.covers("contract.06")
@pytest.mark.covers("client-credentials.grant-not-allowed")
@pytest.mark.parametrize(
    "grant_types", [["authorization_code"], ["urn:ietf:params:oauth:grant-type:token-exchange", "refresh_token"]]
)
def test_a_client_without_the_grant_is_refused(sts: Emulator, grant_types: list[str]) -> None:
    assert_refused(sts.client(grant_types=grant_types).token(), "unauthorized_client")


# Resources


@pytest.mark.covers("client-credentials.resource.filters")
@pytest.mark.parametrize("described", [True, False], ids=["described APIs", "APIs known by their scopes only"])
@pytest.mark.parametrize("scope", [f"{READ} {OTHER} {WRITE}", ABSENT], ids=["scope asked", "no scope asked"])
def test_a_resource_limits_the_token_to_one_api(sts: Emulator, scope: object, described: bool) -> None:
    if described:
        register_api(sts.store, "test:api", scopes=[READ, WRITE])
        register_api(sts.store, "test:other", scopes=[OTHER])
    machine = sts.client(scope=[READ, OTHER, WRITE])
    assert granted(machine.token(form={"scope": scope})) == (["test:api", "test:other"], [READ, OTHER, WRITE])
    assert granted(machine.token(form={"scope": scope, "resource": "test:api"})) == ("test:api", [READ, WRITE])
    assert granted(machine.token(form={"scope": scope, "resource": "test:other"})) == ("test:other", [OTHER])


@pytest.mark.covers("contract.57")
@pytest.mark.covers("client-credentials.resource.no-match")
@pytest.mark.parametrize("resource", ["test:unheard-of", "test:other", "test:api/read", "TEST:API"])
def test_a_resource_to_which_no_requested_scope_belongs_is_refused(sts: Emulator, resource: str) -> None:
    register_api(sts.store, "test:other", scopes=[OTHER])
    machine = sts.client(scope=[READ, OTHER])
    answer = machine.token(form={"scope": READ, "resource": resource})
    assert_refused(answer, "invalid_target")
    assert answer.description == "Invalid resource indicator."


@pytest.mark.covers("contract.52")
@pytest.mark.covers("client-credentials.no-id-or-refresh-token")
@pytest.mark.parametrize("scope", [API_SCOPE, ABSENT], ids=["scope asked", "no scope asked"])
def test_there_is_no_id_token_and_no_refresh_token(sts: Emulator, scope: object) -> None:
    machine = sts.client(
        grant_types=["authorization_code", "client_credentials", "refresh_token"],
        scope=["openid", "offline_access", API_SCOPE],
    )
    response = machine.token(form={"scope": scope}).json
    assert response["access_token"]
    assert {"id_token", "refresh_token", "rt_expires_in"} & set(response) == set()
