"""The documentation does not lag behind the code."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from mock_sts.documentation import generated_pages
from mock_sts.helseid.profile import CHAPTERS
from mock_sts.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", generated_pages())
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generated_pages()[name], "run make docs"


def test_the_readme_names_settings_and_pages_that_exist() -> None:
    variables = {setting.variable for setting in SETTINGS}
    named = {name for name in re.findall(r"MOCK_STS_[A-Z_]+", README) if not name.endswith("_")}
    assert named and named <= variables
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_rules_named_in_the_readme_exist() -> None:
    ids = {requirement.id for chapter in CHAPTERS for requirement in chapter.requirements}
    named = re.findall(r"Mock-Sts-Rule: ([a-z.-]+)", README)
    assert named and set(named) <= ids


def test_shipped_fixtures_satisfy_the_schemas() -> None:
    documents = {
        "client": [yaml.safe_load(f.read_text()) for f in (ROOT / "fixtures" / "clients").rglob("*.yaml")],
        "api": yaml.safe_load((ROOT / "fixtures" / "apis.yaml").read_text()),
        "organization": yaml.safe_load((ROOT / "fixtures" / "organizations.yaml").read_text()),
        "persona": yaml.safe_load((ROOT / "fixtures" / "personas.yaml").read_text()),
    }
    for word, entries in documents.items():
        schema = json.loads((ROOT / "docs" / "schemas" / f"{word}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert entries
        for entry in entries:
            jsonschema.validate(entry, schema)
    with pytest.raises(jsonschema.ValidationError):
        schema = json.loads((ROOT / "docs" / "schemas" / "client.schema.json").read_text())
        jsonschema.validate({"client_id": "x", "redirect_uri": "y"}, schema)


def test_nothing_committed_names_where_it_was_made() -> None:
    """No path of a machine and no package registry's host belongs into the repository."""
    suspects = re.compile(r"/work/|/root/|shared/(design|reference|data)|registry\.npmjs|files\.pythonhosted")
    for file in ROOT.rglob("*"):
        relative = file.relative_to(ROOT)
        hidden = {".git", ".venv", "node_modules", "mock-sts-data", ".mypy_cache", ".ruff_cache", ".hypothesis"}
        if file.is_file() and not hidden & set(relative.parts) and file != Path(__file__):
            found = suspects.search(file.read_text(encoding="utf-8", errors="ignore"))
            assert found is None, f"{relative}: {found and found[0]}"
