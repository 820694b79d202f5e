"""The pages as texts: what test drivers hold on to, both languages, nothing from elsewhere; tests/browser has more."""

import html
import importlib
import pkgutil
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import mock_sts
from mock_sts import demo, web
from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.store.personas import Personas
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.web.texts import Words, language_of
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import Answer
from tests.support.relying_party import PERSON, Browser, Login, RelyingParty, web_client

TEMPLATES = [file for package in (web, demo) for file in Path(package.__file__ or "").parent.glob("templates/*.html")]
PICTURES = Path(__file__).parents[2] / "docs" / "images"


class Elements(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, page: Answer) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def one(self, tag: str, **having: str) -> dict[str, str]:
        fits = [a for t, a in self.found if t == tag and all(a.get(name) == value for name, value in having.items())]
        assert len(fits) == 1, (tag, having, fits)
        return fits[0]


def data_test_ids(page: Elements) -> list[str]:
    return [attributes["data-testid"] for _, attributes in page.found if "data-testid" in attributes]


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web_client(sts)


def open_page(rp: RelyingParty, browser: Browser, scheme: str, **changes: str) -> Elements:
    pushed = rp.push(Login(), {"acr_values": f"idp:{scheme}", **changes})
    page = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    assert page.status == 200
    return Elements(page)


@pytest.mark.covers("pages.contract")
def test_what_drivers_hold_on_to_on_the_page_of_the_testidp(rp: RelyingParty) -> None:
    page = open_page(rp, rp.browser(), "testidp-oidc")
    forms = [attributes for tag, attributes in page.found if tag == "form"]
    assert forms[0]["id"] == "login-form"
    assert forms[0]["method"] == "post"
    assert page.one("input", id="username")["name"] == "Pid"
    assert page.one("select", id="SecurityLevel")["name"] == "SecurityLevel"
    assert page.one("input", id="HprNumber")["name"] == "HprNumber"
    assert page.one("button", id="login-submit").get("name") is None
    assert page.one("button", id="login-cancel")["value"] == "access_denied"
    ids = {"client", "pid", "level", "hpr-number", "login", "cancel", "search", "find", "more"}
    ids |= {f"outcome-{name}" for name in ("level_too_low", "provider_error", "timeout", "slow")}
    ids |= {f"{what}-{PERSON}" for what in ("person", "log-in-as", "show")}
    assert ids <= set(data_test_ids(page))
    # The first button is that of the form; those of people belong to a form of their own, which comes later.
    buttons = [attributes for tag, attributes in page.found if tag == "button"]
    assert buttons[0]["id"] == "login-submit"
    button = page.one("button", value=PERSON)
    assert button["name"] == "persona" and "form" not in button
    assert [form.get("id") for form in forms] == ["login-form", None, "people-form"]
    assert {form["action"] for form in (forms[0], forms[2])} == {forms[0]["action"]}


@pytest.mark.covers("pages.contract")
def test_what_drivers_hold_on_to_on_the_pages_of_other_providers(rp: RelyingParty) -> None:
    page = open_page(rp, rp.browser(), "idporten-oidc")
    assert page.one("input", id="username")["name"] == "Pid"
    assert {"eid-bankid", "eid-buypass", "eid-commfides", "eid-minid", "login", "cancel"} <= set(data_test_ids(page))
    names = {attributes.get("name") for tag, attributes in page.found if tag in ("input", "select")}
    assert names == {"Pid", "Eid", "__RequestVerificationToken", "provider", "returnurl", "q"}


@pytest.mark.covers("pages.contract")
def test_every_field_has_a_label_and_no_id_comes_twice(rp: RelyingParty) -> None:
    for scheme in ("testidp-oidc", "idporten-oidc", "bankid-oidc"):
        page = open_page(rp, rp.browser(), scheme, login_hint="x")
        labelled = {attributes["for"] for tag, attributes in page.found if tag == "label"}
        fields = [a for tag, a in page.found if tag in ("input", "select") and a.get("type") != "hidden"]
        assert {field["id"] for field in fields} == labelled
        ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
        assert len(ids) == len(set(ids)), ids
        assert len(data_test_ids(page)) == len(set(data_test_ids(page)))


