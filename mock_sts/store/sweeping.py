"""Forgetting what is over, an environment at a time and by the clock that ages it."""

from mock_sts.store.database import Transaction

#: Seconds between two sweeps of one environment in one process.
_SWEEP_EVERY = 60

#: Rows of one table that one sweep takes, so that no request waits long for it.
_AT_ONCE = 2_000

#: Tables that age with real time.
_BY_WALL = ("replay",)

#: Tables whose rows are over at ``expires_at``: their key, and the seconds for which a row is kept after that. A handle
#: that is used again too late differs from one that never was.
_SWEPT = {
    "replay": ("digest", 0),
    "authorization_request": ("digest", 3_600),
    "authorization_code": ("digest", 3_600),
    "refresh_token": ("digest", 3_600),
    "login_session": ("digest", 0),
    "session_client": ("environment, sid, client_id", 0),
}

_STATEMENTS = {
    table: (
        f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} "  # noqa: S608
        f"WHERE environment = ? AND expires_at < ? LIMIT {_AT_ONCE}{{skip_locked}})"
    )
    for table, (key, _) in _SWEPT.items()
}


class Sweeper:
    """Sweeps one environment at most once a minute, in the transaction of the request that comes by.

    It remembers when it swept, not when it will: a clock that was ahead for a moment would put that off for as long.
    """

    def __init__(self, environment: str) -> None:
        self._environment = environment
        self._swept_at: int | None = None
        self._pause = _SWEEP_EVERY

    def sweep_sometimes(self, transaction: Transaction, wall: int, now: int) -> None:
        """Forget what is over, if the last sweep was long enough ago: by the real time ``wall`` what clients made, by
        ``now`` what we keep (seconds). Rows of other environments have clocks of their own, and stay.
        """
        if self._swept_at is not None and 0 <= wall - self._swept_at < self._pause:
            return
        more = False
        for table, statement in _STATEMENTS.items():
            ends = (wall if table in _BY_WALL else now) - _SWEPT[table][1]
            swept = transaction.execute(statement, (self._environment, ends)).rowcount
            more = more or swept >= _AT_ONCE
        # Where more was over than one sweep takes, the next one comes by sooner.
        self._swept_at, self._pause = wall, 1 if more else _SWEEP_EVERY
