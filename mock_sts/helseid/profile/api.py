"""The chapter on what APIs ask of the tokens that are for them, by their registration."""

from mock_sts.helseid.profile.sources import CHILD_PAGE, DETAILS_PAGE, PRODUCT, PROFILE
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.requirement import FROM_HELSEID, STRICT_ONLY, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode
from mock_sts.values import value_type

MUST = Level.MUST


@value_type
class ApiEvidence:
    """A token that is about to be made: for which APIs, for which legal entity and which unit of it (or None), bound to
    a key or not, and with which security level (None for a machine). ``begins`` says that it is the first of a login by
    a multi-tenant client, which may name the organization when it refreshes; ``child_may_follow`` that it is the first
    of a login with a refresh token, so that the client can name the unit then.
    """

    apis: tuple[ApiResource, ...]
    parent: str | None
    child: str | None
    begins: bool
    child_may_follow: bool
    bound: bool
    security_level: str | None


CHAPTER: Chapter[ApiEvidence] = Chapter("api", "What APIs ask of their tokens", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "dpop",
    "A token for an API that takes DPoP only is bound to a key",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Client requires DPoP and a DPoP header value was not provided.",
    remedy="send a DPoP proof, or register the API with require_dpop: false",
    source=f"{PROFILE}; {PRODUCT}",
)
def dpop(evidence: ApiEvidence) -> Verdict | None:
    """By registration of the API."""
    wanting = [api.audience for api in evidence.apis if api.require_dpop]
    if not wanting:
        return None
    return holds(evidence.bound, "a Bearer token", lambda: f"a DPoP-bound token for {', '.join(wanting)}")


@CHAPTER.rule(
    "organization",
    "A token for an API that wants it names the organization that the client acts for",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1007: The API requires an organization number",
    remedy="send the organization in assertion_details, or register the client's own (tenancy and organization)",
    source=f"{DETAILS_PAGE}; the error is a choice of this emulator",
)
def organization(evidence: ApiEvidence) -> Verdict | None:
    """By registration of the API. A supplier's login comes before it chooses the customer."""
    wanting = [api.audience for api in evidence.apis if api.require_organization]
    if not wanting or (evidence.begins and not evidence.parent):
        return None
    return holds(bool(evidence.parent), "no organization", lambda: f"a parent organization for {', '.join(wanting)}")


@CHAPTER.rule(
    "child-organization",
    "A token for an API that wants it names the child organization, the unit that the client acts for",
    level=MUST,
    refused_in=STRICT_ONLY,
    says="HID-1007: The API requires a child organization number",
    remedy="send the child in assertion_details (a multi-tenant client as NO:ORGNR:<parent>:<child>), at the latest "
    "when the token is refreshed",
    source=f"{CHILD_PAGE}; {DETAILS_PAGE}. HelseID gives the token, and the API refuses it; the error is a choice of "
    "this emulator",
)
def child_organization(evidence: ApiEvidence) -> Verdict | None:
    """By registration of the API. A login may come before the choice of the unit."""
    wanting = [api.audience for api in evidence.apis if api.require_child_organization]
    if not wanting or (evidence.child_may_follow and not evidence.child):
        return None
    return holds(
        bool(evidence.child),
        "no child organization (orgnr_child)",
        lambda: f"a child organization for {', '.join(wanting)}",
    )


@CHAPTER.rule(
    "security-level",
    "The person has logged in with the security level that the API wants",
    level=MUST,
    refused_in=STRICT_ONLY,
    error=ErrorCode.INVALID_GRANT,
    says="The security_level of the login is lower than the API demands",
    remedy="log in with acr_values=Level4; otherwise the API has to look at the claim security_level and refuse",
    source=PROFILE,
)
def security_level(evidence: ApiEvidence) -> Verdict | None:
    """HelseID gives the token, and leaves the refusal to the API."""
    wanted = max((api.security_level or "" for api in evidence.apis), default="")
    if not wanted or evidence.security_level is None:
        return None
    return holds(evidence.security_level >= wanted, evidence.security_level, wanted)
