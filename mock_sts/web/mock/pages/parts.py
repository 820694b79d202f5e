"""One page that shows every part of which pages are made."""

from flask import Blueprint, Response

from mock_sts.web import browser

ROUTES = Blueprint("parts", __name__)


@ROUTES.get("/mock/parts")
def page() -> Response:
    """Every part, for those who make pages."""
    return browser.page("all_parts.html", section="parts")
