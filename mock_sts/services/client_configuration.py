"""Ready configuration for a new client, in the form that each platform's libraries read."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
        "Try it: run the Python part below, and log in at the address that it prints"
        if made.logs_people_in
        else f"Try it: mock-sts token {made.client_id} --url {issuer}",
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
    settings = {
        "IssuerUri": issuer,
        "Authority": issuer,
        "TokenEndpoint": issuer + Endpoint.TOKEN,
        "ClientId": made.client_id,
        "Scope": " ".join(made.client.scopes),
        "PrivateJwk": json.dumps(dict(made.private_jwk), separators=(",", ":")),
    }
    if made.logs_people_in:
        redirect_uri = _redirect_uri(made)
        settings |= {
            "AuthorizationEndpoint": issuer + Endpoint.AUTHORIZE,
            "PushedAuthorizationEndpoint": issuer + Endpoint.PAR,
            "RedirectUri": redirect_uri,
            "CallbackPath": urlsplit(redirect_uri).path,
        }
    return {"HelseId": settings}


def _properties(made: MadeClient, issuer: str) -> str:
    jwk = json.dumps(dict(made.private_jwk), separators=(",", ":"))
    lines = [
        f"helseid.sts.uri={issuer}",
        f"helseid.client.id={made.client_id}",
        f"helseid.client.scope={' '.join(made.client.scopes)}",
        f"helseid.client.jwk={jwk}",
    ]
    if made.logs_people_in:
        lines.append(f"helseid.client.redirect-uri={_redirect_uri(made)}")
    return "\n".join(lines)


def _node(made: MadeClient, issuer: str) -> str:
    scope = " ".join(made.client.scopes)
    lines = [
        "import * as client from 'openid-client'",
        "import { importJWK } from 'jose'",
        *(["import { createInterface } from 'node:readline/promises'"] if made.logs_people_in else []),
        "",
        f"const jwk = {json.dumps(dict(made.private_jwk))}",
        f"const config = await client.discovery(new URL('{issuer}'), '{made.client_id}', undefined,",
        "  client.PrivateKeyJwt({ key: await importJWK(jwk, jwk.alg), kid: jwk.kid }),",
        "  { execute: [client.allowInsecureRequests] })  // http, for tests only",
    ]
    if made.client.needs_dpop:
        lines.append("const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))")
    options = ", { DPoP }" if made.client.needs_dpop else ""
    if not made.logs_people_in:
        lines.append(f"const tokens = await client.clientCredentialsGrant(config, {{ scope: '{scope}' }}{options})")
        return "\n".join(lines)
    lines += [
        "const codeVerifier = client.randomPKCECodeVerifier()",
        "const state = client.randomState()",
        "const nonce = client.randomNonce()",
        "const url = await client.buildAuthorizationUrlWithPAR(config, {",
        f"  redirect_uri: {json.dumps(_redirect_uri(made))},",
        f"  scope: '{scope}',",
        "  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),",
        "  code_challenge_method: 'S256',",
        "  state,",
        "  nonce,",
        f"}}{options})",
        "const lines = createInterface({ input: process.stdin, output: process.stdout })",
        "const answer = await lines.question(`Log in at ${url}\\nand paste the address that you came back to: `)",
        "lines.close()",
        "const tokens = await client.authorizationCodeGrant(config, new URL(answer), {",
        "  pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,",
        f"}}{', undefined' + options if options else ''})",
    ]
    return "\n".join(lines)


def _python(made: MadeClient, issuer: str) -> str:
    scope = " ".join(made.client.scopes)
    text = f"""\
from requests_oauth2client import OAuth2Client, PrivateKeyJwt

private_jwk = {json.dumps(dict(made.private_jwk))}
client = OAuth2Client.from_discovery_endpoint(
    url="{issuer}/.well-known/openid-configuration",
    issuer="{issuer}",
    auth=PrivateKeyJwt("{made.client_id}", private_jwk, lifetime=10),
    dpop_bound_access_tokens={made.client.needs_dpop},{_python_redirect(made)}
    testing=True,  # http, for tests only
)
"""
    if not made.logs_people_in:
        return f'{text}token = client.client_credentials(scope="{scope}")'
    return f"""{text}request = client.authorization_request(scope="{scope}")
pushed = client.pushed_authorization_request(request)
answer = input(f"Log in at {{pushed}}\\nand paste the address that you came back to: ")
response = request.validate_callback(answer.strip())
# The library's own look at the ID token loses the DPoP key; verify the token by the keys of the server.
token = client.authorization_code(response, validate=False)"""


def _python_redirect(made: MadeClient) -> str:
    return f"\n    redirect_uri={json.dumps(_redirect_uri(made))}," if made.logs_people_in else ""


def _redirect_uri(made: MadeClient) -> str:
    uri: str = made.client.members["redirect_uris"][0]
    return uri
