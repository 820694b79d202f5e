"""The authorize endpoint: from a request to a code, an error, or a login.

Login pages come back here. The walk begins anew each time and decides from what is stored: the request, the browser's
session, and whether a login for this very request has taken place. ``STEPS`` is the whole walk; docs/architecture.md
shows it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mock_sts.helseid.eids import Provider
from mock_sts.helseid.profile.login import ORDER_CHAPTER
from mock_sts.helseid.providers import asked_for, eid_asked_for, level_asked_for
from mock_sts.helseid.testidp import LoginIntentError
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.params import Params
from mock_sts.services.back_channel.form import show_parameters
from mock_sts.services.handles import flow_of, new_request_handle
from mock_sts.services.login.answer import Answered, answer, travelling
from mock_sts.services.login.authorization_request import Pending, load_request
from mock_sts.services.login.automation import LoginScript, Outcome, error_of, script_of
from mock_sts.services.login.login_pages import providers_at
from mock_sts.services.login.return_url import AUTHZ_ID, handle_of, return_url_of
from mock_sts.services.login.single_sign_on import is_good
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import find_session, let_in, make_session
from mock_sts.store.records import LoginSession

#: Why prompt=none ends without a login.
_PAGE_NEEDED = (
    "prompt=none asks for an answer without a page, but this browser has no login that will do for the request (its "
    "client, max_age and acr_values count), and nothing says who logs in. Remedy: ask again without prompt=none"
)


@dataclass(frozen=True, slots=True)
class LoginNeeded:
    """A person has to log in first: through ``provider``, or one that the person chooses; then to ``return_url``."""

    provider: Provider | None
    return_url: str


@dataclass
class Walk:
    """One request at the authorize endpoint: how it came, and below that what the steps have found out so far.

    ``posted`` says that it came in a form. ``cookie`` is that of the browser's session, ``persona_cookie`` names who
    shall log in there.
    """

    context: RequestContext
    params: Params
    cookie: str | None
    persona_cookie: str | None
    posted: bool
    pending: Pending = field(init=False)
    session: LoginSession | None = None
    #: Where the person may log in, which of these is asked for, and where a login without a page takes place.
    allowed: tuple[Provider, ...] = ()
    provider: Provider | None = None
    entrance: Provider | None = None
    script: LoginScript | None = None


#: What ends a walk; None: the next step goes on.
End = Answered | LoginNeeded | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the walk, and what it says in one line."""

    name: str
    line: str
    take: Callable[[Walk], End]


def begin_authorization(
    context: RequestContext, params: Params, cookie: str | None, persona_cookie: str | None, *, posted: bool
) -> Answered | LoginNeeded:
    """Decide what happens with an authorization request; ``posted`` says that it came in a form.

    ``cookie`` is that of the browser's session, ``persona_cookie`` names who shall log in there. Raises TravellingError
    for what travels to the client and OAuthError for what ends on a page; ``context`` is open and journals either.
    """
    walk = Walk(context, params, cookie, persona_cookie, posted)
    for step in STEPS:
        end = step.take(walk)
        if end is not None:
            return end
    raise AssertionError("the last step ends every walk")


def _read_parameters(walk: Walk) -> End:
    show_parameters(walk.context, walk.params)
    if walk.params.fault:
        raise OAuthError(ErrorCode.INVALID_REQUEST, detail=walk.params.fault)
    return None


def _load_request(walk: Walk) -> End:
    if handle := handle_of(walk.params):
        walk.context.flow = flow_of(handle)
    walk.pending = load_request(walk.context, walk.params, posted=walk.posted)
    return None


def _find_session(walk: Walk) -> End:
    walk.session = find_session(walk.context, walk.cookie)
    return None


def _answer_login_of_pages(walk: Walk) -> End:
    session = walk.session
    if session is None:
        return None
    if walk.context.environment.ledger.requests.noted_login(walk.pending.handle) != session.mark:
        return None
    return answer(walk.context, walk.pending, session, None)


def _find_providers(walk: Walk) -> End:
    acr_values = walk.pending.request.acr_values
    walk.allowed = providers_at(walk.context.environment, walk.pending.client, acr_values)
    walk.provider = asked_for(acr_values, walk.allowed)
    first = next((p for p in walk.allowed if p.is_testidp), None) or next(iter(walk.allowed), None)
    walk.entrance = walk.provider or first
    return None


