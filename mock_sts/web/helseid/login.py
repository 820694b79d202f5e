"""HelseID's own login pages: the choice of an identity provider, and the list of them for programs."""

from pathlib import Path

from flask import Blueprint, Response, request

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.providers import offered
from mock_sts.protocol.json_text import write_json
from mock_sts.services.login.login_pages import awaited
from mock_sts.web import browser, frame
from mock_sts.web.helseid import testidp
from mock_sts.web.helseid.authorize import EXTERNAL_LOGIN, LOGIN
from mock_sts.web.helseid.error_page import gone
from mock_sts.web.http import ready_json
from mock_sts.web.language import asked_language, chosen_language
from mock_sts.web.reading import current
from mock_sts.web.writing import written

_TEMPLATES = Path(__file__).parents[1] / "templates"
_STYLESHEET, _SCRIPT = (_TEMPLATES / "stylesheet.css").read_bytes(), (_TEMPLATES / "script.js").read_bytes()
_KEPT = {"Cache-Control": "max-age=3600"}


ROUTES = Blueprint("login", __name__)


@ROUTES.get(LOGIN)
def providers() -> Response:
    """The choice of an identity provider."""
    return_url = browser.return_url("ReturnUrl")
    waiting = awaited(current().environment, return_url)
    if waiting is None:
        return gone()
    return browser.page(
        "providers.html",
        carried=["ReturnUrl"],
        language=asked_language(waiting.request.ui_locales),
        client_name=waiting.client.client_name or waiting.client.client_id,
        providers=waiting.providers,
        levels={one.scheme: sorted({level for eid in one.eids for level in eid.levels}) for one in waiting.providers},
        barred=waiting.barred,
        is_over=waiting.is_over,
        again=testidp.start_of(waiting),
        return_url=browser.rooted(return_url),
        chosen_language=chosen_language(),
    )


@ROUTES.get(EXTERNAL_LOGIN)
def external_login() -> Response:
    """On to the one that was chosen."""
    return_url = browser.return_url("returnUrl")
    waiting = awaited(current().environment, return_url)
    provider = waiting.provider(request.args.get("provider", "")) if waiting is not None else None
    return gone() if provider is None else browser.redirect(testidp.page_of(provider, return_url), 302)


@ROUTES.get(Endpoint.AVAILABLE_IDPS)
def available_idps() -> Response:
    """The providers on offer."""
    on_offer = offered(current().environment.policy.identity_providers)
    return written(ready_json(write_json([{"name": p.scheme, "displayName": p.display_name} for p in on_offer])))


@ROUTES.get(frame.STYLESHEET)
@ROUTES.get(frame.STYLESHEET_OF_LOGIN, endpoint="stylesheet_of_login")
def stylesheet() -> Response:
    """How pages look."""
    return Response(_STYLESHEET, 200, {"Content-Type": "text/css; charset=UTF-8", **_KEPT})


@ROUTES.get(frame.SCRIPT)
def script() -> Response:
    """What the buttons that copy do."""
    return Response(_SCRIPT, 200, {"Content-Type": "text/javascript; charset=UTF-8", **_KEPT})
