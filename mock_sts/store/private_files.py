"""The files beside a database, and who may read them: its owner alone, for they hold secrets, tokens and private keys.

Uses the standard library only, for the server's parent process, which does without SQLAlchemy.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mock_sts.system import put_in_place, take_away

_FILE, _FOLDER = 0o600, 0o700

#: The folder for what lies beside a database that is no file.
_USUAL = "mock-sts-data"

#: The private keys in the folder of certificates, also those that were put aside.
ALL_KEYS = "*key.pem*"


@dataclass(frozen=True, slots=True)
class Places:
    """What lies beside the database: in ``chosen``, else in the folder of the file ``database``, else in that of the
    default. A database that is no file has None.
    """

    database: Path | None
    chosen: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder."""
        return self.chosen or (self.database.parent if self.database is not None else Path(_USUAL))

    @property
    def files(self) -> tuple[Path, ...]:
        """The database, and the files that SQLite has beside it."""
        if self.database is None:
            return ()
        return (self.database, *(Path(f"{self.database}{end}") for end in ("-wal", "-shm", "-journal")))

    @property
    def tls(self) -> Path:
        """Where certificates of a local CA are kept. Others may look into it: the certificates are for them."""
        return self.folder / "tls"

    @property
    def client_keys(self) -> Path:
        """Where ``client new`` leaves private keys: beside the database, never in it."""
        return self.folder / "client-keys"

    @property
    def demo(self) -> Path:
        """What the demo keeps of its browsers."""
        if self.database is None or self.chosen is not None:
            return self.folder / "demo"
        return Path(f"{self.database}-demo")


def make_private(places: Places) -> None:
    """Make the folder and an empty database where they are missing, and let others read nothing of what is there.

    A folder that was there before is shut when all that it holds is ours; one with other things in it may be shared on
    purpose. Raises OSError where something cannot be made.
    """
    if places.folder.is_dir():
        if _is_ours(places):
            shut(places.folder, _FOLDER)
    else:
        make_private_folder(places.folder)
    if places.database is not None:
        os.close(os.open(places.database, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE))
    for file in places.files:
        shut(file, _FILE)
    for folder in (places.client_keys, places.demo):
        shut(folder, _FOLDER)
        shut_all(folder, "*")
    shut_all(places.tls, ALL_KEYS)


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` where it is missing, and shut it. Raises OSError."""
    folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    shut(folder, _FOLDER)


def write_private(file: Path, content: bytes) -> None:
    """Write ``file`` so that no reader sees it half done, and other users never. Raises OSError."""
    beside = file.with_name(f"{file.name}.new")
    take_away(beside)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE), "wb") as opened:
        opened.write(content)
    put_in_place(beside, file)


def shut(path: Path, mode: int) -> None:
    """Take from ``path`` all rights that ``mode`` does not have; what is missing or another user's stays as it is."""
    with suppress(OSError):
        now = stat.S_IMODE(path.stat().st_mode)
        if now & ~mode:
            path.chmod(now & mode)


def shut_all(folder: Path, pattern: str) -> None:
    """The same for the files in ``folder`` that fit ``pattern``."""
    with suppress(OSError):
        for file in list(folder.glob(pattern)):
            if file.is_file() and not file.is_symlink():
                shut(file, _FILE)


def _is_ours(places: Places) -> bool:
    """Whether everything in the folder is ours, and it is for us alone: not shared (sticky, as /tmp), not where people
    work.
    """
    with suppress(OSError):
        if places.folder.stat().st_mode & stat.S_ISVTX:
            return False
        elsewhere = (Path.cwd(), Path.home())
        if any(places.folder.samefile(one) for one in elsewhere if one.exists()):
            return False
        return _names(places.folder.iterdir()) <= _names([*places.files, places.tls, places.client_keys, places.demo])
    return False


def _names(paths: Iterable[Path]) -> set[str]:
    return {path.name for path in paths}
