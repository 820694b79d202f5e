"""``mock-sts fault``: have something go wrong, see what does, and end it."""

import argparse
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from mock_sts.cli.control import EPILOG, add_common, steer, tell
from mock_sts.cli.output import counted, print_table
from mock_sts.cli.parser import CLIENT, PERSONA, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError


def add_faults(commands: Commands) -> None:
    """Add ``fault`` with its actions."""
    parser = commands.add_parser(
        "fault",
        help="have something go wrong on order: an error, a delay, a bad token, no answer",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    add = actions.add_parser(
        "add", help="make a rule, such as: add token oauth_error=temporarily_unavailable --times 1"
    )
    add.add_argument(
        "words",
        nargs="+",
        metavar="[ENDPOINT] NAME=VALUE",
        help="the endpoint, by a short word such as token or a path (default: every one at which it can happen), and "
        "the effect with what stands beside it, such as id_token=missing_claim claim=sub",
    )
    holds(add.add_argument("--client", metavar="ID", help="requests of this client only"), CLIENT)
    holds(add.add_argument("--persona", metavar="PERSONA", help="answers about this person only"), PERSONA)
    add.add_argument("--grant-type", metavar="TYPE", help="token requests of this grant type only")
    add.add_argument(
        "--header", action="append", default=[], metavar="NAME=TEXT", help="requests with this header; * is any text"
    )
    add.add_argument("--times", type=int, help="for how many requests; default: until it is removed")
    add.add_argument("--probability", type=float, metavar="P", help="how likely, from 0 to 1; default: always")
    add.add_argument("--seed", help="what chance is drawn from")
    add_common(add)
    add.set_defaults(run=_add)

    listed = actions.add_parser("list", help="the rules, and how often each has happened")
    add_common(listed)
    listed.set_defaults(run=_list)

    remove = actions.add_parser("remove", help="end one fault, or all")
    remove.add_argument("id", nargs="?", metavar="ID", help="the rule's id; default: all rules, with --all")
    remove.add_argument("--all", action="store_true", help="end all faults")
    add_common(remove)
    remove.set_defaults(run=_remove)


def _add(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.faults import EFFECTS, Takes  # noqa: PLC0415

    bare = [name for name, kind in EFFECTS.items() if kind.takes is Takes.TRUTH]
    words = [f"{word}=true" if word in bare else word for word in parsed.words]
    match: dict[str, Any] = {} if "=" in words[0] else {"endpoint": words.pop(0)}
    given = {"client_id": parsed.client, "persona": parsed.persona, "grant_type": parsed.grant_type}
    match |= {name: value for name, value in given.items() if value is not None}
    if parsed.header:
        match["headers"] = dict(_pairs(parsed.header, "--header"))
    body: dict[str, Any] = {"match": match, "effect": {name: _typed(name, text) for name, text in _pairs(words, "")}}
    others = {"times": parsed.times, "probability": parsed.probability, "seed": parsed.seed}
    body |= {name: value for name, value in others.items() if value is not None}
    answer = steer(parsed, "POST", "/faults", body)
    return tell(parsed, answer, lambda _: print(f"ordered as {answer['id']}"))


def _list(parsed: argparse.Namespace) -> int:
    answer = steer(parsed, "GET", "/faults")
    return tell(parsed, answer, lambda _: _show(answer["items"]))


def _show(rules: Iterable[dict[str, Any]]) -> None:
    rows = [
        (
            rule["id"],
            "until removed" if rule["remaining"] is None else str(rule["remaining"]),
            str(rule["happened"]),
            _said(rule["match"]) or "any request",
            _said(rule["effect"]),
        )
        for rule in rules
    ]
    print_table(("id", "still", "happened", "for", "effect"), rows)


def _remove(parsed: argparse.Namespace) -> int:
    if parsed.all is (parsed.id is not None):
        raise CommandError("give the id of one rule, or --all; `mock-sts fault list` shows the ids")
    if parsed.all:
        answer = steer(parsed, "DELETE", "/faults")
        return tell(parsed, answer, lambda _: print(f"ended {counted(answer['removed'], 'fault')}"))
    steer(parsed, "DELETE", f"/faults/{quote(parsed.id, safe='')}")
    return tell(parsed, None, lambda _: print(f"ended {parsed.id}"))


def _pairs(texts: Iterable[str], option: str) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign):
            raise CommandError(f"{option or 'an effect'} is written NAME=VALUE, and {text[:60]!r} is not")
        pairs.append((name, value))
    return pairs


def _typed(name: str, text: str) -> object:
    """What JSON has for ``text`` of the member ``name``."""
    from mock_sts.helseid.faults import BESIDE, EFFECTS, Takes  # noqa: PLC0415

    known = EFFECTS.get(name) or BESIDE.get(name)
    takes = Takes.TEXT if known is None else known.takes
    if takes is Takes.TRUTH:
        return {"true": True, "false": False}.get(text.lower(), text)
    if takes is Takes.WORDS:
        return [word for word in text.split(",") if word]
    if takes is Takes.NUMBER and text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    return text


def _said(members: dict[str, Any]) -> str:
    shown = {name: ",".join(value) if isinstance(value, list) else value for name, value in members.items()}
    return " ".join(f"{name}={value}" for name, value in shown.items())
