"""Answers in place of an endpoint's, as fault rules order them; and what a request says before it is judged."""

import base64
import binascii
from urllib.parse import unquote_plus

from mock_sts.helseid.endpoints import Endpoint, paths_of
from mock_sts.helseid.faults import Effect
from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.protocol.jose import JoseError, read_jws
from mock_sts.protocol.json_text import text_or_none
from mock_sts.protocol.params import Params
from mock_sts.protocol.terms import NONCE_HEADER
from mock_sts.services.faults.request import Asked
from mock_sts.services.login.request_object import claimed_client
from mock_sts.services.login.return_url import handle_of
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import HttpRequest, HttpResponse, json_response
from mock_sts.web.redirects import authorization_answer

#: Endpoints that answer errors in a header (RFC 6750 section 3).
_PROTECTED = (Endpoint.USERINFO.value, Endpoint.CLIENT_INFO.value)

_AUTHORIZE = paths_of("authorize")

#: Errors of RFC 6750 by their status; others are 401 there.
_FORBIDDEN = {"insufficient_scope": 403, "invalid_request": 400}


def asked_of(request: HttpRequest) -> Asked:
    """What is known of ``request`` before it is judged. What it claims is not verified."""
    params = _parameters(request)
    return Asked(request.path, _claimed_client(request, params), params.one("grant_type"), request.header)


def error_instead(request: HttpRequest, effect: Effect) -> HttpResponse:
    """The OAuth error that ``effect`` says, as the endpoint of ``request`` answers errors."""
    body = {"error": str(effect.value)}
    if "error_description" in effect.beside:
        body["error_description"] = effect.beside["error_description"]
    if request.path in _AUTHORIZE and (travels := _travelling(request, body)) is not None:
        return travels
    if request.path in _PROTECTED:
        status = effect.beside.get("status_code", _FORBIDDEN.get(body["error"], 401))
        return _challenge(request, body, status)
    return json_response(body, effect.beside.get("status_code", 400))


def status_instead(effect: Effect) -> HttpResponse:
    """The status and body that ``effect`` says."""
    body = str(effect.beside.get("body", "")).encode()
    headers = dict(NO_STORE)
    if body or "content_type" in effect.beside:
        headers["Content-Type"] = effect.beside.get("content_type", "text/plain; charset=utf-8")
    if "retry_after" in effect.beside:
        headers["Retry-After"] = str(effect.beside["retry_after"])
    return HttpResponse(effect.value, body, headers)


def nonce_challenge(request: HttpRequest) -> HttpResponse:
    """Ask for a nonce (RFC 9449 sections 8 and 9), however good that of the request is."""
    body = {"error": "use_dpop_nonce", "error_description": "Authorization server requires nonce in DPoP proof"}
    answer = _challenge(request, body, 401) if request.path in _PROTECTED else json_response(body, 400)
    return answer.with_headers(dict([nonce_header(request)]))


def nonce_header(request: HttpRequest) -> tuple[str, str]:
    """The header that brings a nonce."""
    environment = request.reached.environment
    return NONCE_HEADER, environment.nonces.mint(environment.clock.times().now)


def _challenge(request: HttpRequest, body: dict[str, str], status: int) -> HttpResponse:
    members = ",".join(f'{name}="{value}"' for name, value in body.items())
    scheme = request.presented_token().scheme
    return HttpResponse(status, headers={"WWW-Authenticate": f'{scheme} realm="IdentityServer",{members}', **NO_STORE})


def _travelling(request: HttpRequest, body: dict[str, str]) -> HttpResponse | None:
    """The error on its way to the client, where the request says a redirect URI that its client has registered."""
    params, reached = _parameters(request), request.reached
    kept = reached.environment.ledger.requests.find(handle_of(params)) if handle_of(params) else None
    if kept is not None:
        asked = kept.request
        uri, state, mode, issuer = asked.redirect_uri, asked.state, asked.response_mode, kept.issuer
        client = reached.catalog.client(kept.client_id)
    else:
        uri, state, mode = params.one("redirect_uri"), params.one("state"), params.one("response_mode")
        issuer = reached.urls.issuer.base
        client = reached.catalog.client(claimed_client(params) or "")
    if client is None or uri is None or uri not in client.redirect_uris:
        return None
    parameters = [*body.items(), *([("state", state)] if state is not None else []), ("iss", issuer)]
    return authorization_answer(request, AuthorizationResponse(uri, mode or "query", tuple(parameters)))


def _parameters(request: HttpRequest) -> Params:
    if request.method == "POST":
        return request.form()
    try:
        return Params.from_form(request.environ.get("QUERY_STRING", "").encode("ascii"))
    except UnicodeError:
        return Params()


def _claimed_client(request: HttpRequest, params: Params) -> str | None:
    """The client that ``request`` says it is of: by name, by its assertion, its password or its access token."""
    named = claimed_client(params)
    if named is not None:
        return named
    assertion = params.one("client_assertion")
    if assertion is not None:
        return _claim(assertion, "sub") or _claim(assertion, "iss")
    scheme, _, credentials = (request.header("Authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return unquote_plus(base64.b64decode(credentials).decode().partition(":")[0]) or None
        except (binascii.Error, UnicodeError):
            return None
    if scheme.lower() in ("bearer", "dpop"):
        return _claim(credentials.strip(), "client_id")
    kept = request.reached.environment.ledger.requests.find(handle_of(params)) if handle_of(params) else None
    return None if kept is None else kept.client_id


def _claim(token: str, name: str) -> str | None:
    try:
        return text_or_none(read_jws(token).claims.get(name))
    except JoseError:
        return None
