"""Headers come as bytes, whatever those are: an odd one costs nothing but itself."""

from typing import Any

import pytest

from tests.support.emulator import Emulator, LiveServer, Worlds
from tests.support.logins import PID, web
from tests.support.machine import Answer, decode
from tests.support.relying_party import Login, RelyingParty, answer_parameters, web_client

BEVER, BEVERS_PID = "livstrett-bever", "15849197352"

#: Cookies of other applications on the same host, as bytes; another one is another line.
COOKIES = {
    "UTF-8": "navn=Kåre".encode(),
    "latin-1": "navn=Kåre".encode("latin-1"),
    "name outside ASCII": "nåvn=x".encode(),
    "name outside UTF-8": b"n\xe5vn=x",
    "half a character": b"a=\xc3",
    "every high byte": b"a=" + bytes(range(0x80, 0x100)),
    "UTF-16": "\ufeffa=b".encode("utf-16-le").replace(b"\0", b"\x01"),
    "no name": b"=x",
    "no value": b"a",
    "nothing": b"",
    "only spaces": b"   ",
    "a quote that does not end": b'a="x',
    "octal escapes": b'a="\\345\\303"',
    "JSON": b'a={"b":["c","d"]}',
    "spaces around": b" a = b ",
    "equals signs": b"a=b=c==",
    "a control character": b"a=\x01\x7f",
    "a long one": b"a=" + b"x" * 8_000,
    "a thousand": b"; ".join(b"a%d=\xe5" % number for number in range(1000)),
    "a prefix of ours": b"mock-sts-persona=\xe5",
}


@pytest.fixture(scope="module")
def rp(shared_worlds: Worlds) -> RelyingParty:
    return web(shared_worlds.make())


def text(raw: bytes) -> str:
    """As a header stands in WSGI."""
    return raw.decode("latin-1")


def code(answer: Answer) -> dict[str, str]:
    parameters = answer_parameters(answer)
    assert "code" in parameters, parameters
    return parameters


def pid_of(rp: RelyingParty, login: Login, answer: Answer) -> str:
    """Who was logged in by ``answer``."""
    pid: str = decode(rp.redeem(login, code(answer)["code"]).json["id_token"])[1][PID]
    return pid


def arranged(ours: str, odd: bytes) -> list[str]:
    return [f"{text(odd)}; {ours}", f"{ours}; {text(odd)}", f"{text(odd)};{ours};{text(odd)}"]


@pytest.mark.covers("text.odd-cookie")
@pytest.mark.parametrize("case", COOKIES)
def test_another_applications_cookie_costs_neither_persona_nor_session(rp: RelyingParty, case: str) -> None:
    browser = rp.browser()
    browser.send("GET", f"/mock/as/{BEVER}")
    for header in arranged("; ".join(f"{name}={value}" for name, value in browser.cookies.items()), COOKIES[case]):
        login = Login()
        asked = rp.authorize_path(rp.push(login, {"acr_values": "idp:testidp-oidc"}).json["request_uri"])
        assert pid_of(rp, login, rp.machine.transport.send("GET", asked, {"Cookie": header})) == BEVERS_PID
    session = rp.browser()
    rp.log_in(Login(), {}, session)
    for header in arranged("; ".join(f"{name}={value}" for name, value in session.cookies.items()), COOKIES[case]):
        asked = rp.authorize_path(rp.push(Login(), {"prompt": "none"}).json["request_uri"])
        assert code(rp.machine.transport.send("GET", asked, {"Cookie": header}))


@pytest.mark.covers("text.odd-cookie")
def test_of_two_cookies_of_ours_the_one_that_can_be_read_counts(rp: RelyingParty) -> None:
    browser = rp.browser()
    rp.log_in(Login(), {}, browser)
    ours = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    odd = "; ".join(f"{name}=\xe5" for name in browser.cookies)
    asked = rp.authorize_path(rp.push(Login(), {"prompt": "none"}).json["request_uri"])
    assert code(rp.machine.transport.send("GET", asked, {"Cookie": f"{odd}; {ours}"}))


