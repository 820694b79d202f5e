"""``python -m devtools [--check]``: write the generated parts of the documentation, or say whether they are up to date.

A folder as argument stands in the place of ``docs/``.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from devtools import generated_code, generated_pages

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or compare them; the exit status, 1 where ``--check`` finds one that is out of date."""
    parser = argparse.ArgumentParser(prog="python -m devtools", description="The generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="only say whether they are up to date")
    parser.add_argument("--folder", type=Path, default=DOCS, help="default: docs")
    parsed = parser.parse_args(arguments)
    stale = []
    # The statements first, for a page is of an application that needs them.
    code = ROOT / "mock_sts" if parsed.folder == DOCS else parsed.folder
    for place, name, content in chain(_each(code, generated_code), _each(parsed.folder, generated_pages)):
        page = place / name
        if not page.is_file() or page.read_text(encoding="utf-8") != content:
            stale.append(name)
            if not parsed.check:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(content, encoding="utf-8")
    if parsed.check and stale:
        print(f"out of date: {', '.join(stale)}; run make docs", file=sys.stderr)
        return 1
    print("up to date" if not stale else f"written: {', '.join(stale)}")
    return 0


def _each(folder: Path, generate: Callable[[], Mapping[str, str]]) -> Iterator[tuple[Path, str, str]]:
    yield from ((folder, name, content) for name, content in generate().items())


if __name__ == "__main__":
    sys.exit(main())
