"""Four processes that want the same thing at the same moment, two hundred times each: one winner, on both databases."""

from collections.abc import Callable
from multiprocessing.synchronize import Barrier

import pytest

from mock_sts.store.database import Database, Transaction
from mock_sts.store.faults import Faults
from mock_sts.store.ledger import Ledger
from mock_sts.store.login_queue import LoginQueue
from mock_sts.store.opening import open_database
from mock_sts.store.replay import Once, Replay
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from tests.store.test_environments import CODE, REFRESH, REQUEST
from tests.support.emulator import START
from tests.support.lanes import at_once

PROCESSES, ROUNDS = 4, 200

_RULE = (
    "INSERT INTO fault (id, environment, position, document, remaining, drawn, happened) "
    "VALUES (?, ?, 1, '{}', 1, 0, 0)"
)

#: What one transaction tries in a round, and whether it has won.
Try = Callable[[Database, Transaction, str], bool]


def _assertion(database: Database, transaction: Transaction, name: str) -> bool:
    return Replay(database, DEFAULT_ENVIRONMENT).remember(transaction, Once("client-assertion", (name,), START))


def _proof(database: Database, transaction: Transaction, name: str) -> bool:
    return Replay(database, DEFAULT_ENVIRONMENT).remember(transaction, Once("dpop-proof", (name,), START))


def _code(database: Database, transaction: Transaction, name: str) -> bool:
    return Ledger(database, DEFAULT_ENVIRONMENT).codes.consume(transaction, name, START)


def _refresh_token(database: Database, transaction: Transaction, name: str) -> bool:
    return Ledger(database, DEFAULT_ENVIRONMENT).refresh_tokens.consume(transaction, name, START)


def _request_uri(database: Database, transaction: Transaction, name: str) -> bool:
    return Ledger(database, DEFAULT_ENVIRONMENT).requests.consume(transaction, name, START)


def _scripted_login(database: Database, transaction: Transaction, name: str) -> bool:
    return LoginQueue(database, DEFAULT_ENVIRONMENT).take(transaction, name, "http://web") is not None


def _fault(database: Database, transaction: Transaction, name: str) -> bool:
    return Faults(database, DEFAULT_ENVIRONMENT).take(transaction, name)


TRIES: dict[str, Try] = {
    "assertion": _assertion,
    "proof": _proof,
    "code": _code,
    "refresh token": _refresh_token,
    "request_uri": _request_uri,
    "scripted login": _scripted_login,
    "fault": _fault,
}


def race(url: str, what: str, start: Barrier) -> list[bool]:
    """One process: a try in each round, begun with the others."""
    database, won = open_database(url, synchronous="off"), []
    for number in range(ROUNDS):
        start.wait(60)
        with database.writing() as transaction:
            won.append(TRIES[what](database, transaction, str(number)))
    database.close()
    return won


@pytest.mark.slow
@pytest.mark.parametrize("what", TRIES)
def test_each_race_has_one_winner(store: Database, empty_url: str, what: str) -> None:
    ledger, queue = Ledger(store, DEFAULT_ENVIRONMENT), LoginQueue(store, DEFAULT_ENVIRONMENT)
    with store.writing() as transaction:
        for name in map(str, range(ROUNDS)):
            ledger.codes.keep(transaction, name, CODE)
            ledger.refresh_tokens.keep(transaction, name, REFRESH)
            ledger.requests.keep(transaction, name, REQUEST)
            queue.put(transaction, name, None, "06828399789", "success", 1)
            # Not by ``put``, which keeps no more than an environment may have.
            transaction.execute(_RULE, (name, DEFAULT_ENVIRONMENT))
    lanes = at_once(race, [(empty_url, what)] * PROCESSES)
    assert [sum(lane[number] for lane in lanes) for number in range(ROUNDS)] == [1] * ROUNDS
    assert sum(lane != [False] * ROUNDS for lane in lanes) > 1, "they did race"
