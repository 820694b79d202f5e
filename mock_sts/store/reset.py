"""Taking an environment back to its start, or forgetting what one test run has made in it."""

from mock_sts.store.catalog import KEYS
from mock_sts.store.database import Transaction
from mock_sts.store.environments import Environments

#: Tables of an environment all of whose rows go; registry rows of an environment are those of run time, for files
#: describe the shared world.
_ALL = (
    *KEYS,
    "replay",
    "authorization_request",
    "authorization_code",
    "refresh_token",
    "login_session",
    "session_client",
    "scripted_login",
    "token_service_key",
    "fault",
    "journal",
)

#: Tables whose rows can have the tag of a test run.
_TAGGED = (*KEYS, "scripted_login", "fault")

#: Tables with what is pending for a client.
_OF_CLIENTS = ("authorization_request", "authorization_code", "refresh_token", "session_client")


def reset_all(transaction: Transaction, environment: str, *, registry: bool = True) -> dict[str, int]:
    """Forget everything of ``environment`` but its keys, settings and host names, and without ``registry`` its
    registry; put its clock back to real time and let its seed begin anew; how many rows went, by table.
    """
    transaction.lock(f"environment:{environment}")
    removed = {
        table: int(transaction.execute(f"DELETE FROM {table} WHERE environment = ?", (environment,)).rowcount)  # noqa: S608
        for table in _ALL
        if registry or table not in KEYS
    }
    transaction.execute(
        "UPDATE environment SET clock_offset = 0, clock_frozen_at = NULL WHERE name = ?", (environment,)
    )
    Environments.draw_anew(transaction, environment)
    Environments.move_revision(transaction, environment)
    return {table: count for table, count in removed.items() if count}


def copy_registry(transaction: Transaction, source: str, target: str) -> None:
    """Give the environment ``target`` what was registered in ``source`` at run time."""
    for table, key in KEYS.items():
        more = ", persona, hpr_number" if table == "persona" else ""
        columns = f"{key}{more}, origin, position, document, tag"
        transaction.execute(
            f"INSERT INTO {table} (environment, {columns}) SELECT ?, {columns} FROM {table} WHERE environment = ?",  # noqa: S608
            (target, source),
        )


def reset_tagged(transaction: Transaction, environment: str, tag: str) -> dict[str, int]:
    """Forget the rows of ``environment`` that were made with ``tag``, and what is pending of the clients among them;
    how many rows went, by table.
    """
    removed = {}
    for table in _OF_CLIENTS:
        removed[table] = transaction.execute(
            f"DELETE FROM {table} WHERE environment = ? AND client_id IN "  # noqa: S608
            "(SELECT client_id FROM client WHERE environment = ? AND tag = ?)",
            (environment, environment, tag),
        ).rowcount
    for table in _TAGGED:
        removed[table] = transaction.execute(
            f"DELETE FROM {table} WHERE environment = ? AND tag = ?",  # noqa: S608
            (environment, tag),
        ).rowcount
    if removed["fault"]:
        Environments.move_revision(transaction, environment)
    return {table: int(count) for table, count in removed.items() if count}
