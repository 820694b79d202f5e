"""The identity providers' pages: the TestIDP in the fields that test drivers already know, and the others like it.

A page needs one GET and one POST, no script, and nothing from elsewhere. The names of its fields, its labels, ids and
``data-testid`` are an API for test drivers.
"""

from collections.abc import Iterable
from urllib.parse import quote, urlencode, urlsplit

from flask import Blueprint, Response, request

from mock_sts.helseid.claims import HPR_DETAILS, full_name
from mock_sts.helseid.eids import Provider
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.testidp import (
    DEFAULT_LEVEL,
    HPR_NUMBER,
    LEVELS,
    PID,
    SECURITY_LEVEL,
    LoginIntent,
    LoginIntentError,
    read_login_intent,
)
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.params import Params
from mock_sts.services.login.automation import Outcome, read_outcome
from mock_sts.services.login.login_pages import Awaited, awaited, complete_login, fail_login, obstacle
from mock_sts.services.login.return_url import is_return_url
from mock_sts.services.login.upstream import upstream_answer
from mock_sts.services.registry.lookup import (
    NotFoundError,
    Wanted,
    claims_of,
    find_personas,
    organization_names,
    roles_of,
    search_words,
    the_persona,
)
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import MadeSession
from mock_sts.web import browser, reading
from mock_sts.web.errors import explaining
from mock_sts.web.helseid.error_page import error_redirect, gone
from mock_sts.web.language import PARAMETER as LANGUAGE
from mock_sts.web.language import asked_language, chosen_language
from mock_sts.web.own_side import has_strange_host
from mock_sts.web.reading import current
from mock_sts.web.texts import NORWEGIAN, texts

#: The TestIDP's page, and that of all other providers; where our side of the server is closed the first has both.
LOGIN, OTHER_LOGIN = "/testidp/Account/Login", "/mock/idp"

#: Form field to the TestIDP parameter that means the same.
_FIELDS = {"Pid": PID, "HprNumber": HPR_NUMBER, "SecurityLevel": SECURITY_LEVEL}

#: How many people the page lists.
_SHOWN = 12

#: How many work places of each it shows.
_PLACES = 2

#: The buttons beside logging in, and seconds that a slow provider takes.
_OUTCOMES = (Outcome.LEVEL_TOO_LOW, Outcome.PROVIDER_ERROR, Outcome.TIMEOUT)
_SLOW, _SLOWNESS = "slow", 5


def page_of(provider: Provider, return_url: str) -> str:
    """Where the login at ``provider`` takes place, for the request behind ``return_url``."""
    path = LOGIN if provider.is_testidp or has_strange_host() else OTHER_LOGIN
    parameters = {"provider": provider.scheme, "returnurl": browser.rooted(return_url)}
    chosen = chosen_language()
    return f"{path}?{urlencode(parameters | ({LANGUAGE: chosen} if chosen else {}))}"


ROUTES = Blueprint("testidp", __name__)


@ROUTES.get(LOGIN)
@ROUTES.get(OTHER_LOGIN, endpoint="other_form")
def form() -> Response:
    """The form."""
    waiting = awaited(current().environment, _return_url())
    provider = waiting.provider(_scheme()) if waiting is not None else None
    return gone() if waiting is None or provider is None else _page(waiting, provider)


@ROUTES.post(LOGIN)
@ROUTES.post(OTHER_LOGIN, endpoint="other_log_in")
def log_in() -> Response:
    """Log in with what the form says."""
    return_url = _return_url()
    waiting = awaited(current().environment, return_url)
    provider = waiting.provider(_scheme()) if waiting is not None else None
    if waiting is None or provider is None:
        return gone()
    fields = reading.form()
    if browser.is_forged(fields.one(browser.ANTIFORGERY_FIELD)):
        return _page(waiting, provider, fields, "forged")
    outcome = fields.one("outcome")
    try:
        with RequestContext(current(), request.path, ends_on_page=True) as context:
            if outcome not in (None, _SLOW, Outcome.SUCCESS):
                return browser.answer(fail_login(context, return_url, read_outcome(outcome or "")))
            intent = _intent(fields, provider, waiting)
            made = complete_login(context, return_url, intent, provider, browser.session_cookie())
    except LoginIntentError as error:
        return _page(waiting, provider, fields, error.why or str(error))
    except OAuthError as error:
        if error.code is ErrorCode.ACCESS_DENIED:
            refused = _impossible(waiting, provider, fields)
            return _page(waiting, provider, fields, refused or error.description, error)
        return error_redirect(error)
    if outcome == _SLOW:
        back = browser.rooted(return_url)
        response = browser.page("waiting.html", language=_language(waiting), seconds=_SLOWNESS, location=back)
    else:
        response = _back(context, made, return_url, provider.scheme)
    browser.set_session_cookie(response, made.cookie)
    return response


