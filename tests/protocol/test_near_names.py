"""Near names: one function tells them, and letter case never counts."""

from pathlib import Path

import pytest

import mock_sts
from mock_sts.protocol.near_names import did_you_mean, near_names, nearest_first
from tests.support.timing import least, seconds_of


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("kvart-grevlin", ["kvart-grevling", "livstrett-bever"], ["kvart-grevling"]),
        ("KVART-GREVLING", ["kvart-grevling", "livstrett-bever"], ["kvart-grevling"]),
        ("client_ID", ["client_id", "client_name"], ["client_id"]),
        ("clientid", ["CLIENT_ID", "scope"], ["CLIENT_ID"]),
        ("Ærlig-ÅL", ["ærlig-ål"], ["ærlig-ål"]),
        ("straße", ["STRASSE"], ["STRASSE"]),
        ("Demo", ["demo", "DEMO"], ["demo", "DEMO"]),
        ("nothing", ["kvart-grevling"], []),
        ("", ["kvart-grevling"], []),
        ("x", [], []),
    ],
)
def test_near_names_ignore_case_and_come_back_as_written(word: str, known: list[str], near: list[str]) -> None:
    assert near_names(word, known)[: len(near)] == near
    assert bool(near_names(word, known)) is bool(near)


def test_the_question_names_what_comes_near_and_is_empty_without() -> None:
    assert did_you_mean("B", ["ba", "bb"], cutoff=0.5) == "did you mean 'bb' or 'ba'?"
    assert did_you_mean("PROT", ["port"], quoted=False) == "did you mean port?"
    assert did_you_mean("x", ["port"]) == ""


def test_what_is_listed_first_ignores_case() -> None:
    assert nearest_first(["https://a.test/cb", "myapp://callback"], ["MyApp://Callback"])[0] == "myapp://callback"


def test_a_long_word_costs_little() -> None:
    known = [f"known-{number}" for number in range(1000)]
    assert least(lambda: seconds_of(lambda: near_names("x" * 1_000_000, known)), 1) < 1


def test_nothing_else_looks_for_near_names() -> None:
    package = Path(mock_sts.__file__).parent
    users = [file.name for file in package.rglob("*.py") if "difflib" in file.read_text(encoding="utf-8")]
    assert users == ["near_names.py"]
