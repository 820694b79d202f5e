"""A case for every requirement on request objects and token exchange, and for the scope of a refresh."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from tests.helseid.cases import ALWAYS, EDWARDS, EXCHANGE, HELSEID, NEVER, P384, STRICT, UNJUDGED, Case
from tests.helseid.login_cases import FRONT, OTHER_KEY, SCOPES, WEB, web
from tests.helseid.token_cases import REVOCATION, ask
from tests.support.emulator import API_SCOPE, Emulator, register, register_api
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer, Headers, Machine, Transport, b64
from tests.support.relying_party import AUTHORIZE, PERSON, Login, RelyingParty

TYP = "oauth-authz-req+jwt"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

CALLER_KEY = private_jwk("ES256", 7)
NEXT_API, NEXT_SCOPE = "test:next", "test:next/read"

#: An API that calls another API.
ACTOR: dict[str, Any] = {"grant_types": [EXCHANGE], "scope": [NEXT_SCOPE]}

# Request objects


def request_object(
    machine: Machine, inside: Mapping[str, Any] | None = None, *, header: Mapping[str, Any] | None = None, **more: Any
) -> str:
    """A request object as HelseID wants it, with ``inside`` added; ``more`` goes to Machine.assertion."""
    claims = {"client_id": machine.client_id, **(inside or {})}
    return machine.assertion(header={"typ": TYP, **(header or {})}, claims=claims, **more)


def with_object(inside: Mapping[str, Any] | None = None, **more: Any) -> Callable[[Machine], Answer]:
    """A pushed request whose parameters stand outside, with a request object that has ``inside`` beside its times."""
    return web(lambda rp, login: rp.push(login, {"request": request_object(rp.machine, inside, **more)}))


def _not_yet(rp: RelyingParty, login: Login) -> Answer:
    inside = {"nbf": rp.machine.now() + 301, "exp": rp.machine.now() + 340}
    return rp.push(login, {"request": request_object(rp.machine, inside)})


def _valid_for_longer_than_an_hour(rp: RelyingParty, login: Login) -> Answer:
    inside = {"nbf": rp.machine.now() - 3_541, "exp": rp.machine.now() + 60}
    return rp.push(login, {"request": request_object(rp.machine, inside)})


def _front(inside: Mapping[str, Any]) -> Callable[[Machine], Answer]:
    def step(rp: RelyingParty, login: Login) -> Answer:
        outside = rp.parameters(login, {"test_pid": PERSON, "request": request_object(rp.machine, inside)})
        return rp.browser().send("GET", f"{AUTHORIZE}?{urlencode(outside)}")

    return web(step)


# Token exchange


@dataclass(frozen=True)
class ByHost:
    """Sends requests to another name of the same server."""

    inner: Transport
    host: str

    def send(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        return self.inner.send(method, path, [*pairs, ("Host", self.host)], body)


def caller_of(machine: Machine, client_id: str = "caller") -> Machine:
    """The client whose token the actor ``machine`` receives."""
    return replace(
        machine, client_id=client_id, jwk=CALLER_KEY, proof_jwk=private_jwk("ES256", 3), scope=API_SCOPE, nonce=None
    )


def exchange(
    actor: Machine, token: object, changes: Mapping[str, Any] | None = None, *, dpop: bool = True, **more: Any
) -> Answer:
    """A token exchange as ``actor``; ``changes`` go into the form."""
    form = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "scope": NEXT_SCOPE,
        **(changes or {}),
    }
    if not dpop:
        return actor.post(actor.form(actor.assertion(), form))
    return actor.token(form=form, **more)


def two_apis(api: Mapping[str, Any] | None = None, **caller: Any) -> Callable[[Emulator], object]:
    """The API that is called, with members ``api``, the one after it, and the client that calls, with ``caller``."""

    def make(sts: Emulator) -> None:
        register_api(sts.store, "test:api", **{"scopes": [API_SCOPE, "test:api/write"], **(api or {})})
        register_api(sts.store, NEXT_API, scopes=[NEXT_SCOPE, "test:next/write"])
        grants = ["client_credentials", "authorization_code", "refresh_token"]
        register(sts.store, "caller", [CALLER_KEY], **{**WEB, "grant_types": grants, **caller})

    return make


def subject_token(machine: Machine) -> str:
    """The access token that ``machine``, an API, received from its caller."""
    answer = caller_of(machine).token()
    assert answer.status == 200, answer.content
    token: str = answer.json["access_token"]
    return token


def exchanging(changes: Mapping[str, Any] | None = None) -> Callable[[Machine], Answer]:
    return lambda machine: exchange(machine, subject_token(machine), changes)


def tampered(token: str, **claims: Any) -> str:
    """``token`` with other claims under its old signature."""
    header, payload, signature = token.split(".")
    changed = {**json.loads(base64.urlsafe_b64decode(payload + "==")), **claims}
    return f"{header}.{b64(json.dumps(changed).encode())}.{signature}"


def _tampered(machine: Machine) -> Answer:
    return exchange(machine, tampered(subject_token(machine), aud=NEXT_API))


def _id_token(machine: Machine) -> Answer:
    rp = RelyingParty(caller_of(machine), scopes=SCOPES)
    return exchange(machine, rp.tokens().json["id_token"])


def _from_elsewhere(machine: Machine) -> Answer:
    caller = caller_of(machine)
    host = "127.0.0.1:8080"
    answer = replace(caller, transport=ByHost(machine.transport, host), issuer=f"http://{host}").token()
    assert answer.claims["iss"] == f"http://{host}"
    return exchange(machine, answer.json["access_token"])


def _expired(machine: Machine) -> Answer:
    token = subject_token(machine)
    assert machine.advance is not None
    machine.advance(600)
    return exchange(machine, token)


def _taken_back(machine: Machine) -> Answer:
    rp, login = RelyingParty(caller_of(machine), scopes=SCOPES), Login()
    code = rp.log_in(login)["code"]
    tokens = rp.redeem(login, code)
    assert rp.redeem(login, code).error == "invalid_grant"
    return exchange(machine, tokens.json["access_token"])


def _too_often(machine: Machine) -> Answer:
    token = subject_token(machine)
    for _ in range(5):
        answer = exchange(machine, token)
        assert answer.status == 200, answer.content
        token = answer.json["access_token"]
    return exchange(machine, token)


# The scope of a refresh


def _refresh_with_another_scope(rp: RelyingParty, login: Login) -> Answer:
    tokens = rp.redeem(login, rp.log_in(login)["code"])
    return rp.refresh(tokens.json["refresh_token"], {"scope": f"{API_SCOPE} profile"})


def _refresh_after_revocation(rp: RelyingParty, login: Login) -> Answer:
    handle = rp.redeem(login, rp.log_in(login)["code"]).json["refresh_token"]
    assert ask(rp.machine, REVOCATION, {"token": handle}).status == 200
    return rp.refresh(handle)


def _request_object_case(outcomes: Any, breach: Callable[[Machine], Answer], **more: Any) -> Case:
    return Case(outcomes, breach, **{"error": "invalid_request_object", "members": WEB, **more})


def _exchange_case(outcomes: Any, breach: Callable[[Machine], Answer], **more: Any) -> Case:
    return Case(outcomes, breach, **{"error": "invalid_request", "members": ACTOR, "others": two_apis(), **more})


FLOW_CASES: dict[str, Case] = {
    "request-object.readable": _request_object_case(
        ALWAYS, web(lambda rp, login: rp.push(login, {"request": secrets.token_hex(8)}))
    ),
    "request-object.signature": _request_object_case(ALWAYS, with_object(jwk=OTHER_KEY)),
    "request-object.algorithm-allowed": _request_object_case(
        HELSEID, with_object(jwk=EDWARDS), members={**WEB, "keys": [private_jwk("ES256", 1), EDWARDS]}, fapi2="recorded"
    ),
    "request-object.algorithm-fapi": _request_object_case(
        UNJUDGED, with_object(jwk=P384), members={**WEB, "keys": [private_jwk("ES256", 1), P384]}, fapi2="refused"
    ),
    "request-object.nested": _request_object_case(HELSEID, with_object({"request_uri": "urn:x"})),
    "request-object.issuer": _request_object_case(HELSEID, with_object({"iss": "somebody-else"})),
    # FAPI 2.0 takes others beside the issuer, but nothing that only looks like it.
    "request-object.audience": _request_object_case(
        HELSEID, with_object({"aud": ["http://localhost:8080", "https://elsewhere.test"]}), fapi2="recorded"
    ),
    "request-object.audience-fapi": _request_object_case(
        UNJUDGED, with_object({"aud": "http://localhost:8080/"}), fapi2="refused"
    ),
    "request-object.client-id": _request_object_case(HELSEID, with_object({"client_id": "somebody-else"})),
    "request-object.client-id-present": _request_object_case(STRICT, with_object({"client_id": ABSENT})),
    "request-object.expires": _request_object_case(HELSEID, with_object({"exp": ABSENT})),
    "request-object.not-before": _request_object_case(HELSEID, web(_not_yet)),
    "request-object.members": _request_object_case(HELSEID, with_object({"max_age": {"a": 1}})),
    "request-object.clock": _request_object_case(
        STRICT,
        web(lambda rp, login: rp.push(login, {"request": request_object(rp.machine, {"iat": rp.machine.now() + 11})})),
        fapi2="refused",
    ),
    "request-object.not-before-fapi": _request_object_case(UNJUDGED, with_object({"nbf": ABSENT}), fapi2="refused"),
    "request-object.lifetime-fapi": _request_object_case(
        UNJUDGED, web(_valid_for_longer_than_an_hour), fapi2="refused"
    ),
    "request-object.lifetime": _request_object_case(STRICT, with_object(lifetime=62)),
    "request-object.jti": _request_object_case(STRICT, with_object({"jti": ABSENT})),
    "request-object.typ": _request_object_case(NEVER, with_object(header={"typ": "at+jwt"}), error=""),
    "request-object.not-repeated": _request_object_case(
        HELSEID, with_object({"response_type": "code"}), error="invalid_request"
    ),
    "request-object.no-contradiction": _request_object_case(
        HELSEID, _front({"scope": "openid"}), error="invalid_request", members=FRONT
    ),
    # Strict and fapi2 refuse the front channel itself.
    "request-object.form-post": _request_object_case(
        STRICT,
        _front({}),
        error="invalid_request",
        members=FRONT,
        strict_rule="authorization-request.pushed-always",
        fapi2="refused",
        fapi2_rule="authorization-request.pushed-always",
    ),
    "token-exchange.subject-token": _exchange_case(ALWAYS, lambda machine: exchange(machine, ABSENT)),
    "token-exchange.subject-token-type": _exchange_case(
        HELSEID, exchanging({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"})
    ),
    "token-exchange.requested-token-type": _exchange_case(
        HELSEID, exchanging({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"})
    ),
    "token-exchange.signed": _exchange_case(ALWAYS, _tampered),
    "token-exchange.access-token": _exchange_case(ALWAYS, _id_token),
    "token-exchange.issuer": _exchange_case(HELSEID, _from_elsewhere),
    "token-exchange.alive": _exchange_case(HELSEID, _expired),
    "token-exchange.not-revoked": _exchange_case(ALWAYS, _taken_back, settings={"revoke_on_code_reuse": True}),
    "token-exchange.audience": _exchange_case(
        HELSEID,
        exchanging(),
        others=two_apis({"owner": "999977774"}),
        says="no audience matching configuration owner of client_id machine was found in subject token",
    ),
    "token-exchange.permitted": _exchange_case(
        HELSEID, exchanging(), others=two_apis(token_exchange_actors=["another-api"])
    ),
    "token-exchange.depth": _exchange_case(HELSEID, _too_often),
    "token-exchange.scopes": _exchange_case(HELSEID, exchanging({"scope": "test:next/write"}), error="invalid_target"),
    "token-exchange.resource": _exchange_case(ALWAYS, exchanging({"resource": "test:api"}), error="invalid_target"),
    "refresh.not-revoked": Case(ALWAYS, web(_refresh_after_revocation), "invalid_grant", WEB),
    "refresh.scope": Case(STRICT, web(_refresh_with_another_scope), "invalid_scope", WEB),
}
