"""The token endpoint, and the nonce that HelseID has no endpoint for."""

from flask import Blueprint, Response

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.protocol.terms import NONCE_HEADER
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.token import issue_token
from mock_sts.web import reading
from mock_sts.web.environment import current
from mock_sts.web.headers import NO_STORE
from mock_sts.web.writing import empty_response, json_response

ROUTES = Blueprint("token", __name__)


@ROUTES.route(Endpoint.TOKEN, methods=reading.ANY_METHOD, provide_automatic_options=False)
def token() -> Response:
    """Issue tokens."""
    with RequestContext(current(), Endpoint.TOKEN) as context:
        return json_response(issue_token(context, reading.back_channel_call()).body())


@ROUTES.get("/mock/dpop-nonce")
def dpop_nonce() -> Response:
    """A nonce, in its header."""
    environment = current().environment
    return empty_response(204, {NONCE_HEADER: environment.nonces.mint(environment.clock.times().now), **NO_STORE})