def _read_script(walk: Walk) -> End:
    context, pending, request = walk.context, walk.pending, walk.pending.request
    to, fault = request.redirect_uri or "", ""
    try:
        walk.script = script_of(
            context, pending.client, pending.hints, request.login_hint, to, walk.persona_cookie, walk.entrance
        )
    except (LoginIntentError, UnknownPersonError) as error:
        fault = str(error)
    if fault or walk.script is not None:
        _judge_order(walk, fault)
    return None


def _judge_order(walk: Walk, fault: str) -> None:
    try:
        walk.context.judge(ORDER_CHAPTER, fault)
    except OAuthError as error:
        raise travelling(walk.context, walk.pending, error) from None


def _end_as_scripted(walk: Walk) -> End:
    if walk.script is not None and walk.script.outcome is not Outcome.SUCCESS:
        raise travelling(walk.context, walk.pending, error_of(walk.script.outcome))
    return None


def _answer_by_single_sign_on(walk: Walk) -> End:
    if walk.session is not None and is_good(walk.context, walk.pending, walk.session, walk.script):
        return answer(walk.context, walk.pending, walk.session, None)
    return None


def _log_in_without_page(walk: Walk) -> End:
    context, pending, provider = walk.context, walk.pending, walk.entrance
    intent = walk.script.intent if walk.script is not None else None
    if intent is None or provider is None:
        return None
    acr_values = pending.request.acr_values
    if intent.eid is None:
        eid = eid_asked_for(acr_values, provider)
        intent = replace(intent, eid=eid.name if eid is not None else None)
    try:
        entrance = let_in(context, intent, provider, level_asked_for(acr_values))
    except OAuthError as error:
        raise travelling(context, pending, error) from None
    made = make_session(context, intent, entrance, walk.session, pending.client)
    return answer(context, pending, made.session, made)


def _refuse_prompt_none(walk: Walk) -> End:
    if "none" in walk.pending.request.prompts:
        raise travelling(walk.context, walk.pending, OAuthError(ErrorCode.LOGIN_REQUIRED, detail=_PAGE_NEEDED))
    return None


def _refuse_without_provider(walk: Walk) -> End:
    if walk.allowed:
        return None
    named = ", ".join(walk.pending.client.identity_providers) or "all"
    raise OAuthError(
        ErrorCode.UNAUTHORIZED_CLIENT,
        "No identity provider is available for the client",
        detail=f"its identity_providers are {named}; none of these is on offer here for acr_values "
        f"{' '.join(walk.pending.request.acr_values) or '(none)'}",
    )


def _ask_for_login(walk: Walk) -> End:
    context, pending, provider = walk.context, walk.pending, walk.provider
    if provider is None and len(walk.allowed) == 1:
        provider = walk.allowed[0]
    if pending.handle:
        context.finish()
        return LoginNeeded(provider, pending.return_url)
    handle = new_request_handle(context.chance)
    context.flow = flow_of(handle)
    requests = context.environment.ledger.requests
    context.finish(lambda transaction: requests.keep(transaction, handle, pending.kept))
    return LoginNeeded(provider, return_url_of({AUTHZ_ID: handle}))


#: The walk, in HelseID's order: a request is refused by the first step that finds a fault.
STEPS = (
    Step("read parameters", "The query or form can be read, and no parameter comes twice", _read_parameters),
    Step(
        "load request", "Client known; handle known, unused, in time, its own; else the request judged", _load_request
    ),
    Step("find session", "The browser's session, if it has one that is not over", _find_session),
    Step("answer login of pages", "A login for this very request has taken place: a code", _answer_login_of_pages),
    Step("find providers", "Where the client's people may log in, at the level that is asked for", _find_providers),
    Step(
        "read script", "Who shall log in, and how it ends: `test_pid`, `login_hint`, queue, cookie, mode", _read_script
    ),
    Step("end as scripted", "An outcome other than success: its error", _end_as_scripted),
    Step("answer by single sign-on", "The session is new and strong enough: a code", _answer_by_single_sign_on),
    Step("log in without page", "The script names a person: a new session, and a code", _log_in_without_page),
    Step("refuse prompt none", "`prompt=none`, and no login: `login_required`", _refuse_prompt_none),
    Step("refuse without provider", "No provider is left: an error on a page", _refuse_without_provider),
    Step("ask for login", "On to the provider, or to the choice of one; the request is kept", _ask_for_login),
)
