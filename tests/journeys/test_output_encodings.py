"""Every command prints whatever the output takes: letters that it has not leave as escapes, never as a traceback."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mock_sts.cli.main import main
from mock_sts.setup import prepare_store
from tests.support.emulator import settings_for
from tests.support.keys import private_jwk, public_jwk

#: Commands on a database that the tests make by its path.
pytestmark = pytest.mark.sqlite

#: Every command, with letters outside ASCII where it takes any, and the status it ends with; another is another line.
COMMANDS: dict[str, tuple[tuple[str, ...], int]] = {
    "persona list": (("persona", "list", "MÅNESTEIN"), 0),
    "persona list of all": (("persona", "list"), 0),
    "persona list as JSON": (("persona", "list", "--json"), 0),
    "persona list without any": (("persona", "list", "ØÆÅ-日本-😀"), 0),
    "persona show": (("persona", "show", "ærlig-ål"), 0),
    "persona show as JSON": (("persona", "show", "ærlig-ål", "--json"), 0),
    "persona show of nobody": (("persona", "show", "ÅNEI"), 2),
    "persona show of nobody as JSON": (("persona", "show", "ÅNEI", "--json"), 2),
    "persona new": (("persona", "new", "--name", "BJØRN ÅS 😀", "--description", "tæst"), 0),
    "persona new as JSON": (("persona", "new", "--name", "BJØRN ÅS", "--json"), 0),
    "persona new with a fault": (("persona", "new", "--pid", "å"), 2),
    "client list": (("client", "list"), 0),
    "client list with words": (("client", "list", "blåbær"), 0),
    "client list as JSON": (("client", "list", "--json"), 0),
    "client show": (("client", "show", "blåbær"), 0),
    "client show as JSON": (("client", "show", "blåbær", "--json"), 0),
    "client show of none": (("client", "show", "Ø"), 2),
    "client new": (("client", "new", "--client-id", "blå-{n}", "--name", "Kåre 😀", "--scope", "blå:bær/les"), 0),
    "client new as JSON": (("client", "new", "--name", "Kåre", "--json"), 0),
    "client new for logins": (("client", "new", "--redirect-uri", "https://bücher.example/å"), 0),
    "client new with a fault": (("client", "new", "--redirect-uri", "å"), 2),
    "fixtures check": (("fixtures", "check"), 1),
    "fixtures check, all assumed": (("fixtures", "check", "--verbose"), 1),
    "fixtures check as JSON": (("fixtures", "check", "--json"), 1),
    "fixtures load": (("fixtures", "load"), 0),
    "fixtures export": (("fixtures", "export", "{folder}/eksportå{n}"), 0),
    "fixtures generate": (("fixtures", "generate", "--folder", "{folder}", "--people", "2"), 0),
    "fixtures generate into no folder": (("fixtures", "generate", "--folder", "{folder}/gø"), 2),
    "prepare": (("prepare",), 0),
    "ca --path": (("ca", "--path"), 0),
    "ca": (("ca",), 0),
    "token of no client": (("token", "blåbær", "--url", "http://localhost:9"), 2),
    "token with a key that is none": (("token", "x", "--key", "{folder}/nøkkel.json"), 2),
    "token for a URL that is none": (("token", "demo-machine", "--url", "http://bücher:9"), 2),
    "health": (("health", "--url", "http://bücher.invalid:9"), 1),
    "doctor": (("doctor", "--from", "http://bücher.invalid:9"), 2),
    "doctor as JSON": (("doctor", "--from", "http://bücher.invalid:9", "--json"), 2),
    "unknown option": (("serve", "--prøt"), 2),
    "unknown command": (("bær",), 2),
    "help": (("persona", "--help"), 0),
    "serve with a wrong setting": (("serve", "--port", "å"), 2),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database, and a world in it with letters of many kinds."""
    folder = tmp_path_factory.mktemp("blåbær")
    own = folder / "verden"
    (own / "clients").mkdir(parents=True)
    (own / "personas.yaml").write_text(
        '- {pid: "01815012345", persona: ærlig-ål, given_name: ÆRLIG, family_name: ÅL, description: "日本 😀"}\n',
        encoding="utf-8",
    )
    client = {
        "client_id": "blåbær",
        "client_name": "Blåbær 😀",
        "grant_types": ["client_credentials"],
        "scope": "blå:bær/les",
        "jwks": {"keys": [public_jwk(private_jwk("ES256", 1))]},
        "tenancy": "single-tenant",
    }
    (own / "clients" / "blåbær.json").write_text(json.dumps(client, ensure_ascii=False), encoding="utf-8")
    prepare_store(settings_for(folder / "åpen.sqlite", fixtures=str(own)))
    return folder


