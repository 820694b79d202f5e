"""From rows back to fixture files: what the registry holds, in the layout in which it is loaded."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_sts.helseid.documents import DocumentError
from mock_sts.store.engine import Store
from mock_sts.store.fixture_files import files_of, plain_file_name, shipped_world
from mock_sts.store.fixtures import SORTS, read_documents, read_rows, read_world


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written, and everything that the registry holds: documents by sort, and there by key."""

    entries: Mapping[str, Mapping[str, dict[str, Any]]]
    registry: Mapping[str, Mapping[str, dict[str, Any]]]

    def __bool__(self) -> bool:
        return any(self.entries.values())


def export_rows(store: Store, *, everything: bool) -> Export:
    """The documents to keep: all of them, or only what the shipped world does not hold in the same words."""
    shipped = None if everything else read_world([shipped_world()])
    kept, registry = {}, {}
    for sort in SORTS:
        below = {} if shipped is None else {key: entry.document for key, entry in shipped.entries[sort.table].items()}
        rows = {str(row.document[sort.format.key]): row.document for row in read_rows(store, sort.table)}
        registry[sort.table] = rows
        kept[sort.table] = {key: document for key, document in rows.items() if below.get(key) != document}
    return Export(kept, registry)


def write_folder(folder: Path, export: Export) -> list[Path]:
    """Write what is exported as YAML in the layout of fixtures; the files written.

    Fixture files that the folder holds are replaced or removed, all others are left alone. Raises DocumentError when
    something would be lost with them, when the folder cannot be written, or when it would not be read back as what was
    given.
    """
    texts: dict[Path, str] = {}
    for sort in SORTS:
        documents = list(export.entries[sort.table].values())
        if sort.table == "client":
            taken: set[str] = set()
            for document in documents:
                texts[Path("clients", f"{_file_name(document['client_id'], taken)}.yaml")] = as_yaml(document)
        elif documents:
            texts[Path(f"{sort.table}s.yaml")] = "\n".join(as_yaml([document]) for document in documents)
    try:
        with tempfile.TemporaryDirectory() as trial:
            _write(Path(trial), texts)
            _check_written(Path(trial), export.entries)
        for file in _replaceable(folder, export):
            file.unlink()
        _write(folder, texts)
    except OSError as error:
        raise DocumentError(f"{folder}: cannot be written: {error}") from None
    return [folder / name for name in texts]


def _replaceable(folder: Path, export: Export) -> list[Path]:
    """The fixture files in ``folder``. Raises DocumentError when one cannot be read, or holds what is nowhere else."""
    files, lost = [], []
    for sort in SORTS:
        for file in files_of(folder, sort.table):
            above = file.relative_to(folder).parents
            if link := next((folder / name for name in above if name != Path() and (folder / name).is_symlink()), None):
                raise DocumentError(
                    f"{link}: is a link to a folder, whose files belong to somebody else perhaps\nNothing was written: "
                    "remove the link, or export into another folder."
                )
            try:
                documents = read_documents(file, sort)
            except DocumentError as error:
                raise DocumentError(f"{error}\nNothing was written: this file would be in the way. Move it.") from None
            for document in documents:
                key = str(document[sort.format.key])
                if key not in export.entries[sort.table] and export.registry[sort.table].get(key) != document:
                    lost.append(f"{file}, {sort.format.word} {key!r}")
            files.append(file)
    if lost:
        raise DocumentError(
            "Nothing was written: the registry does not hold what would be lost from the folder. Load it first, or "
            "move it:\n" + "\n".join(lost)
        )
    return files


def _write(folder: Path, texts: Mapping[Path, str]) -> None:
    for name, content in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def _check_written(folder: Path, entries: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    found = read_world([folder])
    for sort in SORTS:
        if {key: entry.document for key, entry in found.entries[sort.table].items()} != entries[sort.table]:
            raise DocumentError(
                f"fixtures export: the {sort.format.word}s cannot be read back as they are in the registry"
            )


def _file_name(key: str, taken: set[str]) -> str:
    """A file name for ``key``: itself where it is a plain one that nobody has (however written), else its digest."""
    name = plain_file_name(key)
    if name.casefold() in taken:
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    taken.add(name.casefold())
    return name


def as_yaml(document: object, *, ascii_only: bool = False) -> str:
    """``document`` as the YAML that stands in a fixture file: members in their order, letters as they are, or as
    escapes where there must be ``ascii_only``.
    """
    import yaml  # noqa: PLC0415  only two commands write YAML

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Safe YAML with quotes around all that another reader might take for a number."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    def represent_text(dumper: Any, value: str) -> Any:
        style = '"' if value[:1].isdigit() else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, represent_text)
    text: str = yaml.dump(document, Dumper=Dumper, allow_unicode=not ascii_only, sort_keys=False, width=110)
    return text
