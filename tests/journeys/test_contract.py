"""What public clients of HelseID need, where no other test shows all of a statement of the contract.

Clients authenticate at the token endpoint and in pushed requests with the same assertions, so both are asked here.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.helseid import details_cases as make
from tests.helseid.cases import EXCHANGE
from tests.support.emulator import API_SCOPE, START, Emulator, LiveServer, OverHttp, Worlds, register_api
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Machine, decode, merge
from tests.support.relying_party import (
    PERSON,
    REDIRECT_URI,
    SCOPES,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
    web_client,
)

ISSUER = "http://localhost:8080"
TOKEN_ENDPOINT = "http://localhost:8080/connect/token"
FORM = "application/x-www-form-urlencoded"
PATHS = {"token": "/connect/token", "par": "/connect/par"}
RSA, OTHER_KEY = private_jwk("PS256", 0, 2048), private_jwk("ES256", 9)
GRANTS = ["client_credentials", "authorization_code", "refresh_token", EXCHANGE]

AT_BOTH = pytest.mark.parametrize("where", PATHS)
OLDER_TYPS = pytest.mark.parametrize("typ", ["JWT", ABSENT], ids=["JWT", "no typ"])
ALL_TYPS = pytest.mark.parametrize("typ", ["client-authentication+jwt", "JWT", ABSENT], ids=["new", "JWT", "no typ"])


def register_web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    """A client of every grant."""
    register_api(sts.store, "test:api", scopes=[API_SCOPE])
    return web_client(sts, client_id, **{"grant_types": GRANTS, **members})


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return register_web(sts)


def form_for(rp: RelyingParty, where: str, assertion: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A token request of a machine, or a pushed request."""
    if where == "token":
        return merge(rp.machine.form(assertion), changes or {})
    own = rp.machine.form(assertion, {"grant_type": ABSENT, "scope": ABSENT})
    return merge({**own, **rp.parameters(Login())}, changes or {})


def proof_for(machine: Machine, where: str, **changes: Any) -> str:
    claims = {"htu": machine.issuer + PATHS[where], **changes.pop("claims", {})}
    return machine.proof(claims=claims, **changes)


def ask(
    rp: RelyingParty,
    where: str,
    assertion: str | None = None,
    form: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **changes: Any,
) -> Answer:
    """A request with ``assertion``, or with one that ``changes`` turn."""
    machine = rp.machine
    if machine.nonce is None:
        machine.learn_nonce()
    sent = form_for(rp, where, assertion or machine.assertion(**changes), form)
    return machine.post(sent, proof=proof_for(machine, where), headers=headers, path=PATHS[where])


def accepted(answer: Answer) -> None:
    assert answer.status in (200, 201), answer.content
    assert {"access_token", "request_uri"} & set(answer.json)


def refused(answer: Answer, error: str = "invalid_client") -> None:
    assert (answer.status, answer.error) == (400, error), answer.content
    assert answer.headers["content-type"].startswith("application/json")


# How a client authenticates, at both endpoints


@pytest.mark.covers("contract.14")
@AT_BOTH
@pytest.mark.parametrize("label", ["RS256", "PS512", "ES256", "ES512", ABSENT], ids=str)
@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_every_algorithm_is_taken_whatever_the_registered_key_says(
    sts: Emulator, where: str, alg: str, label: object
) -> None:
    key = private_jwk(alg) if alg.startswith("ES") else RSA
    labelled: Jwk = merge(key, {"alg": label})
    rp = register_web(sts, keys=[labelled], jwk=key)
    accepted(ask(rp, where, alg=alg))


@pytest.mark.covers("contract.15")
@AT_BOTH
@ALL_TYPS
def test_every_typ_of_an_assertion_is_taken(rp: RelyingParty, where: str, typ: object) -> None:
    accepted(ask(rp, where, header={"typ": typ}))


