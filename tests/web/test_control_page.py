"""The page of test control."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.control import Control
from tests.support.databases import copy_database, remove_database
from tests.support.emulator import Emulator, settings_for, shipped_database
from tests.support.machine import Answer

PATH = "/mock/control"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    path = tmp_path_factory.mktemp("control") / "world.sqlite"
    copy_database(shipped_database(), path)
    made = Emulator(settings_for(path))
    yield made
    made.close()
    remove_database(path)


@pytest.fixture
def control(emulator: Emulator) -> Control:
    return Control(emulator.transport)


def post(emulator: Emulator, forged: bool = False, **fields: Any) -> Answer:
    shown = emulator.get(PATH)
    assert shown.status == 200
    token = re.search(r'name="__RequestVerificationToken" value="([^"]+)"', shown.content.decode())
    assert token is not None
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "; ".join(cookie.partition(";")[0] for cookie in shown.cookies),
    }
    body = {**fields, "__RequestVerificationToken": "forged" if forged else token[1]}
    return emulator.transport.send("POST", PATH, headers, urlencode(body).encode())


@pytest.mark.covers("pages.control")
def test_the_clock_is_moved_frozen_and_put_back(emulator: Emulator, control: Control) -> None:
    assert post(emulator, act="clock", move="advance", time="PT2H").status == 303
    assert control.ask("GET", "/clock")["offset"] == "PT2H"
    assert post(emulator, act="clock", move="freeze").status == 303
    assert control.ask("GET", "/clock")["frozen"] is True
    assert post(emulator, act="clock", move="go-on").status == 303
    assert control.ask("GET", "/clock")["frozen"] is False
    assert post(emulator, act="clock", move="reset").status == 303
    assert control.ask("GET", "/clock")["offset"] == "PT0S"


@pytest.mark.covers("pages.control")
@pytest.mark.parametrize(
    ("effect", "value", "ordered"),
    [
        ("oauth_error", "temporarily_unavailable", {"oauth_error": "temporarily_unavailable"}),
        ("status", "503", {"status": 503}),
        ("drop", "", {"drop": True}),
        ("id_token=expired", "", {"id_token": "expired"}),
        ("id_token=missing_claim", "nonce", {"id_token": "missing_claim", "claim": "nonce"}),
    ],
)
def test_a_fault_is_ordered_and_removed(
    emulator: Emulator, control: Control, effect: str, value: str, ordered: dict[str, object]
) -> None:
    answer = post(emulator, act="fault", effect=effect, value=value, client_id="demo-web", times="1")
    assert answer.status == 303, answer.content
    [rule] = control.ask("GET", "/faults")["items"]
    assert rule["effect"] == ordered
    assert rule["match"]["client_id"] == "demo-web"
    assert rule["remaining"] == 1
    assert post(emulator, act=f"end-fault {rule['id']}").status == 303
    assert control.ask("GET", "/faults")["items"] == []


@pytest.mark.covers("pages.control")
def test_a_login_is_ordered_and_forgotten(emulator: Emulator, control: Control) -> None:
    ordered = post(emulator, act="next-login", persona="gp-two-offices", outcome="success", client_id="demo-web")
    assert ordered.status == 303, ordered.content
    assert control.ask("GET", "/next-login")["orders"][0]["client_id"] == "demo-web"
    assert post(emulator, act="forget-logins").status == 303
    assert control.ask("GET", "/next-login")["orders"] == []


@pytest.mark.covers("pages.control")
def test_a_reset_empties_the_journal(emulator: Emulator, control: Control) -> None:
    assert emulator.get("/connect/authorize?client_id=none").status in (302, 303, 400)
    assert emulator.journal()
    assert post(emulator, act="reset").status == 303
    assert emulator.journal() == []


@pytest.mark.covers("pages.control")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"act": "clock", "move": "advance", "time": "two hours"}, "advance must be"),
        ({"act": "clock", "move": "jump", "time": "PT1H"}, "jump"),
        ({"act": "fault", "effect": "status", "value": "many"}, "effect.status"),
        ({"act": "fault", "effect": "id_token=none-such", "value": ""}, "none-such"),
        ({"act": "fault", "effect": "drop", "client_id": "<script>alert(1)</script>"}, "&lt;script&gt;"),
        ({"act": "next-login", "persona": "gp-two-ofices", "outcome": "success"}, "gp-two-offices"),
        ({"act": "end-fault f0"}, "no fault rule has the id"),
        ({"act": "something"}, "no form of this page says"),
    ],
)
def test_a_form_that_is_wrong_says_why(emulator: Emulator, control: Control, fields: dict[str, Any], said: str) -> None:
    answer = post(emulator, **fields)
    assert answer.status == 400
    text = answer.content.decode()
    assert 'data-testid="fault"' in text
    assert said in text
    assert "<script>alert" not in text
    assert control.ask("GET", "/faults")["items"] == []


@pytest.mark.covers("pages.control")
def test_a_form_of_another_browser_changes_nothing(emulator: Emulator, control: Control) -> None:
    answer = post(emulator, forged=True, act="clock", move="advance", time="PT2H")
    assert answer.status == 403
    assert 'data-testid="forged"' in answer.content.decode()
    assert control.ask("GET", "/clock")["offset"] == "PT0S"
