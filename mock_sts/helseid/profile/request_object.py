"""The chapter on request objects."""

from mock_sts.helseid.details import AUTHORIZATION_DETAILS
from mock_sts.helseid.profile.algorithms import allow_algorithms
from mock_sts.helseid.profile.client_assertion import NEW_TYP
from mock_sts.helseid.profile.issuers import OTHER_ADDRESS
from mock_sts.helseid.profile.jwt import Skew, clock_agrees, is_usable_jti, kid_that_came, lives_at_most
from mock_sts.helseid.profile.sources import FAPI, MESSAGE_SIGNING, PRODUCT, PROFILE, REQUEST_OBJECT_PAGE
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import (
    ALWAYS,
    FAPI2_ONLY,
    FROM_HELSEID,
    FROM_STRICT,
    HELSEID_AND_STRICT,
    NEVER,
    STRICT_ONLY,
    Chapter,
    Level,
    Verdict,
    holds,
)
from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.jose import ALGORITHMS
from mock_sts.protocol.params import Params
from mock_sts.protocol.request_object import RequestObject
from mock_sts.protocol.signed_jwt import Signature, VerifiedBy
from mock_sts.values import value_type

MUST, SHOULD = Level

#: Longest life of a request object in seconds, as documented.
MAX_LIFETIME = 60

#: Age of nbf, and time from nbf to exp, that FAPI 2.0 allows, in minutes.
FAPI_MINUTES = 60

TYPS = ("oauth-authz-req+jwt", NEW_TYP, "jwt")

_SAYS = "Invalid JWT request"

#: What may stand beside a request object at PAR as well as in it.
_MAY_REPEAT = ("client_id",)


@value_type
class RequestObjectEvidence:
    """A request object and what it came with.

    ``fault`` says why it could not be read. ``outer`` are the parameters beside it, ``pushed`` whether it came to the
    PAR endpoint, ``posted`` whether it came in a form. ``details_differ`` tells of authorization_details that stand in
    both places, and is None where they do not. ``kid_holders`` are the other clients that have a key of the
    name that it came with, where no key of this client verifies it.
    """

    request_object: RequestObject | None
    fault: str
    client: Client
    verified: VerifiedBy
    urls: EffectiveUrls
    now: int
    skew: Skew
    outer: Params
    pushed: bool
    posted: bool
    details_differ: bool | None
    kid_holders: tuple[str, ...] = ()

    @property
    def read(self) -> RequestObject:
        """The request object; only called after the rule that makes sure of it."""
        if self.request_object is None:
            raise AssertionError("judged after a decisive rule failed")
        return self.request_object


CHAPTER: Chapter[RequestObjectEvidence] = Chapter("request-object", "Request objects", ErrorCode.INVALID_REQUEST_OBJECT)


@CHAPTER.rule(
    "readable",
    "The request parameter is a signed JWT",
    level=MUST,
    refused_in=ALWAYS,
    says=_SAYS,
    decisive=True,
    remedy="send one compact JWS in request",
    source=f"{REQUEST_OBJECT_PAGE}; RFC 9101 section 4",
)
def readable(evidence: RequestObjectEvidence) -> Verdict:
    """It could be read at all."""
    return holds(evidence.request_object is not None, evidence.fault, "a compact JWS with a JSON object as payload")


@CHAPTER.rule(
    "signature",
    "A registered key of the client verifies the signature, by an asymmetric algorithm",
    level=MUST,
    refused_in=ALWAYS,
    says=_SAYS,
    decisive=True,
    remedy="sign with a key that is registered for the client, as its assertions are",
    source=f"{REQUEST_OBJECT_PAGE}; RFC 9101 section 6.2",
)
def signature(evidence: RequestObjectEvidence) -> Verdict:
    """Every registered key was tried."""
    return holds(
        evidence.verified.signature is Signature.VERIFIED,
        lambda: (
            f"alg is {evidence.read.jwt.jws.header.get('alg')!r}, and no registered key verifies it; "
            + kid_that_came(evidence.read.jwt.kid, evidence.kid_holders)
        ),
        lambda: f"one of {', '.join(ALGORITHMS)}, by a registered key",
    )


