"""A guided run in which the server misbehaves on order, one thing at a time, and tells whether the client notices.

A run belongs to a conformance session, whose environment is the client's alone. Its first step is a usual login: what a
client does with its tokens is known from that. Each further step makes one fault rule; ``step_on`` judges what came
since, removes the rule and makes the next. Where nothing shows it, the verdict says so, and never that it was noticed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mock_sts.helseid.endpoints import paths_of
from mock_sts.helseid.faults import Match
from mock_sts.helseid.provocations import PROVOCATIONS, Correct, Provocation, Tells
from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.protocol.terms import GrantType
from mock_sts.services.conformance.entries import Entry
from mock_sts.services.conformance.sessions import SessionConflictError, find
from mock_sts.services.control.faults import FaultOrder, NoSuchFaultError, order_fault, remove_fault
from mock_sts.services.environment import Environment
from mock_sts.services.server import Server
from mock_sts.store.database import Database
from mock_sts.store.environments import ConformanceSession, Environments
from mock_sts.store.journal import GRANTED, Filter

NOTICED, NOT_NOTICED, COULD_NOT_TELL = "noticed", "not noticed", "could not tell"

#: The first step of a run, in which nothing is wrong.
USUAL = "usual-login"

#: Entries of one step that are looked at.
_MOST = 1_000

_TOKEN, _USERINFO = paths_of("token")[0], paths_of("userinfo")[0]
_STARTS = (*paths_of("par"), *paths_of("authorize"))
_METADATA = (*paths_of("discovery"), *paths_of("jwks"))


class ProvocationError(ValueError):
    """A run that cannot be; the message says why, ``path`` leads to the member that is wrong."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


