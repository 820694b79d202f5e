"""What mock-sts token does beside a machine's token: logins, details, exchange; the patterns show each that works."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.emulator import LiveServer

#: Commands look into the same file of SQLite as the server.
pytestmark = pytest.mark.sqlite

DOCTOR, PID = "kvart-grevling", "06828399789"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("token"))
    yield made
    made.stop()


def token(server: LiveServer, *words: str, status: int = 0, given: str = "") -> subprocess.CompletedProcess[str]:
    done = processes.run("token", *words, env=server.environment, text=given)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.covers("cli.token.login")
def test_a_client_of_another_server_is_told_everything(server: LiveServer) -> None:
    """Its registration is not at hand then, so scopes and address stand on the command line."""
    words = ["demo-web", "--url", server.issuer, "--persona", PID, "--level", "3"]
    words += ["--scope", "openid helseid://scopes/identity/security_level"]
    words += ["--redirect-uri", "http://localhost:8000/callback", "--id-token"]
    assert json.loads(token(server, *words).stdout)["helseid://claims/identity/security_level"] == "3"


@pytest.mark.covers("cli.token.login")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("demo-machine", "--level", "3"), "--level is for a login: give --persona too"),
        (("demo-machine", "--refresh"), "--refresh is for a login"),
        (("demo-machine", "--acr-values", "Level4"), "--acr-values is for a login"),
        (("demo-machine", "--resource", "a:b", "--resource", "c:d"), "several --resource are for a login"),
        (("demo-web", "--persona", DOCTOR, "--exchange"), "it does not go with --persona"),
        (("demo-web", "--persona", DOCTOR, "--level", "2"), "invalid choice"),
        (("demo-web", "--persona", "kvart-grevlin", "--level", "3"), "did you mean 'kvart-grevling'"),
        (("demo-web", "--persona", "1234", "--level", "3"), "test_pid"),
        (("demo-web", "--persona", DOCTOR, "--scope", "openid", "--refresh"), "ask for the scope offline_access"),
        (
            ("demo-web", "--persona", "nurse-level-3", "--acr-values", "Level4"),
            "the security level of the login is too low",
        ),
        (("demo-machine-child", "--child", "213000047"), "HID-1002"),
        (("demo-machine-multi-tenant", "--organization", "213200100"), "HID-1001"),
        (("demo-exchange", "--exchange"), "standard input, which is empty"),
        (("demo-machine", "--details", "no-such-file.json"), "--details no-such-file.json cannot be read as JSON"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_does_not_go_ends_in_one_sentence(server: LiveServer, words: tuple[str, ...], told: str) -> None:
    assert told in token(server, *words, status=2).stderr


@pytest.mark.covers("cli.token.login")
@pytest.mark.parametrize("text", ["[1]", "{}", '{"type": 1}', "not JSON"])
def test_a_file_without_details_is_named(server: LiveServer, text: str, tmp_path: Path) -> None:
    file = tmp_path / "details.json"
    file.write_text(text, encoding="utf-8")
    assert str(file) in token(server, "demo-machine", "--details", str(file), status=2).stderr


@pytest.mark.covers("cli.token.login")
def test_what_is_exchanged_must_be_a_token(server: LiveServer) -> None:
    assert "invalid subject_token" in token(server, "demo-exchange", "--exchange", given="rubbish", status=2).stderr
