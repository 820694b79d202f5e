"""Handles: the texts by which a client or browser shows again what it was given, made as HelseID writes them."""

import hashlib

from mock_sts.services.chance import SYSTEM, Chance, capitals

#: Characters of a handle that all handles of one login begin with; the rest of each is its own, as hard to guess.
_COMMON = 32

#: Characters of the id of a flow.
FLOW_LENGTH = 16


def new_request_handle(chance: Chance = SYSTEM) -> str:
    """The handle of an authorization request: 64 hexadecimal digits in capitals."""
    return capitals(chance, 32)


def new_grant_handle(chance: Chance = SYSTEM, former: str = "") -> str:
    """A code or refresh token: 64 hexadecimal digits in capitals and ``-1``. ``former`` is the handle of the request,
    code or refresh token that it comes from, if there is one.
    """
    common = former[:_COMMON]
    return f"{common}{capitals(chance, 32 - len(common) // 2)}-1"


def flow_of(handle: str) -> str:
    """The id of the flow that ``handle`` belongs to, 16 hexadecimal digits in capitals: the same for the request of a
    login, its code and its refresh tokens, so that no look at the database is needed. The ``jti`` of its access tokens
    begin with it.
    """
    return hashlib.sha256(handle[:_COMMON].encode()).hexdigest()[:FLOW_LENGTH].upper()
