"""Prose says who does what: words that make riddles of sentences stand nowhere in the package and its documentation."""

import re
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What to say in its place.
REMEDIES = {
    "nobody": "name the subject: no client, no person, no reader",
    "whoever": "name the subject: the client, the caller, the person that ...",
    "somebody": "name the subject: a client, a person, a visitor",
    "anybody": "name the subject: any client, any caller",
    "told": "reported, printed, set, said in the log",
}

#: Texts that stay, by file: what a page shows or an API answers, and the names of page elements.
ALLOWED = {
    "mock_sts/web/texts.py": ('"nobody": (', '"Nobody fits"'),
    "mock_sts/web/templates/testidp.html": ('data-testid="nobody"', "t.nobody"),
    "mock_sts/demo/api.py": ('"client_id", "somebody"',),
    "docs/log-in.md": ("`nobody`",),
}

# Parts of an id (``logout.nobody-waits``) or of a test's name are no words of a sentence.
_WORD = re.compile(rf"(?<![\w.\-])({'|'.join(REMEDIES)})(?![\w\-]|\.\w)", re.IGNORECASE)

#: A journalled request with its answer is an entry.
_EXCHANGE = re.compile(r"journal.*(?<![\w-])exchanges?(?![\w-])|(?<![\w-])exchanges?(?![\w-]).*journal", re.IGNORECASE)


def files() -> list[Path]:
    """The prose that people read, and the code that they read it in."""
    patterns = (
        "mock_sts/**/*.py",
        "mock_sts/**/*.html",
        "devtools/**/*.py",
        "docs/*.md",
        "tests/coverage/*.yaml",
        "fixtures/**/*.yaml",
    )
    found = [file for pattern in patterns for file in sorted(ROOT.glob(pattern)) if "docs_site" not in file.parts]
    return [*found, ROOT / "README.md", ROOT / "CHANGELOG.md"]


def words_in(text: str, allowed: tuple[str, ...] = ()) -> Iterator[str]:
    """Each forbidden word of ``text`` with its line and remedy; ``allowed`` are texts in which they may stand."""
    for number, line in enumerate(text.splitlines(), 1):
        rest = reduce(lambda shorter, kept: shorter.replace(kept, ""), allowed, line)
        for found in _WORD.finditer(rest):
            yield f"line {number}: {found[1]!r}; {REMEDIES[found[1].lower()]}"
        if _EXCHANGE.search(rest):
            yield f"line {number}: 'exchange'; a request of the journal with its answer is an entry"


def test_sentences_name_their_subject() -> None:
    found = {}
    for file in files():
        name = file.relative_to(ROOT).as_posix()
        if words := list(words_in(file.read_text(encoding="utf-8"), ALLOWED.get(name, ()))):
            found[name] = words
    assert found == {}


@pytest.mark.parametrize("file", list(ALLOWED))
def test_what_is_allowed_is_there(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert [kept for kept in ALLOWED[file] if kept not in text] == []


@pytest.mark.parametrize(
    "text",
    [
        "the key is nobody's",
        "Whoever asks gets it.",
        "# somebody,",
        '"anybody"',
        "the client is told.",
        "the journal keeps every exchange",
        "Exchanges that the journal keeps",
    ],
)
def test_a_forbidden_word_is_found(text: str) -> None:
    assert next(words_in(f"\n{text}")).startswith("line 2: ")


@pytest.mark.parametrize(
    "text",
    ["logout.nobody-waits", "::test_a_slip_is_told_apart", "untold", "token-exchange.journal", "an exchange of it"],
)
def test_an_id_and_another_word_are_none(text: str) -> None:
    assert not list(words_in(text))


def test_an_allowed_text_hides_itself_only() -> None:
    assert list(words_in("`nobody` is nobody", ("`nobody`",))) == [f"line 1: 'nobody'; {REMEDIES['nobody']}"]
