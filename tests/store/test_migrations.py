"""Databases of older programs, brought up to date with everything that is in them.

Those in ``schemas`` were made by the programs of that time, with a login and its tokens; most of the world is left out.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

import pytest

from mock_sts.setup import prepare_store
from mock_sts.store.database import StoreError
from mock_sts.store.sqlite.database import SqliteDatabase
from mock_sts.store.version import SCHEMA_VERSION
from tests.support import processes
from tests.support.databases import row_counts
from tests.support.emulator import Emulator, FixedClock, settings_for
from tests.support.keys import private_jwk
from tests.support.lanes import at_once
from tests.support.relying_party import Login, RelyingParty

SCHEMAS = Path(__file__).with_name("schemas")


class Old(NamedTuple):
    """What the database of schema ``number`` holds that only its client knows."""

    number: int
    refresh_token: str
    code: str
    verifier: str
    request_uri: str


OLD = [
    Old(
        3,
        "721176EBA4807F89FBFE4E3C9578E01CC94F9557B97460F86A636962A1AE77AA-1",
        "F66744178274324340AEC4D13DB12A0161392723DB9A152061230D5CF72CF090-1",
        "wKKutaaXSaipv_DF7Oz-2dbMJcBU8LAvgLf_uuBPV6Y",
        "urn:ietf:params:oauth:request_uri:1BC51A98C81184983323A76241BB60E1A41AD787B9EFAD441390784EFDF76AF1",
    ),
    Old(
        4,
        "AD3BAB312C325A260E5CC4F5133A8C0C6AF6FF152C6446237A5F55271B1FA804-1",
        "6F500D6F7766723F8D4D49CB829A1C5D2B35A924A7E58A18779B951ECF7358D8-1",
        "eFpvcgcFblP0IKl-nT5xLyvBTvrwzBXPILYiLKal0mQ",
        "urn:ietf:params:oauth:request_uri:D214C1160DD879A94EE30EF405E417E9C3C98731339FCCB635B8103347403CA6",
    ),
]


def made(folder: Path, number: int) -> Path:
    path = folder / "old.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((SCHEMAS / f"{number}.sql").read_text(encoding="utf-8"))
    return path


@pytest.fixture(params=OLD, ids=[f"schema {old.number}" for old in OLD])
def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Old, Emulator]]:
    """An emulator on a database of an older program."""
    old: Old = request.param
    settings = settings_for(made(tmp_path, old.number))
    prepare_store(settings, FixedClock())
    sts = Emulator(settings)
    yield old, sts
    sts.close()


def web(sts: Emulator) -> RelyingParty:
    """The client that the old database has."""
    return RelyingParty(sts.machine("web", private_jwk("RS256", 0, 2048)))


def test_a_client_and_its_refresh_token_go_on(upgraded: tuple[Old, Emulator]) -> None:
    old, sts = upgraded
    rp = web(sts)
    tokens = rp.refresh(old.refresh_token)
    assert tokens.status == 200, tokens.content
    assert rp.user_info(tokens.json["access_token"]).status == 200, "the login behind it is known"
    assert rp.refresh(tokens.json["refresh_token"]).status == 200
    again = rp.refresh(old.refresh_token)
    assert (again.status, again.json["error"]) == (400, "invalid_grant"), "it is used up"


def test_a_code_and_a_pushed_request_are_answered_once(upgraded: tuple[Old, Emulator]) -> None:
    old, sts = upgraded
    rp = web(sts)
    assert rp.redeem(Login(verifier=old.verifier), old.code).status == 200
    assert rp.redeem(Login(verifier=old.verifier), old.code).json["error"] == "invalid_grant"
    answer = rp.browser().send("GET", rp.authorize_path(old.request_uri, test_pid="06828399789"))
    assert answer.status == 303 and "code=" in answer.headers["location"]


def test_keys_scripted_logins_and_the_journal_stay(upgraded: tuple[Old, Emulator]) -> None:
    old, sts = upgraded
    (key,) = sts.get("/.well-known/openid-configuration/jwks").json["keys"]
    assert f"VALUES('{key['kid']}'" in (SCHEMAS / f"{old.number}.sql").read_text(encoding="utf-8")
    (scripted,) = sts.sts.login_queue.read()
    assert (scripted.pid, scripted.times) == ("06828399789", 2)
    entries = sts.journal()
    assert len(entries) == 3 and all(entry["endpoint"] for entry in entries)


def test_the_whole_world_is_there_and_what_was_made_lies_over_it(upgraded: tuple[Old, Emulator]) -> None:
    _, sts = upgraded
    clients = {client.client_id for client in sts.sts.catalog.current().clients()}
    assert {"web", "demo-machine", "demo-page"} <= clients
    with sts.store.reading() as reader:
        own = reader.all("SELECT client_id FROM client WHERE environment = 'default'")
    assert own == [("web",)]


@pytest.mark.parametrize("number", [old.number for old in OLD])
def test_an_upgraded_database_has_the_tables_of_a_new_one(tmp_path: Path, number: int) -> None:
    new, old = SqliteDatabase(tmp_path / "new.sqlite"), SqliteDatabase(made(tmp_path, number))
    new.make()
    old.make()

    def shape(database: SqliteDatabase) -> dict[str, object]:
        with database.reading() as reader:
            found: dict[str, object] = {
                f"trigger {name}": sql
                for name, sql in reader.all("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            }
            for (name,) in reader.all("SELECT name FROM sqlite_master WHERE type = 'table'"):
                columns = reader.all(f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}')")
                found[name] = sorted(columns)
            for (name,) in reader.all("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"):
                found[f"index {name}"] = reader.all(f"SELECT name FROM pragma_index_info('{name}')")
        return found

    assert shape(old) == shape(new)
    new.close()
    old.close()


def prepare(path: Path, start: Barrier) -> None:
    start.wait()
    prepare_store(settings_for(path), FixedClock())


@pytest.mark.parametrize("number", [0, *(old.number for old in OLD)])
def test_several_processes_that_start_at_once_bring_it_up_to_date_once(tmp_path: Path, number: int) -> None:
    path = made(tmp_path, number) if number else tmp_path / "new.sqlite"
    at_once(prepare, [(path,)] * 4)
    database = SqliteDatabase(path)
    counts = row_counts(database)
    assert counts["signing_key"] == counts["environment"] == 1 and counts["revision"] == 2
    assert database.read_one("SELECT value FROM meta WHERE name = 'schema_version'") == (str(SCHEMA_VERSION),)
    assert database.read_one("SELECT count(*) FROM client WHERE client_id = 'demo-machine'") == (1,)
    database.close()


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (
            SCHEMA_VERSION + 1,
            f"has schema version {SCHEMA_VERSION + 1}, and this program knows {SCHEMA_VERSION} at most",
        ),
        (2, "has schema version 2, and this program can bring 3 and newer up to date"),
        ("x", "has schema version x"),
    ],
)
def test_what_no_step_leads_from_is_refused_with_the_remedy(tmp_path: Path, version: object, message: str) -> None:
    path = made(tmp_path, 4)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (str(version),))
    before = sorted(sqlite3.connect(path).iterdump())
    with pytest.raises(StoreError, match=message) as refused:
        SqliteDatabase(path).make()
    assert "remove the file (fixtures are loaded anew), or point MOCK_STS_DATABASE_URL to another" in str(refused.value)
    assert sorted(sqlite3.connect(path).iterdump()) == before, "nothing has changed"


@pytest.mark.slow
def test_a_start_on_a_newer_database_stops_with_a_sentence(tmp_path: Path) -> None:
    path = made(tmp_path, 4)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    ended = processes.run("prepare", env={"MOCK_STS_DATABASE_URL": f"sqlite:///{path}"})
    assert ended.returncode != 0
    assert "has schema version 99" in ended.stderr and "MOCK_STS_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr
