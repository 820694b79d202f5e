"""What environments cost: ``python -m bench.environments``.

Starts the real server and prints, for 1, 100 and 1,000 environments: how fast they are made over HTTP, what each adds
to the server's memory once it was used, and the CPU time of the server for a token when the requests go round all of
them. Never fails.
"""

import http.client
import json
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from bench.tokens import cpu_seconds, memory_mib, server_pids
from tests.support.control import Control
from tests.support.emulator import LiveServer
from tests.support.environments import Side

TOKENS = 1_000
COUNTS = (1, 100, 1_000)


def make(server: LiveServer, number: int, there: int) -> float:
    """Make environments until there are ``number``; seconds for each."""
    parts = urlsplit(server.issuer)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    began = time.perf_counter()
    for count in range(there, number):
        body = json.dumps({"name": f"bench-{count}"})
        connection.request("POST", "/mock/api/v1/environments", body, {"Content-Type": "application/json"})
        assert connection.getresponse().read()
    return (time.perf_counter() - began) / max(1, number - there)


def token_cost(server: LiveServer, number: int) -> float:
    """CPU seconds of the server for one token, when requests go round ``number`` environments."""
    sides = [Side(server, f"bench-{count}") for count in range(number)]
    machines = [side.machine("bench", side.client("bench").jwk) for side in sides[: min(number, TOKENS)]]
    for machine in machines:  # what is made when it is first asked for is made
        machine.learn_nonce()
        assert machine.token().status == 200
    pids = server_pids(server)
    before = cpu_seconds(pids)
    for count in range(TOKENS):
        assert machines[count % len(machines)].token().status == 200
    return (cpu_seconds(pids) - before) / TOKENS


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        server = LiveServer(Path(folder))
        try:
            Control(server.transport).ask("GET", "/environments")  # what the first request loads is loaded
            rows, there = [], 0
            for number in COUNTS:
                before = memory_mib(server_pids(server))
                each = make(server, number, there)
                cost = token_cost(server, number)
                grown = memory_mib(server_pids(server)) - before
                rows.append((number, each * 1000, grown * 1024 / (number - there), cost * 1e6))
                there = number
        finally:
            server.stop()
    print("| environments | made in, ms each | memory, KiB each | CPU for a token, µs |")
    print("| --- | --- | --- | --- |")
    for number, made, memory, cost in rows:
        print(f"| {number:,} | {made:.1f} | {memory:.0f} | {cost:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
