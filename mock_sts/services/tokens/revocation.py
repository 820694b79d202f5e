"""Taking tokens back: what a code gave when the code is used twice, and refresh tokens by their client's wish."""

from mock_sts.services.request_context import Exchange
from mock_sts.store.database import Transaction
from mock_sts.store.replay import Once, is_remembered, remember_once

#: Seconds for which it is remembered that tokens were taken back; no refresh token lives longer.
_YEAR = 366 * 86_400


def revoke_family(exchange: Exchange, transaction: Transaction, family: str) -> bool:
    """Take back all tokens of ``family``, where the settings say so; whether that happened now."""
    if not exchange.sts.policy.revoke_on_code_reuse:
        return False
    return remember_once(transaction, _once(exchange, family))


def is_revoked(exchange: Exchange, family: str) -> bool:
    """Whether the tokens of ``family`` were taken back."""
    return exchange.sts.policy.revoke_on_code_reuse and is_remembered(exchange.sts.store, _once(exchange, family))


def note_withdrawal(exchange: Exchange, transaction: Transaction, handle: str) -> None:
    """Remember that it was its client that took back the refresh token ``handle``."""
    remember_once(transaction, _withdrawn(exchange, handle))


def is_withdrawn(exchange: Exchange, handle: str) -> bool:
    """Whether its client has taken back the refresh token ``handle``; only asked of one that is used up."""
    return is_remembered(exchange.sts.store, _withdrawn(exchange, handle))


def _withdrawn(exchange: Exchange, handle: str) -> Once:
    return Once("withdrawn-refresh-token", (handle,), exchange.times.wall + _YEAR)


def _once(exchange: Exchange, family: str) -> Once:
    return Once("revoked-family", (family,), exchange.times.wall + _YEAR)
