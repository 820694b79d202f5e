"""Addresses: how a server that is reached under several names knows which URLs to speak of.

Everything that needs an absolute URL (discovery, ``iss``, assertion audience, proof target) asks here.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

from mock_sts.protocol.issuer import Issuer
from mock_sts.protocol.urls import DEFAULT_PORTS

_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|(?=.{{1,253}}(?::|\Z)){_LABEL}(?:\.{_LABEL})*\.?)(:[0-9]{{1,5}})?\Z")

#: A path that stands before ours: whole segments, no slash at its end. Who asks takes ``.`` and ``..`` out of a path.
_PREFIX = re.compile(r"(/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~!$&()*+=:@-]{1,100}){0,10}\Z")

#: Hosts by which every machine calls itself; and the same as they stand in a URL.
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
LOOPBACK_NAMES = frozenset(f"[{host}]" if ":" in host else host for host in LOOPBACK_HOSTS)

#: What ends on it is this machine too (RFC 6761 section 6.3): browsers and resolvers ask no DNS for it.
_LOCALHOST = ".localhost"

#: By which containers call the machine that they run on.
_CONTAINERS_HOST = "host.docker.internal"


class UrlMode(StrEnum):
    """Which URLs follow the host that asked.

    ``split``: the issuer is the public URL, back-channel endpoints follow the host that asked if it is an alias.
    ``fixed``: everything is the public URL. ``request``: everything follows the host that asked.
    """

    SPLIT = "split"
    FIXED = "fixed"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Whose forwarded headers count: of the last ``count`` proxies, at any address, or of peers in ``networks``."""

    count: int
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class HostFault(StrEnum):
    """Why a host is refused: none of ours, nothing that can be a host at all, one that no server may have, or one that
    any site could have, where only names of this machine and its network will do.
    """

    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    RESERVED = "reserved"
    STRANGE = "strange"


class UnknownHostError(Exception):
    """The request named a host that is none of ours; ``seen`` is that host, ``known`` are ours."""

    def __init__(self, seen: str, known: tuple[str, ...], fault: HostFault = HostFault.UNKNOWN) -> None:
        super().__init__(f"{fault} host {seen[:100]!r}; known: {', '.join(known)}")
        self.seen = seen[:100]
        self.known = known
        self.fault = fault


