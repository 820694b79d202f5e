"""The page of fixture formats."""

from typing import Any

from devtools.words import NOTE
from mock_sts.helseid.registry.documents import Format
from mock_sts.helseid.registry.formats import FORMATS


def formats_page() -> str:
    """The members of each fixture format."""
    lines = [
        NOTE,
        "# Fixture formats",
        "",
        "What is left out takes the default, which is HelseID's where it has one.",
        "",
    ]
    for fmt in FORMATS:
        lines += [f"## {fmt.word.capitalize() if fmt.word != 'API' else 'API'}", "", *_table(fmt)]
        for inner in {inner.word: inner for inner in fmt.inner()}.values():
            lines += [f"### {inner.word.capitalize()}", "", *_table(inner)]
    return "\n".join(lines)


def _table(fmt: Format[Any]) -> list[str]:
    lines = ["| member | holds | default | meaning |", "| --- | --- | --- | --- |"]
    for member in fmt.members:
        default = "(required)" if member.required else _default(member.default)
        choices = f": {', '.join(f'`{c}`' for c in member.choices)}" if member.choices else ""
        inner = f", see [{member.format.word}](#{member.format.word})" if member.format else ""
        lines.append(f"| `{member.name}` | {member.kind.value}{choices}{inner} | {default} | {member.meaning} |")
    return [*lines, ""]


def _default(value: object) -> str:
    if value in (None, "", (), {}):
        return ""
    if isinstance(value, tuple):
        return f"`{' '.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
