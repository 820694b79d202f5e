"""What can be a name in a JWT: ``jti``, and ``kid``."""

from collections.abc import Sequence

from mock_sts.helseid.registry.client import Client
from mock_sts.protocol.alphabets import form_of
from mock_sts.protocol.near_names import nearest_first

#: How many are named; a client has one or two.
_MOST_NAMED = 3

#: How much of a name that came is told, in characters; a thumbprint has 43.
_LONGEST_KID = 60


def is_usable_jti(value: str | None) -> bool:
    """Whether ``value`` can serve as an id: a text of 1 to 1024 characters."""
    return value is not None and 0 < len(value) <= 1024


def registered_kids(client: Client | None, sent: str) -> str:
    """The names of ``client``'s registered keys, what comes near to ``sent`` first, and whether that is one of them in
    another form, such as standard base64.
    """
    kids = nearest_first([key.kid for key in client.keys if key.kid] if client is not None else [], [sent])
    told = f"the kid of a registered key: {', '.join(kids[:_MOST_NAMED]) or 'none of them has one'}"
    for kid in kids:
        form = form_of(sent, kid)
        if form:
            return f"{told}; what was sent is {kid} as {form}"
    return told


def kid_that_came(kid: str | None, holders: Sequence[str]) -> str:
    """What is told of the name of a key that does not fit: the name, and the other clients that have it."""
    if not kid:
        return "it came without a kid"
    short = kid if len(kid) <= _LONGEST_KID else f"{kid[:_LONGEST_KID]}…"
    whose = f", a key of {' and '.join(holders[:_MOST_NAMED])}" if holders else ""
    return f"it came with the kid {short!r}{whose}"
