"""The pages of the world: people, organizations, clients, APIs and keys."""

import html
import json
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest

from tests.support.databases import copy_database, remove_database
from tests.support.emulator import Emulator, settings_for, shipped_database

PATH = "/mock/world"

#: What a stranger may write into a field that he may fill in.
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    path = tmp_path_factory.mktemp("world") / "world.sqlite"
    copy_database(shipped_database(), path)
    made = Emulator(settings_for(path))
    yield made
    made.close()
    remove_database(path)


def page(emulator: Emulator, below: str = "", **query: str) -> str:
    answer = emulator.get(f"{PATH}{below}?{urlencode(query)}")
    assert answer.status == 200, answer.content
    return answer.content.decode()


@pytest.mark.covers("pages.world")
def test_people_are_found_by_their_roles_and_lead_to_a_login(emulator: Emulator) -> None:
    text = page(emulator, q="fastlege gp-two-offices")
    assert text.count('data-testid="person-') == 1
    assert 'href="/mock/as/gp-two-offices"' in text
    assert 'data-testid="nothing"' in page(emulator, q="none is called this")


@pytest.mark.covers("pages.world")
def test_there_are_a_number_of_people_on_a_page_and_the_rest_is_counted(emulator: Emulator) -> None:
    text = page(emulator)
    assert text.count('data-testid="person-') == 50
    assert 'data-testid="more"' in text


@pytest.mark.covers("pages.world")
@pytest.mark.parametrize("sort", ["organizations", "clients", "apis", "keys"])
def test_each_sort_has_a_page_that_can_be_searched(emulator: Emulator, sort: str) -> None:
    assert f'data-testid="{sort}"' in page(emulator, f"/{sort}")
    assert 'data-testid="nothing"' in page(emulator, f"/{sort}", q="nothing-is-called-this")


@pytest.mark.covers("pages.world")
def test_a_client_is_shown_with_its_registration_and_its_health(emulator: Emulator) -> None:
    text = page(emulator, "/clients/demo-machine")
    assert 'class="badge good" data-testid="health"' in text
    registration = text.partition('data-testid="registration">')[2].partition("</pre>")[0]
    assert json.loads(html.unescape(registration))["client_id"] == "demo-machine"
    assert emulator.get(f"{PATH}/clients/none").status == 404


@pytest.mark.covers("pages.world")
def test_a_client_with_an_address_that_no_request_can_match_is_not_in_order(emulator: Emulator) -> None:
    emulator.client("ill", redirect_uris=["https://a.example/#part"])
    text = page(emulator, "/clients/ill")
    assert 'class="badge bad" data-testid="health"' in text
    assert "must have no fragment" in text


@pytest.mark.covers("pages.world")
def test_what_strangers_write_is_shown_as_text(emulator: Emulator) -> None:
    emulator.client(HOSTILE, client_name=HOSTILE, description=HOSTILE)
    for text in (
        page(emulator, "/clients", q="script"),
        page(emulator, f"/clients/{quote(HOSTILE, safe='')}"),
        *(page(emulator, f"/{sort}", q=HOSTILE) for sort in ("clients", "apis", "keys", "organizations")),
        page(emulator, q=HOSTILE),
    ):
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text
