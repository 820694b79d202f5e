"""What login pages ask and do. They never route to one another: each returns to the authorize step."""

from collections.abc import Mapping
from dataclasses import dataclass

from mock_sts.helseid.eids import Eid, Provider
from mock_sts.helseid.profile import login
from mock_sts.helseid.profile.login import LoginEvidence
from mock_sts.helseid.providers import eid_asked_for, has_eid, level_asked_for, offered, reaching
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.registry.persona import Persona
from mock_sts.helseid.testidp import LoginIntent
from mock_sts.protocol.authorization_request import AuthorizationRequest
from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.services.environment import Environment
from mock_sts.services.handles import flow_of
from mock_sts.services.login.answer import travelling
from mock_sts.services.login.authorization_request import Pending, load_kept_request
from mock_sts.services.login.automation import Outcome, error_of
from mock_sts.services.login.return_url import handle_in, parameters_of
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import MadeSession, evidence_of, find_session, let_in, make_session
from mock_sts.store.database import Transaction
from mock_sts.store.records import status_of

#: Why a provider is none for a login: the client may not use it, or it does not reach the level that is asked for.
NOT_REGISTERED, BELOW_LEVEL = "barred_client", "barred_level"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A login that pages are about: for which client, by what request, at which providers it may take place.

    ``barred`` are the other providers of the server, each with why it is none for this login: a name of one of the
    reasons below. ``is_over`` says that the login has been answered already, or was left for too long.
    """

    client: Client
    request: AuthorizationRequest
    hints: Mapping[str, str]
    providers: tuple[Provider, ...]
    barred: tuple[tuple[Provider, str], ...] = ()
    is_over: bool = False

    @property
    def level(self) -> str | None:
        """The security level that the client asks for at least."""
        return level_asked_for(self.request.acr_values)

    def own_eid(self, persona: Persona, provider: Provider) -> str | None:
        """The name of the eID that the request asks for at ``provider``, if ``persona`` has it."""
        asked = eid_asked_for(self.request.acr_values, provider)
        return asked.name if asked is not None and has_eid(persona, asked) else None

    def provider(self, scheme: str) -> Provider | None:
        """The provider called ``scheme``, if the login may take place there."""
        return next((provider for provider in self.providers if provider.scheme == scheme), None)

    def eid_at(self, provider: Provider) -> Eid:
        """The eID of ``provider`` that the request asks for by ``acr_values``, else the usual one there."""
        return eid_asked_for(self.request.acr_values, provider) or provider.eids[0]


def obstacle(
    environment: Environment, waiting: Awaited, intent: LoginIntent, provider: Provider
) -> tuple[str, LoginEvidence] | None:
    """What keeps the person that ``intent`` names from logging in at ``provider``: the id of the first rule that would
    be broken, and the evidence; None for nothing.
    """
    evidence, _ = evidence_of(environment, intent, provider, waiting.level)
    broken = next((one for one in login.CHAPTER.judge(evidence) if not one.verdict.met), None)
    return None if broken is None else (broken.requirement.id, evidence)


def awaited(environment: Environment, return_url: str) -> Awaited | None:
    """The login behind ``return_url``, or None when it is unknown."""
    kept = environment.ledger.requests.find(handle_in(return_url))
    client = environment.catalog.current().client(kept.client_id) if kept is not None else None
    if kept is None or client is None:
        return None
    providers = providers_at(environment, client, kept.request.acr_values)
    allowed = environment.providers_for(client)
    barred = tuple(
        (provider, BELOW_LEVEL if provider in allowed else NOT_REGISTERED)
        for provider in offered(environment.policy.identity_providers)
        if provider not in providers
    )
    status = status_of(kept, client.client_id, environment.clock.times().now)
    return Awaited(client, kept.request, kept.hints, providers, barred, status.used or status.expired)


def providers_at(environment: Environment, client: Client, acr_values: tuple[str, ...]) -> tuple[Provider, ...]:
    """Where people may log in for ``client`` so that ``acr_values`` is satisfied."""
    return reaching(level_asked_for(acr_values), environment.providers_for(client))


def complete_login(
    context: RequestContext, return_url: str, intent: LoginIntent, provider: Provider, cookie: str | None
) -> MadeSession:
    """Log a person in for the request behind ``return_url``; the new session, and its cookie.

    Raises OAuthError when no person with that pid can log in so, or the request is unknown or over.
    """
    pending = _waiting_request(context, return_url)
    context.pid = intent.pid
    entrance = let_in(context, intent, provider, level_asked_for(pending.request.acr_values))
    made = make_session(context, intent, entrance, find_session(context, cookie), pending.client)
    context.sid = made.session.sid

    def commit(transaction: Transaction) -> None:
        kept = made.keep(transaction)
        context.environment.ledger.requests.note_login(transaction, pending.handle, kept.mark)

    context.finish(commit)
    return made


def fail_login(context: RequestContext, return_url: str, outcome: Outcome) -> AuthorizationResponse:
    """The answer for a client whose person's login ends with ``outcome``, which is no success.

    Raises OAuthError when the request behind ``return_url`` is unknown or over.
    """
    error = travelling(context, _waiting_request(context, return_url), error_of(outcome))
    context.refuse(error)
    return error.response


def _waiting_request(context: RequestContext, return_url: str) -> Pending:
    context.flow = flow_of(handle_in(return_url))
    return load_kept_request(context, parameters_of(return_url))
