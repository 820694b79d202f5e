"""What README and documentation show works: every fenced block is run, read or compared."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.snippets import LANGUAGES, NOT_RUN, ROOT, Block, Reader, blocks_of, commands_in, is_generated, parts_of

PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if not is_generated(page))]
WITH_BLOCKS = [page for page in PAGES if blocks_of(page)]
WITH_NODE = [page for page in WITH_BLOCKS if parts_of(blocks_of(page)).node]
WITH_BROWSER = [page for page in WITH_BLOCKS if parts_of(blocks_of(page)).browser]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=name_of)
@pytest.mark.slow
def test_what_a_page_shows_works(page: Path, reader: Reader) -> None:
    reader.follow(parts_of(blocks_of(page)).plain)


@pytest.mark.node
@pytest.mark.covers("node.runners")
@pytest.mark.parametrize("page", WITH_NODE, ids=name_of)
def test_what_a_page_shows_works_with_node(page: Path, reader: Reader) -> None:
    reader.follow(parts_of(blocks_of(page)).node)


@pytest.mark.browser
@pytest.mark.covers("node.runners")
@pytest.mark.parametrize("page", WITH_BROWSER, ids=name_of)
def test_what_a_page_shows_works_with_a_browser(page: Path, reader: Reader) -> None:
    reader.follow(parts_of(blocks_of(page)).browser)


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=name_of)
def test_a_page_says_which_blocks_are_not_run(page: Path) -> None:
    """Who copies an example knows whether anybody has tried it."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in blocks_of(page):
        if block.needs == NOT_RUN:
            before = " ".join(lines[max(0, int(block.place.rpartition(":")[2]) - 5) :][:4])
            assert "not run" in before, f"{block.place}: the text before it does not say that it is not run"


def test_the_pages_of_the_first_day_work_one_after_the_other(tmp_path: Path) -> None:
    """In one new folder and beside one server: README, the clients, an own world."""
    reader = Reader(tmp_path, new=True)
    try:
        for page in (ROOT / "README.md", ROOT / "docs" / "clients.md", ROOT / "docs" / "your-own-world.md"):
            reader.follow(parts_of(blocks_of(page)).plain)
    finally:
        reader.close()


def test_every_language_is_shown_somewhere() -> None:
    """Or the way to test it is tested by nobody."""
    assert {block.language for page in PAGES for block in blocks_of(page)} == set(LANGUAGES)


@pytest.fixture(scope="module")
def someone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One reader for the short tests: a server each would take a minute."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    yield reader
    reader.close()


