"""The queue of ordered logins in the store: order, match, and exactly once between processes."""

import threading
from collections import Counter
from multiprocessing.synchronize import Barrier

import pytest

from mock_sts.store.database import Database
from mock_sts.store.login_queue import LoginQueue
from mock_sts.store.opening import open_database
from mock_sts.store.records import ScriptedLogin
from mock_sts.store.scope import DEFAULT_ENVIRONMENT
from tests.support.lanes import at_once

PROCESSES, ORDERS = 4, 200
URI = "http://localhost:8089/callback"


def queue_of(store: Database) -> LoginQueue:
    return LoginQueue(store, DEFAULT_ENVIRONMENT)


def put(
    store: Database, pid: str, client_id: str | None = None, redirect_uri: str | None = None, times: int = 1
) -> int:
    with store.writing() as transaction:
        return queue_of(store).put(transaction, client_id, redirect_uri, pid, "success", times)


def take(store: Database, client_id: str = "web", redirect_uri: str = URI) -> ScriptedLogin | None:
    with store.writing() as transaction:
        return queue_of(store).take(transaction, client_id, redirect_uri)


def taken(store: Database, client_id: str = "web", redirect_uri: str = URI) -> str | None:
    order = take(store, client_id, redirect_uri)
    return order.pid if order is not None else None


def test_the_oldest_that_fits_is_taken(store: Database) -> None:
    for pid, client_id, redirect_uri in (("a", "other", None), ("b", None, URI), ("c", "web", URI), ("d", None, None)):
        put(store, pid, client_id, redirect_uri)
    assert taken(store, redirect_uri="http://elsewhere") == "d"
    assert [taken(store) for _ in range(3)] == ["b", "c", None]
    assert not queue_of(store).is_empty()
    assert taken(store, "other") == "a"
    assert queue_of(store).is_empty()


@pytest.mark.parametrize("near", [URI + "/", URI.upper(), URI + "?a=b", "", "%"])
def test_a_redirect_uri_fits_byte_for_byte(store: Database, near: str) -> None:
    put(store, "a", redirect_uri=URI)
    assert taken(store, redirect_uri=near) is None
    assert taken(store) == "a"


def test_an_order_is_used_as_often_as_it_says(store: Database) -> None:
    order_id = put(store, "a", "web", times=3)
    for left in (2, 1):
        assert take(store) == ScriptedLogin(order_id, "web", None, "a", "success", left)
        assert [order.times for order in queue_of(store).read()] == [left]
    assert take(store) == ScriptedLogin(order_id, "web", None, "a", "success", 0)
    assert (queue_of(store).read(), take(store), queue_of(store).is_empty()) == ([], None, True)


def test_what_is_rolled_back_was_not_taken(store: Database) -> None:
    put(store, "a")
    with pytest.raises(RuntimeError), store.writing() as transaction:
        assert queue_of(store).take(transaction, "web", URI) is not None
        raise RuntimeError("the login failed")
    assert taken(store) == "a"


def test_orders_are_forgotten(store: Database) -> None:
    put(store, "a")
    put(store, "b", times=5)
    with store.writing() as transaction:
        assert queue_of(store).clear(transaction) == 2
        assert queue_of(store).clear(transaction) == 0
    assert queue_of(store).is_empty()


def take_all(url: str, start: Barrier) -> list[str]:
    """One process: take until nothing is left."""
    store = open_database(url)
    start.wait()
    found = []
    while (pid := taken(store)) is not None:
        found.append(pid)
    store.close()
    return found


@pytest.mark.covers("automation.queue.once")
def test_processes_take_each_order_once(store: Database, empty_url: str) -> None:
    for number in range(ORDERS):
        put(store, str(number), times=1 + number % 3)
    found = at_once(take_all, [(empty_url,)] * PROCESSES)
    counted = Counter(pid for lane in found for pid in lane)
    assert counted == Counter({str(number): 1 + number % 3 for number in range(ORDERS)})
    assert queue_of(store).is_empty()
    for lane in found:
        assert lane == sorted(lane, key=int), "each takes them in their order"


def race_for(url: str, races: int, start: Barrier) -> list[bool]:
    """One process: in each race, one try for the order that is for it alone."""
    store = open_database(url)
    found = []
    for number in range(races):
        start.wait(60)
        found.append(taken(store, str(number)) is not None)
    store.close()
    return found


def winners_of(url: str, races: int) -> list[int]:
    """How many of PROCESSES processes got an order, in each race."""
    lanes = at_once(race_for, [(url, races)] * PROCESSES)
    return [sum(lane[number] for lane in lanes) for number in range(races)]


@pytest.mark.covers("automation.queue.once")
@pytest.mark.slow
def test_a_thousand_races_for_one_order_each_have_one_winner_each(store: Database, empty_url: str) -> None:
    races = 5 * ORDERS
    with store.writing() as transaction:
        for number in range(races):
            queue_of(store).put(transaction, str(number), None, "a", "success", 1)
    assert winners_of(empty_url, races) == [1] * races
    assert queue_of(store).is_empty()


@pytest.mark.parametrize("left", [1, PROCESSES - 1])
@pytest.mark.slow
def test_a_second_winner_has_an_order_that_was_left(store: Database, empty_url: str, left: int) -> None:
    """There are as many winners as orders, in whichever race they win."""
    for _ in range(left):
        put(store, "left from before")
    with store.writing() as transaction:
        for number in range(ORDERS):
            queue_of(store).put(transaction, str(number), None, "a", "success", 1)
    found = winners_of(empty_url, ORDERS)
    assert sum(found) == ORDERS + left
    assert found[0] == 1 + left, "the oldest orders go first, and so to the first race"
    assert queue_of(store).is_empty()


@pytest.mark.covers("automation.queue.once")
def test_threads_take_each_order_once(store: Database) -> None:
    put(store, "a", times=100)
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.extend(taken(store) for _ in range(30))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(found) == {"a": 100, None: 140}
