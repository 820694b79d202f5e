"""The catalog: an immutable snapshot of the registry, which each worker holds and replaces when the revision moves."""

import json
import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from mock_sts.helseid.faults import FaultRule
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.scopes import implied_audience, is_api_scope
from mock_sts.store.database import Database, Reader, Transaction
from mock_sts.store.public_url import NO_OVERRIDE, PublicUrlOverride, read_override
from mock_sts.store.scope import DEFAULT_ENVIRONMENT, SHARED

#: A revision: the number of the shared world, and the environment's own.
Revision: TypeAlias = tuple[int, int]

_REVISION = (
    "SELECT shared.number, own.number FROM revision AS shared, revision AS own "
    "WHERE shared.environment = ? AND own.environment = ?"
)

_FAULTS = (
    "SELECT id, document FROM fault WHERE environment = ? AND (remaining IS NULL OR remaining > 0) "
    "ORDER BY position, id"
)

#: What made a registry row: a file of the world, or a request at run time. Loading fixtures leaves the latter alone.
#: A hidden one makes an environment do without a row of the shared world.
FIXTURE, MADE, HIDDEN = "fixture", "made", "hidden"

#: The registry in the order in which it is loaded, later tables refer to earlier ones: each table with its key.
KEYS = {"organization": "number", "persona": "pid", "api": "audience", "client": "client_id"}

#: The document of a row that hides another.
_NOTHING = "null"


T = TypeVar("T")

#: What a registry row can hold.
Item = Client | ApiResource | Organization | Persona


class Catalog:
    """Clients, APIs and organizations as of one revision. Documents become objects when first asked for; those that
    the catalog ``before`` has made from the same documents are taken over, and with them the keys that are imported.
    """

    def __init__(
        self,
        revision: Revision,
        documents: Mapping[str, Mapping[str, str]],
        override: PublicUrlOverride = NO_OVERRIDE,
        before: "Catalog | None" = None,
        hosts: Mapping[str, str] = MappingProxyType({}),
        faults: Sequence[FaultRule] = (),
    ) -> None:
        self.revision = revision
        #: The fault rules of the environment that are not used up; nearly always none.
        self.faults = tuple(faults)
        #: Which environment each host name belongs to that an environment has declared.
        self.hosts = hosts
        #: The public URL set at run time, and the addresses before it.
        self.override = override
        #: By table and key.
        self.documents = documents
        self._clients: dict[str, Client] = {}
        self._apis: dict[str, ApiResource] = {}
        if before is not None:
            self._clients.update(_still(before._clients, before.documents["client"], documents["client"]))
            self._apis.update(_still(before._apis, before.documents["api"], documents["api"]))
        self._owners: dict[str, ApiResource] | None = None
        self._key_sharers: dict[str, tuple[str, ...]] = {}

    def client(self, client_id: str) -> Client | None:
        """The client with this id. The object is kept, and with it the keys once they are imported."""
        client = self._clients.get(client_id)
        if client is None:
            document = self.documents["client"].get(client_id)
            if document is None:
                return None
            # Two threads may both get here; the first object stays, so that keys are imported once.
            client = self._clients.setdefault(client_id, Client.from_document(json.loads(document), "store"))
        return client

    def clients(self) -> list[Client]:
        """All clients, by id."""
        return [client for name in sorted(self.documents["client"]) if (client := self.client(name))]

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
        return [api for audience in sorted(self.documents["api"]) if (api := self.api(audience))]

    def organization_name(self, number: str) -> str | None:
        """The name of the organization with this number; None for an unknown or nameless one."""
        document = self.documents["organization"].get(number)
        return json.loads(document).get("name") or None if document is not None else None

    def organization(self, number: str) -> Organization | None:
        """The organization with this number."""
        document = self.documents["organization"].get(number)
        return None if document is None else Organization.from_document(json.loads(document), "store")

    def organizations_above(self, number: str) -> tuple[str, ...]:
        """The numbers of the organizations that the one with this number is a unit of, the nearest first; empty for a
        legal entity, and for an organization that is not registered.
        """
        above: list[str] = []
        document = self.documents["organization"].get(number)
        while document is not None:
            parent = json.loads(document).get("parent")
            if parent is None or parent in above:  # a circle ends where it began
                break
            above.append(parent)
            document = self.documents["organization"].get(parent)
        return tuple(above)

    def key_sharers(self, client: Client) -> tuple[str, ...]:
        """The ids of other clients that hold one of ``client``'s keys. They are looked for once (0.2 µs for each client
        that is registered), and of all others none is read.
        """
        found = self._key_sharers.get(client.client_id)
        if found is None:
            found = self._key_sharers[client.client_id] = tuple(sorted(self._find_sharers(client)))
        return found

    def _find_sharers(self, client: Client) -> list[str]:
        keys = {_key_material(jwk) for jwk in client.public_jwks}
        marks = {_mark(jwk) for jwk in client.public_jwks}
        # What is not in a document's text is no member of it.
        near = [
            name
            for name, document in self.documents["client"].items()
            if name != client.client_id and any(mark in document for mark in marks)
        ]
        others = filter(None, map(self.client, near))
        return [other.client_id for other in others if any(_key_material(jwk) in keys for jwk in other.public_jwks)]

    def kid_holders(self, kid: str, client: Client) -> tuple[str, ...]:
        """The ids of other clients than ``client`` that have a key by the name ``kid``."""
        holders = (other for other in self.clients() if any(key.kid == kid for key in other.keys))
        return tuple(other.client_id for other in holders if other.client_id != client.client_id)

    def api(self, audience: str) -> ApiResource | None:
        """The registered API with this audience."""
        api = self._apis.get(audience)
        if api is None:
            document = self.documents["api"].get(audience)
            if document is None:
                return None
            api = self._apis.setdefault(audience, ApiResource.from_document(json.loads(document), "store"))
        return api


