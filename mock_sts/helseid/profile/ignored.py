"""The chapter on what is sent and not used: HelseID answers, and what was asked for is not in the answer."""

from collections.abc import Collection, Iterable

from mock_sts.helseid.details import ASSERTION_DETAILS, AUTHORIZATION_DETAILS
from mock_sts.helseid.profile.sources import PAR_PAGE, PRODUCT
from mock_sts.helseid.providers import understood_acr_values
from mock_sts.helseid.requirement import NEVER, Chapter, Level, Verdict, holds
from mock_sts.helseid.terms import language_in
from mock_sts.helseid.testidp import PARAMETERS as TEST_PARAMETERS
from mock_sts.protocol import authorization_request, token_request
from mock_sts.protocol.authorization_request import AuthorizationRequest
from mock_sts.protocol.client_assertion import PARAMETERS as CREDENTIALS
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.near_names import did_you_mean, nearest_first
from mock_sts.values import value_type

SHOULD = Level.SHOULD

#: What HelseID reads of each sort of request; other things may stand beside it.
AUTHORIZATION_PARAMETERS = frozenset(
    (
        *authorization_request.PARAMETERS,
        *CREDENTIALS,
        *TEST_PARAMETERS,
        ASSERTION_DETAILS,
        AUTHORIZATION_DETAILS,
        "request",
        "request_uri",
    )
)
TOKEN_PARAMETERS = frozenset((*token_request.PARAMETERS, *CREDENTIALS))

#: Parameters of the standards that a client may count on, and that HelseID does not read there.
_STANDARD = frozenset(
    (
        "actor_token",
        "actor_token_type",
        "audience",
        ASSERTION_DETAILS,
        AUTHORIZATION_DETAILS,
        "claims",
        "claims_locales",
        "display",
        "id_token_hint",
        "registration",
    )
)

#: How like a known name an unknown one must be to be taken for a slip, from 0 to 1; libraries send names of their own.
_LIKE = 0.85

#: How many unknown names are looked at, and how many characters of each.
_MOST_NAMES, _LONGEST_NAME = 20, 60


@value_type
class IgnoredEvidence:
    """The names of the parameters of a request, and those that are read there.

    ``request`` is what an authorization request asks for (None at the token endpoint), ``schemes`` are the identity
    providers that its client may use here.
    """

    sent: Iterable[str]
    read: Collection[str]
    request: AuthorizationRequest | None = None
    schemes: tuple[str, ...] = ()


CHAPTER: Chapter[IgnoredEvidence] = Chapter("ignored", "What is sent and not used", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "parameters",
    "Every parameter is one that HelseID reads there, or none that a client could take for one",
    level=SHOULD,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="mend the name, or leave the parameter out: it is ignored",
    source="RFC 6749 sections 3.1 and 3.2; the documentation of the endpoints",
)
def parameters(evidence: IgnoredEvidence) -> Verdict:
    """A slip, and what the standards have beyond HelseID. Names of a library's own are no mistake."""
    unknown = [name for name in evidence.sent if name not in evidence.read]
    if not unknown:
        return holds(True)
    meant = {name: _meant(name, evidence.read) for name in unknown[:_MOST_NAMES]}
    wrong = [name for name, asked in meant.items() if asked or name in _STANDARD]
    return holds(
        not wrong,
        lambda: ", ".join(repr(name[:_LONGEST_NAME]) for name in wrong),
        lambda: " ".join(filter(None, meant.values())) or "only what HelseID reads here",
    )


@CHAPTER.rule(
    "acr-values",
    "acr_values holds words that HelseID knows, and names providers that the client may use",
    level=SHOULD,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="mend the word, upper and lower case included; HelseID ignores what it does not know",
    source=f"HelseID documentation, Styre innlogging; {PRODUCT}",
)
def acr_values(evidence: IgnoredEvidence) -> Verdict | None:
    """``level4`` asks for nothing."""
    if evidence.request is None or not evidence.request.acr_values:
        return None
    known = understood_acr_values(evidence.schemes)
    strange = [word for word in evidence.request.acr_values if word not in known]
    return holds(not strange, lambda: strange, lambda: ", ".join(nearest_first(known, strange)))


@CHAPTER.rule(
    "ui-locales",
    "ui_locales holds a language that HelseID's pages have",
    level=SHOULD,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="send nb-no or en-us; with no language that is known the pages are in bokmål",
    source=f"HelseID documentation, Styre innlogging; {PAR_PAGE}",
)
def ui_locales(evidence: IgnoredEvidence) -> Verdict | None:
    """One that is known is enough."""
    if evidence.request is None or not evidence.request.ui_locales:
        return None
    found = [language_in(locale) for locale in evidence.request.ui_locales]
    return holds(any(found), lambda: list(evidence.request.ui_locales if evidence.request else ()), "nb-no or en-us")


@CHAPTER.rule(
    "prompt-consent",
    "prompt does not ask for consent, for which HelseID has no page",
    level=SHOULD,
    refused_in=NEVER,
    remedy="leave consent out; send login where the person must log in anew",
    source="HelseID documentation, Sikkerhetsprofil",
)
def prompt_consent(evidence: IgnoredEvidence) -> Verdict | None:
    """Libraries send it with offline_access; it is advertised, and does nothing."""
    if evidence.request is None or not evidence.request.prompts:
        return None
    return holds("consent" not in evidence.request.prompts, "consent", "none, login or select_account")


def _meant(name: str, known: Iterable[str]) -> str:
    """The question after the name that ``name`` was probably meant to be, or an empty string."""
    return did_you_mean(name[:_LONGEST_NAME], known, at_most=1, cutoff=_LIKE, quoted=False)
