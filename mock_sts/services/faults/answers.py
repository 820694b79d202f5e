"""JSON answers with effects of fault rules: discovery, the key set, userinfo, and parameters for a client's address."""

from collections.abc import Mapping, Sequence
from typing import Any

from mock_sts.helseid.faults import OTHER_SUB, FaultRule
from mock_sts.protocol.defects import OTHER_ISSUER
from mock_sts.services.environment import Environment
from mock_sts.services.faults.tokens import spoiled_tokens

#: A member that no standard knows, and a key of a type that none knows (RFC 7517 section 5: to be passed over).
_UNKNOWN_MEMBER = {"mock_unknown_member": {"says": "pass over what you do not know"}}
_UNKNOWN_KEY = {"kty": "MOCK", "use": "sig", "kid": "key-of-an-unknown-type", "m": "AQAB"}

#: What stands where a state or a part of it was.
_OTHER_STATE = "another-state"


def spoiled_answer(rule: FaultRule, answer: Mapping[str, Any], environment: Environment) -> dict[str, Any] | None:
    """``answer`` with the effect of ``rule``; None where there is nothing that could have it."""
    value = rule.effect.value
    match rule.effect.kind:
        case "id_token" | "access_token" | "token_type":
            return spoiled_tokens(rule, answer, environment)
        case "discovery":
            return _discovery(rule, answer)
        case "userinfo":
            is_about = rule.match.sub in (None, answer.get("sub"))
            return {**answer, "sub": OTHER_SUB} if is_about and "sub" in answer else None
        case "jwks":
            return _key_set(str(value), answer, environment.keyring.kid)
    return None


def _discovery(rule: FaultRule, answer: Mapping[str, Any]) -> dict[str, Any] | None:
    if rule.effect.value == "other_issuer":
        return {**answer, "issuer": OTHER_ISSUER}
    if rule.effect.value == "unknown_member":
        return {**_UNKNOWN_MEMBER, **answer}
    missing = rule.effect.beside["member"]
    return {name: value for name, value in answer.items() if name != missing} if missing in answer else None


def _key_set(value: str, answer: Mapping[str, Any], signs: str) -> dict[str, Any] | None:
    keys = list(answer.get("keys", ()))
    if value == "empty":
        return {**answer, "keys": []}
    if value == "unknown_key_type":
        return {**answer, "keys": [_UNKNOWN_KEY, *keys]}
    others = [key for key in keys if key.get("kid") != signs]
    return {**answer, "keys": others} if len(others) < len(keys) else None


def spoiled_parameters(value: str, parameters: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...] | None:
    """The parameters of an authorization response with the effect ``value``; None where they have none to spoil."""
    way, _, name = value.partition("_")
    if name not in dict(parameters):
        return None
    if way == "missing":
        return tuple(pair for pair in parameters if pair[0] != name)
    other = OTHER_ISSUER if name == "iss" else _OTHER_STATE
    return tuple((one, other if one == name else held) for one, held in parameters)
