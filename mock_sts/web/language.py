"""In which language a page is: what the visitor chose, what the request asks for, what the browser prefers."""

from collections.abc import Iterable

from flask import Response, request

from mock_sts.helseid.terms import ENGLISH, NORWEGIAN, language_in
from mock_sts.web.cookies import cookie_name, set_cookie
from mock_sts.web.reading import cookie
from mock_sts.web.texts import language_of

#: The parameter of the switch on each page. Links of a login carry it on, for a choice goes before what a client asks.
PARAMETER = "language"

_PURPOSE = "language"

#: How much of a header is read, in characters.
_LONGEST = 1_000


def chosen_language() -> str:
    """The language that the visitor has just chosen by the switch, an empty string for none."""
    chosen = request.args.get(PARAMETER, "")
    return chosen if chosen in (NORWEGIAN, ENGLISH) else ""


def asked_language(ui_locales: Iterable[str] = (), default: str = NORWEGIAN) -> str:
    """The language of the page that this request asks for.

    The first that says one counts: the switch, ``ui_locales`` (of the login's request, or of this one's address), the
    choice that a cookie keeps, ``Accept-Language``. ``default`` is for browsers that say nothing.
    """
    asked = [*ui_locales, *request.args.get("ui_locales", "")[:_LONGEST].split()]
    kept = cookie(cookie_name(_PURPOSE)) or ""
    return chosen_language() or language_of([*asked, kept, *_accepted()], default)


def keep_chosen_language(response: Response) -> None:
    """Let the browser keep what the visitor has just chosen."""
    chosen = chosen_language()
    if chosen:
        set_cookie(response, _PURPOSE, chosen)


def _accepted() -> list[str]:
    """The languages of ``Accept-Language`` that the pages have, the most wanted first (RFC 9110 section 12.5.4)."""
    found: list[tuple[float, str]] = []
    for part in request.headers.get("Accept-Language", "")[:_LONGEST].split(","):
        locale, _, weight = part.strip().partition(";")
        try:
            wanted = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if wanted > 0 and language_in(locale.strip()):
            found.append((-wanted, locale.strip()))
    return [locale for _, locale in sorted(found, key=lambda pair: pair[0])]
