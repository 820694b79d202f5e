"""The chapter on logins: whether the person who is named can log in where, and as strongly as, the client asks."""

from dataclasses import dataclass

from mock_sts.helseid.eids import Provider
from mock_sts.helseid.identifiers import is_synthetic_pid
from mock_sts.helseid.providers import usable_eids
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.requirement import ALWAYS, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode

MUST = Level.MUST

#: HelseID leaves all this to the provider, and publishes nothing on what comes of it.
_SOURCE = "a choice of this emulator; what HelseID answers is not documented"


@dataclass(frozen=True, slots=True)
class LoginEvidence:
    """A login that is asked for: of whom, where, and how.

    ``persona`` is who has the ``pid``, also when another pid replaced it, or who was invented for it; None when there
    is no such person. ``chosen`` is the short name of the eID that was chosen, None for the first that the person has;
    ``level`` is that of the login, given that the person has the eID, and ``wanted_level`` what the client asks for at
    least, or None. ``require_synthetic`` says that other pids are refused here.
    """

    pid: str
    persona: Persona | None
    provider: Provider
    chosen: str | None
    level: str
    wanted_level: str | None
    require_synthetic: bool


CHAPTER: Chapter[LoginEvidence] = Chapter("login", "Logins of people at providers", ErrorCode.ACCESS_DENIED)

#: What orders a login; the evidence is what is wrong with it, an empty string for nothing.
ORDER_CHAPTER: Chapter[str] = Chapter("login-order", "What orders a login", ErrorCode.ACCESS_DENIED)


@ORDER_CHAPTER.rule(
    "readable",
    "What says who logs in, and how that ends, names a person and an outcome that there are",
    level=MUST,
    refused_in=ALWAYS,
    remedy="send test_pid=<eleven digits>, login_hint=testid:<pid>, login_hint=persona:<short name> or "
    "login_hint=outcome:<outcome>, or correct the cookie or setting that names the person; mock-sts persona list tells "
    "the short names",
    source=_SOURCE,
)
def readable(fault: str) -> Verdict:
    """Parameters of the TestIDP, ``login_hint``, the persona cookie and the default persona."""
    return holds(not fault, fault, "a person, and an outcome, that there are", fault)


@CHAPTER.rule(
    "synthetic",
    "The person's pid lies in a synthetic series, where the server wants that",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    says="the pid lies in no synthetic series, and MOCK_STS_REQUIRE_SYNTHETIC is true",
    remedy="log in as a person of mock-sts persona list; or set MOCK_STS_REQUIRE_SYNTHETIC=false",
    source=_SOURCE,
)
def synthetic(evidence: LoginEvidence) -> Verdict:
    """By setting. The number may be a living person's, so it is not quoted."""
    met = not evidence.require_synthetic or is_synthetic_pid(evidence.pid)
    return holds(met, "a pid of no synthetic series", "one with month +80, +65 or +40")


@CHAPTER.rule(
    "person",
    "There is a person with the pid",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    says="no persona has this pid, and MOCK_STS_INVENT_PEOPLE is false",
    remedy="log in as a person of mock-sts persona list, make one with mock-sts persona new --pid, or set "
    "MOCK_STS_INVENT_PEOPLE=true",
    source=_SOURCE,
)
def person(evidence: LoginEvidence) -> Verdict:
    """Or may one be invented."""
    return holds(evidence.persona is not None, "a pid that no person has", "the pid of a person")


@CHAPTER.rule(
    "replaced",
    "The pid has not been replaced by another one",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    says="the pid was replaced by (names the later one), which is the one to log in with",
    remedy="log in with the later pid; or take superseded_by out of the person's registration",
    source=_SOURCE,
)
def replaced(evidence: LoginEvidence) -> Verdict | None:
    """By registration of the person."""
    later = evidence.persona.superseded_by if evidence.persona is not None else None
    return holds(
        later is None,
        "a pid that was replaced",
        lambda: f"{later}, the later one",
        lambda: replaced_by(later or ""),
    )


@CHAPTER.rule(
    "eid",
    "The person has an eID that the provider takes, of a level that the person reaches",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    says="the person has no eID for (names the provider or the eID)",
    remedy="choose another provider, eID or person (docs/providers.md tells who can log in where), or change eids or "
    "security_level of the person",
    source=_SOURCE,
)
def eid(evidence: LoginEvidence) -> Verdict | None:
    """By registration of the person; who has none listed has all of their level."""
    persona, provider = evidence.persona, evidence.provider
    if persona is None:
        return None
    chosen = provider.eid(evidence.chosen) if evidence.chosen is not None else None
    usable = usable_eids(persona, provider)
    wanted = chosen.display_name if chosen is not None else provider.display_name
    taken = [name for one in (provider.eids if chosen is None else (chosen,)) for name in one.taken]
    return holds(
        bool(usable) if evidence.chosen is None else chosen in usable,
        lambda: f"eids: {_listed(persona.eids)}, level {persona.security_level}",
        lambda: f"at {provider.scheme} one of {_listed(tuple(taken))}, of a level up to the person's",
        lambda: f"the person has no eID for {wanted}",
    )


@CHAPTER.rule(
    "person-level",
    "The person reaches the security level that is chosen at the TestIDP",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    says="the person has no eID of level (names the level); the highest is (names it)",
    remedy="choose the lower level (test_security_level=3), or log in as another person; or raise the person's "
    "security_level",
    source=_SOURCE,
)
def person_level(evidence: LoginEvidence) -> Verdict | None:
    """By registration of the person."""
    if evidence.persona is None:
        return None
    highest = evidence.persona.security_level
    return holds(
        evidence.level <= highest,
        evidence.level,
        lambda: f"at most {highest}",
        lambda: f"the person has no eID of level {evidence.level}; the highest is {highest}",
    )


@CHAPTER.rule(
    "level",
    "The login has the security level that the client asks for",
    level=MUST,
    refused_in=ALWAYS,
    says="the security level of the login is too low: (names it), where (names the level) is asked for",
    remedy="choose an eID of that level, or log in as a person who has one; the client asks for less by leaving Level4 "
    "out of acr_values",
    source="HelseID documentation, acr_values; the error is a choice of this emulator",
)
def wanted_level(evidence: LoginEvidence) -> Verdict | None:
    """By ``acr_values``."""
    wanted = evidence.wanted_level
    if wanted is None:
        return None
    return holds(
        evidence.level >= wanted,
        evidence.level,
        wanted,
        lambda: f"the security level of the login is too low: {evidence.level}, where {wanted} is asked for",
    )


def replaced_by(later: str) -> str:
    """What is said of a pid that ``later`` has replaced."""
    return f"the pid was replaced by {later}, which is the one to log in with"


def _listed(names: tuple[str, ...] | None) -> str:
    return "all" if names is None else ", ".join(names) or "none"
