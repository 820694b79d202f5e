"""A case for every requirement on logins: how to break it, and what each enforcement then does."""

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tests.helseid.cases import ALWAYS, HELSEID, NEVER, STRICT, Case
from tests.support.emulator import API_SCOPE
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Machine, b64, merge
from tests.support.relying_party import PERSON, REDIRECT_URI, Login, RelyingParty, answer_parameters

OUT = "http://localhost:8089/out"
SCOPES = f"openid offline_access {API_SCOPE}"
OTHER_KEY = private_jwk("ES256", 6)

#: A pid of no person, a person whose highest level is 3, and what is said of a short name that none has.
NEW_PERSON, LEVEL_3_PERSON = "01819012345", "31818127149"
SAYS_UNKNOWN = "no persona is called 'nobody-is-called-so'"

#: What a modern web application is registered with.
WEB: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": ["openid", "profile", "offline_access", API_SCOPE],
    "redirect_uris": [REDIRECT_URI],
    "post_logout_redirect_uris": [OUT],
}

BEARER = {**WEB, "dpop_bound_access_tokens": False}
FRONT = {**WEB, "require_pushed_authorization_requests": False}

Step = Callable[[RelyingParty, Login], Answer]


def web(step: Step) -> Callable[[Machine], Answer]:
    """A breach by a relying party in one login of its own."""
    return lambda machine: step(RelyingParty(machine, scopes=SCOPES), Login())


def pushed(**changes: Any) -> Callable[[Machine], Answer]:
    return web(lambda rp, login: rp.push(login, changes))


def thumbprint(machine: Machine) -> str:
    jwk = machine.proof_jwk
    text = f'{{"crv":"{jwk["crv"]}","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
    return b64(hashlib.sha256(text.encode()).digest())


def _front_channel(rp: RelyingParty, login: Login) -> Answer:
    parameters = rp.parameters(login, {"test_pid": PERSON})
    return rp.browser().send("GET", f"/connect/authorize?{urlencode(parameters)}")


def _jkt_of_another_key(rp: RelyingParty, login: Login) -> Answer:
    rp.machine.learn_nonce()
    proof = rp.machine.proof(claims={"htu": rp.machine.issuer + "/connect/par"}, jwk=OTHER_KEY)
    return rp.push(login, {"dpop_jkt": thumbprint(rp.machine)}, proof=proof)


def _authorize(
    changes: dict[str, str] | None = None, before: Callable[[RelyingParty, str], Any] | None = None
) -> Callable[[Machine], Answer]:
    def step(rp: RelyingParty, login: Login) -> Answer:
        answer = rp.push(login, {"test_pid": PERSON})
        if answer.status != 201:
            return answer
        path = rp.authorize_path(answer.json["request_uri"])
        if before is not None:
            before(rp, path)
        for name, value in (changes or {}).items():
            path = path.replace("client_id=machine", f"client_id={value}") if name == "client_id" else path
            path += "" if name == "client_id" else f"&{name}={value}"
        return rp.browser().send("GET", path)

    return web(step)


def going(**asked: str) -> Callable[[Machine], Answer]:
    """A login that is pushed with ``asked``, as far as the authorize endpoint's answer."""

    def step(rp: RelyingParty, login: Login) -> Answer:
        pushed = rp.push(login, asked)
        assert pushed.status == 201, pushed.content
        return rp.browser().send("GET", rp.authorize_path(pushed.json["request_uri"]))

    return web(step)


def _redeem(
    changes: dict[str, Any] | None = None,
    *,
    asked: dict[str, Any] | None = None,
    wait: int = 0,
    twice: bool = False,
    **parts: Any,
) -> Callable[[Machine], Answer]:
    def step(rp: RelyingParty, login: Login) -> Answer:
        code = rp.log_in(login, asked)["code"]
        if wait and rp.machine.advance is not None:
            rp.machine.advance(wait)
            rp.machine.nonce = None
        if twice:
            assert rp.redeem(login, code).status == 200
        return rp.redeem(login, code, changes, **parts)

    return web(step)


def _bound_to_another_key(rp: RelyingParty, login: Login) -> Answer:
    code = rp.log_in(login, {"dpop_jkt": thumbprint(rp.machine)})["code"]
    return rp.redeem(login, code, proof={"jwk": OTHER_KEY})


