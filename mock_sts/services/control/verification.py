"""Expectations of a test on what an application sent, held against the journal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from mock_sts.helseid.endpoints import SHORT_WORDS, Endpoint, paths_of
from mock_sts.protocol.jose import JoseError, import_public_key
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.protocol.terms import GrantType
from mock_sts.services.conformance.entries import is_faulted
from mock_sts.services.conformance.moments import FETCHED, REFRESH_TOKEN
from mock_sts.store.journal import CHALLENGED, GRANTED, REFUSED
from mock_sts.values import value_type

#: An entry as the journal reads it.
Entry: TypeAlias = dict[str, Any]

#: Most entries that a result names.
_MOST_NAMED = 20


class ExpectationError(ValueError):
    """An expectation that cannot be held against anything; ``path`` leads to the member that is wrong."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


@value_type
class Calls:
    """So many requests: ``endpoint`` is a short word or a path; what is None does not matter. ``times`` is the number
    exactly, ``at_least`` and ``at_most`` bound it; with none of the three there is one at least.
    """

    endpoint: str
    outcome: str | None = None
    error: str | None = None
    rule: str | None = None
    grant_type: str | None = None
    times: int | None = None
    at_least: int | None = None
    at_most: int | None = None


@value_type
class Result:
    """Whether an expectation holds, in a sentence what was seen, and the entries that show it."""

    met: bool
    says: str
    entries: tuple[int, ...]


def check_calls(calls: Calls) -> None:
    """Raises ExpectationError for what can never hold, or names what is not there."""
    if not paths_of(calls.endpoint):
        near = did_you_mean(calls.endpoint, list(SHORT_WORDS))
        raise ExpectationError(
            f"called is {calls.endpoint[:60]!r}, which is no endpoint; {near}{near and ' '}write a path, or one of "
            f"{', '.join(SHORT_WORDS)}",
            "called",
        )
    if calls.times is not None and (calls.at_least is not None or calls.at_most is not None):
        raise ExpectationError("times is the number exactly; leave at_least and at_most out beside it", "times")
    if calls.at_least is not None and calls.at_most is not None and calls.at_least > calls.at_most:
        raise ExpectationError(f"at_least is {calls.at_least}, more than at_most, {calls.at_most}", "at_least")


def called(calls: Calls, entries: Sequence[Entry], *, fetches_known: bool) -> Result:
    """Whether there were so many requests. A nonce challenge that was answered by a new request counts as one with it,
    unless ``outcome`` asks for challenges.

    ``fetches_known`` says that the entries hold what was fetched from discovery and JWKS: those requests name no
    client, so they belong to one in a conformance session alone.
    """
    paths = paths_of(calls.endpoint)
    if not fetches_known and any(path in FETCHED for path in paths):
        return Result(
            False,
            f"Cannot tell: a request at {calls.endpoint} names no client, so the journal has it in a conformance "
            "session alone; begin one for the client, and verify below its authority",
            (),
        )
    found = [entry for entry in entries if entry["endpoint"] in paths and _fits(calls, entry)]
    low = calls.times if calls.times is not None else calls.at_least
    high = calls.times if calls.times is not None else calls.at_most
    low = 1 if low is None and high is None else low
    met = (low is None or len(found) >= low) and (high is None or len(found) <= high)
    seen = f"{_requests(len(found))}{_besides(calls, entries, paths)}"
    return Result(met, f"Expected: {_amount(low, high)}. Seen: {seen}", _ids(found))


def _fits(calls: Calls, entry: Entry) -> bool:
    if calls.outcome is None and entry["outcome"] == CHALLENGED and calls.error is None:
        return False
    wanted = {"outcome": calls.outcome, "error": calls.error, "rule": calls.rule}
    if any(value is not None and entry[name] != value for name, value in wanted.items()):
        return False
    return calls.grant_type is None or _grant_type(entry) == calls.grant_type


def _besides(calls: Calls, entries: Sequence[Entry], paths: Sequence[str]) -> str:
    """What else there was at the endpoint, for a reader who wonders why the number is another."""
    others = [entry for entry in entries if entry["endpoint"] in paths and not _fits(calls, entry)]
    kinds: dict[str, int] = {}
    for entry in others:
        kind = entry["rule"] or entry["error"] or entry["outcome"]
        kinds[kind] = kinds.get(kind, 0) + 1
    listed = ", ".join(f"{count} {kind}" for kind, count in list(kinds.items())[:5])
    return f"; not counted: {listed}" if listed else ""


def nonce_retried(entries: Sequence[Entry]) -> Result:
    """Whether each nonce challenge was followed by a request at the same endpoint that met it."""
    challenges = [entry for entry in entries if entry["outcome"] == CHALLENGED]
    left = [
        entry
        for entry in challenges
        if not any(
            later["id"] > entry["id"] and later["endpoint"] == entry["endpoint"] and later["outcome"] != CHALLENGED
            for later in entries
        )
    ]
    if not challenges:
        return Result(False, "No request was challenged for a nonce, so none shows whether the client retries", ())
    return Result(
        not left,
        f"{_requests(len(challenges))} met a challenge, {len(left)} of them without a retry after it",
        _ids(left or challenges),
    )


