"""Build what is released: wheel and source archive, the archive that needs no Python, a list of what is in it (SBOM),
the package for Node.js, that for Java where Maven is, and the container image where a Docker engine runs.

``python packages/build.py [PART ...]`` with the standard library alone, on Linux, macOS and Windows; ``make packages``
calls it. The same commit gives the same bytes: times are those of the commit (``SOURCE_DATE_EPOCH``), and nothing is
taken from the folder that it is built in.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PARTS = ("python", "archive", "sbom", "node", "java", "image")

#: The parts that are made of the wheel.
_OF_THE_WHEEL = {"python", "archive", "sbom"}

#: MB (10^6 bytes) that the packed archive may have.
LARGEST = 60

#: Seconds that a command of the built archive may take, and the server until it is ready.
PATIENCE = 120

#: Names of machines as people know them.
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}
_SYSTEMS = {"darwin": "macos"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the parts that are named, all without a name; the exit status."""
    parser = argparse.ArgumentParser(prog="packages/build.py", description="Build what is released.")
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"{', '.join(PARTS)}; default: all"
    )
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="where to; default: dist")
    parser.add_argument("--try-wheel", action="store_true", help="build nothing: install the wheel there, and log in")
    parsed = parser.parse_args(arguments)
    into: Path = parsed.into.resolve()
    if parsed.try_wheel:
        try_wheel(into)
        return 0
    parts = parsed.parts or PARTS
    into.mkdir(parents=True, exist_ok=True)
    work = into / "work"
    shutil.rmtree(work, ignore_errors=True)
    made = []
    if _OF_THE_WHEEL & set(parts):
        wheel = build_python(into, work)
        made += [wheel, *into.glob(f"mock_sts-{version()}.tar.gz")]
    if "archive" in parts or "sbom" in parts:
        runtime = environment(work / "runtime", f"{wheel}[postgresql]")
    if "sbom" in parts:
        made.append(build_sbom(runtime, into, work))
    if "archive" in parts:
        install(runtime, "pyinstaller")
        archive = pack(build_program(runtime, work), into)
        try_archive(archive)
        made.append(archive)
    if "node" in parts:
        made.append(build_node(into))
    if "java" in parts:
        jar = build_java(into, work, needed="java" in parsed.parts)
        made += [] if jar is None else [jar]
    if "image" in parts:
        build_image()
    say("done")
    for file in made:
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}  {file.stat().st_size / 1e6:.1f} MB")
    shutil.rmtree(work, ignore_errors=True)
    return 0


def say(text: str) -> None:
    """Tell what is being done."""
    print(f"== {text}", flush=True)


