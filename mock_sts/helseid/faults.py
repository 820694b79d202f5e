"""Fault rules: what a test can have go wrong, for which requests, and how a rule is written down.

Every effect is declared once, in EFFECTS. From that come what the control API takes, its messages, and the tables of
the documentation. What an effect does is elsewhere: ``services.faults`` and ``web.faults``.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from mock_sts.helseid.claims import PID, SECURITY_LEVEL
from mock_sts.helseid.endpoints import SHORT_WORDS, paths_of
from mock_sts.protocol.defects import (
    BY_NAME,
    ID_TOKEN_DEFECTS,
    SHARED_WITH_ID_TOKENS,
    TOKEN_DEFECTS,
    Defect,
    Expected,
    missing_claim,
)
from mock_sts.protocol.durations import read_duration

#: A synthetic person that no fixture has, and the ``sub`` of an ID token that is for another person.
_OTHER_PID, OTHER_SUB = "01810106200", "YW5vdGhlciBwZXJzb24sIG1hZGUgYnkgYSBmYXVsdC4="

#: Effects on a logout token, in the words of tokens' defects.
_LOGOUT_DEFECTS = ("wrong_key", "alg_none", "wrong_issuer", "wrong_audience", "expired")


class Phase(StrEnum):
    """When an effect happens."""

    INSTEAD = "in place of the answer"
    BEFORE = "before the request is judged"
    AFTER = "on the answer, after all is stored"
    NOW = "when the rule is made"


class Takes(StrEnum):
    """What a member of an effect takes."""

    WORD = "one of its words"
    TEXT = "a text"
    NUMBER = "a whole number"
    TRUTH = "true"
    WORDS = "a list of words"
    DURATION = "an ISO 8601 duration such as PT5S"


class FaultError(ValueError):
    """A rule that makes no sense; the message says why, ``path`` leads to the member that is wrong."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, slots=True)
