"""The commands about the world: fixtures, persona and client, by themselves and beside a running server."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from mock_sts.cli.main import main
from mock_sts.helseid.identifiers import birth_date, is_synthetic_pid, pid_check_digits_ok
from mock_sts.helseid.registry.records import key_of
from mock_sts.services.registry.people import sub_of
from mock_sts.setup import prepare_store
from mock_sts.store.fixtures.files import world_folders
from mock_sts.store.fixtures.rows import SORTS, read_rows
from mock_sts.store.sqlite.database import SqliteDatabase
from mock_sts.store.sqlite.peek import is_prepared
from tests.support import processes
from tests.support.emulator import LiveServer, settings_for
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import decode
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES, Login, RelyingParty

#: Looks into files of SQLite, or is about commands on them.
pytestmark = pytest.mark.sqlite

NODE_MODULES = Path(__file__).parent.parent / "interop" / "node"

#: An own folder, with values that YAML likes to read as something else.
OWN_WORLD = {
    "organizations.yaml": '- {number: "213000012", name: Renamed kommune}\n- {number: "315000106", name: New office}\n',
    "personas.yaml": (
        '- {pid: "01815012345", persona: mine, given_name: "Ær, lig", family_name: "NO", description: "yes: # 0123",\n'
        '   authorizations: [{profession: SP}], sample: 2020-01-01, organizations: ["315000106"]}\n'
    ),
    "apis.yaml": '- {audience: "own:api", scopes: [own:api/read], access_token_lifetime: 60, require_dpop: true}\n',
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prepared") / "x.sqlite"
    prepare_store(settings_for(path))
    return path


@pytest.fixture
def database(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prepared database, to which the commands of a test are pointed."""
    path = tmp_path / "data" / "x.sqlite"
    path.parent.mkdir()
    shutil.copy(prepared, path)
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{path}")
    return path


@pytest.fixture
def run(database: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command in this process; its output, or its complaint where another status than 0 is expected."""
    assert database.exists()

    def run(*arguments: str, status: int = 0) -> str:
        capsys.readouterr()
        try:
            found = main(list(arguments))
        except SystemExit as stop:
            found = int(str(stop.code))
        out, err = capsys.readouterr()
        assert found == status, out + err
        return out if status == 0 else err

    return run


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An own folder with one entry of each sort."""
    folder = tmp_path_factory.mktemp("own")
    for name, content in OWN_WORLD.items():
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "clients").mkdir()
    for number, client_id in enumerate(("own-client", "https://own.test/a b", "OWN-client", "12345")):
        jwks = json.dumps({"keys": [public_jwk(private_jwk("ES256", 20 + number))]})
        (folder / "clients" / f"{number}.yaml").write_text(
            f"client_id: {json.dumps(client_id)}\ngrant_types: [client_credentials]\n"
            f"scope: own:api/read\njwks: {jwks}\nclient_claims: {{'own:api/client/claims/x': '007'}}\n"
        )
    return folder


def registry(database: Path) -> dict[str, dict[str, Any]]:
    """Every document by sort and key."""
    store = SqliteDatabase(database)
    try:
        rows = {sort.table: read_rows(store, sort.becomes) for sort in SORTS}
    finally:
        store.close()
    return {sort: {key_of(row.item): row.document for row in found} for sort, found in rows.items()}


# fixtures


@pytest.mark.slow
def test_what_is_exported_is_loaded_to_the_same_registry(
    run: Callable[..., str], database: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(world))
    run("fixtures", "load")
    made = json.loads(run("persona", "new", "--json", "--profession", "LE", "--born", "1984-02-29"))
    client = json.loads(run("client", "new", "--json", "--alg", "ES256"))
    before = registry(database)
    assert before["organization"]["213000012"]["name"] == "Renamed kommune"
    assert made["members"]["pid"] in before["persona"] and client["client_id"] in before["client"]

    own, whole = tmp_path / "own", tmp_path / "whole"
    told = run("fixtures", "export", str(own))
    assert f"written to {own}: 2 organizations, 2 personas, 1 API, 5 clients, in 8 files" in told
    run("fixtures", "export", "--all", str(whole))
    for folder, count in ((own, 2), (whole, len(before["persona"]))):
        monkeypatch.setenv("MOCK_STS_FIXTURES", str(folder))
        again = tmp_path / f"{folder.name}.sqlite"
        monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{again}")
        run("prepare")
        assert registry(again) == before
        assert len(yaml.safe_load((folder / "personas.yaml").read_text(encoding="utf-8"))) == count
    text = (own / "personas.yaml").read_text(encoding="utf-8")
    assert 'pid: "01815012345"' in text and 'sample: "2020-01-01"' in text and "Ær, lig" in text
    assert '"d"' not in "".join(file.read_text() for file in own.rglob("*.yaml"))
    assert {file.name for file in (own / "clients").iterdir()} >= {"own-client.yaml", "12345.yaml"}


def test_an_export_of_nothing_writes_nothing(run: Callable[..., str], tmp_path: Path) -> None:
    assert "nothing to export" in run("fixtures", "export", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_export_spares_what_it_was_not_asked_to_replace(run: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "clients").mkdir(parents=True)
    mine, notes = folder / "clients" / "mine.yaml", folder / "notes.txt"
    notes.write_text("mine")
    made = json.loads(run("client", "new", "--json", "--alg", "ES256"))
    assert "is not empty; --force replaces the fixture files" in run("fixtures", "export", str(folder), status=2)
    run("fixtures", "export", "--force", str(folder))
    written = folder / "clients" / f"{made['client_id']}.yaml"
    written.rename(mine)
    run("persona", "new")
    run("fixtures", "export", "--force", str(folder))
    assert written.exists() and not mine.exists(), "the same client in another file is replaced"
    assert notes.read_text() == "mine"
    assert "is no folder" in run("fixtures", "export", str(notes), status=2)
    shipped = Path(__file__).resolve().parents[2] / "fixtures"
    run("client", "new", "--alg", "ES256")
    assert "client-keys" in run("fixtures", "export", "--force", str(folder))
    below_a_file = notes / "out"
    assert f"{below_a_file}: cannot be written" in run("fixtures", "export", str(below_a_file), status=2)
    assert "is the shipped world" in run("fixtures", "export", "--force", str(shipped), status=2)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "personas.yaml",
            '- {pid: "02825010028", given_name: A, family_name: B}',
            "personas.yaml, persona '02825010028'",
        ),
        ("organizations.yml", '- {number: "315000106"}', "organizations.yml, organization '315000106'"),
        (
            "clients/demo-machine.yaml",
            "client_id: demo-machine\nscope: a/b",
            "demo-machine.yaml, client 'demo-machine'",
        ),
        ("clients/keys/secret.json", '{"kty": "EC", "d": "x"}', "unknown member 'kty'"),
        ("apis.yaml", "- {audience: [", "is not YAML"),
    ],
)
def test_an_export_destroys_nothing_that_the_registry_does_not_hold(
    run: Callable[..., str], tmp_path: Path, name: str, content: str, says: str
) -> None:
    file = tmp_path / "own" / name
    file.parent.mkdir(parents=True)
    file.write_text(content)
    run("persona", "new")
    complaint = run("fixtures", "export", "--force", str(tmp_path / "own"), status=2)
    assert "Nothing was written" in complaint and says in complaint
    assert [path for path in (tmp_path / "own").rglob("*") if path.is_file()] == [file]
    assert file.read_text() == content


