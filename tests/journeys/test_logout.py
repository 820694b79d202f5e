"""Logout that reaches the clients: signed tokens behind the browser, frames in it."""

import base64
import gc
import html
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from mock_sts.services.login import logout
from mock_sts.services.login.logout import wait_until_sent
from tests.journeys.test_end_session import OUT, is_logged_in, log_in, log_out, page, register_web
from tests.support.control import Control
from tests.support.databases import database_file
from tests.support.emulator import START, Emulator, LiveServer, Worlds, free_port
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, decode
from tests.support.processes import PATIENCE, popen
from tests.support.relying_party import REDIRECT_URI, SCOPES, Browser, Login, RelyingParty, first_form
from tests.support.timing import least, measured

EVENT = "http://schemas.openid.net/event/backchannel-logout"
FORM = "application/x-www-form-urlencoded"

#: Seconds that a test waits for what must come.
SOON = PATIENCE


@dataclass(frozen=True)
class Received:
    """One request at a receiver."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]

    @property
    def token(self) -> str:
        assert list(self.form) == ["logout_token"]
        (token,) = self.form["logout_token"]
        return token

    @property
    def claims(self) -> dict[str, Any]:
        return decode(self.token)[1]


class Receiver:
    """A client's own server, which takes logout tokens. ``gate`` holds its answers back while it is not set."""

    def __init__(self, status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.received: list[Received] = []
        self.gate = threading.Event()
        self.gate.set()
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True, strict_parsing=length > 0)
                found = {name.lower(): value for name, value in self.headers.items()}
                with receiver._changed:
                    receiver.received.append(Received(self.command, self.path, found, form))
                    receiver._changed.notify_all()
                receiver.gate.wait(SOON)
                try:
                    self.send_response(status)
                    for name, value in (headers or {}).items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # nobody listens any more

            do_POST = do_GET = answer  # noqa: N815  http.server wants these names

            def log_message(self, *_args: object) -> None:
                """Tests look at what was received."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.base = f"http://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def uri(self, path: str = "/backchannel-logout") -> str:
        return self.base + path

    def wait(self, count: int = 1) -> list[Received]:
        """At least so many requests, in the order in which they came."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, SOON), f"got {len(self.received)}"
            return list(self.received)

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(SOON)


class RawServer:
    """Accepts connections, reads a request, and hands each connection to ``talk``, which may answer as it likes."""

    def __init__(self, talk: Callable[[socket.socket, threading.Event], None]) -> None:
        self._talk = talk
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads: list[threading.Thread] = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def uri(self) -> str:
        return f"http://localhost:{self._listener.getsockname()[1]}/backchannel-logout"

    def _accept(self) -> None:
        while not self._over.is_set():
            connection, _ = self._listener.accept()
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection):
            try:
                seen = b""
                while b"logout_token=" not in seen and (piece := connection.recv(65_536)):
                    seen += piece
                if seen:
                    self._talk(connection, self._over)
            except OSError:
                pass  # the emulator has gone, which is its right

    def close(self) -> None:
        self._over.set()
        socket.create_connection(self._listener.getsockname()).close()  # the last one to be accepted
        for thread in self._threads:
            thread.join(SOON)
        self._listener.close()


@pytest.fixture(autouse=True)
def quiet(worlds: Worlds) -> Iterator[None]:
    """No notice outlives its test, nor the database of it, which ``worlds`` closes after this."""
    yield
    assert wait_until_sent(SOON)


@pytest.fixture
def receivers() -> Iterator[Callable[..., Receiver]]:
    """Makes receivers for one test."""
    made: list[Receiver] = []

    def make(*args: Any, **named: Any) -> Receiver:
        made.append(Receiver(*args, **named))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture
def receiver(receivers: Callable[..., Receiver]) -> Receiver:
    return receivers()


@pytest.fixture
def raw_servers() -> Iterator[Callable[..., RawServer]]:
    made: list[RawServer] = []

    def make(talk: Callable[[socket.socket, threading.Event], None]) -> RawServer:
        made.append(RawServer(talk))
        return made[-1]

    yield make
    for server in made:
        server.close()


def second_client(sts: Emulator, client_id: str = "second", number: int = 5, **members: Any) -> RelyingParty:
    return register_web(sts, client_id, jwk=private_jwk("ES256", number), **members)


def join(rp: RelyingParty, browser: Browser) -> dict[str, Any]:
    """The tokens of a login by single sign-on."""
    return log_in(rp, browser, test_pid=ABSENT)


def outcomes(sts: Emulator, client_id: str = "web") -> list[dict[str, Any]]:
    """What the journal tells of notices to the client, the newest first, when none is on its way any more."""
    assert wait_until_sent(SOON)
    return [row for row in sts.journal(client_id=client_id) if row["endpoint"] == "backchannel-logout"]


def outcome(sts: Emulator, client_id: str = "web") -> dict[str, Any]:
    (row,) = outcomes(sts, client_id)
    return row


def log_in_and_out(sts: Emulator, uri: str, **members: Any) -> Answer:
    """A client with that back-channel address, a login at it, and its logout."""
    rp = register_web(sts, backchannel_logout_uri=uri, **members)
    browser = rp.browser()
    return log_out(browser, id_token_hint=log_in(rp, browser)["id_token"])


# Back-channel logout: the token


