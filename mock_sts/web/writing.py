"""From values to what the framework answers with."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.datastructures import Headers

from mock_sts.web import http
from mock_sts.web.http import PUBLIC, HttpRequest, HttpResponse, Route

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


def add_routes(app: Flask, routes: Iterable[Route]) -> None:
    """Have the framework answer at ``routes``; of public ones it answers preflights too."""
    public = set()

    for route in routes:
        name = f"{route.endpoint.__module__.rpartition('.')[2]}.{route.endpoint.__name__}"
        app.add_url_rule(
            route.path,
            endpoint=name,
            view_func=_view(route),
            methods=list(route.methods),
            provide_automatic_options=None if route.is_public or route.answers_options else False,
        )
        if route.is_public:
            public.add(name)

    @app.after_request
    def answer_preflights(response: Response) -> Response:
        """A page that adds a header of its own is asked about first."""
        if request.method == "OPTIONS" and request.endpoint in public:
            response.headers.update({**PUBLIC, "Access-Control-Allow-Headers": "*"})
        return response


def _view(route: Route) -> Callable[..., Response]:
    return lambda **_parts: written(route.endpoint(HttpRequest(request.environ)))


def written(response: HttpResponse) -> Response:
    """``response`` as the framework writes it, byte for byte; without a body it has no type of one."""
    made = _Exact(response.body, response.status, response.headers)
    if "Content-Type" not in response.headers:
        del made.headers["Content-Type"]
    for cookie in response.cookies:
        made.headers.add("Set-Cookie", cookie)
    return made


def json_response(body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that must not be stored, for views of the framework's alone."""
    return written(http.json_response(body, status, headers))


class _Exact(Response):
    """A response whose Location leaves byte for byte.

    The framework would write it anew: the scheme in lower case, other characters as escapes. Clients compare the
    address that they come back to with what they have registered.
    """

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """The headers as they leave."""
        headers = super().get_wsgi_headers(environ)
        if "Location" in self.headers:
            headers["Location"] = self.headers["Location"]
        return headers
