"""The chapter on details: organization numbers and other structures that a client sends beside its request.

HelseID's codes (HID-...) stand at the start of ``error_description``. Which OAuth error each comes with is documented
for one of them only; the others are inferred, and this is the one place to correct them.
"""

from uuid import UUID

from mock_sts.helseid import trust_framework
from mock_sts.helseid.claims import ORGNR_CHILD, ORGNR_PARENT, ORGNR_SUPPLIER
from mock_sts.helseid.details import (
    ASSERTION_DETAILS,
    AUTHORIZATION_DETAILS,
    JOURNAL_ID,
    ORGANIZATION,
    TYPES,
    Details,
    OrganizationNumbers,
)
from mock_sts.helseid.identifiers import is_organization_number
from mock_sts.helseid.profile.sources import DETAILS_PAGE, PROFILE, TRUST_PAGE
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.requirement import FROM_HELSEID, FROM_STRICT, NEVER, STRICT_ONLY, Chapter, Level, Verdict, holds
from mock_sts.helseid.terms import MULTI_TENANT, SINGLE_TENANT
from mock_sts.protocol.errors import ErrorCode, quoted
from mock_sts.protocol.terms import GrantType
from mock_sts.values import value_type

MUST, SHOULD = Level

#: Where details may stand.
ASSERTION, REQUEST_OBJECT, PARAMETER = "client assertion", "request object", "parameter"

_CODES = f"{DETAILS_PAGE}, error codes HID-1001 to HID-1010"


@value_type
class DetailsEvidence:
    """What a request carries, and where.

    ``members`` are the names it stands under, ``grant_type`` that of a token request (None for an authorization
    request), ``login_types`` the types that the authorization request has already. What follows is None where it is
    too early to tell: ``persona`` is who has logged in, with ``security_level``; ``parent`` the legal entity that the
    client acts for; and ``brings_trust_framework`` says whether the token has room for the claim. ``above_child`` are
    the organizations that the named child is registered as a unit of, the nearest first.
    """

    details: Details
    client: Client
    carrier: str
    members: tuple[str, ...]
    grant_type: str | None = None
    login_types: tuple[str, ...] = ()
    persona: Persona | None = None
    security_level: str | None = None
    parent: str | None = None
    brings_trust_framework: bool | None = None
    above_child: tuple[str, ...] = ()

    @property
    def numbers(self) -> OrganizationNumbers | None:
        """The organization numbers that are sent."""
        return self.details.organization

    @property
    def tenancy(self) -> str:
        """The client's tenancy."""
        return str(self.client.tenancy)


CHAPTER: Chapter[DetailsEvidence] = Chapter("details", "Details of organization and context", ErrorCode.ACCESS_DENIED)


@CHAPTER.rule(
    "double-structure",
    "A structure comes once: in the request object or in the assertion, there under one member, and of each type one",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-DOUBLE-STRUCTURE: The same structure was sent in the request object and in the client assertion",
    decisive=True,
    remedy=f"send all structures in one array, as {ASSERTION_DETAILS} of the assertion of each token request only",
    source=f"{TRUST_PAGE}; HelseID documentation, SFM",
)
def double_structure(evidence: DetailsEvidence) -> Verdict:
    """Which of the two should count would be a guess."""
    if len(evidence.members) > 1:
        both = " and ".join(evidence.members)
        return holds(False, both, "one of them", f"HID-DOUBLE-STRUCTURE: The {evidence.carrier} has both {both}")
    twice = ", ".join(evidence.details.twice)
    if twice:
        return holds(False, f"{twice} twice", "each type once", f"HID-DOUBLE-STRUCTURE: {twice} was sent twice")
    again = [name for name in TYPES if name in evidence.details.types and name in evidence.login_types]
    return holds(not again, lambda: f"{', '.join(again)} came with the login already", "each structure once")


