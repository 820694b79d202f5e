"""Registered addresses of clients: where a browser is sent, or a server calls (RFC 6749 section 3.1.2, RFC 3986).

They are compared exactly. So what stands in a registration as a pattern, or is no URI at all, fits no request.
"""

import re
from urllib.parse import urlsplit

from mock_sts.protocol.addresses import host_name, is_host, is_loopback_name
from mock_sts.protocol.urls import DEFAULT_PORTS, split_url

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)\Z")

#: A port and nothing or a path: what looked like a scheme was a host.
_PORT = re.compile(r"[0-9]{1,5}(?:[/?#]|\Z)")

#: Characters that stand in no URI (RFC 3986 section 2), and what a pattern would be written with.
_NO_URI = '"<>\\^`{|}'

#: Schemes to which no browser goes from another page.
_NOWHERE = ("about", "blob", "data", "javascript", "vbscript")


def why_unreachable(uri: str) -> str:
    """Why no request can return to ``uri``, and what to register instead; an empty text for one that can be used.

    A fragment is no fault here: a logout may return to one.
    """
    if not uri:
        return "it is empty; leave it out"
    odd = next((c for c in uri if not c.isprintable() or c.isspace()), None)
    if odd is not None:
        return f"it holds {odd!r}, which stands in no URI; leave it out, or write %20 for a space"
    found = _SCHEME.match(uri)
    if found is None or _PORT.match(found[2]):
        return (
            f"it has no scheme; write https://{uri.lstrip('/')}, or http://localhost/... for a program on this machine"
        )
    scheme, rest = found[1].lower(), found[2]
    if scheme in _NOWHERE:
        return f"no browser goes to {scheme}:; register an https address, or a scheme of the application's own"
    if "*" in rest.partition("?")[0] and not (scheme in DEFAULT_PORTS and "*" in _port(rest)):
        return "* stands for nothing here, for addresses are compared exactly; register each address in full"
    odd = next((c for c in rest if c in _NO_URI), None)
    if odd is not None:
        return f"it holds {odd!r}, which stands in no URI; register each address in full, with odd characters as %XX"
    try:
        urlsplit(uri)
    except ValueError:
        return "its host is none; write a name, or an IP address (IPv6 in brackets)"
    return _why_no_host(scheme, rest) if scheme in DEFAULT_PORTS else ""


def is_web_address(uri: str) -> bool:
    """Whether ``uri`` can be called: an http or https URL, on whatever path."""
    # urlsplit leaves line breaks out, and so would lead elsewhere.
    return uri.isprintable() and " " not in uri and bool(split_url(uri).scheme)


def _why_no_host(scheme: str, rest: str) -> str:
    if not rest.startswith("//") or not _host(rest):
        return f"it has no host; write {scheme}://HOST/..."
    host, port = _host(rest), _port(rest)
    name = host[: len(host) - len(port) - 1] if port or host.endswith(":") else host
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65_535):
        said = f"its port {port[:20]!r} is none: that is a number from 1 to 65535"
        if is_loopback_name(host_name(name)):
            return f"{said}; without a port it fits every port: {scheme}:{rest.replace(f':{port}', '', 1)}"
        return f"{said}; register each port; only an address on localhost without a port fits every port"
    if name.isascii() and (not is_host(name) or (":" in name and not name.startswith("["))):
        return (
            f"its host {name[:60]!r} is none: a name of letters, digits, '-', '_' and dots, or an IP address (IPv6 in "
            "brackets, without a zone)"
        )
    return ""


def _host(rest: str) -> str:
    """Host and port of what follows the scheme, without a user's name."""
    return re.split(r"[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")[2] if rest.startswith("//") else ""


def _port(rest: str) -> str:
    host = _host(rest)
    return "" if host.endswith("]") else host.rpartition(":")[2] if ":" in host else ""
