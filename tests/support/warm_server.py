"""A server that is started and killed again and again.

Importing everything takes most of a start. So one process imports it once, and a fork of it serves, as ``mock-sts
serve`` does, each time that a line comes in on stdin; the answer is the process id, whose process group is the whole
server.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.support.emulator import LiveServer, OverHttp
from tests.support.tls import takes_connections, until


class KilledServer(LiveServer):
    """A live server that can be killed with everything it has started, and started again."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.stop()
        with (folder / "again.log").open("wb") as log:
            self._forks = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm_server"],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._group = 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.write("start\n")
        self._forks.stdin.flush()
        self._group = int(self._forks.stdout.readline())
        self.transport = OverHttp(self.issuer)
        deadline = time.monotonic() + 20
        while True:
            try:
                if self.transport.send("GET", "/health/ready").status == 200:
                    return
            except requests.ConnectionError:
                pass
            assert time.monotonic() < deadline, "it does not start"
            time.sleep(0.01)

    def kill(self) -> None:
        """End all of its processes at once, as a machine that runs out of memory does."""
        if self._group:
            os.killpg(self._group, signal.SIGKILL)
            self.transport.close()
            self._group = 0
            # The last of them gives the port back.
            until(lambda: not takes_connections(self.port), "it is not dead")

    def end(self) -> None:
        """Kill it for good."""
        self.kill()
        self._forks.communicate()


def main() -> None:
    """Fork a server for each line, and print its process id."""
    import mock_sts.app
    import mock_sts.server.worker
    from mock_sts.cli import main as command

    assert mock_sts.server.worker and mock_sts.app
    running = 0
    for _ in sys.stdin:
        if running:
            os.waitpid(running, 0)
        running = os.fork()
        if running == 0:
            os.setsid()
            os.dup2(2, 1)
            os._exit(command(["serve"]))
        os.write(1, f"{running}\n".encode())


if __name__ == "__main__":
    main()
