"""Redeeming the code of a login, row by row."""

import hashlib
import secrets
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, b64, decode
from tests.support.relying_party import AUTHORIZE, PAR, PERSON, REDIRECT_URI, SCOPES, Login, RelyingParty, web_client
from tests.support.relying_party import answer_parameters as parameters_of

OTHER_REDIRECT_URI = "http://localhost:8089/other"
TWO_APIS = "openid profile offline_access test:api/read test:api/write second:api/read"
DOES_NOT_MATCH = "Resource indicator does not match any resource indicator in the original authorize request."


def register_web(sts: Emulator, client_id: str = "web", **members: Any) -> RelyingParty:
    return web_client(sts, client_id, **{"redirect_uris": [REDIRECT_URI, OTHER_REDIRECT_URI], **members})


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return register_web(sts)


@pytest.fixture
def two_apis(sts: Emulator) -> RelyingParty:
    """A client of two APIs."""
    register_api(sts.store, "test:api", scopes=["test:api/read", "test:api/write"])
    register_api(sts.store, "second:api", scopes=["second:api/read"])
    rp = register_web(sts, scope=TWO_APIS)
    rp.scopes = TWO_APIS
    return rp


def begin(rp: RelyingParty, changes: dict[str, Any] | None = None) -> tuple[Login, str]:
    """A login and its code."""
    login = Login()
    return login, rp.log_in(login, changes)["code"]


def refused(answer: Answer, rule: str, error: str = "invalid_grant", description: str | None = None) -> None:
    expected = {"error": error} if description is None else {"error": error, "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, expected, rule)
    assert "dpop-nonce" not in answer.headers


# What a code gives


@pytest.mark.covers("contract.49", "contract.53")
@pytest.mark.covers("code-redemption.tokens", "token-response.user-grant-members")
def test_a_code_gives_tokens_in_the_recorded_member_order(rp: RelyingParty) -> None:
    login, code = begin(rp)
    answer = rp.redeem(login, code)
    assert answer.status == 200
    assert list(answer.json) == [
        "id_token",
        "access_token",
        "expires_in",
        "token_type",
        "refresh_token",
        "scope",
        "rt_expires_in",
    ]
    assert answer.json["expires_in"] == 600
    assert answer.json["token_type"] == "DPoP"
    assert type(answer.json["rt_expires_in"]) is int
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"


@pytest.mark.covers("code-redemption.scope")
def test_the_answer_repeats_the_scopes_of_the_login(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "offline_access test:api/read openid"})
    assert answer.json["scope"] == "offline_access test:api/read openid"
    assert answer.claims["scope"] == ["test:api/read", "openid", "offline_access"]


@pytest.mark.covers("contract.53")
@pytest.mark.covers("code-redemption.refresh-token.offline-access-only", "token-response.user-grant-members")
def test_no_refresh_token_without_offline_access(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "openid test:api/read"})
    assert list(answer.json) == ["id_token", "access_token", "expires_in", "token_type", "scope"]


@pytest.mark.covers("code-redemption.id-token.openid-only")
def test_no_id_token_without_openid(rp: RelyingParty) -> None:
    answer = rp.tokens({"scope": "test:api/read"})
    assert list(answer.json) == ["access_token", "expires_in", "token_type", "scope"]


@pytest.mark.covers("contract.46")
@pytest.mark.covers("code-redemption.bearer")
def test_a_client_without_dpop_gets_a_bearer_token(sts: Emulator) -> None:
    rp = register_web(sts, dpop_bound_access_tokens=False)
    login, code = begin(rp)
    answer = bare(rp, login, code)
    assert answer.json["token_type"] == "Bearer"
    assert "cnf" not in answer.claims


