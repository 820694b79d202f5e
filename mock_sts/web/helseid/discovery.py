"""Discovery, keys, expired keys."""

from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from mock_sts.protocol.terms import Endpoint
from mock_sts.services import metadata
from mock_sts.services.environment import Environment
from mock_sts.web.reading import effective_urls
from mock_sts.web.writing import ready_json

#: Metadata is public; programs in browsers may read it.
_PUBLIC = {"Access-Control-Allow-Origin": "*"}


def blueprint(environment: Environment, ca_file: Path) -> Blueprint:
    """The routes. ``ca_file`` is where the certificate of the local CA lies, if there is one."""
    routes = Blueprint("discovery", __name__)
    jwks = metadata.jwks(environment)

    @routes.get(Endpoint.DISCOVERY)
    def discovery_document() -> Response:
        return ready_json(metadata.discovery(environment, effective_urls(environment.addresses)), headers=_PUBLIC)

    @routes.get(Endpoint.OAUTH_METADATA)
    def oauth_metadata() -> Response:
        """The same document for OAuth 2.0 clients (RFC 8414)."""
        if not metadata.serves_oauth_metadata(environment):
            raise NotFound
        return discovery_document()

    @routes.get(f"{Endpoint.OAUTH_METADATA}/<path:below>")
    def oauth_metadata_below(below: str) -> Response:
        """The same for an issuer with the path ``below``, which RFC 8414 section 3.1 puts at the end."""
        known = (request.script_root, environment.addresses.prefix_of(f"/{below}/"))
        if not metadata.serves_oauth_metadata(environment) or f"/{below}" not in known:
            raise NotFound
        return ready_json(
            metadata.discovery(environment, effective_urls(environment.addresses, f"/{below}")), headers=_PUBLIC
        )

    @routes.get(Endpoint.JWKS)
    def key_set() -> Response:
        effective_urls(environment.addresses)
        return ready_json(jwks, headers=_PUBLIC)

    @routes.get(Endpoint.EXPIRED_JWKS)
    def expired_key_set() -> Response:
        effective_urls(environment.addresses)
        return ready_json(metadata.expired_jwks(), headers=_PUBLIC)

    @routes.get("/mock/ca.pem")
    def ca() -> Response:
        """The certificate of the local CA; 404 where there is none, 503 where it cannot be read."""
        effective_urls(environment.addresses)
        try:
            certificate = ca_file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound("this server has no CA of its own; MOCK_STS_TLS_PORT turns https on") from None
        return Response(certificate, 200, {"Content-Type": "application/x-pem-file", "Cache-Control": "no-store"})

    @routes.after_request
    def answer_preflights(response: Response) -> Response:
        """A page that adds a header of its own is asked about first; the CA's certificate is for nobody's page."""
        if request.method == "OPTIONS" and request.endpoint != "discovery.ca":
            response.headers.update({**_PUBLIC, "Access-Control-Allow-Headers": "*"})
        return response

    return routes