@pytest.mark.covers("contract.16")
@AT_BOTH
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("kid", ["its own", ABSENT, "5b0f6b1e-9d5e-4f5e-8d63-1a0c1f8f2f11"], ids=str)
def test_a_kid_may_match_be_missing_or_be_unknown(sts: Emulator, where: str, number: int, kid: object) -> None:
    keys = [private_jwk("ES256", 1), private_jwk("ES256", 3)]
    rp = register_web(sts, keys=keys, jwk=private_jwk("ES256", number))
    header = {} if kid == "its own" else {"kid": kid}
    accepted(ask(rp, where, header=header))
    refused(ask(rp, where, header=header, jwk=OTHER_KEY))


@pytest.mark.covers("contract.17", "contract.18", "contract.20")
@AT_BOTH
@ALL_TYPS
@pytest.mark.parametrize("aud", [ISSUER, ISSUER + "/", [ISSUER]], ids=["issuer", "with a slash", "array of one"])
def test_the_issuer_is_an_audience_with_every_typ(rp: RelyingParty, where: str, typ: object, aud: object) -> None:
    accepted(ask(rp, where, header={"typ": typ}, claims={"aud": aud}))


@pytest.mark.covers("contract.19", "contract.20")
@AT_BOTH
@OLDER_TYPS
@pytest.mark.parametrize("aud", [TOKEN_ENDPOINT, [TOKEN_ENDPOINT], [ISSUER, TOKEN_ENDPOINT]], ids=str)
def test_the_token_endpoint_is_an_audience_with_the_older_typs_only(
    rp: RelyingParty, where: str, typ: object, aud: object
) -> None:
    accepted(ask(rp, where, header={"typ": typ}, claims={"aud": aud}))
    refused(ask(rp, where, claims={"aud": aud}))


@pytest.mark.covers("contract.21", "contract.22")
@AT_BOTH
@pytest.mark.parametrize(
    "claims", [{"iat": START}, {"iat": str(START)}, {"nbf": ABSENT}, {"iat": str(START), "nbf": ABSENT}], ids=str
)
def test_iat_is_a_number_or_digits_and_nbf_may_be_missing(rp: RelyingParty, where: str, claims: dict[str, Any]) -> None:
    accepted(ask(rp, where, claims=claims))


@pytest.mark.covers("contract.23")
@AT_BOTH
@pytest.mark.parametrize("ahead", [-180, 0, 180], ids=["slow clock", "right clock", "fast clock"])
@pytest.mark.parametrize("lifetime", [5, 10, 60, 120])
def test_clocks_may_differ_and_lifetimes_be_short_or_long(
    rp: RelyingParty, where: str, lifetime: int, ahead: int
) -> None:
    now = START + ahead
    accepted(ask(rp, where, claims={"iat": now, "nbf": now, "exp": now + lifetime}))


@pytest.mark.covers("contract.24", "contract.40")
@AT_BOTH
@pytest.mark.parametrize("enforcement", ["helseid", "strict"])
def test_an_assertion_that_met_a_challenge_may_come_again_but_not_in_strict(
    worlds: Worlds, where: str, enforcement: str
) -> None:
    rp = register_web(worlds.make(enforcement=enforcement))
    machine = rp.machine
    form = form_for(rp, where, machine.assertion())
    challenge = machine.post(form, proof=proof_for(machine, where), path=PATHS[where])
    refused(challenge, "use_dpop_nonce")
    machine.nonce = challenge.headers["dpop-nonce"]
    again = machine.post(form, proof=proof_for(machine, where), path=PATHS[where])
    if enforcement == "strict":
        refused(again)
        accepted(ask(rp, where))
    else:
        accepted(again)


@pytest.mark.covers("contract.25")
@AT_BOTH
def test_the_assertion_names_the_client_and_nobody_else_may(sts: Emulator, rp: RelyingParty, where: str) -> None:
    register_web(sts, "other", jwk=private_jwk("ES256", 3))
    accepted(ask(rp, where, form={"client_id": ABSENT}))
    refused(ask(rp, where, form={"client_id": "other"}))


