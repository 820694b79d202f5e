"""Reverse proxies: whose word on address and scheme of a request counts, and the path that stands before ours.

Without the setting nobody's word counts: then forwarded headers are an ordinary client's, who may write what it likes.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from mock_sts.protocol.addresses import Addresses, TrustedProxies
from mock_sts.protocol.urls import DEFAULT_PORTS
from mock_sts.services.sts import Sts
from mock_sts.store.engine import StoreError


class Proxies:
    """WSGI middleware that takes X-Forwarded-For, -Proto, -Host, -Port and -Prefix from trusted proxies.

    Proxies append to what they got, or replace it. So of several values the one counts that the outermost trusted proxy
    wrote, and a single value is taken as it is.
    """

    def __init__(self, app: WSGIApplication, trusted: TrustedProxies) -> None:
        """``app`` is what stands behind; ``trusted`` says who is believed."""
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        hops = self._hops(str(environ.get("REMOTE_ADDR", "")), _values(environ, "FOR"))
        if hops:
            _believe(environ, hops)
        return self._app(environ, start_response)

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
        # Nobody writes the port that a scheme has anyway.
        is_default = port == str(DEFAULT_PORTS[environ["wsgi.url_scheme"]])
        environ["HTTP_HOST"] = name if is_default else f"{name}:{port}"
    if prefix := told("PREFIX").strip("/"):
        environ["SCRIPT_NAME"] = f"/{prefix}"


class BasePath:
    """WSGI middleware for a server whose public URL has a path: requests may come with that path or without it, for
    some proxies cut it off.

    A path that begins like one of our own may mean either. What is a route as it stands is taken as it stands.
    """

    def __init__(self, app: WSGIApplication, sts: Sts, own_paths: Callable[[], Iterable[str]]) -> None:
        """``app`` is what stands behind; ``own_paths`` are those of its routes."""
        self._app = app
        self._sts = sts
        self._own_paths = own_paths
        self._own: _OwnPaths | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = str(environ.get("PATH_INFO", ""))
        prefix = self._prefix_of(path, self._addresses)
        if prefix:
            environ["SCRIPT_NAME"] = prefix
            environ["PATH_INFO"] = _below(path, prefix)
        return self._app(environ, start_response)

    def own_path(self, path: str) -> str:
        """What ``path`` is without the base path, for threads that must not wait for the database: to tell by, not to
        answer by, for an address may just have been told elsewhere.
        """
        return _below(path, self._prefix_of(path, lambda: self._sts.latest_addresses))

    def _prefix_of(self, path: str, addresses: Callable[[], Addresses]) -> str:
        own = self._own = self._own or _OwnPaths(self._own_paths())
        if path in own.fixed:
            return ""
        prefix = addresses().prefix_of(path)
        return prefix if prefix and own.lies_below(path, prefix) else ""

    def _addresses(self) -> Addresses:
        try:
            return self._sts.addresses
        except StoreError:
            return self._sts.configured


def _below(path: str, prefix: str) -> str:
    return path.removeprefix(prefix) or "/"


class _OwnPaths:
    """The paths of our routes, as the framework writes them: /mock/as/<persona>."""

    def __init__(self, rules: Iterable[str]) -> None:
        rules = list(rules)
        self.fixed = frozenset(rule for rule in rules if "<" not in rule)
        self._first = frozenset(map(_first, rules))
        parts = ([re.escape(part) for part in re.split(r"<[^>]*>", rule)] for rule in rules if "<" in rule)
        self._varied = re.compile("|".join("[^/]+".join(part) for part in parts) or r"(?!)")

    def lies_below(self, path: str, prefix: str) -> bool:
        """Whether ``path``, which begins with ``prefix``, means the rest of it."""
        if _first(path) not in self._first:
            return True
        return not self._are_ours(path) and self._are_ours(_below(path, prefix))

    def _are_ours(self, path: str) -> bool:
        return path in self.fixed or self._varied.fullmatch(path) is not None


def _first(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""
