"""Taking tokens back: what a code gave when the code is used twice, refresh tokens by their client's wish, and all of a
client's by a test's.
"""

from mock_sts.services.environment import Environment
from mock_sts.services.request_context import RequestContext
from mock_sts.store.database import Transaction
from mock_sts.store.replay import Once

#: Seconds for which it is remembered that tokens were taken back; no refresh token lives longer.
_YEAR = 366 * 86_400


def revoke_family(context: RequestContext, transaction: Transaction, family: str) -> bool:
    """Take back all tokens of ``family``, where the settings say so; whether that happened now."""
    if not context.environment.policy.revoke_on_code_reuse:
        return False
    return context.environment.replay.remember(transaction, _once(context, family))


def take_back(environment: Environment, transaction: Transaction, family: str) -> None:
    """Take back all tokens of ``family``, as a test has ordered, whatever the settings say."""
    environment.replay.remember(transaction, _ordered(family, environment.clock.times().wall))


def is_revoked(context: RequestContext, family: str) -> bool:
    """Whether the tokens of ``family`` were taken back."""
    replay = context.environment.replay
    if replay.is_remembered(_ordered(family, context.times.wall)):
        return True
    return context.environment.policy.revoke_on_code_reuse and replay.is_remembered(_once(context, family))


def note_withdrawal(context: RequestContext, transaction: Transaction, handle: str) -> None:
    """Remember that it was its client that took back the refresh token ``handle``."""
    context.environment.replay.remember(transaction, _withdrawn(context, handle))


def is_withdrawn(context: RequestContext, handle: str) -> bool:
    """Whether its client has taken back the refresh token ``handle``; only asked of one that is used up."""
    return context.environment.replay.is_remembered(_withdrawn(context, handle))


def _withdrawn(context: RequestContext, handle: str) -> Once:
    return Once("withdrawn-refresh-token", (handle,), context.times.wall + _YEAR)


def _ordered(family: str, wall: int) -> Once:
    return Once("taken-back-family", (family,), wall + _YEAR)


def _once(context: RequestContext, family: str) -> Once:
    return Once("revoked-family", (family,), context.times.wall + _YEAR)
