"""What an action costs the database."""

from collections.abc import Callable

from tests.support.emulator import Emulator


def statements_of(sts: Emulator, action: Callable[[], object]) -> list[str]:
    """The statements that the database gets for ``action``, in this thread."""
    seen: list[str] = []
    kept = [sts.store._mine(name).connection for name in ("reader", "writer")]
    for connection in kept:
        connection.set_trace_callback(seen.append)
    try:
        action()
    finally:
        for connection in kept:
            connection.set_trace_callback(None)
    return seen
