"""HelseID's paths in any letters, as ASP.NET takes them; ours as they are written."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode, urlsplit

import pytest

from mock_sts.web.paths import is_emulated
from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.machine import Answer, Headers, Machine, Transport
from tests.support.relying_party import (
    PERSON,
    TOKEN,
    USERINFO,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
    web_client,
)

#: Ways to write a path other than it is written.
LETTERS: dict[str, Callable[[str], str]] = {"upper": str.upper, "title": str.title, "swapped": str.swapcase}


@dataclass
class OddLetters:
    """A transport that writes HelseID's paths, below the base path ``below``, in other letters."""

    transport: Transport
    write: Callable[[str], str]
    below: str = ""

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        own, mark, query = path.partition("?")
        if is_emulated(own.removeprefix(self.below)):
            own = self.write(own)
        return self.transport.send(method, own + mark + query, headers, body)


def routes(sts: Emulator) -> list[tuple[str, str]]:
    """Every path, with a value where it has a variable part, and a method that it serves."""
    values = {"<scheme>": "testidp-oidc", "<persona>": "nobody", "<path:below>": "sts"}
    found = []
    for rule in sts.app.url_map.iter_rules():
        path = rule.rule
        for name, value in values.items():
            path = path.replace(name, value)
        path = re.sub("<[^>]*>", "x", path)  # of our side, where any will do
        found.append((path, "GET" if "GET" in (rule.methods or ()) else "POST"))
    return found


@pytest.mark.covers("paths.letters")
@pytest.mark.parametrize("write", LETTERS.values(), ids=LETTERS)
def test_every_path_of_helseid_is_found_in_any_letters_and_none_of_ours(
    sts: Emulator, write: Callable[[str], str]
) -> None:
    def answer_to(method: str, path: str) -> tuple[int, str, str]:
        answer = sts.transport.send(method, path)
        location = answer.headers.get("location", "").partition("?")[0]
        return answer.status, answer.headers.get("content-type", ""), location

    for path, method in routes(sts):
        variable = "/sts" if path.endswith("/sts") else ""
        written = write(path.removesuffix(variable)) + variable
        if written == path:
            continue
        if is_emulated(path):
            assert answer_to(method, written) == answer_to(method, path), (method, written)
        else:
            assert sts.transport.send(method, written).status == 404, (method, written)


@pytest.mark.covers("paths.letters")
@pytest.mark.parametrize("below", ["", "/helseid", "/HelseID", "/connect", "/mock"])
@pytest.mark.parametrize("write", LETTERS.values(), ids=LETTERS)
def test_a_whole_login_by_the_pages_in_other_letters(worlds: Worlds, write: Callable[[str], str], below: str) -> None:
    """Everything that the server writes itself is written as always: links, redirects, cookies, tokens, journal."""
    sts = worlds.make(public_url=f"http://localhost:8080{below}" if below else "")
    register_api(sts.store, "test:api", scopes=["test:api/read"])
    rp = web_client(sts, post_logout_redirect_uris=["http://localhost:8089/out"])
    machine = replace(rp.machine, transport=OddLetters(rp.machine.transport, write, below))
    browser = Browser(machine)
    rp.machine = replace(machine, transport=Below(machine.transport, below))
    login = Login()
    pushed = rp.push(login)
    assert pushed.status == 201, pushed.content
    page = browser.follow(browser.send("GET", below + rp.authorize_path(pushed.json["request_uri"])))
    form = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    action, fields = first_form(form.content.decode())
    assert urlsplit(action).path == f"{below}/testidp/Account/Login"
    posted = browser.send("POST", action, {**fields, "Pid": PERSON, "SecurityLevel": "4"})
    assert f"Path={below or '/'};" in posted.headers["set-cookie"] + ";"
    answer = browser.follow(posted)
    tokens = rp.redeem(login, answer_parameters(answer)["code"])
    assert tokens.status == 200, tokens.content
    assert tokens.claims["iss"] == sts.issuer
    assert rp.user_info(tokens.json["access_token"]).status == 200
    visited = [urlsplit(path).path for path in browser.visited]
    assert visited[1:] == [
        f"{below}/Account/Login",
        f"{below}/Account/ExternalLogin",
        f"{below}/testidp/Account/Login",
        f"{below}/testidp/Account/Login",
        f"{below}/connect/authorize/callback",
    ]
    assert {row["endpoint"] for row in sts.journal(limit="100")} == {
        "/connect/par",
        "/connect/authorize",
        "/connect/authorize/callback",
        "/testidp/Account/Login",
        TOKEN,
        USERINFO,
    }
    hint = {"id_token_hint": tokens.json["id_token"], "post_logout_redirect_uri": "http://localhost:8089/out"}
    out = browser.follow(browser.send("GET", f"{below}/connect/endsession?{urlencode(hint)}"))
    assert out.headers["location"] == "http://localhost:8089/out"


