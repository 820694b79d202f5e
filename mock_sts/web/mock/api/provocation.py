"""Provocation: a guided run through what may go wrong, in a conformance session."""

from mock_sts.services.conformance import sessions
from mock_sts.services.conformance.provocation import (
    NoProvocationError,
    ProvocationError,
    Run,
    Step,
    end_run,
    run_of,
    start_run,
    step_on,
)
from mock_sts.web.mock.api.operations import Call, Nothing, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER, CONFLICT, NOT_FOUND
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource(
    "provocation",
    "A run in a conformance session in which the server misbehaves, one thing at a time, and tells whether the client "
    "notices. Log in with the client once a step, then ask for the next.",
)

_PATH = "/conformance/{id}/provocation"
_NAMES = {"id": "The session's id"}


@shape("the body")
class NewRun:
    """A run to be started."""

    only: tuple[str, ...] | None = member(
        "the names of provocations; unset: all that the client as it is registered can meet",
        default=None,
        nullable=False,
    )


@shape("the answer")
class ProvocationStep:
    """One step."""

    name: str = member("Its name; `usual-login` is the first, in which nothing is wrong")
    effect: str | None = member("What goes wrong, in short; null: nothing")
    correct: str = member("What a correct client does")
    tells: str = member("By what the server tells")
    verdict: str | None = member("noticed, not noticed, or could not tell; null: it is not judged yet")
    observed: str = member("What was seen")


@shape("the answer")
class ProvocationRun:
    """A run."""

    session: str = member("The session's id")
    step: ProvocationStep | None = member("The step that is on: log in with the client now, then ask for the next")
    left: int = member("How many steps come after it")
    steps: tuple[ProvocationStep, ...] = member("All steps")


_PROBLEMS = {
    sessions.UnknownSessionError: NOT_FOUND,
    NoProvocationError: NOT_FOUND,
    sessions.SessionConflictError: CONFLICT,
    ProvocationError: BAD_MEMBER,
}


@RESOURCE.operation(
    "POST",
    _PATH,
    "Start a run",
    body=NewRun,
    body_may_be_missing=True,
    answer=ProvocationRun,
    status=201,
    raises=_PROBLEMS,
    names=_NAMES,
    at_root=True,
)
def start_provocation(call: Call[NewRun, Nothing]) -> ProvocationRun:
    """Start it."""
    return _shown(call.names["id"], start_run(call.server, call.names["id"], call.body.only))


@RESOURCE.operation(
    "GET",
    _PATH,
    "The run, and what came of its steps",
    answer=ProvocationRun,
    raises=_PROBLEMS,
    names=_NAMES,
    at_root=True,
)
def provocation_run(call: Call[None, Nothing]) -> ProvocationRun:
    """Show it."""
    return _shown(call.names["id"], run_of(call.server, call.names["id"]))


@RESOURCE.operation(
    "POST",
    f"{_PATH}/next",
    "Judge the step that is on, and begin the next one",
    answer=ProvocationRun,
    raises=_PROBLEMS,
    names=_NAMES,
    at_root=True,
)
def next_provocation(call: Call[None, Nothing]) -> ProvocationRun:
    """Step on."""
    return _shown(call.names["id"], step_on(call.server, call.names["id"]))


@RESOURCE.operation("DELETE", _PATH, "End a run, with its fault", raises=_PROBLEMS, names=_NAMES, at_root=True)
def end_provocation(call: Call[None, Nothing]) -> None:
    """End it."""
    end_run(call.server, call.names["id"])


def _shown(session_id: str, run: Run) -> ProvocationRun:
    steps = tuple(_step(one) for one in run.steps)
    return ProvocationRun(
        session=session_id,
        step=None if run.at is None else steps[run.at],
        left=0 if run.at is None else len(steps) - run.at - 1,
        steps=steps,
    )


def _step(one: Step) -> ProvocationStep:
    provocation = one.provocation
    return ProvocationStep(
        name=one.name,
        effect=None if provocation is None else provocation.effect.text,
        correct="logs in" if provocation is None else provocation.does,
        tells="what the client does with its tokens" if provocation is None else provocation.tells.value,
        verdict=one.verdict,
        observed=one.observed,
    )
