"""Two chapters on what no single request shows: how a client goes on from one request to the next.

They refuse nothing. A report judges them, over the entries of the journal.
"""

from collections.abc import Mapping
from dataclasses import field

from mock_sts.helseid.profile.sources import ASSERTION_PAGE, FAPI, LOGOUT_PAGE, PAR_PAGE, PROFILE
from mock_sts.helseid.requirement import NEVER, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode
from mock_sts.values import value_type

MUST, SHOULD = Level

#: A new token is early while more than this share of the life of the one before is left, and more seconds than that:
#: libraries count some off for the way.
EARLY, MARGIN = 0.25, 30

#: So many fetches of one document are no sign that it is not kept: a program starts, and starts again.
FEW_FETCHES = 2

#: Seconds that a client's clock may differ from ours, by what its assertions say.
CLOCK_DRIFT = 5

#: Parameters that no address may hold: addresses are written to logs, and sent on as Referer.
SECRET_PARAMETERS = frozenset(
    {
        "access_token",
        "actor_token",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "refresh_token",
        "subject_token",
        "token",
    }
)

#: The algorithms that the newest page of the profile names.
NEWEST_ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512")

_SEVERAL = "RFC 6749 sections 10.10 and 10.12; OpenID Connect Core section 15.5.2"


@value_type
class Moment:
    """One entry of a client, in the light of those before it. None, or an empty mapping, is nothing to judge.

    ``used_before`` has a number for each value that must be fresh, by its parameter: of the entry that had the same
    before, 0 for a fresh one. ``life`` and ``left`` are the life of the token before, of the same person, scopes, API,
    organization and key, and what was left of it, in seconds, and ``by_refresh`` whether a refresh token brought the
    next; ``same_key`` says whether the key of the proof is that of
    the token before, of the same person, scopes and API, which still lives. ``newest_refresh_token`` says whether the
    refresh token is the newest of its login; ``in_url`` are the parameters in the address of a request that should have
    none.
    """

    used_before: Mapping[str, int] = field(default_factory=dict)
    life: int = 0
    left: int | None = None
    by_refresh: bool = False
    same_key: bool | None = None
    newest_refresh_token: bool | None = None
    in_url: tuple[str, ...] | None = None
    algorithms: tuple[str, ...] = ()


CHAPTER: Chapter[Moment] = Chapter("conduct", "From one request to the next", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "fresh-state",
    "Each login has a state of its own",
    level=MUST,
    refused_in=NEVER,
    remedy="make a new random state for each authorization request, and bind it to the browser's session",
    source=f"{PROFILE}; {_SEVERAL}",
)
def fresh_state(evidence: Moment) -> Verdict | None:
    """Compared by digest; a request without state is the subject of another rule."""
    return _fresh(evidence, "state")


@CHAPTER.rule(
    "fresh-nonce",
    "Each login has a nonce of its own",
    level=MUST,
    refused_in=NEVER,
    remedy="make a new random nonce for each authorization request, and compare it with that of the ID token",
    source=f"{PROFILE}; {_SEVERAL}",
)
def fresh_nonce(evidence: Moment) -> Verdict | None:
    """Compared by digest."""
    return _fresh(evidence, "nonce")


@CHAPTER.rule(
    "fresh-verifier",
    "Each login has a code_verifier of its own (PKCE)",
    level=MUST,
    refused_in=NEVER,
    remedy="make a new random code_verifier for each authorization request",
    source=f"{PAR_PAGE}; RFC 7636 section 7.1",
)
def fresh_verifier(evidence: Moment) -> Verdict | None:
    """The same code_challenge comes from the same verifier."""
    return _fresh(evidence, "code_challenge")


