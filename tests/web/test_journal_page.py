"""The journal as pages: the list with its filters, one request whole, and who may see them."""

import html
import re
from urllib.parse import urlsplit

import pytest

from tests.support.emulator import Emulator, Worlds
from tests.support.environments import neighbour
from tests.support.logins import web
from tests.support.machine import Answer
from tests.support.relying_party import Browser, Login

RULE = "authorization-request.redirect-uri"
TOKEN = "s3cret-Ådmin"


def listed(page: Answer) -> list[str]:
    assert page.status == 200, page.content
    return re.findall(r'data-testid="entry-(\d+)"', page.content.decode())


@pytest.fixture
def busy(sts: Emulator) -> Emulator:
    """With a pushed request, a refusal by rule, one without a rule, and one of another client."""
    rp = web(sts, require_pushed_authorization_requests=False)
    rp.push(Login())
    browser = rp.browser()
    browser.send(
        "GET", "/connect/authorize?client_id=web&response_type=code&scope=openid&redirect_uri=http://x.test/&state=s"
    )
    browser.send("GET", "/connect/authorize?client_id=stranger")
    sts.transport.send(
        "POST", "/connect/token", {"Content-Type": "application/x-www-form-urlencoded"}, b"client_id=web"
    )
    return sts


@pytest.mark.covers("pages.journal")
@pytest.mark.parametrize(
    ("query", "fitting"),
    [
        ("", 4),
        ("client_id=web", 3),
        ("client_id=stranger", 1),
        ("endpoint=/connect/par", 1),
        ("endpoint=/connect/authorize", 2),
        ("outcome=refused", 3),
        ("outcome=granted", 1),
        ("outcome=nonsense", 4),
        (f"rule={RULE}", 1),
        ("since=300", 4),
        ("client_id=web&endpoint=/connect/authorize&outcome=refused&since=86400", 1),
        ("client_id=web&outcome=granted&rule=" + RULE, 0),
        ("client_id=%3Cscript%3E", 0),
        ("before=1", 0),
        ("before=x", 4),
        ("client_id=" + "x" * 5_000, 0),
    ],
)
def test_the_list_shows_what_fits(busy: Emulator, query: str, fitting: int) -> None:
    page = busy.get(f"/mock/journal?{query}")
    assert len(listed(page)) == fitting
    assert b"<script>" not in page.content
    assert (b'data-testid="no-entries"' in page.content) is (fitting == 0)


@pytest.mark.covers("pages.journal")
def test_a_rule_that_is_none_is_said_so_with_what_comes_near(busy: Emulator) -> None:
    page = busy.get("/mock/journal?rule=authorization-request.redirect-url")
    text = page.content.decode()
    assert 'data-testid="no-rule"' in text and RULE in text and listed(page) == []


@pytest.mark.covers("pages.journal")
def test_the_list_is_paged(sts: Emulator) -> None:
    for _ in range(53):
        sts.get("/connect/authorize?client_id=stranger")
    page = sts.get("/mock/journal")
    first = listed(page)
    assert len(first) == 50
    older = re.search(r'href="([^"]*)" data-testid="older"', page.content.decode())
    assert older is not None
    rest = listed(sts.get(html.unescape(older[1])))
    assert len(rest) == 3 and not set(first) & set(rest)


@pytest.mark.covers("pages.journal")
def test_one_entry_is_shown_whole_remedy_and_all(busy: Emulator) -> None:
    number = listed(busy.get(f"/mock/journal?rule={RULE}"))[0]
    text = busy.get(f"/mock/journal/{number}").content.decode()
    entry = busy.journal(rule=RULE)[0]
    for broken in entry["findings"]["broken"]:
        assert f'data-testid="broken-{broken["rule"]}"' in text
        assert html.escape(broken["remedy"], quote=False) in text.replace("&#39;", "'").replace("&#34;", '"')
    # All addresses that would have done, each as one.
    assert "<li><code>http://localhost:8089/callback</code></li>" in text
    assert text.index("http://x.test/") > 0
    # By the id of the error page too, and below it the rule has a page.
    same = busy.get(f"/mock/journal/{entry['detail']['error_id']}").content.decode()
    assert same.partition("<main>")[2] == text.partition("<main>")[2]
    link = re.search(rf'href="([^"]*)" data-testid="rule-{RULE}"', text)
    assert link is not None
    rule = busy.get(link[1])
    assert rule.status == 200 and f"/mock/journal?rule={RULE}" in rule.content.decode()


@pytest.mark.covers("pages.journal")
@pytest.mark.parametrize(
    ("path", "status"), [("999999", 404), ("0", 404), ("f" * 16, 404), ("x", 404), ("9" * 30, 404)]
)
def test_an_entry_that_is_not_there(busy: Emulator, path: str, status: int) -> None:
    assert busy.get(f"/mock/journal/{path}").status == status


@pytest.mark.covers("pages.rules")
def test_every_rule_has_a_page(sts: Emulator) -> None:
    links = re.findall(r'href="(/mock/rules/[^"]+)"', sts.get("/mock/rules").content.decode())
    assert len(links) > 100
    for link in links[::7]:
        page = sts.get(link)
        assert page.status == 200 and 'data-testid="remedy"' in page.content.decode()
    assert sts.get("/mock/rules/dpop.nonse").status == 404


