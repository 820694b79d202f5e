"""The servers that are measured: how each is started, and what its processes use."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from bench.peers.client import AUDIENCE, PERSON, PERSON_SCOPES, SCOPE, Answer, Client, exchange, rsa_jwk

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_TICK: int = os.sysconf("SC_CLK_TCK")
_START_PATIENCE = 60.0
_OWN_BITS = 3072


class StartError(Exception):
    """A server did not start, or gave no first token; says why."""


@dataclass(frozen=True)
class Use:
    """What the processes of a session have used so far, and the memory that they hold now."""

    cpu: float = 0.0
    voluntary: int = 0
    involuntary: int = 0
    mib: float = 0.0
    processes: int = 0

    def __sub__(self, before: "Use") -> "Use":
        """What was used since ``before``; memory and processes stay those of now."""
        return replace(
            self,
            cpu=self.cpu - before.cpu,
            voluntary=self.voluntary - before.voluntary,
            involuntary=self.involuntary - before.involuntary,
        )


def use_of(session: int) -> Use:
    """Sums over all processes of a session, from /proc."""
    cpu = voluntary = involuntary = kib = processes = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):  # it has ended meanwhile
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            cpu += int(fields[11]) + int(fields[12])
            kib += _status(folder / "status", "VmRSS")
            processes += 1
            for thread in (folder / "task").iterdir():
                voluntary += _status(thread / "status", "voluntary_ctxt_switches")
                involuntary += _status(thread / "status", "nonvoluntary_ctxt_switches")
    return Use(cpu / _TICK, voluntary, involuntary, kib / 1024, processes)


def _status(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        found, _, value = line.partition(":")
        if found == name:
            return int(value.split()[0])
    return 0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Running:
    """A started server; its process leads a session of its own."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    #: Seconds from its start to its first token.
    first_token: float = 0.0
    #: The size of the RSA key that signed it.
    bits: int = 0

    def use(self) -> Use:
        return use_of(self.process.pid)

    def stop(self) -> None:
        """End it as a container engine does; what is left of its group is killed."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)


@dataclass
class Server:
    """A way to start one kind of server."""

    name: str
    label: str
    client: Client
    bits: int
    #: Whether it has pushed requests, and so the whole login.
    logs_in: bool = True

    def start(self, folder: Path) -> Running:
        """Start it with what ``folder`` keeps, and take one token. Raises StartError."""
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        command, environment = self.command(port, folder)
        # Signed before it starts: what is measured is the server. A try that fails may have used an assertion.
        challenges = [self.client.token_request(port, None) for _ in range(3)]
        log = folder / "log"
        with log.open("wb") as output:
            begun = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        running = Running(process, port, log)
        try:
            answer = self._first_answer(running, challenges)
            nonce = next(iter(answer.headers("dpop-nonce")), None)
            if answer.status != 200:
                answer = Answer.parse(exchange(port, self.client.token_request(port, nonce)))
            running.first_token = time.perf_counter() - begun
            running.bits = _signature_bits(answer)
        except (OSError, StartError) as error:
            running.stop()
            raise StartError(f"{self.label}: {error}\n{log.read_text(errors='replace')[-2000:]}") from error
        return running

    def command(self, port: int, folder: Path) -> tuple[Sequence[str], dict[str, str]]:
        raise NotImplementedError

    def prepare(self, folder: Path) -> None:
        """What must be done between the first start in ``folder`` and the next."""

    def _first_answer(self, running: Running, requests: list[bytes]) -> Answer:
        ends = time.monotonic() + _START_PATIENCE
        while time.monotonic() < ends:
            if running.process.poll() is not None:
                raise StartError(f"it ended with exit status {running.process.returncode}")
            try:
                request = requests.pop() if requests else self.client.token_request(running.port, None)
                answer = Answer.parse(exchange(running.port, request))
            except ConnectionRefusedError:
                requests.append(request)
                time.sleep(0.002)
                continue
            if answer.status not in (0, 503):
                return answer
            time.sleep(0.002)
        raise StartError(f"no answer within {_START_PATIENCE:.0f} seconds")


def _signature_bits(answer: Answer) -> int:
    """The length of the signature of an answer's token. Raises StartError when it has none."""
    token = answer.member("access_token")
    if answer.status != 200 or not token:
        raise StartError(f"no token: {answer.head.partition(chr(13))[0]} {answer.body[:500]!r}")
    return len(token.rpartition(".")[2]) * 6 // 8 * 8


