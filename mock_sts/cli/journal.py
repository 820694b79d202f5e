"""``mock-sts journal``: what the server was asked and what it judged, newest first, or one entry with all of it."""

import argparse
import re
from datetime import UTC, datetime
from typing import Any

from mock_sts.cli.colour import Ink, paint
from mock_sts.cli.output import counted, print_json, print_table
from mock_sts.cli.parser import CLIENT, RULE, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError, issuer_of, settings_of
from mock_sts.settings.settings import Settings

_JSON = (
    "JSON: a list of entries, each with id, at (seconds since 1970), endpoint, client_id, outcome, error, rule, "
    "findings (broken and met) and detail, as GET /mock/api/v1/journal answers."
)

_OUTCOMES = ("granted", "refused", "challenged", "faulted")

_MOST = 1000

#: How many entries a list has where none was said, so that it fits a screen.
_LISTED = 20


def add_journal(commands: Commands) -> None:
    """Add ``journal``."""
    parser = commands.add_parser(
        "journal",
        help="requests and what was judged of them: the newest, or one entry whole",
        description="Reads the database that the settings name, also while no server runs; with --url a running one.",
        epilog=_JSON + FAULT_JSON,
    )
    parser.add_argument(
        "entry", nargs="?", metavar="ENTRY", help="number of an entry, or the error id that an error page shows"
    )
    holds(parser.add_argument("--client", metavar="ID", help="requests of this client only"), CLIENT)
    parser.add_argument("--outcome", choices=_OUTCOMES, help="requests that ended so only")
    holds(parser.add_argument("--rule", metavar="RULE", help="requests that this rule decided only"), RULE)
    parser.add_argument("--endpoint", metavar="NAME", help="requests of this endpoint only: token, par, ... or a path")
    parser.add_argument("--flow", metavar="ID", help="one login with all that came of it")
    parser.add_argument("--since", metavar="TIME", help="from then on, such as 2027-01-01T00:00:00Z")
    parser.add_argument("--until", metavar="TIME", help="until then")
    parser.add_argument(
        "--limit", type=_limit, metavar="N", help=f"how many at most; default {_LISTED}, with --format {_MOST}"
    )
    parser.add_argument(
        "--format",
        choices=("text", "har", "mermaid"),
        help="the oldest first: each whole as text, an archive like HAR, or a sequence diagram of Mermaid",
    )
    parser.add_argument("--url", help="the issuer of a running server to ask, in place of the database")
    parser.add_argument(
        "--with-admin-token", action="store_true", help="send MOCK_STS_ADMIN_TOKEN to the server of --url"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=_journal)


def _journal(parsed: argparse.Namespace) -> int:
    if parsed.format is not None and parsed.json:
        raise CommandError("--json and --format are two forms of the same; give one of them")
    wanted: dict[str, str | int] = {"limit": parsed.limit or (_LISTED if parsed.format is None else _MOST)}
    for name, value in (("client_id", parsed.client), ("outcome", parsed.outcome), ("rule", _rule(parsed.rule))):
        if value is not None:
            wanted[name] = value
    wanted |= _asked(parsed)
    if parsed.entry is not None:
        wanted = {**wanted, **_one(parsed.entry), "limit": 1}
    settings, _ = settings_of()
    entries = _by_http(settings, parsed, wanted) if parsed.url else _from_database(settings, wanted)
    if parsed.entry is not None and "before" in wanted:
        entries = [entry for entry in entries if entry.get("id") == int(parsed.entry)]
    if parsed.entry is not None and not entries:
        raise CommandError(
            f"the journal has no entry {parsed.entry} that fits; it keeps the last MOCK_STS_JOURNAL_SIZE requests, and "
            "mock-sts journal lists them"
        )
    if parsed.format is not None:
        _export(entries, parsed.format, issuer_of(settings, parsed.url) if parsed.format == "har" else "")
    elif parsed.json:
        print_json(entries)
    elif parsed.entry is not None:
        _print_entry(entries[0])
    else:
        _print_list(entries)
    return 0


def _export(entries: list[dict[str, Any]], form: str, issuer: str) -> None:
    from mock_sts.services.control.journal_export import as_har, as_mermaid  # noqa: PLC0415

    if form == "har":
        print_json(as_har(entries, issuer))
    elif form == "mermaid":
        print(as_mermaid(entries), end="")
    else:
        for number, entry in enumerate(reversed(entries)):
            print("" if number == 0 else "\n" + "-" * 72 + "\n", end="")
            _print_entry(entry)


def _asked(parsed: argparse.Namespace) -> dict[str, str | int]:
    """The parameters of endpoint, flow and time. Raises CommandError."""
    from mock_sts.helseid.endpoints import SHORT_WORDS, paths_of  # noqa: PLC0415
    from mock_sts.protocol.durations import read_time  # noqa: PLC0415

    if parsed.endpoint is not None and not paths_of(parsed.endpoint):
        raise CommandError(
            f"no endpoint is called {parsed.endpoint!r}; write a path, or one of {', '.join(SHORT_WORDS)}"
        )
    if parsed.flow is not None and not re.fullmatch("[0-9A-Fa-f]{16}", parsed.flow):
        raise CommandError(f"--flow is {parsed.flow!r}, but must be the id of a flow: 16 hexadecimal digits")
    for name in ("since", "until"):
        try:
            read_time(getattr(parsed, name) or "2027-01-01T00:00:00Z")
        except ValueError as error:
            raise CommandError(f"--{name} is {getattr(parsed, name)!r}, but must be {error}") from None
    given = {name: getattr(parsed, name) for name in ("endpoint", "flow", "since", "until")}
    return {name: value for name, value in given.items() if value is not None}


