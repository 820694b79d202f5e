"""Ready configuration for a new client, in the form that each platform's libraries read."""

import json
from pathlib import Path
from typing import Any

from mock_sts.protocol.terms import Endpoint
from mock_sts.services.new_client import MadeClient


def as_json(made: MadeClient, issuer: str) -> str:
    """Everything, for scripts: registration, private key, and one member per platform."""
    return json.dumps(
        {
            "client_id": made.client_id,
            "issuer": issuer,
            "private_jwk": dict(made.private_jwk),
            "dotnet": _appsettings(made, issuer),
            "java": _properties(made, issuer),
            "node": _node(made, issuer),
            "python": _python(made, issuer),
        },
        indent=2,
        ensure_ascii=False,
    )


def as_text(made: MadeClient, issuer: str, key_file: Path) -> str:
    """The same for people; the private key stands in each part that needs it."""
    parts = [
        f"Registered {made.client_id}; its private key is in {key_file}.",
        f"Try it: mock-sts token {made.client_id} --url {issuer}",
        "--- .NET: appsettings.json",
        json.dumps(_appsettings(made, issuer), indent=2),
        "--- Java: application.properties",
        _properties(made, issuer),
        "--- Node: openid-client",
        _node(made, issuer),
        "--- Python: requests_oauth2client",
        _python(made, issuer),
    ]
    return "\n".join(parts)


def _appsettings(made: MadeClient, issuer: str) -> dict[str, Any]:
    return {
        "HelseId": {
            "IssuerUri": issuer,
            "Authority": issuer,
            "TokenEndpoint": issuer + Endpoint.TOKEN,
            "ClientId": made.client_id,
            "Scope": " ".join(made.client.scopes),
            "PrivateJwk": json.dumps(dict(made.private_jwk), separators=(",", ":")),
        }
    }


def _properties(made: MadeClient, issuer: str) -> str:
    jwk = json.dumps(dict(made.private_jwk), separators=(",", ":"))
    return "\n".join(
        (
            f"helseid.sts.uri={issuer}",
            f"helseid.client.id={made.client_id}",
            f"helseid.client.scope={' '.join(made.client.scopes)}",
            f"helseid.client.jwk={jwk}",
        )
    )


def _node(made: MadeClient, issuer: str) -> str:
    scope = " ".join(made.client.scopes)
    lines = [
        "import * as client from 'openid-client'",
        "import { importJWK } from 'jose'",
        "",
        f"const jwk = {json.dumps(dict(made.private_jwk))}",
        f"const config = await client.discovery(new URL('{issuer}'), '{made.client_id}', undefined,",
        "  client.PrivateKeyJwt({ key: await importJWK(jwk, jwk.alg), kid: jwk.kid }),",
        "  { execute: [client.allowInsecureRequests] })  // http, for tests only",
    ]
    if made.client.needs_dpop:
        lines.append("const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))")
    options = ", { DPoP }" if made.client.needs_dpop else ""
    lines.append(f"const tokens = await client.clientCredentialsGrant(config, {{ scope: '{scope}' }}{options})")
    return "\n".join(lines)


def _python(made: MadeClient, issuer: str) -> str:
    return f"""\
from requests_oauth2client import OAuth2Client, PrivateKeyJwt

private_jwk = {json.dumps(dict(made.private_jwk))}
client = OAuth2Client.from_discovery_endpoint(
    url="{issuer}/.well-known/openid-configuration",
    issuer="{issuer}",
    auth=PrivateKeyJwt("{made.client_id}", private_jwk, lifetime=10),
    dpop_bound_access_tokens={made.client.needs_dpop},
    testing=True,  # http, for tests only
)
token = client.client_credentials(scope="{" ".join(made.client.scopes)}")"""
