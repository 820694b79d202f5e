"""The PAR endpoint."""

from flask import Blueprint, Response
from werkzeug.exceptions import MethodNotAllowed

from mock_sts.protocol.terms import Endpoint
from mock_sts.services.exchange import Exchange
from mock_sts.services.pushed_authorization import push_authorization_request
from mock_sts.services.sts import Sts
from mock_sts.web import reading
from mock_sts.web.writing import NO_STORE, empty_response, json_response


def blueprint(sts: Sts) -> Blueprint:
    """The routes. A method other than POST gets an empty 405, as at HelseID."""
    routes = Blueprint("pushed_authorization", __name__)

    @routes.post(Endpoint.PAR)
    def pushed_authorization() -> Response:
        with Exchange(sts, Endpoint.PAR, reading.effective_urls(sts.addresses)) as exchange:
            return json_response(push_authorization_request(exchange, reading.back_channel_call()).body(), 201)

    @routes.errorhandler(MethodNotAllowed)
    def other_method(_error: MethodNotAllowed) -> Response:
        return empty_response(405, {"Allow": "POST", **NO_STORE})

    return routes
