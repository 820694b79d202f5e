"""Expectations of a test on what an application sent, held against the journal."""

import json
from pathlib import Path
from typing import Any

import pytest

from mock_sts.cli.main import main
from tests.support.control import Control
from tests.support.emulator import Emulator, LiveServer
from tests.support.keys import private_jwk
from tests.support.relying_party import PERSON, Login, RelyingParty, web_client


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web_client(sts)


def verify(sts: Emulator, *expect: dict[str, Any], **order: Any) -> dict[str, Any]:
    answer: dict[str, Any] = Control(sts.transport).ask("POST", "/verify", {"expect": list(expect), **order})
    return answer


def result(sts: Emulator, expect: dict[str, Any], **order: Any) -> tuple[bool, str]:
    answer = verify(sts, expect, **order)
    (one,) = answer["results"]
    assert answer["met"] == one["met"]
    return one["met"], one["says"]


@pytest.mark.covers("verify.holds")
def test_what_a_correct_client_sent_holds(sts: Emulator, rp: RelyingParty) -> None:
    rp.machine.meet_challenge()
    tokens = rp.tokens().json
    rp.refresh(rp.refresh(tokens["refresh_token"]).json["refresh_token"])
    answer = verify(
        sts,
        {"called": "token", "times": 3},
        {"called": "token", "grant_type": "refresh_token", "times": 2},
        {"called": "/connect/par", "at_least": 1, "at_most": 1},
        {"nonce_retried": True},
        {"pushed": True},
        {"newest_refresh_token": True},
        {"same_proof_key": ["token", "userinfo"]},
        {"none_broken": "must"},
        {"logged_in": PERSON},
        client_id="web",
    )
    assert answer["met"], json.dumps(answer["results"], indent=1)
    assert all(one["entries"] for one in answer["results"] if not one["says"].startswith("Broken"))


@pytest.mark.covers("verify.holds")
def test_what_was_not_sent_does_not_hold_and_the_difference_is_said(sts: Emulator, rp: RelyingParty) -> None:
    machine = sts.client("machine")
    machine.meet_challenge()
    assert machine.token().status == 200
    assert machine.token(form={"scope": "test:api/unknown"}).error == "invalid_scope"
    assert result(sts, {"called": "token", "times": 1}, client_id="machine") == (
        False,
        "Expected: 1 request. Seen: 2 requests; not counted: 1 dpop.nonce",
    )
    granted = {"called": "token", "outcome": "granted", "times": 2}
    met, says = result(sts, granted, client_id="machine")
    assert not met and says.startswith("Expected: 2 requests. Seen: 1 request; not counted: ")
    assert result(sts, {"called": "par", "at_most": 0})[0]
    assert result(sts, {"called": "userinfo"}) == (False, "Expected: 1 or more. Seen: 0 requests")
    met, says = result(sts, {"none_broken": "must"}, client_id="machine")
    assert not met and "in 1 request" in says and sts.journal()[0]["rule"] in says
    assert result(sts, {"pushed": True}) == (False, "No request came to the authorize endpoint")
    assert result(sts, {"newest_refresh_token": True}) == (False, "No refresh token was used")
    assert result(sts, {"logged_in": PERSON}) == (False, f"Logins of {PERSON}: 0")
    met, says = result(sts, {"called": "discovery", "at_most": 1}, client_id="machine")
    assert not met and says.startswith("Cannot tell") and "conformance session" in says


@pytest.mark.covers("verify.holds")
def test_an_old_refresh_token_another_key_and_a_challenge_without_a_retry_are_seen(
    sts: Emulator, rp: RelyingParty
) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    tokens = rp.redeem(login, code).json
    rp.refresh(tokens["refresh_token"])
    assert result(sts, {"same_proof_key": ["token"]})[0] is True
    rp.machine.proof_jwk = private_jwk("ES256", 7)
    rp.refresh(tokens["refresh_token"])
    assert result(sts, {"same_proof_key": ["token"]})[0] is False
    assert result(sts, {"newest_refresh_token": True})[0] is False
    after = sts.journal()[0]["id"]
    machine = sts.client("hasty")
    assert machine.meet_challenge().error == "use_dpop_nonce"
    assert not result(sts, {"nonce_retried": True}, client_id="hasty", after=after)[0]


@pytest.mark.covers("verify.refused")
@pytest.mark.parametrize(
    ("expect", "member", "says"),
    [
        ({}, "/expect/0", "exactly one of called"),
        ({"called": "token", "pushed": True}, "/expect/0", "has called and pushed"),
        ({"called": "tokn"}, "/expect/0/called", "did you mean"),
        ({"called": "token", "times": 1, "at_most": 2}, "/expect/0/times", "the number exactly"),
        ({"called": "token", "at_least": 3, "at_most": 2}, "/expect/0/at_least", "more than at_most"),
        ({"pushed": True, "times": 1}, "/expect/0/times", "goes with called"),
        ({"pushed": False}, "/expect/0/pushed", "true, or left out"),
        ({"same_proof_key": []}, "/expect/0/same_proof_key", "names the endpoints"),
        ({"same_proof_key": ["nowhere"]}, "/expect/0/same_proof_key", "no endpoint"),
        ({"none_broken": "all"}, "/expect/0/none_broken", "must"),
        ({"logged_in": "nn"}, "/expect/0/logged_in", "nn"),
        ({"called": "token", "time": 1}, "/expect/0/time", "times"),
    ],
)
def test_an_expectation_that_means_nothing_is_named(
    sts: Emulator, expect: dict[str, Any], member: str, says: str
) -> None:
    answer = Control(sts.transport).call("POST", "/verify", {"expect": [expect]})
    assert answer.status == 400 and answer.json["member"] == member
    assert says in answer.json["detail"]
    assert Control(sts.transport).refused("POST", "/verify", {"expect": [], "since": "now"})[0] == 400


@pytest.mark.sqlite
@pytest.mark.covers("verify.command")
def test_the_command_says_what_holds_by_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveServer(tmp_path)
    try:
        machine = live.client("machine")
        assert machine.token().status == 200
        file = tmp_path / "expect.json"
        for times, status, word in ((1, 0, "met: "), (2, 1, "not met: ")):
            order = {"client_id": "machine", "expect": [{"called": "token", "outcome": "granted", "times": times}]}
            file.write_text(json.dumps(order), encoding="utf-8")
            assert main(["verify", str(file), "--url", live.issuer]) == status
            assert capsys.readouterr().out.startswith(word)
        file.write_text("[]", encoding="utf-8")
        assert main(["verify", str(file), "--url", live.issuer]) == 2
        assert "must be a JSON object" in capsys.readouterr().err
    finally:
        live.stop()
