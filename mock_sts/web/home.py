"""The first page: what this is, and where to go from here."""

from collections.abc import Sequence

from flask import Blueprint, Response

from mock_sts.services.sts import Sts
from mock_sts.web import browser, reading
from mock_sts.web.texts import ENGLISH


def blueprint(sts: Sts, people: Sequence[tuple[str, str, str]], client_id: str) -> Blueprint:
    """The route. ``people`` are some who are ready to log in, each with pid, short name and who that is; ``client_id``
    is a client that is ready too.
    """
    routes = Blueprint("home", __name__)

    @routes.get("/")
    def page() -> Response:
        issuer = reading.effective_urls(sts.addresses).issuer.base
        return browser.page("home.html", language=ENGLISH, issuer=issuer, ready=people, client_id=client_id)

    return routes
