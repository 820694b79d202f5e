"""Which files make a world, and whether a database holds that world already.

Uses the standard library only: the server's parent process asks this before it does anything else, and importing
SQLAlchemy would cost it more time and memory than everything else it does.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from mock_sts.helseid.documents import DocumentError
from mock_sts.protocol.near_names import near_names

#: Raised when a table changes; a database of another version is refused with a sentence.
SCHEMA_VERSION = 4

#: Rows of the table ``meta``.
VERSION_ROW, DIGEST_ROW, FOLDERS_ROW = "schema_version", "fixtures_digest", "fixtures_folders"
MADE_ROW = "made_at"

#: Sort of entry to the file patterns that hold it, in the order in which they are loaded.
PATTERNS: Mapping[str, tuple[str, ...]] = {
    "organization": ("organizations.yaml", "organizations.yml", "organizations.generated.json"),
    "persona": ("personas.yaml", "personas.yml", "personas.generated.json"),
    "api": ("apis.yaml", "apis.yml"),
    "client": ("clients/**/*.yaml", "clients/**/*.yml", "clients/**/*.json"),
}


def shipped_world() -> Path:
    """The folder of the shipped fixtures: inside the package when installed, ``fixtures/`` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "world"
    return installed if installed.is_dir() else package.parent / "fixtures"


def shipped_key(client_id: str) -> dict[str, str]:
    """The private JWK of a ready demo client."""
    key: dict[str, str] = json.loads((shipped_world() / "keys" / "clients" / f"{client_id}.json").read_bytes())
    return key


def world_folders(own: Sequence[Path]) -> list[Path]:
    """The folders in the order in which they lie on each other: the shipped world, then ``own``."""
    return [shipped_world(), *own]


def read_text(file: Path) -> str:
    """What somebody wrote into ``file``, without its byte order mark. Raises DocumentError with a sentence."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{file}: is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from None
    except OSError as error:
        if file.is_symlink() and not file.exists():
            raise DocumentError(f"{file}: is a link that leads nowhere; mend it, or remove it") from None
        raise DocumentError(
            f"{file}: cannot be read: {error.strerror or error}; let this user read it, or remove it"
        ) from None


def files_of(folder: Path, sort: str) -> list[Path]:
    """The files in ``folder`` that hold entries of ``sort``, by name."""
    found = {file for pattern in PATTERNS[sort] for file in folder.glob(pattern) if file.is_file()}
    # Hidden folders are not fixtures: a mounted ConfigMap keeps a second copy of everything in one.
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts))


#: What looks like a fixture by its ending; one that is nearly so is a typing error.
_ENDINGS = (".yaml", ".yml", ".json")

#: Folders in a world that hold no fixtures, and a file that is read from the shipped world only.
_NO_FIXTURES = ("keys", "names.generated.json")


def unread_files(folder: Path) -> list[str]:
    """A sentence for each file in ``folder`` that looks like a fixture and has a name that is not read.

    Looked at are the folder, the folders in it, and everything under ``clients``: a whole project may lie there.
    """
    try:
        near = [*folder.glob("*"), *folder.glob("*/*"), *folder.glob("clients/**/*")]
        read = {file for sort in PATTERNS for file in files_of(folder, sort)}
        suspects = [file for file in dict.fromkeys(near) if file not in read and _is_suspect(file, folder)]
    except OSError:
        return []  # who reads the fixtures meets it too, and says it
    return [f"{file} is not read; {_nearest(file.relative_to(folder))}" for file in sorted(suspects)]


def _is_suspect(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    if parts[0] in _NO_FIXTURES or any(part.startswith(".") for part in parts):
        return False
    return bool(_ending(file.suffix)) and file.is_file()


def _ending(suffix: str) -> str:
    """The ending that ``suffix`` was to be; empty when it is another one altogether."""
    if suffix.endswith("~"):  # an editor's copy
        return ""
    return next(iter(near_names(suffix, _ENDINGS, at_most=1, cutoff=0.75)), "")


def _nearest(file: Path) -> str:
    """What the ``file``, told relative to its folder, was probably to be called."""
    sorts = ("personas", "organizations", "apis", "clients")
    top = file.parts[0] if len(file.parts) > 1 else file.stem
    sort = next(iter(near_names(top, sorts, at_most=1)), "")
    if sort == "clients":
        inside = Path(*file.parts[1:]).with_suffix(_ending(file.suffix)) if len(file.parts) > 1 else "NAME.yaml"
        return f"clients have a file each: clients/{inside}"
    if sort and len(file.parts) == 1:
        return f"did you mean {sort}.yaml?"
    return "files are called personas.yaml, organizations.yaml, apis.yaml and clients/NAME.yaml"


def plain_file_name(key: str) -> str:
    """``key`` where it may be the name of a file, else a digest of it; nobody's id leads out of a folder."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", key):
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of(folders: Sequence[Path]) -> str:
    """A digest over the names and bytes of all fixture files, in order."""
    digest = hashlib.sha256()
    for number, folder in enumerate(folders):
        for sort in PATTERNS:
            for file in files_of(folder, sort):
                digest.update(f"{number}:{file.relative_to(folder)}:".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def is_prepared(database: Path, folders: Sequence[Path], person: str | None = None) -> bool:
    """Whether ``database`` has this program's tables, holds the world of ``folders``, and in it ``person`` (short name
    or pid) unless that is None; any doubt is a no.
    """
    try:
        if not database.is_file():
            return False
        with closing(sqlite3.connect(database, timeout=1)) as connection:
            rows = dict(connection.execute("SELECT name, value FROM meta").fetchall())
            known = "SELECT 1 FROM persona WHERE persona = ? OR pid = ?"
            if person is not None and connection.execute(known, (person, person)).fetchone() is None:
                return False
        return rows.get(VERSION_ROW) == str(SCHEMA_VERSION) and rows.get(DIGEST_ROW) == digest_of(folders)
    except (sqlite3.Error, OSError):
        return False
