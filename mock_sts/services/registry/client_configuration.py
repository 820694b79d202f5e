"""Ready configuration for a new client, in the form that each platform's libraries read."""

import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.protocol.terms import GrantType
from mock_sts.protocol.token_request import ACCESS_TOKEN_TYPE
from mock_sts.services.registry.new_client import MadeClient


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


#: What a configuration can be printed for.
PLATFORMS = ("dotnet", "java", "node", "python")


def for_platform(made: MadeClient, issuer: str, platform: str) -> str:
    """The configuration for one of PLATFORMS, the private key in it: appsettings.json, application.properties, or a
    program for openid-client or requests_oauth2client.
    """
    if platform == "dotnet":
        return json.dumps(_appsettings(made, issuer), indent=2)
    return {"java": _properties, "node": _node, "python": _python}[platform](made, issuer)


def as_text(made: MadeClient, issuer: str, key_file: Path) -> str:
    """Two lines for people: what was made, and what to try."""
    return f"registered {made.client_id}; its private key: {key_file}\n{_try_it(made, issuer)}"


def _try_it(made: MadeClient, issuer: str) -> str:
    # Ids hold what shells take for something else.
    name, url = shlex.quote(made.client_id), shlex.quote(issuer)
    more = f"; configuration: --for {', '.join(PLATFORMS)}"
    if made.logs_people_in:
        return f"try it: mock-sts token --persona kvart-grevling --client {name} --url {url}{more}"
    if made.exchanges:
        return f"try it: the program of --for python, with a token such as that of mock-sts token demo-machine{more}"
    return f"try it: mock-sts token {name} --url {url}{more}"


def _appsettings(made: MadeClient, issuer: str) -> dict[str, Any]:
    # The section and the first three are what HelseID.Library reads of a file; its letters may be large or small.
    settings = {
        "ClientId": made.client_id,
        "StsUrl": issuer,
        "Scope": " ".join(made.client.scope),
        "IssuerUri": issuer,
        "Authority": issuer,
        "TokenEndpoint": issuer + Endpoint.TOKEN,
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
    return {"HelseID": settings}


def _properties(made: MadeClient, issuer: str) -> str:
    jwk = json.dumps(dict(made.private_jwk), separators=(",", ":"))
    properties = {
        "helseid.sts.uri": issuer,
        "helseid.client.id": made.client_id,
        "helseid.client.scope": " ".join(made.client.scope),
        "helseid.client.jwk": jwk,
    }
    if made.logs_people_in:
        properties["helseid.client.redirect-uri"] = _redirect_uri(made)
    return "\n".join(f"{name}={_property(value)}" for name, value in properties.items())


def _property(value: str) -> str:
    """A value as java.util.Properties reads it: in ISO 8859-1, with escapes for the rest and for a space in front."""
    escaped = value.replace("\\", "\\\\")
    text = "".join(c if " " <= c <= "~" else _java_escape(c) for c in escaped)
    return f"\\{text}" if text.startswith(" ") else text


def _java_escape(character: str) -> str:
    utf16 = character.encode("utf-16-be")
    return "".join(f"\\u{utf16[i]:02x}{utf16[i + 1]:02x}" for i in range(0, len(utf16), 2))


def _js(text: str) -> str:
    """``text`` as a string of JavaScript, in the quotes that its style guides take where it has none itself."""
    plain = json.dumps(text, ensure_ascii=False)
    return plain if "'" in text or "\\" in plain else f"'{text}'"


def _node(made: MadeClient, issuer: str) -> str:
    scope = " ".join(made.client.scope)
    lines = [
        "import * as client from 'openid-client'",
        "import { importJWK } from 'jose'",
        *(["import { createInterface } from 'node:readline/promises'"] if _asks(made) else []),
        "",
        f"const jwk = {json.dumps(dict(made.private_jwk))}",
        f"const config = await client.discovery(new URL({_js(issuer)}), {_js(made.client_id)}, undefined,",
        "  client.PrivateKeyJwt({ key: await importJWK(jwk, jwk.alg), kid: jwk.kid }),",
        "  { execute: [client.allowInsecureRequests] })  // http, for tests only",
    ]
    # HelseID gives no exchanged token without a proof, however the client is registered.
    with_proof = made.client.dpop_bound_access_tokens or made.exchanges
    if with_proof:
        lines.append("const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))")
    options = ", { DPoP }" if with_proof else ""
    if made.exchanges:
        lines += [
            "const lines = createInterface({ input: process.stdin, output: process.stdout })",
            "const received = await lines.question('Paste the access token that was received:\\n')",
            "lines.close()",
            f"const tokens = await client.genericGrantRequest(config, '{GrantType.TOKEN_EXCHANGE}', {{",
            f"  subject_token: received.trim(), subject_token_type: '{ACCESS_TOKEN_TYPE}', scope: {_js(scope)},",
            f"}}{options})",
        ]
        return "\n".join(lines)
    if not made.logs_people_in:
        lines.append(f"const tokens = await client.clientCredentialsGrant(config, {{ scope: {_js(scope)} }}{options})")
        return "\n".join(lines)
    lines += [
        "const codeVerifier = client.randomPKCECodeVerifier()",
        "const state = client.randomState()",
        "const nonce = client.randomNonce()",
        "const url = await client.buildAuthorizationUrlWithPAR(config, {",
        f"  redirect_uri: {_js(_redirect_uri(made))},",
        f"  scope: {_js(scope)},",
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
    scope = " ".join(made.client.scope)
    # The library knows Ed25519 by its older name only.
    jwk = {**made.private_jwk, **({"alg": "EdDSA"} if made.private_jwk["kty"] == "OKP" else {})}
    text = f"""\
from requests_oauth2client import OAuth2Client, PrivateKeyJwt

private_jwk = {json.dumps(jwk)}
client = OAuth2Client.from_discovery_endpoint(
    url={json.dumps(issuer + Endpoint.DISCOVERY)},
    issuer={json.dumps(issuer)},
    auth=PrivateKeyJwt({json.dumps(made.client_id)}, private_jwk, aud={json.dumps(issuer)}, lifetime=10),
    dpop_bound_access_tokens={made.client.dpop_bound_access_tokens},{_python_redirect(made)}
    testing=True,  # http, for tests only
)
"""
    if made.exchanges:
        return f"""{text}received = input("Paste the access token that was received:\\n")
token = client.token_exchange(
    subject_token=received.strip(), subject_token_type="access_token", scope={json.dumps(scope)}, dpop=True
)"""
    if not made.logs_people_in:
        return f"{text}token = client.client_credentials(scope={json.dumps(scope)})"
    return f"""{text}request = client.authorization_request(scope={json.dumps(scope)})
pushed = client.pushed_authorization_request(request)
answer = input(f"Log in at {{pushed}}\\nand paste the address that you came back to: ")
response = request.validate_callback(answer.strip())
# The library's own look at the ID token loses the DPoP key; verify the token by the keys of the server.
token = client.authorization_code(response, validate=False)"""


def _asks(made: MadeClient) -> bool:
    """Whether the printed program asks for something to be pasted."""
    return made.logs_people_in or made.exchanges


def _python_redirect(made: MadeClient) -> str:
    return f"\n    redirect_uri={json.dumps(_redirect_uri(made))}," if made.logs_people_in else ""


def _redirect_uri(made: MadeClient) -> str:
    return made.client.redirect_uris[0]
