"""The chapters on token requests: the parts that all grants share, the grant, and what is asked for."""

from collections.abc import Sequence

from mock_sts.helseid.profile.sources import ERRORS_PAGE, FAPI, PRODUCT, PROFILE, RESOURCES_PAGE, TOKEN_PAGE
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import (
    ALWAYS,
    FROM_HELSEID,
    FROM_STRICT,
    NEVER,
    STRICT_ONLY,
    Chapter,
    Level,
    Verdict,
    holds,
)
from mock_sts.helseid.scopes import IDENTITY_SCOPES, comma_hint
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.near_names import nearest_first
from mock_sts.protocol.terms import GrantType
from mock_sts.protocol.token_request import is_resource_indicator
from mock_sts.values import value_type

MUST, SHOULD = Level


#: Judged on the number of proofs in the DPoP header or headers.
PROOFS_CHAPTER: Chapter[int] = Chapter("dpop-header", "The DPoP header", ErrorCode.INVALID_REQUEST)


@PROOFS_CHAPTER.rule(
    "one-proof",
    "The request has one DPoP header at most",
    level=MUST,
    refused_in=ALWAYS,
    says="Too many DPoP headers provided.",
    decisive=True,
    remedy="send the DPoP header once",
    source=f"RFC 9449 section 4.3; {PRODUCT}",
)
def one_proof(proofs: int) -> Verdict:
    """A list of proofs in one header counts as several."""
    return holds(proofs <= 1, lambda: f"{proofs} proofs", "one")


@value_type
class TokenRequestEvidence:
    """What can be judged before the proof: how many proofs, which grant, which resources, whose request."""

    proofs: int
    grant_type: str | None
    resources: tuple[str, ...]
    client: Client
    client_id_sent: bool
    origin: str | None


CHAPTER: Chapter[TokenRequestEvidence] = Chapter("token-request", "Token requests", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "grant-type",
    "The request names its grant_type",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.UNSUPPORTED_GRANT_TYPE,
    decisive=True,
    remedy="send grant_type, client_credentials for machine-to-machine",
    source=f"{TOKEN_PAGE}; {PRODUCT}",
)
def grant_type(evidence: TokenRequestEvidence) -> Verdict:
    """Which one is judged after the proof."""
    return holds(evidence.grant_type is not None, "no grant_type", "a grant_type")


@CHAPTER.rule(
    "one-resource",
    "The request names one resource at most",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_TARGET,
    says="Multiple resource indicators not supported on token endpoint.",
    decisive=True,
    remedy="ask for one token per API; several resources belong into the pushed authorization request",
    source=f"{RESOURCES_PAGE}; {PRODUCT}",
)
def one_resource(evidence: TokenRequestEvidence) -> Verdict:
    """RFC 8707 would allow several."""
    return holds(len(evidence.resources) <= 1, lambda: list(evidence.resources), "one resource")


@CHAPTER.rule(
    "resource-form",
    "resource is an absolute URI without fragment",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_TARGET,
    says="Invalid resource indicator format",
    decisive=True,
    remedy="send the API's audience, such as nhn:test-public-samplecode",
    source=f"RFC 8707 section 2; {PRODUCT}",
)
def resource_form(evidence: TokenRequestEvidence) -> Verdict:
    """HelseID's audiences are such URIs."""
    wrong = [text for text in evidence.resources if not is_resource_indicator(text)]
    return holds(not wrong, wrong, "an absolute URI without fragment")


@CHAPTER.rule(
    "proof",
    "A client that is registered for DPoP sends a proof",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Client requires DPoP and a DPoP header value was not provided.",
    decisive=True,
    remedy="send a DPoP header, or register the client with dpop_bound_access_tokens: false",
    source=f"{TOKEN_PAGE}; {PRODUCT}",
)
def proof(evidence: TokenRequestEvidence) -> Verdict | None:
    """By registration."""
    if not evidence.client.dpop_bound_access_tokens:
        return None
    return holds(evidence.proofs == 1, "no DPoP header", "a DPoP header")


@CHAPTER.rule(
    "sender-constrained",
    "Tokens are bound to a key of the client: every token request carries a proof",
    level=MUST,
    refused_in=FROM_STRICT,
    says="Client requires DPoP and a DPoP header value was not provided.",
    remedy="use DPoP; Bearer tokens are for clients from before the security profile",
    source=f"{PROFILE}; {FAPI} section 5.3.2.1",
)
def sender_constrained(evidence: TokenRequestEvidence) -> Verdict:
    """Whatever the registration says."""
    return holds(evidence.proofs == 1, "no DPoP header", "a DPoP header")


@CHAPTER.rule(
    "no-browser",
    "The request does not come from a browser",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy="fetch tokens on a server (backend for frontend); browsers never see them",
    source=f"{PROFILE}; OAuth 2.0 for Browser-Based Applications",
)
def no_browser(evidence: TokenRequestEvidence) -> Verdict:
    """Browsers send an Origin header with a POST, backends do not."""
    return holds(evidence.origin is None, lambda: f"Origin: {evidence.origin}", "no Origin header")


@CHAPTER.rule(
    "client-id",
    "The form carries client_id",
    level=SHOULD,
    refused_in=NEVER,
    remedy="send client_id beside the assertion; HelseID documents it as required",
    source=TOKEN_PAGE,
)
def client_id(evidence: TokenRequestEvidence) -> Verdict:
    """HelseID takes the client from the assertion."""
    return holds(evidence.client_id_sent, "no client_id", "client_id")


