"""What a run prints."""

from bench.peers.figures import Numbers, median, spread
from bench.peers.rounds import CONCURRENCY, LOGIN_CONCURRENCY, STARTS, Bench
from bench.peers.servers import Ours, Server

_HEAD = "concurrency  tokens/s               p50 ms  p99 ms  CPU µs/token  switches/token, voluntary + other  x floor"


def report(bench: Bench) -> str:
    """A table for each server, then the ratios of the first to each other one."""
    lines = [
        f"floor: {spread(bench.floors, scale=1e6)} µs CPU "
        f"(RSA-2048 verify, P-256 import + verify, RSA-{bench.bits} sign)",
        f"the driver used {spread(bench.driver, scale=1e6)} µs CPU for each token request",
        "",
    ]
    for server in bench.servers:
        lines += _server(bench, server)
    for other in bench.servers[1:]:
        lines += _ratios(bench, bench.servers[0], other)
    return "\n".join(lines)


def _server(bench: Bench, server: Server) -> list[str]:
    def of(figure: str) -> Numbers:
        return bench.figures.of(server.name, figure)

    lines = [server.label, _HEAD]
    for concurrency in CONCURRENCY:
        at = f"c{concurrency}"
        switches = f"{median(of(f'voluntary {at}'), 1)} + {median(of(f'involuntary {at}'), 1)}"
        lines.append(
            f"{concurrency:11}  {spread(of(f'tokens/s {at}')):<19}  {median(of(f'p50 {at}'), 1, 1e3):>6}  "
            f"{median(of(f'p99 {at}'), 1, 1e3):>6}  {median(of(f'cpu {at}'), 0, 1e6):>12}  {switches:>33}  "
            f"{spread(of(f'x floor {at}'), 2)}"
        )
    if server.logs_in:
        rates = ", ".join(f"{spread(of(f'logins/s c{each}'))} at concurrency {each}" for each in LOGIN_CONCURRENCY)
        lines.append(f"whole logins/s (PAR, authorize, code, token): {rates}")
    else:
        lines.append("whole logins/s: it has no pushed requests")
    empty, existing = (spread(of(each), 2) for each in STARTS)
    if isinstance(server, Ours):
        lines.append(f"start to first token, s: {empty} on an empty database, {existing} on an existing one")
    else:
        lines.append(
            f"start to first token, s: {spread([value for each in STARTS for value in of(each)], 2)}; it keeps nothing"
        )
    tally = bench.tallies[server.name]
    lines.append(
        f"memory of {median(of('processes'))} process(es): {median(of('memory at start'))} MiB after the first token, "
        f"{median(of('memory at end'))} MiB after all {tally.good:,} requests and logins"
    )
    example = f"; the first: {tally.example[:300]!r}" if tally.failed else ""
    return [*lines, f"failed: {tally.failed:,} of {tally.good + tally.failed:,}{example}", ""]


def _ratios(bench: Bench, one: Server, other: Server) -> list[str]:
    def ratio(figure: str) -> str:
        return spread(bench.figures.ratio(one.name, other.name, figure), 2)

    lines = [f"{one.label} / {other.label}, round by round"]
    rows = {
        "tokens/s": ("tokens/s", CONCURRENCY),
        "p50": ("p50", CONCURRENCY),
        "p99": ("p99", CONCURRENCY),
        "CPU per token": ("cpu", CONCURRENCY),
        "CPU per token above the floor": ("above floor", CONCURRENCY),
        "whole logins/s": ("logins/s", LOGIN_CONCURRENCY),
    }
    for words, (figure, concurrencies) in rows.items():
        if figure == "logins/s" and not other.logs_in:
            continue
        found = "  ".join(f"c{each} {ratio(f'{figure} c{each}'):<18}" for each in concurrencies)
        lines.append(f"  {words:<30}  {found.rstrip()}")
    for figure in STARTS:
        lines.append(f"  {figure.replace('start,', 'start to first token,'):<30}  {ratio(figure)}")
    return [*lines, ""]
