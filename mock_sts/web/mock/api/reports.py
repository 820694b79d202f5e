"""Reports: what the journal shows of a client, check by check."""

from typing import Any

from mock_sts.services.conformance.departures import DepartureError, read_departures
from mock_sts.services.conformance.document import document_of
from mock_sts.services.conformance.entries import Span
from mock_sts.services.conformance.formats import FORMATS, JSON, accepted
from mock_sts.services.conformance.report import Conclusion, Status, UnknownClientError, report_on
from mock_sts.web.mock.api.operations import Call, Resource, Text, bad_parameter, second_of
from mock_sts.web.mock.api.problems import BAD_MEMBER, NOT_FOUND
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource(
    "reports",
    "How well a client keeps the security profile, check by check, by the requests that the journal has: met, broken, "
    "or never exercised. A report replaces neither Samsvarstesting nor the code review of NHN.",
)

_TEXT, _COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
_MAYBE_TEXT, _MAYBE_NUMBER = {"type": ["string", "null"]}, {"type": ["integer", "null"]}
_STATUS = {"type": "string", "enum": [status.value for status in Status]}


def _object(**members: object) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members, "additionalProperties": False}


_RULE = _object(
    id=_TEXT,
    title=_TEXT,
    level={"type": "string", "enum": ["must", "should"]},
    status=_STATUS,
    met=_COUNT,
    broken=_COUNT,
    expected=_TEXT,
    observed=_TEXT,
    last_seen=_MAYBE_TEXT,
    entry=_MAYBE_NUMBER,
    entries={"type": "array", "items": _COUNT},
    url=_MAYBE_TEXT,
    remedy=_TEXT,
    source=_TEXT,
    reason=_TEXT,
)

_CHECK = _object(
    id=_TEXT,
    title=_TEXT,
    title_nb=_TEXT,
    source=_TEXT,
    status=_STATUS,
    level={"type": ["string", "null"], "enum": ["must", "should", None]},
    met=_COUNT,
    broken=_COUNT,
    why=_TEXT,
    why_nb=_TEXT,
    reason=_TEXT,
    rules={"type": "array", "items": _RULE},
)

_SUMMARY = _object(
    **dict.fromkeys(
        (
            "met",
            "broken_musts",
            "broken_shoulds",
            "accepted",
            "never_exercised",
            "not_applicable",
            "cannot_tell",
            "not_visible",
        ),
        _COUNT,
    )
)

_JOURNAL = _object(entries=_COUNT, first=_MAYBE_NUMBER, last=_MAYBE_NUMBER, faulted=_COUNT, trimmed={"type": "boolean"})


#: The schema of departures.
DEPARTURES_SCHEMA = {"type": "array", "items": _object(of=_TEXT, reason=_TEXT)}


@shape("the query")
class FormatQuery:
    """In which format the report comes."""

    format: str | None = member(
        "json, or the one that `Accept` names; sarif (application/sarif+json), junit (application/xml), markdown "
        "(text/markdown)",
        default=None,
        choices=(JSON, *FORMATS),
    )


@shape("the query")
class ReportQuery(FormatQuery):
    """Which requests are judged, and in which format the report comes."""

    since: str | None = member("Those from then on: an ISO 8601 time, such as 2027-01-01T00:00:00Z", default=None)
    until: str | None = member("Those until then", default=None)


@shape("the body")
class ReportOrder:
    """What is accepted."""

    departures: tuple[Any, ...] = member(
        "Breaches that are accepted: each with `of`, the id of a check or a rule, and `reason`",
        default=(),
        schema=DEPARTURES_SCHEMA,
    )


@shape("the answer")
class ReportAnswer:
    """A report."""

    client_id: str = member("Whom it judges")
    client_name: str = member("Its name")
    session: str | None = member("The conformance session that it is of; null: of the ordinary journal")
    judged_at: str = member("When")
    since: str | None = member("From when on requests are judged; null: all")
    until: str | None = member("Until when; null: until now")
    profile: Any = member("The text that it judges by, and its date", schema=_object(text=_TEXT, date=_TEXT))
    disclaimer: str = member("What it is no replacement for")
    conclusion: str = member(
        "`broken`: a must is; `incomplete`: the journal has dropped entries; `not-all-seen`: something was never "
        "exercised; `met`: all that concerns the client was seen, and no must is broken",
        choices=tuple(one.value for one in Conclusion),
    )
    summary: Any = member("How many checks have each status", schema=_SUMMARY)
    journal: Any = member(
        "Which entries were judged; `faulted` were left out because this server spoiled them on order; `trimmed`: "
        "older ones are gone",
        schema=_JOURNAL,
    )
    clock_ahead: Any = member(
        "How many seconds the client's clock is ahead, by its assertions; null: none tells",
        schema={"type": ["number", "null"]},
    )
    checks: tuple[Any, ...] = member("Each check with its rules", schema={"type": "array", "items": _CHECK})
    unused_departures: tuple[str, ...] = member("Departures that accept what was not broken")


#: The media types of a report beside JSON.
TEXTS = tuple(one.media_type for one in FORMATS.values())

_NAMES = {"client_id": "The client's id"}
_RAISES = {UnknownClientError: NOT_FOUND, DepartureError: BAD_MEMBER}


@RESOURCE.operation(
    "GET",
    "/clients/{client_id}/report",
    "The report on a client",
    query=ReportQuery,
    answer=ReportAnswer,
    names=_NAMES,
    raises=_RAISES,
    texts=TEXTS,
    caller="you and your tests",
)
def client_report(call: Call[None, ReportQuery]) -> ReportAnswer | Text:
    """Make it."""
    return _report(call, ())


@RESOURCE.operation(
    "POST",
    "/clients/{client_id}/report",
    "The same, with breaches that are accepted",
    body=ReportOrder,
    query=ReportQuery,
    answer=ReportAnswer,
    names=_NAMES,
    raises=_RAISES,
    texts=TEXTS,
    caller="you and your tests",
)
def client_report_with_departures(call: Call[ReportOrder, ReportQuery]) -> ReportAnswer | Text:
    """Make it."""
    return _report(call, call.body.departures)


def _report(call: Call[Any, ReportQuery], departures: tuple[Any, ...]) -> ReportAnswer | Text:
    span = Span(second_of(call.query.since, "since"), second_of(call.query.until, "until"))
    if span.since is not None and span.until is not None and span.until < span.since:
        raise bad_parameter("until", f"until is {call.query.until!r}, before since, which is {call.query.since!r}")
    report = report_on(
        call.environment, call.reached.catalog, call.names["client_id"], span, read_departures(departures)
    )
    return written_report(call, document_of(report, call.reached.urls.back_channel.base))


def written_report(call: Call[Any, Any], document: dict[str, Any]) -> ReportAnswer | Text:
    """A report in the format that the request asks for."""
    word = call.query.format or accepted(call.request.header("accept") or "")
    if word == JSON:
        return ReportAnswer(**document)
    return Text(FORMATS[word].media_type, FORMATS[word].write(document))