class NoProvocationError(LookupError):
    """The session has no run; the message says how one is started."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run, and what came of it: None as long as it is not judged. ``observed`` says what was seen."""

    name: str
    verdict: str | None = None
    observed: str = ""

    @property
    def provocation(self) -> Provocation | None:
        """What goes wrong; None in the first step."""
        return _BY_NAME.get(self.name)


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its steps, which of them is on (None: it is over), the rule of that one, the newest entry of the journal
    when it began, and whether the client uses its tokens here in a usual login, and refreshes them.
    """

    steps: tuple[Step, ...]
    at: int | None
    rule: str
    since: int
    uses: bool = False
    refreshes: bool = False

    def document(self) -> dict[str, Any]:
        """The run, JSON-ready."""
        steps = [{"name": one.name, "verdict": one.verdict, "observed": one.observed} for one in self.steps]
        return {"steps": steps, "at": self.at, "rule": self.rule, "since": self.since, **self.habits}

    @property
    def habits(self) -> dict[str, bool]:
        """What the client does with its tokens in a usual login."""
        return {"uses": self.uses, "refreshes": self.refreshes}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Run":
        """The run that was kept."""
        return cls(**{**kept, "steps": tuple(Step(**one) for one in kept["steps"])})


def start_run(server: Server, session_id: str, names: Sequence[str] | None) -> Run:
    """Begin a run with all provocations that the client can meet, or with those called ``names``.

    Raises UnknownSessionError, SessionConflictError and ProvocationError.
    """
    session, environment = _of(server, session_id)
    _end_rule(environment, _kept(session))
    client = environment.catalog.current().client(session.client_id)
    if client is None:
        raise SessionConflictError(f"the client {session.client_id[:100]!r} is no longer registered")
    chosen = _chosen(client, names)
    run = Run((Step(USUAL), *(Step(one.name) for one in chosen)), 0, "", _newest(environment))
    _keep(server.store, session_id, run)
    return run


def run_of(server: Server, session_id: str) -> Run:
    """The run of a session. Raises UnknownSessionError, SessionConflictError and NoProvocationError."""
    session, _ = _of(server, session_id)
    run = _kept(session)
    if run is None:
        raise NoProvocationError("no provocation runs in this session; POST to the same address starts one")
    return run


def step_on(server: Server, session_id: str) -> Run:
    """Judge the step that is on, and begin the next one. Raises as ``run_of``, and SessionConflictError at the end."""
    run = run_of(server, session_id)
    session, environment = _of(server, session_id)
    if run.at is None:
        raise SessionConflictError("the run is over; POST to its address starts another one")
    entries = _entries(environment, run.since)
    _end_rule(environment, run)
    step = run.steps[run.at]
    judged = _judged(step, entries, run)
    habits = run.habits if step.provocation is not None else _habits(entries)
    steps = (*run.steps[: run.at], judged, *run.steps[run.at + 1 :])
    at = run.at + 1 if run.at + 1 < len(steps) else None
    rule = "" if at is None else _begin(environment, steps[at], session.client_id)
    run = Run(steps, at, rule, _newest(environment), **habits)
    _keep(server.store, session_id, run)
    return run


def end_run(server: Server, session_id: str) -> None:
    """Forget the run, and end its fault. Raises as ``run_of``."""
    run = run_of(server, session_id)
    _, environment = _of(server, session_id)
    _end_rule(environment, run)
    _keep(server.store, session_id, None)


def _chosen(client: Client, names: Sequence[str] | None) -> list[Provocation]:
    can_meet = [one for one in PROVOCATIONS if one.correct is not Correct.CANNOT_SEE and _meets(client, one)]
    if names is None:
        return can_meet
    for name in names:
        if name not in _BY_NAME:
            near = did_you_mean(name, _BY_NAME)
            raise ProvocationError(
                f"only has {name[:60]!r}, which is no provocation; {near or 'these are ' + ', '.join(_BY_NAME)}", "only"
            )
        if _BY_NAME[name] not in can_meet:
            raise ProvocationError(f"only has {name!r}, which this client as it is registered cannot meet", "only")
    return [_BY_NAME[name] for name in names]


def _meets(client: Client, one: Provocation) -> bool:
    logs_in = GrantType.AUTHORIZATION_CODE in client.grant_types
    refreshes = GrantType.REFRESH_TOKEN in client.grant_types
    if one.needs_login and not logs_in:
        return False
    if one.effect.kind == "refresh_token" and not refreshes:
        return False
    return client.dpop_bound_access_tokens or not one.needs_dpop


def _begin(environment: Environment, step: Step, client_id: str) -> str:
    """Make the rule of ``step``; its id."""
    provocation = step.provocation
    if provocation is None:
        return ""
    rule = provocation.rule_for(client_id)
    match = rule.get("match", {})
    made = order_fault(
        environment, FaultOrder(Match(match.get("endpoint"), match.get("client_id")), rule["effect"], rule.get("times"))
    )
    return made.id


def _habits(entries: Sequence[Entry]) -> dict[str, bool]:
    return {"uses": _is_used(entries), "refreshes": any(map(_is_refresh, entries))}


def _judged(step: Step, entries: Sequence[Entry], run: Run) -> Step:
    """``step`` with its verdict."""
    provocation = step.provocation
    if provocation is None:
        uses = _is_used(entries)
        if not _grants(entries):
            return replace(step, verdict=COULD_NOT_TELL, observed="no token request was granted")
        seen = "tokens were used here" if uses else "tokens were not used here, so much of later steps cannot be seen"
        return replace(step, verdict=NOTICED, observed=f"a token request was granted, and {seen}")
    met = next((at for at, entry in enumerate(entries) if _has(entry, run.rule)), None)
    if met is None:
        return replace(step, verdict=COULD_NOT_TELL, observed="the client did not meet it")
    verdict, observed = _verdict(provocation, entries[met], entries[met + 1 :], run)
    return replace(step, verdict=verdict, observed=observed)


def _verdict(provocation: Provocation, entry: Entry, after: Sequence[Entry], run: Run) -> tuple[str, str]:
    """What the entries ``after`` the one that was spoiled tell."""
    in_flow = _until_next_login(after)
    match provocation.tells:
        case Tells.NO_REDEEM:
            redeemed = any(one["endpoint"] == _TOKEN for one in in_flow)
            return (NOT_NOTICED, "the code was redeemed") if redeemed else (NOTICED, "no token request followed")
        case Tells.NO_FLOW:
            went_on = [one for one in _until(after, paths_of("discovery")) if one["endpoint"] not in _METADATA]
            return (NOT_NOTICED, "the client went on by the document") if went_on else (NOTICED, "nothing followed")
        case Tells.NO_USE:
            used = _is_used(_until_token(in_flow))
            return _by_absence("what came with it was used", used=used, usually=run.uses)
        case Tells.NO_REFRESH:
            refreshed = any(map(_is_refresh, in_flow))
            return _by_absence("the tokens were refreshed", used=refreshed, usually=run.refreshes)
        case Tells.USES:
            if _is_used(after):
                return NOTICED, "what came was used"
            return (NOT_NOTICED, "the login went no further") if run.uses else (COULD_NOT_TELL, _UNUSED)
        case Tells.GOES_ON:
            goes_on = bool(_grants((entry, *after)))
            return (
                (NOTICED, "a token request was granted") if goes_on else (NOT_NOTICED, "no token request was granted")
            )
        case Tells.ASKS_AGAIN:
            return _by_repeating(provocation, entry, after)
        case Tells.LOGS_IN_AGAIN:
            return _by_new_login(after)


_UNUSED = "in a usual login the client does no such thing here"


def _by_absence(seen: str, *, used: bool, usually: bool) -> tuple[str, str]:
    """A verdict by what does not happen, which tells something of a client that ``usually`` does it."""
    if used:
        return NOT_NOTICED, seen
    return (NOTICED, "nothing of it was used") if usually else (COULD_NOT_TELL, _UNUSED)


def _by_repeating(provocation: Provocation, entry: Entry, after: Sequence[Entry]) -> tuple[str, str]:
    if any(one["endpoint"] == entry["endpoint"] for one in after):
        return NOTICED, "it was asked again"
    if provocation.correct is Correct.EITHER and not _until_next_login(after):
        return NOTICED, "nothing followed"
    return NOT_NOTICED, "it was not asked again"


def _by_new_login(after: Sequence[Entry]) -> tuple[str, str]:
    first = next((one for one in after if one["endpoint"] in (*_STARTS, _TOKEN)), None)
    if first is None:
        return COULD_NOT_TELL, "nothing followed: was a new login begun?"
    begun = first["endpoint"] in _STARTS
    return (NOTICED, "a new login began") if begun else (NOT_NOTICED, "the refresh was tried again")


def _until(entries: Iterable[Entry], paths: Sequence[str]) -> list[Entry]:
    found = []
    for entry in entries:
        if entry["endpoint"] in paths:
            break
        found.append(entry)
    return found


def _until_next_login(entries: Iterable[Entry]) -> list[Entry]:
    """Those that may belong to the login that was spoiled."""
    return _until(entries, _STARTS)


def _until_token(entries: Iterable[Entry]) -> list[Entry]:
    """Those before other tokens came, which are good; a refresh is a use."""
    found: list[Entry] = []
    for entry in entries:
        found.append(entry)
        if entry["endpoint"] == _TOKEN:
            if not _is_refresh(entry):
                found.pop()
            break
    return found


def _is_used(entries: Iterable[Entry]) -> bool:
    """Whether an access token or a refresh token is used among ``entries``."""
    return any(entry["endpoint"] == _USERINFO or _is_refresh(entry) for entry in entries)


def _is_refresh(entry: Entry) -> bool:
    return entry["endpoint"] == _TOKEN and entry["detail"].get("parameters", {}).get("grant_type") in (
        GrantType.REFRESH_TOKEN,
        [GrantType.REFRESH_TOKEN],
    )


def _grants(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry["endpoint"] == _TOKEN and entry["outcome"] == GRANTED]


def _has(entry: Entry, rule: str) -> bool:
    return any(fault["id"] == rule for fault in entry["faults"])


def _entries(environment: Environment, since: int) -> list[Entry]:
    """The entries of the journal after the one with the id ``since``, the oldest first."""
    return environment.journal.read(Filter(after=since), limit=_MOST)[::-1]


def _newest(environment: Environment) -> int:
    found = environment.journal.read(limit=1)
    return int(found[0]["id"]) if found else 0


def _end_rule(environment: Environment, run: Run | None) -> None:
    if run is not None and run.rule:
        try:
            remove_fault(environment, run.rule)
        except NoSuchFaultError:
            return  # by hand, or by a reset


def _of(server: Server, session_id: str) -> tuple[ConformanceSession, Environment]:
    """The session, which must run, and its environment."""
    record = find(server.store, session_id)
    if record.session is None or record.session.ended_at is not None:
        raise SessionConflictError(f"the conformance session {session_id[:70]} has ended; a reset begins it anew")
    return record.session, server.environment(record.name)


def _kept(session: ConformanceSession) -> Run | None:
    return None if session.provocation is None else Run.read(session.provocation)


def _keep(store: Database, session_id: str, run: Run | None) -> None:
    name = find(store, session_id).name
    with store.writing() as transaction:
        transaction.lock(f"environment:{name}")
        record = find(store, session_id)
        if record.session is None:
            raise AssertionError("the environment has no session")
        session = replace(record.session, provocation=None if run is None else run.document())
        Environments(store).change(transaction, replace(record, session=session))


_BY_NAME: Mapping[str, Provocation] = {one.name: one for one in PROVOCATIONS}
