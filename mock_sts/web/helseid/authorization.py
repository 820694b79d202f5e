"""The authorize endpoint, its callback, and the page for errors that must not travel."""

import time
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, g, request

from mock_sts.helseid.endpoints import RULE_HEADER, Endpoint
from mock_sts.helseid.profile.form import CONTENT_TYPE
from mock_sts.helseid.profile.request_uri import fresh
from mock_sts.helseid.requirement import Verdict, refuse
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.params import Params
from mock_sts.protocol.private_keys import without_private_keys
from mock_sts.services.login.answer import Answered, TravellingError
from mock_sts.services.login.authorization import begin_authorization
from mock_sts.services.login.return_url import CALLBACK, handle_in, handle_of
from mock_sts.services.request_context import RequestContext
from mock_sts.web import browser, reading
from mock_sts.web.admission import is_admitted
from mock_sts.web.explained import Explained, explained
from mock_sts.web.language import asked_language
from mock_sts.web.reading import current

#: Where the provider is chosen, and where a chosen one is entered.
LOGIN, EXTERNAL_LOGIN, ERROR = "/Account/Login", "/Account/ExternalLogin", "/home/error"

#: Longest explanation that travels in the address of the error page. That of a rule is shorter, for what it quotes is
#: shortened by itself: the remedy stands at its end.
LONGEST_DETAIL = 2_000

#: The same for what a stranger says of a login.
_LONGEST_SHOWN = 300

#: The parameters in which login pages have the address that they come back to.
_RETURN_URLS = ("ReturnUrl", "returnUrl", "returnurl")


ROUTES = Blueprint("authorization", __name__)


@ROUTES.before_request
def begin() -> None:
    """Note when the request began."""
    g.began = time.perf_counter()


@ROUTES.after_request
def tell_time(response: Response) -> Response:
    """What a login without a page costs here, for tests of that."""
    if "began" in g:  # a request that was refused before it came here has no time of its own
        response.headers["Server-Timing"] = f"total;dur={(time.perf_counter() - g.began) * 1000:.1f}"
    return response


@ROUTES.route(Endpoint.AUTHORIZE, methods=["GET", "POST"])
def authorize() -> Response:
    """Where logins begin."""
    return _authorize(Endpoint.AUTHORIZE)


@ROUTES.get(CALLBACK)
def callback() -> Response:
    """Where the pages send the browser back to."""
    return _authorize(CALLBACK)


@ROUTES.get(ERROR)
def error_page() -> Response:
    """The page for errors that must not travel."""
    shown = current().environment.seal.open("error", request.args.get("errorId", "")) or {}
    return browser.page(
        "error.html",
        status=400,
        carried=["errorId"],
        language=asked_language(str(shown.get("ui_locales", "")).split()),
        shown=shown,
        why=_why(shown),
        is_over=shown.get("rule") == fresh.id,
    )


def _why(shown: Mapping[str, object]) -> Explained | None:
    """What ``shown`` says of the broken rule; who may see the journal sees all values that would have done."""
    why = explained(str(shown.get("rule", "")), str(shown.get("detail", "")))
    if why is None or not shown.get("id") or not is_admitted():
        return why
    entry = next(iter(current().environment.journal.read(limit=1, error_id=str(shown["id"]))), None)
    broken = entry["findings"]["broken"] if entry is not None else []
    options = next((one.get("options", ()) for one in broken if one["rule"] == why.rule.id), ())
    return replace(why, options=tuple(options))


def error_redirect(error: OAuthError) -> Response:
    """To the error page, with what it shows sealed into its address. ``error`` is journaled already."""
    shown: dict[str, object] = {
        "id": error.error_id,
        **error.body(),
        "rule": error.rule,
        "detail": error.detail[:LONGEST_DETAIL],
    }
    shown["description"] = shown.pop("error_description", "")
    shown.update(_about_login())
    response = browser.redirect(
        f"{ERROR}?errorId={current().environment.seal.close('error', without_private_keys(shown))}"
    )
    if error.rule:
        response.headers[RULE_HEADER] = error.rule
    return response


def _authorize(endpoint: str) -> Response:
    reading.refuse_head()
    try:
        with RequestContext(current(), endpoint, ends_on_page=True) as context:
            outcome = begin_authorization(
                context,
                _parameters(),
                browser.session_cookie(),
                browser.persona_cookie(),
                posted=request.method == "POST",
            )
    except TravellingError as error:
        response = browser.answer(error.response)
        if error.rule:
            response.headers[RULE_HEADER] = error.rule
        return response
    except OAuthError as error:
        return error_redirect(error)
    if isinstance(outcome, Answered):
        response = browser.answer(outcome.response)
        browser.show_session_id(response, outcome.sid)
        if outcome.cookie is not None:
            browser.set_session_cookie(response, outcome.cookie)
        return response
    back = quote(browser.rooted(outcome.return_url), safe="")
    if outcome.provider is not None:
        return browser.redirect(f"{EXTERNAL_LOGIN}?provider={outcome.provider.scheme}&returnUrl={back}")
    return browser.redirect(f"{LOGIN}?ReturnUrl={back}")


def _parameters() -> Params:
    if request.method == "POST":
        if reading.media_type() != CONTENT_TYPE:
            return Params(fault=f"the content type is not {CONTENT_TYPE}")
        return reading.form()
    return Params.from_form(request.query_string)


def _about_login() -> dict[str, str]:
    """What the error page says of the login that cannot go on: whose, in which language, where it would have ended."""
    sent = _parameters()
    back = next((value for value in map(browser.return_url, _RETURN_URLS) if value), "")
    kept = current().environment.ledger.requests.find(handle_in(back) or handle_of(sent))
    if kept is None:
        asked = {"client": "client_id", "ui_locales": "ui_locales", "page": "redirect_uri"}
        return {name: (sent.one(parameter) or "")[:_LONGEST_SHOWN] for name, parameter in asked.items()}
    request_of = kept.request
    parts = urlsplit(request_of.redirect_uri or "")
    # A kept request has been judged, so its address is registered and may be a link.
    is_page = parts.scheme in ("http", "https") and parts.netloc
    return {
        "client": kept.client_id,
        "ui_locales": " ".join(request_of.ui_locales),
        "page": request_of.redirect_uri or "",
        "start": f"{parts.scheme}://{parts.netloc}/" if is_page else "",
    }


def gone() -> Response:
    """The error page for a login page whose request is unknown, answered or over."""
    error = refuse(fresh, Verdict(False, "the login's request is unknown or over", "an open one"))
    endpoint = request.url_rule.rule if request.url_rule is not None else request.path
    RequestContext(current(), endpoint, ends_on_page=True).refuse(error)
    return error_redirect(error)
