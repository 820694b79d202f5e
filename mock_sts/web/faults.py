"""Fault rules at the door: between finding out whom a request is for, and answering it.

An environment without rules, which is nearly every one, costs one look at a tuple. Where there are rules, effects in
place of an answer come first and use nothing up but the rule; then those that change what the request finds; then it is
answered; then the answer is spoilt. Our own side, below /mock/ and /health/ and at the landing page, has no faults.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from mock_sts.helseid.endpoints import FAULT_HEADER
from mock_sts.helseid.faults import FaultRule
from mock_sts.protocol.json_text import JsonTextError, read_json_object, write_json
from mock_sts.services.environment import Reached
from mock_sts.services.faults import surface
from mock_sts.services.faults.answers import spoiled_answer
from mock_sts.services.faults.request import Asked, RequestFaults
from mock_sts.store.database import BusyError, StoreError
from mock_sts.store.faults import Faults as RuleStore
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.web.disturbance import DISTURBANCE, IN_HASTE, Disturbance, carry_out, disturbance_of
from mock_sts.web.fault_answers import asked_of, error_instead, nonce_challenge, nonce_header, status_instead
from mock_sts.web.headers import EVERY_ANSWER
from mock_sts.web.http import FAULT, REACHED, SERVER, HttpRequest, HttpResponse
from mock_sts.web.paths import is_emulated

if TYPE_CHECKING:
    from mock_sts.services.server import Server

_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

#: Effects on what JSON says.
_IN_JSON = ("id_token", "access_token", "token_type", "discovery", "userinfo", "jwks")

_GARBAGE = b"\x00\xff%PDF-\xfe\xfd<<{]}>> no JSON, no page \x80\x81"

#: Where the environment of a request says that it came by the new path of an endpoint that has moved.
_BY_NEW_PATH = "mock_sts.by_new_path"

#: Where rules are made.
_ORDERS = "/mock/api/v1/faults"

#: Status, headers and body of an answer.
_Answer = tuple[int, list[tuple[str, str]], bytes]


class Faults:
    """WSGI middleware that lets the fault rules of an environment happen to its requests."""

    def __init__(self, app: WSGIApplication) -> None:
        """``app`` is what answers."""
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        port = _closed_port(environ)
        if port is not None:
            return self._drop(environ, start_response, port)
        if environ["PATH_INFO"] == _ORDERS:
            return self._ordered(environ, start_response)
        reached: Reached | None = environ.get(REACHED)
        if reached is None or not (reached.catalog.faults or _has_waited(environ)):  # nearly always
            return self._app(environ, start_response)
        path = environ["PATH_INFO"]
        if FAULT in environ or not is_emulated(path) or path == "/":
            return self._app(environ, start_response)
        if IN_HASTE in environ:
            raise BusyError("an effect of a fault rule may take its time")
        status, headers, body = self._disturbed(environ, reached)
        start_response(_STATUS.get(status, f"{status} Status of a fault rule"), headers)
        return [body]

    def _ordered(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer what makes rules; where that closes the port, it is closed when the answer has left."""
        pieces = self._app(environ, start_response)
        server: Server = environ[SERVER]
        try:
            _, catalog = server.reach(DEFAULT_ENVIRONMENT)
        except StoreError:  # which the answer says
            return pieces
        wall = server.clock.times().wall
        until = max((rule.closed_until for rule in catalog.faults), default=0)
        if until > wall:
            disturbance_of(environ)[0].close_port = float(until - wall)
        return pieces

    def _drop(self, environ: WSGIEnvironment, start_response: StartResponse, rule: FaultRule) -> Iterable[bytes]:
        """Answer nothing, for the port is closed; the server of this process takes no connections from now on."""
        if IN_HASTE in environ:
            raise BusyError("the port is closed")
        server: Server = environ[SERVER]
        disturbance, is_served = disturbance_of(environ)
        wall = server.clock.times().wall
        disturbance.drop, disturbance.close_port = True, float(rule.closed_until - wall)
        request = HttpRequest(environ)
        faults = RequestFaults(server.default, (rule,), Asked(request.path, None, None, request.header), None)
        faults.take(rule)
        faults.settle()
        status, headers, body = _plain(HttpResponse(HTTPStatus.SERVICE_UNAVAILABLE))
        start_response(_STATUS[status], headers)
        return [body if is_served else carry_out(disturbance, body)]

    def _disturbed(self, environ: WSGIEnvironment, reached: Reached) -> _Answer:
        disturbance, is_served = disturbance_of(environ)
        before = list(disturbance.kept or ())
        request = HttpRequest(environ)
        gone = _follow_moves(request, reached)
        faults = RequestFaults.of(environ[REACHED], asked_of(request))
        faults.happened += before
        instead = _moved_away(faults, gone) if gone else _instead(request, faults, disturbance, is_served)
        if instead is not None:
            error = instead.error
            answer = _plain(instead.response)
        elif disturbance.wait or disturbance.drop:
            error = None
            answer = _plain(HttpResponse(HTTPStatus.SERVICE_UNAVAILABLE))
        else:
            error = None
            environ[REACHED] = _changed(request, faults)
            answer = _spoiled(self._called(environ), request, faults, disturbance)
        if disturbance.wait:
            disturbance.kept = faults.happened
            return answer
        faults.settle(error)
        status, headers, body = answer
        if faults.happened:
            headers = [*headers, (FAULT_HEADER, faults.header)]
        return status, headers, body if is_served else carry_out(disturbance, body)

    def _called(self, environ: WSGIEnvironment) -> _Answer:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], Any]:
            started[:] = [int(status.split(" ", 1)[0]), list(headers)]
            return lambda _data: None

        pieces = self._app(environ, start_response)
        try:
            body = b"".join(pieces)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        return started[0], started[1], body


