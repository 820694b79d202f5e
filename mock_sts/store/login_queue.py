"""Scripted logins: what a test has ordered for the next logins, taken exactly once."""

from mock_sts.store.database import Database, Transaction
from mock_sts.store.records import ScriptedLogin

_COLUMNS = "id, client_id, redirect_uri, pid, outcome, times"
_PUT = (
    "INSERT INTO scripted_login (environment, client_id, redirect_uri, pid, outcome, times, tag, expires_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_WAITS = "environment = ? AND times > 0 AND (expires_at IS NULL OR expires_at > ?)"
_ANY = f"SELECT 1 FROM scripted_login WHERE {_WAITS} LIMIT 1"  # noqa: S608
# A row that another transaction takes at the same time is looked at again when that one has ended.
_TAKE = (
    f"UPDATE scripted_login SET times = times - 1 WHERE id = (SELECT id FROM scripted_login WHERE {_WAITS} "  # noqa: S608
    "AND (client_id IS NULL OR client_id = ?) AND (redirect_uri IS NULL OR redirect_uri = ?) "
    f"ORDER BY id LIMIT 1{{for_update}}) RETURNING {_COLUMNS}"
)
_READ = f"SELECT {_COLUMNS} FROM scripted_login WHERE {_WAITS} ORDER BY id"  # noqa: S608
_EXPIRED = "DELETE FROM scripted_login WHERE environment = ? AND expires_at <= ?"
_DELETE = "DELETE FROM scripted_login WHERE id = ?"
_CLEAR = "DELETE FROM scripted_login WHERE environment = ?"


class LoginQueue:
    """The scripted logins of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    def put(
        self,
        transaction: Transaction,
        client_id: str | None,
        redirect_uri: str | None,
        pid: str | None,
        outcome: str,
        times: int,
        tag: str | None = None,
        *,
        now: int = 0,
        lifetime: int = 0,
    ) -> int:
        """Add one to the end of the queue; its id. ``tag`` is that of the test run which orders it.

        ``lifetime`` are the seconds after ``now`` (the environment's time) for which it waits, 0: for ever. Those whose
        time is over are forgotten.
        """
        transaction.execute(_EXPIRED, (self._environment, now))
        expires_at = now + lifetime if lifetime else None
        values = (self._environment, client_id, redirect_uri, pid, outcome, times, tag, expires_at)
        return transaction.insert(_PUT, values)

    def is_empty(self, now: int = 0) -> bool:
        """Whether none waits at ``now``; nearly always so, and cheap to ask."""
        return self._database.read_one(_ANY, (self._environment, now)) is None

    def take(self, transaction: Transaction, client_id: str, redirect_uri: str, now: int = 0) -> ScriptedLogin | None:
        """Use the oldest that fits and waits at ``now`` up by one; None when none does. The database decides every
        race.
        """
        row = transaction.one(_TAKE, (self._environment, now, client_id, redirect_uri))
        if row is None:
            return None
        taken = ScriptedLogin(*row)
        if taken.times <= 0:
            transaction.execute(_DELETE, (taken.id,))
        return taken

    def read(self, now: int = 0) -> list[ScriptedLogin]:
        """What waits at ``now``, oldest first."""
        return [ScriptedLogin(*row) for row in self._database.read_all(_READ, (self._environment, now))]

    def clear(self, transaction: Transaction) -> int:
        """Forget all; how many there were."""
        return int(transaction.execute(_CLEAR, (self._environment,)).rowcount)
