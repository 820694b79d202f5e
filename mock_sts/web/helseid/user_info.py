"""Userinfo, clientinfo, and a resource of our own: what is answered to a client with an access token."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile.access_token import scheme as bound_scheme
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.jose import ALGORITHMS, FAPI_ALGORITHMS
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens import resource
from mock_sts.services.tokens.access_token import Presented
from mock_sts.services.tokens.client_info import client_info
from mock_sts.services.tokens.user_info import user_info
from mock_sts.web import reading
from mock_sts.web.environment import current
from mock_sts.web.writing import json_response, token_refused

ROUTES = Blueprint("user_info", __name__)


@ROUTES.route(Endpoint.USERINFO, methods=["GET", "POST"], provide_automatic_options=False)
def userinfo() -> Response:
    """Claims on the person of the token."""
    return _answer(Endpoint.USERINFO, user_info)


@ROUTES.route(Endpoint.CLIENT_INFO, methods=["POST"], provide_automatic_options=False)
def clientinfo() -> Response:
    """Claims on the client of the token."""
    return _answer(Endpoint.CLIENT_INFO, client_info)


@ROUTES.route(resource.PATH, methods=["GET", "POST"], provide_automatic_options=False)
def protected() -> Response:
    """What a resource server would answer."""
    response = _answer(resource.PATH, resource.answer)
    interaction = reading.interaction_id()
    if interaction is not None:
        response.headers[reading.INTERACTION_ID] = interaction
    return response


def _answer(path: str, tell: Callable[[RequestContext, Presented], dict[str, Any]]) -> Response:
    reading.refuse_head()
    presented = reading.presented_token()
    context = RequestContext(current(), path)
    try:
        with context:
            return json_response(tell(context, presented))
    except OAuthError as error:
        fapi = context.enforcement is Enforcement.FAPI2
        # RFC 9449 section 7.1: who takes nothing else, or not for this token, asks for DPoP, whatever was sent.
        scheme = "DPoP" if path == resource.PATH or error.rule == bound_scheme.id else presented.scheme
        return token_refused(error, scheme, FAPI_ALGORITHMS if fapi else ALGORITHMS)