@pytest.mark.covers("logout.token.request")
def test_the_token_is_posted_as_a_form(sts: Emulator, receiver: Receiver) -> None:
    log_in_and_out(sts, receiver.uri("/bc/logout?tenant=a%20b"))
    (got,) = receiver.wait()
    assert (got.method, got.path) == ("POST", "/bc/logout?tenant=a%20b")
    assert got.headers["content-type"] == FORM
    assert got.headers["host"] == urlsplit(receiver.base).netloc
    assert list(got.form) == ["logout_token"]
    assert not {"cookie", "authorization", "dpop", "referer"} & set(got.headers)
    assert outcome(sts)["outcome"] == "granted"
    assert len(receiver.received) == 1


@pytest.mark.covers("logout.token.claims", "logout.token.header")
def test_the_token_says_whose_session_has_ended(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    browser = rp.browser()
    tokens = log_in(rp, browser)
    sts.clock.advance(100)
    log_out(browser, id_token_hint=tokens["id_token"])
    header, claims = decode(receiver.wait()[0].token)
    id_token = decode(tokens["id_token"])[1]
    jti = claims.pop("jti")
    assert re.fullmatch(r"[0-9A-F]{32}", jti)
    assert claims == {
        "iss": sts.issuer,
        "iat": START + 100,
        "exp": START + 100 + 300,
        "aud": "web",
        "events": {EVENT: {}},
        "sub": id_token["sub"],
        "sid": id_token["sid"],
    }
    jwk = sts.get("/.well-known/openid-configuration/jwks").json["keys"][0]
    assert header == {"alg": jwk["alg"], "kid": jwk["kid"], "x5t": jwk["x5t"], "typ": "logout+jwt"}


@pytest.mark.covers("logout.token.signature")
def test_the_signature_holds_against_the_published_key(sts: Emulator, receiver: Receiver) -> None:
    log_in_and_out(sts, receiver.uri())
    token = receiver.wait()[0].token
    key = RSAKey.import_key(sts.get("/.well-known/openid-configuration/jwks").json["keys"][0])
    assert jwt.decode(token, key, algorithms=["RS256"]).claims["aud"] == "web"
    head, body, signature = token.split(".")
    changed = base64.urlsafe_b64encode(bytes(255 - byte for byte in base64.urlsafe_b64decode(signature + "==")))
    with pytest.raises(Exception, match="bad_signature"):
        jwt.decode(f"{head}.{body}.{changed.decode().rstrip('=')}", key, algorithms=["RS256"])


@pytest.mark.covers("logout.token.unlike-an-id-token")
def test_a_logout_token_is_no_other_token(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri(), post_logout_redirect_uris=[OUT])
    browser = rp.browser()
    log_out(browser, id_token_hint=log_in(rp, browser)["id_token"])
    token = receiver.wait()[0].token
    assert "nonce" not in decode(token)[1]
    assert rp.user_info(token).status == 401
    log_in(rp, browser)
    page(log_out(browser, id_token_hint=token, post_logout_redirect_uri=OUT))
    assert is_logged_in(rp, browser)


@pytest.mark.covers("logout.token.jti")
def test_each_token_has_its_own_id(sts: Emulator, receiver: Receiver) -> None:
    one = register_web(sts, backchannel_logout_uri=receiver.uri("/one"))
    other = second_client(sts, backchannel_logout_uri=receiver.uri("/other"))
    for _ in range(2):
        browser = one.browser()
        hint = log_in(one, browser)["id_token"]
        join(other, browser)
        log_out(browser, id_token_hint=hint)
    got = receiver.wait(4)
    assert len({notice.claims["jti"] for notice in got}) == 4
    assert len({notice.claims["sid"] for notice in got}) == 2


@pytest.mark.covers("logout.token.issuer")
def test_the_issuer_is_the_public_one(worlds: Worlds, receiver: Receiver) -> None:
    sts = worlds.make(public_url="http://localhost:8080", aliases=("http://sts.test:8080",))
    rp = register_web(sts, backchannel_logout_uri=receiver.uri(), frontchannel_logout_uri="http://localhost:8089/front")
    browser = rp.browser()
    log_in(rp, browser)
    action, fields = first_form(page(browser.send("GET", "/connect/endsession", Host="sts.test:8080")))
    text = page(browser.send("POST", action, fields, Host="sts.test:8080"))
    assert receiver.wait()[0].claims["iss"] == "http://localhost:8080"
    assert "iss=http%3A%2F%2Flocalhost%3A8080&" in frames_in(text, browser)[1][0]


@pytest.mark.covers("logout.token.issuer-of-the-login")
@pytest.mark.parametrize("first", ["http://localhost:8080", ""])
@pytest.mark.slow
def test_the_issuer_is_the_one_that_the_client_logged_in_under(
    worlds: Worlds, receivers: Callable[..., Receiver], first: str
) -> None:
    """A client compares with its ID token, whatever the server has been told since."""
    sts = worlds.make(public_url=first)
    members: dict[str, Any] = {"frontchannel_logout_uri": FRONT}
    before, after, both = receivers(), receivers(), receivers()
    rp = register_web(sts, backchannel_logout_uri=before.uri(), **members)
    twice = second_client(sts, "twice", 6, backchannel_logout_uri=both.uri(), **members)
    browser = rp.browser()
    old = {decode(tokens["id_token"])[1]["iss"] for tokens in (log_in(rp, browser), join(twice, browser))}
    assert old == {"http://localhost:8080"}
    told = b'{"url": "http://localhost:32768"}'
    assert (
        sts.transport.send("PUT", "/mock/api/v1/public-url", {"Content-Type": "application/json"}, told).status == 200
    )
    late = second_client(sts, backchannel_logout_uri=after.uri(), **members)
    for joining in (late, twice):
        tokens = join(joining, browser)
        assert decode(tokens["id_token"])[1]["iss"] == "http://localhost:32768"
    text = page(log_out(browser, id_token_hint=tokens["id_token"]))
    issuers = [dict(parse_qsl(urlsplit(url).query))["iss"] for url in frames_in(text, browser)[1]]
    assert issuers == ["http://localhost:32768", "http://localhost:32768", "http://localhost:8080"]
    told_to = [receiver.wait()[0].claims["iss"] for receiver in (after, both, before)]
    assert told_to == issuers


# Back-channel logout: who is told


@pytest.mark.covers("logout.all-clients")
def test_logout_at_one_client_is_told_to_all_of_the_session(sts: Emulator, receivers: Callable[..., Receiver]) -> None:
    mine, theirs, strangers = receivers(), receivers(), receivers()
    rp = register_web(sts, backchannel_logout_uri=mine.uri())
    second = second_client(sts, backchannel_logout_uri=theirs.uri())
    absent = second_client(sts, "absent", 6, backchannel_logout_uri=strangers.uri())
    browser, elsewhere = rp.browser(), rp.browser()
    tokens, joined = log_in(rp, browser), join(second, browser)
    log_in(absent, elsewhere)
    log_out(browser, id_token_hint=joined["id_token"])
    sid = decode(tokens["id_token"])[1]["sid"]
    assert decode(joined["id_token"])[1]["sid"] == sid
    for receiver, client_id in ((mine, "web"), (theirs, "second")):
        (got,) = receiver.wait()
        assert (got.claims["aud"], got.claims["sid"]) == (client_id, sid)
    assert [outcome(sts, name)["outcome"] for name in ("web", "second")] == ["granted", "granted"]
    assert outcomes(sts, "absent") == []
    assert strangers.received == []
    assert not is_logged_in(second, browser)
    assert is_logged_in(absent, elsewhere)


@pytest.mark.covers("logout.confirmed")
def test_clients_are_told_when_the_person_has_confirmed_and_not_before(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    browser = rp.browser()
    log_in(rp, browser)
    action, fields = first_form(page(log_out(browser, id_token_hint="nonsense")))
    assert outcomes(sts) == []
    page(browser.follow(browser.send("POST", action, fields)))
    assert receiver.wait()[0].claims["aud"] == "web"


@pytest.mark.covers("logout.once")
def test_a_session_that_is_over_is_told_of_once(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    for _ in range(3):
        log_out(browser, id_token_hint=hint)
    assert len(outcomes(sts)) == 1
    assert len(receiver.received) == 1


@pytest.mark.covers("logout.once")
def test_of_two_logouts_at_once_one_tells(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    for _ in range(5):
        browser = rp.browser()
        hint = log_in(rp, browser)["id_token"]
        together = threading.Barrier(4)

        def click(browser: Browser = browser, hint: str = hint, together: threading.Barrier = together) -> None:
            together.wait(SOON)
            log_out(browser, id_token_hint=hint)

        clicks = [threading.Thread(target=click) for _ in range(4)]
        for one in clicks:
            one.start()
        for one in clicks:
            one.join(SOON)
        assert not is_logged_in(rp, browser)
    assert len(outcomes(sts)) == 5
    assert len({got.claims["sid"] for got in receiver.received}) == len(receiver.received) == 5


@pytest.mark.covers("logout.same-session-twice")
def test_who_logs_in_again_in_the_same_session_is_told_of_once(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    browser = rp.browser()
    first = log_in(rp, browser)["id_token"]
    sts.clock.advance(60)
    again = log_in(rp, browser, prompt="login")["id_token"]
    assert decode(first)[1]["sid"] == decode(again)[1]["sid"]
    log_out(browser, id_token_hint=again)
    assert len(outcomes(sts)) == 1
    assert receiver.received[0].claims["sid"] == decode(again)[1]["sid"]


@pytest.mark.covers("logout.many-clients")
@pytest.mark.slow
def test_many_clients_are_all_told(sts: Emulator, receivers: Callable[..., Receiver]) -> None:
    apart, together = receivers(), receivers()
    keys = [private_jwk("ES256", 1)] * 90
    parties = [
        # Some have an address of their own, some share one.
        register_web(
            sts,
            f"client-{number:02}",
            jwk=key,
            backchannel_logout_uri=apart.uri(f"/{number}") if number < 80 else together.uri(),
        )
        for number, key in enumerate(keys)
    ]
    browser = parties[0].browser()
    hint = log_in(parties[0], browser)["id_token"]
    for party in parties[1:]:
        assert is_logged_in(party, browser)
    log_out(browser, id_token_hint=hint)
    audiences = {got.claims["aud"] for got in [*apart.wait(80), *together.wait(10)]}
    assert audiences == {party.machine.client_id for party in parties}
    assert all(outcome(sts, client_id)["outcome"] == "granted" for client_id in audiences)
    (row,) = (row for row in sts.journal(limit="200") if row["endpoint"] == "/connect/endsession")
    assert set(row["detail"]["back_channel"]) == audiences


@pytest.mark.covers("logout.client-deleted")
def test_a_client_that_was_deleted_meanwhile_is_not_told(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri("/kept"))
    gone = second_client(
        sts, backchannel_logout_uri=receiver.uri("/gone"), frontchannel_logout_uri="http://localhost:8089/gone"
    )
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    join(gone, browser)
    with sts.store.writing() as transaction:
        transaction.execute("DELETE FROM client WHERE client_id = 'second'")
    text = page(log_out(browser, id_token_hint=hint))
    assert "iframe" not in text
    assert outcome(sts)["outcome"] == "granted"
    assert [got.path for got in receiver.received] == ["/kept"]
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("logout.client-deleted")
def test_the_hint_of_a_deleted_client_logs_out_without_redirect(sts: Emulator) -> None:
    rp = register_web(sts)
    other = second_client(sts)
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    with sts.store.writing() as transaction:
        transaction.execute("DELETE FROM client WHERE client_id = 'web'")
    page(log_out(browser, id_token_hint=hint, post_logout_redirect_uri=OUT))
    assert not is_logged_in(other, browser)


# Back-channel logout: delivery


@pytest.mark.covers("logout.registered-addresses")
def test_the_token_goes_where_the_client_is_registered_now(sts: Emulator, receivers: Callable[..., Receiver]) -> None:
    former, present = receivers(), receivers()
    rp = register_web(sts, backchannel_logout_uri=former.uri())
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    register_web(sts, backchannel_logout_uri=present.uri())
    log_out(browser, id_token_hint=hint, backchannel_logout_uri=former.uri(), logout_uri=former.uri())
    assert present.wait()
    assert outcome(sts)["detail"]["uri"] == present.uri()
    assert former.received == []


@pytest.mark.covers("logout.registered-addresses")
def test_without_address_nobody_is_told(sts: Emulator) -> None:
    rp = register_web(sts)
    browser = rp.browser()
    page(log_out(browser, id_token_hint=log_in(rp, browser)["id_token"]))
    assert outcomes(sts) == []
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("logout.no-redirects")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(sts: Emulator, receivers: Callable[..., Receiver], status: int) -> None:
    elsewhere = receivers()
    receiver = receivers(status, {"Location": elsewhere.uri()})
    log_in_and_out(sts, receiver.uri())
    row = outcome(sts)
    assert (row["outcome"], row["detail"]["delivered"], row["detail"]["answer"]) == ("refused", False, status)
    assert elsewhere.received == []


@pytest.mark.covers("logout.no-proxy")
def test_no_proxy_gets_to_see_a_token(
    sts: Emulator, receivers: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, receiver = receivers(), receivers()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.base)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    log_in_and_out(sts, receiver.uri())
    assert outcome(sts)["outcome"] == "granted"
    assert (len(receiver.received), proxy.received) == (1, [])


@pytest.mark.covers("logout.journal.delivered")
@pytest.mark.parametrize("status", [200, 204])
def test_the_journal_tells_of_a_token_that_was_taken(
    sts: Emulator, receivers: Callable[..., Receiver], status: int
) -> None:
    receiver = receivers(status)
    log_in_and_out(sts, receiver.uri())
    row = outcome(sts)
    assert (row["outcome"], row["error"], row["client_id"]) == ("granted", None, "web")
    assert row["detail"] == {
        "uri": receiver.uri(),
        "delivered": True,
        "answer": status,
        "claims": receiver.received[0].claims,
    }


@pytest.mark.covers("logout.journal.refused")
@pytest.mark.parametrize("status", [202, 400, 401, 404, 405, 500, 501, 503])
def test_the_journal_tells_of_a_token_that_was_not_taken(
    sts: Emulator, receivers: Callable[..., Receiver], status: int
) -> None:
    receiver = receivers(status, body=b'{"error": "invalid_request"}')
    page(log_in_and_out(sts, receiver.uri()))
    row = outcome(sts)
    assert (row["outcome"], row["error"]) == ("refused", "server_error")
    assert (row["detail"]["delivered"], row["detail"]["answer"]) == (False, status)
    assert len(receiver.received) == 1


@pytest.mark.covers("logout.journal.refused")
def test_a_client_that_is_down_does_not_stop_the_logout(sts: Emulator) -> None:
    page(log_in_and_out(sts, f"http://localhost:{free_port()}/backchannel-logout"))
    row = outcome(sts)
    assert (row["outcome"], row["detail"]["delivered"]) == ("refused", False)
    assert "refused" in row["detail"]["answer"]


def _say(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    return lambda connection, _over: connection.sendall(text)


def _huge(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    for _ in range(1_000):
        connection.sendall(b"x" * 100_000)


def _endless_head(connection: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        connection.sendall(b"HTTP/1.1 200 OK" + b" " * 100_000)


@pytest.mark.covers("logout.odd-answers")
@pytest.mark.parametrize(
    ("talk", "answer"),
    [
        (_say(b""), "the connection was closed without an answer"),
        (_say(b"SSH-2.0-OpenSSH_9.2\r\n"), "the answer is no HTTP"),
        (_say(b"\x00\xff" * 200), "the answer is no HTTP"),
        (_say(b"HTTP/1.1 2000 OK\r\n\r\n"), "the answer is no HTTP"),
        (_say(b"HTTP/1.1 \r\n\r\n"), "the answer is no HTTP"),
        (_say(b"HTTP/1.1 200\r\n\r\n"), 200),
        (_say(b"HTTP/1.0 204 No Content\n\n"), 204),
        (_say(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort"), 200),
        (_say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 200),
        (_say(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n"), 200),
        (_huge, 200),
        (_endless_head, 200),
    ],
    ids=range(12),
)
def test_odd_answers_are_told_of_and_harm_nobody(
    sts: Emulator,
    raw_servers: Callable[..., RawServer],
    talk: Callable[[socket.socket, threading.Event], None],
    answer: int | str,
) -> None:
    page(log_in_and_out(sts, raw_servers(talk).uri))
    row = outcome(sts)
    delivered = isinstance(answer, int)
    assert (row["detail"]["delivered"], row["detail"]["answer"]) == (delivered, answer)
    assert row["outcome"] == ("granted" if delivered else "refused")


def _silence(_connection: socket.socket, over: threading.Event) -> None:
    over.wait(60)


def _drip(connection: socket.socket, over: threading.Event) -> None:
    """A byte at a time, so that no single wait is long."""
    for byte in b"HTTP/1.1 200 OK and much more to come".ljust(1_000):
        connection.sendall(bytes([byte]))
        if over.wait(0.5):
            return


@pytest.mark.covers("logout.time-limit")
@pytest.mark.parametrize("talk", [_silence, _drip], ids=["silent", "one byte at a time"])
@pytest.mark.slow
def test_a_client_has_three_seconds_in_all(
    sts: Emulator, raw_servers: Callable[..., RawServer], talk: Callable[[socket.socket, threading.Event], None]
) -> None:
    server = raw_servers(talk)

    def measure() -> tuple[float, float, dict[str, Any]]:
        """The seconds until the logout is answered and until the journal tells of the notice, and what it tells."""
        begun = time.monotonic()
        page(log_in_and_out(sts, server.uri))
        answered = time.monotonic() - begun
        row = outcomes(sts)[0]
        return answered, time.monotonic() - begun, row

    answered, told, row = measured(measure, lambda found: found[0] < 2 and found[1] < 8)
    assert answered < 2  # the logout itself waits for nobody
    assert 2.5 < told < 8
    assert row["outcome"] == "refused"
    assert row["detail"]["answer"] == "no answer within 3 s"


def _slow_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    over.wait(60)


@pytest.mark.covers("logout.time-limit")
@pytest.mark.slow
def test_a_status_counts_although_the_body_never_comes(sts: Emulator, raw_servers: Callable[..., RawServer]) -> None:
    log_in_and_out(sts, raw_servers(_slow_body).uri)
    assert outcome(sts)["detail"]["answer"] == 200


@pytest.mark.covers("logout.bad-addresses")
@pytest.mark.parametrize(
    "uri",
    [
        "ftp://localhost/x",
        "file:///etc/hostname",
        "javascript:alert(1)",
        "/backchannel-logout",
        "localhost:8089/x",
        "http://",
        "http:///x",
        "http://[::1",
        "http://localhost:99999/x",
        "http://localhost:port/x",
        "http://localhost:0/x",
    ],
)
def test_an_address_that_is_none_is_told_of(sts: Emulator, uri: str) -> None:
    page(log_in_and_out(sts, uri, frontchannel_logout_uri=uri))
    row = outcome(sts)
    assert row["outcome"] == "refused"
    assert row["detail"]["answer"] == "not sent: the address is no http or https URL"


@pytest.mark.covers("logout.bad-addresses")
@pytest.mark.parametrize("path", ["/a b", "/\r\nX-Evil: 1", "/æ", "/\t"])
def test_nothing_is_smuggled_by_an_address(sts: Emulator, receiver: Receiver, path: str) -> None:
    page(log_in_and_out(sts, receiver.base + path))
    row = outcome(sts)
    assert (row["outcome"], row["detail"]["delivered"]) == ("refused", False)
    assert receiver.received == []


# Back-channel logout: nobody waits for others


@pytest.mark.covers("logout.nobody-waits")
def test_a_slow_client_delays_nobody_else(
    sts: Emulator, receivers: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logout, "_PATIENCE", SOON)  # that the first are given up is another matter
    slow, quick = receivers(), receivers()
    slow.gate.clear()
    sluggish = register_web(sts, "slow", backchannel_logout_uri=slow.uri())
    rp = second_client(sts, backchannel_logout_uri=quick.uri())
    for _ in range(12):
        browser = sluggish.browser()
        log_out(browser, id_token_hint=log_in(sluggish, browser)["id_token"])
    slow.wait(4)

    def measure() -> float:
        browser, before = rp.browser(), len(quick.received)
        begun = time.monotonic()
        log_out(browser, id_token_hint=log_in(rp, browser)["id_token"])
        quick.wait(before + 1)
        return time.monotonic() - begun

    assert least(measure, 2) < 2
    assert len(slow.received) == 4  # those that came first still wait for their answers
    slow.gate.set()
    assert len(slow.wait(12)) == 12  # and all come in the end
    assert len(outcomes(sts, "slow")) == 12
    assert outcome(sts, "second")["outcome"] == "granted"


@pytest.mark.covers("logout.no-leak")
@pytest.mark.parametrize("logouts", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_many_logouts_leave_nothing_behind(
    sts: Emulator, receivers: Callable[..., Receiver], raw_servers: Callable[..., RawServer], logouts: int
) -> None:
    good, bad, rude = receivers(), receivers(500), raw_servers(_say(b"nonsense\r\n"))
    rp = register_web(sts, backchannel_logout_uri=good.uri())
    second = second_client(sts, backchannel_logout_uri=bad.uri())
    third = second_client(sts, "third", 6, backchannel_logout_uri=rude.uri)

    def rounds(count: int) -> tuple[int, int, int]:
        for _ in range(count):
            browser = rp.browser()
            log_in(rp, browser)
            assert is_logged_in(second, browser) and is_logged_in(third, browser)
            action, fields = first_form(page(log_out(browser)))
            browser.send("POST", action, fields)
        assert wait_until_sent(SOON)
        gc.collect()
        files = len(list(Path("/proc/self/fd").iterdir()))
        sending = sum(
            1 for thread in threading.enumerate() if thread.name == "backchannel-logout" and thread.is_alive()
        )
        return files, sending, sts.row_counts()["session_client"]

    before = rounds(5)
    after = rounds(logouts - 5)
    assert len(good.received) == logouts
    assert after[0] <= before[0] + 8
    assert after[1] <= 1  # the last one may be on its way out
    assert (before[2], after[2]) == (0, 0)


@pytest.mark.covers("logout.stop")
@pytest.mark.slow
def test_a_server_stops_while_notices_are_on_their_way(tmp_path: Path, receivers: Callable[..., Receiver]) -> None:
    def measure() -> float:
        slow = receivers()
        slow.gate.clear()
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        live = LiveServer(folder)
        try:
            rp = _live_party(live, backchannel_logout_uri=slow.uri())
            for _ in range(8):
                browser = rp.browser()
                log_out(browser, id_token_hint=log_in(rp, browser)["id_token"])
            slow.wait(4)
        finally:
            took = live.stop()
        assert live.process.returncode == 0
        assert "Traceback" not in live.log.read_text()
        return took

    assert least(measure, 3) < 3


@pytest.mark.covers("logout.stop")
@pytest.mark.slow
def test_a_program_ends_while_notices_are_on_their_way(sts: Emulator, receivers: Callable[..., Receiver]) -> None:
    slow = receivers()
    slow.gate.clear()
    program = f"""
from pathlib import Path
from tests.journeys.test_end_session import log_in, log_out, register_web
from tests.support.emulator import Emulator, settings_for
sts = Emulator(settings_for(Path({str(database_file(sts.settings))!r})))
rp = register_web(sts, backchannel_logout_uri={slow.uri()!r})
for _ in range(20):
    browser = rp.browser()
    log_out(browser, id_token_hint=log_in(rp, browser)["id_token"])
print("logged out", flush=True)
"""

    def measure() -> float:
        command = [sys.executable, "-W", "error", "-c", program]
        with popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            begun = time.monotonic()
            told = process.stderr.read().decode()
            status = process.wait(SOON)
            seconds = time.monotonic() - begun
        assert (line, status, told) == (b"logged out\n", 0, "")
        return seconds

    assert least(measure, 2) < 2


@pytest.mark.covers("logout.journal.api")
def test_a_live_server_tells_and_shows_it_in_its_journal(live: LiveServer, receiver: Receiver) -> None:
    rp = _live_party(live, backchannel_logout_uri=receiver.uri())
    browser = rp.browser()
    tokens = log_in(rp, browser)
    log_out(browser, id_token_hint=tokens["id_token"])
    (got,) = receiver.wait()
    assert got.claims["iss"] == live.issuer
    assert got.claims["sid"] == decode(tokens["id_token"])[1]["sid"]
    rows: list[Any] = []
    ends = time.monotonic() + SOON
    while not rows and time.monotonic() < ends:
        entries = live.transport.send("GET", "/mock/api/v1/journal?client_id=logout-web").json["entries"]
        rows = [row for row in entries if row["endpoint"] == "backchannel-logout"]
    assert [row["detail"]["claims"]["jti"] for row in rows] == [got.claims["jti"]]


def _live_party(live: LiveServer, **members: Any) -> RelyingParty:
    usual: dict[str, Any] = {"grant_types": ["authorization_code", "refresh_token"], "redirect_uris": [REDIRECT_URI]}
    return RelyingParty(live.client("logout-web", scope=SCOPES, **usual, **members))


# Front-channel logout

FRONT = "http://localhost:8089/signout-oidc"


def frames_in(text: str, browser: Browser) -> tuple[Answer, list[str]]:
    """The page in the only frame of the page ``text``, and the addresses of the frames in that one."""
    (source,) = re.findall(r'<iframe\b[^>]*\bsrc="([^"]*)"', text)
    source = html.unescape(source)
    assert source.startswith("/connect/endsession/callback?endSessionId=")
    inner = browser.send("GET", source)
    assert inner.status == 200
    assert inner.headers["content-type"].startswith("text/html")
    found = re.findall(r'<iframe\b[^>]*\bsrc="([^"]*)"', inner.content.decode())
    return inner, [html.unescape(one) for one in found]


def policy(answer: Answer) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["content-security-policy"].split(";")]
    return {name: values for name, *values in parts}


def front(sts: Emulator, uri: str = FRONT, **members: Any) -> tuple[RelyingParty, Browser, dict[str, Any]]:
    """A client with that front-channel address, and a login at it."""
    rp = register_web(sts, frontchannel_logout_uri=uri, **members)
    browser = rp.browser()
    return rp, browser, log_in(rp, browser)


@pytest.mark.covers("logout.front.frames", "logout.front.policy")
def test_the_browser_loads_each_clients_address_in_a_frame(sts: Emulator) -> None:
    rp, browser, tokens = front(sts)
    second = second_client(sts, frontchannel_logout_uri="https://other.example:8443/out")
    third = second_client(sts, "third", 6)
    join(second, browser)
    join(third, browser)
    answer = log_out(browser, id_token_hint=tokens["id_token"])
    inner, urls = frames_in(page(answer), browser)
    sid = decode(tokens["id_token"])[1]["sid"]
    wanted = {"iss": sts.issuer, "sid": sid}
    assert [url.partition("?")[0] for url in urls] == ["https://other.example:8443/out", FRONT]
    assert [dict(parse_qsl(urlsplit(url).query)) for url in urls] == [wanted, wanted]
    assert policy(answer)["frame-src"] == ["'self'"]
    assert policy(answer)["frame-ancestors"] == ["'none'"]
    assert policy(inner)["frame-src"] == ["https://other.example:8443", "http://localhost:8089"]
    assert policy(inner)["frame-ancestors"] == ["'self'"]
    for one in (answer, inner):
        assert policy(one)["default-src"] == ["'none'"]
        assert "no-store" in one.headers["cache-control"]
        assert one.headers["referrer-policy"] == "no-referrer"
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("logout.front.redirect")
def test_the_browser_goes_on_to_the_client_when_the_frames_are_loaded(sts: Emulator) -> None:
    _, browser, tokens = front(sts)
    answer = log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=OUT, state="a b&c=<d>\"'æ")
    text = page(answer)
    location = f"{OUT}?state=a%20b%26c%3D%3Cd%3E%22%27%C3%A6"
    refresh = re.search(r'<meta http-equiv="refresh" content="(\d+);url=([^"]*)">', text)
    assert refresh is not None
    assert (refresh[1], html.unescape(refresh[2])) == ("2", location)
    anchors = [html.unescape(href) for href in re.findall(r'<a\b[^>]*href="([^"]*)"', text)]
    assert anchors == [location]
    assert len(frames_in(text, browser)[1]) == 1


@pytest.mark.covers("logout.front.redirect")
@pytest.mark.parametrize("uri", ["https://elsewhere.example/", OUT + "/"])
def test_the_page_with_frames_leads_to_registered_addresses_only(sts: Emulator, uri: str) -> None:
    _, browser, tokens = front(sts)
    text = page(log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri))
    assert "http-equiv" not in text and "<a " not in text
    assert len(frames_in(text, browser)[1]) == 1


@pytest.mark.covers("logout.front.query")
@pytest.mark.parametrize(
    ("uri", "begins", "ends"),
    [
        (FRONT + "?tenant=a%20b", FRONT + "?tenant=a%20b&iss=", ""),
        (FRONT + "?", FRONT + "?&iss=", ""),
        (FRONT + "#/out", FRONT + "?iss=", "#/out"),
        (FRONT + "?a=b#/out?c=d", FRONT + "?a=b&iss=", "#/out?c=d"),
    ],
)
def test_an_address_keeps_its_own_query(sts: Emulator, uri: str, begins: str, ends: str) -> None:
    _, browser, tokens = front(sts, uri)
    _, (url,) = frames_in(page(log_out(browser, id_token_hint=tokens["id_token"])), browser)
    sid = decode(tokens["id_token"])[1]["sid"]
    assert url == f"{begins}http%3A%2F%2Flocalhost%3A8080&sid={sid}{ends}"


@pytest.mark.covers("logout.front.confirmed")
def test_frames_follow_a_confirmation(sts: Emulator) -> None:
    rp, browser, _ = front(sts)
    text = page(log_out(browser))
    assert "iframe" not in text
    action, fields = first_form(text)
    _, urls = frames_in(page(browser.send("POST", action, fields)), browser)
    assert len(urls) == 1
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("logout.front.both")
def test_a_client_may_be_told_by_both_channels(sts: Emulator, receiver: Receiver) -> None:
    _, browser, tokens = front(sts, backchannel_logout_uri=receiver.uri())
    _, (url,) = frames_in(page(log_out(browser, id_token_hint=tokens["id_token"])), browser)
    assert dict(parse_qsl(urlsplit(url).query))["sid"] == receiver.wait()[0].claims["sid"]
    (row,) = (row for row in sts.journal() if row["endpoint"] == "/connect/endsession")
    assert row["detail"] == {
        "sid": receiver.received[0].claims["sid"],
        "front_channel": ["web"],
        "back_channel": ["web"],
    }


@pytest.mark.covers("logout.front.none")
def test_without_front_channel_the_browser_goes_back_at_once(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    browser = rp.browser()
    answer = log_out(browser, id_token_hint=log_in(rp, browser)["id_token"], post_logout_redirect_uri=OUT)
    assert (answer.status, answer.headers["location"]) == (303, OUT)
    assert receiver.wait()


@pytest.mark.covers("logout.front.bad-addresses")
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "/signout",
        "//evil.example/x",
        "http://[::1",
        "http://:80/",
        "http://a b/",
    ],
)
def test_an_address_that_is_none_gets_no_frame(sts: Emulator, uri: str) -> None:
    rp, browser, tokens = front(sts, uri)
    answer = log_out(browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=OUT)
    assert answer.headers["location"] == OUT
    assert not is_logged_in(rp, browser)


@pytest.mark.covers("logout.front.policy")
@pytest.mark.parametrize(
    ("uri", "sources"),
    [
        ("http://[::1]:8089/out", ["*"]),
        ("https://app.example/a;b,c", ["https://app.example"]),
        ("http://localhost:8089/\"'><script>alert(1)</script>", ["http://localhost:8089"]),
        ("http://a.example;script-src'unsafe-inline'/x", ["*"]),
    ],
)
def test_no_address_breaks_out_of_page_or_policy(sts: Emulator, uri: str, sources: list[str]) -> None:
    _, browser, tokens = front(sts, uri)
    inner, (url,) = frames_in(page(log_out(browser, id_token_hint=tokens["id_token"])), browser)
    assert url.startswith(uri)
    assert b"<script" not in inner.content
    assert policy(inner)["frame-src"] == sources
    assert "unsafe-inline" not in inner.headers["content-security-policy"]


@pytest.mark.covers("logout.front.sealed")
@pytest.mark.parametrize("change", ["none", "", "x", "flipped", "%00", "%ff", "a" * 20_000])
def test_only_the_server_says_what_stands_in_frames(sts: Emulator, change: str) -> None:
    _, browser, tokens = front(sts)
    text = page(log_out(browser, id_token_hint=tokens["id_token"]))
    (source,) = re.findall(r'<iframe\b[^>]*\bsrc="([^"]*)"', text)
    path, _, sealed = html.unescape(source).partition("=")
    if change == "flipped":
        change = sealed[:-2] + ("AA" if sealed[-2:] != "AA" else "BA")
    answer = browser.send("GET", path.partition("?")[0] if change == "none" else f"{path}={change}")
    assert answer.status in (200, 400)
    assert b"<iframe" not in answer.content
    if answer.status == 200:
        assert policy(answer)["frame-src"] == ["'none'"]


@pytest.mark.covers("logout.front.sealed")
def test_a_seal_for_another_purpose_opens_no_frames(sts: Emulator) -> None:
    seal = sts.server.seal
    rp = register_web(sts)
    for purpose, shown in (("antiforgery", 0), ("end-session", 1)):
        sealed = seal.close(purpose, {"urls": ["https://elsewhere.example/"]})
        answer = rp.browser().send("GET", f"/connect/endsession/callback?endSessionId={sealed}")
        assert answer.content.count(b"<iframe") == shown
    for odd in ({"urls": "https://elsewhere.example/"}, {"urls": None}, {}):
        sealed = seal.close("end-session", odd)
        answer = rp.browser().send("GET", f"/connect/endsession/callback?endSessionId={sealed}")
        assert (answer.status, answer.content.count(b"<iframe")) == (200, 0)


# What lives on


@pytest.mark.covers("logout.refresh-tokens-live-on")
def test_refresh_tokens_work_after_logout(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    browser = rp.browser()
    tokens = log_in(rp, browser)
    log_out(browser, id_token_hint=tokens["id_token"])
    assert receiver.wait()
    assert not is_logged_in(rp, browser)
    sts.clock.advance(7_200)
    rp.machine.learn_nonce()
    refreshed = rp.refresh(tokens["refresh_token"])
    assert refreshed.status == 200, refreshed.content
    before, after = decode(tokens["access_token"])[1], refreshed.claims
    assert (after["sid"], after["sub"]) == (before["sid"], before["sub"])
    assert rp.user_info(refreshed.json["access_token"]).status == 200
    assert not is_logged_in(rp, browser)
    log_out(browser, id_token_hint=refreshed.json["id_token"])
    assert len(outcomes(sts)) == 1


@pytest.mark.covers("logout.code-lives-on")
def test_a_code_from_before_logout_still_counts(sts: Emulator) -> None:
    rp = register_web(sts)
    browser = rp.browser()
    hint = log_in(rp, browser)["id_token"]
    login = Login()
    code = rp.log_in(login, {"test_pid": ABSENT}, browser)["code"]
    log_out(browser, id_token_hint=hint)
    assert rp.redeem(login, code).status == 200


@pytest.mark.covers("logout.client-of-a-second-session")
def test_a_client_is_told_of_the_session_that_ended_only(sts: Emulator, receiver: Receiver) -> None:
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    browsers = [rp.browser() for _ in range(3)]
    hints = [log_in(rp, browser)["id_token"] for browser in browsers]
    log_out(browsers[1], id_token_hint=hints[1])
    assert [row["detail"]["claims"]["sid"] for row in outcomes(sts)] == [decode(hints[1])[1]["sid"]]
    assert [is_logged_in(rp, browser) for browser in browsers] == [True, False, True]


# Faults on order


@pytest.mark.covers("faults.logout")
def test_a_logout_token_is_wrong_or_never_sent(sts: Emulator, receiver: Receiver) -> None:
    control = Control(sts.transport)
    match = {"client_id": "web"}
    rp = register_web(sts, backchannel_logout_uri=receiver.uri())
    for effect in ("not_sent", "wrong_audience"):
        browser = rp.browser()
        token = log_in(rp, browser)["id_token"]
        rule = control.ask("POST", "/faults", {"match": match, "effect": {"backchannel_logout": effect}, "times": 1})
        log_out(browser, id_token_hint=token)
        assert wait_until_sent(SOON)
        assert control.ask("GET", f"/faults/{rule['id']}")["happened"] == 1
        ended = next(row for row in sts.journal() if row["endpoint"] == "/connect/endsession")
        assert ended["faults"] == [{"id": rule["id"], "effect": f"backchannel_logout={effect}"}]
    (got,) = receiver.wait()
    assert got.claims["aud"] == "another:api" and outcome(sts)["detail"]["fault"].startswith(rule["id"])
