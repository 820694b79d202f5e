"""Reads the rows, and finds the tests that show them by reading the test files."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TESTS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    id: str
    topic: str
    evidence: tuple[str, ...]
    says: str
    needed_by: tuple[str, ...]
    reason: str


def read_rows() -> list[Row]:
    """All rows, from every ``rows*.yaml`` beside this file."""
    documents: list[dict[str, Any]] = []
    for file in sorted((TESTS / "coverage").glob("rows*.yaml")):
        documents += yaml.safe_load(file.read_text(encoding="utf-8")) or []
    return [
        Row(
            document["id"],
            document["topic"],
            tuple(document["evidence"]),
            " ".join(document["says"].split()),
            tuple(document.get("needed_by", ())),
            document.get("reason", ""),
        )
        for document in documents
    ]


@cache
def covering_tests() -> dict[str, list[str]]:
    """Row id to ``file::test``. A marker on a parameter counts for its test."""
    found: dict[str, list[str]] = {}
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                name = f"{file.relative_to(TESTS.parent)}::{node.name}"
                for row_id in _covered_by(node):
                    found.setdefault(row_id, []).append(name)
    return found


def _covered_by(function: ast.FunctionDef) -> list[str]:
    ids = []
    for decorator in function.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "covers":
                for argument in node.args:
                    assert isinstance(argument, ast.Constant) and isinstance(argument.value, str), (
                        f"{function.name}: covers takes row ids as plain texts"
                    )
                    ids.append(argument.value)
    return list(dict.fromkeys(ids))
