"""From ``flask.request`` to values: form, proofs, tokens."""

from flask import current_app, request
from werkzeug.exceptions import MethodNotAllowed

from mock_sts.protocol.params import Params
from mock_sts.services.environment import Reached
from mock_sts.services.server import Server
from mock_sts.web.http import HttpRequest
from mock_sts.web.redirects import cookie_of

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
    """The value of the cookie called ``name``, the first one where there are several."""
    return cookie_of(asked(), name)


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
