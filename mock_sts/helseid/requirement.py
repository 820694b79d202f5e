"""Requirements: what HelseID or its security profile asks, declared once.

One declaration serves three uses. *Refuse*: ``refusal`` turns the first broken requirement that the enforcement
refuses into an OAuthError. *Observe*: the findings of a judgement go into the journal. *Explain*: id, sentence,
remedy and source are read by the log, the journal and the generated documentation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.values import value_type


class Enforcement(Enum):
    """A mode of judgement: each requirement names the set of those in which a breach is refused.

    They are no scale. STRICT refuses all that HELSEID refuses, and HELSEID all that OBSERVE refuses; but FAPI2 takes
    the text of the FAPI 2.0 Security Profile where HelseID's own profile asks for something else.
    """

    OBSERVE = "observe"
    HELSEID = "helseid"
    STRICT = "strict"
    FAPI2 = "fapi2"

    #: There is one object for each. Python's own, for enumerations in general, is a function in Python.
    __hash__ = object.__hash__

    @property
    def word(self) -> str:
        """The word used in settings and registrations."""
        return self.value

    @classmethod
    def from_word(cls, word: str) -> "Enforcement":
        """The enforcement that ``word`` names, in any letter case. Raises ValueError."""
        return cls(word.lower())


#: The sets that occur. A breach is recorded in every enforcement that is not named.
NEVER: frozenset[Enforcement] = frozenset()
#: What no flow can go on without.
ALWAYS = frozenset(Enforcement)
#: What HelseID refuses today, and FAPI 2.0 with it.
FROM_HELSEID = ALWAYS - {Enforcement.OBSERVE}
#: What HelseID refuses today, where FAPI 2.0 has a text of its own.
HELSEID_AND_STRICT = FROM_HELSEID - {Enforcement.FAPI2}
#: What the security profile and FAPI 2.0 ask, and HelseID lets pass today.
FROM_STRICT = frozenset({Enforcement.STRICT, Enforcement.FAPI2})
#: What only HelseID's security profile asks.
STRICT_ONLY = frozenset({Enforcement.STRICT})
#: What only FAPI 2.0 asks; it is judged in that enforcement alone.
FAPI2_ONLY = frozenset({Enforcement.FAPI2})


class Level(StrEnum):
    """How serious the security profile is about a requirement."""

    MUST = "must"
    SHOULD = "should"


@value_type
class Verdict:
    """What one look gave. ``observed`` and ``expected`` are for people; ``observed`` may quote the client.

    ``says`` takes the place of the requirement's, where HelseID's own words name what was found. ``step`` marks what is
    answered as a breach and is none: a correct client comes by here too. ``options`` are all values that would have
    done, where ``expected`` is a list of them, which it may quote in part.
    """

    met: bool
    observed: str = ""
    expected: str = ""
    says: str = ""
    step: bool = False
    options: tuple[str, ...] = ()


_MET = Verdict(met=True)

#: Longest quotation of what a client sent, and of what it should have sent, in characters. A developer sees both,
#: and the remedy and the source after them: no list of registered values may push those out.
LONGEST_OBSERVED, LONGEST_EXPECTED = 200, 300

#: How many values that would have done are kept beside that.
MOST_OPTIONS = 100


def holds(met: bool, observed: object = "", expected: object = "", says: object = "", *, step: bool = False) -> Verdict:
    """A verdict. ``observed``, ``expected`` and ``says`` become text only when the requirement is broken: they may be
    functions that make it, for most requirements are met and formatting costs more than judging.
    """
    if met:
        return _MET
    wanted = expected() if callable(expected) else expected
    options = tuple(map(str, wanted[:MOST_OPTIONS])) if isinstance(wanted, list | tuple) else ()
    return Verdict(
        False, _short(observed, LONGEST_OBSERVED), _short(wanted, LONGEST_EXPECTED), _words(says), step, options
    )


def _short(value: object, longest: int) -> str:
    text = _words(value)
    return text if len(text) <= longest else text[:longest] + "…"


def _words(value: object) -> str:
    if callable(value):
        value = value()
    return value if isinstance(value, str) else repr(value)


Evidence = TypeVar("Evidence")


@dataclass(frozen=True)
class Requirement(Generic[Evidence]):
    """One requirement.

    ``refused_in`` are the enforcements in which a breach is refused; in the others it is recorded. ``error`` and
    ``says`` are the code and description that HelseID answers with. After a ``decisive`` requirement that is refused
    nothing else is judged. ``is_challenge`` marks a refusal that is a normal step of the protocol, not a fault.
    ``not_as_asked`` says that after a breach which is let pass the answer is not the one that was asked for. The
    answer itself does not show that, so the log tells of it as it tells of a refusal. The check gives None where the
    requirement does not apply.
    """

    id: str
    title: str
    level: Level
    refused_in: frozenset[Enforcement]
    error: ErrorCode
    says: str
    remedy: str
    source: str
    decisive: bool
    is_challenge: bool
    not_as_asked: bool
    check: Callable[[Evidence], Verdict | None]


@value_type
class Finding:
    """A requirement and what was found."""

    requirement: "Requirement[object]"
    verdict: Verdict


class Judgement(NamedTuple):
    """All findings of one judgement in their order, and those among them that are breaches or steps."""

    findings: list[Finding]
    broken: list[Finding]


class _Step(NamedTuple):
    """A requirement made ready for one enforcement: its check, the finding that it is met, and whether a breach ends
    the judgement.
    """

    check: Callable[[Any], Verdict | None]
    met: Finding
    ends: bool


@dataclass
class Chapter(Generic[Evidence]):
    """The requirements on one kind of evidence, in the order in which they are judged."""

    name: str
    title: str
    refuses_with: ErrorCode
    requirements: "list[Requirement[Evidence]]" = field(default_factory=list)
    #: What ``judge`` walks, by enforcement: made at the first judgement, and anew after a further declaration.
    _steps: dict[Enforcement, tuple[_Step, ...]] = field(default_factory=dict, repr=False)

    def rule(
        self,
        name: str,
        title: str,
        *,
        level: Level,
        refused_in: frozenset[Enforcement],
        remedy: str,
        source: str,
        error: ErrorCode | None = None,
        says: str = "",
        decisive: bool = False,
        is_challenge: bool = False,
        not_as_asked: bool = False,
    ) -> "Callable[[Callable[[Evidence], Verdict | None]], Requirement[Evidence]]":
        """Declare a requirement; the decorated function is its check and the name becomes the requirement."""

        def declare(check: Callable[[Evidence], Verdict | None]) -> Requirement[Evidence]:
            requirement: Requirement[Evidence] = Requirement(
                id=f"{self.name}.{name}",
                title=title,
                level=level,
                refused_in=refused_in,
                error=error or self.refuses_with,
                says=says,
                remedy=remedy,
                source=source,
                decisive=decisive,
                is_challenge=is_challenge,
                not_as_asked=not_as_asked,
                check=check,
            )
            self.requirements.append(requirement)
            self._steps.clear()
            return requirement

        return declare

    def without_challenges(self) -> "Chapter[Evidence]":
        """The same requirements without those that lead to a challenge, for places that have no nonce."""
        kept = [requirement for requirement in self.requirements if not requirement.is_challenge]
        return Chapter(self.name, self.title, self.refuses_with, kept)

    def judge(self, evidence: Evidence, enforcement: Enforcement = Enforcement.OBSERVE) -> list[Finding]:
        """All findings on ``evidence`` in order. What only FAPI 2.0 asks is judged under FAPI2 alone.

        Only a broken decisive requirement that ``enforcement`` refuses ends the judgement early: what goes on must have
        met every requirement that follows.
        """
        return self.judgement(evidence, enforcement).findings

    def judgement(self, evidence: Evidence, enforcement: Enforcement) -> Judgement:
        """The same, with what is not met beside it; of a met requirement no object is made."""
        findings: list[Finding] = []
        broken: list[Finding] = []
        for check, met, ends in self._steps.get(enforcement) or self._ready(enforcement):
            verdict = check(evidence)
            if verdict is _MET:  # nearly always
                findings.append(met)
            elif verdict is not None:
                found = Finding(met.requirement, verdict)
                findings.append(found)
                if not verdict.met:
                    broken.append(found)
                    if ends:
                        break
        return Judgement(findings, broken)

    def _ready(self, enforcement: Enforcement) -> tuple[_Step, ...]:
        """The steps of a judgement under ``enforcement``, kept for the next one."""
        steps = self._steps[enforcement] = tuple(
            _Step(
                requirement.check,
                Finding(requirement, _MET),  # type: ignore[arg-type]
                requirement.decisive and enforcement in requirement.refused_in,
            )
            for requirement in self.requirements
            if requirement.refused_in != FAPI2_ONLY or enforcement is Enforcement.FAPI2
        )
        return steps


def refusal(findings: Iterable[Finding], enforcement: Enforcement) -> OAuthError | None:
    """The answer to the first broken requirement that ``enforcement`` refuses, or None."""
    for finding in findings:
        if finding.verdict.met:
            continue
        if enforcement in finding.requirement.refused_in:
            return refuse(finding.requirement, finding.verdict)
    return None


def refuse(requirement: "Requirement[Evidence]", verdict: Verdict) -> OAuthError:
    """The OAuthError for a broken ``requirement``, with everything that the developer should know in ``detail``."""
    said = verdict.says or requirement.says
    return OAuthError(
        requirement.error,
        said,
        detail=explain(requirement, verdict),
        rule=requirement.id,
        explanation=explain(requirement, verdict, source=False),
    )


def explain(requirement: "Requirement[Evidence]", verdict: Verdict, *, source: bool = True) -> str:
    """One line for a developer: the rule, expected, observed, remedy, and with ``source`` where it is written."""
    parts = [requirement.title]
    if verdict.expected:
        parts.append(f"Expected: {verdict.expected}")
    if verdict.observed:
        parts.append(f"Observed: {verdict.observed}")
    parts.append(f"Remedy: {requirement.remedy}")
    if source:
        parts.append(f"Source: {requirement.source}")
    return ". ".join(part.rstrip(".") for part in parts) + "."


def consequence(requirement: "Requirement[Evidence]", enforcement: Enforcement) -> str:
    """What a breach leads to under ``enforcement``, in one word: refused, challenged or recorded."""
    if enforcement not in requirement.refused_in:
        return "recorded"
    return "challenged" if requirement.is_challenge else "refused"
