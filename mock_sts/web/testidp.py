"""The TestIDP: the form in the fields that test drivers already know, on our own host."""

from urllib.parse import quote

from flask import Blueprint, Response, request

from mock_sts.helseid.testidp import (
    DEFAULT_LEVEL,
    HPR_NUMBER,
    LEVELS,
    PID,
    SECURITY_LEVEL,
    LoginIntent,
    LoginIntentError,
    read_login_intent,
)
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.params import Params
from mock_sts.services.authorization import (
    cancel_login,
    client_of,
    complete_login,
    is_return_url,
    provider_of,
    redirect_uri_of,
)
from mock_sts.services.exchange import Exchange
from mock_sts.services.sts import Sts
from mock_sts.web import browser, reading
from mock_sts.web.authorization import error_redirect, gone

LOGIN = "/testidp/Account/Login"

#: Form field to the TestIDP parameter that means the same.
_FIELDS = {"Pid": PID, "HprNumber": HPR_NUMBER, "SecurityLevel": SECURITY_LEVEL}


def blueprint(sts: Sts) -> Blueprint:
    """The routes."""
    routes = Blueprint("testidp", __name__)

    @routes.get(LOGIN)
    def form() -> Response:
        reading.effective_urls(sts.addresses)
        if client_of(sts, _return_url()) is None:
            return gone(sts)
        return _page(sts)

    @routes.post(LOGIN)
    def log_in() -> Response:
        urls = reading.effective_urls(sts.addresses)
        return_url = _return_url()
        provider = provider_of(sts, return_url, request.args.get("provider", ""))
        if provider is None:
            return gone(sts)
        fields = reading.form()
        if browser.is_forged(sts, fields.one(browser.ANTIFORGERY_FIELD)):
            return _page(sts, fields, "Skjemaet er ikke fra denne nettleseren, eller for gammelt. Prøv igjen.")
        try:
            if fields.one("outcome") == "cancel":
                with Exchange(sts, LOGIN, urls) as exchange:
                    return browser.answer(cancel_login(exchange, return_url))
            intent = _intent(fields)
            with Exchange(sts, LOGIN, urls) as exchange:
                cookie = complete_login(exchange, return_url, intent, provider, browser.session_cookie(sts))
        except LoginIntentError as error:
            return _page(sts, fields, str(error))
        except OAuthError as error:
            if error.code is ErrorCode.ACCESS_DENIED:
                return _page(sts, fields, error.description)
            return error_redirect(sts, error)
        response = _back(sts, return_url, provider.scheme)
        browser.set_session_cookie(sts, response, cookie)
        return response

    @routes.post("/signin-<scheme>")
    def sign_in(scheme: str) -> Response:
        """The hop that drivers of the real TestIDP make: its form posts here, and the login goes on."""
        reading.effective_urls(sts.addresses)
        opened = sts.seal.open(f"signin-{scheme}", reading.form().one("state") or "")
        return_url = str(opened["return_url"]) if opened else ""
        return browser.redirect(return_url, 302) if is_return_url(return_url) else gone(sts)

    return routes


def _back(sts: Sts, return_url: str, scheme: str) -> Response:
    """Back to the authorize step: at once, or by the form that drivers of the real TestIDP expect.

    These send the antiforgery value as a header too, which no browser does.
    """
    if "RequestVerificationToken" not in request.headers:
        return browser.redirect(return_url, 302)
    state = sts.seal.close(f"signin-{scheme}", {"return_url": return_url})
    fields = (("code", "-"), ("id_token", "-"), ("scope", "openid profile identity/pid"), ("state", state))
    return browser.form_post(f"/signin-{scheme}", (*fields, ("session_state", "-")))


def _intent(fields: Params) -> LoginIntent:
    values = {parameter: value.strip() for field, parameter in _FIELDS.items() if (value := fields.one(field))}
    intent = read_login_intent({name: value for name, value in values.items() if value})
    if intent is None:
        raise LoginIntentError(f"{PID} must be eleven digits")
    return intent


def _return_url() -> str:
    return request.args.get("returnurl", "")


def _page(sts: Sts, fields: Params | None = None, message: str = "") -> Response:
    """The form; what was typed stays."""
    typed = fields or Params()
    field, cookie = browser.antiforgery_token(sts)
    query = f"provider={quote(request.args.get('provider', ''), safe='')}&returnurl={quote(_return_url(), safe='')}"
    response = browser.page(
        "testidp.html",
        status=400 if message else 200,
        posts_to=[redirect_uri_of(sts.store, _return_url())],
        action=f"{LOGIN}?{query}",
        message=message,
        pid=typed.one("Pid") or "",
        hpr_number=typed.one("HprNumber") or "",
        levels=sorted(LEVELS, reverse=True),
        security_level=typed.one("SecurityLevel") or DEFAULT_LEVEL,
        antiforgery=field,
    )
    browser.set_antiforgery_cookie(sts, response, cookie)
    return response