@ROUTES.post("/signin-<scheme>")
def sign_in(scheme: str) -> Response:
    """The hop that drivers of the real TestIDP make: its form posts here, and the login goes on."""
    opened = current().environment.seal.open(f"signin-{scheme.lower()}", reading.form().one("state") or "")
    return_url = str(opened["return_url"]) if opened else ""
    return browser.redirect(return_url, 302) if is_return_url(return_url) else gone()


def _back(context: RequestContext, made: MadeSession, return_url: str, scheme: str) -> Response:
    """Back to the authorize step: at once, or by the form that drivers of the real TestIDP expect.

    These send the antiforgery value as a header too, which no browser does.
    """
    if "RequestVerificationToken" not in request.headers:
        return browser.redirect(return_url, 302)
    state = context.environment.seal.close(f"signin-{scheme}", {"return_url": return_url})
    return browser.form_post(f"/signin-{scheme}", upstream_answer(context, made, state))


def _intent(fields: Params, provider: Provider, waiting: Awaited) -> LoginIntent:
    """Who the form says: the person whose button was pressed, else what was typed. Raises LoginIntentError.

    A button comes without level and eID: the person's own count.
    """
    values = {parameter: value.strip() for field, parameter in _FIELDS.items() if (value := fields.one(field))}
    chosen = fields.one("persona")
    if chosen is not None:
        values = {name: value for name, value in values.items() if name == SECURITY_LEVEL} | {PID: chosen}
    if not provider.is_testidp:
        values = {name: value for name, value in values.items() if name == PID}
    intent = read_login_intent({name: value for name, value in values.items() if value})
    if intent is None:
        raise LoginIntentError("the form names no person", "no_pid")
    eid = fields.one("Eid")
    if eid is None and chosen is not None and (person := _chosen(intent.pid)) is not None:
        eid = waiting.own_eid(person, provider)
    return LoginIntent(intent.pid, intent.hpr_number, intent.security_level, eid)


def _return_url() -> str:
    return browser.return_url("returnurl")


def _scheme() -> str:
    return request.args.get("provider", "")


def _language(waiting: Awaited) -> str:
    return asked_language(waiting.request.ui_locales)


def start_of(waiting: Awaited) -> str:
    """Where the application that a login is for begins, as far as its redirect URI says; an empty string otherwise."""
    parts = urlsplit(waiting.request.redirect_uri or "")
    return f"{parts.scheme}://{parts.netloc}/" if parts.scheme in ("http", "https") and parts.netloc else ""


