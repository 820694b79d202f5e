"""The generated part of the shipped world: made from a seed, the same everywhere, and of synthetic people only."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from mock_sts.cli.main import main
from mock_sts.helseid.generation import Taken, generate
from mock_sts.helseid.identifiers import (
    birth_date,
    is_d_number,
    is_synthetic_organization_number,
    is_synthetic_pid,
    organization_check_digit_ok,
    pid_check_digits_ok,
)
from mock_sts.helseid.personas import PROFESSIONS, short_name, synthetic_pid
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.registry.organization import Organization
from mock_sts.services.registry.checks import check_world
from mock_sts.store.fixtures.rows import read_world

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
FILES = ("names.generated.json", "organizations.generated.json", "personas.generated.json")
HAND_MADE = ("organizations.yaml", "personas.yaml")


def committed(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.generated.json").read_text(encoding="utf-8"))


def hand_made(name: str) -> Any:
    return yaml.safe_load((FIXTURES / f"{name}.yaml").read_text(encoding="utf-8"))


PEOPLE, ORGANIZATIONS, NAMES = committed("personas"), committed("organizations"), committed("names")


@pytest.mark.slow
def test_the_seed_gives_the_committed_files_byte_for_byte(tmp_path: Path) -> None:
    locked = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("Faker=="))
    assert metadata.version("faker") == locked.removeprefix("Faker=="), "the files are those of the locked Faker"
    # A checkout of its own: elsewhere the numbers of the shipped world would be taken.
    shutil.copytree(ROOT / "mock_sts", tmp_path / "mock_sts", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "fixtures").mkdir()
    for name in HAND_MADE:
        shutil.copy(FIXTURES / name, tmp_path / "fixtures" / name)
    command = [sys.executable, "-m", "mock_sts", "fixtures", "generate"]
    environment = {**os.environ, "PYTHONHASHSEED": "random"}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in FILES:
        same = (tmp_path / "fixtures" / name).read_bytes() == (FIXTURES / name).read_bytes()
        assert same, f"{name} is not what the seed gives; run mock-sts fixtures generate"
        assert name in done.stdout


def test_it_depends_on_the_seed_and_on_nothing_that_was_made_before() -> None:
    first, again, other = generate(1, 20, 8), generate(1, 20, 8), generate(2, 20, 8)
    assert first == again
    assert all(first[name] != other[name] for name in FILES)


def test_all_pids_are_synthetic_and_right() -> None:
    pids = [person["pid"] for person in PEOPLE]
    assert len(pids) == len(set(pids)) == 500
    assert not set(pids) & {person["pid"] for person in hand_made("personas")}
    for pid in pids:
        born = birth_date(pid)
        assert is_synthetic_pid(pid) and pid_check_digits_ok(pid)
        assert born is not None and 1930 <= born.year <= 2015
    series = {offset: sum(offset < int(pid[2:4]) <= offset + 12 for pid in pids) for offset in (80, 65, 40)}
    assert sum(series.values()) == len(pids)
    assert series[80] > 350 and series[65] > 20 and series[40] > 20
    assert 10 < sum(map(is_d_number, pids)) < 50


def test_hpr_numbers_are_of_nine_digits_and_nobody_elses() -> None:
    numbers = [person["hpr_number"] for person in PEOPLE if "hpr_number" in person]
    assert all(len(number) == 9 and number.isdigit() and number[0] == "5" for number in numbers)
    assert len(numbers) == len(set(numbers))
    assert not set(numbers) & {person.get("hpr_number") for person in hand_made("personas")}


def test_the_mix_is_plausible() -> None:
    professionals = [person for person in PEOPLE if "authorizations" in person]
    assert 0.35 <= len(professionals) / len(PEOPLE) <= 0.45
    assert all("hpr_number" in person for person in professionals)
    assert {person["hpr_number"] for person in PEOPLE if "hpr_number" in person} == {
        person["hpr_number"] for person in professionals
    }
    codes = [entry["profession"] for person in professionals for entry in person["authorizations"]]
    assert set(codes) <= set(PROFESSIONS) and len(set(codes)) >= 12
    assert any(len(person["authorizations"]) == 2 for person in professionals)
    assert 20 < sum(person.get("security_level") == "3" for person in PEOPLE) < 100
    assert any(person.get("network") == "helsenett" for person in PEOPLE)
    assert any("middle_name" in person for person in PEOPLE) and any("middle_name" not in person for person in PEOPLE)
    known = {organization["number"] for organization in ORGANIZATIONS}
    employers = {number for person in PEOPLE for number in person.get("organizations", ())}
    assert len(employers) > 20 and employers <= known
    for person in PEOPLE:
        born = birth_date(person["pid"])
        level = person.get("security_level", "4")
        assert born is not None and f", level {level}, born {born.year}" in person["description"]
        assert ("D-number" in person["description"]) is is_d_number(person["pid"])


def test_short_names_are_plain_and_of_one_person_each() -> None:
    names = [person["persona"] for person in PEOPLE if "persona" in person]
    assert len(names) == len(set(names)) > 300
    assert not set(names) & {person.get("persona") for person in hand_made("personas")}
    for person in PEOPLE:
        if "persona" in person:
            assert person["persona"] == short_name(person["given_name"], person["family_name"])


def test_organizations_are_invented_and_have_their_parents() -> None:
    numbers = [organization["number"] for organization in ORGANIZATIONS]
    assert len(numbers) == len(set(numbers))
    assert not set(numbers) & {organization["number"] for organization in hand_made("organizations")}
    parents = {organization["number"] for organization in ORGANIZATIONS if "parent" not in organization}
    assert len(parents) == 24
    for organization in ORGANIZATIONS:
        assert is_synthetic_organization_number(organization["number"])
        assert organization_check_digit_ok(organization["number"])
        assert organization["name"].endswith("(oppdiktet)")
        assert organization.get("parent") in {None, *parents}
    words = {organization["description"] for organization in ORGANIZATIONS if "parent" not in organization}
    assert words == {"A hospital trust.", "A municipality.", "A GP office.", "A pharmacy.", "A dental office."}


def test_names_of_invented_people_are_many_and_sorted() -> None:
    for name in ("given_names", "family_names"):
        assert len(NAMES[name]) >= 90
        assert NAMES[name] == sorted(set(NAMES[name]))
        assert all(text == text.upper() and text.strip() == text for text in NAMES[name])


def test_a_line_holds_one_entry() -> None:
    for name, entries in (("personas", PEOPLE), ("organizations", ORGANIZATIONS)):
        lines = (FIXTURES / f"{name}.generated.json").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line.rstrip(",")) for line in lines[1:-1]] == entries


def test_what_others_use_is_left_to_them() -> None:
    def read(taken: Taken | None = None) -> tuple[Any, Any]:
        made = generate(1, 30, 8, taken)
        return json.loads(made["personas.generated.json"]), json.loads(made["organizations.generated.json"])

    people, organizations = read()
    taken = Taken(
        {person["pid"] for person in people},
        {person.get("hpr_number") for person in people},
        {organization["number"] for organization in organizations},
        {person.get("persona") for person in people},
    )
    others, other_organizations = read(taken)
    assert not {person["pid"] for person in others} & {person["pid"] for person in people}
    assert not {p["hpr_number"] for p in others if "hpr_number" in p} & {p.get("hpr_number") for p in people}
    assert not {p["persona"] for p in others if "persona" in p} & {p.get("persona") for p in people}
    assert not {o["number"] for o in other_organizations} & {o["number"] for o in organizations}


@pytest.mark.parametrize("series", [80, 65, 40])
@pytest.mark.parametrize("d_number", [False, True])
@pytest.mark.parametrize("born", ["1900-01-01", "1939-12-31", "1999-12-31", "2000-02-29", "2039-06-15"])
def test_a_pid_tells_its_birth_date(born: str, d_number: bool, series: int) -> None:
    day = date.fromisoformat(born)
    made = [pid for serial in range(500) if (pid := synthetic_pid(day, serial, series, d_number=d_number))]
    assert 350 < len(made) == len(set(made)) < 500, "some serials have no check digits"
    for pid in made:
        assert (birth_date(pid), is_d_number(pid)) == (day, d_number)
        assert is_synthetic_pid(pid) and pid_check_digits_ok(pid)
        assert series < int(pid[2:4]) <= series + 12
    assert synthetic_pid(day.replace(year=2040, day=1), 1, series) is None


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (("Kari", "Nordmann"), "kari-nordmann"),
        (("PÅL", "BØE ÆRLIG"), "pal-boe-aerlig"),
        (("Čáppa", "Giđđa Cuoŋu-Muoŧŧá"), "cappa-gidda-cuonu-muotta"),
        (("D'Artig", "O'Bø"), "d-artig-o-bo"),
        (("?",), ""),
    ],
)
def test_short_names_have_plain_letters(names: tuple[str, ...], short: str) -> None:
    assert short_name(*names) == short


@pytest.mark.slow
def test_the_server_does_not_know_faker() -> None:
    """It makes files; a newer version must change nobody's world, and its import takes time."""
    modules = "mock_sts.cli.main, mock_sts.app, mock_sts.services.registry.new_persona"
    code = f"import sys, {modules}; print('faker' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"


