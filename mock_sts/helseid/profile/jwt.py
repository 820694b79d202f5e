"""What several chapters ask of any JWT that a client signs: lifetime, clock, ``jti``, and the ``kid`` of its key."""

from collections.abc import Sequence

from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Verdict, holds
from mock_sts.protocol.alphabets import form_of
from mock_sts.protocol.near_names import nearest_first
from mock_sts.protocol.signed_jwt import SignedJwt
from mock_sts.values import value_type

#: How many are named; a client has one or two.
_MOST_NAMED = 3

#: How much of a name that came is quoted, in characters; a thumbprint has 43.
_LONGEST_KID = 60


@value_type
class Skew:
    """Allowed difference between the client's clock and ours, in seconds: by default, and in strict enforcement."""

    usual: int = 300
    strict: int = 10


def clock_agrees(jwt: SignedJwt, now: int, skew: Skew) -> Verdict:
    """Whether exp, nbf and iat of ``jwt``, as far as it has them, fit ``now`` with the strict skew."""
    late = now - (jwt.expires_at if jwt.expires_at is not None else now)
    early = max(jwt.not_before or 0, jwt.issued_at or 0) - now
    return holds(
        (late < skew.strict or jwt.expires_at is None) and early <= skew.strict,
        lambda: f"exp {late:.0f} s ago" if late >= skew.strict else f"nbf or iat {early:.0f} s ahead",
        lambda: f"within {skew.strict} s",
    )


def lives_at_most(expires_at: float | None, now: int, limit: int) -> Verdict | None:
    """Whether what ends at ``expires_at`` lives ``limit`` seconds from ``now`` at most; None without an end.

    The clocks count whole seconds: a client that rounds up when it adds the limit is one over, and not to blame.
    """
    if expires_at is None:
        return None
    left = expires_at - now
    return holds(left <= limit + 1, lambda: f"expires in {left:.0f} s", lambda: f"in at most {limit} s")


def is_usable_jti(value: str | None) -> bool:
    """Whether ``value`` can serve as an id: a text of 1 to 1024 characters."""
    return value is not None and 0 < len(value) <= 1024


def registered_kids(client: Client | None, sent: str) -> str:
    """The names of ``client``'s registered keys, what comes near to ``sent`` first, and whether that is one of them in
    another form, such as standard base64.
    """
    kids = nearest_first([key.kid for key in client.keys if key.kid] if client is not None else [], [sent])
    expected = f"the kid of a registered key: {', '.join(kids[:_MOST_NAMED]) or 'none of them has one'}"
    for kid in kids:
        form = form_of(sent, kid)
        if form:
            return f"{expected}; what was sent is {kid} as {form}"
    return expected


def kid_that_came(kid: str | None, holders: Sequence[str]) -> str:
    """What is reported of the name of a key that does not fit: the name, and the other clients that have it."""
    if not kid:
        return "it came without a kid"
    short = kid if len(kid) <= _LONGEST_KID else f"{kid[:_LONGEST_KID]}…"
    whose = f", a key of {' and '.join(holders[:_MOST_NAMED])}" if holders else ""
    return f"it came with the kid {short!r}{whose}"
