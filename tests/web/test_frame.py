"""The frame of all pages: in the language that a visitor asks for, with a switch, and with ways to other pages."""

import re
from pathlib import Path

import pytest

from mock_sts.web.mock.pages.home import command
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import Answer
from tests.support.relying_party import Browser, Login, RelyingParty, web_client


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web_client(sts)


def language(page: Answer) -> str:
    found = re.search(r'<html lang="(\w+)">', page.content.decode())
    assert found is not None, page.content
    return found[1]


def providers(rp: RelyingParty, browser: Browser, accept: str | None = None, **changes: str) -> Answer:
    pushed = rp.push(Login(), changes)
    first = browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))
    location = first.headers["location"]
    return browser.send("GET", location, Accept_Language=accept) if accept else browser.send("GET", location)


@pytest.mark.covers("pages.accept-language")
@pytest.mark.parametrize(
    ("accept", "ours", "helseids"),
    [
        (None, "en", "nb"),
        ("en", "en", "en"),
        ("en-US,en;q=0.9", "en", "en"),
        ("nb-NO,nb;q=0.9,en;q=0.8", "nb", "nb"),
        ("no", "nb", "nb"),
        ("nn", "nb", "nb"),
        ("en;q=0.5, nb;q=0.7", "nb", "nb"),
        ("nb;q=0, en;q=0.1", "en", "en"),
        ("sv, de;q=0.5", "en", "nb"),
        ("*", "en", "nb"),
        ("en;q=x, nb", "nb", "nb"),
        (",;,;q=1,=", "en", "nb"),
        ("en-" * 5_000, "en", "en"),
    ],
)
def test_pages_follow_what_the_browser_prefers(
    sts: Emulator, rp: RelyingParty, accept: str | None, ours: str, helseids: str
) -> None:
    headers = {"Accept-Language": accept} if accept else {}
    for path in ("/", "/mock/doctor", "/mock/parts", "/mock/as/kvart-grevling", "/mock/as/x"):
        assert language(sts.get(path, headers)) == ours, path
    assert language(providers(rp, rp.browser(), accept)) == helseids
    assert language(sts.get("/home/error", headers)) == helseids


@pytest.mark.covers("pages.accept-language")
@pytest.mark.parametrize(
    ("ui_locales", "expected"), [("nb-NO", "nb"), ("en-us", "en"), ("EN-GB", "en"), ("sv en", "en"), ("sv", "en")]
)
def test_what_a_client_asks_for_goes_before_it(sts: Emulator, rp: RelyingParty, ui_locales: str, expected: str) -> None:
    assert language(providers(rp, rp.browser(), "en", ui_locales=ui_locales)) == expected
    assert language(sts.get(f"/home/error?ui_locales={ui_locales}", {"Accept-Language": "en"})) == expected


@pytest.mark.covers("pages.switch")
def test_the_switch_leads_to_the_same_page_and_is_kept(rp: RelyingParty) -> None:
    browser = rp.browser()
    page = providers(rp, browser, ui_locales="nb-no")
    assert language(page) == "nb"
    link = re.search(r'href="([^"]*)" lang="en"', page.content.decode())
    assert link is not None
    page = browser.send("GET", link[1].replace("&amp;", "&"))
    assert language(page) == "en" and 'data-testid="provider-testidp-oidc"' in page.content.decode()
    # It goes along through this login, although the client has asked for Norwegian.
    form = browser.follow(browser.send("GET", anchor_of(page)))
    assert language(form) == "en" and 'id="login-form"' in form.content.decode()
    # Later pages keep it, unless a client asks for another.
    assert language(browser.send("GET", "/home/error")) == "en"
    assert language(providers(rp, browser)) == "en"
    assert language(providers(rp, browser, ui_locales="nb-no")) == "nb"


def anchor_of(page: Answer) -> str:
    found = re.search(r'<a id="Test IDP"[^>]*href="([^"]*)"', page.content.decode())
    assert found is not None, page.content
    return found[1].replace("&amp;", "&")


