"""HelseID's own hosts, and what an address of this emulator may therefore be."""

import ipaddress
import re

from mock_sts.protocol.addresses import host_name, is_host, is_prefix

#: Hosts of NHN's login and self-service in production, with those of earlier names; no server may claim to be one.
PRODUCTION_HOSTS = frozenset(
    (
        "helseid-sts.nhn.no",
        "helseid.nhn.no",
        "helseid-xdssaml.nhn.no",
        "selvbetjening.nhn.no",
        "api.selvbetjening.nhn.no",
        "ext.selvbetjening.nhn.no",
        "selvbetjening.helseid.no",
    )
)

#: HelseID in NHN's test environment, and the hosts of the services beside it that its programs have as constants: who
#: has the first by a setting answers to the others too.
TEST_STS = "helseid-sts.test.nhn.no"
TEST_SERVICES = tuple(f"{name}.test.nhn.no" for name in ("helseid-ttt", "api.selvbetjening", "selvbetjening"))
COMPANIONS = ((TEST_STS, TEST_SERVICES),)

#: Hosts of HelseID's test environments; a server that answers to one of them stands in for it.
TEST_HOSTS = frozenset((TEST_STS, *TEST_SERVICES, *(f"helseid-sts.{name}.nhn.no" for name in ("utvikling", "qa"))))


_NOT_THEIRS = "an address of your own: this one belongs to the real HelseID in production"

_URL = re.compile(r"(https?)://([^/?#]*)(.*)\Z", re.DOTALL | re.IGNORECASE)


def public_url_in(text: str) -> str:
    """``text``, byte for byte, if it can be a server's public URL. Raises ValueError with what would be right.

    What it takes a request can name: the same patterns judge hosts and prefixes of requests.
    """
    parts = _URL.match(text)
    if parts is None:
        raise ValueError("a URL such as http://localhost:8080")
    scheme, host, path = parts.groups()
    if scheme != scheme.lower():
        raise ValueError(f"the same with the scheme in lower case: {scheme.lower()}{text[len(scheme) :]}")
    if "?" in path or "#" in path:
        raise ValueError("a URL without query and fragment")
    if not host.isascii():
        raise ValueError(_as_punycode(text, host))
    if not is_host(host):
        raise ValueError(
            "a URL such as http://localhost:8080: a host name of letters, digits, '-', '_' and dots, or an IP address "
            "(IPv6 in brackets, without a zone), and a port from 1 to 65535 or none"
        )
    if is_production(host):
        raise ValueError(_NOT_THEIRS)
    if path.endswith("/"):
        raise ValueError(f"the same without the trailing slash: {text.rstrip('/')}")
    if not is_prefix(path):
        raise ValueError(
            "a URL whose path has at most ten segments, each of at most 100 letters, digits and ._~!$&()*+=:@-, "
            "without escapes, and none that is '.' or '..'"
        )
    return text


def certificate_name_in(text: str) -> str:
    """``text`` in lower case, if a certificate for tests can name it: a host or an IP address. Raises ValueError."""
    name = text.lower()
    bare = name.strip("[]")
    if "://" in name:
        raise ValueError(f"{text!r} is a URL; name its host alone, such as localhost")
    if is_production(name):
        raise ValueError(f"{text!r} is a host of NHN's login or self-service in production; name one of your own")
    if not is_host(f"[{bare}]" if ":" in bare else bare) or (":" in bare and not _is_address(bare)):
        raise ValueError(f"{text!r} is no host name and no IP address; write one such as localhost, without a port")
    return bare


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_production(host: str) -> bool:
    """Whether a host, with a port or without, is one of the real HelseID in production."""
    return host_name(host).rstrip(".") in PRODUCTION_HOSTS


def impersonated_by(url: str) -> str:
    """The host of ``url`` where it is one of HelseID's test environments, else an empty string."""
    parts = _URL.match(url)
    name = host_name(parts[2]) if parts is not None else ""
    return name if name.rstrip(".") in TEST_HOSTS else ""


def _as_punycode(text: str, host: str) -> str:
    name, colon, port = host.partition(":")
    try:
        ascii_host = f"{name.encode('idna').decode('ascii')}{colon}{port}"
    except UnicodeError:
        return "a URL whose host has ASCII letters only"
    # Clients write it so themselves, some signs as ordinary dots and letters: that may be another's name.
    if is_production(ascii_host):
        return _NOT_THEIRS
    return f"the same with the host as clients write it (punycode): {text.replace(host, ascii_host, 1)}"