@pytest.mark.covers("contract.26")
@AT_BOTH
@pytest.mark.parametrize("changes", [{}, {"client_id": ABSENT}], ids=["client_id", "no client_id"])
def test_a_basic_header_without_password_is_no_credential(
    rp: RelyingParty, where: str, changes: dict[str, Any]
) -> None:
    header = {"Authorization": f"Basic {base64.b64encode(b'web:').decode()}"}
    accepted(ask(rp, where, form=changes, headers=header))
    alone = {**changes, "client_assertion": ABSENT, "client_assertion_type": ABSENT}
    refused(ask(rp, where, form=alone, headers=header))


WRONG: dict[str, dict[str, Any]] = {
    "wrong key": {"jwk": OTHER_KEY},
    "expired": {"claims": {"exp": START - 301}},
    "wrong aud": {"claims": {"aud": "https://elsewhere.test"}},
    "no aud": {"claims": {"aud": ABSENT}},
    "iss is not sub": {"claims": {"iss": "other"}},
    "unknown client": {"claims": {"iss": "stranger", "sub": "stranger"}},
    "none": {"alg": "none"},
    "public key as secret": {"alg": "HS256"},
}


@pytest.mark.covers("contract.27")
@AT_BOTH
@pytest.mark.parametrize("fault", [*WRONG, "tampered"])
def test_a_wrong_assertion_is_invalid_client(rp: RelyingParty, where: str, fault: str) -> None:
    if fault == "tampered":
        header, payload, _ = rp.machine.assertion().split(".")
        assertion = f"{header}.{payload}.{rp.machine.assertion().split('.')[2]}"
    else:
        assertion = rp.machine.assertion(**WRONG[fault])
    changes = {"client_id": "stranger"} if fault == "unknown client" else {}
    refused(ask(rp, where, assertion, changes))


@pytest.mark.covers("contract.28")
@AT_BOTH
@pytest.mark.parametrize("client_id", ["web", ABSENT], ids=["client_id", "no client_id"])
def test_a_request_without_client_authentication_is_refused(rp: RelyingParty, where: str, client_id: object) -> None:
    nothing = {"client_assertion": ABSENT, "client_assertion_type": ABSENT, "client_id": client_id}
    refused(ask(rp, where, form=nothing), "invalid_request" if client_id is ABSENT else "invalid_client")


@pytest.mark.covers("contract.29")
@AT_BOTH
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", ";charset=UTF-8"])
def test_unknown_parameters_and_a_charset_do_no_harm(rp: RelyingParty, where: str, charset: str) -> None:
    more = {"state": "x", "x-client-SKU": "ID_NET8_0", "x-client-ver": "8.0.1.0"}
    accepted(ask(rp, where, form=more, headers={"Content-Type": FORM + charset}))


@pytest.mark.covers("contract.34")
@pytest.mark.parametrize("member", ["assertion_details", "authorization_details"])
@pytest.mark.parametrize("journal_first", [True, False])
def test_a_journal_and_an_organization_stand_in_one_array(sts: Emulator, member: str, journal_first: bool) -> None:
    for number, (members, element, claim, value) in enumerate(
        [
            (make.SINGLE, make.child(make.CHILD), "orgnr_child", make.CHILD),
            (make.MULTI, make.parent(make.CUSTOMER), "orgnr_parent", make.CUSTOMER),
        ]
    ):
        elements = [make.journal(), element] if journal_first else [element, make.journal()]
        machine = sts.client(f"machine-{number}", **members)
        claims = machine.token(assertion={"claims": {member: elements}}).claims
        assert claims["nhn:sfm:journal-id"] == make.JOURNAL_ID
        assert claims[f"helseid://claims/client/claims/{claim}"] == value


# DPoP


@pytest.mark.covers("contract.38")
@AT_BOTH
def test_a_proof_without_nonce_is_challenged_once_and_the_answer_has_none(rp: RelyingParty, where: str) -> None:
    machine = rp.machine
    for _ in range(2):
        form = form_for(rp, where, machine.assertion())
        challenge = machine.post(form, proof=proof_for(machine, where, claims={"nonce": ABSENT}), path=PATHS[where])
        refused(challenge, "use_dpop_nonce")
        assert "," not in challenge.headers["dpop-nonce"]
        machine.nonce = challenge.headers["dpop-nonce"]
        answer = ask(rp, where)
        accepted(answer)
        assert "dpop-nonce" not in answer.headers


