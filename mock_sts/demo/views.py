"""What the addresses of the demo answer. What is worth reading stands in ``relying_party`` and ``api``."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request

from mock_sts.demo import API, BEARER_API, CLIENT_ID, HOME
from mock_sts.demo.api import BEARER, Call, DemoApi
from mock_sts.demo.explain import decoded, readable
from mock_sts.demo.relying_party import Login, LoginError, RelyingParty, Tokens
from mock_sts.demo.sessions import Shelf
from mock_sts.demo.wire import Wire, WireError
from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.settings.settings import Settings
from mock_sts.web import browser, reading
from mock_sts.web.reading import current
from mock_sts.web.writing import json_response

#: Steps that a session keeps, and that a page shows.
_MOST_STEPS = 40

_ANTIFORGERY = "demo_form"

#: The parameter of who has been sent from an alias to the public URL.
_SENT = "sent"


class Demo:
    """The views. A browser has a cookie with a random name; what is known of it lies on the shelf under that name."""

    def __init__(
        self,
        settings: Settings,
        key: Mapping[str, Any],
        introduce: Callable[[str, str], Mapping[str, str]],
    ) -> None:
        """As for ``pages.install``."""
        self._introduce = introduce
        self._address = (_reachable(settings.host), settings.port)
        self._key = key
        self._shelf = Shelf(settings.places.demo)
        self._api, self._bearer_api = (
            DemoApi(proofs=settings.places.demo.with_name(f"{settings.places.demo.name}-proofs")),
            DemoApi(BEARER),
        )

    # Pages

    def home(self) -> Response:
        """What the client knows, and what it can do."""
        urls = self._urls()
        if urls.back_channel != urls.issuer and _SENT not in request.args:
            # Cookies and the registered address belong to the issuer's host. Who comes by that and is still seen as
            # a visitor at an alias has a proxy in between that asks by it.
            return browser.redirect(urls.issuer.url(f"{HOME}?{_SENT}"))
        name = self._cookie()
        session = self._shelf.get(_kept(name)) if name else None
        return self._page("demo.html", name or _new_name(), **self._view(session))

    def steps(self) -> Response:
        """Every request and answer of this browser."""
        session = self._session()[1] or {}
        return self._page("demo_steps.html", None, steps=[readable(step) for step in session.get("steps", ())])

    # Actions

    def log_in(self) -> Response:
        """Begin a login and send the browser on."""
        name, _ = self._session()
        if name is None or self._is_forged(name):
            return self._refused()
        wire, urls = self._wire(), self._urls()
        more = {"acr_values": "Level4"} if reading.form().one("level") == "4" else {}
        try:
            login, location = self._party(wire).begin(urls.issuer.base, urls.issuer.url(f"{HOME}/callback"), **more)
        except (LoginError, WireError) as error:
            return self._failed(name, str(error), wire)
        kept = {name: getattr(login, name) for name in login.__slots__}
        self._shelf.put(_kept(f"login {login.state}"), {"browser": name, "login": kept, "steps": _documents(wire)})
        return browser.redirect(location)

    def callback(self) -> Response:
        """End a login."""
        reading.refuse_head()
        name = self._cookie()
        key = _kept(f"login {request.args.get('state', '')}")
        begun = self._shelf.get(key)
        is_own = name is not None and begun is not None and hmac.compare_digest(begun["browser"], name)
        # Taken by one request only: an answer is good once.
        begun = self._shelf.take(key) if is_own else None
        if name is None or begun is None:
            return self._failed(None, "This browser has not begun the login that ends here, or has ended it already.")
        wire = self._wire()
        url = f"{begun['login']['redirect_uri']}?{request.query_string.decode('ascii', 'replace')}"
        try:
            tokens = self._party(wire).finish(Login(**begun["login"]), url)
        except (LoginError, WireError) as error:
            return self._failed(name, str(error), wire, begun["steps"])
        # A new name for who is logged in now: one that an attacker has planted before is worth nothing.
        self._shelf.remove(_kept(name))
        name = _new_name()
        self._shelf.put(_kept(name), {"tokens": tokens.document(), "steps": [*begun["steps"], *_documents(wire)]})
        return self._go_home(name)

    def call(self) -> Response:
        """Call the API with the access token."""

        def act(party: RelyingParty, tokens: Any) -> dict[str, Any]:
            reply = party.call_api(tokens, self._urls().issuer.url(API))
            return {"called": {"status": reply.status, "challenge": reply.header("WWW-Authenticate"), **reply.json()}}

        return self._with_tokens(act)

    def refresh(self) -> Response:
        """Get new tokens."""
        return self._with_tokens(lambda party, tokens: {"tokens": party.refresh(tokens).document(), "called": None})

    def log_out(self) -> Response:
        """End the session here, then at the server."""
        name, session = self._session()
        if name is None or self._is_forged(name):
            return self._refused()
        urls = self._urls()
        if session is None or "tokens" not in session:
            return browser.redirect(urls.issuer.url(HOME))
        # The client's own session first: whatever happens at the server, this one is over.
        self._shelf.remove(_kept(name))
        party = self._party(self._wire())
        return browser.redirect(party.log_out_url(Tokens(**session["tokens"]), urls.issuer.url(HOME)))

    # The API

    def api(self) -> Response:
        """The API itself, with DPoP."""
        return self._judge(self._api, API)

    def bearer_api(self) -> Response:
        """The same with Bearer."""
        return self._judge(self._bearer_api, BEARER_API)

    def _judge(self, api: DemoApi, path: str) -> Response:
        urls = self._urls()
        environ = request.environ
        call = Call(
            method=request.method,
            url=urls.back_channel.url(path),
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
            dpop=environ.get("HTTP_DPOP", ""),
        )
        judgement = api.judge(call, self._wire(), urls.issuer.base, time.time())
        headers = {} if judgement.status == 200 else {"WWW-Authenticate": judgement.challenge}
        return json_response(judgement.body(), judgement.status, headers)

    # What they share

    def _with_tokens(self, act: Any) -> Response:
        name, session = self._session()
        if name is None or self._is_forged(name):
            return self._refused()
        if session is None or "tokens" not in session:
            return self._failed(name, "The login here has ended.")
        wire = self._wire()
        try:
            changed = act(self._party(wire), Tokens(**session["tokens"]))
        except (LoginError, WireError) as error:
            return self._failed(name, str(error), wire, session["steps"], session)
        steps = [*session["steps"], *_documents(wire)][-_MOST_STEPS:]
        self._shelf.put(_kept(name), {**session, **changed, "steps": steps})
        return browser.redirect(self._urls().issuer.url(HOME))

    def _view(self, session: dict[str, Any] | None) -> dict[str, Any]:
        if session is None or "tokens" not in session:
            return {"logged_in": False}
        tokens = session["tokens"]
        return {
            "logged_in": True,
            "access_token": decoded("access_token", tokens["access_token"]),
            "id_token": decoded("id_token", tokens["id_token"]),
            "can_refresh": tokens["refresh_token"] is not None,
            "called": session.get("called"),
        }

    def _failed(
        self,
        name: str | None,
        message: str,
        wire: Wire | None = None,
        before: list[dict[str, Any]] | None = None,
        session: dict[str, Any] | None = None,
    ) -> Response:
        """Say what went wrong, and keep the steps that led there."""
        if name is not None and wire is not None:
            steps = [*(before or []), *_documents(wire)][-_MOST_STEPS:]
            self._shelf.put(_kept(name), {**(session or {}), "steps": steps})
        return self._page("demo_failed.html", None, status=400, message=message, has_steps=wire is not None)

    def _refused(self) -> Response:
        message = "The form is not from this browser, or too old. Open the page again."
        return self._page("demo_failed.html", None, status=403, message=message, has_steps=False)

    def _page(self, template: str, name: str | None, *, status: int = 200, **values: Any) -> Response:
        """A page; ``name`` is that of the browser, where the page has forms."""
        values["form_token"] = _form_token(name) if name else ""
        home = browser.rooted(HOME)
        response = browser.page(template, section="demo", status=status, home=home, field=_ANTIFORGERY, **values)
        if name:
            self._set_cookie(response, name)
        return response

    def _urls(self) -> EffectiveUrls:
        return current().urls

    def _wire(self) -> Wire:
        reached = current()
        prefix = urlsplit(reached.urls.issuer.base).path.removesuffix(reached.environment.below)
        return Wire(self._address, lambda url: self._introduce(url, prefix))

    def _party(self, wire: Wire) -> RelyingParty:
        return RelyingParty(wire, CLIENT_ID, self._key)

    def _session(self) -> tuple[str | None, dict[str, Any] | None]:
        name = self._cookie()
        return name, self._shelf.get(_kept(name)) if name else None

    def _go_home(self, name: str) -> Response:
        response = browser.redirect(self._urls().issuer.url(HOME))
        self._set_cookie(response, name)
        return response

    def _is_forged(self, name: str) -> bool:
        given = reading.form().one(_ANTIFORGERY) or ""
        return not hmac.compare_digest(given.encode(), _form_token(name).encode())

    def _cookie(self) -> str | None:
        return reading.cookie(self._cookie_name()) or None

    def _set_cookie(self, response: Response, name: str) -> None:
        secure = self._urls().issuer.base.startswith("https:")
        path = browser.rooted(HOME)
        response.set_cookie(self._cookie_name(), name, httponly=True, secure=secure, samesite="Lax", path=path)

    def _cookie_name(self) -> str:
        # Ports share cookies, so the name tells which one this is.
        parts = urlsplit(self._urls().issuer.base)
        return f"mock-sts-demo-{parts.port or parts.scheme}{_apart('-')}"


def _kept(name: str) -> str:
    """Under which name the shelf has something of this environment."""
    return f"{_apart(' ')}{name}"


def _apart(sign: str) -> str:
    """What tells an environment below the root from others."""
    reached = current()
    return f"{sign}{reached.environment.name}{sign}" if reached.environment.below else ""


def _documents(wire: Wire) -> list[dict[str, Any]]:
    return [step.document() for step in wire.steps]


def _new_name() -> str:
    return secrets.token_urlsafe(32)


def _form_token(name: str) -> str:
    """What a form of this browser holds. Who does not know the cookie cannot make it."""
    return hmac.new(name.encode(), b"demo form", hashlib.sha256).hexdigest()


def _reachable(host: str) -> str:
    """Where a server that listens on ``host`` is reached from inside."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  looked up, not bound
