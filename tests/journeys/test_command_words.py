"""The command line as one explores it: near names, colours, completion, rules, the journal, and deleting."""

import argparse
import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_sts.cli.main import make_parser
from mock_sts.cli.parser import CLIENT, PERSONA, RULE, held_by
from mock_sts.helseid.profile import BOOK
from mock_sts.services.control.journal_export import as_mermaid
from tests.support import processes
from tests.support.emulator import LiveServer

#: Looks into files of SQLite, or is about commands on them.
pytestmark = pytest.mark.sqlite

RULES = [rule for chapter in BOOK for rule in chapter.requirements]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("words"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user with a database of their own and no server."""
    url = f"sqlite:///{tmp_path_factory.mktemp('alone') / 'a.sqlite'}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}
    return {**kept, "MOCK_STS_DATABASE_URL": url}


def run(*words: str, env: dict[str, str], status: int = 0) -> str:
    """What a command prints on both outputs."""
    done = processes.run(*words, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.covers("cli.meant")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("tokn",), "invalid choice: 'tokn'; did you mean token? choose from: serve,"),
        (("JOURNAL",), "did you mean journal?"),
        (("xyzzy",), "invalid choice: 'xyzzy'; choose from: serve,"),
        (("persona", "lst"), "did you mean list? choose from: list, show, new, delete"),
        (("client", "new", "--tenancy", "single"), "did you mean single-tenant?"),
        (("journal", "--outcom", "refused"), "did you mean --outcome?"),
        (("journal", "--rule", "dpop.nonc"), "did you mean 'dpop.nonce'"),
        (("journal", "--limit", "0"), "'0' is no whole number from 1 to 1000"),
        (("journal", "what"), "neither the number of an entry nor an error id"),
        (("explain", "dpop.nonc"), "did you mean 'dpop.nonce'"),
        (("explain", "dpopp"), "did you mean 'dpop'"),
        (("explain", "xyzzy"), "no rule has the id 'xyzzy'; mock-sts explain without a name lists all"),
    ],
)
def test_a_wrong_word_is_answered_with_a_near_one(words: tuple[str, ...], says: str, alone: dict[str, str]) -> None:
    assert says in run(*words, env=alone, status=2)


def on_a_terminal(*words: str, env: dict[str, str]) -> str:
    """What a command prints on a terminal of its own."""
    ours, theirs = pty.openpty()
    process = processes.popen(
        [*processes.COMMAND, *words], env=env, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    process.wait(processes.PATIENCE)
    return said.decode()


@pytest.mark.covers("cli.colours")
@pytest.mark.slow
def test_colours_are_for_a_terminal(alone: dict[str, str]) -> None:
    plain = {name: value for name, value in alone.items() if name not in ("NO_COLOR", "FORCE_COLOR")} | {
        "TERM": "xterm"
    }
    assert "\x1b[1mdpop.nonce\x1b[0m" in on_a_terminal("explain", "dpop.nonce", env=plain)
    assert "\x1b" not in on_a_terminal("explain", "dpop.nonce", env={**plain, "NO_COLOR": "1"})
    assert "\x1b" not in on_a_terminal("explain", "dpop.nonce", env={**plain, "TERM": "dumb"})


@pytest.mark.covers("cli.colours")
def test_a_pipe_has_none_unless_it_is_forced(alone: dict[str, str]) -> None:
    plain = {name: value for name, value in alone.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    assert "\x1b" not in run("explain", "dpop", env=plain)
    assert "\x1b[31m" in run("explain", "xyzzy", env={**plain, "FORCE_COLOR": "1"}, status=2)
    assert "\x1b" not in run("explain", "xyzzy", env={**plain, "FORCE_COLOR": "1", "NO_COLOR": "1"}, status=2)


def commands_of(parser: argparse.ArgumentParser) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command with its words."""
    yield (), parser
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for name, inner in action.choices.items():
                for words, found in commands_of(inner):
                    yield (name, *words), found


def offered(line: str, script: Path, env: dict[str, str]) -> list[str]:
    """What bash offers at the end of ``line``."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    code = (
        f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMP_LINE='{line}'; "
        f"_shtab_mock_sts mock-sts '{words[-1]}' '{words[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", code], env=env, capture_output=True, text=True, check=True, timeout=120)
    return [word.strip() for word in done.stdout.split("\n") if word.strip()]


@pytest.mark.covers("cli.completion")
def test_bash_completes_every_command_and_option(alone: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(run("completion", "bash", env=alone), encoding="utf-8")
    assert "token" in offered("mock-sts tok", script, alone)
    assert sorted(offered("mock-sts persona ", script, alone)) == ["delete", "list", "new", "show"]
    assert "--redirect-uri" in offered("mock-sts client new --redir", script, alone)
    text = script.read_text(encoding="utf-8")
    for words, parser in commands_of(make_parser()):
        for action in parser._actions:
            for option in action.option_strings if action.help != argparse.SUPPRESS else ():
                assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), (words, option)


@pytest.mark.covers("cli.completion")
def test_bash_completes_names(alone: dict[str, str], tmp_path: Path) -> None:
    """It asks the command itself; what stands for that here is on the path."""
    (tmp_path / "bin").mkdir()
    processes.put_stand_in(tmp_path / "bin" / "mock-sts")
    env = {**alone, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{alone['PATH']}"}
    script = tmp_path / "completion"
    script.write_text(run("completion", "bash", env=alone), encoding="utf-8")
    assert "demo-machine-bearer" in offered("mock-sts client show demo-mach", script, env)
    assert offered("mock-sts explain dpop.nonce-", script, env) == ["dpop.nonce-current"]


@pytest.mark.covers("cli.completion")
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(shell: str, alone: dict[str, str]) -> None:
    text = run("completion", shell, env=alone)
    for words, _ in commands_of(make_parser()):
        assert all(word in text for word in words), words
    assert "completion --words client" in text


@pytest.mark.covers("cli.completion")
def test_names_come_from_the_database_and_else_from_the_files(alone: dict[str, str], tmp_path: Path) -> None:
    database = tmp_path / "another.sqlite"
    env = {**alone, "MOCK_STS_DATABASE_URL": f"sqlite:///{database}"}
    people = run("completion", "--words", PERSONA, env=env).splitlines()
    assert "kvart-grevling" in people
    assert "demo-machine" in run("completion", "--words", CLIENT, env=env).splitlines()
    assert not database.exists(), "a key pressed in a shell makes no database"
    run("client", "new", "--client-id", "my-own", env=env)
    assert "my-own" in run("completion", "--words", CLIENT, env=env).splitlines()
    assert run("completion", "--words", RULE, env=env).splitlines() == [rule.id for rule in RULES]
    assert held_by(make_parser()._actions[0]) is None


@pytest.mark.covers("cli.explain")
def test_every_rule_is_explained(alone: dict[str, str]) -> None:
    found = json.loads(run("explain", "--json", env=alone))
    assert [(one["rule"], one["title"], one["remedy"], one["source"]) for one in found] == [
        (rule.id, rule.title, rule.remedy, rule.source) for rule in RULES
    ]
    listed = run("explain", env=alone)
    assert all(rule.id in listed for rule in RULES)
    for rule in RULES[:1] + RULES[-1:]:
        text = run("explain", rule.id, env=alone)
        assert all(part in text for part in (rule.id, rule.title, rule.remedy, rule.source))
    nonce = run("explain", "DPoP.Nonce", env=alone)
    assert "helseid challenged" in nonce
    assert "use_dpop_nonce" in nonce


@pytest.mark.covers("cli.journal")
def test_the_journal_is_listed_filtered_and_shown(server: LiveServer) -> None:
    env = server.environment
    run("token", "demo-machine", env=env)
    run("token", "demo-machine-bearer", "--bearer", env=env)
    run("token", "demo-machine", "--scope", "nhn:unknown/scope", env=env, status=2)
    by_http = ("--url", server.issuer)
    for where in ((), by_http):
        entries = json.loads(run("journal", *where, "--json", env=env))
        assert [entry["id"] for entry in entries] == sorted((entry["id"] for entry in entries), reverse=True)
        assert {entry["client_id"] for entry in entries} == {"demo-machine", "demo-machine-bearer"}
        refused = json.loads(run("journal", *where, "--outcome", "refused", "--json", env=env))
        assert [entry["rule"] for entry in refused] == ["scope.allowed"]
        of_one = json.loads(run("journal", *where, "--client", "demo-machine-bearer", "--json", env=env))
        assert {entry["client_id"] for entry in of_one} == {"demo-machine-bearer"}
        assert len(json.loads(run("journal", *where, "--rule", "dpop.nonce", "--limit", "1", "--json", env=env))) == 1
        text = run("journal", *where, str(refused[0]["id"]), env=env)
        assert "refused" in text
        assert re.search(r"^  remedy +add the scope", text, re.MULTILINE)
        assert "nhn:unknown/scope" in text
        assert "has no entry 999999" in run("journal", *where, "999999", env=env, status=2)
        assert "has no entry 0123456789abcdef" in run("journal", *where, "0123456789abcdef", env=env, status=2)
    listed = run("journal", env=env)
    assert "scope.allowed" in listed
    assert "demo-machine-bearer" in listed


@pytest.mark.covers("journal.export")
def test_the_journal_is_written_as_text_archive_and_diagram(server: LiveServer) -> None:
    env = server.environment
    run("token", "demo-machine", "--scope", "nhn:unknown/scope", env=env, status=2)
    chosen = ("--client", "demo-machine", "--rule", "scope.allowed")
    for where in ((), ("--url", server.issuer)):
        entries = json.loads(run("journal", *where, *chosen, "--json", env=env))[::-1]
        text = run("journal", *where, *chosen, "--format", "text", env=env)
        assert re.findall(r"^entry +(\d+)", text, re.MULTILINE) == [str(entry["id"]) for entry in entries]
        archive = json.loads(run("journal", *where, *chosen, "--format", "har", env=env))["log"]
        assert [one["_entry"] for one in archive["entries"]] == entries
        last = archive["entries"][-1]
        assert last["request"]["url"] == f"{server.issuer}/connect/token" and last["request"]["method"] == "POST"
        assert last["response"]["statusText"] == "refused: invalid_scope"
        drawn = run("journal", *where, *chosen, "--format", "mermaid", env=env).splitlines()
        assert drawn[:3] == ["sequenceDiagram", "    participant C1 as demo-machine", "    participant S as HelseID"]
        assert any(line.startswith("    Note over C1,S: scope.allowed: ") for line in drawn)
        assert drawn[-1] == "    S--xC1: refused: invalid_scope"
    run("token", "demo-machine-bearer", "--bearer", env=env)
    newest = json.loads(run("journal", "--outcome", "granted", "--limit", "1", "--json", env=env))[0]
    one_flow = run("journal", "--flow", newest["flow"], "--format", "mermaid", env=env)
    assert one_flow.count("->>S") == 1 and one_flow.endswith("S-->>C1: granted\n")
    assert "one of them" in run("journal", "--format", "har", "--json", env=env, status=2)


@pytest.mark.covers("journal.export")
def test_a_diagram_takes_text_of_strangers_as_text() -> None:
    entry = {
        "id": 1,
        "at": 0,
        "endpoint": "/connect/authorize",
        "client_id": "a\nS->>B: <b>;#",
        "outcome": "refused",
        "error": "x" * 500,
        "findings": {"broken": []},
        "faults": [{"id": "1", "effect": "delay"}],
    }
    drawn = as_mermaid([entry]).splitlines()
    assert drawn[1:3] == ["    participant B as Browser", "    participant C1 as a S-#62;#62;B: #60;b#62;#59;#35;"]
    assert drawn[4:6] == ["    B->>S: /connect/authorize", "    Note over B,S: fault on order: delay"]
    assert len(drawn[6]) < 120


@pytest.mark.covers("cli.journal")
def test_a_journal_that_is_not_there_or_closed_says_so(alone: dict[str, str], tmp_path: Path) -> None:
    env = {**alone, "MOCK_STS_DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite'}"}
    assert "--url asks a running server" in run("journal", env=env, status=2)
    assert not (tmp_path / "none.sqlite").exists()
    assert "no answer from" in run("journal", "--url", "http://127.0.0.1:1", env=env, status=2)
    guarded = LiveServer(tmp_path, admin_token="let-me-in")
    try:
        words = ("journal", "--url", guarded.issuer)
        said = run(*words, env=guarded.environment, status=2)
        assert "MOCK_STS_ADMIN_TOKEN" in said
        assert "--with-admin-token" in said
        assert "0 entries" in run(*words, "--with-admin-token", env=guarded.environment)
    finally:
        guarded.stop()


@pytest.mark.covers("cli.delete")
def test_what_was_made_is_deleted_and_what_is_shipped_is_not(server: LiveServer) -> None:
    env = server.environment
    run("client", "new", "--client-id", "short-lived", env=env)
    card = json.loads(run("client", "show", "short-lived", "--json", env=env))
    key_file = Path(card["private_key_file"])
    run("token", "short-lived", env=env)
    assert "and its private key" in run("client", "delete", "short-lived", env=env)
    assert not key_file.exists()
    assert "no private key" in run("token", "short-lived", env=env, status=2)
    assert "no client has the id 'short-lived'" in run("client", "delete", "short-lived", env=env, status=2)
    run("client", "new", "--client-id", "short-lived", env=env)  # the id is free again
    assert "stands in a fixture file" in run("client", "delete", "demo-machine", env=env, status=2)
    run("token", "demo-machine", env=env)

    pid = json.loads(run("persona", "new", "--persona", "short-lived", "--json", env=env))["members"]["pid"]
    assert run("persona", "delete", "short-lived", env=env) == f"deleted {pid}\n"
    assert "no person has" in run("persona", "show", "short-lived", env=env, status=2)
    assert "stands in a fixture file" in run("persona", "delete", "06828399789", env=env, status=2)
    # A pid that no row has could be invented, and is nothing to delete.
    assert "no person has" in run("persona", "delete", pid, env=env, status=2)
