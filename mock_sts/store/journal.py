"""The journal: one entry for each request, with what was judged. Bounded; the oldest rows go first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mock_sts.helseid.requirement import Finding, Requirement
from mock_sts.protocol.json_text import write_compact as _encode
from mock_sts.protocol.json_text import write_text
from mock_sts.protocol.private_keys import may_hold_a_private_key, without_private_keys, without_private_text
from mock_sts.store.database import Database, Transaction
from mock_sts.store.replay import Once
from mock_sts.store.scope import Scope
from mock_sts.values import value_type

_INSERT = (
    "INSERT INTO journal (environment, at, endpoint, client_id, outcome, error, rule, findings, detail, challenged, "
    "proof_key, flow, sid, pid, micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MARK = "UPDATE journal SET faults = ? WHERE id = ?"
_LAST_OF_KEY = "SELECT outcome, at FROM journal WHERE proof_key = ? ORDER BY id DESC LIMIT 1"
_TRIM = (
    "DELETE FROM journal WHERE environment = ? AND id <= "
    "(SELECT id FROM journal WHERE environment = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"
)
_EXTENT = "SELECT count(*), min(at) FROM journal WHERE environment = ?"
#: A logout belongs to all flows of its session, so it has none of its own.
_OF_FLOW = (
    "(flow = ? OR flow IS NULL AND sid IN (SELECT sid FROM journal WHERE environment = ? AND flow = ? AND sid IS NOT "
    "NULL))"
)
#: What a reader sees of an entry, in this order.
_ADDED = ("flow", "sid", "pid", "micros")
_SHOWN = ("id", "at", "endpoint", "client_id", "outcome", "error", "rule", "findings", "detail", "faults", *_ADDED)

#: Rows written between two looks at the journal's length.
_TRIM_EVERY = 64

#: Longest detail kept, in characters of JSON.
_MAX_DETAIL = 32_768

#: The same for requests without an authenticated client, so that strangers cannot fill the disk.
_MAX_STRANGERS_DETAIL = 6_144

#: Where ``detail`` has the name of a refusal that the error page shows, and its length in hexadecimal digits.
ERROR_ID, ERROR_ID_LENGTH = "error_id", 16

GRANTED, REFUSED, CHALLENGED = "granted", "refused", "challenged"

#: The outcome of a request that a fault rule answered in the place of its endpoint.
FAULTED = "faulted"


@value_type
class Entry:
    """One request with its answer.

    ``at`` is in seconds; ``detail`` are decoded headers, claims and parameters. Private keys in what a stranger
    wrote are taken out of it when it is written, and out of all other texts. ``challenged`` is the assertion that met a
    nonce challenge; ``proof_key`` a client's key that was challenged or has shown a nonce. ``authenticated`` says that
    a client proved who it is, else less is kept. ``flow`` is the login, or token without one, that the request belongs
    to, ``sid`` the session, ``pid`` who logged in; ``micros`` are the microseconds until it was decided.
    """

    at: int
    endpoint: str
    client_id: str | None
    outcome: str
    error: str | None
    rule: str | None
    findings: Sequence[Finding]
    detail: dict[str, Any]
    challenged: Once | None = None
    proof_key: Once | None = None
    authenticated: bool = True
    flow: str | None = None
    sid: str | None = None
    pid: str | None = None
    micros: int | None = None


@dataclass(frozen=True)
class Filter:
    """Which entries are wanted; what is None does not matter.

    ``endpoints`` are paths, ``pid`` who logged in; ``broken`` is a rule that was broken, whatever decided.
    ``error_id`` is what an error page shows, hexadecimal digits. ``since`` and ``until`` are seconds of the real clock,
    both ends included. Only ``client_id`` has an index, for the journal is bounded.
    """

    client_id: str | None = None
    endpoints: tuple[str, ...] | None = None
    outcome: str | None = None
    error: str | None = None
    rule: str | None = None
    broken: str | None = None
    flow: str | None = None
    pid: str | None = None
    error_id: str | None = None
    faulted: bool | None = None
    since: int | None = None
    until: int | None = None
    after: int | None = None

    def conditions(self, environment: str) -> list[tuple[str, tuple[Any, ...]]]:
        """The conditions of SQL, each with its values, by which entries of ``environment`` are found."""
        found: list[tuple[str, tuple[Any, ...]]] = [("environment = ?", (environment,))]
        for name in ("client_id", "outcome", "error", "rule", "pid"):
            if (value := getattr(self, name)) is not None:
                found.append((f"{name} = ?", (value,)))
        for condition, value in (("at >= ?", self.since), ("at <= ?", self.until), ("id > ?", self.after)):
            if value is not None:
                found.append((condition, (value,)))
        if self.endpoints is not None:
            found.append((f"endpoint IN ({', '.join('?' * len(self.endpoints))})", self.endpoints))
        if self.flow is not None:
            found.append((_OF_FLOW, (self.flow, environment, self.flow)))
        if self.faulted is not None:
            found.append((f"faults IS {'NOT ' if self.faulted else ''}NULL", ()))
        # Of the wildcards, hexadecimal digits and ids of rules have the underscore alone, which stands for itself too.
        if self.broken is not None:
            found.append(("findings LIKE ?", (f'%{{"rule":"{self.broken}",%',)))
        if self.error_id is not None:
            found.append(("detail LIKE ?", (f'%"{ERROR_ID}":"{self.error_id.lower()}"%',)))
        return found


#: All entries.
EVERY = Filter()


class Journal:
    """The journal of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._scope = Scope(environment)
        self._trimmed_at: int | None = None

    def write(self, transaction: Transaction, entry: Entry, keep: int) -> int:
        """Insert ``entry``; its id. Now and then forget all but the last ``keep`` of this environment."""
        scope = self._scope
        row_id = transaction.insert(
            _INSERT,
            (
                scope.name,
                entry.at,
                entry.endpoint,
                without_private_text(entry.client_id) if entry.client_id else None,
                entry.outcome,
                entry.error,
                entry.rule,
                _findings_text(entry.findings),
                _detail_text(entry.detail, _MAX_DETAIL if entry.authenticated else _MAX_STRANGERS_DETAIL),
                entry.challenged.digest(scope) if entry.challenged is not None else None,
                entry.proof_key.digest(scope) if entry.proof_key is not None else None,
                entry.flow,
                entry.sid,
                entry.pid,
                entry.micros,
            ),
        )
        # Rows of all environments are numbered together, so each looks for itself whether enough have come.
        stretch = row_id // _TRIM_EVERY
        if self._trimmed_at is None:
            self._trimmed_at = (row_id - 1) // _TRIM_EVERY
        if stretch != self._trimmed_at:
            self._trimmed_at = stretch
            transaction.execute(_TRIM, (scope.name, scope.name, keep))
        return row_id

    @staticmethod
    def mark_faulted(transaction: Transaction, entry_id: int, effects: Sequence[Mapping[str, str]]) -> None:
        """Let the entry name the ``effects`` of fault rules on its request: what it says was not the client's doing."""
        transaction.execute(_MARK, (_encode(list(effects)), entry_id))

    def unanswered_challenge(self, key: Once) -> int | None:
        """When the client's ``key`` was challenged for a nonce, in seconds, if that was the last that the journal knows
        of it; else None.
        """
        row = self._database.read_one(_LAST_OF_KEY, (key.digest(self._scope),))
        return row[1] if row is not None and row[0] == CHALLENGED else None

    def extent(self) -> tuple[int, int | None]:
        """How many entries there are, and when the oldest was written, in seconds; None where there is none."""
        row = self._database.read_one(_EXTENT, (self._scope.name,))
        return (0, None) if row is None else (int(row[0]), row[1])

    def read(self, wanted: Filter = EVERY, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """The newest entries first, as JSON-ready mappings; ``before`` is an id to page on from."""
        conditions = wanted.conditions(self._scope.name)
        if before is not None:
            conditions.append(("id < ?", (before,)))
        where = " AND ".join(condition for condition, _ in conditions)
        statement = f"SELECT {', '.join(_SHOWN)} FROM journal WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        rows = self._database.read_all(statement, (*(value for _, values in conditions for value in values), limit))
        entries = [dict(zip(_SHOWN, row, strict=True)) for row in rows]
        return [
            {
                **entry,
                "findings": json.loads(entry["findings"]),
                "detail": json.loads(entry["detail"]),
                "faults": json.loads(entry["faults"] or "[]"),
            }
            for entry in entries
        ]


def _findings_text(findings: Sequence[Finding]) -> str:
    met = tuple([finding.requirement.id for finding in findings if finding.verdict.met])
    broken = []
    if len(met) != len(findings):
        for finding in findings:
            verdict, requirement = finding.verdict, finding.requirement
            if not verdict.met:
                before, after = _BROKEN.get(requirement.id) or _broken_text(requirement)
                expected = write_text(without_private_text(verdict.expected))
                observed = write_text(without_private_text(verdict.observed))
                options = ",".join(write_text(without_private_text(option)) for option in verdict.options)
                whole = f'"options":[{options}],' if options else ""
                step = '"step":true,' if verdict.step else ""
                broken.append(f'{before}"expected":{expected},{whole}"observed":{observed},{step}{after}')
    return f'{{"broken":[{",".join(broken)}],"met":{_met_text(met)}}}'


#: By the id of a requirement: what an entry says of its breach before and after what was expected and observed.
_BROKEN: dict[str, tuple[str, str]] = {}


def _broken_text(requirement: Requirement[object]) -> tuple[str, str]:
    before = {"rule": requirement.id, "level": requirement.level.value, "title": requirement.title}
    after = {"remedy": requirement.remedy, "source": requirement.source}
    texts = _BROKEN[requirement.id] = f"{_encode(before)[:-1]},", _encode(after)[1:]
    return texts


@lru_cache(maxsize=256)
def _met_text(met: tuple[str, ...]) -> str:
    """Nearly every request meets the same requirements as the one before."""
    return _encode(met)


def _detail_text(detail: dict[str, Any], limit: int) -> str:
    text = _encode(detail)
    if len(text) <= limit:
        return _cleaned_text(detail) if may_hold_a_private_key(text) else text
    return _encode({"too_long": len(text), **{name: detail[name] for name in (ERROR_ID,) if name in detail}})


def _cleaned_text(detail: dict[str, Any]) -> str:
    """``detail`` without private keys. Words of ours and a ``sub`` have signs of them too, so each member is looked at
    by itself before it is taken apart, which costs ten times as much.
    """
    texts = []
    for name, value in detail.items():
        text = _encode({name: value})
        texts.append(_encode(without_private_keys({name: value})) if may_hold_a_private_key(text) else text)
    return f"{{{','.join([text[1:-1] for text in texts if text != '{}'])}}}"
