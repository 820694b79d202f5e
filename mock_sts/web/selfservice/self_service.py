"""The API by which a client reads its registration and changes its keys, as the libraries of NHN and FHI call it.

No nonce is asked for and nothing is redirected: no caller can answer either. Each refusal has one JSON body that serves
all: the members of problem details, with an integer ``status``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.scopes import is_api_scope
from mock_sts.protocol.durations import write_time
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.json_text import JsonTextError, read_json, without_mark, write_plain_json
from mock_sts.services.request_context import RequestContext
from mock_sts.services.selfservice.client_keys import KeyRefusedError, add_key, calling_client, checked_key
from mock_sts.web.errors import problem
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import HttpRequest, HttpResponse, Route, ready_json, refuse_head

CLIENT, CLIENT_SECRET = "/v1/client", "/v1/client-secret"

_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}


def client(request: HttpRequest) -> HttpResponse:
    """The client's own registration."""
    return _answer(request, CLIENT, lambda _context, found: _registration(found))


def client_secrets(request: HttpRequest) -> HttpResponse:
    """The client's keys, each with its end."""
    return _answer(request, CLIENT_SECRET, lambda _context, found: _keys(found))


def add_client_secret(request: HttpRequest) -> HttpResponse:
    """Another key: a JWK as a JSON object, or as a JSON string that holds one."""

    def add(context: RequestContext, found: Client) -> Mapping[str, Any]:
        return {"expiration": write_time(add_key(context, found, checked_key(_jwk_in(request))))}

    return _answer(request, CLIENT_SECRET, add)


def _answer(request: HttpRequest, path: str, act: Callable[[RequestContext, Client], Any]) -> HttpResponse:
    refuse_head(request)
    context = RequestContext(request.reached, path)
    try:
        with context:
            found = calling_client(context, request.presented_token(), path)
            try:
                answer = act(context, found)
            except KeyRefusedError as error:
                raise OAuthError(ErrorCode.INVALID_REQUEST, detail=str(error), status=400) from None
            context.finish()
            return ready_json(write_plain_json(answer), headers=NO_STORE)
    except OAuthError as error:
        title = _TITLES.get(error.status, "Error")
        return problem(error.status, title, error.detail or error.description or title, instance=request.whole_path)


def _jwk_in(request: HttpRequest) -> Mapping[str, Any]:
    try:
        body = read_json(without_mark(request.body()))
        if isinstance(body, str):
            body = read_json(body.encode("utf-8", "surrogatepass"))
    except JsonTextError as error:
        raise KeyRefusedError(f"the body cannot be read as JSON: {error}; send a public JWK") from None
    if not isinstance(body, Mapping):
        raise KeyRefusedError("the body must be a public JWK: a JSON object, or a JSON string that holds one")
    return body


def _keys(found: Client) -> list[dict[str, Any]]:
    """The usable keys, in the order in which they are registered."""
    listed = []
    for key in found.keys:
        ends = None if key.ends_at is None else write_time(key.ends_at)
        thumbprint = key.key.thumbprint
        # A key that came by the API always ends; one of the portal need not.
        listed.append(
            {
                "expiration": ends,
                "kid": key.kid or thumbprint,
                "jwkThumbprint": thumbprint,
                "origin": "Gui" if ends is None else "Api",
                "publicJwk": None,
            }
        )
    return listed


def _registration(found: Client) -> dict[str, Any]:
    return {
        "apiScopes": [
            {"scope": scope, "status": "ok", "statusReason": None} for scope in found.scope if is_api_scope(scope)
        ],
        "audienceSpecificClientClaims": [
            {
                "claimType": name,
                "activeClaimValue": value,
                "pendingClaimValue": None,
                "status": "ok",
                "statusReason": None,
            }
            for name, value in found.client_claims.items()
        ],
        "redirectUris": list(found.redirect_uris),
        "postLogoutRedirectUris": list(found.post_logout_redirect_uris),
        "childOrganizationNumbers": list(found.children),
    }


ROUTES = (
    Route(CLIENT, ("GET",), client),
    Route(CLIENT_SECRET, ("GET",), client_secrets),
    Route(CLIENT_SECRET, ("POST",), add_client_secret),
)
