"""``mock-sts client import``: a client that exists elsewhere, from the file that its owner has."""

import argparse
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mock_sts.cli.control import EPILOG, add_common, steer
from mock_sts.cli.output import print_json
from mock_sts.cli.settings import FAULT_JSON, CommandError
from mock_sts.protocol.jose import JoseError, without_private_members
from mock_sts.protocol.terms import GrantType

#: Longest file that is read, in bytes.
_LONGEST = 1_000_000

_PEM = "-----BEGIN"

#: What a client is registered for whose file does not say it.
_MACHINE_GRANTS = [GrantType.CLIENT_CREDENTIALS.value]
_LOGIN_GRANTS = [GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value]


def add_import(actions: "argparse._SubParsersAction[Any]") -> None:
    """Add ``import`` to the actions of ``client``."""
    parser = actions.add_parser(
        "import",
        help="register a client from NHN's HelseID Configuration, a JWK, JWKS, PEM or certificate",
        description="Registers the public part of the keys in the file; a private part stays in the file alone. The "
        "HelseID Configuration of NHN's portal brings id, name, grants, scopes and addresses with it.",
        epilog=EPILOG + FAULT_JSON,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the file; a byte order mark does not matter")
    parser.add_argument("--client-id", metavar="ID", help="the client's id, where the file has none")
    parser.add_argument("--name", help="the display name, where the file has none")
    parser.add_argument(
        "--scope", action="append", default=[], help="a scope it may ask for, beside those of the file; repeat for more"
    )
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="where logins return to, where the file has none; without one it is a machine",
    )
    parser.add_argument("--bearer", action="store_true", help="register it without DPoP")
    parser.add_argument("--organization", metavar="NUMBER", help="organization number of the owner")
    add_common(parser)
    parser.set_defaults(run=_import)


def _import(parsed: argparse.Namespace) -> int:
    text = _text(parsed.file)
    client_id, body = _of_pem(parsed, text) if _PEM in text else _of_json(parsed, _json(parsed.file, text))
    if set(body) == {"jwks"}:
        # A file of keys alone gives a client its keys, and leaves the rest of its registration.
        body = {**_registered(parsed, client_id), **body}
    if parsed.name:
        body.setdefault("client_name", parsed.name)
    if parsed.scope:
        body["scope"] = list(dict.fromkeys([*body.get("scope", ()), *parsed.scope]))
    if parsed.redirect_uri:
        body["redirect_uris"] = list(dict.fromkeys([*body.get("redirect_uris", ()), *parsed.redirect_uri]))
    if not body.get("grant_types"):
        body["grant_types"] = _LOGIN_GRANTS if body.get("redirect_uris") else _MACHINE_GRANTS
    if parsed.bearer:
        body["dpop_bound_access_tokens"] = False
    if parsed.organization:
        body |= {"tenancy": "single-tenant", "organization": parsed.organization}
    made = steer(parsed, "PUT", f"/clients/{quote(client_id, safe='')}", body)
    if parsed.json:
        print_json(made)
    else:
        kids = ", ".join(str(key.get("kid", "without kid")) for key in made["jwks"]["keys"])
        print(f"client {client_id} is registered with the key {kids}; its private key stays in {parsed.file}")
    return 0


def _registered(parsed: argparse.Namespace, client_id: str) -> dict[str, Any]:
    """The registration of the client as it is; empty where there is none."""
    try:
        found = steer(parsed, "GET", f"/clients/{quote(client_id, safe='')}")
    except CommandError:  # none, or no server, which the next request says
        return {}
    return {name: value for name, value in found.items() if name != "client_id"}


def _text(file: Path) -> str:
    """The text of the file. Raises CommandError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise CommandError(f"{file} has {len(content)} bytes; a file with a client's keys has {_LONGEST} at most")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{file} is no text in UTF-8; a PEM, JSON or JWK file is expected") from None


def _json(file: Path, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{file} is neither PEM nor JSON: {error}") from None
    if not isinstance(content, dict):
        raise CommandError(f"{file} must hold a JSON object: NHN's HelseID Configuration, a JWK or a JWKS")
    return content


def _of_json(parsed: argparse.Namespace, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The client's id and what is registered of ``content``, without private members. Raises CommandError."""
    if "clientId" in content or "privateJwk" in content or "rsaPrivateKey" in content:
        return _configured(parsed, content)
    keys = content.get("keys", [content])
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) and "kty" in key for key in keys):
        raise CommandError(
            f"{parsed.file} holds no key: it has neither kty (a JWK), keys (a JWKS) nor clientId and privateJwk (NHN's "
            "HelseID Configuration)"
        )
    return _needed_id(parsed), {"jwks": {"keys": [without_private_members(key) for key in keys]}}


def _configured(parsed: argparse.Namespace, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    # What knows these files is the control API's, and needs no server; so no private key leaves this process.
    from mock_sts.helseid.registry.documents import DocumentError  # noqa: PLC0415
    from mock_sts.services.control.client_keys import KeyOrder, with_keys  # noqa: PLC0415

    named = content.get("clientId")
    if parsed.client_id and named and parsed.client_id != named:
        raise CommandError(f"--client-id is {parsed.client_id!r}, but {parsed.file} is of the client {named!r}")
    client_id = str(named) if named else _needed_id(parsed)
    try:
        body = with_keys(client_id, {}, KeyOrder(helseid_configuration=content)).document
    except DocumentError as error:
        raise CommandError(f"{parsed.file}: {str(error).removeprefix('the body: ')}") from None
    return client_id, dict(body)


def _of_pem(parsed: argparse.Namespace, text: str) -> tuple[str, dict[str, Any]]:
    from mock_sts.protocol.jose import public_jwk_of_pem  # noqa: PLC0415

    try:
        return _needed_id(parsed), {"jwks": {"keys": [public_jwk_of_pem(text)]}}
    except JoseError as error:
        raise CommandError(f"{parsed.file} holds no key that can be used: {error}") from None


def _needed_id(parsed: argparse.Namespace) -> str:
    if not parsed.client_id:
        raise CommandError(f"{parsed.file} does not say which client it is of: give --client-id")
    return str(parsed.client_id)
