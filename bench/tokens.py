"""What a token and a whole login cost: ``make bench``.

Starts the real server, drives one fixed workload, prints ratios; never fails.

The workload: client_credentials with an RS256 assertion (RSA-2048), an ES256 proof by a fresh key with a valid nonce,
replay checks, journal row on disk, a token signed with RS256 (RSA-3072). The floor is exactly the four cryptographic
operations of that, done with ``cryptography`` alone in the same run.
"""

import asyncio
import os
import secrets
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.floor import floor_seconds
from tests.support.emulator import LiveServer
from tests.support.held import Held
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Machine
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES, Login, RelyingParty, answer_parameters
from tests.support.tls import TlsServer

PER_RUN = 1_500
CHALLENGES = 1_500
ROUNDS = 3
CONCURRENCY = (1, 8, 32)
GROWTH_TOKENS = 10_000
LOGINS = 200


@dataclass
class Run:
    """One measured run: seconds per request, wall seconds, CPU seconds of all server processes."""

    latencies: list[float]
    wall: float
    cpu: float
    refused: int


def server_pids(server: LiveServer) -> list[int]:
    """The server's process, those it has started, and theirs."""

    def below(pid: int) -> list[int]:
        children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
        return [pid, *(found for child in children.split() for found in below(int(child)))]

    return below(server.process.pid)


