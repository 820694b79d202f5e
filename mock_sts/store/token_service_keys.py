"""Keys of the test-token service, kept by what tells nothing of them."""

from mock_sts.store.database import Database, Transaction
from mock_sts.store.scope import Scope

_PUT = (
    "INSERT INTO token_service_key (environment, digest, owner) VALUES (?, ?, ?) "
    "ON CONFLICT (environment, digest) DO UPDATE SET owner = excluded.owner"
)
_HAS = "SELECT 1 FROM token_service_key WHERE environment = ? AND digest = ?"
_DELETE = "DELETE FROM token_service_key WHERE environment = ? AND digest = ?"


class TokenServiceKeys:
    """The keys of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._scope = Scope(environment)

    def put(self, transaction: Transaction, key: str, owner: str) -> None:
        """Keep ``key`` for ``owner``, an organization number or any text."""
        transaction.execute(_PUT, (self._scope.name, self._scope.digest(key), owner))

    def has(self, key: str) -> bool:
        """Whether ``key`` is kept."""
        return self._database.read_one(_HAS, (self._scope.name, self._scope.digest(key))) is not None

    def delete(self, transaction: Transaction, key: str) -> bool:
        """Forget ``key``; False where it is not kept."""
        return bool(transaction.execute(_DELETE, (self._scope.name, self._scope.digest(key))).rowcount)
