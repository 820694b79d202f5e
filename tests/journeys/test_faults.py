"""Fault rules: what goes wrong on order, for whom, how often; and what it leaves behind."""

from typing import Any

import pytest

from mock_sts.helseid.claims import SECURITY_LEVEL
from mock_sts.protocol.defects import UNKNOWN_KID
from mock_sts.protocol.half_hash import half_hash
from tests.support.control import Control
from tests.support.emulator import Emulator
from tests.support.environments import neighbour
from tests.support.logins import web
from tests.support.machine import ABSENT, Answer, Machine, decode
from tests.support.relying_party import PERSON, Login, RelyingParty, answer_parameters

DISCOVERY, JWKS = "/.well-known/openid-configuration", "/.well-known/openid-configuration/jwks"


@pytest.fixture
def control(sts: Emulator) -> Control:
    return Control(sts.transport)


def fault(control: Control, effect: dict[str, Any], times: int | None = 1, **more: Any) -> dict[str, Any]:
    """A rule that was made; ``more`` are members of its match."""
    body = {"match": more, "effect": effect, **({} if times is None else {"times": times})}
    made: dict[str, Any] = control.ask("POST", "/faults", body)
    return made


def newest(control: Control) -> dict[str, Any]:
    """The newest entry of the journal."""
    entry: dict[str, Any] = control.ask("GET", "/journal?limit=1")["entries"][0]
    return entry


def is_marked(answer: Answer, rule: dict[str, Any]) -> bool:
    return answer.headers.get("mock-sts-fault", "").startswith(f"{rule['id']}; ")


# In place of an answer


@pytest.mark.covers("faults.instead")
def test_an_error_comes_once_and_uses_nothing_up(machine: Machine, control: Control) -> None:
    rule = fault(
        control,
        {"oauth_error": "temporarily_unavailable", "error_description": "come again"},
        endpoint="token",
        client_id=machine.client_id,
    )
    assert (rule["remaining"], rule["happened"], rule["environment"]) == (1, 0, "default")
    machine.learn_nonce()
    assertion, proof = machine.assertion(), machine.proof()
    refused = machine.post(machine.form(assertion), proof=proof)
    assert (refused.status, refused.json) == (
        400,
        {"error": "temporarily_unavailable", "error_description": "come again"},
    )
    assert refused.headers["mock-sts-fault"] == f"{rule['id']}; oauth_error=temporarily_unavailable"
    entry = newest(control)
    assert (entry["endpoint"], entry["client_id"], entry["outcome"], entry["error"]) == (
        "/connect/token",
        machine.client_id,
        "faulted",
        "temporarily_unavailable",
    )
    assert entry["faults"] == [{"id": rule["id"], "effect": "oauth_error=temporarily_unavailable"}]
    assert entry["findings"] == {"broken": [], "met": []}

    good = machine.post(machine.form(assertion), proof=proof)
    assert good.status == 200, "the same assertion and proof: nothing was used up"
    assert "mock-sts-fault" not in good.headers and newest(control)["faults"] == []
    after = control.ask("GET", f"/faults/{rule['id']}")
    assert (after["remaining"], after["happened"]) == (0, 1)


@pytest.mark.covers("faults.instead")
def test_a_rule_is_for_the_requests_that_it_names(sts: Emulator, machine: Machine, control: Control) -> None:
    other = sts.client("another-machine")
    fault(control, {"status": 503, "body": "later", "retry_after": 7}, client_id=other.client_id, endpoint="token")
    fault(control, {"status": 502}, times=None, headers={"User-Agent": "impatient/*"})
    machine.learn_nonce()
    assert machine.token().status == 200
    answer = other.token()
    assert (answer.status, answer.content, answer.headers["retry-after"]) == (503, b"later", "7")
    assert machine.token(headers={"User-Agent": "impatient/2"}).status == 502
    assert sts.get("/mock/api/v1/faults", headers={"User-Agent": "impatient/2"}).status == 200, "our own side"
    assert sts.get("/health/ready", headers={"User-Agent": "impatient/2"}).status == 200


