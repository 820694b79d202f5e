"""Logins that a test has ordered: who shall log in next, taken exactly once."""

from dataclasses import dataclass

from mock_sts.store.database import Store, Transaction


@dataclass(frozen=True, slots=True)
class Order:
    """An order: for which client and redirect URI (None: any), who (a pid, None for whoever), with which outcome, and
    how many more times.
    """

    id: int
    client_id: str | None
    redirect_uri: str | None
    pid: str | None
    outcome: str
    times: int


def put_order(
    transaction: Transaction, client_id: str | None, redirect_uri: str | None, pid: str | None, outcome: str, times: int
) -> int:
    """Add an order to the end of the queue; its id."""
    result = transaction.exec_driver_sql(
        "INSERT INTO login_order (client_id, redirect_uri, pid, outcome, times) VALUES (?, ?, ?, ?, ?)",
        (client_id, redirect_uri, pid, outcome, times),
    )
    return int(result.lastrowid)


def is_empty(store: Store) -> bool:
    """Whether nothing is ordered; nearly always so, and cheap to ask."""
    return store.read_one("SELECT 1 FROM login_order WHERE times > 0 LIMIT 1", ()) is None


def take_order(transaction: Transaction, client_id: str, redirect_uri: str) -> Order | None:
    """Use the oldest order that fits up by one; None when none fits. The database decides every race."""
    row = transaction.exec_driver_sql(
        "UPDATE login_order SET times = times - 1 WHERE id = (SELECT id FROM login_order WHERE times > 0 "
        "AND (client_id IS NULL OR client_id = ?) AND (redirect_uri IS NULL OR redirect_uri = ?) ORDER BY id LIMIT 1) "
        "RETURNING id, client_id, redirect_uri, pid, outcome, times",
        (client_id, redirect_uri),
    ).fetchone()
    if row is None:
        return None
    order = Order(*row)
    if order.times <= 0:
        transaction.exec_driver_sql("DELETE FROM login_order WHERE id = ?", (order.id,))
    return order


def read_orders(store: Store) -> list[Order]:
    """What is ordered, oldest first."""
    with store.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT id, client_id, redirect_uri, pid, outcome, times FROM login_order ORDER BY id"
        )
        return [Order(*row) for row in rows]


def clear_orders(transaction: Transaction) -> int:
    """Forget all orders; how many there were."""
    return transaction.exec_driver_sql("DELETE FROM login_order").rowcount
