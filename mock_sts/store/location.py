"""Where a database is, by its URL: ``sqlite:///PATH`` or ``postgresql://USER@HOST:PORT/NAME``. Imports nothing of ours,
and opens nothing.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

SQLITE, POSTGRESQL = "sqlite:///", "postgresql://"

_PASSWORD = re.compile(r"(?<=://)([^/?#]*?):([^/?#]*)(?=@)|(?<=[?&])(password|sslpassword)=([^&#]*)", re.IGNORECASE)


def checked_url(text: str) -> str:
    """``text``, if it is the URL of a database. Raises ValueError with what would be right."""
    if text.startswith(POSTGRESQL):
        return _checked_address(text)
    if not text.startswith(SQLITE) or text == SQLITE:
        raise ValueError("sqlite:///PATH (a file) or postgresql://USER@HOST:PORT/NAME")
    if "?" in text:
        raise ValueError("sqlite:///PATH without parameters")
    if text == f"{SQLITE}:memory:":
        raise ValueError("a file, sqlite:///PATH: several threads and processes cannot share a database in memory")
    return text


def _checked_address(text: str) -> str:
    try:
        name, _ = urlsplit(text).path.strip("/"), urlsplit(text).port
    except ValueError:
        name = ""
    if not name or "/" in name or not text.isprintable() or " " in text:
        raise ValueError("postgresql://USER@HOST:PORT/NAME, with the name of a database")
    return text


def file_of(url: str) -> Path | None:
    """The file of an SQLite database; None for any other."""
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def shown(url: str) -> str:
    """``url`` for a person: the path of a file, else the address without its password."""
    return url.removeprefix(SQLITE) if url.startswith(SQLITE) else without_password(url)


def without_password(text: str) -> str:
    """``text``, which may be a URL, with asterisks in the place of a password."""
    return _PASSWORD.sub(lambda found: f"{found[3]}=***" if found[3] else f"{found[1]}:***", text)


def passwords_in(url: str) -> list[str]:
    """The texts in ``url`` that nothing may show."""
    return [found[2] or found[4] for found in _PASSWORD.finditer(url) if found[2] or found[4]]
