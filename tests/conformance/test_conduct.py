"""Each requirement that only a report judges: a case that meets it, one that breaks it, one it says nothing of."""

from collections.abc import Callable
from typing import Any

import pytest

from mock_sts.helseid.profile import CONDUCT_CHAPTERS, find
from mock_sts.helseid.profile.conduct import FEW_FETCHES, Moment, Span

#: By requirement: what meets it, what breaks it, and what it does not concern.
CASES: dict[str, tuple[Any, Any, Any]] = {
    "conduct.fresh-state": (Moment({"state": 0}), Moment({"state": 4}), Moment({"nonce": 4})),
    "conduct.fresh-nonce": (Moment({"nonce": 0}), Moment({"nonce": 4}), Moment({"state": 4})),
    "conduct.fresh-verifier": (Moment({"code_challenge": 0}), Moment({"code_challenge": 4}), Moment()),
    "conduct.token-kept": (Moment(life=600, left=150), Moment(life=600, left=151), Moment(life=30, left=30)),
    "conduct.refresh-kept": (
        Moment(life=600, left=150, by_refresh=True),
        Moment(life=600, left=151, by_refresh=True),
        Moment(life=600, left=151),
    ),
    "conduct.proof-key": (Moment(same_key=True), Moment(same_key=False), Moment()),
    "conduct.newest-refresh-token": (
        Moment(newest_refresh_token=True),
        Moment(newest_refresh_token=False),
        Moment(),
    ),
    "conduct.nothing-in-url": (Moment(in_url=("x",)), Moment(in_url=("x", "client_assertion")), Moment()),
    "conduct.algorithm-newest": (Moment(algorithms=("PS256",)), Moment(algorithms=("PS256", "RS256")), Moment()),
    "span.metadata-used": (
        Span({"metadata": 1}, 1, 0, 0),
        Span({}, 1, 0, 0),
        Span(None, 1, 0, 0),
    ),
    "span.metadata-kept": (
        Span({"metadata": FEW_FETCHES, "keys": 1}, 2, 0, 0),
        Span({"metadata": FEW_FETCHES + 1}, 3, 0, 0),
        Span({"metadata": 3}, 1, 0, 0),
    ),
    "span.clock": (
        # One odd request, and requests that were long on their way.
        Span(None, 1, 0, 0, (90.0, 0.0, 1.0, -9.0, -60.0, 1.0, 0.0, 0.0)),
        Span(None, 1, 0, 0, (-9.0, -8.0, -30.0)),
        Span(None, 1, 0, 0),
    ),
    "span.logout": (Span(None, 1, 2, 1), Span(None, 1, 2, 0), Span(None, 1, 0, 0)),
}


@pytest.mark.covers("conformance.conduct")
def test_every_one_has_a_case() -> None:
    assert [rule.id for chapter in CONDUCT_CHAPTERS for rule in chapter.requirements] == list(CASES)


@pytest.mark.covers("conformance.conduct")
@pytest.mark.parametrize("rule", CASES)
def test_it_is_met_broken_and_silent(rule: str) -> None:
    requirement = find(rule)
    assert requirement is not None
    look: Callable[[Any], Any] = requirement.check
    met, broken, silent = CASES[rule]
    assert look(met).met
    verdict = look(broken)
    assert not verdict.met
    assert verdict.expected
    assert verdict.observed
    assert look(silent) is None
    assert not requirement.refused_in


def test_many_fetches_are_few_beside_more_calls() -> None:
    requirement = find("span.metadata-kept")
    assert requirement is not None
    look: Callable[[Any], Any] = requirement.check
    assert look(Span({"metadata": 3}, 4, 0, 0)).met


def test_a_short_token_is_early_by_seconds_not_by_share() -> None:
    requirement = find("conduct.token-kept")
    assert requirement is not None
    look: Callable[[Any], Any] = requirement.check
    assert look(Moment(life=60, left=30)).met
    assert not look(Moment(life=60, left=31)).met
