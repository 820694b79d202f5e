"""Entries of the journal in forms that other programs read: an archive like HAR, and a sequence diagram of Mermaid."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mock_sts import __version__
from mock_sts.helseid.endpoints import Endpoint
from mock_sts.store.journal import GRANTED

#: An entry as the journal reads it.
_Entry = Mapping[str, Any]

#: Where a browser talks to the server; elsewhere it is the client itself.
_OF_BROWSERS = (Endpoint.AUTHORIZE.value, Endpoint.END_SESSION.value, Endpoint.CHECK_SESSION.value)

#: Endpoints that take POST alone. The journal does not keep the method, and of the others it may be either.
_POSTED = (Endpoint.PAR, Endpoint.TOKEN, Endpoint.REVOCATION, Endpoint.INTROSPECTION)

#: Longest text of a diagram that a stranger may have written.
_LONGEST = 80


def as_har(entries: Sequence[_Entry], issuer: str) -> dict[str, Any]:
    """``entries``, in any order, as an HTTP archive (HAR 1.2), the oldest first, with paths below ``issuer``.

    The journal keeps what was judged and no bytes, so status and sizes are 0 or -1 and a method may be empty, which
    readers of HAR take as unknown. ``_entry`` of each has the entry itself.
    """
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "mock-sts", "version": __version__},
            "entries": [_har_entry(entry, issuer) for entry in _oldest_first(entries)],
        }
    }


def _har_entry(entry: _Entry, issuer: str) -> dict[str, Any]:
    took = -1 if entry["micros"] is None else entry["micros"] / 1000
    unknown = {"httpVersion": "", "cookies": [], "headers": [], "headersSize": -1, "bodySize": -1}
    return {
        "startedDateTime": datetime.fromtimestamp(entry["at"], UTC).isoformat(),
        "time": took,
        "request": {
            **unknown,
            "method": "POST" if entry["endpoint"] in tuple(one.value for one in _POSTED) else "",
            "url": f"{issuer}{entry['endpoint']}",
            "queryString": [],
        },
        "response": {
            **unknown,
            "status": 0,
            "statusText": _answer(entry),
            "content": {"size": -1, "mimeType": ""},
            "redirectURL": "",
        },
        "cache": {},
        "timings": {"send": -1, "wait": took, "receive": -1},
        "_entry": dict(entry),
    }


def as_mermaid(entries: Sequence[_Entry]) -> str:
    """``entries``, in any order, as a sequence diagram, the oldest first: who asked, what was answered, what was wrong.

    What strangers wrote is cut, and escaped so that it is text in the diagram and nothing else.
    """
    clients = list(dict.fromkeys(entry["client_id"] for entry in _oldest_first(entries)))
    names = {client: f"C{number}" for number, client in enumerate(clients, 1)}
    lines = ["sequenceDiagram"]
    if any(_is_of_browser(entry) for entry in entries):
        lines.append("    participant B as Browser")
    lines += [f"    participant {names[client]} as {_text(client or 'unknown client')}" for client in clients]
    lines.append("    participant S as HelseID")
    for entry in _oldest_first(entries):
        caller = "B" if _is_of_browser(entry) else names[entry["client_id"]]
        lines.append(f"    {caller}->>S: {_text(entry['endpoint'])}")
        notes = [f"{one['rule']}: {one['title']}" for one in entry["findings"]["broken"]]
        notes += [f"fault on order: {one['effect']}" for one in entry["faults"]]
        lines += [f"    Note over {caller},S: {_text(note)}" for note in notes]
        lines.append(f"    S{'-->>' if entry['outcome'] == GRANTED else '--x'}{caller}: {_text(_answer(entry))}")
    return "\n".join(lines) + "\n"


def _oldest_first(entries: Sequence[_Entry]) -> list[_Entry]:
    return sorted(entries, key=lambda entry: entry["id"])


def _is_of_browser(entry: _Entry) -> bool:
    return str(entry["endpoint"]).startswith(_OF_BROWSERS)


def _answer(entry: _Entry) -> str:
    return f"{entry['outcome']}: {entry['error']}" if entry["error"] else str(entry["outcome"])


def _text(text: str) -> str:
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    plain = (letter if letter.isprintable() else " " for letter in cut)
    return "".join(f"#{ord(letter)};" if letter in "#;<>&\"'`%{}" else letter for letter in plain)
