"""Logins of people in a browser: every provider, every end, both languages, with and without script or mouse."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Client
from tests.browser.site import Site
from tests.support.emulator import LiveServer
from tests.support.relying_party import PERSON

PID, LEVEL, IDP = "helseid://claims/identity/pid", "helseid://claims/identity/security_level", "idp"
PSYCHIATRIST = "hospital-psychiatrist"

Pages = Callable[..., Page]
Clients = Callable[..., Client]


def log_in(page: Page, pid: str = PERSON, provider: str = "Test IDP") -> None:
    """As a person does it: from the list of providers to the client."""
    page.get_by_role("link", name=provider, exact=True).click()
    page.get_by_label("Fødselsnummer").fill(pid)
    page.get_by_role("button", name="Logg inn", exact=True).click()


@pytest.mark.covers("browser.providers")
@pytest.mark.parametrize(
    ("name", "scheme", "level"),
    [
        ("Test IDP", "testidp-oidc", "4"),
        ("Test IDP (new)", "testidpnew-oidc", "4"),
        ("BankID", "bankid-oidc", "4"),
        ("Buypass", "buypass-oidc", "4"),
        ("Commfides", "commfides-oidc", "4"),
        ("ID-porten", "idporten-oidc", "4"),
        ("Helse Midt-Norge RHF", "helsemidtnorge-oidc", "3"),
        ("Helseplattformen", "helseplattformen-oidc", "4"),
    ],
)
def test_every_provider(page: Page, client: Client, name: str, scheme: str, level: str) -> None:
    login = client.start(page)
    expect(page.get_by_test_id("client")).to_have_text("Prøveklienten")
    log_in(page, provider=name)
    expect(page.locator("#client")).to_be_visible()
    person = client.person(login)
    assert (person[PID], person[IDP], person[LEVEL]) == (PERSON, scheme, level)


@pytest.mark.covers("browser.providers")
@pytest.mark.parametrize(
    ("provider", "eid", "level"),
    [
        ("ID-porten", "BankID (", "4"),
        ("ID-porten", "Buypass ID (", "4"),
        ("ID-porten", "Commfides (", "4"),
        ("ID-porten", "MinID (", "3"),
        ("Buypass", "Buypass smartkort (", "4"),
        ("Buypass", "Buypass ID på mobil (", "4"),
    ],
)
def test_every_eid_inside_a_provider(page: Page, client: Client, provider: str, eid: str, level: str) -> None:
    login = client.start(page)
    page.get_by_role("link", name=provider, exact=True).click()
    page.get_by_role("radio", name=eid).check()
    page.get_by_label("Fødselsnummer").fill(PERSON)
    page.get_by_role("button", name="Logg inn", exact=True).click()
    assert client.person(login)[LEVEL] == level


@pytest.mark.covers("browser.outcomes")
@pytest.mark.parametrize(
    ("button", "error"),
    [
        ("Avbryt", "access_denied"),
        ("For lavt sikkerhetsnivå", "access_denied"),
        ("Feil hos ID-leverandør", "temporarily_unavailable"),
        ("ID-leverandør svarer ikke", "temporarily_unavailable"),
    ],
)
@pytest.mark.parametrize("provider", ["Test IDP", "BankID"])
def test_every_end_that_is_no_login(page: Page, client: Client, provider: str, button: str, error: str) -> None:
    login = client.start(page)
    page.get_by_role("link", name=provider, exact=True).click()
    if button != "Avbryt":
        page.get_by_text("Andre utfall").click()
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#client")).to_be_visible()
    answer = client.answer(login).parameters
    assert answer["error"] == error
    assert answer["error_description"]
    assert "code" not in answer


@pytest.mark.covers("browser.outcomes")
@pytest.mark.parametrize("outcome", ["login_required", "interaction_required"])
def test_ends_that_are_told_without_a_page(page: Page, client: Client, outcome: str) -> None:
    login = client.start(page, login_hint=f"outcome:{outcome}")
    expect(page.locator("#client")).to_be_visible()
    assert client.answer(login).parameters["error"] == outcome


@pytest.mark.covers("browser.outcomes")
@pytest.mark.parametrize("waits", [True, False])
def test_a_slow_provider(page: Page, client: Client, waits: bool) -> None:
    login = client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_label("Fødselsnummer").fill(PERSON)
    page.get_by_test_id("other-outcomes").click()
    page.get_by_role("button", name="Treg ID-leverandør").click()
    expect(page.get_by_test_id("waiting")).to_be_visible()
    if not waits:
        page.get_by_role("link", name="Fortsett").click()
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[PID] == PERSON


@pytest.mark.covers("browser.pick")
def test_search_look_and_pick(page: Page, client: Client) -> None:
    login = client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_role("searchbox").fill(PSYCHIATRIST)
    page.get_by_role("button", name="Søk", exact=True).click()
    people = page.locator(".people > li")
    expect(people).to_have_count(1)
    name = people.get_by_role("button").inner_text().removeprefix("Logg inn som ")
    page.get_by_role("link", name=f"Vis {name}").click()
    preview = page.get_by_role("region", name="Dette får klienten vite")
    expect(preview).to_contain_text("identity/pid")
    pid = page.get_by_label("Fødselsnummer").input_value()
    expect(preview).to_contain_text(pid)
    expect(page.get_by_role("searchbox")).to_have_value(PSYCHIATRIST)
    page.get_by_role("button", name=f"Logg inn som {name}").click()
    person = client.person(login)
    assert person[PID] == pid
    assert person["name"] == name


@pytest.mark.covers("browser.pick")
def test_look_then_log_in_with_the_form(page: Page, client: Client) -> None:
    login = client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_test_id(f"person-{PERSON}").get_by_role("link").click()
    page.get_by_label("Sikkerhetsnivå").select_option("3")
    page.get_by_role("button", name="Logg inn", exact=True).click()
    person = client.person(login)
    assert (person[PID], person[LEVEL]) == (PERSON, "3")


@pytest.mark.covers("browser.pick")
def test_nobody_fits_the_search(page: Page, client: Client) -> None:
    client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_role("searchbox").fill("nobody is called this")
    page.get_by_role("button", name="Søk", exact=True).click()
    expect(page.get_by_test_id("nobody")).to_have_text("Ingen passer til søket")


@pytest.mark.covers("browser.wrong-input")
def test_wrong_input_is_announced_and_can_be_mended(page: Page, client: Client) -> None:
    login = client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_label("Fødselsnummer").fill("123")
    page.get_by_role("button", name="Logg inn", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Fødselsnummeret må ha elleve siffer.")
    field = page.get_by_label("Fødselsnummer")
    expect(field).to_have_value("123")
    expect(field).to_have_accessible_description("Fødselsnummeret må ha elleve siffer.")
    field.fill(PERSON)
    page.get_by_role("button", name="Logg inn", exact=True).click()
    assert client.person(login)[PID] == PERSON


def tab_to(page: Page, test_id: str, key: str = "Tab") -> None:
    """Walk there with the tab key; what has the focus must show it."""
    for _ in range(80):
        page.keyboard.press(key)
        focused = page.locator(":focus")
        if focused.count() == 0:
            continue
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
        if focused.get_attribute("data-testid") == test_id:
            return
    raise AssertionError(f"the tab key does not reach {test_id}")


@pytest.mark.covers("browser.keyboard")
def test_with_the_keyboard_alone(page: Page, client: Client) -> None:
    login = client.start(page)
    tab_to(page, "provider-testidp-oidc")
    page.keyboard.press("Enter")
    expect(page.locator("#login-form")).to_be_visible()
    tab_to(page, "pid")
    page.keyboard.type(PERSON)
    tab_to(page, "level")
    page.keyboard.press("ArrowDown")
    tab_to(page, "hpr-number")
    page.keyboard.type("9144900")
    page.keyboard.press("Enter")
    expect(page.locator("#client")).to_be_visible()
    person = client.person(login)
    assert (person[PID], person[LEVEL], person["helseid://claims/hpr/hpr_number"]) == (PERSON, "3", "9144900")


@pytest.mark.covers("browser.keyboard")
def test_search_look_and_pick_with_the_keyboard(page: Page, client: Client) -> None:
    login = client.start(page, acr_values="idp:testidp-oidc")
    tab_to(page, "search")
    page.keyboard.type(PERSON)
    page.keyboard.press("Enter")
    expect(page.locator(".people > li")).to_have_count(1)
    tab_to(page, f"show-{PERSON}")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("preview")).to_be_visible()
    tab_to(page, f"log-in-as-{PERSON}")
    page.keyboard.press("Space")
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[PID] == PERSON


@pytest.mark.covers("browser.keyboard")
@pytest.mark.parametrize("test_id", ["cancel", "outcome-timeout"])
def test_other_ends_with_the_keyboard(page: Page, client: Client, test_id: str) -> None:
    login = client.start(page, acr_values="idp:bankid-oidc")
    if test_id != "cancel":
        tab_to(page, "other-outcomes")
        page.keyboard.press("Enter")
    tab_to(page, test_id)
    page.keyboard.press("Enter")
    expect(page.locator("#client")).to_be_visible()
    assert "error" in client.answer(login).parameters


@pytest.mark.covers("browser.no-script")
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_without_script(open_page: Pages, client: Client, mode: str) -> None:
    page = open_page(java_script_enabled=False)
    login = client.start(page, response_mode=mode)
    page.get_by_role("link", name="ID-porten", exact=True).click()
    page.get_by_role("searchbox").fill(PERSON)
    page.get_by_role("button", name="Søk", exact=True).click()
    page.get_by_test_id(f"show-{PERSON}").click()
    expect(page.get_by_test_id("preview")).to_be_visible()
    page.get_by_role("radio", name="MinID").check()
    page.get_by_role("button", name="Logg inn", exact=True).click()
    if mode == "form_post":
        page.get_by_role("button", name="Click to continue").click()
    expect(page.locator("#client")).to_be_visible()
    assert client.answer(login).method == ("POST" if mode == "form_post" else "GET")
    assert client.person(login)[LEVEL] == "3"


@pytest.mark.covers("browser.no-script")
def test_a_slow_provider_without_script(open_page: Pages, client: Client) -> None:
    page = open_page(java_script_enabled=False)
    login = client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_test_id("pid").fill(PERSON)
    page.get_by_test_id("other-outcomes").click()
    page.get_by_test_id("outcome-slow").click()
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[PID] == PERSON


@pytest.mark.covers("browser.languages")
@pytest.mark.parametrize(
    ("ui_locales", "language", "heading", "button", "preview"),
    [
        (None, "nb", "Velg innlogging", "Logg inn", "Dette får klienten vite"),
        ("nb-no", "nb", "Velg innlogging", "Logg inn", "Dette får klienten vite"),
        ("en-us", "en", "Choose how to log in", "Log in", "What the client will know"),
    ],
)
def test_both_languages(
    page: Page, client: Client, ui_locales: str | None, language: str, heading: str, button: str, preview: str
) -> None:
    login = client.start(page, **({"ui_locales": ui_locales} if ui_locales else {}))
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert page.locator("html").get_attribute("lang") == language
    page.get_by_test_id("provider-testidp-oidc").click()
    assert page.locator("html").get_attribute("lang") == language
    page.get_by_test_id(f"show-{PERSON}").click()
    expect(page.get_by_role("heading", name=preview)).to_be_visible()
    page.get_by_role("button", name=button, exact=True).click()
    assert client.person(login)[PID] == PERSON


@pytest.mark.covers("browser.single-sign-on")
def test_a_second_client_needs_no_second_login(page: Page, make_client: Clients) -> None:
    first, second = make_client(), make_client()
    login = first.start(page)
    log_in(page)
    person = first.person(login)
    visited: list[str] = []
    page.on("framenavigated", lambda frame: visited.append(frame.url))
    login = second.start(page)
    expect(page.locator("#client")).to_be_visible()
    same = second.person(login)
    assert same["sid"] == person["sid"]
    assert same["auth_time"] == person["auth_time"]
    assert [url.partition("?")[0] for url in visited] == [second.site.url + "/callback"]
    login = second.start(page, prompt="login")
    expect(page.get_by_role("heading", name="Velg innlogging")).to_be_visible()


@pytest.mark.covers("browser.single-sign-on")
def test_another_context_knows_nothing_of_the_login(open_page: Pages, client: Client) -> None:
    page = open_page()
    login = client.start(page)
    log_in(page)
    assert client.person(login)[PID] == PERSON
    login = client.start(open_page(), prompt="none")
    assert client.answer(login).parameters["error"] == "login_required"


@pytest.mark.covers("browser.other-origin")
@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("provider", ["Test IDP", "BankID"])
def test_the_answer_goes_to_another_origin(page: Page, client: Client, mode: str, provider: str) -> None:
    login = client.start(page, response_mode=mode)
    log_in(page, provider=provider)
    expect(page.locator("#client")).to_be_visible()
    assert client.answer(login).method == ("POST" if mode == "form_post" else "GET")
    assert client.person(login)[PID] == PERSON


@pytest.mark.covers("browser.other-origin")
@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("button", ["Logg inn", "Avbryt"])
def test_a_client_that_redirects_on_to_a_third_origin(
    page: Page, make_client: Clients, make_site: Callable[..., Site], mode: str, button: str
) -> None:
    client, third = make_client("/on"), make_site("localhost")
    client.site.on_to = third.url + "/landed"
    login = client.start(page, response_mode=mode)
    page.get_by_role("link", name="Test IDP", exact=True).click()
    page.get_by_label("Fødselsnummer").fill(PERSON)
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(third.url + "/landed**")
    assert ("code" in client.answer(login).parameters) is (button == "Logg inn")


@pytest.mark.covers("browser.error-page")
def test_the_error_page_says_what_to_mend(page: Page, client: Client, live: LiveServer) -> None:
    login = client.start(page, acr_values="idp:testidp-oidc")
    form = page.url
    page.get_by_label("Fødselsnummer").fill(PERSON)
    page.get_by_role("button", name="Logg inn", exact=True).click()
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[PID] == PERSON
    page.goto(form)
    page.get_by_label("Fødselsnummer").fill(PERSON)
    page.get_by_role("button", name="Logg inn", exact=True).click()
    expect(page.locator("#error-code")).to_have_text("invalid_request_uri")
    expect(page.get_by_test_id("rule")).to_have_text("request-uri.fresh")
    for word in ("Expected: ", "Observed: ", "Remedy: ", "Source: "):
        expect(page.get_by_test_id("detail")).to_contain_text(word)
    told = page.get_by_test_id("error-id").inner_text()
    assert len(told) == 16
    assert page.url.startswith(f"{live.issuer}/home/error?errorId=")


@pytest.mark.covers("browser.no-script")
def test_pages_load_nothing_from_elsewhere(page: Page, client: Client, live: LiveServer) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    client.start(page)
    page.get_by_role("link", name="Test IDP", exact=True).click()
    page.get_by_test_id(f"show-{PERSON}").click()
    assert len(asked) > 3
    assert [url for url in asked if not url.startswith(live.issuer + "/")] == []


@pytest.mark.covers("browser.cookie")
def test_a_persona_cookie_logs_in_without_a_page(page: Page, client: Client, live: LiveServer) -> None:
    page.goto(f"{live.issuer}/mock/as/{PSYCHIATRIST}")
    expect(page.get_by_test_id("persona")).to_contain_text(PSYCHIATRIST)
    login = client.start(page)
    expect(page.locator("#client")).to_be_visible()
    assert client.person(login)[PID] != PERSON


@pytest.mark.covers("browser.error-page")
def test_going_back_after_a_login_ends_on_the_error_page(page: Page, client: Client) -> None:
    login = client.start(page, acr_values="idp:testidp-oidc")
    page.get_by_label("Fødselsnummer").fill(PERSON)
    page.get_by_role("button", name="Logg inn", exact=True).click()
    expect(page.locator("#client")).to_be_visible()
    page.go_back()
    page.get_by_label("Fødselsnummer").fill(PERSON)
    page.get_by_role("button", name="Logg inn", exact=True).click()
    expect(page.locator("#error-code")).to_have_text("invalid_request_uri")
    # The login that took place stands, and the next one needs no page.
    assert client.person(login)[PID] == PERSON
    login = client.start(page)
    assert client.person(login)[PID] == PERSON
