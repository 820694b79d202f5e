"""The PAR endpoint."""

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.services.login.pushed_authorization import push_authorization_request
from mock_sts.services.request_context import RequestContext
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import ANY_METHOD, HttpRequest, HttpResponse, Route, json_response


def pushed_authorization(request: HttpRequest) -> HttpResponse:
    """Keep an authorization request."""
    if request.method != "POST":
        return HttpResponse(405, headers={"Allow": "POST", **NO_STORE})
    with RequestContext(request.reached, Endpoint.PAR) as context:
        return json_response(push_authorization_request(context, request.back_channel_call()).body(), 201)


ROUTES = (Route(Endpoint.PAR, ANY_METHOD, pushed_authorization),)
