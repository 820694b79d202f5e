"""Faults in YAML are told with the value as it was written, and the line."""

import json
from pathlib import Path

import pytest

from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.store.fixtures.rows import read_world
from mock_sts.store.fixtures.yaml_text import Written, find_written, read_yaml

#: How a value is written where text must be, and how that is told; another one is another line.
MISREAD = {
    "012345670": "'organization' is 012345670 (a number to YAML), but must be text: put it in quotes (line 3)",
    "NO": "'organization' is NO (true or false to YAML), but must be text: put it in quotes (line 3)",
    "no": "'organization' is no (true or false to YAML), but must be text",
    "Yes": "'organization' is Yes (true or false to YAML), but must be text",
    "on": "'organization' is on (true or false to YAML), but must be text",
    "OFF": "'organization' is OFF (true or false to YAML), but must be text",
    "True": "'organization' is True (true or false to YAML), but must be text",
    "true": "'organization' is true, but must be text: put it in quotes (line 3)",
    "1_000": "'organization' is 1_000 (a number to YAML), but must be text",
    "0x10": "'organization' is 0x10 (a number to YAML), but must be text",
    "0b11": "'organization' is 0b11 (a number to YAML), but must be text",
    "+7": "'organization' is +7 (a number to YAML), but must be text",
    "1:30": "'organization' is 1:30 (a number to YAML), but must be text",
    "1.0e+3": "'organization' is 1.0e+3 (a number to YAML), but must be text",
    ".5": "'organization' is .5 (a number to YAML), but must be text",
    ".inf": "'organization' is .inf (a number to YAML), but must be text",
    "123456789": "'organization' is 123456789, but must be text: put it in quotes (line 3)",
    "1e3": "'1e3' is no organization number; that is nine digits, in quotes (line 3)",
    "2020-01-01": "'2020-01-01' is no organization number; that is nine digits, in quotes (line 3)",
    "[a]": "'organization' is a list, but must be text (line 3)",
    "{a: b}": "'organization' is a mapping, but must be text (line 3)",
    "[\n   a]": "'organization' is a list, but must be text (line 3)",
    "&anchor 007": "'organization' is 007 (a number to YAML), but must be text",
    "!!int '7'": "'organization' is 7, but must be text: put it in quotes (line 3)",
    f"0{'7' * 200}": f"'organization' is 0{'7' * 79}… (a number to YAML), but must be text",
}

#: A client's file, and how its fault is told.
FILES = {
    "client_id: x\nchildren:\n  - '213000012'\n  - 0123\n": "'children' holds 0123 (a number to YAML), which",
    "client_id: x\nchildren: [~]\n": "'children' holds ~ (nothing to YAML), which must be text (line 2)",
    "client_id: x\nclient_claims:\n  a: b\n  c: NO\n": "'client_claims' holds NO (true or false to YAML), which must",
    "client_id: x\nclient_claims:\n  a: b\n  on: c\n": "'client_claims' holds on (true or false to YAML), which",
    "client_id: x\ndelegated_children:\n  '213000012':\n    - 007\n": "holds 007 (a number to YAML), which must",
    "client_id: x\nscope:\n  - openid\n  - no\n": "'scope' holds no (true or false to YAML), which must",
    "client_id: x\n\non: 1\n": "unknown member on (true or false to YAML); members are: client_id",
    "client_id: x\n\n~: 1\n": "unknown member ~ (nothing to YAML); members are: client_id",
    "client_id: x\n\nscop: 1\n": "unknown member 'scop'; did you mean 'scope'? (line 3)",
    "client_id: x\n\ndpop_bound_access_tokens: 0\n": "is 0, but must be true or false (line 3)",
    "client_id: x\n\naccess_token_lifetime: yes\n": "is yes (true or false to YAML), but must be whole sec",
    "client_id: x\n\naccess_token_lifetime: 0x0\n": "is 0x0 (a number to YAML), but must be whole seconds (line 3)",
    "client_id: x\n\ntenancy: single\n": "valid are: none, single-tenant, multi-tenant (line 3)",
    "client_id: x\n\ngrant_types: [client_credentials,\n  password]\n": "'grant_types' is 'password'",
    "# one\n# two\nclient_id: ~\n": "any text here) (line 3)",
    "# one\n# two\nclient_name: x\n": "the member 'client_id' is missing",
    "- a\n- b\n": "a client is a mapping of members, not 'a' (line 1)",
    "client_id: x\nchildren:\n  - '213000012'\n  - '12'\n": "nine digits, in quotes (line 4)",
    "x: &x {organization: 007}\nclient_id: y\n": "unknown member 'x'; members are: client_id",
    "client_id: x\nno: 1\nNO: 2\n": "the key NO stands twice, line 3",
    "client_id: x\njwks:\n  keys:\n    - kty: EC\n      d: abc\n": "register its public part only, without d (line 5)",
}


