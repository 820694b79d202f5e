"""Revocation, introspection, and the two grants that no client gets."""

from typing import NoReturn

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile.client_assertion import credentials
from mock_sts.helseid.profile.form import CONTENT_TYPE
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.token_management import introspect_token, refuse_grant, revoke_token
from mock_sts.web.errors import explaining
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import HttpError, HttpRequest, HttpResponse, Route, json_response


def revocation(request: HttpRequest) -> HttpResponse:
    """Take a refresh token back."""
    _refuse_other_types(request)
    with RequestContext(request.reached, Endpoint.REVOCATION) as context:
        revoke_token(context, request.back_channel_call())
    return HttpResponse(200, headers=NO_STORE)


def introspection(request: HttpRequest) -> HttpResponse:
    """Tell what a token is."""
    _refuse_other_types(request)
    try:
        with RequestContext(request.reached, Endpoint.INTROSPECTION) as context:
            return json_response(introspect_token(context, request.back_channel_call()))
    except OAuthError as error:
        if error.code is not ErrorCode.INVALID_CLIENT and error.rule != credentials.id:
            raise
        return HttpResponse(401, headers={**NO_STORE, **explaining(error)})


def device(request: HttpRequest) -> HttpResponse:
    """Refuse: no client gets this grant."""
    _refuse_grant(request, Endpoint.DEVICE_AUTHORIZATION)


def ciba(request: HttpRequest) -> HttpResponse:
    """Refuse: no client gets this grant."""
    _refuse_grant(request, Endpoint.CIBA)


def _refuse_grant(request: HttpRequest, path: Endpoint) -> NoReturn:
    with RequestContext(request.reached, path) as context:
        refuse_grant(context, request.back_channel_call(), path)


def _refuse_other_types(request: HttpRequest) -> None:
    if request.media_type != CONTENT_TYPE:
        raise HttpError(415, "Unsupported Media Type")


ROUTES = (
    Route(Endpoint.REVOCATION, ("POST",), revocation),
    Route(Endpoint.INTROSPECTION, ("POST",), introspection),
    Route(Endpoint.DEVICE_AUTHORIZATION, ("POST",), device),
    Route(Endpoint.CIBA, ("POST",), ciba),
)
