"""Reverse proxies: whose word on address and scheme of a request counts.

Without the setting forwarded headers count for nothing: any client may send them, with any content.
"""

import ipaddress
from wsgiref.types import WSGIEnvironment

from mock_sts.protocol.addresses import TrustedProxies
from mock_sts.protocol.urls import DEFAULT_PORTS


class Proxies:
    """Takes X-Forwarded-For, -Proto, -Host, -Port and -Prefix from trusted proxies; a step of ``front``.

    Proxies append to what they got, or replace it. So of several values the one counts that the outermost trusted proxy
    wrote, and a single value is taken as it is.
    """

    def __init__(self, trusted: TrustedProxies) -> None:
        """``trusted`` says who is believed."""
        self._trusted = trusted

    def __call__(self, environ: WSGIEnvironment) -> None:
        """Change the environment of a request."""
        hops = self._hops(str(environ.get("REMOTE_ADDR", "")), _values(environ, "FOR"))
        if hops:
            _believe(environ, hops)

    def _hops(self, peer: str, forwarded_for: list[str]) -> int:
        """How many trusted proxies the request has come through; the one that speaks to us is the last."""
        if self._trusted.count:
            return self._trusted.count
        hops = 0
        for address in (peer, *reversed(forwarded_for)):
            if not self._is_trusted(address):
                break
            hops += 1
        return hops

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(_without_port(peer))
        except ValueError:
            return False
        # A peer of a socket for both families shows itself as ::ffff:10.0.0.1.
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._trusted.networks)


def _without_port(peer: str) -> str:
    """Some proxies write the port of the connection too: 10.0.0.7:443, [fd00::7]:443."""
    if peer.startswith("["):
        return peer[1:].partition("]")[0]
    return peer.partition(":")[0] if peer.count(":") == 1 else peer


def _values(environ: WSGIEnvironment, name: str) -> list[str]:
    values = (value.strip() for value in str(environ.get(f"HTTP_X_FORWARDED_{name}", "")).split(","))
    return [value for value in values if value]


def _believe(environ: WSGIEnvironment, hops: int) -> None:
    def forwarded(name: str) -> str:
        values = _values(environ, name)
        return values[max(0, len(values) - hops)] if values else ""

    if client := forwarded("FOR"):
        environ["REMOTE_ADDR"] = client
    if scheme := forwarded("PROTO").lower():
        environ["wsgi.url_scheme"] = scheme if scheme in DEFAULT_PORTS else environ["wsgi.url_scheme"]
    if host := forwarded("HOST"):
        environ["HTTP_HOST"] = host
    if port := forwarded("PORT"):
        name = str(environ.get("HTTP_HOST", ""))
        name = name if name.endswith("]") else name.rpartition(":")[0] or name
        environ["HTTP_HOST"] = f"{name}:{port}"
    if prefix := forwarded("PREFIX").strip("/"):
        environ["SCRIPT_NAME"] = f"/{prefix}"