def bare(rp: RelyingParty, login: Login, code: str) -> Answer:
    """Redeem without a proof."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    answer = rp.machine.post(rp.machine.form(rp.machine.assertion(), form))
    assert answer.status == 200, answer.content
    return answer


@pytest.mark.covers("contract.51")
@pytest.mark.covers("token-endpoint.scope-with-code-or-refresh")
@pytest.mark.parametrize("scope", [SCOPES, "openid test:api/read"], ids=["all", "some"])
def test_granted_scopes_beside_a_code_are_accepted(rp: RelyingParty, scope: str) -> None:
    login, code = begin(rp)
    answer = rp.redeem(login, code, {"scope": scope})
    assert answer.status == 200
    assert answer.json["scope"] == SCOPES


# Which codes are refused


@pytest.mark.covers("contract.71")
@pytest.mark.covers("code-redemption.single-use")
def test_a_code_works_once(rp: RelyingParty) -> None:
    login, code = begin(rp)
    assert rp.redeem(login, code).status == 200
    refused(rp.redeem(login, code), "code.known")


@pytest.mark.covers("code-redemption.single-use")
def test_tokens_stay_valid_when_their_code_comes_again(rp: RelyingParty) -> None:
    login, code = begin(rp)
    tokens = rp.redeem(login, code).json
    refused(rp.redeem(login, code), "code.known")
    assert rp.user_info(tokens["access_token"]).status == 200
    assert rp.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.covers("code-redemption.unknown")
@pytest.mark.parametrize("code", [f"{'A' * 64}-1", "nonsense", "æ", "x" * 5000])
def test_an_unknown_code_is_refused(rp: RelyingParty, code: str) -> None:
    refused(rp.redeem(Login(), code), "code.known")


@pytest.mark.covers("code-redemption.unknown")
def test_neither_a_refresh_token_nor_a_code_in_small_letters_is_a_code(rp: RelyingParty) -> None:
    login, code = begin(rp)
    refused(rp.redeem(login, code.lower()), "code.known")
    refresh_token = rp.redeem(login, code).json["refresh_token"]
    refused(rp.redeem(login, refresh_token), "code.known")


@pytest.mark.covers("contract.71")
@pytest.mark.covers("code-redemption.foreign", "code-redemption.foreign.kept")
def test_a_foreign_client_gets_nothing_and_burns_nothing(sts: Emulator, rp: RelyingParty) -> None:
    thief = register_web(sts, "thief", jwk=private_jwk("ES256", 5))
    login, code = begin(rp)
    refused(thief.redeem(login, code), "code.known")
    assert rp.redeem(login, code).status == 200


@pytest.mark.covers("code-redemption.expired")
@pytest.mark.parametrize(("age", "status"), [(299, 200), (300, 400), (301, 400)])
def test_a_code_lives_five_minutes(sts: Emulator, rp: RelyingParty, age: int, status: int) -> None:
    login, code = begin(rp)
    sts.clock.advance(age)
    rp.machine.learn_nonce()
    answer = rp.redeem(login, code)
    assert answer.status == status
    if status == 400:
        refused(answer, "code.alive")


@pytest.mark.covers("code-redemption.expired")
@pytest.mark.parametrize(("age", "status"), [(29, 200), (30, 400)])
def test_the_life_of_a_code_is_a_setting(worlds: Worlds, age: int, status: int) -> None:
    sts = worlds.make(code_lifetime=30)
    rp = register_web(sts)
    login, code = begin(rp)
    sts.clock.advance(age)
    assert rp.redeem(login, code).status == status


@pytest.mark.covers("code-redemption.grant-not-allowed")
def test_a_client_without_the_grant_is_refused(sts: Emulator) -> None:
    machine = sts.client("machine-only")
    refused(RelyingParty(machine).redeem(Login(), "x"), "grant.allowed", "unauthorized_client")


# What the request must repeat


@pytest.mark.covers("code-redemption.redirect-uri.missing")
@pytest.mark.parametrize("redirect_uri", [ABSENT, ""], ids=["absent", "empty"])
def test_a_missing_redirect_uri_has_its_own_error(rp: RelyingParty, redirect_uri: object) -> None:
    login, code = begin(rp)
    answer = rp.redeem(login, code, {"redirect_uri": redirect_uri})
    refused(answer, "code.redirect-uri-present", "unauthorized_client")


@pytest.mark.covers("contract.71")
@pytest.mark.covers("code-redemption.redirect-uri.different")
@pytest.mark.parametrize(
    "redirect_uri", [OTHER_REDIRECT_URI, REDIRECT_URI + "/", REDIRECT_URI.upper(), "http://127.0.0.1:8089/callback"]
)
def test_another_redirect_uri_is_refused_even_a_registered_one(rp: RelyingParty, redirect_uri: str) -> None:
    login, code = begin(rp)
    refused(rp.redeem(login, code, {"redirect_uri": redirect_uri}), "code.redirect-uri")


WRONG_VERIFIERS = {
    "another": b64(secrets.token_bytes(32)),
    "absent": ABSENT,
    "empty": "",
    "the challenge": None,
}


@pytest.mark.covers("contract.71")
@pytest.mark.covers("code-redemption.verifier.wrong")
@pytest.mark.parametrize("verifier", WRONG_VERIFIERS.values(), ids=WRONG_VERIFIERS.keys())
def test_a_wrong_verifier_is_refused(rp: RelyingParty, verifier: object) -> None:
    login, code = begin(rp)
    sent = login.challenge if verifier is None else verifier
    refused(rp.redeem(login, code, {"code_verifier": sent}), "code.verifier")


@pytest.mark.covers("code-redemption.verifier.length")
@pytest.mark.parametrize(("length", "status"), [(42, 400), (43, 200), (128, 200), (129, 400)])
def test_a_verifier_has_43_to_128_characters(rp: RelyingParty, length: int, status: int) -> None:
    verifier = "v" * length
    login = Login(verifier=verifier)
    assert login.challenge == b64(hashlib.sha256(verifier.encode()).digest())
    answer = rp.redeem(login, rp.log_in(login)["code"])
    assert answer.status == status
    if status == 400:
        refused(answer, "code.verifier")


@pytest.mark.covers("code-redemption.burned")
@pytest.mark.parametrize(
    "wrong",
    [{"code_verifier": "v" * 43}, {"redirect_uri": OTHER_REDIRECT_URI}, {"redirect_uri": ABSENT}],
    ids=["verifier", "redirect_uri", "no redirect_uri"],
)
def test_a_refusal_burns_the_code(rp: RelyingParty, wrong: dict[str, Any]) -> None:
    login, code = begin(rp)
    assert rp.redeem(login, code, wrong).status == 400
    refused(rp.redeem(login, code), "code.known")


@pytest.mark.covers("contract.40")
@pytest.mark.covers("dpop.challenge.keeps-code-and-refresh-token", "code-redemption.kept-by-challenge")
def test_a_challenge_burns_no_code(rp: RelyingParty) -> None:
    login, code = begin(rp)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": login.verifier,
        "scope": ABSENT,
    }
    challenge = rp.machine.meet_challenge(form)
    assert (challenge.status, challenge.error) == (400, "use_dpop_nonce")
    assert rp.redeem(login, code).status == 200


@pytest.mark.covers("code-redemption.kept-by-earlier-refusal")
@pytest.mark.parametrize(
    "more",
    [
        {"assertion": {"claims": {"aud": "https://elsewhere.example"}}},
        {"proof": {"claims": {"htm": "GET"}}},
        {"changes": {"resource": "not a uri"}},
    ],
    ids=["client", "proof", "resource form"],
)
def test_what_is_refused_before_the_grant_burns_no_code(rp: RelyingParty, more: dict[str, Any]) -> None:
    login, code = begin(rp)
    assert rp.redeem(login, code, **more).status == 400
    assert rp.redeem(login, code).status == 200


# Bound to a DPoP key

OTHER_KEY = (
    "The DPoP proof token used on the token endpoint does not match the original used on the authorize endpoint."
)


@pytest.mark.covers("contract.47", "contract.71")
@pytest.mark.covers("code-redemption.dpop-key")
@pytest.mark.parametrize("how", ["dpop_jkt", "proof"])
def test_a_code_that_is_bound_to_a_key_needs_that_key(rp: RelyingParty, how: str) -> None:
    machine = rp.machine
    jkt = rp.tokens().claims["cnf"]["jkt"]
    for other, status in ((None, 200), (private_jwk("ES256", 7), 400)):
        login = Login()
        if how == "dpop_jkt":
            pushed = rp.push(login, {"test_pid": PERSON, "dpop_jkt": jkt})
        else:
            proof = machine.proof(claims={"htu": machine.issuer + PAR})
            pushed = rp.push(login, {"test_pid": PERSON}, proof=proof)
        assert pushed.status == 201, pushed.content
        code = parameters_of(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))["code"]
        answer = rp.redeem(login, code, proof={"jwk": other})
        assert answer.status == status
        if status == 400:
            refused(answer, "code.same-key", "invalid_dpop_proof", OTHER_KEY)


@pytest.mark.covers("code-redemption.dpop-key.free")
def test_any_key_will_do_for_a_code_that_is_not_bound(rp: RelyingParty) -> None:
    usual = rp.tokens().claims["cnf"]["jkt"]
    login, code = begin(rp)
    answer = rp.redeem(login, code, proof={"jwk": private_jwk("ES256", 7)})
    assert answer.status == 200
    assert answer.claims["cnf"]["jkt"] != usual


# One API of several


@pytest.mark.covers("code-redemption.resource.none")
def test_without_resource_the_token_is_for_all_apis(two_apis: RelyingParty) -> None:
    answer = two_apis.tokens()
    assert answer.claims["aud"] == ["test:api", "second:api"]
    assert answer.json["scope"] == TWO_APIS


@pytest.mark.covers("code-redemption.resource.one-api")
@pytest.mark.parametrize("named", [ABSENT, ["test:api", "second:api"]], ids=["none at login", "both at login"])
@pytest.mark.parametrize(
    ("resource", "scopes"),
    [
        ("test:api", ["test:api/read", "test:api/write", "offline_access"]),
        ("second:api", ["second:api/read", "offline_access"]),
    ],
)
def test_resource_narrows_the_token_to_one_api(
    two_apis: RelyingParty, named: object, resource: str, scopes: list[str]
) -> None:
    login, code = begin(two_apis, {"resource": named})
    answer = two_apis.redeem(login, code, {"resource": resource})
    assert answer.claims["aud"] == resource
    assert answer.claims["scope"] == scopes
    assert sorted(answer.json["scope"].split(" ")) == sorted(scopes)


@pytest.mark.covers("code-redemption.resource.id-token")
def test_a_narrowed_answer_still_has_the_whole_id_token(two_apis: RelyingParty) -> None:
    login, code = begin(two_apis)
    answer = two_apis.redeem(login, code, {"resource": "second:api"})
    assert decode(answer.json["id_token"])[1]["name"] == "KVART GREVLING"


@pytest.mark.covers("code-redemption.resource.not-asked-for")
def test_a_resource_that_the_login_did_not_name_is_refused(two_apis: RelyingParty) -> None:
    login, code = begin(two_apis, {"resource": ["test:api"]})
    answer = two_apis.redeem(login, code, {"resource": "second:api"})
    refused(answer, "code.resource", "invalid_target", DOES_NOT_MATCH)


@pytest.mark.covers("code-redemption.resource.unknown")
@pytest.mark.parametrize("resource", ["third:api", "https://elsewhere.example"])
def test_a_resource_of_no_scope_is_refused(two_apis: RelyingParty, resource: str) -> None:
    login, code = begin(two_apis)
    answer = two_apis.redeem(login, code, {"resource": resource})
    assert (answer.status, answer.json) == (
        400,
        {"error": "invalid_target", "error_description": "Invalid resource indicator."},
    )


@pytest.mark.covers("code-redemption.resource.several")
def test_two_resources_at_once_are_refused(two_apis: RelyingParty) -> None:
    login, code = begin(two_apis)
    machine = two_apis.machine
    machine.learn_nonce()
    form = machine.form(machine.assertion(), {"grant_type": "authorization_code", "code": code, "scope": ABSENT})
    form |= {"redirect_uri": REDIRECT_URI, "code_verifier": login.verifier}
    pairs = [*form.items(), ("resource", "test:api"), ("resource", "second:api")]
    says = "Multiple resource indicators not supported on token endpoint."
    refused(machine.post(pairs, proof=machine.proof()), "token-request.one-resource", "invalid_target", says)


# Registrations that only a login can show


def front_channel(rp: RelyingParty, login: Login, changes: dict[str, Any] | None = None) -> Answer:
    """The authorization request itself in the browser's hands."""
    parameters = rp.parameters(login, {"test_pid": PERSON, **(changes or {})})
    return rp.browser().send("GET", f"{AUTHORIZE}?{urlencode(parameters)}")


