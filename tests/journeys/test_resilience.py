"""What happens to a server whose database is taken away, locked, full or damaged, and to one that is killed: nothing
that was answered is lost, nothing is used twice, and when the trouble is over it goes on without a restart.
"""

import os
import random
import resource
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_sts.store.database import StoreError
from mock_sts.store.sqlite.database import BUSY_AGAIN, BUSY_TIMEOUT, SqliteDatabase
from mock_sts.store.sqlite.making import use_wal
from tests.support import processes
from tests.support.emulator import KilledServer, LiveServer, OverHttp
from tests.support.machine import Answer, Machine
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES, Login, RelyingParty, answer_parameters
from tests.support.timing import least, measured, seconds_of
from tests.support.tls import until

#: Looks into files of SQLite, or is about commands on them.
pytestmark = pytest.mark.sqlite

# kill -9


def noticed_as_used(machine: Machine, answer: Answer) -> bool:
    """Whether an assertion that came again was answered, as by default, and the journal says that it had been used."""
    assert answer.status == 200, answer.content
    path = f"/mock/api/v1/journal?limit=1&client_id={machine.client_id}"
    newest = machine.transport.send("GET", path).json["entries"][0]
    return [finding["rule"] for finding in newest["findings"]["broken"]].count("client-assertion.single-use") == 1


@dataclass
class Answered:
    """What a client has been told before the server was killed."""

    tokens: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    pushed: tuple[Login, str] | None = None
    code: tuple[Login, str] | None = None
    redeemed: tuple[Login, str, str] | None = None
    logins: int = 0
    wrong: list[bytes] = field(default_factory=list)


def ask_for_tokens(machine: Machine, answered: Answered) -> None:
    """Ask for tokens until the server is gone."""
    with suppress(requests.RequestException):
        while True:
            form, proof = machine.form(machine.assertion(lifetime=250)), machine.proof()
            answer = machine.post(form, proof=proof)
            if answer.status == 200:
                answered.tokens.append((form, proof))
            else:
                answered.wrong.append(answer.content)


def log_people_in(rp: RelyingParty, answered: Answered) -> None:
    """Log in until the server is gone; of three logins one waits after the push, and one with its code.

    What was asked but not answered is nobody's business.
    """
    with suppress(requests.RequestException):
        for number in count():
            login = Login()
            request_uri = rp.push(login, {"test_pid": PERSON}).json["request_uri"]
            if number % 3 == 0:
                answered.pushed = (login, request_uri)
                continue
            code = answer_parameters(rp.browser().send("GET", rp.authorize_path(request_uri)))["code"]
            if number % 3 == 1:
                answered.code = (login, code)
                continue
            refresh_token = rp.redeem(login, code).json["refresh_token"]
            answered.redeemed = (login, code, refresh_token)
            answered.logins += 1


