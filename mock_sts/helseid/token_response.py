"""Answers of the token endpoint (RFC 6749 section 5.1) as HelseID writes them, with the member that it adds."""

from mock_sts.protocol.terms import TokenType
from mock_sts.values import value_type


@value_type
class TokenResponse:
    """A successful answer; ``expires_in`` and ``rt_expires_in`` (HelseID's own member) are in seconds.

    ``issued_token_type`` is for token exchange (RFC 8693 section 2.2.1).
    """

    access_token: str
    expires_in: int
    token_type: TokenType
    scope: str
    id_token: str | None = None
    refresh_token: str | None = None
    rt_expires_in: int | None = None
    issued_token_type: str | None = None

    def body(self) -> dict[str, str | int]:
        """The JSON members, in the order in which HelseID writes them; absent ones are left out."""
        members: dict[str, str | int | None] = {
            "id_token": self.id_token,
            "access_token": self.access_token,
            "issued_token_type": self.issued_token_type,
            "expires_in": self.expires_in,
            "token_type": self.token_type.value,
            "refresh_token": self.refresh_token,
            "scope": self.scope,
            "rt_expires_in": self.rt_expires_in,
        }
        return {name: value for name, value in members.items() if value is not None}
