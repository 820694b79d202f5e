"""Clients from PyPI, as published, against a live server."""

import secrets
import time

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT as AuthlibPrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from requests_oauth2client import DPoPToken, InvalidGrant, InvalidScope, OAuth2Client, PrivateKeyJwt

from tests.support.emulator import API_SCOPE, LiveServer
from tests.support.keys import private_jwk
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES


def verified(live: LiveServer, token: str) -> jwt.Token:
    """What a resource server does: fetch the keys, verify the signature."""
    keys = requests.get(f"{live.issuer}/.well-known/openid-configuration/jwks", timeout=60).json()
    return jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])


@pytest.mark.covers("client-authentication.private-key-jwt", "dpop.nonce.retry")
@pytest.mark.parametrize("kind", ["PS256", "ES256"])
def test_requests_oauth2client_with_dpop(live: LiveServer, kind: str) -> None:
    machine = live.client(f"python-{kind}-{secrets.token_hex(4)}", jwk=private_jwk(kind))
    client = OAuth2Client.from_discovery_endpoint(
        url=f"{live.issuer}/.well-known/openid-configuration",
        issuer=live.issuer,
        auth=PrivateKeyJwt(machine.client_id, machine.jwk, lifetime=10),
        dpop_bound_access_tokens=True,
        testing=True,
    )
    token = client.client_credentials(scope=API_SCOPE)
    assert isinstance(token, DPoPToken)
    assert token.token_type == "DPoP"
    assert token.scope == API_SCOPE
    claims = verified(live, str(token.access_token)).claims
    assert claims["iss"] == live.issuer
    assert claims["aud"] == "test:api"
    assert claims["scope"] == [API_SCOPE]
    assert claims["cnf"] == {"jkt": token.dpop_key.dpop_jkt}
    with pytest.raises(InvalidScope):
        client.client_credentials(scope="not:registered/scope")


@pytest.mark.covers("dpop.optional.bearer")
def test_authlib_with_bearer(live: LiveServer) -> None:
    """Authlib names the token endpoint as audience and sends no kid; only its hour of lifetime is shortened."""
    machine = live.client(f"authlib-{secrets.token_hex(4)}", jwk=private_jwk("RS256"), dpop_bound_access_tokens=False)
    endpoint = f"{live.issuer}/connect/token"
    session = OAuth2Session(
        machine.client_id,
        RSAKey.import_key(dict(machine.jwk)),
        token_endpoint_auth_method="private_key_jwt",
        scope=API_SCOPE,
    )
    session.register_client_auth_method(AuthlibPrivateKeyJWT(endpoint, claims={"exp": int(time.time()) + 30}))
    token = session.fetch_token(endpoint, grant_type="client_credentials")
    session.close()
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 600
    decoded = verified(live, token["access_token"])
    assert decoded.header["typ"] == "at+jwt"
    assert "cnf" not in decoded.claims
    assert decoded.claims["scope"] == [API_SCOPE]


def test_a_login_by_requests_oauth2client(live: LiveServer) -> None:
    machine = live.client(
        f"python-web-{secrets.token_hex(4)}",
        jwk=private_jwk("ES256", 4),
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
    )
    client = OAuth2Client.from_discovery_endpoint(
        url=f"{live.issuer}/.well-known/openid-configuration",
        issuer=live.issuer,
        auth=PrivateKeyJwt(machine.client_id, machine.jwk, lifetime=10),
        redirect_uri=REDIRECT_URI,
        dpop_bound_access_tokens=True,
        testing=True,
    )
    request = client.authorization_request(scope=SCOPES, test_pid=PERSON)
    pushed = client.pushed_authorization_request(request)
    answer = requests.get(str(pushed), allow_redirects=False, timeout=60)
    assert answer.status_code == 303
    response = request.validate_callback(answer.headers["Location"])
    # Its own validation of the ID token loses the DPoP key (a fault of 1.8.0); ours follows.
    token = client.authorization_code(response, validate=False)
    assert isinstance(token, DPoPToken)
    assert token.id_token is not None
    claims = verified(live, str(token.id_token)).claims
    assert claims["helseid://claims/identity/pid"] == PERSON
    assert claims["aud"] == machine.client_id
    info = requests.get(f"{live.issuer}/connect/userinfo", auth=token, timeout=60).json()
    assert info["sub"] == claims["sub"]
    refreshed = client.refresh_token(token)
    assert refreshed.refresh_token != token.refresh_token
    with pytest.raises(InvalidGrant):
        client.refresh_token(str(token.refresh_token))


def test_a_plain_login_by_authlib_as_a_bearer_client(live: LiveServer) -> None:
    machine = live.client(
        f"authlib-web-{secrets.token_hex(4)}",
        jwk=private_jwk("RS256"),
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
        dpop_bound_access_tokens=False,
        require_pushed_authorization_requests=False,
    )
    endpoint = f"{live.issuer}/connect/token"
    session = OAuth2Session(
        machine.client_id,
        RSAKey.import_key(dict(machine.jwk)),
        token_endpoint_auth_method="private_key_jwt",
        scope=SCOPES,
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
    )
    session.register_client_auth_method(AuthlibPrivateKeyJWT(endpoint, claims={"exp": int(time.time()) + 30}))
    verifier = secrets.token_urlsafe(48)
    url, state = session.create_authorization_url(
        f"{live.issuer}/connect/authorize", code_verifier=verifier, nonce="n-1", test_pid=PERSON
    )
    answer = requests.get(url, allow_redirects=False, timeout=60)
    token = session.fetch_token(
        endpoint, authorization_response=answer.headers["Location"], state=state, code_verifier=verifier
    )
    assert token["token_type"] == "Bearer"
    claims = verified(live, token["id_token"]).claims
    assert claims["nonce"] == "n-1"
    assert claims["name"] == "KVART GREVLING"
    info = session.get(f"{live.issuer}/connect/userinfo").json()
    assert info["sub"] == claims["sub"]
    session.close()
