"""ID tokens: header, claims, their order, and which scope brings which of them."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.claims import OF_ID_TOKEN
from tests.support.emulator import Emulator, Worlds
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, decode
from tests.support.relying_party import Login, RelyingParty, web_client

JWKS_PATH = "/.well-known/openid-configuration/jwks"

PID = "helseid://claims/identity/pid"
PSEUDONYM = "helseid://claims/identity/pid_pseudonym"
SECURITY_LEVEL = "helseid://claims/identity/security_level"
ASSURANCE_LEVEL = "helseid://claims/identity/assurance_level"
NETWORK = "helseid://claims/identity/network"
HPR_NUMBER = "helseid://claims/hpr/hpr_number"

SUB = "VKgcaf6KyHduD/Qg60WTChZlbptSU2UpPyr2Pgsskto="
NAMES = {"name": "KVART GREVLING", "given_name": "KVART", "middle_name": "", "family_name": "GREVLING"}

#: Scope to the claims that it brings, for the person 06828399789 at level 4.
SCOPES: dict[str, dict[str, str]] = {
    "profile": NAMES,
    "helseid://scopes/identity/pid": {PID: "06828399789"},
    "helseid://scopes/identity/pid_pseudonym": {PSEUDONYM: SUB},
    "helseid://scopes/identity/security_level": {SECURITY_LEVEL: "4"},
    "helseid://scopes/identity/assurance_level": {ASSURANCE_LEVEL: "high"},
    "helseid://scopes/identity/network": {NETWORK: "internett"},
    "helseid://scopes/hpr/hpr_number": {HPR_NUMBER: "565505933"},
    "helseid://scopes/hpr": {HPR_NUMBER: "565505933"},
}
ALL = " ".join(["openid", *SCOPES, "helseid://scopes/identity/all", "offline_access", "test:api/read"])

#: Claims of every ID token.
ALWAYS = [
    *OF_ID_TOKEN,
]


def register_web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    rp = web_client(sts, client_id, **{"scope": ALL, **members})
    rp.scopes = "openid"
    return rp


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return register_web(sts)


def id_token(rp: RelyingParty, **changes: Any) -> dict[str, Any]:
    return decode(rp.tokens(changes).json["id_token"])[1]


def half_hash(text: str) -> str:
    """The left half of SHA-256, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


# Form


@pytest.mark.covers("contract.10")
@pytest.mark.covers("id-token.header", "id-token.signature")
def test_the_served_key_verifies_the_signature(sts: Emulator, rp: RelyingParty) -> None:
    token: str = rp.tokens().json["id_token"]
    key = sts.get(JWKS_PATH).json["keys"][0]
    header, body, signature = token.split(".")
    pairs = json.loads(base64.urlsafe_b64decode(header + "=="), object_pairs_hook=list)
    assert pairs == [("alg", "RS256"), ("kid", key["kid"]), ("x5t", key["x5t"]), ("typ", "JWT")]
    n, e = (int.from_bytes(base64.urlsafe_b64decode(key[name] + "==")) for name in ("n", "e"))
    signed = base64.urlsafe_b64decode(signature + "==")
    RSAPublicNumbers(e, n).public_key().verify(signed, f"{header}.{body}".encode(), PKCS1v15(), SHA256())


@pytest.mark.covers("id-token.claim-order")
def test_the_claims_stand_in_the_recorded_order(rp: RelyingParty) -> None:
    scope = (
        "openid profile helseid://scopes/identity/pid helseid://scopes/identity/pid_pseudonym "
        "helseid://scopes/identity/security_level"
    )
    assert list(id_token(rp, scope=scope)) == [
        *OF_ID_TOKEN,
        "helseid://claims/identity/pid",
        "helseid://claims/identity/security_level",
        "helseid://claims/identity/pid_pseudonym",
        "name",
        "given_name",
        "middle_name",
        "family_name",
    ]


@pytest.mark.covers("id-token.claim-order")
def test_the_order_of_the_scopes_does_not_matter(rp: RelyingParty) -> None:
    backwards = " ".join(reversed(ALL.split(" ")))
    assert list(id_token(rp, scope=backwards)) == list(id_token(rp, scope=ALL))


@pytest.mark.covers("id-token.no-access-token-claims")
def test_it_has_no_claims_of_an_access_token(rp: RelyingParty) -> None:
    assert not {"jti", "client_id", "cnf", "scope", "client_amr"} & set(id_token(rp, scope=ALL))


# Claims of every login


@pytest.mark.covers("id-token.iss", "id-token.aud")
def test_issuer_and_audience_are_texts(worlds: Worlds) -> None:
    claims = id_token(register_web(worlds.make(public_url="https://sts.example"), "my client"))
    assert (claims["iss"], claims["aud"]) == ("https://sts.example", "my client")


