"""NHN's self-service API: a client reads its registration and rotates its keys, as NHN's libraries do it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mock_sts.protocol.jose import sha256_base64url
from tests.support.emulator import Emulator
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Machine

SCOPE = "nhn:selvbetjening/client"
CLIENT, SECRET = "/v1/client", "/v1/client-secret"
NEW = private_jwk("ES256", 3)
DAY = 86_400


@pytest.fixture
def client(sts: Emulator) -> Machine:
    """A client that may use self-service, and one API."""
    return sts.client(scope=[SCOPE, "test:api/read"], children=["311000021"])


def call(client: Machine, method: str, path: str, body: object = None, **more: Any) -> Answer:
    token = more.get("token") or client.token(form={"scope": more.get("scope", SCOPE)}).json["access_token"]
    claims = {"htm": method, "htu": f"{client.issuer}{path}", "ath": sha256_base64url(token.encode()), "nonce": ABSENT}
    proof = client.proof(claims=claims)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof, "Content-Type": "application/json"}
    return client.transport.send(method, path, headers, b"" if body is None else json.dumps(body).encode())


def checked(answer: Answer, status: int, *words: str) -> None:
    """A refusal whose one body every known caller can read."""
    assert answer.status == status
    assert "dpop-nonce" not in {name.lower() for name in answer.headers}
    assert type(answer.json["status"]) is int
    assert all(isinstance(answer.json[name], str) for name in ("type", "title", "detail", "instance"))
    assert all(word in answer.json["detail"] for word in words), answer.json["detail"]


@pytest.mark.covers("self-service.rotate")
@pytest.mark.parametrize("form", ["an object", "a string that holds one"])
def test_a_key_is_added_and_counts_at_once_beside_the_old_one(sts: Emulator, client: Machine, form: str) -> None:
    jwk = {**public_jwk(NEW), "kid": "new", "oth": [], "key_ops": [], "x5c": []}
    answer = call(client, "POST", SECRET, jwk if form == "an object" else json.dumps(jwk))
    assert answer.status == 200
    ends = datetime.fromisoformat(answer.json["expiration"])
    assert ends.tzinfo == UTC
    assert ends.timestamp() == (sts.clock.now // DAY + 90) * DAY
    assert client.token().status == 200
    assert sts.machine(client.client_id, NEW).token().status == 200

    keys = call(client, "GET", SECRET).json
    assert [set(key) for key in keys] == [{"expiration", "kid", "jwkThumbprint", "origin", "publicJwk"}] * 2
    assert [(key["origin"], key["expiration"]) for key in keys] == [("Gui", None), ("Api", answer.json["expiration"])]
    assert keys[1]["kid"] == "new"


@pytest.mark.covers("self-service.key-ends")
def test_a_key_that_has_ended_is_refused_and_the_newer_one_is_named(sts: Emulator, client: Machine) -> None:
    call(client, "POST", SECRET, {**public_jwk(NEW), "kid": "first"})
    newer = private_jwk("ES256", 4)
    first = sts.machine(client.client_id, NEW)
    sts.clock.advance(80 * DAY)
    call(first, "POST", SECRET, {**public_jwk(newer), "kid": "second"})
    sts.clock.advance(11 * DAY)
    refused = sts.machine(client.client_id, NEW).token()
    assert (refused.status, refused.error, refused.rule) == (400, "invalid_client", "client-assertion.signature")
    assert sts.machine(client.client_id, newer).token().status == 200
    (row,) = [one for one in sts.journal() if one["rule"] == "client-assertion.signature"]
    assert "ended at" in json.dumps(row)
    assert "second" in json.dumps(row)


@pytest.mark.covers("self-service.refused")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**NEW}, ["private key", "public part"]),
        ({"keys": [public_jwk(NEW)]}, ["JWK set", "one public JWK"]),
        (public_jwk(private_jwk("RS256", 0, 1024)), ["1024 bits", "2048"]),
        ({"kty": "RSA"}, ["no public JWK"]),
        ([1], ["public JWK"]),
        ("no JSON", ["cannot be read"]),
    ],
    ids=["private", "set", "short", "members missing", "list", "text"],
)
def test_what_is_no_key_for_a_client_is_refused(
    sts: Emulator, client: Machine, body: object, words: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    checked(call(client, "POST", SECRET, body), 400, *words)
    assert len(call(client, "GET", SECRET).json) == 1
    assert NEW["d"] not in caplog.text + json.dumps(sts.journal())


@pytest.mark.covers("self-service.refused")
def test_the_key_of_another_client_is_refused(sts: Emulator, client: Machine) -> None:
    sts.client("other", NEW)
    checked(call(client, "POST", SECRET, public_jwk(NEW)), 400, "another client", "other")


@pytest.mark.covers("self-service.caller")
def test_who_has_no_right_token_is_refused(sts: Emulator, client: Machine) -> None:
    other = sts.client("other", private_jwk("ES256", 5), scope=["nhn:selvbetjening/other"])
    checked(call(other, "GET", CLIENT, scope="nhn:selvbetjening/other"), 403, SCOPE)
    checked(sts.get(CLIENT), 401)
    checked(call(client, "GET", CLIENT, token="rubbish"), 401)
    checked(call(client, "GET", CLIENT, scope="test:api/read"), 401, "nhn:selvbetjening")


@pytest.mark.covers("self-service.client")
def test_a_client_reads_its_registration(client: Machine) -> None:
    answer = call(client, "GET", CLIENT)
    assert answer.json == {
        "apiScopes": [
            {"scope": SCOPE, "status": "ok", "statusReason": None},
            {"scope": "test:api/read", "status": "ok", "statusReason": None},
        ],
        "audienceSpecificClientClaims": [],
        "redirectUris": [],
        "postLogoutRedirectUris": [],
        "childOrganizationNumbers": ["311000021"],
    }
