"""What commands print: tables that fit the terminal for people, and JSON for scripts, whatever letters it takes."""

import io
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mock_sts.cli.colour import Ink, paint

if TYPE_CHECKING:  # commands load the store only where they open it
    from mock_sts.store.catalog import Item
    from mock_sts.store.fixtures.rows import Row

#: A longer cell does not make its whole column wide: the first column (what one copies) and the others.
_WIDEST_FIRST, _WIDEST = 44, 28


def print_json(value: object) -> None:
    """Print ``value`` as JSON with its letters as they are."""
    print_json_text(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_text(text: str) -> None:
    """Print JSON that is text already; letters that the output has not are escaped as JSON has it."""
    print(text if can_print(text) else json.dumps(json.loads(text), indent=2))


def can_print(text: str) -> bool:
    """Whether the output has every letter of ``text``: one in ASCII has no Å, and none has half a character."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def let_output_take_all() -> None:
    """Let letters that an output has not leave as escapes: a person's name must not end a command as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def print_entries(rows: "Sequence[Row[Item]]") -> None:
    """Print what the registry holds as JSON: the members of each entry, and where it is from."""
    from mock_sts.helseid.registry.records import members_of  # noqa: PLC0415

    print_json([{**members_of(row.item), "origin": row.origin} for row in rows])


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print ``rows`` in columns under ``heads``; the last column ends where the terminal does."""
    limit = _terminal_width()
    table = [list(heads), *([" ".join(cell.split()) for cell in row] for row in rows)]
    caps = [_WIDEST_FIRST, *[_WIDEST] * len(heads)]
    widths = [min(caps[column], max(len(row[column]) for row in table)) for column in range(len(heads) - 1)]
    for number, row in enumerate(table):
        cells = row[:-1] if limit is None else [row[0], *map(_cut, row[1:-1], widths[1:])]
        line = "  ".join([*map(str.ljust, cells, widths), row[-1]]).rstrip()
        line = line if limit is None else _cut(line, limit)
        print(line if number else paint(line, Ink.BOLD))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 1)]}…"


def _terminal_width() -> int | None:
    """Columns of the terminal, by COLUMNS where that is set; None when the output goes elsewhere."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


def fitting(words: Sequence[str]) -> str:
    """What was looked for, for the end of a table."""
    return f" with {' '.join(words)}" if words else ""


def cell(value: object) -> str:
    """A member's value on one line."""
    if value is None or value in ("", (), {}):
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def counted(number: int, word: str, several: str = "") -> str:
    """``number`` with its ``word``: 1 error, 2 errors."""
    return f"{number} {word if number == 1 else several or word + 's'}"
