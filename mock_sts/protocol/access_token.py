"""Access tokens that come back to who made them: their claims, each of the type that it must have (RFC 9068)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_sts.protocol.signed_jwt import numeric_date


class AccessTokenError(ValueError):
    """The claims are not those of an access token; the message names the first that is not."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The facts of an access token. ``bound_to`` is its ``jkt``, None for a Bearer token; ``sid`` and ``auth_time``
    name the login that it comes from, None for a machine's and for one from an exchange.
    """

    claims: Mapping[str, Any]
    issuer: str
    client_id: str
    jti: str
    expires_at: float
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    bound_to: str | None
    sid: str | None
    auth_time: int | None


def read_access_token(claims: Mapping[str, Any]) -> AccessToken:
    """The access token with these ``claims``. Raises AccessTokenError."""
    expires_at = None if isinstance(claims.get("exp"), str) else numeric_date(claims.get("exp"))
    if expires_at is None:
        raise AccessTokenError("its exp is no number")
    audience = claims.get("aud", [])
    sid = auth_time = None
    if "sid" in claims:
        sid, auth_time = _text(claims, "sid"), claims.get("auth_time")
        # The test-token service writes none.
        if "auth_time" in claims and (not isinstance(auth_time, int) or isinstance(auth_time, bool)):
            raise AccessTokenError("its auth_time is no whole number")
    return AccessToken(
        claims=claims,
        issuer=_text(claims, "iss"),
        client_id=_text(claims, "client_id"),
        jti=_text(claims, "jti"),
        expires_at=expires_at,
        scopes=_texts("scope", claims.get("scope")),
        audiences=_texts("aud", [audience] if isinstance(audience, str) else audience),
        bound_to=_thumbprint(claims["cnf"]) if "cnf" in claims else None,
        sid=sid,
        auth_time=auth_time,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise AccessTokenError(f"its {name} is no text")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise AccessTokenError(f"its {name} is no list of texts")
    return tuple(value)


def _thumbprint(confirmation: object) -> str:
    if not isinstance(confirmation, Mapping):
        raise AccessTokenError("its cnf is no object")
    return _text(confirmation, "jkt")
