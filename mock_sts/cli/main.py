"""The command line: ``mock-sts``. Imports what a command needs when it needs it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mock_sts import __version__
from mock_sts.cli.ca import add_ca
from mock_sts.cli.client import add_client
from mock_sts.cli.doctor import add_doctor
from mock_sts.cli.fixtures import add_fixtures
from mock_sts.cli.output import let_output_take_all, print_json, print_json_text
from mock_sts.cli.persona import add_persona
from mock_sts.cli.settings import (
    CommandError,
    issuer_of,
    key_places,
    refuse_free_port,
    settings_of,
    warn,
    warn_of_fixtures,
)
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.settings.settings import SETTINGS, SettingError, Settings

#: Exit status for a wrong setting, file or argument.
_WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Faults that a person can mend are one sentence on stderr, JSON with --json."""
    let_output_take_all()
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except SettingError as error:
        return _fault(parsed, error)
    except BrokenPipeError:
        return 1
    except Exception as error:
        from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
        from mock_sts.store.database import StoreError  # noqa: PLC0415

        if isinstance(error, DocumentError | StoreError | CommandError):
            return _fault(parsed, error)
        raise


def _fault(parsed: argparse.Namespace, error: Exception) -> int:
    if getattr(parsed, "json", False):
        print_json({"error": str(error)})
    print(error, file=sys.stderr)
    return _WRONG


def _text(argument: str) -> str:
    """``argument`` as text, also where the system took its UTF-8 for something else. Paths are no texts: any bytes do.

    Raises ArgumentTypeError.
    """
    try:
        argument.encode()
    except UnicodeEncodeError:
        try:
            return os.fsencode(argument).decode("utf-8")
        except UnicodeError:
            raise argparse.ArgumentTypeError(f"{argument!r} is no text in UTF-8") from None
    return argument


