"""The issuer: the one value that paths are joined to."""

from dataclasses import dataclass

from mock_sts.protocol.terms import Endpoint


@dataclass(frozen=True, slots=True)
class Issuer:
    """A base URL without trailing slash, kept byte for byte as it was configured or asked for."""

    base: str

    def url(self, endpoint: Endpoint) -> str:
        """The absolute URL of ``endpoint``."""
        return self.base + endpoint.value

    def __str__(self) -> str:
        return self.base
