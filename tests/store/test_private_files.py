"""Who may read what a server keeps: its owner alone, also where it was there before or a command made it."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_sts.settings.settings import from_environ
from mock_sts.store.private_files import Places, make_private
from mock_sts.store.sqlite.database import SqliteDatabase
from tests.support.databases import database_file
from tests.support.emulator import LiveServer, OverHttp
from tests.support.tls import run_command

#: What others may read: certificates, and what says for which names they are.
FOR_ALL = {"ca.pem": 0o644, "server.pem": 0o644, "server.json": 0o644, "tls": 0o755}


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Of the folder and all that is in it."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def assert_private(folder: Path) -> None:
    found = modes(folder)
    wanted = {
        path.name: FOR_ALL.get(path.name, 0o700 if path.is_dir() else 0o600) for path in (folder, *folder.rglob("*"))
    }
    assert found == wanted


def database_in(folder: Path) -> dict[str, str]:
    return {"MOCK_STS_DATABASE_URL": f"sqlite:///{folder / 'sts.sqlite'}"}


COMMANDS: dict[str, list[list[str]]] = {
    "prepare": [["prepare"]],
    "persona list": [["persona", "list"]],
    "client new": [["client", "new", "--name", "x"]],
    "ca": [["ca"]],
    "all": [["ca"], ["client", "new", "--name", "x"], ["prepare"]],
}


@pytest.mark.covers("server.private-files")
@pytest.mark.parametrize("commands", COMMANDS.values(), ids=list(COMMANDS))
@pytest.mark.slow
def test_what_a_command_makes_is_its_owners(tmp_path: Path, commands: list[list[str]]) -> None:
    folder = tmp_path / "data"
    for words in commands:
        assert run_command(database_in(folder), *words).returncode == 0
    assert_private(folder)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that commands make."""
    folder = tmp_path_factory.mktemp("full") / "data"
    for words in COMMANDS["all"]:
        assert run_command(database_in(folder), *words).returncode == 0
    return folder


@pytest.mark.covers("server.private-files")
@pytest.mark.parametrize("words", [["prepare"], ["persona", "list"], ["client", "new", "--name", "z"]], ids=" ".join)
@pytest.mark.slow
def test_what_was_open_before_is_shut_by_the_next_command(tmp_path: Path, full: Path, words: list[str]) -> None:
    folder = tmp_path / "data"
    shutil.copytree(full, folder)
    (folder / "tls" / "ca-key.pem.until-1").write_text("a key that was put aside")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o666)
    for path in (folder / "tls").iterdir():
        path.chmod(0o644)
    assert run_command(database_in(folder), *words).returncode == 0
    (folder / "tls" / "lock").chmod(0o600)  # holds nothing
    assert_private(folder)


@pytest.mark.parametrize("words", [["ca"]], ids=" ".join)
@pytest.mark.slow
def test_keys_that_were_open_are_shut_by_the_command_for_certificates(
    tmp_path: Path, full: Path, words: list[str]
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(full, folder)
    (folder / "tls" / "ca-key.pem").chmod(0o644)
    assert run_command(database_in(folder), *words).returncode == 0
    assert_private(folder)


@pytest.mark.covers("server.private-files")
@pytest.mark.slow
def test_a_server_that_runs_keeps_its_files_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = LiveServer(tmp_path, database_url=f"sqlite:///{folder / 'sts.sqlite'}")
    try:
        browser = OverHttp(server.issuer)
        assert browser.send("GET", "/mock/demo").status == 200
        browser.close()
        assert {"sts.sqlite", "sts.sqlite-wal", "sts.sqlite-shm"} <= set(modes(folder))
        assert_private(folder)
    finally:
        server.stop()


def test_the_log_of_writes_of_an_open_database_is_shut_too(tmp_path: Path) -> None:
    file = tmp_path / "sts.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a)")
        connection.commit()
        for path in tmp_path.iterdir():
            path.chmod(0o644)
        make_private(Places(file))
        assert set(modes(tmp_path).values()) == {0o600, 0o700}
        assert len(list(tmp_path.iterdir())) == 3
    connection.close()


@pytest.mark.parametrize(
    ("mode", "other", "after"),
    [
        (0o755, None, 0o700),
        (0o775, None, 0o700),
        (0o500, None, 0o500),
        (0o755, "notes.txt", 0o755),
        (0o775, "other.sqlite", 0o775),
        (0o1777, None, 0o1777),
    ],
)
def test_a_folder_that_others_may_share_stays_open(tmp_path: Path, mode: int, other: str | None, after: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    if other is not None:
        (folder / other).touch()
    (folder / "sts.sqlite").touch()
    folder.chmod(mode)
    make_private(Places(folder / "sts.sqlite"))
    assert stat.S_IMODE(folder.stat().st_mode) == after
    assert stat.S_IMODE((folder / "sts.sqlite").stat().st_mode) == 0o600
    folder.chmod(0o700)


def test_the_folder_where_somebody_works_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    store = SqliteDatabase(database_file(from_environ({}, {"database_url": "sqlite:///sts.sqlite"})))
    store.make()
    store.close()
    assert modes(tmp_path) == {tmp_path.name: 0o755, "sts.sqlite": 0o600}


@pytest.mark.parametrize(
    ("before", "after"), [(0o400, 0o400), (0o444, 0o400), (0o640, 0o600), (0o200, 0o200), (0o777, 0o600)]
)
def test_shutting_a_file_gives_no_right_that_its_owner_has_taken_away(tmp_path: Path, before: int, after: int) -> None:
    key = tmp_path / "client-keys" / "a.json"
    key.parent.mkdir()
    key.touch()
    key.chmod(before)
    make_private(Places(tmp_path / "sts.sqlite"))
    assert stat.S_IMODE(key.stat().st_mode) == after


@pytest.mark.slow
def test_a_key_that_is_made_anew_is_private_from_the_start(tmp_path: Path) -> None:
    """The file was there, open, from a database that is gone."""
    keys = tmp_path / "client-keys"
    keys.mkdir()
    (keys / "a.json").write_text("{}")
    (keys / "a.json").chmod(0o644)
    assert run_command(database_in(tmp_path), "client", "new", "--name", "x", "--client-id", "a").returncode == 0
    assert modes(keys) == {"client-keys": 0o700, "a.json": 0o600}
    assert '"d"' in (keys / "a.json").read_text()
