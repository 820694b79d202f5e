"""The issuer: the one value that paths are joined to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issuer:
    """A base URL without trailing slash, kept byte for byte as it was configured or asked for."""

    base: str

    def url(self, endpoint: str) -> str:
        """The absolute URL of ``endpoint``, a path below the issuer."""
        return f"{self.base}{endpoint}"

    def __str__(self) -> str:
        return self.base
