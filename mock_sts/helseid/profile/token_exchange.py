"""The chapter on token exchange: an API that calls another API on behalf of its own caller."""

from mock_sts.helseid.profile.issuers import ONE_ISSUER, one_of
from mock_sts.helseid.profile.sources import EXCHANGE_PAGE, PRODUCT, RESOURCES_PAGE
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import ALWAYS, FROM_HELSEID, Chapter, Level, Verdict, holds
from mock_sts.helseid.scopes import IDENTITY_SCOPES
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.token_request import ACCESS_TOKEN_TYPE
from mock_sts.values import value_type

MUST, SHOULD = Level

#: How often a token may be exchanged in a row.
MAX_EXCHANGES = 5

_SOURCE = f"{EXCHANGE_PAGE}; RFC 8693"


@value_type
class ExchangeEvidence:
    """What an ``actor`` wants exchanged, and for what.

    ``fault`` says why the subject token is not ``signed`` by this server, or why it is no access token; ``issuer`` (one
    of the ``issuers`` that this server is known as), ``expired`` and ``revoked`` are facts about one that is.
    ``audiences`` are its own, ``apis`` the registered ones among them, ``subject_client`` whose it is, ``exchanges``
    how often it has been exchanged. ``scopes`` and ``resource`` are what is asked for, ``targets`` the APIs that these
    scopes belong to.
    """

    actor: Client
    subject_token: str | None
    subject_token_type: str | None
    requested_token_type: str | None
    fault: str
    signed: bool
    is_access_token: bool
    issuer: str
    issuers: frozenset[str]
    expired: bool
    revoked: bool
    audiences: tuple[str, ...]
    apis: tuple[ApiResource, ...]
    subject_client: Client | None
    exchanges: int
    scopes: tuple[str, ...]
    targets: tuple[str, ...]
    resource: str | None


CHAPTER: Chapter[ExchangeEvidence] = Chapter("token-exchange", "Token exchange", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "subject-token",
    "The request carries a subject_token",
    level=MUST,
    refused_in=ALWAYS,
    says="invalid subject_token - missing",
    decisive=True,
    remedy="send the access token that the API received as subject_token",
    source=_SOURCE,
)
def subject_token(evidence: ExchangeEvidence) -> Verdict:
    """Whose authority is asked for."""
    return holds(evidence.subject_token is not None, "no subject_token", "an access token")


@CHAPTER.rule(
    "subject-token-type",
    f"subject_token_type is {ACCESS_TOKEN_TYPE}",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="invalid subject_token - wrong subject_token_type",
    decisive=True,
    remedy=f"send subject_token_type={ACCESS_TOKEN_TYPE}",
    source=_SOURCE,
)
def subject_token_type(evidence: ExchangeEvidence) -> Verdict:
    """Nothing else is exchanged."""
    return holds(
        evidence.subject_token_type == ACCESS_TOKEN_TYPE,
        lambda: evidence.subject_token_type or "absent",
        ACCESS_TOKEN_TYPE,
    )


@CHAPTER.rule(
    "requested-token-type",
    "requested_token_type, where it is sent, is an access token's",
    level=MUST,
    refused_in=FROM_HELSEID,
    says=f"requested_token_type must be {ACCESS_TOKEN_TYPE}",
    remedy=f"leave it out, or send {ACCESS_TOKEN_TYPE}",
    source="RFC 8693 section 2.1",
)
def requested_token_type(evidence: ExchangeEvidence) -> Verdict | None:
    """Nothing else is given."""
    if evidence.requested_token_type is None:
        return None
    return holds(
        evidence.requested_token_type == ACCESS_TOKEN_TYPE, lambda: evidence.requested_token_type, ACCESS_TOKEN_TYPE
    )


@CHAPTER.rule(
    "signed",
    "The subject token is signed by this server",
    level=MUST,
    refused_in=ALWAYS,
    says="invalid subject_token - the signature cannot be verified",
    decisive=True,
    remedy="exchange tokens of this HelseID environment only",
    source=_SOURCE,
)
def signed(evidence: ExchangeEvidence) -> Verdict:
    """Tokens of other servers are not exchanged, whatever issuer they name."""
    return holds(evidence.signed, evidence.fault, "a token of this server")


@CHAPTER.rule(
    "access-token",
    "The subject token is an access token",
    level=MUST,
    refused_in=ALWAYS,
    says="invalid subject_token - it is no access token",
    decisive=True,
    remedy="send the access token; an ID token is for the client alone",
    source=_SOURCE,
)
def access_token(evidence: ExchangeEvidence) -> Verdict:
    """Recognized by its typ, and by claims of the types that an access token has."""
    return holds(evidence.is_access_token, evidence.fault, "an access token")


