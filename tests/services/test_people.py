"""Who people are: pseudonyms, invented people, and people who may not log in."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from mock_sts.helseid.registry.persona import Persona
from mock_sts.services.registry.people import UnknownPersonError, sub_of
from mock_sts.store.catalog import MADE, put_entry
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import decode
from tests.support.relying_party import REDIRECT_URI, SCOPES, Login, RelyingParty

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

#: Made with ``openssl dgst -sha256 -mac HMAC``, not with this program.
SUBS = {
    "06828399789": "VKgcaf6KyHduD/Qg60WTChZlbptSU2UpPyr2Pgsskto=",
    "15849197352": "2LbMrEUZ4XeDVozi5MvGy7RKN6RulEDdbE2z3Fif34A=",
    "05898597468": "avpPhMfg+pXfvuWNmyW112N4QdjED1SUgTEnq2T6UZk=",
    "01815012345": "pK1+/oU4+mGo/4Ea230hMLVmrp/UFERMSvN6SPZmR/I=",
}

#: In the series of Skatteetaten's test population (month + 80), but in no fixture.
NOBODY = "01815012345"


def register_web(sts: Emulator) -> RelyingParty:
    return RelyingParty(
        sts.client(
            "web",
            grant_types=["authorization_code", "refresh_token"],
            scope=SCOPES,
            redirect_uris=[REDIRECT_URI],
        )
    )


def put_persona(sts: Emulator, **members: object) -> None:
    document = {"given_name": "GAMMEL", "family_name": "UTGAVE", **members}
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)


def id_token(rp: RelyingParty, pid: str) -> dict[str, object]:
    return decode(rp.tokens({"test_pid": pid}).json["id_token"])[1]


@pytest.mark.covers("people.sub")
@pytest.mark.parametrize(("pid", "sub"), SUBS.items())
def test_sub_is_the_hmac_of_the_pid_under_the_published_key(pid: str, sub: str) -> None:
    key = bytes.fromhex(json.loads((FIXTURES / "keys" / "pseudonym-key.json").read_text(encoding="utf-8"))["key"])
    assert base64.b64encode(hmac.new(key, pid.encode("ascii"), hashlib.sha256).digest()).decode("ascii") == sub
    assert sub_of(pid) == sub
    assert len(sub) == 44


@pytest.mark.covers("people.sub")
def test_sub_does_not_depend_on_the_issuer_or_the_database(worlds: Worlds) -> None:
    emulators = worlds.make(), worlds.make(public_url="https://sts.example")
    assert [id_token(register_web(sts), NOBODY)["sub"] for sts in emulators] == [SUBS[NOBODY]] * 2


@pytest.mark.covers("people.invented")
def test_an_unknown_pid_is_a_person_with_a_name_that_never_changes(worlds: Worlds) -> None:
    first, second = worlds.make(), worlds.make()
    one = id_token(register_web(first), NOBODY)
    assert one["helseid://claims/identity/pid"] == NOBODY
    assert (one["given_name"], one["middle_name"], one["family_name"]) == ("STEINAR", "", "MARTINSEN")
    assert one["name"] == "STEINAR MARTINSEN"
    assert "helseid://claims/hpr/hpr_number" not in one
    names = ("name", "given_name", "middle_name", "family_name", "sub")
    two = id_token(register_web(second), NOBODY)
    assert [one[name] for name in names] == [two[name] for name in names]


@pytest.mark.covers("people.invented")
def test_invented_people_differ(sts: Emulator) -> None:
    known = json.loads((FIXTURES / "names.generated.json").read_text(encoding="utf-8"))
    names = set()
    for number in range(20):
        persona = sts.sts.people.find(f"018150{number:05}", invent=True)
        assert persona.given_name in known["given_names"]
        assert persona.family_name in known["family_names"]
        names.add((persona.given_name, persona.family_name))
    assert len(names) > 10


@pytest.mark.covers("people.invented.refused")
def test_nobody_is_invented_where_the_setting_forbids_it(worlds: Worlds) -> None:
    sts = worlds.make(invent_people=False)
    rp = register_web(sts)
    assert rp.log_in(Login(), {"test_pid": NOBODY})["error"] == "access_denied"
    assert "code" in rp.log_in(Login(), {"test_pid": "06828399789"})


@pytest.mark.covers("people.superseded")
@pytest.mark.parametrize("invent", [True, False])
def test_a_pid_that_was_replaced_can_no_longer_log_in(worlds: Worlds, invent: bool) -> None:
    sts = worlds.make(invent_people=invent)
    put_persona(sts, pid=NOBODY, superseded_by="06828399789")
    answer = register_web(sts).log_in(Login(), {"test_pid": NOBODY})
    assert answer["error"] == "access_denied"
    assert "06828399789" in answer["error_description"]
    with pytest.raises(UnknownPersonError, match="06828399789"):
        sts.sts.people.find(NOBODY, invent=invent)


@pytest.mark.covers("people.superseded.later")
def test_a_pid_that_is_replaced_later_gets_no_more_tokens(sts: Emulator) -> None:
    rp = register_web(sts)
    tokens = rp.tokens({"test_pid": NOBODY}).json
    put_persona(sts, pid=NOBODY, superseded_by="06828399789")
    answer = rp.refresh(tokens["refresh_token"])
    assert (answer.status, answer.json) == (400, {"error": "invalid_grant"})
    assert rp.user_info(tokens["access_token"]).status == 401


@pytest.mark.covers("people.names")
@pytest.mark.parametrize(
    ("middle", "name"), [("", "GAMMEL UTGAVE"), ("AV", "GAMMEL AV UTGAVE")], ids=["without", "with"]
)
def test_the_name_is_made_of_its_parts(sts: Emulator, middle: str, name: str) -> None:
    put_persona(sts, pid=NOBODY, middle_name=middle)
    claims = id_token(register_web(sts), NOBODY)
    assert (claims["name"], claims["middle_name"]) == (name, middle)
