"""Many people and organizations from a seed: the same seed gives the same bytes, on every machine and on every day.

Faker makes the names and nothing else; its own national identity numbers are of the series of living people. All
other choices come from ``random()`` of a seeded generator, which is the one method that Python promises to keep.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar

from mock_sts.helseid.personas import (
    DOLLY,
    NAMES_FILE,
    NAV,
    PROFESSIONS,
    TENOR,
    organization_number,
    plain_authorization,
    short_name,
    synthetic_pid,
)
from mock_sts.helseid.registry.documents import DocumentError

T = TypeVar("T")

ORGANIZATIONS_FILE = "organizations.generated.json"
PERSONAS_FILE = "personas.generated.json"

#: Births lie between these days; those of people with a profession in the narrower span.
_BIRTHS = (date(1930, 1, 1), date(2015, 12, 31))
_PROFESSIONAL_BIRTHS = (date(1956, 1, 1), date(2001, 12, 31))

#: Who is born this day or later is under thirteen in December 2026, and has no eID.
_TOO_YOUNG = date(2013, 12, 2)

_SERIES = ((TENOR, 80), (NAV, 12), (DOLLY, 8))

#: Professions, with weights.
_WEIGHTS = (
    *(("SP", 30), ("LE", 24), ("HF", 8), ("FT", 6), ("PS", 6), ("TL", 5), ("FA1", 5), ("VP", 4), ("JO", 4), ("BI", 3)),
    *(("FA2", 3), ("HE", 3), ("ET", 2), ("RA", 2), ("AA", 2), ("TP", 2), ("OP", 2), ("KI", 1), ("KE", 1), ("AT", 1)),
)

#: Second professions that go with a first one.
_SECOND = {"LE": ("TL", "PS"), "SP": ("JO", "AA", "VP"), "FT": ("KI",), "HF": ("AA", "HE"), "FA1": ("FA2",)}

#: Specialities of doctors of which code and name are known (Volven 7426).
_SPECIALITIES = (("1", "Allmennmedisin"), ("40", "Psykiatri"))

#: Both halves of the plainly invented places.
_PLACES = (
    ("Dikte", "Draug", "Drøm", "Eventyr", "Fabel", "Gåte", "Hulder", "Nisse", "Nøkk", "Påfunn", "Skrøne", "Tusse"),
    ("bekk", "berg", "dal", "fjord", "havn", "nes", "osen", "strand", "sund", "vik", "øya", "åsen"),
)

#: In this order organizations are made, from the beginning again when it is used up.
_PATTERN = ("trust", "municipality", "office", "municipality", "office", "pharmacy", "office", "dentist")

#: Sort of organization: what it is, its name, and those of its units.
_SORTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "trust": (
        "hospital trust",
        "{place} sykehus HF",
        ("akuttmottak", "medisinsk avdeling", "kirurgisk avdeling", "fødeavdeling", "laboratorium", "poliklinikk"),
    ),
    "municipality": (
        "municipality",
        "{place} kommune",
        ("legevakt", "sykehjem", "helsestasjon", "hjemmesykepleie"),
    ),
    "office": ("GP office", "Legene {name} og {other}", ()),
    "pharmacy": ("pharmacy", "Apoteket {place}", ("utsalg",)),
    "dentist": ("dental office", "Tannlegene {name} og {other}", ()),
}

_SUFFIX = "(oppdiktet)"


@dataclass(frozen=True, slots=True)
class Taken:
    """What others use already and no generated entry may: pids, HPR and organization numbers, short names."""

    pids: Container[str] = ()
    hpr_numbers: Container[str | None] = ()
    organizations: Container[str] = ()
    personas: Container[str | None] = ()


class _Names(Protocol):
    """The part of Faker that is used."""

    def first_name_female(self) -> str: ...
    def first_name_male(self) -> str: ...
    def last_name(self) -> str: ...


@dataclass
class _Unique:
    """Gives out what is not taken yet."""

    taken: Container[str | None]
    given: set[str] = field(default_factory=set)

    def first(self, make: Callable[[], str | None]) -> str:
        """The first thing that ``make`` returns and that is not taken; None from it is another try."""
        for _ in range(100_000):
            made = make()
            if made is not None and made not in self.given and made not in self.taken:
                self.given.add(made)
                return made
        raise DocumentError("fixtures generate: there are not so many different ones; ask for fewer")


class _Draw:
    """Choices from a seed."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random  # noqa: S311  it shall be foreseeable

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[T, int]]) -> T:
        return self.pick([item for item, weight in items for _ in range(weight)])

    def day(self, span: tuple[date, date]) -> date:
        first, last = span
        return first + timedelta(days=self.below((last - first).days + 1))


def generate(seed: int, people: int, organizations: int, taken: Taken | None = None) -> dict[str, str]:
    """File name to text: ``people`` personas, ``organizations`` legal entities with units, and the lists of names.

    Raises DocumentError when there are not so many to be had.
    """
    taken = taken or Taken()
    entities = list(_organizations(seed, organizations, taken))
    personas = list(_personas(seed, people, taken, entities))
    return {
        ORGANIZATIONS_FILE: _one_a_line(entities),
        PERSONAS_FILE: _one_a_line(personas),
        NAMES_FILE: json.dumps(_name_lists(seed), ensure_ascii=False, indent=1) + "\n",
    }


