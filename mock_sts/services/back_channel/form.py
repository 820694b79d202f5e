"""What requests to the back channel (token endpoint, PAR) have in common before anything in them is looked at."""

from mock_sts.helseid.profile import form
from mock_sts.protocol.params import Params
from mock_sts.services.request_context import RequestContext
from mock_sts.values import value_type

#: Parameters whose values the journal may show; the others hold secrets or assertions.
_SHOWN = (
    "acr_values",
    "client_id",
    "client_assertion_type",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "grant_type",
    "login_hint",
    "max_age",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "subject_token_type",
    "test_hpr_number",
    "test_pid",
    "test_security_level",
    "ui_locales",
)


@value_type
class BackChannelCall:
    """A request as it came over HTTP; ``preflight_of`` is the page for which a browser asks whether it may send one."""

    method: str
    media_type: str
    params: Params
    proofs: tuple[str, ...]
    authorization: str | None
    origin: str | None
    preflight_of: str | None = None


def read_form(context: RequestContext, call: BackChannelCall) -> None:
    """Judge whether the form could be read, and let the journal show it. Raises OAuthError."""
    show_parameters(context, call.params)
    context.judge(form.CHAPTER, form.FormEvidence(call.method, call.media_type, call.params.fault, call.preflight_of))


def show_parameters(context: RequestContext, params: Params) -> None:
    """Let the journal show the parameters of a request, without the values of those that are secret."""
    context.detail["parameters"] = {name: params.many(name) if name in _SHOWN else "(not kept)" for name in params}
