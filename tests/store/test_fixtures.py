"""From fixture files to rows: layers, faults, and what survives."""

import json
from pathlib import Path
from typing import Any

import pytest

from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.registry.records import members_of
from mock_sts.services.registry.checks import check_world
from mock_sts.services.registry.preparation import load_fixtures
from mock_sts.store.catalog import load_catalog
from mock_sts.store.fixtures.files import unread_files, world_folders
from mock_sts.store.fixtures.rows import Row, read_rows, read_world
from tests.support.emulator import API_SCOPE, Emulator
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
    assert load_fixtures(sts.store, [lower, upper]).changed
    catalog = load_catalog(sts.store)
    names = {client.client_id: client.client_name for client in catalog.clients()}
    assert names["both"] == "upper"
    assert names["demo-machine"] == "mine"
    assert "only-lower" in names and "demo-machine-bearer" in names


def test_loading_twice_changes_nothing_and_a_changed_file_is_noticed(sts: Emulator, tmp_path: Path) -> None:
    file = client_file(tmp_path, "mine")
    assert load_fixtures(sts.store, [tmp_path]).changed
    revision = load_catalog(sts.store).revision
    assert not load_fixtures(sts.store, [tmp_path]).changed
    assert load_catalog(sts.store).revision == revision
    file.write_text(file.read_text() + "client_name: changed\n")
    assert load_fixtures(sts.store, [tmp_path]).changed
    client = load_catalog(sts.store).client("mine")
    assert client is not None and client.client_name == "changed"


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
        ("client_id: x\nSCOPES: a", "unknown member 'SCOPES'; did you mean 'scope'?"),
        ("client_id: x\ngrant_types: [CLIENT_CREDENTIALS]", "did you mean 'client_credentials'?"),
        ("client_name: x", "the member 'client_id' is missing"),
        ("client_id: x\nclient_id: y", "the key 'client_id' stands twice"),
        ("client_id: x\ndpop_bound_access_tokens: ja", "'dpop_bound_access_tokens' is 'ja', but must be true or false"),
        ("client_id: x\ngrant_types: [client_credential]", "did you mean 'client_credentials'?"),
        ("client_id: x\norganization: 12345678", "'organization' is 12345678, but must be text"),
        ('client_id: x\norganization: "12345678"', "'12345678' is no organization number"),
        ("client_id: x\naccess_token_lifetime: 0", "must be whole seconds"),
        ("client_id: ''", "the member 'client_id' is empty"),
        ("client_id: x\nenforcement: 3", "'enforcement' is 3, but must be one of 'observe', 'helseid', 'strict'"),
        ("client_id: x\ngrant_types: [client_credentials, 7]", "'grant_types' holds 7, which must be one of '"),
        ("client_id: x\nchildren: [213000012]", "'children' holds 213000012, which must be text: put it in quotes"),
        ("client_id: x\nchildren: 213000012", "'children' is 213000012, but must be a list of texts"),
        ("client_id: x\nclient_claims: {a: 7}", "'client_claims' holds 7, which must be text: put it in quotes"),
        (
            "client_id: x\nclient_name: no",
            "'client_name' is no (true or false to YAML), but must be text: put it",
        ),
        ("client_id: x\nscope: ['a b']", "'scope' holds 'a b', which must be one scope without spaces"),
        ("client_id: x\n\nclient_name: a\nclient_name: b", "the key 'client_name' stands twice, line 4"),
        ("client_id: x\njwks:\n\tkeys: []", "a tab stands in line 3, column 1; YAML is indented with spaces"),
        ("client_id: " + "[" * 100_000, "it is nested deeper than 100 levels, line 1"),
        ("- " * 100_000, "it is nested deeper than 100 levels"),
        ("client_id: &a [&b [&c [x, x], *c, *c], *b, *b]\n? [x]\n: y", "unhashable key"),
        ("client_id: x\njwks: {keys: [{kty: EC, d: secret}]}", "is a private key; register its public part only"),
        ("client_id: x\njwks: {keys: nothing}", "'jwks' must be a mapping with a list 'keys'"),
        ("client_id: x\nclient_claims: {iss: evil}", "'client_claims' has 'iss', which the token itself decides"),
        ("- [client_id: x]", "a client is a mapping of members, not a list"),
        ("- client_id: x\n- client_id: y\n  scop: a", "unknown member 'scop'; did you mean 'scope'?"),
        (
            "- client_id: x\n- client_id: y\n  organization: 12345678",
            "client 'y': 'organization' is 12345678, but must be text",
        ),
        ("- client_id: x\n- client_id: x", "the client 'x' stands in"),
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
        '- {pid: "06828399789", given_name: A, family_name: B, description: 2020-01-01}'
    )
    entry = read_world([tmp_path]).of(Persona)["06828399789"]
    assert entry.item.description == "2020-01-01"


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


