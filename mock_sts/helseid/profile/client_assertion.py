"""The chapter on client assertions: how a client proves to HelseID who it is."""

from functools import lru_cache
from operator import attrgetter
from typing import cast

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile.algorithms import allow_algorithms
from mock_sts.helseid.profile.issuers import OTHER_ADDRESS
from mock_sts.helseid.profile.jwt import (
    Skew,
    clock_agrees,
    is_usable_jti,
    kid_that_came,
    lives_at_most,
    registered_kids,
)
from mock_sts.helseid.profile.sources import ASSERTION_PAGE, ERRORS_PAGE, FAPI, PRODUCT, PROFILE, TOKEN_PAGE
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import (
    ALWAYS,
    FAPI2_ONLY,
    FROM_HELSEID,
    FROM_STRICT,
    NEVER,
    STRICT_ONLY,
    Chapter,
    Level,
    Verdict,
    holds,
)
from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.protocol.client_assertion import ClientAssertion
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.issuer import Issuer
from mock_sts.protocol.jose import ALGORITHMS
from mock_sts.protocol.signed_jwt import Signature, VerifiedBy
from mock_sts.protocol.terms import CLIENT_ASSERTION_TYPE
from mock_sts.values import value_type

MUST, SHOULD = Level

NEW_TYP = "client-authentication+jwt"

#: Seconds. HelseID documents 60; lives above 300 are refused even by the default enforcement.
MAX_LIFETIME, REFUSED_LIFETIME, TARGET_LIFETIME = 60, 300, 10

_RFC = "RFC 7523 section 3"
_ANNOUNCED = "announcement to client library authors, DuendeSoftware/foss#323"


@value_type
class AssertionEvidence:
    """Everything that is known when a client has tried to authenticate.

    ``fault`` says why ``assertion`` is None although one was sent. ``spent`` and ``sent_before_challenge`` are facts
    from the store: the same assertion has been accepted, or has met a nonce challenge, before. Where no key of the
    client verifies it, ``kid_holders`` are the other clients that have a key of the name that it came with. ``ended``
    says of the key that verifies it that it has ended, and which newer one there is; empty: it has not.
    """

    client_id: str | None
    assertion_type: str | None
    assertion_sent: bool
    other_credentials: tuple[str, ...]
    assertion: ClientAssertion | None
    fault: str
    client: Client | None
    verified: VerifiedBy
    urls: EffectiveUrls
    now: int
    skew: Skew
    spent: bool = False
    sent_before_challenge: bool = False
    kid_holders: tuple[str, ...] = ()
    ended: str = ""

    #: The assertion; only asked for after the rule that makes sure of it. Without a function, for each rule asks.
    read = cast("ClientAssertion", property(attrgetter("assertion")))


CHAPTER: Chapter[AssertionEvidence] = Chapter(
    "client-assertion", "Client authentication with private_key_jwt", ErrorCode.INVALID_CLIENT
)


@CHAPTER.rule(
    "credentials",
    "The request carries client authentication",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_REQUEST,
    decisive=True,
    remedy="send client_id, client_assertion_type and client_assertion in the form body",
    source=f"{ASSERTION_PAGE}; {PRODUCT}",
)
def credentials(evidence: AssertionEvidence) -> Verdict:
    """Nothing at all that names a client."""
    readable = evidence.assertion is not None and evidence.assertion_type == CLIENT_ASSERTION_TYPE
    return holds(
        bool(evidence.client_id) or bool(evidence.other_credentials) or readable,
        evidence.fault or "no client_id and no usable client_assertion",
        "a client_assertion",
    )


@CHAPTER.rule(
    "sole",
    "The assertion is the only credential: no client secret, no password in a Basic header",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="send client_assertion only; HelseID knows no client secrets",
    source=PROFILE,
)
def sole(evidence: AssertionEvidence) -> Verdict:
    """Another credential beside the assertion. An empty Basic password is none."""
    return holds(
        not evidence.other_credentials, lambda: ", ".join(evidence.other_credentials), "client_assertion alone"
    )


