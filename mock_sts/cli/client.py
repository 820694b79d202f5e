"""The commands about registered clients: ``mock-sts client``."""

import argparse
import json
import sys

from mock_sts.cli.client_import import add_import
from mock_sts.cli.output import cell, counted, fitting, print_entries, print_json, print_json_text, print_table
from mock_sts.cli.parser import CLIENT, Commands, holds
from mock_sts.cli.settings import (
    FAULT_JSON,
    CommandError,
    client_key_file,
    issuer_of,
    key_folder,
    opened_store,
    settings_of,
    warn,
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


def add_client(commands: Commands) -> None:
    """Add ``client`` and its actions."""
    parser = commands.add_parser("client", help="registered clients: list, show, new, import, delete")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list", help="clients, all or those in which words stand", epilog=_CLIENT_JSON + FAULT_JSON
    )
    listing.add_argument(
        "words", nargs="*", metavar="WORD", help="in id, name, scopes, description, sample; all must fit"
    )
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_client_list)

    show = actions.add_parser(
        "show", help="a client: every member, keys, private key at hand", epilog=_CLIENT_CARD_JSON + FAULT_JSON
    )
    holds(show.add_argument("client_id", metavar="CLIENT_ID"), CLIENT)
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(run=_client_show)

    new = actions.add_parser("new", help="make a key pair, and register a client", epilog=_CLIENT_NEW_JSON + FAULT_JSON)
    new.add_argument("--client-id", help="default: a new GUID")
    new.add_argument("--name", default="", help="the display name")
    new.add_argument("--scope", action="append", default=[], help="a scope it may ask for; repeat for more")
    new.add_argument("--alg", default="PS256", help="algorithm of its key, PS256 by default; also ES256, EdDSA")
    new.add_argument("--bearer", action="store_true", help="register it without DPoP")
    new.add_argument("--no-par", action="store_true", help="let its logins begin without a pushed request")
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
        "--frontchannel-logout-uri", metavar="URI", help="page that a browser loads when the person logs out elsewhere"
    )
    new.add_argument(
        "--backchannel-logout-uri", metavar="URI", help="where the server posts a logout token to, the same time"
    )
    new.add_argument(
        "--require-signed-request-object",
        action="store_true",
        help="its logins must come in request objects that it signs (RFC 9101)",
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
    new.add_argument(
        "--oddity",
        action="append",
        default=[],
        metavar="REASON",
        help="why a registration that fixtures check would call an error is meant so; without it none is made",
    )
    new.add_argument("--url", help="issuer to print; default: from the settings")
    new.add_argument(
        "--for",
        dest="platform",
        choices=("dotnet", "java", "node", "python"),
        help="print its configuration: appsettings.json, application.properties, or a program",
    )
    new.add_argument("--json", action="store_true", help="print everything as JSON, private key included")
    new.set_defaults(run=_client_new)

    add_import(actions)

    delete = actions.add_parser("delete", help="take away a client that was made at run time, and its private key")
    holds(delete.add_argument("client_id", metavar="CLIENT_ID"), CLIENT)
    delete.set_defaults(run=_client_delete)


def _client_list(parsed: argparse.Namespace) -> int:
    from mock_sts.services.registry.lookup import find_clients  # noqa: PLC0415
    from mock_sts.store.fixtures.rows import Registry  # noqa: PLC0415

    with opened_store(settings_of()[0]) as store:
        found = find_clients(Registry(store), parsed.words)
    if parsed.json:
        print_entries(found)
        return 0
    rows = []
    for row in found:
        client = row.item
        grants = ", ".join(_GRANT_WORDS.get(grant, grant) for grant in client.grant_types)
        logs_in = "authorization_code" in client.grant_types
        flags = [
            *(["DPoP"] if client.dpop_bound_access_tokens else []),
            *(["PAR"] if logs_in and client.require_pushed_authorization_requests else []),
        ]
        shows = client.description or (f"Sample: {client.sample}" if client.sample else "")
        rows.append((client.client_id, client.client_name, grants, " ".join(flags), shows))
    print_table(("CLIENT_ID", "NAME", "GRANTS", "NEEDS", "WHAT IT SHOWS"), rows)
    print(f"{counted(len(rows), 'client')}{fitting(parsed.words)}")
    return 0


#: Grants as the table names them.
_GRANT_WORDS = {
    "authorization_code": "code",
    "refresh_token": "refresh",
    "client_credentials": "machine",
    "urn:ietf:params:oauth:grant-type:token-exchange": "exchange",
}


def _client_show(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.registry.records import members_of  # noqa: PLC0415
    from mock_sts.services.registry.lookup import NotFoundError, the_client  # noqa: PLC0415
    from mock_sts.store.fixtures.rows import Registry  # noqa: PLC0415

    settings, _ = settings_of()
    with opened_store(settings) as store:
        try:
            row = the_client(Registry(store), parsed.client_id)
        except NotFoundError as error:
            raise CommandError(str(error)) from None
    members = members_of(row.item)
    defaults = [name for name in members if row.document.get(name) is None]
    keys = [{name: jwk.get(name) for name in ("kid", "alg", "kty")} for jwk in row.item.public_jwks]
    private = client_key_file(settings, parsed.client_id)
    if parsed.json:
        print_json(
            {
                "members": members,
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
        print(f"{name:<38} {cell(value)}{' (default)' if name in defaults else ''}")
    print(f"{'origin':<38} {row.origin}")
    for key in keys:
        print(f"{'key':<38} kid {key['kid'] or '(none)'}, alg {key['alg'] or '(none)'}, {key['kty']}")
    print(f"{'private key':<38} {private or 'not at hand'}")
    return 0


def _client_new(parsed: argparse.Namespace) -> int:
    from mock_sts.helseid.requirement import Enforcement  # noqa: PLC0415
    from mock_sts.services.registry.client_configuration import as_json, as_text, for_platform  # noqa: PLC0415
    from mock_sts.services.registry.new_client import NewClient, make_client  # noqa: PLC0415
    from mock_sts.store.private_files import make_private_folder, write_private  # noqa: PLC0415

    settings, _ = settings_of()
    issuer = issuer_of(settings, parsed.url)
    wanted = NewClient(
        client_id=parsed.client_id,
        name=parsed.name,
        scopes=tuple(word for text in parsed.scope for word in text.split()),
        algorithm=parsed.alg,
        dpop=not parsed.bearer,
        par=not parsed.no_par,
        organization=parsed.organization,
        tenancy=parsed.tenancy,
        grants=tuple(parsed.grant),
        redirect_uris=tuple(parsed.redirect_uri),
        post_logout_redirect_uris=tuple(parsed.post_logout_redirect_uri),
        frontchannel_logout_uri=parsed.frontchannel_logout_uri,
        backchannel_logout_uri=parsed.backchannel_logout_uri,
        signed_requests=parsed.require_signed_request_object,
        oddities=tuple(parsed.oddity),
    )
    make_private_folder(key_folder(settings))
    with opened_store(settings) as store:
        made = make_client(store, wanted, Enforcement.from_word(settings.enforcement))
    warn(made.warnings)
    key_file = client_key_file(settings, made.client_id, new=True)
    write_private(key_file, f"{json.dumps(made.private_jwk, indent=2)}\n".encode())
    if parsed.json:
        print_json_text(as_json(made, issuer))
    elif parsed.platform:
        print(as_text(made, issuer, key_file), file=sys.stderr)  # so that the rest can go into a file
        print(for_platform(made, issuer, parsed.platform))
    else:
        print(as_text(made, issuer, key_file))
    return 0


def _client_delete(parsed: argparse.Namespace) -> int:
    from mock_sts.services.registry.deletion import delete_client  # noqa: PLC0415
    from mock_sts.services.registry.lookup import NotFoundError  # noqa: PLC0415
    from mock_sts.system import take_away  # noqa: PLC0415

    settings, _ = settings_of()
    with opened_store(settings) as store:
        try:
            in_file = delete_client(store, parsed.client_id)
        except NotFoundError as error:
            raise CommandError(str(error)) from None
    key_file = client_key_file(settings, parsed.client_id, new=True)
    had_key = key_file.is_file()
    try:
        take_away(key_file)
    except OSError as error:
        raise CommandError(f"the client is gone, but its private key {key_file} is not: {error}; remove it") from None
    print(f"deleted {parsed.client_id}{' and its private key' if had_key else ''}")
    if in_file:
        print("the one of the fixture files counts again")
    return 0
