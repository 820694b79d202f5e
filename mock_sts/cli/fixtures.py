"""The commands about fixture files: ``mock-sts fixtures``."""

import argparse
import sys
from pathlib import Path

from mock_sts.cli.colour import Ink, paint
from mock_sts.cli.output import counted, print_json
from mock_sts.cli.parser import Commands
from mock_sts.cli.settings import (
    CommandError,
    key_folder,
    opened_store,
    settings_of,
    tell_new_database,
    warn,
    warn_of_fixtures,
)

_GENERATED = (
    "Writes personas.generated.json, organizations.generated.json and names.generated.json. The same seed and the same "
    "version of Faker give the same bytes. The names of people invented at run time are taken from the shipped world."
)
_EXPORTED = (
    "Writes what the registry holds now in the layout of MOCK_STS_FIXTURES: organizations.yaml, personas.yaml, "
    "apis.yaml, and one file a client under clients/. Private keys are not in the registry and not in the folder."
)
_CHECK_JSON = (
    "JSON: one object with entries (how many of each sort), errors, warnings and assumed (lists of sentences). The "
    "exit status is 1 when there are errors, and 2 when a file cannot be read. serve and load refuse unknown numbers, "
    "names that two have and unusable keys; the other errors are warnings there."
)


def add_fixtures(commands: Commands) -> None:
    """Add ``fixtures`` and its actions."""
    parser = commands.add_parser("fixtures", help="the world: check, load, generate, export")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check", help="read all fixture files and say what is wrong or assumed", epilog=_CHECK_JSON
    )
    check.add_argument("--strict", action="store_true", help="an API that no file describes is an error")
    check.add_argument(
        "--verbose", action="store_true", help="also what is assumed for the shipped clients, not for own ones only"
    )
    check.add_argument("--json", action="store_true", help="as JSON")
    check.set_defaults(run=_fixtures_check)

    load = actions.add_parser("load", help="bring the registry up to date, also while a server runs")
    load.add_argument(
        "--replace", action="store_true", help="entries of files also replace those made at run time with the same key"
    )
    load.set_defaults(run=_fixtures_load)

    generate = actions.add_parser("generate", help="make people, organizations and names", description=_GENERATED)
    generate.add_argument(
        "--seed",
        type=_whole_number,
        help="another seed, another world; default 1, which is the shipped one, and 2 elsewhere",
    )
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
        "--force",
        action="store_true",
        help="also when DIR is not empty; its fixture files are replaced when the registry holds all that is in them",
    )
    export.set_defaults(run=_fixtures_export)


def _fixtures_check(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
    from mock_sts.services.registry.checks import check_world  # noqa: PLC0415
    from mock_sts.setup import declared_environments  # noqa: PLC0415

    settings, _ = settings_of()
    report = check_world(settings.fixtures, implied_is_error=parsed.strict, all_assumed=parsed.verbose)
    unreadable = list(report.unreadable)
    try:
        declared_environments(settings, settings.fixtures)
    except DocumentError as error:
        unreadable.append(str(error))
    errors = [*unreadable, *report.errors]
    status = 2 if unreadable else 1 if errors else 0
    if parsed.json:
        lists = {"errors": errors, "warnings": report.warnings, "assumed": report.assumed}
        print_json({"entries": dict(report.entries), **{name: list(texts) for name, texts in lists.items()}})
        for text in unreadable:
            print(text, file=sys.stderr)
        return status
    for line in (*report.assumed, *(f"{paint('warning:', Ink.YELLOW)} {text}" for text in report.warnings)):
        print(line)
    for text in errors:
        print(f"{paint('error:', Ink.RED, sys.stderr)} {text}", file=sys.stderr)
    counts = ", ".join(counted(count, "API" if sort == "api" else sort) for sort, count in report.entries.items())
    print(f"{counts}; {counted(len(report.warnings), 'warning')}, {counted(len(errors), 'error')}")
    return status


def _fixtures_load(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
    from mock_sts.helseid.registry.records import key_of  # noqa: PLC0415
    from mock_sts.setup import load_world  # noqa: PLC0415

    settings, _ = settings_of()
    tell_new_database(settings)
    try:
        loaded = load_world(settings, replace_made=parsed.replace)
    except DocumentError as error:
        raise CommandError(f"{error}\nNothing was loaded; the registry is as it was.") from None
    warn_of_fixtures(loaded.warnings)
    warn(
        f"{entry.where}, {key_of(entry.item)}: another one was made at run time, which stays; "
        "--replace takes the file's"
        for entry in loaded.hidden
    )
    lying_on_top = f" with {', '.join(map(str, loaded.own))} on top" if loaded.own else ""
    print(f"{'loaded' if loaded.changed else 'nothing has changed:'} the shipped world{lying_on_top}")
    return 0


def _fixtures_generate(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.generation import faker_version  # noqa: PLC0415
    from mock_sts.services.registry.generation import write_generated  # noqa: PLC0415
    from mock_sts.store.fixtures.files import shipped_world  # noqa: PLC0415

    folder = parsed.folder or Path("fixtures")
    if parsed.folder is None and not folder.is_dir():
        raise CommandError("there is no folder fixtures here; say where to write with --folder DIR")
    # Elsewhere another world than the shipped one, on which it lies.
    usual = 1 if folder.resolve() == shipped_world().resolve() else 2
    seed = usual if parsed.seed is None else parsed.seed
    written = write_generated(folder, seed=seed, people=parsed.people, organizations=parsed.organizations)
    print(f"written with Faker {faker_version()} from seed {seed}: {', '.join(map(str, written))}")
    return 0


def _fixtures_export(parsed: argparse.Namespace) -> int:
    from mock_sts.store.fixtures.export import export_rows, keep_in_files  # noqa: PLC0415
    from mock_sts.store.fixtures.files import shipped_world  # noqa: PLC0415

    folder: Path = parsed.folder
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{str(folder)!r} is no folder")
    if folder.resolve() == shipped_world().resolve():
        raise CommandError(f"{str(folder)!r} is the shipped world; export into a folder of your own")
    if folder.is_dir() and any(folder.iterdir()) and not parsed.force:
        raise CommandError(f"{str(folder)!r} is not empty; --force replaces the fixture files in it")
    settings, _ = settings_of()
    with opened_store(settings) as store:
        export = export_rows(store, everything=parsed.all)
        if not export:
            print("nothing to export: the registry holds the shipped world and nothing else; --all writes that too")
            return 0
        written = keep_in_files(store, folder, export)
    counts = ", ".join(counted(len(found), "API" if sort == "api" else sort) for sort, found in export.entries.items())
    print(f"written to {folder}: {counts}, in {counted(len(written), 'file')}")
    if export.entries["client"]:
        print(f"private keys are not among them; those of client new lie in {key_folder(settings)}")
    return 0


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number up to 999999")
    return int(text)