@CHAPTER.rule(
    "issuer",
    "The subject token is of this issuer",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="invalid subject_token - wrong issuer",
    decisive=True,
    remedy=f"exchange the token where it was issued; {ONE_ISSUER}",
    source=_SOURCE,
)
def issuer(evidence: ExchangeEvidence) -> Verdict:
    """Another environment's, or of an address that is not known here."""
    return holds(evidence.issuer in evidence.issuers, lambda: evidence.issuer, lambda: one_of(evidence.issuers))


@CHAPTER.rule(
    "alive",
    "The subject token has not expired",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="invalid subject_token - expired",
    decisive=True,
    remedy="exchange a token while it is good",
    source=_SOURCE,
)
def alive(evidence: ExchangeEvidence) -> Verdict:
    """An exchange does not make old authority new."""
    return holds(not evidence.expired, "expired", "within its lifetime")


@CHAPTER.rule(
    "not-revoked",
    "What the subject token came from has not been taken back",
    level=MUST,
    refused_in=ALWAYS,
    says="invalid subject_token - revoked",
    decisive=True,
    remedy="let the person log in again; a code used twice takes back what it gave, where the settings say so",
    source="RFC 6749 section 4.1.2",
)
def not_revoked(evidence: ExchangeEvidence) -> Verdict:
    """It must not live on in a token that was made of it."""
    return holds(not evidence.revoked, "revoked", "a token that is not revoked")


@CHAPTER.rule(
    "audience",
    "The subject token is for an API, one that the actor's owner owns where owners are registered",
    level=MUST,
    refused_in=FROM_HELSEID,
    decisive=True,
    says="no audience matching configuration owner of client_id ... was found in subject token",
    remedy="exchange only tokens that your own API received; owner of the API is the actor's organization",
    source=_SOURCE,
)
def audience(evidence: ExchangeEvidence) -> Verdict:
    """An API may not use what others received."""
    owners = [api.owner for api in evidence.apis]
    owned = not owners or None in owners or evidence.actor.organization in owners
    return holds(
        bool(evidence.audiences) and owned,
        lambda: list(evidence.audiences) or "no audience",
        "an API of the actor's",
        says="no audience matching configuration owner of client_id "
        f"{evidence.actor.client_id} was found in subject token",
    )


@CHAPTER.rule(
    "permitted",
    "The actor is one that the subject token's client and its API allow, where they name any",
    level=MUST,
    refused_in=FROM_HELSEID,
    decisive=True,
    says="not permitted",
    remedy="add the actor to token_exchange_actors of the client, or of the API; none named means all",
    source=_SOURCE,
)
def permitted(evidence: ExchangeEvidence) -> Verdict:
    """By registration."""
    named = [evidence.subject_client.token_exchange_actors] if evidence.subject_client is not None else []
    named += [api.token_exchange_actors for api in evidence.apis]
    refusing = [actors for actors in named if actors and evidence.actor.client_id not in actors]
    return holds(not refusing, lambda: evidence.actor.client_id, lambda: [list(actors) for actors in refusing])


@CHAPTER.rule(
    "depth",
    f"A token is exchanged at most {MAX_EXCHANGES} times in a row",
    level=MUST,
    refused_in=FROM_HELSEID,
    decisive=True,
    says=f"subject_token exchanged too many times ({MAX_EXCHANGES})",
    remedy="let fewer APIs stand between the client and the last one",
    source=f"{EXCHANGE_PAGE}; the number is a choice of this emulator",
)
def depth(evidence: ExchangeEvidence) -> Verdict:
    """Counted in its act claim."""
    return holds(evidence.exchanges < MAX_EXCHANGES, lambda: evidence.exchanges, f"less than {MAX_EXCHANGES}")


@CHAPTER.rule(
    "scopes",
    "The request asks for scopes of one API that the actor is registered for",
    level=MUST,
    refused_in=FROM_HELSEID,
    decisive=True,
    error=ErrorCode.INVALID_TARGET,
    says="invalid scopes requested",
    remedy="send scope with the scopes of one API, and register the actor for them",
    source=_SOURCE,
)
def scopes(evidence: ExchangeEvidence) -> Verdict:
    """Neither a person's scopes nor a refresh token."""
    allowed = set(evidence.actor.scope) - IDENTITY_SCOPES
    fine = len(evidence.targets) == 1 and all(scope in allowed for scope in evidence.scopes)
    return holds(fine, lambda: list(evidence.scopes) or "no scope", "registered scopes of one API")


@CHAPTER.rule(
    "resource",
    "resource, where it is sent, is the API of the scopes",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_TARGET,
    says="Invalid resource indicator.",
    remedy="send the audience of the scopes' API, or leave resource out",
    source=f"{RESOURCES_PAGE}; {PRODUCT}",
)
def resource(evidence: ExchangeEvidence) -> Verdict | None:
    """Scopes say it already."""
    if evidence.resource is None:
        return None
    return holds(evidence.resource in evidence.targets, evidence.resource, lambda: list(evidence.targets))
