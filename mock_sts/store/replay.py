"""What has been used once: assertions, proofs."""

from dataclasses import dataclass

from mock_sts.store.database import Database, Transaction
from mock_sts.store.scope import Scope

_INSERT = "INSERT INTO replay (digest, environment, expires_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING"
_SEEN = "SELECT 1 FROM replay WHERE digest = ?"


@dataclass(frozen=True, slots=True)
class Once:
    """Something that may be used once until ``expires_at`` (seconds): a purpose and parts that name it."""

    purpose: str
    parts: tuple[str, ...]
    expires_at: int

    def digest(self, scope: Scope) -> bytes:
        """SHA-256 over environment, purpose and parts, unambiguous whatever characters they hold."""
        return scope.digest("".join(f"{len(part)}:{part}" for part in (self.purpose, *self.parts)))


class Replay:
    """What has been used once in one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._scope = Scope(environment)

    def remember(self, transaction: Transaction, once: Once) -> bool:
        """Remember ``once``; False when it was remembered already. The database decides every race."""
        row = (once.digest(self._scope), self._scope.name, once.expires_at)
        return bool(transaction.execute(_INSERT, row).rowcount == 1)

    def is_remembered(self, once: Once) -> bool:
        """Whether ``once`` was remembered; an early look, not a decision."""
        return self._database.read_one(_SEEN, (once.digest(self._scope),)) is not None
