"""A restore of the server holds the write lock; others wait for it, and are refused after some seconds."""

import pytest

from tests.support.control import Control
from tests.support.emulator import Emulator
from tests.support.statements import statements_of

pytestmark = pytest.mark.sqlite

ALL = "/snapshots?scope=server"


@pytest.mark.covers("control.snapshots")
def test_an_environment_more_costs_a_restore_of_the_server_few_statements(sts: Emulator) -> None:
    """Every table for every environment would be thirty: with a hundred environments, seconds of waiting."""
    control = Control(sts.transport)
    counts = []
    for more in (0, 20):
        for _ in range(more):
            control.ask("POST", "/environments", {})
        taken: list[str] = []
        kept = statements_of(sts, lambda taken=taken: taken.append(control.ask("POST", ALL)["id"]))  # type: ignore[misc]
        path = f"/snapshots/{taken[0]}/restore?scope=server"
        put_back = statements_of(sts, lambda path=path: control.ask("POST", path))  # type: ignore[misc]
        counts.append((len(kept), len(put_back)))
    (kept_few, few), (kept_many, many) = counts
    assert kept_many == kept_few
    assert 0 < many - few <= 20 * 8
