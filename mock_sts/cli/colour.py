"""Colours for a person at a terminal; none in a pipe, a file or a log."""

import os
import sys
from enum import Enum
from typing import TextIO


class Ink(Enum):
    """How a piece of text looks, by the number that terminals know it by (ECMA-48, SGR)."""

    BOLD = "1"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"


def paint(text: str, ink: Ink, stream: TextIO | None = None) -> str:
    """``text`` in ``ink`` where ``stream`` (standard output when left out) shows colours, else as it is."""
    return f"\x1b[{ink.value}m{text}\x1b[0m" if text and shows_colours(stream or sys.stdout) else text


def shows_colours(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that a person wants colours on.

    ``NO_COLOR`` with any value says no (no-color.org), and wins over ``FORCE_COLOR``, which says yes for a pipe too.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    if os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    # An older console of Windows prints the codes; these two are set by those that do not.
    return sys.platform != "win32" or bool(os.environ.get("WT_SESSION") or os.environ.get("TERM"))
