"""Finding people and clients as a person looks for them, and telling what is known of one."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mock_sts.helseid.claims import CLAIMS_OF_SCOPE, Login, Subject, user_info_claims
from mock_sts.helseid.identifiers import is_pid
from mock_sts.helseid.personas import PROFESSIONS
from mock_sts.helseid.providers import PROVIDERS
from mock_sts.helseid.registry import Persona
from mock_sts.helseid.testidp import PID, SECURITY_LEVEL
from mock_sts.services.people import People, UnknownPersonError
from mock_sts.store.engine import Store
from mock_sts.store.fixtures import Row, read_rows

#: The origin of a person who stands nowhere and is invented when they log in.
INVENTED = "invented"

_TESTIDP = next(provider for provider in PROVIDERS if provider.is_testidp)


class NotFoundError(Exception):
    """Nobody and nothing has this name; the message says what comes near."""


def hint(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that names what comes near ``word``; empty when nothing does."""
    near = difflib.get_close_matches(word, list(known), n=3)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def find_personas(store: Store, words: Sequence[str]) -> list[Row]:
    """The people whom all ``words`` fit: hand-made ones first, then generated ones, then those of run time.

    A word is looked for in everything that is known of a person, the names of their organizations and professions
    included. The code of a profession in capital letters, such as LE, fits those who have it and nobody else.
    """
    names = organization_names(store)
    return [row for row in read_rows(store, "persona") if all(_fits(word, row, names) for word in words)]


def find_clients(store: Store, words: Sequence[str]) -> list[Row]:
    """The clients in whose registration all ``words`` stand, by id."""
    rows = sorted(read_rows(store, "client"), key=lambda row: str(row.document["client_id"]))
    return [row for row in rows if all(word.casefold() in _all_text(row.document) for word in words)]


def organization_names(store: Store) -> dict[str, str]:
    """Organization number to name."""
    return {row.item.members["number"]: row.item.members["name"] for row in read_rows(store, "organization")}


def professions_of(members: Mapping[str, Any]) -> list[str]:
    """The codes of a person's professions."""
    return [str(entry.get("profession", "XX")) for entry in members["authorizations"]]


def the_persona(store: Store, key: str, *, invent: bool) -> Row:
    """The person with the pid, short name or HPR number ``key``; a pid that nobody has is of somebody ``invent``ed.

    Raises NotFoundError with what comes near.
    """
    rows = read_rows(store, "persona")
    for row in rows:
        members = row.item.members
        if key in (members["pid"], members["persona"], members["hpr_number"]):
            return row
    if invent and is_pid(key):
        try:
            persona = People().find(store, key, invent=True)
        except UnknownPersonError as error:
            raise NotFoundError(str(error)) from None
        return Row(INVENTED, {}, persona)
    known = [text for row in rows for text in (row.item.members["persona"], row.item.members["pid"]) if text]
    near = hint(key, known) or "; mock-sts persona list WORDS searches"
    raise NotFoundError(f"nobody has the pid, short name or HPR number {key!r}{near}")


def the_client(store: Store, client_id: str) -> Row:
    """The client with this id. Raises NotFoundError with what comes near."""
    rows = {str(row.document["client_id"]): row for row in read_rows(store, "client")}
    if client_id not in rows:
        near = hint(client_id, rows) or "; mock-sts client list shows all"
        raise NotFoundError(f"no client has the id {client_id!r}{near}")
    return rows[client_id]


def claims_of(persona: Persona, network: str) -> dict[str, Any]:
    """What userinfo answers about ``persona`` when a client may see everything; ``network`` is the server's."""
    members = persona.members
    login = Login("", 0, _TESTIDP.scheme, _TESTIDP.eids[0].amr, members["security_level"], members["hpr_number"])
    subject = Subject(persona, login, People().sub(persona.pid), members["network"] or network)
    claims = user_info_claims(list(CLAIMS_OF_SCOPE), subject, 0)
    del claims["userinfo_issued_at"]
    return claims


def login_parameters(persona: Persona) -> dict[str, str]:
    """The parameters of a pushed authorization request with which ``persona`` logs in and nobody clicks.

    Empty for a pid that was replaced: nobody can log in with it.
    """
    if persona.members["superseded_by"] is not None:
        return {}
    parameters = {"acr_values": f"idp:{_TESTIDP.scheme}", PID: persona.pid}
    level = persona.members["security_level"]
    return parameters if level == "4" else {**parameters, SECURITY_LEVEL: level}


def _fits(word: str, row: Row, organizations: Mapping[str, str]) -> bool:
    codes = professions_of(row.item.members)
    if word in PROFESSIONS:
        return word in codes
    known = [PROFESSIONS.get(code, "") for code in codes]
    known += [organizations.get(number, "") for number in row.item.members["organizations"]]
    members = row.item.members
    known.append(" ".join(filter(None, (members["given_name"], members["middle_name"], members["family_name"]))))
    return word.casefold() in f"{_all_text(row.document)}\n{chr(10).join(known)}".casefold()


def _all_text(value: object) -> str:
    """All texts in ``value``, folded, a line each."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, Mapping):
        return "\n".join(map(_all_text, value.values()))
    return "\n".join(map(_all_text, value)) if isinstance(value, list | tuple) else ""
