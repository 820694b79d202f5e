"""A server of its own for the time of a test run."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mock_sts.protocol.near_names import did_you_mean
from mock_sts.settings.settings import PREFIX, SETTINGS
from mock_sts.testing.helseid import Helseid

#: Seconds in which a server that is asked to end has ended.
_PATIENCE = 20


class StartError(RuntimeError):
    """The server did not start; the message is what it said."""


@contextmanager
def running_sts(**settings: Any) -> Iterator[Helseid]:
    """A server with these ``settings``, by their names (``enforcement="strict"``), on a free port, and its environment
    at the root. It has a database of its own, unless ``database_url`` names another, and ends with the block, or with
    this process.

    Raises ValueError for a setting that there is not, and StartError.
    """
    with tempfile.TemporaryDirectory(prefix="mock-sts-", ignore_cleanup_errors=True) as folder:
        variables = _variables({"port": 0, "database_url": f"sqlite:///{Path(folder) / 'sts.sqlite'}", **settings})
        others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            server = subprocess.Popen(
                [sys.executable, "-m", "mock_sts", "serve", "--json", "--exit-with-stdin"],
                env={**others, **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            ready = _ready(server, log)
            yield Helseid.at(ready["url"], admin_token=variables.get(f"{PREFIX}ADMIN_TOKEN", ""))
        finally:
            _end(server)


def _ready(server: "subprocess.Popen[bytes]", log: Path) -> dict[str, Any]:
    """What the server says when it answers. Raises StartError."""
    line = server.stdout.readline() if server.stdout is not None else b""
    if not line:
        server.wait(_PATIENCE)
        raise StartError(log.read_text(encoding="utf-8", errors="replace").strip() or "the server did not start")
    ready: dict[str, Any] = json.loads(line)
    return ready


def _end(server: "subprocess.Popen[bytes]") -> None:
    if server.stdin is not None:
        server.stdin.close()  # with which it ends
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if server.stdout is not None:
        server.stdout.close()


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as the environment has them. Raises ValueError."""
    known = {setting.name: setting.variable for setting in SETTINGS}
    variables = {}
    for name, value in settings.items():
        if name not in known:
            near = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise ValueError(f"there is no setting {name!r}; {near}")
        variables[known[name]] = _text(name, value)
    return variables


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return (os.pathsep if name == "fixtures" else ",").join(map(str, value))
    return "" if value is None else str(value)