def words_of_pages() -> dict[str, Words]:
    """Every table of words, by the module that has it."""
    names = [
        info.name for package in (web, demo) for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    tables = {name: getattr(importlib.import_module(name), "WORDS", None) for name in names}
    return {name: table for name, table in tables.items() if table is not None}


def chosen_by_modules() -> set[str]:
    """Names that stand as texts in the code more than in the table that they are from: reasons, outcomes, sections."""
    root = Path(mock_sts.__file__).parent
    code = "".join(file.read_text(encoding="utf-8") for file in root.rglob("*.py"))
    names = {name for table in words_of_pages().values() for name in table}
    return {name for name in names if code.count(f'"{name}"') > 1}


@pytest.mark.covers("pages.languages")
def test_every_text_is_there_in_both_languages_and_used() -> None:
    tables = words_of_pages()
    assert len(tables) > 2
    same = [norwegian for table in tables.values() for norwegian, english in table.values() if norwegian == english]
    assert [words for words in same if len(words.split()) > 2] == [], "not translated"  # Demo, Token, API (audience)
    used = {name for file in TEMPLATES for name in re.findall(r"\bt\.(\w+)", file.read_text(encoding="utf-8"))}
    written = [name for table in tables.values() for name in table]
    assert used <= set(written), "a text that has no words"
    unused = set(written) - used - chosen_by_modules()
    assert unused == set()
    assert len(written) == len(set(written)), "a text with two tables"
    assert not [name for name in written if hasattr(dict, name)], "a template would get the method of a mapping"


@pytest.mark.covers("pages.languages")
@pytest.mark.parametrize(
    ("ui_locales", "language"),
    [
        ([], "nb"),
        (["nb-no"], "nb"),
        (["en-us"], "en"),
        (["EN"], "en"),
        (["de", "en-gb", "nb"], "en"),
        (["nn-NO", "en"], "nb"),
        (["se"], "nb"),
        ([""], "nb"),
    ],
)
def test_the_first_language_that_the_pages_have(ui_locales: list[str], language: str) -> None:
    assert language_of(ui_locales) == language


@pytest.mark.covers("pages.own-assets")
def test_the_stylesheet_is_small_and_loads_nothing(sts: Emulator) -> None:
    answer = sts.get("/mock/style.css")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/css; charset=UTF-8"
    text = answer.content.decode()
    assert len(answer.content) < 16_000
    assert "url(" not in text and "@import" not in text
    # Every class of the pages has a look.
    templates = "".join(file.read_text(encoding="utf-8") for file in TEMPLATES)
    classes = {name for found in re.findall(r'class="([^"{]*)"', templates) for name in found.split()}
    assert classes <= set(re.findall(r"\.([a-z][\w-]*)", text))


@pytest.mark.covers("pages.own-assets")
def test_the_pages_have_no_script_and_no_style_of_their_own() -> None:
    for file in TEMPLATES:
        text = file.read_text(encoding="utf-8")
        if file.name not in ("form_post.html", "page.html"):  # page.html has the one that copies, from here
            assert "<script" not in text, file.name
        assert not re.search(r"\bon[a-z]+=|\bstyle=|<style|https?://", text), file.name


@pytest.mark.covers("pages.pictures")
def test_the_pictures_are_small() -> None:
    pictures = sorted(PICTURES.iterdir())
    assert pictures
    for picture in pictures:
        data = picture.read_bytes()
        assert data[:4] == b"RIFF" and data[8:12] == b"WEBP", picture.name
        assert len(data) < 60_000, picture.name


@pytest.mark.covers("pages.home")
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_the_first_page_says_what_this_is_and_leads_on(sts: Emulator, accept: str) -> None:
    page = sts.get("/", {"Accept": accept})
    text = page.content.decode()
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Not affiliated with or endorsed by Norsk Helsenett" in text
    assert f'data-testid="issuer">{sts.issuer}<' in text
    assert f"mock-sts token {READY_CLIENT} --url {sts.issuer} " in text
    for pid, name, who in READY_PEOPLE:
        assert pid in text and name in text and html.escape(who).replace("&#x27;", "&#39;") in text
    # What it leads to is there, and under the policy of the other pages nothing is loaded from elsewhere.
    found = Elements(page).found
    links = {given["data-testid"]: given["href"] for tag, given in found if tag == "a"}
    assert {"demo", "doctor", "journal", "discovery", "nav-demo", "language-nb", "brand"} <= links.keys()
    assert {path: sts.get(path).status for path in links.values()} == dict.fromkeys(links.values(), 200)
    # HelseID's own page has a link of this name.
    assert f'<a href="{links["discovery"]}" data-testid="discovery">Metadata</a>' in text
    assert page.headers["content-security-policy"] == sts.get("/mock/doctor").headers["content-security-policy"]


@pytest.mark.covers("pages.home")
@pytest.mark.parametrize("path", ["/", "/helseid/", "/helseid"])
def test_the_first_page_leads_on_below_the_path_of_the_public_url(worlds: Worlds, path: str) -> None:
    sts = worlds.make(public_url="http://localhost:8080/helseid")
    page = sts.get(path)
    assert page.status == 200, page.content
    links = [given["href"] for tag, given in Elements(page).found if tag == "a"]
    assert len(links) > 4 and all(link.startswith("/helseid/") for link in links), links


@pytest.mark.covers("pages.home")
def test_its_command_asks_by_the_name_by_which_the_page_was_asked(worlds: Worlds) -> None:
    sts = worlds.make(public_url="https://helseid-sts.test.nhn.no", invent_people=False)
    text = sts.get("/").content.decode()
    assert 'data-testid="issuer">https://helseid-sts.test.nhn.no<' in text
    assert "goes by the name of a real HelseID, helseid-sts.test.nhn.no" in text
    assert "Any other well-formed number" not in text
    assert "mock-sts token" not in text and "for which that name is this server" in text
    text = sts.get("/", {"Host": "helseid-sts.test.nhn.no"}).content.decode()
    assert f"mock-sts token {READY_CLIENT} --url https://helseid-sts.test.nhn.no " in text
    inside = worlds.make(public_url="https://sts.test", aliases=("http://inner:8080",), url_mode="split")
    text = inside.get("/", {"Host": "inner:8080"}).content.decode()
    assert f"mock-sts token {READY_CLIENT} --url http://inner:8080 " in text
    plain = worlds.make().get("/").content.decode()
    assert "goes by the name" not in plain and "Any other well-formed number" in plain


@pytest.mark.covers("pages.home")
def test_the_first_page_is_for_known_hosts_only(worlds: Worlds) -> None:
    sts = worlds.make(public_url="https://sts.test")
    assert sts.get("/", {"Host": "evil.test"}).status == 400
    assert sts.get("/", {"Host": "sts.test"}).status == 200


@pytest.mark.covers("pages.home")
def test_the_ready_people_and_the_ready_client_are_ready(sts: Emulator) -> None:
    assert sts.app.extensions["mock_sts"].default.catalog.current().client(READY_CLIENT) is not None
    for pid, name, _ in READY_PEOPLE:
        assert Personas(sts.store, DEFAULT_ENVIRONMENT).named(name) == pid