def _rule(text: str | None) -> str | None:
    """``text`` where it names a rule. Raises CommandError."""
    from mock_sts.helseid.profile import CHAPTERS, find  # noqa: PLC0415
    from mock_sts.protocol.near_names import did_you_mean  # noqa: PLC0415

    if text is None or find(text) is not None:
        return text
    near = did_you_mean(text, [rule.id for chapter in CHAPTERS for rule in chapter.requirements])
    raise CommandError(f"no rule has the id {text!r}; {near}{near and ' '}mock-sts explain lists all")


def _one(text: str) -> dict[str, str | int]:
    """The parameters that find one entry, by its number or its error id. Raises CommandError."""
    if text.isascii() and text.isdigit() and len(text) < 16:
        return {"before": int(text) + 1}
    if re.fullmatch("[0-9a-fA-F]{16}", text):
        return {"error_id": text.lower()}
    raise CommandError(f"{text!r} is neither the number of an entry nor an error id (16 hexadecimal digits)")


def _from_database(settings: Settings, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    from mock_sts.cli.settings import opened_store  # noqa: PLC0415
    from mock_sts.helseid.endpoints import paths_of  # noqa: PLC0415
    from mock_sts.protocol.durations import read_time  # noqa: PLC0415
    from mock_sts.store.journal import Filter, Journal  # noqa: PLC0415
    from mock_sts.store.opening import is_missing  # noqa: PLC0415
    from mock_sts.store.scope import DEFAULT_ENVIRONMENT  # noqa: PLC0415

    if is_missing(settings.database_url):
        raise CommandError(
            f"there is no database {settings.database_name}, and so no journal; MOCK_STS_DATABASE_URL names that of a "
            "server elsewhere, and --url asks a running server"
        )
    with opened_store(settings) as store:
        return Journal(store, DEFAULT_ENVIRONMENT).read(
            Filter(
                **{name: wanted.get(name) for name in ("client_id", "outcome", "rule", "error_id")},
                endpoints=paths_of(wanted["endpoint"]) if "endpoint" in wanted else None,
                flow=wanted["flow"].upper() if "flow" in wanted else None,
                since=read_time(wanted["since"]) if "since" in wanted else None,
                until=read_time(wanted["until"]) if "until" in wanted else None,
            ),
            limit=wanted["limit"],
            before=wanted.get("before"),
        )


def _by_http(settings: Settings, parsed: argparse.Namespace, wanted: dict[str, str | int]) -> list[dict[str, Any]]:
    from mock_sts.client.http import NoAnswerError, printable  # noqa: PLC0415
    from mock_sts.client.journal import JournalClosedError, read_journal  # noqa: PLC0415
    from mock_sts.client.token import TokenClientError, trusting  # noqa: PLC0415

    issuer = issuer_of(settings, parsed.url)
    admin_token = settings.admin_token if parsed.with_admin_token else ""
    try:
        return read_journal(issuer, wanted, admin_token, trusting(settings.certificates.ca))
    except JournalClosedError as error:
        raise CommandError(f"{error}; set it, and give --with-admin-token") from None
    except (NoAnswerError, TokenClientError) as error:
        remedy = getattr(error, "remedy", "")
        raise CommandError(printable(f"{error}{remedy and '; '}{remedy}")) from None


def _print_list(entries: list[dict[str, Any]]) -> None:
    rows = []
    for entry in entries:
        broken = ", ".join(
            finding["rule"] for finding in entry["findings"]["broken"] if finding["rule"] != entry["rule"]
        )
        judged = f"{entry['rule'] or ''}{f' (also: {broken})' if broken else ''}".strip()
        rows.append(
            (
                str(entry["id"]),
                _time(entry["at"]),
                entry["outcome"],
                entry["endpoint"],
                entry["client_id"] or "-",
                entry["error"] or "-",
                judged,
            )
        )
    print_table(("ID", "TIME (UTC)", "OUTCOME", "ENDPOINT", "CLIENT_ID", "ERROR", "RULE"), rows)
    print(f"{counted(len(rows), 'entry', 'entries')}; mock-sts journal ID shows one whole")


def _print_entry(entry: dict[str, Any]) -> None:
    ink = {"granted": Ink.GREEN, "refused": Ink.RED}.get(entry["outcome"], Ink.YELLOW)
    for name, value in (
        ("entry", str(entry["id"])),
        ("time", f"{_time(entry['at'])} UTC"),
        ("endpoint", entry["endpoint"]),
        ("client", entry["client_id"] or "-"),
        ("flow", entry.get("flow") or "-"),
        ("outcome", paint(entry["outcome"], ink)),
        ("error", entry["error"] or "-"),
        ("rule", entry["rule"] or "-"),
    ):
        print(f"{name:<9} {value}")
    for finding in entry["findings"]["broken"]:
        print(f"\n{paint(finding['rule'], Ink.BOLD)}  {finding['title']}")
        for name in ("expected", "observed", "remedy", "source"):
            if finding.get(name):
                print(f"  {name:<9} {finding[name]}")
    if entry["findings"]["met"]:
        print(f"\nmet: {', '.join(entry['findings']['met'])}")
    print("\ndetail:")
    print_json(entry["detail"])


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MOST}")
    return int(text)
