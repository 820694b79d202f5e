"""Logins through the pages and without them, in the steps that tests want to look at."""

import html
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.emulator import Emulator, register_api
from tests.support.machine import Answer, decode
from tests.support.relying_party import (
    AUTHORIZE,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
    web_client,
)

PID = "helseid://claims/identity/pid"
LEVEL = "helseid://claims/identity/security_level"
HPR = "helseid://claims/hpr/hpr_number"


def web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    """A web application with an API that it may call."""
    register_api(sts.store, "test:api", scopes=["test:api/read"])
    return web_client(sts, client_id, **members)


def begin(rp: RelyingParty, login: Login, browser: Browser, changes: dict[str, Any] | None = None) -> Answer:
    """PAR with ``changes``, and the first answer of the authorize endpoint."""
    pushed = rp.push(login, changes)
    assert pushed.status == 201, pushed.content
    return browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))


def begin_signed(
    rp: RelyingParty, login: Login, browser: Browser, changes: dict[str, Any] | None = None, *, pushed: bool = True
) -> Answer:
    """The same with everything in a signed request object: pushed, else in a form of the browser."""
    claims = {**rp.parameters(login, changes), "sub": rp.machine.client_id}
    request = rp.machine.assertion(header={"typ": "oauth-authz-req+jwt"}, claims=claims)
    if not pushed:
        return browser.send("POST", AUTHORIZE, {"client_id": rp.machine.client_id, "request": request})
    form = rp.machine.form(rp.machine.assertion())
    form = {name: form[name] for name in ("client_id", "client_assertion_type", "client_assertion")}
    answer = rp.machine.post({**form, "request": request}, path="/connect/par")
    assert answer.status == 201, answer.content
    return browser.send("GET", rp.authorize_path(answer.json["request_uri"]))


def begin_plain(rp: RelyingParty, login: Login, browser: Browser, changes: dict[str, Any] | None = None) -> Answer:
    """The same without PAR: everything in the query."""
    return browser.send("GET", f"{AUTHORIZE}?{urlencode(rp.parameters(login, changes))}")


def listed(page: Answer) -> list[str]:
    """The schemes of the providers that the list shows, in order."""
    assert page.status == 200, page.content
    return re.findall(r'data-testid="provider-([\w-]+)"', page.content.decode())


def page_of(browser: Browser, first: Answer, provider: str | None = None) -> Answer:
    """The page of a provider: behind the list where one is named by its display name, else where ``first`` leads."""
    page = browser.follow(first)
    assert page.status == 200, page.content
    return page if provider is None else browser.follow(browser.send("GET", anchor(page.content.decode(), provider)))


def fill_in(browser: Browser, page: Answer, **typed: str) -> Answer:
    """Post the form of a provider's page with what is ``typed``; the answer, redirects inside the server followed."""
    assert page.status == 200, page.content
    action, fields = first_form(page.content.decode())
    return browser.follow(browser.send("POST", action, {**fields, **typed}))


def checked(page: Answer) -> str | None:
    """The eID that is chosen on a page, None where it offers none."""
    for tag in re.findall(r'<input type="radio"[^>]*>', page.content.decode()):
        if tag.endswith(" checked>"):
            found = re.search(r'value="([^"]*)"', tag)
            assert found is not None, tag
            return found[1]
    return None


def message_of(page: Answer) -> str:
    """What the page tells somebody who cannot log in so."""
    assert page.status == 400, page.content
    found = re.search(r'role="alert"[^>]*>([^<]+)<', page.content.decode())
    assert found is not None, page.content
    return html.unescape(found[1])


def identity(rp: RelyingParty, login: Login, answer: Answer) -> dict[str, Any]:
    """The claims of the ID token behind an answer that brings a code."""
    found = answer_parameters(answer)
    assert "code" in found, found
    assert found["state"] == login.state
    tokens = rp.redeem(login, found["code"])
    assert tokens.status == 200, tokens.content
    return decode(tokens.json["id_token"])[1]


def refused(answer: Answer, login: Login) -> tuple[str, str]:
    """Error and description of a refusal that travels to the client, with state and issuer."""
    found = answer_parameters(answer)
    assert "code" not in found, found
    assert (found.pop("state"), found.pop("iss")) == (login.state, "http://localhost:8080")
    return found.pop("error"), found.pop("error_description", "")


def shows_a_page(answer: Answer) -> None:
    """Nothing tells who logs in, so the person has to."""
    assert answer.status == 303, answer.content
    path = urlsplit(answer.headers["location"]).path
    assert path in ("/Account/Login", "/Account/ExternalLogin"), answer.headers["location"]