@dataclass(frozen=True, slots=True)
class EffectiveUrls:
    """The addresses that count for one request.

    ``issuer`` stands in tokens and discovery, ``back_channel`` is where clients send token requests. ``others`` are
    further names of the same server, which assertions and proofs may use but production would refuse.
    ``any_host`` is set when a host was taken that no setting names.
    """

    issuer: Issuer
    back_channel: Issuer
    others: tuple[Issuer, ...]
    any_host: bool = False

    @property
    def issuers(self) -> frozenset[str]:
        """The issuers that this server is known as."""
        return frozenset({self.issuer.base, self.back_channel.base, *(other.base for other in self.others)})

    def below(self, path: str) -> "EffectiveUrls":
        """The same for what lies below ``path`` on the server; an empty path is the server itself."""
        return _below(self, path) if path else self


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a server: public URL (or an empty string), aliases, mode, and whether it is bound to
    loopback only. URLs have no trailing slash. ``reserved`` are host names that no server may have. ``own_host`` is the
    loopback address on which it listens, as it stands in a URL, for that need not be a usual one.

    ``former`` are addresses that the server had before an override: they still count, for flows that have begun
    and tokens that are out. ``unnamed`` says that it got its public URL while it ran: hosts that it was known by
    without one count as aliases. ``companions`` are hosts, each with those that lead to the same server wherever it
    does: they are answered, with the issuer that they accompany, and are no alias: neither issuer nor audience.
    """

    public_url: str
    aliases: tuple[str, ...]
    mode: UrlMode
    loopback_only: bool
    reserved: frozenset[str] = frozenset()
    former: tuple[str, ...] = ()
    unnamed: bool = False
    own_host: str = ""
    companions: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def of(self, scheme: str, host: str, prefix: str = "") -> EffectiveUrls:
        """The URLs for a request that came by ``scheme`` to ``host`` (the Host header).

        ``prefix`` is the path before ours, as a proxy or the request tells it. Raises UnknownHostError.
        """
        return _urls_of(self, scheme, host, prefix)

    def declared(self, scheme: str, host: str, prefix: str, below: str) -> EffectiveUrls:
        """The same for a request to a ``host`` that belongs to what lies ``below`` a path of this server: there it has
        an origin of its own, and its URLs at the named ones are further names of it.
        """
        if not (is_host(host) and is_prefix(prefix)):
            raise UnknownHostError(host + prefix, self.known(), HostFault.MALFORMED)
        own = Issuer(f"{scheme}://{_written(scheme, host)}{prefix}")
        return EffectiveUrls(own, own, tuple(Issuer(f"{url}{below}") for url in self.named))

    def known_as(self, public_url: str | None, former: tuple[str, ...] = ()) -> "Addresses":
        """The same server with another ``public_url`` (None: its own), that had the addresses ``former`` before."""
        return _known_as(self, public_url, former)

    def prefix_of(self, path: str) -> str:
        """The path of one of our URLs that ``path`` begins with; an empty string when there is none.

        The letters may be others, as in ASP.NET, where no URL has them so.
        """
        begins = f"{path}/"
        prefixes = dict.fromkeys(urlsplit(url).path for url in self.named)
        fits = [prefix for prefix in prefixes if prefix and begins.lower().startswith(f"{prefix}/".lower())]
        return max(fits, key=lambda prefix: (len(prefix), begins.startswith(f"{prefix}/")), default="")

    def known(self) -> tuple[str, ...]:
        """What a person may be shown: the named URLs, else the loopback names."""
        return (*self.named, *sorted(self.loopback_names))

    @property
    def loopback_names(self) -> frozenset[str]:
        """Hosts that are always answered, as they stand in a URL."""
        return LOOPBACK_NAMES | {self.own_host} if self.own_host else LOOPBACK_NAMES

    @property
    def named(self) -> tuple[str, ...]:
        """The URLs that are known by name: those of the settings, the override, those before, and their companions."""
        return _named(self)

    def is_own(self, host: str) -> bool:
        """Whether a Host header is one that is always answered, for it leads to this machine everywhere."""
        return host_name(host) in self.loopback_names or is_loopback_name(host_name(host))

    @property
    def takes_any_host(self) -> bool:
        """Whether the server answers to every host, for nothing says which ones it has."""
        follows = self.unnamed or (self.mode is UrlMode.REQUEST and not self.public_url)
        return follows and not self.aliases and not self.loopback_only


@lru_cache(maxsize=16)
def _named(addresses: Addresses) -> tuple[str, ...]:
    stated = [url for url in (addresses.public_url, *addresses.aliases, *addresses.former) if url]
    return tuple(dict.fromkeys((*stated, *_accompanied(addresses))))


@lru_cache(maxsize=16)
def _accompanied(addresses: Addresses) -> dict[str, str]:
    """The URLs of companions, each with that of the host which it accompanies."""
    stated = [url for url in (addresses.public_url, *addresses.aliases, *addresses.former) if url]
    found: dict[str, str] = {}
    for url in stated:
        parts = urlsplit(url)
        for other in dict(addresses.companions).get((parts.hostname or "").rstrip("."), ()):
            with_port = f"{other}:{parts.port}" if parts.port else other
            found.setdefault(parts._replace(netloc=with_port).geturl(), url)
    return {url: of for url, of in found.items() if url not in stated}


@lru_cache(maxsize=16)
def _known_as(own: Addresses, public_url: str | None, former: tuple[str, ...]) -> Addresses:
    known = own
    if public_url is not None and public_url != own.public_url:
        aliases = tuple(url for url in dict.fromkeys((own.public_url, *own.aliases)) if url and url != public_url)
        unnamed = own.mode is UrlMode.REQUEST and not own.public_url
        mode = UrlMode.SPLIT if unnamed else own.mode
        known = replace(own, public_url=public_url, aliases=aliases, mode=mode, unnamed=unnamed)
    return replace(known, former=tuple(url for url in former if url not in known.named))


@lru_cache(maxsize=256)
def _urls_of(addresses: Addresses, scheme: str, host: str, prefix: str) -> EffectiveUrls:
    if not (is_host(host) and is_prefix(prefix)):
        raise UnknownHostError(host + prefix, addresses.known(), HostFault.MALFORMED)
    if host_name(host).rstrip(".") in addresses.reserved:
        raise UnknownHostError(host, addresses.known(), HostFault.RESERVED)
    named, mode = addresses.named, addresses.mode
    same_host = [url for url in named if _has_host(url, host)]
    any_host = not same_host and not addresses.is_own(host)
    if any_host and not addresses.takes_any_host:
        raise UnknownHostError(host, addresses.known())
    if mode is UrlMode.REQUEST or addresses.unnamed:
        # Here the request says what the address is; one that the server had once says nothing about today's.
        same_host = [url for url in same_host if url not in addresses.former]
    # A proxy that ends TLS passes the Host on and speaks http to us; so the scheme only decides between two names.
    nearest = next((url for url in same_host if url.startswith(f"{scheme}:")), same_host[0] if same_host else "")
    at_prefix = [url for url in same_host if urlsplit(url).path == prefix]
    # One that cuts its prefix off without a word leaves the named path as all that is known of it.
    listed = nearest if not prefix or nearest in at_prefix else next(iter(at_prefix), "")
    origin = nearest.removesuffix(urlsplit(nearest).path) if nearest else f"{scheme}://{_written(scheme, host)}"
    asked = listed or f"{origin}{prefix}"
    beside = _accompanied(addresses)
    if mode is UrlMode.REQUEST or not addresses.public_url:
        # A service beside HelseID speaks of HelseID as the issuer, under whatever name it was asked, and is none of its
        # endpoints: its name is neither an issuer nor an audience.
        issuer = back_channel = beside.get(asked, asked)
    else:
        issuer = addresses.public_url
        follows = mode is UrlMode.SPLIT and (listed or addresses.unnamed) and asked not in beside
        back_channel = asked if follows else issuer
    others = tuple(Issuer(url) for url in named if url not in (issuer, back_channel, *beside))
    return EffectiveUrls(Issuer(issuer), Issuer(back_channel), others, any_host)


@lru_cache(maxsize=1024)
def _below(urls: EffectiveUrls, path: str) -> EffectiveUrls:
    issuer, back_channel, *others = (
        Issuer(f"{one.base}{path}") for one in (urls.issuer, urls.back_channel, *urls.others)
    )
    return EffectiveUrls(issuer, back_channel, tuple(others), urls.any_host)


def is_host(host: str) -> bool:
    """Whether ``host`` can stand in a Host header and in a URL: a name of ASCII labels or an IP address (IPv6 in
    brackets, without a zone), and a port from 1 to 65535 or none.
    """
    match = _HOST.match(host)
    if match is None or not 1 <= int((match[2] or ":1")[1:]) <= 65_535:
        return False
    return not host.startswith("[") or _is_ipv6(match[1].strip("[]"))


def is_prefix(path: str) -> bool:
    """Whether ``path`` can stand before ours: nothing, or up to ten segments that need no escapes."""
    return _PREFIX.match(path) is not None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def host_name(host: str) -> str:
    """The name in a Host header, in lower case and without its port."""
    return (host if host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host).lower()


def is_beyond_rebinding(host: str) -> bool:
    """Whether no stranger can make a browser take ``host`` (a Host header) for their own site: it is an IP address or
    a name below localhost, for which no DNS is asked, or a name without a dot or of a container's host, which only this
    network's DNS knows.
    """
    name = host_name(host)
    if name == _CONTAINERS_HOST or is_loopback_name(name) or "." not in name.removesuffix("."):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback_name(name: str) -> bool:
    """Whether a host (in lower case, without a port, IPv6 with brackets or without) is this machine by its name alone:
    localhost and what lies below it, or a usual address.
    """
    return name in LOOPBACK_HOSTS or name in LOOPBACK_NAMES or name.endswith(_LOCALHOST)


def is_loopback(address: str) -> bool:
    """Whether a server that listens on ``address`` can be reached from this machine only."""
    if is_loopback_name(address.lower()):
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _has_host(url: str, host: str) -> bool:
    """Whether a Host header names the host and port of ``url``; the default port of its scheme may be left out."""
    parts = urlsplit(url)
    default = DEFAULT_PORTS[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return host_name(host) == name and (_port(host) or default) == (parts.port or default)


def _written(scheme: str, host: str) -> str:
    """A Host header as URLs of ``scheme`` write it: in lower case, without the port that the scheme has anyway.

    Some proxies pass that port on; clients that know the address without it would not know the issuer.
    """
    port = _port(host)
    return host_name(host) if port in (None, DEFAULT_PORTS[scheme]) else f"{host_name(host)}:{port}"


def _port(host: str) -> int | None:
    """The port in a Host header, None where it names none."""
    return None if host.endswith("]") or ":" not in host else int(host.rpartition(":")[2])
