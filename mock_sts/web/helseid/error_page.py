"""The page for errors that must not travel."""

from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Response, request

from mock_sts.helseid.profile.request_uri import fresh
from mock_sts.helseid.requirement import Verdict, refuse
from mock_sts.protocol.errors import OAuthError
from mock_sts.services.request_context import RequestContext
from mock_sts.store.journal import Filter
from mock_sts.web import browser
from mock_sts.web.admission import is_admitted
from mock_sts.web.explained import Explained, explained
from mock_sts.web.helseid.authorize import ERROR, error_redirection
from mock_sts.web.language import asked_language
from mock_sts.web.reading import asked, current
from mock_sts.web.writing import written

ROUTES = Blueprint("error_page", __name__)


@ROUTES.get(ERROR)
def error_page() -> Response:
    """The page for errors that must not travel."""
    shown = current().environment.seal.open("error", request.args.get("errorId", "")) or {}
    return browser.page(
        "error.html",
        status=400,
        carried=["errorId"],
        language=asked_language(str(shown.get("ui_locales", "")).split()),
        shown=shown,
        why=_why(shown),
        is_over=shown.get("rule") == fresh.id,
    )


def _why(shown: Mapping[str, object]) -> Explained | None:
    """What ``shown`` says of the broken rule; who may see the journal sees all values that would have done."""
    why = explained(str(shown.get("rule", "")), str(shown.get("detail", "")))
    if why is None or not shown.get("id") or not is_admitted():
        return why
    entry = next(iter(current().environment.journal.read(Filter(error_id=str(shown["id"])), limit=1)), None)
    broken = entry["findings"]["broken"] if entry is not None else []
    options = next((one.get("options", ()) for one in broken if one["rule"] == why.rule.id), ())
    return replace(why, options=tuple(options))


def error_redirect(error: OAuthError) -> Response:
    """To the error page, with what it shows sealed into its address. ``error`` is journaled already."""
    return written(error_redirection(asked(), error))


def gone() -> Response:
    """The error page for a login page whose request is unknown, answered or over."""
    error = refuse(fresh, Verdict(False, "the login's request is unknown or over", "an open one"))
    endpoint = request.url_rule.rule if request.url_rule is not None else request.path
    RequestContext(current(), endpoint, ends_on_page=True).refuse(error)
    return error_redirect(error)
