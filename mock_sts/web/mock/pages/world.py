"""The world as pages: people, organizations, clients with their registration, APIs and the keys of this environment."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from mock_sts.helseid.claims import full_name
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.organization import Organization
from mock_sts.protocol.private_keys import without_private_text
from mock_sts.services.control.keys import list_keys
from mock_sts.services.registry.checks import registration_breaches
from mock_sts.services.registry.lookup import (
    Wanted,
    find_clients,
    find_personas,
    organization_names,
    roles_of,
    search_words,
)
from mock_sts.web import admission, browser
from mock_sts.web.language import asked_language
from mock_sts.web.reading import current
from mock_sts.web.texts import ENGLISH, NORWEGIAN, Words

PATH = "/mock/world"

ROUTES = Blueprint("world", __name__)
admission.guard(ROUTES)

#: How many entries of a sort a page lists, and how many work places of a person.
_SHOWN, _PLACES = 50, 2

#: The sorts, each with the name of its words, in the order of the tabs.
_SORTS = (
    ("people", "people"),
    ("organizations", "world_organizations"),
    ("clients", "world_clients"),
    ("apis", "world_apis"),
    ("keys", "world_keys"),
)

WORDS: Words = {
    "world_lead": (
        "Alt denne STS-en kjenner: testpersoner, organisasjoner, klienter, API-er og nøkler.",
        "All that this STS knows: test people, organizations, clients, APIs and keys.",
    ),
    "world_sorts": ("Deler av verdenen", "Parts of the world"),
    "world_organizations": ("Organisasjoner", "Organizations"),
    "world_clients": ("Klienter", "Clients"),
    "world_apis": ("API-er", "APIs"),
    "world_keys": ("Nøkler", "Keys"),
    "world_search": ("Søk i listen", "Search the list"),
    "world_search_hint": ("Et navn, en id eller et nummer.", "A name, an id or a number."),
    "world_none": ("Ingenting passer til søket.", "Nothing fits the search."),
    "world_name": ("Navn", "Name"),
    "world_number": ("Nummer", "Number"),
    "world_parent": ("Underenhet av", "Unit of"),
    "world_description": ("Beskrivelse", "Description"),
    "world_client": ("Klient", "Client"),
    "world_grants": ("Grants", "Grants"),
    "world_health": ("Tilstand", "Health"),
    "world_good": ("I orden", "In order"),
    "world_odd": ("Avvik med begrunnelse", "Odd, with a reason"),
    "world_bad": ("Feil", "Faults"),
    "world_scopes": ("Scope", "Scopes"),
    "world_dpop": ("DPoP", "DPoP"),
    "world_yes": ("Kreves", "Required"),
    "world_no": ("Kreves ikke", "Not required"),
    "world_key": ("Nøkkel-id (kid)", "Key id (kid)"),
    "world_state": ("Rolle", "Role"),
    "world_published": ("I nøkkelsettet", "In the key set"),
    "world_is_published": ("Ja", "Yes"),
    "world_is_withheld": ("Nei", "No"),
    "world_made_at": ("Laget", "Made"),
    "world_registration": ("Registreringen", "Registration"),
    "world_faults": ("Hva som er galt", "What is wrong"),
    "world_no_faults": ("Registreringen bryter ingen regel.", "The registration breaks no rule."),
    "world_oddities": ("Avvik med begrunnelse", "Odd, with a reason"),
    "world_requests": ("Forespørslene i journalen", "Its requests in the journal"),
    "world_report": ("Samsvarsrapporten", "Its conformance report"),
}


@ROUTES.get(PATH)
def people() -> Response:
    """The people, with a search and a link to log in as each."""
    words = _words()
    found = find_personas(current().environment.registry, Wanted(words), current().catalog.revision)
    names = organization_names(current().environment.registry)
    language = asked_language(default=ENGLISH)
    shown = [
        {
            "name": full_name(person),
            "pid": person.pid,
            "key": person.persona or person.pid,
            "level": person.security_level,
            "hpr_number": person.hpr_number,
            "description": person.description,
            "superseded_by": person.superseded_by,
            "roles": [norwegian if language == NORWEGIAN else english for norwegian, english in roles_of(person)],
            "places": [names.get(number, number) for number in person.organizations[:_PLACES]],
            "more_places": max(0, len(person.organizations) - _PLACES),
        }
        for person in (row.item for row in found[:_SHOWN])
    ]
    return _page("people", words, shown, len(found))


@ROUTES.get(f"{PATH}/organizations")
def organizations() -> Response:
    """The organizations, with the legal entity that each is a unit of."""
    words = _words()
    rows = [row.item for row in current().environment.registry.rows(Organization)]
    found = [one for one in rows if _fits(words, (one.number, one.name, one.description))]
    names = {one.number: one.name for one in rows}
    shown = [{"it": one, "parent": names.get(one.parent or "", "")} for one in found[:_SHOWN]]
    return _page("organizations", words, shown, len(found))


@ROUTES.get(f"{PATH}/clients")
def clients() -> Response:
    """The clients, each with the health of its registration."""
    words = _words()
    found = [row.item for row in find_clients(current().environment.registry, words)]
    shown = [{"it": client, "kind": _health(client)} for client in found[:_SHOWN]]
    return _page("clients", words, shown, len(found))


@ROUTES.get(f"{PATH}/clients/<path:client_id>")
def client(client_id: str) -> Response:
    """One client: what is wrong with its registration, and the registration."""
    row = current().environment.registry.find(Client, client_id)
    if row is None:
        raise NotFound(f"no client has the id {without_private_text(client_id[:100])!r}; {PATH}/clients lists all")
    return browser.page(
        "world_client.html",
        section="world",
        words=WORDS,
        copies=True,
        client=row.item,
        kind=_health(row.item),
        faults=_faults(row.item),
        breaches=list(registration_breaches(row.item)),
        registration=json.dumps(row.document, indent=2, ensure_ascii=False),
    )


@ROUTES.get(f"{PATH}/apis")
def apis() -> Response:
    """The APIs with their scopes."""
    words = _words()
    rows = (row.item for row in current().environment.registry.rows(ApiResource))
    found = [api for api in rows if _fits(words, (api.audience, api.name, api.description, *api.scopes))]
    return _page("apis", words, [{"it": api} for api in found[:_SHOWN]], len(found))


@ROUTES.get(f"{PATH}/keys")
def keys() -> Response:
    """The keys that sign tokens here."""
    environment = current().environment
    words = _words()
    rows = list_keys(environment.store, environment.name, environment.policy.signing_algorithm)
    found = [key for key in rows if _fits(words, (key.kid, key.algorithm, key.state))]
    return _page("keys", words, [{"it": key} for key in found[:_SHOWN]], len(found))


def _page(sort: str, searched: Sequence[str], shown: Iterable[dict[str, Any]], found: int) -> Response:
    return browser.page(
        "world.html",
        section="world",
        words=WORDS,
        carried=["q"],
        sort=sort,
        sorts=[(one, words, _path(one)) for one, words in _SORTS],
        heading=dict(_SORTS)[sort],
        path=_path(sort),
        query=" ".join(searched),
        shown=list(shown),
        others=max(0, found - _SHOWN),
    )


def _path(sort: str) -> str:
    return PATH if sort == "people" else f"{PATH}/{sort}"


def _words() -> tuple[str, ...]:
    return search_words(without_private_text(request.args.get("q", "")))


def _fits(words: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether each of ``words`` stands in one of ``texts``."""
    text = "\n".join(texts).casefold()
    return all(word.casefold() in text for word in words)


def _faults(client: Client) -> tuple[str, ...]:
    return (*client.key_faults, *client.address_faults)


def _health(client: Client) -> str:
    """The kind of the badge: bad for what cannot work or breaks a rule, warn for what has a reason, else good."""
    if _faults(client) or any(registration_breaches(client)):
        return "bad"
    return "warn" if client.oddities else "good"
