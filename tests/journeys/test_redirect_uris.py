"""Redirect URIs go back byte for byte, in every kind of answer, and what no request can match is named beforehand."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.requirement import Enforcement
from mock_sts.services.registry.checks import check_before_loading, check_world
from mock_sts.services.registry.new_client import NewClient, make_client
from mock_sts.store.fixtures.files import world_folders
from mock_sts.store.fixtures.rows import read_world
from tests.support.addresses import KINDS, UNREACHABLE
from tests.support.emulator import Emulator, LiveServer, Worlds
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import Answer
from tests.support.relying_party import PERSON, REDIRECT_URI, Login, RelyingParty, first_form, web_client

LOGOUT = "/connect/endsession"
OUT_WITH_FRAGMENT = "https://app.example/#/out"


@pytest.fixture(scope="module")
def shared(shared_worlds: Worlds) -> Emulator:
    return shared_worlds.make()


@pytest.fixture(scope="module")
def rp(shared: Emulator) -> RelyingParty:
    """A client with an address of every kind; those that are no good were registered before anybody looked."""
    uris = [REDIRECT_URI, *KINDS.values(), *UNREACHABLE]
    return web_client(
        shared, "web", redirect_uris=uris, post_logout_redirect_uris=[*uris, OUT_WITH_FRAGMENT], enforcement="helseid"
    )


def location(answer: Answer) -> str:
    assert answer.status in (302, 303), answer.content
    return answer.headers["location"].encode("latin-1").decode()


def authorize(rp: RelyingParty, uri: str, **changes: str) -> Answer:
    pushed = rp.push(Login(), {"redirect_uri": uri, "test_pid": PERSON, **changes})
    assert pushed.status == 201, pushed.content
    return rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))


def assert_continues(uri: str, target: str, name: str) -> None:
    """That ``target`` is ``uri`` and then parameters, the first of them ``name``."""
    assert target.startswith(uri)
    assert target[len(uri) :].startswith(f"{'&' if '?' in uri else '?'}{name}=")


@pytest.mark.covers("text.redirect-as-registered")
@pytest.mark.parametrize("uri", KINDS.values(), ids=KINDS)
def test_a_login_returns_to_the_address_byte_for_byte(rp: RelyingParty, uri: str) -> None:
    assert_continues(uri, location(authorize(rp, uri)), "code")
    refused = authorize(rp, uri, login_hint="outcome:access_denied", test_pid="", state="s")
    assert_continues(uri, location(refused), "error")
    action, fields = first_form(authorize(rp, uri, response_mode="form_post").content.decode())
    assert action == uri and fields["code"]


@pytest.mark.covers("text.redirect-as-registered")
@pytest.mark.parametrize("uri", [*KINDS.values(), OUT_WITH_FRAGMENT], ids=[*KINDS, "fragment"])
def test_a_logout_returns_to_the_address_byte_for_byte(rp: RelyingParty, uri: str) -> None:
    browser, login = rp.browser(), Login()
    hint = rp.redeem(login, rp.log_in(login, {}, browser)["code"]).json["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": uri}
    with_state = browser.send("GET", f"{LOGOUT}?{urlencode({**asked, 'state': 'a'})}")
    assert_continues(uri, location(with_state), "state")
    assert location(browser.send("GET", f"{LOGOUT}?{urlencode(asked)}")) == uri


@pytest.mark.parametrize(
    "kind", ["upper-case scheme", "host outside ASCII", "path outside ASCII", "query outside ASCII"]
)
def test_over_a_socket_the_address_is_the_same_bytes(live: LiveServer, kind: str) -> None:
    uri = KINDS[kind]
    rp = web_client(live, f"web {kind}", redirect_uris=[uri])
    pushed = rp.push(Login(), {"redirect_uri": uri, "test_pid": PERSON, "scope": "openid"})
    connection = http.client.HTTPConnection("localhost", live.port, timeout=60)
    connection.request("GET", rp.authorize_path(pushed.json["request_uri"]))
    found = connection.getresponse().headers["Location"]
    connection.close()
    assert_continues(uri, found.encode("latin-1").decode(), "code")


@pytest.mark.covers("text.no-address")
@pytest.mark.parametrize("uri", [uri for uri in UNREACHABLE if uri])
def test_what_is_registered_and_no_address_is_refused_with_the_reason(
    shared: Emulator, rp: RelyingParty, uri: str
) -> None:
    pushed = rp.push(Login(), {"redirect_uri": uri})
    assert (pushed.status, pushed.rule) == (400, "authorization-request.redirect-uri")
    plain = web_client(shared, f"plain {uri}", redirect_uris=[uri], require_pushed_authorization_requests=False)
    parameters = urlencode(plain.parameters(Login()) | {"redirect_uri": uri})
    asked = plain.browser().send("GET", f"/connect/authorize?{parameters}")
    assert "errorId=" in location(asked)
    broken = shared.journal(limit="1")[0]["findings"]["broken"]
    finding = next(one for one in broken if one["rule"] == "authorization-request.redirect-uri")
    assert "which is registered and leads nowhere" in finding["observed"]


@pytest.mark.covers("text.no-address")
def test_a_logout_does_not_return_to_what_is_no_address(rp: RelyingParty) -> None:
    login, browser = Login(), rp.browser()
    hint = rp.redeem(login, rp.log_in(login, {}, browser)["code"]).json["id_token"]
    for uri in UNREACHABLE:
        asked = {"id_token_hint": hint, "post_logout_redirect_uri": uri, "state": "a"}
        answer = browser.send("GET", f"{LOGOUT}?{urlencode(asked)}")
        assert (answer.status, answer.headers.get("location")) == (200, None), uri


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder with one client that has every bad address everywhere, and what must be named."""
    named = [f"'{name}' has {uri!r}" for name in ("redirect_uris", "post_logout_redirect_uris") for uri in UNREACHABLE]
    document = {
        "client_id": "odd",
        "jwks": {"keys": [public_jwk(private_jwk("ES256", 1))]},
        "redirect_uris": [*UNREACHABLE, "https://app.example/#a", REDIRECT_URI],
        "post_logout_redirect_uris": [*UNREACHABLE, OUT_WITH_FRAGMENT],
        "frontchannel_logout_uri": "https://app.example:*/out",
        "backchannel_logout_uri": "myapp://out",
    }
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "odd.json").write_text(json.dumps(document), encoding="utf-8")
    calls = ["'frontchannel_logout_uri' is 'https://app.example:*/out'", "'backchannel_logout_uri' is 'myapp://out'"]
    yield tmp_path, [*named, *calls, "a redirect URI must have no fragment"]


