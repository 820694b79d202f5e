"""The chapter on the bare request: what must be right before anything in it can be read."""

from mock_sts.helseid.profile.sources import PRODUCT, PROFILE
from mock_sts.helseid.requirement import ALWAYS, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode, quoted
from mock_sts.values import value_type

MUST = Level.MUST

CONTENT_TYPE = "application/x-www-form-urlencoded"


@value_type
class FormEvidence:
    """The method, the media type without parameters, and why the form could not be read (or an empty string).

    ``page`` is the origin of the page for which a browser asks whether it may send the request, None where none does.
    """

    method: str
    media_type: str
    fault: str
    page: str | None = None


CHAPTER: Chapter[FormEvidence] = Chapter("form", "The form of a back-channel request", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "preflight",
    "The request is no preflight of a browser (CORS) that asks for a page of another origin",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="a page needs a backend that asks for its tokens and calls HelseID: pages of no other origin are let in",
    source=f"{PROFILE}; Fetch standard, CORS protocol",
)
def preflight(evidence: FormEvidence) -> Verdict:
    """The browser asks before it sends what a page wants to send; without a yes it sends nothing."""
    return holds(
        evidence.page is None, lambda: f"OPTIONS for a page of {quoted(evidence.page)}", "the request of a backend"
    )


@CHAPTER.rule(
    "method",
    "The request is a POST",
    level=MUST,
    refused_in=ALWAYS,
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
    refused_in=ALWAYS,
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
    refused_in=ALWAYS,
    says="(says what)",
    decisive=True,
    remedy="encode the form as UTF-8, and send each parameter once",
    source="RFC 6749 section 3.2 and appendix B",
)
def readable(evidence: FormEvidence) -> Verdict:
    """``resource`` alone may be repeated."""
    return holds(not evidence.fault, evidence.fault, "each parameter once, in URL-encoded UTF-8", evidence.fault)