@pytest.fixture
def run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command with outputs of an encoding; its status and what it printed."""
    database = tmp_path / "data-ø" / "x.sqlite"
    database.parent.mkdir()
    shutil.copy(folder / "åpen.sqlite", database)
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{database}")
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(folder / "verden"))
    calls = 0

    def run(encoding: str, *arguments: str) -> tuple[int, str, str]:
        nonlocal calls
        calls += 1
        out, err = io.BytesIO(), io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding=encoding, errors="backslashreplace"))
        try:
            status = main([word.replace("{folder}", str(tmp_path)).replace("{n}", str(calls)) for word in arguments])
        except SystemExit as stop:
            status = int(str(stop.code))
        sys.stdout.flush()
        sys.stderr.flush()
        printed = out.getvalue().decode(encoding), err.getvalue().decode(encoding)
        monkeypatch.undo()
        monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{database}")
        monkeypatch.setenv("MOCK_STS_FIXTURES", str(folder / "verden"))
        return (status, *printed)

    return run


#: What differs from call to call: keys, ids, and people who are made.
STABLE_JSON = [name for name in COMMANDS if "as JSON" in name and " new " not in name]


@pytest.mark.covers("text.output")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_as_it_would_whatever_its_output_takes(
    run: Callable[..., tuple[int, str, str]], name: str, encoding: str
) -> None:
    arguments, status = COMMANDS[name]
    found, out, err = run(encoding, *arguments)
    assert found == status, out + err
    assert "Traceback" not in err
    if "--json" in arguments and name != "persona new with a fault":
        value: Any = json.loads(out)
        if name in STABLE_JSON and encoding == "ascii" and "doctor" not in name:
            assert value == json.loads(run("utf-8", *arguments)[1])


@pytest.mark.covers("text.output")
def test_yaml_to_be_copied_is_the_same_in_every_encoding(run: Callable[..., tuple[int, str, str]]) -> None:
    for encoding in ("ascii", "utf-8"):
        _, out, _ = run(encoding, "persona", "new", "--name", "BJØRN ÅS", "--description", "日本: 😀")
        (document,) = yaml.safe_load(out.partition("own personas.yaml:\n")[2])
        assert (document["given_name"], document["family_name"]) == ("BJØRN", "ÅS")
        assert document["description"] == "日本: 😀"


def called(arguments: list[bytes | str], folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The real thing: ``mock-sts`` as a process of its own."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("MOCK_STS_", "LC_", "PYTHON"))}
    usual["MOCK_STS_DATABASE_URL"] = f"sqlite:///{folder}/åpen.sqlite"
    usual["MOCK_STS_FIXTURES"] = str(folder / "verden")
    command = [os.fsencode(sys.executable), b"-m", b"mock_sts", *map(os.fsencode, arguments)]
    return subprocess.run(command, env={**usual, **environment}, capture_output=True, timeout=120, check=False)


@pytest.mark.covers("text.output")
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict", "LANG": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C"},
    ],
    ids=["output", "strict", "everything", "coerced"],
)
@pytest.mark.slow
def test_a_process_of_its_own_prints_people_with_odd_letters(folder: Path, environment: dict[str, str]) -> None:
    done = called(["persona", "list", "ÆRLIG"], folder, **environment)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert b"2 people with" in done.stdout


@pytest.mark.covers("text.output")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([b"persona", b"show", b"\xff"], b"is no text in UTF-8"),
        ([b"persona", b"list", b"K\xe5re"], b"is no text in UTF-8"),
        ([b"client", b"new", b"--name", b"\xff"], b"is no text in UTF-8"),
        ([b"token", b"demo-machine", b"--scope", b"\xff"], b"is no text in UTF-8"),
        ([b"token", b"x", b"--key", b"/none/\xff"], b"no private key for 'x' in /none/\\udcff"),
        ([b"health", b"--url", b"http://\xff"], b"is no text in UTF-8"),
        ([b"serve", b"--\xff"], b"unrecognized arguments: --\\udcff"),
        ([b"\xff"], b"invalid choice: '\\udcff'"),
    ],
)
def test_arguments_in_odd_bytes_are_told(folder: Path, arguments: list[bytes | str], says: bytes) -> None:
    done = called(arguments, folder)
    assert done.returncode == 2 and says in done.stderr and b"Traceback" not in done.stderr, done.stderr


@pytest.mark.slow
def test_paths_may_be_of_any_bytes(folder: Path, tmp_path: Path) -> None:
    target = os.fsencode(tmp_path) + b"/eksp\xe5rt"
    done = called([b"fixtures", b"export", target], folder, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert (Path(os.fsdecode(target)) / "personas.yaml").is_file()
