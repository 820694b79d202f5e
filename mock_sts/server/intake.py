"""Bodies have a longest length, whichever server calls the application.

Our own server reads them before it calls (``server.bridge``) and says what is wrong with one; for a server of others
this middleware does the same.
"""

import io
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Where the environment of a request says what is wrong with its body: the HTTPException that is the answer. The body
#: itself is dropped, so that no part of it is taken for the whole.
BODY_FAULT = "mock_sts.body_fault"


def too_long(most: int) -> HTTPException:
    """The answer to a body of more than ``most`` bytes."""
    return RequestEntityTooLarge(f"the body is longer than {most} bytes")


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
            # RFC 9112 section 8: half a request must not be taken for a whole one.
            environ[BODY_FAULT] = BadRequest(f"the body ended after {len(body)} bytes of {declared}")
            return b""
        return body
