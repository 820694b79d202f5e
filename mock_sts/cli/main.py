"""The command line: ``mock-sts``. Imports what a command needs when it needs it."""

import argparse
import sys
from collections.abc import Callable, Sequence

from mock_sts import __version__
from mock_sts.cli.ca import add_ca
from mock_sts.cli.client import add_client
from mock_sts.cli.colour import Ink, paint
from mock_sts.cli.completion import add_completion
from mock_sts.cli.conformance import add_conformance
from mock_sts.cli.doctor import add_doctor
from mock_sts.cli.environments import add_environments
from mock_sts.cli.explain import add_explain
from mock_sts.cli.faults import add_faults
from mock_sts.cli.fixtures import add_fixtures
from mock_sts.cli.journal import add_journal
from mock_sts.cli.ordered_tokens import add_ordered_tokens
from mock_sts.cli.output import let_output_take_all, print_json
from mock_sts.cli.parser import Commands, Parser
from mock_sts.cli.persona import add_persona
from mock_sts.cli.registry import add_next_login, add_registry, add_sessions, add_world
from mock_sts.cli.report import add_report
from mock_sts.cli.serve import add_serve
from mock_sts.cli.settings import CommandError
from mock_sts.cli.state import add_clock, add_keys, add_reset, add_snapshot
from mock_sts.cli.token import add_token
from mock_sts.cli.verify import add_verify
from mock_sts.settings.settings import SettingError

#: Exit status for a wrong setting, file or argument.
_WRONG = 2

#: What there is, in the order of the help: each adds its commands, and help and completion follow.
_COMMANDS: tuple[Callable[[Commands], None], ...] = (
    add_serve,
    add_token,
    add_ordered_tokens,
    add_journal,
    add_verify,
    add_report,
    add_conformance,
    add_explain,
    add_persona,
    add_client,
    add_fixtures,
    add_environments,
    add_registry,
    add_world,
    add_next_login,
    add_sessions,
    add_faults,
    add_clock,
    add_keys,
    add_snapshot,
    add_reset,
    add_doctor,
    add_ca,
    add_completion,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Faults that a person can mend are one sentence on stderr, JSON with --json."""
    let_output_take_all()
    parsed = make_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except SettingError as error:
        return _fault(parsed, error)
    except BrokenPipeError:
        return 1
    except Exception as error:
        from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
        from mock_sts.store.database import StoreError  # noqa: PLC0415

        if isinstance(error, DocumentError | StoreError | CommandError):
            return _fault(parsed, error)
        raise


def _fault(parsed: argparse.Namespace, error: Exception) -> int:
    if getattr(parsed, "json", False):
        print_json({"error": str(error)})
    print(paint(str(error), Ink.RED, sys.stderr), file=sys.stderr)
    return _WRONG


def make_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="mock-sts",
        description="An offline emulator of HelseID for tests. Not affiliated with Norsk Helsenett.",
        epilog="Every setting is an environment variable MOCK_STS_... too; see mock-sts serve --help.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.set_defaults(whole=parser)  # for the command that completes what is here
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    return parser
