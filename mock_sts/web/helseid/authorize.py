"""The authorize endpoint and its callback: where logins begin, and where the pages send the browser back to.

Without the framework, for a login that a test scripts shows no page.
"""

import time
from urllib.parse import quote, urlsplit

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile.form import CONTENT_TYPE
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.params import Params
from mock_sts.protocol.private_keys import without_private_keys
from mock_sts.services.login.answer import Answered, TravellingError
from mock_sts.services.login.authorization import begin_authorization
from mock_sts.services.login.return_url import CALLBACK, handle_in, handle_of
from mock_sts.services.request_context import RequestContext
from mock_sts.web.errors import explaining
from mock_sts.web.http import HttpRequest, HttpResponse, Route, refuse_head
from mock_sts.web.redirects import (
    authorization_answer,
    cookie_line,
    cookie_name,
    cookie_of,
    redirection,
    return_url,
    rooted,
)

#: Where the provider is chosen, and where a chosen one is entered.
LOGIN, EXTERNAL_LOGIN, ERROR = "/Account/Login", "/Account/ExternalLogin", "/home/error"

#: Longest explanation that travels in the address of the error page. That of a rule is shorter, for what it quotes is
#: shortened by itself: the remedy stands at its end.
LONGEST_DETAIL = 2_000

#: The same for what a stranger says of a login.
_LONGEST_SHOWN = 300

#: The parameters in which login pages have the address that they come back to.
_RETURN_URLS = ("ReturnUrl", "returnUrl", "returnurl")


def authorize(request: HttpRequest) -> HttpResponse:
    """Where logins begin."""
    return _timed(request, Endpoint.AUTHORIZE)


def callback(request: HttpRequest) -> HttpResponse:
    """Where the pages send the browser back to."""
    return _timed(request, CALLBACK)


def error_redirection(request: HttpRequest, error: OAuthError) -> HttpResponse:
    """To the error page, with what it shows sealed into its address. ``error`` is journaled already."""
    shown: dict[str, object] = {
        "id": error.error_id,
        **error.body(),
        "rule": error.rule,
        "detail": error.detail[:LONGEST_DETAIL],
    }
    shown["description"] = shown.pop("error_description", "")
    shown.update(_about_login(request))
    sealed = request.reached.environment.seal.close("error", without_private_keys(shown))
    return _naming_the_rule(redirection(request, f"{ERROR}?errorId={sealed}"), error)


def _timed(request: HttpRequest, endpoint: str) -> HttpResponse:
    """The answer, with what a login without a page costs here, for tests of that."""
    began = time.perf_counter()
    response = _authorize(request, endpoint)
    return response.with_headers({"Server-Timing": f"total;dur={(time.perf_counter() - began) * 1000:.1f}"})


def _authorize(request: HttpRequest, endpoint: str) -> HttpResponse:
    refuse_head(request)
    session_id = cookie_name(request, "sid")
    try:
        with RequestContext(request.reached, endpoint, ends_on_page=True) as context:
            outcome = begin_authorization(
                context,
                _parameters(request),
                cookie_of(request, cookie_name(request, "session")),
                cookie_of(request, cookie_name(request, "persona")),
                posted=request.method == "POST",
            )
    except TravellingError as error:
        return _naming_the_rule(authorization_answer(request, error.response), error)
    except OAuthError as error:
        return error_redirection(request, error)
    if isinstance(outcome, Answered):
        response = authorization_answer(request, outcome.response)
        if cookie_of(request, session_id) != outcome.sid:
            response = response.with_cookies(cookie_line(request, "sid", outcome.sid, readable=True))
        if outcome.cookie is not None:
            response = response.with_cookies(cookie_line(request, "session", outcome.cookie))
        return response
    back = quote(rooted(request, outcome.return_url), safe="")
    if outcome.provider is not None:
        return redirection(request, f"{EXTERNAL_LOGIN}?provider={outcome.provider.scheme}&returnUrl={back}")
    return redirection(request, f"{LOGIN}?ReturnUrl={back}")


def _naming_the_rule(response: HttpResponse, error: OAuthError) -> HttpResponse:
    return response.with_headers(explaining(error))


def _parameters(request: HttpRequest) -> Params:
    if request.method == "POST":
        if request.media_type != CONTENT_TYPE:
            return Params(fault=f"the content type is not {CONTENT_TYPE}")
        return request.form()
    return Params.from_form(request.environ.get("QUERY_STRING", "").encode("latin-1"))


def _about_login(request: HttpRequest) -> dict[str, str]:
    """What the error page says of the login that cannot go on: whose, in which language, where it would have ended."""
    sent = _parameters(request)
    back = next((value for name in _RETURN_URLS if (value := return_url(request, name))), "")
    kept = request.reached.environment.ledger.requests.find(handle_in(back) or handle_of(sent))
    if kept is None:
        asked = {"client": "client_id", "ui_locales": "ui_locales", "page": "redirect_uri"}
        return {name: (sent.one(parameter) or "")[:_LONGEST_SHOWN] for name, parameter in asked.items()}
    parts = urlsplit(kept.request.redirect_uri or "")
    # A kept request has been judged, so its address is registered and may be a link.
    is_page = parts.scheme in ("http", "https") and parts.netloc
    return {
        "client": kept.client_id,
        "ui_locales": " ".join(kept.request.ui_locales),
        "page": kept.request.redirect_uri or "",
        "start": f"{parts.scheme}://{parts.netloc}/" if is_page else "",
    }


ROUTES = (
    Route(Endpoint.AUTHORIZE, ("GET", "POST"), authorize, answers_options=True),
    Route(CALLBACK, ("GET",), callback, answers_options=True),
)
