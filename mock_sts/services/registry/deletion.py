"""Taking away what was made at run time: a client or a person. What files describe is taken away there."""

from mock_sts.services.registry.lookup import NotFoundError, the_client, the_persona
from mock_sts.store.catalog import MADE, remove_made
from mock_sts.store.database import Database
from mock_sts.store.fixtures.rows import Registry


def delete_client(store: Database, client_id: str) -> bool:
    """Take away the client with this id; whether a file describes one of that id, which counts again.

    Raises NotFoundError for one that no row has, or that only a file describes.
    """
    row = the_client(Registry(store), client_id)
    _refuse_of_file(row.origin, f"the client {client_id!r}")
    with store.writing() as transaction:
        remove_made(transaction, "client", client_id)
    return client_id in {row.item.client_id for row in Registry(store).rows(type(row.item))}


def delete_persona(store: Database, key: str) -> tuple[str, bool]:
    """Take away the person with the pid, short name or HPR number ``key``: the pid, and whether a file describes a
    person with that pid, who counts again.

    Raises NotFoundError for one that no row has, or that only a file describes.
    """
    row = the_persona(Registry(store), key, invent=False)
    _refuse_of_file(row.origin, f"the person {key!r}")
    with store.writing() as transaction:
        remove_made(transaction, "persona", row.item.pid)
    return row.item.pid, row.item.pid in {row.item.pid for row in Registry(store).rows(type(row.item))}


def _refuse_of_file(origin: str, what: str) -> None:
    if origin != MADE:
        raise NotFoundError(
            f"{what} stands in a fixture file, and was not made at run time; one of your own files is where to remove "
            "it (then mock-sts fixtures load); what is shipped stays"
        )
