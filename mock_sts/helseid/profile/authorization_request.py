"""The chapters on authorization requests: what a login may ask for, pushed or on the front channel."""

import re
from urllib.parse import urlsplit

from mock_sts.helseid.profile.sources import MESSAGE_SIGNING, PAR_PAGE, PRODUCT, PROFILE, RESOURCES_PAGE
from mock_sts.helseid.profile.token_request import registered_scopes
from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.requirement import ALWAYS, FROM_HELSEID, FROM_STRICT, NEVER, Chapter, Level, Verdict, holds
from mock_sts.helseid.scopes import IDENTITY_SCOPES, comma_hint
from mock_sts.protocol.addresses import is_loopback_name
from mock_sts.protocol.alphabets import BASE64URL, UNRESERVED_WORDS, strangers
from mock_sts.protocol.authorization_request import RESPONSE_MODES, AuthorizationRequest
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.near_names import nearest_first
from mock_sts.protocol.pkce import S256, is_code, why_no_code
from mock_sts.protocol.redirect_uri import why_unreachable
from mock_sts.protocol.terms import OFFLINE_ACCESS, OPENID, GrantType
from mock_sts.protocol.token_request import MAX_RESOURCE, is_resource_indicator
from mock_sts.protocol.urls import DEFAULT_PORTS
from mock_sts.values import value_type

MUST, SHOULD = Level

PROMPTS = ("none", "login", "consent", "select_account")

#: Longest value of one parameter, in characters. ASP.NET's state has more than a thousand.
MAX_VALUE = 16_384

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@value_type
class AuthorizationEvidence:
    """A request, whose it is, and how it came.

    ``pushed`` says that it came to the PAR endpoint. ``audiences`` are the APIs that the scopes belong to.
    ``signed`` says that a request object brought it, which has a chapter of its own. ``proof_jkt`` is the thumbprint of
    a proof beside a pushed request, or None.
    """

    request: AuthorizationRequest
    client: Client
    pushed: bool
    audiences: tuple[str, ...]
    signed: bool
    proof_jkt: str | None = None


CHAPTER: Chapter[AuthorizationEvidence] = Chapter(
    "authorization-request", "Authorization requests", ErrorCode.INVALID_REQUEST
)


def _not_too_long(name: str, says: str) -> None:
    """Declare that the parameter ``name`` has a bearable length."""

    @CHAPTER.rule(
        f"{name.replace('_', '-')}-length",
        f"{name} has at most {MAX_VALUE} characters",
        level=MUST,
        refused_in=ALWAYS,
        says=says,
        decisive=True,
        remedy=f"send a shorter {name}",
        source="choice of this emulator; HelseID's own limits are not known",
    )
    def length(evidence: AuthorizationEvidence) -> Verdict | None:
        value = getattr(evidence.request, name)
        if not value:
            return None
        size = len(value) if isinstance(value, str) else sum(map(len, value))
        return holds(size <= MAX_VALUE, lambda: f"{size} characters", lambda: f"at most {MAX_VALUE}")


@CHAPTER.rule(
    "no-request-uri",
    "A pushed request carries no request_uri",
    level=MUST,
    refused_in=ALWAYS,
    says="Pushed authorization cannot use request_uri",
    decisive=True,
    remedy="push the parameters themselves",
    source=f"RFC 9126 section 2.1; {PRODUCT}",
)
def no_request_uri(evidence: AuthorizationEvidence) -> Verdict:
    """The answer to a pushed request is one."""
    return holds(evidence.request.request_uri is None, "request_uri is sent", "no request_uri")


@CHAPTER.rule(
    "pushed",
    "The request is pushed (PAR) where the client is registered so",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Pushed authorization is required.",
    decisive=True,
    remedy="send the parameters to the PAR endpoint first, or register require_pushed_authorization_requests: false",
    source=f"{PAR_PAGE}; {PRODUCT}",
)
def pushed(evidence: AuthorizationEvidence) -> Verdict:
    """By registration."""
    needed = evidence.client.require_pushed_authorization_requests
    return holds(evidence.pushed or not needed, "parameters on the front channel", "a request_uri from PAR")


@CHAPTER.rule(
    "pushed-always",
    "Every login begins with PAR",
    level=MUST,
    refused_in=FROM_STRICT,
    says="Pushed authorization is required.",
    decisive=True,
    remedy="send the parameters to the PAR endpoint first",
    source=PROFILE,
)
def pushed_always(evidence: AuthorizationEvidence) -> Verdict:
    """Whatever the registration says."""
    return holds(evidence.pushed, "parameters on the front channel", "a request_uri from PAR")


