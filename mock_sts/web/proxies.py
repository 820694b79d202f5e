"""Reverse proxies: whose word on address and scheme of a request counts.

Without the setting nobody's: then forwarded headers are an ordinary client's, who may write what it likes.
"""

import ipaddress
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from mock_sts.settings import TrustedProxies


class Proxies:
    """WSGI middleware that takes X-Forwarded-For, -Proto, -Host, -Port and -Prefix from trusted proxies."""

    def __init__(self, app: WSGIApplication, trusted: TrustedProxies) -> None:
        """``app`` is what stands behind; ``trusted`` says who is believed."""
        hops = trusted.count or 1
        self._app = app
        self._behind = ProxyFix(app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops, x_prefix=hops)
        self._trusted = trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        app = self._behind if self._believes(str(environ.get("REMOTE_ADDR", ""))) else self._app
        return app(environ, start_response)

    def _believes(self, peer: str) -> bool:
        if self._trusted.count:
            return True
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        # A peer of a socket for both families shows itself as ::ffff:10.0.0.1.
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._trusted.networks)
