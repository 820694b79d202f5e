"""Processes that are forked: the one way in which the server starts a process.

Nothing is started anew by its name, so that it works the same from a checkout, an installed package and a program that
has Python in it. Imports the standard library only.
"""

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from socket import socket
from typing import NoReturn

from mock_sts.server.holder import LOOK_AGAIN

assert sys.platform != "win32", "there is no fork"  # noqa: S101  said to what checks types

LOG = logging.getLogger("mock_sts")

#: Of prctl(2).
_PR_SET_PDEATHSIG = 1


class Lifeline:
    """Tells children that their parent has ended: a pipe that nothing is ever written to, and that the parent holds."""

    def __init__(self) -> None:
        self.hears, self.says = os.pipe()

    def close(self) -> None:
        """In the parent: let go of a child that has ended."""
        os.close(self.hears)
        os.close(self.says)

    def hold(self) -> None:
        """In a child: end when the parent has ended, however that was. It would go on to hold port and data."""
        os.close(self.says)
        parent = os.getppid()
        if sys.platform == "linux":
            import ctypes  # noqa: PLC0415  slow to load, and of use here only

            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != parent:  # it has ended just before
                os._exit(0)
        threading.Thread(target=self._listen, name="lifeline", daemon=True).start()

    def _listen(self) -> None:
        while os.read(self.hears, 1):
            pass
        os._exit(0)


def start_child(work: Callable[[], int], lifeline: Lifeline, closes: Iterable[socket | int]) -> int:
    """Fork a process that does ``work`` and ends with the status that it returns; its id.

    It closes the sockets and files in ``closes`` first, which belong to its parent, and has no handlers of signals.
    """
    pid = os.fork()
    if pid == 0:
        _live(work, lifeline, closes)
    return pid


def _live(work: Callable[[], int], lifeline: Lifeline, closes: Iterable[socket | int]) -> NoReturn:
    """What a forked process does from here to its end."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for one in closes:
            if isinstance(one, socket):
                one.close()
            else:
                os.close(one)
        lifeline.hold()
        status = work()
    except BaseException:
        LOG.exception("a process of the server failed")
    finally:
        # Not by the interpreter's own way out: what waits in threads shall not hold it up.
        logging.shutdown()
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def outcome_of(
    work: Callable[[], str], must_stop: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None
) -> str:
    """What ``work`` returns, done in a child, or a sentence that says what ended it. ``meanwhile`` is done here.

    It is killed when ``must_stop`` says so, and when an exception comes in between, such as that of a handler.
    """
    hears, says = os.pipe()

    def tell() -> int:
        with os.fdopen(says, "wb") as answer:
            answer.write(work().encode("utf-8", "surrogatepass"))
        return 0

    lifeline = Lifeline()
    pid = start_child(tell, lifeline, [hears])
    os.close(says)
    received, status = b"", None
    try:
        meanwhile()
        while not must_stop():
            if select.select([hears], [], [], LOOK_AGAIN)[0]:
                piece = os.read(hears, 65_536)
                if not piece:
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    break
                received += piece
    finally:
        os.close(hears)
        if status is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        lifeline.close()
    if status is None:
        return "the server is ending"
    if status < 0:
        killed = signal.strsignal(-status) or f"signal {-status}"
        return f"the database could not be prepared: the process that did it was ended ({killed})"
    if status > 0:
        return "the database could not be prepared, for the reason above"
    return received.decode("utf-8", "surrogatepass")
