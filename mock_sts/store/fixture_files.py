"""Which files make a world, and whether a database holds that world already.

Uses the standard library only: the server's parent process asks this before it does anything else, and importing
SQLAlchemy would cost it more time and memory than everything else it does.
"""

import errno
import hashlib
import json
import re
import sqlite3
import stat
from collections.abc import Callable, Mapping, Sequence
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
#: What looks like a fixture by its ending; one that is nearly so is a typing error.
_ENDINGS = (".yaml", ".yml", ".json")

#: What a system says of a name that leads to nothing: a link perhaps, or one to itself.
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

#: Folders under ``clients`` that are looked into at most: a link may lead to the top of a disk.
_MOST_FOLDERS = 10_000

#: What else lies in folders, by its name for a person.
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


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
        if isinstance(error, FileNotFoundError) or error.errno == errno.ELOOP:
            raise DocumentError(f"{file}: {_oddness(file)}") from None
        raise _unreadable(file, error) from None


def files_of(folder: Path, sort: str) -> list[Path]:
    """The files in ``folder`` that hold entries of ``sort``, by name. What a link leads to is read like all else.

    Raises DocumentError for what cannot be looked into.
    """
    if sort == "client":
        return sorted(file for file in _below_clients(folder)[0] if file.suffix in _ENDINGS and _is_plain(file))
    return sorted(folder / name for name in PATTERNS[sort] if _is_plain(folder / name))


def _below_clients(folder: Path) -> tuple[list[Path], list[str]]:
    """Everything under ``clients`` that is no folder, and a sentence for each link that is not followed.

    Links to folders are followed, each folder once. Hidden ones are no fixtures: a mounted ConfigMap keeps a second
    copy of everything in one. Raises DocumentError.
    """
    files, odd, waiting = [], [], [(folder / "clients", frozenset[tuple[int, int]]())]
    seen: set[tuple[int, int]] = set()
    while waiting:
        here, above = waiting.pop()
        try:
            found = here.stat()
            mark = (found.st_dev, found.st_ino)
            if mark in above:
                odd.append(f"{here} is a link that leads back to a folder above it, and is not followed; remove it")
                continue
            if mark in seen:
                continue
            seen.add(mark)
            entries = [(entry, entry.is_dir()) for entry in sorted(here.iterdir()) if not entry.name.startswith(".")]
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                continue  # told where one looks for what is odd
            raise _unreadable(here, error) from None
        if len(seen) > _MOST_FOLDERS:
            raise DocumentError(
                f"{folder / 'clients'}: has more than {_MOST_FOLDERS} folders in it; a link may lead too far, such as "
                f"that to {here}"
            )
        for entry, is_folder in entries:
            if is_folder:
                waiting.append((entry, above | {mark}))
            else:
                files.append(entry)
    return files, odd


def _is_plain(file: Path) -> bool:
    """Whether ``file``, or what it leads to, is a file that can be read from its beginning to its end."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError as error:
        if error.errno in _NOTHING_THERE:
            return False
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: OSError) -> DocumentError:
    return DocumentError(f"{file}: cannot be read: {error.strerror or error}; let this user read it, or remove it")


def _oddness(file: Path) -> str:
    """What ``file`` is where it is neither a plain file nor a link to one, and what to do; empty for one that is."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is a link that leads to itself; mend it, or remove it"
        return "is a link that leads nowhere; mend it, or remove it"
    if stat.S_ISREG(mode):
        return ""
    kind = next((word for is_one, word in _KINDS if is_one(mode)), "something else")
    return f"is {kind}, and not read; put a file there, or remove it"


#: Folders in a world that hold no fixtures, and a file that is read from the shipped world only.
_NO_FIXTURES = ("keys", "names.generated.json")


def unread_files(folder: Path) -> list[str]:
    """A sentence for each file in ``folder`` that looks like a fixture and is not read: by its name, or for what it is.

    Looked at are the folder, the folders in it, and everything under ``clients``: a whole project may lie there.
    """
    try:
        below, odd = _below_clients(folder)
        near = [*folder.glob("*"), *folder.glob("*/*"), *below]
        read = {file for sort in PATTERNS for file in files_of(folder, sort)}
        suspects = [file for file in dict.fromkeys(near) if file not in read and _is_suspect(file, folder)]
    except (OSError, DocumentError):
        return []  # who reads the fixtures meets it too, and says it
    told = [f"{file} {_oddness(file) or f'is not read; {_nearest(file.relative_to(folder))}'}" for file in suspects]
    return sorted([*odd, *told])


def _is_suspect(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    if parts[0] in _NO_FIXTURES or any(part.startswith(".") for part in parts):
        return False
    if parts == ("clients",):
        return not file.is_dir()
    if file.is_dir():
        # A folder is one of a project; but where a file is wanted, it stands in its way.
        return len(parts) == 1 and any(file.name in names for sort, names in PATTERNS.items() if sort != "client")
    # A link that leads nowhere may be one to a folder of clients.
    return bool(_ending(file.suffix)) or (parts[0] == "clients" and not file.exists())


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


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unreadable(file, error) from None


def digest_of(folders: Sequence[Path]) -> str:
    """A digest over the names and bytes of all fixture files, in order. Raises DocumentError."""
    digest = hashlib.sha256()
    for number, folder in enumerate(folders):
        for sort in PATTERNS:
            for file in files_of(folder, sort):
                digest.update(f"{number}:{file.relative_to(folder)}:".encode("utf-8", "surrogateescape"))
                digest.update(hashlib.sha256(_bytes_of(file)).digest())
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
    except (sqlite3.Error, OSError, DocumentError):
        return False
