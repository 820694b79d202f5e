"""Userinfo, clientinfo, and a resource of our own: what is answered to a client with an access token."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response

from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.terms import Endpoint
from mock_sts.services import resource
from mock_sts.services.access_token import Presented
from mock_sts.services.client_info import client_info
from mock_sts.services.exchange import Exchange
from mock_sts.services.sts import Sts
from mock_sts.services.user_info import user_info
from mock_sts.web import reading
from mock_sts.web.writing import json_response, token_refused


def blueprint(sts: Sts) -> Blueprint:
    """The routes."""
    routes = Blueprint("user_info", __name__)

    @routes.route(Endpoint.USERINFO, methods=["GET", "POST"], provide_automatic_options=False)
    def userinfo() -> Response:
        return _answer(sts, Endpoint.USERINFO, user_info)

    @routes.route(Endpoint.CLIENT_INFO, methods=["POST"], provide_automatic_options=False)
    def clientinfo() -> Response:
        return _answer(sts, Endpoint.CLIENT_INFO, client_info)

    @routes.route(resource.PATH, methods=["GET", "POST"], provide_automatic_options=False)
    def protected() -> Response:
        return _answer(sts, resource.PATH, resource.answer)

    return routes


def _answer(sts: Sts, path: str, tell: Callable[[Exchange, Presented], dict[str, Any]]) -> Response:
    reading.refuse_head()
    presented = reading.presented_token()
    try:
        with Exchange(sts, path, reading.effective_urls(sts.addresses)) as exchange:
            return json_response(tell(exchange, presented))
    except OAuthError as error:
        # RFC 9449 section 7.1: who takes nothing else asks for DPoP, whatever was sent.
        return token_refused(error, "DPoP" if path == resource.PATH else presented.scheme)
