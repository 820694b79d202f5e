"""The chapter on access tokens that are shown to HelseID itself: at userinfo and clientinfo."""

from mock_sts.helseid.profile.issuers import ONE_ISSUER, one_of
from mock_sts.helseid.profile.sources import DPOP_PAGE, FAPI, PRODUCT, PROFILE
from mock_sts.helseid.requirement import ALWAYS, FAPI2_ONLY, FROM_STRICT, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode
from mock_sts.values import value_type

MUST, SHOULD = Level


@value_type
class PresentedEvidence:
    """How a token came: its scheme (``Bearer`` or ``DPoP``), in the header or in the body, with how many proofs.

    ``fault`` says why it is no good token of this server, ``issuer`` whose it says to be, of the ``issuers`` that this
    server is known as where it was asked; ``expired`` that it was good once, ``bound`` that it is bound to a key, and
    ``revoked`` that what it came from was taken back.
    """

    fault: str
    issuer: str
    issuers: frozenset[str]
    expired: bool
    revoked: bool
    scheme: str
    in_header: bool
    proofs: int
    bound: bool


CHAPTER: Chapter[PresentedEvidence] = Chapter("access-token", "Access tokens shown to HelseID", ErrorCode.INVALID_TOKEN)


@CHAPTER.rule(
    "good",
    "The request carries an access token of this server",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="send the access_token of the newest token answer in the Authorization header",
    source="RFC 6750 section 3.1",
)
def good(evidence: PresentedEvidence) -> Verdict:
    """Signed by us, in our name, for a person where the endpoint tells of one."""
    return holds(not evidence.fault, evidence.fault, "a good access token")


@CHAPTER.rule(
    "issuer",
    "The issuer of the access token is this server, by the address that was asked",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy=ONE_ISSUER,
    source="RFC 9068 section 4",
)
def issuer(evidence: PresentedEvidence) -> Verdict:
    """The same server by another name is another issuer, unless the settings say that both are one."""
    return holds(evidence.issuer in evidence.issuers, lambda: evidence.issuer, lambda: one_of(evidence.issuers))


@CHAPTER.rule(
    "alive",
    "The access token has not expired",
    level=MUST,
    refused_in=ALWAYS,
    says="The access token expired",
    decisive=True,
    remedy="refresh the token, or fetch a new one, before expires_in has passed",
    source="RFC 6750 section 3.1",
)
def alive(evidence: PresentedEvidence) -> Verdict:
    """HelseID says so in its answer."""
    return holds(not evidence.expired, "expired", "within expires_in")


@CHAPTER.rule(
    "not-revoked",
    "What the access token came from has not been taken back",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="log in again; a code that is used twice takes back what it gave, where the settings say so",
    source="RFC 6749 section 4.1.2",
)
def not_revoked(evidence: PresentedEvidence) -> Verdict:
    """Only this server can know that; APIs look at the token alone."""
    return holds(not evidence.revoked, "revoked", "a token that is not revoked")


@CHAPTER.rule(
    "header",
    "The access token stands in the Authorization header, not in the body",
    level=MUST,
    refused_in=FROM_STRICT,
    decisive=True,
    remedy="send Authorization: DPoP <token>",
    source=f"{PROFILE}; {FAPI} section 5.3.4",
)
def header(evidence: PresentedEvidence) -> Verdict:
    """HelseID reads the form field too."""
    return holds(evidence.in_header, "a form field", "the Authorization header")


@CHAPTER.rule(
    "scheme",
    "A token that is bound to a key comes with the scheme DPoP",
    level=MUST,
    refused_in=FAPI2_ONLY,
    decisive=True,
    remedy="send Authorization: DPoP <token>, and a proof in the DPoP header",
    source="RFC 9449 section 7.1",
)
def scheme(evidence: PresentedEvidence) -> Verdict | None:
    """HelseID takes Bearer at userinfo, and most clients send that."""
    if not evidence.bound:
        return None
    return holds(evidence.scheme == "DPoP", evidence.scheme, "DPoP")


@CHAPTER.rule(
    "one-proof",
    "Beside a token of the DPoP scheme there is one proof",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="send one proof in the DPoP header, made for this call",
    source=f"RFC 9449 section 7.1; {DPOP_PAGE}",
)
def one_proof(evidence: PresentedEvidence) -> Verdict | None:
    """Where that scheme is used."""
    if evidence.scheme != "DPoP":
        return None
    return holds(evidence.proofs == 1, lambda: f"{evidence.proofs} proofs", "one")


@value_type
class UseEvidence:
    """What an endpoint wants of a good token, and what the token has: a scope (None where none is wanted), and whether
    it is ``bound`` to a key. ``shown_by`` is the scheme by which it came where the endpoint asks for the one of the
    token's sort, else None.
    """

    wanted_scope: str | None
    scopes: tuple[str, ...]
    shown_by: str | None
    bound: bool


USE_CHAPTER: Chapter[UseEvidence] = Chapter(
    "token-use", "What an access token gives access to", ErrorCode.INSUFFICIENT_SCOPE
)


@USE_CHAPTER.rule(
    "scope",
    "The access token has the scope of the endpoint: openid for userinfo, helseid://scopes/client/info for clientinfo",
    level=MUST,
    refused_in=ALWAYS,
    remedy="ask for the scope, and do not narrow the token to one API (resource), which drops openid",
    source=f"OpenID Connect Core section 5.3; {PRODUCT}",
)
def scope(evidence: UseEvidence) -> Verdict | None:
    """Where one is wanted."""
    if evidence.wanted_scope is None:
        return None
    return holds(evidence.wanted_scope in evidence.scopes, lambda: list(evidence.scopes), evidence.wanted_scope)


@USE_CHAPTER.rule(
    "bound",
    "The access token is bound to a key",
    level=MUST,
    refused_in=FROM_STRICT,
    error=ErrorCode.INVALID_TOKEN,
    remedy="fetch the token with a DPoP proof",
    source=f"{PROFILE}; {FAPI} section 5.3.4",
)
def bound(evidence: UseEvidence) -> Verdict | None:
    """At the emulator's own resource. Some of NHN's APIs still take Bearer tokens, so HelseID gives them."""
    if evidence.shown_by is None:
        return None
    return holds(evidence.bound, "a Bearer token", "a DPoP-bound token")


@USE_CHAPTER.rule(
    "scheme",
    "The access token comes with the scheme of its sort: DPoP when it is bound to a key (cnf), else Bearer",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_TOKEN,
    remedy="send Authorization: DPoP <token> and a proof in the DPoP header for a token with cnf, and "
    "Authorization: Bearer <token> for one without",
    source="RFC 9449 section 7.2; RFC 6750 section 2.1",
)
def use_scheme(evidence: UseEvidence) -> Verdict | None:
    """At the emulator's own resource. As Bearer, a thief could use a token that is bound."""
    if evidence.shown_by is None:
        return None
    wanted = scheme_of(bound=evidence.bound)
    return holds(evidence.shown_by == wanted, evidence.shown_by, wanted)


def scheme_of(*, bound: bool) -> str:
    """The scheme by which a token comes that is bound to a key, or is not."""
    return "DPoP" if bound else "Bearer"
