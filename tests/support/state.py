"""What a web of objects holds in memory: kept, and put back, so that one emulator serves test after test."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import _lru_cache_wrapper, cached_property, partial
from types import CellType, FunctionType, MethodType
from typing import Any

from flask import Flask

#: Modules whose objects are looked into. Those of libraries are passed over, and so are locks and threads.
_OURS = ("mock_sts.",)

#: Never changed once they are made, and large: they are kept as they are, and not looked into.
_LEAVES = ("Catalog", "Client", "ApiResource", "Settings")

_MISSING = object()


class Snapshot:
    """The state of all objects of ours that can be reached from ``app``: attributes, containers and the variables of
    functions that were made inside others. ``put_back`` brings it back, in the same objects.
    """

    def __init__(self, app: Flask) -> None:
        self._undo: list[Callable[[], None]] = []
        self._seen: dict[int, object] = {}  # holds them, so that no number is given twice
        waiting: deque[object] = deque(_entries_of(app))
        while waiting:
            found = waiting.popleft()
            if id(found) not in self._seen:
                self._seen[id(found)] = found
                waiting.extend(self._look_into(found))

    def put_back(self) -> None:
        """Bring back what the objects held when this was made."""
        for undo in self._undo:
            undo()

    def _look_into(self, found: object) -> Iterable[object]:
        if isinstance(found, dict):
            self._undo.append(partial(_refill, found, dict(found)))
            return found.values()
        if isinstance(found, list | set | deque):
            self._undo.append(partial(_refill, found, found.copy()))
            return list(found)
        if isinstance(found, tuple | frozenset):
            return found
        if isinstance(found, partial):
            return [found.func, *found.args, *found.keywords.values()]
        if isinstance(found, MethodType):
            return [found.__self__, found.__func__]
        if isinstance(found, _lru_cache_wrapper):
            self._undo.append(found.cache_clear)
            return [found.__wrapped__]
        if isinstance(found, FunctionType):
            return found.__closure__ or ()
        if isinstance(found, CellType):
            return self._cell(found)
        if type(found).__module__.startswith(_OURS) and type(found).__name__ not in _LEAVES:
            return self._attributes(found)
        return ()

    def _cell(self, cell: CellType) -> Iterable[object]:
        try:
            content = cell.cell_contents
        except ValueError:  # empty
            return ()
        self._undo.append(partial(setattr, cell, "cell_contents", content))
        return (content,)

    def _attributes(self, found: object) -> Iterable[object]:
        names = [name for kind in type(found).__mro__ for name in _slots_of(kind)]
        values = {name: getattr(found, name, _MISSING) for name in names}
        if hasattr(found, "__dict__"):
            self._undo.append(partial(_refill_object, found, dict(found.__dict__)))
        if values:
            self._undo.append(partial(_set_slots, found, values))
        return [*values.values(), *getattr(found, "__dict__", {}).values()]


def _entries_of(app: Flask) -> Iterator[object]:
    """Whatever of ours an application calls."""
    yield app.wsgi_app
    yield app.extensions
    yield app.view_functions
    yield app.before_request_funcs
    yield app.after_request_funcs
    yield app.teardown_request_funcs
    yield app.error_handler_spec
    yield app.template_context_processors


def _slots_of(kind: type) -> list[str]:
    slots = kind.__dict__.get("__slots__", ())
    return [name for name in ([slots] if isinstance(slots, str) else slots) if not name.startswith("__")]


def _refill(container: Any, content: Any) -> None:
    if container != content or isinstance(container, deque):
        container.clear()
        (container.extend if isinstance(container, list | deque) else container.update)(content)


def _refill_object(found: Any, content: dict[str, Any]) -> None:
    """What a cached property has worked out since then stays: it was made from what does not change."""
    worked_out = {
        name: value
        for name, value in found.__dict__.items()
        if isinstance(getattr(type(found), name, None), cached_property)
    }
    found.__dict__.clear()
    found.__dict__.update(worked_out | content)


def _set_slots(found: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if getattr(found, name, _MISSING) is not value and value is not _MISSING:
            object.__setattr__(found, name, value)
