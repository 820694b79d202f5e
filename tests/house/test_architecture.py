"""The structure of the code is what docs/architecture.md says."""

import graphlib
from pathlib import Path

import pytest

import mock_sts
from devtools import architecture
from devtools.words import DocumentationError


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside functions count too. ``prepare`` raises CycleError, which names the circle."""
    graphlib.TopologicalSorter(architecture.module_imports()).prepare()


def test_a_circle_would_be_found() -> None:
    imports = {**architecture.module_imports(), "mock_sts.protocol.issuer": {"mock_sts.app"}}
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(imports).prepare()


@pytest.mark.parametrize("walk", ["_TOKEN_WALK", "_LOGIN_WALK"])
def test_a_step_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, walk: str) -> None:
    monkeypatch.setattr(architecture, walk, (("services.tokens.token", "issue_nothing", "does nothing"),))
    with pytest.raises(DocumentationError, match=r"services\.tokens\.token\.issue_nothing"):
        architecture.architecture_page()


def test_no_file_of_the_package_is_too_long_to_read() -> None:
    """A file with more than 600 lines has more than one subject."""
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in Path(mock_sts.__file__).parent.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 600} == {}