@CHAPTER.rule(
    "readable",
    "The details have the documented structure",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_REQUEST,
    says="HID-1007: (names the member and what was expected)",
    decisive=True,
    remedy="send an object or an array of objects, each with its type and the members documented for it",
    source=_CODES,
)
def readable(evidence: DetailsEvidence) -> Verdict:
    """Objects, arrays, and texts with JSON in them are read."""
    return holds(
        not evidence.details.faults,
        lambda: "; ".join(evidence.details.faults),
        "the documented structure",
        lambda: f"HID-1007: {evidence.details.faults[0]}",
    )


@CHAPTER.rule(
    "known-type",
    "Every type is one that HelseID has",
    level=MUST,
    refused_in=FROM_STRICT,
    error=ErrorCode.INVALID_REQUEST,
    says="HID-1007: (names the type, and those that HelseID has)",
    remedy=f"send only {', '.join(TYPES)}",
    source="RFC 9396 section 5; what HelseID answers is not documented",
)
def known_type(evidence: DetailsEvidence) -> Verdict:
    """What is not understood is not granted; HelseID may well leave it aside."""
    unknown = evidence.details.unknown
    return holds(
        not unknown,
        lambda: ", ".join(unknown),
        lambda: ", ".join(TYPES),
        lambda: f"HID-1007: type is {quoted(unknown[0])}, expected one of {', '.join(TYPES)}",
    )


@CHAPTER.rule(
    "shared-secret",
    "A client that has a shared secret sends no organization numbers",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1008: A client with a shared secret cannot pass organization numbers",
    decisive=True,
    remedy="let HelseID remove the client's shared secret (has_shared_secret in the registration)",
    source=_CODES,
)
def shared_secret(evidence: DetailsEvidence) -> Verdict | None:
    """By registration: the emulator itself knows no shared secrets."""
    if evidence.numbers is None:
        return None
    return holds(not evidence.client.has_shared_secret, "has_shared_secret", "keys only")


@CHAPTER.rule(
    "tenancy",
    "The client is registered to act for an organization, and its numbers are not fixed claims",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1010: The client configuration does not allow organization claims",
    decisive=True,
    remedy="register tenancy single-tenant or multi-tenant, and no organization number in client_claims",
    source=_CODES,
)
def tenancy(evidence: DetailsEvidence) -> Verdict | None:
    """Older clients have fixed claims instead."""
    if evidence.numbers is None:
        return None
    fixed = [n for n in (ORGNR_PARENT, ORGNR_CHILD, ORGNR_SUPPLIER) if n in evidence.client.client_claims]
    observed = f"client_claims has {', '.join(fixed)}" if fixed else f"tenancy is {evidence.tenancy}"
    return holds(
        evidence.tenancy in (SINGLE_TENANT, MULTI_TENANT) and not fixed, observed, "single-tenant or multi-tenant"
    )


@CHAPTER.rule(
    "number-form",
    "An organization number has nine digits",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_REQUEST,
    says="HID-1004: (names orgnr_parent or orgnr_child) must have nine digits",
    decisive=True,
    remedy="send nine digits, without blanks and letters",
    source=_CODES,
)
def number_form(evidence: DetailsEvidence) -> Verdict | None:
    """Check digits are not compared here."""
    numbers = evidence.numbers
    if numbers is None:
        return None
    named = {"orgnr_parent": numbers.parent, "orgnr_child": numbers.child}
    wrong = {name: n for name, n in named.items() if n is not None and not is_organization_number(n)}
    return holds(not wrong, wrong, "nine digits", lambda: f"HID-1004: {' and '.join(wrong)} must have nine digits")


@CHAPTER.rule(
    "parent-allowed",
    "Only a multi-tenant client names the parent",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1005: The client cannot pass a parent organization number",
    decisive=True,
    remedy="send the child alone (system urn:oid:2.16.578.1.12.4.1.4.101); the parent follows from the registration",
    source=_CODES,
)
def parent_allowed(evidence: DetailsEvidence) -> Verdict | None:
    """A single-tenant client's parent is its owner."""
    if evidence.numbers is None or evidence.numbers.parent is None:
        return None
    return holds(evidence.tenancy == MULTI_TENANT, lambda: evidence.numbers and evidence.numbers.parent, "no parent")