def version() -> str:
    """The version of the package."""
    found = re.search(r'__version__ = "(.+)"', (ROOT / "mock_sts" / "__init__.py").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def commit_time() -> int:
    """The moment that files are dated with, in seconds: that of the commit, or of 2020 outside a clone."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    done = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else 1_577_836_800


def steady() -> dict[str, str]:
    """The environment of builds: what would make one differ from the next is set."""
    return {**os.environ, "SOURCE_DATE_EPOCH": str(commit_time()), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}


def python_of(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def environment(folder: Path, *packages: str) -> Path:
    """Make a virtual environment with ``packages`` in the versions of constraints.txt; its interpreter."""
    say(f"{folder.name}: {', '.join(Path(package).name for package in packages)}")
    venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
    python = python_of(folder)
    install(python, *packages)
    return python


def install(python: Path, *packages: str) -> None:
    """Install ``packages`` for ``python``, in the versions of constraints.txt."""
    words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", "constraints.txt"]
    run([python, *words, *packages])


def run(words: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
    """Run a command here, to its end. Raises CalledProcessError."""
    subprocess.run([str(word) for word in words], cwd=ROOT, env=env or steady(), check=True)


def build_python(into: Path, work: Path) -> Path:
    """The wheel and the source archive; the former's file."""
    tools = environment(work / "tools", "build", "hatchling", "zensical")
    say("site of the documentation")
    run([tools, "-P", "devtools/docs_site.py"])
    say("wheel and source archive")
    for old in into.glob("mock_sts-*"):
        old.unlink()
    run([tools, "-m", "build", "--no-isolation", "--outdir", into, "."])
    (wheel,) = into.glob("mock_sts-*.whl")
    return wheel


def build_sbom(runtime: Path, into: Path, work: Path) -> Path:
    """The list of what the archive holds, as CycloneDX."""
    tools = environment(work / "lists", "cyclonedx-bom")
    say("list of contents")
    file = into / f"mock-sts-{version()}.cdx.json"
    run([tools, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--of", "JSON", "-o", file, runtime])
    # What made the environment is not in what is released, and where the wheel lay concerns no reader.
    document = json.loads(file.read_text(encoding="utf-8"))
    kept = [one for one in document["components"] if one["name"] not in ("pip", "setuptools")]
    gone = {one["bom-ref"] for one in document["components"]} - {one["bom-ref"] for one in kept}
    for one in kept:
        links = [link for link in one.get("externalReferences", ()) if not link["url"].startswith("file:")]
        one.pop("externalReferences", None)
        if links:
            one["externalReferences"] = links
    document["components"] = kept
    document["dependencies"] = [one for one in document["dependencies"] if one["ref"] not in gone]
    file.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8", newline="\n")
    return file


def build_program(python: Path, work: Path) -> Path:
    """The folder of the program that needs no Python, made by PyInstaller for the ``python`` that has mock-sts."""
    say("program")
    folders: list[str | Path] = ["--distpath", work / "program", "--workpath", work / "pyinstaller"]
    run(
        [
            python,
            "-m",
            "PyInstaller",
            "--noconfirm",
            "--log-level",
            "ERROR",
            *folders,
            ROOT / "packages" / "mock-sts.spec",
        ]
    )
    folder = work / "program" / "mock-sts"
    shutil.copy(ROOT / "LICENSE", folder)
    return folder


def pack(folder: Path, into: Path, compression: int = 9) -> Path:
    """``folder`` as one file named after version and machine: zip for Windows, else tar.

    Raises SystemExit for one that is too large.
    """
    system = _SYSTEMS.get(sys.platform, "windows" if sys.platform == "win32" else sys.platform)
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    name = f"mock-sts-{version()}-{system}-{machine}"
    files = sorted(file for file in folder.rglob("*") if file.is_file() or file.is_symlink())
    at = commit_time()
    if sys.platform == "win32":
        archive = into / f"{name}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=compression) as packed:
            for file in files:
                entry = zipfile.ZipInfo(f"mock-sts/{file.relative_to(folder).as_posix()}", time.gmtime(at)[:6])
                entry.external_attr = 0o755 << 16 if file.suffix == ".exe" else 0o644 << 16
                packed.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    else:
        archive = into / f"{name}.tar.gz"
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as packed:
            for file in files:
                entry = packed.gettarinfo(str(file), f"mock-sts/{file.relative_to(folder).as_posix()}")
                entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = at, 0, 0, "", ""
                entry.mode = 0o755 if entry.mode & 0o100 else 0o644
                if entry.issym():
                    packed.addfile(entry)
                else:
                    with file.open("rb") as content:
                        packed.addfile(entry, content)
        archive.write_bytes(gzip.compress(plain.getvalue(), compression, mtime=0))
    size = archive.stat().st_size / 1e6
    unpacked = sum(file.stat().st_size for file in files) / 1e6
    print(f"{archive.name}: {size:.1f} MB packed, {unpacked:.1f} MB unpacked, {len(files)} files")
    if size > LARGEST:
        raise SystemExit(
            f"{archive.name} has {size:.1f} MB, but may have {LARGEST}: see what packages/mock-sts.spec takes"
        )
    return archive


def unpack(archive: Path, into: Path) -> Path:
    """Unpack ``archive`` into a folder; the program in it."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(into)
        return into / "mock-sts" / "mock-sts.exe"
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="tar")
    return into / "mock-sts" / "mock-sts"


def try_archive(archive: Path, workers: int | None = None) -> None:
    """Unpack ``archive`` elsewhere, start its server, and log a person in with it. Raises where that does not work."""
    say(f"a login with {archive.name}")
    with tempfile.TemporaryDirectory() as folder:
        program = unpack(archive, Path(folder))
        log_in(program, Path(folder), workers)


def try_wheel(folder: Path) -> None:
    """Install the wheel in ``folder`` as a user does, and log a person in with it. Raises where that does not work."""
    (wheel,) = folder.glob("mock_sts-*.whl")
    with tempfile.TemporaryDirectory() as place:
        python = environment(Path(place) / "environment", str(wheel))
        say(f"a login with {wheel.name}")
        log_in(python.with_name("mock-sts.exe" if sys.platform == "win32" else "mock-sts"), Path(place))


def log_in(program: Path, folder: Path, workers: int | None = None) -> None:
    """Start the server of ``program`` with its data in ``folder``, log a person in, and end it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOCK_STS_", "PYTHON"))}
    env = {**kept, "MOCK_STS_DATABASE_URL": f"sqlite:///{(folder / 'data' / 'a.sqlite').as_posix()}"}
    if workers is not None:
        env["MOCK_STS_WORKERS"] = str(workers)
    begun = time.monotonic()
    serving = [str(program), "serve", "--json", "--exit-with-stdin", "--port", "0"]
    with subprocess.Popen(serving, env=env, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            raise SystemExit("the server of the archive did not start: see above")
        ready = time.monotonic() - begun
        url = json.loads(line)["url"]
        for words in (["token", "demo-machine"], ["token", "--persona", "kvart-grevling", "--client", "demo-web"]):
            done = subprocess.run(
                [str(program), *words, "--decode", "--url", url],
                env=env, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False, timeout=PATIENCE,
            )  # fmt: skip
            if done.returncode != 0:
                raise SystemExit(f"mock-sts {' '.join(words)} of the archive failed: {done.stdout}{done.stderr}")
            issuer = json.loads(done.stdout)["iss"]
            if issuer != url:
                raise SystemExit(f"mock-sts {' '.join(words)}: the token is of {issuer}, not of {url}")
            if words[1] == "demo-machine":
                print(f"ready after {ready:.2f} s, first token after {time.monotonic() - begun:.2f} s")
        server.stdin.close()
        if server.wait(PATIENCE) != 0:
            raise SystemExit(f"the server of the archive ended with status {server.returncode}")


def build_node(into: Path) -> Path:
    """The package for Node.js, as npm installs it from a file. npm is not needed: nothing in it is compiled."""
    say("package for Node.js")
    source = ROOT / "packages" / "node"
    about = json.loads((source / "package.json").read_text(encoding="utf-8"))
    if about["version"] != version():
        raise SystemExit(
            f"packages/node/package.json has version {about['version']}, the project {version()}: change it"
        )
    files = {f"package/{file.name}": file for file in (source / "package.json", source / "README.md", ROOT / "LICENSE")}
    files |= {f"package/src/{file.name}": file for file in (source / "src").iterdir()}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for name, file in sorted(files.items()):
            entry, content = tarfile.TarInfo(name), file.read_bytes()
            entry.size, entry.mtime = len(content), commit_time()
            packed.addfile(entry, io.BytesIO(content))
    archive = into / f"mock-sts-node-{version()}.tgz"
    archive.write_bytes(gzip.compress(plain.getvalue(), 9, mtime=0))
    return archive


def build_java(into: Path, work: Path, *, needed: bool) -> Path | None:
    """The package for Java, by Maven; None where that is missing, or SystemExit where it is ``needed`` all the same."""
    maven = shutil.which("mvn")
    if maven is None or shutil.which("javac") is None:
        if needed:
            raise SystemExit("the package for Java needs a JDK and Maven: javac or mvn is missing")
        print("no package for Java: there is no Maven or no JDK here")
        return None
    say("package for Java")
    folder = work / "java"
    shutil.copytree(ROOT / "packages" / "java", folder, ignore=shutil.ignore_patterns("target"))
    shutil.copy(ROOT / "LICENSE", folder / "src" / "main" / "resources" / "META-INF")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(commit_time()))
    words = ["--quiet", "--batch-mode", "package", "-Dmaven.test.skip", f"-Dproject.build.outputTimestamp={at}"]
    subprocess.run([maven, *words], cwd=folder, env=steady(), check=True)
    (jar,) = (folder / "target").glob("*.jar")
    if jar.name != f"mock-sts-java-{version()}.jar":
        raise SystemExit(f"packages/java/pom.xml gives {jar.name}, but the project has version {version()}: change it")
    return Path(shutil.copy(jar, into))


def build_image() -> None:
    """The container image, where there is an engine to build it."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode != 0:
        print("no image: there is no Docker engine here; make container builds it where there is one")
        return
    say("image")
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    labels = ["--build-arg", f"VERSION={version()}", "--build-arg", f"REVISION={revision.stdout.strip()}"]
    run([docker, "build", *labels, "--tag", "mock-sts", "--tag", f"mock-sts:{version()}", "."])


if __name__ == "__main__":
    raise SystemExit(main())
