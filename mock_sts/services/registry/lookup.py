"""Finding people and clients as a person looks for them, and telling what is known of one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from mock_sts.helseid.claims import CLAIMS_OF_SCOPE, Login, Subject, full_name, user_info_claims
from mock_sts.helseid.eids import PROVIDERS
from mock_sts.helseid.identifiers import is_pid
from mock_sts.helseid.personas import NORWEGIAN_PROFESSIONS, PROFESSIONS, SPECIALISTS
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Code, Persona
from mock_sts.helseid.testidp import PID, SECURITY_LEVEL
from mock_sts.protocol.near_names import did_you_mean, near_names, question
from mock_sts.services.registry.people import invented, sub_of
from mock_sts.store.fixtures.rows import Registry, Row

#: The origin of a person who stands nowhere and is invented when they log in.
INVENTED = "invented"

#: What a search of a stranger may cost: the words that are looked for, and the characters of each. More words find no
#: other person, and each is looked for in all that is kept of all people.
MOST_WORDS, LONGEST_WORD = 10, 60

_TESTIDP = next(provider for provider in PROVIDERS if provider.is_testidp)


class NotFoundError(Exception):
    """No person and no thing has this name; the message says what comes near."""


def hint(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that names what comes near ``word``; empty when nothing does."""
    return _clause(did_you_mean(word, known))


def profession_hint(code: str) -> str:
    """The end of a sentence about a profession that is none: what comes near by its code or its name."""
    by_name = [known for known, name in PROFESSIONS.items() if name == code.casefold()]
    near = by_name or near_names(code, PROFESSIONS)
    return _clause(question(f"{known!r} ({PROFESSIONS[known]})" for known in near))


def _clause(meant: str) -> str:
    return f"; {meant}" if meant else ""


def search_words(text: str) -> tuple[str, ...]:
    """The words that are looked for when a stranger searches for ``text``: the first MOST_WORDS different ones, each
    without what goes beyond LONGEST_WORD characters.
    """
    # Only a beginning is taken apart, for the words before the last one are found in it.
    beginning = text[: MOST_WORDS * 2 * LONGEST_WORD].split()
    return tuple(dict.fromkeys(word[:LONGEST_WORD] for word in beginning))[:MOST_WORDS]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people are looked for: all ``words`` fit, and whatever else is said.

    ``profession`` is a code or a name; ``organizations`` is how many the person works for at least.
    """

    words: Sequence[str] = ()
    level: str | None = None
    profession: str | None = None
    without_hpr: bool = False
    organizations: int = 0


def find_personas(registry: Registry, wanted: Wanted, revision: tuple[int, ...] | None = None) -> list[Row[Persona]]:
    """The people who are ``wanted``: hand-made ones first, then generated ones, then those of run time.

    A word is looked for in names, the short one too, roles in Norwegian and English, names of organizations and the
    description. The code of a profession, such as LE, fits those who have it. Four digits or more are the beginning of
    a number. Raises NotFoundError for a profession that is none.

    ``revision`` is that of the catalog, where many searches follow one another: while it stays the same people are not
    read again.
    """
    profession = wanted.profession and _profession(wanted.profession)
    found = _people_of(registry, revision)
    words = tuple(dict.fromkeys(word.casefold() for word in wanted.words))

    def is_wanted(person: Persona) -> bool:
        return (
            wanted.level in (None, person.security_level)
            and (not profession or profession in professions_of(person))
            and not (wanted.without_hpr and person.hpr_number)
            and len(person.organizations) >= wanted.organizations
            and (not words or found.searchable(person).fits(words))
        )

    return [row for row in found.rows if is_wanted(row.item)]


class _Found:
    """The people of a registry as they were read, and what each is found by, put together when first looked for."""

    def __init__(self, registry: Registry, revision: tuple[int, ...] | None) -> None:
        self.revision = revision
        self.rows = registry.rows(Persona)
        self._names = organization_names(registry)
        self._searchable: dict[str, _Searchable] = {}

    def searchable(self, person: Persona) -> "_Searchable":
        made = self._searchable.get(person.pid)
        if made is None:
            made = self._searchable[person.pid] = _Searchable(person, self._names)
        return made


#: What was read last of each registry, while it is in use. A revision tells whether it is still so.
_LAST: "WeakKeyDictionary[Registry, _Found]" = WeakKeyDictionary()

#: How many people are kept in the memory of a process.
_MOST_KEPT = 10_000


def _people_of(registry: Registry, revision: tuple[int, ...] | None) -> _Found:
    last = _LAST.get(registry)
    if last is not None and revision is not None and last.revision == revision:
        return last
    found = _Found(registry, revision)
    if revision is not None and len(found.rows) <= _MOST_KEPT:
        _LAST[registry] = found
    return found


def near_words(registry: Registry, words: Sequence[str]) -> str:
    """The end of a sentence on ``words`` that fit no person: for the first that fits none alone, what comes near."""
    names = organization_names(registry)
    rows = [_Searchable(row.item, names) for row in registry.rows(Persona)]
    for word in dict.fromkeys(word.casefold() for word in words):
        if not any(row.fits((word,)) for row in rows):
            # Short names as they are, and every word of letters.
            stated = (part for row in rows for part in re.findall(r"[^\W\d]\w+(?:-\w+)*", row.text))
            return hint(word, sorted(set(stated)))
    return ""


def _profession(text: str) -> str:
    """The code of a profession, given by code or name. Raises NotFoundError."""
    for code, name in PROFESSIONS.items():
        if text.casefold() in (code.casefold(), name):
            return code
    near = profession_hint(text) or f"; codes are {', '.join(PROFESSIONS)}"
    raise NotFoundError(f"no profession has the code or name {text!r}{near}")


def find_clients(registry: Registry, words: Sequence[str]) -> list[Row[Client]]:
    """The clients in whose id, name, scopes, description or sample all ``words`` stand, by id."""
    rows = sorted(registry.rows(Client), key=lambda row: row.item.client_id)

    def text(client: Client) -> str:
        fields = (client.client_id, client.client_name, " ".join(client.scope), client.description, client.sample)
        return "\n".join(fields).casefold()

    return [row for row in rows if all(word.casefold() in text(row.item) for word in words)]


def organization_names(registry: Registry) -> dict[str, str]:
    """Organization number to name."""
    return {row.item.number: row.item.name for row in registry.rows(Organization)}


def professions_of(person: Persona) -> list[str]:
    """The codes of a person's professions."""
    return [authorization.profession for authorization in person.authorizations]


