"""The signing keys of an environment."""

from collections.abc import Mapping
from typing import Any

from mock_sts.protocol.jose import ALGORITHMS
from mock_sts.services.control.keys import (
    LONGEST_KID,
    RSA_SIZES,
    KeyConflictError,
    KeyFaultError,
    KeyState,
    NoSuchKeyError,
    delete_key,
    import_key,
    list_keys,
    make_key,
    publish,
    retire,
    rotate,
    state_of,
)
from mock_sts.store.keys import SigningKey
from mock_sts.web.mock.api.operations import Call, Nothing, Resource
from mock_sts.web.mock.api.problems import BAD_MEMBER, CONFLICT, NOT_FOUND
from mock_sts.web.mock.api.shapes import member, shape

RESOURCE = Resource(
    "keys",
    "The keys that tokens are signed with: made, imported, rolled over, published late and retired. The key set "
    "follows at once, in all workers.",
)

_ALGORITHM = "what it signs with; unset: what the setting signing_algorithm says"
_BITS = f"of an RSA key: {', '.join(map(str, RSA_SIZES))}; unset: 3072"


@shape("the body")
class NewKey:
    """A key to be made."""

    algorithm: str | None = member(_ALGORITHM, default=None, choices=ALGORITHMS)
    bits: int | None = member(_BITS, default=None)
    published: bool = member("whether the key set shows it before it signs", default=True)


@shape("the body")
class ImportedKey:
    """A key of the caller's."""

    jwk: Mapping[str, Any] = member("a private JWK: RSA of 2048 bits or more, or EC", schema={"type": "object"})
    algorithm: str | None = member(f"{_ALGORITHM}; a JWK may say it too (alg)", default=None, choices=ALGORITHMS)
    kid: str | None = member(
        "its id; unset: that of the JWK, or the thumbprint of its certificate", default=None, longest=LONGEST_KID
    )
    published: bool = member("whether the key set shows it before it signs", default=True)


@shape("the body")
class Rotation:
    """Which key shall sign."""

    kid: str | None = member(
        "which key signs; unset: the oldest that is next, else a new one", default=None, longest=LONGEST_KID
    )
    algorithm: str | None = member("what a new key signs with", default=None, choices=ALGORITHMS)
    bits: int | None = member(f"of a new key; {_BITS}", default=None)
    published: bool | None = member(
        "false: the key set does not show it until POST /keys/{kid}/publish; unset: as it was, a new one is shown",
        default=None,
    )


@shape("the answer")
class Key:
    """A signing key."""

    kid: str = member("Its id")
    algorithm: str = member("What it signs with")
    kty: str = member("RSA or EC")
    bits: int = member("Bits of its modulus or curve")
    state: str = member("next (it will sign), active (it signs), retired (it has signed)")
    published: bool = member("Whether the key set shows it")
    created_at: str = member("When it was made, by the clock of the environment")


@shape("the answer")
class KeyList:
    """Signing keys."""

    items: tuple[Key, ...] = member("All of them, the newest first")
    next: str | None = member("Always null: there are at most 50")


@shape("the answer")
class Rotated:
    """The key that signs, and the one before it."""

    active: Key = member("The key that signs from now on")
    before: Key = member("The key that has signed until now; the key set shows it until it is retired")


_RAISES: dict[type[Exception], Any] = {NoSuchKeyError: NOT_FOUND, KeyConflictError: CONFLICT, KeyFaultError: BAD_MEMBER}
_NAMES = {"kid": "The key's id"}


@RESOURCE.operation("GET", "/keys", "All signing keys", answer=KeyList)
def signing_keys(call: Call[None, Nothing]) -> KeyList:
    """List them."""
    found = list_keys(call.server.store, call.environment.name, call.environment.policy.signing_algorithm)
    return KeyList(items=tuple(_shown(one) for one in found), next=None)


@RESOURCE.operation(
    "POST",
    "/keys",
    "Make a key that signs after the next rotation",
    body=NewKey,
    body_may_be_missing=True,
    answer=Key,
    status=201,
    raises=_RAISES,
)
def new_signing_key(call: Call[NewKey, Nothing]) -> Key:
    """Make one."""
    body = call.body
    made = make_key(
        call.server.store,
        call.environment.name,
        call.environment.clock.times().now,
        algorithm=body.algorithm,
        bits=body.bits,
        published=body.published,
    )
    return _key(call, made)


@RESOURCE.operation(
    "POST",
    "/keys/import",
    "Import a private key, which signs after the next rotation",
    body=ImportedKey,
    answer=Key,
    status=201,
    raises=_RAISES,
)
def imported_signing_key(call: Call[ImportedKey, Nothing]) -> Key:
    """Take one."""
    body, now = call.body, call.environment.clock.times().now
    made = import_key(
        call.server.store,
        call.environment.name,
        now,
        body.jwk,
        algorithm=body.algorithm,
        kid=body.kid,
        published=body.published,
    )
    return _key(call, made)


@RESOURCE.operation(
    "POST",
    "/keys/rotate",
    "Let another key sign from now on",
    description="The key before stays in the key set, so that tokens which are out can be verified, until it is "
    "retired.",
    body=Rotation,
    body_may_be_missing=True,
    answer=Rotated,
    raises=_RAISES,
)
def rotated_signing_key(call: Call[Rotation, Nothing]) -> Rotated:
    """Roll over."""
    body = call.body
    active, before = rotate(
        call.server.store,
        call.environment.name,
        call.environment.clock.times().now,
        algorithm=body.algorithm,
        bits=body.bits,
        kid=body.kid,
        published=body.published,
    )
    return Rotated(active=_key(call, active), before=_key(call, before))


@RESOURCE.operation(
    "POST", "/keys/{kid}/publish", "Show a key in the key set", answer=Key, raises=_RAISES, names=_NAMES
)
def published_signing_key(call: Call[None, Nothing]) -> Key:
    """Publish one."""
    return _key(call, publish(call.server.store, call.environment.name, call.names["kid"]))


@RESOURCE.operation(
    "POST",
    "/keys/{kid}/retire",
    "Take a key out of the key set, into that of expired keys",
    description="What it has signed counts no longer. The key that signs cannot be retired: rotate first.",
    answer=Key,
    raises=_RAISES,
    names=_NAMES,
)
def retired_signing_key(call: Call[None, Nothing]) -> Key:
    """Retire one."""
    return _key(call, retire(call.server.store, call.environment.name, call.names["kid"]))


@RESOURCE.operation("DELETE", "/keys/{kid}", "Forget a key that does not sign", raises=_RAISES, names=_NAMES)
def forgotten_signing_key(call: Call[None, Nothing]) -> None:
    """Forget one."""
    delete_key(call.server.store, call.environment.name, call.names["kid"])


def _key(call: Call[Any, Any], key: SigningKey) -> Key:
    return _shown(state_of(key, call.environment.policy.signing_algorithm))


def _shown(state: KeyState) -> Key:
    return Key(
        kid=state.kid,
        algorithm=state.algorithm,
        kty=state.kty,
        bits=state.bits,
        state=state.state,
        published=state.published,
        created_at=state.created_at,
    )
