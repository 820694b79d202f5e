"""The discovery document, held against the recording in ``tests/goldens/discovery.json``.

The golden is typed from the reference (section 2), with ``{B}`` for the base URL; it is never written from our output.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib.oidc.rpinitiated import OpenIDProviderMetadata as LogoutMetadata

from tests.support.emulator import API_SCOPE, Emulator, Worlds, register_api

PATH = "/.well-known/openid-configuration"
GOLDEN = Path(__file__).resolve().parent.parent / "goldens" / "discovery.json"


def golden(base: str) -> list[tuple[str, Any]]:
    """The recorded members in order, for an STS at ``base``."""
    members: list[tuple[str, Any]] = json.loads(
        GOLDEN.read_text(encoding="utf-8").replace("{B}", base), object_pairs_hook=list
    )
    return members


def served(sts: Emulator) -> dict[str, Any]:
    document: dict[str, Any] = sts.get(PATH).json
    return document


def addresses(document: dict[str, Any]) -> dict[str, str]:
    """Every member that is a URL, but the issuer."""
    return {
        name: value
        for name, value in document.items()
        if isinstance(value, str) and "://" in value and name != "issuer"
    }


@pytest.mark.covers("contract.03")
@pytest.mark.covers("discovery.path")
def test_the_document_is_served_below_the_issuer(sts: Emulator) -> None:
    answer = sts.get("/.well-known/openid-configuration")
    assert answer.status == 200
    assert answer.json["issuer"] == "http://localhost:8080"


@pytest.mark.covers("discovery.content-type", "discovery.no-cache-header")
def test_the_document_is_json_without_a_word_on_caching(sts: Emulator) -> None:
    headers = sts.get(PATH).headers
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert {"cache-control", "pragma", "expires"} & set(headers) == set()


@pytest.mark.covers("contract.07")
@pytest.mark.covers("discovery.members")
@pytest.mark.parametrize("base", ["http://localhost:8080", "https://helseid.example.test"])
def test_the_document_is_the_recorded_one_member_by_member_and_in_order(worlds: Worlds, base: str) -> None:
    content = worlds.make(public_url=base).get(PATH).content
    members = json.loads(content, object_pairs_hook=list)
    assert members == golden(base)
    assert len(members) == 35
    assert [name for name, _ in members][:2] == ["issuer", "jwks_uri"]
    assert [name for name, _ in members][-2:] == ["expired_jwks_uri", "available_idps"]


@pytest.mark.covers("discovery.members.absent")
def test_members_that_helseid_does_not_have_are_absent(sts: Emulator) -> None:
    absent = {
        "request_uri_parameter_supported",
        "claims_parameter_supported",
        "acr_values_supported",
        "ui_locales_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "userinfo_signing_alg_values_supported",
        "mtls_endpoint_aliases",
        "revocation_endpoint_auth_methods_supported",
    }
    assert absent & set(served(sts)) == set()


@pytest.mark.covers("discovery.members.booleans")
def test_the_yes_or_no_members_are_booleans(sts: Emulator) -> None:
    booleans = {name: value for name, value in served(sts).items() if isinstance(value, bool)}
    assert booleans == {
        "require_pushed_authorization_requests": False,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "request_parameter_supported": True,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_user_code_parameter_supported": True,
    }


@pytest.mark.covers("contract.10")
@pytest.mark.parametrize(
    ("member", "count"),
    [
        pytest.param("claims_supported", 16, marks=pytest.mark.covers("discovery.claims-supported")),
        pytest.param("scopes_supported", 13, marks=pytest.mark.covers("discovery.scopes-supported")),
        pytest.param("grant_types_supported", 7, marks=pytest.mark.covers("discovery.grant-types-supported")),
        pytest.param("response_types_supported", 7, marks=pytest.mark.covers("discovery.response-types-supported")),
        pytest.param("response_modes_supported", 3, marks=pytest.mark.covers("discovery.response-modes-supported")),
        pytest.param(
            "token_endpoint_auth_methods_supported",
            3,
            marks=pytest.mark.covers("discovery.token-endpoint-auth-methods-supported"),
        ),
        pytest.param(
            "id_token_signing_alg_values_supported",
            1,
            marks=pytest.mark.covers("discovery.id-token-signing-alg-values-supported"),
        ),
        pytest.param("subject_types_supported", 1, marks=pytest.mark.covers("discovery.subject-types-supported")),
        pytest.param(
            "code_challenge_methods_supported",
            2,
            marks=pytest.mark.covers("discovery.code-challenge-methods-supported"),
        ),
        pytest.param(
            "request_object_signing_alg_values_supported",
            12,
            marks=pytest.mark.covers("discovery.request-object-signing-alg-values-supported"),
        ),
        pytest.param("prompt_values_supported", 4, marks=pytest.mark.covers("discovery.prompt-values-supported")),
        pytest.param(
            "backchannel_token_delivery_modes_supported",
            1,
            marks=pytest.mark.covers("discovery.backchannel-token-delivery-modes-supported"),
        ),
        pytest.param(
            "dpop_signing_alg_values_supported",
            9,
            marks=pytest.mark.covers("discovery.dpop-signing-alg-values-supported"),
        ),
    ],
)
def test_a_list_is_the_recorded_one_in_its_order(sts: Emulator, member: str, count: int) -> None:
    found = served(sts)[member]
    assert found == dict(golden("http://localhost:8080"))[member]
    assert len(found) == count


@pytest.mark.covers("contract.12")
@pytest.mark.covers("discovery.authorization-response-iss-parameter-supported")
def test_the_issuer_in_authorization_responses_is_promised(sts: Emulator) -> None:
    assert served(sts)["authorization_response_iss_parameter_supported"] is True


@pytest.mark.covers("discovery.unchanging")
def test_the_document_stays_the_same_while_the_world_moves(sts: Emulator) -> None:
    first = sts.get(PATH).content
    register_api(sts.store, "test:api", scopes=[API_SCOPE])
    assert sts.client().token().status == 200
    sts.clock.advance(86_400)
    assert sts.get(PATH).content == first


@pytest.mark.covers("contract.13")
@pytest.mark.covers("discovery.unknown-headers")
@pytest.mark.parametrize(
    "headers",
    [
        {"DPoP": "eyJhbGciOiJub25lIn0.e30."},
        {"Authorization": "Bearer nonsense", "If-None-Match": '"x"', "X-Client-SKU": "ID_NET8_0"},
    ],
    ids=["dpop", "others"],
)
def test_headers_without_meaning_change_nothing(sts: Emulator, headers: dict[str, str]) -> None:
    plain, answer = sts.get(PATH), sts.get(PATH, headers)
    assert answer.status == 200
    assert answer.content == plain.content


@pytest.mark.covers("discovery.issuer.exact")
@pytest.mark.parametrize(
    "public_url",
    ["https://helseid.example.test", "https://HelseID.Example.test:443", "https://gateway.example.test/helseid"],
)
def test_the_issuer_is_the_configured_one_character_for_character(worlds: Worlds, public_url: str) -> None:
    document = served(worlds.make(public_url=public_url))
    assert document["issuer"] == public_url
    assert document["token_endpoint"] == f"{public_url}/connect/token"


@pytest.mark.covers("contract.08")
@pytest.mark.covers("discovery.endpoints.same-origin")
@pytest.mark.parametrize("public_url", ["", "https://helseid.example.test:8443"], ids=["as asked", "configured"])
def test_every_address_has_the_origin_of_the_issuer(worlds: Worlds, public_url: str) -> None:
    document = served(worlds.make(public_url=public_url))
    found = addresses(document)
    assert len(found) == 13
    issuer = urlsplit(document["issuer"])
    assert {(urlsplit(url).scheme, urlsplit(url).netloc) for url in found.values()} == {(issuer.scheme, issuer.netloc)}


@pytest.mark.covers("contract.09")
@pytest.mark.covers("discovery.endpoints.main-paths", "discovery.endpoints.other-paths")
def test_the_addresses_have_the_recorded_paths(sts: Emulator) -> None:
    paths = {name: url.removeprefix("http://localhost:8080") for name, url in addresses(served(sts)).items()}
    assert paths == {
        "jwks_uri": "/.well-known/openid-configuration/jwks",
        "authorization_endpoint": "/connect/authorize",
        "token_endpoint": "/connect/token",
        "userinfo_endpoint": "/connect/userinfo",
        "end_session_endpoint": "/connect/endsession",
        "pushed_authorization_request_endpoint": "/connect/par",
        "check_session_iframe": "/connect/checksession",
        "revocation_endpoint": "/connect/revocation",
        "introspection_endpoint": "/connect/introspect",
        "device_authorization_endpoint": "/connect/deviceauthorization",
        "backchannel_authentication_endpoint": "/connect/ciba",
        "expired_jwks_uri": "/connect/expiredjwks",
        "available_idps": "/connect/availableidps",
    }


@pytest.mark.covers("discovery.scopes-supported.no-api-scopes")
def test_scopes_of_apis_are_not_listed(sts: Emulator) -> None:
    register_api(sts.store, "test:api", scopes=[API_SCOPE, "test:api/write"])
    of_apis = {API_SCOPE, "test:api/write", "mock:demo-api/read", "nhn:test-public-samplecode/client-credentials"}
    assert of_apis & set(served(sts)["scopes_supported"]) == set()


#: The members that Authlib knows and HelseID has. Left out is one that Authlib asks for and HelseID does not have:
#: RFC 8414 wants token_endpoint_auth_signing_alg_values_supported beside private_key_jwt, the recording is without.
WITNESSED = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "token_endpoint_auth_methods_supported",
    "revocation_endpoint",
    "introspection_endpoint",
    "code_challenge_methods_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "request_object_signing_alg_values_supported",
    "claims_supported",
    "request_parameter_supported",
)


@pytest.fixture
def over_https(worlds: Worlds) -> dict[str, Any]:
    """The document of an STS at an https address: Authlib takes no other."""
    return served(worlds.make(public_url="https://helseid.example.test"))


@pytest.mark.parametrize("member", WITNESSED)
def test_authlib_finds_the_member_good(over_https: dict[str, Any], member: str) -> None:
    assert member in over_https
    getattr(OpenIDProviderMetadata(over_https), f"validate_{member}")()


def test_authlib_finds_the_logout_address_good(over_https: dict[str, Any]) -> None:
    assert over_https["end_session_endpoint"] == "https://helseid.example.test/connect/endsession"
    LogoutMetadata(over_https).validate_end_session_endpoint()


def test_authlib_misses_only_what_the_recording_does_not_have(over_https: dict[str, Any]) -> None:
    missed = []
    for name in OpenIDProviderMetadata.REGISTRY_KEYS:
        try:
            getattr(OpenIDProviderMetadata(over_https), f"validate_{name}")()
        except ValueError:
            missed.append(name)
    assert missed == ["token_endpoint_auth_signing_alg_values_supported"]


@pytest.mark.covers("discovery.pages")
@pytest.mark.parametrize(
    ("path", "may"),
    [(PATH, True), (f"{PATH}/jwks", True), ("/mock/ca.pem", False), ("/connect/token", False), ("/health/live", False)],
)
def test_programs_in_pages_may_read_what_is_public_and_nothing_else(sts: Emulator, path: str, may: bool) -> None:
    preflight = {"Origin": "https://app.test", "Access-Control-Request-Method": "GET"}
    asked = sts.transport.send("OPTIONS", path, {**preflight, "Access-Control-Request-Headers": "x-trace"})
    for answer in (asked, sts.get(path, {"Origin": "https://app.test"})):
        assert answer.headers.get("access-control-allow-origin") == ("*" if may else None)
        assert "access-control-allow-credentials" not in answer.headers
    assert asked.headers.get("access-control-allow-headers") == ("*" if may else None)
    assert not may or asked.status == 200