def the_persona(registry: Registry, key: str, *, invent: bool) -> Row[Persona]:
    """The person with the pid, short name or HPR number ``key``; a pid that no person has is one ``invent``ed.

    Raises NotFoundError with what comes near.
    """
    rows = registry.rows(Persona)
    for row in rows:
        if key in (row.item.pid, row.item.persona, row.item.hpr_number):
            return row
    if invent and is_pid(key):
        return Row(INVENTED, {}, invented(key))
    known = [text for row in rows for text in (row.item.persona, row.item.pid) if text]
    near = hint(key, known) or "; mock-sts persona list WORDS searches"
    raise NotFoundError(f"no person has the pid, short name or HPR number {key!r}{near}")


def the_client(registry: Registry, client_id: str) -> Row[Client]:
    """The client with this id. Raises NotFoundError with what comes near."""
    rows = {row.item.client_id: row for row in registry.rows(Client)}
    if client_id not in rows:
        near = hint(client_id, rows) or "; mock-sts client list shows all"
        raise NotFoundError(f"no client has the id {client_id!r}{near}")
    return rows[client_id]


def claims_of(persona: Persona, network: str) -> dict[str, Any]:
    """What userinfo answers about ``persona`` when a client may see everything; ``network`` is the server's."""
    login = Login("", 0, _TESTIDP.scheme, _TESTIDP.eids[0].amr, persona.security_level, persona.hpr_number)
    subject = Subject(persona, login, sub_of(persona.pid), persona.network or network)
    claims = user_info_claims(list(CLAIMS_OF_SCOPE), subject, 0)
    del claims["userinfo_issued_at"]
    return claims


def login_parameters(persona: Persona) -> dict[str, str]:
    """The parameters of a pushed authorization request with which ``persona`` logs in without a click.

    Empty for a pid that was replaced: no login accepts it.
    """
    if persona.superseded_by is not None:
        return {}
    parameters = {"acr_values": f"idp:{_TESTIDP.scheme}", PID: persona.pid}
    level = persona.security_level
    return parameters if level == "4" else {**parameters, SECURITY_LEVEL: level}


def roles_of(person: Persona) -> list[tuple[str, str]]:
    """What the person is, in Norwegian and in English: professions, and what specialists are called."""
    roles = [(NORWEGIAN_PROFESSIONS.get(code, code), PROFESSIONS.get(code, code)) for code in professions_of(person)]
    special = [SPECIALISTS[one.value] for one in _specialities(person) if one.value in SPECIALISTS]
    return list(dict.fromkeys([*roles, *special]))


def _role_words(person: Persona) -> list[str]:
    """The words of a person's roles, in both languages, and of the specialities behind them."""
    return [*(word for both in roles_of(person) for word in both), *(one.description for one in _specialities(person))]


def _specialities(person: Persona) -> list[Code]:
    return [speciality for authorization in person.authorizations for speciality in authorization.specialities]


#: The codes of professions, in small letters.
_CODES = frozenset(code.casefold() for code in PROFESSIONS)

#: Digits from which on they are the beginning of a number; fewer are a word, such as an age or a level.
_A_NUMBER = 4


class _Searchable:
    """What a person is found by, put together once however many words are looked for."""

    __slots__ = ("_codes", "_names", "_numbers", "_numbers_described", "text")

    def __init__(self, person: Persona, organizations: Mapping[str, str]) -> None:
        names = f"{full_name(person)}\n{person.persona or ''}"
        self._codes = {code.casefold() for code in professions_of(person)}
        self._names = frozenset(names.casefold().split())
        self._numbers = (person.pid, person.hpr_number or "", *person.organizations)
        self._numbers_described = frozenset(re.findall(r"\d+", person.description))
        known = [names, person.description, *_role_words(person)]
        #: Names, description, professions, names of organizations, a line each, in small letters.
        self.text = "\n".join([*known, *(organizations.get(number, "") for number in person.organizations)]).casefold()

    def fits(self, words: Iterable[str]) -> bool:
        """Whether all ``words``, in small letters, are found here."""
        return all(self._has(word) for word in words)

    def _has(self, word: str) -> bool:
        if word.isdigit():
            started = len(word) >= _A_NUMBER and any(number.startswith(word) for number in self._numbers)
            return started or word in self._numbers_described
        if word in _CODES:
            return word in self._codes or word in self._names
        return word in self.text
