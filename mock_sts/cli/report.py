"""``mock-sts report``: what the journal shows of a client, check by check, for people and for CI."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from mock_sts.cli.colour import Ink, paint
from mock_sts.cli.control import EPILOG, add_common, steer
from mock_sts.cli.output import counted, print_json
from mock_sts.cli.parser import CLIENT, FILE, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Exit status where the report fails by --fail-on.
_FAILED = 1

_INKS = {"met": Ink.GREEN, "broken": Ink.RED}

#: What stands after the JSON of --help.
EXIT = " Exit status: 0, or 1 where the report fails by --fail-on, or 2 where there is none."


def add_report(commands: Commands) -> None:
    """Add ``report``."""
    parser = commands.add_parser(
        "report",
        help="how well a client keeps the security profile, by the requests in the journal",
        description="Met, broken or never exercised, check by check. No replacement for NHN's Samsvarstesting and code "
        "review.",
        epilog=EPILOG + FAULT_JSON + EXIT,
    )
    holds(parser.add_argument("client", metavar="CLIENT", help="the client's id"), CLIENT)
    parser.add_argument("--since", metavar="TIME", help="judge requests from then on, such as 2027-01-01T00:00:00Z")
    parser.add_argument("--until", metavar="TIME", help="judge requests until then")
    add_options(parser)
    parser.set_defaults(run=_report)


def add_options(parser: argparse.ArgumentParser, *, env: bool = True) -> None:
    """Add what all commands take that end in a report."""
    from mock_sts.services.conformance.document import FAIL_ON  # noqa: PLC0415

    add_departures(parser)
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="must",
        metavar="WHAT",
        help="must (default): fail on broken musts; should: on broken shoulds too; never-exercised: on both, and on "
        "what was not seen",
    )
    for word, says in (
        ("junit", "write it as JUnit XML too"),
        ("sarif", "write it as SARIF too, for forges that show findings beside the code"),
        ("markdown", "write it as Markdown too, for a pull request"),
    ):
        holds(parser.add_argument(f"--{word}", metavar="FILE", type=Path, help=says), FILE)
    parser.add_argument(
        "--location",
        metavar="PATH",
        default="README.md",
        help="the file of the repository in which findings of SARIF stand; default README.md",
    )
    parser.add_argument("--all", action="store_true", help="print every check, those that are met too")
    add_common(parser, env=env)


def add_departures(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a file of departures."""
    holds(
        parser.add_argument(
            "--departures", metavar="FILE", type=Path, help="breaches that are accepted, each with its reason (YAML)"
        ),
        FILE,
    )


def _report(parsed: argparse.Namespace) -> int:
    named = {name: value for name in ("since", "until") if (value := getattr(parsed, name)) is not None}
    path = f"/clients/{quote(parsed.client, safe='')}/report{'?' if named else ''}{urlencode(named)}"
    return tell_report(parsed, ask_for_report(parsed, path))


def ask_for_report(parsed: argparse.Namespace, path: str) -> dict[str, Any]:
    """The report at ``path`` of the control API, with the departures of the command. Raises CommandError."""
    departures = read_departures_file(parsed.departures)
    if departures is None:
        return dict(steer(parsed, "GET", path))
    return dict(steer(parsed, "POST", path, {"departures": departures}))


def read_departures_file(path: Path | None) -> list[dict[str, str]] | None:
    """The departures in a file, as the control API takes them; None for no file. Raises CommandError."""
    from mock_sts.services.conformance.departures import DepartureError, read_departures  # noqa: PLC0415
    from mock_sts.store.fixtures.files import read_text  # noqa: PLC0415
    from mock_sts.store.fixtures.yaml_text import read_yaml  # noqa: PLC0415

    if path is None:
        return None
    try:
        found = read_departures(read_yaml(read_text(path)), str(path))
    except DepartureError as error:
        raise CommandError(str(error)) from None
    except ValueError as error:
        raise CommandError(f"{path}: {error}") from None
    return [{"of": one.of, "reason": one.reason} for one in found]


def tell_report(parsed: argparse.Namespace, document: dict[str, Any]) -> int:
    """Print a report, and say by the exit status whether it fails."""
    from mock_sts.services.conformance.document import failures  # noqa: PLC0415

    why = failures(document, parsed.fail_on)
    _write_files(parsed, document)
    if parsed.json:
        print_json(document)
    else:
        _print(document, everything=parsed.all)
        for sentence in why:
            print(paint(f"fails: {sentence}", Ink.RED))
    return _FAILED if why else 0


def _write_files(parsed: argparse.Namespace, document: dict[str, Any]) -> None:
    from mock_sts.services.conformance.junit import junit_of  # noqa: PLC0415
    from mock_sts.services.conformance.markdown import markdown_of  # noqa: PLC0415
    from mock_sts.services.conformance.sarif import sarif_of  # noqa: PLC0415

    texts: dict[Path | None, Callable[[], str]] = {
        parsed.junit: lambda: junit_of(document, parsed.fail_on),
        parsed.sarif: lambda: json.dumps(sarif_of(document, parsed.location), indent=2),
        parsed.markdown: lambda: markdown_of(document),
    }
    for path, write in texts.items():
        if path is None:
            continue
        try:
            path.write_text(write(), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from None


def _print(document: dict[str, Any], *, everything: bool) -> None:
    journal, summary = document["journal"], document["summary"]
    print(f"{paint(document['client_id'], Ink.BOLD)}: {counted(journal['entries'], 'request')} judged")
    for check in document["checks"]:
        if everything or check["status"] in ("broken", "accepted", "never-exercised"):
            _print_check(check)
    for name, words in (
        ("met", "met"),
        ("broken_musts", "broken"),
        ("broken_shoulds", "broken recommendations"),
        ("accepted", "accepted"),
        ("never_exercised", "never exercised"),
        ("cannot_tell", "cannot be known without a conformance session"),
        ("not_applicable", "not applicable"),
        ("not_visible", "not visible to a server"),
    ):
        print(f"{summary[name]:>4}  {words}")
    if document["unused_departures"]:
        print(f"departures that accept nothing: {', '.join(document['unused_departures'])}")
    print(f"Judged by: {document['profile']['text']}, {document['profile']['date']}. {document['disclaimer']}")


def _print_check(check: dict[str, Any]) -> None:
    level = " (recommended)" if check["level"] == "should" else ""
    status = paint(f"{check['status']}{level}", _INKS.get(check["status"], Ink.YELLOW))
    print(f"{check['id']:<6} {status}: {check['title']}")
    if check["why"]:
        print(f"       {check['why']}")
    if check["reason"]:
        print(f"       reason: {check['reason']}")
    for rule in check["rules"]:
        if not rule["broken"]:
            continue
        where = f", last in entry {rule['entry']} of the journal" if rule["entry"] is not None else ""
        print(f"       {rule['id']}: broken {counted(rule['broken'], 'time')}, met {rule['met']}{where}")
        for name in ("expected", "observed", "remedy"):
            if rule[name]:
                print(f"         {name}: {rule[name]}")
