"""The commands about the world: ``mock-sts fixtures``, ``persona`` and ``client``."""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from mock_sts.cli_settings import CommandError, client_key_file, issuer_of, key_folder, settings_of

_GENERATED = (
    "Writes personas.generated.json, organizations.generated.json and names.generated.json. The same seed and the same "
    "version of Faker give the same bytes. The names of people invented at run time are taken from the shipped world."
)
_EXPORTED = (
    "Writes what the registry holds now in the layout of MOCK_STS_FIXTURES: organizations.yaml, personas.yaml, "
    "apis.yaml, and one file a client under clients/. Private keys are not in the registry and not in the folder."
)
_PERSONA_JSON = (
    "JSON: a list of objects with every member of the persona format and the member origin: fixture (written by hand), "
    "generated, or made (at run time)."
)
_PERSONA_CARD_JSON = (
    "JSON: one object with members (every member of the persona format), origin (fixture, generated, made, or invented "
    "for a pid that nobody has), sub and pid_pseudonym, claims (what userinfo answers when all scopes were asked for), "
    "login (parameters of a pushed "
    "authorization request; empty for a pid that was replaced)."
)
_CLIENT_JSON = (
    "JSON: a list of objects with every member of the client format and the member origin: fixture (from a file), or "
    "made (at run time)."
)
_CLIENT_CARD_JSON = (
    "JSON: one object with members (every member of the client format), defaults (the names of those that the "
    "registration leaves out), origin (fixture or made), keys (kid, alg and kty of each), private_key_file (or null)."
)
_CLIENT_NEW_JSON = (
    "JSON: one object with client_id, issuer, private_jwk, and a ready configuration each as dotnet, java, node and "
    "python."
)
_CHECK_JSON = (
    "JSON: one object with entries (how many of each sort), errors, warnings and assumed (lists of sentences). The "
    "exit status is 1 when there are errors, and 2 when a file cannot be read."
)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the parser's."""
    _add_fixtures(commands.add_parser("fixtures", help="the world: check, load, generate, export"))
    _add_persona(commands.add_parser("persona", help="people: list, show, new"))
    _add_client(commands.add_parser("client", help="registered clients: list, show, new"))


def _add_fixtures(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check", help="read all fixture files and say what is wrong or assumed", epilog=_CHECK_JSON
    )
    check.add_argument("--strict", action="store_true", help="an API that no file describes is an error")
    check.add_argument("--json", action="store_true", help="as JSON")
    check.set_defaults(run=_fixtures_check)

    load = actions.add_parser("load", help="bring the registry up to date, also while a server runs")
    load.add_argument(
        "--replace", action="store_true", help="entries of files also replace those made at run time with the same key"
    )
    load.set_defaults(run=_fixtures_load)

    generate = actions.add_parser("generate", help="make people, organizations and names", description=_GENERATED)
    generate.add_argument("--seed", type=_whole_number, default=1, help="another seed, another world; default 1")
    generate.add_argument("--people", type=_whole_number, default=500, help="how many; default 500")
    generate.add_argument(
        "--organizations", type=_whole_number, default=24, help="how many legal entities, their units apart; default 24"
    )
    generate.add_argument("--folder", type=Path, help="where to; default: the folder fixtures, when there is one here")
    generate.set_defaults(run=_fixtures_generate)

    export = actions.add_parser("export", help="write what the registry holds into a folder", description=_EXPORTED)
    export.add_argument("folder", type=Path, metavar="DIR", help="an empty folder, or one to be made")
    export.add_argument(
        "--all", action="store_true", help="everything; without it only what the shipped world does not hold"
    )
    export.add_argument(
        "--force", action="store_true", help="also when DIR is not empty; the fixture files in it are replaced"
    )
    export.set_defaults(run=_fixtures_export)


def _add_persona(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="people, all or those whom words fit", epilog=_PERSONA_JSON)
    listing.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="in name, pid, HPR number, profession (nurse, or the code SP), organization or description; all must fit",
    )
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_persona_list)

    show = actions.add_parser(
        "show", help="a person: members, claims, how to log in as them", epilog=_PERSONA_CARD_JSON
    )
    show.add_argument("person", metavar="PERSON", help="pid, short name or HPR number")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(run=_persona_show)

    new = actions.add_parser(
        "new",
        help="register a person; a running server knows them at once",
        description="What is not given is invented or left out.",
        epilog=_PERSONA_CARD_JSON,
    )
    new.add_argument("--name", help="given, middle and family names in one: the last word is the family name")
    new.add_argument("--given-name")
    new.add_argument("--middle-name")
    new.add_argument("--family-name")
    new.add_argument("--pid", help="eleven digits; default: a synthetic one (month + 80)")
    new.add_argument("--born", type=_day, metavar="YYYY-MM-DD", help="date of birth for the invented pid")
    new.add_argument("--persona", help="short name to log in by; default: from the name")
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
    new.add_argument("--network", choices=("internett", "helsenett"), help="default: the server's")
    new.add_argument(
        "--organization", action="append", default=[], metavar="NUMBER", help="an employer; repeat for more"
    )
    new.add_argument("--json", action="store_true", help="as JSON")
    new.set_defaults(run=_persona_new)


