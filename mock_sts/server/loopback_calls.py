"""Calls of the server to itself.

The demo calls the server by plain http on the server's own port, whatever the address that its page was opened at. The
Host header tells the host of that address; scheme and path before ours would be lost on the way. They travel in a
header that is sealed with the server's secret. Only its own processes share that secret, so this
header is believed where a proxy's would not be.
"""

from urllib.parse import urlsplit
from wsgiref.types import WSGIEnvironment

from mock_sts.services.seal import Seal

_HEADER, _PURPOSE = "Mock-Sts-Own-Call", "loopback call"


def loopback_call_headers(seal: Seal, url: str, prefix: str) -> dict[str, str]:
    """The headers for a call to ``url``, an address of this server as others know it, to be sent by http to its port.

    ``prefix`` is the path that stands before ours in that address; where ``url`` is not below it, it does not count.
    They are for the server alone and must not be shown.
    """
    parts = urlsplit(url)
    below = prefix if parts.path.startswith(f"{prefix}/") else ""
    return {_HEADER: seal.close(_PURPOSE, {"scheme": parts.scheme, "host": parts.netloc, "prefix": below})}


class LoopbackCalls:
    """Gives the loopback calls of the server the scheme and the path that they were meant for; a step of ``front``."""

    def __init__(self, seal: Seal) -> None:
        """``seal`` is the server's."""
        self._seal = seal

    def __call__(self, environ: WSGIEnvironment) -> None:
        """Change the environment of a request."""
        sealed = environ.pop(f"HTTP_{_HEADER.upper().replace('-', '_')}", None)
        opened = self._seal.open(_PURPOSE, sealed) if sealed is not None else None
        # Sealed for one host: what was made for a call to another says nothing about this one.
        if opened is not None and opened["host"] == environ.get("HTTP_HOST"):
            environ["wsgi.url_scheme"] = opened["scheme"]
            prefix, path = str(opened["prefix"]), str(environ.get("PATH_INFO", ""))
            if prefix and path.startswith(f"{prefix}/"):
                environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, path.removeprefix(prefix)