def error_page(rp: RelyingParty, answer: Answer) -> str:
    """The text of the error page that ``answer`` leads to."""
    assert answer.status == 303
    assert answer.headers["location"].startswith("/home/error?errorId=")
    page = rp.browser().follow(answer)
    assert page.status == 400
    return page.content.decode()


@pytest.mark.covers("contract.06")
@pytest.mark.covers("client-registration.par-switch")
def test_pushing_is_mandatory_unless_the_registration_says_otherwise(sts: Emulator) -> None:
    strict = register_web(sts)
    assert "invalid_request: Pushed authorization is required." in error_page(strict, front_channel(strict, Login()))
    lax = register_web(sts, "lax", require_pushed_authorization_requests=False)
    login = Login()
    code = parameters_of(front_channel(lax, login))["code"]
    assert lax.redeem(login, code).status == 200


@pytest.mark.covers("contract.06")
@pytest.mark.covers("client-registration.redirect-uris")
def test_each_client_has_its_own_redirect_uris(sts: Emulator) -> None:
    one = register_web(sts, "one", redirect_uris=["https://one.example/in"])
    two = register_web(sts, "two", redirect_uris=["https://two.example/in", "https://two.example/in?x=1"])
    for rp, redirect_uri, status in (
        (one, "https://one.example/in", 201),
        (two, "https://one.example/in", 400),
        (two, "https://two.example/in?x=1", 201),
        (one, "https://two.example/in", 400),
        (one, "https://one.example/in/", 400),
        (one, "https://one.example/in?x=1", 400),
        (one, "https://ONE.example/in", 400),
        (one, "https://one.example/i", 400),
    ):
        answer = rp.push(Login(), {"redirect_uri": redirect_uri})
        assert answer.status == status, redirect_uri
        if status == 400:
            assert answer.json == {"error": "invalid_request", "error_description": "Invalid redirect_uri"}


