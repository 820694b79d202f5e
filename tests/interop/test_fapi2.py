"""openid-client and oauth4webapi (Node.js), as published, against a live server that was started with the preset."""

import secrets
from collections.abc import Iterator

import pytest

from tests.interop.test_openid_client import run
from tests.support.emulator import LiveServer
from tests.support.keys import private_jwk
from tests.support.relying_party import PERSON, REDIRECT_URI, SCOPES

pytestmark = pytest.mark.node

SCRIPTS = ("fapi2.mjs", "fapi2-oauth4webapi.mjs")


@pytest.fixture(scope="module")
def fapi2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("fapi2"), preset="fapi2", workers="2")
    yield server
    server.stop()


@pytest.mark.covers("fapi.interop")
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("kind", ["PS256", "ES256", "Ed25519"])
def test_a_whole_flow(fapi2: LiveServer, script: str, kind: str) -> None:
    machine = fapi2.client(
        f"node-{kind}-{secrets.token_hex(4)}",
        jwk=private_jwk(kind),
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
    )
    given = {
        "issuer": fapi2.issuer,
        "clientId": machine.client_id,
        "jwk": machine.jwk,
        "dpopAlg": kind,
        "scope": SCOPES,
        "redirectUri": REDIRECT_URI,
        "testPid": PERSON,
    }
    seen = run(script, given)
    assert seen["authorizeParameters"] == ["client_id", "request_uri"]
    assert seen["idTokenHeader"]["alg"] == "PS256"
    assert seen["userinfoSubject"] == seen["subject"]
    assert seen["bound"] == seen["thumbprint"]
    assert seen["tokenType"] == "dpop"
    assert (seen["told"], seen["asBearer"]) == (200, 401)
    assert seen["rotated"] is False
    assert seen["introspected"] == {"active": True, "clientId": machine.client_id, "sub": seen["subject"]}
    assert seen["after"] == {"active": False}
    assert (seen["revoked"], seen["reuse"], seen["afterReuse"]) == ("invalid_grant", "invalid_grant", 401)


@pytest.mark.covers("fapi.interop")
@pytest.mark.parametrize("script", SCRIPTS)
def test_what_fapi_does_not_allow_is_refused_to_them_too(fapi2: LiveServer, script: str) -> None:
    machine = fapi2.client(
        f"node-rs256-{secrets.token_hex(4)}",
        jwk=private_jwk("RS256"),
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        redirect_uris=[REDIRECT_URI],
    )
    given = {
        "issuer": fapi2.issuer,
        "clientId": machine.client_id,
        "jwk": machine.jwk,
        "dpopAlg": "ES256",
        "scope": SCOPES,
        "redirectUri": REDIRECT_URI,
        "testPid": PERSON,
    }
    with pytest.raises(AssertionError, match="invalid_client"):
        run(script, given)
