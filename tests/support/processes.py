"""Starting programs of ours: each a process of its own that never outlives the test run, however that ends.

Commands are forked from a process that has everything imported already (tests.support.warm). What depends on how the
interpreter starts is started as a user does, by ``cold=True`` or because the environment says something to Python.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Protocol

from tests.support.warm import die_with_parent

#: Seconds that a command may take before it is taken for one that hangs: a busy machine is slow, and no fault.
PATIENCE = 120

#: The words that start our program anew, whatever comes after them.
COMMAND = (sys.executable, "-m", "mock_sts")

#: How the names of variables begin that an interpreter reads when it starts.
_FOR_PYTHON = ("PYTHON", "LC_", "LANG")


class Process(Protocol):
    """What tests do with a process that runs, of those members that subprocess.Popen has."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class _Warm:
    """The process that forks, one for each process of a test run."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="warm-")
        self.path = str(Path(self._folder) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm", self.path],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; it ends when its input does
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the process that forks did not start"

    def close(self) -> None:
        self._process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def _warm() -> _Warm:
    return _Warm()


def close() -> None:
    """End whatever was forked and still runs."""
    if _warm.cache_info().currsize:
        _warm().close()
        _warm.cache_clear()


class _Forked:
    """A process that was forked: it lives as long as this object's connection, at most."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, files: Sequence[int]) -> None:
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(_warm().path)
        message = {"argv": list(arguments), "env": dict(env), "cwd": str(cwd)}
        text = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self._connection, [text], files)
        self._connection.sendall(text[sent:])
        self._told = b""
        self.pid = self._number(PATIENCE)

    def _number(self, seconds: float | None) -> int:
        """The next number that is told. Raises TimeoutError."""
        ends = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._told:
            left = None if ends is None else max(0.0, ends - time.monotonic())
            if not select.select([self._connection], [], [], left)[0]:
                raise TimeoutError
            found = self._connection.recv(64)
            assert found, "the process that forks has ended"
            self._told += found
        line, _, self._told = self._told.partition(b"\n")
        return int(line)

    def poll(self) -> int | None:
        with suppress(TimeoutError):
            return self._status(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        try:
            return self._status(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired("a command of ours", timeout or 0) from None

    def _status(self, seconds: float | None) -> int:
        if self.returncode is None:
            self.returncode = self._number(seconds)
            self._connection.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    *words: str,
    env: Mapping[str, str],
    output: IO[bytes],
    prefix: Sequence[str] = (),
    cold: bool = False,
) -> Process:
    """Start ``mock-sts`` with these ``words``, stdout and stderr to ``output``; ``prefix`` are words before it."""
    if prefix or cold or _speaks_to_python(env):
        return popen([*prefix, sys.executable, "-m", "mock_sts", *words], env=env, stdout=output, stderr=output)
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing.fileno(), output.fileno(), output.fileno()]
        return _Forked(["-m", "mock_sts", *words], env, Path.cwd(), files)


def popen(command: Sequence[str], **options: object) -> "subprocess.Popen[bytes]":
    """subprocess.Popen for what would go on after the test run: it ends when the calling thread does."""
    return subprocess.Popen(command, preexec_fn=die_with_parent, **options)  # type: ignore[call-overload,no-any-return]  # noqa: PLW1509


def run(
    *words: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    text: str = "",
    timeout: float = PATIENCE,
    cold: bool = False,
) -> "subprocess.CompletedProcess[str]":
    """Run ``mock-sts`` with these ``words`` and ``text`` on its standard input, to its end."""
    return _run(["-m", "mock_sts", *words], env, cwd, text, timeout, cold)


def run_program(
    code: str, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, timeout: float = PATIENCE
) -> "subprocess.CompletedProcess[str]":
    """The same for a program in Python, which may be one that a command has printed."""
    return _run(["-c", code, *words], env, cwd, "", timeout, cold=False)


def _run(
    arguments: list[str], env: Mapping[str, str] | None, cwd: Path | None, text: str, timeout: float, cold: bool
) -> "subprocess.CompletedProcess[str]":
    env = os.environ if env is None else env
    if cold or _speaks_to_python(env):
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, env=env, cwd=cwd, input=text, capture_output=True, text=True, timeout=timeout, check=False
        )
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        given.write(text.encode())
        given.seek(0)
        process = _Forked(arguments, env, cwd or Path.cwd(), [given.fileno(), said.fileno(), complained.fileno()])
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        texts = []
        for file in (said, complained):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess(arguments, status, *texts)


def _speaks_to_python(env: Mapping[str, str]) -> bool:
    """Whether an interpreter that starts with ``env`` would begin otherwise than ours did."""
    return any(env.get(name) != os.environ.get(name) for name in {*env, *os.environ} if name.startswith(_FOR_PYTHON))


def children_of(pid: int) -> set[int]:
    """The ids of the processes that a process has started and that have not ended, and of theirs."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:  # it has ended
        return set()
    return {int(child) for child in found.split()}.union(*(children_of(int(child)) for child in found.split()))


def until(holds: Callable[[], bool], told: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition; AssertionError with ``told`` when it does not come true."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, told
        time.sleep(0.02)


#: What a script does that stands for a command of ours: hand itself over, pass signals on, end as the command ends.
_STAND_IN = """#!{python} -ES
import json, os, signal, socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.connect({path!r})
message = json.dumps({{"argv": ["-m", "mock_sts", *sys.argv[1:]], "env": dict(os.environ), "cwd": os.getcwd()}})
text = message.encode() + b"\\n"
sent = socket.send_fds(connection, [text], [0, 1, 2])
connection.sendall(text[sent:])
told = connection.makefile("r")
pid = int(told.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(pid, number))
status = int(told.readline())
sys.exit(status if status >= 0 else 128 - status)
"""


def put_stand_in(file: Path) -> None:
    """Make ``file`` a program that does what ``mock-sts`` does, by a process that is forked for it."""
    file.write_text(_STAND_IN.format(python=sys.executable, path=_warm().path), encoding="utf-8")
    file.chmod(0o755)
