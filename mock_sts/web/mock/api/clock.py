"""The clock of an environment."""

from mock_sts.services.control.clock import Action, ClockError, ClockState, move_clock, read_clock
from mock_sts.services.control.environments import NoSuchEnvironmentError
from mock_sts.web.mock.api.operations import Call, Nothing, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER, NOT_FOUND, Problem
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource(
    "clock",
    "The clock that ages what the environment keeps: codes, request_uris, nonces, sessions, refresh tokens. Access "
    "tokens and what clients sign stay on real time, for clients and APIs have clocks of their own.",
)

_ONE = ", ".join(action.value for action in Action)


@shape("the body")
class ClockMove:
    """One thing to do with the clock."""

    advance: str | None = member(
        "an ISO 8601 duration to go on by, such as PT2H; -PT2H goes back", default=None, nullable=False, longest=100
    )
    set: str | None = member(
        "an ISO 8601 time with its offset from UTC, such as 2027-01-01T00:00:00Z",
        default=None,
        nullable=False,
        longest=100,
    )
    freeze: bool | None = member("true: it stands still; false: it goes on from there", default=None, nullable=False)
    offset: str | None = member(
        "an ISO 8601 duration that it is ahead of the real time, such as P1D", default=None, nullable=False, longest=100
    )
    reset: bool | None = member("true: real time again", default=None, nullable=False)


@shape("the answer")
class ClockNow:
    """The clock."""

    wall: str = member("The real time (ISO 8601, UTC)")
    now: str = member("The time of this environment (ISO 8601, UTC)")
    offset: str = member("How far it is ahead of the real time (an ISO 8601 duration)")
    frozen: bool = member("Whether it stands still")
    follows: tuple[str, ...] = member("What ages by it")
    stays: tuple[str, ...] = member("What stays on real time")


@RESOURCE.operation("GET", "/clock", "The clock", answer=ClockNow, raises={NoSuchEnvironmentError: NOT_FOUND})
def read_the_clock(call: Call[None, Nothing]) -> ClockNow:
    """Read it."""
    return _shown(read_clock(call.server.store, call.server.clock, call.environment.name))


@RESOURCE.operation(
    "POST",
    "/clock",
    "Move the clock, set it, freeze it, or put it back",
    description=f"The body has exactly one of {_ONE}. A year counts 365 days and a month 30; the clock stays within a "
    "hundred years of the real one.",
    body=ClockMove,
    answer=ClockNow,
    problems=(BAD_MEMBER,),
    raises={ClockError: BAD_MEMBER, NoSuchEnvironmentError: NOT_FOUND},
)
def move_the_clock(call: Call[ClockMove, Nothing]) -> ClockNow:
    """Do one thing with it."""
    given = [(one, value) for one in Action if (value := getattr(call.body, one.value)) is not None]
    if len(given) != 1:
        has = " and ".join(one.value for one, _ in given) or "none"
        raise Problem(BAD_MEMBER, f"the body must have exactly one of {_ONE}; it has {has}", member=())
    action, value = given[0]
    if action is Action.RESET and value is not True:
        raise Problem(BAD_MEMBER, "reset must be true", member=("reset",))
    return _shown(move_clock(call.server.store, call.server.clock, call.environment.name, action, value))


def _shown(state: ClockState) -> ClockNow:
    return ClockNow(
        wall=state.wall,
        now=state.now,
        offset=state.offset,
        frozen=state.frozen,
        follows=state.follows,
        stays=state.stays,
    )