@CHAPTER.rule(
    "signed",
    "The request comes in a request object where the client is registered so",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Request object required",
    decisive=True,
    remedy="send the parameters as a JWT in request, signed by a registered key, or register "
    "require_signed_request_object: false",
    source=f"RFC 9101 section 10.5; {MESSAGE_SIGNING} section 5.3.1",
)
def signed(evidence: AuthorizationEvidence) -> Verdict:
    """Applies to clients that are registered for it."""
    needed = evidence.client.require_signed_request_object
    return holds(evidence.signed or not needed, "no request object", "the parameter request")


@CHAPTER.rule(
    "redirect-uri",
    "redirect_uri is registered, compared exactly; a loopback address registered without port fits every port",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid redirect_uri",
    decisive=True,
    remedy="send a registered redirect_uri byte for byte, or register the one that is sent",
    source=f"{PAR_PAGE}; RFC 8252 section 7.3",
)
def redirect_uri(evidence: AuthorizationEvidence) -> Verdict:
    """Nothing is ever sent anywhere else."""
    registered = evidence.client.redirect_uris
    return holds(
        is_registered_redirect(evidence.request.redirect_uri, registered),
        lambda: f"redirect_uri is {_shown_redirect(evidence.request.redirect_uri, registered)}",
        lambda: nearest_first(registered, [evidence.request.redirect_uri or ""]),
    )


@CHAPTER.rule(
    "response-type-present",
    "The request has a response_type",
    level=MUST,
    refused_in=ALWAYS,
    says="Missing response_type",
    decisive=True,
    remedy="send response_type=code",
    source=PAR_PAGE,
)
def response_type_present(evidence: AuthorizationEvidence) -> Verdict:
    """Which one is judged next."""
    return holds(evidence.request.response_type is not None, "no response_type", "code")


@CHAPTER.rule(
    "response-type",
    "response_type is code",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.UNSUPPORTED_RESPONSE_TYPE,
    says="Response type not supported",
    decisive=True,
    remedy="send response_type=code; implicit and hybrid flows are advertised, but not for clients of today",
    source=f"{PAR_PAGE}; {PROFILE}",
)
def response_type(evidence: AuthorizationEvidence) -> Verdict:
    """The only flow."""
    return holds(evidence.request.response_type == "code", lambda: evidence.request.response_type, "code")


@CHAPTER.rule(
    "response-mode",
    "response_mode is query or form_post",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.UNSUPPORTED_RESPONSE_TYPE,
    says="Invalid response_mode",
    decisive=True,
    remedy="leave response_mode out (query), or send form_post",
    source=f"{PAR_PAGE}; {PRODUCT}",
)
def response_mode(evidence: AuthorizationEvidence) -> Verdict | None:
    """Where it is sent."""
    mode = evidence.request.response_mode
    if mode is None or mode == "fragment":
        return None
    return holds(mode in RESPONSE_MODES, mode, ", ".join(RESPONSE_MODES))


@CHAPTER.rule(
    "response-mode-fits",
    "A code does not come in a fragment",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid response_mode for response_type",
    decisive=True,
    remedy="leave response_mode out (query), or send form_post",
    source=PRODUCT,
)
def response_mode_fits(evidence: AuthorizationEvidence) -> Verdict | None:
    """Fragments were for the implicit flow."""
    if evidence.request.response_mode is None:
        return None
    return holds(evidence.request.response_mode != "fragment", "fragment", ", ".join(RESPONSE_MODES))


@CHAPTER.rule(
    "grant-allowed",
    "The client is registered for the authorization code flow",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.UNAUTHORIZED_CLIENT,
    says="Invalid grant type for client",
    decisive=True,
    remedy="add authorization_code to grant_types of the client",
    source=f"{PAR_PAGE}; {PRODUCT}",
)
def grant_allowed(evidence: AuthorizationEvidence) -> Verdict:
    """By registration."""
    grants = evidence.client.grant_types
    return holds(GrantType.AUTHORIZATION_CODE in grants, lambda: list(grants), "authorization_code")


@CHAPTER.rule(
    "challenge-present",
    "The request carries a code_challenge (PKCE)",
    level=MUST,
    refused_in=ALWAYS,
    says="code challenge required",
    decisive=True,
    remedy="send code_challenge = base64url(SHA-256(code_verifier)) and code_challenge_method=S256",
    source=f"{PAR_PAGE}; RFC 7636 section 4.3",
)
def challenge_present(evidence: AuthorizationEvidence) -> Verdict:
    """No exception."""
    return holds(evidence.request.code_challenge is not None, "no code_challenge", "a code_challenge")


