"""The authorize endpoint: from a request to a code, an error, or a login.

Pages never route to one another. Each returns to the authorize step, which decides from what is stored: the request,
the browser's session, and whether a login for this very request has taken place.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from mock_sts.helseid import testidp
from mock_sts.helseid.eids import ID_PORTEN, Eid, Provider
from mock_sts.helseid.profile import request_uri as chapter
from mock_sts.helseid.profile.authorization_request import seconds_in
from mock_sts.helseid.profile.request_uri import RequestUriEvidence
from mock_sts.helseid.providers import asked_for, eid_asked_for, level_asked_for, reaching
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import Verdict, refuse
from mock_sts.helseid.testidp import LoginIntent, LoginIntentError
from mock_sts.protocol.authorization_request import (
    REQUEST_URI_PREFIX,
    AuthorizationRequest,
    read_authorization_request,
)
from mock_sts.protocol.authorization_response import AuthorizationResponse, session_state
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.params import Params
from mock_sts.protocol.urls import origin_of
from mock_sts.services.back_channel.form import show_parameters
from mock_sts.services.environment import Environment
from mock_sts.services.login.automation import Outcome, Told, error_of, told_of
from mock_sts.services.login.pushed_authorization import judge_request, kept_request
from mock_sts.services.login.request_object import Opened, claimed_client, is_signed, open_request
from mock_sts.services.registry.people import UnknownPersonError
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import MadeSession, find_session, let_in, make_session
from mock_sts.services.tokens.grants.personal import new_handle
from mock_sts.store import ledger
from mock_sts.store.database import Transaction
from mock_sts.store.ledger import LoginSession, Record, Shelf

#: Why prompt=none ends without a login.
_PAGE_NEEDED = (
    "prompt=none asks for an answer without a page, but this browser has no login that will do for the request (its "
    "client, max_age and acr_values count), and nothing says who logs in. Remedy: ask again without prompt=none"
)

CALLBACK = "/connect/authorize/callback"

#: The parameter that brings a request of the front channel back from the login pages.
AUTHZ_ID = "authzId"


class TravellingError(OAuthError):
    """An error that travels to the client; ``response`` brings it there."""

    travels = True

    def __init__(self, error: OAuthError, response: AuthorizationResponse) -> None:
        super().__init__(error.code, error.description, detail=error.detail, rule=error.rule)
        self.response = response


@dataclass(frozen=True, slots=True)
class Pending:
    """An authorization request on its way to an answer.

    ``handle`` finds it in the ledger; an empty one is not kept yet. ``return_url`` is where login pages come back to.
    ``request`` is what ``opened`` asks for.
    """

    handle: str
    client: Client
    opened: Opened
    request: AuthorizationRequest
    hints: dict[str, str]
    dpop_jkt: str | None
    issuer: str
    return_url: str


@dataclass(frozen=True, slots=True)
class LoginNeeded:
    """Somebody has to log in first: through ``provider``, or one that the person chooses; then to ``return_url``."""

    provider: Provider | None
    return_url: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer for the client, the id of the session that gave it, and the cookie of a session that was made on the
    way (or None).
    """

    response: AuthorizationResponse
    sid: str
    cookie: str | None


