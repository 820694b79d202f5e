"""An explanation of a refusal taken apart again, so that a page can show its parts in an order of its own."""

from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.profile import find
from mock_sts.helseid.requirement import Requirement

#: Words of ``requirement.explain``.
_EXPECTED, _OBSERVED, _REMEDY = ". Expected: ", ". Observed: ", ". Remedy: "


@dataclass(frozen=True, slots=True)
class Explained:
    """A broken rule, what it expected and what was observed. ``options`` are all values that would have done."""

    rule: Requirement[Any]
    expected: str
    observed: str
    options: tuple[str, ...] = ()


def explained(rule: str, detail: str) -> Explained | None:
    """The parts of ``detail``, the explanation of a breach of ``rule``; None where there is no such rule."""
    found = find(rule) if rule else None
    if found is None:
        return None
    middle = f". {detail.removeprefix(found.title.rstrip('.')).removeprefix('. ')}".rpartition(_REMEDY)[0]
    before, _, observed = middle.partition(_OBSERVED)
    return Explained(found, before.removeprefix(_EXPECTED), observed)
