"""``mock-sts verify``: whether an application sent what a test expects, by the journal."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from mock_sts.cli.colour import Ink, paint
from mock_sts.cli.control import EPILOG, add_common, steer
from mock_sts.cli.output import print_json
from mock_sts.cli.parser import Commands
from mock_sts.cli.settings import FAULT_JSON, CommandError


def add_verify(commands: Commands) -> None:
    """Add ``verify``."""
    parser = commands.add_parser(
        "verify",
        help="hold expectations against the journal: called twice, nonce retried, nothing broken",
        description="Reads expectations as POST /mock/api/v1/verify takes them, from a file or, with -, from standard "
        "input. Exit status 1: one does not hold.",
        epilog=EPILOG + FAULT_JSON,
    )
    parser.add_argument("file", metavar="FILE", help="JSON with expect and, where they matter, client_id, flow, since")
    add_common(parser)
    parser.set_defaults(run=_verify)


def _verify(parsed: argparse.Namespace) -> int:
    order = _read(parsed.file)
    answer = steer(parsed, "POST", "/verify", order)
    if parsed.json:
        print_json(answer)
    else:
        for wanted, result in zip(order["expect"], answer["results"], strict=True):
            mark = paint("met", Ink.GREEN) if result["met"] else paint("not met", Ink.RED)
            named = f" (journal {', '.join(map(str, result['entries']))})" if result["entries"] else ""
            print(f"{mark}: {json.dumps(wanted)}. {result['says']}{named}")
    return 0 if answer["met"] else 1


def _read(name: str) -> dict[str, Any]:
    """The order in a file. Raises CommandError."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        order = json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{name} cannot be read as JSON: {error}") from None
    if not isinstance(order, dict):
        raise CommandError(f"{name} must be a JSON object with expect, a list of expectations")
    return order
