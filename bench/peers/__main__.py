"""Measures our server and its peers in turns, and prints what it found; never fails."""

import argparse
import contextlib
import datetime
import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.peers.client import Client
from bench.peers.report import report
from bench.peers.rounds import CONCURRENCY, Bench, Plan, driver_rate
from bench.peers.servers import HERE, ROOT, Node, Ours, Server, StartError, commit_of, version_of

PAGE = ROOT / "docs" / "performance.md"
#: What stands before and after the figures in it, with the size of the key.
BEGIN = "<!-- figures with {} bits, written by make bench-peers PAGE=yes -->"
END = "<!-- end of figures -->"


def machine() -> str:
    model = next(
        (line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    node = "no node"
    if shutil.which("node"):
        done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
        node = f"node {done.stdout.strip()}"
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}, {node}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def wanted(options: argparse.Namespace, client: Client) -> list[Server]:
    """The servers that were asked for, and a line for each that cannot be had."""
    bits: int = options.bits
    found: list[Server] = [Ours("ours", f"ours, commit {commit_of(ROOT)}", client, bits)]
    if options.workers:
        label = f"ours with {options.workers} workers"
        found.append(Ours("workers", label, client, bits, settings={"workers": str(options.workers)}))
    if options.beside:
        command = options.beside.resolve() / ".venv" / "bin" / "mock-sts"
        if command.exists():
            label = f"beside, commit {commit_of(options.beside)}"
            found.append(Ours("beside", label, client, bits, command_path=command))
        else:
            print(f"left out: the checkout beside, for {command} does not exist; run make there")
    if options.peers == "no":
        return found
    if not (HERE / "node_modules").is_dir() or shutil.which("node") is None:
        print("left out: the peers, for node or bench/peers/node_modules is missing; npm ci there brings them")
        return found
    for package, logs_in in (("oidc-provider", True), ("oauth2-mock-server", False)):
        label = f"{package} {version_of(package)}"
        found.append(Node(package, label, client, bits, logs_in, script=f"{package}.mjs"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a fifth of the work in each round")
    parser.add_argument("--bits", type=int, default=3072, help="size of the key that all servers sign with")
    parser.add_argument("--workers", type=int, help="measure our server with this many workers too")
    parser.add_argument("--beside", type=Path, help="another checkout of ours, with its .venv, to measure too")
    parser.add_argument("--page", action="store_true", help="write what is printed into docs/performance.md")
    parser.add_argument("--peers", default="yes", choices=("yes", "no"), help="no: ours alone")
    options = parser.parse_args()
    printed = Printed()
    with contextlib.redirect_stdout(printed):
        _run(options)
    if options.page:
        text = PAGE.read_text(encoding="utf-8")
        if BEGIN.format(options.bits) in text:
            PAGE.write_text(with_figures(text, options.bits, printed.getvalue()), encoding="utf-8")
        else:
            print(f"{PAGE} has no place for figures with {options.bits} bits, and stays as it is")


class Printed(io.StringIO):
    """Prints at once what is written to it, and keeps it."""

    def write(self, text: str) -> int:
        if sys.__stdout__:
            sys.__stdout__.write(text)
        return super().write(text)

    def flush(self) -> None:
        if sys.__stdout__:
            sys.__stdout__.flush()


def with_figures(page: str, bits: int, printed: str) -> str:
    """The text of the page with ``printed`` as its figures with keys of ``bits``, in the form of code."""
    before, begin, rest = page.partition(BEGIN.format(bits))
    _, end, after = rest.partition(END)
    lines = [f"    {line}".rstrip() for line in printed.strip().splitlines()]
    return "\n".join([before + begin, "", *lines, "", end + after])


def _run(options: argparse.Namespace) -> None:
    plan = Plan.of(max(1, options.rounds), quick=options.quick)
    client = Client()
    now = datetime.datetime.now().astimezone()
    print(f"{now:%Y-%m-%d %H:%M}, commit {commit_of(ROOT)}; {machine()}; load {os.getloadavg()[0]:.1f} at the start")
    per_round = " + ".join(f"{count:,}" for count in plan.tokens.values())
    print(
        f"rounds: {plan.rounds}, each with {per_round} tokens at concurrency {', '.join(map(str, CONCURRENCY))}; "
        f"RSA-{options.bits}; median (lowest-highest) of the rounds\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as text:
        bench = Bench(plan, options.bits, client, Path(text))
        try:
            _measure(bench, options)
        finally:
            bench.stop()
    print(report(bench))
    print(f"load at the end: {os.getloadavg()[0]:.1f}; the bench itself makes some 1 to 2")


def _measure(bench: Bench, options: argparse.Namespace) -> None:
    servers = wanted(options, bench.client)
    if shutil.which("node"):
        try:
            rate = driver_rate(bench.client, bench.folder / "nothing", 4_000 if options.quick else 20_000)
            print(f"driver: {rate}\n", flush=True)
        except (StartError, OSError) as error:
            print(f"driver: not measured: {error}\n", flush=True)
    for server in servers:
        bench.start(server)
    for number in range(bench.plan.rounds if bench.servers else 0):
        print(f"round {number + 1} of {bench.plan.rounds}", file=sys.stderr, flush=True)
        bench.round(number)


if __name__ == "__main__":
    main()
