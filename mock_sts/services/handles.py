"""Handles: the texts by which a client or browser shows again what it was given, made as HelseID writes them."""

import secrets


def new_request_handle() -> str:
    """The handle of an authorization request: 64 hexadecimal digits in capitals."""
    return secrets.token_hex(32).upper()


def new_grant_handle() -> str:
    """A code or refresh token: 64 hexadecimal digits in capitals and ``-1``."""
    return new_request_handle() + "-1"
