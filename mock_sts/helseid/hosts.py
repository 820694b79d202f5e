"""HelseID's own hosts, and what an address of this emulator may therefore be."""

from urllib.parse import urlsplit

#: Hosts of the real HelseID and NHN's other services; a server that claims to be one of them must not start.
PRODUCTION_HOSTS = ("helseid-sts.nhn.no", "helseid.nhn.no", "helseid-xdssaml.nhn.no", "selvbetjening.nhn.no")

#: Hosts of HelseID's test environments; a server that answers to one of them stands in for it.
TEST_HOSTS = frozenset(f"helseid-sts.{name}.nhn.no" for name in ("test", "utvikling", "qa"))


def public_url_in(text: str) -> str:
    """``text`` if it can be a server's public URL. Raises ValueError with what would be right."""
    try:
        parts = urlsplit(text)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("a URL such as http://localhost:8080") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok or parts.username is not None:
        raise ValueError("a URL such as http://localhost:8080")
    if "?" in text or "#" in text or any(c.isspace() for c in text):
        raise ValueError("a URL without query and fragment")
    if text.endswith("/"):
        raise ValueError(f"the same without the trailing slash: {text.rstrip('/')}")
    if parts.hostname.rstrip(".") in PRODUCTION_HOSTS:
        raise ValueError("an address of your own: this one belongs to the real HelseID in production")
    return text
