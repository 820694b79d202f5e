"""``mock-sts serve`` as a test host holds it: a free port, one line of JSON, and an end with the host's. Any system."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from mock_sts.store.sqlite.database import SqliteDatabase
from tests.support.emulator import API_SCOPE, OverHttp, register, shipped_database
from tests.support.keys import Jwk, private_jwk
from tests.support.machine import Machine
from tests.support.processes import PATIENCE, until

#: How a command of ours is started where nothing else is said.
PROGRAM = (sys.executable, "-m", "mock_sts")

#: The file of its database.
DATABASE = "held.sqlite"

HOLD = ("--port", "0", "--json", "--exit-with-stdin")


def environment_in(folder: Path, **settings: str) -> dict[str, str]:
    """An environment with a prepared database in ``folder``."""
    database = folder / DATABASE
    if not database.exists():
        shutil.copy(shipped_database(), database)
    return bare_environment_in(folder, **settings)


def bare_environment_in(folder: Path, **settings: str) -> dict[str, str]:
    """The same without making the database."""
    values = {"database_url": f"sqlite:///{folder / DATABASE}", "sqlite_synchronous": "off", **settings}
    own = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}
    return own | {f"MOCK_STS_{name.upper()}": value for name, value in values.items()}


class Held:
    """A server whose standard input is held by this object."""

    def __init__(
        self,
        folder: Path,
        *words: str,
        program: Sequence[str] = PROGRAM,
        hold: Sequence[str] = HOLD,
        prepared: bool = True,
        **settings: str,
    ) -> None:
        self.log = folder / "held.log"
        self.environment = (environment_in if prepared else bare_environment_in)(folder, **settings)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*program, "serve", *hold, *words],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = in_time(self.process.stdout)
        if not line:
            self.process.wait(PATIENCE)
            raise RuntimeError(f"the server did not start: {self.log.read_text(encoding='utf-8')}")
        self.told: dict[str, Any] = json.loads(line)
        self.issuer: str = self.told["issuer"]
        self.transport = OverHttp(self.told["url"])
        self.store = SqliteDatabase(folder / DATABASE)

    def client(self, client_id: str, jwk: Jwk | None = None, **members: Any) -> Machine:
        """Register a client and get the machine that acts as it."""
        key = jwk or private_jwk("ES256", 1)
        register(self.store, client_id, [key], **members)
        return self.machine(client_id, key)

    def machine(self, client_id: str, key: Jwk) -> Machine:
        """A client that is registered."""
        return Machine(
            self.transport, self.issuer, client_id, key, private_jwk("ES256", 2), now_of_the_system, API_SCOPE
        )

    def said(self) -> str:
        """What people read."""
        return self.log.read_text(encoding="utf-8")

    def processes(self) -> list[psutil.Process]:
        """The process that was started, and all below it."""
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        return []

    def let_go(self) -> int:
        """Close its standard input, and wait for its end; the exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End it, and read what it still said on standard output: nothing."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.transport.close()
        self.store.close()
        with suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            rest = self.process.stdout.read()
            self.process.stdout.close()
        assert rest == b"", "one line, alone"


def now_of_the_system() -> int:
    """Seconds."""
    import time

    return int(time.time())


def in_time(stream: IO[bytes]) -> bytes:
    """The next line, or nothing at the end. AssertionError where neither comes in time."""
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(PATIENCE)
    assert lines, "it says nothing"
    return lines[0]


def all_end(processes: Sequence[psutil.Process]) -> None:
    """Wait until none of ``processes`` runs any more."""

    def runs(process: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess):
            return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        return False

    until(lambda: not any(runs(process) for process in processes), "a process goes on")
