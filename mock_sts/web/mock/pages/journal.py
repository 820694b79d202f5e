"""The journal as pages: the newest requests, found by filters, and one request whole."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile import CHAPTERS, find
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.protocol.private_keys import without_private_text
from mock_sts.store.journal import CHALLENGED, ERROR_ID, ERROR_ID_LENGTH, FAULTED, GRANTED, REFUSED, Filter
from mock_sts.web import admission, browser
from mock_sts.web.reading import current
from mock_sts.web.texts import Words

ROUTES = Blueprint("journal", __name__)
admission.guard(ROUTES)

#: How many entries a page of the list has.
_SHOWN = 50

#: Longest text of a filter that is looked for, in characters.
_LONGEST = 200

#: Seconds that the choices of the time reach back.
_SINCE = {"300": "last_5_minutes", "3600": "last_hour", "86400": "last_day"}

FILTERS = ("client_id", "endpoint", "outcome", "rule", "since")

#: What the badge of an entry says, and its kind.
_KINDS = {GRANTED: "good", REFUSED: "bad", CHALLENGED: "note", FAULTED: "note", "noted": "warn"}

WORDS: Words = {
    "journal_lead": (
        "Hver forespørsel med svaret og det som ble funnet, de nyeste først.",
        "Every request with its answer and what was found in it, the newest first.",
    ),
    "client": ("Klient", "Client"),
    "endpoint": ("Endepunkt", "Endpoint"),
    "outcome": ("Utfall", "Outcome"),
    "rule": ("Regel", "Rule"),
    "time": ("Tid", "Time"),
    "findings": ("Funn", "Findings"),
    "every": ("Alle", "All"),
    "any_time": ("Når som helst", "Any time"),
    "last_5_minutes": ("Siste fem minutter", "Last five minutes"),
    "last_hour": ("Siste time", "Last hour"),
    "last_day": ("Siste døgn", "Last day"),
    "filter_them": ("Vis", "Show"),
    "show_all": ("Vis alle", "Show all"),
    "granted": ("Godtatt", "Granted"),
    "noted": ("Godtatt med avvik", "Granted, with breaches"),
    "refused_entry": ("Avvist", "Refused"),
    "challenged_entry": ("Utfordret", "Challenged"),
    "faulted": ("Feil på bestilling", "Fault on order"),
    "no_entries": ("Ingen forespørsler passer.", "No request fits."),
    "older": ("Eldre", "Older"),
    "breaches": ("brudd", "breaches"),
    "entry": ("Forespørsel", "Request"),
    "what_was_wrong": ("Hva som var galt", "What was wrong"),
    "nothing_wrong": ("Ingen regel ble brutt.", "No rule was broken."),
    "met_rules": ("Regler som ble fulgt", "Rules that were met"),
    "what_was_sent": ("Hva som ble sendt og svart", "What was sent and answered"),
    "warnings": ("Advarsler", "Warnings"),
    "as_json": ("Som JSON", "As JSON"),
    "whole_journal": ("Hele journalen", "The whole journal"),
    "unknown_client": ("ukjent", "unknown"),
    "no_rule": ("Ingen regel har denne id-en.", "No rule has this id."),
    "no_entry": (
        "Journalen har ikke denne forespørselen. Den tar vare på de siste; MOCK_STS_JOURNAL_SIZE sier hvor mange.",
        "The journal does not have this request. It keeps the last ones; MOCK_STS_JOURNAL_SIZE says how many.",
    ),
}


@ROUTES.get("/mock/journal")
def entries() -> Response:
    """The entries that fit the filters, the newest first."""
    wanted = {name: without_private_text(request.args.get(name, "").strip()[:_LONGEST]) for name in FILTERS}
    rule, since = wanted["rule"], wanted["since"]
    unknown = bool(rule) and find(rule) is None
    now = current().environment.clock.times().wall
    found: list[dict[str, Any]] = []
    if not unknown:
        found = current().environment.journal.read(
            Filter(
                client_id=wanted["client_id"] or None,
                endpoints=(wanted["endpoint"],) if wanted["endpoint"] else None,
                outcome=wanted["outcome"] if wanted["outcome"] in (GRANTED, REFUSED, CHALLENGED, FAULTED) else None,
                rule=rule or None,
                since=now - int(since) if since in _SINCE else None,
            ),
            limit=_SHOWN + 1,
            before=_number("before"),
        )
    return browser.page(
        "journal.html",
        section="journal",
        words=WORDS,
        carried=[*FILTERS, "before"],
        wanted=wanted,
        endpoints=[one.value for one in Endpoint],
        outcomes=[
            (GRANTED, "granted"),
            (REFUSED, "refused_entry"),
            (CHALLENGED, "challenged_entry"),
            (FAULTED, "faulted"),
        ],
        times=list(_SINCE.items()),
        rules=[one.id for chapter in CHAPTERS for one in chapter.requirements],
        unknown=unknown,
        near=did_you_mean(rule, [one.id for chapter in CHAPTERS for one in chapter.requirements]) if unknown else "",
        entries=[_shown(entry) for entry in found[:_SHOWN]],
        filtered=any(wanted.values()),
        older={**{name: value for name, value in wanted.items() if value}, "before": found[_SHOWN - 1]["id"]}
        if len(found) > _SHOWN
        else None,
    )


@ROUTES.get("/mock/journal/<entry>")
def entry(entry: str) -> Response:
    """One entry, by its number or by the error id that an error page shows."""
    journal = current().environment.journal
    found: list[dict[str, Any]] = []
    if re.fullmatch(f"[0-9a-f]{{{ERROR_ID_LENGTH}}}", entry):
        found = journal.read(Filter(error_id=entry), limit=1)
    elif entry.isascii() and entry.isdigit() and len(entry) < ERROR_ID_LENGTH:
        found = [one for one in journal.read(limit=1, before=int(entry) + 1) if one["id"] == int(entry)]
    else:
        raise NotFound("an entry of the journal has a number, or the error id of an error page")
    if not found:
        return browser.page("no_entry.html", section="journal", words=WORDS, status=404)
    detail = found[0]["detail"]
    return browser.page(
        "entry.html",
        section="journal",
        words=WORDS,
        entry=_shown(found[0]),
        # The rule that decided comes first.
        broken=sorted(found[0]["findings"]["broken"], key=lambda one: one["rule"] != found[0]["rule"]),
        met=found[0]["findings"]["met"],
        reason=detail.get("reason", ""),
        warnings=detail.get("warnings", ()),
        error_id=detail.get(ERROR_ID, ""),
        blocks=_blocks(detail),
    )


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages show of an entry in a line."""
    broken = entry["findings"]["broken"]
    outcome = "noted" if entry["outcome"] == GRANTED and broken else entry["outcome"]
    words = {REFUSED: "refused_entry", CHALLENGED: "challenged_entry"}.get(outcome, outcome)
    deciding = next((one for one in broken if one["rule"] == entry["rule"]), None)
    first = deciding or next(iter(broken), None)
    return {
        "id": entry["id"],
        "at": datetime.fromtimestamp(entry["at"], UTC),
        "endpoint": entry["endpoint"],
        "client_id": entry["client_id"],
        "kind": _KINDS[outcome],
        "outcome": words,
        "error": entry["error"],
        "rule": entry["rule"] or (first["rule"] if first else None),
        "says": _faults_of(entry) or (first["title"] if first else entry["detail"].get("reason", "")),
        "broken": len(broken),
    }


def _faults_of(entry: Mapping[str, Any]) -> str:
    """The effects of fault rules on the request of an entry, in a text; empty for none."""
    return ", ".join(fault["effect"] for fault in entry["faults"])


def _blocks(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an entry tells of the messages, each part as text to be read."""
    apart = ("reason", "warnings", ERROR_ID)
    return [
        (name, value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))
        for name, value in detail.items()
        if name not in apart
    ]


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