@pytest.mark.covers("pages.switch")
@pytest.mark.parametrize("value", ["", "de", "<script>", "nb nb", "en" * 9])
def test_a_language_that_the_pages_do_not_have_is_not_kept(sts: Emulator, value: str) -> None:
    answer = sts.get("/?language=" + value.replace(" ", "+"))
    assert language(answer) == "en"
    assert "set-cookie" not in answer.headers
    assert value == "" or f'"{value}"' not in answer.content.decode()


@pytest.mark.covers("pages.frame")
def test_our_pages_lead_to_one_another_and_helseids_do_not(sts: Emulator, rp: RelyingParty) -> None:
    for path, here in (("/", "home"), ("/mock/demo", "demo"), ("/mock/doctor", "doctor")):
        text = sts.get(path).content.decode()
        assert f'data-testid="nav-{here}" aria-current="page"' in text
        assert text.count('aria-current="page"') == 1
    text = providers(rp, rp.browser()).content.decode()
    assert "nav-" not in text and "Emulator" in text and "<script" not in text


@pytest.mark.covers("pages.frame")
def test_the_frame_leads_on_below_the_path_of_an_environment(worlds: Worlds) -> None:
    sts = worlds.make(public_url="http://localhost:8080/helseid")
    links = re.findall(r'href="([^"]*)"', sts.get("/helseid/").content.decode())
    assert len(links) > 6 and all(link.startswith("/helseid/") for link in links), links


@pytest.mark.covers("pages.parts")
def test_one_page_shows_every_part(sts: Emulator) -> None:
    text = sts.get("/mock/parts").content.decode()
    for part in (
        "message good",
        "badge bad",
        'class="card"',
        'class="code',
        'class="tabs"',
        'class="cards"',
        "<details",
    ):
        assert part in text
    script = sts.get("/mock/script.js")
    assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=UTF-8")


# The error page


def error_page(sts: Emulator, browser: Browser, first: Answer) -> str:
    page = browser.send("GET", first.headers["location"])
    assert page.status == 400
    return page.content.decode()


@pytest.mark.covers("pages.error")
@pytest.mark.parametrize(("ui_locales", "title"), [("nb", "kan ikke gjennomføres"), ("en-us", "cannot go on")])
def test_the_error_page_leads_to_the_remedy(sts: Emulator, ui_locales: str, title: str) -> None:
    rp = web_client(sts, require_pushed_authorization_requests=False)
    browser = rp.browser()
    address = f"/connect/authorize?client_id={rp.machine.client_id}&response_type=code&scope=openid&state=s"
    first = browser.send("GET", f"{address}&redirect_uri=http://localhost:8089/other&ui_locales={ui_locales}")
    text = error_page(sts, browser, first)
    assert title in text.split("<h1>")[1].split("</h1>")[0]
    # The remedy first, then what was expected (all of it, as a list) and observed, then where to look.
    places = [text.index(f'data-testid="{name}"') for name in ("remedy", "error", "rule-page", "expected", "observed")]
    assert places == sorted(places)
    expected = text.split('data-testid="expected"')[1].split("</dd>")[0]
    assert re.findall(r"<li><code>([^<]*)</code></li>", expected) == ["http://localhost:8089/callback"]
    assert "http://localhost:8089/other" in text.split('data-testid="observed"')[1].split("</dd>")[0]
    assert f'data-testid="error-client">{rp.machine.client_id}<' in text
    assert '<code data-testid="client-page">http://localhost:8089/other</code>' in text
    assert "start-again" not in text, "an address that no client has is no link"
    rule = re.search(r'href="(/mock/rules/[^"]*)" data-testid="rule-page"', text)
    journal = re.search(r'href="([^"]*)" data-testid="error-journal"', text)
    assert rule is not None and journal is not None
    for link in (rule[1], journal[1]):
        assert 'data-testid="remedy"' in sts.get(link).content.decode()


@pytest.mark.covers("pages.error", "login.people.over")
def test_the_error_page_of_a_login_that_is_over_says_where_to_start_again(sts: Emulator, rp: RelyingParty) -> None:
    browser, login = rp.browser(), Login()
    pushed = rp.push(login, {"test_pid": "06828399789", "ui_locales": "en"})
    path = rp.authorize_path(pushed.json["request_uri"])
    assert "code=" in browser.send("GET", path).headers["location"]
    text = error_page(sts, browser, browser.send("GET", path))
    assert 'lang="en"' in text and 'data-testid="over"' in text
    assert 'href="http://localhost:8089/" data-testid="start-again"' in text


