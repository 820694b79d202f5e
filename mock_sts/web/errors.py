"""How errors look to whom: OAuth JSON on the back channel, problem JSON in the control API."""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from mock_sts.helseid.endpoints import EXPLAIN_HEADER, RULE_HEADER
from mock_sts.helseid.profile.form import FormEvidence, preflight
from mock_sts.helseid.requirement import explain
from mock_sts.protocol.addresses import HostFault, UnknownHostError
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.json_text import write_json
from mock_sts.protocol.near_names import question
from mock_sts.protocol.private_keys import without_private_keys, without_private_text
from mock_sts.store.database import StoreError
from mock_sts.store.file_errors import meaning_of_file_error
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import HttpError, HttpRequest, HttpResponse, json_response
from mock_sts.web.log import keep_keys_out
from mock_sts.web.paths import Paths, is_emulated

LOG = logging.getLogger("mock_sts")

PROBLEM_TYPE = "application/problem+json; charset=UTF-8"

#: Where the control API lives.
API_PREFIX = "/mock/api/"

#: What browsers ask for by themselves; that it is not here needs no line in the log.
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


def explaining(error: OAuthError) -> dict[str, str]:
    """The headers that name the broken rule, and the page that explains the refusal; none where there is none."""
    headers = {RULE_HEADER: error.rule, EXPLAIN_HEADER: error.explained_at}
    return {name: value for name, value in headers.items() if value}


def back_channel_error(error: OAuthError) -> HttpResponse:
    """RFC 6749 section 5.2: code and description, nothing else; the broken rule's id rides in a header."""
    headers = {**error.headers, **explaining(error)}
    return json_response(without_private_keys(error.body()), error.status, headers)


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    instance: str,
    kind: str = "about:blank",
    more: Mapping[str, str] | None = None,
) -> HttpResponse:
    """RFC 9457. ``instance`` is the path that was asked for, ``kind`` the type of the problem; ``more`` are further
    members, with texts of strangers.
    """
    body = {"type": kind, "title": title, "status": status, "detail": without_private_text(detail)}
    body["instance"] = quote(without_private_text(instance[:_LONGEST_PATH]))
    body |= {name: without_private_text(value[:_LONGEST_PATH]) for name, value in (more or {}).items()}
    return HttpResponse(status, write_json(body), {"Content-Type": PROBLEM_TYPE, **NO_STORE})


class Errors:
    """What is answered in the place of an endpoint that raised something; nothing goes without a line in the log."""

    def __init__(self, rules: Callable[[], Iterable[str]]) -> None:
        """``rules`` are the paths of all routes. From here on no line of the log holds a private key."""
        self._rules = rules
        keep_keys_out()

    def answer(self, error: Exception, request: HttpRequest) -> HttpResponse:
        """The answer to ``request``, which ended in ``error``."""
        if isinstance(error, OAuthError):
            return back_channel_error(error)
        if isinstance(error, UnknownHostError):
            return self._unknown_host(request, error)
        if isinstance(error, HttpError):
            return self._http_error(request, error)
        if isinstance(error, StoreError):
            LOG.error("%s", error)
            return _unavailable(request, "The database", error.reason)
        if (
            isinstance(error, OSError)
            and error.errno is not None
            and not isinstance(error, ConnectionError | TimeoutError)
        ):
            # What is kept beside the database, such as the demo's sessions, fails as the database does.
            why, remedy = meaning_of_file_error(error)
            LOG.error("a file that the server keeps cannot be used: %s (%r); %s", why, error, remedy)
            return _unavailable(request, "A file that the server keeps", why)
        mark = secrets.token_hex(4)
        LOG.error("unexpected error %s at %r", mark, request.path, exc_info=error)
        return _answer(
            request, 500, ErrorCode.SERVER_ERROR, "Unexpected error", f"Unexpected error {mark}; see the log."
        )

    def tell_of_preflight(self, request: HttpRequest, status: int, headers: Mapping[str, str]) -> None:
        """A browser tells a page no more than that its request failed; the log says why."""
        page = request.preflight_of()
        if page is None:
            return
        is_reported = headers.get(RULE_HEADER) == preflight.id or "Access-Control-Allow-Origin" in headers
        if not is_reported and is_emulated(request.path):
            verdict = preflight.check(FormEvidence(request.method, "", "", page))
            if verdict is not None:
                _log_refusal(request, status, explain(preflight, verdict), f", rule {preflight.id}")

    def _http_error(self, request: HttpRequest, error: HttpError) -> HttpResponse:
        why = self._meant(request, error) if error.status == 404 else error.why or error.title
        if not (is_emulated(request.path) and request.preflight_of()):  # which has a line of its own
            _log_refusal(request, error.status, why)
        response = _answer(request, error.status, ErrorCode.INVALID_REQUEST, error.title, why, error)
        return response.with_headers(error.headers) if error.headers else response

    def _meant(self, request: HttpRequest, error: HttpError) -> str:
        """Why there is nothing at the path of this request, and where there may be."""
        if error.why:
            return error.why
        paths = Paths(self._rules())
        near = paths.nearest(request.path)
        asked = question([near] if near not in ("", request.path) else [])  # a route may be there for other settings
        return f"no such path; {asked or f'there are {paths.listed(request.path)}'}"

    @staticmethod
    def _unknown_host(request: HttpRequest, error: UnknownHostError) -> HttpResponse:
        detail = _about_host(error.seen, error.known, error.fault)
        _log_refusal(request, 400, detail)
        return _answer(request, 400, ErrorCode.INVALID_REQUEST, "Unknown host", detail)


def _log_refusal(request: HttpRequest, status: int, why: str, rule: str = "") -> None:
    level = logging.DEBUG if request.path in _BROWSERS_OWN else logging.WARNING
    # repr keeps line breaks and control characters of a stranger's text out of the log.
    LOG.log(level, "refused %s %r with %d%s: %r", request.method, request.path[:_LONGEST_PATH], status, rule, why)


def _unavailable(request: HttpRequest, what: str, why: str) -> HttpResponse:
    detail = f"{what} cannot be used{why and ': '}{why}; see the log."
    return _answer(request, 503, ErrorCode.SERVER_ERROR, "Store unavailable", detail)


def _about_host(seen: str, known: tuple[str, ...], fault: HostFault) -> str:
    return {
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


def _answer(
    request: HttpRequest, status: int, code: ErrorCode, title: str, detail: str, error: HttpError | None = None
) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        meant = error or HttpError(status, title)
        return problem(status, title, detail, instance=request.whole_path, kind=meant.type, more=meant.more)
    if status in _BODILESS and is_emulated(request.path):
        return HttpResponse(status, headers=NO_STORE)
    return back_channel_error(OAuthError(code, detail, status=status))
