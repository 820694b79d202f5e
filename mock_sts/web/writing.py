"""From values to ``flask.Response``."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

from mock_sts.helseid.endpoints import RULE_HEADER
from mock_sts.protocol.errors import OAuthError
from mock_sts.protocol.json_text import write_json
from mock_sts.web.headers import JSON_TYPE, NO_STORE

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


def json_response(body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer of the back channel that must not be stored."""
    return ready_json(write_json(body), status, {**NO_STORE, **headers} if headers else NO_STORE)


def ready_json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that is bytes already."""
    return Response(body, status, {"Content-Type": JSON_TYPE, **(headers or {})})


def token_refused(error: OAuthError, scheme: str, algorithms: Iterable[str]) -> Response:
    """RFC 6750 section 3, for a token that should have come by ``scheme``: the error in a header, no body.

    ``algorithms`` are those of good proofs, which the scheme DPoP names (RFC 9449 section 7.1).
    """
    challenge = f'{scheme} realm="IdentityServer",error="{error.code.value}"'
    if error.description:
        challenge += f',error_description="{error.description}"'
    if scheme == "DPoP":
        challenge += f',algs="{" ".join(algorithms)}"'
    headers = {"WWW-Authenticate": challenge, **NO_STORE}
    if error.rule:
        headers[RULE_HEADER] = error.rule
    return empty_response(error.status, headers)


class Redirection(Response):
    """A redirect that nobody may keep, to ``target`` byte for byte.

    The framework would write it anew: the scheme in lower case, other characters as escapes. Clients compare the
    address that they come back to with what they have registered.
    """

    def __init__(self, target: str, status: int) -> None:
        super().__init__(b"", status, NO_STORE)
        # Headers are latin-1 to WSGI; letters outside ASCII leave as UTF-8, which is how browsers read them.
        self._target = target.encode("utf-8").decode("latin-1")

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """The headers as they leave."""
        headers = super().get_wsgi_headers(environ)
        headers["Location"] = self._target
        return headers


def empty_response(status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
    """A response without body, and so without a type of one."""
    response = Response(b"", status, headers)
    del response.headers["Content-Type"]
    return response
