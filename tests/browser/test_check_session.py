"""Session management in a browser: a page of another origin asks our frame whether the session is still the same."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType, Page, expect

from tests.browser.conftest import PATIENCE, Client, launch_options
from tests.browser.site import Site
from tests.support.emulator import LiveServer
from tests.support.relying_party import PERSON, SCOPES, Login, RelyingParty
from tests.support.tls import TlsServer

CHECK = "/connect/checksession"

#: Loads the frame, posts the message, and tells what came back and from where.
ASK = """([url, message]) => new Promise(resolve => {
  const frame = document.createElement("iframe");
  addEventListener("message", event => resolve([event.data, event.origin]), {once: true});
  frame.onload = () => frame.contentWindow.postMessage(message, new URL(url).origin);
  frame.src = url;
  document.body.append(frame);
})"""


def ask(page: Page, issuer: str, message: object) -> str:
    """What the frame of the server at ``issuer`` says to ``message`` of ``page``, which is a client's."""
    told, origin = page.evaluate(ASK, [f"{issuer}{CHECK}", message])
    assert origin == issuer
    return str(told)


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A client's site on the server's host: over http Chromium shows a frame no cookies of another site."""
    return make_site("localhost")


def log_in(page: Page, client: Client, pid: str = PERSON, **changes: str) -> str:
    """A login in the browser, which ends on the client's page; the session_state of its answer."""
    login = client.start(page, acr_values="idp:testidp-oidc", test_pid=pid, **changes)
    expect(page.locator("#client")).to_be_visible()
    return client.answer(login).parameters["session_state"]


@pytest.fixture
def client(live: LiveServer, site: Site) -> Client:
    machine = live.client(
        f"check-{site.url.rpartition(':')[2]}",
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[f"{site.url}/callback"],
    )
    return Client(RelyingParty(machine, redirect_uri=f"{site.url}/callback"), site, "/callback")


@pytest.mark.covers("check-session.answers")
def test_a_page_of_another_origin_learns_whether_the_session_is_the_same(page: Page, client: Client) -> None:
    issuer, name = client.rp.machine.issuer, client.rp.machine.client_id
    state = log_in(page, client)
    assert ask(page, issuer, f"{name} {state}") == "unchanged"
    # Single sign-on is the same session, by another salt.
    again = client.answer(client.start(page, prompt="none")).parameters["session_state"]
    expect(page.locator("#client")).to_be_visible()
    assert again != state
    assert [ask(page, issuer, f"{name} {one}") for one in (state, again)] == ["unchanged"] * 2
    # The same person again is the same session, another person is another one.
    log_in(page, client, prompt="login")
    assert ask(page, issuer, f"{name} {state}") == "unchanged"
    other = log_in(page, client, "16858399649")
    assert [ask(page, issuer, f"{name} {one}") for one in (state, other)] == ["changed", "unchanged"]
    # And after a logout there is none.
    page.goto(f"{issuer}/connect/endsession")
    page.locator("#logout-submit").click()
    expect(page.locator("#logged-out")).to_be_visible()
    page.goto(f"{client.site.url}/callback")
    assert ask(page, issuer, f"{name} {other}") == "changed"


@pytest.mark.covers("check-session.answers")
def test_what_is_not_of_this_client_has_changed(page: Page, client: Client, make_site: Callable[..., Site]) -> None:
    issuer, name = client.rp.machine.issuer, client.rp.machine.client_id
    state = log_in(page, client)
    digest, _, salt = state.partition(".")
    told = [f"other {state}", f"{name} {digest}.{salt[::-1]}", f"{name} {digest[::-1]}.{salt}", f"{name}  {state}"]
    assert [ask(page, issuer, message) for message in told] == ["changed"] * 4
    page.goto(make_site("localhost").url)
    assert ask(page, issuer, f"{name} {state}") == "changed"


@pytest.mark.covers("check-session.answers")
def test_what_cannot_be_read_is_an_error(page: Page, client: Client) -> None:
    issuer, name = client.rp.machine.issuer, client.rp.machine.client_id
    state = log_in(page, client)
    broken: list[object] = ["", " ", name, f"{name} ", f" {state}", f"{name} {state.partition('.')[0]}", f"{name} .x"]
    broken += [f"{name} x.", None, 7, {"client_id": name}, [f"{name} {state}"]]
    assert [ask(page, issuer, message) for message in broken] == ["error"] * len(broken)


@pytest.mark.covers("check-session.answers")
def test_names_outside_ascii_are_hashed_as_utf_8(page: Page, live: LiveServer, site: Site) -> None:
    machine = live.client(
        f"journalsystem på sykehjemmet Ø 😀 {site.url}",
        grant_types=["authorization_code"],
        scope=SCOPES,
        redirect_uris=[f"{site.url}/callback"],
    )
    client = Client(RelyingParty(machine, redirect_uri=f"{site.url}/callback"), site, "/callback")
    assert ask(page, machine.issuer, f"{machine.client_id} {log_in(page, client)}") == "unchanged"


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[TlsServer]:
    server = TlsServer(tmp_path)
    yield server
    server.stop()


@pytest.mark.covers("check-session.cookie")
@pytest.mark.parametrize(("blocked", "answer"), [(False, "unchanged"), (True, "changed")], ids=["allowed", "blocked"])
def test_over_https_a_page_of_another_site_learns_it_where_the_browser_lets_it(
    browser_type: BrowserType,
    tmp_path: Path,
    tls: TlsServer,
    make_site: Callable[..., Site],
    blocked: bool,
    answer: str,
) -> None:
    """Whether frames of other sites have cookies is a choice in the browser."""
    preferences = tmp_path / "profile" / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps({"profile": {"cookie_controls_mode": int(blocked)}}), encoding="utf-8")
    context = browser_type.launch_persistent_context(tmp_path / "profile", **launch_options(), ignore_https_errors=True)
    context.set_default_timeout(PATIENCE)
    page, site = context.new_page(), make_site("127.0.0.1")
    members: dict[str, Any] = {"grant_types": ["authorization_code"], "redirect_uris": [f"{site.url}/callback"]}
    rp = RelyingParty(tls.client("elsewhere", scope=SCOPES, **members), redirect_uri=f"{site.url}/callback")
    pushed = rp.push(Login(), {"test_pid": PERSON, "acr_values": "idp:testidp-oidc"})
    page.goto(tls.base + rp.authorize_path(pushed.json["request_uri"]))
    expect(page.locator("#client")).to_be_visible()
    state = site.visit("/callback").parameters["session_state"]
    assert ask(page, tls.base, f"elsewhere {state}") == answer
    context.close()
