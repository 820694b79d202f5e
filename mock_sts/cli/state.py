"""``mock-sts clock``, ``keys``, ``snapshot`` and ``reset``: what a test steers in one environment."""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from mock_sts.cli.control import EPILOG, add_common, lines, steer, tell
from mock_sts.cli.output import print_table
from mock_sts.cli.parser import FILE, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError
from mock_sts.protocol.jose import ALGORITHMS

_CLOCK = ("now", "wall", "offset", "frozen", "follows", "stays")


def add_clock(commands: Commands) -> None:
    """Add ``clock`` with its actions."""
    parser = commands.add_parser(
        "clock",
        help="the clock that ages codes, nonces, sessions and refresh tokens: show, advance, set, freeze, ...",
        description="Access tokens and what clients sign stay on real time, for clients and APIs have clocks of "
        "their own.",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    taking = {
        "advance": ("DURATION", "go on by an ISO 8601 duration, such as PT2H; =-PT2H goes back"),
        "set": ("TIME", "set it to an ISO 8601 time, such as 2027-01-01T00:00:00Z"),
        "offset": ("DURATION", "let it be ahead of real time by an ISO 8601 duration, such as P1D"),
    }
    for name, (metavar, says) in taking.items():
        action = actions.add_parser(name, help=says)
        action.add_argument("value", metavar=metavar)
        add_common(action)
        action.set_defaults(run=partial(_move, name))
    plain: dict[str, tuple[dict[str, bool], str]] = {
        "freeze": ({"freeze": True}, "let it stand still"),
        "go-on": ({"freeze": False}, "let it go on from where it stands"),
        "reset": ({"reset": True}, "real time again"),
    }
    for name, (body, says) in plain.items():
        action = actions.add_parser(name, help=says)
        add_common(action)
        action.set_defaults(run=partial(_do, body))
    show = actions.add_parser("show", help="what it is")
    add_common(show)
    show.set_defaults(run=lambda parsed: tell(parsed, steer(parsed, "GET", "/clock"), _print_clock))


def _move(name: str, parsed: argparse.Namespace) -> int:
    return _do({name: parsed.value}, parsed)


def _do(body: dict[str, Any], parsed: argparse.Namespace) -> int:
    return tell(parsed, steer(parsed, "POST", "/clock", body), _print_clock)


def _print_clock(answer: dict[str, Any]) -> None:
    lines(answer, *_CLOCK)


def add_keys(commands: Commands) -> None:
    """Add ``keys`` with its actions."""
    parser = commands.add_parser(
        "keys",
        help="signing keys: list, new, rotate, publish, retire, import, delete",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    listed = actions.add_parser("list", help="all signing keys, the newest first")
    add_common(listed)
    listed.set_defaults(run=lambda parsed: tell(parsed, steer(parsed, "GET", "/keys")["items"], _print_keys))

    new = actions.add_parser("new", help="make a key that signs after the next rotation")
    _add_kind(new)
    _add_withheld(new)
    add_common(new)
    new.set_defaults(run=_new)

    rotate = actions.add_parser("rotate", help="let another key sign; the one before stays in the key set")
    rotate.add_argument("--kid", help="which key; default: the oldest that is next, else a new one")
    _add_kind(rotate)
    _add_withheld(rotate)
    add_common(rotate)
    rotate.set_defaults(run=_rotate)

    for name, says in (
        ("publish", "show a key in the key set"),
        ("retire", "take a key out of the key set, into that of expired keys"),
    ):
        action = actions.add_parser(name, help=says)
        action.add_argument("kid")
        add_common(action)
        action.set_defaults(run=partial(_act, name))

    given = actions.add_parser("import", help="take a private JWK, which signs after the next rotation")
    holds(given.add_argument("file", type=Path, help="file with the private JWK"), FILE)
    given.add_argument("--kid", help="its id; default: that of the JWK, or the thumbprint of its certificate")
    given.add_argument("--algorithm", choices=ALGORITHMS, help="what it signs with")
    _add_withheld(given)
    add_common(given)
    given.set_defaults(run=_import)

    delete = actions.add_parser("delete", help="forget a key that does not sign")
    delete.add_argument("kid")
    add_common(delete)
    delete.set_defaults(run=_forget_key)


def _add_kind(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--algorithm", choices=ALGORITHMS, help="what a new key signs with; default: as the settings say"
    )
    parser.add_argument("--bits", type=int, help="of a new RSA key: 2048, 3072 or 4096")


def _add_withheld(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--withheld", action="store_true", help="not in the key set, until mock-sts keys publish")


def _kind(parsed: argparse.Namespace) -> dict[str, Any]:
    named = {name: getattr(parsed, name, None) for name in ("kid", "algorithm", "bits")}
    wanted = {name: value for name, value in named.items() if value is not None}
    return {**wanted, "published": False} if parsed.withheld else wanted


def _new(parsed: argparse.Namespace) -> int:
    return tell(parsed, steer(parsed, "POST", "/keys", _kind(parsed)), _print_key)


def _rotate(parsed: argparse.Namespace) -> int:
    rotated = steer(parsed, "POST", "/keys/rotate", _kind(parsed))
    return tell(parsed, rotated, lambda answer: _print_keys([answer["active"], answer["before"]]))


def _act(name: str, parsed: argparse.Namespace) -> int:
    return tell(parsed, steer(parsed, "POST", f"/keys/{quote(parsed.kid, safe='')}/{name}"), _print_key)


def _import(parsed: argparse.Namespace) -> int:
    from mock_sts.store.fixtures.files import read_text  # noqa: PLC0415

    try:
        jwk = json.loads(read_text(parsed.file))
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{parsed.file} is no JSON: {error}") from None
    return tell(parsed, steer(parsed, "POST", "/keys/import", {"jwk": jwk, **_kind(parsed)}), _print_key)


def _forget_key(parsed: argparse.Namespace) -> int:
    steer(parsed, "DELETE", f"/keys/{quote(parsed.kid, safe='')}")
    return tell(parsed, {"deleted": parsed.kid}, lambda answer: print(f"{answer['deleted']} is forgotten"))


def _print_key(answer: dict[str, Any]) -> None:
    _print_keys([answer])


def _print_keys(items: list[dict[str, Any]]) -> None:
    rows = [
        (one["kid"], one["algorithm"], str(one["bits"]), one["state"], "yes" if one["published"] else "no")
        for one in items
    ]
    print_table(("KID", "ALGORITHM", "BITS", "STATE", "PUBLISHED"), rows)


def add_snapshot(commands: Commands) -> None:
    """Add ``snapshot`` with its actions."""
    parser = commands.add_parser(
        "snapshot",
        help="everything as it was: take, list, restore, delete",
        description="What was used since, such as codes and assertions, can be used again after a restore.",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    take = actions.add_parser("take", help="take one, and print its id")
    take.add_argument("--name", help="what people call it")
    _add_scope(take)
    take.set_defaults(run=_take)
    listed = actions.add_parser("list", help="those of the environment")
    _add_scope(listed)
    listed.set_defaults(run=_list_snapshots)
    restore = actions.add_parser("restore", help="make everything as it was then")
    restore.add_argument("id")
    _add_scope(restore)
    restore.set_defaults(run=_restore)
    delete = actions.add_parser("delete", help="forget one")
    delete.add_argument("id")
    _add_scope(delete)
    delete.set_defaults(run=_delete_snapshot)


def add_reset(commands: Commands) -> None:
    """Add ``reset``."""
    parser = commands.add_parser(
        "reset",
        help="an environment back at its start, or without what one test run has made",
        description="What was made at run time, sessions, codes, tokens, the journal and the clock's offset go; keys, "
        "settings and host names stay.",
        epilog=EPILOG + FAULT_JSON,
    )
    parser.add_argument("--tag", help="only what the test run with this tag has made")
    _add_scope(parser)
    parser.set_defaults(run=_reset)


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", action="store_true", help="all environments")
    add_common(parser)


def _query(parsed: argparse.Namespace) -> str:
    given = {"scope": "server" if parsed.server else None, "tag": getattr(parsed, "tag", None)}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return f"?{query}" if query else ""


def _take(parsed: argparse.Namespace) -> int:
    body = {} if parsed.name is None else {"name": parsed.name}
    taken = steer(parsed, "POST", f"/snapshots{_query(parsed)}", body)
    return tell(parsed, taken, lambda answer: print(answer["id"]))


def _list_snapshots(parsed: argparse.Namespace) -> int:
    items = steer(parsed, "GET", f"/snapshots{_query(parsed)}")["items"]
    return tell(parsed, items, _print_snapshots)


def _print_snapshots(items: list[dict[str, Any]]) -> None:
    print_table(("ID", "TAKEN", "NAME"), [(one["id"], one["created_at"], one["name"] or "-") for one in items])


def _restore(parsed: argparse.Namespace) -> int:
    restored = steer(parsed, "POST", f"/snapshots/{quote(parsed.id, safe='')}/restore{_query(parsed)}")
    return tell(parsed, restored, lambda answer: lines(answer, "environments"))


def _delete_snapshot(parsed: argparse.Namespace) -> int:
    steer(parsed, "DELETE", f"/snapshots/{quote(parsed.id, safe='')}{_query(parsed)}")
    return tell(parsed, {"deleted": parsed.id}, lambda answer: print(f"{answer['deleted']} is forgotten"))


def _reset(parsed: argparse.Namespace) -> int:
    done = steer(parsed, "POST", f"/reset{_query(parsed)}")
    return tell(parsed, done, lambda answer: lines(answer, "environments", "ended", "removed"))
