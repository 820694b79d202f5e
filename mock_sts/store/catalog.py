"""The catalog: an immutable snapshot of the registry, which each worker holds and replaces when the revision moves."""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.scopes import implied_audience, is_api_scope
from mock_sts.store.database import Store
from mock_sts.store.public_url import NOTHING_TOLD, Told, read_told
from mock_sts.store.tables import API, CLIENT, ORGANIZATION, PERSONA, REVISION

_REVISION = "SELECT number FROM revision WHERE id = 1"

#: Who made a registry row: a file of the world, or somebody at run time. Loading fixtures leaves the latter alone.
FIXTURE, MADE = "fixture", "made"


T = TypeVar("T")

#: What a registry row can hold.
Item = Client | ApiResource | Organization | Persona


class Catalog:
    """Clients, APIs and organizations as of one revision. Documents become objects when first asked for; those that
    the catalog ``before`` has made from the same documents are taken over, and with them the keys that are imported.
    """

    def __init__(
        self,
        revision: int,
        documents: Mapping[str, Mapping[str, str]],
        told: Told = NOTHING_TOLD,
        before: "Catalog | None" = None,
    ) -> None:
        self.revision = revision
        #: The public URL that was told while the server runs, and the addresses before it.
        self.told = told
        self._documents = documents
        self._clients: dict[str, Client] = {}
        self._apis: dict[str, ApiResource] = {}
        if before is not None:
            self._clients.update(_still(before._clients, before._documents["client"], documents["client"]))
            self._apis.update(_still(before._apis, before._documents["api"], documents["api"]))
        self._owners: dict[str, ApiResource] | None = None
        self._key_holders: dict[str, list[str]] | None = None

    def client(self, client_id: str) -> Client | None:
        """The client with this id. The object is kept, and with it the keys once they are imported."""
        client = self._clients.get(client_id)
        if client is None:
            document = self._documents["client"].get(client_id)
            if document is None:
                return None
            # Two threads may both get here; the first object stays, so that keys are imported once.
            client = self._clients.setdefault(client_id, Client.from_document(json.loads(document), "store"))
        return client

    def clients(self) -> list[Client]:
        """All clients, by id."""
        return [client for name in sorted(self._documents["client"]) if (client := self.client(name))]

    def api_of(self, scope: str) -> ApiResource | None:
        """The API that owns ``scope``, an implied one where none is registered; None for scopes of HelseID itself."""
        if not is_api_scope(scope):
            return None
        if self._owners is None:
            self._owners = {scope: api for api in self.apis() for scope in api.scopes}
        owner = self._owners.get(scope)
        if owner is not None:
            return owner
        audience = implied_audience(scope)
        return self.api(audience) or ApiResource.implied_by(audience)

    def apis(self) -> list[ApiResource]:
        """All registered APIs, by audience."""
        return [api for audience in sorted(self._documents["api"]) if (api := self.api(audience))]

    def organization_name(self, number: str) -> str | None:
        """The name of the organization with this number; None for an unknown or nameless one."""
        document = self._documents["organization"].get(number)
        return json.loads(document).get("name") or None if document is not None else None

    def key_sharers(self, client: Client) -> tuple[str, ...]:
        """The ids of other clients that hold one of ``client``'s keys."""
        if self._key_holders is None:
            holders: dict[str, list[str]] = {}
            for other in self.clients():
                for jwk in other.public_jwks:
                    holders.setdefault(_key_material(jwk), []).append(other.client_id)
            self._key_holders = holders
        sharers = {other for jwk in client.public_jwks for other in self._key_holders.get(_key_material(jwk), ())}
        return tuple(sorted(sharers - {client.client_id}))

    def kid_holders(self, kid: str, client: Client) -> tuple[str, ...]:
        """The ids of other clients than ``client`` that have a key by the name ``kid``."""
        holders = (other for other in self.clients() if any(key.kid == kid for key in other.keys))
        return tuple(other.client_id for other in holders if other.client_id != client.client_id)

    def api(self, audience: str) -> ApiResource | None:
        """The registered API with this audience."""
        api = self._apis.get(audience)
        if api is None:
            document = self._documents["api"].get(audience)
            if document is None:
                return None
            api = self._apis.setdefault(audience, ApiResource.from_document(json.loads(document), "store"))
        return api


class CatalogHolder:
    """Gives the current catalog; a moved revision is noticed at the next question (2 µs)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None

    @property
    def latest(self) -> Catalog | None:
        """What was current when somebody last asked; None before that. Asks no database."""
        return self._catalog

    def current(self) -> Catalog:
        """The catalog of the newest committed revision."""
        catalog = self._catalog
        row = self._store.read_one(_REVISION)
        if catalog is None or row is None or row[0] != catalog.revision:
            with self._lock:
                # Another thread may have loaded it while this one waited.
                catalog, row = self._catalog, self._store.read_one(_REVISION)
                if catalog is None or row is None or row[0] != catalog.revision:
                    catalog = self._catalog = load_catalog(self._store, catalog)
        return catalog


def load_catalog(store: Store, before: Catalog | None = None) -> Catalog:
    """Read the registry in one transaction, revision first; ``before`` is the catalog that this one replaces."""
    with store.reading() as connection:
        connection.exec_driver_sql("BEGIN")
        revision = connection.scalar(select(REVISION.c.number)) or 0
        documents = {
            table.name: {
                row[0]: row[1] for row in connection.execute(select(table.primary_key.columns[0], table.c.document))
            }
            for table in (API, CLIENT, ORGANIZATION)
        }
        told = read_told(connection.exec_driver_sql)
        connection.exec_driver_sql("COMMIT")
    return Catalog(revision, documents, told, before)


def _still(made: Mapping[str, T], old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, T]:
    """What was ``made`` from ``old`` documents that are the same among the ``new`` ones."""
    return {key: item for key, item in list(made.items()) if old[key] == new.get(key)}


def put_entry(connection: Connection, item: Item, document: Mapping[str, Any], origin: str) -> None:
    """Insert ``item``, or replace the one with its key; ``document`` is what it was made from."""
    put_entries(connection, [(item, document, origin)])


def put_entries(connection: Connection, entries: Sequence[tuple[Item, Mapping[str, Any], str]]) -> None:
    """The same for many of one sort, each with the document that it was made from and its origin."""
    if not entries:
        return
    table, _ = _row_of(entries[0][0])
    key = table.primary_key.columns[0]
    rows = [
        {**_row_of(item)[1], "origin": origin, "document": json.dumps(document, ensure_ascii=False)}
        for item, document, origin in entries
    ]
    connection.execute(delete(table).where(key == bindparam("replaced")), [{"replaced": row[key.name]} for row in rows])
    connection.execute(insert(table), rows)


def _row_of(item: Item) -> tuple[Table, dict[str, str | None]]:
    match item:
        case Client():
            return CLIENT, {"client_id": item.client_id}
        case ApiResource():
            return API, {"audience": item.audience}
        case Organization():
            return ORGANIZATION, {"number": item.number}
        case Persona():
            return PERSONA, {"pid": item.pid, "persona": item.persona, "hpr_number": item.hpr_number}


def _key_material(jwk: Mapping[str, Any]) -> str:
    return json.dumps([jwk.get(name) for name in ("kty", "n", "crv", "x", "y")])
