"""Answers of the token endpoint (RFC 6749 section 5.1)."""

from dataclasses import dataclass

from mock_sts.protocol.terms import TokenType


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A successful answer; ``expires_in`` is in seconds."""

    access_token: str
    expires_in: int
    token_type: TokenType
    scope: str

    def body(self) -> dict[str, str | int]:
        """The JSON members, in the order in which HelseID writes them; absent ones are left out."""
        return {
            "access_token": self.access_token,
            "expires_in": self.expires_in,
            "token_type": self.token_type.value,
            "scope": self.scope,
        }
