"""From each older schema to the next: statements, by the number that they lead from. PostgreSQL begins with 5."""

from collections.abc import Mapping, Sequence

from mock_sts.store.steps import to_eight, to_nine, to_seven, to_ten

MIGRATIONS: Mapping[int, Sequence[str]] = {
    # Keys of the test-token service.
    5: [
        'CREATE TABLE token_service_key (environment TEXT COLLATE "C" NOT NULL, digest BYTEA NOT NULL, '
        'owner TEXT COLLATE "C" NOT NULL, PRIMARY KEY (environment, digest))',
    ],
    # Environments by their own host names, several signing keys, tags, snapshots.
    6: to_seven({"text": 'TEXT COLLATE "C"', "number": "BIGINT", "bytes": "BYTEA"}, ""),
    # Scripted logins that expire.
    7: to_eight({"number": "BIGINT"}),
    # Fault rules.
    8: to_nine({"text": 'TEXT COLLATE "C"', "number": "BIGINT", "bytes": "BYTEA"}, ""),
    # Flows in the journal.
    9: to_ten({"text": 'TEXT COLLATE "C"', "number": "BIGINT"}),
}