class EffectKind:
    """A kind of effect, by the member of ``effect`` that asks for it.

    ``endpoints`` are the short words of those at which it can happen; none: at any. ``values`` are the words that it
    takes, each with its meaning; none where it takes something else, which ``says`` tells. ``beside`` are members that
    may stand beside it. ``takes`` is what it takes where that is no word; a number lies between ``low`` and ``high``.
    ``counted`` says that it can be ordered for so many requests, ``knows_person`` that it can be for one person.
    """

    name: str
    phase: Phase
    says: str
    endpoints: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    counted: bool = True
    knows_person: bool = False
    takes: Takes = Takes.WORD
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A member that may stand beside the one that names the effect: what it takes, and what it means."""

    takes: Takes
    says: str
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()


#: All of them, by name.
BESIDE: Mapping[str, Beside] = MappingProxyType(
    {
        "error_description": Beside(Takes.TEXT, "for `oauth_error`: what the error says beside its code"),
        "status_code": Beside(Takes.NUMBER, "for `oauth_error`: the HTTP status; unset: the usual one", 400, 599),
        "body": Beside(Takes.TEXT, "for `status`: the body"),
        "content_type": Beside(Takes.TEXT, "for `status` and `answer`: the content type"),
        "retry_after": Beside(Takes.NUMBER, "for `status`: when to come again, in seconds", 0, 86_400),
        "where": Beside(
            Takes.WORD,
            "for `delay_ms`: `before` the answer (unset), or in the `middle` of it",
            values=("before", "middle"),
        ),
        "member": Beside(Takes.TEXT, "for `discovery`: the name of the member that is missing"),
        "claim": Beside(Takes.TEXT, "for `id_token`: the name of the claim that is missing"),
    }
)


_STOPS = Expected(0, "")

#: Defects of ID tokens by name: those of all tokens that have a meaning here, its own, and two in HelseID's claims.
ID_TOKEN: Mapping[str, Defect] = MappingProxyType(
    {
        **{name: BY_NAME[name] for name in SHARED_WITH_ID_TOKENS},
        **{defect.name: defect for defect in ID_TOKEN_DEFECTS},
        "other_person": Defect(
            "other_person",
            "It is about another person: sub, and pid where it has one",
            _STOPS,
            lambda token, facts: token.with_claims(sub=OTHER_SUB, **({PID: _OTHER_PID} if PID in token.claims else {})),
        ),
        "lower_level": Defect(
            "lower_level",
            "Its security level is 3",
            _STOPS,
            lambda token, facts: token.with_claims(**{SECURITY_LEVEL: "3"}),
        ),
    }
)

ACCESS_TOKEN: Mapping[str, Defect] = MappingProxyType({defect.name: defect for defect in TOKEN_DEFECTS})

_DEFECTS: Mapping[str, Mapping[str, Defect]] = MappingProxyType(
    {"id_token": ID_TOKEN, "access_token": ACCESS_TOKEN, "backchannel_logout": BY_NAME}
)


def _meanings(defects: Mapping[str, Defect]) -> dict[str, str]:
    return {name: defect.says for name, defect in defects.items()}


_KINDS = (
    EffectKind(
        "oauth_error",
        Phase.INSTEAD,
        "An OAuth error of your choice, such as `temporarily_unavailable`. At `authorize` it travels to the client",
        beside=("error_description", "status_code"),
        takes=Takes.TEXT,
    ),
    EffectKind(
        "status",
        Phase.INSTEAD,
        "An HTTP status, such as 503, with a body of your choice",
        beside=("body", "content_type", "retry_after"),
        takes=Takes.NUMBER,
        low=200,
        high=599,
    ),
    EffectKind(
        "delay_ms",
        Phase.INSTEAD,
        "So many milliseconds pass before the request is looked at, or in the middle of the answer",
        beside=("where",),
        takes=Takes.NUMBER,
        low=1,
        high=60_000,
    ),
    EffectKind("drop", Phase.INSTEAD, "`true`: the connection is closed without an answer", takes=Takes.TRUTH),
    EffectKind(
        "pause",
        Phase.INSTEAD,
        "`true`: every connection of the emulated surface is closed without an answer until the rule is removed; "
        "`/mock/` and `/health/` answer",
        counted=False,
        takes=Takes.TRUTH,
    ),
    EffectKind(
        "closed_port",
        Phase.NOW,
        "For so long (`PT5S`, at most an hour) the server takes no connections and answers none that are open, its own "
        "side and health among them; then it does again. At the root only",
        counted=False,
        takes=Takes.DURATION,
    ),
    EffectKind(
        "answer",
        Phase.AFTER,
        "The answer is spoilt on its way",
        values={
            "cut": "Half of the body comes, then the connection is closed",
            "empty": "There is no body",
            "garbage": "The body is no JSON and no page",
            "wrong_content_type": "The content type is `text/html`, or what `content_type` says",
            "lost": "All is stored, and no answer comes",
        },
        beside=("content_type",),
    ),
    EffectKind(
        "discovery",
        Phase.AFTER,
        "The discovery document is another",
        endpoints=("discovery",),
        values={
            "missing_member": "A `member` is missing",
            "unknown_member": "It has a member that no standard knows",
            "other_issuer": "Its issuer is another's",
        },
        beside=("member",),
    ),
    EffectKind(
        "moved",
        Phase.BEFORE,
        "These endpoints (a list of short words) are elsewhere: discovery says where, the old path is 404, and `htu` "
        "follows",
        counted=False,
        takes=Takes.WORDS,
    ),
    EffectKind(
        "authorization_response",
        Phase.AFTER,
        "The authorization response is wrong",
        endpoints=("authorize",),
        values={
            "missing_iss": "It has no `iss` (RFC 9207)",
            "wrong_iss": "Its `iss` is another issuer",
            "missing_state": "It has no `state`",
            "wrong_state": "Its `state` is another",
        },
    ),
    EffectKind(
        "id_token",
        Phase.AFTER,
        "The ID token has a defect",
        endpoints=("token",),
        values={**_meanings(ID_TOKEN), "missing_claim": "It has no `claim`"},
        beside=("claim",),
        knows_person=True,
    ),
    EffectKind(
        "access_token",
        Phase.AFTER,
        "The access token has a defect",
        endpoints=("token",),
        values=_meanings(ACCESS_TOKEN),
        knows_person=True,
    ),
    EffectKind(
        "token_type",
        Phase.AFTER,
        "The answer names another token type: `Bearer` for a token that is bound to a key",
        endpoints=("token",),
        knows_person=True,
        takes=Takes.TEXT,
    ),
    EffectKind(
        "dpop_nonce",
        Phase.INSTEAD,
        "Nonces of DPoP come otherwise than usual",
        endpoints=("token", "par", "userinfo", "clientinfo"),
        values={
            "challenge": "A request with a proof is asked for another nonce, however good its own is",
            "never": "No nonce is asked for",
            "renew": "Each good answer brings a new nonce",
        },
    ),
    EffectKind(
        "refresh_token",
        Phase.INSTEAD,
        "Refresh goes otherwise than usual",
        endpoints=("token",),
        values={
            "refused": "A refresh is refused with `invalid_grant`; the refresh token stays good",
            "not_rotated": "The answer to a refresh has the refresh token that was used, which stays good",
        },
    ),
    EffectKind(
        "userinfo",
        Phase.AFTER,
        "Userinfo is wrong",
        endpoints=("userinfo",),
        values={"other_sub": "It is about another person"},
        knows_person=True,
    ),
    EffectKind(
        "jwks",
        Phase.AFTER,
        "The key set is another",
        endpoints=("jwks",),
        values={
            "empty": "It has no keys",
            "unknown_key_type": "It begins with a key of an unknown type",
            "late": "The key that signs is not in it yet",
        },
    ),
    EffectKind(
        "keys",
        Phase.BEFORE,
        "Another key signs from this request on",
        values={
            "rotate": "A new key signs; the one before stays in the key set",
            "retire": "A new key signs, and the one before leaves the key set at once",
        },
    ),
    EffectKind(
        "backchannel_logout",
        Phase.AFTER,
        "Back-channel logout fails",
        endpoints=("endsession",),
        values={
            "not_sent": "No logout token is sent",
            **{name: f"The logout token has the defect: {BY_NAME[name].says}" for name in _LOGOUT_DEFECTS},
        },
    ),
)

EFFECTS: Mapping[str, EffectKind] = MappingProxyType({kind.name: kind for kind in _KINDS})


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens: the kind, its value, and the members beside it."""

    kind: str
    value: Any
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The effect in short, for headers, journal and lists."""
        if self.value is True:
            return self.kind
        shown = " ".join(self.value) if isinstance(self.value, list | tuple) else str(self.value)
        return f"{self.kind}={shown}"

    @property
    def defect(self) -> Defect | None:
        """The defect of a token that it asks for, if it asks for one."""
        if self.value == "missing_claim":
            return missing_claim(str(self.beside["claim"]))
        return _DEFECTS.get(self.kind, {}).get(str(self.value))

    def document(self) -> dict[str, Any]:
        """The members of ``effect`` as they are written."""
        return {self.kind: self.value, **self.beside}


@dataclass(frozen=True, slots=True)
class Match:
    """For which requests a rule is: all that it names must fit; what is None or empty does not matter.

    ``endpoint`` is a short word or a path, ``client_id`` the client that the request claims to be of. ``headers`` are
    patterns by header name, in which ``*`` stands for any text. ``persona`` is who the answer is about, ``sub`` the
    same person as tokens name them.
    """

    endpoint: str | None = None
    client_id: str | None = None
    grant_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    persona: str | None = None
    sub: str | None = None

    def document(self) -> dict[str, Any]:
        """What of it is set, JSON-ready."""
        found = {
            "endpoint": self.endpoint,
            "client_id": self.client_id,
            "grant_type": self.grant_type,
            "headers": dict(self.headers),
            "persona": self.persona,
            "sub": self.sub,
        }
        return {name: value for name, value in found.items() if value}

    def fits_headers(self, header_of: Any) -> bool:
        """Whether the request has the headers; ``header_of`` gives the value of one by its name, or None."""
        return all(
            (value := header_of(name)) is not None and fnmatchcase(value, pattern)
            for name, pattern in self.headers.items()
        )


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A rule: for which requests, what happens, and how likely (None: always), drawn from a seed."""

    id: str
    match: Match
    effect: Effect
    probability: float | None = None
    seed: str = ""
    paths: tuple[str, ...] = ()

    @property
    def closed_until(self) -> int:
        """Until when the port is closed, in seconds of the real clock; 0 where the rule closes none."""
        return int(self.effect.beside["until"]) if self.effect.kind == "closed_port" else 0

    @property
    def kind(self) -> EffectKind:
        """The kind of its effect."""
        return EFFECTS[self.effect.kind]

    def document(self) -> str:
        """The rule as it is kept, in JSON."""
        effect = {"kind": self.effect.kind, "value": self.effect.value, "beside": dict(self.effect.beside)}
        found = {"match": self.match.document(), "effect": effect, "probability": self.probability, "seed": self.seed}
        return json.dumps(found)

    @classmethod
    def read(cls, rule_id: str, document: str) -> "FaultRule":
        """The rule that was kept."""
        found = json.loads(document)
        match, effect = Match(**found["match"]), Effect(**found["effect"])
        return cls(rule_id, match, effect, found["probability"], found["seed"], _paths(match, EFFECTS[effect.kind]))

    def happens(self, draw: int) -> bool:
        """Whether the effect happens at draw number ``draw``: the same for the same seed, on every machine."""
        if self.probability is None:
            return True
        drawn = hashlib.sha256(f"{self.seed}/{draw}".encode()).digest()[:7]
        return int.from_bytes(drawn, "big") / 2**56 < self.probability


