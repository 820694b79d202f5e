"""Who logs in in this browser: a cookie that a test sets, and nothing else."""

from flask import Blueprint, Response

from mock_sts.services.login.automation import pid_of
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.web import browser, reading
from mock_sts.web.reading import current

ROUTES = Blueprint("automation", __name__)


@ROUTES.get("/mock/as/<persona>")
def log_in_as(persona: str) -> Response:
    """Set the cookie."""
    reading.refuse_head()
    try:
        pid_of(current().environment, persona)
    except UnknownPersonError as error:
        return _said(404, str(error))
    response = _said(200, f"Logins in this browser are {persona}'s now.")
    browser.set_persona_cookie(response, persona)
    return response


def _said(status: int, message: str) -> Response:
    return browser.page("persona.html", section="people", status=status, message=message, unknown=status != 200)