def test_a_persona_with_letters_outside_ascii_logs_in_by_cookie(sts: Emulator) -> None:
    from mock_sts.helseid.registry.persona import Persona
    from mock_sts.store.catalog import MADE, put_entry

    document = {"pid": "01815012345", "persona": "ærlig-ål", "given_name": "ÆRLIG", "family_name": "ÅL"}
    with sts.store.writing() as transaction:
        put_entry(transaction, Persona.from_document(document, "test"), document, MADE)
    rp = web(sts)
    written = sts.get("/mock/as/%C3%A6rlig-%C3%A5l").headers["set-cookie"].partition(";")[0]
    name = written.partition("=")[0]
    for header in (written, text(f"{name}=ærlig-ål".encode())):
        login = Login()
        asked = rp.authorize_path(rp.push(login).json["request_uri"])
        assert pid_of(rp, login, rp.machine.transport.send("GET", asked, {"Cookie": header})) == document["pid"]


#: Headers that somebody reads, and a value that would be right but for what comes behind it.
HEADERS = {
    "Accept": "*/*",
    "Accept-Language": "nb",
    "Access-Control-Request-Headers": "dpop",
    "Access-Control-Request-Method": "POST",
    "Authorization": "DPoP a.b.c",
    "Authorization ": "Basic YQ==",
    "Authorization  ": "Bearer x",
    "Content-Type": "application/x-www-form-urlencoded",
    "Cookie": "a=b",
    "DPoP": "a.b.c",
    "Host": "localhost",
    "If-None-Match": '"a"',
    "Mock-Sts-Own-Call": "abc",
    "Origin": "http://localhost",
    "Range": "bytes=0-1",
    "Referer": "http://localhost",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "x",
    "X-Fapi-Interaction-Id": "abc",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "localhost",
    "X-Forwarded-Port": "80",
    "X-Forwarded-Prefix": "/a",
    "X-Forwarded-Proto": "http",
}
BYTES = {"UTF-8": "Kåre".encode(), "latin-1": b"K\xe5re", "superscript": "²".encode("latin-1"), "high": b"\x80\xff"}
PATHS = [
    ("POST", "/connect/token"),
    ("POST", "/connect/par"),
    ("GET", "/connect/authorize"),
    ("GET", "/connect/userinfo"),
    ("OPTIONS", "/connect/token"),
    ("GET", "/connect/endsession"),
    ("GET", "/mock/api/v1/journal"),
    ("PUT", "/mock/api/v1/public-url"),
    ("GET", "/.well-known/openid-configuration"),
    ("GET", "/mock/demo"),
    ("GET", "/mock/doctor"),
    ("GET", "/"),
]


@pytest.fixture(scope="module")
def behind_proxy(shared_worlds: Worlds) -> Emulator:
    from mock_sts.protocol.addresses import TrustedProxies

    return shared_worlds.make(trusted_proxies=TrustedProxies(1, ()))


@pytest.mark.covers("text.odd-header")
@pytest.mark.parametrize("odd", BYTES)
@pytest.mark.parametrize("name", HEADERS)
def test_no_header_breaks_the_server(behind_proxy: Emulator, name: str, odd: str) -> None:
    for value in (f"{HEADERS[name]}{text(BYTES[odd])}", text(BYTES[odd])):
        for method, path in PATHS:
            answer = behind_proxy.transport.send(method, path, {name.strip(): value})
            assert answer.status < 500, (method, path, value)


@pytest.mark.covers("text.odd-cookie")
def test_over_a_socket_the_bytes_arrive(live: LiveServer) -> None:
    import http.client

    rp = web_client(live, "odd cookies")
    browser = rp.browser()
    rp.log_in(Login(), {"scope": "openid"}, browser)
    asked = rp.authorize_path(rp.push(Login(), {"prompt": "none", "scope": "openid"}).json["request_uri"])
    ours = "; ".join(f"{name}={value}" for name, value in browser.cookies.items()).encode()
    connection = http.client.HTTPConnection("localhost", live.port, timeout=60)
    sent: dict[str, Any] = {"Cookie": b"navn=K\xe5re; by=" + "Bodø; ".encode() + ours}
    connection.request("GET", asked, headers=sent)
    answer = connection.getresponse()
    location = answer.headers["Location"]
    connection.close()
    assert "code=" in location