allow_algorithms(
    CHAPTER,
    lambda evidence: evidence.read.jwt.algorithm,
    says=_SAYS,
    source="discovery document, request_object_signing_alg_values_supported",
)


@CHAPTER.rule(
    "nested",
    "A request object holds neither request nor request_uri",
    level=MUST,
    refused_in=FROM_HELSEID,
    says=_SAYS,
    decisive=True,
    remedy="leave both out of the request object",
    source="RFC 9101 section 4",
)
def nested(evidence: RequestObjectEvidence) -> Verdict:
    """One envelope is enough."""
    return holds(not evidence.read.nested, lambda: ", ".join(evidence.read.nested), "neither")


@CHAPTER.rule(
    "members",
    "Every parameter in a request object has a type that can be read",
    level=MUST,
    refused_in=FROM_HELSEID,
    says=_SAYS,
    decisive=True,
    remedy="write parameters as texts (max_age may be a number, resource and scope lists of texts), and leave out "
    "those without a value",
    source="RFC 9101 sections 4 and 6.3",
)
def members(evidence: RequestObjectEvidence) -> Verdict:
    """What is signed must not make way for what stands beside it unsigned."""
    return holds(not evidence.read.unreadable, lambda: ", ".join(evidence.read.unreadable), "texts")


@CHAPTER.rule(
    "issuer",
    "iss is the client_id",
    level=MUST,
    refused_in=FROM_HELSEID,
    says=_SAYS,
    remedy="set iss to the client_id",
    source=f"{REQUEST_OBJECT_PAGE}; {PRODUCT}",
)
def issuer(evidence: RequestObjectEvidence) -> Verdict:
    """Who signs it is who asks."""
    found = evidence.read.jwt.issuer
    return holds(found == evidence.client.client_id, lambda: f"iss is {found!r}", lambda: evidence.client.client_id)


@CHAPTER.rule(
    "audience",
    "aud is the issuer of HelseID, and nothing else",
    level=MUST,
    refused_in=HELSEID_AND_STRICT,
    says=_SAYS,
    remedy="set aud to the issuer exactly as the discovery document writes it" + OTHER_ADDRESS,
    source=f"{REQUEST_OBJECT_PAGE}; {PRODUCT}",
)
def audience(evidence: RequestObjectEvidence) -> Verdict:
    """A difference in a trailing slash is ignored."""
    found = evidence.read.jwt.audiences
    met = len(found) == 1 and found[0].removesuffix("/") in evidence.urls.issuers
    return holds(met, lambda: list(found), lambda: evidence.urls.issuer.base)


@CHAPTER.rule(
    "audience-fapi",
    "aud of a request object is the issuer exactly, or a list that holds it",
    level=MUST,
    refused_in=FAPI2_ONLY,
    says=_SAYS,
    remedy="set aud to the issuer exactly as the discovery document writes it" + OTHER_ADDRESS,
    source=f"{MESSAGE_SIGNING} section 5.3.1",
)
def audience_fapi(evidence: RequestObjectEvidence) -> Verdict:
    """Others may stand beside it, unlike at HelseID."""
    found = evidence.read.jwt.audiences
    return holds(not evidence.urls.issuers.isdisjoint(found), lambda: list(found), lambda: evidence.urls.issuer.base)


@CHAPTER.rule(
    "client-id",
    "client_id, where the request object has it, is the client's",
    level=MUST,
    refused_in=FROM_HELSEID,
    says=_SAYS,
    remedy="set client_id inside to the client_id outside",
    source=f"{REQUEST_OBJECT_PAGE}; RFC 9101 section 5",
)
def client_id(evidence: RequestObjectEvidence) -> Verdict | None:
    """Where it has none another rule judges."""
    found = evidence.read.client_id
    if found is None:
        return None
    return holds(found == evidence.client.client_id, found, lambda: evidence.client.client_id)


