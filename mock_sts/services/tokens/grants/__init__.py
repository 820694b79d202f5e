"""The grants of the token endpoint, one file each: what is special about it, and nothing that grants share."""

from typing import Protocol

from mock_sts.protocol.params import Params
from mock_sts.services.back_channel.client_authentication import AuthenticatedClient
from mock_sts.services.request_context import RequestContext
from mock_sts.services.tokens.issuing import Authorization


class Grant(Protocol):
    """Decides one kind of token request, after client and proof were found good."""

    def __call__(
        self, context: RequestContext, caller: AuthenticatedClient, params: Params, confirmation: str | None
    ) -> Authorization:
        """What the request is entitled to; ``confirmation`` is the proof's ``jkt``. Raises OAuthError."""