def begin_authorization(
    context: RequestContext, params: Params, cookie: str | None, persona_cookie: str | None, *, posted: bool
) -> Answered | LoginNeeded:
    """Decide what happens with an authorization request; ``posted`` says that it came in a form.

    ``cookie`` is that of the browser's session, ``persona_cookie`` names who shall log in there. Raises TravellingError
    for what travels to the client and OAuthError for what ends on a page; ``context`` is open and journals either.
    """
    show_parameters(context, params)
    if params.fault:
        raise OAuthError(ErrorCode.INVALID_REQUEST, detail=params.fault)
    pending = _load(context, params, posted=posted)
    session = find_session(context, cookie)
    if session is not None and ledger.noted_login(context.environment.store, pending.handle) == session.mark:
        return _answer(context, pending, session, None)
    allowed = providers_at(context.environment, pending.client, pending.request.acr_values)
    provider = asked_for(pending.request.acr_values, allowed)
    # Without a page a login takes place at the provider that is asked for, else at the TestIDP.
    entrance = provider or next((p for p in allowed if p.is_testidp), None) or next(iter(allowed), None)
    told = _told(context, pending, persona_cookie, entrance)
    if told is not None and told.outcome is not Outcome.SUCCESS:
        raise _travelling(context, pending, error_of(told.outcome))
    if session is not None and _is_good(context, pending, session, told):
        return _answer(context, pending, session, None)
    if told is not None and told.intent is not None and entrance is not None:
        made = _let_in(context, pending, told.intent, entrance, session)
        return _answer(context, pending, made.session, made)
    if "none" in pending.request.prompts:
        raise _travelling(context, pending, OAuthError(ErrorCode.LOGIN_REQUIRED, detail=_PAGE_NEEDED))
    if not allowed:
        named = ", ".join(pending.client.identity_providers) or "all"
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "No identity provider is available for the client",
            detail=f"its identity_providers are {named}; none of these is on offer here for acr_values "
            f"{' '.join(pending.request.acr_values) or '(none)'}",
        )
    if provider is None and len(allowed) == 1:
        provider = allowed[0]
    return LoginNeeded(provider, _kept_return_url(context, pending))


def complete_login(
    context: RequestContext, return_url: str, intent: LoginIntent, provider: Provider, cookie: str | None
) -> MadeSession:
    """Log a person in for the request behind ``return_url``; the new session, and its cookie.

    Raises OAuthError when nobody with that pid can log in so, or the request is unknown or over.
    """
    pending = _waiting(context, return_url)
    try:
        entrance = let_in(context, intent, provider, level_asked_for(pending.request.acr_values))
    except UnknownPersonError as error:
        raise OAuthError(ErrorCode.ACCESS_DENIED, str(error)) from None
    made = make_session(context, intent, entrance, find_session(context, cookie), pending.client)

    def act(transaction: Transaction) -> None:
        kept = made.keep(transaction)
        ledger.note_login(transaction, pending.handle, kept.mark)

    context.finish(act)
    return made


def fail_login(context: RequestContext, return_url: str, outcome: Outcome) -> AuthorizationResponse:
    """The answer for a client whose person's login ends with ``outcome``, which is no success.

    Raises OAuthError when the request behind ``return_url`` is unknown or over.
    """
    error = _travelling(context, _waiting(context, return_url), error_of(outcome))
    context.refuse(error)
    return error.response


@dataclass(frozen=True, slots=True)
class Awaited:
    """A login that pages are about: for which client, by what request, at which providers it may take place."""

    client: Client
    request: AuthorizationRequest
    hints: dict[str, str]
    providers: tuple[Provider, ...]

    def provider(self, scheme: str) -> Provider | None:
        """The provider called ``scheme``, if the login may take place there."""
        return next((provider for provider in self.providers if provider.scheme == scheme), None)

    def eid_at(self, provider: Provider) -> Eid:
        """The eID of ``provider`` that the request asks for by ``acr_values``, else the usual one there."""
        return eid_asked_for(self.request.acr_values, provider) or provider.eids[0]


def awaited(environment: Environment, return_url: str) -> Awaited | None:
    """The login behind ``return_url``, or None when it is unknown."""
    record = ledger.find(environment.store, Shelf.AUTHORIZATION_REQUEST, handle_in(return_url))
    client = environment.catalog.current().client(record.client_id) if record is not None else None
    if record is None or client is None:
        return None
    kept = Params((name, value) for name, value in record.document["parameters"])
    request = read_authorization_request(kept)
    return Awaited(client, request, testidp.parameters_in(kept), providers_at(environment, client, request.acr_values))


