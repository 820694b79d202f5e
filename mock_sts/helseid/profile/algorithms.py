"""Which algorithms may sign: one answer for assertions, proofs and request objects."""

from collections.abc import Callable
from typing import TypeVar

from mock_sts.helseid.profile.sources import ASSERTION_PAGE, FAPI
from mock_sts.helseid.requirement import (
    FAPI2_ONLY,
    HELSEID_AND_STRICT,
    Chapter,
    Enforcement,
    Level,
    Verdict,
    holds,
    refusal,
)
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.jose import ALGORITHMS, FAPI_ALGORITHMS

Evidence = TypeVar("Evidence")


def allow_algorithms(
    chapter: Chapter[Evidence], algorithm_of: Callable[[Evidence], str], *, source: str, says: str = ""
) -> None:
    """Declare in ``chapter`` which algorithms are allowed: HelseID's nine, and under FAPI 2.0 those of that profile.

    ``algorithm_of`` gives the algorithm of the evidence; ``source`` is where HelseID's are written, ``says`` what a
    client hears of a breach.
    """

    @chapter.rule(
        "algorithm-allowed",
        "The algorithm is one of the nine that HelseID knows",
        level=Level.MUST,
        refused_in=HELSEID_AND_STRICT,
        says=says,
        remedy=f"sign with one of {', '.join(ALGORITHMS)}",
        source=source,
    )
    def algorithm_allowed(evidence: Evidence) -> Verdict:
        """Ed25519 is good, but not for HelseID."""
        found = algorithm_of(evidence)
        return holds(found in ALGORITHMS, found, lambda: ", ".join(ALGORITHMS))

    @chapter.rule(
        "algorithm-fapi",
        "The algorithm is one that FAPI 2.0 allows",
        level=Level.MUST,
        refused_in=FAPI2_ONLY,
        says=says,
        remedy=f"sign with one of {', '.join(FAPI_ALGORITHMS)}",
        source=f"{FAPI} section 5.4.1",
    )
    def algorithm_fapi(evidence: Evidence) -> Verdict:
        """PS256, ES256 or Ed25519."""
        found = algorithm_of(evidence)
        return holds(found in FAPI_ALGORITHMS, found, lambda: ", ".join(FAPI_ALGORITHMS))


#: The same rules on an algorithm by itself, before anything is signed with it.
_ALONE: Chapter[str] = Chapter("algorithm", "Algorithms", ErrorCode.INVALID_CLIENT)
allow_algorithms(_ALONE, str, source=ASSERTION_PAGE)


def why_refused(algorithm: str, enforcement: Enforcement) -> str:
    """Why ``enforcement`` refuses everything that ``algorithm`` signs, in a sentence or two; an empty text where it
    does not.
    """
    refused = refusal(_ALONE.judge(algorithm, enforcement), enforcement)
    return refused.detail if refused is not None else ""
