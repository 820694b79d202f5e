"""The signing keys of an environment: made, imported, rolled over, published and retired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mock_sts.protocol.durations import write_time
from mock_sts.protocol.jose import ALGORITHMS, JoseError, import_public_key
from mock_sts.services.keyring import certified, make_signing_key
from mock_sts.store.database import Database
from mock_sts.store.keys import ACTIVE, NEXT, RETIRED, Keys, SigningKey

#: Sizes of RSA keys that are made, in bits.
RSA_SIZES = (2048, 3072, 4096)

#: Longest key id, in characters.
LONGEST_KID = 200

#: Keys that an environment may have.
MOST_KEYS = 50


class KeyFaultError(ValueError):
    """A key that cannot be made or changed so; the message says why, ``path`` leads to the member that is wrong."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path or None


class NoSuchKeyError(KeyFaultError):
    """The environment has no key with this id."""


class KeyConflictError(KeyFaultError):
    """What is there does not allow it."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """A signing key, for people and programs: what it is, what it does (next, active, retired), whether the key set
    shows it, and when it was made (ISO 8601, by the clock of its environment). ``bits`` are those of modulus or curve.
    """

    kid: str
    algorithm: str
    kty: str
    bits: int
    state: str
    published: bool
    created_at: str


def list_keys(store: Database, environment: str, usual: str) -> list[KeyState]:
    """The keys of ``environment``, newest first; ``usual`` is the algorithm of those that have none of their own."""
    return [_state(key, usual) for key in Keys(store, environment).load()]


def make_key(
    store: Database, environment: str, now: int, *, algorithm: str | None, bits: int | None, published: bool
) -> SigningKey:
    """Make a key that will sign after the next rotation. Raises KeyFaultError."""
    return _put(store, environment, replace(_made(now, algorithm, bits), state=NEXT, withheld=not published))


def import_key(
    store: Database,
    environment: str,
    now: int,
    jwk: Mapping[str, Any],
    *,
    algorithm: str | None = None,
    kid: str | None = None,
    published: bool = True,
) -> SigningKey:
    """Take a private ``jwk`` as a key that will sign after the next rotation. Raises KeyFaultError."""
    algorithm = algorithm or (jwk["alg"] if jwk.get("alg") in ALGORITHMS else None) or _fitting(jwk)
    named = kid or (jwk["kid"] if isinstance(jwk.get("kid"), str) and jwk["kid"] else "")
    if len(named) > LONGEST_KID:
        raise KeyFaultError(f"kid must have at most {LONGEST_KID} characters", "kid")
    try:
        members = {name: value for name, value in jwk.items() if isinstance(value, str)}
        public = import_public_key(members)
        if public.kty == "RSA" and public.bits < RSA_SIZES[0]:
            raise KeyFaultError(f"the key has {public.bits} bits; one of RSA must have {RSA_SIZES[0]}", "jwk")
        key = certified(members, now, algorithm, named)
    except JoseError as error:
        raise KeyFaultError(f"the key cannot be used: {error}", "jwk") from None
    return _put(store, environment, replace(key, state=NEXT, withheld=not published))


def rotate(
    store: Database,
    environment: str,
    now: int,
    *,
    algorithm: str | None = None,
    bits: int | None = None,
    kid: str | None = None,
    published: bool | None = None,
) -> tuple[SigningKey, SigningKey]:
    """Let another key sign from now on: the one called ``kid``, else the oldest that waits as next, else a new one.

    The one before stays in the key set until it is retired. ``published`` says whether the key set shows the new one;
    None: as it was, a new one yes. With ``algorithm`` or ``bits`` a new one is made. Returns the key that signs and the
    one before. Raises KeyFaultError.
    """
    wanted = algorithm is not None or bits is not None
    keys = Keys(store, environment)
    waits = not wanted and any(key.state == NEXT for key in keys.load())
    # Made before the transaction begins: it takes long.
    made = None if kid is not None or waits else _made(now, algorithm, bits)
    with store.writing() as transaction:
        there = keys.load_in(transaction)
        before = next(key for key in there if key.state == ACTIVE)
        chosen = _find(there, kid) if kid is not None else made or _oldest_next(there)
        if chosen.kid == before.kid:
            raise KeyConflictError(f"the key {chosen.kid!r} signs already", "kid")
        shown = not chosen.withheld if published is None else published
        after = replace(chosen, state=ACTIVE, withheld=not shown)
        keys.change(transaction, replace(before, state=RETIRED))
        if chosen is made:
            _refuse_more(there)
            keys.put(transaction, after)
        else:
            keys.change(transaction, after)
    return after, replace(before, state=RETIRED)


def publish(store: Database, environment: str, kid: str) -> SigningKey:
    """Show the key ``kid`` in the key set. Raises KeyFaultError."""
    keys = Keys(store, environment)
    with store.writing() as transaction:
        key = replace(_find(keys.load_in(transaction), kid), withheld=False)
        keys.change(transaction, key)
    return key


def retire(store: Database, environment: str, kid: str) -> SigningKey:
    """Take the key ``kid`` out of the key set, into that of expired keys; what it has signed counts no longer. Raises
    KeyFaultError for the one that signs.
    """
    keys = Keys(store, environment)
    with store.writing() as transaction:
        key = _find(keys.load_in(transaction), kid)
        if key.state == ACTIVE:
            raise KeyConflictError(f"the key {kid[:LONGEST_KID]!r} signs; rotate first, and retire it then")
        key = replace(key, state=RETIRED, withheld=True)
        keys.change(transaction, key)
    return key


def delete_key(store: Database, environment: str, kid: str) -> None:
    """Forget the key ``kid``, also in the set of expired keys. Raises KeyFaultError for the one that signs."""
    keys = Keys(store, environment)
    with store.writing() as transaction:
        key = _find(keys.load_in(transaction), kid)
        if key.state == ACTIVE:
            raise KeyConflictError(f"the key {kid[:LONGEST_KID]!r} signs; rotate first, and delete it then")
        keys.delete(transaction, kid)


def state_of(key: SigningKey, usual: str) -> KeyState:
    """``key`` for people and programs; ``usual`` is the algorithm of one that has none of its own."""
    return _state(key, usual)


def _state(key: SigningKey, usual: str) -> KeyState:
    public = import_public_key(key.jwk)
    made = write_time(key.created_at)
    algorithm = key.algorithm or usual
    return KeyState(key.kid, algorithm, public.kty, public.bits, key.state, not key.withheld, made)


def _made(now: int, algorithm: str | None, bits: int | None) -> SigningKey:
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise KeyFaultError(f"algorithm must be one of {', '.join(ALGORITHMS)}", "algorithm")
    if bits is not None and (algorithm or "").startswith("ES"):
        raise KeyFaultError(f"bits are those of RSA: a key for {algorithm} has the curve that goes with it", "bits")
    if bits is not None and bits not in RSA_SIZES:
        raise KeyFaultError(f"bits must be one of {', '.join(map(str, RSA_SIZES))}", "bits")
    return make_signing_key(now, algorithm, bits or 3072)


def _fitting(jwk: Mapping[str, Any]) -> str | None:
    """The algorithm of an EC key, which has one; None for RSA, which signs with what the setting says."""
    by_curve = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    return by_curve.get(str(jwk.get("crv"))) if jwk.get("kty") == "EC" else None


def _put(store: Database, environment: str, key: SigningKey) -> SigningKey:
    keys = Keys(store, environment)
    with store.writing() as transaction:
        _refuse_more(keys.load_in(transaction))
        if not keys.put(transaction, key):
            raise KeyConflictError(f"there is a key called {key.kid!r} already", "kid")
    return key


def _refuse_more(there: Sequence[SigningKey]) -> None:
    if len(there) >= MOST_KEYS:
        raise KeyConflictError(f"there are {len(there)} keys, which is the most; delete some that are retired")


def _find(keys: Sequence[SigningKey], kid: str) -> SigningKey:
    found = next((key for key in keys if key.kid == kid), None)
    if found is None:
        raise NoSuchKeyError(f"no key is called {kid[:LONGEST_KID]!r}")
    return found


def _oldest_next(keys: Sequence[SigningKey]) -> SigningKey:
    waiting = [key for key in reversed(keys) if key.state == NEXT]
    if not waiting:
        raise KeyConflictError("another rotation was faster; ask again")
    return waiting[0]
