"""The test-token service described by OpenAPI, from the table by which its requests are read; and a page of it."""

from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from typing import Any

from flask import Blueprint, Response

from mock_sts.helseid.token_orders.members import REQUEST, Kind, Member, Object, word_of
from mock_sts.protocol.json_text import write_plain_json
from mock_sts.web import browser
from mock_sts.web.http import HttpRequest, HttpResponse, Route, ready_json
from mock_sts.web.mock.api import reference
from mock_sts.web.reading import asked
from mock_sts.web.testtoken.token_service import (
    API_KEY,
    AUDIENCE_HEADER,
    KEY_HEADER,
    PING,
    WITH_KEY,
    WITH_KEY_V1,
    WITH_TOKEN_V1,
)

#: Where the real service has the same.
DOCUMENT, PAGES = "/swagger/v1/swagger.json", ("/swagger", "/swagger/index.html")

_ABOUT = """\
NHN's test-token service, emulated: access tokens and DPoP proofs on order, with the key and the issuer of this server.

Names of members may be in any letters, and those of version 1 (`generalClaimsParameters` and so on) are taken for the
same members. A choice is a number or its word. null, an empty text and an empty list count as absent; unknown members
are left. A refusal has `isError` and the members of problem details in one body.
"""

_TAG = "TokenService"

Schema = dict[str, Any]

_PROBLEM: Schema = {
    "type": "object",
    "required": ["isError", "successResponse", "errorResponse", "type", "title", "status", "detail", "instance"],
    "properties": {
        "isError": {"type": "boolean", "const": True},
        "successResponse": {"type": "null"},
        "errorResponse": {"$ref": "#/components/schemas/ErrorResponse"},
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, with the member"},
        "instance": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
}
_RESPONSE: Schema = {
    "type": "object",
    "required": ["isError", "successResponse", "errorResponse"],
    "properties": {
        "isError": {"type": "boolean", "const": False},
        "successResponse": {"$ref": "#/components/schemas/SuccessResponse"},
        "errorResponse": {"type": "null"},
    },
}
_SUCCESS: Schema = {
    "type": "object",
    "required": ["accessTokenJwt", "dPoPProof"],
    "properties": {
        "accessTokenJwt": {"type": "string", "description": "The access token"},
        "dPoPProof": {"type": ["string", "null"], "description": "Its proof; null where none was ordered"},
    },
}


@cache
def document() -> Mapping[str, Any]:
    """The OpenAPI document, without the address of a server."""
    schemas: dict[str, Schema] = {
        "TokenResponse": _RESPONSE,
        "SuccessResponse": _SUCCESS,
        "ErrorResponse": {"type": "object", "properties": {"errorMessage": {"type": "string"}}},
        "ProblemDetails": _PROBLEM,
        "ApiKey": {
            "type": "object",
            "required": ["key"],
            "properties": {"key": {"type": "string", "minLength": 1}, "ownerId": {"type": "string"}},
        },
    }
    schemas["TokenRequest"] = _object_schema(REQUEST, schemas)
    key, audience = _header(KEY_HEADER, "The key of the service"), _header(AUDIENCE_HEADER, "The API")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mock HelseID STS: test-token service", "version": "v2", "description": _ABOUT},
        "tags": [{"name": _TAG, "description": "Tokens on order."}],
        "paths": {
            WITH_KEY: {"post": _order("createTestTokenWithKey", "Make a token; the audience is in the body", [key])},
            WITH_KEY_V1: {
                "post": _order("createTestTokenWithKeyV1", "Version 1: the audience is in a header", [key, audience])
            },
            WITH_TOKEN_V1: {
                "post": {
                    **_order(
                        "createTestToken", "Version 1, with an access token for the service", [_optional(audience)]
                    ),
                    "security": [{"accessToken": []}],
                }
            },
            API_KEY: {
                "post": _operation(
                    "addApiKey", "Keep a key", {"200": _plain("Kept"), "400": _refusal()}, body="ApiKey"
                ),
                "delete": _operation(
                    "removeApiKey",
                    "Forget a key",
                    {"200": _plain("Forgotten"), "400": _refusal(), "404": _refusal()},
                    parameters=[
                        {
                            "name": "apiKey",
                            "in": "query",
                            "required": True,
                            "description": "The key",
                            "schema": {"type": "string", "minLength": 1},
                        }
                    ],
                ),
            },
            PING: {
                "get": _operation(
                    "ping",
                    "Say that the service is there",
                    {"200": {"description": "It is", "content": _json({"type": "string"})}},
                )
            },
        },
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer"}},
        },
    }


def _order(name: str, summary: str, parameters: list[Schema]) -> Schema:
    answers = {
        "200": {"description": "The token", "content": _json({"$ref": "#/components/schemas/TokenResponse"})},
        **{status: _refusal() for status in ("400", "401", "404")},
    }
    return _operation(name, summary, answers, body="TokenRequest", parameters=parameters)


def _operation(
    name: str,
    summary: str,
    responses: Mapping[str, Schema],
    *,
    body: str | None = None,
    parameters: list[Schema] | None = None,
) -> Schema:
    made: Schema = {"tags": [_TAG], "operationId": name, "summary": summary, "parameters": parameters or []}
    if body is not None:
        made["requestBody"] = {"required": True, "content": _json({"$ref": f"#/components/schemas/{body}"})}
    return {**made, "responses": dict(responses)}


def _header(name: str, meaning: str) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": meaning,
        "schema": {"type": "string", "minLength": 1},
    }


def _optional(parameter: Schema) -> Schema:
    return {**parameter, "required": False}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _plain(meaning: str) -> Schema:
    return {"description": meaning}


def _refusal() -> Schema:
    return {"description": "Refused", "content": _json({"$ref": "#/components/schemas/ProblemDetails"})}


def _object_schema(known: Object, schemas: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": {name: _schema(name, member, schemas) for name, member in known.members.items()},
    }


def _schema(name: str, member: Member, schemas: dict[str, Schema]) -> Schema:
    if isinstance(member, Object):
        schemas[f"{name[0].upper()}{name[1:]}"] = _object_schema(member, schemas)
        reference_to = {"$ref": f"#/components/schemas/{name[0].upper()}{name[1:]}"}
        return {"type": ["array", "null"], "items": reference_to} if member.is_list else reference_to
    return dict(_KINDS[member]) if isinstance(member, Kind) else _choice(member)


_KINDS: Mapping[Kind, Schema] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.TEXTS: {"type": ["array", "null"], "items": {"type": "string"}},
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.NUMBER: {"type": ["integer", "null"], "format": "int32"},
}


def _choice(kind: type[IntEnum]) -> Schema:
    words = ", ".join(f"{one.value} {word_of(one)}" for one in kind)
    return {
        "enum": [*(one.value for one in kind), *(word_of(one) for one in kind), None],
        "description": f"{(kind.__doc__ or '').splitlines()[0]} {words}.",
    }


def _here(request: HttpRequest) -> dict[str, Any]:
    environ = request.environ
    url = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{request.reached.root}"
    return {**document(), "servers": [{"url": url}]}


def swagger(request: HttpRequest) -> HttpResponse:
    """The document for programs."""
    return ready_json(write_plain_json(_here(request)))


ROUTES = (Route(DOCUMENT, ("GET",), swagger),)

PAGE = Blueprint("token_service_page", __name__)


def page() -> Response:
    """The document for people."""
    return browser.page("openapi.html", section="api", api=reference.page_for(_here(asked())), document=DOCUMENT)


for number, path in enumerate(PAGES):
    PAGE.add_url_rule(path, endpoint="page" if number == 0 else "index", view_func=page, methods=["GET"])
