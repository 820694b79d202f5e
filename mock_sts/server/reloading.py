"""Reloading a server that runs: how what answers a request asks for it, and how it goes without other processes."""

import threading
from collections.abc import Callable

#: What ``app.extensions`` holds the function under by which a server reloads; None where no server of ours runs the
#: application.
EXTENSION = "mock_sts_reload"

#: How it asks: returns when the server has reloaded. Raises ReloadError.
Reload = Callable[[], None]

#: What is said where a reload is under way already.
BUSY = "a reload is under way; ask again when it is over"

#: What is said of one that failed.
GOES_ON = "the server goes on as it was"


class ReloadError(Exception):
    """A reload that did not take place; the message says why."""


class ReloadBusyError(ReloadError):
    """Another reload is under way."""

    def __init__(self) -> None:
        super().__init__(BUSY)


class OneAtATime:
    """Lets one thread of a process reload at a time."""

    def __init__(self, reload: Callable[[], str], ask_again: Callable[[], None] | None = None) -> None:
        """``reload`` returns why it cannot be, or an empty string. ``ask_again`` has the server reload once more when
        the reload that is under way is over, and does not wait for that; None where there is no such way.
        """
        self._ask_again = ask_again
        self._reload = reload
        self._lock = threading.Lock()

    def soon(self) -> None:
        """Reload now or, where a reload is under way, once more after it, without waiting. Raises ReloadError."""
        try:
            self()
        except ReloadBusyError:
            if self._ask_again is None:
                raise
            self._ask_again()

    def __call__(self) -> None:
        """Reload. Raises ReloadError."""
        if not self._lock.acquire(blocking=False):
            raise ReloadBusyError
        try:
            fault = self._reload()
        finally:
            self._lock.release()
        if fault == BUSY:
            raise ReloadBusyError
        if fault:
            raise ReloadError(fault)
