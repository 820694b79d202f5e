"""The id that the error page shows stands in log and journal, and finds the exchange."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from mock_sts.web.helseid.authorize import ERROR
from tests.support.emulator import Emulator, Worlds
from tests.support.machine import Answer
from tests.support.relying_party import (
    AUTHORIZE,
    PERSON,
    Browser,
    Login,
    RelyingParty,
    first_form,
    web_client,
)

RETURN = "/connect/authorize/callback?request_uri=urn:ietf:params:oauth:request_uri:GONE&client_id=web"
Leads = Callable[[Emulator, RelyingParty, Browser], Answer]


def at(path: str, method: str = "GET", form: dict[str, str] | None = None) -> Leads:
    return lambda sts, rp, browser: browser.send(method, path, form)


def _used_twice(sts: Emulator, rp: RelyingParty, browser: Browser) -> Answer:
    path = rp.authorize_path(rp.push(Login(), {"test_pid": PERSON}).json["request_uri"])
    assert browser.send("GET", path).status == 303
    return browser.send("GET", path)


def _page_too_late(sts: Emulator, rp: RelyingParty, browser: Browser) -> Answer:
    pushed = rp.push(Login(), {"acr_values": "idp:testidp-oidc"})
    page = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    action, fields = first_form(page.content.decode())
    sts.clock.advance(3600)
    return browser.send("POST", action, {**fields, "Pid": PERSON})


def query(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"


#: What ends on the error page, and the endpoint of its row in the journal.
LEADS: dict[str, tuple[Leads, str]] = {
    "unknown client": (at(query(AUTHORIZE, client_id="nobody")), AUTHORIZE),
    "no parameters": (at(AUTHORIZE), AUTHORIZE),
    "posted as JSON": (at(AUTHORIZE, "POST"), AUTHORIZE),
    "doubled parameter": (at(f"{AUTHORIZE}?client_id=web&client_id=web"), AUTHORIZE),
    "not pushed": (at(query(AUTHORIZE, client_id="web", response_type="code")), AUTHORIZE),
    "unknown request_uri": (
        at(query(AUTHORIZE, client_id="web", request_uri="urn:ietf:params:oauth:request_uri:X")),
        AUTHORIZE,
    ),
    "long parameters": (at(query(AUTHORIZE, client_id="web", scope="x" * 7000)), AUTHORIZE),
    "request_uri used twice": (_used_twice, AUTHORIZE),
    "callback": (at("/connect/authorize/callback"), "/connect/authorize/callback"),
    "list of providers": (at(query("/Account/Login", ReturnUrl=RETURN)), "/Account/Login"),
    "list of providers for nothing": (at("/Account/Login"), "/Account/Login"),
    "a provider": (at(query("/Account/ExternalLogin", provider="x", returnUrl=RETURN)), "/Account/ExternalLogin"),
    "TestIDP": (at(query("/testidp/Account/Login", returnurl=RETURN)), "/testidp/Account/Login"),
    "other page": (at(query("/mock/idp", returnurl=RETURN)), "/mock/idp"),
    "TestIDP, posted": (at(query("/testidp/Account/Login", returnurl=RETURN), "POST", {}), "/testidp/Account/Login"),
    "other page, posted": (at(query("/mock/idp", returnurl=RETURN), "POST", {}), "/mock/idp"),
    "hop": (at("/signin-testidp-oidc", "POST", {"state": "x"}), "/signin-<scheme>"),
    "page that was left open": (_page_too_late, "/testidp/Account/Login"),
}


@pytest.mark.covers("authorize.error.page.id")
@pytest.mark.parametrize("name", LEADS)
def test_an_error_page_is_found_again_by_its_id(sts: Emulator, caplog: pytest.LogCaptureFixture, name: str) -> None:
    leads, endpoint = LEADS[name]
    rp = web_client(sts)
    answer = leads(sts, rp, rp.browser())
    assert answer.headers["location"].startswith(f"{ERROR}?errorId="), answer.content
    page = sts.get(answer.headers["location"]).content.decode()
    shown = re.search(r'data-testid="error-id">([0-9a-f]{16})<', page)
    assert shown is not None, page
    (entry,) = sts.journal(error_id=shown[1])
    assert (entry["endpoint"], entry["outcome"]) == (endpoint, "refused")
    assert entry["detail"]["error_id"] == shown[1]
    assert entry["rule"] == answer.rule
    lines = [line for line in caplog.messages if f"error id {shown[1]}: " in line]
    assert len(lines) == 1 and lines[0].startswith(f"refused {endpoint}, client ")
    found = re.search(r'href="([^"]*)" data-testid="error-journal"', page)
    assert found is not None
    assert found[1] == f"/mock/journal/{shown[1]}"
    assert f'data-testid="entry-error-id">{shown[1]}<' in sts.get(found[1]).content.decode()


def test_every_page_has_an_id_of_its_own(sts: Emulator) -> None:
    found = [sts.get(AUTHORIZE) for _ in range(3)]
    ids = {re.findall(r'"error-id">(\w+)<', sts.get(a.headers["location"]).content.decode())[0] for a in found}
    assert len(ids) == 3
    assert [len(sts.journal(error_id=one)) for one in ids] == [1, 1, 1]
    assert sts.journal(error_id="0" * 16) == []


def test_what_travels_to_the_client_has_no_page_and_no_id(sts: Emulator) -> None:
    rp = web_client(sts)
    pushed = rp.push(Login(), {"prompt": "none"})
    assert (
        "error=login_required"
        in rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])).headers["location"]
    )
    assert "error_id" not in sts.journal(limit="1")[0]["detail"]


def test_the_link_of_the_page_leads_below_the_path_of_the_public_url(worlds: Worlds) -> None:
    sts = worlds.make(public_url="http://localhost:8080/helseid")
    page = sts.get(sts.get(f"/helseid{AUTHORIZE}").headers["location"]).content.decode()
    assert 'href="/helseid/mock/journal/' in page


@pytest.mark.parametrize("text", ["", "x", "0" * 15, "0" * 17, "0" * 15 + "G", "%25", '"', "0" * 15 + "A"])
def test_what_is_no_id_is_told(sts: Emulator, text: str) -> None:
    answer = sts.get(f"/mock/api/v1/journal?error_id={text}")
    assert answer.status == 400
    assert "16 hexadecimal digits" in answer.json["detail"]
