"""Who may see pages that show the journal or keys, or that change something for others than their visitor.

Where MOCK_STS_ADMIN_TOKEN is set such a page asks for it once, by a form; a cookie of this server answers from then on.
"""

import hmac
from urllib.parse import quote

from flask import Blueprint, Response, request

from mock_sts.web import browser, reading
from mock_sts.web.cookies import set_cookie, shared_cookie_name
from mock_sts.web.reading import cookie, the_server
from mock_sts.web.texts import Words

FORM = "/mock/admission"

_PURPOSE = "admission"

ROUTES = Blueprint("admission", __name__)

WORDS: Words = {
    "admission": ("Bare med administrasjonsnøkkel", "Only with the administration token"),
    "admission_why": (
        "Siden viser eller endrer det som ikke er for alle. Denne serveren har satt MOCK_STS_ADMIN_TOKEN, og vil ha "
        "den én gang i denne nettleseren.",
        "The page shows or changes what is not for all. This server has set MOCK_STS_ADMIN_TOKEN, and wants it once in "
        "this browser.",
    ),
    "admin_token": ("Verdien av MOCK_STS_ADMIN_TOKEN", "The value of MOCK_STS_ADMIN_TOKEN"),
    "wrong_token": ("Det er ikke administrasjonsnøkkelen.", "That is not the administration token."),
    "open_page": ("Åpne siden", "Open the page"),
}


def guard(routes: Blueprint) -> None:
    """Have all pages of ``routes`` ask for the token, where there is one."""
    routes.before_request(_ask)


def is_admitted() -> bool:
    """Whether this request may see all: there is no token, or it brings the token, or the cookie of one who did."""
    token = the_server().hosting.admin_token
    if not token:
        return True
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and _is_same(given.strip(), token):
        return True
    return has_cookie()


def has_cookie() -> bool:
    """Whether this request comes from a browser that has been admitted."""
    token = the_server().hosting.admin_token
    return bool(token) and the_server().seal.open(_sealed_for(token), cookie(_cookie()) or "") is not None


@ROUTES.get(FORM)
def form() -> Response:
    """Where the token is asked for."""
    return _form()


@ROUTES.post(FORM)
def admit() -> Response:
    """Let the browser in that brings the token."""
    fields = reading.form()
    if browser.is_forged(fields.one(browser.ANTIFORGERY_FIELD)):
        return _form("forged", 403)
    token = the_server().hosting.admin_token
    if not _is_same(fields.one("token") or "", token):
        return _form("wrong_token", 403)
    response = browser.redirect(_next())
    # One for all environments of the server, for they have one token.
    set_cookie(response, _cookie(), the_server().seal.close(_sealed_for(token), {}), whole_server=True)
    return response


def _ask() -> Response | None:
    if is_admitted():
        return None
    if request.method != "GET":
        return _form(status=401)
    query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
    return browser.redirect(f"{FORM}?next={quote(request.path + query)}")


def _form(message: str = "", status: int = 200) -> Response:
    field, value = browser.antiforgery_token()
    response = browser.page(
        "admission.html",
        section="admission",
        words=WORDS,
        carried=["next"],
        status=status,
        next=_next(),
        message=message,
        antiforgery=field,
    )
    browser.set_antiforgery_cookie(response, value)
    return response


def _next() -> str:
    """The page of ours that was asked for."""
    asked = request.args.get("next", "")
    return asked if asked.startswith("/mock/") and "\\" not in asked and asked.isprintable() else "/"


def _cookie() -> str:
    return shared_cookie_name(_PURPOSE)


def _sealed_for(token: str) -> str:
    """The purpose of the cookie: one that was sealed for another token opens nothing."""
    return f"{_PURPOSE} {token}"


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())
