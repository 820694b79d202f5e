"""``mock-sts conformance``: an authority of its own for one client, and what its requests there have shown."""

import argparse
from functools import partial
from typing import Any
from urllib.parse import quote

from mock_sts.cli.control import EPILOG, add_common, lines, steer, tell
from mock_sts.cli.output import print_table
from mock_sts.cli.parser import CLIENT, Commands, holds
from mock_sts.cli.report import EXIT, add_departures, add_options, ask_for_report, read_departures_file, tell_report
from mock_sts.cli.settings import FAULT_JSON, CommandError

_SHOWN = ("id", "client_id", "authority", "environment", "running", "started_at", "ended_at")


def add_conformance(commands: Commands) -> None:
    """Add ``conformance`` with its actions."""
    parser = commands.add_parser(
        "conformance",
        help="conformance sessions, as Samsvarstesting has them: start, end, reset, result, list",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    start = actions.add_parser("start", help="start a session; prints the authority that the client takes")
    holds(start.add_argument("client", metavar="CLIENT", help="the client's id"), CLIENT)
    start.add_argument("--at-root", action="store_true", help="let the authority be /<id>, as NHN's is")
    start.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the session's environment, such as access_token_lifetime=60",
    )
    add_departures(start)
    add_common(start, env=False)
    start.set_defaults(run=_start)

    for name, says in (
        ("end", "end a session; its result stays"),
        ("reset", "begin a session anew: what it has seen is forgotten"),
    ):
        action = actions.add_parser(name, help=says)
        _add_id(action)
        add_common(action, env=False)
        action.set_defaults(run=partial(_act, name))

    result = actions.add_parser("result", help="the report of a session", epilog=EXIT)
    _add_id(result)
    add_options(result, env=False)
    result.set_defaults(run=_result)

    listed = actions.add_parser("list", help="all sessions")
    add_common(listed, env=False)
    listed.set_defaults(run=lambda parsed: tell(parsed, steer(parsed, "GET", "/conformance")["items"], _print_list))


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="the session's id; default: the one that was started last")


def _path(parsed: argparse.Namespace) -> str:
    """Where the control API has the session. Raises CommandError."""
    found = parsed.id
    if found is None:
        items = steer(parsed, "GET", "/conformance?limit=1000")["items"]
        if not items:
            raise CommandError("there is no conformance session; mock-sts conformance start begins one")
        found = max(items, key=lambda one: str(one["started_at"]))["id"]
    return f"/conformance/{quote(found, safe='')}"


def _start(parsed: argparse.Namespace) -> int:
    body: dict[str, Any] = {"client_id": parsed.client, "at_root": parsed.at_root}
    if parsed.setting:
        body["settings"] = dict(map(_setting, parsed.setting))
    departures = read_departures_file(parsed.departures)
    if departures is not None:
        body["departures"] = departures
    return tell(parsed, steer(parsed, "POST", "/conformance", body), _print_one)


def _setting(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise CommandError(f"--setting is {text!r}, but must be NAME=VALUE, such as access_token_lifetime=60")
    name = name.lower().removeprefix("mock_sts_")
    if value.isascii() and value.isdigit():
        return name, int(value[:16])
    return name, {"true": True, "false": False}.get(value.lower(), value)


def _act(action: str, parsed: argparse.Namespace) -> int:
    return tell(parsed, steer(parsed, "POST", f"{_path(parsed)}/{action}"), _print_one)


def _result(parsed: argparse.Namespace) -> int:
    return tell_report(parsed, ask_for_report(parsed, f"{_path(parsed)}/result"))


def _print_one(answer: dict[str, Any]) -> None:
    lines(answer, *_SHOWN)


def _print_list(items: list[dict[str, Any]]) -> None:
    print_table(
        ("ID", "CLIENT_ID", "STATUS", "STARTED", "AUTHORITY"),
        [
            (
                one["id"],
                one["client_id"],
                "running" if one["running"] else "ended",
                one["started_at"],
                one["authority"],
            )
            for one in items
        ],
    )