@pytest.mark.slow
def test_a_folder_that_holds_what_lies_below_may_be_written_anew(run: Callable[..., str], tmp_path: Path) -> None:
    run("fixtures", "export", "--all", str(tmp_path / "own"))
    run("persona", "new")
    run("fixtures", "export", "--force", str(tmp_path / "own"))
    assert [file.name for file in (tmp_path / "own").rglob("*.yaml")] == ["personas.yaml"]


def test_a_folder_that_is_gone_removes_nobody(
    run: Callable[..., str], database: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(world, folder)
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(folder))
    run("fixtures", "load")
    monkeypatch.delenv("MOCK_STS_FIXTURES")
    before = registry(database)
    folder.rename(tmp_path / "elsewhere")
    complaint = run("fixtures", "load", status=2)
    assert f"{folder} is gone, from which the registry was loaded" in complaint and "MOCK_STS_FIXTURES" in complaint
    assert registry(database) == before
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path / "elsewhere"))
    run("fixtures", "load")
    assert registry(database) == before


def test_load_refuses_what_cannot_work_and_warns_of_the_rest(
    run: Callable[..., str],
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    people, before = tmp_path / "personas.yaml", registry(database)
    person = '- {pid: "01015012345", given_name: A, family_name: B, organizations: ["%s"]}\n'
    people.write_text(person % "222222222")
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path))
    told = "personas.yaml, 01015012345: organizations names 222222222, which no file describes"
    assert told in run("fixtures", "check", status=1)
    complaint = run("fixtures", "load", status=2)
    assert told in complaint and "Nothing was loaded" in complaint
    assert registry(database) == before
    people.write_text(person % "213000012")
    (tmp_path / "persona.yaml").write_text(person % "213000012")
    for _ in range(2):
        assert main(["fixtures", "load"]) == 0
        _, err = capsys.readouterr()
        assert f"warning: {tmp_path}/persona.yaml is not read; did you mean personas.yaml?" in err
    people.write_text("".join(person.replace("01015012345", f"0101501{n:04}") % "213000012" for n in range(30)))
    assert main(["fixtures", "load"]) == 0
    warnings = capsys.readouterr().err.splitlines()
    odd = "the pid lies in no synthetic series (month +80, +65 or +40) (line 1)"
    assert f"warning: {people}, 01015010000: {odd}" in warnings
    assert len(warnings) == 21 and "more; mock-sts fixtures check tells all" in warnings[-1]


def test_what_was_kept_in_a_file_is_changed_and_removed_there(
    run: Callable[..., str], database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = json.loads(run("persona", "new", "--json", "--name", "FØRST NAVN"))["members"]["pid"]
    own = tmp_path / "own"
    run("fixtures", "export", str(own))
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(own))
    run("fixtures", "load")
    assert json.loads(run("persona", "show", pid, "--json"))["origin"] == "fixture"
    file = own / "personas.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("FØRST", "SÅ"), encoding="utf-8")
    run("fixtures", "load")
    assert registry(database)["persona"][pid]["given_name"] == "SÅ"
    file.unlink()
    run("fixtures", "load")
    assert pid not in registry(database)["persona"]


@pytest.mark.covers("keys.fresh-kept")
@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        ("shipped", "fresh", True),
        ("shipped", "shipped", False),
        ("fresh", "fresh", False),
        ("fresh", "shipped", False),
        (None, "fresh", False),
    ],
)
def test_a_published_key_that_stays_though_fresh_ones_are_asked_for_is_told(
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: str | None,
    then: str,
    told: bool,
) -> None:
    """At every start, also at one that has nothing to prepare."""
    file = tmp_path / "keys.sqlite"
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{file}")
    for keys in filter(None, (first, then)):
        monkeypatch.setenv("MOCK_STS_SIGNING_KEYS", keys)
        assert main(["prepare"]) == 0
    said = capsys.readouterr().err
    assert ("MOCK_STS_SIGNING_KEYS is 'fresh', but this database has the published key already" in said) is told
    assert ("remove the database, or name another one with MOCK_STS_DATABASE_URL" in said) is told
    assert is_prepared(file, world_folders([]), fresh_keys=then == "fresh") is not told


@pytest.mark.covers("fixtures.exported")
@pytest.mark.parametrize("folders", ["named", "remembered"])
def test_what_was_made_and_exported_is_edited_in_its_file(
    run: Callable[..., str], database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: str
) -> None:
    """client new, fixtures export, an edit, fixtures load: without --replace, and without a load in between."""
    client = json.loads(run("client", "new", "--json", "--alg", "ES256", "--name", "Before"))["client_id"]
    pid = json.loads(run("persona", "new", "--json", "--name", "FØR NAVN"))["members"]["pid"]
    own = tmp_path / "own"
    run("fixtures", "export", str(own))
    later = json.loads(run("client", "new", "--json", "--alg", "ES256", "--name", "Later"))["client_id"]
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(own))
    for file in own.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("Before", "After").replace("FØR", "ETTER"), encoding="utf-8")
    run("fixtures", "load")
    if folders == "remembered":
        monkeypatch.delenv("MOCK_STS_FIXTURES")
    assert registry(database)["client"][client]["client_name"] == "After"
    assert registry(database)["persona"][pid]["given_name"] == "ETTER"
    assert json.loads(run("client", "show", client, "--json"))["origin"] == "fixture"
    assert json.loads(run("client", "show", later, "--json"))["origin"] == "made"
    (file,) = (own / "clients").iterdir()
    file.write_text(file.read_text(encoding="utf-8").replace("After", "Last"), encoding="utf-8")
    run("fixtures", "load")
    assert registry(database)["client"][client]["client_name"] == "Last"


