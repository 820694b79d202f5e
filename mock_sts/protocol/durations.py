"""Times and durations as ISO 8601 writes them, for people and programs that steer a clock.

A year counts 365 days and a month 30, for a duration has no calendar to lie in: ``P1Y`` and ``P365D`` are the same.
"""

import datetime
import re

_DAY = 86_400

#: What each part of a duration counts, in seconds, in their order.
_PARTS = (365 * _DAY, 30 * _DAY, 7 * _DAY, _DAY, 3_600, 60, 1)

_DURATION = re.compile(
    r"([+-]?)P(?=\d|T\d)(?:(\d{1,12})Y)?(?:(\d{1,12})M)?(?:(\d{1,12})W)?(?:(\d{1,12})D)?"
    r"(?:T(?=\d)(?:(\d{1,12})H)?(?:(\d{1,12})M)?(?:(\d{1,12})S)?)?",
    re.ASCII,
)

#: A date and a time of day with their offset from UTC; fractions of a second are passed over.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,]\d{1,12})?(Z|z|[+-]\d\d:?\d\d)", re.ASCII)

#: As a JSON schema has them.
DURATION_PATTERN = (
    r"^[+-]?P(?=[0-9]|T[0-9])([0-9]{1,12}Y)?([0-9]{1,12}M)?([0-9]{1,12}W)?([0-9]{1,12}D)?"
    r"(T(?=[0-9])([0-9]{1,12}H)?([0-9]{1,12}M)?([0-9]{1,12}S)?)?$"
)


def read_duration(text: str) -> int:
    """The seconds of an ISO 8601 duration in whole numbers, such as ``PT2H`` or ``-P1DT30M``. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("an ISO 8601 duration in whole numbers, such as PT2H, P1D or -PT30S")
    sign, *numbers = found.groups()
    seconds = sum(int(number) * worth for number, worth in zip(numbers, _PARTS, strict=True) if number)
    return -seconds if sign == "-" else seconds


def write_duration(seconds: int) -> str:
    """``seconds`` as an ISO 8601 duration in days, hours, minutes and seconds; ``PT0S`` for none."""
    days, rest = divmod(abs(seconds), _DAY)
    hours, rest = divmod(rest, 3_600)
    times = [(hours, "H"), (rest // 60, "M"), (rest % 60, "S")]
    clock = "".join(f"{number}{unit}" for number, unit in times if number)
    text = f"P{days}D" * bool(days) or "P"
    text += f"T{clock}" if clock else ""
    return "PT0S" if text == "P" else f"-{text}" if seconds < 0 else text


def read_time(text: str) -> int:
    """The second since 1970 of an ISO 8601 time with its offset from UTC, such as ``2027-01-01T00:00:00Z``.

    Fractions of a second are passed over. Raises ValueError.
    """
    found = _TIME.fullmatch(text)
    wanted = "a time with its offset from UTC, such as 2027-01-01T00:00:00Z or 2027-01-01T01:00:00+01:00"
    if found is None:
        raise ValueError(wanted)
    date, clock, zone = found.groups()
    try:
        read = datetime.datetime.fromisoformat(f"{date}T{clock}{'+00:00' if zone in 'Zz' else zone}")
        return int(read.timestamp())
    except (ValueError, OverflowError):
        raise ValueError(f"{wanted}; there is no {text!r}") from None


def write_time(second: int) -> str:
    """A second since 1970 as ``2027-01-01T00:00:00Z``."""
    return datetime.datetime.fromtimestamp(second, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