@CHAPTER.rule(
    "child-allowed",
    "The client may name a child: its registration has children, or it is multi-tenant and names the parent too",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1006: The client cannot pass a child organization number",
    decisive=True,
    remedy="register children for a single-tenant client; a multi-tenant client sends NO:ORGNR:<parent>:<child>",
    source=_CODES,
)
def child_allowed(evidence: DetailsEvidence) -> Verdict | None:
    """A child without parent says nothing of a multi-tenant client."""
    numbers = evidence.numbers
    if numbers is None or numbers.child is None:
        return None
    allowed = numbers.parent is not None if evidence.tenancy == MULTI_TENANT else bool(evidence.client.children)
    return holds(allowed, numbers.child, "no child")


@CHAPTER.rule(
    "parent-delegated",
    "The parent has delegated to the client's owner",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1001: The parent organization number is not in the whitelist of the client",
    decisive=True,
    remedy="add the number to delegations of the client; in reality the organization delegates in Altinn",
    source=_CODES,
)
def parent_delegated(evidence: DetailsEvidence) -> Verdict | None:
    """For multi-tenant clients."""
    numbers = evidence.numbers
    if numbers is None or numbers.parent is None:
        return None
    delegations = evidence.client.delegations
    return holds(numbers.parent in delegations, numbers.parent, lambda: list(delegations))


@CHAPTER.rule(
    "child-listed",
    "The child is one of the client's",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1002: The child organization number is not in the whitelist of the client",
    decisive=True,
    remedy="add the number to children of the client",
    source=_CODES,
)
def child_listed(evidence: DetailsEvidence) -> Verdict | None:
    """For single-tenant clients; a multi-tenant client's child is looked up with its parent."""
    numbers = evidence.numbers
    children = evidence.client.children
    if numbers is None or numbers.child is None or evidence.tenancy == MULTI_TENANT or not children:
        return None
    return holds(numbers.child in children, numbers.child, lambda: list(children))


@CHAPTER.rule(
    "child-of-parent",
    "The child is one of the parent's, where the registration lists these",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="HID-1003: The child organization number is not in the whitelist of the parent",
    decisive=True,
    remedy="add the number to delegated_children under its parent, or leave the parent out there to allow all",
    source=_CODES,
)
def child_of_parent(evidence: DetailsEvidence) -> Verdict | None:
    """Usually no such list is kept."""
    numbers = evidence.numbers
    if numbers is None or numbers.child is None or numbers.parent is None:
        return None
    children = evidence.client.delegated_children.get(numbers.parent)
    if children is None:
        return None
    return holds(numbers.child in children, numbers.child, lambda: list(children))


@CHAPTER.rule(
    "child-registered",
    "The child that a multi-tenant client names is registered as a unit of the parent that it names",
    level=SHOULD,
    refused_in=NEVER,
    remedy="send the child's own parent, or correct parent of the organization in the world's files; APIs should not "
    "decide by orgnr_child, for HelseID does not check it",
    source=f"{DETAILS_PAGE}; HelseID compares the child of a multi-tenant client with no register",
)
def child_registered(evidence: DetailsEvidence) -> Verdict | None:
    """Where the child is registered as a unit at all. The token is given as it was asked for."""
    numbers = evidence.numbers
    if numbers is None or numbers.child is None or numbers.parent is None or not evidence.above_child:
        return None
    return holds(
        numbers.parent in evidence.above_child,
        lambda: f"{numbers.child} as a unit of {numbers.parent}",
        lambda: f"{numbers.child} as a unit of {evidence.above_child[0]}",
    )


@CHAPTER.rule(
    "not-with-code",
    "Organization numbers in the assertion come with client_credentials or refresh_token, not with a code",
    level=MUST,
    refused_in=STRICT_ONLY,
    says="HID-1009: An organization claim in the client assertion cannot be used in the authorization code flow",
    remedy="redeem the code without them, and send them when the token is refreshed; or use a request object",
    source=f"{DETAILS_PAGE}; of 2023, newer pages are silent on the error",
)
def not_with_code(evidence: DetailsEvidence) -> Verdict | None:
    """NHN's own multi-tenant sample logs in without an organization first."""
    if evidence.grant_type != GrantType.AUTHORIZATION_CODE or ORGANIZATION not in evidence.details.types:
        return None
    return holds(False, "an organization in the assertion of a code request", "none")


