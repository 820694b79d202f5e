"""The first page: what this is, and where to go from here."""

from flask import Blueprint, Response, request

from mock_sts.helseid.hosts import impersonated_by
from mock_sts.helseid.ready import READY_CLIENT, READY_PEOPLE
from mock_sts.protocol.addresses import host_name
from mock_sts.web import browser
from mock_sts.web.reading import current
from mock_sts.web.texts import ENGLISH

ROUTES = Blueprint("home", __name__)


@ROUTES.get("/")
def page() -> Response:
    """The page."""
    urls = current().urls
    return browser.page(
        "home.html",
        language=ENGLISH,
        issuer=urls.issuer.base,
        here=urls.back_channel.base,
        taken=impersonated_by(urls.issuer.base),
        # A name of NHN's is this server's where the page was asked by it; from elsewhere that is unknown.
        leads_here=impersonated_by(urls.back_channel.base) in ("", host_name(request.host)),
        ready=READY_PEOPLE,
        client_id=READY_CLIENT,
        invents=current().environment.policy.invent_people,
    )
