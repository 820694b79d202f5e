"""The certificate of the local CA, for those who have to trust it."""

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from mock_sts.web.reading import the_server

ROUTES = Blueprint("ca", __name__)


@ROUTES.get("/mock/ca.pem")
def ca() -> Response:
    """The certificate of the local CA; 404 where there is none, 503 where it cannot be read."""
    try:
        certificate = the_server().hosting.ca.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound("this server has no CA of its own; MOCK_STS_TLS_PORT turns https on") from None
    return Response(certificate, 200, {"Content-Type": "application/x-pem-file", "Cache-Control": "no-store"})
