"""The token endpoint, and the nonce that HelseID has no endpoint for."""

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.protocol.terms import NONCE_HEADER
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.token import issue_token
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import ANY_METHOD, HttpRequest, HttpResponse, Route, json_response

#: Where there is a nonce without a refusal.
NONCE = "/mock/dpop-nonce"


def token(request: HttpRequest) -> HttpResponse:
    """Issue tokens."""
    with RequestContext(request.reached, Endpoint.TOKEN) as context:
        return json_response(issue_token(context, request.back_channel_call()).body())


def dpop_nonce(request: HttpRequest) -> HttpResponse:
    """A nonce, in its header."""
    environment = request.reached.environment
    return HttpResponse(204, headers={NONCE_HEADER: environment.nonces.mint(environment.clock.times().now), **NO_STORE})


ROUTES = (
    Route(Endpoint.TOKEN, ANY_METHOD, token),
    Route(NONCE, ("GET",), dpop_nonce, answers_options=True),
)
