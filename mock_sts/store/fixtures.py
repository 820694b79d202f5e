"""From fixture files to rows.

The shipped world lies below; each folder of MOCK_STS_FIXTURES lies on top of what came before, and an entry with the
same natural key replaces the one below. Everything is read and checked before anything is written, and loading twice
changes nothing. Rows made at run time have another origin and stay.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, select, text
from sqlalchemy.dialects.sqlite import insert as upsert

from mock_sts.helseid.documents import DocumentError, Format
from mock_sts.helseid.registry import (
    API_FORMAT,
    CLIENT_FORMAT,
    ORGANIZATION_FORMAT,
    PERSONA_FORMAT,
    ApiResource,
    Client,
    Organization,
    Persona,
)
from mock_sts.protocol.json_text import JsonTextError, read_json
from mock_sts.store import catalog
from mock_sts.store.engine import Store
from mock_sts.store.fixture_files import DIGEST_ROW, FOLDERS_ROW, digest_of, files_of, read_text
from mock_sts.store.tables import META, REGISTRY
from mock_sts.store.yaml_text import find_written, read_yaml

#: The origin of rows from a generated file; loading treats them as those of any other file.
GENERATED = "generated"


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a world: what it became, the document itself, and the file it came from."""

    item: catalog.Item
    document: Mapping[str, Any]
    where: str


@dataclass(frozen=True, slots=True)
class _Sort:
    """One sort of entry: its table, its format, and how one is read."""

    table: str
    format: Format
    read: Callable[[object, str], catalog.Item]


#: Every sort, in the order in which they are loaded.
SORTS = (
    _Sort("organization", ORGANIZATION_FORMAT, Organization.from_document),
    _Sort("persona", PERSONA_FORMAT, Persona.from_document),
    _Sort("api", API_FORMAT, ApiResource.from_document),
    _Sort("client", CLIENT_FORMAT, Client.from_document),
)


@dataclass(frozen=True, slots=True)
class World:
    """All entries of an ordered list of folders, by sort and natural key, and a digest over all files."""

    entries: Mapping[str, Mapping[str, Entry]]
    digest: str
    folders: tuple[Path, ...]

    def of(self, sort: str) -> Iterable[Entry]:
        """The entries of one sort: organization, persona, api or client."""
        return self.entries[sort].values()


def read_world(folders: Sequence[Path]) -> World:
    """Read and check all files. Raises DocumentError at the first fault, naming file, entry and member."""
    entries: dict[str, dict[str, Entry]] = {sort.table: {} for sort in SORTS}
    for folder in folders:
        for sort in SORTS:
            here: dict[str, Entry] = {}
            for file in files_of(folder, sort.table):
                for document, item in _entries(file, sort):
                    key = str(document[sort.format.key])
                    if key in here:
                        raise DocumentError(
                            f"{file}: the {sort.format.word} {key!r} stands in {here[key].where} already; "
                            "within one folder each may stand once"
                        )
                    here[key] = Entry(item, document, str(file))
            entries[sort.table].update(here)
    return World(entries, digest_of(folders), tuple(folders))


def is_loaded(store: Store, digest: str) -> bool:
    """Whether the world with this digest is what the store holds."""
    with store.reading() as connection:
        return connection.scalar(select(META.c.value).where(META.c.name == DIGEST_ROW)) == digest


def write_world(store: Store, world: World, *, replace_made: bool = False) -> None:
    """Replace all fixture rows by ``world``, in one transaction.

    Rows made at run time stay and win, unless ``replace_made``; one that a file holds in the same words belongs to
    the file from now on, so that what was kept in a file is changed and removed there.
    """
    with store.writing() as connection:
        for table in REGISTRY:
            connection.execute(delete(table).where(table.c.origin != catalog.MADE))
        for sort in SORTS:
            made = _made_in(connection, sort)
            written = [
                (entry.item, entry.document, GENERATED if is_generated(Path(entry.where)) else catalog.FIXTURE)
                for key, entry in world.entries[sort.table].items()
                if replace_made or made.get(key, entry.document) == entry.document
            ]
            catalog.put_entries(connection, written)
        folders = json.dumps([str(folder.resolve()) for folder in world.folders])
        for name, value in ((DIGEST_ROW, world.digest), (FOLDERS_ROW, folders)):
            connection.execute(
                upsert(META)
                .values(name=name, value=value)
                .on_conflict_do_update(index_elements=["name"], set_={"value": value})
            )


