"""The token endpoint, and the nonce that HelseID has no endpoint for."""

from flask import Blueprint, Response

from mock_sts.protocol.terms import NONCE_HEADER, Endpoint
from mock_sts.services.environment import Environment
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.token import issue_token
from mock_sts.web import reading
from mock_sts.web.headers import NO_STORE
from mock_sts.web.writing import empty_response, json_response


def blueprint(environment: Environment) -> Blueprint:
    """The routes. The token endpoint takes every method, for HelseID answers a wrong one as an OAuth error."""
    routes = Blueprint("token", __name__)

    @routes.route(Endpoint.TOKEN, methods=reading.ANY_METHOD, provide_automatic_options=False)
    def token() -> Response:
        with RequestContext(environment, Endpoint.TOKEN, reading.effective_urls(environment.addresses)) as context:
            return json_response(issue_token(context, reading.back_channel_call()).body())

    @routes.get("/mock/dpop-nonce")
    def dpop_nonce() -> Response:
        reading.effective_urls(environment.addresses)
        return empty_response(204, {NONCE_HEADER: environment.nonces.mint(environment.clock.times().now), **NO_STORE})

    return routes