def providers_at(environment: Environment, client: Client, acr_values: tuple[str, ...]) -> tuple[Provider, ...]:
    """Where people may log in for ``client`` so that ``acr_values`` is satisfied."""
    return reaching(level_asked_for(acr_values), environment.providers_for(client))


def _waiting(context: RequestContext, return_url: str) -> Pending:
    """The request behind ``return_url``, which still waits for its answer. Raises OAuthError."""
    query = return_url.partition("?")[2] if is_return_url(return_url) else ""
    return _kept(context, Params.from_form(query.encode("ascii")))


def handle_in(return_url: str) -> str:
    """The ledger handle in a local return URL, or an empty string."""
    # It goes into a Location header, so nothing may stand in it that a URL has not.
    path, _, query = return_url.partition("?")
    if path.lower() != CALLBACK or not (return_url.isascii() and return_url.isprintable()) or " " in return_url:
        return ""
    params = Params.from_form(query.encode("ascii"))
    return _handle_of(params.one("request_uri"), params.one(AUTHZ_ID))


def _handle_of(request_uri: str | None, authz_id: str | None) -> str:
    """The ledger handle of a request_uri, else of a request of the front channel; an empty string for neither."""
    if request_uri is not None:
        handle = request_uri.removeprefix(REQUEST_URI_PREFIX)
        return handle if handle != request_uri else ""
    return authz_id or ""


def is_return_url(return_url: str) -> bool:
    """Whether ``return_url`` leads back to the authorize step and nowhere else."""
    return handle_in(return_url) != ""


def _load(context: RequestContext, params: Params, *, posted: bool) -> Pending:
    """The request: a kept one by its handle, or a new one of the front channel, judged."""
    if params.one("request_uri") is not None or params.one(AUTHZ_ID) is not None:
        return _kept(context, params)
    client = _client(context, claimed_client(params))
    try:
        opened = open_request(context, params, client, pushed=False, posted=posted)
        request = read_authorization_request(opened.params)
        judge_request(context, request, client, params, pushed=False, signed=is_signed(params))
    except OAuthError as error:
        error.detail = f"{error.detail} (request on the front channel)"
        raise
    return Pending(
        handle="",
        client=client,
        opened=opened,
        request=request,
        hints=testidp.parameters_in(opened.params),
        dpop_jkt=request.dpop_jkt,
        issuer=context.urls.issuer.base,
        return_url="",
    )


def _kept(context: RequestContext, params: Params) -> Pending:
    request_uri = params.one("request_uri")
    pushed = request_uri is not None
    handle = _handle_of(request_uri, params.one(AUTHZ_ID))
    found = ledger.find(context.environment.store, Shelf.AUTHORIZATION_REQUEST, handle)
    if found is not None and found.document["pushed"] is not pushed:
        found = None
    client_id = params.one("client_id")
    context.client_id = client_id or (found.client_id if found else None)
    if client_id and context.catalog.client(client_id) is None:
        raise _unknown_client(client_id)
    surplus = tuple(name for name in params if name not in ("client_id", "request_uri", AUTHZ_ID, *testidp.PARAMETERS))
    # A request of the front channel comes back by its handle alone; only a pushed one names its client beside it.
    owner = client_id if pushed or found is None else found.client_id
    record = _judged(context, found, owner, surplus)
    kept = Params((name, value) for name, value in record.document["parameters"])
    hints = {**testidp.parameters_in(kept), **testidp.parameters_in(params)}
    back = {"request_uri": request_uri or "", "client_id": record.client_id} if pushed else {AUTHZ_ID: handle}
    back |= testidp.parameters_in(params)
    return Pending(
        handle=handle,
        client=_client(context, record.client_id),
        opened=Opened(kept, tuple(record.document["details"])),
        request=read_authorization_request(kept),
        hints=hints,
        dpop_jkt=record.document["dpop_jkt"],
        issuer=record.document["issuer"],
        return_url=f"{CALLBACK}?{urlencode(back)}",
    )


