"""The commands that steer environments, clock, keys, snapshots and reset: on the database, and on a running server."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mock_sts.cli.main import main
from tests.support.emulator import LiveServer, prepare_live
from tests.support.keys import private_jwk

pytestmark = pytest.mark.sqlite

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a database of its own; what it prints as JSON, or the sentence of its fault."""
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{tmp_path / 'db.sqlite'}")
    prepare_live({"MOCK_STS_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite'}"})

    def command(*words: str, status: int = 0, says_json: bool = True) -> Any:
        found = main([*words, "--json"] if says_json else list(words))
        out, err = capsys.readouterr()
        assert found == status, err
        return json.loads(out) if says_json else out

    return command


def steer_all(run: Run, *to: str) -> None:
    """Every command once; ``to`` says which server."""
    name = f"cli-{secrets.token_hex(4)}"
    made = run("env", "create", name, "--set", "enforcement=strict", "--set", "access_token_lifetime=60", *to)
    assert made["issuer"].endswith(f"/env/{name}")
    assert made["settings"] == {"enforcement": "strict", "access_token_lifetime": 60}
    changed = run("env", "change", name, "--unset", "enforcement", "--host", f"{name}.example", *to)
    assert (changed["settings"], changed["hosts"]) == ({"access_token_lifetime": 60}, [f"{name}.example"])
    assert run("env", "change", name, "--no-hosts", *to)["hosts"] == []
    assert name in [one["name"] for one in run("env", "list", *to)]
    assert run("env", "show", name, *to)["settings"] == {"access_token_lifetime": 60}
    within = ("--env", name, *to)
    assert run("clock", "advance", "PT2H", *within)["offset"] == "PT2H"
    assert run("clock", "set", "2027-01-01T00:00:00Z", *within)["now"][:15] == "2027-01-01T00:0"
    assert run("clock", "offset", "P1D", *within)["offset"] == "P1D"
    assert run("clock", "freeze", *within)["frozen"] is True
    assert run("clock", "go-on", *within)["frozen"] is False
    assert run("clock", "reset", *within)["offset"] == "PT0S"
    assert run("clock", "show", *to)["offset"] == "PT0S"
    (first,) = run("keys", "list", *within)
    waiting = run("keys", "new", "--algorithm", "ES384", "--withheld", *within)
    assert (waiting["state"], waiting["published"]) == ("next", False)
    assert run("keys", "publish", waiting["kid"], *within)["published"] is True
    assert run("keys", "rotate", *within)["active"]["kid"] == waiting["kid"]
    assert run("keys", "retire", first["kid"], *within)["published"] is False
    assert run("keys", "delete", first["kid"], *within) == {"deleted": first["kid"]}
    file = Path("mine.json")
    file.write_text(json.dumps(private_jwk("ES256", 3)), encoding="utf-8")
    assert run("keys", "import", str(file), "--kid", "mine", *within)["algorithm"] == "ES256"
    assert run("keys", "rotate", "--kid", "mine", *within)["active"]["kid"] == "mine"
    taken = run("snapshot", "take", "--name", "a", *within)
    assert [one["id"] for one in run("snapshot", "list", *within)] == [taken["id"]]
    run("clock", "advance", "PT1H", *within)
    assert run("snapshot", "restore", taken["id"], *within)["environments"] == [name]
    assert run("clock", "show", *within)["offset"] == "PT0S"
    assert run("snapshot", "delete", taken["id"], *within) == {"deleted": taken["id"]}
    assert run("reset", *within)["environments"] == [name]
    assert run("reset", "--tag", "none", *to)["removed"] == {}
    assert "no environment is called" in run("clock", "show", "--env", "none", *to, status=2)["error"]
    assert "ISO 8601" in run("clock", "advance", "long", *to, status=2)["error"]
    assert run("env", "delete", name, *to) == {"deleted": name}
    assert "no environment is called" in run("env", "show", name, *to, status=2)["error"]


@pytest.mark.covers("control.commands")
def test_each_works_on_the_database(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    steer_all(run)


@pytest.mark.covers("control.commands")
def test_each_works_on_a_running_server(
    run: Run, live: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    steer_all(run, "--url", live.issuer)


@pytest.mark.covers("control.commands")
def test_people_get_lines_and_tables(run: Run) -> None:
    assert run("env", "create", "w1", says_json=False) == "http://localhost:8080/env/w1\n"
    shown = run("clock", "advance", "PT2H", says_json=False).splitlines()
    assert [line.partition(":")[0] for line in shown] == ["now", "wall", "offset", "frozen", "follows", "stays"]
    assert run("keys", "list", says_json=False).splitlines()[0].split()[:2] == ["KID", "ALGORITHM"]
    assert run("env", "list", says_json=False).splitlines()[2].split()[0] == "w1"
    assert run("reset", says_json=False).splitlines()[0].split() == ["environments:", "default"]