@pytest.mark.covers("client-registration.redirect-uris.fragment")
@pytest.mark.parametrize("uri", ["https://app.test/cb#", "https://app.test/cb#part", "com.example.app:/cb#part"])
def test_a_redirect_uri_has_no_fragment(sts: Emulator, tmp_path: Path, uri: str) -> None:
    client_file(tmp_path, "mine", f"redirect_uris: ['https://app.test/cb', '{uri}']\n")
    with pytest.raises(DocumentError, match=r"mine\.yaml, mine: 'redirect_uris' has '.*#.*no fragment"):
        load_fixtures(sts.store, [tmp_path])
    assert load_catalog(sts.store).client("mine") is None


@pytest.mark.covers("client-registration.redirect-uris.fragment")
def test_what_was_registered_before_it_was_refused_stays(sts: Emulator) -> None:
    """A server must not stop answering because an older version wrote something into its database."""
    redirect_uri = "https://app.test/cb#"
    sts.client("older", redirect_uris=[redirect_uri])
    client = load_catalog(sts.store).client("older")
    assert client is not None
    assert client.redirect_uris == (redirect_uri,)
    assert "older" in [row.item.client_id for row in read_rows(sts.store, Client)]


def test_the_same_key_twice_in_one_folder_is_an_error(tmp_path: Path) -> None:
    client_file(tmp_path, "twin", name="one")
    client_file(tmp_path, "twin", name="two")
    with pytest.raises(DocumentError, match=r"two\.yaml.*'twin' stands in .*one\.yaml already"):
        read_world([tmp_path])


def person(**members: object) -> str:
    return json.dumps({"pid": "06828399789", "given_name": "A", "family_name": "B", **members})


def test_a_fault_in_an_authorization_names_the_member(tmp_path: Path) -> None:
    for authorization, says in (
        ({"profesion": "SP"}, "authorizations '(without profession)': unknown member 'profesion'; did you mean 'prof"),
        ({"authorisation": {}}, "unknown member 'authorisation'; did you mean 'authorization'?"),
        ({"profession": 7}, "'profession' is 7, but must be text: put it in quotes"),
        (
            {"profession": "SP", "authorization": "hello"},
            "authorizations 'SP': 'authorization' is 'hello', but must be a",
        ),
        (
            {"profession": "SP", "requisition_rights": [{"valeu": "1"}]},
            "authorizations 'SP', requisition_rights '(without value)': unknown member 'valeu'; did you mean 'value'?",
        ),
        ({"profession": "SP", "specialities": [{"value": 1}]}, "specialities 1: 'value' is 1, but must be text"),
    ):
        (tmp_path / "personas.yaml").write_text(f"[{person(authorizations=[authorization])}]")
        with pytest.raises(DocumentError) as caught:
            read_world([tmp_path])
        assert says in str(caught.value)


def test_what_an_authorization_leaves_out_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text(f"[{person(authorizations=[{'authorization': {'value': '1'}}])}]")
    assert members_of(read_world([tmp_path]).of(Persona)["06828399789"].item)["authorizations"] == (
        {
            "profession": "XX",
            "authorization": {"value": "1", "description": ""},
            "requisition_rights": (),
            "specialities": (),
        },
    )


