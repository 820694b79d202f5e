"""Logout."""

from flask import Blueprint, Response, request

from mock_sts.protocol.end_session import EndSessionRequest, read_end_session
from mock_sts.protocol.params import Params
from mock_sts.protocol.terms import Endpoint
from mock_sts.services.end_session import ConfirmLogout, end_session
from mock_sts.services.exchange import Exchange
from mock_sts.services.sts import Sts
from mock_sts.web import browser, reading

_LOGOUT = "/Account/Logout"


def blueprint(sts: Sts) -> Blueprint:
    """The routes."""
    routes = Blueprint("end_session", __name__)

    @routes.route(Endpoint.END_SESSION, methods=["GET", "POST"])
    def end() -> Response:
        reading.refuse_head()
        params = reading.form() if request.method == "POST" else Params.from_form(request.query_string)
        return _end(sts, read_end_session(params), confirmed=False)

    @routes.post(_LOGOUT)
    def confirmed() -> Response:
        if browser.is_forged(sts, reading.form().one(browser.ANTIFORGERY_FIELD)):
            return _end(sts, EndSessionRequest(None, None, None), confirmed=False)
        return _end(sts, EndSessionRequest(None, None, None), confirmed=True)

    return routes


def _end(sts: Sts, asked: EndSessionRequest, *, confirmed: bool) -> Response:
    with Exchange(sts, Endpoint.END_SESSION, reading.effective_urls(sts.addresses)) as exchange:
        outcome = end_session(exchange, asked, browser.session_cookie(sts), confirmed=confirmed)
    if isinstance(outcome, ConfirmLogout):
        field, cookie = browser.antiforgery_token(sts)
        response = browser.page("logout.html", confirm=True, antiforgery=field)
        browser.set_antiforgery_cookie(sts, response, cookie)
        return response
    return browser.redirect(outcome.location) if outcome.location else browser.page("logout.html", confirm=False)
