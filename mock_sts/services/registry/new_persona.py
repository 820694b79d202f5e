"""Registering a new person; what was not given is invented."""

import secrets
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from mock_sts.helseid.identifiers import birth_date, is_pid, is_synthetic_pid, pid_check_digits_ok
from mock_sts.helseid.personas import PROFESSIONS, plain_authorization, short_name, synthetic_pid
from mock_sts.helseid.registry.documents import DocumentError
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.services.registry.lookup import hint, profession_hint
from mock_sts.services.registry.people import shipped_names
from mock_sts.store.catalog import MADE, put_entry
from mock_sts.store.database import Database
from mock_sts.store.fixtures.rows import read_rows

#: Births of people whose birth was not given.
_BIRTHS = (date(1950, 1, 1), date(2000, 12, 31))


@dataclass(frozen=True, slots=True)
class NewPersona:
    """What is wanted of a person; None and empty are for what shall be invented or left out.

    ``professions`` are codes of the HPR register (Volven 9060); a person with one has an HPR number. ``eids`` are short
    names, None for all of the person's level and empty for none; ``superseded_by`` is the pid that replaced this one.
    """

    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    pid: str | None = None
    born: date | None = None
    persona: str | None = None
    description: str | None = None
    professions: tuple[str, ...] = ()
    hpr_number: str | None = None
    level: str | None = None
    eids: tuple[str, ...] | None = None
    superseded_by: str | None = None
    network: str | None = None
    organizations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadePersona:
    """The registered person, the document to keep in own fixtures, and a sentence for each thing that is odd."""

    persona: Persona
    document: dict[str, Any]
    warnings: tuple[str, ...]


def make_persona(store: Database, wanted: NewPersona, *, require_synthetic: bool) -> MadePersona:
    """Register a person; a running server knows them at once. Raises DocumentError for what cannot be registered."""
    people = [row.item for row in read_rows(store, Persona)]
    pid = wanted.pid or _invented_pid(wanted.born or _some_day(), {person.pid for person in people})
    warnings = (
        *_oddities(pid, wanted, require_synthetic=require_synthetic),
        *_odd_successor(pid, wanted.superseded_by, {person.pid: person for person in people}),
    )
    names = shipped_names()
    given = wanted.given_name or secrets.choice(names["given_names"])
    family = wanted.family_name or secrets.choice(names["family_names"])
    hpr_number = wanted.hpr_number
    if hpr_number is None and wanted.professions:
        hpr_number = _free(lambda: f"5{secrets.randbelow(10**8):08}", {person.hpr_number for person in people})
    short = wanted.persona or _free_name(short_name(given, family), {person.persona for person in people})
    document = {
        "pid": pid,
        "persona": short,
        "given_name": given,
        "middle_name": wanted.middle_name,
        "family_name": family,
        "description": wanted.description or "Made with persona new.",
        "hpr_number": hpr_number,
        "authorizations": [plain_authorization(code) for code in dict.fromkeys(wanted.professions)],
        "security_level": wanted.level,
        "eids": None if wanted.eids is None else list(dict.fromkeys(wanted.eids)),
        "network": wanted.network,
        "organizations": list(wanted.organizations),
        "superseded_by": wanted.superseded_by,
    }
    # An empty list says something of eIDs alone: that the person has none.
    document = {
        name: value
        for name, value in document.items()
        if value not in (None, "", []) or (name == "eids" and value is not None)
    }
    made = Persona.from_document(document, "persona new")
    for name, given_to in (
        ("pid", {person.pid for person in people}),
        ("persona", {person.persona for person in people}),
        # A person whose pid was replaced stands there twice, with one number in the register.
        ("hpr_number", set() if wanted.superseded_by else {person.hpr_number for person in people}),
    ):
        if document.get(name) and document[name] in given_to:
            raise DocumentError(f"persona new: a person has the {name} {document[name]!r} already; choose another")
    known = [str(row.document["number"]) for row in read_rows(store, Organization)]
    for number in wanted.organizations:
        if number not in known:
            raise DocumentError(f"persona new: no organization has the number {number!r}{hint(number, known)}")
    with store.writing() as transaction:
        put_entry(transaction, made, document, MADE)
    return MadePersona(made, document, warnings)


def _odd_successor(pid: str, later: str | None, people: Mapping[str, Persona]) -> tuple[str, ...]:
    """A sentence where no person has the pid ``later`` that replaces ``pid``. Raises DocumentError where it cannot."""
    if later is None:
        return ()
    if not is_pid(later):
        raise DocumentError(f"persona new: superseded_by {later!r} must be a pid, eleven digits{hint(later, people)}")
    if later == pid:
        raise DocumentError("persona new: superseded_by names the person itself; give the pid that replaced this one")
    successor = people.get(later)
    if successor is None:
        return (f"no person has the pid {later} that superseded_by names{hint(later, people)}",)
    if successor.superseded_by is not None:
        raise DocumentError(
            f"persona new: superseded_by names {later}, who was replaced too; give {successor.superseded_by}"
        )
    return ()


def _invented_pid(born: date, taken: Container[str | None]) -> str:
    # A year outside the table of individual numbers has no pid whatever the serial is.
    if not any(synthetic_pid(born, serial) for serial in range(10)):
        raise DocumentError(f"persona new: no pid tells the birth date {born}; it must lie between 1900 and 2039")
    return _free(lambda: synthetic_pid(born, secrets.randbelow(500)), taken)


def _oddities(pid: str, wanted: NewPersona, *, require_synthetic: bool) -> tuple[str, ...]:
    """A sentence for each odd thing. Raises DocumentError for what must not be."""
    if not is_pid(pid):
        raise DocumentError(f"persona new: the pid {pid!r} must be eleven digits")
    found = birth_date(pid)
    if found is None:
        raise DocumentError(f"persona new: the pid {pid} tells no birth date; leave --pid out, and one is invented")
    if wanted.born is not None and found != wanted.born:
        raise DocumentError(f"persona new: the pid {pid} tells the birth date {found}, not {wanted.born}; give one")
    warnings = []
    if not is_synthetic_pid(pid):
        series = f"the pid {pid} lies in no synthetic series (month +80, +65 or +40) and may be that of a living person"
        if require_synthetic:
            raise DocumentError(f"persona new: {series}; MOCK_STS_REQUIRE_SYNTHETIC refuses it")
        warnings.append(f"{series}; fixtures check calls it an error in a file")
    if not pid_check_digits_ok(pid):
        warnings.append(f"the check digits of the pid {pid} are wrong")
    for code in wanted.professions:
        if code.casefold() in PROFESSIONS.values():
            raise DocumentError(f"persona new: {code!r} is no code of the HPR register{profession_hint(code)}")
        if code not in PROFESSIONS:
            warnings.append(f"the HPR register has no profession {code!r} that we know of{profession_hint(code)}")
    return tuple(warnings)


def _some_day() -> date:
    first, last = _BIRTHS
    return first + timedelta(days=secrets.randbelow((last - first).days + 1))


def _free(make: Callable[[], str | None], taken: Container[str | None]) -> str:
    for _ in range(100_000):
        made = make()
        if made is not None and made not in taken:
            return made
    raise DocumentError("persona new: no number is left to give; name one")


def _free_name(name: str, taken: Container[str | None]) -> str:
    """``name``, with a number when a person has it already."""
    if not name:
        return ""
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, 1_000_000))
    return next(free for free in numbered if free not in taken)
