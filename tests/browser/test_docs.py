"""The documentation's site in a browser, served by the emulator, with nothing else on the network."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mock_sts.web.mock.pages import docs
from tests.browser.test_pages import barriers
from tests.support.emulator import Emulator
from tests.support.served import Served


@pytest.fixture
def address(sts: Emulator, docs_site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(docs, "SITE", docs_site)
    served = Served(sts.app, callers={})
    yield f"http://127.0.0.1:{served.port}/mock/docs"
    served.close()


@pytest.mark.covers("docs.search")
def test_the_search_finds_a_page_without_the_web(open_page: Callable[..., Page], address: str) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.get_by_role("button", name="Search").first.click()
    page.keyboard.type("certificate authority")
    found = page.locator("ol a").filter(has_text="https").first
    expect(found).to_be_visible()
    found.click()
    expect(page).to_have_url(re.compile(r"/mock/docs/tls\.html"))
    assert [url for url in asked if not url.startswith(address)] == []


@pytest.mark.covers("docs.search")
@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_finds_no_barrier_in_the_documentation(open_page: Callable[..., Page], address: str, look: str) -> None:
    phone = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}
    page = open_page(**(phone if look == "phone" else {"color_scheme": look}))
    page.goto(f"{address}/tls.html")
    assert barriers(page) == []
    assert page.locator("h1").count() == 1


@pytest.mark.covers("docs.served")
def test_the_text_of_a_page_fits_a_phone(
    open_page: Callable[..., Page], sts: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(docs, "SITE", tmp_path / "none")
    served = Served(sts.app)
    page = open_page(viewport={"width": 320, "height": 640}, is_mobile=True, has_touch=True)
    for name in ("index", "troubleshooting", "tls"):
        page.goto(f"http://127.0.0.1:{served.port}/mock/docs/{name}.html")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, name
        assert barriers(page) == []
    served.close()
