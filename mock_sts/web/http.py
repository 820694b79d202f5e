"""One request and one response as values: what endpoints take and give, whichever door a request came in by.

Without the framework: the server reaches the endpoints that most requests are for without it (``web.direct``).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment

from mock_sts.helseid.profile.form import CONTENT_TYPE
from mock_sts.protocol.dpop import split_proofs
from mock_sts.protocol.json_text import write_json
from mock_sts.protocol.params import Params
from mock_sts.services.back_channel.form import BackChannelCall
from mock_sts.services.environment import Reached
from mock_sts.services.server import Server
from mock_sts.services.tokens.access_token import Presented
from mock_sts.values import value_type
from mock_sts.web.headers import JSON_TYPE, NO_STORE
from mock_sts.web.paths import HEALTH

#: Where the WSGI environment of a request says which server answers it, what of that it has reached, or the exception
#: that is the answer.
SERVER, REACHED, FAULT = "mock_sts.server", "mock_sts.reached", "mock_sts.fault"

#: Where it says what is wrong with the body: the HttpError that is the answer. The body itself is dropped, so that no
#: part of it is taken for the whole.
BODY_FAULT = "mock_sts.body_fault"

#: Where the environment of a request keeps the Host header as it came.
CAME_WITH = "mock_sts.host"

#: FAPI 2.0 Implementation Advice: an API repeats it, so that the logs of both sides can be put together.
INTERACTION_ID = "x-fapi-interaction-id"

_INTERACTION = re.compile(r"[!-~]{1,128}")


def keep_host(environ: WSGIEnvironment) -> None:
    """Keep the Host header as it came, before proxies are believed: by that a browser was led here. A page can write
    what a proxy would, but not that. A step of ``server.front``.
    """
    environ[CAME_WITH] = environ.get("HTTP_HOST", "")


class HttpRequest:
    """A request that has come whole, over the WSGI environment (PEP 3333) that describes it."""

    __slots__ = ("environ", "method")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]

    @property
    def path(self) -> str:
        """The path, below what stands before ours."""
        path: str = self.environ["PATH_INFO"]
        return path if path.isascii() else path.encode("latin-1").decode(errors="replace")

    @property
    def whole_path(self) -> str:
        """The path with what stands before ours."""
        return str(self.environ.get("SCRIPT_NAME", "")) + self.path

    @property
    def server(self) -> Server:
        """The process that answers."""
        server: Server = self.environ[SERVER]
        return server

    @property
    def fault(self) -> Exception | None:
        """Why this request gets no answer of its endpoint: whom or what it is for is unknown, or unusable."""
        fault: Exception | None = self.environ.get(FAULT)
        # Containers and balancers ask for health by any name, but not for that of an environment that is none.
        if fault is None or isinstance(fault, HttpError) or not self.path.startswith(HEALTH):
            return fault
        return None

    @property
    def reached(self) -> Reached:
        """What this request has reached."""
        reached: Reached = self.environ[REACHED]
        return reached

    def header(self, name: str) -> str | None:
        """The header called ``name``, as WSGI has it; the values of several are joined by commas."""
        value: str | None = self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return value

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters such as a charset."""
        return (self.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()

    def body(self) -> bytes:
        """The whole body; it may be asked for again."""
        stream = self.environ["wsgi.input"]
        stream.seek(0)  # a guard and the endpoint behind it both see all of it
        body: bytes = stream.read()
        stream.seek(0)
        return body

    def form(self) -> Params:
        """The form in the body; parameters in the URL do not count. No form, no parameters."""
        if self.method != "POST" or self.media_type != CONTENT_TYPE:
            return Params()
        return Params.from_form(self.body())

    def query(self) -> dict[str, str]:
        """The parameters of the URL by their names in small letters; of several with one name the last."""
        pairs = parse_qsl(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)
        return {name.lower(): value for name, value in pairs}

    def names_in_url(self) -> tuple[str, ...]:
        """The names of the parameters of the URL."""
        return tuple(self.query()) if self.environ.get("QUERY_STRING") else ()

    def proofs(self) -> tuple[str, ...]:
        """The proofs in the DPoP header or headers."""
        header = self.environ.get("HTTP_DPOP")
        return tuple(split_proofs(header)) if header else ()

    def presented_token(self) -> Presented:
        """The access token of the Authorization header, or of the form as RFC 6750 section 2.2 allows."""
        scheme, _, token = self.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() in ("bearer", "dpop"):
            named = "DPoP" if scheme.lower() == "dpop" else "Bearer"
            return Presented(token.strip() or None, named, True, self.proofs(), self.method)
        in_form = self.form().one("access_token")
        return Presented(in_form, "Bearer", in_form is None, self.proofs(), self.method)

    def interaction_id(self) -> str | None:
        """What a client calls this call, if it is fit to be repeated."""
        text = self.header(INTERACTION_ID) or ""
        return text if _INTERACTION.fullmatch(text) else None

    def preflight_of(self) -> str | None:
        """The origin of the page for which a browser asks whether it may send a request (CORS), else None."""
        if self.method != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in self.environ:
            return None
        origin: str | None = self.environ.get("HTTP_ORIGIN")
        return origin

    def back_channel_call(self) -> BackChannelCall:
        """The request as services of the back channel take it."""
        environ = self.environ
        return BackChannelCall(
            method=self.method,
            media_type=self.media_type,
            params=self.form(),
            proofs=self.proofs(),
            authorization=environ.get("HTTP_AUTHORIZATION"),
            origin=environ.get("HTTP_ORIGIN"),
            preflight_of=self.preflight_of(),
            in_url=self.names_in_url(),
        )


@value_type
class HttpResponse:
    """A response: its headers in the order and in the letters in which they leave; their values are latin-1.

    ``cookies`` are headers too, each of them Set-Cookie.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()

    def with_headers(self, more: Mapping[str, str]) -> "HttpResponse":
        """The same response with more headers, or with others of these names."""
        return HttpResponse(self.status, self.body, {**self.headers, **more}, self.cookies)

    def with_cookies(self, *cookies: str) -> "HttpResponse":
        """The same response with more cookies."""
        return HttpResponse(self.status, self.body, self.headers, (*self.cookies, *cookies))


def json_response(
    body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """A JSON answer of the back channel that must not be stored."""
    return ready_json(write_json(body), status, {**NO_STORE, **headers} if headers else NO_STORE)


def ready_json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """JSON that is bytes already."""
    return HttpResponse(status, body, {"Content-Type": JSON_TYPE, **(headers or {})})


class HttpError(Exception):
    """A request that ends with a status of HTTP, before any protocol above it has its say.

    ``title`` is the status in words, ``headers`` are those that belong to its meaning. For the control API, ``type`` is
    the type of the problem (RFC 9457), and ``more`` its members beside those that every problem has.
    """

    type = "about:blank"
    more: Mapping[str, str] = {}

    def __init__(self, status: int, title: str, why: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why or title)
        self.status = status
        self.title = title
        self.why = why
        self.headers = dict(headers or {})


#: For endpoints that answer a wrong method by themselves.
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

#: What lets programs in browsers read an answer (CORS).
PUBLIC = {"Access-Control-Allow-Origin": "*"}


@value_type
class Route:
    """Where an endpoint is, and by which methods. The framework ``answers_options``; where the endpoint ``is_public``,
    so that programs in pages may ask (CORS).
    """

    path: str
    methods: tuple[str, ...]
    endpoint: Callable[[HttpRequest], HttpResponse]
    is_public: bool = False
    answers_options: bool = False


def refuse_head(request: HttpRequest) -> None:
    """Refuse HEAD, which the framework adds to GET: a look must neither answer a request nor use anything up."""
    if request.method == "HEAD":
        raise HttpError(405, "Method Not Allowed", headers={"Allow": "GET, POST"})
