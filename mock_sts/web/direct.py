"""The direct door: endpoints that most requests are for, without the framework.

Behind ``web.environment`` as the framework is, and with the same endpoints, errors and headers, so that a request gets
the same bytes by either door. Whatever is not for one of these endpoints, by a method that it takes, goes on to the
framework: other methods, other paths, all pages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from mock_sts.helseid.endpoints import Endpoint
from mock_sts.store.database import BusyError
from mock_sts.web import health
from mock_sts.web.errors import Errors
from mock_sts.web.headers import EVERY_ANSWER
from mock_sts.web.helseid import authorize, discovery, pushed_authorization, token, user_info
from mock_sts.web.helseid.token import NONCE
from mock_sts.web.http import BODY_FAULT, HttpRequest, HttpResponse

#: Path and methods of each, and what answers.
DIRECT: Mapping[str, tuple[Sequence[str], Callable[[HttpRequest], HttpResponse]]] = {
    Endpoint.TOKEN.value: (("POST",), token.token),
    Endpoint.PAR.value: (("POST",), pushed_authorization.pushed_authorization),
    Endpoint.USERINFO.value: (("GET", "POST"), user_info.userinfo),
    Endpoint.DISCOVERY.value: (("GET",), discovery.discovery_document),
    Endpoint.JWKS.value: (("GET",), discovery.key_set),
    NONCE: (("GET",), token.dpop_nonce),
    **{route.path: (route.methods, route.endpoint) for route in (*authorize.ROUTES, *health.ROUTES)},
}

_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def is_direct(method: str, path: str) -> bool:
    """Whether the direct door is the one for this request."""
    return path in DIRECT and method in DIRECT[path][0]


class Direct:
    """WSGI application that answers what is in DIRECT, and gives all else to ``app``."""

    def __init__(self, app: WSGIApplication, errors: Errors) -> None:
        self._app = app
        self._errors = errors

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        methods, endpoint = DIRECT.get(environ["PATH_INFO"], ((), None))
        if endpoint is None or environ["REQUEST_METHOD"] not in methods:
            return self._app(environ, start_response)
        request = HttpRequest(environ)
        try:
            fault = request.fault or environ.get(BODY_FAULT)
            if fault is not None:
                raise fault
            response = endpoint(request)
        except BusyError:
            raise  # only in haste: the caller tries again, and waits
        except Exception as error:
            response = self._errors.answer(error, request)
        self._errors.tell_of_preflight(request, response.status, response.headers)
        # RFC 9110 section 8.6: an answer that never has a body tells no length of one.
        length = {} if response.status == 204 else {"Content-Length": str(len(response.body))}
        headers = {**response.headers, **length, **EVERY_ANSWER}
        listed = list(headers.items())
        if response.cookies:
            before = len(response.headers) + len(length)
            listed[before:before] = [("Set-Cookie", cookie) for cookie in response.cookies]
        start_response(_STATUS[response.status], listed)
        return [response.body]
