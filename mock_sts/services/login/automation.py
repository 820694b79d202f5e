"""Logins without a page: what the request, a queue, a cookie or the settings say of who logs in, and how it ends.

The first of these that says something counts: the TestIDP's own parameters, ``login_hint``, a scripted login of the
queue, the persona cookie of the browser, and in the mode ``auto`` the default persona.
"""

from collections.abc import Mapping
from enum import StrEnum

from mock_sts.helseid import testidp
from mock_sts.helseid.eids import Provider
from mock_sts.helseid.identifiers import is_pid
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.terms import LOGIN_AUTO, LOGIN_PAGE
from mock_sts.helseid.testidp import LoginIntent, LoginIntentError, read_login_intent
from mock_sts.protocol.errors import ErrorCode, OAuthError, quoted
from mock_sts.protocol.private_keys import without_private_text
from mock_sts.services.environment import Environment
from mock_sts.services.request_context import RequestContext
from mock_sts.values import value_type

#: The beginnings of a ``login_hint`` that we understand.
HINT_PID, HINT_PERSONA, HINT_OUTCOME = "testid:", "persona:", "outcome:"


class Outcome(StrEnum):
    """How a login ends. What the errors are for the client is inferred, except for a login that is cancelled."""

    SUCCESS = "success"
    ACCESS_DENIED = "access_denied"
    LEVEL_TOO_LOW = "level_too_low"
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    LOGIN_REQUIRED = "login_required"
    INTERACTION_REQUIRED = "interaction_required"


#: What the client hears of an outcome.
_ERRORS: Mapping[Outcome, tuple[ErrorCode, str]] = {
    Outcome.ACCESS_DENIED: (ErrorCode.ACCESS_DENIED, "The login was cancelled"),
    Outcome.LEVEL_TOO_LOW: (ErrorCode.ACCESS_DENIED, "The security level of the login is too low"),
    Outcome.PROVIDER_ERROR: (ErrorCode.TEMPORARILY_UNAVAILABLE, "The identity provider reported an error"),
    Outcome.TIMEOUT: (ErrorCode.TEMPORARILY_UNAVAILABLE, "The identity provider did not answer in time"),
    Outcome.LOGIN_REQUIRED: (ErrorCode.LOGIN_REQUIRED, ""),
    Outcome.INTERACTION_REQUIRED: (ErrorCode.INTERACTION_REQUIRED, ""),
}


@value_type
class LoginScript:
    """What steers a login: who (None: the person who is logged in, or the page decides), and how it ends.

    ``binding`` says that another person's session will not do.
    """

    intent: LoginIntent | None
    outcome: Outcome = Outcome.SUCCESS
    binding: bool = True


def error_of(outcome: Outcome) -> OAuthError:
    """What the client hears of a login that ends with ``outcome``, which is no success."""
    code, description = _ERRORS[outcome]
    return OAuthError(code, description, detail=f"the login was scripted to end with {outcome.value}")


def script_of(
    context: RequestContext,
    client: Client,
    hints: Mapping[str, str],
    login_hint: str | None,
    redirect_uri: str,
    persona_cookie: str | None,
    provider: Provider | None,
) -> LoginScript | None:
    """The script of this login; None when there is none. ``provider`` is where it would take place without a page.

    Raises LoginIntentError and UnknownPersonError for a name that no person has.
    """
    policy = context.environment.policy
    mode = client.login_mode or policy.login_mode
    if mode == LOGIN_PAGE:
        return None
    if provider is not None and provider.is_testidp:
        # Only the TestIDP knows these parameters; with another provider they mean nothing.
        intent = read_login_intent(hints)
        hinted = _hinted(context, login_hint)
        if intent is not None and hinted is not None and hinted.intent is not None:
            _agree(intent, hinted.intent)
        if intent is not None:
            return LoginScript(intent, hinted.outcome if hinted is not None else Outcome.SUCCESS)
        if hinted is not None:
            return hinted
    else:
        if testidp.PID in hints:
            where = f"would take place at {provider.scheme}" if provider is not None else "has no provider"
            context.warn(f"{testidp.PID} is ignored: only the TestIDP knows it, and this login {where}")
        if (hinted := _hinted(context, login_hint)) is not None:
            return hinted
    ordered = _ordered(context, client, redirect_uri)
    if ordered is not None:
        return ordered
    if persona_cookie:
        return LoginScript(LoginIntent(pid_of(context.environment, persona_cookie), None, None))
    if mode == LOGIN_AUTO:
        name = client.default_persona or policy.default_persona
        return LoginScript(LoginIntent(pid_of(context.environment, name), None, None), binding=False)
    return None


def pid_of(environment: Environment, name: str) -> str:
    """The pid of the persona called ``name``, which may be a pid itself. Raises UnknownPersonError."""
    return name if is_pid(name) else environment.people.pid_of(name)


def _hinted(context: RequestContext, login_hint: str | None) -> LoginScript | None:
    """What ``login_hint`` tells; anything but our own forms is a hint for a form, and tells nothing here."""
    hint = login_hint or ""
    if hint.startswith(HINT_PID):
        pid = hint.removeprefix(HINT_PID)
        if not is_pid(pid):
            raise LoginIntentError(f"login_hint={HINT_PID} must be followed by eleven digits")
        return LoginScript(LoginIntent(pid, None, None))
    if hint.startswith(HINT_PERSONA):
        return LoginScript(LoginIntent(pid_of(context.environment, hint.removeprefix(HINT_PERSONA)), None, None))
    if hint.startswith(HINT_OUTCOME):
        return LoginScript(None, read_outcome(hint.removeprefix(HINT_OUTCOME)))
    return None


def read_outcome(text: str) -> Outcome:
    """The outcome called ``text``. Raises LoginIntentError."""
    try:
        return Outcome(text)
    except ValueError:
        raise LoginIntentError(
            f"{quoted(without_private_text(text), 40)} is no outcome; these are {', '.join(Outcome)}"
        ) from None


def _agree(parameters: LoginIntent, hint: LoginIntent) -> None:
    if parameters.pid != hint.pid:
        raise LoginIntentError(f"{testidp.PID} and login_hint name different people")


def _ordered(context: RequestContext, client: Client, redirect_uri: str) -> LoginScript | None:
    queue = context.environment.login_queue
    if queue.is_empty(context.times.now):
        return None
    # Taken before the outcome is known: a scripted login is for one login, whether that succeeds or not.
    with context.environment.store.writing() as transaction:
        order = queue.take(transaction, client.client_id, redirect_uri, context.times.now)
    if order is None:
        return None
    context.detail["login_order"] = order.id
    intent = None if order.pid is None else LoginIntent(order.pid, None, None)
    return LoginScript(intent, Outcome(order.outcome))
