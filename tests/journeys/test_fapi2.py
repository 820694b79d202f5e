"""The preset fapi2, item by item, and what the tests of the OpenID Foundation for FAPI 2.0 do to a server.

Texts: FAPI 2.0 Security Profile (final), RFC 9126, 9449, 9207, 9700.
"""

import base64
import hashlib
import html
import json
import math
import re
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from mock_sts.helseid.claims import CLAIMS_OF_SCOPE, IdTokenFacts, Subject, id_token_claims, user_info_claims
from mock_sts.helseid.claims import Login as SessionLogin
from mock_sts.helseid.eids import PROVIDERS
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.addresses import TrustedProxies
from mock_sts.settings.settings import PRESETS, SettingError, Settings, from_environ
from mock_sts.store.catalog import MADE, put_entry
from mock_sts.store.fixtures.rows import read_rows
from tests.helseid.flow_cases import exchange, request_object, two_apis
from tests.helseid.login_cases import thumbprint
from tests.journeys.test_resource import call, prove
from tests.journeys.test_tls import shake_hands
from tests.support.emulator import API_SCOPE, Emulator, LiveServer, Worlds, register_api
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Machine, b64, decode
from tests.support.relying_party import (
    AUTHORIZE,
    PAR,
    PERSON,
    REDIRECT_URI,
    USERINFO,
    Browser,
    Login,
    RelyingParty,
    answer_parameters,
    first_form,
    web_client,
)
from tests.support.tls import TlsServer

FAPI_ALGORITHMS = ("PS256", "ES256", "Ed25519", "EdDSA")
OTHERS = ("RS256", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512")
OTHER_KEY = private_jwk("ES256", 6)
OAUTH_METADATA = "/.well-known/oauth-authorization-server"
OUT = "http://localhost:8089/out"


def preset(environ: dict[str, str] | None = None) -> Settings:
    return from_environ({"MOCK_STS_PRESET": "fapi2", **(environ or {})})


def start(worlds: Worlds, **changes: Any) -> Emulator:
    """A server as the environment variable alone starts it, with the test's own database and address."""
    read = preset()
    values = {
        field.name: getattr(read, field.name) for field in fields(read) if field.name not in ("database_url", "host")
    }
    return worlds.make(**{**values, **changes})


@pytest.fixture
def sts(worlds: Worlds) -> Emulator:
    return start(worlds)


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web_client(sts, post_logout_redirect_uris=[OUT])


def refused(answer: Answer, error: str, rule: str) -> None:
    assert (answer.status, answer.error, answer.rule) == (400, error, rule), answer.content


def keys_of(kind: str) -> Jwk:
    return private_jwk(kind, 4)


def client_with(sts: Emulator, kind: str) -> RelyingParty:
    return web_client(sts, jwk=keys_of(kind))


def proof_at_par(rp: RelyingParty, **changes: Any) -> str:
    claims = {"htu": rp.machine.issuer + PAR, **changes.pop("claims", {})}
    return rp.machine.proof(claims=claims, **changes)


# The items of the list


@pytest.mark.covers("fapi.empty-claims")
def test_of_nobody_in_the_world_an_empty_claim_is_told(sts: Emulator) -> None:
    scopes = [*CLAIMS_OF_SCOPE, "openid"]
    for row in read_rows(sts.store, Persona):
        login = SessionLogin("SID", 1, "testidp-oidc", ("pwd",), "4", row.item.hpr_number)
        subject = Subject(row.item, login, "sub", row.item.network or sts.settings.network)
        facts = IdTokenFacts(sts.issuer, 1, 1, "web", tuple(scopes), "n", "token", "s", empty_claims=False)
        for claims in (id_token_claims(facts, subject), user_info_claims(scopes, subject, 1, empty_claims=False)):
            assert [name for name, value in claims.items() if value in ("", None, [], {})] == [], row.item.pid


#: A person's members to the claims that are empty with them.
EMPTY: dict[str, tuple[dict[str, str], set[str]]] = {
    "no middle name": ({"given_name": "Kari", "family_name": "Li"}, {"middle_name"}),
    "no authorizations": ({"given_name": "Kari", "family_name": "Li", "hpr_number": "203000079"}, {"middle_name"}),
    "all names": ({"given_name": "Kari", "middle_name": "Å", "family_name": "Li"}, set()),
}


@pytest.mark.covers("fapi.empty-claims")
@pytest.mark.parametrize("fapi", [True, False], ids=["fapi2", "helseid"])
@pytest.mark.parametrize(("members", "empty"), EMPTY.values(), ids=EMPTY)
def test_empty_claims_are_left_out(worlds: Worlds, members: dict[str, str], empty: set[str], fapi: bool) -> None:
    """OpenID Connect Core section 5.3.2; HelseID writes empty texts, and an API is told what it wants to be told."""
    sts = start(worlds) if fapi else worlds.make()
    document = {"pid": PERSON, **members}
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)
    register_api(sts.store, "test:api", scopes=[API_SCOPE], claims=["middle_name"])
    rp = web_client(sts)
    first = rp.tokens({"test_pid": PERSON}).json
    token = first["access_token"]
    told = rp.user_info(token, scheme="DPoP", proof={}) if fapi else rp.user_info(token)
    answers = [told.json]
    answers += [decode(first["id_token"])[1], decode(rp.refresh(first["refresh_token"]).json["id_token"])[1]]
    for claims in answers:
        found = {name for name, value in claims.items() if value in ("", None, [], {})}
        assert found == (set() if fapi else empty)
        assert fapi is False or empty.isdisjoint(claims)
    assert decode(first["access_token"])[1]["middle_name"] == members.get("middle_name", "")


def test_the_preset_is_a_bundle_of_settings() -> None:
    read = preset()
    assert (read.enforcement, read.signing_algorithm, read.code_lifetime) == ("fapi2", "PS256", 60)
    assert (read.pushed_request_lifetime, read.refresh_token_usage, read.clock_skew) == (300, "Reusable", 10)
    assert (read.revoke_on_code_reuse, read.identity_providers) == (True, ("testidp-oidc",))
    usual = from_environ({})
    changed = {field.name for field in fields(read) if getattr(read, field.name) != getattr(usual, field.name)}
    assert changed == {"preset", *PRESETS["fapi2"]}
    # One that is given by itself wins, from either side.
    assert preset({"MOCK_STS_CODE_LIFETIME": "30"}).code_lifetime == 30
    assert from_environ({"MOCK_STS_PRESET": "fapi2"}, {"clock_skew": "5"}).clock_skew == 5
    assert from_environ({}, {"preset": "fapi2"}).enforcement == "fapi2"
    assert (read.tls_minimum, preset({"MOCK_STS_TLS_MINIMUM": "1.2"}).tls_minimum) == ("1.3", "1.2")


def test_a_server_that_is_started_with_the_preset_keeps_it(tmp_path: Path) -> None:
    live = LiveServer(tmp_path, preset="fapi2", access_token_lifetime="120")
    try:
        document = live.transport.send("GET", "/.well-known/openid-configuration").json
        assert document["id_token_signing_alg_values_supported"] == ["PS256"]
        assert document["require_pushed_authorization_requests"] is True
        machine = live.client("machine")
        refused(
            machine.token(assertion={"claims": {"aud": [live.issuer]}}),
            "invalid_client",
            "client-assertion.audience-text",
        )
        answer = machine.token()
        assert (answer.status, answer.json["expires_in"]) == (200, 120)
        assert decode(answer.json["access_token"])[0]["alg"] == "PS256"
        token = answer.json["access_token"]
        assert "date" in call(machine, token, proof=prove(machine, token)).headers
    finally:
        live.stop()


@pytest.mark.covers("fapi.tls")
@pytest.mark.slow
def test_the_preset_speaks_tls_1_3_only(tmp_path: Path) -> None:
    """With 1.2 a client could have ChaCha20-Poly1305, for which every plan of the suite fails."""
    server = TlsServer(tmp_path, preset="fapi2")
    try:
        with shake_hands(server.tls_port, server.trusting()) as connection:
            assert connection.version() == "TLSv1.3"
        older = server.trusting()
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            shake_hands(server.tls_port, older)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PRESET", "fapi", "must be one of helseid, fapi2"),
        ("PRESET", "", "must be one of helseid, fapi2"),
        ("ENFORCEMENT", "FAPI2", "must be one of observe, helseid, strict, fapi2"),
        ("SIGNING_ALGORITHM", "ES256", "must be one of RS256, PS256"),
        ("SIGNING_ALGORITHM", "none", "must be one of RS256, PS256"),
        ("REFRESH_TOKEN_USAGE", "reusable", "must be one of OneTimeUseOnly, Reusable"),
        ("REVOKE_ON_CODE_REUSE", "True", "must be true or false"),
        ("IDENTITY_PROVIDERS", "testidp-oidc nobody", f"must be some of {', '.join(p.scheme for p in PROVIDERS)}"),
        ("CODE_LIFETIME", "0", "must be a whole number from 1 to 86400"),
        ("CLOCK_SKEW", "-1", "must be a whole number from 0 to 3600"),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingError) as refusal:
        from_environ({f"MOCK_STS_{name}": value})
    assert str(refusal.value) == f"MOCK_STS_{name} is {value!r}, but {says}"


