"""Values of a limited alphabet that come in another: journal and log name the characters, or the form."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.test_resource import prove
from tests.support.emulator import Emulator
from tests.support.keys import private_jwk
from tests.support.machine import ABSENT, Answer
from tests.support.relying_party import Login, RelyingParty, web_client

BYTES = b"\xfb\xef\xff" * 11  # in base64 full of + and /, and with padding where a byte is missing
STANDARD = base64.b64encode(BYTES[:32]).decode()
assert set("+/=") <= set(STANDARD) and len(STANDARD) == 44
CHARACTERS = "'+', '/' and '=' in it (standard base64"

Send = Callable[[RelyingParty], Answer]


def redeemed(verifier: str, challenge: str | None = None) -> Send:
    def send(rp: RelyingParty) -> Answer:
        login = Login()
        code = rp.log_in(login, {} if challenge is None else {"code_challenge": challenge})["code"]
        return rp.redeem(login, code, {"code_verifier": verifier})

    return send


def pushed(**changes: Any) -> Send:
    return lambda rp: rp.push(Login(), changes)


def with_kid(kid: Callable[[str], str]) -> Send:
    return lambda rp: rp.machine.token(
        form={"grant_type": "refresh_token", "refresh_token": "x", "scope": ABSENT},
        assertion={"header": {"kid": kid(rp.machine.jwk["kid"])}},
    )


def with_ath(form: Callable[[bytes], str]) -> Send:
    def send(rp: RelyingParty) -> Answer:
        token = rp.tokens().json["access_token"]
        ath = form(hashlib.sha256(token.encode()).digest())
        proof = prove(rp.machine, token, "/connect/userinfo", ath=ath)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return rp.machine.transport.send("GET", "/connect/userinfo", headers)

    return send


def with_assertion(change: Callable[[str], str]) -> Send:
    return lambda rp: rp.machine.post(rp.machine.form(change(rp.machine.assertion()), {"grant_type": "refresh_token"}))


HEX = hashlib.sha256(b"v" * 43).hexdigest()
VERIFIER = "v" * 43

#: What is sent, the rule that tells of it, and its words.
CASES: dict[str, tuple[Send, str, tuple[str, ...]]] = {
    "verifier in base64": (redeemed(STANDARD), "code.verifier", ("a verifier of 44 characters", CHARACTERS)),
    "verifier with spaces": (redeemed("a b" * 20), "code.verifier", ("60 characters", "' ' in it")),
    "short verifier": (redeemed("v" * 42), "code.verifier", ("a verifier of 42 characters",)),
    "another verifier": (redeemed(VERIFIER), "code.verifier", ("another verifier",)),
    "plain challenge": (redeemed(VERIFIER, VERIFIER), "code.verifier", ("(plain)",)),
    "challenge in hex": (redeemed(VERIFIER, HEX), "code.verifier", ("hexadecimal digits",)),
    "challenge in base64": (
        pushed(code_challenge=STANDARD),
        "authorization-request.challenge-form",
        ("44 characters", CHARACTERS),
    ),
    "thumbprint in base64": (pushed(dpop_jkt=STANDARD), "authorization-request.dpop-jkt-form", (CHARACTERS,)),
    "thumbprint in hex": (pushed(dpop_jkt=HEX), "authorization-request.dpop-jkt-form", ("64 characters",)),
    "ath in base64": (
        with_ath(lambda digest: base64.b64encode(digest).decode()),
        "dpop-token.ath",
        ("the right hash as standard base64 or padded",),
    ),
    "ath in hex": (with_ath(bytes.hex), "dpop-token.ath", ("the right hash as hexadecimal digits",)),
    "ath of another token": (with_ath(lambda digest: "x"), "dpop-token.ath", ("ath is 'x'",)),
    "kid with padding": (
        with_kid(lambda kid: f"{kid}="),
        "client-assertion.kid",
        ("the kid of a registered key: ", "as standard base64 or padded"),
    ),
    "another kid": (with_kid(lambda kid: "x"), "client-assertion.kid", ("the kid of a registered key: ",)),
    "assertion with padding": (
        with_assertion(lambda text: f"{text}=="),
        "client-assertion.readable",
        ("its signature cannot be read", "'=' in it (standard base64"),
    ),
    "assertion with quotes": (with_assertion(lambda text: f'"{text}"'), "client-assertion.readable", ("'\"' in it",)),
}


@pytest.mark.covers("errors.alphabets")
@pytest.mark.parametrize("name", CASES)
def test_what_does_not_belong_is_named(sts: Emulator, name: str) -> None:
    send, rule, words = CASES[name]
    send(web_client(sts, jwk=private_jwk("ES256", 1)))
    broken = [finding for finding in sts.journal(limit="1")[0]["findings"]["broken"] if finding["rule"] == rule]
    assert broken, sts.journal(limit="1")
    told = f"{broken[0]['observed']} | {broken[0]['expected']}"
    for word in words:
        assert word in told, told