@pytest.mark.covers("faults.instead")
def test_userinfo_and_authorize_answer_errors_in_their_own_way(sts: Emulator, control: Control) -> None:
    rp = web(sts)
    rp.machine.learn_nonce()
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON})
    rule = fault(control, {"oauth_error": "login_required"}, endpoint="authorize", client_id=rp.machine.client_id)
    first = rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))
    found = answer_parameters(first)
    assert (found["error"], found["state"], found["iss"]) == ("login_required", login.state, sts.issuer)
    assert is_marked(first, rule)
    again = answer_parameters(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))
    assert "code" in again, "the request was not used up"
    tokens = rp.redeem(login, again["code"])
    fault(control, {"oauth_error": "invalid_token"}, endpoint="userinfo", client_id=rp.machine.client_id)
    refused = rp.user_info(tokens.json["access_token"])
    assert refused.status == 401 and 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert rp.user_info(tokens.json["access_token"]).status == 200


@pytest.mark.covers("faults.instead")
def test_chance_draws_the_same_from_the_same_seed(machine: Machine, control: Control) -> None:
    def drawn(seed: str) -> list[bool]:
        body = {"match": {"endpoint": "jwks"}, "effect": {"status": 500}, "probability": 0.5, "seed": seed}
        made = control.ask("POST", "/faults", body)
        found = [machine.transport.send("GET", JWKS).status == 500 for _ in range(24)]
        assert control.ask("GET", f"/faults/{made['id']}")["happened"] == sum(found)
        control.ask("DELETE", f"/faults/{made['id']}")
        return found

    one = drawn("one")
    assert one == drawn("one") and one != drawn("two") and 0 < sum(one) < 24


# Spoilt answers


def logged_in(sts: Emulator) -> tuple[RelyingParty, Answer]:
    rp = web(sts)
    rp.machine.learn_nonce()
    login = Login()
    return rp, rp.redeem(login, rp.log_in(login)["code"])


@pytest.mark.covers("faults.tokens")
def test_an_id_token_is_spoilt_after_all_is_stored(sts: Emulator, control: Control) -> None:
    rp = web(sts)
    rp.machine.learn_nonce()
    rule = fault(control, {"id_token": "wrong_nonce"}, persona=PERSON)
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"])
    claims = decode(answer.json["id_token"])[1]
    assert answer.status == 200 and claims["nonce"] != login.nonce and is_marked(answer, rule)
    entry = newest(control)
    assert (entry["outcome"], entry["faults"]) == ("granted", [{"id": rule["id"], "effect": "id_token=wrong_nonce"}])
    assert rp.refresh(answer.json["refresh_token"]).status == 200, "what was stored is good"
    other = fault(control, {"id_token": "lower_level"}, times=None, persona="12057900499")
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"])
    assert decode(answer.json["id_token"])[1][SECURITY_LEVEL] == "4", "that rule is for another person"
    assert control.ask("GET", f"/faults/{other['id']}")["happened"] == 0


@pytest.mark.covers("faults.tokens")
def test_an_access_token_alone_is_wrong(sts: Emulator, control: Control) -> None:
    fault(control, {"access_token": "unknown_kid"})
    fault(control, {"token_type": "Bearer"})
    rp, answer = logged_in(sts)
    assert decode(answer.json["access_token"])[0]["kid"] == UNKNOWN_KID and answer.json["token_type"] == "Bearer"
    assert len(answer.headers["mock-sts-fault"].split(", ")) == 2
    assert decode(answer.json["id_token"])[1]["at_hash"] == half_hash(answer.json["access_token"])
    assert rp.user_info(answer.json["access_token"]).status in (200, 401)


