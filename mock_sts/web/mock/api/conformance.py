"""Conformance sessions: an authority for one client, and what its requests there have shown."""

from collections.abc import Mapping
from typing import Any

from mock_sts.protocol.durations import write_time
from mock_sts.services.conformance import sessions
from mock_sts.services.conformance.departures import DepartureError, read_departures
from mock_sts.services.conformance.document import document_of
from mock_sts.services.conformance.report import UnknownClientError
from mock_sts.services.control.environments import EnvironmentFaultError
from mock_sts.services.environment import path_of_environment
from mock_sts.store.environments import EnvironmentRecord
from mock_sts.web.mock.api.environments import settings_schema
from mock_sts.web.mock.api.operations import Call, Nothing, Page, Resource, Text, page_of
from mock_sts.web.mock.api.problems import BAD_MEMBER, CONFLICT, NOT_FOUND
from mock_sts.web.mock.api.reports import (
    DEPARTURES_SCHEMA,
    TEXTS,
    FormatQuery,
    ReportAnswer,
    ReportOrder,
    written_report,
)
from mock_sts.web.mock.api.shapes import member, shape
from mock_sts.web.mock.api.tags import tag_member, tag_of

RESOURCE = Resource(
    "conformance",
    "Conformance sessions, as NHN's Samsvarstesting has them: an authority of its own for one client, so that also the "
    "fetches of metadata and keys are known to be that client's. Refusals there name the checks in error_description. "
    "They are the server's, so ask at the root.",
)


@shape("the session")
class NewSession:
    """A session to be started."""

    client_id: str = member("Whom it is for", longest=100_000)
    at_root: bool = member("Whether the authority is `/<id>`, as NHN's is, in the place of `/env/<id>`", default=False)
    settings: Mapping[str, Any] | None = member(
        "settings of the session's environment over those of the server: access_token_lifetime, enforcement, ...",
        default=None,
        nullable=False,
        schema=settings_schema(),
    )
    departures: tuple[Any, ...] = member(
        "Breaches that are accepted: each with `of`, the id of a check or a rule, and `reason`",
        default=(),
        schema=DEPARTURES_SCHEMA,
    )
    tag: str | None = tag_member()


@shape("the answer")
class SessionState:
    """A session."""

    id: str = member("Its id")
    client_id: str = member("Whom it is for")
    authority: str = member("What the client takes for its authority, and no other address")
    environment: str = member("The name of its environment, for its clock, next login and the rest")
    running: bool = member("Whether the authority answers")
    started_at: str = member("When it was started, or began anew")
    ended_at: str | None = member("When it ended; null: it runs")


@shape("the answer")
class SessionPage:
    """Sessions."""

    items: tuple[SessionState, ...] = member("Sessions, by id")
    next: str | None = member("Where the next page begins; null at the end")


_NAMES = {"id": "The session's id"}
_RAISES = {
    sessions.UnknownSessionError: NOT_FOUND,
    sessions.SessionConflictError: CONFLICT,
    UnknownClientError: NOT_FOUND,
    DepartureError: BAD_MEMBER,
}


@RESOURCE.operation(
    "POST",
    "/conformance",
    "Start a session for a client",
    description="It begins with what is registered here, and ends by itself when it was not used for a day.",
    body=NewSession,
    answer=SessionState,
    status=201,
    raises={**_RAISES, EnvironmentFaultError: BAD_MEMBER, ValueError: BAD_MEMBER},
    at_root=True,
)
def start_session(call: Call[NewSession, Nothing]) -> SessionState:
    """Start it."""
    body = call.body
    order = sessions.Order(
        client_id=body.client_id,
        at_root=body.at_root,
        settings=call.server.read_settings(body.settings or {}, None),
        departures=read_departures(body.departures),
        tag=tag_of(call.request, body.tag),
    )
    return _state(call, sessions.start(call.server, call.environment, call.reached.catalog, order))


@RESOURCE.operation("GET", "/conformance", "All sessions", query=Page, answer=SessionPage, at_root=True)
def all_sessions(call: Call[None, Page]) -> SessionPage:
    """List them."""
    states = sorted((_state(call, record) for record in sessions.listed(call.server.store)), key=lambda one: one.id)
    part, following = page_of(states, call.query, lambda one: one.id)
    return SessionPage(items=part, next=following)


@RESOURCE.operation(
    "GET", "/conformance/{id}", "One session", answer=SessionState, raises=_RAISES, names=_NAMES, at_root=True
)
def one_session(call: Call[None, Nothing]) -> SessionState:
    """Show it."""
    return _state(call, sessions.find(call.server.store, call.names["id"]))


@RESOURCE.operation(
    "POST",
    "/conformance/{id}/end",
    "End a session: its authority answers no client any more, and its result stays",
    answer=SessionState,
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
)
def end_the_session(call: Call[None, Nothing]) -> SessionState:
    """End it."""
    return _state(call, sessions.end(call.server.store, call.names["id"], _wall(call)))


@RESOURCE.operation(
    "POST",
    "/conformance/{id}/reset",
    "Begin a session anew, also one that has ended: what it has seen is forgotten",
    answer=SessionState,
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
)
def reset_session(call: Call[None, Nothing]) -> SessionState:
    """Begin it anew."""
    return _state(call, sessions.reset(call.server.store, call.names["id"], _wall(call)))


@RESOURCE.operation(
    "GET",
    "/conformance/{id}/result",
    "The report of a session, also while it runs",
    answer=ReportAnswer,
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
    query=FormatQuery,
    texts=TEXTS,
    caller="you and your tests",
)
def session_result(call: Call[None, FormatQuery]) -> ReportAnswer | Text:
    """Make it."""
    return _result(call, None)


@RESOURCE.operation(
    "POST",
    "/conformance/{id}/result",
    "The same, with other breaches that are accepted",
    body=ReportOrder,
    answer=ReportAnswer,
    raises=_RAISES,
    names=_NAMES,
    at_root=True,
    query=FormatQuery,
    texts=TEXTS,
    caller="you and your tests",
)
def session_result_with_departures(call: Call[ReportOrder, FormatQuery]) -> ReportAnswer | Text:
    """Make it."""
    return _result(call, call.body.departures)


def _result(call: Call[Any, FormatQuery], departures: tuple[Any, ...] | None) -> ReportAnswer | Text:
    accepted = None if departures is None else read_departures(departures)
    report = sessions.result(call.server, call.names["id"], accepted)
    record = sessions.find(call.server.store, call.names["id"])
    return written_report(call, document_of(report, _authority(call, record)))


def _state(call: Call[Any, Any], record: EnvironmentRecord) -> SessionState:
    session = record.session
    if session is None:
        raise AssertionError("only records with a session are shown")
    return SessionState(
        id=session.id,
        client_id=session.client_id,
        authority=_authority(call, record),
        environment=record.name,
        running=session.ended_at is None,
        started_at=write_time(session.started_at),
        ended_at=None if session.ended_at is None else write_time(session.ended_at),
    )


def _authority(call: Call[Any, Any], record: EnvironmentRecord) -> str:
    return call.reached.urls.below(path_of_environment(record.name)).issuer.base


def _wall(call: Call[Any, Any]) -> int:
    return call.server.clock.times().wall
