"""Functions that run in several processes at the same moment."""

import multiprocessing
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

from tests.support.processes import PATIENCE
from tests.support.warm import die_with_parent

T = TypeVar("T")


@cache
def _context() -> ForkServerContext:
    """Processes are forked from one that has imported what they need."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["pytest", "mock_sts.app", "tests.support.emulator", "tests.support.logins"])
    return made


def at_once(work: Callable[..., T], lanes: Sequence[tuple[Any, ...]]) -> list[T]:
    """What ``work`` returns for the arguments of each of the ``lanes``, in a process for each.

    It gets a barrier after them, at which the processes wait for each other as often as it calls ``wait``.
    """
    context = _context()
    start, results = context.Barrier(len(lanes)), context.Queue()
    processes = [
        context.Process(target=_run, args=(number, work, lane, start, results)) for number, lane in enumerate(lanes)
    ]
    for process in processes:
        process.start()
    found: dict[int, Any] = dict(results.get(timeout=PATIENCE) for _ in processes)
    for process in processes:
        process.join(PATIENCE)
    for result in found.values():
        if isinstance(result, BaseException):
            raise result
    return [found[number] for number in range(len(lanes))]


def _run(number: int, work: Callable[..., object], lane: tuple[Any, ...], start: Barrier, results: Any) -> None:
    die_with_parent()
    try:
        results.put((number, work(*lane, start)))
    except BaseException as error:
        start.abort()
        results.put((number, error))
