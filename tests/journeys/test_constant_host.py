"""The proxy for programs in which HelseID's host is a constant; docs/tls.md shows that it leads to the emulator."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.emulator import free_port

PROXY = Path(__file__).resolve().parents[2] / "examples" / "constant-host" / "with_proxy.py"

#: A program that asks as any does whose proxy the environment names.
ASKS = """
import os, socket, sys
host, port = os.environ["HTTPS_PROXY"].rpartition("/")[2].split(":")
with socket.create_connection((host, int(port))) as proxy:
    proxy.sendall(sys.argv[1].encode() + b"\\r\\n\\r\\n")
    print(proxy.recv(1000).decode().splitlines()[0])
"""


def through(line: str, to: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROXY), "--to", to, sys.executable, "-c", ASKS, line]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=processes.PATIENCE)


@pytest.mark.covers("addresses.constant-host")
@pytest.mark.parametrize(
    "line",
    [
        "CONNECT helseid-sts.nhn.no:443 HTTP/1.1",
        "CONNECT helseid-sts.test.nhn.no:80 HTTP/1.1",
        "CONNECT helseid-sts.test.nhn.no.evil.example:443 HTTP/1.1",
        "GET http://helseid-sts.test.nhn.no/ HTTP/1.1",
    ],
)
def test_the_proxy_leads_nowhere_else(line: str) -> None:
    assert through(line, f"localhost:{free_port()}").stdout == "HTTP/1.1 403 Forbidden\n"


@pytest.mark.covers("addresses.constant-host")
def test_a_missing_emulator_is_named() -> None:
    port = free_port()
    done = through("CONNECT helseid-sts.test.nhn.no:443 HTTP/1.1", f"127.0.0.1:{port}")
    assert done.stdout == "HTTP/1.1 502 Bad Gateway\n"
    assert f"no emulator answers at 127.0.0.1:{port}" in done.stderr


@pytest.mark.covers("addresses.constant-host")
def test_its_exit_status_is_that_of_the_program() -> None:
    command = [sys.executable, str(PROXY), sys.executable, "-c", "raise SystemExit(7)"]
    assert subprocess.run(command, check=False, timeout=processes.PATIENCE).returncode == 7
    alone = subprocess.run([sys.executable, str(PROXY)], capture_output=True, text=True, check=False)
    assert (alone.returncode, "name the program to run" in alone.stderr) == (2, True)