class CatalogHolder:
    """Gives the current catalog of one environment; a moved revision is noticed at the next question (2 µs)."""

    def __init__(
        self, database: Database, environment: str = DEFAULT_ENVIRONMENT, like: "CatalogHolder | None" = None
    ) -> None:
        """``like`` holds the catalog of another environment: what both have is kept once."""
        self._database = database
        self._environment = environment
        self._like = like
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None

    @property
    def latest(self) -> Catalog | None:
        """What was current at the last question; None before that. Asks no database."""
        return self._catalog

    def current(self) -> Catalog:
        """The catalog of the newest committed revision."""
        catalog = self._catalog
        if catalog is None or self._revision() != catalog.revision:
            with self._lock:
                # Another thread may have loaded it while this one waited.
                catalog = self._catalog
                if catalog is None or self._revision() != catalog.revision:
                    before = catalog if catalog is not None or self._like is None else self._like.latest
                    catalog = self._catalog = load_catalog(self._database, before, self._environment)
        return catalog

    def _revision(self) -> Revision | None:
        row = self._database.read_one(_REVISION, (SHARED, self._environment))
        return None if row is None else tuple(row)


def load_catalog(database: Database, before: Catalog | None = None, environment: str = DEFAULT_ENVIRONMENT) -> Catalog:
    """Read the registry as ``environment`` sees it, in one moment; ``before`` is the catalog that this one replaces."""
    with database.reading() as reader:
        revision = reader.one(_REVISION, (SHARED, environment))
        known = {} if before is None else before.documents
        documents = {
            table: _documents(reader, table, environment, known.get(table, {}))
            for table in ("api", "client", "organization")
        }
        override = read_override(reader.execute)
        hosts = dict(reader.all("SELECT host, environment FROM environment_host"))
        faults = [FaultRule.read(*row) for row in reader.all(_FAULTS, (environment,))]
    return Catalog((0, 0) if revision is None else tuple(revision), documents, override, before, hosts, faults)


def _documents(reader: Reader, table: str, environment: str, known: Mapping[str, str]) -> dict[str, str]:
    """The documents of ``table`` by key: the environment's own stand before those of the shared world. Those that are
    ``known`` already are the same objects, so that many environments with one world cost little.
    """
    # The empty name of the shared world sorts before all others.
    found = reader.all(
        f"SELECT {KEYS[table]}, document FROM {table} WHERE environment IN (?, ?) ORDER BY environment",  # noqa: S608
        (SHARED, environment),
    )
    documents = {key: known[key] if known.get(key) == document else document for key, document in found}
    for key in [key for key, document in found if document == _NOTHING]:
        del documents[key]
    return documents


