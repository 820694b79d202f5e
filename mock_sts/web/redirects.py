"""Answers that lead a browser on, and the cookies that go along, without the framework: most logins see no page."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from mock_sts.late import late
from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.web.headers import NO_STORE
from mock_sts.web.http import HttpRequest, HttpResponse

_HTML = "text/html; charset=utf-8"

#: Submits the only form of a page.
SUBMIT = "document.forms[0].submit()"

_FORM_POST = Path(__file__).with_name("templates") / "form_post.html"

#: The value of a cookie that means itself, whatever is written around it.
_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")

#: What of a path is written into a cookie as it is.
_SAFE = "%!$&'()*+,/:=@"


def cookie_name(request: HttpRequest, purpose: str) -> str:
    """Ports share cookies, so the name tells server and environment."""
    environment = request.reached.environment
    return f"mock-sts-{purpose}-{environment.instance}-{environment.name}"


def cookie_of(request: HttpRequest, name: str) -> str | None:
    """The value of the cookie called ``name``, the first one where there are several.

    Browsers send the cookies of every application on a host, in whatever bytes those were set. So only the cookie that
    is asked for is read: the framework reads all of them, and fails or loses more than the odd one.
    """
    for piece in request.environ.get("HTTP_COOKIE", "").split(";"):
        named, _, value = piece.strip().partition("=")
        if named.strip() == name:
            if _PLAIN.fullmatch(value):
                return str(value)
            with suppress(UnicodeError):
                read: str | None = _parser()(piece.strip()).get(name)
                return read
    return None


def cookie_line(request: HttpRequest, purpose: str, value: str, *, readable: bool = False) -> str:
    """The Set-Cookie header that gives the browser a cookie for ``purpose``; ``readable`` says that scripts may see it.

    ``value`` is one that means itself.
    """
    # The address that was asked, not the issuer: behind an alias in http a secure cookie would never come back.
    reached = request.reached
    secure = request.environ["wsgi.url_scheme"] == "https" or reached.urls.back_channel.base.startswith("https:")
    parts = [
        f"{cookie_name(request, purpose)}={value}",
        *(["Secure"] if secure else []),
        *([] if readable else ["HttpOnly"]),
        f"Path={quote(reached.root or '/', safe=_SAFE)}",
        f"SameSite={'None' if secure else 'Lax'}",
    ]
    return "; ".join(parts)


def rooted(request: HttpRequest, path: str) -> str:
    """``path`` of ours as the browser has to ask for it: below the prefix of a proxy or of the public URL."""
    return f"{request.reached.root}{path}"


def return_url(request: HttpRequest, name: str) -> str:
    """The return URL in the parameter ``name`` of this request, without the prefix that it got from ``rooted``."""
    pairs = parse_qsl(request.environ.get("QUERY_STRING", ""), keep_blank_values=True)
    url, prefix = next((value for named, value in pairs if named == name), ""), request.reached.root
    return url[len(prefix) :] if url.lower().startswith(prefix.lower()) else url


def redirection(request: HttpRequest, location: str, status: int = 303) -> HttpResponse:
    """A redirect that must not be cached, to a path of ours or an address elsewhere, byte for byte: clients compare the
    address that they come back to with what they have registered.
    """
    target = rooted(request, location) if location.startswith("/") else location
    # Headers are latin-1 to WSGI; letters outside ASCII leave as UTF-8, which is how browsers read them.
    encoded = target.encode("utf-8").decode("latin-1")
    return HttpResponse(status, b"", {**NO_STORE, "Content-Type": _HTML, "Location": encoded})


def authorization_answer(request: HttpRequest, response: AuthorizationResponse) -> HttpResponse:
    """An authorization response on its way to the client: a redirect, or a form that posts itself."""
    if request.reached.faults is not None:
        response = request.reached.faults.authorization_response(response)
    if response.mode == "form_post":
        return form_post(request, response.redirect_uri, response.parameters)
    return redirection(request, response.location)


def form_post(request: HttpRequest, action: str, parameters: Iterable[tuple[str, str]]) -> HttpResponse:
    """A page whose form posts ``parameters`` to ``action`` by itself, or by a button without script."""
    target = rooted(request, action) if action.startswith("/") else action
    html = _form()(action=target, parameters=list(parameters), script=SUBMIT)
    # It may stand in a frame: clients renew logins in hidden ones, with prompt=none. No targets: see ``browser.page``.
    headers = protection("", only(SUBMIT))
    return HttpResponse(200, html.encode(), {"Content-Type": _HTML, **headers})


def only(script: str) -> str:
    """``script``, which stands in the page, as the only one that may run: by its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def protection(more: str, scripts: str) -> dict[str, str]:
    """The headers of a page. ``scripts`` are those that may run, as the content policy names them."""
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'self'; img-src 'self'; script-src {scripts}; "
        f"{more}base-uri 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        **NO_STORE,
    }


@late
def _parser() -> Callable[[str], Any]:
    from werkzeug.http import parse_cookie  # noqa: PLC0415  only odd cookies need it

    return parse_cookie


@late
def _form() -> Callable[..., str]:
    from jinja2 import Environment  # noqa: PLC0415  only who asks for form_post needs it

    return Environment(autoescape=True).from_string(_FORM_POST.read_text(encoding="utf-8")).render
