"""Access tokens as an API reads them: signature, header, claims, their order and their bytes.

Signatures are verified here with ``cryptography`` against the key set that the same server serves.
"""

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.claims import OF_MACHINE
from tests.support.emulator import API_SCOPE, START, Emulator, Worlds, register_api
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.machine import ABSENT, Machine, Transport

JWKS_PATH = "/.well-known/openid-configuration/jwks"

ORGNR_PARENT = "helseid://claims/client/claims/orgnr_parent"
ORGNR_SUPPLIER = "helseid://claims/client/claims/orgnr_supplier"
CLIENT_NAME = "helseid://claims/client/client_name"
CLIENT_TENANCY = "helseid://claims/client/client_tenancy"
SFM_ID = "e-helse:sfm.api/client/claims/sfm-id"


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def token_of(machine: Machine, **changes: Any) -> str:
    answer = machine.token(**changes)
    assert answer.status == 200, answer.content
    token: str = answer.json["access_token"]
    return token


def payload(token: str) -> bytes:
    return decoded(token.split(".")[1])


def verify(transport: Transport, token: str) -> None:
    """Verify ``token`` with the served key that its kid names. Raises InvalidSignature."""
    header, body, signature = token.split(".")
    kid = json.loads(decoded(header))["kid"]
    keys = {key["kid"]: key for key in transport.send("GET", JWKS_PATH).json["keys"]}
    n, e = (int.from_bytes(decoded(keys[kid][name])) for name in ("n", "e"))
    key = RSAPublicNumbers(e, n).public_key()
    key.verify(decoded(signature), f"{header}.{body}".encode(), PKCS1v15(), SHA256())


def thumbprint(jwk: Jwk) -> str:
    """RFC 7638 with SHA-256."""
    names = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


# The header and the signature


@pytest.mark.covers("access-token.header.member-order", "access-token.header.typ", "access-token.header.kid-and-x5t")
def test_the_header_has_four_members_in_order(sts: Emulator, machine: Machine) -> None:
    header = json.loads(decoded(token_of(machine).split(".")[0]), object_pairs_hook=list)
    key = sts.get(JWKS_PATH).json["keys"][0]
    assert header == [("alg", "RS256"), ("kid", key["kid"]), ("x5t", key["x5t"]), ("typ", "at+jwt")]


def test_the_plus_sign_of_the_typ_is_not_escaped(machine: Machine) -> None:
    """Unlike those in the payload: recorded tokens have ``eXAiOiJhdCtqd3QifQ`` at the end of their headers."""
    header = decoded(token_of(machine).split(".")[0])
    assert header.endswith(b'"typ":"at+jwt"}')


@pytest.mark.covers("contract.10")
@pytest.mark.covers("access-token.signature")
def test_the_served_key_verifies_the_signature(sts: Emulator, machine: Machine) -> None:
    token = token_of(machine)
    header, body, signature = token.split(".")
    assert json.loads(decoded(header))["alg"] == "RS256"
    assert len(decoded(signature)) == 384
    verify(sts.transport, token)
    forged = base64.urlsafe_b64encode(decoded(body).replace(b'"machine"', b'"another"')).rstrip(b"=").decode()
    assert forged != body
    with pytest.raises(InvalidSignature):
        verify(sts.transport, f"{header}.{forged}.{signature}")


# Which claims, and in which order


@pytest.mark.covers("access-token.claim-order")
def test_the_claims_of_a_machine_stand_in_the_recorded_order(machine: Machine) -> None:
    claims = json.loads(payload(token_of(machine)), object_pairs_hook=list)
    assert [name for name, _ in claims] == [
        *OF_MACHINE,
        "jti",
    ]


@pytest.mark.covers("access-token.claim-order")
@pytest.mark.parametrize(
    ("tenancy", "organization_claim"), [("single-tenant", ORGNR_PARENT), ("multi-tenant", ORGNR_SUPPLIER)]
)
def test_the_claims_about_the_client_stand_in_the_recorded_order(
    sts: Emulator, tenancy: str, organization_claim: str
) -> None:
    register_api(sts.store, "e-helse:sfm.api", scopes=["e-helse:sfm.api/sfm.api"], claims=[CLIENT_NAME, SFM_ID])
    machine = sts.client(
        scope=["e-helse:sfm.api/sfm.api"],
        tenancy=tenancy,
        organization="994598759",
        client_claims={SFM_ID: "7"},
    )
    claims = json.loads(payload(token_of(machine, form={"scope": ABSENT})), object_pairs_hook=list)
    assert [name for name, _ in claims] == [
        *OF_MACHINE,
        organization_claim,
        SFM_ID,
        CLIENT_NAME,
        CLIENT_TENANCY,
        "jti",
    ]


