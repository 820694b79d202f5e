"""Fault rules: what goes wrong on order."""

from collections.abc import Mapping
from typing import Any

from flask import current_app

from mock_sts.helseid.endpoints import SHORT_WORDS
from mock_sts.helseid.faults import BESIDE, EFFECTS, FaultError, Takes
from mock_sts.helseid.faults import Match as RuleMatch
from mock_sts.services.control.faults import (
    FaultOrder,
    FaultState,
    NoSuchFaultError,
    TooManyFaultsError,
    find_fault,
    list_faults,
    order_fault,
    remove_fault,
    remove_faults,
)
from mock_sts.services.environment import Environment
from mock_sts.services.server import UnknownEnvironmentError
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.web.mock.api.operations import Call, Nothing, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER, BAD_PARAMETER, CONFLICT, NOT_FOUND, Problem
from mock_sts.web.mock.api.shapes import Components, MisfitError, Schema, dotted, member, shape
from mock_sts.web.mock.api.tags import tag_member, tag_of
from mock_sts.web.paths import Paths, is_emulated

RESOURCE = Resource(
    "faults",
    "Rules by which something goes wrong: an error, a delay, a token with a defect, a key set without the key. Each is "
    "for the requests that it names, for so many of them, for some by chance, or until it is removed.",
)

_NAMES = {"id": "The rule's id"}

#: The most words of a list.
_MOST_WORDS = 20


class _Probability:
    """A number from 0 to 1."""

    name = "Probability"

    def read(self, value: object, what: str = "", path: tuple[str | int, ...] = ()) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise MisfitError(f"{dotted(path)} is {str(value)[:40]}, but must be a number from 0 to 1", path)
        return float(value)

    def schema(self, components: Components) -> Schema:
        """A number."""
        return {"type": "number", "minimum": 0, "maximum": 1}


def _declared(takes: Takes, says: str, values: tuple[str, ...], low: int | None, high: int | None) -> tuple[Any, Any]:
    """Type and member of one member of an effect."""
    kind = {
        Takes.WORD: str,
        Takes.TEXT: str,
        Takes.NUMBER: int,
        Takes.TRUTH: bool,
        Takes.WORDS: tuple[str, ...],
        Takes.DURATION: str,
    }[takes]
    made = member(says, default=None, nullable=False, choices=values, low=low, high=high)
    return kind | None, made


def _effect_shape() -> type[Any]:
    """The shape of an effect: a member for each kind, and those that stand beside them."""
    declared = {
        **{
            kind.name: _declared(kind.takes, _said(kind.says, kind.values), tuple(kind.values), kind.low, kind.high)
            for kind in EFFECTS.values()
        },
        **{name: _declared(one.takes, one.says, one.values, one.low, one.high) for name, one in BESIDE.items()},
    }
    body = {name: made for name, (_, made) in declared.items()}
    annotations = {name: kind for name, (kind, _) in declared.items()}
    made = type("Effect", (), {"__doc__": "What happens.", "__annotations__": annotations, **body})
    return shape("effect")(made)


def _said(says: str, values: Mapping[str, str]) -> str:
    listed = "; ".join(f"`{word}`: {meaning}" for word, meaning in values.items())
    return f"{says}. {listed}" if listed else says


Effect = _effect_shape()


@shape("match")
class FaultMatch:
    """Which requests a rule is for."""

    endpoint: str | None = member(
        f"an endpoint: a path, or one of {', '.join(SHORT_WORDS)}; unset: every one at which the effect can happen",
        default=None,
        nullable=False,
    )
    client_id: str | None = member(
        "the client that the request claims to be of; unset: any", default=None, nullable=False
    )
    grant_type: str | None = member("the grant type of a token request; unset: any", default=None, nullable=False)
    headers: Mapping[str, str] | None = member(
        "headers that the request has, each with its value, in which `*` stands for any text",
        default=None,
        nullable=False,
    )
    persona: str | None = member(
        "whom the answer is about: a short name or a pid; for effects on tokens and userinfo",
        default=None,
        nullable=False,
    )
    environment: str | None = member(
        "the environment, at the root of the server; unset: the one that is asked", default=None, nullable=False
    )


@shape("the rule")
class NewFault:
    """A rule to make."""

    match: FaultMatch = member(
        "Which requests it is for; unset: all at which the effect can happen", default=FaultMatch()
    )
    times: int | None = member("For how many requests; unset: until it is removed", default=None, low=1, high=100_000)
    probability: Any = member(
        "How likely it is, from 0 to 1; unset: it always happens", default=None, form=_Probability()
    )
    seed: str | None = member(
        "What chance is drawn from: the same seed draws the same", default=None, nullable=False, longest=100
    )
    effect: Effect = member("What happens: exactly one kind")  # type: ignore[valid-type]
    tag: str | None = tag_member()


@shape("the answer")
class Fault:
    """A rule as it stands."""

    id: str = member("Its id: the header Mock-Sts-Fault and the journal name it")
    environment: str = member("The environment that it is in")
    match: Mapping[str, Any] = member("Which requests it is for")
    effect: Mapping[str, Any] = member("What happens")
    remaining: int | None = member("For how many requests still; null: until it is removed; 0: it is used up")
    happened: int = member("How often it has happened")
    probability: Any = member("How likely it is; null: it always happens", schema={"type": ["number", "null"]})
    seed: str | None = member("What chance is drawn from; null where nothing is drawn")
    tag: str | None = member("The test run that made it, or null")