@dataclass
class Below:
    """What a client's back channel has: paths are joined to the issuer."""

    transport: Transport
    below: str

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        return self.transport.send(method, self.below + path, headers, body)


@pytest.mark.covers("paths.letters", "dpop.htu.normalized")
@pytest.mark.parametrize("asked", [TOKEN, "/Connect/Token"])
@pytest.mark.parametrize(("named", "taken"), [(TOKEN, True), ("/Connect/Token", False)])
def test_a_proof_names_the_endpoint_as_discovery_writes_it(
    machine: Machine, asked: str, named: str, taken: bool
) -> None:
    machine.learn_nonce()
    proof = machine.proof(claims={"htu": machine.issuer + named})
    answer = machine.post(machine.form(machine.assertion()), proof=proof, path=asked)
    assert (answer.status, answer.rule) == ((200, None) if taken else (400, "dpop.htu"))


@pytest.mark.covers("paths.letters")
def test_drivers_of_the_real_testidp_may_write_the_scheme_in_other_letters(sts: Emulator) -> None:
    rp = web_client(sts)
    login, browser = Login(), rp.browser()
    pushed = rp.push(login, {"acr_values": "idp:testidp-oidc"})
    form = browser.follow(browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    action, fields = first_form(form.content.decode())
    token = fields["__RequestVerificationToken"]
    hop = browser.send("POST", action, {**fields, "Pid": PERSON}, RequestVerificationToken=token)
    action, fields = first_form(hop.content.decode())
    assert action == "/signin-testidp-oidc"
    answer = browser.follow(browser.send("POST", "/SignIn-TestIDP-OIDC", fields))
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200


@pytest.mark.covers("paths.letters")
@pytest.mark.parametrize("below", ["", "/helseid"])
@pytest.mark.parametrize(
    "page", ["/Account/Login?ReturnUrl=", "/account/externallogin?provider=testidp-oidc&returnUrl="]
)
def test_a_return_url_may_be_written_in_other_letters(worlds: Worlds, page: str, below: str) -> None:
    sts = worlds.make(public_url=f"http://localhost:8080{below}" if below else "")
    rp = web_client(sts)
    browser = rp.browser()
    pushed = RelyingParty(replace(rp.machine, transport=Below(rp.machine.transport, below))).push(Login())
    request_uri = quote(pushed.json["request_uri"], safe="")
    back = f"{below}/connect/authorize/callback".title() + f"?request_uri={request_uri}&client_id=web"
    answer = browser.follow(browser.send("GET", f"{below}{page}{quote(back, safe='')}"))
    assert answer.status == 200, answer.content


@pytest.mark.covers("paths.letters")
@pytest.mark.parametrize(
    "path", ["/Connect/Tokens", "/Connect//Token", "/Connect/Token/", "/Mock/dpop-nonce", "/Health/live"]
)
def test_other_paths_are_unknown_in_any_letters(sts: Emulator, path: str) -> None:
    answer = sts.get(path)
    assert (answer.status, answer.error) == (404, "invalid_request")


@pytest.mark.covers("paths.letters")
def test_the_path_of_the_public_url_may_be_written_in_other_letters_before_ours_too(worlds: Worlds) -> None:
    sts = worlds.make(public_url="http://localhost:8080/sts")
    assert sts.get("/STS/mock/dpop-nonce").status == 204
    assert sts.get("/STS/Mock/dpop-nonce").status == 404
    assert 'href="/sts/mock/style.css"' in sts.get("/STS/").content.decode()


@pytest.mark.covers("paths.letters")
def test_paths_of_the_public_url_that_differ_in_letters_only_stay_apart(worlds: Worlds) -> None:
    sts = worlds.make(
        public_url="http://localhost:8080/sts", aliases=("http://localhost:8080/STS",), url_mode="request"
    )
    for below in ("/sts", "/STS"):
        document = sts.get(f"{below}/.well-known/openid-configuration").json
        assert document["issuer"] == f"http://localhost:8080{below}"
