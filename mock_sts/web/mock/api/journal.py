"""The journal: every request with its answer and what was found in it."""

import re
from typing import Any

from mock_sts.helseid.profile import CHAPTERS, find
from mock_sts.protocol.near_names import near_names
from mock_sts.store.journal import CHALLENGED, ERROR_ID_LENGTH, FAULTED, GRANTED, REFUSED
from mock_sts.web.mock.api.operations import Call, Resource, bad_parameter
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
    rule: str | None = member("Those that broke this rule", default=None, longest=100_000)
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
    _check_rule(query.rule)
    if query.error_id is not None and not re.fullmatch(f"[0-9a-f]{{{ERROR_ID_LENGTH}}}", query.error_id):
        raise bad_parameter(
            "error_id", f"error_id must be the id that an error page shows: {ERROR_ID_LENGTH} hexadecimal digits"
        )
    entries = call.environment.journal.read(
        limit=query.limit,
        before=query.before,
        client_id=query.client_id,
        outcome=query.outcome,
        rule=query.rule,
        error_id=query.error_id,
    )
    more = entries[-1]["id"] if entries and entries[-1]["id"] > 1 else None
    return JournalPage(entries=tuple(entries), next_before=more)


def _check_rule(text: str | None) -> None:
    if text is None or find(text) is not None:
        return
    known = [requirement.id for chapter in CHAPTERS for requirement in chapter.requirements]
    near = near_names(text, known)
    found = f"near are {', '.join(near)}" if near else "none is near"
    raise bad_parameter("rule", f"no rule has the id {text[:100]!r}; {found}")
