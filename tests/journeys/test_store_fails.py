"""Every route while the store fails: an answer, or 503 as everywhere, and never an unexpected error.

The routes are those of the application, so a new one is walked without a word here. ``good_requests`` adds what gets
far: requests that would succeed, made while the store is still well.
"""

import json
import os
import re
import resource
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from mock_sts.store.sqlite.database import SqliteDatabase
from mock_sts.store.tables import METADATA
from mock_sts.web.reading import ANY_METHOD
from tests.journeys.test_end_session import OUT
from tests.journeys.test_resilience import WITHOUT_OVERRIDE
from tests.journeys.test_resource import prove
from tests.support.emulator import Emulator, LiveServer, Worlds
from tests.support.machine import ABSENT, Answer, Machine
from tests.support.relying_party import (
    AUTHORIZE,
    PAR,
    PERSON,
    REDIRECT_URI,
    SCOPES,
    Browser,
    Login,
    RelyingParty,
    answer_parameters,
    first_form,
)

#: Looks into files of SQLite, or is about commands on them.
pytestmark = pytest.mark.sqlite

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LOGIN: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": SCOPES,
    "redirect_uris": [REDIRECT_URI],
}
DEMO = "/mock/demo"


@dataclass(frozen=True)
class Sent:
    """One request as it travels; ``writes`` says that it cannot be answered without writing."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    writes: bool = False

    @classmethod
    def form(
        cls, path: str, form: dict[str, Any], headers: Mapping[str, str] | None = None, *, writes: bool = True
    ) -> "Sent":
        return cls("POST", path, {"Content-Type": FORM, **(headers or {})}, urlencode(form).encode(), writes)


def every_route(sts: Emulator) -> list[Sent]:
    """A request of each method for each path of the application, nothing right about it but these two."""
    found = []
    for rule in sts.app.url_map.iter_rules():
        path = re.sub("<[^>]*>", "x", rule.rule)
        for method in sorted(rule.methods or ANY_METHOD):
            content_type = JSON if path.startswith("/mock/api/") else FORM
            body = (b"{}" if content_type == JSON else b"a=b") if method in ("POST", "PUT", "PATCH") else b""
            found.append(Sent(method, path, {"Content-Type": content_type} if body else {}, body))
    return found


def good_requests(server: Emulator | LiveServer) -> dict[str, Sent]:
    """By a name of each: what would succeed."""
    machine = server.client("store-machine")
    machine.learn_nonce()
    web = server.client("store-web", **LOGIN, post_logout_redirect_uris=[OUT])
    web.learn_nonce()
    plain = server.client("store-plain", **LOGIN, require_pushed_authorization_requests=False)
    rp, front = RelyingParty(web), RelyingParty(plain)
    token = machine.token().json["access_token"]
    browser, login = rp.browser(), Login()
    tokens = rp.redeem(login, rp.log_in(login, browser=browser)["code"]).json
    waiting = Login()
    code = rp.log_in(waiting)["code"]

    def pushed(**changes: Any) -> str:
        answer = rp.push(Login(), changes)
        assert answer.status == 201, answer.content
        return rp.authorize_path(answer.json["request_uri"])

    def of(client: Machine, changes: dict[str, Any]) -> dict[str, Any]:
        return client.form(client.assertion(lifetime=50), {"grant_type": ABSENT, "scope": ABSENT, **changes})

    page_browser = rp.browser()
    page = page_browser.follow(page_browser.send("GET", pushed(acr_values="idp:testidp-oidc", prompt="login")))
    action, fields = first_form(page.content.decode())
    out_browser = rp.browser()
    rp.log_in(Login(), browser=out_browser)
    out_page = out_browser.send("GET", "/connect/endsession")
    _, out_fields = first_form(out_page.content.decode())
    queue = json.dumps({"persona": "kvart-grevling"}).encode()
    # One for a client that logs no person in, so that there is something to forget.
    waits = json.dumps({"persona": "kvart-grevling", "match": {"client_id": machine.client_id}}).encode()
    ordered = server.transport.send("POST", "/mock/api/v1/next-login", {"Content-Type": JSON}, waits)
    assert ordered.status == 201, ordered.content
    redeemed = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": waiting.verifier,
        "client_id": web.client_id,
    }
    bearer = {"Authorization": f"DPoP {token}"}
    api_proof = prove(machine, token, f"{DEMO}/api")
    return {
        "machine": Sent.form("/connect/token", machine.form(machine.assertion(lifetime=50)), {"DPoP": machine.proof()}),
        "code": Sent.form("/connect/token", of(web, redeemed), {"DPoP": web.proof()}),
        "refresh": Sent.form(
            "/connect/token",
            of(web, {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}),
            {"DPoP": web.proof()},
        ),
        "refused": Sent.form("/connect/token", machine.form(machine.assertion(lifetime=50), {"scope": "x"})),
        "push": Sent.form(PAR, of(web, rp.parameters(Login()))),
        "authorize": Sent("GET", pushed(test_pid=PERSON), writes=True),
        "authorize in front": Sent("GET", f"{AUTHORIZE}?{urlencode(front.parameters(Login()))}", writes=True),
        "authorize refused": Sent("GET", f"{AUTHORIZE}?client_id=x", writes=True),
        "callback": Sent("GET", pushed(test_pid=PERSON).replace(AUTHORIZE, f"{AUTHORIZE}/callback"), writes=True),
        "page": Sent("GET", action, cookies(page_browser)),
        "log in": Sent.form(action, {**fields, "Pid": PERSON, "SecurityLevel": "4"}, cookies(page_browser)),
        "fail to log in": Sent.form(action, {**fields, "outcome": "provider_error"}, cookies(page_browser)),
        "persona": Sent("GET", "/mock/as/kvart-grevling"),
        "userinfo": Sent(
            "GET", "/connect/userinfo", {"Authorization": f"Bearer {tokens['access_token']}"}, writes=True
        ),
        "clientinfo": Sent("POST", "/connect/clientinfo", bearer, writes=True),
        "resource": Sent("GET", "/mock/resource", {**bearer, "DPoP": prove(machine, token)}, writes=True),
        "introspect": Sent.form("/connect/introspect", of(machine, {"token": token})),
        "revoke": Sent.form("/connect/revocation", of(web, {"token": tokens["refresh_token"]})),
        "ciba": Sent.form("/connect/ciba", of(machine, {})),
        "device": Sent.form("/connect/deviceauthorization", of(machine, {})),
        "end session": Sent(
            "GET",
            f"/connect/endsession?{urlencode({'id_token_hint': tokens['id_token'], 'post_logout_redirect_uri': OUT})}",
            cookies(browser),
            writes=True,
        ),
        "confirm logout": Sent.form("/Account/Logout", out_fields, cookies(out_browser)),
        "public URL": Sent("PUT", "/mock/api/v1/public-url", {"Content-Type": JSON}, b'{"url": null}', writes=True),
        "next login": Sent("POST", "/mock/api/v1/next-login", {"Content-Type": JSON}, queue, writes=True),
        "forget logins": Sent("DELETE", "/mock/api/v1/next-login", {"Content-Type": JSON}, writes=True),
        "journal": Sent("GET", "/mock/api/v1/journal?client_id=web&outcome=refused"),
        "search": Sent("GET", f"{action}&q=doctor", cookies(page_browser)),
        "API": Sent("GET", f"{DEMO}/api", {**bearer, "DPoP": api_proof}),
    }


def cookies(browser: Browser) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}


def send(server: Emulator | LiveServer, sent: Sent) -> Answer:
    return server.transport.send(sent.method, sent.path, sent.headers, sent.body)


def assert_unavailable(answer: Answer, name: str) -> None:
    """503 in the form of every refusal, which says why and names no file."""
    assert answer.status == 503, (name, answer.status, answer.content)
    said = answer.json.get("error_description") or answer.json.get("detail")
    assert "cannot be used" in said and "see the log" in said, (name, said)
    assert "sqlite" not in said and "/" not in said, (name, said)


def assert_no_crash(answers: Iterable[tuple[str, Answer]]) -> None:
    # 501: an application that no server of ours runs has nothing to reload.
    wrong = {name: (a.status, a.content) for name, a in answers if a.status >= 500 and a.status not in (501, 503)}
    assert wrong == {}


# In the process: what is missing


def _forget_table(name: str) -> Callable[[SqliteDatabase], None]:
    def act(store: SqliteDatabase) -> None:
        with store.writing() as transaction:
            transaction.execute(f"DROP TABLE {name}")

    return act


def _no_database(store: SqliteDatabase) -> None:
    store.path.unlink()


def _no_longer_a_database(store: SqliteDatabase) -> None:
    store.path.write_bytes(b"\x89PNG" * 5_000)


#: What happens to the database; each table is one that some step comes to first.
FAULTS: dict[str, Callable[[SqliteDatabase], None]] = {
    "gone": _no_database,
    "garbage": _no_longer_a_database,
    **{f"no {name}": _forget_table(name) for name in METADATA.tables},
}


@pytest.mark.covers("server.data.every-route")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.slow
def test_no_route_has_an_unexpected_error_when_the_store_fails(worlds: Worlds, fault: str) -> None:
    sts = worlds.make(port=1)  # where nothing answers: the demo calls itself there
    good = good_requests(sts)
    FAULTS[fault](sts.store)
    answers = [(f"{sent.method} {sent.path}", send(sts, sent)) for sent in every_route(sts)]
    answers += [(name, send(sts, sent)) for name, sent in good.items()]
    assert_no_crash(answers)
    if fault in ("gone", "garbage"):
        for name, sent in good.items():
            if sent.writes:
                assert_unavailable(send(sts, sent), name)


# Live: a disk that is full, and one that may not be written to


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path, prefix=WITHOUT_OVERRIDE if os.geteuid() == 0 else [])
    yield server
    tmp_path.chmod(0o755)
    server.stop()


def full(server: LiveServer) -> None:
    """The workers may not make any file longer."""
    for worker in server.workers():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def read_only(server: LiveServer) -> None:
    folder = server.database.parent
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)


def demo_requests(server: LiveServer) -> dict[str, Sent]:
    """What somebody does who is logged in at the demo, and somebody who is about to be."""

    def opened() -> tuple[Browser, dict[str, str]]:
        browser = Browser(server.client("store-demo-browser"))
        browser.send("GET", "/mock/as/kvart-grevling")
        page = browser.send("GET", DEMO)
        return browser, first_form(page.content.decode())[1]

    inside, fields = opened()
    location = inside.send("POST", f"{DEMO}/login", {**fields, "level": "4"}).headers["location"]
    begun = urlsplit(location)
    callback = urlsplit(inside.send("GET", f"{begun.path}?{begun.query}").headers["location"])
    assert callback.path == f"{DEMO}/callback"
    assert inside.send("GET", f"{callback.path}?{callback.query}").headers["location"].endswith(DEMO)
    _, inside_fields = first_form(inside.send("GET", DEMO).content.decode())
    outside, outside_fields = opened()
    halfway, halfway_fields = opened()
    location = halfway.send("POST", f"{DEMO}/login", halfway_fields).headers["location"]
    begun = urlsplit(location)
    answer = answer_parameters(halfway.send("GET", f"{begun.path}?{begun.query}"))
    return {
        "demo home": Sent("GET", DEMO, cookies(inside)),
        "demo steps": Sent("GET", f"{DEMO}/steps", cookies(inside)),
        "demo login": Sent.form(f"{DEMO}/login", outside_fields, cookies(outside)),
        "demo callback": Sent("GET", f"{DEMO}/callback?{urlencode(answer)}", cookies(halfway), writes=True),
        "demo call": Sent.form(f"{DEMO}/call", inside_fields, cookies(inside)),
        "demo refresh": Sent.form(f"{DEMO}/refresh", inside_fields, cookies(inside)),
        "demo logout": Sent.form(f"{DEMO}/logout", inside_fields, cookies(inside), writes=False),
    }


@pytest.mark.covers("server.data.full", "server.data.every-route")
@pytest.mark.parametrize("fault", [full, read_only])
@pytest.mark.slow
def test_no_route_has_an_unexpected_error_when_nothing_can_be_written(
    server: LiveServer, sts: Emulator, fault: Callable[[LiveServer], None]
) -> None:
    """Files that are open can still be written to when their rights change; those of the demo are opened anew."""
    good = good_requests(server) | demo_requests(server)
    fault(server)
    answers = {name: send(server, sent) for name, sent in good.items()}
    walked = [(f"{sent.method} {sent.path}", send(server, sent)) for sent in every_route(sts)]
    assert_no_crash([*answers.items(), *walked])
    for name, sent in good.items():
        if sent.writes and (fault is full or name.startswith("demo")):
            assert_unavailable(answers[name], name)
    assert answers["demo home"].status == 200
    kept = Path(f"{server.database}-demo")
    assert not list(kept.glob("*.new")), "no half of a file is left"
