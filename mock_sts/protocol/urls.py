"""URLs of others, as they may come: never a fault, and compared by their origins."""

from urllib.parse import SplitResult, urlsplit

#: The ports that are left out of a URL.
DEFAULT_PORTS = {"http": 80, "https": 443}


def split_url(url: str) -> SplitResult:
    """The parts of ``url``, all of them empty when it is none of http or https that can be asked."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return parts if usable else urlsplit("")


def port_of(parts: SplitResult) -> int:
    """The port of a URL that ``split_url`` has taken apart: the one it names, or its scheme's."""
    return parts.port or DEFAULT_PORTS[parts.scheme]


def origin_of(url: str) -> str:
    """Scheme, host and port of ``url``, the default port left out; an empty string when it is no http or https URL."""
    parts = split_url(url)
    if not parts.scheme:
        return ""
    port = parts.port
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    is_default = port is None or port == DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{port}"