@pytest.mark.covers("fapi.signing")
def test_tokens_are_signed_with_ps256(sts: Emulator, rp: RelyingParty) -> None:
    tokens = rp.tokens().json
    document = sts.get("/.well-known/openid-configuration").json
    keys = sts.get(urlsplit(document["jwks_uri"]).path).json["keys"]
    assert document["id_token_signing_alg_values_supported"] == ["PS256"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [("RSA", "PS256", "sig")]
    key = RSAKey.import_key({name: value for name, value in keys[0].items() if name in ("kty", "n", "e")})
    for name in ("access_token", "id_token"):
        header = decode(tokens[name])[0]
        assert (header["alg"], header["kid"]) == ("PS256", keys[0]["kid"])
        assert jwt.decode(tokens[name], key, algorithms=["PS256"]).claims["iss"] == sts.issuer
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert decode(tokens["id_token"])[1]["at_hash"] == b64(half)


@pytest.mark.covers("fapi.algorithms")
@pytest.mark.parametrize("kind", FAPI_ALGORITHMS)
def test_ps256_es256_and_ed25519_are_taken_everywhere(sts: Emulator, kind: str) -> None:
    rp = client_with(sts, kind)
    rp.machine.proof_jwk = private_jwk(kind, 5)
    rp.machine.learn_nonce()
    login = Login()
    inside = {**rp.parameters(login), "test_pid": PERSON}
    form = rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
    form["request"] = request_object(rp.machine, inside)
    pushed = rp.machine.post(form, proof=proof_at_par(rp), path=PAR)
    assert pushed.status == 201, (pushed.content, pushed.rule)
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    tokens = rp.redeem(login, code)
    assert tokens.status == 200, tokens.content
    token = tokens.json["access_token"]
    assert rp.user_info(token, scheme="DPoP", proof={}).status == 200
    assert call(rp.machine, token, proof=prove(rp.machine, token)).status == 200
    assert rp.refresh(tokens.json["refresh_token"]).status == 200


@pytest.mark.covers("fapi.algorithms")
@pytest.mark.parametrize("kind", OTHERS)
def test_an_assertion_by_another_algorithm_is_refused(sts: Emulator, kind: str) -> None:
    rp = client_with(sts, kind)
    for answer in (rp.push(Login()), rp.machine.token()):
        refused(answer, "invalid_client", "client-assertion.algorithm-fapi")


@pytest.mark.covers("fapi.algorithms")
@pytest.mark.parametrize("kind", OTHERS)
def test_a_proof_by_another_algorithm_is_refused(rp: RelyingParty, kind: str) -> None:
    key = private_jwk(kind, 5)
    rp.machine.learn_nonce()
    refused(rp.push(Login(), proof=proof_at_par(rp, jwk=key)), "invalid_dpop_proof", "dpop.algorithm-fapi")
    login = Login()
    refused(rp.redeem(login, rp.log_in(login)["code"], proof={"jwk": key}), "invalid_dpop_proof", "dpop.algorithm-fapi")


@pytest.mark.covers("fapi.algorithms")
@pytest.mark.parametrize("kind", OTHERS)
def test_a_request_object_by_another_algorithm_is_refused(sts: Emulator, kind: str) -> None:
    key = private_jwk(kind, 5)
    rp = web_client(sts, keys=[private_jwk("ES256", 1), key])
    answer = rp.push(Login(), {"request": request_object(rp.machine, jwk=key)})
    refused(answer, "invalid_request_object", "request-object.algorithm-fapi")


@pytest.mark.covers("fapi.algorithms")
@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_what_is_no_signature_is_refused(rp: RelyingParty, alg: str) -> None:
    assertion = rp.machine.assertion(alg=alg)
    refused(rp.push(Login(), {"client_assertion": assertion}), "invalid_client", "client-assertion.algorithm")
    answer = rp.push(Login(), {"request": request_object(rp.machine, alg=alg)})
    refused(answer, "invalid_request_object", "request-object.signature")


@pytest.mark.covers("fapi.assertion-audience")
@pytest.mark.parametrize(
    ("audience", "rule"),
    [
        (["http://localhost:8080"], "client-assertion.audience-text"),
        (["http://localhost:8080", "https://elsewhere.test"], "client-assertion.audience"),
        ("http://localhost:8080/connect/token", "client-assertion.audience"),
        ("http://localhost:8080/connect/par", "client-assertion.audience"),
        ("http://localhost:8080/", "client-assertion.audience-issuer"),
        ("HTTP://localhost:8080", "client-assertion.audience"),
        ("https://elsewhere.test", "client-assertion.audience"),
        ("", "client-assertion.audience"),
        (ABSENT, "client-assertion.audience"),
    ],
    ids=repr,
)
def test_the_audience_is_the_issuer_as_one_string(rp: RelyingParty, audience: object, rule: str) -> None:
    for answer in (
        rp.push(Login(), {"client_assertion": rp.machine.assertion(claims={"aud": audience})}),
        rp.machine.token(assertion={"claims": {"aud": audience}}),
    ):
        refused(answer, "invalid_client", rule)
    # An older typ gives no more room.
    for typ in ("JWT", ABSENT):
        old = rp.push(
            Login(), {"client_assertion": rp.machine.assertion(header={"typ": typ}, claims={"aud": audience})}
        )
        assert (old.status, old.error) == (400, "invalid_client")
        assert old.rule is not None and old.rule.startswith("client-assertion.audience")


@pytest.mark.covers("fapi.code-lifetime")
@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (59, 200), (60, 400), (61, 400)])
def test_a_code_lives_for_60_seconds(sts: Emulator, rp: RelyingParty, seconds: int, status: int) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    sts.clock.advance(seconds)
    answer = rp.redeem(login, code)
    assert (answer.status, answer.rule) == (status, None if status == 200 else "code.alive")


LAX: dict[str, Any] = {
    "require_pushed_authorization_requests": False,
    "dpop_bound_access_tokens": False,
    "enforcement": "observe",
}


@pytest.mark.covers("fapi.no-laxness")
def test_par_is_required_of_a_client_that_is_registered_without(sts: Emulator) -> None:
    rp = web_client(sts, **LAX)
    for method in ("GET", "POST"):
        parameters = rp.parameters(Login(), {"test_pid": PERSON})
        browser = rp.browser()
        answer = (
            browser.send("GET", f"{AUTHORIZE}?{urlencode(parameters)}")
            if method == "GET"
            else browser.send("POST", AUTHORIZE, parameters)
        )
        assert answer.rule is not None and answer.rule.startswith("authorization-request.pushed")
        assert answer.headers["location"].startswith("/home/error?")
    signed = {"client_id": "web", "request": request_object(rp.machine, rp.parameters(Login()))}
    answer = rp.browser().send("GET", f"{AUTHORIZE}?{urlencode(signed)}")
    assert answer.rule is not None and answer.rule.startswith("authorization-request.pushed")
    assert rp.push(Login()).status == 201


@pytest.mark.covers("fapi.no-laxness")
def test_dpop_is_required_of_a_client_that_is_registered_without(sts: Emulator) -> None:
    rp = web_client(sts, **LAX, grant_types=["authorization_code", "refresh_token", "client_credentials"])
    machine = rp.machine
    login = Login()
    code = rp.log_in(login)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "scope": ABSENT}
    without = machine.post(machine.form(machine.assertion(), {**form, "code_verifier": login.verifier}))
    refused(without, "invalid_request", "token-request.sender-constrained")
    refused(machine.post(machine.form(machine.assertion())), "invalid_request", "token-request.sender-constrained")
    tokens = rp.redeem(login, code)
    assert tokens.json["token_type"] == "DPoP"
    form = {"grant_type": "refresh_token", "refresh_token": tokens.json["refresh_token"], "scope": ABSENT}
    refused(
        machine.post(machine.form(machine.assertion(), form)), "invalid_request", "token-request.sender-constrained"
    )


@pytest.mark.covers("fapi.no-laxness")
def test_nor_for_a_token_exchange(sts: Emulator) -> None:
    two_apis()(sts)
    grant = "urn:ietf:params:oauth:grant-type:token-exchange"
    actor = sts.client(grant_types=[grant], scope=["test:next/read"], dpop_bound_access_tokens=False)
    refused(exchange(actor, "a.b.c", dpop=False), "invalid_request", "token-request.sender-constrained")


@pytest.mark.covers("fapi.no-laxness")
def test_an_enforcement_of_the_registration_is_ignored(sts: Emulator) -> None:
    for own in ("observe", "helseid", "strict"):
        machine = sts.client(own, enforcement=own)
        refused(machine.token(assertion={"claims": {"jti": ABSENT}}), "invalid_client", "client-assertion.jti")
        refused(
            machine.token(assertion={"claims": {"aud": [sts.issuer]}}),
            "invalid_client",
            "client-assertion.audience-text",
        )
        assert machine.token(assertion={"header": {"typ": "JWT"}}).status == 200


