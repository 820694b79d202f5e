"""The members of a request to NHN's test-token service: the one table from which it is read and described.

Names are those of version 2. Letters do not count, and the names of version 1 are taken for the same members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from mock_sts.helseid.claims import (
    ASSURANCE_LEVEL,
    CLIENT_AMR,
    CLIENT_NAME_CLAIM,
    CLIENT_TENANCY,
    HPR_NUMBER,
    NETWORK,
    ORGNR_CHILD,
    ORGNR_PARENT,
    ORGNR_SUPPLIER,
    PID,
    PID_PSEUDONYM,
    SECURITY_LEVEL,
)
from mock_sts.helseid.details import JOURNAL_ID


class Generation(IntEnum):
    """How the claims of a group, the client's or the person's, are made."""

    GenerateNone = 0
    GenerateOnlyDefault = 1
    GenerateOnlyFromNonEmptyParameterValues = 2
    GenerateDefaultWithClaimsFromNonEmptyParameterValues = 3


class IssuerEnvironment(IntEnum):
    """The installation of HelseID that shall have issued the token. This server is one, so it changes nothing."""

    Test = 0
    IntTest = 1
    Development = 2


class Tenancy(IntEnum):
    """How many customers the client serves."""

    MultiTenant = 0
    SingleTenant = 1
    None_ = 2


class ProofDefect(IntEnum):
    """What is wrong with the DPoP proof; the last is wrong with the token."""

    None_ = 0
    DontSetHtuClaimValue = 1
    DontSetHtmClaimValue = 2
    SetIatValueInThePast = 3
    SetIatValueInTheFuture = 4
    DontSetAthClaimValue = 5
    DontSetAlgHeader = 6
    DontSetJwkHeader = 7
    DontSetJtiClaim = 8
    SetAlgHeaderToASymmetricAlgorithm = 9
    SetPrivateKeyInJwkHeader = 10
    SetInvalidTypHeaderValue = 11
    SetAnInvalidSignature = 12
    SetAnInvalidJktValueInToken = 13


class Kind(IntEnum):
    """What a member's value is."""

    TEXT = 0
    TEXTS = 1
    BOOLEAN = 2
    NUMBER = 3


@dataclass(frozen=True, slots=True)
class Object:
    """A member that is an object; ``is_list``: a list of such objects."""

    members: "Mapping[str, Member]"
    is_list: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)


Member: TypeAlias = Kind | type[IntEnum] | Object

TEXT, TEXTS, BOOLEAN, NUMBER = Kind

CLIENT_AUTHENTICATION = "helseid://claims/client/amr"

#: Claims that NHN's samples know by another name than HelseID's discovery document. A token has both.
SAMPLES_NAMES: Mapping[str, str] = {
    JOURNAL_ID: "nhn:sfm:journal_id",
    CLIENT_TENANCY: "helseid://claims/client/claims/client_tenancy",
}

#: Member of the client's claims to the claim; those that are no plain claim are missing here.
CLIENT_CLAIMS: Mapping[str, str] = {
    "scope": "scope",
    "clientId": "client_id",
    "sfmJournalId": JOURNAL_ID,
    "orgnrParent": ORGNR_PARENT,
    "orgnrChild": ORGNR_CHILD,
    "orgnrSupplier": ORGNR_SUPPLIER,
    "authenticationMethodsReferences": CLIENT_AMR,
    "clientAuthenticationMethodsReferences": CLIENT_AUTHENTICATION,
    "clientName": CLIENT_NAME_CLAIM,
    "jti": "jti",
}

#: Member of the person's claims to the claim.
USER_CLAIMS: Mapping[str, str] = {
    "pid": PID,
    "pidPseudonym": PID_PSEUDONYM,
    "hprNumber": HPR_NUMBER,
    "name": "name",
    "givenName": "given_name",
    "middleName": "middle_name",
    "familyName": "family_name",
    "identityProvider": "idp",
    "securityLevel": SECURITY_LEVEL,
    "assuranceLevel": ASSURANCE_LEVEL,
    "network": NETWORK,
    "amr": "amr",
    "subject": "sub",
    "sid": "sid",
}

