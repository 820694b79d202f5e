"""Bodies have a longest length, whichever server calls the application.

Our own server reads them before it calls (``server.bridge``) and says what is wrong with one; for a server of others
this middleware does the same.
"""

import io
from collections.abc import Callable, Iterable
from typing import Any

from mock_sts.web.http import BODY_FAULT, HttpError

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def too_long(most: int) -> HttpError:
    """The answer to a body of more than ``most`` bytes."""
    return HttpError(413, "Request Entity Too Large", f"the body is longer than {most} bytes")


def too_short(came: int, of: str) -> HttpError:
    """The answer to a body that ended after ``came`` bytes. RFC 9112 section 8: half a request is no request."""
    return HttpError(400, "Bad Request", f"the body ended after {came} bytes{of}")


class Intake:
    """WSGI middleware: reads the body, at most ``max_body`` bytes."""

    def __init__(self, app: WsgiApp, *, max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request."""
        if BODY_FAULT not in environ:
            body = self._body(environ)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self._app(environ, start_response)

    def _body(self, environ: dict[str, Any]) -> bytes:
        """The whole body; empty where there is none, and where BODY_FAULT says what is the matter with it."""
        declared = environ.get("CONTENT_LENGTH") or ""
        if not declared and "HTTP_TRANSFER_ENCODING" not in environ:
            return b""
        wanted = self._max_body + 1
        if declared.isdigit():
            wanted = min(int(declared), wanted)
        body: bytes = environ["wsgi.input"].read(wanted)
        if len(body) > self._max_body:
            environ[BODY_FAULT] = too_long(self._max_body)
            return b""
        if declared and len(body) < wanted:
            environ[BODY_FAULT] = too_short(len(body), f" of {declared}")
            return b""
        return body