@value_type
class GrantEvidence:
    """Which grant, of those that are ``supported``, and for whom."""

    grant_type: str
    supported: frozenset[str]
    client: Client


GRANT_CHAPTER: Chapter[GrantEvidence] = Chapter("grant", "Grants", ErrorCode.UNAUTHORIZED_CLIENT)


@GRANT_CHAPTER.rule(
    "known",
    "The grant_type is one that HelseID has",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.UNSUPPORTED_GRANT_TYPE,
    decisive=True,
    remedy="use client_credentials for machine-to-machine",
    source=ERRORS_PAGE,
)
def known(evidence: GrantEvidence) -> Verdict:
    """Passwords, implicit and the like have no place here."""
    return holds(evidence.grant_type in evidence.supported, evidence.grant_type, lambda: sorted(evidence.supported))


@GRANT_CHAPTER.rule(
    "allowed",
    "The client is registered for the grant",
    level=MUST,
    refused_in=FROM_HELSEID,
    decisive=True,
    remedy="add the grant to grant_types of the client",
    source=ERRORS_PAGE,
)
def allowed(evidence: GrantEvidence) -> Verdict:
    """By registration; refreshing follows from logging in."""
    grants = evidence.client.grant_types
    follows = evidence.grant_type == GrantType.REFRESH_TOKEN and GrantType.AUTHORIZATION_CODE in grants
    return holds(evidence.grant_type in grants or follows, evidence.grant_type, lambda: list(grants))


@value_type
class ScopeEvidence:
    """What is asked for.

    ``requested`` are the scopes that the request names, ``granted`` what it comes to: the named ones, or all that a
    request without scope means. ``audiences`` are the APIs that these belong to.
    """

    grant_type: str
    client: Client
    requested: tuple[str, ...]
    granted: tuple[str, ...]
    audiences: tuple[str, ...]
    resource: str | None


SCOPE_CHAPTER: Chapter[ScopeEvidence] = Chapter("scope", "Scopes and resources", ErrorCode.INVALID_SCOPE)


@SCOPE_CHAPTER.rule(
    "machine",
    "A machine asks for no scope that speaks of a person",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="leave openid, profile, offline_access and the identity scopes out of client_credentials requests",
    source=ERRORS_PAGE,
)
def machine(evidence: ScopeEvidence) -> Verdict | None:
    """For client_credentials only."""
    if evidence.grant_type != GrantType.CLIENT_CREDENTIALS:
        return None
    personal = [scope for scope in evidence.requested if scope in IDENTITY_SCOPES]
    return holds(not personal, personal, "scopes of APIs")


def registered_scopes(client: Client, sent: Sequence[str]) -> str:
    """What ``client`` may ask for, as it is reported to a developer who ``sent`` another scope."""
    hint = comma_hint(sent)
    return f"{hint}{hint and '; '}registered scopes: {', '.join(nearest_first(client.scope, sent)) or 'none'}"


@SCOPE_CHAPTER.rule(
    "allowed",
    "The client is registered for every scope it asks for",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="add the scope to scope of the client, or mend its spelling; scopes are case-sensitive",
    source=ERRORS_PAGE,
)
def scope_allowed(evidence: ScopeEvidence) -> Verdict:
    """By registration."""
    strange = [scope for scope in evidence.requested if scope not in evidence.client.scope]
    return holds(not strange, strange, lambda: registered_scopes(evidence.client, strange))


@SCOPE_CHAPTER.rule(
    "some",
    "The request comes to at least one scope",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="register scopes for the client, and name those that the token shall have",
    source=f"{TOKEN_PAGE}; {PRODUCT}",
)
def scope_some(evidence: ScopeEvidence) -> Verdict:
    """A request without scope means all scopes of APIs that the client has."""
    return holds(bool(evidence.granted), "no scope", "at least one scope of an API")


@SCOPE_CHAPTER.rule(
    "resource-known",
    "resource is an API of which a scope is asked for",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_TARGET,
    says="Invalid resource indicator.",
    remedy="send the audience of one of the requested scopes' APIs",
    source=f"{RESOURCES_PAGE}; {PRODUCT}",
)
def resource_known(evidence: ScopeEvidence) -> Verdict | None:
    """Where a resource is named."""
    if evidence.resource is None:
        return None
    return holds(evidence.resource in evidence.audiences, evidence.resource, lambda: list(evidence.audiences))


@SCOPE_CHAPTER.rule(
    "named",
    "The request names its scopes, as few as it needs",
    level=SHOULD,
    refused_in=NEVER,
    remedy="send scope with those that this call needs",
    source=PROFILE,
)
def scope_named(evidence: ScopeEvidence) -> Verdict:
    """Without scope HelseID gives everything."""
    return holds(bool(evidence.requested), "no scope", "scope")


@SCOPE_CHAPTER.rule(
    "one-audience",
    "A token is for one API",
    level=SHOULD,
    refused_in=NEVER,
    remedy="ask for the scopes of one API, or name it with resource; most national APIs refuse other tokens",
    source=RESOURCES_PAGE,
)
def one_audience(evidence: ScopeEvidence) -> Verdict:
    """With a resource there is one."""
    one = len(evidence.audiences) <= 1 or evidence.resource is not None
    return holds(one, lambda: list(evidence.audiences), "one audience")
