"""The report on a client over the ordinary journal: by the control API, and what it says of what was not seen."""

from typing import Any

import pytest

from mock_sts.services.conformance.document import failures
from tests.conformance.reading import check, rule, statuses
from tests.support.control import Control
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import ABSENT, Machine
from tests.support.relying_party import REDIRECT_URI, Login, RelyingParty

WEB: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": ["openid", "profile", "offline_access"],
    "redirect_uris": [REDIRECT_URI],
}


def report(sts: Emulator, client_id: str = "machine", query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = Control(sts.transport).ask("GET", f"/clients/{client_id}/report{query}")
    return found


@pytest.mark.covers("conformance.report")
def test_a_correct_machine_breaks_nothing(sts: Emulator, machine: Machine) -> None:
    machine.meet_challenge()
    assert machine.token().status == 200
    found = report(sts)
    assert statuses(found, "broken") == set()
    assert check(found, "T4")["status"] == "met"
    assert rule(found, "T4", "client-assertion.issuer")["met"] == 2
    # The first proof has no nonce, and cannot have one.
    assert rule(found, "T15", "dpop.nonce")["broken"] == 0
    assert found["conclusion"] == "not-all-seen"
    assert found["journal"]["entries"] == 2


@pytest.mark.covers("conformance.report")
def test_what_does_not_concern_the_client_says_why(sts: Emulator, machine: Machine) -> None:
    assert machine.token().status == 200
    found = report(sts)
    assert {"T9", "T10", "T11", "T23", "SP-17", "SP-38"} <= statuses(found, "not-applicable")
    assert "authorization_code" in check(found, "T9")["why"]
    assert statuses(found, "cannot-tell") == {"T19", "SP-22"}


@pytest.mark.covers("conformance.report")
def test_a_breach_has_what_was_expected_and_seen_and_where(sts: Emulator, machine: Machine) -> None:
    machine.token(assertion={"lifetime": 90})
    machine.token(assertion={"lifetime": 120})
    found = report(sts)
    assert check(found, "T5")["status"] == check(found, "SP-07")["status"] == "broken"
    assert check(found, "T5")["level"] == "must"
    broken = rule(found, "T5", "client-assertion.lifetime")
    assert broken["broken"] == 2
    entry = sts.journal(limit="1")[0]
    assert broken["entry"] == entry["id"]
    assert broken["url"] == f"{sts.issuer}/mock/journal/{entry['id']}"
    assert "120" in broken["observed"]
    assert sts.get(f"/mock/journal/{entry['id']}").status == 200
    assert found["conclusion"] == "broken"


@pytest.mark.covers("conformance.report")
def test_a_breach_of_a_recommendation_is_one(sts: Emulator, machine: Machine) -> None:
    machine.token(assertion={"header": {"kid": ABSENT}})
    found = report(sts)
    assert check(found, "T3")["status"] == "broken"
    assert check(found, "T3")["level"] == "should"
    assert found["conclusion"] == "not-all-seen"
    assert failures(found, "must") == []
    assert len(failures(found, "should")) == 1


@pytest.mark.covers("conformance.never-exercised")
def test_a_client_that_did_nothing_is_not_met(sts: Emulator) -> None:
    sts.client(**WEB)
    found = report(sts)
    # The registration alone is there to be judged.
    assert statuses(found, "met") == {"T7", "SP-04", "SP-37"}
    assert check(found, "T9")["status"] == "never-exercised"
    assert check(found, "T9")["why"] == "log a person in"
    assert found["conclusion"] == "not-all-seen"
    assert failures(found, "must") == ["the journal has no request of this client, so nothing was judged"]


@pytest.mark.covers("conformance.trimmed")
def test_a_journal_that_has_lost_entries_is_never_met(worlds: Worlds) -> None:
    sts = worlds.make(journal_size=3)
    machine = sts.client()
    for _ in range(70):
        assert machine.token().status == 200
    found = report(sts)
    assert found["journal"]["trimmed"] is True
    assert found["conclusion"] in ("incomplete", "broken")
    assert any("MOCK_STS_JOURNAL_SIZE" in why for why in failures(found, "must"))


@pytest.mark.covers("conformance.trimmed")
def test_a_span_that_the_journal_has_whole_is_complete(worlds: Worlds) -> None:
    sts = worlds.make(journal_size=3)
    machine = sts.client()
    for _ in range(70):
        assert machine.token().status == 200
    sts.clock.advance(3600)
    machine.learn_nonce()
    assert machine.token().status == 200
    found = report(sts, query="?since=" + _iso(sts, -10))
    assert found["journal"] == {**found["journal"], "entries": 1, "trimmed": False}


def _iso(sts: Emulator, seconds: int) -> str:
    from mock_sts.protocol.durations import write_time

    return write_time(sts.clock.wall + seconds)


@pytest.mark.covers("conformance.span")
def test_only_requests_of_the_span_count(sts: Emulator, machine: Machine) -> None:
    machine.token(assertion={"lifetime": 90})
    sts.clock.advance(3600)
    machine.learn_nonce()
    machine.token()
    assert check(report(sts), "T5")["status"] == "broken"
    assert check(report(sts, query="?since=" + _iso(sts, -60)), "T5")["status"] == "met"
    assert check(report(sts, query="?until=" + _iso(sts, -60)), "T5")["status"] == "broken"


@pytest.mark.covers("conformance.departures")
def test_accepted_breaches_are_shown_as_such_with_their_reason(sts: Emulator, machine: Machine) -> None:
    machine.token(assertion={"lifetime": 90})
    departures = [
        {"of": "t5", "reason": "our signing service takes a minute"},
        {"of": "client-assertion.lifetime", "reason": "the same"},
        {"of": "T16", "reason": "not needed"},
    ]
    found = Control(sts.transport).ask("POST", "/clients/machine/report", {"departures": departures})
    assert check(found, "T5")["status"] == "accepted"
    # One rule of it is accepted, and another, a recommendation, is not.
    assert (check(found, "SP-07")["status"], check(found, "SP-07")["level"]) == ("broken", "should")
    assert rule(found, "SP-07", "client-assertion.lifetime")["reason"] == "the same"
    assert check(found, "T5")["reason"] == "our signing service takes a minute"
    assert found["unused_departures"] == ["T16"]
    assert found["summary"]["broken_musts"] == 0
    assert failures(found, "must") == []


@pytest.mark.covers("conformance.bad-input")
@pytest.mark.parametrize(
    ("departures", "says"),
    [
        ([{"of": "T5"}], "'reason' must say why T5 is accepted"),
        ([{"of": "T5", "reason": " "}], "'reason' must say why"),
        ([{"of": "T98", "reason": "x"}], "no check and no rule has the id 'T98'"),
        ([{"of": "dpop.nonse", "reason": "x"}], "dpop.nonce"),
        ([{"of": "T5", "reason": "x", "until": "y"}], "no member 'until'"),
        ([{"of": "T5", "reason": "x"}, {"of": "t5", "reason": "y"}], "stands there twice"),
        (["T5"], "expected a mapping"),
    ],
)
def test_departures_that_cannot_be_read_are_named(sts: Emulator, departures: object, says: str) -> None:
    sts.client()
    status, sentence = Control(sts.transport).refused("POST", "/clients/machine/report", {"departures": departures})
    assert status == 400
    assert says in sentence


@pytest.mark.covers("conformance.bad-input")
@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/clients/nobody/report", 404, "no client is registered here with the client_id 'nobody'"),
        ("/clients/machine/report?since=yesterday", 400, "since is 'yesterday', but must be a time with its offset"),
        ("/clients/machine/report?since=2027-01-02T00:00:00Z&until=2027-01-01T00:00:00Z", 400, "before since"),
        ("/clients/machine/report?sinse=x", 400, "sinse"),
    ],
)
def test_wrong_input_is_refused_with_a_sentence(sts: Emulator, path: str, status: int, says: str) -> None:
    sts.client()
    found, sentence = Control(sts.transport).refused("GET", path)
    assert (found, says in sentence) == (status, True), sentence


