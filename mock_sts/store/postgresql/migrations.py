"""From each older schema to the next: statements, by the number that they lead from. PostgreSQL begins with 5."""

from collections.abc import Mapping, Sequence

MIGRATIONS: Mapping[int, Sequence[str]] = {}
