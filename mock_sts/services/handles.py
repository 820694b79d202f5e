"""Handles: the texts by which a client or browser shows again what it was given, made as HelseID writes them."""

from mock_sts.services.chance import SYSTEM, Chance, capitals


def new_request_handle(chance: Chance = SYSTEM) -> str:
    """The handle of an authorization request: 64 hexadecimal digits in capitals."""
    return capitals(chance, 32)


def new_grant_handle(chance: Chance = SYSTEM) -> str:
    """A code or refresh token: 64 hexadecimal digits in capitals and ``-1``."""
    return f"{new_request_handle(chance)}-1"
