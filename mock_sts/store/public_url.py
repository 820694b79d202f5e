"""The public URL that a server is told while it runs, and the addresses that it had before.

They are rows of ``meta``. Uses the standard library only: the server's parent process, which does without SQLAlchemy,
ends what was told when it starts. So each function takes what executes a statement, of either.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: ``Transaction.exec_driver_sql``, or ``sqlite3.Connection.execute``.
Execute = Callable[..., Any]

#: Addresses before that are kept; the oldest go first. Each is one more that a proof may name.
MOST_FORMER = 10

_PUBLIC_URL, _FORMER = "public_url", "former_urls"


@dataclass(frozen=True, slots=True)
class Told:
    """What a server was told: its public URL, None for that of the settings, and the addresses that it had before
    through being told, the newest first.
    """

    public_url: str | None
    former: tuple[str, ...]


NOTHING_TOLD = Told(None, ())


def read_told(execute: Execute) -> Told:
    """What stands in the database."""
    rows = execute("SELECT name, value FROM meta WHERE name IN (?, ?)", (_PUBLIC_URL, _FORMER)).fetchall()
    values = {row[0]: row[1] for row in rows}
    return Told(values.get(_PUBLIC_URL), tuple(json.loads(values.get(_FORMER, "[]"))))


def tell_public_url(execute: Execute, url: str | None, *also: str) -> None:
    """From now on the public URL is ``url``, for all workers; None: that of the settings again.

    The one that was told before, and ``also``, are remembered as addresses that the server had. To be called in a
    transaction that may write.
    """
    told = read_told(execute)
    before = dict.fromkeys((*also, *([told.public_url] if told.public_url else []), *told.former))
    former = list(before)[:MOST_FORMER]
    execute("DELETE FROM meta WHERE name IN (?, ?)", (_PUBLIC_URL, _FORMER))
    if former:
        execute("INSERT INTO meta (name, value) VALUES (?, ?)", (_FORMER, json.dumps(former)))
    if url is not None:
        execute("INSERT INTO meta (name, value) VALUES (?, ?)", (_PUBLIC_URL, url))
    execute("UPDATE revision SET number = number + 1 WHERE id = 1")


def end_told_url(database: Path) -> str | None:
    """Let the settings of the server that starts on ``database`` decide again.

    Returns the public URL that was told to the one before, if any; it is remembered. Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(database, timeout=5, isolation_level=None)) as connection:
        url = read_told(connection.execute).public_url
        if url is None:
            return None
        connection.execute("BEGIN IMMEDIATE")
        tell_public_url(connection.execute, None)
        connection.execute("COMMIT")
        return url
