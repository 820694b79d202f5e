"""Ready configuration for a new client, in the form that each platform's libraries read."""

import json
from pathlib import Path
from typing import Any

from mock_sts.protocol.jose import to_pem
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
    pem = to_pem(made.private_jwk).decode("ascii").strip()
    kid, algorithm = made.private_jwk["kid"], made.private_jwk["alg"]
    return f"""\
import * as client from 'openid-client'
import {{ importPKCS8 }} from 'jose'

const key = await importPKCS8(`{pem}`, '{algorithm}')
const config = await client.discovery(new URL('{issuer}'), '{made.client_id}', undefined,
  client.PrivateKeyJwt({{ key, kid: '{kid}' }}), {{ execute: [client.allowInsecureRequests] }})
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
const tokens = await client.clientCredentialsGrant(config, {{ scope: '{" ".join(made.client.scopes)}' }}, {{ DPoP }})"""


def _python(made: MadeClient, issuer: str) -> str:
    return f"""\
from requests_oauth2client import OAuth2Client, PrivateKeyJwt

private_jwk = {json.dumps(dict(made.private_jwk))}
client = OAuth2Client.from_discovery_endpoint(
    issuer="{issuer}", url="{issuer}/.well-known/openid-configuration", testing=True,
    auth=PrivateKeyJwt("{made.client_id}", private_jwk, lifetime=10), dpop=True,
)
token = client.client_credentials(scope="{" ".join(made.client.scopes)}")"""