def test_what_was_made_at_run_time_stays_until_the_file_shall_win(
    run: Callable[..., str],
    database: Path,
    world: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("persona", "new", "--pid", "01815012345", "--name", "MADE HERE")
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(world))
    assert main(["fixtures", "load"]) == 0
    assert f"warning: {world}/personas.yaml, 01815012345: another one was made" in capsys.readouterr().err
    assert registry(database)["persona"]["01815012345"]["given_name"] == "MADE"
    run("fixtures", "load", "--replace")
    assert registry(database)["persona"]["01815012345"]["given_name"] == "Ær, lig"
    assert "nothing has changed" in run("fixtures", "load", "--replace")
    assert json.loads(run("persona", "show", "01815012345", "--json"))["origin"] == "fixture"


def test_check_as_json(run: Callable[..., str], world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("fixtures", "check").count("\n") == 1, "what is assumed of the shipped clients is told when asked for"
    assert ": assumed " in run("fixtures", "check", "--verbose")
    report = json.loads(run("fixtures", "check", "--json"))
    assert set(report) == {"entries", "errors", "warnings", "assumed"}
    assert report["errors"] == [] and report["entries"]["persona"] > 530
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path))
    (tmp_path / "personas.yaml").write_text('- {pid: "01018012345", given_name: A, family_name: B}\n')
    assert main(["fixtures", "check", "--json"]) == 1
    assert main(["fixtures", "check"]) == 1
    (tmp_path / "personas.yaml").write_text('- {pid: "01818012347", given_name: A, family_name: B}\n')
    assert "133 organizations, 565 personas, 65 APIs, 56 clients; 1 warning, 0 errors" in run("fixtures", "check")
    (tmp_path / "personas.yaml").write_text('- {pid: "01815012345", given_nam: A, family_name: B}\n')
    complaint = run("fixtures", "check", status=2)
    assert "personas.yaml, persona '01815012345': unknown member 'given_nam'; did you mean 'given_name'?" in complaint


def test_check_as_json_of_a_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "personas.yaml").write_text("- {pid: ")
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path))
    assert main(["fixtures", "check", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["errors"] == [err.strip()]
    assert "personas.yaml: is not YAML" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("fixtures", "generate", "--seed", "x"),
        ("fixtures", "generate", "--people", "-1"),
        ("fixtures", "export"),
        ("persona", "new", "--born", "84"),
        ("persona", "new", "--level", "5"),
        ("client", "new", "--tenancy", "double"),
    ],
)
def test_wrong_arguments_are_told_before_anything_happens(run: Callable[..., str], arguments: tuple[str, ...]) -> None:
    assert "error: " in run(*arguments, status=2)


@pytest.mark.parametrize(
    "command",
    ["fixtures check", "persona list", "persona show", "persona new", "client list", "client show", "client new"],
)
def test_help_says_what_the_json_holds(
    capsys: pytest.CaptureFixture[str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    assert "JSON: " in capsys.readouterr().out


# persona


def test_people_are_listed_in_a_table(run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = run("persona", "list").splitlines()
    assert lines[0].split()[:3] == ["PERSONA", "PID", "NAME"]
    assert lines[-1] == f"{len(lines) - 2} people"
    places = [number for number, line in enumerate(lines) if PERSON in line]
    assert places and places[0] < 40, "people written by hand stand before the generated ones"
    monkeypatch.setenv("COLUMNS", "60")
    narrow = run("persona", "list").splitlines()
    assert len(narrow) == len(lines)
    assert all(len(line) <= 60 for line in narrow)
    assert PERSON in narrow[places[0]]


def test_people_made_at_run_time_come_last(run: Callable[..., str]) -> None:
    made = json.loads(run("persona", "new", "--json"))
    listed = json.loads(run("persona", "list", "--json"))
    assert listed[-1]["pid"] == made["members"]["pid"]
    origins = [person["origin"] for person in listed]
    assert origins == sorted(origins, key=["fixture", "generated", "made"].index)
    assert origins.count("generated") == 500 and origins.count("made") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("grevling",),
        ("Kvart Grev",),
        ("068283",),
        ("kvart-g",),
        ("565505933",),
        ("doctor", "userinfo"),
        ("LE", "kvart"),
        ("le", "kvart"),
        ("5655059",),
        ("--profession", "doctor", "kvart"),
        ("--profession", "LE", "--level", "4", "kvart"),
    ],
)
def test_people_are_found_by_what_is_known_of_them(run: Callable[..., str], words: tuple[str, ...]) -> None:
    found = json.loads(run("persona", "list", "--json", *words))
    assert PERSON in [person["pid"] for person in found]
    assert len(found) < 10


def found_by(run: Callable[..., str], *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("persona", "list", "--json", *arguments))
    assert found, arguments
    return found


def test_a_few_digits_are_a_word_and_more_begin_a_number(run: Callable[..., str]) -> None:
    for person in found_by(run, "level", "3"):
        assert "level 3" in person["description"].casefold()
    assert all(person["pid"].startswith("0682") for person in found_by(run, "0682"))
    assert json.loads(run("persona", "list", "--json", PERSON[1:])) == []


def test_the_code_of_a_profession_is_no_part_of_a_word(run: Callable[..., str]) -> None:
    codes = [[entry["profession"] for entry in person["authorizations"]] for person in found_by(run, "le")]
    assert all("LE" in found for found in codes)


@pytest.mark.slow
def test_people_are_found_by_what_they_have(run: Callable[..., str]) -> None:
    everybody = json.loads(run("persona", "list", "--json"))
    assert found_by(run, "--level", "3") == [person for person in everybody if person["security_level"] == "3"]
    assert found_by(run, "--no-hpr") == [person for person in everybody if person["hpr_number"] is None]
    assert found_by(run, "--organizations", "2") == [p for p in everybody if len(p["organizations"]) >= 2]
    nurses = [p for p in everybody if "SP" in [entry["profession"] for entry in p["authorizations"]]]
    assert found_by(run, "--profession", "SP") == found_by(run, "--profession", "nurse") == nurses
    assert "did you mean 'SP' (nurse)" in run("persona", "list", "--profession", "S", status=2)


def test_a_word_may_be_a_profession_or_an_organization(
    run: Callable[..., str], world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(world))
    run("fixtures", "load")
    assert [person["pid"] for person in json.loads(run("persona", "list", "--json", "new office"))] == ["01815012345"]
    midwives = json.loads(run("persona", "list", "--json", "JO"))
    assert midwives
    for person in midwives:
        assert "JO" in [entry["profession"] for entry in person["authorizations"]]
    assert json.loads(run("persona", "list", "--json", "nobody-at-all")) == []
    assert run("persona", "list", "xyzzyx").splitlines()[-1] == "0 people with xyzzyx"


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("doctr",), "'doctor'"),
        (("doctor", "grevlng"), "'grevling'"),
        (("gp-two-offics",), "'gp-two-offices'"),
    ],
)
def test_a_word_that_fits_nobody_is_told_with_what_comes_near(
    run: Callable[..., str], words: tuple[str, ...], near: str
) -> None:
    assert f"0 people with {' '.join(words)}; did you mean {near}" in run("persona", "list", *words)
    assert json.loads(run("persona", "list", "--json", *words)) == []


