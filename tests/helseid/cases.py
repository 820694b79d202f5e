"""A case for every requirement: how to break it, and what each enforcement then does.

The unchanged machine keeps every requirement, in every enforcement; that is the case that meets them all.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from tests.support.emulator import API_SCOPE, Emulator
from tests.support.keys import private_jwk, public_jwk
from tests.support.machine import ABSENT, Answer, Machine
from tests.support.odd_jwks import LOOSE

Outcome = Literal["refused", "recorded", "challenged", "unjudged"]
Break = Callable[[Machine], Answer]


@dataclass(frozen=True)
class Case:
    """``outcomes`` are those of observe, helseid and strict; ``fapi2`` is that of fapi2, None where it is helseid's.
    ``unjudged`` means that nobody even looks. ``members`` change the registration, ``settings`` the server; ``others``
    registers further things first. ``strict_rule`` and ``fapi2_rule`` are the requirement that these refuse for, where
    the breach breaks an earlier one too, and ``strict_error`` and ``fapi2_error`` its error. ``says`` is the
    description, where it is not the requirement's own."""

    outcomes: tuple[Outcome, Outcome, Outcome]
    breach: Break
    error: str = ""
    members: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    others: Callable[[Emulator], object] = lambda sts: None
    strict_rule: str = ""
    strict_error: str = ""
    fapi2: Outcome | None = None
    fapi2_rule: str = ""
    fapi2_error: str = ""
    says: str = ""

    def outcome(self, mode: str) -> Outcome:
        """What the enforcement ``mode`` does."""
        if mode == "fapi2":
            return self.fapi2 or self.outcomes[1]
        return self.outcomes[("observe", "helseid", "strict").index(mode)]

    def rule(self, mode: str) -> str:
        """The requirement that ``mode`` refuses for, where it is another one; an empty string where it is not."""
        return {"strict": self.strict_rule, "fapi2": self.fapi2_rule}.get(mode, "")

    def error_in(self, mode: str) -> str:
        """The error that ``mode`` refuses with."""
        return {"strict": self.strict_error, "fapi2": self.fapi2_error}.get(mode, "") or self.error


ALWAYS: tuple[Outcome, Outcome, Outcome] = ("refused", "refused", "refused")
HELSEID: tuple[Outcome, Outcome, Outcome] = ("recorded", "refused", "refused")
STRICT: tuple[Outcome, Outcome, Outcome] = ("recorded", "recorded", "refused")
NEVER: tuple[Outcome, Outcome, Outcome] = ("recorded", "recorded", "recorded")
CHALLENGE: tuple[Outcome, Outcome, Outcome] = ("challenged", "challenged", "challenged")
#: What only FAPI 2.0 asks; goes with ``fapi2="refused"``.
UNJUDGED: tuple[Outcome, Outcome, Outcome] = ("unjudged", "unjudged", "unjudged")

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def assertion(**changes: Any) -> Break:
    return lambda machine: machine.token(assertion=changes)


def assertion_claims(**claims: Any) -> Break:
    return assertion(claims=claims)


def proof(**changes: Any) -> Break:
    return lambda machine: machine.token(proof=changes)


def proof_claims(**claims: Any) -> Break:
    return proof(claims=claims)


def form(**changes: Any) -> Break:
    return lambda machine: machine.token(form=changes)


def shifted(name: str, seconds: int) -> Break:
    return lambda machine: machine.token(assertion={"claims": {name: machine.now() + seconds}})


def _same_assertion_twice(machine: Machine) -> Answer:
    machine.learn_nonce()
    body = machine.form(machine.assertion())
    assert machine.post(body, proof=machine.proof()).status == 200
    return machine.post(body, proof=machine.proof())


def _same_assertion_after_challenge(machine: Machine) -> Answer:
    body = machine.form(machine.assertion())
    challenge = machine.post(body, proof=machine.proof())
    machine.nonce = challenge.headers["dpop-nonce"]
    return machine.post(body, proof=machine.proof())


def _twice(breach: Break) -> Break:
    """Once is a step of the protocol, again is a breach."""

    def both(machine: Machine) -> Answer:
        assert breach(machine).status == 400
        return breach(machine)

    return both


def _same_proof_twice(machine: Machine) -> Answer:
    machine.learn_nonce()
    sent = machine.proof()
    assert machine.post(machine.form(machine.assertion()), proof=sent).status == 200
    return machine.post(machine.form(machine.assertion()), proof=sent)