def _paths(match: Match, kind: EffectKind) -> tuple[str, ...]:
    """The paths at which the rule can happen; none: any of the emulated surface."""
    if match.endpoint is not None:
        return paths_of(match.endpoint)
    return tuple(path for word in kind.endpoints for path in SHORT_WORDS[word])


def checked_effect(members: Mapping[str, Any]) -> Effect:
    """The effect that the ``members`` of a request ask for, those that are unset left out. Raises FaultError."""
    kinds = [name for name in members if name in EFFECTS]
    if len(kinds) != 1:
        has = " and ".join(kinds) or "none"
        raise FaultError(f"effect must have exactly one of {', '.join(EFFECTS)}; it has {has}", "effect")
    kind = EFFECTS[kinds[0]]
    beside = {name: value for name, value in members.items() if name != kind.name}
    for name in beside:
        if name not in kind.beside:
            fitting = ", ".join(one.name for one in EFFECTS.values() if name in one.beside)
            raise FaultError(f"effect.{name} does not go with {kind.name}; it goes with {fitting}", "effect", name)
    value = members[kind.name]
    if kind.name == "oauth_error" and not _ERROR.fullmatch(str(value)):
        raise FaultError(
            "effect.oauth_error must be an error code such as temporarily_unavailable: ASCII letters, digits, _ and -",
            "effect",
            "oauth_error",
        )
    _check_value(kind, value, beside)
    return Effect(kind.name, list(value) if isinstance(value, tuple) else value, beside)