@shape("the answer")
class FaultList:
    """Rules."""

    items: tuple[Fault, ...] = member("In the order in which they were made; those that are used up among them")
    next: str | None = member("Always null: there are at most 200")


@shape("the query")
class FaultQuery:
    """Of which environment."""

    environment: str | None = member("the environment, at the root; unset: the one that is asked", default=None)


@shape("the answer")
class Removed:
    """What was removed."""

    removed: int = member("How many rules there were")


@RESOURCE.operation(
    "POST",
    "/faults",
    "Have something go wrong",
    description="Effects in place of an answer (`oauth_error`, `status`, `delay_ms`, `drop`, `pause`, a refused "
    "refresh, a nonce challenge) come before the request is judged and use up nothing of it; of several one happens. "
    "All others come when everything is stored, and add up. What has happened is in the header `Mock-Sts-Fault`, in "
    "the journal entry's `faults`, and counted by the rule.",
    body=NewFault,
    answer=Fault,
    status=201,
    problems=(BAD_MEMBER,),
    raises={FaultError: BAD_MEMBER, TooManyFaultsError: CONFLICT},
)
def order_a_fault(call: Call[NewFault, Nothing]) -> Fault:
    """Make a rule."""
    body, given = call.body, call.body.match
    if given.endpoint is not None and given.endpoint.startswith("/"):
        _check_path(given.endpoint)
    environment = _of(call, given.environment, member=("match", "environment"))
    match = RuleMatch(given.endpoint, given.client_id, given.grant_type, given.headers or {}, given.persona)
    names = (*EFFECTS, *BESIDE)
    effect = {name: value for name in names if (value := getattr(body.effect, name)) is not None}
    tag = tag_of(call.request, body.tag)
    return _shown(order_fault(environment, FaultOrder(match, effect, body.times, body.probability, body.seed, tag)))


@RESOURCE.operation(
    "GET",
    "/faults",
    "The rules, and how often each has happened",
    query=FaultQuery,
    answer=FaultList,
    problems=(BAD_PARAMETER,),
)
def all_faults(call: Call[None, FaultQuery]) -> FaultList:
    """List them."""
    environment = _of(call, call.query.environment)
    return FaultList(items=tuple(_shown(one) for one in list_faults(environment)), next=None)


@RESOURCE.operation(
    "GET",
    "/faults/{id}",
    "One rule",
    query=FaultQuery,
    answer=Fault,
    names=_NAMES,
    problems=(BAD_PARAMETER,),
    raises={NoSuchFaultError: NOT_FOUND},
)
def one_fault(call: Call[None, FaultQuery]) -> Fault:
    """Show one."""
    return _shown(find_fault(_of(call, call.query.environment), call.names["id"]))


@RESOURCE.operation(
    "DELETE",
    "/faults/{id}",
    "End a fault",
    query=FaultQuery,
    names=_NAMES,
    problems=(BAD_PARAMETER,),
    raises={NoSuchFaultError: NOT_FOUND},
)
def end_fault(call: Call[None, FaultQuery]) -> None:
    """Remove one."""
    remove_fault(_of(call, call.query.environment), call.names["id"])


@RESOURCE.operation("DELETE", "/faults", "End all faults", query=FaultQuery, answer=Removed, problems=(BAD_PARAMETER,))
def end_faults(call: Call[None, FaultQuery]) -> Removed:
    """Remove all."""
    return Removed(removed=remove_faults(_of(call, call.query.environment)))


def _of(call: Call[Any, Any], name: str | None, member: tuple[str, ...] | None = None) -> Environment:
    """The environment that a request is about. Raises Problem."""
    here = call.environment
    if name is None or name == here.name:
        return here
    if here.name != DEFAULT_ENVIRONMENT:
        why = f"environment is {name[:60]!r}, but this is {here.name!r}: ask the other one, or at the root"
    else:
        try:
            return call.server.environment(name)
        except UnknownEnvironmentError as error:
            why = f"{error}; GET /mock/api/v1/environments lists them"
    if member is not None:
        raise Problem(BAD_MEMBER, f"match.{why}" if here.name != DEFAULT_ENVIRONMENT else why, member=member)
    raise Problem(BAD_PARAMETER, why, parameter="environment")


def _check_path(path: str) -> None:
    """Raises Problem for a path at which nothing can go wrong."""
    paths = Paths(rule.rule for rule in current_app.url_map.iter_rules())
    if not is_emulated(path) or path == "/":
        why = "which is this server's own side: there nothing goes wrong"
    elif paths.written(path) is None:
        near = paths.nearest(path)
        why = f"where there is nothing, so the rule can never match{near and f'; did you mean {near}?'}"
    else:
        return
    raise Problem(BAD_MEMBER, f"match.endpoint is {path[:100]!r}, {why}", member=("match", "endpoint"))


def _shown(one: FaultState) -> Fault:
    return Fault(
        id=one.id,
        environment=one.environment,
        match=one.match,
        effect=one.effect,
        remaining=one.remaining,
        happened=one.happened,
        probability=one.probability,
        seed=one.seed,
        tag=one.tag,
    )