@pytest.mark.slow
def test_numbers_run_out_with_a_sentence() -> None:
    with pytest.raises(DocumentError, match="ask for fewer"):
        generate(1, 0, 2000)


def test_a_folder_of_ones_own_gets_its_own_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["fixtures", "generate", "--seed", "7", "--people", "12", "--organizations", "3"]
    assert main([*arguments, "--folder", str(tmp_path)]) == 0
    assert "seed 7" in capsys.readouterr().out
    world = read_world([tmp_path])
    assert len(world.entries["persona"]) == 12
    assert sum(entry.item.parent is None for entry in world.of(Organization).values()) == 3
    assert main([*arguments, "--folder", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.slow
def test_a_folder_of_ones_own_gets_nobody_of_the_shipped_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fixtures", "generate", "--people", "60", "--organizations", "8", "--folder", str(tmp_path)]
    for seed, told in (((), "seed 2"), (("--seed", "1"), "seed 1")):
        assert main([*arguments, *seed]) == 0
        assert told in capsys.readouterr().out
        own, shipped = read_world([tmp_path]), read_world([FIXTURES])
        for sort in ("persona", "organization"):
            assert len(own.entries[sort]) >= 8
            assert not own.entries[sort].keys() & shipped.entries[sort].keys()
        report = check_world([tmp_path])
        assert report.errors == () and report.warnings == ()


def test_without_a_folder_it_is_the_one_called_fixtures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fixtures", "generate", "--people", "1"]) == 2
    assert "--folder DIR" in capsys.readouterr().err
    (tmp_path / "fixtures").mkdir()
    assert main(["fixtures", "generate", "--people", "1"]) == 0
    assert sorted(file.name for file in (tmp_path / "fixtures").iterdir()) == list(FILES)
