"""A correct HelseID client for logins, whose every property can be turned."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from tests.support.keys import Jwk
from tests.support.machine import ABSENT, Answer, Machine, b64, merge

PAR, AUTHORIZE, TOKEN, USERINFO = "/connect/par", "/connect/authorize", "/connect/token", "/connect/userinfo"
REDIRECT_URI = "http://localhost:8089/callback"
SCOPES = (
    "openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level "
    "helseid://scopes/hpr/hpr_number test:api/read"
)
PERSON = "06828399789"


class Browser:
    """Keeps cookies, follows redirects inside the server, reads forms and anchors; runs no script."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.cookies: dict[str, str] = {}
        self.visited: list[str] = []

    def send(self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        self.visited.append(path)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = b""
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        answer = self._machine.transport.send(method, path, sent, body)
        for name, value in re.findall(r"(mock-sts-[a-z0-9-]+)=([^;]*);", " ".join(answer.cookies)):
            self.cookies[name] = value
        return answer

    def follow(self, answer: Answer, limit: int = 10) -> Answer:
        """Follow redirects as long as they stay on the server."""
        for _ in range(limit):
            target = answer.headers.get("location")
            if answer.status not in (302, 303) or target is None or not self.is_own(target):
                return answer
            parts = urlsplit(target)
            answer = self.send("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        raise AssertionError("too many redirects")

    def is_own(self, url: str) -> bool:
        return urlsplit(urljoin(self._machine.issuer, url)).netloc == urlsplit(self._machine.issuer).netloc


def anchor(page: str, element_id: str) -> str:
    """The decoded href of the anchor with this id."""
    for tag in re.findall(r"<a\b[^>]*>", page):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if html.unescape(attributes.get("id", "")) == element_id:
            return html.unescape(attributes["href"])
    raise AssertionError(f"no anchor {element_id!r} in {page}")


def first_form(page: str) -> tuple[str, dict[str, str]]:
    """The decoded action of the first form, and its hidden fields."""
    found = re.search(r"<form\b[^>]*action=['\"]([^'\"]*)['\"][^>]*>(.*?)</form>", page, re.S)
    assert found is not None, page
    fields = {}
    for tag in re.findall(r"<input\b[^>]*>", found[2]):
        attributes = dict(re.findall(r"([\w-]+)=['\"]([^'\"]*)['\"]", tag))
        if attributes.get("type") == "hidden":
            fields[attributes["name"]] = html.unescape(attributes.get("value", ""))
    return html.unescape(found[1]), fields


@dataclass
class Login:
    """One login from PAR to tokens."""

    verifier: str = field(default_factory=lambda: b64(secrets.token_bytes(32)))
    state: str = field(default_factory=lambda: secrets.token_hex(16))
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def challenge(self) -> str:
        return b64(hashlib.sha256(self.verifier.encode()).digest())


@dataclass
class RelyingParty:
    """A web application that logs people in. ``machine`` is its back channel."""

    machine: Machine
    scopes: str = SCOPES
    redirect_uri: str = REDIRECT_URI

    def browser(self) -> Browser:
        return Browser(self.machine)

    def parameters(self, login: Login, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        base = {
            "client_id": self.machine.client_id,
            "response_type": "code",
            "scope": self.scopes,
            "redirect_uri": self.redirect_uri,
            "code_challenge": login.challenge,
            "code_challenge_method": "S256",
            "state": login.state,
            "nonce": login.nonce,
        }
        return merge(base, changes or {})

    def push(self, login: Login, changes: Mapping[str, Any] | None = None, *, proof: str | None = None) -> Answer:
        """A pushed authorization request; values may be lists for parameters that come again."""
        form = self.machine.form(self.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
        merged = {**form, **self.parameters(login, changes)}
        pairs = [
            (name, item) for name, value in merged.items() for item in (value if isinstance(value, list) else [value])
        ]
        return self.machine.post(pairs, proof=proof, path=PAR)

    def authorize_path(self, request_uri: str, **more: str) -> str:
        return f"{AUTHORIZE}?{urlencode({'client_id': self.machine.client_id, 'request_uri': request_uri, **more})}"

    def log_in(
        self, login: Login, changes: Mapping[str, Any] | None = None, browser: Browser | None = None
    ) -> dict[str, str]:
        """PAR with ``test_pid``, authorize, and the parameters of the answer."""
        pushed = self.push(login, {"test_pid": PERSON, **(changes or {})})
        assert pushed.status == 201, pushed.content
        answer = (browser or self.browser()).send("GET", self.authorize_path(pushed.json["request_uri"]))
        return answer_parameters(answer)

    def redeem(self, login: Login, code: str, changes: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": login.verifier,
            "scope": ABSENT,
        }
        return self.machine.token(form={**form, **(changes or {})}, **more)

    def refresh(self, refresh_token: str, changes: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": ABSENT}
        return self.machine.token(form={**form, **(changes or {})}, **more)

    def tokens(self, changes: Mapping[str, Any] | None = None) -> Answer:
        """A whole login; the answer of the token endpoint."""
        login = Login()
        answer = self.redeem(login, self.log_in(login, changes)["code"])
        assert answer.status == 200, answer.content
        return answer

    def user_info(
        self, token: str, *, scheme: str = "Bearer", proof: Mapping[str, Any] | None = None, jwk: Jwk | None = None
    ) -> Answer:
        headers = {"Authorization": f"{scheme} {token}"}
        if proof is not None:
            ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
            claims = {"htm": "GET", "htu": self.machine.issuer + USERINFO, "ath": ath, "nonce": ABSENT, **proof}
            headers["DPoP"] = self.machine.proof(claims=claims, jwk=jwk)
        return self.machine.transport.send("GET", USERINFO, headers)


class Registrar(Protocol):
    """Where clients are registered: an emulator, a live server, an environment of either."""

    def client(self, client_id: str, **members: Any) -> Machine: ...


def web_client(sts: Registrar, client_id: str = "web", **members: Any) -> RelyingParty:
    """Register a web application, modern where ``members`` do not say otherwise, and get the party that acts as it."""
    usual = {
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": SCOPES,
        "redirect_uris": [REDIRECT_URI],
    }
    return RelyingParty(sts.client(client_id, **{**usual, **members}))


def answer_parameters(answer: Answer) -> dict[str, str]:
    """The parameters of an authorization response, by redirect or form_post."""
    if answer.status == 200:
        return first_form(answer.content.decode())[1]
    assert answer.status == 303, (answer.status, answer.content)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query, keep_blank_values=True))
