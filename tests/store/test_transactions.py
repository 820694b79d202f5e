"""The law of transactions, with real processes and a real file."""

import sqlite3
import threading
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from mock_sts.protocol.authorization_request import read_authorization_request
from mock_sts.protocol.params import Params
from mock_sts.store.database import Database, StoreError, Transaction
from mock_sts.store.ledger import Ledger
from mock_sts.store.opening import open_database
from mock_sts.store.postgresql.database import PostgresqlDatabase
from mock_sts.store.records import PushedRequest
from mock_sts.store.replay import Once, Replay
from mock_sts.store.scope import DEFAULT_ENVIRONMENT, Scope
from mock_sts.store.sqlite.database import SqliteDatabase
from mock_sts.store.sweeping import Sweeper
from tests.support.emulator import START
from tests.support.lanes import at_once

PROCESSES, ROUNDS = 4, 200
ASKED = read_authorization_request(Params())


def remember_once(store: Database, transaction: Transaction, once: Once) -> bool:
    return Replay(store, DEFAULT_ENVIRONMENT).remember(transaction, once)


def is_remembered(store: Database, once: Once) -> bool:
    return Replay(store, DEFAULT_ENVIRONMENT).is_remembered(once)


def remember_all(url: str, start: Barrier) -> int:
    store = open_database(url)
    start.wait()
    won = 0
    for number in range(ROUNDS):
        with store.writing() as transaction:
            # Read, then write: the pattern that a deferred transaction loses.
            transaction.one("SELECT count(*) FROM replay")
            won += remember_once(store, transaction, Once("test", (str(number),), START))
    store.close()
    return won


@pytest.mark.slow
def test_processes_that_read_and_then_write_never_meet_a_locked_database(store: Database, empty_url: str) -> None:
    won = at_once(remember_all, [(empty_url,)] * PROCESSES)
    assert sum(won) == ROUNDS
    store.close()


def test_a_reader_goes_on_while_a_writer_works(store: Database) -> None:
    once = Once("test", ("a",), START)
    with store.writing() as transaction:
        assert remember_once(store, transaction, once)
        found = []
        reader = threading.Thread(target=lambda: found.append(is_remembered(store, once)))
        reader.start()
        reader.join(60)
        assert found == [False], "a reader neither waits nor sees what is not committed"
    assert is_remembered(store, once)
    store.close()


def test_threads_that_end_give_their_connections_back(store: Database) -> None:
    def use() -> None:
        is_remembered(store, Once("test", ("a",), START))
        with store.writing() as transaction:
            remember_once(store, transaction, Once("test", (str(threading.get_ident()),), START))

    for _ in range(100):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    use()
    assert isinstance(store, SqliteDatabase | PostgresqlDatabase)
    assert 1 <= len(store._kept) <= 2, "those of this thread"
    store.close()


def test_an_exception_leaves_nothing_behind(store: Database) -> None:
    once = Once("test", ("a",), START)
    with pytest.raises(RuntimeError), store.writing() as transaction:
        remember_once(store, transaction, once)
        raise RuntimeError
    assert not is_remembered(store, once)
    with store.writing() as transaction:
        assert remember_once(store, transaction, once)
    store.close()


def test_once_keeps_purposes_and_parts_apart() -> None:
    digests = [
        Once(purpose, parts, START).digest(Scope(DEFAULT_ENVIRONMENT))
        for purpose, parts in [("a", ("b", "c")), ("a", ("bc",)), ("a", ("b:c",)), ("ab", ("c",)), ("a", ("", "bc"))]
    ]
    assert len(set(digests)) == len(digests)


def test_the_sweeper_forgets_what_is_over_once_a_minute(store: Database) -> None:
    sweeper = Sweeper(DEFAULT_ENVIRONMENT)
    old, current = Once("test", ("old",), START - 1), Once("test", ("current",), START + 100)
    with store.writing() as transaction:
        sweeper.sweep_sometimes(transaction, START - 10, START - 10)
        for once in (old, current):
            remember_once(store, transaction, once)
        sweeper.sweep_sometimes(transaction, START, START)
    assert is_remembered(store, old), "the minute is not over"
    with store.writing() as transaction:
        sweeper.sweep_sometimes(transaction, START + 60, START + 60)
    assert not is_remembered(store, old)
    assert is_remembered(store, current)
    store.close()


@pytest.mark.parametrize(
    ("wall", "now", "left"),
    [(START, START + 9_999, ("once",)), (START + 9_999, START, ("request",)), (START, START, ("once", "request"))],
    ids=["our clock is ahead", "theirs is", "neither"],
)
def test_what_clients_made_ages_by_their_time_and_what_we_keep_by_ours(
    store: Database, wall: int, now: int, left: tuple[str, ...]
) -> None:
    once, requests = Once("test", ("a",), START + 100), Ledger(store, DEFAULT_ENVIRONMENT).requests
    with store.writing() as transaction:
        remember_once(store, transaction, once)
        requests.keep(transaction, "a", PushedRequest("client", ASKED, {}, (), "", True, START + 100))
        Sweeper(DEFAULT_ENVIRONMENT).sweep_sometimes(transaction, wall, now)
    found = {"once": is_remembered(store, once), "request": requests.find("a") is not None}
    assert tuple(name for name, there in found.items() if there) == left
    store.close()


def test_the_file_is_in_wal_mode_with_strict_tables(tmp_path: Path) -> None:
    store = SqliteDatabase(tmp_path / "store.sqlite")
    store.make()
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        tables = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall()
        assert tables and all(sql.rstrip().endswith("STRICT") for (sql,) in tables)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO replay VALUES (x'00', 'default', 'not a number')")
    connection.close()
    store.close()


def test_making_tables_twice_changes_nothing(store: Database) -> None:
    with store.writing() as transaction:
        remember_once(store, transaction, Once("test", ("a",), START))
    store.make()
    assert is_remembered(store, Once("test", ("a",), START))
    store.close()


def test_another_schema_version_is_refused_with_the_remedy(store: Database) -> None:
    with store.writing() as transaction:
        transaction.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    with pytest.raises(StoreError, match=r"schema version 99.*(remove the file|drop and create)"):
        store.make()
    store.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.sqlite"
    path.write_text("not a database, and long enough to be looked at " * 10)
    with pytest.raises(StoreError, match=r"text\.sqlite.*MOCK_STS_DATABASE_URL"):
        SqliteDatabase(path).make()
