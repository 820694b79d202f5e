"""What the demo keeps on the server between two requests of a browser: one small file each.

Files, for the server may have several processes. They hold tokens and proof keys of synthetic people, lie beside the
database, and are gone after a day, or earlier when there are many.

Where they cannot be read or written, an OSError leaves each function; the server answers as it does for its database.
"""

import hashlib
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mock_sts.system import put_in_place, take_away

_LIFETIME, _MOST = 86_400, 200


class Shelf:
    """JSON objects by name, the oldest ones thrown away when there are ``most``."""

    def __init__(self, folder: Path, *, most: int = _MOST) -> None:
        self._folder = folder
        self._most = most

    def put(self, name: str, value: dict[str, Any]) -> None:
        """Keep ``value`` as ``name``, in place of what was there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f"{secrets.token_hex(8)}.new"
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(value, file)
            put_in_place(fresh, self._path(name))
        except OSError:
            with suppress(OSError):  # a full disk would fill with halves
                take_away(fresh)
            raise
        self._tidy()

    def get(self, name: str) -> dict[str, Any] | None:
        """What is kept as ``name``."""
        return self._read(self._path(name))

    def take(self, name: str) -> dict[str, Any] | None:
        """The same, and it cannot be taken again."""
        mine = self._folder / f"{secrets.token_hex(8)}.taken"
        try:
            put_in_place(self._path(name), mine)
        except FileNotFoundError:
            return None
        value = self._read(mine)
        take_away(mine)
        return value

    def remove(self, name: str) -> None:
        """Keep nothing as ``name``."""
        take_away(self._path(name))

    def _path(self, name: str) -> Path:
        # The name is a secret of a browser, and must not be read off a list of files.
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.json"

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        try:
            if _age(path) > _LIFETIME:
                return None
            value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # one that is damaged is worth as much as none
            return None
        return value

    def _tidy(self) -> None:
        aged = []
        for path in self._folder.iterdir():
            try:
                aged.append((_age(path), path))
            except FileNotFoundError:  # another request has taken it
                continue
        aged.sort(key=lambda pair: pair[0])
        for number, (age, path) in enumerate(aged):
            if number >= self._most or age > _LIFETIME:
                take_away(path)


def _age(path: Path) -> float:
    """Seconds since ``path`` was written; of one that a clock which was ahead dates later than now, seconds until then.

    Else such files would outlive all others, and leave new ones no place.
    """
    return abs(time.time() - path.stat().st_mtime)