@CHAPTER.rule(
    "challenge-form",
    "The code_challenge has 43 to 128 characters",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid code_challenge",
    decisive=True,
    remedy="send code_challenge = base64url(SHA-256(code_verifier)), 43 characters without padding",
    source=f"RFC 7636 section 4.2; {PRODUCT}",
)
def challenge_form(evidence: AuthorizationEvidence) -> Verdict:
    """Unreserved characters only."""
    challenge = evidence.request.code_challenge or ""
    return holds(is_code(challenge), lambda: why_no_code(challenge), f"43 to 128 characters of {UNRESERVED_WORDS}")


@CHAPTER.rule(
    "challenge-method",
    "code_challenge_method is S256",
    level=MUST,
    refused_in=ALWAYS,
    says="Transform algorithm not supported",
    decisive=True,
    remedy="send code_challenge_method=S256; without it OAuth means plain",
    source=f"{PAR_PAGE}; {PROFILE}",
)
def challenge_method(evidence: AuthorizationEvidence) -> Verdict:
    """``plain`` is advertised, and refused."""
    method = evidence.request.code_challenge_method
    return holds(method == S256, lambda: method or "absent (plain)", S256)


@CHAPTER.rule(
    "scope-present",
    "The request names its scopes",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid scope",
    decisive=True,
    remedy="send scope, openid among them for a login",
    source=PAR_PAGE,
)
def scope_present(evidence: AuthorizationEvidence) -> Verdict:
    """At least one."""
    return holds(bool(evidence.request.scopes), "no scope", "at least one scope")


_not_too_long("scopes", "Invalid scope")


@CHAPTER.rule(
    "openid",
    "Scopes that speak of the person come with openid",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_SCOPE,
    says="Identity scopes requested, but openid scope is missing",
    remedy="add openid to scope",
    source=PRODUCT,
)
def openid(evidence: AuthorizationEvidence) -> Verdict:
    """Without it there is no ID token to put them into."""
    scopes = evidence.request.scopes
    personal = [scope for scope in scopes if scope in IDENTITY_SCOPES and scope not in (OPENID, OFFLINE_ACCESS)]
    hint = comma_hint(scopes)
    return holds(OPENID in scopes or not personal, lambda: personal, f"{OPENID}; {hint}" if hint else OPENID)


@CHAPTER.rule(
    "scope-allowed",
    "The client is registered for every scope it asks for",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_SCOPE,
    says="Invalid scope",
    remedy="add the scope to scope of the client, or mend its spelling; scopes are case-sensitive",
    source=PAR_PAGE,
)
def scope_allowed(evidence: AuthorizationEvidence) -> Verdict:
    """By registration."""
    strange = [scope for scope in evidence.request.scopes if scope not in evidence.client.scope]
    return holds(not strange, lambda: strange, lambda: registered_scopes(evidence.client, strange))


@CHAPTER.rule(
    "resource-length",
    f"Each resource has at most {MAX_RESOURCE} characters",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_TARGET,
    says="Resource indicator maximum length exceeded",
    decisive=True,
    remedy="send the API's audience, such as nhn:test-public-samplecode",
    source=PRODUCT,
)
def resource_length(evidence: AuthorizationEvidence) -> Verdict:
    """It has its own text."""
    longest = max(map(len, evidence.request.resources), default=0)
    return holds(longest <= MAX_RESOURCE, lambda: f"{longest} characters", lambda: f"at most {MAX_RESOURCE}")


@CHAPTER.rule(
    "resource-form",
    "Each resource is an absolute URI without fragment",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.INVALID_TARGET,
    says="Invalid resource indicator format",
    decisive=True,
    remedy="send the API's audience, such as nhn:test-public-samplecode",
    source=f"RFC 8707 section 2; {PRODUCT}",
)
def resource_form(evidence: AuthorizationEvidence) -> Verdict:
    """HelseID's audiences are such URIs."""
    wrong = [text for text in evidence.request.resources if not is_resource_indicator(text)]
    return holds(not wrong, lambda: wrong, "absolute URIs without fragment")


@CHAPTER.rule(
    "resource-known",
    "Each resource is an API of which a scope is asked for",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_TARGET,
    says="Invalid resource indicator",
    remedy="send the audience of a requested scope's API, or ask for one of its scopes too",
    source=f"{RESOURCES_PAGE}; {PRODUCT}",
)
def resource_known(evidence: AuthorizationEvidence) -> Verdict:
    """Several may be named here."""
    strange = [text for text in evidence.request.resources if text not in evidence.audiences]
    return holds(not strange, lambda: strange, lambda: list(evidence.audiences))


_not_too_long("state", "Invalid state")
_not_too_long("nonce", "Invalid nonce")
_not_too_long("login_hint", "Invalid login_hint")
_not_too_long("acr_values", "Invalid acr_values")
_not_too_long("ui_locales", "Invalid ui_locales")