@pytest.mark.covers("fapi.par-lifetime")
def test_a_pushed_request_lives_less_than_600_seconds(sts: Emulator, rp: RelyingParty) -> None:
    pushed = rp.push(Login(), {"test_pid": PERSON})
    assert pushed.json["expires_in"] == 300
    sts.clock.advance(300)
    answer = rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))
    assert answer.rule == "request-uri.alive"


@pytest.mark.covers("fapi.refresh-not-rotated")
@pytest.mark.parametrize("usage", ["OneTimeUseOnly", "Reusable"])
def test_refresh_tokens_are_not_rotated(sts: Emulator, usage: str) -> None:
    rp = web_client(sts, refresh_token_usage=usage)
    first = rp.tokens().json["refresh_token"]
    sts.clock.advance(100)
    rp.machine.nonce = None
    for _ in range(3):
        answer = rp.refresh(first)
        assert (answer.status, answer.json["refresh_token"], answer.json["rt_expires_in"]) == (200, first, 28_700)


@pytest.mark.covers("fapi.bound-token")
def test_a_bound_token_needs_its_scheme_and_its_proof_at_userinfo(rp: RelyingParty) -> None:
    token = rp.tokens().json["access_token"]

    def shown(answer: Answer, rule: str) -> None:
        assert (answer.status, answer.content, answer.rule) == (401, b"", rule)
        challenge = answer.headers["www-authenticate"]
        error = "invalid_dpop_proof" if rule in ("dpop-token.ath", "dpop.htu", "dpop.htm") else "invalid_token"
        assert f'error="{error}"' in challenge
        if rule == "access-token.scheme":
            assert challenge.startswith("DPoP ") and challenge.endswith(',algs="PS256 ES256 Ed25519 EdDSA"')

    def post(headers: dict[str, str], **form: str) -> Answer:
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return rp.machine.transport.send("POST", USERINFO, sent, urlencode(form).encode())

    shown(rp.user_info(token), "access-token.scheme")
    shown(rp.user_info(token, proof={}), "access-token.scheme")
    shown(rp.user_info(token, scheme="bearer"), "access-token.scheme")
    shown(post({}, access_token=token), "access-token.header")
    proof = prove(rp.machine, token, USERINFO, method="POST")
    shown(post({"DPoP": proof}, access_token=token), "access-token.header")
    shown(rp.machine.transport.send("GET", f"{USERINFO}?access_token={token}"), "access-token.good")
    shown(rp.user_info(token, scheme="DPoP"), "access-token.one-proof")
    shown(rp.user_info(token, scheme="DPoP", proof={}, jwk=OTHER_KEY), "dpop-token.key")
    shown(rp.user_info(token, scheme="DPoP", proof={"ath": "x"}), "dpop-token.ath")
    shown(rp.user_info(token, scheme="DPoP", proof={"ath": ABSENT}), "dpop-token.ath")
    shown(rp.user_info(token, scheme="DPoP", proof={"htu": rp.machine.issuer + PAR}), "dpop.htu")
    shown(rp.user_info(token, scheme="DPoP", proof={"htm": "POST"}), "dpop.htm")
    assert rp.user_info(token, scheme="DPoP", proof={}).status == 200


@pytest.mark.covers("fapi.clock")
@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("seconds", [8, 10, 11, 61, 3600])
def test_an_assertion_may_be_ten_seconds_ahead(rp: RelyingParty, claim: str, seconds: int) -> None:
    claims = {claim: rp.machine.now() + seconds, "exp": rp.machine.now() + max(60, seconds + 10)}
    answers = (
        rp.push(Login(), {"client_assertion": rp.machine.assertion(claims=claims)}),
        rp.machine.token(assertion={"claims": claims}, form={"grant_type": "nonsense"}),
    )
    if seconds <= 10:
        assert answers[0].status == 201
        assert answers[1].error == "unsupported_grant_type"
        return
    for answer in answers:
        assert (answer.status, answer.error) == (400, "invalid_client")
        assert answer.rule in ("client-assertion.clock", "client-assertion.not-before")


@pytest.mark.covers("fapi.clock")
@pytest.mark.parametrize(("seconds", "fine"), [(-60, True), (8, True), (10, True), (11, False), (61, False)])
def test_a_proof_may_be_ten_seconds_ahead(rp: RelyingParty, seconds: int, fine: bool) -> None:
    iat = rp.machine.now() + seconds
    rp.machine.learn_nonce()
    pushed = rp.push(Login(), proof=proof_at_par(rp, claims={"iat": iat}))
    login = Login()
    tokens = rp.redeem(login, rp.log_in(login)["code"], proof={"claims": {"iat": iat}})
    if fine:
        assert (pushed.status, tokens.status) == (201, 200)
        token = tokens.json["access_token"]
        assert rp.user_info(token, scheme="DPoP", proof={"iat": iat}).status == 200
        return
    for answer in (pushed, tokens):
        refused(answer, "invalid_dpop_proof", "dpop.clock")


@pytest.mark.covers("fapi.clock")
def test_a_request_object_may_be_ten_seconds_ahead(rp: RelyingParty) -> None:
    now = rp.machine.now()
    for ahead, status in ((8, 201), (61, 400)):
        inside = {"nbf": now + ahead, "iat": now + ahead, "exp": now + ahead + 30}
        assert rp.push(Login(), {"request": request_object(rp.machine, inside)}).status == status


@pytest.mark.covers("fapi.code-binding")
def test_dpop_jkt_binds_the_code(rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login, {"dpop_jkt": thumbprint(rp.machine)})["code"]
    refused(rp.redeem(login, code, proof={"jwk": OTHER_KEY}), "invalid_dpop_proof", "code.same-key")
    login = Login()
    code = rp.log_in(login, {"dpop_jkt": thumbprint(rp.machine)})["code"]
    assert rp.redeem(login, code).status == 200


@pytest.mark.covers("fapi.code-binding")
def test_a_proof_at_par_binds_the_code(rp: RelyingParty) -> None:
    for key, status in ((OTHER_KEY, 400), (rp.machine.proof_jwk, 200)):
        rp.machine.learn_nonce()
        login = Login()
        pushed = rp.push(login, {"test_pid": PERSON}, proof=proof_at_par(rp))
        assert pushed.status == 201
        code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
        answer = rp.redeem(login, code, proof={"jwk": key})
        assert answer.status == status
        assert status == 200 or answer.rule == "code.same-key"


@pytest.mark.covers("fapi.code-binding")
def test_a_proof_and_another_dpop_jkt_are_refused(rp: RelyingParty) -> None:
    rp.machine.learn_nonce()
    answer = rp.push(Login(), {"dpop_jkt": thumbprint(rp.machine)}, proof=proof_at_par(rp, jwk=OTHER_KEY))
    refused(answer, "invalid_dpop_proof", "authorization-request.dpop-jkt")


@pytest.mark.covers("fapi.code-reuse")
@pytest.mark.parametrize("seconds", [0, 1, 50, 200])
def test_reuse_of_a_code_takes_back_what_it_gave(sts: Emulator, rp: RelyingParty, seconds: int) -> None:
    login, other = Login(), Login()
    code = rp.log_in(login)["code"]
    kept = rp.redeem(other, rp.log_in(other)["code"]).json
    tokens = rp.redeem(login, code).json
    refreshed = rp.refresh(tokens["refresh_token"]).json
    sts.clock.advance(seconds)
    rp.machine.nonce = None
    refused(rp.redeem(login, code), "invalid_grant", "code.known")

    def active(token: str) -> bool:
        form = rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT, "token": token})
        told: bool = rp.machine.post(form, path="/connect/introspect").json["active"]
        return told

    for token in (tokens["access_token"], refreshed["access_token"]):
        info = rp.user_info(token, scheme="DPoP", proof={})
        assert (info.status, info.rule) == (401, "access-token.not-revoked")
        assert call(rp.machine, token, proof=prove(rp.machine, token)).rule == "access-token.not-revoked"
        assert not active(token)
    assert not active(tokens["refresh_token"])
    refused(rp.refresh(tokens["refresh_token"]), "invalid_grant", "refresh.not-revoked")
    # Another login of the same person, in the same client, is untouched.
    assert rp.user_info(kept["access_token"], scheme="DPoP", proof={}).status == 200
    assert active(kept["access_token"]) and active(kept["refresh_token"])
    assert rp.refresh(kept["refresh_token"]).status == 200


