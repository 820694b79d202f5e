"""A client's web site on an origin of its own: it notes what browsers bring, and may send them on to another origin."""

import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PAGE = b"<!DOCTYPE html><html lang='en'><title>A client</title><h1 id='client'>A client</h1></html>"


@dataclass(frozen=True)
class Visit:
    """A request that came: the parameters of its query and of its form."""

    method: str
    path: str
    parameters: dict[str, str]


class Site:
    """Serves every path; ``/on`` redirects to ``on_to``, with the parameters that it got."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.on_to = ""
        self._visits: list[Visit] = []
        self._changed = threading.Condition()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site._serve(self)

            def do_POST(self) -> None:
                site._serve(self)

            def log_message(self, *_args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A browser that is closed does not wait for the rest of a page."""
                if not isinstance(sys.exception(), ConnectionError):
                    super().handle_error(request, client_address)

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="site")
        self._thread.start()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0)).decode()
        parameters = dict(parse_qsl(parts.query) + parse_qsl(body))
        with self._changed:
            self._visits.append(Visit(request.command, parts.path, parameters))
            self._changed.notify_all()
        if parts.path == "/on":
            request.send_response(302)
            request.send_header("Location", f"{self.on_to}?{parts.query}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(200)
        request.send_header("Content-Type", "text/html; charset=utf-8")
        request.send_header("Content-Length", str(len(PAGE)))
        request.end_headers()
        request.wfile.write(PAGE)

    def visit(self, path: str, **having: str) -> Visit:
        """The last visit to ``path`` with these parameters; waits for it."""

        def found() -> Visit | None:
            fits = [
                v for v in self._visits if v.path == path and all(v.parameters.get(n) == x for n, x in having.items())
            ]
            return fits[-1] if fits else None

        with self._changed:
            visit = self._changed.wait_for(found, 15)
        assert visit is not None, (path, having, self._visits)
        return visit

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
