"""Request objects by value, pushed and at the authorize endpoint, row by row."""

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from mock_sts.helseid.requirement import Enforcement
from tests.helseid.flow_cases import FLOW_CASES, request_object
from tests.support.emulator import Emulator, Worlds, register_api
from tests.support.examples import examples
from tests.support.keys import Jwk, private_jwk, public_jwk
from tests.support.logins import web
from tests.support.machine import ABSENT, Answer, Machine, b64, decode, raw_jws
from tests.support.relying_party import (
    AUTHORIZE,
    PAR,
    PERSON,
    REDIRECT_URI,
    Browser,
    Login,
    RelyingParty,
    anchor,
    answer_parameters,
    first_form,
    web_client,
)

ISSUER = "http://localhost:8080"
OTHER_KEY = private_jwk("ES256", 9)
INVALID = "Invalid JWT request"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
TYPS: dict[str, object] = {
    "standard": "oauth-authz-req+jwt",
    "samples": "client-authentication+jwt",
    "older": "JWT",
    "none": ABSENT,
}

PARENT_CLAIM = "helseid://claims/client/claims/orgnr_parent"
CHILD_CLAIM = "helseid://claims/client/claims/orgnr_child"
PARENT, CHILD = "999977774", "999977775"
ORGANIZATION = {
    "type": "helseid_authorization",
    "practitioner_role": {
        "organization": {
            "identifier": {"system": "urn:oid:2.16.578.1.12.4.1.4.101", "type": "ENH", "value": CHILD},
        }
    },
}
SINGLE_TENANT: dict[str, Any] = {"tenancy": "single-tenant", "organization": PARENT, "children": [CHILD]}


@pytest.fixture
def rp(sts: Emulator) -> RelyingParty:
    return web(sts)


@pytest.fixture
def front(sts: Emulator) -> RelyingParty:
    """A client that need not push its requests."""
    return web(sts, "front", require_pushed_authorization_requests=False)