@pytest.mark.parametrize("key", [PERSON, "kvart-grevling", "565505933"])
def test_a_person_is_shown(run: Callable[..., str], key: str) -> None:
    card = json.loads(run("persona", "show", key, "--json"))
    assert set(card) == {"members", "origin", "sub", "pid_pseudonym", "claims", "login"}
    assert card["members"]["given_name"] == "KVART" and card["origin"] == "fixture"
    assert card["sub"] == card["pid_pseudonym"] == sub_of(PERSON) == card["claims"]["sub"]
    assert card["claims"]["helseid://claims/identity/pid"] == PERSON
    assert card["claims"]["helseid://claims/hpr/hpr_details"]["hpr_number"] == 565505933
    assert card["login"] == {"acr_values": "idp:testidp-oidc", "test_pid": PERSON}
    text = run("persona", "show", key)
    assert f"test_pid={PERSON}" in text and sub_of(PERSON) in text and '"name": "KVART GREVLING"' in text


def test_a_pid_that_nobody_has_is_shown_as_who_would_log_in(
    run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(run("persona", "show", "01815012345", "--json"))["origin"] == "invented"
    monkeypatch.setenv("MOCK_STS_INVENT_PEOPLE", "false")
    assert "no person has the pid" in run("persona", "show", "01815012345", status=2)


def test_near_matches_are_named(run: Callable[..., str]) -> None:
    assert "did you mean 'kvart-grevling'" in run("persona", "show", "kvart-grevlin", status=2)
    assert "persona list WORDS" in run("persona", "show", "?", status=2)
    assert "did you mean 'demo-machine'" in run("client", "show", "demo-machin", status=2)
    assert "did you mean 'demo-machine'" in run("client", "show", "DEMO-MACHINE", status=2)
    assert "did you mean 'kvart-grevling'" in run("persona", "show", "KVART-GREVLING", status=2)
    assert "client list" in run("client", "show", "?", status=2)


def test_a_pid_that_was_replaced_is_shown_with_what_replaced_it(
    run: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "personas.yaml").write_text(
        f'- {{pid: "01815012345", given_name: A, family_name: B, superseded_by: "{PERSON}"}}\n'
    )
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path))
    run("fixtures", "load")
    assert f"replaced by {PERSON}" in run("persona", "show", "01815012345")
    assert json.loads(run("persona", "show", "01815012345", "--json"))["login"] == {}


def test_what_is_not_said_of_a_new_person_is_invented(run: Callable[..., str]) -> None:
    seen = set()
    for _ in range(5):
        members = json.loads(run("persona", "new", "--json", "--born", "2000-02-29", "--profession", "SP"))["members"]
        assert str(birth_date(members["pid"])) == "2000-02-29"
        assert is_synthetic_pid(members["pid"]) and pid_check_digits_ok(members["pid"])
        assert members["pid"][2:4] == "82"
        assert len(members["hpr_number"]) == 9 and members["hpr_number"][0] == "5"
        assert members["given_name"] and members["family_name"] and members["persona"]
        seen |= {members["pid"], members["hpr_number"], members["persona"]}
    assert len(seen) == 15
    bare = json.loads(run("persona", "new", "--json"))["members"]
    assert bare["hpr_number"] is None and bare["authorizations"] == []


def test_what_is_said_of_a_new_person_is_kept(run: Callable[..., str]) -> None:
    text = run(
        *("persona", "new", "--name", "Kari Anne Mo Nordmann", "--pid", "01815012347", "--persona", "kari"),
        *("--description", "One line", "--profession", "LE", "--profession", "SP", "--hpr-number", "512345678"),
        *("--level", "3", "--network", "helsenett", "--organization", "213000012"),
    )
    kept = yaml.safe_load(text.partition("own personas.yaml:\n")[2])[0]
    authorizations = kept.pop("authorizations")
    assert kept == {
        "pid": "01815012347",
        "persona": "kari",
        "given_name": "Kari",
        "middle_name": "Anne Mo",
        "family_name": "Nordmann",
        "description": "One line",
        "hpr_number": "512345678",
        "security_level": "3",
        "network": "helsenett",
        "organizations": ["213000012"],
    }
    assert [entry["profession"] for entry in authorizations] == ["LE", "SP"]
    shown = json.loads(run("persona", "show", "kari", "--json"))
    assert shown["login"]["test_security_level"] == "3"
    assert shown["claims"]["helseid://claims/identity/network"] == "helsenett"


@pytest.mark.covers("cli.persona.eids")
@pytest.mark.parametrize(
    ("arguments", "kept", "shown"),
    [
        ((), None, "all of their level"),
        (("--eid", "none"), [], "none"),
        (("--eid", "commfides"), ["commfides"], "commfides"),
        (("--eid", "bankid-mobile", "--eid", "minid", "--eid", "minid"), ["bankid-mobile", "minid"], "bankid-mobile"),
    ],
    ids=["all", "none", "one", "two"],
)
def test_the_eids_of_a_new_person_are_those_that_are_named(
    run: Callable[..., str], arguments: tuple[str, ...], kept: list[str] | None, shown: str
) -> None:
    text = run("persona", "new", "--persona", "mine", *arguments)
    document = yaml.safe_load(text.partition("own personas.yaml:\n")[2])[0]
    assert document.get("eids") == kept and ("eids" in document) is (kept is not None)
    assert json.loads(run("persona", "show", "mine", "--json"))["members"]["eids"] == kept
    line = next(line for line in run("persona", "show", "mine").splitlines() if line.startswith("eids "))
    assert shown in line


