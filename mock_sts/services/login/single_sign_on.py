"""Single sign-on: whether the login of a browser's session answers a request, without another login."""

from mock_sts.helseid.profile.authorization_request import seconds_in
from mock_sts.helseid.providers import asked_for, level_asked_for
from mock_sts.helseid.testidp import LoginIntent
from mock_sts.services.login.authorization_request import Pending
from mock_sts.services.login.automation import LoginScript
from mock_sts.services.request_context import RequestContext
from mock_sts.store.records import LoginFacts, LoginSession


def is_good(context: RequestContext, pending: Pending, session: LoginSession, script: LoginScript | None) -> bool:
    """Whether the browser's ``session`` answers ``pending`` without another login; ``script`` steers the login,
    or is None.
    """
    request, login = pending.request, session.login
    age = context.times.now - login.began_at
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
        or (provider is not None and provider.scheme != login.idp)
        or login.idp not in [one.scheme for one in allowed]
        or (level is not None and login.security_level < level)
        or (script is not None and script.binding and _is_another(script.intent, login))
    )


def _is_another(intent: LoginIntent | None, login: LoginFacts) -> bool:
    """Whether ``intent`` is another login than the session's: of another person, or with another number or level."""
    return intent is not None and (
        intent.pid != login.pid
        or intent.hpr_number != login.hpr_number
        or intent.security_level not in (None, login.security_level)
    )