def _page(
    waiting: Awaited,
    provider: Provider,
    fields: Params | None = None,
    message: str = "",
    refused: OAuthError | None = None,
) -> Response:
    """The form; what was typed stays. ``message`` is a text, or the name of one; ``refused`` is why the login that was
    tried is impossible.
    """
    environment, typed = current().environment, fields or Params()
    field, cookie = browser.antiforgery_token()
    language = _language(waiting)
    shared = texts(language)
    words = search_words(request.args.get("q", ""))
    people = find_personas(environment.registry, Wanted(words), current().catalog.revision)
    chosen = _chosen(typed.one("persona") or typed.one("Pid") or request.args.get("pid") or waiting.hints.get(PID))
    claims = claims_of(chosen, environment.policy.network) if chosen is not None else {}
    details = claims.pop(HPR_DETAILS, None) or {}
    location = browser.rooted(page_of(provider, _return_url()))
    response = browser.page(
        "testidp.html",
        carried=["provider", "returnurl", "q", "pid"],
        status=400 if message else 200,
        ends_at_client=True,
        language=language,
        provider=provider,
        client_name=waiting.client.client_name or waiting.client.client_id,
        is_over=waiting.is_over,
        again=start_of(waiting),
        action=location,
        path=location.partition("?")[0],
        return_url=browser.rooted(_return_url()),
        chosen_language=chosen_language(),
        message=shared.get(message, message),
        refused=refused,
        query=" ".join(words),
        people=_listed(
            [row.item for row in people[:_SHOWN]], waiting, provider, language, f"{location}&q={quote(' '.join(words))}"
        ),
        others=max(0, len(people) - _SHOWN),
        chosen=chosen and {"name": full_name(chosen)},
        claims=claims,
        approvals=details.get("approvals", ()),
        pid=typed.one("Pid") or (chosen.pid if chosen is not None else ""),
        hpr_number=typed.one("HprNumber") or waiting.hints.get(HPR_NUMBER, ""),
        levels=sorted(LEVELS, reverse=True),
        security_level=typed.one("SecurityLevel") or waiting.hints.get(SECURITY_LEVEL, DEFAULT_LEVEL),
        asked_eid=((provider.eid(typed.one("Eid")) if "Eid" in typed else None) or waiting.eid_at(provider)).name,
        outcomes=_OUTCOMES,
        antiforgery=field,
    )
    browser.set_antiforgery_cookie(response, cookie)
    if refused is not None:
        response.headers.update(explaining(refused))
    return response


def _chosen(key: str | None) -> Persona | None:
    try:
        return the_persona(current().environment.registry, key, invent=True).item if key else None
    except NotFoundError:
        return None


def _listed(
    people: Iterable[Persona], waiting: Awaited, provider: Provider, language: str, address: str
) -> list[dict[str, object]]:
    """What the page shows of ``people``; ``address`` is that of the page."""
    names = organization_names(current().environment.registry)
    return [
        {
            "pid": person.pid,
            "name": full_name(person),
            "hpr_number": person.hpr_number or "",
            "roles": [norwegian if language == NORWEGIAN else english for norwegian, english in roles_of(person)],
            "places": [names.get(number, number) for number in person.organizations[:_PLACES]],
            "more_places": max(0, len(person.organizations) - _PLACES),
            "level": person.security_level,
            "description": person.description,
            "why_not": _why_not(person, waiting, provider),
            "show": f"{address}&pid={person.pid}#preview",
        }
        for person in people
    ]


def _why_not(person: Persona, waiting: Awaited, provider: Provider) -> str:
    """Why ``person`` cannot log in here with what is their own; an empty string for one who can."""
    return _obstacle(waiting, provider, LoginIntent(person.pid, None, None, waiting.own_eid(person, provider)))


def _impossible(waiting: Awaited, provider: Provider, fields: Params) -> str:
    """Why a login with what the form says is impossible."""
    return _obstacle(waiting, provider, _intent(fields, provider, waiting))


#: The rules of a login to the names of texts that say how they would be broken.
_OBSTACLES = {
    "login.synthetic": "not_synthetic",
    "login.person": "unknown_person",
    "login.replaced": "replaced",
    "login.eid": "no_eid",
    "login.person-level": "above_highest",
    "login.level": "below_asked",
}


def _obstacle(waiting: Awaited, provider: Provider, intent: LoginIntent) -> str:
    """What keeps the person that ``intent`` names from logging in at ``provider``, in the language of the page."""
    found = obstacle(current().environment, waiting, intent, provider)
    if found is None:
        return ""
    rule, evidence = found
    chosen = provider.eid(evidence.chosen) if evidence.chosen is not None else None
    person = evidence.persona
    return texts(_language(waiting))[_OBSTACLES[rule]].format(
        eid=chosen.display_name if chosen is not None else provider.display_name,
        level=evidence.level,
        asked=evidence.wanted_level,
        highest=person.security_level if person is not None else "",
        pid=person.superseded_by if person is not None else "",
    )
