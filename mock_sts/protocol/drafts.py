"""A JWT on its way: made, spoiled where that was ordered, signed. Each step has a type, so none can be left out.

Good tokens and bad ones go the same way; a good one is a draft without faults.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mock_sts.protocol.jose import PrivateKey, encode_header, import_public_key, to_base64url
from mock_sts.protocol.json_text import write_json


class SignedBy(StrEnum):
    """Who signs: the key that the header names, another that is published nowhere, none at all, or a MAC with the
    public key as its secret.
    """

    OWN_KEY = "own key"
    OTHER_KEY = "other key"
    NONE = "none"
    PUBLIC_KEY_AS_SECRET = "public key as secret"


@dataclass(frozen=True, slots=True)
class Draft:
    """A JWT before it is signed, as it should be. ``algorithm`` is what its signature is made with (RFC 7518)."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    algorithm: str


@dataclass(frozen=True, slots=True)
class Spoiled:
    """The same with its faults, ready to be signed.

    ``tampered_claims`` take the place of ``claims`` after those were signed; None where nothing is changed then.
    ``shows_key`` puts the public part of what signs into the header (``jwk``).
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    algorithm: str
    signed_by: SignedBy = SignedBy.OWN_KEY
    tampered_claims: Mapping[str, Any] | None = None
    shows_key: bool = False

    @classmethod
    def of(cls, draft: Draft) -> "Spoiled":
        """``draft`` without a fault."""
        return cls(draft.header, draft.claims, draft.algorithm)

    def with_header(self, **members: Any) -> "Spoiled":
        """The same with these members of the header; None takes one away."""
        return replace(self, header=_changed(self.header, members))

    def with_claims(self, **claims: Any) -> "Spoiled":
        """The same with these claims; None takes one away."""
        return replace(self, claims=_changed(self.claims, claims))


@dataclass(frozen=True, slots=True)
class Keys:
    """What drafts are signed with: ``own`` gives the key for an algorithm, ``other`` a key that nothing publishes, for
    the same algorithm.
    """

    own: Callable[[str], PrivateKey]
    other: Callable[[str], PrivateKey]


def sign(spoiled: Spoiled, keys: Keys) -> str:
    """The compact JWS (RFC 7515 section 7.1)."""
    key = (keys.other if spoiled.signed_by is SignedBy.OTHER_KEY else keys.own)(spoiled.algorithm)
    header = encode_header({**spoiled.header, "jwk": key.public_jwk} if spoiled.shows_key else spoiled.header)
    if spoiled.signed_by in (SignedBy.OWN_KEY, SignedBy.OTHER_KEY):
        text = key.sign_encoded(header, spoiled.claims)
    else:
        signing_input = header + b"." + to_base64url(write_json(spoiled.claims)).encode("ascii")
        signature = b""
        if spoiled.signed_by is SignedBy.PUBLIC_KEY_AS_SECRET:
            secret = import_public_key(key.public_jwk).to_pem()
            signature = hmac.digest(secret, signing_input, hashlib.sha256)
        text = f"{signing_input.decode('ascii')}.{to_base64url(signature)}"
    if spoiled.tampered_claims is None:
        return text
    first, _, last = text.split(".")
    return f"{first}.{to_base64url(write_json(spoiled.tampered_claims))}.{last}"


def _changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = {**members, **changes}
    return {name: value for name, value in changed.items() if value is not None or name not in changes}