def faker_version() -> str:
    """The version of Faker that makes the names."""
    from faker import VERSION  # noqa: PLC0415  only this command needs it

    return VERSION


def _faker(seed: str) -> _Names:
    from faker import Faker  # noqa: PLC0415

    names = Faker("no_NO")
    names.seed_instance(seed)
    return names


def _name_lists(seed: int) -> dict[str, list[str]]:
    """Names for the people who are invented at run time."""
    faker = _faker(f"{seed} names")
    given, family = _Unique(()), _Unique(())
    women = [given.first(lambda: faker.first_name_female().upper()) for _ in range(50)]
    men = [given.first(lambda: faker.first_name_male().upper()) for _ in range(50)]
    return {
        "given_names": sorted(women + men),
        "family_names": sorted(family.first(lambda: faker.last_name().upper()) for _ in range(90)),
    }


def _organizations(seed: int, count: int, taken: Taken) -> Iterator[dict[str, str]]:
    draw, faker = _Draw(f"{seed} organizations"), _faker(f"{seed} organizations")
    numbers, titles = _Unique(taken.organizations), _Unique(())

    def number() -> str:
        return numbers.first(lambda: organization_number(f"{draw.pick('23')}{draw.below(10**7):07}"))

    for place in range(count):
        word, pattern, units = _SORTS[_PATTERN[place % len(_PATTERN)]]

        def title(pattern: str = pattern) -> str:
            place = draw.pick(_PLACES[0]) + draw.pick(_PLACES[1])
            return pattern.format(place=place, name=faker.last_name(), other=faker.last_name())

        name, parent = titles.first(title), number()
        yield {"number": parent, "name": f"{name} {_SUFFIX}", "description": f"A {word}."}
        for unit in units:
            yield {
                "number": number(),
                "name": f"{name}, {unit} {_SUFFIX}",
                "description": f"A unit of a {word}.",
                "parent": parent,
            }


def _personas(seed: int, count: int, taken: Taken, entities: Sequence[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    draw, faker = _Draw(f"{seed} people"), _faker(f"{seed} people")
    pids, hpr_numbers = _Unique(taken.pids), _Unique(taken.hpr_numbers)
    made = []
    for _ in range(count):
        professions = _professions(draw) if draw.chance(40) else ()
        born = draw.day(_PROFESSIONAL_BIRTHS if professions else _BIRTHS)
        series, d_number = draw.weighted(_SERIES), draw.chance(5)
        pid = pids.first(lambda: synthetic_pid(born, draw.below(500), series, d_number=d_number))  # noqa: B023  called here
        given = faker.first_name_female() if draw.chance(50) else faker.first_name_male()
        middle = faker.last_name() if draw.chance(20) else ""
        level = "3" if draw.chance(10) else "4"
        words = " and ".join(PROFESSIONS[code] for code in professions) or "no HPR number"
        d_word = ", D-number" if d_number else ""
        eid_word = ", no eID" if born >= _TOO_YOUNG else ""
        persona: dict[str, Any] = {
            "pid": pid,
            "persona": "",
            "given_name": given.upper(),
            "middle_name": middle.upper(),
            "family_name": faker.last_name().upper(),
            "description": f"{words[0].upper()}{words[1:]}, level {level}, born {born.year}{d_word}{eid_word}.",
        }
        if professions:
            persona["hpr_number"] = hpr_numbers.first(lambda: f"5{draw.below(10**8):08}")
            persona["authorizations"] = [_authorization(draw, code) for code in professions]
            if entities and draw.chance(60):
                persona["organizations"] = _employers(draw, entities)
        if level != "4":
            persona["security_level"] = level
        if born >= _TOO_YOUNG:
            persona["eids"] = []
        if professions and draw.chance(15):
            persona["network"] = "helsenett"
        made.append(persona)
    # A short name that two could claim belongs to neither.
    names = [short_name(persona["given_name"], persona["family_name"]) for persona in made]
    times = Counter(names)
    for name, persona in zip(names, made, strict=True):
        persona["persona"] = name if times[name] == 1 and name not in taken.personas else ""
        yield {member: value for member, value in persona.items() if value != ""}


def _professions(draw: _Draw) -> tuple[str, ...]:
    first = draw.weighted(_WEIGHTS)
    return (first, draw.pick(_SECOND[first])) if first in _SECOND and draw.chance(15) else (first,)


def _authorization(draw: _Draw, profession: str) -> dict[str, Any]:
    speciality = [draw.pick(_SPECIALITIES)] if profession == "LE" and draw.chance(40) else []
    return plain_authorization(profession, specialities=speciality)


def _employers(draw: _Draw, entities: Sequence[Mapping[str, str]]) -> list[str]:
    chosen = [draw.pick(entities)["number"] for _ in range(2 if draw.chance(15) else 1)]
    return list(dict.fromkeys(chosen))


def _one_a_line(entries: Sequence[Mapping[str, Any]]) -> str:
    """A JSON list with one entry a line: small, and a difference shows whom it touches."""
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]\n"
