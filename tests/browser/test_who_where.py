"""Who can log in where, as docs/providers.md says, in a browser: a person of each sort at every provider.

That all ready people of a sort are alike, and each of them at each provider, is shown without a browser in
journeys/test_providers.py.
"""

import pytest
from playwright.sync_api import Page, expect

from mock_sts.helseid.eids import PROVIDERS
from tests.browser.conftest import Client
from tests.support.who_where import read_table, ready_people

LEVEL, IDP = "helseid://claims/identity/security_level", "idp"


def sorts() -> list[dict[str, str]]:
    """The first ready person of each sort: of those who differ at some provider."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in read_table():
        found.setdefault(tuple(value for name, value in row.items() if name != "persona"), row)
    return list(found.values())


SORTS = sorts()


def test_the_sorts_are_those_that_the_world_has() -> None:
    assert len(SORTS) >= 6


@pytest.mark.covers("providers.people.table")
@pytest.mark.parametrize("row", SORTS, ids=lambda row: row["persona"])
def test_a_person_logs_in_where_the_table_says(page: Page, client: Client, row: dict[str, str]) -> None:
    pid = ready_people()[row["persona"]]
    for provider in PROVIDERS:
        login = client.start(page, acr_values=f"idp:{provider.scheme}", prompt="login")
        reached = "no"
        # Where the person has no eID, the usual one stands for all: each is tried without a browser.
        for eid in provider.eids[:1] if row[provider.scheme] == "no" else provider.eids:
            page.get_by_label("Fødselsnummer").fill(pid)
            if provider.is_testidp:
                page.get_by_label("Sikkerhetsnivå").select_option("3" if row[provider.scheme] == "3" else "4")
            elif len(provider.eids) > 1:
                page.get_by_test_id(f"eid-{eid.name}").check()
            page.get_by_test_id("login").click()
            expect(page.locator("#client").or_(page.get_by_role("alert"))).to_be_visible()
            if page.locator("#client").is_visible():
                person = client.person(login)
                assert person[IDP] == provider.scheme
                reached = person[LEVEL]
                break
            rule = "login.replaced" if row["persona"] == "d-number-replaced" else "login.eid"
            expect(page.get_by_test_id("rule")).to_have_text(rule)
            expect(page.get_by_test_id("detail")).to_contain_text("Remedy: ")
        assert reached == row[provider.scheme], (row["persona"], provider.scheme)
