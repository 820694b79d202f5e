"""The parent of the workers, with workers that do as they are told."""

import signal
import sys
from pathlib import Path

import pytest

from tests.support.processes import popen

#: Two workers; the first life of worker 0 ends as the argument says, before it is ready.
PROGRAM = """
import os, signal, sys, threading
from mock_sts.server.ports import bound_sockets
from mock_sts.server.supervisor import Supervisor

folder, first_end = sys.argv[1], sys.argv[2]

def work(index, parent):
    if index == 0:
        try:
            os.close(os.open(f"{folder}/first", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            if first_end == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            return 3
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    parent.ready()
    if index == 0:
        os.kill(os.getppid(), signal.SIGTERM)  # seen enough
    threading.Event().wait()

queues = [(one,) for one in bound_sockets("127.0.0.1", 0, 1) + bound_sockets("127.0.0.1", 0, 1)]
sys.exit(Supervisor(queues, work, lambda _: '', b"", []).run())
"""


@pytest.mark.covers("server.worker-ends")
@pytest.mark.parametrize(("first_end", "status"), [("killed", 0), ("status 3", 1)])
def test_a_worker_that_is_killed_before_it_is_ready_is_replaced(tmp_path: Path, first_end: str, status: int) -> None:
    """One that says by its status that it cannot work ends the start: the next one could not either."""
    process = popen([sys.executable, "-c", PROGRAM, str(tmp_path), first_end])
    try:
        assert process.wait(60) == status
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
