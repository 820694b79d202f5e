"""Discovery, keys, expired keys."""

from flask import Blueprint, Response

from mock_sts.protocol.terms import Endpoint
from mock_sts.services import metadata
from mock_sts.services.sts import Sts
from mock_sts.web.reading import effective_urls
from mock_sts.web.writing import ready_json

#: Metadata is public; programs in browsers may read it.
_PUBLIC = {"Access-Control-Allow-Origin": "*"}


def blueprint(sts: Sts) -> Blueprint:
    """The routes."""
    routes = Blueprint("discovery", __name__)
    jwks = metadata.jwks(sts)

    @routes.get(Endpoint.DISCOVERY)
    def discovery_document() -> Response:
        return ready_json(metadata.discovery(sts, effective_urls(sts.addresses)), headers=_PUBLIC)

    @routes.get(Endpoint.JWKS)
    def key_set() -> Response:
        effective_urls(sts.addresses)
        return ready_json(jwks, headers=_PUBLIC)

    @routes.get(Endpoint.EXPIRED_JWKS)
    def expired_key_set() -> Response:
        effective_urls(sts.addresses)
        return ready_json(metadata.expired_jwks(), headers=_PUBLIC)

    return routes
