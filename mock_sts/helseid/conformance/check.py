"""A check: a sentence of NHN's that a client is judged by, and the requirements that show it."""

from collections.abc import Callable
from enum import Enum

from mock_sts.helseid.registry.client import Client
from mock_sts.helseid.terms import MULTI_TENANT
from mock_sts.protocol.terms import OFFLINE_ACCESS, GrantType
from mock_sts.values import value_type

#: A text in bokmål and in English.
Both = tuple[str, str]

NONE: Both = ("", "")


class Concerns(Enum):
    """Which clients a check concerns: whether a registration is such a one, and why one that is not is left out."""

    ALL = (lambda client: True, NONE)
    LOGIN = (
        lambda client: GrantType.AUTHORIZATION_CODE in client.grant_types,
        (
            "klienten er ikke registrert for authorization_code, og logger ikke inn personer",
            "the client is not registered for authorization_code, and logs no person in",
        ),
    )
    MACHINE = (
        lambda client: GrantType.CLIENT_CREDENTIALS in client.grant_types,
        (
            "klienten er ikke registrert for client_credentials",
            "the client is not registered for client_credentials",
        ),
    )
    REFRESH = (
        lambda client: GrantType.AUTHORIZATION_CODE in client.grant_types and OFFLINE_ACCESS in client.scope,
        (
            "klienten er ikke registrert for offline_access, og får ingen refresh token",
            "the client is not registered for offline_access, and gets no refresh token",
        ),
    )
    DETAILS = (
        lambda client: client.tenancy == MULTI_TENANT or bool(client.children),
        (
            "klienten er verken registrert som multi-tenant eller med underenheter, og trenger ikke sende detaljer",
            "the client is neither registered as multi-tenant nor with children, and need not send details",
        ),
    )
    REQUEST_OBJECT = (
        lambda client: client.require_signed_request_object,
        (
            "klienten er ikke registrert for request object, og har ikke sendt noe",
            "the client is not registered for request objects, and has sent none",
        ),
    )

    def __init__(self, holds: Callable[[Client], bool], why_not: Both) -> None:
        self.holds = holds
        self.why_not = why_not


@value_type
class Check:
    """One check.

    ``rules`` are the ids of the requirements that must have been looked at for the check to be met; a breach of one of
    ``also`` breaks it as well. One without any is not visible to a server, and ``advice`` says how to show it in the
    review; that of the others says what makes the server see it. ``in_session`` marks what is known in a
    conformance session only; ``either`` says that one of ``rules`` will do. ``source`` is where it is written.
    """

    id: str
    title: Both
    source: str
    advice: Both
    rules: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    concerns: Concerns = Concerns.ALL
    in_session: bool = False
    either: bool = False

    @property
    def linked(self) -> tuple[str, ...]:
        """All requirements that it names."""
        return (*self.rules, *self.also)

    @property
    def visible(self) -> bool:
        """Whether a server can see it."""
        return bool(self.linked)


#: What makes most requests happen.
ANY_TOKEN: Both = ("hent et token", "fetch a token")
LOG_IN: Both = ("logg inn en person", "log a person in")
REFRESH: Both = (
    "logg inn med offline_access, og bruk refresh tokenet",
    "log in with offline_access, and use the refresh token",
)
SESSION: Both = (
    "start en samsvarsøkt (mock-sts conformance start), og la klienten gjøre to kall der",
    "start a conformance session (mock-sts conformance start), and let the client do two calls there",
)
KEEP: Both = (
    "la klienten hente det neste tokenet når det forrige nesten er utløpt; access_token_lifetime gjør ventetiden kort",
    "let the client fetch the next token when the one before is nearly over; access_token_lifetime shortens the wait",
)