def _user_info(claims: dict[str, Any] | None = None, jwk: dict[str, str] | None = None) -> Callable[[Machine], Answer]:
    def step(rp: RelyingParty, login: Login) -> Answer:
        tokens = rp.redeem(login, rp.log_in(login)["code"])
        return rp.user_info(tokens.json["access_token"], scheme="DPoP", proof=claims or {}, jwk=jwk)

    return web(step)


def _refresh(
    changes: dict[str, Any] | None = None,
    *,
    asked: dict[str, Any] | None = None,
    wait: int = 0,
    twice: bool = False,
) -> Callable[[Machine], Answer]:
    def step(rp: RelyingParty, login: Login) -> Answer:
        tokens = rp.redeem(login, rp.log_in(login, asked)["code"])
        assert tokens.status == 200, tokens.content
        handle = tokens.json["refresh_token"]
        if wait and rp.machine.advance is not None:
            rp.machine.advance(wait)
            rp.machine.nonce = None
        if twice:
            assert rp.refresh(handle).status == 200
        return rp.refresh(handle, changes)

    return web(step)


def _change_of_style(first: bool) -> Callable[[Machine], Answer]:
    """Begin with a proof and go on without, or the other way round."""

    def send(rp: RelyingParty, form: dict[str, Any], with_proof: bool) -> Answer:
        machine = rp.machine
        merged = machine.form(machine.assertion(), {"scope": ABSENT, **form})
        return machine.post(merged, proof=machine.proof() if with_proof else None)

    def step(rp: RelyingParty, login: Login) -> Answer:
        answer = rp.push(login, {"test_pid": PERSON})
        if answer.status != 201:
            return answer
        rp.machine.learn_nonce()
        code = answer_parameters(rp.browser().send("GET", rp.authorize_path(answer.json["request_uri"])))["code"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": login.verifier,
        }
        tokens = send(rp, form, first)
        if tokens.status != 200:
            return tokens
        form = {"grant_type": "refresh_token", "refresh_token": tokens.json["refresh_token"]}
        return send(rp, form, not first)

    return web(step)


def log_out(*, new_browser: bool = True, **changes: Any) -> Callable[[Machine], Answer]:
    """A logout after a login, in a browser that has no session unless it is not ``new_browser``."""

    def step(rp: RelyingParty, login: Login) -> Answer:
        browser = rp.browser()
        tokens = rp.redeem(login, rp.log_in(login, browser=browser)["code"])
        if tokens.status != 200:
            return tokens
        hint = tokens.json["id_token"]
        sent = merge({"id_token_hint": hint, "post_logout_redirect_uri": OUT}, changes)
        return (rp.browser() if new_browser else browser).send("GET", f"/connect/endsession?{urlencode(sent)}")

    return web(step)


def _log_out_of_another_session(rp: RelyingParty, login: Login) -> Answer:
    browser = rp.browser()
    tokens = rp.redeem(login, rp.log_in(login)["code"])
    rp.log_in(Login(), browser=browser)
    return browser.send("GET", f"/connect/endsession?id_token_hint={tokens.json['id_token']}")


LONG = "x" * 16_385

