"""The clock of an environment: read, moved, set, frozen, and put back."""

from dataclasses import dataclass
from enum import Enum

from mock_sts.protocol.durations import read_duration, read_time, write_duration, write_time
from mock_sts.services.clock import Clock
from mock_sts.services.control.environments import changing, found
from mock_sts.store.database import Database
from mock_sts.store.environments import EnvironmentRecord

#: How far the clock may be from the real one, in seconds: a hundred years of 365 days.
FARTHEST = 100 * 365 * 86_400

#: What has the age that this clock says.
FOLLOWS = (
    "authorization codes",
    "pushed requests (request_uri)",
    "DPoP nonces",
    "sessions",
    "single sign-on and max_age",
    "refresh tokens",
    "signing keys that are made",
)

#: What stays on real time, for programs with clocks of their own make it or will check it.
STAYS = (
    "iat, nbf and exp of access and ID tokens",
    "client assertions",
    "request objects",
    "DPoP proofs",
    "the journal",
)


class Action(Enum):
    """One thing to do with a clock."""

    ADVANCE = "advance"
    SET = "set"
    FREEZE = "freeze"
    OFFSET = "offset"
    RESET = "reset"


class ClockError(ValueError):
    """A clock that cannot be moved so; the message says why, ``path`` leads to the member that is wrong."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class ClockState:
    """The clock of an environment: real time and its own (ISO 8601, UTC), how far it is ahead of the real one, whether
    it stands still, and which things follow it.
    """

    wall: str
    now: str
    offset: str
    frozen: bool
    follows: tuple[str, ...] = FOLLOWS
    stays: tuple[str, ...] = STAYS


def read_clock(store: Database, clock: Clock, name: str) -> ClockState:
    """The clock of the environment ``name``, of a server with this ``clock``. Raises EnvironmentFaultError."""
    return _state(found(store, name), clock.times().wall)


def move_clock(store: Database, clock: Clock, name: str, action: Action, value: str | bool) -> ClockState:
    """Do one thing with the clock of the environment ``name``, for all workers; what it is then.

    ``value`` is a duration (ISO 8601) to advance by or to be ahead, a time to set, or whether to freeze or reset. A
    clock that stands still goes on doing so, but after ``freeze`` with False and ``reset``. Raises ClockError and
    EnvironmentFaultError.
    """
    wall = clock.times().wall
    with changing(store, name) as change:
        offset, frozen_at = change.record.clock_offset, change.record.clock_frozen_at
        now = wall + offset if frozen_at is None else frozen_at
        if action is Action.ADVANCE:
            now += _seconds(action, value)
        elif action is Action.SET:
            now = _time(value)
        elif action is Action.OFFSET:
            now = wall + _seconds(action, value)
        elif action is Action.RESET:
            now, frozen_at = wall, None
        if abs(now - wall) > FARTHEST:
            raise ClockError(
                f"{action.value} must leave the clock within 100 years of the real one, which is {write_time(wall)}",
                action.value,
            )
        stands = bool(value) if action is Action.FREEZE else frozen_at is not None
        change.set_clock(0 if stands else now - wall, now if stands else None)
        return _state(change.record, wall)


def _state(record: EnvironmentRecord, wall: int) -> ClockState:
    frozen_at = record.clock_frozen_at
    now = wall + record.clock_offset if frozen_at is None else frozen_at
    return ClockState(write_time(wall), write_time(now), write_duration(now - wall), frozen_at is not None)


def _seconds(action: Action, value: str | bool) -> int:
    try:
        return read_duration(str(value))
    except ValueError as error:
        raise ClockError(f"{action.value} must be {error}", action.value) from None


def _time(value: str | bool) -> int:
    try:
        return read_time(str(value))
    except ValueError as error:
        raise ClockError(f"set must be {error}", "set") from None
