"""The pages of symptoms, of other mocks and of CI: what they name is there, and refusals are those of the server."""

import re

import pytest

from mock_sts.helseid.profile import find
from tests.house.snippets import ROOT
from tests.support.emulator import Emulator, Worlds
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer

PAGE = ROOT / "docs" / "troubleshooting.md"

#: Rules that the page has with the error of the answer.
ROWS = re.findall(r"(?m)^\| `(\w+)`[^|]*\| `([a-z-]+\.[a-z-]+)` \|", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("error", "rule"), ROWS)
def test_a_rule_of_the_page_gives_the_error_beside_it(error: str, rule: str) -> None:
    requirement = find(rule)
    assert requirement is not None
    assert requirement.error.value == error


def refusals(sts: Emulator) -> dict[str, Answer]:
    """What a client does wrong, by the rule that the page has for it."""
    machine = sts.client("machine")
    machine.learn_nonce()
    used, then = machine.proof(), sts.clock.wall - 620
    form = machine.form(machine.assertion())
    assert machine.post(form, proof=used).status == 200
    stranger = sts.machine("stranger", private_jwk("ES256", 1))
    return {
        "dpop.nonce": machine.token(proof={"claims": {"nonce": ABSENT}}),
        "dpop.nonce-current": machine.token(proof={"claims": {"nonce": "old"}}),
        "client-assertion.registered": stranger.token(),
        "client-assertion.audience": machine.token(assertion={"claims": {"aud": "https://elsewhere.test"}}),
        "client-assertion.not-expired": machine.token(
            assertion={"claims": {"exp": then + 20, "nbf": then, "iat": then}}
        ),
        "dpop.htu": machine.token(proof={"claims": {"htu": "https://elsewhere.test/connect/token"}}),
        "dpop.single-use": machine.post(machine.form(machine.assertion()), proof=used),
        "token-request.proof": machine.post(machine.form(machine.assertion())),
        "scope.allowed": machine.token(form={"scope": "nhn:unknown/scope"}),
        "grant.allowed": machine.token(form={"grant_type": "authorization_code", "code": "x"}),
    }


def test_refusals_of_the_page_are_those_of_the_server(worlds: Worlds) -> None:
    sts = worlds.make()
    told = {rule: error for error, rule in ROWS}
    for rule, answer in refusals(sts).items():
        assert (answer.json["error"], answer.rule) == (told[rule], rule), rule
