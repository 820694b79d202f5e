"""The shipped world, read once per process: whatever loads or checks a world parses its files again and again."""

import pickle
from pathlib import Path
from typing import Any

from mock_sts.store.fixtures import rows
from mock_sts.store.fixtures.files import shipped_world


def read_shipped_files_once() -> None:
    """Have the shipped files parsed once. Own files, and shipped ones that have changed, are parsed as ever.

    Documents are given as copies, for callers may change them; what is made of them cannot be changed.
    """
    parse = rows._entries
    shipped = shipped_world().resolve()
    parsed: dict[object, tuple[bytes, list[Any]]] = {}

    def entries(file: Path, sort: Any) -> list[tuple[dict[str, Any], Any]]:
        if not file.resolve().is_relative_to(shipped):
            return parse(file, sort)
        found = file.stat()
        key = (file, sort.table, found.st_mtime_ns, found.st_size)
        if key not in parsed:
            read = parse(file, sort)
            parsed[key] = (pickle.dumps([document for document, _ in read]), [item for _, item in read])
        documents, items = parsed[key]
        return list(zip(pickle.loads(documents), items, strict=True))

    rows._entries = entries