class _Parser(argparse.ArgumentParser):
    """Takes options by their whole names only: an abbreviation in a script breaks with the next option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})
        self.register("type", None, _text)

    def add_subparsers(self, **options: Any) -> Any:
        """Parsers of commands get all that follows them, paths too, and judge it by themselves."""
        commands = super().add_subparsers(**options)
        commands.type = str
        return commands

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is unknown here, with the usage of this command, not of all."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            option = unknown[0].partition("=")[0]
            meant = did_you_mean(option, self._option_string_actions, at_most=1, cutoff=0.75, quoted=False)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{meant and '; '}{meant}")
        return known, unknown


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mock-sts",
        description="An offline emulator of HelseID for tests. Not affiliated with Norsk Helsenett.",
        epilog="Every setting is an environment variable MOCK_STS_... too; see mock-sts serve --help.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve until stopped")
    for setting in SETTINGS:
        serve.add_argument(
            setting.option,
            dest=setting.name,
            metavar="VALUE",
            help=f"{setting.help} [{setting.variable}, default {setting.default or 'empty'}]".replace("%", "%%"),
        )
    serve.add_argument(
        "--json",
        action="store_true",
        dest="says_json",  # not that of other commands: a fault of the start is no line on standard output
        help="print one line of JSON when ready, alone on standard output: "
        "issuer, url, tls_url, control, ca, pid; the rest goes to standard error",
    )
    serve.add_argument("--exit-with-stdin", action="store_true", help="end when standard input closes")
    serve.add_argument(
        "--exit-with-parent", action="store_true", help="end when the process that has started this one ends"
    )
    serve.set_defaults(run=_serve)

    add_ca(commands.add_parser("ca", help="print the certificate of the local CA, for clients to trust; issue others"))

    prepare = commands.add_parser("prepare", help="make database, keys and world, and stop")
    # What ``serve`` starts also makes certificates: by itself the command may have other settings than the server.
    prepare.add_argument("--for-serving", action="store_true", help=argparse.SUPPRESS)
    prepare.set_defaults(run=_prepare)

    health = commands.add_parser("health", help="exit with 0 if the server answers")
    health.add_argument("--url", help="default: the port of the settings on this machine")
    health.set_defaults(run=_health)

    add_doctor(commands.add_parser("doctor", help="how the server is seen from here, and which clients will refuse it"))

    add_fixtures(commands.add_parser("fixtures", help="the world: check, load, generate, export"))
    add_persona(commands.add_parser("persona", help="people: list, show, new"))
    add_client(commands.add_parser("client", help="registered clients: list, show, new"))

    token = commands.add_parser("token", help="fetch a real token for a ready client")
    token.add_argument("client_id", help="a client whose private key is at hand: demo-machine, or one of client new")
    token.add_argument("--scope", default="", help="scopes separated by spaces; default: all it has")
    token.add_argument("--resource", default="", help="one API, where the scopes are of several")
    token.add_argument("--url", help="issuer; default: from the settings")
    token.add_argument("--key", type=Path, help="file with the client's private JWK")
    token.add_argument("--bearer", action="store_true", help="without a DPoP proof, for a client registered so")
    token.add_argument("--decode", action="store_true", help="print the claims, not the token")
    token.add_argument(
        "--call", metavar="URL", help="call the API at this address with the token (GET), and print what it answers"
    )
    token.set_defaults(run=_token)

    return parser


def _serve(parsed: argparse.Namespace) -> int:
    from mock_sts.server.holder import Holder  # noqa: PLC0415

    holder = Holder(stdin=parsed.exit_with_stdin, parent=parsed.exit_with_parent)
    from mock_sts.server.serve import serve  # noqa: PLC0415

    settings, _ = settings_of(parsed)
    return serve(settings, _prepare_to_serve, says_json=parsed.says_json, holder=holder)


def _prepare_to_serve(settings: Settings, at_start: bool) -> str:
    """Make what a server with these settings needs, and warn of what is odd; why that cannot be, or an empty string."""
    from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
    from mock_sts.server.serve import print_override  # noqa: PLC0415
    from mock_sts.setup import end_override, prepare_certificates, prepare_to_serve  # noqa: PLC0415
    from mock_sts.store.database import StoreError  # noqa: PLC0415
    from mock_sts.store.location import file_of  # noqa: PLC0415

    try:
        warn(prepare_certificates(settings))
        warn_of_fixtures(prepare_to_serve(settings))
        if at_start and file_of(settings.database_url) is None:  # the server itself does it for a file
            print_override(end_override(settings))
    except (SettingError, DocumentError, StoreError) as error:
        return str(error)
    return ""


def _prepare(parsed: argparse.Namespace) -> int:
    from mock_sts.setup import prepare_certificates, prepare_store, prepare_to_serve  # noqa: PLC0415

    settings = settings_of()[0]
    if parsed.for_serving:
        warn(prepare_certificates(settings))
    warn_of_fixtures(prepare_to_serve(settings) if parsed.for_serving else prepare_store(settings))
    return 0


def _health(parsed: argparse.Namespace) -> int:
    from mock_sts.client.http import NoAnswerError, ask, printable  # noqa: PLC0415

    settings = settings_of()[0]
    if not parsed.url:
        refuse_free_port(settings)
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  shown on no page
    host = f"[{host}]" if ":" in host else host
    url = (parsed.url or f"http://{host}:{settings.port}").rstrip("/") + "/health/ready"
    try:
        # No proxy: the question is whether the server answers, not whether others do.
        answer = ask(url, seconds=2, proxies=False)
    except NoAnswerError as error:
        print(f"not healthy: {printable(str(error))}" + (f"; {error.remedy}" if error.remedy else ""), file=sys.stderr)
        return 1
    if answer.status != 200:
        print(f"not healthy: status {answer.status} from {url}", file=sys.stderr)
        return 1
    return 0


def _token(parsed: argparse.Namespace) -> int:
    from mock_sts.client.http import printable  # noqa: PLC0415
    from mock_sts.client.token import TokenClientError, call, decode, fetch_token  # noqa: PLC0415
    from mock_sts.protocol.jose import JoseError, loose_members, wrong_algorithm  # noqa: PLC0415

    settings, _ = settings_of()
    jwk = _private_jwk(settings, parsed)
    try:
        if loose := loose_members(jwk):
            warn([f"the key has {', '.join(loose)} in standard base64 or padded; other programs want base64url"])
        wrong = wrong_algorithm(jwk)
        fetched = fetch_token(
            issuer_of(settings, parsed.url),
            parsed.client_id,
            jwk,
            scope=parsed.scope,
            resource=parsed.resource,
            dpop=not parsed.bearer,
            ca_file=settings.certificates.ca,
            admin_token="" if parsed.url else settings.admin_token,  # another's server must not learn it
        )
        if wrong:  # this command signs all the same; other programs will not
            warn([f"the private key of {parsed.client_id!r} works here alone: {wrong}"])
        printed = json.dumps(decode(fetched.token), indent=2, ensure_ascii=False) if parsed.decode else fetched.token
        answer = call(parsed.call, fetched, ca_file=settings.certificates.ca) if parsed.call else None
    except JoseError as error:
        raise CommandError(f"the private key of {parsed.client_id!r} cannot be used: {error}") from None
    except TokenClientError as error:
        raise CommandError(printable(str(error))) from None
    if answer is None or parsed.decode:
        (print_json_text if parsed.decode else print)(printed)
    if answer is None:
        return 0
    body = "".join(c if c.isprintable() or c == "\n" else "?" for c in answer.body.decode("utf-8", "replace"))
    if 200 <= answer.status < 300:
        print(body)
        return 0
    challenge = answer.headers.get("WWW-Authenticate", "")
    raise CommandError(f"{printable(parsed.call)} answered {answer.status} {printable(challenge)}\n{body}".rstrip())


def _private_jwk(settings: Settings, parsed: argparse.Namespace) -> dict[str, Any]:
    from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
    from mock_sts.store.fixtures.files import read_text  # noqa: PLC0415

    places = [parsed.key] if parsed.key else key_places(settings, parsed.client_id)
    for place in places:
        # A pipe will do, as shells make them of a command's output.
        if place.is_symlink() or place.exists():
            try:
                jwk = json.loads(read_text(place))
            except DocumentError:
                raise
            except (ValueError, RecursionError) as error:
                raise CommandError(f"{place} is not JSON: {error}") from None
            if not isinstance(jwk, dict):
                raise CommandError(f"{place} holds no JWK")
            return jwk
    ready = [] if parsed.key else [file.stem for place in places for file in place.parent.glob("*.json")]
    meant = did_you_mean(parsed.client_id, ready)
    raise CommandError(
        f"no private key for {parsed.client_id!r} in {' or '.join(map(str, places))}; {meant}{meant and ' Or '}"
        "give its file with --key, or make a client with mock-sts client new"
    )
