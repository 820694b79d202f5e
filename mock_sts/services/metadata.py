"""Discovery and keys as ready bytes, built once per address."""

from functools import lru_cache

from mock_sts.helseid.discovery import discovery_document, jwks_document
from mock_sts.protocol.addresses import EffectiveUrls
from mock_sts.protocol.issuer import Issuer
from mock_sts.services.sts import Sts


def discovery(urls: EffectiveUrls) -> bytes:
    """The discovery document for a request that came by ``urls``."""
    return _discovery(urls.issuer, urls.back_channel)


def jwks(sts: Sts) -> bytes:
    """The published keys."""
    return jwks_document(sts.keyring.public_jwks())


def expired_jwks() -> bytes:
    """Keys that were retired: none, as long as none was rotated."""
    return jwks_document([])


@lru_cache(maxsize=128)
def _discovery(issuer: Issuer, back_channel: Issuer) -> bytes:
    return discovery_document(issuer, back_channel)
