"""The pages on conformance, as a browser without script sees them, in both languages."""

import html
import re

import pytest

from tests.support.emulator import Emulator, Worlds
from tests.support.machine import ABSENT, Answer
from tests.support.relying_party import Browser, first_form

PATH = "/mock/conformance"


def text_of(answer: Answer) -> str:
    assert answer.status == 200, answer.content
    return html.unescape(answer.content.decode())


def row(page: str, testid: str) -> str:
    found = re.search(rf'<tr data-testid="{re.escape(testid)}">(.*?)</tr>', page, re.S)
    assert found is not None, testid
    return found[1]


@pytest.mark.covers("conformance.page")
@pytest.mark.parametrize(
    ("language", "met", "broken", "unseen", "says"),
    [
        ("en", "Met", "Broken", "Never exercised", "It replaces neither Samsvarstesting"),
        ("nb", "Oppfylt", "Brutt", "Ikke prøvd", "Den erstatter verken Samsvarstesting"),
    ],
)
def test_the_report_is_a_page(sts: Emulator, language: str, met: str, broken: str, unseen: str, says: str) -> None:
    machine = sts.client()
    machine.token(assertion={"lifetime": 90, "header": {"kid": ABSENT}})
    page = text_of(sts.get(f"/mock/report/machine?ui_locales={language}"))
    assert met in row(page, "check-T4")
    assert broken in row(page, "check-T5")
    assert "client-assertion.lifetime" in row(page, "check-T5")
    assert f"/mock/journal/{sts.journal(limit='1')[0]['id']}" in row(page, "check-T5")
    assert unseen in row(page, "check-T20")
    assert says in page
    for word in ("json", "junit", "sarif", "markdown"):
        link = re.search(rf'href="([^"]*)" data-testid="as-{word}"', page)
        assert link is not None
        assert sts.get(link[1]).status == 200


@pytest.mark.covers("conformance.page")
def test_what_a_client_sent_is_text_on_the_page(sts: Emulator) -> None:
    trap = "<script>alert(1)</script>"
    sts.client(trap)
    sts.client().token(assertion={"header": {"typ": trap}})
    page = sts.get("/mock/report/machine").content.decode()
    assert trap not in page
    assert html.escape(trap) in page
    other = sts.get("/mock/report/%3Cscript%3Ealert(1)%3C/script%3E")
    assert other.status == 200
    assert trap not in other.content.decode()


@pytest.mark.covers("conformance.page")
def test_a_session_is_started_ended_and_begun_anew_by_forms(sts: Emulator) -> None:
    machine = sts.client()
    browser = Browser(machine)
    action, fields = first_form(text_of(browser.send("GET", PATH)))
    started = browser.send("POST", action, {**fields, "client_id": "machine", "at_root": "true"})
    assert started.status == 303
    where = started.headers["location"]
    page = text_of(browser.send("GET", where))
    authority = re.search(r'data-testid="authority">([^<]*)<', page)
    assert authority is not None
    assert authority[1] == f"{sts.issuer}/{where.rpartition('/')[2]}"
    metadata = authority[1].removeprefix(sts.issuer) + "/.well-known/openid-configuration"
    assert sts.get(metadata).status == 200
    action, fields = first_form(page)
    assert browser.send("POST", action, {**fields, "act": "end"}).status == 303
    assert sts.get(metadata).status == 404
    page = text_of(browser.send("GET", where))
    assert 'data-testid="end-session"' not in page
    assert browser.send("POST", action, {**fields, "act": "reset"}).status == 303
    assert sts.get(metadata).status == 200
    assert where.rpartition("/")[2] in text_of(browser.send("GET", PATH))


@pytest.mark.covers("conformance.page")
def test_a_forged_form_does_nothing(sts: Emulator) -> None:
    machine = sts.client()
    browser = Browser(machine)
    assert browser.send("POST", PATH, {"client_id": "machine"}).status == 400
    _, fields = first_form(text_of(browser.send("GET", PATH)))
    assert browser.send("POST", PATH, {**fields, "client_id": "nothing"}).status == 400
    assert 'data-testid="no-sessions"' in text_of(browser.send("GET", PATH))


@pytest.mark.covers("conformance.page")
def test_a_server_with_an_administration_token_asks_for_it(worlds: Worlds) -> None:
    sts = worlds.make(admin_token="a-token-of-the-server")
    sts.client()
    for path in (PATH, "/mock/report/machine"):
        assert sts.get(path).status != 200 or b"admission" in sts.get(path).content


@pytest.mark.covers("conformance.bad-input")
@pytest.mark.parametrize("path", [f"{PATH}/nothing", "/mock/report/nothing"])
def test_what_is_not_there_is_not_found(sts: Emulator, path: str) -> None:
    assert sts.get(path).status == 404
