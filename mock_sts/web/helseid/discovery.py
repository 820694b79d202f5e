"""Discovery, keys, expired keys."""

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.services import metadata
from mock_sts.services.request_context import RequestContext
from mock_sts.web.http import PUBLIC, HttpError, HttpRequest, HttpResponse, Route, ready_json


def discovery_document(request: HttpRequest) -> HttpResponse:
    """The discovery document."""
    _note_fetch(request)
    return ready_json(metadata.discovery(request.reached), headers=PUBLIC)


def oauth_metadata(request: HttpRequest) -> HttpResponse:
    """The same document for OAuth 2.0 clients (RFC 8414)."""
    if not metadata.serves_oauth_metadata(request.reached.environment):
        raise HttpError(404, "Not Found")
    return discovery_document(request)


def oauth_metadata_below(request: HttpRequest) -> HttpResponse:
    """Not found: RFC 8414 section 3.1 puts an issuer's path at the end, and of one here ``web.environment`` knows."""
    raise HttpError(404, "Not Found")


def key_set(request: HttpRequest) -> HttpResponse:
    """The keys that tokens are signed with."""
    _note_fetch(request)
    return ready_json(metadata.jwks(request.reached.environment), headers=PUBLIC)


def expired_key_set(request: HttpRequest) -> HttpResponse:
    """Those that were."""
    return ready_json(metadata.expired_jwks(request.reached.environment), headers=PUBLIC)


def _note_fetch(request: HttpRequest) -> None:
    """Let the journal have the fetch in a conformance session: only there is it known whose it is."""
    session = request.reached.environment.session
    if session is None or request.method != "GET":
        return
    context = RequestContext(request.reached, request.path)
    context.client_id = session.client_id
    context.finish()


ROUTES = (
    Route(Endpoint.DISCOVERY, ("GET",), discovery_document, is_public=True),
    Route(Endpoint.OAUTH_METADATA, ("GET",), oauth_metadata, is_public=True),
    Route(f"{Endpoint.OAUTH_METADATA}/<path:below>", ("GET",), oauth_metadata_below, is_public=True),
    Route(Endpoint.JWKS, ("GET",), key_set, is_public=True),
    Route(Endpoint.EXPIRED_JWKS, ("GET",), expired_key_set, is_public=True),
)
