"""What holds for every page: no barrier that axe-core finds, room on a phone, one heading, room for no script."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import AXE, Client
from tests.browser.pages import PAGES

#: These pages go on by themselves, without script; that is all that they are there for. Nothing on them is lost then,
#: and they have a link to go on at once.
_MEANT = {"waiting": {"meta-refresh"}, "logged-out-going-on": {"meta-refresh"}}


def barriers(page: Page) -> list[dict[str, Any]]:
    """The serious and critical violations that axe-core finds."""
    assert AXE.is_file(), "run make test-all, which installs the pinned packages"
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("() => axe.run(document, {iframes: false})")
    assert len(result["passes"]) > 3
    return [found for found in result["violations"] if found["impact"] in ("serious", "critical")]


@pytest.mark.covers("browser.accessible")
@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_barrier(
    open_page: Callable[..., Page], make_client: Callable[..., Client], name: str, look: str
) -> None:
    client = make_client(frontchannel_logout_uri="/bye")
    phone = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}
    page = open_page(**(phone if look == "phone" else {"color_scheme": look}))
    PAGES[name](page, client, "en-us" if look == "dark" else "nb-no")
    found = [one for one in barriers(page) if one["id"] not in _MEANT.get(name, set())]
    assert found == [], json.dumps(found, indent=1)
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert page.title()
    if look == "phone":
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 320, f"{name} is {width} pixels wide"


@pytest.mark.covers("browser.accessible")
def test_axe_would_find_a_barrier(page: Page) -> None:
    page.set_content(
        "<html lang='en'><title>x</title><main><h1>x</h1><form><input name='a'></form></main>" + "<p>x" * 9
    )
    assert "label" in [found["id"] for found in barriers(page)]


@pytest.mark.covers("browser.accessible")
def test_buttons_and_links_are_told_apart_by_their_names(page: Page, client: Client) -> None:
    PAGES["testidp-preview"](page, client, "nb-no")
    for role in ("button", "link"):
        names = page.get_by_role(role).evaluate_all("all => all.map(e => e.innerText.trim())")
        assert len(names) > 5
        assert len(names) == len(set(names)), names