LOGIN_CASES: dict[str, Case] = {
    "authorization-request.no-request-uri": Case(
        ALWAYS, pushed(request_uri="urn:ietf:params:oauth:request_uri:x"), "invalid_request", WEB
    ),
    "authorization-request.pushed": Case(HELSEID, web(_front_channel), "invalid_request", WEB),
    "authorization-request.pushed-always": Case(STRICT, web(_front_channel), "invalid_request", FRONT, fapi2="refused"),
    "authorization-request.signed": Case(
        HELSEID, pushed(), "invalid_request", {**WEB, "require_signed_request_object": True}
    ),
    "authorization-request.redirect-uri": Case(
        ALWAYS, pushed(redirect_uri="https://evil.test/callback"), "invalid_request", WEB
    ),
    "authorization-request.response-type-present": Case(ALWAYS, pushed(response_type=ABSENT), "invalid_request", WEB),
    "authorization-request.response-type": Case(
        ALWAYS, pushed(response_type="code id_token"), "unsupported_response_type", WEB
    ),
    "authorization-request.response-mode": Case(ALWAYS, pushed(response_mode="jwt"), "unsupported_response_type", WEB),
    "authorization-request.response-mode-fits": Case(ALWAYS, pushed(response_mode="fragment"), "invalid_request", WEB),
    "authorization-request.grant-allowed": Case(
        HELSEID, pushed(), "unauthorized_client", {**WEB, "grant_types": ["refresh_token"]}
    ),
    "authorization-request.challenge-present": Case(ALWAYS, pushed(code_challenge=ABSENT), "invalid_request", WEB),
    "authorization-request.challenge-form": Case(ALWAYS, pushed(code_challenge="x" * 42), "invalid_request", WEB),
    "authorization-request.challenge-method": Case(
        ALWAYS, pushed(code_challenge_method="plain"), "invalid_request", WEB
    ),
    "authorization-request.scope-present": Case(ALWAYS, pushed(scope=ABSENT), "invalid_request", WEB),
    "authorization-request.openid": Case(HELSEID, pushed(scope=f"profile {API_SCOPE}"), "invalid_scope", WEB),
    "authorization-request.scope-allowed": Case(HELSEID, pushed(scope="openid test:api/write"), "invalid_scope", WEB),
    "authorization-request.scopes-length": Case(ALWAYS, pushed(scope=LONG), "invalid_request", WEB),
    "authorization-request.resource-length": Case(ALWAYS, pushed(resource=f"x:{'y' * 511}"), "invalid_target", WEB),
    "authorization-request.resource-form": Case(ALWAYS, pushed(resource="no-uri"), "invalid_target", WEB),
    "authorization-request.resource-known": Case(HELSEID, pushed(resource="test:unknown"), "invalid_target", WEB),
    "authorization-request.state-length": Case(ALWAYS, pushed(state=LONG), "invalid_request", WEB),
    "authorization-request.nonce-length": Case(ALWAYS, pushed(nonce=LONG), "invalid_request", WEB),
    "authorization-request.login-hint-length": Case(ALWAYS, pushed(login_hint=LONG), "invalid_request", WEB),
    "authorization-request.acr-values-length": Case(ALWAYS, pushed(acr_values=LONG), "invalid_request", WEB),
    "authorization-request.ui-locales-length": Case(ALWAYS, pushed(ui_locales=LONG), "invalid_request", WEB),
    "authorization-request.prompt-known": Case(ALWAYS, pushed(prompt="create"), "invalid_request", WEB),
    "authorization-request.prompt-none-alone": Case(ALWAYS, pushed(prompt="none login"), "invalid_request", WEB),
    "authorization-request.max-age": Case(ALWAYS, pushed(max_age="-1"), "invalid_request", WEB),
    "authorization-request.dpop-jkt-form": Case(HELSEID, pushed(dpop_jkt="x"), "invalid_request", WEB),
    "authorization-request.dpop-jkt": Case(HELSEID, web(_jkt_of_another_key), "invalid_dpop_proof", WEB),
    "authorization-request.state-or-nonce": Case(NEVER, pushed(state=ABSENT, nonce=ABSENT), "", WEB),
    "request-uri.fresh": Case(
        ALWAYS, _authorize(before=lambda rp, path: rp.browser().send("GET", path)), "invalid_request_uri", WEB
    ),
    "request-uri.alive": Case(
        ALWAYS,
        _authorize(before=lambda rp, path: rp.machine.advance(601) if rp.machine.advance else None),
        "invalid_request_uri",
        WEB,
    ),
    "request-uri.own": Case(
        ALWAYS,
        _authorize({"client_id": "other"}),
        "invalid_request_uri",
        WEB,
        others=lambda sts: sts.client("other", jwk=OTHER_KEY),
    ),
    "request-uri.alone": Case(NEVER, _authorize({"scope": "openid"}), "", WEB),
    "request-uri.telemetry": Case(NEVER, _authorize({"x-client-SKU": "ID_NET10_0"}), "", WEB),
    "code.known": Case(ALWAYS, _redeem(twice=True), "invalid_grant", WEB),
    "code.alive": Case(ALWAYS, _redeem(wait=301), "invalid_grant", WEB),
    "code.same-key": Case(HELSEID, web(_bound_to_another_key), "invalid_dpop_proof", WEB),
    "code.redirect-uri-present": Case(HELSEID, _redeem({"redirect_uri": ABSENT}), "unauthorized_client", WEB),
    "code.redirect-uri": Case(HELSEID, _redeem({"redirect_uri": f"{REDIRECT_URI}/"}), "invalid_grant", WEB),
    "code.verifier": Case(ALWAYS, _redeem({"code_verifier": "x" * 43}), "invalid_grant", WEB),
    "code.resource": Case(
        ALWAYS, _redeem({"resource": "test:unknown"}, asked={"resource": "test:api"}), "invalid_target", WEB
    ),
    "code.resource-known": Case(ALWAYS, _redeem({"resource": "test:unknown"}), "invalid_target", WEB),
    "refresh.present": Case(ALWAYS, _refresh({"refresh_token": ABSENT}), "invalid_request", WEB),
    "refresh.known": Case(ALWAYS, _refresh({"refresh_token": "ABC-1"}), "invalid_grant", WEB),
    "refresh.single-use": Case(ALWAYS, _refresh(twice=True), "invalid_grant", WEB),
    "refresh.alive": Case(ALWAYS, _refresh(wait=28_801), "invalid_grant", WEB),
    "refresh.proof-kept": Case(
        HELSEID,
        _change_of_style(True),
        "invalid_request",
        BEARER,
        strict_rule="client.dpop",
        strict_error="invalid_client",
        fapi2_rule="token-request.sender-constrained",
    ),
    "refresh.proof-not-new": Case(
        HELSEID,
        _change_of_style(False),
        "invalid_request",
        BEARER,
        strict_rule="client.dpop",
        strict_error="invalid_client",
        fapi2_rule="token-request.sender-constrained",
    ),
    "refresh.resource": Case(
        ALWAYS, _refresh({"resource": "test:unknown"}, asked={"resource": "test:api"}), "invalid_target", WEB
    ),
    "refresh.resource-known": Case(ALWAYS, _refresh({"resource": "test:unknown"}), "invalid_target", WEB),
    "login-order.readable": Case(
        ALWAYS, going(login_hint="persona:nobody-is-called-so"), "access_denied", WEB, says=SAYS_UNKNOWN
    ),
    "login.synthetic": Case(
        ALWAYS, going(test_pid="01018012345"), "access_denied", WEB, settings={"require_synthetic": True}
    ),
    "login.person": Case(ALWAYS, going(test_pid=NEW_PERSON), "access_denied", WEB, settings={"invent_people": False}),
    "login.replaced": Case(
        ALWAYS,
        going(test_pid="56878710261"),
        "access_denied",
        WEB,
        says="the pid was replaced by 16878730031, which is the one to log in with",
    ),
    "login.eid": Case(
        ALWAYS,
        going(acr_values="idp:bankid-oidc", login_hint="persona:commfides-only"),
        "access_denied",
        WEB,
        says="the person has no eID for BankID",
    ),
    "login.person-level": Case(
        ALWAYS,
        going(test_pid=LEVEL_3_PERSON, test_security_level="4"),
        "access_denied",
        WEB,
        says="the person has no eID of level 4; the highest is 3",
    ),
    "login.level": Case(
        ALWAYS,
        going(test_pid=LEVEL_3_PERSON, acr_values="idp:testidp-oidc Level4"),
        "access_denied",
        WEB,
        says="the security level of the login is too low: 3, where 4 is asked for",
    ),
    "end-session.hint-present": Case(NEVER, log_out(id_token_hint=ABSENT), "", WEB),
    "end-session.hint": Case(NEVER, log_out(id_token_hint="nonsense"), "", WEB),
    "end-session.hint-session": Case(NEVER, web(_log_out_of_another_session), "", WEB),
    "end-session.client": Case(NEVER, log_out(client_id="other"), "", WEB),
    "end-session.redirect-uri": Case(NEVER, log_out(post_logout_redirect_uri=f"{OUT}/"), "", WEB),
    "ignored.parameters": Case(NEVER, pushed(redirect_url=REDIRECT_URI), "", WEB),
    "ignored.acr-values": Case(NEVER, pushed(acr_values="level4"), "", WEB),
    "ignored.ui-locales": Case(NEVER, pushed(ui_locales="sv-se"), "", WEB),
    "ignored.prompt-consent": Case(NEVER, pushed(prompt="consent"), "", WEB),
    "dpop-token.key": Case(HELSEID, _user_info(jwk=OTHER_KEY), "invalid_token", WEB),
    "dpop-token.ath": Case(HELSEID, _user_info(claims={"ath": "x"}), "invalid_dpop_proof", WEB),
    "dpop-token.fresh": Case(
        HELSEID,
        _user_info(claims={"iat": 1_800_000_000 - 301}),
        "invalid_dpop_proof",
        WEB,
        strict_rule="dpop.clock",
        fapi2_rule="dpop.clock",
    ),
}
