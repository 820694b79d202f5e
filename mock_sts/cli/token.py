"""The command that fetches tokens: ``mock-sts token``."""

import argparse
import json
from pathlib import Path
from typing import Any

from mock_sts.cli.output import print_json_text
from mock_sts.cli.parser import CLIENT, FILE, Commands, holds
from mock_sts.cli.settings import CommandError, issuer_of, key_places, settings_of, warn
from mock_sts.protocol.near_names import did_you_mean
from mock_sts.settings.settings import Settings


def add_token(commands: Commands) -> None:
    """Add ``token``."""
    token = commands.add_parser("token", help="fetch a real token for a ready client")
    client = token.add_argument(
        "client_id", help="a client whose private key is at hand: demo-machine, or one of client new"
    )
    holds(client, CLIENT)
    token.add_argument("--scope", default="", help="scopes separated by spaces; default: all it has")
    token.add_argument("--resource", default="", help="one API, where the scopes are of several")
    token.add_argument("--url", help="issuer; default: from the settings")
    holds(token.add_argument("--key", type=Path, help="file with the client's private JWK"), FILE)
    token.add_argument("--bearer", action="store_true", help="without a DPoP proof, for a client registered so")
    token.add_argument("--decode", action="store_true", help="print the claims, not the token")
    token.add_argument(
        "--call", metavar="URL", help="call the API at this address with the token (GET), and print what it answers"
    )
    token.set_defaults(run=_token)


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