def _still(made: Mapping[str, T], old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, T]:
    """What was ``made`` from ``old`` documents that are the same among the ``new`` ones."""
    return {key: item for key, item in list(made.items()) if old[key] == new.get(key)}


def put_entry(
    transaction: Transaction,
    item: Item,
    document: Mapping[str, Any],
    origin: str,
    environment: str = DEFAULT_ENVIRONMENT,
    tag: str | None = None,
) -> None:
    """Insert ``item``, or replace the one with its key in ``environment``; ``document`` is what it was made from, and
    ``tag`` that of the test run which makes it.
    """
    table, _ = _row_of(item)
    put_entries(transaction, [(item, document, origin)], environment, after=last_position(transaction, table), tag=tag)


def put_entries(
    transaction: Transaction,
    entries: Sequence[tuple[Item, Mapping[str, Any], str]],
    environment: str,
    *,
    after: int = 0,
    tag: str | None = None,
) -> None:
    """The same for many of one sort, each with the document that it was made from and its origin, in the order of their
    positions, which begin after ``after``.
    """
    if not entries:
        return
    table, first = _row_of(entries[0][0])
    names = ["environment", *first, "origin", "position", "document", "tag"]
    kept = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608
        f"ON CONFLICT (environment, {KEYS[table]}) DO UPDATE SET {kept}"
    )
    rows = [
        (environment, *_row_of(item)[1].values(), origin, position, json.dumps(document, ensure_ascii=False), tag)
        for position, (item, document, origin) in enumerate(entries, after + 1)
    ]
    transaction.many(statement, rows)


def hide_entry(transaction: Transaction, table: str, key: str, environment: str, tag: str | None = None) -> None:
    """Have ``environment`` do without the row of the shared world with this ``key``, and without one of its own."""
    columns = f"environment, {KEYS[table]}, origin, position, document, tag"
    transaction.execute(
        f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?, 0, ?, ?) "  # noqa: S608
        f"ON CONFLICT (environment, {KEYS[table]}) "
        "DO UPDATE SET origin = excluded.origin, document = excluded.document, tag = excluded.tag",
        (environment, key, HIDDEN, _NOTHING, tag),
    )


def remove_made(transaction: Transaction, table: str, key: str, environment: str = DEFAULT_ENVIRONMENT) -> bool:
    """Remove the row with this ``key`` that was made at run time in ``environment``; whether there was one. A row of
    the shared world with the same key counts again.
    """
    where = f"environment = ? AND {KEYS[table]} = ? AND origin = ?"
    values = (environment, key, MADE)
    found = transaction.one(f"SELECT 1 FROM {table} WHERE {where}", values)  # noqa: S608
    transaction.execute(f"DELETE FROM {table} WHERE {where}", values)  # noqa: S608
    return found is not None


def remove_own(transaction: Transaction, table: str, environment: str) -> None:
    """Remove all rows that ``environment`` has of its own, those that hide others among them."""
    transaction.execute(f"DELETE FROM {table} WHERE environment = ?", (environment,))  # noqa: S608


def last_position(transaction: Transaction, table: str) -> int:
    """The position of the last row of ``table``."""
    return int(transaction.one(f"SELECT coalesce(max(position), 0) FROM {table}")[0])  # noqa: S608


def _row_of(item: Item) -> tuple[str, dict[str, str | None]]:
    """The table of ``item``, and its columns by name, the key first."""
    match item:
        case Client():
            return "client", {"client_id": item.client_id}
        case ApiResource():
            return "api", {"audience": item.audience}
        case Organization():
            return "organization", {"number": item.number}
        case Persona():
            return "persona", {"pid": item.pid, "persona": item.persona, "hpr_number": item.hpr_number}


def _mark(jwk: Mapping[str, Any]) -> str:
    """What the document of everyone who has this key has in its text, as ``put_entries`` writes it."""
    number = jwk.get("n") or jwk.get("x")
    return json.dumps(number, ensure_ascii=False) if isinstance(number, str) else ""


def _key_material(jwk: Mapping[str, Any]) -> str:
    return json.dumps([jwk.get(name) for name in ("kty", "n", "crv", "x", "y")])
