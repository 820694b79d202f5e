"""How errors look to whom: OAuth JSON on the back channel, problem JSON in the control API."""

import logging
import secrets

from flask import Flask, Response, request
from werkzeug.exceptions import BadHost, HTTPException

from mock_sts.protocol.addresses import HostFault, UnknownHostError
from mock_sts.protocol.errors import RULE_HEADER, ErrorCode, OAuthError
from mock_sts.protocol.json_text import write_json
from mock_sts.store.engine import StoreError
from mock_sts.store.faults import meaning_of_file_error
from mock_sts.web.headers import NO_STORE
from mock_sts.web.paths import is_emulated
from mock_sts.web.writing import empty_response, json_response

LOG = logging.getLogger("mock_sts")

PROBLEM_TYPE = "application/problem+json; charset=UTF-8"

#: Headers of the framework's errors that belong to their meaning.
_KEPT_HEADERS = ("Allow", "WWW-Authenticate")

#: Where the control API lives.
API_PREFIX = "/mock/api/"

#: HelseID's product answers these by their status alone (IdentityServer's StatusCodeResult).
_BODILESS = (405, 415)


def back_channel_error(error: OAuthError) -> Response:
    """RFC 6749 section 5.2: code and description, nothing else; the broken rule's id rides in a header."""
    headers = dict(error.headers)
    if error.rule:
        headers[RULE_HEADER] = error.rule
    return json_response(error.body(), error.status, headers)


def problem(status: int, title: str, detail: str) -> Response:
    """RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = Response(write_json(body), status=status, content_type=PROBLEM_TYPE)
    response.headers.update(NO_STORE)
    return response


def install(app: Flask) -> None:
    """Answer every error that leaves a view; nothing ends as a page of the framework."""

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
        response = _answer(status, ErrorCode.INVALID_REQUEST, error.name, error.description or error.name)
        for name, value in error.get_headers():
            if name in _KEPT_HEADERS:
                response.headers[name] = value
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
    return _answer(400, ErrorCode.INVALID_REQUEST, "Unknown host", detail)


def _answer(status: int, code: ErrorCode, title: str, detail: str) -> Response:
    if request.path.startswith(API_PREFIX):
        return problem(status, title, detail)
    if status in _BODILESS and is_emulated(request.path):
        return empty_response(status, NO_STORE)
    return back_channel_error(OAuthError(code, detail, status=status))
