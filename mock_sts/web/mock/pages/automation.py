"""Who logs in in this browser: a cookie that a test sets, and nothing else."""

from flask import Blueprint, Response

from mock_sts.services.environment import Environment
from mock_sts.services.login.automation import pid_of
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.web import browser, reading


def blueprint(environment: Environment) -> Blueprint:
    """The routes."""
    routes = Blueprint("automation", __name__)

    @routes.get("/mock/as/<persona>")
    def log_in_as(persona: str) -> Response:
        reading.effective_urls(environment.addresses)
        reading.refuse_head()
        try:
            pid_of(environment, persona)
        except UnknownPersonError as error:
            return _said(404, str(error))
        response = _said(200, f"Logins in this browser are {persona}'s now.")
        browser.set_persona_cookie(environment, response, persona)
        return response

    return routes


def _said(status: int, message: str) -> Response:
    return browser.page("persona.html", status=status, message=message, unknown=status != 200)
