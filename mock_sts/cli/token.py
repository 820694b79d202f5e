"""The command that fetches tokens: ``mock-sts token``."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_sts.cli.output import print_json_text
from mock_sts.cli.parser import CLIENT, FILE, PERSONA, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError, issuer_of, key_places, settings_of, warn
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.settings.settings import Settings

if TYPE_CHECKING:  # commands load what they need when they need it
    from mock_sts.client.token import Fetched
    from mock_sts.helseid.registry.client import Client

_JSON = "JSON: what the token endpoint answers, such as access_token, id_token, refresh_token, scope and expires_in."


def add_token(commands: Commands) -> None:
    """Add ``token``."""
    token = commands.add_parser(
        "token",
        help="fetch a real token: for a machine, or with --persona for a person who logs in",
        description="The private key of the client must be at hand: a published one (demo-machine, demo-web), one of "
        "client new, or that of --key. With --persona the whole login is done, without a page.",
        epilog=_JSON + FAULT_JSON,
    )
    client = token.add_argument("client_id", nargs="?", metavar="CLIENT", help="default: demo-machine, or demo-web")
    holds(client, CLIENT)
    holds(token.add_argument("--client", metavar="CLIENT", help="the same, by an option"), CLIENT)
    person = token.add_argument("--persona", metavar="PERSON", help="who logs in: short name or pid")
    holds(person, PERSONA)
    token.add_argument("--scope", default="", help="scopes separated by spaces; default: all it has")
    token.add_argument("--resource", default="", help="one API, where the scopes are of several")
    token.add_argument("--organization", metavar="NUMBER", help="act for this organization (multi-tenant clients)")
    token.add_argument("--child", metavar="NUMBER", help="act for this unit of the organization")
    token.add_argument(
        "--redirect-uri",
        metavar="URI",
        help="where the login ends; default: the first that the client is registered for",
    )
    token.add_argument("--url", help="issuer; default: from the settings")
    holds(token.add_argument("--key", type=Path, help="file with the client's private JWK"), FILE)
    token.add_argument("--bearer", action="store_true", help="without a DPoP proof, for a client registered so")
    shown = token.add_mutually_exclusive_group()
    shown.add_argument("--decode", action="store_true", help="print the claims, not the token")
    shown.add_argument("--id-token", action="store_true", help="print the claims of the ID token of --persona")
    shown.add_argument("--json", action="store_true", help="print all that the token endpoint answers, as JSON")
    token.add_argument(
        "--call", metavar="URL", help="call the API at this address with the token (GET), and print what it answers"
    )
    token.set_defaults(run=_token)


def _token(parsed: argparse.Namespace) -> int:
    from mock_sts.client.http import printable  # noqa: PLC0415
    from mock_sts.client.token import TokenClientError, call, decode  # noqa: PLC0415
    from mock_sts.protocol.jose import JoseError, loose_members, wrong_algorithm  # noqa: PLC0415

    settings, _ = settings_of()
    client_id = _client_id(parsed)
    jwk = _private_jwk(settings, parsed.key, client_id)
    try:
        if loose := loose_members(jwk):
            warn([f"the key has {', '.join(loose)} in standard base64 or padded; other programs want base64url"])
        wrong = wrong_algorithm(jwk)
        fetched = _fetched(settings, parsed, client_id, jwk)
        if wrong:  # this command signs all the same; other programs will not
            warn([f"the private key of {client_id!r} works here alone: {wrong}"])
        printed = fetched.token
        if parsed.json:
            printed = json.dumps(dict(fetched.answer), indent=2, ensure_ascii=False)
        elif parsed.id_token:
            printed = json.dumps(decode(str(fetched.answer.get("id_token"))), indent=2, ensure_ascii=False)
        elif parsed.decode:
            printed = json.dumps(decode(fetched.token), indent=2, ensure_ascii=False)
        answer = call(parsed.call, fetched, ca_file=settings.certificates.ca) if parsed.call else None
    except JoseError as error:
        raise CommandError(f"the private key of {client_id!r} cannot be used: {error}") from None
    except TokenClientError as error:
        raise CommandError(printable(str(error))) from None
    is_json = parsed.decode or parsed.json or parsed.id_token
    if answer is None or is_json:
        (print_json_text if is_json else print)(printed)
    if answer is None:
        return 0
    body = "".join(c if c.isprintable() or c == "\n" else "?" for c in answer.body.decode("utf-8", "replace"))
    if 200 <= answer.status < 300:
        print(body)
        return 0
    challenge = answer.headers.get("WWW-Authenticate", "")
    raise CommandError(f"{printable(parsed.call)} answered {answer.status} {printable(challenge)}\n{body}".rstrip())


def _client_id(parsed: argparse.Namespace) -> str:
    """The client that is meant, by its place or by an option. Raises CommandError."""
    if parsed.client_id is not None and parsed.client is not None and parsed.client_id != parsed.client:
        raise CommandError(f"two clients are named, {parsed.client_id!r} and {parsed.client!r}; name one")
    if parsed.id_token and parsed.persona is None:
        raise CommandError("--id-token is of a person: give --persona too")
    if parsed.redirect_uri is not None and parsed.persona is None:
        raise CommandError("--redirect-uri is for a login: give --persona too")
    named: str | None = parsed.client_id if parsed.client_id is not None else parsed.client
    return named if named is not None else "demo-machine" if parsed.persona is None else "demo-web"


def _fetched(settings: Settings, parsed: argparse.Namespace, client_id: str, jwk: dict[str, Any]) -> "Fetched":
    """The token that is asked for. Raises TokenClientError or CommandError."""
    from mock_sts.client.login import log_in  # noqa: PLC0415
    from mock_sts.client.token import fetch_token  # noqa: PLC0415
    from mock_sts.helseid.details import organization_element  # noqa: PLC0415

    acts_for = parsed.organization is not None or parsed.child is not None
    details = organization_element(parsed.organization, parsed.child) if acts_for else None
    issuer = issuer_of(settings, parsed.url)
    admin_token = "" if parsed.url else settings.admin_token  # another's server must not learn it
    if parsed.persona is None:
        return fetch_token(
            issuer,
            client_id,
            jwk,
            scope=parsed.scope,
            resource=parsed.resource,
            dpop=not parsed.bearer,
            ca_file=settings.certificates.ca,
            admin_token=admin_token,
            details=details,
        )
    client = _registration(settings, client_id)
    redirect_uri = parsed.redirect_uri or (client.redirect_uris[0] if client and client.redirect_uris else None)
    if redirect_uri is None:
        known = "has no redirect URI, so that no person logs in there" if client else "is not known on this machine"
        raise CommandError(f"the client {client_id!r} {known}; name one that has, or give --redirect-uri and --scope")
    scope = parsed.scope or (" ".join(client.scope) if client else "openid profile")
    return log_in(
        issuer,
        client_id,
        jwk,
        parsed.persona,
        redirect_uri,
        scope=scope,
        resource=parsed.resource,
        dpop=not parsed.bearer and (client is None or client.dpop_bound_access_tokens),
        ca_file=settings.certificates.ca,
        admin_token=admin_token,
        details=details,
    )


def _registration(settings: Settings, client_id: str) -> "Client | None":
    """What is known here of a client, by the database or else the files; None for an unknown one."""
    from mock_sts.helseid.registry.client import Client  # noqa: PLC0415
    from mock_sts.storage import open_store  # noqa: PLC0415
    from mock_sts.store.catalog import load_catalog  # noqa: PLC0415
    from mock_sts.store.fixtures.files import world_folders  # noqa: PLC0415
    from mock_sts.store.fixtures.rows import read_world  # noqa: PLC0415
    from mock_sts.store.opening import is_missing  # noqa: PLC0415

    if is_missing(settings.database_url):
        entry = read_world(world_folders(settings.fixtures)).of(Client).get(client_id)
        return None if entry is None else entry.item
    store = open_store(settings)
    try:
        return load_catalog(store).client(client_id)
    finally:
        store.close()


def _private_jwk(settings: Settings, key: Path | None, client_id: str) -> dict[str, Any]:
    from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
    from mock_sts.store.fixtures.files import read_text  # noqa: PLC0415

    places = [key] if key else key_places(settings, client_id)
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
    ready = [] if key else [file.stem for place in places for file in place.parent.glob("*.json")]
    meant = did_you_mean(client_id, ready)
    raise CommandError(
        f"no private key for {client_id!r} in {' or '.join(map(str, places))}; {meant}{meant and ' Or '}"
        "give its file with --key, or make a client with mock-sts client new"
    )
