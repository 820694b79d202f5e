"""Folders in which programs for Node.js find the packages that tests pin, and our own as `make packages` builds it."""

import shutil
import tarfile
import tempfile
from pathlib import Path

from packages import build

ROOT = Path(__file__).resolve().parents[2]

#: The pinned packages, where ``make test-all`` has installed them.
NODE_MODULES = ROOT / "tests" / "interop" / "node" / "node_modules"


def node() -> str:
    """The program. AssertionError with the remedy where it or the packages are missing."""
    found = shutil.which("node")
    assert found and NODE_MODULES.is_dir(), "Node.js or its packages are missing; make test-all says how"
    return found


def put_node_modules(folder: Path) -> None:
    """Make ``folder`` one of a program: the pinned packages, and mock-sts unpacked from its archive."""
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    modules = folder / "node_modules"
    modules.mkdir()
    for package in NODE_MODULES.iterdir():
        if package.name != ".package-lock.json":
            (modules / package.name).symlink_to(package)
    with tempfile.TemporaryDirectory() as place:
        archive = build.build_node(Path(place))
        with tarfile.open(archive) as packed:
            packed.extractall(place, filter="data")
        shutil.move(Path(place) / "package", modules / "mock-sts")