@pytest.mark.covers("access-token.no-user-claims")
def test_a_machines_token_says_nothing_of_a_person_even_for_an_api_that_asks(sts: Emulator) -> None:
    of_persons = [
        "sub",
        "amr",
        "auth_time",
        "idp",
        "sid",
        "name",
        "given_name",
        "middle_name",
        "family_name",
        "helseid://claims/identity/pid",
        "helseid://claims/identity/pid_pseudonym",
        "helseid://claims/identity/security_level",
        "helseid://claims/identity/assurance_level",
        "helseid://claims/identity/network",
        "helseid://claims/hpr/hpr_number",
    ]
    register_api(sts.store, "test:api", scopes=[API_SCOPE], claims=[*of_persons, CLIENT_NAME])
    claims = sts.client().token().claims
    assert set(of_persons) & set(claims) == set()
    assert CLIENT_NAME in claims


# The claims one by one


@pytest.mark.covers("access-token.iss")
@pytest.mark.parametrize("issuer", ["http://localhost:8080", "https://helseid.example.test"])
def test_iss_is_the_issuer_of_the_discovery_document(worlds: Worlds, issuer: str) -> None:
    sts = worlds.make(public_url="" if issuer == "http://localhost:8080" else issuer)
    assert sts.client().token().claims["iss"] == issuer
    assert sts.get("/.well-known/openid-configuration").json["issuer"] == issuer


@pytest.mark.covers("access-token.nbf-and-iat", "access-token.exp.default")
def test_the_times_are_numbers_and_the_token_lives_ten_minutes(machine: Machine) -> None:
    claims = machine.token().claims
    assert [claims["nbf"], claims["iat"], claims["exp"]] == [START, START, START + 600]
    assert {type(claims[name]) for name in ("nbf", "iat", "exp")} == {int}


@pytest.mark.covers("access-token.exp.configured")
def test_the_lifetime_of_the_registration_decides(sts: Emulator) -> None:
    answer = sts.client(access_token_lifetime=3600).token()
    assert answer.claims["exp"] - answer.claims["iat"] == 3600
    assert answer.json["expires_in"] == 3600


@pytest.mark.parametrize(
    ("of_the_client", "of_the_api", "lifetime"), [(90, 1200, 90), (None, 1200, 1200), (None, None, 300)]
)
def test_the_clients_lifetime_comes_before_the_apis_and_the_servers(
    worlds: Worlds, of_the_client: int | None, of_the_api: int | None, lifetime: int
) -> None:
    sts = worlds.make(access_token_lifetime=300)
    register_api(sts.store, "test:api", scopes=[API_SCOPE], access_token_lifetime=of_the_api)
    answer = sts.client(access_token_lifetime=of_the_client).token()
    assert answer.claims["exp"] - answer.claims["iat"] == lifetime
    assert answer.json["expires_in"] == lifetime


@pytest.mark.covers("contract.73")
@pytest.mark.covers("access-token.aud.string")
def test_aud_is_a_string_for_the_scopes_of_one_api(sts: Emulator) -> None:
    register_api(sts.store, "test:records", scopes=["records/read", "records/write"])
    machine = sts.client(scope=["records/read", "records/write"])
    assert machine.token(form={"scope": "records/read records/write"}).claims["aud"] == "test:records"


@pytest.mark.covers("access-token.aud.list")
def test_aud_is_a_list_for_the_scopes_of_several_apis(sts: Emulator) -> None:
    register_api(sts.store, "test:one", scopes=["test:one/a", "test:one/b"])
    register_api(sts.store, "test:two", scopes=["test:two/a"])
    scopes = ["test:one/a", "test:two/a", "test:one/b"]
    claims = sts.client(scope=scopes).token(form={"scope": " ".join(scopes)}).claims
    assert isinstance(claims["aud"], list)
    assert sorted(claims["aud"]) == ["test:one", "test:two"]


@pytest.mark.covers("contract.45")
@pytest.mark.covers("access-token.cnf")
@pytest.mark.parametrize("described", [False, True], ids=["bare jwk", "jwk with kid, use and alg"])
@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256"])
def test_cnf_is_the_thumbprint_of_the_proofs_key(machine: Machine, algorithm: str, described: bool) -> None:
    jwk = private_jwk(algorithm, 2, 2048 if algorithm == "PS256" else 0)
    bare = {name: value for name, value in public_jwk(jwk).items() if name in ("kty", "crv", "x", "y", "n", "e")}
    shown = {"kid": "my-key", "use": "sig", "alg": algorithm, **bare} if described else bare
    claims = machine.token(proof={"jwk": jwk, "header": {"jwk": shown}}).claims
    assert claims["cnf"] == {"jkt": thumbprint(jwk)}


def test_a_bearer_token_has_no_cnf(sts: Emulator) -> None:
    machine = sts.client(dpop_bound_access_tokens=False)
    claims = machine.post(machine.form(machine.assertion())).claims
    assert claims["client_id"] == "machine"
    assert "cnf" not in claims


@pytest.mark.covers("contract.73")
@pytest.mark.covers("access-token.scope")
@pytest.mark.parametrize("asked", [["test:api/read"], ["test:api/write", "test:api/read"]], ids=["one", "two"])
def test_scope_is_a_list_of_the_granted_scopes(sts: Emulator, asked: list[str]) -> None:
    machine = sts.client(scope=["test:api/read", "test:api/write", "test:api/delete"])
    assert machine.token(form={"scope": " ".join(asked)}).claims["scope"] == asked


