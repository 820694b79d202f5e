"""The PAR endpoint."""

from flask import Blueprint, Response, request

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.services.login.pushed_authorization import push_authorization_request
from mock_sts.services.request_context import RequestContext
from mock_sts.web import reading
from mock_sts.web.environment import current
from mock_sts.web.headers import NO_STORE
from mock_sts.web.writing import empty_response, json_response

ROUTES = Blueprint("pushed_authorization", __name__)


@ROUTES.route(Endpoint.PAR, methods=reading.ANY_METHOD, provide_automatic_options=False)
def pushed_authorization() -> Response:
    """Keep an authorization request."""
    if request.method != "POST":
        return empty_response(405, {"Allow": "POST", **NO_STORE})
    with RequestContext(current(), Endpoint.PAR) as context:
        return json_response(push_authorization_request(context, reading.back_channel_call()).body(), 201)