@pytest.mark.covers("contract.39")
def test_userinfo_sends_no_nonce_whatever_it_answers(rp: RelyingParty) -> None:
    token = rp.tokens().json["access_token"]
    answers = [
        rp.user_info(token),
        rp.user_info(token, scheme="DPoP", proof={}),
        rp.user_info("nonsense"),
        rp.user_info(token, scheme="DPoP"),
        rp.user_info(token, scheme="DPoP", proof={"ath": ABSENT}),
    ]
    assert [answer.status for answer in answers] == [200, 200, 401, 401, 401]
    assert not any("dpop-nonce" in answer.headers for answer in answers)


@pytest.mark.covers("contract.41")
def test_one_nonce_serves_a_whole_login_and_more_over_more_than_a_minute(sts: Emulator, rp: RelyingParty) -> None:
    machine = rp.machine
    nonce = machine.learn_nonce()
    for seconds in (0, 40, 40, 39):
        sts.clock.advance(seconds)
        login = Login()
        pushed = rp.push(login, {"test_pid": PERSON}, proof=proof_for(machine, "par"))
        found = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))
        tokens = rp.redeem(login, found["code"])
        assert tokens.status == 200, tokens.content
        assert rp.refresh(tokens.json["refresh_token"]).status == 200
        assert machine.token().status == 200
    assert machine.nonce == nonce
    sts.clock.advance(3_600)
    challenge = machine.token()
    refused(challenge, "use_dpop_nonce")
    machine.nonce = challenge.headers["dpop-nonce"]
    assert machine.nonce != nonce
    assert machine.token().status == 200


@pytest.mark.covers("contract.42", "contract.48")
@AT_BOTH
@pytest.mark.parametrize("kind", ["RS256", "PS256", "ES256", "ES384", "ES512"])
def test_rsa_and_ec_keys_prove_with_members_to_spare(rp: RelyingParty, where: str, kind: str) -> None:
    machine, key = rp.machine, private_jwk(kind, 2)
    machine.learn_nonce()
    described = {**public_jwk(key), "kid": "mine", "use": "sig", "alg": kind}
    proof = proof_for(machine, where, jwk=key, header={"kid": "mine", "jwk": described})
    accepted(machine.post(form_for(rp, where, machine.assertion()), proof=proof, path=PATHS[where]))


@pytest.mark.covers("contract.43")
@pytest.mark.parametrize("tail", ["", "?a=b", "#c", "?a=b#c"])
def test_htu_is_the_address_below_the_issuer_at_every_endpoint(worlds: Worlds, tail: str) -> None:
    sts = worlds.make("localhost:8080", public_url="https://sts.example.test")
    rp = register_web(sts)
    machine = rp.machine
    machine.learn_nonce()
    for where, path in PATHS.items():
        for base, good in (("https://sts.example.test", True), ("http://localhost:8080", False)):
            proof = machine.proof(claims={"htu": base + path + tail})
            answer = machine.post(form_for(rp, where, machine.assertion()), proof=proof, path=path)
            if good:
                accepted(answer)
            else:
                refused(answer, "invalid_dpop_proof")
    token = rp.tokens().json["access_token"]
    for base, status in (("https://sts.example.test", 200), ("http://localhost:8080", 401)):
        assert rp.user_info(token, scheme="DPoP", proof={"htu": f"{base}/connect/userinfo{tail}"}).status == status


FAULTS: dict[str, dict[str, Any]] = {
    "htu": {"claims": {"htu": f"{ISSUER}/connect/userinfo"}},
    "htm": {"claims": {"htm": "GET"}},
    "typ": {"header": {"typ": "JWT"}},
    "no jti": {"claims": {"jti": ABSENT}},
    "signature": {"header": {"jwk": {n: v for n, v in public_jwk(OTHER_KEY).items() if n in ("kty", "crv", "x", "y")}}},
    "private key": {"header": {"jwk": OTHER_KEY}, "jwk": OTHER_KEY},
    "none": {"alg": "none"},
}


