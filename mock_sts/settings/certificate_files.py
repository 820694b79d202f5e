"""The server's own certificates: where they lie, and which names they must have."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mock_sts.protocol.addresses import LOOPBACK_HOSTS


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The files in the folder of a server's own certificates, PEM each; ``state`` tells what the leaf is for."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The certificate of the authority: what clients have to trust."""
        return self.folder / "ca.pem"

    @property
    def ca_key(self) -> Path:
        """Its private key."""
        return self.folder / "ca-key.pem"

    @property
    def leaf(self) -> Path:
        """The server's certificate, the authority's after it."""
        return self.folder / "server.pem"

    @property
    def leaf_key(self) -> Path:
        """Its private key."""
        return self.folder / "server-key.pem"

    @property
    def state(self) -> Path:
        """The names in the leaf, until when it is good, and the digests of the files that were made together."""
        return self.folder / "server.json"

    @property
    def lock(self) -> Path:
        """Held while something is made here."""
        return self.folder / "lock"


def names_of(urls: Iterable[str], host: str) -> tuple[str, ...]:
    """The names and addresses that a certificate must have for ``urls`` and a server that listens on ``host``."""
    hosts = [*LOOPBACK_HOSTS, *(urlsplit(url).hostname or "" for url in urls), host.strip("[]")]
    return tuple(dict.fromkeys(name for name in hosts if name and name not in ("0.0.0.0", "::")))  # noqa: S104
