"""How programs write JWKs, beside what RFC 7517 would have: each is the same key as without it."""

import base64
from collections.abc import Callable
from typing import Any

from tests.support.keys import Jwk

#: What is in the members that a number makes, as .NET's Convert.ToBase64String and others write them.
NUMBERS = ("n", "e", "x", "y", "d", "p", "q", "dp", "dq", "qi")


def _numbers(change: Callable[[str], str]) -> Callable[[Jwk], dict[str, Any]]:
    return lambda jwk: {name: change(value) if name in NUMBERS else value for name, value in jwk.items()}


def _padded(value: str) -> str:
    return value + "=" * (-len(value) % 4)


def _standard(value: str) -> str:
    return base64.b64encode(base64.urlsafe_b64decode(_padded(value))).decode()


#: What says nothing, and so changes nothing; another one is another line.
EMPTY: dict[str, dict[str, Any]] = {
    "null d": {"d": None},
    "empty d": {"d": ""},
    "every private member null": dict.fromkeys(("d", "p", "q", "dp", "dq", "qi", "oth", "k")),
    "every private member empty": dict.fromkeys(("d", "p", "q", "dp", "dq", "qi", "oth", "k"), ""),
    "empty oth": {"oth": []},
    "empty key_ops": {"key_ops": []},
    "empty x5c": {"x5c": []},
    "null alg and kid": {"alg": None, "kid": None},
    "empty alg and kid": {"alg": "", "kid": ""},
    "empty mapping": {"ext": {}},
    "as Microsoft's JsonWebKey is written": {
        "AdditionalData": {},
        "KeyId": None,
        "KeySize": 2048,
        "HasPrivateKey": False,
        "d": None,
        "k": None,
        "key_ops": [],
        "oth": [],
        "use": None,
        "x5c": [],
        "x5t": None,
        "x5t#S256": None,
        "x5u": None,
    },
}

#: Other forms of the same numbers: taken, with a finding that names the members; another one is another line.
LOOSE: dict[str, Callable[[Jwk], dict[str, Any]]] = {
    "padded": _numbers(_padded),
    "standard base64": _numbers(_standard),
}