#: What each part of the trust framework's claim can be ordered with: the beginning of its members' names to their ends.
TRUST_FRAMEWORK_STEMS: Mapping[str, tuple[str, ...]] = {
    "practitionerIdentifier": ("System", "Authority"),
    "practitionerHprNr": ("System", "Authority"),
    "practitionerAuthorization": ("Code", "Text", "System", "Assigner"),
    "practitionerLegalEntity": ("Id", "Name", "System", "Authority"),
    "practitionerPointOfCare": ("Id", "Name", "System", "Authority"),
    "practitionerDepartment": ("Id", "Name", "System", "Authority"),
    "careRelationshipHealthcareService": ("Code", "Text"),
    "careRelationshipHealthcare": ("System", "Assigner"),
    "careRelationshipPurposeOfUse": ("Code", "Text", "System", "Assigner"),
    "careRelationshipPurposeOfUseDetails": ("Code", "Text", "System", "Assigner"),
    "careRelationshipDecisionRef": ("Id",),
    "patientsPointOfCare": ("Id", "Name", "System", "Authority"),
    "patientsDepartment": ("Id", "Name", "System", "Authority"),
}

#: Parts of that claim that can be left out, by ``dontSet…``.
TRUST_FRAMEWORK_OPTIONAL = (
    "practitionerHprNr",
    "practitionerAuthorization",
    "practitionerDepartment",
    "careRelationshipHealthcareService",
    "careRelationshipPurposeOfUseDetails",
    "patientsPointOfCare",
    "patientsDepartment",
)


def suppressor(part: str) -> str:
    """The member that leaves ``part`` out of the trust framework's claim."""
    return f"dontSet{part[0].upper()}{part[1:]}"


_TRUST_FRAMEWORK = {
    **{suppressor(part): BOOLEAN for part in TRUST_FRAMEWORK_OPTIONAL},
    **{f"{stem}{end}": TEXT for stem, ends in TRUST_FRAMEWORK_STEMS.items() for end in ends},
    "careRelationshipDecisionRefUserSelected": BOOLEAN,
    "careRelationshipTracingRefId": TEXT,
}

#: The request.
REQUEST = Object(
    {
        "audience": TEXT,
        "clientClaimsParametersGeneration": Generation,
        "userClaimsParametersGeneration": Generation,
        "withoutDefaultClientClaims": BOOLEAN,
        "withoutDefaultUserClaims": BOOLEAN,
        "issuerEnvironment": IssuerEnvironment,
        "createDPoPTokenWithDPoPProof": BOOLEAN,
        "dPoPProofParameters": Object(
            {
                "htuClaimValue": TEXT,
                "htmClaimValue": TEXT,
                "privateKeyForProofCreation": TEXT,
                "invalidDPoPProofParameters": ProofDefect,
            }
        ),
        "createTillitsrammeverkClaims": BOOLEAN,
        "tillitsrammeverkClaimsParameters": Object(_TRUST_FRAMEWORK),
        "createTokenExchangeClaims": BOOLEAN,
        "tokenExchangeParameters": Object({"issuer": TEXT, "clientId": TEXT, "orgnrParent": TEXT}),
        "signJwtWithInvalidSigningKey": BOOLEAN,
        "setInvalidIssuer": BOOLEAN,
        "setInvalidAudience": BOOLEAN,
        "expirationParameters": Object(
            {
                "setExpirationTimeAsExpired": BOOLEAN,
                "expirationTimeInSeconds": NUMBER,
                "expirationTimeInDays": NUMBER,
            }
        ),
        "headerParameters": Object({"typ": TEXT}),
        "clientClaimsParameters": Object(
            {
                **dict.fromkeys(CLIENT_CLAIMS, TEXT),
                "scope": TEXTS,
                "authenticationMethodsReferences": TEXTS,
                "clientTenancy": BOOLEAN,
                "clientTenancyType": Tenancy,
                "cnfJkt": TEXT,
                "cnfPublicKey": TEXT,
            }
        ),
        "userClaimsParameters": Object(dict.fromkeys(USER_CLAIMS, TEXT)),
        "getPersonFromPersontjenesten": BOOLEAN,
        "onlySetNameForPerson": BOOLEAN,
        "getHprNumberFromHprregisteret": BOOLEAN,
        "setPidPseudonym": BOOLEAN,
        "setSubject": BOOLEAN,
        "apiSpecificClaims": Object({"type": TEXT, "value": TEXT}, is_list=True),
    },
    aliases={
        "generalClaimsParametersGeneration": "clientClaimsParametersGeneration",
        "withoutDefaultGeneralClaims": "withoutDefaultClientClaims",
        "generalClaimsParameters": "clientClaimsParameters",
    },
)


def word_of(choice: IntEnum) -> str:
    """The name of a value as the service writes it."""
    return choice.name.rstrip("_")
