"""Our own side of the server: the pages and the control API, which HelseID does not have.

A server that takes every host would also take that of a page elsewhere whose name was made to lead here (DNS
rebinding). To a browser that page and ours are the same site, so it could steer the emulator. HelseID's own side stays
open: its clients may have any name for it, and must show who they are.
"""

from flask import Flask, request

from mock_sts.protocol.addresses import HostFault, UnknownHostError, is_beyond_rebinding
from mock_sts.web.http import CAME_WITH
from mock_sts.web.reading import current

#: Where our side lies, beside the first page.
PREFIX = "/mock"

#: What lies there and is part of a client's way to a token: it tells what the token endpoint tells every stranger too.
OPEN = frozenset({"/mock/dpop-nonce"})


def install(app: Flask) -> None:
    """Refuse strangers' hosts on our side; also for paths that do not exist."""

    @app.before_request
    def keep_out_strange_hosts() -> None:
        # What the request was matched with, for routes may take a path in more than one writing.
        path = request.url_rule.rule if request.url_rule is not None else request.path
        ours = path == "/" or (f"{path}/".lower().startswith(f"{PREFIX}/") and path not in OPEN)
        if ours and has_strange_host():
            raise UnknownHostError(_host(), current().addresses.known(), HostFault.STRANGE)


def has_strange_host() -> bool:
    """Whether this request came with a host that no setting knows, and that any site can have."""
    addresses = current().addresses
    if not addresses.takes_any_host or is_beyond_rebinding(_host()):
        return False
    return addresses.of(request.scheme, _host()).any_host


def _host() -> str:
    return str(request.environ.get(CAME_WITH, request.environ.get("HTTP_HOST", "")))
