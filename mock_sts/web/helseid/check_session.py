"""The check session endpoint (OpenID Connect Session Management 1.0): a page for frames, whose script compares."""

from pathlib import Path

from flask import Blueprint, Response

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.web import browser

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


ROUTES = Blueprint("check_session", __name__)


@ROUTES.get(Endpoint.CHECK_SESSION)
def check_session() -> Response:
    """The page, which names the cookie that its script looks at."""
    page = (
        f'<!DOCTYPE html>\n<html lang="en" data-cookie="{browser.session_id_cookie()}">\n'
        f'<head><meta charset="utf-8"><title>Check session</title></head>\n'
        f"<body><script>{_SCRIPT}</script></body>\n</html>\n"
    )
    return browser.framed_by_all(page, _SCRIPT)
