"""What a client is judged by as a whole: NHN's conformance checks and security profile, each tied to requirements.

A check judges nothing by itself: it names requirements of ``helseid.profile``, and how a client gets to show them.
``CHECKS`` is all of them, in the order of a report; ``OTHER`` among them holds what no other check names, so that no
requirement is left out of a report.
"""

from functools import lru_cache

from mock_sts.helseid.conformance import own, samsvarstesting, security_profile
from mock_sts.helseid.conformance.check import Check
from mock_sts.helseid.profile import BOOK

#: The text that reports judge by, and when it was published.
PROFILE_TEXT, PROFILE_DATE = "Sikkerhetsprofil for HelseID, utviklerportal.nhn.no", "2025-11-05"

_NAMED = (*samsvarstesting.CHECKS, *security_profile.CHECKS, *own.CHECKS)

OTHER = own.other(
    tuple(
        requirement.id
        for chapter in BOOK
        for requirement in chapter.requirements
        if requirement.id not in {rule for check in _NAMED for rule in check.linked}
    )
)

CHECKS: tuple[Check, ...] = (*_NAMED, OTHER)


def find_check(check_id: str) -> Check | None:
    """The check with this id, in any letter case, or None."""
    return next((check for check in CHECKS if check.id.lower() == check_id.lower()), None)


@lru_cache(maxsize=512)
def checks_of(requirement_id: str) -> tuple[str, ...]:
    """The ids of the checks that name a requirement, but for the one that holds the rest."""
    return tuple(check.id for check in _NAMED if requirement_id in check.linked)
