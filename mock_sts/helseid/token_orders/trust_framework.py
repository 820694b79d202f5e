"""The trust framework's claim as it is ordered: each part that is not named gets a default, unless it is left out."""

from collections.abc import Callable, Mapping
from typing import Any

from mock_sts.helseid.token_orders.members import TRUST_FRAMEWORK_OPTIONAL, suppressor
from mock_sts.helseid.trust_framework import (
    ORGANIZATION_SYSTEM,
    PROFESSION_SYSTEM,
    PURPOSE_DETAILS_SYSTEM,
    PURPOSE_SYSTEM,
    RESH_SYSTEM,
    SPECIALIST_SYSTEM,
    claim,
)

#: Codes and numbers of parts that are not named; texts and names are added as HelseID adds them.
_DEPARTMENT, _SERVICE, _PURPOSE, _DETAILS = "705592", "S03", "TREAT", "15"
_PROFESSION, _DECISION = "LE", "5a1b0f36-6e0e-4d6e-9a34-6b0a7f0a2f10"


def ordered_claim(
    parameters: Mapping[str, Any],
    *,
    pid: str,
    name: str,
    hpr_number: str,
    legal_entity: str,
    point_of_care: str | None,
    organization_name: Callable[[str], str | None],
) -> dict[str, Any]:
    """The claim for ``parameters``, those of the order; what they do not name follows from the rest of the order."""
    entity = parameters.get("practitionerLegalEntityId", legal_entity)
    place = parameters.get("practitionerPointOfCareId", point_of_care or entity)
    department = parameters.get("practitionerDepartmentId", _DEPARTMENT)

    def coded(stem: str, code: str, system: str) -> dict[str, str]:
        return {"code": parameters.get(f"{stem}Code", code), "system": system}

    made = claim(
        {
            "practitioner": {
                "authorization": coded("practitionerAuthorization", _PROFESSION, PROFESSION_SYSTEM),
                "legal_entity": {"id": entity, "system": ORGANIZATION_SYSTEM},
                "point_of_care": {"id": place, "system": ORGANIZATION_SYSTEM},
                "department": {"id": department, "system": RESH_SYSTEM},
            },
            "care_relationship": {
                "healthcare_service": coded("careRelationshipHealthcareService", _SERVICE, SPECIALIST_SYSTEM),
                "purpose_of_use": coded("careRelationshipPurposeOfUse", _PURPOSE, PURPOSE_SYSTEM),
                "purpose_of_use_details": coded(
                    "careRelationshipPurposeOfUseDetails", _DETAILS, PURPOSE_DETAILS_SYSTEM
                ),
                "decision_ref": {
                    "id": parameters.get(
                        "careRelationshipDecisionRefId", parameters.get("careRelationshipTracingRefId", _DECISION)
                    ),
                    "user_selected": parameters.get("careRelationshipDecisionRefUserSelected", True),
                },
            },
            "patients": [
                {
                    "point_of_care": {
                        "id": parameters.get("patientsPointOfCareId", place),
                        "system": ORGANIZATION_SYSTEM,
                    },
                    "department": {"id": parameters.get("patientsDepartmentId", department), "system": RESH_SYSTEM},
                }
            ],
        },
        pid=pid,
        name=name,
        hpr_number=hpr_number,
        organization_name=organization_name,
    )
    sections = {
        "practitioner": made["practitioner"],
        "careRelationship": made["care_relationship"],
        "patients": made["patients"][0],
    }
    for stem, section, part in _PARTS:
        if stem in TRUST_FRAMEWORK_OPTIONAL and parameters.get(suppressor(stem)):
            del sections[section][part]
        else:
            sections[section][part] |= _said(parameters, stem)
    return made


#: The beginning of the names of a part's members, the section that it is in, and its name there.
_PARTS = (
    ("practitionerIdentifier", "practitioner", "identifier"),
    ("practitionerHprNr", "practitioner", "hpr_nr"),
    ("practitionerAuthorization", "practitioner", "authorization"),
    ("practitionerLegalEntity", "practitioner", "legal_entity"),
    ("practitionerPointOfCare", "practitioner", "point_of_care"),
    ("practitionerDepartment", "practitioner", "department"),
    ("careRelationshipHealthcareService", "careRelationship", "healthcare_service"),
    ("careRelationshipPurposeOfUse", "careRelationship", "purpose_of_use"),
    ("careRelationshipPurposeOfUseDetails", "careRelationship", "purpose_of_use_details"),
    ("patientsPointOfCare", "patients", "point_of_care"),
    ("patientsDepartment", "patients", "department"),
)

#: Where the service's names leave a word out.
_SHORTER = {"careRelationshipHealthcareService": "careRelationshipHealthcare"}

_ENDS = ("Text", "Name", "System", "Authority", "Assigner")


def _said(parameters: Mapping[str, Any], stem: str) -> dict[str, str]:
    """What ``parameters`` say of the part beside its code or number."""
    stems = (stem, _SHORTER.get(stem, stem))
    names = ((end.lower(), f"{one}{end}") for end in _ENDS for one in stems)
    return {member: parameters[name] for member, name in names if name in parameters}