def _add_client(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="clients, all or those in which words stand", epilog=_CLIENT_JSON)
    listing.add_argument("words", nargs="*", metavar="WORD", help="in id, name, scopes, description; all must fit")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_client_list)

    show = actions.add_parser(
        "show", help="a client: every member, keys, private key at hand", epilog=_CLIENT_CARD_JSON
    )
    show.add_argument("client_id", metavar="CLIENT_ID")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(run=_client_show)

    new = actions.add_parser(
        "new", help="make a key pair, register a client, print its configuration", epilog=_CLIENT_NEW_JSON
    )
    new.add_argument("--client-id", help="default: a new GUID")
    new.add_argument("--name", default="", help="the display name")
    new.add_argument("--scope", action="append", default=[], help="a scope it may ask for; repeat for more")
    new.add_argument("--alg", default="PS256", help="algorithm of its key, PS256 by default")
    new.add_argument("--bearer", action="store_true", help="register it without DPoP")
    new.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="where logins return to; makes it a login client",
    )
    new.add_argument(
        "--post-logout-redirect-uri", action="append", default=[], metavar="URI", help="where logouts return to"
    )
    new.add_argument(
        "--grant",
        action="append",
        default=[],
        metavar="GRANT",
        help="authorization_code, refresh_token, client_credentials or the URN of token exchange; repeat for more; "
        "default: the first two with a redirect URI, else client_credentials",
    )
    new.add_argument("--organization", metavar="NUMBER", help="organization number of the owner")
    new.add_argument(
        "--tenancy",
        choices=("none", "single-tenant", "multi-tenant"),
        help="default: single-tenant with an organization, else none",
    )
    new.add_argument("--url", help="issuer to print; default: from the settings")
    new.add_argument("--json", action="store_true", help="print everything as JSON, private key included")
    new.set_defaults(run=_client_new)


def _fixtures_check(parsed: argparse.Namespace) -> int:
    from mock_sts.cli_output import print_json  # noqa: PLC0415
    from mock_sts.helseid.documents import DocumentError  # noqa: PLC0415
    from mock_sts.services.world import check_world  # noqa: PLC0415

    try:
        report = check_world(settings_of()[0].fixtures, implied_is_error=parsed.strict)
    except DocumentError as error:
        if parsed.json:
            print_json({"entries": {}, "errors": [str(error)], "warnings": [], "assumed": []})
        raise
    if parsed.json:
        lists = {"errors": report.errors, "warnings": report.warnings, "assumed": report.assumed}
        print_json({"entries": dict(report.entries), **{name: list(texts) for name, texts in lists.items()}})
        return 1 if report.errors else 0
    for line in (*report.assumed, *(f"warning: {text}" for text in report.warnings)):
        print(line)
    for text in report.errors:
        print(f"error: {text}", file=sys.stderr)
    print(f"{report.counts}; {len(report.warnings)} warnings, {len(report.errors)} errors")
    return 1 if report.errors else 0


def _fixtures_load(parsed: argparse.Namespace) -> int:
    from mock_sts.app import load_world  # noqa: PLC0415
    from mock_sts.helseid.documents import DocumentError  # noqa: PLC0415

    try:
        loaded = load_world(settings_of()[0], replace_made=parsed.replace)
    except DocumentError as error:
        raise CommandError(f"{error}\nNothing was loaded; the registry is as it was.") from None
    for entry in loaded.hidden:
        key = next(iter(entry.item.members.values()))
        print(
            f"warning: {entry.where}, {key}: another one was made at run time, which stays; --replace takes the file's",
            file=sys.stderr,
        )
    lying_on_top = f" with {', '.join(map(str, loaded.own))} on top" if loaded.own else ""
    print(f"{'loaded' if loaded.changed else 'nothing has changed:'} the shipped world{lying_on_top}")
    return 0


