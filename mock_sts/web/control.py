"""The control API under ``/mock/api/v1``: its guards, and the journal.

Guards: JSON only, nothing from other sites, a bearer token where MOCK_STS_ADMIN_TOKEN is set. Errors are problem JSON.
"""

import hmac
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized, UnsupportedMediaType

from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.services.sts import Sts
from mock_sts.store.journal import CHALLENGED, GRANTED, REFUSED, read_entries
from mock_sts.web import reading
from mock_sts.web.errors import API_PREFIX
from mock_sts.web.writing import json_response

PREFIX = f"{API_PREFIX}v1"

_MAX_ENTRIES = 1000
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def install(app: Flask, sts: Sts, admin_token: str) -> None:
    """The guards, also for paths that do not exist, and the routes."""

    @app.before_request
    def guard() -> None:
        if request.path.startswith(API_PREFIX):
            _refuse_other_sites(reading.effective_urls(sts.addresses))
            _require_token(admin_token)
            _require_json()

    app.register_blueprint(_routes(sts))


def _routes(sts: Sts) -> Blueprint:
    routes = Blueprint("control", __name__, url_prefix=PREFIX)

    @routes.get("/journal")
    def journal() -> Response:
        known = ("limit", "before", "client_id", "outcome", "rule")
        for name in request.args:
            if name not in known:
                raise BadRequest(f"unknown parameter {name[:40]!r}; known are {', '.join(known)}")
        outcome = request.args.get("outcome")
        if outcome not in (None, GRANTED, REFUSED, CHALLENGED):
            raise BadRequest(f"outcome must be {GRANTED}, {REFUSED} or {CHALLENGED}")
        entries = read_entries(
            sts.store,
            limit=_number("limit", 1, _MAX_ENTRIES) or 100,
            before=_number("before", 1, 2**62),
            client_id=request.args.get("client_id"),
            outcome=outcome,
            rule=request.args.get("rule"),
        )
        return json_response({"entries": entries, "next_before": _next(entries)})

    return routes


def _next(entries: list[dict[str, Any]]) -> int | None:
    return entries[-1]["id"] if entries and entries[-1]["id"] > 1 else None


def _number(name: str, low: int, high: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise BadRequest(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _refuse_other_sites(urls: EffectiveUrls) -> None:
    """A page of another site that somebody has open must not steer the emulator."""
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        raise Forbidden("requests from other sites are refused (Sec-Fetch-Site)")
    origin = request.headers.get("Origin")
    own = (request.host_url.rstrip("/"), urls.issuer.base, urls.back_channel.base)
    if origin is not None and not any(_origin(address) == origin for address in own):
        raise Forbidden("requests from other origins are refused (Origin)")


def _require_token(admin_token: str) -> None:
    if not admin_token:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), admin_token.encode()):
        raise Unauthorized(
            "send Authorization: Bearer with the token of MOCK_STS_ADMIN_TOKEN",
            www_authenticate=WWWAuthenticate("bearer"),
        )


def _require_json() -> None:
    if request.method not in _SAFE_METHODS and reading.media_type() != "application/json":
        raise UnsupportedMediaType("the control API takes application/json only")