def _judged(
    context: RequestContext, record: Record | None, client_id: str | None, surplus: tuple[str, ...] = ()
) -> Record:
    """``record``, if it is an authorization request of ``client_id`` that still waits for its answer.

    Raises OAuthError.
    """
    stands = ledger.standing(record, client_id, context.times.now)
    context.judge(
        chapter.CHAPTER,
        RequestUriEvidence(
            known=stands.known, used=stands.used, expired=stands.expired, own=stands.own, surplus=surplus
        ),
    )
    if record is None:
        raise AssertionError("the chapter let an unknown request_uri pass")
    return record


def _client(context: RequestContext, client_id: str | None) -> Client:
    context.client_id = client_id
    client = context.catalog.client(client_id) if client_id else None
    if client is None:
        raise _unknown_client(client_id or "")
    context.follow(client)
    return client


def _unknown_client(client_id: str) -> OAuthError:
    return OAuthError(
        ErrorCode.UNAUTHORIZED_CLIENT,
        "Unknown client or client not enabled",
        detail=f"client_id is {client_id[:100]!r}, which is not registered; register it, or mend it",
    )


def _is_good(context: RequestContext, pending: Pending, session: LoginSession, told: Told | None) -> bool:
    """Whether the browser's session answers this request without another login, of whoever is ``told`` of."""
    request, login = pending.request, session.document
    age = context.times.now - login["began_at"]
    max_age = seconds_in(request.max_age) if request.max_age is not None else None
    own: int | None = pending.client.single_sign_on_lifetime
    allowed = context.environment.providers_for(pending.client)
    provider = asked_for(request.acr_values, allowed)
    level = level_asked_for(request.acr_values)
    return not (
        "login" in request.prompts
        or "select_account" in request.prompts
        or (max_age is not None and (max_age == 0 or age > max_age))
        or (own is not None and age > own)
        or (provider is not None and provider.scheme != login["idp"])
        or login["idp"] not in [one.scheme for one in allowed]
        or (level is not None and login["security_level"] < level)
        or (told is not None and told.binding and _is_another(told.intent, login))
    )


def _is_another(intent: LoginIntent | None, login: dict[str, Any]) -> bool:
    """Whether ``intent`` is another login than the session's: of another person, or with another number or level."""
    return intent is not None and (
        intent.pid != login["pid"]
        or intent.hpr_number != login["hpr_number"]
        or intent.security_level not in (None, login["security_level"])
    )


def _told(
    context: RequestContext, pending: Pending, persona_cookie: str | None, provider: Provider | None
) -> Told | None:
    """What is told of the login beside the page; TravellingError access_denied when it names nobody."""
    request = pending.request
    try:
        return told_of(
            context,
            pending.client,
            pending.hints,
            request.login_hint,
            request.redirect_uri or "",
            persona_cookie,
            provider,
        )
    except (LoginIntentError, UnknownPersonError) as error:
        raise _travelling(context, pending, OAuthError(ErrorCode.ACCESS_DENIED, str(error))) from None


def _let_in(
    context: RequestContext, pending: Pending, intent: LoginIntent, provider: Provider, session: LoginSession | None
) -> MadeSession:
    """The session of whoever logs in without a page; TravellingError access_denied when they cannot."""
    acr_values = pending.request.acr_values
    if intent.eid is None:
        eid = eid_asked_for(acr_values, provider)
        intent = replace(intent, eid=eid.name if eid is not None else None)
    try:
        entrance = let_in(context, intent, provider, level_asked_for(acr_values))
    except UnknownPersonError as error:
        raise _travelling(context, pending, OAuthError(ErrorCode.ACCESS_DENIED, str(error))) from None
    return make_session(context, intent, entrance, session, pending.client)