@pytest.mark.covers("contract.44")
@AT_BOTH
@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_proof_is_told_as_such(rp: RelyingParty, where: str, fault: str) -> None:
    machine = rp.machine
    machine.learn_nonce()
    proof = proof_for(machine, where, **FAULTS[fault])
    answer = machine.post(form_for(rp, where, machine.assertion()), proof=proof, path=PATHS[where])
    refused(answer, "invalid_dpop_proof")
    assert "dpop-nonce" not in answer.headers


@pytest.mark.covers("contract.44")
@AT_BOTH
def test_two_proofs_and_one_that_comes_again_are_refused(rp: RelyingParty, where: str) -> None:
    machine = rp.machine
    machine.learn_nonce()
    proof = proof_for(machine, where)
    accepted(machine.post(form_for(rp, where, machine.assertion()), proof=proof, path=PATHS[where]))
    again = machine.post(form_for(rp, where, machine.assertion()), proof=proof, path=PATHS[where])
    refused(again, "invalid_dpop_proof")
    body = urlencode(form_for(rp, where, machine.assertion())).encode()
    headers = [("Content-Type", FORM), *(("DPoP", proof_for(machine, where)) for _ in range(2))]
    # Before any proof is read, and with the error that HelseID's product has for it.
    refused(machine.transport.send("POST", PATHS[where], headers, body), "invalid_request")


# Answers of the token endpoint


def exchanged(rp: RelyingParty, token: str) -> Answer:
    kind = "urn:ietf:params:oauth:token-type:access_token"
    form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": kind, "scope": API_SCOPE}
    return rp.machine.token(form=form)


@pytest.mark.covers("contract.45", "contract.49")
def test_every_grant_answers_what_clients_read(sts: Emulator, rp: RelyingParty) -> None:
    of_machine = rp.machine.token()
    of_code = rp.tokens()
    of_refresh = rp.refresh(of_code.json["refresh_token"])
    caller = register_web(sts, "caller", jwk=private_jwk("ES256", 5))
    of_exchange = exchanged(rp, caller.machine.token().json["access_token"])
    bound = of_machine.claims["cnf"]
    for answer in (of_machine, of_code, of_refresh, of_exchange):
        assert answer.status == 200, answer.content
        found = {name: answer.json[name] for name in ("access_token", "token_type", "expires_in", "scope")}
        assert [type(value) for value in found.values()] == [str, str, int, str]
        assert (found["token_type"], answer.claims["cnf"]) == ("DPoP", bound)
        assert sorted(found["scope"].split(" ")) == sorted(answer.claims["scope"])
        assert answer.claims["exp"] - answer.claims["iat"] == found["expires_in"]


