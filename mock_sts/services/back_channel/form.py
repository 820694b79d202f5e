"""What requests to the back channel (token endpoint, PAR) have in common before anything in them is looked at."""

import hashlib

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


#: So much is kept of names in an address.
_LONGEST_NAME, _MOST_NAMES = 60, 20


@value_type
class BackChannelCall:
    """A request as it came over HTTP; ``preflight_of`` is the page for which a browser asks whether it may send one.
    ``in_url`` are the names of the parameters in its address, which should have none.
    """

    method: str
    media_type: str
    params: Params
    proofs: tuple[str, ...]
    authorization: str | None
    origin: str | None
    preflight_of: str | None = None
    in_url: tuple[str, ...] = ()


def read_form(context: RequestContext, call: BackChannelCall) -> None:
    """Judge whether the form could be read, and let the journal show it. Raises OAuthError."""
    show_parameters(context, call.params)
    note_in_url(context, call.in_url)
    context.judge(form.CHAPTER, form.FormEvidence(call.method, call.media_type, call.params.fault, call.preflight_of))


def note_in_url(context: RequestContext, names: tuple[str, ...]) -> None:
    """Let the journal show the names of parameters that stand in the address of a request that should have none."""
    if names:
        context.detail["in_url"] = [name[:_LONGEST_NAME] for name in names[:_MOST_NAMES]]


def note_fresh(context: RequestContext, **values: str | None) -> None:
    """Let the journal tell whether values that must be new each time come again, without showing them: a digest of
    each.
    """
    context.detail["fresh"] = {name: digest_of(value) for name, value in values.items() if value}


def digest_of(value: str) -> str:
    """The beginning of the SHA-256 of ``value``, which tells two of them from each other."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def show_parameters(context: RequestContext, params: Params) -> None:
    """Let the journal show the parameters of a request, without the values of those that are secret."""
    context.detail["parameters"] = {name: params.many(name) if name in _SHOWN else "(not kept)" for name in params}
