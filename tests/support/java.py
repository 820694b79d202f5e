"""The Java programs under tests/interop/java: compiled once, and run."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

JAVA = Path(__file__).parents[1] / "interop" / "java"


def run_java(program: str, given: Path) -> str:
    """What ``program`` prints that reads the file ``given``."""
    done = subprocess.run(
        ["java", "-cp", _classpath(), program, str(given)],
        cwd=JAVA,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def _classpath() -> str:
    """The compiled programs and what they need, made by Maven."""
    maven = shutil.which("mvn")
    assert maven is not None, "Maven is missing; make test-all says how"
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "classpath.txt"
        goals = ("compile", "dependency:build-classpath", f"-Dmdep.outputFile={found}")
        done = subprocess.run(
            [maven, "-q", "-B", *goals], cwd=JAVA, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return f"target/classes:{found.read_text()}"
