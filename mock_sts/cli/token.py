"""The command that fetches tokens: ``mock-sts token``."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_sts.cli.output import print_json_text
from mock_sts.cli.parser import CLIENT, FILE, PERSONA, Commands, holds
from mock_sts.cli.settings import FAULT_JSON, CommandError, issuer_of, key_places, opened_store, settings_of, warn
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
    token.add_argument(
        "--resource",
        action="append",
        default=[],
        metavar="AUDIENCE",
        help="one API, where the scopes are of several; a login may name more, and the token is for the last",
    )
    token.add_argument("--organization", metavar="NUMBER", help="act for this organization (multi-tenant clients)")
    token.add_argument("--child", metavar="NUMBER", help="act for this unit of the organization")
    details = token.add_argument(
        "--details", type=Path, metavar="FILE", help="further assertion_details: an object or a list, in JSON"
    )
    holds(details, FILE)
    token.add_argument("--exchange", action="store_true", help="exchange the access token on standard input")
    token.add_argument(
        "--redirect-uri",
        metavar="URI",
        help="where the login ends; default: the first that the client is registered for",
    )
    token.add_argument("--level", choices=("3", "4"), help="security level of the login; default: the person's highest")
    token.add_argument(
        "--acr-values", metavar="VALUES", help="provider, eID or level of the login, as HelseID takes them"
    )
    token.add_argument(
        "--request-object", action="store_true", help="sign the request of the login; details stand in it"
    )
    token.add_argument(
        "--refresh", nargs="?", const="", metavar="SCOPES", help="refresh the login once, for these scopes or for all"
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
    if parsed.persona is None:
        for name in ("id_token", "redirect_uri", "level", "acr_values", "request_object", "refresh"):
            if getattr(parsed, name) not in (None, False):
                raise CommandError(f"--{name.replace('_', '-')} is for a login: give --persona too")
        if len(parsed.resource) > 1:
            raise CommandError("several --resource are for a login; a machine asks for the token of one API")
    elif parsed.exchange:
        raise CommandError("--exchange takes a token that was received, so it does not go with --persona")
    named: str | None = parsed.client_id if parsed.client_id is not None else parsed.client
    return named if named is not None else "demo-machine" if parsed.persona is None else "demo-web"


def _fetched(settings: Settings, parsed: argparse.Namespace, client_id: str, jwk: dict[str, Any]) -> "Fetched":
    """The token that is asked for. Raises TokenClientError or CommandError."""
    from mock_sts.client.login import Login, log_in  # noqa: PLC0415
    from mock_sts.client.token import meet  # noqa: PLC0415
    from mock_sts.helseid.details import organization_element  # noqa: PLC0415
    from mock_sts.protocol.terms import GrantType  # noqa: PLC0415
    from mock_sts.protocol.token_request import ACCESS_TOKEN_TYPE  # noqa: PLC0415

    details = _details(parsed.details) if parsed.details is not None else []
    if parsed.organization is not None or parsed.child is not None:
        details.insert(0, organization_element(parsed.organization, parsed.child))
    received = _received() if parsed.exchange else ""
    client = _registration(settings, client_id) if parsed.persona is not None or parsed.exchange else None
    login = None
    if parsed.persona is not None:
        redirect_uri = parsed.redirect_uri or (client.redirect_uris[0] if client and client.redirect_uris else None)
        if redirect_uri is None:
            known = "has no redirect URI, so that no person logs in there" if client else "is not known on this machine"
            raise CommandError(
                f"the client {client_id!r} {known}; name one that has, or give --redirect-uri and --scope"
            )
        login = Login(
            _pid(settings, parsed.persona) if parsed.level else parsed.persona,
            redirect_uri,
            parsed.scope or (" ".join(client.scope) if client else "openid profile"),
            resources=tuple(parsed.resource),
            details=tuple(details),
            level=parsed.level or "",
            acr_values=parsed.acr_values or "",
            request_object=parsed.request_object,
            refresh=parsed.refresh is not None,
            refresh_scope=parsed.refresh or "",
        )
    caller = meet(
        issuer_of(settings, parsed.url),
        client_id,
        jwk,
        dpop=not parsed.bearer and (client is None or client.dpop_bound_access_tokens),
        ca_file=settings.certificates.ca,
        admin_token="" if parsed.url else settings.admin_token,  # another's server must not learn it
    )
    if login is not None:
        return log_in(caller, login)
    form = {"grant_type": GrantType.CLIENT_CREDENTIALS.value, "scope": parsed.scope, "resource": parsed.resource}
    if received:
        form |= {"grant_type": GrantType.TOKEN_EXCHANGE.value, "subject_token": received}
        form |= {
            "subject_token_type": ACCESS_TOKEN_TYPE,
            "scope": parsed.scope or (" ".join(client.scope) if client else ""),
        }
    return caller.fetched(caller.redeem(form, details))


def _details(file: Path) -> list[dict[str, Any]]:
    """The elements in ``file``. Raises CommandError."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"--details {file} cannot be read as JSON: {error}") from None
    elements = found if isinstance(found, list) else [found]
    if not all(isinstance(element, dict) and isinstance(element.get("type"), str) for element in elements):
        raise CommandError(f"--details {file} holds no details: write an object with a member type, or a list of such")
    return elements


def _received() -> str:
    received = sys.stdin.read().strip()
    if not received:
        raise CommandError("--exchange reads the token from standard input, which is empty")
    return received


def _pid(settings: Settings, person: str) -> str:
    """The pid of ``person``, which only a pid has a level beside. Raises CommandError."""
    if person.isdigit():
        return person
    from mock_sts.services.registry.lookup import NotFoundError, the_persona  # noqa: PLC0415
    from mock_sts.store.fixtures.rows import Registry  # noqa: PLC0415

    with opened_store(settings) as store:
        try:
            return the_persona(Registry(store), person, invent=False).item.pid
        except NotFoundError as error:
            raise CommandError(f"{error}; at a server elsewhere, name the person of --level by a pid") from None


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