@pytest.mark.covers("cli.persona.superseded-by")
def test_a_new_person_may_have_been_replaced(run: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    # The same number in the HPR register: it is the same person.
    command = ("persona", "new", "--persona", "before", "--superseded-by", PERSON, "--hpr-number", "565505933")
    text = run(*command)
    assert yaml.safe_load(text.partition("own personas.yaml:\n")[2])[0]["superseded_by"] == PERSON
    assert f"it was replaced by {PERSON}" in text
    assert json.loads(run("persona", "show", "before", "--json"))["login"] == {}
    assert main(["persona", "new", "--superseded-by", "06828399788"]) == 0
    told = "no person has the pid 06828399788 that superseded_by names; did you mean '06828399789'"
    assert told in capsys.readouterr().err


def test_the_same_profession_twice_is_one(run: Callable[..., str]) -> None:
    made = json.loads(run("persona", "new", "--json", "--profession", "SP", "--profession", "SP"))
    assert [entry["profession"] for entry in made["members"]["authorizations"]] == ["SP"]


def test_two_of_one_name_get_two_short_names(run: Callable[..., str]) -> None:
    names = [json.loads(run("persona", "new", "--json", "--name", "A B"))["members"]["persona"] for _ in range(3)]
    assert names == ["a-b", "a-b-2", "a-b-3"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--pid", "123"), "must be eleven digits"),
        (("--pid", PERSON), f"a person has the pid '{PERSON}' already"),
        (("--persona", "kvart-grevling"), "a person has the persona 'kvart-grevling' already"),
        (("--hpr-number", "565505933"), "a person has the hpr_number '565505933' already"),
        (("--pid", "99998502184"), "the pid 99998502184 tells no birth date"),
        (("--persona", "a b"), "'persona' must be letters, digits and hyphens, and no number"),
        (("--persona", PERSON), "'persona' must be letters, digits and hyphens, and no number"),
        (("--profession", "Nurse"), "'Nurse' is no code of the HPR register; did you mean 'SP' (nurse)?"),
        (("--hpr-number", "12"), "'hpr_number' must be seven to nine digits"),
        (("--organization", "213000013"), "no organization has the number '213000013'; did you mean '"),
        (("--organization", "x"), "is no organization number"),
        (("--born", "2045-01-01"), "no pid tells the birth date 2045-01-01"),
        (("--pid", "01815012347", "--born", "1984-01-01"), "tells the birth date 1950-01-01, not 1984-01-01"),
        (("--name", "Kari"), "a given name and a family name at least"),
        (("--eid", "none", "--eid", "minid"), "--eid none says that the person has no eID; give it alone"),
        (("--superseded-by", "kvart-grevling"), "superseded_by 'kvart-grevling' must be a pid, eleven digits"),
        (("--pid", "01815012347", "--superseded-by", "01815012347"), "superseded_by names the person itself"),
        (("--superseded-by", "56878710261"), "names 56878710261, who was replaced too; give 16878730031"),
        (("--name", "A B", "--given-name", "C"), "not both"),
    ],
)
def test_a_person_who_cannot_be_registered_is_not(
    run: Callable[..., str], database: Path, arguments: tuple[str, ...], says: str
) -> None:
    before = registry(database)
    assert says in run("persona", "new", *arguments, status=2)
    assert registry(database) == before