@CHAPTER.rule(
    "type",
    f"client_assertion_type is {CLIENT_ASSERTION_TYPE}",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy=f"send client_assertion together with client_assertion_type={CLIENT_ASSERTION_TYPE}",
    source=f"RFC 7523 section 2.2; {TOKEN_PAGE}",
)
def assertion_type(evidence: AssertionEvidence) -> Verdict:
    """The two parameters that come together."""
    if not evidence.assertion_sent:
        return holds(False, "no client_assertion", "client_assertion and client_assertion_type")
    return holds(
        evidence.assertion_type == CLIENT_ASSERTION_TYPE,
        evidence.assertion_type or "absent",
        CLIENT_ASSERTION_TYPE,
    )


@CHAPTER.rule(
    "readable",
    "The assertion is a signed JWT",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="send a compact JWS: base64url(header).base64url(claims).base64url(signature)",
    source="RFC 7523 section 3; RFC 7515 section 7.1",
)
def readable(evidence: AssertionEvidence) -> Verdict:
    """It could be read at all."""
    return holds(evidence.assertion is not None, evidence.fault, "a compact JWS with a JSON object as payload")


@CHAPTER.rule(
    "registered",
    "The client that the assertion names is registered",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="register the client (mock-sts client new, or a file in a folder of MOCK_STS_FIXTURES), "
    "and put its client_id into sub and iss",
    source=ERRORS_PAGE,
)
def registered(evidence: AssertionEvidence) -> Verdict:
    """The client is looked up by ``sub``."""
    return holds(
        evidence.client is not None,
        lambda: f"sub is {evidence.read.subject!r}",
        "the client_id of a registered client",
    )


@CHAPTER.rule(
    "algorithm",
    "The assertion is signed with an asymmetric algorithm",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy=f"sign with one of {', '.join(ALGORITHMS)}",
    source=f"{PROFILE}; algorithms of NHN's client library",
)
def algorithm(evidence: AssertionEvidence) -> Verdict:
    """Neither ``none`` nor a shared secret."""
    return holds(bool(evidence.read.algorithm), evidence.read.jws.header.get("alg"), lambda: ", ".join(ALGORITHMS))


allow_algorithms(
    CHAPTER,
    lambda evidence: evidence.read.algorithm,
    source=f"{PROFILE}; algorithms of NHN's client library",
)


@CHAPTER.rule(
    "signature",
    "A registered key of the client verifies the signature",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="sign with the private key whose public part is registered for this client; "
    "mock-sts client list shows the kid of each",
    source=f"RFC 7523 section 3; {ERRORS_PAGE}",
)
def signature(evidence: AssertionEvidence) -> Verdict:
    """Every registered key was tried. A key that has ended counts for nothing any more."""
    if evidence.ended:
        return holds(False, evidence.ended, "a key that has not ended")
    found = evidence.verified.signature
    observed = "the client has no registered key" if found is Signature.NO_KEY else "no registered key verifies it"
    faults = evidence.client.key_faults if evidence.client is not None else ()

    def seen() -> str:
        return "; ".join((observed, kid_that_came(evidence.read.kid, evidence.kid_holders), *faults))

    return holds(found is Signature.VERIFIED, seen, lambda: f"a valid {evidence.read.algorithm} signature")


@CHAPTER.rule(
    "issuer",
    "iss and sub are the same: the client_id",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="set both iss and sub to the client_id",
    source=f"{ASSERTION_PAGE}; {_RFC}",
)
def issuer(evidence: AssertionEvidence) -> Verdict:
    """The client was found by ``sub``."""
    assertion = evidence.read
    return holds(
        assertion.issuer == assertion.subject, lambda: f"iss is {assertion.issuer!r}", lambda: f"{assertion.subject!r}"
    )


@CHAPTER.rule(
    "client-id",
    "The client_id parameter, where sent, is the assertion's client",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="send the same client_id in the form as in the assertion, or leave it out of the form",
    source="RFC 7521 section 4.2",
)
def client_id(evidence: AssertionEvidence) -> Verdict | None:
    """Absent is fine."""
    if evidence.client_id is None:
        return None
    return holds(evidence.client_id == evidence.read.subject, evidence.client_id, lambda: f"{evidence.read.subject!r}")


@CHAPTER.rule(
    "audience",
    "The audience is HelseID: the issuer alone for the new typ; also an endpoint, or one of several, for the old",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="set aud to the issuer exactly as the discovery document writes it" + OTHER_ADDRESS,
    source=f"{ASSERTION_PAGE}; {PRODUCT}",
)
def audience(evidence: AssertionEvidence) -> Verdict:
    """A difference in a trailing slash is ignored."""
    assertion, urls = evidence.read, evidence.urls
    found = {value.removesuffix("/") for value in assertion.audiences}
    issuers, legacy = _accepted_audiences(urls)
    expected = repr(urls.issuer.base)
    if is_new_typ(assertion):
        return holds(len(assertion.audiences) == 1 and found <= issuers, lambda: _audience_shown(assertion), expected)
    return holds(
        bool(found & legacy), lambda: _audience_shown(assertion), lambda: f"{expected} or the URL of the token endpoint"
    )


