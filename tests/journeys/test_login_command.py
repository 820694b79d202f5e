"""``mock-sts token --persona``: a person's whole login in one line, over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes
from tests.support.emulator import LiveServer
from tests.support.machine import decode

#: Looks into files of SQLite, or is about commands on them.
pytestmark = pytest.mark.sqlite

PID = "helseid://claims/identity/pid"
PERSON = ("--persona", "kvart-grevling")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("login"))
    yield made
    made.stop()


def run(*words: str, env: dict[str, str], status: int = 0) -> str:
    done = processes.run("token", *words, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def claims(*words: str, env: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, env=env))
    return found


@pytest.mark.covers("cli.token.person")
@pytest.mark.parametrize(
    ("client_id", "bound"),
    [("demo-web-api", True), ("demo-native", True), ("demo-strict", True), ("demo-legacy", False)],
)
def test_a_person_is_logged_in_by_one_line(server: LiveServer, client_id: str, bound: bool) -> None:
    token = run(*PERSON, "--client", client_id, env=server.environment).strip()
    found = decode(token)[1]
    assert (found["client_id"], found["iss"], found[PID]) == (client_id, server.issuer, "06828399789")
    assert ("cnf" in found) is bound


@pytest.mark.covers("cli.token.person")
def test_what_comes_with_it_is_shown(server: LiveServer) -> None:
    id_token = claims(*PERSON, "--id-token", env=server.environment)  # demo-web, unless another is named
    assert (id_token["aud"], id_token["name"], id_token[PID]) == ("demo-web", "KVART GREVLING", "06828399789")
    answer = claims(*PERSON, "demo-web-api", "--json", env=server.environment)
    assert {"access_token", "id_token", "refresh_token", "expires_in", "scope"} <= set(answer)
    by_pid = claims("--persona", "06828399789", "--scope", "openid", "--id-token", env=server.environment)
    assert by_pid["sub"] == id_token["sub"]
    assert PID not in by_pid
    journal = json.loads(processes.run("journal", "--json", "--limit", "6", env=server.environment).stdout)
    endpoints = {entry["endpoint"] for entry in journal}
    assert {"/connect/par", "/connect/authorize", "/connect/token"} <= endpoints


@pytest.mark.covers("cli.token.person")
def test_the_token_is_taken_by_an_api(server: LiveServer) -> None:
    url = f"{server.issuer}/mock/demo/api"
    said = claims(*PERSON, "--client", "demo-web-api", "--call", url, env=server.environment)
    assert said["you"][PID] == "06828399789"


@pytest.mark.covers("cli.token.organization")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("demo-machine-multi-tenant", "--organization", "213100106"),
            {"parent": "213100106", "supplier": "318000107"},
        ),
        (("demo-machine-child", "--child", "213000020"), {"parent": "213000012", "child": "213000020"}),
    ],
)
def test_a_machine_acts_for_an_organization(
    server: LiveServer, words: tuple[str, ...], expected: dict[str, str]
) -> None:
    found = claims(*words, "--decode", env=server.environment)
    prefix = "helseid://claims/client/claims/orgnr_"
    assert {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)} == expected


@pytest.mark.covers("cli.token.person", "cli.token.organization")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--persona", "kvart-grevlin"), "did you mean kvart-grevling"),
        ((*PERSON, "--client", "demo-machine"), "'demo-machine' has no redirect URI, so that no person logs in there"),
        ((*PERSON, "--scope", "openid nhn:unknown/scope"), "rule authorization-request.scope-allowed: "),
        ((*PERSON, "--redirect-uri", "http://localhost:8089/elsewhere"), "rule authorization-request.redirect-uri"),
        ((*PERSON, "demo-web", "--client", "demo-web-api"), "two clients are named"),
        (("demo-machine", "--id-token"), "give --persona too"),
        (("demo-machine", "--redirect-uri", "http://localhost/"), "give --persona too"),
        ((*PERSON, "--decode", "--json"), "not allowed with argument"),
        (("demo-machine-child", "--child", "213000021"), "rule details.child-listed"),
        (("demo-machine", "--organization", "no number"), "refused: "),
    ],
)
def test_a_login_that_cannot_be_says_why(server: LiveServer, words: tuple[str, ...], says: str) -> None:
    assert says in run(*words, env=server.environment, status=2)


@pytest.mark.covers("cli.token.person")
def test_a_client_that_this_machine_does_not_know_needs_its_redirect_uri(server: LiveServer, tmp_path: Path) -> None:
    """As beside a container, whose database is not here."""
    env = {**server.environment, "MOCK_STS_DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite'}"}
    there = ("--url", server.issuer)
    # A shipped client is known by the files.
    assert claims(*PERSON, *there, "--id-token", env=env)["aud"] == "demo-web"
    assert not (tmp_path / "none.sqlite").exists()
    made = processes.run(
        "client", "new", "--client-id", "of-the-server", "--redirect-uri", "http://localhost:1234/cb", "--json",
        env=server.environment,
    )  # fmt: skip
    key = tmp_path / "key.json"
    key.write_text(json.dumps(json.loads(made.stdout)["private_jwk"]))
    words = (*PERSON, *there, "--client", "of-the-server", "--key", str(key))
    assert "is not known on this machine" in run(*words, env=env, status=2)
    found = claims(*words, "--redirect-uri", "http://localhost:1234/cb", "--id-token", env=env)
    assert found["aud"] == "of-the-server"