def hidden_entries(store: Store, world: World) -> list[Entry]:
    """The entries of ``world`` that do not count, because somebody made another one with their key at run time."""
    with store.reading() as connection:
        return [
            world.entries[sort.table][key]
            for sort in SORTS
            for key in _made_in(connection, sort)
            if key in world.entries[sort.table]
        ]


def _made_in(connection: Connection, sort: _Sort) -> dict[str, dict[str, Any]]:
    """The documents of one sort that were made at run time, by key."""
    table = _table_of(sort)
    key = table.primary_key.columns[0]
    found = connection.execute(select(key, table.c.document).where(table.c.origin == catalog.MADE))
    return {str(name): json.loads(document) for name, document in found}


def _table_of(sort: _Sort) -> Table:
    return next(table for table in REGISTRY if table.name == sort.table)


def loaded_folders(store: Store) -> list[Path]:
    """The folders, lowest first, from which the registry was loaded last."""
    with store.reading() as connection:
        found = connection.scalar(select(META.c.value).where(META.c.name == FOLDERS_ROW))
    return [Path(folder) for folder in json.loads(found)] if found else []


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the registry holds it: its origin (fixture, generated or made), its document, and what that is."""

    origin: str
    document: dict[str, Any]
    item: catalog.Item


def read_rows(store: Store, sort: str) -> list[Row]:
    """What the registry holds of one sort: hand-made entries first, then generated ones, then those of run time."""
    kind = next(known for known in SORTS if known.table == sort)
    table = _table_of(kind)
    with store.reading() as connection:
        # In the order of the files.
        found = connection.execute(select(table.c.origin, table.c.document).order_by(text("rowid"))).all()
    rows = [Row(origin, json.loads(document), _item_of(sort, document)) for origin, document in found]
    order = [catalog.FIXTURE, GENERATED, catalog.MADE]
    return sorted(rows, key=lambda row: order.index(row.origin) if row.origin in order else len(order))


@lru_cache(maxsize=2_048)
def _item_of(sort: str, document: str) -> catalog.Item:
    """What a row's document becomes. Kept, for who looks for people reads all of them, and again with each page."""
    kind = next(known for known in SORTS if known.table == sort)
    return kind.read(json.loads(document), "store")


def hand_made(folder: Path, sort: str) -> list[catalog.Item]:
    """The entries of one sort in the files of ``folder`` that nobody has generated. Raises DocumentError."""
    kind = next(known for known in SORTS if known.table == sort)
    files = [file for file in files_of(folder, sort) if not is_generated(file)]
    return [item for file in files for _, item in _entries(file, kind)]


def is_generated(file: Path) -> bool:
    """Whether ``file`` was made by ``fixtures generate``: its name says so."""
    return file.name.endswith(".generated.json")


def read_document(file: Path) -> Any:
    """The YAML or JSON in ``file``. Raises DocumentError."""
    text = read_text(file)
    try:
        return _read_json(text) if file.suffix == ".json" else read_yaml(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{file}: is not {'JSON' if file.suffix == '.json' else 'YAML'}: {error}") from None


def _read_json(text: str) -> Any:
    try:
        return read_json(text.encode("utf-8"))
    except JsonTextError:
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{error.msg}, line {error.lineno}, column {error.colno}") from None
        raise


def read_documents(file: Path, sort: _Sort) -> list[dict[str, Any]]:
    """The documents in a fixture file. Raises DocumentError where it does not hold entries of ``sort``."""
    return [document for document, _ in _entries(file, sort)]


def _entries(file: Path, sort: _Sort) -> list[tuple[dict[str, Any], catalog.Item]]:
    """The documents in a fixture file with what they become. Raises DocumentError."""
    content = read_document(file)
    if sort.table == "client":
        content = [content]
    elif content is None:
        content = []
    if not isinstance(content, list):
        raise DocumentError(f"{file}: holds a list of {sort.format.word}s, one entry each")
    entries = []
    for number, document in enumerate(content):
        try:
            entries.append((document, sort.read(document, str(file))))
        except DocumentError as error:
            path = error.path if sort.table == "client" else (number, *error.path)
            written = find_written(read_text(file), path)
            raise error if written is None else error.as_written(written.line, written.text) from None
    return entries
