"""The page of patterns, row by row: every command is run as it stands there, and prints what stands below it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from mock_sts.client.patterns import PATTERNS, Pattern, Step
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.persona import Persona
from mock_sts.store.fixtures.files import shipped_world
from mock_sts.store.fixtures.rows import read_world
from tests.house.snippets import ADDRESS, Block, Reader, assert_holds, blocks_of

#: The commands of the page find the file of SQLite that the server beside them has.
pytestmark = pytest.mark.sqlite

PAGE = Path(__file__).resolve().parents[2] / "docs" / "patterns.md"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody who follows the page beside one server."""
    reader = Reader(tmp_path_factory.mktemp("patterns"))
    yield reader
    reader.close()


def blocks_for(step: Step) -> list[Block]:
    """The command and what it prints, as the page shows them."""
    place = f"patterns.md, {step.client}"
    shown = json.dumps(step.prints, indent=2, ensure_ascii=False)
    return [Block(place, "sh", f"{step.command(ADDRESS)}\n"), Block(place, "json", f"{shown}\n")]


def follow(reader: Reader, step: Step) -> None:
    """Run the command, and compare what it prints, as the snippets of every page are compared."""
    reader.follow(blocks_for(step)[:1])
    printed = json.loads(reader._output or "{}")
    assert_holds(step.prints, printed)
    there = [name for name in step.lacks if name in printed]
    assert not there, f"{step.command(ADDRESS)} prints {there}"


@pytest.mark.covers("patterns.run")
@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_a_pattern_runs_as_the_page_shows_it(pattern: Pattern, reader: Reader) -> None:
    for step in pattern.steps:
        follow(reader, step)


@pytest.mark.covers("patterns.run")
def test_no_command_of_the_page_breaks_a_rule(reader: Reader) -> None:
    """They show correct clients: the journal of all that was run has no breach, but for the nonce that every first
    proof lacks, and for Bearer, which HelseID gives to older clients only.
    """
    entries = requests.get(f"{reader.issuer}/mock/api/v1/journal?limit=500", timeout=60).json()["entries"]
    assert len(entries) > len(PATTERNS), "the commands are run before"
    broken = {(entry["client_id"], found["rule"]) for entry in entries for found in entry["findings"]["broken"]}
    bearer = {("demo-machine-bearer", rule) for rule in ("client.dpop", "token-request.sender-constrained")}
    assert {rule for _, rule in broken - bearer} <= {"dpop.nonce"}, broken


@pytest.mark.covers("patterns.run")
def test_the_page_shows_the_patterns_and_nothing_else() -> None:
    shown = [(block.language, block.text) for block in blocks_of(PAGE)]
    steps = [step for pattern in PATTERNS for step in pattern.steps]
    assert shown == [(block.language, block.text) for step in steps for block in blocks_for(step)]


@pytest.mark.covers("patterns.run")
def test_a_pattern_names_clients_people_and_apis_of_the_shipped_world() -> None:
    world = read_world([shipped_world()])
    clients, apis = world.of(Client), world.of(ApiResource)
    personas = {entry.item.persona for entry in world.of(Persona).values()}
    for pattern in PATTERNS:
        assert set(pattern.clients) <= clients.keys(), pattern.id
        assert set(pattern.apis) <= apis.keys(), pattern.id
        assert set(pattern.people) <= personas, pattern.id
        scopes = {scope for name in pattern.clients for scope in clients[name].item.scope}
        for audience in pattern.apis:
            assert scopes & set(apis[audience].item.scopes), f"{pattern.id}: no client has a scope of {audience}"
    assert len({pattern.id for pattern in PATTERNS}) == len(PATTERNS)


@pytest.mark.covers("patterns.run")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"client": "demo-machin"}, "did you mean 'demo-machine'"),
        ({"scope": "mock:no-such-api/read"}, "invalid_scope"),
        ({"prints": {"aud": "mock:another-api"}}, "not 'mock:another-api'"),
        ({"prints": {"helseid://claims/identity/pid": "06828399789"}}, "has no 'helseid://claims/identity/pid'"),
        ({"lacks": ("aud",)}, "prints \\['aud'\\]"),
        ({"passed_on_to": "demo-machine"}, "unauthorized_client"),
        ({"call": "/mock/demo/no-such-api"}, "answered 404"),
    ],
    ids=["client", "scope", "claim", "missing", "lacks", "exchange", "api"],
)
def test_a_row_that_does_not_hold_is_found(changes: dict[str, object], told: str, reader: Reader) -> None:
    machine = PATTERNS[0].steps[0]
    with pytest.raises(AssertionError, match=told):
        follow(reader, replace(machine, **changes))  # type: ignore[arg-type]