class Crash:
    """Cycles of load, kill and questions."""

    def __init__(self, server: KilledServer, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.machine = self._client("machine")
        self.rp = RelyingParty(
            self._client(
                "web",
                grant_types=["authorization_code", "refresh_token"],
                scope=SCOPES,
                redirect_uris=[REDIRECT_URI],
            )
        )
        self.answers = self.logins = self.unfinished = 0

    def _client(self, client_id: str, **members: Any) -> Machine:
        return self.server.client(f"{client_id}-{secrets.token_hex(4)}", **members)

    def cycle(self) -> None:
        """Start, ask what was answered last time, kill under load."""
        transports = [OverHttp(self.server.issuer) for _ in range(2)]
        machine = replace(self.machine, transport=transports[0], nonce=None)
        rp = RelyingParty(replace(self.rp.machine, transport=transports[1], nonce=None))
        for one in (machine, rp.machine):
            one.learn_nonce()
        answered = Answered()
        lanes = [
            threading.Thread(target=ask_for_tokens, args=(machine, answered)),
            threading.Thread(target=log_people_in, args=(rp, answered)),
        ]
        for lane in lanes:
            lane.start()
        time.sleep(self.random.uniform(0.02, 0.25))
        # On a busy machine nothing may have been answered so soon, and there would be nothing to ask about.
        until(lambda: self.answers > 0 or len(answered.tokens) > 0, "no token", 60)
        until(lambda: self.logins > 0 or answered.logins > 0, "no login", 60)
        until(lambda: self.unfinished > 0 or answered.pushed is not None, "nothing is under way", 60)
        self.server.kill()
        for lane in lanes:
            lane.join(processes.PATIENCE)
        for transport in transports:
            transport.close()
        assert answered.wrong == []
        self.server.start()
        for one in (self.machine, self.rp.machine):
            one.transport = self.server.transport
            one.learn_nonce()
        self.question(answered)

    def question(self, answered: Answered) -> None:
        """What was answered counts, and what was used is used."""
        machine, rp = self.machine, self.rp
        for form, proof in answered.tokens[-3:]:
            assert noticed_as_used(machine, machine.post(form, proof=machine.proof()))
            again = machine.form(machine.assertion())
            assert machine.post(again, proof=proof).rule == "dpop.single-use"
        if answered.pushed is not None:
            login, request_uri = answered.pushed
            code = answer_parameters(rp.browser().send("GET", rp.authorize_path(request_uri)))["code"]
            assert rp.redeem(login, code).status == 200
        if answered.code is not None:
            assert rp.redeem(*answered.code).status == 200
        if answered.redeemed is not None:
            login, code, refresh_token = answered.redeemed
            assert rp.redeem(login, code).rule == "code.known"
            assert rp.refresh(refresh_token).status == 200
            assert rp.refresh(refresh_token).rule == "refresh.single-use"
        self.answers += len(answered.tokens)
        self.logins += answered.logins
        self.unfinished += (answered.pushed is not None) + (answered.code is not None)


@pytest.mark.parametrize("cycles", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_kill_9_under_load_loses_nothing_that_was_answered(
    tmp_path: Path, cycles: int, record_property: Callable[[str, object], None]
) -> None:
    server = KilledServer(tmp_path, workers="2")
    try:
        server.start()
        crash = Crash(server, seed=cycles)
        for _ in range(cycles):
            crash.cycle()
        assert crash.answers > cycles, "there was a load"
        assert crash.logins > 0 and crash.unfinished > 0
        record_property("tokens", crash.answers)
        record_property("logins", crash.logins)
        record_property("unfinished", crash.unfinished)
        print(f"{cycles} cycles: {crash.answers} tokens, {crash.logins} logins, {crash.unfinished} logins under way")
    finally:
        server.kill()
    with closing(sqlite3.connect(server.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# What can be the matter with a database


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path, workers="2")
    yield server
    server.stop()


def assert_refused(answer: Answer, reason: str) -> None:
    assert answer.status == 503, answer.content
    assert answer.json["error"] == "server_error"
    assert reason in answer.json["error_description"]


@pytest.mark.covers("server.data.locked")
@pytest.mark.slow
def test_a_lock_that_lasts_is_a_503_and_over_when_it_is_over(live: LiveServer) -> None:
    machine = live.client("machine")
    assert machine.token().status == 200
    with closing(sqlite3.connect(live.database, isolation_level=None)) as other:

        def measure() -> float:
            other.execute("BEGIN IMMEDIATE")
            waited = seconds_of(lambda: assert_refused(machine.token(), "another process keeps it locked"))
            assert live.transport.send("GET", "/health/ready").status == 200, "reading goes on"
            other.execute("ROLLBACK")
            assert machine.token().status == 200
            return waited

        most = BUSY_TIMEOUT / 1000 + 2
        assert BUSY_TIMEOUT / 1000 * 0.9 <= least(measure, most) <= most
    assert "stop that one" in live.log.read_text(encoding="utf-8")


@pytest.mark.covers("server.data.locked")
@pytest.mark.slow
def test_of_many_clients_a_lock_that_lasts_holds_up_only_the_first(tmp_path: Path) -> None:
    """Two threads work, and each that waits for the lock keeps everybody else waiting."""
    live = LiveServer(tmp_path)
    try:
        machine = live.client("machine")
        machine.learn_nonce()

        def timed(path: str = "") -> tuple[int, float]:
            transport, begun = OverHttp(live.issuer), time.monotonic()
            with closing(transport):
                answer = transport.send("GET", path) if path else replace(machine, transport=transport).token()
            return answer.status, time.monotonic() - begun

        with (
            closing(sqlite3.connect(live.database, isolation_level=None)) as other,
            ThreadPoolExecutor(21) as pool,
        ):

            def measure() -> tuple[float, float, float]:
                """The longest that one of many clients waits first, that a reader waits, and a client after that."""
                other.execute("BEGIN IMMEDIATE")
                first = list(pool.map(lambda _: timed(), range(20)))
                # That the lock lasts is known now.
                waiting = [pool.submit(timed) for _ in range(4)]
                read = [timed(path) for path in ("/.well-known/openid-configuration", "/health/live", "/health/ready")]
                second = [task.result() for task in waiting]
                other.execute("ROLLBACK")
                assert {status for status, _ in (*first, *second)} == {503}
                assert {status for status, _ in read} == {200}
                assert timed()[0] == 200
                at_first, reading, later = (max(seconds for _, seconds in them) for them in (first, read, second))
                return at_first, reading, later

            bounds = BUSY_TIMEOUT / 1000 + 5, 2, BUSY_TIMEOUT / 2000
            found = measured(measure, lambda found: all(map(float.__lt__, found, map(float, bounds))))
            assert all(seconds < bound for seconds, bound in zip(found, bounds, strict=True)), (found, bounds)
    finally:
        live.stop()


@pytest.mark.covers("server.data.locked")
@pytest.mark.slow
def test_after_a_lock_that_lasted_a_short_one_is_waited_for_again(tmp_path: Path) -> None:
    store = SqliteDatabase(tmp_path / "x.sqlite")
    store.make()
    with closing(sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)) as other:

        def write() -> None:
            with store.writing() as transaction:
                transaction.execute("UPDATE revision SET number = number + 1")

        def refused() -> None:
            with pytest.raises(StoreError, match="another process keeps it locked"):
                write()

        def measure() -> tuple[float, float]:
            """The seconds that a write waits at first, and once it is known that the lock lasts."""
            other.execute("BEGIN IMMEDIATE")
            found = seconds_of(refused), seconds_of(refused)
            other.execute("ROLLBACK")
            write()
            return found

        usual, again = BUSY_TIMEOUT / 1000, BUSY_AGAIN / 1000
        first, second = measured(measure, lambda found: found[0] <= usual + 2 and found[1] <= again + 2)
        assert usual * 0.9 <= first <= usual + 2
        assert again * 0.9 <= second <= again + 2
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(BUSY_AGAIN / 1000 * 5, lambda: other.execute("ROLLBACK"))
        end.start()
        write()
        end.join()
    store.close()


@pytest.mark.covers("server.data.locked")
@pytest.mark.slow
def test_a_lock_that_is_short_is_waited_for(live: LiveServer) -> None:
    machine = live.client("machine")
    machine.learn_nonce()
    with closing(sqlite3.connect(live.database, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(1, lambda: other.execute("ROLLBACK"))
        begun = time.monotonic()
        end.start()
        assert machine.token().status == 200
        assert time.monotonic() - begun > 0.5
        end.join()


@pytest.mark.covers("server.data.full")
def test_a_full_disk_refuses_and_keeps_what_there_is(live: LiveServer) -> None:
    """The workers may not make any file longer, which SQLite takes for a disk that is full or broken."""
    machine = live.client("machine")
    machine.learn_nonce()
    form, proof = machine.form(machine.assertion(lifetime=250)), machine.proof()
    assert machine.post(form, proof=proof).status == 200
    workers = live.workers()
    assert len(workers) == 2
    for worker in workers:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    for _ in range(5):
        assert_refused(machine.token(), "the disk")
        assert live.transport.send("GET", "/.well-known/openid-configuration").status == 200
        assert_refused(live.transport.send("GET", "/health/ready"), "the disk")
    for worker in workers:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert live.transport.send("GET", "/health/ready").status == 200, "it finds out by itself"
    assert machine.token().status == 200
    assert noticed_as_used(machine, machine.post(form, proof=machine.proof()))
    assert live.workers() == workers, "the same ones"
    with closing(sqlite3.connect(live.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


#: Root may write everywhere; without this right it may not.
WITHOUT_OVERRIDE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


@pytest.mark.slow
def test_a_database_that_may_not_be_written_to(tmp_path: Path) -> None:
    prefix = WITHOUT_OVERRIDE if os.geteuid() == 0 else []
    live = LiveServer(tmp_path, prefix=prefix)
    files = [file for file in tmp_path.iterdir() if file.name.startswith(live.database.name)]
    try:
        machine = live.client("machine")
        assert machine.token().status == 200
        assert live.transport.send("GET", "/health/ready").status == 200
        for file in (*files, tmp_path):
            file.chmod(0o555 if file == tmp_path else 0o444)
        until(lambda: live.transport.send("GET", "/health/ready").status == 503, "it says that it is ready")
        assert_refused(live.transport.send("GET", "/health/ready"), "it may not be written to")
        assert live.transport.send("GET", "/.well-known/openid-configuration").status == 200
        for file in (tmp_path, *files):
            file.chmod(0o755 if file == tmp_path else 0o644)
        assert live.transport.send("GET", "/health/ready").status == 200
        assert machine.token().status == 200
        live.stop()

        for file in (*files, tmp_path):
            with suppress(FileNotFoundError):
                file.chmod(0o555 if file == tmp_path else 0o444)
        again = subprocess.run(
            [*prefix, sys.executable, "-m", "mock_sts", "prepare"],
            env=live.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 2
        assert "cannot be made" in again.stderr and "MOCK_STS_DATABASE_URL" in again.stderr
    finally:
        tmp_path.chmod(0o755)
        live.stop()


@pytest.mark.parametrize("beside", [True, False], ids=["all files", "the file alone"])
@pytest.mark.slow
def test_a_database_that_is_deleted_is_missed_and_made_anew(live: LiveServer, beside: bool) -> None:
    machine = live.client("machine")
    assert machine.token().status == 200
    for file in live.database.parent.glob(f"{live.database.name}{'*' if beside else ''}"):
        file.unlink()
    assert_refused(machine.token(), "the file is gone")
    assert_refused(live.transport.send("GET", "/health/ready"), "the file is gone")
    assert not live.database.exists(), "nobody makes an empty one"
    # Whoever prepares it makes it good, without a word to the server.
    processes.run("prepare", env=live.environment).check_returncode()
    live.store.close()
    live.store = SqliteDatabase(live.database)
    assert live.transport.send("GET", "/health/ready").status == 200
    machine = live.client("machine")
    assert machine.token().status == 200
    with closing(sqlite3.connect(live.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_database_that_is_put_back_is_used_again(live: LiveServer, tmp_path: Path) -> None:
    machine = live.client("machine")
    machine.learn_nonce()
    form = machine.form(machine.assertion(lifetime=250))
    assert machine.post(form, proof=machine.proof()).status == 200
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    names = [file.name for file in tmp_path.glob(f"{live.database.name}*")]
    for name in names:
        (tmp_path / name).rename(elsewhere / name)
    assert_refused(machine.token(), "the file is gone")
    for name in sorted(names, reverse=True):
        (elsewhere / name).rename(tmp_path / name)
    assert machine.token().status == 200
    assert noticed_as_used(machine, machine.post(form, proof=machine.proof()))


@pytest.mark.slow
def test_sighup_makes_a_deleted_database_anew(live: LiveServer) -> None:
    for file in live.database.parent.glob(f"{live.database.name}*"):
        file.unlink()
    live.process.send_signal(signal.SIGHUP)
    until(lambda: "INFO reloaded" in live.log.read_text(encoding="utf-8"), "it does not reload")
    assert live.transport.send("GET", "/health/ready").status == 200


@pytest.mark.covers("server.data.replaced")
@pytest.mark.parametrize("what", ["emptied", "of another version", "of another program"])
@pytest.mark.slow
def test_another_file_in_the_place_of_the_database_is_told(tmp_path: Path, what: str) -> None:
    live = LiveServer(tmp_path)
    try:
        machine = live.client("machine")
        assert machine.token().status == 200
        if what == "emptied":
            live.store.close()
            os.truncate(live.database, 0)
        else:
            with closing(sqlite3.connect(tmp_path / "other.sqlite")) as other, other:
                if what == "of another version":
                    with closing(sqlite3.connect(live.database)) as source:
                        source.backup(other)
                    other.execute("ALTER TABLE revision RENAME COLUMN number TO counted")
                else:
                    other.execute("CREATE TABLE meta (answer TEXT)")
            (tmp_path / "other.sqlite").rename(live.database)
        told = "the file is empty, of another version, or another program's"

        def is_told() -> bool:
            answer = live.transport.send("GET", "/health/ready")
            return answer.status == 503 and told in answer.json["error_description"]

        until(is_told, live.log.read_text(encoding="utf-8"))
        assert "remove it and send the server SIGHUP" in live.log.read_text(encoding="utf-8")
        if what == "emptied":
            live.process.send_signal(signal.SIGHUP)
            until(lambda: "the server goes on as it was" in live.log.read_text(encoding="utf-8"), "no answer", 20)
            assert "it is empty, and a server has it open" in live.log.read_text(encoding="utf-8")
        for file in tmp_path.glob(f"{live.database.name}*"):
            file.unlink()
        live.process.send_signal(signal.SIGHUP)
        until(lambda: "INFO reloaded" in live.log.read_text(encoding="utf-8"), "it does not reload")
        assert live.transport.send("GET", "/health/ready").status == 200
    finally:
        live.stop()


@pytest.mark.slow
def test_a_damaged_database_is_told_and_not_made_worse(live: LiveServer) -> None:
    live.stop()
    with closing(sqlite3.connect(live.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(live.database.read_bytes())
    content[100:20_000] = secrets.token_bytes(19_900)
    live.database.write_bytes(content)
    ended = processes.run("serve", env=live.environment)
    assert ended.returncode == 2
    assert "damaged" in ended.stderr or "no database" in ended.stderr, ended.stderr
    assert "remove it" in ended.stderr and "Traceback" not in ended.stderr
    assert live.database.read_bytes() == bytes(content)


@pytest.mark.slow
def test_an_older_schema_stops_the_start_with_the_remedy(live: LiveServer) -> None:
    live.stop()
    with closing(sqlite3.connect(live.database)) as connection, connection:
        connection.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    before = live.database.read_bytes()
    ended = processes.run("serve", env=live.environment)
    assert ended.returncode == 2
    assert "schema version 1" in ended.stderr and "remove the file" in ended.stderr
    assert live.database.read_bytes() == before
    live.database.unlink()
    processes.run("prepare", env=live.environment).check_returncode()


def test_where_wal_does_not_work_the_start_stops_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    # No shared memory can be made where a folder has its name.
    Path(f"{path}-shm").mkdir()
    with pytest.raises(StoreError, match=r"WAL mode does not work there .*bind mounts.*MOCK_STS_DATABASE_URL"):
        SqliteDatabase(path).make()
    # A way to lock that knows no shared memory, as on some network folders.
    with (
        closing(sqlite3.connect(f"file:{tmp_path / 'y.sqlite'}?vfs=unix-dotfile", uri=True)) as raw,
        pytest.raises(StoreError, match=r"its journal mode stays delete"),
    ):
        use_wal(SqliteDatabase(tmp_path / "y.sqlite"), raw)


def test_a_connection_that_met_an_error_is_not_used_again(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    store = SqliteDatabase(path)
    with pytest.raises(StoreError, match="the file is gone"), store.reading():
        raise AssertionError("not reached")
    assert not path.exists()
    store.make()
    with pytest.raises(StoreError), store.writing() as transaction:
        transaction.execute("INSERT INTO meta VALUES ('a', 'b')")
        transaction.execute("INSERT INTO nothing VALUES (1)")
    with store.writing() as transaction:
        assert transaction.one("SELECT count(*) FROM meta WHERE name = 'a'")[0] == 0
        transaction.execute("INSERT INTO meta VALUES ('a', 'b')")
    assert store.read_one("SELECT value FROM meta WHERE name = 'a'")[0] == "b"
    copy = tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE meta SET value = 'c' WHERE name = 'a'")
    copy.replace(path)
    for beside in tmp_path.glob("x.sqlite-*"):
        beside.unlink()
    assert store.read_one("SELECT value FROM meta WHERE name = 'a'")[0] == "c"
    with store.reading() as connection_:
        assert connection_.one("SELECT value FROM meta WHERE name = 'a'")[0] == "c"
    store.close()


def test_a_name_with_signs_of_an_address_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a #1% b.sqlite"
    store = SqliteDatabase(path)
    store.make()
    assert store.read_one("SELECT count(*) FROM meta")[0] == 1
    assert path.exists()
    store.close()


@pytest.mark.covers("server.data.locked")
@pytest.mark.slow
def test_a_start_on_a_locked_database_that_must_be_written_to_says_so(tmp_path: Path) -> None:
    """A public URL that was told ends at the next start, which is a write."""
    live = LiveServer(tmp_path)
    told = live.transport.send(
        "PUT", "/mock/api/v1/public-url", {"Content-Type": "application/json"}, b'{"url": "http://told.test"}'
    )
    assert told.status == 200
    live.stop()
    with closing(sqlite3.connect(live.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = processes.run("serve", env=live.environment)
    assert done.returncode == 2
    assert "another process keeps it locked (database is locked); stop that one, or wait for it" in done.stderr