def _closed_port(environ: WSGIEnvironment) -> FaultRule | None:
    """The rule by which the port of the server is closed now; one whose time is over is used up."""
    server: Server = environ[SERVER]
    latest = server.default.catalog.latest
    if latest is None or not latest.faults:  # nearly always
        return None
    rule = next((rule for rule in latest.faults if rule.closed_until), None)
    if rule is None:
        return None
    if server.clock.times().wall < rule.closed_until:
        return rule
    if IN_HASTE in environ:
        raise BusyError("a rule is used up")
    with server.store.writing() as transaction:
        RuleStore(server.store, server.default.name).spend(transaction, rule.id)
    return None


def _has_waited(environ: WSGIEnvironment) -> bool:
    """Whether the request has waited for a rule, which may be used up by now."""
    disturbance: Disturbance | None = environ.get(DISTURBANCE)
    return disturbance is not None and disturbance.kept is not None


class _Instead:
    """An answer in place of the endpoint's; ``error`` is its OAuth error, where it is one."""

    def __init__(self, response: HttpResponse, error: str | None = None) -> None:
        self.response = response
        self.error = error


def _plain(response: HttpResponse) -> _Answer:
    headers = [*response.headers.items(), ("Content-Length", str(len(response.body))), *EVERY_ANSWER.items()]
    return response.status, headers, response.body


def _follow_moves(request: HttpRequest, reached: Reached) -> FaultRule | None:
    """Let endpoints that have moved be where they are; the rule by which there is nothing at the path that was asked
    for any more.
    """
    rules = [(rule, surface.moved_paths(rule)) for rule in reached.catalog.faults if rule.effect.kind == "moved"]
    if not rules:
        return None
    environ = request.environ
    moved = frozenset(path for _, paths in rules for path in paths)
    environ[REACHED] = surface.with_moved(reached, moved)
    path: str = environ["PATH_INFO"]
    where = path.removeprefix(surface.MOVED_TO)
    if where != path and where in moved:
        environ["PATH_INFO"] = where
        environ[_BY_NEW_PATH] = True
        return None
    return next((rule for rule, paths in rules if path in paths), None)


def _moved_away(faults: RequestFaults, rule: FaultRule) -> _Instead | None:
    return _Instead(HttpResponse(HTTPStatus.NOT_FOUND)) if faults.take(rule) else None


def _instead(request: HttpRequest, faults: RequestFaults, disturbance: Disturbance, is_served: bool) -> _Instead | None:
    """The answer in place of the endpoint's, if a rule has one; what else comes before it is left in
    ``disturbance``.
    """
    for rule in faults.of_kind("pause", "drop"):
        if faults.take(rule):
            disturbance.drop = True
            return None
    for rule in faults.of_kind("delay_ms"):
        if rule not in faults.happened and rule.effect.beside.get("where") != "middle" and faults.take(rule):
            disturbance.wait = rule.effect.value / 1000
            if is_served:
                return None
            _wait_here(disturbance)
    return _error_instead(request, faults)


