"""Userinfo."""

from flask import Blueprint, Response, request

from mock_sts.protocol.errors import RULE_HEADER, OAuthError
from mock_sts.protocol.terms import Endpoint
from mock_sts.services.exchange import Exchange
from mock_sts.services.sts import Sts
from mock_sts.services.user_info import Presented, user_info
from mock_sts.web import reading
from mock_sts.web.writing import NO_STORE, empty_response, json_response


def blueprint(sts: Sts) -> Blueprint:
    """The routes."""
    routes = Blueprint("user_info", __name__)

    @routes.route(Endpoint.USERINFO, methods=["GET", "POST"], provide_automatic_options=False)
    def userinfo() -> Response:
        reading.refuse_head()
        presented = _presented()
        try:
            with Exchange(sts, Endpoint.USERINFO, reading.effective_urls(sts.addresses)) as exchange:
                return json_response(user_info(exchange, presented))
        except OAuthError as error:
            return _refused(error, presented.scheme)

    return routes


def _presented() -> Presented:
    """The token of the Authorization header, or of the form as RFC 6750 section 2.2 allows."""
    header = request.environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() in ("bearer", "dpop"):
        named = "DPoP" if scheme.lower() == "dpop" else "Bearer"
        return Presented(token.strip() or None, named, reading.proofs(), request.method)
    return Presented(reading.form().one("access_token"), "Bearer", reading.proofs(), request.method)


def _refused(error: OAuthError, scheme: str) -> Response:
    """RFC 6750 section 3: the error in a header, no body."""
    challenge = f'{scheme} realm="IdentityServer",error="{error.code.value}"'
    if error.description:
        challenge += f',error_description="{error.description}"'
    headers = {"WWW-Authenticate": challenge, **NO_STORE}
    if error.rule:
        headers[RULE_HEADER] = error.rule
    return empty_response(error.status, headers)
