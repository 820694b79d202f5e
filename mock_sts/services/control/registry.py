"""The registry of one environment, entry by entry or as a whole: what a test puts there, and what it takes away.

What comes by HTTP is read and checked as a fixture file is. What cannot work is refused; what is odd is a warning.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from mock_sts.helseid.identifiers import is_synthetic_pid
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.documents import DocumentError, Step
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.registry.records import key_of
from mock_sts.services.environment import Environment
from mock_sts.services.registry.checks import Fault, check_entries
from mock_sts.store.catalog import MADE, Item, hide_entry, put_entries, put_entry, remove_made, remove_own
from mock_sts.store.database import Transaction
from mock_sts.store.fixtures.rows import SORTS, Entry, sort_of

T = TypeVar("T", bound=Item)

#: Longest key of an entry, in characters: it stands in an index, and in a path.
LONGEST_KEY = 500

#: How messages call what came.
_WHERE = "the body"

#: Looks at what is there before it is replaced or taken away (None for nothing), and raises where it must stay.
Allowed = Callable[[Mapping[str, Any] | None], None]

#: What a whole world calls each sort of entry, in the order in which they are checked.
SORTS_OF_WORLD: Mapping[str, type[Item]] = {
    "organizations": Organization,
    "personas": Persona,
    "apis": ApiResource,
    "clients": Client,
}


class UnknownEntryError(LookupError):
    """The environment has no such entry; the message says so."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it stands from now on; whether there was none before, and a sentence for all that is odd about it."""

    document: Mapping[str, Any]
    created: bool
    warnings: tuple[str, ...]


class Registrar(Generic[T]):
    """Writes entries of one sort in one environment."""

    def __init__(self, environment: Environment, becomes: type[T]) -> None:
        self._environment = environment
        self._becomes = becomes
        self._sort = sort_of(becomes)

    def find(self, key: str) -> Mapping[str, Any]:
        """The document of the entry with this ``key``. Raises UnknownEntryError."""
        row = self._environment.registry.find(self._becomes, key)
        if row is None:
            raise UnknownEntryError(f"no {self._sort.format.word} has the {self._sort.format.key} {key[:100]!r}")
        return row.document

    def put(self, key: str, document: Mapping[str, Any], allowed: Allowed, tag: str | None = None) -> Kept:
        """Make the entry, or put it in the place of the one with its ``key``. The document may leave the key out.
        ``tag`` is that of the test run that makes it.

        Raises DocumentError for what cannot be or cannot work.
        """
        name = self._sort.format.key
        if document.get(name, key) != key:
            raise DocumentError(f"{_WHERE}: {name!r} is {document[name]!r}, but the path says {key!r}", (name,))
        document = {name: key, **document}
        entry = _read(self._becomes, document, self._environment)
        with self._environment.store.writing() as transaction:
            lock_registry(transaction, self._environment)
            there = self._environment.registry.find(self._becomes, key)
            allowed(None if there is None else there.document)
            faults, warnings = _judged({self._sort.table: {key: entry}}, self._environment)
            for fault in faults:
                raise DocumentError(f"{_WHERE}: {fault.sentence}", (fault.member,))
            if there is None or there.document != document or tag is not None:
                put_entry(transaction, entry.item, document, MADE, self._environment.name, tag)
        return Kept(document, there is None, warnings)

    def delete(self, key: str, allowed: Allowed, tag: str | None = None) -> None:
        """Have the environment do without the entry. One that a file describes stays there, and is hidden here, by
        the test run with ``tag``.

        Raises UnknownEntryError.
        """
        with self._environment.store.writing() as transaction:
            lock_registry(transaction, self._environment)
            allowed(self.find(key))
            if self._environment.registry.has_shared(self._becomes, key):
                hide_entry(transaction, self._sort.table, key, self._environment.name, tag)
            else:
                remove_made(transaction, self._sort.table, key, self._environment.name)


@dataclass(frozen=True, slots=True)
class KeptWorld:
    """How many entries of each sort were put there, and what is odd about them."""

    counts: Mapping[str, int]
    warnings: tuple[str, ...]


