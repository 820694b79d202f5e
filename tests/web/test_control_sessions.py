"""Logins, tokens and what is pending by the control API; and the settings."""

import pytest

from tests.support.emulator import START, Emulator, Worlds
from tests.support.environments import Side, neighbour, root_of
from tests.support.relying_party import PERSON, Login, RelyingParty, answer_parameters, web_client
from tests.web.test_control import assert_problem
from tests.web.test_control_registry import all_of, call

API = "test:api"


def party(side: Side) -> RelyingParty:
    side.api(API, scopes=["test:api/read"])
    return web_client(side)


@pytest.mark.covers("control.sessions")
def test_a_session_is_seen_here_alone_and_ends(sts: Emulator) -> None:
    here, there = root_of(sts), neighbour(sts, "w1")
    rp, other = party(here), party(there)
    browser, others = rp.browser(), other.browser()
    login = Login()
    code = rp.log_in(login, {}, browser)["code"]
    assert rp.redeem(login, code).status == 200
    other.log_in(Login(), {}, others)
    (session,) = all_of(here.transport, "/sessions")
    assert session["pid"] == PERSON
    assert session["auth_time"] == session["began_at"] == START
    assert session["clients"] == ["web"]
    assert call(here.transport, "GET", f"/sessions/{session['sid']}").json == session
    assert_problem(call(there.transport, "GET", f"/sessions/{session['sid']}"), 404)
    assert_problem(call(there.transport, "DELETE", f"/sessions/{session['sid']}"), 404)
    assert call(here.transport, "DELETE", f"/sessions/{session['sid']}").json == {"front_channel": []}
    assert all_of(here.transport, "/sessions") == []
    assert len(all_of(there.transport, "/sessions")) == 1
    assert_problem(call(here.transport, "DELETE", f"/sessions/{session['sid']}"), 404)
    asked = rp.push(Login(), {"prompt": "none"}).json["request_uri"]
    answer = answer_parameters(browser.send("GET", rp.authorize_path(asked)))
    assert answer["error"] == "login_required"


@pytest.mark.covers("control.sessions")
def test_sessions_can_be_read_page_by_page(sts: Emulator) -> None:
    side = root_of(sts)
    rp = party(side)
    for _ in range(5):
        rp.log_in(Login(), {}, rp.browser())
    whole = all_of(side.transport, "/sessions")
    assert len(whole) == 5
    assert all_of(side.transport, "/sessions", 2) == whole


@pytest.mark.covers("control.tokens")
@pytest.mark.parametrize("how", ["refresh_token", "id"])
def test_one_refresh_token_expires_and_the_others_stay(sts: Emulator, how: str) -> None:
    side = root_of(sts)
    rp = party(side)
    first, second = rp.tokens().json["refresh_token"], rp.tokens().json["refresh_token"]
    listed = all_of(side.transport, "/refresh-tokens", 1)
    assert len(listed) == 2
    assert {one["client_id"] for one in listed} == {"web"}
    assert first not in str(listed)
    if how == "refresh_token":
        answer = call(side.transport, "POST", "/refresh-tokens/expire", {"refresh_token": first})
        spent, good = first, second
    else:
        answer = call(side.transport, "POST", "/refresh-tokens/expire", {"id": listed[0]["id"]})
        spent, good = (first, second) if rp.refresh(first).status == 400 else (second, None)
    assert answer.status == 200
    assert answer.json["id"] in {one["id"] for one in listed}
    assert rp.refresh(spent).error == "invalid_grant"
    assert sts.journal(limit="1")[0]["rule"] == "refresh.alive"
    assert good is None or rp.refresh(good).status == 200


@pytest.mark.covers("control.tokens")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"refresh_token": "x", "id": "0" * 64},
        {"id": "x"},
        {"id": 1},
        {"token": "x"},
    ],
    ids=str,
)
def test_a_refresh_token_must_be_named(sts: Emulator, body: dict[str, object]) -> None:
    assert_problem(call(sts.transport, "POST", "/refresh-tokens/expire", body), 400)


