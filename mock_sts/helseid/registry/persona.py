"""A synthetic person, with what the register of health personnel says of them."""

import re

from mock_sts.helseid.eids import EIDS
from mock_sts.helseid.identifiers import is_hpr_number, is_pid
from mock_sts.helseid.registry.documents import DocumentError, raise_together
from mock_sts.helseid.registry.records import Record, check_numbers, format_of, member, record


@record("code", key="value")
class Code(Record):
    """A code of one of Volven's code systems."""

    value: str = member("The code")
    description: str = member("What it means", default="")


@record("authorization", key="profession")
class Authorization(Record):
    """An authorization in the HPR register."""

    profession: str = member("Code of the HPR register (Volven 9060): LE doctor, SP nurse", default="XX")
    authorization: Code | None = member("The sort of authorization (Volven 7704)", default=None)
    requisition_rights: tuple[Code, ...] = member("Rights to prescribe (Volven 7701)", default=())
    specialities: tuple[Code, ...] = member("Specialities (Volven 7426)", default=())


@record("persona", key="pid")
class Persona(Record):
    """A synthetic person who can log in."""

    pid: str = member("Fødselsnummer or D-number, eleven digits of a synthetic series")
    persona: str | None = member(
        "A short name, for `login_hint=persona:<name>`, `persona show` and the persona cookie", default=None
    )
    given_name: str = member("Given name")
    middle_name: str = member("Middle name; an empty text when there is none", default="")
    family_name: str = member("Family name")
    description: str = member("One line on why this person exists", default="")
    sample: str = member("Where the person was taken from, when from a public sample", default="")
    hpr_number: str | None = member("HPR number, seven to nine digits", default=None)
    authorizations: tuple[Authorization, ...] = member("Authorizations in the HPR register", default=())
    security_level: str = member("Highest level the person can log in with", default="4", choices=("3", "4"))
    eids: tuple[str, ...] | None = member(
        "The electronic ids the person has; unset: all of their level; an empty list: none", default=None, choices=EIDS
    )
    network: str | None = member("The network the person sits on", default=None, choices=("internett", "helsenett"))
    organizations: tuple[str, ...] = member("Organizations the person works for", default=())
    superseded_by: str | None = member("The pid that replaced this one; this one can no longer log in", default=None)

    @classmethod
    def from_document(cls, document: object, where: str) -> "Persona":
        """The persona that ``document`` describes. Raises DocumentError."""
        persona = PERSONA_FORMAT.read(document, where)
        place = f"{where}, persona {persona.pid!r}"
        faults = [
            DocumentError(f"{place}: {name!r} must be {wanted}", (name,))
            for name, value, fits, wanted in (
                ("pid", persona.pid, is_pid, "eleven digits, in quotes"),
                ("superseded_by", persona.superseded_by, is_pid, "eleven digits, in quotes"),
                ("persona", persona.persona, is_short_name, "letters, digits and hyphens, and no number"),
                ("hpr_number", persona.hpr_number, is_hpr_number, "seven to nine digits, in quotes"),
            )
            if value is not None and not fits(value)
        ]
        try:
            check_numbers({"organizations": persona.organizations}, place)
        except DocumentError as error:
            faults += error.all
        raise_together(faults)
        return persona


def is_short_name(text: str) -> bool:
    """Whether ``text`` can be a person's short name: one word, which is no number."""
    return re.fullmatch(r"\w[\w.-]*", text) is not None and not text.isdigit()


PERSONA_FORMAT = format_of(Persona)
