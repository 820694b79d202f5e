"""The first page: what this is, and where to go from here."""

from collections.abc import Sequence

from flask import Blueprint, Response, request

from mock_sts.helseid.hosts import impersonated_by
from mock_sts.protocol.addresses import host_name
from mock_sts.services.environment import Environment
from mock_sts.web import browser, reading
from mock_sts.web.texts import ENGLISH


def blueprint(environment: Environment, people: Sequence[tuple[str, str, str]], client_id: str) -> Blueprint:
    """The route. ``people`` are some who are ready to log in, each with pid, short name and who that is; ``client_id``
    is a client that is ready too.
    """
    routes = Blueprint("home", __name__)

    @routes.get("/")
    def page() -> Response:
        urls = reading.effective_urls(environment.addresses)
        return browser.page(
            "home.html",
            language=ENGLISH,
            issuer=urls.issuer.base,
            here=urls.back_channel.base,
            taken=impersonated_by(urls.issuer.base),
            # A name of NHN's is this server's where the page was asked by it; from elsewhere nobody knows.
            leads_here=impersonated_by(urls.back_channel.base) in ("", host_name(request.host)),
            ready=people,
            client_id=client_id,
            invents=environment.policy.invent_people,
        )

    return routes