@pytest.mark.covers("control.tokens")
@pytest.mark.parametrize("body", [{"refresh_token": "unknown"}, {"id": "0" * 64}], ids=str)
def test_an_unknown_refresh_token_is_not_found(sts: Emulator, body: dict[str, object]) -> None:
    assert_problem(call(sts.transport, "POST", "/refresh-tokens/expire", body), 404)


@pytest.mark.covers("control.tokens")
def test_a_clients_tokens_are_taken_back_here_alone(sts: Emulator) -> None:
    here, there = root_of(sts), neighbour(sts, "w1")
    rp, other = party(here), party(there)
    tokens, others = rp.tokens().json, other.tokens().json
    assert call(here.transport, "POST", "/tokens/revoke", {"client_id": "web"}).json == {"logins": 1}
    assert rp.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert sts.journal(limit="1")[0]["rule"] == "refresh.not-revoked"
    assert rp.user_info(tokens["access_token"]).status == 401
    assert other.user_info(others["access_token"]).status == 200
    assert other.refresh(others["refresh_token"]).status == 200
    again = rp.tokens().json
    assert rp.refresh(again["refresh_token"]).status == 200
    assert_problem(call(here.transport, "POST", "/tokens/revoke", {"client_id": "unknown"}), 404)


@pytest.mark.covers("control.pending")
def test_what_is_pending_is_seen_until_it_is_used_or_over(sts: Emulator) -> None:
    here, there = root_of(sts), neighbour(sts, "w1")
    rp = party(here)
    login = Login()
    code = rp.log_in(login, {})["code"]
    rp.push(Login(), {})
    call(here.transport, "POST", "/next-login", {"outcome": "timeout", "times": 3})
    found = all_of(here.transport, "/pending")
    assert all_of(here.transport, "/pending", 1) == found
    assert [one["kind"] for one in found][:1] == ["code"]
    assert {one["kind"] for one in found} == {"code", "request", "scripted login"}
    assert found[0]["pid"] == PERSON
    assert found[-1]["expires_at"] is None
    assert code not in str(found)
    assert all_of(there.transport, "/pending") == []
    assert rp.redeem(login, code).status == 200
    assert "code" not in {one["kind"] for one in all_of(here.transport, "/pending")}
    sts.clock.advance(1_000)
    assert [one["kind"] for one in all_of(here.transport, "/pending")] == ["scripted login"]


@pytest.mark.covers("control.pending")
@pytest.mark.parametrize("path", ["/pending", "/refresh-tokens"])
@pytest.mark.parametrize("after", ["x", "code:x", "code:abc", "scripted login:", "scripted login:x", "zz:1", "%C3%B8"])
def test_an_after_that_no_page_gave_is_refused(sts: Emulator, path: str, after: str) -> None:
    assert_problem(call(sts.transport, "GET", f"{path}?after={after}"), 400)


@pytest.mark.covers("control.settings")
def test_the_settings_are_shown_without_secrets(worlds: Worlds) -> None:
    sts = worlds.make(admin_token="s3cret", code_lifetime=77)
    right = {"Authorization": "Bearer s3cret"}
    neighbour(sts, "w1", code_lifetime=5, enforcement="strict")
    shown = {}
    for path in ("/mock/api/v1/settings", "/env/w1/mock/api/v1/settings"):
        answer = sts.get(f"{path}?limit=1000", right)
        assert "s3cret" not in answer.content.decode()
        shown[path] = {one["name"]: (one["value"], one["own"]) for one in answer.json["items"]}
    root, below = shown.values()
    assert root["code_lifetime"] == ("77", False)
    assert below["code_lifetime"] == ("5", True)
    assert (root["enforcement"], below["enforcement"]) == (("helseid", False), ("strict", True))
    assert root["admin_token"] == ("•••", False)
    assert set(root) == set(below)
