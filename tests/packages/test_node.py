"""The package for Node.js, as it is installed from its archive: its own tests, its types, its archive."""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from packages import build
from tests.support import processes
from tests.support.node import NODE_MODULES, ROOT, node, put_node_modules

SOURCE = ROOT / "packages" / "node"

#: A test that fails because of what the server refuses; no browser is needed for it.
_FAILS = """
import { test as base, expect } from '@playwright/test'
import { fixtures } from 'mock-sts/playwright'

const test = base.extend(fixtures)

test('a machine gets a token', async ({ helseid }) => {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'demo-machine' })
  expect((await fetch(`${helseid.issuer}/connect/token`, { method: 'POST', body })).status).toBe(200)
})
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the package installed, and its tests; ``mock-sts`` is a program in it."""
    node()
    folder = tmp_path_factory.mktemp("node")
    put_node_modules(folder)
    shutil.copytree(SOURCE / "test", folder / "test")
    processes.put_stand_in(folder / "mock-sts")
    return folder


def run(project: Path, *words: str | Path, status: int = 0, **variables: str) -> str:
    """Run Node.js in the project, to its end; what it printed."""
    ours = ("MOCK_STS_", "HELSEID_MOCK_", "NODE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment = {**kept, "HELSEID_MOCK_PROGRAM": str(project / "mock-sts"), **variables}
    done = subprocess.run(
        [node(), *words], cwd=project, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.node
@pytest.mark.covers("node.start", "node.steer", "node.token", "node.bad-input")
@pytest.mark.parametrize("file", ["steer.test.mjs", "bad-input.test.mjs"])
def test_the_package_does_what_its_tests_say(project: Path, file: str) -> None:
    printed = run(project, "--test", "--test-reporter=tap", project / "test" / file)
    assert "# fail 0\n" in printed
    assert "# pass 0\n" not in printed


def test_every_file_of_tests_is_run() -> None:
    marks = test_the_package_does_what_its_tests_say.pytestmark  # type: ignore[attr-defined]
    (named,) = (mark.args[1] for mark in marks if mark.name == "parametrize")
    assert sorted(named) == sorted(file.name for file in (SOURCE / "test").glob("*.test.mjs"))


@pytest.mark.node
@pytest.mark.covers("node.types")
def test_its_types_are_those_that_a_test_suite_needs(project: Path) -> None:
    run(project, NODE_MODULES / "typescript" / "bin" / "tsc", "--project", "test")


@pytest.mark.covers("node.archive")
def test_its_archive_is_the_same_twice_and_needs_no_package(tmp_path: Path) -> None:
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
    first, second = (build.build_node(tmp_path / number) for number in ("1", "2"))
    assert first.name == f"mock-sts-node-{build.version()}.tgz"
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as packed:
        names = set(packed.getnames())
        packed.extractall(tmp_path / "unpacked", filter="data")
    assert {"package/package.json", "package/README.md", "package/LICENSE"} <= names
    about = json.loads((tmp_path / "unpacked" / "package" / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in about
    assert all(options["optional"] for options in about["peerDependenciesMeta"].values())
    assert set(about["peerDependencies"]) == set(about["peerDependenciesMeta"])
    for door in about["exports"].values():
        for file in door.values() if isinstance(door, dict) else [door]:
            assert f"package/{file.removeprefix('./')}" in names


@pytest.mark.node
@pytest.mark.covers("node.archive")
def test_npm_installs_its_archive(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    assert npm is not None, "npm is missing; make test-all says how"
    archive = build.build_node(tmp_path)
    (tmp_path / "package.json").write_text('{"private": true}', encoding="utf-8")
    words = [npm, "install", "--offline", "--silent", "--no-audit", "--no-fund", f"./{archive.name}"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.name for file in (tmp_path / "node_modules").iterdir() if file.is_dir()] == ["mock-sts"]


@pytest.mark.browser
@pytest.mark.covers("node.playwright")
def test_the_example_for_playwright(tmp_path: Path) -> None:
    """Two workers: people in parallel, a logout, logins that fail."""
    put_node_modules(tmp_path)
    for file in (ROOT / "examples" / "playwright").glob("*.*"):
        shutil.copy(file, tmp_path)
    processes.put_stand_in(tmp_path / "mock-sts")
    browser = shutil.which("chromium")
    assert browser is not None, "Chromium is missing; make test-all says how"
    printed = run(tmp_path, "node_modules/@playwright/test/cli.js", "test", CHROMIUM=browser)
    assert "6 passed" in printed, printed


@pytest.mark.node
@pytest.mark.covers("node.runners")
def test_a_failed_test_of_playwright_says_what_was_refused(tmp_path: Path) -> None:
    put_node_modules(tmp_path)
    (tmp_path / "fails.spec.mjs").write_text(_FAILS, encoding="utf-8")
    processes.put_stand_in(tmp_path / "mock-sts")
    printed = run(tmp_path, "node_modules/@playwright/test/cli.js", "test", "--reporter=list", status=1)
    assert "refused by Mock HelseID STS" in printed
    assert "/connect/token of demo-machine: invalid_client, rule client-assertion.type: expected" in printed
    assert "send client_assertion together with client_assertion_type" in printed


def test_what_a_client_gets_that_says_nothing_is_as_in_python() -> None:
    """The scopes of the demo stand in each library once."""
    from mock_sts.testing import helseid

    text = " ".join((SOURCE / "src" / "helseid.cjs").read_text(encoding="utf-8").split())
    text = text.replace("' + `", "").replace("' + '", "").replace("${MACHINE_SCOPE}", helseid._MACHINE_SCOPE)
    assert f"'{helseid._MACHINE_SCOPE}'" in text
    assert helseid._LOGIN_SCOPE in text