@pytest.mark.covers("fapi.code-reuse")
def test_a_strangers_try_takes_nothing_back(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    tokens = rp.redeem(login, code).json
    stranger = web_client(sts, "stranger", jwk=OTHER_KEY)
    refused(stranger.redeem(login, code), "invalid_grant", "code.known")
    assert rp.user_info(tokens["access_token"], scheme="DPoP", proof={}).status == 200
    assert rp.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.covers("fapi.key-sizes")
@pytest.mark.parametrize(
    ("jwk", "fine"),
    [
        (private_jwk("PS256", 0, 1024), False),
        (private_jwk("PS256", 0, 2048), True),
        (private_jwk("PS256"), True),
        (private_jwk("ES256", 1), True),
        (private_jwk("Ed25519"), True),
    ],
    ids=["RSA 1024", "RSA 2048", "RSA 3072", "P-256", "Ed25519"],
)
def test_rsa_has_2048_bits_and_ec_p_256(sts: Emulator, jwk: Jwk, fine: bool) -> None:
    machine = sts.client(jwk=jwk)
    own = machine.token()
    proof = sts.client("usual", jwk=private_jwk("ES256", 3)).token(proof={"jwk": jwk})
    if fine:
        assert (own.status, proof.status) == (200, 200)
        return
    refused(own, "invalid_client", "client.key-size")
    refused(proof, "invalid_dpop_proof", "dpop.key-size")


@pytest.mark.covers("fapi.metadata")
def test_the_metadata_is_true_member_by_member(sts: Emulator) -> None:
    document = sts.get("/.well-known/openid-configuration").json
    base = sts.issuer
    algorithms = list(FAPI_ALGORITHMS)
    told = {
        "issuer": base,
        "authorization_endpoint": f"{base}/connect/authorize",
        "token_endpoint": f"{base}/connect/token",
        "pushed_authorization_request_endpoint": f"{base}/connect/par",
        "userinfo_endpoint": f"{base}/connect/userinfo",
        "revocation_endpoint": f"{base}/connect/revocation",
        "introspection_endpoint": f"{base}/connect/introspect",
        "end_session_endpoint": f"{base}/connect/endsession",
        "require_pushed_authorization_requests": True,
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "request_object_signing_alg_values_supported": algorithms,
        "id_token_signing_alg_values_supported": ["PS256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": True,
        "subject_types_supported": ["public"],
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
    assert {name: document.get(name) for name in told} == told
    absent = {
        "check_session_iframe",
        "device_authorization_endpoint",
        "backchannel_authentication_endpoint",
        "backchannel_token_delivery_modes_supported",
        "backchannel_user_code_parameter_supported",
    }
    assert absent & set(document) == set()
    assert set(document) == set(told) | {
        "jwks_uri",
        "claims_supported",
        "scopes_supported",
        "prompt_values_supported",
        "expired_jwks_uri",
        "available_idps",
    }


@pytest.mark.covers("fapi.metadata.oauth")
@pytest.mark.parametrize("mode", [mode.word for mode in Enforcement])
def test_the_metadata_stands_where_oauth_looks_for_it_too(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    answer = sts.get(OAUTH_METADATA)
    if mode != "fapi2":
        unknown = sts.get("/.well-known/nothing")
        assert (answer.status, answer.content) == (404, unknown.content)
        return
    usual = sts.get("/.well-known/openid-configuration")
    assert (answer.status, answer.content) == (200, usual.content)
    for name in ("content-type", "access-control-allow-origin"):
        assert answer.headers[name] == usual.headers[name]
    for below in ("/auth", "/", "//"):  # of an issuer that this one is not
        assert sts.get(OAUTH_METADATA + below).status == 404


@pytest.mark.covers("fapi.metadata.oauth")
@pytest.mark.parametrize("path", ["/auth", "/a/b"])
@pytest.mark.parametrize("url_mode", ["split", "request"])
def test_the_metadata_of_an_issuer_with_a_path(worlds: Worlds, url_mode: str, path: str) -> None:
    """RFC 8414 puts the well-known part before the path, OpenID Connect behind it; both are taken."""
    issuer = f"http://localhost:8080{path}"
    sts = worlds.make(enforcement="fapi2", public_url=issuer, url_mode=url_mode)
    for address in (OAUTH_METADATA + path, path + OAUTH_METADATA):
        answer = sts.get(address)
        assert (answer.status, answer.json["issuer"]) == (200, issuer), address
        assert answer.json["token_endpoint"] == f"{issuer}/connect/token"
    for below in ("/other", f"{path}/more", f"{path}x"):
        assert sts.get(OAUTH_METADATA + below).status == 404
    assert worlds.make(public_url=issuer, url_mode=url_mode).get(OAUTH_METADATA + path).status == 404


@pytest.mark.covers("fapi.metadata.oauth")
def test_the_metadata_behind_a_proxy_that_tells_the_path(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="fapi2", trusted_proxies=TrustedProxies(1, ()))
    told = {"X-Forwarded-Prefix": "/auth"}
    for address in (OAUTH_METADATA, f"{OAUTH_METADATA}/auth"):
        answer = sts.get(address, told)
        assert (answer.status, answer.json["issuer"]) == (200, f"{sts.issuer}/auth"), address
    assert sts.get(f"{OAUTH_METADATA}/other", told).status == 404


def test_without_the_preset_the_metadata_is_the_recording(worlds: Worlds) -> None:
    document = worlds.make().get("/.well-known/openid-configuration").json
    assert document["require_pushed_authorization_requests"] is False
    assert "token_endpoint_auth_signing_alg_values_supported" not in document


@pytest.mark.covers("fapi.resource")
def test_there_is_a_resource_to_call(rp: RelyingParty) -> None:
    tokens = rp.tokens().json
    token = tokens["access_token"]
    told = call(rp.machine, token, proof=prove(rp.machine, token))
    assert (told.status, told.json["client_id"]) == (200, "web")
    refused_answer = call(rp.machine, token, scheme="Bearer")
    assert (refused_answer.status, refused_answer.rule) == (401, "access-token.scheme")


@pytest.mark.covers("fapi.iss")
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_every_answer_of_the_authorize_endpoint_says_iss(sts: Emulator, rp: RelyingParty, mode: str) -> None:
    login = Login()
    answered = rp.log_in(login, {"response_mode": mode})
    assert (answered["iss"], answered["state"]) == (sts.issuer, login.state)
    pushed = rp.push(login, {"prompt": "none", "response_mode": mode})
    error = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))
    assert (error["error"], error["iss"], error["state"]) == ("login_required", sts.issuer, login.state)
    assert "code" not in error


@pytest.mark.covers("fapi.request-uri-once")
def test_a_request_uri_is_used_once(rp: RelyingParty) -> None:
    path = rp.authorize_path(rp.push(Login(), {"test_pid": PERSON}).json["request_uri"])
    assert "code" in answer_parameters(rp.browser().send("GET", path))
    again = rp.browser().send("GET", path)
    assert again.rule == "request-uri.fresh"
    assert again.headers["location"].startswith("/home/error?")


@pytest.mark.covers("fapi.identity-providers")
def test_one_provider_means_no_page_to_choose_it(worlds: Worlds) -> None:
    one = web_client(start(worlds))
    pushed = one.push(Login())
    assert pushed.status == 201
    browser = one.browser()
    page = browser.follow(browser.send("GET", one.authorize_path(pushed.json["request_uri"])))
    assert 'id="login-form"' in page.content.decode()
    assert not [path for path in browser.visited if path.startswith("/Account/Login")]
    idps = one.machine.transport.send("GET", "/connect/availableidps").json
    assert [idp["name"] for idp in idps] == ["testidp-oidc"]
    # Where there are two, there is a page again.
    two = web_client(start(worlds, identity_providers=()))
    browser = two.browser()
    browser.follow(browser.send("GET", two.authorize_path(two.push(Login()).json["request_uri"])))
    assert [path for path in browser.visited if path.startswith("/Account/Login")]
    assert len(two.machine.transport.send("GET", "/connect/availableidps").json) == len(PROVIDERS)


# Pages


def ids(page: Answer) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', page.content.decode()))


def login_page(rp: RelyingParty, browser: Browser, changes: dict[str, Any] | None = None) -> Answer:
    pushed = rp.push(Login(), changes)
    assert pushed.status == 201, pushed.content
    page = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    assert page.status == 200
    return page


def submit(browser: Browser, page: Answer, **typed: str) -> Answer:
    action, hidden = first_form(page.content.decode())
    return browser.follow(browser.send("POST", action, {**hidden, **typed}))


@pytest.mark.covers("fapi.page-ids")
def test_somebody_logs_in_by_the_ids_of_the_page(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    page = login_page(rp, browser)
    assert {"login-form", "username", "login-submit", "login-cancel"} <= ids(page)
    text = page.content.decode()
    field = re.search(r'<input id="username" name="([^"]+)"', text)
    assert field is not None
    parameters = answer_parameters(submit(browser, page, **{field[1]: PERSON}))
    assert parameters["code"] and parameters["iss"] == sts.issuer


@pytest.mark.covers("fapi.page-ids")
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_somebody_does_not_want_to(sts: Emulator, rp: RelyingParty, mode: str) -> None:
    login = Login()
    browser = rp.browser()
    page = login_page(rp, browser, {"state": login.state, "response_mode": mode})
    button = re.search(r'<button[^>]*id="login-cancel"[^>]*name="([^"]+)"[^>]*value="([^"]+)"', page.content.decode())
    assert button is not None
    action, hidden = first_form(page.content.decode())
    answer = browser.send("POST", action, {**hidden, button[1]: button[2]})
    parameters = answer_parameters(answer)
    assert parameters["error"] == "access_denied"
    assert (parameters["state"], parameters["iss"]) == (login.state, sts.issuer)
    assert "code" not in parameters
    if mode == "query":
        assert answer.headers["location"].startswith(REDIRECT_URI)


@pytest.mark.covers("fapi.page-ids")
def test_a_cancelled_login_is_over(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    pushed = rp.push(Login())
    page = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    action, hidden = first_form(page.content.decode())
    cancelled = {**hidden, "outcome": "access_denied"}
    assert "access_denied" in browser.send("POST", action, cancelled).headers["location"]
    # A forged one changes nothing: without the antiforgery field nobody is cancelled.
    forged = rp.browser().send("POST", action, {"outcome": "access_denied"})
    assert forged.status == 400
    assert 'id="login-form"' in forged.content.decode()
    assert sts.journal(limit="1")[0]["error"] == "access_denied"
    # Nobody logs in with it afterwards.
    late = browser.follow(browser.send("POST", action, {**hidden, "Pid": PERSON}))
    assert 'id="error-code"' in late.content.decode()
    again = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    assert 'id="error-code"' in again.content.decode()


@pytest.mark.covers("fapi.page-ids")
def test_an_error_page_names_its_code(rp: RelyingParty) -> None:
    browser = rp.browser()
    page = browser.follow(browser.send("GET", rp.authorize_path("urn:ietf:params:oauth:request_uri:UNKNOWN")))
    assert page.status == 400
    assert re.search(r'id="error-code">invalid_request_uri<', page.content.decode())


@pytest.mark.covers("fapi.page-ids")
def test_logging_out_has_a_button_and_an_end(rp: RelyingParty) -> None:
    browser = rp.browser()
    login = Login()
    assert rp.log_in(login, browser=browser)["code"]
    page = browser.follow(browser.send("GET", "/connect/endsession"))
    assert "logout-submit" in ids(page)
    assert "logged-out" not in ids(page)
    done = submit(browser, page)
    assert "logged-out" in ids(done)
    assert "logout-submit" not in ids(done)


# What only HelseID asks


def plain_assertion(machine: Machine, **claims: Any) -> str:
    """An assertion as the OpenID Foundation's suite makes it: no typ, no nbf, a minute to live."""
    now = machine.now()
    return machine.assertion(header={"typ": ABSENT}, claims={"nbf": ABSENT, "iat": now, "exp": now + 60, **claims})


@pytest.mark.covers("fapi.plain-assertion")
def test_a_plain_assertion_is_good_enough(rp: RelyingParty) -> None:
    machine = rp.machine
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON, "client_assertion": plain_assertion(machine)})
    assert pushed.status == 201, pushed.rule
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
    form = machine.form(
        plain_assertion(machine),
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": login.verifier,
            "scope": ABSENT,
            "client_id": ABSENT,
        },
    )
    # The same assertion after the challenge, as several libraries send it.
    challenge = machine.post(form, proof=machine.proof(claims={"nonce": ABSENT}))
    assert (challenge.status, challenge.error) == (400, "use_dpop_nonce")
    machine.nonce = challenge.headers["dpop-nonce"]
    answer = machine.post(form, proof=machine.proof())
    assert answer.status == 200, (answer.content, answer.rule)


@pytest.mark.parametrize("lifetime", [60, 61, 120, 300])
def test_an_assertion_may_live_for_minutes(rp: RelyingParty, lifetime: int) -> None:
    now = rp.machine.now()
    assert rp.push(Login(), {"client_assertion": plain_assertion(rp.machine, exp=now + lifetime)}).status == 201


# The OpenID Foundation's test plan, fapi2-security-profile-final: openid_connect, private_key_jwt, dpop, plain


def test_module_happy_flow_with_two_clients(sts: Emulator, rp: RelyingParty) -> None:
    second = web_client(sts, "second", jwk=OTHER_KEY, redirect_uris=["https://second.example.test/cb?dummy1=lorem"])
    second.redirect_uri = "https://second.example.test/cb?dummy1=lorem"
    for party in (rp, second):
        login = Login()
        pushed = party.push(login, {"test_pid": PERSON})
        answer = party.browser().send("GET", party.authorize_path(pushed.json["request_uri"]))
        assert answer.headers["location"].startswith(party.redirect_uri)
        told = answer_parameters(answer)
        tokens = party.redeem(login, told["code"])
        assert tokens.json["token_type"] == "DPoP"
        claims = decode(tokens.json["id_token"])[1]
        assert (claims["aud"], claims["nonce"]) == (party.machine.client_id, login.nonce)
        assert len(told["code"]) * 4 >= 128  # entropy
        token = tokens.json["access_token"]
        assert call(party.machine, token, proof=prove(party.machine, token)).status == 200


def test_module_user_rejects_authentication(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    page = login_page(rp, browser)
    action, hidden = first_form(page.content.decode())
    answer = browser.send("POST", action, {**hidden, "outcome": "access_denied"})
    parts = urlsplit(answer.headers["location"])
    told = dict(parse_qsl(parts.query))
    # HelseID's way to keep a browser from carrying an older fragment along; nothing of the answer stands in it.
    assert parts.fragment == "_"
    assert set(told) <= {"error", "error_description", "state", "iss"}
    assert (told["error"], told["iss"]) == ("access_denied", sts.issuer)


def test_module_authorization_code_is_bound_to_client(sts: Emulator, rp: RelyingParty) -> None:
    second = web_client(sts, "second", jwk=OTHER_KEY)
    login = Login()
    code = rp.log_in(login)["code"]
    refused(second.redeem(login, code), "invalid_grant", "code.known")
    # And the first may still redeem it.
    assert rp.redeem(login, code).status == 200


def test_module_attempt_reuse_authorization_code_after_one_second(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    token = rp.redeem(login, code).json["access_token"]
    assert call(rp.machine, token, proof=prove(rp.machine, token)).status == 200
    sts.clock.advance(1)
    refused(rp.redeem(login, code), "invalid_grant", "code.known")
    assert call(rp.machine, token, proof=prove(rp.machine, token)).status == 401


def test_module_refresh_token(sts: Emulator, rp: RelyingParty) -> None:
    second = web_client(sts, "second", jwk=OTHER_KEY)
    tokens = rp.tokens().json
    refused(second.refresh(tokens["refresh_token"]), "invalid_grant", "refresh.known")
    refreshed = rp.refresh(tokens["refresh_token"])
    assert refreshed.status == 200
    assert refreshed.json["access_token"] != tokens["access_token"]
    first, again = decode(tokens["id_token"])[1], decode(refreshed.json["id_token"])[1]
    assert {name: again[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: first[name] for name in ("iss", "sub", "aud", "auth_time")
    }
    token = refreshed.json["access_token"]
    assert call(rp.machine, token, proof=prove(rp.machine, token)).status == 200
    # The key of the proofs may change: refresh tokens of confidential clients are bound to the client.
    moved = rp.refresh(tokens["refresh_token"], proof={"jwk": OTHER_KEY})
    assert moved.status == 200
    assert moved.claims["cnf"] != refreshed.claims["cnf"]


@pytest.mark.parametrize("absent", [("state",), ("nonce",), ("state", "nonce")], ids="+".join)
def test_module_authorization_request_without_state_or_nonce(rp: RelyingParty, absent: tuple[str, ...]) -> None:
    login = Login()
    told = rp.log_in(login, dict.fromkeys(absent, ABSENT))
    assert ("state" in told) == ("state" not in absent)
    answer = rp.redeem(login, told["code"])
    assert answer.status == 200
    assert ("nonce" in decode(answer.json["id_token"])[1]) == ("nonce" not in absent)


ODD = (
    "a" * 384,
    "a" * 1_000,
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "a b",
    "a+b%20c",
    "æøå ☃ 𝄞",
    "</script><script>alert(1)</script>",
    "0",
)


@pytest.mark.parametrize("value", ODD, ids=lambda value: value[:12])
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_module_odd_state_and_nonce_come_back_as_they_went(rp: RelyingParty, value: str, mode: str) -> None:
    login = Login()
    told = rp.log_in(login, {"state": value, "nonce": value, "response_mode": mode})
    assert told["state"] == value
    answer = rp.redeem(login, told["code"])
    assert decode(answer.json["id_token"])[1]["nonce"] == value


def test_module_other_scope_order(rp: RelyingParty) -> None:
    login = Login()
    told = rp.log_in(login, {"scope": f"{API_SCOPE} offline_access openid"})
    answer = rp.redeem(login, told["code"])
    assert set(answer.json["scope"].split()) == {API_SCOPE, "offline_access", "openid"}
    assert "id_token" in answer.json


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "dPOp"])
def test_module_access_token_type_header_case_sensitivity(rp: RelyingParty, scheme: str) -> None:
    token = rp.tokens().json["access_token"]
    assert call(rp.machine, token, scheme=scheme, proof=prove(rp.machine, token)).status == 200
    assert rp.user_info(token, scheme=scheme, proof={}).status == 200


@dataclass(frozen=True)
class Bad:
    """An assertion that must be refused: with changed claims, another key or header."""

    claims: dict[str, Any]
    header: dict[str, Any]
    jwk: Jwk | None = None


BAD: dict[str, Bad] = {
    "expired five minutes ago": Bad({"exp": 1_800_000_000 - 300, "iat": 1_800_000_000 - 360}, {}),
    "expired eleven seconds ago": Bad({"exp": 1_800_000_000 - 11}, {}),
    "without exp": Bad({"exp": ABSENT}, {}),
    "without jti": Bad({"jti": ABSENT}, {}),
    "without sub": Bad({"sub": ABSENT}, {}),
    "without iss": Bad({"iss": ABSENT}, {}),
    "iss of another": Bad({"iss": "somebody"}, {}),
    "sub of another": Bad({"sub": "somebody"}, {}),
    "without aud": Bad({"aud": ABSENT}, {}),
    "aud of another": Bad({"aud": "https://other.example.test"}, {}),
    "signed by another": Bad({}, {}, OTHER_KEY),
    "exp as text": Bad({"exp": "1800000060"}, {}),
    "iat a minute ahead": Bad({"iat": 1_800_000_000 + 61}, {}),
    "nbf a minute ahead": Bad({"nbf": 1_800_000_000 + 61}, {}),
    "crit": Bad({}, {"crit": ["exp"]}),
}


@pytest.mark.parametrize("kind", BAD)
def test_module_bad_client_assertions(rp: RelyingParty, kind: str) -> None:
    bad = BAD[kind]
    login = Login()
    code = rp.log_in(login)["code"]
    assertion: dict[str, Any] = {"claims": bad.claims, "header": bad.header, "jwk": bad.jwk}
    at_par = rp.push(Login(), {"client_assertion": rp.machine.assertion(**assertion)})
    at_token = rp.redeem(login, code, assertion=assertion)
    for answer in (at_par, at_token):
        assert (answer.status, answer.error) == (400, "invalid_client"), (answer.content, answer.rule)
        assert "error_description" not in answer.json or answer.description
    # The code has not suffered from it.
    assert rp.redeem(login, code).status == 200


def test_module_client_assertion_is_needed_at_the_token_endpoint(rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    answer = rp.redeem(login, code, {"client_assertion": ABSENT, "client_assertion_type": ABSENT})
    refused(answer, "invalid_client", "client-assertion.type")
    par = rp.machine.post(rp.parameters(Login()), path=PAR)
    refused(par, "invalid_client", "client-assertion.type")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ABSENT, "code_challenge_method": ABSENT}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ABSENT}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"redirect_uri": ABSENT}, "invalid_request"),
        ({"redirect_uri": "https://unregistered.example.test/cb"}, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT_URI}/more"}, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT_URI}?x=1"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"client_id": "somebody"}, "invalid_client"),
    ],
    ids=repr,
)
def test_module_bad_pushed_requests(rp: RelyingParty, changes: dict[str, Any], error: str) -> None:
    answer = rp.push(Login(), changes)
    assert (answer.status, answer.error) == (400, error), answer.rule
    assert "request_uri" not in answer.json


