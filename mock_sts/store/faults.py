"""Fault rules: kept, counted down, and removed. Requests find the rules of their environment in the catalog.

A rule that is added, removed or used up moves the revision of its environment, so that all processes notice; counts
alone do not, for the database decides each of them.
"""

from dataclasses import dataclass

from mock_sts.store.database import Database, Transaction
from mock_sts.store.environments import Environments

#: Rules that an environment keeps; those that are used up give way to new ones, the oldest first.
MOST_RULES = 200

_PUT = (
    "INSERT INTO fault (id, environment, position, document, remaining, drawn, happened, tag) "
    "SELECT ?, ?, coalesce(max(position), 0) + 1, ?, ?, 0, 0, ? FROM fault WHERE environment = ?"
)
_COLUMNS = "id, environment, document, remaining, happened, tag"
_LIST = f"SELECT {_COLUMNS} FROM fault WHERE environment = ? ORDER BY position, id"  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM fault WHERE environment = ? AND id = ?"  # noqa: S608
_COUNT = "SELECT count(*) FROM fault WHERE environment = ?"
_OLDEST_SPENT = "SELECT id FROM fault WHERE environment = ? AND remaining = 0 ORDER BY position LIMIT 1"
_DELETE = "DELETE FROM fault WHERE environment = ? AND id = ?"
_CLEAR = "DELETE FROM fault WHERE environment = ?"
_LIVE = "environment = ? AND id = ? AND (remaining IS NULL OR remaining > 0)"
_SPEND = f"UPDATE fault SET remaining = 0 WHERE {_LIVE}"  # noqa: S608
_DRAW = f"UPDATE fault SET drawn = drawn + 1 WHERE {_LIVE} RETURNING drawn"  # noqa: S608
_TAKE = f"UPDATE fault SET remaining = remaining - 1, happened = happened + 1 WHERE {_LIVE} RETURNING remaining"  # noqa: S608


class TooManyRulesError(Exception):
    """The environment has as many rules as it may have, and none of them is used up."""


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule as it is kept: its document is JSON. ``remaining`` is how often it still happens, None until it is
    removed; ``happened`` how often it has.
    """

    id: str
    environment: str
    document: str
    remaining: int | None
    happened: int
    tag: str | None


class Faults:
    """The fault rules of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    def put(self, transaction: Transaction, rule_id: str, document: str, times: int | None, tag: str | None) -> None:
        """Add a rule behind all others. Raises TooManyRulesError."""
        name = self._environment
        transaction.lock(f"faults:{name}")
        if transaction.one(_COUNT, (name,))[0] >= MOST_RULES:
            spent = transaction.one(_OLDEST_SPENT, (name,))
            if spent is None:
                raise TooManyRulesError
            transaction.execute(_DELETE, (name, spent[0]))
        transaction.execute(_PUT, (rule_id, name, document, times, tag, name))
        Environments.move_revision(transaction, name)

    def list(self) -> list[KeptRule]:
        """All of them, also those that are used up, in their order."""
        return [KeptRule(*row) for row in self._database.read_all(_LIST, (self._environment,))]

    def find(self, rule_id: str) -> KeptRule | None:
        """The rule with this id."""
        row = self._database.read_one(_FIND, (self._environment, rule_id))
        return None if row is None else KeptRule(*row)

    def remove(self, transaction: Transaction, rule_id: str) -> bool:
        """Forget the rule with this id; False where there is none."""
        removed = bool(transaction.execute(_DELETE, (self._environment, rule_id)).rowcount)
        if removed:
            Environments.move_revision(transaction, self._environment)
        return removed

    def clear(self, transaction: Transaction) -> int:
        """Forget all; how many there were."""
        removed = int(transaction.execute(_CLEAR, (self._environment,)).rowcount)
        if removed:
            Environments.move_revision(transaction, self._environment)
        return removed

    def spend(self, transaction: Transaction, rule_id: str) -> None:
        """Let the rule be used up."""
        if transaction.execute(_SPEND, (self._environment, rule_id)).rowcount:
            Environments.move_revision(transaction, self._environment)

    def draw(self, transaction: Transaction, rule_id: str) -> int | None:
        """The number of this draw of the rule, from 1; None for a rule that is used up or gone."""
        row = transaction.one(_DRAW, (self._environment, rule_id))
        return None if row is None else int(row[0])

    def take(self, transaction: Transaction, rule_id: str) -> bool:
        """Use the rule up by one; False where it is used up or gone. The database decides every race."""
        row = transaction.one(_TAKE, (self._environment, rule_id))
        if row is None:
            return False
        if row[0] == 0:
            Environments.move_revision(transaction, self._environment)
        return True