def cpu_seconds(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(pids: list[int]) -> float:
    kib = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                kib += int(line.split()[1])
    return kib / 1024


def prebuilt(machine: Machine, count: int, *, nonce: bool) -> list[bytes]:
    """Complete HTTP requests, made before the clock runs."""
    if nonce:
        machine.learn_nonce()
    requests = []
    for _ in range(count):
        body = urlencode(machine.form(machine.assertion(lifetime=280))).encode()
        fresh = private_jwk("ES256", secrets.randbits(60))
        proof = machine.proof(jwk=fresh, claims={} if nonce else {"nonce": ABSENT})
        requests.append(
            f"POST /connect/token HTTP/1.1\r\nHost: localhost:{machine.issuer.rpartition(':')[2]}\r\nDPoP: {proof}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    return requests


async def drive(
    port: int, requests: list[bytes], concurrency: int, expected: bytes, tls: ssl.SSLContext | None = None
) -> tuple[list[float], int]:
    """Send all ``requests`` over ``concurrency`` connections; seconds of each, and how many went wrong."""
    queue = iter(requests)
    latencies: list[float] = []
    wrong = 0

    async def lane() -> None:
        nonlocal wrong
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
        )
        for request in queue:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            latencies.append(time.perf_counter() - begun)
            wrong += not head.startswith(b"HTTP/1.1 " + expected)
        writer.close()

    await asyncio.gather(*(lane() for _ in range(concurrency)))
    return latencies, wrong


def measure(
    server: LiveServer, requests: list[bytes], concurrency: int, expected: bytes, tls: ssl.SSLContext | None = None
) -> Run:
    pids = server_pids(server)
    port = server.tls_port if tls is not None and isinstance(server, TlsServer) else server.port
    cpu, begun = cpu_seconds(pids), time.perf_counter()
    latencies, wrong = asyncio.run(drive(port, requests, concurrency, expected, tls))
    return Run(latencies, time.perf_counter() - begun, cpu_seconds(pids) - cpu, wrong)


def start_times(folder: Path) -> tuple[float, float]:
    """Seconds from starting the program to its line that says that it is ready, and to the first token."""
    begun = time.perf_counter()
    server = Held(folder, prepared=False, sqlite_synchronous="normal")
    ready = time.perf_counter() - begun
    machine = server.client(f"first-{secrets.token_hex(4)}", jwk=private_jwk("RS256", 1, 2048))
    assert machine.meet_challenge().status == 400
    assert machine.token().status == 200
    first = time.perf_counter() - begun
    server.close()
    return ready, first


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; medians of {ROUNDS} rounds of {PER_RUN} tokens\n")
    floor = floor_seconds()
    print(f"floor: {floor * 1e6:.0f} µs CPU (RSA-2048 verify, P-256 import + verify, RSA-3072 sign)\n")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        empty = start_times(folder)
        again = [start_times(folder) for _ in range(ROUNDS)]
        print(f"start on an empty database: ready {empty[0]:.2f} s, first token {empty[1]:.2f} s")
        ready, first = (statistics.median(values) for values in zip(*again, strict=True))
        print(f"start on an existing one:   ready {ready:.2f} s, first token {first:.2f} s\n")
        server = LiveServer(folder)
        pids = server_pids(server)
        machine = server.client("bench", jwk=private_jwk("RS256", 1, 2048))
        assert machine.token().status == 200
        print(f"memory after the first token: {memory_mib(pids):.0f} MiB in {len(pids)} processes\n")
        print("concurrency  tokens/s  p50 ms  p99 ms  CPU µs/token  x floor")
        for concurrency in CONCURRENCY:
            runs = [measure(server, prebuilt(machine, PER_RUN, nonce=True), concurrency, b"200") for _ in range(ROUNDS)]
            report(concurrency, runs, floor)
        runs = [measure(server, prebuilt(machine, CHALLENGES, nonce=False), 8, b"400") for _ in range(ROUNDS)]
        cpu = statistics.median(run.cpu / len(run.latencies) for run in runs)
        print(f"\na challenge (concurrency 8): {cpu * 1e6:.0f} µs CPU, {cpu / floor:.2f} x floor")
        before = memory_mib(pids)
        for _ in range(GROWTH_TOKENS // PER_RUN):
            measure(server, prebuilt(machine, PER_RUN, nonce=True), 8, b"200")
        print(f"memory: {before:.0f} MiB, after {GROWTH_TOKENS:,} more tokens {memory_mib(pids):.0f} MiB")
        report_login(server)
        server.stop()
    report_workers(floor)


def report_workers(floor: float) -> None:
    """The same for one worker and two, by http and by https, on connections that are kept."""
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as text:
            server = TlsServer(Path(text), workers=str(workers))
            machine = server.client("bench", jwk=private_jwk("RS256", 1, 2048))
            for name, tls in (("http", None), ("https", server.trusting())):
                # The proof is for the address that is asked.
                port = server.tls_port if tls is not None else server.port
                machine.issuer = f"{name}://localhost:{port}"
                print(f"\n{name}, workers: {workers}; memory {memory_mib(server_pids(server)):.0f} MiB")
                print("concurrency  tokens/s  p50 ms  p99 ms  CPU µs/token  x floor")
                for concurrency in (1, 8):
                    runs = [
                        measure(server, prebuilt(machine, PER_RUN, nonce=True), concurrency, b"200", tls)
                        for _ in range(ROUNDS)
                    ]
                    report(concurrency, runs, floor)
            server.stop()


def report_login(server: LiveServer) -> None:
    """A login without a page: pushed request, authorize with test_pid, code with its challenge, one after the other."""
    machine = server.client(
        "bench-web",
        jwk=private_jwk("RS256", 1, 2048),
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
    )
    rp = RelyingParty(machine)
    pids = server_pids(server)
    seconds, redirects = [], 0
    cpu = cpu_seconds(pids)
    for _ in range(LOGINS):
        login = Login()
        begun = time.perf_counter()
        pushed = rp.push(login, {"test_pid": PERSON})
        answer = rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))
        redirects += answer.status == 303
        form = {
            "grant_type": "authorization_code",
            "code": answer_parameters(answer)["code"],
            "redirect_uri": REDIRECT_URI,
            "code_verifier": login.verifier,
            "scope": ABSENT,
        }
        assert machine.meet_challenge(form).status == 400
        assert machine.token(form=form).status == 200
        seconds.append(time.perf_counter() - begun)
    cpu = (cpu_seconds(pids) - cpu) / LOGINS
    print(
        f"\na login without a page: 4 requests, {redirects / LOGINS:.0f} redirect, "
        f"{cpu * 1e3:.2f} ms CPU of the server (two signatures); "
        f"p50 {percentile(seconds, 0.5) * 1e3:.1f} ms with the client's own work"
    )


def report(concurrency: int, runs: list[Run], floor: float) -> None:
    rate = statistics.median(len(run.latencies) / run.wall for run in runs)
    p50 = statistics.median(percentile(run.latencies, 0.5) for run in runs)
    p99 = statistics.median(percentile(run.latencies, 0.99) for run in runs)
    cpu = statistics.median(run.cpu / len(run.latencies) for run in runs)
    wrong = sum(run.refused for run in runs)
    note = f"  ({wrong} refused)" if wrong else ""
    print(
        f"{concurrency:11}  {rate:8.0f}  {p50 * 1e3:6.1f}  {p99 * 1e3:6.1f}  {cpu * 1e6:12.0f}  "
        f"{cpu / floor:7.2f}{note}"
    )


if __name__ == "__main__":
    main()