def test_what_replaces_a_pid_is_a_pid(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text(f"[{person(superseded_by='0682839978')}]")
    with pytest.raises(DocumentError, match="'superseded_by' must be eleven digits, in quotes"):
        read_world([tmp_path])


@pytest.mark.parametrize("short", ["a b", "06828399789", "persona:a", ""])
def test_a_short_name_is_a_word_and_no_number(tmp_path: Path, short: str) -> None:
    (tmp_path / "personas.yaml").write_text(f"[{person(persona=short)}]")
    with pytest.raises(DocumentError, match="'persona' must be letters, digits and hyphens, and no number"):
        read_world([tmp_path])


def test_merged_mappings_are_replaced_by_what_stands_beside_them(tmp_path: Path) -> None:
    (tmp_path / "personas.yaml").write_text(
        '- &base {pid: "06828399789", given_name: A, family_name: B, security_level: "3"}\n'
        '- &other {<<: *base, pid: "14837512280"}\n'
        '- {<<: [*other], pid: "07877025726", given_name: C}\n'
    )
    found = [entry.item for entry in read_world([tmp_path]).of(Persona).values()]
    assert [(person.pid, person.given_name, person.security_level) for person in found] == [
        ("06828399789", "A", "3"),
        ("14837512280", "A", "3"),
        ("07877025726", "C", "3"),
    ]
    (tmp_path / "personas.yaml").write_text('- &x {pid: "06828399789"}\n- {<<: *x, given_name: A, given_name: B}\n')
    with pytest.raises(DocumentError, match="the key 'given_name' stands twice, line 2"):
        read_world([tmp_path])


def test_a_file_that_is_no_utf8_or_no_json_says_where(tmp_path: Path) -> None:
    file = tmp_path / "personas.yaml"
    file.write_bytes("- {pid: æ}".encode("latin-1"))
    with pytest.raises(DocumentError, match=r"personas\.yaml: is not UTF-8 \(byte 9\); save it as UTF-8"):
        read_world([tmp_path])
    file.write_bytes(f"[{person()}]".encode("utf-8-sig"))
    assert len(read_world([tmp_path]).entries["persona"]) == 1
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "c.json").write_text('{"client_id": "x",\n "scope": tru}')
    with pytest.raises(DocumentError, match=r"c\.json: is not JSON: Expecting value, line 2, column 11"):
        read_world([tmp_path])


@pytest.mark.covers("fixtures.clients")
@pytest.mark.parametrize("name", ["all.json", "team/all.yaml"])
def test_a_file_may_hold_many_clients(sts: Emulator, tmp_path: Path, name: str) -> None:
    file = tmp_path / "clients" / name
    file.parent.mkdir(parents=True)
    key = private_jwk("ES256", 1)
    ids = [f"many-{number}" for number in range(3)]
    public = {"keys": [public_jwk(key)]}
    members = {"client_name": "One of many", "grant_types": ["client_credentials"], "scope": [API_SCOPE]}
    both = {"tenancy": "single-tenant", "organization": "213000012", "jwks": public}
    file.write_text(json.dumps([{"client_id": one, **members, **both} for one in ids]))
    (tmp_path / "clients" / "none.yaml").write_text("[]")
    load_fixtures(sts.store, [tmp_path])
    assert [sts.machine(one, key).token().status for one in ids] == [200, 200, 200]
    file.write_text("[]")
    load_fixtures(sts.store, [tmp_path])
    assert sts.machine(ids[0], key).token().rule == "client-assertion.registered"


def test_files_that_end_in_yml_are_read(tmp_path: Path) -> None:
    (tmp_path / "personas.yml").write_text(f"[{person()}]")
    (tmp_path / "organizations.yml").write_text('- {number: "213000012", name: Mine}')
    (tmp_path / "apis.yml").write_text("- {audience: mine}")
    world = read_world([tmp_path])
    assert [len(world.entries[sort]) for sort in ("persona", "organization", "api")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Personas.yaml", "did you mean personas.yaml?"),
        ("persona.yaml", "did you mean personas.yaml?"),
        ("person.json", "did you mean personas.yaml?"),
        ("personas.ymal", "did you mean personas.yaml?"),
        ("organisations.yml", "did you mean organizations.yaml?"),
        ("clients.yaml", "clients have files of their own: clients/NAME.yaml"),
        ("client/c.yaml", "clients have files of their own: clients/c.yaml"),
        ("clients/c.yamll", "clients have files of their own: clients/c.yaml"),
        ("clients/team/c.JSON", "clients have files of their own: clients/team/c.json"),
        (
            "people/list.yaml",
            "files are called personas.yaml, organizations.yaml, apis.yaml, environments.yaml, test-token-keys.yaml "
            "and clients/NAME.yaml",
        ),
    ],
)
def test_a_file_with_a_name_that_is_not_read_is_told(sts: Emulator, tmp_path: Path, name: str, says: str) -> None:
    for other in (name, "clients/README.md", "keys/clients/mine.json", ".hidden/x.yaml", "personas.yaml~", "notes.txt"):
        (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / other).write_text("[]")
    sentence = f"{tmp_path / name} is not read; {says}"
    assert unread_files(tmp_path) == [sentence]
    assert check_world([tmp_path]).warnings == (sentence,)
    assert load_fixtures(sts.store, [tmp_path]).warnings == (sentence,)
    assert load_fixtures(sts.store, [tmp_path]).warnings == (sentence,), "also when nothing has changed"