@pytest.mark.covers("text.no-address")
def test_fixtures_with_addresses_that_nothing_matches_are_told_of_each(world: tuple[Path, list[str]]) -> None:
    folder, named = world
    found = [error for error in check_world([folder]).errors if "odd.json" in error]
    for sentence in named:
        assert any(sentence in error for error in found), sentence
    with pytest.raises(DocumentError) as caught:
        check_before_loading(read_world(world_folders([folder])))
    assert all(sentence in str(caught.value) for sentence in named)


@pytest.mark.parametrize("uri", UNREACHABLE)
def test_a_new_client_is_refused_with_the_reason(shared: Emulator, uri: str) -> None:
    for login, logout in (((uri,), ()), ((REDIRECT_URI,), (uri,))):
        wanted = NewClient(None, "", (), "ES256", True, redirect_uris=login, post_logout_redirect_uris=logout)
        with pytest.raises(DocumentError) as caught:
            make_client(shared.store, wanted, Enforcement.HELSEID)
        assert UNREACHABLE[uri] in str(caught.value)


@pytest.mark.parametrize("uri", KINDS.values(), ids=KINDS)
def test_a_new_client_may_have_every_kind(shared: Emulator, uri: str) -> None:
    wanted = NewClient(
        None, "", (), "ES256", True, redirect_uris=(uri,), post_logout_redirect_uris=(uri,), oddities=("a kind",)
    )
    assert make_client(shared.store, wanted, Enforcement.HELSEID).client.redirect_uris == (uri,)


def test_a_client_whose_logout_address_has_letters_outside_ascii_is_told_in_a_frame(sts: Emulator) -> None:
    rp = web_client(sts, "web", frontchannel_logout_uri="https://bücher.example/ut")
    browser, login = rp.browser(), Login()
    hint = rp.redeem(login, rp.log_in(login, {}, browser)["code"]).json["id_token"]
    page = browser.send("GET", f"{LOGOUT}?{urlencode({'id_token_hint': hint})}").content.decode()
    path = page.partition('title="logout" src="')[2].partition('"')[0]
    frames = browser.send("GET", path)
    assert "frame-src *;" in frames.headers["content-security-policy"]
    assert "https://bücher.example/ut?" in frames.content.decode()