def pushed(entries: Sequence[Entry]) -> Result:
    """Whether every login began with a pushed request."""
    authorize = [entry for entry in entries if entry["endpoint"] in SHORT_WORDS["authorize"]]
    flows = {entry["flow"] for entry in entries if entry["endpoint"] == Endpoint.PAR and entry["outcome"] == GRANTED}
    left = [entry for entry in authorize if entry["flow"] is None or entry["flow"] not in flows]
    if not authorize:
        return Result(False, "No request came to the authorize endpoint", ())
    return Result(
        not left,
        f"{_requests(len(authorize))} at the authorize endpoint, {len(left)} of them not pushed before",
        _ids(left or authorize),
    )


def same_proof_key(endpoints: Sequence[str], entries: Sequence[Entry]) -> Result:
    """Whether the proofs at ``endpoints`` were made with one key in each flow."""
    paths = {path for endpoint in endpoints for path in paths_of(endpoint)}
    keys: dict[str | None, dict[str, list[Entry]]] = {}
    for entry in entries:
        thumbprint = _thumbprint(entry) if entry["endpoint"] in paths else None
        if thumbprint is not None:
            keys.setdefault(entry["flow"], {}).setdefault(thumbprint, []).append(entry)
    seen = [entry for of_flow in keys.values() for found in of_flow.values() for entry in found]
    left = [found[0] for of_flow in keys.values() if len(of_flow) > 1 for found in of_flow.values()]
    if not seen:
        return Result(False, f"No proof was seen at {', '.join(endpoints)}", ())
    return Result(
        not left,
        f"{len(seen)} proofs at {', '.join(endpoints)}, " + ("several keys in one flow" if left else "one key in each"),
        _ids(left or seen),
    )


def newest_refresh_token(entries: Sequence[Entry]) -> Result:
    """Whether each refresh used the refresh token of the newest answer in its flow."""
    newest: dict[str | None, str] = {}
    refreshes, left = [], []
    for entry in entries:
        token = entry["detail"].get(REFRESH_TOKEN)
        if not isinstance(token, Mapping):
            continue
        if "used" in token:
            refreshes.append(entry)
            if newest.get(entry["flow"], token["used"]) != token["used"]:
                left.append(entry)
        if entry["outcome"] == GRANTED and "given" in token:
            newest[entry["flow"]] = token["given"]
    if not refreshes:
        return Result(False, "No refresh token was used", ())
    return Result(
        not left,
        f"{_requests(len(refreshes))} used a refresh token, {len(left)} of them one that was not the newest",
        _ids(left or refreshes),
    )


def none_broken(levels: Iterable[str], entries: Sequence[Entry]) -> Result:
    """Whether no requirement of ``levels`` was broken, in requests that no fault rule has touched. A challenge for a
    nonce is a step of the protocol and no breach.
    """
    levels = tuple(levels)
    breaches: dict[str, list[Entry]] = {}
    for entry in entries:
        if is_faulted(entry):
            continue
        for finding in entry["findings"]["broken"]:
            if finding["level"] in levels and not finding.get("step") and not _is_challenge(entry, finding["rule"]):
                breaches.setdefault(finding["rule"], []).append(entry)
    if not entries:
        return Result(False, "No request was seen", ())
    listed = "; ".join(f"{rule} in {_requests(len(found))}" for rule, found in breaches.items())
    return Result(
        not breaches, f"Broken: {listed or 'nothing'}", _ids([entry for found in breaches.values() for entry in found])
    )


def logged_in(pid: str, name: str, entries: Sequence[Entry]) -> Result:
    """Whether the person with ``pid``, called ``name`` by the test, has logged in."""
    found = [
        entry
        for entry in entries
        if entry["endpoint"] in SHORT_WORDS["authorize"] and entry["pid"] and entry["outcome"] == GRANTED
    ]
    theirs = [entry for entry in found if entry["pid"] == pid]
    others = sorted({entry["pid"] for entry in found if entry["pid"] != pid})
    seen = f"{len(theirs)}" + (f"; others logged in: {', '.join(others)}" if others else "")
    return Result(bool(theirs), f"Logins of {name}: {seen}", _ids(theirs))


#: Expectations that say nothing but their name.
PLAIN: Mapping[str, Callable[[Sequence[Entry]], Result]] = {
    "nonce_retried": nonce_retried,
    "pushed": pushed,
    "newest_refresh_token": newest_refresh_token,
}

#: What a level stands for: a should is less than a must.
LEVELS: Mapping[str, tuple[str, ...]] = {"must": ("must",), "should": ("must", "should")}

#: Outcomes that may be asked for.
OUTCOMES = (GRANTED, REFUSED, CHALLENGED)


def _is_challenge(entry: Entry, rule: str) -> bool:
    return bool(entry["outcome"] == CHALLENGED and entry["rule"] == rule)


def _grant_type(entry: Entry) -> str | None:
    sent = entry["detail"].get("parameters", {}).get("grant_type")
    return sent[0] if isinstance(sent, list) and len(sent) == 1 and sent[0] in set(GrantType) else None


def _thumbprint(entry: Entry) -> str | None:
    jwk = entry["detail"].get("dpop_proof", {}).get("header", {}).get("jwk")
    try:
        return import_public_key(jwk).thumbprint if isinstance(jwk, dict) else None
    except JoseError:
        return None


def _amount(low: int | None, high: int | None) -> str:
    if low == high:
        return _requests(low or 0)
    if high is None:
        return f"{low} or more"
    return f"{high} at most" if low is None else f"{low} to {high}"


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def _ids(entries: Sequence[Entry]) -> tuple[int, ...]:
    return tuple(sorted({entry["id"] for entry in entries})[:_MOST_NAMED])
