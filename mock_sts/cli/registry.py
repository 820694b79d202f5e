"""``mock-sts registry``, ``world``, ``session`` and ``next-login``: what a test puts into an environment, and who is
logged in there.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from mock_sts.cli.control import EPILOG, add_common, lines, steer, tell
from mock_sts.cli.output import counted, print_json, print_table
from mock_sts.cli.parser import CLIENT, FILE, PERSONA, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError

#: The sorts of entries, each with its key and what a list shows beside it.
_SORTS = {
    "personas": ("pid", ("persona", "given_name", "family_name")),
    "organizations": ("number", ("name", "parent")),
    "apis": ("audience", ("name", "scopes")),
    "clients": ("client_id", ("client_name", "scope")),
}


def add_registry(commands: Commands) -> None:
    """Add ``registry`` with its actions."""
    parser = commands.add_parser(
        "registry",
        help="people, organizations, APIs and clients of any environment: list, show, put, delete",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    listed = actions.add_parser("list", help="all of a sort")
    _add_sort(listed)
    listed.add_argument("--made", action="store_true", help="those that were made in this environment only")
    add_common(listed)
    listed.set_defaults(run=_list)

    show = actions.add_parser("show", help="one of them, as a fixture file has it")
    _add_sort(show, key=True)
    add_common(show)
    show.set_defaults(run=_show)

    put = actions.add_parser("put", help="make one, or put it in the place of the one that is there")
    _add_sort(put, key=True)
    holds(
        put.add_argument(
            "file", type=Path, nargs="?", help="YAML or JSON with its members, as in a fixture file; default: none"
        ),
        FILE,
    )
    put.add_argument(
        "--make-key",
        choices=("RSA", "EC"),
        help="of a client: make a key pair; the private key is printed, and not kept",
    )
    add_common(put)
    put.set_defaults(run=_put)

    delete = actions.add_parser("delete", help="do without one; what a file describes is hidden in this environment")
    _add_sort(delete, key=True)
    add_common(delete)
    delete.set_defaults(run=_delete)


def _add_sort(parser: argparse.ArgumentParser, *, key: bool = False) -> None:
    parser.add_argument("sort", choices=tuple(_SORTS))
    if key:
        parser.add_argument("key", help="pid, organization number, audience or client_id")


def _path(parsed: argparse.Namespace) -> str:
    return f"/{parsed.sort}/{quote(parsed.key, safe='')}"


def _items(parsed: argparse.Namespace, path: str, **query: str) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = steer(parsed, "GET", f"{path}?{urlencode({'limit': '1000', **query, **after})}")
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def _list(parsed: argparse.Namespace) -> int:
    found = _items(parsed, f"/{parsed.sort}", **({"origin": "made"} if parsed.made else {}))
    return tell(parsed, found, partial(_print_entries, parsed.sort))


def _print_entries(sort: str, found: list[dict[str, Any]]) -> None:
    key, others = _SORTS[sort]
    rows = [[_cell(one.get(name)) for name in (key, *others)] for one in found]
    print_table([name.upper() for name in (key, *others)], rows)
    print(counted(len(rows), sort.removesuffix("s"), sort))


def _cell(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else "-" if value in (None, "") else str(value)


def _show(parsed: argparse.Namespace) -> int:
    print_json(steer(parsed, "GET", _path(parsed)))
    return 0


def _put(parsed: argparse.Namespace) -> int:
    body = {} if parsed.file is None else _read(parsed.file)
    if parsed.make_key is not None:
        body["make_key"] = parsed.make_key
    print_json(steer(parsed, "PUT", _path(parsed), body))
    return 0


def _delete(parsed: argparse.Namespace) -> int:
    return tell(parsed, steer(parsed, "DELETE", _path(parsed)), lambda _: print(f"{parsed.key} is gone here"))


def _read(file: Path) -> dict[str, Any]:
    """The mapping in a file. Raises DocumentError and CommandError."""
    from mock_sts.store.fixtures.rows import read_document  # noqa: PLC0415

    content = read_document(file)
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict):
        raise CommandError(f"{file}: must hold one mapping of members")
    return content


def add_world(commands: Commands) -> None:
    """Add ``world`` with its actions."""
    parser = commands.add_parser(
        "world",
        help="all that was made in an environment: show, put",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    show = actions.add_parser("show", help="as put takes it, in JSON")
    add_common(show)
    show.set_defaults(run=_show_world)
    put = actions.add_parser("put", help="put it in the place of what was made: all of it or, with a fault, none")
    holds(
        put.add_argument(
            "file", type=Path, help="YAML or JSON with organizations, personas, apis, clients: lists of entries"
        ),
        FILE,
    )
    add_common(put)
    put.set_defaults(run=_put_world)


def _show_world(parsed: argparse.Namespace) -> int:
    print_json(steer(parsed, "GET", "/world"))
    return 0


def _put_world(parsed: argparse.Namespace) -> int:
    return tell(parsed, steer(parsed, "PUT", "/world", _read(parsed.file)), _print_world)


def _print_world(answer: dict[str, Any]) -> None:
    lines(answer, *_SORTS)
    for warning in answer["warnings"]:
        print(f"warning: {warning}")


def add_sessions(commands: Commands) -> None:
    """Add ``session`` with its actions, and ``pending``."""
    parser = commands.add_parser(
        "session",
        help="who is logged in: list, end; and tokens of a client: revoke",
        epilog=EPILOG + FAULT_JSON,
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="logins of browsers that are not ended")
    add_common(listed)
    listed.set_defaults(run=lambda parsed: tell(parsed, _items(parsed, "/sessions"), _print_sessions))
    end = actions.add_parser("end", help="end one, as a logout does")
    end.add_argument("sid")
    add_common(end)
    end.set_defaults(run=_end)
    revoke = actions.add_parser("revoke", help="take all tokens of a client's logins back")
    holds(revoke.add_argument("client_id"), CLIENT)
    add_common(revoke)
    revoke.set_defaults(run=_revoke)
    pending = actions.add_parser("pending", help="codes, authorization requests and scripted logins that wait")
    add_common(pending)
    pending.set_defaults(run=lambda parsed: tell(parsed, _items(parsed, "/pending"), _print_pending))


def _print_sessions(found: list[dict[str, Any]]) -> None:
    rows = [[one["sid"], one["pid"], one["idp"], one["security_level"], _cell(one["clients"])] for one in found]
    print_table(("SID", "PID", "IDP", "LEVEL", "CLIENTS"), rows)
    print(counted(len(rows), "session", "sessions"))


def _print_pending(found: list[dict[str, Any]]) -> None:
    rows = [[one["kind"], _cell(one["client_id"]), _cell(one["pid"]), _cell(one["redirect_uri"])] for one in found]
    print_table(("KIND", "CLIENT_ID", "PID", "REDIRECT_URI"), rows)
    print(f"{len(rows)} pending")


def _end(parsed: argparse.Namespace) -> int:
    answer = steer(parsed, "DELETE", f"/sessions/{quote(parsed.sid, safe='')}")
    return tell(parsed, answer, lambda _: print(f"ended {parsed.sid}"))


def _revoke(parsed: argparse.Namespace) -> int:
    answer = steer(parsed, "POST", "/tokens/revoke", {"client_id": parsed.client_id})
    return tell(
        parsed, answer, lambda _: print(f"tokens of {counted(answer['logins'], 'login', 'logins')} are taken back")
    )


def add_next_login(commands: Commands) -> None:
    """Add ``next-login``."""
    parser = commands.add_parser(
        "next-login",
        help="let a person log in next without a page, or let the next login fail",
        epilog=EPILOG + FAULT_JSON,
    )
    holds(parser.add_argument("persona", nargs="?", metavar="PERSONA", help="short name or pid"), PERSONA)
    holds(parser.add_argument("--client", metavar="ID", help="logins to this client only"), CLIENT)
    parser.add_argument("--outcome", default="success", help="how the login ends; default: success")
    parser.add_argument("--times", type=int, default=1, help="how many logins; default: 1")
    add_common(parser)
    parser.set_defaults(run=_order)


def _order(parsed: argparse.Namespace) -> int:
    body = {
        "persona": parsed.persona,
        "outcome": parsed.outcome,
        "times": parsed.times,
        "match": {} if parsed.client is None else {"client_id": parsed.client},
    }
    answer = steer(parsed, "POST", "/next-login", body)
    return tell(parsed, answer, lambda _: print(f"ordered as {answer['id']}"))
