"""Tokens and messages in a form to be read: decoded, with a word on each claim."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mock_sts.helseid.claim_words import CLAIM_WORDS
from mock_sts.protocol.jose import JoseError, Jws, read_jws

_HEADER_WORDS: Mapping[str, str] = {
    "alg": "how the token is signed",
    "kid": "which of the server's published keys signed it",
    "x5t": "the thumbprint of that key's certificate",
    "typ": "what the token is: at+jwt is an access token",
    "jwk": "the public key that the proof is signed with",
}

_TIMES = ("nbf", "iat", "exp", "auth_time")

#: Parameters and members that give power to who reads them for as long as they live; the pages show their beginning.
_SECRETS = ("refresh_token",)


@dataclass(frozen=True, slots=True)
class Line:
    """A claim or a header member: its name, its value, and what it is."""

    name: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """A JWT in lines; ``name`` is where it stood."""

    name: str
    header: tuple[Line, ...]
    claims: tuple[Line, ...]
    text: str


def decoded(name: str, token: str) -> Decoded | None:
    """``token`` decoded, or None when it is no JWT. Its signature is not looked at."""
    jws = _read(token)
    if jws is None:
        return None
    return Decoded(
        name,
        tuple(
            Line(member, _shown(member, value), _HEADER_WORDS.get(member, "")) for member, value in jws.header.items()
        ),
        tuple(Line(claim, _shown(claim, value), _words(claim)) for claim, value in jws.claims.items()),
        json.dumps({"header": jws.header, "claims": jws.claims}, indent=2, ensure_ascii=False),
    )


def readable(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step (``wire.Step``) as a page shows it: secrets shortened, JSON laid out, the JWTs in it decoded."""
    body, answered = _body(str(step["body"]))
    sent = [*_pairs(step["sent_headers"]), *_pairs(step["sent"])]
    inside = [decoded(name, value.removeprefix("DPoP ")) for name, value in [*sent, *answered]]
    return {
        **step,
        "sent": [(name, _shortened(name, value)) for name, value in _pairs(step["sent"])],
        "body": body,
        "tokens": [token for token in inside if token is not None],
    }


def _pairs(value: Iterable[Iterable[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in value]


def _body(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A body to be shown, and the texts in it by name."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text, []
    if not isinstance(value, dict):
        return text, []
    shown = {name: _shortened(name, member) if isinstance(member, str) else member for name, member in value.items()}
    texts = [(name, member) for name, member in value.items() if isinstance(member, str)]
    return json.dumps(shown, indent=2, ensure_ascii=False), texts


def _shortened(name: str, value: str) -> str:
    return f"{value[:8]}… (shortened)" if name in _SECRETS else value


def _words(claim: str) -> str:
    return CLAIM_WORDS.get(claim, "a claim of this client's registration or of its API").replace("`", "")


def _shown(name: str, value: object) -> str:
    if name in _TIMES and isinstance(value, int) and 0 <= value < 2**34:
        return f"{value} ({datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(text: str) -> Jws | None:
    try:
        return read_jws(text)
    except JoseError:
        return None
