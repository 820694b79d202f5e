"""Revocation, introspection, and the two grants that nobody gets."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.emulator import API_SCOPE, Emulator, Worlds
from tests.support.examples import examples
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine, decode
from tests.support.relying_party import REDIRECT_URI, Login, RelyingParty, web_client

REVOCATION, INTROSPECTION = "/connect/revocation", "/connect/introspect"
DEVICE, CIBA = "/connect/deviceauthorization", "/connect/ciba"
ALL = (REVOCATION, INTROSPECTION, DEVICE, CIBA)
REUSABLE = {"refresh_token_usage": "Reusable"}


def ask(machine: Machine, path: str, changes: dict[str, Any] | None = None, **more: Any) -> Answer:
    """One authenticated request; no proof, for these endpoints want none."""
    form = machine.form(machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT, **(changes or {})})
    return machine.post(form, path=path, **more)


def revoke(machine: Machine, token: str, **changes: Any) -> Answer:
    return ask(machine, REVOCATION, {"token": token, **changes})


def introspect(machine: Machine, token: str, **changes: Any) -> dict[str, Any]:
    answer = ask(machine, INTROSPECTION, {"token": token, **changes})
    assert answer.status == 200, answer.content
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    told: dict[str, Any] = answer.json
    return told


def nothing_said(answer: Answer) -> None:
    """What every revocation is answered with, whatever became of the token."""
    assert (answer.status, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert answer.rule is None


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web_client(sts)


# Revocation


@pytest.mark.covers("revocation.refresh-token")
@pytest.mark.parametrize("members", [{}, REUSABLE], ids=["one time", "reusable"])
@pytest.mark.parametrize("hint", [ABSENT, "refresh_token", "access_token"], ids=["no hint", "right", "wrong"])
def test_a_revoked_refresh_token_is_worth_nothing(sts: Emulator, members: dict[str, Any], hint: object) -> None:
    rp = web_client(sts, **members)
    token = rp.tokens().json["refresh_token"]
    nothing_said(revoke(rp.machine, token, token_type_hint=hint))
    refused = rp.refresh(token)
    assert (refused.status, refused.error, refused.rule) == (400, "invalid_grant", "refresh.not-revoked")
    assert introspect(rp.machine, token) == {"active": False}
    # And again is no error.
    nothing_said(revoke(rp.machine, token))


@pytest.mark.covers("revocation.access-token")
def test_an_access_token_lives_on(rp: RelyingParty) -> None:
    tokens = rp.tokens().json
    nothing_said(revoke(rp.machine, tokens["access_token"], token_type_hint="access_token"))
    assert introspect(rp.machine, tokens["access_token"])["active"] is True
    assert rp.user_info(tokens["access_token"]).status == 200
    # Nor does it die with its refresh token.
    nothing_said(revoke(rp.machine, tokens["refresh_token"]))
    assert rp.user_info(tokens["access_token"]).status == 200


@pytest.mark.covers("revocation.unknown")
@pytest.mark.parametrize("token", ["ABC-1", "x" * 5000, "a.b.c", "é", "{}"])
def test_what_is_no_token_is_answered_alike(rp: RelyingParty, token: str) -> None:
    nothing_said(revoke(rp.machine, token))


@pytest.mark.covers("revocation.foreign")
def test_another_clients_token_is_let_be(sts: Emulator, rp: RelyingParty) -> None:
    token = rp.tokens().json["refresh_token"]
    stranger = sts.client("stranger", jwk=private_jwk("ES256", 5))
    nothing_said(revoke(stranger, token))
    assert sts.journal(limit="1")[0]["detail"]["revoked"] is False
    assert rp.refresh(token).status == 200


@pytest.mark.covers("revocation.hint")
@pytest.mark.parametrize("hint", ["id_token", "Refresh_Token", "refresh_token ", "x" * 5000])
def test_an_unknown_hint_is_refused_and_nothing_revoked(rp: RelyingParty, hint: str) -> None:
    token = rp.tokens().json["refresh_token"]
    answer = revoke(rp.machine, token, token_type_hint=hint)
    assert (answer.status, answer.json) == (400, {"error": "unsupported_token_type"})
    assert rp.refresh(token).status == 200


@pytest.mark.covers("token-management.token-missing")
@pytest.mark.parametrize("path", [REVOCATION, INTROSPECTION])
@pytest.mark.parametrize("token", [ABSENT, ""], ids=["absent", "empty"])
def test_without_a_token(machine: Machine, path: str, token: object) -> None:
    answer = ask(machine, path, {"token": token})
    assert (answer.status, answer.json) == (400, {"error": "invalid_request"})


def test_a_token_twice_is_refused(machine: Machine) -> None:
    for path in (REVOCATION, INTROSPECTION):
        form = machine.form(machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
        body = urlencode([*form.items(), ("token", "a"), ("token", "b")]).encode()
        answer = machine.post(body, path=path)
        assert (answer.status, answer.error, answer.rule) == (400, "invalid_request", "form.readable")


@pytest.mark.covers("token-management.authentication")
def test_who_revokes_must_prove_who_it_is(sts: Emulator, rp: RelyingParty) -> None:
    token = rp.tokens().json["refresh_token"]
    bad: list[dict[str, Any]] = [
        {"client_assertion": rp.machine.assertion(jwk=private_jwk("ES256", 8))},
        {"client_assertion": "a.b.c"},
        {"client_assertion": ABSENT},
        {"client_assertion": rp.machine.assertion(claims={"aud": "https://elsewhere.test"})},
    ]
    for changes in bad:
        answer = ask(rp.machine, REVOCATION, {"token": token, **changes})
        assert (answer.status, answer.json["error"]) == (400, "invalid_client")
        assert answer.rule is not None and answer.rule.startswith("client-assertion.")
        assert sts.journal(limit="1")[0]["outcome"] == "refused"
    nobody = rp.machine.post({"token": token}, path=REVOCATION)
    assert (nobody.status, nobody.error) == (400, "invalid_request")
    assert rp.refresh(token).status == 200


@pytest.mark.covers("token-management.assertion-once")
@pytest.mark.parametrize("mode", ["helseid", "strict", "fapi2"])
@pytest.mark.parametrize("path", ALL)
def test_an_assertion_serves_one_request_here_too(worlds: Worlds, path: str, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    machine = sts.client()
    once, assertion = "client-assertion.single-use", machine.assertion()

    def broken() -> list[str]:
        return [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]

    first = ask(machine, path, {"client_assertion": assertion, "token": "x"})
    assert first.status == (200 if path in (REVOCATION, INTROSPECTION) else 400)
    assert once not in broken()
    again = ask(machine, path, {"client_assertion": assertion, "token": "x"})
    assert again.rule == (first.rule if mode == "helseid" else once)
    assert broken().count(once) == 1
    machine.learn_nonce()
    spent = machine.post(machine.form(assertion), proof=machine.proof())
    assert spent.rule == (None if mode == "helseid" else once)
    assert broken() == [once]


@pytest.mark.covers("token-management.method")
@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(sts: Emulator, path: str, method: str) -> None:
    answer = sts.transport.send(method, path)
    assert (answer.status, answer.content) == (405, b"")
    assert answer.headers["allow"] == "POST"


@pytest.mark.covers("token-management.content-type")
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_another_content_type(machine: Machine, content_type: str) -> None:
    for path in (REVOCATION, INTROSPECTION):
        body = json.dumps(machine.form(machine.assertion(), {"token": "x"})).encode()
        answer = machine.post(body, path=path, headers={"Content-Type": content_type})
        assert (answer.status, answer.content) == (415, b"")


def test_a_charset_beside_the_content_type_is_fine(machine: Machine) -> None:
    headers = {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8"}
    nothing_said(ask(machine, REVOCATION, {"token": "x"}, headers=headers))


# Introspection


@pytest.mark.covers("introspection.access-token")
def test_an_access_token_is_told_claim_by_claim(rp: RelyingParty) -> None:
    token = rp.tokens().json["access_token"]
    claims = decode(token)[1]
    told = introspect(rp.machine, token)
    assert told == {**claims, "active": True, "scope": " ".join(claims["scope"])}
    assert told["cnf"]["jkt"]


@pytest.mark.covers("introspection.access-token")
def test_a_machines_token_too_and_to_any_client(sts: Emulator, machine: Machine) -> None:
    token = machine.token().json["access_token"]
    api = sts.client("an-api", jwk=private_jwk("ES256", 5))
    told = introspect(api, token, token_type_hint="refresh_token")
    assert (told["active"], told["scope"], told["client_id"]) == (True, API_SCOPE, "machine")


@pytest.mark.covers("introspection.refresh-token")
def test_a_refresh_token_is_told_to_its_own_client(sts: Emulator, rp: RelyingParty) -> None:
    answer = rp.tokens().json
    token = answer["refresh_token"]
    told = introspect(rp.machine, token)
    assert told == {
        "iss": sts.issuer,
        "client_id": "web",
        "exp": sts.clock.wall + 28_800,
        "active": True,
        "scope": answer["scope"],
    }
    stranger = sts.client("stranger", jwk=private_jwk("ES256", 5))
    assert introspect(stranger, token) == {"active": False}
    # Looking uses nothing up; using does.
    assert introspect(rp.machine, token)["active"] is True
    newer = rp.refresh(token).json["refresh_token"]
    assert introspect(rp.machine, token) == {"active": False}
    assert introspect(rp.machine, newer)["active"] is True
    sts.clock.advance(28_800)
    assert introspect(rp.machine, newer) == {"active": False}


@pytest.mark.covers("introspection.inactive")
def test_what_is_not_active_says_no_more(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    tokens = rp.redeem(login, code).json
    header, payload, signature = tokens["access_token"].split(".")
    for token in (
        "nonsense",
        tokens["id_token"],
        code,
        rp.machine.assertion(),
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{header}.{payload}.",
        "é",
        "x" * 70_000,
    ):
        assert introspect(rp.machine, token) == {"active": False}
    assert introspect(rp.machine, tokens["access_token"])["active"] is True
    sts.clock.advance(600)
    assert introspect(rp.machine, tokens["access_token"]) == {"active": False}


def test_a_token_of_an_address_that_is_gone_is_not_active(worlds: Worlds) -> None:
    sts = worlds.make()
    machine = sts.client()
    token = machine.token().json["access_token"]
    elsewhere = worlds.make(public_url="https://other.test").client()
    assert introspect(machine, token)["active"] is True
    assert introspect(elsewhere, token) == {"active": False}


@pytest.mark.covers("introspection.unauthenticated")
def test_who_asks_without_proving_who_it_is_gets_an_empty_401(machine: Machine) -> None:
    token = machine.token().json["access_token"]
    bad: list[dict[str, Any]] = [
        {"client_assertion": machine.assertion(jwk=private_jwk("ES256", 8))},
        {"client_assertion": "a.b.c"},
        {"client_assertion": machine.assertion(claims={"iss": "nobody", "sub": "nobody"})},
        {"client_assertion": ABSENT, "client_assertion_type": ABSENT},
        {"client_id": ABSENT, "client_assertion": ABSENT, "client_assertion_type": ABSENT},
    ]
    for changes in bad:
        answer = ask(machine, INTROSPECTION, {"token": token, **changes})
        assert (answer.status, answer.content) == (401, b""), changes
        assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
        assert answer.rule is not None and answer.rule.startswith("client-assertion.")


@pytest.mark.covers("introspection.revoked")
def test_what_a_code_gave_is_not_active_when_the_code_was_used_twice(worlds: Worlds) -> None:
    rp = web_client(worlds.make(revoke_on_code_reuse=True))
    login = Login()
    code = rp.log_in(login)["code"]
    tokens = rp.redeem(login, code).json
    refreshed = rp.refresh(tokens["refresh_token"]).json
    assert rp.redeem(login, code).rule == "code.known"
    for token in (tokens["access_token"], refreshed["access_token"], refreshed["refresh_token"]):
        assert introspect(rp.machine, token) == {"active": False}


# The grants that nobody gets


@pytest.mark.covers("device.refused", "ciba.refused")
@pytest.mark.parametrize("path", [DEVICE, CIBA])
@pytest.mark.parametrize("enforcement", ["helseid", "strict", "fapi2"])
def test_nobody_gets_these_grants(worlds: Worlds, path: str, enforcement: str) -> None:
    sts = worlds.make(enforcement=enforcement)
    machine = sts.client()
    answer = ask(machine, path, {"scope": API_SCOPE, "login_hint": "06828399789"})
    assert (answer.status, answer.json) == (400, {"error": "unauthorized_client"})
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    entry = sts.journal(limit="1")[0]
    assert (entry["endpoint"], entry["outcome"], entry["error"]) == (path, "refused", "unauthorized_client")


@pytest.mark.covers("token-management.authentication")
@pytest.mark.parametrize("path", [DEVICE, CIBA])
def test_and_nobody_is_told_so_before_saying_who_it_is(machine: Machine, path: str) -> None:
    answer = ask(machine, path, {"client_assertion": machine.assertion(jwk=private_jwk("ES256", 8))})
    assert (answer.status, answer.error, answer.rule) == (400, "invalid_client", "client-assertion.signature")
    assert machine.post({}, path=path).error == "invalid_request"
    json_body = machine.post(b"{}", path=path, headers={"Content-Type": "application/json"})
    assert (json_body.status, json_body.rule) == (400, "form.content-type")


# Anything at all

VALUES = st.one_of(st.text(st.characters(codec="utf-8"), max_size=80), st.binary(max_size=80).map(repr))


@examples(150)
@given(
    path=st.sampled_from(ALL),
    fields=st.dictionaries(
        st.sampled_from(["token", "token_type_hint", "scope", "resource", "client_secret", "login_hint", "x"]), VALUES
    ),
    spoilt=st.one_of(st.none(), VALUES),
)
def test_whatever_is_asked_the_answer_is_a_clear_one(
    asked: Machine, path: str, fields: dict[str, str], spoilt: str | None
) -> None:
    changes: dict[str, Any] = {**fields, **({} if spoilt is None else {"client_assertion": spoilt})}
    answer = ask(asked, path, changes)
    assert answer.status in (200, 400, 401)
    if answer.status == 400:
        assert answer.json["error"]
    if path == INTROSPECTION and answer.status == 200:
        assert answer.json == {"active": False}


@examples(100)
@given(path=st.sampled_from(ALL), body=st.binary(max_size=200), header=st.binary(max_size=40))
def test_whatever_is_sent_the_answer_is_a_clear_one(asked: Machine, path: str, body: bytes, header: bytes) -> None:
    sent = {"Authorization": header.decode("latin-1").replace("\r", "").replace("\n", "")}
    assert asked.post(body, path=path, headers=sent).status in (400, 401)


@pytest.fixture(scope="module")
def asked(shared_worlds: Worlds) -> Machine:
    """One machine for all examples of a property."""
    return shared_worlds.make().client(redirect_uris=[REDIRECT_URI])
