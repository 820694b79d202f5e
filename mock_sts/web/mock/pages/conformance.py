"""Conformance as pages: the report on a client, and sessions to start, end and begin anew."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from mock_sts.helseid.conformance import PROFILE_DATE, PROFILE_TEXT
from mock_sts.services.conformance import sessions
from mock_sts.services.conformance.document import DISCLAIMER, document_of
from mock_sts.services.conformance.report import Conclusion, Status, UnknownClientError, report_on
from mock_sts.services.environment import path_of_environment
from mock_sts.store.environments import EnvironmentRecord
from mock_sts.web import admission, browser, reading
from mock_sts.web.mock.pages import conformance_words
from mock_sts.web.reading import current, the_server

PATH = "/mock/conformance"

ROUTES = Blueprint("conformance", __name__)
admission.guard(ROUTES)

#: What the badge of a status is.
_KINDS = {Status.MET.value: "good", Status.BROKEN.value: "bad", Status.NEVER_EXERCISED.value: "warn"}
_CONCLUSIONS = {Conclusion.MET.value: "good", Conclusion.BROKEN.value: "bad"}

#: The names of the words of each status, of each conclusion, and of each count of the summary.
_STATUS_WORDS = {
    Status.MET.value: "status_met",
    Status.BROKEN.value: "status_broken",
    Status.ACCEPTED.value: "status_accepted",
    Status.NEVER_EXERCISED.value: "status_never_exercised",
    Status.NOT_APPLICABLE.value: "status_not_applicable",
    Status.CANNOT_TELL.value: "status_cannot_tell",
    Status.NOT_VISIBLE.value: "status_not_visible",
}
_CONCLUSION_WORDS = {
    Conclusion.MET.value: "conclusion_met",
    Conclusion.BROKEN.value: "conclusion_broken",
    Conclusion.INCOMPLETE.value: "conclusion_incomplete",
    Conclusion.NOT_ALL_SEEN.value: "conclusion_not_all_seen",
}
_COUNT_WORDS = {
    "met": "status_met",
    "broken_musts": "status_broken",
    "broken_shoulds": "status_broken_should",
    "accepted": "status_accepted",
    "never_exercised": "status_never_exercised",
    "cannot_tell": "status_cannot_tell",
    "not_applicable": "status_not_applicable",
    "not_visible": "status_not_visible",
}

#: The groups of checks, by how their ids begin, and the words of each.
_GROUPS = (("T", "checks_t"), ("SP-", "checks_sp"), ("X-", "checks_x"))

#: Longest id of a client that a form takes, in characters.
_LONGEST = 2_000


@ROUTES.get(PATH)
def page() -> Response:
    """The sessions, a form that starts one, and the clients with their reports."""
    return _page("")


@ROUTES.post(PATH)
def start() -> Response:
    """Start a session, and show it."""
    form = reading.form()
    if browser.is_forged(form.one(browser.ANTIFORGERY_FIELD)):
        return _page("forged", 400)
    client_id = (form.one("client_id") or "").strip()[:_LONGEST]
    reached = current()
    if reached.environment.below:
        raise NotFound("sessions are the server's: start one at its root")
    try:
        order = sessions.Order(client_id, at_root=form.one("at_root") == "true")
        record = sessions.start(the_server(), reached.environment, reached.catalog, order)
    except (UnknownClientError, sessions.SessionConflictError):
        return _page("unknown_client_id", 400)
    return _to(_id(record))


@ROUTES.get(f"{PATH}/<session_id>")
def session(session_id: str) -> Response:
    """A session with its report."""
    record = _find(session_id)
    document = document_of(sessions.result(the_server(), session_id), _authority(record))
    return _report(document, record)


@ROUTES.post(f"{PATH}/<session_id>")
def act(session_id: str) -> Response:
    """End a session, or begin it anew."""
    form = reading.form()
    record = _find(session_id)
    if not browser.is_forged(form.one(browser.ANTIFORGERY_FIELD)):
        store, wall = the_server().store, the_server().clock.times().wall
        if form.one("act") == "reset":
            sessions.reset(store, session_id, wall)
        elif record.session is not None and record.session.ended_at is None:
            sessions.end(store, session_id, wall)
    return _to(session_id)


@ROUTES.get("/mock/report/<path:client_id>")
def report(client_id: str) -> Response:
    """The report on a client, over the whole journal of the environment."""
    reached = current()
    try:
        found = report_on(reached.environment, reached.catalog, client_id)
    except UnknownClientError as error:
        raise NotFound(str(error)) from None
    return _report(document_of(found, reached.urls.back_channel.base), None)


def _page(fault: str, status: int = 200) -> Response:
    reached = current()
    field, cookie = browser.antiforgery_token()
    at_root = not reached.environment.below
    response = browser.page(
        "conformance.html",
        section="conformance",
        words=conformance_words.WORDS,
        status=status,
        fault=fault,
        at_root=at_root,
        clients=[client.client_id for client in reached.catalog.clients()],
        sessions=[_shown(record) for record in sessions.listed(the_server().store)] if at_root else (),
        antiforgery=field,
    )
    browser.set_antiforgery_cookie(response, cookie)
    return response


def _report(document: Mapping[str, Any], record: EnvironmentRecord | None) -> Response:
    field, cookie = browser.antiforgery_token()
    response = browser.page(
        "report.html",
        section="conformance",
        words=conformance_words.WORDS,
        copies=record is not None,
        report=document,
        session=None if record is None else _shown(record),
        kind=_CONCLUSIONS.get(document["conclusion"], "warn"),
        kinds=_KINDS,
        says=_CONCLUSION_WORDS[document["conclusion"]],
        statuses=_STATUS_WORDS,
        counts=[(words, document["summary"][name]) for name, words in _COUNT_WORDS.items()],
        groups=[
            (words, [check for check in document["checks"] if check["id"].startswith(begins)])
            for begins, words in _GROUPS
        ],
        disclaimer=DISCLAIMER,
        profile=f"{PROFILE_TEXT}, {PROFILE_DATE}",
        antiforgery=field,
    )
    browser.set_antiforgery_cookie(response, cookie)
    return response


def _find(session_id: str) -> EnvironmentRecord:
    if current().environment.below:
        raise NotFound("sessions are the server's: ask at its root")
    try:
        return sessions.find(the_server().store, session_id)
    except sessions.UnknownSessionError as error:
        raise NotFound(str(error)) from None


def _shown(record: EnvironmentRecord) -> dict[str, Any]:
    found = record.session
    if found is None:
        raise AssertionError("only records with a session are shown")
    return {
        "id": found.id,
        "client_id": found.client_id,
        "authority": _authority(record),
        "running": found.ended_at is None,
    }


def _authority(record: EnvironmentRecord) -> str:
    return current().urls.below(path_of_environment(record.name)).issuer.base


def _id(record: EnvironmentRecord) -> str:
    return record.session.id if record.session is not None else ""


def _to(session_id: str) -> Response:
    return browser.redirect(browser.rooted(f"{PATH}/{session_id}"))
