"""Login pages show people first: found by what they are, with their own level and eID, and why one cannot log in."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from mock_sts.helseid.registry.persona import Persona
from mock_sts.services.registry.lookup import Wanted, find_personas
from mock_sts.store.catalog import MADE, put_entry
from tests.support.emulator import Emulator
from tests.support.logins import LEVEL, PID, begin, identity, page_of, web
from tests.support.machine import Answer
from tests.support.relying_party import PERSON, Browser, Login, RelyingParty

NURSE_OF_LEVEL_3 = "31818127149"


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


def put_person(sts: Emulator, pid: str, **members: Any) -> str:
    document = {"pid": pid, "given_name": "NY", "family_name": "SPURV", **members}
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)
    return pid


def opened(rp: RelyingParty, browser: Browser, login: Login, scheme: str, words: str, **changes: str) -> Answer:
    """The page of a provider with the people who are found by ``words``."""
    acr_values = f"idp:{scheme} {changes.pop('acr_values', '')}".strip()
    page = page_of(browser, begin(rp, login, browser, {"acr_values": acr_values, **changes}))
    return browser.send("GET", f"{browser.visited[-1]}&q={quote(words)}") if words else page


def press(browser: Browser, page: Answer, pid: str) -> Answer:
    """Press the button of a person: post the form in which it stands, with nothing else."""
    text = page.content.decode()
    form = re.search(r'<form id="people-form" method="post" action="([^"]*)">(.*?)</form>', text, re.DOTALL)
    assert form is not None and f'name="persona" value="{pid}"' in form[2], text
    token = re.search(r'name="__RequestVerificationToken" type="hidden" value="([^"]*)"', form[2])
    assert token is not None
    fields = {"__RequestVerificationToken": token[1], "persona": pid}
    return browser.follow(browser.send("POST", form[1].replace("&amp;", "&"), fields))


def people(page: Answer) -> list[str]:
    return re.findall(r'data-testid="person-(\d+)"', page.content.decode())


@pytest.mark.covers("login.people.words")
@pytest.mark.parametrize(
    ("norwegian", "english", "name"),
    [
        ("sykepleier", "nurse", "HALVHØY STIGE"),
        ("fastlege", "general practitioner", "FLITTIG BLEKKSPRUT"),
        ("psykiater", "psychiatrist", "DYPSINDIG MÅNESTEIN"),
        ("psykiatri", "psychiatry", "DYPSINDIG MÅNESTEIN"),
        ("Tannlege", "DENTIST", None),
        ("vernepleier", "social educator", None),
    ],
)
def test_people_are_found_by_what_they_are_in_both_languages(
    rp: RelyingParty, norwegian: str, english: str, name: str | None
) -> None:
    by_language = [opened(rp, rp.browser(), Login(), "testidp-oidc", words) for words in (norwegian, english)]
    assert people(by_language[0])
    for page in by_language:
        assert name is None or name in page.content.decode()
    assert f">{norwegian.lower()}<" in re.sub(r"</svg>", ">", by_language[0].content.decode()) or name is not None


@pytest.mark.covers("login.people.own-level")
def test_a_listed_person_logs_in_at_their_own_level(rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    page = opened(rp, browser, login, "testidp-oidc", NURSE_OF_LEVEL_3)
    found = identity(rp, login, press(browser, page, NURSE_OF_LEVEL_3))
    assert (found[PID], found[LEVEL]) == (NURSE_OF_LEVEL_3, "3")


@pytest.mark.covers("login.people.own-level")
def test_a_listed_person_logs_in_with_an_eid_of_their_own(sts: Emulator, rp: RelyingParty) -> None:
    pid = put_person(sts, "01819012345", eids=["buypass-mobile"])
    browser, login = rp.browser(), Login()
    page = opened(rp, browser, login, "buypass-oidc", pid)
    assert identity(rp, login, press(browser, page, pid))["amr"] == ["mobile"]
    # What the request asks for goes first where the person has it.
    browser, login = rp.browser(), Login()
    page = opened(rp, browser, login, "idporten-oidc", PERSON, acr_values="amr:minid")
    assert identity(rp, login, press(browser, page, PERSON))[LEVEL] == "3"


@pytest.mark.covers("login.people.why-not")
@pytest.mark.parametrize(
    ("scheme", "acr_values", "why"),
    [
        ("bankid-oidc", "", "Personen har ingen eID for BankID."),
        ("testidp-oidc", "Level4", "Sikkerhetsnivået blir for lavt: 3, og klienten ber om 4."),
        ("idporten-oidc", "Level4", "Sikkerhetsnivået blir for lavt: 3, og klienten ber om 4."),
        ("testidp-oidc", "", None),
        ("idporten-oidc", "", None),
    ],
)
def test_the_page_says_why_a_person_cannot_log_in(
    rp: RelyingParty, scheme: str, acr_values: str, why: str | None
) -> None:
    page = opened(rp, rp.browser(), Login(), scheme, NURSE_OF_LEVEL_3, acr_values=acr_values)
    text = page.content.decode()
    assert people(page) == [NURSE_OF_LEVEL_3]
    assert (f'data-testid="log-in-as-{NURSE_OF_LEVEL_3}"' in text) is (why is None)
    assert (f'data-testid="cannot-{NURSE_OF_LEVEL_3}"' in text) is (why is not None)
    assert why is None or why in text


@pytest.mark.covers("login.people.why-not")
def test_a_number_that_was_replaced_is_shown_so(sts: Emulator, rp: RelyingParty) -> None:
    pid = put_person(sts, "01819012345", superseded_by=PERSON)
    page = opened(rp, rp.browser(), Login(), "testidp-oidc", pid)
    assert f"erstattet av {PERSON}" in page.content.decode()


@pytest.mark.covers("login.people.words")
def test_roles_and_work_places_stand_beside_the_name(rp: RelyingParty) -> None:
    text = opened(rp, rp.browser(), Login(), "testidp-oidc", "14837512280").content.decode()
    for words in ("fastlege", "lege", "Sikkerhetsnivå 4", "HPR 569000117", "Blåklokka legekontor", "14837512280"):
        assert words in text
    text = opened(rp, rp.browser(), Login(), "testidp-oidc", "14837512280", ui_locales="en").content.decode()
    assert "general practitioner" in text and "Security level 4" in text


@pytest.mark.covers("login.providers.barred")
def test_the_choice_marks_what_a_login_may_not_use(sts: Emulator) -> None:
    rp = web(sts, "few", identity_providers=["bankid-oidc", "idporten-oidc", "helsemidtnorge-oidc"])
    browser = rp.browser()
    text = browser.follow(begin(rp, Login(), browser, {"acr_values": "Level4"})).content.decode()
    assert re.findall(r'data-testid="provider-([\w-]+)"', text) == ["bankid-oidc", "idporten-oidc"]
    barred = dict(re.findall(r'data-testid="barred-([\w-]+)">.*?</svg>([^<]*)<', text, re.DOTALL))
    assert barred["buypass-oidc"] == "Klienten er ikke registrert for denne."
    assert barred["helsemidtnorge-oidc"] == "Gir ikke sikkerhetsnivået som klienten ber om."
    assert "Sikkerhetsnivå 3 eller 4" in text and "MinID" in text


@pytest.mark.covers("login.people.over")
@pytest.mark.parametrize("scheme", ["testidp-oidc", None])
def test_a_login_that_is_over_says_so_and_where_to_start_again(rp: RelyingParty, scheme: str | None) -> None:
    browser, login = rp.browser(), Login()
    first = browser.follow(begin(rp, login, browser, {"acr_values": f"idp:{scheme}"} if scheme else {}))
    address = browser.visited[-1]
    assert b'data-testid="over"' not in first.content
    page = first if scheme else page_of(browser, browser.send("GET", address), "Test IDP")
    assert identity(rp, login, press(browser, page, PERSON))[PID] == PERSON
    text = browser.send("GET", address).content.decode()
    assert 'data-testid="over"' in text
    assert '<a href="http://localhost:8089/" data-testid="start-again">' in text


@pytest.mark.covers("login.people.shape")
def test_odd_names_are_written_as_they_are(sts: Emulator, rp: RelyingParty) -> None:
    names = {
        "01819012345": "إيمان الحسن",
        "02819012345": "🦊 <b>Rev</b>",
        "03819012345": "Fylkesmannsembetesrepresentantskap" * 6,
    }
    for pid, name in names.items():
        put_person(sts, pid, given_name=name)
        text = opened(rp, rp.browser(), Login(), "testidp-oidc", pid).content.decode()
        shown = name.replace("<", "&lt;").replace(">", "&gt;")
        assert f"<bdi>{shown} SPURV</bdi>" in text


@pytest.mark.covers("login.people.shape")
def test_a_client_without_a_name_is_called_by_its_id(sts: Emulator) -> None:
    rp = web(sts, "nameless", client_name="")
    assert (
        '<strong data-testid="client">nameless</strong>'
        in opened(rp, rp.browser(), Login(), "testidp-oidc", "").content.decode()
    )


@pytest.mark.covers("login.people.preview")
def test_the_preview_has_the_register_as_a_table(rp: RelyingParty) -> None:
    browser = rp.browser()
    opened(rp, browser, Login(), "testidp-oidc", "")
    text = browser.send("GET", f"{browser.visited[-1]}&pid=29826420411").content.decode()
    table = text.split('data-testid="approvals"')[1].split("</table>")[0]
    assert re.findall(r'<th scope="row">(\w+)</th>', table) == ["LE", "FT", "SP"]
    assert "40 Psykiatri" in table and "1 Full rekvisisjonsrett" in table
    assert "MANGSLUNGEN SVEITSERKNIV</h2>" in text


@pytest.mark.covers("login.people.many")
def test_people_are_read_anew_when_the_world_has_changed_and_else_not(sts: Emulator, rp: RelyingParty) -> None:
    registry, catalog = sts.sts.registry, sts.sts.catalog
    first = find_personas(registry, Wanted(["sykepleier"]), catalog.current().revision)
    again = find_personas(registry, Wanted(["nurse", "level"]), catalog.current().revision)
    assert again and {id(row) for row in again} <= {id(row) for row in first}
    browser = rp.browser()
    page = opened(rp, browser, Login(), "testidp-oidc", "")
    assert len(people(page)) == 12 and b'data-testid="more"' in page.content
    search = f"{browser.visited[-1]}&q=01819012345"
    assert people(browser.send("GET", search)) == []
    put_person(sts, "01819012345")
    assert people(browser.send("GET", search)) == ["01819012345"]
    put_person(sts, "01819012345", given_name="OMDØPT")
    assert b"OMD" in browser.send("GET", search).content