@CHAPTER.rule(
    "audience-issuer",
    "The audience is the issuer, one value, byte for byte",
    level=MUST,
    refused_in=FROM_STRICT,
    remedy="set aud to the issuer of the discovery document as one string; not the token endpoint, no trailing slash"
    + OTHER_ADDRESS,
    source=f"{PROFILE}; {FAPI} section 5.3.2.1",
)
def audience_issuer(evidence: AssertionEvidence) -> Verdict:
    """What the profile asks, beyond what HelseID refuses."""
    issuer = evidence.urls.issuer.base
    audiences = evidence.read.audiences
    return holds(audiences == (issuer,), lambda: _audience_shown(evidence.read), lambda: f"{issuer!r}")


@CHAPTER.rule(
    "audience-text",
    "The audience is a single string, not an array",
    level=MUST,
    refused_in=FAPI2_ONLY,
    remedy="write aud as a string",
    source=f"{FAPI} section 5.3.2.1",
)
def audience_text(evidence: AssertionEvidence) -> Verdict:
    """An array of one says the same, but FAPI 2.0 asks for the string."""
    return holds(not evidence.read.audience_is_list, lambda: list(evidence.read.audiences), "a string")


@CHAPTER.rule(
    "audience-alias",
    "The audience is the address that the discovery document names, not an alias of it",
    level=SHOULD,
    refused_in=NEVER,
    remedy="take the audience from the discovery document; HelseID has one address and would refuse this",
    source="choice of this emulator, which may have several addresses",
)
def audience_alias(evidence: AssertionEvidence) -> Verdict | None:
    """Only where there are aliases at all. Discovery names endpoints at the alias that was asked; its issuer is one."""
    aliases = _alias_audiences(evidence.urls)
    if not aliases:
        return None
    found = {value.removesuffix("/") for value in evidence.read.audiences}
    return holds(not found & aliases, lambda: list(evidence.read.audiences), lambda: f"{evidence.urls.issuer.base!r}")


@CHAPTER.rule(
    "typ",
    f"The header's typ is {NEW_TYP}",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy=f'set the header typ to "{NEW_TYP}"; HelseID still takes "JWT" and none, but asks for the new one',
    source=f"{ASSERTION_PAGE}; draft-ietf-oauth-rfc7523bis",
)
def typ(evidence: AssertionEvidence) -> Verdict:
    """Compared without regard to case, as media types are."""
    return holds(is_new_typ(evidence.read), evidence.read.typ or "absent", NEW_TYP)


@CHAPTER.rule(
    "expires",
    "The assertion says when it expires",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="add exp, a number: seconds since 1970",
    source=f"{ASSERTION_PAGE}; {_RFC}",
)
def expires(evidence: AssertionEvidence) -> Verdict:
    """``exp`` must be a number; a text is none here."""
    assertion = evidence.read
    usable = assertion.expires_at is not None and "exp" not in assertion.not_numbers
    return holds(usable, lambda: f"exp is {assertion.jws.claims.get('exp')!r}", "a number")


@CHAPTER.rule(
    "not-expired",
    "The assertion has not expired",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="make a new assertion for each request, and keep the clock in sync (ntp.nhn.no)",
    source=f"{_RFC}; {PRODUCT} (clock skew of five minutes)",
)
def not_expired(evidence: AssertionEvidence) -> Verdict | None:
    """With the usual skew."""
    if evidence.read.expires_at is None:
        return None
    return holds(
        evidence.read.expires_at > evidence.now - evidence.skew.usual,
        lambda: f"expired {evidence.now - evidence.read.expires_at:.0f} s ago",
        lambda: f"at most {evidence.skew.usual} s ago",
    )


