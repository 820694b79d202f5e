"""Userinfo, clientinfo, and a resource of our own: what is answered to a client with an access token."""

from collections.abc import Callable, Iterable
from typing import Any

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile.access_token import bound
from mock_sts.helseid.profile.access_token import scheme as bound_scheme
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.jose import ALGORITHMS, FAPI_ALGORITHMS
from mock_sts.services.back_channel.form import note_in_url
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens import resource
from mock_sts.services.tokens.access_token import Presented
from mock_sts.services.tokens.client_info import client_info
from mock_sts.services.tokens.user_info import user_info
from mock_sts.web.errors import explaining
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import INTERACTION_ID, HttpRequest, HttpResponse, Route, json_response, refuse_head


def userinfo(request: HttpRequest) -> HttpResponse:
    """Claims on the person of the token."""
    return _answer(request, Endpoint.USERINFO, user_info)


def clientinfo(request: HttpRequest) -> HttpResponse:
    """Claims on the client of the token."""
    return _answer(request, Endpoint.CLIENT_INFO, client_info)


def protected(request: HttpRequest) -> HttpResponse:
    """What a resource server would answer."""
    response = _answer(request, resource.PATH, resource.answer)
    interaction = request.interaction_id()
    return response if interaction is None else response.with_headers({INTERACTION_ID: interaction})


def _answer(
    request: HttpRequest, path: str, tell: Callable[[RequestContext, Presented], dict[str, Any]]
) -> HttpResponse:
    refuse_head(request)
    presented = request.presented_token()
    context = RequestContext(request.reached, path)
    note_in_url(context, request.names_in_url())
    try:
        with context:
            return json_response(tell(context, presented))
    except OAuthError as error:
        fapi = context.enforcement is Enforcement.FAPI2
        # RFC 9449 section 7.1: where such a token is taken with DPoP alone, that is asked for, whatever was sent.
        if path == resource.PATH:
            schemes = resource.schemes_for(presented, dpop_only=context.enforcement in bound.refused_in)
        else:
            schemes = ("DPoP",) if error.rule == bound_scheme.id else (presented.scheme,)
        return token_refused(error, schemes, FAPI_ALGORITHMS if fapi else ALGORITHMS)


def token_refused(error: OAuthError, schemes: Iterable[str], algorithms: Iterable[str]) -> HttpResponse:
    """RFC 6750 section 3, for a token that should have come by one of ``schemes``: the error in a header, no body.

    ``algorithms`` are those of good proofs, which the scheme DPoP names (RFC 9449 section 7.1).
    """
    challenges = []
    for scheme in schemes:
        challenge = f'{scheme} realm="IdentityServer",error="{error.code.value}"'
        if error.description:
            challenge += f',error_description="{error.description}"'
        if scheme == "DPoP":
            challenge += f',algs="{" ".join(algorithms)}"'
        challenges.append(challenge)
    headers = {"WWW-Authenticate": ", ".join(challenges), **NO_STORE, **explaining(error)}
    return HttpResponse(error.status, headers=headers)


ROUTES = (
    Route(Endpoint.USERINFO, ("GET", "POST"), userinfo),
    Route(Endpoint.CLIENT_INFO, ("POST",), clientinfo),
    Route(resource.PATH, ("GET", "POST"), protected),
)
