"""A guided run in which the server misbehaves: its steps, its verdicts, and what it refuses."""

from typing import Any

import pytest

from tests.conformance.test_sessions import Session
from tests.support.emulator import Emulator
from tests.support.keys import private_jwk
from tests.support.logins import web
from tests.support.machine import ABSENT
from tests.support.relying_party import Login, RelyingParty

PATH = "/provocation"


def verdict_of(run: dict[str, Any], name: str) -> tuple[str, str]:
    step = next(one for one in run["steps"] if one["name"] == name)
    return step["verdict"], step["observed"]


@pytest.mark.covers("conformance.provocation")
def test_a_machine_is_provoked_step_by_step(sts: Emulator) -> None:
    sts.client()
    session = Session(sts)
    machine = session.side.machine("machine", private_jwk("ES256", 1))
    run = session.ask("POST", PATH, {"only": ["nonce-twice", "nonce-never", "discovery-unknown-member"]})
    assert (run["step"]["name"], run["left"], run["step"]["effect"]) == ("usual-login", 3, None)
    machine.learn_nonce()
    assert machine.token().status == 200
    run = session.ask("POST", f"{PATH}/next")
    assert verdict_of(run, "usual-login")[0] == "noticed"
    assert (run["step"]["name"], run["step"]["effect"]) == ("nonce-twice", "dpop_nonce=challenge")
    for _ in range(3):
        answer = machine.token()
        machine.nonce = answer.headers.get("dpop-nonce", machine.nonce)
    assert answer.status == 200
    run = session.ask("POST", f"{PATH}/next")
    assert verdict_of(run, "nonce-twice") == ("noticed", "it was asked again")
    assert machine.token(proof={"claims": {"nonce": ABSENT}}).status == 200
    run = session.ask("POST", f"{PATH}/next")
    assert verdict_of(run, "nonce-never") == ("noticed", "a token request was granted")
    run = session.ask("POST", f"{PATH}/next")
    assert verdict_of(run, "discovery-unknown-member") == ("could not tell", "the client did not meet it")
    assert run["step"] is None and session.ask("GET", PATH) == run
    assert session.control.refused("POST", f"/conformance/{session.state['id']}{PATH}/next")[0] == 409


@pytest.mark.covers("conformance.provocation")
@pytest.mark.parametrize("careful", [True, False], ids=["careful", "careless"])
def test_a_wrong_iss_is_noticed_by_what_does_not_follow(sts: Emulator, *, careful: bool) -> None:
    key = web(sts).machine.jwk
    session = Session(sts, "web")
    rp = RelyingParty(session.side.machine("web", key))
    rp.machine.learn_nonce()
    session.ask("POST", PATH, {"only": ["iss-wrong", "id-token-wrong-nonce"]})

    def log_in(*, stops: bool) -> None:
        login = Login()
        found = rp.log_in(login)
        if stops and found["iss"] != session.state["authority"]:
            return
        answer = rp.redeem(login, found["code"])
        assert answer.status == 200
        if not stops or "mock-sts-fault" not in answer.headers:
            rp.user_info(answer.json["access_token"])

    for _ in range(3):
        log_in(stops=careful)
        run = session.ask("POST", f"{PATH}/next")
    wanted = "noticed" if careful else "not noticed"
    assert verdict_of(run, "iss-wrong")[0] == verdict_of(run, "id-token-wrong-nonce")[0] == wanted


@pytest.mark.covers("conformance.provocation.bad")
def test_a_run_that_cannot_be_is_refused(sts: Emulator) -> None:
    sts.client()
    session = Session(sts)
    path = f"/conformance/{session.state['id']}{PATH}"
    assert session.control.refused("GET", path) == (
        404,
        "no provocation runs in this session; POST to the same address starts one",
    )
    status, why = session.control.refused("POST", path, {"only": ["iss-wrongg"]})
    assert status == 400 and "did you mean 'iss-wrong'" in why
    status, why = session.control.refused("POST", path, {"only": ["iss-wrong"]})
    assert status == 400 and "cannot meet" in why, "a machine logs nobody in"
    assert session.control.refused("POST", f"/conformance/none{PATH}")[0] == 404
    session.ask("POST", PATH)
    session.ask("POST", f"{PATH}/next")
    assert len(session.side.get("/mock/api/v1/faults").json["items"]) == 1
    session.control.ask("DELETE", path)
    assert session.side.get("/mock/api/v1/faults").json["items"] == []
    session.ask("POST", "/end")
    assert session.control.refused("POST", path)[0] == 409


def test_machines_are_not_asked_for_what_they_cannot_meet(sts: Emulator) -> None:
    sts.client()
    names = {step["name"] for step in Session(sts).ask("POST", PATH)["steps"]}
    assert {"usual-login", "nonce-twice", "endpoints-moved", "token-503"} <= names
    assert not any(name.startswith(("iss-", "state-", "id-token-", "refresh-")) for name in names)
