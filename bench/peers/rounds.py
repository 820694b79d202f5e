"""The rounds.

Each round has every server do the same work one after the other, in another order each round, so that what the machine
does besides meets all of them. The floor is timed beside each piece of work.
"""

import itertools
import math
import shutil
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.floor import floor_seconds
from bench.peers.client import Client, log_in
from bench.peers.driver import Driven, Lane, Tally, drive, send_all
from bench.peers.figures import Figures, Numbers, percentile
from bench.peers.servers import Node, Running, Server, StartError, Use

CONCURRENCY = (1, 8, 32)
LOGIN_CONCURRENCY = (1, 8)
#: Seconds from start to first token, in this order.
STARTS = ("start, empty", "start, existing")


@dataclass(frozen=True)
class Plan:
    """How much is measured in each round."""

    rounds: int
    tokens: dict[int, int]
    logins: dict[int, int]
    warm_up: int
    floor: int

    @classmethod
    def of(cls, rounds: int, *, quick: bool) -> "Plan":
        if quick:
            return cls(rounds, {1: 200, 8: 400, 32: 400}, {1: 20, 8: 80}, 100, 20)
        return cls(rounds, {1: 1_000, 8: 2_000, 32: 2_000}, {1: 80, 8: 240}, 500, 60)


Prepared = TypeVar("Prepared")


@dataclass
class Work:
    """One piece of measured work: how it went over the wire, and what the server's session used for it."""

    driven: Driven = field(default_factory=Driven)
    use: Use = field(default_factory=Use)
    good: int = 0


@dataclass
class Bench:
    """The servers that run, and what was found of them."""

    plan: Plan
    bits: int
    client: Client
    folder: Path
    figures: Figures = field(default_factory=Figures)
    running: dict[str, Running] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    floors: Numbers = field(default_factory=list)
    driver: Numbers = field(default_factory=list)

    def start(self, server: Server) -> None:
        """Start the instance that does all the work, and say so where that fails."""
        folder = self.folder / server.name
        try:
            running = self._start_again(server, folder)
        except (StartError, OSError) as error:
            print(f"left out: {server.label}: {error}\n", flush=True)
            return
        self.servers.append(server)
        self.running[server.name] = running
        self.tallies[server.name] = Tally()
        use = running.use()
        self.figures.add(server.name, "memory at start", use.mib)
        self.figures.add(server.name, "processes", use.processes)
        self._drive_tokens(server, 8, self.plan.warm_up)

    def _start_again(self, server: Server, folder: Path) -> Running:
        """A second start, with what the first has made; the first need not be measured to warm the machine's caches."""
        server.start(folder).stop()
        server.prepare(folder)
        running = server.start(folder)
        if running.bits != self.bits:
            running.stop()
            raise StartError(f"it signs with RSA-{running.bits}, not RSA-{self.bits}")
        return running

    def round(self, number: int) -> None:
        turn = number % len(self.servers)
        order = self.servers[turn:] + self.servers[:turn]
        for figure in STARTS:
            for server in order:
                self.figures.add(server.name, figure, self._first_token(server, number))
        for server in order:
            shutil.rmtree(self._folder(server, number), ignore_errors=True)
        for concurrency in CONCURRENCY:
            self._tokens(order, concurrency)
        for concurrency in LOGIN_CONCURRENCY:
            for server in order:
                self._logins(server, concurrency)

    def _folder(self, server: Server, number: int) -> Path:
        return self.folder / f"{server.name}-{number}"

    def _first_token(self, server: Server, number: int) -> float:
        """Seconds from the start of an instance of its own, which finds what the one before it has left."""
        folder = self._folder(server, number)
        try:
            running = server.start(folder)
            running.stop()
            server.prepare(folder)
        except (StartError, OSError) as error:
            print(f"{error}\n", flush=True)
            return math.nan
        return running.first_token

    def _tokens(self, order: list[Server], concurrency: int) -> None:
        """The floor is timed before each server's turn, and is one for all of them: their median."""
        count = self.plan.tokens[concurrency]
        floors, done = [], []
        for server in order:
            floors.append(floor_seconds(self.plan.floor, self.bits))
            done.append(self._drive_tokens(server, concurrency, count))
        floor = statistics.median(floors)
        self.floors.append(floor)
        for server, work in zip(order, done, strict=True):
            self._add(server, concurrency, work, floor)
            self.driver.append(work.driven.cpu / count)

    def _add(self, server: Server, concurrency: int, work: Work, floor: float) -> None:
        good, use, driven = work.good, work.use, work.driven
        found = {
            "tokens/s": good / driven.wall if good else math.nan,
            "p50": percentile(driven.latencies, 0.5),
            "p99": percentile(driven.latencies, 0.99),
            "cpu": use.cpu / good if good else math.nan,
            "x floor": use.cpu / good / floor if good else math.nan,
            "above floor": use.cpu / good - floor if good else math.nan,
            "voluntary": use.voluntary / good if good else math.nan,
            "involuntary": use.involuntary / good if good else math.nan,
        }
        for figure, value in found.items():
            self.figures.add(server.name, f"{figure} c{concurrency}", value)

    def _drive_tokens(self, server: Server, concurrency: int, count: int) -> Work:
        port = self.running[server.name].port
        return self._work(
            server,
            count,
            lambda: self.client.token_requests(port, count),
            lambda requests, tally: [send_all(requests, tally) for _ in range(concurrency)],
        )

    def _logins(self, server: Server, concurrency: int) -> None:
        if not server.logs_in:
            self.figures.add(server.name, f"logins/s c{concurrency}", math.nan)
            return
        port, count = self.running[server.name].port, self.plan.logins[concurrency]
        work = self._work(
            server,
            count,
            lambda: self.client.logins(port, count),
            lambda logins, tally: [log_in(port, logins, tally) for _ in range(concurrency)],
        )
        rate = work.good / work.driven.wall if work.good else math.nan
        self.figures.add(server.name, f"logins/s c{concurrency}", rate)

    def _work(
        self,
        server: Server,
        count: int,
        prepare: Callable[[], list[Prepared]],
        lanes: Callable[[Iterator[Prepared], Tally], list[Lane]],
    ) -> Work:
        """Make ``count`` pieces of work, and have the server do them. What comes to no good end has failed."""
        running, tally = self.running[server.name], self.tallies[server.name]
        good, failed = tally.good, tally.failed
        work = Work()
        try:
            prepared = iter(prepare())
            before = running.use()
            work.driven = drive(running.port, lanes(prepared, tally))
            work.use = running.use() - before
        except OSError as error:
            tally.fail(str(error).encode(), count - (tally.good - good) - (tally.failed - failed))
        work.good = tally.good - good
        return work

    def stop(self) -> None:
        for server in self.servers:
            running = self.running[server.name]
            self.figures.add(server.name, "memory at end", running.use().mib)
            running.stop()


def driver_rate(client: Client, folder: Path, count: int) -> str:
    """What the driver does with a server that does nothing."""
    nothing = Node("nothing", "nothing", client, 2048, script="nothing.mjs")
    running = nothing.start(folder)
    try:
        request, tally = client.token_request(running.port, None), Tally()
        requests = itertools.repeat(request, count)
        driven = drive(running.port, [send_all(requests, tally) for _ in range(8)])
    finally:
        running.stop()
    return (
        f"{tally.good / driven.wall:,.0f} requests/s at concurrency 8 from a server that does nothing, "
        f"{driven.cpu / count * 1e6:.0f} µs CPU of the driver for each"
    )
