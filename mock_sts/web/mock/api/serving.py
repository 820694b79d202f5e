"""From declared operations to routes: reads a request into types, calls, and writes the answer."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Blueprint, Response
from flask import request as flask_request

from mock_sts.helseid.registry.documents import DocumentError, Key
from mock_sts.protocol.json_text import JsonTextError, read_json, without_mark
from mock_sts.web.errors import API_PREFIX
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import HttpRequest, HttpResponse, json_response
from mock_sts.web.mock.api.operations import Answer, Call, Operation, Resource, Text
from mock_sts.web.mock.api.problems import BAD_BODY, BAD_MEMBER, BAD_PARAMETER, ELSEWHERE, TOO_LONG, Problem
from mock_sts.web.mock.api.shapes import MisfitError, json_of
from mock_sts.web.reading import asked, current
from mock_sts.web.writing import written

PREFIX = f"{API_PREFIX}v1"


def routes_of(resources: Iterable[Resource]) -> Blueprint:
    """The routes of all operations."""
    routes = Blueprint("control", __name__, url_prefix=PREFIX)
    for resource in resources:
        for operation in resource.operations:
            routes.add_url_rule(
                operation.rule,
                endpoint=operation.name,
                view_func=_view(operation),
                methods=[operation.method],
            )
    return routes


def _view(operation: Operation) -> Callable[..., Response]:
    def view(**names: str) -> Response:
        return written(answer(operation, asked(), names))

    return view


def answer(operation: Operation, request: HttpRequest, names: Mapping[str, str]) -> HttpResponse:
    """What ``operation`` answers to ``request``. Raises Problem."""
    reached = current()
    if operation.at_root and reached.environment.below:
        where = f"{operation.method} {PREFIX}{operation.path} at the root"
        raise Problem(ELSEWHERE, f"this is the server's, not an environment's: {where}")
    for name, value in {**names, **flask_request.args}.items():
        if "\0" in value or "\ufffd" in value:
            raise Problem(BAD_PARAMETER, f"{name[:40]} holds a character that cannot be stored", parameter=name[:40])
    query = _query(operation)
    body = _body(operation, request)
    call = Call(request, reached, body, query, names)
    try:
        made = operation.act(call)
    except MisfitError as error:
        raise Problem(BAD_MEMBER, str(error), member=error.path) from None
    except DocumentError as error:
        path = tuple(step.name if isinstance(step, Key) else step for step in error.path)
        raise Problem(BAD_MEMBER, str(error), member=path) from None
    except tuple(operation.raises) as error:
        kind = next(kind for one, kind in operation.raises.items() if isinstance(error, one))
        raise Problem(kind, str(error), member=getattr(error, "path", None)) from None
    whole = made if isinstance(made, Answer) else Answer(made)
    status = whole.status or next(iter(operation.answers))
    headers = dict(whole.headers)
    if whole.etag is not None:
        headers["ETag"] = whole.etag
    if operation.answers[status] is None:
        return HttpResponse(status, headers={**NO_STORE, **headers})
    if isinstance(whole.content, Text):
        content_type = {"Content-Type": f"{whole.content.media_type}; charset=utf-8"}
        body = whole.content.text.encode("utf-8", "replace")
        return HttpResponse(status, body, {**NO_STORE, **content_type, **headers})
    return json_response(json_of(whole.content), status, headers)


def _query(operation: Operation) -> Any:
    try:
        return operation.query.__shape__.read_texts(flask_request.args.to_dict())
    except MisfitError as error:
        raise Problem(BAD_PARAMETER, str(error), parameter=str(error.path[0])) from None


def _body(operation: Operation, request: HttpRequest) -> Any:
    if request.method in ("GET", "HEAD"):
        return None
    data = request.body()
    if len(data) > operation.longest:
        raise Problem(TOO_LONG, f"the body is longer than {operation.longest} bytes")
    if operation.body is None:
        if data.strip() not in (b"", b"{}"):
            raise Problem(BAD_BODY, "the body must be empty, or {}")
        return None
    value = {} if operation.body_may_be_missing and not data.strip() else read_body(request)
    try:
        return operation.body.read(value)
    except MisfitError as error:
        raise Problem(BAD_MEMBER, str(error), member=error.path) from None


def read_body(request: HttpRequest) -> Any:
    """The JSON of the body. Raises Problem."""
    try:
        return read_json(without_mark(request.body()))
    except JsonTextError as error:
        raise Problem(BAD_BODY, f"the body cannot be read: {error}") from None
