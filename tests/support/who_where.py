"""The table of who can log in where, as docs/providers.md has it."""

from functools import cache
from pathlib import Path

import yaml

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = _ROOT / "docs" / "providers.md"


def read_table() -> list[dict[str, str]]:
    """A row for each ready person: ``persona``, and by scheme the highest level there, or ``no``."""
    section = _PAGE.read_text(encoding="utf-8").partition("## Who can log in where\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    header, _, *rows = ([cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(header, row, strict=True)) for row in rows]


@cache
def ready_people() -> dict[str, str]:
    """The short names of the ready people to their pids."""
    people = yaml.safe_load((_ROOT / "fixtures" / "personas.yaml").read_text(encoding="utf-8"))
    return {person["persona"]: person["pid"] for person in people}
