"""A case for every requirement on access tokens that are shown to HelseID itself: how to break it, and what follows."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from tests.helseid.cases import ALWAYS, STRICT, UNJUDGED, Case
from tests.helseid.login_cases import WEB, web
from tests.support.machine import ABSENT, Answer, Machine, b64
from tests.support.relying_party import USERINFO, Login, RelyingParty

REVOCATION, INTROSPECTION = "/connect/revocation", "/connect/introspect"
RESOURCE = "/mock/resource"

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _shown(show: Callable[[RelyingParty, str], Answer]) -> Callable[[Machine], Answer]:
    """A token of a login of its own, shown in one way."""

    def step(rp: RelyingParty, login: Login) -> Answer:
        tokens = rp.redeem(login, rp.log_in(login)["code"])
        assert tokens.status == 200, tokens.content
        return show(rp, tokens.json["access_token"])

    return web(step)


def _by_another_name(rp: RelyingParty, token: str) -> Answer:
    sent = {"Authorization": f"Bearer {token}", "Host": "127.0.0.1:8080"}
    return rp.machine.transport.send("GET", USERINFO, sent)


def _too_late(rp: RelyingParty, token: str) -> Answer:
    assert rp.machine.advance is not None
    rp.machine.advance(601)
    return rp.user_info(token, scheme="DPoP", proof={})


def _after_a_second_use_of_the_code(rp: RelyingParty, login: Login) -> Answer:
    code = rp.log_in(login)["code"]
    token = rp.redeem(login, code).json["access_token"]
    assert rp.redeem(login, code).status == 400
    return rp.user_info(token, scheme="DPoP", proof={})


def _in_the_body(rp: RelyingParty, token: str) -> Answer:
    return rp.machine.transport.send("POST", USERINFO, FORM, urlencode({"access_token": token}).encode())


def ask(machine: Machine, path: str, changes: Mapping[str, Any]) -> Answer:
    """One authenticated request about a token; no proof, for these endpoints want none."""
    return machine.post(
        machine.form(machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT, **changes}), path=path
    )


def call_resource(machine: Machine, token: str) -> Answer:
    """A call of the emulator's own resource, with a proof."""
    ath = b64(hashlib.sha256(token.encode()).digest())
    proof = machine.proof(claims={"htm": "GET", "htu": machine.issuer + RESOURCE, "ath": ath, "nonce": ABSENT})
    return machine.transport.send("GET", RESOURCE, {"Authorization": f"DPoP {token}", "DPoP": proof})


def _bearer_at_the_resource(machine: Machine) -> Answer:
    answer = machine.post(machine.form(machine.assertion()))
    if answer.status != 200:
        return answer
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
    return machine.transport.send("GET", RESOURCE, headers)


def _bound_as_bearer_at_the_resource(machine: Machine) -> Answer:
    token = machine.token().json["access_token"]
    return machine.transport.send("GET", RESOURCE, {"Authorization": f"Bearer {token}"})


def _without_openid(rp: RelyingParty, login: Login) -> Answer:
    tokens = rp.redeem(login, rp.log_in(login)["code"], {"resource": "test:api"})
    return rp.user_info(tokens.json["access_token"], scheme="DPoP", proof={})


TOKEN_CASES: dict[str, Case] = {
    "access-token.good": Case(
        ALWAYS, web(lambda rp, login: rp.user_info("nonsense", scheme="DPoP", proof={})), "invalid_token", WEB
    ),
    "access-token.issuer": Case(ALWAYS, _shown(_by_another_name), "invalid_token", WEB),
    "access-token.alive": Case(ALWAYS, _shown(_too_late), "invalid_token", WEB),
    "access-token.not-revoked": Case(
        ALWAYS, web(_after_a_second_use_of_the_code), "invalid_token", WEB, {"revoke_on_code_reuse": True}
    ),
    "access-token.header": Case(STRICT, _shown(_in_the_body), "invalid_token", WEB, fapi2="refused"),
    "access-token.scheme": Case(
        UNJUDGED, _shown(lambda rp, token: rp.user_info(token)), "invalid_token", WEB, fapi2="refused"
    ),
    "access-token.one-proof": Case(
        ALWAYS, _shown(lambda rp, token: rp.user_info(token, scheme="DPoP")), "invalid_token", WEB
    ),
    "token-use.scope": Case(ALWAYS, web(_without_openid), "insufficient_scope", WEB),
    "token-use.bound": Case(
        STRICT,
        _bearer_at_the_resource,
        "invalid_token",
        {"dpop_bound_access_tokens": False},
        strict_rule="client.dpop",
        strict_error="invalid_client",
        fapi2="refused",
        fapi2_rule="token-request.sender-constrained",
        fapi2_error="invalid_request",
    ),
    "token-use.scheme": Case(
        ALWAYS, _bound_as_bearer_at_the_resource, "invalid_token", fapi2_rule="access-token.scheme"
    ),
    "token-management.token": Case(ALWAYS, lambda machine: ask(machine, INTROSPECTION, {}), "invalid_request"),
    "token-management.hint": Case(
        ALWAYS,
        lambda machine: ask(machine, REVOCATION, {"token": "x", "token_type_hint": "id_token"}),
        "unsupported_token_type",
    ),
}
