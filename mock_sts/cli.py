"""The command line: ``mock-sts``. Imports what a command needs when it needs it."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mock_sts import __version__
from mock_sts.cli_client import add_client
from mock_sts.cli_fixtures import add_fixtures
from mock_sts.cli_output import print_json
from mock_sts.cli_persona import add_persona
from mock_sts.cli_settings import CommandError, issuer_of, key_places, settings_of, warn_of_fixtures
from mock_sts.settings import SETTINGS, SettingError, Settings

#: Exit status for a wrong setting, file or argument.
_WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Faults that a person can mend are one sentence on stderr, JSON with --json."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except SettingError as error:
        return _fault(parsed, error)
    except BrokenPipeError:
        return 1
    except Exception as error:
        from mock_sts.helseid.documents import DocumentError  # noqa: PLC0415
        from mock_sts.store.engine import StoreError  # noqa: PLC0415

        if isinstance(error, DocumentError | StoreError | CommandError):
            return _fault(parsed, error)
        raise


def _fault(parsed: argparse.Namespace, error: Exception) -> int:
    if getattr(parsed, "json", False):
        print_json({"error": str(error)})
    print(error, file=sys.stderr)
    return _WRONG


class _Parser(argparse.ArgumentParser):
    """Takes options by their whole names only: an abbreviation in a script breaks with the next option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})


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
    # The process for https that ``serve`` starts beside the one for http.
    serve.add_argument("--only-tls", action="store_true", help=argparse.SUPPRESS)
    serve.set_defaults(run=_serve)

    ca = commands.add_parser("ca", help="print the certificate of the local CA, for clients to trust")
    ca.add_argument("--path", action="store_true", help="print where it lies instead")
    ca.set_defaults(run=_ca)

    prepare = commands.add_parser("prepare", help="make database, keys and world, and stop")
    prepare.set_defaults(run=_prepare)

    health = commands.add_parser("health", help="exit with 0 if the server answers")
    health.add_argument("--url", help="default: the port of the settings on this machine")
    health.set_defaults(run=_health)

    doctor = commands.add_parser("doctor", help="how the server is seen from here, and which clients will refuse it")
    doctor.add_argument("--from", dest="authority", metavar="URL", help="the address that a client is configured with")
    doctor.add_argument("--json", action="store_true", help="for scripts")
    doctor.set_defaults(run=_doctor)

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
    token.set_defaults(run=_token)

    docs = commands.add_parser("docs", help="write the generated parts of the documentation")
    docs.add_argument("--check", action="store_true", help="only say whether they are up to date")
    docs.add_argument("--folder", type=Path, default=Path("docs"), help="default: docs")
    docs.set_defaults(run=_docs)
    return parser


def _serve(parsed: argparse.Namespace) -> int:
    from mock_sts.serving import serve  # noqa: PLC0415

    settings, texts = settings_of(parsed)
    return serve(settings, texts, only_tls=parsed.only_tls)


def _ca(parsed: argparse.Namespace) -> int:
    from mock_sts.app import make_certificates  # noqa: PLC0415

    settings, _ = settings_of()
    if settings.tls_certificate is not None:
        raise CommandError(
            f"the server has a certificate of your own, {str(settings.tls_certificate)!r}: clients have to trust "
            "whoever issued that; there is no local CA"
        )
    ca = make_certificates(settings)
    print(ca if parsed.path else ca.read_text(encoding="ascii").strip())
    return 0


def _prepare(_parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepare_to_serve  # noqa: PLC0415

    warn_of_fixtures(prepare_to_serve(settings_of()[0]))
    return 0


def _health(parsed: argparse.Namespace) -> int:
    import urllib.request  # noqa: PLC0415  the standard library only: containers have nothing else

    settings = settings_of()[0]
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  shown to nobody
    host = f"[{host}]" if ":" in host else host
    url = (parsed.url or f"http://{host}:{settings.port}").rstrip("/")
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=2) as response:  # noqa: S310  as given
            healthy = response.status == 200
    except (OSError, ValueError) as error:
        print(f"not healthy: {error}", file=sys.stderr)
        return 1
    return 0 if healthy else 1


def _doctor(parsed: argparse.Namespace) -> int:
    from mock_sts.cli_output import print_json  # noqa: PLC0415
    from mock_sts.doctor import as_text, examine, surroundings  # noqa: PLC0415

    settings, _ = settings_of()
    report = examine(parsed.authority or issuer_of(settings, None), surroundings(settings))
    if parsed.json:
        print_json(report.document())
    else:
        print(as_text(report))
    return report.status


def _token(parsed: argparse.Namespace) -> int:
    from mock_sts.token_client import TokenClientError, decode, fetch_token  # noqa: PLC0415

    settings, _ = settings_of()
    try:
        token = fetch_token(
            issuer_of(settings, parsed.url),
            parsed.client_id,
            _private_jwk(settings, parsed),
            scope=parsed.scope,
            resource=parsed.resource,
            dpop=not parsed.bearer,
        )
    except TokenClientError as error:
        raise CommandError(str(error)) from None
    print(json.dumps(decode(token), indent=2, ensure_ascii=False) if parsed.decode else token)
    return 0


def _private_jwk(settings: Settings, parsed: argparse.Namespace) -> dict[str, Any]:
    places = [parsed.key] if parsed.key else key_places(settings, parsed.client_id)
    for place in places:
        if place.is_file():
            try:
                jwk = json.loads(place.read_text(encoding="utf-8"))
            except ValueError as error:
                raise CommandError(f"{place} is not JSON: {error}") from None
            if not isinstance(jwk, dict):
                raise CommandError(f"{place} holds no JWK")
            return jwk
    raise CommandError(
        f"no private key for {parsed.client_id!r} in {' or '.join(map(str, places))}; "
        "give its file with --key, or make a client with mock-sts client new"
    )


def _docs(parsed: argparse.Namespace) -> int:
    from mock_sts.documentation import generated_pages  # noqa: PLC0415

    stale = []
    for name, content in generated_pages().items():
        page = parsed.folder / name
        if not page.is_file() or page.read_text(encoding="utf-8") != content:
            stale.append(name)
            if not parsed.check:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(content, encoding="utf-8")
    if parsed.check and stale:
        print(f"out of date: {', '.join(stale)}; run mock-sts docs", file=sys.stderr)
        return 1
    print(f"{'up to date' if not stale else 'written: ' + ', '.join(stale)}")
    return 0