@CHAPTER.rule(
    "token-kept",
    "A new access token is fetched when the one before is nearly over, not before",
    level=MUST,
    refused_in=NEVER,
    remedy="keep the access token until expires_in has nearly passed, for all that use the same scopes, API and "
    "organization",
    source=f"{PROFILE}, FK3",
)
def token_kept(evidence: Moment) -> Verdict | None:
    """Only tokens for the same person, scopes, API and organization, bound to the same key, are compared."""
    return None if evidence.by_refresh else _not_early(evidence)


@CHAPTER.rule(
    "refresh-kept",
    "An access token is refreshed when it is nearly over, not before",
    level=SHOULD,
    refused_in=NEVER,
    remedy="refresh when expires_in has nearly passed, or when another organization or API is needed",
    source=f"{PROFILE}, FK3",
)
def refresh_kept(evidence: Moment) -> Verdict | None:
    """Only a should: a person may have asked for it."""
    return _not_early(evidence) if evidence.by_refresh else None


@CHAPTER.rule(
    "proof-key",
    "The DPoP key stays the same while a token that is bound to it lives",
    level=SHOULD,
    refused_in=NEVER,
    remedy="keep the DPoP key for at least as long as the token; several instances of a program may each have their "
    "own, then this is no fault",
    source="HelseID documentation, Håndtering av hemmeligheter",
)
def proof_key(evidence: Moment) -> Verdict | None:
    """Only a should: the server cannot tell a second instance from a key that is made anew each time."""
    if evidence.same_key is None:
        return None
    return holds(evidence.same_key, "another key, while the token before lives", "the key of that token")


@CHAPTER.rule(
    "newest-refresh-token",
    "A refresh uses the newest refresh token of its login",
    level=MUST,
    refused_in=NEVER,
    remedy="replace the kept refresh token by that of each token answer, before it is used again",
    source=f"HelseID documentation, Refresh token; {FAPI} section 5.3.2.1",
)
def newest_refresh_token(evidence: Moment) -> Verdict | None:
    """Where the server gives the same one again, that is the newest."""
    if evidence.newest_refresh_token is None:
        return None
    return holds(evidence.newest_refresh_token, "an older one", "the one of the newest answer")


@CHAPTER.rule(
    "nothing-in-url",
    "No token and no secret stands in an address",
    level=MUST,
    refused_in=NEVER,
    remedy="send tokens in the Authorization header, everything else in the form body",
    source=f"{PROFILE}; RFC 9700 section 4.3.2",
)
def nothing_in_url(evidence: Moment) -> Verdict | None:
    """Of requests to PAR, the token endpoint, userinfo and their like."""
    if evidence.in_url is None:
        return None
    found = [name for name in evidence.in_url if name in SECRET_PARAMETERS]
    return holds(not found, lambda: f"{', '.join(found)} in the address", "none")


@CHAPTER.rule(
    "algorithm-newest",
    "Assertions and proofs are signed with an algorithm that the newest page of the profile names",
    level=SHOULD,
    refused_in=NEVER,
    remedy=f"sign with one of {', '.join(NEWEST_ALGORITHMS)}; an RSA key can sign PS256",
    source=f"{PROFILE}, cryptographic requirements",
)
def algorithm_newest(evidence: Moment) -> Verdict | None:
    """HelseID takes RS256 and its like still."""
    if not evidence.algorithms:
        return None
    old = [name for name in evidence.algorithms if name not in NEWEST_ALGORITHMS]
    return holds(not old, lambda: ", ".join(old), lambda: " or ".join(NEWEST_ALGORITHMS))


def _not_early(evidence: Moment) -> Verdict | None:
    left, life = evidence.left, evidence.life
    if left is None or life <= MARGIN:
        return None
    most = max(MARGIN, int(EARLY * life))
    return holds(left <= most, lambda: f"{left} of {life} seconds of the one before were left", f"{most} s at most")


def _fresh(evidence: Moment, name: str) -> Verdict | None:
    before = evidence.used_before.get(name)
    if before is None:
        return None
    return holds(not before, lambda: f"the same as in entry {before} of the journal", "a new one")


