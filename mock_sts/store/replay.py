"""What has been used once: assertions, proofs."""

from dataclasses import field

from mock_sts.store.database import Database, Transaction
from mock_sts.store.scope import Scope
from mock_sts.values import value_type

_INSERT = "INSERT INTO replay (digest, environment, expires_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING"
_SEEN = "SELECT 1 FROM replay WHERE digest = ?"

#: All that is asked of a request before it is judged, in one look: an assertion and a proof that are used up, and an
#: assertion that met a challenge.
_LOOK = (
    "SELECT EXISTS (SELECT 1 FROM replay WHERE digest = ?), EXISTS (SELECT 1 FROM journal WHERE challenged = ?), "
    "EXISTS (SELECT 1 FROM replay WHERE digest = ?)"
)


@value_type
class Once:
    """Something that may be used once until ``expires_at`` (seconds): a purpose and parts that name it."""

    purpose: str
    parts: tuple[str, ...]
    expires_at: int
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def digest(self, scope: Scope) -> bytes:
        """SHA-256 over environment, purpose and parts, unambiguous whatever characters they hold."""
        found = self._digests.get(scope.name)
        if found is None:
            text = "".join([f"{len(part)}:{part}" for part in (self.purpose, *self.parts)])
            found = self._digests[scope.name] = scope.digest(text)
        return found


@value_type
class Seen:
    """What was so of an assertion and a proof at an early look; the decision falls when they are used up."""

    assertion_spent: bool
    assertion_challenged: bool
    proof_spent: bool


class Replay:
    """What has been used once in one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._scope = Scope(environment)

    def remember(self, transaction: Transaction, once: Once) -> bool:
        """Remember ``once``; False when it was remembered already. The database decides every race."""
        row = (once.digest(self._scope), self._scope.name, once.expires_at)
        return bool(transaction.execute(_INSERT, row).rowcount == 1)

    def look(self, assertion: Once, proof: Once | None) -> Seen:
        """An early look at all that a request would use up. Without a ``proof`` none is spent."""
        digest = assertion.digest(self._scope)
        row = self._database.read_one(_LOOK, (digest, digest, b"" if proof is None else proof.digest(self._scope)))
        return Seen(bool(row[0]), bool(row[1]), bool(row[2]))

    def is_remembered(self, once: Once) -> bool:
        """Whether ``once`` was remembered; an early look, not a decision."""
        return self._database.read_one(_SEEN, (once.digest(self._scope),)) is not None
