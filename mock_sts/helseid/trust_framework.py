"""The trust framework (tillitsrammeverket): from what a client sends to the claim in its access token.

HelseID adds who the practitioner is, from the login, and to each code and organization its text or name and who vouches
for it. The shape is that of NHN's published parser; the texts that are added are inferred.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mock_sts.helseid.identifiers import is_d_number, is_organization_number
from mock_sts.protocol.errors import quoted
from mock_sts.protocol.json_text import text_or_none

_OID = "urn:oid:2.16.578.1.12.4.1."
PID_SYSTEM, D_NUMBER_SYSTEM, HPR_SYSTEM = f"{_OID}4.1", f"{_OID}4.2", f"{_OID}4.4"
ORGANIZATION_SYSTEM, RESH_SYSTEM = f"{_OID}4.101", f"{_OID}4.102"
PROFESSION_SYSTEM = f"{_OID}1.9060"
SPECIALIST_SYSTEM, PURPOSE_DETAILS_SYSTEM = f"{_OID}1.8655", f"{_OID}1.9151"
PURPOSE_SYSTEM = "urn:oid:2.16.840.1.113883.1.11.20448"
CARE_RELATION_SYSTEM = "urn:AuditEventHL7Norway/CodeSystem/carerelation"

_SKATTEETATEN = "https://www.skatteetaten.no"
_HELSEDIREKTORATET = "https://www.helsedirektoratet.no/"
_BRREG = "https://www.brreg.no"
_NHN = "https://www.nhn.no"
_VOLVEN = "https://www.volven.no/"
_HL7 = "http://www.hl7.org/"

#: Identifier system to who vouches for its numbers.
_AUTHORITIES: Mapping[str, str] = {
    PID_SYSTEM: _SKATTEETATEN,
    D_NUMBER_SYSTEM: _SKATTEETATEN,
    HPR_SYSTEM: _HELSEDIREKTORATET,
    ORGANIZATION_SYSTEM: _BRREG,
    RESH_SYSTEM: _NHN,
}

#: Code system to who assigns its codes; the others are Volven's.
_ASSIGNERS: Mapping[str, str] = {
    PROFESSION_SYSTEM: _HELSEDIREKTORATET,
    PURPOSE_SYSTEM: _HL7,
    CARE_RELATION_SYSTEM: _HL7,
}

#: Texts of codes, by system, as far as the documentation and the samples name them.
_TEXTS: Mapping[str, Mapping[str, str]] = {
    PROFESSION_SYSTEM: {
        "AA": "Ambulansearbeider",
        "AT": "Apotektekniker",
        "AU": "Audiograf",
        "BI": "Bioingeniør",
        "ET": "Ergoterapeut",
        "FA1": "Provisorfarmasøyt",
        "FA2": "Reseptarfarmasøyt",
        "FB": "Fiskehelsebiolog",
        "FO": "Fotterapeut",
        "FT": "Fysioterapeut",
        "HE": "Helsesekretær",
        "HF": "Helsefagarbeider",
        "HP": "Hjelpepleier",
        "JO": "Jordmor",
        "KE": "Klinisk ernæringsfysiolog",
        "KI": "Kiropraktor",
        "LE": "Lege",
        "MT": "Manuellterapeut",
        "NP": "Naprapat",
        "OA": "Omsorgsarbeider",
        "OI": "Ortopediingeniør",
        "OP": "Optiker",
        "OR": "Ortoptist",
        "OS": "Osteopat",
        "PE": "Perfusjonist",
        "PS": "Psykolog",
        "RA": "Radiograf",
        "SP": "Sykepleier",
        "TH": "Tannhelsesekretær",
        "TL": "Tannlege",
        "TP": "Tannpleier",
        "TT": "Tanntekniker",
        "VP": "Vernepleier",
        "XX": "Ukjent/uspesifisert",
    },
    PURPOSE_SYSTEM: {
        "TREAT": "Behandling",
        "ETREAT": "Akutt behandling",
        "COC": "Samordning av helsehjelp",
        "BTG": "Nødrett",
    },
    CARE_RELATION_SYSTEM: {
        "BEHANDLER": "Behandler",
        "HENVISNING": "Henvisning",
        "POLBESOK": "Poliklinisk besøk",
        "BLAALYS": "Blålys",
    },
    SPECIALIST_SYSTEM: {"S03": "Indremedisin"},
    PURPOSE_DETAILS_SYSTEM: {"15": "Helsetjenester i hjemmet"},
}

#: Code or identifier systems of each part, as documented; a department may have a local one.
_SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "authorization": (PROFESSION_SYSTEM,),
    "legal_entity": (ORGANIZATION_SYSTEM,),
    "point_of_care": (ORGANIZATION_SYSTEM,),
    "healthcare_service": tuple(f"{_OID}1.{number}" for number in ("8666", "8655", "8663", "8451")),
    "purpose_of_use": (PURPOSE_SYSTEM,),
    "purpose_of_use_details": (CARE_RELATION_SYSTEM, PURPOSE_DETAILS_SYSTEM),
}

#: What the practitioner's parts, the care relationship's and a patient's may be; False where one may be left out.
_PRACTITIONER = {"authorization": False, "legal_entity": True, "point_of_care": True, "department": False}
_CARE_RELATIONSHIP = {
    "healthcare_service": False,
    "purpose_of_use": True,
    "purpose_of_use_details": False,
    "decision_ref": True,
}
_DECISION_REF: Mapping[str, type] = {"id": str, "user_selected": bool}
_PATIENT = {"point_of_care": False, "department": False}
_ORGANIZATIONS = ("legal_entity", "point_of_care")

#: Characters of a member's name that are repeated to who sent it.
_LONGEST_NAME = 60


def claim(
    sent: Mapping[str, Any],
    *,
    pid: str,
    name: str,
    hpr_number: str | None,
    organization_name: Callable[[str], str | None],
) -> dict[str, Any]:
    """The claim for what a client has ``sent``, on behalf of the person who has logged in.

    ``organization_name`` gives the name of an organization number, None for an unknown one. Parts that are of another
    shape than documented are left out: whether they may be sent at all is judged elsewhere.
    """
    practitioner: dict[str, Any] = {
        "identifier": _vouched({"id": pid, "name": name, "system": D_NUMBER_SYSTEM if is_d_number(pid) else PID_SYSTEM})
    }
    if hpr_number is not None:
        practitioner["hpr_nr"] = _vouched({"id": hpr_number, "system": HPR_SYSTEM})
    practitioner.update(_parts(sent.get("practitioner"), _PRACTITIONER, organization_name))
    patients = sent.get("patients")
    return {
        "practitioner": practitioner,
        "care_relationship": _parts(sent.get("care_relationship"), _CARE_RELATIONSHIP, organization_name),
        "patients": [
            _parts(patient, _PATIENT, organization_name) for patient in (patients if isinstance(patients, list) else [])
        ],
    }


def faults(sent: Mapping[str, Any]) -> Iterator[str]:
    """What breaks the documented structure of what a client has ``sent``, a sentence each."""
    yield from _section_faults("practitioner", sent.get("practitioner"), _PRACTITIONER)
    yield from _section_faults("care_relationship", sent.get("care_relationship"), _CARE_RELATIONSHIP)
    patients = sent.get("patients")
    if not isinstance(patients, list):
        yield "patients is missing or not an array"
    else:
        for number, patient in enumerate(patients):
            yield from _section_faults(f"patients[{number}]", patient, _PATIENT)
    for name in sent:
        if name not in ("practitioner", "care_relationship", "patients"):
            yield f"{name[:_LONGEST_NAME]} is no member of the trust framework"


def profession_of(sent: Mapping[str, Any]) -> str | None:
    """The code of the authorization that the practitioner works by, None where none is named."""
    return _of_practitioner(sent, "authorization", "code")


def legal_entity_of(sent: Mapping[str, Any]) -> str | None:
    """The organization number of the legal entity that the practitioner works for, None where none is named."""
    return _of_practitioner(sent, "legal_entity", "id")


def _of_practitioner(sent: Mapping[str, Any], name: str, member: str) -> str | None:
    practitioner = sent.get("practitioner")
    part = practitioner.get(name) if isinstance(practitioner, dict) else None
    return text_or_none(part.get(member)) if isinstance(part, dict) else None


def is_brought_by(scopes: Sequence[str], wanted_claims: frozenset[str], claim_name: str) -> bool:
    """Whether a token with these scopes, for APIs that want these claims, carries the claim.

    A scope of its own brings it, and scopes of APIs that are called after it (``nhn:kjernejournal/tillitsrammeverk``).
    """
    return claim_name in wanted_claims or any(
        scope == claim_name or scope.rpartition("/")[2] == "tillitsrammeverk" for scope in scopes
    )


def _parts(
    section: object, names: Mapping[str, bool], organization_name: Callable[[str], str | None]
) -> dict[str, Any]:
    if not isinstance(section, dict):
        return {}
    parts = {}
    for name in names:
        part = section.get(name)
        enriched = _enriched(name, part, organization_name) if isinstance(part, dict) else None
        if enriched is not None:
            parts[name] = enriched
    return parts


def _enriched(
    where: str, part: Mapping[str, Any], organization_name: Callable[[str], str | None]
) -> dict[str, Any] | None:
    """The part as the claim has it; None for one that is of no documented shape."""
    if where == "decision_ref":
        return {name: part[name] for name, kind in _DECISION_REF.items() if isinstance(part.get(name), kind)}
    code, number, system = (text_or_none(part.get(name)) for name in ("code", "id", "system"))
    if system is None:
        return None
    if code is not None:
        text = _TEXTS.get(system, {}).get(code, code)
        return {"code": code, "text": text, "system": system, "assigner": _ASSIGNERS.get(system, _VOLVEN)}
    if number is not None:
        return _vouched({"id": number, "name": organization_name(number) or number, "system": system})
    return None


def _vouched(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "authority": _AUTHORITIES.get(part["system"], _NHN)}


def _section_faults(where: str, section: object, names: Mapping[str, bool]) -> Iterator[str]:
    if not isinstance(section, dict):
        yield f"{where} is missing or not an object"
        return
    for name in section:
        if name not in names:
            yield f"{where}.{name[:_LONGEST_NAME]} is not accepted from a client"
    for name, required in names.items():
        if name in section:
            yield from _part_faults(f"{where}.{name}", name, section[name])
        elif required:
            yield f"{where}.{name} is missing"


def _part_faults(where: str, name: str, part: object) -> Iterator[str]:
    if not isinstance(part, dict):
        yield f"{where} is not an object"
        return
    if name == "decision_ref":
        members: Mapping[str, type] = _DECISION_REF
    else:
        members = {"id" if name in (*_ORGANIZATIONS, "department") else "code": str, "system": str}
    for member, kind in members.items():
        if not isinstance(part.get(member), kind):
            yield f"{where}.{member} is {quoted(part.get(member))}, expected a {'text' if kind is str else 'boolean'}"
    for member in part:
        if member not in members:
            yield f"{where}.{member[:_LONGEST_NAME]} is not accepted from a client"
    system, number, code = (text_or_none(part.get(member)) for member in ("system", "id", "code"))
    if system is not None and system not in _SYSTEMS.get(name, (system,)):
        yield f"{where}.system is {quoted(system)}, expected {' or '.join(_SYSTEMS[name])}"
    if name in _ORGANIZATIONS and number is not None and not is_organization_number(number):
        yield f"{where}.id is {quoted(number)}, expected an organization number of nine digits"
    if name == "purpose_of_use" and code is not None and code not in _TEXTS[PURPOSE_SYSTEM]:
        yield f"{where}.code is {quoted(code)}, expected one of {', '.join(_TEXTS[PURPOSE_SYSTEM])}"
