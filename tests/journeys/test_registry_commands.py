"""The commands that make entries, worlds and logins in an environment: on the database, and on a running server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mock_sts.cli.main import main
from tests.support.emulator import LiveServer, prepare_live

pytestmark = pytest.mark.sqlite

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a database of its own; what it prints as JSON, or for people."""
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{tmp_path / 'db.sqlite'}")
    monkeypatch.chdir(tmp_path)
    prepare_live({"MOCK_STS_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite'}"})

    def command(*words: str, status: int = 0, says_json: bool = True) -> Any:
        found = main([*words, "--json"] if says_json else list(words))
        out, err = capsys.readouterr()
        assert found == status, err
        return json.loads(out) if says_json else out

    return command


def make_all(run: Run, *to: str) -> None:
    """Every command once; ``to`` says which server and environment."""
    Path("api.yaml").write_text("- scopes: [own:api/read]\n  name: Own\n", encoding="utf-8")
    made = run("registry", "put", "apis", "https://own.example/api", "api.yaml", *to)
    assert (made["audience"], made["name"]) == ("https://own.example/api", "Own")
    shown = run("registry", "show", "apis", "https://own.example/api", *to)
    assert shown == {"audience": "https://own.example/api", "scopes": ["own:api/read"], "name": "Own"}
    client = run("registry", "put", "clients", "own machine", "--make-key", "EC", *to)
    assert client["private_jwk"]["kty"] == "EC"
    assert [one["client_id"] for one in run("registry", "list", "clients", "--made", *to)] == ["own machine"]
    assert "own machine" in run("registry", "list", "clients", *to, says_json=False)
    assert run("registry", "delete", "clients", "demo-machine", *to) == {}
    assert "no client" in run("registry", "show", "clients", "demo-machine", *to, status=2)["error"]
    Path("world.json").write_text(json.dumps({"clients": [{"client_id": "second"}]}), encoding="utf-8")
    assert run("world", "put", "world.json", *to)["clients"] == 1
    assert [one["client_id"] for one in run("world", "show", *to)["clients"]] == ["second"]
    Path("world.json").write_text(json.dumps({"clients": [{"client": "second"}]}), encoding="utf-8")
    assert "no member 'client'" in run("world", "put", "world.json", *to, status=2)["error"]
    assert run("next-login", "livstrett-bever", "--times", "2", *to)["id"] > 0
    assert "did you mean" in run("next-login", "livstret-bever", *to, status=2)["error"]
    assert [one["kind"] for one in run("session", "pending", *to)] == ["scripted login"]
    assert "1 pending" in run("session", "pending", *to, says_json=False)
    assert run("session", "list", *to) == []
    assert "0 sessions" in run("session", "list", *to, says_json=False)
    assert "no session" in run("session", "end", "none", *to, status=2)["error"]
    assert run("session", "revoke", "second", *to) == {"logins": 0}


@pytest.mark.covers("cli.registry")
def test_every_command_works_on_the_database(run: Run) -> None:
    make_all(run)
    run("env", "create", "w1")
    make_all(run, "--env", "w1")


@pytest.mark.covers("cli.registry")
@pytest.mark.slow
def test_every_command_works_on_a_running_server(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    live = LiveServer(folder)
    try:
        run("env", "create", "w1", "--url", live.issuer)
        make_all(run, "--env", "w1", "--url", live.issuer)
        assert run("registry", "list", "clients", "--made", "--url", live.issuer) == []
    finally:
        live.stop()


@pytest.mark.covers("cli.registry")
@pytest.mark.parametrize(
    ("content", "says"),
    [("- a\n- b\n", "one mapping"), ("{", "is not YAML"), (None, "nothing is there")],
)
def test_a_file_that_cannot_be_used_is_said(run: Run, content: str | None, says: str) -> None:
    file = Path("entry.yaml")
    if content is not None:
        file.write_text(content, encoding="utf-8")
    error = run("registry", "put", "clients", "x", "entry.yaml", status=2)["error"]
    assert says in error or (content is None and "entry.yaml" in error)
