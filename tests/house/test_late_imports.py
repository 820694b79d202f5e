"""What handlers need later is imported by one function under one lock."""

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mock_sts
from mock_sts.late import Late

PACKAGE = Path(mock_sts.__file__).parent

#: Modules of commands and of starting, which no handler of a request calls into where they import.
COMMANDS = {
    "cli",
    "settings",
    "server",
    "helseid/generation.py",
    "store/fixtures/export.py",
    "store/fixtures/files.py",
    "store/fixtures/yaml_text.py",
    "store/sqlite/database.py",  # makes tables, for preparation alone
    "store/postgresql/database.py",  # the same
    "store/opening.py",  # an extra, as the database is opened
}


def imports_inside_functions(path: Path) -> list[str]:
    """Functions of a module with an import statement of their own, save those that are ``late``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and not any(
            isinstance(one, ast.Name) and one.id == "late" for one in node.decorator_list
        ):
            statements = [inner for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom)]
            found += [f"{node.name}:{one.lineno}" for one in statements]
    return found


def test_no_handler_has_an_import_of_its_own() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.as_posix() not in COMMANDS and name.parts[0] not in COMMANDS:
            assert imports_inside_functions(path) == [], name


def test_what_is_late_is_loaded_once_by_however_many_threads() -> None:
    loads: list[int] = []
    start = threading.Barrier(8)

    def load() -> object:
        loads.append(1)
        return object()

    one = Late(load)

    def ask(_: int) -> object:
        start.wait(60)
        return one()

    with ThreadPoolExecutor(8) as pool:
        assert len({id(found) for found in pool.map(ask, range(8))}) == 1
    assert loads == [1]


def test_a_load_that_fails_is_tried_again() -> None:
    tries: list[int] = []

    def load() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ImportError("not yet")
        return 7

    one = Late(load)
    with pytest.raises(ImportError):
        one()
    assert one() == 7
