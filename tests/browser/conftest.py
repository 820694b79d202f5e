"""The browser, and clients with web sites that it can come back to.

A test that wants a page of the browser takes ``page``; ``open_page`` opens one with options of its own (no script, a
phone, a dark desktop), each in a context with cookies of its own.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, expect, sync_playwright

from tests.browser.site import Site, Visit
from tests.support.emulator import LiveServer
from tests.support.machine import decode
from tests.support.relying_party import SCOPES, Login, RelyingParty

#: Milliseconds that a step in the browser may take, where others keep the machine busy.
PATIENCE = 20_000

AXE = Path(__file__).parents[1] / "interop" / "node" / "node_modules" / "axe-core" / "axe.min.js"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def launch_options() -> dict[str, Any]:
    """How the browser is started; Chromium refuses its sandbox to root."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "Chromium is missing; make test-all says how"
    return {"executable_path": chromium, "args": ["--no-sandbox"] if os.geteuid() == 0 else []}


@pytest.fixture(scope="session")
def browser_type() -> Iterator[BrowserType]:
    """Starts browsers; there is one for each process, for Playwright's loop is the thread's only one."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def chromium(browser_type: BrowserType) -> Iterator[Browser]:
    browser = browser_type.launch(**launch_options())
    yield browser
    browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; what a page's content policy stopped fails the test."""
    contexts: list[BrowserContext] = []
    stopped: list[str] = []

    def note(text: str) -> None:
        if "Content Security Policy" in text:
            stopped.append(text)

    def open_one(**options: Any) -> Page:
        context = chromium.new_context(**{"locale": "nb-NO", **options})  # the pages follow Accept-Language
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: note(message.text))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert stopped == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@dataclass
class Client:
    """A client, and the site where its people come back to."""

    rp: RelyingParty
    site: Site
    path: str

    def begin(self, **changes: Any) -> tuple[Login, str]:
        """A pushed login, and the address where the browser starts it."""
        login = Login()
        pushed = self.rp.push(login, changes)
        assert pushed.status == 201, pushed.content
        return login, self.rp.machine.issuer + self.rp.authorize_path(pushed.json["request_uri"])

    def start(self, page: Page, **changes: Any) -> Login:
        """A login, begun in the browser."""
        login, address = self.begin(**changes)
        page.goto(address)
        return login

    def answer(self, login: Login) -> Visit:
        """What the browser brought back."""
        return self.site.visit(self.path, state=login.state)

    def tokens(self, login: Login) -> dict[str, Any]:
        """The tokens for the code that the browser brought back."""
        answer = self.rp.redeem(login, self.answer(login).parameters["code"])
        assert answer.status == 200, answer.content
        found: dict[str, Any] = answer.json
        return found

    def person(self, login: Login) -> dict[str, Any]:
        """The claims of the ID token."""
        return decode(self.tokens(login)["id_token"])[1]

    @staticmethod
    def sid(id_token: str) -> str:
        """The session that an ID token is of."""
        return str(decode(id_token)[1]["sid"])


@pytest.fixture
def make_site() -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(host: str = "127.0.0.1") -> Site:
        sites.append(Site(host))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def make_client(live: LiveServer, make_site: Callable[..., Site]) -> Callable[..., Client]:
    """Registers a client with a site of its own."""

    def make(path: str = "/callback", **members: Any) -> Client:
        site = make_site()
        usual: dict[str, Any] = {
            "client_name": "Prøveklienten",
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": SCOPES,
            "redirect_uris": [site.url + path],
            "post_logout_redirect_uris": [site.url + "/out"],
        }
        given = {
            name: f"{site.url}{value}" if name.endswith("channel_logout_uri") else value
            for name, value in members.items()
        }
        machine = live.client(f"browser-{secrets.token_hex(4)}", **{**usual, **given})
        return Client(RelyingParty(machine, redirect_uri=site.url + path), site, path)

    return make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()
