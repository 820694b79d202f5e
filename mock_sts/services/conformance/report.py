"""The report on a client: each check with what was found, from the registration and from entries of the journal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mock_sts.helseid.conformance import CHECKS
from mock_sts.helseid.conformance.check import NONE, Both, Check
from mock_sts.helseid.profile import find
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Level, Requirement
from mock_sts.services.conformance.departures import Departure
from mock_sts.services.conformance.entries import Read, Span, read_entries
from mock_sts.services.conformance.moments import span_of
from mock_sts.services.conformance.tally import Count, Tally, tally_of
from mock_sts.services.environment import Environment
from mock_sts.store.catalog import Catalog


class UnknownClientError(LookupError):
    """No client has this id; the message says so."""


class Status(StrEnum):
    """What became of a check, or of a requirement."""

    MET = "met"
    BROKEN = "broken"
    ACCEPTED = "accepted"
    NEVER_EXERCISED = "never-exercised"
    NOT_APPLICABLE = "not-applicable"
    CANNOT_TELL = "cannot-tell"
    NOT_VISIBLE = "not-visible"


class Conclusion(StrEnum):
    """What a report says as a whole, the worst first."""

    BROKEN = "broken"
    INCOMPLETE = "incomplete"
    NOT_ALL_SEEN = "not-all-seen"
    MET = "met"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A requirement under a check."""

    requirement: "Requirement[object]"
    status: Status
    count: Count
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check with what was found. ``level`` is that of the worst breach; ``why`` says, in both languages, why there is
    no verdict, and what to do.
    """

    check: Check
    status: Status
    level: Level | None
    rules: tuple[RuleResult, ...]
    why: Both = NONE
    reason: str = ""

    @property
    def met(self) -> int:
        """How many times its requirements were met."""
        return sum(rule.count.met for rule in self.rules)

    @property
    def broken(self) -> int:
        """How many times they were broken."""
        return sum(rule.count.broken for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Report:
    """The report on one client. Times are in seconds of the real clock; ``clock_ahead`` is how far the client's clock
    is ahead, None where no assertion tells. ``session`` is the id of a conformance session, or None.
    """

    client: Client
    judged_at: int
    span: Span
    read: Read
    checks: tuple[CheckResult, ...]
    clock_ahead: float | None
    session: str | None = None
    departures: tuple[Departure, ...] = field(default=())

    @property
    def conclusion(self) -> Conclusion:
        """What it says as a whole. Nothing is met by absence: a journal that has lost entries cannot say so."""
        if self.count(Status.BROKEN, Level.MUST):
            return Conclusion.BROKEN
        if self.read.trimmed:
            return Conclusion.INCOMPLETE
        if self.count(Status.NEVER_EXERCISED) or self.count(Status.CANNOT_TELL) or not self.read.entries:
            return Conclusion.NOT_ALL_SEEN
        return Conclusion.MET

    def count(self, status: Status, level: Level | None = None) -> int:
        """How many checks have ``status``, and where one is given, ``level``."""
        return sum(one.status is status and level in (None, one.level) for one in self.checks)

    @property
    def unused_departures(self) -> tuple[Departure, ...]:
        """Those that accept what was not broken."""
        used = {one.check.id for one in self.checks if one.status is Status.ACCEPTED}
        used |= {rule.requirement.id for one in self.checks for rule in one.rules if rule.status is Status.ACCEPTED}
        return tuple(one for one in self.departures if one.of not in used)


def report_on(
    environment: Environment,
    catalog: Catalog,
    client_id: str,
    span: Span = Span(),  # noqa: B008
    departures: tuple[Departure, ...] = (),
    session: str | None = None,
) -> Report:
    """The report on ``client_id``, over its entries in ``span``. That of the environment's own session is found without
    its id. Raises UnknownClientError.
    """
    client = catalog.client(client_id)
    if client is None:
        raise UnknownClientError(f"no client is registered here with the client_id {client_id[:100]!r}")
    read = read_entries(environment, client_id, span)
    if session is None and environment.session is not None and environment.session.client_id == client_id:
        session = environment.session.id
    in_session = session is not None
    tally = tally_of(catalog, client, read.entries, in_session=in_session)
    reasons = {one.of: one.reason for one in departures}
    return Report(
        client=client,
        judged_at=environment.clock.times().wall,
        span=span,
        read=read,
        checks=tuple(_judge(check, client, tally, reasons, in_session=in_session) for check in CHECKS),
        clock_ahead=span_of(read.entries, in_session=in_session).drift,
        session=session,
        departures=departures,
    )


def _judge(check: Check, client: Client, tally: Tally, reasons: Mapping[str, str], *, in_session: bool) -> CheckResult:
    concerned = check.concerns.holds(client)
    if not check.visible:
        status = Status.NOT_VISIBLE if concerned else Status.NOT_APPLICABLE
        return CheckResult(check, status, None, (), check.advice if concerned else check.concerns.why_not)
    rules = tuple(_rule(rule, tally, reasons) for rule in check.linked)
    broken = [rule for rule in rules if rule.status is Status.BROKEN]
    accepted = [rule for rule in rules if rule.status is Status.ACCEPTED]
    own_reason = reasons.get(check.id, "")
    if broken:
        level = _worst(rule.requirement for rule in broken)
        return CheckResult(check, Status.ACCEPTED if own_reason else Status.BROKEN, level, rules, reason=own_reason)
    if accepted:
        level = _worst(rule.requirement for rule in accepted)
        return CheckResult(check, Status.ACCEPTED, level, rules, reason=own_reason or accepted[0].reason)
    needed = [bool(rule.count.met) for rule in rules[: len(check.rules)]]
    seen = any(rule.count.met for rule in rules)
    if seen and (any(needed) if check.either else all(needed)):
        return CheckResult(check, Status.MET, None, rules)
    if not concerned and not any(needed):
        return CheckResult(check, Status.NOT_APPLICABLE, None, rules, check.concerns.why_not)
    if check.in_session and not in_session:
        return CheckResult(check, Status.CANNOT_TELL, None, rules, check.advice)
    return CheckResult(check, Status.NEVER_EXERCISED, None, rules, check.advice)


def _rule(requirement_id: str, tally: Tally, reasons: Mapping[str, str]) -> RuleResult:
    requirement = find(requirement_id)
    if requirement is None:
        raise AssertionError(f"a check names {requirement_id}, which is no requirement")
    count = tally.counts.get(requirement_id) or Count()
    reason = reasons.get(requirement_id, "")
    if count.broken:
        return RuleResult(requirement, Status.ACCEPTED if reason else Status.BROKEN, count, reason)
    return RuleResult(requirement, Status.MET if count.met else Status.NEVER_EXERCISED, count)


def _worst(requirements: "Iterable[Requirement[object]]") -> Level:
    levels = {requirement.level for requirement in requirements}
    return Level.MUST if Level.MUST in levels else Level.SHOULD