def put_world(environment: Environment, world: Mapping[str, Sequence[object]], tag: str | None = None) -> KeptWorld:
    """Have ``environment`` have these entries of its own, by the names of SORTS_OF_WORLD, in the place of all that it
    had of each sort that is named. What it had hidden of these sorts is seen again. ``tag`` is that of the
    test run that makes them.

    All of it or, by DocumentError, none.
    """
    entries: dict[str, dict[str, Entry[Item]]] = {}
    places: dict[int, tuple[Step, ...]] = {}
    for name, documents in world.items():
        becomes = SORTS_OF_WORLD[name]
        sort = sort_of(becomes)
        here = entries.setdefault(sort.table, {})
        for number, document in enumerate(documents):
            try:
                entry = _read(becomes, document, environment)
            except DocumentError as error:
                raise DocumentError(str(error), (name, number, *error.path)) from None
            key = key_of(entry.item)
            if key in here:
                raise DocumentError(
                    f"{_WHERE}: the {sort.format.word} {key!r} stands there twice", (name, number, sort.format.key)
                )
            here[key] = entry
            places[id(entry)] = (name, number)
    with environment.store.writing() as transaction:
        lock_registry(transaction, environment)
        faults, warnings = _judged(entries, environment, replaced=frozenset(entries))
        for fault in faults:
            raise DocumentError(str(fault), (*places[id(fault.entry)], fault.member))
        for table, made in entries.items():
            remove_own(transaction, table, environment.name)
            put_entries(
                transaction, [(one.item, one.document, MADE) for one in made.values()], environment.name, tag=tag
            )
    return KeptWorld({name: len(documents) for name, documents in world.items()}, warnings)


def own_world(environment: Environment) -> dict[str, list[dict[str, Any]]]:
    """What was made in ``environment``, as ``put_world`` takes it."""
    return {name: list(environment.registry.own(becomes).values()) for name, becomes in SORTS_OF_WORLD.items()}


def lock_registry(transaction: Transaction, environment: Environment) -> None:
    """Have others who change the registry of ``environment`` wait: what is checked must still be so when it counts."""
    transaction.lock(f"registry:{environment.name}")


def _read(becomes: type[Any], document: object, environment: Environment) -> Entry[Any]:
    """The entry that ``document`` is. Raises DocumentError."""
    sort = sort_of(becomes)
    item = sort.read(document, _WHERE)
    key = key_of(item)
    if len(key) > LONGEST_KEY:
        raise DocumentError(
            f"{_WHERE}: {sort.format.key!r} is longer than {LONGEST_KEY} characters", (sort.format.key,)
        )
    if isinstance(item, Persona) and environment.policy.require_synthetic and not is_synthetic_pid(item.pid):
        raise DocumentError(
            f"{_WHERE}: the pid {item.pid} lies in no synthetic series (month +80, +65 or +40), and "
            "MOCK_STS_REQUIRE_SYNTHETIC is true",
            ("pid",),
        )
    if isinstance(item, Client):
        item.key_faults  # noqa: B018  imports the keys before a transaction begins
    return Entry(item, cast("Mapping[str, Any]", document), _WHERE)


def _judged(
    entries: Mapping[str, Mapping[str, Entry[Item]]], environment: Environment, replaced: frozenset[str] = frozenset()
) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """What is wrong and what is odd about ``entries``, among what ``environment`` has beside them: of the tables that
    are ``replaced`` only what files describe.
    """
    around = {sort.table: _Around(environment, sort.becomes, sort.table in replaced) for sort in SORTS}
    people = environment.registry.people_with(_people_named(entries))
    own = environment.registry.own(Persona) if "persona" in replaced else {}
    around_people = {
        pid: Entry(cast("Item", row.item), row.document, "the registry")
        for pid, row in people.items()
        if pid not in own
    }
    return check_entries(entries, {**around, "persona": around_people})


def _people_named(entries: Mapping[str, Mapping[str, Entry[Item]]]) -> Iterator[str]:
    """All by which a person may be found whom ``entries`` name or resemble."""
    for table in entries.values():
        for entry in table.values():
            item = entry.item
            if isinstance(item, Persona):
                yield from filter(None, (item.pid, item.persona, item.hpr_number, item.superseded_by))
            elif isinstance(item, Client) and item.default_persona:
                yield item.default_persona


class _Around(Mapping[str, Entry[Item]]):
    """The entries of one sort that an environment has, made when they are asked for: a world may have thousands."""

    def __init__(self, environment: Environment, becomes: type[Item], files_only: bool) -> None:
        table = sort_of(becomes).table
        catalog = environment.catalog.current()
        own = environment.registry.own(becomes) if files_only else {}
        self._keys = {key: None for key in catalog.documents.get(table, ()) if key not in own}
        self._catalog = catalog
        self._becomes = becomes

    def __getitem__(self, key: str) -> Entry[Item]:
        if key not in self._keys:
            raise KeyError(key)
        found: Item | None
        if self._becomes is Client:
            found = self._catalog.client(key)
        elif self._becomes is ApiResource:
            found = self._catalog.api(key)
        else:
            found = self._catalog.organization(key)
        if found is None:
            raise KeyError(key)
        return Entry(found, {}, "the registry")

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