#: Error codes, with less than RFC 6749 section 5.2 allows: they go into headers too.
_ERROR = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def _check_value(kind: EffectKind, value: object, beside: Mapping[str, Any]) -> None:
    here = ("effect", kind.name)
    if kind.name in ("drop", "pause") and value is not True:
        raise FaultError(f"effect.{kind.name} must be true; to end the effect, remove the rule", *here)
    if kind.name == "moved":
        _check_moved(value)
    if kind.name == "closed_port":
        _check_duration(value)
    for wanted, word in (("missing_claim", "claim"), ("missing_member", "member")):
        if (value == wanted) is not (word in beside) and (value == wanted or word in beside):
            raise FaultError(f"effect.{word} goes with {wanted}, which needs it: the name of what is missing", *here)


def _check_duration(value: Any) -> None:
    try:
        seconds = read_duration(value)
    except ValueError as error:
        raise FaultError(f"effect.closed_port must be {error}", "effect", "closed_port") from None
    if not 1 <= seconds <= _LONGEST_CLOSED:
        raise FaultError("effect.closed_port must be from PT1S to PT1H", "effect", "closed_port")


#: Seconds for which a port may be closed: as long nothing but the machine's own clock can open it.
_LONGEST_CLOSED = 3_600


def _check_moved(words: Any) -> None:
    known = [word for word in SHORT_WORDS if word in MOVABLE]
    wrong = next((word for word in words if word not in MOVABLE), None)
    if wrong is not None or not words:
        says = "is empty" if wrong is None else f"has {wrong[:40]!r}"
        raise FaultError(f"effect.moved {says}; these can move: {', '.join(known)}", "effect", "moved")


#: Endpoints that can move: those that discovery names.
MOVABLE = ("jwks", "par", "authorize", "token", "userinfo", "endsession", "revocation", "introspection")


def check_match(match: Match, effect: Effect, times: int | None) -> None:
    """Raises FaultError for a rule that can never happen."""
    kind = EFFECTS[effect.kind]
    if match.endpoint is not None:
        paths = paths_of(match.endpoint)
        if not paths:
            raise FaultError(
                f"match.endpoint is {match.endpoint[:60]!r}, which is no endpoint; write a path, or one of "
                f"{', '.join(SHORT_WORDS)}",
                "match",
                "endpoint",
            )
        possible = {path for word in kind.endpoints for path in SHORT_WORDS[word]}
        if kind.endpoints and not possible.intersection(paths):
            raise FaultError(
                f"the rule can never match: {effect.text} happens at {_listed(kind.endpoints)} alone, and "
                f"match.endpoint is {match.endpoint[:60]!r}; leave it out",
                "match",
                "endpoint",
            )
    if match.grant_type is not None and not set(paths_of("token")).intersection(_paths(match, kind) or ("",)):
        raise FaultError(
            "the rule can never match: requests to token alone have a grant type; let match.endpoint be token",
            "match",
            "grant_type",
        )
    if match.persona is not None and not kind.knows_person:
        fitting = ", ".join(one.name for one in EFFECTS.values() if one.knows_person)
        raise FaultError(
            f"match.persona cannot be known for {effect.kind}: whom a request is about is known when it is answered; "
            f"it goes with {fitting}",
            "match",
            "persona",
        )
    _check_surface(match, kind)
    if times is not None and not kind.counted:
        raise FaultError(f"times does not go with {kind.name}, which lasts until the rule is removed", "times")


def _check_surface(match: Match, kind: EffectKind) -> None:
    """What holds for all requests of an environment, or of the server, knows nothing of a single one."""
    if kind.name not in ("moved", "closed_port"):
        return
    given = next((name for name in ("endpoint", "client_id", "grant_type") if getattr(match, name)), None)
    given = given or ("headers" if match.headers else None)
    if given is not None:
        raise FaultError(
            f"match.{given} does not go with {kind.name}, which is so for all; leave it out", "match", given
        )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
