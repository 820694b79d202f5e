"""The command line: ``mock-sts``. Imports what a command needs when it needs it."""

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mock_sts import __version__
from mock_sts.settings import SETTINGS, SettingError, Settings, from_environ

#: Exit status for a wrong setting, file or argument.
_WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Faults that a person can mend are one sentence on stderr."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except SettingError as error:
        print(error, file=sys.stderr)
        return _WRONG
    except BrokenPipeError:
        return 1
    except Exception as error:
        from mock_sts.helseid.documents import DocumentError  # noqa: PLC0415
        from mock_sts.store.engine import StoreError  # noqa: PLC0415

        if isinstance(error, DocumentError | StoreError | CommandError):
            print(error, file=sys.stderr)
            return _WRONG
        raise


class CommandError(Exception):
    """A command that cannot be carried out; the message says why and what to do."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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
    serve.set_defaults(run=_serve)

    prepare = commands.add_parser("prepare", help="make database, keys and world, and stop")
    prepare.set_defaults(run=_prepare)

    health = commands.add_parser("health", help="exit with 0 if the server answers")
    health.add_argument("--url", help="default: the port of the settings on this machine")
    health.set_defaults(run=_health)

    fixtures = commands.add_parser("fixtures", help="the world: check and load")
    actions = fixtures.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="read all fixture files and say what is wrong or assumed")
    check.add_argument("--strict", action="store_true", help="an API that no file describes is an error")
    check.set_defaults(run=_fixtures_check)
    load = actions.add_parser("load", help="bring the registry up to date, also while a server runs")
    load.set_defaults(run=_fixtures_load)

    client = commands.add_parser("client", help="registered clients")
    actions = client.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all clients")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_client_list)
    new = actions.add_parser("new", help="make a key pair, register a client, print its configuration")
    new.add_argument("--client-id", help="default: a new GUID")
    new.add_argument("--name", default="", help="the display name")
    new.add_argument("--scope", action="append", default=[], help="a scope it may ask for; repeat for more")
    new.add_argument("--alg", default="PS256", help="algorithm of its key, PS256 by default")
    new.add_argument("--bearer", action="store_true", help="register it without DPoP")
    new.add_argument("--organization", help="organization number of the owner")
    new.add_argument("--url", help="issuer to print; default: from the settings")
    new.add_argument("--json", action="store_true", help="print everything as JSON, private key included")
    new.set_defaults(run=_client_new)

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


def _settings(parsed: argparse.Namespace | None = None) -> tuple[Settings, dict[str, str]]:
    """The settings, and their texts."""
    given = {} if parsed is None else {s.name: getattr(parsed, s.name) for s in SETTINGS if getattr(parsed, s.name)}
    texts = {s.name: given.get(s.name, os.environ.get(s.variable, s.default)) for s in SETTINGS}
    return from_environ(os.environ, given), texts


def _issuer(settings: Settings, url: str | None) -> str:
    return (url or settings.public_url or f"http://localhost:{settings.port}").rstrip("/")


def _serve(parsed: argparse.Namespace) -> int:
    from mock_sts.serving import serve  # noqa: PLC0415

    settings, texts = _settings(parsed)
    return serve(settings, texts)


def _prepare(_parsed: argparse.Namespace) -> int:
    from mock_sts.app import prepare_store  # noqa: PLC0415

    prepare_store(_settings()[0])
    return 0


def _health(parsed: argparse.Namespace) -> int:
    import urllib.request  # noqa: PLC0415  the standard library only: containers have nothing else

    settings = _settings()[0]
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


def _fixtures_check(parsed: argparse.Namespace) -> int:
    from mock_sts.services.world import check_world  # noqa: PLC0415

    report = check_world(_settings()[0].fixtures, implied_is_error=parsed.strict)
    for line in (*report.assumed, *(f"warning: {text}" for text in report.warnings)):
        print(line)
    for text in report.errors:
        print(f"error: {text}", file=sys.stderr)
    print(f"{report.counts}; {len(report.warnings)} warnings, {len(report.errors)} errors")
    return 1 if report.errors else 0


def _fixtures_load(_parsed: argparse.Namespace) -> int:
    from mock_sts.app import load_world  # noqa: PLC0415

    changed, own = load_world(_settings()[0])
    lying_on_top = f" with {', '.join(map(str, own))} on top" if own else ""
    print(f"{'loaded' if changed else 'nothing has changed:'} the shipped world{lying_on_top}")
    return 0


def _client_list(parsed: argparse.Namespace) -> int:
    from mock_sts.app import list_clients  # noqa: PLC0415

    clients = list_clients(_settings()[0])
    if parsed.json:
        print(json.dumps([dict(client.members) for client in clients], indent=2, ensure_ascii=False))
        return 0
    for client in clients:
        kids = ", ".join(key.kid or "(no kid)" for key in client.keys) or "(no key)"
        print(f"{client.client_id:<56} {client.members['client_name'][:40]:<40} {kids}")
    return 0


def _client_new(parsed: argparse.Namespace) -> int:
    from mock_sts.app import register_client  # noqa: PLC0415
    from mock_sts.services.client_configuration import as_json, as_text  # noqa: PLC0415
    from mock_sts.services.new_client import NewClient  # noqa: PLC0415

    settings, _ = _settings()
    wanted = NewClient(
        client_id=parsed.client_id,
        name=parsed.name,
        scopes=tuple(word for text in parsed.scope for word in text.split()) or ("mock:demo-api/read",),
        algorithm=parsed.alg,
        dpop=not parsed.bearer,
        organization=parsed.organization,
    )
    _key_folder(settings).mkdir(parents=True, exist_ok=True)
    made = register_client(settings, wanted)
    key_file = _key_folder(settings) / _key_file_name(made.client_id)
    key_file.touch(mode=0o600)
    key_file.write_text(json.dumps(made.private_jwk, indent=2) + "\n", encoding="utf-8")
    issuer = _issuer(settings, parsed.url)
    print(as_json(made, issuer) if parsed.json else as_text(made, issuer, key_file))
    return 0


def _token(parsed: argparse.Namespace) -> int:
    from mock_sts.token_client import TokenClientError, decode, fetch_token  # noqa: PLC0415

    settings, _ = _settings()
    try:
        token = fetch_token(
            _issuer(settings, parsed.url),
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
    from mock_sts.store.fixture_files import shipped_world  # noqa: PLC0415

    name = _key_file_name(parsed.client_id)
    places = [parsed.key] if parsed.key else [_key_folder(settings) / name, shipped_world() / "keys" / "clients" / name]
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


def _key_file_name(client_id: str) -> str:
    """The file of a client's private key: its id where that is a plain name, else a digest of it."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", client_id):
        return f"{client_id}.json"
    return f"{hashlib.sha256(client_id.encode('utf-8', 'surrogatepass')).hexdigest()}.json"


def _key_folder(settings: Settings) -> Path:
    """Where ``client new`` leaves private keys: beside the database, never in it."""
    return settings.database_path.parent / "client-keys"


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
