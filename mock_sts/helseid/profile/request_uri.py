"""The chapter on handles: what a request_uri, or what brings a request back from the login pages, must be."""

from mock_sts.helseid.profile.sources import PRODUCT, PROFILE
from mock_sts.helseid.requirement import ALWAYS, NEVER, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode
from mock_sts.values import value_type

MUST, SHOULD = Level

#: What Microsoft's handler adds to the authorize request by itself, with PAR too.
TELEMETRY = ("x-client-SKU", "x-client-ver")


@value_type
class RequestUriEvidence:
    """A request_uri at the authorize endpoint: whether it is ours, whose, and used or over.

    ``surplus`` are parameters beside client_id and request_uri.
    """

    known: bool
    used: bool
    expired: bool
    own: bool
    surplus: tuple[str, ...]


CHAPTER: Chapter[RequestUriEvidence] = Chapter(
    "request-uri", "The request_uri of a pushed request", ErrorCode.INVALID_REQUEST_URI
)


@CHAPTER.rule(
    "fresh",
    "The request_uri comes from PAR and has not been used",
    level=MUST,
    refused_in=ALWAYS,
    says="invalid or reused PAR request uri",
    decisive=True,
    remedy="push a new request for each login",
    source=f"RFC 9126 section 4; {PRODUCT}",
)
def fresh(evidence: RequestUriEvidence) -> Verdict:
    """Used up when its answer is written."""
    observed = "it has been used" if evidence.used else "it is unknown here"
    return holds(evidence.known and not evidence.used, observed, "an unused request_uri of this server")


@CHAPTER.rule(
    "alive",
    "The request_uri has not expired",
    level=MUST,
    refused_in=ALWAYS,
    says="expired pushed authorization request",
    decisive=True,
    remedy="begin and end the login within expires_in of the PAR answer",
    source=f"RFC 9126 section 2.2; {PRODUCT}",
)
def alive(evidence: RequestUriEvidence) -> Verdict:
    """It covers the whole login."""
    return holds(not evidence.expired, "expired", "within expires_in")


@CHAPTER.rule(
    "own",
    "The request_uri belongs to the client_id beside it",
    level=MUST,
    refused_in=ALWAYS,
    says="invalid client for pushed authorization request",
    decisive=True,
    remedy="send the client_id that pushed the request",
    source=f"RFC 9126 section 4; {PRODUCT}",
)
def own(evidence: RequestUriEvidence) -> Verdict:
    """Bound at PAR."""
    return holds(evidence.own, "another client_id", "the client that pushed it")


@CHAPTER.rule(
    "alone",
    "client_id and request_uri stand alone at the authorize endpoint",
    level=MUST,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="leave everything else in the pushed request; it is ignored here",
    source=f"HelseID documentation, Authorization-endepunktet; {PROFILE}",
)
def alone(evidence: RequestUriEvidence) -> Verdict:
    """The TestIDP's parameters are the exception, and what a library adds by itself is the subject of another rule."""
    surplus = [name for name in evidence.surplus if name not in TELEMETRY]
    return holds(not surplus, surplus, "client_id and request_uri")


@CHAPTER.rule(
    "telemetry",
    "No library adds its name and version to the authorize request",
    level=SHOULD,
    refused_in=NEVER,
    remedy="set OpenIdConnectOptions.DisableTelemetry = true in ASP.NET Core; both are ignored here",
    source=f"HelseID documentation, Authorization-endepunktet; {PROFILE}",
)
def telemetry(evidence: RequestUriEvidence) -> Verdict:
    """ASP.NET Core's handler does by default, and no public sample changes that: it is the library's doing."""
    found = [name for name in evidence.surplus if name in TELEMETRY]
    return holds(not found, found, "client_id and request_uri")