#: An own world in which everything is right, to be spoilt.
GOOD: dict[str, Any] = {
    "organizations.yaml": [{"number": "315000106", "name": "Ours"}, {"number": "318765405", "name": "More"}],
    "personas.yaml": [
        {"pid": "01815010260", "given_name": "A", "family_name": "B", "persona": "mine", "hpr_number": "565512345"},
        {"pid": "02825010028", "given_name": "C", "family_name": "D"},
    ],
    "apis.yaml": [{"audience": "our:api", "scopes": ["our:api/read"], "require_dpop": True}],
    "clients/ours.yaml": {
        "client_id": "ours",
        "grant_types": ["client_credentials"],
        "scope": ["our:api/read"],
        "jwks": json.loads(JWKS),
    },
}


def write_good(folder: Path, spoilt: str = "", **members: object) -> None:
    """Write the good world, with ``members`` changed in the first entry of the file ``spoilt``."""
    for name, content in GOOD.items():
        file, changes = folder / name, members if name == spoilt else {}
        file.parent.mkdir(parents=True, exist_ok=True)
        changed = {**content, **changes} if isinstance(content, dict) else [{**content[0], **changes}, *content[1:]]
        file.write_text(json.dumps(changed), encoding="utf-8")


def test_nothing_is_wrong_with_the_good_world(sts: Emulator, tmp_path: Path) -> None:
    write_good(tmp_path)
    report = check_world([tmp_path])
    assert report.errors == () and report.warnings == ()
    assert load_fixtures(sts.store, [tmp_path]).warnings == ()


ORGANIZATIONS, PERSONAS, APIS, CLIENT = GOOD

