"""The control API under ``/mock/api/v1``: its guards, and the journal.

Guards: JSON only, nothing from other sites, a bearer token where MOCK_STS_ADMIN_TOKEN is set. Errors are problem JSON.
"""

import hmac
import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    Unauthorized,
    UnprocessableEntity,
    UnsupportedMediaType,
)
from werkzeug.exceptions import NotImplemented as NotImplemented501

from mock_sts.helseid.hosts import impersonated_by, public_url_in
from mock_sts.helseid.profile import CHAPTERS, find
from mock_sts.helseid.testidp import LoginIntentError
from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.protocol.json_text import JsonTextError, read_json, without_mark
from mock_sts.protocol.near_names import near_names
from mock_sts.protocol.urls import origin_of
from mock_sts.server.reloading import EXTENSION, GOES_ON, Reload, ReloadBusyError, ReloadError
from mock_sts.services.environment import Environment
from mock_sts.services.login.automation import Outcome, pid_of, read_outcome
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.store.journal import CHALLENGED, ERROR_ID_LENGTH, GRANTED, REFUSED
from mock_sts.store.public_url import write_override
from mock_sts.web import reading
from mock_sts.web.errors import API_PREFIX, LOG
from mock_sts.web.reading import current, the_server
from mock_sts.web.writing import json_response

PREFIX = f"{API_PREFIX}v1"

_MAX_ENTRIES = 1000

#: How often one scripted login may be used.
_MAX_TIMES = 100_000
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


ROUTES = Blueprint("control", __name__, url_prefix=PREFIX)


def install(app: Flask) -> None:
    """The guards, also for paths that do not exist, and the routes."""

    @app.before_request
    def guard() -> None:
        if request.path.startswith(API_PREFIX):
            _refuse_other_sites(current().urls)
            _require_token(the_server().hosting.admin_token)
            _require_json()

    app.register_blueprint(ROUTES)


@ROUTES.get("/journal")
def journal() -> Response:
    """The entries that fit, the newest first."""
    known = ("limit", "before", "client_id", "outcome", "rule", "error_id")
    for name in request.args:
        if name not in known:
            raise BadRequest(f"unknown parameter {name[:40]!r}; known are {', '.join(known)}")
    outcome = request.args.get("outcome")
    if outcome not in (None, GRANTED, REFUSED, CHALLENGED):
        raise BadRequest(f"outcome must be {GRANTED}, {REFUSED} or {CHALLENGED}")
    entries = current().environment.journal.read(
        limit=_number("limit", 1, _MAX_ENTRIES) or 100,
        before=_number("before", 1, 2**62),
        client_id=request.args.get("client_id"),
        outcome=outcome,
        rule=_rule(request.args.get("rule")),
        error_id=_error_id(request.args.get("error_id")),
    )
    return json_response({"entries": entries, "next_before": _next(entries)})


@ROUTES.put("/public-url")
def set_public_url() -> Response:
    """Make ``url`` the public URL, the issuer of what begins from now on; null: that of the settings again."""
    if current().environment.below:
        raise NotFound(f"the public URL is the server's: PUT it to {PREFIX}/public-url at the root")
    members = _members(_body(), ("url",), "the body")
    if "url" not in members:
        raise BadRequest("url is missing: an address, or null for that of the settings")
    url = members["url"]
    try:
        url = None if url is None else public_url_in(url if isinstance(url, str) else "")
    except ValueError as error:
        raise BadRequest(f"url must be {error}") from None
    # Without an address in the settings, the issuer until now is what the caller asked.
    reached, server = current(), the_server()
    before = reached.urls.issuer.base
    also = () if before in server.configured.named else (before,)
    with reached.environment.store.writing() as transaction:
        write_override(transaction.execute, url, *also)
    if url is not None and (name := impersonated_by(url)):
        LOG.warning("this server now answers as %s, and is not HelseID: keep the name in your network", name)
    addresses = server.addresses(reached.environment.catalog.current())
    return json_response({"issuer": addresses.of(request.scheme, request.host, request.script_root).issuer.base})


@ROUTES.post("/reload")
def reload() -> Response:
    """Read fixtures and certificates anew, and replace the workers; answered when that is over."""
    if request.get_data() not in (b"", b"{}"):
        raise BadRequest("the body must be empty, or {}")
    ask: Reload | None = current_app.extensions.get(EXTENSION)
    if ask is None:
        raise NotImplemented501("no mock-sts serve runs this application, and nothing else can reload it")
    try:
        ask()
    except ReloadBusyError as error:
        raise Conflict(str(error)) from None
    except ReloadError as error:
        raise UnprocessableEntity(f"not reloaded: {error}; {GOES_ON}") from None
    return json_response({"reloaded": True})


