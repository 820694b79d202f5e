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

    provoke = actions.add_parser(
        "provoke", help="let one thing after the other go wrong in a session, and say whether the client notices"
    )
    provoke.add_argument("id", metavar="ID", help="the session's id")
    wanted = provoke.add_mutually_exclusive_group()
    wanted.add_argument("--next", action="store_true", help="judge the step that is on, and begin the next one")
    wanted.add_argument("--result", action="store_true", help="what came of the steps")
    wanted.add_argument("--end", action="store_true", help="end the run, with its fault")
    provoke.add_argument("--only", action="append", metavar="NAME", help="this provocation; default: all that can be")
    add_common(provoke, env=False)
    provoke.set_defaults(run=_provoke)

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


def _provoke(parsed: argparse.Namespace) -> int:
    path = f"/conformance/{quote(parsed.id, safe='')}/provocation"
    if parsed.end:
        steer(parsed, "DELETE", path)
        return tell(parsed, None, lambda _: print("ended"))
    if parsed.next:
        answer = steer(parsed, "POST", f"{path}/next")
    elif parsed.result:
        answer = steer(parsed, "GET", path)
    else:
        answer = steer(parsed, "POST", path, {"only": parsed.only} if parsed.only else {})
    return tell(parsed, answer, _print_steps if parsed.result else _print_step)


def _print_step(run: dict[str, Any]) -> None:
    step = run["step"]
    done = [one for one in run["steps"] if one["verdict"] is not None]
    if done:
        print(f"{done[-1]['name']}: {done[-1]['verdict']} ({done[-1]['observed']})")
    if step is None:
        print("the run is over; --result shows all of it")
    else:
        print(f"now: {step['name']}, {step['effect'] or 'nothing goes wrong'}. A correct client {step['correct']}.")
        print(f"Log in with the client once, then --next; {run['left']} more after it.")


def _print_steps(run: dict[str, Any]) -> None:
    print_table(
        ("STEP", "VERDICT", "SEEN", "A CORRECT CLIENT"),
        [(one["name"], one["verdict"] or "-", one["observed"] or "-", one["correct"]) for one in run["steps"]],
    )


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
