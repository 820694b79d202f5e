"""NHN's test-token service: tokens and proofs on order, with a key or with an access token.

Answers have the service's two shapes in one body where it refuses: its own (``isError``) and that of problem details,
for its callers read the one or the other.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mock_sts.helseid.terms import KEPT_KEYS
from mock_sts.helseid.token_orders.request import OrderError, TokenRequest, read_request
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.json_text import JsonTextError, read_json, without_mark, write_json
from mock_sts.protocol.private_keys import without_private_keys
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.ordered import Made
from mock_sts.services.tokens.token_requests import Ordering, issue_ordered, refuse
from mock_sts.services.tokens.token_service_access import TokenServiceKeys, audience_of_caller
from mock_sts.web.headers import JSON_TYPE, NO_STORE
from mock_sts.web.http import HttpRequest, HttpResponse, Route

#: The paths of the service.
WITH_KEY, WITH_KEY_V1, WITH_TOKEN_V1 = (
    "/v2/create-test-token-with-key",
    "/create-test-token-with-key",
    "/create-test-token",
)
API_KEY, PING = "/api-key", "/ping"

KEY_HEADER, AUDIENCE_HEADER = "X-Auth-Key", "Audience"

_TITLES = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 415: "Unsupported Media Type"}

#: What a title is called in problem details (RFC 9110), as ASP.NET writes it.
_TYPES = {
    400: "https://tools.ietf.org/html/rfc9110#section-15.5.1",
    401: "https://tools.ietf.org/html/rfc9110#section-15.5.2",
    404: "https://tools.ietf.org/html/rfc9110#section-15.5.5",
}


def with_key(request: HttpRequest) -> HttpResponse:
    """Version 2: the audience is in the body."""
    return _answer(request, WITH_KEY, lambda context: _ordered_by_key(context, request, Ordering(WITH_KEY)))


def with_key_v1(request: HttpRequest) -> HttpResponse:
    """Version 1: the audience is in a header."""
    audience = request.header(AUDIENCE_HEADER) or ""
    ordering = Ordering(WITH_KEY_V1, audience, of_version_1=True)
    return _answer(request, WITH_KEY_V1, lambda context: _ordered_by_key(context, request, ordering))


def with_token_v1(request: HttpRequest) -> HttpResponse:
    """Version 1 for who has an access token for the service: the audience is an API that its client may call."""

    def make(context: RequestContext) -> Made:
        try:
            audience = audience_of_caller(context, request.presented_token(), request.header(AUDIENCE_HEADER) or "")
        except OAuthError as error:
            raise OrderError(error.status, {"Authorization": error.detail or error.description}) from None
        return issue_ordered(context, _order_in(request), Ordering(WITH_TOKEN_V1, audience, of_version_1=True))

    return _answer(request, WITH_TOKEN_V1, make)


def add_key(request: HttpRequest) -> HttpResponse:
    """Keep a key: the body has ``key`` and ``ownerId``."""
    try:
        body = _json_in(request)
        members = {name.lower(): value for name, value in body.items()} if isinstance(body, dict) else {}
        key, owner = members.get("key"), members.get("ownerid", "")
        if not (isinstance(key, str) and key):
            raise OrderError(400, {"key": "is missing or no text: the key that callers send as X-Auth-Key"})
        if not isinstance(owner, str):
            raise OrderError(400, {"ownerId": "is no text: the organization that the key belongs to"})
    except OrderError as error:
        return _refused(error, request.path)
    TokenServiceKeys(request.reached.environment).keep(key, owner)
    return HttpResponse(200, headers=NO_STORE)


def remove_key(request: HttpRequest) -> HttpResponse:
    """Forget a key: the query has ``apiKey``."""
    key = request.query().get("apikey", "")
    if not key:
        return _refused(OrderError(400, {"apiKey": "is missing in the query: the key to forget"}), request.path)
    if not TokenServiceKeys(request.reached.environment).forget(key):
        return _refused(OrderError(404, {"apiKey": "is no key that is kept"}), request.path)
    return HttpResponse(200, headers=NO_STORE)


def ping(request: HttpRequest) -> HttpResponse:
    """Tell that the service is there."""
    return HttpResponse(200, write_json("pong"), {"Content-Type": JSON_TYPE})


def _ordered_by_key(context: RequestContext, request: HttpRequest, ordering: Ordering) -> Made:
    key = (request.header(KEY_HEADER) or "").strip()
    fault = ""
    if not key:
        fault = "the header is missing or empty: send the key of the test-token service, here any text"
    elif context.environment.policy.test_token_keys == KEPT_KEYS and not TokenServiceKeys(context.environment).has(key):
        fault = "is no key that this server keeps (MOCK_STS_TEST_TOKEN_KEYS is kept); POST /api-key adds one"
    if fault:
        raise OrderError(401, {KEY_HEADER: fault})
    return issue_ordered(context, _order_in(request), ordering)


def _order_in(request: HttpRequest) -> TokenRequest:
    return read_request(_json_in(request))


def _json_in(request: HttpRequest) -> Any:
    try:
        return read_json(without_mark(request.body()))
    except JsonTextError as error:
        raise OrderError(400, {"": f"the body cannot be read as JSON: {error}"}) from None


def _answer(request: HttpRequest, path: str, make: Callable[[RequestContext], Made]) -> HttpResponse:
    context = RequestContext(request.reached, path)
    try:
        made = make(context)
    except OrderError as error:
        if not context.is_journaled:
            refuse(context, error)
        return _refused(error, path)
    body = {
        "isError": False,
        "successResponse": {"accessTokenJwt": made.access_token, "dPoPProof": made.proof},
        "errorResponse": None,
    }
    return _json(200, body)


def _refused(error: OrderError, path: str) -> HttpResponse:
    detail = str(error)
    body = {
        "isError": True,
        "successResponse": None,
        "errorResponse": {"errorMessage": detail},
        "type": _TYPES.get(error.status, "about:blank"),
        "title": _TITLES.get(error.status, "Error"),
        "status": error.status,
        "detail": detail,
        "instance": path,
        "errors": {name: [why] for name, why in error.faults.items()},
    }
    return _json(error.status, without_private_keys(body))


def _json(status: int, body: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(status, write_json(body), {"Content-Type": JSON_TYPE, **NO_STORE})


ROUTES = (
    Route(WITH_KEY, ("POST",), with_key),
    Route(WITH_KEY_V1, ("POST",), with_key_v1),
    Route(WITH_TOKEN_V1, ("POST",), with_token_v1),
    Route(API_KEY, ("POST",), add_key),
    Route(API_KEY, ("DELETE",), remove_key),
    Route(PING, ("GET",), ping),
)