@value_type
class Span:
    """All that a client did in a span, counted.

    ``fetches`` are those of the metadata and of the keys, by what was fetched, where they are known to be the client's:
    None outside a conformance session. ``calls`` are its requests to PAR and the token endpoint, but for those that met
    a nonce challenge and were repeated; ``offsets`` how many seconds its clock was ahead of ours, by the ``iat`` of
    each assertion.
    """

    fetches: Mapping[str, int] | None
    calls: int
    logins: int
    logouts: int
    offsets: tuple[float, ...] = ()

    @property
    def drift(self) -> float | None:
        """How far its clock is ahead, in seconds: the upper quartile of the offsets, for requests take time on their
        way, and only the quick ones tell.
        """
        ordered = sorted(self.offsets)
        return ordered[3 * len(ordered) // 4] if ordered else None


SPAN_CHAPTER: Chapter[Span] = Chapter("span", "Over all requests of a client", ErrorCode.INVALID_REQUEST)


@SPAN_CHAPTER.rule(
    "metadata-used",
    "The addresses of the endpoints come from the metadata",
    level=MUST,
    refused_in=NEVER,
    remedy="read <issuer>/.well-known/openid-configuration when the program starts, and take every address from it",
    source=f"{PROFILE}, FK2",
)
def metadata_used(evidence: Span) -> Verdict | None:
    """A client that never fetched it has its addresses from somewhere else."""
    if evidence.fetches is None or not evidence.calls:
        return None
    return holds(evidence.fetches.get("metadata", 0) > 0, f"{evidence.calls} calls, and no fetch", "one fetch at least")


@SPAN_CHAPTER.rule(
    "metadata-kept",
    "Metadata and keys are kept, not fetched for each call",
    level=MUST,
    refused_in=NEVER,
    remedy="keep both for 24 hours; fetch the keys again when a token names one that is not among them",
    source=f"{PROFILE}, FK2",
)
def metadata_kept(evidence: Span) -> Verdict | None:
    """Judged from two calls on: with one, each fetch is the first. What is fetched as often as there are calls, and
    more often than a program starts, is not kept.
    """
    fetches, calls = evidence.fetches, evidence.calls
    if not fetches or calls < FEW_FETCHES:
        return None
    often = {name: count for name, count in fetches.items() if count > FEW_FETCHES and count >= calls}
    return holds(
        not often,
        lambda: ", ".join(f"{count} fetches of {name}" for name, count in often.items()) + f" for {calls} calls",
        f"{FEW_FETCHES} fetches at most, or fewer than calls",
    )


@SPAN_CHAPTER.rule(
    "clock",
    f"The client's clock is within {CLOCK_DRIFT} seconds of ours",
    level=SHOULD,
    refused_in=NEVER,
    remedy="synchronise the clock of the machine (ntp.nhn.no)",
    source=f"{PROFILE}, FK4; {ASSERTION_PAGE}",
)
def clock(evidence: Span) -> Verdict | None:
    """By many requests, so that a late or odd one does not count. Each is judged by rules of its own as well."""
    drift = evidence.drift
    if drift is None:
        return None
    return holds(
        abs(drift) <= CLOCK_DRIFT,
        lambda: f"{abs(drift):.0f} s {'ahead' if drift > 0 else 'behind'}",
        f"within {CLOCK_DRIFT} s",
    )


@SPAN_CHAPTER.rule(
    "logout",
    "A client that logs people in logs them out at HelseID too",
    level=SHOULD,
    refused_in=NEVER,
    remedy="send the browser to end_session_endpoint with id_token_hint and post_logout_redirect_uri",
    source=LOGOUT_PAGE,
)
def logout(evidence: Span) -> Verdict | None:
    """One logout shows that the client can."""
    if not evidence.logins:
        return None
    return holds(evidence.logouts > 0, f"{evidence.logins} logins, no logout", "a logout")
