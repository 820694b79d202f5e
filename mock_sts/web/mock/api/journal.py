"""The journal: every request with its answer and what was found in it."""

import re
from typing import Any

from mock_sts.helseid.endpoints import SHORT_WORDS, paths_of
from mock_sts.helseid.profile import CHAPTERS, find
from mock_sts.protocol.near_names import near_names
from mock_sts.services.handles import FLOW_LENGTH
from mock_sts.services.registry.lookup import NotFoundError, the_persona
from mock_sts.store.journal import CHALLENGED, ERROR_ID_LENGTH, FAULTED, GRANTED, REFUSED, Filter
from mock_sts.web.mock.api.operations import Call, Resource, bad_parameter, second_of
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource("journal", "Every request with its answer, what was found in it, and the rules that it broke.")

_ENTRY = {
    "type": "object",
    "required": ["id", "at", "endpoint", "client_id", "outcome", "error", "rule", "findings", "detail", "faults"],
    "properties": {
        "id": {"type": "integer"},
        "at": {"type": "integer", "description": "When, in seconds of the real clock"},
        "endpoint": {"type": "string"},
        "client_id": {"type": ["string", "null"]},
        "outcome": {"type": "string", "enum": [GRANTED, REFUSED, CHALLENGED, FAULTED]},
        "error": {"type": ["string", "null"]},
        "rule": {"type": ["string", "null"], "description": "The rule for which the request was refused"},
        "findings": {"type": "object"},
        "detail": {"type": "object"},
        "flow": {"type": ["string", "null"], "description": "The login, or token without one, that it belongs to"},
        "sid": {"type": ["string", "null"], "description": "The session"},
        "pid": {"type": ["string", "null"], "description": "Who logged in"},
        "micros": {"type": ["integer", "null"], "description": "Microseconds until it was decided"},
        "faults": {
            "type": "array",
            "description": "The effects of fault rules on the request: with some, it says little of its client",
            "items": {
                "type": "object",
                "required": ["id", "effect"],
                "properties": {"id": {"type": "string"}, "effect": {"type": "string"}},
            },
        },
    },
}


@shape("the query")
class JournalQuery:
    """Which entries are asked for."""

    limit: int = member("How many entries at most", default=100, low=1, high=1000)
    before: int | None = member("What `next_before` of the page before says", default=None, low=1, high=2**62)
    client_id: str | None = member("Those of this client", default=None, longest=100_000)
    outcome: str | None = member("Those that ended so", default=None, choices=(GRANTED, REFUSED, CHALLENGED, FAULTED))
    rule: str | None = member("Those that this rule decided", default=None, longest=100_000)
    broken: str | None = member("Those that broke this rule, whatever decided", default=None, longest=100_000)
    error: str | None = member("Those that ended in this error code", default=None, longest=100_000)
    endpoint: str | None = member(
        f"Those of this endpoint: a path, or one of {', '.join(SHORT_WORDS)}", default=None, longest=100_000
    )
    flow: str | None = member("Those of this flow: one login with all that came of it", default=None, longest=100_000)
    persona: str | None = member("Those about this person: a pid or a name", default=None, longest=100_000)
    faulted: bool | None = member("Those that a fault rule has touched, or the others", default=None)
    since: str | None = member("Those from then on: an ISO 8601 time, such as 2027-01-01T00:00:00Z", default=None)
    until: str | None = member("Those until then", default=None)
    after: int | None = member("Those with a larger id", default=None, low=0, high=2**62)
    error_id: str | None = member("The one whose id an error page shows", default=None, longest=100_000)


@shape("the answer")
class JournalPage:
    """A page of entries, the newest first."""

    entries: tuple[Any, ...] = member(
        "The entries that fit, the newest first", schema={"type": "array", "items": _ENTRY}
    )
    next_before: int | None = member("Give it as `before` to get the page after this one; null: there may be no more")


@RESOURCE.operation(
    "GET",
    "/journal",
    "The entries that fit, the newest first",
    query=JournalQuery,
    answer=JournalPage,
    caller="you and your tests",
)
def journal(call: Call[None, JournalQuery]) -> JournalPage:
    """Read them."""
    query = call.query
    entries = call.environment.journal.read(_filter(call), limit=query.limit, before=query.before)
    more = entries[-1]["id"] if entries and entries[-1]["id"] > 1 else None
    return JournalPage(entries=tuple(entries), next_before=more)


def _filter(call: Call[None, JournalQuery]) -> Filter:
    query = call.query
    _check_rule(query.rule, "rule")
    _check_rule(query.broken, "broken")
    if query.error_id is not None and not re.fullmatch(f"[0-9a-f]{{{ERROR_ID_LENGTH}}}", query.error_id):
        raise bad_parameter(
            "error_id", f"error_id must be the id that an error page shows: {ERROR_ID_LENGTH} hexadecimal digits"
        )
    if query.flow is not None and not re.fullmatch(f"[0-9A-Fa-f]{{{FLOW_LENGTH}}}", query.flow):
        raise bad_parameter("flow", f"flow must be the id of a flow: {FLOW_LENGTH} hexadecimal digits")
    endpoints = paths_of(query.endpoint) if query.endpoint is not None else None
    if endpoints == ():
        raise bad_parameter(
            "endpoint",
            f"no endpoint is called {(query.endpoint or '')[:60]!r}; write a path, or one of {', '.join(SHORT_WORDS)}",
        )
    since, until = second_of(query.since, "since"), second_of(query.until, "until")
    if since is not None and until is not None and until < since:
        raise bad_parameter("until", f"until is {query.until!r}, before since, which is {query.since!r}")
    return Filter(
        client_id=query.client_id,
        endpoints=endpoints,
        outcome=query.outcome,
        error=query.error,
        rule=query.rule,
        broken=query.broken,
        flow=query.flow.upper() if query.flow is not None else None,
        pid=_pid(call, query.persona),
        error_id=query.error_id,
        faulted=query.faulted,
        since=since,
        until=until,
        after=query.after,
    )


def _pid(call: Call[None, JournalQuery], key: str | None) -> str | None:
    if key is None:
        return None
    try:
        return the_persona(call.environment.registry, key, invent=True).item.pid
    except NotFoundError as error:
        raise bad_parameter("persona", str(error)) from None


def _check_rule(text: str | None, name: str) -> None:
    if text is None or find(text) is not None:
        return
    known = [requirement.id for chapter in CHAPTERS for requirement in chapter.requirements]
    near = near_names(text, known)
    found = f"near are {', '.join(near)}" if near else "none is near"
    raise bad_parameter(name, f"no rule has the id {text[:100]!r}; {found}")