def _clean_environment() -> dict[str, str]:
    """Without settings of ours; with bytecode, as a user has it from the second start on."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MOCK_STS_") and name != "PYTHONDONTWRITEBYTECODE"
    }


@dataclass
class Ours(Server):
    """``mock-sts serve`` of a checkout, as a user starts it; the clients come from files."""

    command_path: Path = field(default_factory=lambda: Path(sys.executable).with_name("mock-sts"))
    settings: dict[str, str] = field(default_factory=dict)

    def command(self, port: int, folder: Path) -> tuple[Sequence[str], dict[str, str]]:
        world = folder / "world"
        if not world.exists():
            (world / "clients").mkdir(parents=True)
            # JSON is YAML.
            (world / "apis.yaml").write_text(json.dumps([{"audience": AUDIENCE, "name": "Bench", "scopes": [SCOPE]}]))
            for registration in self.client.registrations:
                document = {**registration, "tenancy": "single-tenant", "organization": "213000012"}
                file = world / "clients" / f"{registration['client_id']}.yaml"
                file.write_text(json.dumps({name: value for name, value in document.items() if value}))
        settings = {
            "port": str(port),
            "fixtures": str(world),
            "database_url": f"sqlite:///{folder / 'bench.sqlite'}",
            **self.settings,
        }
        environment = {f"MOCK_STS_{name.upper()}": value for name, value in settings.items()}
        return [str(self.command_path), "serve"], {**_clean_environment(), **environment}

    def prepare(self, folder: Path) -> None:
        """Give it a key of the size that is asked for: there is no setting for a size that HelseID does not have."""
        if self.bits == _OWN_BITS:
            return
        with closing(sqlite3.connect(folder / "bench.sqlite")) as database:
            for kid, text in database.execute("SELECT kid, jwk FROM signing_key").fetchall():
                jwk = {**signing_jwk(self.bits), "kid": kid}
                jwk = {name: value for name, value in jwk.items() if name in json.loads(text) or name == "kid"}
                database.execute("UPDATE signing_key SET jwk = ? WHERE kid = ?", (json.dumps(jwk), kid))
            database.commit()


@dataclass
class Node(Server):
    """A server of this folder that node runs; it reads ports, keys and clients from one file."""

    script: str = ""

    def command(self, port: int, folder: Path) -> tuple[Sequence[str], dict[str, str]]:
        registrations = self.client.registrations
        configuration: dict[str, Any] = {
            "port": port,
            "key": signing_jwk(self.bits),
            "api": {"audience": AUDIENCE, "scopes": [SCOPE]},
            "scopes": {scope: [scope.replace("/scopes/", "/claims/")] for scope in PERSON_SCOPES},
            "person": {PERSON_SCOPES[0].replace("/scopes/", "/claims/"): PERSON, "name": "Kvart Grevling"},
            # Without scopes: those of an API are no scopes of the server there.
            "clients": [{name: value for name, value in each.items() if name != "scope"} for each in registrations],
        }
        file = folder / "configuration.json"
        file.write_text(json.dumps(configuration))
        return ["node", str(HERE / self.script), str(file)], {**_clean_environment(), "NODE_ENV": "production"}


_KEYS: dict[int, dict[str, str]] = {}


def signing_jwk(bits: int) -> dict[str, str]:
    """The key that peers sign with, and ours when its size is not HelseID's; one for the whole run."""
    if bits not in _KEYS:
        _KEYS[bits] = rsa_jwk(rsa.generate_private_key(65537, bits), private=True)
    return _KEYS[bits]


def version_of(package: str) -> str:
    found = json.loads((HERE / "node_modules" / package / "package.json").read_text())
    return str(found["version"])


def commit_of(checkout: Path) -> str:
    """The commit of a checkout, with a plus where what is served differs from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return (git("rev-parse", "--short", "HEAD") or "unknown") + (
        "+" if git("status", "--porcelain", "--", "mock_sts", "fixtures") else ""
    )
