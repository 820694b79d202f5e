"""What login pages ask and do. They never route to one another: each returns to the authorize step."""

from collections.abc import Mapping
from dataclasses import dataclass

from mock_sts.helseid.eids import Eid, Provider
from mock_sts.helseid.providers import eid_asked_for, level_asked_for, reaching
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.testidp import LoginIntent
from mock_sts.protocol.authorization_request import AuthorizationRequest
from mock_sts.protocol.authorization_response import AuthorizationResponse
from mock_sts.services.environment import Environment
from mock_sts.services.login.answer import travelling
from mock_sts.services.login.authorization_request import load_kept_request
from mock_sts.services.login.automation import Outcome, error_of
from mock_sts.services.login.return_url import handle_in, parameters_of
from mock_sts.services.request_context import RequestContext
from mock_sts.services.sessions import MadeSession, find_session, let_in, make_session
from mock_sts.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Awaited:
    """A login that pages are about: for which client, by what request, at which providers it may take place."""

    client: Client
    request: AuthorizationRequest
    hints: Mapping[str, str]
    providers: tuple[Provider, ...]

    def provider(self, scheme: str) -> Provider | None:
        """The provider called ``scheme``, if the login may take place there."""
        return next((provider for provider in self.providers if provider.scheme == scheme), None)

    def eid_at(self, provider: Provider) -> Eid:
        """The eID of ``provider`` that the request asks for by ``acr_values``, else the usual one there."""
        return eid_asked_for(self.request.acr_values, provider) or provider.eids[0]


def awaited(environment: Environment, return_url: str) -> Awaited | None:
    """The login behind ``return_url``, or None when it is unknown."""
    kept = environment.ledger.requests.find(handle_in(return_url))
    client = environment.catalog.current().client(kept.client_id) if kept is not None else None
    if kept is None or client is None:
        return None
    return Awaited(client, kept.request, kept.hints, providers_at(environment, client, kept.request.acr_values))


def providers_at(environment: Environment, client: Client, acr_values: tuple[str, ...]) -> tuple[Provider, ...]:
    """Where people may log in for ``client`` so that ``acr_values`` is satisfied."""
    return reaching(level_asked_for(acr_values), environment.providers_for(client))


def complete_login(
    context: RequestContext, return_url: str, intent: LoginIntent, provider: Provider, cookie: str | None
) -> MadeSession:
    """Log a person in for the request behind ``return_url``; the new session, and its cookie.

    Raises OAuthError when no person with that pid can log in so, or the request is unknown or over.
    """
    pending = load_kept_request(context, parameters_of(return_url))
    entrance = let_in(context, intent, provider, level_asked_for(pending.request.acr_values))
    made = make_session(context, intent, entrance, find_session(context, cookie), pending.client)

    def commit(transaction: Transaction) -> None:
        kept = made.keep(transaction)
        context.environment.ledger.requests.note_login(transaction, pending.handle, kept.mark)

    context.finish(commit)
    return made


def fail_login(context: RequestContext, return_url: str, outcome: Outcome) -> AuthorizationResponse:
    """The answer for a client whose person's login ends with ``outcome``, which is no success.

    Raises OAuthError when the request behind ``return_url`` is unknown or over.
    """
    error = travelling(context, load_kept_request(context, parameters_of(return_url)), error_of(outcome))
    context.refuse(error)
    return error.response