@pytest.mark.covers("contract.46")
def test_without_dpop_every_grant_gives_bearer_tokens(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    machine, login = rp.machine, Login()

    def bare(**form: Any) -> Answer:
        return machine.post(machine.form(machine.assertion(), {"scope": ABSENT, **form}))

    code = rp.log_in(login)["code"]
    usual = {"redirect_uri": REDIRECT_URI, "code_verifier": login.verifier}
    of_code = bare(grant_type="authorization_code", code=code, **usual)
    of_refresh = bare(grant_type="refresh_token", refresh_token=of_code.json["refresh_token"])
    for answer in (bare(scope=API_SCOPE), of_code, of_refresh):
        assert (answer.status, answer.json["token_type"]) == (200, "Bearer")
        assert "cnf" not in answer.claims
        assert "dpop-nonce" not in answer.headers


@pytest.mark.covers("contract.53")
def test_offline_access_is_granted_on_the_pages_without_a_word_on_consent(rp: RelyingParty) -> None:
    login, browser = Login(), rp.browser()
    tokens = rp.redeem(login, log_in(browser, browser.send("GET", pushed(rp, login)))["code"]).json
    assert "offline_access" in tokens["scope"].split()
    assert tokens["refresh_token"]
    assert type(tokens["rt_expires_in"]) is int
    assert not any("consent" in path.lower() for path in browser.visited)


@pytest.mark.covers("contract.56")
@pytest.mark.parametrize("what", ["code", "refresh", "exchange", "pushed", "pushed client", "client", "scope"])
def test_errors_are_json_that_nobody_keeps(rp: RelyingParty, what: str) -> None:
    answers = {
        "code": lambda: rp.redeem(Login(), "x"),
        "refresh": lambda: rp.refresh("x"),
        "exchange": lambda: exchanged(rp, "x"),
        "pushed": lambda: rp.push(Login(), {"redirect_uri": "https://evil.example/"}),
        "pushed client": lambda: ask(rp, "par", jwk=OTHER_KEY),
        "client": lambda: ask(rp, "token", jwk=OTHER_KEY),
        "scope": lambda: rp.machine.token(form={"scope": "test:api/other"}),
    }
    answer = answers[what]()
    assert answer.status == 400
    assert {"error"} <= set(answer.json) <= {"error", "error_description"}
    assert all(isinstance(value, str) and value for value in answer.json.values())
    assert answer.headers["content-type"].startswith("application/json")
    assert "no-store" in answer.headers["cache-control"]


# Whole logins


def pushed(rp: RelyingParty, login: Login, changes: Mapping[str, Any] | None = None) -> str:
    answer = rp.push(login, changes)
    assert answer.status == 201, answer.content
    return rp.authorize_path(answer.json["request_uri"])


def log_in(browser: Browser, first: Answer) -> dict[str, str]:
    """Through the pages; the parameters of the answer."""
    page = browser.follow(first)
    page = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    action, fields = first_form(page.content.decode())
    typed = {**fields, "Pid": PERSON, "SecurityLevel": "4", "HprNumber": ""}
    return answer_parameters(browser.follow(browser.send("POST", action, typed)))


@pytest.mark.covers("contract.01", "contract.02", "contract.03", "contract.12")
def test_a_whole_login_behind_tls_speaks_of_the_configured_issuer_only(worlds: Worlds) -> None:
    issuer, out = "https://sts.example.test", "http://localhost:8089/out"
    sts = worlds.make("localhost:8080", public_url=issuer)
    rp = register_web(sts, post_logout_redirect_uris=[out])
    machine, login, browser = rp.machine, Login(), rp.browser()
    assert machine.issuer == issuer
    document = sts.get("/.well-known/openid-configuration").json
    found = log_in(browser, browser.send("GET", pushed(rp, login)))
    assert document["authorization_response_iss_parameter_supported"] is True
    assert (document["issuer"], found["iss"]) == (issuer, issuer)
    tokens = rp.redeem(login, found["code"])
    refreshed = rp.refresh(tokens.json["refresh_token"])
    for answer in (tokens, refreshed):
        assert answer.claims["iss"] == issuer
        assert decode(answer.json["id_token"])[1]["iss"] == issuer
    assert rp.user_info(tokens.json["access_token"], scheme="DPoP", proof={}).status == 200
    query = urlencode({"id_token_hint": tokens.json["id_token"], "post_logout_redirect_uri": out, "state": "s"})
    ended = browser.follow(browser.send("GET", f"/connect/endsession?{query}"))
    assert ended.headers["location"] == f"{out}?state=s"


@pytest.mark.covers("contract.09", "contract.59", "contract.72")
def test_a_client_that_builds_its_addresses_itself_logs_in_and_out(sts: Emulator) -> None:
    out = "http://localhost:8089/out"
    rp = register_web(sts, post_logout_redirect_uris=[out])
    machine, login, browser = rp.machine, Login(), rp.browser()
    send = machine.transport.send
    document = send("GET", "/.well-known/openid-configuration").json
    assert send("GET", "/.well-known/openid-configuration/jwks").json["keys"]
    answer = machine.post(form_for(rp, "par", machine.assertion(), rp.parameters(login)), path="/connect/par")
    assert answer.status == 201
    assert answer.json["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert type(answer.json["expires_in"]) is int
    query = urlencode({"client_id": "web", "request_uri": answer.json["request_uri"]})
    code = log_in(browser, browser.send("GET", f"/connect/authorize?{query}"))["code"]
    machine.learn_nonce()
    form = {"grant_type": "authorization_code", "code": code, "scope": ABSENT}
    form |= {"redirect_uri": REDIRECT_URI, "code_verifier": login.verifier}
    tokens = machine.post(machine.form(machine.assertion(), form), proof=machine.proof(), path="/connect/token").json
    told = send("GET", "/connect/userinfo", {"Authorization": f"Bearer {tokens['access_token']}"}).json
    assert told["sub"] == decode(tokens["id_token"])[1]["sub"]
    query = urlencode({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": out})
    assert browser.follow(browser.send("GET", f"/connect/endsession?{query}")).headers["location"] == out
    assert {document[f"{name}_endpoint"] for name in ("authorization", "token", "userinfo", "end_session")} == {
        f"{ISSUER}/connect/{name}" for name in ("authorize", "token", "userinfo", "endsession")
    }
    assert document["pushed_authorization_request_endpoint"] == f"{ISSUER}/connect/par"


@pytest.mark.covers("contract.59", "contract.61")
def test_a_request_uri_may_stand_in_the_address_as_it_is(rp: RelyingParty) -> None:
    login = Login()
    request_uri = rp.push(login, {"test_pid": PERSON}).json["request_uri"]
    path = f"/connect/authorize?request_uri={request_uri}&client_id=web"
    answer = rp.browser().send("GET", path)
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200
    again = rp.browser().send("GET", path)
    assert again.headers["location"].startswith("/home/error?")


@pytest.mark.covers("contract.68")
@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("pushes", [True, False], ids=["pushed", "front channel"])
def test_a_long_state_survives_the_pages_over_a_socket(live: LiveServer, mode: str, pushes: bool) -> None:
    machine = live.client(
        f"state-{secrets.token_hex(4)}",
        grant_types=["authorization_code"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
        require_pushed_authorization_requests=pushes,
    )
    login = Login(state="CfDJ8-_~.*'()+/= &%20æ😀" * 150)
    assert len(login.state) > 3_000
    # A connection of its own: one that others used before would bring their session's cookie.
    transport = OverHttp(live.issuer)
    try:
        rp = RelyingParty(replace(machine, transport=transport))
        browser = rp.browser()
        changes = {"response_mode": mode}
        plain = f"/connect/authorize?{urlencode(rp.parameters(login, changes))}"
        found = log_in(browser, browser.send("GET", pushed(rp, login, changes) if pushes else plain))
        assert found["state"] == login.state
        assert rp.redeem(login, found["code"]).status == 200
    finally:
        transport.close()


@pytest.mark.covers("contract.06")
def test_each_switch_is_of_one_client_and_not_of_the_server(sts: Emulator) -> None:
    lax_settings: dict[str, Any] = {
        "require_pushed_authorization_requests": False,
        "dpop_bound_access_tokens": False,
        "grant_types": GRANTS,
        "scope": SCOPES,
        "redirect_uris": ["https://lax.example/in"],
        "tenancy": "multi-tenant",
        "organization": make.SUPPLIER,
        "delegations": [make.CUSTOMER],
    }
    lax = register_web(sts, "lax", **lax_settings)
    usual = register_web(sts, "usual", grant_types=["authorization_code"], scope="openid test:api/write")
    lax.redirect_uri = "https://lax.example/in"
    details = {"claims": {"assertion_details": make.parent(make.CUSTOMER)}}
    seen = {}
    for name, rp in (("lax", lax), ("usual", usual)):
        machine = rp.machine
        parameters = rp.parameters(Login(), {"test_pid": PERSON, "scope": "openid"})
        front = rp.browser().send("GET", f"/connect/authorize?{urlencode(parameters)}")
        there = rp.push(Login(), {"redirect_uri": "https://lax.example/in", "scope": "openid"})
        seen[name] = (
            front.headers["location"].startswith("https://lax.example/in?code="),
            machine.post(machine.form(machine.assertion())).status,
            machine.token(assertion=details).status,
            rp.push(Login(), {"scope": "openid test:api/write"}).status,
            there.status,
        )
    assert seen == {"lax": (True, 200, 200, 400, 201), "usual": (False, 400, 400, 201, 400)}
