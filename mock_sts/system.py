"""Where operating systems differ about files: locks that processes share, and putting a file in another's place.

Uses the standard library only, for the server's parent process too.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

T = TypeVar("T")

#: Seconds between two tries to get a lock where the system does not wake who waits.
_AGAIN = 0.05

#: Seconds for which a file that another program has open is waited for on Windows: readers of ours take milliseconds,
#: a virus scanner or an indexer a moment.
_PATIENCE = 5.0

#: What Windows calls a file that another program has open: ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION.
_IN_USE = (5, 32)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Make ``file`` where it is missing, and wait until no other process has it locked. Raises OSError.

    The lock ends with the process, however that ends.
    """
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as opened:
        if sys.platform == "win32":
            _wait_for_byte(opened.fileno())
            try:
                yield
            finally:
                os.lseek(opened.fileno(), 0, os.SEEK_SET)
                msvcrt.locking(opened.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(opened, fcntl.LOCK_EX)
            yield


def _wait_for_byte(number: int) -> None:
    """Lock the first byte, which need not be there; Windows gives up by itself after ten seconds."""
    if sys.platform == "win32":
        while True:
            os.lseek(number, 0, os.SEEK_SET)
            try:
                msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
                return
            except PermissionError:
                time.sleep(_AGAIN)


def put_in_place(new: Path, file: Path) -> None:
    """Let ``new`` be ``file`` from now on, in place of what may be there. Raises OSError."""
    _patiently(lambda: new.replace(file))


def whose(place: Path) -> str:
    """Who owns ``place``, or the nearest folder above it that is there, where that is another user than this process
    has: the end of a sentence with what to do, which begins with a semicolon. Empty where it is the same, or unknown.
    """
    if sys.platform != "win32":
        us = os.getuid()
        for near in (place, *place.absolute().parents):
            try:
                owner = near.stat().st_uid
            except FileNotFoundError:
                continue
            except OSError:
                break
            if owner == us:
                break
            return (
                f"; {str(near)!r} belongs to user {owner}, and this is user {us}: chown {us} it, or run this as its "
                "owner (docker run --user, user: in compose)"
            )
    return ""


def take_away(file: Path) -> None:
    """Remove ``file``, which may be missing. Raises OSError."""
    _patiently(lambda: file.unlink(missing_ok=True))


def _patiently(act: Callable[[], T]) -> T:
    """What ``act`` returns. On Windows nothing can take the place of a file that is open: there it is tried again."""
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            return act()
        except PermissionError as error:
            if not _is_in_use(error) or time.monotonic() > ends:
                raise
        time.sleep(_AGAIN / 5)


def _is_in_use(error: PermissionError) -> bool:
    return sys.platform == "win32" and error.winerror in _IN_USE
