"""Four clients through a session each: the demo, one like NHN's laxer samples, one full of faults, one that sleeps."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from mock_sts.demo import CLIENT_ID
from mock_sts.demo.relying_party import RelyingParty as DemoClient
from mock_sts.demo.wire import Wire
from mock_sts.helseid.profile import find
from mock_sts.store.fixtures.files import shipped_key
from tests.conformance.reading import broken_rules, check, rule, statuses
from tests.conformance.test_sessions import Session
from tests.support.emulator import Emulator, LiveServer, register
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Machine
from tests.support.relying_party import AUTHORIZE, PERSON, REDIRECT_URI, Login, RelyingParty, answer_parameters

SCOPES = "openid profile offline_access"
WEB: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "scope": [*SCOPES.split(), "test:api/read"],
    "redirect_uris": [REDIRECT_URI],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("clients"))
    yield made
    made.stop()


@pytest.mark.covers("conformance.clients", "conformance.session")
def test_the_demo_client_meets_everything(server: LiveServer) -> None:
    """By its own code, over HTTP. A token of 31 seconds is nearly over after one."""
    session = Session(server, CLIENT_ID, settings={"access_token_lifetime": 31})
    wire = Wire(("127.0.0.1", server.port))
    client = DemoClient(wire, CLIENT_ID, shipped_key(CLIENT_ID))
    authority, home = session.state["authority"], "http://localhost:8080/mock/demo"
    browser = requests.Session()
    browser.trust_env = False
    for _ in range(2):
        login, location = client.begin(authority, f"{home}/callback", test_pid=PERSON)
        back = browser.get(location, allow_redirects=False, timeout=30).headers["location"]
        tokens = client.finish(login, back)
        assert client.call_api(tokens, tokens.metadata["userinfo_endpoint"]).status == 200
        time.sleep(1.1)
        tokens = client.refresh(tokens)
        out = browser.get(client.log_out_url(tokens, home), allow_redirects=False, timeout=30)
        assert out.headers["location"] == home
    found = session.result()
    assert broken_rules(found) == set()
    assert statuses(found, "never-exercised", "cannot-tell") <= {"X-02"}, "a slow machine may miss the next request"
    # A client for people need not do what machines do, and its registration has no details.
    assert statuses(found, "not-applicable") == {"T18", "SP-11", "SP-25", "SP-26", "SP-28", "SP-31", "SP-32"}
    assert found["conclusion"] in ("met", "not-all-seen")
    assert found["summary"]["met"] >= 49


@pytest.mark.covers("conformance.clients")
def test_a_laxer_sample_gets_the_right_findings(sts: Emulator) -> None:
    """As NHN's native samples: RS256 by a key of 2048 bits that ten clients share, iat as text, the same request again
    after a challenge, one assertion for code and refresh, and no nonce of OpenID Connect.
    """
    key = {**private_jwk("RS256", 0, 2048), "kid": "a-key"}
    sts.client("sample", jwk=key, **WEB)
    register(sts.store, "other-sample", [key])
    session = Session(sts, "sample")
    machine = session.side.machine("sample", key)
    machine.proof_jwk = key
    session.discover()
    rp = RelyingParty(machine, scopes=SCOPES)
    login = Login()
    lax: dict[str, Any] = {"lifetime": 30, "claims": {"iat": str(machine.now())}}
    code = _log_in(rp, login, lax, {"nonce": ABSENT})
    assertion = machine.assertion(lifetime=30, claims=lax["claims"])
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    body = machine.form(assertion, form)
    machine.nonce = machine.post(body, proof=machine.proof()).headers["dpop-nonce"]
    tokens = machine.post(body, proof=machine.proof())
    assert tokens.status == 200, tokens.content
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.json["refresh_token"], "scope": ABSENT}
    assert machine.post(machine.form(assertion, refresh), proof=machine.proof()).status == 200
    assert broken_rules(session.result()) == {
        "client-assertion.times-numbers",
        "client-assertion.lifetime-target",
        "client-assertion.single-use",
        "client-assertion.fresh-after-challenge",
        "client.key-own",
        "client.key-size-advice",
        "dpop.key-size-advice",
        "conduct.algorithm-newest",
        "conduct.refresh-kept",
        "span.logout",
    }


#: What the faulty client does wrong, a requirement for each fault.
PLANTED = {
    "client-assertion.audience-issuer": "the token endpoint as audience",
    "client-assertion.typ": "the old typ, with which HelseID takes that audience",
    "client-assertion.kid": "no kid",
    "client-assertion.lifetime": "an assertion of two minutes",
    "client-assertion.lifetime-target": "which is more than ten seconds, too",
    "client-assertion.times-numbers": "iat as a text",
    "client-assertion.times-present": "no nbf",
    "client-assertion.single-use": "an assertion used twice",
    "client-assertion.fresh-after-challenge": "the same assertion after a nonce challenge",
    "client.key-own": "a key that another client has",
    "client.key-size-advice": "an RSA key of 2048 bits",
    "conduct.algorithm-newest": "RS256",
    "dpop.htu-plain": "a query in htu",
    "dpop.clock": "a proof of two minutes ago",
    "dpop.single-use": "a proof used twice",
    "token-request.client-id": "no client_id in the form",
    "scope.named": "no scope",
    "details.member": "details under authorization_details",
    "request-uri.alone": "a parameter more at authorize",
    "authorization-request.state-or-nonce": "neither state nor nonce",
    "conduct.fresh-verifier": "one code_verifier for two logins",
    "conduct.nothing-in-url": "a token in an address",
    "conduct.token-kept": "a new token for each call",
    "conduct.proof-key": "a new DPoP key for each token",
    "span.metadata-used": "addresses by heart",
    "span.logout": "no logout",
}


@pytest.mark.covers("conformance.clients")
def test_every_planted_fault_is_found_and_none_invented(sts: Emulator) -> None:
    assert len(PLANTED) >= 20
    key = {**private_jwk("RS256", 0, 2048), "kid": "a-key"}
    details = {"tenancy": "multi-tenant", "organization": "213000012", "delegations": ["213100203"]}
    sts.client("faulty", jwk=key, **WEB, **details)
    register(sts.store, "other", [key])
    session = Session(sts, "faulty")
    machine = session.side.machine("faulty", key)
    machine.learn_nonce()
    assert _misbehave(machine) == []
    _misbehave_at_login(RelyingParty(machine, scopes=SCOPES))
    found = session.result()
    assert broken_rules(found) == set(PLANTED)
    for one in PLANTED:
        requirement = find(one)
        assert requirement is not None
        shown = [rule(found, checked["id"], one) for checked in found["checks"] if one in _rules(checked)]
        assert shown, one
        assert all(entry["expected"] and entry["observed"] and entry["remedy"] for entry in shown), one
    assert {"T1", "T22"} <= statuses(found, "not-visible")


def _rules(checked: dict[str, Any]) -> set[str]:
    return {one["id"] for one in checked["rules"] if one["broken"]}


def _misbehave(machine: Machine) -> list[str]:
    """A machine's faults, each in a request that is answered; those that were not."""
    scope = {"scope": "test:api/read"}
    details = [{"type": "helseid_authorization", "practitioner_role": _role("NO:ORGNR:213100203:")}]
    now = machine.now()
    repeated = machine.assertion()
    challenged = machine.assertion()
    proof = machine.proof()
    machine.post(machine.form(challenged, scope), proof=machine.proof(claims={"nonce": ABSENT}))
    old = machine.assertion(header={"typ": "JWT"}, claims={"aud": f"{machine.issuer}/connect/token"})
    url = f"/connect/token?{urlencode({'access_token': 'x'})}"
    answers = {
        "after a challenge": machine.post(machine.form(challenged, scope), proof=machine.proof()),
        "audience": machine.post(machine.form(old, scope), proof=machine.proof()),
        "kid": machine.token(assertion={"header": {"kid": ABSENT}}, form=scope),
        "lifetime": machine.token(assertion={"lifetime": 120}, form=scope),
        "iat": machine.token(assertion={"claims": {"iat": str(now)}}, form=scope),
        "nbf": machine.token(assertion={"claims": {"nbf": ABSENT}}, form=scope),
        "once": machine.post(machine.form(repeated, scope), proof=machine.proof()),
        "twice": machine.post(machine.form(repeated, scope), proof=machine.proof()),
        "htu": machine.token(proof={"claims": {"htu": f"{machine.issuer}/connect/token?x=y"}}, form=scope),
        "old proof": machine.token(proof={"claims": {"iat": now - 120}}, form=scope),
        "proof": machine.post(machine.form(machine.assertion(), scope), proof=proof),
        "client_id": machine.token(form={**scope, "client_id": ABSENT}),
        "no scope": machine.token(form={"scope": ABSENT}),
        "details": machine.token(assertion={"claims": {"authorization_details": details}}, form=scope),
        "url": machine.post(machine.form(machine.assertion(), scope), proof=machine.proof(), path=url),
        "other key": machine.token(proof={"jwk": private_jwk("ES256", 8)}, form=scope),
    }
    # A proof that comes again is refused.
    assert machine.post(machine.form(machine.assertion(), scope), proof=proof).status == 400
    return [f"{name}: {answer.content!r}" for name, answer in answers.items() if answer.status != 200]