def _fixtures_generate(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.generation import faker_version  # noqa: PLC0415
    from mock_sts.services.generation import write_generated  # noqa: PLC0415

    folder = parsed.folder or Path("fixtures")
    if parsed.folder is None and not folder.is_dir():
        raise CommandError("there is no folder fixtures here; say where to write with --folder DIR")
    written = write_generated(folder, seed=parsed.seed, people=parsed.people, organizations=parsed.organizations)
    print(f"written with Faker {faker_version()} from seed {parsed.seed}: {', '.join(map(str, written))}")
    return 0


def _fixtures_export(parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepared_store  # noqa: PLC0415
    from mock_sts.store.fixture_export import export_rows, write_folder  # noqa: PLC0415
    from mock_sts.store.fixture_files import shipped_world  # noqa: PLC0415

    folder: Path = parsed.folder
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{str(folder)!r} is no folder")
    if folder.resolve() == shipped_world().resolve():
        raise CommandError(f"{str(folder)!r} is the shipped world; export into a folder of your own")
    if folder.is_dir() and any(folder.iterdir()) and not parsed.force:
        raise CommandError(f"{str(folder)!r} is not empty; --force replaces the fixture files in it")
    settings, _ = settings_of()
    with prepared_store(settings) as store:
        entries = export_rows(store, everything=parsed.all)
    if not any(entries.values()):
        print("nothing to export: the registry holds the shipped world and nothing else; --all writes that too")
        return 0
    written = write_folder(folder, entries)
    counts = ", ".join(f"{len(found)} {sort}{'' if len(found) == 1 else 's'}" for sort, found in entries.items())
    print(f"written to {folder}: {counts}, in {len(written)} files")
    if entries["client"]:
        print(f"private keys are not among them; those of client new lie in {key_folder(settings)}")
    return 0


def _persona_list(parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepared_store  # noqa: PLC0415
    from mock_sts.cli_output import print_json, print_table  # noqa: PLC0415
    from mock_sts.services.lookup import find_personas, organization_names, professions_of  # noqa: PLC0415

    with prepared_store(settings_of()[0]) as store:
        found = find_personas(store, parsed.words)
        names = organization_names(store)
    if parsed.json:
        print_json([{**row.item.members, "origin": row.origin} for row in found])
        return 0
    rows = []
    for row in found:
        members = row.item.members
        offices = "; ".join(names.get(number) or number for number in members["organizations"])
        rows.append(
            (
                members["persona"] or "",
                members["pid"],
                _full_name(members),
                members["hpr_number"] or "",
                " ".join(professions_of(members)),
                members["security_level"],
                f"{members['description']}{f' [{offices}]' if offices else ''}",
            )
        )
    print_table(("PERSONA", "PID", "NAME", "HPR", "PROF", "LEVEL", "DESCRIPTION [ORGANIZATIONS]"), rows)
    print(f"{len(rows)} {'person' if len(rows) == 1 else 'people'}{_fitting(parsed.words)}")
    return 0


def _persona_show(parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepared_store  # noqa: PLC0415
    from mock_sts.services.lookup import NotFoundError, the_persona  # noqa: PLC0415

    settings, _ = settings_of()
    with prepared_store(settings) as store:
        try:
            row = the_persona(store, parsed.person, invent=settings.invent_people)
        except NotFoundError as error:
            raise CommandError(str(error)) from None
    _print_persona(row.item, row.origin, settings.network, as_json=parsed.json)
    return 0


def _persona_new(parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepared_store  # noqa: PLC0415
    from mock_sts.services.new_persona import NewPersona, make_persona  # noqa: PLC0415
    from mock_sts.store.catalog import MADE  # noqa: PLC0415
    from mock_sts.store.fixture_export import as_yaml  # noqa: PLC0415

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
        network=parsed.network,
        organizations=tuple(parsed.organization),
    )
    with prepared_store(settings) as store:
        made = make_persona(store, wanted, require_synthetic=settings.require_synthetic)
    for warning in made.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    _print_persona(made.persona, MADE, settings.network, as_json=parsed.json)
    if not parsed.json:
        print("\nRegistered. To keep the person when the database goes, put this into an own personas.yaml:\n")
        print(as_yaml([made.document]), end="")
    return 0


def _print_persona(persona: Any, origin: str, network: str, *, as_json: bool) -> None:
    from mock_sts.cli_output import print_json  # noqa: PLC0415
    from mock_sts.services.lookup import claims_of, login_parameters  # noqa: PLC0415

    claims, login = claims_of(persona, network), login_parameters(persona)
    replaced = persona.members["superseded_by"]
    if as_json:
        pseudonyms = {"sub": claims["sub"], "pid_pseudonym": claims["sub"]}
        card = {"members": dict(persona.members), "origin": origin, **pseudonyms, "claims": claims, "login": login}
        print_json(card)
        return
    for name, value in persona.members.items():
        print(f"{name:<16} {_cell(value)}")
    print(f"{'origin':<16} {origin}")
    print(f"{'sub':<16} {claims['sub']} (pid_pseudonym too)")
    print("\nClaims, as userinfo answers when all scopes were asked for:")
    print(json.dumps(claims, indent=2, ensure_ascii=False))
    if replaced is not None:
        print(f"\nNobody can log in with this pid: it was replaced by {replaced}.")
    else:
        print("\nTo log in as them, add to the pushed authorization request:")
        print("  " + " ".join(f"{name}={value}" for name, value in login.items()))


def _client_list(parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepared_store  # noqa: PLC0415
    from mock_sts.cli_output import print_json, print_table  # noqa: PLC0415
    from mock_sts.services.lookup import find_clients  # noqa: PLC0415

    with prepared_store(settings_of()[0]) as store:
        found = find_clients(store, parsed.words)
    if parsed.json:
        print_json([{**row.item.members, "origin": row.origin} for row in found])
        return 0
    rows = []
    for row in found:
        members = row.item.members
        grants = ", ".join(_GRANT_WORDS.get(grant, grant) for grant in members["grant_types"])
        logs_in = "authorization_code" in members["grant_types"]
        flags = [
            *(["DPoP"] if members["dpop_bound_access_tokens"] else []),
            *(["PAR"] if logs_in and members["require_pushed_authorization_requests"] else []),
        ]
        shows = members["description"] or (f"Sample: {members['sample']}" if members["sample"] else "")
        rows.append((members["client_id"], members["client_name"], grants, " ".join(flags), shows))
    print_table(("CLIENT_ID", "NAME", "GRANTS", "NEEDS", "WHAT IT SHOWS"), rows)
    print(f"{len(rows)} client{'' if len(rows) == 1 else 's'}{_fitting(parsed.words)}")
    return 0


#: Grants as the table names them.
_GRANT_WORDS = {
    "authorization_code": "code",
    "refresh_token": "refresh",
    "client_credentials": "machine",
    "urn:ietf:params:oauth:grant-type:token-exchange": "exchange",
}


def _client_show(parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepared_store  # noqa: PLC0415
    from mock_sts.cli_output import print_json  # noqa: PLC0415
    from mock_sts.services.lookup import NotFoundError, the_client  # noqa: PLC0415

    settings, _ = settings_of()
    with prepared_store(settings) as store:
        try:
            row = the_client(store, parsed.client_id)
        except NotFoundError as error:
            raise CommandError(str(error)) from None
    members = row.item.members
    defaults = [name for name in members if row.document.get(name) is None]
    keys = [{name: jwk.get(name) for name in ("kid", "alg", "kty")} for jwk in members["jwks"]["keys"]]
    private = client_key_file(settings, parsed.client_id)
    if parsed.json:
        print_json(
            {
                "members": dict(members),
                "defaults": defaults,
                "origin": row.origin,
                "keys": keys,
                "private_key_file": None if private is None else str(private),
            }
        )
        return 0
    for name, value in members.items():
        if name == "jwks":
            continue
        print(f"{name:<38} {_cell(value)}{' (default)' if name in defaults else ''}")
    print(f"{'origin':<38} {row.origin}")
    for key in keys:
        print(f"{'key':<38} kid {key['kid'] or '(none)'}, alg {key['alg'] or '(none)'}, {key['kty']}")
    print(f"{'private key':<38} {private or 'not at hand'}")
    return 0


def _client_new(parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepared_store  # noqa: PLC0415
    from mock_sts.services.client_configuration import as_json, as_text  # noqa: PLC0415
    from mock_sts.services.new_client import NewClient, make_client  # noqa: PLC0415

    settings, _ = settings_of()
    wanted = NewClient(
        client_id=parsed.client_id,
        name=parsed.name,
        scopes=tuple(word for text in parsed.scope for word in text.split()),
        algorithm=parsed.alg,
        dpop=not parsed.bearer,
        organization=parsed.organization,
        tenancy=parsed.tenancy,
        grants=tuple(parsed.grant),
        redirect_uris=tuple(parsed.redirect_uri),
        post_logout_redirect_uris=tuple(parsed.post_logout_redirect_uri),
    )
    folder = key_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    with prepared_store(settings) as store:
        made = make_client(store, wanted)
    for warning in made.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    key_file = client_key_file(settings, made.client_id, new=True)
    key_file.touch(mode=0o600)
    key_file.write_text(json.dumps(made.private_jwk, indent=2) + "\n", encoding="utf-8")
    issuer = issuer_of(settings, parsed.url)
    print(as_json(made, issuer) if parsed.json else as_text(made, issuer, key_file))
    return 0


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


def _full_name(members: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (members["given_name"], members["middle_name"], members["family_name"])))


def _fitting(words: list[str]) -> str:
    return f" with {' '.join(words)}" if words else ""


def _cell(value: object) -> str:
    """A member's value on one line."""
    if value is None or value in ("", (), {}):
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number up to 999999")
    return int(text)


def _day(text: str) -> date:
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 1984-02-29") from None
