"""A report as a document: JSON-ready, with stable ids. What is written for people and for forges is made of that."""

from collections.abc import Mapping
from typing import Any

from mock_sts.helseid.conformance import PROFILE_DATE, PROFILE_TEXT
from mock_sts.helseid.requirement import Level
from mock_sts.protocol.durations import write_time
from mock_sts.protocol.private_keys import without_private_text
from mock_sts.services.conformance.report import CheckResult, Report, RuleResult, Status

#: What every report says of itself.
DISCLAIMER = (
    "En rapport fra en emulator. Den erstatter verken Samsvarstesting eller kodegjennomgangen hos Norsk helsenett.",
    "A report of an emulator. It replaces neither Samsvarstesting nor the code review of Norsk Helsenett.",
)


def document_of(report: Report, base: str) -> dict[str, Any]:
    """The document of ``report``; ``base`` is the address below which the journal's pages lie."""
    entries = report.read.entries
    return {
        "client_id": report.client.client_id,
        "client_name": report.client.client_name,
        "session": report.session,
        "judged_at": _time(report.judged_at),
        "since": _time(report.span.since),
        "until": _time(report.span.until),
        "profile": {"text": PROFILE_TEXT, "date": PROFILE_DATE},
        "disclaimer": DISCLAIMER[1],
        "conclusion": report.conclusion.value,
        "summary": _summary(report),
        "journal": {
            "entries": len(entries),
            "first": entries[0]["id"] if entries else None,
            "last": entries[-1]["id"] if entries else None,
            "faulted": report.read.faulted,
            "trimmed": report.read.trimmed,
        },
        "clock_ahead": report.clock_ahead,
        "checks": [_check(one, base) for one in report.checks],
        "unused_departures": [one.of for one in report.unused_departures],
    }


def _summary(report: Report) -> dict[str, int]:
    return {
        "met": report.count(Status.MET),
        "broken_musts": report.count(Status.BROKEN, Level.MUST),
        "broken_shoulds": report.count(Status.BROKEN, Level.SHOULD),
        "accepted": report.count(Status.ACCEPTED),
        "never_exercised": report.count(Status.NEVER_EXERCISED),
        "not_applicable": report.count(Status.NOT_APPLICABLE),
        "cannot_tell": report.count(Status.CANNOT_TELL),
        "not_visible": report.count(Status.NOT_VISIBLE),
    }


def _check(result: CheckResult, base: str) -> dict[str, Any]:
    check = result.check
    shown = [
        rule
        for number, rule in enumerate(result.rules)
        if number < len(check.rules) or rule.count.met or rule.count.broken
    ]
    return {
        "id": check.id,
        "title": check.title[1],
        "title_nb": check.title[0],
        "source": check.source,
        "status": result.status.value,
        "level": result.level.value if result.level is not None else None,
        "met": result.met,
        "broken": result.broken,
        "why": result.why[1],
        "why_nb": result.why[0],
        "reason": result.reason,
        "rules": [_rule(rule, base) for rule in shown],
    }


def _rule(result: RuleResult, base: str) -> dict[str, Any]:
    requirement, count, last = result.requirement, result.count, result.count.last
    entry = last.entry if last is not None else None
    return {
        "id": requirement.id,
        "title": requirement.title,
        "level": requirement.level.value,
        "status": result.status.value,
        "met": count.met,
        "broken": count.broken,
        "expected": without_private_text(last.expected) if last is not None else "",
        "observed": without_private_text(last.observed) if last is not None else "",
        "last_seen": _time(last.at) if last is not None else None,
        "entry": entry,
        "entries": count.entries,
        "url": f"{base}/mock/journal/{entry}" if entry is not None else None,
        "remedy": requirement.remedy,
        "source": requirement.source,
        "reason": result.reason,
    }


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else write_time(seconds)


#: What a run fails on, each with all that the ones before it fail on.
FAIL_ON = ("must", "should", "never-exercised")


def failures(document: Mapping[str, Any], fail_on: str) -> list[str]:
    """Why a run over ``document`` fails by ``fail_on``, a sentence for each reason; none: it does not."""
    summary, found = document["summary"], []
    if summary["broken_musts"]:
        found.append(f"{summary['broken_musts']} checks are broken")
    if document["journal"]["trimmed"]:
        found.append(
            "the journal has dropped older entries, so what is not there may have been: raise MOCK_STS_JOURNAL_SIZE, "
            "or judge a shorter span"
        )
    if not document["journal"]["entries"]:
        found.append("the journal has no request of this client, so nothing was judged")
    if fail_on != "must" and summary["broken_shoulds"]:
        found.append(f"{summary['broken_shoulds']} recommended checks are broken")
    if fail_on == "never-exercised" and (unseen := summary["never_exercised"] + summary["cannot_tell"]):
        found.append(f"{unseen} checks were never exercised")
    return found