@pytest.mark.covers("id-token.times")
def test_it_lives_300_seconds(rp: RelyingParty) -> None:
    claims = id_token(rp)
    assert [claims[name] for name in ("nbf", "iat", "exp")] == [1_800_000_000, 1_800_000_000, 1_800_000_300]
    assert {type(claims[name]) for name in ("nbf", "iat", "exp", "auth_time")} == {int}


@pytest.mark.covers("id-token.lifetime")
@pytest.mark.parametrize(("own", "lifetime"), [(None, 120), (60, 60), (3_600, 3_600)])
def test_the_lifetime_is_the_clients_or_the_servers(worlds: Worlds, own: int | None, lifetime: int) -> None:
    members: dict[str, Any] = {} if own is None else {"id_token_lifetime": own}
    rp = register_web(worlds.make(id_token_lifetime=120), access_token_lifetime=500, **members)
    answer = rp.tokens()
    claims = decode(answer.json["id_token"])[1]
    assert claims["exp"] == claims["iat"] + lifetime
    assert answer.json["expires_in"] == 500


@pytest.mark.covers("id-token.nonce")
@pytest.mark.parametrize("nonce", ["abc", "æ ø å & = +", "n" * 300])
def test_the_nonce_comes_back_as_it_was_sent(rp: RelyingParty, nonce: str) -> None:
    assert id_token(rp, nonce=nonce)["nonce"] == nonce


@pytest.mark.covers("contract.74")
@pytest.mark.covers("id-token.nonce")
def test_no_nonce_unless_one_was_sent(rp: RelyingParty) -> None:
    assert "nonce" not in id_token(rp, nonce=ABSENT)


@pytest.mark.covers("contract.74")
@pytest.mark.covers("id-token.at-hash")
def test_at_hash_is_half_the_hash_of_the_access_token(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "openid offline_access test:api/read"})
    for tokens in (answer.json, rp.refresh(answer.json["refresh_token"]).json):
        assert decode(tokens["id_token"])[1]["at_hash"] == half_hash(tokens["access_token"])


@pytest.mark.covers("id-token.s-hash")
@pytest.mark.parametrize("state", ["af0ifjsldkj", "æ ø å", "s" * 2000])
def test_s_hash_is_half_the_hash_of_the_state(rp: RelyingParty, state: str) -> None:
    assert id_token(rp, state=state)["s_hash"] == half_hash(state)


@pytest.mark.covers("id-token.s-hash")
def test_no_s_hash_without_state(rp: RelyingParty) -> None:
    assert "s_hash" not in id_token(rp, state=ABSENT)


@pytest.mark.covers("id-token.sid")
def test_sid_is_that_of_the_access_token(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "openid test:api/read"})
    sid = decode(answer.json["id_token"])[1]["sid"]
    assert re.fullmatch(r"[0-9A-F]{32}", sid)
    assert answer.claims["sid"] == sid


@pytest.mark.covers("id-token.sid")
def test_sid_is_the_browsers(rp: RelyingParty) -> None:
    browser = rp.browser()
    sids = []
    for used in (browser, browser, rp.browser()):
        login = Login()
        answer = rp.redeem(login, rp.log_in(login, browser=used)["code"])
        sids.append(decode(answer.json["id_token"])[1]["sid"])
    assert sids[0] == sids[1] != sids[2]


