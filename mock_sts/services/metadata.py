"""Discovery and keys as ready bytes, built once per address."""

from functools import lru_cache

from mock_sts.helseid.discovery import discovery_document
from mock_sts.helseid.requirement import Enforcement
from mock_sts.protocol.issuer import Issuer
from mock_sts.services.environment import Environment, Reached


def discovery(reached: Reached) -> bytes:
    """The discovery document for a request."""
    environment, urls = reached.environment, reached.urls
    fapi = environment.policy.enforcement is Enforcement.FAPI2
    return _discovery(urls.issuer, urls.back_channel, environment.keyring.algorithm, fapi)


def serves_oauth_metadata(environment: Environment) -> bool:
    """Whether the document stands at the address of RFC 8414 too, where clients of FAPI 2.0 may look for it; that
    HelseID has it there is not known. Below the root of the server it always does.
    """
    return environment.policy.enforcement is Enforcement.FAPI2 or bool(environment.below)


def jwks(environment: Environment) -> bytes:
    """The published keys."""
    return environment.keyring.published


def expired_jwks(environment: Environment) -> bytes:
    """Keys that were retired: none, as long as none was rotated."""
    return environment.keyring.expired


@lru_cache(maxsize=128)
def _discovery(issuer: Issuer, back_channel: Issuer, signing_algorithm: str, fapi: bool) -> bytes:
    return discovery_document(issuer, back_channel, signing_algorithm, fapi=fapi)