def test_a_pid_of_the_living_is_let_in_with_a_warning_or_refused(
    run: Callable[..., str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_STS_REQUIRE_SYNTHETIC", "true")
    refused = run("persona", "new", "--pid", "01010012345", status=2)
    assert "in no synthetic series" in refused and "MOCK_STS_REQUIRE_SYNTHETIC" in refused
    monkeypatch.delenv("MOCK_STS_REQUIRE_SYNTHETIC")
    assert main(["persona", "new", "--json", "--pid", "01010012345", "--profession", "SY"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["members"]["pid"] == "01010012345"
    assert "warning: the pid 01010012345 lies in no synthetic series" in err
    assert "warning: the check digits" in err
    assert "warning: the HPR register has no profession 'SY' that we know of" in err
    assert "fixtures check calls it an error in a file" in err


# client


def test_clients_are_listed_in_a_table(run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = run("client", "list").splitlines()
    assert lines[0].split() == ["CLIENT_ID", "NAME", "GRANTS", "NEEDS", "WHAT", "IT", "SHOWS"]
    machine = next(line for line in lines if line.startswith("demo-machine "))
    assert "machine" in machine and "DPoP" in machine and "private_key_jwt" in machine
    bearer = next(line for line in lines if line.startswith("demo-machine-bearer "))
    assert "DPoP  " not in bearer.partition("machine  ")[2]
    assert lines[-1] == f"{len(lines) - 2} clients"
    assert run("client", "list", "demo-machine", "bearer").splitlines()[-1] == "1 client with demo-machine bearer"
    for client in json.loads(run("client", "list", "--json", "x")):
        told = [client[name] for name in ("client_id", "client_name", "description", "sample")]
        assert "x" in " ".join([*told, *client["scope"]]).casefold(), "keys are not looked through"
    listed = json.loads(run("client", "list", "--json", "demo-machine"))
    assert {"demo-machine", "demo-machine-bearer"} <= {client["client_id"] for client in listed}
    assert {client["origin"] for client in listed} == {"fixture"}


def test_a_client_is_shown_without_its_private_key(run: Callable[..., str]) -> None:
    card = json.loads(run("client", "show", "demo-machine", "--json"))
    assert set(card) == {"members", "defaults", "origin", "keys", "private_key_file"}
    assert card["members"]["client_id"] == "demo-machine"
    assert "refresh_token_usage" in card["defaults"] and "scope" not in card["defaults"]
    private = json.loads(Path(card["private_key_file"]).read_text())
    assert card["keys"][0]["kid"] == private["kid"]
    text = run("client", "show", "demo-machine")
    assert "(default)" in text and card["private_key_file"] in text and private["kid"] in text
    assert private["d"] not in text + json.dumps(card)
    made = json.loads(run("client", "new", "--json", "--alg", "ES256"))
    shown = run("client", "show", made["client_id"])
    assert "client-keys" in shown and made["private_jwk"]["d"] not in shown
    assert json.loads(run("client", "show", made["client_id"], "--json"))["origin"] == "made"


def test_a_client_without_a_key_at_hand_says_so(
    run: Callable[..., str], world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(world))
    run("fixtures", "load")
    assert "not at hand" in run("client", "show", "own-client")
    assert json.loads(run("client", "show", "own-client", "--json"))["private_key_file"] is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--grant", "authorization_code"), "give it with --redirect-uri"),
        (("--scope", "openid"), "add --grant authorization_code"),
        (("--grant", "client_credential"), "did you mean 'client_credentials'?"),
        (("--grant", "client_credentials", "--redirect-uri", REDIRECT_URI), "are for logins"),
        (("--tenancy", "multi-tenant"), "give it with --organization"),
        (("--organization", "213000013"), "no organization has the number '213000013'; did you mean '"),
        (("--organization", "1"), "is no organization number"),
        (
            ("--redirect-uri", "https://a.test/b#frag"),
            "'redirect_uris' has 'https://a.test/b#frag', but a redirect URI must have no fragment",
        ),
        (("--no-par",), "--no-par is for logins; add a --redirect-uri"),
        (("--require-signed-request-object",), "request objects are for logins; add a --redirect-uri"),
        (("--alg", "Eddsb"), "--alg: 'Eddsb' is not one of RS256, "),
        (("--client-id", ""), "the id is empty; leave --client-id out for a new GUID"),
        (("--url", "not a url"), "--url is 'not a url', but must be a URL such as"),
        (("--url", ""), "--url is empty"),
        (("--grant", "refresh_token"), "refresh tokens come from a login; add --grant authorization_code"),
        (("--redirect-uri", "localhost"), "'localhost' is no address such as http://localhost:3000/callback"),
        (("--redirect-uri", "localhost:3000/cb"), "'localhost:3000/cb' is no address"),
        (
            ("--redirect-uri", REDIRECT_URI, "--post-logout-redirect-uri", "/home"),
            "'/home' is no address such as",
        ),
    ],
)
def test_a_client_that_cannot_work_is_not_registered(
    run: Callable[..., str], database: Path, arguments: tuple[str, ...], says: str
) -> None:
    before = registry(database)
    assert says in run("client", "new", "--alg", "ES256", *arguments, status=2)
    assert registry(database) == before


def test_the_letters_of_an_algorithm_may_be_small_and_a_scheme_ones_own(run: Callable[..., str]) -> None:
    made = json.loads(
        run(
            "client",
            "new",
            "--json",
            "--alg",
            "es256",
            "--redirect-uri",
            "com.example.app:/callback",
            "--oddity",
            "native",
        )
    )
    assert made["private_jwk"]["alg"] == "ES256"


def test_a_client_may_be_made_whose_logins_begin_without_par(
    capsys: pytest.CaptureFixture[str], database: Path, run: Callable[..., str]
) -> None:
    assert database.exists()
    assert main(["client", "new", "--json", "--bearer", "--no-par", "--redirect-uri", REDIRECT_URI]) == 0
    out, err = capsys.readouterr()
    assert "warning" not in err
    members = json.loads(run("client", "show", json.loads(out)["client_id"], "--json"))["members"]
    assert members["require_pushed_authorization_requests"] is False
    assert members["dpop_bound_access_tokens"] is False


@pytest.mark.covers("client-new.logout")
@pytest.mark.parametrize("channel", ["frontchannel", "backchannel"])
@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("http://localhost:5000/signout-oidc", ""),
        ("https://app.example.test/logout?from=helseid", ""),
        ("localhost:5000", "which cannot be called: it has no scheme"),
        ("http://localhost:99999/x", "which cannot be called: its port"),
        ("", "which cannot be called"),
    ],
)
def test_a_client_may_be_made_with_its_addresses_of_logout(
    run: Callable[..., str], channel: str, uri: str, says: str
) -> None:
    asked = ("client", "new", "--json", "--alg", "ES256", "--redirect-uri", REDIRECT_URI)
    option = f"--{channel}-logout-uri"
    answer = run(*asked, option, uri, status=2 if says else 0)
    if says:
        assert says in answer and f"{channel}_logout_uri" in answer
    else:
        members = json.loads(run("client", "show", json.loads(answer)["client_id"], "--json"))["members"]
        assert members[f"{channel}_logout_uri"] == uri
        assert "add a --redirect-uri" in run("client", "new", "--alg", "ES256", option, uri, status=2)


@pytest.mark.covers("request-object.required")
def test_a_client_may_be_made_for_request_objects_only(
    capsys: pytest.CaptureFixture[str], database: Path, run: Callable[..., str]
) -> None:
    assert database.exists()
    asked = ["client", "new", "--json", "--alg", "ES256", "--redirect-uri", REDIRECT_URI]
    assert main([*asked, "--require-signed-request-object"]) == 0
    out, err = capsys.readouterr()
    assert "warning: the configurations send no request object" in err
    for client_id, required in ((json.loads(out)["client_id"], True), (json.loads(run(*asked))["client_id"], False)):
        shown = json.loads(run("client", "show", client_id, "--json"))
        assert shown["members"]["require_signed_request_object"] is required


@pytest.mark.parametrize(
    ("enforcement", "algorithm", "refused"),
    [
        ("fapi2", "RS256", True),
        ("fapi2", "ES384", True),
        ("fapi2", "PS256", False),
        ("fapi2", "eddsa", False),
        ("helseid", "RS256", False),
        ("helseid", "Ed25519", True),
        ("strict", "EdDSA", True),
        ("observe", "EdDSA", False),
    ],
)
def test_a_key_that_every_request_would_be_refused_for_is_told_of(
    capsys: pytest.CaptureFixture[str],
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    enforcement: str,
    algorithm: str,
    refused: bool,
) -> None:
    assert database.exists()
    monkeypatch.setenv("MOCK_STS_ENFORCEMENT", enforcement)
    assert main(["client", "new", "--json", "--alg", algorithm]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["private_jwk"]["alg"].casefold() == algorithm.casefold()
    assert (f"warning: enforcement {enforcement} refuses every request that this key signs. The" in err) is refused
    assert not refused or "Remedy: sign with one of " in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("persona", "show", "?"),
        ("persona", "new", "--pid", "1"),
        ("persona", "list", "--profession", "nobody"),
        ("client", "show", "?"),
        ("client", "new", "--client-id", "demo-machine", "--alg", "ES256"),
    ],
)
def test_a_fault_is_json_where_json_was_asked_for(
    database: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert database.exists()
    assert main([*arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": err.strip()}


def test_a_start_that_was_refused_leaves_no_empty_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "personas.yaml").write_text("- {pid: ")
    monkeypatch.setenv("MOCK_STS_DATABASE_URL", f"sqlite:///{tmp_path}/x.sqlite")
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path))
    assert main(["prepare"]) == 2
    assert main(["persona", "list", "kvart"]) == 2, "it is still refused"
    monkeypatch.delenv("MOCK_STS_FIXTURES")
    capsys.readouterr()
    assert main(["persona", "list", "kvart"]) == 0
    assert "1 person with kvart" in capsys.readouterr().out


