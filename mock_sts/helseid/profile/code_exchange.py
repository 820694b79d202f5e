"""The chapters on redeeming what a login gave: the code, and later the refresh token."""

from typing import Any

from mock_sts.helseid.profile.sources import ERRORS_PAGE, PRODUCT, RESOURCES_PAGE, TOKEN_PAGE
from mock_sts.helseid.requirement import ALWAYS, FROM_HELSEID, STRICT_ONLY, Chapter, Level, Verdict, holds
from mock_sts.protocol.alphabets import UNRESERVED_WORDS
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.pkce import matches, why_no_match
from mock_sts.values import value_type

MUST, SHOULD = Level


@value_type
class CodeEvidence:
    """A code and what it is redeemed with. ``known``, ``own``, ``used`` and ``expired`` are facts from the store.

    ``asked_redirect_uri`` and ``code_challenge`` are those of the login, ``bound_jkt`` the key that it bound the code
    to (or None), ``proof_jkt`` that of the proof now. ``resource_known`` says whether the resource is one of the
    login's; True without one. ``resources_named`` says whether the login named any.
    """

    known: bool
    own: bool
    used: bool
    expired: bool
    redirect_uri: str | None
    asked_redirect_uri: str
    code_verifier: str | None
    code_challenge: str
    bound_jkt: str | None
    proof_jkt: str | None
    resource_known: bool
    resources_named: bool


CHAPTER: Chapter[CodeEvidence] = Chapter("code", "Redeeming a code", ErrorCode.INVALID_GRANT)


@CHAPTER.rule(
    "known",
    "The code was given to this client and has not been used",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="redeem each code once, by the client that asked for it",
    source=f"{ERRORS_PAGE}; RFC 6749 section 4.1.3",
)
def known(evidence: CodeEvidence) -> Verdict:
    """A code used twice may have been stolen."""
    observed = "used before" if evidence.used else "another client's" if evidence.known else "unknown"
    return holds(evidence.known and evidence.own and not evidence.used, observed, "an unused code of this client")


@CHAPTER.rule(
    "alive",
    "The code has not expired",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="redeem the code at once",
    source=f"{ERRORS_PAGE}; RFC 6749 section 4.1.2",
)
def alive(evidence: CodeEvidence) -> Verdict:
    """Five minutes, unless a setting says otherwise."""
    return holds(not evidence.expired, "expired", "a fresh code")


@CHAPTER.rule(
    "same-key",
    "The proof is made with the key that the login bound the code to",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_DPOP_PROOF,
    says="The DPoP proof token used on the token endpoint does not match the original used on the authorize endpoint.",
    decisive=True,
    remedy="use one DPoP key for the whole login",
    source=f"RFC 9449 section 10; {PRODUCT}",
)
def same_key(evidence: CodeEvidence) -> Verdict | None:
    """Bound by dpop_jkt or by a proof at PAR."""
    if evidence.bound_jkt is None:
        return None
    return holds(evidence.proof_jkt == evidence.bound_jkt, lambda: evidence.proof_jkt or "no proof", "the same key")


@CHAPTER.rule(
    "redirect-uri-present",
    "The request repeats the redirect_uri",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.UNAUTHORIZED_CLIENT,
    decisive=True,
    remedy="send the redirect_uri of the authorization request",
    source=f"{TOKEN_PAGE}; {PRODUCT}",
)
def redirect_uri_present(evidence: CodeEvidence) -> Verdict:
    """It has its own error."""
    return holds(evidence.redirect_uri is not None, "no redirect_uri", "the redirect_uri of the login")


@CHAPTER.rule(
    "redirect-uri",
    "The redirect_uri is that of the authorization request",
    level=MUST,
    refused_in=FROM_HELSEID,
    decisive=True,
    remedy="send the same redirect_uri, byte for byte",
    source=f"{ERRORS_PAGE}; RFC 6749 section 4.1.3",
)
def redirect_uri(evidence: CodeEvidence) -> Verdict | None:
    """Where it is sent."""
    if evidence.redirect_uri is None:
        return None
    return holds(
        evidence.redirect_uri == evidence.asked_redirect_uri,
        lambda: evidence.redirect_uri,
        lambda: evidence.asked_redirect_uri,
    )


@CHAPTER.rule(
    "verifier",
    "The code_verifier is the one that the code_challenge was made from",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="send the code_verifier of this login, made anew for each: random bytes in base64url without padding",
    source=f"{ERRORS_PAGE}; RFC 7636 section 4.6",
)
def verifier(evidence: CodeEvidence) -> Verdict:
    """A wrong one burns the code."""
    sent = evidence.code_verifier or ""
    return holds(
        matches(sent, evidence.code_challenge),
        lambda: why_no_match(sent, evidence.code_challenge),
        f"the verifier of this login, 43 to 128 characters of {UNRESERVED_WORDS}",
    )


@value_type
class RefreshEvidence:
    """A refresh token as it is used. ``present`` says that one was sent; the next five are facts from the store.

    ``began_with_proof`` says whether the login used DPoP, ``has_proof`` whether this request does. ``scopes`` are those
    that the request names, ``scopes_granted`` says whether the login has them all, and whether some of them are the
    resource's where one is named too.
    """

    present: bool
    known: bool
    own: bool
    used: bool
    revoked: bool
    expired: bool
    began_with_proof: bool
    has_proof: bool
    resource_known: bool
    resources_named: bool
    scopes: tuple[str, ...]
    scopes_granted: bool


REFRESH_CHAPTER: Chapter[RefreshEvidence] = Chapter("refresh", "Refresh tokens", ErrorCode.INVALID_GRANT)


