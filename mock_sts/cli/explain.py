"""``mock-sts explain``: a rule of the rule book, as log, journal and documentation name it."""

import argparse

from mock_sts.cli.colour import Ink, paint
from mock_sts.cli.output import print_json, print_table
from mock_sts.cli.parser import RULE, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError

_JSON = (
    "JSON: a list of objects with rule, chapter, title, level, error, says, remedy, source, and modes, which has for "
    "each enforcement refused, challenged or recorded."
)


def add_explain(commands: Commands) -> None:
    """Add ``explain``."""
    parser = commands.add_parser(
        "explain", help="what a rule asks, who refuses it, and the remedy", epilog=_JSON + FAULT_JSON
    )
    rule = parser.add_argument(
        "rule",
        nargs="?",
        metavar="RULE",
        help="as log, journal and the header Mock-Sts-Rule name it, such as dpop.nonce; the part before the point is a "
        "whole chapter; default: all rules, a line each",
    )
    holds(rule, RULE)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=_explain)


def _explain(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.profile import BOOK  # noqa: PLC0415
    from mock_sts.helseid.requirement import Enforcement, consequence  # noqa: PLC0415
    from mock_sts.protocol.near_names import did_you_mean  # noqa: PLC0415

    rules = [(chapter, rule) for chapter in BOOK for rule in chapter.requirements]
    if parsed.rule is not None:
        wanted = parsed.rule.strip().casefold()
        found = [(chapter, rule) for chapter, rule in rules if wanted in (rule.id, rule.id.partition(".")[0])]
        if not found:
            names = [rule.id for _, rule in rules]
            near = did_you_mean(parsed.rule, [*names, *{name.partition(".")[0]: None for name in names}])
            raise CommandError(
                f"no rule has the id {parsed.rule!r}; {near}{near and ' '}mock-sts explain without a name lists all"
            )
        rules = found
    if parsed.json:
        print_json(
            [
                {
                    "rule": rule.id,
                    "chapter": chapter.title,
                    "title": rule.title,
                    "level": rule.level.value,
                    "modes": {mode.word: consequence(rule, mode) for mode in Enforcement},
                    "error": rule.error.value,
                    "says": rule.says,
                    "remedy": rule.remedy,
                    "source": rule.source,
                }
                for chapter, rule in rules
            ]
        )
        return 0
    if len(rules) > 1:
        print_table(("RULE", "TITLE"), [(rule.id, rule.title) for _, rule in rules])
        return 0
    ((chapter, rule),) = rules
    print(f"{paint(rule.id, Ink.BOLD)}  {rule.title}\n")
    answer = f"{rule.error.value}{rule.says and ': '}{rule.says}" if rule.refused_in else "none; it is recorded"
    modes = ", ".join(f"{mode.word} {consequence(rule, mode)}" for mode in Enforcement)
    for name, text in (
        ("Remedy", rule.remedy),
        ("Level", rule.level.value),
        ("Broken", modes),
        ("Answer", answer),
        ("Chapter", chapter.title),
        ("Source", rule.source),
    ):
        print(f"{name:<8} {text}")
    return 0