@pytest.mark.covers("faults.tokens")
def test_refresh_is_refused_or_does_not_rotate(sts: Emulator, control: Control) -> None:
    rp, answer = logged_in(sts)
    token = answer.json["refresh_token"]
    fault(control, {"refresh_token": "refused"})
    refused = rp.refresh(token)
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    fault(control, {"refresh_token": "not_rotated"})
    same = rp.refresh(token)
    assert same.status == 200 and same.json["refresh_token"] == token
    assert rp.refresh(token).json["refresh_token"] != token


@pytest.mark.covers("faults.tokens")
def test_nonces_come_otherwise_than_usual(machine: Machine, control: Control) -> None:
    machine.learn_nonce()
    fault(control, {"dpop_nonce": "challenge"}, times=2)
    for _ in range(2):
        challenge = machine.token()
        assert (challenge.status, challenge.json["error"]) == (400, "use_dpop_nonce")
        assert challenge.headers["dpop-nonce"]
    assert machine.token().status == 200
    fault(control, {"dpop_nonce": "never"})
    assert machine.token(proof={"claims": {"nonce": ABSENT}}).status == 200
    assert machine.token(proof={"claims": {"nonce": ABSENT}}).json["error"] == "use_dpop_nonce"
    fault(control, {"dpop_nonce": "renew"})
    renewed = machine.token()
    assert renewed.status == 200 and renewed.headers["dpop-nonce"]


@pytest.mark.covers("faults.tokens")
@pytest.mark.parametrize(
    ("effect", "name", "wrong"),
    [
        ("missing_iss", "iss", None),
        ("wrong_iss", "iss", "https://another-issuer.example"),
        ("missing_state", "state", None),
        ("wrong_state", "state", "another-state"),
    ],
)
def test_the_authorization_response_is_wrong(
    sts: Emulator, control: Control, effect: str, name: str, wrong: str | None
) -> None:
    rp = web(sts)
    rp.machine.learn_nonce()
    rule = fault(control, {"authorization_response": effect}, client_id=rp.machine.client_id)
    found = rp.log_in(Login())
    assert found.get(name) == wrong and "code" in found
    assert newest(control)["faults"][0]["id"] == rule["id"]


@pytest.mark.covers("faults.metadata")
def test_discovery_and_keys_are_others(sts: Emulator, control: Control) -> None:
    usual = sts.get(DISCOVERY).json
    fault(control, {"discovery": "other_issuer"})
    assert sts.get(DISCOVERY).json["issuer"] != usual["issuer"]
    fault(control, {"discovery": "missing_member", "member": "jwks_uri"})
    assert "jwks_uri" not in sts.get(DISCOVERY).json
    fault(control, {"discovery": "unknown_member"})
    assert set(sts.get(DISCOVERY).json) - set(usual) == {"mock_unknown_member"}
    entry = newest(control)
    assert (entry["endpoint"], entry["outcome"], entry["client_id"]) == (DISCOVERY, "faulted", None)
    assert sts.get(DISCOVERY).json == usual

    usual = sts.get(JWKS).json
    for value, count in (("empty", 0), ("unknown_key_type", len(usual["keys"]) + 1), ("late", len(usual["keys"]) - 1)):
        fault(control, {"jwks": value})
        assert len(sts.get(JWKS).json["keys"]) == count
    assert sts.get(JWKS).json == usual


@pytest.mark.covers("faults.metadata")
def test_another_key_signs_from_a_request_on(machine: Machine, sts: Emulator, control: Control) -> None:
    before = sts.get(JWKS).json["keys"][0]["kid"]
    # A key that waits is taken: making one takes seconds.
    control.ask("POST", "/keys", {"algorithm": "ES256"})
    fault(control, {"keys": "retire"}, endpoint="token", client_id=machine.client_id)
    machine.learn_nonce()
    answer = machine.token()
    kid = decode(answer.json["access_token"])[0]["kid"]
    assert kid != before and [key["kid"] for key in sts.get(JWKS).json["keys"]] == [kid]


