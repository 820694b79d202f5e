"""Schemathesis asks each API of ours, by its OpenAPI document, whatever the document allows and much that it does not.

Nothing may end in a status, a type or a shape that the document does not name, nor in an error of the server. A longer
run is the same command with a larger ``--max-examples``.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.emulator import LiveServer

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

#: Replaces the workers; tests/journeys/test_reload.py asks it.
LEFT_OUT = "/reload"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("schemathesis"))
    neighbour = made.transport.send(
        "POST", "/mock/api/v1/environments", {"Content-Type": "application/json"}, b'{"name": "w1"}'
    )
    assert neighbour.status == 201
    yield made
    made.stop()


def ask(url: str, folder: Path, *more: str) -> str:
    """What the program prints of a run; it must find nothing."""
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "run", url, "--checks", ",".join(CHECKS), "--exclude-path", LEFT_OUT]
    command += ["--seed", "28", "--continue-on-failure", "--no-color", *more]
    run = subprocess.run(
        command,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=processes.PATIENCE * 5,
        env={**os.environ, "CI": ""},
    )
    assert run.returncode == 0, run.stdout[-6_000:] + run.stderr[-2_000:]
    return run.stdout


@pytest.mark.covers("control.openapi.fuzzed")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "phases"),
    [
        ("/mock/api/v1/openapi.json", ("--phases", "coverage")),
        ("/env/w1/mock/api/v1/openapi.json", ("--phases", "fuzzing", "-n", "2")),
        ("/swagger/v1/swagger.json", ("--phases", "fuzzing", "-n", "20")),
    ],
    ids=["root", "environment", "test-token service"],
)
def test_schemathesis_finds_nothing(server: LiveServer, document: str, phases: tuple[str, ...], tmp_path: Path) -> None:
    printed = ask(f"{server.issuer}{document}", tmp_path, *phases)
    found = re.search(r"(\d+) generated", printed)
    assert found is not None and int(found[1]) > 80, printed[-3_000:]
    assert "unexpected error" not in server.log.read_text(encoding="utf-8")
