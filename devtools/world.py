"""The page of ready people, clients, APIs and organizations."""

from collections.abc import Mapping
from typing import Any

from devtools.words import NOTE, cell_of, shipped, short
from mock_sts.helseid.claims import full_name
from mock_sts.helseid.registry import Persona


def world_page() -> str:
    """The people, clients, APIs and organizations that are there from the start; generated people are left out."""
    world = shipped()
    own: dict[str, list[Mapping[str, Any]]] = {}
    samples: dict[str, list[Mapping[str, Any]]] = {}
    for sort in ("persona", "client", "api", "organization"):
        by_hand = [entry.item.members for entry in world.of(sort) if not entry.where.endswith(".generated.json")]
        own[sort] = [members for members in by_hand if not members["sample"]]
        samples[sort] = [members for members in by_hand if members["sample"]]
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
    name_of = {e.item.pid: full_name(e.item) for e in world.of("persona") if isinstance(e.item, Persona)}
    lines += [_person_row(members, name_of[members["pid"]]) for members in (*own["persona"], *samples["persona"])]
    lines += ["", "## Clients", "", "The private keys are published in `fixtures/keys/clients/`.", ""]
    lines += ["| client_id | grants | what it shows |", "| --- | --- | --- |"]
    lines += [
        f"| `{m['client_id']}` | {short(m['grant_types'])} | {cell_of(m['description'])} |" for m in own["client"]
    ]
    lines += ["", "## APIs", "", "| audience | scopes | wants | |", "| --- | --- | --- | --- |"]
    lines += [_api_row(members) for members in own["api"]]
    lines += ["", "## Organizations", "", "| number | name | unit of | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{m['number']}` | {cell_of(m['name'])} | {short([m['parent']] if m['parent'] else ())} "
        f"| {cell_of(m['description'])} |"
        for m in own["organization"]
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
    lines += [f"| `{m['client_id']}` | {cell_of(m['sample'])} |" for m in samples["client"]]
    return "\n".join(lines) + "\n"


def _person_row(members: Mapping[str, Any], name: str) -> str:
    cells = (members["persona"] or "", members["hpr_number"] or "", members["security_level"], members["description"])
    persona, hpr, level, why = (cell_of(cell) for cell in cells)
    return f"| {f'`{persona}`' if persona else ''} | `{members['pid']}` | {cell_of(name)} | {hpr} | {level} | {why} |"


def _api_row(members: Mapping[str, Any]) -> str:
    wants = [name.removeprefix("helseid://claims/") for name in members["claims"]]
    if members["security_level"]:
        wants.append(f"level {members['security_level']}")
    if members["require_dpop"]:
        wants.append("DPoP")
    if members["require_organization"]:
        wants.append("an organization")
    scopes_told, wanted = short(members["scopes"]), ", ".join(wants)
    return f"| `{members['audience']}` | {scopes_told} | {wanted} | {cell_of(members['description'])} |"