def test_module_par_takes_a_parameter_once(rp: RelyingParty) -> None:
    answer = rp.push(Login(), {"state": ["a", "b"]})
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_module_par_request_uri_is_for_its_client(sts: Emulator, rp: RelyingParty) -> None:
    second = web_client(sts, "second", jwk=OTHER_KEY)
    request_uri = rp.push(Login(), {"test_pid": PERSON}).json["request_uri"]
    assert re.fullmatch(r"urn:ietf:params:oauth:request_uri:\S{32,}", request_uri)
    answer = second.browser().send("GET", second.authorize_path(request_uri))
    assert answer.rule == "request-uri.own"
    # The other's try uses nothing up.
    assert "code" in answer_parameters(rp.browser().send("GET", rp.authorize_path(request_uri)))


def test_module_an_unregistered_redirect_uri_gets_no_redirect(rp: RelyingParty) -> None:
    parameters = rp.parameters(Login(), {"redirect_uri": "https://evil.example.test/cb"})
    answer = rp.browser().send("GET", f"{AUTHORIZE}?{urlencode(parameters)}")
    assert answer.headers["location"].startswith("/home/error?")


@pytest.mark.parametrize("verifier", ["x" * 43, ABSENT, ""], ids=["wrong", "absent", "empty"])
def test_module_pkce_verifier(rp: RelyingParty, verifier: object) -> None:
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"], {"code_verifier": verifier})
    refused(answer, "invalid_grant", "code.verifier")


