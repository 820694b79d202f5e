"""What has been used once: assertions, proofs."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection

from mock_sts.store.database import Store

_INSERT = "INSERT INTO replay (digest, expires_at) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING"
_SEEN = "SELECT 1 FROM replay WHERE digest = ?"
#: Tables that age with real time.
_BY_WALL = ("replay",)

#: Seconds between two sweeps of one process.
_SWEEP_EVERY = 60

#: Rows of one table that one sweep takes, so that no request waits long for it.
_AT_ONCE = 2_000

#: Tables whose rows are over at ``expires_at``, and the seconds for which a row is kept after that: a handle that is
#: used again too late is told apart from one that never was.
_SWEPT = {
    "replay": 0,
    "authorization_request": 3_600,
    "authorization_code": 3_600,
    "refresh_token": 3_600,
    "login_session": 0,
    "session_client": 0,
}


@dataclass(frozen=True, slots=True)
class Once:
    """Something that may be used once until ``expires_at`` (seconds): a purpose and parts that name it."""

    purpose: str
    parts: tuple[str, ...]
    expires_at: int

    @property
    def digest(self) -> bytes:
        """SHA-256 over purpose and parts, unambiguous whatever characters they hold."""
        text = "".join(f"{len(part)}:{part}" for part in (self.purpose, *self.parts))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def remember_once(connection: Connection, once: Once) -> bool:
    """Remember ``once``; False when it was remembered already. The database decides every race."""
    return connection.exec_driver_sql(_INSERT, (once.digest, once.expires_at)).rowcount == 1


def is_remembered(store: Store, once: Once) -> bool:
    """Whether ``once`` was remembered; an early look, not a decision."""
    return store.read_one(_SEEN, (once.digest,)) is not None


class Sweeper:
    """Sweeps at most once a minute, in the transaction of whoever comes by.

    It remembers when it swept, not when it will: a clock that was ahead for a moment would put that off for as long.
    """

    def __init__(self) -> None:
        self._swept_at: int | None = None
        self._pause = _SWEEP_EVERY

    def sweep_sometimes(self, connection: Connection, wall: int, now: int) -> None:
        """Forget what is over, if the last sweep was long enough ago: by the real time ``wall`` what clients made, by
        ``now`` what we keep (seconds).
        """
        if self._swept_at is not None and 0 <= wall - self._swept_at < self._pause:
            return
        more = False
        for table, kept in _SWEPT.items():
            swept = connection.exec_driver_sql(
                f"DELETE FROM {table} WHERE rowid IN "  # noqa: S608
                f"(SELECT rowid FROM {table} WHERE expires_at < ? LIMIT {_AT_ONCE})",
                ((wall if table in _BY_WALL else now) - kept,),
            )
            more = more or swept.rowcount >= _AT_ONCE
        # Where more was over than one sweep takes, the next one comes by sooner.
        self._swept_at, self._pause = wall, 1 if more else _SWEEP_EVERY