@REFRESH_CHAPTER.rule(
    "present",
    "The request carries a refresh_token",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_REQUEST,
    decisive=True,
    remedy="send refresh_token",
    source=f"{TOKEN_PAGE}; {PRODUCT}",
)
def refresh_present(evidence: RefreshEvidence) -> Verdict:
    """Its absence has its own error."""
    return holds(evidence.present, "no refresh_token", "a refresh_token")


@REFRESH_CHAPTER.rule(
    "known",
    "The refresh token was given to this client",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="send the refresh_token of the newest answer; log in again when it is lost",
    source=f"{ERRORS_PAGE}; RFC 6749 section 6",
)
def refresh_known(evidence: RefreshEvidence) -> Verdict:
    """And to no other."""
    observed = "another client's" if evidence.known else "unknown"
    return holds(evidence.known and evidence.own, observed, "a refresh token of this client")


@REFRESH_CHAPTER.rule(
    "single-use",
    "A refresh token is used once, where the client is registered so",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="replace the stored refresh token by the one in each answer; a used one that turns up may be stolen",
    source="HelseID documentation, RefreshTokenUsageType; RFC 9700 section 4.14",
)
def refresh_single_use(evidence: RefreshEvidence) -> Verdict:
    """OneTimeUseOnly is the default."""
    return holds(not evidence.used, "used before", "the newest refresh token")


@REFRESH_CHAPTER.rule(
    "not-revoked",
    "The refresh token has not been taken back",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="log in again; a client takes its token back by revocation, and a code that is used twice takes back what "
    "it gave, where the settings say so",
    source="RFC 7009 section 2; RFC 6749 section 4.1.2",
)
def refresh_not_revoked(evidence: RefreshEvidence) -> Verdict:
    """Applies whatever revoked the token."""
    return holds(not evidence.revoked, "revoked", "a refresh token that is not revoked")


@REFRESH_CHAPTER.rule(
    "alive",
    "The refresh token has not expired",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="log in again; rt_expires_in tells how long a refresh token lives",
    source=ERRORS_PAGE,
)
def refresh_alive(evidence: RefreshEvidence) -> Verdict:
    """Counted from the login."""
    return holds(not evidence.expired, "expired", "within rt_expires_in")


@REFRESH_CHAPTER.rule(
    "proof-kept",
    "What began with DPoP goes on with DPoP",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_REQUEST,
    says="Proof of possession was used to obtain the initial refresh token and is required for subsequent token "
    "requests.",
    remedy="send a DPoP header; the key may be another one",
    source=PRODUCT,
)
def refresh_proof_kept(evidence: RefreshEvidence) -> Verdict:
    """The key may change, the style may not."""
    return holds(evidence.has_proof or not evidence.began_with_proof, "no DPoP header", "a DPoP header")


@REFRESH_CHAPTER.rule(
    "proof-not-new",
    "What began without DPoP goes on without",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_REQUEST,
    says="Proof of possession can't be used on subsequent token requests unless used when requesting the initial "
    "refresh token.",
    remedy="log in again with DPoP",
    source=PRODUCT,
)
def refresh_proof_not_new(evidence: RefreshEvidence) -> Verdict:
    """The other way round."""
    return holds(evidence.began_with_proof or not evidence.has_proof, "a DPoP header", "no DPoP header")


@REFRESH_CHAPTER.rule(
    "scope",
    "scope, where it is sent, names scopes of the login, and some of the resource where that is sent too",
    level=MUST,
    refused_in=STRICT_ONLY,
    not_as_asked=True,
    error=ErrorCode.INVALID_SCOPE,
    remedy="leave scope out when refreshing, or send fewer scopes than the login had",
    source=f"RFC 6749 section 6; {PRODUCT}, which ignores it",
)
def refresh_scope(evidence: RefreshEvidence) -> Verdict | None:
    """Fewer narrow the token; anything else is ignored."""
    if not evidence.scopes or not evidence.own:
        return None
    return holds(evidence.scopes_granted, lambda: list(evidence.scopes), "scopes of the login")


def _one_of_the_login(chapter: Chapter[Any]) -> None:
    """Declare in ``chapter`` that a resource is one that the login asked for."""

    @chapter.rule(
        "resource",
        "resource is one of those that the login asked for",
        level=MUST,
        refused_in=ALWAYS,
        error=ErrorCode.INVALID_TARGET,
        says="Resource indicator does not match any resource indicator in the original authorize request.",
        remedy="send a resource of the authorization request, or an API of its scopes if it named none",
        source=f"{RESOURCES_PAGE}; {PRODUCT}",
    )
    def resource(evidence: CodeEvidence | RefreshEvidence) -> Verdict | None:
        if not evidence.resources_named:
            return None
        return holds(evidence.resource_known, "another resource", "a resource of the login")

    @chapter.rule(
        "resource-known",
        "resource is an API of the login's scopes, where the login named no resource",
        level=MUST,
        refused_in=ALWAYS,
        error=ErrorCode.INVALID_TARGET,
        says="Invalid resource indicator.",
        remedy="send the audience of one of the login's scopes' APIs",
        source=f"{RESOURCES_PAGE}; {PRODUCT}",
    )
    def resource_known(evidence: CodeEvidence | RefreshEvidence) -> Verdict | None:
        if evidence.resources_named:
            return None
        return holds(evidence.resource_known, "another resource", "an API of the login's scopes")


_one_of_the_login(CHAPTER)
_one_of_the_login(REFRESH_CHAPTER)
