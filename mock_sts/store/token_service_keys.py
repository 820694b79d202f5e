"""Keys of the test-token service, kept by what tells nothing of them. Those of fixture files count everywhere."""

from collections.abc import Mapping

from mock_sts.store.database import Database, Transaction
from mock_sts.store.scope import SHARED, Scope

_PUT = (
    "INSERT INTO token_service_key (environment, digest, owner) VALUES (?, ?, ?) "
    "ON CONFLICT (environment, digest) DO UPDATE SET owner = excluded.owner"
)
_HAS = "SELECT 1 FROM token_service_key WHERE (environment = ? AND digest = ?) OR (environment = ? AND digest = ?)"
_DELETE = "DELETE FROM token_service_key WHERE environment = ? AND digest = ?"
_CLEAR = "DELETE FROM token_service_key WHERE environment = ?"

_OF_FILES = Scope(SHARED)


class TokenServiceKeys:
    """The keys of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._scope = Scope(environment)

    def put(self, transaction: Transaction, key: str, owner: str) -> None:
        """Keep ``key`` for ``owner``, an organization number or any text."""
        transaction.execute(_PUT, (self._scope.name, self._scope.digest(key), owner))

    def has(self, key: str) -> bool:
        """Whether ``key`` is kept here, or stands in a fixture file."""
        asked = (self._scope.name, self._scope.digest(key), SHARED, _OF_FILES.digest(key))
        return self._database.read_one(_HAS, asked) is not None

    def delete(self, transaction: Transaction, key: str) -> bool:
        """Forget ``key``; False where it is not kept here."""
        return bool(transaction.execute(_DELETE, (self._scope.name, self._scope.digest(key))).rowcount)


def replace_keys_of_files(database: Database, keys: Mapping[str, str]) -> None:
    """Let ``keys``, each with its owner, be those of the fixture files."""
    with database.writing() as transaction:
        transaction.execute(_CLEAR, (SHARED,))
        for key, owner in keys.items():
            transaction.execute(_PUT, (SHARED, _OF_FILES.digest(key), owner))
