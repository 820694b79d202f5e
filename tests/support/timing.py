"""How long things take, on a machine that also does other things: it makes a measurement longer, and never shorter.

So a measurement that is out of bounds is made again, a few times. What must hold is asserted once, of the last one.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: How often something is measured at most.
TRIES = 6


def measured(measure: Callable[[], T], holds: Callable[[T], bool]) -> T:
    """What ``measure`` found the first time that it ``holds``; what it found last where it never did."""
    for _ in range(TRIES):
        found = measure()
        if holds(found):
            break
    return found


def seconds_of(action: Callable[[], object]) -> float:
    """How long ``action`` takes."""
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def least(measure: Callable[[], float], below: float) -> float:
    """The seconds that ``measure`` found, at once where they are ``below`` so many, else the least of a few times."""
    found: list[float] = []
    measured(lambda: found.append(measure()), lambda _: found[-1] < below)
    return min(found)
