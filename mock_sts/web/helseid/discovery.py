"""Discovery, keys, expired keys."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.services import metadata
from mock_sts.web.environment import current, the_server
from mock_sts.web.writing import ready_json

#: Metadata is public; programs in browsers may read it.
_PUBLIC = {"Access-Control-Allow-Origin": "*"}


ROUTES = Blueprint("discovery", __name__)


@ROUTES.get(Endpoint.DISCOVERY)
def discovery_document() -> Response:
    """The discovery document."""
    return ready_json(metadata.discovery(current()), headers=_PUBLIC)


@ROUTES.get(Endpoint.OAUTH_METADATA)
def oauth_metadata() -> Response:
    """The same document for OAuth 2.0 clients (RFC 8414)."""
    if not metadata.serves_oauth_metadata(current().environment):
        raise NotFound
    return discovery_document()


@ROUTES.get(f"{Endpoint.OAUTH_METADATA}/<path:below>")
def oauth_metadata_below(below: str) -> Response:
    """The same for an issuer with the path ``below``, which RFC 8414 section 3.1 puts at the end."""
    raise NotFound  # one that is the path of an issuer here has been put before the endpoint's, see web.environment


@ROUTES.get(Endpoint.JWKS)
def key_set() -> Response:
    """The keys that tokens are signed with."""
    return ready_json(metadata.jwks(current().environment), headers=_PUBLIC)


@ROUTES.get(Endpoint.EXPIRED_JWKS)
def expired_key_set() -> Response:
    """Those that were."""
    return ready_json(metadata.expired_jwks(), headers=_PUBLIC)


@ROUTES.get("/mock/ca.pem")
def ca() -> Response:
    """The certificate of the local CA; 404 where there is none, 503 where it cannot be read."""
    try:
        certificate = the_server().hosting.ca.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound("this server has no CA of its own; MOCK_STS_TLS_PORT turns https on") from None
    return Response(certificate, 200, {"Content-Type": "application/x-pem-file", "Cache-Control": "no-store"})


@ROUTES.after_request
def answer_preflights(response: Response) -> Response:
    """A page that adds a header of its own is asked about first; the CA's certificate is for nobody's page."""
    if request.method == "OPTIONS" and request.endpoint != "discovery.ca":
        response.headers.update({**_PUBLIC, "Access-Control-Allow-Headers": "*"})
    return response
