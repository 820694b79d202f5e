"""The page of requirements."""

from devtools.words import NOTE
from mock_sts.helseid.profile import BOOK
from mock_sts.helseid.requirement import Enforcement, Requirement, consequence


def requirements_page() -> str:
    """A table per chapter: each requirement, and what happens in each mode when it is broken."""
    lines = [
        NOTE,
        "# Requirements",
        "",
        "What the emulator judges, chapter by chapter, in the order in which it looks. `enforcement` decides what a",
        "broken requirement leads to: **refused** with the error named, or **recorded** in the journal. A refused",
        "request hears HelseID's own words only; the `Mock-Sts-Rule` header names the requirement, and log and journal",
        "explain it. A *challenge* is a normal step of the protocol, not a fault. What is *recorded, and logged*, is",
        "in the server's log too: the request is answered, but not as it asked. The last two chapters are judged by",
        "reports alone ([conformance](conformance.md)), over many requests.",
        "",
    ]
    for chapter in BOOK:
        lines += [f"## {chapter.title}", ""]
        modes = [mode.word for mode in Enforcement]
        lines += [
            f"| requirement | level | {' | '.join(modes)} | answer |",
            f"| --- | --- |{' --- |' * len(modes)} --- |",
        ]
        lines += [_requirement_row(requirement) for requirement in chapter.requirements]
        lines.append("")
        for requirement in chapter.requirements:
            lines += [
                f'<a id="{requirement.id}"></a>',
                f"**{requirement.id}** {requirement.title}. To mend it: {requirement.remedy}. "
                f"*Source: {requirement.source}.*",
                "",
            ]
    return "\n".join(lines)


def _requirement_row(requirement: "Requirement[object]") -> str:
    cells = [consequence(requirement, mode) for mode in Enforcement]
    answer = f"`{requirement.error.value}`" + (f" {requirement.says}" if requirement.says else "")
    if not requirement.refused_in:
        answer = ""
    if requirement.not_as_asked:
        cells = [f"{cell}, and logged" if cell == "recorded" else cell for cell in cells]
    name = f"[{requirement.id}](#{requirement.id})"
    return f"| {name} | {requirement.level.value} | {' | '.join(cells)} | {answer} |"