@pytest.mark.covers("faults.metadata")
def test_endpoints_move_and_proofs_follow(machine: Machine, sts: Emulator, control: Control) -> None:
    usual = sts.get(DISCOVERY).json
    rule = fault(control, {"moved": ["token", "jwks"]}, times=None)
    document = sts.get(DISCOVERY).json
    assert document["token_endpoint"] == f"{sts.issuer}/moved/connect/token"
    assert document["userinfo_endpoint"] == usual["userinfo_endpoint"]
    machine.learn_nonce()
    gone = machine.token()
    assert gone.status == 404 and is_marked(gone, rule)
    proof = machine.proof(claims={"htu": document["token_endpoint"]})
    assert machine.post(machine.form(machine.assertion()), proof=proof, path="/moved/connect/token").status == 200
    proof = machine.proof()  # for the old address
    refused = machine.post(machine.form(machine.assertion()), proof=proof, path="/moved/connect/token")
    assert (refused.status, refused.rule) == (400, "dpop.htu")
    assert sts.get("/moved/.well-known/openid-configuration/jwks").status == 200
    control.ask("DELETE", f"/faults/{rule['id']}")
    assert sts.get(DISCOVERY).json == usual and machine.token().status == 200


@pytest.mark.covers("faults.tokens")
def test_userinfo_is_about_another(sts: Emulator, control: Control) -> None:
    rp, answer = logged_in(sts)
    token = answer.json["access_token"]
    usual = rp.user_info(token).json
    fault(control, {"userinfo": "other_sub"})
    assert rp.user_info(token).json["sub"] != usual["sub"]
    assert rp.user_info(token).json["sub"] == usual["sub"]


@pytest.mark.covers("faults.answers")
def test_answers_are_spoilt_on_their_way(sts: Emulator, control: Control) -> None:
    fault(control, {"answer": "empty"}, endpoint="discovery")
    assert sts.get(DISCOVERY).content == b""
    fault(control, {"answer": "garbage"}, endpoint="discovery")
    assert b"no JSON" in sts.get(DISCOVERY).content
    fault(control, {"answer": "wrong_content_type"}, endpoint="discovery")
    assert sts.get(DISCOVERY).headers["content-type"].startswith("text/html")


# Rules


