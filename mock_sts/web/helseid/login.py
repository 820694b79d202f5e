"""HelseID's own login pages: the choice of an identity provider, and the list of them for programs."""

from pathlib import Path

from flask import Blueprint, Response, request

from mock_sts.helseid.providers import offered
from mock_sts.protocol.json_text import write_json
from mock_sts.protocol.terms import Endpoint
from mock_sts.services.environment import Environment
from mock_sts.services.login.authorization import awaited
from mock_sts.web import browser, reading
from mock_sts.web.helseid import testidp
from mock_sts.web.helseid.authorization import EXTERNAL_LOGIN, LOGIN, gone
from mock_sts.web.texts import language_of
from mock_sts.web.writing import ready_json

_STYLESHEET = Path(__file__).parents[1] / "templates" / "stylesheet.css"


def blueprint(environment: Environment) -> Blueprint:
    """The routes."""
    routes = Blueprint("login", __name__)
    styles = _STYLESHEET.read_bytes()

    @routes.get(LOGIN)
    def providers() -> Response:
        reading.effective_urls(environment.addresses)
        return_url = browser.return_url("ReturnUrl")
        waiting = awaited(environment, return_url)
        if waiting is None:
            return gone(environment)
        return browser.page(
            "providers.html",
            language=language_of(waiting.request.ui_locales),
            client_name=waiting.client.members["client_name"] or waiting.client.client_id,
            providers=waiting.providers,
            return_url=browser.rooted(return_url),
        )

    @routes.get(EXTERNAL_LOGIN)
    def external_login() -> Response:
        reading.effective_urls(environment.addresses)
        return_url = browser.return_url("returnUrl")
        waiting = awaited(environment, return_url)
        provider = waiting.provider(request.args.get("provider", "")) if waiting is not None else None
        return (
            gone(environment)
            if provider is None
            else browser.redirect(testidp.page_of(environment, provider, return_url), 302)
        )

    @routes.get(Endpoint.AVAILABLE_IDPS)
    def available_idps() -> Response:
        reading.effective_urls(environment.addresses)
        on_offer = offered(environment.policy.identity_providers)
        return ready_json(write_json([{"name": p.scheme, "displayName": p.display_name} for p in on_offer]))

    @routes.get(browser.STYLESHEET)
    @routes.get(browser.STYLESHEET_OF_LOGIN, endpoint="stylesheet_of_login")
    def stylesheet() -> Response:
        return Response(styles, 200, {"Content-Type": "text/css; charset=UTF-8", "Cache-Control": "max-age=3600"})

    return routes