def _misbehave_at_login(rp: RelyingParty) -> None:
    login = Login()
    for _ in range(2):
        pushed = rp.push(login, {"test_pid": PERSON, "state": ABSENT, "nonce": ABSENT})
        assert pushed.status == 201, pushed.content
        path = rp.authorize_path(pushed.json["request_uri"], prompt="login")
        code = answer_parameters(rp.browser().send("GET", path))["code"]
        assert rp.redeem(login, code).status == 200


def _log_in(rp: RelyingParty, login: Login, assertion: dict[str, Any], changes: dict[str, Any]) -> str:
    """A login whose pushed request has this assertion; the code."""
    form = rp.machine.form(rp.machine.assertion(**assertion), {"grant_type": ABSENT, "scope": ABSENT})
    pushed = rp.machine.post({**form, **rp.parameters(login, {"test_pid": PERSON, **changes})}, path="/connect/par")
    assert pushed.status == 201, pushed.content
    path = f"{AUTHORIZE}?{urlencode({'client_id': rp.machine.client_id, 'request_uri': pushed.json['request_uri']})}"
    return answer_parameters(rp.browser().send("GET", path))["code"]


def _role(value: str) -> dict[str, Any]:
    system = {"system": "urn:oid:1.0.6523", "type": "ENH", "value": value}
    return {"organization": {"identifier": system}}


