"""What the pages need of a browser: cookies, protection against forged posts, a strict content policy."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request

from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.web.headers import NO_STORE
from mock_sts.web.own_side import has_strange_host
from mock_sts.web.reading import cookie, current
from mock_sts.web.texts import NORWEGIAN, texts
from mock_sts.web.writing import Redirection

#: How pages look; and the same for HelseID's own, where our side of the server is closed to the host that asks.
STYLESHEET, STYLESHEET_OF_LOGIN = "/mock/style.css", "/Account/style.css"

ANTIFORGERY_FIELD = "__RequestVerificationToken"

#: Submits the only form of a page.
_SUBMIT = "document.forms[0].submit()"


def session_cookie() -> str | None:
    """The browser's session cookie."""
    return cookie(_cookie_name("session"))


def set_session_cookie(response: Response, value: str) -> None:
    """Give the browser the cookie of its session."""
    _set_cookie(response, "session", value)


def session_id_cookie() -> str:
    """The name of the cookie that shows scripts of ours the id of the browser's session, as the product's
    ``idsrv.session`` does.
    """
    return _cookie_name("sid")


def show_session_id(response: Response, sid: str) -> None:
    """Let scripts of ours read ``sid``, where they do not yet."""
    if cookie(session_id_cookie()) != sid:
        _set_cookie(response, "sid", sid, readable=True)


def hide_session_id(response: Response) -> None:
    """Take back what ``show_session_id`` has shown, for the session is over."""
    if cookie(session_id_cookie()) is not None:
        response.delete_cookie(session_id_cookie(), path=_root() or "/")


def antiforgery_token() -> tuple[str, str]:
    """The hidden field of a form, and the cookie that must come back with it."""
    value = cookie(_cookie_name("antiforgery")) or secrets.token_urlsafe(32)
    return current().environment.seal.close("antiforgery", {"cookie": value}), value


def persona_cookie() -> str | None:
    """Who shall log in in this browser, where the cookie says so."""
    return cookie(_cookie_name("persona"))


def set_persona_cookie(response: Response, value: str) -> None:
    """Let everybody who logs in in this browser be this persona."""
    _set_cookie(response, "persona", value)


def set_antiforgery_cookie(response: Response, value: str) -> None:
    """Give the browser the cookie that belongs to a form."""
    _set_cookie(response, "antiforgery", value)


def is_forged(field: str | None) -> bool:
    """Whether a post does not come from a form that this browser got from us."""
    opened = current().environment.seal.open("antiforgery", field or "")
    value = cookie(_cookie_name("antiforgery")) or ""
    return opened is None or not hmac.compare_digest(str(opened.get("cookie")).encode(), value.encode())


def page(
    template: str,
    *,
    language: str = NORWEGIAN,
    status: int = 200,
    ends_at_client: bool = False,
    frames_of: Iterable[str] = (),
    **values: object,
) -> Response:
    """A page of ours. ``ends_at_client`` says that a form in it leads into a client. ``frames_of`` are sources of its
    frames.

    Chromium checks form-action for every redirect after a post, the client's own ones too. Where those go is unknown
    (to the front of a backend, to an application's own scheme), so pages that lead into a client name no targets.
    """
    styles = rooted(STYLESHEET_OF_LOGIN if has_strange_host() else STYLESHEET)
    html = render_template(template, language=language, t=texts(language), root=_root(), styles=styles, **values)
    response = make_response(html, status)
    framed = f"frame-src {' '.join(frames_of)}; " if frames_of else ""
    targets = "" if ends_at_client else "form-action 'self'; "
    _protect(response, f"{targets}{framed}frame-ancestors 'none'; ")
    return response


def frames(urls: list[str]) -> Response:
    """A page that loads ``urls`` in frames, and stands in one itself."""
    response = make_response(render_template("frames.html", urls=urls))
    sources = [_source(url) for url in urls]
    # A policy cannot name every source (IPv6 literals, hosts outside ASCII); then it names all, rather than leave a
    # client untold.
    allowed = (" ".join(sources) if all(sources) else "*") if urls else "'none'"
    _protect(response, f"form-action 'none'; frame-src {allowed}; frame-ancestors 'self'; ")
    return response


def framed_by_all(html: str, script: str) -> Response:
    """A page for frames of clients, of any origin, that runs its ``script`` and does nothing else."""
    response = make_response(html)
    _protect(response, "form-action 'none'; ", script)
    return response


def rooted(path: str) -> str:
    """``path`` of ours as the browser has to ask for it: below the prefix of a proxy or of the public URL."""
    return f"{_root()}{path}"


def return_url(name: str) -> str:
    """The return URL in the parameter ``name`` of this request, without the prefix that it got from ``rooted``."""
    url, prefix = request.args.get(name, ""), _root()
    return url[len(prefix) :] if url.lower().startswith(prefix.lower()) else url


def redirect(location: str, status: int = 303) -> Response:
    """A redirect that must not be cached, to a path of ours or an address elsewhere."""
    return Redirection(rooted(location) if location.startswith("/") else location, status)


def answer(response: AuthorizationResponse) -> Response:
    """An authorization response on its way to the client: a redirect, or a form that posts itself."""
    if response.mode == "form_post":
        return form_post(response.redirect_uri, response.parameters)
    return redirect(response.location)


def form_post(action: str, parameters: Iterable[tuple[str, str]]) -> Response:
    """A page whose form posts ``parameters`` to ``action`` by itself, or by a button without script."""
    target = rooted(action) if action.startswith("/") else action
    html = render_template("form_post.html", action=target, parameters=list(parameters), script=_SUBMIT)
    response = make_response(html)
    # It may stand in a frame: clients renew logins in hidden ones, with prompt=none. No targets: see ``page``.
    _protect(response, "")
    return response


def _protect(response: Response, more: str, script: str = _SUBMIT) -> None:
    """``script`` is the only one that may run: its hash stands in the content policy."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; script-src 'sha256-{digest}'; {more}base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.update(NO_STORE)


def _root() -> str:
    return current().root


def _source(url: str) -> str:
    """``url`` as a source of a content policy: its origin, or its scheme for an application's own one."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        can_be_named = parts.netloc.isascii() and not set(parts.netloc) & set("; ,'\"[")
        return f"{parts.scheme}://{parts.netloc}" if can_be_named else ""
    return f"{parts.scheme}:" if parts.scheme else ""


def _set_cookie(response: Response, purpose: str, value: str, *, readable: bool = False) -> None:
    """``readable`` says that scripts may see it."""
    # The address that was asked, not the issuer: behind an alias in http a secure cookie would never come back.
    secure = request.is_secure or current().urls.back_channel.base.startswith("https:")
    response.set_cookie(
        _cookie_name(purpose),
        value,
        httponly=not readable,
        secure=secure,
        samesite="None" if secure else "Lax",
        path=_root() or "/",
    )


def _cookie_name(purpose: str) -> str:
    """Ports share cookies, so the name tells server and environment."""
    environment = current().environment
    return f"mock-sts-{purpose}-{environment.instance}-{environment.name}"
