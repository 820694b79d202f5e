"""What a client is provoked with, one thing at a time, and what a correct one does: by fault rules of ``faults``.

The table of the documentation is made from this list and from what libraries were seen to do; a guided run goes through
it step by step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mock_sts.helseid.faults import Effect, checked_effect


class Correct(StrEnum):
    """What a correct client does."""

    STOPS = "stops"
    COPES = "copes"
    EITHER = "stops or copes"
    CANNOT_SEE = "cannot see it"


class Tells(StrEnum):
    """By what the server tells whether the client has noticed."""

    NO_REDEEM = "no token request follows the answer"
    NO_USE = "no token of the answer is used"
    NO_REFRESH = "no refresh follows"
    NO_FLOW = "no request follows that goes by the document"
    GOES_ON = "a token request is granted"
    USES = "what it gets is used"
    ASKS_AGAIN = "the same endpoint is asked once more"
    LOGS_IN_AGAIN = "a new login begins, and the refresh token is not tried again"


@dataclass(frozen=True, slots=True)
class Provocation:
    """One thing that goes wrong for one login: the ``rule`` without its client, and what a correct client does.

    ``sees`` says who has to notice it where a library cannot: the application, or the API.
    """

    name: str
    rule: Mapping[str, Any]
    correct: Correct
    does: str
    sees: str = ""

    @property
    def effect(self) -> Effect:
        """The effect of its rule."""
        return checked_effect(self.rule["effect"])

    @property
    def tells(self) -> Tells:
        """By what the server tells whether the client has noticed it."""
        effect, endpoint = self.effect, self.rule.get("match", {}).get("endpoint")
        if effect.kind == "refresh_token":
            return Tells.LOGS_IN_AGAIN if effect.value == "refused" else Tells.GOES_ON
        if effect.kind == "authorization_response" or endpoint == "authorize":
            return Tells.NO_REDEEM
        if effect.kind == "userinfo" or effect.value == "other_person":
            return Tells.NO_REFRESH  # userinfo is where a client may notice it
        if effect.value == "challenge" or (effect.value in ("late", "empty") and effect.kind == "jwks"):
            return Tells.ASKS_AGAIN
        if self.correct is not Correct.COPES:
            return Tells.NO_FLOW if effect.kind == "discovery" else Tells.NO_USE
        return Tells.USES if effect.kind in ("jwks", "keys") or endpoint == "token" else Tells.GOES_ON

    @property
    def needs_login(self) -> bool:
        """Whether only a client that logs people in can meet it."""
        return self.effect.kind in _OF_LOGINS or self.rule.get("match", {}).get("endpoint") in ("par", "authorize")

    @property
    def needs_dpop(self) -> bool:
        """Whether only a client that uses DPoP can meet it."""
        return self.effect.kind in ("dpop_nonce", "token_type") or self.effect.value == "other_confirmation"

    def rule_for(self, client_id: str) -> dict[str, Any]:
        """The rule for one client, as the control API takes it. Discovery and keys have no client."""
        match = dict(self.rule.get("match", {}))
        if match.get("endpoint") not in _OF_ALL and self.effect.kind not in _OF_ALL:
            match["client_id"] = client_id
        return {**self.rule, "match": match}


#: Endpoints that no client is known at, and effects on them.
_OF_ALL = ("discovery", "jwks", "moved")


#: Effects on what only a login brings.
_OF_LOGINS = ("authorization_response", "id_token", "userinfo", "refresh_token", "jwks")


def _stops(name: str, effect: Mapping[str, Any], does: str, *, endpoint: str = "", sees: str = "") -> Provocation:
    return _one(name, effect, Correct.STOPS, does, endpoint, sees)


def _copes(
    name: str, effect: Mapping[str, Any], does: str, *, endpoint: str = "", times: int | None = 1
) -> Provocation:
    return _one(name, effect, Correct.COPES, does, endpoint, times=times)


def _either(name: str, effect: Mapping[str, Any], does: str, *, endpoint: str) -> Provocation:
    return _one(name, effect, Correct.EITHER, does, endpoint)


def _one(
    name: str,
    effect: Mapping[str, Any],
    correct: Correct,
    does: str,
    endpoint: str,
    sees: str = "",
    times: int | None = 1,
) -> Provocation:
    rule: dict[str, Any] = {"effect": effect}
    if endpoint:
        rule["match"] = {"endpoint": endpoint}
    if times is not None:
        rule["times"] = times
    return Provocation(name, rule, correct, does, sees)


_NO_CODE = "ends the login, and does not redeem the code"
_NO_TOKEN = "ends the login, and uses none of the tokens"

_ID_TOKEN: Mapping[str, str] = {
    "wrong_key": "",
    "tampered": "",
    "alg_none": "",
    "wrong_issuer": "",
    "wrong_audience": "",
    "audience_with_stranger": "",
    "expired": "",
    "issued_in_future": "",
    "wrong_nonce": "",
    "missing_nonce": "",
    "other_person": "the client, by the `sub` of userinfo; the application, by who it knows",
    "lower_level": "the application, by the security level that it asked for",
}

#: All of them, in the order in which a login meets them.
PROVOCATIONS: tuple[Provocation, ...] = (
    _stops("discovery-other-issuer", {"discovery": "other_issuer"}, "does not use the document"),
    _stops(
        "discovery-without-token-endpoint",
        {"discovery": "missing_member", "member": "token_endpoint"},
        "ends with an error that says what is missing",
    ),
    _copes("discovery-unknown-member", {"discovery": "unknown_member"}, "passes over what it does not know"),
    _copes(
        "endpoints-moved",
        {"moved": ["token", "par", "jwks", "userinfo"]},
        "calls the addresses of the document, and makes its proofs for these",
        times=None,
    ),
    _copes("slow-discovery", {"delay_ms": 300}, "waits", endpoint="discovery"),
    _copes("nonce-again", {"dpop_nonce": "challenge"}, "repeats the request with the new nonce", endpoint="par"),
    _one(
        "nonce-twice",
        {"dpop_nonce": "challenge"},
        Correct.EITHER,
        "repeats it once more, or reports it",
        "token",
        times=2,
    ),
    _copes("nonce-never", {"dpop_nonce": "never"}, "goes on without one", times=None),
    _copes("nonce-with-each-answer", {"dpop_nonce": "renew"}, "uses the newest nonce", times=None),
    _stops(
        "login-required",
        {"oauth_error": "login_required"},
        "reports it, or asks anew with a page",
        endpoint="authorize",
    ),
    _stops("iss-missing", {"authorization_response": "missing_iss"}, _NO_CODE),
    _stops("iss-wrong", {"authorization_response": "wrong_iss"}, _NO_CODE),
    _stops("state-missing", {"authorization_response": "missing_state"}, _NO_CODE),
    _stops("state-wrong", {"authorization_response": "wrong_state"}, _NO_CODE),
    _either("token-503", {"status": 503, "body": "later"}, "reports it, or tries again", endpoint="token"),
    _either("token-dropped", {"drop": True}, "reports it, or tries again", endpoint="token"),
    _copes("token-slow", {"delay_ms": 300, "where": "middle"}, "waits", endpoint="token"),
    _stops("token-cut", {"answer": "cut"}, "reports it", endpoint="token"),
    _stops("token-empty", {"answer": "empty"}, "reports it", endpoint="token"),
    _stops("token-garbage", {"answer": "garbage"}, "reports it", endpoint="token"),
    _either(
        "token-no-json", {"answer": "wrong_content_type"}, "reads it all the same, or reports it", endpoint="token"
    ),
    _stops(
        "token-type-bearer",
        {"token_type": "Bearer"},
        "does not send the token: it asked for one that is bound to a key",
    ),
    *(
        _stops(f"id-token-{name.replace('_', '-')}", {"id_token": name}, _NO_TOKEN, sees=sees)
        for name, sees in _ID_TOKEN.items()
    ),
    _either(
        "id-token-wrong-at-hash",
        {"id_token": "wrong_at_hash"},
        "may check it: OpenID Connect Core section 3.1.3.8 leaves it to the client",
        endpoint="token",
    ),
    _stops("id-token-without-sub", {"id_token": "missing_claim", "claim": "sub"}, _NO_TOKEN),
    _copes("jwks-unknown-key-type", {"jwks": "unknown_key_type"}, "passes over keys of types that it does not know"),
    _copes("jwks-late", {"jwks": "late"}, "fetches the keys once more where none fits"),
    _copes("jwks-empty", {"jwks": "empty"}, "fetches the keys once more where none fits"),
    _copes("key-rotated", {"keys": "rotate"}, "fetches the keys, for none that it has fits", endpoint="token"),
    _stops("userinfo-other-sub", {"userinfo": "other_sub"}, "uses none of it"),
    _stops("refresh-refused", {"refresh_token": "refused"}, "has the person log in again"),
    _copes("refresh-not-rotated", {"refresh_token": "not_rotated"}, "keeps the token that it has"),
    *(
        _one(
            f"access-token-{name.replace('_', '-')}",
            {"access_token": name},
            Correct.CANNOT_SEE,
            "sends it as it is: access tokens are for APIs",
            "",
            "the API",
        )
        for name in ("unknown_key", "expired", "other_confirmation")
    ),
)
