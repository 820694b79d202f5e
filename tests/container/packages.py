"""What the packages for other languages do with a container, by the engine that `docker` talks to.

Run by .ci/container/run inside its sandbox, with the standard library only; the image `mock-sts` is there. Maven finds
what it needs in its own repository, for the sandbox has no network: ``--fetch``, outside, puts it there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.container.checks import CHECKOUT, Check, carry_out, docker

CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Mark a function as a check."""
    CHECKS.append(function)
    return function


def run(folder: Path, *words: str, **variables: str) -> None:
    """Run a command in ``folder``; what it printed where it fails."""
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"


def maven(*words: str) -> None:
    """Run the tests of the package for Java that are marked for containers, in a copy of it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "java"
        shutil.copytree(CHECKOUT / "packages" / "java", folder, ignore=shutil.ignore_patterns("target"))
        # Without Ryuk, an image of Testcontainers that nothing here can pull: the tests stop what they start.
        command = ("mvn", "--quiet", "--batch-mode", "test", "-Dexcluded=none", *words)
        run(folder, *command, TESTCONTAINERS_RYUK_DISABLED="true")


def fetch() -> None:
    """Have Maven fetch all that the tests need, by running none of them."""
    maven("-Dgroups=none-of-them", "-DfailIfNoTests=false")


@check
def java_starts_containers_by_testcontainers_and_by_docker() -> None:
    maven("--offline", "-Dgroups=container")
    assert docker("ps", "--all", "--quiet") == "", "a container is left"


@check
def node_starts_a_container() -> None:
    run(CHECKOUT / "packages" / "node", "node", "--test", "test/image.container.mjs")
    assert docker("ps", "--all", "--quiet") == "", "a container is left"


def main() -> int:
    """Run the checks, or fetch what they need."""
    missing = [program for program in ("mvn", "javac", "node") if shutil.which(program) is None]
    if missing:
        print(f"  not checked, for there is no {', '.join(missing)} here")
        return 1 if os.environ.get("CI") == "true" else 0
    if sys.argv[1:] == ["--fetch"]:
        fetch()
        return 0
    return carry_out(CHECKS)


if __name__ == "__main__":
    sys.exit(main())
