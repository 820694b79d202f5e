"""The override: the public URL that a server is given while it runs, and the addresses that it had before. Rows of
``meta``. The functions that run without a Database take what executes a statement: the server's parent process ends an
override before it opens anything else.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: ``Transaction.execute``, ``Reader.execute``, or ``sqlite3.Connection.execute``.
Execute = Callable[..., Any]

#: Addresses before that are kept; the oldest go first. Each is one more that a proof may name.
MOST_FORMER = 10

_PUBLIC_URL, _FORMER = "public_url", "former_urls"


@dataclass(frozen=True, slots=True)
class PublicUrlOverride:
    """The public URL that was set at run time, None for that of the settings, and the addresses that earlier
    overrides gave the server, the newest first.
    """

    public_url: str | None
    former: tuple[str, ...]


NO_OVERRIDE = PublicUrlOverride(None, ())


def read_override(execute: Execute) -> PublicUrlOverride:
    """What stands in the database."""
    rows = execute("SELECT name, value FROM meta WHERE name IN (?, ?)", (_PUBLIC_URL, _FORMER)).fetchall()
    values = {row[0]: row[1] for row in rows}
    return PublicUrlOverride(values.get(_PUBLIC_URL), tuple(json.loads(values.get(_FORMER, "[]"))))


def write_override(execute: Execute, url: str | None, *also: str) -> None:
    """From now on the public URL is ``url``, for all workers; None: that of the settings again.

    The override before it, and ``also``, are remembered as addresses that the server had. To be called in a
    transaction that may write.
    """
    override = read_override(execute)
    before = dict.fromkeys((*also, *([override.public_url] if override.public_url else []), *override.former))
    former = list(before)[:MOST_FORMER]
    execute("DELETE FROM meta WHERE name IN (?, ?)", (_PUBLIC_URL, _FORMER))
    if former:
        execute("INSERT INTO meta (name, value) VALUES (?, ?)", (_FORMER, json.dumps(former)))
    if url is not None:
        execute("INSERT INTO meta (name, value) VALUES (?, ?)", (_PUBLIC_URL, url))
    execute("UPDATE revision SET number = number + 1 WHERE environment = ''")