def split(
    rp: RelyingParty, login: Login, inside: tuple[str, ...], changes: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters of a login that stand in the request object, those named ``inside``, and those beside it."""
    parameters = rp.parameters(login, changes)
    return (
        {name: value for name, value in parameters.items() if name in inside},
        {name: value for name, value in parameters.items() if name not in inside},
    )


EVERYTHING = (
    "response_type",
    "scope",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "state",
    "nonce",
    "test_pid",
    "response_mode",
    "resource",
    "max_age",
    "prompt",
    "acr_values",
)


def push(rp: RelyingParty, beside: Mapping[str, Any], request: str) -> Answer:
    """A pushed request that consists of ``request`` and of what stands ``beside`` it."""
    form = rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
    return rp.machine.post(urlencode({**form, **beside, "request": request}, doseq=True).encode(), path=PAR)


def authorize(rp: RelyingParty, parameters: Mapping[str, Any], browser: Browser | None = None) -> Answer:
    """A request of the front channel, by GET."""
    return (browser or rp.browser()).send("GET", f"{AUTHORIZE}?{urlencode(parameters, doseq=True)}")


def post(rp: RelyingParty, parameters: Mapping[str, Any], browser: Browser | None = None) -> Answer:
    """A request of the front channel, in a form."""
    return (browser or rp.browser()).send("POST", AUTHORIZE, {name: str(value) for name, value in parameters.items()})


def code_of(rp: RelyingParty, pushed: Answer, browser: Browser | None = None) -> dict[str, str]:
    assert pushed.status == 201, pushed.content
    path = rp.authorize_path(pushed.json["request_uri"])
    return answer_parameters((browser or rp.browser()).send("GET", path))


def tokens(
    rp: RelyingParty, login: Login, found: Mapping[str, str], changes: Mapping[str, Any] | None = None
) -> Answer:
    answer = rp.redeem(login, found["code"], changes)
    assert answer.status == 200, answer.content
    return answer


def refused(answer: Answer, rule: str, error: str = "invalid_request_object", description: str = INVALID) -> None:
    body = {"error": error, "error_description": description}
    assert (answer.status, answer.json, answer.rule) == (400, body, rule), answer.content


def ends_on_page(rp: RelyingParty, answer: Answer, rule: str, error: str, description: str) -> None:
    """Nothing travels to the client."""
    assert (answer.status, answer.rule) == (303, rule), answer.content
    assert answer.headers["location"].startswith("/home/error?errorId=")
    page = rp.browser().follow(answer)
    found = re.search(r'data-testid="error">([^<]*)<', page.content.decode())
    assert page.status == 400 and found is not None
    assert html.unescape(found[1]) == f"{error}: {description}"


def broken(sts: Emulator, endpoint: str) -> list[str]:
    """The rules that the newest request to ``endpoint`` broke."""
    entry = next(entry for entry in sts.journal() if entry["endpoint"] == endpoint)
    return [finding["rule"] for finding in entry["findings"]["broken"]]


def requests_kept(sts: Emulator) -> int:
    return sts.row_counts()["authorization_request"]


MODES = [mode.word for mode in Enforcement]


@pytest.mark.covers("request-object.par", "request-object.authorize")
@pytest.mark.parametrize("mode", MODES)
def test_a_correct_request_object_keeps_every_requirement(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    front_channel = mode in ("observe", "helseid")
    rp = web(sts, require_pushed_authorization_requests=not front_channel)
    inside, beside = split(rp, Login(), EVERYTHING, {"test_pid": PERSON, "response_mode": "form_post"})
    assert push(rp, beside, request_object(rp.machine, inside)).status == 201
    silent = {"request-object.no-contradiction", "request-object.form-post"}
    if front_channel:
        answer = post(rp, {**beside, "request": request_object(rp.machine, inside)})
        assert first_form(answer.content.decode())[0] == REDIRECT_URI
        silent = set()
    findings = [entry["findings"] for entry in sts.journal()]
    rules = {name for name in FLOW_CASES if name.startswith("request-object.")}
    silent |= {name for name in rules if FLOW_CASES[name].outcome(mode) == "unjudged"}
    assert rules - {rule for found in findings for rule in found["met"]} == silent
    broke = {finding["rule"] for found in findings for finding in found["broken"]}
    assert broke & rules == set()


@pytest.mark.covers("request-object.required")
def test_observe_records_that_a_request_object_is_missing(worlds: Worlds) -> None:
    sts = worlds.make(enforcement="observe")
    rp = web(sts, require_signed_request_object=True)
    assert rp.push(Login()).status == 201
    assert "authorization-request.signed" in broken(sts, "/connect/par")


@pytest.mark.covers("request-object.required")
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "observe"])
def test_a_client_may_be_registered_for_request_objects_only(worlds: Worlds, mode: str) -> None:
    sts = worlds.make(enforcement=mode)
    rp = web(sts, require_signed_request_object=True)
    inside, beside = split(rp, Login(), EVERYTHING, {"test_pid": PERSON})
    refused(rp.push(Login()), "authorization-request.signed", "invalid_request", "Request object required")
    refused(
        rp.push(Login(), {"request": ""}), "authorization-request.signed", "invalid_request", "Request object required"
    )
    unsigned = f"{b64(b'{}')}.{b64(json.dumps(inside).encode())}."
    refused(push(rp, beside, unsigned), "request-object.signature")
    assert requests_kept(sts) == 0
    assert "code" in code_of(rp, push(rp, beside, request_object(rp.machine, inside)))


@pytest.mark.covers("request-object.required")
def test_nor_may_it_come_unsigned_at_the_authorize_endpoint(worlds: Worlds) -> None:
    sts = worlds.make()
    rp = web(sts, require_signed_request_object=True, require_pushed_authorization_requests=False)
    for send in (authorize, post):
        inside, beside = split(rp, Login(), EVERYTHING, {"test_pid": PERSON})
        answer = send(rp, {**inside, **beside})
        ends_on_page(rp, answer, "authorization-request.signed", "invalid_request", "Request object required")
        signed = {**beside, "request": request_object(rp.machine, inside)}
        assert "code" in answer_parameters(send(rp, signed))


# Who signs it, and how


@pytest.mark.covers("contract.63")
@pytest.mark.covers("request-object.par", "request-object.typ", "cli.63")
@pytest.mark.parametrize("typ", TYPS.values(), ids=TYPS.keys())
def test_all_typs_are_taken_in_a_pushed_request(sts: Emulator, rp: RelyingParty, typ: object) -> None:
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON, "request": request_object(rp.machine, header={"typ": typ})})
    found = code_of(rp, pushed)
    assert found["state"] == login.state
    assert decode(tokens(rp, login, found).json["id_token"])[1]["nonce"] == login.nonce
    assert broken(sts, PAR) == []


@pytest.mark.covers("contract.63")
@pytest.mark.covers("request-object.authorize", "request-object.typ", "cli.63")
@pytest.mark.parametrize("send", [authorize, post], ids=["get", "post"])
@pytest.mark.parametrize("typ", TYPS.values(), ids=TYPS.keys())
def test_all_typs_are_taken_at_the_authorize_endpoint(
    front: RelyingParty, typ: object, send: Callable[..., Answer]
) -> None:
    login = Login()
    request = request_object(front.machine, header={"typ": typ})
    found = answer_parameters(send(front, front.parameters(login, {"test_pid": PERSON, "request": request})))
    assert found["state"] == login.state
    assert tokens(front, login, found).claims["aud"] == "test:api"


@pytest.mark.covers("request-object.typ")
def test_another_typ_is_recorded(sts: Emulator, rp: RelyingParty) -> None:
    assert rp.push(Login(), {"request": request_object(rp.machine, header={"typ": "at+jwt"})}).status == 201
    assert broken(sts, PAR) == ["request-object.typ"]


def key_for(algorithm: str) -> Jwk:
    return private_jwk(algorithm if algorithm.startswith("ES") else "RS256", 3)


@pytest.mark.covers("request-object.algorithms")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nine_algorithms_are_taken(sts: Emulator, algorithm: str) -> None:
    key = key_for(algorithm)
    rp = web(sts, keys=[private_jwk("ES256", 1), key])
    login = Login()
    request = request_object(rp.machine, header={"kid": key["kid"]}, jwk=key, alg=algorithm)
    assert decode(request)[0]["alg"] == algorithm
    assert tokens(rp, login, code_of(rp, push(rp, rp.parameters(login, {"test_pid": PERSON}), request))).status == 200


@pytest.mark.covers("request-object.signature")
@pytest.mark.parametrize("kid", [ABSENT, "unknown"], ids=["no kid", "unknown kid"])
def test_the_kid_is_only_a_hint(sts: Emulator, kid: object) -> None:
    second = private_jwk("ES384", 3)
    rp = web(sts, keys=[private_jwk("ES256", 1), second])
    request = request_object(rp.machine, header={"kid": kid}, jwk=second)
    assert push(rp, rp.parameters(Login()), request).status == 201


def forged(machine: Machine, algorithm: str) -> str:
    header, claims = decode(request_object(machine))
    parts = (json.dumps({**header, "alg": algorithm}).encode(), json.dumps(claims).encode())
    return raw_jws(*parts, machine.jwk, algorithm)


def altered(machine: Machine) -> str:
    header, _, signature = request_object(machine).split(".")
    _, claims = decode(request_object(machine))
    return f"{header}.{b64(json.dumps({**claims, 'scope': 'openid'}).encode())}.{signature}"


def embedded(machine: Machine) -> str:
    """Signed by a stranger, whose key it brings."""
    return request_object(machine, header={"jwk": public_jwk(OTHER_KEY)}, jwk=OTHER_KEY)


UNTRUSTED: dict[str, Callable[[Machine], str]] = {
    "a stranger's key": lambda machine: request_object(machine, jwk=OTHER_KEY),
    "a stranger's key, brought along": embedded,
    "none": lambda machine: forged(machine, "none"),
    "the public key as secret": lambda machine: forged(machine, "HS256"),
    "altered": altered,
    "without signature": lambda machine: request_object(machine).rsplit(".", 1)[0] + ".",
}


@pytest.mark.covers("contract.63")
@pytest.mark.covers("request-object.signature")
@pytest.mark.parametrize("make", UNTRUSTED.values(), ids=UNTRUSTED.keys())
@pytest.mark.parametrize("enforcement", ["observe", "helseid", "strict"])
def test_what_the_client_has_not_signed_is_refused(
    worlds: Worlds, enforcement: str, make: Callable[[Machine], str]
) -> None:
    sts = worlds.make(enforcement=enforcement)
    rp = web(sts)
    refused(push(rp, rp.parameters(Login()), make(rp.machine)), "request-object.signature")
    assert requests_kept(sts) == 0


@pytest.mark.covers("request-object.signature")
def test_a_request_object_of_another_client_is_refused(sts: Emulator, rp: RelyingParty, front: RelyingParty) -> None:
    other = web_client(sts, "other", jwk=OTHER_KEY, require_pushed_authorization_requests=False)
    theirs = request_object(other.machine)
    refused(push(rp, rp.parameters(Login()), theirs), "request-object.signature")
    answer = authorize(front, front.parameters(Login(), {"test_pid": PERSON, "request": theirs}))
    ends_on_page(front, answer, "request-object.signature", "invalid_request_object", INVALID)
    own_name = request_object(other.machine, {"client_id": "web", "iss": "web"})
    refused(push(rp, rp.parameters(Login()), own_name), "request-object.signature")


@pytest.mark.covers("contract.63")
@pytest.mark.covers("request-object.signature", "cli.63")
def test_a_wrong_key_is_refused_at_the_authorize_endpoint(sts: Emulator, front: RelyingParty) -> None:
    request = request_object(front.machine, jwk=OTHER_KEY)
    for send in (authorize, post):
        answer = send(front, front.parameters(Login(), {"test_pid": PERSON, "request": request}))
        ends_on_page(front, answer, "request-object.signature", "invalid_request_object", INVALID)
    assert sts.row_counts()["authorization_code"] == 0


@pytest.mark.covers("request-object.garbage")
@pytest.mark.parametrize(
    "request_text",
    ["nonsense", "a.b.c", "..", "e30.e30", f"e30.{b64(b'[]')}.AAAA", "å" * 50, "https://app.test/request.jwt", "{}"],
)
def test_what_is_no_jwt_is_refused(sts: Emulator, front: RelyingParty, request_text: str) -> None:
    parameters = front.parameters(Login(), {"test_pid": PERSON})
    refused(push(front, parameters, request_text), "request-object.readable")
    for send in (authorize, post):
        answer = send(front, {**parameters, "request": request_text})
        ends_on_page(front, answer, "request-object.readable", "invalid_request_object", INVALID)
    assert requests_kept(sts) == 0


@pytest.mark.covers("request-object.length")
def test_sixty_thousand_characters_are_read_and_more_are_not(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    beside = rp.parameters(login, {"test_pid": PERSON})
    large = request_object(rp.machine, {"padding": "a" * 44_000})
    assert 59_000 < len(large) < 65_536
    assert tokens(rp, login, code_of(rp, push(rp, beside, large))).status == 200
    too_large = request_object(rp.machine, {"padding": "a" * 50_000})
    refused(push(rp, beside, too_large), "request-object.readable")
    assert requests_kept(sts) == 1


# What it says of itself

CLAIMS: list[Any] = [
    ({"aud": "https://elsewhere.test"}, "request-object.audience"),
    ({"aud": f"{ISSUER}/connect/par"}, "request-object.audience"),
    ({"aud": f"{ISSUER}/connect/token"}, "request-object.audience"),
    ({"aud": [ISSUER, f"{ISSUER}/connect/token"]}, "request-object.audience"),
    ({"aud": []}, "request-object.audience"),
    ({"aud": {"a": ISSUER}}, "request-object.audience"),
    ({"aud": ABSENT}, "request-object.audience"),
    ({"iss": "other"}, "request-object.issuer"),
    ({"iss": ABSENT}, "request-object.issuer"),
    ({"iss": ["web"]}, "request-object.issuer"),
    ({"client_id": "other"}, "request-object.client-id"),
    ({"exp": ABSENT}, "request-object.expires"),
    ({"exp": "soon"}, "request-object.expires"),
    ({"exp": True}, "request-object.expires"),
    ({"exp": 1_800_000_000 - 300}, "request-object.expires"),
    ({"exp": 0}, "request-object.expires"),
    ({"exp": -(2**62)}, "request-object.expires"),
    ({"nbf": 1_800_000_000 + 301}, "request-object.not-before"),
    ({"nbf": 2**62}, "request-object.not-before"),
    ({"request": "x"}, "request-object.nested"),
    ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "request-object.nested"),
    ({"request": None}, "request-object.nested"),
]


@pytest.mark.covers(
    "request-object.audience",
    "request-object.issuer",
    "request-object.client-id",
    "request-object.times",
    "request-object.nested",
)
@pytest.mark.parametrize(("claims", "rule"), CLAIMS, ids=str)
def test_wrong_claims_are_refused(
    sts: Emulator, rp: RelyingParty, front: RelyingParty, claims: dict[str, Any], rule: str
) -> None:
    refused(push(rp, rp.parameters(Login()), request_object(rp.machine, claims)), rule)
    mine = {**claims, "iss": ["front"]} if claims.get("iss") == ["web"] else claims
    request = request_object(front.machine, mine)
    answer = authorize(front, front.parameters(Login(), {"test_pid": PERSON, "request": request}))
    ends_on_page(front, answer, rule, "invalid_request_object", INVALID)
    assert requests_kept(sts) == 0


GOOD: list[dict[str, Any]] = [
    {"aud": [ISSUER]},
    {"aud": f"{ISSUER}/"},
    {"exp": 1_800_000_000 - 9},
    {"exp": 1_800_000_060},
    {"exp": "1800000030"},
    {"nbf": 1_800_000_000 + 10},
    {"nbf": ABSENT},
    {"iat": ABSENT},
    {"iat": "1800000000"},
    {"sub": ABSENT},
    {"sub": "somebody"},
]


@pytest.mark.covers("request-object.audience", "request-object.times")
@pytest.mark.parametrize("claims", GOOD, ids=str)
def test_right_claims_are_taken(sts: Emulator, rp: RelyingParty, claims: dict[str, Any]) -> None:
    assert push(rp, rp.parameters(Login()), request_object(rp.machine, claims)).status == 201
    assert broken(sts, PAR) == []


@pytest.mark.covers("request-object.times")
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_800_000_000 - 10},
        {"exp": 1_800_000_000 - 299},
        {"nbf": 1_800_000_000 + 11},
        {"nbf": 1_800_000_000 + 300},
        {"iat": 1_800_000_000 + 11},
        {"iat": 1_800_000_000 + 120},
    ],
    ids=str,
)
def test_a_clock_that_is_ten_seconds_off_is_recorded_and_refused_in_strict_and_fapi2(
    worlds: Worlds, claims: dict[str, Any]
) -> None:
    sts = worlds.make()
    rp = web_client(sts)
    assert push(rp, rp.parameters(Login()), request_object(rp.machine, claims)).status == 201
    assert broken(sts, PAR) == ["request-object.clock"]
    for enforcement in ("strict", "fapi2"):
        exact = web_client(worlds.make(enforcement=enforcement))
        answer = push(exact, exact.parameters(Login()), request_object(exact.machine, claims))
        refused(answer, "request-object.clock")


@pytest.mark.covers("request-object.unreadable-member")
@pytest.mark.parametrize(
    "inside",
    [
        {"redirect_uri": {"a": 1}},
        {"redirect_uri": ["http://localhost"]},
        {"resource": [5]},
        {"resource": {}},
        {"state": None},
        {"nonce": 1.5},
        {"scope": [["openid"]]},
        {"prompt": True},
        {"test_pid": {"x": "y"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with one outside"])
def test_a_signed_parameter_of_another_type_makes_no_way_for_an_unsigned_one(
    sts: Emulator, rp: RelyingParty, inside: dict[str, Any], beside: bool
) -> None:
    name = next(iter(inside))
    outer = rp.parameters(Login(), {"resource": "test:api", "prompt": "login", "test_pid": PERSON})
    if not beside:
        del outer[name]
    refused(push(rp, outer, request_object(rp.machine, inside)), "request-object.members")
    assert requests_kept(sts) == 0


RECORDED: list[Any] = [
    ({"jti": ABSENT}, 10, "request-object.jti"),
    ({"jti": ""}, 10, "request-object.jti"),
    ({"jti": 7}, 10, "request-object.jti"),
    ({}, 62, "request-object.lifetime"),
    ({}, 86_400, "request-object.lifetime"),
    ({"client_id": ABSENT}, 10, "request-object.client-id-present"),
]


@pytest.mark.covers("contract.64")
@pytest.mark.covers("request-object.lifetime", "request-object.jti", "request-object.client-id.absent")
@pytest.mark.parametrize(("claims", "lifetime", "rule"), RECORDED, ids=str)
def test_what_helseid_lets_through_is_recorded_and_strict_refuses_it(
    worlds: Worlds, claims: dict[str, Any], lifetime: int, rule: str
) -> None:
    lax = web(worlds.make())
    login = Login()
    request = request_object(lax.machine, claims, lifetime=lifetime)
    answer = push(lax, lax.parameters(login, {"test_pid": PERSON}), request)
    assert tokens(lax, login, code_of(lax, answer)).status == 200
    strict_sts = worlds.make(enforcement="strict")
    strict = web(strict_sts)
    request = request_object(strict.machine, claims, lifetime=lifetime)
    refused(push(strict, strict.parameters(Login()), request), rule)
    assert rule in broken(strict_sts, PAR)


@pytest.mark.covers("request-object.lifetime")
def test_sixty_seconds_are_short_enough_for_strict(worlds: Worlds) -> None:
    rp = web(worlds.make(enforcement="strict"))
    assert push(rp, rp.parameters(Login()), request_object(rp.machine, lifetime=60)).status == 201


@pytest.mark.covers("request-object.jti")
def test_the_same_request_object_may_come_again(rp: RelyingParty) -> None:
    request = request_object(rp.machine)
    assert [push(rp, rp.parameters(Login()), request).status for _ in range(2)] == [201, 201]


# What stands inside, and what beside


@pytest.mark.covers("contract.64")
@pytest.mark.covers("request-object.merge.only-times")
def test_the_older_python_web_sample_puts_nothing_into_it(sts: Emulator, front: RelyingParty) -> None:
    login = Login()
    request = request_object(front.machine, {"client_id": ABSENT}, header={"typ": "JWT"})
    assert set(decode(request)[1]) == {"iss", "sub", "aud", "nbf", "iat", "exp", "jti"}
    found = answer_parameters(authorize(front, front.parameters(login, {"test_pid": PERSON, "request": request})))
    assert found["state"] == login.state
    assert decode(tokens(front, login, found).json["id_token"])[1]["nonce"] == login.nonce


@pytest.mark.covers("request-object.merge.repeated")
@pytest.mark.parametrize("send", [authorize, post], ids=["get", "post"])
def test_the_older_go_web_sample_puts_everything_into_it_and_repeats_it(
    sts: Emulator, front: RelyingParty, send: Callable[..., Answer]
) -> None:
    login = Login()
    parameters = front.parameters(login, {"test_pid": PERSON})
    request = request_object(front.machine, parameters, header={"typ": ABSENT})
    found = answer_parameters(send(front, {**parameters, "request": request}))
    assert found["state"] == login.state
    assert tokens(front, login, found).claims["aud"] == "test:api"


@pytest.mark.covers("request-object.merge.all-inside")
@pytest.mark.parametrize("send", [authorize, post, push], ids=["get", "post", "pushed"])
def test_everything_may_stand_inside(front: RelyingParty, send: Callable[..., Answer]) -> None:
    login = Login()
    inside, beside = split(front, login, EVERYTHING, {"test_pid": PERSON, "response_mode": "form_post"})
    assert set(beside) == {"client_id"}
    request = request_object(front.machine, inside)
    if send is push:
        answer = push(front, beside, request)
        assert answer.status == 201, answer.content
        answer = front.browser().send("GET", front.authorize_path(answer.json["request_uri"]))
    else:
        answer = send(front, {**beside, "request": request})
    action, found = first_form(answer.content.decode())
    assert (answer.status, action, found["state"]) == (200, REDIRECT_URI, login.state)
    assert decode(tokens(front, login, found).json["id_token"])[1]["nonce"] == login.nonce


@pytest.mark.covers("request-object.client-id.inside-only")
@pytest.mark.parametrize("inside", [{}, {"client_id": ABSENT}], ids=["client_id", "iss"])
def test_the_client_may_be_named_inside_only(front: RelyingParty, inside: dict[str, Any]) -> None:
    login = Login()
    parameters = {name: value for name, value in front.parameters(login).items() if name != "client_id"}
    request = request_object(front.machine, {**parameters, **inside})
    found = answer_parameters(authorize(front, {"request": request, "test_pid": PERSON}))
    assert tokens(front, login, found).status == 200


@pytest.mark.covers("request-object.client-id.inside-only")
@pytest.mark.parametrize("inside", [{"client_id": "stranger"}, {"client_id": ABSENT, "iss": ABSENT}], ids=str)
def test_a_client_that_is_not_registered_or_not_named_is_none(front: RelyingParty, inside: dict[str, Any]) -> None:
    request = request_object(front.machine, inside)
    parameters = {name: value for name, value in front.parameters(Login()).items() if name != "client_id"}
    answer = authorize(front, {**parameters, "request": request})
    assert answer.headers["location"].startswith("/home/error?errorId=")
    page = front.browser().follow(answer).content.decode()
    assert "unauthorized_client: Unknown client or client not enabled" in page


@pytest.mark.covers("request-object.client-id")
def test_a_client_id_beside_it_must_be_the_signers(sts: Emulator, front: RelyingParty) -> None:
    web_client(sts, "other", jwk=OTHER_KEY, require_pushed_authorization_requests=False)
    parameters = front.parameters(Login(), {"test_pid": PERSON, "client_id": "other"})
    answer = authorize(front, {**parameters, "request": request_object(front.machine)})
    ends_on_page(front, answer, "request-object.signature", "invalid_request_object", INVALID)


PARTS = ["redirect_uri", "scope", "response_type", "state", "nonce", "code_challenge", "test_pid"]


@pytest.mark.covers("contract.64")
@pytest.mark.covers("request-object.merge.gaps", "cli.64")
@pytest.mark.parametrize("inside", [*((name,) for name in PARTS), tuple(PARTS[:3]), tuple(PARTS[3:])], ids=str)
@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "front"])
def test_each_parameter_may_stand_on_either_side(front: RelyingParty, inside: tuple[str, ...], pushed: bool) -> None:
    login = Login()
    within, beside = split(front, login, inside, {"test_pid": PERSON})
    request = request_object(front.machine, within)
    if pushed:
        found = code_of(front, push(front, beside, request))
    else:
        found = answer_parameters(authorize(front, {**beside, "request": request}))
    assert found["state"] == login.state
    answer = tokens(front, login, found)
    claims = decode(answer.json["id_token"])[1]
    assert (claims["nonce"], claims["helseid://claims/identity/pid"]) == (login.nonce, PERSON)
    assert answer.json["scope"] == front.scopes


@pytest.mark.covers("request-object.merge.missing")
@pytest.mark.parametrize("name", ["redirect_uri", "scope", "response_type", "code_challenge"])
def test_what_stands_nowhere_is_missing(rp: RelyingParty, name: str) -> None:
    login = Login()
    inside, beside = split(rp, login, ("state", "nonce"), {name: ABSENT})
    answer = push(rp, beside, request_object(rp.machine, inside))
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert answer.rule is not None and answer.rule.startswith("authorization-request.")


@pytest.mark.covers("request-object.par.repeated")
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, None) for name in PARTS] + [("resource", "test:api"), ("max_age", "60"), ("prompt", "login")],
)
def test_par_refuses_what_stands_in_both_even_if_it_is_equal(
    sts: Emulator, rp: RelyingParty, name: str, value: str | None
) -> None:
    parameters = rp.parameters(Login(), {"test_pid": PERSON, **({} if value is None else {name: value})})
    answer = push(rp, parameters, request_object(rp.machine, {name: parameters[name]}))
    refused(answer, "request-object.not-repeated", "invalid_request", "Invalid request")
    assert requests_kept(sts) == 0


@pytest.mark.covers("request-object.par.repeated")
@pytest.mark.parametrize("name", ["client_id", "client_assertion", "client_assertion_type"])
def test_who_asks_may_stand_in_both(rp: RelyingParty, name: str) -> None:
    request = request_object(rp.machine, {name: "web"})
    assert push(rp, rp.parameters(Login()), request).status == 201


@pytest.mark.covers("request-object.par.repeated", "request-object.details.both")
@pytest.mark.parametrize("same", [True, False], ids=["equal", "different"])
def test_par_refuses_details_in_both(sts: Emulator, same: bool) -> None:
    rp = web(sts, **SINGLE_TENANT)
    beside = [ORGANIZATION] if same else [{"type": "nhn:sfm:journal-id", "value": {"journal_id": "1"}}]
    parameters = rp.parameters(Login(), {"authorization_details": json.dumps(beside)})
    answer = push(rp, parameters, request_object(rp.machine, {"authorization_details": [ORGANIZATION]}))
    refused(answer, "request-object.not-repeated", "invalid_request", "Invalid request")


DIFFERENT: list[tuple[str, Any, str]] = [
    ("redirect_uri", "http://localhost:8089/other", REDIRECT_URI),
    ("scope", "openid", "openid profile"),
    ("state", "inside", "outside"),
    ("nonce", "inside", "outside"),
    ("max_age", 60, "61"),
    ("resource", ["test:api"], "test:other"),
    ("resource", ["test:api", "test:other"], "test:api"),
    ("prompt", "login", "consent"),
    ("test_pid", "16858399649", PERSON),
    ("response_mode", "query", "form_post"),
]


@pytest.mark.covers("request-object.authorize.mismatch")
@pytest.mark.parametrize(("name", "inside", "outside"), DIFFERENT, ids=str)
@pytest.mark.parametrize("send", [authorize, post], ids=["get", "post"])
def test_the_authorize_endpoint_refuses_what_differs(
    sts: Emulator, front: RelyingParty, name: str, inside: Any, outside: str, send: Callable[..., Answer]
) -> None:
    request = request_object(front.machine, {name: inside})
    parameters = front.parameters(Login(), {"test_pid": PERSON, name: outside, "request": request})
    ends_on_page(
        front,
        send(front, parameters),
        "request-object.no-contradiction",
        "invalid_request",
        "Parameter mismatch in JWT request",
    )
    assert sts.row_counts()["authorization_code"] == 0


@pytest.mark.covers("request-object.merge.repeated")
@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("max_age", 60, "60"),
        ("scope", ["openid", "test:api/read"], "openid test:api/read"),
        ("resource", ["test:api"], "test:api"),
        ("acr_values", ["Level4"], "Level4"),
    ],
)
def test_a_list_or_a_number_equals_its_text(front: RelyingParty, name: str, inside: Any, outside: str) -> None:
    login = Login()
    request = request_object(front.machine, {name: inside})
    parameters = front.parameters(login, {"test_pid": PERSON, name: outside, "request": request})
    assert tokens(front, login, answer_parameters(authorize(front, parameters))).status == 200


# Single parameters


@pytest.mark.covers("request-object.parameters")
def test_resources_may_be_a_list(sts: Emulator) -> None:
    rp = web(sts, scope="openid offline_access test:api/read nhn:x/read nhn:y/read")
    register_api(sts.store, "nhn:x", scopes=["nhn:x/read"])
    register_api(sts.store, "nhn:y", scopes=["nhn:y/read"])
    rp.scopes = "openid offline_access test:api/read nhn:x/read nhn:y/read"
    login = Login()
    request = request_object(rp.machine, {"resource": ["nhn:x", "nhn:y"], "test_pid": PERSON})
    found = code_of(rp, push(rp, rp.parameters(login), request))
    answer = tokens(rp, login, found, {"resource": "nhn:y"})
    assert answer.claims["aud"] == "nhn:y"
    other = rp.refresh(answer.json["refresh_token"], {"resource": "test:api"})
    assert (other.status, other.error) == (400, "invalid_target")
    assert rp.refresh(answer.json["refresh_token"], {"resource": "nhn:x"}).claims["aud"] == "nhn:x"


@pytest.mark.covers("request-object.parameters")
def test_an_unknown_resource_inside_is_refused(rp: RelyingParty) -> None:
    answer = push(rp, rp.parameters(Login()), request_object(rp.machine, {"resource": ["test:api", "nhn:unknown"]}))
    refused(answer, "authorization-request.resource-known", "invalid_target", "Invalid resource indicator")


@pytest.mark.covers("request-object.parameters")
def test_max_age_may_be_a_number(sts: Emulator, rp: RelyingParty) -> None:
    browser = rp.browser()
    code_of(rp, rp.push(Login(), {"test_pid": PERSON}), browser)
    sts.clock.advance(100)
    for max_age, silent in ((101, True), (99, False)):
        request = request_object(rp.machine, {"max_age": max_age})
        pushed = push(rp, rp.parameters(Login()), request)
        answer = browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))
        assert answer.headers["location"].startswith(REDIRECT_URI if silent else "/Account/Login?")


@pytest.mark.covers("request-object.parameters")
@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        ({"max_age": -1}, "authorization-request.max-age"),
        ({"prompt": ["none", "login"]}, "authorization-request.prompt-none-alone"),
        ({"scope": ["openid", "test:api/write"]}, "authorization-request.scope-allowed"),
        ({"redirect_uri": "https://evil.test/callback"}, "authorization-request.redirect-uri"),
        ({"code_challenge_method": "plain"}, "authorization-request.challenge-method"),
        ({"response_type": "token"}, "authorization-request.response-type"),
    ],
    ids=str,
)
def test_what_stands_inside_is_judged_like_the_rest(rp: RelyingParty, inside: dict[str, Any], rule: str) -> None:
    beside = {name: value for name, value in rp.parameters(Login()).items() if name not in inside}
    answer = push(rp, beside, request_object(rp.machine, inside))
    assert (answer.status, answer.rule) == (400, rule)


@pytest.mark.covers("request-object.parameters")
def test_scope_may_be_a_list(rp: RelyingParty) -> None:
    login = Login()
    inside, beside = split(rp, login, ("scope",), {"test_pid": PERSON})
    words = inside["scope"].split()
    answer = tokens(rp, login, code_of(rp, push(rp, beside, request_object(rp.machine, {"scope": words}))))
    assert answer.json["scope"] == " ".join(words)


@pytest.mark.covers("request-object.test-parameters")
@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "front"])
def test_the_parameters_of_the_testidp_may_stand_inside(front: RelyingParty, pushed: bool) -> None:
    login = Login()
    request = request_object(front.machine, {"test_pid": PERSON, "test_security_level": "3"})
    parameters = front.parameters(login)
    if pushed:
        found = code_of(front, push(front, parameters, request))
    else:
        found = answer_parameters(authorize(front, {**parameters, "request": request}))
    claims = decode(tokens(front, login, found).json["id_token"])[1]
    assert claims["helseid://claims/identity/pid"] == PERSON
    assert claims["helseid://claims/identity/security_level"] == "3"


STATES = ["s" * 5_000, "æøå \"'<>&+%20#" * 380, "{}", "a b\tc\r\nd"]


@pytest.mark.covers("request-object.state")
@pytest.mark.parametrize("mode", ["query", "form_post"])
@pytest.mark.parametrize("state", STATES, ids=["long", "odd", "json", "control"])
def test_a_state_inside_comes_back_as_it_was(rp: RelyingParty, state: str, mode: str) -> None:
    login = Login()
    inside, beside = split(rp, login, EVERYTHING, {"test_pid": PERSON, "state": state, "response_mode": mode})
    found = code_of(rp, push(rp, beside, request_object(rp.machine, inside)))
    assert found["state"] == state
    assert tokens(rp, login, found).status == 200


@pytest.mark.covers("request-object.dpop-jkt")
def test_dpop_jkt_inside_binds_the_code(rp: RelyingParty) -> None:
    login = Login()
    rp.machine.learn_nonce()
    known = rp.redeem(login, rp.log_in(login)["code"]).claims["cnf"]["jkt"]
    login = Login()
    request = request_object(rp.machine, {"dpop_jkt": known, "test_pid": PERSON})
    code = code_of(rp, push(rp, rp.parameters(login), request))["code"]
    answer = rp.redeem(login, code, proof={"jwk": OTHER_KEY})
    assert (answer.status, answer.rule) == (400, "code.same-key")


# Together with request_uri, and twice


@pytest.mark.covers("request-object.request-uri")
def test_par_takes_no_request_uri_beside_it(rp: RelyingParty) -> None:
    parameters = rp.parameters(Login(), {"request_uri": "urn:ietf:params:oauth:request_uri:x"})
    answer = push(rp, parameters, request_object(rp.machine))
    refused(
        answer,
        "authorization-request.no-request-uri",
        "invalid_request",
        "Pushed authorization cannot use request_uri",
    )


@pytest.mark.covers("request-object.request-uri")
def test_beside_a_pushed_request_a_request_object_is_ignored_and_recorded(sts: Emulator, rp: RelyingParty) -> None:
    login = Login()
    pushed = rp.push(login, {"test_pid": PERSON})
    request = request_object(rp.machine, {"state": "another", "test_pid": "16858399649"})
    path = rp.authorize_path(pushed.json["request_uri"], request=request)
    found = answer_parameters(rp.browser().send("GET", path))
    assert found["state"] == login.state
    assert broken(sts, AUTHORIZE) == ["request-uri.alone"]


@pytest.mark.covers("request-object.request-uri")
def test_a_request_uri_of_the_clients_own_is_not_fetched(front: RelyingParty) -> None:
    answer = authorize(front, {**front.parameters(Login()), "request_uri": "https://app.test/request.jwt"})
    ends_on_page(front, answer, "request-uri.fresh", "invalid_request_uri", "invalid or reused PAR request uri")


@pytest.mark.covers("request-object.garbage")
def test_two_request_objects_are_one_too_many(rp: RelyingParty) -> None:
    pairs = {**rp.parameters(Login()), "request": [request_object(rp.machine), request_object(rp.machine)]}
    form = rp.machine.form(rp.machine.assertion(), {"grant_type": ABSENT, "scope": ABSENT})
    answer = rp.machine.post(urlencode({**form, **pairs}, doseq=True).encode(), path=PAR)
    assert (answer.status, answer.error, answer.rule) == (400, "invalid_request", "form.readable")


# form_post


@pytest.mark.covers("request-object.form-post")
@pytest.mark.parametrize(
    ("send", "mode", "kept"),
    [(authorize, ABSENT, False), (authorize, "form_post", False), (post, ABSENT, False), (post, "form_post", True)],
    ids=["get", "get form_post", "post", "post form_post"],
)
def test_a_get_or_a_missing_form_post_is_only_recorded(
    sts: Emulator, front: RelyingParty, send: Callable[..., Answer], mode: object, kept: bool
) -> None:
    login = Login()
    parameters = front.parameters(login, {"test_pid": PERSON, "response_mode": mode})
    found = answer_parameters(send(front, {**parameters, "request": request_object(front.machine)}))
    assert found["state"] == login.state
    assert ("request-object.form-post" in broken(sts, AUTHORIZE)) is not kept


@pytest.mark.covers("request-object.form-post")
def test_form_post_may_stand_inside(sts: Emulator, front: RelyingParty) -> None:
    login = Login()
    request = request_object(front.machine, {"response_mode": "form_post"})
    answer = post(front, front.parameters(login, {"test_pid": PERSON, "request": request}))
    assert first_form(answer.content.decode())[0] == REDIRECT_URI
    assert "request-object.form-post" not in broken(sts, AUTHORIZE)


@pytest.mark.covers("request-object.authorize")
def test_a_client_that_must_push_must_push_its_request_object(rp: RelyingParty) -> None:
    request = request_object(rp.machine)
    answer = authorize(rp, rp.parameters(Login(), {"test_pid": PERSON, "request": request}))
    ends_on_page(rp, answer, "authorization-request.pushed", "invalid_request", "Pushed authorization is required.")


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    *EVERYTHING,
    *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "request", "request_uri", "dpop_jkt"),
    *("authorization_details", "login_hint", "ui_locales", "on_behalf_of", "test_hpr_number", "test_security_level"),
]


@pytest.mark.covers("request-object.garbage")
@pytest.mark.parametrize("enforcement", ["observe", "helseid"])
@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(claims=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6), kept=st.booleans())
@pytest.mark.slow
def test_whatever_a_client_signs_is_taken_or_refused(
    sts: Emulator, enforcement: str, claims: dict[str, Any], kept: bool
) -> None:
    rp = web(sts, require_pushed_authorization_requests=False, enforcement=enforcement)
    parameters = rp.parameters(Login(), {"test_pid": PERSON})
    beside = {name: value for name, value in parameters.items() if kept or name not in claims}
    request = request_object(rp.machine, claims)
    pushed = push(rp, beside, request)
    assert pushed.status in (201, 400), pushed.content
    if pushed.status == 201:
        answer = rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))
        assert answer.status in (200, 302, 303), answer.content
    for send in (authorize, post):
        answer = send(rp, {**beside, "client_id": rp.machine.client_id, "request": request})
        assert answer.status in (200, 302, 303), answer.content


# Through the pages


def log_in(browser: Browser, first: Answer) -> dict[str, str]:
    """From the first redirect through the pages to the parameters of the answer."""
    page = browser.follow(first)
    assert page.status == 200, page.content
    page = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    action, fields = first_form(page.content.decode())
    typed = {**fields, "Pid": PERSON, "SecurityLevel": "4", "HprNumber": ""}
    return answer_parameters(browser.follow(browser.send("POST", action, typed)))


@pytest.mark.covers("request-object.login-pages")
@pytest.mark.parametrize("how", ["get", "post", "pushed"])
def test_nothing_is_lost_over_the_login_pages(sts: Emulator, how: str) -> None:
    scopes = "openid offline_access helseid://scopes/identity/pid test:api/read second:api/read"
    register_api(sts.store, "second:api", scopes=["second:api/read"])
    members = {**SINGLE_TENANT, "require_pushed_authorization_requests": False, "scope": scopes}
    rp = web(sts, **members)
    rp.scopes = scopes
    login, browser = Login(state="t" * 5_000), rp.browser()
    wishes = {
        "response_mode": "form_post",
        "resource": ["test:api", "second:api"],
        "max_age": 600,
        "prompt": "login",
        "acr_values": "Level4",
    }
    inside, beside = split(rp, login, EVERYTHING, wishes)
    request = request_object(rp.machine, {**inside, "authorization_details": [ORGANIZATION]})
    if how == "pushed":
        pushed = push(rp, beside, request)
        first = browser.send("GET", rp.authorize_path(pushed.json["request_uri"]))
    else:
        first = (authorize if how == "get" else post)(rp, {**beside, "request": request}, browser)
    assert urlsplit(first.headers["location"]).path == "/Account/Login"
    sts.clock.advance(200)
    rp.machine.nonce = None
    found = log_in(browser, first)
    assert found["state"] == login.state
    answer = tokens(rp, login, found, {"resource": "second:api"})
    assert decode(answer.json["id_token"])[1]["nonce"] == login.nonce
    assert (answer.claims["aud"], answer.claims[CHILD_CLAIM]) == ("second:api", CHILD)
    again = rp.refresh(answer.json["refresh_token"], {"resource": "test:api"})
    assert (again.claims["aud"], again.claims[CHILD_CLAIM]) == ("test:api", CHILD)


@pytest.mark.covers("request-object.login-pages")
def test_a_login_that_is_cancelled_tells_the_client(front: RelyingParty) -> None:
    login, browser = Login(), front.browser()
    inside, beside = split(front, login, EVERYTHING)
    first = authorize(front, {**beside, "request": request_object(front.machine, inside)}, browser)
    page = browser.follow(first)
    page = browser.follow(browser.send("GET", anchor(page.content.decode(), "Test IDP")))
    cancel = re.search(r'<(?:a|button)\b[^>]*id="login-cancel"[^>]*>', page.content.decode())
    assert cancel is not None, page.content
    action, fields = first_form(page.content.decode())
    name_and_value = re.search(r'name="([^"]*)"[^>]*value="([^"]*)"', cancel[0])
    if name_and_value is not None:
        answer = browser.follow(browser.send("POST", action, {**fields, name_and_value[1]: name_and_value[2]}))
    else:
        answer = browser.follow(browser.send("GET", anchor(page.content.decode(), "login-cancel")))
    found = answer_parameters(answer)
    assert (found["error"], found["state"]) == ("access_denied", login.state)


@pytest.mark.covers("request-object.single-sign-on")
@pytest.mark.parametrize("how", ["get", "post", "pushed"])
def test_a_session_answers_a_request_object_without_a_page(front: RelyingParty, how: str) -> None:
    browser = front.browser()
    code_of(front, front.push(Login(), {"test_pid": PERSON}), browser)
    login = Login()
    inside, beside = split(front, login, EVERYTHING)
    request = request_object(front.machine, inside)
    if how == "pushed":
        found = code_of(front, push(front, beside, request), browser)
    else:
        send = authorize if how == "get" else post
        found = answer_parameters(send(front, {**beside, "request": request}, browser))
    assert found["state"] == login.state
    assert decode(tokens(front, login, found).json["id_token"])[1]["helseid://claims/identity/pid"] == PERSON


@pytest.mark.covers("request-object.single-sign-on")
def test_prompt_none_inside_without_a_session_is_login_required(front: RelyingParty) -> None:
    login = Login()
    inside, beside = split(front, login, EVERYTHING, {"prompt": "none"})
    found = answer_parameters(authorize(front, {**beside, "request": request_object(front.machine, inside)}))
    assert (found["error"], found["state"], found["iss"]) == ("login_required", login.state, ISSUER)


# Details

FORMS: dict[str, Any] = {
    "object": ORGANIZATION,
    "array": [ORGANIZATION],
    "object as text": json.dumps(ORGANIZATION),
    "array as text": json.dumps([ORGANIZATION]),
}


@pytest.mark.covers("contract.37")
@pytest.mark.covers("request-object.details", "cli.37")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "front"])
def test_details_inside_are_in_every_token_of_the_login(sts: Emulator, form: Any, pushed: bool) -> None:
    rp = web(sts, require_pushed_authorization_requests=False, **SINGLE_TENANT)
    login = Login()
    request = request_object(rp.machine, {"authorization_details": form, "test_pid": PERSON})
    if pushed:
        found = code_of(rp, push(rp, rp.parameters(login), request))
    else:
        found = answer_parameters(authorize(rp, {**rp.parameters(login), "request": request}))
    answer = tokens(rp, login, found)
    assert [answer.claims[name] for name in (PARENT_CLAIM, CHILD_CLAIM)] == [PARENT, CHILD]
    for _ in range(2):
        answer = rp.refresh(answer.json["refresh_token"])
        assert answer.status == 200, answer.content
        assert [answer.claims[name] for name in (PARENT_CLAIM, CHILD_CLAIM)] == [PARENT, CHILD]


@pytest.mark.covers("request-object.details")
def test_the_next_login_of_the_session_has_no_details_of_the_first(sts: Emulator) -> None:
    rp = web(sts, **SINGLE_TENANT)
    browser, login = rp.browser(), Login()
    request = request_object(rp.machine, {"authorization_details": ORGANIZATION, "test_pid": PERSON})
    first = tokens(rp, login, code_of(rp, push(rp, rp.parameters(login), request), browser))
    assert first.claims[CHILD_CLAIM] == CHILD
    login = Login()
    second = tokens(rp, login, code_of(rp, rp.push(login), browser))
    assert CHILD_CLAIM not in second.claims
    assert second.claims["sid"] == first.claims["sid"]


WRONG_DETAILS: list[Any] = [
    ("nonsense", "details.readable", "invalid_request"),
    ("{", "details.readable", "invalid_request"),
    (7, "details.readable", "invalid_request"),
    (None, "details.readable", "invalid_request"),
    ([{"practitioner_role": {}}], "details.readable", "invalid_request"),
    ([{"type": "helseid_authorization"}], "details.readable", "invalid_request"),
    ([ORGANIZATION, ORGANIZATION], "details.double-structure", "access_denied"),
]


@pytest.mark.covers("request-object.details.wrong")
@pytest.mark.parametrize(("value", "rule", "error"), WRONG_DETAILS, ids=str)
def test_wrong_details_inside_are_refused_when_the_login_begins(
    sts: Emulator, value: Any, rule: str, error: str
) -> None:
    rp = web(sts, **SINGLE_TENANT)
    answer = push(rp, rp.parameters(Login()), request_object(rp.machine, {"authorization_details": value}))
    assert (answer.status, answer.error, answer.rule) == (400, error, rule)
    assert requests_kept(sts) == 0


@pytest.mark.covers("request-object.details.wrong")
def test_details_of_a_request_object_that_is_not_signed_by_the_client_are_not_read(sts: Emulator) -> None:
    rp = web(sts, **SINGLE_TENANT)
    request = request_object(rp.machine, {"authorization_details": ORGANIZATION}, jwk=OTHER_KEY)
    refused(push(rp, rp.parameters(Login()), request), "request-object.signature")


@pytest.mark.covers("request-object.details.both")
def test_at_the_authorize_endpoint_equal_details_may_stand_in_both(sts: Emulator) -> None:
    rp = web(sts, require_pushed_authorization_requests=False, **SINGLE_TENANT)
    login = Login()
    request = request_object(rp.machine, {"authorization_details": [ORGANIZATION], "test_pid": PERSON})
    parameters = {**rp.parameters(login), "authorization_details": json.dumps([ORGANIZATION]), "request": request}
    assert tokens(rp, login, answer_parameters(authorize(rp, parameters))).claims[CHILD_CLAIM] == CHILD


@pytest.mark.covers("request-object.details.both")
def test_at_the_authorize_endpoint_different_details_are_refused(sts: Emulator) -> None:
    rp = web(sts, require_pushed_authorization_requests=False, **SINGLE_TENANT)
    request = request_object(rp.machine, {"authorization_details": [ORGANIZATION], "test_pid": PERSON})
    other = [{"type": "nhn:sfm:journal-id", "value": {"journal_id": "1"}}]
    parameters = {**rp.parameters(Login()), "authorization_details": json.dumps(other), "request": request}
    ends_on_page(
        rp,
        authorize(rp, parameters),
        "request-object.no-contradiction",
        "invalid_request",
        "Parameter mismatch in JWT request",
    )


# The journal


@pytest.mark.covers("request-object.journal")
def test_the_journal_shows_it_without_private_keys(sts: Emulator, rp: RelyingParty) -> None:
    request = request_object(rp.machine, {"note": "kept", "jwk": OTHER_KEY})
    assert push(rp, rp.parameters(Login()), request).status == 201
    entry = next(entry for entry in sts.journal() if entry["endpoint"] == PAR)
    shown = entry["detail"]["request_object"]
    assert shown["header"]["typ"] == "oauth-authz-req+jwt"
    assert shown["claims"]["note"] == "kept"
    assert shown["claims"]["jwk"] == public_jwk(OTHER_KEY)
    assert OTHER_KEY["d"] not in json.dumps(sts.journal())


# What public clients send without a request object, statement by statement


def journey(rp: RelyingParty, changes: Mapping[str, Any] | None = None) -> Answer:
    """A whole login with PAR."""
    login = Login()
    return tokens(rp, login, rp.log_in(login, changes))


@pytest.mark.covers("contract.60")
@pytest.mark.covers("cli.60")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "http://localhost:8089/elsewhere"}, "invalid_request"),
        ({"redirect_uri": ABSENT}, "invalid_request"),
        ({"code_challenge": ABSENT, "code_challenge_method": ABSENT}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ABSENT}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"client_assertion": "x"}, "invalid_client"),
        ({"client_id": "stranger"}, "invalid_client"),
    ],
    ids=str,
)
def test_what_par_refuses(sts: Emulator, rp: RelyingParty, changes: dict[str, Any], error: str) -> None:
    answer = rp.push(Login(), changes)
    assert (answer.status, answer.error) == (400, error)
    assert requests_kept(sts) == 0


@pytest.mark.covers("contract.61")
@pytest.mark.covers("cli.61")
def test_a_request_uri_is_taken_once_from_its_own_client_before_it_expires(sts: Emulator, rp: RelyingParty) -> None:
    web_client(sts, "other", jwk=OTHER_KEY)
    path = rp.authorize_path(rp.push(Login(), {"test_pid": PERSON}).json["request_uri"])
    foreign = rp.browser().send("GET", path.replace("client_id=web", "client_id=other"))
    assert foreign.rule == "request-uri.own"
    assert "code" in answer_parameters(rp.browser().send("GET", path))
    assert rp.browser().send("GET", path).rule == "request-uri.fresh"
    late = rp.push(Login(), {"test_pid": PERSON}).json
    sts.clock.advance(late["expires_in"])
    assert rp.browser().send("GET", rp.authorize_path(late["request_uri"])).rule == "request-uri.alive"


@pytest.mark.covers("contract.62")
@pytest.mark.covers("cli.62")
@pytest.mark.parametrize("send", [authorize, post], ids=["get", "post"])
def test_plain_authorize_is_for_clients_that_need_no_par(
    rp: RelyingParty, front: RelyingParty, send: Callable[..., Answer]
) -> None:
    login = Login()
    found = answer_parameters(send(front, front.parameters(login, {"test_pid": PERSON})))
    assert tokens(front, login, found).status == 200
    ends_on_page(
        rp,
        send(rp, rp.parameters(Login(), {"test_pid": PERSON})),
        "authorization-request.pushed",
        "invalid_request",
        "Pushed authorization is required.",
    )


@pytest.mark.covers("contract.65", "contract.66")
@pytest.mark.covers("cli.65", "cli.66")
def test_a_token_for_each_resource_in_turn_and_one_for_all(sts: Emulator) -> None:
    rp = web(sts, scope="openid offline_access nhn:x/read e-helse:sfm.api/sfm.api")
    register_api(sts.store, "nhn:x", scopes=["nhn:x/read"])
    register_api(sts.store, "e-helse:sfm.api", scopes=["e-helse:sfm.api/sfm.api"])
    rp.scopes = "openid offline_access nhn:x/read e-helse:sfm.api/sfm.api"
    login = Login()
    found = rp.log_in(login, {"resource": ["nhn:x", "e-helse:sfm.api"]})
    first = tokens(rp, login, found, {"resource": "nhn:x"})
    second = rp.refresh(first.json["refresh_token"], {"resource": "e-helse:sfm.api"})
    third = rp.refresh(second.json["refresh_token"])
    assert [answer.claims["aud"] for answer in (first, second, third)] == [
        "nhn:x",
        "e-helse:sfm.api",
        ["nhn:x", "e-helse:sfm.api"],
    ]


@pytest.mark.covers("contract.67")
@pytest.mark.covers("cli.67")
def test_the_answer_comes_by_query_or_by_a_form_that_posts_itself(rp: RelyingParty) -> None:
    for mode, status in (("query", 303), ("form_post", 200)):
        login = Login()
        pushed = rp.push(login, {"test_pid": PERSON, "response_mode": mode})
        answer = rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))
        assert answer.status == status
        found = answer_parameters(answer)
        assert list(found) == ["code", "state", "iss", "session_state"]
        assert tokens(rp, login, found).status == 200
        assert ("method='post'" in answer.content.decode()) is (mode == "form_post")


@pytest.mark.covers("contract.68")
@pytest.mark.covers("cli.68")
@pytest.mark.parametrize("state", [*STATES, ABSENT], ids=["long", "odd", "json", "control", "none"])
@pytest.mark.parametrize("nonce", [True, False], ids=["nonce", "no nonce"])
def test_state_comes_back_byte_for_byte_and_neither_it_nor_nonce_is_needed(
    rp: RelyingParty, state: object, nonce: bool
) -> None:
    login = Login()
    found = rp.log_in(login, {"state": state, **({} if nonce else {"nonce": ABSENT})})
    assert found.get("state", ABSENT) == state
    claims = decode(tokens(rp, login, found).json["id_token"])[1]
    assert claims.get("nonce") == (login.nonce if nonce else None)


@pytest.mark.covers("contract.69")
@pytest.mark.covers("cli.69")
@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "login"},
        {"acr_values": "idp:testidp-oidc"},
        {"acr_values": "Level3 Level4"},
        {"acr_values": "Level4"},
        {"on_behalf_of": "999977774"},
    ],
    ids=str,
)
def test_prompts_levels_and_providers_are_understood(front: RelyingParty, changes: dict[str, str]) -> None:
    assert journey(front, changes).status == 200
    login = Login()
    request = request_object(front.machine, {**changes, "test_pid": PERSON})
    assert tokens(front, login, code_of(front, push(front, front.parameters(login), request))).status == 200


@pytest.mark.covers("contract.69")
@pytest.mark.covers("cli.69")
def test_prompt_none_is_login_required_when_nobody_is_logged_in(rp: RelyingParty) -> None:
    login = Login()
    found = code_of(rp, rp.push(login, {"prompt": "none"}))
    assert (found["error"], found["state"]) == ("login_required", login.state)


@pytest.mark.covers("contract.70")
@pytest.mark.covers("cli.70")
@pytest.mark.parametrize(
    ("registered", "sent", "good"),
    [
        ("https://app.test/callback", "https://app.test/callback", True),
        ("https://app.test/callback", "https://app.test/callback/", False),
        ("https://app.test/callback", "https://app.test/callback?x=1", False),
        ("https://app.test/callback", "https://APP.test/callback", False),
        ("https://app.test/callback", "https://app.test:8443/callback", False),
        ("https://app.test/callback", "https://app.test.evil.test/callback", False),
        ("app://callback", "app://callback", True),
        ("app://callback", "app://other", False),
        ("http://localhost/callback", "http://localhost:49152/callback", True),
        ("http://localhost/callback", "http://localhost:49152/other", False),
        ("http://localhost:8089/callback", "http://localhost:8090/callback", False),
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    sts: Emulator, registered: str, sent: str, good: bool
) -> None:
    rp = web(sts, redirect_uris=[registered], require_pushed_authorization_requests=False)
    rp.redirect_uri = sent
    if good:
        assert journey(rp).status == 200
        return
    assert rp.push(Login()).rule == "authorization-request.redirect-uri"
    inside, beside = split(rp, Login(), EVERYTHING, {"test_pid": PERSON})
    for parameters in ({**inside, **beside}, {**beside, "request": request_object(rp.machine, inside)}):
        answer = authorize(rp, parameters)
        ends_on_page(rp, answer, "authorization-request.redirect-uri", "invalid_request", "Invalid redirect_uri")


@pytest.mark.covers("contract.71")
@pytest.mark.covers("cli.71")
@pytest.mark.parametrize("wrong", ["used", "client", "redirect_uri", "verifier", "key"])
def test_a_code_is_for_one_client_address_verifier_and_key(sts: Emulator, rp: RelyingParty, wrong: str) -> None:
    login = Login()
    rp.machine.learn_nonce()
    jkt = journey(rp).claims["cnf"]["jkt"]
    code = rp.log_in(login, {"dpop_jkt": jkt})["code"]
    if wrong == "used":
        assert rp.redeem(login, code).status == 200
        answer = rp.redeem(login, code)
    elif wrong == "client":
        answer = web_client(sts, "thief", jwk=OTHER_KEY).redeem(login, code)
    elif wrong == "key":
        answer = rp.redeem(login, code, proof={"jwk": OTHER_KEY})
    else:
        changes = {"redirect_uri": f"{REDIRECT_URI}x"} if wrong == "redirect_uri" else {"code_verifier": "v" * 43}
        answer = rp.redeem(login, code, changes)
    assert (answer.status, answer.error) == (400, "invalid_dpop_proof" if wrong == "key" else "invalid_grant")


@pytest.mark.covers("contract.72")
@pytest.mark.covers("cli.72")
def test_a_plain_http_client_logs_in_by_redirects_and_forms(rp: RelyingParty) -> None:
    login, browser = Login(), rp.browser()
    pushed = push(rp, rp.parameters(login), request_object(rp.machine))
    found = log_in(browser, browser.send("GET", rp.authorize_path(pushed.json["request_uri"])))
    assert decode(tokens(rp, login, found).json["id_token"])[1]["helseid://claims/identity/pid"] == PERSON
