"""Logout."""

from flask import Blueprint, Response, request

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.protocol.end_session import EndSessionRequest, read_end_session
from mock_sts.protocol.params import Params
from mock_sts.services.login.end_session import ConfirmLogout, LoggedOut, end_session
from mock_sts.services.request_context import RequestContext
from mock_sts.web import browser, reading
from mock_sts.web.language import asked_language
from mock_sts.web.reading import current

_LOGOUT = "/Account/Logout"

#: Where the frames of clients stand, and the purpose of what is sealed into that address.
_FRAMES, _SEAL = "/connect/endsession/callback", "end-session"

#: Seconds that the browser gets to load them before it goes on to where the client wants it.
_PATIENCE = 2


ROUTES = Blueprint("end_session", __name__)


@ROUTES.route(Endpoint.END_SESSION, methods=["GET", "POST"])
def end() -> Response:
    """Where clients send browsers to log out."""
    reading.refuse_head()
    params = reading.form() if request.method == "POST" else Params.from_form(request.query_string)
    return _end(read_end_session(params), confirmed=False, ui_locales=params.words("ui_locales"))


@ROUTES.get(_FRAMES)
def frames() -> Response:
    """Loads the clients' own addresses in frames, each with the session that has ended."""
    opened = current().environment.seal.open(_SEAL, request.args.get("endSessionId", "")) or {}
    urls = opened.get("urls")
    return browser.frames([str(url) for url in urls] if isinstance(urls, list) else [])


@ROUTES.get(_LOGOUT)
def question() -> Response:
    """The page with the form, for those who come by its address."""
    reading.refuse_head()
    return _end(EndSessionRequest(None, None, None), confirmed=False, ui_locales=_ui_locales())


@ROUTES.post(_LOGOUT)
def confirmed() -> Response:
    """The answer to the question."""
    form = reading.form()
    forged = browser.is_forged(form.one(browser.ANTIFORGERY_FIELD))
    nothing = EndSessionRequest(None, None, None)
    shown_breach = form.one("breach") or ""
    return _end(nothing, confirmed=not forged, ui_locales=form.words("ui_locales"), shown_breach=shown_breach)


def _ui_locales() -> tuple[str, ...]:
    return Params.from_form(request.query_string).words("ui_locales")


def _end(
    asked: EndSessionRequest,
    *,
    confirmed: bool,
    ui_locales: tuple[str, ...] = (),
    shown_breach: str = "",
) -> Response:
    """``shown_breach`` is the breach that the question showed; the template knows which there are."""
    language = asked_language(ui_locales)
    with RequestContext(current(), Endpoint.END_SESSION) as context:
        outcome = end_session(context, asked, browser.session_cookie(), confirmed=confirmed)
    if isinstance(outcome, ConfirmLogout):
        field, cookie = browser.antiforgery_token()
        breach = outcome.breach or shown_breach
        response = browser.page("logout.html", language=language, confirm=True, antiforgery=field, breach=breach)
        browser.set_antiforgery_cookie(response, cookie)
        return response
    response = _logged_out(outcome, language, outcome.breach or shown_breach)
    browser.hide_session_id(response)
    return response


def _logged_out(outcome: LoggedOut, language: str, breach: str) -> Response:
    """To where the client wants the browser to go next, or the page that says that the session is over."""
    if outcome.location and not outcome.front_channel:
        return browser.redirect(outcome.location)
    frames = ""
    if outcome.front_channel:
        sealed = current().environment.seal.close(_SEAL, {"urls": list(outcome.front_channel)})
        frames = browser.rooted(f"{_FRAMES}?endSessionId={sealed}")
    return browser.page(
        "logout.html",
        language=language,
        frames_of=["'self'"] if frames else [],
        frames=frames,
        location=outcome.location,
        seconds=_PATIENCE,
        breach=breach,
    )