KEY = "fixtures/keys/clients/demo-machine.json"
APPSETTINGS = '{"ClientId": "demo-machine", "Authority": "http://localhost:8080"%s}'


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ([("sh", "false")], "exit status 1"),
        ([("sh", ".venv/bin/mock-sts token demo-machine --scope nhn:unknown/scope")], "invalid_scope"),
        ([("sh", "docker compose explode")], "check of the container"),
        ([("sh", "make no-such-target")], "no-such-target"),
        ([("sh", "pip install no-such-package")], "no-such-package"),
        ([("sh", "npm install no-such-package")], "no-such-package"),
        ([("sh", "dotnet add package HelseID.Librari.ClientCredentials")], "HelseID.Librari.ClientCredentials"),
        ([("sh", "echo one"), ("sh", "make run")], "stop the server first"),
        ([("sh", "echo one"), ("text", "two")], "was not printed"),
        ([("sh", "echo one"), ("text", "one"), ("text", "one more")], "was not printed"),
        ([("text", "one")], "must follow"),
        ([("sh", "echo '{\"a\": 1}'"), ("json", '{"a": 2}')], "not 2"),
        ([("sh", "echo '{\"a\": 1}'"), ("json", '{"b": "..."}')], "has no 'b'"),
        ([("python", "raise SystemExit(3)")], "exit status 3"),
        ([("rust", "fn main() {}")], "no language"),
        ([("", "anything")], "no language"),
        ([("yaml", "- a")], "file's name"),
        ([("yaml", "# w/personas.yaml\n- {pid: '06828399789', given_nam: A, family_name: B}\n")], "given_name"),
        ([("http", "GET /health/live\n\nHTTP/1.1 404\n")], "status was 200"),
        ([("http", 'GET /health/live\n\nHTTP/1.1 200\n\n{"status": "dead"}\n')], "dead"),
        ([("json", APPSETTINGS % ', "Scope": "mock:demo-api/explode"')], "no scope"),
        ([("json", APPSETTINGS % ', "TokenEndpoint": "http://localhost:8080/token"')], "no address"),
        ([("json", APPSETTINGS % ', "Algorithm": "ES512"')], "not the algorithm"),
        ([("json", '{"ClientId": "demo-machin", "Authority": "http://localhost:8080"}')], "one registered client"),
        ([("json", '{"ClientId": "demo-machine", "Authority": "http://localhost:8081"}')], "authority"),
        ([("csharp", 'using Nowhere;\nvar a = "http://localhost:8080";')], "is one of examples/dotnet"),
        ([("sh", "dotnet add package Microsoft.Extensions.Hosting")], "--version 10.0"),
        (
            [("csharp", 'Authority = "http://localhost:8080", ClientId = "demo-machine", X = "typo"')],
            "nobody can compare",
        ),
        ([("java", f'Path.of("{KEY}"), "demo-machine-bearer", "http://localhost:8080"')], "not the private key"),
        ([("java", '"http://localhost:8080", "mock:demo-ap", "aud"')], "one registered client or API"),
        ([("java", '"http://localhost:8080", "mock:demo-api", "au"')], "nobody can compare"),
        ([("java", "package examples;\nclass Other {}")], "one of packages/java"),
        ([("xml", "<dependency><artifactId>mock-st-java</artifactId></dependency>")], "no artifactId mock-st-java"),
        ([("sh", "mvn org.example:x:1:install-file -Dfile=a.jar")], "another plugin"),
        ([("properties", "a=http://localhost:8080\nb=demo-machine\nc=http://localhost:9/x")], "no address"),
    ],
)
def test_a_block_that_does_not_hold_is_found(blocks: list[tuple[str, str]], told: str, someone: Reader) -> None:
    page = [Block(f"page:{number}", language, text + "\n") for number, (language, text) in enumerate(blocks, 1)]
    with pytest.raises(AssertionError, match=told):
        someone.follow(page)


def test_blocks_and_commands_are_taken_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n\n- in a list\n\n  ```sh\n  one \\\n    two  # why\n  ```\n\n````text\n```\n````\n")
    first, second = blocks_of(page)
    assert (first.language, first.place, commands_in(first.text)) == ("sh", "page.md:5", ["one two"])
    assert second.text == "```\n"
    page.write_text("```sh\nnever ends\n")
    with pytest.raises(AssertionError, match="no end"):
        blocks_of(page)


def test_blocks_are_told_apart_by_what_they_need(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    fenced = [
        ("python", "1"),
        ("text", "2"),
        ("js browser", "3"),
        ("text", "4"),
        ("js", "5"),
        ("sh node", "9"),
        ("text", "10"),
        ("js not-run", "6"),
    ]
    page.write_text(
        "".join(f"```{info}\n{text}\n```\n" for info, text in [*fenced, ("text", "7"), ("python browser", "8")])
    )
    parts = parts_of(blocks_of(page))
    told = [[block.text.strip() for block in part] for part in (parts.plain, parts.node, parts.browser)]
    assert told == [["1", "2"], ["5", "9", "10"], ["3", "4", "8"]]
    page.write_text("```js sometimes\n```\n")
    with pytest.raises(AssertionError, match="nothing that a block can need"):
        parts_of(blocks_of(page))
