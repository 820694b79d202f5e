"""Time: asked once per request and passed down."""

import time
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Times:
    """Two times in seconds since 1970. ``wall`` is real: it judges what clients made and stands in what we sign.
    ``now`` ages what we keep.
    """

    wall: int
    now: int


class Clock(Protocol):
    """Where a request asks the time."""

    def times(self) -> Times:
        """The times of this moment."""


class SystemClock:
    """The machine's clock."""

    def times(self) -> Times:
        """Both times are the machine's."""
        wall = int(time.time())
        return Times(wall, wall)