@pytest.mark.covers("conformance.conduct")
def test_a_token_that_is_fetched_anew_too_early_is_seen(sts: Emulator, machine: Machine) -> None:
    assert machine.token().status == 200
    assert check(report(sts), "T20")["status"] == "never-exercised"
    sts.clock.advance(120)
    machine.learn_nonce()
    assert machine.token().status == 200
    found = report(sts)
    assert check(found, "T20")["status"] == "broken"
    assert "seconds of the one before were left" in rule(found, "T20", "conduct.token-kept")["observed"]


@pytest.mark.covers("conformance.conduct")
def test_values_that_come_again_are_seen(sts: Emulator) -> None:
    rp = RelyingParty(sts.client(**WEB), scopes="openid profile offline_access")
    login = Login()
    for _ in range(2):
        tokens = rp.redeem(login, rp.log_in(login)["code"])
        assert tokens.status == 200, tokens.content
    found = report(sts)
    assert {"T12", "T13", "SP-12", "SP-16"} <= statuses(found, "broken")
    for name in ("state", "nonce"):
        assert rule(found, "T13", f"conduct.fresh-{name}")["broken"] == 1
    assert "the same as in entry" in rule(found, "T12", "conduct.fresh-verifier")["observed"]
    # The values themselves are nowhere.
    text = str(sts.journal())
    assert login.state not in text
    assert login.nonce not in text


