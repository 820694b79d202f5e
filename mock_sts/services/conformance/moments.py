"""Entries in the light of those before them: what the chapters on conduct judge."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.profile.conduct import Moment, Span
from mock_sts.protocol.terms import GrantType
from mock_sts.services.conformance.entries import Entry
from mock_sts.store.journal import CHALLENGED, GRANTED
from mock_sts.values import value_type

#: Endpoints whose address holds no parameters.
_WITHOUT_PARAMETERS = frozenset(
    {Endpoint.PAR, Endpoint.TOKEN, Endpoint.USERINFO, Endpoint.REVOCATION, Endpoint.INTROSPECTION}
)

#: Claims that differ from token to token of the same kind.
_OF_ONE_TOKEN = frozenset({"iat", "nbf", "exp", "jti", "auth_time", "cnf"})

#: Grants by which a client fetches the token anew that it has. A code is another login.
_AGAIN = frozenset({GrantType.CLIENT_CREDENTIALS.value, GrantType.REFRESH_TOKEN.value})

#: What was fetched, by endpoint.
FETCHED = {Endpoint.DISCOVERY.value: "metadata", Endpoint.OAUTH_METADATA.value: "metadata", Endpoint.JWKS.value: "keys"}

#: Where ``detail`` of an entry has digests of values that must be fresh, of refresh tokens, and the names of parameters
#: in an address.
FRESH, REFRESH_TOKEN, IN_URL = "fresh", "refresh_token", "in_url"


@value_type
class _Token:
    """A token that was given: until when it lives (seconds), for how long, and the key that it is bound to."""

    expires_at: int
    life: int
    key: str


class _Memory:
    """What earlier entries have shown."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], int] = {}
        self.tokens: dict[str, dict[str, _Token]] = {}
        self.newest: dict[str, str] = {}
        self.logins: dict[str, str] = {}


def moments(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Moment]]:
    """Each of ``entries``, the oldest first, with what shows only beside the others."""
    memory = _Memory()
    for entry in entries:
        yield entry, _moment(entry, memory)


def span_of(entries: Sequence[Entry], *, in_session: bool) -> Span:
    """All of ``entries``, counted. What was fetched is known to be the client's in a conformance session only."""
    fetches: dict[str, int] = {}
    for entry in entries:
        if entry["endpoint"] in FETCHED:
            what = FETCHED[entry["endpoint"]]
            fetches[what] = fetches.get(what, 0) + 1
    granted = [entry for entry in entries if entry["outcome"] == GRANTED]
    return Span(
        fetches=fetches if in_session else None,
        calls=sum(
            entry["endpoint"] in (Endpoint.PAR, Endpoint.TOKEN) and entry["outcome"] != CHALLENGED for entry in entries
        ),
        logins=sum(_grant(entry) == GrantType.AUTHORIZATION_CODE for entry in granted),
        logouts=sum(entry["endpoint"] == Endpoint.END_SESSION for entry in granted),
        offsets=tuple(offset for entry in entries if (offset := _offset(entry)) is not None),
    )


def _moment(entry: Entry, memory: _Memory) -> Moment:
    detail, granted = entry["detail"], entry["outcome"] == GRANTED
    moment: dict[str, Any] = {"algorithms": tuple(_algorithms(detail))}
    if entry["endpoint"] in _WITHOUT_PARAMETERS:
        moment["in_url"] = tuple(detail.get(IN_URL, ()))
    if granted and entry["endpoint"] == Endpoint.PAR:
        moment["used_before"] = {
            name: memory.values.setdefault((name, digest), entry["id"])
            for name, digest in detail.get(FRESH, {}).items()
        }
        moment["used_before"] = {
            name: 0 if first == entry["id"] else first for name, first in moment["used_before"].items()
        }
    if entry["endpoint"] == Endpoint.TOKEN:
        moment.update(_of_token(entry, memory, granted=granted))
    return Moment(**moment)


def _of_token(entry: Entry, memory: _Memory, *, granted: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    detail = entry["detail"]
    claims = detail.get("access_token")
    refresh = detail.get(REFRESH_TOKEN, {})
    if isinstance(refresh, Mapping):
        used, given = refresh.get("used"), refresh.get("given")
        login = memory.logins.get(used, "") if used else ""
        if login:
            found["newest_refresh_token"] = memory.newest.get(login) == used
        if granted and given:
            login = login or given
            memory.logins[given] = memory.logins.get(given, login)
            memory.newest[login] = given
    if granted and isinstance(claims, Mapping):
        grant = _grant(entry)
        found.update(_beside_the_one_before(entry["at"], claims, memory, again=grant in _AGAIN))
        found["by_refresh"] = grant == GrantType.REFRESH_TOKEN
    return found


def _beside_the_one_before(at: int, claims: Mapping[str, Any], memory: _Memory, *, again: bool) -> dict[str, Any]:
    """What the token shows beside the one before it of the same kind; from then on it is that."""
    found: dict[str, Any] = {}
    kind = json.dumps({name: value for name, value in claims.items() if name not in _OF_ONE_TOKEN}, sort_keys=True)
    key = str((claims.get("cnf") or {}).get("jkt", ""))
    tokens = memory.tokens.setdefault(kind, {})
    if again:
        before = tokens.get(key)
        if before is not None:
            found["life"], found["left"] = before.life, max(0, before.expires_at - at)
        if key and any(one.expires_at > at for one in tokens.values()):
            found["same_key"] = before is not None and before.expires_at > at
    expires_at, issued_at = claims.get("exp"), claims.get("iat")
    if isinstance(expires_at, int) and isinstance(issued_at, int):
        tokens[key] = _Token(expires_at, expires_at - issued_at, key)
    return found


def _grant(entry: Entry) -> str:
    """The grant of a token request; an empty string for what is none."""
    if entry["endpoint"] != Endpoint.TOKEN:
        return ""
    named = entry["detail"].get("parameters", {}).get("grant_type", [])
    return str(named[0]) if isinstance(named, list) and named else str(named or "")


def _algorithms(detail: Mapping[str, Any]) -> Iterator[str]:
    for name in ("client_assertion", "dpop_proof", "request_object"):
        header = detail.get(name, {}).get("header", {}) if isinstance(detail.get(name), Mapping) else {}
        if isinstance(header, Mapping) and isinstance(header.get("alg"), str):
            yield header["alg"]


def _offset(entry: Entry) -> float | None:
    """How many seconds the client's clock was ahead, by ``iat`` of the assertion."""
    shown = entry["detail"].get("client_assertion")
    issued_at: object = shown.get("claims", {}).get("iat") if isinstance(shown, Mapping) else None
    if isinstance(issued_at, str) and issued_at.isascii() and issued_at.isdigit():
        issued_at = int(issued_at[:16])
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        return None
    return float(issued_at) - float(entry["at"])
