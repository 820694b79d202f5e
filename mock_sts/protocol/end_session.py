"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

from dataclasses import dataclass

from mock_sts.protocol.params import Params


@dataclass(frozen=True, slots=True)
class EndSessionRequest:
    """The request as sent; None where absent."""

    id_token_hint: str | None
    post_logout_redirect_uri: str | None
    state: str | None
    client_id: str | None = None


def read_end_session(params: Params) -> EndSessionRequest:
    """The request in ``params``."""
    names = ("id_token_hint", "post_logout_redirect_uri", "state", "client_id")
    return EndSessionRequest(*map(params.one, names))
