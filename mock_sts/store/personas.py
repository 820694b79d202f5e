"""Personas by pid and short name, as one environment sees them: its own rows, and those of the shared world that it
neither replaces nor hides.
"""

import json
from typing import Any

from mock_sts.store.database import Database
from mock_sts.store.scope import SHARED

_BY_PID = "SELECT document FROM persona WHERE pid = ? AND environment IN (?, ?) ORDER BY environment DESC LIMIT 1"
_SEEN = (
    "FROM persona WHERE persona IS NOT NULL AND document <> 'null' AND (environment = ? OR environment = ? "
    "AND NOT EXISTS (SELECT 1 FROM persona AS own WHERE own.environment = ? AND own.pid = persona.pid))"
)
_NAMED = f"SELECT pid {_SEEN} AND persona = ? ORDER BY environment DESC LIMIT 1"
_NAMES = f"SELECT persona {_SEEN} ORDER BY persona"


class Personas:
    """The personas of one environment."""

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    def find(self, pid: str) -> dict[str, Any] | None:
        """The document of the persona with this pid, or None."""
        # The empty name of the shared world sorts before all others.
        row = self._database.read_one(_BY_PID, (pid, SHARED, self._environment))
        return None if row is None else json.loads(row[0])

    def named(self, name: str) -> str | None:
        """The pid of the persona with this short name, or None."""
        row = self._database.read_one(_NAMED, (self._environment, SHARED, self._environment, name))
        return None if row is None else str(row[0])

    def names(self) -> list[str]:
        """The short names of all personas."""
        rows = self._database.read_all(_NAMES, (self._environment, SHARED, self._environment))
        return [row[0] for row in rows]