@CHAPTER.rule(
    "not-before",
    "The assertion is valid already",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="set nbf to the present time, and keep the clock in sync (ntp.nhn.no)",
    source=f"{_RFC}; {PRODUCT} (clock skew of five minutes)",
)
def not_before(evidence: AssertionEvidence) -> Verdict | None:
    """A missing ``nbf`` is judged by another rule."""
    if evidence.read.not_before is None:
        return None
    return holds(
        evidence.read.not_before <= evidence.now + evidence.skew.usual,
        lambda: f"nbf lies {evidence.read.not_before - evidence.now:.0f} s ahead",
        lambda: f"at most {evidence.skew.usual} s",
    )


@CHAPTER.rule(
    "clock",
    "The client's clock agrees with HelseID's: exp, nbf and iat fit within ten seconds",
    level=MUST,
    refused_in=FROM_STRICT,
    remedy="synchronise the clock (ntp.nhn.no), and make the assertion when it is used",
    source=f"{PROFILE}, FK4; {FAPI} section 5.3.2.1",
)
def clock(evidence: AssertionEvidence) -> Verdict:
    """With the strict skew."""
    return clock_agrees(evidence.read, evidence.now, evidence.skew)


@CHAPTER.rule(
    "lifetime",
    f"The assertion lives at most {MAX_LIFETIME} seconds",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy="set exp to a few seconds from now; 10 are enough",
    source=ASSERTION_PAGE,
)
def lifetime(evidence: AssertionEvidence) -> Verdict | None:
    """Judged as exp minus now."""
    return lives_at_most(evidence.read.expires_at, evidence.now, MAX_LIFETIME)


@CHAPTER.rule(
    "lifetime-limit",
    f"The assertion lives at most {REFUSED_LIFETIME} seconds",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="set exp to a few seconds from now; 10 are enough",
    source="choice of this emulator between HelseID's documentation (60 seconds) and clients that send 120 and work",
)
def lifetime_limit(evidence: AssertionEvidence) -> Verdict | None:
    """Far beyond the documented limit."""
    return lives_at_most(evidence.read.expires_at, evidence.now, REFUSED_LIFETIME)


@CHAPTER.rule(
    "lifetime-target",
    f"The assertion lives at most {TARGET_LIFETIME} seconds",
    level=SHOULD,
    refused_in=NEVER,
    remedy="set exp to 10 seconds from now, as NHN's own library does",
    source="NHN's client library for .NET; a client's documentation says that HelseID refuses more",
)
def lifetime_target(evidence: AssertionEvidence) -> Verdict | None:
    """Good practice."""
    return lives_at_most(evidence.read.expires_at, evidence.now, TARGET_LIFETIME)


@CHAPTER.rule(
    "times-present",
    "The assertion carries nbf and iat",
    level=MUST,
    refused_in=STRICT_ONLY,
    remedy="add nbf and iat, both the present time",
    source=ASSERTION_PAGE,
)
def times_present(evidence: AssertionEvidence) -> Verdict:
    """Documented as required; HelseID lets them be missing."""
    claims = evidence.read.jws.claims
    missing = [name for name in ("nbf", "iat") if name not in claims]
    return holds(not missing, lambda: f"without {' and '.join(missing)}", "nbf and iat")


@CHAPTER.rule(
    "times-numbers",
    "exp, nbf and iat are JSON numbers",
    level=MUST,
    refused_in=FROM_STRICT,
    remedy="write the times as numbers; some JWT libraries write a text when a claim is added by hand",
    source="RFC 7519 section 2 (NumericDate)",
)
def times_numbers(evidence: AssertionEvidence) -> Verdict:
    """Several official samples send ``iat`` as a text, and HelseID takes it."""
    claims = evidence.read.jws.claims
    wrong = {
        name: claims[name]
        for name in ("exp", "nbf", "iat")
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float))
    }
    return holds(not wrong, wrong, "numbers")


@CHAPTER.rule(
    "jti",
    "The assertion has an id (jti)",
    level=MUST,
    refused_in=FROM_HELSEID,
    remedy="add jti, a new random value for each assertion",
    source=f"{ASSERTION_PAGE}; {PRODUCT}",
)
def jti(evidence: AssertionEvidence) -> Verdict:
    """Without one it could not be used once only."""
    return holds(
        is_usable_jti(evidence.read.jti), lambda: f"jti is {evidence.read.jws.claims.get('jti')!r}", "a short text"
    )


