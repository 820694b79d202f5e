"""The chapter on what a client asks about a token, or wants undone: introspection and revocation."""

from mock_sts.helseid.profile.sources import PRODUCT
from mock_sts.helseid.requirement import ALWAYS, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode, quoted
from mock_sts.values import value_type

MUST = Level.MUST

#: Values of token_type_hint (RFC 7009 section 4.1.2.2).
HINTS = ("access_token", "refresh_token")


@value_type
class TokenManagementEvidence:
    """The ``token`` and the ``hint`` of a request, None where absent; introspection does not look at a hint."""

    token: str | None
    hint: str | None = None


CHAPTER: Chapter[TokenManagementEvidence] = Chapter(
    "token-management", "Revocation and introspection", ErrorCode.INVALID_REQUEST
)


@CHAPTER.rule(
    "token",
    "The form carries the token",
    level=MUST,
    refused_in=ALWAYS,
    decisive=True,
    remedy="send the token that is meant as token",
    source=f"RFC 7009 section 2.1; RFC 7662 section 2.1; {PRODUCT}",
)
def token(evidence: TokenManagementEvidence) -> Verdict:
    """Which one is meant."""
    return holds(evidence.token is not None, "no token in the form", "a token")


@CHAPTER.rule(
    "hint",
    "token_type_hint, where it is sent, names a type of token",
    level=MUST,
    refused_in=ALWAYS,
    error=ErrorCode.UNSUPPORTED_TOKEN_TYPE,
    remedy=f"send {' or '.join(HINTS)}, or leave it out",
    source=f"RFC 7009 section 2.2.1; {PRODUCT}",
)
def hint(evidence: TokenManagementEvidence) -> Verdict | None:
    """For revocation only."""
    if evidence.hint is None:
        return None
    return holds(evidence.hint in HINTS, lambda: quoted(evidence.hint), " or ".join(HINTS))
