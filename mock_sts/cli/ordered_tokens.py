"""The commands for tokens on order: ``mock-sts test-token`` and ``mock-sts test-api``."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_sts.cli.colour import Ink, paint
from mock_sts.cli.output import counted, print_json_text, print_table
from mock_sts.cli.parser import CLIENT, PERSONA, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError, issuer_of, settings_of

if TYPE_CHECKING:
    import ssl

    from mock_sts.client.api_trial import Tried

_JSON = "JSON: access_token, token_type, proof, key, header, claims and more, as POST /mock/api/v1/test-tokens answers."


def add_ordered_tokens(commands: Commands) -> None:
    """Add ``test-token`` and ``test-api``."""
    token = commands.add_parser(
        "test-token",
        help="order a token of a running server, correct or broken in a chosen way",
        description="The claims are those of the token endpoint for this client, person and API.",
        epilog=_JSON + FAULT_JSON,
    )
    _token_options(token)
    token.add_argument(
        "--defect", action="append", default=[], metavar="DEFECT", help="what is wrong with it or its proof; repeatable"
    )
    token.add_argument("--recipe", metavar="NAME", help="an order with a name; the other options change it")
    token.add_argument(
        "--dpop", nargs=2, metavar=("METHOD", "URL"), help="bind it to a new key, and make a proof for this call"
    )
    shown = token.add_mutually_exclusive_group()
    shown.add_argument("--curl", action="store_true", help="print a curl command that calls the URL of --dpop")
    shown.add_argument("--decode", action="store_true", help="print the claims, not the token")
    shown.add_argument("--json", action="store_true", help="print all that is known of it, as JSON")
    token.set_defaults(run=_token)

    api = commands.add_parser(
        "test-api",
        help="try an API of yours with every defect of a token, and tell what it lets in",
        description="Sends a good token first, then one with each defect, each with a fresh proof. The exit status is "
        "1 where the API lets something in that it must refuse, refuses the good token, or fails.",
        epilog=FAULT_JSON.strip(),
    )
    api.add_argument("method", metavar="METHOD", help="the method of the call, such as GET")
    api.add_argument("api_url", metavar="URL", help="the address of the call")
    _token_options(api)
    api.add_argument("--bearer", action="store_true", help="the API takes Bearer tokens; default: DPoP")
    api.add_argument("--header", action="append", default=[], metavar="NAME: VALUE", help="a header of each call")
    api.add_argument("--body", metavar="TEXT", help="the body of each call, JSON unless a header says otherwise")
    api.add_argument(
        "--format", choices=("text", "json", "junit", "sarif"), default="text", help="the form of the report"
    )
    api.add_argument("--output", type=Path, metavar="FILE", help="write the report there; default: print it")
    api.set_defaults(run=_api)


def _token_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--audience", help="the API that it is for")
    holds(parser.add_argument("--client", metavar="CLIENT", help="the client; default: demo-machine"), CLIENT)
    holds(parser.add_argument("--persona", metavar="PERSON", help="who has logged in; default: a machine"), PERSONA)
    parser.add_argument("--scope", default="", help="scopes separated by spaces; default: those of the API")
    parser.add_argument("--organization", metavar="NUMBER", help="the organization that the client acts for")
    parser.add_argument("--child", metavar="NUMBER", help="the unit of it")
    parser.add_argument("--url", help="the issuer of the running server; default: from the settings")


def _token(parsed: argparse.Namespace) -> int:
    order = {name: value for name, value in _wanted(parsed).items() if name != "scope"}
    if parsed.scope:
        order["scope"] = parsed.scope.split()
    if parsed.defect:
        order["defects"] = parsed.defect
    if parsed.dpop:
        order["proof"] = {"method": parsed.dpop[0], "url": parsed.dpop[1]}
    elif parsed.curl:
        raise CommandError("--curl calls the URL of --dpop: give --dpop METHOD URL too")
    made = _ordered(parsed, order)
    if parsed.json:
        print_json_text(json.dumps(made, indent=2, ensure_ascii=False))
    elif parsed.decode:
        print_json_text(json.dumps(made["claims"], indent=2, ensure_ascii=False))
    elif parsed.curl:
        print(_curl(made, *parsed.dpop))
    else:
        print(made["access_token"])
        if made["proof"] is not None:
            print(made["proof"])
    return 0


def _curl(made: dict[str, Any], method: str, url: str) -> str:
    import shlex  # noqa: PLC0415

    headers = [f"Authorization: {made['token_type']} {made['access_token']}", f"DPoP: {made['proof']}"]
    words = ["curl", "-i", "-X", method, *(word for header in headers for word in ("-H", header)), url]
    return shlex.join(words)


def _wanted(parsed: argparse.Namespace) -> dict[str, Any]:
    """The members that an order and the matrix have in common, as far as they are given."""
    named = {
        "audience": parsed.audience,
        "client_id": parsed.client,
        "persona": parsed.persona,
        "scope": parsed.scope or None,
        "organization": parsed.organization,
        "child": parsed.child,
    }
    return {name: value for name, value in named.items() if value is not None}


def _ordered(parsed: argparse.Namespace, order: dict[str, Any]) -> dict[str, Any]:
    from mock_sts.client.api_trial import order_token  # noqa: PLC0415
    from mock_sts.client.http import NoAnswerError, printable  # noqa: PLC0415

    issuer, admin_token, context = _server(parsed)
    try:
        return order_token(issuer, order, parsed.recipe, admin_token, context)
    except NoAnswerError as error:
        raise CommandError(printable(f"{error}{error.remedy and '; '}{error.remedy}")) from None


def _server(parsed: argparse.Namespace) -> "tuple[str, str, ssl.SSLContext | None]":
    from mock_sts.client.http import printable  # noqa: PLC0415
    from mock_sts.client.token import TokenClientError, trusting  # noqa: PLC0415

    settings, _ = settings_of()
    try:
        context = trusting(settings.certificates.ca)
    except TokenClientError as error:
        raise CommandError(printable(str(error))) from None
    # Another's server must not learn it.
    return issuer_of(settings, parsed.url), "" if parsed.url else settings.admin_token, context


def _api(parsed: argparse.Namespace) -> int:
    from mock_sts.client.api_trial import Trial, try_api  # noqa: PLC0415
    from mock_sts.client.http import NoAnswerError, printable  # noqa: PLC0415
    from mock_sts.client.trial_report import as_json, as_junit, as_sarif, faults  # noqa: PLC0415

    if parsed.audience is None:
        raise CommandError("--audience is missing: the name of the API, which its tokens have as aud")
    issuer, admin_token, context = _server(parsed)
    wanted = {**_wanted(parsed), **({"bearer": "true"} if parsed.bearer else {})}
    body = None if parsed.body is None else parsed.body.encode()
    trial = Trial(parsed.method.upper(), parsed.api_url, wanted, _headers(parsed), body)
    try:
        tried = try_api(issuer, trial, admin_token, context)
    except NoAnswerError as error:
        raise CommandError(printable(f"{error}{error.remedy and '; '}{error.remedy}")) from None
    if parsed.format == "text" and parsed.output is None:
        _print_trial(tried)
    else:
        written = {"json": as_json, "junit": as_junit, "sarif": as_sarif}.get(parsed.format, as_json)
        text = written(trial.method, trial.url, tried)
        if parsed.output is None:
            print(text)
        else:
            try:
                parsed.output.write_text(f"{text}\n", encoding="utf-8")
            except OSError as error:
                raise CommandError(f"{parsed.output} cannot be written: {error.strerror}") from None
    return 1 if faults(tried) else 0


def _headers(parsed: argparse.Namespace) -> dict[str, str]:
    headers = {"Content-Type": "application/json"} if parsed.body is not None else {}
    for line in parsed.header:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise CommandError(f"--header {line!r} is no header: write NAME: VALUE")
        headers[name.strip()] = value.strip()
    return headers


def _print_trial(tried: "list[Tried]") -> None:
    from mock_sts.client.http import printable  # noqa: PLC0415
    from mock_sts.client.trial_report import faults, sentence  # noqa: PLC0415

    wrong = faults(tried)
    rows = [(one.name, one.expected, str(one.status), one.verdict.value, printable(one.note)[:60]) for one in tried]
    print_table(("DEFECT", "EXPECTED", "STATUS", "VERDICT", "NOTE"), rows)
    for one in wrong:
        print(paint(f"{one.name}: {printable(sentence(one))}", Ink.RED))
    print(f"{counted(len(tried), 'row', 'rows')} tried, {counted(len(wrong), 'fault', 'faults')}")
