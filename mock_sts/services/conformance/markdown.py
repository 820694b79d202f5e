"""A report as Markdown, for a comment on a pull request or the summary of a run."""

from collections.abc import Mapping
from typing import Any

#: What the summary calls each count.
COUNTS = {
    "met": "met",
    "broken_musts": "broken",
    "broken_shoulds": "broken recommendations",
    "accepted": "accepted",
    "never_exercised": "never exercised",
    "cannot_tell": "known in a conformance session only",
    "not_applicable": "not applicable",
    "not_visible": "not visible to a server",
}

_CONCLUSIONS = {
    "met": "All that concerns the client was seen, and nothing that must hold is broken.",
    "broken": "Something that must hold is broken.",
    "incomplete": "The journal has dropped older entries, so the report is incomplete.",
    "not-all-seen": "Nothing that must hold is broken, but not all was seen.",
}


def markdown_of(document: Mapping[str, Any]) -> str:
    """The report ``document`` as Markdown (GitHub's and GitLab's)."""
    checks = document["checks"]
    lines = [
        f"## HelseID conformance of {_code(document['client_id'])}",
        "",
        f"**{_CONCLUSIONS[document['conclusion']]}** {document['journal']['entries']} requests were judged.",
        "",
        " · ".join(f"{count} {words}" for name, words in COUNTS.items() if (count := document["summary"][name])),
        "",
    ]
    broken = [check for check in checks if check["status"] == "broken"]
    if broken:
        lines += ["| check | rule | broken | expected | observed | remedy |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [_row(check, rule) for check in broken for rule in check["rules"] if rule["status"] == "broken"]
        lines.append("")
    lines += _listed("Accepted", [(one, one["reason"]) for one in checks if one["status"] == "accepted"])
    unseen = [one for one in checks if one["status"] in ("never-exercised", "cannot-tell")]
    lines += _listed("Never exercised", [(one, one["why"]) for one in unseen])
    invisible = [one for one in checks if one["status"] == "not-visible"]
    lines += _listed("Not visible to a server", [(one, one["why"]) for one in invisible])
    profile = document["profile"]
    lines += [f"Judged by: {profile['text']}, {profile['date']}. {document['disclaimer']}", ""]
    return "\n".join(lines)


def _row(check: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    name = _code(rule["id"])
    where = f"[{name}]({rule['url']})" if rule["url"] else name
    level = "" if rule["level"] == "must" else " (recommended)"
    cells = (
        f"{check['id']} {_plain(check['title'])}",
        f"{where}{level}",
        str(rule["broken"]),
        _code(rule["expected"]),
        _code(rule["observed"]),
        _plain(rule["remedy"]),
    )
    return f"| {' | '.join(cells)} |"


def _listed(title: str, checks: list[tuple[Mapping[str, Any], str]]) -> list[str]:
    if not checks:
        return []
    rows = [f"- {check['id']} {_plain(check['title'])}: {_plain(why)}" for check, why in checks]
    return [f"<details><summary>{title} ({len(checks)})</summary>", "", *rows, "", "</details>", ""]


def _code(text: str) -> str:
    """``text``, which a client may have sent, as code: nothing in it counts."""
    kept = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{kept}`" if kept else ""


def _plain(text: str) -> str:
    """A text of this project or of a departure, in which no sign means anything."""
    kept = " ".join(text.split())
    for sign in "\\`*_[]<>|#@":
        kept = kept.replace(sign, f"\\{sign}")
    return kept
