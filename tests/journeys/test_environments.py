"""Environments beside the one at the root: what is made in one is worth nothing in another."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from mock_sts.services.control.environments import EnvironmentFaultError, change_environment
from mock_sts.store.owning import OWNING
from tests.support.emulator import START, Emulator, LiveServer, OverHttp, Worlds
from tests.support.environments import Below, Side, neighbour, root_of
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine, decode
from tests.support.relying_party import PERSON, Browser, Login, RelyingParty, answer_parameters, web_client

OUT = "http://localhost:8089/out"
YEAR = 31_536_000


@dataclass
class Party:
    """The same web application in one environment: same id, same keys, same registration."""

    side: Side
    rp: RelyingParty

    def login(self, browser: Browser | None = None, **changes: str) -> tuple[Login, str]:
        """A login and its code."""
        login = Login()
        return login, self.rp.log_in(login, changes, browser)["code"]

    def first_answer(self, browser: Browser | None = None, **changes: str) -> Answer:
        """What the authorize endpoint answers at first."""
        pushed = self.rp.push(Login(), changes)
        assert pushed.status == 201, pushed.content
        return (browser or self.rp.browser()).send("GET", self.rp.authorize_path(pushed.json["request_uri"]))

    def is_logged_in(self, browser: Browser) -> bool:
        return "code" in answer_parameters(self.first_answer(browser, prompt="none"))


def party(side: Side) -> Party:
    side.api("test:api", scopes=["test:api/read"])
    return Party(side, web_client(side, post_logout_redirect_uris=[OUT]))


# What is made in one environment, and shown in the other


def a_code(here: Party, there: Party) -> None:
    login, code = here.login()
    assert there.rp.redeem(login, code).error == "invalid_grant"
    assert here.rp.redeem(login, code).status == 200, "the other environment has not used it up"


def a_refresh_token(here: Party, there: Party) -> None:
    token = here.rp.tokens().json["refresh_token"]
    assert there.rp.refresh(token).error == "invalid_grant"
    assert here.rp.refresh(token).status == 200


def a_revocation(here: Party, there: Party) -> None:
    token = here.rp.tokens().json["refresh_token"]
    machine = there.rp.machine
    form = machine.form(machine.assertion(), {"token": token, "grant_type": ABSENT, "scope": ABSENT})
    machine.post(form, path="/connect/revocation")
    assert here.rp.refresh(token).status == 200


def a_request_uri(here: Party, there: Party) -> None:
    uri = here.rp.push(Login(), {"test_pid": PERSON}).json["request_uri"]
    answer = there.rp.browser().send("GET", there.rp.authorize_path(uri))
    assert urlsplit(answer.headers["location"]).path.endswith("/home/error")
    assert "code" in answer_parameters(here.rp.browser().send("GET", here.rp.authorize_path(uri)))


def an_access_token(here: Party, there: Party) -> None:
    token = here.rp.tokens().json["access_token"]
    assert there.rp.user_info(token).status == 401
    assert here.rp.user_info(token).status == 200


def an_id_token(here: Party, there: Party) -> None:
    hint = here.rp.tokens().json["id_token"]
    path = f"/connect/endsession?id_token_hint={hint}&post_logout_redirect_uri={quote(OUT, safe='')}"
    assert there.rp.browser().send("GET", path).headers.get("location") is None
    assert here.rp.browser().send("GET", path).headers["location"] == OUT


def a_session(here: Party, there: Party) -> None:
    mine, others = here.rp.browser(), there.rp.browser()
    here.login(mine)
    there.login(others)
    assert here.is_logged_in(mine)
    assert there.is_logged_in(others)
    both = there.rp.browser()
    both.cookies = dict(mine.cookies)
    assert not there.is_logged_in(both), "under its own name"
    (name,) = (name for name in others.cookies if name.startswith("mock-sts-session-"))
    (value,) = (value for name, value in mine.cookies.items() if name.startswith("mock-sts-session-"))
    both.cookies = {name: value}
    assert not there.is_logged_in(both), "under the other's name"
    here.rp.browser().send("GET", "/connect/endsession")
    mine.send("GET", "/connect/endsession")
    assert there.is_logged_in(others), "a logout here is none there"


def a_persona_cookie(here: Party, there: Party) -> None:
    browser = here.rp.browser()
    assert browser.send("GET", "/mock/as/kvart-grevling").status == 200
    assert "code" in answer_parameters(here.first_answer(browser))
    other = there.rp.browser()
    other.cookies = dict(browser.cookies)
    shows_a_page(there.first_answer(other))


def a_nonce(here: Party, there: Party) -> None:
    nonce = here.rp.machine.learn_nonce()
    there.rp.machine.nonce = nonce
    login, code = there.login()
    there.rp.machine.nonce = nonce
    answer = there.rp.redeem(login, code)
    assert answer.error == "use_dpop_nonce"
    login, code = here.login()
    here.rp.machine.nonce = nonce
    assert here.rp.redeem(login, code).status == 200


def an_assertion(here: Party, there: Party) -> None:
    assertion = here.rp.machine.assertion()
    token = here.rp.tokens().json["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": ABSENT}
    for one in (here, there):
        one.rp.machine.learn_nonce()
    elsewhere = there.rp.machine.post(there.rp.machine.form(assertion, form), proof=there.rp.machine.proof())
    assert elsewhere.error == "invalid_client"
    assert here.rp.machine.post(here.rp.machine.form(assertion, form), proof=here.rp.machine.proof()).status == 200


def a_proof(here: Party, there: Party) -> None:
    token = there.rp.tokens().json["refresh_token"]
    nonce = there.rp.machine.learn_nonce()
    here.rp.machine.nonce = nonce
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": ABSENT}
    machine = there.rp.machine
    answer = machine.post(machine.form(machine.assertion(), form), proof=here.rp.machine.proof())
    assert answer.error == "invalid_dpop_proof"
    here.rp.machine.nonce = None


def a_scripted_login(here: Party, there: Party) -> None:
    ordered = here.side.post_json("/mock/api/v1/next-login", json.dumps({"persona": PERSON}).encode())
    assert ordered.status == 201, ordered.content
    assert there.side.get("/mock/api/v1/next-login").json["orders"] == []
    shows_a_page(there.first_answer())
    assert len(here.side.get("/mock/api/v1/next-login").json["orders"]) == 1
    assert "code" in answer_parameters(here.first_answer())


def a_journal_entry(here: Party, there: Party) -> None:
    before = there.side.journal(limit="1000")
    client_id = f"nobody-{secrets.token_hex(4)}"
    assert here.side.machine(client_id, private_jwk()).token().error == "invalid_client"
    assert [entry["client_id"] for entry in here.side.journal(client_id=client_id)] == [client_id]
    assert there.side.journal(client_id=client_id) == []
    assert there.side.journal(limit="1000") == before


def a_client(here: Party, there: Party) -> None:
    client_id = f"only-{secrets.token_hex(4)}"
    machine = here.side.client(client_id)
    assert machine.token().status == 200
    assert there.side.machine(client_id, machine.jwk).token().error == "invalid_client"


def an_api(here: Party, there: Party) -> None:
    audience = f"only:{secrets.token_hex(4)}"
    here.side.api(audience, scopes=[f"{audience}/read"], access_token_lifetime=77)
    lifetimes = []
    for one in (here, there):
        machine = one.side.client(f"of-{audience}", scope=[f"{audience}/read"])
        machine.scope = f"{audience}/read"
        answer = machine.token()
        assert answer.status == 200, answer.content
        lifetimes.append(answer.json["expires_in"])
    assert lifetimes == [77, 600]


def a_persona(here: Party, there: Party) -> None:
    name = f"only-{secrets.token_hex(4)}"
    here.side.persona("13116900216", persona=name)
    assert here.rp.browser().send("GET", f"/mock/as/{name}").status == 200
    assert there.rp.browser().send("GET", f"/mock/as/{name}").status == 404
    for one, is_shown in ((here, True), (there, False)):
        browser = one.rp.browser()
        browser.follow(one.first_answer(browser, acr_values="idp:testidp-oidc"))
        page = browser.send("GET", f"{browser.visited[-1]}&q={name}").content
        assert b"testidp/Account/Login" in page
        assert (b"13116900216" in page) is is_shown


def an_error_page(here: Party, there: Party) -> None:
    browser = here.rp.browser()
    answer = browser.send("GET", here.rp.authorize_path("urn:ietf:params:oauth:request_uri:none"))
    location = urlsplit(answer.headers["location"])
    page = f"/home/error?{location.query}"
    assert b"invalid_request" in browser.send("GET", page).content
    assert b"invalid_request" not in there.rp.browser().send("GET", page).content


def a_login_page(here: Party, there: Party) -> None:
    location = urlsplit(here.first_answer().headers["location"])
    (return_url,) = parse_qs(location.query).get("ReturnUrl") or parse_qs(location.query)["returnUrl"]
    for url in (return_url, return_url.removeprefix(here.side.path), f"{there.side.path}{return_url}"):
        answer = there.rp.browser().send("GET", f"/Account/Login?ReturnUrl={quote(url, safe='')}")
        assert urlsplit(answer.headers["location"]).path.endswith("/home/error"), url


THINGS: tuple[Callable[[Party, Party], None], ...] = (
    a_code,
    a_refresh_token,
    a_revocation,
    a_request_uri,
    an_access_token,
    an_id_token,
    a_session,
    a_persona_cookie,
    a_nonce,
    an_assertion,
    a_proof,
    a_scripted_login,
    a_journal_entry,
    a_client,
    an_api,
    a_persona,
    an_error_page,
    a_login_page,
)


def shows_a_page(answer: Answer) -> None:
    assert answer.status == 303, answer.content
    assert "/Account/" in answer.headers["location"], answer.headers["location"]


def parties_of(sts: Emulator, **settings: Any) -> dict[str, Party]:
    """The application at the root, and in two environments below it, one with keys of its own."""
    sides = (root_of(sts), neighbour(sts, "w1", **settings), neighbour(sts, "w2", fresh_keys=True, **settings))
    return {side.name: party(side) for side in sides}


@pytest.fixture
def parties(sts: Emulator) -> dict[str, Party]:
    return parties_of(sts)


WAYS = [("default", "w1"), ("w1", "default"), ("w1", "w2"), ("w2", "w1")]


@pytest.mark.covers("environments.isolation")
@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_what_is_of_one_is_worth_nothing_in_another(
    parties: dict[str, Party], thing: Callable[[Party, Party], None], way: tuple[str, str]
) -> None:
    thing(parties[way[0]], parties[way[1]])


@pytest.mark.covers("environments.isolation")
@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("thing", [thing for thing in THINGS if thing is not a_nonce], ids=lambda thing: thing.__name__)
def test_nor_where_next_to_nothing_is_refused(
    worlds: Worlds, thing: Callable[[Party, Party], None], way: tuple[str, str]
) -> None:
    """In ``observe`` no nonce is asked for at all; everything else stays apart."""
    parties = parties_of(worlds.make(enforcement="observe"))
    thing(parties[way[0]], parties[way[1]])


@pytest.fixture(scope="module")
def live_parties(live: LiveServer) -> Iterator[tuple[Party, Party]]:
    """The same in two environments of a server with two workers."""
    made = [neighbour(live, f"live-{secrets.token_hex(4)}", fresh_keys=fresh) for fresh in (False, True)]
    yield party(made[0]), party(made[1])
    for side in made:
        side.delete()


@pytest.mark.covers("environments.isolation", "environments.workers")
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_the_same_where_workers_share_the_environments(
    live_parties: tuple[Party, Party], thing: Callable[[Party, Party], None]
) -> None:
    for here, there in (live_parties, live_parties[::-1]):
        here.rp.machine.nonce = there.rp.machine.nonce = None
        thing(here, there)


# What each has for itself


@pytest.mark.covers("environments.issuer")
def test_each_has_an_issuer_and_everything_below_it(sts: Emulator) -> None:
    side = neighbour(sts, "w1")
    document = side.get("/.well-known/openid-configuration").json
    assert document["issuer"] == "http://localhost:8080/env/w1"
    addresses = [value for value in document.values() if isinstance(value, str) and value.startswith("http")]
    assert len(addresses) > 10
    assert all(value.startswith("http://localhost:8080/env/w1") for value in addresses)
    own = party(side)
    tokens = own.rp.tokens().json
    assert decode(tokens["access_token"])[1]["iss"] == decode(tokens["id_token"])[1]["iss"] == side.issuer
    assert own.rp.user_info(tokens["access_token"]).status == 200
    assert sts.get("/.well-known/openid-configuration").json["issuer"] == "http://localhost:8080"


@pytest.mark.covers("environments.issuer")
@pytest.mark.parametrize(
    "path",
    [
        "/env/w1/.well-known/openid-configuration",
        "/ENV/W1/.Well-Known/OpenID-Configuration",
        "/env/w1/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/env/w1",
    ],
)
def test_its_metadata_stands_where_clients_look(sts: Emulator, path: str) -> None:
    side = neighbour(sts, "w1")
    assert sts.get(path).json == side.get("/.well-known/openid-configuration").json
    assert sts.get(path.replace("w1", "w2").replace("W1", "W2")).status == 404
    assert sts.get("/.well-known/oauth-authorization-server").status == 404


@pytest.mark.covers("environments.issuer")
@pytest.mark.parametrize(
    ("path", "headers", "settings"),
    [
        ("/sts/env/w1", {}, {}),
        ("/env/w1", {}, {}),
        ("/STS/Env/w1", {}, {}),
        ("/env/w1", {"X-Forwarded-Prefix": "/sts", "X-Forwarded-Host": "sts.example"}, {"trusted_proxies": "1"}),
        ("/.well-known/oauth-authorization-server/sts/env/w1", {}, {}),
    ],
)
def test_a_public_url_with_a_path_comes_before_it(
    worlds: Worlds, path: str, headers: dict[str, str], settings: dict[str, str]
) -> None:
    sts = worlds.configure("sts.example", public_url="http://sts.example/sts", **settings)
    neighbour(sts, "w1")
    asked = path if path.startswith("/.well-known") else f"{path}/.well-known/openid-configuration"
    answer = sts.get(asked, headers)
    assert answer.json["issuer"] == "http://sts.example/sts/env/w1"
    assert answer.json["token_endpoint"] == "http://sts.example/sts/env/w1/connect/token"
    page = sts.get(f"{path}/mock/as/kvart-grevling", headers)
    if not path.startswith("/.well-known"):
        assert "Path=/sts/env/w1;" in f"{page.cookies[0]};"
    assert sts.get("/sts/.well-known/openid-configuration").json["issuer"] == "http://sts.example/sts"


@pytest.mark.covers("environments.issuer")
def test_the_public_url_is_the_servers_and_comes_before_all(sts: Emulator) -> None:
    side, body = neighbour(sts, "w1"), json.dumps({"url": "http://sts.example/sts"}).encode()
    headers = {"Content-Type": "application/json"}
    refused = side.transport.send("PUT", "/mock/api/v1/public-url", headers, body)
    assert refused.status == 404
    assert "at the root" in refused.json["detail"]
    assert sts.transport.send("PUT", "/mock/api/v1/public-url", headers, body).status == 200
    assert side.get("/.well-known/openid-configuration").json["issuer"] == "http://sts.example/sts/env/w1"


@pytest.mark.covers("environments.keys")
def test_it_begins_with_the_keys_of_the_default_one_or_has_its_own(sts: Emulator) -> None:
    root, same, other = (
        side.get("/.well-known/openid-configuration/jwks").json["keys"]
        for side in (root_of(sts), neighbour(sts, "w1"), neighbour(sts, "w2", fresh_keys=True))
    )
    assert root == same
    assert [key["kid"] for key in root] != [key["kid"] for key in other]


@pytest.mark.covers("environments.policy")
def test_its_own_settings_lie_over_those_of_the_server(worlds: Worlds) -> None:
    sts = worlds.make(code_lifetime=30)
    root, own = party(root_of(sts)), party(neighbour(sts, "w1", enforcement="strict", access_token_lifetime=77))
    for one, accepted in ((root, True), (own, False)):
        machine = one.side.client("old", private_jwk("ES256", 3))
        old = {"header": {"typ": "JWT"}, "claims": {"aud": f"{machine.issuer}/connect/token"}}
        assert (machine.token(assertion=old).status == 200) is accepted
    assert own.rp.tokens().json["expires_in"] == 77
    assert root.rp.tokens().json["expires_in"] == 600


@pytest.mark.covers("environments.policy", "environments.change")
def test_a_change_is_noticed_at_the_next_request(sts: Emulator) -> None:
    side = neighbour(sts, "w1")
    machine = side.client("m")
    assert machine.token().json["expires_in"] == 600
    change_environment(sts.store, "w1", settings={"access_token_lifetime": 77})
    assert machine.token().json["expires_in"] == 77
    change_environment(sts.store, "w1", clock=(3_600, None))
    assert machine.token().error == "use_dpop_nonce", "the nonce is an hour old"
    change_environment(sts.store, "default", settings={"access_token_lifetime": 88})
    assert root_of(sts).client("m").token().json["expires_in"] == 88
    change_environment(sts.store, "default", settings={})


@pytest.mark.covers("environments.clock")
def test_its_clock_ages_what_it_keeps_and_nothing_else(sts: Emulator) -> None:
    root, own = party(root_of(sts)), party(neighbour(sts, "w1"))
    logins = [(one, *one.login()) for one in (root, own)]
    change_environment(sts.store, "w1", clock=(3_600, None))
    for (one, login, code), status in zip(logins, (200, 400), strict=True):
        one.rp.machine.nonce = None
        assert one.rp.redeem(login, code).status == status
    tokens = own.rp.tokens().json
    assert decode(tokens["access_token"])[1]["iat"] == sts.clock.wall, "tokens tell the real time"
    change_environment(sts.store, "w1", clock=(0, sts.clock.now))
    login, code = own.login()
    sts.clock.advance(3_600)
    own.rp.machine.nonce = None
    assert own.rp.redeem(login, code).status == 200, "it stands still"


@pytest.mark.covers("environments.clock")
@pytest.mark.parametrize("offset", [YEAR, -YEAR])
def test_a_sweep_of_one_leaves_the_rows_of_others(worlds: Worlds, offset: int) -> None:
    sts = worlds.make(environment_idle=0)  # years pass here
    root, own = party(root_of(sts)), party(neighbour(sts, "w1", offset=offset))
    for one in (root, own):
        one.login()
        one.rp.tokens()
    kept = rows_of(sts, "default")
    for _ in range(3):
        sts.clock.advance(61)
        own.rp.machine.nonce = None
        own.rp.tokens()
    after = rows_of(sts, "default")
    assert {table: after[table] for table in SWEPT} == {table: kept[table] for table in SWEPT}
    assert all(kept[table] > 0 for table in SWEPT)
    sts.clock.advance(2 * YEAR)
    for one in (root, own):
        one.rp.machine.nonce = None
        one.rp.machine.learn_nonce()
        assert one.rp.machine.token(form={"grant_type": "client_credentials"}).status == 400
    for name in ("default", "w1"):
        assert {table: rows_of(sts, name)[table] for table in SWEPT if table != "replay"} == dict.fromkeys(
            (table for table in SWEPT if table != "replay"), 0
        ), "each is swept by its own clock"


@pytest.mark.covers("environments.catalog")
def test_a_change_in_one_reloads_the_catalog_of_no_other(sts: Emulator) -> None:
    sides = [root_of(sts), neighbour(sts, "w1"), neighbour(sts, "w2")]
    environments = [sts.server.environment(side.name) for side in sides]
    for number, changed in enumerate(sides):
        before = [environment.catalog.current() for environment in environments]
        changed.client(f"new-{number}")
        after = [environment.catalog.current() for environment in environments]
        assert [old is new for old, new in zip(before, after, strict=True)] == [side is not changed for side in sides]
        assert [
            environment is sts.server.environment(side.name)
            for environment, side in zip(environments, sides, strict=True)
        ] == [True] * 3


@pytest.mark.covers("environments.catalog")
def test_what_environments_share_is_kept_once(sts: Emulator) -> None:
    """A world of many clients, and an environment for each of many workers."""
    shared, replaced = "demo-machine", "demo-page"
    root = sts.sts.catalog.current()
    made = [root.client(client_id) for client_id in (shared, replaced)]
    side = neighbour(sts, "w1")
    side.client(replaced)
    own = sts.server.environment("w1").catalog.current()
    assert own.client(shared) is made[0]
    assert own.documents["client"][shared] is root.documents["client"][shared]
    assert own.client(replaced) is not made[1]
    assert sts.sts.catalog.current().client(replaced) is made[1]


@pytest.mark.covers("environments.used")
def test_that_it_is_used_is_written_once_a_minute_at_most(sts: Emulator) -> None:
    side = neighbour(sts, "w1")
    machine, found = side.client("m"), []
    for _ in range(10):
        sts.clock.advance(13)
        machine.learn_nonce()
        assert machine.token().status == 200
        record = sts.server.environments.find("w1")
        assert record is not None
        found.append(record.used_at - START)
    assert found == [0] * 5 + [78] * 5
    root = sts.server.environments.find("default")
    assert root is not None and root.used_at == 0, "the default one is always there"


@pytest.mark.covers("environments.cookies")
def test_cookies_name_their_environment_and_stay_below_its_path(sts: Emulator) -> None:
    found: dict[str, set[str]] = {}
    for side, path in ((root_of(sts), "/"), (neighbour(sts, "w1"), "/env/w1")):
        one = party(side)
        browser = one.rp.browser()
        answers = [browser.send("GET", "/mock/as/kvart-grevling"), one.first_answer(browser)]
        answers.append(browser.send("GET", "/Account/Logout"))
        cookies = [cookie for answer in answers for cookie in answer.cookies]
        assert len(cookies) >= 4
        for cookie in cookies:
            assert f"; Path={path};" in f"{cookie};", cookie
        found[side.name] = {cookie.partition("=")[0] for cookie in cookies}
    assert found["default"].isdisjoint(found["w1"])
    assert all(name.endswith("-w1") for name in found["w1"])


# Its end


@pytest.mark.covers("environments.delete")
def test_a_deleted_one_leaves_nothing_and_its_name_is_new_again(sts: Emulator) -> None:
    before = rows_of(sts, "w1")
    side = neighbour(sts, "w1")
    old = party(side)
    login, code = old.login()
    browser = old.rp.browser()
    old.login(browser)
    tokens = old.rp.tokens().json
    nonce, cookies = old.rp.machine.learn_nonce(), dict(browser.cookies)
    side.post_json("/mock/api/v1/next-login", json.dumps({"persona": PERSON}).encode())
    sealed = urlsplit(browser.send("GET", old.rp.authorize_path("none")).headers["location"]).query
    browser.send("GET", "/mock/as/kvart-grevling")
    assert sum(rows_of(sts, "w1").values()) > 10
    side.delete()
    assert rows_of(sts, "w1") == before == dict.fromkeys(before, 0)
    for path in ("/connect/token", "/mock/api/v1/journal", "/", "/health/ready"):
        assert side.get(path).status == 404
    new = party(neighbour(sts, "w1"))
    assert new.side.journal() == []
    assert new.side.get("/mock/api/v1/next-login").json["orders"] == []
    new.rp.machine.nonce = nonce
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": ABSENT}
    assert new.rp.machine.token(form=form).error == "use_dpop_nonce"
    new.rp.machine.nonce = None
    assert new.rp.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert new.rp.redeem(login, code).error == "invalid_grant"
    assert new.rp.user_info(tokens["access_token"]).status == 401
    again = new.rp.browser()
    again.cookies = cookies
    assert not new.is_logged_in(again)
    assert b"invalid_request" not in again.send("GET", f"/home/error?{sealed}").content
    shows_a_page(new.first_answer(browser))


@pytest.mark.covers("environments.delete", "environments.workers")
def test_all_workers_notice_that_one_is_made_changed_and_deleted(live: LiveServer) -> None:
    name = f"live-{secrets.token_hex(4)}"
    path = f"/env/{name}/.well-known/openid-configuration"
    assert {live.transport.send("GET", path).status for _ in range(20)} == {404}
    for _ in range(3):
        side = neighbour(live, name)
        machine = side.client("m")
        assert {live.transport.send("GET", path).status for _ in range(20)} == {200}
        for lifetime in (71, 72):
            change_environment(live.store, name, settings={"access_token_lifetime": lifetime})
            assert {fresh(live, machine).token().json["expires_in"] for _ in range(20)} == {lifetime}
        side.delete()
        assert {live.transport.send("GET", path).status for _ in range(20)} == {404}


def fresh(live: LiveServer, machine: Machine) -> Machine:
    """The same client by a new connection, which may lead to another worker."""
    name = machine.issuer.removeprefix(live.issuer)
    return replace(machine, transport=Below(OverHttp(live.issuer), name))


# Making one


@pytest.mark.covers("environments.names")
@pytest.mark.parametrize("name", ["", "A", "a_b", "a" * 64, "a/b", "æ", "a b", "a.b", "%20", "a\n"])
def test_what_is_no_name_makes_no_environment(sts: Emulator, name: str) -> None:
    with pytest.raises(EnvironmentFaultError, match="1 to 63 of a-z, 0-9, -"):
        neighbour(sts, name)


@pytest.mark.covers("environments.names")
def test_a_name_is_given_once(sts: Emulator) -> None:
    neighbour(sts, "w1")
    for name in ("w1", "default"):
        with pytest.raises(EnvironmentFaultError, match="already"):
            neighbour(sts, name)
    with pytest.raises(EnvironmentFaultError, match="cannot be deleted"):
        root_of(sts).delete()
    with pytest.raises(EnvironmentFaultError, match="no environment is called 'w2'"):
        change_environment(sts.store, "w2", clock=(1, None))
    with pytest.raises(EnvironmentFaultError, match=r"no setting 'enforcment'.*did you mean 'enforcement'"):
        neighbour(sts, "w3", enforcment="strict")
    with pytest.raises(EnvironmentFaultError, match="no setting 'port'"):
        neighbour(sts, "w3", port=1)


#: Tables whose rows age.
SWEPT = ("replay", "authorization_request", "authorization_code", "refresh_token", "login_session", "session_client")


def rows_of(sts: Emulator, name: str) -> dict[str, int]:
    """How many rows each table has of an environment."""
    with sts.store.reading() as reader:
        found = {
            table: reader.one(f"SELECT count(*) FROM {table} WHERE environment = ?", (name,))[0] for table in OWNING
        }
        found["environment"] = reader.one("SELECT count(*) FROM environment WHERE name = ?", (name,))[0]
        found["secret"] = reader.one("SELECT count(*) FROM server_secret WHERE name LIKE ?", (f"% {name}",))[0]
        return found
