"""Fixtures that are no plain files: what a link leads to is read, and whatever is not read is told."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mock_sts.cli.main import main
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.services.registry.checks import check_world
from mock_sts.services.registry.preparation import load_fixtures
from mock_sts.store.fixtures import files
from mock_sts.store.fixtures.export import Export, write_folder
from mock_sts.store.fixtures.files import digest_of, unread_files
from mock_sts.store.fixtures.rows import read_world
from mock_sts.store.sqlite.peek import is_prepared
from tests.support.databases import database_file
from tests.support.emulator import Emulator
from tests.support.keys import private_jwk, public_jwk

Arrange = Callable[[Path, Path], object]

CLIENT = {
    "client_id": "mine",
    "grant_types": ["client_credentials"],
    "scope": "test:api/read",
    "jwks": {"keys": [public_jwk(private_jwk("ES256", 1))]},
}
ORGANIZATION = '- {number: "315000106", name: Ours}\n'


def make(file: Path, content: str = json.dumps(CLIENT)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def link(name: Path, target: Path | str) -> Path:
    name.parent.mkdir(parents=True, exist_ok=True)
    name.symlink_to(target)
    return name


def _config_map(folder: Path, elsewhere: Path) -> None:
    """As Kubernetes mounts one."""
    make(folder / "clients" / "..2026_01" / "mine.yaml")
    link(folder / "clients" / "..data", "..2026_01")
    link(folder / "clients" / "mine.yaml", "..data/mine.yaml")


def _loop_beside(folder: Path, elsewhere: Path) -> None:
    make(folder / "clients" / "team" / "mine.yaml")
    link(folder / "clients" / "team" / "again", folder / "clients")


#: Names that a file of people, organizations or APIs may have, and what may stand in it.
NAMES = [
    (f"{stem}{ending}", content)
    for stem in ("personas", "organizations", "apis")
    for ending, content in ((".yaml", "yaml"), (".yaml", "json"), (".yml", "yaml"), (".json", "json"))
]
ENTRIES: dict[str, dict[str, object]] = {
    "personas": {"pid": "01815012345", "given_name": "ÆRLIG", "family_name": "NAVN"},
    "organizations": {"number": "315000106", "name": "Ours"},
    "apis": {"audience": "ours:api", "scopes": ["ours:api/read"]},
}


@pytest.mark.covers("text.json-fixtures")
@pytest.mark.parametrize(("name", "content"), NAMES)
def test_json_is_read_where_yaml_is(tmp_path: Path, name: str, content: str) -> None:
    """As clients/x.json is; and JSON in a .yaml file, for it is YAML."""
    stem = name.partition(".")[0]
    text = json.dumps([ENTRIES[stem]]) if content == "json" else yaml.safe_dump([ENTRIES[stem]], allow_unicode=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert unread_files(tmp_path) == []
    found = read_world([tmp_path]).entries[stem[:-1]]
    assert [dict(entry.document) for entry in found.values()] == [ENTRIES[stem]]


#: Ways in which the client ``mine`` can lie in ``folder``, with something in ``elsewhere``; another is another line.
READ: dict[str, Arrange] = {
    "file": lambda folder, elsewhere: make(folder / "clients" / "mine.yaml"),
    "link to a file": lambda folder, elsewhere: link(folder / "clients" / "mine.yaml", make(elsewhere / "x.json")),
    "link to a file without ending": lambda folder, elsewhere: link(
        folder / "clients" / "mine.json", make(elsewhere / "x")
    ),
    "link to a link": lambda folder, elsewhere: (
        link(elsewhere / "b", make(elsewhere / "a")),
        link(folder / "clients" / "mine.yaml", elsewhere / "b"),
    ),
    "relative link": lambda folder, elsewhere: (
        make(folder / "files" / "mine"),
        link(folder / "clients" / "mine.yaml", "../files/mine"),
    ),
    "link to a folder": lambda folder, elsewhere: (
        make(elsewhere / "team" / "mine.yaml"),
        link(folder / "clients" / "team", elsewhere / "team"),
    ),
    "folder below a link": lambda folder, elsewhere: (
        make(elsewhere / "a" / "b" / "mine.yaml"),
        link(folder / "clients" / "team", elsewhere),
    ),
    "link below a link": lambda folder, elsewhere: (
        make(elsewhere / "b" / "mine.yaml"),
        link(elsewhere / "a" / "on", elsewhere / "b"),
        link(folder / "clients" / "team", elsewhere / "a"),
    ),
    "clients is a link": lambda folder, elsewhere: (
        make(elsewhere / "mine.yaml"),
        link(folder / "clients", elsewhere),
    ),
    "two links to one folder": lambda folder, elsewhere: (
        make(elsewhere / "mine.yaml"),
        link(folder / "clients" / "a", elsewhere),
        link(folder / "clients" / "b", elsewhere),
    ),
    "folder with the name of a file": lambda folder, elsewhere: make(folder / "clients" / "x.yaml" / "mine.yaml"),
    "ConfigMap": _config_map,
    "name that is no UTF-8": lambda folder, elsewhere: make(folder / "clients" / os.fsdecode(b"m\xe5ne.yaml")),
}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of fixtures, and another one."""
    for name in ("own", "elsewhere"):
        (tmp_path / name).mkdir()
    return tmp_path / "own", tmp_path / "elsewhere"