@pytest.mark.covers("conformance.conduct")
def test_a_new_login_with_new_values_is_met_and_refreshes_with_the_newest_token(sts: Emulator) -> None:
    rp = RelyingParty(sts.client(**WEB), scopes="openid profile offline_access")
    tokens = rp.tokens().json
    rp.tokens()
    sts.clock.advance(550)
    rp.machine.learn_nonce()
    again = rp.refresh(tokens["refresh_token"]).json
    found = report(sts)
    assert {"T12", "T13", "T23", "SP-33", "T20"} <= statuses(found, "met")
    sts.clock.advance(550)
    rp.machine.learn_nonce()
    assert rp.refresh(tokens["refresh_token"]).status == 400
    found = report(sts)
    assert rule(found, "T23", "conduct.newest-refresh-token")["broken"] == 1
    assert again["refresh_token"] not in str(sts.journal())


@pytest.mark.covers("conformance.conduct")
def test_an_older_token_is_seen_where_it_may_be_reused(sts: Emulator) -> None:
    rp = RelyingParty(sts.client(**WEB, refresh_token_usage="Reusable"), scopes="openid profile offline_access")
    tokens = rp.tokens().json
    for _ in range(2):
        assert rp.refresh(tokens["refresh_token"]).status == 200
    assert rule(report(sts), "T23", "conduct.newest-refresh-token")["broken"] == 0


@pytest.mark.covers("conformance.conduct")
def test_secrets_in_an_address_are_seen_by_name_alone(sts: Emulator, machine: Machine) -> None:
    machine.learn_nonce()
    form = machine.form(machine.assertion())
    path = f"/connect/token?client_assertion={form['client_assertion']}"
    answer = machine.post(form, proof=machine.proof(), path=path)
    assert answer.status == 200
    found = report(sts)
    assert check(found, "T24")["status"] == "broken"
    assert rule(found, "T24", "conduct.nothing-in-url")["observed"] == "client_assertion in the address"
    assert form["client_assertion"] not in str(sts.journal())


@pytest.mark.covers("conformance.faulted")
def test_what_this_server_spoiled_on_order_does_not_count(sts: Emulator, machine: Machine) -> None:
    control = Control(sts.transport)
    machine.learn_nonce()
    order = {"match": {"endpoint": "token"}, "times": 1, "effect": {"oauth_error": "temporarily_unavailable"}}
    control.ask("POST", "/faults", order)
    assert machine.token(assertion={"lifetime": 90}).error == "temporarily_unavailable"
    machine.token()
    found = report(sts)
    assert (found["journal"]["entries"], found["journal"]["faulted"]) == (1, 1)
    assert check(found, "T5")["status"] == "met"
    # One that is answered, and spoiled after that.
    control.ask("POST", "/faults", {**order, "effect": {"token_type": "Bearer"}})
    machine.token(assertion={"lifetime": 90})
    found = report(sts)
    assert (found["journal"]["entries"], found["journal"]["faulted"]) == (1, 2)
    assert check(found, "T5")["status"] == "met"