def test_options_are_taken_by_their_whole_names_only(run: Callable[..., str]) -> None:
    assert "unrecognized arguments: --prof" in run("persona", "new", "--prof", "SP", status=2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("serve", "--prot", "9"), "mock-sts serve: error: unrecognized arguments: --prot 9; did you mean --port?"),
        (("serve", "--PORT", "9"), "unrecognized arguments: --PORT 9; did you mean --port?"),
        (("serve", "--prot=9"), "unrecognized arguments: --prot=9; did you mean --port?"),
        (("persona", "list", "--xyz"), "mock-sts persona list: error: unrecognized arguments: --xyz\n"),
    ],
)
def test_an_unknown_option_is_told_by_its_command(
    run: Callable[..., str], arguments: tuple[str, ...], says: str
) -> None:
    told = run(*arguments, status=2)
    assert told.startswith(f"usage: mock-sts {' '.join(word for word in arguments if word.isalpha())} [-h]")
    assert says in told


@pytest.mark.slow
def test_a_database_that_is_made_by_the_way_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for told in (True, False):
        assert main(["persona", "list", "--json", "kvart-grevling"]) == 0
        out, err = capsys.readouterr()
        assert len(json.loads(out)) == 1
        assert (f"there was no database {tmp_path}/mock-sts-data/mock-sts.sqlite" in err) is told
    shutil.rmtree(tmp_path / "mock-sts-data")
    assert main(["fixtures", "load"]) == 0
    assert "there was no database" in capsys.readouterr().err


