"""The setting explain, and the member of a registration: error_description tells rule and remedy, where HelseID's own
words stand first; off, nothing changes.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mock_sts.cli.main import main
from mock_sts.helseid.profile import find
from mock_sts.protocol.errors import printable
from mock_sts.server.banner import banner
from mock_sts.settings.settings import SettingError
from tests.helseid.test_requirements import CASES, machine_for
from tests.journeys.test_authorization_code import register_web
from tests.support.emulator import LiveServer, Worlds, settings_for
from tests.support.environments import neighbour, root_of
from tests.support.keys import private_jwk
from tests.support.machine import Answer
from tests.support.relying_party import Login, RelyingParty, first_form

#: RFC 6749 section 5.2.
ALLOWED = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")

#: Every breach that some enforcement refuses, with one that does.
REFUSED = [
    (rule, mode)
    for rule, case in CASES.items()
    for mode in next(([mode] for mode in ("helseid", "strict", "fapi2") if case.outcome(mode) == "refused"), [])
]


def description_of(answer: Answer) -> str | None:
    """What a caller hears: in JSON, in a challenge, or in a redirect; None for one that ends on a page."""
    if answer.status in (401, 403):
        found = re.search(r'error_description="([^"]*)"', answer.headers["www-authenticate"])
        return found[1] if found else ""
    if answer.status == 303:
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        return query.get("error_description", [""])[0] if "error" in query else None
    return answer.description or ""


@pytest.mark.covers("errors.explain")
@pytest.mark.parametrize(("rule", "mode"), REFUSED)
def test_every_refusal_tells_its_rule_and_remedy_behind_what_helseid_says(worlds: Worlds, rule: str, mode: str) -> None:
    case, heard, named = CASES[rule], [], ""
    for explain in ("off", "description"):
        sts = worlds.make(enforcement=mode, explain=explain, **case.settings)
        answer = case.breach(machine_for(sts, case))
        heard.append(description_of(answer))
        named = answer.rule or ""
    off, told = heard
    if told is None:
        assert off is None, "what ends on a page is told there"
        return
    assert off is not None and told.startswith(off)
    broken = find(named)
    assert broken is not None
    behind = told.removeprefix(off).lstrip()
    assert behind.startswith(f"Rule {broken.id}: {printable(broken.title)[:40]}"), told
    assert f"Remedy: {printable(broken.remedy).rstrip('.')}." in behind
    assert "Source:" not in behind
    assert ALLOWED.fullmatch(told), "only what RFC 6749 lets stand there"


@pytest.mark.covers("errors.explain.member")
@pytest.mark.parametrize("server", ["off", "description"])
@pytest.mark.parametrize("own", [None, "off", "description"])
def test_a_client_may_have_its_own(worlds: Worlds, server: str, own: str | None) -> None:
    """Also one that could not show who it is, where it is named."""
    sts = worlds.make(explain=server)
    members: dict[str, Any] = {"explain": own} if own else {}
    machine = sts.client("mine", **members)
    wrong = machine.token(assertion={"jwk": private_jwk("ES256", 8)})
    nothing = machine.post({"client_id": "mine", "grant_type": "client_credentials"})
    stranger = machine.post({"client_id": "nobody", "grant_type": "client_credentials"})
    for answer, asked in ((wrong, own or server), (nothing, own or server), (stranger, server)):
        assert answer.error == "invalid_client"
        assert ("Remedy: " in (answer.description or "")) is (asked == "description")


@pytest.mark.covers("errors.explain.member", "environments.policy")
@pytest.mark.parametrize("server", ["off", "description"])
@pytest.mark.parametrize("own", ["off", "description"])
def test_an_environment_may_have_its_own(worlds: Worlds, server: str, own: str) -> None:
    sts = worlds.make(explain=server)
    sides = ((root_of(sts), server), (neighbour(sts, "w1", explain=own), own))
    for side, asked in sides:
        wrong = side.client("mine").token(assertion={"jwk": private_jwk("ES256", 8)})
        assert (wrong.error, "Remedy: " in (wrong.description or "")) == ("invalid_client", asked == "description")


@pytest.mark.covers("errors.explain")
def test_a_challenge_gets_no_text(worlds: Worlds) -> None:
    sts = worlds.make(explain="description")
    machines = [sts.client(), worlds.make().client()]
    answers = [machine.post(machine.form(machine.assertion()), proof=machine.proof()) for machine in machines]
    assert [answer.error for answer in answers] == ["use_dpop_nonce"] * 2
    assert answers[0].json == answers[1].json


@pytest.mark.covers("errors.explain")
@pytest.mark.parametrize(("rule", "mode"), [(rule, mode) for rule, mode in REFUSED if CASES[rule].says[:4] == "HID-"])
def test_codes_of_details_stay_first(worlds: Worlds, rule: str, mode: str) -> None:
    case = CASES[rule]
    sts = worlds.make(explain="description", enforcement=mode, **case.settings)
    told = case.breach(machine_for(sts, case)).description or ""
    assert told.startswith(f"{printable(case.says)} Rule {rule}: ") and "Remedy: " in told


@pytest.mark.covers("errors.explain")
@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"prompt": "none"}, "Remedy: ask again without prompt=none"),
        ({"test_pid": "abc"}, "test_pid must be eleven digits"),
    ],
)
def test_the_error_that_a_redirect_carries_tells_it_too(
    worlds: Worlds, mode: str, asked: dict[str, str], told: str
) -> None:
    heard = []
    for explain in ("off", "description"):
        rp: RelyingParty = register_web(worlds.make(explain=explain))
        path = rp.authorize_path(rp.push(Login(), {**asked, "response_mode": mode}).json["request_uri"])
        answer = rp.browser().send("GET", path)
        if mode == "query":
            heard.append(description_of(answer) or "")
        else:
            heard.append(first_form(answer.content.decode())[1].get("error_description", ""))
    assert heard[1].startswith(heard[0]) and told in heard[1] and ALLOWED.fullmatch(heard[1])


@pytest.mark.covers("errors.explain")
def test_no_private_key_is_told(worlds: Worlds) -> None:
    key = private_jwk("ES256", 2)
    text = json.dumps({"kty": "EC", "d": key["d"]})
    sts = worlds.make(explain="description")
    machine = sts.client()
    answers = [
        machine.token(form={"grant_type": text}),
        machine.token(form={"scope": text.replace('"', "'")}),
        machine.token(proof={"header": {"jwk": key}}),
        register_web(sts).push(Login(), {"redirect_uri": text}),
    ]
    for answer in answers:
        assert answer.status == 400 and "Remedy: " in (answer.description or "")
        assert key["d"] not in answer.content.decode()


@pytest.mark.covers("errors.explain.setting")
def test_an_unknown_word_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="MOCK_STS_EXPLAIN is 'header', but must be one of off, description"):
        settings_for(tmp_path / "x.sqlite", explain="header")


@pytest.mark.covers("errors.explain.setting")
@pytest.mark.parametrize(
    ("explain", "shown", "found"),
    [
        ("off", "off; MOCK_STS_EXPLAIN=description tells callers why", "MOCK_STS_EXPLAIN=description adds rule"),
        ("description", "description", "error_description tells rule and remedy"),
    ],
)
def test_start_screen_and_doctor_name_it(
    worlds: Worlds,
    explain: str,
    shown: str,
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    live: LiveServer,
) -> None:
    server = worlds.make(explain=explain)
    assert f"  explain      {shown}" in banner(server.settings).splitlines()
    assert found in server.get("/mock/doctor").content.decode()
    monkeypatch.setenv("MOCK_STS_EXPLAIN", explain)
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{tmp_path}/none.sqlite")
    main(["doctor", "--from", live.issuer])
    assert found in capsys.readouterr().out
