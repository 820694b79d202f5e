"""What the token endpoint answers, with defects: signed anew by the keys of the environment, in chosen ways wrong."""

from collections.abc import Mapping
from typing import Any

from mock_sts.helseid.faults import FaultRule
from mock_sts.protocol.defects import Facts, spoiled
from mock_sts.protocol.drafts import Draft, Keys, sign
from mock_sts.protocol.half_hash import half_hash
from mock_sts.protocol.jose import read_jws
from mock_sts.services.environment import Environment
from mock_sts.services.tokens.ordered import other_key


def spoiled_tokens(rule: FaultRule, answer: Mapping[str, Any], environment: Environment) -> dict[str, Any] | None:
    """``answer`` of the token endpoint with the effect of ``rule``; None where there is nothing that could have it."""
    kind = rule.effect.kind
    if not _is_about(rule, answer):
        return None
    if kind == "token_type":
        return {**answer, "token_type": rule.effect.value} if "token_type" in answer else None
    if kind not in answer:
        return None
    changed = {**answer, kind: respoiled(rule, str(answer[kind]), environment)}
    if kind == "access_token" and "id_token" in answer:
        # It is the access token alone that is wrong: what the ID token says of it stays true.
        jws = read_jws(str(answer["id_token"]))
        if "at_hash" in jws.claims:
            claims = {**jws.claims, "at_hash": half_hash(changed[kind])}
            changed["id_token"] = environment.keyring.sign(claims, str(jws.header["typ"]))
    return changed


def respoiled(rule: FaultRule, token: str, environment: Environment) -> str:
    """``token``, which a key of ``environment`` has signed, with the defect of ``rule``."""
    defect = rule.effect.defect
    if defect is None:
        raise AssertionError(f"{rule.effect.text} is no defect of a token")
    keyring, jws = environment.keyring, read_jws(token)
    draft = Draft(jws.header, jws.claims, keyring.algorithm)
    facts = Facts(environment.clock.times().wall)
    return sign(spoiled(draft, (defect,), facts), Keys(keyring.private_key, other_key))


def _is_about(rule: FaultRule, answer: Mapping[str, Any]) -> bool:
    """Whether ``answer`` is about the person that ``rule`` is for."""
    if rule.match.sub is None:
        return True
    token = answer.get("access_token")
    return isinstance(token, str) and read_jws(token).claims.get("sub") == rule.match.sub
