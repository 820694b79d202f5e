"""What only PostgreSQL can do, and do wrong: a server that is away, another's password, several starts at once."""

import sys
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.synchronize import Barrier

import psycopg
import pytest

from mock_sts.setup import prepare_store
from mock_sts.store.catalog import load_catalog
from mock_sts.store.database import StoreError
from mock_sts.store.keys import Keys
from mock_sts.store.opening import open_database
from mock_sts.store.personas import Personas
from mock_sts.store.postgresql import making
from mock_sts.store.postgresql.database import PostgresqlDatabase
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from mock_sts.store.version import SCHEMA_VERSION
from tests.support import processes
from tests.support.databases import row_counts
from tests.support.emulator import FixedClock, free_port, settings_of
from tests.support.lanes import at_once
from tests.support.postgresql import PASSWORD, PostgresqlServer, server

#: What a server that is away is said to be.
AWAY = r"cannot be reached|was stopped"

pytestmark = pytest.mark.postgresql


@pytest.fixture
def url() -> Iterator[str]:
    made = server().make()
    yield made
    server().drop(made)


def prepare(url: str, fresh: bool, start: Barrier) -> None:
    start.wait()
    prepare_store(settings_of(url, signing_keys="fresh" if fresh else "shipped"), FixedClock())


@pytest.mark.parametrize("fresh", [False, True], ids=["shipped key", "fresh key"])
def test_several_processes_that_start_at_once_make_everything_once(url: str, fresh: bool) -> None:
    at_once(prepare, [(url, fresh)] * 4)
    with closing(open_database(url)) as database:
        counts = row_counts(database)
        assert len(Keys(database, DEFAULT_ENVIRONMENT).load()) == 1
        assert counts["environment"] == 1 and counts["revision"] == 2
        assert load_catalog(database).client("demo-machine") is not None
        # Written once: each row of the world has moved the revision by one, and it began below 2**31.
        assert database.read_one("SELECT count(*) FROM client WHERE xmin = (SELECT xmin FROM client LIMIT 1)") == (
            counts["client"],
        )
        before = load_catalog(database).revision
    at_once(prepare, [(url, fresh)] * 2)
    with closing(open_database(url)) as database:
        assert load_catalog(database).revision == before, "a later start writes nothing"


def refusal_of(url: str) -> str:
    with closing(open_database(url)) as database, pytest.raises(StoreError) as refused:
        database.make()
    text = str(refused.value)
    assert "MOCK_STS_DATABASE_URL" in text
    assert PASSWORD not in text and "feil" not in text
    return text


def test_what_is_wrong_with_the_address_is_said_without_the_password() -> None:
    at = f"postgresql://tester:***@127.0.0.1:{server().port}/"
    assert "user or password is refused" in refusal_of(server().url(password="feil"))
    refused = refusal_of(server().url(user="ukjent"))
    assert "user or password is refused" in refused and "mend user and password" in refused
    missing = refusal_of(server().url("nowhere"))
    assert (
        f"the database '{at}nowhere' (MOCK_STS_DATABASE_URL) cannot be used: there is no database of that name"
        in missing
    )
    assert "make it (createdb)" in missing
    port = free_port()
    away = refusal_of(f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}/sts")
    assert "it cannot be reached" in away and "start the PostgreSQL server, or mend host and port" in away
    assert "its address cannot be read" in refusal_of(server().url("postgres?nothing=1"))


def test_a_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_OLDEST", 99_00_00)
    assert "and 15 is the oldest that will do" in refusal_of(url)


def test_a_user_who_may_make_no_tables_is_told_so(url: str) -> None:
    server().run("DROP ROLE IF EXISTS guest")
    server().run(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    name = url.rpartition("/")[2]
    assert "its user may not do that" in refusal_of(server().url(name, user="guest"))


def test_a_newer_schema_is_refused(url: str) -> None:
    with closing(open_database(url)) as database:
        database.make()
        with database.writing() as transaction:
            transaction.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    refused = refusal_of(url)
    assert f"has schema version 99, and this program knows {SCHEMA_VERSION} at most" in refused


def test_without_the_extra_its_name_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("mock_sts.store.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        StoreError, match=r"install mock-sts\[postgresql\], or name a file by sqlite:///PATH"
    ) as refused:
        open_database(url)
    assert PASSWORD not in str(refused.value)


@pytest.mark.slow
def test_a_start_that_cannot_be_prints_a_sentence_and_no_password() -> None:
    environment = {"MOCK_STS_DATABASE_URL": server().url("nowhere"), "MOCK_STS_PORT": str(free_port())}
    for command in (["serve"], ["prepare"], ["persona", "list"], ["client", "list"]):
        ended = processes.run(*command, env=environment)
        assert ended.returncode != 0, command
        said = ended.stdout + ended.stderr
        assert "there is no database of that name" in said, command
        assert "Traceback" not in said and PASSWORD not in said, command


def test_text_that_it_cannot_hold_is_found_as_nothing(url: str) -> None:
    with closing(open_database(url)) as database:
        database.make()
        personas = Personas(database, DEFAULT_ENVIRONMENT)
        assert personas.named("a\0b") is None and personas.find("\0") is None
        with database.writing() as transaction:
            transaction.execute("INSERT INTO meta (name, value) VALUES (?, ?)", ("a", "b\0c"))
        assert database.read_one("SELECT value FROM meta WHERE name = ?", ("a",)) == ("b\ufffdc",)


@pytest.mark.slow
def test_it_works_again_when_its_server_does() -> None:
    own = PostgresqlServer()
    try:
        with closing(open_database(own.make())) as database:
            database.make()
            assert isinstance(database, PostgresqlDatabase)
            write = "UPDATE revision SET number = number + 1"
            with database.writing() as transaction:
                transaction.execute(write)
            own.stop()
            with pytest.raises(StoreError, match=AWAY):
                database.check()
            with pytest.raises(StoreError, match=AWAY), database.writing():
                raise AssertionError("not reached")
            own.restart()
            database.check()
            with database.writing() as transaction:
                transaction.execute(write)
            own.stop()
            own.restart()
            with database.writing() as transaction:  # the connection was lost while nothing was asked
                transaction.execute(write)
            assert database.read_one("SELECT 1") == (1,)
    finally:
        own.remove()


def test_a_transaction_that_fails_leaves_nothing_and_the_next_one_works(url: str) -> None:
    with closing(open_database(url)) as database:
        database.make()
        with pytest.raises(StoreError), database.writing() as transaction:
            transaction.execute("INSERT INTO meta (name, value) VALUES ('a', 'b')")
            transaction.execute("INSERT INTO nothing VALUES (1)")
        with database.writing() as transaction:
            assert transaction.one("SELECT count(*) FROM meta WHERE name = 'a'") == (0,)


def test_a_lock_that_lasts_is_given_up(url: str) -> None:
    with closing(open_database(url)) as database:
        database.make()
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE meta IN EXCLUSIVE MODE")
            with pytest.raises(StoreError, match="another transaction keeps it locked"), database.writing() as one:
                one.execute("SET LOCAL lock_timeout = 50")
                one.execute("INSERT INTO meta (name, value) VALUES ('a', 'b')")
