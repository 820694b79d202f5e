"""The chapter on logging out: what brings the browser back to the client. Nothing of it is refused; a page is shown."""

from mock_sts.helseid.profile.authorization_request import is_registered_redirect
from mock_sts.helseid.profile.sources import LOGOUT_PAGE, LOGOUT_SPEC, PRODUCT
from mock_sts.helseid.requirement import NEVER, Chapter, Level, Verdict, holds
from mock_sts.protocol.errors import ErrorCode
from mock_sts.protocol.near_names import nearest_first
from mock_sts.values import value_type

MUST, SHOULD = Level


@value_type
class EndSessionEvidence:
    """What a client sent (None where absent), and what is known of it.

    ``hint_fault`` says why the hint is no ID token of this server for a client of it; it is empty where it is one.
    ``hint_client`` is the client that the hint was made for, ``registered`` are the addresses of that client, and
    ``of_session`` says whether the hint is of the browser's session (None where the browser has none, or the hint is no
    good). ``registered_by`` are the clients, whichever, that have registered the address that was sent.
    """

    hint_sent: bool
    hint_fault: str
    of_session: bool | None
    hint_client: str | None
    client_id: str | None
    uri: str | None
    registered: tuple[str, ...]
    registered_by: tuple[str, ...]

    @property
    def sent(self) -> str:
        """The address, and whose it is, for a person."""
        whose = f"which {', '.join(self.registered_by)} has registered" if self.registered_by else "no client has it"
        return f"post_logout_redirect_uri is {self.uri!r} ({whose})"


CHAPTER: Chapter[EndSessionEvidence] = Chapter("end-session", "Logging out", ErrorCode.INVALID_REQUEST)


@CHAPTER.rule(
    "hint-present",
    "A request that wants the browser back carries an id_token_hint",
    level=SHOULD,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="send the ID token of the login as id_token_hint; without one a page asks the person, and does not go back",
    source=f"{LOGOUT_PAGE}; {LOGOUT_SPEC} section 2",
)
def hint_present(evidence: EndSessionEvidence) -> Verdict | None:
    """It says whose registered addresses count."""
    if evidence.uri is None:
        return None
    return holds(evidence.hint_sent, lambda: f"no id_token_hint; {evidence.sent}", "an id_token_hint")


@CHAPTER.rule(
    "hint",
    "id_token_hint is an ID token of this server",
    level=MUST,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="send the id_token of the token answer as it came; an access token will not do, an expired ID token will",
    source=f"{LOGOUT_SPEC} section 4; {PRODUCT}",
)
def hint(evidence: EndSessionEvidence) -> Verdict | None:
    """Where it is sent."""
    if not evidence.hint_sent:
        return None
    return holds(not evidence.hint_fault, evidence.hint_fault, "an ID token that this server signed")


@CHAPTER.rule(
    "hint-session",
    "id_token_hint is of the session that the browser has",
    level=MUST,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="send the newest ID token of the login in this browser; one of a login before it is no hint",
    source=f"{LOGOUT_SPEC} section 2; {PRODUCT}",
)
def hint_session(evidence: EndSessionEvidence) -> Verdict | None:
    """A page asks the person, and does not go back."""
    if evidence.of_session is None:
        return None
    return holds(evidence.of_session, "the ID token of another session (sid)", "one of the browser's own session")


@CHAPTER.rule(
    "client",
    "client_id, where it is sent, is that of the hint",
    level=MUST,
    refused_in=NEVER,
    remedy="send the client_id that the ID token was made for (aud), or none",
    source=f"{LOGOUT_SPEC} section 2",
)
def client(evidence: EndSessionEvidence) -> Verdict | None:
    """HelseID's product looks at the hint alone."""
    if evidence.client_id is None or evidence.hint_client is None:
        return None
    return holds(evidence.client_id == evidence.hint_client, lambda: repr(evidence.client_id), evidence.hint_client)


@CHAPTER.rule(
    "redirect-uri",
    "post_logout_redirect_uri is registered for the hint's client; a loopback address without port fits every port",
    level=MUST,
    refused_in=NEVER,
    not_as_asked=True,
    remedy="send an address of post_logout_redirect_uris byte for byte, its slash at the end included, or register it",
    source=f"{LOGOUT_PAGE}; {LOGOUT_SPEC} section 3.1",
)
def redirect_uri(evidence: EndSessionEvidence) -> Verdict | None:
    """The browser is sent nowhere else; a page says that the person is logged out."""
    if evidence.uri is None or evidence.hint_client is None:
        return None
    return holds(
        is_registered_redirect(evidence.uri, evidence.registered),
        lambda: evidence.sent,
        lambda: (
            f"registered for {evidence.hint_client}: "
            + (", ".join(nearest_first(evidence.registered, [evidence.uri or ""])) or "none")
        ),
    )