@CHAPTER.rule(
    "client-id-present",
    "The request object has the client_id",
    level=MUST,
    refused_in=STRICT_ONLY,
    says=_SAYS,
    remedy="add client_id",
    source=f"{REQUEST_OBJECT_PAGE}; RFC 9101 section 5",
)
def client_id_present(evidence: RequestObjectEvidence) -> Verdict:
    """One published client leaves it out."""
    return holds(evidence.read.client_id is not None, "no client_id", "client_id")


@CHAPTER.rule(
    "expires",
    "The request object says when it expires, and has not",
    level=MUST,
    refused_in=FROM_HELSEID,
    says=_SAYS,
    remedy="set exp to at most 60 seconds from now, and keep the clock in sync (ntp.nhn.no)",
    source=f"{REQUEST_OBJECT_PAGE}; {PRODUCT} (clock skew of five minutes)",
)
def expires(evidence: RequestObjectEvidence) -> Verdict:
    """With the usual skew."""
    at = evidence.read.jwt.expires_at
    met = at is not None and at > evidence.now - evidence.skew.usual
    return holds(met, lambda: "no exp" if at is None else f"expired {evidence.now - at:.0f} s ago", "exp in the future")


@CHAPTER.rule(
    "not-before",
    "The request object is valid already",
    level=MUST,
    refused_in=FROM_HELSEID,
    says=_SAYS,
    remedy="set nbf to the present time, and keep the clock in sync (ntp.nhn.no)",
    source=f"{REQUEST_OBJECT_PAGE}; {PRODUCT} (clock skew of five minutes)",
)
def not_before(evidence: RequestObjectEvidence) -> Verdict | None:
    """Where it says so."""
    at = evidence.read.jwt.not_before
    if at is None:
        return None
    return holds(
        at <= evidence.now + evidence.skew.usual, lambda: f"nbf lies {at - evidence.now:.0f} s ahead", "nbf now"
    )


@CHAPTER.rule(
    "clock",
    "The client's clock agrees with HelseID's: exp, nbf and iat of a request object fit within ten seconds",
    level=MUST,
    refused_in=FROM_STRICT,
    says=_SAYS,
    remedy="synchronise the clock (ntp.nhn.no), and make the request object when it is used",
    source=f"{PROFILE}, FK4; {FAPI} section 5.3.2.1",
)
def clock(evidence: RequestObjectEvidence) -> Verdict:
    """With the strict skew, as for assertions."""
    return clock_agrees(evidence.read.jwt, evidence.now, evidence.skew)


@CHAPTER.rule(
    "lifetime",
    f"The request object lives at most {MAX_LIFETIME} seconds",
    level=MUST,
    refused_in=STRICT_ONLY,
    says=_SAYS,
    remedy="set exp to a few seconds from now",
    source=REQUEST_OBJECT_PAGE,
)
def lifetime(evidence: RequestObjectEvidence) -> Verdict | None:
    """Judged as exp minus now."""
    return lives_at_most(evidence.read.jwt.expires_at, evidence.now, MAX_LIFETIME)


@CHAPTER.rule(
    "not-before-fapi",
    f"The request object says since when it is valid (nbf): for at most {FAPI_MINUTES} minutes",
    level=MUST,
    refused_in=FAPI2_ONLY,
    says=_SAYS,
    remedy="set nbf to the present time",
    source=f"{MESSAGE_SIGNING} section 5.3.1",
)
def not_before_fapi(evidence: RequestObjectEvidence) -> Verdict:
    """Another rule judges one that lies ahead."""
    at = evidence.read.jwt.not_before
    met = at is not None and evidence.now - at <= FAPI_MINUTES * 60
    return holds(met, lambda: "no nbf" if at is None else f"nbf {evidence.now - at:.0f} s ago", "nbf now")


