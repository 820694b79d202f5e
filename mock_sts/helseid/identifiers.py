"""National identifiers: fødselsnummer, D-number, HPR number, organization number.

HelseID itself checks little of this, and neither does the emulator when it answers; the checks serve the committed
world, where every person must be synthetic, and warnings.
"""

import re
from datetime import date

#: What is added to the month of a synthetic person: Tenor (Skatteetaten), NHN's and NAV's series, NAV's Dolly.
_SYNTHETIC_MONTHS = (80, 65, 40)

_K1 = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_K2 = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_ORGANIZATION_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)


def is_pid(text: str) -> bool:
    """Whether ``text`` has the form of a national identity number: eleven ASCII digits."""
    return re.fullmatch(r"[0-9]{11}", text) is not None


def pid_check_digits_ok(pid: str) -> bool:
    """Whether the last two digits of ``pid`` are right (Skatteetaten's modulus 11)."""
    digits = [int(c) for c in pid]
    return _mod11(digits[:9], _K1) == digits[9] and _mod11(digits[:10], _K2) == digits[10]


def is_synthetic_pid(pid: str) -> bool:
    """Whether ``pid`` lies in a series that is given to synthetic people only."""
    return is_pid(pid) and _synthetic_offset(pid) is not None and birth_date(pid) is not None


def is_d_number(pid: str) -> bool:
    """Whether ``pid`` is a D-number: its day has 40 added."""
    return is_pid(pid) and pid[0] in "4567"


def birth_date(pid: str) -> date | None:
    """The date of birth that ``pid`` tells, or None when it tells no possible date."""
    day = int(pid[:2]) - (40 if is_d_number(pid) else 0)
    month = int(pid[2:4]) - (_synthetic_offset(pid) or 0)
    year, individual = int(pid[4:6]), int(pid[6:9])
    if individual < 500:
        century = 1900
    elif individual < 750 and year >= 54:
        century = 1800
    elif year < 40:
        century = 2000
    elif individual >= 900:
        century = 1900
    else:
        return None
    try:
        return date(century + year, month, day)
    except ValueError:
        return None


def pid_fault(pid: str) -> str:
    """Why no person at all can have ``pid``, which has the form of one; an empty text where one can."""
    if birth_date(pid) is None:
        return "it tells no date of birth"
    return "" if pid_check_digits_ok(pid) else "its check digits are wrong"


def is_organization_number(text: str) -> bool:
    """Whether ``text`` has the form of an organization number: nine ASCII digits."""
    return re.fullmatch(r"[0-9]{9}", text) is not None


def organization_check_digit_ok(number: str) -> bool:
    """Whether the last digit of an organization number is right (Brønnøysundregistrene's modulus 11)."""
    digits = [int(c) for c in number]
    return _mod11(digits[:8], _ORGANIZATION_WEIGHTS) == digits[8]


def is_synthetic_organization_number(number: str) -> bool:
    """Whether ``number`` lies in the synthetic series: real organizations begin with 8 or 9."""
    return is_organization_number(number) and number[0] in "23"


def is_hpr_number(text: str) -> bool:
    """Whether ``text`` has the form of an HPR number: seven to nine digits; the real register has seven."""
    return re.fullmatch(r"[1-9][0-9]{6,8}", text) is not None


def _synthetic_offset(pid: str) -> int | None:
    month = int(pid[2:4])
    return next((offset for offset in _SYNTHETIC_MONTHS if 1 <= month - offset <= 12), None)


def _mod11(digits: list[int], weights: tuple[int, ...]) -> int | None:
    check = 11 - sum(d * w for d, w in zip(digits, weights, strict=True)) % 11
    return 0 if check == 11 else check if check != 10 else None