@ROUTES.post("/next-login")
def order_login() -> Response:
    """Script a login: who logs in next, or how the next login ends."""
    environment = current().environment
    order = read_order(environment, _body())
    with environment.store.writing() as transaction:
        order_id = environment.login_queue.put(transaction, *order)
    return json_response({"id": order_id}, 201)


@ROUTES.get("/next-login")
def orders() -> Response:
    """The scripted logins that wait."""
    return json_response({"orders": [asdict(order) for order in current().environment.login_queue.read()]})


@ROUTES.delete("/next-login")
def forget_orders() -> Response:
    """Forget all scripted logins."""
    environment = current().environment
    with environment.store.writing() as transaction:
        return json_response({"forgotten": environment.login_queue.clear(transaction)})


def _body() -> object:
    """The JSON of the body. Raises BadRequest."""
    try:
        return read_json(without_mark(request.get_data()))
    except JsonTextError as error:
        raise BadRequest(f"the body cannot be read: {error}") from None


def read_order(environment: Environment, body: object) -> tuple[str | None, str | None, str | None, str, int]:
    """A scripted login as ``LoginQueue.put`` takes it: client, redirect URI, pid, outcome, times.

    ``body`` has ``persona`` (short name or pid), ``match`` (``client_id``, ``redirect_uri``), ``times`` and
    ``outcome``. Raises BadRequest with a sentence.
    """
    members = _members(body, ("persona", "match", "times", "outcome"), "the order")
    match = _members(members.get("match", {}), ("client_id", "redirect_uri"), "match")
    outcome, times, name = members.get("outcome", "success"), members.get("times", 1), members.get("persona")
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= _MAX_TIMES:
        raise BadRequest(f"times must be a whole number from 1 to {_MAX_TIMES}")
    if name is not None and not isinstance(name, str):
        raise BadRequest("persona must be a text: a short name or a pid")
    for key, value in match.items():
        if not isinstance(value, str):
            raise BadRequest(f"match.{key} must be a text")
    try:
        ends = read_outcome(outcome if isinstance(outcome, str) else "")
        pid = None if name is None else pid_of(environment, name)
    except (LoginIntentError, UnknownPersonError) as error:
        raise BadRequest(str(error)) from None
    if ends is Outcome.SUCCESS and pid is None:
        raise BadRequest("persona is missing: a login that succeeds needs a person")
    client_id = match.get("client_id")
    if client_id is not None and environment.catalog.current().client(client_id) is None:
        raise BadRequest(f"no client has the id {client_id[:100]!r}")
    return client_id, match.get("redirect_uri"), pid, ends.value, times


def _members(value: object, known: tuple[str, ...], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest(f"{what} must be a JSON object with some of {', '.join(known)}")
    for name in value:
        if name not in known:
            raise BadRequest(f"{what} has no member {str(name)[:40]!r}; known are {', '.join(known)}")
    return value


def _next(entries: list[dict[str, Any]]) -> int | None:
    return entries[-1]["id"] if entries and entries[-1]["id"] > 1 else None


def _rule(text: str | None) -> str | None:
    if text is None or find(text) is not None:
        return text
    known = [requirement.id for chapter in CHAPTERS for requirement in chapter.requirements]
    near = near_names(text, known)
    raise BadRequest(f"no rule has the id {text[:100]!r}; {'near are ' + ', '.join(near) if near else 'none is near'}")


def _error_id(text: str | None) -> str | None:
    if text is None or re.fullmatch(f"[0-9a-f]{{{ERROR_ID_LENGTH}}}", text):
        return text
    raise BadRequest(f"error_id must be the id that an error page shows: {ERROR_ID_LENGTH} hexadecimal digits")


def _number(name: str, low: int, high: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise BadRequest(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def _refuse_other_sites(urls: EffectiveUrls) -> None:
    """A page of another site that the browser has open must not steer the emulator."""
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        raise Forbidden("requests from other sites are refused (Sec-Fetch-Site)")
    origin = request.headers.get("Origin")
    # Not request.host_url, which decodes punycode and fails on what is none.
    asked = f"{request.scheme}://{request.environ.get('HTTP_HOST', '')}"
    own = [origin_of(url) for url in (asked, urls.issuer.base, urls.back_channel.base)]
    if origin is not None and origin_of(origin) not in own:
        raise Forbidden("requests from other origins are refused (Origin)")


def _require_token(admin_token: str) -> None:
    if not admin_token:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), admin_token.encode()):
        raise Unauthorized(
            "send Authorization: Bearer with the token of MOCK_STS_ADMIN_TOKEN",
            www_authenticate=WWWAuthenticate("bearer"),
        )


def _require_json() -> None:
    if request.method not in _SAFE_METHODS and reading.media_type() != "application/json":
        raise UnsupportedMediaType("the control API takes application/json only")