# Who may see them

GUARDED = ("/mock/journal", "/mock/journal?client_id=web", "/mock/journal/1")
OPEN = ("/", "/mock/demo", "/mock/doctor", "/mock/rules", "/mock/parts", "/mock/style.css")


def admission(browser: Browser, path: str, token: str) -> Answer:
    """Come to a page, and answer its question."""
    page = browser.follow(browser.send("GET", path))
    assert 'data-testid="admin-token"' in page.content.decode()
    form = re.search(r'<form class="card" method="post" action="([^"]*)"', page.content.decode())
    field = re.search(r'name="__RequestVerificationToken" type="hidden" value="([^"]*)"', page.content.decode())
    assert form is not None and field is not None
    given = {"__RequestVerificationToken": field[1], "token": token}
    return browser.send("POST", html.unescape(form[1]), given)


@pytest.mark.covers("pages.admission")
@pytest.mark.parametrize("path", GUARDED)
def test_a_page_that_shows_the_journal_asks_once_for_the_token(worlds: Worlds, path: str) -> None:
    sts = worlds.make(admin_token=TOKEN)
    sts.get("/connect/authorize?client_id=stranger")
    browser = web(sts).browser()
    assert "stranger" not in browser.follow(browser.send("GET", path)).content.decode()
    wrong = admission(browser, path, "wrong")
    assert wrong.status == 403 and 'role="alert"' in wrong.content.decode()
    right = admission(browser, path, TOKEN)
    assert (right.status, right.headers["location"]) == (303, path)
    assert TOKEN not in " ".join(right.cookies)
    for once_more in (*GUARDED, "/mock/api/v1/journal"):
        assert browser.send("GET", once_more).status == 200
    assert browser.send("DELETE", "/mock/api/v1/next-login").status == 401


@pytest.mark.covers("pages.admission")
def test_home_demo_and_the_rest_ask_for_none(worlds: Worlds) -> None:
    sts = worlds.make(admin_token=TOKEN)
    assert [sts.get(path).status for path in OPEN] == [200] * len(OPEN)


@pytest.mark.covers("pages.admission")
def test_a_program_brings_the_token_and_another_servers_cookie_is_none(worlds: Worlds) -> None:
    first, second = worlds.make(admin_token=TOKEN), worlds.make(admin_token="another")
    assert second.get("/mock/journal", {"Authorization": "Bearer another"}).status == 200
    assert second.get("/mock/journal", {"Authorization": "Bearer wrong"}).status == 303
    browser = web(first).browser()
    admission(browser, "/mock/journal", TOKEN)
    name, value = next((name, value) for name, value in browser.cookies.items() if "admission" in name)
    stranger = web(second).browser()
    stranger.cookies[name] = value
    assert stranger.send("GET", "/mock/journal").status == 303


@pytest.mark.covers("pages.admission")
@pytest.mark.parametrize(
    "place", ["//evil.example/", "https://evil.example/", "/connect/token", "/mock/\\evil", "x", ""]
)
def test_the_form_leads_to_pages_of_ours_only(worlds: Worlds, place: str) -> None:
    sts = worlds.make(admin_token=TOKEN)
    browser = web(sts).browser()
    answer = admission(browser, f"/mock/admission?next={place}", TOKEN)
    assert answer.headers["location"] == "/"


@pytest.mark.covers("pages.admission")
def test_a_form_of_another_page_admits_nobody(worlds: Worlds) -> None:
    sts = worlds.make(admin_token=TOKEN)
    answer = web(sts).browser().send("POST", "/mock/admission", {"token": TOKEN})
    assert answer.status == 403 and not [one for one in answer.cookies if "admission" in one]


@pytest.mark.covers("pages.journal", "pages.admission")
def test_an_environment_has_pages_of_its_own_journal(worlds: Worlds) -> None:
    server = worlds.make(public_url="http://localhost:8080/helseid", admin_token=TOKEN)
    below = neighbour(server, "other")
    server.get("/connect/authorize?client_id=at-the-root")
    below.transport.send("GET", "/connect/authorize?client_id=below")
    browser = web(server).browser()
    whole = urlsplit(below.issuer).path
    first = browser.send("GET", f"{whole}/mock/journal")
    assert urlsplit(first.headers["location"]).path == f"{whole}/mock/admission"
    answer = admission(browser, f"{whole}/mock/journal", TOKEN)
    assert answer.headers["location"] == f"{whole}/mock/journal"
    # Admitted once for the whole server.
    for path, own, others in ((whole, "below", "at-the-root"), ("/helseid", "at-the-root", "below")):
        page = browser.send("GET", f"{path}/mock/journal")
        text = page.content.decode()
        assert f"<code>{own}</code>" in text and f"<code>{others}</code>" not in text
        links = re.findall(r'href="([^"]*)"', text)
        assert all(link.startswith(f"{path}/") for link in links), links
        assert browser.send("GET", f"{path}/mock/journal/{listed(page)[0]}").status == 200
    assert browser.send("GET", f"{whole}/mock/journal/1").status == 404  # that of the root
