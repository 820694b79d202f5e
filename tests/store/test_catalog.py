"""The catalog moves with every change of the registry."""

import pytest

from mock_sts.store.catalog import CatalogHolder, load_catalog
from tests.support.emulator import Emulator, register_api


@pytest.mark.parametrize("table", ["client", "api", "organization", "persona"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET origin = 'x'", "DELETE FROM {0}"])
def test_no_writer_can_forget_the_revision(sts: Emulator, table: str, change: str) -> None:
    before = load_catalog(sts.store).revision
    with sts.store.writing() as transaction:
        transaction.execute(change.format(table))
    assert load_catalog(sts.store).revision > before


def test_the_snapshot_is_kept_until_the_revision_moves(sts: Emulator) -> None:
    holder = CatalogHolder(sts.store)
    first = holder.current()
    assert holder.current() is first
    register_api(sts.store, "test:new", scopes=["odd-scope"])
    second = holder.current()
    assert second is not first
    api = second.api_of("odd-scope")
    assert api is not None and api.audience == "test:new" and not api.implied
    old = first.api_of("odd-scope")
    assert old is not None and old.implied, "the old snapshot does not change under its holder"


def test_imported_keys_are_kept_with_the_client(sts: Emulator) -> None:
    holder = CatalogHolder(sts.store)
    client = holder.current().client("demo-machine")
    assert client is not None
    again = holder.current().client("demo-machine")
    assert again is client
    assert again.keys[0] is client.keys[0]


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        ("nhn:phr/mhd/read-document", "nhn:phr"),
        ("unregistered:api/a/b", "unregistered:api"),
        ("noslash", "noslash"),
        ("fhi:scope", "fhi:api-name"),
        ("openid", None),
        ("helseid://scopes/identity/pid", None),
        ("helseid://scopes/client/info", None),
        ("nhn:sfm:journal-id", None),
    ],
)
def test_which_api_a_scope_belongs_to(sts: Emulator, scope: str, audience: str | None) -> None:
    api = load_catalog(sts.store).api_of(scope)
    assert (api.audience if api else None) == audience


def test_sharers_of_a_key(sts: Emulator) -> None:
    catalog = load_catalog(sts.store)
    client = catalog.client("python-sample-m2m-app")
    alone = catalog.client("demo-machine")
    assert client is not None and alone is not None
    assert catalog.key_sharers(client) == ("31ba22e2-14c3-4dcc-8141-fccdda6ae6d1",)
    assert catalog.key_sharers(alone) == ()
    made = {"python-sample-m2m-app", "31ba22e2-14c3-4dcc-8141-fccdda6ae6d1", "demo-machine"}
    assert set(catalog._clients) == made, "others are not read for that"


def test_what_has_not_changed_is_taken_over_with_its_keys(sts: Emulator) -> None:
    holder = CatalogHolder(sts.store)
    first = holder.current()
    stays, changes, api = first.client("demo-machine"), first.client("demo-page"), first.api("nhn:phr")
    assert stays is not None and changes is not None
    with sts.store.writing() as transaction:
        transaction.execute(
            "UPDATE client SET document = json_set(document, '$.client_name', 'Another') WHERE client_id = 'demo-page'"
        )
        transaction.execute("DELETE FROM client WHERE client_id = 'python-sample-m2m-app'")
    second = holder.current()
    changed = second.client("demo-page")
    assert second.client("demo-machine") is stays
    assert second.api("nhn:phr") is api
    assert changed is not None and changed.client_name == "Another"
    assert second.client("python-sample-m2m-app") is None
