"""The OpenAPI 3.1 document, made from the declared operations: from the same types that read the requests."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from mock_sts import __version__
from mock_sts.web.mock.api.operations import Operation, Resource
from mock_sts.web.mock.api.problems import (
    BAD_BODY,
    BAD_MEMBER,
    BAD_PARAMETER,
    CHANGED,
    NOT_FOUND,
    TOO_LONG,
    Kind,
)
from mock_sts.web.mock.api.shapes import Components, Form, Schema, fields_of

_ABOUT = """\
Steers the server for tests: what it knows, who logs in next, what time it is, and what it remembers.

Bodies are JSON (`Content-Type: application/json`); unknown members are refused. What cannot be done is answered with
problem JSON (RFC 9457): `detail` says why and what to do, `member` points to the member of the body that is wrong,
`parameter` names the parameter. A list has `items` and `next`; give `next` as `after` to get the page after it, null
says that there is none. PUT makes or replaces, and may be repeated. What two may write has an `ETag`: with `If-Match` a
write counts only if nothing was written since (412), with `If-None-Match: *` only if there is nothing yet; neither is
needed.

The same paths lie below each environment, `/env/<name>/mock/api/v1`, and concern that environment alone; at the root
they concern the default environment. Names in paths are percent-encoded: a slash is `%2F`.
"""

#: The members that a problem has.
_PROBLEM: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "The kind of the problem, for programs"},
        "title": {"type": "string", "description": "The status in words"},
        "status": {"type": "integer", "description": "The status"},
        "detail": {"type": "string", "description": "What is wrong, and what to do"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "member": {"type": "string", "description": "JSON pointer (RFC 6901) to the member of the body that is wrong"},
        "parameter": {"type": "string", "description": "The parameter that is wrong"},
    },
}

#: What every request may meet, whatever it asks for.
_ALWAYS = (
    Kind("host", 400, "the host is unknown, or the request did not come whole"),
    Kind("token", 401, "the administration token is missing or wrong"),
    Kind("origin", 403, "the request comes from a page of another site"),
    Kind("environment", 404, "no environment has this name"),
    Kind("store", 503, "the database cannot be used, or the server is busy"),
)
_OF_BODIES = (TOO_LONG, Kind("media-type", 415, "the body is not application/json"))

#: What is read by conditions.
_CONDITIONS = (
    ("If-Match", "Count only if what is there has this ETag (412 otherwise)"),
    ("If-None-Match", "`*`: count only if there is nothing yet (412 otherwise)"),
)

_TOKEN = "adminToken"


def document(resources: Iterable[Resource], url: str, *, at_root: bool, has_token: bool) -> dict[str, Any]:
    """The document for the API at ``url``: the whole of it ``at_root``, else without what is the server's alone.

    ``has_token`` says whether an administration token must be sent.
    """
    components = Components()
    paths: dict[str, dict[str, Any]] = {}
    shown = [one for one in resources if any(at_root or not operation.at_root for operation in one.operations)]
    for resource in shown:
        for operation in resource.operations:
            if at_root or not operation.at_root:
                described = _operation(resource, operation, components)
                paths.setdefault(operation.path, {})[operation.method.lower()] = described
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Mock HelseID STS: control API", "version": __version__, "description": _ABOUT},
        "servers": [{"url": url}],
        "tags": [{"name": resource.name, "description": resource.meaning} for resource in shown],
        "paths": paths,
        "components": {
            "schemas": {**dict(sorted(components.schemas.items())), "Problem": _PROBLEM},
            "securitySchemes": {
                _TOKEN: {"type": "http", "scheme": "bearer", "description": "The token of MOCK_STS_ADMIN_TOKEN"}
            },
        },
    }
    if has_token:
        made["security"] = [{_TOKEN: []}]
    return made


def _operation(resource: Resource, operation: Operation, components: Components) -> dict[str, Any]:
    described: dict[str, Any] = {
        "tags": [resource.name],
        "operationId": operation.name,
        "summary": operation.summary,
    }
    if operation.description:
        described["description"] = operation.description
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    components.answers = False
    if operation.body is not None:
        described["requestBody"] = {
            "required": not operation.body_may_be_missing,
            "content": {"application/json": {"schema": operation.body.schema(components)}},
        }
    components.answers = True
    described["responses"] = {
        **{str(status): _answer(operation, form, components) for status, form in operation.answers.items()},
        **_problems(operation),
    }
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": operation.names[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    found += [
        {"name": name, "in": "query", "required": required, "description": limits.meaning, "schema": schema}
        for name, required, limits, schema in fields_of(operation.query)
    ]
    if _is_conditional(operation):
        found += [
            {"name": name, "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}
            for name, meaning in _CONDITIONS
        ]
    return found


def _is_conditional(operation: Operation) -> bool:
    return operation.has_etag and operation.method in ("PUT", "DELETE")


def _answer(operation: Operation, form: Form[Any] | None, components: Components) -> dict[str, Any]:
    if form is None:
        return {"description": "Done"}
    answer: dict[str, Any] = {
        "description": "Done",
        "content": {
            "application/json": {"schema": form.schema(components)},
            **{
                media_type: {"schema": {"type": "object" if media_type.endswith("+json") else "string"}}
                for media_type in operation.texts
            },
        },
    }
    if operation.has_etag:
        answer["headers"] = {"ETag": {"description": "Tells what is there now", "schema": {"type": "string"}}}
    return answer


def _problems(operation: Operation) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for kind in _kinds(operation):
        meanings = by_status.setdefault(kind.status, [])
        if kind.meaning not in meanings:
            meanings.append(kind.meaning)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": "; ".join(meanings), "content": content}
        for status, meanings in sorted(by_status.items())
        if status not in operation.answers
    }


def _kinds(operation: Operation) -> Sequence[Kind]:
    kinds = [*_ALWAYS, BAD_PARAMETER]
    if operation.method != "GET":
        kinds += [*_OF_BODIES, BAD_BODY]
    if operation.body is not None:
        kinds.append(BAD_MEMBER)
    if operation.names:
        kinds.append(NOT_FOUND)
    if _is_conditional(operation):
        kinds.append(CHANGED)
    return (*kinds, *operation.problems)
