"""The first hour of a new user, in a browser: find a person, be refused and find the remedy, switch language."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Client
from tests.browser.test_login import LEVEL, PID, tab_to
from tests.support.relying_party import PERSON

NURSE_OF_LEVEL_3 = "31818127149"

Pages = Callable[..., Page]


@pytest.mark.covers("login.people.own-level", "browser.keyboard")
def test_a_nurse_is_found_and_logs_in_by_the_keyboard_alone(page: Page, client: Client) -> None:
    login = client.start(page)
    tab_to(page, "provider-testidp-oidc")
    page.keyboard.press("Enter")
    expect(page.locator("#login-form")).to_be_visible()
    tab_to(page, "search")
    page.keyboard.type("sykepleier halvhøy")
    page.keyboard.press("Enter")
    expect(page.locator(".people > li")).to_have_count(1)
    tab_to(page, f"log-in-as-{NURSE_OF_LEVEL_3}")
    page.keyboard.press("Enter")
    expect(page.locator("#client")).to_be_visible()
    person = client.person(login)
    assert (person[PID], person[LEVEL]) == (NURSE_OF_LEVEL_3, "3")


@pytest.mark.covers("login.people.own-level", "browser.no-script")
def test_a_person_of_level_3_logs_in_without_script(open_page: Pages, client: Client) -> None:
    page = open_page(java_script_enabled=False)
    login = client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_role("searchbox").fill("nurse-level-3")
    page.get_by_role("button", name="Søk", exact=True).click()
    page.get_by_test_id(f"log-in-as-{NURSE_OF_LEVEL_3}").click()
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[LEVEL] == "3"


@pytest.mark.covers("login.people.own-level")
def test_enter_in_the_field_of_the_number_logs_in_by_the_number(page: Page, client: Client) -> None:
    """And never as the first person of the list, who stands above it."""
    login = client.start(page, acr_values="idp:testidp-oidc")
    first = page.locator(".people > li").first.get_attribute("data-testid")
    field = page.get_by_label("Fødselsnummer")
    field.fill(PERSON)
    field.press("Enter")
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[PID] == PERSON
    assert first != f"person-{PERSON}"


@pytest.mark.covers("login.people.own-level")
def test_people_stand_above_the_form_that_stands_first(page: Page, client: Client) -> None:
    client.start(page, acr_values="idp:testidp-oidc")
    places = [page.locator(one).bounding_box() for one in (".people", "#login-form")]
    assert places[0] is not None and places[1] is not None
    assert places[0]["y"] + places[0]["height"] <= places[1]["y"]
    assert page.locator("form").first.get_attribute("id") == "login-form"
    assert page.locator("button").first.get_attribute("id") == "login-submit"


@pytest.mark.covers("pages.error", "pages.journal", "pages.rules")
def test_from_the_error_page_to_the_journal_to_the_remedy(page: Page, make_client: Callable[..., Client]) -> None:
    client = make_client(require_pushed_authorization_requests=False)
    issuer, client_id = client.rp.machine.issuer, client.rp.machine.client_id
    page.goto(f"{issuer}/connect/authorize?client_id={client_id}&response_type=code&scope=openid&redirect_uri=http://x")
    expect(page.get_by_test_id("remedy")).to_be_visible()
    error_id = page.get_by_test_id("error-id").inner_text()
    page.get_by_test_id("error-journal").click()
    expect(page.get_by_test_id("entry-error-id")).to_have_text(error_id)
    broken = page.get_by_test_id("broken-authorization-request.redirect-uri")
    expect(broken.get_by_test_id("remedy")).to_contain_text("register")
    expect(broken.get_by_role("listitem")).to_have_text([f"{client.site.url}/callback"])
    page.get_by_test_id("rule-authorization-request.redirect-uri").click()
    expect(page.get_by_test_id("remedy")).to_contain_text("register")
    page.get_by_test_id("rule-journal").click()
    expect(page.get_by_test_id("entries")).to_contain_text(client_id)


@pytest.mark.covers("pages.switch")
def test_the_language_is_switched_on_the_way(page: Page, client: Client) -> None:
    login = client.start(page, ui_locales="nb-no")
    expect(page.get_by_role("heading", level=1)).to_have_text("Velg innlogging")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose how to log in")
    page.get_by_role("link", name="Test IDP", exact=True).click()
    page.get_by_label("National identity number").fill("1")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("The national identity number must have eleven digits.")
    page.get_by_test_id(f"log-in-as-{PERSON}").click()
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[PID] == PERSON


@pytest.mark.covers("pages.copies")
def test_the_button_copies_what_stands_beside_it(open_page: Pages, client: Client) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"], locale="en-US")
    page.goto(f"{client.rp.machine.issuer}/")
    page.get_by_role("button", name="Copy: The authority for your client").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == client.rp.machine.issuer
    without = open_page(java_script_enabled=False)
    without.goto(f"{client.rp.machine.issuer}/")
    expect(without.locator("button.copy").first).to_be_hidden()
