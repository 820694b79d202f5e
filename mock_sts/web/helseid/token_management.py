"""Revocation, introspection, and the two grants that nobody gets."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from mock_sts.helseid.endpoints import RULE_HEADER, Endpoint
from mock_sts.helseid.profile.client_assertion import credentials
from mock_sts.helseid.profile.form import CONTENT_TYPE
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.token_management import introspect_token, refuse_grant, revoke_token
from mock_sts.web import reading
from mock_sts.web.environment import current
from mock_sts.web.headers import NO_STORE
from mock_sts.web.writing import empty_response, json_response

ROUTES = Blueprint("token_management", __name__)


@ROUTES.post(Endpoint.REVOCATION, provide_automatic_options=False)
def revocation() -> Response:
    """Take a refresh token back."""
    if reading.media_type() != CONTENT_TYPE:
        raise UnsupportedMediaType
    with RequestContext(current(), Endpoint.REVOCATION) as context:
        revoke_token(context, reading.back_channel_call())
    return empty_response(200, NO_STORE)


@ROUTES.post(Endpoint.INTROSPECTION, provide_automatic_options=False)
def introspection() -> Response:
    """Tell what a token is."""
    if reading.media_type() != CONTENT_TYPE:
        raise UnsupportedMediaType
    try:
        with RequestContext(current(), Endpoint.INTROSPECTION) as context:
            return json_response(introspect_token(context, reading.back_channel_call()))
    except OAuthError as error:
        if error.code is not ErrorCode.INVALID_CLIENT and error.rule != credentials.id:
            raise
        return empty_response(401, {**NO_STORE, **({RULE_HEADER: error.rule} if error.rule else {})})


@ROUTES.post(Endpoint.DEVICE_AUTHORIZATION, endpoint="device", provide_automatic_options=False)
@ROUTES.post(Endpoint.CIBA, endpoint="ciba", provide_automatic_options=False)
def nobodys() -> Response:
    """Refuse."""
    with RequestContext(current(), request.path) as context:
        refuse_grant(context, reading.back_channel_call(), request.path)
