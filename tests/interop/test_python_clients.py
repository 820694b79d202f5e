"""Clients from PyPI, as published, against a live server."""

import secrets
import time

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT as AuthlibPrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from requests_oauth2client import DPoPToken, InvalidScope, OAuth2Client, PrivateKeyJwt

from tests.support.emulator import API_SCOPE, LiveServer
from tests.support.keys import private_jwk


def verified(live: LiveServer, token: str) -> jwt.Token:
    """What a resource server does: fetch the keys, verify the signature."""
    keys = requests.get(f"{live.issuer}/.well-known/openid-configuration/jwks", timeout=10).json()
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
