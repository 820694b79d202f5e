"""From ``flask.request`` to values: form, proofs, tokens."""

from contextlib import suppress

from flask import current_app, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.http import parse_cookie

from mock_sts.protocol.params import Params
from mock_sts.services.environment import Reached
from mock_sts.services.server import Server
from mock_sts.web.http import HttpRequest

#: For endpoints that answer a wrong method by themselves.
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


#: Under which name an application has its server.
SERVER = "mock_sts"


def current() -> Reached:
    """What this request has reached."""
    return asked().reached


def the_server() -> Server:
    """The server that this process is."""
    server: Server = current_app.extensions[SERVER]
    return server


def cookie(name: str) -> str | None:
    """The value of the cookie called ``name``, the first one where there are several.

    Browsers send the cookies of every application on a host, in whatever bytes those were set. So only the cookie that
    is asked for is read: the framework reads all of them, and fails or loses more than the odd one.
    """
    for piece in request.environ.get("HTTP_COOKIE", "").split(";"):
        if piece.partition("=")[0].strip() == name:
            with suppress(UnicodeError):
                return parse_cookie(piece.strip()).get(name)
    return None


def asked() -> HttpRequest:
    """The request that the framework is at work on, as a value."""
    return HttpRequest(request.environ)


def refuse_head() -> None:
    """Refuse HEAD, which the framework adds to GET: a look must neither answer a request nor use anything up."""
    if request.method == "HEAD":
        raise MethodNotAllowed(["GET", "POST"])


def media_type() -> str:
    """The content type in lower case, without parameters such as a charset."""
    return asked().media_type


def form() -> Params:
    """The form in the body; parameters in the URL do not count. No form, no parameters."""
    return asked().form()
