"""The commands for reports, as a person and as continuous integration run them."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.emulator import LiveServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("report"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def user(server: LiveServer) -> dict[str, str]:
    """The environment of a user who has fetched a token."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}
    env = {**kept, "MOCK_STS_PUBLIC_URL": server.issuer}
    run("token", "demo-machine", env=env)
    return env


def run(*words: str, env: dict[str, str], status: int = 0) -> str:
    done = processes.run(*words, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.covers("conformance.command")
def test_a_report_is_printed_and_judged(server: LiveServer, user: dict[str, str]) -> None:
    text = run("report", "demo-machine", "--url", server.issuer, "--all", env=user)
    assert "T4     met: iss and sub are the client id" in text
    assert "Samsvarstesting" in text
    assert "2025-11-05" in text
    text = run("report", "demo-machine", "--url", server.issuer, "--fail-on", "never-exercised", env=user, status=1)
    assert "fails:" in text
    document = json.loads(run("report", "demo-machine", "--url", server.issuer, "--json", env=user))
    assert document["summary"]["broken_musts"] == 0


@pytest.mark.covers("conformance.command")
def test_departures_come_from_a_file(server: LiveServer, user: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "departures.yaml"
    file.write_text("departures:\n  - of: T16\n    reason: a reason\n", encoding="utf-8")
    common = ("report", "demo-machine", "--url", server.issuer, "--departures")
    assert "departures that accept nothing: T16" in run(*common, str(file), env=user)
    file.write_text("- of: T16\n", encoding="utf-8")
    assert "'reason' must say why T16 is accepted" in run(*common, str(file), env=user, status=2)
    file.write_text("a: [", encoding="utf-8")
    assert str(file) in run(*common, str(file), env=user, status=2)
    assert "nothing.yaml" in run(*common, str(tmp_path / "nothing.yaml"), env=user, status=2)


@pytest.mark.covers("conformance.session", "conformance.session.end")
def test_a_session_from_start_to_result(server: LiveServer, user: dict[str, str]) -> None:
    at = ("--url", server.issuer)
    started = run(
        "conformance", "start", "demo-machine", "--at-root", "--setting", "access_token_lifetime=60", *at, env=user
    )
    shown = dict(line.split(None, 1) for line in started.splitlines())
    session_id, authority = shown["id:"], shown["authority:"]
    assert authority == f"{server.issuer}/{session_id}"
    for _ in range(2):
        run("token", "demo-machine", "--url", authority, env=user)
    assert session_id in run("conformance", "list", *at, env=user)
    ended = run("conformance", "end", session_id, *at, env=user)
    assert "running:" in ended
    text = run("conformance", "result", session_id, "--all", *at, env=user)
    assert re.search("T19 +met", text), text
    assert "has ended already" in run("conformance", "end", session_id, *at, env=user, status=2)
    run("conformance", "reset", session_id, *at, env=user)
    assert "nothing was judged" in run("conformance", "result", session_id, *at, env=user, status=1)
    wrong = run("conformance", "start", "demo-machine", "--setting", "explain", *at, env=user, status=2)
    assert "NAME=VALUE" in wrong


@pytest.mark.covers("conformance.command")
def test_a_client_that_did_nothing_fails(server: LiveServer, user: dict[str, str]) -> None:
    text = run("report", "demo-web", "--url", server.issuer, env=user, status=1)
    assert "nothing was judged" in text
    text = run("report", "nobody", "--url", server.issuer, env=user, status=2)
    assert "no client is registered here with the client_id 'nobody'" in text


@pytest.mark.covers("conformance.ci", "conformance.formats")
def test_a_job_starts_a_session_and_takes_the_files_of_the_newest(
    server: LiveServer, user: dict[str, str], tmp_path: Path
) -> None:
    at = ("--url", server.issuer)
    run("conformance", "start", "demo-legacy", *at, env=user)
    started = json.loads(run("conformance", "start", "demo-machine", *at, "--json", env=user))
    run("token", "demo-machine", "--url", started["authority"], env=user)
    files = {word: tmp_path / f"report.{word}" for word in ("junit", "sarif", "markdown")}
    options = [part for word, file in files.items() for part in (f"--{word}", str(file))]
    text = run("conformance", "result", started["id"], *at, *options, "--location", "src/app.py", env=user)
    assert text.startswith("demo-machine: ")
    assert files["junit"].read_text(encoding="utf-8").startswith("<?xml")
    assert "src/app.py" in files["sarif"].read_text(encoding="utf-8")
    assert "HelseID conformance of `demo-machine`" in files["markdown"].read_text(encoding="utf-8")
    assert "cannot be written" in run("report", "demo-machine", *at, "--junit", str(tmp_path), env=user, status=2)


@pytest.mark.covers("conformance.ci")
def test_without_an_id_the_newest_session_is_meant(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}
    alone = {**kept, "MOCK_STS_DATABASE_URL": f"sqlite:///{tmp_path / 'a.sqlite'}"}
    assert "there is no conformance session" in run("conformance", "end", env=alone, status=2)
    run("conformance", "start", "demo-machine", env=alone)
    assert "running:" in run("conformance", "end", env=alone)
    assert "has ended already" in run("conformance", "end", env=alone, status=2)