@pytest.mark.covers("pages.error")
def test_without_the_administration_token_the_error_page_lists_no_registration(worlds: Worlds) -> None:
    sts = worlds.make(admin_token="secret")
    rp = web_client(sts, require_pushed_authorization_requests=False)
    address = (
        f"/connect/authorize?client_id={rp.machine.client_id}&response_type=code&scope=openid&redirect_uri=http://x"
    )
    text = error_page(sts, rp.browser(), rp.browser().send("GET", address))
    assert 'data-testid="remedy"' in text and "<li><code>" not in text


# Who logs in in this browser


@pytest.mark.covers("pages.persona")
def test_the_persona_cookie_can_be_seen_and_taken_back(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    text = browser.send("GET", "/mock/as").content.decode()
    assert "No person is chosen" in text and "take-back" not in text
    text = browser.send("GET", "/mock/as/kvart-grevling").content.decode()
    assert "From now on all logins in this browser are as kvart-grevling." in text
    for path in ("/mock/as", "/"):
        text = browser.send("GET", path).content.decode()
        assert "Logins in this browser are as" in text and "kvart-grevling" in text, path
    assert "code=" in browser.send("GET", rp.authorize_path(pushed(rp))).headers["location"]
    # By the button, and by no form of another page.
    assert browser.send("POST", "/mock/as", {}).status == 403
    field = re.search(r'name="__RequestVerificationToken" type="hidden" value="([^"]*)"', fresh(browser, "/mock/as"))
    assert field is not None
    answer = browser.send("POST", "/mock/as", {"__RequestVerificationToken": field[1]})
    assert answer.headers["location"] == "/mock/as"
    assert any(re.match(r"mock-sts-persona-[^=]*=; Expires=Thu, 01 Jan 1970", one) for one in answer.cookies)
    browser.cookies = {name: value for name, value in browser.cookies.items() if "persona" not in name}
    assert "No person is chosen" in fresh(browser, "/mock/as")


def pushed(rp: RelyingParty) -> str:
    return str(rp.push(Login()).json["request_uri"])


def fresh(browser: Browser, path: str) -> str:
    return browser.send("GET", path).content.decode()


@pytest.mark.covers("pages.persona")
def test_a_person_that_is_none_is_said_in_the_words_of_the_error(sts: Emulator) -> None:
    page = sts.get("/mock/as/kvart-grevlin")
    assert page.status == 404 and "kvart-grevling" in page.content.decode()
    assert "set-cookie" not in page.headers or "persona" not in page.headers["set-cookie"]


# Home


@pytest.mark.covers("pages.home")
def test_home_has_a_snippet_per_library_for_this_very_address(worlds: Worlds) -> None:
    sts = worlds.make(public_url="http://sts.test:8080")
    text = sts.get("/", {"Host": "sts.test:8080"}).content.decode()
    for platform in (".NET", "Java", "Node.js", "Python"):
        snippet = text.split(f"<summary>{platform}</summary>")[1].split("</details>")[0]
        assert "http://sts.test:8080" in snippet and "demo-machine" in snippet, platform
    assert 'data-testid="ready-06828399789"' in text
    for words in ("helseid", "default"):
        assert f"<code>{words}</code>" in text


@pytest.mark.covers("pages.home")
def test_home_shows_the_first_command_as_it_works_here(
    sts: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mock-sts").touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    for path, folder, expected in (
        ("", tmp_path, "bin/mock-sts"),
        (str(tmp_path / "bin"), tmp_path, "mock-sts"),
        ("", Path("/"), str((tmp_path / "bin" / "mock-sts").relative_to("/"))),
        ("", tmp_path / "bin" / "..", "bin/mock-sts"),
    ):
        monkeypatch.setenv("PATH", path)
        monkeypatch.chdir(folder)
        command.cache_clear()
        assert command() == expected
    command.cache_clear()