FAULTS: list[tuple[str, dict[str, object], str]] = [
    (ORGANIZATIONS, {"parent": "222222222"}, "315000106: parent names 222222222, which no file describes"),
    (ORGANIZATIONS, {"parent": "315000106"}, "parent names the organization itself"),
    (PERSONAS, {"organizations": ["315000107"]}, "which no file describes; did you mean '318000107' or '315000106'"),
    (PERSONAS, {"persona": "nurse"}, "01815010260: the persona 'nurse' is that of "),
    (PERSONAS, {"hpr_number": "565505933"}, "the hpr_number '565505933' is that of "),
    (PERSONAS, {"superseded_by": "01815010260"}, "superseded_by names the person itself"),
    (PERSONAS, {"superseded_by": "56878710261"}, "superseded_by names 56878710261, who was replaced too"),
    (APIS, {"owner": "222222222"}, "our:api: owner names 222222222"),
    (APIS, {"scopes": ["our:api/read", "mock:demo-api/read"]}, "the scope 'mock:demo-api/read' is that of "),
    (CLIENT, {"organization": "222222222"}, "ours: organization names 222222222"),
    (CLIENT, {"children": ["222222222"]}, "children names 222222222"),
    (CLIENT, {"delegations": ["222222222"]}, "delegations names 222222222"),
    (CLIENT, {"delegated_children": {"222222222": []}}, "delegated_children names 222222222"),
    (CLIENT, {"delegated_children": {"315000106": ["222222222"]}}, "delegated_children names 222222222"),
    (CLIENT, {"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}}, "key 1 cannot be used"),
]


@pytest.mark.parametrize(("file", "members", "says"), FAULTS, ids=[says for _, _, says in FAULTS])
def test_what_cannot_work_is_refused_by_check_and_load_in_the_same_words(
    sts: Emulator, tmp_path: Path, file: str, members: dict[str, object], says: str
) -> None:
    write_good(tmp_path, file, **members)
    errors = check_world([tmp_path]).errors
    assert len(errors) == 1 and says in errors[0] and f"{tmp_path / file}, " in errors[0]
    before = load_catalog(sts.store).revision
    with pytest.raises(DocumentError) as caught:
        load_fixtures(sts.store, [tmp_path])
    assert str(caught.value) == errors[0]
    assert load_catalog(sts.store).revision == before


BREACHES: list[tuple[str, dict[str, object], str]] = [
    (ORGANIZATIONS, {"number": "999888777"}, "begins with 2 or 3"),
    (PERSONAS, {"pid": "01015012347"}, "the pid lies in no synthetic series"),
    (PERSONAS, {"hpr_number": "1234567"}, "must have nine digits"),
    (CLIENT, {"tenancy": "single-tenant"}, "tenancy single-tenant needs the owner's number in organization"),
    (CLIENT, {"tenancy": "multi-tenant"}, "tenancy multi-tenant needs the owner's number in organization"),
    (CLIENT, {"jwks": {"keys": []}}, "no key is registered"),
    (CLIENT, {"redirect_uris": ["http://app.example.test/cb"]}, "Redirect URIs use https"),
]


@pytest.mark.parametrize(("file", "members", "says"), BREACHES, ids=[says for _, _, says in BREACHES])
def test_breaches_are_errors_of_the_check_and_warnings_of_a_load(
    sts: Emulator, tmp_path: Path, file: str, members: dict[str, object], says: str
) -> None:
    write_good(tmp_path, file, **members)
    told = [text for text in check_world([tmp_path]).errors if says in text]
    assert len(told) == 1
    loading = load_fixtures(sts.store, [tmp_path])
    assert loading.changed and told[0] in loading.warnings


ODDITIES: list[tuple[str, dict[str, object], str]] = [
    (ORGANIZATIONS, {"number": "315000107"}, "the check digit of the number is wrong"),
    (ORGANIZATIONS, {"parent": "213000047"}, "its parent 213000047 is a unit itself"),
    (PERSONAS, {"pid": "01815010261"}, "the check digits of the pid are wrong"),
    (PERSONAS, {"authorizations": [{"profession": "nurse"}]}, "no profession 'nurse' is known"),
    (PERSONAS, {"authorizations": [{"profession": "nurse"}]}, "did you mean 'SP' (nurse)?"),
    (PERSONAS, {"authorizations": [{"profession": "SP"}], "hpr_number": None}, "of people with an HPR number only"),
    (PERSONAS, {"superseded_by": "02825010029"}, "whom no file describes; did you mean '02825010028'"),
    (
        PERSONAS,
        {"eids": ["bankid"], "security_level": "3"},
        "none of the eids bankid has a level up to the person's, 3",
    ),
    (APIS, {"claims": ["helseid://claims/identity/pidd"]}, "did you mean 'helseid://claims/identity/pid'"),
    (APIS, {"scopes": ["our:api/read", "your:api/read"]}, "the scope your:api/read belongs to another audience"),
    (APIS, {"token_exchange_actors": ["our"]}, "names 'our', whom no file describes; did you mean 'ours'"),
    (CLIENT, {"token_exchange_actors": ["nobody"]}, "ours: token_exchange_actors names 'nobody'"),
    (CLIENT, {"default_persona": "kvart-grevlin"}, "default_persona names 'kvart-grevlin', whom no file"),
    (CLIENT, {"default_persona": "kvart-grevlin"}, "'kvart-grevlin', whom no file describes; did you mean 'kvart-gre"),
    (CLIENT, {"identity_providers": ["testidp"]}, "no identity provider 'testidp' is emulated; did you mean 'testidp-"),
    (CLIENT, {"scope": ["our:api/raed"]}, "our:api is implied; did you mean 'our:api/read'"),
    (CLIENT, {"scope": ["helseid://scopes/identity/pidd"]}, "did you mean 'helseid://scopes/identity/pid'"),
]


@pytest.mark.parametrize(("file", "members", "says"), ODDITIES, ids=[says for _, _, says in ODDITIES])
def test_what_is_probably_not_meant_is_warned_of(
    sts: Emulator, tmp_path: Path, file: str, members: dict[str, object], says: str
) -> None:
    write_good(tmp_path, file, **members)
    report = check_world([tmp_path])
    told = [text for text in report.warnings if says in text]
    assert len(told) == 1 and f"{tmp_path / file}, " in told[0]
    assert report.errors == ()
    assert told[0] in load_fixtures(sts.store, [tmp_path]).warnings


@pytest.mark.covers("api.require-dpop.said")
def test_an_api_that_leaves_require_dpop_out_is_warned_of_by_the_check_alone(sts: Emulator, tmp_path: Path) -> None:
    write_good(tmp_path, APIS, require_dpop=None)
    warnings = check_world([tmp_path]).warnings
    assert len(warnings) == 1 and f"{tmp_path / APIS}, our:api: require_dpop is left out" in warnings[0]
    assert "write require_dpop: true, or false" in warnings[0]
    # Nothing is wrong with it, so a load, and with it a start, is silent.
    assert load_fixtures(sts.store, [tmp_path]).warnings == ()
    for said in (True, False):
        write_good(tmp_path, APIS, require_dpop=said)
        assert check_world([tmp_path]).warnings == ()


def test_an_hpr_number_of_a_sample_is_as_the_sample_has_it(tmp_path: Path) -> None:
    write_good(tmp_path, PERSONAS, hpr_number="1234567", sample="documentation of another program")
    assert check_world([tmp_path]).errors == ()


@pytest.mark.parametrize("persona", ["kvart-grevling", "our-nurse", "01815012345"])
def test_a_default_persona_may_lie_in_any_folder_or_be_invented(tmp_path: Path, persona: str) -> None:
    ours, others = tmp_path / "ours", tmp_path / "others"
    for folder in (ours, others):
        folder.mkdir()
    write_good(ours, CLIENT, default_persona=persona)
    others.joinpath("personas.yaml").write_text(
        '- {pid: "01815021955", persona: our-nurse, given_name: A, family_name: B}', encoding="utf-8"
    )
    report = check_world([ours, others])
    assert report.errors == ()
    assert [text for text in report.warnings if "default_persona names" in text] == []


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


def test_what_is_assumed_of_the_shipped_clients_is_told_when_asked_for(tmp_path: Path) -> None:
    client_file(tmp_path, "mine")
    assert [text.partition(": assumed")[0] for text in check_world([tmp_path]).assumed] == [
        f"{tmp_path}/clients/mine.yaml, mine"
    ]
    assert check_world([]).assumed == ()
    assert len(check_world([tmp_path], all_assumed=True).assumed) > 40


def test_the_shipped_world_lies_at_the_bottom(tmp_path: Path) -> None:
    folders = world_folders([tmp_path])
    assert (folders[0] / "clients").is_dir() and folders[1] == tmp_path


def test_all_sample_registrations_are_there(sts: Emulator) -> None:
    catalog = load_catalog(sts.store)
    samples = [client for client in catalog.clients() if client.sample]
    assert len(samples) == 35
    assert sum(len(client.keys) for client in samples) == 35
    for client in samples:
        assert not client.key_faults
        assert all(catalog.api_of(scope) is None or not catalog.api_of(scope).implied for scope in client.scope)  # type: ignore[union-attr]


def test_rows_are_made_once_and_anew_when_they_change(sts: Emulator) -> None:
    def grevling() -> Row[Persona]:
        return next(row for row in read_rows(sts.store, Persona) if row.document["pid"] == "06828399789")

    first = grevling()
    assert grevling().item is first.item
    first.document["given_name"] = "spoiled by who read it"
    with sts.store.writing() as transaction:
        transaction.execute(
            "UPDATE persona SET document = json_set(document, '$.family_name', 'ANDRE') WHERE pid = '06828399789'"
        )
    changed = grevling()
    assert changed.item.family_name == "ANDRE"
    assert changed.document["given_name"] == "KVART"
