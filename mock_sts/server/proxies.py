"""Reverse proxies: whose word on address and scheme of a request counts, and the path that stands before ours.

Without the setting nobody's word counts: then forwarded headers are an ordinary client's, who may write what it likes.
"""

import ipaddress
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from mock_sts.protocol.addresses import Addresses, TrustedProxies
from mock_sts.protocol.urls import DEFAULT_PORTS
from mock_sts.services.environment import Environment
from mock_sts.store.database import StoreError
from mock_sts.web.paths import Paths, below


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
    def told(name: str) -> str:
        values = _values(environ, name)
        return values[max(0, len(values) - hops)] if values else ""

    if client := told("FOR"):
        environ["REMOTE_ADDR"] = client
    if scheme := told("PROTO").lower():
        environ["wsgi.url_scheme"] = scheme if scheme in DEFAULT_PORTS else environ["wsgi.url_scheme"]
    if host := told("HOST"):
        environ["HTTP_HOST"] = host
    if port := told("PORT"):
        name = str(environ.get("HTTP_HOST", ""))
        name = name if name.endswith("]") else name.rpartition(":")[0] or name
        environ["HTTP_HOST"] = f"{name}:{port}"
    if prefix := told("PREFIX").strip("/"):
        environ["SCRIPT_NAME"] = f"/{prefix}"


class BasePath:
    """WSGI middleware that brings every path into the letters of its route, so that nothing behind it need know that
    HelseID's may come in others; and for a server whose public URL has a path, which requests may come with or without,
    for some proxies cut it off.

    A path that begins like one of our own may mean either. What is a route as it stands is taken as it stands.
    """

    def __init__(self, app: WSGIApplication, environment: Environment, rules: Callable[[], Iterable[str]]) -> None:
        """``app`` is what stands behind; ``rules`` are the paths of its routes."""
        self._app = app
        self._sts = environment
        self._rules = rules
        self._paths: Paths | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        prefix, path = self._split(str(environ.get("PATH_INFO", "")), self._addresses)
        if prefix:
            environ["SCRIPT_NAME"] = prefix
        environ["PATH_INFO"] = path
        return self._app(environ, start_response)

    def own_path(self, path: str) -> str:
        """What ``path`` is without the base path, for threads that must not wait for the database: to tell by, not to
        answer by, for an address may just have been told elsewhere.
        """
        return self._split(path, lambda: self._sts.latest_addresses)[1]

    def _split(self, path: str, addresses: Callable[[], Addresses]) -> tuple[str, str]:
        """The base path of ``path``, and what comes after it in the letters of its route."""
        paths = self._paths = self._paths or Paths(self._rules())
        if path in paths.fixed:
            return "", path
        prefix = addresses().prefix_of(path)
        if not (prefix and paths.lies_below(path, prefix)):
            prefix = ""
        own = below(path, prefix)
        return prefix, paths.written(own) or own

    def _addresses(self) -> Addresses:
        try:
            return self._sts.addresses
        except StoreError:
            return self._sts.configured
