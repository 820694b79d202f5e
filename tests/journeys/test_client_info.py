"""Clientinfo: what HelseID tells a client of its own registration."""

import json
import re
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_sts.helseid.eids import PROVIDERS
from tests.journeys.test_resource import prove
from tests.support.emulator import API_SCOPE, START, Emulator, Worlds, register
from tests.support.examples import examples
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Headers, Machine, b64
from tests.support.relying_party import REDIRECT_URI, web_client

PATH = "/connect/clientinfo"
INFO = "helseid://scopes/client/info"
INVALID = 'Bearer realm="IdentityServer",error="invalid_token"'


def call(machine: Machine, headers: Headers = (), method: str = "POST", body: bytes = b"") -> Answer:
    return machine.transport.send(method, PATH, headers, body)


def token(machine: Machine, scope: str = INFO) -> str:
    answer = machine.token(form={"scope": scope})
    assert answer.status == 200, answer.content
    text: str = answer.json["access_token"]
    return text


def ask(machine: Machine, scope: str = INFO) -> Answer:
    return call(machine, {"Authorization": f"Bearer {token(machine, scope)}"})


def refused(answer: Answer, challenge: str, status: int = 401) -> None:
    assert (answer.status, answer.content) == (status, b"")
    assert answer.headers["www-authenticate"] == challenge
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"


@pytest.fixture
def informed(sts: Emulator) -> Machine:
    return sts.client(scope=[API_SCOPE, INFO])


@pytest.mark.covers("client-info.members")
def test_a_machine_is_told_its_registration_member_by_member(sts: Emulator) -> None:
    machine = sts.client(scope=[API_SCOPE, INFO], client_id_issued_at=1_700_000_000)
    answer = ask(machine)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert list(answer.json.items()) == [
        ("ClientId", "machine"),
        ("ClientName", "Name of machine"),
        ("Created", 1_700_000_000),
        ("Updated", 1_700_000_000),
        ("RequirePkce", True),
        ("AllowedGrantTypes", ["client_credentials"]),
        ("AllowedScopes", [API_SCOPE, INFO]),
        ("AllowedIdentityProviders", [provider.scheme for provider in PROVIDERS]),
        ("RedirectUris", []),
        ("PostLogoutRedirectUris", []),
        ("AccessTokenLifetime", 600),
        ("RefreshTokenLifetime", 28_800),
        ("RefreshTokenUsageType", "OneTimeUseOnly"),
        ("SingleSignOnLifetime", 28_800),
    ]


@pytest.mark.covers("client-info.members")
def test_what_the_registration_has_of_its_own_goes_before_the_servers(worlds: Worlds) -> None:
    sts = worlds.make(identity_providers=("testidp-oidc",))
    rp = web_client(
        sts,
        scope=f"openid offline_access {INFO} {API_SCOPE}",
        grant_types=["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"],
        post_logout_redirect_uris=["https://app.example.test/out"],
        access_token_lifetime=120,
        refresh_token_lifetime=3600,
        single_sign_on_lifetime=60,
        refresh_token_usage="Reusable",
        identity_providers=["testidp-oidc", "idporten-oidc"],
    )
    rp.scopes = f"openid {INFO} {API_SCOPE}"
    access_token = rp.tokens().json["access_token"]
    told = call(rp.machine, {"Authorization": f"Bearer {access_token}"}).json
    # Refresh tokens follow from offline_access.
    assert told["AllowedGrantTypes"] == ["authorization_code", "token_exchange"]
    assert told["AllowedIdentityProviders"] == ["testidp-oidc"]
    assert told["RedirectUris"] == [REDIRECT_URI]
    assert told["PostLogoutRedirectUris"] == ["https://app.example.test/out"]
    assert (told["AccessTokenLifetime"], told["RefreshTokenLifetime"], told["SingleSignOnLifetime"]) == (120, 3600, 60)
    assert told["RefreshTokenUsageType"] == "Reusable"


@pytest.mark.covers("client-info.members")
def test_a_registration_without_a_time_is_as_old_as_the_database(worlds: Worlds) -> None:
    sts = worlds.make()
    told = ask(sts.client(scope=[API_SCOPE, INFO])).json
    assert (told["Created"], told["Updated"]) == (START, START)
    sts.clock.advance(100_000)
    # Another process over the same database, later, says the same.
    again = Emulator(sts.settings)
    again.clock.advance(100_000)
    told = ask(again.machine("machine", private_jwk("ES256", 1))).json
    assert (told["Created"], told["Updated"]) == (START, START)
    again.close()


@pytest.mark.covers("client-info.scope")
def test_without_its_scope(sts: Emulator, informed: Machine) -> None:
    answer = ask(informed, API_SCOPE)
    refused(answer, 'Bearer realm="IdentityServer",error="insufficient_scope"', 403)
    assert sts.journal(limit="1")[0]["error"] == "insufficient_scope"


