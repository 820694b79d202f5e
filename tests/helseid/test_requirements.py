"""Every requirement, met and broken, in every enforcement, through the real token endpoint."""

from typing import Any

import pytest

from mock_sts.helseid.profile import CHAPTERS, find
from mock_sts.helseid.requirement import Enforcement
from tests.helseid.cases import CASES, Case
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import Machine

MODES = ("observe", "helseid", "strict")

#: Requirements of the registration are judged once and are not repeated in each journal row.
REGISTRATION = "client."


def machine_for(sts: Emulator, case: Case) -> Machine:
    case.others(sts)
    members: dict[str, Any] = dict(case.members)
    return sts.client(jwk=members.pop("jwk", None), **members)


def test_every_requirement_has_a_case() -> None:
    ids = [requirement.id for chapter in CHAPTERS for requirement in chapter.requirements]
    assert sorted(ids) == sorted(CASES)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("mode", MODES)
def test_a_correct_machine_keeps_every_requirement(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode, public_url="http://localhost:8080", aliases=("http://other.test:8080",))
    machine = sts.client()
    assert machine.token(form={"resource": "test:api"}).status == 200
    entry = sts.journal(limit="1")[0]
    assert entry["findings"]["broken"] == []
    judged = {requirement_id for requirement_id in CASES if not requirement_id.startswith(REGISTRATION)}
    # These two only speak up about RSA keys.
    assert judged - set(entry["findings"]["met"]) == {"dpop.key-size", "dpop.key-size-advice"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("requirement_id", CASES)
def test_a_breach_has_the_outcome_of_its_mode(worlds: Worlds, requirement_id: str, mode: str) -> None:
    case = CASES[requirement_id]
    sts = worlds.make(enforcement=mode, **case.settings)
    answer = case.breach(machine_for(sts, case))
    outcome = case.outcomes[MODES.index(mode)]
    entry = sts.journal(limit="1")[0]
    if outcome == "recorded":
        assert answer.status == 200, answer.content
        assert entry["outcome"] == "granted"
        if not requirement_id.startswith(REGISTRATION):
            assert requirement_id in [finding["rule"] for finding in entry["findings"]["broken"]]
        return
    assert answer.status == 400
    assert answer.error == case.error
    assert entry["outcome"] == outcome
    assert entry["rule"] == answer.rule
    rule = (case.strict_rule if mode == "strict" else "") or requirement_id
    assert answer.rule == rule
    requirement = find(rule)
    assert requirement is not None
    assert (answer.description or "") == requirement.says
    told = [finding for finding in entry["findings"]["broken"] if finding["rule"] == answer.rule]
    assert told and told[-1]["remedy"] and told[-1]["source"] and told[-1]["title"]


@pytest.mark.parametrize("requirement_id", CASES)
def test_the_declaration_agrees_with_the_case(requirement_id: str) -> None:
    requirement = find(requirement_id)
    assert requirement is not None
    refuses = [requirement.refused_by is not None and mode >= requirement.refused_by for mode in Enforcement]
    assert refuses == [outcome != "recorded" for outcome in CASES[requirement_id].outcomes]
    assert requirement.is_challenge == ("challenged" in CASES[requirement_id].outcomes)


def test_a_client_may_have_its_own_enforcement(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="helseid")
    lax, strict = sts.client("lax", enforcement="observe"), sts.client("strict", enforcement="strict")
    assert lax.token(assertion={"lifetime": 400}).status == 200
    assert sts.client("usual").token(assertion={"lifetime": 400}).rule == "client-assertion.lifetime-limit"
    assert strict.token(assertion={"header": {"typ": "JWT"}}).rule == "client-assertion.typ"