@CHAPTER.rule(
    "member",
    f"Details in a client assertion stand under {ASSERTION_DETAILS}, elsewhere under {AUTHORIZATION_DETAILS}",
    level=MUST,
    refused_in=STRICT_ONLY,
    error=ErrorCode.INVALID_REQUEST,
    says="(names the carrier) must have the details under (the one name or the other)",
    remedy=f"rename {AUTHORIZATION_DETAILS} in the assertion to {ASSERTION_DETAILS}, and {ASSERTION_DETAILS} in a "
    f"request object to {AUTHORIZATION_DETAILS}",
    source=f"{PROFILE}, FK5; {DETAILS_PAGE}",
)
def member(evidence: DetailsEvidence) -> Verdict:
    """The other name works too, the older one in assertions above all."""
    expected = ASSERTION_DETAILS if evidence.carrier == ASSERTION else AUTHORIZATION_DETAILS
    return holds(
        evidence.members == (expected,),
        lambda: ", ".join(evidence.members),
        expected,
        lambda: f"the {evidence.carrier} must have the details under {expected}",
    )


@CHAPTER.rule(
    "pushed-assertion",
    "Details in a client assertion come with a token request, not with a pushed authorization request",
    level=SHOULD,
    refused_in=NEVER,
    remedy="send them in the assertions of the token requests, or in a request object for the whole login",
    source=DETAILS_PAGE,
)
def pushed_assertion(evidence: DetailsEvidence) -> Verdict | None:
    """There they have no effect: what stands in an assertion is for one access token."""
    if evidence.carrier != ASSERTION:
        return None
    return holds(evidence.grant_type is not None, "the assertion of a pushed request", "that of a token request")


@CHAPTER.rule(
    "carrier",
    "Details stand in a signed JWT: the client assertion, or a request object",
    level=SHOULD,
    refused_in=NEVER,
    remedy=f"send {ASSERTION_DETAILS} in the client assertion; HelseID documents no such form parameter",
    source=DETAILS_PAGE,
)
def carrier(evidence: DetailsEvidence) -> Verdict:
    """RFC 9396 has a parameter, and pushed requests may use it here."""
    return holds(evidence.carrier != PARAMETER, "a form parameter", "a signed JWT")


@CHAPTER.rule(
    "journal-id",
    "The SFM journal id is a UUID",
    level=MUST,
    refused_in=STRICT_ONLY,
    error=ErrorCode.INVALID_REQUEST,
    says=f"HID-1007: value.journal_id of {JOURNAL_ID} must be a UUID",
    remedy="send the journal's UUID as journal_id",
    source="HelseID documentation, SFM",
)
def journal_id_form(evidence: DetailsEvidence) -> Verdict | None:
    """Where it is sent. The sample on HelseID's own page is none."""
    if evidence.details.journal_id is None:
        return None
    return holds(_is_uuid(evidence.details.journal_id), evidence.details.journal_id, "a UUID")


@CHAPTER.rule(
    "trust-framework",
    "The trust framework has all its parts, each with the documented members",
    level=MUST,
    refused_in=STRICT_ONLY,
    error=ErrorCode.INVALID_REQUEST,
    says="HID-1007: (names the member and what was expected)",
    remedy="send practitioner (legal_entity, point_of_care), care_relationship (purpose_of_use, decision_ref) and "
    "patients; leave out what HelseID adds",
    source=TRUST_PAGE,
)
def trust_framework_complete(evidence: DetailsEvidence) -> Verdict | None:
    """HelseID's own checks are not known; these are the documented members."""
    sent = evidence.details.trust_framework
    if sent is None:
        return None
    found = list(trust_framework.faults(sent))
    return holds(not found, lambda: "; ".join(found), "the documented members", lambda: f"HID-1007: {found[0]}")


