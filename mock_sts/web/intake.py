"""The intake: requests are read completely before anybody works on them.

Bodies come as fast as clients send them. If the few threads that work waited for them, two slow clients would stop the
server. So the server's threads only read, and hand what they have read to a few workers, who never wait for a client.

Pages that call the server themselves (the demo) would wait for a worker while they hold one, and all workers for each
other. They run in the thread that has read them instead, a few at a time, so that threads are left for their calls.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Where the environment of a request says what is wrong with its body: the HTTPException that is the answer. The body
#: itself is dropped, so that nobody works on a part of it.
BODY_FAULT = "mock_sts.body_fault"

#: Bytes of a body over the limit that are read only to be thrown away, and how many at a time.
_MAX_DISCARDED, _PIECE = 16 * 1024 * 1024, 64 * 1024


class Intake:
    """WSGI middleware: reads the body, at most ``max_body`` bytes, then has one of ``workers`` threads call ``app``.

    ``callers`` are paths whose requests call the server themselves, each with how many may be at work at once;
    ``own_path`` tells which path of ours a path is, below a base path.
    """

    def __init__(
        self,
        app: WsgiApp,
        *,
        workers: int,
        max_body: int,
        callers: Mapping[str, int],
        own_path: Callable[[str], str] = str,
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._own_path = own_path
        self._callers = {path: BoundedSemaphore(places) for path, places in callers.items()}
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="worker")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request."""
        body = self._body(environ)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        path = self._own_path(environ.get("PATH_INFO", ""))
        places = next((p for at, p in self._callers.items() if path == at or path.startswith(f"{at}/")), None)
        if places is None:
            return self._workers.submit(self._app, environ, start_response).result()
        return self._call_here(places, environ, start_response)

    def close(self) -> None:
        """End the workers; nobody calls any more."""
        self._workers.shutdown()

    def _call_here(
        self, places: BoundedSemaphore, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if not places.acquire(blocking=False):  # to wait would hold the thread that the others' calls may need
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "1")])
            return [b"Too many at once; try again."]
        try:
            return self._app(environ, start_response)
        finally:
            places.release()

    def _body(self, environ: dict[str, Any]) -> bytes:
        """The whole body; empty where there is none, and where BODY_FAULT says what is the matter with it.

        A body without a length, in chunks, that ends too early cannot be told from a whole one: granian says of both
        only that there is no more to read.
        """
        declared = environ.get("CONTENT_LENGTH") or ""
        if not declared and "HTTP_TRANSFER_ENCODING" not in environ:
            return b""
        wanted = self._max_body + 1
        if declared.isdigit():
            wanted = min(int(declared), wanted)
        stream = environ["wsgi.input"]
        body: bytes = stream.read(wanted)
        if len(body) > self._max_body:
            environ[BODY_FAULT] = RequestEntityTooLarge(f"the body is longer than {self._max_body} bytes")
            _discard(stream)
            return b""
        if declared and len(body) < wanted:
            # RFC 9112 section 8: half a request must not be taken for a whole one.
            environ[BODY_FAULT] = BadRequest(f"the body ended after {len(body)} bytes of {declared}")
            return b""
        return body


def _discard(stream: Any) -> None:
    """Read what is left, within reason: a client that is still sending would find the connection closed, not the
    answer that says why.
    """
    for _ in range(_MAX_DISCARDED // _PIECE):
        if not stream.read(_PIECE):
            break