@pytest.mark.covers("discovery.advertised-flows.refused")
@pytest.mark.parametrize("response_type", ["token", "id_token", "id_token token", "code id_token", "code token"])
def test_other_response_types_are_refused(rp: RelyingParty, response_type: str) -> None:
    assert (
        response_type
        in rp.machine.transport.send("GET", "/.well-known/openid-configuration").json["response_types_supported"]
    )
    answer = rp.push(Login(), {"response_type": response_type})
    expected = {"error": "unsupported_response_type", "error_description": "Response type not supported"}
    assert (answer.status, answer.json) == (400, expected)


@pytest.mark.covers("discovery.advertised-flows.refused")
def test_a_plain_challenge_is_refused(rp: RelyingParty) -> None:
    answer = rp.push(Login(), {"code_challenge_method": "plain"})
    expected = {"error": "invalid_request", "error_description": "Transform algorithm not supported"}
    assert (answer.status, answer.json) == (400, expected)


@pytest.mark.covers("contract.12")
@pytest.mark.covers("discovery.authorization-response-iss-parameter-supported.kept")
def test_every_authorization_response_names_the_issuer(worlds: Worlds) -> None:
    sts = worlds.make(public_url="https://sts.example", invent_people=False)
    rp = register_web(sts)
    for changes, error in (
        ({"test_pid": PERSON}, None),
        ({"test_pid": PERSON, "response_mode": "form_post"}, None),
        ({"test_pid": "01815012345"}, "access_denied"),
        ({"test_pid": "01815012345", "response_mode": "form_post"}, "access_denied"),
        ({"prompt": "none"}, "login_required"),
    ):
        pushed = rp.push(Login(), changes)
        parameters = parameters_of(rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"])))
        assert parameters.get("error") == error
        assert parameters["iss"] == "https://sts.example"


@pytest.mark.covers("available-idps.list")
def test_the_identity_providers_are_listed_where_discovery_says(sts: Emulator) -> None:
    address = sts.get("/.well-known/openid-configuration").json["available_idps"]
    assert address == "http://localhost:8080/connect/availableidps"
    answer = sts.get("/connect/availableidps")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert {"name": "testidp-oidc", "displayName": "Test IDP"} in answer.json
    assert [list(provider) for provider in answer.json] == [["name", "displayName"]] * len(answer.json)
