"""The parent of the workers, with workers that do as they are told."""

import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.support.held import all_end
from tests.support.processes import popen
from tests.support.tls import until

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


#: Two workers that share one socket, as where the kernel deals nothing out; each answers with its number. What ends
#: them with their parent on Linux is taken away, so that what does so elsewhere is seen.
SHARED = """
import os, socket, sys, threading, time
from mock_sts.server import children, ports
from mock_sts.server.supervisor import Supervisor

ports._deals = lambda count: False
children.sys = type("Elsewhere", (), {"platform": "elsewhere", "stdout": sys.stdout, "stderr": sys.stderr})

def work(index, parent):
    parent.ready()
    (own,) = queues[index]
    own.setblocking(True)
    while True:
        client, _ = own.accept()
        time.sleep(0.02)
        client.sendall(str(index).encode())
        client.close()

bound = ports.bound_sockets("127.0.0.1", 0, 2)
assert bound[0] is bound[1]
queues = [(one,) for one in bound]
say = lambda: print(bound[0].getsockname()[1], flush=True)
sys.exit(Supervisor(queues, work, lambda _: '', b"", [], say).run())
"""


@pytest.mark.covers("server.held.end")
def test_workers_may_share_a_socket_and_end_with_a_killed_parent_without_the_kernels_help() -> None:
    process = popen([sys.executable, "-c", SHARED], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        def asked(_: int) -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                return connection.recv(1)

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(asked, range(64))) == {b"0", b"1"}
        workers = psutil.Process(process.pid).children()
        assert len(workers) == 2
        process.send_signal(signal.SIGKILL)
        all_end(workers)
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", port))
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


#: Two workers with a socket each for one port, of which the second starts later, and is ready when a file is there.
LATER = """
import os, select, socket, sys, time
from mock_sts.server.ports import bound_sockets
from mock_sts.server.supervisor import Supervisor

folder = sys.argv[1]
queues = [(one,) for one in bound_sockets("127.0.0.1", 0, 2)]
waits, wait = [], select.select

def counted(*them):
    waits.append(None)
    if len(waits) > 1000:
        open(f"{folder}/busy", "w").close()
    return wait(*them)

select.select = counted

def work(index, parent):
    (own,) = queues[index]
    if index == 1:
        open(f"{folder}/second-{os.getpid()}", "w").close()
        while not os.path.exists(f"{folder}/go"):
            time.sleep(0.01)
        own.listen()
    parent.ready()
    own.setblocking(True)
    while True:
        client, _ = own.accept()
        client.sendall(str(index).encode())
        client.close()

say = lambda: print(queues[0][0].getsockname()[1], flush=True)
sys.exit(Supervisor(queues, work, lambda _: '', b"", [], say, at_first=1).run())
"""


@pytest.mark.covers("server.workers-by-itself")
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel deals nothing out")
def test_a_worker_that_starts_later_gets_no_connection_before_it_is_ready(tmp_path: Path) -> None:
    process = popen([sys.executable, "-c", LATER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        def asked() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                return connection.recv(1)

        def second() -> list[str]:
            return [one.name for one in tmp_path.glob("second-*")]

        until(lambda: second() != [], "the second worker does not start")
        assert {asked() for _ in range(50)} == {b"0"}
        (first_try,) = second()
        psutil.Process(int(first_try.removeprefix("second-"))).kill()
        until(lambda: len(second()) == 2, "no other worker starts in the place of one that was never ready")
        assert {asked() for _ in range(50)} == {b"0"}
        assert not (tmp_path / "busy").exists(), "the parent does not wait, but asks again and again"
        (tmp_path / "go").touch()
        until(lambda: asked() == b"1", "the second worker gets no connection")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
