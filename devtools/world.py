"""The page of ready people, clients, APIs and organizations."""

from pathlib import Path
from typing import TypeVar

from devtools.words import NOTE, cell_of, shipped, short
from mock_sts.helseid.claims import full_name
from mock_sts.helseid.registry.api import ApiResource
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.organization import Organization
from mock_sts.helseid.registry.persona import Persona
from mock_sts.store.catalog import Item
from mock_sts.store.fixtures.rows import World, is_generated

T = TypeVar("T", bound=Item)


def world_page() -> str:
    """The people, clients, APIs and organizations that are there from the start; generated people are left out."""
    world = shipped()
    people, clients = by_hand(world, Persona), by_hand(world, Client)
    apis, organizations = by_hand(world, ApiResource), by_hand(world, Organization)
    lines = [
        NOTE,
        "# Ready people, clients, APIs and organizations",
        "",
        "All of it is synthetic. `mock-sts persona list` and `mock-sts client list` show it too, with what was added.",
        "",
        "## People",
        "",
        "| persona | pid | name | HPR number | level | why this person exists |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    # Those of samples come last.
    lines += [_person_row(person) for person in sorted(people, key=lambda person: bool(person.sample))]
    lines += ["", "## Clients", "", "The private keys are published in `fixtures/keys/clients/`.", ""]
    lines += ["| client_id | grants | what it shows |", "| --- | --- | --- |"]
    lines += [
        f"| `{client.client_id}` | {short(client.grant_types)} | {cell_of(client.description)} |"
        for client in clients
        if not client.sample
    ]
    lines += ["", "## APIs", "", "| audience | scopes | wants | |", "| --- | --- | --- | --- |"]
    lines += [_api_row(api) for api in apis if not api.sample]
    lines += ["", "## Organizations", "", "| number | name | unit of | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{one.number}` | {cell_of(one.name)} | {short([one.parent] if one.parent else ())} "
        f"| {cell_of(one.description)} |"
        for one in organizations
        if not one.sample
    ]
    lines += [
        "",
        "## Of public samples and libraries",
        "",
        "Registered as the samples have them, so that these run unchanged.",
        "",
        "| client_id | where from |",
        "| --- | --- |",
    ]
    lines += [f"| `{client.client_id}` | {cell_of(client.sample)} |" for client in clients if client.sample]
    lines += [
        "",
        "Their APIs, and those of NHN's services that are documented:",
        "",
        "| audience | scopes |",
        "| --- | --- |",
    ]
    lines += [f"| `{api.audience}` | {short(api.scopes)} |" for api in apis if api.sample]
    return "\n".join(lines) + "\n"


def by_hand(world: World, becomes: type[T]) -> list[T]:
    """What ``world`` holds of one sort, without what was generated."""
    return [entry.item for entry in world.of(becomes).values() if not is_generated(Path(entry.where))]


def _person_row(person: Persona) -> str:
    cells = (person.persona or "", full_name(person), person.hpr_number or "", person.security_level)
    persona, name, hpr, level = (cell_of(cell) for cell in cells)
    shown = f"`{persona}`" if persona else ""
    return f"| {shown} | `{person.pid}` | {name} | {hpr} | {level} | {cell_of(person.description)} |"


def _api_row(api: ApiResource) -> str:
    wants = [name.removeprefix("helseid://claims/") for name in api.claims]
    if api.security_level:
        wants.append(f"level {api.security_level}")
    if api.require_dpop:
        wants.append("DPoP")
    if api.require_organization:
        wants.append("an organization")
    if api.require_child_organization:
        wants.append("a child organization")
    return f"| `{api.audience}` | {short(api.scopes)} | {', '.join(wants)} | {cell_of(api.description)} |"
