"""The journal: one entry for each request, with what was judged. Bounded; the oldest rows go first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select

from mock_sts.helseid.requirement import Finding
from mock_sts.protocol.private_keys import may_hold_a_private_key, without_private_keys, without_private_text
from mock_sts.store.database import Store
from mock_sts.store.tables import JOURNAL

_INSERT = (
    "INSERT INTO journal (at, endpoint, client_id, outcome, error, rule, findings, detail, challenged, proof_key) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CHALLENGED = "SELECT 1 FROM journal WHERE challenged = ? LIMIT 1"
_LAST_OF_KEY = "SELECT outcome, at FROM journal WHERE proof_key = ? ORDER BY id DESC LIMIT 1"
_TRIM = "DELETE FROM journal WHERE id <= ?"

#: Rows written between two looks at the journal's length.
_TRIM_EVERY = 64

#: Longest detail kept, in characters of JSON.
_MAX_DETAIL = 32_768

#: The same for requests that nobody has authenticated, so that strangers cannot fill the disk.
_MAX_STRANGERS_DETAIL = 6_144

_encode = json.JSONEncoder(separators=(",", ":")).encode

#: Where ``detail`` has the name of a refusal that the error page shows, and its length in hexadecimal digits.
ERROR_ID, ERROR_ID_LENGTH = "error_id", 16

GRANTED, REFUSED, CHALLENGED = "granted", "refused", "challenged"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request with its answer.

    ``at`` is in seconds; ``detail`` are decoded headers, claims and parameters. Private keys in what a stranger
    wrote are taken out of it when it is written, and out of all other texts. ``challenged`` is the digest of an
    assertion that met a nonce challenge; ``proof_key`` that of a client's key that was challenged or has shown a
    nonce. ``authenticated`` says that a client proved who it is, else less is kept.
    """

    at: int
    endpoint: str
    client_id: str | None
    outcome: str
    error: str | None
    rule: str | None
    findings: Sequence[Finding]
    detail: dict[str, Any]
    challenged: bytes | None = None
    proof_key: bytes | None = None
    authenticated: bool = True


def write_entry(connection: Connection, entry: Entry, keep: int) -> None:
    """Insert ``entry``; now and then forget all but the last ``keep`` rows."""
    result = connection.exec_driver_sql(
        _INSERT,
        (
            entry.at,
            entry.endpoint,
            without_private_text(entry.client_id) if entry.client_id else None,
            entry.outcome,
            entry.error,
            entry.rule,
            _findings_text(entry.findings),
            _detail_text(entry.detail, _MAX_DETAIL if entry.authenticated else _MAX_STRANGERS_DETAIL),
            entry.challenged,
            entry.proof_key,
        ),
    )
    row_id = result.lastrowid or 0
    if row_id % _TRIM_EVERY == 0:
        connection.exec_driver_sql(_TRIM, (row_id - keep,))


def was_challenged(store: Store, digest: bytes) -> bool:
    """Whether the assertion with this digest has met a nonce challenge that the journal still knows."""
    return store.read_one(_CHALLENGED, (digest,)) is not None


def unanswered_challenge(store: Store, digest: bytes) -> int | None:
    """When the client's key with this digest was challenged for a nonce, in seconds, if that was the last that the
    journal knows of it; else None.
    """
    row = store.read_one(_LAST_OF_KEY, (digest,))
    return row[1] if row is not None and row[0] == CHALLENGED else None


def read_entries(
    store: Store,
    *,
    limit: int,
    before: int | None = None,
    client_id: str | None = None,
    outcome: str | None = None,
    rule: str | None = None,
    error_id: str | None = None,
) -> list[dict[str, Any]]:
    """The newest rows first, as JSON-ready mappings; ``before`` is a row id to page on from.

    ``error_id`` is what an error page shows, hexadecimal digits; it has no index, for the journal is bounded.
    """
    shown = [column for column in JOURNAL.c if column.name not in ("challenged", "proof_key")]
    query = select(*shown).order_by(JOURNAL.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(JOURNAL.c.id < before)
    for column, wanted in (
        (JOURNAL.c.client_id, client_id),
        (JOURNAL.c.outcome, outcome),
        (JOURNAL.c.rule, rule),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if error_id is not None:
        query = query.where(JOURNAL.c.detail.contains(f'"{ERROR_ID}":"{error_id}"', autoescape=True))
    with store.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return [{**row, "findings": json.loads(row["findings"]), "detail": json.loads(row["detail"])} for row in rows]


def _findings_text(findings: Sequence[Finding]) -> str:
    met, broken = [], []
    for finding in findings:
        if finding.verdict.met:
            met.append(finding.requirement.id)
        else:
            broken.append(
                {
                    "rule": finding.requirement.id,
                    "level": finding.requirement.level.value,
                    "title": finding.requirement.title,
                    "expected": without_private_text(finding.verdict.expected),
                    "observed": without_private_text(finding.verdict.observed),
                    "remedy": finding.requirement.remedy,
                    "source": finding.requirement.source,
                }
            )
    return f'{{"broken":{_encode(broken) if broken else "[]"},"met":{_met_text(tuple(met))}}}'


@lru_cache(maxsize=256)
def _met_text(met: tuple[str, ...]) -> str:
    """Nearly every request meets the same requirements as the one before."""
    return _encode(met)


def _detail_text(detail: dict[str, Any], limit: int) -> str:
    text = _encode(detail)
    if len(text) <= limit:
        return _encode(without_private_keys(detail)) if may_hold_a_private_key(text) else text
    return _encode({"too_long": len(text), **{name: detail[name] for name in (ERROR_ID,) if name in detail}})
