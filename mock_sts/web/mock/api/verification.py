"""Expectations of a test on what an application sent."""

from collections.abc import Callable, Sequence
from dataclasses import fields

from mock_sts.helseid.endpoints import SHORT_WORDS, paths_of
from mock_sts.protocol.durations import read_time
from mock_sts.services.control.verification import (
    LEVELS,
    OUTCOMES,
    PLAIN,
    Calls,
    Entry,
    ExpectationError,
    Result,
    called,
    check_calls,
    logged_in,
    none_broken,
    same_proof_key,
)
from mock_sts.services.registry.lookup import NotFoundError, the_persona
from mock_sts.store.journal import Filter
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource("verify", "Whether an application sent what a test expects of it, by the journal.")

#: Entries that are read at most: as many as a journal of the usual size keeps.
_MOST = 10_000

_ENDPOINT = f"a path, or one of {', '.join(SHORT_WORDS)}"


@shape("an expectation")
class Expectation:
    """One thing that is expected: exactly one of the first seven members, and of the others those that go with it."""

    called: str | None = member(f"There were requests at this endpoint: {_ENDPOINT}", default=None, nullable=False)
    nonce_retried: bool | None = member("Each nonce challenge was answered by a new request", default=None)
    pushed: bool | None = member("Each login began with a pushed request", default=None)
    newest_refresh_token: bool | None = member("Each refresh used the newest refresh token", default=None)
    same_proof_key: tuple[str, ...] | None = member(
        "The proofs at these endpoints were made with one key in each login", default=None
    )
    none_broken: str | None = member(
        "No requirement of this level was broken; of a should: nor a must", default=None, choices=tuple(LEVELS)
    )
    logged_in: str | None = member("This person has logged in: a pid or a name", default=None, nullable=False)
    times: int | None = member("So many requests exactly", default=None, low=0, high=1_000_000)
    at_least: int | None = member("So many or more", default=None, low=0, high=1_000_000)
    at_most: int | None = member("So many or fewer", default=None, low=0, high=1_000_000)
    outcome: str | None = member("Those that ended so", default=None, choices=OUTCOMES)
    error: str | None = member("Those that ended in this error code", default=None)
    rule: str | None = member("Those that this rule decided", default=None)
    grant_type: str | None = member("Token requests with this grant type", default=None)


@shape("the order")
class VerifyOrder:
    """What is held against the journal."""

    expect: tuple[Expectation, ...] = member("What is expected")
    client_id: str | None = member("The client whose requests count; unset: all", default=None)
    flow: str | None = member("The flow whose requests count; unset: all", default=None)
    since: str | None = member("Requests from then on count: an ISO 8601 time", default=None)
    after: int | None = member("Entries with a larger id count", default=None, low=0, high=2**53 - 1)


@shape("a result")
class ExpectationResult:
    """How one expectation fared."""

    met: bool = member("Whether it holds")
    says: str = member("What was expected and what was seen")
    entries: tuple[int, ...] = member("The entries of the journal that show it, 20 at most")


@shape("the answer")
class Verdict:
    """How all expectations fared."""

    met: bool = member("Whether all hold")
    results: tuple[ExpectationResult, ...] = member("One for each expectation, in their order")


_KINDS = ("called", *PLAIN, "same_proof_key", "none_broken", "logged_in")
_OF_CALLS = tuple(one.name for one in fields(Calls) if one.name != "endpoint")


@RESOURCE.operation(
    "POST",
    "/verify",
    "Hold expectations against the journal",
    description="Answers 200 whether they hold or not, and `met` says which.",
    body=VerifyOrder,
    answer=Verdict,
    problems=(BAD_MEMBER,),
    raises={ExpectationError: BAD_MEMBER},
    caller="you and your tests",
)
def verify(call: Call[VerifyOrder, None]) -> Verdict:
    """Read the journal once, and hold each expectation against it."""
    order = call.body
    try:
        since = read_time(order.since) if order.since is not None else None
    except ValueError as error:
        raise ExpectationError(f"since is {(order.since or '')[:60]!r}, but must be {error}", "since") from None
    checks = [_check(call, one, position) for position, one in enumerate(order.expect)]
    wanted = Filter(
        client_id=order.client_id,
        flow=order.flow.upper() if order.flow is not None else None,
        since=since,
        after=order.after,
    )
    entries = call.environment.journal.read(wanted, limit=_MOST)[::-1]
    results = [check(entries) for check in checks]
    return Verdict(
        met=all(result.met for result in results),
        results=tuple(ExpectationResult(met=one.met, says=one.says, entries=one.entries) for one in results),
    )


def _check(call: Call[VerifyOrder, None], wanted: Expectation, position: int) -> Callable[[Sequence[Entry]], Result]:
    """What holds ``wanted`` against entries. Raises ExpectationError."""
    kinds = [kind for kind in _KINDS if getattr(wanted, kind) is not None]
    at = ("expect", position)
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "has none"
        raise ExpectationError(f"an expectation has exactly one of {', '.join(_KINDS)}; this one {found}", *at)
    (kind,) = kinds
    beside = {name: value for name in _OF_CALLS if (value := getattr(wanted, name)) is not None}
    if beside and kind != "called":
        raise ExpectationError(f"{', '.join(beside)} goes with called, not with {kind}", *at, next(iter(beside)))
    if kind in PLAIN:
        if getattr(wanted, kind) is not True:
            raise ExpectationError(f"{kind} is true, or left out", *at, kind)
        return PLAIN[kind]
    if kind == "called":
        return _calls(call, Calls(endpoint=wanted.called or "", **beside), at)
    if kind == "none_broken":
        levels = LEVELS[wanted.none_broken or "must"]
        return lambda entries: none_broken(levels, entries)
    if kind == "same_proof_key":
        return _proof_keys(wanted.same_proof_key or (), at)
    return _person(call, wanted.logged_in or "", at)


def _calls(call: Call[VerifyOrder, None], calls: Calls, at: tuple[str, int]) -> Callable[[Sequence[Entry]], Result]:
    try:
        check_calls(calls)
    except ExpectationError as error:
        raise ExpectationError(str(error), *at, *error.path) from None
    return lambda entries: called(calls, entries, fetches_known=call.environment.session is not None)


def _proof_keys(endpoints: tuple[str, ...], at: tuple[str, int]) -> Callable[[Sequence[Entry]], Result]:
    for endpoint in endpoints:
        if not paths_of(endpoint):
            raise ExpectationError(f"{endpoint[:60]!r} is no endpoint; write {_ENDPOINT}", *at, "same_proof_key")
    if not endpoints:
        raise ExpectationError("same_proof_key names the endpoints, such as token and userinfo", *at, "same_proof_key")
    return lambda entries: same_proof_key(endpoints, entries)


def _person(call: Call[VerifyOrder, None], key: str, at: tuple[str, int]) -> Callable[[Sequence[Entry]], Result]:
    try:
        pid = the_persona(call.environment.registry, key, invent=True).item.pid
    except NotFoundError as error:
        raise ExpectationError(str(error), *at, "logged_in") from None
    return lambda entries: logged_in(pid, key, entries)
