"""openid-client (Node.js), as published, against a live server."""

import json
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.control import Control
from tests.support.emulator import API_SCOPE, LiveServer
from tests.support.keys import private_jwk
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES

NODE = Path(__file__).parent / "node"

pytestmark = pytest.mark.node


def run(script: str, given: dict[str, Any]) -> dict[str, Any]:
    node = shutil.which("node")
    assert node is not None, "Node.js is missing; make test-all says how"
    assert (NODE / "node_modules").is_dir(), "run make test-all, which installs the pinned packages"
    done = subprocess.run(
        [node, script], cwd=NODE, input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.covers(
    "client-authentication.private-key-jwt", "dpop.nonce.retry", "client-credentials.no-id-or-refresh-token"
)
@pytest.mark.parametrize("kind", ["PS256", "RS256", "ES256", "ES384", "ES512"])
def test_client_credentials_with_dpop(live: LiveServer, kind: str) -> None:
    machine = live.client(f"node-{kind}-{secrets.token_hex(4)}", jwk=private_jwk(kind))
    seen = run(
        "machine.mjs",
        {"issuer": live.issuer, "clientId": machine.client_id, "jwk": machine.jwk, "scope": API_SCOPE},
    )
    # One challenge, met by the library itself; the nonce then serves the next request too.
    assert seen["challenges"] == [
        {"status": 400, "body": {"error": "use_dpop_nonce", "error_description": "Missing 'nonce' value."}}
    ]
    assert seen["tokenType"] == "dpop"  # the library folds the case
    assert seen["expiresIn"] == 600
    assert seen["scope"] == API_SCOPE
    assert seen["members"] == ["access_token", "expires_in", "scope", "token_type"]
    assert seen["header"]["alg"] == "RS256"
    assert seen["claims"]["iss"] == live.issuer
    assert seen["claims"]["aud"] == "test:api"
    assert seen["claims"]["scope"] == [API_SCOPE]
    assert seen["claims"]["client_id"] == machine.client_id
    assert seen["claims"]["cnf"] == {"jkt": seen["thumbprint"]}
    assert seen["differs"] is True
    assert seen["refusal"] == {"error": "invalid_scope", "status": 400, "description": None}
    expect = [
        {"nonce_retried": True},
        {"called": "token", "outcome": "granted", "times": 2},
        {"called": "token", "error": "invalid_scope", "times": 1},
        {"same_proof_key": ["token"]},
    ]
    order = {"client_id": machine.client_id, "expect": expect}
    answer = Control(live.transport).ask("POST", "/verify", order)
    assert answer["met"], answer


def test_a_whole_login_without_a_page(live: LiveServer) -> None:
    out = "http://localhost:8089/out"
    machine = live.client(
        f"node-web-{secrets.token_hex(4)}",
        jwk=private_jwk("PS256"),
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=[out],
    )
    seen = run(
        "login.mjs",
        {
            "issuer": live.issuer,
            "clientId": machine.client_id,
            "jwk": machine.jwk,
            "scope": SCOPES,
            "redirectUri": REDIRECT_URI,
            "postLogoutRedirectUri": out,
            "testPid": PERSON,
        },
    )
    assert seen["authorizeParameters"] == ["client_id", "request_uri"]
    assert seen["status"] == 303
    assert seen["callbackParameters"] == ["code", "state", "iss", "session_state"]
    assert seen["claims"]["helseid://claims/identity/pid"] == PERSON
    assert seen["claims"]["helseid://claims/identity/security_level"] == "4"
    assert seen["claims"]["name"] == "KVART GREVLING"
    assert seen["claims"]["amr"] == ["pwd"]
    assert seen["userinfo"]["sub"] == seen["claims"]["sub"] == seen["refreshedSubject"]
    assert seen["userinfo"]["helseid://claims/hpr/hpr_details"]["hpr_number"] == 565505933
    assert seen["tokenType"] == "dpop"
    assert seen["rotated"] is True
    assert 28_700 < seen["rtExpiresIn"] <= 28_800
    assert seen["reuse"] == "invalid_grant"
    assert seen["logout"] == f"{out}?state=bye"