def _basic_password(machine: Machine) -> Answer:
    credentials = base64.b64encode(f"{machine.client_id}:secret".encode()).decode()
    return machine.token(headers={"Authorization": f"Basic {credentials}"})


def _two_proofs(machine: Machine) -> Answer:
    machine.learn_nonce()
    return machine.post(machine.form(machine.assertion()), proof=f"{machine.proof()}, {machine.proof()}")


def _without_proof(machine: Machine) -> Answer:
    return machine.post(machine.form(machine.assertion()))


def _get(machine: Machine) -> Answer:
    return machine.transport.send("GET", "/connect/token")


def _json_body(machine: Machine) -> Answer:
    return machine.post(b"{}", headers={"Content-Type": "application/json"})


def _parameter_twice(machine: Machine) -> Answer:
    body = urlencode([*machine.form(machine.assertion()).items(), ("scope", "x")]).encode()
    return machine.post(body, proof=machine.proof())


def _two_resources(machine: Machine) -> Answer:
    machine.learn_nonce()
    pairs = [*machine.form(machine.assertion()).items(), ("resource", "test:api"), ("resource", "test:other")]
    return machine.post(urlencode(pairs).encode(), proof=machine.proof())


def _private_jwk_in_proof(machine: Machine) -> Answer:
    return machine.token(proof={"header": {"jwk": machine.proof_jwk}})


def _foreign_proof_key(machine: Machine) -> Answer:
    return machine.token(proof={"header": {"jwk": public_jwk(private_jwk("ES256", 9))}})


def _preflight(machine: Machine) -> Answer:
    asked = {"Origin": "http://spa.test:5173", "Access-Control-Request-Method": "POST"}
    return machine.transport.send("OPTIONS", "/connect/token", asked)


def _alias_audience(machine: Machine) -> Answer:
    return machine.token(assertion={"claims": {"aud": "http://other.test:8080"}})


def _alias_target(machine: Machine) -> Answer:
    return machine.token(proof={"claims": {"htu": "http://other.test:8080/connect/token"}})


RSA_1024 = private_jwk("PS256", 0, 1024)
RSA_2048 = private_jwk("PS256", 0, 2048)
P384 = private_jwk("ES384")
EDWARDS = private_jwk("Ed25519")
P521 = {**private_jwk("ES512"), "alg": "ES512"}
ALIASES = {"public_url": "http://localhost:8080", "aliases": ("http://other.test:8080",)}

