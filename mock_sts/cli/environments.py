"""``mock-sts env``: environments, which are further servers below one."""

import argparse
from typing import Any
from urllib.parse import quote

from mock_sts.cli.control import EPILOG, add_common, lines, steer, tell
from mock_sts.cli.output import print_table
from mock_sts.cli.parser import Commands
from mock_sts.cli.settings import FAULT_JSON, CommandError
from mock_sts.settings.settings import PRESETS

_SHOWN = ("name", "issuer", "hosts", "settings", "declared", "tag", "created_at", "used_at")


def add_environments(commands: Commands) -> None:
    """Add ``env`` with its actions."""
    parser = commands.add_parser(
        "env", help="environments: create, list, show, change, delete", epilog=EPILOG + FAULT_JSON
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    create = actions.add_parser("create", help="make one, and print its issuer")
    create.add_argument("name", nargs="?", help="1 to 63 of a-z, 0-9 and -; default: a random one")
    _add_settings(create)
    create.add_argument("--fresh-keys", action="store_true", help="with a signing key of its own")
    create.add_argument("--tag", help="the test run that makes it; mock-sts reset --tag ends it")
    add_common(create, env=False)
    create.set_defaults(run=_create)

    listed = actions.add_parser("list", help="all environments")
    add_common(listed, env=False)
    listed.set_defaults(run=_list)

    show = actions.add_parser("show", help="one environment")
    show.add_argument("name")
    add_common(show, env=False)
    show.set_defaults(run=_show)

    change = actions.add_parser("change", help="change settings and host names; what it holds stays")
    change.add_argument("name")
    _add_settings(change)
    change.add_argument(
        "--unset", action="append", default=[], metavar="SETTING", help="give a setting back to the server"
    )
    change.add_argument("--no-hosts", action="store_true", help="take all host names away")
    add_common(change, env=False)
    change.set_defaults(run=_change)

    delete = actions.add_parser("delete", help="end one with all that it holds")
    delete.add_argument("name")
    add_common(delete, env=False)
    delete.set_defaults(run=_delete)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SETTING=VALUE",
        help="a setting of its own, such as enforcement=strict or access_token_lifetime=60; may be repeated",
    )
    parser.add_argument("--preset", choices=tuple(PRESETS), help="a named bundle of settings")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name under which it answers without the path before its own; may be repeated",
    )


def _wanted(parsed: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for text in parsed.set:
        name, sign, value = text.partition("=")
        if not sign:
            raise CommandError(f"--set is {text!r}, but must be SETTING=VALUE, such as enforcement=strict")
        settings[name.strip().lower().removeprefix("mock_sts_")] = value.strip()
    wanted: dict[str, Any] = {"settings": settings} if settings else {}
    if parsed.preset:
        wanted["preset"] = parsed.preset
    if parsed.host:
        wanted["hosts"] = parsed.host
    return wanted


def _create(parsed: argparse.Namespace) -> int:
    wanted = _wanted(parsed)
    for name in ("name", "tag"):
        if getattr(parsed, name) is not None:
            wanted[name] = getattr(parsed, name)
    if parsed.fresh_keys:
        wanted["fresh_keys"] = True
    made = steer(parsed, "POST", "/environments", wanted)
    return tell(parsed, made, lambda answer: print(answer["issuer"]))


def _list(parsed: argparse.Namespace) -> int:
    items: list[dict[str, Any]] = []
    following = ""
    while True:
        page = steer(parsed, "GET", f"/environments?limit=1000{following}")
        items += page["items"]
        if page["next"] is None:
            break
        following = f"&after={quote(page['next'])}"
    return tell(parsed, items, _print_list)


def _print_list(items: list[dict[str, Any]]) -> None:
    rows = [(one["name"], one["used_at"], ", ".join(one["hosts"]) or "-", one["issuer"]) for one in items]
    print_table(("NAME", "USED", "HOSTS", "ISSUER"), rows)


def _show(parsed: argparse.Namespace) -> int:
    return tell(parsed, steer(parsed, "GET", _path(parsed)), lambda answer: lines(answer, *_SHOWN))


def _change(parsed: argparse.Namespace) -> int:
    wanted = _wanted(parsed)
    if parsed.unset:
        wanted["settings"] = {**wanted.get("settings", {}), **dict.fromkeys(parsed.unset)}
    if parsed.no_hosts:
        wanted["hosts"] = []
    if not wanted:
        raise CommandError("nothing to change: give --set, --unset, --preset, --host or --no-hosts")
    return tell(parsed, steer(parsed, "PATCH", _path(parsed), wanted), lambda answer: lines(answer, *_SHOWN))


def _delete(parsed: argparse.Namespace) -> int:
    steer(parsed, "DELETE", _path(parsed))
    return tell(parsed, {"deleted": parsed.name}, lambda answer: print(f"{answer['deleted']} has ended"))


def _path(parsed: argparse.Namespace) -> str:
    return f"/environments/{quote(parsed.name, safe='')}"