def test_module_holder_of_key_required(rp: RelyingParty) -> None:
    login = Login()
    form = {
        "grant_type": "authorization_code",
        "code": rp.log_in(login)["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    answer = rp.machine.post(rp.machine.form(rp.machine.assertion(), form))
    refused(answer, "invalid_request", "token-request.proof")


def test_module_parameters_beside_a_request_uri_are_ignored(rp: RelyingParty) -> None:
    """RFC 9126 section 4 and RFC 9101: what was pushed counts, not what stands on the address."""
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON})
    path = rp.authorize_path(pushed.json["request_uri"], state="another", redirect_uri="https://evil.example.test")
    answer = rp.browser().send("GET", path)
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}?")
    assert answer_parameters(answer)["state"] == login.state


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"header": {"typ": "JWT"}}, "dpop.typ"),
        ({"header": {"typ": ABSENT}}, "dpop.typ"),
        ({"alg": "none"}, "dpop.algorithm"),
        ({"alg": "HS256"}, "dpop.algorithm"),
        ({"header": {"jwk": ABSENT}}, "dpop.key"),
        ({"header": {"jwk": public_jwk(OTHER_KEY)}}, "dpop.signature"),
        ({"claims": {"jti": ABSENT}}, "dpop.jti"),
        ({"claims": {"htm": "GET"}}, "dpop.htm"),
        ({"claims": {"htm": ABSENT}}, "dpop.htm"),
        ({"claims": {"htu": "https://elsewhere.test/connect/token"}}, "dpop.htu"),
        ({"claims": {"htu": ABSENT}}, "dpop.htu"),
        ({"claims": {"iat": ABSENT}}, "dpop.issued-at"),
        ({"claims": {"iat": 1_800_000_000 - 86_400}}, "dpop.clock"),
        ({"claims": {"iat": 1_800_000_000 + 86_400}}, "dpop.clock"),
    ],
)
def test_module_dpop_negative_tests_at_the_token_endpoint(rp: RelyingParty, changes: dict[str, Any], rule: str) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    refused(rp.redeem(login, code, proof=changes), "invalid_dpop_proof", rule)
    # A proof that is refused leaves the code alone, so a mended request goes through.
    assert rp.redeem(login, code).status == 200


def test_module_dpop_proofs_that_must_be_taken_at_the_resource(rp: RelyingParty) -> None:
    machine = rp.machine
    token = rp.tokens().json["access_token"]
    resource = machine.issuer + "/mock/resource"
    now = machine.now()
    good: list[dict[str, Any]] = [
        {"htu": f"{resource}?a=b#c"},
        {"htu": resource.replace("http://localhost", "HTTP://LOCALHOST")},
        {"nbf": now, "exp": now + 300},
        {"iat": now - 10},
        {"iat": now + 10},
        {"header": {"extra": {"a": [1]}}, "unknown": {"b": None}},
    ]
    for changes in good:
        answer = call(machine, token, proof=prove(machine, token, **changes))
        assert answer.status == 200, (changes, answer.rule)
    # The address may have a query of its own, and the header's name any case.
    headers = {"Authorization": f"DPoP {token}", "DPOP": prove(machine, token)}
    assert machine.transport.send("GET", "/mock/resource?x=1", headers).status == 200


