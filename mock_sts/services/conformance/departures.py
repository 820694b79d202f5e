"""Departures from the profile that are accepted: a check or a requirement, and the reason. NHN asks for the reason."""

from collections.abc import Mapping, Sequence
from typing import Any

from mock_sts.helseid.conformance import CHECKS, find_check
from mock_sts.helseid.profile import BOOK, find
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.values import value_type

#: Longest reason, in characters; and how many departures one report takes.
LONGEST_REASON, MOST = 2_000, 200


class DepartureError(ValueError):
    """A departure that cannot be read; the message says which, and what to do. ``path`` leads to the member."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path or None


@value_type
class Departure:
    """``of`` is the id of a check or of a requirement."""

    of: str
    reason: str


def read_departures(document: object, where: str = "departures") -> tuple[Departure, ...]:
    """The departures of a list of mappings with ``of`` and ``reason``; a file may have it under ``departures``.

    Raises DepartureError.
    """
    if isinstance(document, Mapping):
        surplus = [name for name in document if name != "departures"]
        if surplus or "departures" not in document:
            raise DepartureError(f"{where}: expected a list, or one member 'departures' that is a list")
        document = document["departures"]
    if document is None:
        return ()
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise DepartureError(f"{where}: expected a list of mappings, each with 'of' and 'reason'")
    if len(document) > MOST:
        raise DepartureError(f"{where}: {len(document)} departures, {MOST} at most")
    found = [_read(one, f"{where}, number {number}", number - 1) for number, one in enumerate(document, 1)]
    names = [one.of for one in found]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise DepartureError(f"{where}, number {number + 1}: {name!r} stands there twice", number, "of")
    return tuple(found)


def _read(one: Any, where: str, number: int) -> Departure:
    if not isinstance(one, Mapping):
        raise DepartureError(f"{where}: expected a mapping with 'of' and 'reason'", number)
    for name in one:
        if name not in ("of", "reason"):
            meant = did_you_mean(str(name), ("of", "reason"))
            raise DepartureError(f"{where}: no member {str(name)[:60]!r}; {meant or 'it has of and reason'}", number)
    of, reason = one.get("of"), one.get("reason")
    if not isinstance(of, str) or not of:
        raise DepartureError(f"{where}: 'of' must be the id of a check (T5) or of a rule", number, "of")
    if not isinstance(reason, str) or not reason.strip():
        raise DepartureError(f"{where}: 'reason' must say why {of[:60]} is accepted", number, "reason")
    if len(reason) > LONGEST_REASON:
        raise DepartureError(f"{where}: 'reason' has more than {LONGEST_REASON} characters", number, "reason")
    check = find_check(of)
    if check is None and find(of) is None:
        known = [*(one.id for one in CHECKS), *(rule.id for chapter in BOOK for rule in chapter.requirements)]
        meant = did_you_mean(of, known)
        raise DepartureError(
            f"{where}: no check and no rule has the id {of[:60]!r}; {meant or '/mock/rules lists the rules'}",
            number,
            "of",
        )
    return Departure(check.id if check is not None else of, reason.strip())
