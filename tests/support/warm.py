"""A process that has everything imported, and forks itself for each command that a test runs.

Most of what a command of ours costs is its imports, and a test run starts hundreds. What is forked here is a process of
its own in every other respect: its own session, environment, folder and files, signals as at the start of a program.

It listens at a Unix socket. Whoever connects sends one message, a JSON object ``{"argv", "env", "cwd"}`` together with
the files for stdin, stdout and stderr, and gets two lines: the process id, and in the end the exit status, negative for
a signal. Nothing that was started here outlives who asked for it: when that connection closes, or the standard input of
this process, which means that the test run has ended in whatever way, all is killed that belongs to it.
"""

import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

#: Bytes of the largest message: environment and arguments.
MOST = 1024 * 1024

#: Of prctl(2).
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that made it is gone; to be called before exec, too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


class Forks:
    """Forks at request. ``run`` returns in each child, with what that has to do."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(64)
        self._askers: dict[int, socket.socket] = {}
        self._hears, self._says = os.pipe()
        for end in (self._hears, self._says):
            os.set_blocking(end, False)

    def run(self) -> list[str] | None:
        """Serve; the arguments of the command in a child, None in the parent at its end."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._says, warn_on_full_buffer=False)
        while True:
            by_file: dict[int, int] = {asker.fileno(): pid for pid, asker in self._askers.items()}
            listener = self._listener.fileno()
            found, _, _ = select.select([0, listener, self._hears, *by_file], [], [])
            for number in found:
                if number in by_file:  # it says nothing more, so it has gone
                    self._kill(by_file[number])
            if self._hears in found:
                with suppress(BlockingIOError):
                    os.read(self._hears, 4096)
            self._reap()
            if 0 in found and not os.read(0, 4096):
                for pid in list(self._askers):
                    self._kill(pid)
                return None
            if listener in found:
                arguments = self._fork()
                if arguments is not None:
                    return arguments

    def _fork(self) -> list[str] | None:
        asker, _ = self._listener.accept()
        try:
            message, files = _receive(asker)
        except (OSError, ValueError):
            asker.close()
            return None
        pid = os.fork()
        if pid == 0:
            asker.close()
            self._forget()
            _become(message, files)
            arguments: list[str] = message["argv"]
            return arguments
        for file in files:
            os.close(file)
        self._askers[pid] = asker
        self._tell(pid, pid)
        return None

    def _forget(self) -> None:
        """Let go of what belongs to the parent."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for asker in self._askers.values():
            asker.close()
        self._listener.close()
        os.close(self._hears)
        os.close(self._says)

    def _reap(self) -> None:
        while self._askers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._tell(pid, os.waitstatus_to_exitcode(status))
            self._askers.pop(pid).close()

    def _tell(self, pid: int, number: int) -> None:
        with suppress(OSError):
            self._askers[pid].sendall(f"{number}\n".encode())

    def _kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        self._askers.pop(pid).close()


def _receive(asker: socket.socket) -> tuple[dict[str, Any], Sequence[int]]:
    asker.settimeout(10)
    text, files, _, _ = socket.recv_fds(asker, MOST, 3)
    while not text.endswith(b"\n"):
        more = asker.recv(MOST)
        if not more:
            raise ValueError("half a message")
        text += more
    if len(files) != 3:
        raise ValueError("three files are needed")
    asker.settimeout(None)
    return json.loads(text), files


def _become(message: dict[str, Any], files: Sequence[int]) -> None:
    """Be what is asked for: a process as if it had just begun."""
    os.setsid()
    die_with_parent()
    for wanted, file in enumerate(files):
        os.dup2(file, wanted)
        os.close(file)
    os.environ.clear()
    os.environ.update(message["env"])
    time.tzset()
    os.chdir(message["cwd"])
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", 1, closefd=False, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def execute(arguments: list[str]) -> int:
    """What ``python`` does with these arguments: ``-m mock_sts …`` or ``-c program``; the exit status."""
    if arguments[:2] == ["-m", "mock_sts"]:
        from mock_sts import __main__
        from mock_sts.cli.main import main

        sys.argv = [__main__.__file__, *arguments[2:]]
        return main()
    assert arguments[0] == "-c", arguments
    sys.argv = ["-c", *arguments[2:]]
    exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    return 0


def main(path: str) -> int:
    """Import everything, say so on stdout, and serve at ``path``."""
    import mock_sts.app
    import mock_sts.cli.main
    import mock_sts.server.serve
    from mock_sts.late import load_all
    from mock_sts.server import bridge, worker
    from mock_sts.store.fixtures import rows
    from mock_sts.store.fixtures.files import world_folders
    from tests.support.world import read_shipped_files_once

    assert mock_sts.app and mock_sts.cli.main and mock_sts.server.serve and bridge and worker
    load_all()
    read_shipped_files_once()
    rows.read_world(world_folders(()))
    forks = Forks(path)
    os.write(1, b"ready\n")
    gc.collect()
    gc.freeze()  # so that looking for garbage does not copy in each child what they share
    arguments = forks.run()
    return 0 if arguments is None else execute(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