@pytest.mark.covers("client-info.no-token")
def test_without_a_good_token(informed: Machine) -> None:
    good = token(informed)
    header, payload, signature = good.split(".")
    refused(call(informed), INVALID)
    for bad in (
        "nonsense",
        informed.assertion(),
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
    ):
        answer = call(informed, {"Authorization": f"Bearer {bad}"})
        refused(answer, INVALID)
        assert answer.rule == "access-token.good"
    refused(call(informed, {"Authorization": f"Basic {b64(b'machine:secret')}"}), INVALID)
    # In the address it is not looked at.
    refused(informed.transport.send("POST", f"{PATH}?{urlencode({'access_token': good})}"), INVALID)


@pytest.mark.covers("client-info.expired")
def test_with_an_expired_token(sts: Emulator, informed: Machine) -> None:
    good = token(informed)
    sts.clock.advance(600)
    answer = call(informed, {"Authorization": f"Bearer {good}"})
    refused(answer, f'{INVALID},error_description="The access token expired"')


@pytest.mark.covers("client-info.method")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post(informed: Machine, method: str) -> None:
    answer = call(informed, {"Authorization": f"Bearer {token(informed)}"}, method)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.covers("client-info.dpop")
def test_the_proof_counts_where_the_scheme_is_dpop(sts: Emulator, informed: Machine) -> None:
    access_token = token(informed)
    good = {"Authorization": f"DPoP {access_token}", "DPoP": prove(informed, access_token, PATH, method="POST")}
    assert call(informed, good).status == 200
    # Used up.
    algorithms = ',algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512"'
    replay = ',error_description="Detected replay of DPoP proof token."'
    refused(call(informed, good), f'DPoP realm="IdentityServer",error="invalid_dpop_proof"{replay}{algorithms}')
    challenge = f'DPoP realm="IdentityServer",error="invalid_token"{algorithms}'
    other = prove(informed, access_token, PATH, method="POST", jwk=private_jwk("ES256", 9))
    refused(call(informed, {"Authorization": f"DPoP {access_token}", "DPoP": other}), challenge)
    refused(call(informed, {"Authorization": f"DPoP {access_token}"}), challenge)


@pytest.mark.parametrize(("enforcement", "status"), [("helseid", 200), ("strict", 200), ("fapi2", 401)])
def test_in_fapi_the_scheme_is_no_choice(worlds: Worlds, enforcement: str, status: int) -> None:
    machine = worlds.make(enforcement=enforcement).client(scope=[API_SCOPE, INFO])
    answer = ask(machine)
    assert answer.status == status
    assert answer.rule == (None if status == 200 else "access-token.scheme")


def test_what_is_told_is_what_is_registered_now(sts: Emulator, informed: Machine) -> None:
    access_token = token(informed)
    register(sts.store, "machine", [informed.jwk], scope=[API_SCOPE], client_name="Another name")
    told = call(informed, {"Authorization": f"Bearer {access_token}"})
    # The token has the scope still, and what is told is what is registered now.
    assert (told.status, told.json["ClientName"], told.json["AllowedScopes"]) == (200, "Another name", [API_SCOPE])


@pytest.fixture(scope="module")
def asked(shared_worlds: Worlds) -> tuple[Machine, str]:
    """One machine and a good token of it for all examples."""
    machine = shared_worlds.make().client(scope=[API_SCOPE, INFO])
    return machine, token(machine)


@examples(200)
@given(
    path=st.sampled_from([PATH, "/mock/resource", "/connect/userinfo"]),
    scheme=st.sampled_from(["Bearer", "DPoP", "dpop", "Basic", "", "é"]),
    value=st.one_of(st.none(), st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)),
    proof=st.one_of(st.none(), st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)),
    body=st.binary(max_size=60),
)
def test_whatever_is_shown_the_answer_is_a_clear_one(
    asked: tuple[Machine, str], path: str, scheme: str, value: str | None, proof: str | None, body: bytes
) -> None:
    machine, good = asked
    headers = {"Authorization": f"{scheme} {good if value is None else value}"}
    if proof is not None:
        headers["DPoP"] = proof
    answer = machine.transport.send(
        "POST", path, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body
    )
    right = path == PATH and scheme == "Bearer" and value is None
    assert answer.status == (200 if right else 401), answer.content
    if not right:
        assert re.search('error="invalid_(token|dpop_proof)"', answer.headers["www-authenticate"])
        assert answer.content == b""


def test_hostile_claims_in_a_self_made_token(informed: Machine) -> None:
    odd: list[object] = [[], {}, {"jti": 1, "exp": "x", "scope": 5, "iss": [], "cnf": "x"}]
    for claims in odd:
        header = {"alg": "ES256", "typ": "at+jwt", "kid": "x"}
        bad = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}.{b64(bytes(64))}"
        refused(call(informed, {"Authorization": f"Bearer {bad}"}), INVALID)
    assert informed.token(form={"scope": ABSENT}).status == 200
