"""One login with all that came of it is one flow in the journal, and each refusal leads to its explanation."""

from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.relying_party import PERSON, Login, RelyingParty, web_client


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web_client(sts)


def entries(sts: Emulator, **query: str) -> list[dict[str, Any]]:
    """The oldest first."""
    return sts.journal(**query)[::-1]


def endpoints(found: list[dict[str, Any]]) -> list[str]:
    return [entry["endpoint"] for entry in found]


@pytest.mark.covers("journal.flow")
def test_a_login_is_one_flow_from_pushed_request_to_logout(sts: Emulator, rp: RelyingParty) -> None:
    for _ in range(2):  # two logins stay apart
        browser, login = rp.browser(), Login()
        code = rp.log_in(login, browser=browser)["code"]
        tokens = rp.redeem(login, code).json
        refreshed = rp.refresh(tokens["refresh_token"]).json
        assert rp.user_info(refreshed["access_token"]).status == 200
        assert browser.send("GET", f"/connect/endsession?id_token_hint={tokens['id_token']}").status == 200
    flows = list(dict.fromkeys(entry["flow"] for entry in entries(sts) if entry["flow"]))
    assert len(flows) == 2
    for flow in flows:
        found = entries(sts, flow=flow)
        assert endpoints(found) == [
            "/connect/par",
            "/connect/authorize",
            "/connect/token",
            "/connect/token",
            "/connect/userinfo",
            "/connect/endsession",
        ]
        assert {entry["pid"] for entry in found if entry["pid"]} == {PERSON}
        assert len({entry["sid"] for entry in found[1:]}) == 1
        assert all(entry["micros"] > 0 for entry in found)
    assert entries(sts, flow=flows[0].lower()) == entries(sts, flow=flows[0])
    assert endpoints(entries(sts, flow=flows[0], endpoint="token")) == ["/connect/token"] * 2


@pytest.mark.covers("journal.flow")
def test_a_login_on_pages_and_a_refused_code_belong_to_the_flow(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    rp.log_in(login)
    (flow,) = {entry["flow"] for entry in entries(sts) if entry["flow"]}
    found = sts.journal(endpoint="authorize")[0]
    assert found["flow"] == flow
    assert rp.redeem(login, "0" * 64 + "-1").error == "invalid_grant"
    assert sts.journal(endpoint="token", outcome="refused")[0]["flow"] not in (flow, None)


@pytest.mark.covers("journal.filters")
def test_the_journal_is_asked_by_what_it_tells(sts: Emulator, rp: RelyingParty) -> None:
    rp.tokens()
    machine = sts.client("machine")
    assert machine.token(form={"scope": "test:api/unknown"}).error == "invalid_scope"
    newest = sts.journal()[0]
    assert (newest["error"], newest["pid"], newest["sid"]) == ("invalid_scope", None, None)
    assert sts.journal(error="invalid_scope") == [newest]
    assert sts.journal(broken=newest["rule"]) == [newest] == sts.journal(rule=newest["rule"])
    assert sts.journal(faulted="true") == [] and newest in sts.journal(faulted="false")
    assert sts.journal(after=str(newest["id"] - 1)) == [newest]
    assert {entry["client_id"] for entry in sts.journal(persona=PERSON)} == {"web"}
    assert sts.journal(since="2100-01-01T00:00:00Z") == [] == sts.journal(until="2001-01-01T00:00:00Z")
    assert sts.journal(endpoint="/connect/par") == sts.journal(endpoint="par") != []


@pytest.mark.covers("journal.filters")
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("endpoint=tokn", "no endpoint is called 'tokn'"),
        ("flow=1", "16 hexadecimal digits"),
        ("broken=dpop.nonse", "near are dpop.nonce"),
        ("since=yesterday", "since is 'yesterday', but must be"),
        ("since=2027-01-01T00:00:00Z&until=2026-01-01T00:00:00Z", "before since"),
        ("persona=nn", "nn"),
    ],
)
def test_a_filter_that_means_nothing_is_named(sts: Emulator, query: str, says: str) -> None:
    answer = sts.get(f"/mock/api/v1/journal?{query}")
    assert answer.status == 400 and says in answer.json["detail"]
    assert answer.json["parameter"] == query.rpartition("&")[2].partition("=")[0]


@pytest.mark.covers("journal.explained")
def test_every_refusal_leads_to_the_page_that_explains_it(sts: Emulator, rp: RelyingParty) -> None:
    machine = sts.client("machine")
    refused = [
        machine.token(form={"scope": "test:api/unknown"}),
        machine.token(form={"grant_type": "password"}),
        rp.push(Login(), {"redirect_uri": "http://localhost:1/other"}),
        rp.user_info("no token"),
        rp.browser().send("GET", "/connect/authorize?client_id=nn"),
    ]
    for answer in refused:
        explained = answer.headers["mock-sts-explain"]
        newest = explained.rpartition("/")[2]
        assert explained == f"{sts.issuer}/mock/journal/{newest}"
        (entry,) = sts.journal(before=str(int(newest) + 1), limit="1")
        assert entry["rule"] == answer.rule
        page = sts.get(f"/mock/journal/{newest}").content.decode()
        assert not answer.rule or answer.rule in page