@pytest.mark.covers("text.links")
@pytest.mark.parametrize("case", READ)
def test_what_a_link_leads_to_is_read(sts: Emulator, folders: tuple[Path, Path], case: str) -> None:
    folder, elsewhere = folders
    READ[case](folder, elsewhere)
    assert set(read_world([folder]).entries["client"]) == {"mine"}
    assert unread_files(folder) == []
    assert load_fixtures(sts.store, [folder]).changed
    assert not load_fixtures(sts.store, [folder]).changed


@pytest.mark.covers("text.links")
def test_a_change_behind_a_link_is_noticed(folders: tuple[Path, Path]) -> None:
    folder, elsewhere = folders
    file = make(elsewhere / "mine.yaml")
    link(folder / "clients" / "team", elsewhere)
    before = digest_of([folder])
    file.write_text(json.dumps({**CLIENT, "client_name": "changed"}))
    assert digest_of([folder]) != before


def test_other_files_may_be_links_too(folders: tuple[Path, Path]) -> None:
    folder, elsewhere = folders
    link(folder / "organizations.yaml", make(elsewhere / "x", ORGANIZATION))
    assert set(read_world([folder]).entries["organization"]) == {"315000106"}


def _pipe(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file)


def _socket(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    here = Path.cwd()
    os.chdir(file.parent)  # the path of a socket may have a hundred characters
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(file.name)
    finally:
        os.chdir(here)


#: What is not read, by the name that is told, and the words that tell it; another is another line.
TOLD: dict[str, tuple[str, Arrange, str]] = {
    "broken link to a client": (
        "clients/x.yaml",
        lambda folder, elsewhere: link(folder / "clients" / "x.yaml", elsewhere / "none"),
        "is a link that leads nowhere; mend it, or remove it",
    ),
    "broken link to a folder": (
        "clients/team",
        lambda folder, elsewhere: link(folder / "clients" / "team", elsewhere / "none"),
        "is a link that leads nowhere; mend it, or remove it",
    ),
    "broken link in a folder": (
        "clients/team/x.json",
        lambda folder, elsewhere: link(folder / "clients" / "team" / "x.json", elsewhere / "none"),
        "is a link that leads nowhere; mend it, or remove it",
    ),
    "broken link of another file": (
        "personas.yaml",
        lambda folder, elsewhere: link(folder / "personas.yaml", elsewhere / "none"),
        "is a link that leads nowhere; mend it, or remove it",
    ),
    "broken link for all clients": (
        "clients",
        lambda folder, elsewhere: link(folder / "clients", elsewhere / "none"),
        "is a link that leads nowhere; mend it, or remove it",
    ),
    "link to itself": (
        "clients/x.yaml",
        lambda folder, elsewhere: link(folder / "clients" / "x.yaml", "x.yaml"),
        "is a link that leads to itself; mend it, or remove it",
    ),
    "links to each other": (
        "clients/x.yaml",
        lambda folder, elsewhere: (
            link(folder / "clients" / "x.yaml", "y"),
            link(folder / "clients" / "y", "x.yaml"),
        ),
        "is a link that leads to itself; mend it, or remove it",
    ),
    "clients lead to themselves": (
        "clients",
        lambda folder, elsewhere: link(folder / "clients", "clients"),
        "is a link that leads to itself; mend it, or remove it",
    ),
    "link to a folder above": (
        "clients/team/again",
        _loop_beside,
        "is a link that leads back to a folder above it, and is not followed; remove it",
    ),
    "pipe": (
        "clients/x.yaml",
        lambda folder, elsewhere: _pipe(folder / "clients" / "x.yaml"),
        "is a pipe, and not read; put a file there, or remove it",
    ),
    "pipe of another file": (
        "apis.yaml",
        lambda folder, elsewhere: _pipe(folder / "apis.yaml"),
        "is a pipe, and not read; put a file there, or remove it",
    ),
    "socket": (
        "clients/x.json",
        lambda folder, elsewhere: _socket(folder / "clients" / "x.json"),
        "is a socket, and not read; put a file there, or remove it",
    ),
    "device": (
        "clients/x.yaml",
        lambda folder, elsewhere: link(folder / "clients" / "x.yaml", "/dev/null"),
        "is a device, and not read; put a file there, or remove it",
    ),
    "folder in place of a file": (
        "personas.yaml",
        lambda folder, elsewhere: make(folder / "personas.yaml" / "x.txt", ""),
        "is a folder, and not read; put a file there, or remove it",
    ),
    "file in place of a folder": (
        "clients",
        lambda folder, elsewhere: make(folder / "clients", ""),
        "is not read; clients have files of their own: clients/NAME.yaml",
    ),
    "file in a folder that is a link": (
        "team/x.yaml",
        lambda folder, elsewhere: (make(elsewhere / "x.yaml"), link(folder / "team", elsewhere)),
        "is not read; files are called",
    ),
}


@pytest.mark.covers("text.links")
@pytest.mark.parametrize("case", TOLD)
def test_what_is_not_read_is_told_with_the_remedy(sts: Emulator, folders: tuple[Path, Path], case: str) -> None:
    folder, elsewhere = folders
    name, arrange, words = TOLD[case]
    arrange(folder, elsewhere)
    told = unread_files(folder)
    assert [sentence for sentence in told if sentence.startswith(f"{folder / name} {words}")], told
    assert set(told) <= set(check_world([folder]).warnings)
    assert set(told) <= set(load_fixtures(sts.store, [folder]).warnings)


#: What cannot be looked into; another is another line.
UNREADABLE: dict[str, Arrange] = {
    "file": lambda folder, elsewhere: link(folder / "clients" / "x.yaml", "/proc/self/mem"),
    "other file": lambda folder, elsewhere: link(folder / "personas.yaml", "/proc/self/mem"),
}


@pytest.mark.covers("text.links")
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux' /proc")
@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_refused_with_a_sentence(sts: Emulator, folders: tuple[Path, Path], case: str) -> None:
    UNREADABLE[case](*folders)
    for look in (lambda: read_world([folders[0]]), lambda: load_fixtures(sts.store, [folders[0]])):
        with pytest.raises(DocumentError, match=r"cannot be read: .*; let this user read it, or remove it"):
            look()
    assert not is_prepared(database_file(sts.settings), [folders[0]])


def test_a_folder_that_may_not_be_looked_into_is_refused_with_a_sentence(
    sts: Emulator, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = folders
    make(folder / "clients" / "team" / "mine.yaml")
    real = Path.iterdir

    def closed(path: Path) -> object:
        if path.name == "team":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(DocumentError, match=r"clients/team: cannot be read: Permission denied; let this user read it"):
        load_fixtures(sts.store, [folder])


def test_a_link_that_leads_too_far_is_refused(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, elsewhere = folders
    monkeypatch.setattr(files, "_MOST_FOLDERS", 20)
    for number in range(30):
        (elsewhere / str(number)).mkdir()
    link(folder / "clients" / "all", elsewhere)
    with pytest.raises(DocumentError, match="more than 20 folders in it; a link may lead too far"):
        read_world([folder])


def test_many_links_among_folders_cost_each_folder_once(folders: tuple[Path, Path]) -> None:
    folder, elsewhere = folders
    for number in range(30):
        (elsewhere / str(number)).mkdir()
        for name in ("a", "b"):
            link(elsewhere / str(number) / name, elsewhere / str(number + 1))
    make(elsewhere / "30" / "mine.yaml")
    link(folder / "clients" / "start", elsewhere / "0")
    assert set(read_world([folder]).entries["client"]) == {"mine"}


def test_an_export_does_not_reach_through_a_link(folders: tuple[Path, Path]) -> None:
    folder, elsewhere = folders
    file = make(elsewhere / "mine.yaml")
    link(folder / "clients" / "team", elsewhere)
    entries = {"organization": {}, "persona": {}, "api": {}, "client": {"mine": CLIENT}}
    with pytest.raises(DocumentError, match=r"clients/team: is a link to a folder.*\nNothing was written"):
        write_folder(folder, Export(entries, entries))
    assert file.exists()


@pytest.mark.covers("text.links")
def test_a_key_file_may_be_a_link_or_a_pipe_and_a_broken_link_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, itself = tmp_path / "nowhere.json", tmp_path / "itself.json"
    link(nowhere, tmp_path / "none")
    link(itself, itself)
    for file, words in (
        (nowhere, "nowhere.json: is a link that leads nowhere; mend it, or remove it"),
        (itself, "itself.json: is a link that leads to itself"),
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "none.json", "no private key for 'x' in"),
    ):
        assert main(["token", "x", "--key", str(file), "--url", "http://localhost:9"]) == 2
        assert words in capsys.readouterr().err
    link(tmp_path / "key.json", make(tmp_path / "key", json.dumps(private_jwk("ES256", 1))))
    assert main(["token", "x", "--key", str(tmp_path / "key.json"), "--url", "http://localhost:9"]) == 2
    assert "no discovery document at http://localhost:9" in capsys.readouterr().err
    readable, writable = os.pipe()
    os.write(writable, json.dumps(private_jwk("ES256", 1)).encode())
    os.close(writable)
    assert main(["token", "x", "--key", f"/dev/fd/{readable}", "--url", "http://localhost:9"]) == 2
    os.close(readable)
    assert "no discovery document at http://localhost:9" in capsys.readouterr().err


def test_a_world_that_is_a_link_itself_is_read(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder, _ = folders
    make(folder / "clients" / "mine.yaml")
    link(tmp_path / "world", folder)
    assert set(read_world([tmp_path / "world"]).entries["client"]) == {"mine"}
    shutil.rmtree(folder)
