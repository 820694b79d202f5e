"""Programs of ours that tests start: each is a process of its own, and none is left when a test run has ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import popen, run, run_program, until

#: Starts servers in the ways there are, says which processes these are, and waits for its end.
BUSY = """
import sys, signal
from pathlib import Path
from tests.support.emulator import LiveServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's jobs in the background ignore it
folder = Path(sys.argv[1])
for start in ("warm", "cold"):
    (folder / start).mkdir()
    server = LiveServer(folder / start, start=start, workers="2")
    print(server.process.pid, *server.workers(), flush=True)
    globals()[start] = server
print("waits", flush=True)
signal.pause()
"""


@pytest.mark.slow
def test_a_command_has_its_own_environment_folder_and_files(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ['MARK'], sys.stdin.read(), *sys.argv); sys.exit(3)"
    done = run_program(code, "a", "b c", env={**os.environ, "MARK": "å"}, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path} å  -c a b c\n", "")
    assert run("persona", "new", "--name", "", env={**os.environ}).returncode == 2


def test_a_command_is_another_process_each_time() -> None:
    first, second = (int(run_program("import os; print(os.getpid())").stdout) for _ in range(2))
    assert len({first, second, os.getpid()}) == 3


def test_what_ends_a_command_is_told() -> None:
    assert run_program("import os; os.kill(os.getpid(), 9)").returncode == -signal.SIGKILL
    fault = run_program("raise ValueError('x')")
    assert fault.returncode == 1 and "Traceback" in fault.stderr and "ValueError: x" in fault.stderr
    with pytest.raises(subprocess.TimeoutExpired):
        run_program("import time; time.sleep(60)", timeout=0.1)


def test_what_is_said_to_python_is_heard() -> None:
    code = "import sys; print(sys.stdout.encoding)"
    assert run_program(code, env={**os.environ, "PYTHONIOENCODING": "ascii"}).stdout == "ascii\n"
    assert run_program(code).stdout.lower() == "utf-8\n"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.slow
def test_a_run_that_is_interrupted_leaves_no_server_behind(tmp_path: Path, how: signal.Signals) -> None:
    with popen(
        [sys.executable, "-c", BUSY, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as interrupted:
        assert interrupted.stdout is not None
        started: set[int] = set()
        for line in interrupted.stdout:
            if line == b"waits\n":
                break
            started |= {int(word) for word in line.split()}
        assert len(started) == 6 and all(Path(f"/proc/{pid}").exists() for pid in started)
        interrupted.send_signal(how)
        interrupted.stdout.read()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), f"some of {started} go on")
