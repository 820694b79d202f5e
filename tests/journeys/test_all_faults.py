"""``mock-sts fixtures check`` tells every fault of every file at once, with file, line and text as written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_sts.cli.main import main
from mock_sts.store.fixtures import rows
from mock_sts.store.fixtures.files import read_text

Check = Callable[..., list[str]]

FILES = {
    "personas.yaml": """\
- pid: 11815012345
  given_nam: A
  family_name: NO
  security_level: 5
  organizations: [0123, "213000012", yes]
- pid: "01815012346"
  persona: 12
  given_name: B
  family_name: ""
  hpr_number: "12"
- {pid: "018150123", given_name: C, family_name: D, hpr_number: "1", organizations: ["1", "2"]}
- {pid: "01815012348", given_name: E, family_name: F, organizations: ["999999999"]}
""",
    "organizations.yaml": """\
- {number: "315000106", name: Fine}
- {number: "315000106", name: Twice}
- just a text
- {number: 315000107, nam: X}
""",
    "apis.yaml": "- audience: [\n",
    "clients/one.yaml": """\
client_id: one
grant_types: [client_credential, authorization_code, refresh]
scope: [a b, mock:demo-api/read]
dpop_bound_access_tokens: maybe
client_claims: {iss: x, sub: y}
""",
    "clients/two.json": '{"client_id": "two",\n "grant_types": ["no"],\n "unknown": 1}\n',
    "clients/three.yaml": """\
client_id: three
client_name: Three
grant_types: [client_credentials]
scope: [mock:demo-api/read]
organization: "12"
children: ["34", "213000020"]
client_claims: {iss: x, exp: y}
jwks:
  keys:
    - {kty: oct, k: abc}
""",
}


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Checks files that are given by name and text; what is printed as errors."""
    monkeypatch.setenv("MOCK_STS_FIXTURES", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")

    def run(files: dict[str, str], status: int) -> list[str]:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        assert main(["fixtures", "check"]) == status
        out, err = capsys.readouterr()
        lines = [line.removeprefix(f"error: {tmp_path}/") for line in err.splitlines()]
        assert f", {len(lines)} error{'' if len(lines) == 1 else 's'}" in out
        return lines

    return run


@pytest.mark.covers("cli.check.all")
def test_all_faults_of_all_files_are_told_at_once(check: Check) -> None:
    told = check(FILES, 2)
    for file, line, *parts in (
        ("personas.yaml", 1, "'pid' is 11815012345, but must be text: put it in quotes"),
        ("personas.yaml", 2, "unknown member 'given_nam'; did you mean 'given_name'?"),
        ("personas.yaml", 1, "the member 'given_name' is missing"),
        ("personas.yaml", 3, "'family_name' is NO (true or false to YAML)"),
        ("personas.yaml", 4, "'security_level' is 5, but"),
        ("personas.yaml", 5, "'organizations' holds 0123 (a number to YAML)"),
        ("personas.yaml", 5, "'organizations' holds yes (true or false to YAML)"),
        ("personas.yaml", 7, "'persona' is 12, but"),
        ("personas.yaml", 9, "'family_name' is empty"),
        ("personas.yaml", 11, "'pid' must be eleven digits"),
        ("personas.yaml", 11, "'hpr_number' must be seven to nine digits"),
        ("personas.yaml", 11, "'1' is no organization number"),
        ("personas.yaml", 11, "'2' is no organization number"),
        ("organizations.yaml", 2, "the organization '315000106' stands in", "already"),
        ("organizations.yaml", 3, "an organization is a mapping of members, not 'just a text'"),
        ("organizations.yaml", 4, "unknown member 'nam'"),
        ("organizations.yaml", 4, "'number' is 315000107, but"),
        ("clients/one.yaml", 2, "'grant_types' is 'client_credential'; did you mean 'client_credentials'?"),
        ("clients/one.yaml", 2, "'grant_types' is 'refresh'"),
        ("clients/one.yaml", 3, "'scope' holds 'a b', which must be one scope without spaces"),
        ("clients/one.yaml", 4, "'dpop_bound_access_tokens' is 'maybe', but must be true or false"),
        ("clients/two.json", 3, "unknown member 'unknown'"),
        ("clients/two.json", 2, "'grant_types' is 'no'"),
        ("clients/three.yaml", 5, "'12' is no organization number"),
        ("clients/three.yaml", 6, "'34' is no organization number"),
        ("clients/three.yaml", 7, "'client_claims' has 'iss'"),
        ("clients/three.yaml", 7, "'client_claims' has 'exp'"),
        ("clients/three.yaml", 10, "key 1 of 'jwks' is a private key"),
    ):
        found = [one for one in told if one.startswith(file) and all(part in one for part in parts)]
        assert len(found) == 1, (file, parts, told)
        assert f"(line {line})" in found[0], found
    (broken,) = [one for one in told if one.startswith("apis.yaml")]
    assert broken.startswith("apis.yaml: is not YAML: ")
    # 999999999 may stand in the file that has faults: what could not be read accuses no other entry.
    assert not [one for one in told if "which no file describes" in one]


@pytest.mark.covers("cli.check.all")
def test_what_can_be_read_is_checked_with_lines(check: Check) -> None:
    files = {
        "personas.yaml": (
            "# a comment\n"
            '- {pid: "01815012348", given_name: E, family_name: F, organizations: ["999999999"]}\n'
            "- pid: '01815012349'\n"
            "  given_name: G\n"
            "  family_name: H\n"
            "  superseded_by: '01815012349'\n"
        )
    }
    told = check(files, 1)
    assert [one.partition(": ")[2] for one in told] == [
        "organizations names 999999999, which no file describes (line 2)",
        "superseded_by names the person itself (line 6)",
    ]


@pytest.mark.covers("cli.check.all")
def test_the_same_stands_in_the_json(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    told = check(FILES, 2)
    assert main(["fixtures", "check", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert len(found["errors"]) == len(told)
    assert found["entries"]["organization"] > 1, "the shipped world and what could be read"


def test_a_file_is_read_once_for_thousands_of_faults(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def counted(file: Path) -> str:
        read.append(file)
        return read_text(file)

    monkeypatch.setattr(rows, "read_text", counted)
    person = '- {pid: "%s", given_name: A, family_name: B, organizations: ["999999999"]}\n'
    told = check({"personas.yaml": "".join(person % f"018150{n:05}" for n in range(5_000))}, 1)
    assert len(told) >= 5_000
    assert 1 <= len([file for file in read if file.name == "personas.yaml" and "world" not in str(file)]) <= 4
