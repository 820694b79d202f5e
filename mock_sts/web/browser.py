"""What the pages need of a browser: cookies, protection against forged posts, a strict content policy."""

import hmac
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Response, current_app, make_response, render_template

from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.web import redirects
from mock_sts.web.cookies import cookie_name, set_cookie, take_back_cookie
from mock_sts.web.frame import frame_of
from mock_sts.web.language import asked_language, keep_chosen_language
from mock_sts.web.reading import asked, cookie, current
from mock_sts.web.texts import ENGLISH, NO_WORDS, NORWEGIAN, Words, texts
from mock_sts.web.writing import written

ANTIFORGERY_FIELD = "__RequestVerificationToken"


def session_cookie() -> str | None:
    """The browser's session cookie."""
    return cookie(cookie_name("session"))


def set_session_cookie(response: Response, value: str) -> None:
    """Give the browser the cookie of its session."""
    set_cookie(response, "session", value)


def session_id_cookie() -> str:
    """The name of the cookie that shows scripts of ours the id of the browser's session, as the product's
    ``idsrv.session`` does.
    """
    return cookie_name("sid")


def show_session_id(response: Response, sid: str) -> None:
    """Let scripts of ours read ``sid``, where they do not yet."""
    if cookie(session_id_cookie()) != sid:
        set_cookie(response, "sid", sid, readable=True)


def hide_session_id(response: Response) -> None:
    """Take back what ``show_session_id`` has shown, for the session is over."""
    if cookie(session_id_cookie()) is not None:
        take_back_cookie(response, "sid")


def antiforgery_token() -> tuple[str, str]:
    """The hidden field of a form, and the cookie that must come back with it."""
    value = cookie(cookie_name("antiforgery")) or secrets.token_urlsafe(32)
    return current().environment.seal.close("antiforgery", {"cookie": value}), value


def persona_cookie() -> str | None:
    """Who shall log in in this browser, where the cookie says so."""
    return cookie(cookie_name("persona"))


def set_persona_cookie(response: Response, value: str) -> None:
    """Let everybody who logs in in this browser be this persona."""
    set_cookie(response, "persona", value)


def take_back_persona_cookie(response: Response) -> None:
    """Let people choose again who logs in in this browser."""
    take_back_cookie(response, "persona")


def set_antiforgery_cookie(response: Response, value: str) -> None:
    """Give the browser the cookie that belongs to a form."""
    set_cookie(response, "antiforgery", value)


def is_forged(field: str | None) -> bool:
    """Whether a post does not come from a form that this browser got from us."""
    opened = current().environment.seal.open("antiforgery", field or "")
    value = cookie(cookie_name("antiforgery")) or ""
    return opened is None or not hmac.compare_digest(str(opened.get("cookie")).encode(), value.encode())


def page(
    template: str,
    *,
    language: str | None = None,
    section: str = "",
    words: Words = NO_WORDS,
    carried: Iterable[str] = (),
    status: int = 200,
    ends_at_client: bool = False,
    frames_of: Iterable[str] = (),
    **values: object,
) -> Response:
    """A page in the frame: of HelseID's, or of ours where it has a ``section``, that of the navigation where it lies.

    ``language`` is that of the page, else the one that the visitor asks for. ``words`` are its own texts, beside those
    that pages share. ``carried`` are the parameters of its address that it needs in another language too, ``values``
    further values of the template. ``ends_at_client`` says that a form in it leads into a client. ``frames_of`` are
    sources of its frames.

    Chromium checks form-action for every redirect after a post, the client's own ones too. Where those go is unknown
    (to the front of a backend, to an application's own scheme), so pages that lead into a client name no targets.
    """
    language = language or asked_language(default=ENGLISH if section else NORWEGIAN)
    shared = {"language": language, "t": texts(language, words), "root": _root()}
    parts = current_app.jinja_env.get_template("parts.html").make_module(shared)
    html = render_template(template, **shared, parts=parts, frame=frame_of(section, language, carried), **values)
    response = make_response(html, status)
    keep_chosen_language(response)
    framed = f"frame-src {' '.join(frames_of)}; " if frames_of else ""
    targets = "" if ends_at_client else "form-action 'self'; "
    # A script of ours runs on pages of ours alone; those of HelseID's have none.
    _protect(response, f"{targets}{framed}frame-ancestors 'none'; ", "'self'" if section else "'none'")
    return response


def frames(urls: list[str]) -> Response:
    """A page that loads ``urls`` in frames, and stands in one itself."""
    response = make_response(render_template("frames.html", urls=urls))
    sources = [_source(url) for url in urls]
    # A policy cannot name every source (IPv6 literals, hosts outside ASCII); then it names all, rather than leave a
    # client untold.
    allowed = (" ".join(sources) if all(sources) else "*") if urls else "'none'"
    _protect(response, f"form-action 'none'; frame-src {allowed}; frame-ancestors 'self'; ", "'none'")
    return response


def framed_by_all(html: str, script: str) -> Response:
    """A page for frames of clients, of any origin, that runs its ``script`` and does nothing else."""
    response = make_response(html)
    _protect(response, "form-action 'none'; ", redirects.only(script))
    return response


def rooted(path: str) -> str:
    """``path`` of ours as the browser has to ask for it: below the prefix of a proxy or of the public URL."""
    return redirects.rooted(asked(), path)


def return_url(name: str) -> str:
    """The return URL in the parameter ``name`` of this request, without the prefix that it got from ``rooted``."""
    return redirects.return_url(asked(), name)


def redirect(location: str, status: int = 303) -> Response:
    """A redirect that must not be cached, to a path of ours or an address elsewhere."""
    return written(redirects.redirection(asked(), location, status))


def answer(response: AuthorizationResponse) -> Response:
    """An authorization response on its way to the client: a redirect, or a form that posts itself."""
    return written(redirects.authorization_answer(asked(), response))


def form_post(action: str, parameters: Iterable[tuple[str, str]]) -> Response:
    """A page whose form posts ``parameters`` to ``action`` by itself, or by a button without script."""
    return written(redirects.form_post(asked(), action, parameters))


def _protect(response: Response, more: str, scripts: str) -> None:
    """``scripts`` are those that may run, as the content policy names them."""
    response.headers.update(redirects.protection(more, scripts))


def _root() -> str:
    return current().root


def _source(url: str) -> str:
    """``url`` as a source of a content policy: its origin, or its scheme for an application's own one."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        can_be_named = parts.netloc.isascii() and not set(parts.netloc) & set("; ,'\"[")
        return f"{parts.scheme}://{parts.netloc}" if can_be_named else ""
    return f"{parts.scheme}:" if parts.scheme else ""
