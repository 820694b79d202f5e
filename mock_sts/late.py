"""What is not needed for the first answer is imported later: here, by one function under one lock.

Two threads that import modules with circular imports at the same time each may see the other's half-made module (Python
gives way rather than wait for ever). So no handler imports anything by itself: it asks a ``Late``, and the server has
all of them loaded by a thread in the background as soon as it is ready.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_LOCK = threading.RLock()
_ALL: list["Late[object]"] = []


class Late(Generic[T]):
    """Something that takes an import to make; called, it gives what ``load`` made the first time."""

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._made: list[T] = []

    def __call__(self) -> T:
        """What was loaded. Raises ImportError."""
        if not self._made:
            with _LOCK:
                if not self._made:
                    self._made.append(self._load())
        return self._made[0]


def late(load: Callable[[], T]) -> Late[T]:
    """Make ``load``, a function of a module that does nothing but import and return, one that runs once."""
    made = Late(load)
    _ALL.append(made)  # type: ignore[arg-type]
    return made


def load_all() -> None:
    """Load everything that is to be loaded later."""
    for one in list(_ALL):
        one()
