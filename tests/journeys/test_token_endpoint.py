"""The token endpoint, whatever the grant: what a request must look like, the order of checks, the response."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.emulator import API_SCOPE, Emulator
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine, decode

FORM_TYPE = "application/x-www-form-urlencoded"

#: Changes to a proof: without nonce it earns a challenge, once it is looked at.
NO_NONCE: dict[str, Any] = {"claims": {"nonce": ABSENT}}


def assert_challenged(answer: Answer) -> None:
    assert (answer.status, answer.error) == (400, "use_dpop_nonce")
    assert answer.headers["dpop-nonce"]


def assert_refused(answer: Answer, error: str) -> None:
    """Refused for good, without an invitation to try again."""
    assert (answer.status, answer.error) == (400, error)
    assert "dpop-nonce" not in answer.headers


# What a request must look like


@pytest.mark.covers("token-endpoint.content-type.other")
@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_a_body_of_another_type_is_refused(machine: Machine, content_type: str) -> None:
    machine.learn_nonce()
    answer = machine.post(
        machine.form(machine.assertion()), proof=machine.proof(), headers={"Content-Type": content_type}
    )
    assert_refused(answer, "invalid_request")


@pytest.mark.covers("contract.29")
@pytest.mark.covers("token-endpoint.content-type.charset")
@pytest.mark.parametrize("content_type", [f"{FORM_TYPE}; charset=UTF-8", f"{FORM_TYPE};charset=utf-8"])
def test_a_charset_beside_the_type_does_no_harm(machine: Machine, content_type: str) -> None:
    assert machine.token(headers={"Content-Type": content_type}).status == 200


@pytest.mark.covers("token-endpoint.method.other")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_refused(machine: Machine, method: str) -> None:
    machine.learn_nonce()
    body = urlencode(machine.form(machine.assertion())).encode()
    headers = {"Content-Type": FORM_TYPE, "DPoP": machine.proof(claims={"htm": method})}
    assert_refused(machine.transport.send(method, "/connect/token", headers, body), "invalid_request")


@pytest.mark.covers("token-endpoint.method.other")
def test_a_head_request_is_refused(machine: Machine) -> None:
    assert machine.transport.send("HEAD", "/connect/token").status == 400


def test_parameters_in_the_address_do_not_count(machine: Machine) -> None:
    machine.learn_nonce()
    parameters = urlencode(machine.form(machine.assertion()))
    answer = machine.post(b"", proof=machine.proof(), path=f"/connect/token?{parameters}")
    assert_refused(answer, "invalid_request")


@pytest.mark.covers("contract.29")
@pytest.mark.covers("token-endpoint.unknown-parameters")
def test_parameters_without_meaning_are_ignored(machine: Machine) -> None:
    answer = machine.token(form={"state": "x", "x-client-SKU": "ID_NET8_0", "x-client-ver": "8.0.1", "nonce": "y"})
    assert answer.status == 200


@pytest.mark.covers("token-endpoint.grant-type.missing")
@pytest.mark.parametrize("proof", [{}, NO_NONCE], ids=["good proof", "proof without nonce"])
def test_a_missing_grant_type_is_noticed_before_the_proof(machine: Machine, proof: dict[str, Any]) -> None:
    assert_refused(machine.token(form={"grant_type": ABSENT}, proof=proof), "unsupported_grant_type")


@pytest.mark.covers("contract.57")
@pytest.mark.covers("token-endpoint.grant-type.unknown")
@pytest.mark.parametrize("grant_type", ["password", "implicit", "CLIENT_CREDENTIALS"])
def test_an_unknown_grant_type_is_noticed_after_the_proof(machine: Machine, grant_type: str) -> None:
    assert_challenged(machine.token(form={"grant_type": grant_type}, proof=NO_NONCE))
    assert_refused(machine.token(form={"grant_type": grant_type}), "unsupported_grant_type")


def token_for(machine: Machine, resources: list[str], *, proof: dict[str, Any] | None = None) -> Answer:
    """A token request with several resource parameters."""
    machine.learn_nonce()
    pairs = [*machine.form(machine.assertion()).items(), *(("resource", resource) for resource in resources)]
    return machine.post(pairs, proof=machine.proof(**(proof or {})))


@pytest.mark.covers("token-endpoint.resource.several")
@pytest.mark.parametrize("resources", [["test:api", "test:other"], ["test:api", "test:api"]], ids=["two", "one twice"])
def test_more_than_one_resource_is_refused(machine: Machine, resources: list[str]) -> None:
    answer = token_for(machine, resources)
    assert_refused(answer, "invalid_target")
    assert answer.description == "Multiple resource indicators not supported on token endpoint."


@pytest.mark.covers("contract.57")
@pytest.mark.covers("token-endpoint.resource.malformed")
@pytest.mark.parametrize("resource", ["test-api", "/test/api", "test:api#part", "https://api.example.test/#", "a b:c"])
def test_a_malformed_resource_is_refused(machine: Machine, resource: str) -> None:
    assert_refused(machine.token(form={"resource": resource}), "invalid_target")


# The order of checks


@pytest.mark.covers("token-endpoint.order.client-first")
@pytest.mark.parametrize(
    "assertion", [{"jwk": private_jwk("ES256", 8)}, {"claims": {"aud": "https://elsewhere.test"}}], ids=["key", "aud"]
)
def test_the_client_comes_first(machine: Machine, assertion: dict[str, Any]) -> None:
    answer = machine.post(machine.form(machine.assertion(**assertion), {"grant_type": ABSENT}), proof="broken")
    assert_refused(answer, "invalid_client")


@pytest.mark.covers("token-endpoint.order.several-proofs-before-grant-type")
def test_a_second_proof_is_noticed_before_a_missing_grant_type(machine: Machine) -> None:
    machine.learn_nonce()
    body = urlencode(machine.form(machine.assertion(), {"grant_type": ABSENT})).encode()
    headers = [("Content-Type", FORM_TYPE), ("DPoP", machine.proof()), ("DPoP", machine.proof())]
    assert_refused(machine.transport.send("POST", "/connect/token", headers, body), "invalid_request")


@pytest.mark.covers("token-endpoint.order.resource-before-proof")
@pytest.mark.parametrize("resources", [["no-uri"], ["test:api", "test:api"]], ids=["malformed", "repeated"])
def test_a_bad_resource_is_noticed_before_the_proof(machine: Machine, resources: list[str]) -> None:
    assert_refused(token_for(machine, resources, proof=NO_NONCE), "invalid_target")


@pytest.mark.covers("token-endpoint.order.proof-before-scope")
def test_the_proof_comes_before_the_scope(machine: Machine) -> None:
    assert_challenged(machine.token(form={"scope": "test:api/not-allowed"}, proof=NO_NONCE))
    assert_refused(machine.token(form={"scope": "test:api/not-allowed"}), "invalid_scope")


# The response


@pytest.mark.covers("token-response.status-and-content-type", "token-response.cache-headers")
def test_a_token_is_answered_as_json_that_nobody_keeps(machine: Machine) -> None:
    answer = machine.token()
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert answer.headers["pragma"] == "no-cache"


@pytest.mark.covers("contract.49")
@pytest.mark.covers("token-response.member-order", "token-response.no-rejected-scope")
@pytest.mark.parametrize("scope", [API_SCOPE, ABSENT], ids=["scope asked", "no scope asked"])
def test_the_response_has_four_members_in_order(machine: Machine, scope: object) -> None:
    members = json.loads(machine.token(form={"scope": scope}).content, object_pairs_hook=list)
    assert [name for name, _ in members] == ["access_token", "expires_in", "token_type", "scope"]


@pytest.mark.covers("contract.49")
@pytest.mark.covers("token-response.access-token", "token-response.expires-in")
def test_the_response_tells_how_long_its_token_lives(machine: Machine) -> None:
    response = machine.token().json
    assert [bool(part) for part in response["access_token"].split(".")] == [True, True, True]
    claims = decode(response["access_token"])[1]
    assert type(response["expires_in"]) is int
    assert response["expires_in"] == claims["exp"] - claims["iat"] == 600


@pytest.mark.covers("contract.45")
@pytest.mark.covers("token-response.token-type")
@pytest.mark.parametrize(("with_proof", "token_type"), [(True, "DPoP"), (False, "Bearer")])
def test_the_token_type_follows_the_proof(sts: Emulator, with_proof: bool, token_type: str) -> None:
    machine = sts.client(dpop_bound_access_tokens=False)
    machine.learn_nonce()
    answer = machine.post(machine.form(machine.assertion()), proof=machine.proof() if with_proof else None)
    assert answer.json["token_type"] == token_type
    assert ("cnf" in answer.claims) == with_proof


@pytest.mark.covers("token-response.scope")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("test:api/read", "test:api/read"),
        ("test:api/write test:api/read", "test:api/write test:api/read"),
        ("  test:api/write   test:api/write ", "test:api/write"),
        (ABSENT, "test:api/read test:api/write"),
        ("", "test:api/read test:api/write"),
    ],
    ids=["one", "two", "one twice", "none", "empty"],
)
def test_the_response_tells_the_granted_scopes(sts: Emulator, asked: object, granted: str) -> None:
    answer = sts.client(scope=["test:api/read", "test:api/write"]).token(form={"scope": asked})
    assert answer.json["scope"] == granted
    assert answer.claims["scope"] == granted.split()