@pytest.mark.covers("access-token.client-id", "access-token.client-amr")
@pytest.mark.parametrize("form", [{}, {"client_id": ABSENT}], ids=["client_id sent", "client_id left out"])
def test_the_client_and_how_it_authenticated_are_told(sts: Emulator, form: dict[str, Any]) -> None:
    claims = sts.client("a-client").token(form=form).claims
    assert claims["client_id"] == "a-client"
    assert claims["client_amr"] == "private_key_jwt"


DETAILS = {
    "type": "helseid_authorization",
    "practitioner_role": {
        "organization": {
            "identifier": {"system": "urn:oid:2.16.578.1.12.4.1.4.101", "type": "ENH", "value": "999977775"}
        }
    },
}


@pytest.mark.covers("access-token.orgnr-parent")
@pytest.mark.parametrize("details", [ABSENT, [DETAILS]], ids=["without details", "with details"])
def test_a_single_tenant_clients_organization_is_the_parent(sts: Emulator, details: object) -> None:
    machine = sts.client(tenancy="single-tenant", organization="999977774", children=["999977775"])
    claims = machine.token(assertion={"claims": {"assertion_details": details}}).claims
    assert claims[ORGNR_PARENT] == "999977774"
    assert ORGNR_SUPPLIER not in claims


@pytest.mark.covers("access-token.orgnr-parent.multi-tenant", "access-token.orgnr-supplier")
def test_a_multi_tenant_clients_organization_is_the_supplier(sts: Emulator) -> None:
    machine = sts.client(tenancy="multi-tenant", organization="994598759", delegations=["999977774"])
    claims = machine.token().claims
    assert claims[ORGNR_SUPPLIER] == "994598759"
    assert ORGNR_PARENT not in claims


@pytest.mark.covers("contract.06")
@pytest.mark.covers("access-token.client-tenancy")
@pytest.mark.parametrize("tenancy", ["single-tenant", "multi-tenant"])
def test_the_tenancy_is_told_as_registered(sts: Emulator, tenancy: str) -> None:
    assert sts.client(tenancy=tenancy).token().claims[CLIENT_TENANCY] == tenancy


@pytest.mark.covers("access-token.client-tenancy")
@pytest.mark.parametrize("members", [{}, {"tenancy": "none"}], ids=["unsaid", "none"])
def test_a_client_without_tenancy_has_no_such_claim(sts: Emulator, members: dict[str, Any]) -> None:
    claims = sts.client(**members).token().claims
    assert claims["client_id"] == "machine"
    assert CLIENT_TENANCY not in claims


@pytest.mark.covers("access-token.client-name")
def test_the_clients_name_is_told_to_apis_that_ask_for_it(sts: Emulator) -> None:
    register_api(sts.store, "test:curious", scopes=["test:curious/read"], claims=[CLIENT_NAME])
    register_api(sts.store, "test:content", scopes=["test:content/read"])
    machine = sts.client(scope=["test:curious/read", "test:content/read"], client_name="A name")
    assert machine.token(form={"scope": "test:curious/read"}).claims[CLIENT_NAME] == "A name"
    assert CLIENT_NAME not in machine.token(form={"scope": "test:content/read"}).claims


@pytest.mark.covers("access-token.api-specific-claims")
def test_a_claim_of_an_api_is_in_its_tokens_and_in_no_others(sts: Emulator) -> None:
    register_api(sts.store, "e-helse:sfm.api", scopes=["e-helse:sfm.api/sfm.api"], claims=[SFM_ID])
    register_api(sts.store, "test:api", scopes=[API_SCOPE])
    machine = sts.client(scope=["e-helse:sfm.api/sfm.api", API_SCOPE], client_claims={SFM_ID: "9c1f0a5e"})
    assert machine.token(form={"scope": "e-helse:sfm.api/sfm.api"}).claims[SFM_ID] == "9c1f0a5e"
    assert SFM_ID not in machine.token(form={"scope": API_SCOPE}).claims


@pytest.mark.covers("access-token.jti")
def test_every_token_has_a_jti_of_its_own(machine: Machine) -> None:
    found = [machine.token().claims["jti"] for _ in range(3)]
    assert all(re.fullmatch("[0-9A-F]{32}", jti) for jti in found)
    assert len(set(found)) == 3


@pytest.mark.covers("access-token.plus-escaped")
def test_a_plus_sign_in_a_claim_is_an_escape_in_the_payload(sts: Emulator) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE], claims=[CLIENT_NAME])
    token = token_of(sts.client("machine+1", client_name="One + one"))
    assert rb'"client_id":"machine\u002B1"' in payload(token)
    assert rb'/client_name":"One \u002B one"' in payload(token)
    assert b"+" not in payload(token)
    claims = json.loads(payload(token))
    assert (claims["client_id"], claims[CLIENT_NAME]) == ("machine+1", "One + one")
    verify(sts.transport, token)
