"""How errors look to whom: OAuth JSON on the back channel, problem JSON in the control API."""

import logging
import secrets
from functools import cache

from flask import Flask, Response, request
from werkzeug.exceptions import BadHost, HTTPException, NotFound

from mock_sts.helseid.endpoints import RULE_HEADER
from mock_sts.helseid.profile.form import FormEvidence, preflight
from mock_sts.helseid.requirement import explain
from mock_sts.protocol.addresses import HostFault, UnknownHostError
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.json_text import write_json
from mock_sts.protocol.near_names import question
from mock_sts.protocol.private_keys import without_private_keys, without_private_text
from mock_sts.store.database import StoreError
from mock_sts.store.faults import meaning_of_file_error
from mock_sts.web import reading
from mock_sts.web.headers import NO_STORE
from mock_sts.web.log import keep_keys_out
from mock_sts.web.paths import Paths, is_emulated
from mock_sts.web.writing import empty_response, json_response

LOG = logging.getLogger("mock_sts")

PROBLEM_TYPE = "application/problem+json; charset=UTF-8"

#: Headers of the framework's errors that belong to their meaning.
_KEPT_HEADERS = ("Allow", "WWW-Authenticate")

#: Where the control API lives.
API_PREFIX = "/mock/api/"

#: What browsers ask for by themselves; nobody needs to hear that it is not here.
_BROWSERS_OWN = (
    "/favicon.ico",
    "/apple-touch-icon.png",
    "/apple-touch-icon-precomposed.png",
    "/robots.txt",
    "/.well-known/appspecific/com.chrome.devtools.json",
)

#: Longest path that a line in the log quotes, in characters.
_LONGEST_PATH = 200

#: HelseID's product answers these by their status alone (IdentityServer's StatusCodeResult).
_BODILESS = (405, 415)


def back_channel_error(error: OAuthError) -> Response:
    """RFC 6749 section 5.2: code and description, nothing else; the broken rule's id rides in a header."""
    headers = dict(error.headers)
    if error.rule:
        headers[RULE_HEADER] = error.rule
    return json_response(without_private_keys(error.body()), error.status, headers)


def problem(status: int, title: str, detail: str) -> Response:
    """RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": without_private_text(detail)}
    response = Response(write_json(body), status=status, content_type=PROBLEM_TYPE)
    response.headers.update(NO_STORE)
    return response


def install(app: Flask) -> None:
    """Answer every error that leaves a view; nothing ends as a page of the framework, and nothing without a line in the
    log, which holds no private key.
    """
    keep_keys_out()

    @cache
    def paths() -> Paths:
        return Paths(rule.rule for rule in app.url_map.iter_rules())

    @app.errorhandler(OAuthError)
    def on_oauth_error(error: OAuthError) -> Response:
        return back_channel_error(error)

    @app.errorhandler(UnknownHostError)
    def on_unknown_host(error: UnknownHostError) -> Response:
        return _unknown_host(error.seen, error.known, error.fault)

    @app.errorhandler(BadHost)
    def on_bad_host(error: BadHost) -> Response:
        """The framework looks at the Host header before we do."""
        return _unknown_host(request.environ.get("HTTP_HOST", "")[:100], (), HostFault.MALFORMED)

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        status = error.code or 500
        why = _meant(paths(), error) if status == 404 else error.description or error.name
        if not (is_emulated(request.path) and reading.preflight_of()):  # which has a line of its own
            _log_refusal(status, why)
        response = _answer(status, ErrorCode.INVALID_REQUEST, error.name, why)
        for name, value in error.get_headers():
            if name in _KEPT_HEADERS:
                response.headers[name] = value
        return response

    @app.after_request
    def tell_of_preflights(response: Response) -> Response:
        """A browser tells a page no more than that its request failed."""
        page = reading.preflight_of()
        is_told = response.headers.get(RULE_HEADER) == preflight.id or "Access-Control-Allow-Origin" in response.headers
        if page is not None and not is_told and is_emulated(request.path):
            verdict = preflight.check(FormEvidence(request.method, "", "", page))
            if verdict is not None:
                _log_refusal(response.status_code, explain(preflight, verdict), f", rule {preflight.id}")
        return response

    @app.errorhandler(StoreError)
    def on_store_error(error: StoreError) -> Response:
        LOG.error("%s", error)
        return _unavailable("The database", error.reason)

    @app.errorhandler(OSError)
    def on_file_error(error: OSError) -> Response:
        """What is kept beside the database, such as the demo's sessions, fails as the database does."""
        if error.errno is None or isinstance(error, ConnectionError | TimeoutError):
            return on_anything_else(error)
        why, remedy = meaning_of_file_error(error)
        LOG.error("a file that the server keeps cannot be used: %s (%r); %s", why, error, remedy)
        return _unavailable("A file that the server keeps", why)

    @app.errorhandler(Exception)
    def on_anything_else(error: Exception) -> Response:
        mark = secrets.token_hex(4)
        LOG.exception("unexpected error %s at %r", mark, request.path, exc_info=error)
        return _answer(500, ErrorCode.SERVER_ERROR, "Unexpected error", f"Unexpected error {mark}; see the log.")


def _log_refusal(status: int, why: str, rule: str = "") -> None:
    level = logging.DEBUG if request.path in _BROWSERS_OWN else logging.WARNING
    # repr keeps line breaks and control characters of a stranger's text out of the log.
    LOG.log(level, "refused %s %r with %d%s: %r", request.method, request.path[:_LONGEST_PATH], status, rule, why)


def _meant(paths: Paths, error: HTTPException) -> str:
    """Why there is nothing at the path of this request, and where there may be."""
    if error.description and error.description != NotFound.description:
        return error.description
    near = paths.nearest(request.path)
    asked = question([near] if near else [])
    return f"no such path; {asked or f'there are {paths.listed(request.path)}'}"


def _unavailable(what: str, why: str) -> Response:
    detail = f"{what} cannot be used{why and ': '}{why}; see the log."
    return _answer(503, ErrorCode.SERVER_ERROR, "Store unavailable", detail)


def _unknown_host(seen: str, known: tuple[str, ...], fault: HostFault) -> Response:
    detail = {
        HostFault.UNKNOWN: f"This server is not known as {seen!r}. It is known as {', '.join(known)}. "
        "Add the address to MOCK_STS_ALIASES, or make it MOCK_STS_PUBLIC_URL.",
        HostFault.MALFORMED: f"{seen!r} is no address that a server can have. Host, or what a trusted proxy forwards, "
        "must be a name of ASCII letters, digits, '-', '_' and single dots or an IP address, with a port from 1 to "
        "65535 or none; a forwarded prefix a path without escapes.",
        HostFault.RESERVED: f"{seen!r} belongs to the real HelseID in production, and no emulator answers to it. "
        "Reach the server by a name of your own.",
        HostFault.STRANGE: f"No setting knows {seen!r}, and any site can have such a name lead here (DNS rebinding). "
        "So the pages and the control API do not answer to it. Ask by an IP address, a name without dots or one of "
        f"{', '.join(known)}; or add the address to MOCK_STS_ALIASES, or make it MOCK_STS_PUBLIC_URL.",
    }[fault]
    _log_refusal(400, detail)
    return _answer(400, ErrorCode.INVALID_REQUEST, "Unknown host", detail)


def _answer(status: int, code: ErrorCode, title: str, detail: str) -> Response:
    if request.path.startswith(API_PREFIX):
        return problem(status, title, detail)
    if status in _BODILESS and is_emulated(request.path):
        return empty_response(status, NO_STORE)
    return back_channel_error(OAuthError(code, detail, status=status))
