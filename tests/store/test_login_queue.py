"""The queue of ordered logins in the store: order, match, and exactly once between processes."""

import threading
from collections import Counter
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from mock_sts.store.database import Store
from mock_sts.store.login_queue import Order, clear_orders, is_empty, put_order, read_orders, take_order
from mock_sts.store.schema import make_tables
from tests.support.lanes import at_once

PROCESSES, ORDERS = 4, 200
URI = "http://localhost:8089/callback"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store.sqlite")
    make_tables(made)
    yield made
    made.close()


def put(store: Store, pid: str, client_id: str | None = None, redirect_uri: str | None = None, times: int = 1) -> int:
    with store.writing() as transaction:
        return put_order(transaction, client_id, redirect_uri, pid, "success", times)


def take(store: Store, client_id: str = "web", redirect_uri: str = URI) -> Order | None:
    with store.writing() as transaction:
        return take_order(transaction, client_id, redirect_uri)


def taken(store: Store, client_id: str = "web", redirect_uri: str = URI) -> str | None:
    order = take(store, client_id, redirect_uri)
    return order.pid if order is not None else None


def test_the_oldest_that_fits_is_taken(store: Store) -> None:
    for pid, client_id, redirect_uri in (("a", "other", None), ("b", None, URI), ("c", "web", URI), ("d", None, None)):
        put(store, pid, client_id, redirect_uri)
    assert taken(store, redirect_uri="http://elsewhere") == "d"
    assert [taken(store) for _ in range(3)] == ["b", "c", None]
    assert not is_empty(store)
    assert taken(store, "other") == "a"
    assert is_empty(store)


@pytest.mark.parametrize("near", [URI + "/", URI.upper(), URI + "?a=b", "", "%"])
def test_a_redirect_uri_fits_byte_for_byte(store: Store, near: str) -> None:
    put(store, "a", redirect_uri=URI)
    assert taken(store, redirect_uri=near) is None
    assert taken(store) == "a"


def test_an_order_is_used_as_often_as_it_says(store: Store) -> None:
    order_id = put(store, "a", "web", times=3)
    for left in (2, 1):
        assert take(store) == Order(order_id, "web", None, "a", "success", left)
        assert [order.times for order in read_orders(store)] == [left]
    assert take(store) == Order(order_id, "web", None, "a", "success", 0)
    assert (read_orders(store), take(store), is_empty(store)) == ([], None, True)


def test_what_is_rolled_back_was_not_taken(store: Store) -> None:
    put(store, "a")
    with pytest.raises(RuntimeError), store.writing() as transaction:
        assert take_order(transaction, "web", URI) is not None
        raise RuntimeError("the login failed")
    assert taken(store) == "a"


def test_orders_are_forgotten(store: Store) -> None:
    put(store, "a")
    put(store, "b", times=5)
    with store.writing() as transaction:
        assert clear_orders(transaction) == 2
        assert clear_orders(transaction) == 0
    assert is_empty(store)


def take_all(path: Path, start: Barrier) -> list[str]:
    """One process: take until nothing is left."""
    store = Store(path)
    start.wait()
    found = []
    while (pid := taken(store)) is not None:
        found.append(pid)
    store.close()
    return found


@pytest.mark.covers("automation.queue.once")
def test_processes_take_each_order_once(store: Store, tmp_path: Path) -> None:
    for number in range(ORDERS):
        put(store, str(number), times=1 + number % 3)
    found = at_once(take_all, [(tmp_path / "store.sqlite",)] * PROCESSES)
    counted = Counter(pid for lane in found for pid in lane)
    assert counted == Counter({str(number): 1 + number % 3 for number in range(ORDERS)})
    assert is_empty(store)
    for lane in found:
        assert lane == sorted(lane, key=int), "each takes them in their order"


def race_for(path: Path, races: int, start: Barrier) -> list[bool]:
    """One process: in each race, one try for the order that is for it alone."""
    store = Store(path)
    found = []
    for number in range(races):
        start.wait(60)
        found.append(taken(store, str(number)) is not None)
    store.close()
    return found


def winners_of(path: Path, races: int) -> list[int]:
    """How many of PROCESSES processes got an order, in each race."""
    lanes = at_once(race_for, [(path, races)] * PROCESSES)
    return [sum(lane[number] for lane in lanes) for number in range(races)]


@pytest.mark.covers("automation.queue.once")
@pytest.mark.slow
def test_a_thousand_races_for_one_order_each_have_one_winner_each(store: Store) -> None:
    races = 5 * ORDERS
    with store.writing() as transaction:
        for number in range(races):
            put_order(transaction, str(number), None, "a", "success", 1)
    assert winners_of(store.path, races) == [1] * races
    assert is_empty(store)


@pytest.mark.parametrize("left", [1, PROCESSES - 1])
@pytest.mark.slow
def test_a_second_winner_has_an_order_that_was_left(store: Store, left: int) -> None:
    """There are as many winners as orders, in whichever race they win."""
    for _ in range(left):
        put(store, "left from before")
    with store.writing() as transaction:
        for number in range(ORDERS):
            put_order(transaction, str(number), None, "a", "success", 1)
    found = winners_of(store.path, ORDERS)
    assert sum(found) == ORDERS + left
    assert found[0] == 1 + left, "the oldest orders go first, and so to the first race"
    assert is_empty(store)


@pytest.mark.covers("automation.queue.once")
def test_threads_take_each_order_once(store: Store) -> None:
    put(store, "a", times=100)
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.extend(taken(store) for _ in range(30))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(found) == {"a": 100, None: 140}
