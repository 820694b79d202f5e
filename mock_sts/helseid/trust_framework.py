"""The trust framework (tillitsrammeverket): from what a client sends to the claim in its access token.

HelseID adds who the practitioner is, from the login, and to each code and organization its text or name and who vouches
for it. The shape is that of NHN's published parser; the texts that are added are inferred.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mock_sts.helseid.identifiers import is_d_number

_OID = "urn:oid:2.16.578.1.12.4.1."
PID_SYSTEM, D_NUMBER_SYSTEM, HPR_SYSTEM = f"{_OID}4.1", f"{_OID}4.2", f"{_OID}4.4"
ORGANIZATION_SYSTEM, RESH_SYSTEM = f"{_OID}4.101", f"{_OID}4.102"
PROFESSION_SYSTEM = f"{_OID}1.9060"
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
    f"{_OID}1.8655": {"S03": "Indremedisin"},
    f"{_OID}1.9151": {"15": "Helsetjenester i hjemmet"},
}

#: What the practitioner's parts, the care relationship's and a patient's may be; False where one may be left out.
_PRACTITIONER = {"authorization": False, "legal_entity": True, "point_of_care": True, "department": False}
_CARE_RELATIONSHIP = {
    "healthcare_service": False,
    "purpose_of_use": True,
    "purpose_of_use_details": False,
    "decision_ref": True,
}
_PATIENT = {"point_of_care": False, "department": False}
_ORGANIZATIONS = ("legal_entity", "point_of_care")


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
            yield f"{name} is no member of the trust framework"


def profession_of(sent: Mapping[str, Any]) -> str | None:
    """The code of the authorization that the practitioner works by, None where none is named."""
    practitioner = sent.get("practitioner")
    authorization = practitioner.get("authorization") if isinstance(practitioner, dict) else None
    code = authorization.get("code") if isinstance(authorization, dict) else None
    return code if isinstance(code, str) else None


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
        if isinstance(part, dict):
            parts[name] = _enriched(name, part, organization_name)
    return parts


def _enriched(where: str, part: Mapping[str, Any], organization_name: Callable[[str], str | None]) -> dict[str, Any]:
    system = part.get("system")
    if where == "decision_ref":
        return {name: part[name] for name in ("id", "user_selected") if name in part}
    if "code" in part:
        code = part["code"]
        text = _TEXTS.get(str(system), {}).get(str(code), str(code))
        return {"code": code, "text": text, "system": system, "assigner": _ASSIGNERS.get(str(system), _VOLVEN)}
    number = part.get("id")
    name = (organization_name(number) if isinstance(number, str) else None) or str(number)
    return _vouched({"id": number, "name": name, "system": system})


def _vouched(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "authority": _AUTHORITIES.get(str(part["system"]), _NHN)}


def _section_faults(where: str, section: object, names: Mapping[str, bool]) -> Iterator[str]:
    if not isinstance(section, dict):
        yield f"{where} is missing or not an object"
        return
    for name in section:
        if name not in names:
            yield f"{where}.{name} is not accepted from a client"
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
        members: dict[str, type] = {"id": str, "user_selected": bool}
    else:
        members = {"id" if name in (*_ORGANIZATIONS, "department") else "code": str, "system": str}
    for member, kind in members.items():
        if not isinstance(part.get(member), kind):
            yield f"{where}.{member} is missing or not a {'text' if kind is str else 'boolean'}"
    for member in part:
        if member not in members:
            yield f"{where}.{member} is not accepted from a client"
    if name in _ORGANIZATIONS and part.get("system") not in (None, ORGANIZATION_SYSTEM):
        yield f"{where}.system is {part['system']!r}, not {ORGANIZATION_SYSTEM}"
