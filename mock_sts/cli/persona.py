"""The commands about people: ``mock-sts persona``."""

import argparse
from datetime import date
from typing import TYPE_CHECKING

from mock_sts.cli.output import can_print, cell, counted, fitting, print_entries, print_json, print_table
from mock_sts.cli.parser import PERSONA, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError, opened_store, settings_of, warn
from mock_sts.helseid.eids import EIDS

if TYPE_CHECKING:  # commands load what reads keys only where they need it
    from mock_sts.helseid.registry.persona import Persona

_PERSONA_JSON = (
    "JSON: a list of objects with every member of the persona format and the member origin: fixture (written by hand), "
    "generated, or made (at run time)."
)
_PERSONA_CARD_JSON = (
    "JSON: one object with members (every member of the persona format), origin (fixture, generated, made, or invented "
    "for a pid that no person has), sub and pid_pseudonym, claims (what userinfo answers when all scopes were asked "
    "for), login (parameters of a pushed "
    "authorization request; empty for a pid that was replaced)."
)


#: Says that a new person has no eID.
_NO_EID = "none"


def add_persona(commands: Commands) -> None:
    """Add ``persona`` and its actions."""
    parser = commands.add_parser("persona", help="people: list, show, new, delete")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="people, all or those whom words fit", epilog=_PERSONA_JSON + FAULT_JSON)
    listing.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="in name, short name, profession (nurse, or the code SP), name of an organization or description; four "
        "digits or more are the beginning of a pid, HPR or organization number; all must fit",
    )
    listing.add_argument("--level", choices=("3", "4"), help="whose highest security level it is")
    listing.add_argument("--profession", metavar="CODE", help="with this profession: SP or nurse")
    listing.add_argument("--no-hpr", action="store_true", help="without an HPR number")
    listing.add_argument(
        "--organizations", type=int, default=0, metavar="N", help="who work for so many organizations at least"
    )
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_persona_list)

    show = actions.add_parser(
        "show", help="a person: members, claims, how to log in as them", epilog=_PERSONA_CARD_JSON + FAULT_JSON
    )
    holds(show.add_argument("person", metavar="PERSON", help="pid, short name or HPR number"), PERSONA)
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(run=_persona_show)

    new = actions.add_parser(
        "new",
        help="register a person; a running server knows them at once",
        description="What is not given is invented or left out.",
        epilog=_PERSONA_CARD_JSON + FAULT_JSON,
    )
    new.add_argument("--name", help="given, middle and family names in one: the last word is the family name")
    new.add_argument("--given-name")
    new.add_argument("--middle-name")
    new.add_argument("--family-name")
    new.add_argument("--pid", help="eleven digits; default: a synthetic one (month + 80)")
    new.add_argument("--born", type=_day, metavar="YYYY-MM-DD", help="date of birth for the invented pid")
    new.add_argument("--persona", help="short name, for persona show and login_hint; default: from the name")
    new.add_argument("--description", help="one line on why this person exists")
    new.add_argument(
        "--profession",
        action="append",
        default=[],
        metavar="CODE",
        help="code of the HPR register (Volven 9060): LE doctor, SP nurse, JO midwife; repeat for more",
    )
    new.add_argument("--hpr-number", help="default: invented for a person with a profession")
    new.add_argument("--level", choices=("3", "4"), help="highest security level; default 4")
    new.add_argument(
        "--eid",
        action="append",
        choices=(*EIDS, _NO_EID),
        metavar="EID",
        help=f"an eID of the person: {', '.join(EIDS)}; or {_NO_EID}; repeat for more; default: all of their level",
    )
    new.add_argument("--superseded-by", metavar="PID", help="the pid that replaced this one, which cannot log in")
    new.add_argument("--network", choices=("internett", "helsenett"), help="default: the server's")
    new.add_argument(
        "--organization", action="append", default=[], metavar="NUMBER", help="an employer; repeat for more"
    )
    new.add_argument("--json", action="store_true", help="as JSON")
    new.set_defaults(run=_persona_new)

    delete = actions.add_parser("delete", help="take away a person who was made at run time")
    holds(delete.add_argument("person", metavar="PERSON", help="pid, short name or HPR number"), PERSONA)
    delete.set_defaults(run=_persona_delete)