@CHAPTER.rule(
    "prompt-known",
    f"prompt is one of {', '.join(PROMPTS)}",
    level=MUST,
    refused_in=ALWAYS,
    says="Unsupported prompt mode",
    decisive=True,
    remedy="leave prompt out, or send login to force a new login",
    source=f"OpenID Connect Core section 3.1.2.1; {PRODUCT}",
)
def prompt_known(evidence: AuthorizationEvidence) -> Verdict:
    """``create`` and others are unknown."""
    strange = [prompt for prompt in evidence.request.prompts if prompt not in PROMPTS]
    return holds(not strange, lambda: strange, ", ".join(PROMPTS))


@CHAPTER.rule(
    "prompt-none-alone",
    "prompt=none stands alone",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid prompt",
    remedy="send none without another value",
    source="OpenID Connect Core section 3.1.2.1",
)
def prompt_none_alone(evidence: AuthorizationEvidence) -> Verdict:
    """It contradicts all others."""
    prompts = evidence.request.prompts
    return holds("none" not in prompts or len(prompts) == 1, lambda: list(prompts), "none alone")


@CHAPTER.rule(
    "max-age",
    "max_age is a whole number of seconds, not negative",
    level=MUST,
    refused_in=ALWAYS,
    says="Invalid max_age",
    remedy="send seconds as digits",
    source="OpenID Connect Core section 3.1.2.1",
)
def max_age(evidence: AuthorizationEvidence) -> Verdict | None:
    """Where it is sent."""
    if evidence.request.max_age is None:
        return None
    return holds(seconds_in(evidence.request.max_age) is not None, lambda: evidence.request.max_age, "digits")


@CHAPTER.rule(
    "dpop-jkt-form",
    "dpop_jkt is a thumbprint: 43 characters of base64url",
    level=MUST,
    refused_in=FROM_HELSEID,
    says="Invalid dpop_jkt",
    remedy="send the RFC 7638 thumbprint (SHA-256, base64url) of the DPoP key",
    source="RFC 9449 section 10",
)
def dpop_jkt_form(evidence: AuthorizationEvidence) -> Verdict | None:
    """A wrong one would only show when the code is redeemed, and burn it."""
    sent = evidence.request.dpop_jkt
    if sent is None:
        return None
    return holds(
        _THUMBPRINT.match(sent) is not None,
        lambda: ", ".join(filter(None, (sent, f"{len(sent)} characters", strangers(sent, BASE64URL)))),
        "43 characters of base64url",
    )


@CHAPTER.rule(
    "dpop-jkt",
    "dpop_jkt is the thumbprint of the proof's key, where both are sent",
    level=MUST,
    refused_in=FROM_HELSEID,
    error=ErrorCode.INVALID_DPOP_PROOF,
    says="dpop_jkt does not match the DPoP proof",
    remedy="send the RFC 7638 thumbprint of the key that makes the proof, or one of the two only",
    source="RFC 9449 section 10.1",
)
def dpop_jkt(evidence: AuthorizationEvidence) -> Verdict | None:
    """Either binds the code to the key."""
    sent = evidence.request.dpop_jkt
    if sent is None or evidence.proof_jkt is None:
        return None
    return holds(sent == evidence.proof_jkt, lambda: sent, lambda: evidence.proof_jkt)


@CHAPTER.rule(
    "state-or-nonce",
    "The request carries state or nonce against forged answers",
    level=SHOULD,
    refused_in=NEVER,
    remedy="send a fresh random state and nonce with each login, and check them in the answer",
    source=PROFILE,
)
def state_or_nonce(evidence: AuthorizationEvidence) -> Verdict:
    """PKCE protects too, so their absence is not refused."""
    request = evidence.request
    return holds(request.state is not None or request.nonce is not None, "neither", "state and nonce")


def _shown_redirect(uri: str | None, registered: tuple[str, ...]) -> str:
    """An address that is not accepted, with what is wrong where it is registered as it was sent."""
    if uri and uri in registered and (why := why_unreachable(uri)):
        return f"{uri!r}, which is registered and leads nowhere: {why}"
    return repr(uri)


def is_registered_redirect(uri: str | None, registered: tuple[str, ...]) -> bool:
    """Whether ``uri`` is registered (exactly, or on a loopback host that is registered without a port, over http or
    https), and a browser can be sent there.
    """
    if uri is None or len(uri) > MAX_VALUE or why_unreachable(uri):
        return False
    if uri in registered:
        return True
    try:
        parts = urlsplit(uri)
        name = parts.hostname or ""
        if parts.scheme not in DEFAULT_PORTS or not is_loopback_name(name) or parts.port is None or parts.username:
            return False
    except ValueError:
        return False
    host = f"[{name}]" if ":" in name else name
    return uri.replace(f"{host}:{parts.port}", host, 1) in registered


def seconds_in(text: str) -> int | None:
    """The whole seconds that ``text`` tells, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