def _error_instead(request: HttpRequest, faults: RequestFaults) -> _Instead | None:
    for rule in faults.of_kind("oauth_error"):
        if faults.take(rule):
            return _Instead(error_instead(request, rule.effect), str(rule.effect.value))
    for rule in faults.of_kind("status"):
        if faults.take(rule):
            return _Instead(status_instead(rule.effect))
    for rule in faults.of_kind("refresh_token"):
        if rule.effect.value == "refused" and faults.asked.grant_type == "refresh_token" and faults.take(rule):
            effect = replace(rule.effect, kind="oauth_error", value="invalid_grant")
            return _Instead(error_instead(request, effect), "invalid_grant")
    for rule in faults.of_kind("dpop_nonce"):
        if rule.effect.value == "challenge" and request.proofs() and faults.take(rule):
            return _Instead(nonce_challenge(request), "use_dpop_nonce")
    return None


def _wait_here(disturbance: Disturbance) -> None:
    carry_out(Disturbance(middle=disturbance.wait), b"")
    disturbance.wait = 0.0


def _changed(request: HttpRequest, faults: RequestFaults) -> Reached:
    """What the request finds."""
    reached = request.reached
    for rule in faults.of_kind("moved") if _BY_NEW_PATH in request.environ else ():
        if request.path in surface.moved_paths(rule):
            faults.take(rule)
    for rule in faults.of_kind("keys"):
        if faults.take(rule):
            retired = rule.effect.value == "retire"
            reached = surface.with_new_key(request.environ[SERVER], reached, retired=retired)
            faults.environment = reached.environment
    for rule in faults.of_kind("dpop_nonce"):
        if rule.effect.value == "never" and request.proofs() and faults.take(rule):
            reached = surface.with_any_nonce(reached)
    for rule in faults.of_kind("refresh_token"):
        if rule.effect.value == "not_rotated" and faults.asked.grant_type == "refresh_token" and faults.take(rule):
            reached = surface.with_reusable_refresh_tokens(reached)
    return replace(reached, faults=faults)


def _spoiled(answer: _Answer, request: HttpRequest, faults: RequestFaults, disturbance: Disturbance) -> _Answer:
    """``answer`` as it leaves, with what ``disturbance`` is to do with it."""
    status, headers, body = answer
    if status == HTTPStatus.OK:
        body = _spoiled_json(body, headers, faults)
        if body is not answer[2]:
            headers = _with_length(headers, body)
        for rule in faults.of_kind("dpop_nonce"):
            if rule.effect.value == "renew" and request.proofs() and faults.take(rule):
                headers = [*headers, nonce_header(request)]
    for rule in faults.of_kind("answer"):
        if faults.take(rule):
            status, headers, body = _on_its_way(rule, (status, headers, body), disturbance)
    for rule in faults.of_kind("delay_ms"):
        if rule.effect.beside.get("where") == "middle" and faults.take(rule):
            disturbance.middle = rule.effect.value / 1000
    return status, headers, body


def _spoiled_json(body: bytes, headers: Iterable[tuple[str, str]], faults: RequestFaults) -> bytes:
    rules = list(faults.of_kind(*_IN_JSON))
    if not rules or not any(name.lower() == "content-type" and "json" in value for name, value in headers):
        return body
    try:
        content: Mapping[str, Any] = read_json_object(body)
    except JsonTextError:
        return body
    changed = content
    for rule in rules:
        found = spoiled_answer(rule, changed, faults.environment)
        if found is not None and faults.take(rule):
            changed = found
    return body if changed is content else write_json(changed)


def _on_its_way(rule: FaultRule, answer: _Answer, disturbance: Disturbance) -> _Answer:
    status, headers, body = answer
    match rule.effect.value:
        case "cut":
            disturbance.cut = True
        case "lost":
            disturbance.drop = True
        case "empty":
            body = b""
            headers = _with_length(headers, body)
        case "garbage":
            body = _GARBAGE
            headers = _with_length(headers, body)
        case "wrong_content_type":
            other = rule.effect.beside.get("content_type", "text/html; charset=utf-8")
            headers = [(name, other if name.lower() == "content-type" else value) for name, value in headers]
    return status, headers, body


def _with_length(headers: Iterable[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return [*kept, ("Content-Length", str(len(body)))]
