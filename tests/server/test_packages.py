"""What is released: the archive that needs no Python, built and run; wheel and source archive, the same twice."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from packages import build

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, of the environment that the tests run in; ``make packages`` makes it of a clean one."""
    folder = tmp_path_factory.mktemp("packages")
    return build.pack(build.build_program(Path(sys.executable), folder / "work"), folder, compression=1)


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in the archive."""
    return build.unpack(archive, tmp_path_factory.mktemp("unpacked"))


@pytest.mark.covers("packages.archive")
@pytest.mark.parametrize("workers", [1, 2])
def test_the_archive_logs_a_person_in_without_python(unpacked: Path, workers: int, tmp_path: Path) -> None:
    """Worker processes are forked of the program itself, so that it works with two as with one."""
    build.log_in(unpacked, tmp_path, workers)


@pytest.mark.covers("packages.archive")
def test_the_archive_is_small_and_holds_no_tools(archive: Path) -> None:
    assert archive.stat().st_size < build.LARGEST * 1e6
    with tarfile.open(archive) as packed:
        names = packed.getnames()
        assert {member.mtime for member in packed.getmembers()} == {build.commit_time()}
        assert {(member.uid, member.uname) for member in packed.getmembers()} == {(0, "")}
    assert all(name.startswith("mock-sts/") for name in names)
    assert "mock-sts/LICENSE" in names
    assert "mock-sts/lib/mock_sts/world/personas.yaml" in names
    for tool in ("pytest", "mypy", "playwright", "PyInstaller", "tkinter"):
        assert not [name for name in names if f"/{tool}/" in name], tool


@pytest.mark.covers("packages.archive")
def test_commands_of_the_archive_find_their_world(unpacked: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.sqlite'}"
    for words, says in (
        (("fixtures", "check"), " 0 errors"),
        (("persona", "show", "kvart-grevling"), "KVART GREVLING".casefold()),
        (("fixtures", "generate", "--people", "3", "--organizations", "2", "--folder", str(tmp_path)), "written"),
        (("completion", "bash"), "_shtab_mock_sts"),
        (("--version",), build.version()),
    ):
        done = subprocess.run(
            [unpacked, *words], env={"MOCK_STS_DATABASE_URL": url}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert says in done.stdout.casefold()


@pytest.mark.covers("packages.same")
def test_wheel_and_source_archive_are_the_same_twice(tmp_path: Path) -> None:
    found = []
    for number in ("1", "2"):
        build.run([sys.executable, "-m", "hatchling", "build", "--directory", tmp_path / number])
        found.append({file.name: file.read_bytes() for file in (tmp_path / number).iterdir()})
    assert sorted(found[0]) == [f"mock_sts-{build.version()}-py3-none-any.whl", f"mock_sts-{build.version()}.tar.gz"]
    assert found[0] == found[1]


@pytest.mark.covers("packages.docs")
def test_wheel_and_source_archive_have_the_documentation(docs_site: Path, tmp_path: Path) -> None:
    """Which git ignores, so that the build must be told."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in (".gitignore", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(build.ROOT / name, clone / name)
    for name in ("mock_sts", "fixtures"):
        shutil.copytree(build.ROOT / name, clone / name, ignore=shutil.ignore_patterns("docs_site", "__pycache__"))
    shutil.copytree(docs_site, clone / "mock_sts" / "docs_site")
    subprocess.run([sys.executable, "-m", "hatchling", "build"], cwd=clone, check=True, capture_output=True)
    (wheel,) = (clone / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert packed.read("mock_sts/docs_site/index.html") == (docs_site / "index.html").read_bytes()
    (source,) = (clone / "dist").glob("*.tar.gz")
    with tarfile.open(source) as packed_source:
        assert f"mock_sts-{build.version()}/mock_sts/docs_site/search.json" in packed_source.getnames()
