"""Fault rules as tests order, read and remove them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_sts.helseid.faults import Effect, FaultError, FaultRule, Match, check_match, checked_effect
from mock_sts.protocol.durations import read_duration
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.services.environment import Environment
from mock_sts.services.login.automation import pid_of
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.store.faults import MOST_RULES, Faults, KeptRule, TooManyRulesError
from mock_sts.store.scope import DEFAULT_ENVIRONMENT


class TooManyFaultsError(Exception):
    """The environment has as many rules as it may have; the message says so."""


class NoSuchFaultError(LookupError):
    """The environment has no rule with this id; the message says so."""


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """A rule to make: whom it is for, and what happens, by the names of the members that are set; how often (None:
    until it is removed), how likely (None: always), drawn from which seed (None: any), and by which test run.
    """

    match: Match
    effect: Mapping[str, Any]
    times: int | None = None
    probability: float | None = None
    seed: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class FaultState:
    """A rule as it stands: what was ordered, how often it still happens (None: until it is removed), and how often it
    has.
    """

    id: str
    match: Mapping[str, Any]
    effect: Mapping[str, Any]
    remaining: int | None
    happened: int
    probability: float | None
    seed: str | None
    tag: str | None
    environment: str = field(default="")


def order_fault(environment: Environment, order: FaultOrder) -> FaultState:
    """Make the rule. Raises FaultError and TooManyFaultsError."""
    effect = checked_effect(order.effect)
    match = _resolved(environment, order.match)
    check_match(match, effect, order.times)
    if effect.kind == "closed_port":
        effect = _closing(environment, effect, order)
    if order.seed is not None and order.probability is None:
        raise FaultError("seed goes with probability, which says how often the draw is yes", "seed")
    seed = order.seed if order.seed is not None else secrets.token_hex(8) if order.probability is not None else ""
    rule = FaultRule(f"f{secrets.token_hex(6)}", match, effect, order.probability, seed)
    faults = Faults(environment.store, environment.name)
    try:
        with environment.store.writing() as transaction:
            faults.put(transaction, rule.id, rule.document(), order.times, order.tag)
    except TooManyRulesError:
        raise TooManyFaultsError(
            f"the environment has {MOST_RULES} rules that are not used up, which is the most; remove some"
        ) from None
    return find_fault(environment, rule.id)


def find_fault(environment: Environment, rule_id: str) -> FaultState:
    """The rule with this id. Raises NoSuchFaultError."""
    kept = Faults(environment.store, environment.name).find(rule_id)
    if kept is None:
        raise NoSuchFaultError(f"no fault rule has the id {rule_id[:60]!r} here; GET /mock/api/v1/faults lists them")
    return _state(kept)


def list_faults(environment: Environment) -> list[FaultState]:
    """All rules, also those that are used up, in the order in which they were made."""
    return [_state(kept) for kept in Faults(environment.store, environment.name).list()]


def remove_fault(environment: Environment, rule_id: str) -> None:
    """Remove the rule with this id. Raises NoSuchFaultError."""
    with environment.store.writing() as transaction:
        removed = Faults(environment.store, environment.name).remove(transaction, rule_id)
    if not removed:
        find_fault(environment, rule_id)


def remove_faults(environment: Environment) -> int:
    """Remove all rules; how many there were."""
    with environment.store.writing() as transaction:
        return Faults(environment.store, environment.name).clear(transaction)


def _closing(environment: Environment, effect: Effect, order: FaultOrder) -> Effect:
    """The effect with the moment at which it ends. Raises FaultError."""
    if environment.name != DEFAULT_ENVIRONMENT:
        raise FaultError(
            "effect.closed_port is of the whole server, so ask at the root; pause is of one environment",
            "effect",
            "closed_port",
        )
    if order.probability is not None:
        raise FaultError("probability does not go with closed_port, which is so for all requests", "probability")
    until = environment.clock.times().wall + read_duration(str(effect.value))
    return Effect(effect.kind, effect.value, {"until": until})


def _resolved(environment: Environment, match: Match) -> Match:
    """``match`` with the person as tokens name them. Raises FaultError for a client or person that is unknown."""
    catalog = environment.catalog.current()
    if match.client_id is not None and catalog.client(match.client_id) is None:
        near = did_you_mean(match.client_id, catalog.documents["client"])
        raise FaultError(
            f"match.client_id is {match.client_id[:100]!r}, which no client has, so the rule can never match; "
            f"{near or 'register the client first'}",
            "match",
            "client_id",
        )
    if match.persona is None:
        return match
    try:
        sub = environment.people.sub(pid_of(environment, match.persona))
    except UnknownPersonError as error:
        raise FaultError(f"match.persona: {error}", "match", "persona") from None
    return Match(match.endpoint, match.client_id, match.grant_type, match.headers, match.persona, sub)


def _state(kept: KeptRule) -> FaultState:
    rule = FaultRule.read(kept.id, kept.document)
    match = {name: value for name, value in rule.match.document().items() if name != "sub"}
    return FaultState(
        id=kept.id,
        match=match,
        effect={name: value for name, value in rule.effect.document().items() if name != "until"},
        remaining=kept.remaining,
        happened=kept.happened,
        probability=rule.probability,
        seed=rule.seed or None,
        tag=kept.tag,
        environment=kept.environment,
    )