CASES: dict[str, Case] = {
    "form.preflight": Case(ALWAYS, _preflight, "invalid_request"),
    "form.method": Case(ALWAYS, _get, "invalid_request"),
    "form.content-type": Case(ALWAYS, _json_body, "invalid_request"),
    "form.readable": Case(
        ALWAYS, _parameter_twice, "invalid_request", says="the parameter 'scope' is sent more than once"
    ),
    # client authentication
    "client-assertion.credentials": Case(
        ALWAYS, form(client_id=ABSENT, client_assertion=ABSENT, client_assertion_type=ABSENT), "invalid_request"
    ),
    "client-assertion.sole": Case(HELSEID, _basic_password, "invalid_client"),
    "client-assertion.type": Case(ALWAYS, form(client_assertion_type="jwt"), "invalid_client"),
    "client-assertion.readable": Case(ALWAYS, form(client_assertion="a.b.c"), "invalid_client"),
    "client-assertion.registered": Case(ALWAYS, assertion_claims(iss="stranger", sub="stranger"), "invalid_client"),
    "client-assertion.algorithm": Case(ALWAYS, assertion(alg="HS256"), "invalid_client"),
    # FAPI 2.0 allows what HelseID does not know.
    "client-assertion.algorithm-allowed": Case(
        HELSEID, form(), "invalid_client", members={"keys": [EDWARDS], "jwk": EDWARDS}, fapi2="recorded"
    ),
    "client-assertion.algorithm-fapi": Case(
        UNJUDGED, form(), "invalid_client", members={"keys": [P384], "jwk": P384}, fapi2="refused"
    ),
    "client-assertion.signature": Case(ALWAYS, assertion(jwk=private_jwk("ES256", 8)), "invalid_client"),
    "client-assertion.issuer": Case(HELSEID, assertion_claims(iss="somebody-else"), "invalid_client"),
    "client-assertion.client-id": Case(HELSEID, form(client_id="somebody-else"), "invalid_client"),
    "client-assertion.audience": Case(HELSEID, assertion_claims(aud="https://elsewhere.test"), "invalid_client"),
    "client-assertion.audience-issuer": Case(
        STRICT, assertion_claims(aud="http://localhost:8080/"), "invalid_client", fapi2="refused"
    ),
    "client-assertion.audience-text": Case(
        UNJUDGED, assertion_claims(aud=["http://localhost:8080"]), "invalid_client", fapi2="refused"
    ),
    "client-assertion.audience-alias": Case(
        STRICT,
        _alias_audience,
        "invalid_client",
        settings=ALIASES,
        strict_rule="client-assertion.audience-issuer",
        fapi2="refused",
        fapi2_rule="client-assertion.audience-issuer",
    ),
    "client-assertion.typ": Case(STRICT, assertion(header={"typ": "JWT"}), "invalid_client"),
    "client-assertion.expires": Case(HELSEID, assertion_claims(exp=ABSENT), "invalid_client"),
    "client-assertion.not-expired": Case(HELSEID, shifted("exp", -301), "invalid_client"),
    "client-assertion.not-before": Case(HELSEID, shifted("nbf", 301), "invalid_client"),
    "client-assertion.clock": Case(STRICT, shifted("iat", 11), "invalid_client", fapi2="refused"),
    "client-assertion.lifetime": Case(STRICT, assertion(lifetime=62), "invalid_client"),
    "client-assertion.lifetime-limit": Case(
        HELSEID, assertion(lifetime=302), "invalid_client", strict_rule="client-assertion.lifetime"
    ),
    "client-assertion.lifetime-target": Case(NEVER, assertion(lifetime=12)),
    "client-assertion.times-present": Case(STRICT, assertion_claims(nbf=ABSENT), "invalid_client"),
    "client-assertion.times-numbers": Case(
        STRICT, assertion_claims(iat="1800000000"), "invalid_client", fapi2="refused"
    ),
    "client-assertion.jti": Case(HELSEID, assertion_claims(jti=ABSENT), "invalid_client"),
    "client-assertion.single-use": Case(STRICT, _same_assertion_twice, "invalid_client", fapi2="refused"),
    "client-assertion.fresh-after-challenge": Case(STRICT, _same_assertion_after_challenge, "invalid_client"),
    "client-assertion.kid": Case(NEVER, assertion(header={"kid": "unknown"})),
    "client-assertion.key-algorithm": Case(
        NEVER, form(), members={"keys": [{**RSA_2048, "alg": "RS256"}], "jwk": RSA_2048}
    ),
    "client-assertion.curve": Case(
        STRICT, assertion(alg="ES256"), "invalid_client", members={"keys": [P521], "jwk": P521}, fapi2="refused"
    ),
    # registration
    "client.keys": Case(
        STRICT,
        form(),
        "invalid_client",
        members={"keys": [private_jwk("ES256", 1), {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
    ),
    "client.key-size": Case(HELSEID, form(), "invalid_client", members={"keys": [RSA_1024], "jwk": RSA_1024}),
    "client.key-size-advice": Case(NEVER, form(), members={"keys": [RSA_2048], "jwk": RSA_2048}),
    "client.key-own": Case(STRICT, form(), "invalid_client", others=lambda sts: sts.client("twin")),
    "client.key-named": Case(
        NEVER,
        form(),
        members={"keys": [{n: v for n, v in private_jwk("ES256", 1).items() if n not in ("kid", "alg")}]},
    ),
    "client.key-algorithm": Case(NEVER, form(), members={"keys": [{**private_jwk("ES256", 1), "alg": "ES512"}]}),
    "client.key-encoding": Case(NEVER, form(), members={"keys": [LOOSE["padded"](private_jwk("ES256", 1))]}),
    "client.dpop": Case(STRICT, form(), "invalid_client", members={"dpop_bound_access_tokens": False}),
    "client.par": Case(
        STRICT,
        form(),
        "invalid_client",
        members={
            "grant_types": ["authorization_code", "client_credentials"],
            "require_pushed_authorization_requests": False,
        },
    ),
    "client.redirect-uris": Case(
        STRICT,
        form(),
        "invalid_client",
        members={
            "grant_types": ["authorization_code", "client_credentials"],
            "redirect_uris": ["http://app.example.test/callback"],
        },
        fapi2="refused",
    ),
    "client.organization": Case(NEVER, form(), members={"tenancy": "multi-tenant"}),
    # the token request
    "dpop-header.one-proof": Case(ALWAYS, _two_proofs, "invalid_request"),
    "token-request.grant-type": Case(ALWAYS, form(grant_type=ABSENT), "unsupported_grant_type"),
    "token-request.one-resource": Case(ALWAYS, _two_resources, "invalid_target"),
    "token-request.resource-form": Case(ALWAYS, form(resource="no-uri"), "invalid_target"),
    "token-request.proof": Case(HELSEID, _without_proof, "invalid_request"),
    "token-request.sender-constrained": Case(
        STRICT,
        _without_proof,
        "invalid_client",
        members={"dpop_bound_access_tokens": False},
        strict_rule="client.dpop",
        fapi2="refused",
        fapi2_error="invalid_request",
    ),
    "token-request.no-browser": Case(
        STRICT, lambda machine: machine.token(headers={"Origin": "https://app.example.test"}), "invalid_request"
    ),
    "token-request.client-id": Case(NEVER, form(client_id=ABSENT)),
    # the proof
    "dpop.readable": Case(ALWAYS, lambda m: m.post(m.form(m.assertion()), proof="nonsense"), "invalid_dpop_proof"),
    "dpop.typ": Case(HELSEID, proof(header={"typ": "JWT"}), "invalid_dpop_proof"),
    "dpop.algorithm": Case(ALWAYS, proof(alg="HS256"), "invalid_dpop_proof"),
    "dpop.algorithm-allowed": Case(HELSEID, proof(jwk=EDWARDS), "invalid_dpop_proof", fapi2="recorded"),
    "dpop.algorithm-fapi": Case(UNJUDGED, proof(jwk=P384), "invalid_dpop_proof", fapi2="refused"),
    "dpop.key": Case(ALWAYS, proof(header={"jwk": ABSENT}), "invalid_dpop_proof"),
    "dpop.key-encoding": Case(NEVER, proof(header={"jwk": LOOSE["padded"](public_jwk(private_jwk("ES256", 2)))})),
    "dpop.key-public": Case(HELSEID, _private_jwk_in_proof, "invalid_dpop_proof"),
    "dpop.signature": Case(ALWAYS, _foreign_proof_key, "invalid_dpop_proof"),
    "dpop.key-size": Case(HELSEID, proof(jwk=RSA_1024), "invalid_dpop_proof"),
    "dpop.key-size-advice": Case(NEVER, proof(jwk=RSA_2048)),
    "dpop.curve": Case(STRICT, proof(jwk=P521, alg="ES256"), "invalid_dpop_proof", fapi2="refused"),
    "dpop.jti": Case(HELSEID, proof_claims(jti=ABSENT), "invalid_dpop_proof"),
    "dpop.htm": Case(HELSEID, proof_claims(htm="post"), "invalid_dpop_proof"),
    "dpop.htu": Case(HELSEID, proof_claims(htu="http://localhost:8080/connect/par"), "invalid_dpop_proof"),
    "dpop.htu-plain": Case(STRICT, proof_claims(htu="http://localhost:8080/connect/token?x=1"), "invalid_dpop_proof"),
    "dpop.htu-alias": Case(NEVER, _alias_target, settings=ALIASES),
    "dpop.issued-at": Case(HELSEID, proof_claims(iat=ABSENT), "invalid_dpop_proof"),
    "dpop.clock": Case(STRICT, proof_claims(iat=1_800_000_000 - 71), "invalid_dpop_proof", fapi2="refused"),
    "dpop.nonce": Case(CHALLENGE, _twice(proof_claims(nonce=ABSENT)), "use_dpop_nonce"),
    "dpop.nonce-current": Case(CHALLENGE, _twice(proof_claims(nonce="CfDJ8nonsense")), "use_dpop_nonce"),
    "dpop.single-use": Case(HELSEID, _same_proof_twice, "invalid_dpop_proof"),
    # grant and scope
    "grant.known": Case(ALWAYS, form(grant_type="password"), "unsupported_grant_type"),
    "grant.allowed": Case(HELSEID, form(), "unauthorized_client", members={"grant_types": [EXCHANGE]}),
    "scope.machine": Case(
        HELSEID, form(scope=f"openid {API_SCOPE}"), "invalid_scope", members={"scope": ["openid", API_SCOPE]}
    ),
    "scope.allowed": Case(HELSEID, form(scope="test:api/write"), "invalid_scope"),
    "scope.some": Case(ALWAYS, form(scope=ABSENT), "invalid_scope", members={"scope": []}),
    "scope.resource-known": Case(ALWAYS, form(resource="test:unknown"), "invalid_target"),
    "scope.named": Case(NEVER, form(scope=ABSENT)),
    "scope.one-audience": Case(
        NEVER, form(scope=f"{API_SCOPE} test:other/read"), members={"scope": [API_SCOPE, "test:other/read"]}
    ),
}