@pytest.mark.covers("fapi.page-ids")
def test_the_configuration_for_the_suite_fits_the_pages(sts: Emulator, rp: RelyingParty) -> None:
    """The page of the documentation tells the suite's browser which ids to use on which page."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "fapi.md").read_text(encoding="utf-8")
    browser = rp.browser()
    page = login_page(rp, browser)
    assert set(re.findall(r'\["(?:text|click)", "id", "([^"]+)"', text)) == {"username", "login-submit", "login-cancel"}
    assert {"username", "login-submit", "login-cancel"} <= ids(page)
    path = rp.authorize_path("urn:ietf:params:oauth:request_uri:UNKNOWN")
    assert "error-code" in ids(browser.follow(browser.send("GET", path))) and '"error-code"' in text
    matched = set(re.findall(r'\{server\}(/[^"*]+)\*', text))
    visited = [*browser.visited, path]
    assert matched == {"/connect/authorize", "/testidp", "/home/error"}
    assert all(any(seen.startswith(begin) for seen in visited) for begin in matched), visited


def suites_configuration() -> dict[str, Any]:
    """What the program in the documentation makes of two new clients."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "fapi.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(import json\n.*?)```", text, re.S)
    assert program is not None
    with TemporaryDirectory() as folder:
        for name in ("one", "two"):
            made = {"client_id": name, "private_jwk": keys_of("PS256")}
            (Path(folder) / f"{name}.json").write_text(json.dumps(made), encoding="utf-8")
        subprocess.run([sys.executable, "-c", program[1]], cwd=folder, check=True, capture_output=True, timeout=60)
        config: dict[str, Any] = json.loads((Path(folder) / "suite.json").read_text(encoding="utf-8"))
    return config


@pytest.mark.covers("fapi.suite")
def test_the_configuration_names_the_members_of_the_metadata_that_are_helseids_own(sts: Emulator) -> None:
    own = suites_configuration()["server"]["allow_unexpected_metadata_fields"]
    assert sorted(own) == ["available_idps", "expired_jwks_uri"]
    assert set(own) <= set(sts.get("/.well-known/openid-configuration").json)


@pytest.mark.covers("fapi.suite")
def test_the_configuration_logs_in_on_the_second_visit_where_a_module_wants_that() -> None:
    config = suites_configuration()
    module = "fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds"
    first, *others = config["override"][module]["browser"]
    assert (first["match-limit"], first["tasks"]) == (1, [])
    assert others == config["browser"] and first["match"] == others[0]["match"]
    assert "match-limit" not in others[0]


#: The end of a module's name to what it does, and whether the suite is content then.
WITHOUT_THE_PRESET: dict[str, Callable[[RelyingParty, Emulator], bool]] = {
    "discovery-end-point-verification": lambda rp, sts: (
        sts.get("/.well-known/openid-configuration").json["id_token_signing_alg_values_supported"] != ["RS256"]
    ),
    "ensure-token-endpoint-fails-with-expired-auth-code": lambda rp, sts: late_code(rp, sts).status == 400,
    "ensure-signed-client-assertion-with-RS256-fails": lambda rp, sts: (
        client_with_rs256(sts).push(Login()).error == "invalid_client"
    ),
    "refresh-token": lambda rp, sts: refreshed_twice(rp),
    "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails": lambda rp, sts: (
        not asserted(rp, nbf=sts.clock.wall + 70, iat=sts.clock.wall + 70, exp=sts.clock.wall + 130)
    ),
    "par-test-array-as-audience-fails": lambda rp, sts: not asserted(rp, aud=[sts.issuer, "https://other.test"]),
    "par-test-par-endpoint-url-as-audience-fails": lambda rp, sts: not asserted(rp, aud=sts.issuer + PAR),
    "par-test-token-endpoint-url-as-audience-fails": lambda rp, sts: (
        not asserted(rp, aud=f"{sts.issuer}/connect/token")
    ),
}


def late_code(rp: RelyingParty, sts: Emulator) -> Answer:
    login = Login()
    code = rp.log_in(login)["code"]
    sts.clock.advance(62)
    return rp.redeem(login, code)


def client_with_rs256(sts: Emulator) -> RelyingParty:
    return web_client(sts, "rs256", jwk=private_jwk("RS256", 4))


def refreshed_twice(rp: RelyingParty) -> bool:
    """Whether a refresh token is good for two uses."""
    token = rp.tokens().json["refresh_token"]
    return [rp.refresh(token).status for _ in range(2)] == [200, 200]


def asserted(rp: RelyingParty, **claims: Any) -> bool:
    """Whether PAR takes an assertion as the suite makes it, but for ``claims``."""
    return rp.push(Login(), {"client_assertion": plain_assertion(rp.machine, **claims)}).status == 201


@pytest.mark.covers("fapi.suite")
@pytest.mark.parametrize("module", WITHOUT_THE_PRESET)
def test_what_fails_without_the_preset_passes_with_it(worlds: Worlds, module: str) -> None:
    for sts, content in ((worlds.make(), False), (start(worlds), True)):
        assert WITHOUT_THE_PRESET[module](web_client(sts), sts) is content


@pytest.mark.covers("fapi.suite")
def test_the_documentation_names_the_modules_that_fail_without_the_preset() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "fapi.md").read_text(encoding="utf-8")
    table = text.partition("### Without the preset")[2]
    assert re.findall(r"^\| `\.\.\.-([^`]+)` \|", table, re.M) == list(WITHOUT_THE_PRESET)


def test_module_plain_oauth(sts: Emulator, rp: RelyingParty) -> None:
    """The variant without OpenID Connect: no openid, no nonce, no ID token."""
    login = Login()
    told = rp.log_in(login, {"scope": f"{API_SCOPE} offline_access", "nonce": ABSENT})
    assert (told["state"], told["iss"]) == (login.state, sts.issuer)
    tokens = rp.redeem(login, told["code"])
    assert (tokens.status, tokens.json["token_type"]) == (200, "DPoP")
    refreshed = rp.refresh(tokens.json["refresh_token"], {"scope": f"{API_SCOPE} offline_access"})
    assert refreshed.status == 200
    for answer in (tokens, refreshed):
        assert "id_token" not in answer.json
        token = answer.json["access_token"]
        assert call(rp.machine, token, proof=prove(rp.machine, token)).status == 200


def test_module_state_only_beside_the_pushed_request_is_not_used(rp: RelyingParty) -> None:
    path = rp.authorize_path(
        rp.push(Login(), {"test_pid": PERSON, "state": ABSENT}).json["request_uri"], state="beside"
    )
    assert "state" not in answer_parameters(rp.browser().send("GET", path))


def test_module_parameters_of_a_redirect_uri_survive_an_error_too(sts: Emulator) -> None:
    second = web_client(sts, "second", redirect_uris=["https://second.example.test/cb?dummy1=lorem&dummy2=ipsum"])
    second.redirect_uri = "https://second.example.test/cb?dummy1=lorem&dummy2=ipsum"
    browser = second.browser()
    page = login_page(second, browser)
    action, hidden = first_form(page.content.decode())
    answer = browser.send("POST", action, {**hidden, "outcome": "access_denied"})
    told = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert (told["dummy1"], told["dummy2"]) == ("lorem", "ipsum")
    assert (told["error"], told["iss"]) == ("access_denied", sts.issuer)


def entropy(value: str) -> float:
    """Shannon's entropy of the letters of ``value`` in bits, as the suite measures it."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) * len(value)


def test_module_what_nobody_may_guess(rp: RelyingParty) -> None:
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON})
    request_uri = pushed.json["request_uri"]
    code = answer_parameters(rp.browser().send("GET", rp.authorize_path(request_uri)))["code"]
    tokens = rp.redeem(login, code).json
    for value, bits in ((request_uri, 128), (code, 96), (tokens["access_token"], 96), (tokens["refresh_token"], 128)):
        assert entropy(value) >= bits, value


# And its plan fapi2-message-signing-final, as far as requests are signed


def push_signed(rp: RelyingParty, login: Login, claims: dict[str, Any] | None = None, **more: Any) -> Answer:
    """A pushed request that stands in a request object as a whole, as the suite makes it: no jti, five minutes."""
    now = rp.machine.now()
    inside = {**rp.parameters(login), "test_pid": PERSON, "jti": ABSENT, "nbf": now, "exp": now + 300, **(claims or {})}
    form = rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
    return rp.machine.post({**form, "request": request_object(rp.machine, inside, **more)}, path=PAR)


NOW = 1_800_000_000
ISSUER = "http://localhost:8080"


@pytest.mark.covers("fapi.request-object.audience", "fapi.request-object.times")
@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other1.example.com", "invalid"]},
        {"iat": NOW},
        {"nbf": NOW + 8},
        {"nbf": NOW - 3_600, "exp": NOW},
        {"nbf": NOW - 60, "exp": NOW + 3_540},
    ],
    ids=repr,
)
def test_module_good_request_objects(rp: RelyingParty, claims: dict[str, Any]) -> None:
    assert rp.machine.now() == NOW
    for typ in (ABSENT, "oauth-authz-req+jwt"):
        login = Login()
        pushed = push_signed(rp, login, claims, header={"typ": typ})
        assert pushed.status == 201, (pushed.content, pushed.rule)
        path = rp.authorize_path(pushed.json["request_uri"], nonce="another", state="another")
        found = answer_parameters(rp.browser().send("GET", path))
        assert found["state"] == login.state
        assert decode(rp.redeem(login, found["code"]).json["id_token"])[1]["nonce"] == login.nonce


@pytest.mark.covers("fapi.request-object.audience", "fapi.request-object.times")
@pytest.mark.parametrize(
    ("claims", "rule"),
    [
        ({"aud": "https://www.other1.com/"}, "request-object.audience-fapi"),
        ({"aud": [f"{ISSUER}/connect/par"]}, "request-object.audience-fapi"),
        ({"aud": f"{ISSUER}/"}, "request-object.audience-fapi"),
        ({"aud": []}, "request-object.audience-fapi"),
        ({"aud": ABSENT}, "request-object.audience-fapi"),
        ({"exp": ABSENT}, "request-object.expires"),
        ({"exp": NOW - 300}, "request-object.expires"),
        ({"exp": NOW + 4_200}, "request-object.lifetime-fapi"),
        ({"nbf": NOW - 60, "exp": NOW + 3_541}, "request-object.lifetime-fapi"),
        ({"nbf": NOW - 4_200, "exp": NOW - 650}, "request-object.expires"),
        ({"nbf": NOW - 3_601, "exp": NOW - 1}, "request-object.not-before-fapi"),
        ({"nbf": -(2**62)}, "request-object.not-before-fapi"),
        ({"nbf": ABSENT}, "request-object.not-before-fapi"),
        ({"nbf": NOW + 61}, "request-object.not-before"),
        ({"request_uri": "urn:example:x"}, "request-object.nested"),
    ],
    ids=repr,
)
def test_module_bad_request_objects(rp: RelyingParty, claims: dict[str, Any], rule: str) -> None:
    assert rp.machine.now() == NOW
    refused(push_signed(rp, Login(), claims), "invalid_request_object", rule)


def test_module_a_request_object_without_redirect_uri(rp: RelyingParty) -> None:
    answer = push_signed(rp, Login(), {"redirect_uri": ABSENT})
    refused(answer, "invalid_request", "authorization-request.redirect-uri")


def test_module_a_request_object_by_a_key_of_another_client(sts: Emulator, rp: RelyingParty) -> None:
    second = web_client(sts, "second", jwk=OTHER_KEY)
    answer = push_signed(rp, Login(), jwk=second.machine.jwk)
    refused(answer, "invalid_request_object", "request-object.signature")


@pytest.mark.covers("request-object.required")
def test_module_an_unsigned_request_at_par(sts: Emulator) -> None:
    rp = web_client(sts, require_signed_request_object=True)
    refused(rp.push(Login()), "invalid_request", "authorization-request.signed")
    assert push_signed(rp, Login()).status == 201
    document = sts.get("/.well-known/openid-configuration").json
    assert "require_signed_request_object" not in document  # it is required of some clients, not of all


@pytest.mark.parametrize("again", ["the same browser", "another browser"])
def test_module_a_request_uri_may_be_opened_again_before_the_login(rp: RelyingParty, again: str) -> None:
    login = Login()
    path = rp.authorize_path(rp.push(login).json["request_uri"])
    first = rp.browser()
    assert 'id="login-form"' in first.follow(first.send("GET", path)).content.decode()
    second = first if again == "the same browser" else rp.browser()
    page = second.follow(second.send("GET", path))
    code = answer_parameters(submit(second, page, Pid=PERSON))["code"]
    assert rp.redeem(login, code).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_module_par_takes_post_only(rp: RelyingParty, method: str) -> None:
    form = rp.machine.form(rp.machine.assertion(), rp.parameters(Login()))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = rp.machine.transport.send(method, PAR, headers, urlencode(form).encode())
    assert answer.status == 405
    assert b"request_uri" not in answer.content


def test_module_client_id_at_the_token_endpoint_is_the_assertions(sts: Emulator, rp: RelyingParty) -> None:
    web_client(sts, "second", jwk=OTHER_KEY)
    login = Login()
    code = rp.log_in(login)["code"]
    refused(rp.redeem(login, code, {"client_id": "second"}), "invalid_client", "client-assertion.client-id")
    assert rp.redeem(login, code, {"client_id": ABSENT}).status == 200


def test_module_a_proof_is_used_once_at_the_token_endpoint(rp: RelyingParty) -> None:
    rp.machine.learn_nonce()
    proof = rp.machine.proof()
    tokens = rp.tokens().json
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": ABSENT}
    first = rp.machine.post(rp.machine.form(rp.machine.assertion(), form), proof=proof)
    assert first.status == 200
    refused(
        rp.machine.post(rp.machine.form(rp.machine.assertion(), form), proof=proof),
        "invalid_dpop_proof",
        "dpop.single-use",
    )


def test_module_answers_that_nobody_may_keep(rp: RelyingParty) -> None:
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON})
    tokens = rp.tokens()
    for answer in (pushed, tokens):
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("application/json")


def test_module_userinfo_and_id_token_speak_of_the_same_person(rp: RelyingParty) -> None:
    tokens = rp.tokens().json
    info = rp.user_info(tokens["access_token"], scheme="DPoP", proof={}).json
    assert info["sub"] == decode(tokens["id_token"])[1]["sub"]


def test_a_login_through_the_page_keeps_the_binding_of_its_code(rp: RelyingParty) -> None:
    rp.machine.learn_nonce()
    login = Login()
    browser = rp.browser()
    pushed = rp.push(login, proof=proof_at_par(rp))
    page = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    code = answer_parameters(submit(browser, page, Pid=PERSON))["code"]
    refused(rp.redeem(login, code, proof={"jwk": OTHER_KEY}), "invalid_dpop_proof", "code.same-key")


def test_the_error_page_never_runs_what_a_client_wrote(rp: RelyingParty) -> None:
    odd = "<script>alert(1)</script>"
    browser = rp.browser()
    page = browser.follow(browser.send("GET", f"{AUTHORIZE}?{urlencode({'client_id': odd, 'request_uri': odd})}"))
    assert odd not in page.content.decode()
    assert html.unescape(page.content.decode()).count("error-code") == 1


def test_tokens_of_before_the_preset_are_not_taken(worlds: Worlds) -> None:
    """A token that RS256 signed is none of a server that signs PS256, although the key is the same."""
    old, new = web_client(worlds.make()), web_client(start(worlds))
    token = old.tokens().json["access_token"]
    answer = new.user_info(token, scheme="DPoP", proof={})
    assert (answer.status, answer.rule) == (401, "access-token.good")
    header, payload, signature = token.split(".")
    claimed = b64(json.dumps({**decode(token)[0], "alg": "PS256"}).encode())
    changed = f"{claimed}.{payload}.{signature}"
    assert new.user_info(changed, scheme="DPoP", proof={}).rule == "access-token.good"
    assert base64.urlsafe_b64decode(header + "==")


def test_a_machine_of_the_preset(sts: Emulator) -> None:
    machine = sts.client(enforcement="observe", dpop_bound_access_tokens=False)
    answer = machine.token()
    assert (answer.status, answer.json["token_type"]) == (200, "DPoP")
    assert decode(answer.json["access_token"])[0]["alg"] == "PS256"
    same = replace(machine, nonce=machine.nonce)
    assert same.token(proof={"jwk": OTHER_KEY}).claims["cnf"] != answer.claims["cnf"]


ODD_VALUES: tuple[Any, ...] = (
    *(10**400, -(10**400), 1e308, -1, 0.5, 2**63, True, None, "", "1800000000", "x" * 3000, "é", "\0"),
    *([], {}, [1], ["a"], {"a": 1}, [[]]),
)
ODD_CLAIMS = ("iat", "exp", "nbf", "jti", "aud", "iss", "sub", "assertion_details", "authorization_details")
ODD_PROOF_CLAIMS = ("iat", "exp", "nbf", "jti", "htm", "htu", "ath", "nonce")
ODD_PARAMETERS = ("client_id", "redirect_uri", "scope", "state", "max_age", "resource", "dpop_jkt", "response_mode")


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: repr(value)[:12])
def test_odd_values_in_what_is_signed_get_a_clear_answer(rp: RelyingParty, value: object) -> None:
    machine = rp.machine
    token = rp.tokens().json["access_token"]
    for name in ODD_CLAIMS:
        claims = {name: value}
        assert machine.token(assertion={"claims": claims}, form={"grant_type": "nonsense"}).status == 400
        assert rp.push(Login(), {"client_assertion": machine.assertion(claims=claims)}).status in (201, 400)
        assert rp.push(Login(), {"request": request_object(machine, claims)}).status in (201, 400)
    for name in ODD_PARAMETERS:
        assert rp.push(Login(), {"request": request_object(machine, {name: value})}).status in (201, 400)
    for name in ODD_PROOF_CLAIMS:
        assert machine.token(proof={"claims": {name: value}}, form={"grant_type": "nonsense"}).status == 400
        odd: dict[str, Any] = {name: value}
        answer = call(machine, token, proof=prove(machine, token, **odd))
        assert answer.status in (200, 401) if name in ("exp", "nbf", "jti", "nonce") else answer.status == 401
    for name in ("typ", "alg", "jwk"):
        header = {name: value}
        assert call(machine, token, proof=prove(machine, token, header=header)).status == 401
        assert rp.push(Login(), {"request": request_object(machine, header=header)}).status in (201, 400)
    # And the server still works.
    assert call(machine, token, proof=prove(machine, token)).status == 200
