"""People who are in no fixture, and numbers for new ones: made from what is known, the same way everywhere."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from mock_sts.helseid.identifiers import birth_date, organization_check_digit_ok, pid_check_digits_ok
from mock_sts.helseid.registry.persona import Persona

#: What is added to the month of a synthetic pid: Tenor's series, the one of NHN and NAV, Dolly's.
TENOR, NAV, DOLLY = 80, 65, 40

#: Professions of the HPR register (Volven 9060), in English.
PROFESSIONS: Mapping[str, str] = {
    "AA": "ambulance worker",
    "AT": "pharmacy technician",
    "AU": "audiologist",
    "BI": "biomedical scientist",
    "ET": "occupational therapist",
    "FA1": "pharmacist",
    "FA2": "prescriptionist",
    "FB": "fish health biologist",
    "FO": "podiatrist",
    "FT": "physiotherapist",
    "HE": "medical secretary",
    "HF": "health care worker",
    "HP": "auxiliary nurse",
    "JO": "midwife",
    "KE": "clinical nutritionist",
    "KI": "chiropractor",
    "LE": "doctor",
    "MT": "manual therapist",
    "NP": "naprapath",
    "OA": "care worker",
    "OI": "orthopaedic engineer",
    "OP": "optician",
    "OR": "orthoptist",
    "OS": "osteopath",
    "PE": "perfusionist",
    "PS": "psychologist",
    "RA": "radiographer",
    "SP": "nurse",
    "TH": "dental secretary",
    "TL": "dentist",
    "TP": "dental hygienist",
    "TT": "dental technician",
    "VP": "social educator",
    "XX": "unknown",
}

#: The same in Norwegian, as the register names them.
NORWEGIAN_PROFESSIONS: Mapping[str, str] = {
    "AA": "ambulansearbeider",
    "AT": "apotektekniker",
    "AU": "audiograf",
    "BI": "bioingeniør",
    "ET": "ergoterapeut",
    "FA1": "provisorfarmasøyt",
    "FA2": "reseptarfarmasøyt",
    "FB": "fiskehelsebiolog",
    "FO": "fotterapeut",
    "FT": "fysioterapeut",
    "HE": "helsesekretær",
    "HF": "helsefagarbeider",
    "HP": "hjelpepleier",
    "JO": "jordmor",
    "KE": "klinisk ernæringsfysiolog",
    "KI": "kiropraktor",
    "LE": "lege",
    "MT": "manuellterapeut",
    "NP": "naprapat",
    "OA": "omsorgsarbeider",
    "OI": "ortopediingeniør",
    "OP": "optiker",
    "OR": "ortoptist",
    "OS": "osteopat",
    "PE": "perfusjonist",
    "PS": "psykolog",
    "RA": "radiograf",
    "SP": "sykepleier",
    "TH": "tannhelsesekretær",
    "TL": "tannlege",
    "TP": "tannpleier",
    "TT": "tanntekniker",
    "VP": "vernepleier",
    "XX": "ukjent",
}

#: What doctors of a speciality are called, by its code, in Norwegian and English.
SPECIALISTS: Mapping[str, tuple[str, str]] = {
    "1": ("fastlege", "general practitioner"),
    "40": ("psykiater", "psychiatrist"),
    "152": ("ortoped", "orthopaedic surgeon"),
}

#: The file in a world's folder with the names of invented people.
NAMES_FILE = "names.generated.json"

#: The description of an invented person, by which one knows them.
INVENTED = "invented from the pid"

#: What the letters that Unicode does not take apart become in a short name.
_PLAIN = str.maketrans({"æ": "ae", "ø": "o", "đ": "d", "ŋ": "n", "ŧ": "t", "ß": "ss", "ł": "l", "ð": "d", "þ": "th"})


def invent_persona(pid: str, names: Mapping[str, Sequence[str]]) -> Persona:
    """A person with this ``pid`` and a name from ``names`` (``given_names``, ``family_names``); no HPR number."""
    digest = hashlib.sha256(pid.encode()).digest()
    given, family = names["given_names"], names["family_names"]
    document = {
        "pid": pid,
        "given_name": given[int.from_bytes(digest[:4], "big") % len(given)],
        "family_name": family[int.from_bytes(digest[4:8], "big") % len(family)],
        "description": INVENTED,
    }
    return Persona.from_document(document, "invented")


def synthetic_pid(born: date, serial: int, series: int = TENOR, *, d_number: bool = False) -> str | None:
    """The pid of ``serial`` (0 to 499) among those ``born`` that day, in a synthetic series, with right check digits.

    None where that serial has no check digits, or where no pid can tell the date; then take another one.
    """
    individual = serial + (500 if born.year >= 2000 else 0)
    day = born.day + (40 if d_number else 0)
    stem = f"{day:02}{born.month + series:02}{born.year % 100:02}{individual:03}"
    if birth_date(stem + "00") != born:
        return None
    return next((pid for check in range(100) if pid_check_digits_ok(pid := f"{stem}{check:02}")), None)


def organization_number(stem: str) -> str | None:
    """The organization number that begins with the eight digits ``stem``; None where it has no check digit."""
    return next((number for check in range(10) if organization_check_digit_ok(number := f"{stem}{check}")), None)


def short_name(*names: str) -> str:
    """A short name: the words of ``names`` in plain small letters, with hyphens between. May be empty."""
    text = unicodedata.normalize("NFKD", " ".join(names).lower().translate(_PLAIN))
    kept = "".join(c for c in text if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", kept).strip("-")


def plain_authorization(profession: str, *, specialities: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """An authorization in the HPR register without limits: ``specialities`` are codes and names (Volven 7426).

    A doctor may prescribe everything; of others nothing is said, for their codes are not known for sure.
    """
    rights = [{"value": "1", "description": "Full rekvisisjonsrett"}] if profession == "LE" else []
    return {
        "profession": profession,
        "authorization": {"value": "1", "description": "Autorisasjon"},
        "requisition_rights": rights,
        "specialities": [{"value": value, "description": text} for value, text in specialities],
    }