def _kept_return_url(context: RequestContext, pending: Pending) -> str:
    """Where the login comes back to; a request of the front channel is kept for that."""
    if pending.handle:
        context.finish()
        return pending.return_url
    handle = secrets.token_hex(32).upper()
    document = kept_request(pending.opened, pending.client.client_id, pending.dpop_jkt, pending.issuer, pushed=False)
    ends = context.times.now + context.environment.policy.pushed_request_lifetime

    def act(transaction: Transaction) -> None:
        ledger.keep(transaction, Shelf.AUTHORIZATION_REQUEST, handle, pending.client.client_id, document, ends)

    context.finish(act)
    return f"{CALLBACK}?{urlencode({AUTHZ_ID: handle})}"


def _answer(context: RequestContext, pending: Pending, session: LoginSession, made: MadeSession | None) -> Answered:
    """A code for the person of ``session``; ``made`` is that session where it still has to be kept."""
    request, code = pending.request, new_handle()
    sid = session.sid
    document = {
        "issuer": pending.issuer,
        "redirect_uri": request.redirect_uri,
        "scopes": list(request.scopes),
        "resources": list(request.resources),
        "details": list(pending.opened.details),
        "nonce": request.nonce,
        "state": request.state,
        "code_challenge": request.code_challenge,
        "dpop_jkt": pending.dpop_jkt,
        "on_behalf_of": _on_behalf_of(context, pending, session),
    }
    ends = context.times.now + context.environment.policy.code_lifetime

    def act(transaction: Transaction) -> OAuthError | None:
        kept = session
        if pending.handle and not ledger.consume(
            transaction, Shelf.AUTHORIZATION_REQUEST, pending.handle, context.times.now
        ):
            return refuse(chapter.fresh, Verdict(False, "another tab was faster", "an unused request_uri"))
        if made is not None:
            kept = made.keep(transaction)
        ledger.note_client(transaction, sid, pending.client.client_id, pending.issuer, session.expires_at)
        told = {**document, "login": kept.document, "sid": sid}
        ledger.keep(transaction, Shelf.AUTHORIZATION_CODE, code, pending.client.client_id, told, ends)
        return None

    context.finish(act)
    # As browsers write it, for that is what the frame of the check session endpoint hears.
    origin = origin_of(request.redirect_uri or "")
    salt = secrets.token_hex(16).upper()
    parameters = [("code", code)]
    if request.state is not None:
        parameters.append(("state", request.state))
    parameters.append(("iss", pending.issuer))
    parameters.append(("session_state", session_state(pending.client.client_id, origin, sid, salt)))
    return Answered(_response(request, parameters), sid, made.cookie if made else None)


def _on_behalf_of(context: RequestContext, pending: Pending, session: LoginSession) -> str | None:
    """The organization that the person acts for by ID-porten, if the client is registered for it."""
    asked = pending.opened.params.one("on_behalf_of")
    if asked is None:
        return None
    if session.document["idp"] == ID_PORTEN and asked in pending.client.on_behalf_of:
        return asked
    context.warn(
        f"on_behalf_of is {asked[:40]!r}, but only ID-porten knows it, for organizations that the client registers"
    )
    return None


def _travelling(context: RequestContext, pending: Pending, error: OAuthError) -> TravellingError:
    """``error`` on its way to the client, which uses the request up."""
    if pending.handle:
        context.burn_on_refusal(
            lambda transaction: ledger.consume(
                transaction, Shelf.AUTHORIZATION_REQUEST, pending.handle, context.times.now
            )
        )
    parameters = list(error.body().items())
    if pending.request.state is not None:
        parameters.append(("state", pending.request.state))
    parameters.append(("iss", pending.issuer))
    return TravellingError(error, _response(pending.request, parameters))


def _response(request: AuthorizationRequest, parameters: list[tuple[str, str]]) -> AuthorizationResponse:
    return AuthorizationResponse(request.redirect_uri or "", request.response_mode or "query", tuple(parameters))
