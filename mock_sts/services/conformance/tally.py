"""What was found, by requirement: how many times met, how many times broken, and what was seen last."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mock_sts.helseid.profile import client as registration
from mock_sts.helseid.profile import conduct, find
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Finding
from mock_sts.services.conformance.entries import Entry
from mock_sts.services.conformance.moments import moments, span_of
from mock_sts.store.catalog import Catalog

#: Chapters that are judged by the registration as it is now, so that old entries do not count.
_NOW = f"{registration.CHAPTER.name}."


@dataclass(slots=True)
class Breach:
    """A requirement that was found broken. ``entry`` is the number of the entry, None for what no single one shows;
    ``at`` is in seconds.
    """

    expected: str
    observed: str
    entry: int | None = None
    at: int | None = None


@dataclass(slots=True)
class Count:
    """What was found of one requirement."""

    met: int = 0
    broken: int = 0
    last: Breach | None = None
    #: Numbers of entries that broke it, the oldest first; the first hundred.
    entries: list[int] = field(default_factory=list)

    def add_breach(self, breach: Breach) -> None:
        """Count ``breach``, which is the newest."""
        self.broken += 1
        self.last = breach
        if breach.entry is not None and len(self.entries) < _MOST_ENTRIES:
            self.entries.append(breach.entry)


_MOST_ENTRIES = 100


class Tally:
    """Counts by the id of a requirement."""

    def __init__(self) -> None:
        self.counts: dict[str, Count] = {}

    def __getitem__(self, requirement_id: str) -> Count:
        return self.counts.setdefault(requirement_id, Count())

    def add(self, findings: Iterable[Finding], entry: Entry | None = None) -> None:
        """Count findings, of one entry or of none."""
        for finding in findings:
            count = self[finding.requirement.id]
            if finding.verdict.met:
                count.met += 1
            elif not finding.verdict.step:
                seen = (entry["id"], entry["at"]) if entry is not None else (None, None)
                count.add_breach(Breach(finding.verdict.expected, finding.verdict.observed, *seen))

    def add_entry(self, entry: Entry) -> None:
        """Count what the journal has of an entry."""
        for requirement_id in entry["findings"]["met"]:
            if not requirement_id.startswith(_NOW):
                self[requirement_id].met += 1
        for one in entry["findings"]["broken"]:
            if not one.get("step") and not one["rule"].startswith(_NOW) and find(one["rule"]) is not None:
                self[one["rule"]].add_breach(_read(one, entry))


def _read(found: dict[str, Any], entry: Entry) -> Breach:
    return Breach(found.get("expected", ""), found.get("observed", ""), entry["id"], entry["at"])


def tally_of(catalog: Catalog, client: Client, entries: tuple[Entry, ...], *, in_session: bool) -> Tally:
    """What ``entries`` of ``client`` show, each and together, and its registration."""
    tally = Tally()
    for entry, moment in moments(entries):
        tally.add_entry(entry)
        tally.add(conduct.CHAPTER.judge(moment), entry)
    tally.add(conduct.SPAN_CHAPTER.judge(span_of(entries, in_session=in_session)))
    others = tuple(other for name in catalog.key_sharers(client) if (other := catalog.client(name)) is not None)
    tally.add(registration.CHAPTER.judge(registration.Registration(client, others)))
    return tally
