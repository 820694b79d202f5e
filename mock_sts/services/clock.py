"""Time: asked once per request and passed down."""

import time
from typing import Protocol

from mock_sts.values import value_type


@value_type
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


@value_type
class MovedClock:
    """An environment's clock over that of the server: ``offset`` seconds ahead of it, or standing still at
    ``frozen_at``. The real time stays what it is.
    """

    clock: Clock
    offset: int
    frozen_at: int | None

    def times(self) -> Times:
        """The real time, and the moved one."""
        times = self.clock.times()
        return Times(times.wall, times.now + self.offset if self.frozen_at is None else self.frozen_at)


def moved(clock: Clock, offset: int, frozen_at: int | None) -> Clock:
    """``clock``, moved where ``offset`` (seconds) or ``frozen_at`` (seconds since 1970) say so."""
    return MovedClock(clock, offset, frozen_at) if offset or frozen_at is not None else clock
