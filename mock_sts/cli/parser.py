"""How words on the command line are read: whole names only, texts in UTF-8, and a near name for each wrong word.

Each command is a function that adds itself to ``Commands``; ``main`` has the list of them. What an argument can hold is
said where it is declared (``choices``, ``holds``), and completion is made of that.
"""

import argparse
import os
import sys
from typing import Any, NoReturn, TypeAlias

from mock_sts.cli.colour import Ink, paint
from mock_sts.protocol.near_names import did_you_mean

#: What a new command is added to.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

#: What a shell can offer for an argument: files, folders, or lines that ``mock-sts completion --words`` prints.
FILE, FOLDER, CLIENT, PERSONA, RULE = "file", "folder", "client", "persona", "rule"


def holds(argument: argparse.Action, kind: str) -> None:
    """Note what ``argument`` holds (FILE, FOLDER, CLIENT, PERSONA or RULE), for completion."""
    argument.holds = kind  # type: ignore[attr-defined]


def held_by(argument: argparse.Action) -> str | None:
    """What ``argument`` was noted to hold, or None."""
    kind: str | None = getattr(argument, "holds", None)
    return kind


def _text(argument: str) -> str:
    """``argument`` as text, also where the system took its UTF-8 for something else. Paths are no texts: any bytes do.

    Raises ArgumentTypeError.
    """
    try:
        argument.encode()
    except UnicodeEncodeError:
        try:
            return os.fsencode(argument).decode("utf-8")
        except UnicodeError:
            raise argparse.ArgumentTypeError(f"{argument!r} is no text in UTF-8") from None
    return argument


class _Help(argparse.HelpFormatter):
    """Leaves room for the indent of commands, so that the longest one too has its help beside it."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action.choices, dict):
            names = (len(name) for name in action.choices)
            self._action_max_length = max(self._action_max_length, max(names, default=0) + 4)


class Parser(argparse.ArgumentParser):
    """Takes options by their whole names only: an abbreviation in a script breaks with the next option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": _Help, **options})
        self.register("type", None, _text)

    def add_subparsers(self, **options: Any) -> Any:
        """Parsers of commands get all that follows them, paths too, and judge it by themselves."""
        commands = super().add_subparsers(**options)
        commands.type = str
        return commands

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is unknown here, with the usage of this command, not of all."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            option = unknown[0].partition("=")[0]
            meant = did_you_mean(option, self._option_string_actions, at_most=1, cutoff=0.75, quoted=False)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{meant and '; '}{meant}")
        return known, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a word that is none of the choices, with the one that was meant."""
        choices = action.choices
        if choices is None or value in choices:
            return
        names = [str(choice) for choice in choices]
        meant = did_you_mean(str(value), names, at_most=1, quoted=False)
        listed = ", ".join(names)
        raise argparse.ArgumentError(action, f"invalid choice: {value!r}; {meant}{meant and ' '}choose from: {listed}")

    def error(self, message: str) -> NoReturn:
        """Print the usage and ``message``, and end with status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {paint('error:', Ink.RED, sys.stderr)} {message}\n")