def fault(folder: Path, name: str, content: str) -> str:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        read_world([folder])
    assert str(file) in str(caught.value)
    return str(caught.value)


@pytest.mark.covers("text.yaml-as-written")
@pytest.mark.parametrize("written", MISREAD)
def test_a_value_is_told_as_it_was_written_with_its_line(tmp_path: Path, written: str) -> None:
    told = fault(tmp_path, "clients/x.yaml", f"client_id: x\nclient_name: y\norganization: {written}\n")
    assert MISREAD[written] in told
    assert told.endswith("(line 3)")
    assert "2739128" not in told


@pytest.mark.covers("text.yaml-as-written")
@pytest.mark.parametrize("content", FILES)
def test_faults_anywhere_in_a_file_have_their_line(tmp_path: Path, content: str) -> None:
    told = fault(tmp_path, "clients/x.yaml", content)
    assert FILES[content] in told
    assert "line " in told


@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_in_a_list_the_line_is_that_of_the_entry(tmp_path: Path, ending: str) -> None:
    good = '- {pid: "01815010260", given_name: A, family_name: B}\n'
    bad = '- pid: "02825010028"\n  given_name: NO\n  family_name: D\n'
    assert "'given_name' is NO (true or false to YAML), but must be text: put it in quotes (line 4)" in fault(
        tmp_path, f"personas.{ending}", f"# people\n{good}{bad}"
    )


def test_a_merged_mapping_is_told_by_the_line_it_stands_in(tmp_path: Path) -> None:
    content = '- &one {pid: "01815010260", given_name: A, family_name: 007}\n- <<: *one\n  given_name: B\n'
    assert "'family_name' is 007 (a number to YAML)" in fault(tmp_path, "personas.yaml", content)


def test_json_has_lines_too(tmp_path: Path) -> None:
    content = json.dumps({"client_id": "x", "organization": 1000}, indent=1)
    assert fault(tmp_path, "clients/x.json", content).endswith("is 1000, but must be text: put it in quotes (line 3)")


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        ("a: 1\nb: [x, 07]\n", ("b", 1), Written(2, "07")),
        ("a: 1\nb: [x, 07]\n", ("b", 7), Written(2)),
        ("a: 1\nb: [x, 07]\n", ("c",), Written(1)),
        ("a: '07'\n", ("a",), Written(1)),
        ("", ("a",), None),
        ("a: [", ("a",), None),
        ("<<: {<<: {a: 07}}\n", ("a",), Written(1, "07")),
        ("&a [*a]", (0, 0, 0), Written(1)),
    ],
)
def test_what_is_written_is_found_by_its_path(text: str, path: tuple[object, ...], found: Written | None) -> None:
    assert find_written(text, path) == found


def test_mappings_that_are_merged_again_and_again_are_looked_at_once() -> None:
    text = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40))
    found = find_written(text, ("a39", "none"))
    assert found == Written(40)
    assert read_yaml("a: 1") == {"a": 1}
