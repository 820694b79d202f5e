"""The demo in a browser, from start to end."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.emulator import LiveServer
from tests.support.relying_party import PERSON


def log_in(page: Page, button: str, level: str) -> None:
    page.get_by_role("button", name=button).click()
    page.get_by_role("link", name="Test IDP", exact=True).click()
    page.get_by_test_id("pid").fill(PERSON)
    page.get_by_test_id("level").select_option(level)
    page.get_by_test_id("login").click()


@pytest.mark.covers("browser.demo")
@pytest.mark.parametrize("script", [True, False])
def test_from_start_to_end(open_page: Callable[..., Page], live: LiveServer, script: bool) -> None:
    page = open_page(java_script_enabled=script)
    home = f"{live.issuer}/mock/demo"
    page.goto(home)
    log_in(page, "Log in at level 4", "4")
    expect(page.get_by_role("heading", name="Access token")).to_be_visible()
    expect(page.get_by_role("heading", name="ID token")).to_be_visible()
    jti = page.get_by_test_id("demo-access-token").get_by_test_id("claim-jti").inner_text()
    page.get_by_role("button", name="Call the API").click()
    expect(page.get_by_test_id("demo-hello")).to_have_text("Hello, KVART GREVLING.")
    checks = page.locator(".checks > li")
    assert checks.count() > 10
    assert set(checks.evaluate_all("all => all.map(e => e.dataset.outcome)")) == {"passed"}
    page.get_by_role("button", name="Refresh the tokens").click()
    expect(page.get_by_test_id("demo-access-token").get_by_test_id("claim-jti")).not_to_have_text(jti)
    page.get_by_role("link", name=re.compile("step by step")).click()
    page.wait_for_url(re.compile("/steps$"))  # loaded whole: a count does not wait
    assert page.get_by_test_id("step").count() > 4
    expect(page.locator("pre").filter(has_text=f"POST {live.issuer}/connect/par")).not_to_have_count(0)
    page.get_by_role("link", name="Back to the demo").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in at level 4")).to_be_visible()
    expect(page).to_have_url(home)
    page.get_by_role("button", name="Log in at level 4").click()
    expect(page.locator(".providers")).to_be_visible()


@pytest.mark.covers("browser.demo")
def test_level_3_is_refused_by_the_api(page: Page, live: LiveServer) -> None:
    page.goto(f"{live.issuer}/mock/demo")
    log_in(page, "Log in at any level", "3")
    page.get_by_role("button", name="Call the API").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_test_id("check-level")).to_have_attribute("data-outcome", "failed")


@pytest.mark.covers("browser.demo")
def test_a_cancelled_login_is_told(page: Page, live: LiveServer) -> None:
    page.goto(f"{live.issuer}/mock/demo")
    page.get_by_role("button", name="Log in at level 4").click()
    page.get_by_role("link", name="BankID", exact=True).click()
    page.get_by_test_id("cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("access_denied")
    page.get_by_role("link", name="Back to the demo").click()
    expect(page.get_by_role("button", name="Log in at level 4")).to_be_visible()