@pytest.mark.covers("faults.bad")
@pytest.mark.parametrize(
    ("body", "member", "says"),
    [
        ({}, "/effect", "effect is missing"),
        ({"effect": {}}, "/effect", "exactly one of"),
        ({"effect": {"status": 500, "drop": True}}, "/effect", "it has status and drop"),
        ({"effect": {"explode": True}}, "/effect/explode", "no member 'explode'"),
        ({"effect": {"id_token": "wrong_nonse"}}, "/effect/id_token", "did you mean 'wrong_nonce'"),
        ({"effect": {"id_token": "missing_claim"}}, "/effect/id_token", "effect.claim"),
        ({"effect": {"status": 99}}, "/effect/status", "from 200 to 599"),
        ({"effect": {"drop": False}}, "/effect/drop", "must be true"),
        ({"effect": {"drop": True, "claim": "sub"}}, "/effect/claim", "does not go with drop"),
        ({"effect": {"oauth_error": "not an error"}}, "/effect/oauth_error", "error code"),
        ({"effect": {"moved": ["ciba"]}}, "/effect/moved", "these can move"),
        ({"effect": {"closed_port": "5 s"}}, "/effect/closed_port", "ISO 8601 duration"),
        ({"effect": {"closed_port": "P1D"}}, "/effect/closed_port", "from PT1S to PT1H"),
        ({"effect": {"closed_port": "PT5S"}, "match": {"endpoint": "token"}}, "/match/endpoint", "leave it out"),
        ({"effect": {"moved": ["token"]}, "times": 1}, "/times", "until the rule is removed"),
        ({"effect": {"drop": True}, "probability": 2}, "/probability", "a number from 0 to 1"),
        ({"effect": {"drop": True}, "times": 0}, "/times", "from 1 to"),
        ({"effect": {"drop": True}, "seed": "x"}, "/seed", "seed goes with probability"),
        ({"match": {"endpoint": "tokken"}, "effect": {"drop": True}}, "/match/endpoint", "no endpoint"),
        ({"match": {"endpoint": "/connect/tokn"}, "effect": {"drop": True}}, "/match/endpoint", "/connect/token?"),
        ({"match": {"endpoint": "/mock/journal"}, "effect": {"drop": True}}, "/match/endpoint", "own side"),
        ({"match": {"endpoint": "jwks"}, "effect": {"id_token": "expired"}}, "/match/endpoint", "can never match"),
        ({"match": {"client_id": "stranger"}, "effect": {"drop": True}}, "/match/client_id", "no client has"),
        ({"match": {"persona": "stranger"}, "effect": {"id_token": "expired"}}, "/match/persona", "stranger"),
        ({"match": {"persona": PERSON}, "effect": {"drop": True}}, "/match/persona", "cannot be known"),
        ({"match": {"environment": "none"}, "effect": {"drop": True}}, "/match/environment", "no environment"),
        (
            {"match": {"grant_type": "x", "endpoint": "par"}, "effect": {"drop": True}},
            "/match/grant_type",
            "token alone",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(control: Control, body: dict[str, Any], member: str, says: str) -> None:
    answer = control.call("POST", "/faults", body)
    assert answer.status == 400 and answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json["member"] == member and says in answer.json["detail"], answer.json
    assert control.ask("GET", "/faults")["items"] == []


@pytest.mark.covers("faults.rules")
def test_rules_are_listed_and_removed(sts: Emulator, control: Control) -> None:
    one, two = fault(control, {"status": 500}), fault(control, {"drop": True}, times=None, endpoint="token")
    listed = control.ask("GET", "/faults")["items"]
    assert [rule["id"] for rule in listed] == [one["id"], two["id"]] and listed[1]["match"] == {"endpoint": "token"}
    control.ask("DELETE", f"/faults/{one['id']}")
    assert control.refused("DELETE", f"/faults/{one['id']}")[0] == 404
    assert control.ask("DELETE", "/faults") == {"removed": 1}
    assert sts.get(DISCOVERY).status == 200


@pytest.mark.covers("faults.rules")
def test_rules_are_of_one_environment(sts: Emulator, control: Control) -> None:
    side = neighbour(sts, "beside")
    rule = fault(control, {"status": 500}, times=None, environment="beside")
    assert rule["environment"] == "beside" and control.ask("GET", "/faults")["items"] == []
    assert sts.get(DISCOVERY).status == 200 and side.get(DISCOVERY).status == 500
    assert control.ask("GET", "/faults?environment=beside")["items"][0]["happened"] == 1
    control.ask("DELETE", f"/faults/{rule['id']}?environment=beside")
    assert side.get(DISCOVERY).status == 200


@pytest.mark.covers("faults.rules")
def test_snapshots_and_reset_know_the_rules(sts: Emulator, control: Control) -> None:
    rule = fault(control, {"status": 500}, times=2, endpoint="jwks")
    assert sts.get(JWKS).status == 500
    snapshot = control.ask("POST", "/snapshots")["id"]
    assert sts.get(JWKS).status == 500 and sts.get(JWKS).status == 200
    control.ask("POST", f"/snapshots/{snapshot}/restore")
    assert control.ask("GET", f"/faults/{rule['id']}")["remaining"] == 1
    assert sts.get(JWKS).status == 500 and sts.get(JWKS).status == 200
    fault(control, {"status": 500}, times=None)
    assert control.ask("POST", "/reset")["removed"]["fault"] == 2
    assert sts.get(JWKS).status == 200
    control.ask("POST", "/faults", {"effect": {"status": 500}, "tag": "run-7"})
    assert sts.get(JWKS).status == 500
    control.ask("POST", "/reset?tag=run-7")
    assert sts.get(JWKS).status == 200
