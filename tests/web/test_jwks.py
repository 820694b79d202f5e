"""The key set: HelseID's form (reference section 3), and keys that stay what they are."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from mock_sts.settings.settings import Settings
from mock_sts.setup import prepare_store
from tests.support.emulator import API_SCOPE, Emulator, FixedClock, Worlds, register_api, settings_for

PATH = "/.well-known/openid-configuration/jwks"


def key_of(sts: Emulator) -> dict[str, Any]:
    key: dict[str, Any] = sts.get(PATH).json["keys"][0]
    return key


def certificate_of(sts: Emulator) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(key_of(sts)["x5c"][0], validate=True))


def integer(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def claims_of(token: str, sts: Emulator) -> dict[str, Any]:
    """The claims of ``token`` after joserfc has verified it with the served keys."""
    return dict(jwt.decode(token, KeySet.import_key_set(sts.get(PATH).json), algorithms=["RS256"]).claims)


@contextmanager
def started(settings: Settings) -> Iterator[Emulator]:
    """A server over the database of ``settings``, stopped at the end."""
    emulator = Emulator(settings)
    try:
        yield emulator
    finally:
        emulator.close()


@pytest.mark.covers("jwks.path")
@pytest.mark.parametrize("public_url", ["", "https://helseid.example.test"], ids=["as asked", "configured"])
def test_the_keys_are_where_discovery_says(worlds: Worlds, public_url: str) -> None:
    sts = worlds.make(public_url=public_url)
    answer = sts.get("/.well-known/openid-configuration/jwks")
    assert answer.status == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    document = sts.get("/.well-known/openid-configuration").json
    assert document["jwks_uri"] == document["issuer"] + "/.well-known/openid-configuration/jwks"


@pytest.mark.covers("contract.11")
@pytest.mark.covers("jwks.one-key", "jwks.key.member-order")
def test_there_is_one_key_with_its_members_in_order(sts: Emulator) -> None:
    document = json.loads(sts.get(PATH).content, object_pairs_hook=list)
    assert [name for name, _ in document] == ["keys"]
    keys = document[0][1]
    assert len(keys) == 1
    assert [name for name, _ in keys[0]] == ["kty", "use", "kid", "x5t", "e", "n", "x5c", "alg"]


@pytest.mark.covers("contract.11")
@pytest.mark.covers("jwks.key.nothing-private")
@pytest.mark.parametrize("signing_keys", ["shipped", "fresh"])
@pytest.mark.slow
def test_nothing_private_is_shown(tmp_path: Path, signing_keys: str) -> None:
    settings = settings_for(tmp_path / "keys.sqlite", signing_keys=signing_keys)
    prepare_store(settings, FixedClock())
    with started(settings) as sts:
        found = set(key_of(sts))
    assert {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & found == set()
    assert {"n", "e"} <= found


@pytest.mark.covers("contract.11")
@pytest.mark.covers("jwks.key.type-use-and-alg")
def test_the_key_is_for_rs256_signatures(sts: Emulator) -> None:
    key = key_of(sts)
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


@pytest.mark.covers("jwks.key.size")
def test_the_key_has_3072_bits(sts: Emulator) -> None:
    key = key_of(sts)
    assert key["e"] == "AQAB"
    assert len(key["n"]) == 512
    assert integer(key["n"]).bit_length() == 3072


@pytest.mark.covers("jwks.key.kid", "jwks.key.x5t")
def test_kid_and_x5t_are_the_thumbprint_of_the_certificate(sts: Emulator) -> None:
    key = key_of(sts)
    digest = hashlib.sha1(base64.b64decode(key["x5c"][0]), usedforsecurity=False).digest()
    assert re.fullmatch("[0-9A-F]{40}", key["kid"])
    assert bytes.fromhex(key["kid"]) == digest
    assert re.fullmatch("[A-Za-z0-9_-]{27}", key["x5t"])
    assert base64.urlsafe_b64decode(key["x5t"] + "=") == digest


@pytest.mark.covers("jwks.key.x5c")
def test_the_certificate_is_of_the_same_key(sts: Emulator) -> None:
    key = key_of(sts)
    assert len(key["x5c"]) == 1
    public = certificate_of(sts).public_key()
    assert isinstance(public, RSAPublicKey)
    assert public.public_numbers() == RSAPublicNumbers(integer(key["e"]), integer(key["n"]))


@pytest.mark.covers("jwks.key.x5c.plus-escaped")
def test_a_plus_sign_is_an_escape_on_the_wire(sts: Emulator) -> None:
    content = sts.get(PATH).content
    count = json.loads(content)["keys"][0]["x5c"][0].count("+")
    assert count > 0
    assert content.count(rb"\u002B") == count
    assert b"+" not in content


@pytest.mark.covers("jwks.key.x5c.self-signed")
def test_the_certificate_is_self_signed(sts: Emulator) -> None:
    certificate = certificate_of(sts)
    # Raises when names differ or the signature is not of its own key.
    certificate.verify_directly_issued_by(certificate)
    assert certificate.issuer == certificate.subject


@pytest.mark.covers("contract.05")
@pytest.mark.covers("jwks.keys.stable-while-running")
def test_the_keys_stay_the_same_while_the_server_runs(sts: Emulator) -> None:
    first = sts.get(PATH).content
    register_api(sts.store, "test:api", scopes=[API_SCOPE])
    machine = sts.client()
    for _ in range(2):
        sts.clock.advance(86_400)
        machine.learn_nonce()
        token = machine.token().json["access_token"]
        assert sts.get(PATH).content == first
        assert claims_of(token, sts)["client_id"] == "machine"


@pytest.mark.covers("contract.05")
@pytest.mark.covers("jwks.keys.stable-across-restarts")
def test_a_token_from_before_a_restart_still_verifies(sts: Emulator) -> None:
    before, token = sts.get(PATH).content, sts.client().token().json["access_token"]
    with started(sts.settings) as again:
        assert again.get(PATH).content == before
        assert claims_of(token, again)["client_id"] == "machine"


@pytest.mark.covers("contract.05")
@pytest.mark.covers("jwks.keys.stable-across-restarts")
def test_the_development_key_is_the_same_in_a_new_database(sts: Emulator, tmp_path: Path) -> None:
    token = sts.client().token().json["access_token"]
    settings = settings_for(tmp_path / "new.sqlite")
    prepare_store(settings, FixedClock())
    with started(settings) as elsewhere:
        assert claims_of(token, elsewhere)["client_id"] == "machine"


@pytest.mark.covers("contract.05")
@pytest.mark.slow
def test_a_fresh_key_is_a_new_one_and_outlives_a_restart(sts: Emulator, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "fresh.sqlite", signing_keys="fresh")
    prepare_store(settings, FixedClock())
    with started(settings) as fresh:
        before, token = fresh.get(PATH).content, fresh.client().token().json["access_token"]
    prepare_store(settings, FixedClock())
    with started(settings) as again:
        assert again.get(PATH).content == before
        assert claims_of(token, again)["client_id"] == "machine"
    with pytest.raises(InvalidKeyIdError):
        claims_of(token, sts)


@pytest.mark.covers("jwks.expired")
def test_no_key_has_expired(sts: Emulator) -> None:
    address = sts.get("/.well-known/openid-configuration").json["expired_jwks_uri"]
    assert address == "http://localhost:8080/connect/expiredjwks"
    answer = sts.get("/connect/expiredjwks")
    assert (answer.status, answer.content) == (200, b'{"keys":[]}')
