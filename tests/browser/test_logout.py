"""Logout in a browser: asked for, confirmed, and told to the other clients in frames."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Client
from tests.support.relying_party import PERSON

END = "/connect/endsession"


def log_in(page: Page, client: Client) -> tuple[str, str]:
    """A login at the TestIDP, or by single sign-on: the ID token and the session id."""
    login = client.start(page, acr_values="idp:testidp-oidc", test_pid=PERSON)
    expect(page.locator("#client")).to_be_visible()
    tokens = client.tokens(login)
    return tokens["id_token"], client.sid(tokens["id_token"])


def is_logged_in(page: Page, client: Client) -> bool:
    login = client.start(page, prompt="none")
    return "code" in client.answer(login).parameters


@pytest.mark.covers("browser.logout")
def test_a_logout_with_hint_goes_back_to_the_client(page: Page, client: Client) -> None:
    token, _ = log_in(page, client)
    out = client.site.url + "/out"
    query = urlencode({"id_token_hint": token, "post_logout_redirect_uri": out, "state": "a b&c"})
    page.goto(f"{client.rp.machine.issuer}{END}?{query}")
    page.wait_for_url(out + "**")
    assert client.site.visit("/out").parameters == {"state": "a b&c"}
    assert not is_logged_in(page, client)


@pytest.mark.covers("browser.logout")
@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    ("ui_locales", "question", "button", "done"),
    [("nb-no", "Vil du logge ut?", "Logg ut", "Du er logget ut"), ("en-us", "Do you want to log out?", "Log out", "")],
)
def test_a_logout_without_hint_is_confirmed(
    open_page: Callable[..., Page], client: Client, script: bool, ui_locales: str, question: str, button: str, done: str
) -> None:
    page = open_page(java_script_enabled=script)
    log_in(page, client)
    page.goto(f"{client.rp.machine.issuer}{END}?ui_locales={ui_locales}")
    expect(page.get_by_role("heading", level=1)).to_have_text(question)
    assert is_logged_in(page, client)
    page.goto(f"{client.rp.machine.issuer}{END}?ui_locales={ui_locales}")
    page.get_by_role("button", name=button).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#logged-out")).to_have_text(done or "You are logged out")
    assert not is_logged_in(page, client)


@pytest.mark.covers("browser.front-channel-logout")
@pytest.mark.parametrize("script", [True, False])
def test_the_other_clients_are_told_in_frames(
    open_page: Callable[..., Page], make_client: Callable[..., Client], script: bool
) -> None:
    page = open_page(java_script_enabled=script)
    first = make_client(frontchannel_logout_uri="/bye?from=sts")
    second = make_client(frontchannel_logout_uri="/bye")
    token, sid = log_in(page, first)
    _, same = log_in(page, second)
    assert sid == same
    out = first.site.url + "/out"
    query = urlencode({"id_token_hint": token, "post_logout_redirect_uri": out, "state": "s"})
    page.goto(f"{first.rp.machine.issuer}{END}?{query}")
    told = {"iss": first.rp.machine.issuer, "sid": sid}
    assert first.site.visit("/bye").parameters == {"from": "sts", **told}
    assert second.site.visit("/bye").parameters == told
    page.wait_for_url(out + "**")
    assert first.site.visit("/out").parameters == {"state": "s"}
    assert not is_logged_in(page, second)
