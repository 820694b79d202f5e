"""The token endpoint: phases that every grant shares, in the order of the real one.

So a grant cannot forget a shared step, and a request with two faults gets the same first error as at HelseID.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mock_sts.helseid.profile import form, token_request
from mock_sts.protocol.errors import ErrorCode, OAuthError
from mock_sts.protocol.params import Params
from mock_sts.protocol.terms import Endpoint, GrantType
from mock_sts.protocol.token_response import TokenResponse
from mock_sts.services.client_authentication import authenticate_client
from mock_sts.services.dpop import check_proof
from mock_sts.services.exchange import Exchange
from mock_sts.services.grants import Grant, client_credentials
from mock_sts.services.issuing import prepare_tokens

#: Grant to its decision. What is not here is answered with unsupported_grant_type.
GRANTS: Mapping[str, Grant] = {GrantType.CLIENT_CREDENTIALS: client_credentials.authorize}

#: Parameters whose values the journal may show; the others hold secrets or assertions.
_SHOWN = (
    "client_id",
    "client_assertion_type",
    "grant_type",
    "redirect_uri",
    "resource",
    "scope",
    "subject_token_type",
)


@dataclass(frozen=True, slots=True)
class TokenCall:
    """A request to the token endpoint as it came over HTTP."""

    method: str
    media_type: str
    params: Params
    proofs: tuple[str, ...]
    authorization: str | None
    origin: str | None


def issue_token(exchange: Exchange, call: TokenCall) -> TokenResponse:
    """Answer a token request. Raises OAuthError; ``exchange`` is open and journals it."""
    params = call.params
    exchange.detail["parameters"] = {name: params.many(name) if name in _SHOWN else "(not kept)" for name in params}
    # 1. A form that can be read.
    exchange.judge(form.CHAPTER, form.FormEvidence(call.method, call.media_type, params.fault))
    # 2. The client.
    client = authenticate_client(exchange, params, call.authorization)
    # 3. One proof at most; a grant_type; one well-formed resource at most; a proof where the client must send one.
    grant_type = params.one("grant_type")
    exchange.judge(
        token_request.CHAPTER,
        token_request.TokenRequestEvidence(
            proofs=len(call.proofs),
            grant_type=grant_type,
            resources=params.many("resource"),
            client=client.client,
            client_id_sent="client_id" in params,
            origin=call.origin,
        ),
    )
    # 4. The proof and its nonce. Before it is found good nothing is used up: clients repeat the same assertion.
    try:
        confirmation = check_proof(exchange, call.proofs, Endpoint.TOKEN, call.method)
    except OAuthError as error:
        if error.code is ErrorCode.USE_DPOP_NONCE:
            exchange.note_challenged(client.use.once)
        raise
    exchange.use_up(client.use)
    # 5. The grant: known, allowed, and what it comes to.
    grant_type = grant_type or ""
    exchange.judge(
        token_request.GRANT_CHAPTER,
        token_request.GrantEvidence(grant_type, frozenset(GRANTS), client.client),
    )
    authorization = GRANTS[grant_type](exchange, client, params, confirmation)
    # 6. One write, which decides every race. 7. Signatures.
    tokens = prepare_tokens(exchange, authorization)
    exchange.finish()
    return tokens.signed(exchange)