def _persona_list(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.claims import full_name  # noqa: PLC0415
    from mock_sts.services.registry.lookup import (  # noqa: PLC0415
        NotFoundError,
        Wanted,
        find_personas,
        near_words,
        organization_names,
        professions_of,
    )
    from mock_sts.store.fixtures.rows import Registry  # noqa: PLC0415

    with opened_store(settings_of()[0]) as store:
        registry = Registry(store)
        wanted = Wanted(parsed.words, parsed.level, parsed.profession, parsed.no_hpr, parsed.organizations)
        try:
            found = find_personas(registry, wanted)
        except NotFoundError as error:
            raise CommandError(str(error)) from None
        names = organization_names(registry)
        near = "" if found else near_words(registry, parsed.words)
    if parsed.json:
        print_entries(found)
        return 0
    rows = []
    for row in found:
        person = row.item
        offices = "; ".join(names.get(number) or number for number in person.organizations)
        rows.append(
            (
                person.persona or "",
                person.pid,
                full_name(person),
                person.hpr_number or "",
                " ".join(professions_of(person)),
                person.security_level,
                f"{person.description}{f' [{offices}]' if offices else ''}",
            )
        )
    print_table(("PERSONA", "PID", "NAME", "HPR", "PROF", "LEVEL", "DESCRIPTION [ORGANIZATIONS]"), rows)
    print(f"{counted(len(rows), 'person', 'people')}{fitting(parsed.words)}{near}")
    return 0


def _persona_show(parsed: argparse.Namespace) -> int:
    from mock_sts.services.registry.lookup import NotFoundError, the_persona  # noqa: PLC0415
    from mock_sts.store.fixtures.rows import Registry  # noqa: PLC0415

    settings, _ = settings_of()
    with opened_store(settings) as store:
        try:
            row = the_persona(Registry(store), parsed.person, invent=settings.invent_people)
        except NotFoundError as error:
            raise CommandError(str(error)) from None
    _print_persona(row.item, row.origin, settings.network, as_json=parsed.json)
    return 0


def _persona_new(parsed: argparse.Namespace) -> int:
    from mock_sts.services.registry.new_persona import NewPersona, make_persona  # noqa: PLC0415
    from mock_sts.store.catalog import MADE  # noqa: PLC0415
    from mock_sts.store.fixtures.export import as_yaml  # noqa: PLC0415

    settings, _ = settings_of()
    given, middle, family = _name_parts(parsed)
    wanted = NewPersona(
        given_name=given,
        middle_name=middle,
        family_name=family,
        pid=parsed.pid,
        born=parsed.born,
        persona=parsed.persona,
        description=parsed.description,
        professions=tuple(parsed.profession),
        hpr_number=parsed.hpr_number,
        level=parsed.level,
        eids=_eids(parsed.eid),
        superseded_by=parsed.superseded_by,
        network=parsed.network,
        organizations=tuple(parsed.organization),
    )
    with opened_store(settings) as store:
        made = make_persona(store, wanted, require_synthetic=settings.require_synthetic)
    warn(made.warnings)
    _print_persona(made.persona, MADE, settings.network, as_json=parsed.json)
    if not parsed.json:
        print("\nRegistered. To keep the person when the database goes, put this into an own personas.yaml:\n")
        text = as_yaml([made.document])
        print(text if can_print(text) else as_yaml([made.document], ascii_only=True), end="")
    return 0


def _persona_delete(parsed: argparse.Namespace) -> int:
    from mock_sts.services.registry.deletion import delete_persona  # noqa: PLC0415
    from mock_sts.services.registry.lookup import NotFoundError  # noqa: PLC0415

    with opened_store(settings_of()[0]) as store:
        try:
            pid, in_file = delete_persona(store, parsed.person)
        except NotFoundError as error:
            raise CommandError(str(error)) from None
    print(f"deleted {pid}")
    if in_file:
        print("the one of the fixture files counts again")
    return 0


def _print_persona(persona: "Persona", origin: str, network: str, *, as_json: bool) -> None:
    from mock_sts.helseid.registry.records import members_of  # noqa: PLC0415
    from mock_sts.services.registry.lookup import claims_of, login_parameters  # noqa: PLC0415

    members = members_of(persona)
    claims, login = claims_of(persona, network), login_parameters(persona)
    replaced = persona.superseded_by
    if as_json:
        pseudonyms = {"sub": claims["sub"], "pid_pseudonym": claims["sub"]}
        card = {"members": members, "origin": origin, **pseudonyms, "claims": claims, "login": login}
        print_json(card)
        return
    for name, value in members.items():
        shown = cell(value)
        if name == "eids" and not value:
            shown = "all of their level" if value is None else _NO_EID
        print(f"{name:<16} {shown}")
    print(f"{'origin':<16} {origin}")
    print(f"{'sub':<16} {claims['sub']} (pid_pseudonym too)")
    print("\nClaims, as userinfo answers when all scopes were asked for:")
    print_json(claims)
    if replaced is not None:
        print(f"\nNobody can log in with this pid: it was replaced by {replaced}.")
    else:
        print("\nTo log in as them, add to the pushed authorization request:")
        print("  " + " ".join(f"{name}={value}" for name, value in login.items()))


def _eids(given: list[str] | None) -> tuple[str, ...] | None:
    """The eIDs that were given; None for those of the level."""
    if given is None:
        return None
    if _NO_EID in given and len(set(given)) > 1:
        raise CommandError(f"--eid {_NO_EID} says that the person has no eID; give it alone, or not at all")
    return () if _NO_EID in given else tuple(given)


def _name_parts(parsed: argparse.Namespace) -> tuple[str | None, str | None, str | None]:
    """Given, middle and family name as far as they were given."""
    parts = (parsed.given_name, parsed.middle_name, parsed.family_name)
    if parsed.name is None:
        return parts
    if any(part is not None for part in parts):
        raise CommandError("give --name, or --given-name, --middle-name and --family-name; not both")
    words = parsed.name.split()
    if len(words) < 2:
        raise CommandError("--name holds a given name and a family name at least, such as 'KARI NORDMANN'")
    return words[0], " ".join(words[1:-1]) or None, words[-1]


def _day(text: str) -> date:
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 1984-02-29") from None