def test_odd_registrations_are_warned_of(run: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--redirect-uri", "http://app.example.test/cb", "--scope", "openid mock:demo-api/raed"]
    assert main(["client", "new", "--json", "--alg", "ES256", *arguments]) == 2
    assert "--oddity" in capsys.readouterr().err
    arguments += ["--oddity", "a network without https"]
    assert main(["client", "new", "--json", "--alg", "ES256", *arguments]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["dotnet"]["HelseID"]["RedirectUri"] == "http://app.example.test/cb"
    assert "warning: Redirect URIs use https" in err
    assert "no API describes the scope mock:demo-api/raed" in err and "did you mean 'mock:demo-api/read'" in err
    members = json.loads(run("client", "show", json.loads(out)["client_id"], "--json"))["members"]
    assert members["grant_types"] == ["authorization_code", "refresh_token"]


# beside a running server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    made = LiveServer(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


def beside(server: LiveServer, *arguments: str, status: int = 0) -> str:
    done = processes.run(*arguments, env=server.environment)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else done.stderr


def web(server: LiveServer, client_id: str) -> RelyingParty:
    members = {"grant_types": ["authorization_code", "refresh_token"], "scope": SCOPES, "redirect_uris": [REDIRECT_URI]}
    return RelyingParty(server.client(client_id, private_jwk("ES256", 7), **members))


def test_a_new_person_logs_in_at_once(server: LiveServer) -> None:
    card = json.loads(beside(server, "persona", "new", "--json", "--name", "Ny Person", "--profession", "LE"))
    rp = web(server, "web-of-new-people")
    claims = decode(rp.tokens(card["login"]).json["id_token"])[1]
    assert claims["name"] == "Ny Person"
    assert claims["sub"] == card["sub"]
    told = {name: value for name, value in card["claims"].items() if not name.endswith("hpr_details")}
    assert {name: claims[name] for name in told if name in claims} == {n: told[n] for n in told if n in claims}
    assert claims["helseid://claims/hpr/hpr_number"] == card["members"]["hpr_number"]


@pytest.mark.slow
def test_a_running_server_takes_up_what_is_added_changed_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    people = folder / "personas.yaml"

    def person(pid: str, name: str) -> str:
        return f'- {{pid: "{pid}", given_name: {name}, family_name: EGEN}}\n'

    first, second = "01815012347", "02815012342"
    people.write_text(person(first, "FØRSTE"))
    server = LiveServer(tmp_path, fixtures=str(folder), invent_people="false")
    try:
        rp = web(server, "web")

        def name_of(pid: str) -> str:
            login = Login()
            answer = rp.log_in(login, {"test_pid": pid})
            if "code" not in answer:
                return answer["error"]
            return str(decode(rp.redeem(login, answer["code"]).json["id_token"])[1]["given_name"])

        assert (name_of(first), name_of(second)) == ("FØRSTE", "access_denied")
        people.write_text(person(first, "FØRSTE") + person(second, "ANDRE"))
        assert name_of(second) == "access_denied", "nothing is taken up by itself"
        beside(server, "fixtures", "load")
        assert (name_of(first), name_of(second)) == ("FØRSTE", "ANDRE")
        people.write_text(person(first, "ENDRET") + person(second, "ANDRE"))
        beside(server, "fixtures", "load")
        assert (name_of(first), name_of(second)) == ("ENDRET", "ANDRE")
        people.write_text(person(second, "ANDRE"))
        beside(server, "fixtures", "load")
        assert (name_of(first), name_of(second)) == ("access_denied", "ANDRE")
        people.write_text(person(first, "NESTE") + person(second, "ANDRE").replace("given_name", "givn_name"))
        complaint = beside(server, "fixtures", "load", status=2)
        assert f"{people}, persona '{second}': unknown member 'givn_name'; did you mean 'given_name'?" in complaint
        assert "Nothing was loaded" in complaint and "Traceback" not in complaint
        assert (name_of(first), name_of(second)) == ("access_denied", "ANDRE")
    finally:
        server.stop()


@pytest.mark.parametrize("extra", [(), ("--bearer",)], ids=["dpop", "bearer"])
@pytest.mark.slow
def test_the_python_configuration_of_a_login_works_as_printed(server: LiveServer, extra: tuple[str, ...]) -> None:
    made = new_login_client(server, *extra)
    code = made["python"] + "\nprint('\\n' + str(token.id_token))"
    claims = follow_the_printed_address([sys.executable, "-c", code])
    assert claims["aud"] == made["client_id"]
    assert claims["helseid://claims/identity/pid"] == PERSON


@pytest.mark.node
@pytest.mark.parametrize("extra", [(), ("--bearer",)], ids=["dpop", "bearer"])
def test_the_node_configuration_of_a_login_works_as_printed(server: LiveServer, extra: tuple[str, ...]) -> None:
    node = shutil.which("node")
    assert node is not None
    made = new_login_client(server, *extra)
    code = made["node"] + "\nconsole.log('\\n' + tokens.id_token)"
    claims = follow_the_printed_address([node, "--input-type=module", "--eval", code], NODE_MODULES)
    assert claims["aud"] == made["client_id"]
    assert claims["helseid://claims/identity/pid"] == PERSON


def appsettings_value(settings: dict[str, Any], section: str, name: str) -> str:
    """As .NET's configuration reads it: letters count neither in the section nor in the name. Fails without a value."""
    (found,) = [value for key, value in settings.items() if key.casefold() == section.casefold()]
    (text,) = [value for key, value in found.items() if key.casefold() == name.casefold()]
    assert isinstance(text, str) and text, f"{section}:{name} is {text!r}, and .NET's reader ends in a null reference"
    return text


def java_properties(text: str) -> dict[str, str]:
    """As java.util.Properties reads it, in ISO 8859-1: escapes, continued lines, comments, spaces before a value."""
    text.encode("iso-8859-1")
    found: dict[str, str] = {}
    for line in re.sub(r"(?<!\\)((?:\\\\)*)\\\n\s*", r"\1", text).splitlines():
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        parts = re.fullmatch(r"\s*((?:\\.|[^\s:=\\])+)\s*[:=]?\s*(.*)", line, re.S)
        assert parts is not None, line
        units = re.sub(
            r"\\u([0-9a-fA-F]{4})|\\(.)",
            lambda m: chr(int(m[1], 16)) if m[1] else {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}.get(m[2], m[2]),
            parts[2],
        )
        found[parts[1]] = units.encode("utf-16", "surrogatepass").decode("utf-16")
    return found


@pytest.mark.covers("client-new.settings")
@pytest.mark.parametrize("client_id", ["my-machine", "blå \\u0041\\n klient\\", " in front", "a=b:c#d!", "👩‍⚕️"])
@pytest.mark.parametrize("login", [False, True])
def test_readers_of_settings_files_get_what_was_made(run: Callable[..., str], client_id: str, login: bool) -> None:
    """HelseID.Library reads three values of the section HelseID, and Java's readers know escapes."""
    scopes = ("--scope", "mock:demo-api/read mock:demo-api/write")
    asked = (*scopes, "--redirect-uri", REDIRECT_URI, "--scope", "openid") if login else scopes
    made = json.loads(run("client", "new", "--json", "--alg", "ES256", "--client-id", client_id, *asked))
    scope = "mock:demo-api/read mock:demo-api/write" + (" openid" if login else "")
    wanted = {"ClientId": client_id, "StsUrl": made["issuer"], "Scope": scope}
    assert {name: appsettings_value(made["dotnet"], "HelseID", name) for name in wanted} == wanted
    assert json.loads(appsettings_value(made["dotnet"], "HelseID", "PrivateJwk")) == made["private_jwk"]
    properties = java_properties(made["java"])
    assert properties["helseid.client.id"] == client_id
    assert properties["helseid.sts.uri"] == made["issuer"]
    assert properties["helseid.client.scope"] == scope
    assert json.loads(properties["helseid.client.jwk"]) == made["private_jwk"]
    assert properties.get("helseid.client.redirect-uri") == (REDIRECT_URI if login else None)


def test_the_other_configurations_of_a_login_say_where_it_returns(server: LiveServer) -> None:
    made = new_login_client(server)
    document = requests.get(f"{server.issuer}/.well-known/openid-configuration", timeout=60).json()
    settings = made["dotnet"]["HelseID"]
    assert settings["RedirectUri"] == REDIRECT_URI and settings["CallbackPath"] == "/callback"
    assert settings["AuthorizationEndpoint"] == document["authorization_endpoint"]
    assert settings["PushedAuthorizationEndpoint"] == document["pushed_authorization_request_endpoint"]
    assert f"helseid.client.redirect-uri={REDIRECT_URI}" in made["java"].splitlines()


@pytest.mark.parametrize("extra", [(), ("--bearer",)], ids=["dpop", "bearer"])
@pytest.mark.slow
def test_the_python_configuration_of_an_exchange_works_as_printed(server: LiveServer, extra: tuple[str, ...]) -> None:
    made = new_exchange_client(server, *extra)
    code = made["python"] + "\nprint('\\n' + token.access_token)"
    claims = paste([sys.executable, "-c", code], beside(server, "token", "demo-machine", "--url", server.issuer))
    assert claims["act"]["client_id"] == made["client_id"]


@pytest.mark.node
def test_the_node_configuration_of_an_exchange_works_as_printed(server: LiveServer) -> None:
    node = shutil.which("node")
    assert node is not None
    made = new_exchange_client(server)
    code = made["node"] + "\nconsole.log('\\n' + tokens.access_token)"
    received = beside(server, "token", "demo-machine", "--url", server.issuer)
    claims = paste([node, "--input-type=module", "--eval", code], received, NODE_MODULES)
    assert claims["act"]["client_id"] == made["client_id"]


def new_exchange_client(server: LiveServer, *extra: str) -> dict[str, Any]:
    """A client of the owner of the demo API, which may exchange its tokens."""
    grant = "urn:ietf:params:oauth:grant-type:token-exchange"
    arguments = ("--json", "--alg", "ES256", "--url", server.issuer, "--grant", grant, "--organization", "213000012")
    scope = ("--scope", "mock:downstream-api/read")
    made: dict[str, Any] = json.loads(beside(server, "client", "new", *arguments, *scope, *extra))
    return made


def paste(command: list[str], text: str, folder: Path | None = None) -> dict[str, Any]:
    """Run what was printed and give it ``text``; the claims of the token in its last line."""
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    claims: dict[str, Any] = decode(done.stdout.strip().splitlines()[-1])[1]
    return claims


def new_login_client(server: LiveServer, *extra: str) -> dict[str, Any]:
    arguments = ("--json", "--alg", "ES256", "--url", server.issuer, "--redirect-uri", REDIRECT_URI, *extra)
    made: dict[str, Any] = json.loads(beside(server, "client", "new", *arguments))
    return made


def follow_the_printed_address(command: list[str], folder: Path | None = None) -> dict[str, Any]:
    """Run what was printed, log in at the address that it prints, paste the answer; the claims of its last line."""
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line.startswith("Log in at "), line + process.stderr.read()
        url = line.removeprefix("Log in at ").strip()
        answer = requests.get(f"{url}&test_pid={PERSON}", allow_redirects=False, timeout=60)
        assert answer.status_code == 303, answer.text
        out, err = process.communicate(answer.headers["Location"] + "\n", timeout=60)
        assert process.returncode == 0, err
    claims: dict[str, Any] = decode(out.strip().splitlines()[-1])[1]
    return claims
