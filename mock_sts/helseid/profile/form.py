"""The chapter on the bare request: what must be right before anything in it can be read."""

from dataclasses import dataclass

from mock_sts.helseid.profile.sources import PRODUCT
from mock_sts.helseid.requirement import Chapter, Enforcement, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode

OBSERVE = Enforcement.OBSERVE
MUST = Level.MUST

CONTENT_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class FormEvidence:
    """The method, the media type without parameters, and why the form could not be read (or an empty string)."""

    method: str
    media_type: str
    fault: str


CHAPTER: Chapter[FormEvidence] = Chapter("form", "The form of a back-channel request", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "method",
    "The request is a POST",
    level=MUST,
    refused_by=OBSERVE,
    decisive=True,
    remedy="send the parameters by POST",
    source=f"RFC 6749 section 3.2; {PRODUCT}",
)
def method(evidence: FormEvidence) -> Verdict:
    """Answered with 400, not 405."""
    return holds(evidence.method == "POST", evidence.method, "POST")


@CHAPTER.rule(
    "content-type",
    f"The body is {CONTENT_TYPE}",
    level=MUST,
    refused_by=OBSERVE,
    decisive=True,
    remedy=f"send the parameters as a form, with Content-Type: {CONTENT_TYPE}",
    source=f"RFC 6749 section 3.2; {PRODUCT}",
)
def content_type(evidence: FormEvidence) -> Verdict:
    """A charset beside it is ignored."""
    return holds(evidence.media_type == CONTENT_TYPE, evidence.media_type or "absent", CONTENT_TYPE)


@CHAPTER.rule(
    "readable",
    "The form can be read, and no parameter comes twice",
    level=MUST,
    refused_by=OBSERVE,
    says="(says what)",
    decisive=True,
    remedy="encode the form as UTF-8, and send each parameter once",
    source="RFC 6749 section 3.2 and appendix B",
)
def readable(evidence: FormEvidence) -> Verdict:
    """``resource`` alone may be repeated."""
    return holds(not evidence.fault, evidence.fault, "each parameter once, in URL-encoded UTF-8", evidence.fault)
