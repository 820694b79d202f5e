"""From fixture files to rows: layers, faults, and what survives."""

import json
from pathlib import Path

import pytest

from mock_sts.helseid.documents import DocumentError
from mock_sts.services.preparation import load_fixtures
from mock_sts.services.world import check_world
from mock_sts.store.catalog import load_catalog
from mock_sts.store.fixture_files import world_folders
from mock_sts.store.fixtures import read_world
from tests.support.emulator import Emulator
from tests.support.keys import private_jwk, public_jwk

JWKS = json.dumps({"keys": [public_jwk(private_jwk("ES256", 1))]})


def client_file(folder: Path, client_id: str, extra: str = "", name: str = "") -> Path:
    file = folder / "clients" / f"{name or client_id}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"client_id: {client_id}\ngrant_types: [client_credentials]\nscope: test:api/read\njwks: {JWKS}\n{extra}"
    )
    return file


def test_later_folders_replace_entries_of_earlier_ones(sts: Emulator, tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    client_file(lower, "both", "client_name: lower\n")
    client_file(lower, "only-lower")
    client_file(upper, "both", "client_name: upper\n")
    client_file(upper, "demo-machine", "client_name: mine\n")
    assert load_fixtures(sts.store, [lower, upper]) is True
    catalog = load_catalog(sts.store)
    names = {client.client_id: client.members["client_name"] for client in catalog.clients()}
    assert names["both"] == "upper"
    assert names["demo-machine"] == "mine"
    assert "only-lower" in names and "demo-machine-bearer" in names


def test_loading_twice_changes_nothing_and_a_changed_file_is_noticed(sts: Emulator, tmp_path: Path) -> None:
    file = client_file(tmp_path, "mine")
    assert load_fixtures(sts.store, [tmp_path]) is True
    revision = load_catalog(sts.store).revision
    assert load_fixtures(sts.store, [tmp_path]) is False
    assert load_catalog(sts.store).revision == revision
    file.write_text(file.read_text() + "client_name: changed\n")
    assert load_fixtures(sts.store, [tmp_path]) is True
    client = load_catalog(sts.store).client("mine")
    assert client is not None and client.members["client_name"] == "changed"


def test_entries_that_no_file_names_go_and_clients_made_at_run_time_stay(sts: Emulator, tmp_path: Path) -> None:
    client_file(tmp_path, "mine")
    load_fixtures(sts.store, [tmp_path])
    sts.client("made-at-run-time")
    load_fixtures(sts.store, [])
    catalog = load_catalog(sts.store)
    assert catalog.client("mine") is None
    assert catalog.client("made-at-run-time") is not None


def test_a_worker_notices_a_change_at_its_next_request(sts: Emulator, tmp_path: Path) -> None:
    machine = sts.machine("mine", private_jwk("ES256", 1))
    assert machine.token().rule == "client-assertion.registered"
    client_file(tmp_path, "mine")
    load_fixtures(sts.store, [tmp_path])
    assert machine.token().status == 200


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("client_id: x\nscop: a", "unknown member 'scop'; did you mean 'scope'?"),
        ("client_name: x", "the member 'client_id' is missing"),
        ("client_id: x\nclient_id: y", "the key 'client_id' stands twice"),
        ("client_id: x\ndpop_bound_access_tokens: ja", "'dpop_bound_access_tokens' is 'ja', but must be true or false"),
        ("client_id: x\ngrant_types: [client_credential]", "did you mean 'client_credentials'?"),
        ("client_id: x\norganization: 12345678", "'organization' is 12345678, but must be text"),
        ('client_id: x\norganization: "12345678"', "'12345678' is no organization number"),
        ("client_id: x\naccess_token_lifetime: 0", "must be whole seconds"),
        ("client_id: x\njwks: {keys: [{kty: EC, d: secret}]}", "is a private key; register its public part only"),
        ("client_id: x\njwks: {keys: nothing}", "'jwks' must be a mapping with a list 'keys'"),
        ("client_id: x\nclient_claims: {iss: evil}", "'client_claims' has 'iss', which the token itself decides"),
        ("- client_id: x", "a client is a mapping of members, not a list"),
        ("client_id: [", "is not YAML"),
        ("client_id: !!python/object:os.system x", "is not YAML"),
    ],
)
def test_a_fault_names_file_entry_and_remedy(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "clients" / "odd.yaml"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(DocumentError) as caught:
        read_world([tmp_path])
    assert str(file) in str(caught.value)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_dates_in_yaml_are_texts(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text(
        '- {pid: "06828399789", given_name: A, family_name: B, authorizations: [{profession: LE, from: 2020-01-01}]}'
    )
    entry = read_world([tmp_path]).entries["persona"]["06828399789"]
    assert entry.item.members["authorizations"][0]["from"] == "2020-01-01"


def test_hidden_folders_hold_no_fixtures(tmp_path: Path) -> None:
    client_file(tmp_path, "mine")
    (tmp_path / "clients" / "..2026").mkdir()
    (tmp_path / "clients" / "..2026" / "mine.yaml").write_text("client_id: mine\n")
    assert set(read_world([tmp_path]).entries["client"]) == {"mine"}


def test_a_fault_changes_nothing_that_was_loaded(sts: Emulator, tmp_path: Path) -> None:
    file = client_file(tmp_path, "mine")
    load_fixtures(sts.store, [tmp_path])
    file.write_text("client_id: mine\nwrong: member\n")
    with pytest.raises(DocumentError):
        load_fixtures(sts.store, [tmp_path])
    assert load_catalog(sts.store).client("mine") is not None


def test_the_same_key_twice_in_one_folder_is_an_error(tmp_path: Path) -> None:
    client_file(tmp_path, "twin", name="one")
    client_file(tmp_path, "twin", name="two")
    with pytest.raises(DocumentError, match=r"two\.yaml.*'twin' stands in .*one\.yaml already"):
        read_world([tmp_path])


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("organizations.yaml", '- {number: "999888777", name: Real}', "begins with 2 or 3"),
        (
            "organizations.yaml",
            '- {number: "213000020", name: Unit, parent: "222222222"}',
            "names 222222222, which no file",
        ),
        ("personas.yaml", '- {pid: "01018012345", given_name: A, family_name: B}', "lies in no synthetic series"),
        (
            "personas.yaml",
            '- {pid: "06828399789", given_name: A, family_name: B, hpr_number: "1234567"}',
            "must have nine digits",
        ),
    ],
)
def test_check_finds_what_the_house_forbids(tmp_path: Path, file: str, content: str, says: str) -> None:
    (tmp_path / file).write_text(content)
    assert any(says in error for error in check_world([tmp_path]).errors)


