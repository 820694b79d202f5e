"""Pushed authorization requests, row by row."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.keys import Jwk, private_jwk
from tests.support.logins import web
from tests.support.machine import ABSENT, Answer, Machine
from tests.support.relying_party import (
    PAR,
    PERSON,
    REDIRECT_URI,
    Login,
    RelyingParty,
    answer_parameters,
)

ISSUER = "http://localhost:8080"
OTHER_KEY = private_jwk("ES256", 9)
OTHER_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


def refused(answer: Answer, error: str, description: str | None, rule: str | None) -> None:
    body = {"error": error} if description is None else {"error": error, "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, body, rule), answer.content
    assert "dpop-nonce" not in answer.headers


def accepted(answer: Answer) -> str:
    assert answer.status == 201, answer.content
    request_uri: str = answer.json["request_uri"]
    return request_uri


def proof(machine: Machine, jwk: Jwk | None = None, **claims: Any) -> str:
    if machine.nonce is None:
        machine.learn_nonce()
    return machine.proof(claims={"htu": f"{ISSUER}/connect/par", **claims}, jwk=jwk)


def thumbprint(jwk: Jwk) -> str:
    members: Any = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    return ECKey.import_key(members).thumbprint()


def requests_kept(sts: Emulator) -> int:
    return sts.row_counts()["authorization_request"]


# The answer


@pytest.mark.covers("contract.59")
@pytest.mark.covers("par.success.status")
def test_success_is_201_and_json_that_nobody_keeps(rp: RelyingParty) -> None:
    answer = rp.push(Login())
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert answer.headers["pragma"] == "no-cache"
    assert "set-cookie" not in answer.headers
    assert "dpop-nonce" not in answer.headers


@pytest.mark.covers("contract.59")
@pytest.mark.covers("par.success.body")
def test_success_tells_request_uri_and_whole_seconds(rp: RelyingParty) -> None:
    answer = rp.push(Login())
    assert list(answer.json) == ["request_uri", "expires_in"]
    assert re.fullmatch(r"urn:ietf:params:oauth:request_uri:[0-9A-F]{64}", answer.json["request_uri"])
    assert type(answer.json["expires_in"]) is int
    assert answer.json["expires_in"] == 600


@pytest.mark.covers("par.success.body")
def test_each_request_gets_its_own_handle(rp: RelyingParty) -> None:
    login = Login()
    assert accepted(rp.push(login)) != accepted(rp.push(login))


@pytest.mark.covers("par.lifetime.configurable")
def test_the_lifetime_is_a_setting(worlds: Worlds) -> None:
    sts = worlds.make(pushed_request_lifetime=90)
    rp = web(sts)
    answer = rp.push(Login(), {"test_pid": PERSON})
    assert answer.json["expires_in"] == 90
    sts.clock.advance(91)
    assert (
        rp.browser()
        .send("GET", rp.authorize_path(answer.json["request_uri"]))
        .headers["location"]
        .startswith("/home/error?")
    )


# How it is asked


@pytest.mark.covers("par.method")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_gets_an_empty_405(sts: Emulator, method: str) -> None:
    answer = sts.transport.send(method, "/connect/par?client_id=web")
    assert (answer.status, answer.content) == (405, b"")
    assert answer.headers["allow"] == "POST"


@pytest.mark.covers("par.content-type")
@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "", "multipart/form-data; boundary=x"])
def test_another_content_type_is_refused(sts: Emulator, rp: RelyingParty, media_type: str) -> None:
    form = {**rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT}), **rp.parameters(Login())}
    refused(
        rp.machine.post(form, headers={"Content-Type": media_type}, path=PAR),
        "invalid_request",
        None,
        "form.content-type",
    )
    assert requests_kept(sts) == 0


@pytest.mark.covers("contract.29")
@pytest.mark.covers("par.content-type")
def test_a_charset_beside_the_content_type_is_fine(rp: RelyingParty) -> None:
    form = {**rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT}), **rp.parameters(Login())}
    media_type = "application/x-www-form-urlencoded; charset=utf-8"
    accepted(rp.machine.post(form, headers={"Content-Type": media_type}, path=PAR))


@pytest.mark.covers("contract.29")
@pytest.mark.covers("par.parameters.unknown")
def test_unknown_parameters_are_ignored(rp: RelyingParty) -> None:
    accepted(rp.push(Login(), {"x-client-SKU": "ID_NET8_0", "x-client-ver": "8.0.0", "claims": "{}"}))


@pytest.mark.covers("par.parameters.once")
@pytest.mark.parametrize(
    "name", ["scope", "authorization_details", "state", "redirect_uri", "nonce", "test_pid", "unheard_of"]
)
def test_no_parameter_comes_twice(sts: Emulator, rp: RelyingParty, name: str) -> None:
    login = Login()
    value = rp.parameters(login).get(name, "1")
    said = f"the parameter '{name}' is sent more than once"
    refused(rp.push(login, {name: [value, value]}), "invalid_request", said, "form.readable")
    assert requests_kept(sts) == 0


# Who asks


@pytest.mark.covers("contract.28")
@pytest.mark.covers("par.client-authentication")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion": ABSENT, "client_assertion_type": ABSENT},
        {"client_assertion": ABSENT},
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": "urn:other"},
        {"client_id": "somebody-else"},
    ],
    ids=["no assertion at all", "no assertion", "unreadable", "other type", "other client_id"],
)
def test_a_client_that_is_not_authenticated_gets_invalid_client(
    sts: Emulator, rp: RelyingParty, changes: dict[str, Any]
) -> None:
    base = {
        **rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT}),
        **rp.parameters(Login()),
    }
    form = {name: value for name, value in {**base, **changes}.items() if value is not ABSENT}
    answer = rp.machine.post(form, path=PAR)
    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})
    assert answer.rule is not None
    assert requests_kept(sts) == 0


@pytest.mark.covers("contract.27", "contract.60")
@pytest.mark.covers("par.client-authentication")
@pytest.mark.parametrize(
    "assertion",
    [{"jwk": OTHER_KEY}, {"claims": {"exp": 1}}, {"claims": {"aud": "https://evil.example"}}, {"alg": "none"}],
    ids=["other key", "expired", "other audience", "unsigned"],
)
def test_a_wrong_assertion_gets_invalid_client(sts: Emulator, rp: RelyingParty, assertion: dict[str, Any]) -> None:
    form = {**rp.machine.form(rp.machine.assertion(**assertion), {"grant_type": ABSENT}), **rp.parameters(Login())}
    answer = rp.machine.post(form, path=PAR)
    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})
    assert requests_kept(sts) == 0


@pytest.mark.covers("par.client-authentication")
def test_a_client_that_is_not_registered_gets_invalid_client(sts: Emulator) -> None:
    stranger = RelyingParty(sts.machine("stranger", private_jwk("ES256", 1)))
    answer = stranger.push(Login())
    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


@pytest.mark.covers("contract.25")
@pytest.mark.covers("par.client-from-assertion")
def test_the_assertion_alone_may_name_the_client(rp: RelyingParty) -> None:
    login = Login()
    form = {**rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT}), **rp.parameters(login)}
    del form["client_id"]
    request_uri = accepted(rp.machine.post({**form, "test_pid": PERSON}, path=PAR))
    assert "code" in answer_parameters(rp.browser().send("GET", rp.authorize_path(request_uri)))


@pytest.mark.covers("par.client-assertion.single-use")
@pytest.mark.parametrize("mode", ["helseid", "strict", "fapi2"])
def test_an_assertion_is_spent_at_par(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    rp = web(sts)
    assertion = rp.machine.assertion()
    form = {**rp.machine.form(assertion, {"grant_type": ABSENT}), **rp.parameters(Login())}
    accepted(rp.machine.post(form, path=PAR))
    answer = rp.machine.post(form, path=PAR)
    if mode == "helseid":
        accepted(answer)
    else:
        assert (answer.status, answer.json) == (400, {"error": "invalid_client"})
    broken = [finding["rule"] for finding in sts.journal(limit="1")[0]["findings"]["broken"]]
    assert broken == ["client-assertion.single-use"]


@pytest.mark.covers("par.error.grant-type")
def test_a_client_without_the_code_flow_is_refused(sts: Emulator) -> None:
    rp = web(sts, "m2m", grant_types=["client_credentials"])
    refused(
        rp.push(Login()), "unauthorized_client", "Invalid grant type for client", "authorization-request.grant-allowed"
    )


# redirect_uri


@pytest.mark.covers("contract.60")
@pytest.mark.covers("par.error.redirect-uri")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        ABSENT,
        "",
        "callback",
        "//localhost:8089/callback",
        "http://[::1/callback",
        "http://localhost:99999999/callback",
        "https://evil.example/callback",
        "javascript:alert(1)",
        "http://localhost:8089/callback#x",
    ],
    ids=str,
)
def test_a_redirect_uri_that_is_not_registered_is_refused(
    sts: Emulator, rp: RelyingParty, redirect_uri: object
) -> None:
    answer = rp.push(Login(), {"redirect_uri": redirect_uri})
    refused(answer, "invalid_request", "Invalid redirect_uri", "authorization-request.redirect-uri")
    assert requests_kept(sts) == 0


@pytest.mark.covers("contract.70")
@pytest.mark.covers("par.redirect-uri.exact")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://app.example/Callback",
        "https://APP.example/callback",
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback?",
        "https://app.example:443/callback",
        "https://app.example/./callback",
        "https://app.example/%63allback",
        "https://app.example",
        "http://app.example/callback",
        " https://app.example/callback",
        "https://app.example/callback ",
        "https://app.example.evil.example/callback",
        "https://user@app.example/callback",
    ],
)
def test_a_redirect_uri_is_compared_byte_for_byte(sts: Emulator, redirect_uri: str) -> None:
    rp = web(sts, redirect_uris=["https://app.example/callback"])
    accepted(rp.push(Login(), {"redirect_uri": "https://app.example/callback"}))
    answer = rp.push(Login(), {"redirect_uri": redirect_uri})
    refused(answer, "invalid_request", "Invalid redirect_uri", "authorization-request.redirect-uri")


@pytest.mark.covers("contract.70")
@pytest.mark.covers("par.redirect-uri.loopback-port")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("port", [":1", ":8089", ":65535", ""])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_loopback_address_without_port_fits_every_port(sts: Emulator, scheme: str, host: str, port: str) -> None:
    rp = web(sts, redirect_uris=[f"{scheme}://{host}/callback"])
    login = Login()
    rp.redirect_uri = f"{scheme}://{host}{port}/callback"
    pushed = rp.push(login, {"test_pid": PERSON})
    answer = rp.browser().send("GET", rp.authorize_path(accepted(pushed)))
    assert answer.headers["location"].startswith(f"{scheme}://{host}{port}/callback?code=")
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200


@pytest.mark.covers("par.redirect-uri.loopback-port")
@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost:5000/other",
        "http://localhost:5000/callback/more",
        "http://localhost:5000/callback?x=1",
        "https://localhost:5000/callback",
        "http://127.0.0.1:5000/callback",
        "http://localhost.evil.example:5000/callback",
        "http://user@localhost:5000/callback",
        "http://localhost:5000@evil.example/callback",
        "http://localhost:x/callback",
        "http://localhost:/callback",
        "http://localhost:99999/callback",
        "http://app.example:5000/callback",
        "https://app.example:5000/callback",
        "https://127.0.0.1:5000/callback",
        "no.app://localhost:5000/callback",
    ],
)
def test_nothing_but_the_port_of_a_loopback_address_may_differ(sts: Emulator, redirect_uri: str) -> None:
    hosts = ("http://localhost", "no.app://localhost", "http://app.example", "https://app.example")
    rp = web(sts, redirect_uris=[f"{host}/callback" for host in hosts])
    answer = rp.push(Login(), {"redirect_uri": redirect_uri})
    refused(answer, "invalid_request", "Invalid redirect_uri", "authorization-request.redirect-uri")


@pytest.mark.covers("contract.70")
@pytest.mark.covers("par.redirect-uri.loopback-registered-port")
@pytest.mark.parametrize("redirect_uri", ["http://localhost:8090/callback", "http://localhost/callback"])
def test_a_loopback_address_with_port_fits_that_port_only(rp: RelyingParty, redirect_uri: str) -> None:
    answer = rp.push(Login(), {"redirect_uri": redirect_uri})
    refused(answer, "invalid_request", "Invalid redirect_uri", "authorization-request.redirect-uri")


@pytest.mark.covers("contract.70")
@pytest.mark.covers("par.redirect-uri.custom-scheme")
def test_an_applications_own_scheme_is_fine_when_registered(sts: Emulator) -> None:
    rp = web(sts, redirect_uris=["app://callback"])
    rp.redirect_uri = "app://callback"
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON})
    answer = rp.browser().send("GET", rp.authorize_path(accepted(pushed)))
    assert answer.status == 303
    assert answer.headers["location"].startswith("app://callback?code=")
    assert rp.redeem(login, answer_parameters(answer)["code"]).status == 200


@pytest.mark.covers("par.redirect-uri.custom-scheme")
@pytest.mark.parametrize("redirect_uri", ["app://other", "app2://callback", "app:callback", "app://callback/"])
def test_another_own_scheme_is_refused(sts: Emulator, redirect_uri: str) -> None:
    rp = web(sts, redirect_uris=["app://callback"])
    answer = rp.push(Login(), {"redirect_uri": redirect_uri})
    refused(answer, "invalid_request", "Invalid redirect_uri", "authorization-request.redirect-uri")


# What is asked for


@pytest.mark.covers("contract.60")
@pytest.mark.covers("par.error.request-uri")
@pytest.mark.parametrize("request_uri", ["urn:ietf:params:oauth:request_uri:AB", "https://app.example/request.jwt"])
def test_a_pushed_request_carries_no_request_uri(rp: RelyingParty, request_uri: str) -> None:
    answer = rp.push(Login(), {"request_uri": request_uri})
    refused(
        answer,
        "invalid_request",
        "Pushed authorization cannot use request_uri",
        "authorization-request.no-request-uri",
    )


ERRORS: list[Any] = [
    (
        {"response_type": ABSENT},
        "invalid_request",
        "Missing response_type",
        "authorization-request.response-type-present",
    ),
    *(
        (
            {"response_type": value},
            "unsupported_response_type",
            "Response type not supported",
            "authorization-request.response-type",
        )
        for value in ("token", "id_token", "code id_token", "id_token token", "CODE", "none")
    ),
    *(
        (
            {"response_mode": value},
            "unsupported_response_type",
            "Invalid response_mode",
            "authorization-request.response-mode",
        )
        for value in ("jwt", "FORM_POST", "query form_post")
    ),
    (
        {"response_mode": "fragment"},
        "invalid_request",
        "Invalid response_mode for response_type",
        "authorization-request.response-mode-fits",
    ),
    (
        {"code_challenge": ABSENT},
        "invalid_request",
        "code challenge required",
        "authorization-request.challenge-present",
    ),
    (
        {"code_challenge": ABSENT, "code_challenge_method": ABSENT},
        "invalid_request",
        "code challenge required",
        "authorization-request.challenge-present",
    ),
    *(
        (
            {"code_challenge": value},
            "invalid_request",
            "Invalid code_challenge",
            "authorization-request.challenge-form",
        )
        for value in ("a" * 42, "a" * 129, OTHER_CHALLENGE[:-1])
    ),
    *(
        (
            {"code_challenge_method": value},
            "invalid_request",
            "Transform algorithm not supported",
            "authorization-request.challenge-method",
        )
        for value in (ABSENT, "plain", "s256", "S512")
    ),
    *(
        (
            {"scope": value},
            "invalid_request",
            "Invalid scope",
            "authorization-request.scope-present",
        )
        for value in (ABSENT, "", " ")
    ),
    *(
        (
            {"scope": value},
            "invalid_scope",
            "Invalid scope",
            "authorization-request.scope-allowed",
        )
        for value in (
            "openid test:api/write",
            "openid nonsense",
            "openid Profile",
            "openid helseid://scopes/client/info",
        )
    ),
    *(
        (
            {"scope": value},
            "invalid_scope",
            "Identity scopes requested, but openid scope is missing",
            "authorization-request.openid",
        )
        for value in ("profile", "helseid://scopes/identity/pid test:api/read")
    ),
    *(
        (
            {"resource": value},
            "invalid_target",
            "Invalid resource indicator format",
            "authorization-request.resource-form",
        )
        for value in ("nonsense", "/relative", "https://api.example/#fragment", ["test:api", "no uri"])
    ),
    *(
        (
            {"resource": value},
            "invalid_target",
            "Invalid resource indicator",
            "authorization-request.resource-known",
        )
        for value in ("test:other", "TEST:api", ["test:api", "test:other"])
    ),
    *(
        (
            {"prompt": value},
            "invalid_request",
            "Unsupported prompt mode",
            "authorization-request.prompt-known",
        )
        for value in ("create", "LOGIN", "login create", "nonsense")
    ),
    *(
        (
            {"prompt": value},
            "invalid_request",
            "Invalid prompt",
            "authorization-request.prompt-none-alone",
        )
        for value in ("none login", "consent none")
    ),
    *(
        (
            {"max_age": value},
            "invalid_request",
            "Invalid max_age",
            "authorization-request.max-age",
        )
        for value in ("-1", "1.5", "abc", "1e3", "+1", "٣")
    ),
]


@pytest.mark.covers("contract.60")
@pytest.mark.covers(
    "par.error.response-type",
    "par.error.response-mode",
    "par.error.challenge",
    "par.error.challenge-method",
    "par.error.scope.missing",
    "par.error.scope.unknown",
    "par.error.scope.openid",
    "par.error.resource.form",
    "par.error.resource.unknown",
    "par.error.prompt",
    "par.error.max-age",
)
@pytest.mark.parametrize(("changes", "error", "description", "rule"), ERRORS, ids=str)
def test_what_helseid_refuses_is_refused_in_its_words(
    sts: Emulator, rp: RelyingParty, changes: dict[str, Any], error: str, description: str, rule: str
) -> None:
    refused(rp.push(Login(), changes), error, description, rule)
    assert requests_kept(sts) == 0


@pytest.mark.covers("par.error.resource.too-long")
def test_a_resource_that_is_too_long_has_its_own_text(rp: RelyingParty) -> None:
    answer = rp.push(Login(), {"resource": "test:" + "a" * 20_000})
    assert (answer.status, answer.json) == (
        400,
        {"error": "invalid_target", "error_description": "Resource indicator maximum length exceeded"},
    )


@pytest.mark.covers("par.error.scope.too-long")
def test_a_scope_that_is_too_long_is_a_malformed_request(rp: RelyingParty) -> None:
    answer = rp.push(Login(), {"scope": "openid " + "a" * 20_000})
    assert (answer.status, answer.json) == (
        400,
        {"error": "invalid_request", "error_description": "Invalid scope"},
    )


@pytest.mark.covers("par.error.too-long")
@pytest.mark.parametrize("name", ["state", "nonce", "login_hint", "acr_values", "ui_locales"])
def test_sixteen_thousand_characters_are_enough(rp: RelyingParty, name: str) -> None:
    accepted(rp.push(Login(), {name: "a" * 16_384}))
    answer = rp.push(Login(), {name: "a" * 16_385})
    refused(answer, "invalid_request", f"Invalid {name}", f"authorization-request.{name.replace('_', '-')}-length")


@pytest.mark.covers("contract.65")
@pytest.mark.covers("par.resource.several")
def test_several_resources_that_are_no_urls_are_accepted(sts: Emulator) -> None:
    register_api(sts.store, "nhn:x", scopes=["nhn:x/a"])
    register_api(sts.store, "e-helse:sfm.api", scopes=["e-helse:sfm.api/sfm.api"])
    rp = web(sts, scope="openid nhn:x/a e-helse:sfm.api/sfm.api")
    rp.scopes = "openid nhn:x/a e-helse:sfm.api/sfm.api"
    login = Login()
    code = rp.log_in(login, {"resource": ["nhn:x", "e-helse:sfm.api"]})["code"]
    answer = rp.redeem(login, code)
    assert answer.status == 200, answer.content
    assert answer.claims["aud"] == ["nhn:x", "e-helse:sfm.api"]


@pytest.mark.covers("par.parameters.optional")
@pytest.mark.parametrize(
    "changes",
    [
        {"state": ABSENT},
        {"nonce": ABSENT},
        {"state": ABSENT, "nonce": ABSENT},
        {"response_mode": "query"},
        {"response_mode": "form_post"},
        {"prompt": "login"},
        {"prompt": "select_account"},
        {"prompt": "consent"},
        {"prompt": "none"},
        {"prompt": "login consent"},
        {"max_age": "0"},
        {"max_age": "86400"},
        {"login_hint": "06828399789"},
        {"ui_locales": "nb-no"},
        {"ui_locales": "en-us"},
        {"ui_locales": "xx"},
        {"acr_values": "idp:testidp-oidc"},
        {"acr_values": "Level3 Level4"},
        {"acr_values": "High"},
        {"acr_values": "idp:idporten-oidc amr:minid"},
        {"acr_values": "idp:buypass-oidc bp:amr:sc"},
        {"on_behalf_of": "999977774"},
        {"resource": "test:api"},
        {"test_pid": PERSON, "test_hpr_number": "565505933", "test_security_level": "3"},
    ],
    ids=str,
)
def test_optional_parameters_are_accepted(rp: RelyingParty, changes: dict[str, Any]) -> None:
    accepted(rp.push(Login(), changes))


# DPoP


@pytest.mark.covers("par.dpop.optional")
def test_no_proof_is_needed_at_par(rp: RelyingParty) -> None:
    login = Login()
    answer = rp.redeem(login, rp.log_in(login)["code"], proof={"jwk": OTHER_KEY})
    assert answer.status == 200
    assert answer.claims["cnf"] == {"jkt": thumbprint(OTHER_KEY)}


@pytest.mark.covers("contract.40", "contract.47")
@pytest.mark.covers("par.dpop.challenge")
@pytest.mark.parametrize(
    ("nonce", "description"),
    [(ABSENT, "Missing 'nonce' value."), ("", "Missing 'nonce' value."), ("old", "Invalid 'nonce' value.")],
)
def test_a_proof_without_good_nonce_is_challenged_and_spends_nothing(
    sts: Emulator, rp: RelyingParty, nonce: object, description: str
) -> None:
    machine = rp.machine
    form = {**machine.form(machine.assertion(), {"grant_type": ABSENT}), **rp.parameters(Login())}
    answer = machine.post(form, proof=proof(machine, nonce=nonce), path=PAR)
    assert (answer.status, answer.json) == (
        400,
        {"error": "use_dpop_nonce", "error_description": description},
    )
    assert requests_kept(sts) == 0
    machine.nonce = answer.headers["dpop-nonce"]
    again = machine.post(form, proof=proof(machine), path=PAR)
    accepted(again)
    assert "dpop-nonce" not in again.headers


@pytest.mark.covers("contract.39", "contract.44")
@pytest.mark.covers("par.dpop.invalid-proof")
@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"htm": "GET"}, "Invalid 'htm' value."),
        ({"htu": f"{ISSUER}/connect/token"}, "Invalid 'htu' value."),
        ({"htu": f"{ISSUER}/connect/authorize"}, "Invalid 'htu' value."),
        ({"jti": ABSENT}, "Invalid 'jti' value."),
    ],
    ids=str,
)
def test_a_wrong_proof_is_refused(sts: Emulator, rp: RelyingParty, claims: dict[str, Any], description: str) -> None:
    answer = rp.push(Login(), proof=proof(rp.machine, **claims))
    assert (answer.status, answer.json) == (
        400,
        {"error": "invalid_dpop_proof", "error_description": description},
    )
    assert "dpop-nonce" not in answer.headers
    assert requests_kept(sts) == 0


@pytest.mark.covers("par.dpop.invalid-proof")
def test_a_proof_serves_once(rp: RelyingParty) -> None:
    token = proof(rp.machine)
    accepted(rp.push(Login(), proof=token))
    refused(
        rp.push(Login(), proof=token), "invalid_dpop_proof", "Detected replay of DPoP proof token.", "dpop.single-use"
    )


@pytest.mark.covers("par.dpop.invalid-proof")
def test_something_that_is_no_proof_is_refused(rp: RelyingParty) -> None:
    refused(rp.push(Login(), proof="nonsense"), "invalid_dpop_proof", "Malformed DPoP token.", "dpop.readable")


MISMATCH = "The DPoP proof token used on the token endpoint does not match the original used on the authorize endpoint."


@pytest.mark.covers("contract.47")
@pytest.mark.covers("par.dpop.binds-code")
def test_a_proof_at_par_binds_the_code_to_its_key(rp: RelyingParty) -> None:
    for key, good in ((rp.machine.proof_jwk, True), (OTHER_KEY, False)):
        login = Login()
        pushed = rp.push(login, {"test_pid": PERSON}, proof=proof(rp.machine))
        code = answer_parameters(rp.browser().send("GET", rp.authorize_path(accepted(pushed))))["code"]
        answer = rp.redeem(login, code, proof={"jwk": key})
        if good:
            assert answer.status == 200
            assert answer.claims["cnf"] == {"jkt": thumbprint(key)}
        else:
            refused(answer, "invalid_dpop_proof", MISMATCH, "code.same-key")


@pytest.mark.covers("contract.47")
@pytest.mark.covers("par.dpop.jkt")
def test_dpop_jkt_binds_the_code_to_that_key(rp: RelyingParty) -> None:
    for key, good in ((OTHER_KEY, True), (rp.machine.proof_jwk, False)):
        login = Login()
        code = rp.log_in(login, {"dpop_jkt": thumbprint(OTHER_KEY)})["code"]
        answer = rp.redeem(login, code, proof={"jwk": key})
        if good:
            assert answer.status == 200
            assert answer.claims["cnf"] == {"jkt": thumbprint(OTHER_KEY)}
        else:
            refused(answer, "invalid_dpop_proof", MISMATCH, "code.same-key")


@pytest.mark.covers("par.dpop.jkt")
def test_a_bound_code_is_not_given_without_proof(sts: Emulator) -> None:
    rp = web(sts, dpop_bound_access_tokens=False)
    login = Login()
    code = rp.log_in(login, {"dpop_jkt": thumbprint(OTHER_KEY)})["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "scope": ABSENT}
    machine = rp.machine
    answer = machine.post(machine.form(machine.assertion(), {**form, "code_verifier": login.verifier}))
    refused(answer, "invalid_dpop_proof", MISMATCH, "code.same-key")


@pytest.mark.covers("par.dpop.jkt-and-proof")
def test_dpop_jkt_and_proof_must_agree(sts: Emulator, rp: RelyingParty) -> None:
    own = thumbprint(rp.machine.proof_jwk)
    accepted(rp.push(Login(), {"dpop_jkt": own}, proof=proof(rp.machine)))
    kept = requests_kept(sts)
    answer = rp.push(Login(), {"dpop_jkt": thumbprint(OTHER_KEY)}, proof=proof(rp.machine))
    assert (answer.status, answer.json["error"], answer.rule) == (
        400,
        "invalid_dpop_proof",
        "authorization-request.dpop-jkt",
    )
    assert requests_kept(sts) == kept


# Hostile


@pytest.mark.covers("par.hostile")
@pytest.mark.parametrize(
    "tail",
    [
        b"&x=%00",
        b"&state2=a%00b",
        b"&%00=x",
        b"&x=%ff%fe",
        b"&x=%ed%a0%80",
        b"&x=\xff",
        b"&x=\xc3\xa6",
        b"&client_id=web",
        b"&scope=openid",
        b"&a=1&a=2",
        b"&" + b"&".join(b"p%d=1" % number for number in range(300)),
    ],
    ids=repr,
)
def test_a_form_that_breaks_the_rules_is_refused_and_stores_nothing(
    sts: Emulator, rp: RelyingParty, tail: bytes
) -> None:
    form = {**rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT}), **rp.parameters(Login())}
    before = sts.row_counts()
    answer = rp.machine.post(urlencode(form).encode() + tail, path=PAR)
    assert answer.description
    refused(answer, "invalid_request", answer.description, "form.readable")
    assert sts.row_counts() == before


@pytest.mark.covers("par.hostile")
@pytest.mark.parametrize("name", ["redirect_uri", "scope", "code_challenge", "prompt", "max_age", "client_assertion"])
@pytest.mark.parametrize("value", ["a" * 100_000, "9" * 100_000, "a " * 50_000, "http://[" * 1000, "😀" * 5000])
def test_huge_values_are_refused_and_keep_no_request(sts: Emulator, rp: RelyingParty, name: str, value: str) -> None:
    answer = rp.push(Login(), {name: value})
    assert answer.status == 400
    assert set(answer.json) <= {"error", "error_description"}
    assert requests_kept(sts) == 0


@pytest.mark.covers("par.hostile")
def test_a_huge_body_is_not_read(sts: Emulator, rp: RelyingParty) -> None:
    before = sts.row_counts()
    answer = rp.push(Login(), {"state": "a" * 300_000})
    assert answer.status in (400, 413)
    assert answer.json["error"] == "invalid_request"
    assert sts.row_counts() == before