@CHAPTER.rule(
    "lifetime-fapi",
    f"The request object lives at most {FAPI_MINUTES} minutes, from nbf to exp",
    level=MUST,
    refused_in=FAPI2_ONLY,
    says=_SAYS,
    remedy="set exp to a minute from now",
    source=f"{MESSAGE_SIGNING} section 5.3.1",
)
def lifetime_fapi(evidence: RequestObjectEvidence) -> Verdict | None:
    """That both are there is asked elsewhere."""
    begin, end = evidence.read.jwt.not_before, evidence.read.jwt.expires_at
    if begin is None or end is None:
        return None
    return holds(end - begin <= FAPI_MINUTES * 60, lambda: f"{end - begin:.0f} s", lambda: FAPI_MINUTES * 60)


@CHAPTER.rule(
    "jti",
    "The request object has an id (jti)",
    level=MUST,
    refused_in=STRICT_ONLY,
    says=_SAYS,
    remedy="add jti, a new random value for each request object",
    source=REQUEST_OBJECT_PAGE,
)
def jti(evidence: RequestObjectEvidence) -> Verdict:
    """Documented; the product does not look."""
    return holds(is_usable_jti(evidence.read.jwt.jti), lambda: evidence.read.jwt.jws.claims.get("jti"), "a short text")


@CHAPTER.rule(
    "typ",
    "The header's typ is one of the three that clients send, or absent",
    level=SHOULD,
    refused_in=NEVER,
    remedy="set typ to oauth-authz-req+jwt",
    source="RFC 9101 section 10.8; NHN's samples send another",
)
def typ(evidence: RequestObjectEvidence) -> Verdict:
    """HelseID takes any."""
    found = evidence.read.jwt.typ
    return holds(found is None or found.lower() in TYPS, found, lambda: ", ".join(TYPS))


@CHAPTER.rule(
    "not-repeated",
    "What stands in a pushed request object does not stand beside it as well",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_REQUEST,
    says="Invalid request",
    remedy="send each parameter in the request object or beside it; client_id may stand in both",
    source=f"RFC 9126 section 3; {PRODUCT}",
)
def not_repeated(evidence: RequestObjectEvidence) -> Verdict | None:
    """At PAR even an equal one is refused."""
    if not evidence.pushed:
        return None
    twice = [name for name in evidence.read.parameters if name in evidence.outer and name not in _MAY_REPEAT]
    if evidence.details_differ is not None:
        twice.append(AUTHORIZATION_DETAILS)
    return holds(not twice, lambda: ", ".join(twice), "each once")


@CHAPTER.rule(
    "no-contradiction",
    "What stands in a request object and beside it is the same",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_REQUEST,
    says="Parameter mismatch in JWT request",
    remedy="send the same value in both, or in one",
    source=f"RFC 9101 section 6.3; {PRODUCT}",
)
def no_contradiction(evidence: RequestObjectEvidence) -> Verdict | None:
    """On the front channel, where OpenID Connect wants some of them outside too."""
    if evidence.pushed:
        return None
    inside, outside = evidence.read.parameters, evidence.outer
    differ = [name for name in inside if name in outside and inside.many(name) != outside.many(name)]
    if evidence.details_differ:
        differ.append(AUTHORIZATION_DETAILS)
    return holds(not differ, lambda: ", ".join(differ), "the same in both")


@CHAPTER.rule(
    "form-post",
    "A request object on the front channel is posted, and answered with response_mode=form_post",
    level=SHOULD,
    refused_in=NEVER,
    remedy="push the request (PAR), or post it with response_mode=form_post",
    source="HelseID documentation, Request objects, older version",
)
def form_post(evidence: RequestObjectEvidence) -> Verdict | None:
    """Pushed requests need neither."""
    if evidence.pushed:
        return None
    mode = evidence.read.parameters.one("response_mode") or evidence.outer.one("response_mode")
    return holds(evidence.posted and mode == "form_post", lambda: mode or "no response_mode", "a post and form_post")