@pytest.mark.covers("id-token.auth-time")
def test_auth_time_is_the_moment_of_the_login(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    code = rp.log_in(login)["code"]
    sts.clock.advance(20)
    claims = decode(rp.redeem(login, code).json["id_token"])[1]
    assert (claims["auth_time"], claims["iat"]) == (1_800_000_000, 1_800_000_020)


@pytest.mark.covers("id-token.auth-time")
def test_single_sign_on_keeps_auth_time(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    rp.log_in(Login(), browser=browser)
    sts.clock.advance(1_000)
    login = Login()
    code = rp.log_in(login, {"test_pid": ABSENT}, browser)["code"]
    claims = decode(rp.redeem(login, code).json["id_token"])[1]
    assert (claims["auth_time"], claims["iat"]) == (1_800_000_000, 1_800_001_000)


@pytest.mark.covers("id-token.amr-and-idp")
def test_the_testidp_is_named(rp: RelyingParty) -> None:
    claims = id_token(rp)
    assert (claims["amr"], claims["idp"]) == (["pwd"], "testidp-oidc")


@pytest.mark.covers("id-token.amr-and-idp")
def test_the_newer_testidp_is_named_by_its_own_scheme(rp: RelyingParty) -> None:
    claims = id_token(rp, acr_values="idp:testidpnew-oidc")
    assert (claims["amr"], claims["idp"]) == (["pwd"], "testidpnew-oidc")


# Which scope brings which claims, in ID token and userinfo alike


@pytest.mark.covers("id-token.scope.openid")
def test_openid_alone_brings_no_claim_of_the_person_but_sub(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "openid"})
    claims = decode(answer.json["id_token"])[1]
    assert list(claims) == ALWAYS
    assert claims["sub"] == SUB
    assert list(rp.user_info(answer.json["access_token"]).json) == ["userinfo_issued_at", "sub"]


@pytest.mark.covers("contract.75")
@pytest.mark.covers(
    "id-token.scope.profile",
    "id-token.scope.pid",
    "id-token.scope.pid-pseudonym",
    "id-token.scope.security-level",
    "id-token.scope.assurance-level",
    "id-token.scope.network",
    "id-token.scope.hpr-number",
    "user-info.by-scope",
)
@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_brings_its_claims_and_no_others(rp: RelyingParty, scope: str) -> None:
    answer = rp.tokens({"scope": f"openid {scope}"})
    claims = decode(answer.json["id_token"])[1]
    assert {name: value for name, value in claims.items() if name not in ALWAYS} == SCOPES[scope]
    told = rp.user_info(answer.json["access_token"]).json
    of_call = ("userinfo_issued_at", "sub", "helseid://claims/hpr/hpr_details")
    assert {name: value for name, value in told.items() if name not in of_call} == SCOPES[scope]
    assert ("helseid://claims/hpr/hpr_details" in told) == (HPR_NUMBER in SCOPES[scope])


@pytest.mark.covers("id-token.user-claims")
@pytest.mark.parametrize("scope", [ALL, *(f"openid {scope} offline_access" for scope in SCOPES)])
def test_a_client_may_be_registered_to_be_told_of_the_person_by_userinfo_alone(sts: Emulator, scope: str) -> None:
    usual, other = (
        register_web(sts),
        register_web(sts, "other", jwk=private_jwk("ES256", 3), id_token_user_claims=False),
    )
    told = []
    for rp in (usual, other):
        login = Login()
        answer = rp.redeem(login, rp.log_in(login, {"scope": scope})["code"])
        again = rp.refresh(answer.json["refresh_token"])
        info = rp.user_info(again.json["access_token"]).json
        told.append((*(set(decode(tokens.json["id_token"])[1]) for tokens in (answer, again)), info, answer.claims))
    (first, refreshed, info, access), (bare, bare_refreshed, other_info, other_access) = told
    of_a_login = {"nonce", "s_hash"}
    assert bare == set(ALWAYS) and bare_refreshed == set(ALWAYS) - of_a_login
    assert first - bare == refreshed - bare_refreshed == set(info) & first - {"sub"} != set()
    # Userinfo and access token tell what they told before.
    assert other_info == info
    assert set(other_access) == set(access)


@pytest.mark.covers("id-token.scope.all")
def test_the_old_scope_for_all_brings_all_identity_claims(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "openid helseid://scopes/identity/all"})
    claims = decode(answer.json["id_token"])[1]
    expected = {
        PID: "06828399789",
        SECURITY_LEVEL: "4",
        ASSURANCE_LEVEL: "high",
        PSEUDONYM: SUB,
        **NAMES,
        NETWORK: "internett",
    }
    assert {name: value for name, value in claims.items() if name not in ALWAYS} == expected


@pytest.mark.covers("id-token.level")
@pytest.mark.parametrize(("level", "assurance"), [("3", "substantial"), ("4", "high")])
def test_levels_are_texts_that_go_together(rp: RelyingParty, level: str, assurance: str) -> None:
    claims = id_token(rp, scope=ALL, test_security_level=level)
    assert (claims[SECURITY_LEVEL], claims[ASSURANCE_LEVEL]) == (level, assurance)


@pytest.mark.covers("id-token.hpr-number.absent")
def test_a_person_without_hpr_number_has_no_such_claim(rp: RelyingParty) -> None:
    claims = id_token(rp, scope=ALL, test_pid="01818038204")
    assert HPR_NUMBER not in claims
    assert claims["name"] == "HVERDAGSLIG BRØDSKIVE"


@pytest.mark.covers("id-token.hpr-number.of-login")
def test_the_logins_own_hpr_number_wins(rp: RelyingParty) -> None:
    assert id_token(rp, scope=ALL, test_hpr_number="1234567")[HPR_NUMBER] == "1234567"
    claims = id_token(rp, scope=ALL, test_pid="01818038204", test_hpr_number="1234567")
    assert claims[HPR_NUMBER] == "1234567"


@pytest.mark.covers("id-token.network")
def test_the_network_is_a_setting(worlds: Worlds) -> None:
    assert id_token(register_web(worlds.make(network="helsenett")), scope=ALL)[NETWORK] == "helsenett"


@pytest.mark.covers("id-token.scope.narrowed")
def test_scopes_that_were_not_asked_for_bring_nothing_however_registered(rp: RelyingParty) -> None:
    claims = id_token(rp, scope="openid profile test:api/read")
    assert {name for name in claims if name not in ALWAYS} == set(NAMES)
