"""Who holds the server: a program that wants it to end when it ends itself, even by force.

Imports the standard library only, and psutil on Windows, where a process does not learn by itself that its parent has
ended.
"""

import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Seconds between two looks at whether the holder is still there.
LOOK_AGAIN = 0.2

#: File of standard input.
_STDIN = 0


class Holder:
    """Watches over ``stdin``, which ends when all who hold its other end have ended, and over the ``parent``: the
    process that started this one. To be made first of all, by the process that was started.
    """

    def __init__(self, *, stdin: bool = False, parent: bool = False) -> None:
        self.is_watched = stdin or parent
        self._looks: list[tuple[str, Callable[[], bool]]] = []
        if parent:
            self._looks.append(("the process that started it has ended", _look_for_parent()))
        if stdin:
            self._looks.append(("its standard input has closed", _look_at_stdin()))

    def is_gone(self) -> str:
        """Why the server has to end, or an empty string while it is held."""
        return next((why for why, has_ended in self._looks if has_ended()), "")

    def watch(self, end: Callable[[str], None]) -> None:
        """Call ``end`` with the reason, from a thread, once the holder is gone; for a process that does not look."""
        if self.is_watched:
            threading.Thread(target=self._wait, args=(end,), name="holder", daemon=True).start()

    def _wait(self, end: Callable[[str], None]) -> None:
        pause = threading.Event()
        while not (why := self.is_gone()):
            pause.wait(LOOK_AGAIN)
        end(why)


def _look_at_stdin() -> Callable[[], bool]:
    """Whether standard input has closed. What is written to it is passed over."""
    return _wait_for_end().is_set if sys.platform == "win32" else _has_closed


def _wait_for_end() -> threading.Event:
    """Set once standard input has closed, by a thread that waits for that: Windows can be asked of sockets alone."""
    closed = threading.Event()

    def wait() -> None:
        while _read():
            pass
        closed.set()

    threading.Thread(target=wait, name="stdin", daemon=True).start()
    return closed


def _has_closed() -> bool:
    try:
        while select.select([_STDIN], [], [], 0)[0]:
            if not _read():
                return True
    except (OSError, ValueError):
        return True
    return False


def _read() -> bytes:
    # Not by a buffer of Python's: its lock would be held at the end of the process.
    try:
        return os.read(_STDIN, 4096)
    except OSError:  # there is none
        return b""


def _look_for_parent() -> Callable[[], bool]:
    """Whether the process that started this one has ended: the process, whatever thread of it did so."""
    if sys.platform == "win32":
        return end_of_holder(Path(sys.prefix), Path(sys.base_prefix))
    else:  # noqa: RET505  what checks types takes the rest for unreachable otherwise
        parent = os.getppid()
        return lambda: os.getppid() != parent


def end_of_holder(prefix: Path, base: Path) -> Callable[[], bool]:
    """The same where a process keeps the number of a parent that has ended, and where programs stand between them.

    ``prefix`` and ``base`` are those of ``sys``.
    """
    import psutil  # noqa: PLC0415  on Windows alone

    try:
        holder = psutil.Process().parent()
        while holder is not None and is_launcher(_program_of(holder), prefix, base):
            holder = holder.parent()
    except psutil.NoSuchProcess:
        holder = None
    return lambda: holder is None or not _runs(holder)


def _program_of(process: Any) -> Path:
    import psutil  # noqa: PLC0415

    try:
        return Path(process.exe())
    except (psutil.AccessDenied, OSError):  # another user's, so none of ours
        return Path()


def _runs(process: Any) -> bool:
    import psutil  # noqa: PLC0415

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def is_launcher(program: Path, prefix: Path, base: Path) -> bool:
    """Whether a process on Windows stands between this one and the program that started it.

    ``mock-sts.exe`` starts Python, and so does the ``python.exe`` of a virtual environment, which is not Python itself;
    each waits for what it has started itself.
    """
    return program.name.lower() == "mock-sts.exe" or (prefix != base and program.parent.parent == prefix)
