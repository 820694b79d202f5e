"""Conformance sessions: an authority for one client, what they know more, and how they end."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.reading import check, rule, statuses
from tests.support.control import Control
from tests.support.emulator import Emulator, LiveServer, Worlds
from tests.support.environments import Side
from tests.support.keys import private_jwk
from tests.support.machine import Machine

GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Session:
    """A session of a server in the process."""

    def __init__(self, sts: Emulator | LiveServer, client_id: str = "machine", **order: Any) -> None:
        self.control = Control(sts.transport)
        self.state = self.control.ask("POST", "/conformance", {"client_id": client_id, **order})
        self.side = Side(sts, self.state["environment"])

    def ask(self, method: str, what: str = "", body: object = None) -> dict[str, Any]:
        found: dict[str, Any] = self.control.ask(method, f"/conformance/{self.state['id']}{what}", body)
        return found

    def result(self) -> dict[str, Any]:
        return self.ask("GET", "/result")

    def discover(self) -> None:
        assert self.side.get("/.well-known/openid-configuration").status == 200


@pytest.fixture(params=[False, True], ids=["below /env", "at the root"])
def session(request: pytest.FixtureRequest, sts: Emulator) -> Iterator[Session]:
    sts.client()
    yield Session(sts, at_root=request.param)


def machine_in(session: Session) -> Machine:
    return session.side.machine("machine", private_jwk("ES256", 1))


@pytest.mark.covers("conformance.session")
def test_the_authority_is_the_only_one_and_everything_lies_below_it(session: Session, sts: Emulator) -> None:
    authority, session_id = session.state["authority"], session.state["id"]
    at_root = session.state["environment"] != session_id
    assert authority == f"{sts.issuer}{'' if at_root else '/env'}/{session_id}"
    assert re.fullmatch(GUID, session_id)
    metadata = session.side.get("/.well-known/openid-configuration").json
    assert metadata["issuer"] == authority
    assert all(value.startswith(f"{authority}/") for name, value in metadata.items() if name.endswith("_endpoint"))
    answer = machine_in(session).token()
    assert answer.status == 200
    assert answer.claims["iss"] == authority
    # Neither is good at the other.
    assert sts.machine("machine", private_jwk("ES256", 1)).token(assertion={"claims": {"aud": authority}}).status == 400
    assert machine_in(session).token(assertion={"claims": {"aud": sts.issuer}}).status == 400


@pytest.mark.covers("conformance.session")
def test_fetches_of_metadata_are_the_clients(session: Session, sts: Emulator) -> None:
    machine = machine_in(session)
    machine.meet_challenge()
    for _ in range(2):
        assert machine.token().status == 200
    found = session.result()
    assert found["session"] == session.state["id"]
    assert check(found, "T19")["status"] == "broken"
    assert rule(found, "T19", "span.metadata-used")["observed"] == "2 calls, and no fetch"
    session.discover()
    assert session.side.get("/.well-known/openid-configuration/jwks").status == 200
    assert {"T19", "SP-22"} <= statuses(session.result(), "met")
    for _ in range(3):
        session.discover()
    found = session.result()
    assert rule(found, "T19", "span.metadata-kept")["observed"] == "4 fetches of metadata for 2 calls"
    # The ordinary report of the environment knows it too, for this client.
    own = Control(session.side.transport).ask("GET", "/clients/machine/report")
    assert own["session"] == session.state["id"]
    # Those of others are no business of the session.
    assert sts.get("/.well-known/openid-configuration").status == 200
    assert not any(entry["endpoint"].startswith("/.well-known") for entry in sts.journal())


@pytest.mark.covers("conformance.session")
def test_a_refusal_names_the_rule_and_the_checks(session: Session) -> None:
    answer = machine_in(session).token(assertion={"claims": {"aud": "https://elsewhere.example"}})
    assert answer.status == 400
    assert "Rule client-assertion.audience: " in (answer.description or "")
    assert (answer.description or "").endswith("Checks: T4, SP-05.")


@pytest.mark.covers("conformance.session.end")
def test_an_ended_session_answers_no_client_and_keeps_its_result(session: Session) -> None:
    machine = machine_in(session)
    assert machine.token().status == 200
    ended = session.ask("POST", "/end")
    assert (ended["running"], ended["ended_at"] is None) == (False, False)
    for path in ("/.well-known/openid-configuration", "/connect/authorize", "/Account/Login"):
        answer = session.side.get(path)
        assert answer.status == 404, path
        assert b"has ended" in answer.content
    assert machine.post(machine.form(machine.assertion())).status == 404
    assert check(session.result(), "T4")["status"] == "met"
    assert session.result()["journal"]["entries"] == 1
    assert session.side.get("/mock/api/v1/journal").status == 200
    status, sentence = session.control.refused("POST", f"/conformance/{session.state['id']}/end")
    assert (status, "has ended already; a reset begins it anew" in sentence) == (409, True)


@pytest.mark.covers("conformance.session.end")
def test_a_reset_forgets_what_was_seen_and_begins_anew(session: Session, sts: Emulator) -> None:
    machine = machine_in(session)
    assert machine.token(assertion={"lifetime": 90}).status == 200
    assert check(session.result(), "T5")["status"] == "broken"
    session.ask("POST", "/end")
    sts.clock.advance(60)
    again = session.ask("POST", "/reset")
    assert again["running"]
    assert again["started_at"] > session.state["started_at"]
    assert session.result()["journal"]["entries"] == 0
    machine.learn_nonce()
    assert machine.token().status == 200
    assert check(session.result(), "T5")["status"] == "met"


@pytest.mark.covers("conformance.session")
def test_what_was_registered_at_run_time_is_there_and_the_settings_count(sts: Emulator) -> None:
    sts.client("mine", jwk=private_jwk("ES256", 7))
    session = Session(sts, "mine", settings={"access_token_lifetime": 60})
    answer = session.side.machine("mine", private_jwk("ES256", 7)).token()
    assert answer.status == 200
    assert answer.json["expires_in"] == 60


@pytest.mark.covers("conformance.session")
def test_sessions_are_listed_and_do_not_meet(sts: Emulator) -> None:
    sts.client()
    one, other = Session(sts), Session(sts, at_root=True)
    assert machine_in(one).token().status == 200
    assert one.result()["journal"]["entries"] == 1
    assert other.result()["journal"]["entries"] == 0
    listed = Control(sts.transport).ask("GET", "/conformance")["items"]
    assert {item["id"] for item in listed} >= {one.state["id"], other.state["id"]}
    assert one.ask("GET") == one.state


@pytest.mark.covers("conformance.departures")
def test_a_session_keeps_its_departures(sts: Emulator) -> None:
    sts.client()
    session = Session(sts, departures=[{"of": "T5", "reason": "a slow signing service"}])
    assert machine_in(session).token(assertion={"lifetime": 90}).status == 200
    assert check(session.result(), "T5")["reason"] == "a slow signing service"
    other = session.ask("POST", "/result", {"departures": []})
    assert check(other, "T5")["status"] == "broken"


@pytest.mark.covers("conformance.bad-input")
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/conformance", {"client_id": "nothing"}, 404, "no client is registered here with the client_id"),
        ("POST", "/conformance", {}, 400, "client_id"),
        ("POST", "/conformance", {"client_id": "machine", "settings": {"port": 1}}, 400, "port"),
        ("POST", "/conformance", {"client_id": "machine", "settings": {"explain": "loudly"}}, 400, "explain"),
        ("POST", "/conformance", {"client_id": "machine", "departures": [{"of": "T5"}]}, 400, "'reason'"),
        ("GET", "/conformance/nothing/result", None, 404, "no conformance session has the id 'nothing'"),
        ("POST", "/conformance/nothing/end", None, 404, "no conformance session has the id 'nothing'"),
        ("POST", "/conformance/default/reset", None, 404, "no conformance session has the id 'default'"),
    ],
)
def test_wrong_orders_are_refused(sts: Emulator, method: str, path: str, body: object, status: int, says: str) -> None:
    sts.client()
    found, sentence = Control(sts.transport).refused(method, path, body)
    assert (found, says in sentence) == (status, True), sentence


@pytest.mark.covers("conformance.session")
def test_a_path_that_only_looks_like_a_session_is_none(sts: Emulator) -> None:
    answer = sts.get("/00000000-0000-4000-8000-000000000000/.well-known/openid-configuration")
    assert answer.status == 404
    assert b"no environment is called" in answer.content


@pytest.mark.covers("conformance.session")
def test_below_a_public_url_with_a_path_too(worlds: Worlds) -> None:
    sts = worlds.make(public_url="http://localhost:8080/helseid")
    sts.client()
    session = Session(sts, at_root=True)
    assert session.state["authority"] == f"http://localhost:8080/helseid/{session.state['id']}"
    metadata = session.side.get("/.well-known/openid-configuration").json
    assert metadata["issuer"] == session.state["authority"]


@pytest.mark.covers("conformance.session")
def test_the_metadata_of_rfc_8414_have_the_issuer_at_their_end(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="fapi2")
    sts.client()
    session = Session(sts, at_root=True)
    answer = sts.get(f"/.well-known/oauth-authorization-server/{session.state['id']}")
    assert answer.json["issuer"] == session.state["authority"]