def test_check_tells_implied_apis_odd_registrations_and_assumptions(tmp_path: Path) -> None:
    client_file(tmp_path, "mine", "redirect_uris: [http://app.example.test/callback]\n")
    report = check_world([tmp_path])
    assert any("no API describes test:api/read; test:api is implied" in text for text in report.warnings)
    assert any("mine" in text and "https" in text for text in report.errors)
    assert any("mine: assumed" in text and "dpop_bound_access_tokens = true" in text for text in report.assumed)
    strict = check_world([tmp_path], implied_is_error=True)
    assert any("test:api is implied" in text for text in strict.errors)


def test_the_shipped_world_lies_at_the_bottom(tmp_path: Path) -> None:
    folders = world_folders([tmp_path])
    assert (folders[0] / "clients").is_dir() and folders[1] == tmp_path


def test_all_sample_registrations_are_there(sts: Emulator) -> None:
    catalog = load_catalog(sts.store)
    samples = [client for client in catalog.clients() if client.members["sample"]]
    assert len(samples) == 33
    assert sum(len(client.keys) for client in samples) == 33
    for client in samples:
        assert not client.key_faults
        assert all(catalog.api_of(scope) is None or not catalog.api_of(scope).implied for scope in client.scopes)  # type: ignore[union-attr]
