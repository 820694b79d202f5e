"""The entries of the journal that a report is made of: those of one client, of a span of time, without faulted ones."""

from typing import Any, NamedTuple, TypeAlias

from mock_sts.services.environment import Environment
from mock_sts.store.journal import Filter
from mock_sts.values import value_type

#: An entry as the journal reads it.
Entry: TypeAlias = dict[str, Any]

#: Entries read at once.
_PAGE = 1_000


class Span(NamedTuple):
    """From when to when, in seconds of the real clock; None: from the beginning, and until now."""

    since: int | None = None
    until: int | None = None


@value_type
class Read:
    """The entries of a client, the oldest first.

    ``faulted`` is how many were left out because this server spoiled them on order. ``trimmed`` says that the journal
    has dropped older entries, so that what is not here may have been there.
    """

    entries: tuple[Entry, ...]
    faulted: int
    trimmed: bool


def read_entries(environment: Environment, client_id: str, span: Span) -> Read:
    """The entries of ``client_id`` in ``span``."""
    found: list[Entry] = []
    before = None
    wanted = Filter(client_id=client_id, since=span.since, until=span.until)
    while True:
        page = environment.journal.read(wanted, limit=_PAGE, before=before)
        found += page
        if len(page) < _PAGE:
            break
        before = page[-1]["id"]
    in_time = found[::-1]
    kept = tuple(one for one in in_time if not is_faulted(one))
    return Read(kept, len(in_time) - len(kept), _is_trimmed(environment, span))


def is_faulted(entry: Entry) -> bool:
    """Whether this server spoiled the request or its answer because a test ordered that."""
    return bool(entry.get("faults") or entry["detail"].get("faults"))


def _is_trimmed(environment: Environment, span: Span) -> bool:
    """Whether entries of the span may be gone: the journal is full, and its oldest entry is younger than the span."""
    count, oldest = environment.journal.extent()
    if count < environment.policy.journal_size:
        return False
    return span.since is None or oldest is None or oldest >= span.since
