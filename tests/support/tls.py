"""A live server that also speaks https, and clients that trust its CA."""

import os
import ssl
import subprocess
from pathlib import Path

from mock_sts.settings.certificate_files import CertificateFiles
from tests.support import processes
from tests.support.emulator import LiveServer, OverHttp, free_port, takes_connections
from tests.support.processes import until

__all__ = ["OverTls", "TlsServer", "run_command", "settings_in", "takes_connections", "until"]


class TlsServer(LiveServer):
    """A live server that also speaks https, on another port."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.tls_port = free_port()
        self.base = f"https://localhost:{self.tls_port}"
        super().__init__(folder, tls_port=str(self.tls_port), **settings)
        self.files = CertificateFiles(folder / "tls")
        until(lambda: takes_connections(self.tls_port), "https does not answer")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of ours with this server's settings."""
        return run_command(self.environment, *words)

    def trusting(self) -> ssl.SSLContext:
        """A client that trusts the local CA alone."""
        return ssl.create_default_context(cafile=str(self.files.ca))


class OverTls(OverHttp):
    """Requests over https, by a client that trusts one CA."""

    def __init__(self, base: str, ca: Path) -> None:
        super().__init__(base)
        self._session.verify = str(ca)


def run_command(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A command of ours."""
    return processes.run(*words, env=environment)


def settings_in(folder: Path, **settings: str) -> dict[str, str]:
    """An environment with a database in ``folder``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_STS_")}
    values = {"database_url": f"sqlite:///{folder / 'live.sqlite'}", "tls_port": str(free_port()), **settings}
    values.setdefault("port", str(free_port()))
    return environment | {f"MOCK_STS_{name.upper()}": value for name, value in values.items()}
