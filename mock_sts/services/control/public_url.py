"""The override: the public URL that the server is given while it runs."""

import logging

from mock_sts.helseid.hosts import impersonated_by, public_url_in
from mock_sts.protocol.addresses import Addresses
from mock_sts.services.environment import Reached
from mock_sts.services.server import Server
from mock_sts.store.public_url import write_override

LOG = logging.getLogger("mock_sts")


class PublicUrlError(ValueError):
    """A URL that no server can have; the message says why."""

    path = ("url",)


def set_public_url(server: Server, reached: Reached, url: str | None) -> Addresses:
    """Make ``url`` the issuer of what begins from now on, None: that of the settings again; the addresses after it.

    ``reached`` is what the caller has reached. Raises PublicUrlError.
    """
    try:
        url = None if url is None else public_url_in(url)
    except ValueError as error:
        raise PublicUrlError(f"url must be {error}") from None
    # Without an address in the settings, the issuer until now is what the caller asked.
    before = reached.urls.issuer.base
    also = () if before in server.configured.named else (before,)
    with server.store.writing() as transaction:
        write_override(transaction.execute, url, *also)
    if url is not None and (name := impersonated_by(url)):
        LOG.warning("this server now answers as %s, and is not HelseID: keep the name in your network", name)
    return server.addresses(reached.environment.catalog.current())