@CHAPTER.rule(
    "trust-framework-profession",
    "The practitioner has the authorization that the trust framework names",
    level=MUST,
    refused_in=STRICT_ONLY,
    says="HID-1007: (names the member and what was expected)",
    remedy="send an authorization that the person has in the HPR register",
    source=f"{TRUST_PAGE}, ATT-32",
)
def trust_framework_profession(evidence: DetailsEvidence) -> Verdict | None:
    """Where a person has logged in and one is named."""
    sent = evidence.details.trust_framework
    code = trust_framework.profession_of(sent) if sent is not None else None
    if evidence.persona is None or code is None:
        return None
    held = [entry.profession for entry in evidence.persona.authorizations]
    return holds(
        code in held,
        code,
        held,
        lambda: (
            f"HID-1007: practitioner.authorization.code is {quoted(code)}, expected "
            + (f"one of {', '.join(held)}" if held else "none, for the practitioner has no authorization")
        ),
    )


@CHAPTER.rule(
    "trust-framework-level",
    "The practitioner has logged in with the highest security level",
    level=MUST,
    refused_in=STRICT_ONLY,
    says="HID-1007: practitioner.identifier needs a login with security_level 4",
    remedy="log in with acr_values=Level4",
    source=f"{TRUST_PAGE}, ATT-9",
)
def trust_framework_level(evidence: DetailsEvidence) -> Verdict | None:
    """Where a person has logged in."""
    if evidence.details.trust_framework is None or evidence.security_level is None:
        return None
    return holds(evidence.security_level == "4", lambda: f"security_level {evidence.security_level}", "4")


@CHAPTER.rule(
    "trust-framework-legal-entity",
    "The legal entity of the practitioner is the one that the client acts for",
    level=MUST,
    refused_in=STRICT_ONLY,
    says="HID-1007: practitioner.legal_entity.id must be orgnr_parent",
    remedy="send the organization number of the token's orgnr_parent as practitioner.legal_entity.id",
    source=f"{TRUST_PAGE}; that these two must be equal is inferred",
)
def trust_framework_legal_entity(evidence: DetailsEvidence) -> Verdict | None:
    """Where both are known."""
    sent = evidence.details.trust_framework
    number = trust_framework.legal_entity_of(sent) if sent is not None else None
    if number is None or evidence.parent is None:
        return None
    return holds(number == evidence.parent, number, evidence.parent)


@CHAPTER.rule(
    "trust-framework-used",
    "The trust framework comes with a login, and with a scope that brings it into the token",
    level=SHOULD,
    refused_in=NEVER,
    remedy="log a person in, and ask for nhn:tillitsrammeverk:parameters, nhn:kjernejournal/tillitsrammeverk or a "
    "scope of an API that wants the claim",
    source=f"{TRUST_PAGE}; discovery document",
)
def trust_framework_used(evidence: DetailsEvidence) -> Verdict | None:
    """Otherwise it is read, and left out of the token."""
    if evidence.details.trust_framework is None or evidence.brings_trust_framework is None:
        return None
    observed = "no person has logged in" if evidence.persona is None else "no scope for it"
    return holds(evidence.persona is not None and evidence.brings_trust_framework, observed, "a person and a scope")


#: What only the login and its token can tell of details that came with the authorization request.
AFTER_LOGIN: Chapter[DetailsEvidence] = Chapter(
    CHAPTER.name,
    CHAPTER.title,
    CHAPTER.refuses_with,
    [trust_framework_profession, trust_framework_level, trust_framework_legal_entity, trust_framework_used],
)

#: What is asked of details in the assertion of a pushed request, which have no effect.
IN_PUSHED_ASSERTION: Chapter[DetailsEvidence] = Chapter(
    CHAPTER.name,
    CHAPTER.title,
    CHAPTER.refuses_with,
    [double_structure, readable, known_type, member, pushed_assertion],
)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
