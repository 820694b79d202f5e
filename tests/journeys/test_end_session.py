"""Logout that a client asks for, row by row."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.emulator import Emulator
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, decode
from tests.support.relying_party import (
    REDIRECT_URI,
    Browser,
    Login,
    RelyingParty,
    answer_parameters,
    first_form,
    web_client,
)

OUT = "http://localhost:8089/out"
OUT_WITH_QUERY = "http://localhost:8089/out?from=sts"


def register_web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    return web_client(sts, client_id, **{"post_logout_redirect_uris": [OUT, OUT_WITH_QUERY], **members})


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return register_web(sts)


def log_in(rp: RelyingParty, browser: Browser, **changes: Any) -> dict[str, Any]:
    """The tokens of a login in ``browser``."""
    login = Login()
    answer = rp.redeem(login, rp.log_in(login, changes, browser)["code"])
    assert answer.status == 200, answer.content
    tokens: dict[str, Any] = answer.json
    return tokens


def log_out(browser: Browser, method: str = "GET", **parameters: str) -> Answer:
    path = "/connect/endsession"
    if method == "POST":
        return browser.follow(browser.send("POST", path, parameters))
    return browser.follow(browser.send("GET", f"{path}?{urlencode(parameters)}" if parameters else path))


def is_logged_in(rp: RelyingParty, browser: Browser) -> bool:
    pushed = rp.push(Login(), {"prompt": "none"})
    answer = browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))
    parameters = answer_parameters(answer)
    if "code" in parameters:
        return True
    assert parameters["error"] == "login_required"
    return False


def page(answer: Answer) -> str:
    """The text of a page of the server."""
    assert answer.status == 200
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    return answer.content.decode()


@pytest.mark.covers("contract.78")
@pytest.mark.covers("end-session.hint", "end-session.redirect")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hint_logs_out_at_once_and_sends_back(rp: RelyingParty, method: str) -> None:
    browser = rp.browser()
    tokens = log_in(rp, browser)
    assert is_logged_in(rp, browser)
    answer = log_out(browser, method, id_token_hint=tokens["id_token"], post_logout_redirect_uri=OUT)
    assert answer.status in (302, 303)
    assert answer.headers["location"] == OUT
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.hint")
def test_a_hint_alone_logs_out_and_ends_on_a_page(rp: RelyingParty) -> None:
    browser = rp.browser()
    tokens = log_in(rp, browser)
    page(log_out(browser, id_token_hint=tokens["id_token"]))
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("contract.78")
@pytest.mark.covers("end-session.state")
@pytest.mark.parametrize(
    ("uri", "state", "location"),
    [
        (OUT, "abc", f"{OUT}?state=abc"),
        (OUT, "a b&c=d+e/æ", f"{OUT}?state=a%20b%26c%3Dd%2Be%2F%C3%A6"),
        (OUT_WITH_QUERY, "abc", f"{OUT_WITH_QUERY}&state=abc"),
        (OUT_WITH_QUERY, None, OUT_WITH_QUERY),
    ],
)
def test_state_comes_back_in_the_query(rp: RelyingParty, uri: str, state: str | None, location: str) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    more = {} if state is None else {"state": state}
    assert log_out(browser, id_token_hint=hint, post_logout_redirect_uri=uri, **more).headers["location"] == location


@pytest.mark.covers("end-session.hint.expired")
def test_an_expired_hint_will_do(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    sts.clock.advance(7_200)
    assert log_out(browser, id_token_hint=hint, post_logout_redirect_uri=OUT).headers["location"] == OUT
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.unregistered-uri")
@pytest.mark.parametrize(
    "uri", ["https://elsewhere.example/", OUT + "/", OUT + "?x=1", OUT.upper(), REDIRECT_URI, "/connect/endsession"]
)
def test_an_unregistered_uri_is_not_followed_but_the_session_ends(rp: RelyingParty, uri: str) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    text = page(log_out(browser, id_token_hint=hint, post_logout_redirect_uri=uri, state="abc"))
    assert uri not in text or uri == "/connect/endsession"
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.unregistered-uri")
def test_another_clients_uri_is_not_followed(sts: Emulator, rp: RelyingParty) -> None:
    other = "http://localhost:8090/out"
    register_web(sts, "other", jwk=private_jwk("ES256", 5), post_logout_redirect_uris=[other])
    browser = rp.browser()
    page(log_out(browser, id_token_hint=log_in(rp, browser)["id_token"], post_logout_redirect_uri=other))


@pytest.mark.covers("contract.78")
@pytest.mark.covers("end-session.confirm")
@pytest.mark.parametrize("parameters", [{}, {"post_logout_redirect_uri": OUT, "state": "abc"}])
def test_without_hint_the_person_confirms_on_a_page(rp: RelyingParty, parameters: dict[str, str]) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    text = page(log_out(browser, **parameters))
    assert is_logged_in(rp, browser)
    action, fields = first_form(text)
    page(browser.follow(browser.send("POST", action, fields)))
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.confirm.forged")
@pytest.mark.parametrize("fields", [{}, {"__RequestVerificationToken": "forged"}])
def test_a_forged_confirmation_logs_nobody_out(rp: RelyingParty, fields: dict[str, str]) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    action, _ = first_form(page(log_out(browser)))
    browser.send("POST", action, fields)
    assert is_logged_in(rp, browser)


@pytest.mark.covers("end-session.confirm.forged")
def test_the_form_of_another_browser_logs_nobody_out(rp: RelyingParty) -> None:
    mallory, victim = rp.browser(), rp.browser()
    log_in(rp, mallory)
    log_in(rp, victim)
    action, fields = first_form(page(log_out(mallory)))
    victim.send("POST", action, fields)
    assert is_logged_in(rp, victim)


@pytest.mark.covers("contract.78")
@pytest.mark.covers("end-session.nobody")
def test_with_nobody_logged_in_there_is_a_plain_page(rp: RelyingParty) -> None:
    page(log_out(rp.browser()))
    page(log_out(rp.browser(), "POST"))


@pytest.mark.covers("end-session.hint.wrong")
@pytest.mark.parametrize("wrong", ["nonsense", "access token", "tampered", "other session", "other person", "unsigned"])
def test_a_wrong_hint_counts_as_none(rp: RelyingParty, wrong: str) -> None:
    browser = rp.browser()
    tokens = log_in(rp, browser)
    header, body, signature = tokens["id_token"].split(".")
    hints = {
        "nonsense": "nonsense",
        "access token": tokens["access_token"],
        "tampered": f"{header}.{body}.{'A' * len(signature)}",
        "other session": log_in(rp, rp.browser())["id_token"],
        "other person": log_in(rp, rp.browser(), test_pid="16858399649")["id_token"],
        "unsigned": f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.",
    }
    hint = hints[wrong]
    text = page(log_out(browser, id_token_hint=hint, post_logout_redirect_uri=OUT, state="abc"))
    assert is_logged_in(rp, browser)
    action, fields = first_form(text)
    page(browser.follow(browser.send("POST", action, fields)))
    assert not is_logged_in(rp, browser)


#: What keeps a logout from going back, to the words of its page in both languages.
NOTES = {
    "end-session.hint-present": ("sendte ikke id_token_hint", "sent no id_token_hint"),
    "end-session.hint": ("id_token_hint ble ikke godtatt", "id_token_hint was not accepted"),
    "end-session.hint-session": ("id_token_hint ble ikke godtatt", "id_token_hint was not accepted"),
    "end-session.redirect-uri": (
        "post_logout_redirect_uri ble ikke godtatt",
        "post_logout_redirect_uri was not accepted",
    ),
}


@pytest.mark.covers("end-session.not-accepted")
@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("logged_in", [True, False], ids=["logged in", "nobody logged in"])
@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("none", "end-session.hint-present"),
        ("nonsense", "end-session.hint"),
        ("access token", "end-session.hint"),
        ("tampered", "end-session.hint"),
        ("other session", "end-session.hint-session"),
        ("unregistered", "end-session.redirect-uri"),
        ("all is well", None),
        ("none, and nothing to go back to", None),
    ],
)
def test_the_page_says_what_was_not_accepted(
    rp: RelyingParty, kind: str, rule: str | None, logged_in: bool, language: str
) -> None:
    tokens = log_in(rp, (browser := rp.browser()))
    if not logged_in:
        browser = rp.browser()
    hints = {
        "none": None,
        "none, and nothing to go back to": None,
        "nonsense": "nonsense",
        "access token": tokens["access_token"],
        "tampered": tokens["id_token"][:-20] + "A" * 20,
        "other session": log_in(rp, rp.browser())["id_token"],
    }
    hint = hints.get(kind, tokens["id_token"])
    uri = {"unregistered": "https://elsewhere.example/", "none, and nothing to go back to": None}.get(kind, OUT)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": uri, "ui_locales": language}
    answer = log_out(browser, **{name: value for name, value in asked.items() if value is not None})
    if kind == "all is well" or (kind == "other session" and not logged_in):
        assert answer.headers["location"] == OUT
        return
    text = page(answer)
    for _ in range(2):  # the question, if there is one, and the page after it
        told = re.findall(r'<p role="note" data-testid="not-accepted">(.*?) <code>(.*?)</code></p>', text, re.S)
        assert len(told) == (rule is not None)
        if rule is not None:
            assert told[0][1] == rule
            assert NOTES[rule][language == "en"] in told[0][0]
        if "<form" in text:
            text = page(browser.send("POST", *first_form(text)))
    assert ("You are logged out" if language == "en" else "Du er logget ut") in text
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.not-accepted")
def test_a_form_cannot_put_words_on_the_page(rp: RelyingParty) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    action, fields = first_form(page(log_out(browser, post_logout_redirect_uri=OUT)))
    assert fields["breach"] == "end-session.hint-present"
    text = page(browser.send("POST", action, {**fields, "breach": "<b>call this number</b>"}))
    assert "call this number" not in text and 'role="note"' not in text


@pytest.mark.covers("end-session.this-browser")
def test_other_browsers_stay_logged_in(rp: RelyingParty) -> None:
    one, other = rp.browser(), rp.browser()
    hint = log_in(rp, one)["id_token"]
    log_in(rp, other)
    log_out(one, id_token_hint=hint)
    assert not is_logged_in(rp, one)
    assert is_logged_in(rp, other)


@pytest.mark.covers("end-session.all-clients")
def test_logout_at_one_client_is_logout_at_all(sts: Emulator, rp: RelyingParty) -> None:
    second = register_web(sts, "second", jwk=private_jwk("ES256", 5))
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    log_in(second, browser, test_pid=ABSENT)
    log_out(browser, id_token_hint=hint)
    assert not is_logged_in(second, browser)


@pytest.mark.covers("end-session.new-session")
def test_the_next_login_is_a_new_session(rp: RelyingParty) -> None:
    browser = rp.browser()
    first = log_in(rp, browser)["id_token"]
    log_out(browser, id_token_hint=first)
    second = log_in(rp, browser)["id_token"]
    assert decode(first)[1]["sid"] != decode(second)[1]["sid"]


@pytest.mark.covers("end-session.access-tokens-live-on")
def test_userinfo_still_answers_after_logout(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    tokens = log_in(rp, browser)
    before = rp.user_info(tokens["access_token"]).json
    log_out(browser, id_token_hint=tokens["id_token"])
    assert rp.user_info(tokens["access_token"]).json == before
    sts.clock.advance(600)
    assert rp.user_info(tokens["access_token"]).status == 401


@pytest.mark.covers("end-session.language")
@pytest.mark.parametrize(
    ("ui_locales", "language", "question", "end"),
    [
        (None, "nb", "Vil du logge ut?", "Du er logget ut"),
        ("nb-no", "nb", "Vil du logge ut?", "Du er logget ut"),
        ("en", "en", "Do you want to log out?", "You are logged out"),
        ("en-us nb", "en", "Do you want to log out?", "You are logged out"),
        ("de fr en", "en", "Do you want to log out?", "You are logged out"),
        ("<x>", "nb", "Vil du logge ut?", "Du er logget ut"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_speak_the_language_that_is_asked_for(
    rp: RelyingParty, method: str, ui_locales: str | None, language: str, question: str, end: str
) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    asked = {} if ui_locales is None else {"ui_locales": ui_locales}
    text = page(log_out(browser, method, **asked))
    assert question in text and f'<html lang="{language}">' in text
    action, fields = first_form(text)
    text = page(browser.send("POST", action, fields))
    assert end in text and f'<html lang="{language}">' in text
    assert end in page(log_out(browser, method, id_token_hint=hint, **asked))


@pytest.mark.covers("end-session.confirm.forged", "end-session.language")
def test_a_forged_confirmation_asks_again_in_the_same_language(rp: RelyingParty) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    action, fields = first_form(page(log_out(browser, ui_locales="en")))
    text = page(browser.send("POST", action, {**fields, "__RequestVerificationToken": "forged"}))
    assert "Do you want to log out?" in text
    page(browser.send("POST", *first_form(text)))
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.hint.other-client")
def test_the_hint_says_which_client_the_browser_goes_back_to(sts: Emulator, rp: RelyingParty) -> None:
    other = "http://localhost:8090/out"
    second = register_web(sts, "second", jwk=private_jwk("ES256", 5), post_logout_redirect_uris=[other])
    for uri, location in ((other, other), (OUT, None)):
        browser = rp.browser()
        log_in(rp, browser)
        hint = log_in(second, browser, test_pid=ABSENT)["id_token"]
        answer = log_out(browser, id_token_hint=hint, post_logout_redirect_uri=uri, client_id="web")
        assert answer.headers.get("location") == location
        assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.hint.nobody")
def test_with_nobody_logged_in_a_hint_still_leads_back(rp: RelyingParty) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    for _ in range(2):
        answer = log_out(browser, id_token_hint=hint, post_logout_redirect_uri=OUT, state="s")
        assert answer.headers["location"] == f"{OUT}?state=s"
    answer = log_out(rp.browser(), id_token_hint=hint, post_logout_redirect_uri=OUT)
    assert answer.headers["location"] == OUT
    page(log_out(rp.browser(), id_token_hint="nonsense", post_logout_redirect_uri=OUT))


@pytest.mark.covers("end-session.form")
def test_a_post_counts_by_its_form_alone(rp: RelyingParty) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": OUT})
    page(browser.send("POST", f"/connect/endsession?{query}", {}))
    assert is_logged_in(rp, browser)


@pytest.mark.covers("end-session.methods")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH"])
def test_other_methods_log_nobody_out(rp: RelyingParty, method: str) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    assert browser.send(method, f"/connect/endsession?{urlencode({'id_token_hint': hint})}").status == 405
    assert is_logged_in(rp, browser)


@pytest.mark.covers("end-session.methods")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_a_post_confirms(rp: RelyingParty, method: str) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    action, fields = first_form(page(log_out(browser)))
    assert browser.send(method, f"{action}?{urlencode(fields)}").status == (200 if method == "GET" else 405)
    assert is_logged_in(rp, browser)


@pytest.mark.covers("end-session.question")
@pytest.mark.parametrize(
    ("query", "question"), [("", "Vil du logge ut?"), ("?ui_locales=en", "Do you want to log out?")]
)
def test_the_address_of_the_form_shows_the_question(rp: RelyingParty, query: str, question: str) -> None:
    browser = rp.browser()
    assert question not in page(browser.send("GET", f"/Account/Logout{query}"))  # nobody is logged in
    log_in(rp, browser)
    text = page(browser.send("GET", f"/Account/Logout{query}"))
    assert question in text
    assert is_logged_in(rp, browser)
    page(browser.send("POST", *first_form(text)))
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("end-session.hostile")
@pytest.mark.parametrize(
    "query",
    [
        "id_token_hint=%00",
        "id_token_hint=%ff",
        "id_token_hint=" + "a" * 20_000,
        "id_token_hint=a.b.c&id_token_hint=d.e.f",
        "id_token_hint=..&post_logout_redirect_uri=javascript:alert(1)",
        "state=%3Cscript%3Ealert(1)%3C/script%3E&post_logout_redirect_uri=//evil.example",
        "ui_locales=" + "en-" * 5_000,
        "&".join(f"p{number}=1" for number in range(300)),
        "%",
        "=",
    ],
    ids=range(10),
)
def test_a_strange_request_logs_nobody_out(rp: RelyingParty, query: str) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    for answer in (
        browser.send("GET", f"/connect/endsession?{query}"),
        browser.send("POST", "/connect/endsession", dict(pair.partition("=")[::2] for pair in query.split("&"))),
    ):
        assert answer.status in (200, 400)
        assert "location" not in answer.headers
        assert b"<script" not in answer.content and b"evil.example" not in answer.content
    assert is_logged_in(rp, browser)


@pytest.mark.covers("end-session.page-safety")
def test_pages_are_framed_by_nobody_and_kept_by_nobody(rp: RelyingParty) -> None:
    browser = rp.browser()
    log_in(rp, browser)
    question = log_out(browser)
    action, fields = first_form(page(question))
    for answer in (question, browser.send("POST", action, fields)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.covers("end-session.journal")
def test_the_journal_tells_of_a_logout(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    log_out(browser, id_token_hint=hint)
    row = sts.journal(client_id="web")[0]
    assert (row["endpoint"], row["outcome"]) == ("/connect/endsession", "granted")
    assert row["detail"] == {"sid": decode(hint)[1]["sid"], "front_channel": [], "back_channel": []}


@pytest.mark.covers("end-session.loopback-port")
@pytest.mark.parametrize(
    ("registered", "uri", "follows"),
    [
        ("http://localhost/out", "http://localhost:51234/out", True),
        ("http://127.0.0.1/out", "http://127.0.0.1:51234/out", True),
        ("https://localhost/out", "https://localhost:51234/out", True),
        ("https://localhost/out", "http://localhost:51234/out", False),
        ("http://localhost/out", "http://localhost:51234/other", False),
        ("http://localhost/out", "http://127.0.0.1:51234/out", False),
        ("http://localhost/out", "https://localhost:51234/out", False),
        ("http://localhost/out", "http://localhost:51234@evil.example/out", False),
        ("http://localhost/out", "http://localhost:51234/out?x=1", False),
        ("http://localhost:8089/out", "http://localhost:51234/out", False),
        ("https://app.example/out", "https://app.example:51234/out", False),
    ],
)
def test_a_loopback_address_without_port_fits_every_port(
    sts: Emulator, registered: str, uri: str, follows: bool
) -> None:
    rp = register_web(sts, post_logout_redirect_uris=[registered])
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    answer = log_out(browser, id_token_hint=hint, post_logout_redirect_uri=uri)
    assert answer.headers.get("location") == (uri if follows else None)
    assert not is_logged_in(rp, browser)
