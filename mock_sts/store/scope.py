"""What an environment mixes into the digests by which its rows are found."""

import hashlib

#: The environment at the root of the server.
DEFAULT_ENVIRONMENT = "default"

#: Where a registry row stands that belongs to no environment: the shared world of the fixture files.
SHARED = ""

#: A byte that no text has in UTF-8, so that no handle of one environment can be written in another's.
_BESIDE_TEXT = b"\xff"


class Scope:
    """Makes digests for one environment: the same text has another digest in each."""

    __slots__ = ("_begun", "name")

    def __init__(self, environment: str) -> None:
        self.name = environment
        # Digests of the default environment are those of the databases from before there were others.
        named = b"" if environment == DEFAULT_ENVIRONMENT else _BESIDE_TEXT + environment.encode() + _BESIDE_TEXT
        self._begun = hashlib.sha256(named)

    def digest(self, text: str) -> bytes:
        """SHA-256 over the environment and ``text``, which may hold lone surrogates."""
        made = self._begun.copy()
        made.update(text.encode("utf-8", "surrogatepass"))
        return made.digest()
