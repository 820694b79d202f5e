"""The page of HelseID's patterns, with commands that show them."""

import json

from devtools.words import NOTE, short
from mock_sts.client.patterns import PATTERNS, Pattern

#: The address that the documentation names.
_SERVER = "http://localhost:8080"


def patterns_page() -> str:
    """A table of the patterns, then of each the commands and what stands in what they print."""
    lines = [
        NOTE,
        "# HelseID's patterns",
        "",
        "Each pattern of HelseID's documentation, with a ready client, person and API, and a command against a running",
        "server. The commands act as a correct client; below each stands some of what it prints. Your own client sends",
        "the same: [machine-token.md](machine-token.md), [log-in.md](log-in.md), [clients.md](clients.md).",
        "",
        "| pattern | client | person | API |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| [{one.name}](#{anchor_of(one)}) | {short(one.clients)} | {short(one.people)} | {short(one.apis)} |"
        for one in PATTERNS
    ]
    lines += [
        "",
        "What an API decides by: `aud`, `scope`, `orgnr_parent`, and of a person `pid`, `hpr_number` and",
        "`security_level`. It does not decide by `orgnr_child`: the client alone says which unit it acts for, and",
        "HelseID does not prove that the person works there.",
    ]
    for one in PATTERNS:
        lines += ["", f"## {one.name}", "", one.shows]
        for step in one.steps:
            lines += ["", "```sh", step.command(_SERVER), "```"]
            shown = json.dumps(step.prints, indent=2, ensure_ascii=False)
            lines += ["", "```json", shown, "```"]
            if step.lacks:
                lines += ["", f"It has no {' and no '.join(f'`{name}`' for name in step.lacks)}."]
    return "\n".join(lines) + "\n"


def anchor_of(pattern: Pattern) -> str:
    """The heading of ``pattern`` as a link names it."""
    return pattern.name.lower().replace(" ", "-")