@pytest.mark.covers("conformance.clients", "conformance.never-exercised")
def test_a_client_that_never_logs_in_is_met_nowhere(sts: Emulator) -> None:
    sts.client("sleeper", **WEB)
    found = Session(sts, "sleeper").result()
    assert broken_rules(found) == set()
    assert statuses(found, "met") == {"T7", "SP-04", "SP-37"}  # the registration
    assert {"T2", "T9", "T10", "T15", "T19", "T20", "T23", "SP-13", "X-03"} <= statuses(found, "never-exercised")
    assert check(found, "T9")["why"] == "log a person in"
    assert found["conclusion"] == "not-all-seen"


@pytest.mark.covers("conformance.aspnet")
def test_what_aspnet_adds_by_itself_breaks_no_must(sts: Emulator) -> None:
    """The name and version of its library at PAR and authorize, the first proof without a nonce, form_post, and
    userinfo by Bearer. All else is a correct client.
    """
    sts.client("aspnet", **WEB)
    session = Session(sts, "aspnet")
    session.discover()
    machine = session.side.machine("aspnet", private_jwk("ES256", 1))
    rp = RelyingParty(machine, scopes=SCOPES)
    telemetry = {"x-client-SKU": "ID_NET10_0", "x-client-ver": "8.16.0.0"}
    for _ in range(2):
        login = Login()
        pushed = rp.push(login, {"test_pid": PERSON, "response_mode": "form_post", **telemetry})
        assert pushed.status == 201, pushed.content
        browser = rp.browser()
        path = rp.authorize_path(pushed.json["request_uri"], **telemetry)
        code = answer_parameters(browser.send("GET", path))["code"]
        machine.meet_challenge(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": login.verifier,
                "redirect_uri": REDIRECT_URI,
                "scope": ABSENT,
            }
        )
        tokens = rp.redeem(login, code)
        assert tokens.status == 200, tokens.content
        assert rp.user_info(tokens.json["access_token"]).status == 200
    out = {"id_token_hint": tokens.json["id_token"], "state": "x"}
    assert browser.send("GET", f"/connect/endsession?{urlencode(out)}").status == 200
    found = session.result()
    assert broken_rules(found) == {"request-uri.telemetry"}
    assert check(found, "T11")["level"] == check(found, "SP-14")["level"] == "should"
    assert found["summary"]["broken_musts"] == 0
    assert "DisableTelemetry" in rule(found, "T11", "request-uri.telemetry")["remedy"]
