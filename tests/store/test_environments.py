"""Two environments in one database: what is of one is worth nothing in the other, and ages by its own clock."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.authorization_request import read_authorization_request
from mock_sts.protocol.params import Params
from mock_sts.setup import prepare_store
from mock_sts.store.catalog import MADE, CatalogHolder, hide_entry, load_catalog, put_entry
from mock_sts.store.database import Database, Transaction
from mock_sts.store.environments import EnvironmentRecord, Environments
from mock_sts.store.fixtures.rows import read_rows
from mock_sts.store.journal import CHALLENGED, GRANTED, Entry, Journal
from mock_sts.store.keys import Keys
from mock_sts.store.ledger import Ledger
from mock_sts.store.login_queue import LoginQueue
from mock_sts.store.opening import open_database
from mock_sts.store.owning import KEPT_BY_SNAPSHOTS, OWNING
from mock_sts.store.personas import Personas
from mock_sts.store.records import AuthorizationCode, LoginFacts, LoginSession, PushedRequest, RefreshToken
from mock_sts.store.replay import Once, Replay
from mock_sts.store.reset import reset_all, reset_tagged
from mock_sts.store.scope import DEFAULT_ENVIRONMENT, Scope
from mock_sts.store.sessions import Sessions
from mock_sts.store.snapshots import COLUMNS, Snapshot, Snapshots, forget
from mock_sts.store.sweeping import Sweeper
from mock_sts.store.tables import METADATA
from tests.support.databases import row_counts
from tests.support.emulator import START, FixedClock, settings_of

DEFAULT, OTHER = DEFAULT_ENVIRONMENT, "qa"
YEAR = 365 * 86_400

LOGIN = LoginFacts("06828399789", START, START, "testidp-oidc", "testidp", ("pwd",), "4", None)
SESSION = LoginSession("SID", LOGIN, START + 3_600, START + 86_400)
ASKED = read_authorization_request(Params([("scope", "openid"), ("dpop_jkt", "jkt")]))
REQUEST = PushedRequest("web", ASKED, {"test_pid": "06828399789"}, ({"type": "a"},), "http://sts", True, START + 60)
CODE = AuthorizationCode(
    client_id="web",
    issuer="http://sts",
    scopes=("openid",),
    resources=(),
    details=({"type": "a"},),
    on_behalf_of=None,
    sid="SID",
    login=LOGIN,
    expires_at=START + 60,
    redirect_uri="http://web/callback",
    nonce="n",
    state=None,
    code_challenge="c",
    dpop_jkt=None,
)
REFRESH = RefreshToken(
    client_id="web",
    issuer="http://sts",
    scopes=("openid", "offline_access"),
    resources=("test:api",),
    details=(),
    on_behalf_of="200000003",
    sid="SID",
    login=LOGIN,
    expires_at=START + 600,
    family="F",
    has_proof=True,
)
ONCE = Once("dpop-proof", ("jti",), START + 60)
ENTRY = Entry(START, "token", "web", CHALLENGED, None, None, (), {"a": 1}, challenged=ONCE, proof_key=ONCE)


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    prepare_store(settings_of(empty_url), FixedClock())
    made = open_database(empty_url, synchronous="off")
    with made.writing() as transaction:
        assert Environments(made).make(transaction, EnvironmentRecord(OTHER, START, START))
    yield made
    made.close()


def fill(database: Database, environment: str) -> None:
    """One row of everything in ``environment``."""
    ledger, sessions = Ledger(database, environment), Sessions(database, environment)
    with database.writing() as transaction:
        ledger.requests.keep(transaction, "request", REQUEST)
        ledger.requests.note_login(transaction, "request", SESSION.mark)
        ledger.codes.keep(transaction, "code", CODE)
        ledger.refresh_tokens.keep(transaction, "refresh", REFRESH)
        sessions.keep(transaction, "cookie", SESSION)
        sessions.note_client(transaction, "SID", "web", "http://sts", START + 86_400)
        assert Replay(database, environment).remember(transaction, ONCE)
        LoginQueue(database, environment).put(transaction, None, None, "06828399789", "success", 1)
        Journal(database, environment).write(transaction, ENTRY, keep=100)
        put_client(transaction, "own", environment)


def found(database: Database, environment: str) -> dict[str, object]:
    """What ``environment`` sees of the rows that ``fill`` has made."""
    ledger, sessions = Ledger(database, environment), Sessions(database, environment)
    journal = Journal(database, environment)
    return {
        "request": ledger.requests.find("request"),
        "login of the request": ledger.requests.noted_login("request"),
        "code": ledger.codes.find("code"),
        "refresh token": ledger.refresh_tokens.find("refresh"),
        "session": sessions.find("cookie", START),
        "login": sessions.find_login("SID", START),
        "clients": sessions.clients_of("SID"),
        "once": Replay(database, environment).is_remembered(ONCE),
        "queue": len(LoginQueue(database, environment).read()),
        "queue has some": not LoginQueue(database, environment).is_empty(),
        "journal": len(journal.read(limit=10)),
        "challenged": Replay(database, environment).look(ONCE, None).assertion_challenged,
        "key": journal.unanswered_challenge(ONCE),
        "registry": load_catalog(database, environment=environment).client("own") is not None,
    }


FULL: dict[str, object] = {
    "request": REQUEST,
    "login of the request": SESSION.mark,
    "code": CODE,
    "refresh token": REFRESH,
    "session": SESSION,
    "login": LOGIN,
    "clients": [("web", "http://sts")],
    "once": True,
    "queue": 1,
    "queue has some": True,
    "journal": 1,
    "challenged": True,
    "key": START,
    "registry": True,
}
EMPTY: dict[str, object] = {name: False if value is True else None for name, value in FULL.items()}
EMPTY |= {"queue": 0, "journal": 0, "clients": []}


def document(client_id: str, name: str = "Own") -> dict[str, object]:
    return {
        "client_id": client_id,
        "client_name": name,
        "grant_types": ["client_credentials"],
        "scope": ["test:api/read"],
        "jwks": {"keys": []},
    }


def put_client(transaction: Transaction, client_id: str, environment: str, name: str = "Own") -> None:
    written = document(client_id, name)
    put_entry(transaction, Client.from_document(written, "test"), written, MADE, environment)


@pytest.mark.parametrize(("full", "empty"), [(DEFAULT, OTHER), (OTHER, DEFAULT)])
def test_what_one_environment_keeps_another_does_not_find(database: Database, full: str, empty: str) -> None:
    fill(database, full)
    assert found(database, full) == FULL
    assert found(database, empty) == EMPTY


def test_the_same_handles_live_side_by_side_and_are_used_up_apart(database: Database) -> None:
    for environment in (DEFAULT, OTHER):
        fill(database, environment)
    mine, others = Ledger(database, DEFAULT), Ledger(database, OTHER)
    with database.writing() as transaction:
        assert mine.codes.consume(transaction, "code", START)
        assert not mine.codes.consume(transaction, "code", START), "once"
        assert Sessions(database, DEFAULT).end(transaction, "SID", START)
        assert LoginQueue(database, DEFAULT).take(transaction, "web", "http://web") is not None
        assert LoginQueue(database, DEFAULT).clear(transaction) == 0
    assert mine.codes.find("code") == replace(CODE, consumed_at=START)
    assert found(database, OTHER) == FULL
    with database.writing() as transaction:
        assert others.codes.consume(transaction, "code", START)


@pytest.mark.parametrize("name", ["qa", "q", "default2", "", "é"])
@pytest.mark.parametrize("handle", ["x", "", "\ud800", "qa", "a" * 10_000])
def test_no_handle_of_one_environment_can_be_written_in_another(name: str, handle: str) -> None:
    own = Scope(name).digest(handle)
    forged = [f"\xff{name}\xff{handle}", f"{name}{handle}", f"{name}:{handle}", f"\x00{name}\x00{handle}", handle]
    for other in (DEFAULT, f"{name}x"):
        assert own not in [Scope(other).digest(text) for text in forged]


@pytest.mark.parametrize("ahead", [YEAR, -YEAR], ids=["a year ahead", "a year back"])
@pytest.mark.parametrize(("moved", "stays"), [(DEFAULT, OTHER), (OTHER, DEFAULT)])
def test_a_moved_clock_sweeps_its_own_environment_alone(database: Database, moved: str, stays: str, ahead: int) -> None:
    for environment in (DEFAULT, OTHER):
        fill(database, environment)
    with database.writing() as transaction:
        Sweeper(moved).sweep_sometimes(transaction, START, START + ahead)
    assert found(database, stays) == FULL
    swept = ("request", "code", "refresh token", "session", "login", "clients", "login of the request")
    gone = {name: EMPTY[name] for name in swept} if ahead > 0 else {}
    assert found(database, moved) == FULL | gone, "what clients made ages by the real time, which has not moved"


def test_a_journal_is_trimmed_by_its_own_environment(database: Database) -> None:
    quiet, busy = Journal(database, OTHER), Journal(database, DEFAULT)
    entry = replace(ENTRY, outcome=GRANTED)
    with database.writing() as transaction:
        for _ in range(3):
            quiet.write(transaction, entry, keep=5)
        for _ in range(200):
            busy.write(transaction, entry, keep=5)
    assert len(quiet.read(limit=1_000)) == 3
    assert 5 <= len(busy.read(limit=1_000)) < 5 + 64


def test_journals_that_grow_in_turn_are_both_trimmed(database: Database) -> None:
    journals = Journal(database, OTHER), Journal(database, DEFAULT)
    with database.writing() as transaction:
        for number in range(600):
            journals[number % 2].write(transaction, ENTRY, keep=5)
    assert [5 <= len(journal.read(limit=1_000)) < 5 + 64 for journal in journals] == [True, True]


def test_an_environment_starts_with_the_keys_of_the_default_one_and_has_its_own_from_then_on(
    database: Database,
) -> None:
    assert Keys(database, OTHER).load() == Keys(database, DEFAULT).load() != []
    with database.writing() as transaction:
        transaction.execute("UPDATE signing_key SET state = 'retired' WHERE environment = ?", (OTHER,))
    assert [key.state for key in Keys(database, DEFAULT).load()] == ["active"]


def _names(database: Database, environment: str, client_id: str) -> list[str]:
    rows = read_rows(database, Client, environment)
    return [row.item.client_name for row in rows if row.item.client_id == client_id]


def test_rows_of_an_environment_stand_before_those_of_the_shared_world_or_hide_them(database: Database) -> None:
    name = "demo-machine"
    with database.writing() as transaction:
        put_client(transaction, name, OTHER, "Replaced")
        hide_entry(transaction, "client", "demo-page", OTHER)
        hide_entry(transaction, "persona", "06828399789", OTHER)
    after, default = load_catalog(database, environment=OTHER), load_catalog(database, environment=DEFAULT)
    assert _names(database, DEFAULT, name) != ["Replaced"]
    assert _names(database, OTHER, name) == ["Replaced"]
    assert after.client(name) is not None and default.client(name) is not None
    assert after.client("demo-page") is None and default.client("demo-page") is not None
    assert "demo-page" not in [row.item.client_id for row in read_rows(database, Client, OTHER)]
    assert len(after.clients()) == len(default.clients()) - 1
    own, all_of_them = Personas(database, OTHER), Personas(database, DEFAULT)
    assert own.find("06828399789") is None and own.named("kvart-grevling") is None
    assert "kvart-grevling" not in own.names()
    assert all_of_them.named("kvart-grevling") == "06828399789" and "kvart-grevling" in all_of_them.names()
    with database.writing() as transaction:
        transaction.execute("DELETE FROM client WHERE environment = ?", (OTHER,))
    again = load_catalog(database, environment=OTHER)
    assert again.client("demo-page") is not None, "what hid it is gone"


@pytest.mark.parametrize(
    ("changed", "reloaded"),
    [(DEFAULT, (True, False)), (OTHER, (False, True)), ("", (True, True))],
    ids=["default", "other", "shared"],
)
def test_a_change_in_one_reloads_no_others_catalog(
    database: Database, changed: str, reloaded: tuple[bool, bool]
) -> None:
    holders = CatalogHolder(database, DEFAULT), CatalogHolder(database, OTHER)
    before = [holder.current() for holder in holders]
    with database.writing() as transaction:
        put_client(transaction, "new", changed)
    assert tuple(holder.current() is not old for holder, old in zip(holders, before, strict=True)) == reloaded
    seen = [holder.current().client("new") is not None for holder in holders]
    assert tuple(seen) == reloaded


def test_a_deleted_environment_leaves_no_row_and_its_name_is_new_again(database: Database) -> None:
    environments = Environments(database)
    fill(database, DEFAULT)
    before = row_counts(database, without=())
    assert before["environment"] == 2
    old = load_catalog(database, environment=OTHER).revision
    fill(database, OTHER)
    with database.writing() as transaction:
        assert environments.delete(transaction, OTHER)
        assert not environments.delete(transaction, OTHER), "it is gone"
    after = row_counts(database, without=())
    assert after == before | {
        "environment": 1,
        "revision": before["revision"] - 1,
        "signing_key": before["signing_key"] - 1,
        "server_secret": before["server_secret"] - 1,
    }
    assert environments.find(OTHER) is None
    with database.writing() as transaction:
        assert environments.make(transaction, EnvironmentRecord(OTHER, START + 1, START + 1))
    assert found(database, OTHER) == EMPTY
    assert load_catalog(database, environment=OTHER).revision != old, "a worker with the old one notices"


def test_every_table_with_an_environment_is_emptied_for_a_deleted_one() -> None:
    owning = {name for name, table in METADATA.tables.items() if "environment" in table.c}
    assert set(OWNING) == {name for name in owning if not name.startswith("snapshot")}


@pytest.mark.parametrize("name", [DEFAULT, ""])
def test_the_default_environment_and_the_shared_world_stay(database: Database, name: str) -> None:
    with database.writing() as transaction, pytest.raises(ValueError, match="cannot be deleted"):
        Environments(database).delete(transaction, name)


def test_a_name_that_is_taken_makes_nothing(database: Database) -> None:
    environments = Environments(database)
    with database.writing() as transaction:
        assert not environments.make(transaction, EnvironmentRecord(OTHER, START + 9, START + 9))
        assert not environments.make(transaction, EnvironmentRecord(DEFAULT, START + 9, START + 9))
        with pytest.raises(ValueError, match="needs a name"):
            environments.make(transaction, EnvironmentRecord("", START, START))
    kept = environments.find(OTHER)
    assert kept is not None and kept.created_at == START
    assert [record.name for record in environments.list()] == [DEFAULT, OTHER]


def test_its_settings_and_its_clock_are_kept(database: Database) -> None:
    record = EnvironmentRecord("mine", START, START, {"enforcement": "strict"}, -YEAR, START)
    with database.writing() as transaction:
        assert Environments(database).make(transaction, record)
    assert Environments(database).find("mine") == record


def test_that_it_is_used_is_written_once_a_minute_at_most(database: Database) -> None:
    workers = [Environments(database), Environments(database)]
    times: list[int] = []
    for wall in (START + 5, START + 30, START + 64, START + 65, START + 70, START + 5):
        for worker in workers:
            worker.note_use(OTHER, wall)
        kept = workers[0].find(OTHER)
        assert kept is not None
        times.append(kept.used_at - START)
    assert times == [0, 0, 0, 65, 65, 5], "a clock that goes back is believed"


@pytest.mark.covers("control.snapshots")
@pytest.mark.parametrize("name", [DEFAULT, OTHER])
def test_rows_are_copied_inside_the_database_and_put_back(database: Database, name: str) -> None:
    other = OTHER if name == DEFAULT else DEFAULT
    fill(database, name)
    fill(database, other)
    snapshots, snapshot = Snapshots(database), Snapshot("s1", name, START)
    with database.writing() as transaction:
        snapshots.take(transaction, snapshot)
    before = found(database, name)
    revision = load_catalog(database, environment=name).revision
    with database.writing() as transaction:
        reset_all(transaction, name)
        assert Ledger(database, other).codes.consume(transaction, "code", START)
    assert found(database, name) != before
    for _ in range(2):
        with database.writing() as transaction:
            assert snapshots.restore(transaction, snapshot, START) == [name]
        assert found(database, name) == before
    assert load_catalog(database, environment=name).revision != revision, "a worker with the old one notices"
    kept = Ledger(database, other).codes.find("code")
    assert kept is not None and kept.consumed_at == START, "the other environment is as it was"
    with database.writing() as transaction:
        assert forget(transaction, "s1")
    assert not any(count for table, count in row_counts(database).items() if table.startswith("snapshot"))


@pytest.mark.covers("control.snapshots")
def test_one_that_has_ended_lives_again_and_others_have_taken_its_numbers(database: Database) -> None:
    fill(database, OTHER)
    snapshots, snapshot = Snapshots(database), Snapshot("s1", "", START, "all", "run")
    with database.writing() as transaction:
        snapshots.take(transaction, snapshot)
    assert (snapshots.list(), snapshots.find("s1")) == ([snapshot], snapshot)
    with database.writing() as transaction:
        Environments(database).delete(transaction, OTHER)
    fill(database, DEFAULT)  # the database numbers its entries
    with database.writing() as transaction:
        assert snapshots.restore(transaction, snapshot, START + 7) == [DEFAULT, OTHER]
    assert found(database, OTHER) == FULL
    assert found(database, DEFAULT)["queue"] == 0
    record = Environments(database).find(OTHER)
    assert record is not None and (record.created_at, record.used_at) == (START, START + 7)
    assert Environments(database).secret(OTHER) is not None


@pytest.mark.covers("control.snapshots")
def test_a_snapshot_keeps_every_column_of_every_table() -> None:
    for table in ("environment", *KEPT_BY_SNAPSHOTS):
        columns = [column.name for column in METADATA.tables[table].columns]
        assert COLUMNS[table].split(", ") == columns, table
        assert [column.name for column in METADATA.tables[f"snapshot_{table}"].columns] == ["snapshot", *columns]


@pytest.mark.covers("control.reset.tag")
def test_what_has_a_tag_goes_with_what_is_pending_of_its_clients(database: Database) -> None:
    fill(database, OTHER)
    with database.writing() as transaction:
        document = {"client_id": "web", "grant_types": ["client_credentials"]}
        put_entry(transaction, Client.from_document(document, "test"), document, MADE, OTHER, "run")
        LoginQueue(database, OTHER).put(transaction, None, None, None, "cancelled", 1, "run")
    with database.writing() as transaction:
        assert reset_tagged(transaction, OTHER, "another") == {}
        removed = reset_tagged(transaction, OTHER, "run")
    assert removed == {
        "authorization_request": 1,
        "authorization_code": 1,
        "refresh_token": 1,
        "session_client": 1,
        "client": 1,
        "scripted_login": 1,
    }
    left = found(database, OTHER)
    assert (left["code"], left["queue"], left["registry"], left["journal"]) == (None, 1, True, 1)


@pytest.mark.covers("control.environments.hosts")
def test_a_host_is_of_one_environment(database: Database) -> None:
    environments = Environments(database)
    with database.writing() as transaction:
        assert environments.set_hosts(transaction, OTHER, ("a.example", "b.example")) is None
        assert environments.set_hosts(transaction, DEFAULT, ("b.example",)) == "b.example"
    assert (environments.hosts(OTHER), environments.hosts(DEFAULT)) == (("a.example", "b.example"), ())
    assert load_catalog(database).hosts == {"a.example": OTHER, "b.example": OTHER}
    with database.writing() as transaction:
        environments.delete(transaction, OTHER)
    assert load_catalog(database).hosts == {}
