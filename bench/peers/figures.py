"""What the rounds found: medians, spreads, and ratios of what was measured in the same round."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

Numbers = list[float]


def percentile(values: Numbers, share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else math.nan


def spread(values: Numbers, digits: int = 0, scale: float = 1.0) -> str:
    """``median (lowest-highest)``, or a dash where there is nothing."""
    found = [value * scale for value in values if not math.isnan(value)]
    if not found:
        return "-"
    middle = f"{statistics.median(found):,.{digits}f}"
    return middle if len(found) == 1 else f"{middle} ({min(found):,.{digits}f}-{max(found):,.{digits}f})"


def median(values: Numbers, digits: int = 0, scale: float = 1.0) -> str:
    found = [value * scale for value in values if not math.isnan(value)]
    return f"{statistics.median(found):,.{digits}f}" if found else "-"


@dataclass
class Figures:
    """One number for each server, figure and round; NaN where it could not be measured."""

    _found: dict[tuple[str, str], Numbers] = field(default_factory=lambda: defaultdict(list))

    def add(self, server: str, figure: str, value: float) -> None:
        self._found[server, figure].append(value)

    def of(self, server: str, figure: str) -> Numbers:
        return self._found[server, figure]

    def ratio(self, one: str, other: str, figure: str) -> Numbers:
        """``one`` divided by ``other``, round by round."""
        return self._by_round(one, other, figure, lambda mine, theirs: mine / theirs if theirs else math.nan)

    def _by_round(self, one: str, other: str, figure: str, compare: Callable[[float, float], float]) -> Numbers:
        pairs = zip(self.of(one, figure), self.of(other, figure), strict=True)
        return [compare(mine, theirs) for mine, theirs in pairs]
