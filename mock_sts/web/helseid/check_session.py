"""The check session endpoint (OpenID Connect Session Management 1.0): a page for frames, whose script compares."""

from pathlib import Path

from flask import Blueprint, Response

from mock_sts.protocol.terms import Endpoint
from mock_sts.services.environment import Environment
from mock_sts.web import browser, reading

_SCRIPT = Path(__file__).with_suffix(".js")


def blueprint(environment: Environment) -> Blueprint:
    """The route."""
    routes = Blueprint("check_session", __name__)
    script = _SCRIPT.read_text(encoding="utf-8")
    page = (
        f'<!DOCTYPE html>\n<html lang="en" data-cookie="{browser.session_id_cookie(environment)}">\n'
        f'<head><meta charset="utf-8"><title>Check session</title></head>\n'
        f"<body><script>{script}</script></body>\n</html>\n"
    )

    @routes.get(Endpoint.CHECK_SESSION)
    def check_session() -> Response:
        reading.effective_urls(environment.addresses)
        return browser.framed_by_all(page, script)

    return routes
