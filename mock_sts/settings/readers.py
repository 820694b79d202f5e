"""How the texts of settings are read: each function gives the value, or raises ValueError with what would be right."""

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path

from mock_sts.helseid.eids import PROVIDERS
from mock_sts.helseid.hosts import public_url_in
from mock_sts.protocol.addresses import TrustedProxies


def text(text: str) -> str:
    """``text`` as it is. Raises ValueError where the system could not decode it."""
    if any("\ud800" <= c <= "\udfff" for c in text):  # bytes that the system could not decode
        raise ValueError("text in UTF-8")
    return text


def header_text(text: str) -> str:
    """A text that can stand in a header of HTTP. Raises ValueError."""
    if text and re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", text) is None:
        raise ValueError(
            "one that a header can carry: ASCII letters, digits and signs, without a space at its beginning or end; "
            "'openssl rand -hex 16' makes one"
        )
    return text


def number(low: int, high: int) -> Callable[[str], int]:
    """What reads a whole number from ``low`` to ``high``, and raises ValueError for all else."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12 and low <= int(text) <= high):
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def optional_number(low: int, high: int) -> Callable[[str], int | None]:
    """The same, with None for an empty text."""

    def parse(text: str) -> int | None:
        return number(low, high)(text) if text else None

    return parse


def host(text: str) -> str:
    """An IP address of this machine. Raises ValueError."""
    try:
        return str(ipaddress.ip_address("127.0.0.1" if text == "localhost" else text.strip("[]")))
    except ValueError:
        raise ValueError("an IP address of this machine, localhost, or 0.0.0.0 for all") from None


def choice(*choices: str) -> Callable[[str], str]:
    """What reads one of ``choices``, and raises ValueError for all else."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(filter(None, choices))}")
        return text

    return parse


def optional_url(text: str) -> str:
    """A public URL, or an empty text. Raises ValueError."""
    return public_url_in(text) if text else ""


def urls(text: str) -> tuple[str, ...]:
    """Public URLs, separated by spaces or commas. Raises ValueError."""
    return tuple(public_url_in(part) for part in text.replace(",", " ").split())


def folders(text: str) -> tuple[Path, ...]:
    """Existing folders, separated as in PATH. Raises ValueError."""
    folders = tuple(Path(part) for part in text.split(os.pathsep) if part)
    for folder in folders:
        if not _is(Path.is_dir, folder):
            raise ValueError(f"existing folders separated by {os.pathsep!r}; {str(folder)!r} is none")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise ValueError(f"folders that this user may read; {str(folder)!r} is not, so change its permissions")
    return folders


def optional_file(text: str) -> Path | None:
    """A file that this user may read; None for an empty text. Raises ValueError."""
    if not text:
        return None
    path = Path(text)
    if not (_is(Path.is_file, path) and os.access(path, os.R_OK)):
        raise ValueError("a file that this user may read")
    return path


def _is(sort: Callable[[Path], bool], path: Path) -> bool:
    try:
        return sort(path)
    except (OSError, ValueError):  # a name that is too long, or holds NUL
        return False


def proxies(text: str) -> TrustedProxies:
    """How many proxies stand in front, or their addresses and networks. Raises ValueError."""
    if not text:
        return TrustedProxies(0, ())
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10:
        return TrustedProxies(int(text), ())
    try:
        if not text.replace(",", " ").split():
            raise ValueError
        networks = tuple(ipaddress.ip_network(part, strict=False) for part in text.replace(",", " ").split())
    except ValueError:
        raise ValueError("a number from 1 to 10, or addresses and networks such as 10.0.0.0/8") from None
    return TrustedProxies(0, networks)


def schemes(text: str) -> tuple[str, ...]:
    """Schemes of identity providers. Raises ValueError."""
    schemes = tuple(text.replace(",", " ").split())
    known = [provider.scheme for provider in PROVIDERS]
    if any(scheme not in known for scheme in schemes):
        raise ValueError(f"some of {', '.join(known)}")
    return schemes


def flag(text: str) -> bool:
    """True or false. Raises ValueError."""
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"
