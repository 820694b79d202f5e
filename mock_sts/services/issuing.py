"""From the decision of a grant to tokens. Claims are made before the write, signatures after it."""

import secrets
from dataclasses import dataclass
from typing import Any

from mock_sts.helseid.claims import AccessTokenFacts, access_token_claims, access_token_lifetime
from mock_sts.helseid.registry import ApiResource, Client
from mock_sts.protocol.terms import TokenType
from mock_sts.protocol.token_response import TokenResponse
from mock_sts.services.exchange import Exchange

ACCESS_TOKEN_TYP = "at+jwt"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The result of any grant: for whom, to what, and bound to which key."""

    client: Client
    scopes: tuple[str, ...]
    apis: tuple[ApiResource, ...]
    confirmation: str | None


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Tokens that are decided and journaled, but not signed yet."""

    claims: dict[str, Any]
    lifetime: int
    authorization: Authorization

    def signed(self, exchange: Exchange) -> TokenResponse:
        """Sign: the one expensive step, taken when nothing can refuse any more."""
        return TokenResponse(
            access_token=exchange.sts.keyring.sign(self.claims, ACCESS_TOKEN_TYP),
            expires_in=self.lifetime,
            token_type=TokenType.DPOP if self.authorization.confirmation else TokenType.BEARER,
            scope=" ".join(self.authorization.scopes),
        )


def prepare_tokens(exchange: Exchange, authorization: Authorization) -> Unsigned:
    """The claims of the tokens for ``authorization``."""
    lifetime = access_token_lifetime(
        authorization.client, authorization.apis, exchange.sts.policy.access_token_lifetime
    )
    claims = access_token_claims(
        AccessTokenFacts(
            issuer=exchange.urls.issuer.base,
            issued_at=exchange.times.wall,
            lifetime=lifetime,
            client=authorization.client,
            scopes=authorization.scopes,
            apis=authorization.apis,
            confirmation=authorization.confirmation,
            jti=secrets.token_hex(16).upper(),
        )
    )
    exchange.detail["access_token"] = claims
    return Unsigned(claims, lifetime, authorization)
