"""Who logs in in this browser: a cookie that a test sets, the page that shows it, and the button that takes it back."""

from flask import Blueprint, Response

from mock_sts.helseid.ready import READY_PEOPLE
from mock_sts.services.login.automation import pid_of
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.web import browser, reading
from mock_sts.web.reading import current
from mock_sts.web.texts import Words

ROUTES = Blueprint("automation", __name__)

WORDS: Words = {
    "persona_set": (
        "Fra nå av er alle innlogginger i denne nettleseren som",
        "From now on all logins in this browser are as",
    ),
    "persona_none": (
        "Ingen person er valgt: Innlogginger i denne nettleseren viser sidene.",
        "No person is chosen: logins in this browser show the pages.",
    ),
    "persona_what": (
        "En informasjonskapsel sier hvem som logger inn uten side, hos alle klienter, også etter utlogging. "
        "/mock/as/<kortnavn> setter den.",
        "A cookie says who logs in without a page, at all clients, also after a logout. /mock/as/<short name> sets it.",
    ),
    "persona_take_back": ("Vis sidene igjen", "Show the pages again"),
    "try_in_demo": ("Prøv i demoen", "Try it in the demo"),
}


@ROUTES.get("/mock/as")
def who() -> Response:
    """Who logs in in this browser."""
    return _page(browser.persona_cookie())


@ROUTES.post("/mock/as")
def take_back() -> Response:
    """Take the cookie back."""
    if browser.is_forged(reading.form().one(browser.ANTIFORGERY_FIELD)):
        return _page(browser.persona_cookie(), 403)
    response = browser.redirect("/mock/as")
    browser.take_back_persona_cookie(response)
    return response


@ROUTES.get("/mock/as/<persona>")
def log_in_as(persona: str) -> Response:
    """Set the cookie."""
    reading.refuse_head()
    try:
        pid_of(current().environment, persona)
    except UnknownPersonError as error:
        return _page(None, 404, unknown=str(error))
    response = _page(persona, is_set=True)
    browser.set_persona_cookie(response, persona)
    return response


def _page(persona: str | None, status: int = 200, *, is_set: bool = False, unknown: str = "") -> Response:
    """``is_set`` says that this answer sets the cookie, and so no other."""
    field, cookie = browser.antiforgery_token()
    has_form = persona is not None and not is_set
    response = browser.page(
        "persona.html",
        section="people",
        words=WORDS,
        status=status,
        persona=persona,
        is_set=is_set,
        unknown=unknown,
        ready=READY_PEOPLE,
        antiforgery=field if has_form else "",
    )
    if has_form:
        browser.set_antiforgery_cookie(response, cookie)
    return response
