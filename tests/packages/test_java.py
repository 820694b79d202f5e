"""The package for Java: its own tests and those of its page, run by Maven, and the jar that is released."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from packages import build
from tests.house.snippets import blocks_of, java_examples
from tests.support import processes

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "packages" / "java"
PAGE = ROOT / "docs" / "java.md"

#: JUnit's versions that are tried: the one that it is built with, and the newest.
NEWEST_JUNIT = "6.1.3"

#: Installs a jar by the coordinates in it; older ones do not know them, and Maven 3.8 takes an older one by itself.
INSTALLS = "org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file"


def maven(folder: Path, *words: str) -> None:
    """Run Maven in ``folder``, to its end."""
    found = shutil.which("mvn")
    assert found is not None, "Maven is missing; make test-all says how"
    ours = ("MOCK_STS_", "HELSEID_MOCK_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [found, "--quiet", "--batch-mode", *words],
        cwd=folder,
        env={**kept, "HELSEID_MOCK_PROGRAM": str(folder / "mock-sts")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that nothing is built in the checkout; ``mock-sts`` is a program in it."""
    folder = tmp_path_factory.mktemp("java") / "package"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("target"))
    processes.put_stand_in(folder / "mock-sts")
    return folder


def run_tests(project: Path, *words: str) -> set[str]:
    """Run tests; those that were run, as class and method."""
    reports = project / "target" / "surefire-reports"
    shutil.rmtree(reports, ignore_errors=True)
    maven(project, "test", *words)
    cases = [case for file in reports.glob("*.xml") for case in ElementTree.parse(file).getroot().iter("testcase")]
    assert not [case for case in cases if list(case.iter("skipped"))]
    return {f"{case.get('classname')}.{(case.get('name') or '').partition('(')[0]}" for case in cases}


@pytest.mark.java
@pytest.mark.covers("java.start", "java.steer", "java.token", "java.junit", "java.spring", "java.bad-input")
def test_the_package_does_what_its_tests_say(project: Path) -> None:
    done = run_tests(project)
    classes = {one.rpartition(".")[0] for one in done}
    wanted = {f"{file.parent.name}.{file.stem}" for file in (SOURCE / "src" / "test").rglob("*Test.java")}
    assert wanted - classes == {
        "examples.ContainerTest",
        "mocksts.ImageTest",
    }  # .ci/container/run runs it, beside an engine
    assert "examples.ApiTest.letsInWhatIsGood" in done or any("ApiTest" in one for one in done)


@pytest.mark.java
@pytest.mark.covers("java.junit")
def test_it_works_with_the_newest_junit(project: Path) -> None:
    done = run_tests(project, f"-Djunit.version={NEWEST_JUNIT}", "-Dtest=LoginTest,ApiTest,OneLineTest")
    assert {one.split(".")[1] for one in done} == {"LoginTest", "ApiTest", "OneLineTest"}


@pytest.mark.java
@pytest.mark.covers("java.jar")
def test_the_jar_is_the_same_twice_and_is_installed_from_its_file(tmp_path: Path) -> None:
    made = []
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
        made.append(build.build_java(tmp_path / number, tmp_path / f"work{number}", needed=True))
    first, second = made
    assert first is not None and second is not None
    assert first.name == f"mock-sts-java-{build.version()}.jar"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as jar:
        names = jar.namelist()
        manifest = jar.read("META-INF/MANIFEST.MF").decode()
    assert {"META-INF/LICENSE", "META-INF/spring.factories", "mocksts/junit/MockSts.class"} <= set(names)
    assert not [name for name in names if "Test.class" in name]
    assert f"Implementation-Version: {build.version()}" in manifest
    repository = tmp_path / "repository"
    maven(tmp_path, INSTALLS, f"-Dfile={first}", f"-DlocalRepositoryPath={repository}")
    kept = repository / "mock-sts" / "mock-sts-java" / build.version()
    assert {first.name, f"mock-sts-java-{build.version()}.pom"} <= {file.name for file in kept.iterdir()}


def test_every_example_is_on_the_page() -> None:
    shown = {block.text for block in blocks_of(PAGE) if block.language == "java"}
    assert shown == set(java_examples().values())


def test_what_a_client_gets_that_says_nothing_is_as_in_python() -> None:
    """The scopes of the demo stand in each library once."""
    from mock_sts.testing import helseid

    text = " ".join((SOURCE / "src/main/java/mocksts/HelseIdEnvironment.java").read_text(encoding="utf-8").split())
    text = text.replace('" + "', "").replace('" + MACHINE_SCOPE', f'{helseid._MACHINE_SCOPE}"')
    assert f'"{helseid._MACHINE_SCOPE}"' in text
    assert helseid._LOGIN_SCOPE in text
