"""Clients that we did not write, over https, with our CA and no switch that makes them less careful."""

import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT as AuthlibPrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from requests_oauth2client import DPoPToken, InvalidGrant, OAuth2Client, PrivateKeyJwt

from tests.interop.test_openid_client import NODE
from tests.support.keys import private_jwk
from tests.support.machine import Machine
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES
from tests.support.tls import TlsServer

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """One name for http and https, so that both are one issuer; clients here use https alone."""
    started = TlsServer(tmp_path_factory.mktemp("tls-clients"), workers="2")
    yield started
    started.stop()


@pytest.fixture
def session(server: TlsServer) -> Iterator[requests.Session]:
    """What an application has that was given our CA."""
    made = requests.Session()
    made.trust_env = False
    made.verify = str(server.files.ca)
    yield made
    made.close()


def web(server: TlsServer, name: str, kind: str, **members: Any) -> Machine:
    usual = {"grant_types": ["authorization_code", "refresh_token"], "scope": SCOPES, "redirect_uris": [REDIRECT_URI]}
    return server.client(f"{name}-{secrets.token_hex(4)}", jwk=private_jwk(kind), **{**usual, **members})


def verified(session: requests.Session, issuer: str, token: str) -> dict[str, Any]:
    keys = session.get(f"{issuer}{DISCOVERY}/jwks", timeout=60).json()
    return dict(jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"]).claims)


@pytest.mark.covers("tls.clients")
def test_requests_oauth2client(server: TlsServer, session: requests.Session) -> None:
    machine = web(server, "python", "ES256")
    client = OAuth2Client.from_discovery_endpoint(
        issuer=server.base,
        auth=PrivateKeyJwt(machine.client_id, machine.jwk, lifetime=10),
        redirect_uri=REDIRECT_URI,
        dpop_bound_access_tokens=True,
        session=session,
    )
    request = client.authorization_request(scope=SCOPES, test_pid=PERSON)
    answer = session.get(str(client.pushed_authorization_request(request)), allow_redirects=False, timeout=60)
    token = client.authorization_code(request.validate_callback(answer.headers["Location"]), validate=False)
    assert isinstance(token, DPoPToken)
    claims = verified(session, server.base, str(token.id_token))
    assert claims["iss"] == server.base
    assert claims["helseid://claims/identity/pid"] == PERSON
    info = session.get(f"{server.base}/connect/userinfo", auth=token, timeout=60).json()
    assert info["sub"] == claims["sub"]
    refreshed = client.refresh_token(token)
    assert refreshed.refresh_token != token.refresh_token
    with pytest.raises(InvalidGrant):
        client.refresh_token(str(token.refresh_token))


@pytest.mark.covers("tls.clients")
def test_requests_oauth2client_without_the_ca(server: TlsServer) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="self-signed certificate in certificate chain"):
        OAuth2Client.from_discovery_endpoint(issuer=server.base, client_id="web")


@pytest.mark.covers("tls.clients")
def test_authlib(server: TlsServer, session: requests.Session) -> None:
    machine = web(
        server,
        "authlib",
        "RS256",
        dpop_bound_access_tokens=False,
        require_pushed_authorization_requests=False,
    )
    metadata = session.get(server.base + DISCOVERY, timeout=60).json()
    client = OAuth2Session(
        machine.client_id,
        RSAKey.import_key(dict(machine.jwk)),
        token_endpoint_auth_method="private_key_jwt",
        scope=SCOPES,
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
    )
    client.trust_env = False
    client.verify = str(server.files.ca)
    endpoint = metadata["token_endpoint"]
    client.register_client_auth_method(AuthlibPrivateKeyJWT(endpoint, claims={"exp": int(time.time()) + 30}))
    verifier = secrets.token_urlsafe(48)
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce="n-1", test_pid=PERSON
    )
    answer = session.get(url, allow_redirects=False, timeout=60)
    token = client.fetch_token(
        endpoint, authorization_response=answer.headers["Location"], state=state, code_verifier=verifier
    )
    claims = verified(session, server.base, token["id_token"])
    assert (claims["iss"], claims["nonce"]) == (server.base, "n-1")
    assert client.get(metadata["userinfo_endpoint"]).json()["sub"] == claims["sub"]
    client.close()


def node(server: TlsServer, given: dict[str, Any], ca: bool) -> subprocess.CompletedProcess[str]:
    program = shutil.which("node")
    assert program is not None, "Node.js is missing; make test-all says how"
    assert (NODE / "node_modules").is_dir(), "run make test-all, which installs the pinned packages"
    extra = {"NODE_EXTRA_CA_CERTS": str(server.files.ca)} if ca else {}
    inherited = {name: value for name, value in server.environment.items() if not name.startswith("NODE_")}
    return subprocess.run(
        [program, "login.mjs"],
        cwd=NODE,
        env={**inherited, **extra},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.node
@pytest.mark.covers("tls.clients")
def test_openid_client(server: TlsServer) -> None:
    out = "http://localhost:8089/out"
    machine = web(server, "node", "PS256", post_logout_redirect_uris=[out])
    given = {
        "issuer": server.base,
        "clientId": machine.client_id,
        "jwk": machine.jwk,
        "scope": SCOPES,
        "redirectUri": REDIRECT_URI,
        "postLogoutRedirectUri": out,
        "testPid": PERSON,
    }
    stranger = node(server, given, ca=False)
    assert stranger.returncode != 0
    assert "SELF_SIGNED_CERT_IN_CHAIN" in stranger.stderr
    done = node(server, given, ca=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["claims"]["iss"] == server.base
    assert seen["claims"]["helseid://claims/identity/pid"] == PERSON
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"] == seen["refreshedSubject"]
    assert (seen["rotated"], seen["reuse"]) == (True, "invalid_grant")
    assert seen["logout"] == f"{out}?state=bye"


@pytest.mark.curl
@pytest.mark.covers("tls.clients")
def test_curl(server: TlsServer) -> None:
    curl = shutil.which("curl")
    assert curl is not None, "curl is missing; make test-all says how"
    command = [curl, "--silent", "--show-error", "--fail", server.base + DISCOVERY]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 60, refused.stderr
    trusting = [*command, "--cacert", str(server.files.ca)]
    for versions in (["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"]):
        done = subprocess.run([*trusting, *versions], capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(done.stdout)["issuer"] == server.base


JAVA = """
import java.net.URI;
import java.net.http.*;

class Probe {
    public static void main(String[] words) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(words[0])).build();
        System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
    }
}
"""


@pytest.mark.java
@pytest.mark.covers("tls.clients")
@pytest.mark.slow
def test_java(server: TlsServer, tmp_path: Path) -> None:
    (tmp_path / "Probe.java").write_text(JAVA)
    store = ["-keystore", "trust.p12", "-storetype", "PKCS12", "-storepass", "changeit"]
    subprocess.run(
        ["keytool", "-importcert", "-noprompt", "-alias", "mock-sts", "-file", str(server.files.ca), *store],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    program = ["java", "Probe.java", server.base + DISCOVERY]
    trust = ["-Djavax.net.ssl.trustStore=trust.p12", "-Djavax.net.ssl.trustStorePassword=changeit"]
    refused = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "SSLHandshakeException" in refused.stderr
    done = subprocess.run(
        [program[0], *trust, *program[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["issuer"] == server.base