@CHAPTER.rule(
    "single-use",
    "The assertion is used once",
    level=MUST,
    refused_in=FROM_STRICT,
    remedy="make a new assertion, with a new jti, for each request; HelseID answers a second one today, and has "
    "announced that it will refuse it",
    source=f"{ASSERTION_PAGE}; {_RFC}; {_ANNOUNCED}",
)
def single_use(evidence: AssertionEvidence) -> Verdict:
    """The store remembers used assertions until they expire; it also decides races.

    A sample of NHN redeems the code and refreshes with one assertion.
    """
    return holds(not evidence.spent, "the same assertion has been used before", "a new jti")


@CHAPTER.rule(
    "fresh-after-challenge",
    "The request that answers a nonce challenge carries a new assertion",
    level=SHOULD,
    refused_in=STRICT_ONLY,
    remedy="make a new assertion for the second request too; HelseID has announced that it will refuse this",
    source=f"{ASSERTION_PAGE}; {_ANNOUNCED}",
)
def fresh_after_challenge(evidence: AssertionEvidence) -> Verdict:
    """Several libraries repeat the whole request, assertion included."""
    return holds(not evidence.sent_before_challenge, "it was sent before the nonce challenge already", "a new jti")


@CHAPTER.rule(
    "kid",
    "The header names a registered key (kid)",
    level=SHOULD,
    refused_in=NEVER,
    remedy="set kid in the header to the kid of the registered key",
    source=ASSERTION_PAGE,
)
def kid(evidence: AssertionEvidence) -> Verdict:
    """HelseID tries all keys when the name is absent or unknown."""
    sent = evidence.read.kid
    return holds(
        evidence.verified.kid_known, lambda: f"kid is {sent!r}", lambda: registered_kids(evidence.client, sent or "")
    )


@CHAPTER.rule(
    "key-algorithm",
    "The algorithm is the one that the registered key names",
    level=SHOULD,
    refused_in=NEVER,
    remedy="sign with the alg of the registered JWK, or register the key with the alg that is used",
    source="RFC 7517 section 4.4",
)
def key_algorithm(evidence: AssertionEvidence) -> Verdict | None:
    """HelseID does not look at it."""
    if evidence.client is None or evidence.verified.signature is not Signature.VERIFIED:
        return None
    registered_alg = evidence.client.keys[evidence.verified.index].alg
    return holds(registered_alg in (None, evidence.read.algorithm), evidence.read.algorithm, registered_alg)


@CHAPTER.rule(
    "curve",
    "An EC key signs with the algorithm of its curve: ES256 P-256, ES384 P-384, ES512 P-521",
    level=MUST,
    refused_in=FROM_STRICT,
    remedy="sign with the algorithm that belongs to the key's curve",
    source="RFC 7518 section 3.4",
)
def curve(evidence: AssertionEvidence) -> Verdict | None:
    """One of NHN's samples signs ES256 with a P-521 key."""
    if evidence.client is None or evidence.verified.signature is not Signature.VERIFIED:
        return None
    key = evidence.client.keys[evidence.verified.index].key
    return holds(
        key.curve_fits(evidence.read.algorithm), lambda: f"{evidence.read.algorithm} with {key.crv}", "its own curve"
    )


def is_new_typ(assertion: ClientAssertion) -> bool:
    """Whether the header has the typ that HelseID asks for today."""
    return assertion.typ is not None and assertion.typ.lower() == NEW_TYP


@lru_cache(maxsize=256)
def _accepted_audiences(urls: EffectiveUrls) -> tuple[frozenset[str], frozenset[str]]:
    """The issuer under all its names, and these together with the endpoints that an older assertion may name."""
    issuers = urls.issuers
    return issuers, issuers | _endpoints(urls.issuer, urls.back_channel, *urls.others)


@lru_cache(maxsize=256)
def _alias_audiences(urls: EffectiveUrls) -> frozenset[str]:
    """What is accepted and not what discovery names at these addresses."""
    named = {urls.issuer.base} | _endpoints(urls.issuer, urls.back_channel)
    return _accepted_audiences(urls)[1] - named


def _endpoints(*issuers: Issuer) -> frozenset[str]:
    """The endpoints that an older assertion may name, at each of ``issuers``."""
    return frozenset(issuer.url(each) for issuer in issuers for each in (Endpoint.TOKEN, Endpoint.PAR, Endpoint.CIBA))


def _audience_shown(assertion: ClientAssertion) -> str | list[str]:
    """As the client wrote it: a text, or an array."""
    found = list(assertion.audiences)
    return found if assertion.audience_is_list or len(found) != 1 else found[0]
